//! The reader's barrier: before a question is answered, runs that are being sealed are waited for, and runs that nobody watches any more are
//! recovered.

use std::time::Duration;

use keizu_capture::barrier::{self, Found, State};
use keizu_capture::host::Start;
use keizu_record::RunId;

use crate::recorder::Recorder;
use crate::{Error, Home};

/// How the runs of a project stood.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settled {
    /// Still running: the answer is without them.
    pub running: Vec<RunId>,
    /// Still being sealed when the bound was reached.
    pub sealing: Vec<RunId>,
    /// Their watcher was lost; what it had seen is in the record now.
    pub recovered: Vec<RunId>,
    /// They could not be recovered: which, and why.
    pub failed: Vec<(RunId, String)>,
}

impl Settled {
    /// Takes over how the runs stand after another wait; what was recovered before stays said.
    pub fn then(&mut self, later: Self) {
        let before = std::mem::replace(self, later);
        self.recovered.extend(before.recovered);
    }
}

/// Waits for runs that are being sealed, at most for `bound` each, and recovers those that nobody watches. `on_wait` is called before each
/// wait.
pub fn settle(home: &Home, bound: Duration, on_wait: &mut dyn FnMut(RunId)) -> Settled {
    let mut settled = Settled::default();
    for mut found in barrier::scan(&home.runs()) {
        if found.state == State::Sealing {
            on_wait(found.run);
            // none: it is put away
            let Some(state) = barrier::wait(&found, bound) else { continue };
            found.state = state;
        }
        match found.state {
            State::Running => settled.running.push(found.run),
            State::Sealing => settled.sealing.push(found.run),
            State::Sealed => {}
            State::Orphaned => match recover(home, &found) {
                Ok(()) => settled.recovered.push(found.run),
                // another command was faster
                Err(Error::Recover(barrier::Error::Busy { .. })) => {}
                Err(_) if !found.is_there() => {}
                Err(error) => settled.failed.push((found.run, error.to_string())),
            },
        }
    }
    settled
}

fn recover(home: &Home, found: &Found) -> Result<(), Error> {
    let text = fs_err::read(found.folder.join("start.json"))?;
    let options = serde_json::from_slice::<Start>(&text).ok().and_then(|start| serde_json::from_value(start.host_data).ok());
    let mut recorder = Recorder::new(home, options.unwrap_or_default(), Box::new(|_| String::new()));
    barrier::recover(found, &mut recorder)?;
    Ok(())
}
