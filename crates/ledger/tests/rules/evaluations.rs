//! Evaluations: what they measure, and on what.

use keizu_record::body::{ArtifactKind, Role};
use keizu_record::{Group, Kind, NodeId, Value};

use crate::kit::*;

fn metrics(scene: &Scene, of_run: bool) -> Vec<String> {
    let prepared = scene.prepare();
    let records =
        prepared.records.iter().filter(|record| record.kind == Kind::Described && matches!(record.subject, NodeId::Run(_)) == of_run);
    let all = records.flat_map(|record| {
        record
            .group(Group::Metric)
            .map(|(key, value)| match value {
                Value::Float(float) => format!("{key}={float}"),
                Value::Int(int) => format!("{key}={int}"),
                other => panic!("{other:?}"),
            })
            .collect::<Vec<_>>()
    });
    all.collect()
}

fn evaluation() -> Scene {
    Scene::of("python evaluate.py")
        .read("evaluate.py", b"x")
        .read("models/delay.joblib", &fixture("models/forest.joblib"))
        .read("features/holdout.parquet", b"PAR1 rows")
        .read("config.yaml", b"a: 1")
        .wrote("eval.json", None, b"{\"auc\": 0.741, \"n\": 27004, \"by\": {\"EV\": 0.7}, \"model\": \"delay\"}")
}

#[test]
fn a_document_of_numbers_beside_a_model_is_an_evaluation() {
    let scene = evaluation();
    assert_eq!(scene.made("eval.json").kind, ArtifactKind::Evaluation);
    assert_eq!(metrics(&scene, true), ["auc=0.741", "by.EV=0.7", "n=27004"]);
    assert_eq!(metrics(&scene, false), metrics(&scene, true));
    assert_eq!(scene.used("features/holdout.parquet").role, Role::EvaluationData);
    assert_eq!(scene.used("models/delay.joblib").role, Role::Input);
    assert_eq!(scene.used("config.yaml").role, Role::Config);
    assert_eq!(scene.used("evaluate.py").role, Role::Code);
}

#[test]
fn a_run_that_trains_and_measures_keeps_its_training_data_apart() {
    let scene = Scene::of("python all.py")
        .read("data/train.csv", b"1")
        .read("data/test.csv", b"2")
        .wrote("model.joblib", None, &fixture("models/forest.joblib"))
        .wrote("metrics.csv", None, b"metric,value\nauc,0.7\nf1,0.5\n");
    assert_eq!(scene.used("data/train.csv").role, Role::Input);
    assert_eq!(scene.used("data/test.csv").role, Role::EvaluationData);
    assert_eq!(metrics(&scene, true), ["auc=0.7", "f1=0.5"]);
}

#[test]
fn what_only_looks_like_one_is_none() {
    let no_model = Scene::of("python count.py").read("a.csv", b"1").wrote("counts.json", None, b"{\"rows\": 3}");
    assert_eq!(no_model.made("counts.json").kind, ArtifactKind::Data);
    let model = || Scene::of("python t.py").read("m.joblib", &fixture("models/forest.joblib"));
    for (path, text) in [
        ("words.json", "{\"a\": \"x\", \"b\": \"y\", \"c\": 1}"),
        ("list.json", "[1, 2, 3]"),
        ("config.json", "{\"hidden_size\": 768}"),
        ("vocab.json", "{\"the\": 1, \"a\": 2}"),
        ("broken.json", "{"),
    ] {
        assert_ne!(model().wrote(path, None, text.as_bytes()).made(path).kind, ArtifactKind::Evaluation, "{path}");
    }
    let rows: String = (0..500).map(|at| format!("{at},0.{at}\n")).collect();
    let answers = model().wrote("answers.csv", None, format!("id,score\n{rows}").as_bytes());
    assert_eq!(answers.made("answers.csv").kind, ArtifactKind::Data);
}

#[test]
fn several_evaluations_keep_their_names_apart() {
    let scene = Scene::of("python t.py").read("m.joblib", &fixture("models/forest.joblib")).wrote("a.json", None, b"{\"auc\": 0.1}").wrote(
        "b.json",
        None,
        b"{\"auc\": NaN}",
    );
    assert_eq!(metrics(&scene, true), ["a.json:auc=0.1", "b.json:auc=NaN"]);
    assert_eq!(metrics(&scene, false), ["auc=0.1", "auc=NaN"]);
}
