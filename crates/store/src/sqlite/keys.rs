//! The secrets of the own log, in a file that only its owner reads.
//!
//! ```text
//! keys/own     "keizu key v1\n" ‖ "name " ‖ name ‖ "\n" ‖ "seed " ‖ hex[64] ‖ "\n" ‖ "ref " ‖ hex[64] ‖ "\n"
//! ```
//!
//! They are not in the database, so that a copy of the record is not a copy of the power to go on writing it.

use std::fs::Permissions;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use fs_err as fs;
use keizu_record::note::{Key, PublicKey};
use keizu_record::{RefSecret, hex, unhex};

use crate::Error;

const HEAD: &str = "keizu key v1";
/// Bytes of the host's name in a log's name.
const HOST_BYTES_MAX: usize = 40;

/// What signs and blinds in the own log.
pub(super) struct Keys {
    pub(super) key: Key,
    pub(super) refs: RefSecret,
}

pub(super) fn path(folder: &Path) -> PathBuf {
    folder.join("keys").join("own")
}

/// Random bytes from the system.
pub(super) fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(Error::Random)?;
    Ok(bytes)
}

impl Keys {
    pub(super) fn public(&self) -> PublicKey {
        self.key.public()
    }

    /// The keys of the own log; none when there is no file.
    pub(super) fn read(folder: &Path) -> Result<Option<Self>, Error> {
        let path = path(folder);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            // another user's store: it can be read, not continued
            Err(error) if error.kind() == ErrorKind::PermissionDenied => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        parse(&text).map(Some).ok_or_else(|| Error::Key { path, what: "is not a key file of Keizu".into() })
    }

    /// The keys of the own log, made when there are none. Of several processes that make them at once, one wins.
    pub(super) fn make(folder: &Path, host: &str) -> Result<Self, Error> {
        if let Some(keys) = Self::read(folder)? {
            return Ok(keys);
        }
        let path = path(folder);
        let keys = folder.join("keys");
        match std::fs::DirBuilder::new().mode(0o700).create(&keys) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(Error::io(&keys, error)),
            _ => {}
        }
        let name = format!("{}-{}", speakable(host), hex(&random::<3>()?));
        let text = format!("{HEAD}\nname {name}\nseed {}\nref {}\n", hex(&random::<32>()?), hex(&random::<32>()?));
        let mut file = tempfile::Builder::new().permissions(Permissions::from_mode(0o600)).tempfile_in(&keys)?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        match file.persist_noclobber(&path) {
            Ok(_) => fs::File::open(&keys)?.sync_all()?,
            Err(error) if error.error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(Error::io(&path, error.error)),
        }
        Self::read(folder)?.ok_or(Error::Key { path, what: "cannot be read".into() })
    }
}

fn parse(text: &str) -> Option<Keys> {
    let rest = text.strip_prefix(HEAD)?.strip_prefix("\nname ")?;
    let (name, rest) = rest.split_once("\nseed ")?;
    let (seed, refs) = rest.split_once("\nref ")?;
    let secret = |text: &str| <[u8; 32]>::try_from(unhex(text)?).ok();
    Some(Keys { key: Key::from_seed(name, secret(seed)?)?, refs: RefSecret(secret(refs.strip_suffix('\n')?)?) })
}

/// A host's name as the beginning of a log's name.
fn speakable(host: &str) -> String {
    let mut name = String::new();
    for c in host.split('.').next().unwrap_or_default().chars() {
        match c {
            'a'..='z' | '0'..='9' => name.push(c),
            'A'..='Z' => name.push(c.to_ascii_lowercase()),
            _ if name.ends_with('-') || name.is_empty() => {}
            _ => name.push('-'),
        }
        if name.len() >= HOST_BYTES_MAX {
            break;
        }
    }
    let name = name.trim_end_matches('-');
    if name.is_empty() { "host".into() } else { name.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keizu_record::note::is_name;

    #[test]
    fn names_are_speakable() {
        for (host, name) in [("Laptop.lan", "laptop"), ("", "host"), ("__", "host"), ("My PC+1", "my-pc-1"), ("東京", "host"), ("-a-", "a")]
        {
            assert_eq!(speakable(host), name);
            assert!(is_name(&speakable(host)));
        }
        assert_eq!(speakable(&"x".repeat(300)).len(), HOST_BYTES_MAX);
    }

    #[test]
    fn keys_are_made_once_and_kept_private() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Keys::read(folder.path()).unwrap().is_none());
        let names: Vec<String> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| Keys::make(folder.path(), "laptop").unwrap().public().name)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(names.iter().all(|name| name == &names[0]), "{names:?}");
        assert!(names[0].starts_with("laptop-") && names[0].len() == "laptop-".len() + 6);
        let mode = fs::metadata(path(folder.path())).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path().join("keys")).unwrap().count(), 1);
    }

    #[test]
    fn a_broken_key_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        Keys::make(folder.path(), "laptop").unwrap();
        fs::set_permissions(path(folder.path()), Permissions::from_mode(0o600)).unwrap();
        let text = fs::read_to_string(path(folder.path())).unwrap();
        for broken in
            [text.replace("v1", "v2"), text.replace("seed ", "seed 0"), text.trim_end().to_owned(), text.replace("laptop-", "lap top-")]
        {
            fs::write(path(folder.path()), broken).unwrap();
            let Err(error) = Keys::read(folder.path()) else { panic!("read a broken key") };
            assert!(error.to_string().ends_with("keys/own: is not a key file of Keizu"), "{error}");
        }
    }
}
