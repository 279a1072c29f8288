//! What is counted while the cells of a column stream by.

use std::collections::HashMap;

use arrow_array::Array;
use foldhash::fast::FixedState;

use crate::Limits;
use crate::bins::Bins;
use crate::categories::{Categories, Counter, Distinct, Tally, number_digest, text_digest};
use crate::event;
use crate::moments::Moments;
use crate::profile::{Column, ColumnFrame};
use crate::sample::Sample;
use crate::table::{Cells, Field};
use crate::value::{Kind, Value};
use crate::words;

/// Distinct numbers of a column that are counted exactly.
const NUMBERS_MAX: usize = 1000;
/// Longer texts are counted by what they begin with.
const TEXT_BYTES_MAX: usize = 256;

/// One column under way.
pub(crate) struct Accumulator {
    kind: Kind,
    count: u64,
    null: u64,
    nan: u64,
    infinite: u64,
    least: Option<Value>,
    most: Option<Value>,
    moments: Moments,
    tally: Option<Tally>,
    sample: Option<Sample>,
    bins: Option<Bins>,
    /// Counts over the categories of a reference.
    framed: Option<FramedTally>,
    dates: Dates,
    scratch: Vec<f64>,
}

/// Whether the values are moments, as long as all of them are.
struct Dates {
    asked: bool,
    latest: Option<i64>,
}

impl Dates {
    fn see(&mut self, moment: Option<i64>) {
        match moment {
            Some(at) => self.latest = self.latest.max(Some(at)),
            None => (self.asked, self.latest) = (false, None),
        }
    }
}

struct FramedTally {
    values: Vec<Value>,
    at: HashMap<Value, usize, FixedState>,
    /// The same of texts, which are looked up as they are.
    texts: HashMap<String, usize, FixedState>,
    counts: Vec<u64>,
    other: u64,
}

impl FramedTally {
    fn new(values: Vec<Value>) -> FramedTally {
        let places = || values.iter().cloned().enumerate();
        let texts = places().filter_map(|(at, value)| if let Value::Text(text) = value { Some((text, at)) } else { None }).collect();
        let at = places().filter(|(_, value)| !matches!(value, Value::Text(_))).map(|(at, value)| (value, at)).collect();
        FramedTally { counts: vec![0; values.len()], at, texts, values, other: 0 }
    }

    fn add(&mut self, cells: &Cells) {
        let mut see = |place: Option<&usize>| match place {
            Some(at) => self.counts[*at] += 1,
            None => self.other += 1,
        };
        match cells {
            Cells::Text(array) => array.iter().flatten().for_each(|text| see(self.texts.get(cut(text)))),
            _ => (0..cells.len()).filter_map(|row| cells.value(row)).for_each(|value| see(self.at.get(&value))),
        }
    }
}

impl Accumulator {
    /// For the first look at a column.
    pub fn new(field: &Field, limits: &Limits, sample_room: usize) -> Accumulator {
        let kind = field.kind;
        let tally = match kind {
            Kind::Text => Some(Tally::Texts(Counter::new(limits.categories_max, true))),
            Kind::Nested | Kind::Empty => None,
            _ => Some(Tally::Numbers(Counter::new(NUMBERS_MAX, false))),
        };
        Accumulator {
            kind,
            count: 0,
            null: 0,
            nan: 0,
            infinite: 0,
            least: None,
            most: None,
            moments: Moments::default(),
            tally,
            sample: kind.is_ordered().then(|| Sample::new(sample_room)),
            bins: None,
            framed: None,
            dates: Dates { asked: kind == Kind::Text || kind == Kind::Integer && event::names_time(&field.name), latest: None },
            scratch: Vec::new(),
        }
    }

    /// For a look over the bins and categories of a reference.
    pub fn framed(field: &Field, limits: &Limits, frame: &ColumnFrame) -> Accumulator {
        let mut accumulator = Accumulator::new(field, limits, 1);
        accumulator.sample = None;
        accumulator.count_over(frame);
        if let Some(values) = frame.categories.clone() {
            accumulator.framed = Some(FramedTally::new(values));
        }
        accumulator
    }

    /// Counts numbers over the bins of a reference.
    pub fn count_over(&mut self, frame: &ColumnFrame) {
        if self.kind.is_ordered() {
            self.bins = frame.edges.clone().map(|edges| Bins::over(edges, frame.range));
        }
    }

    pub fn has_bins(&self) -> bool {
        self.bins.is_some()
    }

    pub fn add(&mut self, cells: &Cells) {
        self.count += cells.len() as u64;
        self.null += cells.null_count() as u64;
        if let Some(framed) = &mut self.framed {
            framed.add(cells);
        }
        match cells {
            Cells::Boolean(array) => self.numbers(array.iter().flatten().map(|value| (f64::from(u8::from(value)), u64::from(value)))),
            Cells::Integer(array) => {
                self.integers(array.iter().flatten().map(i128::from));
                self.numbers(array.iter().flatten().map(|value| (value as f64, value as u64)));
            }
            Cells::Big(array) => {
                self.integers(array.iter().flatten().map(i128::from));
                self.numbers(array.iter().flatten().map(|value| (value as f64, value)));
            }
            Cells::Time(array) => {
                let (low, high) = span(array.iter().flatten());
                self.widen(low.map(Value::Time), high.map(Value::Time));
                self.numbers(array.iter().flatten().map(|value| (value as f64, value as u64)));
            }
            Cells::Real(array) if array.null_count() == 0 => {
                self.numbers(array.values().iter().map(|value| (*value, number_digest(*value))))
            }
            Cells::Real(array) => self.numbers(array.iter().flatten().map(|value| (value, number_digest(value)))),
            Cells::Text(array) => array.iter().flatten().for_each(|text| self.text(text)),
            Cells::Nested(_) | Cells::Empty(_) => {}
        }
    }

    /// Numbers with what tells them apart from others.
    fn numbers(&mut self, values: impl Iterator<Item = (f64, u64)>) {
        let mut finite = std::mem::take(&mut self.scratch);
        finite.clear();
        for (value, key) in values {
            if value.is_finite() {
                finite.push(value);
            } else if value.is_nan() {
                self.nan += 1;
                continue;
            } else {
                self.infinite += 1;
            }
            if let Some(Tally::Numbers(counter)) = &mut self.tally {
                counter.add(&key, || key, || key, |key| *key);
            }
            if let Some(bins) = &mut self.bins {
                bins.add(value);
            }
        }
        self.moments = self.moments.merge(Moments::of(&finite));
        if let Some(sample) = &mut self.sample {
            sample.extend(&finite);
        }
        if self.kind == Kind::Real {
            // 0 and −0 are one value
            let low = finite.iter().copied().reduce(f64::min).map(|value| Value::Real(value + 0.0));
            let high = finite.iter().copied().reduce(f64::max).map(|value| Value::Real(value + 0.0));
            self.widen(low, high);
        }
        self.scratch = finite;
    }

    fn integers(&mut self, values: impl Iterator<Item = i128> + Clone) {
        let (low, high) = span(values.clone());
        self.widen(low.map(Value::Integer), high.map(Value::Integer));
        if self.dates.asked {
            values.for_each(|value| {
                if self.dates.asked {
                    self.dates.see(event::of_integer(value));
                }
            });
        }
    }

    fn text(&mut self, text: &str) {
        if self.dates.asked {
            self.dates.see(words::loose_time(text.as_bytes()));
        }
        let text = cut(text);
        // most texts lie in between
        if self.least.as_ref().is_none_or(|least| matches!(least, Value::Text(least) if text < least.as_str())) {
            self.least = Some(Value::Text(text.to_owned()));
        }
        if self.most.as_ref().is_none_or(|most| matches!(most, Value::Text(most) if text > most.as_str())) {
            self.most = Some(Value::Text(text.to_owned()));
        }
        if let Some(Tally::Texts(counter)) = &mut self.tally {
            counter.add(text, || text.into(), || text_digest(text.as_bytes()), |text| text_digest(text.as_bytes()));
        }
    }

    fn widen(&mut self, low: Option<Value>, high: Option<Value>) {
        if let Some(low) = low
            && self.least.as_ref().is_none_or(|least| low < *least)
        {
            self.least = Some(low);
        }
        if let Some(high) = high
            && self.most.as_ref().is_none_or(|most| high > *most)
        {
            self.most = Some(high);
        }
    }

    /// The numbers kept for quantiles, sorted, and whether they are all.
    pub fn take_sample(&mut self) -> Option<(Vec<f64>, bool)> {
        self.sample.take().map(|sample| {
            let whole = sample.is_whole();
            (sample.into_sorted(), whole)
        })
    }

    /// Ends the column.
    pub fn finish(self, field: &Field) -> Column {
        let kind = self.kind;
        // with values above i64's there are none below 0
        let unsigned = matches!(self.most, Some(Value::Integer(most)) if most > i128::from(i64::MAX));
        let (categories, distinct) = match self.tally {
            None => (None, Distinct::exactly(0)),
            Some(Tally::Texts(counter)) => counter.finish(|text| Value::Text(text.to_string())),
            Some(Tally::Numbers(counter)) => counter.finish(|key| number(kind, unsigned, *key)),
        };
        let categories = match self.framed {
            Some(framed) => Some(Categories::of(framed.values.into_iter().zip(framed.counts), framed.other, true)),
            // an infinite number is a value, but none that could be written down
            None => categories.map(|found| without_infinities(found, self.infinite)),
        };
        Column {
            name: field.name.clone(),
            kind,
            stored: field.stored.clone(),
            count: self.count,
            null: self.null,
            nan: self.nan,
            infinite: self.infinite,
            min: if kind == Kind::Boolean { extreme(&categories, false) } else { self.least },
            max: if kind == Kind::Boolean { extreme(&categories, true) } else { self.most },
            moments: matches!(kind, Kind::Boolean | Kind::Integer | Kind::Real).then_some(self.moments),
            distinct,
            bins: self.bins,
            categories,
            latest: self.dates.latest,
        }
    }
}

fn extreme(categories: &Option<Categories>, last: bool) -> Option<Value> {
    let present =
        categories.iter().flat_map(|categories| &categories.counts).filter(|counted| counted.count > 0).map(|counted| &counted.value);
    if last { present.max().cloned() } else { present.min().cloned() }
}

fn without_infinities(found: Categories, infinite: u64) -> Categories {
    if infinite == 0 {
        return found;
    }
    let finite = found.counts.into_iter().filter(|counted| !matches!(counted.value, Value::Real(value) if !value.is_finite()));
    Categories::of(finite.map(|counted| (counted.value, counted.count)), found.other + infinite, found.exact)
}

fn number(kind: Kind, unsigned: bool, key: u64) -> Value {
    match kind {
        Kind::Boolean => Value::Boolean(key != 0),
        Kind::Real => Value::Real(f64::from_bits(key)),
        Kind::Time => Value::Time(key as i64),
        _ if unsigned => Value::Integer(i128::from(key)),
        _ => Value::Integer(i128::from(key as i64)),
    }
}

fn span<T: Ord + Copy>(values: impl Iterator<Item = T>) -> (Option<T>, Option<T>) {
    values.fold((None, None), |(low, high), value| {
        (Some(low.map_or(value, |low: T| low.min(value))), Some(high.map_or(value, |high: T| high.max(value))))
    })
}

/// The text, or as much of it as is counted.
pub(crate) fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(TEXT_BYTES_MAX)]
}
