//! Answers in the shapes that scripts may depend on (`--json`, and later the API): fields may be added, never changed.
//!
//! Times are RFC 3339 in UTC; digests `b3:` and 64 hex digits; an unknown value is null, never missing.

use std::collections::BTreeMap;

use keizu_record::{FilePath, Time, Value};
use serde::Serialize;

pub use crate::reproduce::JudgementRow;

/// A time as RFC 3339 in UTC, to the microsecond.
pub fn rfc3339(time: Time) -> String {
    jiff::Timestamp::from_microsecond(time.micros()).map_or_else(|_| format!("{}us", time.micros()), |stamp| stamp.to_string())
}

/// A record's value as JSON. Bytes that are not UTF-8 become the escaped text; infinities and NaN become text, since JSON has none.
pub fn json(value: &Value) -> serde_json::Value {
    match value {
        Value::Text(text) => text.as_str().into(),
        Value::Bytes(bytes) => FilePath::new(bytes.as_slice()).to_string().into(),
        Value::Int(int) => (*int).into(),
        Value::Float(float) => serde_json::Number::from_f64(*float).map_or_else(|| float.to_string().into(), Into::into),
        Value::Flag(flag) => (*flag).into(),
        Value::List(list) => list.iter().map(json).collect(),
    }
}

/// One line of `keizu log`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunLine {
    /// `run:` and 32 hex digits.
    pub id: String,
    /// `--name`.
    pub name: Option<String>,
    /// running, finished, failed, killed or lost.
    pub status: String,
    /// Exit code, when there was one.
    pub exit_code: Option<i64>,
    /// Signal, when there was one.
    pub signal: Option<i64>,
    /// RFC 3339.
    pub started_at: String,
    /// RFC 3339; null while it runs.
    pub ended_at: Option<String>,
    /// The command, as typed.
    pub command: Vec<String>,
    /// Who ran it.
    pub user: String,
    /// What it made: models as `model:NAME@vN`, else paths; at most [`MADE_MAX`] of them.
    pub made: Vec<String>,
    /// How many things it made.
    pub made_count: usize,
}

/// How many outputs a line of the log names.
pub const MADE_MAX: usize = 8;

/// `keizu show run:…`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunDetail {
    /// `run:` and 32 hex digits.
    pub id: String,
    /// `--name`.
    pub name: Option<String>,
    /// running, finished, failed, killed or lost.
    pub status: String,
    /// Exit code, when there was one.
    pub exit_code: Option<i64>,
    /// Signal, when there was one.
    pub signal: Option<i64>,
    /// As typed.
    pub command: Vec<String>,
    /// Relative to the project's root (`.`: the root itself), or absolute.
    pub cwd: String,
    /// The project.
    pub project: String,
    /// Who ran it.
    pub user: String,
    /// Where.
    pub host: String,
    /// RFC 3339.
    pub started_at: String,
    /// RFC 3339; null while it runs.
    pub ended_at: Option<String>,
    /// Code version.
    pub git: Option<GitDetail>,
    /// What it ran in.
    pub environment: Option<EnvironmentDetail>,
    /// Parameters, by name.
    pub params: BTreeMap<String, serde_json::Value>,
    /// Who says so, for parameters that Keizu did not see itself: name → authority, and the rule.
    pub params_by: BTreeMap<String, String>,
    /// Metrics, by name.
    pub metrics: BTreeMap<String, serde_json::Value>,
    /// Tags.
    pub tags: BTreeMap<String, serde_json::Value>,
    /// What it read; code, listings and absences apart.
    pub inputs: Vec<FileRow>,
    /// What it left, and intermediates.
    pub outputs: Vec<FileRow>,
    /// Code that it executed or imported.
    pub code: Vec<FileRow>,
    /// Folders whose names it asked for.
    pub listings: Vec<FileRow>,
    /// Files that it looked for and that were not there.
    pub absent: Vec<String>,
    /// Programs that ran.
    pub processes: Vec<ProcessRow>,
    /// Names that were given to what it made: `model:NAME@vN`.
    pub names: Vec<String>,
    /// The run that started this one.
    pub parent: Option<String>,
    /// Runs that it started.
    pub children: Vec<String>,
    /// What was not seen.
    pub blind_spots: Vec<BlindRow>,
    /// Share of what happened that was seen, 0 to 1; null while it runs.
    pub coverage: Option<f64>,
    /// What was judged of it last.
    pub judged: Vec<JudgementRow>,
}

/// Code version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GitDetail {
    /// Full hash; empty before the first commit.
    pub commit: String,
    /// Empty when detached.
    pub branch: String,
    /// Whether there were uncommitted changes.
    pub dirty: bool,
    /// Digest of the uncommitted difference, which is kept.
    pub diff: Option<String>,
    /// Lines added and removed by path.
    pub changed: BTreeMap<String, (u64, u64)>,
}

/// The environment.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EnvironmentDetail {
    /// Digest of the environment's document.
    pub digest: String,
    /// Python's version.
    pub python: Option<String>,
    /// Installed packages.
    pub packages: BTreeMap<String, String>,
    /// The whole document; null when it is no longer kept.
    pub document: Option<serde_json::Value>,
}

/// One file, or one folded collection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Default)]
pub struct FileRow {
    /// Relative to the project's root, or absolute; `\xHH` for bytes that are not UTF-8. A collection's ends in `/`.
    pub path: String,
    /// Base64 of the path's bytes, when they are not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_bytes: Option<String>,
    /// Where symbolic links lead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Content; null when it was not seen.
    pub digest: Option<String>,
    /// Bytes.
    pub size: Option<u64>,
    /// Members of a collection or listing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub members: Option<u64>,
    /// data, code, model, …
    pub kind: String,
    /// input, output, …
    pub role: String,
    /// Format of a model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// The package that brought the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub package: Option<String>,
    /// Who says so.
    pub authority: String,
    /// The rule, when inferred.
    pub rule: Option<String>,
    /// Why this is not a clean edge; null when it is.
    pub changed: Option<String>,
    /// Why there is no content.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unseen: Option<String>,
    /// An output equal to what was there before.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unchanged: bool,
    /// Gone again before the run ended.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub removed: bool,
    /// When it was first read, or last written: RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
}

/// One program that ran.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, serde::Deserialize)]
pub struct ProcessRow {
    /// Process id.
    pub pid: u32,
    /// The parent's; 0 when unknown.
    pub ppid: u32,
    /// Arguments.
    pub argv: Vec<String>,
    /// Program file.
    pub exe: String,
    /// Exit code, if seen.
    pub exit_code: Option<i32>,
    /// RFC 3339.
    pub started_at: String,
    /// RFC 3339, if seen.
    pub ended_at: Option<String>,
    /// Whether it was watched from inside.
    pub watched: bool,
}

/// Something that was not seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BlindRow {
    /// A word.
    pub kind: String,
    /// Which thing, and why.
    pub detail: String,
}

/// One version of a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VersionRow {
    /// `model:delay@v3`.
    pub name: String,
    /// From 1.
    pub version: u64,
    /// Content.
    pub digest: Option<String>,
    /// Bytes.
    pub size: Option<u64>,
    /// Where it was seen.
    pub path: Option<String>,
    /// The run that made it.
    pub run: Option<String>,
    /// RFC 3339.
    pub at: String,
    /// Aliases that point at it now.
    pub aliases: Vec<String>,
    /// Who says so.
    pub authority: String,
    /// The rule, when inferred.
    pub rule: Option<String>,
}

/// A name with its history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NameDetail {
    /// `model:delay`, `data:flights`.
    pub name: String,
    /// Newest first.
    pub versions: Vec<VersionRow>,
    /// Aliases, and the version each points at now.
    pub aliases: BTreeMap<String, u64>,
}

/// A content, wherever it was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ArtifactDetail {
    /// `b3:…`.
    pub digest: String,
    /// Bytes.
    pub size: Option<u64>,
    /// data, code, model, …
    pub kind: String,
    /// Whether the bytes are kept.
    pub kept: bool,
    /// Every time it was used, made or named, oldest first.
    pub occurrences: Vec<OccurrenceRow>,
    /// Members, when it is a collection whose manifest is kept.
    pub members: Option<Vec<FileRow>>,
    /// Metrics that it holds, when it is an evaluation.
    pub metrics: BTreeMap<String, serde_json::Value>,
    /// What was judged of it last.
    pub judged: Vec<JudgementRow>,
}

/// One time that a content was met.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OccurrenceRow {
    /// `used`, `made` or `named`.
    pub what: String,
    /// The run, if any.
    pub run: Option<String>,
    /// Its command.
    pub command: Vec<String>,
    /// The path or the name.
    pub path: String,
    /// RFC 3339.
    pub at: String,
    /// Who says so.
    pub authority: String,
    /// The rule, when inferred.
    pub rule: Option<String>,
}
