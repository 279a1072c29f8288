//! From answers to pages: pure functions, tested by what they draw.

pub mod artifact;
pub mod data;
pub mod doctor;
pub mod environment;
pub mod impact;
pub mod log;
pub mod look;
pub mod names;
pub mod path;
pub mod picture;
pub mod prove;
pub mod refresh;
pub mod reproduce;
pub mod run;
pub mod status;
pub mod summary;
pub mod table;
pub mod text;
pub mod tree;
pub mod verify;
pub mod versions;
pub mod why;
pub mod words;
