//! Models and datasets by name: versions and aliases.

use std::collections::BTreeMap;

use keizu_record::body::Named;
use keizu_record::{Name, NodeId, Side};
use keizu_store::Read;

use super::View;
use super::run::spoken;
use crate::Error;
use crate::answer::{NameDetail, VersionRow, rfc3339};

/// How many names are looked through for the nearest.
pub(crate) const NAMES_MAX: usize = 100_000;

impl View<'_> {
    /// A model or dataset with all its versions, newest first.
    ///
    /// # Errors
    /// When the store fails; a name that nothing bears is [`Error::Unknown`].
    pub fn name(&self, name: &Name) -> Result<NameDetail, Error> {
        let versions = self.versions(name)?;
        if versions.is_empty() {
            return Err(self.unknown_name(name)?);
        }
        let aliases = self.aliases(name)?;
        let rows = versions.iter().rev().map(|named| {
            let of = aliases.iter().filter(|(_, version)| Some(**version) == named.version).map(|(alias, _)| alias.clone());
            version_row(named, of.collect())
        });
        Ok(NameDetail { name: NodeId::from(name.clone()).to_string(), versions: rows.collect(), aliases })
    }

    /// All models and datasets.
    ///
    /// # Errors
    /// When the store fails.
    pub fn names(&self) -> Result<Vec<NameDetail>, Error> {
        let mut all = Vec::new();
        for name in self.all_names()? {
            match self.name(&name) {
                Ok(detail) => all.push(detail),
                // every version was retracted
                Err(Error::Unknown { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(all)
    }

    pub(crate) fn all_names(&self) -> Result<Vec<Name>, Error> {
        let from = NodeId::from(Name::Data(String::new())).encode();
        let to = NodeId::from(Name::Alias { model: String::new(), alias: String::new() }).encode();
        let nodes = self.store.nodes(&from, &[to[0], to[1]], NAMES_MAX)?;
        Ok(nodes.into_iter().filter_map(|node| if let NodeId::Name(name) = node { Some(name) } else { None }).collect())
    }

    /// Versions of a name, oldest first.
    pub(crate) fn versions(&self, name: &Name) -> Result<Vec<Named>, Error> {
        let entries = self.entries(Side::Subject, vec![name.clone().into()], &[keizu_record::Kind::Named])?;
        Ok(entries.iter().filter_map(|entry| Named::read(&entry.record)).filter(|named| named.version.is_some()).collect())
    }

    /// Aliases of a model, with the version that each points at now.
    pub(crate) fn aliases(&self, name: &Name) -> Result<BTreeMap<String, u64>, Error> {
        let Name::Model(model) = name else { return Ok(BTreeMap::new()) };
        let from = NodeId::from(Name::Alias { model: model.clone(), alias: String::new() }).encode();
        let mut to = from.clone();
        // the alias is the rest of the id: everything that begins like this
        to.push(0xff);
        let nodes = self.store.nodes(&from, &to, NAMES_MAX)?;
        let mut aliases = BTreeMap::new();
        for entry in self.entries(Side::Subject, nodes, &[keizu_record::Kind::Named])? {
            let Some(named) = Named::read(&entry.record) else { continue };
            let Name::Alias { alias, .. } = &named.name else { continue };
            match (named.content, named.version) {
                (Some(_), Some(version)) => aliases.insert(alias.clone(), version),
                _ => aliases.remove(alias),
            };
        }
        Ok(aliases)
    }
}

/// The last version of a name, as a draft sees it inside an append.
pub(crate) fn last_version(read: &dyn Read, name: &Name) -> Result<Option<Named>, keizu_store::Error> {
    let select = keizu_store::Select {
        nodes: Some((Side::Subject, vec![name.clone().into()])),
        kinds: vec![keizu_record::Kind::Named],
        newest_first: true,
        ..Default::default()
    };
    Ok(read.select(&select)?.iter().filter_map(|entry| Named::read(&entry.record)).find(|named| named.version.is_some()))
}

pub(crate) fn version_row(named: &Named, aliases: Vec<String>) -> VersionRow {
    VersionRow {
        name: spoken(named),
        version: named.version.unwrap_or(0),
        digest: named.content.map(|digest| digest.to_string()),
        size: named.size,
        path: named.path.as_ref().map(ToString::to_string),
        run: named.run.map(|run| run.to_string()),
        at: rfc3339(named.at),
        aliases,
        authority: named.authority.to_string(),
        rule: named.rule.clone(),
    }
}
