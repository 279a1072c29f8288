//! Evaluations: small documents of numbers, made by a run that read a model or made one.

use keizu_capture::account::Content;
use keizu_record::body::{ArtifactKind, Role};
use keizu_record::{Authority, FilePath, Group, Kind, Record, Time, Value};

use super::flatten::{Leaves, flatten};
use super::{Link, Peek, peek};

/// In the record.
pub const NAME: &str = "evaluation";
/// The rule for what an evaluation was measured on.
pub const DATA: &str = "evaluation data";

/// A larger document is data.
const BYTES_MAX: u64 = 256 << 10;
/// Documents that are opened.
const OPENED_MAX: usize = 64;

/// Finds the evaluations among what was made: their kind is set, and their numbers become metrics of the document and of the run.
pub fn evaluations(links: &mut [Link], peek: &dyn Peek, recorded: Time) -> Vec<Record> {
    if !links.iter().any(|link| link.edge.kind == ArtifactKind::Model && !link.edge.removed) {
        return Vec::new();
    }
    let mut found: Vec<(usize, Leaves)> = Vec::new();
    let candidates = links.iter().enumerate().filter(|(_, link)| candidate(link)).map(|(at, _)| at).take(OPENED_MAX);
    for at in candidates.collect::<Vec<_>>() {
        let link = &mut links[at];
        let (Some(digest), Some(size)) = (link.edge.content, link.edge.size) else { continue };
        let leaves = peek::whole(peek, &link.full, &Content { digest, size }).and_then(|bytes| flatten(&link.edge.path, &bytes));
        if let Some(leaves) = leaves.filter(measures) {
            link.edge.kind = ArtifactKind::Evaluation;
            link.by = Some(NAME);
            found.push((at, leaves));
        }
    }
    if found.is_empty() {
        return Vec::new();
    }
    mark_data(links);
    let mut records = Vec::new();
    let many = found.len() > 1;
    for (at, leaves) in found {
        let edge = &links[at].edge;
        let mut of_run = Record::new(Kind::Described, edge.run, edge.at, recorded).by(Authority::Inferred, Some(NAME));
        let mut of_document = of_run.clone();
        if let Some(content) = edge.content {
            of_document.subject = content.into();
            of_run.object = Some(content.into());
        }
        for (key, value) in numbers(&leaves) {
            let long = if many { format!("{}:{key}", edge.path) } else { key.to_owned() };
            of_run.set(Group::Metric, long, value.clone());
            of_document.set(Group::Metric, key, value.clone());
        }
        if leaves.cut {
            of_document.set(Group::Fact, "cut", true);
        }
        records.extend([of_document, of_run]);
    }
    records
}

fn candidate(link: &Link) -> bool {
    let edge = &link.edge;
    let kind = matches!(edge.kind, ArtifactKind::Data | ArtifactKind::Config | ArtifactKind::Other | ArtifactKind::Evaluation);
    let small = edge.size.is_some_and(|size| size <= BYTES_MAX) && edge.members.is_none();
    let format = matches!(edge.path.extension().as_str(), "json" | "yaml" | "yml" | "csv" | "tsv");
    link.made && edge.role == Role::Output && kind && small && format && edge.content.is_some() && !is_settings(&edge.path)
}

/// Documents of numbers that go with a model and measure nothing.
fn is_settings(path: &FilePath) -> bool {
    let name = path.stem().to_ascii_lowercase();
    let words = [
        "config",
        "param",
        "setting",
        "vocab",
        "token",
        "schema",
        "args",
        "index",
        "mapping",
        "encoder",
        "state",
        "manifest",
        "prediction",
        "feature",
    ];
    words.iter().any(|word| name.contains(word))
}

/// Whether a document measures something: named leaves, most of them numbers, none so many that it is data.
fn measures(leaves: &Leaves) -> bool {
    let scalars = leaves.leaves.iter().filter(|(_, value)| !matches!(value, Value::List(_)));
    let (numbers, all) = scalars.fold((0, 0), |(numbers, all), (_, value)| (numbers + usize::from(is_number(value)), all + 1));
    !leaves.unnamed && numbers > 0 && numbers * 2 > all
}

fn is_number(value: &Value) -> bool {
    matches!(value, Value::Int(_) | Value::Float(_))
}

fn numbers(leaves: &Leaves) -> impl Iterator<Item = (&str, &Value)> {
    leaves.leaves.iter().filter(|(_, value)| is_number(value)).map(|(key, value)| (key.as_str(), value))
}

/// What such a run read as data is what it measured on: all of it when it made no model; else what is called so.
fn mark_data(links: &mut [Link]) {
    let trains = links.iter().any(|link| link.made && link.edge.kind == ArtifactKind::Model && !link.edge.removed);
    for link in links.iter_mut() {
        let data = !link.made && link.edge.role == Role::Input && matches!(link.edge.kind, ArtifactKind::Data | ArtifactKind::Other);
        if data && link.by != Some("keizu.toml") && (!trains || is_called_so(&link.edge.path)) {
            link.edge.role = Role::EvaluationData;
            link.by = Some(DATA);
        }
    }
}

fn is_called_so(path: &FilePath) -> bool {
    let text = path.to_string().to_ascii_lowercase();
    let words = ["eval", "evaluation", "test", "valid", "validation", "val", "holdout", "dev", "heldout", "oos", "benchmark"];
    text.replace("hold_out", "holdout")
        .replace("held_out", "heldout")
        .split(|c: char| !c.is_alphanumeric())
        .any(|word| words.contains(&word))
}
