//! Everything that can be reached from a root, told as it is found: for answers that are too large to be held, or not to be waited for.

use std::ops::ControlFlow;

use foldhash::HashMap;
use keizu_record::Digest;

use crate::Source;
use crate::load::Loader;
use crate::node::{Node, describe};
use crate::root::{self, Root};
use crate::vertex::{Link, Vertex, unique};
use crate::walk::{Direction, Options, expand};

/// How many vertices are expanded, and told, at once.
const BATCH: usize = 4_096;
/// How many entries are remembered from one batch of runs to the next. A run tells everything that leads away from it, so that what was
/// read before may
/// be forgotten between runs; it is only asked for again where it is needed again.
const ENTRIES_KEPT: usize = 200_000;

/// One vertex that was reached.
#[derive(Debug, Clone, PartialEq)]
pub struct Reached {
    /// Its number, in the order in which they were found. Who led to it was told before.
    pub number: usize,
    /// What it is.
    pub node: Node,
    /// How many runs lie between, it included when it is one.
    pub runs: u32,
    /// The link by which it was reached first: over no way with fewer runs can it be reached. Its ends are numbers. None for a root.
    pub by: Option<Link<usize>>,
}

/// Who is told: a batch of vertices at a time.
pub type Each<'a, E> = dyn FnMut(Vec<Reached>) -> Result<ControlFlow<()>, E> + 'a;

/// Tells all that can be reached from a root, the nearest first, each vertex once, roots included; there is no limit but
/// `options.depth`. `each` may
/// break off.
///
/// What is held meanwhile is 24 bytes for each vertex, and the entries around a few thousand runs.
///
/// # Errors
/// When the source fails, or `each`. An unknown root is no error: nothing is told.
pub fn reach<S: Source>(source: &S, root: &Root, options: &Options, each: &mut Each<'_, S::Error>) -> Result<(), S::Error> {
    reach_in(source, root, options, (BATCH, ENTRIES_KEPT), each)
}

/// The same with other limits than the usual ones: vertices that are expanded at once, and entries that are remembered between two
/// batches of runs.
///
/// # Errors
/// As [`reach`].
pub fn reach_in<S: Source>(
    source: &S,
    root: &Root,
    options: &Options,
    (batch, entries_kept): (usize, usize),
    each: &mut Each<'_, S::Error>,
) -> Result<(), S::Error> {
    let mut loader = Loader::new(source);
    let roots = root::find(&mut loader, root)?;
    let mut walk = Walk { loader, source, options, batch, entries_kept, seen: HashMap::default(), each, over: false };
    let roots: Vec<Open> = roots.into_iter().filter_map(|vertex| walk.number(vertex, None)).collect();
    let (mut runs, mut artifacts): (Vec<Open>, Vec<Open>) = roots.into_iter().partition(|open| open.vertex.run().is_some());
    walk.tell(runs.iter(), 0)?;
    let mut passed = 0;
    while !walk.over {
        // what was begun with these facts is ended with them
        runs.extend(walk.artifacts(std::mem::take(&mut artifacts), passed)?);
        passed += 1;
        if runs.is_empty() || options.depth.is_some_and(|depth| passed > depth) {
            break;
        }
        let mut next = Vec::new();
        for batch in std::mem::take(&mut runs).chunks(batch) {
            walk.forget();
            let (_, written) = walk.step(batch, passed)?;
            next.extend(walk.artifacts(written, passed)?);
            if walk.over {
                return Ok(());
            }
        }
        runs = next;
    }
    Ok(())
}

/// A vertex that is still to be expanded, its number, and the link that led to it.
struct Open {
    vertex: Vertex,
    number: usize,
    by: Option<Link<usize>>,
}

struct Walk<'s, 'o, 'e, S: Source> {
    loader: Loader<'s, S>,
    source: &'s S,
    options: &'o Options,
    batch: usize,
    entries_kept: usize,
    seen: HashMap<[u8; 16], usize>,
    each: &'o mut Each<'e, S::Error>,
    over: bool,
}

impl<S: Source> Walk<'_, '_, '_, S> {
    /// Starts with fresh facts when there are many.
    fn forget(&mut self) {
        if self.loader.linked.facts.len() > self.entries_kept {
            self.loader = Loader::new(self.source);
        }
    }

    /// Follows artifacts to artifacts until only runs are left, which are the next generation.
    fn artifacts(&mut self, mut open: Vec<Open>, passed: u32) -> Result<Vec<Open>, S::Error> {
        let mut runs = Vec::new();
        while !open.is_empty() && !self.over {
            let mut next = Vec::new();
            for batch in open.chunks(self.batch) {
                let (reached, artifacts) = self.step(batch, passed)?;
                runs.extend(reached);
                next.extend(artifacts);
            }
            open = next;
        }
        Ok(runs)
    }

    /// Expands some vertices; gives what is new: runs, and artifacts. What can be said of an artifact is known when its readers are: it
    /// is told now.
    fn step(&mut self, open: &[Open], passed: u32) -> Result<(Vec<Open>, Vec<Open>), S::Error> {
        if self.over {
            return Ok((Vec::new(), Vec::new()));
        }
        let vertices: Vec<Vertex> = open.iter().map(|open| open.vertex.clone()).collect();
        let numbers: HashMap<&Vertex, usize> = open.iter().map(|open| (&open.vertex, open.number)).collect();
        let links = unique(expand(&mut self.loader, &vertices, self.options)?);
        self.tell(open.iter().filter(|open| open.vertex.run().is_none()), passed)?;
        let (mut runs, mut artifacts) = (Vec::new(), Vec::new());
        for link in links {
            let (near, far) = match self.options.direction {
                Direction::Up => (&link.to, link.from.clone()),
                Direction::Down => (&link.from, link.to.clone()),
            };
            let Some(near) = numbers.get(near).copied() else { continue };
            let is_run = far.run().is_some();
            if !is_run || self.options.depth.is_none_or(|depth| passed < depth) {
                let list = if is_run { &mut runs } else { &mut artifacts };
                list.extend(self.number(far, Some((near, link))));
            }
        }
        self.tell(runs.iter(), passed + 1)?;
        Ok((runs, artifacts))
    }

    /// Gives a vertex its number, when it is new.
    fn number(&mut self, vertex: Vertex, by: Option<(usize, Link)>) -> Option<Open> {
        let number = self.seen.len();
        let std::collections::hash_map::Entry::Vacant(place) = self.seen.entry(key(&vertex)) else { return None };
        place.insert(number);
        let by = by.map(|(near, link)| numbered(link, near, number, self.options.direction));
        Some(Open { vertex, number, by })
    }

    fn tell<'v>(&mut self, open: impl Iterator<Item = &'v Open>, runs: u32) -> Result<(), S::Error> {
        let open: Vec<&Open> = open.collect();
        for batch in open.chunks(self.batch) {
            if self.over {
                break;
            }
            let vertices: Vec<Vertex> = batch.iter().map(|open| open.vertex.clone()).collect();
            let nodes = describe(&mut self.loader, &vertices)?;
            let told = batch.iter().zip(nodes);
            let told = told.map(|(open, node)| Reached { number: open.number, node, runs, by: open.by.clone() });
            self.over = (self.each)(told.collect())?.is_break();
        }
        Ok(())
    }
}

/// Stands for a vertex among those that were seen. 128 bits of a hash: no two of 2^40 vertices are taken for one but with a chance of
/// 2^-49.
fn key(vertex: &Vertex) -> [u8; 16] {
    let digest = Digest::of(vertex.to_string().as_bytes());
    digest.as_bytes()[..16].try_into().expect("invariant: a digest has 32 bytes")
}

fn numbered(link: Link, near: usize, number: usize, direction: Direction) -> Link<usize> {
    let (from, to) = match direction {
        Direction::Up => (number, near),
        Direction::Down => (near, number),
    };
    let Link { kind, role, artifact, authority, rule, relation, changed, .. } = link;
    Link { from, to, kind, role, artifact, authority, rule, relation, changed }
}
