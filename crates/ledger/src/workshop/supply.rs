//! Puts recorded contents where a run expects them.

use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use keizu_record::Digest;

use crate::contents::Supply;
use crate::files::PIECE_BYTES;
use crate::{Error, Ledger};

/// Puts a content at a path, and makes sure that it is that. What stands there is replaced; the new file shares nothing with the old one but,
/// where the file system can, its blocks until one of them is written.
///
/// # Errors
/// When the content is not what was asked for, or something can't be read or written.
pub fn put(ledger: &Ledger, from: &Supply, digest: &Digest, to: &Path, executable: bool) -> Result<(), Error> {
    if let Some(parent) = to.parent() {
        fs_err::create_dir_all(parent)?;
    }
    if to.symlink_metadata().is_ok() {
        fs_err::remove_file(to)?;
    }
    match from {
        Supply::Present(file) => {
            fs_err::copy(file, to)?;
            let mode = to.metadata()?.permissions().mode();
            fs_err::set_permissions(to, std::fs::Permissions::from_mode(mode | 0o600))?;
        }
        Supply::Kept => kept(ledger, digest, to)?,
        Supply::Nowhere => return Err(Error::NotKept(digest.to_string())),
    }
    if executable && !matches!(from, Supply::Present(_)) {
        fs_err::set_permissions(to, std::fs::Permissions::from_mode(0o755))?;
    }
    Ok(())
}

fn kept(ledger: &Ledger, digest: &Digest, to: &Path) -> Result<(), Error> {
    let mut reader = ledger.content(digest)?.ok_or_else(|| Error::NotKept(digest.to_string()))?;
    let mut file = fs_err::File::create(to)?;
    let mut hasher = blake3::Hasher::new();
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        match reader.read(&mut piece)? {
            0 => break,
            count => {
                hasher.update(&piece[..count]);
                file.write_all(&piece[..count])?;
            }
        }
    }
    if Digest::new(*hasher.finalize().as_bytes()) != *digest {
        return Err(Error::Unfit(format!("the kept content {digest} was altered; keizu verify --content finds all such contents")));
    }
    Ok(())
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
    fn what_is_put_is_a_file_of_its_own() {
        let temp = tempfile::tempdir().unwrap();
        let ledger = ledger(temp.path());
        let (from, to) = (temp.path().join("from"), temp.path().join("deep/er/to"));
        fs_err::write(&from, "x").unwrap();
        fs_err::set_permissions(&from, std::fs::Permissions::from_mode(0o444)).unwrap();
        put(&ledger, &Supply::Present(from.clone()), &Digest::of(b"x"), &to, false).unwrap();
        fs_err::write(&to, "changed").unwrap();
        assert_eq!(fs_err::read(&from).unwrap(), b"x");
        ledger.objects().put_bytes(b"#!/bin/sh\n").unwrap();
        ledger.objects().sync().unwrap();
        put(&ledger, &Supply::Kept, &Digest::of(b"#!/bin/sh\n"), &to, true).unwrap();
        assert_eq!(to.metadata().unwrap().permissions().mode() & 0o111, 0o111);
        assert!(put(&ledger, &Supply::Nowhere, &Digest::of(b"y"), &to, false).is_err());
    }
}
