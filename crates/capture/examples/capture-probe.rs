//! Runs a command under watch and writes the account as JSON: the smallest caller that the watcher can have. The tests use it.
//!
//! ```text
//! capture-probe run [--out FILE] [--root DIR] [--runs DIR] [--arena BYTES] [--wait MS] [--slow MS] [--quiet] -- COMMAND…
//! capture-probe scan DIR | wait DIR MS | recover DIR OUT
//! ```

#![allow(clippy::print_stdout, clippy::print_stderr, missing_docs)]

use std::collections::HashMap;
use std::ffi::OsString;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use keizu_capture::account::{Account, File};
use keizu_capture::event::Stat;
use keizu_capture::host::{Host, Memory, Plan, Start};
use keizu_capture::{barrier, launch};
use keizu_record::{Digest, RunId};
use serde_json::{Value, json};

struct Probe {
    out: Option<PathBuf>,
    slow: Duration,
    quiet: bool,
    known: HashMap<Stat, Digest>,
    began: u32,
    sealed: u32,
    corrected: u32,
}

impl Probe {
    fn new(out: Option<PathBuf>, slow: Duration, quiet: bool) -> Self {
        Self { out, slow, quiet, known: HashMap::new(), began: 0, sealed: 0, corrected: 0 }
    }

    fn write(&self, account: &Account) -> Result<(), String> {
        let Some(out) = &self.out else { return Ok(()) };
        let mut value = told(account);
        value["began"] = json!(self.began);
        value["sealed"] = json!(self.sealed);
        value["corrected"] = json!(self.corrected);
        let fresh = out.with_extension("new");
        std::fs::write(&fresh, value.to_string()).and_then(|()| std::fs::rename(&fresh, out)).map_err(|error| error.to_string())
    }
}

impl Memory for Probe {
    fn known(&mut self, stat: &Stat) -> Option<Digest> {
        self.known.get(stat).copied()
    }

    fn learn(&mut self, stat: &Stat, digest: Digest) {
        self.known.insert(*stat, digest);
    }

    fn wants(&self, _: &Path, _: u64) -> bool {
        false
    }

    fn keep(&mut self, _: Digest, _: &mut dyn Read) -> std::io::Result<()> {
        Ok(())
    }
}

impl Host for Probe {
    fn began(&mut self, _: &Start) {
        self.began += 1;
    }

    fn seal(&mut self, account: &Account) -> Result<String, String> {
        std::thread::sleep(self.slow);
        self.sealed += 1;
        self.write(account)?;
        Ok(if self.quiet { String::new() } else { format!("probe: {} files\n", account.files.len()) })
    }

    fn correct(&mut self, account: &Account) {
        self.corrected += 1;
        let _ = self.write(account);
    }
}

fn told(account: &Account) -> Value {
    let file = |file: &File| {
        json!({
            "path": file.path.to_string_lossy(),
            "read": file.read.is_some(),
            "read_digest": file.read.as_ref().and_then(|r| r.content).map(|c| c.digest.to_string()),
            "written": file.write.is_some(),
            "created": file.write.as_ref().is_some_and(|w| w.created),
            "removed": file.write.as_ref().is_some_and(|w| w.removed),
            "digest": file.write.as_ref().and_then(|w| w.content).map(|c| c.digest.to_string()),
            "executed": file.executed,
        })
    };
    let text = |bytes: &Vec<u8>| String::from_utf8_lossy(bytes).into_owned();
    json!({
        "run": account.run.to_string(),
        "parent": account.parent.map(|run| run.to_string()),
        "ending": format!("{:?}", account.ending),
        "files": account.files.iter().map(file).collect::<Vec<_>>(),
        "listings": account.listings.iter().map(|l| l.path.to_string_lossy()).collect::<Vec<_>>(),
        "absent": account.absent,
        "processes": account.processes.iter().map(|p| json!({
            "pid": p.pid, "ppid": p.ppid, "exe": p.exe, "argv": p.argv.iter().map(text).collect::<Vec<_>>(),
            "exit_code": p.exit_code, "watched": p.watched,
        })).collect::<Vec<_>>(),
        "blind": account.blind.iter().map(|b| json!({"kind": b.kind, "detail": b.detail})).collect::<Vec<_>>(),
        "children": account.children.iter().map(RunId::to_string).collect::<Vec<_>>(),
        "seen": account.seen,
        "lost": account.lost,
    })
}

fn main() {
    let mut args = std::env::args_os().skip(1);
    let verb = args.next().unwrap_or_default();
    let rest: Vec<OsString> = args.collect();
    let code = match verb.to_str() {
        Some("run") => run(rest),
        Some("scan") => scan(&rest),
        Some("wait") => wait(&rest),
        Some("recover") => recover(&rest),
        _ => 2,
    };
    std::process::exit(code);
}

fn run(rest: Vec<OsString>) -> i32 {
    let mut words = rest.into_iter();
    let cwd = std::env::current_dir().expect("a folder");
    let (mut out, mut root, mut runs, mut arena, mut wait, mut slow, mut quiet) = (None, cwd.clone(), None, None, None, 0, false);
    while let Some(word) = words.next() {
        let mut number = || words.next().and_then(|w| w.to_str().and_then(|w| w.parse::<u64>().ok()));
        match word.to_str() {
            Some("--arena") => arena = number(),
            Some("--wait") => wait = number().map(Duration::from_millis),
            Some("--slow") => slow = number().unwrap_or(0),
            Some("--quiet") => quiet = true,
            Some("--out") => out = words.next().map(|path| cwd.join(path)),
            Some("--root") => root = words.next().map(PathBuf::from).unwrap_or_default(),
            Some("--runs") => runs = words.next().map(PathBuf::from),
            _ => break,
        }
    }
    let mut id = [0; 16];
    std::fs::File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut id)).expect("random bytes");
    let root = root.canonicalize().expect("the root exists");
    let plan = Plan {
        run: RunId::new(id),
        runs: runs.unwrap_or_else(|| root.join(".keizu/run")),
        root,
        command: words.collect(),
        wait,
        arena_bytes: arena,
        host_data: Value::Null,
    };
    let host = move || Box::new(Probe::new(out, Duration::from_millis(slow), quiet)) as Box<dyn Host>;
    match launch::launch(plan, Box::new(host), |word| eprintln!("probe: {word}")) {
        Ok(never) => match never {},
        Err(error) => {
            eprintln!("probe: {error}");
            error.code()
        }
    }
}

fn scan(rest: &[OsString]) -> i32 {
    for found in barrier::scan(Path::new(&rest[0])) {
        println!("{} {:?}", found.run, found.state);
    }
    0
}

/// Waits for every run in the folder; 1 when one is not put away.
fn wait(rest: &[OsString]) -> i32 {
    let bound = Duration::from_millis(rest[1].to_str().and_then(|w| w.parse().ok()).unwrap_or(0));
    let mut code = 0;
    for found in barrier::scan(Path::new(&rest[0])) {
        if let Some(state) = barrier::wait(&found, bound) {
            println!("{} {state:?}", found.run);
            code = 1;
        }
    }
    code
}

fn recover(rest: &[OsString]) -> i32 {
    let mut code = 0;
    for found in barrier::scan(Path::new(&rest[0])).iter().filter(|found| found.state == barrier::State::Orphaned) {
        let mut probe = Probe::new(Some(PathBuf::from(&rest[1])), Duration::ZERO, false);
        match barrier::recover(found, &mut probe) {
            Ok(summary) => print!("{summary}"),
            Err(error) => {
                eprintln!("probe: {error}");
                code = 3;
            }
        }
    }
    code
}
