//! An environment in one line: `Python 3.11.7 · scikit-learn 1.9.1 · 41 packages · Linux x86-64`.

use std::collections::BTreeMap;

use serde_json::Value;

use super::look::many;
use super::path::fit;
use super::text::width;

/// Packages that people ask for first, the most telling first.
const TELLING: [&str; 22] = [
    "torch",
    "tensorflow",
    "jax",
    "keras",
    "scikit-learn",
    "xgboost",
    "lightgbm",
    "catboost",
    "transformers",
    "statsmodels",
    "onnxruntime",
    "onnx",
    "pyspark",
    "polars",
    "pandas",
    "duckdb",
    "pyarrow",
    "scipy",
    "numpy",
    "flax",
    "joblib",
    "cupy",
];
/// How many of them are named.
const NAMED_MAX: usize = 2;

/// The ways to say it in one line, the fullest first.
pub fn wordings(python: Option<&str>, packages: &BTreeMap<String, String>, document: Option<&Value>) -> Vec<String> {
    let mut all: Vec<String> = (0..=NAMED_MAX).rev().map(|named| line(python, packages, document, named)).collect();
    all.dedup();
    all
}

/// The fullest way that fits into so many columns.
pub fn fitting(wordings: &[String], columns: usize) -> String {
    let last = || wordings.last().map(|text| fit(text, columns)).unwrap_or_default();
    wordings.iter().find(|text| width(text) <= columns).cloned().unwrap_or_else(last)
}

fn line(python: Option<&str>, packages: &BTreeMap<String, String>, document: Option<&Value>, named: usize) -> String {
    let mut parts = Vec::new();
    if let Some(python) = python.filter(|python| !python.is_empty()) {
        parts.push(format!("Python {python}"));
    }
    let telling = TELLING.iter().filter_map(|name| Some(format!("{name} {}", packages.get(*name)?)));
    parts.extend(telling.take(named));
    if !packages.is_empty() {
        parts.push(many(packages.len() as u64, "package"));
    }
    if let Some(machine) = document.and_then(|document| document.get("machine")?.as_object()) {
        let of = |key: &str| machine.get(key).and_then(Value::as_str);
        parts.extend(of("gpu").map(|gpu| match of("gpus") {
            Some("1") | None => gpu.to_owned(),
            Some(count) => format!("{count} × {gpu}"),
        }));
        let system = of("kernel").or(of("os")).and_then(|text| text.split_whitespace().next());
        let arch = of("arch").map(|arch| arch.replace('_', "-"));
        let machine: Vec<&str> = system.into_iter().chain(arch.as_deref()).collect();
        if !machine.is_empty() {
            parts.push(machine.join(" "));
        }
    }
    if parts.is_empty() { "not seen".to_owned() } else { parts.join(" · ") }
}

/// The same for a document alone, as it is kept.
pub fn of_document(document: &Value) -> Vec<String> {
    let packages = document.get("packages").and_then(Value::as_object);
    let packages =
        packages.into_iter().flatten().filter_map(|(name, version)| Some((name.clone(), version.as_str()?.to_owned()))).collect();
    wordings(document.get("python").and_then(Value::as_str), &packages, Some(document))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_packages_that_tell_most_come_first() {
        let document = json!({
            "python": "3.11.7",
            "packages": {"scikit-learn": "1.9.1", "pandas": "3.0.1", "numpy": "2.4", "pip": "26.1"},
            "machine": {"kernel": "Linux 6.18.5", "arch": "x86_64", "gpu": "NVIDIA A100", "gpus": "2"},
        });
        let all = of_document(&document);
        assert_eq!(
            all,
            [
                "Python 3.11.7 · scikit-learn 1.9.1 · pandas 3.0.1 · 4 packages · 2 × NVIDIA A100 · Linux x86-64",
                "Python 3.11.7 · scikit-learn 1.9.1 · 4 packages · 2 × NVIDIA A100 · Linux x86-64",
                "Python 3.11.7 · 4 packages · 2 × NVIDIA A100 · Linux x86-64",
            ]
        );
        assert_eq!(fitting(&all, 80), all[1]);
        assert_eq!(fitting(&all, 16), "Python 3.11.7 ·…");
        assert_eq!(of_document(&json!({"machine": {"arch": "aarch64"}})), ["aarch64"]);
        assert_eq!(of_document(&json!({})), ["not seen"]);
    }
}
