//! The family tree as a picture, in the shape that the page and scripts get: arrays of equal length, small and still readable.
//!
//! Kinds, authorities, roles and states are small numbers: [`vocabulary`] says which is which.

use std::collections::{BTreeMap, HashMap};
use std::ops::RangeInclusive;

use keizu_graph::layout::Metrics;
use keizu_graph::picture::{self, Arg, Before, CardKind, EdgeRole, Kin, Note, Picture, Query, State};
use keizu_graph::{ArtifactNode, Detail, Node};
use keizu_record::body::ArtifactKind;
use keizu_record::{Authority, Digest, FilePath};
use serde::Serialize;

use crate::answer::rfc3339;
use crate::as_of::AsOf;
use crate::documents::Environment;
use crate::thing::Thing;
use crate::{Error, View};

/// Pictures with more cards than this are sent in parts, without names.
pub const WHOLE_MAX: usize = 20_000;
/// Cards of one part.
pub const PART_MAX: usize = 8_192;
/// So many cards are looked into closely: rows of data, packages of environments.
const DETAILS_MAX: usize = 2_000;
/// Characters of a path or of a command.
const PATH_CHARS_MAX: usize = 300;

/// The head of the record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HeadRow {
    /// Entries of its log.
    pub size: u64,
    /// Root of the tree over them, in hex.
    pub root: String,
}

/// A picture.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PictureAnswer {
    /// Stands for what is shown: the same, as long as nothing of it changes.
    pub layout: String,
    /// The moment as of which it is; null: now.
    pub as_of: Option<String>,
    /// The record that it was made from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record: Option<HeadRow>,
    /// Index of the card asked for; null when nothing is known of it.
    pub focus: Option<usize>,
    /// Indices of the cards of the main line, from left to right.
    pub main: Vec<usize>,
    /// How large it is, and how many of what.
    pub size: SizeRow,
    /// Layers, from left to right: artifacts on even ones, runs on odd ones.
    pub layers: Vec<LayerRow>,
    /// Cards, from left to right, then from top to bottom.
    pub nodes: NodeColumns,
    /// Links, by their first card.
    pub edges: EdgeColumns,
    /// What is folded.
    pub folds: Vec<FoldRow>,
    /// Kinds that there are before filters, with how many: [kind, count].
    pub kinds: Vec<(u8, usize)>,
    /// Who says how many links, before filters: [authority, count].
    pub said: Vec<(u8, usize)>,
    #[serde(skip)]
    contents: Vec<Option<Digest>>,
}

/// How large it is, and how many of what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SizeRow {
    /// Width in pixels.
    pub w: i32,
    /// Height in pixels.
    pub h: i32,
    /// Cards.
    pub nodes: usize,
    /// Links.
    pub edges: usize,
    /// Things folded into others.
    pub folded: usize,
    /// Things on the way that are not shown: too far, or too many.
    pub beyond: usize,
    /// Cards that the asker may not see.
    pub hidden: usize,
    /// Cards of which nothing is known any more but the digest.
    pub deleted: usize,
    /// Cards that were not seen as they should.
    pub faulty: usize,
    /// Things that filters cut off.
    pub cut: usize,
    /// Links that filters took away.
    pub cut_edges: usize,
    /// Whether there is more than was walked to.
    pub truncated: bool,
}

/// One layer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LayerRow {
    /// Left edge of its cards, or the middle of its runs.
    pub x: i32,
    /// source, prepared, trained, model, this or went.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<&'static str>,
    /// When the first and the last of its runs began, RFC 3339; one when it is the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_t: Option<Vec<String>>,
}

/// Cards, in columns.
#[derive(Debug, Clone, PartialEq, Serialize, Default)]
pub struct NodeColumns {
    /// Identity: the same in the next picture.
    pub id: Vec<String>,
    /// What it is.
    pub kind: Vec<u8>,
    /// Index of its layer.
    pub layer: Vec<u32>,
    /// Its middle.
    pub y: Vec<i32>,
    /// What people call it.
    pub name: Vec<String>,
    /// A word, and what belongs to it: `["files", 365]`.
    pub sub: Vec<Vec<serde_json::Value>>,
    /// How it is.
    pub state: Vec<u8>,
    /// Index of its fold; −1: none.
    pub group: Vec<i64>,
    /// Direct parents that are not shown.
    pub up: Vec<u32>,
    /// Direct children that are not shown.
    pub down: Vec<u32>,
    /// When it came to be, in milliseconds since 1970; null: not known.
    pub t: Vec<Option<i64>>,
    /// What opens it as a thing of its own; null for a fold.
    pub thing: Vec<Option<String>>,
    /// The whole path, or the whole command.
    pub path: Vec<Option<String>>,
}

/// Links, in columns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Default)]
pub struct EdgeColumns {
    /// Index of the card that it leaves.
    pub from: Vec<usize>,
    /// Index of the card at which it arrives.
    pub to: Vec<usize>,
    /// Who says so.
    pub by: Vec<u8>,
    /// What part the artifact plays.
    pub role: Vec<u8>,
    /// y in each layer that it crosses. A link that closes a cycle crosses none, and its `to` stands no further right than its `from`.
    pub lane: Vec<Vec<i32>>,
}

/// A fold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FoldRow {
    /// What opens it.
    pub id: String,
    /// noise, system, directory, siblings, versions, runs, more or crowd.
    pub why: &'static str,
    /// What its members are.
    pub kind: u8,
    /// How many there are.
    pub count: usize,
}

/// Names of some cards of a picture that is sent without.
#[derive(Debug, Clone, PartialEq, Serialize, Default)]
pub struct NameColumns {
    /// Index of the card.
    pub at: Vec<usize>,
    /// See [`NodeColumns::name`].
    pub name: Vec<String>,
    /// See [`NodeColumns::sub`].
    pub sub: Vec<Vec<serde_json::Value>>,
    /// See [`NodeColumns::thing`].
    pub thing: Vec<Option<String>>,
    /// See [`NodeColumns::path`].
    pub path: Vec<Option<String>>,
}

/// Which number stands for what, in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Vocabulary {
    /// Kinds of cards.
    pub kinds: Vec<&'static str>,
    /// Who says so.
    pub by: Vec<&'static str>,
    /// What part an artifact plays in a run; what joins two artifacts.
    pub roles: Vec<&'static str>,
    /// How a card is.
    pub states: Vec<&'static str>,
}

/// Which number stands for what.
pub fn vocabulary() -> Vocabulary {
    Vocabulary {
        kinds: CardKind::all().map(CardKind::word).collect(),
        by: Authority::ALL.iter().map(|by| by.word()).collect(),
        roles: EdgeRole::all().map(EdgeRole::word).collect(),
        states: State::ALL.iter().map(|state| state.word()).collect(),
    }
}

impl View<'_> {
    /// The picture of what stands around a thing. With the picture that was shown before, what stood there keeps its place.
    ///
    /// # Errors
    /// When the store fails, or the thing has no place in the graph.
    pub fn picture(&self, thing: &Thing, query: &Query, near: Option<&PictureAnswer>) -> Result<PictureAnswer, Error> {
        Ok(self.drawn(thing, query, near)?.1)
    }

    /// The same, with the picture itself: for who draws it.
    ///
    /// # Errors
    /// As [`View::picture`].
    pub fn drawn(&self, thing: &Thing, query: &Query, near: Option<&PictureAnswer>) -> Result<(Picture, PictureAnswer), Error> {
        let kin = picture::gather(self, &self.start(thing)?, query)?;
        let before = near.map(PictureAnswer::before);
        let picture = Picture::new(&kin, query, &Metrics::PAGE, before.as_ref());
        let mut answer = answer(&kin, &picture);
        answer.as_of = self.as_of().map(spelled);
        answer.record = self.head()?;
        if answer.nodes.id.len() <= DETAILS_MAX {
            let all: Vec<usize> = (0..answer.nodes.id.len()).collect();
            let sub = self.details(&answer, &all)?;
            sub.into_iter().for_each(|(at, name, note)| answer.nodes.tell(at, name, note));
        }
        Ok((picture, answer))
    }

    /// Names of the cards of a picture that stand in these layers, between these heights; at most 2,000.
    ///
    /// # Errors
    /// When the store fails.
    pub fn picture_names(&self, of: &PictureAnswer, layers: RangeInclusive<u32>, y: RangeInclusive<i32>) -> Result<NameColumns, Error> {
        let here = |at: &usize| layers.contains(&of.nodes.layer[*at]) && y.contains(&of.nodes.y[*at]);
        let at: Vec<usize> = (0..of.nodes.id.len()).filter(here).take(DETAILS_MAX).collect();
        let pick = |at: &usize| (of.nodes.name[*at].clone(), of.nodes.sub[*at].clone());
        let (name, sub) = at.iter().map(pick).unzip();
        let thing = at.iter().map(|at| of.nodes.thing[*at].clone()).collect();
        let path = at.iter().map(|at| of.nodes.path[*at].clone()).collect();
        let mut found = NameColumns { name, sub, thing, path, at };
        let place: HashMap<usize, usize> = found.at.iter().enumerate().map(|(slot, at)| (*at, slot)).collect();
        for (at, name, note) in self.details(of, &found.at)? {
            if let Some(slot) = place.get(&at) {
                found.sub[*slot] = note;
                found.name[*slot] = name.unwrap_or_else(|| std::mem::take(&mut found.name[*slot]));
            }
        }
        Ok(found)
    }

    /// What the record knows better of cards than their names: rows of data, what an environment is.
    fn details(&self, of: &PictureAnswer, at: &[usize]) -> Result<Vec<Told>, Error> {
        let kind = |kind: ArtifactKind| CardKind::Artifact(kind).code();
        let single = |at: &&usize| of.nodes.thing[**at].is_some();
        let with = |wanted: u8| {
            at.iter().filter(single).filter(move |at| of.nodes.kind[**at] == wanted).filter_map(|at| Some((*at, of.contents[*at]?)))
        };
        let mut found = Vec::new();
        let data: Vec<(usize, Digest)> = with(kind(ArtifactKind::Data)).collect();
        let told = self.told(data.iter().map(|(_, digest)| *digest))?;
        for (at, digest) in data {
            let is_version = of.nodes.sub[at].first().is_some_and(|code| code == "version");
            if let Some(rows) = told.get(&digest).filter(|told| told.none.is_none() && !is_version).map(|told| told.rows) {
                found.push((at, None, vec!["rows".into(), rows.into()]));
            }
        }
        let mut known: BTreeMap<Digest, Option<Environment>> = BTreeMap::new();
        for (at, digest) in with(kind(ArtifactKind::Environment)) {
            if let std::collections::btree_map::Entry::Vacant(place) = known.entry(digest) {
                place.insert(self.document(&digest)?.and_then(|bytes| serde_json::from_slice(&bytes).ok()));
            }
            if let Some(Some(environment)) = known.get(&digest) {
                let python = environment.python.as_ref().filter(|python| !python.is_empty());
                let name = python.map_or_else(|| "environment".to_owned(), |python| format!("python {python}"));
                found.push((at, Some(name), vec!["packages".into(), environment.packages.len().into()]));
            }
        }
        Ok(found)
    }
}

/// Card, its better name, its better note.
type Told = (usize, Option<String>, Vec<serde_json::Value>);

/// As it is typed.
fn spelled(as_of: AsOf) -> String {
    match as_of {
        AsOf::Entries(count) => count.to_string(),
        AsOf::Recorded(time) => format!("recorded:{}", rfc3339(time)),
        AsOf::Happened(time) => rfc3339(time),
    }
}

/// A picture as an answer, as far as it says so itself: without the record, the moment, and what only the record knows of contents.
pub fn answer(kin: &Kin, picture: &Picture) -> PictureAnswer {
    let counts = &picture.counts;
    let size = SizeRow {
        w: picture.width,
        h: picture.height,
        nodes: picture.cards.len(),
        edges: picture.edges.len(),
        folded: counts.folded,
        beyond: counts.beyond,
        hidden: counts.hidden,
        deleted: counts.deleted,
        faulty: counts.faulty,
        cut: counts.cut,
        cut_edges: counts.cut_links,
        truncated: counts.truncated,
    };
    let layers = picture.layers.iter().map(|layer| LayerRow {
        x: layer.x,
        role: layer.role.map(picture::ColumnRole::word),
        run_t: layer.runs.map(|(first, last)| if first == last { vec![rfc3339(first)] } else { vec![rfc3339(first), rfc3339(last)] }),
    });
    let folds =
        picture.folds.iter().map(|fold| FoldRow { id: fold.id.clone(), why: fold.why.word(), kind: fold.kind.code(), count: fold.count });
    PictureAnswer {
        layout: picture.id.clone(),
        as_of: None,
        record: None,
        focus: picture.focus,
        main: picture.main.clone(),
        size,
        layers: layers.collect(),
        nodes: nodes(kin, picture),
        edges: edges(picture),
        folds: folds.collect(),
        kinds: counts.kinds.iter().map(|(kind, count)| (kind.code(), *count)).collect(),
        said: counts.by.iter().map(|(by, count)| (said(*by), *count)).collect(),
        contents: picture.cards.iter().map(|card| kin.nodes[card.nodes[0]].artifact().and_then(|artifact| artifact.digest)).collect(),
    }
}

fn nodes(kin: &Kin, picture: &Picture) -> NodeColumns {
    let mut columns = NodeColumns::default();
    for card in &picture.cards {
        let node = &kin.nodes[card.nodes[0]];
        let stack = card.id.starts_with("g:");
        let hidden = card.state == State::Hidden;
        columns.id.push(card.id.clone());
        columns.kind.push(card.kind.code());
        columns.layer.push(card.layer);
        columns.y.push(card.y);
        columns.name.push(if hidden { String::new() } else { picture::name(kin, picture, card) });
        columns.sub.push(if hidden { Vec::new() } else { words(&picture::note(kin, picture, card)) });
        columns.state.push(card.state.code());
        columns.group.push(card.fold.map_or(-1, |fold| fold as i64));
        columns.up.push(card.up);
        columns.down.push(card.down);
        columns.t.push(card.at.map(|at| at.micros().div_euclid(1_000)));
        columns.thing.push((!stack && !hidden).then(|| thing(node)).flatten());
        columns.path.push((!stack && !hidden).then(|| path(node)).flatten());
    }
    columns
}

fn edges(picture: &Picture) -> EdgeColumns {
    let all = &picture.edges;
    EdgeColumns {
        from: all.iter().map(|edge| edge.from).collect(),
        to: all.iter().map(|edge| edge.to).collect(),
        by: all.iter().map(|edge| said(edge.by)).collect(),
        role: all.iter().map(|edge| edge.role.code()).collect(),
        lane: all.iter().map(|edge| edge.lane.clone()).collect(),
    }
}

fn words(note: &Note) -> Vec<serde_json::Value> {
    let args = note.args.iter().map(|arg| match arg {
        Arg::Number(number) => (*number).into(),
        Arg::Name(name) => name.as_str().into(),
    });
    std::iter::once(note.code.into()).chain(args).collect()
}

/// Where the authority stands in [`Vocabulary::by`]; its code in records counts from 1.
fn said(by: Authority) -> u8 {
    Authority::ALL.iter().position(|known| *known == by).unwrap_or_default() as u8
}

/// How it is typed.
fn thing(node: &Node) -> Option<String> {
    match &node.detail {
        Detail::Run(_) => node.vertex.run().map(|run| run.to_string()),
        Detail::Artifact(artifact) => {
            let ArtifactNode { versions, digest, path, .. } = &**artifact;
            let content = || digest.map(|digest| digest.to_string());
            versions.last().cloned().or_else(content).or_else(|| path.as_ref().map(ToString::to_string))
        }
    }
}

fn path(node: &Node) -> Option<String> {
    let whole = match &node.detail {
        Detail::Run(run) if run.command.is_empty() => return None,
        Detail::Run(run) => run.command.iter().map(|word| FilePath::new(word.as_slice()).to_string()).collect::<Vec<_>>().join(" "),
        Detail::Artifact(artifact) => artifact.path.as_ref()?.to_string(),
    };
    let cut = whole.char_indices().nth(PATH_CHARS_MAX).map(|(at, _)| at);
    Some(cut.map_or_else(|| whole.clone(), |at| format!("{}…", &whole[..at])))
}

impl NodeColumns {
    fn tell(&mut self, at: usize, name: Option<String>, note: Vec<serde_json::Value>) {
        self.sub[at] = note;
        if let Some(name) = name {
            self.name[at] = name;
        }
    }
}

impl PictureAnswer {
    /// What the next picture may keep.
    fn before(&self) -> Before {
        let cards = self.nodes.id.iter().map(String::as_str).zip(self.nodes.y.iter().copied());
        Before::new(cards, self.edges.from.iter().copied().zip(self.edges.lane.iter().map(Vec::as_slice)))
    }

    /// Whether it is sent in parts, without names.
    pub fn in_parts(&self) -> bool {
        self.nodes.id.len() > WHOLE_MAX
    }

    /// The lines in which it is sent when it is large: first all but cards and links (exact bounds, and how many parts follow), then the cards from
    /// left to right with the links that leave them, without names.
    pub fn lines(&self) -> impl Iterator<Item = serde_json::Value> + '_ {
        let count = self.nodes.id.len();
        let parts = count.div_ceil(PART_MAX);
        let head = serde_json::json!({
            "layout": self.layout, "as_of": self.as_of, "record": self.record, "focus": self.focus, "main": self.main, "size": self.size,
            "layers": self.layers, "folds": self.folds, "kinds": self.kinds, "said": self.said, "parts": parts,
        });
        std::iter::once(head).chain((0..parts).map(move |part| self.part(part * PART_MAX..((part + 1) * PART_MAX).min(count))))
    }

    fn part(&self, cards: std::ops::Range<usize>) -> serde_json::Value {
        let nodes = &self.nodes;
        // links stand in the order of the cards that they leave
        let first = self.edges.from.partition_point(|from| *from < cards.start);
        let last = self.edges.from.partition_point(|from| *from < cards.end);
        let links = first..last;
        serde_json::json!({
            "first": cards.start,
            "nodes": {
                "id": nodes.id[cards.clone()], "kind": nodes.kind[cards.clone()], "layer": nodes.layer[cards.clone()], "y": nodes.y[cards.clone()],
                "state": nodes.state[cards.clone()], "group": nodes.group[cards.clone()], "up": nodes.up[cards.clone()],
                "down": nodes.down[cards.clone()], "t": nodes.t[cards],
            },
            "edges": {
                "from": self.edges.from[links.clone()], "to": self.edges.to[links.clone()], "by": self.edges.by[links.clone()],
                "role": self.edges.role[links.clone()], "lane": self.edges.lane[links],
            },
        })
    }
}
