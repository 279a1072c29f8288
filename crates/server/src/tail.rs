//! Follows the record as others write it: its position, the graph in memory, and what there is to tell about it.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, PoisonError, RwLock, RwLockReadGuard};
use std::time::{Duration, Instant};

use bytes::Bytes;
use keizu_graph::Index;
use keizu_ledger::{Ledger, Running};
use keizu_record::{Entry, Kind};
use serde_json::json;
use tokio::sync::{broadcast, watch};

use crate::fault::chain;
use crate::pool::Pool;
use crate::state::State;

/// Between two looks; what came meanwhile is told at once.
const STEP: Duration = Duration::from_millis(250);
/// Between two looks at runs that nobody watches any more.
const SETTLE_STEP: Duration = Duration::from_secs(2);
/// Entries that are looked at in one go.
pub(crate) const ENTRIES_MAX: usize = 4_096;
/// Things that are named in one event.
const THINGS_MAX: usize = 200;
/// News that a slow listener may be behind; who is further behind reads the record again.
const NEWS_MAX: usize = 256;

/// How the record stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Standing {
    /// Whether it can be read.
    pub ready: bool,
    /// Which record it is: its log's key. Empty as long as it was never read.
    pub store: String,
    /// Position of the newest entry.
    pub position: u64,
    /// Runs that go on.
    pub running: Arc<Vec<Running>>,
}

/// Something to tell.
#[derive(Debug, Clone)]
pub(crate) struct News {
    /// The newest entry that it speaks of; none: it is about what runs.
    pub seq: Option<u64>,
    /// As it is sent.
    pub text: Bytes,
}

/// The follower, as others see it.
pub(crate) struct Tail {
    standing: watch::Sender<Standing>,
    news: broadcast::Sender<News>,
    index: RwLock<Option<Index>>,
    over: (Mutex<bool>, Condvar),
}

impl Tail {
    pub fn new() -> Self {
        Self {
            standing: watch::Sender::default(),
            news: broadcast::Sender::new(NEWS_MAX),
            index: RwLock::default(),
            over: Default::default(),
        }
    }

    /// How the record stands.
    pub fn standing(&self) -> Standing {
        self.standing.borrow().clone()
    }

    /// What comes from now on.
    pub fn listen(&self) -> broadcast::Receiver<News> {
        self.news.subscribe()
    }

    /// The graph in memory; none while it is being built.
    pub fn index(&self) -> RwLockReadGuard<'_, Option<Index>> {
        self.index.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the server ends.
    pub fn is_over(&self) -> bool {
        *self.over.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets the follower end.
    pub fn stop(&self) {
        *self.over.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.over.1.notify_all();
        // who listens wakes up, and sees that it is over
        let _ = self.news.send(News { seq: None, text: Bytes::from_static(b": over\n\n") });
    }

    /// Waits for the next look; false when it is over.
    fn wait(&self, step: Duration) -> bool {
        let over = self.over.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (over, _) = self.over.1.wait_timeout_while(over, step, |over| !*over).unwrap_or_else(PoisonError::into_inner);
        !*over
    }
}

/// What the follower has open.
struct Follower<'a> {
    state: &'a State,
    open: Option<Ledger>,
    settled: Instant,
    /// Why the graph can't be had, said once.
    complaint: Option<String>,
}

/// Follows until it is told to stop.
pub(crate) fn follow(state: &State) {
    let mut follower = Follower { state, open: None, settled: Instant::now(), complaint: None };
    loop {
        let ready = follower.look();
        if !ready {
            follower.lost();
        }
        if !state.tail.wait(STEP) {
            return;
        }
    }
}

impl Follower<'_> {
    /// Looks once; whether the record could be read.
    fn look(&mut self) -> bool {
        let state = self.state;
        if self.open.as_ref().is_some_and(|ledger| !ledger.is_there()) {
            return false;
        }
        if self.open.is_none() {
            let Ok(ledger) = Ledger::open(state.pool.home()) else { return false };
            self.open = Some(ledger);
        }
        let Some(ledger) = &self.open else { return false };
        let Ok(position) = ledger.position() else { return false };
        let before = state.tail.standing();
        if !before.ready || before.store.is_empty() {
            let Ok(store) = name(ledger) else { return false };
            // another record in the same place: what was known of the old one is wrong
            if store != before.store || position < before.position {
                *state.tail.index.write().unwrap_or_else(PoisonError::into_inner) = None;
                let _ = state.tail.news.send(News { seq: None, text: event(None, "reset", &json!({"seq": position})) });
            }
            state.tail.standing.send_modify(|standing| (standing.ready, standing.store, standing.position) = (true, store, position));
        } else if position > before.position {
            self.tell(before.position, position);
        }
        self.keep_index();
        self.runs();
        true
    }

    /// The record is gone, or can't be read.
    fn lost(&mut self) {
        self.open = None;
        self.state.tail.standing.send_if_modified(|standing| std::mem::replace(&mut standing.ready, false));
    }

    /// Tells what was written since.
    fn tell(&self, mut after: u64, upto: u64) {
        let Some(ledger) = &self.open else { return };
        let tail = &self.state.tail;
        while after < upto {
            // a record that can't be read is for `verify` to tell; who listens asks again for what he shows
            let entries = ledger.tail(after, ENTRIES_MAX).unwrap_or_default();
            let Some(last) = entries.last().map(|entry| entry.position) else { break };
            tail.standing.send_modify(|standing| standing.position = last);
            let _ = tail.news.send(News { seq: Some(last), text: events(&entries) });
            after = last;
        }
        tail.standing.send_modify(|standing| standing.position = standing.position.max(upto));
    }

    /// Brings the graph in memory up to the record.
    fn keep_index(&mut self) {
        let (Some(ledger), tail) = (&self.open, &self.state.tail) else { return };
        let next = tail.index().as_ref().map(Index::next);
        if next.is_some_and(|next| next > tail.standing().position) {
            return;
        }
        let whole = ledger.whole();
        let result = match next {
            None => whole.index().map(|built| *tail.index.write().unwrap_or_else(PoisonError::into_inner) = Some(built)),
            Some(_) => match tail.index.write().unwrap_or_else(PoisonError::into_inner).as_mut() {
                Some(index) => index.extend(&whole, &[]),
                None => Ok(()),
            },
        };
        match result {
            Ok(()) => self.complaint = None,
            Err(error) => {
                *tail.index.write().unwrap_or_else(PoisonError::into_inner) = None;
                self.complaint = Some(chain(&error));
            }
        }
        let (bytes, vertices) = tail.index().as_ref().map_or((0, 0), |index| (index.bytes(), index.len()));
        self.state.metrics.index_bytes.store(bytes as u64, std::sync::atomic::Ordering::Relaxed);
        self.state.metrics.index_vertices.store(vertices as u64, std::sync::atomic::Ordering::Relaxed);
    }

    /// Tells what runs, when that is another than before; a run whose watcher died is recovered, as any reading command does.
    fn runs(&mut self) {
        let (home, tail) = (self.state.pool.home(), &self.state.tail);
        let running = keizu_ledger::running(home);
        if running.orphaned && self.settled.elapsed() > SETTLE_STEP {
            self.settled = Instant::now();
            let _ = keizu_ledger::settle(home, Duration::ZERO, &mut |_| {});
        }
        if *tail.standing.borrow().running != running.rows {
            let text = event(None, "running", &json!(running.rows));
            tail.standing.send_modify(|standing| standing.running = Arc::new(running.rows));
            let _ = tail.news.send(News { seq: None, text });
        }
    }
}

/// Which record it is.
pub(crate) fn name(ledger: &Ledger) -> Result<String, keizu_ledger::Error> {
    Ok(ledger.logs()?.first().map(|log| log.signer.clone()).unwrap_or_default())
}

/// Opens the record once, so that who starts the server learns at once what is wrong with it.
pub(crate) fn first(pool: &Pool) -> Result<String, keizu_ledger::Error> {
    name(&*pool.lend()?)
}

/// Entries as events, one for each kind. Only the last carries the id: who was told up to it was told everything before.
pub(crate) fn events(entries: &[Entry]) -> Bytes {
    let mut kinds: BTreeMap<Kind, (u64, u64, Vec<String>)> = BTreeMap::new();
    for entry in entries {
        let (seq, count, things) = kinds.entry(entry.record.kind).or_default();
        (*seq, *count) = (entry.position, *count + 1);
        let record = &entry.record;
        let named = [
            Some(record.subject.to_string()),
            record.object.as_ref().map(ToString::to_string),
            record.place().map(|place| place.to_string()),
        ];
        for thing in named.into_iter().flatten() {
            if things.len() < THINGS_MAX && !things.contains(&thing) {
                things.push(thing);
            }
        }
    }
    let mut kinds: Vec<_> = kinds.into_iter().collect();
    kinds.sort_by_key(|(_, (seq, ..))| *seq);
    let last = kinds.last().map(|(_, (seq, ..))| *seq);
    let mut out = Vec::new();
    for (kind, (seq, count, things)) in kinds {
        let more = things.len() >= THINGS_MAX;
        let data = json!({"seq": seq, "kind": kind.word(), "count": count, "things": things, "more": more});
        out.extend_from_slice(&event((Some(seq) == last).then_some(seq), "record", &data));
    }
    out.into()
}

/// One event, as it is sent.
pub(crate) fn event(id: Option<u64>, name: &str, data: &serde_json::Value) -> Bytes {
    let id = id.map(|id| format!("id: {id}\n")).unwrap_or_default();
    format!("{id}event: {name}\ndata: {data}\n\n").into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use keizu_record::{Digest, Record, RecordId, RunId, Time};

    #[test]
    fn only_the_last_event_of_what_came_together_carries_an_id() {
        let run = RunId::new([1; 16]);
        let entry = |position, kind| Entry {
            position,
            origin: "laptop".into(),
            index: position - 1,
            id: RecordId::new([0; 32]),
            record: Record::new(kind, run, Time(1), Time(1)).with_object(Digest::of(b"x")),
        };
        let entries = [entry(4, Kind::Used), entry(5, Kind::Made), entry(6, Kind::Used)];
        let text = String::from_utf8(events(&entries).to_vec()).unwrap();
        let told: Vec<&str> = text.split_terminator("\n\n").collect();
        assert_eq!(told.len(), 2);
        assert!(told[0].starts_with("event: record\n") && told[0].contains("\"kind\":\"made\""));
        assert!(told[1].starts_with("id: 6\nevent: record\n") && told[1].contains("\"count\":2"));
        assert!(told[1].contains(&run.to_string()));
    }
}
