//! Results that differ though everything that was seen is the same.

use std::collections::BTreeSet;

use keizu_graph::why::{Alignment, Group as GraphGroup, Pair, State};
use keizu_record::Authority;

use super::ask::Answerer;
use super::draft::Draft;
use super::facts::RunFacts;
use super::{CauseKind, Effect, Group};
use crate::Error;
use crate::said::{Sentence, said};

/// The rule in the answer.
const NAME: &str = "everything seen is the same";

/// Pairs of runs whose results differ, and for which nothing that was found can be the reason.
pub(super) fn unexplained(alignment: &Alignment, drafts: &[Draft], (a, b): (&State, &State)) -> Vec<Pair> {
    let content = |state: &State| state.making.as_ref().and_then(|making| making.content);
    let same_thing = content(a).is_some() && content(a) == content(b);
    let outcome =
        |state: &State| state.measuring.as_ref().map(|by| by.evaluations.iter().map(|(_, digest)| *digest).collect::<BTreeSet<_>>());
    let differs = |pair: &&Pair| match (&pair.output, pair.group) {
        (Some(_), _) => true,
        (None, GraphGroup::Model) => a.making.is_some() && !same_thing,
        // another model measures otherwise; the same must not
        (None, GraphGroup::Measure) => same_thing && outcome(a) != outcome(b),
    };
    let explained = |pair: &Pair| {
        let here = drafts.iter().filter(|draft| draft.cause.runs == (Some(pair.b), Some(pair.a)) && draft.cause.group == pair.group.into());
        pair.followed || here.into_iter().any(|draft| draft.cause.effect == Effect::Likely)
    };
    // one run that trains and measures is looked at once, as the making
    let both = |pair: &Pair| pair.data_only && !same_thing;
    alignment.pairs.iter().filter(differs).filter(|pair| !explained(pair) && !both(pair)).cloned().collect()
}

impl Answerer<'_> {
    /// The cause that stands for what nobody saw at a pair of runs.
    pub fn unseen(&self, pair: &Pair, drafts: &[Draft]) -> Result<Draft, Error> {
        let (a, b) = (self.facts(pair.a)?, self.facts(pair.b)?);
        let what = match &pair.output {
            Some((path, ..)) => said!("other_file", "{} came out different", path),
            None if pair.group == GraphGroup::Measure => said!("other_numbers", "the numbers came out different"),
            None => said!("other_result", "the result came out different"),
        };
        let doubtful =
            drafts.iter().any(|draft| draft.cause.runs == (Some(pair.b), Some(pair.a)) && draft.cause.effect == Effect::Doubtful);
        let command = short(&a);
        let project = a.began.as_ref().map(|began| began.project.clone()).unwrap_or_default();
        let alike = match &pair.output {
            Some(output) => self.opener.same_values(&project, output)?,
            None => false,
        };
        let (effect, detail) = match (alike, doubtful) {
            (true, _) => (Effect::Unlikely, what.and(": ", said!("same_values", "the same values, written otherwise"))),
            (false, true) => (Effect::Doubtful, what.and(", ", all_the_same())),
            (false, false) => (Effect::Likely, what.and(", ", all_the_same())),
        };
        let group: Group = pair.group.into();
        let mut draft = Draft::new(group, CauseKind::InputsUnseen, effect, command, detail).at(pair);
        draft.cause.authority = Authority::Inferred;
        draft.cause.rule = Some(NAME.to_owned());
        draft.cause.evidence = suspects(&a, &b);
        Ok(draft)
    }

    /// What was not seen of the runs that were compared.
    pub fn not_seen(&self, alignment: &Alignment) -> Result<Vec<Sentence>, Error> {
        let mut said = Vec::new();
        for pair in &alignment.pairs {
            for line in suspects(&*self.facts(pair.a)?, &*self.facts(pair.b)?) {
                if !said.contains(&line) {
                    said.push(line);
                }
            }
        }
        Ok(said)
    }
}

fn all_the_same() -> Sentence {
    said!("all_the_same", "though everything that was seen is the same")
}

/// The command, its program by name alone.
fn short(facts: &RunFacts) -> String {
    let mut words = facts.command();
    if let Some(first) = words.first_mut() {
        *first = first.rsplit('/').next().unwrap_or_default().to_owned();
    }
    words.join(" ")
}

/// What may differ without being seen.
fn suspects(a: &RunFacts, b: &RunFacts) -> Vec<Sentence> {
    let mut lines = Vec::new();
    let seeded = |facts: &RunFacts| facts.params.keys().any(|key| super::code::is_seed(key));
    if !(seeded(a) && seeded(b)) {
        lines.push(said!("no_seed", "randomness: no seed was seen on the command line or in settings"));
    }
    let blind: BTreeSet<&(String, String)> = a.blind.iter().chain(&b.blind).collect();
    lines.extend(blind.into_iter().map(|(kind, detail)| said!("blind", "not seen: {} ({})", kind, detail)));
    lines.push(said!("never_seen", "what came over the network, the clock, and the order in which threads ran"));
    lines
}
