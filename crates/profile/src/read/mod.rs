//! Readers: each makes a [`Table`] of a stream.

pub(crate) mod arrow;
mod column;
mod csv;
pub(crate) mod dialect;
mod dtype;
mod json;
mod messages;
pub(crate) mod npy;
mod parquet;
pub(crate) mod shared;

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::format::Layout;
use crate::table::{Field, Table};
use crate::{Bytes, Error, Format, Limits};
use shared::Shared;

/// Opens a stream as a table.
pub(crate) fn open(input: Box<dyn Bytes>, format: Format, limits: &Limits) -> Result<Box<dyn Table>, Error> {
    open_known(input, format, limits, None)
}

/// The same for a stream whose columns are known from an earlier look. What text holds is then read as those kinds.
pub(crate) fn open_known(input: Box<dyn Bytes>, format: Format, limits: &Limits, known: Option<&[Field]>) -> Result<Box<dyn Table>, Error> {
    let input = Shared::new(input)?;
    let table: Box<dyn Table> = match format.layout {
        Layout::Csv | Layout::Tsv => Box::new(csv::Csv::open(input, format, limits, known)?),
        Layout::Parquet => Box::new(parquet::Parquet::open(input, format, limits)?),
        Layout::ArrowFile | Layout::ArrowStream => Box::new(arrow::Arrow::open(input, format)?),
        Layout::JsonLines => Box::new(json::JsonLines::open(input, format, limits, known)?),
        Layout::Npy | Layout::Npz => Box::new(npy::Npy::open(input, format, limits)?),
    };
    if table.fields().len() > limits.columns_max {
        return Err(Error::Unread { what: format!("a table of {} columns", table.fields().len()) });
    }
    Ok(table)
}

/// A call into a library that panics on some broken files instead of refusing them.
fn guarded<T>(format: Format, call: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    // whatever it was at is thrown away with the table
    catch_unwind(AssertUnwindSafe(call))
        .unwrap_or_else(|_| Err(Error::Broken { format, why: "its parts contradict each other".to_owned() }))
}

/// Columns are told apart by name: as pandas does it, `Unnamed: 0` for no name, and `x.1` for the second x.
pub(crate) fn distinct_names(names: Vec<String>, columns: usize, header: bool) -> Vec<String> {
    let mut taken = std::collections::HashSet::new();
    let mut names = names.into_iter().map(Some).chain(std::iter::repeat(None));
    (0..columns)
        .map(|at| {
            let name = match names.next().flatten() {
                Some(name) if !name.is_empty() => name,
                _ if header => format!("Unnamed: {at}"),
                _ => format!("column {}", at + 1),
            };
            let mut unique = name.clone();
            let mut copy = 0;
            while !taken.insert(unique.clone()) {
                copy += 1;
                unique = format!("{name}.{copy}");
            }
            unique
        })
        .collect()
}
