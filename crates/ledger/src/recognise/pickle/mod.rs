//! Pickles, read by their opcodes. Nothing is executed: the classes are only named.
//!
//! A pickle is a program for a small stack machine. It is followed with symbolic values (numbers, texts, tuples, "an object of class X"), which
//! is enough to know what it would build, and to step over the raw arrays that joblib puts between opcodes.

mod opcodes;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufReader, Read};

use keizu_record::FilePath;

use super::{CLASSES_MAX, Model, ReadSeek};
use opcodes::Machine;

/// How much of a stream is followed; what comes later is not looked at.
pub const STREAM_BYTES_MAX: u64 = 64 << 20;
/// A legacy torch file is several pickles in a row.
const PICKLES_MAX: usize = 4;
/// Torch's magic number, as the first pickle of its legacy format.
const TORCH_MAGIC: &[u8] = &[0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, b'.'];

/// What a pickle would build.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pickle {
    /// Classes and functions that it names, in order, each once.
    pub classes: Vec<String>,
    /// The class of the object that it builds, when it is an instance.
    pub top: Option<String>,
    /// Versions that libraries note in their objects: `_sklearn_version`.
    pub versions: BTreeMap<String, String>,
    /// Whether it was followed to its end.
    pub complete: bool,
    /// joblib's arrays stand in it.
    pub arrays: bool,
    /// Something is stored by name as torch stores weights.
    pub weights: bool,
}

/// Follows the opcodes of a pickle (protocols 0 to 5).
pub fn pickle(stream: &mut dyn Read) -> Pickle {
    let mut stream = BufReader::new(stream);
    Machine::new(&mut stream).run()
}

/// A pickle or joblib file that holds a model.
pub fn model(content: &mut dyn ReadSeek, head: &[u8], path: &FilePath) -> Option<Model> {
    let extension = path.extension();
    let joblib = matches!(extension.as_str(), "joblib" | "jl") || path.stem().ends_with(".joblib");
    let limited = content.take(STREAM_BYTES_MAX);
    let mut stream: Box<dyn Read> = match packing(head) {
        Packing::Zlib => Box::new(flate2::read::ZlibDecoder::new(limited).take(STREAM_BYTES_MAX)),
        Packing::Gzip => Box::new(flate2::read::MultiGzDecoder::new(limited).take(STREAM_BYTES_MAX)),
        Packing::Plain => Box::new(limited),
        Packing::Other => return None,
    };
    if head.starts_with(TORCH_MAGIC) {
        return legacy_torch(&mut stream);
    }
    let old = matches!(extension.as_str(), "pkl" | "pickle" | "p" | "joblib" | "sav" | "model" | "dat" | "dill");
    let mut start = [0u8; 2];
    stream.read_exact(&mut start).ok()?;
    let begins = start[0] == 0x80 && (2..=5).contains(&start[1]);
    // protocols 0 and 1 have no mark of their own
    let may_begin = old && matches!(start[0], b'c' | b'(' | b']' | b'}' | b'i');
    if !(begins || may_begin) {
        return None;
    }
    let read = pickle(&mut start.chain(stream));
    let mut model = Model::new(if joblib || read.arrays { "joblib" } else { "pickle" });
    judge(&read, &mut model).then_some(model)
}

enum Packing {
    Plain,
    Zlib,
    Gzip,
    Other,
}

fn packing(head: &[u8]) -> Packing {
    match head {
        [0x78, 0x01 | 0x5e | 0x9c | 0xda, ..] => Packing::Zlib,
        [0x1f, 0x8b, ..] => Packing::Gzip,
        [b'B', b'Z', b'h', ..] | [0xfd, b'7', b'z', b'X', b'Z', ..] | [0x5d, 0, 0, ..] | [0x04, 0x22, 0x4d, 0x18, ..] => Packing::Other,
        _ => Packing::Plain,
    }
}

fn legacy_torch(stream: &mut dyn Read) -> Option<Model> {
    let mut stream = BufReader::new(stream);
    let mut all = Pickle::default();
    for _ in 0..PICKLES_MAX {
        let read = Machine::new(&mut stream).run();
        let (complete, any) = (read.complete, !read.classes.is_empty());
        all.classes.extend(read.classes);
        all.top = all.top.or(read.top);
        all.weights |= read.weights;
        if any || !complete {
            break;
        }
    }
    let mut model = Model::of("torch", "torch");
    torch_model(&all, &mut model).then_some(model)
}

/// Whether what torch saved is a model: modules, or weights by name. A lone tensor is data.
pub fn torch_model(read: &Pickle, model: &mut Model) -> bool {
    let tensors = read.classes.iter().any(|class| class.starts_with("torch._utils._rebuild"));
    let modules: Vec<&String> = read.classes.iter().filter(|class| library(class).is_some_and(|name| name == "torch")).collect();
    model.classes = modules.into_iter().chain(user_models(read)).take(CLASSES_MAX).cloned().collect();
    model.adapter = false;
    !model.classes.is_empty() || (tensors && read.weights)
}

/// Whether the classes are a model's; fills in what they tell.
fn judge(read: &Pickle, model: &mut Model) -> bool {
    let mut libraries = BTreeSet::new();
    for class in &read.classes {
        if let Some(name) = library(class) {
            libraries.insert(name);
            if model.framework.is_none() {
                model.framework = Some(name.to_owned());
            }
            // functions that rebuild something are no classes
            if class.rsplit('.').next().is_some_and(|name| name.starts_with(char::is_uppercase)) {
                model.classes.push(class.clone());
            }
        }
    }
    let by_user: Vec<String> = user_models(read).cloned().collect();
    let known = model.framework.is_some();
    model.classes.extend(by_user);
    if let Some(top) = read.top.as_ref().filter(|top| model.classes.contains(top)) {
        model.classes.retain(|class| class != top);
        model.classes.insert(0, top.clone());
        if let Some(name) = library(top) {
            model.framework = Some(name.to_owned());
        }
    }
    model.classes.truncate(CLASSES_MAX);
    if model.framework.as_deref() == Some("scikit-learn") {
        model.version = read.versions.get("_sklearn_version").cloned();
    }
    known || !model.classes.is_empty()
}

/// Classes of the user's own code that are called like models.
fn user_models(read: &Pickle) -> impl Iterator<Item = &String> {
    const ENDINGS: &str = "Model Classifier Regressor Estimator Pipeline Network Net Predictor Forecaster Ranker";
    const NOT: &[&str] = &["pandas.", "numpy.", "builtins.", "collections.", "torch.", "sklearn.", "pyarrow.", "polars."];
    read.classes.iter().filter(|class| {
        let name = class.rsplit('.').next().unwrap_or(class);
        ENDINGS.split_ascii_whitespace().any(|ending| name.ends_with(ending))
            && !NOT.iter().any(|module| class.starts_with(module))
            && library(class).is_none()
    })
}

/// The library whose model class this is.
fn library(class: &str) -> Option<&'static str> {
    const LIBRARIES: &[(&str, &str)] = &[
        ("sklearn", "scikit-learn"),
        ("imblearn", "imbalanced-learn"),
        ("xgboost", "xgboost"),
        ("lightgbm", "lightgbm"),
        ("catboost", "catboost"),
        ("keras", "keras"),
        ("tensorflow", "tensorflow"),
        ("statsmodels", "statsmodels"),
        ("prophet", "prophet"),
        ("pmdarima", "pmdarima"),
        ("gensim", "gensim"),
        ("spacy", "spacy"),
        ("transformers", "transformers"),
        ("sentence_transformers", "sentence-transformers"),
        ("lifelines", "lifelines"),
        ("surprise", "scikit-surprise"),
        ("implicit", "implicit"),
        ("hmmlearn", "hmmlearn"),
        ("pyod", "pyod"),
        ("sktime", "sktime"),
        ("river", "river"),
        ("econml", "econml"),
        ("pgmpy", "pgmpy"),
        ("fastai", "fastai"),
        ("lightning", "lightning"),
        ("pytorch_lightning", "lightning"),
        ("flax", "flax"),
        ("autogluon", "autogluon"),
        ("category_encoders", "category-encoders"),
        ("interpret", "interpret"),
        ("ngboost", "ngboost"),
        ("umap", "umap-learn"),
        ("hdbscan", "hdbscan"),
        ("sklearn_pandas", "sklearn-pandas"),
    ];
    // what these libraries also have, and is data or a helper
    const NOT: &[&str] = &[
        "sklearn.utils.",
        "sklearn.model_selection._split",
        "sklearn.datasets",
        "sklearn.metrics",
        "xgboost.core.DMatrix",
        "xgboost.core.QuantileDMatrix",
        "lightgbm.basic.Dataset",
        "catboost.core.Pool",
        "statsmodels.datasets",
        "tensorflow.python.data",
        "transformers.tokenization",
        "transformers.data",
        "spacy.tokens",
        "gensim.corpora",
    ];
    if NOT.iter().any(|prefix| class.starts_with(prefix)) {
        return None;
    }
    // most of torch is tensors: only its modules are models
    if class.starts_with("torch.nn.modules") || class.starts_with("torchvision.models") || class.starts_with("torch.jit") {
        return Some("torch");
    }
    let module = class.split('.').next()?;
    LIBRARIES.iter().find(|(name, _)| *name == module).map(|(_, library)| *library)
}
