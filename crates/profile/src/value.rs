//! One cell, as it is shown and counted.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Nothing but nulls.
    Empty,
    /// True and false.
    Boolean,
    /// Whole numbers.
    Integer,
    /// Numbers with a fraction.
    Real,
    /// Moments in time, and dates.
    Time,
    /// Texts.
    Text,
    /// Lists, structures, bytes: compared, but not described.
    Nested,
}

impl Kind {
    /// Whether its values lie on a line, so that they have bins and a distance.
    pub fn is_ordered(self) -> bool {
        matches!(self, Kind::Integer | Kind::Real | Kind::Time)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Empty => "empty",
            Kind::Boolean => "boolean",
            Kind::Integer => "integer",
            Kind::Real => "real",
            Kind::Time => "time",
            Kind::Text => "text",
            Kind::Nested => "nested",
        })
    }
}

/// One value. Never NaN, and never infinite: those are counted apart.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    /// Of a boolean column.
    Boolean(bool),
    /// Of an integer column, exact also above 2⁵³.
    Integer(i128),
    /// Of a column of reals.
    Real(f64),
    /// Microseconds since 1970, UTC.
    Time(i64),
    /// Of a text column.
    Text(String),
}

impl Value {
    /// Where it lies on the line, if it is a number or a time.
    pub fn as_f64(&self) -> Option<f64> {
        match *self {
            Value::Boolean(value) => Some(f64::from(u8::from(value))),
            Value::Integer(value) => Some(value as f64),
            Value::Real(value) => Some(value),
            Value::Time(value) => Some(value as f64),
            Value::Text(_) => None,
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Value::Boolean(_) => 0,
            Value::Integer(_) => 1,
            Value::Real(_) => 2,
            Value::Time(_) => 3,
            Value::Text(_) => 4,
        }
    }
}

impl Eq for Value {}

impl Hash for Value {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Value::Boolean(value) => value.hash(state),
            Value::Integer(value) => value.hash(state),
            // 0 and −0 are equal
            Value::Real(value) => (value + 0.0).to_bits().hash(state),
            Value::Time(value) => value.hash(state),
            Value::Text(value) => value.hash(state),
        }
    }
}

impl PartialOrd for Value {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Value {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Value::Boolean(a), Value::Boolean(b)) => a.cmp(b),
            (Value::Integer(a), Value::Integer(b)) => a.cmp(b),
            (Value::Real(a), Value::Real(b)) => (a + 0.0).total_cmp(&(b + 0.0)),
            (Value::Time(a), Value::Time(b)) => a.cmp(b),
            (Value::Text(a), Value::Text(b)) => a.cmp(b),
            (a, b) => a.rank().cmp(&b.rank()),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Boolean(value) => write!(f, "{value}"),
            Value::Integer(value) => write!(f, "{value}"),
            // {} of a large real writes every digit of it
            Value::Real(value) if *value != 0.0 && !(1e-5..1e16).contains(&value.abs()) => write!(f, "{value:e}"),
            Value::Real(value) => write!(f, "{value}"),
            Value::Time(at) => match Timestamp::from_microsecond(*at) {
                Ok(at) => {
                    let text = at.to_string();
                    f.write_str(text.strip_suffix("T00:00:00Z").unwrap_or(&text))
                }
                Err(_) => write!(f, "{at} µs"),
            },
            Value::Text(value) => f.write_str(value),
        }
    }
}
