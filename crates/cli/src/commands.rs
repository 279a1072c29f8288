//! One file a command.

pub mod add;
pub mod completions;
pub mod doctor;
pub mod get;
pub mod impact;
pub mod init;
pub mod log;
pub mod man;
pub mod name;
pub mod refresh;
pub mod reproduce;
pub mod run;
pub mod serve;
pub mod show;
pub mod status;
pub mod token;
pub mod trace;
pub mod verify;
pub mod version;
pub mod why;
