//! The façade: from observations to the record, and from the record to answers.
//!
//! ```text
//!  capture ──Account──► rules ──records──► Ledger ──append──► store
//!                                            │
//!  cli, server ◄──answer── View ◄────────────┘──► graph
//! ```
//!
//! A [`Ledger`] changes the record, a [`View`] answers from it, a [`Recorder`] stands in the watcher and turns what it saw into records. The
//! [`rules`] that say what a run *was* are pure functions, one by one named and tested.
#![forbid(unsafe_code)]

pub mod access;
mod add;
pub mod answer;
pub mod as_of;
pub mod config;
pub mod contents;
pub mod data_time;
pub mod documents;
mod files;
mod get;
mod home;
pub mod impact;
mod ledger;
pub mod measured;
mod names;
pub mod overview;
pub mod picture;
mod present;
mod preview;
pub mod profiles;
pub mod prove;
pub mod recognise;
mod recorder;
pub mod refresh;
pub mod reproduce;
pub mod rules;
mod running;
mod said;
mod search;
mod settle;
mod shown;
mod standing;
pub mod status;
pub mod step;
mod summary;
mod thing;
mod traced;
mod verified;
mod view;
mod whole;
pub mod why;
pub mod workshop;

use std::path::PathBuf;

pub use add::{AddProgress, Added};
pub use as_of::AsOf;
pub use get::Got;
pub use home::{CONFIG, FOLDER, Home};
pub use keizu_store::{Error as StoreError, verify};
pub use ledger::Ledger;
pub use picture::PictureAnswer;
pub use preview::Preview;
pub use recorder::Recorder;
pub use running::{Found, Running, running};
pub use said::{Said, Sentence};
pub use search::FoundThing;
pub use settle::{Settled, settle};
pub use shown::{Content, Shown, Version};
pub use standing::{LogRow, Proof};
pub use step::{Step, Surroundings};
pub use summary::{Changes, Summary};
pub use thing::{At, Spelling, Thing};
pub use traced::{as_json as trace_json, node as trace_node_json};
pub use verified::{as_json as report_json, described, sentence};
pub use view::View;
pub use whole::Whole;

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No record here.
    #[error("there is no record in {} or in a folder above it", .0.display())]
    NoRecord(PathBuf),
    /// Nothing bears this name.
    #[error("{what}")]
    Unknown {
        /// The sentence: `no model is called "dealy"`.
        what: String,
        /// What it may have meant, written so that it can be typed.
        nearest: Vec<String>,
    },
    /// Several things match.
    #[error("{typed} is ambiguous")]
    Ambiguous {
        /// What was typed.
        typed: String,
        /// What it may mean, written so that it can be typed.
        candidates: Vec<String>,
    },
    /// The bytes of a content are not there.
    #[error("the content of {0} was not kept")]
    NotKept(String),
    /// The request makes no sense for this thing.
    #[error("{0}")]
    Unfit(String),
    /// A moment to look back to.
    #[error(transparent)]
    AsOf(#[from] as_of::Error),
    /// The person stopped it.
    #[error("interrupted")]
    Interrupted,
    /// `keizu.toml`.
    #[error(transparent)]
    Config(#[from] config::Error),
    /// The store.
    #[error(transparent)]
    Store(#[from] keizu_store::Error),
    /// A file; the message names it.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// A run whose watcher was lost could not be recovered.
    #[error(transparent)]
    Recover(#[from] keizu_capture::barrier::Error),
}
