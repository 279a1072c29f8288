//! Flattens a document of settings or numbers into `key.sub` and leaf: YAML, JSON, TOML, INI, `.env`, CSV.
//!
//! YAML is read event by event: aliases are not followed, so a small file can't unfold into a large one.

use keizu_record::{FilePath, Value};
use saphyr_parser::{Event, Parser, ScalarStyle};

use super::arguments::typed;

/// Leaves that are taken from one document.
pub const LEAVES_MAX: usize = 1_000;
/// How deep keys nest; what is below is not looked at.
const DEPTH_MAX: usize = 16;
/// Items of a list; a longer one is data.
const ITEMS_MAX: usize = 64;
/// A longer text is no setting.
const TEXT_BYTES_MAX: usize = 4_096;

/// The leaves of a document, in its order.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Leaves {
    /// Key and value.
    pub leaves: Vec<(String, Value)>,
    /// Whether there were more, or longer ones.
    pub cut: bool,
    /// Whether its top is a list or a lone value, not named things.
    pub unnamed: bool,
}

impl Leaves {
    fn put(&mut self, key: &str, value: Value) {
        let long = matches!(&value, Value::Text(text) if text.len() > TEXT_BYTES_MAX);
        if self.leaves.len() >= LEAVES_MAX || long {
            self.cut = true;
        } else if !key.is_empty() {
            self.leaves.push((key.to_owned(), value));
        }
    }
}

/// Flattens by the file's extension; `None` when it is none of these formats or broken.
pub fn flatten(path: &FilePath, bytes: &[u8]) -> Option<Leaves> {
    let text = std::str::from_utf8(bytes).ok()?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let name = String::from_utf8_lossy(path.file_name()).to_ascii_lowercase();
    match path.extension().as_str() {
        _ if name == ".env" || name.starts_with(".env.") => Some(ini(text)),
        "json" => json(text),
        "yaml" | "yml" => yaml(text),
        "toml" => toml(text),
        "ini" | "cfg" | "conf" | "env" | "properties" => Some(ini(text)),
        "csv" | "tsv" => table(text, if path.extension() == "tsv" { b'\t' } else { b',' }),
        _ => None,
    }
}

fn join(prefix: &str, key: &str) -> String {
    if prefix.is_empty() { key.to_owned() } else { format!("{prefix}.{key}") }
}

fn json(text: &str) -> Option<Leaves> {
    let value: serde_json::Value = serde_json::from_str(text).or_else(|_| serde_json::from_str(&quoted_numbers(text))).ok()?;
    let mut out = Leaves { unnamed: !value.is_object(), ..Leaves::default() };
    json_into(&mut out, "", &value, 0);
    Some(out)
}

/// Python writes NaN and Infinity into JSON: as texts they can be read, and are numbers again below.
fn quoted_numbers(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let (mut rest, mut quoted) = (text, false);
    while let Some(c) = rest.chars().next() {
        let word = ["NaN", "-Infinity", "Infinity"].into_iter().find(|word| !quoted && rest.starts_with(word));
        if let Some(word) = word {
            out.push_str(&format!("\"\\u0000{word}\""));
            rest = &rest[word.len()..];
            continue;
        }
        let length = if quoted && c == '\\' { 1 + rest[1..].chars().next().map_or(0, char::len_utf8) } else { c.len_utf8() };
        quoted ^= c == '"';
        out.push_str(&rest[..length]);
        rest = &rest[length..];
    }
    out
}

fn json_into(out: &mut Leaves, key: &str, value: &serde_json::Value, depth: usize) {
    use serde_json::Value as Json;
    if depth > DEPTH_MAX || out.leaves.len() >= LEAVES_MAX {
        out.cut = true;
        return;
    }
    match value {
        Json::Object(map) => map.iter().for_each(|(name, value)| json_into(out, &join(key, name), value, depth + 1)),
        Json::Array(list) if list.len() > ITEMS_MAX => out.cut = true,
        Json::Array(list) if list.iter().all(|item| !item.is_object() && !item.is_array()) => {
            out.put(key, Value::List(list.iter().map(json_leaf).collect()));
        }
        Json::Array(list) => list.iter().enumerate().for_each(|(at, value)| json_into(out, &join(key, &at.to_string()), value, depth + 1)),
        Json::Null => {}
        leaf => out.put(key, json_leaf(leaf)),
    }
}

fn json_leaf(value: &serde_json::Value) -> Value {
    use serde_json::Value as Json;
    match value {
        Json::Bool(flag) => Value::Flag(*flag),
        Json::Number(number) => number.as_i64().map_or_else(|| Value::Float(number.as_f64().unwrap_or(f64::NAN)), Value::Int),
        Json::String(text) => match text.as_str() {
            "\0NaN" => Value::Float(f64::NAN),
            "\0Infinity" => Value::Float(f64::INFINITY),
            "\0-Infinity" => Value::Float(f64::NEG_INFINITY),
            _ => Value::Text(text.clone()),
        },
        other => Value::Text(other.to_string()),
    }
}

fn toml(text: &str) -> Option<Leaves> {
    let table: toml::Table = text.parse().ok()?;
    let mut out = Leaves::default();
    toml_into(&mut out, "", &toml::Value::Table(table), 0);
    Some(out)
}

fn toml_into(out: &mut Leaves, key: &str, value: &toml::Value, depth: usize) {
    if depth > DEPTH_MAX {
        out.cut = true;
        return;
    }
    match value {
        toml::Value::Table(table) => table.iter().for_each(|(name, value)| toml_into(out, &join(key, name), value, depth + 1)),
        toml::Value::Array(list) if list.len() > ITEMS_MAX => out.cut = true,
        toml::Value::Array(list) if list.iter().all(|item| !item.is_table() && !item.is_array()) => {
            out.put(key, Value::List(list.iter().map(toml_leaf).collect()));
        }
        toml::Value::Array(list) => {
            list.iter().enumerate().for_each(|(at, value)| toml_into(out, &join(key, &at.to_string()), value, depth + 1))
        }
        leaf => out.put(key, toml_leaf(leaf)),
    }
}

fn toml_leaf(value: &toml::Value) -> Value {
    match value {
        toml::Value::String(text) => Value::Text(text.clone()),
        toml::Value::Integer(int) => Value::Int(*int),
        toml::Value::Float(float) => Value::Float(*float),
        toml::Value::Boolean(flag) => Value::Flag(*flag),
        other => Value::Text(other.to_string()),
    }
}

/// `[section]`, `key = value` or `key: value`, `#` and `;` comments. Also `.env`, with `export` and quotes.
fn ini(text: &str) -> Leaves {
    let mut out = Leaves::default();
    let mut section = String::new();
    for line in text.lines().map(str::trim) {
        if line.is_empty() || line.starts_with(['#', ';', '!']) {
            continue;
        }
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            name.trim().clone_into(&mut section);
            continue;
        }
        let line = line.strip_prefix("export ").unwrap_or(line);
        let Some((key, value)) = line.split_once(['=', ':']) else { continue };
        let value = value.trim();
        let bare = ['"', '\''].iter().find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote));
        out.put(&join(&section, key.trim()), bare.map_or_else(|| typed(value), |text| Value::Text(text.to_owned())));
    }
    out
}

/// One level of a YAML document that is open.
struct Level {
    key: String,
    /// In a mapping: the key that was read and waits for its value. In a list: nothing.
    pending: Option<String>,
    list: bool,
    items: Vec<Value>,
    count: usize,
    /// The list holds more than scalars.
    deep: bool,
}

fn yaml(text: &str) -> Option<Leaves> {
    let mut out = Leaves::default();
    let mut levels: Vec<Level> = Vec::new();
    let (mut skip, mut first) = (0usize, true);
    let mut parser = Parser::new_from_str(text);
    while let Some(event) = parser.next_event() {
        let (event, _) = event.ok()?;
        let start = matches!(event, Event::MappingStart(..) | Event::SequenceStart(..));
        let end = matches!(event, Event::MappingEnd | Event::SequenceEnd);
        if std::mem::take(&mut first) && !matches!(event, Event::MappingStart(..)) {
            // streams and documents begin before the first node
            first = !(start || matches!(event, Event::Scalar(..) | Event::Alias(_)));
            out.unnamed |= !first;
        }
        if skip > 0 {
            skip = skip + usize::from(start) - usize::from(end);
            continue;
        }
        match event {
            Event::MappingStart(..) | Event::SequenceStart(..) => {
                let key = place(&mut levels);
                if levels.len() >= DEPTH_MAX || key.is_none() {
                    out.cut = true;
                    skip = 1;
                    continue;
                }
                let list = matches!(event, Event::SequenceStart(..));
                levels.push(Level { key: key.unwrap_or_default(), pending: None, list, items: Vec::new(), count: 0, deep: false });
            }
            Event::MappingEnd | Event::SequenceEnd => {
                let level = levels.pop()?;
                if level.list && level.count > ITEMS_MAX {
                    out.cut = true;
                } else if level.list && !level.deep {
                    out.put(&level.key, Value::List(level.items));
                }
            }
            Event::Scalar(text, style, ..) => scalar(&mut out, &mut levels, &text, style),
            Event::Alias(_) => scalar(&mut out, &mut levels, "*", ScalarStyle::SingleQuoted),
            // further documents of the stream are not this file's settings
            Event::DocumentEnd => break,
            _ => {}
        }
    }
    Some(out)
}

/// The key at which a new mapping or list stands; `None` when it is itself a key.
fn place(levels: &mut [Level]) -> Option<String> {
    let Some(level) = levels.last_mut() else { return Some(String::new()) };
    if level.list {
        level.deep = true;
        level.count += 1;
        return Some(join(&level.key, &(level.count - 1).to_string()));
    }
    level.pending.take().map(|key| join(&level.key, &key))
}

fn scalar(out: &mut Leaves, levels: &mut [Level], text: &str, style: ScalarStyle) {
    let value = match style {
        ScalarStyle::Plain if matches!(text, "" | "~" | "null" | "Null" | "NULL") => None,
        ScalarStyle::Plain => Some(match text {
            ".nan" | ".NaN" => Value::Float(f64::NAN),
            ".inf" | ".Inf" => Value::Float(f64::INFINITY),
            "-.inf" | "-.Inf" => Value::Float(f64::NEG_INFINITY),
            _ => typed(text),
        }),
        _ => Some(Value::Text(text.to_owned())),
    };
    let Some(level) = levels.last_mut() else { return };
    if level.list {
        level.count += 1;
        if level.items.len() < ITEMS_MAX {
            level.items.extend(value);
        }
    } else if let Some(key) = level.pending.take() {
        let key = join(&level.key, &key);
        if let Some(value) = value {
            out.put(&key, value);
        }
    } else {
        level.pending = Some(text.to_owned());
    }
}

/// Rows of a table of results; more are data.
const ROWS_MAX: usize = 64;

/// A small table: `row.column`, where a row is called like its first text, else by its number. A table of two columns, text and number, is
/// a list of named numbers.
fn table(text: &str, separator: u8) -> Option<Leaves> {
    let rows = rows(text, separator)?;
    let (header, rows) = rows.split_first()?;
    let mut out = Leaves::default();
    let pairs =
        header.len() == 2 && rows.iter().all(|row| matches!(typed(&row[0]), Value::Text(_)) && !matches!(typed(&row[1]), Value::Text(_)));
    for (at, row) in rows.iter().enumerate() {
        if pairs {
            out.put(&row[0], typed(&row[1]));
            continue;
        }
        let label = row.iter().position(|cell| matches!(typed(cell), Value::Text(_)) && !cell.is_empty());
        let prefix = match (label, rows.len()) {
            (_, 1) => String::new(),
            (Some(label), _) => row[label].clone(),
            (None, _) => at.to_string(),
        };
        for (column, cell) in
            header.iter().zip(row).enumerate().filter(|(at, (_, cell))| Some(*at) != label && !cell.is_empty()).map(|(_, pair)| pair)
        {
            out.put(&join(&prefix, column), typed(cell));
        }
    }
    out.unnamed = rows.is_empty();
    Some(out)
}

fn rows(text: &str, separator: u8) -> Option<Vec<Vec<String>>> {
    let mut reader = csv_core::ReaderBuilder::new().delimiter(separator).build();
    let (mut input, mut rows, mut row) = (text.as_bytes(), Vec::new(), Vec::new());
    let (mut field, mut buffer) = (Vec::new(), [0u8; 1_024]);
    loop {
        let (result, read, written) = reader.read_field(input, &mut buffer);
        input = &input[read..];
        field.extend_from_slice(&buffer[..written]);
        match result {
            csv_core::ReadFieldResult::InputEmpty | csv_core::ReadFieldResult::OutputFull => {}
            csv_core::ReadFieldResult::Field { record_end } => {
                row.push(String::from_utf8_lossy(&std::mem::take(&mut field)).trim().to_owned());
                if record_end {
                    rows.push(std::mem::take(&mut row));
                    let ragged = rows.first().map(Vec::len) != rows.last().map(Vec::len);
                    if ragged || rows.len() > ROWS_MAX {
                        return None;
                    }
                }
            }
            csv_core::ReadFieldResult::End => return Some(rows),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(name: &str, text: &str) -> String {
        let leaves = flatten(&name.into(), text.as_bytes()).expect("reads");
        leaves.leaves.iter().map(|(key, value)| format!("{key}={}", plain(value))).collect::<Vec<_>>().join(" ")
    }

    fn plain(value: &Value) -> String {
        match value {
            Value::Text(text) => format!("'{text}'"),
            Value::Int(int) => int.to_string(),
            Value::Float(float) => format!("{float:?}"),
            Value::Flag(flag) => flag.to_string(),
            Value::List(list) => format!("[{}]", list.iter().map(plain).collect::<Vec<_>>().join(",")),
            Value::Bytes(_) => unreachable!(),
        }
    }

    #[test]
    fn formats() {
        assert_eq!(
            read("a.json", r#"{"a": {"b": 1, "c": [1, 2.5]}, "d": null, "e": "x", "f": [{"g": true}]}"#),
            "a.b=1 a.c=[1,2.5] e='x' f.0.g=true"
        );
        assert_eq!(read("a.json", r#"{"a": NaN, "b": [-Infinity], "c": "NaN \" Infinity"}"#), "a=NaN b=[-inf] c='NaN \" Infinity'");
        assert_eq!(read("a.toml", "a = 1\n[b]\nc = \"x\"\nd = [1, 2]\ne = 1979-05-27\n"), "a=1 b.c='x' b.d=[1,2] b.e='1979-05-27'");
        assert_eq!(read("a.ini", "; no\n[s]\na = 1\nb: yes\n"), "s.a=1 s.b='yes'");
        assert_eq!(read(".env", "export A=1\nB='x y'\n# C=2\n"), "A=1 B='x y'");
        assert_eq!(
            read("a.yaml", "lr: 0.1\nopt:\n  name: adam\n  betas: [0.9, 0.99]\nnone: ~\non: true\nsteps:\n- a: 1\n- b: '2'\n"),
            "lr=0.1 opt.name='adam' opt.betas=[0.9,0.99] on=true steps.0.a=1 steps.1.b='2'"
        );
        assert_eq!(read("a.csv", "metric,value\nauc,0.7\nlogloss,0.5\n"), "auc=0.7 logloss=0.5");
        assert_eq!(read("a.csv", "model,auc,n\na,0.7,3\nb,0.8,4\n"), "a.auc=0.7 a.n=3 b.auc=0.8 b.n=4");
        assert_eq!(read("a.csv", "auc,n\n0.7,3\n"), "auc=0.7 n=3");
    }

    #[test]
    fn what_is_broken_or_too_large_is_no_document() {
        assert_eq!(flatten(&"a.json".into(), b"{"), None);
        assert_eq!(flatten(&"a.yaml".into(), b"a: [1"), None);
        assert_eq!(flatten(&"a.csv".into(), b"a,b\n1\n"), None);
        assert_eq!(flatten(&"a.bin".into(), b"x"), None);
        let long = format!("[{}1]", "1,".repeat(1_000));
        assert!(flatten(&"a.json".into(), format!("{{\"a\": {long}}}").as_bytes()).unwrap().cut);
        let many: String = (0..2_000).map(|at| format!("k{at}: {at}\n")).collect();
        let leaves = flatten(&"a.yaml".into(), many.as_bytes()).unwrap();
        assert!(leaves.cut && leaves.leaves.len() == LEAVES_MAX);
    }

    #[test]
    fn a_document_that_would_unfold_without_end_does_not() {
        let mut bomb = "a0: &a0 [x, x]\n".to_owned();
        for at in 1..40 {
            bomb.push_str(&format!("a{at}: &a{at} [*a{0}, *a{0}]\n", at - 1));
        }
        assert!(flatten(&"a.yaml".into(), bomb.as_bytes()).unwrap().leaves.len() <= LEAVES_MAX);
        let deep = "[".repeat(30_000);
        let _ = flatten(&"a.yaml".into(), deep.as_bytes());
        let _ = flatten(&"a.json".into(), deep.as_bytes());
        let _ = flatten(&"a.toml".into(), format!("a = {deep}").as_bytes());
    }

    proptest! {
        #[test]
        fn any_text_is_fine(text in "\\PC{0,200}|[\\[\\]{}:,&*\\-\"' a1\n]{0,80}", extension in 0..6usize) {
            let name = ["a.json", "a.yaml", "a.toml", "a.ini", ".env", "a.csv"][extension];
            if let Some(leaves) = flatten(&name.into(), text.as_bytes()) {
                prop_assert!(leaves.leaves.len() <= LEAVES_MAX);
            }
        }

        #[test]
        fn numbers_survive_json(pairs in prop::collection::btree_map("[a-z]{1,8}", any::<i64>(), 0..20)) {
            let text = serde_json::to_string(&pairs).unwrap();
            let found: std::collections::BTreeMap<_, _> = flatten(&"a.json".into(), text.as_bytes()).unwrap().leaves.into_iter().collect();
            prop_assert_eq!(found, pairs.into_iter().map(|(key, value)| (key, Value::Int(value))).collect());
        }
    }
}
