//! What stands on a card: a name, and a word with numbers below it. Sentences are the door's.

use keizu_record::FilePath;
use keizu_record::body::ArtifactKind;

use crate::node::{ArtifactNode, Detail, Node, RunNode};
use crate::tree::stem;

use super::{Card, Kin, Picture, Why};

/// A word, and what belongs to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The word.
    pub code: &'static str,
    /// Numbers, and names that nobody translates.
    pub args: Vec<Arg>,
}

/// One of a [`Note`]'s arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Arg {
    /// A number.
    Number(i64),
    /// A name.
    Name(String),
}

impl Note {
    /// A word with one number.
    pub fn count(code: &'static str, number: impl TryInto<i64>) -> Self {
        Self { code, args: vec![Arg::Number(number.try_into().unwrap_or(i64::MAX))] }
    }

    fn plain(code: &'static str) -> Self {
        Self { code, args: Vec::new() }
    }
}

/// The name of a card.
pub fn name(kin: &Kin, picture: &Picture, card: &Card) -> String {
    let first = &kin.nodes[card.nodes[0]];
    match card.fold.map(|fold| picture.folds[fold].why) {
        Some(Why::Directory | Why::More) => folder_of(kin, card).unwrap_or_else(|| single(first)),
        Some(Why::Siblings) if first.kind() != ArtifactKind::Code.word() => common_name(kin, card).unwrap_or_else(|| single(first)),
        Some(Why::Crowd) => format!("{}…", single(first)),
        _ => single(first),
    }
}

/// The words below it.
pub fn note(kin: &Kin, picture: &Picture, card: &Card) -> Note {
    let first = &kin.nodes[card.nodes[0]];
    match card.fold.map(|fold| (picture.folds[fold].why, picture.folds[fold].count)) {
        Some((Why::Directory, count)) => Note::count("files", count),
        Some((Why::Runs, count)) => Note::count("runs", count),
        Some((Why::Siblings, count)) if first.kind() == ArtifactKind::Code.word() => Note::count("with", count - 1),
        Some((Why::Siblings | Why::Crowd | Why::More, count)) if first.run().is_none() => Note::count("things", count),
        Some((Why::Siblings | Why::Crowd | Why::More, count)) => Note::count("runs", count),
        Some((Why::Noise | Why::System | Why::Versions, _)) | None => note_of(first),
    }
}

/// The folder of all of them.
fn folder_of(kin: &Kin, card: &Card) -> Option<String> {
    let folder = |node: &usize| kin.nodes[*node].artifact().and_then(|artifact| Some(artifact.path.as_ref()?.folder().to_vec()));
    let first = folder(&card.nodes[0]).filter(|folder| !folder.is_empty())?;
    card.nodes.iter().all(|node| folder(node).as_ref() == Some(&first)).then(|| format!("{}/", last_part(&first)))
}

/// `models/*.joblib`, or the name of all versions.
fn common_name(kin: &Kin, card: &Card) -> Option<String> {
    let artifact = |node: &usize| kin.nodes[*node].artifact();
    let first = artifact(&card.nodes[0])?;
    if let Some(version) = first.versions.last() {
        let base = super::look::base(version);
        let same = |node: &usize| {
            artifact(node).and_then(|artifact| artifact.versions.last()).is_some_and(|other| super::look::base(other) == base)
        };
        return card.nodes.iter().all(same).then(|| spoken(base));
    }
    let path = first.path.as_ref()?;
    let extension = path.extension();
    let names: std::collections::BTreeSet<Vec<u8>> =
        card.nodes.iter().filter_map(|node| Some(artifact(node)?.path.as_ref()?.file_name().to_vec())).collect();
    if let [one] = names.iter().collect::<Vec<_>>().as_slice() {
        return Some(FilePath::new(one.as_slice()).to_string());
    }
    let same = |node: &usize| {
        artifact(node)
            .and_then(|artifact| artifact.path.as_ref())
            .is_some_and(|other| other.folder() == path.folder() && other.extension() == extension)
    };
    if !card.nodes.iter().all(same) {
        return None;
    }
    let folder = match last_part(path.folder()) {
        folder if folder.is_empty() => folder,
        folder => format!("{folder}/"),
    };
    Some(if extension.is_empty() { format!("{folder}*") } else { format!("{folder}*.{extension}") })
}

fn single(node: &Node) -> String {
    match &node.detail {
        Detail::Run(run) => of_run(node, run),
        Detail::Artifact(artifact) => of_artifact(artifact),
    }
}

/// The name that it was given, else that of the program that ran.
fn of_run(node: &Node, run: &RunNode) -> String {
    if let Some(name) = &run.name {
        return name.clone();
    }
    let stem = stem(&run.command);
    let Some(program) = stem.last() else {
        return crate::Vertex::run(&node.vertex).map_or_else(|| node.name.clone(), |run| format!("run:{}", run.short(6)));
    };
    let inline = stem.len() > 1 && matches!(stem[stem.len() - 2].as_slice(), b"-c" | b"-e");
    let name = if inline { last_part(&stem[0]) } else { last_part(program) };
    let script = [".py", ".sh", ".R", ".r", ".jl", ".ipynb", ".pl", ".rb", ".js"].iter().find_map(|end| name.strip_suffix(end));
    script.filter(|script| !script.is_empty()).map_or(name.clone(), str::to_owned)
}

fn of_artifact(artifact: &ArtifactNode) -> String {
    match (artifact.versions.last(), &artifact.path, artifact.digest) {
        (Some(version), ..) => spoken(super::look::base(version)),
        (None, Some(path), _) => {
            let folder = path.as_bytes().ends_with(b"/");
            let name = last_part(path.as_bytes().strip_suffix(b"/").unwrap_or(path.as_bytes()));
            if folder { format!("{name}/") } else { name }
        }
        (None, None, Some(digest)) => format!("b3:{}", digest.short(8)),
        (None, None, None) => "?".to_owned(),
    }
}

/// `delay` of `model:delay`.
fn spoken(name: &str) -> String {
    name.split_once(':').map_or(name, |(_, name)| name).to_owned()
}

fn last_part(path: &[u8]) -> String {
    let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or(path);
    FilePath::new(name).to_string()
}

fn note_of(node: &Node) -> Note {
    match &node.detail {
        Detail::Run(run) => of_end(run),
        Detail::Artifact(artifact) => {
            if artifact.unseen.is_some() {
                return Note::plain("unseen");
            }
            if let Some(version) = artifact.versions.last().and_then(|version| version.rsplit_once("@v")?.1.parse::<i64>().ok()) {
                let aliases = artifact.aliases.iter().map(|alias| Arg::Name(alias.clone()));
                return Note { code: "version", args: [Arg::Number(version)].into_iter().chain(aliases).collect() };
            }
            match (artifact.members, artifact.size) {
                (Some(members), _) => Note::count("files", members),
                (None, Some(size)) => Note::count("bytes", size),
                (None, None) => Note::plain("unknown"),
            }
        }
    }
}

fn of_end(run: &RunNode) -> Note {
    match (run.began, run.ended) {
        (Some(began), Some(ended)) => Note::count("ms", (ended.micros() - began.micros()).max(0) / 1000),
        (Some(_), None) if run.status == Some(keizu_record::body::Status::Running) => Note::plain("running"),
        _ => Note::plain("unknown"),
    }
}
