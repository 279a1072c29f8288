//! What a run has touched so far, for whoever looks on. Only its account, at the end, says what holds.

use std::os::unix::ffi::OsStrExt;

use keizu_record::FilePath;
use serde::{Deserialize, Serialize};

use super::Observer;
use super::folders::python_folder;
use super::names::NodeId;
use super::objects::ObjectId;

/// Paths named of each kind.
const NAMED_MAX: usize = 32;

/// What a run has touched so far in its project; installed packages are no part of it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Glance {
    /// Files that were read.
    pub inputs: u64,
    /// Files that were written and are still there.
    pub outputs: u64,
    /// Those read last, relative to the project's root, the newest first; at most 32.
    pub read: Vec<String>,
    /// Those written last, likewise.
    pub written: Vec<String>,
}

impl Observer {
    /// What was touched so far. Goes through all files of the run.
    pub fn glance(&self) -> Glance {
        let mut glance = Glance::default();
        let (mut read, mut written) = (Vec::new(), Vec::new());
        for id in self.objects.ids() {
            let object = &self.objects[id];
            let shown = object.names.first().or(object.origin.as_ref()).filter(|node| self.inside(**node) && !self.is_package(**node));
            let Some(node) = shown.copied().filter(|_| !object.executed) else { continue };
            if object.writable() {
                if !object.names.is_empty() {
                    written.push((object.write_at.unwrap_or_default(), id, node));
                }
            } else if let Some(at) = object.read_at {
                read.push((at, id, node));
            }
        }
        (glance.inputs, glance.outputs) = (read.len() as u64, written.len() as u64);
        (glance.read, glance.written) = (self.newest(read), self.newest(written));
        glance
    }

    fn newest(&self, mut touched: Vec<(u64, ObjectId, NodeId)>) -> Vec<String> {
        touched.sort_unstable_by_key(|(at, id, _)| std::cmp::Reverse((*at, *id)));
        touched.iter().take(NAMED_MAX).map(|(_, _, node)| self.relative(*node)).collect()
    }

    fn relative(&self, node: NodeId) -> String {
        let path = self.path(node);
        let path = path.strip_prefix(&self.start.root).unwrap_or(&path);
        FilePath::new(path.as_os_str().as_bytes()).to_string()
    }

    fn is_package(&self, node: NodeId) -> bool {
        self.path(node).components().any(|part| python_folder(part.as_os_str().as_bytes()))
    }
}
