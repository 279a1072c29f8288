//! Names: renames, links, removals, folders.

use std::fs;
use std::os::unix::fs::symlink;

use super::script::{OTHER, PID, Script, content};
use crate::event::What;

#[test]
fn write_and_rename_ends_as_the_final_name() {
    let mut run = Script::with(&[("model.bin", "v1")]);
    run.read("model.bin");
    run.work();
    run.write("model.bin.tmp", "v2");
    run.rename("model.bin.tmp", "model.bin");
    let files = run.files();
    assert_eq!(files.names(), ["model.bin"]);
    let write = files.write("model.bin");
    assert_eq!((write.content, write.before, write.created, write.removed), (content("v2"), content("v1"), false, false));
    assert_eq!((files.read("model.bin").content, &files.read("model.bin").changed), (content("v1"), &None));
    assert_eq!(files.other_names("model.bin"), ["model.bin.tmp"]);
}

#[test]
fn the_same_by_rename_to_a_free_name_and_many_times() {
    let mut run = Script::with(&[]);
    for version in ["v1", "v2", "v3"] {
        run.write("tmp", version);
        run.work();
        run.rename("tmp", "model.bin");
    }
    let files = run.files();
    assert_eq!(files.names(), ["model.bin"]);
    let write = files.only_written("model.bin");
    assert_eq!((write.content, write.before, write.created), (content("v3"), None, true));
}

#[test]
fn a_name_made_again_after_it_was_removed_is_one_file() {
    let mut run = Script::with(&[("data", "old")]);
    run.read("data");
    run.work();
    run.unlink("data");
    run.write("data", "new");
    let files = run.files();
    assert_eq!(files.names(), ["data"]);
    let write = files.write("data");
    assert_eq!((write.content, write.before, write.created), (content("new"), content("old"), false));
    assert_eq!((files.read("data").content, &files.read("data").changed), (content("old"), &None));
    // and gone again
    run.unlink("data");
    let files = run.files();
    assert!(files.write("data").removed);
    assert_eq!(files.write("data").before, content("old"));
}

#[test]
fn a_removed_input_stays_an_input() {
    let mut run = Script::with(&[("data", "rows"), ("unread", "rows")]);
    run.read("data");
    run.work();
    run.write("data.gz", "packed");
    run.unlink("data");
    run.unlink("unread");
    let files = run.files();
    assert_eq!(files.names(), ["data", "data.gz"]);
    let read = files.only_read("data");
    assert_eq!((read.content, &read.changed), (content("rows"), &None));
}

#[test]
fn renaming_what_was_there_makes_the_new_name_of_the_old() {
    let mut run = Script::with(&[("a", "rows"), ("b", "before")]);
    run.rename("a", "b");
    run.work();
    let files = run.files();
    assert_eq!(files.names(), ["a", "b"]);
    assert_eq!(files.only_read("a").content, content("rows"));
    assert_eq!(files.only_read("a").changed, None);
    let write = files.only_written("b");
    assert_eq!((write.content, write.created), (content("rows"), false));
    assert_eq!(files.other_names("b"), ["a"]);
    // there and back is nothing at all
    let mut run = Script::with(&[("a", "rows")]);
    run.rename("a", "b");
    run.rename("b", "a");
    assert_eq!(run.files().names(), [""; 0]);
}

#[test]
fn renamed_before_the_watcher_could_look() {
    let mut run = Script::with(&[("a", "rows")]);
    run.lagging = true;
    run.read("a");
    run.rename("a", "done");
    let rename = run.held.pop().unwrap();
    run.catch_up();
    run.work();
    run.observer.take(rename);
    run.work();
    let files = run.files();
    assert_eq!((files.read("a").content, &files.read("a").changed), (content("rows"), &None));
    assert_eq!(files.write("done").content, content("rows"));
}

#[test]
fn renaming_a_folder_moves_all_that_is_below() {
    let mut run = Script::with(&[("old/kept/c", "kept")]);
    run.mkdir("out.tmp");
    run.mkdir("out.tmp/sub");
    run.write("out.tmp/a", "A");
    run.write("out.tmp/sub/b", "B");
    run.write("out.tmp/gone", "G");
    run.unlink("out.tmp/gone");
    run.rename("out.tmp", "out");
    run.rename("old", "new");
    run.write("out/sub/b", "B2");
    let files = run.files();
    assert_eq!(files.names(), ["new/kept/c", "old/kept/c", "out.tmp/gone", "out/a", "out/sub/b"]);
    assert_eq!(files.only_written("out/a").content, content("A"));
    assert_eq!(files.only_written("out/sub/b").content, content("B2"));
    assert!(files.write("out/sub/b").created);
    assert_eq!(files.other_names("out/a"), ["out.tmp/a"]);
    // files that no event spoke of move with their folder
    assert_eq!(files.only_read("old/kept/c").content, content("kept"));
    assert_eq!((files.only_written("new/kept/c").content, files.write("new/kept/c").created), (content("kept"), true));
}

#[test]
fn a_folder_takes_the_place_of_another() {
    let mut run = Script::with(&[("out/a", "old a"), ("out/b", "old b")]);
    run.read("out/a");
    run.work();
    run.mkdir("next");
    run.write("next/a", "new a");
    run.rename("out", "out.bak");
    run.rename("next", "out");
    let files = run.files();
    let write = files.write("out/a");
    assert_eq!((write.content, write.before, write.created), (content("new a"), content("old a"), false));
    assert_eq!(files.read("out/a").content, content("old a"));
    assert_eq!(files.only_written("out.bak/a").content, content("old a"));
    assert_eq!(files.only_written("out.bak/b").content, content("old b"));
}

#[test]
fn files_made_after_a_folder_was_renamed_are_outputs_even_when_the_watcher_lags() {
    let mut run = Script::with(&[]);
    run.lagging = true;
    run.mkdir("t");
    run.rename("t", "u");
    run.write("u/f", "x");
    run.catch_up();
    let files = run.files();
    assert_eq!(files.names(), ["u/f"]);
    assert!(files.only_written("u/f").created);
}

#[test]
fn hard_links_are_one_file_with_many_names() {
    let mut run = Script::with(&[("in", "rows")]);
    fs::hard_link(run.path("in"), run.path("same")).unwrap();
    run.read("in");
    run.read("same");
    run.work();
    let files = run.files();
    assert_eq!(files.names(), ["in"]);
    assert_eq!(files.other_names("in"), ["same"]);

    // the way git writes: a temporary name, a link, the temporary name removed
    let mut run = Script::with(&[]);
    run.write("tmp", "object");
    run.link("tmp", "final");
    run.unlink("tmp");
    let files = run.files();
    assert_eq!(files.names(), ["final"]);
    assert_eq!((files.only_written("final").content, files.write("final").created), (content("object"), true));
    assert_eq!(files.other_names("final"), ["tmp"]);

    // both names stay
    let mut run = Script::with(&[("a", "rows")]);
    run.write("model-3", "weights");
    run.link("model-3", "latest");
    run.link("a", "b");
    let files = run.files();
    assert_eq!(files.names(), ["a", "b", "latest", "model-3"]);
    assert_eq!(files.only_written("latest").content, content("weights"));
    assert_eq!(files.only_written("model-3").content, content("weights"));
    assert_eq!(files.only_read("a").content, content("rows"));
    assert_eq!(files.only_written("b").content, content("rows"));
    // a rename between two names of one file does nothing
    let (stat, before) = (run.at("b"), run.at("b"));
    run.tell(PID, stat, before, What::Rename { from: "a".into(), to: "b".into() });
    assert_eq!(run.files().names(), ["a", "b", "latest", "model-3"]);
}

#[test]
fn symbolic_links_are_shown_as_named_and_where_they_lead() {
    let mut run = Script::with(&[("far/data", "rows")]);
    symlink("far", run.path("near")).unwrap();
    symlink("far/data", run.path("shortcut")).unwrap();
    run.read("near/data");
    run.symlink("far", "made");
    run.write("made/out", "x");
    run.work();
    let files = run.files();
    let root = run.root.clone();
    assert_eq!(files.only_read("near/data").content, content("rows"));
    assert_eq!(files.get("near/data").target, Some(root.join("far/data")));
    assert_eq!(files.get("made/out").target, Some(root.join("far/out")));
    // the link itself goes; the file stays
    run.unlink("shortcut");
    run.write("shortcut", "a file now");
    let files = run.files();
    assert_eq!(files.only_read("near/data").changed, None);
    assert_eq!((files.only_written("shortcut").content, files.write("shortcut").created), (content("a file now"), false));
    // a link that moves
    run.rename("made", "moved");
    run.read("moved/out");
    assert!(run.files().account.files.iter().any(|f| f.path == root.join("moved/out")));
}

#[test]
fn paths_are_resolved_from_where_a_process_stands() {
    let mut run = Script::with(&[("a/b/data", "x"), ("a/up", "y"), ("here", "z")]);
    let folder = run.path("a/b");
    run.tell(OTHER, None, None, What::Chdir { path: folder.clone() });
    let stat = run.at("a/b/data");
    run.tell(OTHER, stat, None, What::Open { path: "./data".into(), flags: 0 });
    let stat = run.at("a/up");
    run.tell(OTHER, stat, None, What::Open { path: "../up".into(), flags: 0 });
    run.tell(7, None, None, What::ForkBegin { parent: OTHER, cwd: folder });
    let stat = run.at("here");
    run.tell(7, stat, None, What::Open { path: "../../here".into(), flags: 0 });
    assert_eq!(run.files().names(), ["a/b/data", "a/up", "here"]);
}

#[test]
fn events_of_two_processes_out_of_order() {
    // the reader's open is told before the writer's
    let mut run = Script::with(&[]);
    run.lagging = true;
    run.write("shared", "x");
    run.read_by(OTHER, "shared");
    run.held.reverse();
    run.catch_up();
    let files = run.files();
    let write = files.only_written("shared");
    assert!(write.created && write.reread);
    // the reader opens the final name before the rename is told
    run.lagging = true;
    run.write("tmp", "y");
    run.rename("tmp", "final");
    run.read_by(OTHER, "final");
    let last = run.held.len() - 1;
    run.held.swap(last - 1, last);
    run.catch_up();
    let files = run.files();
    assert_eq!(files.names(), ["final", "shared"]);
    let write = files.only_written("final");
    assert!(write.created && write.reread);
    assert_eq!(files.other_names("final"), ["tmp"]);
}

#[test]
fn an_inode_number_used_again_is_another_file() {
    let mut run = Script::with(&[("in", "first")]);
    run.read("in");
    run.work();
    // the shim tells of a file that bears the number of the one that is gone
    let old = run.at("in").unwrap();
    run.unlink("in");
    fs::write(run.path("out"), "second").unwrap();
    let now = crate::event::Stat { ino: old.ino, dev: old.dev, ..run.at("out").unwrap() };
    run.tell(PID, Some(now), None, What::Open { path: "out".into(), flags: libc::O_CREAT | libc::O_WRONLY });
    let files = run.files();
    assert_eq!(files.only_read("in").content, content("first"));
    assert!(files.only_written("out").created);
}

#[test]
fn replaced_by_unseen_hands() {
    let mut run = Script::with(&[]);
    run.write("out", "mine");
    fs::write(run.path("theirs"), "theirs").unwrap();
    fs::rename(run.path("theirs"), run.path("out")).unwrap();
    let files = run.files();
    assert_eq!(files.only_written("out").content, content("theirs"));
    assert_eq!(files.blind("changed").len(), 1);
    fs::remove_file(run.path("out")).unwrap();
    let files = run.files();
    assert!(!files.write("out").removed && files.write("out").content.is_none());
}

#[test]
fn equal_runs_give_equal_accounts() {
    let told = |_: usize| {
        let mut run = Script::with(&[("in/1", "a"), ("in/2", "b"), ("cfg", "c")]);
        run.list("in");
        for path in ["in/2", "in/1", "cfg"] {
            run.read(path);
        }
        run.mkdir("out");
        run.write_by(OTHER, "out/tmp", "r");
        run.rename_by(OTHER, "out/tmp", "out/result");
        run.try_open("nothing");
        let files = run.files();
        let root = run.root.clone();
        let text = |path: &std::path::Path| path.strip_prefix(&root).unwrap().display().to_string();
        let shown: Vec<String> = files
            .account
            .files
            .iter()
            .map(|f| {
                let contents = (f.read.as_ref().map(|r| r.content), f.write.as_ref().map(|w| (w.content, w.created)));
                format!("{} {:?} {:?} {:?}", text(&f.path), f.names.iter().map(|n| text(n)).collect::<Vec<_>>(), contents, f.pids)
            })
            .collect();
        let listings: Vec<_> = files.account.listings.iter().map(|l| (text(&l.path), l.names.clone(), l.changed)).collect();
        (shown, listings, files.absent())
    };
    let first = told(0);
    assert_eq!(first.0.len(), 4);
    for round in 1..4 {
        assert_eq!(told(round), first);
    }
}
