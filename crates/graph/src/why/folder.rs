//! Folders, opened: their files side by side, each with the run that wrote it.

use std::collections::{BTreeMap, BTreeSet};

use keizu_record::{Digest, FilePath};

use super::Written;
use crate::facts::Touch;
use crate::link::{Reading, member_origin, member_path};
use crate::linked::Linked;
use crate::vertex::Vertex;

/// A file of a folder as one side read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Inside {
    pub content: Digest,
    pub size: u64,
    pub writer: Option<Written>,
}

/// The files of a folder that was read as one, by path relative to it. None when its manifest is gone.
pub(super) fn opened(linked: &Linked, touch: &Touch, only: Option<&BTreeSet<FilePath>>) -> Option<BTreeMap<FilePath, Inside>> {
    let members = linked.facts.members(&touch.edge.content?);
    if members.is_empty() {
        return None;
    }
    let reading = Reading::from(touch);
    let wanted = members.iter().filter(|member| only.is_none_or(|only| only.contains(&member.path)));
    let inside = wanted.map(|member| {
        let origin = member_origin(&linked.facts, &reading, member);
        let writer = origin.and_then(|(write, elsewhere)| written(linked, &write, elsewhere));
        (member.path.clone(), Inside { content: member.member, size: member.size, writer })
    });
    Some(inside.collect())
}

/// Contents alone: what is needed to find what differs.
pub(super) fn contents(linked: &Linked, touch: &Touch) -> Option<BTreeMap<FilePath, Digest>> {
    let members = linked.facts.members(&touch.edge.content?);
    (!members.is_empty()).then(|| members.iter().map(|member| (member.path.clone(), member.member)).collect())
}

/// Files that were read one by one, by path relative to a folder.
pub(super) fn loose(linked: &Linked, files: &[&Touch], folder: &Touch) -> BTreeMap<FilePath, Inside> {
    let place = folder.place();
    let inside = files.iter().filter_map(|file| {
        let path = member_path(&place, &file.edge.path)?;
        Some((path, Inside { content: file.edge.content?, size: file.edge.size.unwrap_or(0), writer: writer(linked, file) }))
    });
    inside.collect()
}

/// Who wrote what was read; where no write was seen at its place, who wrote equal content elsewhere, last.
pub(super) fn writer(linked: &Linked, touch: &Touch) -> Option<Written> {
    let resolution = linked.resolution(&touch.id)?;
    match &resolution.vertex {
        Vertex::Write(_) | Vertex::Member { .. } => written(linked, &resolution.vertex, false),
        _ if touch.edge.is_collection() => None,
        _ => {
            let writes = resolution.origins.iter().filter_map(|(_, id)| linked.facts.by_id(id));
            let last = writes.max_by_key(|made| made.order())?;
            written(linked, &Vertex::Write(last.id), true)
        }
    }
}

fn written(linked: &Linked, vertex: &Vertex, elsewhere: bool) -> Option<Written> {
    let id = match vertex {
        Vertex::Write(id) | Vertex::Member { write: id, .. } => id,
        _ => return None,
    };
    let made = linked.facts.by_id(id)?;
    Some(Written { run: made.edge.run, at: made.edge.at, elsewhere })
}
