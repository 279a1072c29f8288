//! `keizu status`: what is stale first, each with what happened; the fresh ones are counted.

use std::collections::BTreeMap;

use keizu_ledger::status::{Remedy, Status, StatusRow};

use super::look::{Look, count, many};
use super::table::{Cell, STAYS, Table};
use super::text::{Ink, Page, Text};

/// So many things of one folder that stand alike for the same reason are one line.
const CROWD: usize = 4;

/// The page. `typed`: the things as they were typed, none for the whole project; `all`: name the fresh ones too.
pub fn page(status: &Status, typed: &[String], all: bool, look: &Look) -> Page {
    let (fresh, rest): (Vec<&StatusRow>, Vec<&StatusRow>) = status.rows.iter().partition(|row| row.state == "fresh");
    let mut table = Table::new([STAYS, STAYS, STAYS]);
    for line in together(&rest) {
        let ink = if line.state == "fresh" { Ink::Plain } else { Ink::Warn };
        table.row([Text::new(ink, &line.state).into(), Cell::Path(Ink::Thing, line.thing), Cell::Words(Ink::Plain, line.reason)]);
    }
    let named = all || !typed.is_empty();
    if named {
        for row in &fresh {
            table.row([Text::from("fresh").into(), Cell::Path(Ink::Thing, row.thing.clone()), Text::default().into()]);
        }
    } else if !fresh.is_empty() {
        let counted = match rest.len() {
            0 => many(fresh.len() as u64, "thing"),
            _ if fresh.len() == 1 => "1 other".to_owned(),
            _ => format!("{} others", count(fresh.len() as u64)),
        };
        table.row([Text::from("fresh").into(), Text::from(counted).into(), Text::default().into()]);
    }
    let mut page = table.draw(look.width, "");
    if let Some(remedy) = &status.remedy {
        page.line(advice(remedy, typed, look));
    }
    page
}

/// One line of the page.
struct Line {
    state: String,
    thing: String,
    reason: String,
}

fn together(rows: &[&StatusRow]) -> Vec<Line> {
    let mut crowds: BTreeMap<(String, String, String), usize> = BTreeMap::new();
    let key = |row: &StatusRow| (row.state.clone(), folder(row), crowd_reason(row));
    for row in rows {
        *crowds.entry(key(row)).or_default() += 1;
    }
    let mut told = std::collections::BTreeSet::new();
    let mut lines = Vec::new();
    for row in rows {
        let key = key(row);
        let size = crowds.get(&key).copied().unwrap_or(1);
        if size < CROWD || key.1.is_empty() {
            lines.push(Line { state: row.state.clone(), thing: row.thing.clone(), reason: reason(row) });
        } else if told.insert(key.clone()) {
            lines.push(Line { state: row.state.clone(), thing: format!("{} of {}", many(size as u64, "file"), key.1), reason: key.2 });
        }
    }
    lines
}

/// The folder of a thing that is called by its path.
fn folder(row: &StatusRow) -> String {
    if row.thing != row.place {
        return String::new();
    }
    row.place.trim_end_matches('/').rsplit_once('/').map(|(folder, _)| format!("{folder}/")).unwrap_or_default()
}

/// What happened, as one may say it of many.
fn crowd_reason(row: &StatusRow) -> String {
    match &row.cause {
        Some(cause) if row.path.is_empty() && cause.thing == row.place => cause.what.to_string(),
        _ => reason(row),
    }
}

/// Why a thing stands as it does: the nearest thing from which it follows, or what happened.
pub fn reason(row: &StatusRow) -> String {
    if let Some(last) = row.path.last() {
        return format!("because {last} is");
    }
    let Some(cause) = &row.cause else { return String::new() };
    let what = if cause.thing == row.place || cause.thing == row.thing {
        cause.what.to_string()
    } else {
        format!("{} {}", cause.thing, cause.what)
    };
    match row.more {
        0 => what,
        more => format!("{what}, and {} more", count(more as u64)),
    }
}

fn advice(remedy: &Remedy, typed: &[String], look: &Look) -> Text {
    let mut command = "keizu refresh".to_owned();
    for thing in typed {
        command.push(' ');
        command.push_str(&super::path::command(&[thing]));
    }
    let steps = match remedy.of {
        of if of == remedy.steps => many(of as u64, "step"),
        of => format!("{} of {}", count(remedy.steps as u64), many(of as u64, "step")),
    };
    let took = look.duration(remedy.took_micros / 1_000);
    Text::new(Ink::Thing, command).and(format!("   would run {steps}, about {took}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use insta::assert_snapshot;
    use keizu_ledger::status::CauseRow;

    fn row(state: &str, thing: &str, place: &str, cause: Option<(&str, &str)>, path: &[&str]) -> StatusRow {
        StatusRow {
            thing: thing.into(),
            state: state.into(),
            cause: cause.map(|(thing, what)| CauseRow { thing: thing.into(), what: what.into() }),
            path: path.iter().map(|thing| (*thing).to_owned()).collect(),
            place: place.into(),
            run: "run:3f2a9c00112233445566778899aabbcc".into(),
            digest: None,
            version: None,
            more: 0,
        }
    }

    fn flights() -> Status {
        let new = Some(("daily/2013-10-01.csv", "is new"));
        let mut rows = vec![
            row("stale", "features/train.parquet", "features/train.parquet", new, &[]),
            row("stale", "model:delay", "models/delay.joblib", new, &["features/train.parquet"]),
            row("stale", "eval.json", "eval.json", new, &["features/train.parquet", "model:delay"]),
        ];
        rows.extend((1..13).map(|day| row("fresh", &format!("daily/{day}.csv"), &format!("daily/{day}.csv"), None, &[])));
        Status { rows, remedy: Some(Remedy { steps: 3, of: 368, took_micros: 61_000_000 }), recorded: true, others: Vec::new() }
    }

    #[test]
    fn what_is_stale_and_why() {
        assert_snapshot!(page(&flights(), &[], false, &Look::fixed(80)).paint(false), @r"
        stale  features/train.parquet  daily/2013-10-01.csv is new
        stale  model:delay             because features/train.parquet is
        stale  eval.json               because model:delay is
        fresh  12 others
        keizu refresh   would run 3 of 368 steps, about 61 s
        ");
    }

    #[test]
    fn one_thing_that_was_asked_for() {
        let mut status = flights();
        status.rows = vec![status.rows[1].clone()];
        assert_snapshot!(page(&status, &["model:delay".into()], false, &Look::fixed(80)).paint(false), @r"
        stale  model:delay  because features/train.parquet is
        keizu refresh model:delay   would run 3 of 368 steps, about 61 s
        ");
    }

    #[test]
    fn all_is_fresh() {
        let mut status = flights();
        status.rows.drain(..3);
        status.remedy = None;
        assert_snapshot!(page(&status, &[], false, &Look::fixed(80)).paint(false), @"fresh  12 things");
        status.rows.truncate(2);
        assert_snapshot!(page(&status, &[], true, &Look::fixed(80)).paint(false), @r"
        fresh  daily/1.csv
        fresh  daily/2.csv
        ");
    }

    #[test]
    fn crowds_are_one_line_and_several_causes_are_counted() {
        let edited = "was changed after it was made";
        let day = |day: u32| format!("daily/{day}.csv");
        let mut rows: Vec<StatusRow> = (1..6).map(|at| row("stale", &day(at), &day(at), Some((&day(at), edited)), &[])).collect();
        rows.push(StatusRow { more: 2, ..row("stale", "model:delay", "m.bin", Some(("train.py", "changed")), &[]) });
        rows.push(row("unknown", "old.csv", "old.csv", Some(("run:3f2a9c", "was lost: how it ended was not seen")), &[]));
        let status = Status { rows, remedy: Some(Remedy { steps: 1, of: 1, took_micros: 340_000 }), recorded: true, others: Vec::new() };
        assert_snapshot!(page(&status, &[], false, &Look::fixed(80)).paint(false), @r"
        stale    5 files of daily/  was changed after it was made
        stale    model:delay        train.py changed, and 2 more
        unknown  old.csv            run:3f2a9c was lost: how it ended was not seen
        keizu refresh   would run 1 step, about 0.3 s
        ");
    }
}
