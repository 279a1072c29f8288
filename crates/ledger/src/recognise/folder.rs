//! Models that are folders.

use std::collections::BTreeSet;

use keizu_record::FilePath;

use super::Model;

/// What model a folder is, by the names of the files in it (relative to it). Only names: what the files hold is judged one by one.
pub fn folder(names: &BTreeSet<FilePath>) -> Option<Model> {
    let has = |name: &str| names.contains(&FilePath::from(name));
    let any = |is: &dyn Fn(&str) -> bool| names.iter().filter_map(FilePath::as_str).any(is);
    if has("MLmodel") {
        return Some(Model::of("MLmodel folder", "mlflow"));
    }
    if has("saved_model.pb") || has("saved_model.pbtxt") {
        return Some(Model::of("SavedModel folder", "tensorflow"));
    }
    let weights = |name: &str| {
        !name.contains('/')
            && ((name.starts_with("model") && name.ends_with(".safetensors"))
                || (name.starts_with("pytorch_model") && name.ends_with(".bin"))
                || matches!(name, "adapter_model.safetensors" | "adapter_model.bin" | "tf_model.h5" | "flax_model.msgpack"))
    };
    if (has("config.json") || has("adapter_config.json")) && any(&weights) {
        let mut model = Model::of("Hugging Face folder", "transformers");
        model.adapter = has("adapter_config.json");
        return Some(model);
    }
    None
}
