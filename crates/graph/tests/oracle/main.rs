//! The walk, the index and a graph that is joined by brute force, straight from the definition, give the same answers.

mod brute;
#[path = "../common/mod.rs"]
mod common;
mod random;

use std::collections::{BTreeMap, BTreeSet};

use brute::Oracle;
use common::{History, content, run};
use keizu_graph::{Direction, Entries, Index, LinkKind, Node, Options, Reached, Root, Trace, Vertex, reach_in, trace};
use keizu_record::Authority;
use proptest::prelude::*;
use random::{CONTENTS, RUNS, any_history, mostly_plain_history};

type Edges = BTreeSet<(Vertex, Vertex, LinkKind)>;

fn vertices(trace: &Trace) -> BTreeSet<Vertex> {
    trace.nodes.iter().map(|node| node.vertex.clone()).collect()
}

fn edges(trace: &Trace) -> Edges {
    let at = |node: usize| trace.nodes[node].vertex.clone();
    trace.edges.iter().map(|edge| (at(edge.from), at(edge.to), edge.kind)).collect()
}

fn roots(history: &History) -> Vec<Root> {
    let contents = CONTENTS.iter().map(|name| content(name)).chain(history.manifests.keys().copied());
    (1..=RUNS).map(|number| Root::Run(run(number))).chain(contents.map(Root::Content)).collect()
}

fn compare(history: &History, oracle: &Oracle, root: &Root, options: &Options) -> Result<Trace, TestCaseError> {
    let found = history.ask(root.clone(), options);
    let expected_roots: BTreeSet<Vertex> = oracle.roots(root);
    let found_roots: BTreeSet<Vertex> = found.roots.iter().map(|root| found.nodes[*root].vertex.clone()).collect();
    prop_assert_eq!(&found_roots, &expected_roots, "roots of {:?}", root);
    let (nodes, links) = oracle.reach(&expected_roots, options);
    prop_assert_eq!(vertices(&found), nodes, "vertices from {:?} {:?}", root, options);
    prop_assert_eq!(edges(&found), links, "links from {:?} {:?}", root, options);
    prop_assert!(!found.truncated);
    Ok(found)
}

/// So many, or as many as `PROPTEST_CASES` says.
fn cases(count: u32) -> ProptestConfig {
    let count = if std::env::var_os("PROPTEST_CASES").is_some() { ProptestConfig::default().cases } else { count };
    ProptestConfig { cases: count, failure_persistence: None, max_shrink_iters: 20_000, ..ProptestConfig::default() }
}

fn cuts() -> impl Strategy<Value = Vec<prop::sample::Index>> {
    prop::collection::vec(any::<prop::sample::Index>(), 0..4)
}

/// Built at once, in small passes, and bit by bit.
fn index_answers_as_walk(history: &History, cuts: &[prop::sample::Index], late: bool) -> Result<(), TestCaseError> {
    let mut ends: Vec<usize> = cuts.iter().map(|cut| cut.index(history.entries.len() + 1)).chain([history.entries.len()]).collect();
    ends.sort_unstable();
    let (mut entries, mut grown, mut from) = (Entries::default(), Index::default(), 0);
    for (step, end) in ends.iter().enumerate() {
        let mut manifests = Vec::new();
        for (digest, manifest) in history.manifests.iter().filter(|_| step == if late { ends.len() - 1 } else { 0 }) {
            entries.keep(manifest);
            manifests.push(*digest);
        }
        history.entries[from..*end].iter().for_each(|entry| entries.push(entry.clone()));
        let Ok(()) = grown.extend(&entries, &manifests);
        from = *end;
    }
    let (Ok(whole), Ok(bounded)) = (Index::build(&entries), Index::build_with(&entries, 3));
    for root in roots(history) {
        for direction in [Direction::Up, Direction::Down] {
            let options = Options { direction, ..Options::default() };
            let walked = history.ask(root.clone(), &options);
            let Ok(traced) = trace(&entries, &root, &options);
            prop_assert_eq!(&traced, &walked);
            for (how, index) in [("grown", &grown), ("whole", &whole), ("bounded", &bounded)] {
                let Ok(closure) = index.closure(&entries, &root, direction);
                let Ok(found) = index.vertices(&entries, &closure.ids);
                prop_assert_eq!(found.len(), closure.ids.len(), "{}: every id is a vertex", how);
                let all: BTreeSet<Vertex> = found.iter().chain(&closure.apart).cloned().collect();
                prop_assert_eq!(all.len(), closure.ids.len() + closure.apart.len(), "{}: each once: {:?} {:?}", how, found, closure.ids);
                prop_assert_eq!(all, vertices(&walked), "{}: {:?} {:?}", how, root, direction);
                prop_assert_eq!(closure.runs, walked.nodes.iter().filter(|node| node.run().is_some()).count());
                let artifacts: usize = closure.artifacts.values().sum();
                prop_assert_eq!(artifacts + closure.runs, walked.nodes.len());
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(cases(120))]

    #[test]
    fn the_walk_is_the_definition(history in any_history(24)) {
        let oracle = Oracle::new(&history);
        for root in roots(&history) {
            for direction in [Direction::Up, Direction::Down] {
                compare(&history, &oracle, &root, &Options { direction, ..Options::default() })?;
            }
        }
    }

    #[test]
    fn filters_are_the_definition(history in any_history(16), depth in 0..3_u32, observed in any::<bool>()) {
        let oracle = Oracle::new(&history);
        let authorities = if observed { vec![Authority::Observed] } else { Vec::new() };
        for root in roots(&history) {
            for direction in [Direction::Up, Direction::Down] {
                let options = Options { direction, depth: Some(depth), authorities: authorities.clone(), ..Options::default() };
                compare(&history, &oracle, &root, &options)?;
            }
        }
    }

    #[test]
    fn what_is_told_on_the_way_is_the_trace(history in any_history(24), depth in prop::option::of(0..3_u32), batch in 1..4_usize, entries in 0..9_usize) {
        for root in roots(&history) {
            for direction in [Direction::Up, Direction::Down] {
                let options = Options { direction, depth, ..Options::default() };
                let whole = history.ask(root.clone(), &options);
                let mut told: Vec<Reached> = Vec::new();
                let Ok(()) = reach_in(&history, &root, &options, (batch, entries), &mut |some| {
                    told.extend(some);
                    Ok(std::ops::ControlFlow::Continue(()))
                });
                let nodes: BTreeMap<Vertex, &Node> = whole.nodes.iter().map(|node| (node.vertex.clone(), node)).collect();
                prop_assert_eq!(told.len(), nodes.len(), "{:?} {:?}", root, options);
                let known = edges(&whole);
                let mut before: BTreeMap<usize, &Reached> = BTreeMap::new();
                for one in &told {
                    let node = nodes.get(&one.node.vertex);
                    prop_assert!(node.is_some());
                    if direction == Direction::Down {
                        // upwards, what is known of a source are the readers that were passed
                        prop_assert_eq!(Some(&&one.node), node);
                    }
                    if let Some(by) = &one.by {
                        let (near, far) = if direction == Direction::Up { (by.to, by.from) } else { (by.from, by.to) };
                        prop_assert_eq!(far, one.number);
                        let near = before[&near];
                        let ends = if direction == Direction::Up { (one, near) } else { (near, one) };
                        prop_assert!(known.contains(&(ends.0.node.vertex.clone(), ends.1.node.vertex.clone(), by.kind)), "{:?}", by);
                        prop_assert!(near.runs <= one.runs && one.runs <= near.runs + 1);
                    }
                    prop_assert!(before.insert(one.number, one).is_none());
                }
            }
        }
    }

    #[test]
    fn the_index_answers_as_the_walk(history in any_history(24), cuts in cuts(), late in any::<bool>()) {
        index_answers_as_walk(&history, &cuts, late)?;
    }

    #[test]
    fn the_index_of_plain_contents_answers_as_the_walk(history in mostly_plain_history(30), cuts in cuts(), late in any::<bool>()) {
        index_answers_as_walk(&history, &cuts, late)?;
    }

    #[test]
    fn the_order_of_sealing_does_not_matter(history in any_history(24), seed in any::<u64>()) {
        let mut shuffled = history.clone();
        random::shuffle(&mut shuffled.entries, seed);
        for root in roots(&history) {
            for direction in [Direction::Up, Direction::Down] {
                prop_assert_eq!(history.trace(direction, root.clone()), shuffled.trace(direction, root.clone()));
            }
        }
    }
}
