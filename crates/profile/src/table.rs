//! A table as it streams by: batches of cells in a handful of kinds, whatever file they came from.

use arrow_array::{Array, ArrayRef, BooleanArray, Float64Array, Int64Array, StringArray, UInt64Array};

use crate::Error;
use crate::value::{Kind, Value};

/// Rows of a batch: fewer where there are many columns, so that its cells fit into some 16 MiB.
pub(crate) fn batch_rows(columns: usize) -> usize {
    (2_097_152 / columns.max(1)).clamp(16, 8192)
}

/// A column, before its cells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Field {
    pub name: String,
    pub kind: Kind,
    /// The type as its format names it.
    pub stored: String,
}

/// The cells of one column in one batch.
#[derive(Debug, Clone)]
pub(crate) enum Cells {
    Boolean(BooleanArray),
    Integer(Int64Array),
    /// Whole numbers that may be above i64's.
    Big(UInt64Array),
    Real(Float64Array),
    /// Microseconds since 1970, UTC.
    Time(Int64Array),
    Text(StringArray),
    Nested(ArrayRef),
    /// Nothing but nulls, or a column that this batch does not have.
    Empty(usize),
}

impl Cells {
    pub fn len(&self) -> usize {
        match self {
            Cells::Empty(len) => *len,
            _ => self.array().map_or(0, Array::len),
        }
    }

    pub fn null_count(&self) -> usize {
        match self {
            Cells::Empty(len) => *len,
            _ => self.array().map_or(0, Array::null_count),
        }
    }

    fn array(&self) -> Option<&dyn Array> {
        Some(match self {
            Cells::Boolean(array) => array,
            Cells::Integer(array) | Cells::Time(array) => array,
            Cells::Big(array) => array,
            Cells::Real(array) => array,
            Cells::Text(array) => array,
            Cells::Nested(array) => array,
            Cells::Empty(_) => return None,
        })
    }

    /// One cell; nothing if it is null, NaN, infinite or nested.
    pub fn value(&self, row: usize) -> Option<Value> {
        if self.array().is_none_or(|array| row >= array.len() || array.is_null(row)) {
            return None;
        }
        Some(match self {
            Cells::Boolean(array) => Value::Boolean(array.value(row)),
            Cells::Integer(array) => Value::Integer(i128::from(array.value(row))),
            Cells::Big(array) => Value::Integer(i128::from(array.value(row))),
            Cells::Real(array) => Value::Real(Some(array.value(row)).filter(|value| value.is_finite())?),
            Cells::Time(array) => Value::Time(array.value(row)),
            Cells::Text(array) => Value::Text(array.value(row).to_owned()),
            Cells::Nested(_) | Cells::Empty(_) => return None,
        })
    }
}

/// Some rows: as many cells of each field. A column may end before the others (arrays of unequal length).
#[derive(Debug, Clone)]
pub(crate) struct Batch {
    pub rows: usize,
    pub cells: Vec<Cells>,
}

/// A table that can be streamed as often as needed.
pub(crate) trait Table {
    /// Its columns, in order.
    fn fields(&self) -> &[Field];

    /// The next rows; nothing at the end.
    fn next(&mut self) -> Result<Option<Batch>, Error>;

    /// Back to the first row. Columns that are not wanted may come as [`Cells::Empty`] from now on.
    fn rewind(&mut self, wanted: &dyn Fn(usize) -> bool) -> Result<(), Error>;
}
