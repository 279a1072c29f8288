//! Which two states a question is about.

use keizu_graph::Root;
use keizu_graph::why::{Comparer, Making, State};
use keizu_record::body::{ArtifactKind, Named, RunBegan, RunEnded, Status};
use keizu_record::{Kind, RunId, Side};
use keizu_store::Select;

use super::alike::alike;
use crate::said::{Sentence, said};
use crate::thing::Thing;
use crate::view::spoken;
use crate::{Error, View};

/// How many earlier makings are looked at for one that differs.
const MAKINGS_BACK_MAX: usize = 256;
/// How far back the last run of the same program is looked for.
const RUNS_BACK_MAX: usize = 10_000;

/// What is asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// The thing.
    pub a: Thing,
    /// What it is held against; none: what came before it.
    pub b: Option<Thing>,
    /// Whether `a` was asked for as a certain version, and not as whatever is newest.
    pub pinned: bool,
}

/// Two states with their names.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Picked {
    pub a: (String, State),
    pub b: Option<(String, State)>,
    pub notes: Vec<Sentence>,
}

type Comparing<'v> = Comparer<'v, View<'v>>;

/// Finds the states.
pub(super) fn pick(view: &View<'_>, comparer: &mut Comparing<'_>, question: &Question) -> Result<Picked, Error> {
    if let Some(b) = &question.b {
        let a_states = side(comparer, &question.a)?;
        let b_states = side(comparer, b)?;
        return both(comparer, a_states, b_states);
    }
    match &question.a {
        Thing::Run(run) => against_last_run(view, comparer, *run),
        Thing::Version(named) if question.pinned => {
            let versions = view.versions(&named.name)?;
            let before = versions.iter().filter(|other| other.version < named.version).max_by_key(|other| other.version);
            let a_states = side(comparer, &question.a)?;
            match before {
                Some(before) => {
                    let b_states = side(comparer, &Thing::Version(Box::new(before.clone())))?;
                    both(comparer, a_states, b_states)
                }
                None => alone(a_states, said!("first_version", "{} is the first version", spoken(named))),
            }
        }
        Thing::Version(named) => {
            let versions = view.versions(&named.name)?;
            let roots: Vec<Root> = versions.iter().map(|named| Root::Named(named.clone())).collect();
            let makings = comparer.makings(&roots)?;
            back(comparer, &makings, &|making| version_of(&versions, making))
        }
        Thing::Place { project, path } => {
            let makings = comparer.makings(&[Root::Place { project: project.clone(), path: path.clone() }])?;
            place(comparer, &makings, &path.to_string())
        }
        Thing::Artifact(digest) => {
            let own = comparer.makings(&[Root::Content(*digest)])?;
            let last = own.last().ok_or_else(|| Error::Unfit(format!("nothing that was read or made is known of {digest}")))?;
            let root = Root::Place { project: project_of(view, last), path: last.place.path.clone() };
            let mut makings = comparer.makings(&[root])?;
            let end = makings.iter().rposition(|making| making.content == Some(*digest)).map_or(0, |at| at + 1);
            makings.truncate(end);
            place(comparer, &makings, &format!("b3:{}", digest.short(8)))
        }
        Thing::Party(name) => Err(Error::Unfit(format!("party:{name} is nothing that was made"))),
    }
}

/// An absolute path belongs to no project.
fn project_of(view: &View<'_>, making: &Making) -> String {
    if making.place.project.is_empty() { view.project().to_owned() } else { making.place.project.clone() }
}

/// All states that a thing may mean, newest first.
fn side(comparer: &mut Comparing<'_>, thing: &Thing) -> Result<Vec<(String, State)>, Error> {
    let (roots, name) = match thing {
        Thing::Run(run) => return Ok(vec![(format!("run:{}", run.short(6)), comparer.of_run(*run)?)]),
        Thing::Version(named) => (vec![Root::Named((**named).clone())], spoken(named)),
        Thing::Place { project, path } => (vec![Root::Place { project: project.clone(), path: path.clone() }], path.to_string()),
        Thing::Artifact(digest) => (vec![Root::Content(*digest)], format!("b3:{}", digest.short(8))),
        Thing::Party(name) => return Err(Error::Unfit(format!("party:{name} is nothing that was made"))),
    };
    let makings = comparer.makings(&roots)?;
    let last = match thing {
        // the newest content at the place alone
        Thing::Place { .. } => makings.last().map(|last| last.content),
        _ => None,
    };
    let mut states = Vec::new();
    for making in makings.iter().rev().filter(|making| last.is_none_or(|content| making.content == content)).take(MAKINGS_BACK_MAX) {
        states.extend(states_of(comparer, making)?.into_iter().rev().map(|state| (name.clone(), state)));
    }
    if states.is_empty() {
        return Err(Error::Unfit(format!("nothing that was read or made is known of {name}")));
    }
    Ok(states)
}

/// The states of a making. An evaluation stands for the model that it measured.
fn states_of(comparer: &mut Comparing<'_>, making: &Making) -> Result<Vec<State>, Error> {
    if making.kind == ArtifactKind::Evaluation
        && let Some(run) = making.run
    {
        return Ok(vec![comparer.of_run(run)?]);
    }
    comparer.states(making)
}

/// The newest of each side that were measured alike; where none were, the newest.
fn both(comparer: &mut Comparing<'_>, a: Vec<(String, State)>, b: Vec<(String, State)>) -> Result<Picked, Error> {
    for (name, state) in a.iter().filter(|(_, state)| state.measuring.is_some()) {
        for (other_name, other) in b.iter().filter(|(_, state)| state.measuring.is_some()) {
            if comparable(comparer, state, other)? {
                let notes = Vec::new();
                return Ok(Picked { a: (name.clone(), state.clone()), b: Some((other_name.clone(), other.clone())), notes });
            }
        }
    }
    let newest = |mut states: Vec<(String, State)>| states.swap_remove(0);
    let (a, b) = (newest(a), newest(b));
    let notes = unmeasured(&a, &b);
    Ok(Picked { a, b: Some(b), notes })
}

fn alone(states: Vec<(String, State)>, note: Sentence) -> Result<Picked, Error> {
    let a = states.into_iter().next().ok_or_else(|| Error::Unfit(note.to_string()))?;
    Ok(Picked { a, b: None, notes: vec![note] })
}

fn unmeasured(a: &(String, State), b: &(String, State)) -> Vec<Sentence> {
    let is_model = |state: &State| state.making.as_ref().is_some_and(|making| making.kind == ArtifactKind::Model);
    let side = |(name, state): &(String, State)| {
        (is_model(state) && state.measuring.is_none())
            .then(|| said!("unmeasured", "no run was seen measuring {}: only how it was made is compared", name))
    };
    side(a).or_else(|| side(b)).into_iter().collect()
}

/// Whether two states were measured by the same program, or in a document of the same name.
fn comparable(comparer: &mut Comparing<'_>, a: &State, b: &State) -> Result<bool, Error> {
    let (Some(by_a), Some(by_b)) = (&a.measuring, &b.measuring) else { return Ok(false) };
    let shared = by_a.evaluations.iter().any(|(path, _)| by_b.evaluations.iter().any(|(other, _)| other == path));
    if shared || by_a.run == by_b.run {
        return Ok(true);
    }
    Ok(match (comparer.began(by_a.run)?, comparer.began(by_b.run)?) {
        (Some(a), Some(b)) => alike(&a, &b),
        _ => false,
    })
}

/// The newest state, and the newest earlier one that differs in content or in what measured it.
fn back(comparer: &mut Comparing<'_>, makings: &[Making], name: &dyn Fn(&Making) -> String) -> Result<Picked, Error> {
    let Some((newest, earlier)) = makings.split_last() else {
        return Err(Error::Unfit("no occurrence of it is known".to_owned()));
    };
    let own = states_of(comparer, newest)?;
    let mut before: Vec<(String, State)> = Vec::new();
    for making in earlier.iter().rev().take(MAKINGS_BACK_MAX) {
        let states = states_of(comparer, making)?;
        before.extend(states.into_iter().rev().map(|state| (name(making), state)));
    }
    // measured alike, and another outcome, data or content
    for (at, state) in own.iter().enumerate().rev().filter(|(_, state)| state.measuring.is_some()) {
        let same_making = own[..at].iter().rev().map(|state| (name(newest), state.clone()));
        for (other_name, other) in same_making.chain(before.iter().cloned()) {
            if state.differs(&other) && comparable(comparer, state, &other)? {
                let skipped = before
                    .iter()
                    .find(|(_, state)| state.measuring.is_none() && content(state) != content(&other))
                    .filter(|_| other.run != newest.run);
                let notes = skipped.filter(|(skipped, _)| *skipped != other_name && *skipped != name(newest));
                let notes = notes
                    .map(|(skipped, _)| said!("passed_over", "{} was passed over: no run was seen measuring it", skipped))
                    .into_iter()
                    .collect();
                return Ok(Picked { a: (name(newest), state.clone()), b: Some((other_name, other)), notes });
            }
        }
    }
    let a = (name(newest), own.last().cloned().unwrap_or(State { making: Some(newest.clone()), run: newest.run, measuring: None }));
    if let Some(b) = before.iter().find(|(_, state)| content(state) != content(&a.1)) {
        let notes = unmeasured(&a, b);
        return Ok(Picked { a, b: Some(b.clone()), notes });
    }
    let note = match before.len() + own.len() {
        1 => said!("first_known", "{} is the first that the record knows", a.0),
        _ => said!("never_differed", "{} never differed, and was never measured otherwise", a.0),
    };
    Ok(Picked { a, b: None, notes: vec![note] })
}

fn content(state: &State) -> Option<keizu_record::Digest> {
    state.making.as_ref().and_then(|making| making.content)
}

fn place(comparer: &mut Comparing<'_>, makings: &[Making], name: &str) -> Result<Picked, Error> {
    let Some((newest, earlier)) = makings.split_last() else {
        return Err(Error::Unfit(format!("nothing that was read or made is known of {name}")));
    };
    if newest.kind == ArtifactKind::Model {
        return back(comparer, makings, &|_| name.to_owned());
    }
    let state = |comparer: &mut Comparing<'_>, making: &Making| -> Result<(String, State), Error> {
        let none = || State { making: Some(making.clone()), run: making.run, measuring: None };
        Ok((name.to_owned(), states_of(comparer, making)?.pop().unwrap_or_else(none)))
    };
    let a = state(comparer, newest)?;
    match earlier.iter().rev().find(|making| making.content != newest.content) {
        Some(before) => {
            let b = state(comparer, before)?;
            Ok(Picked { a, b: Some(b), notes: Vec::new() })
        }
        None => alone(vec![a], said!("no_other_content", "{} has had no other content", name)),
    }
}

/// The version that a making is: the last that points at its content when it was made; the first that does so later.
fn version_of(versions: &[Named], making: &Making) -> String {
    let of_content = |named: &&Named| named.content == making.content;
    let before = versions.iter().filter(of_content).rfind(|named| named.at <= making.at);
    let found = before.or_else(|| versions.iter().find(of_content));
    found.map_or_else(|| making.place.path.to_string(), spoken)
}

fn against_last_run(view: &View<'_>, comparer: &mut Comparing<'_>, run: RunId) -> Result<Picked, Error> {
    let name = |run: &RunId| format!("run:{}", run.short(6));
    let a = (name(&run), comparer.of_run(run)?);
    let Some(began) = comparer.began(run)? else {
        return Err(Error::Unfit(format!("how {} began is not recorded", name(&run))));
    };
    let select = Select { kinds: vec![Kind::RunBegan], newest_first: true, limit: Some(RUNS_BACK_MAX), ..Select::default() };
    let runs: Vec<RunBegan> = view.store().select(&select)?.iter().filter_map(|entry| RunBegan::read(&entry.record)).collect();
    let mut same: Vec<&RunBegan> = runs
        .iter()
        .filter(|other| other.run != run && other.at <= began.at && other.project == began.project && alike(other, &began))
        .collect();
    same.sort_by_key(|other| std::cmp::Reverse((other.at, other.run)));
    for other in same {
        let ended = view.entries(Side::Subject, vec![other.run.into()], &[Kind::RunEnded])?;
        // a run that failed half way is no measure
        if ended.iter().filter_map(|entry| RunEnded::read(&entry.record)).any(|ended| ended.status == Status::Finished) {
            let b = (name(&other.run), comparer.of_run(other.run)?);
            return Ok(Picked { a, b: Some(b), notes: Vec::new() });
        }
    }
    let note = said!("first_run", "{} is the first finished run of this program", a.0);
    Ok(Picked { a, b: None, notes: vec![note] })
}
