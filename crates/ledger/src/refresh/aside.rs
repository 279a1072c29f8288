//! What a step made before is set aside while it runs again, and put back when it does not come to its end.
//!
//! ```text
//! .keizu/refresh/
//!   lock            held while a refresh goes on
//!   000001/         one step that is running
//!     journal       which files were set aside, as they stood
//!     before        names of all files of the project when the step began
//!     started       process id of the step, once there is one
//!     0, 1, …       copies (shared with the original where the file system can)
//! ```
//!
//! The originals stay where they are: the step may read them. A folder that is left over belongs to a refresh that was killed.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io::{self, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use keizu_capture::event::Stat;
use keizu_record::FilePath;
use keizu_record::manifest::Names;
use serde::{Deserialize, Serialize};

use crate::FOLDER;
use crate::files::stat;

const JOURNAL: &str = "journal";
const BEFORE: &str = "before";
const STARTED: &str = "started";
/// Folders of installed software: no step's products lie there.
const INSTALLED: &[&str] = &["site-packages", "node_modules", "__pycache__"];

/// How a path stood before the step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
enum Stood {
    Missing,
    /// A file: its copy, and what tells whether it was touched since.
    File {
        copy: String,
        state: (u64, u64, u64, i64, i64),
    },
    Link {
        target: Vec<u8>,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    path: Vec<u8>,
    stood: Stood,
}

/// The process of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Started {
    pub pid: u32,
    /// Microseconds since the epoch.
    pub at: i64,
}

/// Files that were set aside for one step.
#[derive(Debug)]
pub(super) struct Aside {
    folder: PathBuf,
    kept: Vec<Kept>,
    before: Names,
}

/// What could not be put back.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct PutBack {
    /// Files that the step overwrote without having made them before.
    pub overwritten: Vec<FilePath>,
    /// Files that could not be written: why.
    pub failed: Vec<(FilePath, String)>,
}

fn full(root: &Path, path: &[u8]) -> PathBuf {
    root.join(OsStr::from_bytes(path))
}

fn state(stat: &Stat) -> (u64, u64, u64, i64, i64) {
    (stat.dev, stat.ino, stat.size, stat.mtime, stat.ctime)
}

impl Aside {
    /// Sets aside what is at these paths.
    pub fn new(folder: &Path, root: &Path, paths: &BTreeSet<FilePath>) -> io::Result<Self> {
        fs_err::create_dir_all(folder)?;
        let mut kept = Vec::new();
        let mut copies = 0;
        let mut open: Vec<Vec<u8>> = paths.iter().map(|path| path.as_bytes().to_vec()).collect();
        let mut hops = open.len() + paths.len() + 16;
        while let Some(path) = open.pop() {
            let place = full(root, &path);
            let stood = match std::fs::symlink_metadata(&place) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => Stood::Missing,
                Err(error) => return Err(io::Error::new(error.kind(), format!("{}: {error}", place.display()))),
                Ok(meta) if meta.is_symlink() && hops > 0 => {
                    hops -= 1;
                    let target = fs_err::read_link(&place)?;
                    // what it leads to may be written through it
                    let beside = place.parent().map_or(target.clone(), |parent| parent.join(&target));
                    open.push(beside.strip_prefix(root).unwrap_or(&beside).as_os_str().as_bytes().to_vec());
                    Stood::Link { target: target.as_os_str().as_bytes().to_vec() }
                }
                Ok(meta) if meta.is_file() => {
                    let copy = copies.to_string();
                    copies += 1;
                    duplicate(&place, &folder.join(&copy), &meta)?;
                    Stood::File { copy, state: state(&stat(&meta)) }
                }
                // folders, devices: nothing that a step leaves behind by writing to it
                Ok(_) => continue,
            };
            kept.push(Kept { path, stood });
        }
        let aside = Self { folder: folder.to_path_buf(), kept, before: names(root) };
        fs_err::write(folder.join(BEFORE), aside.before.encode())?;
        durable(&folder.join(JOURNAL), &serde_json::to_vec(&aside.kept)?)?;
        Ok(aside)
    }

    /// What a refresh that is gone had set aside; none when it had not got so far.
    pub fn left_over(folder: &Path) -> Option<Self> {
        let kept = serde_json::from_slice(&std::fs::read(folder.join(JOURNAL)).ok()?).ok()?;
        let before = Names::decode(&std::fs::read(folder.join(BEFORE)).ok()?)?;
        Some(Self { folder: folder.to_path_buf(), kept, before })
    }

    /// Writes down the process.
    pub fn started(&self, started: Started) -> io::Result<()> {
        durable(&self.folder.join(STARTED), &serde_json::to_vec(&started)?)
    }

    /// The process, if it came so far.
    pub fn process(&self) -> Option<Started> {
        serde_json::from_slice(&std::fs::read(self.folder.join(STARTED)).ok()?).ok()
    }

    /// The step came to its end: what it made stays.
    pub fn keep(self) -> io::Result<()> {
        fs_err::remove_dir_all(&self.folder)
    }

    /// The step did not come to its end: everything is as it was before. `made`: what the step was seen writing.
    pub fn put_back(self, root: &Path, made: &BTreeSet<FilePath>) -> PutBack {
        let mut done = PutBack::default();
        for kept in &self.kept {
            if let Err(error) = self.restore(root, kept) {
                done.failed.push((FilePath::new(kept.path.as_slice()), error.to_string()));
            }
        }
        let known: BTreeSet<&[u8]> = self.kept.iter().map(|kept| kept.path.as_slice()).collect();
        for path in made.iter().filter(|path| !known.contains(path.as_bytes()) && !path.is_absolute()) {
            if self.before.0.contains(path) {
                done.overwritten.push(path.clone());
            } else if let Err(error) = self.remove(root, path) {
                done.failed.push((path.clone(), error.to_string()));
            }
        }
        if done.failed.is_empty() {
            let _ = fs_err::remove_dir_all(&self.folder);
        }
        done
    }

    fn restore(&self, root: &Path, kept: &Kept) -> io::Result<()> {
        let place = full(root, &kept.path);
        let now = std::fs::symlink_metadata(&place).ok();
        match &kept.stood {
            Stood::Missing => match now {
                Some(meta) if !meta.is_dir() => self.remove(root, &FilePath::new(kept.path.as_slice())),
                _ => Ok(()),
            },
            Stood::Link { target } => {
                let target = Path::new(OsStr::from_bytes(target));
                if now.is_some_and(|meta| meta.is_symlink()) && std::fs::read_link(&place).is_ok_and(|now| now == target) {
                    return Ok(());
                }
                let fresh = beside(&place);
                std::os::unix::fs::symlink(target, &fresh)?;
                fs_err::rename(fresh, place)
            }
            Stood::File { copy, state: before } => {
                if now.is_some_and(|meta| meta.is_file() && state(&stat(&meta)) == *before) {
                    return Ok(());
                }
                if let Some(parent) = place.parent() {
                    fs_err::create_dir_all(parent)?;
                }
                let copy = self.folder.join(copy);
                // always by a rename, so that nobody ever sees half of it
                let fresh = beside(&place);
                duplicate(&copy, &fresh, &std::fs::metadata(&copy)?)?;
                fs_err::rename(fresh, place)
            }
        }
    }

    /// Removes a file that was not there before, and folders that were made for it.
    fn remove(&self, root: &Path, path: &FilePath) -> io::Result<()> {
        match std::fs::remove_file(full(root, path.as_bytes())) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut folder = FilePath::new(path.folder());
        while !folder.as_bytes().is_empty() && !folder.is_absolute() {
            let known = self.before.0.contains(&FilePath::new([folder.as_bytes(), b"/"].concat()));
            if known || std::fs::remove_dir(full(root, folder.as_bytes())).is_err() {
                break;
            }
            folder = FilePath::new(folder.folder());
        }
        Ok(())
    }
}

/// A name in the same folder that nobody uses.
fn beside(place: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(place.file_name().unwrap_or_default());
    name.push(".keizu-put-back");
    let fresh = place.with_file_name(name);
    let _ = std::fs::remove_file(&fresh);
    fresh
}

/// A copy with the time of its original, sharing its blocks where the file system can.
fn duplicate(from: &Path, to: &Path, meta: &std::fs::Metadata) -> io::Result<()> {
    fs_err::copy(from, to)?;
    let times = std::fs::FileTimes::new().set_modified(meta.modified()?);
    // a file that may only be read can't be opened to set its time; the time is no content
    if let Ok(file) = std::fs::File::options().write(true).open(to) {
        let _ = file.set_times(times);
    }
    Ok(())
}

fn durable(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let half = path.with_extension("half");
    let mut file = fs_err::File::create(&half)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs_err::rename(half, path)
}

/// All files and folders of the project, without what is installed in it.
fn names(root: &Path) -> Names {
    let walk = walkdir::WalkDir::new(root).min_depth(1);
    let ours = |entry: &walkdir::DirEntry| match entry.file_name().to_str() {
        Some(name) => name != FOLDER && name != ".git" && !INSTALLED.contains(&name),
        None => true,
    };
    let found = walk.into_iter().filter_entry(ours).flatten().filter_map(|entry| {
        let mut path = entry.path().strip_prefix(root).ok()?.as_os_str().as_bytes().to_vec();
        if entry.file_type().is_dir() {
            path.push(b'/');
        }
        Some(FilePath::new(path))
    });
    Names(found.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Project(tempfile::TempDir);

    impl Project {
        fn new(files: &[(&str, &str)]) -> Self {
            let project = Self(tempfile::tempdir().unwrap());
            for (path, content) in files {
                project.write(path, content);
            }
            project
        }

        fn root(&self) -> &Path {
            self.0.path()
        }

        fn write(&self, path: &str, content: &str) {
            let place = self.root().join(path);
            fs_err::create_dir_all(place.parent().unwrap()).unwrap();
            fs_err::write(place, content).unwrap();
        }

        fn read(&self, path: &str) -> Option<String> {
            std::fs::read_to_string(self.root().join(path)).ok()
        }

        fn aside(&self, paths: &[&str]) -> Aside {
            let folder = self.root().join(FOLDER).join("refresh/1");
            Aside::new(&folder, self.root(), &set(paths)).unwrap()
        }
    }

    fn set(paths: &[&str]) -> BTreeSet<FilePath> {
        paths.iter().map(|path| FilePath::from(*path)).collect()
    }

    #[test]
    fn everything_is_as_it_was() {
        let project = Project::new(&[("a.csv", "old"), ("b.csv", "b"), ("in.csv", "in")]);
        let aside = project.aside(&["a.csv", "b.csv", "new/c.csv"]);
        let before = std::fs::metadata(project.root().join("a.csv")).unwrap().modified().unwrap();
        assert_eq!(project.read("a.csv").as_deref(), Some("old"), "the step may read what it made before");
        project.write("a.csv", "half");
        fs_err::remove_file(project.root().join("b.csv")).unwrap();
        project.write("new/c.csv", "half");
        project.write("new/deep/d.csv", "half");
        project.write("mine.txt", "by somebody else");
        let done = aside.put_back(project.root(), &set(&["a.csv", "new/c.csv", "new/deep/d.csv", "in.csv"]));
        assert_eq!((project.read("a.csv").as_deref(), project.read("b.csv").as_deref()), (Some("old"), Some("b")));
        assert_eq!(std::fs::metadata(project.root().join("a.csv")).unwrap().modified().unwrap(), before);
        assert!(!project.root().join("new").exists());
        assert_eq!(project.read("mine.txt").as_deref(), Some("by somebody else"));
        assert_eq!(done.overwritten, [FilePath::from("in.csv")]);
        assert!(done.failed.is_empty() && !project.root().join(FOLDER).join("refresh/1").exists());
    }

    #[test]
    fn a_link_and_what_it_leads_to() {
        let project = Project::new(&[("v1.bin", "one")]);
        std::os::unix::fs::symlink("v1.bin", project.root().join("latest")).unwrap();
        let aside = project.aside(&["latest"]);
        project.write("latest", "through the link");
        fs_err::remove_file(project.root().join("latest")).unwrap();
        std::os::unix::fs::symlink("v2.bin", project.root().join("latest")).unwrap();
        aside.put_back(project.root(), &set(&[]));
        assert_eq!(project.read("v1.bin").as_deref(), Some("one"));
        assert_eq!(std::fs::read_link(project.root().join("latest")).unwrap(), Path::new("v1.bin"));
    }

    #[test]
    fn what_a_killed_refresh_left_is_found() {
        let project = Project::new(&[("a.csv", "old")]);
        let aside = project.aside(&["a.csv"]);
        aside.started(Started { pid: 7, at: 9 }).unwrap();
        let folder = aside.folder.clone();
        drop(aside);
        project.write("a.csv", "half");
        let found = Aside::left_over(&folder).unwrap();
        assert_eq!(found.process(), Some(Started { pid: 7, at: 9 }));
        found.put_back(project.root(), &set(&[]));
        assert_eq!(project.read("a.csv").as_deref(), Some("old"));
        assert!(Aside::left_over(&folder).is_none());
    }
}
