//! Goals of freshness, and how things stand to them.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ZonedDateTime};
use keizu_record::body::ArtifactKind;
use serde::Serialize;

use super::DataTime;
use crate::config::{Config, Goal, Wish};
use crate::thing::Thing;
use crate::{Error, View};

/// How a thing stands to its goal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Grade {
    /// Its data reach far enough.
    Fresh,
    /// Not yet as far as they must, and there is time left until they must.
    Due,
    /// Not as far as they must.
    Late,
    /// It is not known what time its data speak of.
    Unknown,
}

impl Grade {
    /// The word in answers.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Due => "due",
            Self::Late => "late",
            Self::Unknown => "unknown",
        }
    }
}

/// How a thing stands.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Freshness {
    /// How it stands.
    pub grade: Grade,
    /// The goal, as it is written.
    pub goal: String,
    /// How far its data must reach: RFC 3339.
    pub needed: String,
    /// How far they do.
    pub data_time: Option<DataTime>,
}

impl View<'_> {
    /// How a thing stands to the goal that `keizu.toml` sets for it; `None` when it sets none.
    ///
    /// # Errors
    /// When the store fails, or the thing has no place in the graph.
    pub fn freshness(&self, thing: &Thing, config: &Config, now: &ZonedDateTime) -> Result<Option<Freshness>, Error> {
        let (name, path) = match thing {
            Thing::Version(named) => (Some(&named.name), named.path.as_ref()),
            Thing::Place { path, .. } => (None, Some(path)),
            _ => (None, None),
        };
        let Some(goal) = config.goal(name, path) else { return Ok(None) };
        let data_time = self.data_time(thing, config)?;
        Ok(Some(judge(goal, data_time, now)))
    }

    /// Models and datasets that have a goal of their own and exist.
    pub(crate) fn with_goals(&self, config: &Config) -> Result<Vec<(String, Thing)>, Error> {
        let mut all = Vec::new();
        for name in config.named_goals() {
            let Some(newest) = self.versions(name)?.pop() else { continue };
            all.push((keizu_record::NodeId::from(name.clone()).to_string(), Thing::Version(Box::new(newest))));
        }
        for path in self.places()? {
            let data = || -> Result<bool, Error> { Ok(self.place(self.project(), &path)?.kind == ArtifactKind::Data.word()) };
            if config.goal(None, Some(&path)).is_some() && data().unwrap_or(false) {
                all.push((path.to_string(), Thing::Place { project: self.project().to_owned(), path }));
            }
        }
        Ok(all)
    }
}

/// How data that reach so far stand to a goal.
pub(super) fn judge(goal: &Goal, data_time: Option<DataTime>, now: &ZonedDateTime) -> Freshness {
    let zone = zone(goal, now);
    let there = now.timestamp().to_zoned_datetime(zone.clone());
    let (needed, wanted_next) = needs(goal, &there);
    let needed = needed.unwrap_or_else(|| now.timestamp());
    let reached = data_time.as_ref().map(|time| moment(time, &zone));
    let grade = match reached {
        None => Grade::Unknown,
        Some(reached) if reached < needed => Grade::Late,
        Some(reached) if wanted_next.is_some_and(|next| reached < next) => Grade::Due,
        Some(_) => Grade::Fresh,
    };
    let needed = if grade == Grade::Due { wanted_next.unwrap_or(needed) } else { needed };
    Freshness { grade, goal: goal.text.clone(), needed: needed.to_string(), data_time }
}

/// The zone of the goal; that of the asker where it names none, or one that is not known here.
fn zone(goal: &Goal, now: &ZonedDateTime) -> TimeZone {
    let named = match &goal.wish {
        Wish::Daily { zone: Some(zone), .. } => TimeZone::get(zone).ok(),
        _ => None,
    };
    named.unwrap_or_else(|| now.time_zone().clone())
}

/// A wall clock's time is meant where the goal is.
fn moment(time: &DataTime, zone: &TimeZone) -> Timestamp {
    let stamp = Timestamp::from_microsecond(time.micros).unwrap_or(Timestamp::MAX);
    if time.zoned {
        return stamp;
    }
    let wall: DateTime = TimeZone::UTC.to_datetime(stamp);
    wall.to_zoned_datetime(zone.clone()).map_or(stamp, |there| there.timestamp())
}

/// How far data must reach now, and how far they must by the next time of day when that is more.
fn needs(goal: &Goal, now: &ZonedDateTime) -> (Option<Timestamp>, Option<Timestamp>) {
    match &goal.wish {
        Wish::Within(span) => (now.checked_sub(*span).ok().map(|then| then.timestamp()), None),
        Wish::Daily { days_before, reach, by, .. } => {
            let until = |day: jiff::civil::Date| {
                let reached = day.checked_sub(jiff::Span::new().days(*days_before)).ok()?;
                Some(reached.to_datetime(*reach).to_zoned_datetime(now.time_zone().clone()).ok()?.timestamp())
            };
            let today = until(now.date());
            if now.time() >= *by { (today, None) } else { (now.date().yesterday().ok().and_then(until), today) }
        }
    }
}
