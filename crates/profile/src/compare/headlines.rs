//! What of a difference is worth saying, the most important first.

use crate::difference::{ColumnChange, Difference, Headline};

/// A difference is told if it is one in a hundred false alarms, and large enough to matter.
const Q_MAX: f64 = 0.01;
const MISSING_SHARE_MIN: f64 = 0.01;
const KS_MIN: f64 = 0.05;
const PSI_MIN: f64 = 0.1;
const CRAMERS_V_MIN: f64 = 0.05;

pub(crate) fn of(difference: &Difference) -> Vec<Headline> {
    let mut said = Vec::new();
    if difference.same_values {
        return vec![Headline::SameValues];
    }
    if difference.arrays.iter().any(|array| array.shape.before != array.shape.after || array.dtype.before != array.dtype.after) {
        said.push(Headline::Arrays);
    }
    let label = difference.labels.as_ref().map(|labels| labels.column.as_str());
    if label.is_some() {
        said.push(Headline::Labels);
    }
    let schema = &difference.schema;
    if !(schema.added.is_empty() && schema.removed.is_empty() && schema.renamed.is_empty() && schema.retyped.is_empty()) {
        said.push(Headline::Schema);
    }
    if difference.row_counts.added + difference.row_counts.removed > 0 {
        said.push(Headline::Rows);
    }
    let changed =
        |column: &ColumnChange| column.cells_changed.filter(|cells| *cells > 0 && label != Some(&column.name)).map(|cells| cells as f64);
    said.extend(told(difference, changed).map(Headline::Cells));
    said.extend(told(difference, |column| missing(column, difference)).map(Headline::Missing));
    said.extend(told(difference, drifted).map(Headline::Drifted));
    if !difference.parts.is_empty() {
        said.push(Headline::Parts);
    }
    if difference.reordered {
        said.push(Headline::Reordered);
    }
    // only the columns stand in another order
    if said.is_empty() && schema.reordered {
        said.push(Headline::Schema);
    }
    said
}

/// The names of the columns with a weight, the heaviest first.
fn told(difference: &Difference, weight: impl Fn(&ColumnChange) -> Option<f64>) -> Option<Vec<String>> {
    let mut columns: Vec<(f64, &str)> =
        difference.columns.iter().filter_map(|column| Some((weight(column)?, column.name.as_str()))).collect();
    columns.sort_by(|a, b| b.0.total_cmp(&a.0));
    (!columns.is_empty()).then(|| columns.into_iter().map(|(_, name)| name.to_owned()).collect())
}

fn missing(column: &ColumnChange, difference: &Difference) -> Option<f64> {
    let share = |missing: u64, rows: u64| missing as f64 / rows.max(1) as f64;
    let change = (share(column.missing.after, difference.rows.after) - share(column.missing.before, difference.rows.before)).abs();
    (column.drift.missing_q? <= Q_MAX && change >= MISSING_SHARE_MIN).then_some(change)
}

fn drifted(column: &ColumnChange) -> Option<f64> {
    let drift = &column.drift;
    let psi = drift.psi.zip(drift.psi_limit).is_some_and(|(psi, limit)| psi >= PSI_MIN && psi > limit);
    let far = drift.ks.is_some_and(|ks| ks >= KS_MIN) || drift.ks.is_none() && drift.cramers_v.is_some_and(|v| v >= CRAMERS_V_MIN) || psi;
    (drift.q? <= Q_MAX && far).then(|| drift.js.or(drift.ks).or(drift.cramers_v).unwrap_or(0.0))
}
