//! A judgement in the record: written when it is made, told when the thing is shown.

use keizu_graph::Node;
use keizu_record::body::Judged;
use keizu_record::{Authority, Digest, Kind, NodeId, RunId, Side};
use serde::Serialize;

use crate::answer::rfc3339;
use crate::ledger::now;
use crate::{Error, Ledger, View, documents};

/// What was judged last of a thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct JudgementRow {
    /// The question: `reproduction`, `cause`.
    pub judgement: String,
    /// The answer in a word or two.
    pub verdict: String,
    /// The answer in a sentence.
    pub detail: Option<String>,
    /// The run that was made again.
    pub run: Option<String>,
    /// RFC 3339.
    pub at: String,
}

/// A judgement that is to be recorded.
pub struct Judgement<'a> {
    /// What was judged.
    pub subject: NodeId,
    /// The question.
    pub judgement: &'a str,
    /// The answer in a word or two.
    pub verdict: &'a str,
    /// The answer in a sentence.
    pub detail: String,
    /// The run that was made again.
    pub run: Option<RunId>,
    /// The environment's document, from another record.
    pub environment: Option<(Digest, Vec<u8>)>,
    /// The whole answer.
    pub evidence: &'a serde_json::Value,
}

impl Ledger {
    /// Records a judgement, with its evidence.
    ///
    /// # Errors
    /// The store's.
    pub fn judge(&mut self, judgement: Judgement<'_>) -> Result<(), Error> {
        let (evidence, bytes) = documents::canonical(judgement.evidence);
        self.objects().put_bytes(&bytes)?;
        let environment = match judgement.environment {
            Some((digest, bytes)) => {
                self.objects().put_bytes(&bytes)?;
                Some(digest)
            }
            None => None,
        };
        let judged = Judged {
            subject: judgement.subject,
            at: now(),
            authority: Authority::Observed,
            judgement: judgement.judgement.to_owned(),
            verdict: judgement.verdict.to_owned(),
            detail: Some(judgement.detail),
            run: judgement.run,
            environment,
            evidence: Some(evidence),
        };
        self.append(|_| Ok(vec![judged.to_record(now())]))?;
        Ok(())
    }
}

impl View<'_> {
    /// What was judged of a thing in the graph.
    ///
    /// # Errors
    /// When the store fails.
    pub fn judged(&self, node: &Node) -> Result<Vec<JudgementRow>, Error> {
        match (node.vertex.run(), node.artifact().and_then(|artifact| artifact.digest)) {
            (Some(run), _) => self.judgements(run),
            (None, Some(digest)) => self.judgements(digest),
            (None, None) => Ok(Vec::new()),
        }
    }

    /// What was judged of a thing, the newest of each question first.
    ///
    /// # Errors
    /// When the store fails.
    pub fn judgements(&self, subject: impl Into<NodeId>) -> Result<Vec<JudgementRow>, Error> {
        let mut entries = self.entries(Side::Subject, vec![subject.into()], &[Kind::Judged])?;
        entries.sort_by_key(|entry| std::cmp::Reverse((entry.record.happened, entry.position)));
        let mut rows: Vec<JudgementRow> = Vec::new();
        for judged in entries.iter().filter_map(|entry| Judged::read(&entry.record)) {
            if rows.iter().all(|row| row.judgement != judged.judgement) {
                rows.push(JudgementRow {
                    judgement: judged.judgement,
                    verdict: judged.verdict,
                    detail: judged.detail,
                    run: judged.run.map(|run| run.to_string()),
                    at: rfc3339(judged.at),
                });
            }
        }
        Ok(rows)
    }
}
