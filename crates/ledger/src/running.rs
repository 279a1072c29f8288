//! What runs now: told from the folders of runs that are being watched, before anything of them is in the record.

use keizu_capture::barrier::{self, State};
use keizu_capture::observe::Glance;
use keizu_record::FilePath;
use serde::Serialize;

use crate::Home;
use crate::answer::rfc3339;

/// One run that goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Running {
    /// `run:` and 32 hex digits.
    pub id: String,
    /// The command, as typed.
    pub command: Vec<String>,
    /// RFC 3339.
    pub started_at: String,
    /// `running`, or `sealing`: the command is gone, and what it did is being written down.
    pub state: &'static str,
    /// What it has touched so far in its project.
    #[serde(flatten)]
    pub touched: Glance,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Found {
    /// Runs that go on, the oldest first.
    pub rows: Vec<Running>,
    /// Whether there are runs that nobody watches any more: [`crate::settle()`] recovers them.
    pub orphaned: bool,
}

/// What runs now.
pub fn running(home: &Home) -> Found {
    let mut found = Found::default();
    for run in barrier::scan(&home.runs()) {
        let state = match run.state {
            State::Running => "running",
            State::Sealing => "sealing",
            State::Sealed => continue,
            State::Orphaned => {
                found.orphaned = true;
                continue;
            }
        };
        let Some(start) = run.start() else { continue };
        found.rows.push(Running {
            id: run.run.to_string(),
            command: start.command.iter().map(|word| FilePath::new(word.as_slice()).to_string()).collect(),
            started_at: rfc3339(start.began),
            state,
            touched: run.glance().unwrap_or_default(),
        });
    }
    found.rows.sort_by(|a, b| (&a.started_at, &a.id).cmp(&(&b.started_at, &b.id)));
    found
}
