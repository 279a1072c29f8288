//! `keizu trace`: what made this, as a tree.
//!
//! ```text
//! model:delay@v3 (champion)  4 min ago                 9f21c04e  1.2 MB
//! └─ run:3f2a9c  python train.py --depth 6             41 s  by aki
//!    ├─ data    features/train.parquet                 77ab1290   31 MB
//!    └─ env     Python 3.11.7 · scikit-learn 1.9.1 · 41 packages · Linux x86-64
//! ```

mod rows;

use std::collections::{BTreeMap, HashMap};

use keizu_graph::tree::{Branch, Item, Part, Pattern, Said, Series, Tree, Word};
use keizu_graph::{ArtifactNode, Detail, Direction, Measure, Node, RunNode, Trace};
use keizu_record::body::Status;
use keizu_record::{Digest, FilePath, RunId};

use self::rows::{Body, Note, Right, Row};
use super::look::{Look, count, date, many};
use super::names::{self, Unique};
use super::path::{command, short_command};
use super::text::{Ink, Page, Text, width};
use super::words;

/// What the graph does not know of its nodes.
#[derive(Debug, Clone, Default)]
pub struct Extras {
    /// Environments in one line, by digest: the fullest wording first.
    pub environments: HashMap<Digest, Vec<String>>,
    /// Parameters of runs.
    pub params: HashMap<RunId, BTreeMap<String, serde_json::Value>>,
}

/// The tree of a trace.
pub fn page(trace: &Trace, tree: &Tree, extras: &Extras, unique: &dyn Unique, look: &Look) -> Page {
    let mut painter = Painter { trace, extras, unique, look, rows: Vec::new(), nearest: None, user: None };
    for root in &tree.roots {
        painter.root(root);
    }
    if !trace.measured.is_empty() {
        painter.rows.push(Row::title("measured by"));
        for (at, measure) in trace.measured.iter().enumerate() {
            painter.measure(measure, at + 1 == trace.measured.len());
        }
    }
    let mut page = rows::draw(&painter.rows, look);
    if trace.truncated {
        page.line(Text::new(
            Ink::Warn,
            format!("… cut at {}: ask with --depth, or about something nearer", many(trace.nodes.len() as u64, "node")),
        ));
    }
    page
}

/// Runs and environments whose [`Extras`] a tree shows.
pub fn wanted(trace: &Trace, tree: &Tree) -> (Vec<RunId>, Vec<Digest>) {
    fn walk(trace: &Trace, branch: &Branch, runs: &mut Vec<RunId>, environments: &mut Vec<Digest>) {
        let run = match branch.item {
            Item::One(node) => trace.nodes[node].vertex.run(),
            _ => None,
        };
        if let Some(run) = run
            && branch.children.iter().any(|child| child.part == Some(Part::Config))
        {
            runs.push(run);
        }
        if branch.part == Some(Part::Environment)
            && let Item::One(node) = branch.item
        {
            environments.extend(trace.nodes[node].artifact().and_then(|artifact| artifact.digest));
        }
        for child in &branch.children {
            walk(trace, child, runs, environments);
        }
    }
    let (mut runs, mut environments) = (Vec::new(), Vec::new());
    for root in &tree.roots {
        walk(trace, root, &mut runs, &mut environments);
    }
    (runs, environments)
}

struct Painter<'a> {
    trace: &'a Trace,
    extras: &'a Extras,
    unique: &'a dyn Unique,
    look: &'a Look,
    rows: Vec<Row>,
    /// The run that stands nearest to the root, and its commit: that of others is said only where it is another.
    nearest: Option<(RunId, String)>,
    /// The user that was said last: said again only where it differs.
    user: Option<String>,
}

impl Painter<'_> {
    fn root(&mut self, branch: &Branch) {
        let Item::One(at) = branch.item else { return self.branch(branch, "", "", None, 0) };
        let node = &self.trace.nodes[at];
        match &node.detail {
            Detail::Run(run) => {
                let row = self.run_row(node, run, String::new());
                self.rows.push(row);
            }
            Detail::Artifact(artifact) => {
                let name = artifact.versions.last().cloned().unwrap_or_else(|| self.called(node, artifact));
                let mut head = Text::new(Ink::Strong, name);
                if !artifact.aliases.is_empty() {
                    head.push(Ink::Strong, format!(" ({})", artifact.aliases.join(", ")));
                }
                let mut notes = self.notes(artifact, &branch.said);
                if self.trace.roots.len() > 1 && !artifact.versions.is_empty() {
                    notes.insert(0, Note::new(Ink::Plain, artifact.path.as_ref().map(ToString::to_string).unwrap_or_default()));
                }
                notes.extend(node.at.map(|at| Note::new(Ink::Faint, self.look.age_of(at))));
                let right = Right::Cells(self.digest(artifact), self.size(artifact));
                self.rows.push(Row { prefix: String::new(), head, body: Body::None, notes, right });
            }
        }
        self.children(branch, "");
    }

    fn children(&mut self, branch: &Branch, prefix: &str) {
        let part_width = branch.children.iter().filter_map(|child| child.part).map(|part| width(part.word())).max().unwrap_or(0);
        for (at, child) in branch.children.iter().enumerate() {
            let last = at + 1 == branch.children.len();
            let (mark, rest) = if last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
            self.branch(child, &format!("{prefix}{mark}"), &format!("{prefix}{rest}"), Some(branch), part_width);
        }
    }

    fn branch(&mut self, branch: &Branch, prefix: &str, below: &str, above: Option<&Branch>, part_width: usize) {
        let mut row = match &branch.item {
            Item::One(at) => {
                let node = &self.trace.nodes[*at];
                match &node.detail {
                    Detail::Run(run) => self.run_row(node, run, prefix.to_owned()),
                    Detail::Artifact(artifact) => self.artifact_row(node, artifact, branch, above, prefix),
                }
            }
            Item::Files(nodes) => self.files_row(nodes, branch, above, prefix),
            Item::Series(series) => self.series_row(series, prefix),
        };
        if let Some(part) = branch.part {
            let mut head = Text::new(Ink::Faint, part.word());
            head.pad_to(part_width.max(6) + 2);
            head.append(std::mem::take(&mut row.head));
            row.head = head;
        }
        if let Some(wrote) = self.wrote(branch, above) {
            row.notes.push(Note::optional(Ink::Faint, wrote));
        }
        if branch.again {
            row.notes.push(Note::new(Ink::Faint, "see above"));
        }
        if branch.deeper {
            row.notes.push(Note::new(Ink::Faint, "… more hangs on it: trace it by itself"));
        }
        self.rows.push(row);
        self.children(branch, below);
    }

    /// How many of a folder's files a run wrote, where it was not all of them.
    fn wrote(&self, branch: &Branch, above: Option<&Branch>) -> Option<String> {
        let Item::One(folder) = above?.item else { return None };
        let members = self.trace.nodes[folder].artifact()?.members?;
        let through = branch.through.len() as u64;
        let several_or_some = through > 0 && through < members;
        let word = if self.trace.direction == Direction::Up { "wrote" } else { "read" };
        several_or_some.then(|| format!("{word} {} of them", count(through)))
    }

    fn run_row(&mut self, node: &Node, run: &RunNode, prefix: String) -> Row {
        let id = node.vertex.run().map_or_else(|| node.name.clone(), |id| names::run(&id.to_string(), self.unique));
        if let (None, Some(id), Some(git)) = (&self.nearest, node.vertex.run(), &run.git) {
            self.nearest = Some((id, git.commit.clone()));
        }
        let typed: Vec<String> = run.command.iter().map(|word| FilePath::new(word.as_slice()).to_string()).collect();
        let typed = if self.look.exact { command(&typed) } else { short_command(&typed, usize::MAX) };
        let mut notes = Vec::new();
        if let Some(name) = &run.name {
            notes.push(Note::optional(Ink::Strong, name.clone()));
        }
        match run.status {
            Some(Status::Finished) | None => {}
            Some(status) => notes.push(Note::new(Ink::Bad, words::status(status.word(), run.exit_code, None))),
        }
        let took = match (run.began, run.ended) {
            (Some(began), Some(ended)) => {
                let millis = ended.micros().saturating_sub(began.micros()).max(0).unsigned_abs() / 1_000;
                self.look.duration(millis)
            }
            _ => String::new(),
        };
        let user = run.user.clone().filter(|user| !user.is_empty() && self.user.as_ref() != Some(user));
        let by = user.as_ref().map(|user| format!("  by {user}")).unwrap_or_default();
        self.user = user.or(self.user.take());
        Row {
            prefix,
            head: Text::new(Ink::Thing, id).and("  "),
            body: Body::Words(if typed.is_empty() { "(its beginning was not seen)".to_owned() } else { typed }),
            notes,
            right: Right::Free(Text::from(took).with(Ink::Faint, by)),
        }
    }

    fn series_row(&mut self, series: &Series, prefix: &str) -> Row {
        let millis = u64::try_from(series.busy_micros).unwrap_or(0) / 1_000;
        let mut right = self.look.duration(millis);
        if let (Some(first), Some(last)) = (series.first, series.last) {
            let stamps = [first, last].map(|time| jiff::Timestamp::from_microsecond(time.micros()).ok());
            let [first_day, last_day] = stamps.map(|stamp| stamp.map(|stamp| date(stamp, self.look)).unwrap_or_default());
            let when = match first_day == last_day {
                _ if self.look.exact => format!("{} – {}", self.look.age_of(first), self.look.age_of(last)),
                true => self.look.age_of(last),
                false => format!("{first_day} – {last_day}"),
            };
            right = format!("{right}, {when}");
        }
        Row {
            prefix: prefix.to_owned(),
            head: Text::new(Ink::Strong, many(series.runs.len() as u64, "run")).and("  "),
            body: Body::Words(pattern(&series.pattern, self.look)),
            notes: Vec::new(),
            right: Right::Free(Text::new(Ink::Plain, right)),
        }
    }

    fn artifact_row(&self, node: &Node, artifact: &ArtifactNode, branch: &Branch, above: Option<&Branch>, prefix: &str) -> Row {
        let cells = Right::Cells(self.digest(artifact), self.size(artifact));
        let mut notes = Vec::new();
        let (body, right) = match branch.part {
            Some(Part::Environment) => {
                let line = artifact.digest.and_then(|digest| self.extras.environments.get(&digest).cloned());
                (Body::Wordings(line.unwrap_or_else(|| vec!["not kept".to_owned()])), Right::None)
            }
            Some(Part::Config) => {
                let params = self.config(artifact, above);
                (self.body(node, artifact), if params.is_empty() { cells } else { Right::Pairs(params) })
            }
            Some(Part::Code) => {
                notes.extend(self.version(&[artifact], above));
                (self.body(node, artifact), Right::None)
            }
            _ => (self.body(node, artifact), cells),
        };
        notes.extend(self.notes(artifact, &branch.said));
        Row { prefix: prefix.to_owned(), head: Text::default(), body, notes, right }
    }

    fn files_row(&self, nodes: &[usize], branch: &Branch, above: Option<&Branch>, prefix: &str) -> Row {
        let trace = self.trace;
        let artifacts: Vec<&ArtifactNode> = nodes.iter().filter_map(|node| trace.nodes[*node].artifact()).collect();
        let mut notes = Vec::new();
        let mut right = Right::None;
        if branch.part == Some(Part::Code) {
            notes.extend(self.version(&artifacts, above));
        } else {
            let size = artifacts.iter().map(|artifact| artifact.size).sum::<Option<u64>>();
            notes.push(Note::new(Ink::Plain, many(nodes.len() as u64, "file")));
            right = Right::Cells(Text::default(), Text::from(size.map(|size| self.look.size(size)).unwrap_or_default()));
        }
        notes.extend(said(&branch.said));
        let names: Vec<String> = nodes.iter().map(|node| name(&trace.nodes[*node])).collect();
        Row { prefix: prefix.to_owned(), head: Text::default(), body: Body::Names(names), notes, right }
    }

    fn measure(&mut self, measure: &Measure, last: bool) {
        let (mark, below) = if last { ("└─ ", "   └─ ") } else { ("├─ ", "│  └─ ") };
        let metrics: Vec<String> = measure
            .metrics
            .iter()
            .map(|(name, value)| format!("{name} {}", words::value(&keizu_ledger::answer::json(value), self.look)))
            .collect();
        self.rows.push(Row {
            prefix: mark.to_owned(),
            head: Text::new(Ink::Strong, name(&measure.evaluation)).and("  "),
            body: Body::Pairs(metrics),
            notes: Vec::new(),
            right: Right::None,
        });
        let Some(run) = measure.run.run() else { return };
        let mut row = self.run_row(&measure.run, run, below.to_owned());
        let on: Vec<String> = measure.on.iter().map(name).collect();
        if !on.is_empty() {
            row.notes.push(Note::optional(Ink::Plain, format!("on {}", words::list(&on, ", ", 40))));
        }
        self.rows.push(row);
    }

    fn body(&self, node: &Node, artifact: &ArtifactNode) -> Body {
        let mut called = self.called(node, artifact);
        if !artifact.aliases.is_empty() {
            called = format!("{called} ({})", artifact.aliases.join(", "));
        }
        match artifact.members {
            _ if !artifact.versions.is_empty() => Body::Fixed(called),
            Some(members) => Body::Fixed(format!("{called}  {}", many(members, "file"))),
            None => Body::Path(called),
        }
    }

    fn called(&self, node: &Node, artifact: &ArtifactNode) -> String {
        if node.hidden {
            return "(hidden: you have no right to see it)".to_owned();
        }
        match (&artifact.path, artifact.digest) {
            (None, Some(digest)) if artifact.versions.is_empty() => format!("b3:{}", names::digest(&digest.to_string(), self.unique)),
            _ => name(node),
        }
    }

    fn digest(&self, artifact: &ArtifactNode) -> Text {
        match artifact.digest {
            Some(digest) => Text::new(Ink::Faint, names::digest(&digest.to_string(), self.unique)),
            None => Text::new(Ink::Warn, "not seen"),
        }
    }

    fn size(&self, artifact: &ArtifactNode) -> Text {
        Text::from(artifact.size.map(|size| self.look.size(size)).unwrap_or_default())
    }

    /// What is not plain about an artifact, and who says so.
    fn notes(&self, artifact: &ArtifactNode, said_of: &Said) -> Vec<Note> {
        let mut notes = said(said_of);
        if let Some(package) = &artifact.package {
            notes.push(Note::optional(Ink::Plain, format!("(package {package})")));
        }
        if let Some(why) = &artifact.unseen {
            notes.push(Note::new(Ink::Warn, format!("({why})")));
        }
        if artifact.unchanged {
            notes.push(Note::optional(Ink::Faint, "unchanged"));
        }
        if artifact.removed {
            notes.push(Note::optional(Ink::Faint, "gone"));
        }
        notes
    }

    /// The parameters that a config file gave to the run above.
    fn config(&self, artifact: &ArtifactNode, above: Option<&Branch>) -> Vec<String> {
        let (Some(path), Some(params)) = (&artifact.path, self.run_above(above).and_then(|(run, _)| self.extras.params.get(&run))) else {
            return Vec::new();
        };
        let prefix = format!("{path}:");
        let own = params.iter().filter_map(|(key, value)| Some((key.strip_prefix(&prefix)?, value)));
        own.map(|(name, value)| format!("{name} {}", words::value(value, self.look))).collect()
    }

    /// The run of the line above; of a series the first.
    fn run_above(&self, above: Option<&Branch>) -> Option<(RunId, &RunNode)> {
        let at = match &above?.item {
            Item::One(at) => *at,
            Item::Series(series) => *series.runs.first()?,
            Item::Files(_) => return None,
        };
        let node = &self.trace.nodes[at];
        Some((node.vertex.run()?, node.run()?))
    }

    /// `@4c1f2e7 +3 −1 uncommitted`: the commit where it is not that of the nearest run, the lines always.
    fn version(&self, files: &[&ArtifactNode], above: Option<&Branch>) -> Option<Note> {
        let (id, run) = self.run_above(above)?;
        let git = run.git.clone()?;
        let mut parts = Vec::new();
        let known = self.nearest.as_ref().is_some_and(|(nearest, commit)| *nearest != id && *commit == git.commit);
        if !git.commit.is_empty() && !known {
            parts.push(format!("@{}", git.commit.get(..7).unwrap_or(&git.commit)));
        }
        let changed = files.iter().filter_map(|file| git.changed.get(&file.path.as_ref()?.to_string()));
        let (added, removed) = changed.fold((0, 0), |(added, removed), (a, r)| (added + a, removed + r));
        if added + removed > 0 {
            parts.push(format!("+{added} −{removed} uncommitted"));
        }
        (!parts.is_empty()).then(|| Note::new(Ink::Plain, parts.join(" ")))
    }
}

/// What people call a node: a version, a path, and a file of a package by its name in it.
fn name(node: &Node) -> String {
    match node.artifact() {
        Some(artifact) if artifact.package.is_some() && artifact.versions.is_empty() => match &artifact.path {
            Some(path) => FilePath::new(path.file_name()).to_string(),
            None => node.name.clone(),
        },
        _ => node.name.clone(),
    }
}

fn said(said: &Said) -> Vec<Note> {
    let mut notes = Vec::new();
    if let Some(relation) = &said.relation {
        notes.push(Note::new(Ink::Plain, format!("({relation})")));
    }
    if let Some(by) = words::authority(said.authority.word(), said.rule.as_deref()) {
        notes.push(Note::new(Ink::Plain, by));
    }
    if let Some(changed) = &said.changed {
        notes.push(Note::new(Ink::Warn, changed.clone()));
    }
    notes
}

/// The longest value that a differing word shows.
const VALUE_MAX: usize = 12;

/// `python ingest.py --day 2013-01-01…2013-12-31`.
fn pattern(pattern: &Pattern, look: &Look) -> String {
    let text = |bytes: &[u8]| FilePath::new(bytes).to_string();
    let words: Vec<String> = pattern
        .0
        .iter()
        .enumerate()
        .map(|(at, word)| match word {
            Word::Same(word) if at == 0 && !look.exact => short_command(&[text(word)], usize::MAX),
            Word::Same(word) => command(&[text(word)]),
            Word::Differs { prefix, least, greatest } => {
                let (least, greatest) = (text(least), text(greatest));
                let short = width(&least) <= VALUE_MAX && width(&greatest) <= VALUE_MAX;
                if short { format!("{}{least}…{greatest}", text(prefix)) } else { format!("{}…", text(prefix)) }
            }
            Word::Rest => "…".to_owned(),
        })
        .collect();
    words.join(" ")
}

#[cfg(test)]
mod tests;
