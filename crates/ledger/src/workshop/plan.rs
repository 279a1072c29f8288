//! Which runs are made again, and in which order: a run alone, with those that made what is missing, or with everything above it.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use keizu_graph::{LinkKind, Options, Root, Trace, trace};
use keizu_record::{Digest, FilePath, RunId, Time};

use super::{Input, Job};
use crate::contents::{Supply, supply};
use crate::{Error, Ledger, View};

/// How far up runs are made again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Upstream {
    /// The run alone.
    Nothing,
    /// Those that made an input which is gone.
    Missing,
    /// All of them.
    All,
}

/// A run of the plan.
#[derive(Debug, Clone)]
pub struct Planned {
    /// It.
    pub job: Job,
    /// Inputs that another run was seen to make: by path.
    pub makers: BTreeMap<FilePath, RunId>,
}

/// Runs in an order in which they can be made again; the one that was asked for is the last.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// They.
    pub runs: Vec<Planned>,
}

impl Plan {
    /// The plan for a run.
    ///
    /// # Errors
    /// When the store fails or does not know the run, or a file can't be read.
    pub fn of(ledger: &mut Ledger, run: RunId, upstream: Upstream) -> Result<Self, Error> {
        let mut planner = Planner { family: Family::of(&ledger.view(), run)?, jobs: HashMap::new() };
        let mut order = Vec::new();
        let mut open = vec![(run, false)];
        let mut met = BTreeSet::new();
        // depth first, without recursion: a chain may be long
        while let Some((run, left)) = open.pop() {
            if left {
                order.push(run);
                continue;
            }
            if !met.insert(run) {
                continue;
            }
            open.push((run, true));
            let planned = planner.plan(ledger, run)?;
            let wanted = match upstream {
                Upstream::Nothing => BTreeSet::new(),
                Upstream::All => planned.makers.values().copied().collect(),
                Upstream::Missing => missing(ledger, &planned)?,
            };
            open.extend(wanted.into_iter().filter(|maker| !met.contains(maker)).map(|maker| (maker, false)));
            planner.jobs.insert(run, planned);
        }
        let runs = order.into_iter().map(|run| planner.jobs.remove(&run).expect("invariant: every run in the order was planned")).collect();
        Ok(Self { runs })
    }

    /// The run that was asked for.
    pub fn last(&self) -> &Planned {
        self.runs.last().expect("invariant: a plan ends with the run that was asked for")
    }

    /// The runs of the plan that a change of these reaches; they are among them.
    pub fn reached(&self, runs: &BTreeSet<RunId>) -> BTreeSet<RunId> {
        let mut reached = BTreeSet::new();
        for planned in &self.runs {
            let follows = planned.makers.values().any(|maker| reached.contains(maker));
            if follows || runs.contains(&planned.job.run) {
                reached.insert(planned.job.run);
            }
        }
        reached
    }
}

/// Runs that made inputs which are nowhere any more.
fn missing(ledger: &mut Ledger, planned: &Planned) -> Result<BTreeSet<RunId>, Error> {
    let mut runs = BTreeSet::new();
    for input in planned.job.inputs.iter().filter(|input| !input.is_outside()) {
        let (Some(maker), Some(content)) = (planned.makers.get(&input.path), input.content) else { continue };
        if !runs.contains(maker) && supply(ledger, &input.path, &content, input.size)? == Supply::Nowhere {
            runs.insert(*maker);
        }
    }
    Ok(runs)
}

struct Planner {
    family: Family,
    jobs: HashMap<RunId, Planned>,
}

impl Planner {
    fn plan(&mut self, ledger: &Ledger, run: RunId) -> Result<Planned, Error> {
        let view = ledger.view();
        let job = Job::of(&view, run)?;
        // what each run above it left, the latest write of a content at a path
        let mut left: HashMap<(FilePath, Digest), (Time, RunId)> = HashMap::new();
        for above in self.family.above(&job.runs) {
            for output in self.family.outputs(&view, above)? {
                let Some(content) = output.1 else { continue };
                let write = left.entry((output.0.clone(), content)).or_insert((output.2, above));
                *write = (*write).max((output.2, above));
            }
        }
        let maker = |input: &Input| {
            let (at, run) = left.get(&(input.path.clone(), input.content?))?;
            (*at <= input.at).then(|| (input.path.clone(), *run))
        };
        let makers = job.inputs.iter().filter_map(maker).collect();
        Ok(Planned { job, makers })
    }
}

/// One output: path, content, when.
type Left = (FilePath, Option<Digest>, Time);

/// Which run read what another made.
struct Family {
    above: HashMap<RunId, BTreeSet<RunId>>,
    outputs: HashMap<RunId, Vec<Left>>,
}

impl Family {
    fn of(view: &View<'_>, run: RunId) -> Result<Self, Error> {
        let answer = trace(view, &Root::Run(run), &Options::default())?;
        Ok(Self { above: above(&answer), outputs: HashMap::new() })
    }

    fn above(&self, runs: &[RunId]) -> BTreeSet<RunId> {
        let all = runs.iter().filter_map(|run| self.above.get(run)).flatten().copied();
        all.filter(|run| !runs.contains(run)).collect()
    }

    fn outputs(&mut self, view: &View<'_>, run: RunId) -> Result<&[Left], Error> {
        Ok(match self.outputs.entry(run) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => {
                let outputs = Job::of(view, run)?.outputs.into_iter();
                new.insert(outputs.map(|output| (output.path, output.content, output.at)).collect())
            }
        })
    }
}

/// The runs right above each run, over files that were seen to be written: equal bytes elsewhere are no link here.
fn above(answer: &Trace) -> HashMap<RunId, BTreeSet<RunId>> {
    let mut sources: HashMap<usize, Vec<usize>> = HashMap::new();
    for edge in &answer.edges {
        if matches!(edge.kind, LinkKind::Used | LinkKind::Made | LinkKind::Member) {
            sources.entry(edge.to).or_default().push(edge.from);
        }
    }
    let mut all = HashMap::new();
    for (at, node) in answer.nodes.iter().enumerate() {
        let Some(run) = node.vertex.run() else { continue };
        let mut found = BTreeSet::new();
        let mut met = BTreeSet::new();
        let mut open: Vec<usize> = sources.get(&at).cloned().unwrap_or_default();
        while let Some(next) = open.pop() {
            match answer.nodes[next].vertex.run() {
                Some(maker) => {
                    found.insert(maker);
                }
                None if met.insert(next) => open.extend(sources.get(&next).into_iter().flatten()),
                None => {}
            }
        }
        all.insert(run, found);
    }
    all
}
