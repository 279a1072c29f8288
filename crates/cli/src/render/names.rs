//! Names of things, as short as they can be typed back.

use std::cell::Cell;

/// How many names of a page are looked up.
const LOOKED_UP_MAX: usize = 1_000;
/// Hex digits of a run's id.
pub const RUN_DIGITS: usize = 6;
/// Hex digits of a digest.
pub const DIGEST_DIGITS: usize = 8;

/// Says whether a shortened name (`run:3f2a9c`, `b3:77ab1290`) means one thing only.
pub trait Unique {
    /// Whether it does.
    fn is_unique(&self, short: &str) -> bool;
}

/// Every name is taken to be unique, as where there is no record to look into.
#[derive(Debug, Clone, Copy)]
pub struct Trusting;

impl Unique for Trusting {
    fn is_unique(&self, _: &str) -> bool {
        true
    }
}

/// In a record. A page of thousands of names is not looked up name by name: from [`LOOKED_UP_MAX`] on they are taken to be unique.
pub struct Within<'a> {
    view: &'a keizu_ledger::View<'a>,
    left: Cell<usize>,
}

impl<'a> Within<'a> {
    /// In the record of this view.
    pub const fn new(view: &'a keizu_ledger::View<'a>) -> Self {
        Self { view, left: Cell::new(LOOKED_UP_MAX) }
    }
}

impl Unique for Within<'_> {
    fn is_unique(&self, short: &str) -> bool {
        let left = self.left.get();
        self.left.set(left.saturating_sub(1));
        // a prefix never leads out of the record, so the folder does not matter
        left == 0 || !matches!(self.view.resolve(short, std::path::Path::new("/")), Err(keizu_ledger::Error::Ambiguous { .. }))
    }
}

/// `run:3f2a9c`, longer only where that is ambiguous.
pub fn run(id: &str, unique: &dyn Unique) -> String {
    shortest(id, "run:", RUN_DIGITS, unique)
}

/// `77ab1290`, longer only where that is ambiguous; as columns show it, without `b3:`.
pub fn digest(id: &str, unique: &dyn Unique) -> String {
    shortest(id, "b3:", DIGEST_DIGITS, unique).trim_start_matches("b3:").to_owned()
}

fn shortest(id: &str, prefix: &str, digits: usize, unique: &dyn Unique) -> String {
    let Some(hex) = id.strip_prefix(prefix) else { return id.to_owned() };
    let candidates = (digits..hex.len()).step_by(2).filter_map(|end| hex.get(..end)).map(|hex| format!("{prefix}{hex}"));
    candidates.into_iter().find(|short| unique.is_unique(short)).unwrap_or_else(|| id.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Longer(usize);
    impl Unique for Longer {
        fn is_unique(&self, short: &str) -> bool {
            short.len() > self.0
        }
    }

    #[test]
    fn names_are_longer_only_where_they_must_be() {
        let id = "run:3f2a9c00112233445566778899aabbcc";
        assert_eq!(run(id, &Trusting), "run:3f2a9c");
        assert_eq!(run(id, &Longer(10)), "run:3f2a9c00");
        assert_eq!(run(id, &Longer(99)), id);
        assert_eq!(digest(&format!("b3:{}", "77ab1290".repeat(8)), &Trusting), "77ab1290");
        assert_eq!(digest("unknown", &Trusting), "unknown");
    }
}
