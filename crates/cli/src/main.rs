//! The door.
#![forbid(unsafe_code)]

fn main() {}
