//! Models: recognised by content, named, and tied to the models from which they were made.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::Read as _;
use std::path::PathBuf;

use keizu_capture::account::{Account, Content};
use keizu_record::body::{ArtifactKind, Edge, Named, Role};
use keizu_record::{Authority, FilePath, Group, Kind, Name, Record, Sha256, Time};
use sha2::Digest as _;

use super::place::Places;
use super::{Document, Link, Options, Peek, collect};
use crate::config::Config;
use crate::recognise::{self, Model, one_of};

/// The rule for a model that was recognised by what is in it.
pub const RECOGNISED: &str = "model by content";
/// The rule for a model that could not be opened.
pub const BY_NAME: &str = "model by file name";
/// The rule for a model's name: the file's stem, or the folder's when the stem says nothing.
pub const NAMED: &str = "file name";
/// The rule for parentage.
pub const PARENT: &str = "read one model, made another";

/// A SHA-256 is computed for models up to this size.
const SHA256_BYTES_MAX: u64 = 256 << 20;
/// After so many files of one folder and extension that were no models, the others are not opened.
const MISSES_MAX: usize = 16;
/// Files opened to be recognised.
const OPENED_MAX: usize = 4_096;
/// So many models that differ only in their numbers are steps of one.
const SERIES_MIN: usize = 3;
/// Folders that are looked at as models.
const FOLDERS_MAX: usize = 256;
/// Pairs of parent and child.
const PARENTS_MAX: usize = 64;

/// Recognises models among the links: folders first, then file by file.
pub fn recognise(links: Vec<Link>, options: &Options, config: &Config, account: &Account, places: &Places<'_>, peek: &dyn Peek) -> Folders {
    let mut found = folders(links, &declared_folders(options, config, account, places));
    let declared: BTreeSet<FilePath> = options.models.iter().map(|(_, path)| written(path, account, places)).collect();
    let mut misses: HashMap<(Vec<u8>, String), usize> = HashMap::new();
    let mut opened = 0;
    for link in &mut found.links {
        if link.model.is_some() {
            continue;
        }
        let by_hand = declared.contains(&link.edge.path) || config.model(&link.edge.path).is_some();
        if link.edge.kind == ArtifactKind::Code && !by_hand {
            continue;
        }
        let key = (link.edge.path.folder().to_vec(), link.edge.path.extension());
        let tired = misses.get(&key).is_some_and(|misses| *misses >= MISSES_MAX) || opened >= OPENED_MAX;
        let content = content(&link.edge).filter(|_| by_hand || (!tired && candidate(link)));
        let read = content.and_then(|content| {
            opened += 1;
            Some(recognise::recognise(&mut *peek.open(&link.full, &content)?, &link.edge.path))
        });
        match read {
            Some(Some(model)) => take(link, model, RECOGNISED),
            Some(None) => {
                *misses.entry(key).or_insert(0) += 1;
                // called like a model, and is none: a tensor, a broken file
                if link.edge.kind == ArtifactKind::Model && !by_hand {
                    link.edge.kind = ArtifactKind::Data;
                }
            }
            None if link.edge.kind == ArtifactKind::Model && link.by.is_none() => link.by = Some(BY_NAME),
            None => {}
        }
        if by_hand {
            link.edge.kind = ArtifactKind::Model;
            if matches!(link.edge.role, Role::Config | Role::Code) {
                link.edge.role = Role::Input;
            }
        }
        if link.made && link.edge.kind == ArtifactKind::Model {
            link.edge.sha256 = content.and_then(|content| sha256(link, &content, peek));
        }
    }
    found
}

/// Whether a file is worth opening.
fn candidate(link: &Link) -> bool {
    let open = matches!(link.edge.kind, ArtifactKind::Data | ArtifactKind::Other | ArtifactKind::Model | ArtifactKind::Evaluation);
    let json = link.edge.path.extension() == "json";
    (open || json) && recognise::may_be_model(&link.edge.path)
}

fn take(link: &mut Link, model: Model, by: &'static str) {
    link.edge.kind = ArtifactKind::Model;
    link.edge.format = Some(model.format.to_owned());
    if matches!(link.edge.role, Role::Config | Role::Code) {
        link.edge.role = Role::Input;
    }
    link.by = Some(by);
    link.model = Some(model);
}

fn content(edge: &Edge) -> Option<Content> {
    Some(Content { digest: edge.content?, size: edge.size? })
}

fn sha256(link: &Link, content: &Content, peek: &dyn Peek) -> Option<Sha256> {
    if content.size > SHA256_BYTES_MAX {
        return None;
    }
    let (mut sha256, mut blake3) = (sha2::Sha256::new(), blake3::Hasher::new());
    let mut file = peek.open(&link.full, content)?;
    let mut piece = vec![0; 1 << 16];
    loop {
        match file.read(&mut piece) {
            Ok(0) => break,
            Ok(length) => {
                sha256.update(&piece[..length]);
                blake3.update(&piece[..length]);
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => return None,
        }
    }
    // the two digests must be of the same bytes
    (blake3.finalize().as_bytes() == content.digest.as_bytes()).then(|| Sha256::new(sha256.finalize().into()))
}

/// Links of which those below a model's folder have become one.
pub struct Folders {
    /// All links.
    pub links: Vec<Link>,
    /// Manifests of the folders.
    pub documents: Vec<Document>,
}

fn declared_folders(options: &Options, config: &Config, account: &Account, places: &Places<'_>) -> Vec<FilePath> {
    let by_option = options.models.iter().map(|(_, path)| slashed(&written(path, account, places)));
    by_option.chain(config.model_folders()).collect()
}

/// Where an option's path leads, as the record writes it.
fn written(path: &std::path::Path, account: &Account, places: &Places<'_>) -> FilePath {
    let joined = account.cwd.join(path);
    let mut clean = PathBuf::new();
    for part in joined.components() {
        match part {
            std::path::Component::CurDir => {}
            std::path::Component::ParentDir => drop(clean.pop()),
            other => clean.push(other),
        }
    }
    places.written(&clean)
}

fn slashed(path: &FilePath) -> FilePath {
    let bytes = path.as_bytes();
    if bytes.ends_with(b"/") { path.clone() } else { FilePath::new([bytes, b"/"].concat()) }
}

fn folders(mut links: Vec<Link>, declared: &[FilePath]) -> Folders {
    let mut documents = Vec::new();
    for made in [false, true] {
        for folder in candidates(&links, made, declared) {
            let below = |link: &Link| {
                let below = link.edge.path.as_bytes().starts_with(folder.as_bytes());
                below && link.made == made && !link.edge.removed && link.edge.members.is_none() && (made || link.edge.role != Role::Code)
            };
            let inside = |link: &Link| FilePath::new(&link.edge.path.as_bytes()[folder.as_bytes().len()..]);
            let names: BTreeSet<FilePath> = links.iter().filter(|link| below(link)).map(inside).collect();
            let by_hand = declared.contains(&folder);
            let Some(model) = recognise::folder(&names).or_else(|| by_hand.then(Model::default)).filter(|_| !names.is_empty()) else {
                continue;
            };
            let (members, rest): (Vec<Link>, Vec<Link>) = links.into_iter().partition(below);
            links = rest;
            // what changed while it was read must stay visible
            let changed = members.iter().find_map(|member| member.edge.changed.clone());
            let (mut link, document) = collect::fold(folder.as_bytes().to_vec(), &members);
            link.edge.changed = changed;
            link.edge.role = if made { Role::Output } else { Role::Input };
            link.full = members[0].full.clone();
            let format = model.format;
            take(&mut link, model, RECOGNISED);
            link.edge.format = (!format.is_empty()).then(|| format.to_owned());
            documents.extend(document);
            links.push(link);
        }
    }
    Folders { links, documents }
}

/// Folders that may be a model, the outermost first, none inside another that is one.
fn candidates(links: &[Link], made: bool, declared: &[FilePath]) -> Vec<FilePath> {
    const MARKS: &[&[u8]] = &[b"MLmodel", b"saved_model.pb", b"saved_model.pbtxt", b"config.json", b"adapter_config.json"];
    let marked = links.iter().filter(|link| link.made == made && MARKS.contains(&link.edge.path.file_name()));
    let mut found: BTreeSet<FilePath> =
        marked.map(|link| link.edge.path.folder()).filter(|folder| !folder.is_empty()).map(|f| slashed(&FilePath::new(f))).collect();
    let touched =
        |folder: &FilePath| links.iter().any(|link| link.made == made && link.edge.path.as_bytes().starts_with(folder.as_bytes()));
    found.extend(declared.iter().filter(|folder| folder.as_bytes().len() > 1 && touched(folder)).cloned());
    found.into_iter().take(FOLDERS_MAX).collect()
}

/// A name that will get its version when the past is known.
#[derive(Debug, Clone, PartialEq)]
pub struct Naming(pub Named);

/// Names the models: as declared, else as their files are called. Marks the links that bear a name, so that they are never folded away.
/// Also says which declared models the run did not touch.
pub fn name(links: &mut [Link], options: &Options, config: &Config, account: &Account, places: &Places<'_>) -> (Vec<Naming>, Vec<String>) {
    let mut notes = Vec::new();
    let mut chosen: BTreeMap<String, (usize, Authority)> = BTreeMap::new();
    for (name, path) in &options.models {
        let path = written(path, account, places);
        let at = last(links, |link| link.edge.path == path || link.edge.path == slashed(&path), true);
        match at {
            Some(at) => drop(chosen.insert(name.clone(), (at, Authority::Declared))),
            None => notes.push(format!("model:{name} was not named: the run neither made nor read {path}")),
        }
    }
    let by_option: BTreeSet<usize> = chosen.values().map(|(at, _)| *at).collect();
    let names: BTreeSet<&str> = links.iter().filter_map(|link| config.model(&link.edge.path)).collect();
    for name in names {
        let matches = |link: &Link| config.model(&link.edge.path) == Some(name);
        if let Some(at) = last(links, matches, false).filter(|at| !by_option.contains(at)) {
            chosen.entry(name.to_owned()).or_insert((at, Authority::Declared));
        }
    }
    let declared: BTreeSet<usize> = chosen.values().map(|(at, _)| *at).collect();
    for (name, at) in inferred(links, config, &declared) {
        chosen.entry(name).or_insert((at, Authority::Inferred));
    }
    let mut namings = Vec::new();
    for (name, (at, authority)) in chosen {
        let link = &mut links[at];
        link.pinned = true;
        link.edge.kind = ArtifactKind::Model;
        namings.push(Naming(named(&name, link, authority)));
    }
    namings.sort_by_key(|naming| naming.0.at);
    (namings, notes)
}

/// The last of the links that match and can bear a name; what was only read counts when nothing was made.
fn last(links: &[Link], matches: impl Fn(&Link) -> bool, read_too: bool) -> Option<usize> {
    let usable = |link: &Link| link.edge.content.is_some() && !link.edge.removed && (link.made || read_too) && matches(link);
    let all = links.iter().enumerate().filter(|(_, link)| usable(link));
    all.max_by_key(|(_, link)| (link.made, link.edge.at, link.edge.path.clone())).map(|(at, _)| at)
}

fn named(name: &str, link: &Link, authority: Authority) -> Named {
    let edge = &link.edge;
    Named {
        name: Name::Model(name.to_owned()),
        at: edge.at,
        authority,
        rule: (authority == Authority::Inferred).then(|| NAMED.to_owned()),
        content: edge.content,
        version: None,
        run: link.made.then_some(edge.run),
        project: edge.project.clone(),
        path: Some(edge.path.clone()),
        kind: ArtifactKind::Model,
        size: edge.size,
        members: edge.members,
        note: None,
    }
}

/// Names for made models of which nobody said the name.
fn inferred(links: &[Link], config: &Config, declared: &BTreeSet<usize>) -> BTreeMap<String, usize> {
    let made = |(at, link): &(usize, &Link)| {
        let edge = &link.edge;
        let model = link.made && edge.kind == ArtifactKind::Model && edge.content.is_some() && !edge.removed;
        model && !declared.contains(at) && config.model(&edge.path).is_none()
    };
    let mut series: BTreeMap<(Vec<u8>, String), Vec<usize>> = BTreeMap::new();
    for (at, link) in links.iter().enumerate().filter(made) {
        series.entry((link.edge.path.folder().to_vec(), unnumbered(&stem(&link.edge)))).or_default().push(at);
    }
    let mut wanted: Vec<(String, usize)> = Vec::new();
    for ((_, base), members) in series {
        if members.len() < SERIES_MIN {
            wanted.extend(members.into_iter().map(|at| (called(&stem(&links[at].edge), &links[at].edge.path), at)));
        } else if let Some(at) = members.into_iter().max_by_key(|at| (links[*at].edge.at, links[*at].edge.path.clone())) {
            wanted.push((called(&base, &links[at].edge.path), at));
        }
    }
    let mut names: BTreeMap<String, usize> = BTreeMap::new();
    wanted.sort_by_key(|(name, at)| (name.clone(), links[*at].edge.path.as_bytes().len(), links[*at].edge.path.clone()));
    for (name, at) in wanted {
        // two files with one name: the second says its folder too
        let name = if names.contains_key(&name) { clean(&format!("{}-{name}", FilePath::new(links[at].edge.path.folder()))) } else { name };
        names.entry(name).or_insert(at);
    }
    names
}

fn stem(edge: &Edge) -> String {
    let stem = if edge.members.is_some() { FilePath::new(edge.path.file_name()).to_string() } else { edge.path.stem() };
    // delay.joblib.gz, model.weights.h5
    let inner = FilePath::from(stem.as_str());
    if matches!(inner.extension().as_str(), "joblib" | "pkl" | "pickle" | "weights" | "keras" | "json" | "onnx") {
        inner.stem()
    } else {
        stem
    }
}

/// A stem without its numbers: steps of one model have the same.
fn unnumbered(stem: &str) -> String {
    let bare: String = stem.chars().filter(|c| !c.is_ascii_digit()).collect();
    if bare.len() == stem.len() { stem.to_owned() } else { bare.trim_matches(['-', '_', '.', '=', ' ']).to_owned() }
}

/// The stem, unless it says nothing: then the nearest folder that says something.
fn called(stem: &str, path: &FilePath) -> String {
    const EMPTY: &str = "\
         model models pytorch_model tf_model saved_model weights checkpoint checkpoints ckpt best best_model final \
        final_model last latest estimator output outputs out artifact artifacts adapter_model epoch step iter bst booster \
        net network results result saved_models runs mlruns tmp temp data build dist version export exports src notebooks";
    let says_nothing = |name: &str| {
        let bare = unnumbered(&name.to_ascii_lowercase());
        bare.is_empty() || one_of(EMPTY, &bare) || (name.len() >= 16 && name.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-'))
    };
    if !says_nothing(stem) {
        return clean(stem);
    }
    let folder = FilePath::new(path.folder());
    let inside = if path.is_absolute() { Vec::new() } else { folder.as_bytes().split(|b| *b == b'/').map(<[u8]>::to_vec).collect() };
    let telling = inside.into_iter().rev().map(|name| FilePath::new(name).to_string()).find(|name| !says_nothing(name));
    clean(&telling.unwrap_or_else(|| if stem.is_empty() { "model".to_owned() } else { stem.to_owned() }))
}

/// A name that can be typed as `model:NAME@vN`.
fn clean(name: &str) -> String {
    let clean: String = name.chars().map(|c| if c.is_whitespace() || matches!(c, '@' | ':' | '/' | '\\') { '-' } else { c }).collect();
    let clean = clean.trim_matches('-');
    if clean.is_empty() { "model".to_owned() } else { clean.to_owned() }
}

/// Which models the made ones come from: `described` records, subject the child, object the parent. A parent that was read gets its role.
pub fn parents(links: &mut [Link], recorded: Time) -> Vec<Record> {
    let is = |link: &&Link, made: bool| {
        link.made == made && link.edge.kind == ArtifactKind::Model && !link.edge.removed && link.edge.content.is_some()
    };
    let children: Vec<Link> = links.iter().filter(|link| is(link, true)).cloned().collect();
    let sources: BTreeSet<_> = links.iter().filter(|link| is(link, false)).filter_map(|link| link.edge.content).collect();
    if children.is_empty() {
        return Vec::new();
    }
    let mut records = Vec::new();
    let mut told = BTreeSet::new();
    let parents: Vec<Link> = links.iter().filter(|link| is(link, false)).cloned().collect();
    for child in &children {
        for parent in &parents {
            let (Some(from), Some(to)) = (parent.edge.content, child.edge.content) else { continue };
            if from == to || records.len() >= PARENTS_MAX || !told.insert((from, to)) {
                continue;
            }
            let record = Record::new(Kind::Described, to, child.edge.at, recorded).with_object(from).by(Authority::Inferred, Some(PARENT));
            let record = record.with(Group::Fact, "relation", relation(child, parent, sources.len()));
            records.push(record.with(Group::Fact, "run", keizu_record::Value::Bytes(child.edge.run.as_bytes().to_vec())));
        }
    }
    for link in links.iter_mut().filter(|link| !link.made && link.edge.kind == ArtifactKind::Model && link.edge.role == Role::Input) {
        if told.iter().any(|(from, _)| Some(*from) == link.edge.content) {
            link.edge.role = Role::ParentModel;
        }
    }
    records
}

/// What the child is to the parent, as far as the formats tell.
fn relation(child: &Link, parent: &Link, parents: usize) -> &'static str {
    let format = |link: &Link| link.model.as_ref().map_or("", |model| model.format);
    let (to, from) = (format(child), format(parent));
    if child.model.as_ref().is_some_and(|model| model.adapter) {
        return "adapter of";
    }
    match to {
        "GGUF" => "quantised from",
        "ONNX" | "TFLite" | "TorchScript" | "PMML" if from != to => "exported from",
        _ if parents >= 2 => "ensemble of",
        _ => "derived from",
    }
}
