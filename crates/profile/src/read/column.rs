//! Columns of a batch, while a text is read into them.

use arrow_array::builder::{BooleanBuilder, Float64Builder, Int64Builder, StringBuilder, UInt64Builder};

use super::csv::UNSIGNED;
use crate::table::{Batch, Cells, Field};
use crate::value::Kind;

/// Columns for these fields; what is not wanted stays empty.
pub(super) fn begin(fields: &[Field], wanted: &[bool]) -> Vec<Column> {
    fields.iter().zip(wanted).map(|(field, wanted)| if *wanted { Column::new(field) } else { Column::Empty }).collect()
}

/// The batch, when there are rows.
pub(super) fn end(columns: Vec<Column>, rows: usize) -> Option<Batch> {
    (rows > 0).then(|| Batch { rows, cells: columns.into_iter().map(|column| column.finish(rows)).collect() })
}

/// A column of a batch, while it is filled.
pub(super) enum Column {
    Boolean(BooleanBuilder),
    Integer(Int64Builder),
    Big(UInt64Builder),
    Real(Float64Builder),
    Time(Int64Builder),
    Text(StringBuilder),
    Empty,
}

impl Column {
    fn new(field: &Field) -> Column {
        match field.kind {
            Kind::Integer if field.stored == UNSIGNED => Column::Big(UInt64Builder::new()),
            Kind::Boolean => Column::Boolean(BooleanBuilder::new()),
            Kind::Integer => Column::Integer(Int64Builder::new()),
            Kind::Real => Column::Real(Float64Builder::new()),
            Kind::Time => Column::Time(Int64Builder::new()),
            Kind::Text => Column::Text(StringBuilder::new()),
            Kind::Nested | Kind::Empty => Column::Empty,
        }
    }

    fn finish(self, rows: usize) -> Cells {
        match self {
            Column::Boolean(mut builder) => Cells::Boolean(builder.finish()),
            Column::Integer(mut builder) => Cells::Integer(builder.finish()),
            Column::Big(mut builder) => Cells::Big(builder.finish()),
            Column::Real(mut builder) => Cells::Real(builder.finish()),
            Column::Time(mut builder) => Cells::Time(builder.finish()),
            Column::Text(mut builder) => Cells::Text(builder.finish()),
            Column::Empty => Cells::Empty(rows),
        }
    }
}
