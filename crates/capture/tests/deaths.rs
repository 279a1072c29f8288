//! The stress program, alone and with somebody killed: nothing is lost when nobody dies, and the run is sealed whoever dies.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod common;

use std::path::PathBuf;
use std::time::Duration;

use common::{Project, code, compile, eventually};

const STRESS: &str = include_str!("stress.c");

fn stress(project: &Project) -> Option<PathBuf> {
    compile(project, "cc", "stress", STRESS, &["-pthread"])
}

#[test]
fn every_event_is_there_and_errno_is_never_altered() {
    let project = Project::new();
    let Some(program) = stress(&project) else { return };
    let output = project.run(&[program.to_str().unwrap()]);
    assert_eq!(code(&output), 0, "{}", String::from_utf8_lossy(&output.stderr));
    let handled: u64 = String::from_utf8_lossy(&output.stdout).trim().parse().unwrap();
    let account = project.account();
    let library_reads = 0;
    assert_eq!(account.number("lost"), 0);
    assert_eq!(account.number("seen"), 4 * 4000 + 300 + handled + library_reads);
    let processes = account.list("processes");
    let children = processes.iter().filter(|p| p["argv"][1] != "one").count();
    let programs: Vec<_> = processes.iter().filter(|p| p["argv"][1] == "one").collect();
    assert_eq!((children, programs.len()), (301, 100));
    assert!(programs.iter().all(|p| p["argv"].as_array().unwrap().len() == 8 && p["exit_code"] == 0 && p["watched"] == true));
}

#[test]
fn a_full_arena_drops_and_counts() {
    let project = Project::new();
    let Some(program) = stress(&project) else { return };
    let bytes = (9 << 20).to_string();
    let output = project.command(&["--quiet", "--arena", &bytes], &[program.to_str().unwrap()]).output().unwrap();
    assert_eq!(code(&output), 0);
    let handled: u64 = String::from_utf8_lossy(&output.stdout).trim().parse().unwrap();
    let account = project.account();
    assert!(account.number("lost") > 0 && account.number("seen") > 0);
    assert!(account.number("seen") < 16_300 + handled);
    assert!(!account.blind("dropped").is_empty());
    assert_eq!(account.text("ending"), "Exited(0)");
}

fn watcher(project: &Project) -> u32 {
    let mut found = None;
    eventually("the arena names its watcher", || {
        let entries = std::fs::read_dir(project.runs()).into_iter().flatten().flatten();
        found = entries.filter_map(|entry| std::fs::read(entry.path().join("arena")).ok()).find_map(|bytes| {
            let pid = u32::from_le_bytes(bytes.get(44..48)?.try_into().ok()?);
            (pid != 0).then_some(pid)
        });
        found.is_some()
    });
    found.unwrap()
}

fn kill(pid: u32) {
    std::process::Command::new("kill").args(["-9", &pid.to_string()]).status().unwrap();
}

#[test]
fn the_job_is_killed_amid_threads_forks_and_signals() {
    for moment in 0..6 {
        let project = Project::new();
        let Some(program) = stress(&project) else { return };
        let mut job = project.command(&["--quiet"], &[program.to_str().unwrap(), "400000"]).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(120 + 37 * moment));
        kill(job.id());
        job.wait().unwrap();
        let account = project.account();
        assert_eq!(account.text("ending"), "Signaled(9)");
        assert_eq!(account.number("sealed"), 1);
        assert!(account.number("seen") > 0);
    }
}

const WRITER: &str = "i=0; while [ $i -lt 20 ]; do echo $i > out$i; i=$((i+1)); [ $i -eq 10 ] && { touch half; while [ ! -e go ]; do sleep 0.01; done; }; done; exit 5";

#[test]
fn the_watcher_is_killed_and_a_later_command_recovers() {
    let project = Project::new();
    let mut job = project.command(&["--quiet"], &["sh", "-c", WRITER]).spawn().unwrap();
    eventually("half is written", || project.file("half").exists());
    kill(watcher(&project));
    eventually("nobody holds the lock", || project.scan().contains("Running"));
    project.write("go", "");
    assert_eq!(job.wait().unwrap().code(), Some(5), "the job does not notice");
    assert!(!project.is_sealed());
    assert!(project.scan().contains("Orphaned"));
    assert_eq!(code(&project.recover()), 0);
    let account = project.account();
    assert_eq!(account.text("ending"), "Exited(5)");
    assert!(account.blind("watcher").iter().any(|word| word.contains("watcher was lost")));
    (0..20).for_each(|i| account.wrote(&format!("out{i}")));
    assert!(project.scan().is_empty());
}

#[test]
fn both_are_killed() {
    let project = Project::new();
    let mut job = project.command(&["--quiet"], &["sh", "-c", WRITER]).spawn().unwrap();
    eventually("half is written", || project.file("half").exists());
    kill(watcher(&project));
    kill(job.id());
    job.wait().unwrap();
    eventually("the run is an orphan", || project.scan().contains("Orphaned"));
    assert_eq!(code(&project.recover()), 0);
    // what the job had started may live on for a moment, and needs the folder; the next command puts it away
    eventually("the run is put away", || code(&project.recover()) == 0 && project.scan().is_empty());
    let account = project.account();
    assert_eq!(account.text("ending"), "Unknown");
    (0..10).for_each(|i| account.wrote(&format!("out{i}")));
}
