//! Sets of names: folders that were listed, files that were looked for and not there.

use std::collections::{BTreeMap, BTreeSet};

use foldhash::HashSet;
use keizu_record::FilePath;
use keizu_record::body::Role;

use super::world::{Used, World};
use super::{Cause, Present, What};

/// Endings of what editors leave beside a file.
const BACKUPS: &[&str] = &["swp", "swo", "pyc", "pyo", "orig", "bak"];

/// What changed in the sets of names that a run saw. `read`: the paths of all files that it read.
pub(super) fn changes(world: &World, run: u32, read: &HashSet<&FilePath>, present: &impl Present) -> Vec<Cause> {
    let mut causes = Vec::new();
    for used in &world.runs[run as usize].used {
        let Some(recorded) = used.edge.content.and_then(|digest| world.documents.get(&digest)) else { continue };
        match used.edge.role {
            Role::Listing => Listing { world, run, used, recorded: &recorded.0, read }.changes(present, &mut causes),
            Role::Absent => {
                let there = recorded.0.iter().filter(|path| !present.ignores(path) && present.exists(path));
                let there = there.filter(|path| !made_by_family(world, run, path));
                causes.extend(there.map(|path| Cause { thing: path.clone(), what: What::Appeared }));
            }
            _ => {}
        }
    }
    causes
}

/// Whether the run itself, or one that came after it, ever wrote what lies there: then it can't be what the run waited for.
fn made_by_family(world: &World, run: u32, path: &FilePath) -> bool {
    let (place, below) = match path.as_bytes().strip_suffix(b"/") {
        Some(folder) => (FilePath::new(folder), true),
        None => (path.clone(), false),
    };
    if world.writes(&place).iter().any(|write| write.run == run || world.follows(write.run, run)) {
        return true;
    }
    let inside = |key: &FilePath| key.as_bytes().strip_prefix(place.as_bytes()).is_some_and(|rest| rest.first() == Some(&b'/'));
    let mut writers = BTreeSet::new();
    if below {
        writers.extend(world.places().filter(|(key, _)| inside(key)).flat_map(|(_, writes)| writes.iter().map(|write| write.run)));
    }
    writers.into_iter().any(|writer| writer == run || world.follows(writer, run))
}

/// Names of the same class are taken for the same kind of thing: folders, or files of one extension.
fn class(name: &FilePath) -> String {
    if name.as_bytes().ends_with(b"/") { "/".to_owned() } else { name.extension() }
}

/// Hidden files, caches and what editors leave behind.
fn is_beneath_notice(name: &FilePath) -> bool {
    let mut parts = name.as_bytes().split(|byte| *byte == b'/').filter(|part| !part.is_empty());
    let odd = parts.any(|part| {
        part.starts_with(b".") || part == b"__pycache__" || part.ends_with(b"~") || (part.starts_with(b"#") && part.ends_with(b"#"))
    });
    odd || BACKUPS.contains(&name.extension().as_str())
}

/// A folder that was listed, with those below it that were listed along with it.
struct Listing<'a> {
    world: &'a World,
    run: u32,
    used: &'a Used,
    recorded: &'a BTreeSet<FilePath>,
    read: &'a HashSet<&'a FilePath>,
}

impl Listing<'_> {
    fn path(&self, name: &FilePath) -> FilePath {
        self.used.edge.path.join(name)
    }

    fn changes(&self, present: &impl Present, causes: &mut Vec<Cause>) {
        let Some(now) = self.now(present) else {
            causes.push(Cause { thing: self.used.edge.path.clone(), what: What::Missing });
            return;
        };
        let unlike = |name: &&FilePath| !is_beneath_notice(name) && !present.ignores(&self.path(name));
        let known: HashSet<&FilePath> = self.recorded.iter().collect();
        let mut new: Vec<&FilePath> = now.iter().filter(|name| !known.contains(name)).collect();
        let all_there = now.len() - new.len() == known.len();
        new.retain(|name| unlike(name));
        new.sort_unstable();
        let mut gone = Vec::new();
        if !all_there {
            let now: HashSet<&FilePath> = now.iter().collect();
            gone.extend(self.recorded.iter().filter(|name| !now.contains(name)).filter(unlike));
        }
        if new.is_empty() && gone.is_empty() {
            return;
        }
        let minded = self.minded();
        let mut modules = None;
        for name in new {
            let path = self.path(name);
            let shadows = self.used.import && modules.get_or_insert_with(|| modules_of(self.world, self.run)).contains(&module(name));
            let counts = minded.get(&class(name)).copied().unwrap_or(!self.used.import);
            if (shadows || counts) && !made_by_family(self.world, self.run, &path) {
                causes.push(Cause { thing: path, what: if shadows { What::Shadows } else { What::New } });
            }
        }
        for name in gone {
            let path = self.path(name);
            let counts = minded.get(&class(name)).copied().unwrap_or(!self.used.import);
            // a file that was read and is gone is missed as an input
            if counts && !self.read.contains(&&path) && !made_by_family(self.world, self.run, &path) {
                causes.push(Cause { thing: path, what: What::Gone });
            }
        }
    }

    /// The names now, each once, in the folder and in those below it that were listed then; none when the folder is gone.
    fn now(&self, present: &impl Present) -> Option<Vec<FilePath>> {
        let mut names = Vec::new();
        for (folder, path) in folders(self.recorded, &self.used.edge.path) {
            match present.names(&path) {
                Some(found) if folder.is_empty() => names.extend(found),
                Some(found) => names.extend(found.into_iter().map(|name| FilePath::new([folder, name.as_bytes()].concat()))),
                None if folder.is_empty() => return None,
                None => {}
            }
        }
        Some(names)
    }

    /// Of each class of names that was listed: whether the run minded it. It did not when it saw such names and read none of them. Where Python's
    /// import listed the folder the program need not have asked for anything; that it read every one of several tells that it did.
    fn minded(&self) -> BTreeMap<String, bool> {
        let mut classes: BTreeMap<String, (usize, usize)> = BTreeMap::new();
        for name in self.recorded.iter().filter(|name| !is_beneath_notice(name)) {
            let path = self.path(name);
            let read = match path.as_bytes().strip_suffix(b"/") {
                Some(folder) => {
                    self.read.iter().any(|path| path.as_bytes().strip_prefix(folder).is_some_and(|rest| rest.starts_with(b"/")))
                }
                None => self.read.contains(&&path),
            };
            let counts = classes.entry(class(name)).or_default();
            counts.0 += 1;
            counts.1 += usize::from(read);
        }
        let minded = |listed: usize, read: usize| if self.used.import { listed > 1 && read == listed } else { read > 0 };
        classes.into_iter().map(|(class, (listed, read))| (class, minded(listed, read))).collect()
    }
}

/// Folders whose names stand in a listing: what stands before their names in it, and where they are; the listed folder itself first.
fn folders<'a>(recorded: &'a BTreeSet<FilePath>, listed: &FilePath) -> Vec<(&'a [u8], FilePath)> {
    let mut found: BTreeSet<&[u8]> = BTreeSet::from([b"".as_slice()]);
    let mut last: &[u8] = b"";
    for name in recorded {
        let name = name.as_bytes();
        let above = name[..name.len().saturating_sub(1)].iter().rposition(|byte| *byte == b'/');
        // names are sorted: those of one folder stand together
        if let Some(above) = above.map(|at| &name[..=at]).filter(|above| *above != last) {
            found.insert(above);
            last = above;
        }
    }
    if found.len() > 1 {
        // whoever walked a tree would have walked an empty folder as well
        found.extend(recorded.iter().map(FilePath::as_bytes).filter(|name| name.ends_with(b"/")));
    }
    let path = |folder: &[u8]| if folder.is_empty() { listed.clone() } else { listed.join(&FilePath::new(folder)) };
    found.into_iter().map(|folder| (folder, path(folder))).collect()
}

/// Folders that will be looked into to tell what changed in the listings that a run saw.
pub(super) fn listed(world: &World, run: u32) -> impl Iterator<Item = FilePath> {
    let listings = world.runs[run as usize].used.iter().filter(|used| used.edge.role == Role::Listing);
    let known = listings.filter_map(|used| Some((used, world.documents.get(&used.edge.content?)?)));
    known.flat_map(|(used, names)| folders(&names.0, &used.edge.path)).map(|(_, path)| path)
}

/// The module that Python would find under a name of a folder.
fn module(name: &FilePath) -> String {
    let bytes = name.as_bytes().strip_suffix(b"/").unwrap_or(name.as_bytes());
    let importable = name.as_bytes().ends_with(b"/") || matches!(name.extension().as_str(), "py" | "so");
    let end = bytes.iter().position(|byte| *byte == b'.').unwrap_or(bytes.len());
    if importable { FilePath::new(&bytes[..end]).to_string() } else { String::new() }
}

/// Top-level modules that a run imported: its own code's, the library's and those of installed packages.
fn modules_of(world: &World, run: u32) -> HashSet<String> {
    let mut modules = HashSet::default();
    for used in &world.runs[run as usize].used {
        if used.edge.role == Role::Code {
            modules.insert(used.edge.path.stem());
        }
        for path in used.files.iter().flat_map(|files| world.loaded(files)) {
            let parts: Vec<&[u8]> = path.as_bytes().split(|byte| *byte == b'/').filter(|part| *part != b"__pycache__").collect();
            let installed = parts.iter().rposition(|part| matches!(*part, b"site-packages" | b"dist-packages" | b"lib-dynload"));
            let library = || {
                parts.iter().position(|part| part.strip_prefix(b"python").is_some_and(|rest| rest.first().is_some_and(u8::is_ascii_digit)))
            };
            let Some(top) = installed.or_else(library).and_then(|at| parts.get(at + 1)) else { continue };
            let end = top.iter().position(|byte| *byte == b'.').unwrap_or(top.len());
            modules.insert(FilePath::new(&top[..end]).to_string());
        }
    }
    modules.remove("");
    modules
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_never_count() {
        for name in
            [".git/", ".keizu/", "__pycache__/", "a.csv~", ".a.csv.swp", "#a.csv#", "x.pyc", "sub/.hidden", ".hidden/a.csv", "a.csv.swp"]
        {
            assert!(is_beneath_notice(&name.into()), "{name}");
        }
        for name in ["a.csv", "daily/", "sub/a.csv", "README"] {
            assert!(!is_beneath_notice(&name.into()), "{name}");
        }
    }

    #[test]
    fn modules_by_the_names_of_their_files() {
        assert_eq!(module(&"json.py".into()), "json");
        assert_eq!(module(&"json/".into()), "json");
        assert_eq!(module(&"fast.cpython-311-x86_64-linux-gnu.so".into()), "fast");
        assert_eq!(module(&"json.csv".into()), "");
    }
}
