//! What is written on the cards of a picture: words for the codes and numbers of an answer.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use keizu_graph::picture::Label;
use keizu_ledger::PictureAnswer;
use keizu_ledger::picture::vocabulary;
use serde_json::Value;

use super::look::{Look, count, many};

/// The labels of all cards. A picture is kept and passed on: it has no zone but UTC, and people's units.
pub fn labels(answer: &PictureAnswer) -> Vec<Label> {
    let look = Look::terminal(80, false);
    let kinds = vocabulary().kinds;
    let nodes = &answer.nodes;
    let label = |at: usize| {
        let kind = kinds[usize::from(nodes.kind[at])];
        let sub = note(&nodes.sub[at], kind, &look);
        let name = nodes.name[at].clone();
        let path = nodes.path[at].clone().unwrap_or_else(|| name.clone());
        let full = [Some(format!("{kind} {path}")), nodes.thing[at].clone(), Some(sub.clone())];
        let full = full.into_iter().flatten().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · ");
        Label { name, sub, full, time: nodes.t[at].and_then(time).unwrap_or_default() }
    };
    (0..nodes.id.len()).map(label).collect()
}

/// `21 Nov 09:14`.
fn time(millis: i64) -> Option<String> {
    let stamp = Timestamp::from_millisecond(millis).ok()?;
    Some(stamp.to_zoned_datetime(TimeZone::UTC).strftime("%-d %b %H:%M").to_string())
}

fn note(note: &[Value], kind: &str, look: &Look) -> String {
    let Some(code) = note.first().and_then(Value::as_str) else { return String::new() };
    let number = note.get(1).and_then(Value::as_u64).unwrap_or(0);
    let of_kind = |what: String| format!("{kind} · {what}");
    match code {
        "ms" => look.duration(number),
        "running" => "running".to_owned(),
        "bytes" => of_kind(look.size(number)),
        "files" => of_kind(many(number, "file")),
        "rows" => of_kind(many(number, "row")),
        "packages" => format!("env · {}", many(number, "package")),
        "version" => {
            let aliases = note[2..].iter().filter_map(Value::as_str);
            std::iter::once(format!("v{number}")).chain(aliases.map(str::to_owned)).collect::<Vec<_>>().join(" · ")
        }
        "with" => of_kind(format!("+{}", count(number))),
        "things" => of_kind(format!("{} alike", count(number))),
        "runs" => many(number, "run"),
        "unseen" => of_kind("not seen".to_owned()),
        _ => kind.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn words_for_codes() {
        let look = Look::terminal(80, false);
        let say = |value: Value, kind| note(value.as_array().unwrap(), kind, &look);
        assert_eq!(say(json!(["files", 365]), "data"), "data · 365 files");
        assert_eq!(say(json!(["version", 12, "champion"]), "model"), "v12 · champion");
        assert_eq!(say(json!(["version", 3]), "model"), "v3");
        assert_eq!(say(json!(["ms", 252_000]), "run"), "4 min 12 s");
        assert_eq!(say(json!(["packages", 84]), "environment"), "env · 84 packages");
        assert_eq!(say(json!([]), "data"), "");
    }
}
