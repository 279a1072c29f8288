//! Listings, absences, descriptors that were open before, and what is left out.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::symlink;

use super::super::reader::stat;
use super::script::{OTHER, PID, Script, content};
use crate::event::What;
use crate::host::Redirection;

fn names(listing: &crate::account::Listing) -> Vec<String> {
    listing.names.iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect()
}

#[test]
fn a_listing_is_what_was_there_without_the_run() {
    let mut run = Script::with(&[("data/b.csv", ""), ("data/a.csv", ""), ("data/old.csv", ""), ("data/sub/x", ""), ("data/away/x", "")]);
    run.write("data/made-before", "");
    run.unlink("data/old.csv");
    run.list("data");
    run.work();
    run.write("data/made-after", "");
    run.mkdir("data/new");
    run.rename("data/b.csv", "data/c.csv");
    run.unlink("data/away/x");
    run.rmdir("data/away");
    run.symlink("a.csv", "data/link");
    let files = run.files();
    let listing = files.listing("data");
    assert_eq!(names(listing), ["a.csv", "away/", "b.csv", "old.csv", "sub/"]);
    assert!(!listing.changed);
    // now somebody else
    fs::write(run.path("data/theirs"), "").unwrap();
    assert!(run.files().listing("data").changed);
    fs::remove_file(run.path("data/theirs")).unwrap();
    assert!(!run.files().listing("data").changed);
    fs::remove_file(run.path("data/a.csv")).unwrap();
    assert!(run.files().listing("data").changed);
}

#[test]
fn folders_that_the_run_made_or_that_belong_to_the_system_are_not_listed() {
    let mut run = Script::with(&[("env/lib/python3.11/site-packages/x.py", "")]);
    run.mkdir("out");
    run.list("out");
    run.list("env/lib/python3.11/site-packages");
    let etc = fs::metadata("/etc").map(|m| stat(&m)).unwrap();
    run.tell(PID, Some(etc), None, What::Open { path: "/etc".into(), flags: libc::O_DIRECTORY });
    run.list("");
    let account = run.account();
    assert_eq!(account.listings.len(), 1);
    assert_eq!(account.listings[0].path, run.root);
    assert_eq!(account.listings[0].names, [b"env/".to_vec()]);
}

#[test]
fn a_listing_through_a_link_bears_the_name_that_was_used() {
    let mut run = Script::with(&[("far/data/x", "")]);
    symlink("far/data", run.path("data")).unwrap();
    let stat = run.at("far/data");
    run.tell(PID, stat, None, What::Open { path: "data".into(), flags: 0 });
    assert_eq!(names(run.files().listing("data")), ["x"]);
}

#[test]
fn absences_are_names_that_were_not_there() {
    let mut run = Script::with(&[("conf/base.toml", ""), ("was", "")]);
    run.try_open("conf/local.toml");
    run.try_open("conf/local.toml");
    run.try_open("conf/../alpha");
    run.try_open("pkg/__pycache__/m.cpython-311.pyc");
    run.try_open("/nowhere/else");
    // made later all the same
    run.try_open("cache.pkl");
    run.write("cache.pkl", "");
    // the run's own doing
    run.write("tmp", "");
    run.unlink("tmp");
    run.try_open("tmp");
    run.unlink("was");
    run.try_open("was");
    run.mkdir("out");
    run.try_open("out/part-0");
    assert_eq!(run.files().absent(), ["alpha", "cache.pkl", "conf/local.toml"]);
}

fn inherited(root: &std::path::Path, fd: i32, name: &str, flags: i32) -> Redirection {
    let path = root.join(name);
    let file = OpenOptions::new().read(true).open(&path).unwrap();
    Redirection { fd, path, flags, stat: stat(&file.metadata().unwrap()) }
}

#[test]
fn descriptors_that_were_open_before_are_inputs_and_outputs() {
    let mut run = Script::prepared(|root| {
        for (name, text) in [("in", "rows"), ("log", "line 1\n"), ("out", ""), ("unused", "x")] {
            fs::write(root.join(name), text).unwrap();
        }
        vec![
            inherited(root, 0, "in", libc::O_RDONLY),
            inherited(root, 1, "out", libc::O_WRONLY),
            inherited(root, 2, "log", libc::O_WRONLY | libc::O_APPEND),
            inherited(root, 5, "unused", libc::O_WRONLY),
        ]
    });
    run.work();
    fs::write(run.path("out"), "result").unwrap();
    OpenOptions::new().append(true).open(run.path("log")).unwrap().write_all(b"line 2\n").unwrap();
    // the same file again, by name
    run.read_by(OTHER, "in");
    let files = run.files();
    assert_eq!(files.names(), ["in", "log", "out"]);
    assert_eq!(files.only_read("in").content, content("rows"));
    assert_eq!(files.get("in").pids, [PID, OTHER]);
    let out = files.only_written("out");
    assert_eq!((out.content, out.created), (content("result"), true));
    assert_eq!(files.read("log").content, content("line 1\n"));
    let log = files.write("log");
    assert_eq!((log.content, log.before, log.created), (content("line 1\nline 2\n"), content("line 1\n"), false));
    assert_eq!(files.blind("descriptor"), [format!("{} was open when the command started", run.path("unused").display())]);
}

#[test]
fn keizus_own_words_are_no_output() {
    let say = |run: &Script, text: &str| OpenOptions::new().append(true).open(run.path("log")).unwrap().write_all(text.as_bytes()).unwrap();
    for (job, late) in [("", ""), ("line 2\n", ""), ("", "flushed late\n"), ("line 2\n", "flushed late\n")] {
        let mut run = Script::prepared(|root| {
            fs::write(root.join("log"), "line 1\n").unwrap();
            vec![inherited(root, 2, "log", libc::O_WRONLY | libc::O_APPEND)]
        });
        run.work();
        say(&run, job);
        let sealed = run.account();
        run.observer.said("summary\n".len());
        say(&run, &format!("{late}summary\n"));
        let files = run.files();
        if late.is_empty() {
            assert_eq!(files.account, sealed);
        }
        match (job, late) {
            ("", "") => assert_eq!(files.only_read("log").changed, None),
            (_, "") => assert_eq!(files.write("log").content, content("line 1\nline 2\n")),
            _ => assert_eq!(files.write("log").content, content(&format!("line 1\n{job}{late}summary\n"))),
        }
    }
}

#[test]
fn special_files_and_keizus_own_are_left_out() {
    let mut run = Script::with(&[(".keizu/run/1/arena", ""), ("in", "x")]);
    run.read(".keizu/run/1/arena");
    let some = run.at("in");
    for path in ["/dev/null", "/proc/cpuinfo", "/sys/kernel/x", "/dev/shm/segment"] {
        run.tell(PID, some, None, What::Open { path: path.into(), flags: libc::O_RDWR });
    }
    run.try_open(".keizu/config");
    assert_eq!(run.files().names(), [""; 0]);
    // a descriptor by its name is the file it stands for
    run.read("in");
    run.tell(OTHER, some, None, What::Open { path: "/dev/fd/7".into(), flags: libc::O_RDONLY });
    let files = run.files();
    assert_eq!(files.names(), ["in"]);
    assert_eq!(files.get("in").pids, [PID, OTHER]);
}

#[test]
fn what_was_not_seen_is_counted() {
    let mut run = Script::with(&[]);
    run.tell(PID, None, None, What::IoUring);
    run.tell(PID, None, None, What::IoUring);
    run.tell(PID, None, None, What::Cut { path: "a/".repeat(2_000).into() });
    let child = keizu_record::RunId::new([9; 16]);
    run.tell(PID, None, None, What::ChildRun { run: child });
    run.observer.dropped(4);
    run.observer.repeated(90);
    run.observer.note("survivor", "somebody");
    let files = run.files();
    assert_eq!(files.blind("io_uring"), ["/dev/job used io_uring: what went through the ring was not seen (2 times)"]);
    assert_eq!(files.blind("cut").len(), 1);
    assert!(files.blind("cut")[0].len() < 300);
    assert_eq!(files.blind("dropped"), ["4 events were lost"]);
    assert_eq!(files.blind("survivor"), ["somebody"]);
    assert_eq!((files.account.seen, files.account.lost, files.account.children), (90, 4, vec![child]));
}

#[test]
fn many_blind_files_are_a_few_lines() {
    let mut run = Script::with(&[]);
    for number in 0..50 {
        let name = format!("f{number:02}");
        fs::write(run.path(&name), "x").unwrap();
        run.read(&name);
        fs::remove_file(run.path(&name)).unwrap();
    }
    let files = run.files();
    let lines = files.blind("content");
    assert_eq!(lines.len(), 21);
    assert_eq!(lines.iter().find(|line| line.starts_with("and")).unwrap(), "and 30 more files");
}

#[test]
fn a_glance_tells_what_was_touched_so_far() {
    let mut run = Script::with(&[("a.csv", "1"), ("b.csv", "2"), ("lib/site-packages/p/x.py", ""), ("state.json", "{}"), ("away.txt", "")]);
    assert_eq!(run.observer.glance(), super::super::Glance::default());
    run.read("a.csv");
    run.read("lib/site-packages/p/x.py");
    run.read("b.csv");
    run.read("state.json");
    run.append("state.json", " ");
    run.write("model.bin", "m");
    run.write("passing", "");
    run.unlink("passing");
    run.read("model.bin");
    let glance = run.observer.glance();
    assert_eq!((glance.inputs, glance.outputs), (2, 2), "what is written too counts once; what is gone, and packages, not at all");
    assert_eq!(glance.read, ["b.csv", "a.csv"]);
    assert_eq!(glance.written, ["model.bin", "state.json"]);
}
