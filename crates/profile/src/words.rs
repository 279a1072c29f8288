//! Words of text files: missing, true, numbers, dates. As pandas reads them.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Timestamp, fmt::temporal::DateTimeParser};

/// What stands for a missing value: the words of `pandas.read_csv`.
pub(crate) fn is_missing(word: &[u8]) -> bool {
    matches!(
        word,
        b"" | b"#N/A"
            | b"#N/A N/A"
            | b"#NA"
            | b"-1.#IND"
            | b"-1.#QNAN"
            | b"-NaN"
            | b"-nan"
            | b"1.#IND"
            | b"1.#QNAN"
            | b"<NA>"
            | b"N/A"
            | b"NA"
            | b"NULL"
            | b"NaN"
            | b"None"
            | b"n/a"
            | b"nan"
            | b"null"
    )
}

/// True or false, as pandas reads them.
pub(crate) fn boolean(word: &[u8]) -> Option<bool> {
    match word {
        b"True" | b"TRUE" | b"true" => Some(true),
        b"False" | b"FALSE" | b"false" => Some(false),
        _ => None,
    }
}

/// A whole number that fits.
pub(crate) fn integer(word: &[u8]) -> Option<i64> {
    let word = word.trim_ascii();
    let digits = word.strip_prefix(b"-").or_else(|| word.strip_prefix(b"+")).unwrap_or(word);
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    str::from_utf8(word).ok()?.parse().ok()
}

/// A whole number above those of [`integer`], that still fits.
pub(crate) fn natural(word: &[u8]) -> Option<u64> {
    let word = word.trim_ascii();
    word.iter().all(u8::is_ascii_digit).then(|| str::from_utf8(word).ok()?.parse().ok())?
}

/// Digits of a number that is meant as one: more are of an identifier, and would not all be kept.
const DIGITS_MAX: usize = 20;

/// A number, also an infinite one.
pub(crate) fn real(word: &[u8]) -> Option<f64> {
    let word = word.trim_ascii();
    let digits = word.strip_prefix(b"-").or_else(|| word.strip_prefix(b"+")).unwrap_or(word);
    match digits.first() {
        Some(b'0'..=b'9' | b'.') if digits.len() > DIGITS_MAX && digits.iter().all(u8::is_ascii_digit) => None,
        Some(b'0'..=b'9' | b'.') => str::from_utf8(word).ok()?.parse().ok(),
        Some(b'i' | b'I') if digits.eq_ignore_ascii_case(b"inf") || digits.eq_ignore_ascii_case(b"infinity") => {
            Some(if word[0] == b'-' { f64::NEG_INFINITY } else { f64::INFINITY })
        }
        _ => None,
    }
}

/// An ISO 8601 date, with or without a time of day and an offset: microseconds since 1970, UTC. Without an offset it is taken as UTC.
pub(crate) fn time(word: &[u8]) -> Option<i64> {
    static PARSER: DateTimeParser = DateTimeParser::new();
    let word = word.trim_ascii();
    // 2013-01-01 is the shortest; the dashes tell it from a number before any parsing
    if word.len() < 10 || word.len() > 40 || word[4] != b'-' || word[7] != b'-' || !word[0].is_ascii_digit() {
        return None;
    }
    if let [y1, y2, y3, y4, _, m1, m2, _, d1, d2] = word {
        let number = |digits: &[&u8]| digits.iter().try_fold(0i16, |n, d| d.is_ascii_digit().then(|| n * 10 + i16::from(**d - b'0')));
        return civil(number(&[y1, y2, y3, y4])?, number(&[m1, m2])?, number(&[d1, d2])?);
    }
    if let Some(utc) = word.strip_suffix(b" UTC").or_else(|| word.strip_suffix(b"+0000")) {
        return PARSER.parse_datetime(utc).ok().and_then(micros);
    }
    if let Ok(at) = PARSER.parse_timestamp(word) {
        return Some(at.as_microsecond());
    }
    let has_offset = word[10..].iter().any(|byte| matches!(byte, b'+' | b'-' | b'Z' | b'z' | b'['));
    if has_offset { None } else { PARSER.parse_datetime(word).ok().and_then(micros) }
}

/// A date that is written with other separators or none: 2013/01/31, 2013.01.31, 20130131, each perhaps with a time of day after it.
pub(crate) fn loose_time(word: &[u8]) -> Option<i64> {
    let word = word.trim_ascii();
    if let Some(at) = time(word) {
        return Some(at);
    }
    let mut iso = Vec::with_capacity(word.len() + 2);
    match word {
        [y @ .., m1, m2, d1, d2] if y.len() == 4 && word.iter().all(u8::is_ascii_digit) => {
            iso.extend_from_slice(y);
            iso.extend_from_slice(&[b'-', *m1, *m2, b'-', *d1, *d2]);
        }
        _ if word.len() >= 8 && word[..4].iter().all(u8::is_ascii_digit) && matches!(word[4], b'/' | b'.') => {
            let (date, rest) = word.split_at(word.iter().position(|byte| matches!(byte, b' ' | b'T')).unwrap_or(word.len()));
            for (at, piece) in date.split(|byte| *byte == word[4]).enumerate() {
                if at > 0 {
                    iso.push(b'-');
                }
                iso.extend_from_slice(&b"00"[piece.len().min(2)..]);
                iso.extend_from_slice(piece);
            }
            iso.extend_from_slice(rest);
        }
        _ => return None,
    }
    time(&iso)
}

/// Midnight of a day.
pub(crate) fn civil(year: i16, month: i16, day: i16) -> Option<i64> {
    let date = Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
    micros(date.to_datetime(jiff::civil::Time::midnight()))
}

fn micros(at: DateTime) -> Option<i64> {
    TimeZone::UTC.to_timestamp(at).ok().map(Timestamp::as_microsecond)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        assert_eq!(integer(b"9007199254740993"), Some(9_007_199_254_740_993));
        assert_eq!(integer(b"9223372036854775808"), None);
        assert_eq!(real(b"9223372036854775808"), Some(9_223_372_036_854_775_808.0));
        assert_eq!((integer(b"007"), integer(b" -3 "), integer(b"1_000"), integer(b"+")), (Some(7), Some(-3), None, None));
        assert_eq!(
            (real(b"1e3"), real(b".5"), real(b"-Infinity"), real(b"info"), real(b"1,5")),
            (Some(1e3), Some(0.5), Some(f64::NEG_INFINITY), None, None)
        );
        assert_eq!((real(b"nan"), real(b"."), real(b"0x10")), (None, None, None));
    }

    #[test]
    fn long_numbers() {
        assert_eq!((natural(b"18446744073709551615"), natural(b"18446744073709551616"), natural(b"-1")), (Some(u64::MAX), None, None));
        assert_eq!((real(b"1234567890123456789012345"), real(b"100000000000000000000.0")), (None, Some(1e20)));
    }

    #[test]
    fn dates() {
        const DAY: i64 = 86_400_000_000;
        assert_eq!(time(b"1970-01-02"), Some(DAY));
        assert_eq!(time(b"1970-01-02T01:00:00+01:00"), Some(DAY));
        assert_eq!(time(b"1970-01-02T00:00:00Z"), Some(DAY));
        assert_eq!(time(b"1970-01-02 00:00:00.5"), Some(DAY + 500_000));
        assert_eq!(time(b"1970-01-02 00:00:00+00:00"), Some(DAY));
        assert_eq!(time(b"1970-01-02 00:00:00 UTC"), Some(DAY));
        for not in ["1970-13-02", "1970-1-2", "19700102", "1234-567-8901", "2013-02-30", "1970-01-02x", "1970-01-02T00:00:00+99:00"] {
            assert_eq!(time(not.as_bytes()), None, "{not}");
        }
        assert_eq!(loose_time(b"19700102"), Some(DAY));
        assert_eq!(loose_time(b"1970/1/2"), Some(DAY));
        assert_eq!(loose_time(b"1970/01/02 12:00"), Some(DAY + DAY / 2));
        assert_eq!(loose_time(b"99999999"), None);
        assert_eq!(loose_time(b"3/4/1970"), None);
    }

    #[test]
    fn missing() {
        assert!(["", "NA", "NaN", "null", "<NA>"].iter().all(|word| is_missing(word.as_bytes())));
        assert!(![" ", "0", "-", "none", "missing"].iter().any(|word| is_missing(word.as_bytes())));
    }
}
