//! How far the data reaches: the latest event in it.

use serde::{Deserialize, Serialize};

use crate::profile::{Column, Profile};
use crate::value::{Kind, Value};
use crate::words;

/// The latest moment that a table speaks of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventTime {
    /// The column that says so, or `year, month, day`.
    pub column: String,
    /// Microseconds since 1970, UTC.
    pub max: i64,
}

/// Whether a column's name says that it is about time.
pub(crate) fn names_time(name: &str) -> bool {
    rank(name) < UNNAMED
}

const UNNAMED: u8 = 4;

/// Lower is likelier to be the moment of the event itself.
fn rank(name: &str) -> u8 {
    let name = name.to_lowercase();
    let words: Vec<&str> = name.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let has = |word: &str| words.contains(&word);
    let is_time = |word: &str| {
        matches!(word, "time" | "timestamp" | "datetime" | "ts" | "date" | "day" | "epoch")
            || word.ends_with("timestamp")
            || word.ends_with("datetime")
    };
    if ["日付", "日時", "年月日", "時刻"].iter().any(|word| name.contains(word)) {
        return 1;
    }
    // of a person or a thing, not of the event; or when it was written down, or of what is still to come
    if ["birth", "dob", "due", "expiry", "expires", "expiration", "scheduled", "ingested", "loaded", "updated", "modified"]
        .iter()
        .any(|word| has(word))
    {
        return 3;
    }
    match words.as_slice() {
        _ if has("event") && words.iter().any(|word| is_time(word)) => 0,
        [only] if is_time(only) => 1,
        _ if words.iter().any(|word| is_time(word)) || words.last() == Some(&"at") => 2,
        _ if name.ends_with("date") || name.ends_with("time") => 2,
        _ => UNNAMED,
    }
}

/// Seconds, milliseconds, microseconds or nanoseconds since 1970 between 1990 and 2100, as microseconds.
pub(crate) fn epoch(value: f64) -> Option<i64> {
    const YEARS: std::ops::Range<f64> = 631_152_000.0..4_102_444_800.0;
    [1.0, 1e3, 1e6, 1e9].into_iter().find(|unit| YEARS.contains(&(value / unit))).map(|unit| (value / unit * 1e6) as i64)
}

/// The moment that a whole number means in a column which is about time: 20130131, or a count since 1970.
pub(crate) fn of_integer(value: i128) -> Option<i64> {
    if (19_000_101..=22_001_231).contains(&value) {
        return words::civil((value / 10_000) as i16, (value / 100 % 100) as i16, (value % 100) as i16);
    }
    epoch(value as f64)
}

impl Profile {
    /// The latest event that the table speaks of: from the column which is likeliest to say when an event happened (a time or ISO dates, or one
    /// whose name is about time and whose values are dates), else from the columns `year`, `month` and `day`.
    pub fn event_time(&self) -> Option<EventTime> {
        let dated = self.columns.iter().filter_map(|column| Some((rank(&column.name), column, column.latest()?)));
        let best = dated.min_by_key(|(rank, ..)| *rank);
        match (best, self.latest_day) {
            (Some((rank, column, max)), day) if rank < 3 || day.is_none() => Some(EventTime { column: column.name.clone(), max }),
            (_, Some(max)) => Some(EventTime { column: "year, month, day".to_owned(), max }),
            _ => None,
        }
    }
}

impl Column {
    /// The latest moment in this column, if it holds moments.
    fn latest(&self) -> Option<i64> {
        match (self.kind, &self.max) {
            (Kind::Time, Some(Value::Time(max))) => Some(*max),
            _ => self.latest,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_ranked() {
        assert_eq!(["event_time", "timestamp", "time_hour", "date_of_birth", "price"].map(rank), [0, 1, 2, 3, UNNAMED]);
        assert_eq!(
            ["日付", "created_at", "updated_at", "orderdate", "candidate_count", "status"].map(rank),
            [1, 2, 3, 2, UNNAMED, UNNAMED]
        );
    }

    #[test]
    fn whole_numbers_that_mean_a_moment() {
        let day = words::civil(2013, 1, 31);
        assert_eq!(of_integer(20_130_131), day);
        assert_eq!(of_integer(1_359_590_400), day);
        assert_eq!(of_integer(1_359_590_400_000), day);
        assert_eq!((of_integer(515), of_integer(20_131_301), of_integer(0)), (None, None, None));
    }
}
