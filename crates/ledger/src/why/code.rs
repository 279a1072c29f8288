//! Differences in code and settings, as text: what changed, and whether it can have mattered.

use keizu_record::FilePath;
use similar::TextDiff;

use super::Effect;
use crate::said::{Sentence, said};

/// Lines of context around a change.
const CONTEXT: usize = 3;
/// A longer line is cut in the short form.
const LINE_CHARS_MAX: usize = 160;
/// Changed lines that the short form shows.
const SHOWN_MAX: usize = 8;
/// A larger text is compared by digest only.
pub(super) const TEXT_BYTES_MAX: usize = 4 << 20;

/// What changed between two texts.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct TextChange {
    /// Whether it can have mattered.
    pub effect: Effect,
    /// The sentence.
    pub detail: Sentence,
    /// The changed lines, the first of them.
    pub short: Vec<String>,
    /// The whole unified difference.
    pub diff: String,
    /// Lines added and removed.
    pub lines: (usize, usize),
    /// Only the value of a seed.
    pub seed: Option<(String, String)>,
}

/// Compares two versions of a file.
pub(super) fn compare(path: &FilePath, before: &str, after: &str) -> TextChange {
    let (shown_before, shown_after) = (readable(path, before), readable(path, after));
    let text = TextDiff::from_lines(shown_before.as_str(), shown_after.as_str());
    let name = path.to_string();
    let diff = text.unified_diff().context_radius(CONTEXT).header(&format!("before/{name}"), &format!("after/{name}")).to_string();
    let mut lines = (0, 0);
    let mut short = Vec::new();
    for change in text.iter_all_changes() {
        let sign = match change.tag() {
            similar::ChangeTag::Insert => '+',
            similar::ChangeTag::Delete => '-',
            similar::ChangeTag::Equal => continue,
        };
        if sign == '+' {
            lines.0 += 1
        } else {
            lines.1 += 1
        }
        let line = change.value().trim_end();
        if short.len() < SHOWN_MAX && !line.trim().is_empty() {
            short.push(format!("{sign} {}", line.chars().take(LINE_CHARS_MAX).collect::<String>()));
        }
    }
    let count = said!("lines", "+{} \u{2212}{} lines", lines.0, lines.1);
    let meaning = (meaning(path, before), meaning(path, after));
    if meaning.0 == meaning.1 {
        let detail = match shown_before == shown_after {
            true => said!("only_outputs", "only outputs and layout of the notebook changed"),
            false => said!("only_comments", "only comments, docstrings or layout changed"),
        };
        return TextChange { effect: Effect::Unlikely, detail, short, diff, lines, seed: None };
    }
    let literals = literals(&meaning.0, &meaning.1);
    let seed = literals.as_ref().filter(|changes| changes.iter().all(|(line, ..)| names_seed(line))).and_then(|changes| {
        let (_, before, after) = changes.first()?;
        Some((before.clone(), after.clone()))
    });
    let detail = match literals.as_deref() {
        Some([(line, before, after)]) => match assigned(line) {
            Some(name) => said!("value", "{}: {} → {}", name, before, after),
            None => said!("value_in", "{} → {} in `{}`", before, after, line.trim().chars().take(LINE_CHARS_MAX).collect::<String>()),
        },
        Some(many) => {
            let said = many.iter().take(3).map(|(line, before, after)| match assigned(line) {
                Some(name) => said!("value", "{}: {} → {}", name, before, after),
                None => said!("became", "{} → {}", before, after),
            });
            Sentence::all(", ", said.chain((many.len() > 3).then(|| said!("more", "…"))))
        }
        None => count,
    };
    TextChange { effect: Effect::Likely, detail, short, diff, lines, seed }
}

/// As people read it: of a notebook the sources of its cells.
fn readable(path: &FilePath, text: &str) -> String {
    if path.extension() != "ipynb" {
        return text.to_owned();
    }
    cells(text, &["code", "markdown", "raw"]).unwrap_or_else(|| text.to_owned())
}

fn cells(text: &str, kinds: &[&str]) -> Option<String> {
    let notebook: serde_json::Value = serde_json::from_str(text).ok()?;
    let mut out = String::new();
    for cell in notebook.get("cells")?.as_array()? {
        if !cell.get("cell_type").and_then(serde_json::Value::as_str).is_some_and(|kind| kinds.contains(&kind)) {
            continue;
        }
        match cell.get("source") {
            Some(serde_json::Value::String(source)) => out.push_str(source),
            Some(serde_json::Value::Array(lines)) => lines.iter().filter_map(|line| line.as_str()).for_each(|line| out.push_str(line)),
            _ => {}
        }
        out.push('\n');
    }
    Some(out)
}

/// How a language writes what means nothing.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// `#` and docstrings; indentation means something.
    Python,
    /// `#`.
    Hash,
    /// `//` and `/* */`.
    Slashes,
    /// `--` and `/* */`.
    Dashes,
    /// Nothing known.
    Plain,
}

fn manner(path: &FilePath) -> Manner {
    match path.extension().as_str() {
        "py" | "pyi" | "pyx" | "pxd" | "ipynb" | "smk" => Manner::Python,
        "sh" | "bash" | "zsh" | "fish" | "r" | "rmd" | "jl" | "pl" | "pm" | "rb" | "yaml" | "yml" | "toml" | "mk" | "awk" | "cmake"
        | "nf" | "exs" | "ex" | "tcl" => Manner::Hash,
        "js" | "mjs" | "cjs" | "ts" | "mts" | "tsx" | "jsx" | "scala" | "sc" | "java" | "kt" | "groovy" | "c" | "h" | "cc" | "cpp"
        | "cxx" | "hpp" | "hxx" | "hh" | "cu" | "cuh" | "rs" | "go" | "swift" | "php" | "proto" | "stan" | "json5" => Manner::Slashes,
        "sql" | "lua" | "hs" => Manner::Dashes,
        _ if path.extension().is_empty() => Manner::Hash,
        _ => Manner::Plain,
    }
}

/// The lines that mean something, each without its comment.
fn meaning(path: &FilePath, text: &str) -> Vec<String> {
    let manner = manner(path);
    let text = if path.extension() == "ipynb" { cells(text, &["code"]).unwrap_or_else(|| text.to_owned()) } else { text.to_owned() };
    let bare = strip(&text, manner);
    bare.lines().map(str::trim_end).filter(|line| !line.trim().is_empty()).map(str::to_owned).collect()
}

/// The text without comments and, of Python, without strings that stand alone.
fn strip(text: &str, manner: Manner) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if let Some(length) = comment(rest, manner, &out) {
            rest = &rest[length..];
            continue;
        }
        if (c == '"' || c == '\'' || (c == '`' && manner == Manner::Slashes)) && manner != Manner::Plain {
            let length = string(rest, manner);
            let alone = manner == Manner::Python && stands_alone(&out, &rest[length..]);
            if !alone {
                out.push_str(&rest[..length]);
            }
            rest = &rest[length..];
            continue;
        }
        out.push(c);
        rest = &rest[c.len_utf8()..];
    }
    out
}

/// Length of the comment that begins here.
fn comment(rest: &str, manner: Manner, before: &str) -> Option<usize> {
    let to_end = || rest.find('\n').unwrap_or(rest.len());
    let block = || rest.strip_prefix("/*").map(|inside| inside.find("*/").map_or(rest.len(), |end| end + 4));
    match manner {
        Manner::Python if rest.starts_with('#') => Some(to_end()),
        // `$#`, `${x#y}` and `a#b` are no comments of a shell; a first line `#!` says which program runs it
        Manner::Hash if rest.starts_with('#') && !rest.starts_with("#!") => {
            before.chars().next_back().is_none_or(char::is_whitespace).then(to_end)
        }
        Manner::Slashes if rest.starts_with("//") => Some(to_end()),
        Manner::Dashes if rest.starts_with("--") => Some(to_end()),
        Manner::Slashes | Manner::Dashes => block(),
        _ => None,
    }
}

/// Length of the string that begins here; of one that does not end, only its quote, so that a stray quote hides nothing.
fn string(rest: &str, manner: Manner) -> usize {
    let triple = ["\"\"\"", "'''"].into_iter().find(|quote| manner == Manner::Python && rest.starts_with(quote));
    let quote = triple.unwrap_or(&rest[..1]);
    let mut at = quote.len();
    while at < rest.len() {
        let here = &rest[at..];
        if here.starts_with(quote) {
            return at + quote.len();
        }
        let Some(c) = here.chars().next() else { break };
        if c == '\n' && triple.is_none() && manner == Manner::Python {
            break;
        }
        at += c.len_utf8();
        if c == '\\' {
            at += rest[at..].chars().next().map_or(0, char::len_utf8);
        }
    }
    quote.len().min(1)
}

/// Whether a string is a statement of its own: nothing before it on its line, and nothing after it.
fn stands_alone(before: &str, after: &str) -> bool {
    let line = before.rsplit('\n').next().unwrap_or_default();
    let next = after.split('\n').next().unwrap_or_default().trim();
    // inside brackets, or after a backslash or an operator, it is part of an expression
    let above = before.trim_end().chars().next_back();
    let begins = above.is_none_or(|c| !matches!(c, '(' | '[' | '{' | ',' | '=' | '+' | '\\' | '%' | '"' | '\''));
    line.trim().is_empty() && (next.is_empty() || next.starts_with('#')) && begins
}

/// When two texts differ in literals alone: each line that does, with the value before and after.
fn literals(before: &[String], after: &[String]) -> Option<Vec<(String, String, String)>> {
    if before.len() != after.len() {
        return None;
    }
    let mut changes = Vec::new();
    for (old, new) in before.iter().zip(after).filter(|(old, new)| old != new) {
        let (old_parts, new_parts) = (parts(old), parts(new));
        if old_parts.len() != new_parts.len() {
            return None;
        }
        for (was, is) in old_parts.iter().zip(&new_parts).filter(|(was, is)| was != is) {
            if !(is_literal(was) && is_literal(is)) {
                return None;
            }
            changes.push((new.clone(), (*was).to_owned(), (*is).to_owned()));
        }
    }
    (!changes.is_empty()).then_some(changes)
}

/// Words, numbers, strings and signs of a line.
fn parts(line: &str) -> Vec<&str> {
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(c) = line[at..].chars().next() {
        let rest = &line[at..];
        let length = if c == '"' || c == '\'' {
            string(rest, Manner::Python)
        } else if c.is_alphanumeric() || c == '_' || c == '.' {
            word(rest)
        } else {
            c.len_utf8()
        };
        if !c.is_whitespace() {
            out.push(&rest[..length]);
        }
        at += length;
    }
    out
}

/// A name, or a number with its exponent.
fn word(rest: &str) -> usize {
    let number = rest.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    let mut previous = ' ';
    for (at, c) in rest.char_indices() {
        let exponent = number && matches!(c, '-' | '+') && matches!(previous, 'e' | 'E') && !rest.starts_with("0x");
        if !(c.is_alphanumeric() || matches!(c, '_' | '.') || exponent) {
            return at;
        }
        previous = c;
    }
    rest.len()
}

fn is_literal(part: &str) -> bool {
    part.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '"' | '\''))
        || (part.starts_with('.') && part[1..].starts_with(|c: char| c.is_ascii_digit()))
        || matches!(part, "True" | "False" | "None" | "true" | "false" | "null" | "nil" | "TRUE" | "FALSE")
}

/// The name that a line gives a value: `DEPTH = 4`, `depth: 4`.
fn assigned(line: &str) -> Option<&str> {
    let name = line.trim().split(['=', ':']).next()?.trim();
    let plain = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.'));
    (plain && name.len() < line.trim().len()).then_some(name)
}

/// Whether a name is what randomness begins with.
pub(super) fn is_seed(name: &str) -> bool {
    let last = name.rsplit(['.', ':', '/']).next().unwrap_or(name).to_ascii_lowercase();
    let words: Vec<&str> = last.split(|c: char| !c.is_alphanumeric()).collect();
    words.contains(&"seed") || last.ends_with("seed") || matches!(last.as_str(), "random_state" | "random-state" | "randomstate" | "rng")
}

/// Whether a line of code sets what randomness begins with.
fn names_seed(line: &str) -> bool {
    let lower = line.to_ascii_lowercase();
    let words: Vec<&str> = lower.split(|c: char| !(c.is_alphanumeric() || c == '_')).collect();
    let known = ["random_state", "manual_seed", "randomstate", "default_rng", "set_seed", "seed_everything", "prngkey", "random_seed"];
    words.iter().any(|word| known.contains(word) || word.split('_').any(|part| part == "seed" || part == "seeds"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(name: &str, before: &str, after: &str) -> (Effect, String) {
        let change = compare(&FilePath::from(name), before, after);
        (change.effect, change.detail.to_string())
    }

    #[test]
    fn comments_docstrings_and_layout_mean_nothing() {
        let before = "import x\ndef f():\n    return 1\n";
        let after = "\"\"\"Says what.\"\"\"\nimport x  # why\n\n\ndef f():\n    '''one'''\n    # two\n    return 1   \n";
        assert_eq!(of("a.py", before, after).0, Effect::Unlikely);
        assert_eq!(of("a.py", "x = '# a'\n", "x = '# b'\n").0, Effect::Likely);
        assert_eq!(of("a.py", "x = '''a'''\n", "x = '''b'''\n").0, Effect::Likely);
        assert_eq!(of("a.py", "f(\n'a'\n)\n", "f(\n'b'\n)\n").0, Effect::Likely);
        assert_eq!(of("a.py", "if x:\n  f()\ng()\n", "if x:\n  f()\n  g()\n").0, Effect::Likely);
        assert_eq!(of("a.sh", "echo $#\n", "echo $# # number\n").0, Effect::Unlikely);
        assert_eq!(of("a.sql", "select 1 -- a\n", "select 1 /* b */\n").0, Effect::Unlikely);
        assert_eq!(of("a.rs", "let a = \"// x\"; // y\n", "let a = \"// x\";\n").0, Effect::Unlikely);
        assert_eq!(of("a.unknown", "# a\n", "# b\n").0, Effect::Likely);
    }

    #[test]
    fn values_are_named() {
        assert_eq!(of("a.py", "DEPTH = 4\nx = 1\n", "DEPTH = 6\nx = 1\n").1, "DEPTH: 4 → 6");
        assert_eq!(of("a.py", "f(depth=4, rate=1e-3)\n", "f(depth=4, rate=1e-4)\n").1, "1e-3 → 1e-4 in `f(depth=4, rate=1e-4)`");
        assert_eq!(of("a.py", "a()\n", "b()\n").1, "+1 \u{2212}1 lines");
    }

    #[test]
    fn a_seed_alone_is_a_seed() {
        let seed = |before: &str, after: &str| compare(&FilePath::from("a.py"), before, after).seed.is_some();
        assert!(seed("rng = np.random.default_rng(1)\n", "rng = np.random.default_rng(2)\n"));
        assert!(seed("SEED = 1\n", "SEED = 2\n"));
        assert!(!seed("SEED = 1\nD = 4\n", "SEED = 2\nD = 5\n"));
        assert!(!seed("DEPTH = 1\n", "DEPTH = 2\n"));
        assert!(is_seed("model.random_state") && is_seed("PYTHONHASHSEED") && is_seed("config.yaml:seed") && !is_seed("seeded_rows"));
    }

    #[test]
    fn a_notebook_is_its_cells() {
        let with = |source: &str, count: u32| {
            serde_json::json!({"cells": [{"cell_type": "code", "source": [source], "execution_count": count, "outputs": [count]}]})
                .to_string()
        };
        assert_eq!(of("a.ipynb", &with("x = 1", 1), &with("x = 1", 7)).0, Effect::Unlikely);
        assert_eq!(of("a.ipynb", &with("x = 1", 1), &with("x = 2", 7)).1, "x: 1 → 2");
    }

    proptest! {
        #[test]
        fn any_text_is_fine(before in "[ -~\\n\"'#é]{0,80}", after in "[ -~\\n\"'#é]{0,80}", name in "a\\.(py|sh|rs|sql|txt|ipynb)") {
            let change = compare(&FilePath::from(name.as_str()), &before, &after);
            if before == after {
                prop_assert_eq!(change.effect, Effect::Unlikely);
            }
        }
    }
}
