use std::collections::BTreeMap;

use insta::assert_snapshot;
use keizu_ledger::answer::{BlindRow, EnvironmentDetail, GitDetail};
use serde_json::json;

use super::*;
use crate::render::names::Trusting;

fn file(path: &str, kind: &str, role: &str, size: u64) -> FileRow {
    FileRow {
        path: path.into(),
        digest: Some(keizu_record::Digest::of(path.as_bytes()).to_string()),
        size: Some(size),
        kind: kind.into(),
        role: role.into(),
        authority: "observed".into(),
        ..FileRow::default()
    }
}

fn trained() -> RunDetail {
    let packages: BTreeMap<String, String> =
        [("scikit-learn", "1.9.1"), ("pandas", "3.0.1")].map(|(a, b)| (a.to_owned(), b.to_owned())).into();
    RunDetail {
        id: format!("run:{}", "3f".repeat(16)),
        name: None,
        status: "finished".into(),
        exit_code: Some(0),
        signal: None,
        command: ["python", "train.py", "--depth", "6"].map(str::to_owned).to_vec(),
        cwd: ".".into(),
        project: "flights".into(),
        user: "aki".into(),
        host: "laptop".into(),
        started_at: "2026-11-24T11:55:19Z".into(),
        ended_at: Some("2026-11-24T11:56:00Z".into()),
        git: Some(GitDetail {
            commit: "4c1f2e7aa0".into(),
            branch: "main".into(),
            dirty: true,
            diff: None,
            changed: [("train.py".to_owned(), (3, 1))].into(),
        }),
        environment: Some(EnvironmentDetail { digest: String::new(), python: Some("3.11.7".into()), packages, document: None }),
        params: [("depth".to_owned(), json!(6)), ("config.yaml:learning_rate".to_owned(), json!(0.1))].into(),
        params_by: BTreeMap::new(),
        metrics: BTreeMap::new(),
        tags: BTreeMap::new(),
        inputs: vec![
            FileRow { members: Some(365), ..file("daily/", "data", "input", 29_000_000) },
            file("features/train.parquet", "data", "input", 31_000_000),
            FileRow { changed: Some("changed during the run".into()), ..file("config.yaml", "config", "config", 220) },
        ],
        outputs: vec![
            FileRow {
                format: Some("sklearn".into()),
                authority: "declared".into(),
                ..file("models/delay.joblib", "model", "output", 1_200_000)
            },
            FileRow { removed: true, ..file("models/.tmp", "other", "intermediate", 1) },
        ],
        code: vec![file("common.py", "code", "code", 900), file("train.py", "code", "code", 1_400)],
        listings: vec![FileRow { members: Some(365), size: None, ..file("daily/", "other", "listing", 0) }],
        absent: vec!["config.local.yaml".into()],
        processes: vec![ProcessRow {
            pid: 4_242,
            ppid: 1,
            argv: ["/usr/bin/python", "train.py", "--depth", "6"].map(str::to_owned).to_vec(),
            exe: "/usr/bin/python3.11".into(),
            exit_code: Some(0),
            started_at: "2026-11-24T11:55:19Z".into(),
            ended_at: Some("2026-11-24T11:56:00Z".into()),
            watched: true,
        }],
        names: vec!["model:delay@v3".into()],
        parent: None,
        children: Vec::new(),
        blind_spots: Vec::new(),
        coverage: Some(1.0),
        judged: Vec::new(),
    }
}

fn draw(run: &RunDetail, parts: Parts, width: usize) -> String {
    page(run, parts, &Trusting, &Look::fixed(width)).paint(false)
}

#[test]
fn a_run_on_one_screen() {
    assert_snapshot!(draw(&trained(), Parts::default(), 90), @r"
    run:3f3f3f  finished · 41 s · 4 min ago · by aki on laptop
    python train.py --depth 6

    made      models/delay.joblib            model, sklearn  (declared)              1.2 MB
              and 1 passing file of its own
    from      daily/  365 files              data                                     29 MB
              features/train.parquet         data                                     31 MB
              config.yaml                    config          changed during the run   220 B
    named     model:delay@v3
    code      common.py, train.py  @4c1f2e7 main +3 −1 uncommitted
    params    config.yaml:learning_rate 0.1 · depth 6
    env       Python 3.11.7 · scikit-learn 1.9.1 · pandas 3.0.1 · 2 packages

    more: --all every line · --files every file, folder and program
    ");
}

#[test]
fn every_file() {
    assert_snapshot!(draw(&trained(), Parts { files: true, all: false }, 90), @r"
    run:3f3f3f  finished · 41 s · 4 min ago · by aki on laptop
    python train.py --depth 6

    made      models/delay.joblib     model, sklearn  (declared)              d0434211  1.2 MB
              models/.tmp             intermediate    gone                    47845249     1 B
    from      daily/  365 files       data                                    8186b865   29 MB
              features/train.parquet  data                                    6e690fdc   31 MB
              config.yaml             config          changed during the run  4e8a473a   220 B
    code      common.py               code                                    6e68e905   900 B
              train.py                code                                    4b7641bc  1.4 kB
    listed    daily/  365 files       other                                   8186b865
    named     model:delay@v3
    code      @4c1f2e7 main +3 −1 uncommitted
    params    config.yaml:learning_rate 0.1 · depth 6
    env       Python 3.11.7 · scikit-learn 1.9.1 · pandas 3.0.1 · 2 packages
    not there config.local.yaml

    programs  4242  41 s  python train.py --depth 6
    ");
}

#[test]
fn narrow() {
    assert_snapshot!(draw(&trained(), Parts::default(), 56), @r"
    run:3f3f3f  finished · 41 s · 4 min ago · by aki on laptop
    python train.py --depth 6

    made      …/delay.joblib     (declared)              1.2 MB
              and 1 passing fi…
    from      daily/  365 files                           29 MB
              …/train.parquet                             31 MB
              config.yaml        changed during the run   220 B
    named     model:delay@v3
    code      common.py and 1 more  @4c1f2e7 main +3 −1 uncommitted
    params    config.yaml:learning_rate 0.1 · depth 6
    env       Python 3.11.7 · 2 packages

    more: --all every line ·
          --files every file, folder and program
    ");
}

#[test]
fn many_inputs_are_cut() {
    let inputs = (1..=30).map(|n| file(&format!("parts/{n:02}.csv"), "data", "input", n)).collect();
    let failed = RunDetail { inputs, outputs: Vec::new(), status: "failed".into(), exit_code: Some(1), cwd: "sub".into(), ..trained() };
    assert_snapshot!(draw(&failed, Parts::default(), 90), @r"
    run:3f3f3f  failed (exit 1) · 41 s · 4 min ago · by aki on laptop
    python train.py --depth 6  in sub

    from      parts/01.csv  data  cd2d7d9f  1 B
              parts/02.csv  data  2b6ce3a1  2 B
              parts/03.csv  data  2cf111be  3 B
              parts/04.csv  data  4aa96362  4 B
              parts/05.csv  data  0a088f48  5 B
              parts/06.csv  data  6d2a2fce  6 B
              parts/07.csv  data  ad83bdb3  7 B
              parts/08.csv  data  bc37b875  8 B
              … 22 more
    named     model:delay@v3
    code      common.py, train.py  @4c1f2e7 main +3 −1 uncommitted
    params    config.yaml:learning_rate 0.1 · depth 6
    env       Python 3.11.7 · scikit-learn 1.9.1 · pandas 3.0.1 · 2 packages

    more: --all every line · --files every file, folder and program
    ");
}

#[test]
fn blind_spots_in_full() {
    let spot = |kind: &str, detail: &str| BlindRow { kind: kind.into(), detail: detail.into() };
    let run = RunDetail {
        blind_spots: vec![
            spot("static", "/usr/local/bin/jq is a static program: what it read and wrote was not seen"),
            spot("survivor", "daemon (pid 77) was still running when the run ended"),
        ],
        coverage: Some(0.987),
        ..trained()
    };
    assert_snapshot!(blind(&run, &Trusting, &Look::fixed(60)).paint(false), @r"
    run:3f3f3f  2 blind spots; 98.7 % was seen
    static    /usr/local/bin/jq is a static program: what it
              read and wrote was not seen
    survivor  daemon (pid 77) was still running when the run
              ended
    ");
    assert_snapshot!(blind(&trained(), &Trusting, &Look::fixed(60)).paint(false), @"run:3f3f3f  no blind spots; 100.0 % was seen");
}
