//! Formats with a header of their own.

use super::{Model, ReadSeek, at, contains, find};

/// A header of safetensors is JSON; beyond this it is not read.
const SAFETENSORS_HEADER_BYTES_MAX: u64 = 16 << 20;
/// How much of an HDF5 file is searched, at either end, for Keras' attributes.
const HDF5_SEARCH_BYTES: usize = 2 << 20;
/// Entries of a GGUF header that are looked at.
const GGUF_ENTRIES_MAX: u64 = 256;
/// Fields of an ONNX file that are looked at before its graph.
const ONNX_FIELDS_MAX: usize = 64;

/// `u64 length ‖ JSON {name: {dtype, shape, data_offsets}}`.
pub fn safetensors(content: &mut dyn ReadSeek, head: &[u8], size: u64) -> Option<Model> {
    let length = u64::from_le_bytes(head.get(..8)?.try_into().ok()?);
    if head.get(8) != Some(&b'{') || length > SAFETENSORS_HEADER_BYTES_MAX || length.checked_add(8)? > size {
        return None;
    }
    let json = at(content, 8, length as usize)?;
    let header: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(&json).ok()?;
    let mut tensors = header.iter().filter(|(name, _)| name.as_str() != "__metadata__");
    if !tensors.all(|(_, tensor)| tensor.get("dtype").is_some() && tensor.get("data_offsets").is_some()) {
        return None;
    }
    let mut model = Model::new("safetensors");
    let metadata = header.get("__metadata__");
    let framework = metadata.and_then(|metadata| metadata.get("format")).and_then(|format| format.as_str());
    model.framework = match framework {
        Some("pt") => Some("torch".to_owned()),
        Some("tf") => Some("tensorflow".to_owned()),
        Some("flax") => Some("flax".to_owned()),
        Some("mlx") => Some("mlx".to_owned()),
        _ => None,
    };
    model.adapter = header.keys().any(|name| name.contains("lora_"));
    Some(model)
}

/// `"GGUF" ‖ u32 version ‖ u64 tensors ‖ u64 entries ‖ (lp64(key) ‖ u32 type ‖ value) × entries`.
pub fn gguf(head: &[u8]) -> Option<Model> {
    let rest = head.strip_prefix(b"GGUF")?;
    let mut model = Model::of("GGUF", "llama.cpp");
    let mut input = Input(rest);
    let version = input.u32()?;
    model.version = Some(version.to_string());
    let entries = input.u64().and_then(|_| input.u64()).unwrap_or(0);
    for _ in 0..entries.min(GGUF_ENTRIES_MAX) {
        let Some((key, value)) = gguf_entry(&mut input) else { break };
        if matches!(key.as_str(), "general.architecture" | "general.name") {
            model.classes.extend(value);
        }
        model.adapter |= key == "adapter.type";
    }
    Some(model)
}

fn gguf_entry(input: &mut Input<'_>) -> Option<(String, Option<String>)> {
    let key = input.text()?;
    let kind = input.u32()?;
    let value = match kind {
        8 => Some(input.text()?),
        9 => {
            let (kind, count) = (input.u32()?, input.u64()?);
            if kind == 8 {
                (0..count).try_for_each(|_| input.text().map(drop))?;
            } else {
                input.take(usize::try_from(count.checked_mul(gguf_size(kind)?)?).ok()?)?;
            }
            None
        }
        _ => {
            input.take(usize::try_from(gguf_size(kind)?).ok()?)?;
            None
        }
    };
    Some((key, value))
}

fn gguf_size(kind: u32) -> Option<u64> {
    match kind {
        0 | 1 | 7 => Some(1),
        2 | 3 => Some(2),
        4..=6 => Some(4),
        10..=12 => Some(8),
        _ => None,
    }
}

/// A protobuf `ModelProto`: ir_version = 1, producer_name = 2, producer_version = 3, graph = 7, opset_import = 8.
pub fn onnx(head: &[u8], size: u64) -> Option<Model> {
    let mut input = Input(head);
    let mut model = Model::new("ONNX");
    let mut version = 0;
    for at in 0..ONNX_FIELDS_MAX {
        let tag = input.varint()?;
        match (tag >> 3, tag & 7) {
            (1, 0) => version = input.varint()?,
            (2, 2) => model.framework = Some(String::from_utf8(input.length_delimited()?.to_vec()).ok()?).filter(|name| !name.is_empty()),
            (3, 2) => model.version = Some(String::from_utf8(input.length_delimited()?.to_vec()).ok()?).filter(|name| !name.is_empty()),
            (7, 2) => {
                let length = input.varint()?;
                // a graph begins with a node (1), its name (2) or an initializer (5)
                let graph = matches!(input.0.first(), Some(0x0a | 0x12 | 0x2a));
                return (graph && (1..=64).contains(&version) && length <= size && at > 0).then_some(model);
            }
            (5, 0) => drop(input.varint()?),
            (4 | 6 | 8 | 14 | 20 | 25, 2) => drop(input.length_delimited()?),
            _ => return None,
        }
    }
    None
}

/// A flatbuffer with the identifier `TFL3`.
pub fn tflite(head: &[u8]) -> Option<Model> {
    (head.get(4..8)? == b"TFL3").then(|| Model::of("TFLite", "tensorflow"))
}

/// HDF5 with the attributes that Keras writes.
pub fn hdf5(content: &mut dyn ReadSeek, head: &[u8], size: u64) -> Option<Model> {
    if !head.starts_with(b"\x89HDF\r\n\x1a\n") {
        return None;
    }
    let mut text = at(content, 0, HDF5_SEARCH_BYTES)?;
    if size > text.len() as u64 {
        let tail = (size - text.len() as u64).min(HDF5_SEARCH_BYTES as u64);
        text.extend(at(content, size - tail, tail as usize)?);
    }
    let whole = contains(&text, b"model_config") && contains(&text, b"keras_version");
    let weights = contains(&text, b"layer_names") && contains(&text, b"weight_names");
    let weights =
        weights || contains(&text, b"_layer_checkpoint_dependencies") || (contains(&text, b"keras_version") && contains(&text, b"backend"));
    if !(whole || weights) {
        return None;
    }
    let mut model = Model::of(if whole { "Keras HDF5" } else { "Keras weights" }, "keras");
    model.version = find(&text, b"keras_version").and_then(|at| version_in(&text[at..text.len().min(at + 256)]));
    Some(model)
}

/// The first `1.2.3` in some bytes.
fn version_in(bytes: &[u8]) -> Option<String> {
    let words = bytes.split(|b| !b.is_ascii_digit() && *b != b'.');
    let is_version = |word: &&[u8]| {
        word.len() >= 5 && word.iter().filter(|b| **b == b'.').count() == 2 && word[0] != b'.' && word[word.len() - 1] != b'.'
    };
    words.filter(|word| !word.is_empty()).find(is_version).map(|word| String::from_utf8_lossy(word).into_owned())
}

/// A cursor over bytes at hand: every read past their end is `None`.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.take(4)?.try_into().ok()?))
    }

    fn u64(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.take(8)?.try_into().ok()?))
    }

    fn text(&mut self) -> Option<String> {
        let length = usize::try_from(self.u64()?).ok()?;
        Some(String::from_utf8_lossy(self.take(length)?).into_owned())
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = *self.take(1)?.first()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn length_delimited(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.varint()?).ok()?;
        self.take(length)
    }
}
