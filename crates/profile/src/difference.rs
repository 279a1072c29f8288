//! What changed between two tables, as a structure. How it is said is the caller's.

use serde::{Deserialize, Serialize};

use crate::value::{Kind, Value};

/// What changed between two tables.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Difference {
    /// Rows of the table before, and after.
    pub rows: Side<u64>,
    /// What became of the rows, over the columns that both have.
    pub row_counts: RowCounts,
    /// The same rows in another order.
    pub reordered: bool,
    /// Nothing differs but how it is written: quotes, `1.0` for `1`, another format.
    pub same_values: bool,
    /// Columns that came, went, or changed their type.
    pub schema: SchemaChange,
    /// Each column that both have, in the order of the table after.
    pub columns: Vec<ColumnChange>,
    /// What looks like a changed label.
    pub labels: Option<Labels>,
    /// What the rows that were added have in common.
    pub added_in: Option<Concentrated>,
    /// What the rows that were removed have in common.
    pub removed_in: Option<Concentrated>,
    /// Parts of a table of several files that came, went or changed.
    pub parts: Vec<PartChange>,
    /// For numpy arrays: what changed in each.
    pub arrays: Vec<ArrayChange>,
    /// The most important first.
    pub headlines: Vec<Headline>,
}

/// One thing, before and after.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Side<T> {
    /// In the first table.
    pub before: T,
    /// In the second.
    pub after: T,
}

/// What became of the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RowCounts {
    /// In the second table, with no partner in the first.
    pub added: u64,
    /// In the first, with no partner in the second.
    pub removed: u64,
    /// In both, with some cell changed: a partner was found by the other cells, by its key, or by its place.
    pub changed: u64,
    /// In both, equal.
    pub equal: u64,
    /// Partners were looked for. If not, there were too many rows without an equal one, and they count as added and removed.
    pub matched: bool,
}

/// Columns that came, went, or changed their type.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SchemaChange {
    /// Only in the second table.
    pub added: Vec<String>,
    /// Only in the first.
    pub removed: Vec<String>,
    /// A column under another name with the same values: (before, after). They are in neither list above.
    pub renamed: Vec<(String, String)>,
    /// In both, of another type.
    pub retyped: Vec<Retyped>,
    /// The same columns in another order.
    pub reordered: bool,
}

impl SchemaChange {
    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        *self == SchemaChange::default()
    }
}

/// A column whose type changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retyped {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub kind: Side<Kind>,
    /// Its types as the formats name them.
    pub stored: Side<String>,
}

/// One column in both tables.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ColumnChange {
    /// Its name, in the second table.
    pub name: String,
    /// What it holds, in the second table.
    pub kind: Kind,
    /// Rows in which its cell changed; nothing if partners of rows were not found.
    pub cells_changed: Option<u64>,
    /// Cells without a value: null or NaN.
    pub missing: Side<u64>,
    /// Cells that are an infinite number.
    pub infinite: Side<u64>,
    /// The least value.
    pub min: Side<Option<Value>>,
    /// The greatest value.
    pub max: Side<Option<Value>>,
    /// The mean of its finite numbers.
    pub mean: Side<Option<f64>>,
    /// Different values.
    pub distinct: Side<u64>,
    /// How far apart the two distributions are.
    pub drift: Drift,
    /// How its values are spread in both; nothing where that is not known, or says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spread: Option<Spread>,
    /// Values that only the second table has, with their counts, the most frequent first.
    pub new_values: Vec<(Value, u64)>,
    /// Values that only the first table has.
    pub vanished_values: Vec<(Value, u64)>,
    /// What the rows share in which this column changed.
    pub concentrated: Option<Concentrated>,
}

/// How a column's values are spread in both tables. On each side all of it adds up to the cells that hold a value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Spread {
    /// Numbers and times, over the same bins. Those of the drift.
    Bins(SpreadBins),
    /// Flags, words, and numbers of which there are few: each value by itself.
    Values(SpreadValues),
}

/// Numbers and times of both tables over bins that were cut from the first. Times are microseconds since 1970, UTC.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SpreadBins {
    /// e₁ < e₂ < … < eₖ: the bins are (−∞, e₁], (e₁, e₂], …, (eₖ, ∞).
    pub edges: Vec<f64>,
    /// The least and the greatest finite value; nothing if there is none.
    pub range: Side<Option<(f64, f64)>>,
    /// One for each bin: one more than edges.
    pub counts: Side<Vec<u64>>,
}

/// Values of both tables, each with its counts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SpreadValues {
    /// Words by the share of the rows that they have at most on a side, the largest first; flags and numbers in their order.
    pub counts: Vec<(Value, Side<u64>)>,
    /// Cells that hold none of these.
    pub other: Side<u64>,
}

/// How far apart two distributions are. A measure that does not apply, or has nothing to measure, is absent; none is NaN.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Drift {
    /// Population stability index over the bins of the first table, half a count added to each bin.
    pub psi: Option<f64>,
    /// What it stays below in 99 of 100 cases when nothing changed.
    pub psi_limit: Option<f64>,
    /// Jensen–Shannon distance, base 2.
    pub js: Option<f64>,
    /// Kolmogorov–Smirnov statistic of the numbers.
    pub ks: Option<f64>,
    /// Wasserstein distance of the numbers, in the column's unit.
    pub wasserstein: Option<f64>,
    /// The same by the standard deviation of the first table.
    pub wasserstein_normed: Option<f64>,
    /// Cramér's V of the categories.
    pub cramers_v: Option<f64>,
    /// Of the test that fits: Kolmogorov–Smirnov for numbers, chi² for categories.
    pub p: Option<f64>,
    /// That p among those of all columns (Benjamini–Hochberg).
    pub q: Option<f64>,
    /// Of the change of the share of missing cells.
    pub missing_p: Option<f64>,
    /// That p among those of all columns.
    pub missing_q: Option<f64>,
    /// KS and Wasserstein are of a sample of the numbers, not of all.
    pub sampled: bool,
}

/// A value that the rows in question share, and the other rows do not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Concentrated {
    /// The column.
    pub column: String,
    /// From this value …
    pub from: Value,
    /// … to this; the same for a single value.
    pub to: Value,
    /// The share of the rows in question in which it is so.
    pub inside: f64,
    /// The share of the other rows.
    pub outside: f64,
}

/// The single column in which rows changed, nothing else of them having changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Labels {
    /// The column.
    pub column: String,
    /// Rows in which it alone changed.
    pub rows: u64,
    /// Their share of the rows of the second table.
    pub share: f64,
    /// Its values are few, as those of a label are: these are flips of classes, not of measurements.
    pub few_values: bool,
    /// From what to what, the most frequent first.
    pub flips: Vec<Flip>,
    /// What these rows share.
    pub concentrated: Option<Concentrated>,
}

/// One kind of change of a cell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Flip {
    /// What it was; nothing for a missing cell.
    pub from: Option<Value>,
    /// What it is.
    pub to: Option<Value>,
    /// In that many rows.
    pub rows: u64,
}

/// A part of a table of several files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartChange {
    /// Its name.
    pub name: String,
    /// What became of it.
    pub state: PartState,
    /// Its rows.
    pub rows: Side<Option<u64>>,
}

/// What became of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartState {
    /// Only in the second table.
    Added,
    /// Only in the first.
    Removed,
    /// In both, with other rows.
    Changed,
    /// In both, with the same rows in another order.
    Reordered,
}

/// One numpy array in both files.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ArrayChange {
    /// Its name in an npz; empty in an npy.
    pub name: String,
    /// The shape; nothing where it is not there.
    pub shape: Side<Option<Vec<u64>>>,
    /// The type of an element.
    pub dtype: Side<Option<String>>,
    /// Elements at the same place that differ; nothing if the shapes do.
    pub elements_changed: Option<u64>,
}

/// What is worth saying, in the order in which it should be said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Headline {
    /// One column alone changed, as labels do: see [`Difference::labels`]. It is not among the changed cells.
    Labels,
    /// Columns came, went, or changed their type.
    Schema,
    /// Rows were added or removed.
    Rows,
    /// Cells changed in these columns, the most changed first.
    Cells(Vec<String>),
    /// The share of missing cells changed in these columns.
    Missing(Vec<String>),
    /// The distribution of these columns changed, the most first.
    Drifted(Vec<String>),
    /// Arrays changed their shape or type.
    Arrays,
    /// Parts came, went or changed.
    Parts,
    /// The same rows in another order.
    Reordered,
    /// The same values, written otherwise.
    SameValues,
}
