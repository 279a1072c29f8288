//! Models in a zip archive.

use std::io::{BufReader, Read};

use super::{Model, ReadSeek, pickle};

/// Entries of an archive; one with more is no model.
const ENTRIES_MAX: usize = 100_000;
/// How much of an archive's own description is read.
const MEMBER_BYTES_MAX: u64 = 8 << 20;

/// Torch, Keras and skops write zip archives, each with members of fixed names.
pub fn zip(content: &mut dyn ReadSeek) -> Option<Model> {
    let mut archive = zip::ZipArchive::new(BufReader::new(content)).ok()?;
    if archive.len() > ENTRIES_MAX {
        return None;
    }
    let names: Vec<String> = archive.file_names().filter_map(|name| Some(name.ok()?.into_owned())).collect();
    let has = |name: &str| names.iter().any(|n| n == name);
    if has("config.json") && (has("model.weights.h5") || has("metadata.json")) {
        return Some(keras(&mut archive));
    }
    if has("schema.json") {
        return skops(&mut archive);
    }
    let data = names.iter().find(|name| name.ends_with("/data.pkl") || name.as_str() == "data.pkl")?;
    let script = names.iter().any(|name| name.ends_with("/constants.pkl")) && names.iter().any(|name| name.contains("/code/"));
    torch(&mut archive, data, script)
}

type Archive<'a> = zip::ZipArchive<BufReader<&'a mut dyn ReadSeek>>;

fn member(archive: &mut Archive<'_>, name: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    archive.by_name(name).ok()?.take(MEMBER_BYTES_MAX).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

fn json(archive: &mut Archive<'_>, name: &str) -> Option<serde_json::Value> {
    serde_json::from_slice(&member(archive, name)?).ok()
}

fn keras(archive: &mut Archive<'_>) -> Model {
    let mut model = Model::of("Keras", "keras");
    let text = |value: Option<serde_json::Value>, key: &str| value?.get(key)?.as_str().map(str::to_owned);
    model.version = text(json(archive, "metadata.json"), "keras_version");
    model.classes.extend(text(json(archive, "config.json"), "class_name"));
    model
}

fn skops(archive: &mut Archive<'_>) -> Option<Model> {
    let schema = json(archive, "schema.json")?;
    schema.get("protocol")?;
    let mut model = Model::of("skops", "scikit-learn");
    let part = |key: &str| schema.get(key).and_then(|value| value.as_str());
    if let (Some(module), Some(class)) = (part("__module__"), part("__class__")) {
        model.classes.push(format!("{module}.{class}"));
    }
    Some(model)
}

fn torch(archive: &mut Archive<'_>, data: &str, script: bool) -> Option<Model> {
    let member = archive.by_name(data).ok()?;
    let read = pickle::pickle(&mut member.take(pickle::STREAM_BYTES_MAX));
    let mut model = Model::of(if script { "TorchScript" } else { "torch" }, "torch");
    if script {
        model.classes.extend(read.top.clone());
        return Some(model);
    }
    pickle::torch_model(&read, &mut model).then_some(model)
}
