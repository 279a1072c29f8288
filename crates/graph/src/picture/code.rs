//! Words of pictures, and the small numbers that stand for them in answers.

use keizu_record::body::{ArtifactKind, Role, Status};

use crate::node::{Detail, Node};
use crate::vertex::{Link, LinkKind};

/// What a card is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CardKind {
    /// An artifact.
    Artifact(ArtifactKind),
    /// An execution.
    Run,
}

impl CardKind {
    /// What a node is.
    pub fn of(node: &Node) -> Self {
        match &node.detail {
            Detail::Run(_) => Self::Run,
            Detail::Artifact(artifact) => Self::Artifact(artifact.kind),
        }
    }

    /// All of them, by their numbers.
    pub fn all() -> impl Iterator<Item = Self> {
        ArtifactKind::ALL.iter().map(|kind| Self::Artifact(*kind)).chain([Self::Run])
    }

    /// Its number in answers.
    pub fn code(self) -> u8 {
        match self {
            Self::Artifact(kind) => kind as u8,
            Self::Run => ArtifactKind::ALL.len() as u8,
        }
    }

    /// Its word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Artifact(kind) => kind.word(),
            Self::Run => "run",
        }
    }
}

/// What joins two cards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EdgeRole {
    /// What part the artifact played in the run.
    Role(Role),
    /// The same bytes elsewhere.
    SameContent,
    /// A file and the folder it is in.
    Member,
    /// A model that came from another.
    Derived,
}

impl EdgeRole {
    pub(super) fn of(link: &Link<usize>) -> Self {
        match link.kind {
            LinkKind::SameContent => Self::SameContent,
            LinkKind::Member => Self::Member,
            LinkKind::Derived => Self::Derived,
            LinkKind::Used => Self::Role(link.role.unwrap_or(Role::Input)),
            LinkKind::Made => Self::Role(link.role.unwrap_or(Role::Output)),
        }
    }

    /// All of them, by their numbers.
    pub fn all() -> impl Iterator<Item = Self> {
        Role::ALL.iter().map(|role| Self::Role(*role)).chain([Self::SameContent, Self::Member, Self::Derived])
    }

    /// Its number in answers.
    pub fn code(self) -> u8 {
        let roles = Role::ALL.len() as u8;
        match self {
            Self::Role(role) => role as u8,
            Self::SameContent => roles,
            Self::Member => roles + 1,
            Self::Derived => roles + 2,
        }
    }

    /// Its word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Role(role) => role.word(),
            Self::SameContent => "same content",
            Self::Member => "member",
            Self::Derived => "derived from",
        }
    }
}

/// How a card is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum State {
    /// Nothing to say.
    #[default]
    Plain,
    /// The run goes on.
    Running,
    /// The run failed.
    Failed,
    /// The run was killed.
    Killed,
    /// Nobody saw how the run ended.
    Lost,
    /// The asker may not see it.
    Hidden,
    /// Nothing is known of it any more but its digest.
    Deleted,
    /// It was not seen as it should.
    Faulty,
    /// Gone before its run ended.
    Removed,
    /// Recent enough.
    Fresh,
    /// Soon not recent enough.
    Due,
    /// Not recent enough.
    Late,
}

impl State {
    /// All of them, by their numbers.
    pub const ALL: [Self; 12] = [
        Self::Plain,
        Self::Running,
        Self::Failed,
        Self::Killed,
        Self::Lost,
        Self::Hidden,
        Self::Deleted,
        Self::Faulty,
        Self::Removed,
        Self::Fresh,
        Self::Due,
        Self::Late,
    ];

    pub(super) fn of(node: &Node) -> Self {
        if node.hidden {
            return Self::Hidden;
        }
        match &node.detail {
            Detail::Run(run) => match run.status {
                Some(Status::Finished) => Self::Plain,
                Some(Status::Running) => Self::Running,
                Some(Status::Failed) => Self::Failed,
                Some(Status::Killed) => Self::Killed,
                Some(Status::Lost) => Self::Lost,
                None => Self::Faulty,
            },
            Detail::Artifact(artifact) if artifact.unseen.is_some() => Self::Faulty,
            Detail::Artifact(artifact) if artifact.path.is_none() && artifact.versions.is_empty() => Self::Deleted,
            Detail::Artifact(artifact) if artifact.removed => Self::Removed,
            Detail::Artifact(_) => Self::Plain,
        }
    }

    /// Its number in answers.
    pub fn code(self) -> u8 {
        self as u8
    }

    /// Its word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Running => "running",
            Self::Failed => "failed",
            Self::Killed => "killed",
            Self::Lost => "lost",
            Self::Hidden => "hidden",
            Self::Deleted => "deleted",
            Self::Faulty => "faulty",
            Self::Removed => "removed",
            Self::Fresh => "fresh",
            Self::Due => "due",
            Self::Late => "late",
        }
    }
}

/// Why things are folded into one card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Why {
    /// What a run made for itself alone: into the run.
    Noise,
    /// Files of the system and of packages: into the environment.
    System,
    /// Files of a folder that were read together.
    Directory,
    /// Things of one kind with equal parents and children.
    Siblings,
    /// Earlier versions: into the newest.
    Versions,
    /// Runs of one command.
    Runs,
    /// What is left of an opened fold.
    More,
    /// Far away, and too many.
    Crowd,
}

impl Why {
    /// The word in answers.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Noise => "noise",
            Self::System => "system",
            Self::Directory => "directory",
            Self::Siblings => "siblings",
            Self::Versions => "versions",
            Self::Runs => "runs",
            Self::More => "more",
            Self::Crowd => "crowd",
        }
    }

    /// Whether the card is one of its members, with the others behind it; else a stack that is none of them.
    pub(super) const fn behind_one(self) -> bool {
        matches!(self, Self::Noise | Self::System | Self::Versions)
    }
}
