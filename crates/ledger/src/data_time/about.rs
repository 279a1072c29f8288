//! What is known of a thing's data, for `show` and `status`.

use jiff::ZonedDateTime;
use keizu_record::{Digest, FilePath};
use serde::Serialize;

use super::{DataTime, Freshness, Grade};
use crate::profiles::{ProfileRow, without};
use crate::said::said;
use crate::status::{Asked, CauseRow, Status, StatusRow};
use crate::thing::Thing;
use crate::{AsOf, Error, Ledger};

/// What is known of a thing's data.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct About {
    /// The latest time that they speak of; null when that is not known.
    pub data_time: Option<DataTime>,
    /// How they stand to the goal that keizu.toml sets; null when it sets none.
    pub freshness: Option<Freshness>,
    /// Rows and columns; null when the file was not looked into.
    pub profile: Option<ProfileRow>,
    /// Why there is no profile of a data file.
    pub no_profile: Option<String>,
}

impl Ledger {
    /// What is known of a thing's data. `data`: its content, when it is a single data file.
    ///
    /// # Errors
    /// When the store fails, or the thing has no place in the graph.
    pub fn about(&self, thing: &Thing, data: Option<(Digest, Option<FilePath>, Option<u64>)>, now: &ZonedDateTime) -> Result<About, Error> {
        let (view, now) = (self.view(), self.then(now));
        let mut about = About {
            data_time: view.data_time(thing, self.config())?,
            freshness: view.freshness(thing, self.config(), &now)?,
            ..About::default()
        };
        let Some((digest, path, size)) = data else { return Ok(about) };
        match view.told([digest])?.remove(&digest) {
            Some(told) if told.none.is_none() => about.profile = Some(view.profile_row(&told)?),
            Some(told) => about.no_profile = told.none,
            None => {
                let why = without(self.config(), path.as_ref(), size);
                about.no_profile = Some(why.unwrap_or_else(|| "no table that Keizu reads, or not looked into yet".to_owned()));
            }
        }
        Ok(about)
    }

    /// Holds what has a goal in `keizu.toml` against it: fresh things whose data do not reach far enough become late.
    ///
    /// # Errors
    /// When the store fails.
    pub fn grade(&self, status: &mut Status, asked: &Asked, now: &ZonedDateTime) -> Result<(), Error> {
        if !self.config().has_goals() {
            return Ok(());
        }
        let (view, now) = (self.view(), self.then(now));
        let things =
            if asked.things.is_empty() { view.with_goals(self.config())? } else { asked.things.iter().filter_map(labelled).collect() };
        for (label, thing) in things {
            let Some(freshness) = view.freshness(&thing, self.config(), &now)? else { continue };
            let Some(cause) = cause(&label, &freshness) else { continue };
            let state = if freshness.grade == Grade::Late { "late" } else { "unknown" };
            let mut graded = false;
            for row in status.rows.iter_mut().filter(|row| row.thing == label || row.place == label) {
                graded = true;
                // what is stale is made anew first, and then it is seen how far it reaches
                if row.state == "fresh" {
                    (row.state, row.cause) = (state.to_owned(), Some(cause.clone()));
                }
            }
            if !graded {
                status.rows.push(StatusRow {
                    thing: label.clone(),
                    state: state.to_owned(),
                    cause: Some(cause),
                    path: Vec::new(),
                    place: place(&thing).unwrap_or(label),
                    run: String::new(),
                    digest: None,
                    version: None,
                    more: 0,
                });
            }
        }
        Ok(())
    }

    /// When the question is asked: now, or the moment in the past from which it is.
    fn then(&self, now: &ZonedDateTime) -> ZonedDateTime {
        let (Some(AsOf::Happened(time) | AsOf::Recorded(time)), zone) = (self.as_of(), now.time_zone().clone()) else { return now.clone() };
        jiff::Timestamp::from_microsecond(time.micros())
            .map_or_else(|_| now.clone(), |stamp| stamp.min(now.timestamp()).to_zoned_datetime(zone))
    }
}

/// How a thing is called in the answer.
fn labelled(thing: &Thing) -> Option<(String, Thing)> {
    let label = match thing {
        Thing::Version(named) => keizu_record::NodeId::from(named.name.clone()).to_string(),
        Thing::Place { path, .. } => path.to_string(),
        _ => return None,
    };
    Some((label, thing.clone()))
}

fn place(thing: &Thing) -> Option<String> {
    match thing {
        Thing::Version(named) => named.path.as_ref().map(ToString::to_string),
        _ => None,
    }
}

fn cause(label: &str, freshness: &Freshness) -> Option<CauseRow> {
    match (&freshness.data_time, freshness.grade) {
        (Some(time), Grade::Late) => {
            let (reaches, needed) = (short(&time.time), short(&freshness.needed));
            let what = said!("late", "reaches {}, and must reach {} ({})", reaches, needed, freshness.goal);
            Some(CauseRow { thing: time.from.clone(), what })
        }
        (_, Grade::Unknown) => Some(CauseRow { thing: label.to_owned(), what: said!("no_time", "speaks of no time that is known") }),
        _ => None,
    }
}

/// A time without its fraction of a second.
fn short(time: &str) -> String {
    match time.split_once('.') {
        Some((whole, fraction)) => format!("{whole}{}", if fraction.ends_with('Z') { "Z" } else { "" }),
        None => time.to_owned(),
    }
}
