//! The rules on whole accounts: what a run was, from what was seen of it.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod kit;

mod collections;
mod edges;
mod environment;
mod evaluations;
mod models;
mod parameters;
mod past;
mod training;
