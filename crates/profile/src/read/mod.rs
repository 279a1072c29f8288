//! Readers: each makes a [`Table`] of a stream.

mod csv;
pub(crate) mod dialect;
pub(crate) mod shared;

use crate::format::Layout;
use crate::table::Table;
use crate::{Bytes, Error, Format, Limits};
use shared::Shared;

/// Opens a stream as a table.
pub(crate) fn open(input: Box<dyn Bytes>, format: Format, limits: &Limits) -> Result<Box<dyn Table>, Error> {
    let input = Shared::new(input)?;
    let table: Box<dyn Table> = match format.layout {
        Layout::Csv | Layout::Tsv => Box::new(csv::Csv::open(input, format, limits)?),
        _ => return Err(Error::Unread { what: format.to_string() }),
    };
    if table.fields().len() > limits.columns_max {
        return Err(Error::Unread { what: format!("a table of {} columns", table.fields().len()) });
    }
    Ok(table)
}
