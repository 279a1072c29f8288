//! Contents that were kept, to be read again.

use std::io::Read;

use keizu_record::manifest::Manifest;
use keizu_record::{Digest, FilePath};

use crate::thing::Thing;
use crate::{Error, Ledger};

/// A content that was kept.
pub enum Got {
    /// A file.
    File {
        /// Its identity, to be compared with what was read.
        digest: Digest,
        /// Its bytes.
        reader: Box<dyn Read>,
    },
    /// A folder: members by path, each to be asked for by [`Ledger::content`].
    Folder {
        /// The collection's identity.
        digest: Digest,
        /// Relative path, content, size.
        members: Vec<(FilePath, Digest, u64)>,
    },
}

impl Ledger {
    /// What a thing's newest content was.
    ///
    /// # Errors
    /// [`Error::NotKept`] when the bytes are not there, [`Error::Unfit`] for things without content.
    pub fn get(&self, thing: &Thing) -> Result<Got, Error> {
        let (digest, text) = match thing {
            Thing::Artifact(digest) => (*digest, digest.to_string()),
            Thing::Version(named) => {
                let text = named.path.as_ref().map_or_else(|| "this version".to_owned(), ToString::to_string);
                (named.content.ok_or_else(|| Error::Unfit("this version has no content".to_owned()))?, text)
            }
            Thing::Place { project, path } => {
                let detail = self.view().place(project, path)?;
                (detail.digest.parse().expect("invariant: an answer's digest is one"), path.to_string())
            }
            Thing::Run(run) => return Err(Error::Unfit(format!("run:{} is a run; ask for something that it used or made", run.short(6)))),
            Thing::Party(name) => return Err(Error::Unfit(format!("party:{name} has no content"))),
        };
        if self.view().is_collection(&digest)? {
            let bytes = self.view().document(&digest)?.ok_or(Error::NotKept(text))?;
            let manifest = Manifest::decode(&bytes).ok_or_else(|| Error::Unfit(format!("{digest} is no manifest")))?;
            let members = manifest.0.into_iter().map(|(path, member)| (path, member.digest, member.size)).collect();
            return Ok(Got::Folder { digest, members });
        }
        Ok(Got::File { digest, reader: self.content(&digest)?.ok_or(Error::NotKept(text))? })
    }

    /// The bytes of a content; `None` when they were not kept.
    ///
    /// # Errors
    /// When the objects can't be read.
    pub fn content(&self, digest: &Digest) -> Result<Option<Box<dyn Read>>, Error> {
        Ok(self.objects().open(digest)?.map(|reader| reader as Box<dyn Read>))
    }
}
