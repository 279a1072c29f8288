use std::collections::BTreeMap;

use insta::assert_snapshot;
use keizu_ledger::impact::Deployment;

use super::*;
use crate::render::names::Trusting;

fn hit(kind: &'static str, name: &str, at: &str) -> Hit {
    Hit {
        id: format!("write:{name}"),
        root: false,
        kind,
        name: name.into(),
        digest: Some("b3:77".into()),
        project: Some("flights".into()),
        path: None,
        size: Some(31_000_000),
        members: None,
        at: Some(format!("2026-11-24T{at}:00Z")),
        bucket: Bucket::Accessible,
        runs: 1,
        command: Vec::new(),
        versions: if name.contains('@') { vec![name.into()] } else { Vec::new() },
        aliases: Vec::new(),
        deployments: Vec::new(),
        owners: Vec::new(),
        columns: Vec::new(),
        authority: None,
        rule: None,
        way: None,
    }
}

fn story() -> Vec<Hit> {
    let live = Deployment {
        id: "deployment:0a".into(),
        name: Some("api.example.org".into()),
        live: true,
        since: "2026-11-20T12:00:00Z".into(),
        owners: vec!["party:operations".into()],
    };
    let way = ["daily/2013-10-01.csv", "run:9f964300aabb", "features/train.parquet", "run:a458cf00aabb", "model:delay@v3"];
    let way = Some(way.map(str::to_owned).to_vec());
    vec![
        Hit { root: true, ..hit("data", "daily/2013-10-01.csv", "09:00") },
        Hit { command: vec!["/usr/bin/python3".into(), "features.py".into()], ..hit("run", "run:9f964300aabb", "11:00") },
        hit("data", "features/train.parquet", "11:01"),
        Hit { bucket: Bucket::Deleted, ..hit("data", "features/2025/backfill/holdout.parquet", "11:01") },
        Hit { path: Some("models/delay.joblib".into()), ..hit("model", "model:delay@v2", "11:20") },
        Hit {
            path: Some("models/delay.joblib".into()),
            aliases: vec!["champion".into()],
            owners: vec!["party:lab".into()],
            deployments: vec![live],
            way,
            ..hit("model", "model:delay@v3", "11:40")
        },
        hit("evaluation", "eval.json", "11:56"),
        Hit { authority: Some("inferred"), rule: Some("same content".into()), ..hit("data", "export/scores.csv", "11:57") },
        hit("document", "report.html", "11:58"),
        hit("document", "plot.png", "11:58"),
    ]
}

fn numbers(hits: &[Hit]) -> Impact {
    let mut told = Impact::default();
    for hit in hits.iter().filter(|hit| !hit.root) {
        told.count += 1;
        *told.kinds.entry(hit.kind).or_default() += 1;
        *told.buckets.entry(hit.bucket.word()).or_default() += 1;
    }
    told
}

fn drawn(hits: Vec<Hit>, told: &Impact, look: &Look) -> String {
    let mut gathered = Gathered::default();
    hits.into_iter().for_each(|hit| gathered.add(hit));
    page(&gathered, told, "daily/2013-10-01.csv", &Trusting, look).paint(false)
}

#[test]
fn what_matters_comes_first() {
    let hits: Vec<Hit> = story().into_iter().map(|hit| Hit { way: None, ..hit }).collect();
    let told = numbers(&hits);
    assert_snapshot!(drawn(hits, &told, &Look::fixed(100)), @r"
    daily/2013-10-01.csv  touches 2 models, 1 of them live, and 6 other things, through 1 run

    live         model:delay@v3 at api.example.org       party:operations          for 4 days
    models       model:delay@v3 (champion)               party:lab                 20 min ago
                 model:delay@v2                                                    40 min ago
    evaluations  eval.json                                                          4 min ago
    data         features/train.parquet                                            59 min ago
                 features/2025/backfill/holdout.parquet  deleted                   59 min ago
                 export/scores.csv                       (inferred: same content)   3 min ago

    also  2 documents
    1 deleted  no longer there, and not kept
    how each is reached: --paths   every one: --all
    ");
}

#[test]
fn a_narrow_page_with_ways() {
    let hits = story();
    let told = numbers(&hits);
    assert_snapshot!(drawn(hits, &told, &Look::fixed(60)), @r"
    daily/2013-10-01.csv  touches 2 models, 1 of them live, and 6 other things, through 1 run

    live         model:delay@v3 at api.example.org  party:operations
    models       model:delay@v3 (champion)          party:lab
                 model:delay@v2
    evaluations  eval.json
    data         features/train.parquet
                 features/…/holdout.parquet         deleted
                 export/scores.csv                  (inferred: same content)

    reached over
      daily/2013-10-01.csv → run:9f9643 → features/train.parquet
        → run:a458cf → model:delay@v3

    also  2 documents
    1 deleted  no longer there, and not kept
    how each is reached: --paths   every one: --all
    ");
}

#[test]
fn nothing_is_touched() {
    assert_snapshot!(drawn(Vec::new(), &Impact::default(), &Look::fixed(80)), @"daily/2013-10-01.csv  touches nothing that was recorded");
}

#[test]
fn many_are_cut_and_what_is_live_stays() {
    let mut hits: Vec<Hit> = (0..400).map(|n| hit("model", &format!("model:m{n}@v1"), "11:00")).collect();
    hits.push(story().remove(5));
    let told = numbers(&hits);
    let text = drawn(hits, &told, &Look::fixed(100));
    assert!(text.contains("401 models, 1 of them live") && text.contains("… 389 more (--all)"), "{text}");
    assert!(text.contains("models  model:delay@v3 (champion)"), "{text}");
    assert!(text.lines().count() < 25, "{text}");
}

#[test]
fn what_cannot_be_had_is_counted() {
    let told = Impact {
        count: 7,
        kinds: BTreeMap::from([("data", 7)]),
        buckets: BTreeMap::from([("accessible", 0), ("hidden", 1), ("deleted", 2), ("faulty", 4)]),
        unreadable: vec!["entry 412 of log laptop can't be read: a field is cut".into()],
    };
    assert_snapshot!(sum(&told, &Look::fixed(80)).paint(false), @r"

    7 in all  7 data
    1 hidden  you may not see them
    2 deleted  no longer there, and not kept
    4 faulty  content not seen, or not readable
    can't be read  entry 412 of log laptop can't be read: a field is cut
    what is touched through these records is not known: keizu verify
    ");
}

#[test]
fn each_hit_is_a_line() {
    let lines: String = story().iter().map(|hit| line(hit, &Trusting, &Look::fixed(80)).paint(false)).collect();
    assert_snapshot!(lines, @r"
    data        daily/2013-10-01.csv
    run         run:9f9643  python3 features.py
    data        features/train.parquet
    data        features/2025/backfill/holdout.parquet  deleted
    model       model:delay@v2
    model       model:delay@v3 (champion)  live at api.example.org  party:lab
                  daily/2013-10-01.csv → run:9f9643 → features/train.parquet
                    → run:a458cf → model:delay@v3
    evaluation  eval.json
    data        export/scores.csv  (inferred: same content)
    document    report.html
    document    plot.png
    ");
}
