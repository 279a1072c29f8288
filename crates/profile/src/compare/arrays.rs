//! numpy arrays: which came and went, changed their shape or type, and how many elements differ.

use std::collections::BTreeMap;

use super::pairing::Pair;
use crate::difference::{ArrayChange, Side};
use crate::format::Layout;
use crate::profile::Profile;
use crate::read::npy::{Described, Npy};
use crate::read::shared::Shared;
use crate::{Error, Limits, Part};

/// Of two single files of arrays; of others nothing. `cells`: by pair of columns, the elements that differ at the same place.
pub(crate) fn changes(
    (before, after): (&[Part], &[Part]),
    pairs: &[Pair],
    (was, is): (&Profile, &Profile),
    cells: Option<&[u64]>,
    limits: &Limits,
) -> Result<Vec<ArrayChange>, Error> {
    let (Some(old), Some(new)) = (arrays(before, limits)?, arrays(after, limits)?) else { return Ok(Vec::new()) };
    let mut names: BTreeMap<String, (Option<&Described>, Option<&Described>)> = BTreeMap::new();
    old.iter().for_each(|array| names.entry(array.name.clone()).or_default().0 = Some(array));
    new.iter().for_each(|array| names.entry(array.name.clone()).or_default().1 = Some(array));
    let changes = names.into_iter().filter_map(|(name, (before, after))| {
        let elements_changed = before.zip(after).filter(|(before, after)| before.shape == after.shape).and_then(|(_, after)| {
            let ours = pairs.iter().zip(cells?).filter(|(pair, _)| {
                let named = &is.columns[pair.after].name;
                after.columns.contains(named) && was.columns[pair.before].name == *named
            });
            Some(ours.map(|(_, cells)| cells).sum())
        });
        let shape = Side { before: before.map(|array| array.shape.clone()), after: after.map(|array| array.shape.clone()) };
        let dtype = Side { before: before.map(|array| array.dtype.clone()), after: after.map(|array| array.dtype.clone()) };
        let same = shape.before == shape.after && dtype.before == dtype.after && elements_changed == Some(0);
        (!same).then_some(ArrayChange { name, shape, dtype, elements_changed })
    });
    Ok(changes.collect())
}

fn arrays(parts: &[Part], limits: &Limits) -> Result<Option<Vec<Described>>, Error> {
    let [only] = parts else { return Ok(None) };
    if !matches!(only.format.layout, Layout::Npy | Layout::Npz) {
        return Ok(None);
    }
    let input = Shared::new((only.open)()?)?;
    Ok(Some(Npy::open(input, only.format, limits)?.describe()))
}
