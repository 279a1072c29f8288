//! Which columns of two tables are compared with each other.

use super::chain::Chain;
use super::digest::{self, Mode};
use crate::Error;
use crate::difference::{Retyped, SchemaChange, Side};
use crate::table::{Field, Table};
use crate::value::Kind;

/// A column that both tables have.
#[derive(Debug, Clone)]
pub(crate) struct Pair {
    pub before: usize,
    pub after: usize,
    pub mode: Mode,
}

/// The columns of both, in the order of the table after, and what changed about columns.
pub(crate) fn pair(before: &mut Chain, after: &mut Chain) -> Result<(Vec<Pair>, SchemaChange), Error> {
    let (old, new) = (before.fields().to_vec(), after.fields().to_vec());
    let mut pairs: Vec<Pair> = Vec::new();
    let mut schema = SchemaChange::default();
    for (at, field) in new.iter().enumerate() {
        match old.iter().position(|other| other.name == field.name) {
            Some(was) => pairs.push(Pair { before: was, after: at, mode: Mode::of(&old[was], field) }),
            None => schema.added.push(field.name.clone()),
        }
    }
    schema.removed = old.iter().filter(|field| !new.iter().any(|other| other.name == field.name)).map(|field| field.name.clone()).collect();
    if !schema.added.is_empty() && !schema.removed.is_empty() {
        rename(before, after, &mut schema)?;
        let at = |fields: &[Field], name: &str| fields.iter().position(|field| field.name == name);
        for (was, is) in &schema.renamed {
            if let (Some(was), Some(is)) = (at(&old, was), at(&new, is)) {
                pairs.push(Pair { before: was, after: is, mode: Mode::of(&old[was], &new[is]) });
            }
        }
        pairs.sort_by_key(|pair| pair.after);
    }
    for pair in &pairs {
        let (was, is) = (&old[pair.before], &new[pair.after]);
        if retyped(was, is) {
            let (kind, stored) = (Side { before: was.kind, after: is.kind }, Side { before: was.stored.clone(), after: is.stored.clone() });
            schema.retyped.push(Retyped { name: is.name.clone(), kind, stored });
        }
    }
    schema.reordered = pairs.windows(2).any(|two| two[0].before > two[1].before);
    Ok((pairs, schema))
}

/// Another kind of values; or another precision, where both formats say one. An empty column has no type to change.
fn retyped(was: &Field, is: &Field) -> bool {
    if was.kind == Kind::Empty || is.kind == Kind::Empty {
        return false;
    }
    // a text file names kinds only, and each format has its own names for what is nested
    let typed = |field: &Field| field.stored != field.kind.to_string() && field.kind != Kind::Nested;
    was.kind != is.kind || typed(was) && typed(is) && was.stored != is.stored
}

/// Columns with other names but the same values: as many of each, in whatever order.
fn rename(before: &mut Chain, after: &mut Chain, schema: &mut SchemaChange) -> Result<(), Error> {
    let old = sums(before, &schema.removed)?;
    let new = sums(after, &schema.added)?;
    let mut taken = vec![false; old.len()];
    for (is, sum) in schema.added.clone().into_iter().zip(new) {
        let same = (0..old.len()).find(|at| !taken[*at] && old[*at] == sum && sum.told);
        if let Some(at) = same {
            taken[at] = true;
            schema.renamed.push((schema.removed[at].clone(), is));
        }
    }
    schema.added.retain(|name| !schema.renamed.iter().any(|(_, is)| is == name));
    schema.removed.retain(|name| !schema.renamed.iter().any(|(was, _)| was == name));
    Ok(())
}

/// The values of a column, in whatever order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Sum {
    rows: u64,
    total: u64,
    /// It has more than one value: two constant columns are not one renamed.
    told: bool,
    first: u64,
}

fn sums(table: &mut Chain, names: &[String]) -> Result<Vec<Sum>, Error> {
    let places: Vec<usize> = names.iter().filter_map(|name| table.fields().iter().position(|field| field.name == *name)).collect();
    table.rewind(&|at| places.contains(&at))?;
    let mut sums = vec![Sum::default(); places.len()];
    let mut digests = Vec::new();
    while let Some(batch) = table.next()? {
        for (sum, place) in sums.iter_mut().zip(&places) {
            // what a text means is looked for on both sides: numbers that came as texts are still the same
            digest::cells(&batch.cells[*place], Mode::Number, batch.rows, &mut digests);
            if sum.rows == 0 {
                sum.first = digests.first().copied().unwrap_or(0);
            }
            sum.told |= digests.iter().any(|digest| *digest != sum.first);
            sum.rows += batch.rows as u64;
            sum.total = digests.iter().fold(sum.total, |total, digest| total.wrapping_add(digest::spread(*digest)));
        }
    }
    sums.iter_mut().for_each(|sum| sum.first = 0);
    Ok(sums)
}
