//! Text with meaning: what is written, and how loud. Colour is decided at the very end, and width never counts it.

use anstyle::{AnsiColor, Style};
use unicode_width::UnicodeWidthStr;

/// How loud a piece of text is. Nothing is said by it alone: the words carry the meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ink {
    /// As everything else.
    Plain,
    /// The subject of the page, and titles.
    Strong,
    /// Beside the point: digests, ages, the lines of a tree.
    Faint,
    /// Something that can be typed back.
    Thing,
    /// Look here: not seen, changed, running.
    Warn,
    /// Failed.
    Bad,
}

impl Ink {
    const fn style(self) -> Style {
        match self {
            Self::Plain => Style::new(),
            Self::Strong => Style::new().bold(),
            Self::Faint => Style::new().dimmed(),
            Self::Thing => AnsiColor::Cyan.on_default(),
            Self::Warn => AnsiColor::Yellow.on_default(),
            Self::Bad => AnsiColor::Red.on_default().bold(),
        }
    }
}

/// One line, or a part of one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Text(Vec<(Ink, String)>);

impl Text {
    /// Of one ink.
    pub fn new(ink: Ink, text: impl AsRef<str>) -> Self {
        Self::default().with(ink, text)
    }

    /// With more at its end.
    #[must_use]
    pub fn with(mut self, ink: Ink, text: impl AsRef<str>) -> Self {
        self.push(ink, text);
        self
    }

    /// With more plain text at its end.
    #[must_use]
    pub fn and(self, text: impl AsRef<str>) -> Self {
        self.with(Ink::Plain, text)
    }

    /// More at its end. What would move the cursor is escaped, so that no file name can draw on the terminal.
    pub fn push(&mut self, ink: Ink, text: impl AsRef<str>) {
        let text = text.as_ref();
        if text.is_empty() {
            return;
        }
        let text = if text.chars().any(char::is_control) { escape(text) } else { text.to_owned() };
        match self.0.last_mut() {
            Some((last, existing)) if *last == ink => existing.push_str(&text),
            _ => self.0.push((ink, text)),
        }
    }

    /// Another text at its end.
    pub fn append(&mut self, other: Self) {
        for (ink, text) in other.0 {
            self.push(ink, text);
        }
    }

    /// Spaces up to a column; none when it is there already.
    pub fn pad_to(&mut self, column: usize) {
        let missing = column.saturating_sub(self.width());
        self.push(Ink::Plain, " ".repeat(missing));
    }

    /// Columns that it takes.
    pub fn width(&self) -> usize {
        self.0.iter().map(|(_, text)| width(text)).sum()
    }

    /// Whether there is nothing to see.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Without its first columns.
    #[must_use]
    pub fn skip(self, columns: usize) -> Self {
        let mut out = Self::default();
        let mut left = columns;
        for (ink, text) in self.0 {
            let gone = head(&text, left);
            left -= width(gone);
            out.push(ink, &text[gone.len()..]);
        }
        out
    }

    /// Cut at the end to so many columns, with `…` where something is missing.
    #[must_use]
    pub fn cut(self, columns: usize) -> Self {
        if self.width() <= columns {
            return self;
        }
        let mut out = Self::default();
        let mut left = columns.saturating_sub(1);
        for (ink, text) in self.0 {
            let part = head(&text, left);
            left -= width(part);
            let whole = part.len() == text.len();
            out.push(ink, part);
            if !whole {
                break;
            }
        }
        if columns > 0 {
            out.push(Ink::Faint, "…");
        }
        out
    }

    fn paint(&self, colour: bool, out: &mut String) {
        let end = self.0.iter().rposition(|(_, text)| !text.trim_end().is_empty());
        for (at, (ink, text)) in self.0.iter().enumerate().take(end.map_or(0, |end| end + 1)) {
            let text = if Some(at) == end { text.trim_end() } else { text };
            let style = ink.style();
            if colour && *ink != Ink::Plain {
                out.push_str(&format!("{style}{text}{style:#}"));
            } else {
                out.push_str(text);
            }
        }
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self::new(Ink::Plain, text)
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self::new(Ink::Plain, text)
    }
}

/// Lines of an answer.
#[derive(Debug, Clone, Default)]
pub struct Page(Vec<Text>);

impl Page {
    /// One more line.
    pub fn line(&mut self, line: impl Into<Text>) {
        self.0.push(line.into());
    }

    /// An empty line, unless the page is empty or already ends in one.
    pub fn gap(&mut self) {
        if self.0.last().is_some_and(|last| !last.is_empty()) {
            self.0.push(Text::default());
        }
    }

    /// The lines of another page.
    pub fn append(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Its lines.
    pub fn lines(&self) -> &[Text] {
        &self.0
    }

    /// As it is written: each line with its newline, nothing at the ends of lines.
    pub fn paint(&self, colour: bool) -> String {
        let mut out = String::new();
        for line in &self.0 {
            line.paint(colour, &mut out);
            out.push('\n');
        }
        out
    }
}

/// Columns that a text takes on a terminal: East Asian wide characters take two.
pub fn width(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// The longest beginning of a text that fits into so many columns.
pub fn head(text: &str, columns: usize) -> &str {
    let mut end = 0;
    for (at, c) in text.char_indices() {
        let next = at + c.len_utf8();
        if width(&text[..next]) > columns {
            break;
        }
        end = next;
    }
    &text[..end]
}

/// Control characters as `\xHH`.
fn escape(text: &str) -> String {
    keizu_record::FilePath::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn wide_characters_take_two_columns() {
        assert_eq!(width("学習データ.csv"), 14);
        assert_eq!(head("学習", 3), "学");
        assert_eq!(Text::from("学習データ").cut(6), Text::from("学習").with(Ink::Faint, "…"));
        let mut line = Text::from("学習");
        line.pad_to(6);
        assert_eq!(line.width(), 6);
    }

    #[test]
    fn a_file_name_cannot_draw_on_the_terminal() {
        let mut page = Page::default();
        page.line(Text::new(Ink::Bad, "a\x1b[2Jb\nc"));
        assert_eq!(page.paint(false), "a\\x1B[2Jb\\x0Ac\n");
    }

    #[test]
    fn colour_is_only_decoration() {
        let mut page = Page::default();
        page.line(Text::new(Ink::Strong, "a").and(" b").with(Ink::Faint, "   "));
        page.gap();
        page.gap();
        assert_eq!(page.paint(false), "a b\n\n");
        assert_eq!(page.paint(true), "\u{1b}[1ma\u{1b}[0m b\n\n");
    }

    proptest! {
        #[test]
        fn a_cut_text_fits(text in "\\PC{0,40}", columns in 0usize..30) {
            let cut = Text::from(text.as_str()).cut(columns);
            prop_assert!(cut.width() <= columns || width(&text) <= columns);
        }
    }
}
