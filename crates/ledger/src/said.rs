//! What is said, twice: as a sentence, for whoever reads the answer as it is, and as codes with what was put into them, from which a page says the same in
//! the reader's language.

use std::fmt::{self, Display};
use std::ops::Deref;

use serde::Serialize;

/// One statement of a sentence.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Said {
    /// `became`, `lines`, …; `text` for words that have no code.
    pub code: &'static str,
    /// What is put into it, in order.
    pub args: Vec<String>,
}

/// A sentence, and what it says.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Sentence {
    text: String,
    said: Vec<Said>,
}

/// A sentence of one statement: its code, how it is said, and what is put into both. `said!("became", "{} → {}", was, is)`.
macro_rules! said {
    ($code:literal, $text:literal $(, $arg:expr)* $(,)?) => {
        $crate::said::Sentence::new($code, vec![$($arg.to_string()),*], format!($text $(, $arg)*))
    };
}
pub(crate) use said;

impl Sentence {
    /// A sentence of one statement.
    pub fn new(code: &'static str, args: Vec<String>, text: impl Into<String>) -> Self {
        Self { text: text.into(), said: vec![Said { code, args }] }
    }

    /// This one, and then another.
    #[must_use]
    pub fn and(mut self, between: &str, other: Self) -> Self {
        if !self.text.is_empty() {
            self.text.push_str(between);
        }
        self.text.push_str(&other.text);
        self.said.extend(other.said);
        self
    }

    /// All of them.
    pub fn all(between: &str, sentences: impl IntoIterator<Item = Self>) -> Self {
        sentences.into_iter().fold(Self::default(), |all, next| all.and(between, next))
    }

    /// What it says.
    pub fn said(&self) -> &[Said] {
        &self.said
    }
}

/// A value that became another, is new, or is gone.
pub(crate) fn sides(before: Option<&str>, after: Option<&str>) -> Sentence {
    match (before, after) {
        (Some(before), Some(after)) => said!("became", "{} → {}", before, after),
        (None, Some(after)) => said!("is_new", "{} is new", after),
        (Some(before), None) => said!("is_gone", "{} is gone", before),
        (None, None) => said!("changed", "changed"),
    }
}

impl Deref for Sentence {
    type Target = str;
    fn deref(&self) -> &str {
        &self.text
    }
}

impl AsRef<str> for Sentence {
    fn as_ref(&self) -> &str {
        &self.text
    }
}

impl Display for Sentence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl From<String> for Sentence {
    fn from(text: String) -> Self {
        Self::new("text", vec![text.clone()], text)
    }
}

impl From<&str> for Sentence {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl Serialize for Sentence {
    /// The text alone: what it says stands in a field of its own.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_is_its_text_and_its_statements() {
        let sentence = sides(Some("4"), Some("6")).and(" ", said!("on_command_line", "on the command line"));
        assert_eq!(sentence.to_string(), "4 → 6 on the command line");
        let codes: Vec<(&str, usize)> = sentence.said().iter().map(|said| (said.code, said.args.len())).collect();
        assert_eq!(codes, [("became", 2), ("on_command_line", 0)]);
        assert_eq!(serde_json::to_value(&sentence).unwrap(), "4 → 6 on the command line");
        assert_eq!(Sentence::all("; ", [said!("a", "a"), said!("b", "b")]).to_string(), "a; b");
    }
}
