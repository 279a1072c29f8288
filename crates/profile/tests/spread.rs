//! How the columns of two tables are spread: over the same bins or values, and all of it adds up.

use std::io::{self, Cursor};

use keizu_profile::{Bytes, ColumnChange, Difference, Format, Limits, Part, Side, Spread, Value, compare};
use proptest::prelude::*;

const HEADER: &str = "number,whole,few,word,flag,when\n";

fn table(rows: &[String]) -> Vec<u8> {
    std::iter::once(HEADER.to_owned()).chain(rows.iter().cloned()).collect::<String>().into_bytes()
}

type Open = Box<dyn Fn() -> io::Result<Box<dyn Bytes>>>;

fn difference(before: &[Vec<u8>], after: &[Vec<u8>], limits: &Limits) -> Difference {
    let open = |bytes: &Vec<u8>| -> Open {
        let bytes = bytes.clone();
        Box::new(move || Ok(Box::new(Cursor::new(bytes.clone()))))
    };
    let opens = |tables: &[Vec<u8>]| -> Vec<Open> { tables.iter().map(open).collect() };
    let format = Format::of("t.csv", HEADER.as_bytes()).expect("a table");
    let (old, new) = (opens(before), opens(after));
    let (mut was, mut is) = (Vec::new(), Vec::new());
    for (opens, parts) in [(&old, &mut was), (&new, &mut is)] {
        for (at, open) in opens.iter().enumerate() {
            parts.push(Part { name: format!("{at:03}.csv"), format, open: open.as_ref() });
        }
    }
    compare(&was, &is, limits).expect("both are tables")
}

/// Cells of every kind; one in five is empty, but those that tell what a column is.
fn row() -> impl Strategy<Value = String> {
    let sometimes = |of: std::ops::Range<i64>| prop::option::weighted(0.8, of);
    (
        sometimes(-1000..1000),
        sometimes(-1_000_000..1_000_000),
        0i64..7,
        prop::option::weighted(0.8, "[a-e]{1,3}"),
        any::<bool>(),
        sometimes(0..400_000),
    )
        .prop_map(|(number, whole, few, word, flag, when)| {
            let number = number.map_or(String::new(), |number| format!("{number}.5"));
            let whole = whole.map_or(String::new(), |whole| whole.to_string());
            let when = when.map_or(String::new(), |m| format!("2013-{:02}-{:02}T{:02}:00:00Z", m % 12 + 1, m / 12 % 28 + 1, m / 336 % 24));
            format!("{number},{whole},{few},{},{flag},{when}\n", word.unwrap_or_default())
        })
}

fn sums(spread: &Spread) -> Side<u64> {
    match spread {
        Spread::Bins(bins) => Side { before: bins.counts.before.iter().sum(), after: bins.counts.after.iter().sum() },
        Spread::Values(values) => values
            .counts
            .iter()
            .fold(values.other, |sum, (_, side)| Side { before: sum.before + side.before, after: sum.after + side.after }),
    }
}

fn spread<'a>(difference: &'a Difference, name: &str) -> Option<&'a Spread> {
    difference.columns.iter().find(|column| column.name == name).expect("the column").spread.as_ref()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn counts_add_up_to_the_rows(before in prop::collection::vec(row(), 1..120), after in prop::collection::vec(row(), 1..120)) {
        let found = difference(&[table(&before)], &[table(&after)], &Limits::default());
        for ColumnChange { name, missing, spread, kind, .. } in &found.columns {
            let Some(spread) = spread else { continue };
            let sums = sums(spread);
            prop_assert_eq!((sums.before + missing.before, sums.after + missing.after), (found.rows.before, found.rows.after), "{} ({})", name, kind);
            if let Spread::Bins(bins) = spread {
                prop_assert!(bins.edges.windows(2).all(|pair| pair[0] < pair[1]));
                prop_assert_eq!((bins.counts.before.len(), bins.counts.after.len()), (bins.edges.len() + 1, bins.edges.len() + 1));
            }
        }
        prop_assert!(spread(&found, "few").is_some() && spread(&found, "flag").is_some());
    }

    #[test]
    fn the_same_rows_are_spread_the_same(rows in prop::collection::vec(row(), 1..120), turn in any::<prop::sample::Index>()) {
        let mut turned = rows.clone();
        turned.rotate_left(turn.index(rows.len()));
        let found = difference(&[table(&rows)], &[table(&turned)], &Limits::default());
        for column in &found.columns {
            match &column.spread {
                Some(Spread::Bins(bins)) => {
                    prop_assert_eq!(&bins.counts.before, &bins.counts.after);
                    prop_assert_eq!(bins.range.before, bins.range.after);
                }
                Some(Spread::Values(values)) => prop_assert!(values.counts.iter().all(|(_, side)| side.before == side.after) && values.other.before == values.other.after),
                None => {}
            }
        }
    }

    /// However the rows lie in files, and whether or not all of a column's numbers are held at once.
    #[test]
    fn parts_are_spread_as_the_whole(before in prop::collection::vec(row(), 2..120), after in prop::collection::vec(row(), 2..120), at in any::<prop::sample::Index>()) {
        let split = |rows: &[String]| {
            let (first, rest) = rows.split_at(at.index(rows.len() - 1) + 1);
            [table(first), table(rest)]
        };
        let whole = difference(&[table(&before)], &[table(&after)], &Limits::default());
        let parts = difference(&split(&before), &split(&after), &Limits::default());
        for column in &whole.columns {
            prop_assert_eq!(spread(&parts, &column.name), column.spread.as_ref());
        }
        let few = Limits { sample_values_max: 8, ..Limits::default() };
        for column in &difference(&[table(&before)], &[table(&after)], &few).columns {
            let Some(spread) = &column.spread else { continue };
            let sums = sums(spread);
            prop_assert_eq!((sums.before + column.missing.before, sums.after + column.missing.after), (before.len() as u64, after.len() as u64));
        }
    }
}

fn one(before: &str, after: &str) -> Option<Spread> {
    let found = difference(&[before.as_bytes().to_vec()], &[after.as_bytes().to_vec()], &Limits::default());
    found.columns[0].spread.clone()
}

fn column(cells: impl IntoIterator<Item = String>) -> String {
    std::iter::once("c\n".to_owned()).chain(cells.into_iter().map(|cell| cell + "\n")).collect()
}

#[test]
fn of_numbers_the_bins_are_those_of_the_first() {
    let before = column((0..=200).map(|i| i.to_string()));
    let after = column((150..=350).map(|i| i.to_string()));
    let Some(Spread::Bins(bins)) = one(&before, &after) else { panic!("numbers") };
    assert_eq!((bins.edges.len(), bins.edges[0], bins.edges[18]), (19, 10.0, 190.0));
    assert_eq!((bins.range.before, bins.range.after), (Some((0.0, 200.0)), Some((150.0, 350.0))));
    assert_eq!((bins.counts.before[0], bins.counts.before[19], bins.counts.after[0], bins.counts.after[19]), (11, 10, 0, 160));
}

#[test]
fn few_numbers_are_told_one_by_one() {
    let Some(Spread::Values(values)) = one("c\n3\n1\n1\n\n", "c\n1\n4\n4\n") else { panic!("values") };
    let side = |before, after| Side { before, after };
    assert_eq!(values.counts, [(Value::Integer(1), side(2, 1)), (Value::Integer(3), side(1, 0)), (Value::Integer(4), side(0, 2))]);
    assert_eq!(values.other, side(0, 0));
}

#[test]
fn of_words_the_most_frequent() {
    let words = |of: std::ops::Range<u32>, every: u32| column(of.flat_map(move |i| (0..=i * every).map(move |_| format!("w{i:02}"))));
    let Some(Spread::Values(values)) = one(&words(0..20, 1), &words(10..30, 2)) else { panic!("words") };
    assert_eq!(values.counts.len(), 12);
    // w29 has 59 of 800 rows of the second table, w19 20 of 210 of the first
    assert_eq!(values.counts[0].0, Value::Text("w19".to_owned()));
    assert!(values.counts.iter().any(|(value, side)| *value == Value::Text("w29".to_owned()) && *side == Side { before: 0, after: 59 }));
    assert_eq!(sums(&Spread::Values(values)), Side { before: 210, after: 800 });
}

#[test]
fn words_that_each_occur_once_say_nothing() {
    let names = |from: u32| column((from..from + 50).map(|i| format!("name{i}")));
    assert_eq!(one(&names(0), &names(25)), None);
}

#[test]
fn another_kind_of_values_is_not_laid_beside() {
    assert_eq!(one("c\n1\n2\n", "c\nx\nx\n"), None);
    assert!(matches!(one(&column((0..40).map(|i| i.to_string())), &column((0..40).map(|i| format!("{i}.5")))), Some(Spread::Bins(_))));
}

#[test]
fn of_very_many_columns_those_that_moved_most() {
    let line = |cells: &dyn Fn(usize) -> String| (0..300).map(cells).collect::<Vec<_>>().join(",") + "\n";
    let head = line(&|at| format!("c{at}"));
    let body = |moved: bool| -> String {
        (0..40).map(|row| line(&|at| if moved && at == 299 { (row + 30).to_string() } else { (row * (at + 1) % 41).to_string() })).collect()
    };
    let found = difference(&[(head.clone() + &body(false)).into_bytes()], &[(head + &body(true)).into_bytes()], &Limits::default());
    assert_eq!(found.columns.iter().filter(|column| column.spread.is_some()).count(), 256);
    assert!(found.columns[299].spread.is_some() && found.columns[298].spread.is_none());
}
