//! What all connections share.

use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use keizu_ledger::Surroundings;
use keizu_ledger::access::Tokens;

use crate::answers::graph::Pictures;
use crate::fault::Fault;
use crate::lane::Lanes;
use crate::log::Log;
use crate::metrics::Metrics;
use crate::pool::Pool;
use crate::session::{Rate, Sessions};
use crate::tail::Tail;

pub(crate) struct State {
    pub pool: Pool,
    pub tail: Tail,
    pub lanes: Lanes,
    pub metrics: Metrics,
    pub sessions: Sessions,
    /// Wrong tokens of one address.
    pub failures: Rate,
    /// Requests of one address that is not at home.
    pub requests: Rate,
    /// Names under which the server is known, beside its addresses.
    pub names: Vec<String>,
    pub log: Box<Log>,
    /// What a step that is run again would find around it.
    pub here: Surroundings,
    pub pictures: Pictures,
    tokens: Mutex<(Option<SystemTime>, Tokens)>,
    /// When the record was last found intact, since the server started.
    verified: Mutex<Option<String>>,
}

impl State {
    pub fn new(pool: Pool, tail: Tail, sessions: Sessions, names: Vec<String>, log: Box<Log>, here: Surroundings) -> Self {
        Self {
            pool,
            tail,
            lanes: Lanes::new(),
            metrics: Metrics::new(),
            sessions,
            failures: Rate::new(10, 0.2),
            requests: Rate::new(600, 100.0),
            names,
            log,
            here,
            pictures: Pictures::default(),
            tokens: Mutex::default(),
            verified: Mutex::default(),
        }
    }

    /// The record was found intact.
    pub fn verified(&self, at: String) {
        *self.verified.lock().unwrap_or_else(PoisonError::into_inner) = Some(at);
    }

    /// When the record was last found intact, since the server started.
    pub fn verified_at(&self) -> Option<String> {
        self.verified.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The tokens that hold now: a revoked one opens nothing from the next request on.
    pub fn tokens(&self) -> Result<Tokens, Fault> {
        let changed = std::fs::metadata(Tokens::file(self.pool.home())).and_then(|meta| meta.modified()).ok();
        let mut known = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        if known.0 != changed || changed.is_none() {
            *known = (changed, Tokens::load(self.pool.home()).map_err(Fault::from)?);
        }
        Ok(known.1.clone())
    }
}
