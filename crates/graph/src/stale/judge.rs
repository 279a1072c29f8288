//! The whole against the present: staleness flows down from what it happened to.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use foldhash::{HashMap, HashSet};
use keizu_record::body::Role;
use keizu_record::{Digest, FilePath, RunId};

use super::direct::{direct, is_feedback};
use super::world::{World, Write};
use super::{Cause, Now, Options, Present, What, names};

/// How a thing stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// Made from what is there now.
    Fresh,
    /// Made from something else.
    Stale,
    /// Made from what is there now, but its data is older than it may be.
    Late,
    /// It can't be told.
    Unknown,
}

/// How a run or a product stands, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// How.
    pub state: State,
    /// What happened to it, or to what it was made from; empty when it only follows from another product.
    pub causes: Vec<Cause>,
    /// The product from which it follows.
    pub via: Option<usize>,
    /// Steps from where it happened.
    depth: u32,
}

impl Verdict {
    fn fresh() -> Self {
        Self { state: State::Fresh, causes: Vec::new(), via: None, depth: 0 }
    }

    fn of(causes: Vec<Cause>, state: State) -> Option<Self> {
        (!causes.is_empty()).then_some(Self { state, causes, via: None, depth: 0 })
    }
}

/// What one run left at one place, or in one folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Product {
    /// The run.
    pub run: RunId,
    /// Relative to the project's root, or absolute; a folder's ends in `/`.
    pub path: FilePath,
    /// As the run left it.
    pub content: Option<Digest>,
    /// Files of it that nothing overwrote since.
    pub files: usize,
    /// Whether it is a thing of the project that is there to be used: not removed since, no copy of the command's talk.
    pub current: bool,
    /// Whether the shell wrote it, as what the command said.
    pub redirected: bool,
    /// How it stands.
    pub verdict: Verdict,
    /// What happened to it itself.
    own: Option<Verdict>,
    pub(super) at: u32,
    /// Places and paths of its files.
    places: Vec<(FilePath, FilePath, Option<Digest>)>,
}

/// Everything that runs left, and how it stands.
#[derive(Debug)]
pub struct Judgement {
    /// Products, those that others were made from among them.
    pub products: Vec<Product>,
    pub(super) runs: HashMap<u32, Verdict>,
    /// Runs that matter, what they were made from first.
    pub(super) order: Vec<u32>,
    /// Products that a run was made from.
    pub(super) needs: HashMap<u32, Vec<usize>>,
    ids: HashMap<RunId, u32>,
}

impl Judgement {
    /// Holds the recorded world against the present.
    pub fn of(world: &World, present: &impl Present, options: &Options) -> Self {
        let mut judge = Judge { world, products: Vec::new(), ids: HashMap::default(), at: HashMap::default() };
        judge.find(present);
        let (order, needs) = judge.order();
        judge.announce(&order, present);
        let Judge { mut products, .. } = judge;
        let mut made: HashMap<u32, Vec<usize>> = HashMap::default();
        for (at, product) in products.iter_mut().enumerate() {
            made.entry(product.at).or_default().push(at);
            product.check(present);
        }
        let mut runs: HashMap<u32, Verdict> = HashMap::default();
        for run in &order {
            let needed = needs.get(run).map_or(&[][..], Vec::as_slice);
            let found = verdict(world, *run, needed, &Known { products: &products, runs: &runs }, present, options);
            for at in made.get(run).into_iter().flatten() {
                let own = products[*at].own.clone();
                // what happened to the product itself is told before what happened to its run, and what is sure before what is not
                let worse = own.filter(|own| own.state == State::Stale || found.state == State::Fresh);
                products[*at].verdict = worse.unwrap_or_else(|| found.clone());
            }
            runs.insert(*run, found);
        }
        Self { products, runs, order, needs, ids: world.by_id.clone() }
    }

    /// What one run says of itself, without what comes before it: nothing when it would come out as it did.
    pub fn alone(world: &World, run: RunId, present: &impl Present, options: &Options) -> Vec<Cause> {
        let Some(at) = world.by_id.get(&run) else { return Vec::new() };
        let mut causes = direct(world, *at, present, options).causes;
        let mut judge = Judge { world, products: Vec::new(), ids: HashMap::default(), at: HashMap::default() };
        judge.find(present);
        for product in judge.products.iter_mut().filter(|product| product.at == *at && product.current) {
            product.check(present);
            let own = product.own.take().filter(|own| own.state == State::Stale);
            causes.extend(own.into_iter().flat_map(|own| own.causes));
        }
        causes
    }

    /// How a run stands.
    pub fn run(&self, run: RunId) -> Option<&Verdict> {
        self.runs.get(self.ids.get(&run)?)
    }

    /// Products on the way from where it happened to this one, this one left out; and what happened first.
    pub fn way(&self, product: usize) -> (Vec<usize>, Option<&Cause>) {
        let mut way = Vec::new();
        let mut verdict = &self.products[product].verdict;
        while let Some(via) = verdict.via {
            if way.contains(&via) {
                break;
            }
            way.push(via);
            verdict = &self.products[via].verdict;
        }
        way.reverse();
        (way, verdict.causes.first())
    }
}

impl Product {
    /// Whether it is what stands at a path, holds it, or lies below it.
    pub fn lies_at(&self, path: &FilePath) -> bool {
        let bytes = path.as_bytes();
        let folder = bytes.strip_suffix(b"/").unwrap_or(bytes);
        let below = |place: &FilePath| place.as_bytes().strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest[0] == b'/');
        self.places.iter().any(|(key, place, _)| below(key) || below(place))
    }

    /// Whether it is a content, or one of its files has it.
    pub fn has(&self, content: &Digest) -> bool {
        self.content == Some(*content) || self.places.iter().any(|(_, _, left)| left.as_ref() == Some(content))
    }

    /// Whether it is what the run left.
    fn check(&mut self, present: &impl Present) {
        let (mut causes, mut doubts) = (Vec::new(), Vec::new());
        for (_, path, content) in &self.places {
            let what = match (present.content(path), content) {
                (Now::File(now), Some(left)) if now == *left => continue,
                (Now::Missing, _) => What::Lost,
                (Now::Unreadable(why), _) => What::Unreadable(why),
                (Now::File(_), None) => What::Unseen,
                (Now::File(_), Some(_)) => What::Edited,
            };
            let list = if what.is_doubt() { &mut doubts } else { &mut causes };
            list.push(Cause { thing: path.clone(), what });
        }
        self.own = Verdict::of(causes, State::Stale).or_else(|| Verdict::of(doubts, State::Unknown));
    }
}

/// What was found of runs that come before.
struct Known<'a> {
    products: &'a [Product],
    runs: &'a HashMap<u32, Verdict>,
}

impl Known<'_> {
    /// How far from a cause a product stands in this state; none when it does not. `read`: which of its files count.
    fn depth(&self, at: usize, state: State, read: &mut dyn FnMut(&FilePath) -> bool) -> Option<u32> {
        let product = &self.products[at];
        let run = self.runs.get(&product.at).filter(|verdict| verdict.state == state).map(|verdict| verdict.depth);
        let own = product.own.as_ref().filter(|own| own.state == state);
        let own = own.filter(|own| product.places.len() == 1 || own.causes.iter().any(|cause| read(&cause.thing)));
        own.map(|own| own.depth).or(run)
    }
}

/// A run from what speaks against it itself, and from what it was made from.
fn verdict(world: &World, run: u32, needed: &[usize], known: &Known<'_>, present: &impl Present, options: &Options) -> Verdict {
    let found = direct(world, run, present, options);
    if let Some(stale) = Verdict::of(found.causes, State::Stale) {
        return stale;
    }
    let read: OnceCell<HashSet<&FilePath>> = OnceCell::new();
    let via = |state: State| {
        // of a folder of which a few files were touched only those that were read count
        let mut counts = |path: &FilePath| read.get_or_init(|| world.readings(run).map(|reading| reading.path).collect()).contains(path);
        let ones = needed.iter().filter_map(|at| Some((known.depth(*at, state, &mut counts)?, *at)));
        let (depth, nearest) = ones.min()?;
        Some(Verdict { state, causes: Vec::new(), via: Some(nearest), depth: depth + 1 })
    };
    via(State::Stale).or_else(|| Verdict::of(found.doubts, State::Unknown)).or_else(|| via(State::Unknown)).unwrap_or_else(Verdict::fresh)
}

struct Judge<'w> {
    world: &'w World,
    products: Vec<Product>,
    /// Product of a run's edge.
    ids: HashMap<(u32, u32), usize>,
    /// Product that stands at a place.
    at: HashMap<&'w FilePath, usize>,
}

impl<'w> Judge<'w> {
    /// The products that stand, each at its places.
    fn find(&mut self, present: &impl Present) {
        let world = self.world;
        let mut found: Vec<(&FilePath, &Write, bool)> = Vec::new();
        for (key, writes) in world.places() {
            if let Some((write, gone)) = standing(world, key, writes, present) {
                found.push((key, write, gone));
            }
        }
        found.sort_by_key(|(key, write, _)| (write.run, write.edge, *key));
        for (key, write, gone) in found {
            let at = self.product(write);
            let edge = world.edge(write);
            let product = &mut self.products[at];
            product.files += 1;
            product.current |= !gone && edge.role == Role::Output && !edge.path.is_absolute();
            product.places.push((key.clone(), write.path.clone(), write.content));
            self.at.insert(key, at);
        }
    }

    fn product(&mut self, write: &Write) -> usize {
        let next = self.products.len();
        let at = *self.ids.entry((write.run, write.edge)).or_insert(next);
        if at == next {
            let edge = self.world.edge(write);
            self.products.push(Product {
                run: edge.run,
                path: edge.path.clone(),
                content: edge.content,
                files: 0,
                current: false,
                redirected: edge.role == Role::Redirection,
                verdict: Verdict::fresh(),
                own: None,
                at: write.run,
                places: Vec::new(),
            });
        }
        at
    }

    /// Runs of current products, and all that those were made from: before what was made from them.
    fn order(&mut self) -> (Vec<u32>, HashMap<u32, Vec<usize>>) {
        let mut needs: HashMap<u32, Vec<usize>> = HashMap::default();
        let (mut order, mut seen) = (Vec::new(), HashSet::default());
        let mut roots: Vec<u32> = self.products.iter().filter(|product| product.current).map(|product| product.at).collect();
        roots.sort_unstable();
        roots.dedup();
        for root in roots {
            // (run, how many of its needs were looked at)
            let mut open = if seen.insert(root) { vec![(root, 0)] } else { Vec::new() };
            while let Some((run, next)) = open.last_mut() {
                let (run, place) = (*run, *next);
                *next += 1;
                let list = needs.entry(run).or_insert_with(|| self.needs(run));
                match list.get(place).map(|product| self.products[*product].at) {
                    Some(before) if seen.insert(before) => open.push((before, 0)),
                    Some(_) => {}
                    None => {
                        open.pop();
                        order.push(run);
                    }
                }
            }
        }
        (order, needs)
    }

    /// Products that a run was made from.
    fn needs(&mut self, run: u32) -> Vec<usize> {
        let world = self.world;
        let mut found: BTreeMap<usize, ()> = BTreeMap::new();
        let mut feedback: HashMap<u32, bool> = HashMap::default();
        for reading in world.readings(run) {
            let at = reading.used.edge.at;
            let stands = self.at.get(reading.key).copied();
            let in_place = world.own(reading.key, run).is_some();
            let later = stands.map(|product| &self.products[product]).filter(|product| product.at != run).and_then(|product| {
                let write = world.own(reading.key, product.at)?;
                (write.at > at).then_some(write)
            });
            let looped = later.is_some_and(|write| *feedback.entry(write.run).or_insert_with(|| is_feedback(world, run, write)));
            let product = if in_place || looped { self.before(reading.key, run, at) } else { stands };
            if let Some(product) = product.filter(|product| self.products[*product].at != run) {
                found.insert(product, ());
            }
        }
        found.into_keys().collect()
    }

    /// What a run that updated a file in place took it from. A run of the same command did the same before, and an older attempt whose other
    /// products were all replaced is not to be repeated: then what came before that.
    fn before(&mut self, key: &FilePath, run: u32, at: keizu_record::Time) -> Option<usize> {
        let world = self.world;
        let recipe = world.runs[run as usize].recipe;
        let (mut reader, mut at, mut hops) = (run, at, 0);
        loop {
            let write = world.before(key, reader, at)?;
            hops += 1;
            let same = world.runs[write.run as usize].recipe == recipe;
            if !same && !write.removed && world.runs[write.run as usize].is_good() && !self.is_replaced(key, write) {
                return Some(self.product(write));
            }
            let earlier = world.readings(write.run).find(|reading| reading.key == key)?;
            if hops > world.runs.len() {
                return None;
            }
            (reader, at) = (write.run, earlier.used.edge.at);
        }
    }

    fn is_replaced(&self, key: &FilePath, write: &Write) -> bool {
        let run = &self.world.runs[write.run as usize];
        let others = run.made.iter().enumerate().filter(|(_, edge)| edge.role == Role::Output && super::key_of(edge) != key);
        let mut others = others.map(|(edge, _)| (write.run, edge as u32)).peekable();
        others.peek().is_some() && others.all(|id| !self.ids.contains_key(&id))
    }

    /// Tells the present all that it will be asked for.
    fn announce(&self, order: &[u32], present: &impl Present) {
        let runs: HashSet<u32> = order.iter().copied().collect();
        let read = order.iter().flat_map(|run| self.world.readings(*run)).map(|reading| reading.path);
        let made = self.products.iter().filter(|product| runs.contains(&product.at)).flat_map(|product| &product.places);
        let mut files: Vec<&FilePath> = read.chain(made.map(|(_, path, _)| path)).collect();
        files.sort_unstable();
        files.dedup();
        let folders: BTreeSet<FilePath> = order.iter().flat_map(|run| names::listed(self.world, *run)).collect();
        present.expect(&files, &folders.into_iter().collect::<Vec<_>>());
    }
}

/// The write that stands at a place, and whether a later run took the file away. A run that failed counts only while what it left lies there;
/// what a later run of the same command no longer touched is left over from before, and nobody's product.
fn standing<'w>(world: &World, key: &FilePath, writes: &'w [Write], present: &impl Present) -> Option<(&'w Write, bool)> {
    let gone = writes.last().is_some_and(|write| write.removed);
    let mut whole = writes.iter().rev().filter(|write| !write.removed && world.edge(write).role != Role::Intermediate);
    let mut newest = whole.next()?;
    if !world.runs[newest.run as usize].is_good() {
        let now = present.content(&newest.path);
        let good = whole.find(|write| world.runs[write.run as usize].is_good());
        let stands = good.filter(|good| now == Now::Missing || good.content.map(Now::File) == Some(now.clone()));
        if let Some(good) = stands {
            newest = good;
        } else if now == Now::Missing {
            return None;
        }
    }
    (!world.is_left_over(key, newest)).then_some((newest, gone))
}
