//! What differs between two contents of one file, said in the terms of its format.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Cursor, Read as _};

use keizu_profile::{Bytes, Format, HEAD_BYTES, Limits, Part, compare};
use keizu_record::{Digest, FilePath, Value};

use crate::answer;
use crate::rules::flatten::flatten;
use crate::why::tables::said;

/// Differences that are named.
const NAMED_MAX: usize = 8;
/// A longer line is cut.
const LINE_CHARS_MAX: usize = 80;

/// Sentences, the most telling first. Never empty for bytes that differ.
pub fn difference(path: &FilePath, then: &[u8], now: &[u8]) -> Vec<String> {
    let named = match path.extension().as_str() {
        "json" | "yaml" | "yml" | "toml" | "ini" => keys(path, then, now).or_else(|| trees(then, now)),
        "safetensors" => parts("tensor", safetensors(then), safetensors(now)),
        "npz" | "zip" => parts(if path.extension() == "npz" { "array" } else { "member" }, members(then), members(now)),
        "npy" => array(then, now),
        _ if then.starts_with(b"tree\n") && now.starts_with(b"tree\n") => parts("entry", Some(lightgbm(then)), Some(lightgbm(now))),
        _ => table(path, then, now),
    };
    named.filter(|sentences| !sentences.is_empty()).or_else(|| lines(then, now)).unwrap_or_else(|| vec![bytes(then, now)])
}

/// Settings and numbers by key.
fn keys(path: &FilePath, then: &[u8], now: &[u8]) -> Option<Vec<String>> {
    let (then, now) = (flatten(path, then)?, flatten(path, now)?);
    if then.cut || now.cut || then.leaves.is_empty() || now.leaves.is_empty() {
        return None;
    }
    let text = |value: &Value| match answer::json(value) {
        serde_json::Value::String(text) => text,
        other => other.to_string(),
    };
    let texts = |leaves: Vec<(String, Value)>| leaves.into_iter().map(|(key, value)| (key, text(&value))).collect();
    Some(pairs(&texts(then.leaves), &texts(now.leaves)))
}

/// What changed between two maps: `key a → b`.
fn pairs(then: &BTreeMap<String, String>, now: &BTreeMap<String, String>) -> Vec<String> {
    let keys: BTreeSet<&String> = then.keys().chain(now.keys()).collect();
    let changed = keys.into_iter().filter_map(|key| match (then.get(key), now.get(key)) {
        (Some(was), Some(is)) if was == is => None,
        (Some(was), Some(is)) => Some(format!("{key} {} → {}", cut(was), cut(is))),
        (None, Some(is)) => Some(format!("{key} is new: {}", cut(is))),
        (Some(was), None) => Some(format!("{key} is gone: it was {}", cut(was))),
        (None, None) => None,
    });
    shortened(changed.collect())
}

fn shortened(mut sentences: Vec<String>) -> Vec<String> {
    let all = sentences.len();
    if all > NAMED_MAX {
        sentences.truncate(NAMED_MAX);
        sentences.push(format!("and {} more", all - NAMED_MAX));
    }
    sentences
}

fn cut(text: &str) -> String {
    if text.chars().count() <= LINE_CHARS_MAX { text.to_owned() } else { text.chars().take(LINE_CHARS_MAX).chain(['…']).collect() }
}

/// Large JSON (a model of XGBoost) by the paths in it.
fn trees(then: &[u8], now: &[u8]) -> Option<Vec<String>> {
    let then = serde_json::from_slice::<serde_json::Value>(then).ok()?;
    let now = serde_json::from_slice::<serde_json::Value>(now).ok()?;
    let mut found = Vec::new();
    // a list for what is still to be compared: depth is the writer's choice
    let mut open = vec![(String::new(), &then, &now)];
    while let Some((path, then, now)) = open.pop() {
        match (then, now) {
            _ if then == now => {}
            (serde_json::Value::Object(then), serde_json::Value::Object(now)) => {
                for key in then.keys().chain(now.keys()).collect::<BTreeSet<_>>().into_iter().rev() {
                    let below = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                    match (then.get(key), now.get(key)) {
                        (Some(then), Some(now)) => open.push((below, then, now)),
                        (Some(_), None) => found.push(format!("{below} is gone")),
                        _ => found.push(format!("{below} is new")),
                    }
                }
            }
            (serde_json::Value::Array(then), serde_json::Value::Array(now)) if then.len() == now.len() => {
                let items = then.iter().zip(now).enumerate().rev();
                open.extend(items.map(|(at, (then, now))| (format!("{path}[{at}]"), then, now)));
            }
            (serde_json::Value::Array(then), serde_json::Value::Array(now)) => {
                found.push(format!("{path} has {} items, and had {}", now.len(), then.len()));
            }
            _ => found.push(format!("{path} {} → {}", cut(&then.to_string()), cut(&now.to_string()))),
        }
    }
    Some(shortened(found))
}

/// Rows and columns of a table.
fn table(path: &FilePath, then: &[u8], now: &[u8]) -> Option<Vec<String>> {
    let name = path.to_string();
    let format = |bytes: &[u8]| Format::of(&name, &bytes[..bytes.len().min(HEAD_BYTES)]);
    let (before, after) = (format(then)?, format(now)?);
    let opens = |bytes: &[u8]| {
        let bytes = bytes.to_vec();
        move || -> std::io::Result<Box<dyn Bytes>> { Ok(Box::new(Cursor::new(bytes.clone()))) }
    };
    let (open_then, open_now) = (opens(then), opens(now));
    let part = |format, open| Part { name: name.clone(), format, open };
    let difference = compare(&[part(before, &open_then)], &[part(after, &open_now)], &Limits::default()).ok()?;
    let said = said(&difference);
    Some(std::iter::once(said.detail).chain(said.evidence).collect())
}

/// Named parts of a file: what each is (a shape, a size), and its content.
type Parts = BTreeMap<String, (String, Digest)>;

/// Which parts differ.
fn parts(noun: &str, then: Option<Parts>, now: Option<Parts>) -> Option<Vec<String>> {
    let (then, now) = (then?, now?);
    let names: BTreeSet<&String> = then.keys().chain(now.keys()).collect();
    let all = names.len();
    let differs = names.into_iter().filter_map(|name| match (then.get(name), now.get(name)) {
        (Some(was), Some(is)) if was == is => None,
        (Some((was, _)), Some((is, _))) if was != is => Some(format!("{noun} {name}: {was} → {is}")),
        (Some((what, _)), Some(_)) => Some(format!("{noun} {name} ({what}) has other values")),
        (None, _) => Some(format!("{noun} {name} is new")),
        (_, None) => Some(format!("{noun} {name} is gone")),
    });
    let differs: Vec<String> = differs.collect();
    if differs.is_empty() {
        return None;
    }
    let plural = noun.strip_suffix('y').map_or_else(|| format!("{noun}s"), |stem| format!("{stem}ies"));
    let head = format!("{} of {all} {plural} differ", differs.len());
    Some(std::iter::once(head).chain(shortened(differs)).collect())
}

/// Tensors, by the header of the file.
fn safetensors(bytes: &[u8]) -> Option<Parts> {
    let length = usize::try_from(u64::from_le_bytes(bytes.get(..8)?.try_into().ok()?)).ok()?;
    let end = length.checked_add(8)?;
    let header: serde_json::Value = serde_json::from_slice(bytes.get(8..end)?).ok()?;
    let data = bytes.get(end..)?;
    let tensors = header.as_object()?.iter().filter(|(name, _)| *name != "__metadata__").map(|(name, tensor)| {
        let offset = |at: usize| tensor.pointer(&format!("/data_offsets/{at}"))?.as_u64().and_then(|offset| usize::try_from(offset).ok());
        let values = data.get(offset(0)?..offset(1)?)?;
        let what = format!("{} {}", tensor.get("dtype")?.as_str()?, tensor.get("shape")?);
        Some((name.clone(), (what, Digest::of(values))))
    });
    let mut parts: Parts = tensors.collect::<Option<_>>()?;
    if let Some(metadata) = header.get("__metadata__") {
        let text = metadata.to_string();
        parts.insert("__metadata__".to_owned(), ("metadata".to_owned(), Digest::of(text.as_bytes())));
    }
    Some(parts)
}

/// Members of a zip, unpacked; those that are numpy arrays with type and shape.
fn members(bytes: &[u8]) -> Option<Parts> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).ok()?;
    let mut parts = Parts::new();
    for at in 0..archive.len() {
        let mut member = archive.by_index(at).ok()?;
        let mut content = Vec::new();
        // a bomb ends here, and the file is compared as bytes
        member.by_ref().take(1 << 30).read_to_end(&mut content).ok()?;
        let what = npy(&content).map_or_else(|| format!("{} bytes", content.len()), |(what, _)| what);
        let name = member.name().ok()?.trim_end_matches(".npy").to_owned();
        parts.insert(name, (what, Digest::of(&content)));
    }
    Some(parts)
}

/// Type and shape of a numpy array, and where its values begin.
fn npy(bytes: &[u8]) -> Option<(String, usize)> {
    let rest = bytes.strip_prefix(b"\x93NUMPY")?;
    let (length, start) = match rest.first()? {
        1 => (usize::from(u16::from_le_bytes(rest.get(2..4)?.try_into().ok()?)), 10),
        _ => (usize::try_from(u32::from_le_bytes(rest.get(2..6)?.try_into().ok()?)).ok()?, 12),
    };
    let header = std::str::from_utf8(bytes.get(start..start + length)?).ok()?;
    let field = |name: &str, end: char| {
        let from = header.split_once(&format!("'{name}':"))?.1.trim_start();
        let stop = from.find(end)?;
        Some(from[..stop].trim_matches(['\'', '(']).to_owned())
    };
    Some((format!("{} ({})", field("descr", ',')?, field("shape", ')')?), start + length))
}

fn array(then: &[u8], now: &[u8]) -> Option<Vec<String>> {
    let ((was, from), (is, begin)) = (npy(then)?, npy(now)?);
    if was != is {
        return Some(vec![format!("the array was {was}, and is {is}")]);
    }
    let (then, now) = (then.get(from..)?, now.get(begin..)?);
    let width =
        was.split(' ').next()?.trim_start_matches(|c: char| !c.is_ascii_digit()).parse::<usize>().ok().filter(|width| *width > 0)?;
    let (all, other) =
        then.chunks(width).zip(now.chunks(width)).fold((0, 0), |(all, other), (a, b)| (all + 1, other + usize::from(a != b)));
    Some(vec![format!("{other} of {all} elements differ ({was})")])
}

/// A text model of LightGBM: its head and each tree, by key.
fn lightgbm(bytes: &[u8]) -> Parts {
    let text = String::from_utf8_lossy(bytes);
    let mut section = String::new();
    let mut parts = Parts::new();
    for line in text.lines() {
        match line.split_once('=') {
            Some(("Tree", number)) => section = format!("tree {number}, "),
            Some((key, value)) => {
                parts.insert(format!("{section}{key}"), ("a line".to_owned(), Digest::of(value.as_bytes())));
            }
            None if line == "end of trees" => section.clear(),
            None => {}
        }
    }
    parts
}

/// Text by its first differing line.
fn lines(then: &[u8], now: &[u8]) -> Option<Vec<String>> {
    let (then, now) = (std::str::from_utf8(then).ok()?, std::str::from_utf8(now).ok()?);
    if then.contains('\0') || now.contains('\0') {
        return None;
    }
    let (was, is): (Vec<&str>, Vec<&str>) = (then.lines().collect(), now.lines().collect());
    let same = was.iter().zip(&is).take_while(|(a, b)| a == b).count();
    let mut sentences = Vec::new();
    if was.len() != is.len() {
        sentences.push(format!("{} lines, and {} then", is.len(), was.len()));
    }
    match (was.get(same), is.get(same)) {
        (Some(was), Some(is)) => sentences.push(format!("line {}: {} → {}", same + 1, cut(was), cut(is))),
        (Some(was), None) => sentences.push(format!("line {} is gone: {}", same + 1, cut(was))),
        (None, Some(is)) => sentences.push(format!("line {} is new: {}", same + 1, cut(is))),
        (None, None) => sentences.push("only the ends of lines differ".to_owned()),
    }
    Some(sentences)
}

fn bytes(then: &[u8], now: &[u8]) -> String {
    let at = then.iter().zip(now).take_while(|(a, b)| a == b).count();
    if then.len() == now.len() {
        let other = then.iter().zip(now).filter(|(a, b)| a != b).count();
        format!("{other} of {} bytes differ, the first at {at}; its format tells no more", then.len())
    } else {
        format!("{} bytes, and {} then; the first that differs is at {at}; its format tells no more", now.len(), then.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tell(name: &str, then: &[u8], now: &[u8]) -> Vec<String> {
        difference(&FilePath::from(name), then, now)
    }

    #[test]
    fn settings_and_numbers_are_told_by_key() {
        assert_eq!(tell("eval.json", br#"{"auc": 0.75, "n": 3}"#, br#"{"auc": 0.5, "n": 3}"#), ["auc 0.75 → 0.5"]);
        assert_eq!(tell("c.yaml", b"depth: 4\nold: 1\n", b"depth: 6\nnew: 2\n"), ["depth 4 → 6", "new is new: 2", "old is gone: it was 1"]);
        let large = |last: u32| serde_json::to_vec(&serde_json::json!({"trees": (0..2_000).chain([last]).collect::<Vec<_>>()})).unwrap();
        assert_eq!(tell("m.json", &large(1), &large(2)), ["trees[2000] 1 → 2"]);
    }

    #[test]
    fn tensors_are_told_by_name() {
        let file = |values: &[u8; 8]| {
            let header = br#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#;
            [&(header.len() as u64).to_le_bytes()[..], header, values].concat()
        };
        let told = tell("m.safetensors", &file(b"aaaabbbb"), &file(b"aaaacccc"));
        assert_eq!(told, ["1 of 2 tensors differ", "tensor b (F32 [1]) has other values"]);
        // a header that promises more than there is
        assert!(tell("m.safetensors", &[255; 16], &[254; 16])[0].starts_with("16 of 16 bytes differ"));
    }

    #[test]
    fn arrays_are_told_by_elements() {
        let file = |values: &[u8]| {
            let header = format!("{:<117}\n", "{'descr': '<i4', 'fortran_order': False, 'shape': (2,), }");
            [b"\x93NUMPY\x01\x00".as_slice(), &(header.len() as u16).to_le_bytes(), header.as_bytes(), values].concat()
        };
        assert_eq!(
            tell("a.npy", &file(&[1, 0, 0, 0, 2, 0, 0, 0]), &file(&[1, 0, 0, 0, 3, 0, 0, 0])),
            ["1 of 2 elements differ (<i4 (2,))"]
        );
    }

    #[test]
    fn a_text_model_is_told_by_tree() {
        let model = |value: &str| format!("tree\nversion=v4\n\nTree=0\nleaf_value={value}\n\nend of trees\n");
        let told = tell("m.txt", model("1 2").as_bytes(), model("1 3").as_bytes());
        assert_eq!(told, ["1 of 2 entries differ", "entry tree 0, leaf_value (a line) has other values"]);
    }

    #[test]
    fn a_table_is_told_by_rows_and_columns() {
        let rows = |late: u32| (0..40).map(|n| format!("{n},{},{}\n", n % 3, if n == 7 { late } else { 0 })).collect::<String>();
        let told = tell("t.csv", format!("id,kind,late\n{}", rows(0)).as_bytes(), format!("id,kind,late\n{}", rows(1)).as_bytes());
        assert!(told[0].starts_with("40 rows as before") && told[0].contains("late"), "{told:?}");
    }

    #[test]
    fn text_is_told_by_line_and_the_rest_by_bytes() {
        assert_eq!(tell("x.txt", b"a\nb\n", b"a\nc\n"), ["line 2: b → c"]);
        assert_eq!(tell("x.txt", b"a\n", b"a\nc\n"), ["2 lines, and 1 then", "line 2 is new: c"]);
        assert_eq!(tell("x.bin", b"\xff\0a", b"\xff\0b"), ["1 of 3 bytes differ, the first at 2; its format tells no more"]);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_told(name in "[a-z]\\.(json|npy|npz|safetensors|txt|yaml)", then: Vec<u8>, now: Vec<u8>) {
            proptest::prop_assume!(then != now);
            proptest::prop_assert!(!tell(&name, &then, &now).is_empty());
        }
    }
}
