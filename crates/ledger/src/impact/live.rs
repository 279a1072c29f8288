//! What is live, and who answers for it: records of kind `deployed` and `owned`, whoever wrote them.
//!
//! The subject of `deployed` is the deployment, its object what went live: a content, a model's name (with the fact `version`, where it
//! tells one) or an alias. The newest
//! record of a deployment counts; one without object, with the fact `until`, or with a `status` that says so, ended it.
//! The subject of `owned` is the thing: a content, a name, a path, a deployment; the object is the party. The newest record of a thing
//! counts.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use keizu_graph::ArtifactNode;
use keizu_record::{Entry, Kind, Name, NodeId, Side};
use keizu_store::Select;
use serde::Serialize;

use crate::answer::rfc3339;
use crate::thing::{At, Spelling};
use crate::{Error, View};

/// Words of a `status` that say that a deployment is over.
const OVER: &[&str] = &["down", "taken down", "ended", "stopped", "retired", "undeployed", "failed", "rolled back"];

/// A version of a model, live somewhere.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Deployment {
    /// `deployment:…`.
    pub id: String,
    /// Where: the record's `name`, `where` or `target`; null when it tells none.
    pub name: Option<String>,
    /// Whether it is live.
    pub live: bool,
    /// Since when: RFC 3339.
    pub since: String,
    /// Who is responsible for it.
    pub owners: Vec<String>,
}

/// Whether the record speaks of such things at all: most do not, and need not be asked each time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Live {
    deployed: bool,
    owned: bool,
}

impl Live {
    pub fn new(view: &View<'_>) -> Result<Self, Error> {
        let any = |kind| -> Result<bool, Error> {
            Ok(!view.store().select(&Select { kinds: vec![kind], limit: Some(1), ..Select::default() })?.is_empty())
        };
        Ok(Self { deployed: any(Kind::Deployed)?, owned: any(Kind::Owned)? })
    }

    /// What is known around some artifacts: a fixed number of statements, however many they are.
    pub fn around(self, view: &View<'_>, artifacts: &[&ArtifactNode]) -> Result<Around, Error> {
        let mut around = Around::default();
        if !self.deployed && !self.owned {
            return Ok(around);
        }
        let nodes: BTreeSet<NodeId> = artifacts.iter().flat_map(|artifact| names_of(artifact)).collect();
        if self.deployed {
            around.deployed = deployments(view, nodes.iter().cloned().collect())?;
        }
        if self.owned {
            let deployments = around.deployed.values().flatten().map(|(node, _, _)| node.clone());
            around.owned = owners(view, nodes.into_iter().chain(deployments).collect())?;
        }
        Ok(around)
    }
}

/// Deployments and owners, by the node that they speak of.
#[derive(Debug, Default)]
pub(super) struct Around {
    deployed: HashMap<NodeId, Vec<(NodeId, Option<u64>, Deployment)>>,
    owned: HashMap<NodeId, String>,
}

impl Around {
    /// Of one artifact.
    pub fn of(&mut self, artifact: &ArtifactNode) -> (Vec<Deployment>, Vec<String>) {
        let (mut deployments, mut owners) = (BTreeSet::new(), BTreeSet::new());
        for node in names_of(artifact) {
            owners.extend(self.owned.get(&node).cloned());
            for (deployment, version, what) in self.deployed.get(&node).into_iter().flatten() {
                if fits(artifact, &node, *version) {
                    deployments.insert(Deployment { owners: self.owned.get(deployment).cloned().into_iter().collect(), ..what.clone() });
                }
            }
        }
        (deployments.into_iter().collect(), owners.into_iter().collect())
    }
}

/// Everything by which a record may mean an artifact.
fn names_of(artifact: &ArtifactNode) -> BTreeSet<NodeId> {
    let mut nodes: BTreeSet<NodeId> = artifact.digest.map(NodeId::from).into_iter().collect();
    if let Some(path) = &artifact.path {
        nodes.insert(Name::Path { project: artifact.project.clone(), path: path.clone() }.into());
    }
    for version in &artifact.versions {
        match Spelling::read(version) {
            Spelling::Model(model, _) => {
                nodes.insert(Name::Model(model.to_owned()).into());
                nodes.extend(artifact.aliases.iter().map(|alias| Name::Alias { model: model.to_owned(), alias: alias.clone() }.into()));
            }
            Spelling::Data(name, _) => drop(nodes.insert(Name::Data(name.to_owned()).into())),
            _ => {}
        }
    }
    nodes
}

/// Whether a deployment of a name means this artifact among the versions of the name.
fn fits(artifact: &ArtifactNode, node: &NodeId, version: Option<u64>) -> bool {
    let (NodeId::Name(Name::Model(name)), Some(version)) = (node, version) else { return true };
    artifact.versions.iter().any(|spoken| match Spelling::read(spoken) {
        Spelling::Model(model, Some(At::Version(number))) => model == name && number == version,
        _ => false,
    })
}

type Deployed = HashMap<NodeId, Vec<(NodeId, Option<u64>, Deployment)>>;

fn deployments(view: &View<'_>, nodes: Vec<NodeId>) -> Result<Deployed, Error> {
    let found = view.entries(Side::Object, nodes, &[Kind::Deployed])?;
    let ids: BTreeSet<NodeId> = found.iter().map(|entry| entry.record.subject.clone()).collect();
    let newest = newest(view.entries(Side::Subject, ids.into_iter().collect(), &[Kind::Deployed])?);
    let mut by_object: Deployed = HashMap::new();
    let mut told: BTreeSet<(NodeId, NodeId, Option<u64>)> = BTreeSet::new();
    for entry in found.into_iter().rev() {
        let (Some(object), id) = (entry.record.object.clone(), entry.record.subject.clone()) else { continue };
        let version = version(&entry);
        if !told.insert((object.clone(), id.clone(), version)) {
            continue;
        }
        let Some(last) = newest.get(&id) else { continue };
        let moved = last.record.object.as_ref() != Some(&object) || self::version(last) != version;
        let name = ["name", "where", "target"].iter().find_map(|key| entry.record.text(key)).map(str::to_owned);
        let deployment = Deployment {
            id: id.to_string(),
            name,
            live: !moved && !is_over(last),
            since: rfc3339(entry.record.happened),
            owners: Vec::new(),
        };
        by_object.entry(object).or_default().push((id, version, deployment));
    }
    Ok(by_object)
}

/// The version of the name that went live, where the record tells one.
fn version(entry: &Entry) -> Option<u64> {
    entry.record.int("version").and_then(|version| u64::try_from(version).ok())
}

fn is_over(entry: &Entry) -> bool {
    let record = &entry.record;
    record.object.is_none() || record.fact("until").is_some() || record.text("status").is_some_and(|status| OVER.contains(&status))
}

fn owners(view: &View<'_>, nodes: BTreeSet<NodeId>) -> Result<HashMap<NodeId, String>, Error> {
    let newest = newest(view.entries(Side::Subject, nodes.into_iter().collect(), &[Kind::Owned])?);
    let party =
        |(node, entry): (NodeId, Entry)| Some((node, entry.record.object.filter(|object| matches!(object, NodeId::Party(_)))?.to_string()));
    Ok(newest.into_iter().filter_map(party).collect())
}

impl View<'_> {
    /// Who is responsible for a thing, by the newest record that says so: `party:lab`.
    pub(crate) fn owner(&self, node: &NodeId) -> Result<Option<String>, Error> {
        Ok(owners(self, BTreeSet::from([node.clone()]))?.remove(node))
    }
}

/// The last word on each subject.
fn newest(entries: Vec<Entry>) -> BTreeMap<NodeId, Entry> {
    let mut newest: BTreeMap<NodeId, Entry> = BTreeMap::new();
    for entry in entries {
        let later = |last: &Entry| (last.record.happened, last.position) <= (entry.record.happened, entry.position);
        if newest.get(&entry.record.subject).is_none_or(later) {
            newest.insert(entry.record.subject.clone(), entry);
        }
    }
    newest
}
