//! Programs that act on a real folder, and the events of what they do.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File, OpenOptions};
use std::io::Read;
use std::os::unix::fs::{OpenOptionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use keizu_record::{Digest, RunId, Time};

use super::super::Observer;
use super::super::reader::stat;
use crate::account::{self, Account, Content, Ending, Listing};
use crate::event::{Event, Stat, What};
use crate::host::{Memory, Redirection, Start};

/// The root process.
pub const PID: u32 = 1_000_001;
/// Another one, as far as the events say.
pub const OTHER: u32 = 1_000_002;

/// A memory that keeps everything below `wanted` bytes.
#[derive(Default)]
pub struct Mem {
    pub known: HashMap<Stat, Digest>,
    pub kept: HashMap<Digest, Vec<u8>>,
    pub wanted: u64,
    pub asked: usize,
}

impl Memory for Mem {
    fn known(&mut self, stat: &Stat) -> Option<Digest> {
        self.asked += 1;
        self.known.get(stat).copied()
    }

    fn learn(&mut self, stat: &Stat, digest: Digest) {
        self.known.insert(*stat, digest);
    }

    fn wants(&self, _: &Path, size: u64) -> bool {
        size < self.wanted
    }

    fn keep(&mut self, digest: Digest, content: &mut dyn Read) -> std::io::Result<()> {
        let mut bytes = Vec::new();
        content.read_to_end(&mut bytes)?;
        if Digest::of(&bytes) == digest {
            self.kept.insert(digest, bytes);
        }
        Ok(())
    }
}

/// A run in a folder of its own. Paths are relative to the project's root, where both processes stand.
pub struct Script {
    _temp: tempfile::TempDir,
    pub root: PathBuf,
    pub start: Start,
    pub observer: Observer,
    pub memory: Mem,
    epoch: Instant,
    /// Events that are not told yet, while `lagging`.
    pub held: Vec<Event>,
    pub lagging: bool,
}

impl Script {
    /// A run in a folder that holds these files.
    pub fn with(files: &[(&str, &str)]) -> Self {
        Self::prepared(|root| {
            for (path, content) in files {
                fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
                fs::write(root.join(path), content).unwrap();
            }
            Vec::new()
        })
    }

    /// A run in a folder that `prepare` fills; it gives the descriptors that the command inherits.
    pub fn prepared(prepare: impl FnOnce(&Path) -> Vec<Redirection>) -> Self {
        let temp = tempfile::tempdir().unwrap();
        let root = temp.path().canonicalize().unwrap().join("project");
        fs::create_dir(&root).unwrap();
        let redirections = prepare(&root);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as i64;
        let start = Start {
            run: RunId::new([7; 16]),
            parent: None,
            root: root.clone(),
            command: vec![b"job".to_vec()],
            cwd: root.clone(),
            pid: PID,
            began: Time::from_nanos(now),
            monotonic_offset: now,
            redirections,
            variables: BTreeMap::new(),
            host_data: serde_json::Value::Null,
        };
        let observer = Observer::late(&start);
        let mut script =
            Self { _temp: temp, root, start, observer, memory: Mem::default(), epoch: Instant::now(), held: Vec::new(), lagging: false };
        for pid in [PID, OTHER] {
            let what = What::Begin { ppid: 1, cwd: script.root.clone(), exe: "/dev/job".into(), argv: vec![b"job".to_vec()] };
            script.tell(pid, None, None, what);
        }
        script
    }

    pub fn path(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    /// Tells an event as of now.
    pub fn tell(&mut self, pid: u32, stat: Option<Stat>, before: Option<Stat>, what: What) {
        let event = Event { pid, at: self.epoch.elapsed().as_nanos() as u64, stat, before, what };
        if self.lagging {
            self.held.push(event);
        } else {
            self.observer.take(event);
        }
    }

    /// Tells what was held back.
    pub fn catch_up(&mut self) {
        self.lagging = false;
        for event in std::mem::take(&mut self.held) {
            self.observer.take(event);
        }
    }

    /// Lets the reader do all it can.
    pub fn work(&mut self) {
        while self.observer.work(&mut self.memory, Duration::from_secs(1)) {}
    }

    /// What stands at a name, links not followed; `None` for what is neither file nor folder.
    pub fn at(&self, path: &str) -> Option<Stat> {
        fs::symlink_metadata(self.path(path)).ok().filter(|m| m.is_file() || m.is_dir()).map(|m| stat(&m))
    }

    /// Opens as a program would.
    pub fn open_by(&mut self, pid: u32, path: &str, flags: i32) -> File {
        let full = self.path(path);
        let changing = flags & (libc::O_CREAT | libc::O_TRUNC) != 0;
        let before = fs::metadata(&full).ok().filter(|_| changing).map(|m| stat(&m));
        let access = flags & libc::O_ACCMODE;
        let file = OpenOptions::new()
            .read(access != libc::O_WRONLY)
            .write(access != libc::O_RDONLY)
            .custom_flags(flags & !libc::O_ACCMODE & !libc::O_CREAT & !libc::O_TRUNC)
            .create(flags & libc::O_CREAT != 0)
            .truncate(flags & libc::O_TRUNC != 0)
            .open(&full)
            .unwrap();
        let now = stat(&file.metadata().unwrap());
        self.tell(pid, Some(now), before, What::Open { path: path.into(), flags });
        file
    }

    pub fn open(&mut self, path: &str, flags: i32) -> File {
        self.open_by(PID, path, flags)
    }

    pub fn read(&mut self, path: &str) -> Vec<u8> {
        self.read_by(PID, path)
    }

    pub fn read_by(&mut self, pid: u32, path: &str) -> Vec<u8> {
        let mut out = Vec::new();
        self.open_by(pid, path, libc::O_RDONLY).read_to_end(&mut out).unwrap();
        out
    }

    /// Creates or truncates, and writes.
    pub fn write(&mut self, path: &str, content: &str) {
        self.write_by(PID, path, content);
    }

    pub fn write_by(&mut self, pid: u32, path: &str, content: &str) {
        use std::io::Write;
        let mut file = self.open_by(pid, path, libc::O_WRONLY | libc::O_CREAT | libc::O_TRUNC);
        file.write_all(content.as_bytes()).unwrap();
    }

    pub fn append(&mut self, path: &str, content: &str) {
        use std::io::Write;
        let mut file = self.open(path, libc::O_WRONLY | libc::O_CREAT | libc::O_APPEND);
        file.write_all(content.as_bytes()).unwrap();
    }

    pub fn rename(&mut self, from: &str, to: &str) {
        self.rename_by(PID, from, to);
    }

    pub fn rename_by(&mut self, pid: u32, from: &str, to: &str) {
        let before = self.at(to);
        fs::rename(self.path(from), self.path(to)).unwrap();
        let now = self.at(to);
        self.tell(pid, now, before, What::Rename { from: from.into(), to: to.into() });
    }

    pub fn unlink(&mut self, path: &str) {
        self.unlink_by(PID, path);
    }

    pub fn unlink_by(&mut self, pid: u32, path: &str) {
        let before = self.at(path);
        fs::remove_file(self.path(path)).unwrap();
        self.tell(pid, None, before, What::Unlink { path: path.into() });
    }

    pub fn link(&mut self, from: &str, to: &str) {
        fs::hard_link(self.path(from), self.path(to)).unwrap();
        let now = self.at(to);
        self.tell(PID, now, None, What::Link { from: from.into(), to: to.into() });
    }

    pub fn symlink(&mut self, target: &str, path: &str) {
        symlink(target, self.path(path)).unwrap();
        self.tell(PID, None, None, What::Symlink { target: target.into(), path: path.into() });
    }

    pub fn mkdir(&mut self, path: &str) {
        fs::create_dir(self.path(path)).unwrap();
        self.tell(PID, None, None, What::Mkdir { path: path.into() });
    }

    pub fn rmdir(&mut self, path: &str) {
        fs::remove_dir(self.path(path)).unwrap();
        self.tell(PID, None, None, What::Rmdir { path: path.into() });
    }

    pub fn truncate(&mut self, path: &str, size: u64) {
        let before = self.at(path);
        OpenOptions::new().write(true).open(self.path(path)).unwrap().set_len(size).unwrap();
        let now = self.at(path);
        self.tell(PID, now, before, What::Truncate { path: path.into() });
    }

    pub fn list(&mut self, path: &str) {
        let now = self.at(path);
        self.tell(PID, now, None, What::Open { path: path.into(), flags: libc::O_RDONLY | libc::O_DIRECTORY });
    }

    /// Tries to open what is not there.
    pub fn try_open(&mut self, path: &str) {
        assert!(!self.path(path).exists());
        self.tell(PID, None, None, What::OpenFailed { path: path.into(), errno: libc::ENOENT });
    }

    pub fn try_open_if_free(&mut self, path: &str) {
        if !self.path(path).exists() {
            self.try_open(path);
        }
    }

    pub fn account(&mut self) -> Account {
        self.observer.finish(Ending::Exited(0), None, &mut self.memory)
    }

    /// The account, of which `f` gets the files by their path below the root.
    pub fn files(&mut self) -> Files {
        let account = self.account();
        Files { root: self.root.clone(), account }
    }
}

/// An account's files, by short names.
pub struct Files {
    root: PathBuf,
    pub account: Account,
}

impl Files {
    pub fn names(&self) -> Vec<String> {
        self.account.files.iter().map(|file| short(&self.root, &file.path)).collect()
    }

    pub fn find(&self, path: &str) -> Option<&account::File> {
        self.account.files.iter().find(|file| file.path == self.root.join(path))
    }

    pub fn get(&self, path: &str) -> &account::File {
        self.find(path).unwrap_or_else(|| panic!("{path} is missing among {:?}", self.names()))
    }

    pub fn read(&self, path: &str) -> &account::Read {
        self.get(path).read.as_ref().unwrap_or_else(|| panic!("{path} was not read"))
    }

    pub fn write(&self, path: &str) -> &account::Write {
        self.get(path).write.as_ref().unwrap_or_else(|| panic!("{path} was not written"))
    }

    pub fn only_read(&self, path: &str) -> &account::Read {
        assert_eq!(self.get(path).write, None, "{path}");
        self.read(path)
    }

    pub fn only_written(&self, path: &str) -> &account::Write {
        assert_eq!(self.get(path).read, None, "{path}");
        self.write(path)
    }

    pub fn other_names(&self, path: &str) -> Vec<String> {
        self.get(path).names.iter().map(|name| short(&self.root, name)).collect()
    }

    pub fn listing(&self, path: &str) -> &Listing {
        self.account.listings.iter().find(|l| l.path == self.root.join(path)).unwrap_or_else(|| panic!("{path} was not listed"))
    }

    pub fn absent(&self) -> Vec<String> {
        self.account.absent.iter().map(|path| short(&self.root, path)).collect()
    }

    pub fn blind(&self, kind: &str) -> Vec<String> {
        self.account.blind.iter().filter(|b| b.kind == kind).map(|b| b.detail.clone()).collect()
    }
}

fn short(root: &Path, path: &Path) -> String {
    path.strip_prefix(root).unwrap_or(path).display().to_string()
}

pub fn content(text: &str) -> Option<Content> {
    Some(Content { digest: Digest::of(text.as_bytes()), size: text.len() as u64 })
}
