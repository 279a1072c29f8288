//! Boosted trees, in the formats of their libraries.

use super::{Model, ReadSeek, at, contains, find};

/// LightGBM's text: `tree`, then `version=v4`, then the header's settings.
pub fn lightgbm(head: &[u8]) -> Option<Model> {
    let head = &head[..head.len().min(4_096)];
    if !head.starts_with(b"tree\n") || !contains(head, b"\nnum_class=") {
        return None;
    }
    let mut model = Model::of("LightGBM text", "lightgbm");
    model.version = line_after(head, b"\nversion=");
    model.classes.extend(line_after(head, b"\nobjective="));
    Some(model)
}

fn line_after(head: &[u8], key: &[u8]) -> Option<String> {
    let start = find(head, key)? + key.len();
    let end = head[start..].iter().position(|b| *b == b'\n')? + start;
    Some(String::from_utf8_lossy(&head[start..end]).trim_end().to_owned())
}

/// XGBoost's JSON, its universal binary JSON, and its old binary.
pub fn xgboost(content: &mut dyn ReadSeek, head: &[u8], size: u64) -> Option<Model> {
    if head.starts_with(b"binf") {
        return Some(Model::of("XGBoost binary", "xgboost"));
    }
    let start = head.iter().position(|b| !b.is_ascii_whitespace())?;
    let head = &head[start..];
    if head.first() != Some(&b'{') {
        return None;
    }
    let early = &head[..head.len().min(64)];
    let inside = contains(head, b"gradient_booster") || contains(head, b"learner_model_param") || contains(head, b"feature_names");
    if !inside || !contains(early, b"learner") && !contains(early, b"version") {
        return None;
    }
    if contains(early, b"\"learner\"") || contains(early, b"\"version\"") {
        let mut model = Model::of("XGBoost JSON", "xgboost");
        let tail = at(content, size.saturating_sub(256), 256)?;
        model.version = xgboost_version(&tail).or_else(|| xgboost_version(head));
        model.classes.extend(objective(head));
        return (contains(head, b"\"learner\"")).then_some(model);
    }
    // `{` ‖ a length marker ‖ the first key
    let marker = matches!(head.get(1), Some(b'L' | b'l' | b'i' | b'U' | b'I'));
    (marker && contains(early, b"learner")).then(|| Model::of("XGBoost UBJ", "xgboost"))
}

fn xgboost_version(bytes: &[u8]) -> Option<String> {
    let start = find(bytes, b"\"version\"")?;
    let open = bytes[start..].iter().position(|b| *b == b'[')? + start + 1;
    let close = bytes[open..].iter().position(|b| *b == b']')? + open;
    let numbers = std::str::from_utf8(&bytes[open..close]).ok()?;
    let parts: Vec<&str> = numbers.split(',').map(str::trim).collect();
    parts.iter().all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit())).then(|| parts.join("."))
}

fn objective(head: &[u8]) -> Option<String> {
    let key = b"\"objective\":{\"name\":\"";
    let start = find(head, key)? + key.len();
    let end = head[start..].iter().position(|b| *b == b'"')? + start;
    Some(String::from_utf8_lossy(&head[start..end]).into_owned())
}

/// CatBoost's binary, and its JSON.
pub fn catboost(head: &[u8]) -> Option<Model> {
    if head.starts_with(b"CBM1") {
        return Some(Model::of("CatBoost", "catboost"));
    }
    let json = head.first() == Some(&b'{') && contains(head, b"\"catboost_version_info\"");
    json.then(|| Model::of("CatBoost JSON", "catboost"))
}

/// The XML of the Data Mining Group.
pub fn pmml(head: &[u8]) -> Option<Model> {
    let head = &head[..head.len().min(1_024)];
    (head.starts_with(b"<") && contains(head, b"<PMML")).then(|| Model::new("PMML"))
}
