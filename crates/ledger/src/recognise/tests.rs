use std::io::Cursor;
use std::path::PathBuf;

use proptest::prelude::*;

use super::*;

fn fixtures(folder: &str) -> Vec<(String, Vec<u8>)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(folder);
    let files = fs_err::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut all: Vec<_> = files.map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), fs_err::read(path).unwrap())).collect();
    all.sort();
    all
}

fn look(name: &str, bytes: &[u8]) -> Option<Model> {
    recognise(&mut Cursor::new(bytes), &name.into())
}

/// What each fixture is: format, framework, the first class or architecture, an adapter.
const EXPECTED: &[(&str, &str, &str, &str)] = &[
    ("adapter.safetensors", "safetensors", "torch", ""),
    ("boosted.joblib", "joblib", "scikit-learn", "HistGradientBoostingClassifier"),
    ("bundle.joblib", "joblib", "scikit-learn", "Pipeline"),
    ("catboost.cbm", "CatBoost", "catboost", ""),
    ("catboost.json", "CatBoost JSON", "catboost", ""),
    ("checkpoint.ckpt", "torch", "torch", ""),
    ("forest-gzip.joblib", "joblib", "scikit-learn", "RandomForestClassifier"),
    ("forest-zlib.joblib", "joblib", "scikit-learn", "RandomForestClassifier"),
    ("forest.joblib", "joblib", "scikit-learn", "RandomForestClassifier"),
    ("keras.h5", "Keras HDF5", "keras", ""),
    ("legacy.pth", "torch", "torch", ""),
    ("lightgbm.pkl", "pickle", "lightgbm", "LGBMClassifier"),
    ("lightgbm.txt", "LightGBM text", "lightgbm", "multiclass num_class:3"),
    ("lite.tflite", "TFLite", "tensorflow", ""),
    ("logistic.onnx", "ONNX", "skl2onnx", ""),
    ("model.keras", "Keras", "keras", "Sequential"),
    ("module.pth", "torch", "torch", "Linear"),
    ("pipeline-p0.pkl", "pickle", "scikit-learn", "Pipeline"),
    ("pipeline-p1.pkl", "pickle", "scikit-learn", "Pipeline"),
    ("pipeline-p2.pkl", "pickle", "scikit-learn", "Pipeline"),
    ("pipeline-p3.pkl", "pickle", "scikit-learn", "Pipeline"),
    ("pipeline-p4.pkl", "pickle", "scikit-learn", "Pipeline"),
    ("pipeline-p5.pkl", "pickle", "scikit-learn", "Pipeline"),
    ("scripted.pt", "TorchScript", "torch", ""),
    ("state.pt", "torch", "torch", ""),
    ("tiny.gguf", "GGUF", "llama.cpp", "llama"),
    ("tree.pmml", "PMML", "", ""),
    ("weights.safetensors", "safetensors", "torch", ""),
    ("xgboost.json", "XGBoost JSON", "xgboost", "multi:softprob"),
    ("xgboost.pkl", "pickle", "xgboost", "XGBClassifier"),
    ("xgboost.ubj", "XGBoost UBJ", "xgboost", ""),
];

#[test]
fn models_of_every_format() {
    let found: Vec<(String, String, String, String)> = fixtures("models")
        .iter()
        .map(|(name, bytes)| {
            let model = look(name, bytes).unwrap_or_else(|| panic!("{name} was not recognised"));
            assert_eq!(model.adapter, name.starts_with("adapter"), "{name}");
            let class = model.classes.first().map_or("", |class| class.rsplit('.').next().unwrap()).to_owned();
            (name.clone(), model.format.to_owned(), model.framework.unwrap_or_default(), class)
        })
        .collect();
    let expected: Vec<_> = EXPECTED.iter().map(|(a, b, c, d)| ((*a).into(), (*b).into(), (*c).into(), (*d).into())).collect::<Vec<_>>();
    assert_eq!(found, expected);
}

#[test]
fn versions_are_read_where_the_file_says_them() {
    let all: std::collections::BTreeMap<_, _> = fixtures("models").into_iter().collect();
    let version = |name: &str| look(name, &all[name]).unwrap().version;
    assert_eq!(version("forest.joblib"), version("forest-zlib.joblib"));
    assert!(version("forest.joblib").is_some_and(|version| version.contains('.')));
    assert_eq!(version("pipeline-p0.pkl"), version("pipeline-p5.pkl"));
    assert_eq!(version("keras.h5").as_deref(), Some("2.15.0"));
    assert_eq!(version("model.keras").as_deref(), Some("3.4.1"));
    assert_eq!(version("lightgbm.txt").as_deref(), Some("v4"));
    assert!(version("xgboost.json").is_some());
    assert_eq!(version("tiny.gguf").as_deref(), Some("3"));
}

#[test]
fn data_is_no_model() {
    for (name, bytes) in fixtures("data") {
        assert_eq!(look(&name, &bytes), None, "{name}");
    }
    for (name, text) in
        [("a.json", "{\"learner\": 1}"), ("a.txt", "tree of life\n"), ("a.bin", "\x08\x07\x3a"), ("a", ""), ("b.xml", "<html>")]
    {
        assert_eq!(look(name, text.as_bytes()), None, "{name}");
    }
}

#[test]
fn pickles_are_followed_to_their_end_and_never_run() {
    for (name, bytes) in fixtures("models").iter().chain(&fixtures("data")).filter(|(name, _)| name.ends_with(".pkl")) {
        assert!(pickle(&mut bytes.as_slice()).complete, "{name}");
    }
    let all: std::collections::BTreeMap<_, _> = fixtures("data").into_iter().collect();
    let read = pickle(&mut all["runs.pkl"].as_slice());
    assert_eq!(read.classes, ["posix.system"]);
    assert!(!std::path::Path::new("/tmp/keizu-was-here").exists());
    let frame = pickle(&mut all["frame.pkl"].as_slice());
    assert_eq!(frame.top.as_deref(), Some("pandas.DataFrame"));
}

#[test]
fn joblibs_arrays_are_stepped_over() {
    let all: std::collections::BTreeMap<_, _> = fixtures("models").into_iter().chain(fixtures("data")).collect();
    for name in ["forest.joblib", "bundle.joblib", "array.joblib", "frame.joblib"] {
        let read = pickle(&mut all[name].as_slice());
        assert!(read.complete && read.arrays, "{name}: {read:?}");
    }
}

#[test]
fn a_pickle_that_nests_without_end_is_dropped_safely() {
    // EMPTY_TUPLE, then TUPLE1 a million times
    let mut bytes = b"\x80\x02)".to_vec();
    bytes.extend(std::iter::repeat_n(0x85, 1_000_000));
    bytes.push(b'.');
    assert!(pickle(&mut bytes.as_slice()).complete);
    // REDUCE of a class over its own result
    let mut bytes = b"\x80\x02cm\nC\n".to_vec();
    bytes.extend(b"\x85cm\nC\nq\x00\x30h\x00h\x00\x85R".repeat(50_000));
    bytes.push(b'.');
    let _ = pickle(&mut bytes.as_slice());
}

#[test]
fn folders() {
    let of = |names: &[&str]| folder(&names.iter().map(|name| FilePath::from(*name)).collect()).map(|model| (model.format, model.adapter));
    assert_eq!(of(&["MLmodel", "model.pkl", "conda.yaml"]), Some(("MLmodel folder", false)));
    assert_eq!(of(&["saved_model.pb", "variables/variables.index"]), Some(("SavedModel folder", false)));
    assert_eq!(
        of(&["config.json", "model-00001-of-00002.safetensors", "model.safetensors.index.json"]),
        Some(("Hugging Face folder", false))
    );
    assert_eq!(of(&["adapter_config.json", "adapter_model.safetensors"]), Some(("Hugging Face folder", true)));
    assert_eq!(of(&["config.json", "train.csv"]), None);
    assert_eq!(of(&[]), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400), mark in 0..9usize) {
        let marks: [&[u8]; 9] = [b"", b"\x80\x04", b"\x80\x02", b"GGUF", b"PK\x03\x04", b"\x89HDF\r\n\x1a\n", b"tree\n", b"{\"learner\"", b"\x08\x08\x12"];
        let bytes = [marks[mark], &bytes].concat();
        let _ = look("a.pkl", &bytes);
        let _ = look("a", &bytes);
    }

    #[test]
    fn mutated_models_never_panic(at in any::<prop::sample::Index>(), edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12), cut in any::<prop::sample::Index>()) {
        let all: Vec<_> = fixtures("models").into_iter().chain(fixtures("data")).collect();
        let (name, bytes) = at.get(&all);
        let mut bytes = bytes.clone();
        for (at, byte) in edits {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let _ = look(name, &bytes);
        bytes.truncate(cut.index(bytes.len()) + 1);
        let _ = look(name, &bytes);
    }

    #[test]
    fn opcodes_in_any_order_never_panic(bytes in prop::collection::vec(prop::sample::select(&b"(.012()}]tld\x85\x86\x87aesupgqhrj\x94cR\x81\x92iobPQKMJIX\x8cNcm\nC\n\x01\x00\x93\x8f\x90\x91U\x02ab"[..]), 0..200)) {
        let _ = pickle(&mut bytes.as_slice());
    }
}
