//! The answer to `keizu reproduce`.

use keizu_record::{Digest, FilePath, RunId};
use serde_json::{Value as Json, json};

use super::noise::Band;
use crate::workshop::Lacking;

/// Whether a thing can be made again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Byte for byte.
    Equal,
    /// Other bytes; its numbers lie in the band of chance.
    WithinNoise,
    /// Something came out otherwise.
    Differs,
    /// It could not be tried to the end.
    Cannot,
}

impl Verdict {
    /// In the record and in answers.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Equal => "equal",
            Self::WithinNoise => "equal within noise",
            Self::Differs => "differs",
            Self::Cannot => "cannot",
        }
    }
}

/// A file that came out otherwise.
#[derive(Debug, Clone, PartialEq)]
pub struct Differing {
    /// Which.
    pub path: FilePath,
    /// The recorded run that made it.
    pub run: RunId,
    /// Content then.
    pub then: Option<Digest>,
    /// Content now; none when the file was not made.
    pub now: Option<Digest>,
    /// What differs, in sentences.
    pub detail: Vec<String>,
}

/// A run that was made again.
#[derive(Debug, Clone, PartialEq)]
pub struct StepRow {
    /// The recorded run.
    pub run: RunId,
    /// Its command.
    pub command: Vec<String>,
    /// How it ended this time.
    pub ended: String,
    /// How long it took then and now, in milliseconds.
    pub took_ms: (u64, u64),
    /// Files that it left then, and how many of them came out equal.
    pub outputs: usize,
    /// See `outputs`.
    pub equal: usize,
}

/// The answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Reproduction {
    /// The thing, as it was asked for.
    pub thing: String,
    /// The run that made it.
    pub run: Option<RunId>,
    /// The verdict.
    pub verdict: Verdict,
    /// Runs that were made again, in order.
    pub steps: Vec<StepRow>,
    /// What came out otherwise, in the order in which it was made: the first is where they part.
    pub differing: Vec<Differing>,
    /// Without which it can't be made again.
    pub missing: Vec<Lacking>,
    /// Numbers, when they were measured.
    pub noise: Vec<Band>,
    /// How many times it was made again.
    pub repeats: usize,
    /// What must be known to read the verdict.
    pub remarks: Vec<String>,
    /// The environment in which it was made again, as a document of the record.
    pub environment: Option<Digest>,
    /// The scratch folder, when it stays.
    pub kept: Option<std::path::PathBuf>,
}

impl Reproduction {
    /// The verdict as a sentence.
    pub fn sentence(&self) -> String {
        match self.verdict {
            Verdict::Differs => match self.differing.first() {
                Some(first) => format!("differs at {}", first.path),
                None => "differs".to_owned(),
            },
            Verdict::Cannot => {
                let names: Vec<&str> = self.missing.iter().map(|lacking| lacking.what.as_str()).take(3).collect();
                let more = self.missing.len().saturating_sub(names.len());
                let more = if more > 0 { format!(" and {more} more") } else { String::new() };
                format!("cannot: {}{more}", names.join(", "))
            }
            verdict => verdict.word().to_owned(),
        }
    }

    /// As scripts read it.
    pub fn as_json(&self) -> Json {
        json!({
            "thing": self.thing,
            "run": self.run.map(|run| run.to_string()),
            "verdict": self.verdict.word(),
            "differs_at": self.differing.first().map(|differing| differing.path.to_string()),
            "differing": self.differing.iter().map(Differing::as_json).collect::<Vec<_>>(),
            "missing": self.missing,
            "noise": self.noise,
            "repeats": self.repeats,
            "steps": self.steps.iter().map(|step| json!({
                "run": step.run.to_string(),
                "command": step.command,
                "ended": step.ended,
                "took_ms": {"then": step.took_ms.0, "now": step.took_ms.1},
                "outputs": step.outputs,
                "equal": step.equal,
            })).collect::<Vec<_>>(),
            "remarks": self.remarks,
            "environment": self.environment.map(|digest| digest.to_string()),
            "kept": self.kept.as_ref().map(|path| path.display().to_string()),
        })
    }
}

impl Differing {
    fn as_json(&self) -> Json {
        json!({
            "path": self.path.to_string(),
            "run": self.run.to_string(),
            "then": self.then.map(|digest| digest.to_string()),
            "now": self.now.map(|digest| digest.to_string()),
            "detail": self.detail,
        })
    }
}
