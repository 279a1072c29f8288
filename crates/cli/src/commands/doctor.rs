//! `keizu doctor`: what can be observed here, and why not.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use keizu_ledger::{Home, Ledger};
use nix::sys::statvfs::{FsFlags, statvfs};
use nix::sys::utsname::uname;
use serde_json::json;

use crate::door::{Door, from_here};
use crate::out;
use crate::problem::{Exit, Problem};
use crate::render::doctor::{Check, Outcome, page};

/// Tell what can be observed here, and why not
///
/// Looks at the system, the record's folder and the tools, and really runs a tiny command under observation.
/// The exit status is 1 when runs can't be observed and recorded here.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  keizu doctor
  keizu doctor --json")]
pub struct Args {
    /// Print JSON, for scripts.
    #[arg(long)]
    json: bool,
}

/// The kernel from which on a process can be waited for without being its parent.
const PIDFD_KERNEL: (u32, u32) = (5, 3);
/// The kernel from which on an exit code can be read after the process was reaped.
const EXIT_CODE_KERNEL: (u32, u32) = (6, 15);
/// Room that a run needs for its events.
const ARENA_BYTES: u64 = 128 << 20;
/// How long the tiny command may take until its run is in the record.
const TRIAL_WAIT: Duration = Duration::from_secs(20);

pub fn go(args: &Args, door: &Door) -> Result<Exit, Problem> {
    let home = door.proposed()?;
    let mut checks = vec![system(), kernel(), record(&home, door), run_folder(&home)];
    if checks[0].outcome == Outcome::Ok {
        checks.push(watching());
    }
    checks.extend([preload(), git(), python()]);
    let fine = checks.iter().all(|check| check.outcome != Outcome::No);
    if args.json {
        out::json(&json!({"observes": fine, "checks": checks}))?;
    } else {
        let look = door.look();
        out::page(&page(&checks, &look), &look)?;
    }
    Ok(if fine { Exit::Fine } else { Exit::No })
}

fn ok(name: &'static str, detail: impl Into<String>) -> Check {
    Check { name, outcome: Outcome::Ok, detail: detail.into(), hint: None }
}

fn limited(name: &'static str, detail: impl Into<String>, hint: impl Into<String>) -> Check {
    Check { name, outcome: Outcome::Limited, detail: detail.into(), hint: Some(hint.into()) }
}

fn no(name: &'static str, detail: impl Into<String>, hint: impl Into<String>) -> Check {
    Check { name, outcome: Outcome::No, detail: detail.into(), hint: Some(hint.into()) }
}

fn system() -> Check {
    let target = format!("{} {}", std::env::consts::OS, std::env::consts::ARCH);
    if cfg!(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))) {
        ok("system", target)
    } else {
        no("system", format!("{target}: runs are observed on Linux x86_64 and aarch64 only"), "everything but `keizu run` works here")
    }
}

fn kernel() -> Check {
    let Ok(found) = uname() else { return limited("kernel", "its release can't be read", "whether runs can be observed is not known") };
    let release = found.release().to_string_lossy().into_owned();
    match version(&release) {
        Some(number) if number < PIDFD_KERNEL => {
            no("kernel", format!("{release}: the end of a run can't be waited for"), "Linux 5.3 or newer is needed")
        }
        Some(number) if number < EXIT_CODE_KERNEL => {
            ok("kernel", format!("{release}; the exit code of a run that is killed while nobody looks may stay unknown"))
        }
        _ => ok("kernel", release),
    }
}

fn version(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

/// The folder itself, or the nearest above it that exists.
fn existing(folder: &Path) -> PathBuf {
    folder.ancestors().find(|folder| folder.is_dir()).map_or_else(|| PathBuf::from("/"), Path::to_path_buf)
}

fn record(home: &Home, door: &Door) -> Check {
    let shown = from_here(home.folder(), &door.cwd);
    if home.exists()
        && let Err(error) = Ledger::open(home)
    {
        let problem = Problem::from(error);
        let hint = problem.notes().first().cloned().unwrap_or_else(|| "runs go on, unrecorded".to_owned());
        return no("record", problem.message(), hint);
    }
    let folder = existing(home.folder());
    if let Err(error) = tempfile::tempfile_in(&folder) {
        return no(
            "record",
            format!("{} can't be written: {error}", folder.display()),
            "runs go on, unrecorded; KEIZU_STORE can put the record elsewhere",
        );
    }
    if home.exists() { ok("record", shown) } else { ok("record", format!("none yet; the first run makes {shown}/")) }
}

fn run_folder(home: &Home) -> Check {
    let folder = existing(&home.runs());
    let Ok(stat) = statvfs(&folder) else {
        return limited(
            "run folder",
            format!("{} can't be looked at", folder.display()),
            "another folder is used where this one does not do",
        );
    };
    if stat.flags().contains(FsFlags::ST_NOEXEC) {
        let detail = format!("{} does not allow programs (noexec)", folder.display());
        return limited("run folder", detail, "runs are watched from the temporary folder instead");
    }
    let free = stat.blocks_available().saturating_mul(stat.fragment_size());
    if free < ARENA_BYTES {
        let detail = format!("{} has {} MB left; a run takes up to {} MB while it lasts", folder.display(), free >> 20, ARENA_BYTES >> 20);
        return limited("run folder", detail, "runs are watched from another folder, or with less room");
    }
    ok("run folder", "room for events, and programs are allowed")
}

/// A tiny command, really run: what it read must be in the record.
fn watching() -> Check {
    match trial() {
        Ok(true) => ok("observing", "a file that a command read was seen"),
        Ok(false) => no("observing", "a command ran, but what it read was not seen", "`keizu show` of such a run says what was not seen"),
        Err(why) => no("observing", why, "commands run as they would without Keizu, unrecorded"),
    }
}

fn trial() -> Result<bool, String> {
    let text = |error: std::io::Error| error.to_string();
    let folder = tempfile::Builder::new().prefix("keizu-doctor-").tempdir().map_err(text)?;
    let seen = folder.path().join("seen");
    fs_err::write(&seen, "keizu\n").map_err(text)?;
    let program = std::env::current_exe().map_err(text)?;
    let status = Command::new(program)
        .args(["run", "-q", "--", "cat", "seen"])
        .current_dir(folder.path())
        .env("KEIZU_STORE", folder.path().join("store"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .output()
        .map_err(text)?;
    if !status.status.success() {
        let said = String::from_utf8_lossy(&status.stderr);
        return Err(format!("a tiny command failed under observation: {}", said.lines().next().unwrap_or("it said nothing")));
    }
    let home = Home::at(folder.path(), &folder.path().join("store")).map_err(|error| error.to_string())?;
    keizu_ledger::settle(&home, TRIAL_WAIT, &mut |_| {});
    let ledger = Ledger::open(&home).map_err(|error| error.to_string())?;
    let view = ledger.view();
    let runs = view.runs(Some(1)).map_err(|error| error.to_string())?;
    let Some(id) = runs.first().and_then(|run| run.id.parse().ok()) else { return Ok(false) };
    let run = view.run(id, true).map_err(|error| error.to_string())?;
    Ok(run.inputs.iter().any(|row| row.path.ends_with("seen") && row.digest.is_some()))
}

fn preload() -> Check {
    match std::env::var_os("LD_PRELOAD").filter(|value| !value.is_empty()) {
        Some(value) => {
            ok("preload", format!("LD_PRELOAD is {} already; it is kept, and Keizu's library comes after it", value.to_string_lossy()))
        }
        None => ok("preload", "nothing else is preloaded"),
    }
}

fn git() -> Check {
    match said("git", &["--version"]) {
        Some(version) => ok("git", version.trim_start_matches("git version ").to_owned()),
        None => limited("git", "git was not found", "the version of the code is not recorded without it; the code itself is"),
    }
}

fn python() -> Check {
    match ["python", "python3"].into_iter().find_map(|name| Some((name, said(name, &["--version"])?))) {
        Some((name, version)) => ok("python", format!("{} ({name})", version.trim_start_matches("Python "))),
        None => ok("python", "no python in PATH; packages are recorded of whichever interpreter a run starts"),
    }
}

/// The first line that a program says.
fn said(program: &str, args: &[&str]) -> Option<String> {
    let done = Command::new(program).args(args).stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    let text = String::from_utf8_lossy(&done.stdout).lines().next().map(str::to_owned);
    text.filter(|line| done.status.success() && !line.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernels_compare_by_number() {
        assert_eq!(version("6.18.5-fc-v18"), Some((6, 18)));
        assert_eq!(version("5.10.0-30-amd64"), Some((5, 10)));
        assert_eq!(version("generic"), None);
        assert!(version("5.10.0") < Some(EXIT_CODE_KERNEL) && version("5.2.1") < Some(PIDFD_KERNEL));
    }

    #[test]
    fn the_nearest_folder_that_exists() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(existing(&folder.path().join("a/b/c")), folder.path());
    }
}
