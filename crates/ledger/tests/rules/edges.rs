//! Which file is what: places, kinds, roles, updates in place, what is folded away.

use keizu_ledger::rules::{Disk, Keeping, Peek as _, Room, keeping};
use keizu_record::Authority;
use keizu_record::body::{ArtifactKind, Role};

use crate::kit::*;

#[test]
fn kinds_and_roles_by_name() {
    let scene = Scene::of("python train.py")
        .read("train.py", b"1")
        .read("query.sql", b"2")
        .read("config.yaml", b"a: 1")
        .read("data.csv", b"3")
        .read("photo.jpg", b"4")
        .read("README.md", b"5")
        .read("thing.xyz", b"6")
        .read("/mnt/lake/big.parquet", b"7")
        .wrote("plot.png", None, b"8")
        .wrote("out.json", None, b"[]")
        .wrote("made.py", None, b"9");
    let is = |path: &str| (scene.used(path).kind, scene.used(path).role);
    assert_eq!(is("train.py"), (ArtifactKind::Code, Role::Code));
    assert_eq!(is("query.sql"), (ArtifactKind::Code, Role::Code));
    assert_eq!(is("config.yaml"), (ArtifactKind::Config, Role::Config));
    assert_eq!(is("data.csv"), (ArtifactKind::Data, Role::Input));
    assert_eq!(is("photo.jpg"), (ArtifactKind::Data, Role::Input));
    assert_eq!(is("README.md"), (ArtifactKind::Document, Role::Input));
    assert_eq!(is("thing.xyz"), (ArtifactKind::Other, Role::Input));
    assert_eq!(is("/mnt/lake/big.parquet"), (ArtifactKind::Data, Role::Input));
    assert_eq!((scene.made("plot.png").kind, scene.made("plot.png").role), (ArtifactKind::Document, Role::Output));
    assert_eq!(scene.made("out.json").kind, ArtifactKind::Data);
    assert_eq!(scene.made("made.py").kind, ArtifactKind::Code);
}

#[test]
fn a_script_without_an_extension_is_code() {
    let scene = Scene::of("bash tools/clean --fast").read("tools/clean", b"#!/bin/bash").read("tools/other", b"x");
    assert_eq!(scene.used("tools/clean").role, Role::Code);
    assert_eq!(scene.used("tools/other").role, Role::Input);
}

#[test]
fn large_or_many_settings_are_data() {
    let large = Scene::of("python t.py").read("big.json", &vec![b' '; 100_000]);
    assert_eq!((large.used("big.json").kind, large.used("big.json").role), (ArtifactKind::Data, Role::Input));
    let mut labels = Scene::of("python t.py");
    for at in 0..9 {
        labels = labels.read(&format!("labels/{at}.json"), format!("{{\"label\": {at}}}").as_bytes());
    }
    let collection = labels.used("labels/");
    assert_eq!((collection.kind, collection.role, collection.members), (ArtifactKind::Data, Role::Input, Some(9)));
}

#[test]
fn declared_roles_win() {
    let scene = Scene::of("python t.py")
        .configured("[roles]\n\"data/holdout.csv\" = \"evaluation data\"\n\"*.tpl\" = \"code\"\n[ignore]\nglobs = [\"scratch/\"]\n")
        .read("data/holdout.csv", b"1")
        .read("a.tpl", b"2")
        .read("scratch/x.csv", b"3")
        .wrote("scratch/y.csv", None, b"4");
    assert_eq!(scene.used("data/holdout.csv").role, Role::EvaluationData);
    assert_eq!((scene.used("a.tpl").kind, scene.used("a.tpl").role), (ArtifactKind::Code, Role::Code));
    assert!(!scene.edges().keys().any(|(_, path)| path.starts_with("scratch")));
}

#[test]
fn an_update_in_place_is_used_before_and_made_after() {
    let scene = Scene::of("python update.py").read("state.db", b"before").wrote("state.db", Some(b"before"), b"after");
    assert_eq!(scene.used("state.db").content, Some(content(b"before").digest));
    assert_eq!(scene.made("state.db").content, Some(content(b"after").digest));
    assert!(!scene.made("state.db").unchanged);
    let same = Scene::of("python update.py").wrote("out.csv", Some(b"same"), b"same");
    assert!(same.made("out.csv").unchanged);
}

#[test]
fn what_is_gone_again_is_an_intermediate() {
    let scene = Scene::of("python t.py").fleeting("part.csv", Some(b"rows")).fleeting("/tmp/abc", None);
    let part = scene.made("part.csv");
    assert_eq!((part.role, part.removed, part.content), (Role::Intermediate, true, Some(content(b"rows").digest)));
    assert!(!scene.edges().contains_key(&(true, "/tmp/abc".into())));
}

#[test]
fn what_changed_or_was_not_seen_says_so() {
    let scene = Scene::of("python t.py").read("a.csv", b"1").read("b.csv", b"2").change(|account| {
        account.files[0].read.as_mut().unwrap().changed = Some("changed during the run".into());
        let read = account.files[1].read.as_mut().unwrap();
        (read.content, read.unseen) = (None, Some("permission denied".into()));
    });
    assert_eq!(scene.used("a.csv").changed.as_deref(), Some("changed during the run"));
    let unseen = scene.used("b.csv");
    assert_eq!((unseen.content, unseen.unseen.as_deref()), (None, Some("permission denied")));
}

#[test]
fn a_compiled_file_stands_for_its_source() {
    let header =
        |seconds: u32, size: u32| [&[0xa7, 0x0d, 0x0d, 0x0a, 0, 0, 0, 0][..], &seconds.to_le_bytes(), &size.to_le_bytes()].concat();
    let warm = Scene::of("python t.py")
        .beside("lib/common.py", b"source")
        .read("lib/__pycache__/common.cpython-311.pyc", &header(1_700_000_000, 6));
    let edge = warm.used("lib/common.py");
    assert_eq!((edge.content, edge.role, edge.changed.clone()), (Some(content(b"source").digest), Role::Code, None));
    assert_eq!((edge.authority, edge.rule.as_deref()), (Authority::Inferred, Some("source of a compiled file")));
    assert!(!warm.edges().keys().any(|(_, path)| path.ends_with(".pyc")));

    let stale = Scene::of("python t.py")
        .beside("lib/common.py", b"edited since")
        .read("lib/__pycache__/common.cpython-311.pyc", &header(1_700_000_000, 6));
    assert!(stale.used("lib/common.py").changed.is_some());

    let cold =
        Scene::of("python t.py").read("lib/common.py", b"source").read("lib/__pycache__/common.cpython-311.pyc", &header(1_700_000_000, 6));
    assert_eq!(cold.used("lib/common.py").authority, Authority::Observed);

    let bare = Scene::of("python t.py").read("lib/__pycache__/gone.cpython-311.pyc", &header(1, 1));
    assert!(
        bare.edges().contains_key(&(false, "lib/__pycache__/gone.cpython-311.pyc".into())),
        "without a source the compiled file itself is named"
    );
}

#[test]
fn keizus_and_gits_own_files_are_no_inputs() {
    let scene =
        Scene::of("git status").read(".git/HEAD", b"ref").read(".keizu/x", b"y").wrote(".git/index", None, b"z").read(".gitignore", b"w");
    let paths: Vec<String> = scene.edges().into_keys().map(|(_, path)| path).filter(|path| path.starts_with('.')).collect();
    assert_eq!(paths, [".gitignore"]);
}

#[test]
fn what_is_kept() {
    let kept = |path: &str, size: u64, toml: &str| {
        keeping(&path.into(), size, &keizu_ledger::config::Config::parse(toml).unwrap()) != Keeping::Never
    };
    assert!(kept("train.py", 100_000, ""));
    assert!(kept("config.yaml", 100, ""));
    assert!(kept("small.csv", 16 << 20, ""));
    assert!(!kept("large.csv", 17 << 20, ""));
    assert!(kept("holdout.parquet", 900 << 20, "[roles]\n\"holdout.*\" = \"evaluation data\""), "by it the measure is explained");
    assert!(kept("models/delay.joblib", 500 << 20, ""));
    assert!(!kept("models/delay.joblib", 2 << 30, ""));
    assert!(!kept("models/delay.joblib", 500 << 20, "[keep]\nmodels_max = \"1 MiB\""));
    assert!(kept("large.csv", 70 << 20, "[keep]\nglobs = [\"*.csv\"]"));
    assert!(!kept("train.py", 10, "[keep]\nnever = [\"*.py\"]"));
    assert!(!kept("/usr/share/x.csv", 10, ""));
    for secret in [".env", ".env.production", "conf/id_rsa", "server.pem", "client_secret.json", ".netrc", "credentials"] {
        assert!(!kept(secret, 10, "[keep]\nglobs = [\"**\"]"), "{secret}");
    }
    assert!(kept(".env.example", 10, "") && kept("secret_santa.py", 10, ""));
    assert!(!kept("x.yaml", 10, "[redact]\npaths = [\"x.yaml\"]"));
}

#[test]
fn small_files_are_kept_while_there_is_room() {
    let config = keizu_ledger::config::Config::parse("[keep]\nsmall_total = \"1 KiB\"").unwrap();
    let room = Room::default();
    assert!(room.keeps(&"a.csv".into(), 600, &config));
    assert!(!room.keeps(&"b.csv".into(), 600, &config), "the room is taken");
    assert!(room.keeps(&"c.csv".into(), 424, &config), "what fits is kept");
    assert!(room.keeps(&"train.py".into(), 600, &config), "code needs no room");
    let crowd = Room::default();
    let kept = (0..1_500).filter(|n| crowd.keeps(&format!("d/{n}.csv").as_str().into(), 0, &config)).count();
    assert_eq!(kept, 1_000);
}

#[test]
fn what_was_installed_is_not_kept() {
    let kept = |path: &str| keeping(&path.into(), 100, &keizu_ledger::config::Config::default()) != Keeping::Never;
    for path in [
        "/usr/lib/python3.11/os.py",
        ".venv/lib/python3.11/site-packages/pandas/core.py",
        "env/lib/python3.11/site-packages/x.py",
        "/root/.pyenv/versions/3.11.7/lib/python3.11/os.py",
        "/opt/miniforge/lib/python3.12/os.py",
        "/home/aki/.config/x.yaml",
        "node_modules/x/index.js",
        "pkg/__pycache__/x.cpython-311.pyc",
    ] {
        assert!(!kept(path), "{path}");
    }
    for path in ["/home/aki/shared/lib.py", "lib/tools.py", ".github/workflows/ci.yml", "train.py"] {
        assert!(kept(path), "{path}");
    }
}

#[test]
fn a_way_round_by_a_symbolic_link_leads_into_the_project() {
    let scene = Scene::of("python t.py").read("/home/link/a.csv", b"1").read("b.csv", b"2").change(|account| {
        account.files[0].target = Some(format!("{ROOT}/a.csv").into());
        account.files[1].target = Some("/mnt/lake/b.csv".into());
    });
    assert_eq!(scene.used("a.csv").target, None);
    assert_eq!(scene.used("b.csv").target, Some("/mnt/lake/b.csv".into()));
}

#[test]
fn the_disk_gives_only_what_the_account_names() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.csv");
    fs_err::write(&path, b"rows").unwrap();
    assert!(Disk.open(&path, &content(b"rows")).is_some());
    assert!(Disk.open(&path, &content(b"ROWS")).is_none(), "the same size, another content");
    assert!(Disk.open(&path, &content(b"row")).is_none());
    assert!(Disk.open(folder.path(), &content(b"")).is_none());
    assert_eq!(Disk.look(&path).map(|look| look.content), Some(content(b"rows")));
    assert!(Disk.look(&folder.path().join("gone")).is_none());
}
