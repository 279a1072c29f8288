//! What time data speak of, and whether that is recent enough.
//!
//! ```text
//! a file       declared in keizu.toml, else the latest event in it, else what its name says
//! a folder     the latest of its files
//! what a run made, without a time of its own     the earliest of what the run read
//! a model      the earliest of what it was trained on; evaluation data do not count
//! ```
//!
//! Files whose paths differ in numbers alone (`daily/2013-10-01.csv`, `daily/2013-10-02.csv`) count like those of one folder.
//!
//! What speaks of no time that is known is left out as long as anything else is known: a table of airports makes no model old.

mod about;
mod fresh;
pub(crate) mod partition;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use jiff::civil;
use keizu_graph::{ArtifactNode, Detail, Direction, LinkKind, Options, Trace};
use keizu_record::body::{ArtifactKind, Role};
use keizu_record::{Digest, FilePath, Time};
use serde::Serialize;

use crate::config::{Config, DataTimeOf};
use crate::profiles::{Told, event_of};
use crate::thing::Thing;
use crate::{Error, View};

pub use about::About;
pub use fresh::{Freshness, Grade};

const DAY_MICROS: i64 = 86_400_000_000;

/// The latest time that data speak of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DataTime {
    /// RFC 3339 when it is a moment; without a zone (`2013-10-01T23:00:00`) when it is what a wall clock showed.
    pub time: String,
    /// Microseconds since 1970; of a wall clock, as if it stood in UTC.
    #[serde(skip)]
    pub micros: i64,
    /// Whether it is a moment, and not what a wall clock showed.
    #[serde(skip)]
    pub zoned: bool,
    /// How it is known: `column time_hour`, `file name 2013-10-01`, …
    pub by: String,
    /// observed: it stands in the data; declared: keizu.toml says how to tell; inferred: a name says so.
    pub authority: &'static str,
    /// The file that says so: of a model, the one that reaches least far.
    pub from: String,
    /// Whether it was handed on from what a run read.
    pub passed_on: bool,
}

impl DataTime {
    fn new(micros: i64, zoned: bool, by: String, authority: &'static str, from: &FilePath) -> Self {
        let time = crate::answer::rfc3339(Time(micros));
        let time = if zoned { time } else { time.trim_end_matches('Z').to_owned() };
        Self { time, micros, zoned, by, authority, from: from.to_string(), passed_on: false }
    }

    /// The last instant of a day.
    fn day(day: civil::Date, by: String, authority: &'static str, from: &FilePath) -> Option<Self> {
        let midnight = day.to_zoned_datetime(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_microsecond();
        Some(Self::new(midnight + DAY_MICROS - 1, false, by, authority, from))
    }
}

impl View<'_> {
    /// The time that a thing's data speak of; `None` when that is not known.
    ///
    /// # Errors
    /// When the store fails, or the thing has no place in the graph.
    pub fn data_time(&self, thing: &Thing, config: &Config) -> Result<Option<DataTime>, Error> {
        let trace = self.trace(thing, &Options { direction: Direction::Up, ..Options::default() })?;
        let found = Times::new(self, config, &trace)?.of_nodes()?;
        Ok(trace.roots.iter().filter_map(|root| found[*root].clone()).max_by_key(|time| time.micros))
    }
}

/// Works out the times in a trace.
struct Times<'v, 'a, 't> {
    view: &'v View<'a>,
    config: &'v Config,
    trace: &'t Trace,
    told: HashMap<Digest, Told>,
    members: HashMap<Digest, BTreeMap<FilePath, Digest>>,
}

impl<'v, 'a, 't> Times<'v, 'a, 't> {
    fn new(view: &'v View<'a>, config: &'v Config, trace: &'t Trace) -> Result<Self, Error> {
        let (mut contents, mut members) = (BTreeSet::new(), HashMap::new());
        for artifact in trace.nodes.iter().filter_map(|node| node.artifact()).filter(|artifact| speaks(artifact)) {
            let Some(digest) = artifact.digest else { continue };
            contents.insert(digest);
            if artifact.members.is_some() && !members.contains_key(&digest) {
                let manifest = view.manifest(&digest)?.map(|manifest| manifest.0).unwrap_or_default();
                let files: BTreeMap<FilePath, Digest> = manifest.into_iter().map(|(path, member)| (path, member.digest)).collect();
                contents.extend(files.values().copied());
                members.insert(digest, files);
            }
        }
        Ok(Self { view, config, trace, told: view.told(contents)?, members })
    }

    /// By node: what it takes its time from comes before it (Kahn's order); what lies on a cycle comes last, with what is known by then.
    fn of_nodes(&self) -> Result<Vec<Option<DataTime>>, Error> {
        let count = self.trace.nodes.len();
        let (mut sources, mut waits, mut ways) = (vec![Vec::new(); count], vec![0_usize; count], vec![Vec::new(); count]);
        for link in self.trace.edges.iter().filter(|link| carries(link.kind, link.role)) {
            sources[link.to].push((link.from, link.kind, link.artifact));
            waits[link.to] += 1;
            ways[link.from].push(link.to);
        }
        let mut found: Vec<Option<DataTime>> = vec![None; count];
        let mut done = vec![false; count];
        let mut ready: VecDeque<usize> = (0..count).filter(|at| waits[*at] == 0).collect();
        let mut rest = (0..count).rev();
        loop {
            let Some(at) = ready.pop_front().or_else(|| rest.find(|at| !done[*at])) else { return Ok(found) };
            if std::mem::replace(&mut done[at], true) {
                continue;
            }
            found[at] = self.of_node(at, &sources[at], &found)?;
            for next in &ways[at] {
                waits[*next] -= 1;
                if waits[*next] == 0 {
                    ready.push_back(*next);
                }
            }
        }
    }

    fn of_node(
        &self,
        at: usize,
        sources: &[(usize, LinkKind, Option<ArtifactKind>)],
        found: &[Option<DataTime>],
    ) -> Result<Option<DataTime>, Error> {
        let passed = |time: &DataTime| DataTime { passed_on: true, ..time.clone() };
        match &self.trace.nodes[at].detail {
            Detail::Run(_) => {
                let read = sources.iter().filter(|(.., kind)| matches!(kind, Some(ArtifactKind::Data | ArtifactKind::Model)));
                // files that differ in their numbers alone are one table: it reaches as far as the latest
                let mut tables: BTreeMap<Vec<u8>, &DataTime> = BTreeMap::new();
                for (from, ..) in read {
                    let Some(time) = &found[*from] else { continue };
                    let latest = tables.entry(self.series(*from)).or_insert(time);
                    if latest.micros < time.micros {
                        *latest = time;
                    }
                }
                Ok(tables.into_values().min_by_key(|time| time.micros).map(passed))
            }
            Detail::Artifact(artifact) => {
                if let Some(own) = self.own(artifact)? {
                    return Ok(Some(own));
                }
                if artifact.path.as_ref().is_some_and(|path| self.config.data_time(path) == Some(&DataTimeOf::Nothing)) {
                    return Ok(None);
                }
                // who wrote it knows best; else the files of which it is made, or of which it is a copy
                let of = |wanted: &dyn Fn(LinkKind) -> bool| {
                    let some = sources.iter().filter(|(_, kind, _)| wanted(*kind)).filter_map(|(from, ..)| found[*from].as_ref());
                    some.max_by_key(|time| time.micros).cloned()
                };
                Ok(of(&|kind| kind == LinkKind::Made).or_else(|| of(&|kind| kind != LinkKind::Made)))
            }
        }
    }

    /// The path of a node, each number in it as `#`.
    fn series(&self, at: usize) -> Vec<u8> {
        let node = &self.trace.nodes[at];
        let Some(path) = node.artifact().and_then(|artifact| artifact.path.as_ref()) else { return node.id.as_bytes().to_vec() };
        let mut series: Vec<u8> = Vec::new();
        for byte in path.as_bytes() {
            let byte = if byte.is_ascii_digit() { b'#' } else { *byte };
            if byte != b'#' || series.last() != Some(&b'#') {
                series.push(byte);
            }
        }
        series
    }

    /// What an artifact says itself.
    fn own(&self, artifact: &ArtifactNode) -> Result<Option<DataTime>, Error> {
        let (Some(path), true) = (&artifact.path, speaks(artifact)) else { return Ok(None) };
        let Some(files) = artifact.digest.and_then(|digest| self.members.get(&digest)) else {
            return self.of_file(path, artifact.digest);
        };
        if let Some(own) = self.declared(path, None)? {
            return Ok(own);
        }
        let mut latest: Option<DataTime> = None;
        for (member, digest) in files {
            let whole = path.join(member);
            if let Some(time) = self.of_file(&whole, Some(*digest))?
                && latest.as_ref().is_none_or(|latest| latest.micros < time.micros)
            {
                latest = Some(time);
            }
        }
        Ok(latest.or_else(|| by_name(path)))
    }

    fn of_file(&self, path: &FilePath, digest: Option<Digest>) -> Result<Option<DataTime>, Error> {
        let told = digest.and_then(|digest| self.told.get(&digest));
        if let Some(declared) = self.declared(path, told)? {
            return Ok(declared);
        }
        let observed = told.and_then(|told| told.event.as_ref());
        Ok(observed.map(|event| of_event(event, "observed", path)).or_else(|| by_name(path)))
    }

    /// What keizu.toml says: `None` when it says nothing, or what it names is not known.
    fn declared(&self, path: &FilePath, told: Option<&Told>) -> Result<Option<Option<DataTime>>, Error> {
        Ok(match self.config.data_time(path) {
            None => None,
            Some(DataTimeOf::Nothing) => Some(None),
            Some(DataTimeOf::Pattern(pattern)) => {
                partition::by_pattern(path, pattern).map(|day| DataTime::day(day, format!("pattern {pattern}"), "declared", path))
            }
            declared @ Some(DataTimeOf::Column(_)) => match told {
                Some(told) => event_of(self.view, told, declared)?.map(|event| Some(of_event(&event, "declared", path))),
                None => None,
            },
        })
    }
}

/// Whether an artifact may tell a time of its own: a model is as old as what it was trained on, whatever it is called.
fn speaks(artifact: &ArtifactNode) -> bool {
    matches!(artifact.kind, ArtifactKind::Data | ArtifactKind::Other)
}

/// Whether time is handed on along a link: not by code, settings and surroundings, and not by what a model was measured on.
fn carries(kind: LinkKind, role: Option<Role>) -> bool {
    match kind {
        LinkKind::Used => matches!(role, Some(Role::Input | Role::ParentModel | Role::Intermediate)),
        LinkKind::Made | LinkKind::Member | LinkKind::SameContent => true,
        LinkKind::Derived => false,
    }
}

fn of_event(event: &crate::profiles::Event, authority: &'static str, from: &FilePath) -> DataTime {
    let at = event.at.micros();
    // a time at midnight means that day
    let last = if at % DAY_MICROS == 0 && !event.zoned { at + DAY_MICROS - 1 } else { at };
    DataTime::new(last, event.zoned, format!("column {}", event.column), authority, from)
}

fn by_name(path: &FilePath) -> Option<DataTime> {
    let named = partition::named(path)?;
    DataTime::day(named.last, format!("file name {}", named.words), "inferred", path)
}

#[cfg(test)]
mod tests;
