//! From a question to its answer.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use keizu_graph::why::{self as graph, Alignment, Comparer, Pair};
use keizu_record::RunId;

use super::alike::alike;
use super::contents::Contents;
use super::draft::{Draft, rank};
use super::facts::RunFacts;
use super::files::{Opener, kind_of};
use super::pick::{Question, pick};
use super::{CauseKind, Effect, Group, State, Why, Writer, environment, metrics, params, unseen};
use crate::rules::redact::Redactor;
use crate::said::said;
use crate::{Error, Ledger, View};

/// What answering needs.
pub(super) struct Answerer<'l> {
    pub view: &'l View<'l>,
    pub opener: Opener<'l>,
    facts: RefCell<HashMap<RunId, Rc<RunFacts>>>,
}

/// What one comparison found.
#[derive(Default)]
pub(super) struct Findings {
    pub drafts: Vec<Draft>,
    pub compared: BTreeSet<CauseKind>,
}

impl Ledger {
    /// Why a thing is not what it was: the causes, the likeliest first.
    ///
    /// # Errors
    /// When the record or a content can't be read, and for things that are not made by anybody.
    pub fn why(&self, question: &Question) -> Result<Why, Error> {
        let view = self.view();
        let contents = Contents::new(self);
        let redactor = Redactor::new(self.config());
        let answerer = Answerer {
            view: &view,
            opener: Opener { contents: &contents, redactor: &redactor, compared: RefCell::default() },
            facts: RefCell::new(HashMap::new()),
        };
        answerer.answer(question)
    }
}

impl Answerer<'_> {
    fn answer(&self, question: &Question) -> Result<Why, Error> {
        let mut comparer = Comparer::new(self.view);
        let picked = pick(self.view, &mut comparer, question)?;
        let (name, a) = picked.a;
        let mut why = Why {
            a: self.state(&name, &a),
            b: None,
            metrics: Vec::new(),
            causes: Vec::new(),
            same: Vec::new(),
            unseen: Vec::new(),
            notes: picked.notes,
        };
        let Some((before_name, b)) = picked.b else { return Ok(why) };
        why.b = Some(self.state(&before_name, &b));
        why.metrics = metrics::metrics(self.opener.contents, &a, &b)?;
        let alignment = comparer.align(&a, &b, &alike)?;
        let mut findings = self.findings(&alignment)?;
        let same_model = a.making.as_ref().zip(b.making.as_ref()).is_some_and(|(a, b)| a.content.is_some() && a.content == b.content);
        if same_model {
            harmless(&mut findings.drafts);
        }
        let unexplained = unseen::unexplained(&alignment, &findings.drafts, (&a, &b));
        for pair in &unexplained {
            findings.drafts.push(self.unseen(pair, &findings.drafts)?);
        }
        self.programs(&alignment, &mut why)?;
        self.writers(&alignment, &mut findings.drafts)?;
        why.causes = rank(findings.drafts);
        let found: BTreeSet<CauseKind> = why.causes.iter().map(|cause| cause.kind).collect();
        why.same = CauseKind::ALL.iter().copied().filter(|kind| findings.compared.contains(kind) && !found.contains(kind)).collect();
        if why.causes.iter().all(|cause| cause.effect == Effect::Unlikely || cause.kind == CauseKind::InputsUnseen) {
            why.unseen = self.not_seen(&alignment)?;
        }
        if alignment.truncated {
            why.notes.push(said!(
                "trees_cut",
                "the trees are larger than {} pairs of runs: what lies beyond was not compared",
                graph::PAIRS_MAX
            ));
        }
        Ok(why)
    }

    fn state(&self, name: &str, state: &graph::State) -> State {
        let making = state.making.as_ref();
        State {
            name: name.to_owned(),
            project: making.map(|making| making.place.project.clone()).unwrap_or_default(),
            path: making.map(|making| making.place.path.clone()),
            content: making.and_then(|making| making.content),
            made: state.run,
            measured: state.measuring.as_ref().map(|by| by.run),
            evaluations: state.measuring.as_ref().map(|by| by.evaluations.clone()).unwrap_or_default(),
            at: making.map(|making| making.at),
            measured_at: state.measuring.as_ref().map(|by| by.at),
        }
    }

    /// What a run says of itself; read once.
    pub fn facts(&self, run: RunId) -> Result<Rc<RunFacts>, Error> {
        if let Some(known) = self.facts.borrow().get(&run) {
            return Ok(Rc::clone(known));
        }
        let read = Rc::new(RunFacts::read(self.view, run)?);
        self.facts.borrow_mut().insert(run, Rc::clone(&read));
        Ok(read)
    }

    /// Every difference that an alignment shows.
    pub fn findings(&self, alignment: &Alignment) -> Result<Findings, Error> {
        let mut findings = Findings::default();
        findings.compared.extend(alignment.same.iter().map(|(group, role, kind)| kind_of(*group, *role, *kind)));
        for leaf in &alignment.leaves {
            findings.compared.insert(kind_of(leaf.group, leaf.role, leaf.kind));
            for mut draft in self.opener.causes(leaf)? {
                if let Some(inner) = &leaf.inner {
                    let inner_findings = self.findings(inner)?;
                    draft.cause.because = rank(inner_findings.drafts);
                }
                findings.drafts.push(draft);
            }
        }
        for pair in alignment.pairs.iter().filter(|pair| !pair.data_only) {
            self.runs(pair, &mut findings)?;
        }
        environment::forget_idle(&mut findings.drafts);
        Ok(findings)
    }

    /// What two runs were told, and ran in.
    fn runs(&self, pair: &Pair, findings: &mut Findings) -> Result<(), Error> {
        let (a, b) = (self.facts(pair.a)?, self.facts(pair.b)?);
        if pair.alike {
            let (drafts, compared) = params::compare(pair, &a, &b);
            findings.drafts.extend(drafts);
            if compared {
                findings.compared.insert(CauseKind::Params);
            }
            let has_seed = |facts: &RunFacts| {
                let told = facts.params.keys().any(|key| super::code::is_seed(key));
                told || facts.environment.as_ref().is_some_and(|of| of.variables.keys().any(|key| super::code::is_seed(key)))
            };
            if has_seed(&a) && has_seed(&b) {
                findings.compared.insert(CauseKind::Seed);
            }
        }
        let (drafts, compared) = environment::compare(self.view, pair, &a, &b)?;
        findings.drafts.extend(drafts);
        if compared.environment {
            findings.compared.insert(CauseKind::Environment);
        }
        if compared.hardware {
            findings.compared.insert(CauseKind::Hardware);
        }
        Ok(())
    }

    /// Says so where the runs that were asked for are of different programs.
    fn programs(&self, alignment: &Alignment, why: &mut Why) -> Result<(), Error> {
        for pair in alignment.pairs.iter().filter(|pair| !pair.alike) {
            let (a, b) = (self.facts(pair.a)?, self.facts(pair.b)?);
            let (before, after) = (b.command().join(" "), a.command().join(" "));
            why.notes.push(match pair.group {
                graph::Group::Measure => {
                    said!("measured_otherwise", "measured by different programs: `{}` before, `{}` now", before, after)
                }
                graph::Group::Model => said!("made_otherwise", "made by different programs: `{}` before, `{}` now", before, after),
            });
        }
        Ok(())
    }

    /// Names who last wrote what differs.
    fn writers(&self, alignment: &Alignment, drafts: &mut [Draft]) -> Result<(), Error> {
        let mut written: HashMap<String, &graph::Written> = HashMap::new();
        for leaf in &alignment.leaves {
            let Some(file) = &leaf.a else { continue };
            if let Some(by) = &file.writer {
                written.insert(file.place.path.to_string(), by);
            }
            if let [member] = leaf.members.as_slice()
                && let Some(by) = &member.writer
            {
                written.insert(file.place.path.join(&member.path).to_string(), by);
            }
        }
        for draft in drafts {
            let subject = draft.cause.subject.split(" (before: ").next().unwrap_or_default();
            if let Some(by) = written.get(subject) {
                draft.cause.writer = Some(Writer { run: by.run, command: self.facts(by.run)?.command(), at: by.at });
            }
        }
        Ok(())
    }
}

/// The model came out byte for byte the same: what differs in its making had no effect on it.
fn harmless(drafts: &mut [Draft]) {
    for draft in drafts.iter_mut().filter(|draft| draft.cause.group == Group::Model) {
        draft.cause.effect = Effect::Unlikely;
        let note = said!("same_result", "the result came out byte for byte the same");
        if !draft.cause.evidence.contains(&note) {
            draft.cause.evidence.push(note);
        }
    }
}
