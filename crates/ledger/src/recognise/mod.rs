//! Recognises models by their content.
//!
//! ```text
//!  first bytes ──► safetensors · GGUF · ONNX · TFLite · LightGBM · XGBoost · CatBoost · PMML · Keras HDF5
//!  zip         ──► torch (its pickle) · Keras · skops
//!  pickle      ──► opcodes followed, nothing executed: which classes would it build?
//!  folder      ──► SavedModel · MLmodel · Hugging Face        (by the names in it)
//! ```
//!
//! Every read is bounded, and no content makes it panic or run code.

mod archive;
mod binary;
mod folder;
mod pickle;
mod trees;

use std::collections::HashSet;
use std::io::{Read, Seek, SeekFrom};
use std::sync::OnceLock;

use keizu_record::FilePath;

pub use folder::folder;
pub use pickle::{Pickle, pickle};

/// The first bytes, by which formats are told apart.
const HEAD_BYTES: usize = 64 << 10;
/// How many classes are named.
const CLASSES_MAX: usize = 8;

/// A content that can be read anywhere.
pub trait ReadSeek: Read + Seek {}

impl<T: Read + Seek> ReadSeek for T {}

/// What a model's content tells.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Model {
    /// The file format: `safetensors`, `joblib`, `ONNX`.
    pub format: &'static str,
    /// The library that it is for: `scikit-learn`.
    pub framework: Option<String>,
    /// The version of that library, or of the format, when the file says it.
    pub version: Option<String>,
    /// The classes that it would build, or the model's architecture.
    pub classes: Vec<String>,
    /// Weights that go on top of another model's (LoRA).
    pub adapter: bool,
}

impl Model {
    fn new(format: &'static str) -> Self {
        Self { format, ..Self::default() }
    }

    fn of(format: &'static str, framework: &str) -> Self {
        Self { format, framework: Some(framework.to_owned()), ..Self::default() }
    }

    /// `joblib · scikit-learn 1.9.1 · RandomForestClassifier`: for people.
    pub fn describe(&self) -> String {
        let mut parts = vec![self.format.to_owned()];
        if let Some(framework) = self.framework.as_deref().filter(|framework| *framework != self.format) {
            parts.push(match &self.version {
                Some(version) => format!("{framework} {version}"),
                None => framework.to_owned(),
            });
        }
        if let Some(class) = self.classes.first() {
            parts.push(class.rsplit('.').next().unwrap_or(class).to_owned());
        }
        parts.join(" \u{b7} ")
    }
}

/// Whether a file of this name can be a model at all; spares the opening of tables and pictures.
pub fn may_be_model(path: &FilePath) -> bool {
    static NEVER: Words = Words::new(
        "\
        csv tsv parquet feather arrow orc avro jsonl ndjson npy npz jpg jpeg png gif bmp tif tiff webp wav mp3 flac mp4 xlsx \
        xls sqlite duckdb tar tgz bz2 xz zst 7z html htm md pdf svg log py pyc ipynb sh sql so yaml yml toml ini cfg whl jar \
        docx pptx",
    );
    let extension = path.extension();
    // `flights.csv.zip` is a table, `delay.joblib.gz` may be a model
    let packed = matches!(extension.as_str(), "zip" | "gz");
    let inner = FilePath::from(path.stem().as_str()).extension();
    let never = NEVER.has(&extension) || (packed && NEVER.has(&inner));
    !never
}

/// What model this content is, if it is one. `path` only helps where the content alone is ambiguous (old pickles).
pub fn recognise(content: &mut dyn ReadSeek, path: &FilePath) -> Option<Model> {
    let size = content.seek(SeekFrom::End(0)).ok()?;
    let head = at(content, 0, HEAD_BYTES)?;
    let model = binary::safetensors(content, &head, size)
        .or_else(|| binary::gguf(&head))
        .or_else(|| binary::onnx(&head, size))
        .or_else(|| binary::tflite(&head))
        .or_else(|| binary::hdf5(content, &head, size))
        .or_else(|| trees::lightgbm(&head))
        .or_else(|| trees::xgboost(content, &head, size))
        .or_else(|| trees::catboost(&head))
        .or_else(|| trees::pmml(&head));
    if model.is_some() {
        return model;
    }
    if head.starts_with(b"PK\x03\x04") {
        return archive::zip(content);
    }
    content.seek(SeekFrom::Start(0)).ok()?;
    pickle::model(content, &head, path)
}

/// A list of words that is asked for each of many files.
pub(crate) struct Words(&'static str, OnceLock<HashSet<&'static str>>);

impl Words {
    /// Words between white space.
    pub(crate) const fn new(list: &'static str) -> Self {
        Self(list, OnceLock::new())
    }

    /// Whether it is one of them.
    pub(crate) fn has(&self, word: &str) -> bool {
        self.1.get_or_init(|| self.0.split_ascii_whitespace().collect()).contains(word)
    }
}

/// Whether a word is in a short list of words.
pub(crate) fn one_of(list: &str, word: &str) -> bool {
    !word.is_empty() && list.split_ascii_whitespace().any(|listed| listed == word)
}

/// Up to `length` bytes at `offset`.
fn at(content: &mut dyn ReadSeek, offset: u64, length: usize) -> Option<Vec<u8>> {
    content.seek(SeekFrom::Start(offset)).ok()?;
    let mut bytes = Vec::new();
    content.take(length as u64).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    find(haystack, needle).is_some()
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

#[cfg(test)]
mod tests;
