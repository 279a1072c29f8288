//! How many questions are answered at once, so that nobody can have the machine for himself.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::fault::Fault;

/// Short answers at once.
pub(crate) const LIGHT_MAX: usize = 6;
/// Long ones at once.
pub(crate) const HEAVY_MAX: usize = 2;
/// How long a question waits for its turn.
const WAIT: Duration = Duration::from_secs(20);

/// What a route costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cost {
    /// A few statements.
    Light,
    /// May read much of the record, or many files.
    Heavy,
}

impl Cost {
    /// How long an answer may take until it begins.
    pub const fn bound(self) -> Duration {
        match self {
            Self::Light => Duration::from_secs(30),
            Self::Heavy => Duration::from_secs(120),
        }
    }
}

/// Two lanes: what takes long does not stand in the way of what does not.
pub(crate) struct Lanes {
    light: Arc<Semaphore>,
    heavy: Arc<Semaphore>,
}

impl Lanes {
    pub fn new() -> Self {
        Self { light: Arc::new(Semaphore::new(LIGHT_MAX)), heavy: Arc::new(Semaphore::new(HEAVY_MAX)) }
    }

    /// Waits for a turn.
    pub async fn enter(&self, cost: Cost) -> Result<OwnedSemaphorePermit, Fault> {
        let lane = match cost {
            Cost::Light => &self.light,
            Cost::Heavy => &self.heavy,
        };
        match timeout(WAIT, Arc::clone(lane).acquire_owned()).await {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(_)) | Err(_) => Err(Fault::busy()),
        }
    }
}
