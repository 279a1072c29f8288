//! Which things become one card.

use std::collections::BTreeMap;

use foldhash::HashMap;
use keizu_record::Digest;
use keizu_record::body::{ArtifactKind, Role};

use crate::node::Detail;
use crate::vertex::LinkKind;

use super::look::{base, classes};
use super::sides::{Kept, Side};
use super::{CardKind, OPEN_MAX, Query, Why, id_of};

/// So many runs of one command are folded.
const RUNS_MIN: usize = 4;
/// So many things of one kind with equal parents and children.
const SIBLINGS_MIN: usize = 4;
/// So many files of one folder that were read together.
const DIRECTORY_MIN: usize = 3;
/// So many programs of one run.
const CODE_MIN: usize = 2;
/// So many contents of one path.
const PATH_VERSIONS_MIN: usize = 4;

/// What becomes one card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Group {
    /// Things, that which names it first.
    pub nodes: Vec<u32>,
    /// Things that stand behind one of them.
    pub inner: Vec<u32>,
    /// Why there are several.
    pub why: Option<Why>,
}

impl Group {
    /// How many things the fold holds.
    pub fn count(&self) -> usize {
        match self.why {
            Some(Why::Noise | Why::System) => self.inner.len(),
            Some(Why::Versions) => self.nodes.len() - 1,
            _ => self.nodes.len(),
        }
    }

    pub fn all(&self) -> impl Iterator<Item = u32> + '_ {
        self.nodes.iter().chain(&self.inner).copied()
    }
}

/// A partition of the things that filters left.
#[derive(Debug, Clone, Default)]
pub(super) struct Groups {
    pub list: Vec<Group>,
    /// The group of each thing; none of those that are gone.
    pub of: Vec<Option<u32>>,
}

impl Groups {
    pub fn new(kept: &Kept<'_>, mut list: Vec<Group>) -> Self {
        list.sort_by_cached_key(|group| group.all().map(|node| kept.ranks[node as usize]).min());
        let mut of = vec![None; kept.kin.nodes.len()];
        for (at, group) in list.iter().enumerate() {
            group.all().for_each(|node| of[node as usize] = Some(at as u32));
        }
        Self { list, of }
    }

    /// Each thing by itself.
    pub fn single(kept: &Kept<'_>) -> Self {
        let all = (0..kept.kin.nodes.len() as u32).filter(|at| kept.sides[*at as usize] != Side::Gone);
        Self::new(kept, all.map(|node| Group { nodes: vec![node], inner: Vec::new(), why: None }).collect())
    }
}

/// What opens a fold: the same as long as its oldest member is there.
pub(super) fn fold_id(kept: &Kept<'_>, why: Why, nodes: &[u32]) -> String {
    let oldest = nodes.iter().min_by_key(|node| kept.ranks[**node as usize]);
    let (kind, id) =
        oldest.map(|node| &kept.kin.nodes[*node as usize]).map_or(("", String::new()), |node| (node.kind(), id_of(&node.vertex)));
    format!("g:{}", Digest::of(format!("{} {kind} {id}", why.word()).as_bytes()).short(12))
}

/// The fold's identity.
pub(super) fn id_of_group(kept: &Kept<'_>, group: &Group) -> Option<String> {
    let why = group.why?;
    Some(fold_id(kept, why, if matches!(why, Why::Noise | Why::System) { &group.nodes } else { group_members(group) }))
}

/// Versions are folded into the newest, which is not among them.
fn group_members(group: &Group) -> &[u32] {
    if group.why == Some(Why::Versions) { &group.nodes[1..] } else { &group.nodes }
}

/// Folds what looks alike. `rounds`: how far around likeness looks; the less, the more is folded.
pub(super) fn fold(kept: &Kept<'_>, rounds: usize) -> Groups {
    let owners = owners(kept);
    let mut taken: Vec<bool> =
        (0..kept.kin.nodes.len()).map(|at| kept.sides[at] == Side::Gone || owners.contains_key(&(at as u32))).collect();
    let mut list = versions(kept, &mut taken);
    let classes = classes(kept, rounds);
    let mut alike: HashMap<u32, Vec<u32>> = HashMap::default();
    let mut order = Vec::new();
    for at in (0..taken.len()).filter(|at| !taken[*at]) {
        let nodes = alike.entry(classes[at]).or_insert_with(|| {
            order.push(classes[at]);
            Vec::new()
        });
        nodes.push(at as u32);
    }
    let mut singles = Vec::new();
    for class in order {
        let nodes = alike.remove(&class).unwrap_or_default();
        match why(kept, &nodes) {
            Some(why) => list.push(Group { nodes: named_first(kept, nodes), inner: Vec::new(), why: Some(why) }),
            None => singles.extend(nodes),
        }
    }
    list.extend(siblings(kept, singles, &list));
    let mut groups = Groups::new(kept, list);
    take_in(kept, &mut groups, &owners);
    groups
}

/// Why things that look alike are folded, if there are enough of them.
fn why(kept: &Kept<'_>, nodes: &[u32]) -> Option<Why> {
    let node = &kept.kin.nodes[*nodes.first()? as usize];
    let leaf = nodes.iter().all(|node| kept.into.of(*node).is_empty());
    let (least, why) = match &node.detail {
        Detail::Run(_) => (RUNS_MIN, Why::Runs),
        Detail::Artifact(artifact) if artifact.kind == ArtifactKind::Code && leaf => (CODE_MIN, Why::Siblings),
        Detail::Artifact(artifact) if leaf && artifact.versions.is_empty() && one_folder(kept, nodes) => (DIRECTORY_MIN, Why::Directory),
        Detail::Artifact(_) => (SIBLINGS_MIN, Why::Siblings),
    };
    (nodes.len() >= least).then_some(why)
}

fn one_folder(kept: &Kept<'_>, nodes: &[u32]) -> bool {
    let folder =
        |node: &u32| kept.kin.nodes[*node as usize].artifact().and_then(|artifact| Some(artifact.path.as_ref()?.folder().to_vec()));
    let first = folder(&nodes[0]);
    first.as_ref().is_some_and(|first| !first.is_empty()) && nodes.iter().all(|node| folder(node) == first)
}

/// The script that the run's command names stands for its programs; else the first to come.
fn named_first(kept: &Kept<'_>, mut nodes: Vec<u32>) -> Vec<u32> {
    nodes.sort_by_key(|node| kept.ranks[*node as usize]);
    let is_script = |node: &u32| {
        let path = kept.kin.nodes[*node as usize].artifact().and_then(|artifact| artifact.path.clone());
        let Some(path) = path.filter(|_| kept.kin.nodes[*node as usize].kind() == ArtifactKind::Code.word()) else { return false };
        let readers = kept.out.of(*node).iter().filter_map(|link| kept.kin.nodes[kept.kin.edges[*link as usize].to].run());
        readers.flat_map(|run| &run.command).any(|word| word.ends_with(path.as_bytes()))
    };
    if let Some(at) = nodes.iter().position(is_script) {
        nodes[..=at].rotate_right(1);
    }
    nodes
}

/// What stands behind something else: what a run made for itself alone behind the run, files of the system behind the environment.
fn owners(kept: &Kept<'_>) -> BTreeMap<u32, (u32, Why)> {
    let edges = &kept.kin.edges;
    let mut owners = BTreeMap::new();
    for (at, node) in kept.kin.nodes.iter().enumerate() {
        let Some(artifact) = node.artifact().filter(|_| kept.sides[at] != Side::Gone && !kept.kin.roots.contains(&at)) else { continue };
        let at = at as u32;
        let maker = kept.into.of(at).iter().map(|link| &edges[*link as usize]).find(|link| link.kind == LinkKind::Made);
        if let Some(made) = maker {
            let alone = kept.out.of(at).iter().all(|link| edges[*link as usize].to == made.from);
            if alone && (artifact.removed || made.role == Some(Role::Intermediate)) {
                owners.insert(at, (made.from as u32, Why::Noise));
            }
            continue;
        }
        if artifact.role == Some(Role::Environment) && !is_environment(kept, at) {
            let readers = kept.out.of(at).iter().map(|link| edges[*link as usize].to as u32);
            let beside = readers.flat_map(|run| kept.into.of(run)).map(|link| edges[*link as usize].from as u32);
            let owner = beside.filter(|other| is_environment(kept, *other)).min_by_key(|other| kept.ranks[*other as usize]);
            owners.extend(owner.map(|owner| (at, (owner, Why::System))));
        }
    }
    owners
}

/// Whether it is the document that describes an environment.
fn is_environment(kept: &Kept<'_>, at: u32) -> bool {
    kept.kin.nodes[at as usize].artifact().is_some_and(|artifact| {
        artifact.kind == ArtifactKind::Environment && artifact.path.as_ref().is_some_and(|path| path.as_bytes() == b"(environment)")
    })
}

fn take_in(kept: &Kept<'_>, groups: &mut Groups, owners: &BTreeMap<u32, (u32, Why)>) {
    for (node, (owner, why)) in owners {
        match groups.of[*owner as usize] {
            Some(at) => {
                let group = &mut groups.list[at as usize];
                group.inner.push(*node);
                group.why.get_or_insert(*why);
                groups.of[*node as usize] = Some(at);
            }
            None => {
                let at = groups.list.len() as u32;
                groups.list.push(Group { nodes: vec![*node], inner: Vec::new(), why: None });
                groups.of[*node as usize] = Some(at);
            }
        }
    }
    for group in &mut groups.list {
        group.inner.sort_by_key(|node| kept.ranks[*node as usize]);
    }
}

/// Versions of a name, and contents of a path, on one side: the newest stands for the earlier ones.
fn versions(kept: &Kept<'_>, taken: &mut [bool]) -> Vec<Group> {
    let mut found: BTreeMap<(u8, bool, String), Vec<u32>> = BTreeMap::new();
    for (at, node) in kept.kin.nodes.iter().enumerate() {
        let Some(artifact) = node.artifact().filter(|_| !taken[at] && !kept.kin.roots.contains(&at)) else { continue };
        let side = match kept.sides[at] {
            Side::Up(_) => 1,
            Side::Down(_) => 2,
            Side::Gone | Side::Beside => continue,
        };
        let made = !kept.into.of(at as u32).is_empty();
        let key = match (artifact.versions.last(), &artifact.path) {
            (Some(version), _) => (side, true, base(version).to_owned()),
            (None, Some(path)) if made => (side, false, format!("{} {path}", artifact.project)),
            _ => continue,
        };
        found.entry(key).or_default().push(at as u32);
    }
    let enough = |((_, named, _), nodes): &((u8, bool, String), Vec<u32>)| nodes.len() >= if *named { 2 } else { PATH_VERSIONS_MIN };
    let groups = found.into_iter().filter(enough).map(|(_, mut nodes)| {
        nodes.sort_by_key(|node| std::cmp::Reverse(kept.ranks[*node as usize]));
        nodes.iter().for_each(|node| taken[*node as usize] = true);
        Group { nodes, inner: Vec::new(), why: Some(Why::Versions) }
    });
    groups.collect()
}

/// Of things that are still single: those of one kind whose parents and children are the same.
fn siblings(kept: &Kept<'_>, singles: Vec<u32>, list: &[Group]) -> Vec<Group> {
    let mut of: HashMap<u32, u32> = HashMap::default();
    for (at, group) in list.iter().enumerate() {
        of.extend(group.nodes.iter().map(|node| (*node, at as u32)));
    }
    // single things beyond the groups
    let place = |node: usize| of.get(&(node as u32)).map_or((true, node as u32), |group| (false, *group));
    type Key = (CardKind, bool, Vec<(bool, u32)>, Vec<(bool, u32)>);
    let mut found: BTreeMap<Key, Vec<u32>> = BTreeMap::new();
    let mut rest = Vec::new();
    for node in singles {
        let (kind, root) = (CardKind::of(&kept.kin.nodes[node as usize]), kept.kin.roots.contains(&(node as usize)));
        let mut ends = [kept.into.of(node).iter().map(|link| place(kept.kin.edges[*link as usize].from)).collect::<Vec<_>>(), {
            kept.out.of(node).iter().map(|link| place(kept.kin.edges[*link as usize].to)).collect()
        }];
        ends.iter_mut().for_each(|list| {
            list.sort_unstable();
            list.dedup();
        });
        let [into, out] = ends;
        if kind == CardKind::Run || root || (into.is_empty() && out.is_empty()) {
            rest.push(node);
        } else {
            let side = matches!(kept.sides[node as usize], Side::Beside);
            found.entry((kind, side, into, out)).or_default().push(node);
        }
    }
    let single = |node| Group { nodes: vec![node], inner: Vec::new(), why: None };
    let folded = found.into_values().flat_map(|nodes| match nodes.len() >= SIBLINGS_MIN {
        true => vec![Group { nodes: named_first(kept, nodes), inner: Vec::new(), why: Some(Why::Siblings) }],
        false => nodes.into_iter().map(single).collect(),
    });
    folded.chain(rest.into_iter().map(single)).collect()
}

/// Opens what is to be open: so many members at a time, the rest as a fold of its own.
pub(super) fn open(kept: &Kept<'_>, groups: Groups, query: &Query) -> Groups {
    if query.open.is_empty() {
        return groups;
    }
    let list = groups.list.into_iter().flat_map(|group| opened(kept, group, query));
    Groups::new(kept, list.collect())
}

fn opened(kept: &Kept<'_>, group: Group, query: &Query) -> Vec<Group> {
    let is_open = |id: Option<String>| id.is_some_and(|id| query.open.contains(&id));
    if !is_open(id_of_group(kept, &group)) {
        return vec![group];
    }
    let single = |node| Group { nodes: vec![node], inner: Vec::new(), why: None };
    let mut list: Vec<Group> = group.inner.iter().copied().map(single).collect();
    let mut rest = group.nodes;
    loop {
        let tail = rest.split_off(OPEN_MAX.min(rest.len()));
        list.extend(rest.into_iter().map(single));
        if tail.is_empty() {
            return list;
        }
        if !query.open.contains(&fold_id(kept, Why::More, &tail)) {
            list.push(Group { why: (tail.len() > 1).then_some(Why::More), nodes: tail, inner: Vec::new() });
            return list;
        }
        rest = tail;
    }
}
