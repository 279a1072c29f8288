//! What records speak of.
//!
//! ```text
//! node id   u8 kind ‖ payload
//!   0x01  artifact    BLAKE3-256 of the content (32 bytes)
//!   0x02  run         16 bytes
//!   0x03  name        u8 space ‖ name (UTF-8, or bytes for a path)     space: 1 path 2 data 3 model 4 alias
//!                     a path is  lp(project) ‖ path ; an alias is  lp(model) ‖ alias
//!   0x04  party       UTF-8
//!   0x05  remote      lp(URI) ‖ version or etag, empty when unpinned
//!   0x06  deployment  16 bytes
//! ```

use std::fmt;

use crate::digest::{Digest, RunId};
use crate::path::FilePath;
use crate::wire::{Reader, Writer};

/// The identity of a node.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NodeId {
    /// Immutable content (a file, or a folder's manifest).
    Artifact(Digest),
    /// An execution.
    Run(RunId),
    /// A pointer that moves.
    Name(Name),
    /// A person, team or organisation.
    Party(String),
    /// An object that was not read by content: URI, and the version or etag that pins it (empty: unpinned).
    Remote {
        /// Where.
        uri: String,
        /// Which.
        version: String,
    },
    /// A model version live somewhere during an interval.
    Deployment([u8; 16]),
}

/// A pointer that moves, with its whole history.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Name {
    /// A file's place in a project.
    Path {
        /// The project's name.
        project: String,
        /// Relative to its root, or absolute.
        path: FilePath,
    },
    /// A dataset.
    Data(String),
    /// A model.
    Model(String),
    /// An alias of a model (`champion`).
    Alias {
        /// The model's name.
        model: String,
        /// The alias.
        alias: String,
    },
}

impl NodeId {
    /// The content, when it is one.
    pub fn artifact(&self) -> Option<Digest> {
        match self {
            Self::Artifact(digest) => Some(*digest),
            _ => None,
        }
    }

    /// The run, when it is one.
    pub fn run(&self) -> Option<RunId> {
        match self {
            Self::Run(run) => Some(*run),
            _ => None,
        }
    }

    /// The canonical bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::default();
        match self {
            Self::Artifact(digest) => out.u8(1).raw(digest.as_bytes()),
            Self::Run(run) => out.u8(2).raw(run.as_bytes()),
            Self::Name(name) => {
                out.u8(3);
                match name {
                    Name::Path { project, path } => out.u8(1).lp(project.as_bytes()).raw(path.as_bytes()),
                    Name::Data(name) => out.u8(2).raw(name.as_bytes()),
                    Name::Model(name) => out.u8(3).raw(name.as_bytes()),
                    Name::Alias { model, alias } => out.u8(4).lp(model.as_bytes()).raw(alias.as_bytes()),
                }
            }
            Self::Party(name) => out.u8(4).raw(name.as_bytes()),
            Self::Remote { uri, version } => out.u8(5).lp(uri.as_bytes()).raw(version.as_bytes()),
            Self::Deployment(id) => out.u8(6).raw(id),
        };
        out.into_bytes()
    }

    /// Reads canonical bytes; `None` for any others.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
        let mut input = Reader::new(bytes);
        let node = match input.u8()? {
            1 => Self::Artifact(Digest::new(input.array()?)),
            2 => Self::Run(RunId::new(input.array()?)),
            3 => Self::Name(match input.u8()? {
                1 => Name::Path { project: text(input.lp()?)?, path: FilePath::new(input.rest()) },
                2 => Name::Data(text(input.rest())?),
                3 => Name::Model(text(input.rest())?),
                4 => Name::Alias { model: text(input.lp()?)?, alias: text(input.rest())? },
                _ => return None,
            }),
            4 => Self::Party(text(input.rest())?),
            5 => Self::Remote { uri: text(input.lp()?)?, version: text(input.rest())? },
            6 => Self::Deployment(input.array()?),
            _ => return None,
        };
        input.is_empty().then_some(node)
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Artifact(digest) => digest.fmt(f),
            Self::Run(run) => run.fmt(f),
            Self::Name(Name::Path { path, .. }) => path.fmt(f),
            Self::Name(Name::Data(name)) => write!(f, "data:{name}"),
            Self::Name(Name::Model(name)) => write!(f, "model:{name}"),
            Self::Name(Name::Alias { model, alias }) => write!(f, "model:{model}@{alias}"),
            Self::Party(name) => write!(f, "party:{name}"),
            Self::Remote { uri, version } if version.is_empty() => f.write_str(uri),
            Self::Remote { uri, version } => write!(f, "{uri}@{version}"),
            Self::Deployment(id) => write!(f, "deployment:{}", crate::digest::hex(id)),
        }
    }
}

impl From<Digest> for NodeId {
    fn from(digest: Digest) -> Self {
        Self::Artifact(digest)
    }
}

impl From<RunId> for NodeId {
    fn from(run: RunId) -> Self {
        Self::Run(run)
    }
}

impl From<Name> for NodeId {
    fn from(name: Name) -> Self {
        Self::Name(name)
    }
}
