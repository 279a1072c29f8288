//! The end of a run: how it ended, how much of it was seen, and the account in full.

use std::collections::BTreeMap;
use std::path::PathBuf;

use keizu_capture::account::{Account, Ending, File};
use keizu_record::body::{RunEnded, Status};
use keizu_record::{Digest, FilePath};
use serde_json::json;

use super::Document;
use super::place::Places;
use super::redact::Redactor;
use crate::answer::{ProcessRow, rfc3339};
use crate::documents;

/// Paths of one list in the account document; of more, only the number is said.
const PATHS_MAX: usize = 10_000;

/// The body of the record; `account_document` is what [`document`] made.
pub fn ended(account: &Account, document: Digest) -> RunEnded {
    let (status, exit_code, signal) = match account.ending {
        Ending::Running => (Status::Running, None, None),
        Ending::Exited(0) => (Status::Finished, Some(0), None),
        Ending::Exited(code) => (Status::Failed, Some(i64::from(code)), None),
        Ending::Signaled(signal) => (Status::Killed, None, Some(i64::from(signal))),
        Ending::Unknown => (Status::Lost, None, None),
    };
    let last = account.processes.iter().filter_map(|process| process.ended).max();
    RunEnded {
        run: account.run,
        at: account.ended.or(last).unwrap_or(account.began).max(account.began),
        status,
        exit_code,
        signal,
        account: Some(document),
        coverage: coverage(account),
        blind: account.blind.iter().map(|blind| (blind.kind.clone(), blind.detail.clone())).collect(),
    }
}

/// Share of what happened that was seen, 0 to 1:
///
/// ```text
/// coverage = seen / (seen + lost) × watched programs / programs
/// ```
///
/// The first part counts events that reached the account and those that are known to be lost; the second, programs that ran with the shim inside and
/// all that ran. It is a measure of how blind the watcher was, not of how much of the data was read by the blind part.
pub fn coverage(account: &Account) -> f64 {
    let share = |part: f64, whole: f64| if whole > 0.0 { part / whole } else { 1.0 };
    let events = share(account.seen as f64, (account.seen + account.lost) as f64);
    let watched = account.processes.iter().filter(|process| process.watched).count();
    events * share(watched as f64, account.processes.len() as f64)
}

/// What the account document says beyond the account itself.
pub struct Beside<'a> {
    /// Files that are no edges, by reason.
    pub folded: &'a BTreeMap<&'static str, Vec<PathBuf>>,
    /// Files of the environment.
    pub environment: &'a [&'a File],
    /// Names of files that are gone and stand folded in one edge.
    pub gone: &'a [FilePath],
}

/// The account in full: canonical JSON.
pub fn document(account: &Account, places: &Places<'_>, redactor: &Redactor<'_>, beside: &Beside<'_>) -> Document {
    let text = |bytes: &[u8]| FilePath::new(bytes).to_string();
    let processes = account.processes.iter().map(|process| ProcessRow {
        pid: process.pid,
        ppid: process.ppid,
        argv: redactor.command(&process.argv).iter().map(|word| text(word)).collect(),
        exe: places.written(&process.exe).to_string(),
        exit_code: process.exit_code,
        started_at: rfc3339(process.began),
        ended_at: process.ended.map(rfc3339),
        watched: process.watched,
    });
    let account_part = documents::Account {
        processes: processes.collect(),
        children: account.children.iter().map(ToString::to_string).collect(),
        pythons: account.environment.pythons.iter().map(|python| python.exe.to_string_lossy().into_owned()).collect(),
        seen: account.seen,
        lost: account.lost,
    };
    let mut value = serde_json::to_value(account_part).unwrap_or_default();
    let paths = |list: &mut dyn Iterator<Item = String>| {
        let mut all: Vec<String> = list.collect();
        let count = all.len();
        all.truncate(PATHS_MAX);
        json!({"count": count, "paths": all})
    };
    let folded: BTreeMap<&str, serde_json::Value> = beside
        .folded
        .iter()
        .map(|(reason, list)| (*reason, paths(&mut list.iter().map(|path| places.written(path).to_string()))))
        .collect();
    let unread = beside.environment.iter().filter(|file| file.read.as_ref().is_none_or(|read| read.content.is_none()));
    let survivors: Vec<&str> = account.blind.iter().filter(|blind| blind.kind == "survivor").map(|blind| blind.detail.as_str()).collect();
    let listings = account.listings.iter().filter(|listing| listing.changed);
    value["folded"] = json!(folded);
    value["removed"] = paths(&mut beside.gone.iter().map(ToString::to_string));
    value["environment_unread"] = paths(&mut unread.map(|file| places.written(&file.path).to_string()));
    value["survivors"] = json!(survivors);
    value["listings_changed"] = paths(&mut listings.map(|listing| places.written(&listing.path).to_string()));
    // which variables there were; what they said stands in the environment, when it matters
    value["variables"] = json!(account.environment.variables.keys().collect::<Vec<_>>());
    documents::canonical(&value)
}
