//! Things by a part of their names: the best first.

use keizu_record::body::RunBegan;
use keizu_record::{FilePath, Kind, Name, NodeId};
use keizu_store::Select;
use serde::Serialize;

use crate::answer::rfc3339;
use crate::thing::nearest;
use crate::{Error, View};

/// Newest runs that are looked through.
const RUNS_MAX: usize = 2_000;
/// Digits of a digest or an id that are worth looking up.
const DIGITS_MIN: usize = 4;

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FoundThing {
    /// How it is typed.
    pub thing: String,
    /// `model`, `data`, `run`, `file`, `content`.
    pub kind: &'static str,
    /// What people call it.
    pub name: String,
    /// Of a run: when it began, RFC 3339.
    pub at: Option<String>,
    /// Of a run: its command.
    pub detail: Option<String>,
}

struct Ranked {
    rank: usize,
    found: FoundThing,
}

impl View<'_> {
    /// Models, datasets, files, runs and contents whose names have something of the text: those that begin with it before those that only hold it, and
    /// where there is none of either, those that are written nearly like it.
    ///
    /// # Errors
    /// When the store fails.
    pub fn search(&self, text: &str, limit: usize) -> Result<Vec<FoundThing>, Error> {
        let wanted = text.trim().to_lowercase();
        let mut found = Vec::new();
        let names: Vec<String> = self.all_names()?.into_iter().map(|name| NodeId::from(name).to_string()).collect();
        for name in &names {
            let (kind, bare) = name.split_once(':').unwrap_or(("data", name));
            if let Some(rank) = rank(bare, &wanted).or_else(|| rank(name, &wanted)) {
                let kind = if kind == "model" { "model" } else { "data" };
                found.push(Ranked { rank, found: plain(name.clone(), kind, bare.to_owned()) });
            }
        }
        let places = self.places()?;
        for path in &places {
            self.file(path, &wanted, &mut found);
        }
        self.runs_like(&wanted, &mut found)?;
        self.contents_like(&wanted, &mut found)?;
        if found.is_empty() {
            return Ok(nearly(&wanted, &names, &places, limit));
        }
        // of equally good ones the shorter says more
        found.sort_by(|a, b| (a.rank, a.found.name.len(), &a.found.thing).cmp(&(b.rank, b.found.name.len(), &b.found.thing)));
        Ok(found.into_iter().take(limit).map(|ranked| ranked.found).collect())
    }

    fn file(&self, path: &FilePath, wanted: &str, found: &mut Vec<Ranked>) {
        // installed files and system libraries are not what people look for by name
        if path.is_absolute() && !wanted.starts_with('/') {
            return;
        }
        let text = path.to_string();
        let last = text.trim_end_matches('/').rsplit('/').next().unwrap_or(&text);
        let best = rank(last, wanted).or_else(|| rank(&text, wanted).map(|rank| rank + 1));
        if let Some(rank) = best {
            found.push(Ranked { rank: rank + 1, found: plain(text.clone(), "file", text) });
        }
    }

    fn runs_like(&self, wanted: &str, found: &mut Vec<Ranked>) -> Result<(), Error> {
        let select = Select { kinds: vec![Kind::RunBegan], newest_first: true, limit: Some(RUNS_MAX), ..Select::default() };
        let digits = wanted.strip_prefix("run:").unwrap_or(wanted);
        for (age, run) in self.store().select(&select)?.iter().filter_map(|entry| RunBegan::read(&entry.record)).enumerate() {
            let words: Vec<String> = run.command.iter().map(|word| FilePath::new(word.as_slice()).to_string()).collect();
            let command = words.join(" ");
            let by_id = (digits.len() >= DIGITS_MIN && run.run.hex().starts_with(digits)).then_some(0);
            let by_name = run.name.as_deref().and_then(|name| rank(name, wanted));
            let Some(best) = by_id.or(by_name).or_else(|| rank(&command, wanted).map(|rank| rank + 2)) else { continue };
            let name = run.name.clone().unwrap_or_else(|| format!("run:{}", run.run.short(6)));
            // newer ones first, a little
            let rank = best + age / 100;
            let (thing, at) = (run.run.to_string(), Some(rfc3339(run.at)));
            found.push(Ranked { rank, found: FoundThing { thing, kind: "run", name, at, detail: Some(command) } });
        }
        Ok(())
    }

    fn contents_like(&self, wanted: &str, found: &mut Vec<Ranked>) -> Result<(), Error> {
        let digits = wanted.strip_prefix("b3:").unwrap_or(wanted);
        if digits.len() < DIGITS_MIN || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Ok(());
        }
        match self.resolve(&format!("b3:{digits}"), self.root()) {
            Ok(thing) => {
                if let crate::Thing::Artifact(digest) = thing {
                    found.push(Ranked { rank: 0, found: plain(digest.to_string(), "content", format!("b3:{}", digest.short(8))) });
                }
            }
            Err(Error::Ambiguous { candidates, .. }) => {
                found.extend(candidates.into_iter().map(|name| Ranked { rank: 1, found: plain(name.clone(), "content", name) }));
            }
            Err(Error::Unknown { .. }) => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Position of the first entry that speaks of a thing.
    ///
    /// # Errors
    /// When the store fails.
    pub fn first_position(&self, thing: &crate::Thing) -> Result<Option<u64>, Error> {
        use keizu_record::Side;
        let nodes = match thing {
            crate::Thing::Run(run) => (Side::Subject, NodeId::from(*run)),
            crate::Thing::Artifact(digest) => (Side::Object, (*digest).into()),
            crate::Thing::Place { project, path } => (Side::Place, Name::Path { project: project.clone(), path: path.clone() }.into()),
            crate::Thing::Version(named) => {
                let entries = self.entries(Side::Subject, vec![named.name.clone().into()], &[Kind::Named])?;
                let version =
                    |entry: &&keizu_record::Entry| entry.record.int("version").and_then(|v| u64::try_from(v).ok()) == named.version;
                return Ok(entries.iter().find(version).map(|entry| entry.position));
            }
            crate::Thing::Party(name) => (Side::Subject, NodeId::Party(name.clone())),
        };
        let select = Select { nodes: Some((nodes.0, vec![nodes.1])), limit: Some(1), ..Select::default() };
        Ok(self.store().select(&select)?.first().map(|entry| entry.position))
    }
}

/// What is written nearly like it: names without what stands before the colon, and paths.
fn nearly(wanted: &str, names: &[String], places: &[FilePath], limit: usize) -> Vec<FoundThing> {
    let mut known: Vec<(String, FoundThing)> = Vec::new();
    for name in names {
        let (kind, bare) = name.split_once(':').unwrap_or(("data", name));
        let kind = if kind == "model" { "model" } else { "data" };
        known.push((bare.to_owned(), plain(name.clone(), kind, bare.to_owned())));
    }
    known.extend(places.iter().map(ToString::to_string).map(|path| (path.clone(), plain(path.clone(), "file", path))));
    let close = nearest(wanted, known.iter().map(|(text, _)| text.as_str()));
    let found = close.iter().filter_map(|text| known.iter().find(|(known, _)| known == text));
    found.take(limit).map(|(_, found)| found.clone()).collect()
}

fn plain(thing: String, kind: &'static str, name: String) -> FoundThing {
    FoundThing { thing, kind, name, at: None, detail: None }
}

/// How well a name fits what is wanted; the smaller the better.
fn rank(name: &str, wanted: &str) -> Option<usize> {
    if wanted.is_empty() {
        return None;
    }
    let name = name.to_lowercase();
    let at = name.find(wanted)?;
    Some(match at {
        0 if name.len() == wanted.len() => 0,
        0 => 2,
        _ if name[..at].ends_with(|char: char| !char.is_alphanumeric()) => 4,
        _ => 6,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_begins_with_it_comes_first() {
        assert_eq!(rank("delay", "delay"), Some(0));
        assert!(rank("delay-eu", "delay") < rank("eu-delay", "delay"));
        assert!(rank("eu-delay", "delay") < rank("eudelay", "delay"));
        assert_eq!(rank("churn", "delay"), None);
        assert_eq!(rank("churn", ""), None);
    }
}
