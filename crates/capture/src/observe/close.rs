//! The end: the account, as it stands when it is asked for.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use keizu_record::Time;

use crate::account::{Account, Blind, Ending, Environment, File, Git, Process};
use crate::host::Memory;

use super::{Circumstances, Observer, elf};

/// Files named one by one among the blind spots; the rest is a number.
const NAMED_MAX: usize = 20;
/// A program that was started this recently may yet say that it began.
const BEGINNING: Duration = Duration::from_millis(500);

impl Observer {
    /// The account of all that was taken so far. May be asked again after more events.
    pub fn finish(&mut self, ending: Ending, ended: Option<Time>, memory: &mut dyn Memory) -> Account {
        self.passing.clear();
        self.find_bare();
        self.find_renamed();
        self.listings.look(&self.names);
        let files = self.files(memory);
        let mut processes = self.programs.heard(&self.start);
        self.silent(&mut processes);
        self.end_root(&mut processes, ending, ended);
        processes.sort_by_key(|process| (process.began, process.pid));
        if ending != Ending::Running {
            self.survivors();
            self.cut_short();
        }
        let pythons = crate::python::look(&processes, &files, &self.start.variables);
        let environment = |path: &Path| pythons.iter().any(|p| path.starts_with(&p.prefix) || p.roots.iter().any(|r| path.starts_with(r)));
        let project = self.start.root.clone();
        let listings = self.listings.account(&self.start, &mut self.names, &self.objects, |path| {
            // an environment may hold the project, and the project an environment
            let holder = pythons.iter().any(|p| project.starts_with(&p.prefix));
            if holder { pythons.iter().any(|p| p.roots.iter().any(|r| path.starts_with(r))) } else { environment(path) }
        });
        let absent = self.absent_paths();
        let (git, machine) = self.circumstances();
        let blind = self.blind_spots(&files);
        Account {
            run: self.start.run,
            parent: self.start.parent,
            root: self.start.root.clone(),
            command: self.start.command.clone(),
            cwd: self.start.cwd.clone(),
            began: self.start.began,
            ended,
            ending,
            processes,
            files,
            listings,
            absent,
            git,
            environment: Environment { machine, variables: self.start.variables.clone(), pythons },
            blind,
            children: self.children.iter().copied().collect(),
            seen: self.seen,
            lost: self.lost,
        }
    }

    /// The root process ended as the watcher saw, whatever it said itself.
    fn end_root(&self, processes: &mut [Process], ending: Ending, ended: Option<Time>) {
        let last = processes.iter_mut().filter(|p| p.pid == self.start.pid).max_by_key(|p| p.began);
        if let Some(root) = last
            && ending != Ending::Running
        {
            root.ended = root.ended.or(ended);
            if let Ending::Exited(code) = ending {
                root.exit_code = Some(code);
            }
        }
    }

    fn absent_paths(&self) -> Vec<PathBuf> {
        let mut out: Vec<PathBuf> = self.absent.iter().map(|node| self.path(*node)).collect();
        out.sort();
        out
    }

    fn circumstances(&mut self) -> (Option<Git>, BTreeMap<String, String>) {
        let now = std::mem::replace(&mut self.circumstances, Circumstances::Known(None, BTreeMap::new()));
        let (git, machine) = match now {
            Circumstances::Looking(handle) => handle.join().unwrap_or_default(),
            Circumstances::Known(git, machine) => (git, machine),
        };
        self.circumstances = Circumstances::Known(git.clone(), machine.clone());
        (git, machine)
    }

    /// Libraries that were asked for by a bare name: most have come by their path as well; others stand beside those that have.
    fn find_bare(&mut self) {
        if self.bare.is_empty() {
            return;
        }
        let executed: Vec<PathBuf> = self
            .objects
            .ids()
            .filter(|id| self.objects[*id].executed)
            .filter_map(|id| self.objects[id].names.first().map(|node| self.names.path(*node)))
            .collect();
        let mut folders: Vec<&Path> = executed.iter().filter_map(|path| path.parent()).collect();
        folders.sort();
        folders.dedup();
        for name in std::mem::take(&mut self.bare) {
            let name = std::ffi::OsString::from_vec(name);
            if executed.iter().any(|path| path.file_name() == Some(&name)) {
                continue;
            }
            if let Some(path) = folders.iter().map(|folder| folder.join(&name)).find(|path| path.is_file()) {
                let at = self.started();
                self.executed(self.start.pid, at, &path, None);
            }
        }
    }

    /// Programs of which nothing was heard: the alarm.
    fn silent(&mut self, processes: &mut Vec<Process>) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = i64::try_from(now.as_micros()).unwrap_or(i64::MAX);
        for silent in self.programs.silent(&self.start) {
            let young = now.saturating_sub(silent.process.began.micros()) < BEGINNING.as_micros() as i64;
            if young && alive(silent.process.pid, None) {
                continue;
            }
            self.unwatched(&silent.process.exe);
            processes.push(silent.process);
        }
        if !self.programs.root_spoke()
            && let Some(name) = self.start.command.first()
        {
            let exe = self.program(self.start.pid, Path::new(std::ffi::OsStr::from_bytes(name)));
            if !exe.is_file() {
                return; // nothing was started
            }
            self.unwatched(&exe);
            processes.push(Process {
                pid: self.start.pid,
                ppid: 0,
                argv: self.start.command.clone(),
                exe,
                began: self.start.began,
                ended: None,
                exit_code: None,
                watched: false,
            });
        }
    }

    fn unwatched(&mut self, exe: &Path) {
        let reason = elf::why(exe);
        self.passing.push((reason.kind, format!("{} could not be watched: {}", exe.display(), reason.text)));
    }

    /// Libraries that other libraries bring in are listed when a program ends. One that was killed never came there.
    fn cut_short(&mut self) {
        let root = self.start.pid;
        let gone: Vec<PathBuf> = self
            .programs
            .unended_programs()
            .filter(|(pid, exe)| *pid != root && !alive(*pid, Some(exe)))
            .map(|(_, exe)| exe.to_path_buf())
            .collect();
        for exe in gone {
            self.passing.push(("library", format!("{} was killed: libraries that came late may not have been seen", exe.display())));
        }
    }

    fn survivors(&mut self) {
        let root = self.start.pid;
        let alive: Vec<_> = self.programs.unended().filter(|(pid, exe)| *pid != root && alive(*pid, Some(exe))).collect();
        for (pid, exe) in alive {
            self.passing.push(("survivor", format!("{} ({pid}) outlived the command", exe.display())));
        }
    }

    fn blind_spots(&self, files: &[File]) -> Vec<Blind> {
        let mut counts = self.blind.clone();
        for (kind, detail) in &self.passing {
            *counts.entry(Blind { kind: (*kind).into(), detail: detail.clone() }).or_default() += 1;
        }
        let failures = self.reader.failures.iter().map(|(path, why)| ("content", format!("{} could not be kept: {why}", path.display())));
        let unseen = files.iter().flat_map(|file| {
            let path = file.path.display();
            let read = file.read.as_ref();
            let missed = read.filter(|r| r.content.is_none()).map(|r| {
                let why = r.unseen.as_deref().unwrap_or("its content was not seen");
                ("content", format!("{path}, as it was read: {why}"))
            });
            let changed = read.and_then(|r| r.changed.as_ref()).map(|why| ("changed", format!("{path}: {why}")));
            let lost = file
                .write
                .as_ref()
                .filter(|w| !w.removed)
                .and_then(|w| w.unseen.as_ref())
                .map(|why| ("content", format!("{path}, as it was written: {why}")));
            [missed, changed, lost].into_iter().flatten()
        });
        let mut named: BTreeMap<&str, usize> = BTreeMap::new();
        for (kind, detail) in failures.chain(unseen) {
            let count = named.entry(kind).or_default();
            *count += 1;
            if *count <= NAMED_MAX {
                *counts.entry(Blind { kind: kind.into(), detail }).or_default() += 1;
            }
        }
        let mut out: Vec<Blind> = counts.into_iter().map(|(blind, count)| times(blind, count)).collect();
        for (kind, count) in named.into_iter().filter(|(_, count)| *count > NAMED_MAX) {
            out.push(Blind { kind: kind.into(), detail: format!("and {} more files", count - NAMED_MAX) });
        }
        if self.lost > 0 {
            out.push(Blind { kind: "dropped".into(), detail: format!("{} events were lost", self.lost) });
        }
        out.sort();
        out
    }
}

fn times(mut blind: Blind, count: u64) -> Blind {
    if count > 1 {
        blind.detail.push_str(&format!(" ({count} times)"));
    }
    blind
}

/// Whether a process is there and runs the program that it was last seen to run.
fn alive(pid: u32, exe: Option<&Path>) -> bool {
    match fs::read_link(format!("/proc/{pid}/exe")) {
        Ok(now) => exe.is_none_or(|exe| now == exe),
        Err(_) => false,
    }
}
