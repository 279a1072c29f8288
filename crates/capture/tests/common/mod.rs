//! What the tests of the watcher share: a project folder of one's own, the probe, and what it wrote down.

#![allow(dead_code, clippy::unwrap_used, clippy::print_stdout, missing_docs)]

use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Nothing here takes this long; what does has hung.
pub const BOUND: Duration = Duration::from_secs(60);

/// A project in a folder of its own.
pub struct Project {
    folder: tempfile::TempDir,
}

pub fn probe() -> PathBuf {
    let own = std::env::current_exe().unwrap();
    let built = own.ancestors().nth(2).unwrap().join("examples/capture-probe");
    assert!(built.exists(), "{} is built by cargo test", built.display());
    built
}

/// The first of these programs that is here; says so when none is.
pub fn tool(names: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = names.iter().find_map(|name| std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.exists()));
    if found.is_none() {
        println!("skipped: none of {names:?} is installed");
    }
    found
}

/// A Python that is a program, not a script that looks for one.
pub fn python() -> Option<PathBuf> {
    let python = tool(&["python3"])?;
    let out = Command::new(python).args(["-c", "import sys; print(sys.executable)"]).output().ok()?;
    Some(PathBuf::from(String::from_utf8(out.stdout).ok()?.trim_end()))
}

/// How a process ended, as a shell shows it.
pub fn code(output: &Output) -> i32 {
    output.status.code().unwrap_or_else(|| 128 + output.status.signal().unwrap_or(0))
}

impl Default for Project {
    fn default() -> Self {
        Self::new()
    }
}

impl Project {
    pub fn new() -> Self {
        Self { folder: tempfile::Builder::new().prefix("keizu").tempdir().unwrap() }
    }

    pub fn path(&self) -> PathBuf {
        self.folder.path().canonicalize().unwrap()
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        std::fs::write(self.file(name), text).unwrap();
        self.file(name)
    }

    pub fn runs(&self) -> PathBuf {
        self.path().join(".keizu/run")
    }

    /// The probe in front of a command, with options of its own.
    pub fn command(&self, options: &[&str], words: &[&str]) -> Command {
        let mut command = Command::new(probe());
        command.arg("run").arg("--out").arg(self.account_file()).args(options).arg("--").args(words);
        command.current_dir(self.path()).stdin(Stdio::null());
        command
    }

    pub fn plain(&self, words: &[&str]) -> Command {
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).current_dir(self.path()).stdin(Stdio::null());
        command
    }

    pub fn run(&self, words: &[&str]) -> Output {
        self.command(&["--quiet"], words).output().unwrap()
    }

    /// A shell script under watch.
    pub fn sh(&self, script: &str) -> Output {
        self.run(&["sh", "-c", script])
    }

    fn account_file(&self) -> PathBuf {
        self.path().join(".account.json")
    }

    /// Waits until nothing is left to be done for any run.
    pub fn settle(&self) {
        let until = Instant::now() + BOUND;
        while std::fs::read_dir(self.runs()).is_ok_and(|mut entries| entries.next().is_some()) {
            assert!(Instant::now() < until, "still there: {}{}", self.scan(), self.log());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn log(&self) -> String {
        let entries = std::fs::read_dir(self.runs()).into_iter().flatten().flatten();
        entries.filter_map(|entry| std::fs::read_to_string(entry.path().join("watcher.log")).ok()).collect()
    }

    pub fn scan(&self) -> String {
        let out = Command::new(probe()).arg("scan").arg(self.runs()).output().unwrap();
        String::from_utf8(out.stdout).unwrap()
    }

    pub fn recover(&self) -> Output {
        Command::new(probe()).arg("recover").arg(self.runs()).arg(self.account_file()).output().unwrap()
    }

    /// What was written down of the last run.
    pub fn account(&self) -> Account {
        self.settle();
        self.sealed()
    }

    /// The same, when nobody may be left to settle it.
    pub fn sealed(&self) -> Account {
        let text = std::fs::read(self.account_file()).expect("the run was sealed");
        Account(serde_json::from_slice(&text).unwrap(), self.path())
    }

    pub fn is_sealed(&self) -> bool {
        self.account_file().exists()
    }

    pub fn forget(&self) {
        let _ = std::fs::remove_file(self.account_file());
    }
}

/// An account, as the probe wrote it.
pub struct Account(pub Value, PathBuf);

impl Account {
    pub fn text(&self, key: &str) -> String {
        self.0[key].as_str().unwrap_or_default().to_owned()
    }

    pub fn number(&self, key: &str) -> u64 {
        self.0[key].as_u64().unwrap()
    }

    pub fn list(&self, key: &str) -> &[Value] {
        self.0[key].as_array().unwrap()
    }

    /// A file of the project.
    pub fn file(&self, name: &str) -> Option<&Value> {
        let path = self.1.join(name);
        self.list("files").iter().find(|file| file["path"].as_str() == path.to_str())
    }

    #[track_caller]
    pub fn read(&self, name: &str) {
        assert!(self.file(name).is_some_and(|file| file["read"] == true), "{name} was read: {}", self.0["files"]);
    }

    /// The file was written, and its digest is that of what is there now.
    #[track_caller]
    pub fn wrote(&self, name: &str) {
        let bytes = std::fs::read(self.1.join(name)).unwrap();
        let digest = keizu_record::Digest::of(&bytes).to_string();
        let file = self.file(name).unwrap_or_else(|| panic!("{name} was written: {}", self.0["files"]));
        assert_eq!((&file["written"], file["digest"].as_str()), (&Value::Bool(true), Some(digest.as_str())), "{name}");
    }

    pub fn blind(&self, kind: &str) -> Vec<&str> {
        self.list("blind").iter().filter(|blind| blind["kind"] == kind).filter_map(|blind| blind["detail"].as_str()).collect()
    }
}

/// Compiles a C program; `None`, with a word, when that is not possible here.
pub fn compile(project: &Project, compiler: &str, name: &str, source: &str, options: &[&str]) -> Option<PathBuf> {
    let compiler = tool(&[compiler])?;
    let out = std::env::temp_dir().join(project.path().file_name().unwrap()).join(name);
    let mut child = Command::new(compiler)
        .args(["-O1", "-x", "c", "-", "-o"])
        .arg(&out)
        .args(options)
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(source.as_bytes()).unwrap();
    let done = child.wait_with_output().unwrap();
    if !done.status.success() {
        println!("skipped: {name} does not compile with {options:?}: {}", String::from_utf8_lossy(&done.stderr));
        return None;
    }
    Some(out)
}

/// Waits for something that must come.
#[track_caller]
pub fn eventually(what: &str, mut test: impl FnMut() -> bool) {
    let until = Instant::now() + BOUND;
    while !test() {
        assert!(Instant::now() < until, "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

pub fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}
