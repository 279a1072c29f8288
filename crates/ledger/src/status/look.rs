//! The record of a project, brought together and held against the present.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use keizu_graph::stale::{Judgement, Options, Papers, Present, State, World};
use keizu_record::body::{Named, RunBegan};
use keizu_record::manifest::{Manifest, Names};
use keizu_record::{Digest, Entry, FilePath, Kind, Name, NodeId, RunId, Side};
use keizu_store::Select;

use super::{CauseRow, Labels, StatusRow, cause_row, spoken};
use crate::present::{Disk, Past, Progress};
use crate::thing::Thing;
use crate::view::View;
use crate::{Error, FOLDER, Ledger};

/// Kinds of records that say what ran, and what it read and wrote.
const KINDS: &[Kind] = &[Kind::RunBegan, Kind::RunEnded, Kind::Used, Kind::Made, Kind::Retracted];

/// Beginnings of runs that are looked at in one go.
const PAGE: usize = 4_096;

/// What is recorded of a project.
pub(crate) struct Look<'l> {
    ledger: &'l Ledger,
    pub world: World,
    /// Other projects of which the record speaks.
    pub others: BTreeSet<String>,
    entries: Vec<Entry>,
    names: Vec<Named>,
}

/// That, held against the present.
pub(crate) struct Judged {
    pub judgement: Judgement,
    pub labels: Labels,
    /// Of those that have a name.
    versions: Labels,
}

impl Papers for View<'_> {
    type Error = Error;

    fn manifest(&self, digest: &Digest) -> Result<Option<Manifest>, Error> {
        View::manifest(self, digest)
    }

    fn names(&self, digest: &Digest) -> Result<Option<Names>, Error> {
        Ok(self.document(digest)?.and_then(|bytes| Names::decode(&bytes)))
    }
}

impl<'l> Look<'l> {
    /// All that the record says of the runs of the project.
    pub fn new(ledger: &'l Ledger) -> Result<Self, Error> {
        let view = ledger.view();
        let ours = Ours::new(ledger);
        let (entries, others) = ours.entries(&view)?;
        let world = World::build(&entries, &view, &|began| ours.has(began))?;
        let named = view.store().select(&Select { kinds: vec![Kind::Named], ..Select::default() })?;
        let names = named.iter().filter_map(|entry| Named::read(&entry.record)).collect();
        Ok(Self { ledger, world, others, entries, names })
    }

    /// How to look: with `environment`, packages that were loaded are compared with those that are installed.
    pub fn options(&self, environment: bool) -> Result<Options, Error> {
        let also = if environment { super::packages::changes(&self.ledger.view(), &self.entries)? } else { HashMap::new() };
        Ok(Options { environment, also })
    }

    /// Held against the disk, or against what had been seen by the moment as of which the ledger answers.
    pub fn judge(&self, options: &Options, progress: &mut Progress<'_>) -> Result<Judged, Error> {
        if self.ledger.as_of().is_some() {
            return Ok(self.against(&Past::new(&self.ledger.view(), &self.entries)?, options));
        }
        Ok(self.against(&Disk::new(self.ledger.home(), self.ledger.config(), progress), options))
    }

    /// Held against any present.
    pub fn against(&self, present: &impl Present, options: &Options) -> Judged {
        let judgement = Judgement::of(&self.world, present, options);
        let (labels, versions) = self.labels(&judgement);
        Judged { judgement, labels, versions }
    }

    /// What people call the products: the name of a model or dataset, else the path; and which versions of those names they are.
    fn labels(&self, judgement: &Judgement) -> (Labels, Labels) {
        let mut newest: HashMap<&Name, &Named> = HashMap::new();
        let mut by_content: HashMap<Digest, Vec<&Named>> = HashMap::new();
        for named in self.names.iter().filter(|named| named.version.is_some() && matches!(named.name, Name::Model(_) | Name::Data(_))) {
            newest.insert(&named.name, named);
            if let Some(content) = named.content {
                by_content.entry(content).or_default().push(named);
            }
        }
        let plain = |path: &FilePath| path.as_bytes().strip_suffix(b"/").unwrap_or(path.as_bytes()).to_vec();
        let (mut labels, mut versions) = (Labels::new(), Labels::new());
        for (at, product) in judgement.products.iter().enumerate() {
            let named = product.content.iter().flat_map(|content| by_content.get(content).into_iter().flatten());
            let here = named.filter(|named| named.path.as_ref().is_none_or(|path| plain(path) == plain(&product.path)));
            let best = here
                .clone()
                .min_by_key(|named| (newest.get(&named.name).is_none_or(|newest| newest.content != named.content), &named.name));
            // one content may be several versions of its name
            let last = here.rev().find(|named| best.is_some_and(|best| best.name == named.name));
            versions.extend(last.map(|named| (at, format!("{}@v{}", NodeId::from(named.name.clone()), named.version.unwrap_or(0)))));
            let label = best.map(|named| {
                let name = NodeId::from(named.name.clone()).to_string();
                let current = newest.get(&named.name).is_some_and(|newest| newest.content == named.content);
                if current { name } else { format!("{name}@v{}", named.version.unwrap_or(0)) }
            });
            labels.insert(at, label.unwrap_or_else(|| spoken(&product.path)));
        }
        (labels, versions)
    }
}

impl Judged {
    /// The products that were asked for; all current ones when nothing was.
    pub fn wanted(&self, things: &[Thing]) -> Result<Vec<usize>, Error> {
        let products = &self.judgement.products;
        let mut wanted: BTreeSet<usize> = BTreeSet::new();
        if things.is_empty() {
            wanted.extend((0..products.len()).filter(|at| products[*at].current));
        }
        for thing in things {
            let found: Vec<usize> = (0..products.len()).filter(|at| products[*at].files > 0 && self.is(thing, *at)).collect();
            if found.is_empty() {
                return Err(self.nothing_of(thing));
            }
            wanted.extend(found);
        }
        Ok(self.in_order(&wanted))
    }

    /// Sorted so that what others are made from comes first, and then by name.
    fn in_order(&self, wanted: &BTreeSet<usize>) -> Vec<usize> {
        let mut sorted: Vec<usize> = wanted.iter().copied().collect();
        let far = |at: &usize| {
            let state = self.judgement.products[*at].verdict.state;
            (state == State::Fresh, state == State::Unknown, self.judgement.way(*at).0.len())
        };
        sorted.sort_by_cached_key(|at| (far(at), self.labels[at].clone()));
        sorted
    }

    fn is(&self, thing: &Thing, at: usize) -> bool {
        let product = &self.judgement.products[at];
        let plain = |path: &FilePath| path.as_bytes().strip_suffix(b"/").unwrap_or(path.as_bytes()).to_vec();
        match thing {
            Thing::Run(run) => product.run == *run,
            Thing::Artifact(digest) => product.has(digest),
            Thing::Place { path, .. } => product.lies_at(path),
            Thing::Version(named) => {
                product.content == named.content && named.path.as_ref().is_none_or(|path| plain(path) == plain(&product.path))
            }
            Thing::Party(_) => false,
        }
    }

    fn nothing_of(&self, thing: &Thing) -> Error {
        Error::Unfit(match thing {
            Thing::Run(run) => format!("nothing that {} made is there as it left it: later runs replaced it", super::run_short(*run)),
            Thing::Artifact(digest) => format!("no run left the content b3:{} where it stands now", digest.short(8)),
            Thing::Place { path, .. } => format!("no run made {path}: it can't be stale"),
            Thing::Version(named) => {
                let name = NodeId::from(named.name.clone());
                format!("{name}@v{} is not what stands at its place now", named.version.unwrap_or(0))
            }
            Thing::Party(name) => format!("party:{name} is nothing that was made"),
        })
    }

    /// A product as an answer tells it.
    pub fn row(&self, at: usize) -> StatusRow {
        let product = &self.judgement.products[at];
        let verdict = &product.verdict;
        let (way, cause) = self.judgement.way(at);
        let last = way.first().map_or(product.run, |first| self.judgement.products[*first].run);
        let state = match verdict.state {
            State::Fresh => "fresh",
            State::Stale => "stale",
            State::Late => "late",
            State::Unknown => "unknown",
        };
        StatusRow {
            thing: self.labels[&at].clone(),
            state: state.to_owned(),
            cause: cause.map(|cause| cause_row(cause, last)),
            path: way.iter().map(|at| self.labels[at].clone()).collect(),
            place: spoken(&product.path),
            run: product.run.to_string(),
            digest: product.content.map(|content| content.to_string()),
            version: self.versions.get(&at).cloned(),
            more: verdict.causes.len().saturating_sub(1),
        }
    }
}

impl Judged {
    /// Why a run is to be made again: what happened to it, or to what it made; or the product from which it follows.
    pub fn reasons(&self, run: RunId, products: &[usize]) -> (Vec<CauseRow>, Option<String>) {
        let of_run = self.judgement.run(run).filter(|verdict| verdict.state == State::Stale);
        let own = products.iter().map(|at| &self.judgement.products[*at].verdict).find(|verdict| verdict.state == State::Stale);
        let Some(verdict) = of_run.or(own) else { return (Vec::new(), None) };
        let causes = verdict.causes.iter().map(|cause| cause_row(cause, run)).collect();
        (causes, verdict.via.map(|at| self.labels[&at].clone()))
    }
}

/// Which runs belong to the project. A record in the project's own folder speaks of this project under whatever name its root folder had: it may have
/// been copied or renamed. Runs of another project that keeps its record here by `KEIZU_STORE` are told by their root.
struct Ours<'l> {
    ledger: &'l Ledger,
    inside: bool,
    strangers: RefCell<BTreeMap<FilePath, bool>>,
}

impl<'l> Ours<'l> {
    fn new(ledger: &'l Ledger) -> Self {
        let home = ledger.home();
        Self { ledger, inside: home.folder() == home.root().join(FOLDER), strangers: RefCell::default() }
    }

    /// What is recorded of them, and which other projects there are. A record that many share may be far larger than what it says of this one.
    fn entries(&self, view: &View<'_>) -> Result<(Vec<Entry>, BTreeSet<String>), Error> {
        let (mut runs, mut others, mut after) = (Vec::new(), BTreeSet::new(), None);
        loop {
            let page = Select { kinds: vec![Kind::RunBegan], after, limit: Some(PAGE), ..Select::default() };
            let page = view.store().select(&page)?;
            for began in page.iter().filter_map(|entry| RunBegan::read(&entry.record)) {
                if self.has(&began) {
                    runs.push(NodeId::from(began.run));
                } else {
                    others.insert(began.project);
                }
            }
            after = page.last().map(|entry| entry.position);
            if page.len() < PAGE {
                break;
            }
        }
        let nodes = (!others.is_empty()).then_some((Side::Subject, runs));
        Ok((view.store().select(&Select { nodes, kinds: KINDS.to_vec(), ..Select::default() })?, others))
    }

    fn has(&self, began: &RunBegan) -> bool {
        if began.project == self.ledger.project() {
            return true;
        }
        let stranger = |root: &FilePath| {
            let path = Path::new(OsStr::from_bytes(root.as_bytes()));
            path != self.ledger.home().root() && path.is_dir() && !path.join(FOLDER).is_dir()
        };
        self.inside && !*self.strangers.borrow_mut().entry(began.root.clone()).or_insert_with_key(stranger)
    }
}
