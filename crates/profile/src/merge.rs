//! Adding profiles: of two parts of a table, over the same frame.

use crate::Error;
use crate::categories::Categories;
use crate::profile::{Column, Profile};
use crate::value::{Kind, Value};

impl Profile {
    /// Adds the profile of other rows. Both have the same columns; bins are added where both are over the same edges, and left out where they are not.
    /// Whichever way the rows were split, and in whichever order the parts are added, the counts come out equal.
    pub fn merge(&mut self, other: &Profile) -> Result<(), Error> {
        if self.columns.len() != other.columns.len() {
            return Err(Error::Unlike { why: format!("{} columns, and {}", self.columns.len(), other.columns.len()) });
        }
        if let Some((mine, theirs)) = self.columns.iter().zip(&other.columns).find(|(mine, theirs)| mine.name != theirs.name) {
            return Err(Error::Unlike { why: format!("a column {}, and a column {}", mine.name, theirs.name) });
        }
        if let Some((mine, theirs)) =
            self.columns.iter().zip(&other.columns).find(|(mine, theirs)| common(mine.kind, theirs.kind).is_none())
        {
            return Err(Error::Unlike { why: format!("column {}: {}, and {}", mine.name, mine.kind, theirs.kind) });
        }
        self.rows += other.rows;
        self.latest_day = self.latest_day.max(other.latest_day);
        for (mine, theirs) in self.columns.iter_mut().zip(&other.columns) {
            mine.merge(theirs);
        }
        Ok(())
    }
}

/// The kind that holds both.
pub(crate) fn common(a: Kind, b: Kind) -> Option<Kind> {
    match (a, b) {
        _ if a == b => Some(a),
        (Kind::Empty, kind) | (kind, Kind::Empty) => Some(kind),
        (Kind::Integer, Kind::Real) | (Kind::Real, Kind::Integer) => Some(Kind::Real),
        _ => None,
    }
}

impl Column {
    fn merge(&mut self, other: &Column) {
        // a part of nothing but nulls says nothing of what its moments would be
        self.latest = match (self.present() == 0, other.present() == 0) {
            (true, _) => other.latest,
            (_, true) => self.latest,
            _ => self.latest.zip(other.latest).map(|(a, b)| a.max(b)),
        };
        let kind = common(self.kind, other.kind).unwrap_or(self.kind);
        let (mine_empty, theirs_empty) = (self.kind == Kind::Empty, other.kind == Kind::Empty);
        let (mine, theirs) = (self.categories.take(), other.categories.clone());
        let (mine, theirs) = (mine.map(|found| found.into_kind(kind)), theirs.map(|found| found.into_kind(kind)));
        let counted = |found: &Option<Categories>| found.as_ref().map(|found| found.counts.clone()).unwrap_or_default();
        let (a, b) = (counted(&mine), counted(&theirs));
        let both = match (mine, theirs) {
            (Some(mine), Some(theirs)) => Some(mine.merge(theirs)),
            (Some(only), None) if other.present() == 0 => Some(only),
            (None, Some(only)) if self.present() == 0 => Some(only),
            _ => None,
        };
        self.distinct = match &both {
            // a side without a value adds none, and makes no count an estimate
            _ if other.present() == 0 => self.distinct.clone(),
            _ if self.present() == 0 => other.distinct.clone(),
            Some(both) if self.distinct.exact && other.distinct.exact && both.exact && both.other == 0 => crate::Distinct {
                count: both.counts.iter().filter(|counted| counted.count > 0).count() as u64,
                exact: true,
                sketch: Vec::new(),
            },
            _ => self.distinct.merge(&a, &other.distinct, &b).unwrap_or_else(|| self.distinct.clone()),
        };
        self.categories = both;
        if mine_empty {
            self.stored.clone_from(&other.stored);
        }
        self.kind = kind;
        self.count += other.count;
        self.null += other.null;
        self.nan += other.nan;
        self.infinite += other.infinite;
        self.min = least(self.min.take(), other.min.clone(), kind, false);
        self.max = least(self.max.take(), other.max.clone(), kind, true);
        self.moments = match (self.moments, other.moments) {
            (Some(mine), Some(theirs)) => Some(mine.merge(theirs)),
            (one, other) => one.or(other),
        };
        self.bins = match (self.bins.take(), &other.bins) {
            (Some(mut mine), Some(theirs)) => mine.merge(theirs).then_some(mine),
            (one, _) if theirs_empty => one,
            (None, other) if mine_empty => other.clone(),
            _ => None,
        };
    }
}

fn least(a: Option<Value>, b: Option<Value>, kind: Kind, most: bool) -> Option<Value> {
    let (a, b) = (a.map(|value| into_kind(value, kind)), b.map(|value| into_kind(value, kind)));
    match (a, b) {
        (Some(a), Some(b)) => Some(if (a < b) != most { a } else { b }),
        (a, b) => a.or(b),
    }
}

fn into_kind(value: Value, kind: Kind) -> Value {
    match (value, kind) {
        (Value::Integer(value), Kind::Real) => Value::Real(value as f64),
        (value, _) => value,
    }
}

impl Categories {
    fn into_kind(self, kind: Kind) -> Categories {
        let (other, exact) = (self.other, self.exact);
        Categories::of(self.counts.into_iter().map(|counted| (into_kind(counted.value, kind), counted.count)), other, exact)
    }

    /// Counts of equal values are added. A value that one side summed into its others makes the sum a lower bound.
    fn merge(self, other: Categories) -> Categories {
        let exact = self.exact && other.exact;
        let rest = self.other + other.other;
        let mut all: Vec<(Value, u64)> =
            self.counts.into_iter().chain(other.counts).map(|counted| (counted.value, counted.count)).collect();
        all.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        all.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            if same {
                kept.1 += next.1;
            }
            same
        });
        Categories::of(all, rest, exact)
    }
}
