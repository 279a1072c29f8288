//! A trace as people read it: a tree of branches, similar ones folded, repeated ones shown once. Data only: how it looks is the door's.
//!
//! ```text
//! model                       what was asked for
//! └─ run                      what made it
//!    ├─ data  folder          what that read, by part
//!    │  └─ 365 runs           a series: similar runs, folded
//!    ├─ code  a.py, b.py      files, joined
//!    └─ env
//! ```

mod fold;
mod pattern;

use std::collections::BTreeMap;

use foldhash::HashSet;
use keizu_record::body::{ArtifactKind, Role};
use keizu_record::{Authority, Time};

use crate::node::Node;
use crate::vertex::{Link, LinkKind};
use crate::walk::{Direction, Trace};

pub use fold::{FILES_MIN, SERIES_MIN};
pub use pattern::{Pattern, Word};
pub(crate) use pattern::{pattern, stem};

/// How deep a tree goes; what lies below is asked for by itself.
pub const TREE_DEPTH_MAX: usize = 200;

/// A display tree over a [`Trace`], whose nodes it names by index. What measured a model is in [`Trace::measured`].
#[derive(Debug, Clone, PartialEq)]
pub struct Tree {
    /// What was asked for.
    pub roots: Vec<Branch>,
}

/// One line, and what hangs on it.
#[derive(Debug, Clone, PartialEq)]
pub struct Branch {
    /// What part it plays for the line above; none for roots and for the runs that made or read it.
    pub part: Option<Part>,
    /// What stands on the line.
    pub item: Item,
    /// Who says so.
    pub said: Said,
    /// Artifacts passed on the way from the line above: files of a folder, whose writers hang on the folder itself.
    pub through: Vec<usize>,
    /// Whether what hangs on it was shown above, and so is not shown again.
    pub again: bool,
    /// Whether more hangs on it than the depth of the tree lets show.
    pub deeper: bool,
    /// What hangs on it.
    pub children: Vec<Branch>,
}

/// What stands on a line.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    /// One run or artifact.
    One(usize),
    /// Artifacts that are joined in one line: at least two, by path.
    Files(Vec<usize>),
    /// Similar runs, folded: at least [`SERIES_MIN`].
    Series(Series),
}

/// Similar runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// The runs, oldest first.
    pub runs: Vec<usize>,
    /// What their commands have in common, and what differs.
    pub pattern: Pattern,
    /// When the first began.
    pub first: Option<Time>,
    /// When the last ended, or began.
    pub last: Option<Time>,
    /// Microseconds that they ran, all together.
    pub busy_micros: i64,
}

/// What part something plays for the run, or the artifact, that the line above shows. In the order in which they are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// A model to go on from.
    ParentModel,
    /// A model.
    Model,
    /// Data.
    Data,
    /// Data on which a model was measured.
    EvaluationData,
    /// Numbers that measure a model.
    Evaluation,
    /// The same bytes elsewhere.
    SameContent,
    /// A folder that holds the file.
    Member,
    /// Text, plots, logs.
    Document,
    /// Anything else.
    Other,
    /// Made and removed within the run.
    Intermediate,
    /// Settings.
    Config,
    /// Programs.
    Code,
    /// The machine and its software.
    Environment,
}

impl Part {
    /// The word in front of the line.
    pub const fn word(self) -> &'static str {
        match self {
            Self::ParentModel => "parent model",
            Self::Model => "model",
            Self::Data => "data",
            Self::EvaluationData => "evaluation data",
            Self::Evaluation => "evaluation",
            Self::SameContent => "same content",
            Self::Member => "in",
            Self::Document => "document",
            Self::Other => "other",
            Self::Intermediate => "intermediate",
            Self::Config => "config",
            Self::Code => "code",
            Self::Environment => "env",
        }
    }

    fn of(link: &Link<usize>) -> Option<Self> {
        match link.kind {
            LinkKind::SameContent => return Some(Self::SameContent),
            LinkKind::Derived => return Some(Self::ParentModel),
            LinkKind::Member => return Some(Self::Member),
            LinkKind::Used | LinkKind::Made => {}
        }
        Some(match (link.role?, link.artifact?) {
            (Role::Code, _) | (_, ArtifactKind::Code) => Self::Code,
            (Role::Environment, _) | (_, ArtifactKind::Environment) => Self::Environment,
            (Role::Config, _) | (_, ArtifactKind::Config) => Self::Config,
            (Role::EvaluationData, _) => Self::EvaluationData,
            (Role::ParentModel, _) => Self::ParentModel,
            (Role::Intermediate, _) => Self::Intermediate,
            (_, ArtifactKind::Model) => Self::Model,
            (_, ArtifactKind::Data) => Self::Data,
            (_, ArtifactKind::Evaluation) => Self::Evaluation,
            (_, ArtifactKind::Document) => Self::Document,
            (_, ArtifactKind::Other) => Self::Other,
        })
    }
}

/// Who says that a line hangs on the line above.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Said {
    /// Who.
    pub authority: Authority,
    /// By which rule.
    pub rule: Option<String>,
    /// How one model came from the other.
    pub relation: Option<String>,
    /// Why it is not a clean edge.
    pub changed: Option<String>,
}

impl Said {
    fn observed() -> Self {
        Self { authority: Authority::Observed, rule: None, relation: None, changed: None }
    }

    fn of(link: &Link<usize>) -> Self {
        Self { authority: link.authority, rule: link.rule.clone(), relation: link.relation.clone(), changed: link.changed.clone() }
    }
}

/// Builds the tree. `fold`: whether similar branches are folded (`--all` shows each).
pub fn tree(trace: &Trace, fold: bool) -> Tree {
    let mut near = vec![Vec::new(); trace.nodes.len()];
    for (at, link) in trace.edges.iter().enumerate() {
        let end = if trace.direction == Direction::Up { link.to } else { link.from };
        near[end].push(at);
    }
    let derived = trace.edges.iter().filter(|link| link.kind == LinkKind::Derived).collect();
    let mut grower = Grower { trace, near, derived, fold, shown: HashSet::default() };
    let roots = trace.roots.iter().map(|root| Twig { node: *root, part: None, said: Said::observed(), through: Vec::new() });
    Tree { roots: grower.branches(roots.collect(), 0) }
}

/// A branch before it is folded with its siblings.
#[derive(Debug, Clone)]
struct Twig {
    node: usize,
    part: Option<Part>,
    said: Said,
    through: Vec<usize>,
}

struct Grower<'t> {
    trace: &'t Trace,
    /// Links by the end that is nearer to the root.
    near: Vec<Vec<usize>>,
    derived: Vec<&'t Link<usize>>,
    fold: bool,
    shown: HashSet<usize>,
}

impl<'t> Grower<'t> {
    fn node(&self, at: usize) -> &'t Node {
        &self.trace.nodes[at]
    }

    fn links(&self, node: usize) -> impl Iterator<Item = &'t Link<usize>> + use<'_, 't> {
        self.near[node].iter().map(|at| &self.trace.edges[*at])
    }

    fn far(&self, link: &Link<usize>) -> usize {
        if self.trace.direction == Direction::Up { link.from } else { link.to }
    }

    /// Folds siblings, and lets grow what hangs on each.
    fn branches(&mut self, twigs: Vec<Twig>, depth: usize) -> Vec<Branch> {
        let mut groups = fold::groups(self, twigs);
        // the machine is told once, at the nearest run, and again only where it differs
        groups.retain(|group| {
            let machine = group.twigs.iter().all(|twig| twig.part == Some(Part::Environment));
            let fresh = group.twigs.iter().filter(|twig| machine && self.shown.insert(twig.node)).count();
            !machine || fresh > 0
        });
        groups.into_iter().filter_map(|group| self.branch(group, depth)).collect()
    }

    fn branch(&mut self, group: fold::Group, depth: usize) -> Option<Branch> {
        let nodes: Vec<usize> = group.twigs.iter().map(|twig| twig.node).collect();
        let first = group.twigs.first()?;
        let (part, said) = (first.part, first.said.clone());
        let hangs = nodes.iter().any(|node| !self.near[*node].is_empty());
        let seen = nodes.iter().all(|node| self.shown.contains(node));
        self.shown.extend(&nodes);
        let (again, deeper) = (hangs && seen, hangs && !seen && depth >= TREE_DEPTH_MAX);
        let children = if !hangs || again || deeper {
            Vec::new()
        } else {
            let twigs = self.twigs(&nodes);
            self.branches(twigs, depth + 1)
        };
        let through = group.twigs.iter().flat_map(|twig| twig.through.iter().copied()).collect();
        let item = fold::item(self, &nodes);
        Some(Branch { part, item, said, through, again, deeper, children })
    }

    /// What hangs on these nodes, each once.
    fn twigs(&self, nodes: &[usize]) -> Vec<Twig> {
        let mut found: BTreeMap<(Option<Part>, usize), Twig> = BTreeMap::new();
        for node in nodes {
            for link in self.links(*node) {
                for twig in self.twig(*node, link) {
                    let kept = found.entry((twig.part, twig.node)).or_insert_with(|| Twig { through: Vec::new(), ..twig.clone() });
                    kept.through.extend(twig.through);
                }
            }
        }
        let mut twigs: Vec<Twig> = found.into_values().collect();
        twigs.sort_by_cached_key(|twig| {
            let node = self.node(twig.node);
            let path = node.artifact().and_then(|artifact| artifact.path.clone());
            (twig.part, path, node.at, node.id.clone())
        });
        twigs
    }

    fn twig(&self, node: usize, link: &Link<usize>) -> Vec<Twig> {
        let (far, said) = (self.far(link), Said::of(link));
        let single = |part| vec![Twig { node: far, part, said: said.clone(), through: Vec::new() }];
        let to_run = self.node(far).run().is_some();
        match link.kind {
            // what made or read an artifact needs no word
            LinkKind::Used | LinkKind::Made if to_run => single(None),
            LinkKind::Made if self.is_waste(far, link) => Vec::new(),
            LinkKind::Used | LinkKind::Made => {
                let mut twigs = single(Part::of(link));
                twigs.iter_mut().for_each(|twig| twig.said.relation = self.relation(node, far));
                twigs
            }
            LinkKind::Derived if self.is_told_elsewhere(link) => Vec::new(),
            LinkKind::Member if self.trace.direction == Direction::Up => self.writers(far, &said),
            LinkKind::Derived if self.trace.direction == Direction::Down => single(Some(Part::Model)),
            LinkKind::Member | LinkKind::SameContent | LinkKind::Derived => single(Part::of(link)),
        }
    }

    /// The run that wrote a file of a folder hangs on the folder itself; the file, where its writer is beyond the answer.
    fn writers(&self, write: usize, said: &Said) -> Vec<Twig> {
        let made: Vec<usize> = self.links(write).filter(|link| link.kind == LinkKind::Made).map(|link| link.from).collect();
        if made.is_empty() {
            return vec![Twig { node: write, part: Some(Part::Member), said: said.clone(), through: Vec::new() }];
        }
        made.into_iter().map(|run| Twig { node: run, part: None, said: said.clone(), through: vec![write] }).collect()
    }

    /// A temporary of the run that nobody else read.
    fn is_waste(&self, artifact: usize, link: &Link<usize>) -> bool {
        let removed = self.node(artifact).artifact().is_some_and(|artifact| artifact.removed);
        self.fold && self.near[artifact].is_empty() && (removed || link.role == Some(Role::Intermediate))
    }

    /// Whether a run between both models shows already that one came from the other, or a write of the same content does.
    fn is_told_elsewhere(&self, link: &Link<usize>) -> bool {
        let arriving = |kind| self.trace.edges.iter().filter(move |other| other.kind == kind && other.to == link.to);
        let makers: HashSet<usize> = arriving(LinkKind::Made).map(|made| made.from).collect();
        let read = |used: &Link<usize>| used.kind == LinkKind::Used && used.from == link.from && makers.contains(&used.to);
        arriving(LinkKind::SameContent).next().is_some() || self.trace.edges.iter().any(read)
    }

    /// How a model that the run made came from an artifact that it read, where somebody told.
    fn relation(&self, run: usize, artifact: usize) -> Option<String> {
        let up = self.trace.direction == Direction::Up;
        let made = |model: usize| self.trace.edges.iter().any(|link| link.kind == LinkKind::Made && link.from == run && link.to == model);
        let mut told = self.derived.iter().filter(|link| if up { link.from == artifact } else { link.to == artifact });
        told.find(|link| !up || made(link.to))?.relation.clone()
    }
}
