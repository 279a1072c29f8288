//! From causes to factors, and from a set of factors to what is swapped in each run of a side.

use std::collections::{BTreeMap, BTreeSet};

use keizu_record::{Digest, FilePath, RunId};

use crate::step::Step;
use crate::why::{Effect, Swap, Why};
use crate::workshop::{Job, Lacking, Plan, Swaps, variables};
use crate::{Error, View};

/// One of the two sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// The later one.
    After,
    /// The earlier one.
    Before,
}

/// Causes that are swapped together.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// Its number.
    pub factor: usize,
    /// The subjects of its causes.
    pub subjects: Vec<String>,
    /// What is swapped.
    pub swaps: BTreeSet<Swap>,
    /// The runs at which its causes enter: before and after.
    pub runs: BTreeSet<(Option<RunId>, Option<RunId>)>,
}

/// The factors that may have had an effect, in the order of the causes.
pub fn drafts(why: &Why) -> Vec<Draft> {
    let mut drafts: Vec<Draft> = Vec::new();
    for cause in why.causes.iter().filter(|cause| cause.effect != Effect::Unlikely) {
        // two causes that swap something in common can't be told apart by swapping
        let same = |draft: &&mut Draft| draft.factor == cause.factor || cause.swaps.iter().any(|swap| draft.swaps.contains(swap));
        match drafts.iter_mut().find(same) {
            Some(draft) => {
                if !draft.subjects.contains(&cause.subject) {
                    draft.subjects.push(cause.subject.clone());
                }
                draft.swaps.extend(cause.swaps.iter().cloned());
                draft.runs.insert(cause.runs);
            }
            None => drafts.push(Draft {
                factor: cause.factor,
                subjects: vec![cause.subject.clone()],
                swaps: cause.swaps.iter().cloned().collect(),
                runs: BTreeSet::from([cause.runs]),
            }),
        }
    }
    drafts
}

/// Why a factor can't be swapped at all.
pub fn hopeless(draft: &Draft, project: &str) -> Option<Lacking> {
    let what = draft.subjects.join(", ");
    if draft.swaps.is_empty() {
        return Some(Lacking::new(what, "nothing is known that could be put in its place"));
    }
    let foreign = draft.swaps.iter().find_map(|swap| match swap {
        Swap::File { project: other, path, .. } if !other.is_empty() && other != project && !path.is_absolute() => Some(other),
        _ => None,
    });
    foreign.map(|other| Lacking::new(what, format!("it belongs to the project {other}, which is not made again from here")))
}

/// What the runs of `side` find otherwise when these factors come from the other side: by run.
pub fn swaps(view: &View<'_>, plan: &Plan, side: Side, drafts: &[&Draft]) -> Result<BTreeMap<RunId, Swaps>, Error> {
    let mut all: BTreeMap<RunId, Swaps> = BTreeMap::new();
    for draft in drafts {
        for swap in &draft.swaps {
            match swap {
                Swap::File { path, a, b, .. } => {
                    let (own, other) = match side {
                        Side::After => (*a, *b),
                        Side::Before => (*b, *a),
                    };
                    for run in readers(plan, side, draft, path, own) {
                        all.entry(run).or_default().files.insert(path.clone(), other);
                    }
                }
                Swap::Command { a, b } => {
                    let (own, other) = sides(side, *a, *b);
                    all.entry(own).or_default().commands.insert(own, Step::of(view, other)?.command);
                }
                Swap::Environment { a, b } => {
                    let (own, other) = sides(side, *a, *b);
                    all.entry(own).or_default().packages.insert(own, other);
                }
                Swap::Variables { a, b, names } => {
                    let (own, other) = sides(side, *a, *b);
                    let recorded = variables::recorded(view, other)?;
                    let set = names.iter().map(|name| (name.clone(), recorded.get(name).cloned()));
                    all.entry(own).or_default().variables.entry(own).or_default().extend(set);
                }
            }
        }
    }
    Ok(all)
}

fn sides(side: Side, a: RunId, b: RunId) -> (RunId, RunId) {
    match side {
        Side::After => (a, b),
        Side::Before => (b, a),
    }
}

/// The runs of a side that read a file in this state. One that is not there on this side is given to the run at which the cause enters.
fn readers(plan: &Plan, side: Side, draft: &Draft, path: &FilePath, own: Option<Digest>) -> Vec<RunId> {
    let Some(own) = own else {
        let enters = draft.runs.iter().filter_map(|(before, after)| match side {
            Side::After => *after,
            Side::Before => *before,
        });
        let known: BTreeSet<RunId> = plan.runs.iter().map(|planned| planned.job.run).collect();
        return enters.filter(|run| known.contains(run)).collect();
    };
    let reads = |job: &Job| job.inputs.iter().any(|input| input.path == *path && input.content == Some(own));
    plan.runs.iter().map(|planned| &planned.job).filter(|job| reads(job)).map(|job| job.run).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::why::{Cause, CauseKind, Group, State};

    fn cause(rank: usize, subject: &str, effect: Effect, swaps: Vec<Swap>) -> Cause {
        Cause { rank, factor: rank, swaps, ..Cause::new(Group::Model, CauseKind::Code, effect, subject, "") }
    }

    #[test]
    fn what_shares_a_swap_is_one_factor_and_what_means_nothing_is_none() {
        let file = |path: &str| Swap::File { project: "p".into(), path: path.into(), a: Some(Digest::of(b"a")), b: None };
        let causes = vec![
            cause(1, "rate", Effect::Likely, vec![file("config.yaml")]),
            cause(2, "train.py", Effect::Likely, vec![file("train.py")]),
            cause(3, "depth", Effect::Doubtful, vec![file("config.yaml")]),
            cause(4, "notes.py", Effect::Unlikely, vec![file("notes.py")]),
            cause(5, "processor", Effect::Likely, Vec::new()),
        ];
        let why = Why {
            a: State::default(),
            b: Some(State::default()),
            metrics: Vec::new(),
            causes,
            same: Vec::new(),
            unseen: Vec::new(),
            notes: Vec::new(),
        };
        let drafts = drafts(&why);
        let subjects: Vec<Vec<String>> = drafts.iter().map(|draft| draft.subjects.clone()).collect();
        assert_eq!(subjects, [vec!["rate".to_owned(), "depth".to_owned()], vec!["train.py".to_owned()], vec!["processor".to_owned()]]);
        assert_eq!(hopeless(&drafts[0], "p"), None);
        assert!(hopeless(&drafts[0], "other").is_some() && hopeless(&drafts[2], "p").is_some());
    }
}
