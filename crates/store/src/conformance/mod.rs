//! What every engine must do, written against the trait: one suite, run by each engine's tests.
//!
//! Every check is a function that panics when the engine fails it; [`all`] runs them one after the other, each on a fresh store.

mod log;
mod model;
pub mod objects;
mod read;

use std::sync::Arc;

pub use log::*;
pub use model::{Model, Random};
pub use read::*;

use crate::{Objects, Store};

/// A store under test, which can be opened many times over.
pub trait Subject: Sync {
    /// Another handle on the same store.
    fn open(&self) -> Box<dyn Store>;
    /// Where the store finds manifests.
    fn objects(&self) -> Arc<dyn Objects>;
}

/// Every check, each on a store that `new` gives, empty.
pub fn all(new: &dyn Fn() -> Box<dyn Subject>) {
    let checks: &[fn(&dyn Subject)] = &[
        an_empty_store_has_an_empty_log,
        what_is_appended_is_read,
        every_append_is_checkpointed_and_proved,
        a_log_is_read_from_any_place,
        a_draft_sees_what_it_is_appended_to,
        a_failed_draft_leaves_nothing,
        an_empty_draft_writes_nothing,
        what_cannot_be_sealed_leaves_nothing,
        handles_see_each_other,
        appends_at_once_lose_nothing,
        collections_open,
        a_manifest_that_comes_late_is_found,
        many_nodes_are_one_question,
        odd_names_come_back,
        folding_again_changes_no_answer,
    ];
    for check in checks {
        check(&*new());
    }
    for seed in 0..20 {
        answers_are_those_of_the_model(&*new(), &[seed, seed ^ 7, seed + 100]);
    }
}
