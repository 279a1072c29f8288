//! The code version: commit, branch, and what was not committed.

use keizu_capture::account::{Account, Git};
use keizu_record::body::GitState;
use keizu_record::{Digest, Record, Time};

use super::Document;
use super::kinds::keep::holds_secrets;
use super::place::Places;
use crate::config::Config;

/// In the record.
pub const NAME: &str = "code version";

/// The state as a record of kind `described`, in the words of `run began`; and the difference, to be kept as an object.
pub fn describe(account: &Account, places: &Places<'_>, config: &Config, recorded: Time) -> Option<(Record, Option<Document>)> {
    let git = account.git.as_ref()?;
    let diff = without_secrets(git, places, config);
    let document = (!diff.is_empty()).then(|| (Digest::of(&diff), diff));
    let state = GitState {
        commit: git.commit.clone(),
        branch: git.branch.clone(),
        diff: document.as_ref().map(|(digest, _)| *digest),
        changed: changed(git, places),
    };
    Some((state.to_record(account.run, account.began, recorded), document))
}

/// Paths relative to the project's root, where they are below it.
fn changed(git: &Git, places: &Places<'_>) -> std::collections::BTreeMap<String, (u64, u64)> {
    git.changed.iter().map(|(path, lines)| (places.written(&git.root.join(path)).to_string(), *lines)).collect()
}

/// The difference without the parts that would write down secrets.
fn without_secrets(git: &Git, places: &Places<'_>, config: &Config) -> Vec<u8> {
    const START: &[u8] = b"diff --git ";
    let mut out = Vec::with_capacity(git.diff.len());
    let mut hidden = false;
    for line in git.diff.split_inclusive(|b| *b == b'\n') {
        if let Some(names) = line.strip_prefix(START) {
            let text = String::from_utf8_lossy(names);
            let path = text.trim_end().rsplit(" b/").next().unwrap_or_default().trim_end_matches('"');
            let written = places.written(&git.root.join(path));
            hidden = holds_secrets(&written) || config.hides(&written);
            out.extend_from_slice(line);
            if hidden {
                out.extend_from_slice(b"[redacted]\n");
            }
        } else if !hidden {
            out.extend_from_slice(line);
        }
    }
    out
}
