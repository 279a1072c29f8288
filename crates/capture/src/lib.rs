//! Watches a command: what it read, wrote and started, with which code and environment.
//!
//! ```text
//!             keizu run -- CMD                       (launch)
//!                  │ fork                 exec
//!                  ├────────► watcher      └──► CMD with the shim inside, and every child of it
//!                  │            ▲ events                 │
//!                  │            └────── arena ◄──────────┘
//!                  │            │
//!                  │         observe: names resolved, contents hashed as they were when read, looked at again at the end
//!                  │            │
//!                  │            ▼
//!                  │         Account ──► the caller's `seal`
//! ```

pub mod account;
#[cfg(keizu_watches)]
mod arena;
#[cfg(keizu_watches)]
pub mod barrier;
pub mod event;
#[cfg(keizu_watches)]
mod folder;
pub mod git;
pub mod host;
#[cfg(keizu_watches)]
pub mod launch;
pub mod machine;
pub mod observe;
#[cfg(keizu_watches)]
mod process;
pub mod python;
#[cfg(keizu_watches)]
mod watch;
