//! Arrow's arrays as cells, and Arrow IPC files and streams.

use std::io::{BufReader, Read};
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Date64Type, Decimal128Type, DurationMicrosecondType, DurationMillisecondType, DurationNanosecondType,
    DurationSecondType, Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, Time32MillisecondType,
    Time32SecondType, Time64MicrosecondType, Time64NanosecondType, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Schema, TimeUnit};

use super::guarded;
use super::messages::Messages;
use super::shared::Shared;
use crate::Error;
use crate::format::{Format, Layout};
use crate::table::{Batch, Cells, Field, Table, batch_rows};
use crate::value::Kind;

const DAY_MICROS: i64 = 86_400_000_000;

/// An array in one of the handful of kinds.
pub(crate) fn cells(array: &ArrayRef) -> Cells {
    match array.data_type() {
        DataType::Null => Cells::Empty(array.len()),
        DataType::Boolean => Cells::Boolean(array.as_boolean().clone()),
        DataType::Int64 => Cells::Integer(array.as_primitive::<Int64Type>().clone()),
        DataType::Int8 => Cells::Integer(integers::<Int8Type>(array)),
        DataType::Int16 => Cells::Integer(integers::<Int16Type>(array)),
        DataType::Int32 => Cells::Integer(integers::<Int32Type>(array)),
        DataType::UInt8 => Cells::Integer(integers::<UInt8Type>(array)),
        DataType::UInt16 => Cells::Integer(integers::<UInt16Type>(array)),
        DataType::UInt32 => Cells::Integer(integers::<UInt32Type>(array)),
        DataType::UInt64 => Cells::Big(array.as_primitive::<UInt64Type>().clone()),
        DataType::Float64 => Cells::Real(array.as_primitive::<Float64Type>().clone()),
        DataType::Float32 => Cells::Real(array.as_primitive::<Float32Type>().unary(f64::from)),
        DataType::Float16 => Cells::Real(array.as_primitive::<Float16Type>().unary(f64::from)),
        DataType::Decimal128(_, scale) => {
            let unit = 10f64.powi(i32::from(*scale));
            Cells::Real(array.as_primitive::<Decimal128Type>().unary(|value| value as f64 / unit))
        }
        DataType::Utf8 => Cells::Text(array.as_string::<i32>().clone()),
        DataType::LargeUtf8 => Cells::Text(array.as_string::<i64>().iter().collect::<StringArray>()),
        DataType::Utf8View => Cells::Text(array.as_string_view().iter().collect::<StringArray>()),
        DataType::Date32 => times::<Date32Type>(array, |days| i64::from(days).checked_mul(DAY_MICROS)),
        DataType::Date64 => times::<Date64Type>(array, |millis| millis.checked_mul(1000)),
        DataType::Timestamp(TimeUnit::Second, _) => times::<TimestampSecondType>(array, |seconds| seconds.checked_mul(1_000_000)),
        DataType::Timestamp(TimeUnit::Millisecond, _) => times::<TimestampMillisecondType>(array, |millis| millis.checked_mul(1000)),
        DataType::Timestamp(TimeUnit::Microsecond, _) => times::<TimestampMicrosecondType>(array, Some),
        DataType::Timestamp(TimeUnit::Nanosecond, _) => times::<TimestampNanosecondType>(array, |nanos| Some(nanos.div_euclid(1000))),
        DataType::Time32(TimeUnit::Second) => Cells::Integer(integers::<Time32SecondType>(array)),
        DataType::Time32(_) => Cells::Integer(integers::<Time32MillisecondType>(array)),
        DataType::Time64(TimeUnit::Microsecond) => Cells::Integer(integers::<Time64MicrosecondType>(array)),
        DataType::Time64(_) => Cells::Integer(integers::<Time64NanosecondType>(array)),
        DataType::Duration(TimeUnit::Second) => Cells::Integer(integers::<DurationSecondType>(array)),
        DataType::Duration(TimeUnit::Millisecond) => Cells::Integer(integers::<DurationMillisecondType>(array)),
        DataType::Duration(TimeUnit::Microsecond) => Cells::Integer(integers::<DurationMicrosecondType>(array)),
        DataType::Duration(TimeUnit::Nanosecond) => Cells::Integer(integers::<DurationNanosecondType>(array)),
        DataType::Dictionary(_, _) => dictionary(array),
        _ => Cells::Nested(Arc::clone(array)),
    }
}

fn integers<T: ArrowPrimitiveType<Native: Into<i64>>>(array: &ArrayRef) -> Int64Array {
    array.as_primitive::<T>().unary(Into::into)
}

/// A moment that does not fit counts as missing.
fn times<T: ArrowPrimitiveType>(array: &ArrayRef, micros: impl Fn(T::Native) -> Option<i64>) -> Cells {
    Cells::Time(array.as_primitive::<T>().iter().map(|value| value.and_then(&micros)).collect())
}

/// Each key as the value that it stands for.
fn dictionary(array: &ArrayRef) -> Cells {
    let dictionary = array.as_any_dictionary();
    if dictionary.values().is_empty() {
        return Cells::Empty(array.len());
    }
    let keys = dictionary.normalized_keys();
    let at = |row: usize| (!array.is_null(row)).then(|| keys[row]);
    match cells(dictionary.values()) {
        Cells::Text(values) => {
            Cells::Text((0..array.len()).map(|row| at(row).filter(|key| values.is_valid(*key)).map(|key| values.value(key))).collect())
        }
        Cells::Integer(values) => {
            Cells::Integer((0..array.len()).map(|row| at(row).filter(|key| values.is_valid(*key)).map(|key| values.value(key))).collect())
        }
        Cells::Time(values) => {
            Cells::Time((0..array.len()).map(|row| at(row).filter(|key| values.is_valid(*key)).map(|key| values.value(key))).collect())
        }
        Cells::Real(values) => Cells::Real(
            (0..array.len()).map(|row| at(row).filter(|key| values.is_valid(*key)).map(|key| values.value(key))).collect::<Float64Array>(),
        ),
        _ => Cells::Nested(Arc::clone(array)),
    }
}

/// The columns of a schema. Names are told apart as the text reader does it.
pub(crate) fn fields(schema: &Schema) -> Vec<Field> {
    let names = super::distinct_names(schema.fields().iter().map(|field| field.name().clone()).collect(), schema.fields().len(), true);
    let fields = names.into_iter().zip(schema.fields());
    fields.map(|(name, field)| Field { name, kind: kind(field.data_type()), stored: stored(field.data_type()) }).collect()
}

fn kind(stored: &DataType) -> Kind {
    match stored {
        DataType::Null => Kind::Empty,
        DataType::Boolean => Kind::Boolean,
        DataType::Float16 | DataType::Float32 | DataType::Float64 | DataType::Decimal128(..) => Kind::Real,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Kind::Text,
        DataType::Date32 | DataType::Date64 | DataType::Timestamp(..) => Kind::Time,
        DataType::Dictionary(_, values) => match kind(values) {
            known @ (Kind::Text | Kind::Integer | Kind::Time | Kind::Real) if !matches!(**values, DataType::UInt64) => known,
            _ => Kind::Nested,
        },
        DataType::Time32(_) | DataType::Time64(_) | DataType::Duration(_) => Kind::Integer,
        whole if whole.is_integer() => Kind::Integer,
        _ => Kind::Nested,
    }
}

/// The type as pyarrow writes it.
fn stored(data: &DataType) -> String {
    match data {
        DataType::Int8
        | DataType::Int16
        | DataType::Int32
        | DataType::Int64
        | DataType::UInt8
        | DataType::UInt16
        | DataType::UInt32
        | DataType::UInt64 => data.to_string().to_lowercase(),
        DataType::Float16 => "float16".into(),
        DataType::Float32 => "float32".into(),
        DataType::Float64 => "float64".into(),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "string".into(),
        DataType::Boolean => "bool".into(),
        DataType::Date32 | DataType::Date64 => "date".into(),
        DataType::Timestamp(unit, zone) => {
            let unit = short(*unit);
            zone.as_ref().map_or_else(|| format!("timestamp[{unit}]"), |zone| format!("timestamp[{unit}, {zone}]"))
        }
        DataType::Time32(unit) | DataType::Time64(unit) => format!("time[{}]", short(*unit)),
        DataType::Duration(unit) => format!("duration[{}]", short(*unit)),
        DataType::Decimal128(precision, scale) => format!("decimal({precision}, {scale})"),
        DataType::Dictionary(_, values) => format!("category of {}", stored(values)),
        other => other.to_string(),
    }
}

fn short(unit: TimeUnit) -> &'static str {
    match unit {
        TimeUnit::Second => "s",
        TimeUnit::Millisecond => "ms",
        TimeUnit::Microsecond => "us",
        TimeUnit::Nanosecond => "ns",
    }
}

/// A batch as cells.
pub(crate) fn batch(record: &RecordBatch) -> Batch {
    Batch { rows: record.num_rows(), cells: record.columns().iter().map(cells).collect() }
}

pub(crate) struct Arrow {
    input: Shared,
    format: Format,
    fields: Vec<Field>,
    messages: Messages,
    /// Rows of a batch that is handed on in pieces.
    left: Option<RecordBatch>,
}

/// In front of the stream in a file.
const MAGIC_BYTES: u64 = 8;

impl Arrow {
    pub fn open(input: Shared, format: Format) -> Result<Arrow, Error> {
        let mut messages = messages(&input, format)?;
        let schema = guarded(format, || messages.schema())?;
        Ok(Arrow { input, format, fields: fields(&schema), messages, left: None })
    }
}

fn messages(input: &Shared, format: Format) -> Result<Messages, Error> {
    let stream: Box<dyn Read + Send> = match format.layout {
        Layout::ArrowFile => Box::new(BufReader::with_capacity(256 << 10, input.at(MAGIC_BYTES, input.length()))),
        _ => input.text(format)?,
    };
    Ok(Messages::new(stream, format))
}

impl Table for Arrow {
    fn fields(&self) -> &[Field] {
        &self.fields
    }

    fn next(&mut self) -> Result<Option<Batch>, Error> {
        let record = match self.left.take() {
            Some(left) => left,
            None => {
                let messages = &mut self.messages;
                let found = guarded(self.format, || {
                    while !messages.ended() {
                        if let Some(record) = messages.next()? {
                            return Ok(Some(record));
                        }
                    }
                    Ok(None)
                })?;
                let Some(record) = found else { return Ok(None) };
                record
            }
        };
        // a file may be a single batch of everything
        let rows = record.num_rows().min(batch_rows(self.fields.len()));
        if rows < record.num_rows() {
            self.left = Some(record.slice(rows, record.num_rows() - rows));
        }
        Ok(Some(batch(&record.slice(0, rows))))
    }

    fn rewind(&mut self, _wanted: &dyn Fn(usize) -> bool) -> Result<(), Error> {
        self.left = None;
        self.messages = messages(&self.input, self.format)?;
        Ok(())
    }
}
