//! Where a question starts: from a thing as people name it to its occurrences.

use std::collections::BTreeSet;

use keizu_record::body::Named;
use keizu_record::{Digest, FilePath, Kind, Name, NodeId, RecordId, RunId, Side, Time};

use crate::Source;
use crate::facts::{Naming, Touch};
use crate::link::{Reading, member_path, raw_member};
use crate::load::Loader;
use crate::vertex::{Place, Vertex, unique};

/// What a question is about.
#[derive(Debug, Clone, PartialEq)]
pub enum Root {
    /// A run.
    Run(RunId),
    /// A path in a project: the newest write, or the newest content that was read or named there. A file of a folder counts as well.
    Place {
        /// The project's name.
        project: String,
        /// Relative to its root, or absolute; a folder with or without its slash.
        path: FilePath,
    },
    /// One content of a path.
    ContentAt {
        /// The project's name.
        project: String,
        /// See [`Root::Place`].
        path: FilePath,
        /// The content.
        digest: Digest,
    },
    /// All occurrences of a content.
    Content(Digest),
    /// A version of a model or a dataset.
    Named(Named),
}

/// An occurrence at a place, and when it was there.
type Sighting = (Time, RecordId, Vertex);

/// The occurrences that a root means; empty when nothing is known of it.
pub(crate) fn find<S: Source>(loader: &mut Loader<'_, S>, root: &Root) -> Result<Vec<Vertex>, S::Error> {
    match root {
        Root::Run(run) => {
            loader.runs([*run])?;
            let facts = &loader.linked.facts;
            let known = facts.began(run).is_some() || facts.used_by(run).chain(facts.made_by(run)).next().is_some();
            Ok(known.then_some(Vertex::Run(*run)).into_iter().collect())
        }
        Root::Place { project, path } => {
            let sightings = at_place(loader, project, path)?;
            Ok(newest(&sightings))
        }
        Root::ContentAt { project, path, digest } => {
            let mut sightings = at_place(loader, project, path)?;
            sightings.retain(|(_, _, vertex)| loader.linked.content(vertex) == Some(*digest));
            Ok(newest(&sightings))
        }
        Root::Content(digest) => of_content(loader, digest),
        Root::Named(named) => of_version(loader, named),
    }
}

/// Every occurrence that was ever at a place, and when it was there, oldest first.
pub(crate) fn sightings<S: Source>(loader: &mut Loader<'_, S>, project: &str, path: &FilePath) -> Result<Vec<(Time, Vertex)>, S::Error> {
    let mut all = at_place(loader, project, path)?;
    all.sort();
    Ok(all.into_iter().map(|(at, _, vertex)| (at, vertex)).collect())
}

fn newest(sightings: &[Sighting]) -> Vec<Vertex> {
    sightings.iter().max().map(|(_, _, vertex)| vertex.clone()).into_iter().collect()
}

/// The path and the folders above it, each as the record writes it.
fn spellings(path: &FilePath) -> (Vec<FilePath>, Vec<FilePath>) {
    let bytes = path.as_bytes();
    let plain = bytes.strip_suffix(b"/").filter(|plain| !plain.is_empty()).unwrap_or(bytes);
    let slashes = plain.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| FilePath::new(&plain[..=at]));
    let folders: Vec<FilePath> = slashes.chain([FilePath::default(), FilePath::from("./")]).collect();
    (vec![FilePath::new(plain), FilePath::new([plain, b"/"].concat())], folders)
}

fn at_place<S: Source>(loader: &mut Loader<'_, S>, project: &str, path: &FilePath) -> Result<Vec<Sighting>, S::Error> {
    let (own, folders) = spellings(path);
    let name = |path: &FilePath| Name::Path { project: project.to_owned(), path: path.clone() };
    let names: Vec<NodeId> = own.iter().chain(&folders).map(|path| name(path).into()).collect();
    loader.select(Side::Place, &names, &[Kind::Used, Kind::Made, Kind::Named])?;
    loader.names(own.iter().chain(&folders).map(name))?;
    let places = |paths: &[FilePath]| -> Vec<Place> { paths.iter().map(|path| Place::new(project, path.clone())).collect() };
    let (own, folders) = (places(&own), places(&folders));
    let all: Vec<&Place> = own.iter().chain(&folders).collect();
    let facts = &loader.linked.facts;
    let runs: Vec<RunId> = all.iter().flat_map(|place| facts.at_place(place)).map(|touch| touch.edge.run).collect();
    loader.runs(runs)?;
    let facts = &loader.linked.facts;
    let named: Vec<Name> = all.iter().flat_map(|place| facts.named_at(place)).map(|naming| naming.named.name.clone()).collect();
    loader.names(named)?;
    let facts = &loader.linked.facts;
    let opened = folders.iter().flat_map(|place| {
        let touched = facts.at_place(place).filter_map(|touch| touch.edge.content);
        touched.chain(facts.named_at(place).filter_map(|naming| naming.named.content))
    });
    let opened: Vec<Digest> = opened.collect();
    loader.members(opened)?;
    let mut found = direct(loader, &own)?;
    found.extend(inside(loader, &folders, path)?);
    Ok(found)
}

/// Reads, writes and names of the very path.
fn direct<S: Source>(loader: &mut Loader<'_, S>, places: &[Place]) -> Result<Vec<Sighting>, S::Error> {
    let facts = &loader.linked.facts;
    let (made, used): (Vec<&Touch>, Vec<&Touch>) = places.iter().flat_map(|place| facts.at_place(place)).partition(|touch| touch.made);
    let mut found: Vec<Sighting> = made.iter().map(|made| (made.edge.at, made.id, Vertex::Write(made.id))).collect();
    let used = used.iter().map(|used| used.id);
    let named = places.iter().flat_map(|place| facts.named_at(place)).map(|naming| naming.id);
    let readings: Vec<RecordId> = used.chain(named).collect();
    loader.resolve(readings.iter().copied())?;
    for id in readings {
        if let (Some(reading), Some(resolution)) = (loader.linked.reading(&id), loader.linked.resolution(&id)) {
            found.push((reading.at, id, resolution.vertex.clone()));
        }
    }
    Ok(found)
}

/// The path as a file of folders that were written, read or named.
fn inside<S: Source>(loader: &mut Loader<'_, S>, folders: &[Place], path: &FilePath) -> Result<Vec<Sighting>, S::Error> {
    let (mut found, mut readings) = (Vec::new(), Vec::new());
    for place in folders {
        let facts = &loader.linked.facts;
        let Some(member) = member_path(place, path) else { continue };
        let holds = |content: Option<Digest>| content.is_some_and(|content| facts.member(&content, &member).is_some());
        for touch in facts.at_place(place).filter(|touch| holds(touch.edge.content)) {
            if touch.made {
                found.push((touch.edge.at, touch.id, Vertex::Member { write: touch.id, path: member.clone() }));
            } else {
                readings.push((touch.id, member.clone()));
            }
        }
        let named = facts.named_at(place).filter(|naming| holds(naming.named.content) && Reading::of_naming(naming).is_some());
        readings.extend(named.map(|naming: &Naming| (naming.id, member.clone())));
    }
    loader.resolve(readings.iter().map(|(id, _)| *id))?;
    for (id, member) in readings {
        found.extend(raw_sighting(loader, id, &member));
    }
    Ok(found)
}

fn raw_sighting<S: Source>(loader: &mut Loader<'_, S>, folder: RecordId, member: &FilePath) -> Option<Sighting> {
    let reading = loader.linked.reading(&folder)?;
    let at = reading.at;
    // resolving the folder has asked for all that its files need
    let resolution = raw_member(&loader.linked.facts, &reading, member, &mut BTreeSet::new())?;
    loader.linked.know_source(&resolution);
    Some((at, folder, resolution.vertex))
}

fn of_content<S: Source>(loader: &mut Loader<'_, S>, digest: &Digest) -> Result<Vec<Vertex>, S::Error> {
    loader.occurrences(&[*digest])?;
    let facts = &loader.linked.facts;
    let held: Vec<(Digest, FilePath)> = facts.holders(digest).iter().map(|holder| (holder.collection, holder.path.clone())).collect();
    let folders = unique(held.iter().map(|(folder, _)| *folder));
    loader.occurrences(&folders)?;
    loader.members(folders)?;
    let mut found = BTreeSet::new();
    for (folder, path) in &held {
        let facts = &loader.linked.facts;
        let made = facts.made_of(folder).filter(|made| made.edge.is_collection());
        found.extend(made.map(|made| Vertex::Member { write: made.id, path: path.clone() }));
        let readings: Vec<RecordId> = loader.linked.readings_of(folder).collect();
        found.extend(readings.into_iter().filter_map(|id| raw_sighting(loader, id, path)).map(|(_, _, vertex)| vertex));
    }
    loader.parents_of(&[*digest])?;
    loader.children_of(&[*digest])?;
    let linked = &loader.linked;
    let own = linked.facts.made_of(digest).map(|made| Vertex::Write(made.id));
    found.extend(own.chain(linked.readings_of(digest).filter_map(|id| Some(linked.resolution(&id)?.vertex.clone()))));
    if found.is_empty() && is_known(loader, digest) {
        found.insert(crate::linked::bare(*digest));
    }
    Ok(found.into_iter().collect())
}

/// Whether anybody said anything of the content.
fn is_known<S: Source>(loader: &Loader<'_, S>, digest: &Digest) -> bool {
    let facts = &loader.linked.facts;
    facts.named_of(digest).next().is_some() || facts.parents_of(digest).chain(facts.children_of(digest)).next().is_some()
}

fn of_version<S: Source>(loader: &mut Loader<'_, S>, named: &Named) -> Result<Vec<Vertex>, S::Error> {
    let Some(content) = named.content else { return Ok(Vec::new()) };
    if let Some(run) = named.run {
        loader.runs([run])?;
        let facts = &loader.linked.facts;
        let folders: Vec<Digest> =
            facts.made_by(&run).filter(|made| made.edge.is_collection()).filter_map(|made| made.edge.content).collect();
        loader.members(folders)?;
        let written = written_by(loader, run, &content, named.path.as_ref());
        if !written.is_empty() {
            return Ok(written);
        }
    }
    if let Some(path) = &named.path {
        let sightings = at_place(loader, &named.project, path)?;
        let before = sightings.iter().filter(|(at, _, vertex)| *at <= named.at && loader.linked.content(vertex) == Some(content));
        let before: Vec<Sighting> = before.cloned().collect();
        if !before.is_empty() {
            return Ok(newest(&before));
        }
    }
    let found = of_content(loader, &content)?;
    Ok(if found.is_empty() { vec![crate::linked::bare(content)] } else { found })
}

/// The writes of a content by a run, at the path where one is told.
fn written_by<S: Source>(loader: &Loader<'_, S>, run: RunId, content: &Digest, path: Option<&FilePath>) -> Vec<Vertex> {
    let facts = &loader.linked.facts;
    let plain = |path: &[u8]| path.strip_suffix(b"/").unwrap_or(path).to_vec();
    let here = |found: &[u8]| path.is_none_or(|path| plain(path.as_bytes()) == plain(found));
    let mut found = BTreeSet::new();
    for made in facts.made_by(&run) {
        if made.edge.content == Some(*content) && here(made.edge.path.as_bytes()) {
            found.insert(Vertex::Write(made.id));
        }
        let members = made.edge.content.filter(|_| made.edge.is_collection()).map(|folder| facts.members(&folder)).unwrap_or_default();
        let held = members.iter().filter(|member| member.member == *content && here(made.edge.path.join(&member.path).as_bytes()));
        found.extend(held.map(|member| Vertex::Member { write: made.id, path: member.path.clone() }));
    }
    found.into_iter().collect()
}
