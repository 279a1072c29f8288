//! Moments in the past from which a question can be asked, and how they are typed.
//!
//! A record has two times, and so a question has two clocks:
//!
//! - *happened* (the default for a time): what had happened by then, as far as is known today. What was found out later, corrected or
//!   taken back counts.
//! - *recorded* (`recorded:TIME`, or a number of entries): what the record said then, with all that it did not know yet.

use jiff::civil::{Date, DateTime, Time as ClockTime};
use jiff::{Span, Timestamp, ZonedDateTime};
use keizu_record::Time;

/// A moment, on one of the two clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AsOf {
    /// What the record said when it had so many entries.
    Entries(u64),
    /// What the record said at this time.
    Recorded(Time),
    /// What had happened by this time, as far as is known today.
    Happened(Time),
}

/// Which of the two times of a record counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Clock {
    Happened,
    Recorded,
}

impl Clock {
    pub(crate) const fn at(self, time: Time) -> AsOf {
        match self {
            Self::Happened => AsOf::Happened(time),
            Self::Recorded => AsOf::Recorded(time),
        }
    }
}

/// What was typed, as far as it can be read without the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Typed<'a> {
    Entries(u64),
    Time(Clock, Time),
    /// Just after a run ended.
    Run(Clock, &'a str),
}

/// Why a moment can't be had.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is written in no form that is understood.
    #[error("{0:?} is no moment that Keizu understands")]
    Form(String),
    /// A number of entries is a matter of the record, not of what happened.
    #[error("happened:{0}: a number counts entries of the record, which have no place in what happened")]
    Clock(u64),
    /// The log is shorter.
    #[error("the record has only {0} entries")]
    Short(u64),
    /// The run goes on.
    #[error("run:{0} has not ended")]
    Running(String),
}

/// Each form in which a moment can be typed, and what it means.
pub const FORMS: &[(&str, &str)] = &[
    ("2026-05-03T14:03", "a time, here; with +09:00 or Z elsewhere"),
    ("2026-05-03", "the end of that day; also yesterday"),
    ("3 days ago", "also 2 hours ago, 1 week ago"),
    ("run:3f2a9c", "just after that run ended"),
    ("recorded:TIME", "what the record said then, instead of what had happened"),
    ("412", "when the record had 412 entries"),
];

impl<'a> Typed<'a> {
    /// Reads what somebody typed whose clock and calendar say `now`.
    pub(crate) fn read(text: &'a str, now: &ZonedDateTime) -> Result<Self, Error> {
        let text = text.trim();
        let (clock, rest) = match text.split_once(':') {
            Some(("recorded", rest)) => (Some(Clock::Recorded), rest.trim()),
            Some(("happened", rest)) => (Some(Clock::Happened), rest.trim()),
            _ => (None, text),
        };
        if !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()) {
            let count = rest.parse().map_err(|_| Error::Form(text.to_owned()))?;
            return if clock == Some(Clock::Happened) { Err(Error::Clock(count)) } else { Ok(Self::Entries(count)) };
        }
        let clock = clock.unwrap_or(Clock::Happened);
        if let Some(run) = rest.strip_prefix("run:") {
            return Ok(Self::Run(clock, run));
        }
        let stamp = moment(rest, now).ok_or_else(|| Error::Form(text.to_owned()))?;
        Ok(Self::Time(clock, Time(stamp.as_microsecond())))
    }
}

fn moment(text: &str, now: &ZonedDateTime) -> Option<Timestamp> {
    let lower = text.to_ascii_lowercase();
    match lower.as_str() {
        "now" => return Some(now.timestamp()),
        "today" => return end_of(now.date(), now),
        "yesterday" => return end_of(now.date().yesterday().ok()?, now),
        _ => {}
    }
    if lower.ends_with(" ago") {
        let counted = ["a ", "an "].iter().find_map(|one| lower.strip_prefix(one)).map(|rest| format!("1 {rest}"));
        let span: Span = counted.unwrap_or(lower).parse().ok()?;
        return Some(now.checked_add(span).ok()?.timestamp());
    }
    if let Ok(stamp) = text.parse::<Timestamp>() {
        return Some(stamp);
    }
    if let Ok(zoned) = text.parse::<ZonedDateTime>() {
        return Some(zoned.timestamp());
    }
    if !text.contains(':') {
        return end_of(text.parse::<Date>().ok()?, now);
    }
    let civil = match text.parse::<ClockTime>() {
        // a date and a time are a time as well, to the parser
        Ok(time) if !text.contains('-') => now.date().to_datetime(time),
        _ => text.parse::<DateTime>().ok()?,
    };
    Some(civil.to_zoned_datetime(now.time_zone().clone()).ok()?.timestamp())
}

/// The last microsecond of a day, here.
fn end_of(day: Date, now: &ZonedDateTime) -> Option<Timestamp> {
    let next = day.tomorrow().ok()?.to_zoned_datetime(now.time_zone().clone()).ok()?.timestamp();
    Timestamp::from_microsecond(next.as_microsecond() - 1).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::tz::{Offset, TimeZone};

    /// Noon of 4 May 2026 in Tokyo.
    fn now() -> ZonedDateTime {
        let stamp: Timestamp = "2026-05-04T12:00:00+09:00".parse().unwrap();
        stamp.to_zoned_datetime(TimeZone::fixed(Offset::constant(9)))
    }

    fn time(text: &str) -> String {
        match Typed::read(text, &now()) {
            Ok(Typed::Time(Clock::Happened, time)) => crate::answer::rfc3339(time),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn times_are_read_where_the_asker_is() {
        for (typed, meant) in [
            ("2026-05-03T14:03", "2026-05-03T05:03:00Z"),
            ("2026-05-03 14:03:30.5", "2026-05-03T05:03:30.5Z"),
            ("2026-05-03T14:03+02:00", "2026-05-03T12:03:00Z"),
            ("2026-05-03T14:03Z", "2026-05-03T14:03:00Z"),
            ("2026-05-03T14:03:00+09:00[+09:00]", "2026-05-03T05:03:00Z"),
            ("2026-05-03", "2026-05-03T14:59:59.999999Z"),
            ("yesterday", "2026-05-03T14:59:59.999999Z"),
            ("Today", "2026-05-04T14:59:59.999999Z"),
            ("now", "2026-05-04T03:00:00Z"),
            ("3 days ago", "2026-05-01T03:00:00Z"),
            ("2h 30m ago", "2026-05-04T00:30:00Z"),
            ("an hour ago", "2026-05-04T02:00:00Z"),
            ("1 month ago", "2026-04-04T03:00:00Z"),
            ("09:15", "2026-05-04T00:15:00Z"),
            ("happened:09:15", "2026-05-04T00:15:00Z"),
        ] {
            assert_eq!(time(typed), meant, "{typed}");
        }
    }

    #[test]
    fn the_clock_can_be_chosen() {
        let read = |text| Typed::read(text, &now()).unwrap();
        assert_eq!(read("412"), Typed::Entries(412));
        assert_eq!(read("recorded:412"), Typed::Entries(412));
        assert_eq!(read("run:3f2a"), Typed::Run(Clock::Happened, "3f2a"));
        assert_eq!(read("recorded:run:nightly"), Typed::Run(Clock::Recorded, "nightly"));
        assert!(matches!(read("recorded:yesterday"), Typed::Time(Clock::Recorded, _)));
        assert!(matches!(Typed::read("happened:412", &now()), Err(Error::Clock(412))));
    }

    #[test]
    fn what_makes_no_sense_is_no_moment() {
        for typed in
            ["", "soon", "3 days", "2026-13-01", "2026-02-30", "14:65", "recorded:", "99999999999999999999999", "ago", "model:delay@v3"]
        {
            assert!(Typed::read(typed, &now()).is_err(), "{typed}");
        }
    }
}
