//! Records that are open, to be used again. One is used by one question at a time; SQLite's readers do not wait for writers.

use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use keizu_ledger::{Error, Home, Ledger};

/// Open records that are kept for the next questions.
const IDLE_MAX: usize = 4;

/// The pool of one project.
pub(crate) struct Pool {
    home: Home,
    idle: Mutex<Vec<Open>>,
}

struct Open {
    ledger: Ledger,
    /// When `keizu.toml` was last changed before it was read.
    config: Option<SystemTime>,
}

/// A record, until it is given back.
pub(crate) struct Lent<'a> {
    pool: &'a Pool,
    open: Option<Open>,
}

impl Pool {
    pub fn new(home: Home) -> Self {
        Self { home, idle: Mutex::default() }
    }

    pub fn home(&self) -> &Home {
        &self.home
    }

    /// An open record, as it is on the disk now: one that was deleted or replaced since, or whose configuration was changed, is opened again.
    pub fn lend(&self) -> Result<Lent<'_>, Error> {
        let config = self.config();
        loop {
            let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            match idle {
                Some(open) if open.config == config && open.ledger.is_there() => return Ok(Lent { pool: self, open: Some(open) }),
                Some(_) => {}
                None => return Ok(Lent { pool: self, open: Some(Open { ledger: Ledger::open(&self.home)?, config }) }),
            }
        }
    }

    fn config(&self) -> Option<SystemTime> {
        std::fs::metadata(self.home.config_file()).and_then(|meta| meta.modified()).ok()
    }
}

impl Deref for Lent<'_> {
    type Target = Ledger;

    fn deref(&self) -> &Ledger {
        &self.open.as_ref().expect("invariant: lent until dropped").ledger
    }
}

impl DerefMut for Lent<'_> {
    fn deref_mut(&mut self) -> &mut Ledger {
        &mut self.open.as_mut().expect("invariant: lent until dropped").ledger
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        // after a panic it may be in the middle of something
        if std::thread::panicking() {
            return;
        }
        let mut idle = self.pool.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(mut open) = self.open.take().filter(|_| idle.len() < IDLE_MAX) {
            open.ledger.back_to_now();
            idle.push(open);
        }
    }
}
