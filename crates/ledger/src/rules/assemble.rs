//! Puts the rules together.

use std::collections::BTreeSet;

use keizu_capture::account::Account;
use keizu_record::body::{ArtifactKind, Edge, Role};
use keizu_record::{Authority, FilePath, Group, Record, Time, Value};

use super::place::Places;
use super::redact::Redactor;
use super::sort::{Sorted, sort};
use super::{Document, Link, Options, Peek, Prepared, collect, end, environment, evaluate, git, models, names, params};
use crate::config::Config;
use crate::documents::canonical;

/// The place under which the environment stands in the record.
const ENVIRONMENT: &str = "(environment)";
/// Records get their time of recording when they are drafted.
const UNRECORDED: Time = Time(0);

/// Turns an account into what will stand in the record, but for what depends on the past. This is the expensive part; it asks nothing of a store.
pub fn prepare(account: &Account, options: &Options, config: &Config, peek: &dyn Peek) -> Prepared {
    let places = Places::of(account);
    let redactor = Redactor::new(config);
    let Sorted { links, environment: loaded, folded } = sort(account, &places, config, peek, &options.project);
    let models::Folders { mut links, mut documents } = models::recognise(links, options, config, account, &places, peek);

    let mut described: Vec<Record> = Vec::new();
    if let Some((record, diff)) = git::describe(account, &places, config, UNRECORDED) {
        described.push(record);
        documents.extend(diff);
    }
    described.extend(params::of_children(account, &redactor, UNRECORDED));
    described.extend(params::of_config(&links, account, config, &redactor, peek, UNRECORDED));
    let measured = evaluate::evaluations(&mut links, peek, UNRECORDED);
    let (namings, notes) = models::name(&mut links, options, config, account, &places);
    let parentage = models::parents(&mut links, UNRECORDED);

    let code: BTreeSet<FilePath> = links.iter().filter(|link| link.edge.role == Role::Code).map(|link| link.edge.path.clone()).collect();
    let gone: Vec<FilePath> =
        links.iter().filter(|link| link.edge.removed && link.edge.content.is_none()).map(|link| link.edge.path.clone()).collect();
    let (mut links, manifests) = collect::collect(links, &account.listings, &places);
    documents.extend(manifests);
    for (more, names) in
        [names::listings(account, &code, &places, config, &options.project), names::absences(account, &places, config, &options.project)]
    {
        links.extend(more);
        documents.extend(names);
    }
    links.sort_by(|a, b| (a.made, &a.edge.path, a.edge.role).cmp(&(b.made, &b.edge.path, b.edge.role)));

    let (used, made): (Vec<&Link>, Vec<&Link>) = links.iter().partition(|link| !link.made);
    let mut records = described;
    records.push(environment_record(account, &places, &redactor, &loaded, &options.project, &mut documents));
    records.extend(used.iter().chain(&made).map(|link| link.to_record(UNRECORDED)));
    records.extend(measured);
    records.extend(parentage);
    let beside = end::Beside { folded: &folded, environment: &loaded, gone: &gone };
    let (digest, document) = end::document(account, &places, &redactor, &beside);
    documents.push((digest, document));
    records.push(end::ended(account, digest).to_record(UNRECORDED));
    documents.sort_by_key(|(digest, _)| *digest);
    documents.dedup_by_key(|(digest, _)| *digest);
    Prepared { run: account.run, records, documents, namings, notes }
}

/// The environment's edge. On it, beside the node: the manifest of what this run loaded, and the packages from which.
fn environment_record(
    account: &Account,
    places: &Places<'_>,
    redactor: &Redactor<'_>,
    loaded: &[&keizu_capture::account::File],
    project: &str,
    documents: &mut Vec<Document>,
) -> Record {
    let (digest, bytes) = canonical(&environment::document(account, places, redactor));
    let manifest = environment::manifest(loaded);
    let edge = Edge {
        run: account.run,
        at: account.began,
        authority: Authority::Observed,
        rule: None,
        project: project.to_owned(),
        path: FilePath::from(ENVIRONMENT),
        target: None,
        content: Some(digest),
        size: Some(bytes.len() as u64),
        members: None,
        kind: ArtifactKind::Environment,
        role: Role::Environment,
        format: None,
        sha256: None,
        changed: None,
        unseen: None,
        unchanged: false,
        removed: false,
    };
    documents.push((digest, bytes));
    let mut record = edge.to_record(keizu_record::Kind::Used, UNRECORDED);
    if !manifest.0.is_empty() {
        record.set(Group::Fact, "files", Value::Bytes(manifest.digest().as_bytes().to_vec()));
        record.set(Group::Fact, "files count", manifest.0.len() as i64);
        documents.push((manifest.digest(), manifest.encode()));
    }
    let packages = environment::loaded(account);
    if !packages.is_empty() {
        record.set(Group::Fact, "packages loaded", Value::List(packages.into_iter().map(Value::Text).collect()));
    }
    record
}
