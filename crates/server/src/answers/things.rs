//! One thing: everything about it, its versions, and what it holds.

use std::io::Read as _;

use keizu_ledger::answer::VersionRow;
use keizu_ledger::{Got, Shown, Thing};
use serde_json::{Map, Value, json};

use super::{json, page};
use crate::ask::{Ask, spelled};
use crate::fault::Fault;
use crate::reply::Reply;

/// Files of a folder that one answer tells.
const MEMBERS_MAX: usize = 1_000;
/// Bytes that are read at once.
const PIECE_BYTES: usize = 64 << 10;

/// What `keizu show --json` says, with how the thing is called and where the record speaks of it first.
pub(crate) fn thing(ask: &Ask<'_>) -> Result<Reply, Fault> {
    let typed = typed(ask)?;
    let thing = ask.thing(typed)?;
    let version = typed.contains('@');
    let shown = ask.ledger.shown(&thing, version, ask.query.flag("files")?, &ask.now)?;
    let mut value = json(&shown)?;
    let kind = match &thing {
        Thing::Run(_) => "run",
        Thing::Version(_) if !version => "name",
        Thing::Version(_) => "version",
        _ => "artifact",
    };
    if let Value::Object(fields) = &mut value {
        cut(fields);
        if let Some(Value::Object(artifact)) = fields.get_mut("artifact") {
            cut(artifact);
        }
        // an artifact tells itself what it is: data, model, …
        fields.entry("kind").or_insert_with(|| kind.into());
        fields.insert("thing".to_owned(), spelled(&thing).into());
        fields.insert("what".to_owned(), kind.into());
        fields.insert("seq".to_owned(), ask.view().first_position(&thing)?.into());
    }
    Ok(Reply::Json(value))
}

fn typed<'a>(ask: &'a Ask<'_>) -> Result<&'a str, Fault> {
    ask.path.first().map(String::as_str).filter(|typed| !typed.is_empty()).ok_or_else(|| Fault::missing("no thing is named"))
}

/// Of a folder with many files only the first are told at once.
fn cut(fields: &mut Map<String, Value>) {
    if let Some(Value::Array(members)) = fields.get_mut("members") {
        let count = members.len();
        members.truncate(MEMBERS_MAX);
        fields.insert("members_count".to_owned(), count.into());
    }
}

/// The files of a folder, by their names.
pub(crate) fn members(ask: &Ask<'_>) -> Result<Reply, Fault> {
    let thing = ask.thing(typed(ask)?)?;
    let artifact = match ask.ledger.shown(&thing, true, false, &ask.now)? {
        Shown::Content(content) => Some(content.artifact),
        Shown::Version(version) => version.artifact,
        Shown::Run(_) | Shown::Name(_) => None,
    };
    let members = artifact.and_then(|artifact| artifact.members).ok_or_else(|| Fault::wrong("unfit", "only folders have members"))?;
    let (rows, next) = page(members, ask.query.get("after"), ask.query.limit(MEMBERS_MAX, MEMBERS_MAX)?, |row| row.path.clone())?;
    Ok(Reply::Json(json!({"members": rows, "next": next})))
}

/// All versions, newest first, each with the numbers by which it was measured.
pub(crate) fn versions(ask: &Ask<'_>) -> Result<Reply, Fault> {
    let thing = ask.thing(typed(ask)?)?;
    let Thing::Version(named) = &thing else { return Err(Fault::wrong("unfit", "only models and named datasets have versions")) };
    let (view, name) = (ask.view(), &named.name);
    let detail = view.name(name)?;
    let (rows, next) = page(detail.versions, ask.query.get("after"), ask.query.limit(100, 1_000)?, |row: &VersionRow| row.name.clone())?;
    let mut measured = view.version_numbers(name, &rows.iter().map(|row| row.version).collect())?;
    let mut versions = Vec::with_capacity(rows.len());
    for row in rows {
        let mut told = json(&row)?;
        told["metrics"] = json(&measured.of.remove(&row.version).unwrap_or_default())?;
        versions.push(told);
    }
    Ok(Reply::Json(json!({"name": detail.name, "aliases": detail.aliases, "metrics": measured.names, "versions": versions, "next": next})))
}

/// At most 100 rows of a table, or 64 KiB of text.
pub(crate) fn preview(ask: &Ask<'_>) -> Result<Reply, Fault> {
    let thing = ask.thing(typed(ask)?)?;
    Ok(Reply::Json(json(&ask.ledger.preview(&thing)?)?))
}

/// What a thing holds: a file, byte by byte as it was kept.
pub(crate) fn content(ask: &Ask<'_>) -> Result<Reply, Fault> {
    let thing = ask.thing(typed(ask)?)?;
    let name = match &thing {
        Thing::Place { path, .. } => last(&path.to_string()),
        Thing::Version(named) => named.path.as_ref().map_or_else(|| spelled(&thing), |path| last(&path.to_string())),
        _ => spelled(&thing),
    };
    match ask.ledger.get(&thing)? {
        Got::Folder { .. } => Err(Fault::wrong("unfit", "a folder can't be saved as one file; ask for one of its members")),
        // opened again where it is written: a reader stays on its thread
        Got::File { digest, .. } => Ok(Reply::Download(
            name,
            Box::new(move |ask, out| {
                let reader = ask.ledger.content(&digest).map_err(std::io::Error::other)?;
                let mut reader = reader.ok_or(std::io::ErrorKind::NotFound)?;
                let mut piece = vec![0; PIECE_BYTES];
                loop {
                    let count = reader.read(&mut piece)?;
                    if count == 0 {
                        return Ok(());
                    }
                    out.write_all(&piece[..count])?;
                }
            }),
        )),
    }
}

fn last(path: &str) -> String {
    path.rsplit('/').find(|part| !part.is_empty()).unwrap_or(path).to_owned()
}
