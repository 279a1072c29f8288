//! Which siblings are folded into one line.

use std::collections::BTreeSet;

use super::pattern::{pattern, stem};
use super::{Grower, Item, Part, Said, Series, Twig};
use foldhash::HashMap;

/// So many similar siblings are folded; two are shown.
pub const SERIES_MIN: usize = 3;

/// So many files without a history of their own are folded; fewer are better read by name.
pub const FILES_MIN: usize = 6;

/// Siblings that share a line: one, or similar ones.
pub(super) struct Group {
    pub twigs: Vec<Twig>,
}

/// What similar siblings have in common.
#[derive(PartialEq, Eq, Hash)]
struct Shape {
    part: Option<Part>,
    said: Said,
    command: Vec<Vec<u8>>,
    reads: BTreeSet<Option<Part>>,
    files: Option<(Vec<u8>, String)>,
    leaf: bool,
}

/// Groups siblings by shape, in the order of the first of each.
pub(super) fn groups(grower: &Grower<'_>, twigs: Vec<Twig>) -> Vec<Group> {
    let mut order: Vec<Vec<Twig>> = Vec::new();
    let mut at: HashMap<Shape, usize> = HashMap::default();
    for twig in twigs {
        let shape = shape(grower, &twig);
        let place = *at.entry(shape).or_insert_with(|| {
            order.push(Vec::new());
            order.len() - 1
        });
        order[place].push(twig);
    }
    order.into_iter().flat_map(|twigs| split(grower, twigs)).collect()
}

fn split(grower: &Grower<'_>, twigs: Vec<Twig>) -> Vec<Group> {
    let Some(first) = twigs.first() else { return Vec::new() };
    let leaf = grower.near[first.node].is_empty() && grower.node(first.node).run().is_none();
    let least = match first.part {
        Some(Part::Code) if leaf => 2,
        _ if leaf => FILES_MIN,
        _ => SERIES_MIN,
    };
    // programs share a line even where all is shown: they are names, nothing hangs on them
    let joined = grower.fold || first.part == Some(Part::Code);
    if joined && twigs.len() >= least {
        return vec![Group { twigs }];
    }
    twigs.into_iter().map(|twig| Group { twigs: vec![twig] }).collect()
}

fn shape(grower: &Grower<'_>, twig: &Twig) -> Shape {
    let node = grower.node(twig.node);
    let leaf = grower.near[twig.node].is_empty();
    let mut shape = Shape {
        part: twig.part,
        said: twig.said.clone(),
        command: Vec::new(),
        reads: BTreeSet::new(),
        files: None,
        leaf: leaf && node.run().is_none(),
    };
    if let Some(run) = node.run() {
        shape.command = stem(&run.command).to_vec();
        shape.reads = grower.links(twig.node).map(Part::of).collect();
    } else if let Some(artifact) = node.artifact() {
        // programs are joined wherever they are
        if twig.part != Some(Part::Code) || !leaf {
            shape.files = artifact.path.as_ref().map(|path| (path.folder().to_vec(), path.extension()));
        }
        let runs = grower.links(twig.node).filter_map(|link| grower.node(grower.far(link)).run());
        shape.command = runs.min_by_key(|run| &run.command).map(|run| stem(&run.command).to_vec()).unwrap_or_default();
    }
    shape
}

/// What stands on the line of a group.
pub(super) fn item(grower: &Grower<'_>, nodes: &[usize]) -> Item {
    if let [one] = nodes {
        return Item::One(*one);
    }
    let runs: Vec<_> = nodes.iter().filter_map(|node| grower.node(*node).run()).collect();
    if runs.is_empty() {
        return Item::Files(nodes.to_vec());
    }
    let commands: Vec<&[Vec<u8>]> = runs.iter().map(|run| run.command.as_slice()).collect();
    let ends = |run: &crate::RunNode| run.ended.or(run.began);
    let busy = runs.iter().filter_map(|run| Some(run.ended?.micros() - run.began?.micros()));
    Item::Series(Series {
        runs: nodes.to_vec(),
        pattern: pattern(&commands),
        first: runs.iter().filter_map(|run| run.began).min(),
        last: runs.iter().filter_map(|run| ends(run)).max(),
        busy_micros: busy.sum(),
    })
}
