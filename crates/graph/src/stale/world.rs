//! The recorded side: runs, what they read and wrote, and the newest write of each place.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use foldhash::{HashMap, HashSet};
use keizu_record::body::{ArtifactKind, Edge, IMPORT, Role, RunBegan, RunEnded, Status};
use keizu_record::manifest::{Manifest, Names};
use keizu_record::{Authority, Digest, Entry, FilePath, Kind, RecordId, RunId, Time};

use super::Papers;

/// A `used` edge.
#[derive(Debug, Clone)]
pub(super) struct Used {
    pub edge: Edge,
    /// A listing that Python's import made.
    pub import: bool,
    /// It came with an installed package.
    pub packaged: bool,
    /// Of the environment: the manifest of what was loaded.
    pub files: Option<Digest>,
}

/// A run.
#[derive(Debug, Clone)]
pub(super) struct Run {
    pub id: RunId,
    pub began: Time,
    pub ended: Option<Time>,
    pub status: Status,
    pub exit_code: Option<i64>,
    pub signal: Option<i64>,
    /// Runs of one recipe are the same command in the same folder.
    pub recipe: u32,
    pub used: Vec<Used>,
    pub made: Vec<Edge>,
}

impl Run {
    pub fn is_good(&self) -> bool {
        self.status == Status::Finished
    }
}

/// One file that a run read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reading<'a> {
    /// Where it really lies: what links go by.
    pub key: &'a FilePath,
    /// Where the run looked.
    pub path: &'a FilePath,
    pub content: Option<Digest>,
    pub used: &'a Used,
}

/// A collection that lay in a folder.
#[derive(Debug)]
struct Folder {
    path: FilePath,
    /// Its files, at their paths.
    members: Vec<(FilePath, Digest)>,
}

/// One file that a run wrote.
#[derive(Debug, Clone)]
pub(super) struct Write {
    pub run: u32,
    /// Place of the edge among those that the run made.
    pub edge: u32,
    pub path: FilePath,
    pub at: Time,
    pub content: Option<Digest>,
    pub removed: bool,
}

/// All that was recorded of a project, ready to be held against the present.
#[derive(Debug, Default)]
pub struct World {
    pub(super) runs: Vec<Run>,
    pub(super) by_id: HashMap<RunId, u32>,
    /// Members of each collection, at their paths, for each folder that it was.
    members: HashMap<Digest, Vec<Folder>>,
    /// Files that were loaded, by the digest of their manifest.
    loaded: HashMap<Digest, Manifest>,
    pub(super) documents: HashMap<Digest, Names>,
    /// Writes of each place, oldest first.
    writes: HashMap<FilePath, Vec<Write>>,
    /// Runs of each recipe, oldest first.
    recipes: Vec<Vec<u32>>,
    ancestors: RefCell<HashMap<u32, Rc<HashSet<u32>>>>,
    read: RefCell<HashMap<u32, Rc<HashSet<FilePath>>>>,
}

/// Where a file that an edge speaks of really lies: symbolic links followed.
pub(super) fn key_of(edge: &Edge) -> &FilePath {
    edge.target.as_ref().unwrap_or(&edge.path)
}

impl World {
    /// From entries of runs (of any order; what was corrected or retracted is left out). `ours` says which runs belong to the project.
    ///
    /// # Errors
    /// When a document can't be read. One that is not kept is no error.
    pub fn build<P: Papers>(entries: &[Entry], papers: &P, ours: &dyn Fn(&RunBegan) -> bool) -> Result<Self, P::Error> {
        let mended: HashSet<RecordId> = entries
            .iter()
            .filter(|entry| entry.record.authority == Authority::Corrected || entry.record.kind == Kind::Retracted)
            .flat_map(|entry| entry.record.cites.iter().copied())
            .collect();
        let standing = || entries.iter().filter(|entry| !mended.contains(&entry.id));
        let mut world = Self::default();
        world.begin(standing(), ours);
        for entry in standing() {
            world.add(entry);
        }
        world.open(papers)?;
        world.index();
        Ok(world)
    }

    fn begin<'e>(&mut self, entries: impl Iterator<Item = &'e Entry>, ours: &dyn Fn(&RunBegan) -> bool) {
        let mut began: Vec<RunBegan> = entries.filter_map(|entry| RunBegan::read(&entry.record)).filter(|began| ours(began)).collect();
        began.sort_by_key(|began| (began.at, began.run));
        began.dedup_by_key(|began| began.run);
        let mut recipes: HashMap<(FilePath, Vec<Vec<u8>>), u32> = HashMap::default();
        for began in began {
            let next = recipes.len() as u32;
            let recipe = *recipes.entry((began.cwd, began.command)).or_insert(next);
            if recipe == next {
                self.recipes.push(Vec::new());
            }
            let at = self.runs.len() as u32;
            self.recipes[recipe as usize].push(at);
            self.by_id.insert(began.run, at);
            self.runs.push(Run {
                id: began.run,
                began: began.at,
                ended: None,
                status: Status::Running,
                exit_code: None,
                signal: None,
                recipe,
                used: Vec::new(),
                made: Vec::new(),
            });
        }
    }

    fn add(&mut self, entry: &Entry) {
        let record = &entry.record;
        let Some(at) = record.run().and_then(|run| self.by_id.get(&run)) else { return };
        let run = &mut self.runs[*at as usize];
        if let Some(ended) = RunEnded::read(record) {
            (run.ended, run.status, run.exit_code, run.signal) = (Some(ended.at), ended.status, ended.exit_code, ended.signal);
        }
        let Some(edge) = Edge::read(record) else { return };
        if record.kind == Kind::Made {
            run.made.push(edge);
        } else {
            run.used.push(Used {
                import: record.text("by") == Some(IMPORT),
                packaged: record.text("package").is_some(),
                files: record.bytes("files").and_then(Digest::from_slice),
                edge,
            });
        }
    }

    /// Brings the documents that edges point at, each once.
    fn open<P: Papers>(&mut self, papers: &P) -> Result<(), P::Error> {
        let mut collections: BTreeMap<Digest, BTreeSet<FilePath>> = BTreeMap::new();
        let (mut loaded, mut names) = (BTreeSet::new(), BTreeSet::new());
        for run in &self.runs {
            let used = run.used.iter().map(|used| &used.edge);
            for edge in used.clone().chain(&run.made).filter(|edge| edge.is_collection()) {
                if let Some(content) = edge.content {
                    collections.entry(content).or_default().insert(edge.path.clone());
                }
            }
            if run.used.iter().any(|used| used.import) {
                loaded.extend(run.used.iter().filter_map(|used| used.files));
            }
            names.extend(used.filter(|edge| matches!(edge.role, Role::Listing | Role::Absent)).filter_map(|edge| edge.content));
        }
        for (digest, folders) in collections {
            if let Some(manifest) = papers.manifest(&digest)? {
                let at = |path: FilePath| {
                    let members = manifest.0.iter().map(|(member, file)| (path.join(member), file.digest)).collect();
                    Folder { path, members }
                };
                self.members.insert(digest, folders.into_iter().map(at).collect());
            }
        }
        for digest in loaded {
            if let Some(manifest) = papers.manifest(&digest)? {
                self.loaded.insert(digest, manifest);
            }
        }
        for digest in names {
            if let Some(document) = papers.names(&digest)? {
                self.documents.insert(digest, document);
            }
        }
        Ok(())
    }

    /// Files of the collection that an edge speaks of; none when its manifest is not kept, or it is a file.
    fn members(&self, edge: &Edge) -> Option<&[(FilePath, Digest)]> {
        let folders = self.members.get(&edge.content.filter(|_| edge.is_collection())?)?;
        folders.iter().find(|folder| folder.path == edge.path).map(|folder| folder.members.as_slice())
    }

    fn index(&mut self) {
        let mut writes: HashMap<FilePath, Vec<Write>> = HashMap::default();
        for (at, run) in self.runs.iter().enumerate() {
            for (place, edge) in run.made.iter().enumerate() {
                let mut add = |key: FilePath, path: FilePath, content: Option<Digest>| {
                    let write = Write { run: at as u32, edge: place as u32, path, at: edge.at, content, removed: edge.removed };
                    writes.entry(key).or_default().push(write);
                };
                match self.members(edge) {
                    Some(members) => {
                        for (path, digest) in members {
                            add(path.clone(), path.clone(), Some(*digest));
                        }
                    }
                    // a collection that can't be opened stands for itself
                    None => add(key_of(edge).clone(), edge.path.clone(), edge.content.filter(|_| !edge.is_collection())),
                }
            }
        }
        for list in writes.values_mut() {
            list.sort_by_key(|write| (write.at, write.run, write.edge));
        }
        self.writes = writes;
    }

    /// Writes of a place, oldest first.
    pub(super) fn writes(&self, key: &FilePath) -> &[Write] {
        self.writes.get(key).map_or(&[], Vec::as_slice)
    }

    /// Places that runs wrote.
    pub(super) fn places(&self) -> impl Iterator<Item = (&FilePath, &[Write])> {
        self.writes.iter().map(|(key, writes)| (key, writes.as_slice()))
    }

    pub(super) fn edge(&self, write: &Write) -> &Edge {
        &self.runs[write.run as usize].made[write.edge as usize]
    }

    /// Files that a run read and that count: data, code, settings; one by one.
    pub(super) fn readings(&self, run: u32) -> impl Iterator<Item = Reading<'_>> {
        let counts = |used: &&Used| {
            let part = matches!(used.edge.role, Role::Input | Role::Code | Role::Config | Role::EvaluationData | Role::ParentModel);
            part && used.edge.kind != ArtifactKind::Environment
        };
        self.runs[run as usize].used.iter().filter(counts).flat_map(|used| self.opened(used))
    }

    fn opened<'a>(&'a self, used: &'a Used) -> impl Iterator<Item = Reading<'a>> {
        let edge = &used.edge;
        let members = self.members(edge);
        let alone = || {
            let (key, content) = if edge.is_collection() { (&edge.path, None) } else { (key_of(edge), edge.content) };
            Reading { key, path: &edge.path, content, used }
        };
        let alone = members.is_none().then(alone);
        let members = members.unwrap_or_default().iter();
        members.map(move |(path, digest)| Reading { key: path, path, content: Some(*digest), used }).chain(alone)
    }

    /// The last write of a place by another run, up to a moment.
    pub(super) fn before(&self, key: &FilePath, run: u32, at: Time) -> Option<&Write> {
        self.writes(key).iter().rev().find(|write| write.run != run && write.at <= at)
    }

    /// What the run itself left at a place.
    pub(super) fn own(&self, key: &FilePath, run: u32) -> Option<&Write> {
        self.writes(key).iter().rev().find(|write| write.run == run)
    }

    /// Whether a later good run of the same command neither wrote nor read the place any more: what lies there is left over.
    pub(super) fn is_left_over(&self, key: &FilePath, write: &Write) -> bool {
        let run = &self.runs[write.run as usize];
        let later = self.recipes[run.recipe as usize].iter().rev().take_while(|at| **at > write.run);
        let newest = later.copied().find(|at| self.runs[*at as usize].is_good());
        newest.is_some_and(|newest| self.own(key, newest).is_none() && !self.read_by(newest).contains(key))
    }

    /// Places that a run read.
    fn read_by(&self, run: u32) -> Rc<HashSet<FilePath>> {
        let found = |_: &u32| Rc::new(self.readings(run).map(|reading| reading.key.clone()).collect());
        Rc::clone(self.read.borrow_mut().entry(run).or_insert_with_key(found))
    }

    /// Files of the environment, by the digest of their manifest.
    pub(super) fn loaded(&self, files: &Digest) -> impl Iterator<Item = &FilePath> {
        self.loaded.get(files).into_iter().flat_map(|manifest| manifest.0.keys())
    }

    /// Whether a run, or an earlier run of its command, came after a run of the other's command: whatever it wrote, the other did not wait
    /// for it.
    pub(super) fn follows(&self, run: u32, other: u32) -> bool {
        let recipe = self.runs[other as usize].recipe;
        self.runs[run as usize].recipe == recipe || self.ancestors(run).iter().any(|at| self.runs[*at as usize].recipe == recipe)
    }

    /// Runs whose writes a run read, and theirs.
    fn ancestors(&self, run: u32) -> Rc<HashSet<u32>> {
        if let Some(known) = self.ancestors.borrow().get(&run) {
            return Rc::clone(known);
        }
        let mut found = HashSet::default();
        let mut open = vec![run];
        while let Some(at) = open.pop() {
            for reading in self.readings(at) {
                let Some(write) = self.before(reading.key, at, reading.used.edge.at) else { continue };
                if write.content == reading.content && found.insert(write.run) {
                    open.push(write.run);
                }
            }
        }
        let found = Rc::new(found);
        self.ancestors.borrow_mut().insert(run, Rc::clone(&found));
        found
    }

    /// How long a run took, in microseconds; none while it is not known to have ended.
    pub fn took_micros(&self, run: RunId) -> Option<u64> {
        let run = &self.runs[*self.by_id.get(&run)? as usize];
        u64::try_from(run.ended?.micros() - run.began.micros()).ok()
    }

    /// Whether everything that a run left is what an earlier run had left there.
    pub fn came_out_equal(&self, run: RunId) -> bool {
        let Some(at) = self.by_id.get(&run) else { return false };
        let mut left = self.writes.values().filter_map(|writes| {
            let place = writes.iter().rposition(|write| write.run == *at && !write.removed && self.edge(write).role == Role::Output)?;
            Some((&writes[place], writes[..place].iter().rev().find(|write| write.run != *at)))
        });
        left.all(|(write, before)| {
            before.is_some_and(|before| !before.removed && before.content.is_some() && before.content == write.content)
        })
    }

    /// Files that a run left, and those that any run of the same command left and that nothing replaced: what it may write again.
    pub fn written_by(&self, run: RunId) -> BTreeSet<FilePath> {
        let Some(at) = self.by_id.get(&run) else { return BTreeSet::new() };
        let recipe = self.runs[*at as usize].recipe;
        let ours = |write: &Write| self.runs[write.run as usize].recipe == recipe;
        let files = self.writes.values().filter(|writes| writes.iter().any(|write| write.run == *at) || writes.last().is_some_and(ours));
        files.flatten().filter(|write| ours(write) && !write.removed).map(|write| write.path.clone()).collect()
    }

    /// The newest run of the same command in the same folder.
    pub fn newest_of_command(&self, run: RunId) -> Option<RunId> {
        let run = &self.runs[*self.by_id.get(&run)? as usize];
        self.recipes[run.recipe as usize].last().map(|at| self.runs[*at as usize].id)
    }

    /// Whether nothing was recorded of the project.
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }
}
