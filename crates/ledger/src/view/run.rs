//! Runs: the list, and one whole.

use std::collections::{BTreeMap, HashMap};

use base64::Engine as _;
use keizu_record::body::{ArtifactKind, Edge, GitState, Named, Role, RunBegan, RunEnded, Status};
use keizu_record::manifest::Names;
use keizu_record::{Authority, Digest, Entry, FilePath, Group, Kind, NodeId, RunId, Side};
use keizu_store::{Read as _, Select};

use super::View;
use crate::Error;
use crate::answer::{self, BlindRow, EnvironmentDetail, FileRow, GitDetail, ProcessRow, RunDetail, RunLine, rfc3339};
use crate::as_of::{self, AsOf, Clock};
use crate::documents::{Account, Environment};

impl View<'_> {
    /// Runs, newest first.
    ///
    /// # Errors
    /// When the store fails.
    pub fn runs(&self, limit: Option<usize>) -> Result<Vec<RunLine>, Error> {
        self.runs_upto(limit, None)
    }

    /// What ran before another run was recorded, newest first.
    ///
    /// # Errors
    /// When the store fails or does not know the run.
    pub fn runs_before(&self, run: RunId, limit: usize) -> Result<Vec<RunLine>, Error> {
        let began = self.entries(Side::Subject, vec![run.into()], &[Kind::RunBegan])?;
        let first = began.first().map(|entry| entry.position);
        let first = first.ok_or_else(|| Error::Unknown { what: format!("the record does not know {run}"), nearest: Vec::new() })?;
        self.runs_upto(Some(limit), Some(first.saturating_sub(1)))
    }

    fn runs_upto(&self, limit: Option<usize>, upto: Option<u64>) -> Result<Vec<RunLine>, Error> {
        let select = Select { kinds: vec![Kind::RunBegan], newest_first: true, limit, upto, ..Select::default() };
        let began: Vec<RunBegan> = self.store.select(&select)?.iter().filter_map(|entry| RunBegan::read(&entry.record)).collect();
        let nodes: Vec<NodeId> = began.iter().map(|began| began.run.into()).collect();
        let mut ended: HashMap<RunId, RunEnded> = HashMap::new();
        let mut made: HashMap<RunId, Vec<Edge>> = HashMap::new();
        for entry in self.entries(Side::Subject, nodes, &[Kind::RunEnded, Kind::Made])? {
            if let Some(end) = RunEnded::read(&entry.record) {
                ended.insert(end.run, end);
            } else if let Some(edge) = Edge::read(&entry.record).filter(|edge| edge.role == Role::Output) {
                made.entry(edge.run).or_default().push(edge);
            }
        }
        let names = self.names_given(made.values().flatten().filter_map(|edge| edge.content))?;
        Ok(began.iter().map(|began| line(began, ended.get(&began.run), made.remove(&began.run).unwrap_or_default(), &names)).collect())
    }

    /// Names of models and datasets that runs gave to contents: by run and content.
    fn names_given(&self, contents: impl Iterator<Item = Digest>) -> Result<HashMap<(RunId, Digest), Named>, Error> {
        let mut nodes: Vec<NodeId> = contents.map(NodeId::from).collect();
        nodes.sort_unstable();
        nodes.dedup();
        let mut names = HashMap::new();
        for entry in self.entries(Side::Object, nodes, &[Kind::Named])? {
            if let Some(named) = Named::read(&entry.record)
                && let (Some(run), Some(content), Some(_)) = (named.run, named.content, named.version)
            {
                names.entry((run, content)).or_insert(named);
            }
        }
        Ok(names)
    }

    /// One run, whole. `open` lists the members of collections and of the environment instead of one line for each.
    ///
    /// # Errors
    /// When the store fails or does not know the run.
    pub fn run(&self, run: RunId, open: bool) -> Result<RunDetail, Error> {
        let entries = self.entries(Side::Subject, vec![run.into()], &[])?;
        let began = entries
            .iter()
            .find_map(|entry| RunBegan::read(&entry.record))
            .ok_or_else(|| Error::Unknown { what: format!("the record does not know {run}"), nearest: Vec::new() })?;
        let ended = entries.iter().find_map(|entry| RunEnded::read(&entry.record));
        let mut detail = header(&began, ended.as_ref());
        self.fill_edges(&entries, &mut detail, open)?;
        fill_described(&entries, &mut detail);
        if let Some(document) = ended.as_ref().and_then(|ended| ended.account) {
            self.fill_account(&document, &mut detail)?;
        }
        let outputs = entries.iter().filter(|entry| entry.record.kind == Kind::Made).filter_map(|entry| entry.record.artifact());
        let mut names: Vec<Named> =
            self.names_given(outputs)?.into_iter().filter(|((by, _), _)| *by == run).map(|(_, named)| named).collect();
        names.sort_by_key(|named| (named.name.clone(), named.version));
        detail.names = names.iter().map(spoken).collect();
        detail.judged = self.judgements(run)?;
        Ok(detail)
    }

    fn fill_edges(&self, entries: &[Entry], detail: &mut RunDetail, open: bool) -> Result<(), Error> {
        for entry in entries {
            let Some(edge) = Edge::read(&entry.record) else { continue };
            if edge.role == Role::Environment && entry.record.kind == Kind::Used && edge.kind == ArtifactKind::Environment {
                detail.environment = self.environment(&edge)?;
                if open {
                    detail.inputs.extend(self.environment_files(&edge, entry)?);
                }
                continue;
            }
            if edge.role == Role::Absent {
                detail.absent = self.absences(&edge)?;
                continue;
            }
            let package = entry.record.text("package").map(str::to_owned);
            let rows = if open && edge.is_collection() { self.open_edge(&edge)? } else { vec![row(&edge)] };
            let rows = rows.into_iter().map(|row| FileRow { package: package.clone(), ..row });
            let list = match (entry.record.kind, edge.role) {
                (_, Role::Listing) => &mut detail.listings,
                (Kind::Used, Role::Code) => &mut detail.code,
                (Kind::Used, _) => &mut detail.inputs,
                _ => &mut detail.outputs,
            };
            list.extend(rows);
        }
        for list in [&mut detail.inputs, &mut detail.outputs, &mut detail.code, &mut detail.listings] {
            list.sort_by(|a, b| a.path.cmp(&b.path));
        }
        Ok(())
    }

    /// The members of a collection as rows; the collection's own row when its manifest is gone.
    fn open_edge(&self, edge: &Edge) -> Result<Vec<FileRow>, Error> {
        let manifest = match edge.content {
            Some(content) => self.manifest(&content)?,
            None => None,
        };
        Ok(match manifest {
            None => vec![row(edge)],
            Some(manifest) => manifest
                .0
                .into_iter()
                .map(|(path, member)| FileRow {
                    digest: Some(member.digest.to_string()),
                    size: Some(member.size),
                    members: None,
                    target: None,
                    ..row(&Edge { path: edge.path.join(&path), ..edge.clone() })
                })
                .collect(),
        })
    }

    fn environment(&self, edge: &Edge) -> Result<Option<EnvironmentDetail>, Error> {
        let Some(digest) = edge.content else { return Ok(None) };
        let document = self.document(&digest)?.and_then(|bytes| serde_json::from_slice::<serde_json::Value>(&bytes).ok());
        let read: Option<Environment> = document.clone().and_then(|value| serde_json::from_value(value).ok());
        Ok(Some(EnvironmentDetail {
            digest: digest.to_string(),
            python: read.as_ref().and_then(|read| read.python.clone()),
            packages: read.map(|read| read.packages).unwrap_or_default(),
            document,
        }))
    }

    /// The files of the environment that the run loaded: their manifest stands on the edge.
    fn environment_files(&self, edge: &Edge, entry: &Entry) -> Result<Vec<FileRow>, Error> {
        let Some(files) = entry.record.bytes("files").and_then(Digest::from_slice) else { return Ok(Vec::new()) };
        self.open_edge(&Edge { content: Some(files), path: FilePath::from("/"), members: Some(0), ..edge.clone() })
    }

    fn absences(&self, edge: &Edge) -> Result<Vec<String>, Error> {
        let bytes = edge.content.map(|digest| self.document(&digest)).transpose()?.flatten();
        let names = bytes.and_then(|bytes| Names::decode(&bytes)).unwrap_or_default();
        Ok(names.0.iter().map(ToString::to_string).collect())
    }

    fn fill_account(&self, digest: &Digest, detail: &mut RunDetail) -> Result<(), Error> {
        let Some(bytes) = self.document(digest)? else { return Ok(()) };
        if let Ok(account) = serde_json::from_slice::<Account>(&bytes) {
            detail.processes = account.processes;
            detail.children = account.children;
        }
        Ok(())
    }

    /// Just after a run ended, on one of the clocks.
    pub(crate) fn end_of_run(&self, clock: Clock, typed: &str) -> Result<AsOf, Error> {
        let run = self.resolve_run(typed)?;
        let ends = self.entries(Side::Subject, vec![run.into()], &[Kind::RunEnded])?;
        let time = ends.iter().map(|entry| match clock {
            Clock::Happened => entry.record.happened,
            Clock::Recorded => entry.record.recorded,
        });
        let time = time.max().ok_or_else(|| as_of::Error::Running(run.short(6)))?;
        Ok(clock.at(time))
    }

    /// Whether a run's end is recorded.
    pub(crate) fn is_sealed(&self, run: RunId) -> Result<bool, Error> {
        Ok(!self.entries(Side::Subject, vec![run.into()], &[Kind::RunEnded])?.is_empty())
    }
}

fn line(began: &RunBegan, ended: Option<&RunEnded>, made: Vec<Edge>, names: &HashMap<(RunId, Digest), Named>) -> RunLine {
    let mut things: Vec<(bool, String)> = made
        .iter()
        .map(|edge| match edge.content.and_then(|content| names.get(&(edge.run, content))) {
            Some(named) => (false, spoken(named)),
            None => (true, edge.path.to_string()),
        })
        .collect();
    things.sort();
    let made_count = things.len();
    RunLine {
        id: began.run.to_string(),
        name: began.name.clone(),
        status: ended.map_or(Status::Running, |ended| ended.status).to_string(),
        exit_code: ended.and_then(|ended| ended.exit_code),
        signal: ended.and_then(|ended| ended.signal),
        started_at: rfc3339(began.at),
        ended_at: ended.map(|ended| rfc3339(ended.at)),
        command: words(&began.command),
        user: began.user.clone(),
        made: things.into_iter().take(answer::MADE_MAX).map(|(_, thing)| thing).collect(),
        made_count,
    }
}

fn header(began: &RunBegan, ended: Option<&RunEnded>) -> RunDetail {
    RunDetail {
        id: began.run.to_string(),
        name: began.name.clone(),
        status: ended.map_or(Status::Running, |ended| ended.status).to_string(),
        exit_code: ended.and_then(|ended| ended.exit_code),
        signal: ended.and_then(|ended| ended.signal),
        command: words(&began.command),
        cwd: if began.cwd.as_bytes().is_empty() { ".".to_owned() } else { began.cwd.to_string() },
        project: began.project.clone(),
        user: began.user.clone(),
        host: began.host.clone(),
        started_at: rfc3339(began.at),
        ended_at: ended.map(|ended| rfc3339(ended.at)),
        git: began.git.as_ref().map(git_detail),
        environment: None,
        params: BTreeMap::new(),
        params_by: BTreeMap::new(),
        metrics: BTreeMap::new(),
        tags: BTreeMap::new(),
        inputs: Vec::new(),
        outputs: Vec::new(),
        code: Vec::new(),
        listings: Vec::new(),
        absent: Vec::new(),
        processes: Vec::<ProcessRow>::new(),
        names: Vec::new(),
        parent: began.parent.map(|run| run.to_string()),
        children: Vec::new(),
        blind_spots: ended
            .map(|ended| ended.blind.iter().map(|(kind, detail)| BlindRow { kind: kind.clone(), detail: detail.clone() }).collect())
            .unwrap_or_default(),
        coverage: ended.map(|ended| ended.coverage),
        judged: Vec::new(),
    }
}

fn git_detail(git: &GitState) -> GitDetail {
    GitDetail {
        commit: git.commit.clone(),
        branch: git.branch.clone(),
        dirty: git.diff.is_some() || !git.changed.is_empty(),
        diff: git.diff.map(|digest| digest.to_string()),
        changed: git.changed.clone(),
    }
}

fn fill_described(entries: &[Entry], detail: &mut RunDetail) {
    for entry in entries.iter().filter(|entry| matches!(entry.record.kind, Kind::Described | Kind::RunBegan)) {
        let record = &entry.record;
        if let Some(git) = GitState::read(record) {
            detail.git = Some(git_detail(&git));
        }
        for (key, value) in record.group(Group::Param) {
            detail.params.insert(key.to_owned(), answer::json(value));
            if record.authority != Authority::Observed {
                let by = match &record.rule {
                    Some(rule) => format!("{}: {rule}", record.authority),
                    None => record.authority.to_string(),
                };
                detail.params_by.insert(key.to_owned(), by);
            }
        }
        detail.metrics.extend(record.group(Group::Metric).map(|(key, value)| (key.to_owned(), answer::json(value))));
        detail.tags.extend(record.group(Group::Tag).map(|(key, value)| (key.to_owned(), answer::json(value))));
    }
}

pub(crate) fn words(command: &[Vec<u8>]) -> Vec<String> {
    command.iter().map(|arg| FilePath::new(arg.as_slice()).to_string()).collect()
}

/// `model:delay@v3`.
pub(crate) fn spoken(named: &Named) -> String {
    let name = NodeId::Name(named.name.clone()).to_string();
    named.version.map_or_else(|| name.clone(), |version| format!("{name}@v{version}"))
}

pub(crate) fn row(edge: &Edge) -> FileRow {
    FileRow {
        path: edge.path.to_string(),
        path_bytes: edge.path.as_str().is_none().then(|| base64::engine::general_purpose::STANDARD.encode(edge.path.as_bytes())),
        target: edge.target.as_ref().map(ToString::to_string),
        digest: edge.content.map(|digest| digest.to_string()),
        size: edge.size,
        members: edge.members,
        kind: edge.kind.to_string(),
        role: edge.role.to_string(),
        format: edge.format.clone(),
        package: None,
        authority: edge.authority.to_string(),
        rule: edge.rule.clone(),
        changed: edge.changed.clone(),
        unseen: edge.unseen.clone(),
        unchanged: edge.unchanged,
        removed: edge.removed,
        at: Some(answer::rfc3339(edge.at)),
    }
}
