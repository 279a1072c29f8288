//! At a terminal: signals, job control and process ids are the job's own.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod common;

use std::io::Write;
use std::os::fd::{FromRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use common::{Project, eventually, probe, text, tool};

/// A process at the far side of a pseudo-terminal.
struct Terminal {
    near: std::fs::File,
    child: Child,
}

impl Terminal {
    fn start(mut command: Command) -> Self {
        let (mut near, mut far) = (0, 0);
        // SAFETY: writes two descriptors.
        let done = unsafe { libc::openpty(&raw mut near, &raw mut far, std::ptr::null_mut(), std::ptr::null(), std::ptr::null()) };
        assert_eq!(done, 0);
        // SAFETY: new descriptors.
        let (near, far) = unsafe { (std::fs::File::from_raw_fd(near), OwnedFd::from_raw_fd(far)) };
        let end = || Stdio::from(far.try_clone().unwrap());
        command.stdin(end()).stdout(end()).stderr(end());
        // SAFETY: only system calls.
        unsafe {
            command.pre_exec(|| {
                libc::setsid();
                libc::ioctl(0, libc::TIOCSCTTY, 0);
                Ok(())
            });
        }
        let child = command.spawn().unwrap();
        // what the job prints must not block it
        let mut reader = near.try_clone().unwrap();
        std::thread::spawn(move || std::io::copy(&mut reader, &mut std::io::sink()));
        Self { near, child }
    }

    fn press(&mut self, key: u8) {
        self.near.write_all(&[key]).unwrap();
    }

    fn line(&mut self, text: &str) {
        writeln!(self.near, "{text}").unwrap();
    }

    fn end(mut self) -> i32 {
        use std::os::unix::process::ExitStatusExt;
        let status = self.child.wait().unwrap();
        status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0))
    }
}

const CTRL_C: u8 = 3;
const CTRL_Z: u8 = 26;

#[test]
fn each_interrupt_reaches_the_job_once() {
    let project = Project::new();
    let script = "trap 'echo i >> got' INT; touch here; while [ ! -e go ]; do sleep 0.02; done; exit 11";
    let mut terminal = Terminal::start(project.command(&["--quiet"], &["bash", "-c", script]));
    eventually("it runs", || project.file("here").exists());
    terminal.press(CTRL_C);
    eventually("the first is caught", || text(&project.file("got")).lines().count() == 1);
    terminal.press(CTRL_C);
    eventually("the second is caught", || text(&project.file("got")).lines().count() == 2);
    project.write("go", "");
    assert_eq!(terminal.end(), 11);
    assert_eq!(text(&project.file("got")), "i\ni\n");
    assert_eq!(project.account().text("ending"), "Exited(11)");
}

#[test]
fn the_default_is_death_by_the_signal() {
    let project = Project::new();
    let mut terminal = Terminal::start(project.command(&["--quiet"], &["sh", "-c", "touch here; exec sleep 60"]));
    eventually("it runs", || project.file("here").exists());
    std::thread::sleep(std::time::Duration::from_millis(100));
    terminal.press(CTRL_C);
    assert_eq!(terminal.end(), 130);
    assert_eq!(project.account().text("ending"), "Signaled(2)");
}

fn shell(project: &Project) -> Terminal {
    let mut command = Command::new("bash");
    command.args(["--norc", "--noprofile", "-i"]).current_dir(project.path()).env("HISTFILE", "");
    Terminal::start(command)
}

fn watched(script: &str) -> String {
    format!("{} run --quiet --out .account.json -- bash -c '{script}'", probe().display())
}

const LOOP: &str = "echo $$ > pid; while [ ! -e go ]; do sleep 0.02; done; exit 12";

fn pid(project: &Project) -> String {
    eventually("it says its pid", || text(&project.file("pid")).ends_with('\n'));
    text(&project.file("pid")).trim().to_owned()
}

fn state(pid: &str) -> Option<char> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}

#[test]
fn stopped_and_brought_back() {
    if tool(&["bash"]).is_none() {
        return;
    }
    let project = Project::new();
    let mut terminal = shell(&project);
    terminal.line(&watched(LOOP));
    let pid = pid(&project);
    terminal.press(CTRL_Z);
    eventually("it stops", || state(&pid) == Some('T'));
    terminal.line("fg; echo $? > code; exit");
    eventually("it goes on", || state(&pid).is_some_and(|state| state != 'T'));
    project.write("go", "");
    eventually("the shell knows the code", || text(&project.file("code")) == "12\n");
    terminal.end();
    assert_eq!(project.account().text("ending"), "Exited(12)");
}

#[test]
fn the_shell_knows_the_job_by_its_own_pid() {
    if tool(&["bash"]).is_none() {
        return;
    }
    for (signal, code, ending) in [("TERM", "143", "Signaled(15)"), ("9", "137", "Signaled(9)"), ("USR1", "138", "Signaled(10)")] {
        let project = Project::new();
        let mut terminal = shell(&project);
        terminal.line(&format!("{} &", watched(LOOP)));
        let pid = pid(&project);
        terminal.line(&format!("echo $! > shell; kill -{signal} $!; wait $!; echo $? > code; exit"));
        eventually("the shell knows the code", || text(&project.file("code")).trim() == code);
        assert_eq!(text(&project.file("shell")).trim(), pid);
        assert!(matches!(state(&pid), None | Some('Z')), "nothing is left of the job");
        terminal.end();
        assert_eq!(project.account().text("ending"), ending);
    }
}

#[test]
fn a_signal_to_the_group_comes_once() {
    if tool(&["bash"]).is_none() {
        return;
    }
    let project = Project::new();
    let mut terminal = shell(&project);
    let script = "trap \"echo i >> got\" INT; echo $$ > pid; while [ ! -e go ]; do sleep 0.02; done; exit 13";
    terminal.line(&format!("{} &", watched(script)));
    let pid = pid(&project);
    terminal.line("kill -INT -$!");
    eventually("it is caught", || !text(&project.file("got")).is_empty());
    project.write("go", "");
    terminal.line("wait $!; echo $? > code; exit");
    eventually("the shell knows the code", || text(&project.file("code")) == "13\n");
    terminal.end();
    assert_eq!(text(&project.file("got")), "i\n");
    assert!(state(&pid).is_none());
    project.settle();
}
