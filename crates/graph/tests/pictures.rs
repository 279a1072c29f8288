//! Pictures of small histories, as text; and what every picture keeps to.

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::{History, content, edge, flights, place};
use keizu_graph::layout::Metrics;
use keizu_graph::picture::{Before, Caption, CardKind, Kin, Label, Picture, Query, Why, gather, name, note, svg};
use keizu_graph::{Direction, Root};
use keizu_record::body::{ArtifactKind, Edge, Role};
use keizu_record::{Authority, Kind, Name, RunId};
use proptest::prelude::*;

const PAGE: Metrics = Metrics::PAGE;

fn kin(history: &History, root: Root, query: &Query) -> Kin {
    let Ok(kin) = gather(history, &root, query);
    kin
}

fn picture(history: &History, root: Root, query: &Query) -> (Kin, Picture) {
    let kin = kin(history, root, query);
    let picture = Picture::new(&kin, query, &PAGE, None);
    check(&kin, &picture);
    (kin, picture)
}

fn model(path: &str) -> Root {
    place(path)
}

/// Cards by layer, each with what is written on it; links by the names of their ends; the main line.
fn text(kin: &Kin, picture: &Picture) -> String {
    use std::fmt::Write as _;
    let mut out = String::new();
    let title = |at: usize| {
        let card = &picture.cards[at];
        let note = note(kin, picture, card);
        let args: Vec<String> = note.args.iter().map(|arg| format!("{arg:?}").replace("Number", "").replace("Name", "")).collect();
        let fold = card.fold.map_or(String::new(), |fold| format!(" [{} {}]", picture.folds[fold].why.word(), picture.folds[fold].count));
        let tabs =
            [(card.up, "←"), (card.down, "→")].map(|(count, arrow)| if count > 0 { format!(" {arrow}{count}") } else { String::new() });
        format!("{} {} · {} {}{fold}{}", card.kind.word(), name(kin, picture, card), note.code, args.join(" "), tabs.concat())
    };
    for (at, layer) in picture.layers.iter().enumerate() {
        let role = layer.role.map_or("runs", |role| role.word());
        let _ = writeln!(out, "{at} x {} {role}", layer.x);
        for (card, _) in picture.cards.iter().enumerate().filter(|(_, card)| card.layer as usize == at) {
            let focus = if picture.focus == Some(card) { "*" } else { " " };
            let _ = writeln!(out, " {focus}{:>4}  {}", picture.cards[card].y, title(card));
        }
    }
    let short = |at: usize| name(kin, picture, &picture.cards[at]);
    for edge in &picture.edges {
        let lane = if edge.lane.is_empty() { String::new() } else { format!(" by {:?}", edge.lane) };
        let back = if edge.back { " back" } else { "" };
        let _ = writeln!(out, "{} -{}, {}-> {}{lane}{back}", short(edge.from), edge.role.word(), edge.by.word(), short(edge.to));
    }
    let main: Vec<String> = picture.main.iter().map(|at| short(*at)).collect();
    let _ = writeln!(out, "main: {}", main.join(" → "));
    let counts = &picture.counts;
    let _ = write!(out, "{}×{}, folded {}, beyond {}, cut {}", picture.width, picture.height, counts.folded, counts.beyond, counts.cut);
    out
}

/// Nothing is told twice, nothing is lost without a count, nothing overlaps, links go right.
fn check(kin: &Kin, picture: &Picture) {
    let mut seen = BTreeSet::new();
    for card in &picture.cards {
        assert!(card.nodes.iter().all(|node| seen.insert(*node)), "each thing stands for itself once");
        let fold = card.fold.map_or(0, |fold| picture.folds[fold].count);
        assert!(card.nodes.len() == 1 || (fold > 0 && fold <= card.nodes.len()), "{card:?}");
    }
    let ids: BTreeSet<&str> = picture.cards.iter().map(|card| card.id.as_str()).collect();
    assert_eq!(ids.len(), picture.cards.len(), "identities are different");
    let folds: BTreeSet<&str> = picture.folds.iter().map(|fold| fold.id.as_str()).collect();
    assert_eq!(folds.len(), picture.folds.len());
    for pair in picture.cards.windows(2) {
        assert!((pair[0].layer, pair[0].y) < (pair[1].layer, pair[1].y));
        assert!(pair[0].layer != pair[1].layer || pair[1].y - pair[0].y >= PAGE.row_pitch);
    }
    for edge in &picture.edges {
        assert!(edge.back || picture.cards[edge.from].layer < picture.cards[edge.to].layer);
    }
    let heights: BTreeSet<i32> = picture.main.iter().map(|card| picture.cards[*card].y).collect();
    assert!(heights.len() <= 1, "the main line is straight: {heights:?}");
    // what is not drawn of a card's direct neighbours is counted on it
    let place: BTreeMap<usize, usize> =
        picture.cards.iter().enumerate().flat_map(|(at, card)| card.nodes.iter().map(move |node| (*node, at))).collect();
    if picture.counts.cut_links == 0 {
        let hidden = kin.edges.iter().filter(|link| place.contains_key(&link.from) && !place.contains_key(&link.to));
        let hidden: BTreeSet<(usize, usize)> =
            hidden.filter(|link| link.kind != keizu_graph::LinkKind::Derived).map(|link| (place[&link.from], link.to)).collect();
        for (card, _) in &hidden {
            assert!(picture.cards[*card].down > 0);
        }
    }
}

/// A model that goes on from a model, with what measured it.
fn small() -> History {
    let mut h = flights(3);
    let run = h.began(5, 4_000_000_000, "python train.py --depth 8");
    h.used(run, 4_000_000_001, "features/train.parquet", content("train"));
    h.push_edge(
        Kind::Used,
        Edge {
            kind: ArtifactKind::Model,
            role: Role::ParentModel,
            authority: Authority::Declared,
            ..edge(run, 4_000_000_001, "models/delay.joblib", content("m"))
        },
    );
    h.push_edge(
        Kind::Made,
        Edge { kind: ArtifactKind::Model, role: Role::Output, ..edge(run, 4_000_000_002, "models/delay.joblib", content("m4")) },
    );
    h.named(Name::Model("delay".into()), 4_000_000_003, Some(4), Some(run), Some("models/delay.joblib"), content("m4"));
    h
}

/// Many trials of one training, and one that was chosen.
fn sweep() -> History {
    let mut h = History::default();
    for trial in 0..24_u8 {
        let at = i64::from(trial) * 1_000;
        let run = h.began(trial + 1, at, &format!("python train.py --depth {trial}"));
        h.used(run, at + 1, "features.parquet", content("features"));
        h.push_edge(
            Kind::Made,
            Edge {
                kind: ArtifactKind::Model,
                role: Role::Output,
                ..edge(run, at + 2, &format!("trials/{trial}.bin"), content(&format!("t{trial}")))
            },
        );
        h.push_edge(
            Kind::Made,
            Edge { role: Role::Intermediate, removed: true, ..edge(run, at + 2, &format!("/tmp/x{trial}"), content(&format!("x{trial}"))) },
        );
        h.ended(run, at + 500);
    }
    let choose = h.began(99, 90_000, "python choose.py");
    for trial in 0..24_u8 {
        h.push_edge(
            Kind::Used,
            Edge { kind: ArtifactKind::Model, ..edge(choose, 90_001, &format!("trials/{trial}.bin"), content(&format!("t{trial}"))) },
        );
    }
    h.push_edge(Kind::Made, Edge { kind: ArtifactKind::Model, role: Role::Output, ..edge(choose, 90_002, "best.bin", content("best")) });
    h
}

/// A state that every day's run reads and writes again.
fn daily_state(days: u8) -> History {
    let mut h = History::default();
    for day in 1..=days {
        let at = i64::from(day) * 1_000;
        let run = h.began(day, at, "python update.py");
        if day > 1 {
            h.used(run, at + 1, "state.bin", content(&format!("s{}", day - 1)));
        }
        h.made(run, at + 2, "state.bin", content(&format!("s{day}")));
    }
    h
}

#[test]
fn the_flights_of_a_year() {
    let (kin, found) = picture(&flights(365), model("models/delay.joblib"), &Query::default());
    assert!(found.cards.len() <= 25, "{}", found.cards.len());
    insta::assert_snapshot!(text(&kin, &found));
}

#[test]
fn a_model_from_a_model() {
    let (kin, found) = picture(&small(), model("models/delay.joblib"), &Query { up: Some(1), down: Some(1), ..Query::default() });
    insta::assert_snapshot!(text(&kin, &found));
}

#[test]
fn trials() {
    let (kin, found) = picture(&sweep(), model("best.bin"), &Query::default());
    insta::assert_snapshot!(text(&kin, &found));
}

#[test]
fn a_state_that_is_written_again() {
    let (kin, found) = picture(&daily_state(30), model("state.bin"), &Query::default());
    insta::assert_snapshot!(text(&kin, &found));
}

#[test]
fn only_what_was_observed() {
    let (kin, found) = picture(&small(), model("models/delay.joblib"), &Query { by: vec![Authority::Observed], ..Query::default() });
    assert!(found.counts.cut_links > 0);
    assert!(found.edges.iter().all(|edge| edge.by == Authority::Observed));
    let whole = picture(&small(), model("models/delay.joblib"), &Query::default()).1;
    assert!(whole.edges.iter().any(|edge| edge.by == Authority::Declared));
    assert_eq!(found.counts.by, whole.counts.by, "what there is, is told before the filter");
    assert!(kin.nodes.len() >= found.cards.len());
}

#[test]
fn kinds_that_are_left_out_are_counted() {
    let all = picture(&flights(3), model("models/delay.joblib"), &Query::default()).1;
    let few = picture(&flights(3), model("models/delay.joblib"), &Query { kinds: vec![ArtifactKind::Data], ..Query::default() }).1;
    assert!(few.cards.iter().all(|card| matches!(card.kind, CardKind::Run | CardKind::Artifact(ArtifactKind::Data))
        || Some(&card.id) == all.focus.map(|focus| &all.cards[focus].id)));
    assert!(few.counts.cut > 0);
}

#[test]
fn a_fold_opens_in_place_and_the_rest_stays() {
    let history = flights(365);
    let root = || model("models/delay.joblib");
    let (_, closed) = picture(&history, root(), &Query::default());
    let runs = closed.folds.iter().find(|fold| fold.why == Why::Runs).expect("365 runs are folded");
    assert_eq!(runs.count, 365);
    let query = Query { open: [runs.id.clone()].into(), ..Query::default() };
    let (_, open) = picture(&history, root(), &query);
    let more = open.folds.iter().find(|fold| fold.why == Why::More).expect("200 are opened at a time");
    assert_eq!(more.count, 165);
    assert_eq!(
        open.cards.iter().filter(|card| card.kind == CardKind::Run).count(),
        closed.cards.iter().filter(|card| card.kind == CardKind::Run).count() + 200
    );
    for card in closed.cards.iter().filter(|card| card.id != runs.id) {
        assert!(open.cards.iter().any(|other| other.id == card.id), "{} is still there", card.id);
    }
    let query = Query { open: [runs.id.clone(), more.id.clone()].into(), ..Query::default() };
    let (_, all) = picture(&history, root(), &query);
    assert!(!all.folds.iter().any(|fold| matches!(fold.why, Why::More | Why::Runs)));
    let (kin, whole) = picture(&history, root(), &Query { fold: false, ..Query::default() });
    assert!(whole.folds.is_empty() && whole.cards.len() > 700 && whole.cards.len() <= kin.nodes.len());
}

#[test]
fn what_is_too_far_is_counted_and_opened_on_one_side() {
    let history = small();
    let query = Query { up: Some(1), down: Some(0), ..Query::default() };
    let (kin, near) = picture(&history, model("models/delay.joblib"), &query);
    let of = |kin: &Kin, picture: &Picture, wanted: &str| picture.cards.iter().position(|card| name(kin, picture, card) == wanted);
    let features = of(&kin, &near, "train.parquet").expect("what the run read");
    assert!(near.cards[features].up > 0 && near.cards[features].down > 0);
    assert_eq!(of(&kin, &near, "features"), None);
    let query = Query { open: [format!("up.{}", near.cards[features].id)].into(), ..query };
    let (kin, more) = picture(&history, model("models/delay.joblib"), &query);
    assert!(of(&kin, &more, "features").is_some(), "{}", text(&kin, &more));
    assert!(more.counts.beyond > 0);
}

#[test]
fn what_stood_there_keeps_its_place() {
    let history = flights(5);
    let query = Query::default();
    let kin = kin(&history, model("models/delay.joblib"), &query);
    let cold = Picture::new(&kin, &query, &PAGE, None);
    let warm = Picture::new(&kin, &query, &PAGE, Some(&Before::from(&cold)));
    assert_eq!(warm, cold);
    let mut more = history.clone();
    let run = more.began(9, 5_000_000_000, "python predict.py");
    more.push_edge(Kind::Used, Edge { kind: ArtifactKind::Model, ..edge(run, 5_000_000_001, "models/delay.joblib", content("m")) });
    let Ok(grown) = gather(&more, &model("models/delay.joblib"), &query);
    let grown = Picture::new(&grown, &query, &PAGE, Some(&Before::from(&cold)));
    assert_ne!(grown.id, cold.id);
    let layer = grown.cards.iter().find(|card| card.id == run.to_string()).map(|card| card.layer);
    for card in cold.cards.iter().filter(|card| Some(card.layer) != layer) {
        let there = grown.cards.iter().find(|other| other.id == card.id).expect("nothing went");
        assert_eq!((there.layer, there.y), (card.layer, card.y), "{}", card.id);
    }
}

#[test]
fn nothing_known_is_an_empty_picture() {
    let (kin, found) = picture(&History::default(), Root::Content(content("never")), &Query::default());
    assert_eq!((found.focus, found.cards.len(), found.layers.len()), (None, 0, 0));
    elements(&svg(&found, &PAGE, &[], &Caption::default()));
    assert!(kin.nodes.is_empty());
}

fn labels(kin: &Kin, picture: &Picture) -> Vec<Label> {
    let label = |card| Label {
        name: name(kin, picture, card),
        sub: note(kin, picture, card).code.to_owned(),
        full: kin.nodes[card.nodes[0]].name.clone(),
        time: "1 Jan".into(),
    };
    picture.cards.iter().map(label).collect()
}

/// Enough of XML to see that every element closes and nothing is left unescaped.
fn elements(svg: &str) -> Vec<String> {
    let (mut open, mut all) = (Vec::new(), Vec::new());
    let mut rest = svg;
    while let Some(at) = rest.find('<') {
        assert!(!rest[..at].contains('>'), "text has no markup: {:?}", &rest[..at]);
        let end = at + rest[at..].find('>').expect("a tag ends");
        let tag = &rest[at + 1..end];
        let name = tag.trim_start_matches('/').split([' ', '/']).next().unwrap_or_default().to_owned();
        assert!(!tag.contains('<'));
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name));
        } else {
            all.push(name.clone());
            if !tag.ends_with('/') {
                open.push(name);
            }
        }
        rest = &rest[end + 1..];
    }
    assert!(open.is_empty(), "{open:?}");
    all
}

#[test]
fn names_do_not_leave_their_picture() {
    let mut h = History::default();
    let run = h.began(1, 0, "python \"a\\b\".py <x> & #y;");
    h.used(run, 1, "a\"b\\c\n<script>.csv", content("x"));
    h.push_edge(Kind::Used, Edge { authority: Authority::Declared, ..edge(run, 1, "日本\u{202E}語.csv", content("y")) });
    h.push_edge(Kind::Made, Edge { kind: ArtifactKind::Model, ..edge(run, 2, "m.bin", content("m")) });
    let (kin, found) = picture(&h, place("m.bin"), &Query::default());
    let caption = Caption { title: "m.bin <1>".into(), as_of: Some("2026-01-01".into()), record: Some((4_812, "9f31".into())) };
    let drawn = svg(&found, &PAGE, &labels(&kin, &found), &caption);
    let all = elements(&drawn);
    assert!(!all.iter().any(|name| name == "script"));
    assert_eq!(
        all.iter().filter(|name| *name == "path").count()
            - drawn.matches("class=\"q\"").count()
            - drawn.matches("class=\"i\"").count()
            - drawn.matches("class=\"c").count()
            + drawn.matches("<circle class=\"c").count()
            - drawn.matches("class=\"halo\"").count(),
        3 + 2,
        "three links, two in the legend"
    );
    for part in [
        "<title id=\"t\">m.bin &lt;1&gt;</title>",
        "prefers-color-scheme:dark",
        "declared 1",
        "record of 4812 entries, root 9f31",
        "as of 2026-01-01",
    ] {
        assert!(drawn.contains(part), "{part}\n{drawn}");
    }
    assert!(!drawn.contains('\u{202E}'));
}

/// Runs that read and write a few paths, in any order, and some that say so otherwise.
fn any_history() -> impl Strategy<Value = History> {
    let touch = (0..12_u8, 0..14_u8, any::<bool>(), 0..5_usize, 0..8_usize);
    prop::collection::vec(touch, 1..80).prop_map(|touches| {
        let mut h = History::default();
        for run in 0..12_u8 {
            h.began(run, i64::from(run) * 100, &format!("python step{}.py {run}", run % 3));
        }
        for (at, (run, file, made, by, kind)) in touches.into_iter().enumerate() {
            let time = i64::from(run) * 100 + 1 + at as i64 % 90;
            let base = edge(RunId::new([run; 16]), time, &format!("d{}/f{file}.csv", file % 3), content(&format!("f{file}-{}", at % 4)));
            let role = if made { Role::Output } else { Role::Input };
            let edge = Edge { authority: Authority::ALL[by % 4], kind: ArtifactKind::ALL[kind], role, ..base };
            h.push_edge(if made { Kind::Made } else { Kind::Used }, edge);
        }
        h
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_picture_is_sound(history in any_history(), root in 0..12_u8, max in 3..20_usize, fold in any::<bool>(), depth in prop::option::of(0..4_u32)) {
        let query = Query { cards_max: max, fold, up: depth, down: depth, ..Query::default() };
        let (kin, found) = picture(&history, Root::Run(RunId::new([root; 16])), &query);
        prop_assert!(found.focus.is_some());
        // opening everything that can be opened leaves nothing out, and is sound too
        let mut open: BTreeSet<String> = found.folds.iter().map(|fold| fold.id.clone()).collect();
        open.extend(found.cards.iter().flat_map(|card| [format!("up.{}", card.id), format!("down.{}", card.id)]));
        let more = Query { open, ..query };
        let (_, opened) = picture(&history, Root::Run(RunId::new([root; 16])), &more);
        prop_assert!(opened.cards.len() >= found.cards.len());
        prop_assert_eq!(Picture::new(&kin, &query_of(max, fold, depth), &PAGE, None).id, found.id);
    }

    #[test]
    fn the_order_of_what_is_known_does_not_matter(history in any_history(), root in 0..12_u8) {
        let query = Query::default();
        let kin = kin(&history, Root::Run(RunId::new([root; 16])), &query);
        let count = kin.nodes.len();
        let turned = Kin {
            roots: kin.roots.iter().map(|root| count - 1 - root).collect(),
            nodes: kin.nodes.iter().rev().cloned().collect(),
            edges: kin.edges.iter().rev().cloned().map(|link| keizu_graph::Link { from: count - 1 - link.from, to: count - 1 - link.to, ..link }).collect(),
            truncated: kin.truncated,
        };
        let (one, other) = (Picture::new(&kin, &query, &PAGE, None), Picture::new(&turned, &query, &PAGE, None));
        prop_assert_eq!(&one.id, &other.id);
        let places = |picture: &Picture| picture.cards.iter().map(|card| (card.id.clone(), card.layer, card.y)).collect::<Vec<_>>();
        prop_assert_eq!(places(&one), places(&other));
    }
}

fn query_of(cards_max: usize, fold: bool, depth: Option<u32>) -> Query {
    Query { cards_max, fold, up: depth, down: depth, ..Query::default() }
}

#[test]
fn a_trace_is_a_picture_too() {
    let trace = flights(3).trace(Direction::Up, place("models/delay.joblib"));
    let kin = Kin::from(&trace);
    let found = Picture::new(&kin, &Query::default(), &PAGE, None);
    check(&kin, &found);
    assert_eq!(found.focus.map(|focus| found.cards[focus].nodes.clone()), Some(trace.roots.clone()));
}

#[test]
#[ignore = "writes pictures to look at, to the folder in KEIZU_PICTURES"]
fn pictures() {
    let folder = std::path::PathBuf::from(std::env::var_os("KEIZU_PICTURES").expect("KEIZU_PICTURES is set"));
    for (title, history, root) in [
        ("flights", flights(365), "models/delay.joblib"),
        ("small", small(), "models/delay.joblib"),
        ("sweep", sweep(), "best.bin"),
        ("state", daily_state(30), "state.bin"),
    ] {
        let (kin, found) = picture(&history, place(root), &Query::default());
        let caption = Caption { title: title.into(), as_of: None, record: Some((4_812, "9f31".repeat(16))) };
        std::fs::write(folder.join(format!("{title}.svg")), svg(&found, &PAGE, &labels(&kin, &found), &caption)).unwrap();
    }
}
