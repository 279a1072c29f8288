//! What was appended since: the contents that it speaks of, and all that hang together with them, are joined again; the rest stays.
//!
//! A content hangs together with the members of a collection that it is, with collections that hold it and with their members, and with what models
//! came from it.

use std::collections::BTreeSet;

use foldhash::HashSet;
use keizu_record::brief::Line;
use keizu_record::{Digest, Kind, Name, NodeId, RunId};

use super::hard::{self, Found};
use super::plain::position;
use super::vertices::{NONE, Sort};
use super::{CONTENTS_MAX, Index};
use crate::load::Loader;
use crate::vertex::unique;
use crate::{Outline, Source};

/// A tail of more than this share of the index is not worth patching.
const TAIL_SHARE: u64 = 4;
/// A tail this small is patched in any case.
const TAIL_LINES_MIN: u64 = 1_000;

/// Of what a tail speaks.
#[derive(Default)]
struct Told {
    contents: BTreeSet<u32>,
    /// Runs that were told of in any way.
    runs: BTreeSet<u32>,
    /// Runs that read what nothing else need be said of: only these reads are joined.
    readers: BTreeSet<u32>,
    /// Contents that they read.
    read: BTreeSet<u32>,
    /// Runs that were known before it was said where they began: all that they touched may mean something else now.
    again: BTreeSet<u32>,
    /// Subjects of what was taken back, whatever they are.
    mended: BTreeSet<u32>,
}

impl Told {
    fn line(&mut self, line: &Line, is_known: bool) {
        let brief = &line.brief;
        if brief.edge || matches!(line.kind, Kind::RunBegan | Kind::RunEnded) {
            self.runs.insert(line.subject);
        }
        if line.kind == Kind::RunBegan && is_known {
            self.again.insert(line.subject);
        }
        if brief.mends {
            self.mended.insert(line.subject);
        }
        if brief.is_lineage(line.kind) && line.kind == Kind::Used && !brief.collection {
            self.readers.insert(line.subject);
            self.read.extend(line.content());
        } else if brief.is_lineage(line.kind) || brief.kin || brief.reading {
            self.contents.extend(line.content());
        }
        if brief.kin {
            self.contents.insert(line.subject);
        }
    }
}

impl Index {
    /// Adds what was appended to the source since, and what the manifests of these collections say, which came to the source since.
    ///
    /// # Errors
    /// When the source fails.
    pub fn extend<S: Outline>(&mut self, source: &S, manifests: &[Digest]) -> Result<(), S::Error> {
        let (mut told, mut lines, next) = (Told::default(), Vec::new(), self.next);
        let lines_max = (next / TAIL_SHARE).max(TAIL_LINES_MIN);
        let mut many = false;
        source.lines(next, &mut |line| {
            many |= lines.len() as u64 >= lines_max;
            if !many {
                lines.push(*line);
            }
        })?;
        if many {
            *self = Self::build(source)?;
            return Ok(());
        }
        for line in &lines {
            told.line(line, self.vertices.run(line.subject).is_some());
            self.meet(line);
        }
        let runs: Vec<u32> = told.runs.iter().chain(&told.mended).chain(&told.again).copied().collect();
        let runs: Vec<RunId> = source.numbered(&unique(runs))?.into_iter().flatten().filter_map(|node| node.run()).collect();
        let contents = hang_together(source, &told, manifests)?;
        self.join_again(source, &contents)?;
        let readers: Vec<u32> = told.readers.iter().copied().collect();
        let readers: Vec<RunId> = source.numbered(&readers)?.iter().flatten().filter_map(NodeId::run).collect();
        for chunk in readers.chunks(CONTENTS_MAX) {
            let found = hard::readings(source, &mut self.vertices, chunk, next)?;
            self.patch(&found);
        }
        self.look_again(source, &runs)?;
        self.up.settle(self.vertices.len());
        self.down.settle(self.vertices.len());
        Ok(())
    }

    /// Gives the line's run and write their vertices.
    fn meet(&mut self, line: &Line) {
        let at = position(line);
        self.next = line.position + 1;
        let speaks = line.brief.edge || matches!(line.kind, Kind::RunBegan | Kind::RunEnded);
        if speaks && self.vertices.run(line.subject).is_none() {
            self.vertices.add_run(line.subject, at);
        }
        if line.brief.is_lineage(line.kind) && line.kind == Kind::Made {
            self.vertices.add_write(at, line.brief.artifact);
        }
    }

    fn join_again<S: Outline>(&mut self, source: &S, contents: &[Digest]) -> Result<(), S::Error> {
        let nodes: Vec<NodeId> = contents.iter().map(|content| (*content).into()).collect();
        let numbers: Vec<u32> = source.numbers(&nodes)?.into_iter().flatten().collect();
        let old: Vec<u32> = unique(numbers.iter().flat_map(|content| self.vertices.reads_of(*content)));
        for id in &old {
            self.clear(*id);
        }
        for chunk in contents.chunks(CONTENTS_MAX) {
            for position in writes_of(source, chunk)? {
                if let Some(id) = self.vertices.write(position) {
                    self.clear_write(id);
                }
            }
        }
        let mut stay = HashSet::default();
        for chunk in contents.chunks(CONTENTS_MAX) {
            let found = hard::contents(source, &mut self.vertices, chunk, None)?;
            self.patch(&found);
            stay.extend(found.vertices);
        }
        for id in old {
            if !stay.contains(&id) {
                self.vertices.forget(id);
            }
        }
        Ok(())
    }

    /// Reads and writes of these runs without a content, and of those who read the same places.
    fn look_again<S: Outline>(&mut self, source: &S, runs: &[RunId]) -> Result<(), S::Error> {
        let nodes: Vec<NodeId> = runs.iter().map(|run| (*run).into()).collect();
        let told: Vec<u32> = source.numbers(&nodes)?.into_iter().flatten().filter_map(|number| self.vertices.run(number)).collect();
        let unseen = |run: &u32| self.up.of(*run).iter().copied().filter(|from| self.vertices.is_unseen(*from)).collect::<Vec<_>>();
        let left = unique(told.iter().flat_map(unseen));
        let readers = unique(left.iter().flat_map(|from| self.down.of(*from).iter().copied()));
        for from in &left {
            // whose read stood for it may have been told of
            self.vertices.set_at(*from, NONE);
            self.clear(*from);
        }
        let readers: Vec<u64> = readers.iter().map(|run| u64::from(self.vertices.at(*run))).collect();
        let readers = source.at(&readers)?.into_iter().filter_map(|entry| entry.record.run());
        let again = unique(runs.iter().copied().chain(readers));
        for chunk in again.chunks(CONTENTS_MAX) {
            let mut found = hard::unseen(source, &mut self.vertices, chunk)?;
            for write in std::mem::take(&mut found.vertices) {
                self.clear_write(write);
            }
            self.patch(&found);
        }
        for id in left {
            if self.down.of(id).is_empty() {
                self.vertices.forget(id);
            }
        }
        Ok(())
    }

    fn patch(&mut self, found: &Found) {
        for (from, to) in &found.links {
            self.up.insert(*to, *from);
            self.down.insert(*from, *to);
        }
        for (from, to) in &found.down_only {
            self.down.insert(*from, *to);
        }
    }

    fn unlink(&mut self, from: u32, to: u32) {
        self.up.remove(to, from);
        self.down.remove(from, to);
    }

    /// Takes away all links of a vertex.
    fn clear(&mut self, id: u32) {
        for from in self.up.of(id).to_vec() {
            self.unlink(from, id);
        }
        for to in self.down.of(id).to_vec() {
            self.unlink(id, to);
        }
    }

    /// Takes away what made a write, and who read it by itself: links to other artifacts belong to those.
    fn clear_write(&mut self, id: u32) {
        for from in self.up.of(id).to_vec() {
            self.unlink(from, id);
        }
        for to in self.down.of(id).to_vec() {
            if self.vertices.sort(to) == Sort::Run {
                self.unlink(id, to);
            }
        }
    }
}

/// Positions of all writes of these contents, whether they hold or not.
fn writes_of<S: Source>(source: &S, contents: &[Digest]) -> Result<Vec<u32>, S::Error> {
    let mut loader = Loader::new(source);
    loader.occurrences(contents)?;
    let facts = &loader.linked.facts;
    let writes = contents.iter().flat_map(|content| facts.ever_made_of(content)).map(|made| made.position);
    Ok(writes.filter_map(|position| u32::try_from(position).ok()).filter(|position| *position != NONE).collect())
}

/// The contents of a tail, and those that hang together with them.
fn hang_together<S: Outline>(source: &S, told: &Told, manifests: &[Digest]) -> Result<Vec<Digest>, S::Error> {
    let mut loader = Loader::new(source);
    let mut contents: BTreeSet<Digest> = manifests.iter().copied().collect();
    let numbers: Vec<u32> = told.contents.iter().copied().collect();
    contents.extend(source.numbered(&numbers)?.into_iter().flatten().filter_map(|node| node.artifact()));
    let numbers: Vec<u32> = told.read.iter().copied().collect();
    let read: Vec<Digest> = source.numbered(&numbers)?.into_iter().flatten().filter_map(|node| node.artifact()).collect();
    loader.parents_of(&read)?;
    loader.children_of(&read)?;
    // which occurrence a model came from hangs on who read its parent
    contents.extend(read.into_iter().filter(|content| loader.linked.facts.has_kin(content)));
    let numbers: Vec<u32> = told.mended.iter().chain(&told.again).copied().collect();
    let again: Vec<NodeId> = source.numbered(&unique(numbers))?.into_iter().flatten().collect();
    let runs: Vec<RunId> = again.iter().filter_map(NodeId::run).collect();
    loader.runs(runs.iter().copied())?;
    contents.extend(runs.iter().flat_map(|run| loader.linked.facts.ever_touched_by(run)).filter_map(|touch| touch.edge.content));
    let names: Vec<Name> = again.iter().filter_map(as_name).collect();
    loader.names(names.iter().cloned())?;
    contents.extend(names.iter().flat_map(|name| loader.linked.facts.ever_named(name)).filter_map(|naming| naming.named.content));
    contents.extend(again.iter().filter_map(NodeId::artifact));
    for _ in 0..2 {
        // members of what was told, then of the folders that hold them
        loader.members(contents.iter().copied())?;
        let members = contents.iter().flat_map(|content| loader.linked.facts.members(content)).map(|member| member.member);
        contents.extend(members.collect::<Vec<_>>());
        if contents.is_empty() {
            break;
        }
        loader.holders(contents.iter().copied())?;
        let holders = contents.iter().flat_map(|content| loader.linked.facts.holders(content)).map(|holder| holder.collection);
        contents.extend(holders.collect::<Vec<_>>());
    }
    loop {
        let before = contents.len();
        let all: Vec<Digest> = contents.iter().copied().collect();
        loader.children_of(&all)?;
        let children = all.iter().flat_map(|content| loader.linked.facts.children_of(content).map(|told| told.child));
        contents.extend(children.collect::<Vec<_>>());
        if contents.len() == before {
            return Ok(contents.into_iter().collect());
        }
    }
}

fn as_name(node: &NodeId) -> Option<Name> {
    match node {
        NodeId::Name(name) => Some(name.clone()),
        _ => None,
    }
}
