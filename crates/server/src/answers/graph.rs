//! Family trees: the picture of one, and the bare trace.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use keizu_graph::Direction;
use keizu_graph::picture::Query as Wanted;
use keizu_ledger::picture::{PictureAnswer, vocabulary};
use serde_json::Value;

use super::{authorities, json, kinds, options};
use crate::ask::{Ask, spelled};
use crate::fault::Fault;
use crate::reply::{self, Reply};
use crate::table::{Kind, Param, needed, optional};

pub(crate) const TRACE: &[Param] = &[
    needed("thing", Kind::Thing, "What is asked about"),
    optional("down", Kind::Flag, "What was made from it, instead of what made it"),
    optional("depth", Kind::Steps, "Pass so many runs only"),
    optional("kinds", Kind::Words, "Follow only artifacts of these kinds"),
    optional("by", Kind::Words, "Follow only what these say"),
];

pub(crate) const PARAMS: &[Param] = &[
    needed("focus", Kind::Thing, "What is asked about"),
    optional("up", Kind::Steps, "So many runs towards what made it; all when nothing is said"),
    optional("down", Kind::Steps, "So many runs towards what was made from it; all when nothing is said"),
    optional("kinds", Kind::Words, "Show only artifacts of these kinds"),
    optional("by", Kind::Words, "Follow only what these say"),
    optional("fold", Kind::Text, "auto, or none: every thing for itself"),
    optional("open", Kind::Words, "Folds that are open; up.ID and down.ID for hidden parents and children"),
    optional("near", Kind::Text, "The layout that is shown now: what stands in it keeps its place"),
];

pub(crate) const NAMES: &[Param] = &[optional("layer", Kind::Text, "Layers: 3..6"), optional("y", Kind::Text, "Heights: 0..900")];

/// Pictures that are remembered, and cards in all of them.
const PICTURES_MAX: usize = 64;
const CARDS_MAX: usize = 400_000;
/// Questions whose answers' tags are remembered.
const TAGS_MAX: usize = 256;

/// The last pictures, to start the next one from.
#[derive(Default)]
pub(crate) struct Pictures {
    kept: Mutex<VecDeque<Arc<PictureAnswer>>>,
    /// What was answered to a question to the record as it stood: its tag.
    tags: Mutex<VecDeque<(String, String)>>,
}

impl Pictures {
    /// What was answered to this question, as long as nothing was appended.
    pub fn tag(&self, asked: &str) -> Option<String> {
        let tags = self.tags.lock().unwrap_or_else(PoisonError::into_inner);
        tags.iter().find(|(known, _)| known == asked).map(|(_, tag)| tag.clone())
    }

    /// Remembers what was answered.
    pub fn remember(&self, asked: String, tag: String) {
        let mut tags = self.tags.lock().unwrap_or_else(PoisonError::into_inner);
        tags.push_front((asked, tag));
        tags.truncate(TAGS_MAX);
    }

    fn find(&self, layout: &str) -> Option<Arc<PictureAnswer>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().find(|picture| picture.layout == layout).cloned()
    }

    fn keep(&self, picture: &Arc<PictureAnswer>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|known| known.layout != picture.layout);
        kept.push_front(Arc::clone(picture));
        let mut cards = 0;
        let fits = kept.iter().take(PICTURES_MAX).take_while(|picture| {
            cards += picture.size.nodes;
            cards <= CARDS_MAX
        });
        // the newest stays, however large it is
        let count = fits.count().max(1);
        kept.truncate(count);
    }
}

/// `keizu trace --json`.
pub(crate) fn trace(ask: &Ask<'_>) -> Result<Reply, Fault> {
    let direction = if ask.query.flag("down")? { Direction::Down } else { Direction::Up };
    let options = options(&ask.query, direction)?;
    let thing = ask.thing(ask.query.need("thing")?)?;
    let trace = ask.view().trace(&thing, &options)?;
    Ok(Reply::Json(keizu_ledger::trace_json(&trace)))
}

fn wanted(ask: &Ask<'_>) -> Result<Wanted, Fault> {
    let fold = match ask.query.get("fold") {
        None | Some("auto") => true,
        Some("none") => false,
        Some(_) => return Err(Fault { nearest: vec!["auto".into(), "none".into()], ..Fault::wrong("parameter", "fold is auto or none") }),
    };
    let open = ask.query.get("open").into_iter().flat_map(|text| text.split(',')).filter(|id| !id.is_empty()).map(str::to_owned);
    Ok(Wanted {
        up: ask.query.steps("up")?.flatten(),
        down: ask.query.steps("down")?.flatten(),
        kinds: kinds(&ask.query)?,
        by: authorities(&ask.query)?,
        fold,
        open: open.collect(),
        ..Wanted::default()
    })
}

/// The picture around a thing: whole, or in parts when it is large.
pub(crate) fn graph(ask: &Ask<'_>) -> Result<Reply, Fault> {
    let wanted = wanted(ask)?;
    let thing = ask.thing(ask.query.need("focus")?)?;
    // a layout that is forgotten is no fault: the picture is drawn from nothing
    let near = ask.query.get("near").and_then(|layout| ask.state.pictures.find(layout));
    let mut picture = ask.view().picture(&thing, &wanted, near.as_deref())?;
    // the record's size and root are told, and are no part of what is shown
    let record = if picture.in_parts() { None } else { picture.record.take() };
    let picture = Arc::new(picture);
    if picture.focus.is_none() {
        return Err(Fault::missing(format!("nothing that was read or made is known of {}", spelled(&thing))));
    }
    ask.state.pictures.keep(&picture);
    if picture.in_parts() {
        return Ok(Reply::Lines(Box::new(move |_, out| {
            for (at, mut line) in picture.lines().enumerate() {
                if at == 0
                    && let Value::Object(head) = &mut line
                {
                    head.insert("vocabulary".to_owned(), serde_json::to_value(vocabulary())?);
                }
                serde_json::to_writer(&mut *out, &line)?;
                out.write_all(b"\n")?;
            }
            Ok(())
        })));
    }
    // written once: it may be large
    let mut text = serde_json::to_string(&*picture).map_err(|error| Fault::failed(error.to_string()))?;
    let tag = reply::tag(text.as_bytes());
    text.truncate(text.len() - 1);
    text += &format!(r#","record":{},"vocabulary":{},"seq":{}}}"#, json(&record)?, json(&vocabulary())?, ask.standing.position);
    Ok(Reply::Tagged(text, tag))
}

/// Names of what stands in a part of a picture that was sent without.
pub(crate) fn names(ask: &Ask<'_>) -> Result<Reply, Fault> {
    let layout = ask.path.first().map(String::as_str).unwrap_or_default();
    let gone = || Fault::missing("this layout is forgotten; ask for the graph again");
    let picture = ask.state.pictures.find(layout).ok_or_else(gone)?;
    let (layers, y) = (range::<u32>(ask, "layer", (0, u32::MAX))?, range::<i32>(ask, "y", (i32::MIN, i32::MAX))?);
    Ok(Reply::Json(json(&ask.view().picture_names(&picture, layers.0..=layers.1, y.0..=y.1)?)?))
}

fn range<T: std::str::FromStr + PartialOrd + Copy>(ask: &Ask<'_>, name: &str, all: (T, T)) -> Result<(T, T), Fault> {
    let Some(text) = ask.query.get(name) else { return Ok(all) };
    let read = text.split_once("..").and_then(|(from, to)| Some((from.parse::<T>().ok()?, to.parse::<T>().ok()?)));
    read.filter(|(from, to)| from <= to).ok_or_else(|| Fault::wrong("parameter", format!("{name} is written FROM..TO")))
}
