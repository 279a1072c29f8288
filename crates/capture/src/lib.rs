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
pub mod event;
pub mod git;
pub mod host;
pub mod machine;
pub mod observe;
pub mod python;
