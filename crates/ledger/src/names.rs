//! Giving names: versions of models and datasets, aliases of models.

use keizu_record::body::{ArtifactKind, Edge, Named};
use keizu_record::{Authority, Digest, Kind, Name, NodeId, RunId, Side};
use keizu_store::Select;

use crate::answer::VersionRow;
use crate::ledger::now;
use crate::thing::Thing;
use crate::view::{is_pointer, last_version, version_row};
use crate::{Error, Ledger};

/// What a name is to point at.
struct Target {
    content: Digest,
    run: Option<RunId>,
    path: Option<keizu_record::FilePath>,
    project: String,
    kind: ArtifactKind,
    size: Option<u64>,
    members: Option<u64>,
}

impl Ledger {
    /// Gives a content the next version of a model's or dataset's name. A name that already points at it keeps its version.
    ///
    /// # Errors
    /// When the thing has no content (a run), or the store fails.
    pub fn name(&mut self, name: Name, thing: &Thing, note: Option<String>) -> Result<VersionRow, Error> {
        let target = self.target(thing)?;
        let at = now();
        let mut given = None;
        self.append(|read| {
            let last = last_version(read, &name)?;
            if let Some(last) = last.as_ref().filter(|last| last.content == Some(target.content)) {
                given = Some(last.clone());
                return Ok(Vec::new());
            }
            let named = Named {
                name: name.clone(),
                at,
                authority: Authority::Declared,
                rule: None,
                content: Some(target.content),
                version: Some(last.and_then(|last| last.version).unwrap_or(0) + 1),
                run: target.run,
                project: target.project.clone(),
                path: target.path.clone(),
                kind: target.kind,
                size: target.size,
                members: target.members,
                note: note.clone(),
            };
            given = Some(named.clone());
            Ok(vec![named.to_record(now())])
        })?;
        let named = given.expect("invariant: the draft ran when append returned");
        Ok(version_row(&named, Vec::new()))
    }

    /// Points an alias of a model at one of its versions.
    ///
    /// # Errors
    /// When the model has no such version, or the store fails.
    pub fn alias(&mut self, model: &str, alias: &str, version: u64, note: Option<String>) -> Result<VersionRow, Error> {
        let name = Name::Model(model.to_owned());
        let versions = self.view().versions(&name)?;
        let Some(named) = versions.iter().rev().find(|named| named.version == Some(version)) else {
            return Err(self
                .view()
                .resolve(&format!("model:{model}@v{version}"), self.home().root())
                .err()
                .unwrap_or_else(|| Error::Unfit(format!("model:{model} has no version {version}"))));
        };
        let pointer = Named {
            name: Name::Alias { model: model.to_owned(), alias: alias.to_owned() },
            at: now(),
            authority: Authority::Declared,
            rule: None,
            note,
            ..named.clone()
        };
        self.append(|_| Ok(vec![pointer.to_record(now())]))?;
        Ok(version_row(named, vec![alias.to_owned()]))
    }

    /// Takes an alias back; its history stays.
    ///
    /// # Errors
    /// When the model has no such alias, or the store fails.
    pub fn unalias(&mut self, model: &str, alias: &str, note: Option<String>) -> Result<(), Error> {
        let thing = self.view().resolve(&format!("model:{model}@{alias}"), self.home().root())?;
        let Thing::Version(named) = thing else { return Err(Error::Unfit(format!("model:{model}@{alias} is no alias"))) };
        let pointer = Named {
            name: Name::Alias { model: model.to_owned(), alias: alias.to_owned() },
            at: now(),
            authority: Authority::Declared,
            content: None,
            version: None,
            note,
            ..*named
        };
        self.append(|_| Ok(vec![pointer.to_record(now())]))?;
        Ok(())
    }

    fn target(&self, thing: &Thing) -> Result<Target, Error> {
        let content = match thing {
            Thing::Version(named) => {
                let content = named.content.ok_or_else(|| Error::Unfit(format!("{} was taken back", NodeId::from(named.name.clone()))))?;
                return Ok(Target {
                    content,
                    run: named.run,
                    path: named.path.clone(),
                    project: named.project.clone(),
                    kind: named.kind,
                    size: named.size,
                    members: named.members,
                });
            }
            Thing::Artifact(digest) => (Side::Object, NodeId::from(*digest)),
            Thing::Place { project, path } => (Side::Place, Name::Path { project: project.clone(), path: path.clone() }.into()),
            Thing::Run(run) => return Err(Error::Unfit(format!("run:{} is a run; name what it made", run.short(6)))),
            Thing::Party(name) => return Err(Error::Unfit(format!("party:{name} has no content"))),
        };
        self.newest(content.0, content.1.clone(), thing)
    }

    /// The newest content at a node: a write if one was seen there, else whatever met it.
    fn newest(&self, side: Side, node: NodeId, thing: &Thing) -> Result<Target, Error> {
        let select =
            Select { nodes: Some((side, vec![node.clone()])), kinds: vec![Kind::Used, Kind::Made, Kind::Named], ..Select::default() };
        let mut entries = self.store().select(&select)?;
        entries.retain(|entry| side != Side::Place || !is_pointer(entry));
        entries.sort_by_key(|entry| (entry.record.happened, entry.record.kind == Kind::Made, entry.position));
        for entry in entries.iter().rev() {
            let run = (entry.record.kind == Kind::Made).then(|| entry.record.run()).flatten();
            if let Some(edge) = Edge::read(&entry.record)
                && let Some(content) = edge.content
            {
                return Ok(Target {
                    content,
                    run,
                    path: Some(edge.path),
                    project: edge.project,
                    kind: edge.kind,
                    size: edge.size,
                    members: edge.members,
                });
            }
            if let Some(named) = Named::read(&entry.record)
                && let Some(content) = named.content
            {
                let Named { run, path, project, kind, size, members, .. } = named;
                return Ok(Target { content, run, path, project, kind, size, members });
            }
        }
        match thing {
            // met inside a collection only
            Thing::Artifact(digest) => Ok(Target {
                content: *digest,
                run: None,
                path: None,
                project: self.project().to_owned(),
                kind: ArtifactKind::Other,
                size: None,
                members: None,
            }),
            _ => Err(Error::Unknown { what: format!("no content was seen at {node}"), nearest: Vec::new() }),
        }
    }
}
