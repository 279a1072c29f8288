//! One number for each cell and each row, equal for equal values however they are stored.
//!
//! ```text
//! row = Σ over columns of mix(cell, column)      so that the row without a column = row − mix(cell, column)
//! ```
//!
//! 64 bits: among 100 million rows on either side, the chance that two different ones are taken for equal is 1 in 2,000.

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType;

use crate::categories::text_digest;
use crate::table::{Cells, Field};
use crate::value::Kind;
use crate::words;

/// A missing cell, NaN among them: files without NaN write it as missing.
const MISSING: u64 = 0x6d69_7373_696e_6721;

/// As what the cells of a column in two tables are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Number,
    /// As single precision, which one side has no more than.
    Single,
    Time,
    Boolean,
    Text,
}

impl Mode {
    pub fn of(before: &Field, after: &Field) -> Mode {
        let either = |kind: Kind| before.kind == kind || after.kind == kind;
        let number = either(Kind::Integer) || either(Kind::Real);
        if number && [before, after].iter().any(|field| matches!(field.stored.as_str(), "float32" | "float16")) {
            Mode::Single
        } else if number {
            Mode::Number
        } else if either(Kind::Time) {
            Mode::Time
        } else if either(Kind::Boolean) {
            Mode::Boolean
        } else {
            Mode::Text
        }
    }
}

/// The digests of the cells of one column, `rows` of them.
pub(crate) fn cells(cells: &Cells, mode: Mode, rows: usize, into: &mut Vec<u64>) {
    into.clear();
    match cells {
        Cells::Integer(array) if mode != Mode::Single => {
            into.extend(array.iter().map(|value| value.map_or(MISSING, |value| integer(value as u64))))
        }
        Cells::Integer(array) => into.extend(array.iter().map(|value| value.map_or(MISSING, |value| number(value as f64, mode)))),
        Cells::Big(array) => into.extend(array.iter().map(|value| value.map_or(MISSING, |value| big(value, mode)))),
        Cells::Real(array) => into.extend(array.iter().map(|value| value.map_or(MISSING, |value| number(value, mode)))),
        Cells::Time(array) => into.extend(array.iter().map(|value| value.map_or(MISSING, |value| integer(value as u64)))),
        Cells::Boolean(array) => into.extend(array.iter().map(|value| value.map_or(MISSING, |value| integer(u64::from(value))))),
        Cells::Text(array) => into.extend(array.iter().map(|value| value.map_or(MISSING, |value| text(value.as_bytes(), mode)))),
        Cells::Nested(array) => into.extend(nested(array)),
        Cells::Empty(_) => {}
    }
    // an array that ends before the others
    into.resize(rows, MISSING);
}

fn integer(value: u64) -> u64 {
    spread(value)
}

/// Whole numbers are the same whether they are stored as reals or not.
fn number(value: f64, mode: Mode) -> u64 {
    let value = if mode == Mode::Single { f64::from(value as f32) } else { value };
    if value.is_nan() {
        MISSING
    } else if value.fract() == 0.0 && (-9.2e18..9.2e18).contains(&value) {
        integer(value as i64 as u64)
    } else {
        spread(value.to_bits() ^ 0x5245_414c)
    }
}

/// As an i64 where it fits; above, apart from the negative numbers with the same bits.
fn big(value: u64, mode: Mode) -> u64 {
    match i64::try_from(value) {
        Ok(small) if mode != Mode::Single => integer(small as u64),
        _ if mode == Mode::Single => number(value as f64, mode),
        _ => spread(spread(value) ^ 0x0042_4947),
    }
}

/// Text on one side, something else on the other: as what it means there, if it means it.
fn text(value: &[u8], mode: Mode) -> u64 {
    let meant = match mode {
        Mode::Text => None,
        Mode::Number => {
            words::integer(value).map(|value| integer(value as u64)).or_else(|| words::real(value).map(|value| number(value, mode)))
        }
        Mode::Single => words::real(value).map(|value| number(value, mode)),
        Mode::Time => words::loose_time(value).map(|value| integer(value as u64)),
        Mode::Boolean => words::boolean(value).map(|value| integer(u64::from(value))),
    };
    if meant.is_none() && words::is_missing(value) && mode != Mode::Text {
        return MISSING;
    }
    meant.unwrap_or_else(|| text_digest(value))
}

/// Lists, structures and bytes, by what they are made of.
fn nested(array: &ArrayRef) -> Vec<u64> {
    let fold = |items: &[u64]| items.iter().fold(spread(items.len() as u64), |sum, item| spread(sum.rotate_left(5) ^ item));
    let mut digests: Vec<u64> = match array.data_type() {
        DataType::List(_) => {
            let list = array.as_list::<i32>();
            let items = nested(list.values());
            list.offsets().windows(2).map(|ends| fold(&items[ends[0] as usize..ends[1] as usize])).collect()
        }
        DataType::LargeList(_) => {
            let list = array.as_list::<i64>();
            let items = nested(list.values());
            list.offsets().windows(2).map(|ends| fold(&items[ends[0] as usize..ends[1] as usize])).collect()
        }
        DataType::FixedSizeList(_, size) => {
            let items = nested(array.as_fixed_size_list().values());
            let size = usize::try_from(*size).unwrap_or(0);
            (0..array.len()).map(|row| fold(&items[row * size..(row + 1) * size])).collect()
        }
        DataType::Struct(_) => {
            let columns: Vec<Vec<u64>> = array.as_struct().columns().iter().map(nested).collect();
            (0..array.len()).map(|row| fold(&columns.iter().map(|column| column[row]).collect::<Vec<_>>())).collect()
        }
        DataType::Map(..) => {
            let map = array.as_map();
            let entries: ArrayRef = std::sync::Arc::new(map.entries().clone());
            let items = nested(&entries);
            map.offsets().windows(2).map(|ends| fold(&items[ends[0] as usize..ends[1] as usize])).collect()
        }
        _ => leaves(array),
    };
    for (row, digest) in digests.iter_mut().enumerate() {
        if array.is_null(row) {
            *digest = MISSING;
        }
    }
    digests
}

fn leaves(array: &ArrayRef) -> Vec<u64> {
    match crate::read::arrow::cells(array) {
        Cells::Nested(array) => match array.data_type() {
            DataType::Binary => array.as_binary::<i32>().iter().map(|bytes| bytes.map_or(MISSING, text_digest)).collect(),
            DataType::LargeBinary => array.as_binary::<i64>().iter().map(|bytes| bytes.map_or(MISSING, text_digest)).collect(),
            DataType::FixedSizeBinary(_) => array.as_fixed_size_binary().iter().map(|bytes| bytes.map_or(MISSING, text_digest)).collect(),
            DataType::BinaryView => array.as_binary_view().iter().map(|bytes| bytes.map_or(MISSING, text_digest)).collect(),
            // what is left has no bytes that could be looked at: how it prints is all there is
            _ => (0..array.len()).map(|row| text_digest(format!("{:?}", array.slice(row, 1)).as_bytes())).collect(),
        },
        known => {
            let mut digests = Vec::new();
            cells(&known, Mode::Number, array.len(), &mut digests);
            digests
        }
    }
}

/// What a cell adds to the digest of its row.
#[inline]
pub(crate) fn mix(cell: u64, column: usize) -> u64 {
    spread(cell ^ spread(column as u64 ^ 0x636f_6c75_6d6e))
}

/// Every bit of the result hangs on every bit (the finish of splitmix64).
#[inline]
pub(crate) fn spread(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
