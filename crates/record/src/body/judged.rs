//! What was judged: whether a thing could be made again, what caused a change.

use super::{Facts, owned};
use crate::digest::{Digest, RunId};
use crate::node::NodeId;
use crate::record::{Authority, Kind, Record};
use crate::time::Time;

/// `judged`. Subject: what was judged, an artifact or a run. Happened: when it was.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// What was judged.
    pub subject: NodeId,
    /// When.
    pub at: Time,
    /// Who says so.
    pub authority: Authority,
    /// The question: `reproduction`, `cause`.
    pub judgement: String,
    /// The answer in a word or two: `equal`, `equal within noise`, `differs`, `cannot`.
    pub verdict: String,
    /// The answer in a sentence.
    pub detail: Option<String>,
    /// The run that was made again.
    pub run: Option<RunId>,
    /// Digest of the environment in which it was judged.
    pub environment: Option<Digest>,
    /// Digest of the whole answer (canonical JSON, kept as an object).
    pub evidence: Option<Digest>,
}

impl Judged {
    /// As a record.
    pub fn to_record(&self, recorded: Time) -> Record {
        let mut facts = Facts(Record::new(Kind::Judged, self.subject.clone(), self.at, recorded).by(self.authority, None));
        facts.put("judgement", self.judgement.as_str());
        facts.put("verdict", self.verdict.as_str());
        facts.maybe("detail", self.detail.as_deref());
        facts.bytes("run", self.run.as_ref().map(|run| run.as_bytes().as_slice()));
        facts.bytes("environment", self.environment.as_ref().map(|digest| digest.as_bytes().as_slice()));
        facts.bytes("evidence", self.evidence.as_ref().map(|digest| digest.as_bytes().as_slice()));
        facts.0
    }

    /// From a record of this kind.
    pub fn read(record: &Record) -> Option<Self> {
        (record.kind == Kind::Judged).then(|| Self {
            subject: record.subject.clone(),
            at: record.happened,
            authority: record.authority,
            judgement: owned(record, "judgement"),
            verdict: owned(record, "verdict"),
            detail: record.text("detail").map(str::to_owned),
            run: record.bytes("run").and_then(RunId::from_slice),
            environment: record.bytes("environment").and_then(Digest::from_slice),
            evidence: record.bytes("evidence").and_then(Digest::from_slice),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_judgement_round_trips() {
        let judged = Judged {
            subject: Digest::of(b"x").into(),
            at: Time(10),
            authority: Authority::Observed,
            judgement: "reproduction".into(),
            verdict: "differs".into(),
            detail: Some("differs at models/delay.joblib".into()),
            run: Some(RunId::new([1; 16])),
            environment: None,
            evidence: Some(Digest::of(b"{}")),
        };
        assert_eq!(Judged::read(&judged.to_record(Time(11))), Some(judged.clone()));
        let bare = Judged { detail: None, run: None, evidence: None, environment: Some(Digest::of(b"e")), ..judged };
        assert_eq!(Judged::read(&bare.to_record(Time(11))), Some(bare));
    }
}
