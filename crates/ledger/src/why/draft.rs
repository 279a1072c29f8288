//! Causes before they are ranked.

use keizu_graph::why::{self as graph, Pair};
use keizu_record::RunId;

use super::{Cause, CauseKind, Effect, Group};
use crate::said::Sentence;

/// A cause, and how large the difference is: the larger of two of a kind comes first.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Draft {
    pub cause: Cause,
    /// From 0; comparable within a kind.
    pub size: f64,
}

impl From<graph::Group> for Group {
    fn from(group: graph::Group) -> Self {
        match group {
            graph::Group::Measure => Self::Measure,
            graph::Group::Model => Self::Model,
        }
    }
}

impl Draft {
    pub fn new(group: Group, kind: CauseKind, effect: Effect, subject: impl Into<String>, detail: impl Into<Sentence>) -> Self {
        let cause = Cause::new(group, kind, effect, subject, detail);
        Self { cause, size: 1.0 }
    }

    /// Where it enters.
    pub fn at(mut self, pair: &Pair) -> Self {
        self.cause.runs = (Some(pair.b), Some(pair.a));
        self.cause.via = pair.via.iter().map(ToString::to_string).collect();
        self
    }

    /// Where a leaf enters: the runs are those of the earlier and of the later side.
    pub fn entering(mut self, runs: Option<(RunId, RunId)>, via: &[keizu_record::FilePath]) -> Self {
        self.cause.runs = runs.map_or((None, None), |(a, b)| (Some(b), Some(a)));
        self.cause.via = via.iter().map(ToString::to_string).collect();
        self
    }
}

/// Orders causes, the likeliest first, numbers them, and folds those that say the same of several steps:
///
/// 1. what can have had an effect before what hardly can; where nothing else was found, what was not seen before what hardly can;
/// 2. the measure before the model: the same model, measured otherwise, is no other model;
/// 3. by kind, in the order of [`CauseKind::ALL`];
/// 4. the larger difference first, then the one nearer to the result, then by name.
pub(super) fn rank(drafts: Vec<Draft>) -> Vec<Cause> {
    let mut kept: Vec<Draft> = Vec::new();
    for draft in drafts {
        let same = |other: &&mut Draft| {
            let (x, y) = (&other.cause, &draft.cause);
            (x.group, x.kind, x.effect, &x.subject, &x.before, &x.after, &x.detail)
                == (y.group, y.kind, y.effect, &y.subject, &y.before, &y.after, &y.detail)
        };
        match kept.iter_mut().find(same) {
            Some(first) => {
                let more = draft.cause.swaps.into_iter().filter(|swap| !first.cause.swaps.contains(swap)).collect::<Vec<_>>();
                first.cause.swaps.extend(more);
                first.size = first.size.max(draft.size);
            }
            None => kept.push(draft),
        }
    }
    kept.sort_by(|x, y| {
        let key = |draft: &Draft| (draft.cause.effect, draft.cause.group, draft.cause.kind);
        let far = |draft: &Draft| (draft.cause.via.len(), draft.cause.subject.clone());
        key(x).cmp(&key(y)).then(y.size.total_cmp(&x.size)).then_with(|| far(x).cmp(&far(y)))
    });
    let mut causes: Vec<Cause> = kept.into_iter().map(|draft| draft.cause).collect();
    let mut factors: Vec<Vec<super::Swap>> = Vec::new();
    for (at, cause) in causes.iter_mut().enumerate() {
        cause.rank = at + 1;
        cause.swaps.sort();
        let known = factors.iter().position(|swaps| !swaps.is_empty() && *swaps == cause.swaps);
        cause.factor = known.unwrap_or(factors.len()) + 1;
        if known.is_none() {
            factors.push(cause.swaps.clone());
        }
    }
    causes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::why::Swap;
    use keizu_record::Digest;
    use proptest::prelude::*;

    fn draft(group: Group, kind: CauseKind, effect: Effect, subject: &str, size: f64) -> Draft {
        Draft { size, ..Draft::new(group, kind, effect, subject, "changed") }
    }

    #[test]
    fn the_measure_comes_first_and_what_means_nothing_last() {
        use CauseKind as Kind;
        let ranked = rank(vec![
            draft(Group::Model, Kind::Params, Effect::Likely, "depth", 1.0),
            draft(Group::Measure, Kind::EvaluationCode, Effect::Unlikely, "evaluate.py", 1.0),
            draft(Group::Model, Kind::TrainingData, Effect::Likely, "small.csv", 0.1),
            draft(Group::Model, Kind::TrainingData, Effect::Likely, "large.csv", 0.9),
            draft(Group::Measure, Kind::EvaluationData, Effect::Likely, "test.csv", 0.1),
            draft(Group::Model, Kind::TrainingData, Effect::Doubtful, "order.csv", 0.9),
        ]);
        let order: Vec<&str> = ranked.iter().map(|cause| cause.subject.as_str()).collect();
        assert_eq!(order, ["test.csv", "large.csv", "small.csv", "depth", "order.csv", "evaluate.py"]);
    }

    #[test]
    fn one_difference_at_many_steps_is_one_cause_and_shared_swaps_are_one_factor() {
        let swap = |a: &[u8]| Swap::File { project: "p".into(), path: "x".into(), a: Some(Digest::of(a)), b: None };
        let with = |group, swap| {
            let mut draft = draft(group, CauseKind::Params, Effect::Likely, "depth", 1.0);
            draft.cause.swaps = vec![swap];
            draft
        };
        let ranked = rank(vec![with(Group::Model, swap(b"1")), with(Group::Model, swap(b"2")), with(Group::Measure, swap(b"3"))]);
        assert_eq!(
            ranked.iter().map(|cause| (cause.group, cause.swaps.len(), cause.factor)).collect::<Vec<_>>(),
            [(Group::Measure, 1, 1), (Group::Model, 2, 2)]
        );
        let both = rank(vec![with(Group::Model, swap(b"1")), with(Group::Measure, swap(b"1"))]);
        assert_eq!(both.iter().map(|cause| cause.factor).collect::<Vec<_>>(), [1, 1]);
    }

    proptest! {
        #[test]
        fn the_order_does_not_depend_on_the_order_of_finding(sizes in prop::collection::vec(0u8..4, 1..8)) {
            let make = |at: usize, size: u8| draft(Group::Model, CauseKind::Code, Effect::Likely, &format!("{at}.py"), f64::from(size));
            let forth: Vec<Draft> = sizes.iter().enumerate().map(|(at, size)| make(at, *size)).collect();
            let back: Vec<Draft> = forth.iter().rev().cloned().collect();
            prop_assert_eq!(
                rank(forth).iter().map(|cause| cause.subject.clone()).collect::<Vec<_>>(),
                rank(back).iter().map(|cause| cause.subject.clone()).collect::<Vec<_>>()
            );
        }
    }
}
