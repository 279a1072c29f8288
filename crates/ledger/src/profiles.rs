//! Profiles of data files: looked into after a run was sealed, so that no job waits for it, or when they are added. Each content once.
//!
//! A profile is a record of kind `described` whose subject is the content. Its facts: `rows`, `columns` (a list of name, kind, stored
//! type),
//! `event column` and `event time` (µs since 1970; `event zone` says that it is a moment, not a time on a wall clock), and `profile`,
//! the digest of the whole, kept as JSON. A content
//! that turned out to be no table has the fact `no profile` instead.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{Cursor, Read as _, Seek as _};
use std::os::unix::ffi::OsStrExt as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use keizu_graph::ArtifactNode;
use keizu_profile::{Bytes, Format, HEAD_BYTES, Limits, Profile};
use keizu_record::body::{ArtifactKind, Edge, Role};
use keizu_record::{Digest, FilePath, Group, Kind, NodeId, Record, RunId, Side, Time, Value};

use crate::config::{Config, DataTimeOf};
use crate::files::holds;
use crate::ledger::now;
use crate::{Error, Ledger, View};

/// Values of a column that are kept with their counts.
const CATEGORIES_KEPT: usize = 50;

/// What may be looked into in one go.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Budget {
    pub files: usize,
    pub bytes: u64,
    pub time: Duration,
}

impl Budget {
    /// After a run: what is left over is looked into after the next run that meets it.
    pub const RUN: Self = Self { files: 2_000, bytes: 512 << 20, time: Duration::from_secs(10) };
    /// Of an add, for which somebody waits.
    pub const ADD: Self = Self { files: 10_000, bytes: 1 << 30, time: Duration::from_secs(20) };
}

/// A file that may be looked into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Candidate {
    pub path: FilePath,
    pub digest: Digest,
    pub size: u64,
}

/// A file's bytes, and where they stand when they were not kept.
type Opened = (Box<dyn Bytes>, Option<PathBuf>);

/// What is told of a content.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Told {
    pub rows: u64,
    /// Name, kind, stored type.
    pub columns: Vec<(String, String, String)>,
    pub event: Option<Event>,
    /// The whole profile, when it was kept.
    pub document: Option<Digest>,
    /// Why there is none.
    pub none: Option<String>,
}

/// The latest event in a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Event {
    pub column: String,
    pub at: Time,
    pub zoned: bool,
}

impl Told {
    fn of(profile: &Profile, document: Digest) -> Self {
        let columns = profile.columns.iter().map(|column| (column.name.clone(), column.kind.to_string(), column.stored.clone()));
        let event = profile.event_time().map(|event| {
            let stored = profile.column(&event.column).map(|column| column.stored.as_str()).unwrap_or_default();
            Event { zoned: stored.contains(", "), column: event.column, at: Time(event.max) }
        });
        Self { rows: profile.rows, columns: columns.collect(), event, document: Some(document), none: None }
    }

    fn to_record(&self, content: Digest, recorded: Time) -> Record {
        let mut record = Record::new(Kind::Described, content, recorded, recorded);
        let mut put = |key: &str, value: Value| record.set(Group::Fact, key, value);
        if let Some(why) = &self.none {
            put("no profile", why.as_str().into());
            return record;
        }
        put("rows", Value::Int(i64::try_from(self.rows).unwrap_or(i64::MAX)));
        let texts = |(name, kind, stored): &(String, String, String)| {
            Value::List([name, kind, stored].map(|text| Value::Text(text.clone())).to_vec())
        };
        put("columns", Value::List(self.columns.iter().map(texts).collect()));
        if let Some(event) = &self.event {
            put("event column", event.column.as_str().into());
            put("event time", Value::Int(event.at.micros()));
            if event.zoned {
                put("event zone", true.into());
            }
        }
        if let Some(document) = &self.document {
            put("profile", Value::Bytes(document.as_bytes().to_vec()));
        }
        record
    }

    fn read(record: &Record) -> Option<Self> {
        if let Some(why) = record.text("no profile") {
            return Some(Self { none: Some(why.to_owned()), ..Self::default() });
        }
        let rows = u64::try_from(record.int("rows")?).ok()?;
        let columns = match record.fact("columns") {
            Some(Value::List(columns)) => columns.iter().filter_map(column).collect(),
            _ => Vec::new(),
        };
        let event = record.int("event time").map(|at| Event {
            column: record.text("event column").unwrap_or_default().to_owned(),
            at: Time(at),
            zoned: record.flag("event zone"),
        });
        Some(Self { rows, columns, event, document: record.bytes("profile").and_then(Digest::from_slice), none: None })
    }
}

fn column(value: &Value) -> Option<(String, String, String)> {
    match value {
        Value::List(parts) => match parts.as_slice() {
            [Value::Text(name), Value::Text(kind), Value::Text(stored), ..] => Some((name.clone(), kind.clone(), stored.clone())),
            _ => None,
        },
        _ => None,
    }
}

impl View<'_> {
    /// What is told of contents, of those of which something is told.
    pub(crate) fn told(&self, contents: impl IntoIterator<Item = Digest>) -> Result<HashMap<Digest, Told>, Error> {
        let nodes: BTreeSet<NodeId> = contents.into_iter().map(NodeId::from).collect();
        let entries = self.entries(Side::Subject, nodes.into_iter().collect(), &[Kind::Described])?;
        let told = entries.iter().filter_map(|entry| match &entry.record.subject {
            NodeId::Artifact(digest) => Some((*digest, Told::read(&entry.record)?)),
            _ => None,
        });
        Ok(told.collect())
    }

    /// The columns of data, where they are known.
    pub(crate) fn columns_of(&self, artifacts: &[&ArtifactNode]) -> Result<HashMap<Digest, Vec<String>>, Error> {
        let data = artifacts.iter().filter(|artifact| artifact.kind == ArtifactKind::Data).filter_map(|artifact| artifact.digest);
        let told = self.told(data)?.into_iter();
        Ok(told.map(|(digest, told)| (digest, told.columns.into_iter().map(|(name, ..)| name).collect())).collect())
    }

    /// The whole profile of a content, as it was kept.
    pub(crate) fn profile(&self, told: &Told) -> Result<Option<Profile>, Error> {
        let Some(document) = told.document else { return Ok(None) };
        Ok(self.document(&document)?.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    }

    /// The data files that a run read and wrote, what it wrote first.
    fn data_files(&self, run: RunId) -> Result<Vec<Candidate>, Error> {
        let mut found = Vec::new();
        for kind in [Kind::Made, Kind::Used] {
            for entry in self.entries(Side::Subject, vec![run.into()], &[kind])? {
                let Some(edge) = Edge::read(&entry.record) else { continue };
                let plays = matches!(edge.role, Role::Input | Role::Output | Role::EvaluationData);
                let (Some(digest), true) = (edge.content, plays && edge.kind == ArtifactKind::Data && !edge.removed) else { continue };
                let whole = edge.is_collection();
                found.extend(self.files_of(edge.path, digest, edge.size.unwrap_or(0), whole)?);
            }
        }
        Ok(found)
    }

    /// A file, or the files of a folder.
    pub(crate) fn files_of(&self, folder: FilePath, digest: Digest, size: u64, whole: bool) -> Result<Vec<Candidate>, Error> {
        if !whole {
            return Ok(vec![Candidate { path: folder, digest, size }]);
        }
        let members = self.manifest(&digest)?.map(|manifest| manifest.0).unwrap_or_default();
        let file = |(path, member): (FilePath, keizu_record::manifest::Member)| Candidate {
            path: folder.join(&path),
            digest: member.digest,
            size: member.size,
        };
        Ok(members.into_iter().map(file).collect())
    }
}

impl Ledger {
    /// Looks into the data files of a run that were not looked into before.
    pub(crate) fn profile_run(&mut self, run: RunId) -> Result<usize, Error> {
        if !self.config().profiling().enabled {
            return Ok(0);
        }
        let files = self.view().data_files(run)?;
        self.profile(files, Budget::RUN)
    }

    /// Looks into files, each content once, and records what was found. What can't be read is no error.
    pub(crate) fn profile(&mut self, files: Vec<Candidate>, budget: Budget) -> Result<usize, Error> {
        let profiling = self.config().profiling().clone();
        if !profiling.enabled {
            return Ok(0);
        }
        let wanted = |file: &Candidate| {
            let declared = profiling.never.iter().any(|pattern| pattern.matches(&file.path)) || self.config().hides(&file.path);
            file.size <= profiling.bytes_max && !declared
        };
        let mut files: Vec<Candidate> = files.into_iter().filter(wanted).collect();
        let known = self.view().told(files.iter().map(|file| file.digest))?;
        let mut met = BTreeSet::new();
        files.retain(|file| !known.contains_key(&file.digest) && met.insert(file.digest));
        let began = Instant::now();
        let (mut left, mut records) = (budget.bytes, Vec::new());
        for file in files.into_iter().take(budget.files) {
            if began.elapsed() > budget.time {
                break;
            }
            let Some(rest) = left.checked_sub(file.size) else { continue };
            if let Some(told) = self.look_into(&file)? {
                left = rest;
                records.push(told.to_record(file.digest, now()));
            }
        }
        let count = records.len();
        if count > 0 {
            self.append(|_| Ok(records.clone()))?;
        }
        Ok(count)
    }

    /// What one file holds; `None` when it is no table, or not there any more.
    fn look_into(&mut self, file: &Candidate) -> Result<Option<Told>, Error> {
        let Some((mut input, stood)) = self.bytes_of(file)? else { return Ok(None) };
        let mut head = Vec::new();
        if input.by_ref().take(HEAD_BYTES as u64).read_to_end(&mut head).is_err() || input.rewind().is_err() {
            return Ok(None);
        }
        let name = FilePath::new(file.path.file_name()).to_string();
        let Some(format) = Format::of(&name, &head) else { return Ok(None) };
        // whatever stands in the file, the run is recorded
        let read = catch_unwind(AssertUnwindSafe(|| keizu_profile::profile(input, format, &Limits::default())));
        if !stood.is_none_or(|path| holds(&mut self.cache(), &path, &file.digest, None)) {
            return Ok(None);
        }
        Ok(Some(match read {
            Ok(Ok(mut profile)) => {
                profile.trim(CATEGORIES_KEPT);
                // not by way of a value, which holds no number beyond 64 bits
                let bytes = serde_json::to_vec(&profile).map_err(std::io::Error::from)?;
                self.objects().put_bytes(&bytes)?;
                Told::of(&profile, Digest::of(&bytes))
            }
            Ok(Err(keizu_profile::Error::Io(_))) => return Ok(None),
            Ok(Err(error)) => Told { none: Some(error.to_string()), ..Told::default() },
            Err(_) => Told { none: Some(format!("not readable as {format}")), ..Told::default() },
        }))
    }

    /// The content from where it stands, if it still does, else from what is kept.
    fn bytes_of(&mut self, file: &Candidate) -> Result<Option<Opened>, Error> {
        let path = self.home().root().join(std::ffi::OsStr::from_bytes(file.path.as_bytes()));
        if holds(&mut self.cache(), &path, &file.digest, None)
            && let Ok(open) = fs_err::File::open(&path)
        {
            return Ok(Some((Box::new(open), Some(path))));
        }
        let Some(mut kept) = self.objects().open(&file.digest)? else { return Ok(None) };
        let mut bytes = Vec::new();
        kept.read_to_end(&mut bytes)?;
        Ok(Some((Box::new(Cursor::new(bytes)), None)))
    }
}

/// Why a file has no profile, in words; `None` where it may still get one.
pub(crate) fn without(config: &Config, path: Option<&FilePath>, size: Option<u64>) -> Option<String> {
    let profiling = config.profiling();
    let never = |path: &FilePath| profiling.never.iter().any(|pattern| pattern.matches(path)) || config.hides(path);
    match (path, size) {
        _ if !profiling.enabled => Some("keizu.toml says so".to_owned()),
        (Some(path), _) if never(path) => Some("keizu.toml says so".to_owned()),
        (_, Some(size)) if size > profiling.bytes_max => Some(format!("larger than {} MiB", profiling.bytes_max >> 20)),
        _ => None,
    }
}

/// The latest event of a file, by what was declared of it: another column than the likeliest.
pub(crate) fn event_of(view: &View<'_>, told: &Told, declared: Option<&DataTimeOf>) -> Result<Option<Event>, Error> {
    let Some(DataTimeOf::Column(wanted)) = declared else { return Ok(told.event.clone()) };
    if told.event.as_ref().is_some_and(|event| event.column == *wanted) {
        return Ok(told.event.clone());
    }
    let Some(profile) = view.profile(told)? else { return Ok(None) };
    let Some(column) = profile.column(wanted) else { return Ok(None) };
    let at = match (&column.max, column.latest) {
        (Some(keizu_profile::Value::Time(at)), _) => Some(*at),
        (_, latest) => latest,
    };
    Ok(at.map(|at| Event { column: wanted.clone(), at: Time(at), zoned: column.stored.contains(", ") }))
}

/// Columns as `show` prints them.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct ColumnRow {
    /// Its name.
    pub name: String,
    /// empty, boolean, integer, real, time, text or nested.
    pub kind: String,
    /// Its type as the format names it.
    pub stored: String,
    /// Share of cells without a value, 0 to 1; null where the whole profile is not kept.
    pub missing: Option<f64>,
    /// How many different values it has.
    pub distinct: Option<u64>,
    /// The least value.
    pub min: Option<String>,
    /// The greatest value.
    pub max: Option<String>,
    /// The mean of its numbers.
    pub mean: Option<f64>,
    /// How its numbers are spread; null where they are not numbers, or the whole profile is not kept.
    pub bins: Option<BinsRow>,
    /// Its most frequent values with their counts, where values were counted.
    pub top: Vec<(String, u64)>,
}

/// How numbers are spread.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct BinsRow {
    /// The least number, what the bins are cut at, and the greatest number.
    pub edges: Vec<f64>,
    /// How many lie between each edge and the next; of those that lie on an edge, the bin before it has them.
    pub counts: Vec<u64>,
}

impl BinsRow {
    fn of(bins: &keizu_profile::Bins) -> Option<Self> {
        let (least, greatest) = bins.range?;
        let edges = [least].into_iter().chain(bins.edges.iter().copied()).chain([greatest]).collect();
        Some(Self { edges, counts: bins.counts.clone() })
    }
}

/// Frequent values that a page draws.
const TOP_MAX: usize = 8;

/// What was found in a file.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct ProfileRow {
    /// Rows of the table.
    pub rows: u64,
    /// Its columns, in order.
    pub columns: Vec<ColumnRow>,
}

impl View<'_> {
    /// What was found in a content, for people and scripts.
    pub(crate) fn profile_row(&self, told: &Told) -> Result<ProfileRow, Error> {
        let whole = self.profile(told)?;
        let by_name: BTreeMap<&str, &keizu_profile::Column> =
            whole.iter().flat_map(|whole| &whole.columns).map(|column| (column.name.as_str(), column)).collect();
        let row = |(name, kind, stored): &(String, String, String)| {
            let column = by_name.get(name.as_str());
            ColumnRow {
                name: name.clone(),
                kind: kind.clone(),
                stored: stored.clone(),
                missing: column.map(|column| column.missing_share()),
                distinct: column.map(|column| column.distinct.count),
                min: column.and_then(|column| column.min.as_ref()).map(ToString::to_string),
                max: column.and_then(|column| column.max.as_ref()).map(ToString::to_string),
                mean: column.and_then(|column| column.mean()),
                bins: column.and_then(|column| BinsRow::of(column.bins.as_ref()?)),
                top: column.and_then(|column| column.categories.as_ref()).map(top).unwrap_or_default(),
            }
        };
        Ok(ProfileRow { rows: told.rows, columns: told.columns.iter().map(row).collect() })
    }
}

fn top(of: &keizu_profile::Categories) -> Vec<(String, u64)> {
    of.counts.iter().take(TOP_MAX).map(|counted| (counted.value.to_string(), counted.count)).collect()
}
