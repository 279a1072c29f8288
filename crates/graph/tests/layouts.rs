//! What every layout keeps to.

use keizu_graph::layout::{Known, Laid, Metrics, Plan, layout};
use proptest::prelude::*;

const PAGE: Metrics = Metrics::PAGE;

/// Any graph: diamonds, cycles, loops, links twice.
fn any_plan(cards_max: usize) -> impl Strategy<Value = Plan> {
    (1..cards_max).prop_flat_map(|count| {
        let runs = prop::collection::vec(any::<bool>(), count);
        let links = prop::collection::vec((0..count as u32, 0..count as u32), 0..count * 2);
        (runs, links).prop_map(move |(runs, links)| Plan { runs, ranks: (0..count as u32).collect(), links, main: Vec::new() })
    })
}

/// A graph as lineage makes it: mostly forwards.
fn any_history(cards_max: usize) -> impl Strategy<Value = Plan> {
    any_plan(cards_max).prop_map(|mut plan| {
        for link in &mut plan.links {
            *link = (link.0.min(link.1), link.0.max(link.1));
        }
        plan.links.retain(|(from, to)| from != to);
        plan
    })
}

/// The same with a main line: the longest way that always takes the first link.
fn any_lineage(cards_max: usize) -> impl Strategy<Value = Plan> {
    any_history(cards_max).prop_map(|mut plan| {
        let mut at = 0;
        plan.main = vec![at];
        while let Some((_, to)) = plan.links.iter().find(|(from, _)| *from == at) {
            plan.main.push(*to);
            at = *to;
        }
        plan
    })
}

fn known(laid: &Laid) -> Known {
    Known { cards: laid.y.iter().copied().map(Some).collect(), lanes: laid.lanes.clone() }
}

fn no_overlap(plan: &Plan, laid: &Laid) -> Result<(), TestCaseError> {
    let row = PAGE.row_pitch / 2;
    let room = |at: usize| if plan.runs[at] { PAGE.knot_room() } else { (row, row) };
    let mut spots: Vec<(u32, i32, (i32, i32))> = (0..plan.runs.len()).map(|at| (laid.layers[at], laid.y[at], room(at))).collect();
    let lanes = laid.lanes.iter().zip(&laid.layers);
    let lane = PAGE.lane_pitch / 2;
    spots.extend(lanes.flat_map(|(lanes, layer)| lanes.iter().zip(layer + 1..).map(|(y, layer)| (layer, *y, (lane, lane)))));
    spots.sort_unstable();
    for pair in spots.windows(2) {
        let ((layer_a, y_a, a), (layer_b, y_b, b)) = (pair[0], pair[1]);
        if layer_a == layer_b {
            prop_assert!(y_b - y_a >= a.1 + b.0, "{pair:?}");
        }
    }
    Ok(())
}

fn check(plan: &Plan, laid: &Laid) -> Result<(), TestCaseError> {
    no_overlap(plan, laid)?;
    for (link, back) in plan.links.iter().zip(&laid.back) {
        let (a, b) = (laid.layers[link.0 as usize], laid.layers[link.1 as usize]);
        if !back {
            prop_assert!(a < b, "every link goes right");
            prop_assert_eq!(laid.lane(*link).len(), (b - a - 1) as usize);
        }
    }
    for (at, run) in plan.runs.iter().enumerate() {
        prop_assert_eq!(laid.layers[at] % 2 == 1, *run);
        let (x, width) = (PAGE.x(laid.layers[at]), if *run { PAGE.knot_radius } else { PAGE.card_width });
        prop_assert!(x >= PAGE.margin && x + width <= laid.width);
        prop_assert!(laid.y[at] - PAGE.card_height / 2 >= 0 && laid.y[at] + PAGE.card_height / 2 <= laid.height);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn links_go_right_and_nothing_overlaps(plan in any_plan(40)) {
        check(&plan, &layout(&plan, &PAGE, None))?;
    }

    #[test]
    fn what_has_no_cycle_has_no_way_back(plan in any_history(40)) {
        prop_assert!(!layout(&plan, &PAGE, None).back.contains(&true));
    }

    #[test]
    fn the_main_line_is_straight(plan in any_lineage(40)) {
        let laid = layout(&plan, &PAGE, None);
        check(&plan, &laid)?;
        let heights: Vec<i32> = plan.main.iter().map(|card| laid.y[*card as usize]).collect();
        prop_assert!(heights.iter().all(|y| (y - heights[0]).abs() <= 1), "{heights:?}");
    }

    #[test]
    fn the_order_of_the_plan_does_not_matter(plan in any_lineage(25), seed in any::<u64>()) {
        let count = plan.runs.len();
        let mut order: Vec<usize> = (0..count).collect();
        let mut state = seed | 1;
        for at in (1..count).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            order.swap(at, (state >> 33) as usize % (at + 1));
        }
        let place = |old: u32| order.iter().position(|at| *at == old as usize).expect("a permutation") as u32;
        let mut links: Vec<(u32, u32)> = plan.links.iter().map(|(from, to)| (place(*from), place(*to))).collect();
        links.reverse();
        let shuffled = Plan {
            runs: order.iter().map(|at| plan.runs[*at]).collect(),
            ranks: order.iter().map(|at| plan.ranks[*at]).collect(),
            links,
            main: plan.main.iter().map(|card| place(*card)).collect(),
        };
        let (a, b) = (layout(&plan, &PAGE, None), layout(&shuffled, &PAGE, None));
        for old in 0..count {
            let new = place(old as u32) as usize;
            prop_assert_eq!((a.layers[old], a.y[old], &a.lanes[old]), (b.layers[new], b.y[new], &b.lanes[new]));
        }
    }

    #[test]
    fn a_warm_start_with_nothing_new_moves_nothing(plan in any_plan(30)) {
        let cold = layout(&plan, &PAGE, None);
        prop_assert_eq!(&layout(&plan, &PAGE, Some(&known(&cold))), &cold);
    }

    #[test]
    fn one_more_leaf_moves_only_its_own_layers(plan in any_history(30), from in any::<prop::sample::Index>()) {
        let cold = layout(&plan, &PAGE, None);
        let mut more = plan.clone();
        let count = plan.runs.len();
        let from = from.index(count);
        more.runs.push(!plan.runs[from]);
        more.ranks.push(count as u32);
        more.links.push((from as u32, count as u32));
        let warm = layout(&more, &PAGE, Some(&known(&cold)));
        check(&more, &warm)?;
        // a source that is used earlier than before moves to the left, and its long links with it
        prop_assume!(warm.layers[from] == cold.layers[from]);
        let new = warm.layers[count];
        let shift = |at: usize| warm.y[at] - cold.y[at];
        let others: Vec<usize> = (0..count).filter(|at| warm.layers[*at] != new && warm.layers[*at] == cold.layers[*at]).collect();
        // a picture that grows upwards goes down as a whole
        prop_assert!(others.windows(2).all(|pair| shift(pair[0]) == shift(pair[1])));
    }
}

#[test]
fn long_links_share_their_lanes() {
    // raw → run → a → run → b, and raw into both later runs
    let runs = vec![false, true, false, true, false, true];
    let links = vec![(0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (0, 3), (0, 5)];
    let laid = layout(&Plan { runs, ranks: (0..6).collect(), links, main: Vec::new() }, &PAGE, None);
    assert_eq!(laid.lanes.iter().map(Vec::len).sum::<usize>(), 4, "layers 1 to 4, once");
    assert_eq!(laid.lane((0, 3)), &laid.lane((0, 5))[..2]);
    assert!(laid.lanes[0].iter().all(|y| *y > 0));
}

#[test]
fn chains_and_fans_of_any_size() {
    let plan = |count: u32, is_run: fn(u32) -> bool, links: Vec<(u32, u32)>| Plan {
        runs: (0..count).map(is_run).collect(),
        ranks: (0..count).collect(),
        links,
        main: Vec::new(),
    };
    let chain = plan(3_000, |at| at % 2 == 1, (1..3_000).map(|at| (at - 1, at)).collect());
    let laid = layout(&chain, &PAGE, None);
    assert_eq!(laid.layers[2_999], 2_999);
    assert!(laid.y.windows(2).all(|pair| (pair[0] - pair[1]).abs() <= 3), "a chain is a straight line");
    let fan = plan(12_481, |at| at == 0, (1..12_481).map(|at| (at, 0)).collect());
    let laid = layout(&fan, &PAGE, None);
    assert_eq!(laid.layers[0], 1);
    assert!(laid.height > 12_480 * 46);
    let loops = plan(3, |at| at == 1, vec![(0, 0), (0, 1), (0, 1), (1, 2), (2, 0), (2, 1)]);
    assert_eq!(layout(&loops, &PAGE, None).back, [true, false, false, false, true, true]);
}

#[test]
fn nothing_is_laid_out_too() {
    let laid = layout(&Plan::default(), &PAGE, None);
    assert!(laid.y.is_empty() && laid.width > 0 && laid.height > 0);
}
