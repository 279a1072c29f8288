//! How a thing is written, the same everywhere: `model:NAME@vN`, `run:PREFIX`, `data:NAME`, `b3:PREFIX`, `party:NAME`, or a path.

use keizu_record::body::Named;
use keizu_record::{Digest, FilePath, RunId};

/// Something that a question can be about.
#[derive(Debug, Clone, PartialEq)]
pub enum Thing {
    /// An execution.
    Run(RunId),
    /// A content, wherever it stood.
    Artifact(Digest),
    /// What stands, or stood, at a path of a project.
    Place {
        /// The project's name.
        project: String,
        /// Relative to its root, or absolute.
        path: FilePath,
    },
    /// A version of a model or of a dataset.
    Version(Box<Named>),
    /// A person, team or organisation.
    Party(String),
}

/// What was typed, before it is looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spelling<'a> {
    /// `run:3f2a9c`, or `run:NAME`.
    Run(&'a str),
    /// `b3:77ab1290`: hex digits.
    Content(&'a str),
    /// `model:delay`, with what stands behind the `@`.
    Model(&'a str, Option<At<'a>>),
    /// `data:flights`, with what stands behind the `@`.
    Data(&'a str, Option<At<'a>>),
    /// `party:lab`.
    Party(&'a str),
    /// Anything else.
    Path(&'a str),
}

/// What stands behind the `@`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At<'a> {
    /// `@v3`.
    Version(u64),
    /// `@champion`.
    Alias(&'a str),
}

impl<'a> Spelling<'a> {
    /// Reads what was typed. A path that begins like one of the prefixes is typed as `./run:x`.
    pub fn read(text: &'a str) -> Self {
        let Some((prefix, rest)) = text.split_once(':') else { return Self::Path(text) };
        match prefix {
            "run" => Self::Run(rest),
            "b3" => Self::Content(rest),
            "party" => Self::Party(rest),
            "model" => {
                let (name, at) = split_at(rest);
                Self::Model(name, at)
            }
            "data" => {
                let (name, at) = split_at(rest);
                Self::Data(name, at)
            }
            _ => Self::Path(text),
        }
    }
}

fn split_at(text: &str) -> (&str, Option<At<'_>>) {
    let Some((name, at)) = text.rsplit_once('@') else { return (text, None) };
    let version = at.strip_prefix('v').and_then(|digits| digits.parse().ok()).filter(|version| *version > 0);
    (name, Some(version.map_or(At::Alias(at), At::Version)))
}

/// The closest of `candidates` to what was typed, best first, at most five: by edit distance, or because they contain it.
pub fn nearest<'c>(typed: &str, candidates: impl IntoIterator<Item = &'c str>) -> Vec<String> {
    let typed = typed.to_lowercase();
    let mut ranked: Vec<(usize, &str)> = candidates
        .into_iter()
        .filter_map(|candidate| {
            let lower = candidate.to_lowercase();
            let distance = distance(&typed, &lower);
            let close = distance <= typed.chars().count() / 4 + 1;
            let inside = typed.len() >= 2 && lower.contains(&typed);
            (close || inside).then_some((distance, candidate))
        })
        .collect();
    ranked.sort_unstable();
    ranked.dedup();
    ranked.into_iter().take(5).map(|(_, candidate)| candidate.to_owned()).collect()
}

/// Edits (insert, delete, replace, swap neighbours) from one text to the other.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            rows[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let replace = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
                let mut best = replace.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
                if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                    best = best.min(rows[i - 2][j - 2] + 1);
                }
                best
            };
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings() {
        assert_eq!(Spelling::read("model:delay"), Spelling::Model("delay", None));
        assert_eq!(Spelling::read("model:delay@v3"), Spelling::Model("delay", Some(At::Version(3))));
        assert_eq!(Spelling::read("model:delay@champion"), Spelling::Model("delay", Some(At::Alias("champion"))));
        assert_eq!(Spelling::read("model:delay@v0"), Spelling::Model("delay", Some(At::Alias("v0"))));
        assert_eq!(Spelling::read("data:flights@v2"), Spelling::Data("flights", Some(At::Version(2))));
        assert_eq!(Spelling::read("run:3f2a9c"), Spelling::Run("3f2a9c"));
        assert_eq!(Spelling::read("b3:77ab"), Spelling::Content("77ab"));
        assert_eq!(Spelling::read("data/train.csv"), Spelling::Path("data/train.csv"));
        assert_eq!(Spelling::read("C:x"), Spelling::Path("C:x"));
    }

    #[test]
    fn the_nearest_names_come_first() {
        let names = ["model:delay", "model:delays-eu", "model:churn"];
        assert_eq!(nearest("model:dealy", names), ["model:delay"]);
        assert_eq!(nearest("delay", names), ["model:delay", "model:delays-eu"]);
        assert!(nearest("model:xyzzyq", names).is_empty());
    }
}
