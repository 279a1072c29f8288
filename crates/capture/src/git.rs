//! The code version of the project.

use std::path::Path;

use crate::account::Git;

/// The state of the git work tree that holds `root`; `None` outside of one, or without git.
pub fn look(_root: &Path) -> Option<Git> {
    None
}
