//! Can it be made again? The run (and with `deep` everything above it) is made again in a scratch folder, and what comes out is compared.
//!
//! ```text
//! thing ──find──► run ──Plan──► runs in order ──World──► made again ──compare──► equal · differs at … · cannot: …
//!                                                   └── and again, when numbers were made ──noise──► equal within noise
//! ```

mod answer;
mod find;
pub(crate) mod format;
mod judge;
pub mod noise;

use std::collections::{BTreeMap, BTreeSet};

use keizu_record::body::{ArtifactKind, Status};
use keizu_record::{Digest, FilePath, Value};

use crate::contents::content_of;
use crate::rules::flatten::flatten;
use crate::thing::Thing;
use crate::workshop::{Job, Lacking, Output, Performed, Plan, Planned, Settings, Swaps, Told, Upstream, World};
use crate::{Error, Ledger};

pub use answer::{Differing, Reproduction, StepRow, Verdict};
pub use find::{Target, target};
pub use judge::{Judgement, JudgementRow};
pub use noise::Band;

/// A larger file is compared by its digest alone.
const COMPARED_BYTES_MAX: u64 = 1 << 30;
/// Files that are opened to say what differs.
const OPENED_MAX: usize = 16;
/// A larger document holds no metrics.
const METRICS_BYTES_MAX: u64 = 256 << 10;
/// Lines of a failed run that are told.
const TALK_LINES_MAX: usize = 5;

/// How it is to be tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request {
    /// Everything above the run too.
    pub deep: bool,
    /// How often, in all, when the first time something came out otherwise and there are numbers.
    pub repeats: usize,
}

/// Makes a thing again and judges; the judgement is recorded.
///
/// # Errors
/// When the record or a file can't be read or written, the thing is nothing that is made, or it was interrupted.
pub fn reproduce(
    ledger: &mut Ledger,
    thing: &Thing,
    called: &str,
    request: Request,
    settings: &mut Settings<'_>,
) -> Result<Reproduction, Error> {
    let target = target(&ledger.view(), thing)?;
    let mut attempt = Attempt::new(called, &target);
    match target.run {
        None => {
            let lacking = Lacking::new(called, "no recorded run made it");
            attempt.answer.missing.push(lacking.hint("make it once under `keizu run`"));
        }
        Some(run) => {
            let plan = Plan::of(ledger, run, if request.deep { Upstream::All } else { Upstream::Nothing })?;
            attempt.go(ledger, &plan, &target, request, settings)?;
        }
    }
    attempt.decide(&target);
    let Attempt { answer, environment, .. } = attempt;
    let mut answer = answer;
    answer.environment = environment.as_ref().map(|(digest, _)| *digest);
    let evidence = answer.as_json();
    ledger.judge(Judgement {
        subject: target.subject,
        judgement: "reproduction",
        verdict: answer.verdict.word(),
        detail: answer.sentence(),
        run: target.run,
        environment,
        evidence: &evidence,
    })?;
    ledger.cache().flush();
    Ok(answer)
}

struct Attempt {
    answer: Reproduction,
    environment: Option<(Digest, Vec<u8>)>,
}

impl Attempt {
    fn new(called: &str, target: &Target) -> Self {
        let answer = Reproduction {
            thing: called.to_owned(),
            run: target.run,
            verdict: Verdict::Cannot,
            steps: Vec::new(),
            differing: Vec::new(),
            missing: Vec::new(),
            noise: Vec::new(),
            repeats: 0,
            remarks: Vec::new(),
            environment: None,
            kept: None,
        };
        Self { answer, environment: None }
    }

    fn go(
        &mut self,
        ledger: &mut Ledger,
        plan: &Plan,
        target: &Target,
        request: Request,
        settings: &mut Settings<'_>,
    ) -> Result<(), Error> {
        let last = plan.last();
        if let Some(lacking) = unfinished(&last.job) {
            self.answer.missing.push(lacking);
            return Ok(());
        }
        let mut world = World::new(ledger, &last.job, settings, "again")?;
        let Some(all) = self.once(ledger, plan, &mut world, settings)? else { return Ok(()) };
        self.compare(ledger, plan, &all, &world)?;
        self.answer.repeats = 1;
        self.answer.kept = world.kept().map(std::path::Path::to_path_buf);
        self.unlike(target);
        if self.answer.differing.is_empty() || request.repeats < 2 {
            return Ok(());
        }
        let recorded = recorded_numbers(ledger, plan)?;
        if recorded.is_empty() {
            return Ok(());
        }
        let mut again = vec![numbers_of(plan, &world)?];
        let mut steady = true;
        drop(world);
        for n in 1..request.repeats {
            let mut world = World::new(ledger, &last.job, settings, &format!("again-{}", n + 1))?;
            let mut steps = Attempt::new("", target);
            let Some(more) = steps.once(ledger, plan, &mut world, settings)? else { return Ok(()) };
            steady &= more.iter().zip(&all).all(|(one, other)| one.outputs == other.outputs);
            again.push(numbers_of(plan, &world)?);
            self.answer.repeats += 1;
        }
        self.answer.noise = noise::bands(&recorded, &again).unwrap_or_default();
        if steady {
            let times = self.answer.repeats;
            self.answer.remarks.push(format!("made {times} times, it came out the same each time: what differs from then is not chance"));
        }
        Ok(())
    }

    /// All runs of the plan, once; none when one of them could not be made again, which is noted.
    fn once(
        &mut self,
        ledger: &mut Ledger,
        plan: &Plan,
        world: &mut World,
        settings: &mut Settings<'_>,
    ) -> Result<Option<Vec<Performed>>, Error> {
        let mut all = Vec::new();
        for (at, planned) in plan.runs.iter().enumerate() {
            let performed = match world.perform(ledger, planned, &Swaps::default(), settings)? {
                Ok(performed) => performed,
                Err(lacking) => {
                    self.answer.missing.extend(lacking);
                    return Ok(None);
                }
            };
            (settings.tell)(&Told::Done { done: at + 1, all: plan.runs.len() });
            self.answer
                .remarks
                .extend(performed.remarks.iter().filter(|remark| !self.answer.remarks.contains(remark)).cloned().collect::<Vec<_>>());
            if !performed.succeeded && planned.job.status == Some(Status::Finished) {
                self.answer.missing.push(failed(planned, &performed));
                return Ok(None);
            }
            all.push(performed);
        }
        self.environment = environment(world, &all)?;
        Ok(Some(all))
    }

    fn compare(&mut self, ledger: &mut Ledger, plan: &Plan, all: &[Performed], world: &World) -> Result<(), Error> {
        for (planned, performed) in plan.runs.iter().zip(all) {
            let outputs = left(planned);
            let mut equal = 0;
            for output in &outputs {
                let now = performed.outputs.get(&output.path).copied().flatten();
                if output.content.is_none() {
                    let remark = format!("the content of {} was not seen then: it was not compared", output.path);
                    self.answer.remarks.push(remark);
                } else if now == output.content {
                    equal += 1;
                } else {
                    let detail = if self.answer.differing.len() < OPENED_MAX { opened(ledger, output, now, world)? } else { Vec::new() };
                    self.answer.differing.push(Differing {
                        path: output.path.clone(),
                        run: planned.job.run,
                        then: output.content,
                        now,
                        detail,
                    });
                }
            }
            self.answer.steps.push(StepRow {
                run: planned.job.run,
                command: planned.job.command(),
                ended: performed.ended.clone(),
                took_ms: (millis(planned.job.took), millis(performed.took)),
                outputs: outputs.len(),
                equal,
            });
            let known: BTreeSet<&FilePath> = planned.job.outputs.iter().map(|output| &output.path).collect();
            let new = performed.seen.iter().flat_map(|seen| &seen.outputs).map(|output| &output.path).filter(|path| !known.contains(path));
            self.answer.remarks.extend(new.take(3).map(|path| format!("it made {path}, which it did not make then")));
        }
        Ok(())
    }

    /// When one file was asked for and came out equal, others that the last run left beside it are only worth a remark.
    fn unlike(&mut self, target: &Target) {
        let (Some(path), Some(run)) = (&target.path, target.run) else { return };
        let mine = |differing: &Differing| differing.run == run;
        let within = |differing: &Differing| differing.path == *path || is_below(&differing.path, path);
        if self.answer.differing.iter().any(|differing| mine(differing) && within(differing)) {
            return;
        }
        let others: Vec<String> = self.answer.differing.iter().map(|differing| differing.path.to_string()).take(3).collect();
        if !others.is_empty() {
            self.answer.remarks.push(format!("{path} itself is equal; {} came out otherwise", others.join(", ")));
            self.answer.differing.clear();
        }
    }

    fn decide(&mut self, target: &Target) {
        let answer = &mut self.answer;
        answer.verdict = if !answer.missing.is_empty() {
            Verdict::Cannot
        } else if answer.differing.is_empty() {
            Verdict::Equal
        } else if !answer.noise.is_empty() && answer.noise.iter().all(|band| band.within) {
            Verdict::WithinNoise
        } else {
            Verdict::Differs
        };
        // the file that was asked for names the place, when nothing above it parted earlier
        if let (Some(path), Some(run)) = (&target.path, target.run)
            && answer.differing.first().is_some_and(|first| first.run == run)
            && let Some(at) = answer.differing.iter().position(|differing| differing.path == *path)
        {
            answer.differing[..=at].rotate_right(1);
        }
    }
}

fn is_below(path: &FilePath, folder: &FilePath) -> bool {
    folder.as_bytes().ends_with(b"/") && path.as_bytes().starts_with(folder.as_bytes())
}

fn millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// A run that did not end well left nothing whole to compare with.
fn unfinished(job: &Job) -> Option<Lacking> {
    let name = format!("run:{}", job.run.short(6));
    match job.status {
        Some(Status::Finished) => None,
        Some(status) => Some(Lacking::new(name, format!("it {status} then: there is nothing whole to compare with"))),
        None => Some(Lacking::new(name, "it is still running, or how it ended is not recorded")),
    }
}

/// A run that failed this time, with the last that it said.
pub(crate) fn failed(planned: &Planned, performed: &Performed) -> Lacking {
    let said: Vec<&str> = performed.talk.lines().rev().filter(|line| !line.trim().is_empty()).take(TALK_LINES_MAX).collect();
    let said = said.into_iter().rev().collect::<Vec<_>>().join("\n");
    let why = format!("it {} this time", performed.ended);
    let lacking = Lacking::new(planned.job.command().join(" "), why);
    if said.is_empty() { lacking } else { lacking.hint(said) }
}

/// What a run left, of several writes of a file the last; in the order of writing.
fn left(planned: &Planned) -> Vec<&Output> {
    let mut last: BTreeMap<&FilePath, &Output> = BTreeMap::new();
    for output in &planned.job.outputs {
        last.insert(&output.path, output);
    }
    let mut outputs: Vec<&Output> = last.into_values().collect();
    outputs.sort_by(|a, b| (a.at, &a.path).cmp(&(b.at, &b.path)));
    outputs
}

/// What differs in a file, when both contents can be had.
fn opened(ledger: &mut Ledger, output: &Output, now: Option<Digest>, world: &World) -> Result<Vec<String>, Error> {
    if now.is_none() {
        return Ok(vec!["it was not made this time".to_owned()]);
    }
    let Some(content) = output.content else { return Ok(Vec::new()) };
    let file = world.path(&output.path);
    if output.size.is_some_and(|size| size > COMPARED_BYTES_MAX) || file.metadata()?.len() > COMPARED_BYTES_MAX {
        return Ok(vec!["it is too large to say what".to_owned()]);
    }
    let Some(then) = content_of(ledger, &output.path, &content, output.size)? else {
        return Ok(vec!["what it was then was not kept: only that it differs is known".to_owned()]);
    };
    Ok(format::difference(&output.path, &then, &fs_err::read(file)?))
}

/// The environment of the last run, from the scratch record.
fn environment(world: &World, all: &[Performed]) -> Result<Option<(Digest, Vec<u8>)>, Error> {
    let Some(digest) = all.last().and_then(|performed| performed.seen.as_ref()?.environment) else { return Ok(None) };
    let scratch = world.record()?;
    Ok(scratch.view().document(&digest)?.map(|bytes| (digest, bytes)))
}

/// Documents of numbers that a run left: evaluations, and others that look like one. A model's own numbers do not measure it.
fn measures(job: &Job) -> impl Iterator<Item = &Output> {
    let small = |output: &&Output| output.size.is_some_and(|size| size <= METRICS_BYTES_MAX);
    let fits = |output: &&Output| match output.kind {
        ArtifactKind::Evaluation => true,
        ArtifactKind::Model => false,
        _ => matches!(output.path.extension().as_str(), "json" | "yaml" | "yml"),
    };
    job.outputs.iter().filter(small).filter(fits)
}

/// The numbers of a document, by key.
pub(crate) fn numbers(path: &FilePath, bytes: &[u8]) -> BTreeMap<String, f64> {
    let leaves = flatten(path, bytes).map(|leaves| leaves.leaves).unwrap_or_default();
    let number = |(key, value): (String, Value)| match value {
        Value::Int(int) => Some((key, int as f64)),
        Value::Float(float) => Some((key, float)),
        _ => None,
    };
    leaves.into_iter().filter_map(number).filter(|(_, number)| number.is_finite()).collect()
}

fn named(path: &FilePath, numbers: BTreeMap<String, f64>) -> impl Iterator<Item = (String, f64)> + use<> {
    let path = path.to_string();
    numbers.into_iter().map(move |(key, number)| (format!("{path}: {key}"), number))
}

fn recorded_numbers(ledger: &mut Ledger, plan: &Plan) -> Result<BTreeMap<String, f64>, Error> {
    let mut all = BTreeMap::new();
    for output in plan.runs.iter().flat_map(|planned| measures(&planned.job)) {
        let Some(content) = output.content else { continue };
        if let Some(bytes) = content_of(ledger, &output.path, &content, output.size)? {
            all.extend(named(&output.path, numbers(&output.path, &bytes)));
        }
    }
    Ok(all)
}

fn numbers_of(plan: &Plan, world: &World) -> Result<BTreeMap<String, f64>, Error> {
    let mut all = BTreeMap::new();
    for output in plan.runs.iter().flat_map(|planned| measures(&planned.job)) {
        let file = world.path(&output.path);
        if file.metadata().is_ok_and(|metadata| metadata.len() <= METRICS_BYTES_MAX) {
            all.extend(named(&output.path, numbers(&output.path, &fs_err::read(file)?)));
        }
    }
    Ok(all)
}
