//! The numbers of many versions at once are those that each has when it is asked for alone.

mod common;

use common::*;
use keizu_graph::{Direction, Numbers, Root, numbers};
use keizu_record::body::{ArtifactKind, Edge, Named, Role};
use keizu_record::{Group, Kind, Name, Record, Time};
use proptest::prelude::*;

fn all(h: &History, versions: &[Named]) -> Vec<Option<Numbers>> {
    match numbers(h, versions) {
        Ok(found) => found,
    }
}

fn alone(h: &History, named: &Named) -> Option<Numbers> {
    let last = h.trace(Direction::Up, Root::Named(named.clone())).measured.pop()?;
    Some(Numbers { content: last.evaluation.artifact().and_then(|artifact| artifact.digest), metrics: last.metrics })
}

fn measured(h: &mut History, document: &str, value: f64) {
    let told = Record::new(Kind::Described, content(document), Time(5), Time(5));
    h.push(told.with(Group::Metric, "auc", value));
}

/// What was done with one version.
#[derive(Debug, Clone)]
struct Step {
    /// Versions may be equal to the byte.
    weights: u8,
    kind: ArtifactKind,
    /// In a folder.
    folder: bool,
    /// The run that trained wrote an evaluation as well.
    own: bool,
    /// So many runs evaluated it.
    evaluations: u8,
    /// The numbers are those of the run, not of the document.
    of_run: bool,
    /// What the last run did is taken back: that it read the model, or that it wrote its numbers.
    taken_back: Option<bool>,
    /// Somebody named it; the run is not known.
    by_hand: bool,
}

fn step() -> impl Strategy<Value = Step> {
    let kind = prop_oneof![4 => Just(ArtifactKind::Model), 1 => Just(ArtifactKind::Data)];
    let taken_back = prop::option::weighted(0.2, any::<bool>());
    (0u8..5, kind, any::<bool>(), any::<bool>(), 0u8..3, any::<bool>(), taken_back, prop::bool::weighted(0.2)).prop_map(
        |(weights, kind, folder, own, evaluations, of_run, taken_back, by_hand)| Step {
            weights,
            kind,
            folder,
            own,
            evaluations,
            of_run,
            taken_back,
            by_hand,
        },
    )
}

fn history(steps: &[Step]) -> (History, Vec<Named>) {
    let (mut h, mut versions, mut number) = (History::default(), Vec::new(), 0);
    for (at, step) in (0i64..).map(|step| step * 100).zip(steps) {
        let mut began = |h: &mut History, at: i64| {
            number += 1;
            (h.began(number, at, "python step.py"), number)
        };
        let weights = format!("weights {}", step.weights);
        let evaluation = |h: &mut History, (run, number): (keizu_record::RunId, u8), at: i64| {
            let document = format!("evaluation {number}");
            let wrote = h.push_edge(
                Kind::Made,
                Edge { kind: ArtifactKind::Evaluation, role: Role::Output, ..edge(run, at, "eval.json", content(&document)) },
            );
            if step.of_run {
                h.push(Record::new(Kind::Described, run, Time(at), Time(at)).with(Group::Metric, "auc", f64::from(number)));
            } else {
                measured(h, &document, f64::from(number));
            }
            wrote
        };
        let model = |edge: Edge| Edge { kind: step.kind, ..edge };
        let folder = step.folder.then(|| h.folder(&[("weights.bin", &weights), ("config.json", "config")]));
        let (path, digest) = folder.map_or(("m.bin", content(&weights)), |folder| ("m/", folder));
        let place = |h: &History, run, at| match folder {
            Some(folder) => h.folder_edge(run, at, path, folder),
            None => edge(run, at, path, digest),
        };
        let train = began(&mut h, at);
        let written = Edge { role: Role::Output, ..model(place(&h, train.0, at + 1)) };
        h.push_edge(Kind::Made, written);
        if step.own {
            evaluation(&mut h, train, at + 2);
        }
        for round in 0..i64::from(step.evaluations) {
            let run = began(&mut h, at + 10 + round);
            let read = model(place(&h, run.0, at + 11 + round));
            let read = h.push_edge(Kind::Used, read);
            let wrote = evaluation(&mut h, run, at + 20 + round);
            if let Some(reading) = step.taken_back.filter(|_| round + 1 == i64::from(step.evaluations)) {
                h.retract(run.0, if reading { read } else { wrote });
            }
        }
        let run = (!step.by_hand).then_some(train.0);
        versions.push(h.named(Name::Model("m".into()), at + 30, Some(versions.len() as u64 + 1), run, Some(path), digest));
    }
    (h, versions)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn as_each_alone(steps in prop::collection::vec(step(), 0..12)) {
        let (h, versions) = history(&steps);
        let found = all(&h, &versions);
        prop_assert_eq!(found.len(), versions.len());
        for (named, found) in versions.iter().zip(found) {
            prop_assert_eq!(found, alone(&h, named), "v{:?}", named.version);
        }
    }
}

#[test]
fn a_few_calls_however_many_versions() {
    let calls = |count: u8| {
        let step = Step {
            weights: 0,
            kind: ArtifactKind::Model,
            folder: false,
            own: false,
            evaluations: 1,
            of_run: false,
            taken_back: None,
            by_hand: false,
        };
        let (h, versions) = history(&(0..count).map(|weights| Step { weights, ..step.clone() }).collect::<Vec<_>>());
        assert!(all(&h, &versions).iter().all(Option::is_some));
        h.calls.get()
    };
    assert_eq!(calls(3), calls(100));
}
