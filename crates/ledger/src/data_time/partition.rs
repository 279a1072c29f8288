//! The time that a path tells: `day=2013-10-01`, `2013-10-01.csv`, `year=2013/month=10/`.

use std::ops::RangeInclusive;

use jiff::civil::{Date, date};
use keizu_record::FilePath;

/// Years that are meant as such.
const YEARS: RangeInclusive<i16> = 1900..=2200;

/// A period that a path names, and the words that name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Named {
    /// Its last day.
    pub last: Date,
    /// `day=2013-10-01`.
    pub words: String,
}

/// The period that a path names, if it names one.
pub(crate) fn named(path: &FilePath) -> Option<Named> {
    let text = path.to_string();
    let parts: Vec<&str> = text.split('/').filter(|part| !part.is_empty()).collect();
    if let Some(found) = keyed(&parts) {
        return Some(found);
    }
    let last = parts.len().checked_sub(1)?;
    // the file's own name before its folders', the nearest first
    let own = parts.iter().enumerate().rev().find_map(|(at, part)| {
        let (day, words) = in_name(part, at == last)?;
        Some(Named { last: day, words })
    });
    own.or_else(|| folders(&parts))
}

/// Hive's partitions: `year=2013/month=10/day=1`, `date=2013-10-01`.
fn keyed(parts: &[&str]) -> Option<Named> {
    let (mut year, mut month, mut day) = (None, None, None);
    let mut words: Vec<&str> = Vec::new();
    let mut whole = None;
    for part in parts {
        let Some((key, value)) = part.split_once('=') else { continue };
        let number = || value.parse::<i16>().ok();
        match key.to_ascii_lowercase().as_str() {
            "year" | "yyyy" | "y" => year = number().filter(|year| YEARS.contains(year)),
            "month" | "mm" | "m" => month = number().filter(|month| (1..=12).contains(month)),
            "day" | "dd" | "d" | "date" | "dt" | "ds" | "partition_date" | "event_date" | "event_day" | "as_of" => {
                whole = in_name(value, false).map(|(day, _)| day).or(whole);
                day = number().filter(|day| (1..=31).contains(day));
            }
            _ => continue,
        }
        words.push(part);
    }
    let words = words.join("/");
    if let Some(last) = whole {
        return Some(Named { last, words });
    }
    Some(Named { last: end(year?, month, day)?, words })
}

/// The last day of a year, of its month, or that day.
fn end(year: i16, month: Option<i16>, day: Option<i16>) -> Option<Date> {
    match (month, day) {
        (None, _) => Some(date(year, 12, 31)),
        (Some(month), None) => Some(Date::new(year, i8::try_from(month).ok()?, 1).ok()?.last_of_month()),
        (Some(month), Some(day)) => Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok(),
    }
}

/// `2013/10/01/`, `2013/10/`: folders that are nothing but numbers, the year with four digits. A year alone is too often none.
fn folders(parts: &[&str]) -> Option<Named> {
    let number = |part: &str, digits: usize| {
        (part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit())).then(|| part.parse::<i16>().ok()).flatten()
    };
    let stem = |part: &'_ str| part.split('.').next().unwrap_or_default().to_owned();
    (0..parts.len()).rev().find_map(|at| {
        let year = number(parts[at], 4).filter(|year| YEARS.contains(year))?;
        let month = number(&stem(parts.get(at + 1)?), 2)?;
        let day = parts.get(at + 2).and_then(|part| number(&stem(part), 2));
        let last = day.and_then(|day| end(year, Some(month), Some(day))).or_else(|| end(year, Some(month), None))?;
        let count = if day.is_some() { 3 } else { 2 };
        let words: Vec<String> = parts[at..at + count].iter().map(|part| stem(part)).collect();
        Some(Named { last, words: words.join("/") })
    })
}

/// A date in a name, `2013-10-01`, `2013_10_01`, `20131001`, or `2013-10`; the last one where there are several
/// (`2013-01-01_2013-12-31`). Digits beside it make it none.
fn in_name(name: &str, is_file: bool) -> Option<(Date, String)> {
    let stem = if is_file { name.split('.').next().filter(|stem| !stem.is_empty()).unwrap_or(name) } else { name };
    let bytes = stem.as_bytes();
    (0..bytes.len()).rev().find_map(|at| {
        let before = at > 0 && bytes[at - 1].is_ascii_digit();
        let (last, length) = read(&bytes[at..]).filter(|_| !before)?;
        let after = bytes.get(at + length).is_some_and(u8::is_ascii_digit);
        let words = stem.get(at..at + length)?;
        (!after).then(|| (last, words.to_owned()))
    })
}

/// A date at the beginning of some bytes: its last day, and how long it is.
fn read(bytes: &[u8]) -> Option<(Date, usize)> {
    let digits = |from: usize, count: usize| -> Option<i16> {
        let part = bytes.get(from..from + count)?;
        part.iter().all(u8::is_ascii_digit).then(|| std::str::from_utf8(part).ok()?.parse().ok()).flatten()
    };
    let year = digits(0, 4).filter(|year| YEARS.contains(year))?;
    let mark = *bytes.get(4)?;
    if mark.is_ascii_digit() {
        let day = end(year, Some(digits(4, 2)?), Some(digits(6, 2)?))?;
        return Some((day, 8));
    }
    if !matches!(mark, b'-' | b'_' | b'.') {
        return None;
    }
    let month = digits(5, 2).filter(|month| (1..=12).contains(month))?;
    if bytes.get(7) == Some(&mark)
        && let Some(day) = digits(8, 2)
    {
        return Some((end(year, Some(month), Some(day))?, 10));
    }
    // 2013_10 is as often a number of something else
    (mark == b'-' && bytes.get(7).is_none_or(|next| *next != mark)).then(|| end(year, Some(month), None)).flatten().map(|day| (day, 7))
}

/// The date that a pattern, as `strptime` has it, reads in a path: anywhere in it, the last place first.
pub(crate) fn by_pattern(path: &FilePath, pattern: &str) -> Option<Date> {
    let text = path.to_string();
    let starts: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
    let inside = |at: usize| at > 0 && text.as_bytes()[at - 1].is_ascii_digit() && text.as_bytes()[at].is_ascii_digit();
    starts.into_iter().rev().filter(|at| !inside(*at)).find_map(|at| {
        let (time, _) = jiff::fmt::strtime::BrokenDownTime::parse_prefix(pattern, &text.as_bytes()[at..]).ok()?;
        let whole = time.to_date().ok();
        let month = || Some(Date::new(time.year()?, time.month()?, 1).ok()?.last_of_month());
        whole.or_else(month).or_else(|| Some(date(time.year()?, 12, 31)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn told(path: &str) -> Option<String> {
        named(&path.into()).map(|named| format!("{} by {}", named.last, named.words))
    }

    #[test]
    fn paths_that_name_a_period() {
        for (path, means) in [
            ("daily/2013-10-01.csv", "2013-10-01 by 2013-10-01"),
            ("daily/flights_20131001.csv.gz", "2013-10-01 by 20131001"),
            ("daily/2013_10_01_v2.csv", "2013-10-01 by 2013_10_01"),
            ("daily/day=2013-10-01/part-0.parquet", "2013-10-01 by day=2013-10-01"),
            ("daily/dt=20131001/part-0.parquet", "2013-10-01 by dt=20131001"),
            ("year=2013/month=10/part-0.parquet", "2013-10-31 by year=2013/month=10"),
            ("year=2013/month=2/day=3/x.csv", "2013-02-03 by year=2013/month=2/day=3"),
            ("year=2013/x.csv", "2013-12-31 by year=2013"),
            ("log/2013/10/01/x.csv", "2013-10-01 by 2013/10/01"),
            ("log/2013/10/x.csv", "2013-10-31 by 2013/10"),
            ("log/2013/10/01.csv", "2013-10-01 by 2013/10/01"),
            ("monthly/2013-10.csv", "2013-10-31 by 2013-10"),
            ("2013-01-01_2013-06-30.csv", "2013-06-30 by 2013-06-30"),
            ("daily/2013-10-01/", "2013-10-01 by 2013-10-01"),
        ] {
            assert_eq!(told(path).as_deref(), Some(means), "{path}");
        }
    }

    #[test]
    fn paths_that_name_none() {
        for path in [
            "planes.csv",
            "data/2013/planes.csv",
            "2013-13-01.csv",
            "2013-02-30.csv",
            "120131001.csv",
            "1234567890.csv",
            "model-v1.2013.bin",
            "month=10/x.csv",
            "report_2013_10.csv",
            "",
            "/",
            "0001-01-01.csv",
        ] {
            assert_eq!(told(path), None, "{path}");
        }
    }

    #[test]
    fn a_declared_pattern_is_found_anywhere() {
        let by = |path: &str, pattern: &str| by_pattern(&path.into(), pattern).map(|day| day.to_string());
        assert_eq!(by("daily/01.10.2013.csv", "%d.%m.%Y"), Some("2013-10-01".into()));
        assert_eq!(by("2013-10/x.csv", "%Y-%m"), Some("2013-10-31".into()));
        assert_eq!(by("x.csv", "%Y-%m-%d"), None);
    }

    proptest! {
        #[test]
        fn any_day_is_read_back(year in 1900i16..=2200, month in 1i8..=12, day in 1i8..=28) {
            let date = date(year, month, day);
            for path in [format!("d/{date}.csv"), format!("d/x{}y", date.strftime("%Y%m%d")), format!("day={date}/p.csv"), format!("{}/p.csv", date.strftime("%Y/%m/%d"))] {
                prop_assert_eq!(named(&path.as_str().into()).map(|named| named.last), Some(date), "{}", path);
            }
        }

        #[test]
        fn no_path_breaks_it(bytes in prop::collection::vec(any::<u8>(), 0..40), text in "[0-9=/_.-]{0,24}") {
            let _ = named(&FilePath::new(bytes));
            let _ = named(&text.as_str().into());
        }
    }
}
