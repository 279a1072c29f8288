//! Which cards are in sight: those within the depth, those that somebody opened, and what measured is judged by.

use keizu_record::body::Role;

use crate::rows::Rows;
use crate::walk::Direction;

use super::fold::Groups;
use super::kin::side;
use super::sides::{Kept, Side};
use super::{Query, crowd, fold, id_of};

/// Links between groups, both ways, each once, and without those within one.
struct Ways {
    out: Rows,
    into: Rows,
}

impl Ways {
    fn new(kept: &Kept<'_>, groups: &Groups) -> Self {
        let edges = &kept.kin.edges;
        let ends =
            kept.links.iter().map(|link| &edges[*link as usize]).filter_map(|link| Some((groups.of[link.from]?, groups.of[link.to]?)));
        let mut pairs: Vec<(u32, u32)> = ends.filter(|(from, to)| from != to).collect();
        pairs.sort_unstable();
        pairs.dedup();
        let count = groups.list.len();
        Self { out: Rows::new(count, pairs.iter().copied()), into: Rows::new(count, pairs.iter().map(|(from, to)| (*to, *from))) }
    }
}

/// How far from the focus a group is: of its members the nearest.
fn nearest(kept: &Kept<'_>, groups: &Groups, at: usize) -> Option<Side> {
    let sides = groups.list[at].all().map(|node| kept.sides[node as usize]);
    sides.filter(|side| matches!(side, Side::Up(_) | Side::Down(_))).min_by_key(|side| match side {
        Side::Up(passed) | Side::Down(passed) => *passed,
        _ => u32::MAX,
    })
}

/// Which groups are in sight, as far as these depths.
pub(super) fn within(kept: &Kept<'_>, groups: &Groups, up: Option<u32>, down: Option<u32>) -> Vec<bool> {
    let seen = |at: usize| {
        let root = groups.list[at].nodes.iter().any(|node| kept.kin.roots.contains(&(*node as usize)));
        root || match nearest(kept, groups, at) {
            Some(Side::Up(passed)) => up.is_none_or(|up| passed <= up),
            Some(Side::Down(passed)) => down.is_none_or(|down| passed <= down),
            _ => false,
        }
    };
    let mut seen: Vec<bool> = (0..groups.list.len()).map(seen).collect();
    // what a model is measured on belongs to the measuring run
    for link in &kept.links {
        let link = &kept.kin.edges[*link as usize];
        if let (Some(from), Some(to)) = (groups.of[link.from], groups.of[link.to])
            && link.role == Some(Role::EvaluationData)
            && seen[to as usize]
            && matches!(kept.sides[link.to], Side::Down(_))
        {
            seen[from as usize] = true;
        }
    }
    seen
}

/// Groups, and which of them are in sight.
pub(super) struct Sight {
    pub groups: Groups,
    pub seen: Vec<bool>,
}

/// Folds as much as it takes to show no more than so many cards; then opens what is to be open.
pub(super) fn sight(kept: &Kept<'_>, query: &Query) -> Sight {
    let (groups, up, down) = if query.fold { fewest(kept, query) } else { (Groups::single(kept), query.up, query.down) };
    let groups = fold::open(kept, groups, query);
    let mut seen = within(kept, &groups, up, down);
    reveal(kept, &groups, query, &mut seen);
    Sight { groups, seen }
}

/// First what looks alike the further around the closer, then what is nearer, then what is of one kind.
fn fewest(kept: &Kept<'_>, query: &Query) -> (Groups, Option<u32>, Option<u32>) {
    let count = |groups: &Groups, up, down| within(kept, groups, up, down).iter().filter(|seen| **seen).count();
    let mut groups = Groups::default();
    for rounds in [2, 1, 0] {
        groups = fold::fold(kept, rounds);
        if count(&groups, query.up, query.down) <= query.cards_max {
            return (groups, query.up, query.down);
        }
    }
    let furthest = kept.sides.iter().map(|side| match side {
        Side::Up(passed) | Side::Down(passed) => *passed,
        _ => 0,
    });
    let limit = |depth: Option<u32>, most: u32| Some(depth.map_or(most, |depth| depth.min(most)));
    let (mut least, mut most) = (1, furthest.max().unwrap_or(0).max(1));
    while least < most {
        let middle = least + (most - least).div_ceil(2);
        match count(&groups, limit(query.up, middle), limit(query.down, middle)) <= query.cards_max {
            true => least = middle,
            false => most = middle - 1,
        }
    }
    let (up, down) = (limit(query.up, least), limit(query.down, least));
    let seen = within(kept, &groups, up, down);
    (crowd::crowd(kept, groups, &seen, query.cards_max), up, down)
}

/// Brings into sight what was opened to one side: the next generation, again and again.
fn reveal(kept: &Kept<'_>, groups: &Groups, query: &Query, seen: &mut [bool]) {
    let mut wanted: Vec<(Direction, &str)> = query.open.iter().filter_map(|text| side(text)).collect();
    let mut ids = std::collections::HashMap::new();
    if wanted.is_empty() {
        return;
    }
    let ways = Ways::new(kept, groups);
    for (at, group) in groups.list.iter().enumerate() {
        ids.insert(card_id(kept, group), at as u32);
    }
    loop {
        let ready = |(_, id): &(Direction, &str)| ids.get(*id).is_some_and(|at| seen[*at as usize]);
        let (now, rest): (Vec<_>, Vec<_>) = wanted.iter().copied().partition(ready);
        if now.is_empty() {
            return;
        }
        for (direction, id) in now {
            let near = |at: u32| if direction == Direction::Up { ways.into.of(at) } else { ways.out.of(at) };
            for next in near(ids[id]) {
                seen[*next as usize] = true;
                if is_run(kept, groups, *next) {
                    near(*next).iter().for_each(|far| seen[*far as usize] = true);
                }
            }
        }
        wanted = rest;
    }
}

fn is_run(kept: &Kept<'_>, groups: &Groups, at: u32) -> bool {
    kept.kin.nodes[groups.list[at as usize].nodes[0] as usize].run().is_some()
}

/// The card's identity: of the thing that it shows, else of the fold.
pub(super) fn card_id(kept: &Kept<'_>, group: &fold::Group) -> String {
    match group.why {
        Some(why) if !why.behind_one() => fold::id_of_group(kept, group).unwrap_or_default(),
        _ => id_of(&kept.kin.nodes[group.nodes[0] as usize].vertex),
    }
}
