//! `keizu log`.

use keizu_ledger::answer::RunLine;

use super::look::{Look, many};
use super::names::{self, Unique};
use super::path::command;
use super::table::{Cell, Column, STAYS, Table};
use super::text::{Ink, Page, Text, width};
use super::words;

/// Columns for the list of what a run made.
const MADE_COLUMNS: usize = 34;

/// One line a run.
pub fn page(runs: &[RunLine], unique: &dyn Unique, look: &Look) -> Page {
    let right = Column { right: true, dispensable: 0 };
    let mut table =
        Table::new([STAYS, Column { dispensable: 2, right: true }, right, Column { dispensable: 1, right: false }, STAYS, STAYS]);
    for run in runs {
        let took = run.ended_at.as_ref().and_then(|ended| look.between(&run.started_at, ended)).unwrap_or_default();
        table.row([
            Text::new(Ink::Thing, names::run(&run.id, unique)).into(),
            Text::new(Ink::Faint, look.age(&run.started_at)).into(),
            Text::from(took).into(),
            Text::new(Ink::Strong, run.name.as_deref().unwrap_or_default()).into(),
            Cell::Words(Ink::Plain, command(&run.command)),
            result(run, look).into(),
        ]);
    }
    table.draw(look.width, "")
}

/// Only what is not the usual end, except in pipes, where a column is easier to read than its absence.
fn state(run: &RunLine, look: &Look) -> Text {
    let ink = match run.status.as_str() {
        "finished" if !look.exact => return Text::default(),
        "finished" => Ink::Plain,
        "running" => Ink::Warn,
        _ => Ink::Bad,
    };
    let text = words::status(&run.status, run.exit_code, run.signal);
    Text::new(ink, text.split(" (how").next().unwrap_or_default())
}

/// How it ended, and what it made.
fn result(run: &RunLine, look: &Look) -> Text {
    let mut text = state(run, look);
    if run.made.is_empty() {
        return text;
    }
    let room = if look.exact { usize::MAX } else { MADE_COLUMNS.min(look.width / 4) };
    let hidden = run.made_count.saturating_sub(run.made.len());
    let items: Vec<String> = run.made.iter().map(|made| super::path::shorten(made, room.saturating_sub(12))).collect();
    let mut made = words::list_of(&items, hidden, ", ", room);
    if width(&made) > room && run.made_count > 1 {
        made = many(run.made_count as u64, "file");
    }
    text.push(Ink::Faint, if text.is_empty() { "→ " } else { "  → " });
    text.with(Ink::Thing, made)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::names::Trusting;
    use insta::assert_snapshot;

    fn run(digit: &str, status: &str, command: &[&str], made: &[&str]) -> RunLine {
        RunLine {
            id: format!("run:{}", digit.repeat(32)),
            name: None,
            status: status.into(),
            exit_code: match status {
                "finished" => Some(0),
                "failed" => Some(1),
                _ => None,
            },
            signal: (status == "killed").then_some(9),
            started_at: "2026-11-24T11:56:00Z".into(),
            ended_at: (status != "running").then(|| "2026-11-24T11:56:41Z".into()),
            command: command.iter().map(|word| (*word).to_owned()).collect(),
            user: "aki".into(),
            made: made.iter().map(|made| (*made).to_owned()).collect(),
            made_count: made.len(),
        }
    }

    fn runs() -> Vec<RunLine> {
        let ingest = ["python", "ingest.py", "--from", "2013-01-01", "--to", "2013-12-31"];
        vec![
            run("5", "running", &["python", "train.py", "--depth", "8"], &[]),
            run("3", "finished", &["python", "train.py", "--depth", "6"], &["model:delay@v3"]),
            run("7", "failed", &["python", "train.py", "--depth", "six"], &[]),
            run("9", "killed", &["python", "features.py"], &["features/train.parquet"]),
            RunLine {
                name: Some("nightly".into()),
                made_count: 365,
                ..run("1", "finished", &ingest, &["daily/2013-01-01.csv", "daily/2013-01-02.csv", "daily/2013-01-03.csv"])
            },
        ]
    }

    #[test]
    fn one_line_a_run() {
        assert_snapshot!(page(&runs(), &Trusting, &Look::fixed(100)).paint(false), @r"
        run:555555  4 min ago                 python train.py --depth 8  running
        run:333333  4 min ago  41 s           python train.py --depth 6  → model:delay@v3
        run:777777  4 min ago  41 s           python train.py --depth…   failed (exit 1)
        run:999999  4 min ago  41 s           python features.py         killed (SIGKILL)  → …/train.parquet
        run:111111  4 min ago  41 s  nightly  python ingest.py --from…   → 365 files
        ");
    }

    #[test]
    fn narrow() {
        assert_snapshot!(page(&runs(), &Trusting, &Look::fixed(60)).paint(false), @r"
        run:555555        python tr…  running
        run:333333  41 s  python tr…  → model:delay@v3
        run:777777  41 s  python tr…  failed (exit 1)
        run:999999  41 s  python fe…  killed (SIGKILL)  → …/train.parquet
        run:111111  41 s  python in…  → 365 files
        ");
    }

    #[test]
    fn exact_in_a_pipe() {
        let look = Look { exact: true, width: 4_096, ..Look::fixed(80) };
        assert_snapshot!(page(&runs()[1..3], &Trusting, &look).paint(false), @r"
        run:333333  2026-11-24T11:56:00Z  41.000 s  python train.py --depth 6    finished  → model:delay@v3
        run:777777  2026-11-24T11:56:00Z  41.000 s  python train.py --depth six  failed (exit 1)
        ");
    }
}
