//! What is said after a run: what was made from what, and what changed against the last run of the same command.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use keizu_record::body::{Edge, Role, RunBegan, RunEnded, Status};
use keizu_record::{Digest, Entry, Group, Kind, RunId, Side, Value};
use keizu_store::Select;

use crate::answer::{self, BlindRow};
use crate::{Error, View};

/// How far back the last run of the same command is looked for.
const RUNS_BACK_MAX: usize = 1_000;

/// What happened, for the lines after a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// The run.
    pub run: RunId,
    /// How it ended.
    pub status: Status,
    /// Exit code, when there was one.
    pub exit_code: Option<i64>,
    /// Signal, when there was one.
    pub signal: Option<i64>,
    /// From start to end.
    pub took: Duration,
    /// What it made: models as `model:NAME@vN`, else paths; models first.
    pub made: Vec<String>,
    /// What it was made from: data first, then code with `(+3 −1 uncommitted)`, then config.
    pub from: Vec<String>,
    /// Against the last run of the same command.
    pub changes: Option<Changes>,
    /// What was not seen.
    pub blind: Vec<BlindRow>,
    /// What has an earlier state to be held against: `model:NAME`, or the path of an evaluation that came out otherwise than before.
    pub differs: Option<String>,
    /// Whether it is the first run of this record.
    pub first: bool,
}

/// What differs between a run and the last run of the same command.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Changes {
    /// The earlier run.
    pub against: Option<RunId>,
    /// How it is called in the sentence: `v2` of the model that both made, else `run:…`.
    pub called: String,
    /// Parameters: name, before, after; `None` where there was none.
    pub params: Vec<(String, Option<String>, Option<String>)>,
    /// Paths that differ: kind (`data`, `code`, `config`, `environment`, …), path, and `changed`, `new` or `gone`.
    pub paths: Vec<(String, String, &'static str)>,
    /// Kinds of which everything is the same.
    pub same: Vec<String>,
}

impl View<'_> {
    /// What a run did, for the lines after it.
    ///
    /// # Errors
    /// When the store fails or does not know the run.
    pub fn summary(&self, run: RunId) -> Result<Summary, Error> {
        let detail = self.run(run, false)?;
        let entries = self.entries(Side::Subject, vec![run.into()], &[])?;
        let ended = entries.iter().find_map(|entry| RunEnded::read(&entry.record));
        let began = entries.iter().find_map(|entry| RunBegan::read(&entry.record));
        let took = match (&began, &ended) {
            (Some(began), Some(ended)) => Duration::from_micros(ended.at.micros().saturating_sub(began.at.micros()).max(0).unsigned_abs()),
            _ => Duration::ZERO,
        };
        let named: BTreeSet<&str> = detail.outputs.iter().filter(|row| row.kind == "model").map(|row| row.path.as_str()).collect();
        let unnamed = |path: &&str| detail.names.is_empty() || !named.contains(path);
        let others = detail.outputs.iter().filter(|row| row.role == Role::Output.word()).map(|row| row.path.as_str()).filter(unnamed);
        let made = detail.names.iter().cloned().chain(others.map(str::to_owned)).collect();
        let changes = self.changes(run)?;
        let differs = differs(&detail, changes.is_some());
        let changed = detail.git.as_ref().map(|git| git.changed.clone()).unwrap_or_default();
        let uncommitted = |path: &str| match changed.get(path) {
            Some((added, removed)) => format!("{path} (+{added} \u{2212}{removed} uncommitted)"),
            None => path.to_owned(),
        };
        let of = |role: &[Role]| {
            let rows = detail.inputs.iter().chain(&detail.code).filter(|row| role.iter().any(|role| role.word() == row.role));
            rows.map(|row| row.path.clone()).collect::<Vec<_>>()
        };
        let data = of(&[Role::ParentModel, Role::Input, Role::EvaluationData]);
        let code = of(&[Role::Code]).iter().map(|path| uncommitted(path)).collect::<Vec<_>>();
        Ok(Summary {
            run,
            status: ended.as_ref().map_or(Status::Running, |ended| ended.status),
            exit_code: detail.exit_code,
            signal: detail.signal,
            took,
            made,
            from: [data, code, of(&[Role::Config])].concat(),
            changes,
            differs,
            blind: detail.blind_spots,
            first: self.runs(Some(2))?.len() == 1,
        })
    }

    /// What differs from the last run of the same command; `None` when there was none.
    ///
    /// # Errors
    /// When the store fails or does not know the run.
    pub fn changes(&self, run: RunId) -> Result<Option<Changes>, Error> {
        let select = Select { kinds: vec![Kind::RunBegan], newest_first: true, limit: Some(RUNS_BACK_MAX), ..Select::default() };
        let runs: Vec<RunBegan> = self.store().select(&select)?.iter().filter_map(|entry| RunBegan::read(&entry.record)).collect();
        let Some(this) = runs.iter().find(|began| began.run == run) else { return Ok(None) };
        let same_program =
            |other: &&RunBegan| other.run != run && other.at <= this.at && other.project == this.project && program(other) == program(this);
        for earlier in runs.iter().filter(same_program) {
            let before = self.entries(Side::Subject, vec![earlier.run.into()], &[])?;
            // a run that failed half way is no measure
            let finished = before.iter().filter_map(|entry| RunEnded::read(&entry.record)).any(|ended| ended.status == Status::Finished);
            if finished {
                let after = self.entries(Side::Subject, vec![run.into()], &[])?;
                let mut changes = compare(&before, &after);
                changes.against = Some(earlier.run);
                changes.called = self.called(earlier.run, run)?;
                return Ok(Some(changes));
            }
        }
        Ok(None)
    }

    fn called(&self, earlier: RunId, run: RunId) -> Result<String, Error> {
        let (before, after) = (self.run(earlier, false)?.names, self.run(run, false)?.names);
        let version = before.iter().find_map(|old| {
            let (name, version) = old.rsplit_once('@')?;
            after.iter().any(|new| new.rsplit_once('@').is_some_and(|(other, _)| other == name)).then(|| version.to_owned())
        });
        Ok(version.unwrap_or_else(|| format!("run:{}", earlier.short(6))))
    }
}

/// A model of which there are earlier versions; else an evaluation that is not what the last run of the program left.
fn differs(detail: &answer::RunDetail, before: bool) -> Option<String> {
    let model =
        detail.names.iter().filter_map(|name| name.rsplit_once("@v")).find(|(name, version)| name.starts_with("model:") && *version != "1");
    let evaluation = detail.outputs.iter().find(|row| before && row.kind == "evaluation" && !row.unchanged && !row.removed);
    model.map(|(name, _)| name.to_owned()).or_else(|| evaluation.map(|row| row.path.clone()))
}

/// The command without its options: `python train.py --depth 6` and `python train.py --depth 4` are the same program.
pub(crate) fn program(began: &RunBegan) -> Vec<&[u8]> {
    let mut words: Vec<&[u8]> = Vec::new();
    let mut value_follows = false;
    for word in &began.command {
        let is_value = std::mem::take(&mut value_follows);
        let is_setting = words.len() > 1 && word.contains(&b'=');
        if word.first() == Some(&b'-') {
            value_follows = !word.contains(&b'=') && word.starts_with(b"--");
        } else if !is_value && !is_setting {
            words.push(word);
        }
    }
    words
}

fn compare(before: &[Entry], after: &[Entry]) -> Changes {
    let mut changes = Changes::default();
    let (old, new) = (params(before), params(after));
    for name in old.keys().chain(new.keys()).collect::<BTreeSet<_>>() {
        let (was, is) = (old.get(name), new.get(name));
        if was != is {
            let text = |value: Option<&Value>| value.map(|value| plain(&answer::json(value)));
            changes.params.push((name.clone(), text(was), text(is)));
        }
    }
    let (old, new) = (inputs(before), inputs(after));
    let mut differs = BTreeSet::new();
    for key in old.keys().chain(new.keys()).collect::<BTreeSet<_>>() {
        let word = match (old.get(key), new.get(key)) {
            (Some(was), Some(is)) if was == is => continue,
            (Some(_), Some(_)) => "changed",
            (None, _) => "new",
            (_, None) => "gone",
        };
        differs.insert(key.0.clone());
        changes.paths.push((key.0.clone(), key.1.clone(), word));
    }
    let kinds: BTreeSet<String> = old.keys().chain(new.keys()).map(|(kind, _)| kind.clone()).collect();
    changes.same = kinds.difference(&differs).cloned().collect();
    changes
}

fn params(entries: &[Entry]) -> BTreeMap<String, Value> {
    let all = entries.iter().flat_map(|entry| entry.record.group(Group::Param));
    all.map(|(key, value)| (key.to_owned(), value.clone())).collect()
}

/// What a run used, by kind and path.
fn inputs(entries: &[Entry]) -> BTreeMap<(String, String), Option<Digest>> {
    let used = entries.iter().filter(|entry| entry.record.kind == Kind::Used).filter_map(|entry| Edge::read(&entry.record));
    used.filter(|edge| !matches!(edge.role, Role::Listing | Role::Absent | Role::Redirection))
        .map(|edge| ((edge.kind.to_string(), edge.path.to_string()), edge.content))
        .collect()
}

fn plain(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use keizu_record::{FilePath, Time};

    fn began(command: &[&str]) -> RunBegan {
        RunBegan {
            run: RunId::new([1; 16]),
            at: Time(0),
            project: "p".into(),
            root: FilePath::from("/p"),
            name: None,
            command: command.iter().map(|word| word.as_bytes().to_vec()).collect(),
            cwd: FilePath::default(),
            user: String::new(),
            host: String::new(),
            pid: 1,
            git: None,
            parent: None,
        }
    }

    #[test]
    fn options_do_not_make_another_program() {
        let one = began(&["python", "train.py", "--depth", "6"]);
        let two = began(&["python", "train.py", "--depth=4", "lr=0.1"]);
        assert_eq!(program(&one), program(&two));
        assert_ne!(program(&one), program(&began(&["python", "evaluate.py", "--depth", "6"])));
        assert_ne!(program(&one), program(&began(&["python", "train.py", "other.csv"])));
    }
}
