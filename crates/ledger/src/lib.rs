//! The façade: from observations to the record, and from the record to answers.
#![forbid(unsafe_code)]

pub mod rules;
