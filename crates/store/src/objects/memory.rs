//! Contents in memory: for tests.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};
use std::ops::ControlFlow;
use std::sync::{Mutex, MutexGuard, PoisonError};

use keizu_record::Digest;

use super::{Objects, copy};
use crate::Error;

/// Contents that are gone with the process.
#[derive(Debug, Default)]
pub struct Memory(Mutex<BTreeMap<Digest, Vec<u8>>>);

impl Memory {
    fn kept(&self) -> MutexGuard<'_, BTreeMap<Digest, Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Objects for Memory {
    fn put(&self, digest: &Digest, content: &mut dyn Read) -> Result<u64, Error> {
        if let Some(size) = self.size(digest)? {
            return Ok(size);
        }
        let mut bytes = Vec::new();
        let (found, size) = copy(content, |chunk| {
            bytes.extend_from_slice(chunk);
            Ok(())
        })?;
        if found != *digest {
            return Err(Error::Content { expected: *digest, found });
        }
        self.kept().insert(*digest, bytes);
        Ok(size)
    }

    fn open(&self, digest: &Digest) -> Result<Option<Box<dyn Read + Send>>, Error> {
        Ok(self.kept().get(digest).map(|bytes| Box::new(Cursor::new(bytes.clone())) as Box<dyn Read + Send>))
    }

    fn size(&self, digest: &Digest) -> Result<Option<u64>, Error> {
        Ok(self.kept().get(digest).map(|bytes| bytes.len() as u64))
    }

    fn remove(&self, digest: &Digest) -> Result<bool, Error> {
        Ok(self.kept().remove(digest).is_some())
    }

    fn list(&self, visit: &mut dyn FnMut(Digest, u64) -> ControlFlow<()>) -> Result<(), Error> {
        let all: Vec<(Digest, u64)> = self.kept().iter().map(|(digest, bytes)| (*digest, bytes.len() as u64)).collect();
        let _ = all.into_iter().try_for_each(|(digest, size)| visit(digest, size));
        Ok(())
    }

    fn sync(&self) -> Result<(), Error> {
        Ok(())
    }
}
