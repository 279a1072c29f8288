//! The record itself: how it stands, single entries, proofs, and whether it is true.

use std::io;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keizu_ledger::answer::{self, rfc3339};
use keizu_record::{Entry, Hash, Kind as RecordKind};
use serde_json::{Map, Value, json};

use crate::ask::Ask;
use crate::fault::Fault;
use crate::reply::Reply;
use crate::table::{Kind, Param, optional};

pub(crate) const VERIFY: &[Param] = &[optional("content", Kind::Flag, "Read every kept content again, too")];

/// Between two words on how far it is.
const STEP: Duration = Duration::from_millis(200);

/// Size, root and last checkpoint of the own log, as every page shows them.
pub(crate) fn brief(ask: &Ask<'_>) -> Result<Value, Fault> {
    let logs = ask.ledger.logs()?;
    let own = logs.iter().find(|log| log.own).or(logs.first());
    Ok(json!({
        "size": own.map_or(0, |log| log.size),
        "root": own.and_then(|log| log.root.clone()),
        "checkpoint_at": own.and_then(|log| log.signed_at.clone()),
        "verified_at": ask.state.verified_at(),
    }))
}

/// `{size, root, checkpoints, signers, witnesses, …}`.
pub(crate) fn record(ask: &Ask<'_>) -> Result<Reply, Fault> {
    let mut value = brief(ask)?;
    let logs = ask.ledger.logs()?;
    if let Value::Object(fields) = &mut value {
        let last: Vec<Value> = logs
            .iter()
            .filter_map(|log| {
                Some(json!({"origin": log.origin, "size": log.signed?, "root": log.root, "at": log.signed_at, "note": log.checkpoint}))
            })
            .collect();
        fields.insert("checkpoints".to_owned(), last.into());
        fields.insert("signers".to_owned(), logs.iter().map(|log| log.signer.clone()).collect());
        fields.insert("witnesses".to_owned(), json!([]));
        fields.insert("logs".to_owned(), super::json(&logs)?);
        fields.insert("position".to_owned(), ask.standing.position.into());
    }
    Ok(Reply::Json(value))
}

fn at(ask: &Ask<'_>) -> Result<Entry, Fault> {
    let text = ask.path.first().map(String::as_str).unwrap_or_default();
    let seq = text.parse::<u64>().ok().filter(|seq| i64::try_from(*seq).is_ok());
    let seq = seq.ok_or_else(|| Fault::wrong("parameter", "an entry is written as its number"))?;
    let entry = ask.ledger.entry(seq)?;
    entry.ok_or_else(|| Fault::missing(format!("the record has no entry {seq}; the newest is {}", ask.standing.position)))
}

/// One entry's fields. A field that was withheld is null, and is named under `withheld`.
pub(crate) fn entry(ask: &Ask<'_>) -> Result<Reply, Fault> {
    Ok(Reply::Json(fields(&at(ask)?)))
}

fn fields(entry: &Entry) -> Value {
    let record = &entry.record;
    let mut groups: Map<String, Value> = Map::new();
    for ((group, key), value) in &record.entries {
        let value = match value {
            keizu_record::Value::Bytes(bytes) => json!({"hex": keizu_record::hex(bytes)}),
            other => answer::json(other),
        };
        let into = groups.entry(group.word()).or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(into) = into {
            into.insert(key.clone(), value);
        }
    }
    json!({
        "seq": entry.position,
        "origin": &*entry.origin,
        "index": entry.index,
        "id": entry.id.to_string(),
        "kind": record.kind.word(),
        "authority": record.authority.word(),
        "rule": record.rule,
        "happened_at": rfc3339(record.happened),
        "recorded_at": rfc3339(record.recorded),
        "subject": record.subject.to_string(),
        "object": record.object.as_ref().map(ToString::to_string),
        "place": record.place().map(|place| place.to_string()),
        "cites": record.cites.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "retracts": record.kind == RecordKind::Retracted,
        "fields": groups,
        "withheld": [],
    })
}

/// What it takes to check elsewhere that an entry is in its log.
pub(crate) fn proof(ask: &Ask<'_>) -> Result<Reply, Fault> {
    let entry = at(ask)?;
    let Some(proof) = ask.ledger.proof(&entry)? else {
        return Err(Fault::new(hyper::StatusCode::NOT_FOUND, "unsigned", "no checkpoint covers this entry yet"));
    };
    let base64 = |hash: &Hash| STANDARD.encode(hash.as_bytes());
    Ok(Reply::Json(json!({
        "seq": entry.position,
        "id": entry.id.to_string(),
        "origin": proof.origin,
        "index": proof.index,
        "leaf": proof.leaf.to_string(),
        "size": proof.size,
        "path": proof.path.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "path_base64": proof.path.iter().map(base64).collect::<Vec<_>>(),
        "root": proof.root.to_string(),
        "checkpoint": proof.checkpoint,
    })))
}

/// Lines: `{"progress": {origin, done, total}}` now and then, `{"report": …}` at the end, as `keizu verify --json` says it.
pub(crate) fn verify(ask: &Ask<'_>) -> Result<Reply, Fault> {
    let content = ask.query.flag("content")?;
    Ok(Reply::Lines(Box::new(move |ask, out| {
        let (mut told, mut failed) = (None::<Instant>, Ok(()));
        let mut say = |value: Value, failed: &mut io::Result<()>| {
            if failed.is_ok() && told.is_none_or(|told| told.elapsed() >= STEP) {
                told = Some(Instant::now());
                *failed = serde_json::to_writer(&mut *out, &value)
                    .map_err(io::Error::from)
                    .and_then(|()| out.write_all(b"\n"))
                    .and_then(|()| out.flush());
            }
        };
        let report = ask.ledger.verify(Vec::new(), &mut |far| {
            say(json!({"progress": {"origin": far.origin, "done": far.done, "total": far.total}}), &mut failed);
        });
        let contents = match &report {
            Ok(_) if content => Some(ask.ledger.verify_contents(&mut |done, bytes| {
                say(json!({"progress": {"origin": null, "done": done, "total": null, "bytes": bytes}}), &mut failed);
            })),
            _ => None,
        };
        failed?;
        let last = match (report, contents.transpose()) {
            (Ok(report), Ok(contents)) => {
                let intact = report.is_intact() && contents.as_ref().is_none_or(|contents| contents.faults.is_empty());
                if intact {
                    ask.state.verified(ask.now.timestamp().to_string());
                }
                json!({"report": keizu_ledger::report_json(&report, contents.as_ref(), intact)})
            }
            (Err(error), _) | (_, Err(error)) => Fault::from(error).json(),
        };
        serde_json::to_writer(&mut *out, &last)?;
        out.write_all(b"\n")
    })))
}
