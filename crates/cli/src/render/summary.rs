//! The lines after a run, on stderr: what was made from what, what changed, what was not seen, where to look next.

use keizu_ledger::{Changes, Summary};
use keizu_record::body::Status;

use super::look::{Look, many};
use super::names::RUN_DIGITS;
use super::text::{Ink, Page, Text, width};
use super::words;

/// Kinds in the order in which people ask for them, and how they are called.
const KINDS: [(&str, &str); 8] = [
    ("data", "data"),
    ("model", "parent model"),
    ("code", "code"),
    ("config", "config"),
    ("environment", "environment"),
    ("evaluation", "evaluation"),
    ("document", "documents"),
    ("other", "other files"),
];
/// The first column of all lines but the first.
const INDENT: &str = "       ";
/// What is worth saying when it stayed the same, most telling first.
const SAME: [&str; 5] = ["data", "environment", "code", "config", "model"];
/// How many lines a list may take.
const LINES_MAX: usize = 2;
/// Of how many files of a kind each is named.
const NAMED_MAX: usize = 2;

/// The lines after a run. `record` says where the record lives; it is only said after the first run.
pub fn page(summary: &Summary, record: &str, look: &Look) -> Page {
    let room = look.width.saturating_sub(INDENT.len());
    let run = format!("run:{}", summary.run.short(RUN_DIGITS));
    let mut page = Page::default();
    page.line(head(summary, &run, look));
    if summary.status == Status::Finished {
        if !summary.made.is_empty() {
            let from = named(&summary.from, room.saturating_sub(6));
            hang(&mut page, Text::new(Ink::Faint, "from "), &from, room);
        }
        if let Some(changes) = &summary.changes {
            against(&mut page, changes, room);
        }
    }
    if !summary.blind.is_empty() {
        let blind = words::blind(&summary.blind, room.saturating_sub(10));
        page.line(Text::from(INDENT).with(Ink::Warn, "not seen: ").and(blind));
    }
    if summary.first {
        page.line(Text::from(INDENT).and(format!("recorded in {record}, which git ignores")));
    }
    page.line(Text::from(INDENT).with(Ink::Faint, format!("next: {}", next(summary, &run, room))));
    page
}

/// A title and what follows it, in as few lines as it takes.
fn hang(page: &mut Page, title: Text, items: &[String], room: usize) {
    let mut title = title;
    for line in words::wrapped(items, ", ", room.saturating_sub(title.width()), LINES_MAX) {
        let blank = Text::from(" ".repeat(title.width()));
        let mut whole = Text::from(INDENT);
        whole.append(std::mem::replace(&mut title, blank));
        page.line(whole.and(line));
    }
}

fn head(summary: &Summary, run: &str, look: &Look) -> Text {
    let took = look.duration(u64::try_from(summary.took.as_millis()).unwrap_or(u64::MAX));
    let mut line = Text::new(Ink::Faint, "keizu  ").with(Ink::Thing, run);
    match summary.status {
        Status::Finished if summary.made.is_empty() => {
            line.push(Ink::Plain, format!("  {took}, no files made"));
        }
        Status::Finished => {
            line.push(Ink::Plain, format!("  {took}  →  "));
            let room = look.width.saturating_sub(line.width());
            line.push(Ink::Strong, listed(&summary.made, room));
        }
        status => {
            let ended = words::status(status.word(), summary.exit_code, summary.signal);
            line.push(Ink::Plain, "  ");
            line.push(Ink::Bad, ended);
            line.push(Ink::Plain, format!(" after {took}; what it read and wrote is recorded"));
        }
    }
    line
}

/// In one line.
fn listed(items: &[String], room: usize) -> String {
    words::list(&named(items, room.saturating_sub(if items.len() > 1 { 14 } else { 0 })), ", ", room)
}

/// Names, shortened where one alone would not fit.
fn named(items: &[String], each: usize) -> Vec<String> {
    items
        .iter()
        .map(|item| super::path::spoken(item))
        .map(|item| match item.split_once(" (") {
            Some((path, note)) => format!("{} ({note}", super::path::shorten(path, each.saturating_sub(width(note) + 2))),
            None => super::path::shorten(&item, each),
        })
        .collect()
}

/// `against v2: depth 4 → 6, train.py changed; same data, same environment`.
fn against(page: &mut Page, changes: &Changes, room: usize) {
    let title = format!("against {}: ", changes.called);
    let mut parts: Vec<String> = changes.params.iter().map(parameter).collect();
    for (kind, name) in KINDS {
        parts.extend(of_kind(changes, kind, name));
    }
    let Some(last) = parts.pop() else {
        page.line(Text::from(INDENT).and(format!("{title}nothing it used has changed")));
        return;
    };
    // what changed matters more than what did not: that is said as far as the line has room
    let same: Vec<String> =
        SAME.iter().filter(|kind| changes.same.iter().any(|same| same == *kind)).map(|kind| format!("same {kind}")).collect();
    let mut whole = Vec::new();
    for said in (0..=same.len()).rev() {
        let tail = if said == 0 { String::new() } else { format!("; {}", same[..said].join(", ")) };
        let mut items = parts.clone();
        items.push(format!("{last}{tail}"));
        let needed = words::wrapped(&items, ", ", room.saturating_sub(width(&title)), usize::MAX);
        let fits = needed.iter().all(|line| width(line) + width(&title) <= room);
        if said == 0 || (fits && needed.len() == 1) {
            whole = items;
            break;
        }
    }
    hang(page, Text::from(title), &whole, room);
}

fn parameter((name, before, after): &(String, Option<String>, Option<String>)) -> String {
    match (before, after) {
        (Some(before), Some(after)) => format!("{name} {before} → {after}"),
        (None, Some(after)) => format!("{name} {after} is new"),
        (Some(before), None) => format!("{name} {before} is gone"),
        (None, None) => name.clone(),
    }
}

fn of_kind(changes: &Changes, kind: &str, name: &str) -> Vec<String> {
    let of: Vec<_> = changes.paths.iter().filter(|(of, ..)| of == kind).collect();
    if kind == "environment" {
        return if of.is_empty() { Vec::new() } else { vec!["environment changed".to_owned()] };
    }
    if of.len() <= NAMED_MAX {
        return of
            .iter()
            .map(|(_, path, how)| match *how {
                "changed" => format!("{} changed", super::path::spoken(path)),
                how => format!("{} is {how}", super::path::spoken(path)),
            })
            .collect();
    }
    let count = |how: &str| of.iter().filter(|(_, _, other)| *other == how).count() as u64;
    let noun = if kind == "other" { "file".to_owned() } else { format!("{name} file") };
    [("changed", "changed"), ("new", "new"), ("gone", "gone")]
        .iter()
        .filter(|(how, _)| count(how) > 0)
        .map(|(how, word)| format!("{} {word}", many(count(how), &noun)))
        .collect()
}

fn next(summary: &Summary, run: &str, room: usize) -> String {
    let show = match &summary.differs {
        // what was not seen comes before why it is not what it was
        Some(differs) if summary.blind.is_empty() => format!("keizu why {}", super::path::command(&[differs.as_str()])),
        _ => format!("keizu show {run}{}", if summary.blind.is_empty() { "" } else { " --blind" }),
    };
    let traced = summary.made.first().filter(|_| summary.status == Status::Finished).map(|made| {
        // the newest version is what stands there now
        let name = if made.starts_with("model:") || made.starts_with("data:") {
            made.rsplit_once('@').map_or(made.as_str(), |(name, _)| name)
        } else {
            made
        };
        format!("keizu trace {}", super::path::command(&[name]))
    });
    match traced {
        Some(trace) if width(&trace) + width(&show) + 13 <= room => format!("{trace}   ·   {show}"),
        Some(trace) => trace,
        None => show,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use insta::assert_snapshot;
    use keizu_ledger::answer::BlindRow;
    use keizu_record::RunId;
    use std::time::Duration;

    fn trained() -> Summary {
        let list = |items: &[&str]| items.iter().map(|item| (*item).to_owned()).collect::<Vec<_>>();
        Summary {
            run: RunId::new([0x3f; 16]),
            status: Status::Finished,
            exit_code: Some(0),
            signal: None,
            took: Duration::from_secs(41),
            made: list(&["model:delay@v3"]),
            from: list(&["features/train.parquet", "train.py (+3 −1 uncommitted)", "config.yaml"]),
            changes: Some(Changes {
                against: Some(RunId::new([1; 16])),
                called: "v2".into(),
                params: vec![("depth".into(), Some("4".into()), Some("6".into()))],
                paths: vec![("code".into(), "train.py".into(), "changed")],
                same: list(&["config", "data", "environment"]),
            }),
            differs: None,
            blind: Vec::new(),
            first: false,
        }
    }

    fn draw(summary: &Summary, width: usize) -> String {
        page(summary, ".keizu/", &Look::fixed(width)).paint(false)
    }

    #[test]
    fn a_model_was_made() {
        assert_snapshot!(draw(&trained(), 80), @r"
        keizu  run:3f3f3f  41 s  →  model:delay@v3
               from features/train.parquet, train.py (+3 −1 uncommitted), config.yaml
               against v2: depth 4 → 6, train.py changed; same data, same environment
               next: keizu trace model:delay   ·   keizu show run:3f3f3f
        ");
    }

    #[test]
    fn what_differs_can_be_asked_about() {
        assert_snapshot!(draw(&Summary { differs: Some("model:delay".into()), ..trained() }, 80), @r"
        keizu  run:3f3f3f  41 s  →  model:delay@v3
               from features/train.parquet, train.py (+3 −1 uncommitted), config.yaml
               against v2: depth 4 → 6, train.py changed; same data, same environment
               next: keizu trace model:delay   ·   keizu why model:delay
        ");
    }

    #[test]
    fn the_first_run_says_where_the_record_lives() {
        assert_snapshot!(draw(&Summary { first: true, changes: None, ..trained() }, 80), @r"
        keizu  run:3f3f3f  41 s  →  model:delay@v3
               from features/train.parquet, train.py (+3 −1 uncommitted), config.yaml
               recorded in .keizu/, which git ignores
               next: keizu trace model:delay   ·   keizu show run:3f3f3f
        ");
    }

    #[test]
    fn nothing_was_made() {
        assert_snapshot!(draw(&Summary { made: Vec::new(), changes: None, took: Duration::from_millis(80), ..trained() }, 80), @r"
        keizu  run:3f3f3f  80 ms, no files made
               next: keizu show run:3f3f3f
        ");
    }

    #[test]
    fn it_failed() {
        let failed = Summary { status: Status::Failed, exit_code: Some(1), took: Duration::from_secs(3), ..trained() };
        assert_snapshot!(draw(&failed, 80), @r"
        keizu  run:3f3f3f  failed (exit 1) after 3.0 s; what it read and wrote is recorded
               next: keizu show run:3f3f3f
        ");
    }

    #[test]
    fn it_was_killed() {
        let killed = Summary { status: Status::Killed, exit_code: None, signal: Some(9), took: Duration::from_secs(183), ..trained() };
        assert_snapshot!(draw(&killed, 80), @r"
        keizu  run:3f3f3f  killed (SIGKILL) after 3 min 3 s; what it read and wrote is recorded
               next: keizu show run:3f3f3f
        ");
    }

    #[test]
    fn blind_spots_are_said() {
        let jq = BlindRow { kind: "static".into(), detail: "/usr/local/bin/jq has no dynamic loader".into() };
        let one = Summary { blind: vec![jq.clone()], ..trained() };
        assert_snapshot!(draw(&one, 80), @r"
        keizu  run:3f3f3f  41 s  →  model:delay@v3
               from features/train.parquet, train.py (+3 −1 uncommitted), config.yaml
               against v2: depth 4 → 6, train.py changed; same data, same environment
               not seen: 1 static program (/usr/local/bin/jq has no dynamic loader)
               next: keizu trace model:delay   ·   keizu show run:3f3f3f --blind
        ");
        let survivor = BlindRow { kind: "survivor".into(), detail: "daemon (pid 7)".into() };
        assert_snapshot!(draw(&Summary { blind: vec![jq.clone(), jq, survivor], ..trained() }, 80), @r"
        keizu  run:3f3f3f  41 s  →  model:delay@v3
               from features/train.parquet, train.py (+3 −1 uncommitted), config.yaml
               against v2: depth 4 → 6, train.py changed; same data, same environment
               not seen: 2 static programs, 1 surviving process
               next: keizu trace model:delay   ·   keizu show run:3f3f3f --blind
        ");
    }

    #[test]
    fn changes_against_the_last_run() {
        let with = |change: &dyn Fn(&mut Changes)| {
            let mut changes = Changes { called: "run:1b7e02".into(), ..Changes::default() };
            change(&mut changes);
            draw(&Summary { changes: Some(changes), ..trained() }, 80)
        };
        assert_snapshot!(with(&|changes| changes.same = vec!["data".into(), "code".into()]), @r"
        keizu  run:3f3f3f  41 s  →  model:delay@v3
               from features/train.parquet, train.py (+3 −1 uncommitted), config.yaml
               against run:1b7e02: nothing it used has changed
               next: keizu trace model:delay   ·   keizu show run:3f3f3f
        ");
        assert_snapshot!(with(&|changes| {
            for day in 1..=9 {
                changes.paths.push(("data".into(), format!("daily/2013-01-0{day}.csv"), if day > 7 { "new" } else { "changed" }));
            }
            changes.paths.push(("environment".into(), String::new(), "changed"));
            changes.params.push(("seed".into(), None, Some("13".into())));
            changes.same = vec!["code".into()];
        }), @r"
        keizu  run:3f3f3f  41 s  →  model:delay@v3
               from features/train.parquet, train.py (+3 −1 uncommitted), config.yaml
               against run:1b7e02: seed 13 is new, 7 data files changed,
                                   2 data files new, environment changed
               next: keizu trace model:delay   ·   keizu show run:3f3f3f
        ");
    }

    #[test]
    fn many_outputs() {
        let made = (1..=365).map(|day| format!("daily/day-{day:03}.csv")).collect();
        assert_snapshot!(draw(&Summary { made, changes: None, ..trained() }, 80), @r"
        keizu  run:3f3f3f  41 s  →  daily/day-001.csv, daily/day-002.csv and 363 more
               from features/train.parquet, train.py (+3 −1 uncommitted), config.yaml
               next: keizu trace daily/day-001.csv   ·   keizu show run:3f3f3f
        ");
    }

    #[test]
    fn narrow() {
        let deep = vec!["experiments/2026/november/features/train.parquet".to_owned(), "学習/特徴量/データ.csv".to_owned()];
        assert_snapshot!(draw(&Summary { from: deep.clone(), made: deep, first: true, ..trained() }, 48), @r"
        keizu  run:3f3f3f  41 s  →  …/train.parquet and 1 more
               from experiments/…/train.parquet,
                    学習/特徴量/データ.csv
               against v2: depth 4 → 6, train.py changed
               recorded in .keizu/, which git ignores
               next: keizu trace experiments/2026/november/features/train.parquet
        ");
    }
}
