//! From what is in sight to a picture.

use std::collections::BTreeMap;

use keizu_record::{Authority, Digest, Time};

use crate::layout::{Laid, Metrics, Plan};

use super::code::EdgeRole;
use super::line::{Weighed, main_line};
use super::sides::Kept;
use super::sight::{Sight, card_id, sight};
use super::{Before, Card, CardKind, ColumnRole, Counts, Edge, Fold, Kin, Layer, Picture, Query, State, VERSION, Why, fold, laid};

pub(super) fn picture(kin: &Kin, query: &Query, metrics: &Metrics, near: Option<&Before>) -> Picture {
    let kept = Kept::new(kin, query);
    let sight = sight(&kept, query);
    let shown: Vec<u32> = (0..sight.groups.list.len() as u32).filter(|at| sight.seen[*at as usize]).collect();
    let mut place: Vec<Option<usize>> = vec![None; sight.groups.list.len()];
    shown.iter().enumerate().for_each(|(at, group)| place[*group as usize] = Some(at));
    let (mut cards, folds) = cards(&kept, &sight, &shown);
    let mut edges = edges(&kept, &sight, &place);
    hidden(&kept, &sight, &place, &mut cards);
    let focus = kin.roots.first().and_then(|root| place[sight.groups.of[*root]? as usize]);
    let main = focus.map(|focus| main_line(&weighed(&kept, &cards), &edges, focus)).unwrap_or_default();
    let plan = plan(&kept, &cards, &edges, &main);
    let ids: Vec<String> = cards.iter().map(|card| card.id.clone()).collect();
    let laid = laid(&plan, &ids, metrics, near);
    for (card, (layer, y)) in cards.iter_mut().zip(laid.layers.iter().zip(&laid.y)) {
        (card.layer, card.y) = (*layer, *y);
    }
    for ((edge, link), back) in edges.iter_mut().zip(&plan.links).zip(&laid.back) {
        edge.back = *back;
        edge.lane = if *back { Vec::new() } else { laid.lane(*link).to_vec() };
    }
    let main = laid.main.iter().map(|card| *card as usize).collect();
    let layers = layers(kin, &cards, focus, metrics);
    let mut picture = Picture { focus, cards, edges, folds, main, layers, ..Picture::default() };
    picture.counts = counts(&kept, &sight, &picture);
    finish(picture, query, &laid)
}

/// A picture's cards and folds, in the order of the groups that are shown.
fn cards(kept: &Kept<'_>, sight: &Sight, shown: &[u32]) -> (Vec<Card>, Vec<Fold>) {
    let (mut cards, mut folds) = (Vec::with_capacity(shown.len()), Vec::new());
    for at in shown {
        let group = &sight.groups.list[*at as usize];
        let first = &kept.kin.nodes[group.nodes[0] as usize];
        let kind = CardKind::of(first);
        let fold = fold::id_of_group(kept, group).zip(group.why).map(|(id, why)| {
            let inner = group.inner.first().filter(|_| matches!(why, Why::Noise | Why::System));
            let kind = inner.map_or(kind, |inner| CardKind::of(&kept.kin.nodes[*inner as usize]));
            folds.push(Fold { id, why, kind, count: group.count() });
            folds.len() - 1
        });
        let state = group.nodes.iter().map(|node| State::of(&kept.kin.nodes[*node as usize]));
        let state = if group.why.is_some_and(|why| !why.behind_one()) { worst(state) } else { State::of(first) };
        let times = group.nodes.iter().filter_map(|node| kept.kin.nodes[*node as usize].at);
        cards.push(Card {
            id: card_id(kept, group),
            kind,
            nodes: group.all().map(|node| node as usize).collect(),
            layer: 0,
            y: 0,
            fold,
            up: 0,
            down: 0,
            state,
            at: if group.why.is_some_and(|why| !why.behind_one()) { times.max() } else { first.at },
        });
    }
    (cards, folds)
}

/// Of many, that which somebody should look at.
fn worst(states: impl Iterator<Item = State>) -> State {
    states.filter(|state| *state != State::Removed).max_by_key(|state| state.code()).unwrap_or_default()
}

/// Links between the cards that are shown: one for each pair.
fn edges(kept: &Kept<'_>, sight: &Sight, place: &[Option<usize>]) -> Vec<Edge> {
    let mut all: Vec<(usize, usize, EdgeRole, Authority)> = Vec::with_capacity(kept.links.len());
    for link in &kept.links {
        let link = &kept.kin.edges[*link as usize];
        let end = |node: usize| place[sight.groups.of[node]? as usize];
        if let (Some(from), Some(to)) = (end(link.from), end(link.to))
            && (from != to || link.from == link.to)
        {
            all.push((from, to, EdgeRole::of(link), link.authority));
        }
    }
    all.sort_unstable();
    let of_pair = |links: &[(usize, usize, EdgeRole, Authority)]| {
        let mut by: BTreeMap<Authority, usize> = BTreeMap::new();
        links.iter().for_each(|link| *by.entry(link.3).or_default() += 1);
        let by = by.into_iter().max_by_key(|(by, count)| (*count, *by)).map_or(Authority::Observed, |(by, _)| by);
        Edge { from: links[0].0, to: links[0].1, by, role: links[0].2, lane: Vec::new(), back: false }
    };
    all.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)).map(of_pair).collect()
}

/// Counts the parents and children of each card that are not shown.
fn hidden(kept: &Kept<'_>, sight: &Sight, place: &[Option<usize>], cards: &mut [Card]) {
    let (mut up, mut down) = (Vec::new(), Vec::new());
    for link in &kept.links {
        let link = &kept.kin.edges[*link as usize];
        let (Some(from), Some(to)) = (sight.groups.of[link.from], sight.groups.of[link.to]) else { continue };
        match (place[from as usize], place[to as usize]) {
            (Some(card), None) => down.push((card, link.to)),
            (None, Some(card)) => up.push((card, link.from)),
            _ => {}
        }
    }
    for list in [&mut up, &mut down] {
        list.sort_unstable();
        list.dedup();
    }
    up.iter().for_each(|(card, _)| cards[*card].up += 1);
    down.iter().for_each(|(card, _)| cards[*card].down += 1);
}

fn weighed(kept: &Kept<'_>, cards: &[Card]) -> Vec<Weighed> {
    let bytes = |node: &usize| kept.kin.nodes[*node].artifact().and_then(|artifact| artifact.size).unwrap_or(0);
    let of = |card: &Card| Weighed {
        kind: card.kind,
        bytes: card.nodes.iter().map(bytes).fold(0, u64::saturating_add),
        rank: card.nodes.iter().map(|node| kept.ranks[*node]).max().unwrap_or(0),
    };
    cards.iter().map(of).collect()
}

fn plan(kept: &Kept<'_>, cards: &[Card], edges: &[Edge], main: &[usize]) -> Plan {
    let mut order: Vec<usize> = (0..cards.len()).collect();
    order.sort_by_key(|at| cards[*at].nodes.iter().map(|node| kept.ranks[*node]).min());
    let mut ranks = vec![0; cards.len()];
    order.into_iter().enumerate().for_each(|(rank, at)| ranks[at] = rank as u32);
    Plan {
        runs: cards.iter().map(|card| card.kind == CardKind::Run).collect(),
        ranks,
        links: edges.iter().map(|edge| (edge.from as u32, edge.to as u32)).collect(),
        main: main.iter().map(|card| *card as u32).collect(),
    }
}

fn layers(kin: &Kin, cards: &[Card], focus: Option<usize>, metrics: &Metrics) -> Vec<Layer> {
    let count = cards.iter().map(|card| card.layer + 1).max().unwrap_or(0);
    let mut times: Vec<Option<(Time, Time)>> = vec![None; count as usize];
    for card in cards {
        for at in card.nodes.iter().filter_map(|node| kin.nodes[*node].run()?.began) {
            let (first, last) = times[card.layer as usize].unwrap_or((at, at));
            times[card.layer as usize] = Some((first.min(at), last.max(at)));
        }
    }
    let focus = focus.map(|focus| (cards[focus].layer, cards[focus].kind));
    let layer = |(at, runs): (usize, Option<(Time, Time)>)| {
        let at = at as u32;
        let role = at.is_multiple_of(2).then(|| ColumnRole::of(at, focus));
        Layer { x: metrics.x(at), role, runs: runs.filter(|_| role.is_none()) }
    };
    times.into_iter().enumerate().map(layer).collect()
}

fn counts(kept: &Kept<'_>, sight: &Sight, picture: &Picture) -> Counts {
    let kin = kept.kin;
    let mut counts = Counts { cut: kept.cut, cut_links: kept.cut_links, truncated: kin.truncated, ..Counts::default() };
    for card in &picture.cards {
        match State::of(&kin.nodes[card.nodes[0]]) {
            State::Hidden => counts.hidden += 1,
            State::Deleted => counts.deleted += 1,
            State::Faulty => counts.faulty += 1,
            _ => {}
        }
    }
    counts.folded = picture.folds.iter().map(|fold| fold.count).sum();
    let on_way = |node: &u32| matches!(kept.sides[*node as usize], super::sides::Side::Up(_) | super::sides::Side::Down(_));
    let unseen = sight.groups.list.iter().zip(&sight.seen).filter(|(_, seen)| !**seen);
    counts.beyond = unseen.map(|(group, _)| group.all().filter(on_way).count()).sum();
    let mut kinds: BTreeMap<CardKind, usize> = BTreeMap::new();
    kin.nodes.iter().for_each(|node| *kinds.entry(CardKind::of(node)).or_default() += 1);
    counts.kinds = kinds.into_iter().collect();
    let mut by: BTreeMap<Authority, usize> = BTreeMap::new();
    kin.edges.iter().for_each(|link| *by.entry(link.authority).or_default() += 1);
    counts.by = by.into_iter().collect();
    counts
}

/// Cards from left to right and from top to bottom, and what stands for all of them.
fn finish(mut picture: Picture, query: &Query, laid: &Laid) -> Picture {
    let mut order: Vec<usize> = (0..picture.cards.len()).collect();
    order.sort_by(|a, b| {
        let (one, other) = (&picture.cards[*a], &picture.cards[*b]);
        (one.layer, one.y, &one.id).cmp(&(other.layer, other.y, &other.id))
    });
    let mut new = vec![0; order.len()];
    order.iter().enumerate().for_each(|(at, old)| new[*old] = at);
    let mut cards: Vec<Option<Card>> = picture.cards.into_iter().map(Some).collect();
    picture.cards = order.iter().filter_map(|old| cards[*old].take()).collect();
    for edge in &mut picture.edges {
        (edge.from, edge.to) = (new[edge.from], new[edge.to]);
    }
    picture.edges.sort_by_key(|edge| (edge.from, edge.to));
    picture.focus = picture.focus.map(|focus| new[focus]);
    picture.main.iter_mut().for_each(|card| *card = new[*card]);
    renumber_folds(&mut picture);
    (picture.width, picture.height) = (laid.width, laid.height);
    picture.id = id(&picture, query);
    picture
}

/// Folds in the order of their cards.
fn renumber_folds(picture: &mut Picture) {
    let mut folds: Vec<Option<Fold>> = std::mem::take(&mut picture.folds).into_iter().map(Some).collect();
    for card in &mut picture.cards {
        if let Some(fold) = card.fold.and_then(|fold| folds[fold].take()) {
            card.fold = Some(picture.folds.len());
            picture.folds.push(fold);
        }
    }
}

/// Stands for what is shown: cards, links, folds, question, version of the layout. Not for where it stands, which follows from that and from what was shown
/// before.
fn id(picture: &Picture, query: &Query) -> String {
    use std::fmt::Write as _;
    let mut text = format!("{VERSION} {query:?}\n");
    let mut cards: Vec<(&str, u8, u32, u32, usize)> = picture
        .cards
        .iter()
        .map(|card| (card.id.as_str(), card.state.code(), card.up, card.down, card.fold.map_or(0, |fold| picture.folds[fold].count)))
        .collect();
    cards.sort_unstable();
    for (id, state, up, down, count) in cards {
        let _ = writeln!(text, "{id} {state} {up} {down} {count}");
    }
    let name = |card: usize| picture.cards[card].id.as_str();
    let mut edges: Vec<(&str, &str, u8, EdgeRole)> =
        picture.edges.iter().map(|edge| (name(edge.from), name(edge.to), edge.by as u8, edge.role)).collect();
    edges.sort_unstable();
    for (from, to, by, role) in edges {
        let _ = writeln!(text, "{from} {to} {by} {}", role.code());
    }
    format!("l{VERSION}:{}", Digest::of(text.as_bytes()).short(24))
}
