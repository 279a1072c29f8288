//! Lines of a tree, and how they share the page.

use super::super::environment::fitting;
use super::super::look::Look;
use super::super::path::{fit, shorten};
use super::super::text::{Ink, Page, Text, width};
use super::super::words;

/// One line.
#[derive(Debug, Clone)]
pub(super) struct Row {
    /// The branches that lead to it.
    pub prefix: String,
    /// What is never shortened.
    pub head: Text,
    /// What gives way where room is missing.
    pub body: Body,
    /// What is said about it.
    pub notes: Vec<Note>,
    /// What stands in the columns at the right.
    pub right: Right,
}

/// What is said about a line.
#[derive(Debug, Clone)]
pub(super) struct Note {
    ink: Ink,
    text: String,
    optional: bool,
}

impl Note {
    /// Said whatever room there is.
    pub fn new(ink: Ink, text: impl Into<String>) -> Self {
        Self { ink, text: text.into(), optional: false }
    }

    /// Said where there is room.
    pub fn optional(ink: Ink, text: impl Into<String>) -> Self {
        Self { optional: true, ..Self::new(ink, text) }
    }
}

/// What gives way where room is missing, and how.
#[derive(Debug, Clone)]
pub(super) enum Body {
    None,
    /// Not at all.
    Fixed(String),
    /// In the middle.
    Path(String),
    /// At the end.
    Words(String),
    /// The first of these that has room; the last one is cut.
    Wordings(Vec<String>),
    /// Names, of which some are left out.
    Names(Vec<String>),
    /// Values, of which some are left out.
    Pairs(Vec<String>),
}

/// What stands at the right.
#[derive(Debug, Clone)]
pub(super) enum Right {
    None,
    /// A digest and a size.
    Cells(Text, Text),
    /// Anything, from the first column on.
    Free(Text),
    /// Values, of which some are left out.
    Pairs(Vec<String>),
}

impl Row {
    pub fn title(text: &str) -> Self {
        Self { prefix: String::new(), head: Text::new(Ink::Plain, text), body: Body::None, notes: Vec::new(), right: Right::None }
    }

    /// What stands left of the columns, in so many of them.
    fn left(&self, columns: usize) -> Text {
        let mut line = Text::new(Ink::Faint, &self.prefix);
        line.append(self.head.clone());
        let mut notes: Vec<&Note> = self.notes.iter().collect();
        let taken = |notes: &[&Note]| notes.iter().map(|note| width(&note.text) + GAP).sum::<usize>();
        while line.width() + self.body.width() + taken(&notes) > columns {
            let Some(at) = notes.iter().rposition(|note| note.optional) else { break };
            notes.remove(at);
        }
        let room = columns.saturating_sub(line.width() + taken(&notes));
        match &self.body {
            Body::None => {}
            Body::Fixed(text) => line.push(Ink::Plain, text),
            Body::Path(path) => line.push(Ink::Plain, shorten(path, room)),
            Body::Words(text) => line.push(Ink::Plain, fit(text, room.max(BODY_MIN))),
            Body::Wordings(wordings) => line.push(Ink::Plain, fitting(wordings, room.max(BODY_MIN))),
            Body::Names(names) => line.push(Ink::Plain, words::list(names, ", ", room)),
            Body::Pairs(pairs) => line.push(Ink::Plain, words::list(pairs, " · ", room)),
        }
        for note in notes {
            line.push(Ink::Plain, " ".repeat(GAP));
            line.push(note.ink, &note.text);
        }
        line
    }
}

impl Body {
    /// Columns that it takes where nothing has to give way.
    fn width(&self) -> usize {
        let joined = |items: &[String], between| width(&words::list(items, between, usize::MAX));
        match self {
            Self::None => 0,
            Self::Fixed(text) | Self::Path(text) | Self::Words(text) => width(text),
            Self::Wordings(wordings) => wordings.last().map_or(0, |text| width(text)),
            Self::Names(names) => joined(names, ", "),
            Self::Pairs(pairs) => joined(pairs, " · "),
        }
    }
}

/// What is left of words.
const BODY_MIN: usize = 12;
/// Between left and right, and between the columns.
const GAP: usize = 2;
/// Where the right begins at the latest, in a pipe: longer lines push it away, and do not drag the others along.
const ALIGN_MAX: usize = 100;
/// Narrower pages show sizes only.
const DIGESTS_COLUMNS: usize = 60;

/// The lines, with their columns aligned.
pub(super) fn draw(rows: &[Row], look: &Look) -> Page {
    let digests = look.width >= DIGESTS_COLUMNS;
    let (mut first, mut second) = (0, 0);
    for row in rows {
        if let Right::Cells(digest, size) = &row.right {
            first = first.max(if digests { digest.width() } else { 0 });
            second = second.max(size.width());
        }
    }
    let right: usize = [first, second].iter().filter(|column| **column > 0).map(|column| column + GAP).sum();
    let room = look.width.saturating_sub(right);
    // a line without anything at its right may be as long as the page
    let beside = rows.iter().filter(|row| !matches!(row.right, Right::None));
    let longest = beside.map(|row| row.left(room).width()).max().unwrap_or(0);
    let align = longest.min(if look.exact { ALIGN_MAX } else { room });
    let mut page = Page::default();
    for row in rows {
        let mut line = row.left(if matches!(row.right, Right::None) { look.width } else { room });
        match &row.right {
            Right::None => {}
            Right::Free(text) => free(&mut line, align, look, |room| text.clone().cut(room)),
            Right::Pairs(pairs) => free(&mut line, align, look, |room| Text::from(words::list(pairs, " · ", room))),
            Right::Cells(digest, size) => {
                line.pad_to(align);
                let start = line.width();
                if digests && (start <= room || look.exact) {
                    line.push(Ink::Plain, " ".repeat(GAP));
                    line.append(digest.clone());
                    line.pad_to(start + GAP + first);
                }
                // sizes stand at the right of their column, also where the digest had to go
                let lead = if start <= room || look.exact { second - size.width() } else { 0 };
                line.push(Ink::Plain, " ".repeat(GAP + lead));
                line.append(size.clone());
            }
        }
        page.line(line);
    }
    page
}

fn free(line: &mut Text, align: usize, look: &Look, text: impl Fn(usize) -> Text) {
    line.pad_to(align);
    let room = look.width.saturating_sub(line.width() + GAP);
    if room >= BODY_MIN {
        line.push(Ink::Plain, " ".repeat(GAP));
        line.append(text(room));
    }
}
