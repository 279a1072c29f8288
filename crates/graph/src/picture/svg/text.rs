//! Text of pictures: measured by a table, so that its bytes do not depend on the fonts that are present.

use unicode_width::UnicodeWidthChar as _;

/// A size of letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Size {
    /// Tenths of a pixel.
    pub tenths: i32,
}

pub(super) const NAME: Size = Size { tenths: 130 };
pub(super) const SUB: Size = Size { tenths: 115 };
pub(super) const SMALL: Size = Size { tenths: 110 };

/// Width of a letter, in hundredths of its size: that of a usual sans serif, or more.
fn hundredths(c: char) -> i32 {
    match c {
        'i' | 'l' | 'j' | '.' | ',' | ':' | ';' | '\'' | '|' | '!' | '·' => 30,
        't' | 'f' | 'r' | ' ' | '(' | ')' | '[' | ']' | '/' | '-' | 'I' => 40,
        's' | 'c' | 'k' | 'v' | 'x' | 'y' | 'z' | 'J' | '_' => 57,
        'm' | 'w' | 'M' | 'W' | '@' | '%' | '…' | '→' => 96,
        'a'..='z' | '0'..='9' => 62,
        'A'..='Z' => 72,
        _ if c.is_ascii() => 70,
        _ => match c.width().unwrap_or(0) {
            0 => 0,
            1 => 75,
            _ => 104,
        },
    }
}

/// Pixels that a text takes.
pub(super) fn width(text: &str, size: Size) -> i32 {
    let hundredths: i32 = text.chars().map(hundredths).sum();
    (hundredths * size.tenths + 999) / 1000
}

/// Cut in the middle to so many pixels: ends tell things apart.
pub(super) fn cut(text: &str, size: Size, pixels: i32) -> String {
    if width(text, size) <= pixels {
        return text.to_owned();
    }
    let chars: Vec<char> = text.chars().collect();
    let (mut head, mut tail) = (0, 0);
    let fits = |head: usize, tail: usize| {
        let whole: String = chars[..head].iter().chain(&['…']).chain(&chars[chars.len() - tail..]).collect();
        width(&whole, size) <= pixels
    };
    while head + tail < chars.len() {
        if tail <= head && fits(head, tail + 1) {
            tail += 1;
        } else if fits(head + 1, tail) {
            head += 1;
        } else {
            break;
        }
    }
    chars[..head].iter().chain(&['…']).chain(&chars[chars.len() - tail..]).collect()
}

/// Safe between tags and in attributes.
pub(super) fn escaped(text: &str) -> String {
    crate::export::plain(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_text_fits_and_keeps_both_ends() {
        for text in ["flights_2026-10-01_clean_and_joined.parquet", "とても長い名前のデータセット.csv", "🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂"]
        {
            let found = cut(text, NAME, 100);
            assert!(width(&found, NAME) <= 100, "{found}");
            assert!(found.contains('…') && found.chars().next() == text.chars().next() && found.chars().last() == text.chars().last());
        }
        assert_eq!(cut("short", NAME, 100), "short");
        assert_eq!(cut("anything", NAME, 0), "…");
    }
}
