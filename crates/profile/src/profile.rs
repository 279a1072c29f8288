//! One table, column by column.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::accumulate::Accumulator;
use crate::bins::Bins;
use crate::categories::{Categories, Distinct};
use crate::moments::Moments;
use crate::table::{Batch, Cells, Field, Table};
use crate::value::{Kind, Value};
use crate::{Bytes, Error, Format, Limits, read, words};

/// What a table looks like.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    /// How many rows it has.
    pub rows: u64,
    /// Its columns, in order.
    pub columns: Vec<Column>,
    /// The latest day in its columns `year`, `month` and `day`, if it has them: microseconds since 1970, UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latest_day: Option<i64>,
}

/// What one column looks like. Every number in it is finite.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub kind: Kind,
    /// Its type as the format names it: `int32`, `timestamp[us, UTC]`.
    pub stored: String,
    /// How many cells it has, null or not.
    pub count: u64,
    /// Missing cells.
    pub null: u64,
    /// Cells that are not a number, where numbers are.
    pub nan: u64,
    /// Cells that are an infinite number.
    pub infinite: u64,
    /// The least value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<Value>,
    /// The greatest value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<Value>,
    /// Mean and spread of its finite numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moments: Option<Moments>,
    /// How many different values it has.
    pub distinct: Distinct,
    /// The histogram of its numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bins: Option<Bins>,
    /// How often each value occurs, where they are few, and the frequent texts where they are many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub categories: Option<Categories>,
    /// The latest moment, where texts or whole numbers mean moments: microseconds since 1970, UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latest: Option<i64>,
}

impl Column {
    /// Cells that hold a value: neither null nor NaN.
    pub fn present(&self) -> u64 {
        self.count - self.null - self.nan
    }

    /// The share of cells that hold none; 0 of no cells.
    pub fn missing_share(&self) -> f64 {
        if self.count == 0 { 0.0 } else { (self.null + self.nan) as f64 / self.count as f64 }
    }

    /// The mean of its finite numbers.
    pub fn mean(&self) -> Option<f64> {
        self.moments.filter(|moments| moments.n > 0).map(|moments| moments.mean)
    }
}

/// The bins and categories of a reference, frozen: another table counted over them can be compared with it, and added to others like it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Frame {
    /// By column name.
    pub columns: HashMap<String, ColumnFrame>,
}

/// Of one column.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ColumnFrame {
    /// Of its numbers.
    pub edges: Option<Vec<f64>>,
    /// The least and the greatest number.
    pub range: Option<(f64, f64)>,
    /// Its values, where they are few.
    pub categories: Option<Vec<Value>>,
}

impl Profile {
    /// A column by its name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// What another table must be counted over to be compared with this one.
    pub fn frame(&self) -> Frame {
        let of = |column: &Column| ColumnFrame {
            edges: column.bins.as_ref().map(|bins| bins.edges.clone()),
            range: column.bins.as_ref().and_then(|bins| bins.range),
            categories: column
                .categories
                .as_ref()
                .map(|categories| categories.counts.iter().map(|counted| counted.value.clone()).collect()),
        };
        Frame { columns: self.columns.iter().map(|column| (column.name.clone(), of(column))).collect() }
    }

    /// Only the most frequent categories of each column, the others summed: what is kept of a profile for long.
    pub fn trim(&mut self, categories: usize) {
        self.columns.iter_mut().filter_map(|column| column.categories.as_mut()).for_each(|found| found.trim(categories));
    }
}

/// Describes a table. Bins are cut from its own quantiles, which takes a second look at a table larger than the samples.
pub fn profile(input: Box<dyn Bytes>, format: Format, limits: &Limits) -> Result<Profile, Error> {
    let mut table = read::open(input, format, limits)?;
    Ok(describe(table.as_mut(), limits)?.0)
}

/// Describes a table over the bins and categories of another: one look. Columns that the other does not have get none.
pub fn profile_over(input: Box<dyn Bytes>, format: Format, frame: &Frame, limits: &Limits) -> Result<Profile, Error> {
    let mut table = read::open(input, format, limits)?;
    describe_over(table.as_mut(), frame, limits)
}

/// Numbers kept of each column, sorted, by the column's place.
pub(crate) type Samples = Vec<Vec<f64>>;

pub(crate) fn describe(table: &mut dyn Table, limits: &Limits) -> Result<(Profile, Samples), Error> {
    describe_with(table, limits, None)
}

/// Where a frame is given, its edges are taken instead of the table's own quantiles.
pub(crate) fn describe_with(table: &mut dyn Table, limits: &Limits, frame: Option<&Frame>) -> Result<(Profile, Samples), Error> {
    let fields = table.fields().to_vec();
    let ordered = fields.iter().filter(|field| field.kind.is_ordered()).count().max(1);
    let room = limits.sample_values_max.min(limits.sample_values_total_max / ordered);
    let mut columns: Vec<Accumulator> = fields.iter().map(|field| Accumulator::new(field, limits, room)).collect();
    for (column, field) in columns.iter_mut().zip(&fields) {
        if let Some(over) = frame.and_then(|frame| frame.columns.get(&field.name)) {
            column.count_over(over);
        }
    }
    let (rows, latest_day) = stream(table, &fields, &mut columns)?;

    let mut samples = Vec::with_capacity(fields.len());
    let mut bins: Vec<Option<Bins>> = Vec::with_capacity(fields.len());
    let mut again = vec![false; fields.len()];
    for (at, column) in columns.iter_mut().enumerate() {
        let Some((sorted, whole)) = column.take_sample() else {
            samples.push(Vec::new());
            bins.push(None);
            continue;
        };
        if column.has_bins() {
            samples.push(sorted);
            bins.push(None);
            continue;
        }
        let mut over = Bins::cut(&sorted);
        if whole {
            sorted.iter().for_each(|value| over.add(*value));
        }
        again[at] = !whole;
        samples.push(sorted);
        bins.push(Some(over));
    }
    let mut described: Vec<Column> = columns.into_iter().zip(&fields).map(|(column, field)| column.finish(field)).collect();
    for (over, column) in bins.iter_mut().zip(&described) {
        if let (Some(over), Some(Value::Real(_) | Value::Integer(_) | Value::Time(_))) = (over.as_mut(), &column.min) {
            over.range = column.min.as_ref().and_then(Value::as_f64).zip(column.max.as_ref().and_then(Value::as_f64));
        }
    }
    let infinite_left_out: Vec<bool> =
        described.iter().zip(&again).map(|(column, again)| column.infinite > 0 && !again && column.bins.is_none()).collect();
    again.iter_mut().zip(&infinite_left_out).for_each(|(again, left_out)| *again |= left_out);
    count_again(table, &again, &mut bins)?;
    described.iter_mut().zip(bins).filter(|(_, bins)| bins.is_some()).for_each(|(column, bins)| column.bins = bins);
    Ok((Profile { rows, columns: described, latest_day }, samples))
}

/// A second look at the columns whose sample was not the whole: into bins that are now known.
fn count_again(table: &mut dyn Table, again: &[bool], bins: &mut [Option<Bins>]) -> Result<(), Error> {
    if !again.contains(&true) {
        return Ok(());
    }
    for (bins, _) in bins.iter_mut().zip(again).filter(|(_, again)| **again) {
        if let Some(bins) = bins {
            *bins = Bins::over(std::mem::take(&mut bins.edges), bins.range);
        }
    }
    table.rewind(&|at| again[at])?;
    while let Some(batch) = table.next()? {
        for ((cells, bins), _) in batch.cells.iter().zip(bins.iter_mut()).zip(again).filter(|(_, again)| **again) {
            let Some(bins) = bins else { continue };
            match cells {
                Cells::Integer(array) | Cells::Time(array) => array.iter().flatten().for_each(|value| bins.add(value as f64)),
                Cells::Big(array) => array.iter().flatten().for_each(|value| bins.add(value as f64)),
                Cells::Real(array) => array.iter().flatten().filter(|value| !value.is_nan()).for_each(|value| bins.add(value)),
                _ => {}
            }
        }
    }
    Ok(())
}

pub(crate) fn describe_over(table: &mut dyn Table, frame: &Frame, limits: &Limits) -> Result<Profile, Error> {
    let fields = table.fields().to_vec();
    let none = ColumnFrame::default();
    let mut columns: Vec<Accumulator> =
        fields.iter().map(|field| Accumulator::framed(field, limits, frame.columns.get(&field.name).unwrap_or(&none))).collect();
    let (rows, latest_day) = stream(table, &fields, &mut columns)?;
    Ok(Profile { rows, columns: columns.into_iter().zip(&fields).map(|(column, field)| column.finish(field)).collect(), latest_day })
}

/// One look at the whole table: its rows, and the latest day in its columns `year`, `month` and `day`.
fn stream(table: &mut dyn Table, fields: &[Field], columns: &mut [Accumulator]) -> Result<(u64, Option<i64>), Error> {
    let day = ["year", "month", "day"].map(|word| fields.iter().position(|field| field.name.eq_ignore_ascii_case(word)));
    let (mut rows, mut latest) = (0, None);
    while let Some(batch) = table.next()? {
        rows += batch.rows as u64;
        for (column, cells) in columns.iter_mut().zip(&batch.cells) {
            column.add(cells);
        }
        if let [Some(year), Some(month), Some(day)] = day {
            latest = latest.max(latest_day(&batch, [year, month, day]));
        }
    }
    Ok((rows, latest))
}

fn latest_day(batch: &Batch, at: [usize; 3]) -> Option<i64> {
    let number = |column: usize, row: usize| match batch.cells[column].value(row)? {
        Value::Integer(value) => i16::try_from(value).ok(),
        Value::Real(value) if value.fract() == 0.0 && value.abs() < 1e4 => Some(value as i16),
        _ => None,
    };
    // the greatest triple is the latest day, so that only one is turned into a moment
    let days = (0..batch.rows).filter_map(|row| Some([number(at[0], row)?, number(at[1], row)?, number(at[2], row)?]));
    let possible = days.filter(|[year, month, day]| (1..=9999).contains(year) && (1..=12).contains(month) && (1..=31).contains(day));
    possible.max().and_then(|[year, month, day]| words::civil(year, month, day))
}
