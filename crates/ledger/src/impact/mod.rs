//! What a thing touches: everything downstream, told as it is found, with what people need to know of it.
//!
//! ```text
//! graph::reach ──nodes──► Teller ──► Hit ──► each      what is live and who answers for it (live), what is still there (bucket)
//!     │                                                 one way that leads there, on request
//!  Tolerant: records that can't be read are counted, not fatal
//! ```

mod live;
mod tolerant;

use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;

use keizu_graph::{ArtifactNode, Detail, Direction, Link, Node, Options, Reached};
use keizu_record::body::ArtifactKind;
use keizu_record::{Authority, Digest, FilePath};
use serde::Serialize;

use self::live::Live;
use self::tolerant::Tolerant;
use crate::answer::rfc3339;
use crate::thing::Thing;
use crate::{Error, View};

pub use live::Deployment;

/// What to look for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// How many runs to pass at most; none: all.
    pub depth: Option<u32>,
    /// Follow only what these say; empty: all.
    pub authorities: Vec<Authority>,
    /// Say of each hit over which way it was reached.
    pub ways: bool,
}

/// Whether a thing that was reached can be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Bucket {
    /// It is there, or kept.
    Accessible,
    /// The asker may not see it.
    Hidden,
    /// It was removed, or neither it is kept nor stands anything at its path.
    Deleted,
    /// Its content was not seen, or what the record says of it can't be read.
    Faulty,
}

impl Bucket {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Accessible, Self::Hidden, Self::Deleted, Self::Faulty];

    /// The word in answers.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Accessible => "accessible",
            Self::Hidden => "hidden",
            Self::Deleted => "deleted",
            Self::Faulty => "faulty",
        }
    }
}

/// One thing that is touched.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Hit {
    /// Its identity in answers, as in a trace.
    pub id: String,
    /// Whether it is what was asked about.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub root: bool,
    /// `run`, or what the artifact is.
    pub kind: &'static str,
    /// `model:delay@v3`, a path, `run:…`.
    pub name: String,
    /// Content; null of a run, or when it was not seen.
    pub digest: Option<String>,
    /// The project; empty for an absolute path; null of a run.
    pub project: Option<String>,
    /// Path.
    pub path: Option<String>,
    /// Bytes.
    pub size: Option<u64>,
    /// Files of a collection.
    pub members: Option<u64>,
    /// When it was written, read first, or begun: RFC 3339.
    pub at: Option<String>,
    /// Whether it can be had.
    pub bucket: Bucket,
    /// How many runs lie between, it included when it is one.
    pub runs: u32,
    /// Of a run: the command.
    pub command: Vec<String>,
    /// Versions that it is, oldest first: `model:delay@v3`.
    pub versions: Vec<String>,
    /// Aliases that point at it.
    pub aliases: Vec<String>,
    /// Where it is, or was, live.
    pub deployments: Vec<Deployment>,
    /// Who is responsible for it: `party:lab`.
    pub owners: Vec<String>,
    /// Its columns, when they are known.
    pub columns: Vec<String>,
    /// Who says that it is touched, when Keizu did not see it all: of the way's links the first that was not observed.
    pub authority: Option<&'static str>,
    /// The rule of that link, when it was inferred.
    pub rule: Option<String>,
    /// Names from the root to it, both included; null unless ways were asked for.
    pub way: Option<Vec<String>>,
}

/// What was told, in numbers.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Impact {
    /// Hits, roots not counted.
    pub count: u64,
    /// Hits by kind.
    pub kinds: BTreeMap<&'static str, u64>,
    /// Hits by whether they can be had; all four.
    pub buckets: BTreeMap<&'static str, u64>,
    /// Records that can't be read: what may be touched through them is not known.
    pub unreadable: Vec<String>,
}

impl View<'_> {
    /// Tells everything that is downstream of a thing, the nearest first, roots included. `each` may break off. What is held meanwhile
    /// does not grow with
    /// what is told, beyond some bytes for each hit (and its name, when ways are asked for).
    ///
    /// # Errors
    /// When the store fails, or the thing has no place in the graph. A thing of which nothing is known touches nothing.
    pub fn impact(&self, thing: &Thing, wanted: &Wanted, each: &mut dyn FnMut(Hit) -> ControlFlow<()>) -> Result<Impact, Error> {
        let root = self.start(thing)?;
        let options =
            Options { direction: Direction::Down, depth: wanted.depth, authorities: wanted.authorities.clone(), ..Options::default() };
        let source = Tolerant::new(self);
        let mut teller = Teller {
            view: self,
            live: Live::new(self)?,
            ways: wanted.ways.then(Vec::new),
            doubts: HashMap::new(),
            told: Impact::default(),
        };
        for bucket in Bucket::ALL {
            teller.told.buckets.insert(bucket.word(), 0);
        }
        keizu_graph::reach(&source, &root, &options, &mut |reached| {
            for hit in teller.hits(reached)? {
                if each(hit).is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(Impact { unreadable: source.unreadable(), ..teller.told })
    }
}

struct Teller<'v, 'a> {
    view: &'v View<'a>,
    live: Live,
    /// By number: where it was reached from, and its name.
    ways: Option<Vec<(Option<usize>, Box<str>)>>,
    /// By number, where not all was observed: who says so.
    doubts: HashMap<usize, (Authority, Option<String>)>,
    told: Impact,
}

impl Teller<'_, '_> {
    fn hits(&mut self, reached: Vec<Reached>) -> Result<Vec<Hit>, Error> {
        let artifacts: Vec<&ArtifactNode> = reached.iter().filter_map(|reached| reached.node.artifact()).collect();
        let mut around = self.live.around(self.view, &artifacts)?;
        let mut columns = self.view.columns_of(&artifacts)?;
        reached
            .into_iter()
            .map(|reached| {
                let way = self.way(&reached);
                let doubt = self.doubt(&reached);
                let mut hit = self.hit(&reached)?;
                if let Some(artifact) = reached.node.artifact() {
                    (hit.deployments, hit.owners) = around.of(artifact);
                    hit.columns = artifact.digest.and_then(|digest| columns.remove(&digest)).unwrap_or_default();
                }
                (hit.authority, hit.rule) = doubt.map_or((None, None), |(authority, rule)| (Some(authority.word()), rule));
                hit.way = way;
                if !hit.root {
                    self.told.count += 1;
                    *self.told.kinds.entry(hit.kind).or_default() += 1;
                    *self.told.buckets.entry(hit.bucket.word()).or_default() += 1;
                }
                Ok(hit)
            })
            .collect()
    }

    fn hit(&self, reached: &Reached) -> Result<Hit, Error> {
        let node = &reached.node;
        let mut hit = Hit {
            id: node.id.clone(),
            root: reached.by.is_none(),
            kind: node.kind(),
            name: node.name.clone(),
            digest: None,
            project: None,
            path: None,
            size: None,
            members: None,
            at: node.at.map(rfc3339),
            bucket: self.bucket(node)?,
            runs: reached.runs,
            command: Vec::new(),
            versions: Vec::new(),
            aliases: Vec::new(),
            deployments: Vec::new(),
            owners: Vec::new(),
            columns: Vec::new(),
            authority: None,
            rule: None,
            way: None,
        };
        match &node.detail {
            Detail::Run(run) => hit.command = run.command.iter().map(|word| FilePath::new(word.as_slice()).to_string()).collect(),
            Detail::Artifact(artifact) => {
                hit.digest = artifact.digest.map(|digest| digest.to_string());
                hit.project = Some(artifact.project.clone());
                hit.path = artifact.path.as_ref().map(ToString::to_string);
                (hit.size, hit.members) = (artifact.size, artifact.members);
                (hit.versions, hit.aliases) = (artifact.versions.clone(), artifact.aliases.clone());
            }
        }
        Ok(hit)
    }

    fn way(&mut self, reached: &Reached) -> Option<Vec<String>> {
        let ways = self.ways.as_mut()?;
        let from = reached.by.as_ref().map(|link| link.from);
        if ways.len() <= reached.number {
            ways.resize(reached.number + 1, (None, Box::default()));
        }
        ways[reached.number] = (from, reached.node.name.as_str().into());
        let mut way = vec![reached.node.name.clone()];
        let mut at = from;
        while let Some(number) = at {
            let (before, name) = &ways[number];
            way.push(name.to_string());
            at = *before;
        }
        way.reverse();
        Some(way)
    }

    /// What of its way was not observed: said once of a way, and so of all that lies behind it.
    fn doubt(&mut self, reached: &Reached) -> Option<(Authority, Option<String>)> {
        let by: &Link<usize> = reached.by.as_ref()?;
        let before = self.doubts.get(&by.from).cloned();
        let own = (by.authority != Authority::Observed).then(|| (by.authority, by.rule.clone()));
        let doubt = before.or(own)?;
        self.doubts.insert(reached.number, doubt.clone());
        Some(doubt)
    }

    fn bucket(&self, node: &Node) -> Result<Bucket, Error> {
        let artifact = match &node.detail {
            _ if node.hidden => return Ok(Bucket::Hidden),
            // its end alone, or what it wrote: that it began can't be read
            Detail::Run(run) => return Ok(if run.began.is_some() { Bucket::Accessible } else { Bucket::Faulty }),
            Detail::Artifact(artifact) => artifact,
        };
        if artifact.removed {
            return Ok(Bucket::Deleted);
        }
        let Some(digest) = artifact.digest else { return Ok(Bucket::Faulty) };
        if artifact.members.is_some() && artifact.kind != ArtifactKind::Environment {
            return Ok(match self.view.manifest(&digest)? {
                Some(_) if self.view.stands(artifact) => Bucket::Accessible,
                Some(manifest) => self.bucket_of_members(manifest.0.values().map(|member| member.digest))?,
                None => Bucket::Faulty,
            });
        }
        let there = self.view.stands(artifact) || self.view.has(&digest)?;
        Ok(if there { Bucket::Accessible } else { Bucket::Deleted })
    }

    /// A folder that is gone can be had as long as all of its files are kept.
    fn bucket_of_members(&self, members: impl Iterator<Item = Digest>) -> Result<Bucket, Error> {
        for member in members {
            if !self.view.has(&member)? {
                return Ok(Bucket::Deleted);
            }
        }
        Ok(Bucket::Accessible)
    }
}

#[cfg(test)]
mod tests;
