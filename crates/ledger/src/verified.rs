//! What a verification found, in words and as JSON.

use keizu_record::Record;
use keizu_store::verify::{Fault, LogReport, ObjectReport, Problem, Report};
use serde_json::{Value, json};

/// Hex digits of a run's id.
const RUN_DIGITS: usize = 6;

/// The report as scripts read it.
pub fn as_json(report: &Report, contents: Option<&ObjectReport>, intact: bool) -> Value {
    let at = |time: keizu_record::Time| crate::answer::rfc3339(time);
    let logs: Vec<Value> = report
        .logs
        .iter()
        .map(|log| {
            let faults: Vec<Value> = log
                .faults
                .iter()
                .map(|fault| {
                    json!({
                        "index": fault.index,
                        "id": fault.id.map(|id| id.to_string()),
                        "what": sentence(log, fault),
                        "record": fault.record.as_deref().map(described),
                        "after": fault.after.map(|anchor| json!({"size": anchor.size, "at": at(anchor.recorded)})),
                        "intact": fault.intact,
                    })
                })
                .collect();
            json!({
                "origin": &*log.origin.name,
                "own": log.origin.own,
                "size": log.origin.size,
                "intact": log.intact,
                "checkpoint": log.head.as_ref().map(|head| json!({"size": head.size, "root": head.root.to_string()})),
                "last_at": log.last.map(at),
                "witnesses": log.witnessed.iter().map(|(held_by, size)| json!({"held_by": held_by, "size": size})).collect::<Vec<_>>(),
                "faults": faults,
            })
        })
        .collect();
    json!({
        "intact": intact,
        "logs": logs,
        "absent": report.absent.iter().map(|(origin, held_by)| json!({"origin": origin, "held_by": held_by})).collect::<Vec<_>>(),
        "contents": contents.map(|contents| json!({
            "intact": contents.intact,
            "bytes": contents.bytes,
            "faults": contents.faults.iter().map(|(digest, why)| json!({"digest": digest.to_string(), "what": why})).collect::<Vec<_>>(),
        })),
    })
}

/// `run:77e0b1 "used data/train.csv"`, as the record reads now.
pub fn described(record: &Record) -> String {
    let subject = record.run().map_or_else(|| record.subject.to_string(), |run| format!("run:{}", run.short(RUN_DIGITS)));
    let object = record.path("path").map(|path| format!(" {path}")).unwrap_or_default();
    format!("{subject} \"{}{object}\"", record.kind)
}

/// What is wrong, and where. Entries are counted from 1.
pub fn sentence(log: &LogReport, fault: &Fault) -> String {
    let name = &log.origin.name;
    let first = fault.index + 1;
    let entries = |last: u64| match last {
        last if last <= first => format!("entry {} of log {name}", count(first)),
        last => format!("entries {} to {} of log {name}", count(first), count(last)),
    };
    match &fault.problem {
        Problem::Altered { what } => format!("{} does not match its hash: {what}", entries(first)),
        Problem::Missing { count: 1 } => format!("{} is missing", entries(first)),
        Problem::Missing { count } => format!("{} are missing", entries(fault.index + count)),
        Problem::Rewritten { last, held_by } if *last == fault.index => {
            format!("{} was altered, exchanged, put in or taken out: it does not give the root of {held_by}", entries(first))
        }
        Problem::Rewritten { last, held_by } => {
            format!(
                "{}: at least one was altered, exchanged, put in or taken out: together they do not give the root of {held_by}",
                entries(last + 1)
            )
        }
        Problem::Cut { size, held_by } if *size > first => format!("{} are missing, though {held_by} covers them", entries(*size)),
        Problem::Cut { size, held_by } => format!("{} is missing, though {held_by} covers it", entries(*size)),
        Problem::Unsigned => format!("{} and all that follow are covered by no checkpoint", entries(first)),
        Problem::Checkpoint { held_by, what } => format!("{held_by} of log {name} does not hold at entry {}: {what}", count(first)),
        Problem::Key => format!("log {name} is signed with a key that is not the known one"),
    }
}

/// A number with a comma every three digits.
fn count(number: u64) -> String {
    let digits = number.to_string();
    let from_end = |at: usize| digits.len() - at;
    digits
        .char_indices()
        .flat_map(|(at, digit)| (at > 0 && from_end(at).is_multiple_of(3)).then_some(',').into_iter().chain([digit]))
        .collect()
}
