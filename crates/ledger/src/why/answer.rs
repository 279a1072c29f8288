//! The answer as scripts read it (`--json`).

use serde_json::{Value as Json, json};

use super::{Cause, CauseKind, Effect, Group, State, Swap, Why};
use crate::answer::{json as value, rfc3339};
use crate::said::{Said, Sentence};

impl Why {
    /// Whether a difference in the measure can have had an effect.
    pub fn measure_changed(&self) -> bool {
        self.causes.iter().any(|cause| cause.group == Group::Measure && cause.effect != Effect::Unlikely)
    }

    /// As JSON.
    pub fn as_json(&self) -> Json {
        json!({
            "a": state(&self.a),
            "b": self.b.as_ref().map(state),
            "measure_changed": self.measure_changed(),
            "metrics": self.metrics.iter().map(|metric| json!({
                "name": metric.name,
                "before": metric.before.as_ref().map(value),
                "after": metric.after.as_ref().map(value),
            })).collect::<Vec<_>>(),
            "causes": self.causes.iter().map(Cause::as_json).collect::<Vec<_>>(),
            "same": self.same.iter().copied().map(CauseKind::word).collect::<Vec<_>>(),
            "unseen": self.unseen,
            "unseen_said": lines(&self.unseen),
            "notes": self.notes,
            "notes_said": lines(&self.notes),
        })
    }
}

/// What each line says.
fn lines(sentences: &[Sentence]) -> Vec<&[Said]> {
    sentences.iter().map(Sentence::said).collect()
}

fn state(state: &State) -> Json {
    json!({
        "name": state.name,
        "path": state.path.as_ref().map(ToString::to_string),
        "digest": state.content.map(|digest| digest.to_string()),
        "made_by": state.made.map(|run| run.to_string()),
        "measured_by": state.measured.map(|run| run.to_string()),
        "evaluations": state.evaluations.iter().map(|(path, digest)| json!({
            "path": path.to_string(),
            "digest": digest.map(|digest| digest.to_string()),
        })).collect::<Vec<_>>(),
        "at": state.at.map(rfc3339),
        "measured_at": state.measured_at.map(rfc3339),
    })
}

impl Cause {
    /// As JSON.
    pub fn as_json(&self) -> Json {
        let (before, after) = self.runs;
        json!({
            "rank": self.rank,
            "factor": self.factor,
            "group": self.group.word(),
            "kind": self.kind.word(),
            "effect_possible": self.effect.word(),
            "subject": self.subject,
            "detail": self.detail,
            "said": self.detail.said(),
            "before": self.before,
            "after": self.after,
            "evidence": self.evidence,
            "evidence_said": lines(&self.evidence),
            "via": self.via,
            "authority": self.authority.word(),
            "rule": self.rule,
            "written_by": self.writer.as_ref().map(|writer| json!({
                "run": writer.run.to_string(),
                "command": writer.command,
                "at": rfc3339(writer.at),
            })),
            "runs": {"before": before.map(|run| run.to_string()), "after": after.map(|run| run.to_string())},
            "swaps": self.swaps.iter().map(swap).collect::<Vec<_>>(),
            "because": self.because.iter().map(Self::as_json).collect::<Vec<_>>(),
            "diff": self.diff,
            "data": self.data.as_deref(),
        })
    }
}

fn swap(swap: &Swap) -> Json {
    match swap {
        Swap::File { project, path, a, b } => json!({
            "what": "file",
            "project": project,
            "path": path.to_string(),
            "before": b.map(|digest| digest.to_string()),
            "after": a.map(|digest| digest.to_string()),
        }),
        Swap::Command { a, b } => json!({"what": "command", "before": b.to_string(), "after": a.to_string()}),
        Swap::Environment { a, b } => json!({"what": "environment", "before": b.to_string(), "after": a.to_string()}),
        Swap::Variables { a, b, names } => {
            json!({"what": "variables", "before": b.to_string(), "after": a.to_string(), "names": names})
        }
    }
}
