//! numpy's arrays: npy, and npz, which is a zip of them. Numbers, truth, times, texts of a fixed width, and records of these.
//!
//! ```text
//! \x93 N U M P Y │ version │ header length: u16, from version 2 on u32 │ {'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), } │ elements
//! ```
//!
//! The last axis is the columns, all others are the rows.

use std::io::Read;

use super::shared::{Member, Shared};
use crate::format::{Format, Layout};
use crate::read::dtype::{Element, Header};
use crate::table::{Batch, Cells, Field, Table, batch_rows};
use crate::{Error, Limits};

/// More columns than that are one: an axis of so many is not what a person calls columns.
const COLUMNS_MAX: u64 = 4096;
/// An array in Fortran's order that cannot be read from several places is held as a whole, up to here.
const HELD_BYTES_MAX: u64 = 256 << 20;

/// Bytes of a batch: texts may be wide.
const BATCH_BYTES: u64 = 32 << 20;

/// One array, and where its elements are.
struct Array {
    header: Header,
    rows: u64,
    columns: u64,
    /// Rows that were read.
    at: u64,
    source: Source,
}

enum Source {
    /// From here on, in the file itself.
    File(u64),
    Member(Member),
}

impl Array {
    fn new(header: Header, source: Source) -> Array {
        let columns = match header.shape.as_slice() {
            [] | [_] => 1,
            [.., last] if *last > COLUMNS_MAX => 1,
            [.., last] => *last,
        };
        let rows = header.elements().checked_div(columns).unwrap_or(0);
        Array { header, rows, columns, at: 0, source }
    }

    fn row_bytes(&self) -> u64 {
        self.columns * self.header.dtype.size as u64
    }

    /// Column after column: only then does the order of the bytes depend on it.
    fn is_transposed(&self) -> bool {
        self.header.fortran && self.columns > 1 && self.rows > 1
    }
}

/// The elements of one array, as they stream by.
enum Stream {
    Rows(Box<dyn Read + Send>),
    /// Each column at its own place.
    Columns {
        input: Shared,
        start: u64,
    },
    Held(Vec<u8>),
}

pub(crate) struct Npy {
    input: Shared,
    format: Format,
    arrays: Vec<Array>,
    streams: Vec<Stream>,
    fields: Vec<Field>,
}

/// An array's name, shape and type.
pub(crate) struct Described {
    pub name: String,
    pub shape: Vec<u64>,
    pub dtype: String,
    /// Its columns, by name.
    pub columns: Vec<String>,
}

impl Npy {
    pub fn open(input: Shared, format: Format, limits: &Limits) -> Result<Npy, Error> {
        let arrays = if format.layout == Layout::Npy {
            let mut reader = input.at(0, input.length());
            let header = Header::read(&mut reader, format, String::new())?;
            let start = header.length;
            vec![Array::new(header, Source::File(start))]
        } else {
            let mut members = input.members(format)?;
            members.sort_by(|a, b| a.name.cmp(&b.name));
            let read = |member: Member| {
                let name = member
                    .name
                    .strip_suffix(".npy")
                    .ok_or_else(|| Error::Unread { what: format!("{} in an npz", member.name) })?
                    .to_owned();
                let header = Header::read(&mut member.open(&input)?, format, name)?;
                Ok(Array::new(header, Source::Member(member)))
            };
            members.into_iter().map(read).collect::<Result<Vec<Array>, Error>>()?
        };
        let columns: u64 = arrays.iter().map(|array| array.columns * array.header.dtype.elements.len() as u64).sum();
        if columns > limits.columns_max as u64 {
            return Err(Error::Unread { what: format!("a table of {columns} columns") });
        }
        let fields = arrays.iter().flat_map(fields).collect();
        let mut npy = Npy { input, format, arrays, streams: Vec::new(), fields };
        npy.rewind(&|_| true)?;
        Ok(npy)
    }

    /// What arrays there are.
    pub fn describe(&self) -> Vec<Described> {
        let of = |array: &Array| Described {
            name: array.header.name.clone(),
            shape: array.header.shape.clone(),
            dtype: array.header.dtype.name.clone(),
            columns: fields(array).into_iter().map(|field| field.name).collect(),
        };
        self.arrays.iter().map(of).collect()
    }

    fn stream(&self, array: &Array) -> Result<Stream, Error> {
        let bytes = array.row_bytes() * array.rows;
        let mut reader: Box<dyn Read + Send> = match &array.source {
            Source::File(start) if array.is_transposed() => return Ok(Stream::Columns { input: self.input.clone(), start: *start }),
            Source::File(start) => Box::new(std::io::BufReader::with_capacity(256 << 10, self.input.at(*start, bytes))),
            Source::Member(member) => {
                let mut reader = member.open(&self.input)?;
                std::io::copy(&mut (&mut reader).take(array.header.length), &mut std::io::sink())?;
                reader
            }
        };
        if !array.is_transposed() {
            return Ok(Stream::Rows(reader));
        }
        if bytes > HELD_BYTES_MAX {
            return Err(Error::Unread { what: format!("a packed array of {bytes} bytes in Fortran's order") });
        }
        let mut held = Vec::new();
        (&mut reader).take(bytes).read_to_end(&mut held).map_err(|error| super::csv::unpacked(self.format, error))?;
        Ok(Stream::Held(held))
    }
}

fn fields(array: &Array) -> Vec<Field> {
    let (name, dtype) = (&array.header.name, &array.header.dtype);
    let field = |name: String, element: &Element| Field { name, kind: element.kind(), stored: element.name.clone() };
    let axis = |column: u64| match (name.as_str(), array.columns) {
        ("", 1) if array.header.shape.len() < 2 => "value".to_owned(),
        ("", _) => column.to_string(),
        (name, 1) if array.header.shape.len() < 2 => name.to_owned(),
        (name, _) => format!("{name}[{column}]"),
    };
    let part = |column: u64, element: &Element| match (&element.field, array.columns, name.as_str()) {
        (None, ..) => axis(column),
        (Some(field), 1, "") => field.clone(),
        (Some(field), ..) => format!("{}.{field}", axis(column)),
    };
    (0..array.columns).flat_map(|column| dtype.elements.iter().map(move |element| field(part(column, element), element))).collect()
}

impl Table for Npy {
    fn fields(&self) -> &[Field] {
        &self.fields
    }

    fn next(&mut self) -> Result<Option<Batch>, Error> {
        let mut cells = Vec::with_capacity(self.fields.len());
        let mut rows = 0;
        // the same for every array, so that the rows of one stay beside those of the others
        let bytes: u64 = self.arrays.iter().map(Array::row_bytes).sum();
        let at_once = (batch_rows(self.fields.len()) as u64).min(BATCH_BYTES / bytes.max(1)).max(1);
        for (array, stream) in self.arrays.iter_mut().zip(&mut self.streams) {
            let take = (array.rows - array.at).min(at_once);
            let bytes = read(array, stream, take, self.format)?;
            for column in 0..array.columns {
                for element in &array.header.dtype.elements {
                    cells.push(if take == 0 { Cells::Empty(0) } else { of(array, element, &bytes, column, take) });
                }
            }
            array.at += take;
            rows = rows.max(take);
        }
        Ok((rows > 0).then_some(Batch { rows: rows as usize, cells }))
    }

    fn rewind(&mut self, _wanted: &dyn Fn(usize) -> bool) -> Result<(), Error> {
        self.arrays.iter_mut().for_each(|array| array.at = 0);
        self.streams = self.arrays.iter().map(|array| self.stream(array)).collect::<Result<_, _>>()?;
        Ok(())
    }
}

/// The next rows, row after row, or column after column where the array is transposed.
fn read(array: &Array, stream: &mut Stream, rows: u64, format: Format) -> Result<Vec<u8>, Error> {
    let size = array.header.dtype.size as u64;
    let mut bytes = Vec::new();
    let place = |column: u64| (column * array.rows + array.at) * size;
    match stream {
        Stream::Rows(reader) => {
            reader.by_ref().take(rows * array.row_bytes()).read_to_end(&mut bytes).map_err(|error| super::csv::unpacked(format, error))?;
        }
        Stream::Columns { input, start } => {
            for column in 0..array.columns {
                input.at(*start + place(column), rows * size).read_to_end(&mut bytes)?;
            }
        }
        Stream::Held(held) => {
            for column in 0..array.columns {
                let from = (place(column) as usize).min(held.len());
                bytes.extend_from_slice(&held[from..(from + (rows * size) as usize).min(held.len())]);
            }
        }
    }
    if (bytes.len() as u64) < rows * array.row_bytes() {
        return Err(Error::Broken {
            format,
            why: format!("{} ends before its last element", if array.header.name.is_empty() { "the array" } else { &array.header.name }),
        });
    }
    Ok(bytes)
}

/// The cells of one column of one field.
fn of(array: &Array, element: &Element, bytes: &[u8], column: u64, rows: u64) -> Cells {
    let size = array.header.dtype.size;
    let (first, step) = if array.is_transposed() {
        (column as usize * rows as usize * size, size)
    } else {
        (column as usize * size, size * array.columns as usize)
    };
    let places = (0..rows as usize).map(|row| &bytes[first + row * step + element.offset..][..element.size]);
    element.cells(places)
}
