//! Parameters: of the command line, of settings that were read, declared.

use std::collections::{BTreeMap, BTreeSet};

use keizu_capture::account::{Account, Content};
use keizu_record::body::Role;
use keizu_record::{Authority, FilePath, Group, Kind, Record, RunId, Time, Value};

use super::arguments::{self, parameters, program};
use super::flatten::flatten;
use super::kinds::keep::holds_secrets;
use super::redact::Redactor;
use super::{Link, Peek, peek};
use crate::config::Config;

/// The rule for settings that were read.
pub const CONFIG: &str = "parameters from config";
/// Parameters of all settings of a run.
const PARAMS_MAX: usize = 4_000;
/// Values of one argument over the processes of a run.
const VALUES_MAX: usize = 64;

/// Parameters of the run's own command.
pub fn of_command(run: RunId, at: Time, command: &[Vec<u8>], redactor: &Redactor<'_>, recorded: Time) -> Option<Record> {
    let found = parameters(command, redactor);
    let mut record = Record::new(Kind::Described, run, at, recorded).by(Authority::Inferred, Some(arguments::NAME));
    found.into_iter().for_each(|(key, value)| record.set(Group::Param, key, value));
    (!record.entries.is_empty()).then_some(record)
}

/// Parameters of scripts that the command started: `train.py:depth`.
pub fn of_children(account: &Account, redactor: &Redactor<'_>, recorded: Time) -> Option<Record> {
    let own = program(&account.command).script;
    let handed: Vec<(String, Value)> = parameters(&account.command, redactor).into_iter().collect();
    let mut found: BTreeMap<String, BTreeSet<Vec<u8>>> = BTreeMap::new();
    for process in &account.processes {
        let Some(script) = program(&process.argv).script.filter(|script| Some(script) != own.as_ref()) else { continue };
        let said = parameters(&process.argv, redactor);
        // a wrapper (`pyenv`, `env`, `time`) that hands the command's own arguments on says nothing new
        if said.iter().all(|parameter| handed.contains(parameter)) {
            continue;
        }
        let name = FilePath::new(FilePath::new(script).file_name()).to_string();
        for (key, value) in said {
            let values = found.entry(format!("{name}:{key}")).or_default();
            if values.len() < VALUES_MAX {
                values.insert(value.encode());
            }
        }
    }
    let mut record = Record::new(Kind::Described, account.run, account.began, recorded).by(Authority::Inferred, Some(arguments::NAME));
    for (key, values) in found.into_iter().take(PARAMS_MAX) {
        let mut values: Vec<Value> = values.iter().filter_map(|bytes| Value::decode(bytes)).collect();
        let value = if values.len() == 1 { values.remove(0) } else { Value::List(values) };
        record.set(Group::Param, key, value);
    }
    (!record.entries.is_empty()).then_some(record)
}

/// Settings that were read, as `file:key.sub`.
pub fn of_config(
    links: &[Link],
    account: &Account,
    config: &Config,
    redactor: &Redactor<'_>,
    peek: &dyn Peek,
    recorded: Time,
) -> Option<Record> {
    let mut record = Record::new(Kind::Described, account.run, account.began, recorded).by(Authority::Inferred, Some(CONFIG));
    let mut cut = false;
    for link in links.iter().filter(|link| !link.made && link.edge.role == Role::Config && !link.edge.path.is_absolute()) {
        let edge = &link.edge;
        let (Some(digest), Some(size)) = (edge.content, edge.size) else { continue };
        if config.hides(&edge.path) {
            continue;
        }
        let bytes = peek::whole(peek, &link.full, &Content { digest, size });
        let Some(leaves) = bytes.and_then(|bytes| flatten(&edge.path, &bytes)) else { continue };
        cut |= leaves.cut;
        // a file of secrets has names that tell nothing: only what can't be one is written down
        let secret = holds_secrets(&edge.path);
        for (key, value) in leaves.leaves {
            if record.entries.len() >= PARAMS_MAX {
                cut = true;
                break;
            }
            record.set(Group::Param, format!("{}:{key}", edge.path), guarded(&key, value, secret, redactor));
        }
    }
    if cut {
        record.set(Group::Fact, "cut", true);
    }
    (record.entries.keys().any(|(group, _)| *group == Group::Param)).then_some(record)
}

fn guarded(key: &str, value: Value, secret: bool, redactor: &Redactor<'_>) -> Value {
    // the last part of `db.password` and of `secrets.0` both count
    match value {
        Value::Text(text) if secret && !text.is_empty() => match text.len() {
            0..=3 => Value::Text(redactor.value(key, &text)),
            _ => Value::Text(super::redact::REDACTED.to_owned()),
        },
        Value::Text(text) => Value::Text(redactor.value(key, &text)),
        Value::Int(int) if redactor.value(key, &int.to_string()) != int.to_string() => Value::Text(super::redact::REDACTED.to_owned()),
        Value::List(list) => Value::List(list.into_iter().map(|item| guarded(key, item, secret, redactor)).collect()),
        other => other,
    }
}

/// What the person declared: `--param` and `--tag`.
pub fn declared(
    run: RunId,
    at: Time,
    params: &[(String, String)],
    tags: &[String],
    redactor: &Redactor<'_>,
    recorded: Time,
) -> Option<Record> {
    let mut record = Record::new(Kind::Described, run, at, recorded).by(Authority::Declared, None);
    for (key, value) in params {
        let safe = redactor.value(key, value);
        record.set(Group::Param, key.as_str(), if safe == *value { arguments::typed(value) } else { Value::Text(safe) });
    }
    for tag in tags {
        let (key, value) = tag.split_once('=').unwrap_or((tag, ""));
        record.set(Group::Tag, key, value);
    }
    (!record.entries.is_empty()).then_some(record)
}
