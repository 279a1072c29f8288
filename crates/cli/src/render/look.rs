//! How an answer is to look: for whom it is written, and when.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use keizu_record::Time;

/// For whom a page is drawn. Pages are pure functions of an answer and a look.
#[derive(Debug, Clone)]
pub struct Look {
    /// Columns.
    pub width: usize,
    /// Whether to colour.
    pub colour: bool,
    /// Exact sizes and times, nothing shortened: for pipes.
    pub exact: bool,
    /// Now.
    pub now: Timestamp,
    /// Where the reader is.
    pub zone: TimeZone,
}

/// The narrowest page that is laid out; a narrower terminal wraps.
const WIDTH_MIN: usize = 40;
/// The widest one: lines that are longer are hard to follow.
const WIDTH_MAX: usize = 140;
/// Of what has no width.
const WIDTH_PIPE: usize = 4_096;

impl Look {
    /// For a terminal so many columns wide.
    pub fn terminal(columns: usize, colour: bool) -> Self {
        Self { width: columns.clamp(WIDTH_MIN, WIDTH_MAX), colour, exact: false, now: Timestamp::now(), zone: TimeZone::system() }
    }

    /// For a pipe or a file.
    pub fn pipe(colour: bool) -> Self {
        Self { width: WIDTH_PIPE, colour, exact: true, now: Timestamp::now(), zone: TimeZone::UTC }
    }

    /// A size in bytes.
    pub fn size(&self, bytes: u64) -> String {
        if self.exact { format!("{bytes} B") } else { size(bytes) }
    }

    /// How long ago a time of an answer (RFC 3339) was.
    pub fn age(&self, at: &str) -> String {
        match at.parse::<Timestamp>() {
            Ok(_) if self.exact => at.to_owned(),
            Ok(stamp) => age(stamp, self),
            Err(_) => at.to_owned(),
        }
    }

    /// The same for a time of the record.
    pub fn age_of(&self, at: Time) -> String {
        self.age(&keizu_ledger::answer::rfc3339(at))
    }

    /// A time to the second, where the reader is: `3 May 2026, 14:03:00`; in pipes RFC 3339.
    pub fn moment(&self, at: Time) -> String {
        let text = keizu_ledger::answer::rfc3339(at);
        match text.parse::<Timestamp>() {
            Ok(stamp) if !self.exact => stamp.to_zoned_datetime(self.zone.clone()).strftime("%-d %b %Y, %H:%M:%S").to_string(),
            _ => text,
        }
    }

    /// A duration.
    pub fn duration(&self, millis: u64) -> String {
        if self.exact { format!("{}.{:03} s", millis / 1_000, millis % 1_000) } else { duration(millis) }
    }

    /// What passed between two times of an answer.
    pub fn between(&self, from: &str, to: &str) -> Option<String> {
        let (from, to) = (from.parse::<Timestamp>().ok()?, to.parse::<Timestamp>().ok()?);
        Some(self.duration(u64::try_from(to.as_millisecond() - from.as_millisecond()).unwrap_or(0)))
    }
}

/// `512 B`, `1.2 kB`, `31 MB`: two digits that matter.
fn size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["kB", "MB", "GB", "TB", "PB", "EB"];
    if bytes < 1_000 {
        return format!("{bytes} B");
    }
    let mut value = bytes as f64 / 1_000.0;
    for (at, unit) in UNITS.iter().enumerate() {
        // what rounds up to 1000 belongs to the next unit
        if value < 9.95 {
            return format!("{value:.1} {unit}");
        }
        if value < 999.5 || at + 1 == UNITS.len() {
            return format!("{value:.0} {unit}");
        }
        value /= 1_000.0;
    }
    format!("{bytes} B")
}

/// `40 ms`, `3.2 s`, `41 s`, `2 min 5 s`, `1 h 12 min`, `3 days`.
fn duration(millis: u64) -> String {
    let seconds = (millis + 500) / 1_000;
    match millis {
        0..100 => format!("{millis} ms"),
        100..9_950 => format!("{}.{} s", (millis + 50) / 1_000, (millis + 50) % 1_000 / 100),
        9_950..99_500 => format!("{seconds} s"),
        _ if seconds < 3_600 => match (seconds / 60, seconds % 60) {
            (minutes, 0) => format!("{minutes} min"),
            (minutes, rest) => format!("{minutes} min {rest} s"),
        },
        _ if seconds < 48 * 3_600 => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{} days", seconds / 86_400),
    }
}

fn age(at: Timestamp, look: &Look) -> String {
    let seconds = look.now.as_second() - at.as_second();
    let several = |n: i64, one: &str| format!("{n} {one}{} ago", if n == 1 { "" } else { "s" });
    match seconds {
        // clocks of two machines never agree to the second
        -60..2 => "just now".to_owned(),
        2..60 => format!("{seconds} s ago"),
        60..3_600 => format!("{} min ago", seconds / 60),
        3_600..86_400 => format!("{} h ago", seconds / 3_600),
        86_400..1_209_600 => several(seconds / 86_400, "day"),
        _ => date(at, look),
    }
}

/// `3 May`, or `3 May 2025` when that is another year.
pub fn date(at: Timestamp, look: &Look) -> String {
    let there = at.to_zoned_datetime(look.zone.clone());
    let here = look.now.to_zoned_datetime(look.zone.clone());
    let format = if there.year() == here.year() { "%-d %b" } else { "%-d %b %Y" };
    there.strftime(format).to_string()
}

/// `27,004`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 file`, `365 files`.
pub fn many(number: u64, one: &str) -> String {
    match (number, one.strip_suffix('y')) {
        (1, _) => format!("1 {one}"),
        (_, Some(stem)) => format!("{} {stem}ies", count(number)),
        _ if one.ends_with('s') => format!("{} {one}es", count(number)),
        _ => format!("{} {one}s", count(number)),
    }
}

#[cfg(test)]
impl Look {
    /// A terminal at a fixed time, for tests: noon of 24 November 2026.
    pub fn fixed(width: usize) -> Self {
        let now = "2026-11-24T12:00:00Z".parse().expect("invariant: a valid time");
        Self { width, colour: false, exact: false, now, zone: TimeZone::UTC }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_two_digits_that_matter() {
        let cases = [
            (0, "0 B"),
            (999, "999 B"),
            (1_000, "1.0 kB"),
            (9_949, "9.9 kB"),
            (9_951, "10 kB"),
            (999_499, "999 kB"),
            (999_500, "1.0 MB"),
            (31_400_000, "31 MB"),
            (u64::MAX, "18 EB"),
        ];
        for (bytes, text) in cases {
            assert_eq!(size(bytes), text, "{bytes}");
        }
        assert_eq!(Look { exact: true, ..Look::fixed(80) }.size(31_400_000), "31400000 B");
    }

    #[test]
    fn durations_and_ages() {
        let cases = [
            (7, "7 ms"),
            (340, "0.3 s"),
            (9_949, "9.9 s"),
            (9_950, "10 s"),
            (41_000, "41 s"),
            (120_000, "2 min"),
            (125_000, "2 min 5 s"),
            (4_320_000, "1 h 12 min"),
            (900_000_000, "10 days"),
        ];
        for (millis, text) in cases {
            assert_eq!(duration(millis), text, "{millis}");
        }
        let look = Look::fixed(80);
        let cases = [
            ("2026-11-24T12:00:30Z", "just now"),
            ("2026-11-24T11:59:48Z", "12 s ago"),
            ("2026-11-24T11:56:00Z", "4 min ago"),
            ("2026-11-24T09:00:00Z", "3 h ago"),
            ("2026-11-23T11:00:00Z", "1 day ago"),
            ("2026-05-03T11:00:00Z", "3 May"),
            ("2025-05-03T11:00:00Z", "3 May 2025"),
        ];
        for (at, text) in cases {
            assert_eq!(look.age(at), text);
        }
        assert_eq!(look.between("2026-11-24T12:00:00Z", "2026-11-24T12:00:41Z").as_deref(), Some("41 s"));
        let exact = Look { exact: true, ..look };
        assert_eq!(exact.age("2026-05-03T11:00:00.5Z"), "2026-05-03T11:00:00.5Z");
        assert_eq!(exact.duration(41_005), "41.005 s");
    }

    #[test]
    fn numbers_of_things() {
        assert_eq!(count(27_004), "27,004");
        assert_eq!(count(999), "999");
        assert_eq!(many(1, "file"), "1 file");
        assert_eq!(many(4_102, "entry"), "4,102 entries");
    }
}
