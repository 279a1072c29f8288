//! What every picture keeps to.

use keizu_graph::layout::{Card, Picture, Plan, ROW_GAP, layout};
use keizu_record::Time;
use proptest::prelude::*;

fn card(number: usize, run: bool) -> Card {
    Card {
        id: format!("n{number}"),
        at: Some(Time(number as i64 / 3)),
        run,
        width: 100 + (number as i32 * 37) % 90,
        height: if run { 40 } else { 46 },
    }
}

/// Any graph: diamonds, cycles, loops, links twice.
fn any_plan(cards_max: usize) -> impl Strategy<Value = Plan> {
    (1..cards_max).prop_flat_map(|count| {
        let runs = prop::collection::vec(any::<bool>(), count);
        let links = prop::collection::vec((0..count, 0..count), 0..count * 2);
        (runs, links).prop_map(|(runs, links)| Plan { cards: runs.into_iter().enumerate().map(|(at, run)| card(at, run)).collect(), links })
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

fn no_overlap(plan: &Plan, picture: &Picture) -> Result<(), TestCaseError> {
    let mut spots: Vec<(usize, i32, i32)> =
        plan.cards.iter().zip(&picture.spots).map(|(card, spot)| (spot.layer, spot.y, card.height)).collect();
    spots.sort_unstable();
    for pair in spots.windows(2) {
        let ((layer_a, y_a, h_a), (layer_b, y_b, h_b)) = (pair[0], pair[1]);
        if layer_a == layer_b {
            prop_assert!(y_b - y_a >= (h_a + h_b) / 2 + ROW_GAP, "{pair:?}");
        }
    }
    Ok(())
}

fn check(plan: &Plan, picture: &Picture) -> Result<(), TestCaseError> {
    no_overlap(plan, picture)?;
    for (route, (from, to)) in picture.routes.iter().zip(&plan.links) {
        let (a, b) = (picture.spots[*from], picture.spots[*to]);
        prop_assert_eq!(route.points.first(), Some(&(a.x + plan.cards[*from].width, a.y)));
        prop_assert_eq!(route.points.last(), Some(&(b.x, b.y)));
        if !route.back {
            prop_assert!(a.layer < b.layer);
            prop_assert!(route.points.windows(2).all(|pair| pair[0].0 <= pair[1].0), "{:?}", route.points);
        }
    }
    for (card, spot) in plan.cards.iter().zip(&picture.spots) {
        prop_assert_eq!(spot.layer % 2 == 1, card.run);
        prop_assert!(spot.x >= 0 && spot.x + card.width <= picture.width);
        prop_assert!(spot.y - card.height / 2 >= 0 && spot.y + card.height / 2 <= picture.height);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn links_go_right_and_nothing_overlaps(plan in any_plan(40)) {
        check(&plan, &layout(&plan, None))?;
    }

    #[test]
    fn what_has_no_cycle_has_no_way_back(plan in any_history(40)) {
        prop_assert!(layout(&plan, None).routes.iter().all(|route| !route.back));
    }

    #[test]
    fn the_order_of_the_plan_does_not_matter(plan in any_history(25), seed in any::<u64>()) {
        let count = plan.cards.len();
        let mut order: Vec<usize> = (0..count).collect();
        let mut state = seed | 1;
        for at in (1..count).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            order.swap(at, (state >> 33) as usize % (at + 1));
        }
        let place = |old: usize| order.iter().position(|at| *at == old).expect("a permutation");
        let mut links: Vec<(usize, usize)> = plan.links.iter().map(|(from, to)| (place(*from), place(*to))).collect();
        links.reverse();
        let shuffled = Plan { cards: order.iter().map(|at| plan.cards[*at].clone()).collect(), links };
        let (a, b) = (layout(&plan, None), layout(&shuffled, None));
        for (old, spot) in a.spots.iter().enumerate() {
            prop_assert_eq!(*spot, b.spots[place(old)]);
        }
        let mut routes = b.routes.clone();
        routes.reverse();
        prop_assert_eq!(a.routes, routes);
    }

    #[test]
    fn a_warm_start_with_nothing_new_moves_nothing(plan in any_plan(30)) {
        let cold = layout(&plan, None);
        prop_assert_eq!(&layout(&plan, Some((&plan, &cold))), &cold);
    }

    #[test]
    fn one_more_leaf_moves_only_its_own_layers(plan in any_history(30), from in any::<prop::sample::Index>()) {
        let cold = layout(&plan, None);
        let mut more = plan.clone();
        let from = from.index(plan.cards.len());
        more.cards.push(card(plan.cards.len(), !plan.cards[from].run));
        more.links.push((from, plan.cards.len()));
        let warm = layout(&more, Some((&plan, &cold)));
        check(&more, &warm)?;
        // a source that is used earlier than before moves to the left, and its long links with it
        prop_assume!(warm.spots[from].layer == cold.spots[from].layer);
        let new = warm.spots[plan.cards.len()].layer;
        let shift = |at: usize| warm.spots[at].y - cold.spots[at].y;
        let others: Vec<usize> = (0..plan.cards.len()).filter(|at| warm.spots[*at].layer != new && warm.spots[*at].layer == cold.spots[*at].layer).collect();
        // a picture that grows upwards goes down as a whole
        prop_assert!(others.windows(2).all(|pair| shift(pair[0]) == shift(pair[1])));
    }
}

#[test]
fn long_links_share_their_lanes() {
    // raw → run → a → run → b, and raw into both later runs
    let cards = [false, true, false, true, false, true].iter().enumerate().map(|(at, run)| card(at, *run)).collect();
    let plan = Plan { cards, links: vec![(0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (0, 3), (0, 5)] };
    let picture = layout(&plan, None);
    assert_eq!(picture.lanes.len(), 4, "layers 1 to 4, once");
    let (short, long) = (&picture.routes[5].points, &picture.routes[6].points);
    assert_eq!(short[..short.len() - 2], long[..short.len() - 2]);
    assert!(picture.lanes.values().all(|y| *y > 0));
}

#[test]
fn chains_and_fans_of_any_size() {
    let chain = Plan { cards: (0..3_000).map(|at| card(at, at % 2 == 1)).collect(), links: (1..3_000).map(|at| (at - 1, at)).collect() };
    let picture = layout(&chain, None);
    assert_eq!(picture.spots[2_999].layer, 2_999);
    assert!(picture.spots.windows(2).all(|pair| (pair[0].y - pair[1].y).abs() <= 3), "a chain is a straight line");
    let fan = Plan { cards: (0..10_001).map(|at| card(at, at == 0)).collect(), links: (1..10_001).map(|at| (at, 0)).collect() };
    let picture = layout(&fan, None);
    assert_eq!(picture.spots[0].layer, 1);
    assert!(picture.height > 10_000 * 46);
}
