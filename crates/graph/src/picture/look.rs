//! Which things look alike, and stand among things that look alike.

use crate::node::Detail;
use crate::tree::stem;
use crate::vertex::Vertex;
use foldhash::HashMap;

use super::CardKind;
use super::code::EdgeRole;
use super::sides::{Kept, Side};

/// What a thing looks like by itself.
#[derive(PartialEq, Eq, Hash)]
struct Look<'k> {
    kind: CardKind,
    side: u8,
    root: bool,
    command: &'k [Vec<u8>],
    /// Of a model or dataset: its name.
    name: &'k str,
    folder: &'k [u8],
    extension: String,
    source: bool,
}

/// A number for each thing: those that look alike have the same. `rounds`: how far around each is looked.
pub(super) fn classes(kept: &Kept<'_>, rounds: usize) -> Vec<u32> {
    let count = kept.kin.nodes.len();
    let mut classes = numbered((0..count).map(|at| look(kept, at)));
    for _ in 0..rounds {
        // neighbours as a set: one day more does not make a folder another kind of thing
        let around = |at: usize| {
            let edges = &kept.kin.edges;
            let into = kept.into.of(at as u32).iter().map(|link| &edges[*link as usize]);
            let into = into.map(|link| (true, classes[link.from], EdgeRole::of(link), link.authority));
            let out = kept.out.of(at as u32).iter().map(|link| &edges[*link as usize]);
            let out = out.map(|link| (false, classes[link.to], EdgeRole::of(link), link.authority));
            let mut around: Vec<_> = into.chain(out).collect();
            around.sort_unstable();
            around.dedup();
            (classes[at], around)
        };
        classes = numbered((0..count).map(around));
    }
    classes
}

fn look<'k>(kept: &Kept<'k>, at: usize) -> Look<'k> {
    let node = &kept.kin.nodes[at];
    let side = match kept.sides[at] {
        Side::Gone => 0,
        Side::Up(_) => 1,
        Side::Down(_) => 2,
        Side::Beside => 3,
    };
    let mut look = Look {
        kind: CardKind::of(node),
        side,
        root: kept.kin.roots.contains(&at),
        command: &[],
        name: "",
        folder: &[],
        extension: String::new(),
        source: matches!(node.vertex, Vertex::Source { .. }),
    };
    match &node.detail {
        Detail::Run(run) => look.command = stem(&run.command),
        Detail::Artifact(artifact) => {
            let code = artifact.kind == keizu_record::body::ArtifactKind::Code;
            if let Some(version) = artifact.versions.last() {
                look.name = base(version);
            } else if let Some(path) = artifact.path.as_ref().filter(|_| !code) {
                (look.folder, look.extension) = (path.folder(), path.extension());
            }
        }
    }
    look
}

/// `model:delay` of `model:delay@v3`.
pub(super) fn base(version: &str) -> &str {
    version.rsplit_once('@').map_or(version, |(name, _)| name)
}

/// Equal things get equal numbers, in the order of their first.
fn numbered<T: std::hash::Hash + Eq>(items: impl Iterator<Item = T>) -> Vec<u32> {
    let mut numbers = HashMap::default();
    items
        .map(|item| {
            let next = numbers.len() as u32;
            *numbers.entry(item).or_insert(next)
        })
        .collect()
}
