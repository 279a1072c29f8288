//! What changed between two tables.
//!
//! ```text
//! columns are paired ─► both are described ─► rows in place ──equal──► done
//!                                               │  └─ the same sums ──► reordered
//!                                               ├─ alike in place ────► changed rows
//!                                               └─ not: rows without an equal one ─► partners ─► changed, added, removed
//! ```
//!
//! Memory: two profiles with their samples; the digests of [`Limits::row_digests_max`] rows of each side; the cells of the rows without an equal
//! one, [`Limits::changed_cells_max`] of each side; 16 bytes for each of at most 4 million changed rows.

mod arrays;
mod chain;
mod columns;
mod concentrate;
pub(crate) mod digest;
mod headlines;
mod multiset;
mod outcome;
mod pairing;
mod partners;
mod parts;
mod rows;
mod spread;

use crate::difference::{ColumnChange, Concentrated, Difference, Labels, Side};
use crate::profile::{Frame, Profile, describe_with};
use crate::table::Table;
use crate::value::Kind;
use crate::{Error, Limits, Part};
use chain::Chain;
use concentrate::{GROUPS_MAX, Marks, concentrate};
use outcome::Outcome;
use pairing::Pair;

/// Values of a label, at most.
const CLASSES_MAX: u64 = 100;

/// What changed from one table to the other. Each is a file, or a folder of files with rows of the same kind. The formats may differ.
pub fn compare(before: &[Part], after: &[Part], limits: &Limits) -> Result<Difference, Error> {
    let (before, after) = (by_name(before), by_name(after));
    let (mut old, mut new) = (Chain::open(&before, limits)?, Chain::open(&after, limits)?);
    let (pairs, schema) = pairing::pair(&mut old, &mut new)?;
    old.rewind(&|_| true)?;
    let (was, samples_before) = describe_with(&mut old, limits, None)?;
    new.rewind(&|_| true)?;
    let frame = renamed(&was, &is_names(&new), &pairs);
    let (is, samples_after) = describe_with(&mut new, limits, Some(&frame))?;

    let outcome = Outcome::of(&mut old, &mut new, &pairs, (&was, &is), limits)?;
    let mut difference = Difference {
        rows: Side { before: was.rows, after: is.rows },
        row_counts: outcome.counts,
        reordered: outcome.reordered,
        schema,
        columns: columns::changes(&pairs, (&was, &is), (&samples_before, &samples_after), outcome.cells.as_deref()),
        arrays: arrays::changes((&before, &after), &pairs, (&was, &is), outcome.by_place.as_deref(), limits)?,
        parts: parts::changes(&before, &after, (&mut old, &mut new), &pairs)?,
        ..Difference::default()
    };
    untyped(&mut difference);
    say_where(&mut difference, &outcome, (&mut old, &mut new), (&was, &is), &pairs)?;
    difference.same_values = difference.schema.is_empty()
        && !difference.reordered
        && outcome.counts.changed + outcome.counts.added + outcome.counts.removed == 0
        && difference.parts.is_empty()
        && difference.arrays.is_empty();
    difference.headlines = headlines::of(&difference);
    Ok(difference)
}

/// A text file has no types: where every value is the same, none was changed.
fn untyped(difference: &mut Difference) {
    let same: Vec<&str> =
        difference.columns.iter().filter(|column| column.cells_changed == Some(0)).map(|column| column.name.as_str()).collect();
    let told = |change: &crate::Retyped| {
        change.stored.before == change.kind.before.to_string() || change.stored.after == change.kind.after.to_string()
    };
    difference.schema.retyped.retain(|change| !(told(change) && same.contains(&change.name.as_str())));
}

fn by_name<'a>(parts: &[Part<'a>]) -> Vec<Part<'a>> {
    let mut sorted: Vec<Part<'a>> =
        parts.iter().map(|part| Part { name: part.name.clone(), format: part.format, open: part.open }).collect();
    sorted.sort_by(|a, b| a.name.cmp(&b.name));
    sorted
}

fn is_names(table: &Chain) -> Vec<String> {
    table.fields().iter().map(|field| field.name.clone()).collect()
}

/// The frame of a profile, by the names that its columns have in the other table.
fn renamed(was: &Profile, names: &[String], pairs: &[Pair]) -> Frame {
    let mut frame = was.frame();
    let columns = pairs.iter().filter_map(|pair| Some((names[pair.after].clone(), frame.columns.remove(&was.columns[pair.before].name)?)));
    Frame { columns: columns.collect() }
}

/// Fills in what the changed, the added and the removed rows have in common, and from what to what a label changed.
fn say_where(
    difference: &mut Difference,
    outcome: &Outcome,
    (old, new): (&mut Chain, &mut Chain),
    (was, is): (&Profile, &Profile),
    pairs: &[Pair],
) -> Result<(), Error> {
    let label = outcome.label();
    // two groups are kept for the label and for what was added
    let top = outcome.most_changed(GROUPS_MAX - 2);
    if let Some(changed) = outcome.changed_rows((old, new), pairs, &top, label)? {
        let groups = top.len() + 2;
        let mut rows = changed.rows;
        rows.extend(outcome.added.iter().map(|row| (*row, 1 << (groups - 1))));
        rows.sort_unstable();
        let mut not: Vec<Option<usize>> = top.iter().map(|column| Some(pairs[*column].after)).collect();
        not.extend([label.map(|(column, _)| pairs[column].after), None]);
        let mut found = concentrate(new, is, &Marks { rows, groups, not })?;
        difference.added_in = found.pop().flatten();
        let of_label = found.pop().flatten();
        for (column, concentrated) in top.iter().zip(found) {
            difference.columns[*column].concentrated = concentrated;
        }
        if let Some((column, rows)) = label {
            difference.labels = Some(labels(&difference.columns[column], rows, is.rows, changed.flips, of_label));
        }
    }
    if !outcome.removed.is_empty() {
        let rows = outcome.removed.iter().map(|row| (*row, 1)).collect();
        difference.removed_in = concentrate(old, was, &Marks { rows, groups: 1, not: vec![None] })?.pop().flatten();
    }
    Ok(())
}

fn labels(column: &ColumnChange, rows: u64, all: u64, flips: Vec<crate::Flip>, concentrated: Option<Concentrated>) -> Labels {
    let few_values = column.distinct.before.max(column.distinct.after) <= CLASSES_MAX && column.kind != Kind::Real;
    Labels { column: column.name.clone(), rows, share: rows as f64 / all.max(1) as f64, few_values, flips, concentrated }
}
