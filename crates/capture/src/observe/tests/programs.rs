//! Processes, and programs that stayed silent.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use super::script::{OTHER, PID, Script, content};
use crate::account::{Ending, Process};
use crate::event::What;

fn words(text: &str) -> Vec<Vec<u8>> {
    text.split(' ').map(|word| word.as_bytes().to_vec()).collect()
}

fn begin(run: &mut Script, pid: u32, ppid: u32, exe: impl Into<PathBuf>, argv: &str) {
    let argv = if argv.is_empty() { Vec::new() } else { words(argv) };
    let what = What::Begin { ppid, cwd: run.root.clone(), exe: exe.into(), argv };
    run.tell(pid, None, None, what);
}

fn exec(run: &mut Script, pid: u32, path: impl Into<PathBuf>, argv: &str) {
    run.tell(pid, None, None, What::Exec { path: path.into(), argv: words(argv) });
}

/// Processes but for the two of every script: pid, parent, program, arguments, exit code, watched.
fn shown(run: &mut Script) -> Vec<(u32, u32, String, usize, Option<i32>, bool)> {
    let root = run.root.clone();
    let row = |p: &Process| {
        let exe = p.exe.strip_prefix(&root).unwrap_or(&p.exe).display().to_string();
        (p.pid, p.ppid, exe, p.argv.len(), p.exit_code, p.watched)
    };
    run.account().processes.iter().filter(|p| p.pid != PID && p.pid != OTHER).map(row).collect()
}

/// A 64-bit program without an interpreter: static.
fn fixed() -> Vec<u8> {
    let mut bytes = vec![0; 64];
    bytes[..6].copy_from_slice(b"\x7fELF\x02\x01");
    bytes
}

/// A 64-bit program with one.
fn dynamic() -> Vec<u8> {
    let mut bytes = fixed();
    (bytes[32], bytes[54], bytes[56]) = (64, 56, 1);
    bytes.extend_from_slice(&3_u32.to_le_bytes());
    bytes.resize(120, 0);
    bytes
}

#[test]
fn forks_execs_and_exits() {
    let mut run = Script::with(&[]);
    fs::write(run.path("tool"), dynamic()).unwrap();
    let tool = run.path("tool");
    // fork, then exec: one process
    run.tell(PID, None, None, What::Forked { child: 10 });
    let cwd = run.root.clone();
    run.tell(10, None, None, What::ForkBegin { parent: PID, cwd: cwd.clone() });
    exec(&mut run, 10, "tool", "tool -x");
    begin(&mut run, 10, PID, &tool, "");
    run.tell(10, None, None, What::Exit { code: 3 });
    // a pure fork, and one that said nothing
    run.tell(11, None, None, What::ForkBegin { parent: PID, cwd });
    run.tell(11, None, None, What::Exit { code: 0 });
    run.tell(OTHER, None, None, What::Forked { child: 12 });
    // an exec makes a new entry of the same pid, and ends the one before
    begin(&mut run, 13, PID, "/dev/first", "first");
    exec(&mut run, 13, "tool", "tool");
    begin(&mut run, 13, PID, &tool, "");
    // posix_spawn: the child begins before or after the parent's call returns
    run.tell(PID, None, None, What::Spawn { child: 14, path: "tool".into(), argv: words("tool 14") });
    begin(&mut run, 14, PID, &tool, "");
    begin(&mut run, 15, PID, &tool, "");
    run.tell(15, None, None, What::Exit { code: 1 });
    run.tell(PID, None, None, What::Spawn { child: 15, path: "tool".into(), argv: words("tool 15") });
    let seen = shown(&mut run);
    let row = |pid, ppid, exe: &str, argc, code| (pid, ppid, exe.to_owned(), argc, code, true);
    let wanted = [
        row(10, PID, "tool", 2, Some(3)),
        row(11, PID, "/dev/job", 1, Some(0)),
        row(12, OTHER, "/dev/job", 1, None),
        row(13, PID, "/dev/first", 1, None),
        row(13, PID, "tool", 1, None),
        row(14, PID, "tool", 2, None),
        row(15, PID, "tool", 2, Some(1)),
    ];
    assert_eq!(seen, wanted);
    let account = run.account();
    let first = account.processes.iter().find(|p| p.exe.ends_with("first")).unwrap();
    let second = account.processes.iter().find(|p| p.pid == 13 && p.exe == tool).unwrap();
    assert!(first.ended.is_some_and(|ended| ended <= second.began));
    // 13 and 14 never came to an end of their own
    let cut_short: Vec<&str> = account.blind.iter().filter(|b| b.kind == "library").map(|b| b.detail.as_str()).collect();
    assert!(cut_short.iter().any(|detail| detail.contains("tool was killed") && detail.ends_with("(2 times)")), "{cut_short:?}");
    assert_eq!(account.blind.iter().filter(|b| !matches!(b.kind.as_str(), "watcher" | "library")).count(), 0, "{:?}", account.blind);
    // the program is a file of the run
    let files = run.files();
    assert!(files.get("tool").executed && files.only_read("tool").content.is_some());
    assert_eq!(files.get("tool").pids, [10, 13, 14, 15]);
}

#[test]
fn a_program_that_never_began_is_the_alarm() {
    let mut run = Script::with(&[]);
    for (name, bytes, mode) in
        [("fixed", fixed(), 0o755), ("old", b"\x7fELF\x01\x01".to_vec(), 0o755), ("odd", dynamic(), 0o755), ("su", dynamic(), 0o4755)]
    {
        fs::write(run.path(name), bytes).unwrap();
        fs::set_permissions(run.path(name), PermissionsExt::from_mode(mode)).unwrap();
    }
    fs::write(run.path("script"), format!("#!{}\n", run.path("fixed").display())).unwrap();
    for (pid, name) in [(20, "fixed"), (21, "fixed"), (22, "old"), (23, "odd"), (24, "su"), (25, "script")] {
        exec(&mut run, pid, name, name);
    }
    run.tell(PID, None, None, What::Spawn { child: 26, path: "fixed".into(), argv: words("fixed") });
    // this one was not there
    exec(&mut run, 27, "nothing", "nothing");
    run.tell(27, None, None, What::ExecFailed { path: "nothing".into(), errno: libc::ENOENT });
    let seen = shown(&mut run);
    assert_eq!(seen.len(), 7);
    assert!(seen.iter().all(|row| !row.5));
    let files = run.files();
    let root = run.root.display().to_string();
    assert_eq!(
        files.blind("static"),
        [
            format!("{root}/fixed could not be watched: static (3 times)"),
            format!("{root}/script could not be watched: script of {root}/fixed, static"),
        ]
    );
    assert_eq!(files.blind("32-bit"), [format!("{root}/old could not be watched: 32-bit")]);
    assert_eq!(files.blind("set-uid"), [format!("{root}/su could not be watched: set-uid")]);
    assert_eq!(files.blind("program"), [format!("{root}/odd could not be watched: it did not load the watcher")]);
}

#[test]
fn a_silent_program_that_starts_a_watched_one() {
    let mut run = Script::with(&[]);
    fs::write(run.path("launcher"), fixed()).unwrap();
    fs::write(run.path("tool"), dynamic()).unwrap();
    exec(&mut run, 30, "launcher", "launcher tool");
    let tool = run.path("tool");
    begin(&mut run, 30, PID, &tool, "tool");
    let seen = shown(&mut run);
    assert_eq!(seen.iter().map(|row| (row.2.as_str(), row.5)).collect::<Vec<_>>(), [("launcher", false), ("tool", true)]);
    assert_eq!(run.files().blind("static").len(), 1);
}

#[test]
fn a_script_is_executed_like_its_interpreter() {
    let mut run = Script::with(&[("step.sh", "#!/dev/sh\necho\n")]);
    fs::write(run.path("sh"), dynamic()).unwrap();
    exec(&mut run, 40, "step.sh", "step.sh");
    let sh = run.path("sh");
    begin(&mut run, 40, PID, sh, "");
    let files = run.files();
    assert!(files.get("step.sh").executed && files.get("sh").executed);
    assert_eq!(files.only_read("step.sh").content, content("#!/dev/sh\necho\n"));
}

#[test]
fn a_root_that_said_nothing() {
    let mut run = Script::with(&[]);
    fs::write(run.path("job"), fixed()).unwrap();
    run.observer = super::super::Observer::late(&run.start);
    let account = run.account();
    let processes: Vec<_> = account.processes.iter().map(|p| (p.pid, p.exe.clone(), p.watched)).collect();
    assert_eq!(processes, [(PID, run.path("job"), false)]);
    assert_eq!(account.processes[0].exit_code, Some(0));
    assert!(account.blind.iter().any(|b| b.kind == "static"));
    // a command that was not found is no program
    fs::remove_file(run.path("job")).unwrap();
    run.observer = super::super::Observer::late(&run.start);
    assert_eq!(run.account().processes, []);
}

#[test]
fn survivors_are_named_at_the_end() {
    let mut run = Script::with(&[]);
    let exe = fs::read_link("/proc/self/exe").unwrap();
    let own = std::process::id();
    begin(&mut run, own, PID, &exe, "test");
    let files = run.files();
    assert_eq!(files.blind("survivor"), [format!("{} ({own}) outlived the command", exe.display())]);
    let running = run.observer.finish(Ending::Running, None, &mut run.memory);
    assert!(!running.blind.iter().any(|b| b.kind == "survivor"));
    run.tell(own, None, None, What::Exit { code: 0 });
    assert_eq!(run.files().blind("survivor"), [""; 0]);
}

#[test]
fn libraries_are_executed_and_bare_names_found_beside_them() {
    let mut run = Script::with(&[("lib/a.so", "A"), ("lib/b.so", "B"), ("lib/libkeizu.libasan.so", "shim")]);
    for path in ["lib/a.so", "lib/libkeizu.libasan.so"] {
        let path = run.path(path);
        run.tell(PID, None, None, What::Library { path });
    }
    for name in ["a.so", "b.so", "libnowhere.so"] {
        run.tell(PID, None, None, What::Library { path: name.into() });
    }
    let files = run.files();
    assert_eq!(files.names(), ["lib/a.so", "lib/b.so"]);
    assert!(files.get("lib/a.so").executed && files.get("lib/b.so").executed);
    assert_eq!(files.only_read("lib/b.so").content, content("B"));
}
