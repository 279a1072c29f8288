//! What one run says of itself beyond its files.

use std::collections::{BTreeMap, BTreeSet};

use keizu_record::body::{ArtifactKind, Edge, Role, RunBegan, RunEnded};
use keizu_record::manifest::Manifest;
use keizu_record::{Authority, Digest, Group, Kind, RunId, Side, Value};

use crate::documents::Environment;
use crate::{Error, View};

/// A parameter, and who says it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Param {
    pub value: Value,
    pub authority: Authority,
    pub rule: Option<String>,
}

/// What one run says of itself.
#[derive(Debug, Clone, Default)]
pub(super) struct RunFacts {
    pub began: Option<RunBegan>,
    pub blind: Vec<(String, String)>,
    pub params: BTreeMap<String, Param>,
    /// The document, when it is kept.
    pub environment: Option<Environment>,
    /// Packages of which files were loaded.
    pub loaded: BTreeSet<String>,
    /// Files of the environment that were loaded.
    pub files: Option<Digest>,
    /// Paths that it used, with their contents: an argument that names one is covered by the file.
    pub used: BTreeMap<String, Option<Digest>>,
    /// Paths that it made.
    pub made: BTreeSet<String>,
}

impl RunFacts {
    pub fn read(view: &View<'_>, run: RunId) -> Result<Self, Error> {
        let mut facts = Self::default();
        for entry in view.entries(Side::Subject, vec![run.into()], &[])? {
            let record = &entry.record;
            match record.kind {
                Kind::RunBegan => facts.began = RunBegan::read(record),
                Kind::RunEnded => facts.blind = RunEnded::read(record).map(|ended| ended.blind).unwrap_or_default(),
                Kind::Used | Kind::Made => facts.touch(view, record)?,
                _ => {}
            }
            for (key, value) in record.group(Group::Param) {
                let param = Param { value: value.clone(), authority: record.authority, rule: record.rule.clone() };
                facts.params.insert(key.to_owned(), param);
            }
        }
        Ok(facts)
    }

    fn touch(&mut self, view: &View<'_>, record: &keizu_record::Record) -> Result<(), Error> {
        let Some(edge) = Edge::read(record) else { return Ok(()) };
        if edge.role == Role::Environment && edge.kind == ArtifactKind::Environment && record.kind == Kind::Used {
            let document = edge.content.map(|digest| view.document(&digest)).transpose()?.flatten();
            self.environment = document.and_then(|bytes| serde_json::from_slice(&bytes).ok());
            self.files = record.bytes("files").and_then(Digest::from_slice);
            if let Some(Value::List(names)) = record.fact("packages loaded") {
                self.loaded = names.iter().filter_map(Value::as_name).map(|name| String::from_utf8_lossy(name).into_owned()).collect();
            }
        } else if record.kind == Kind::Used {
            self.used.insert(edge.path.to_string(), edge.content);
        } else {
            self.made.insert(edge.path.to_string());
        }
        Ok(())
    }

    /// The command, for people.
    pub fn command(&self) -> Vec<String> {
        self.began.as_ref().map(|began| crate::view::words(&began.command)).unwrap_or_default()
    }

    /// The manifest of the environment's files.
    pub fn manifest(&self, view: &View<'_>) -> Result<Option<Manifest>, Error> {
        self.files.map(|digest| view.manifest(&digest)).transpose().map(Option::flatten)
    }
}
