//! Runs the steps of a plan: side by side where they do not need each other, each only if it is still stale when its turn comes.

use std::collections::{BTreeSet, VecDeque};
use std::io::{BufRead as _, BufReader, Read};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::PathBuf;
use std::process::{Child, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use keizu_graph::stale::{Judgement, State};
use keizu_record::{FilePath, RunId};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use super::aside::{Aside, PutBack, Started};
use super::{Proposal, left};
use crate::present::Disk;
use crate::status::{Look, StatusRow};
use crate::step::Surroundings;
use crate::{Error, FOLDER, Ledger, settle};

/// Between two looks at the steps that run.
const LOOK: Duration = Duration::from_millis(15);
/// How long a run that ended may take to be sealed.
const SEAL_WAIT: Duration = Duration::from_secs(60);
/// How long a step may take to end after it was told to.
const END_WAIT: Duration = Duration::from_secs(10);
/// Lines of a failed step that are told again.
const TAIL_LINES: usize = 20;

/// How the steps are to be run.
#[derive(Debug, Clone)]
pub struct Orders {
    /// Keizu's own program.
    pub keizu: PathBuf,
    /// What a step finds around it.
    pub here: Surroundings,
    /// So many at once.
    pub jobs: usize,
    /// Compare installed packages as well.
    pub environment: bool,
    /// The signal by which all is to be stopped; 0 while none came. Counted in the upper half, so that a second one is seen.
    pub stop: Arc<AtomicUsize>,
}

/// What happens, as it happens. `step`: its place in the plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// It begins.
    Began {
        /// Which.
        step: usize,
    },
    /// It says something.
    Line {
        /// Which.
        step: usize,
        /// One line, as it came.
        text: String,
    },
    /// Its inputs came out as they were: it is not run.
    Unchanged {
        /// Which.
        step: usize,
    },
    /// It came to its end.
    Done {
        /// Which.
        step: usize,
        /// Milliseconds.
        took_ms: u64,
        /// Whether all that it made is what was there before.
        equal: bool,
        /// The run as which it was recorded; none when it was not.
        run: Option<String>,
    },
    /// It failed; what was there before was put back.
    Failed {
        /// Which.
        step: usize,
        /// `exit 1`, `signal 9`, or why it could not be started.
        how: String,
        /// The last that it said.
        tail: Vec<String>,
        /// Files that could not be put back.
        lost: Vec<String>,
    },
    /// A step that it needs failed.
    Blocked {
        /// Which.
        step: usize,
        /// The one that failed.
        by: usize,
    },
}

/// How it all ended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outcome {
    /// Steps that were run.
    pub ran: usize,
    /// Steps that did not need to be.
    pub unchanged: usize,
    /// Steps that failed.
    pub failed: usize,
    /// Steps that were not run because another had failed.
    pub blocked: usize,
    /// Things that are stale though their step was run again.
    pub still: Vec<StatusRow>,
    /// It was stopped.
    pub interrupted: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Waiting,
    Running,
    Ran,
    Unchanged,
    Failed,
    Blocked,
}

/// A step that is running.
struct Running {
    step: usize,
    child: Child,
    aside: Aside,
    process: Started,
    begun: Instant,
    tail: VecDeque<String>,
}

struct Crew<'a> {
    ledger: &'a Ledger,
    proposal: &'a Proposal,
    orders: &'a Orders,
    stages: Vec<Stage>,
    running: Vec<Running>,
    next_folder: usize,
    sender: mpsc::Sender<(usize, String)>,
    lines: mpsc::Receiver<(usize, String)>,
}

impl Ledger {
    /// Runs what was proposed. Holds the lock of the project's refreshes; `tell` hears what happens.
    ///
    /// # Errors
    /// When another refresh goes on, or the record or the project's files can't be read or written. A step that fails is no error.
    pub fn refresh(&self, proposal: &Proposal, orders: &Orders, tell: &mut dyn FnMut(Event)) -> Result<Outcome, Error> {
        let Some(_lock) = left::lock(self.home())? else {
            return Err(Error::Unfit("another refresh of this project goes on".to_owned()));
        };
        let (sender, lines) = mpsc::channel();
        let stages = vec![Stage::Waiting; proposal.steps.len()];
        let mut crew = Crew { ledger: self, proposal, orders, stages, running: Vec::new(), next_folder: 1, sender, lines };
        let done = crew.work(tell);
        // whatever went wrong, nothing half made stays
        while let Some(running) = crew.running.pop() {
            crew.end(running);
        }
        done
    }
}

impl Crew<'_> {
    fn work(&mut self, tell: &mut dyn FnMut(Event)) -> Result<Outcome, Error> {
        while self.stages.iter().any(|stage| matches!(stage, Stage::Waiting | Stage::Running)) {
            if self.orders.stop.load(Ordering::SeqCst) != 0 {
                self.stop();
                return Ok(Outcome { interrupted: true, ..self.outcome() });
            }
            self.block(tell);
            while self.running.len() < self.orders.jobs.max(1)
                && let Some(step) = self.ready()
            {
                self.begin(step, tell)?;
            }
            self.hear(tell);
            self.look(tell)?;
            if !self.running.is_empty() {
                std::thread::sleep(LOOK);
            }
        }
        Ok(Outcome { still: self.still()?, ..self.outcome() })
    }

    fn outcome(&self) -> Outcome {
        let count = |wanted: Stage| self.stages.iter().filter(|stage| **stage == wanted).count();
        Outcome {
            ran: count(Stage::Ran),
            unchanged: count(Stage::Unchanged),
            failed: count(Stage::Failed),
            blocked: count(Stage::Blocked),
            ..Outcome::default()
        }
    }

    /// A step whose turn it is.
    fn ready(&self) -> Option<usize> {
        let done = |at: &usize| matches!(self.stages[*at], Stage::Ran | Stage::Unchanged);
        (0..self.stages.len()).find(|at| self.stages[*at] == Stage::Waiting && self.proposal.steps[*at].after.iter().all(done))
    }

    /// What needs a failed step is not run.
    fn block(&mut self, tell: &mut dyn FnMut(Event)) {
        for step in 0..self.stages.len() {
            let failed = |at: &&usize| matches!(self.stages[**at], Stage::Failed | Stage::Blocked);
            if self.stages[step] == Stage::Waiting
                && let Some(by) = self.proposal.steps[step].after.iter().find(failed)
            {
                let by = *by;
                self.stages[step] = Stage::Blocked;
                tell(Event::Blocked { step, by });
            }
        }
    }

    fn begin(&mut self, step: usize, tell: &mut dyn FnMut(Event)) -> Result<(), Error> {
        let run = self.proposal.runs[step];
        let home = self.ledger.home();
        let look = Look::new(self.ledger)?;
        let mut silent = |_: &crate::AddProgress| {};
        let disk = Disk::new(home, self.ledger.config(), &mut silent);
        let options = look.options(self.orders.environment)?;
        if Judgement::alone(&look.world, run, &disk, &options).is_empty() {
            self.stages[step] = Stage::Unchanged;
            tell(Event::Unchanged { step });
            return Ok(());
        }
        let folder = left::folder(home).join(format!("{:06}", self.next_folder));
        self.next_folder += 1;
        let aside = Aside::new(&folder, home.root(), &look.world.written_by(run))?;
        tell(Event::Began { step });
        match self.start(step) {
            Ok((child, at)) => {
                let process = Started { pid: child.id(), at };
                let running = Running { step, child, aside, process, begun: Instant::now(), tail: VecDeque::new() };
                let noted = running.aside.started(process);
                self.running.push(running);
                self.stages[step] = Stage::Running;
                Ok(noted?)
            }
            Err(error) => {
                aside.keep()?;
                self.stages[step] = Stage::Failed;
                tell(Event::Failed { step, how: error.to_string(), tail: Vec::new(), lost: Vec::new() });
                Ok(())
            }
        }
    }

    fn start(&self, step: usize) -> std::io::Result<(Child, i64)> {
        let home = self.ledger.home();
        let root = home.root();
        let store = (home.folder() != root.join(FOLDER)).then(|| home.folder());
        let mut plain = self.proposal.plain[step].clone();
        // a refresh that is killed takes the step with it
        plain.options.insert(0, "--die-with-parent".into());
        let mut command = plain.command(&self.orders.keizu, root, store, &self.orders.here);
        // a group of its own: what is typed at the terminal reaches it through this process alone
        if plain.stdin.is_none() {
            command.stdin(Stdio::null());
        }
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let at = crate::ledger::now().micros();
        let mut child = command.spawn()?;
        self.listen(step, child.stdout.take());
        self.listen(step, child.stderr.take());
        Ok((child, at))
    }

    fn listen(&self, step: usize, stream: Option<impl Read + Send + 'static>) {
        let (Some(stream), sender) = (stream, self.sender.clone()) else { return };
        std::thread::spawn(move || {
            let mut stream = BufReader::new(stream);
            let mut line = Vec::new();
            // a progress bar ends its lines with a carriage return: its last state is what is told
            while stream.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
                let whole = line.strip_suffix(b"\n").unwrap_or(&line);
                let whole = whole.strip_suffix(b"\r").unwrap_or(whole);
                let last = whole.rsplit(|byte| *byte == b'\r').next().unwrap_or(whole);
                if sender.send((step, String::from_utf8_lossy(last).into_owned())).is_err() {
                    return;
                }
                line.clear();
            }
        });
    }

    fn hear(&mut self, tell: &mut dyn FnMut(Event)) {
        while let Ok((step, text)) = self.lines.try_recv() {
            if let Some(running) = self.running.iter_mut().find(|running| running.step == step) {
                if running.tail.len() == TAIL_LINES {
                    running.tail.pop_front();
                }
                running.tail.push_back(text.clone());
            }
            tell(Event::Line { step, text });
        }
    }

    /// Takes leave of steps that ended.
    fn look(&mut self, tell: &mut dyn FnMut(Event)) -> Result<(), Error> {
        let mut at = 0;
        while at < self.running.len() {
            match self.running[at].child.try_wait()? {
                None => at += 1,
                Some(status) => {
                    // what it said last may still be on its way
                    std::thread::sleep(LOOK);
                    self.hear(tell);
                    let running = self.running.swap_remove(at);
                    self.close(running, status, tell)?;
                }
            }
        }
        Ok(())
    }

    fn close(&mut self, running: Running, status: ExitStatus, tell: &mut dyn FnMut(Event)) -> Result<(), Error> {
        let Running { step, aside, process, begun, tail, .. } = running;
        let took_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        settle(self.ledger.home(), SEAL_WAIT, &mut |_| {});
        let run = self.ledger.run_of(process)?.map(|began| began.run);
        if status.success() {
            aside.keep()?;
            self.stages[step] = Stage::Ran;
            let equal = run.map(|run| Ok::<_, Error>(Look::new(self.ledger)?.world.came_out_equal(run))).transpose()?.unwrap_or(false);
            tell(Event::Done { step, took_ms, equal, run: run.map(|run| run.to_string()) });
            return Ok(());
        }
        let done = self.ledger.undo(aside, run)?;
        self.stages[step] = Stage::Failed;
        let how = match (status.code(), status.signal()) {
            (Some(code), _) => format!("exit {code}"),
            (None, Some(signal)) => format!("signal {signal}"),
            (None, None) => "it ended".to_owned(),
        };
        tell(Event::Failed { step, how, tail: tail.into(), lost: lost(done) });
        Ok(())
    }

    /// Ends all steps, as whoever stopped the refresh asked, and harder when they do not listen.
    fn stop(&mut self) {
        let word = self.orders.stop.load(Ordering::SeqCst);
        let signal = Signal::try_from((word & 0xff) as i32).unwrap_or(Signal::SIGINT);
        for running in &self.running {
            let _ = killpg(group(running), signal);
        }
        let until = Instant::now() + END_WAIT;
        let again = |orders: &Orders| orders.stop.load(Ordering::SeqCst) != word;
        while Instant::now() < until
            && !again(self.orders)
            && self.running.iter_mut().any(|running| matches!(running.child.try_wait(), Ok(None)))
        {
            std::thread::sleep(LOOK);
        }
        while let Some(running) = self.running.pop() {
            self.end(running);
        }
    }

    /// Ends a step for good, and puts back what was there before it; what can't be put back now stays set aside for the next time.
    fn end(&self, mut running: Running) {
        let ended = matches!(running.child.try_wait(), Ok(Some(status)) if status.success());
        let _ = killpg(group(&running), Signal::SIGKILL);
        let _ = running.child.wait();
        if ended {
            let _ = running.aside.keep();
            return;
        }
        settle(self.ledger.home(), SEAL_WAIT, &mut |_| {});
        let run = self.ledger.run_of(running.process).ok().flatten().map(|began| began.run);
        let _ = self.ledger.undo(running.aside, run);
    }

    /// Things that are stale though the step that makes them was run.
    fn still(&self) -> Result<Vec<StatusRow>, Error> {
        let look = Look::new(self.ledger)?;
        let judged = look.judge(&look.options(self.orders.environment)?, &mut |_| {})?;
        let ran = (0..self.stages.len()).filter(|at| self.stages[*at] == Stage::Ran).map(|at| self.proposal.runs[at]);
        let ran: BTreeSet<RunId> = ran.filter_map(|run| look.world.newest_of_command(run)).collect();
        let products = &judged.judgement.products;
        let stale = (0..products.len()).filter(|at| {
            let product = &products[*at];
            ran.contains(&product.run) && product.current && product.verdict.state == State::Stale && product.verdict.via.is_none()
        });
        Ok(stale.map(|at| judged.row(at)).collect())
    }
}

fn group(running: &Running) -> Pid {
    Pid::from_raw(i32::try_from(running.child.id()).unwrap_or(i32::MAX))
}

fn lost(done: PutBack) -> Vec<String> {
    let failed = done.failed.into_iter().map(|(path, why)| format!("{path}: {why}"));
    done.overwritten.iter().map(FilePath::to_string).chain(failed).collect()
}
