//! Many files of one folder are one edge, and nothing is lost in it.

use std::collections::{BTreeMap, BTreeSet};

use keizu_record::body::{ArtifactKind, Role};
use keizu_record::manifest::{Manifest, Member, Names};
use keizu_record::{Digest, FilePath};
use proptest::prelude::*;

use crate::kit::*;

fn days(mut scene: Scene, folder: &str, count: usize) -> Scene {
    for day in 0..count {
        scene = scene.read(&format!("{folder}/{day:03}.csv"), format!("day {day}").as_bytes());
    }
    scene
}

#[test]
fn a_folder_of_days_is_one_edge() {
    let scene =
        days(Scene::of("python features.py"), "data/daily", 365).read("data/weather.csv", b"rain").read("data/planes.csv", b"wings");
    let edge = scene.used("data/daily/");
    assert_eq!((edge.members, edge.kind, edge.role), (Some(365), ArtifactKind::Data, Role::Input));
    let members = manifest(&scene.prepare(), edge.content.unwrap());
    assert_eq!(members.0[&FilePath::from("007.csv")], Member { size: 5, digest: Digest::of(b"day 7") });
    assert_eq!(edge.size, Some(members.size()));
    assert!(scene.used("data/weather.csv").members.is_none());
}

#[test]
fn the_same_folder_read_whole_by_two_runs_is_one_node() {
    let names: Vec<String> = (0..20).map(|day| format!("{day:03}.csv")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let one = days(Scene::of("python a.py"), "daily", 20).listed("daily", &names);
    let two = days(Scene::of("python b.py").read("x.csv", b"x"), "daily", 20);
    assert_eq!(one.used("daily/").content, two.used("daily/").content);
}

#[test]
fn a_tree_that_was_listed_and_read_whole_is_one_at_its_top() {
    let tree = |scene: Scene| days(days(scene, "images/cat", 10), "images/dog", 10);
    let apart = tree(Scene::of("python t.py"));
    assert_eq!((apart.used("images/cat/").members, apart.used("images/dog/").members), (Some(10), Some(10)));
    let names: Vec<String> = (0..10).map(|day| format!("{day:03}.csv")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let listed = |scene: Scene| scene.listed("images", &["cat/", "dog/"]).listed("images/cat", &names).listed("images/dog", &names);
    assert_eq!(listed(tree(Scene::of("python t.py"))).used("images/").members, Some(20));
    // one picture was listed and not read
    let part = tree(Scene::of("python t.py")).listed("images", &["cat/", "dog/", "readme.bin"]);
    assert_eq!(part.used("images/cat/").members, Some(10));
}

#[test]
fn shards_are_one_collection() {
    let mut scene = Scene::of("python t.py");
    for at in 0..40 {
        scene = scene.read(&format!("store/{:02x}/{at}.bin", at * 5), b"x");
    }
    assert_eq!(scene.used("store/").members, Some(40));
}

#[test]
fn few_files_and_unclean_ones_stand_alone() {
    let scene = days(Scene::of("python t.py"), "daily", 7);
    assert!(scene.used("daily/003.csv").members.is_none());
    let scene = days(Scene::of("python t.py"), "daily", 12).change(|account| {
        account.files[3].read.as_mut().unwrap().changed = Some("changed during the run".into());
    });
    assert_eq!(scene.used("daily/").members, Some(11));
    assert!(scene.used("daily/003.csv").changed.is_some());
}

#[test]
fn code_folds_only_in_crowds_and_outputs_fold_too() {
    let mut scene = Scene::of("python t.py");
    for at in 0..19 {
        scene = scene.read(&format!("pkg/m{at}.py"), b"x");
    }
    assert!(scene.used("pkg/m3.py").members.is_none());
    let mut scene = scene.read("pkg/m19.py", b"x");
    for at in 0..12 {
        scene = scene.wrote(&format!("daily/{at}.csv"), None, b"x").wrote(&format!("same/{at}.csv"), Some(b"x"), b"x");
    }
    assert_eq!((scene.used("pkg/").members, scene.used("pkg/").role), (Some(20), Role::Code));
    assert_eq!((scene.made("daily/").members, scene.made("daily/").role), (Some(12), Role::Output));
    assert!(!scene.made("daily/").unchanged && scene.made("same/").unchanged);
}

#[test]
fn listings_and_absences() {
    let scene = Scene::of("python t.py")
        .with_python()
        .listed("daily", &["a.csv", "b.csv"])
        .listed(".venv/lib", &["x"])
        .listed("/usr/lib", &["y"])
        .read("train.py", b"x")
        .listed("", &["train.py"])
        .change(|account| account.absent = ["/home/aki/flights/b.yaml".into(), "/home/aki/flights/a.yaml".into()].to_vec());
    let edge = scene.used("daily/*");
    assert_eq!((edge.role, edge.members), (Role::Listing, Some(2)));
    let prepared = scene.prepare();
    let names = |digest: Digest| Names::decode(&prepared.documents.iter().find(|(known, _)| *known == digest).unwrap().1).unwrap();
    assert_eq!(names(edge.content.unwrap()).0, ["a.csv".into(), "b.csv".into()].into());
    let absent = scene.used("(absent)");
    assert_eq!(names(absent.content.unwrap()).0, ["a.yaml".into(), "b.yaml".into()].into());
    let listings: Vec<String> =
        scene.edges().into_iter().filter(|(_, edge)| edge.role == Role::Listing).map(|((_, path), _)| path).collect();
    assert_eq!(listings, ["./*", "daily/*"]);
    let import = prepared.records.iter().find(|record| record.path("path") == Some("./".into())).unwrap();
    assert_eq!(import.text("by"), Some("import path"));
}

#[test]
fn a_folder_of_packages_is_listed_by_the_import() {
    let by = |scene: Scene, folder: &str| {
        let prepared = scene.prepare();
        let listing = prepared.records.iter().find(|record| record.path("path") == Some(folder.into())).unwrap();
        listing.text("by").map(str::to_owned)
    };
    let package =
        || Scene::of("python -m pkg.train").with_python().read("pkg/train.py", b"x").listed("", &["pkg"]).listed("raw", &["a.csv"]);
    assert_eq!(by(package(), "./").as_deref(), Some("import path"), "asked for by -m, without an __init__.py");
    assert_eq!(by(package(), "raw/"), None);
    let imported = Scene::of("python main.py").with_python().read("src/pkg/__init__.py", b"x").listed("src", &["pkg"]);
    assert_eq!(by(imported, "src/").as_deref(), Some("import path"));
    let script = Scene::of("python src/main.py").with_python().read("src/main.py", b"x").listed("", &["src"]);
    assert_eq!(by(script, "./"), None, "a folder above the script's is the program's own question");
}

#[test]
fn what_was_removed_from_a_folder_is_a_collection_of_its_own() {
    let mut scene = Scene::of("python t.py");
    for number in 0..8 {
        scene = scene.wrote(&format!("a/{number}.csv"), None, b"left").fleeting(&format!("a/{number}.tmp"), Some(b"gone"));
    }
    let found: Vec<(bool, Option<u64>)> = every_edge(&scene.prepare().records)
        .into_iter()
        .filter(|((made, path), _)| *made && path == "a/")
        .map(|(_, edge)| (edge.removed, edge.members))
        .collect();
    assert_eq!(found, [(false, Some(8)), (true, Some(8))]);
    assert_eq!(places(&scene).len(), 16);
}

/// Where each file of an account went, a side at a time.
fn places(scene: &Scene) -> BTreeMap<(bool, String), usize> {
    let prepared = scene.prepare();
    let mut found: BTreeMap<(bool, String), usize> = BTreeMap::new();
    let mut count = |made: bool, path: String| *found.entry((made, path)).or_insert(0) += 1;
    for ((made, path), edge) in every_edge(&prepared.records) {
        match (edge.members, edge.content, edge.role) {
            (_, _, Role::Listing | Role::Absent | Role::Environment) => {}
            (Some(_), Some(content), _) => {
                let folder = path.trim_start_matches("./");
                manifest(&prepared, content).0.keys().for_each(|member| count(made, format!("{folder}{member}")));
            }
            (Some(_), None, _) => {}
            _ => count(made, path),
        }
    }
    for record in &prepared.records {
        if let Some(files) = record.bytes("files").and_then(Digest::from_slice) {
            manifest(&prepared, files).0.keys().for_each(|member| count(false, format!("/{member}")));
        }
    }
    found
}

/// What the account document says of the rest: of files read and written alike.
fn folded(scene: &Scene) -> BTreeSet<String> {
    let prepared = scene.prepare();
    let documents = prepared.documents.iter().filter_map(|(_, bytes)| serde_json::from_slice::<serde_json::Value>(bytes).ok());
    let account = documents.into_iter().find(|value| value.get("processes").is_some()).unwrap();
    let lists = account["folded"].as_object().unwrap().values().chain([&account["removed"], &account["environment_unread"]]);
    lists.flat_map(|list| list["paths"].as_array().unwrap()).map(|path| path.as_str().unwrap().to_owned()).collect()
}

fn any_scene() -> impl Strategy<Value = Scene> {
    let folder = prop::sample::select(vec!["", "a/", "a/b/", "a/c/", "d/", "/mnt/x/", "/usr/lib/", "/tmp/", ".git/", "__pycache__/", "m/"]);
    let name = prop::sample::select(vec!["csv", "py", "json", "png", "pkl", "cpython-311.pyc", "MLmodel", "bin"]);
    let file = (folder, 0..24u8, name, 0..9u8);
    let listed = prop::collection::btree_set(prop::sample::select(vec!["a", "a/b", "d", ""]), 0..3);
    (prop::collection::vec(file, 0..120), listed).prop_map(|(files, listed)| {
        let mut scene = Scene::of("python 3.py").with_python();
        for (folder, number, extension, how) in files {
            let path = if extension == "MLmodel" { format!("{folder}MLmodel") } else { format!("{folder}{number}.{extension}") };
            let bytes = [number, how];
            scene = match how {
                0..=3 => scene.read(&path, &bytes),
                4 | 5 => scene.wrote(&path, None, &bytes),
                6 => scene.read(&path, &bytes).wrote(&path, Some(&bytes), b"new"),
                7 => scene.fleeting(&path, Some(&bytes)),
                _ => scene.fleeting(&path, None),
            };
        }
        for folder in listed {
            scene = scene.listed(folder, &["1.csv", "2.csv", "b/", "c/"]);
        }
        scene
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn every_file_is_in_exactly_one_place(scene in any_scene()) {
        let (found, folded) = (places(&scene), folded(&scene));
        for file in &scene.account.files {
            let path = FilePath::new(std::os::unix::ffi::OsStrExt::as_bytes(file.path.strip_prefix(ROOT).unwrap_or(&file.path).as_os_str())).to_string();
            let apart = usize::from(folded.contains(&path));
            for (made, there) in [(false, file.read.is_some()), (true, file.write.is_some())] {
                let times = found.get(&(made, path.clone())).copied().unwrap_or(0);
                prop_assert!(times <= 1, "{path} {made}: {times} times");
                prop_assert!(!there || times + apart >= 1, "{path} {made}: lost");
                prop_assert!(there || times == 0, "{path} {made}: made up");
            }
        }
        let known: usize = found.values().sum();
        prop_assert!(known <= 2 * scene.account.files.len());
    }

    #[test]
    fn the_order_of_the_files_changes_nothing(scene in any_scene(), seed in any::<u64>()) {
        let edges = scene.edges();
        let mut turned = scene;
        let count = turned.account.files.len().max(1);
        turned.account.files.rotate_left(seed as usize % count);
        prop_assert_eq!(edges, turned.edges());
    }

    #[test]
    fn manifests_hold_what_was_read(count in 8..40usize) {
        let scene = days(Scene::of("python t.py"), "daily", count);
        let expected = Manifest((0..count).map(|day| {
            let bytes = format!("day {day}");
            (FilePath::from(format!("{day:03}.csv").as_str()), Member { size: bytes.len() as u64, digest: Digest::of(bytes.as_bytes()) })
        }).collect());
        prop_assert_eq!(scene.used("daily/").content, Some(expected.digest()));
    }
}
