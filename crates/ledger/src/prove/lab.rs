//! Measures a side with some factors swapped: makes the runs again that they reach, and reads the numbers.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;

use keizu_record::{Digest, FilePath, RunId};

use super::factor::{self, Draft, Side};
use super::seed;
use crate::contents::{Supply, supply};
use crate::reproduce::numbers;
use crate::why::{State, Why};
use crate::workshop::{Lacking, Plan, Planned, Settings, Swaps, Told, Upstream, World};
use crate::{Error, Ledger};

/// Numbers by name.
pub type Numbers = BTreeMap<String, f64>;
/// What was measured, or why it could not be.
pub type Measured = Result<Numbers, Vec<Lacking>>;

/// A side: its runs, and where its numbers are.
struct Bench {
    plan: Plan,
    measured: RunId,
    evaluations: Vec<FilePath>,
}

/// Both sides, and what was made for them.
pub struct Lab<'l, 's, 't> {
    ledger: &'l mut Ledger,
    settings: &'s mut Settings<'t>,
    after: Bench,
    before: Bench,
    /// Contents that were kept nowhere and were made again.
    stock: HashMap<Digest, PathBuf>,
    /// Where they lie.
    shelves: Vec<World>,
    /// Runs that were made again.
    pub runs: usize,
    /// How many there will be, as far as can be told.
    pub expected: usize,
    /// What must be known.
    pub remarks: Vec<String>,
    worlds: usize,
}

impl<'l, 's, 't> Lab<'l, 's, 't> {
    /// For two states that were both measured.
    pub fn new(ledger: &'l mut Ledger, why: &Why, settings: &'s mut Settings<'t>) -> Result<Self, Error> {
        let unmeasured = |what: &str| Error::Unfit(format!("{what} was not measured, so there is no number whose change could be proved"));
        let b = why.b.as_ref().ok_or_else(|| Error::Unfit("there is nothing earlier to hold it against".to_owned()))?;
        let mut bench = |state: &State| -> Result<Bench, Error> {
            let measured = state.measured.ok_or_else(|| unmeasured(&state.name))?;
            let evaluations = state.evaluations.iter().map(|(path, _)| path.clone()).collect();
            Ok(Bench { plan: Plan::of(ledger, measured, Upstream::All)?, measured, evaluations })
        };
        let (after, before) = (bench(&why.a)?, bench(b)?);
        Ok(Self {
            ledger,
            settings,
            after,
            before,
            stock: HashMap::new(),
            shelves: Vec::new(),
            runs: 0,
            expected: 0,
            remarks: Vec::new(),
            worlds: 0,
        })
    }

    fn bench(&self, side: Side) -> &Bench {
        match side {
            Side::After => &self.after,
            Side::Before => &self.before,
        }
    }

    /// The runs of a side that these factors reach; always the one that measures.
    pub fn reached(&self, side: Side, drafts: &[&Draft]) -> Result<BTreeSet<RunId>, Error> {
        let bench = self.bench(side);
        let swaps = factor::swaps(&self.ledger.view(), &bench.plan, side, drafts)?;
        let mut runs = bench.plan.reached(&swaps.into_keys().collect());
        runs.insert(bench.measured);
        Ok(runs)
    }

    /// How long these runs took when they were recorded.
    pub fn took(&self, side: Side, steps: &BTreeSet<RunId>) -> std::time::Duration {
        let plan = &self.bench(side).plan;
        plan.runs.iter().filter(|planned| steps.contains(&planned.job.run)).map(|planned| planned.job.took).sum()
    }

    /// Tells how much there is to do.
    pub fn announce(&mut self, runs: usize, took: std::time::Duration) {
        self.expected = runs;
        (self.settings.tell)(&Told::Expected { runs, took });
    }

    /// Whether a seed is seen in one of these runs.
    pub fn has_seed(&mut self, side: Side, steps: &BTreeSet<RunId>) -> Result<bool, Error> {
        let planned: Vec<Planned> = self.bench(side).plan.runs.iter().filter(|planned| steps.contains(&planned.job.run)).cloned().collect();
        for planned in &planned {
            if seed::moved(self.ledger, planned, 1)?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The numbers of a side with these factors swapped, when these of its runs are made again; with seeds moved on by `seed`.
    pub fn measure(&mut self, side: Side, drafts: &[&Draft], steps: &BTreeSet<RunId>, seed: u64) -> Result<Measured, Error> {
        let bench = self.bench(side);
        let all = factor::swaps(&self.ledger.view(), &bench.plan, side, drafts)?;
        let (measured, evaluations) = (bench.measured, bench.evaluations.clone());
        let planned: Vec<Planned> = bench.plan.runs.iter().filter(|planned| steps.contains(&planned.job.run)).cloned().collect();
        let Some(last) = planned.iter().find(|planned| planned.job.run == measured) else {
            return Ok(Err(vec![Lacking::new("the measurement", "its run is not known")]));
        };
        self.worlds += 1;
        let mut world = World::new(self.ledger, &last.job, self.settings, &format!("world-{}", self.worlds))?;
        for planned in &planned {
            let mut swaps = all.get(&planned.job.run).cloned().unwrap_or_default();
            if seed > 0
                && let Some(moved) = seed::moved(self.ledger, planned, seed)?
            {
                swaps.texts.extend(moved.texts);
                swaps.commands.extend(moved.commands);
            }
            let made: BTreeSet<RunId> = steps.clone();
            let lacking = self.restock(side, planned, &swaps, &made)?;
            if !lacking.is_empty() {
                return Ok(Err(lacking));
            }
            swaps.stock.clone_from(&self.stock);
            let performed = match world.perform(self.ledger, planned, &swaps, self.settings)? {
                Ok(performed) => performed,
                Err(lacking) => return Ok(Err(lacking)),
            };
            self.runs += 1;
            (self.settings.tell)(&Told::Done { done: self.runs, all: self.expected.max(self.runs) });
            if !performed.succeeded {
                return Ok(Err(vec![crate::reproduce::failed(planned, &performed)]));
            }
            for remark in performed.remarks {
                if !self.remarks.contains(&remark) {
                    self.remarks.push(remark);
                }
            }
        }
        read(&world, &evaluations)
    }

    /// Makes again what is nowhere any more and that a run needs; what can't be.
    fn restock(&mut self, side: Side, planned: &Planned, swaps: &Swaps, steps: &BTreeSet<RunId>) -> Result<Vec<Lacking>, Error> {
        let mut wanted: Vec<(FilePath, Digest, Side)> = Vec::new();
        let other = if side == Side::After { Side::Before } else { Side::After };
        for input in planned.job.inputs.iter().filter(|input| !input.is_outside()) {
            match (swaps.files.get(&input.path), input.content) {
                (Some(Some(content)), _) => wanted.push((input.path.clone(), *content, other)),
                (None, Some(content)) if !planned.makers.get(&input.path).is_some_and(|maker| steps.contains(maker)) => {
                    wanted.push((input.path.clone(), content, side));
                }
                _ => {}
            }
        }
        let mut lacking = Vec::new();
        for (path, content, side) in wanted {
            if !self.stock.contains_key(&content) && supply(self.ledger, &path, &content, None)? == Supply::Nowhere {
                lacking.extend(self.make(side, &path, &content)?);
            }
        }
        Ok(lacking)
    }

    /// Makes a content again with the run that made it; why that can't be.
    fn make(&mut self, side: Side, path: &FilePath, content: &Digest) -> Result<Vec<Lacking>, Error> {
        let leaves = |planned: &&Planned| planned.job.outputs.iter().any(|output| output.path == *path && output.content == Some(*content));
        let Some(maker) = self.bench(side).plan.runs.iter().rev().find(leaves).map(|planned| planned.job.run) else {
            let why = "its content was not kept, and no recorded run made it";
            return Ok(vec![Lacking::new(path.to_string(), why).hint("[keep] in keizu.toml keeps such files from the next run on")]);
        };
        let plan = Plan::of(self.ledger, maker, Upstream::Missing)?;
        self.worlds += 1;
        let mut world = World::new(self.ledger, &plan.last().job, self.settings, &format!("world-{}", self.worlds))?;
        for planned in &plan.runs {
            match world.perform(self.ledger, planned, &Swaps::default(), self.settings)? {
                Ok(performed) if !performed.succeeded => return Ok(vec![crate::reproduce::failed(planned, &performed)]),
                Ok(_) => self.runs += 1,
                Err(lacking) => return Ok(lacking),
            }
        }
        for output in plan.runs.iter().flat_map(|planned| &planned.job.outputs) {
            let file = world.path(&output.path);
            if file.is_file() {
                self.stock.insert(crate::files::hash(&file)?, file);
            }
        }
        self.shelves.push(world);
        Ok(if self.stock.contains_key(content) {
            Vec::new()
        } else {
            let why = format!("its content was not kept, and made again with run:{} it comes out otherwise", maker.short(6));
            vec![Lacking::new(path.to_string(), why)]
        })
    }
}

/// The numbers of the evaluations; of several documents each under its path.
fn read(world: &World, evaluations: &[FilePath]) -> Result<Measured, Error> {
    let mut all = Numbers::new();
    for path in evaluations {
        let file = world.path(path);
        if !file.is_file() {
            return Ok(Err(vec![Lacking::new(path.to_string(), "it was not made this time")]));
        }
        for (key, number) in numbers(path, &fs_err::read(file)?) {
            all.insert(if evaluations.len() > 1 { format!("{path}:{key}") } else { key }, number);
        }
    }
    Ok(Ok(all))
}
