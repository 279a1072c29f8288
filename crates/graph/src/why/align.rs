//! From a pair of states down to the leaves.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use foldhash::HashSet;
use keizu_record::body::{ArtifactKind, Role};
use keizu_record::{FilePath, RecordId, RunId};

use super::folder::{self, Inside};
use super::pair::Answer;
use super::{Alignment, Alike, Comparer, File, Group, Leaf, Making, Member, Output, PAIRS_MAX, PARENTS_MAX, Pair, Reason, State, Written};
use crate::Source;
use crate::facts::Touch;
use crate::link::Resolution;
use crate::linked::Linked;
use crate::node::describe;
use crate::vertex::{Place, Vertex, unique};

/// How many updates in place are followed back.
const UPDATES_MAX: usize = 1_000;

/// A pair of runs that is still to be compared.
struct Open {
    pair: Pair,
    /// Files of these roles alone, or all but these, on each side.
    only: [Only; 2],
    /// The thing that was measured, on each side: it is the other group's.
    measured: [Option<Measured>; 2],
    /// A file that the two updated in place: what one of them found there is what the other may have left.
    updated: Option<Place>,
}

/// The thing that was measured, and the run that made it.
struct Measured {
    thing: Vertex,
    maker: Option<RunId>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Only {
    All,
    EvaluationData,
    AllButEvaluationData,
}

impl Only {
    fn admits(self, role: Role) -> bool {
        match self {
            Self::All => true,
            Self::EvaluationData => role == Role::EvaluationData,
            Self::AllButEvaluationData => role != Role::EvaluationData,
        }
    }
}

/// One comparison under way.
struct Work<'f> {
    alike: &'f Alike<'f>,
    parents_left: usize,
    queue: VecDeque<Open>,
    seen: HashSet<(Group, RunId, RunId)>,
    out: Alignment,
}

impl<S: Source> Comparer<'_, S> {
    /// Compares two states. Diamonds are visited once a group, and cycles end.
    ///
    /// # Errors
    /// When the source fails.
    pub fn align(&mut self, a: &State, b: &State, alike: &Alike<'_>) -> Result<Alignment, S::Error> {
        let mut work = self.work(alike, PARENTS_MAX);
        self.open_measure(&mut work, a, b)?;
        self.open_model(&mut work, a, b)?;
        self.run(&mut work)?;
        Ok(work.out)
    }

    fn work<'f>(&self, alike: &'f Alike<'f>, parents_left: usize) -> Work<'f> {
        Work { alike, parents_left, queue: VecDeque::new(), seen: HashSet::default(), out: Alignment::default() }
    }

    fn open_measure(&mut self, work: &mut Work<'_>, a: &State, b: &State) -> Result<(), S::Error> {
        let (Some(by_a), Some(by_b)) = (&a.measuring, &b.measuring) else { return Ok(()) };
        if by_a.run == by_b.run {
            return Ok(());
        }
        let alike = self.are_alike(work, by_a.run, by_b.run)?;
        let only = |state: &State| if state.is_one_run() { Only::EvaluationData } else { Only::All };
        let measured = |state: &State| {
            let thing = state.making.as_ref()?.vertex.clone();
            // what one run made and measured is told apart by role alone
            Some(Measured { thing, maker: state.run.filter(|_| !state.is_one_run()) })
        };
        work.push(Open {
            pair: Pair {
                group: Group::Measure,
                a: by_a.run,
                b: by_b.run,
                via: Vec::new(),
                alike,
                data_only: a.is_one_run() || b.is_one_run(),
                followed: false,
                output: None,
            },
            only: [only(a), only(b)],
            measured: [measured(a), measured(b)],
            updated: None,
        });
        Ok(())
    }

    fn open_model(&mut self, work: &mut Work<'_>, a: &State, b: &State) -> Result<(), S::Error> {
        let only = |state: &State| if state.is_one_run() { Only::AllButEvaluationData } else { Only::All };
        match (a.run, b.run) {
            (Some(run_a), Some(run_b)) if run_a != run_b => {
                let alike = self.are_alike(work, run_a, run_b)?;
                let pair = Pair {
                    group: Group::Model,
                    a: run_a,
                    b: run_b,
                    via: Vec::new(),
                    alike,
                    data_only: false,
                    followed: false,
                    output: None,
                };
                work.push(Open { pair, only: [only(a), only(b)], measured: [None, None], updated: None });
            }
            _ => {
                let (Some(made_a), Some(made_b)) = (&a.making, &b.making) else { return Ok(()) };
                if made_a.content != made_b.content {
                    work.out.leaves.push(bare_leaf(made_a, made_b));
                }
            }
        }
        Ok(())
    }

    fn are_alike(&mut self, work: &Work<'_>, a: RunId, b: RunId) -> Result<bool, S::Error> {
        self.loader.runs([a, b])?;
        let facts = &self.loader.linked.facts;
        Ok(match (facts.began(&a), facts.began(&b)) {
            (Some(a), Some(b)) => (work.alike)(a, b),
            _ => false,
        })
    }

    /// Level by level, so that a level costs a few calls of the source however wide it is.
    fn run(&mut self, work: &mut Work<'_>) -> Result<(), S::Error> {
        while !work.queue.is_empty() {
            let level: Vec<Open> = work.queue.drain(..).collect();
            let runs: Vec<RunId> = level.iter().flat_map(|open| [open.pair.a, open.pair.b]).collect();
            self.loader.runs(runs.iter().copied())?;
            let facts = &self.loader.linked.facts;
            let used: Vec<RecordId> = unique(runs.iter().flat_map(|run| facts.used_by(run)).map(|used| used.id));
            self.loader.resolve(used)?;
            for open in level {
                self.compare(work, open)?;
            }
        }
        Ok(())
    }

    /// What a run used that counts: not its environment, which is no file; not what it wrote itself; not what was measured.
    fn used(&self, run: RunId, only: Only, measured: Option<&Measured>) -> Vec<Touch> {
        let linked = &self.loader.linked;
        let mut used: Vec<Touch> = linked
            .facts
            .used_by(&run)
            .filter(|touch| touch.edge.role != Role::Environment && only.admits(touch.edge.role))
            .filter(|touch| linked.resolution(&touch.id).is_some_and(|read| !measured.is_some_and(|by| by.holds(linked, touch, read))))
            .cloned()
            .collect();
        used.sort_by(|x, y| (&x.edge.path, x.edge.role, x.id).cmp(&(&y.edge.path, y.edge.role, y.id)));
        used
    }

    fn compare(&mut self, work: &mut Work<'_>, open: Open) -> Result<(), S::Error> {
        let Open { mut pair, only, measured, updated } = open;
        let mut a = self.used(pair.a, only[0], measured[0].as_ref());
        let mut b = self.used(pair.b, only[1], measured[1].as_ref());
        for side in [&mut a, &mut b] {
            side.retain(|touch| updated.as_ref() != Some(&touch.place()));
        }
        // the code of two programs that were asked for by name is worth a look; below them it would be nonsense
        for answer in super::pair::pair(&a, &b, pair.alike || pair.via.is_empty()) {
            match answer {
                Answer::Both(at, with) => self.both(work, &mut pair, &a[at], &b[with])?,
                Answer::OnlyA(at) => work.out.leaves.push(self.leaf(&pair, Some(&a[at]), None, Reason::Missing)),
                Answer::OnlyB(at) => work.out.leaves.push(self.leaf(&pair, None, Some(&b[at]), Reason::Missing)),
                Answer::Folder { folder, files, later } => {
                    let (whole, loose) = if later { (&a[folder], &b) } else { (&b[folder], &a) };
                    let files: Vec<&Touch> = files.iter().map(|at| &loose[*at]).collect();
                    self.folder_and_files(work, &mut pair, whole, &files, later)?;
                }
            }
        }
        work.out.pairs.push(pair);
        Ok(())
    }

    fn both(&mut self, work: &mut Work<'_>, pair: &mut Pair, a: &Touch, b: &Touch) -> Result<(), S::Error> {
        let (role, kind) = part(a, b);
        if a.edge.content.is_some() && a.edge.content == b.edge.content {
            work.out.same.insert((pair.group, role, kind));
            return Ok(());
        }
        if pair.group == Group::Model && (role == Role::ParentModel || kind == ArtifactKind::Model) {
            let leaf = self.parent(work, pair, a, b)?;
            work.out.leaves.push(leaf);
            return Ok(());
        }
        if a.edge.is_collection() && b.edge.is_collection() {
            return self.folders(work, pair, a, b);
        }
        let leaf = self.leaf(pair, Some(a), Some(b), Reason::Raw);
        self.decide(work, pair, leaf)
    }

    fn leaf(&self, pair: &Pair, a: Option<&Touch>, b: Option<&Touch>, reason: Reason) -> Leaf {
        let touch = a.or(b).expect("invariant: one side at least");
        let (role, kind) = part(touch, b.unwrap_or(touch));
        let by = [a, b].into_iter().flatten().find(|touch| touch.edge.role == role).and_then(|touch| touch.by.clone());
        Leaf {
            group: pair.group,
            runs: Some((pair.a, pair.b)),
            role,
            kind,
            by,
            a: a.map(|touch| self.file(touch)),
            b: b.map(|touch| self.file(touch)),
            members: Vec::new(),
            via: pair.via.clone(),
            reason,
            inner: None,
        }
    }

    fn file(&self, touch: &Touch) -> File {
        let edge = &touch.edge;
        File {
            place: touch.place(),
            content: edge.content,
            size: edge.size,
            members: edge.members,
            unseen: edge.unseen.clone(),
            changed: edge.changed.clone(),
            writer: folder::writer(&self.loader.linked, touch),
        }
    }

    /// Follows a difference into the runs that wrote the two sides, or lets it stand.
    fn decide(&mut self, work: &mut Work<'_>, pair: &mut Pair, mut leaf: Leaf) -> Result<(), S::Error> {
        let writer = |file: &Option<File>| file.as_ref().and_then(|file| file.writer.clone());
        let path = leaf.a.as_ref().map(|file| file.place.path.clone()).unwrap_or_default();
        leaf.reason = match (writer(&leaf.a), writer(&leaf.b)) {
            (Some(a), Some(b)) if a.run == b.run => Reason::SameRun,
            (Some(a), Some(b)) => {
                let updated = self.is_update(a.run, &leaf, false)? || self.is_update(b.run, &leaf, true)?;
                let alike = self.are_alike(work, a.run, b.run)?;
                if alike {
                    let content = |file: &Option<File>| file.as_ref().and_then(|file| file.content);
                    let place = leaf.a.as_ref().filter(|_| updated).map(|file| file.place.clone());
                    work.follow(pair, (a.run, b.run), (path, content(&leaf.a), content(&leaf.b)), place);
                }
                match (updated, alike) {
                    (true, _) => Reason::Updated,
                    (false, true) => return Ok(()),
                    (false, false) => Reason::OtherProgram,
                }
            }
            (Some(a), None) if self.is_update(a.run, &leaf, false)? => Reason::Updated,
            (None, Some(b)) if self.is_update(b.run, &leaf, true)? => Reason::Updated,
            (Some(_), None) | (None, Some(_)) => Reason::OneWritten,
            (None, None) => Reason::Raw,
        };
        work.out.leaves.push(leaf);
        Ok(())
    }

    /// Whether a run made its side from the other side's content at the same place, by itself or through others that did the same.
    fn is_update(&mut self, run: RunId, leaf: &Leaf, earlier: bool) -> Result<bool, S::Error> {
        let (own, other) = if earlier { (&leaf.b, &leaf.a) } else { (&leaf.a, &leaf.b) };
        let (Some(own), Some(other)) = (own, other) else { return Ok(false) };
        let Some(wanted) = other.content else { return Ok(false) };
        let (mut run, mut seen) = (run, HashSet::default());
        while seen.insert(run) && seen.len() < UPDATES_MAX {
            self.loader.runs([run])?;
            let before = self.loader.linked.facts.used_by(&run).find(|used| used.place() == own.place && used.edge.content.is_some());
            let Some(before) = before.cloned() else { return Ok(false) };
            if before.edge.content == Some(wanted) {
                return Ok(true);
            }
            self.loader.resolve([before.id])?;
            match folder::writer(&self.loader.linked, &before) {
                Some(written) => run = written.run,
                None => return Ok(false),
            }
        }
        Ok(false)
    }

    fn folders(&mut self, work: &mut Work<'_>, pair: &mut Pair, a: &Touch, b: &Touch) -> Result<(), S::Error> {
        let linked = &self.loader.linked;
        let (Some(in_a), Some(in_b)) = (folder::contents(linked, a), folder::contents(linked, b)) else {
            let leaf = self.leaf(pair, Some(a), Some(b), Reason::Raw);
            return self.decide(work, pair, leaf);
        };
        let all = in_a.keys().chain(in_b.keys());
        let differing: BTreeSet<FilePath> = all.filter(|path| in_a.get(*path) != in_b.get(*path)).cloned().collect();
        let open = |touch| folder::opened(&self.loader.linked, touch, Some(&differing)).unwrap_or_default();
        let (in_a, in_b) = (open(a), open(b));
        let leaf = self.leaf(pair, Some(a), Some(b), Reason::Raw);
        self.members(work, pair, leaf, (in_a, in_b))
    }

    fn folder_and_files(
        &mut self,
        work: &mut Work<'_>,
        pair: &mut Pair,
        whole: &Touch,
        files: &[&Touch],
        later: bool,
    ) -> Result<(), S::Error> {
        let linked = &self.loader.linked;
        let loose = folder::loose(linked, files, whole);
        let opened = folder::opened(linked, whole, None).unwrap_or_default();
        let mut leaf = self.leaf(pair, Some(whole), Some(whole), Reason::Raw);
        let as_files = leaf.b.take().map(|file| File {
            content: None,
            size: Some(loose.values().map(|file| file.size).sum()),
            members: Some(loose.len() as u64),
            writer: None,
            ..file
        });
        let (in_a, in_b) = if later {
            leaf.b = as_files;
            (opened, loose)
        } else {
            leaf.b = leaf.a.take();
            leaf.a = as_files;
            (loose, opened)
        };
        self.members(work, pair, leaf, (in_a, in_b))
    }

    /// Follows each file of two folders that differs; what no pair of runs explains stays together in one leaf.
    fn members(
        &mut self,
        work: &mut Work<'_>,
        pair: &mut Pair,
        mut leaf: Leaf,
        (in_a, in_b): (BTreeMap<FilePath, Inside>, BTreeMap<FilePath, Inside>),
    ) -> Result<(), S::Error> {
        let folder_path = leaf.a.as_ref().map(|file| file.place.path.clone()).unwrap_or_default();
        let paths: BTreeSet<&FilePath> = in_a.keys().chain(in_b.keys()).collect();
        let mut differ = false;
        for path in paths {
            let (a, b) = (in_a.get(path), in_b.get(path));
            if a.map(|file| file.content) == b.map(|file| file.content) {
                continue;
            }
            differ = true;
            if let (Some(a), Some(b)) = (a, b)
                && self.follow_member(work, pair, (a, b), folder_path.join(path))?
            {
                continue;
            }
            let file = |side: Option<&Inside>| side.map(|file| (file.content, file.size));
            let writer = a.and_then(|file| file.writer.clone());
            leaf.members.push(Member { path: path.clone(), a: file(a), b: file(b), writer });
        }
        if !differ {
            work.out.same.insert((pair.group, leaf.role, leaf.kind));
        }
        if !leaf.members.is_empty() {
            leaf.reason = if leaf.members.iter().any(|member| member.writer.is_some()) { Reason::OneWritten } else { Reason::Raw };
            work.out.leaves.push(leaf);
        }
        Ok(())
    }

    fn follow_member(
        &mut self,
        work: &mut Work<'_>,
        pair: &mut Pair,
        (a, b): (&Inside, &Inside),
        path: FilePath,
    ) -> Result<bool, S::Error> {
        let (Some(Written { run: run_a, .. }), Some(Written { run: run_b, .. })) = (&a.writer, &b.writer) else { return Ok(false) };
        if run_a == run_b || !self.are_alike(work, *run_a, *run_b)? {
            return Ok(false);
        }
        work.follow(pair, (*run_a, *run_b), (path, Some(a.content), Some(b.content)), None);
        Ok(true)
    }

    /// A parent model, with what it differs in itself.
    fn parent(&mut self, work: &mut Work<'_>, pair: &Pair, a: &Touch, b: &Touch) -> Result<Leaf, S::Error> {
        let mut leaf = self.leaf(pair, Some(a), Some(b), Reason::Parent);
        leaf.role = Role::ParentModel;
        if work.parents_left == 0 {
            return Ok(leaf);
        }
        let (a, b) = (self.state_of(a)?, self.state_of(b)?);
        if let (Some(a), Some(b)) = (a, b)
            && a.run.is_some()
            && b.run.is_some()
        {
            let mut inner = self.work(work.alike, work.parents_left - 1);
            // what led here can't be its own cause
            inner.seen.extend(work.seen.iter().copied());
            self.open_model(&mut inner, &a, &b)?;
            self.run(&mut inner)?;
            leaf.inner = Some(Box::new(inner.out));
        }
        Ok(leaf)
    }

    fn state_of(&mut self, touch: &Touch) -> Result<Option<State>, S::Error> {
        let Some(vertex) = self.loader.linked.resolution(&touch.id).map(|read| read.vertex.clone()) else { return Ok(None) };
        let node = describe(&mut self.loader, std::slice::from_ref(&vertex))?.remove(0);
        let run = self.loader.linked.maker(&vertex);
        let making = Making {
            place: touch.place(),
            content: touch.edge.content,
            size: touch.edge.size,
            kind: touch.edge.kind,
            run,
            at: node.at.unwrap_or(touch.edge.at),
            vertex,
        };
        Ok(Some(State { making: Some(making), run, measuring: None }))
    }
}

impl Work<'_> {
    fn push(&mut self, open: Open) {
        if !self.seen.insert((open.pair.group, open.pair.a, open.pair.b)) {
            return;
        }
        if self.seen.len() > PAIRS_MAX {
            self.out.truncated = true;
            return;
        }
        self.queue.push_back(open);
    }

    fn follow(&mut self, from: &mut Pair, (a, b): (RunId, RunId), output: Output, updated: Option<Place>) {
        from.followed = true;
        let via = std::iter::once(output.0.clone()).chain(from.via.iter().cloned()).collect();
        let pair = Pair { group: from.group, a, b, via, alike: true, data_only: false, followed: false, output: Some(output) };
        self.push(Open { pair, only: [Only::All; 2], measured: [None, None], updated });
    }
}

impl Measured {
    /// Whether what was read is the thing, a folder with it, or a part of it: what its run left beside it, unless it is a table.
    fn holds(&self, linked: &Linked, touch: &Touch, read: &Resolution) -> bool {
        let write = |vertex: &Vertex| match vertex {
            Vertex::Write(id) | Vertex::Member { write: id, .. } => Some(*id),
            _ => None,
        };
        let thing = write(&self.thing);
        let is_thing = read.vertex == self.thing
            || thing.is_some_and(|id| write(&read.vertex) == Some(id) || read.origins.iter().any(|(_, origin)| *origin == id));
        let pickled = matches!(touch.edge.path.extension().as_str(), "pkl" | "pickle" | "joblib" | "json" | "yaml" | "yml" | "txt");
        let beside = self.maker.is_some() && linked.maker(&read.vertex) == self.maker;
        is_thing || (beside && touch.edge.role != Role::EvaluationData && (touch.edge.kind != ArtifactKind::Data || pickled))
    }
}

/// What part a file played: what either side marks as evaluation data or as a parent is that.
fn part(a: &Touch, b: &Touch) -> (Role, ArtifactKind) {
    let marked = [a, b].into_iter().find(|touch| matches!(touch.edge.role, Role::EvaluationData | Role::ParentModel));
    let touch = marked.unwrap_or(a);
    (touch.edge.role, touch.edge.kind)
}

/// The thing itself, which no run was seen making on one side at least.
fn bare_leaf(a: &Making, b: &Making) -> Leaf {
    let file = |making: &Making| File {
        place: making.place.clone(),
        content: making.content,
        size: making.size,
        members: None,
        unseen: None,
        changed: None,
        writer: making.run.map(|run| Written { run, at: making.at, elsewhere: false }),
    };
    let reason = match (a.run, b.run) {
        (Some(_), Some(_)) => Reason::SameRun,
        (None, None) => Reason::Raw,
        _ => Reason::OneWritten,
    };
    Leaf {
        group: Group::Model,
        runs: None,
        role: Role::Input,
        kind: a.kind,
        by: None,
        a: Some(file(a)),
        b: Some(file(b)),
        members: Vec::new(),
        via: Vec::new(),
        reason,
        inner: None,
    }
}
