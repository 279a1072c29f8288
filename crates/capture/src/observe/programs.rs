//! Processes: which programs ran, under whom, where they stood, and which of them never said a word.

use std::collections::HashMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::account::Process;
use crate::host::Start;

use super::elf;

/// A child that began within this time of its parent's `posix_spawn` is the one that was spawned, and not an older bearer of its number.
const SPAWN_NANOS: u64 = 5_000_000_000;

/// A program that was exec'ed and has not begun yet.
#[derive(Debug, Clone)]
struct Pending {
    path: PathBuf,
    argv: Vec<Vec<u8>>,
    parent: u32,
    at: u64,
}

/// One program of one process, in the time of the events.
#[derive(Debug, Clone)]
struct Entry {
    pid: u32,
    ppid: u32,
    argv: Vec<Vec<u8>>,
    exe: PathBuf,
    began: u64,
    ended: Option<u64>,
    exit_code: Option<i32>,
    /// A fork that has not become another program.
    fork: bool,
}

/// A program that ran out of sight.
#[derive(Debug, Clone, PartialEq)]
pub struct Silent {
    /// The process.
    pub process: Process,
    /// When it was exec'ed, monotonic.
    pub at: u64,
}

/// What is known of the processes of a run.
#[derive(Debug, Default)]
pub struct Programs {
    entries: Vec<Entry>,
    /// The last entry of each process.
    current: HashMap<u32, usize>,
    cwd: HashMap<u32, PathBuf>,
    pending: HashMap<u32, Pending>,
    /// Programs that were replaced or ended without a word.
    silent: Vec<(u32, Pending)>,
    /// Children that `fork` returned, with parent and time.
    forked: Vec<(u32, u32, u64)>,
    start: PathBuf,
    root: u32,
}

impl Programs {
    pub fn new(start: &Start) -> Self {
        Self { start: start.cwd.clone(), root: start.pid, ..Self::default() }
    }

    /// Where a process stands.
    pub fn cwd(&self, pid: u32) -> &Path {
        self.cwd.get(&pid).unwrap_or(&self.start)
    }

    pub fn chdir(&mut self, pid: u32, path: PathBuf) {
        self.cwd.insert(pid, path);
    }

    /// The program that a process runs.
    pub fn exe(&self, pid: u32) -> Option<&Path> {
        self.current.get(&pid).map(|at| self.entries[*at].exe.as_path())
    }

    /// A program began. Gives the path that was exec'ed, when that was another one than the program's own: a script.
    pub fn begin(&mut self, pid: u32, at: u64, said: (u32, PathBuf, PathBuf, Vec<Vec<u8>>)) -> Option<PathBuf> {
        let (ppid, cwd, exe, mut argv) = said;
        let mut script = None;
        if let Some(pending) = self.pending.remove(&pid) {
            let passage = passage(&pending.path, &exe);
            if passage == Passage::Another {
                self.silent.push((pid, pending));
            } else {
                if argv.is_empty() {
                    argv = pending.argv;
                }
                script = Some(pending.path).filter(|_| passage == Passage::Script);
            }
        }
        self.cwd.insert(pid, cwd);
        self.enter(Entry { pid, ppid, argv, exe, began: at, ended: None, exit_code: None, fork: false });
        script
    }

    /// A new program of a process takes the place of the fork it came from, and ends the program that ran before it.
    fn enter(&mut self, entry: Entry) {
        if let Some(&at) = self.current.get(&entry.pid) {
            let last = &mut self.entries[at];
            if last.fork && last.ended.is_none() {
                *last = entry;
                return;
            }
            last.ended.get_or_insert(entry.began);
        }
        self.current.insert(entry.pid, self.entries.len());
        self.entries.push(entry);
    }

    /// A forked child said its first word.
    pub fn fork_begin(&mut self, pid: u32, at: u64, parent: u32, cwd: PathBuf) {
        self.cwd.insert(pid, cwd);
        let (exe, argv) = match self.current.get(&parent) {
            Some(&index) => (self.entries[index].exe.clone(), self.entries[index].argv.clone()),
            None => Default::default(),
        };
        self.enter(Entry { pid, ppid: parent, argv, exe, began: at, ended: None, exit_code: None, fork: true });
    }

    /// `fork` returned in the parent.
    pub fn forked(&mut self, parent: u32, at: u64, child: u32) {
        self.forked.push((child, parent, at));
    }

    /// A process is about to run another program.
    pub fn exec(&mut self, pid: u32, at: u64, path: PathBuf, argv: Vec<Vec<u8>>) {
        let parent = self.current.get(&pid).map_or(0, |index| self.entries[*index].ppid);
        self.expect(pid, Pending { path, argv, parent, at });
    }

    fn expect(&mut self, pid: u32, pending: Pending) {
        // an exec by a process whose last exec never began: that one ran out of sight, or the process number is used again
        if let Some(before) = self.pending.insert(pid, pending) {
            self.silent.push((pid, before));
        }
    }

    pub fn exec_failed(&mut self, pid: u32) {
        self.pending.remove(&pid);
    }

    /// `posix_spawn` returned a child; it may have begun already.
    pub fn spawn(&mut self, parent: u32, at: u64, child: u32, path: PathBuf, argv: Vec<Vec<u8>>) {
        if let Some(&index) = self.current.get(&child) {
            let entry = &mut self.entries[index];
            if entry.ppid == parent && !entry.fork && entry.began.abs_diff(at) < SPAWN_NANOS {
                if entry.argv.is_empty() {
                    entry.argv = argv;
                }
                return;
            }
        }
        self.expect(child, Pending { path, argv, parent, at });
    }

    /// A process is about to exit.
    pub fn exit(&mut self, pid: u32, at: u64, code: i32) {
        if let Some(&index) = self.current.get(&pid) {
            let entry = &mut self.entries[index];
            entry.ended = Some(at);
            entry.exit_code = Some(code);
        }
    }

    /// Whether anything was heard of the root process.
    pub fn root_spoke(&self) -> bool {
        self.current.contains_key(&self.root)
            || self.pending.contains_key(&self.root)
            || self.silent.iter().any(|(pid, _)| *pid == self.root)
    }

    /// Programs that were started and never began.
    pub fn silent(&self, start: &Start) -> Vec<Silent> {
        let all = self.silent.iter().map(|(pid, p)| (*pid, p)).chain(self.pending.iter().map(|(pid, p)| (*pid, p)));
        let mut out: Vec<Silent> = all
            .map(|(pid, pending)| Silent {
                at: pending.at,
                process: Process {
                    pid,
                    ppid: pending.parent,
                    argv: pending.argv.clone(),
                    exe: pending.path.clone(),
                    began: start.time(pending.at),
                    ended: None,
                    exit_code: None,
                    watched: false,
                },
            })
            .collect();
        out.sort_by_key(|silent| (silent.at, silent.process.pid));
        out
    }

    /// Every process that was heard of, in no order.
    pub fn heard(&self, start: &Start) -> Vec<Process> {
        let superseded = |entry: &Entry| {
            // a fork whose exec'ed program ran out of sight is that program
            entry.fork && self.pending.get(&entry.pid).is_some_and(|p| p.at >= entry.began)
        };
        let mut out: Vec<Process> = self.entries.iter().filter(|e| !superseded(e)).map(|e| process(e, start)).collect();
        for process in out.iter_mut().filter(|p| p.ended.is_none()) {
            process.ended = self.pending.get(&process.pid).map(|p| start.time(p.at)).filter(|at| *at >= process.began);
        }
        for (child, parent, at) in &self.forked {
            if self.current.contains_key(child) || self.pending.contains_key(child) || self.silent.iter().any(|(pid, _)| pid == child) {
                continue;
            }
            let (exe, argv) = match self.current.get(parent) {
                Some(&index) => (self.entries[index].exe.clone(), self.entries[index].argv.clone()),
                None => Default::default(),
            };
            let entry = Entry { pid: *child, ppid: *parent, argv, exe, began: *at, ended: None, exit_code: None, fork: true };
            out.push(process(&entry, start));
        }
        out
    }

    /// The same, without forks that only go on with their parent's program.
    pub fn unended_programs(&self) -> impl Iterator<Item = (u32, &Path)> + '_ {
        self.unended().filter(|(pid, _)| self.current.get(pid).is_some_and(|at| !self.entries[*at].fork))
    }

    /// Processes that have not ended, as far as they said, with their programs.
    pub fn unended(&self) -> impl Iterator<Item = (u32, &Path)> + '_ {
        self.current
            .iter()
            .map(|(pid, at)| (*pid, &self.entries[*at]))
            .filter(|(_, e)| e.ended.is_none())
            .map(|(pid, e)| (pid, e.exe.as_path()))
    }
}

/// How an exec'ed path led to the program that began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Passage {
    /// It is that program.
    Same,
    /// It is a script, and the program its interpreter.
    Script,
    /// It is a program that stayed silent and started this one in its turn.
    Another,
}

fn passage(path: &Path, exe: &Path) -> Passage {
    if path == exe || path.canonicalize().is_ok_and(|real| real == exe) {
        return Passage::Same;
    }
    let mut head = Vec::new();
    match std::fs::File::open(path).and_then(|file| file.take(256).read_to_end(&mut head)) {
        // an execvp runs a script without a first line in a shell
        Ok(_) if elf::shebang(&head).is_some() || !head.starts_with(b"\x7fELF") => Passage::Script,
        Ok(_) if elf::why(path).kind != "program" => Passage::Another,
        _ => Passage::Same,
    }
}

fn process(entry: &Entry, start: &Start) -> Process {
    Process {
        pid: entry.pid,
        ppid: entry.ppid,
        argv: entry.argv.clone(),
        exe: entry.exe.clone(),
        began: start.time(entry.began),
        ended: entry.ended.map(|at| start.time(at)),
        exit_code: entry.exit_code,
        watched: true,
    }
}
