//! `keizu name`, `keizu show model:…`: models and datasets, and their versions.

use keizu_ledger::answer::{NameDetail, VersionRow};

use super::look::{Look, count, many};
use super::names::{self, Unique};
use super::table::{Cell, Column, STAYS, Table};
use super::text::{Ink, Page, Text};
use super::words;

/// Versions, unless all are asked for.
const ROWS_MAX: usize = 12;

/// All models and datasets, one line each.
pub fn list(all: &[NameDetail], look: &Look) -> Page {
    let right = Column { right: true, dispensable: 0 };
    let mut table = Table::new([STAYS, right, STAYS, Column { right: true, dispensable: 1 }, Column { right: true, dispensable: 2 }]);
    for name in all {
        let newest = name.versions.first();
        let aliases: Vec<String> = name.aliases.iter().map(|(alias, version)| format!("@{alias} v{version}")).collect();
        table.row([
            Text::new(Ink::Thing, &name.name).into(),
            Text::from(many(name.versions.len() as u64, "version")).into(),
            Cell::Words(Ink::Plain, aliases.join(", ")),
            Text::from(newest.and_then(|version| version.size).map(|size| look.size(size)).unwrap_or_default()).into(),
            Text::new(Ink::Faint, newest.map(|version| look.age(&version.at)).unwrap_or_default()).into(),
        ]);
    }
    table.draw(look.width, "")
}

/// A model or dataset with its versions, newest first.
pub fn page(name: &NameDetail, all: bool, unique: &dyn Unique, look: &Look) -> Page {
    let mut page = Page::default();
    page.line(Text::new(Ink::Strong, &name.name).and(format!("  {}", many(name.versions.len() as u64, "version"))));
    let right = Column { right: true, dispensable: 0 };
    let mut table = Table::new([
        STAYS,
        STAYS,
        STAYS,
        Column { right: false, dispensable: 2 },
        right,
        STAYS,
        Column { right: false, dispensable: 3 },
        Column { right: true, dispensable: 1 },
    ]);
    let rows_max = if all || look.exact { usize::MAX } else { ROWS_MAX };
    for version in name.versions.iter().take(rows_max) {
        table.row(row(version, unique, look));
    }
    page.append(table.draw(look.width, ""));
    let left = name.versions.len().saturating_sub(rows_max);
    if left > 0 {
        page.line(Text::new(Ink::Faint, format!("… {} more (--all)", count(left as u64))));
    }
    page
}

fn row(version: &VersionRow, unique: &dyn Unique, look: &Look) -> [Cell; 8] {
    let at = version.name.rsplit_once('@').map_or("", |(_, at)| at);
    let aliases: Vec<String> = version.aliases.iter().map(|alias| format!("@{alias}")).collect();
    [
        Text::new(Ink::Thing, format!("@{at}")).into(),
        Text::new(Ink::Strong, aliases.join(" ")).into(),
        Cell::Path(Ink::Plain, version.path.clone().unwrap_or_default()),
        Text::new(Ink::Faint, version.digest.as_deref().map(|digest| names::digest(digest, unique)).unwrap_or_default()).into(),
        Text::from(version.size.map(|size| look.size(size)).unwrap_or_default()).into(),
        Text::new(Ink::Thing, version.run.as_deref().map(|run| names::run(run, unique)).unwrap_or_default()).into(),
        Text::from(words::authority(&version.authority, version.rule.as_deref()).unwrap_or_default()).into(),
        Text::new(Ink::Faint, look.age(&version.at)).into(),
    ]
}

/// `model:delay@v3 (champion)`.
pub fn title(version: &VersionRow) -> String {
    if version.aliases.is_empty() { version.name.clone() } else { format!("{} ({})", version.name, version.aliases.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::names::Trusting;
    use insta::assert_snapshot;

    fn version(number: u64, aliases: &[&str]) -> VersionRow {
        VersionRow {
            name: format!("model:delay@v{number}"),
            version: number,
            digest: Some(keizu_record::Digest::of(&[number as u8]).to_string()),
            size: Some(1_200_000 + number),
            path: Some("models/delay.joblib".into()),
            run: (number != 2).then(|| format!("run:{}", "3f".repeat(16))),
            at: format!("2026-11-2{}T11:00:00Z", number.min(4)),
            aliases: aliases.iter().map(|alias| (*alias).to_owned()).collect(),
            authority: if number == 2 { "declared" } else { "inferred" }.into(),
            rule: (number != 2).then(|| "file name".into()),
        }
    }

    fn delay() -> NameDetail {
        NameDetail {
            name: "model:delay".into(),
            versions: vec![version(3, &[]), version(2, &["champion", "safe"]), version(1, &[])],
            aliases: [("champion".to_owned(), 2), ("safe".to_owned(), 2)].into(),
        }
    }

    #[test]
    fn all_names() {
        let flights = NameDetail { name: "data:flights".into(), versions: vec![version(1, &[])], aliases: Default::default() };
        assert_snapshot!(list(&[delay(), flights], &Look::fixed(80)).paint(false), @r"
        model:delay   3 versions  @champion v2, @safe v2  1.2 MB   1 day ago
        data:flights   1 version                          1.2 MB  3 days ago
        ");
    }

    #[test]
    fn versions_newest_first() {
        assert_snapshot!(page(&delay(), false, &Trusting, &Look::fixed(110)).paint(false), @r"
        model:delay  3 versions
        @v3                   models/delay.joblib  e1e0e81d  1.2 MB  run:3f3f3f  (inferred: file name)   1 day ago
        @v2  @champion @safe  models/delay.joblib  ab13bedf  1.2 MB              (declared)             2 days ago
        @v1                   models/delay.joblib  48fc721f  1.2 MB  run:3f3f3f  (inferred: file name)  3 days ago
        ");
        assert_snapshot!(page(&delay(), false, &Trusting, &Look::fixed(60)).paint(false), @r"
        model:delay  3 versions
        @v3                   …/delay.joblib  1.2 MB  run:3f3f3f
        @v2  @champion @safe  …/delay.joblib  1.2 MB
        @v1                   …/delay.joblib  1.2 MB  run:3f3f3f
        ");
        assert_eq!(title(&delay().versions[1]), "model:delay@v2 (champion, safe)");
    }

    #[test]
    fn many_versions_are_cut() {
        let many = NameDetail { versions: (1..=40).rev().map(|number| version(number, &[])).collect(), ..delay() };
        assert_eq!(page(&many, false, &Trusting, &Look::fixed(80)).lines().len(), 1 + ROWS_MAX + 1);
        assert_eq!(page(&many, true, &Trusting, &Look::fixed(80)).lines().len(), 1 + 40);
    }
}
