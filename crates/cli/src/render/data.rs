//! `keizu show` of data: what time they speak of, and what is in them.

use keizu_ledger::data_time::{About, DataTime, Grade};
use keizu_ledger::profiles::{ColumnRow, ProfileRow};

use super::look::{Look, count, many};
use super::path::fit;
use super::table::{Cell, Column, STAYS, Table};
use super::text::{Ink, Page, Text};
use super::words;

/// Columns of a table, unless all are asked for.
const ROWS_MAX: usize = 12;

/// What is known of a thing's data; empty when nothing is.
pub fn page(about: &About, all: bool, look: &Look) -> Page {
    let mut page = Page::default();
    if let Some(time) = &about.data_time {
        page.line(Text::default());
        let (until, by) = when(time);
        let whole = Text::new(Ink::Faint, "data until  ").and(&until).and("  ").and(&by);
        if whole.width() <= look.width || look.exact {
            page.line(whole);
        } else {
            page.line(Text::new(Ink::Faint, "data until  ").and(&until));
            page.line(Text::from("            ").and(fit(&by, look.width.saturating_sub(12))));
        }
    }
    if let Some(freshness) = &about.freshness {
        let ink = if freshness.grade == Grade::Fresh { Ink::Plain } else { Ink::Warn };
        page.line(Text::new(Ink::Faint, "goal        ").with(ink, freshness.grade.word()).and(format!("  {}", freshness.goal)));
    }
    match (&about.profile, &about.no_profile) {
        (Some(profile), _) => {
            page.line(Text::default());
            page.append(table(profile, all || look.exact, look));
        }
        (None, Some(why)) => {
            page.gap();
            page.line(Text::new(Ink::Faint, "no profile  ").and(why));
        }
        _ => {}
    }
    page
}

/// `2013-10-01 23:59:59`, and `column time_hour of daily/2013-10-01.csv`.
fn when(time: &DataTime) -> (String, String) {
    let said = words::authority(time.authority, None).map(|said| format!("  {said}")).unwrap_or_default();
    let whole = time.time.split_once('.').map_or(time.time.as_str(), |(whole, _)| whole);
    let zone = if time.time.ends_with('Z') && !whole.ends_with('Z') { "Z" } else { "" };
    (format!("{}{zone}", whole.replacen('T', " ", 1)), format!("{} of {}{said}", time.by, time.from))
}

fn table(profile: &ProfileRow, all: bool, look: &Look) -> Page {
    let mut page = Page::default();
    let columns = profile.columns.len() as u64;
    page.line(Text::new(Ink::Strong, format!("{} × {}", many(profile.rows, "row"), many(columns, "column"))));
    let right = |dispensable| Column { right: true, dispensable };
    let mut table = Table::new([STAYS, STAYS, right(2), right(3), right(1), right(1), right(4)]);
    let title = ["", "", "missing", "different", "least", "greatest", "mean"];
    table.row(title.map(|title| Text::new(Ink::Faint, title).into()));
    let shown = if all { profile.columns.len() } else { ROWS_MAX };
    for column in profile.columns.iter().take(shown) {
        table.row(row(column, look));
    }
    page.append(table.draw(look.width, "  "));
    let left = profile.columns.len().saturating_sub(shown);
    if left > 0 {
        page.line(Text::new(Ink::Faint, format!("  … {} more (--all)", count(left as u64))));
    }
    page
}

fn row(column: &ColumnRow, look: &Look) -> [Cell; 7] {
    /// A value is cut where it is a text as long as a sentence.
    const VALUE: usize = 24;
    let value = |value: &Option<String>| Cell::Fixed(Text::from(value.as_deref().map(|value| fit(value, VALUE)).unwrap_or_default()));
    let missing = column.missing.filter(|missing| *missing > 0.0).map(|missing| format!("{:.1} %", missing * 100.0));
    let mean = column.mean.map(|mean| words::value(&mean.into(), look));
    [
        Text::new(Ink::Plain, &column.name).into(),
        Text::new(Ink::Faint, &column.kind).into(),
        Text::from(missing.unwrap_or_default()).into(),
        Text::from(column.distinct.map(count).unwrap_or_default()).into(),
        value(&column.min),
        value(&column.max),
        Text::from(mean.unwrap_or_default()).into(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use insta::assert_snapshot;
    use keizu_ledger::data_time::Freshness;

    fn column(name: &str, kind: &str, range: (&str, &str)) -> ColumnRow {
        ColumnRow {
            name: name.into(),
            kind: kind.into(),
            stored: kind.into(),
            missing: Some(if name == "delay" { 0.025 } else { 0.0 }),
            distinct: Some(1_234),
            min: Some(range.0.into()),
            max: Some(range.1.into()),
            mean: (kind == "real").then_some(7.891_234),
            bins: None,
            top: Vec::new(),
        }
    }

    #[test]
    fn data_are_described() {
        let time = DataTime {
            time: "2013-10-01T23:59:59.999999".into(),
            micros: 0,
            zoned: false,
            by: "file name 2013-10-01".into(),
            authority: "inferred",
            from: "daily/2013-10-01.csv".into(),
            passed_on: false,
        };
        let columns = vec![column("carrier", "text", ("9E", "YV")), column("delay", "real", ("-43", "1301"))];
        let freshness = Freshness { grade: Grade::Late, goal: "1 day".into(), needed: "2013-10-02T00:00:00Z".into(), data_time: None };
        let about = About {
            data_time: Some(time),
            freshness: Some(freshness),
            profile: Some(ProfileRow { rows: 27_004, columns }),
            no_profile: None,
        };
        assert_snapshot!(page(&about, false, &Look::fixed(80)).paint(false), @r"

        data until  2013-10-01 23:59:59
                    file name 2013-10-01 of daily/2013-10-01.csv  (inferred)
        goal        late  1 day

        27,004 rows × 2 columns
                         missing  different  least  greatest   mean
          carrier  text               1,234     9E        YV
          delay    real    2.5 %      1,234    -43      1301  7.891
        ");
        let about = About { no_profile: Some("larger than 64 MiB".into()), ..About::default() };
        assert_snapshot!(page(&about, false, &Look::fixed(80)).paint(false), @"no profile  larger than 64 MiB");
    }
}
