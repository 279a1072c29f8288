//! What is said in words, the same on every page.

use std::collections::BTreeMap;

use keizu_ledger::AsOf;
use keizu_ledger::answer::{BlindRow, JudgementRow};

use super::look::{Look, count as count_of, many};
use super::path::fit;
use super::text::{Ink, Page, Text, width};

/// Who says so, unless Keizu saw it: `(declared)`, `(inferred: file name)`, `(from mlflow)`.
pub fn authority(authority: &str, rule: Option<&str>) -> Option<String> {
    match (authority, rule) {
        ("observed" | "", _) => None,
        ("imported", Some(tool)) => Some(format!("(from {tool})")),
        (word, Some(rule)) => Some(format!("({word}: {rule})")),
        (word, None) => Some(format!("({word})")),
    }
}

/// How a run ended or goes on: `finished`, `failed (exit 1)`, `killed (SIGKILL)`, `running`, `lost`.
pub fn status(status: &str, exit_code: Option<i64>, signal: Option<i64>) -> String {
    match (status, exit_code, signal) {
        ("failed", Some(code), _) => format!("failed (exit {code})"),
        ("killed", _, Some(number)) => format!("killed ({})", signal_name(number)),
        ("lost", ..) => "lost (how it ended was not seen)".to_owned(),
        _ => status.to_owned(),
    }
}

fn signal_name(number: i64) -> String {
    let known = i32::try_from(number).ok().and_then(signal_hook::low_level::signal_name);
    known.map_or_else(|| format!("signal {number}"), str::to_owned)
}

/// A moment in the past, and what is meant by it.
pub fn moment(as_of: AsOf, look: &Look) -> String {
    match as_of {
        AsOf::Happened(time) => format!("{}: what had happened by then, as far as is known today", look.moment(time)),
        AsOf::Recorded(time) => format!("{}: what the record said then", look.moment(time)),
        AsOf::Entries(1) => "the first entry of the record".to_owned(),
        AsOf::Entries(count) => format!("the first {} entries of the record", count_of(count)),
    }
}

/// What was judged of a thing last, a line each: `reproduced equal, 3 days ago`.
pub fn judged(rows: &[JudgementRow], look: &Look) -> Page {
    let mut page = Page::default();
    for row in rows {
        let what = row.detail.as_deref().unwrap_or(&row.verdict);
        let sentence = match row.judgement.as_str() {
            "reproduction" => format!("reproduced: {what}"),
            "cause" => format!("its change was proved: {what}"),
            other => format!("judged ({other}): {what}"),
        };
        page.line(Text::from(fit(&sentence, look.width.saturating_sub(14))).and(", ").with(Ink::Faint, look.age(&row.at)));
    }
    page
}

/// A value of a parameter or metric: as it is in pipes, with four digits that matter for people.
pub fn value(value: &serde_json::Value, look: &Look) -> String {
    match value {
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Number(number) if number.is_f64() && !look.exact => {
            number.as_f64().map_or_else(|| number.to_string(), short_number)
        }
        serde_json::Value::Array(items) => items.iter().map(|item| self::value(item, look)).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

fn short_number(number: f64) -> String {
    let magnitude = if number == 0.0 { 0.0 } else { number.abs().log10().floor() };
    if !(-4.0..6.0).contains(&magnitude) {
        return format!("{number:.3e}");
    }
    let decimals = (3.0 - magnitude).clamp(0.0, 7.0) as usize;
    let text = format!("{number:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// `depth 6 · learning_rate 0.1 · 4 more`, in so many columns.
pub fn pairs(values: &BTreeMap<String, serde_json::Value>, look: &Look, columns: usize) -> String {
    let items: Vec<String> = values.iter().map(|(name, value)| format!("{name} {}", self::value(value, look))).collect();
    list(&items, " · ", columns)
}

/// As many items as fit into so many columns, and how many more there are. At least one is named.
pub fn list<S: AsRef<str>>(items: &[S], between: &str, columns: usize) -> String {
    list_of(items, 0, between, columns)
}

/// The same when `hidden` more items are only counted.
pub fn list_of<S: AsRef<str>>(items: &[S], hidden: usize, between: &str, columns: usize) -> String {
    let more = |left: usize| if between == ", " { format!(" and {left} more") } else { format!("{between}{left} more") };
    let mut out = String::new();
    for (at, item) in items.iter().enumerate() {
        let left = items.len() - at - 1 + hidden;
        let glue = if at == 0 { "" } else { between };
        let reserve = if left == 0 { 0 } else { width(&more(left)) };
        if at > 0 && width(&out) + width(glue) + width(item.as_ref()) + reserve > columns {
            return out + &more(left + 1);
        }
        out.push_str(glue);
        out.push_str(item.as_ref());
    }
    if hidden > 0 { out + &more(hidden) } else { out }
}

/// Items in as many lines of so many columns as they need, at most `lines_max`; the last one says how many are left out.
pub fn wrapped<S: AsRef<str>>(items: &[S], between: &str, columns: usize, lines_max: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut rest = items;
    while !rest.is_empty() {
        if lines.len() + 1 >= lines_max {
            lines.push(list(rest, between, columns));
            break;
        }
        let mut line = String::new();
        let mut taken = 0;
        for (at, item) in rest.iter().enumerate() {
            let glue = if at == 0 { "" } else { between };
            let end = if at + 1 == rest.len() { "" } else { between.trim_end() };
            if at > 0 && width(&line) + width(glue) + width(item.as_ref()) + width(end) > columns {
                break;
            }
            line.push_str(glue);
            line.push_str(item.as_ref());
            taken = at + 1;
        }
        rest = &rest[taken..];
        if !rest.is_empty() {
            line.push_str(between.trim_end());
        }
        lines.push(line);
    }
    lines
}

/// What was not seen: `2 static programs, 1 file that changed while it was read`; a single one with its reason.
pub fn blind(rows: &[BlindRow], columns: usize) -> String {
    let mut kinds: Vec<(&str, Vec<&BlindRow>)> = Vec::new();
    for row in rows {
        match kinds.iter_mut().find(|(kind, _)| *kind == row.kind) {
            Some((_, rows)) => rows.push(row),
            None => kinds.push((&row.kind, vec![row])),
        }
    }
    let counted = |kind: &str, count: usize| match noun(kind) {
        Some(noun) => many(count as u64, noun),
        None => format!("{count} × {kind}"),
    };
    match kinds.as_slice() {
        [(kind, rows)] if rows.len() == 1 => {
            let head = counted(kind, 1);
            let room = columns.saturating_sub(width(&head) + 3);
            if room < 16 { head } else { format!("{head} ({})", fit(&rows[0].detail, room)) }
        }
        _ => list(&kinds.iter().map(|(kind, rows)| counted(kind, rows.len())).collect::<Vec<_>>(), ", ", columns),
    }
}

/// The plural takes an `s`.
fn noun(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "program" => "program",
        "static" => "static program",
        "set-uid" => "set-uid program",
        "32-bit" => "32-bit program",
        "io_uring" => "use of io_uring",
        "descriptor" => "inherited descriptor",
        "dropped" => "lost event",
        "cut" => "overlong path",
        "content" => "file content",
        "changed" => "changing file",
        "watcher" => "interruption of the watcher",
        "survivor" => "surviving process",
        "namespace" => "program in another namespace",
        "mapping" => "live memory mapping",
        "library" => "program cut short",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn row(kind: &str, detail: &str) -> BlindRow {
        BlindRow { kind: kind.into(), detail: detail.into() }
    }

    #[test]
    fn who_says_so() {
        assert_eq!(authority("observed", None), None);
        assert_eq!(authority("declared", None).as_deref(), Some("(declared)"));
        assert_eq!(authority("inferred", Some("file name")).as_deref(), Some("(inferred: file name)"));
        assert_eq!(authority("imported", Some("mlflow")).as_deref(), Some("(from mlflow)"));
    }

    #[test]
    fn how_it_ended() {
        assert_eq!(status("finished", Some(0), None), "finished");
        assert_eq!(status("failed", Some(3), None), "failed (exit 3)");
        assert_eq!(status("killed", None, Some(9)), "killed (SIGKILL)");
        assert_eq!(status("killed", None, Some(64)), "killed (signal 64)");
    }

    #[test]
    fn numbers_have_four_digits_that_matter() {
        let look = Look::fixed(80);
        for (number, text) in [
            (json!(0.741_234_567), "0.7412"),
            (json!(0.5), "0.5"),
            (json!(27004.0), "27004"),
            (json!(1e-7), "1.000e-7"),
            (json!(123_456.789), "123457"),
            (json!(0.0), "0"),
            (json!(12), "12"),
            (json!(true), "true"),
            (json!("adam"), "adam"),
            (json!([1, 0.25]), "1, 0.25"),
        ] {
            assert_eq!(value(&number, &look), text);
        }
        assert_eq!(value(&json!(0.741_234_567), &Look { exact: true, ..look }), "0.741234567");
    }

    #[test]
    fn lists_say_how_many_are_left_out() {
        let items = ["a.csv", "b.csv", "c.csv", "d.csv"];
        assert_eq!(list(&items, ", ", 80), "a.csv, b.csv, c.csv, d.csv");
        assert_eq!(list(&items, ", ", 24), "a.csv, b.csv and 2 more");
        assert_eq!(list(&items, " · ", 20), "a.csv · 3 more");
        assert_eq!(list(&items, ", ", 0), "a.csv and 3 more");
        assert_eq!(list::<&str>(&[], ", ", 9), "");
        assert_eq!(wrapped(&items, ", ", 14, 9), ["a.csv, b.csv,", "c.csv, d.csv"]);
        assert_eq!(wrapped(&items, ", ", 12, 2), ["a.csv,", "b.csv and 2 more"]);
        assert!(wrapped::<&str>(&[], ", ", 12, 2).is_empty());
    }

    #[test]
    fn blind_spots_are_counted_and_a_single_one_is_explained() {
        let one = [row("static", "/usr/local/bin/jq has no dynamic loader")];
        assert_eq!(blind(&one, 70), "1 static program (/usr/local/bin/jq has no dynamic loader)");
        assert_eq!(blind(&one, 40), "1 static program (/usr/local/bin/jq ha…)");
        let more = [row("static", "a"), row("static", "b"), row("survivor", "c"), row("weather", "d")];
        assert_eq!(blind(&more, 70), "2 static programs, 1 surviving process, 1 × weather");
        assert_eq!(many(2, "surviving process"), "2 surviving processes");
    }
}
