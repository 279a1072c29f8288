//! `keizu show PATH`, `keizu show b3:…`: one content, wherever it was met.

use keizu_ledger::answer::{ArtifactDetail, FileRow, OccurrenceRow};

use super::look::{Look, count, many};
use super::names::{self, Unique};
use super::path::command;
use super::table::{Cell, Column, STAYS, Table};
use super::text::{Ink, Page, Text};
use super::words;

/// Rows of a list, unless all are asked for.
const ROWS_MAX: usize = 8;

/// One content on one screen. `called` is how it was asked for.
pub fn page(artifact: &ArtifactDetail, called: &str, all: bool, unique: &dyn Unique, look: &Look) -> Page {
    let mut page = Page::default();
    let mut facts = vec![artifact.kind.clone()];
    facts.extend(artifact.members.as_ref().map(|members| many(members.len() as u64, "file")));
    facts.extend(artifact.size.map(|size| look.size(size)));
    facts.push(if artifact.kept { "kept" } else { "not kept" }.to_owned());
    page.line(Text::new(Ink::Strong, called).and("  ").and(facts.join(" · ")));
    page.line(Text::new(Ink::Faint, &artifact.digest));
    page.append(words::judged(&artifact.judged, look));
    page.gap();
    let rows_max = if all || look.exact { usize::MAX } else { ROWS_MAX };
    page.append(meetings(artifact, called, rows_max, unique, look));
    if !artifact.metrics.is_empty() {
        page.gap();
        let room = if rows_max == usize::MAX { usize::MAX } else { look.width.saturating_sub(9) };
        page.line(Text::new(Ink::Faint, "metrics  ").and(words::pairs(&artifact.metrics, look, room)));
    }
    if let Some(members) = &artifact.members {
        page.gap();
        page.append(files(members, rows_max, unique, look));
    }
    page
}

fn meetings(artifact: &ArtifactDetail, called: &str, rows_max: usize, unique: &dyn Unique, look: &Look) -> Page {
    let mut table = Table::new([STAYS, STAYS, STAYS, STAYS, STAYS, Column { right: true, dispensable: 1 }]);
    for (what, title) in [("made", "made by"), ("used", "used by"), ("named", "named")] {
        let rows: Vec<&OccurrenceRow> = artifact.occurrences.iter().rev().filter(|row| row.what == what).collect();
        for (at, row) in rows.iter().take(rows_max).enumerate() {
            let title = if at == 0 { title } else { "" };
            table.row(meeting(row, title, called, unique, look));
        }
        let left = rows.len().saturating_sub(rows_max);
        if left > 0 {
            let empty = || Cell::from(Text::default());
            table.row([
                empty(),
                empty(),
                Cell::Words(Ink::Faint, format!("… {} more (--all)", count(left as u64))),
                empty(),
                empty(),
                empty(),
            ]);
        }
    }
    table.draw(look.width, "")
}

fn meeting(row: &OccurrenceRow, title: &str, called: &str, unique: &dyn Unique, look: &Look) -> [Cell; 6] {
    let place = if row.path == called { String::new() } else { row.path.clone() };
    let named = row.what == "named";
    let who = row.run.as_ref().filter(|_| !named).map(|run| names::run(run, unique)).unwrap_or_default();
    [
        Text::new(Ink::Faint, title).into(),
        Text::new(Ink::Thing, who).into(),
        if named { Text::new(Ink::Thing, &row.path).into() } else { Cell::Words(Ink::Plain, command(&row.command)) },
        if named { Text::default().into() } else { Cell::Path(Ink::Plain, place) },
        Text::from(words::authority(&row.authority, row.rule.as_deref()).unwrap_or_default()).into(),
        Text::new(Ink::Faint, look.age(&row.at)).into(),
    ]
}

/// Members of a folder.
fn files(members: &[FileRow], rows_max: usize, unique: &dyn Unique, look: &Look) -> Page {
    let mut table = Table::new([STAYS, STAYS, Column { right: false, dispensable: 1 }, Column { right: true, dispensable: 0 }]);
    let empty = || Cell::from(Text::default());
    for (at, member) in members.iter().take(rows_max).enumerate() {
        table.row([
            Text::new(Ink::Faint, if at == 0 { "holds" } else { "" }).into(),
            Cell::Path(Ink::Plain, member.path.clone()),
            Text::new(Ink::Faint, member.digest.as_deref().map(|digest| names::digest(digest, unique)).unwrap_or_default()).into(),
            Text::from(member.size.map(|size| look.size(size)).unwrap_or_default()).into(),
        ]);
    }
    let left = members.len().saturating_sub(rows_max);
    if left > 0 {
        table.row([empty(), Cell::Words(Ink::Faint, format!("… {} more (--all)", count(left as u64))), empty(), empty()]);
    }
    table.draw(look.width, "")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::names::Trusting;
    use insta::assert_snapshot;
    use serde_json::json;

    fn met(what: &str, digit: &str, words: &[&str], path: &str) -> OccurrenceRow {
        OccurrenceRow {
            what: what.into(),
            run: Some(format!("run:{}", digit.repeat(32))),
            command: words.iter().map(|word| (*word).to_owned()).collect(),
            path: path.into(),
            at: "2026-11-24T11:56:00Z".into(),
            authority: "observed".into(),
            rule: None,
        }
    }

    fn data() -> ArtifactDetail {
        ArtifactDetail {
            digest: format!("b3:{}", "77ab1290".repeat(8)),
            size: Some(31_000_000),
            kind: "data".into(),
            kept: false,
            occurrences: vec![
                met("made", "1", &["python", "features.py"], "features/train.parquet"),
                met("used", "2", &["python", "train.py", "--depth", "4"], "features/train.parquet"),
                met("used", "3", &["python", "train.py", "--depth", "6"], "/mnt/shared/copy/of/train.parquet"),
                OccurrenceRow { authority: "declared".into(), ..met("named", "3", &[], "data:flights@v2") },
            ],
            members: None,
            metrics: [("rows".to_owned(), json!(327_346))].into(),
            judged: Vec::new(),
        }
    }

    #[test]
    fn a_content_wherever_it_was_met() {
        assert_snapshot!(page(&data(), "features/train.parquet", false, &Trusting, &Look::fixed(90)).paint(false), @r"
        features/train.parquet  data · 31 MB · not kept
        b3:77ab129077ab129077ab129077ab129077ab129077ab129077ab129077ab1290

        made by  run:111111  python features.py
        used by  run:333333  python train.py --depth 6  /mnt/…/copy/of/train.parquet
                 run:222222  python train.py --depth 4
        named                data:flights@v2                                          (declared)

        metrics  rows 327346
        ");
        assert_snapshot!(page(&data(), "features/train.parquet", false, &Trusting, &Look::fixed(60)).paint(false), @r"
        features/train.parquet  data · 31 MB · not kept
        b3:77ab129077ab129077ab129077ab129077ab129077ab129077ab129077ab1290

        made by  run:111111  python feature…
        used by  run:333333  python train.p…  …/train.parquet
                 run:222222  python train.p…
        named                data:flights@v2                   (declared)

        metrics  rows 327346
        ");
    }

    #[test]
    fn a_folder_shows_what_it_holds() {
        let member = |day: u64| FileRow {
            path: format!("2013-01-{day:02}.csv"),
            digest: Some(keizu_record::Digest::of(&[day as u8]).to_string()),
            size: Some(80_000 + day),
            ..FileRow::default()
        };
        let folder = ArtifactDetail {
            members: Some((1..=31).map(member).collect()),
            occurrences: (0..12).map(|_| met("used", "2", &["python", "features.py"], "daily/")).collect(),
            metrics: Default::default(),
            kept: true,
            ..data()
        };
        assert_snapshot!(page(&folder, "daily/", false, &Trusting, &Look::fixed(80)).paint(false), @r"
        daily/  data · 31 files · 31 MB · kept
        b3:77ab129077ab129077ab129077ab129077ab129077ab129077ab129077ab1290

        used by  run:222222  python features.py  4 min ago
                 run:222222  python features.py  4 min ago
                 run:222222  python features.py  4 min ago
                 run:222222  python features.py  4 min ago
                 run:222222  python features.py  4 min ago
                 run:222222  python features.py  4 min ago
                 run:222222  python features.py  4 min ago
                 run:222222  python features.py  4 min ago
                             … 4 more (--all)

        holds  2013-01-01.csv     48fc721f  80 kB
               2013-01-02.csv     ab13bedf  80 kB
               2013-01-03.csv     e1e0e81d  80 kB
               2013-01-04.csv     0c389a74  80 kB
               2013-01-05.csv     84cb40e7  80 kB
               2013-01-06.csv     1c310b6b  80 kB
               2013-01-07.csv     448bd8dd  80 kB
               2013-01-08.csv     2ef3e0dd  80 kB
               … 23 more (--all)
        ");
        assert_eq!(page(&folder, "daily/", true, &Trusting, &Look::fixed(80)).lines().len(), 2 + 1 + 12 + 1 + 31);
    }
}
