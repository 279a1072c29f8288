//! Models: recognised, named, versioned, and tied to their parents.

use keizu_ledger::rules::{self, models};
use keizu_record::body::{ArtifactKind, Named, Role};
use keizu_record::{Authority, Kind, Name, Sha256, Time};
use sha2::Digest as _;

use crate::kit::*;

fn names(scene: &Scene) -> Vec<String> {
    let prepared = scene.prepare();
    let text = |named: &Named| match &named.name {
        Name::Model(name) => format!("{name} = {} ({})", named.path.as_ref().unwrap(), named.authority),
        other => panic!("{other:?}"),
    };
    prepared.namings.iter().map(|naming| text(&naming.0)).collect()
}

fn relations(scene: &Scene) -> Vec<(String, String)> {
    let prepared = scene.prepare();
    let records = prepared.records.iter().filter(|record| record.kind == Kind::Described && record.text("relation").is_some());
    records.map(|record| (record.text("relation").unwrap().to_owned(), record.rule.clone().unwrap())).collect()
}

#[test]
fn a_model_is_recognised_hashed_and_named_by_its_file() {
    let bytes = fixture("models/forest.joblib");
    let scene = Scene::of("python train.py").wrote("models/delay.joblib", None, &bytes).wrote(
        "models/frame.joblib",
        None,
        &fixture("data/frame.joblib"),
    );
    let edge = scene.made("models/delay.joblib");
    assert_eq!((edge.kind, edge.format.as_deref()), (ArtifactKind::Model, Some("joblib")));
    assert_eq!(edge.sha256, Some(Sha256::new(sha2::Sha256::digest(&bytes).into())));
    assert_eq!(scene.made("models/frame.joblib").kind, ArtifactKind::Data);
    assert_eq!(names(&scene), ["delay = models/delay.joblib (inferred)"]);
}

#[test]
fn a_model_whose_file_is_gone_is_known_by_name_only() {
    let scene = Scene::of("python train.py")
        .wrote("m/net.onnx", None, b"x")
        .change(|account| account.files[0].write.as_mut().unwrap().content = Some(content(b"other")));
    assert_eq!((scene.made("m/net.onnx").kind, scene.made("m/net.onnx").format), (ArtifactKind::Model, None));
    let broken = Scene::of("python train.py").wrote("m/net.onnx", None, b"x");
    assert_eq!(broken.made("m/net.onnx").kind, ArtifactKind::Data);
}

#[test]
fn declared_names_win() {
    let model = fixture("models/forest.joblib");
    let mut scene = Scene::of("python train.py").configured("[models]\nrisk = \"models/r*.joblib\"\n");
    scene.options.models = vec![("delay".into(), "models/../models/d.bin".into()), ("missing".into(), "x".into())];
    let scene = scene.wrote("models/d.bin", None, b"no format at all").wrote("models/r1.joblib", None, &model).wrote(
        "models/other.joblib",
        None,
        &model,
    );
    let mut all = names(&scene);
    all.sort();
    assert_eq!(all, ["delay = models/d.bin (declared)", "other = models/other.joblib (inferred)", "risk = models/r1.joblib (declared)"]);
    assert_eq!(scene.made("models/d.bin").kind, ArtifactKind::Model);
    assert_eq!(scene.prepare().notes.len(), 1);
}

#[test]
fn a_stem_that_says_nothing_gives_way_to_its_folder() {
    let model = fixture("models/forest.joblib");
    let name_of = |path: &str| names(&Scene::of("python t.py").wrote(path, None, &model)).remove(0).split(' ').next().unwrap().to_owned();
    assert_eq!(name_of("models/delay/model.pkl"), "delay");
    assert_eq!(name_of("models/model.pkl"), "model");
    assert_eq!(name_of("risk/v2/best.joblib"), "v2");
    assert_eq!(name_of("delay v2.joblib"), "delay-v2");
    assert_eq!(name_of("models/delay.joblib.gz"), "delay");
}

#[test]
fn steps_of_one_training_are_one_model() {
    let mut scene = Scene::of("python t.py");
    for step in 1..=5 {
        let mut bytes = fixture("models/state.pt");
        bytes.push(step);
        scene = scene.wrote(&format!("runs/churn/epoch-{step}.pt"), None, &bytes);
    }
    assert_eq!(names(&scene), ["churn = runs/churn/epoch-5.pt (inferred)"]);
    let two = Scene::of("python t.py").wrote("m/left.joblib", None, &fixture("models/forest.joblib")).wrote(
        "m/right.joblib",
        None,
        &fixture("models/boosted.joblib"),
    );
    assert_eq!(names(&two).len(), 2);
}

#[test]
fn models_that_are_folders() {
    let scene = Scene::of("python t.py")
        .wrote("out/delay/MLmodel", None, b"flavors: {}")
        .wrote("out/delay/model.pkl", None, &fixture("models/pipeline-p4.pkl"))
        .wrote("out/delay/conda.yaml", None, b"a: 1");
    let edge = scene.made("out/delay/");
    assert_eq!((edge.kind, edge.members, edge.format.as_deref()), (ArtifactKind::Model, Some(3), Some("MLmodel folder")));
    assert_eq!(names(&scene), ["delay = out/delay/ (inferred)"]);

    let mut declared = Scene::of("python t.py");
    declared.options.models = vec![("net".into(), "weird".into())];
    let declared = declared.wrote("weird/a.x", None, b"1").wrote("weird/b.x", None, b"2");
    assert_eq!(names(&declared), ["net = weird/ (declared)"]);
    assert_eq!(declared.made("weird/").members, Some(2));
}

#[test]
fn parents() {
    let (old, new) = (fixture("models/state.pt"), fixture("models/checkpoint.ckpt"));
    let tuned = Scene::of("python t.py").read("base.pt", &old).wrote("tuned.ckpt", None, &new);
    assert_eq!(relations(&tuned), [("derived from".to_owned(), models::PARENT.to_owned())]);
    assert_eq!(tuned.used("base.pt").role, Role::ParentModel);
    let kind = |scene: Scene| relations(&scene).into_iter().map(|(relation, _)| relation).collect::<Vec<_>>();
    assert_eq!(kind(Scene::of("t").read("a.pt", &old).wrote("a.onnx", None, &fixture("models/logistic.onnx"))), ["exported from"]);
    assert_eq!(kind(Scene::of("t").read("a.pt", &old).wrote("a.gguf", None, &fixture("models/tiny.gguf"))), ["quantised from"]);
    assert_eq!(
        kind(Scene::of("t").read("a.pt", &old).wrote("a.safetensors", None, &fixture("models/adapter.safetensors"))),
        ["adapter of"]
    );
    let two = Scene::of("t").read("a.pt", &old).read("b.joblib", &fixture("models/forest.joblib")).wrote("c.ckpt", None, &new);
    assert_eq!(kind(two), ["ensemble of", "ensemble of"]);
    assert!(kind(Scene::of("t").read("a.pt", &old).wrote("copy.pt", None, &old)).is_empty(), "a copy is no child");
    let read = Scene::of("t").read("a.pt", &old);
    assert_eq!((read.used("a.pt").role, names(&read).len()), (Role::Input, 0));
}

#[test]
fn a_version_is_a_new_content_under_a_name() {
    let book = Book::default();
    let run = |model: &str| Scene::of("python t.py").wrote("delay.joblib", None, &fixture(model));
    let (a, b) = ("models/forest.joblib", "models/boosted.joblib");
    for model in [a, a, b, b, a] {
        book.seal(&run(model));
    }
    let of = |model: &str| content(&fixture(model)).digest;
    assert_eq!(book.versions("delay"), [(1, of(a)), (2, of(b)), (3, of(a))], "the same again is none; a return is one");
    let records = rules::draft(&run(b).prepare(), &book, Time(60_000_000)).unwrap();
    let named = records.iter().find_map(Named::read).unwrap();
    assert_eq!((named.version, named.authority, named.rule.as_deref()), (Some(4), Authority::Inferred, Some("file name")));
    assert!(records.iter().all(|record| record.recorded == Time(60_000_000)));
    assert_eq!(records.last().unwrap().kind, Kind::RunEnded);
}
