//! A reader that looks right after `keizu run` returned finds the run sealed, however it ended.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod common;

use std::process::Command;

use keizu_capture::barrier::{self, State};

use common::{Project, code, eventually, probe, tool};

/// Waits as a reading command does; the word that is left is that of a run with survivors, which is sealed.
#[track_caller]
fn reader_waits(project: &Project) {
    let out = Command::new(probe()).arg("wait").arg(project.runs()).arg("30000").output().unwrap();
    let left = String::from_utf8_lossy(&out.stdout);
    assert!(left.lines().all(|line| line.ends_with("Sealed")), "{left}");
    assert!(project.is_sealed());
}

#[test]
fn sealed_every_time() {
    let project = Project::new();
    let ends = ["true", "exit 3", "kill -9 $$", "echo x > out", "kill -TERM $$"];
    for round in 0..60 {
        project.forget();
        project.sh(ends[round % ends.len()]);
        reader_waits(&project);
    }
    project.settle();
}

#[test]
fn a_watcher_that_ends_is_never_taken_for_a_lost_one() {
    let project = Project::new();
    let mut seen = 0;
    let runs = project.runs();
    std::thread::scope(|scope| {
        let jobs = scope.spawn(|| (0..40).for_each(|_| drop(project.sh("true"))));
        while !jobs.is_finished() || runs.read_dir().is_ok_and(|mut rest| rest.next().is_some()) {
            for found in barrier::scan(&runs) {
                assert_ne!(found.state, State::Orphaned);
                seen += 1;
            }
        }
    });
    assert!(seen > 0);
    assert!(project.is_sealed());
}

#[test]
fn a_running_command_is_not_waited_for() {
    let project = Project::new();
    let mut job = project.command(&["--quiet"], &["sh", "-c", "touch here; while [ ! -e go ]; do sleep 0.01; done"]).spawn().unwrap();
    eventually("it runs", || project.file("here").exists());
    let out = Command::new(probe()).arg("wait").arg(project.runs()).arg("30000").output().unwrap();
    assert!(String::from_utf8_lossy(&out.stdout).contains("Running"));
    assert_eq!(code(&project.recover()), 0, "and is not recovered either");
    project.write("go", "");
    job.wait().unwrap();
    assert_eq!(project.account().number("began"), 1);
}

#[test]
fn a_running_command_is_looked_on_as_it_goes() {
    let project = Project::new();
    project.write("a.csv", "1,2");
    let script =
        "cat a.csv > b.csv; touch here; while [ ! -e go ]; do sleep 0.01; done; cat b.csv > c.csv; while [ ! -e end ]; do sleep 0.01; done";
    let mut job = project.command(&["--quiet"], &["sh", "-c", script]).spawn().unwrap();
    let glance = || barrier::scan(&project.runs()).first().and_then(barrier::Found::glance).unwrap_or_default();
    eventually("what it has read and written is told", || {
        let glance = glance();
        glance.read == ["a.csv"] && glance.written.contains(&"b.csv".to_owned())
    });
    let before = glance();
    project.write("go", "");
    eventually("and what came since", || glance().written.contains(&"c.csv".to_owned()) && glance().outputs > before.outputs);
    project.write("end", "");
    job.wait().unwrap();
    assert!(barrier::scan(&project.runs()).iter().all(|found| found.state != State::Running));
}

#[test]
fn process_one_of_a_container_is_committed_before_it_ends() {
    if tool(&["unshare"]).is_none() {
        return;
    }
    for _ in 0..5 {
        let project = Project::new();
        let probe = probe();
        let out = project.file(".account.json");
        let words = ["-pf", "--mount-proc", probe.to_str().unwrap(), "run", "--quiet", "--out", out.to_str().unwrap(), "--"];
        let mut command = Command::new("unshare");
        command.args(words).args(["sh", "-c", "echo x > out; exit 4"]).current_dir(project.path());
        let output = command.output().unwrap();
        if String::from_utf8_lossy(&output.stderr).contains("unshare") {
            println!("skipped: no pid namespaces here");
            return;
        }
        assert_eq!(code(&output), 4, "{}", String::from_utf8_lossy(&output.stderr));
        let account = project.sealed();
        assert_eq!(account.text("ending"), "Exited(4)");
        account.wrote("out");
        // the watcher died with the container: the next command tidies up
        assert!(project.scan().contains("Orphaned") || project.scan().is_empty());
        assert_eq!(code(&project.recover()), 0);
        project.settle();
    }
}
