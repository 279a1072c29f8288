//! Profiles over one frame add up, however the rows are split and in whichever order the parts come.

use std::io::Cursor;

use keizu_profile::{Format, Frame, Layout, Limits, Packing, Profile, profile, profile_over};
use proptest::prelude::*;

const CSV: Format = Format { layout: Layout::Csv, packing: Packing::Plain };
const HEADER: &str = "number,whole,text,flag\n";

fn text(rows: &[String]) -> Vec<u8> {
    std::iter::once(HEADER.to_owned()).chain(rows.iter().cloned()).collect::<String>().into_bytes()
}

fn over(rows: &[String], frame: &Frame) -> Profile {
    profile_over(Box::new(Cursor::new(text(rows))), CSV, frame, &Limits::default()).expect("a table")
}

/// Every kind stays what it is in every part: a part without a single number would not know that they are numbers.
fn row() -> impl Strategy<Value = String> {
    (-1000i32..1000, prop::option::of(-9i64..9), prop::option::weighted(0.8, "[a-e]{1,2}"), any::<bool>()).prop_map(
        |(number, whole, text, flag)| {
            let whole = whole.map_or(String::new(), |whole| (whole * 1_000_000_000_000_000).to_string());
            format!("{}.5,{whole},{},{flag}\n", number, text.unwrap_or_default())
        },
    )
}

fn near(a: f64, b: f64, scale: f64) -> bool {
    (a - b).abs() <= 1e-12 * scale.abs().max(1e-300)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_partition_in_any_order(rows in prop::collection::vec(row(), 1..120), sizes in prop::collection::vec(1usize..30, 1..20), reference in prop::collection::vec(row(), 2..40), turn in any::<prop::sample::Index>()) {
        let frame = profile(Box::new(Cursor::new(text(&reference))), CSV, &Limits::default()).expect("a table").frame();
        let whole = over(&rows, &frame);
        let mut parts = Vec::new();
        let mut rest = rows.as_slice();
        for size in sizes.iter().cycle() {
            if rest.is_empty() { break }
            let (part, after) = rest.split_at((*size).min(rest.len()));
            parts.push(over(part, &frame));
            rest = after;
        }
        let first = turn.index(parts.len());
        parts.rotate_left(first);
        let mut merged = parts[0].clone();
        for part in &parts[1..] {
            merged.merge(part).expect("the same columns");
        }
        prop_assert_eq!(merged.rows, whole.rows);
        for (ours, theirs) in merged.columns.iter().zip(&whole.columns) {
            let counts = |column: &keizu_profile::Column| (column.count, column.null, column.nan, column.infinite, column.min.clone(), column.max.clone());
            prop_assert_eq!(counts(ours), counts(theirs));
            prop_assert_eq!(&ours.bins, &theirs.bins);
            prop_assert_eq!(&ours.categories, &theirs.categories);
            if let (Some(ours), Some(theirs)) = (ours.moments, theirs.moments) {
                prop_assert_eq!(ours.n, theirs.n);
                prop_assert!(near(ours.mean, theirs.mean, 1e16) && near(ours.m2, theirs.m2, theirs.m2));
            }
        }
    }

    #[test]
    fn without_a_frame_the_categories_add_up(rows in prop::collection::vec(row(), 2..120), at in any::<prop::sample::Index>()) {
        let own = |rows: &[String]| profile(Box::new(Cursor::new(text(rows))), CSV, &Limits::default()).expect("a table");
        let (first, second) = rows.split_at(at.index(rows.len() - 1) + 1);
        let (mut forwards, mut backwards, whole) = (own(first), own(second), own(&rows));
        let before = forwards.clone();
        forwards.merge(&backwards).expect("the same columns");
        backwards.merge(&before).expect("the same columns");
        for ((a, b), theirs) in forwards.columns.iter().zip(&backwards.columns).zip(&whole.columns) {
            prop_assert_eq!(&a.categories, &b.categories);
            prop_assert_eq!(&a.categories, &theirs.categories);
            prop_assert_eq!(&a.distinct, &theirs.distinct);
        }
    }
}

#[test]
fn other_columns_do_not_add_up() {
    let own = |text: &'static str| profile(Box::new(Cursor::new(text)), CSV, &Limits::default()).expect("a table");
    let refused = |a: &'static str, b: &'static str| own(a).merge(&own(b)).expect_err("unlike").to_string();
    assert_eq!(refused("a\n1\n", "b\n1\n"), "profiles cannot be added: a column a, and a column b");
    assert_eq!(refused("a\n1\n", "a\nx\n"), "profiles cannot be added: column a: integer, and text");
    assert_eq!(refused("a\n1\n", "a,b\n1,2\n"), "profiles cannot be added: 1 columns, and 2");
}
