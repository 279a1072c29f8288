//! The observer against a real folder: a [`script::Script`] does what a program would do and tells the events that the shim would tell.

mod changes;
mod model;
mod names;
mod programs;
mod script;
mod surroundings;
