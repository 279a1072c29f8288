//! How a command may end: the status is its own, and the record knows it.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod common;

use common::{Project, code, compile, python, text, tool};

#[track_caller]
fn check(words: &[&str], expected: i32, ending: &str) {
    let project = Project::new();
    let plain = project.plain(words).output().unwrap();
    assert_eq!(common::code(&plain), expected, "untraced: {words:?}");
    let output = project.run(words);
    assert_eq!(code(&output), expected, "{words:?}");
    assert_eq!(output.stdout, plain.stdout, "{words:?}");
    assert_eq!(String::from_utf8_lossy(&output.stderr), String::from_utf8_lossy(&plain.stderr), "{words:?}");
    let account = project.account();
    assert_eq!(account.text("ending"), ending, "{words:?}");
    assert_eq!(account.number("sealed"), 1, "{words:?}");
}

#[test]
fn shells() {
    check(&["true"], 0, "Exited(0)");
    check(&["false"], 1, "Exited(1)");
    check(&["sh", "-c", "exit 3"], 3, "Exited(3)");
    check(&["bash", "-c", "exit 259"], 3, "Exited(3)");
    check(&["sh", "-c", "exec sh -c 'exit 5'"], 5, "Exited(5)");
    check(&["bash", "-c", "(exit 4); exit $?"], 4, "Exited(4)");
    check(&["sh", "-c", "kill -TERM $$"], 128 + 15, "Signaled(15)");
    check(&["sh", "-c", "kill -KILL $$"], 128 + 9, "Signaled(9)");
    check(&["bash", "-c", "kill -SEGV $$"], 128 + 11, "Signaled(11)");
    check(&["bash", "-c", "ulimit -c 0; kill -ABRT $$"], 128 + 6, "Signaled(6)");
    check(&["sh", "-c", "trap 'exit 9' TERM; kill -TERM $$; exit 1"], 9, "Exited(9)");
    check(&["sh", "-c", "exec 2>&-; exit 6"], 6, "Exited(6)");
}

#[test]
fn interpreters() {
    if let Some(python) = python() {
        let python = python.to_str().unwrap();
        check(&[python, "-c", "import sys; sys.exit(3)"], 3, "Exited(3)");
        check(&[python, "-c", "import os; os._exit(4)"], 4, "Exited(4)");
        check(&[python, "-c", "import os; os.abort()"], 128 + 6, "Signaled(6)");
        check(&[python, "-c", "raise SystemExit('gone')"], 1, "Exited(1)");
        check(&[python, "-c", "import os; os.execv('/bin/sh', ['sh', '-c', 'exit 7'])"], 7, "Exited(7)");
        check(
            &[python, "-c", "import threading, time; threading.Thread(target=time.sleep, args=(99,), daemon=True).start()"],
            0,
            "Exited(0)",
        );
        check(&[python, "-c", "import ctypes; ctypes.CDLL(None).syscall(231, 8)"], 8, "Exited(8)");
        check(&[python, "-c", "import os\nif os.fork(): os._exit(2)\nos._exit(1)"], 2, "Exited(2)");
    }
    if tool(&["perl"]).is_some() {
        check(&["perl", "-e", "exit 12"], 12, "Exited(12)");
    }
    if tool(&["node"]).is_some() {
        check(&["node", "-e", "process.exit(13)"], 13, "Exited(13)");
    }
}

#[test]
fn programs_in_c() {
    let project = Project::new();
    let cases = [
        ("returns", "int main() { return 21; }", 21),
        ("thread", "void *f(void *x) { exit(22); } int main() { pthread_t t; pthread_create(&t, 0, f, 0); for (;;) pause(); }", 22),
        ("raw", "int main() { syscall(SYS_exit_group, 23); }", 23),
        (
            "leaves",
            "void *f(void *x) { sleep(0); exit(24); } int main() { pthread_t t; pthread_create(&t, 0, f, 0); pthread_exit(0); }",
            24,
        ),
        ("quick", "int main() { quick_exit(25); }", 25),
        ("at_exit", "void f(void) { _exit(26); } int main() { atexit(f); return 1; }", 26),
        ("child", "int main() { if (vfork() == 0) _exit(1); int s; wait(&s); return WEXITSTATUS(s) + 26; }", 27),
    ];
    let heads = "#define _GNU_SOURCE\n#include <stdio.h>\n#include <stdlib.h>\n#include <unistd.h>\n#include <pthread.h>\n#include <sys/syscall.h>\n#include <sys/wait.h>\n";
    for (name, body, expected) in cases {
        let Some(program) = compile(&project, "cc", name, &format!("{heads}{body}"), &["-pthread"]) else { return };
        check(&[program.to_str().unwrap()], expected, &format!("Exited({expected})"));
    }
}

#[test]
fn what_cannot_be_started() {
    let project = Project::new();
    let output = project.run(&["no-such-program"]);
    assert_eq!(code(&output), 127);
    assert!(String::from_utf8_lossy(&output.stderr).contains("no-such-program"));
    assert_eq!(project.account().text("ending"), "Exited(127)");
    project.forget();
    let file = project.write("data.txt", "not a program\n");
    let output = project.run(&[file.to_str().unwrap()]);
    assert_eq!(code(&output), 126);
    assert_eq!(project.account().text("ending"), "Exited(126)");
}

#[test]
fn the_summary_never_lands_in_a_data_file() {
    let project = Project::new();
    let output = project.command(&[], &["bash", "-c", "exec 2>data; echo x >&2"]).output().unwrap();
    assert_eq!(text(&project.file("data")), "x\n");
    assert!(output.stderr.is_empty());
    project.account().wrote("data");
    let output = project.command(&[], &["true"]).output().unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).starts_with("probe: "), "where stderr is what it was, it is said");
    project.settle();
}

#[test]
fn what_is_flushed_after_the_seal_is_in_the_record() {
    let project = Project::new();
    let source = "#include <stdio.h>\nint main() { FILE *f = fopen(\"out\", \"w\"); fputs(\"late\", f); return 0; }";
    let Some(program) = compile(&project, "cc", "open", source, &[]) else { return };
    assert_eq!(code(&project.run(&[program.to_str().unwrap()])), 0);
    assert_eq!(text(&project.file("out")), "late");
    let account = project.account();
    account.wrote("out");
    assert_eq!(account.number("corrected"), 1);
}

#[test]
fn a_slow_watcher_does_not_hold_the_job() {
    let project = Project::new();
    let before = std::time::Instant::now();
    let output = project.command(&["--slow", "3000", "--wait", "100"], &["sh", "-c", "exit 8"]).output().unwrap();
    let took = before.elapsed();
    assert_eq!(code(&output), 8);
    assert!(!project.is_sealed(), "the job left after its bound, not after the watcher ({took:?})");
    assert_eq!(project.account().text("ending"), "Exited(8)");
}
