//! Answers from the record: a snapshot's worth of questions.

mod artifact;
mod lens;
mod names;
mod resolve;
mod run;

pub(crate) use artifact::is_pointer;
pub(crate) use names::{last_version, version_row};
pub(crate) use run::{spoken, words};

use std::io::Read as _;
use std::path::Path;

use keizu_graph::{ArtifactNode, Options, Trace};
use keizu_record::body::{Edge, Named};
use keizu_record::manifest::{Manifest, Membership};
use keizu_record::{Authority, Digest, Entry, Kind, NodeId, RecordId, Side};
use keizu_store::objects::Objects;
use keizu_store::{Read, Select};

use crate::as_of::AsOf;
use crate::thing::Thing;
use crate::{Error, Ledger};
use lens::Lens;

/// Answers from the record of a [`Ledger`].
pub struct View<'a> {
    store: Lens<'a>,
    objects: &'a dyn Objects,
    root: &'a Path,
    project: &'a str,
    ledger: &'a Ledger,
}

impl<'a> View<'a> {
    pub(crate) fn new(ledger: &'a Ledger) -> Self {
        Self::over(ledger, ledger.store(), ledger.as_of())
    }

    /// Answers as of a moment, from any store that holds records of the ledger's project.
    pub(crate) fn over(ledger: &'a Ledger, store: &'a dyn Read, as_of: Option<AsOf>) -> Self {
        Self { store: Lens::new(store, as_of), objects: ledger.objects(), root: ledger.home().root(), project: ledger.project(), ledger }
    }

    /// The moment as of which it answers; none: now.
    pub fn as_of(&self) -> Option<AsOf> {
        self.store.as_of()
    }

    /// The project that a relative path belongs to.
    pub fn project(&self) -> &str {
        self.project
    }

    /// The head of the record, as it was last signed.
    pub(crate) fn head(&self) -> Result<Option<crate::picture::HeadRow>, Error> {
        self.ledger.head()
    }

    /// What made this, or what does it touch.
    ///
    /// # Errors
    /// When the store fails, or the thing has no place in the graph.
    pub fn trace(&self, thing: &Thing, options: &Options) -> Result<Trace, Error> {
        keizu_graph::trace(self, &self.start(thing)?, options)
    }

    /// Where a question about a thing starts.
    ///
    /// # Errors
    /// When the thing has no place in the graph.
    pub fn start(&self, thing: &Thing) -> Result<keizu_graph::Root, Error> {
        Ok(match thing {
            Thing::Run(run) => keizu_graph::Root::Run(*run),
            Thing::Artifact(digest) => keizu_graph::Root::Content(*digest),
            Thing::Place { project, path } => keizu_graph::Root::Place { project: project.clone(), path: path.clone() },
            Thing::Version(named) => keizu_graph::Root::Named((**named).clone()),
            Thing::Party(name) => return Err(Error::Unfit(format!("party:{name} is nothing that was made"))),
        })
    }

    /// Whether the bytes of a content are kept.
    pub(crate) fn has(&self, digest: &Digest) -> Result<bool, Error> {
        Ok(self.objects.has(digest)?)
    }

    /// Whether something stands at an artifact's path, as large as the artifact. Of other projects it is not known where they are: there it is taken to be so.
    pub(crate) fn stands(&self, artifact: &ArtifactNode) -> bool {
        use std::os::unix::ffi::OsStrExt as _;
        let Some(path) = &artifact.path else { return false };
        if !path.is_absolute() && artifact.project != self.project {
            return true;
        }
        let path = self.root.join(std::ffi::OsStr::from_bytes(path.as_bytes()));
        match fs_err::metadata(path) {
            Ok(found) if artifact.members.is_some() => found.is_dir(),
            Ok(found) => artifact.size.is_none_or(|size| size == found.len()),
            Err(_) => false,
        }
    }

    /// The bytes of a document that Keizu keeps itself: a manifest, names, an environment. `None` when it is gone.
    pub(crate) fn document(&self, digest: &Digest) -> Result<Option<Vec<u8>>, Error> {
        let Some(mut reader) = self.objects.open(digest)? else { return Ok(None) };
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes)?;
        Ok(Some(bytes))
    }

    /// The bytes of a content, to be read; `None` when they are not kept.
    pub(crate) fn opened(&self, digest: &Digest) -> Result<Option<Box<dyn std::io::Read + Send>>, Error> {
        Ok(self.objects.open(digest)?)
    }

    /// The project's root folder.
    pub(crate) fn root(&self) -> &Path {
        self.root
    }

    /// The record as of the moment.
    pub(crate) fn store(&self) -> &dyn Read {
        &self.store
    }

    /// Whether a record speaks of this content as a folder.
    pub(crate) fn is_collection(&self, digest: &Digest) -> Result<bool, Error> {
        let entries = self.entries(Side::Object, vec![(*digest).into()], &[Kind::Used, Kind::Made, Kind::Named])?;
        Ok(entries.iter().any(|entry| match Met::read(entry) {
            Some(Met::Edge(_, edge)) => edge.is_collection(),
            Some(Met::Named(named)) => named.members.is_some(),
            None => false,
        }))
    }

    pub(crate) fn manifest(&self, digest: &Digest) -> Result<Option<Manifest>, Error> {
        Ok(self.document(digest)?.and_then(|bytes| Manifest::decode(&bytes)))
    }

    /// Entries that still hold, of these kinds (all when empty), at one side of these nodes.
    pub(crate) fn entries(&self, side: Side, nodes: Vec<NodeId>, kinds: &[Kind]) -> Result<Vec<Entry>, Error> {
        let found = self.store.select(&Select { nodes: Some((side, nodes)), kinds: kinds.to_vec(), ..Select::default() })?;
        self.standing(found)
    }

    /// Without entries that a correction replaced or a retraction took back.
    fn standing(&self, mut entries: Vec<Entry>) -> Result<Vec<Entry>, Error> {
        // both speak of the same subject as what they cite
        let subjects: Vec<NodeId> =
            entries.iter().map(|entry| entry.record.subject.clone()).collect::<std::collections::BTreeSet<_>>().into_iter().collect();
        if subjects.is_empty() {
            return Ok(entries);
        }
        let gone: std::collections::HashSet<RecordId> = self
            .store
            .select(&Select { nodes: Some((Side::Subject, subjects)), ..Select::default() })?
            .into_iter()
            .filter(|entry| entry.record.authority == Authority::Corrected || entry.record.kind == Kind::Retracted)
            .flat_map(|entry| entry.record.cites)
            .collect();
        entries.retain(|entry| !gone.contains(&entry.id) && entry.record.kind != Kind::Retracted);
        Ok(entries)
    }
}

impl keizu_graph::Source for View<'_> {
    type Error = Error;

    fn select(&self, side: Side, nodes: &[NodeId], kinds: &[Kind]) -> Result<Vec<Entry>, Error> {
        Ok(self.store.select(&Select { nodes: Some((side, nodes.to_vec())), kinds: kinds.to_vec(), ..Select::default() })?)
    }

    fn collections_of(&self, members: &[Digest]) -> Result<Vec<Membership>, Error> {
        Ok(self.store.collections_of(members)?)
    }

    fn members_of(&self, collections: &[Digest]) -> Result<Vec<Membership>, Error> {
        let mut all = Vec::new();
        for collection in collections {
            if let Some(manifest) = self.manifest(collection)? {
                all.extend(manifest.0.into_iter().map(|(path, member)| Membership {
                    collection: *collection,
                    path,
                    member: member.digest,
                    size: member.size,
                }));
            }
        }
        Ok(all)
    }
}

/// What an entry says of an artifact, whichever its kind.
pub(crate) enum Met {
    Edge(Kind, Box<Edge>),
    Named(Box<Named>),
}

impl Met {
    pub(crate) fn read(entry: &Entry) -> Option<Self> {
        match entry.record.kind {
            kind @ (Kind::Used | Kind::Made) => Edge::read(&entry.record).map(|edge| Self::Edge(kind, Box::new(edge))),
            Kind::Named => Named::read(&entry.record).map(|named| Self::Named(Box::new(named))),
            _ => None,
        }
    }
}
