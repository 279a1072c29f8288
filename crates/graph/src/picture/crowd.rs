//! The last resort: things far away that are too many and too different become one card for each kind.

use std::collections::BTreeMap;

use super::fold::{Group, Groups};
use super::sides::{Kept, Side};
use super::{CardKind, Why};

/// Joins groups in sight by side, distance and kind, the furthest and the largest crowd first, until so many are left.
pub(super) fn crowd(kept: &Kept<'_>, groups: Groups, seen: &[bool], cards_max: usize) -> Groups {
    let mut left = seen.iter().filter(|seen| **seen).count();
    if left <= cards_max {
        return groups;
    }
    let mut crowds: BTreeMap<(Side, CardKind), Vec<usize>> = BTreeMap::new();
    for (at, group) in groups.list.iter().enumerate().filter(|(at, _)| seen[*at]) {
        let first = group.nodes[0] as usize;
        if !group.nodes.iter().any(|node| kept.kin.roots.contains(&(*node as usize))) {
            crowds.entry((kept.sides[first], CardKind::of(&kept.kin.nodes[first]))).or_default().push(at);
        }
    }
    let passed = |side: &Side| match side {
        Side::Up(passed) | Side::Down(passed) => *passed,
        _ => u32::MAX,
    };
    let mut order: Vec<((Side, CardKind), Vec<usize>)> = crowds.into_iter().filter(|(_, members)| members.len() > 1).collect();
    order.sort_by_key(|((side, kind), members)| (std::cmp::Reverse(passed(side)), std::cmp::Reverse(members.len()), *kind));
    let mut list: Vec<Option<Group>> = groups.list.into_iter().map(Some).collect();
    for (_, members) in order {
        if left <= cards_max {
            break;
        }
        left -= members.len() - 1;
        let mut joined = Group { nodes: Vec::new(), inner: Vec::new(), why: Some(Why::Crowd) };
        for group in members.iter().filter_map(|at| list[*at].take()) {
            joined.nodes.extend(group.nodes);
            joined.inner.extend(group.inner);
        }
        joined.nodes.sort_by_key(|node| kept.ranks[*node as usize]);
        list.push(Some(joined));
    }
    Groups::new(kept, list.into_iter().flatten().collect())
}
