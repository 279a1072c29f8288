//! What to run again, in which order.

use std::collections::BTreeMap;

use foldhash::{HashMap, HashSet};
use keizu_record::body::Role;
use keizu_record::{FilePath, RunId};

use super::judge::{Judgement, State};
use super::key_of;
use super::world::World;

/// A run that is to be made again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// The run.
    pub run: RunId,
    /// Products of it that are wanted: places in [`Judgement::products`].
    pub products: Vec<usize>,
    /// Earlier steps of the plan that must be done first: places in the plan.
    pub after: Vec<usize>,
}

/// Runs that are to be made again: what others are made from first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// The steps.
    pub steps: Vec<Planned>,
    /// Runs that made the wanted products and those before them, stale or not.
    pub runs: usize,
}

impl Plan {
    /// What makes these products fresh: places in [`Judgement::products`].
    pub fn of(world: &World, judgement: &Judgement, wanted: &[usize]) -> Self {
        let mut needed: HashSet<usize> = HashSet::default();
        let mut runs: HashSet<u32> = HashSet::default();
        let mut open: Vec<usize> = wanted.to_vec();
        while let Some(product) = open.pop() {
            if needed.insert(product) && runs.insert(judgement.products[product].at) {
                open.extend(judgement.needs.get(&judgement.products[product].at).into_iter().flatten());
            }
        }
        let mut steps: Vec<Planned> = Vec::new();
        let mut writers: HashMap<&FilePath, usize> = HashMap::default();
        let mut place: BTreeMap<u32, usize> = BTreeMap::new();
        for run in judgement.order.iter().filter(|run| runs.contains(run)) {
            let mut products: Vec<usize> = needed.iter().copied().filter(|at| judgement.products[*at].at == *run).collect();
            products.sort_unstable();
            if products.iter().all(|at| judgement.products[*at].verdict.state != State::Stale) {
                continue;
            }
            let before = judgement.needs.get(run).into_iter().flatten().filter_map(|at| place.get(&judgement.products[*at].at));
            let mut after: Vec<usize> = before.copied().collect();
            // two that write one file write it one after the other
            for edge in world.runs[*run as usize].made.iter().filter(|edge| edge.role == Role::Output) {
                after.extend(writers.insert(key_of(edge), steps.len()));
            }
            after.retain(|at| *at < steps.len());
            after.sort_unstable();
            after.dedup();
            let Some(first) = products.first() else { continue };
            place.insert(*run, steps.len());
            steps.push(Planned { run: judgement.products[*first].run, products, after });
        }
        Self { steps, runs: runs.len() }
    }
}
