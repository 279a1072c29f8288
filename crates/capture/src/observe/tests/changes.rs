//! Contents: as they were when read, as they are at the end, and what may change in between.

use std::fs::{self, FileTimes, OpenOptions, Permissions};
use std::io::{Seek, SeekFrom, Write as _};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::Path;
use std::time::{Duration, SystemTime};

use keizu_record::Digest;

use super::script::{OTHER, PID, Script, content};
use crate::event::What;

/// Something that somebody else does to a file.
type Change = fn(&Path);

/// Changes a file and sets its times back to what they were.
fn overwrite_and_set_back(path: &Path, bytes: &str) {
    let before = fs::metadata(path).unwrap();
    fs::write(path, bytes).unwrap();
    let times = FileTimes::new().set_modified(before.modified().unwrap()).set_accessed(before.accessed().unwrap());
    OpenOptions::new().write(true).open(path).unwrap().set_times(times).unwrap();
}

#[test]
fn what_is_read_is_an_input_with_its_content() {
    let mut run = Script::with(&[("data.csv", "a,b\n")]);
    run.read("data.csv");
    run.read_by(OTHER, "data.csv");
    run.work();
    let files = run.files();
    let read = files.only_read("data.csv");
    assert_eq!((read.content, &read.unseen, &read.changed), (content("a,b\n"), &None, &None));
    assert_eq!(files.get("data.csv").pids, [PID, OTHER]);
    assert!(read.at >= files.account.began);
    assert_eq!(files.account.seen, 2);
}

#[test]
fn what_is_created_is_an_output_with_its_final_content() {
    let mut run = Script::with(&[]);
    let mut file = run.open("out", libc::O_WRONLY | libc::O_CREAT | libc::O_TRUNC);
    file.write_all(b"first").unwrap();
    run.work();
    file.write_all(b" and last").unwrap();
    let files = run.files();
    let write = files.only_written("out");
    assert_eq!(write.content, content("first and last"));
    assert!(write.created && !write.removed && !write.reread && write.before.is_none());
    assert!(write.at > files.account.began);
}

#[test]
fn finishing_again_sees_what_was_flushed_since() {
    let mut run = Script::with(&[]);
    let mut file = run.open("out", libc::O_WRONLY | libc::O_CREAT);
    file.write_all(b"one").unwrap();
    assert_eq!(run.files().write("out").content, content("one"));
    file.write_all(b" two").unwrap();
    assert_eq!(run.files().write("out").content, content("one two"));
    run.write("late", "x");
    assert_eq!(run.files().names(), ["late", "out"]);
}

/// The table: each change by somebody else after a read is seen.
#[test]
fn every_change_by_others_is_flagged() {
    let changes: [(&str, Change); 7] = [
        ("same size", |path| {
            OpenOptions::new().write(true).open(path).unwrap().write_all_at(b"XX", 0).unwrap();
        }),
        ("truncated and written", |path| fs::write(path, "1234").unwrap()),
        ("appended", |path| OpenOptions::new().append(true).open(path).unwrap().write_all(b"more").unwrap()),
        ("times set back", |path| overwrite_and_set_back(path, "abcX")),
        ("renamed over", |path| {
            fs::write(path.with_extension("tmp"), "abcX").unwrap();
            fs::rename(path.with_extension("tmp"), path).unwrap();
        }),
        ("removed", |path| fs::remove_file(path).unwrap()),
        ("cut", |path| OpenOptions::new().write(true).open(path).unwrap().set_len(1).unwrap()),
    ];
    for (what, change) in changes {
        // after it was hashed: the content is known, and flagged
        let mut run = Script::with(&[("data", "abcd")]);
        run.read("data");
        run.work();
        change(&run.path("data"));
        let files = run.files();
        let read = files.only_read("data");
        assert_eq!(read.content, content("abcd"), "{what}");
        assert!(read.changed.is_some(), "{what}");
        assert_eq!(files.blind("changed").len(), 1, "{what}");
        // before it was hashed: another content must not be taken for the one that was read
        let mut run = Script::with(&[("data", "abcd")]);
        run.read("data");
        change(&run.path("data"));
        run.work();
        let files = run.files();
        let read = files.only_read("data");
        assert!(read.changed.is_some(), "{what}");
        // a ctime alone proves nothing either way: what is found is told, and flagged
        assert!(read.content.is_none() || what == "times set back", "{what}: {read:?}");
        assert!(read.content.is_none() == read.unseen.is_some(), "{what}");
    }
}

#[test]
fn changes_of_the_inode_alone_are_not_flagged() {
    let changes: [(&str, Change); 3] = [
        ("linked", |path| fs::hard_link(path, path.with_extension("link")).unwrap()),
        ("chmod", |path| fs::set_permissions(path, Permissions::from_mode(0o400)).unwrap()),
        ("renamed away and back", |path| {
            fs::rename(path, path.with_extension("tmp")).unwrap();
            fs::rename(path.with_extension("tmp"), path).unwrap();
        }),
    ];
    for (what, change) in changes {
        let mut run = Script::with(&[("data", "abcd")]);
        run.read("data");
        run.work();
        change(&run.path("data"));
        let files = run.files();
        let read = files.only_read("data");
        assert_eq!((read.content, &read.changed), (content("abcd"), &None), "{what}");
        // and the same content written anew is the same content
        fs::write(run.path("data"), "abcd").unwrap_or_default();
        assert_eq!(run.files().only_read("data").changed, None, "{what}");
    }
}

#[test]
fn a_change_between_two_reads_is_flagged() {
    let mut run = Script::with(&[("data", "one"), ("moved", "one")]);
    run.read("data");
    run.read("moved");
    run.work();
    fs::write(run.path("data"), "two!").unwrap();
    fs::write(run.path("tmp"), "two!").unwrap();
    fs::rename(run.path("tmp"), run.path("moved")).unwrap();
    run.read("data");
    run.read("moved");
    run.work();
    let files = run.files();
    for name in ["data", "moved"] {
        let read = files.only_read(name);
        assert_eq!(read.content, content("one"), "{name}");
        assert!(read.changed.is_some(), "{name}");
    }
}

#[test]
fn a_rewrite_in_place_is_read_and_written() {
    let mut run = Script::with(&[("data", "old!")]);
    run.read("data");
    run.work();
    run.write("data", "new");
    run.read("data");
    let files = run.files();
    let (read, write) = (files.read("data"), files.write("data"));
    assert_eq!((read.content, &read.changed), (content("old!"), &None));
    assert_eq!((write.content, write.before, write.created, write.reread), (content("new"), content("old!"), false, true));
    assert_eq!(files.blind("changed"), [""; 0]);
}

#[test]
fn reading_and_writing_at_once_knows_the_past_only_when_it_could_be_seen() {
    // not touched before the watcher looked
    let mut run = Script::with(&[("data", "1234")]);
    let mut file = run.open("data", libc::O_RDWR);
    run.work();
    file.seek(SeekFrom::End(0)).unwrap();
    file.write_all(b"5").unwrap();
    let files = run.files();
    assert_eq!(files.read("data").content, content("1234"));
    assert_eq!((files.write("data").content, files.write("data").before), (content("12345"), content("1234")));

    // changed before the watcher looked
    let mut run = Script::with(&[("data", "1234")]);
    run.append("data", "5");
    run.work();
    let files = run.files();
    let read = files.read("data");
    assert_eq!((read.content, read.unseen.as_deref(), &read.changed), (None, Some("previous content not seen"), &None));
    assert_eq!((files.write("data").content, files.write("data").before), (content("12345"), None));

    // known from before
    let mut run = Script::with(&[("data", "1234")]);
    let stat = run.at("data").unwrap();
    run.memory.known.insert(stat, Digest::of(b"1234"));
    run.append("data", "5");
    run.work();
    let files = run.files();
    assert_eq!(files.read("data").content, content("1234"));
    assert_eq!(files.write("data").before, content("1234"));
}

#[test]
fn open_for_writing_without_a_write_is_a_read() {
    for flags in [libc::O_RDWR, libc::O_RDWR | libc::O_CREAT, libc::O_WRONLY | libc::O_APPEND] {
        let mut run = Script::with(&[("base.db", "rows")]);
        drop(run.open("base.db", flags));
        let files = run.files();
        assert_eq!(files.only_read("base.db").content, content("rows"), "{flags:o}");
        // also when it is removed afterwards
        run.unlink("base.db");
        run.files().only_read("base.db");
    }
    let mut run = Script::with(&[("base.db", "rows")]);
    drop(run.open("base.db", libc::O_WRONLY));
    assert_eq!(run.files().names(), [""; 0]);
}

#[test]
fn an_equal_output_says_so() {
    let mut run = Script::with(&[("out", "same")]);
    let stat = run.at("out").unwrap();
    run.memory.known.insert(stat, Digest::of(b"same"));
    run.write("out", "same");
    let files = run.files();
    let write = files.only_written("out");
    assert_eq!((write.before, write.content, write.created), (content("same"), content("same"), false));
}

#[test]
fn truncated_by_name() {
    let mut run = Script::with(&[("log", "12345"), ("all", "12345")]);
    run.truncate("log", 2);
    run.truncate("all", 0);
    let files = run.files();
    assert_eq!(files.write("log").content, content("12"));
    assert_eq!(files.read("log").unseen.as_deref(), Some("previous content not seen"));
    assert_eq!(files.only_written("all").content, content(""));
}

#[test]
fn what_the_run_wrote_and_read_is_no_input() {
    let mut run = Script::with(&[]);
    run.write("tmp", "x");
    run.read_by(OTHER, "tmp");
    let files = run.files();
    assert!(files.only_written("tmp").reread);
    assert_eq!(files.get("tmp").pids, [PID, OTHER]);
    run.unlink_by(OTHER, "tmp");
    let files = run.files();
    let write = files.only_written("tmp");
    assert!(write.removed && write.reread && write.created);
    assert_eq!((write.content, &write.unseen), (content("x"), &None));
    // one that nobody looked at in time
    run.write("brief", "x");
    run.unlink("brief");
    let files = run.files();
    let write = files.only_written("brief");
    assert!(write.removed && write.content.is_none() && write.unseen.is_some());
    assert_eq!(files.blind("content"), [""; 0]);
}

#[test]
fn a_stat_is_learned_only_of_files_left_alone() {
    let mut run = Script::with(&[("data", "abc")]);
    // its times are of the future: whatever happens to it now may not show
    let path = run.path("data");
    let soon = FileTimes::new().set_modified(SystemTime::now() + Duration::from_secs(3600));
    OpenOptions::new().write(true).open(&path).unwrap().set_times(soon).unwrap();
    run.read("data");
    run.work();
    assert_eq!(run.files().read("data").content, content("abc"));
    assert!(run.memory.known.is_empty());
    // after a while
    let mut run = Script::with(&[("data", "abc")]);
    std::thread::sleep(Duration::from_millis(30));
    let stat = run.at("data").unwrap();
    run.read("data");
    run.work();
    assert_eq!(run.memory.known.get(&stat), Some(&Digest::of(b"abc")));
}

#[test]
fn the_memory_is_asked_first_and_given_what_it_wants() {
    let mut run = Script::with(&[("data", "abc"), ("code.py", "pass")]);
    // a wrong entry shows that the file was not read
    let stat = run.at("data").unwrap();
    run.memory.known.insert(stat, Digest::of(b"something else"));
    run.memory.wanted = 100;
    run.read("data");
    run.read("code.py");
    run.write("out", "made");
    run.work();
    let files = run.files();
    assert_eq!(files.read("data").content.unwrap().digest, Digest::of(b"something else"));
    assert_eq!(run.memory.kept.get(&Digest::of(b"pass")).unwrap(), b"pass");
    assert_eq!(run.memory.kept.get(&Digest::of(b"made")).unwrap(), b"made");
    assert_eq!(run.memory.kept.len(), 2);
}

#[test]
fn large_files_are_hashed_in_slices_and_small_ones_first() {
    let mut run = Script::with(&[("small", "s")]);
    let large = "0123456789abcdef".repeat(1 << 19);
    fs::write(run.path("large"), &large).unwrap();
    run.memory.wanted = 1 << 30;
    run.read("large");
    run.read("small");
    let mut slices = 0;
    while run.observer.work(&mut run.memory, Duration::ZERO) {
        slices += 1;
        if slices == 1 {
            assert!(run.memory.kept.contains_key(&Digest::of(b"s")));
        }
    }
    assert!(slices >= 8, "{slices}");
    assert_eq!(run.files().read("large").content, content(&large));
    assert_eq!(run.memory.kept.len(), 2);
    // one that changes while it is hashed
    fs::write(run.path("other"), &large).unwrap();
    run.read("other");
    run.observer.work(&mut run.memory, Duration::ZERO);
    run.observer.work(&mut run.memory, Duration::ZERO);
    OpenOptions::new().append(true).open(run.path("other")).unwrap().write_all(b"!").unwrap();
    run.work();
    let files = run.files();
    let read = files.read("other");
    assert!(read.content.is_none() && read.changed.is_some());
}

#[test]
fn what_may_not_be_read_or_is_gone_is_said() {
    let mut run = Script::with(&[("gone", "x"), ("pipe", "x")]);
    run.read("gone");
    fs::remove_file(run.path("gone")).unwrap();
    run.read("pipe");
    fs::remove_file(run.path("pipe")).unwrap();
    nix::unistd::mkfifo(&run.path("pipe"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    run.work();
    let files = run.files();
    assert!(files.read("gone").unseen.as_deref().unwrap().contains("gone"));
    assert!(files.read("pipe").unseen.is_some());
    assert_eq!(files.blind("content").len(), 2);
}

#[test]
fn a_file_without_a_name_becomes_one_by_a_link() {
    let mut run = Script::with(&[]);
    use std::os::unix::fs::OpenOptionsExt;
    let file = OpenOptions::new().write(true).custom_flags(libc::O_TMPFILE).open(&run.root).unwrap();
    let now = super::super::reader::stat(&file.metadata().unwrap());
    run.tell(PID, Some(now), None, What::Open { path: "".into(), flags: libc::O_TMPFILE | libc::O_WRONLY });
    (&file).write_all(b"born later").unwrap();
    assert_eq!(run.files().names(), [""; 0]);
    let from = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&file));
    nix::unistd::linkat(
        nix::fcntl::AT_FDCWD,
        from.as_str(),
        nix::fcntl::AT_FDCWD,
        &run.path("named"),
        nix::fcntl::AtFlags::AT_SYMLINK_FOLLOW,
    )
    .unwrap();
    let now = run.at("named");
    run.tell(PID, now, None, What::Link { from: from.into(), to: "named".into() });
    let files = run.files();
    let write = files.only_written("named");
    assert!(write.created);
    assert_eq!(write.content, content("born later"));
}

#[test]
fn a_large_file_that_is_being_hashed_is_not_forgotten_for_another() {
    let (one, two) = ("1".repeat(3 << 20), "2".repeat(3 << 20));
    let mut run = Script::with(&[("one", &one), ("two", &two)]);
    run.read("one");
    run.read("two");
    // the command ends while the first is half read
    run.observer.work(&mut run.memory, Duration::ZERO);
    let files = run.files();
    assert_eq!(files.only_read("one").content, content(&one));
    assert_eq!(files.only_read("two").content, content(&two));
}
