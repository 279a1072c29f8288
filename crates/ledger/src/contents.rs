//! Where a recorded content can be had from: what was kept, or a file that still holds it.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use keizu_record::body::RunBegan;
use keizu_record::{Digest, FilePath, Kind, Name, NodeId, RunId, Side};

use crate::files::holds;
use crate::view::Met;
use crate::{Error, Ledger};

/// Places at which a content is looked for.
const PLACES_MAX: usize = 64;

/// Where a content is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Supply {
    /// In the record.
    Kept,
    /// In a file that stands there now.
    Present(PathBuf),
    /// Nowhere that is known.
    Nowhere,
}

/// A path of the record in this project, as the file system knows it.
pub(crate) fn full(root: &Path, path: &FilePath) -> PathBuf {
    root.join(std::ffi::OsStr::from_bytes(path.as_bytes()))
}

/// Where a content that stood at `path` can be had from. A size spares reading files of another.
///
/// # Errors
/// When the record can't be read.
pub fn supply(ledger: &Ledger, path: &FilePath, digest: &Digest, size: Option<u64>) -> Result<Supply, Error> {
    let here = full(ledger.home().root(), path);
    if holds(&mut ledger.cache(), &here, digest, size) {
        return Ok(Supply::Present(here));
    }
    if ledger.objects().has(digest)? {
        return Ok(Supply::Kept);
    }
    Ok(elsewhere(ledger, digest, size)?.map_or(Supply::Nowhere, Supply::Present))
}

/// The bytes of a recorded content, when they can be had.
pub(crate) fn content_of(ledger: &Ledger, path: &FilePath, content: &Digest, size: Option<u64>) -> Result<Option<Vec<u8>>, Error> {
    Ok(match supply(ledger, path, content, size)? {
        Supply::Present(file) => Some(fs_err::read(file)?),
        Supply::Kept => {
            let mut bytes = Vec::new();
            if let Some(mut reader) = ledger.content(content)? {
                reader.read_to_end(&mut bytes)?;
            }
            Some(bytes)
        }
        Supply::Nowhere => None,
    })
}

/// A file that holds the content now, among all places at which the record met it.
pub(crate) fn elsewhere(ledger: &Ledger, digest: &Digest, size: Option<u64>) -> Result<Option<PathBuf>, Error> {
    Ok(places(ledger, digest)?.into_iter().find(|place| holds(&mut ledger.cache(), place, digest, size)))
}

/// Everywhere that the record met this content, alone or in a folder.
fn places(ledger: &Ledger, digest: &Digest) -> Result<BTreeSet<PathBuf>, Error> {
    let memberships = ledger.store().collections_of(&[*digest])?;
    let folders: BTreeSet<NodeId> = memberships.iter().map(|membership| membership.collection.into()).collect();
    let nodes: Vec<NodeId> = std::iter::once((*digest).into()).chain(folders).take(PLACES_MAX).collect();
    let mut places = BTreeSet::new();
    for entry in ledger.view().entries(Side::Object, nodes, &[Kind::Used, Kind::Made, Kind::Named])? {
        let (project, path, run) = match Met::read(&entry) {
            Some(Met::Edge(_, edge)) => (edge.project, edge.path, Some(edge.run)),
            Some(Met::Named(named)) => match (named.name, named.path) {
                (Name::Path { project, path }, _) => (project, path, None),
                (_, Some(path)) => (named.project, path, named.run),
                _ => continue,
            },
            None => continue,
        };
        let Some(root) = root_of(ledger, &project, &path, run)? else { continue };
        let inside = memberships.iter().filter(|membership| Some(membership.collection) == entry.record.artifact());
        places.extend(inside.map(|membership| full(&root, &path.join(&membership.path))));
        places.insert(full(&root, &path));
        if places.len() > PLACES_MAX {
            break;
        }
    }
    Ok(places)
}

/// The root of the project that a path belongs to; another's as the run saw it.
fn root_of(ledger: &Ledger, project: &str, path: &FilePath, run: Option<RunId>) -> Result<Option<PathBuf>, Error> {
    if project == ledger.project() || path.is_absolute() {
        return Ok(Some(ledger.home().root().to_path_buf()));
    }
    let Some(run) = run else { return Ok(None) };
    let began = ledger.view().entries(Side::Subject, vec![run.into()], &[Kind::RunBegan])?;
    let began = began.iter().find_map(|entry| RunBegan::read(&entry.record));
    Ok(began.map(|began| full(Path::new("/"), &began.root)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Home;

    fn ledger(folder: &Path) -> Ledger {
        fs_err::create_dir_all(folder.join("project")).unwrap();
        let home = Home::at(&folder.join("project"), &folder.join("project/.keizu")).unwrap();
        Ledger::create(&home, "test").unwrap()
    }

    #[test]
    fn a_content_comes_from_the_file_that_holds_it_else_from_what_was_kept() {
        let temp = tempfile::tempdir().unwrap();
        let ledger = ledger(temp.path());
        let root = ledger.home().root().to_path_buf();
        let (path, digest) = (FilePath::from("data/x.csv"), Digest::of(b"a,b\n"));
        assert_eq!(supply(&ledger, &path, &digest, Some(4)).unwrap(), Supply::Nowhere);
        ledger.objects().put_bytes(b"a,b\n").unwrap();
        ledger.objects().sync().unwrap();
        assert_eq!(supply(&ledger, &path, &digest, Some(4)).unwrap(), Supply::Kept);
        fs_err::create_dir_all(root.join("data")).unwrap();
        fs_err::write(root.join("data/x.csv"), "c,d\n").unwrap();
        assert_eq!(supply(&ledger, &path, &digest, Some(4)).unwrap(), Supply::Kept, "another content of the same size");
        fs_err::write(root.join("data/x.csv"), "a,b\n").unwrap();
        assert_eq!(supply(&ledger, &path, &digest, Some(4)).unwrap(), Supply::Present(root.join("data/x.csv")));
    }
}
