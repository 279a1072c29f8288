//! What the graph is made of: occurrences, and links between them.

use std::fmt;

use keizu_record::body::{ArtifactKind, Role};
use keizu_record::{Authority, Digest, FilePath, RecordId, RunId};

/// Where a file stands. The project of an absolute path is empty: the path says it all.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The project's name; empty when the path is absolute.
    pub project: String,
    /// Relative to the project's root, or absolute.
    pub path: FilePath,
}

impl Place {
    /// The place of a path in a project.
    pub fn new(project: &str, path: FilePath) -> Self {
        let project = if path.is_absolute() { String::new() } else { project.to_owned() };
        Self { project, path }
    }
}

/// A vertex of the graph: an execution, or one occurrence of a content. Equal contents that were written twice are two vertices.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Vertex {
    /// An execution.
    Run(RunId),
    /// What one run wrote at one path: a `made` record.
    Write(RecordId),
    /// One file of a folder that a run wrote: a `made` record of a collection, and the path in it.
    Member {
        /// The record.
        write: RecordId,
        /// Relative to the collection's folder.
        path: FilePath,
    },
    /// A content that was read, or named, at a place where no write of it was seen.
    Source {
        /// Where.
        place: Place,
        /// What; none when the content was not seen.
        digest: Option<Digest>,
        /// Stands for the set of writes it may have come from (members of a folder; equal contents elsewhere). Two readers of the same
        /// bytes at the same place share the vertex only if they may have read the same writes: else the earlier reader would
        /// get ancestors that came after it.
        origins: Option<Digest>,
    },
}

impl Vertex {
    /// The run, when it is one.
    pub fn run(&self) -> Option<RunId> {
        match self {
            Self::Run(run) => Some(*run),
            _ => None,
        }
    }
}

/// The vertex's identity in answers: stable text, the same for every store that holds the same records.
impl fmt::Display for Vertex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Run(run) => run.fmt(f),
            Self::Write(id) => write!(f, "write:{}", id.hex()),
            Self::Member { write, path } => write!(f, "write:{}/{path}", write.hex()),
            Self::Source { place, digest, origins } => {
                let digest = digest.map_or_else(|| "unseen".to_owned(), |digest| digest.hex());
                write!(f, "source:{digest}")?;
                if let Some(origins) = origins {
                    write!(f, "+{}", origins.short(16))?;
                }
                write!(f, ":{}:{}", place.project, place.path)
            }
        }
    }
}

/// How data flowed along a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LinkKind {
    /// A run read an artifact: artifact → run.
    Used,
    /// A run wrote an artifact: run → artifact.
    Made,
    /// The same bytes were written elsewhere before they were read here: write → source.
    SameContent,
    /// A file and the folder it is in: write → the folder as read, folder as written → file.
    Member,
    /// A model came from another: parent → child.
    Derived,
}

impl LinkKind {
    /// The word in answers.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Used => "used",
            Self::Made => "made",
            Self::SameContent => "same content",
            Self::Member => "member",
            Self::Derived => "derived from",
        }
    }
}

impl fmt::Display for LinkKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A link between two vertices; data flows `from` → `to`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Link<V = Vertex> {
    /// Where data comes from.
    pub from: V,
    /// Where it goes.
    pub to: V,
    /// How.
    pub kind: LinkKind,
    /// What part the artifact played in the run; none between artifacts.
    pub role: Option<Role>,
    /// What the artifact was to the run; none between artifacts.
    pub artifact: Option<ArtifactKind>,
    /// Who says so.
    pub authority: Authority,
    /// The rule, when inferred.
    pub rule: Option<String>,
    /// How one model came from another: `fine-tuned from`.
    pub relation: Option<String>,
    /// Used: why it is not a clean edge ("changed during the run").
    pub changed: Option<String>,
}

impl Link {
    /// A link between two artifacts.
    pub(crate) fn between(from: Vertex, to: Vertex, kind: LinkKind, authority: Authority, rule: Option<String>) -> Self {
        Self { from, to, kind, role: None, artifact: None, authority, rule, relation: None, changed: None }
    }
}

/// Sorted, each once.
pub(crate) fn unique<T: Ord>(items: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut items: Vec<T> = items.into_iter().collect();
    items.sort_unstable();
    items.dedup();
    items
}
