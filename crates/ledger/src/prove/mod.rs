//! Proves causes: makes one side again with one factor of the other side at a time, and sees what becomes of the numbers.
//!
//! ```text
//! Why ──factor──► factors ──Lab──► both sides again as they were (the noise) ──► with each factor, and each set of few ──shares──► Proof
//! ```

mod answer;
mod factor;
mod lab;
mod seed;
pub mod shares;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use keizu_record::{RunId, Value};

use crate::reproduce::Judgement;
use crate::reproduce::noise::{Sample, Sure};
use crate::why::Why;
use crate::workshop::{Lacking, Settings};
use crate::{Error, Ledger};
use factor::{Draft, Side};
use lab::{Lab, Numbers};
use shares::{Set, WHOLE_MAX};

pub use answer::{Baseline, Factor, Found, Interaction, Noise, Proof, Share};

/// Numbers that agree so far are the same number: sums in another order differ in the last digits.
const SAME: f64 = 1e-12;

/// Both sides, made again.
struct Grounds {
    noise: Noise,
    /// Whether both sides came out as recorded, and the same each time.
    steady: bool,
    baselines: Vec<Baseline>,
    steps: BTreeMap<Side, BTreeSet<RunId>>,
    repeats: usize,
}

/// Proves the causes of a change. The proof is recorded.
///
/// # Errors
/// When one of the sides was not measured, something can't be read or written, or it was interrupted.
pub fn prove(ledger: &mut Ledger, why: &Why, repeats: usize, settings: &mut Settings<'_>) -> Result<Proof, Error> {
    let project = ledger.project().to_owned();
    let drafts = factor::drafts(why);
    let mut prover = Prover { lab: Lab::new(ledger, why, settings)?, drafts: &drafts, lost: BTreeMap::new(), repeats: repeats.max(1) };
    for (at, draft) in drafts.iter().enumerate() {
        if let Some(lacking) = factor::hopeless(draft, &project) {
            prover.lost.insert(at, vec![lacking]);
        }
    }
    let proof = prover.go(why)?;
    record(ledger, why, &proof)?;
    Ok(proof)
}

struct Prover<'d, 'l, 's, 't> {
    lab: Lab<'l, 's, 't>,
    drafts: &'d [Draft],
    /// Factors that can't be swapped, and why.
    lost: BTreeMap<usize, Vec<Lacking>>,
    repeats: usize,
}

/// The numbers of each set of factors, on the old side.
type Worlds = BTreeMap<Set, Numbers>;

impl Prover<'_, '_, '_, '_> {
    fn go(mut self, why: &Why) -> Result<Proof, Error> {
        let (after, before) = (recorded(why, true), recorded(why, false));
        let Some(grounds) = self.grounds(&before, &after)? else { return Ok(self.nothing(&before, &after)) };
        let zero = mean(&grounds.baselines[0].again);
        // each factor alone, from both ends; what can't be swapped is out
        let (mut alone, mut back) = (BTreeMap::new(), BTreeMap::new());
        for at in self.kept() {
            match self.world(&grounds, Side::Before, &[at])? {
                Ok(numbers) => alone.insert(at, numbers),
                Err(lacking) => {
                    self.lost.insert(at, lacking);
                    continue;
                }
            };
            match self.world(&grounds, Side::After, &[at])? {
                Ok(numbers) => drop(back.insert(at, numbers)),
                Err(lacking) => {
                    alone.remove(&at);
                    self.lost.insert(at, lacking);
                }
            }
        }
        let kept = self.kept();
        let few = kept.len() <= WHOLE_MAX;
        let mut worlds = Worlds::from([(0, zero)]);
        for (bit, at) in kept.iter().enumerate() {
            worlds.insert(1 << bit, alone[at].clone());
        }
        let whole: Set = (1 << kept.len()) - 1;
        let sets: Vec<Set> = if few { (1..=whole).collect() } else { vec![whole] };
        for set in sets.into_iter().filter(|set| set.count_ones() > 1) {
            let members: Vec<usize> = kept.iter().enumerate().filter(|(bit, _)| set & (1 << bit) != 0).map(|(_, at)| *at).collect();
            match self.world(&grounds, Side::Before, &members)? {
                Ok(numbers) => drop(worlds.insert(set, numbers)),
                Err(lacking) => {
                    let names = members.iter().map(|at| self.drafts[*at].subjects.join(", ")).collect::<Vec<_>>().join(" and ");
                    let why = lacking.first().map(|lacking| lacking.why.clone()).unwrap_or_default();
                    self.lab.remarks.push(format!("{names} could not be swapped together: {why}"));
                }
            }
        }
        Ok(self.conclude(&grounds, &worlds, &alone, &back, (&before, &after)))
    }

    fn kept(&self) -> Vec<usize> {
        (0..self.drafts.len()).filter(|at| !self.lost.contains_key(at)).collect()
    }

    /// Both sides again, as they were; none when that can't be.
    fn grounds(&mut self, before: &Numbers, after: &Numbers) -> Result<Option<Grounds>, Error> {
        loop {
            let drafts: Vec<&Draft> = self.kept().iter().map(|at| &self.drafts[*at]).collect();
            let steps: BTreeMap<Side, BTreeSet<RunId>> = [Side::Before, Side::After]
                .into_iter()
                .map(|side| Ok((side, self.lab.reached(side, &drafts)?)))
                .collect::<Result<_, Error>>()?;
            self.announce(&steps, drafts.len());
            let mut baselines = Vec::new();
            let mut lacking = None;
            for (side, name, recorded) in [(Side::Before, "before", before), (Side::After, "after", after)] {
                match self.lab.measure(side, &[], &steps[&side], 0)? {
                    Ok(numbers) => {
                        baselines.push(Baseline { side: name, recorded: recorded.clone(), again: vec![numbers], restored: false })
                    }
                    Err(found) => {
                        lacking = Some(found);
                        break;
                    }
                }
            }
            match lacking {
                None => return self.repeat(baselines, steps).map(Some),
                Some(lacking) if self.drafts.is_empty() || drafts.is_empty() => {
                    self.lab.remarks.extend(lacking.iter().map(|lacking| format!("{}: {}", lacking.what, lacking.why)));
                    return Ok(None);
                }
                // a training that can't be made again is no reason not to look at the evaluation
                Some(lacking) => self.drop_unmakeable(&lacking)?,
            }
        }
    }

    /// Leaves out the factors whose own runs can't be made again.
    fn drop_unmakeable(&mut self, lacking: &[Lacking]) -> Result<(), Error> {
        let kept = self.kept();
        let mut lost = Vec::new();
        if kept.len() > 1 {
            for at in &kept {
                for side in [Side::Before, Side::After] {
                    let steps = self.lab.reached(side, &[&self.drafts[*at]])?;
                    if let Err(own) = self.lab.measure(side, &[], &steps, 0)? {
                        lost.push((*at, own));
                        break;
                    }
                }
            }
        }
        // none alone, or the only one: it is all of them
        if lost.is_empty() {
            lost = kept.into_iter().map(|at| (at, lacking.to_vec())).collect();
        }
        self.lost.extend(lost);
        Ok(())
    }

    /// Measures the noise.
    fn repeat(&mut self, mut baselines: Vec<Baseline>, steps: BTreeMap<Side, BTreeSet<RunId>>) -> Result<Grounds, Error> {
        let sides = [Side::Before, Side::After];
        let agree = |baseline: &Baseline| {
            baseline.recorded.iter().all(|(name, number)| baseline.again[0].get(name).is_some_and(|x| same(*x, *number)))
        };
        let mut restored: Vec<bool> = baselines.iter().map(agree).collect();
        let mut noise = Noise::None;
        let seeded = self.seeds(&steps)?;
        for n in 1..self.repeats {
            for (side, baseline) in sides.iter().zip(&mut baselines) {
                let seed = if seeded { n as u64 } else { 0 };
                match self.lab.measure(*side, &[], &steps[side], seed)? {
                    Ok(numbers) => baseline.again.push(numbers),
                    Err(lacking) => {
                        self.lab.remarks.extend(lacking.into_iter().map(|lacking| format!("{}: {}", lacking.what, lacking.why)))
                    }
                }
            }
            let steady = baselines.iter().all(|baseline| baseline.again.iter().all(|numbers| *numbers == baseline.again[0]));
            if steady && !seeded {
                break; // twice the same, byte for byte of its numbers: a third time tells nothing new
            }
            if !steady {
                noise = if seeded { Noise::Seeds } else { Noise::Repeats };
            }
        }
        if noise == Noise::Repeats {
            for (baseline, restored) in baselines.iter().zip(&mut restored) {
                let within = |(name, number): (&String, &f64)| {
                    let sample = Sample(baseline.again.iter().filter_map(|numbers| numbers.get(name).copied()).collect());
                    (sample.mean() - number).abs() <= sample.half(Sure::Of99)
                };
                *restored = baseline.recorded.iter().all(within);
            }
        }
        for (baseline, restored) in baselines.iter_mut().zip(&restored) {
            baseline.restored = *restored;
            if !restored {
                let side = baseline.side;
                self.lab.remarks.push(format!(
                    "made again as it was {side}, the recorded numbers do not come out: something that was not seen has changed since"
                ));
            }
        }
        let steady = noise != Noise::Repeats && restored.iter().all(|restored| *restored);
        Ok(Grounds { noise, steady, baselines, steps, repeats: if noise == Noise::Repeats { self.repeats } else { 1 } })
    }

    /// Whether other seeds can tell the noise: where one is seen, and is not itself a factor.
    fn seeds(&mut self, steps: &BTreeMap<Side, BTreeSet<RunId>>) -> Result<bool, Error> {
        if self.repeats < 2
            || self.drafts.iter().any(|draft| draft.subjects.iter().any(|subject| subject.to_ascii_lowercase().contains("seed")))
        {
            return Ok(false);
        }
        Ok(self.lab.has_seed(Side::Before, &steps[&Side::Before])? && self.lab.has_seed(Side::After, &steps[&Side::After])?)
    }

    /// The numbers of a side with these factors swapped: means, where there is noise.
    fn world(&mut self, grounds: &Grounds, side: Side, members: &[usize]) -> Result<lab::Measured, Error> {
        let drafts: Vec<&Draft> = members.iter().map(|at| &self.drafts[*at]).collect();
        // where everything comes out as it was, what a factor does not reach need not be made again
        let steps = if grounds.steady { self.lab.reached(side, &drafts)? } else { grounds.steps[&side].clone() };
        let mut all = Vec::new();
        for _ in 0..grounds.repeats {
            match self.lab.measure(side, &drafts, &steps, 0)? {
                Ok(numbers) => all.push(numbers),
                Err(lacking) => return Ok(Err(lacking)),
            }
        }
        Ok(Ok(mean(&all)))
    }

    /// How much there is to do, before it is begun.
    fn announce(&mut self, steps: &BTreeMap<Side, BTreeSet<RunId>>, factors: usize) {
        let took = |side: Side| self.lab.took(side, &steps[&side]);
        let worlds = if factors <= WHOLE_MAX { (1_usize << factors).saturating_sub(1) } else { factors + 1 };
        let (before, after) = (self.repeats.min(2) + worlds, self.repeats.min(2) + factors);
        let runs = before * steps[&Side::Before].len() + after * steps[&Side::After].len();
        let whole = took(Side::Before).saturating_mul(before as u32) + took(Side::After).saturating_mul(after as u32);
        self.lab.announce(runs, whole.max(Duration::ZERO));
    }

    /// When not even the measurement can be made again.
    fn nothing(self, before: &Numbers, after: &Numbers) -> Proof {
        let factors = self.drafts.iter().enumerate().map(|(at, draft)| Factor {
            factor: draft.factor,
            subjects: draft.subjects.clone(),
            found: Found::NotSwapped,
            effects: BTreeMap::new(),
            put_back: BTreeMap::new(),
            lacking: self.lost.get(&at).cloned().unwrap_or_default(),
        });
        Proof {
            factors: factors.collect(),
            interactions: Vec::new(),
            change: change(before, after),
            rest: BTreeMap::new(),
            baselines: Vec::new(),
            noise: Noise::None,
            runs: self.lab.runs,
            remarks: self.lab.remarks,
        }
    }

    fn conclude(
        self,
        grounds: &Grounds,
        worlds: &Worlds,
        alone: &BTreeMap<usize, Numbers>,
        back: &BTreeMap<usize, Numbers>,
        (before, after): (&Numbers, &Numbers),
    ) -> Proof {
        let kept = self.kept();
        let mut proof = Proof { baselines: grounds.baselines.clone(), noise: grounds.noise, ..self.nothing(before, after) };
        let mut interactions: BTreeMap<Set, BTreeMap<String, Share>> = BTreeMap::new();
        for (name, change) in proof.change.clone() {
            let number = |numbers: &Numbers| numbers.get(&name).copied();
            let noise = half(grounds, &name);
            let values: BTreeMap<Set, f64> = worlds.iter().filter_map(|(set, numbers)| Some((*set, number(numbers)?))).collect();
            let (Some(old), Some(new)) = (values.get(&0).copied(), number(&mean(&grounds.baselines[1].again))) else { continue };
            let shares = shares::whole(kept.len(), &values, noise).or_else(|| {
                let alone: Vec<f64> = kept.iter().map(|at| number(&alone[at])).collect::<Option<_>>()?;
                let without: Vec<f64> = kept.iter().map(|at| number(&back[at])).collect::<Option<_>>()?;
                Some(shares::ends(old, new, &alone, &without))
            });
            let Some(shares) = shares else { continue };
            for (at, value) in kept.iter().zip(&shares.factors) {
                let factor = &mut proof.factors[*at];
                factor.effects.insert(name.clone(), Share { value: clean(*value, old), noise });
                factor.put_back.extend(number(&back[at]).map(|number| (name.clone(), number)));
            }
            for (set, value) in &shares.interactions {
                interactions.entry(*set).or_default().insert(name.clone(), Share { value: *value, noise });
            }
            let told = shares.factors.iter().sum::<f64>() + shares.interactions.iter().map(|(_, value)| value).sum::<f64>();
            proof.rest.insert(name, Share { value: clean(change - told, old), noise });
        }
        for at in &kept {
            let factor = &mut proof.factors[*at];
            let effect = factor.effects.values().any(Share::counts);
            factor.found = if effect { Found::Effect } else { Found::NoEffect };
        }
        proof.interactions = interactions
            .into_iter()
            .map(|(set, effects)| {
                let members = kept.iter().enumerate().filter(|(bit, _)| set & (1 << bit) != 0);
                Interaction { factors: members.map(|(_, at)| proof.factors[*at].factor).collect(), effects }
            })
            .collect();
        proof
    }
}

/// Half the width of the noise around a difference of two measured numbers.
fn half(grounds: &Grounds, name: &str) -> f64 {
    if grounds.noise == Noise::None {
        return 0.0;
    }
    let sample = |baseline: &Baseline| Sample(baseline.again.iter().filter_map(|numbers| numbers.get(name).copied()).collect());
    let samples: Vec<Sample> = grounds.baselines.iter().map(sample).collect();
    let freedom: usize = samples.iter().map(|sample| sample.0.len().saturating_sub(1)).sum();
    let spread = (samples.iter().map(Sample::squares).sum::<f64>() / freedom.max(1) as f64).sqrt();
    if spread == 0.0 { 0.0 } else { Sure::Of95.t(freedom) * spread * (2.0 / grounds.repeats as f64).sqrt() }
}

/// Without what is left of a sum by rounding alone.
fn clean(value: f64, scale: f64) -> f64 {
    if value.abs() <= SAME * scale.abs().max(1.0) { 0.0 } else { value }
}

fn same(x: f64, y: f64) -> bool {
    clean(x - y, x) == 0.0
}

fn mean(all: &[Numbers]) -> Numbers {
    let names: BTreeSet<&String> = all.iter().flat_map(BTreeMap::keys).collect();
    let mean = |name: &String| {
        let sample = Sample(all.iter().map(|numbers| numbers.get(name).copied()).collect::<Option<_>>()?);
        // equal numbers have themselves as their mean, to the last digit
        let value = if sample.is_steady() { *sample.0.first()? } else { sample.mean() };
        Some((name.clone(), value))
    };
    names.into_iter().filter_map(mean).collect()
}

fn recorded(why: &Why, after: bool) -> Numbers {
    let number = |value: &Option<Value>| match value {
        Some(Value::Int(int)) => Some(*int as f64),
        Some(Value::Float(float)) => Some(*float),
        _ => None,
    };
    let side = why.metrics.iter().map(|metric| (&metric.name, number(if after { &metric.after } else { &metric.before })));
    side.filter_map(|(name, number)| Some((name.clone(), number?))).collect()
}

fn change(before: &Numbers, after: &Numbers) -> Numbers {
    before.iter().filter_map(|(name, old)| Some((name.clone(), after.get(name)? - old))).collect()
}

/// The proof as a judgement on the thing.
fn record(ledger: &mut Ledger, why: &Why, proof: &Proof) -> Result<(), Error> {
    let subject = match (why.a.content, why.a.made.or(why.a.measured)) {
        (Some(content), _) => content.into(),
        (None, Some(run)) => run.into(),
        (None, None) => return Ok(()),
    };
    let metric = why.metrics.first().map(|metric| metric.name.clone()).unwrap_or_default();
    let effects = proof.factors.iter().filter_map(|factor| {
        let share = factor.effects.get(&metric).filter(|share| share.counts())?;
        Some(format!("{} {:+.4} \u{b1} {:.4}", factor.subjects.join(", "), share.value, share.noise))
    });
    let effects: Vec<String> = effects.collect();
    let detail =
        if effects.is_empty() { format!("{metric}: no factor has an effect") } else { format!("{metric}: {}", effects.join(", ")) };
    let evidence = serde_json::to_value(proof).map_err(|error| Error::Unfit(error.to_string()))?;
    ledger.judge(Judgement {
        subject,
        judgement: "cause",
        verdict: if proof.holds(&metric) { "proved" } else { "not proved" },
        detail,
        run: why.a.measured,
        environment: None,
        evidence: &evidence,
    })
}
