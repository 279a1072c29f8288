//! What changed, for changes that were planted.

use std::io::{self, Cursor};

use keizu_profile::{Bytes, Difference, Error, Format, Headline, Limits, Part, PartState, Value, compare};

fn parts<'a>(opens: &'a [Open]) -> Vec<Part<'a>> {
    opens.iter().map(|(name, open, format)| Part { name: name.clone(), format: *format, open: open.as_ref() }).collect()
}

type Open = (String, Box<dyn Fn() -> io::Result<Box<dyn Bytes>>>, Format);

fn opens(files: &[(&str, &str)]) -> Vec<Open> {
    let open = |(name, text): &(&str, &str)| -> Open {
        let bytes = text.as_bytes().to_vec();
        let format = Format::of(name, &bytes).expect("a table");
        ((*name).to_owned(), Box::new(move || Ok(Box::new(Cursor::new(bytes.clone())) as Box<dyn Bytes>)), format)
    };
    files.iter().map(open).collect()
}

fn folders(before: &[(&str, &str)], after: &[(&str, &str)], limits: &Limits) -> Result<Difference, Error> {
    let (before, after) = (opens(before), opens(after));
    compare(&parts(&before), &parts(&after), limits)
}

fn diff(before: &str, after: &str) -> Difference {
    folders(&[("t.csv", before)], &[("t.csv", after)], &Limits::default()).expect("both are tables")
}

/// Flights: a number, a carrier, a month, a distance, and whether it was late.
struct Flight {
    id: u32,
    carrier: &'static str,
    month: u32,
    distance: f64,
    late: u8,
}

fn flights(rows: u32) -> Vec<Flight> {
    (0..rows)
        .map(|i| Flight {
            id: i,
            carrier: ["UA", "EV", "AA", "B6"][(i * 7 % 11 % 4) as usize],
            month: i * 12 / rows + 1,
            distance: f64::from(i * 37 % 1009) + 0.5,
            late: u8::from(i * 13 % 17 < 5),
        })
        .collect()
}

fn csv(flights: &[Flight]) -> String {
    let lines = flights.iter().map(|f| format!("{},{},{},{},{}\n", f.id, f.carrier, f.month, f.distance, f.late));
    std::iter::once("id,carrier,month,distance,late\n".to_owned()).chain(lines).collect()
}

fn csv_without_id(flights: &[Flight]) -> String {
    let lines = flights.iter().map(|f| format!("{},{},{},{}\n", f.carrier, f.month, f.distance, f.late));
    std::iter::once("carrier,month,distance,late\n".to_owned()).chain(lines).collect()
}

fn counts(difference: &Difference) -> (u64, u64, u64) {
    let rows = difference.row_counts;
    (rows.added, rows.removed, rows.changed)
}

#[test]
fn nothing_but_quotes_and_digits() {
    let found = diff("a,b\n1,x\n2.50,y\n", "\"a\",\"b\"\n\"1.0\",\"x\"\n2.5,\"y\"\n");
    assert!(found.same_values, "{found:?}");
    assert_eq!(found.headlines, [Headline::SameValues]);
}

#[test]
fn another_order_is_no_change() {
    let mut rows = flights(500);
    let before = csv(&rows);
    rows.reverse();
    let found = diff(&before, &csv(&rows));
    assert!(found.reordered && !found.same_values);
    assert_eq!((counts(&found), found.headlines), ((0, 0, 0), vec![Headline::Reordered]));
}

fn flipped(shuffle: bool, text: fn(&[Flight]) -> String) -> (Difference, u64) {
    let mut rows = flights(3000);
    let before = text(&rows);
    let mut count = 0;
    for flight in rows.iter_mut().filter(|flight| flight.carrier == "EV" && flight.id % 2 == 0) {
        flight.late = 1 - flight.late;
        count += 1;
    }
    if shuffle {
        rows.sort_by_key(|flight| flight.id.wrapping_mul(2_654_435_761));
    }
    (diff(&before, &text(&rows)), count)
}

#[test]
fn flipped_labels_in_place_and_shuffled_with_and_without_a_key() {
    for (shuffle, text) in [(false, csv as fn(&[Flight]) -> String), (true, csv), (false, csv_without_id), (true, csv_without_id)] {
        let (found, count) = flipped(shuffle, text);
        let labels = found.labels.as_ref().expect("a label was flipped");
        assert_eq!((labels.column.as_str(), labels.rows), ("late", count), "shuffled: {shuffle}");
        assert_eq!(counts(&found), (0, 0, count));
        assert_eq!(labels.flips.iter().map(|flip| flip.rows).sum::<u64>(), count);
        assert_eq!(labels.flips[0].from, Some(Value::Integer(0)));
        let at = labels.concentrated.as_ref().expect("all are of one carrier");
        assert_eq!((at.column.as_str(), &at.from, at.inside), ("carrier", &Value::Text("EV".into()), 1.0));
        assert_eq!(found.headlines[0], Headline::Labels);
    }
}

#[test]
fn a_flip_all_over_is_concentrated_nowhere() {
    let mut rows = flights(3000);
    let before = csv(&rows);
    rows.iter_mut().filter(|flight| flight.id % 10 == 3).for_each(|flight| flight.late = 1 - flight.late);
    let labels = diff(&before, &csv(&rows)).labels.expect("a label");
    assert_eq!((labels.rows, labels.share, labels.concentrated), (300, 0.1, None));
}

#[test]
fn a_stretch_of_rows_is_a_range() {
    let mut rows = flights(3000);
    let before = csv_without_id(&rows);
    rows.iter_mut().filter(|flight| (4..=5).contains(&flight.month)).for_each(|flight| flight.distance += 1000.25);
    let found = diff(&before, &csv_without_id(&rows));
    let at = found.labels.expect("one column").concentrated.expect("two months");
    assert_eq!((at.column.as_str(), at.from, at.to, at.outside), ("month", Value::Integer(4), Value::Integer(5), 0.0));
}

#[test]
fn rows_that_came_and_went() {
    let mut rows = flights(2000);
    let before = csv(&rows);
    rows.retain(|flight| flight.month != 3);
    let gone = 2000 - rows.len() as u64;
    let found = diff(&before, &csv(&rows));
    assert_eq!(counts(&found), (0, gone, 0));
    let at = found.removed_in.expect("a month");
    assert_eq!((at.column.as_str(), at.from), ("month", Value::Integer(3)));
    let back = diff(&csv(&rows), &before);
    assert_eq!(counts(&back), (gone, 0, 0));
    assert_eq!(back.added_in.expect("a month").column, "month");
    assert_eq!(back.headlines[0], Headline::Rows);
}

#[test]
fn as_many_new_rows_are_not_changed_rows() {
    let rows = flights(2000);
    let found = diff(&csv(&rows[..1000]), &csv(&rows[1000..]));
    assert_eq!(counts(&found), (1000, 1000, 0));
    assert!(found.labels.is_none());
}

#[test]
fn a_row_put_in_front_shifts_nothing() {
    let rows = flights(1000);
    let found = diff(&csv_without_id(&rows[1..]), &csv_without_id(&rows));
    assert_eq!(counts(&found), (1, 0, 0));
    let found = diff(&csv_without_id(&rows[1..]), &csv_without_id(&rows[..999]));
    assert_eq!(counts(&found), (1, 1, 0));
}

#[test]
fn a_column_scaled_is_changed_cells_of_every_row() {
    let mut rows = flights(1000);
    let before = csv(&rows);
    rows.iter_mut().for_each(|flight| flight.distance *= 1.609);
    let found = diff(&before, &csv(&rows));
    assert_eq!(counts(&found), (0, 0, 1000));
    let distance = found.columns.iter().find(|column| column.name == "distance").expect("there");
    assert_eq!(distance.cells_changed, Some(1000));
    assert!(distance.drift.ks.expect("numbers") > 0.3 && distance.drift.q.expect("tested") < 1e-9);
    assert!(!found.labels.as_ref().expect("one column").few_values, "no label has a thousand values");
    assert!(found.headlines.contains(&Headline::Drifted(vec!["distance".into()])));
    assert!(found.columns.iter().filter(|column| column.name != "distance").all(|column| column.cells_changed == Some(0)));
}

#[test]
fn many_columns_changed_with_a_key() {
    let mut rows = flights(1000);
    let before = csv(&rows);
    for flight in rows.iter_mut().filter(|flight| flight.id % 9 == 0) {
        (flight.distance, flight.late, flight.carrier) = (flight.distance + 5000.0, 1 - flight.late, "XX");
    }
    rows.sort_by_key(|flight| flight.id.wrapping_mul(2_654_435_761));
    let found = diff(&before, &csv(&rows));
    assert_eq!(counts(&found), (0, 0, 112));
    assert!(found.labels.is_none());
    let carrier = found.columns.iter().find(|column| column.name == "carrier").expect("there");
    assert_eq!(carrier.new_values, [(Value::Text("XX".into()), 112)]);
}

#[test]
fn columns_that_came_went_were_renamed_and_retyped() {
    let rows = flights(300);
    let before = csv(&rows);
    let after: String = std::iter::once("flight,carrier,month,distance,late,origin\n".to_owned())
        .chain(
            rows.iter()
                .map(|f| format!("{},{},{},{},{},JFK\n", f.id, f.carrier, f.month, f.distance, if f.late == 1 { "yes" } else { "0" })),
        )
        .collect();
    let found = diff(&before, &after);
    assert_eq!(found.schema.renamed, [("id".to_owned(), "flight".to_owned())]);
    assert_eq!((found.schema.added.as_slice(), found.schema.removed.len()), (["origin".to_owned()].as_slice(), 0));
    assert_eq!(found.schema.retyped.iter().map(|column| column.name.as_str()).collect::<Vec<_>>(), ["late"]);
    let late = rows.iter().filter(|flight| flight.late == 1).count() as u64;
    assert_eq!(counts(&found), (0, 0, late));
    assert!(found.headlines.contains(&Headline::Schema));
}

#[test]
fn numbers_as_texts_are_retyped_but_not_changed() {
    let found = diff("id,v\n1,10\n2,20\n3,30\n", "id,v\n1,10.0\n2,20\n3,n.a.\n");
    assert_eq!((counts(&found), found.schema.retyped.len()), ((0, 0, 1), 1));
}

#[test]
fn dates_as_texts_are_not_retyped_where_there_are_no_types() {
    let found = folders(
        &[("t.csv", "at\n2013-01-01\n2013-01-02\n")],
        &[("t.jsonl", "{\"at\":\"2013/01/01\"}\n{\"at\":\"2013-01-02\"}\n")],
        &Limits::default(),
    );
    assert!(found.expect("tables").same_values);
}

#[test]
fn missing_cells_are_told() {
    let mut text = csv(&flights(1000));
    let before = text.clone();
    text = text
        .lines()
        .enumerate()
        .map(|(at, line)| if at > 0 && at % 3 == 0 { format!("{}\n", &line[..line.len() - 1]) } else { format!("{line}\n") })
        .collect();
    let found = diff(&before, &text);
    let late = found.columns.iter().find(|column| column.name == "late").expect("there");
    assert_eq!((late.missing.before, late.missing.after), (0, 333));
    assert!(found.headlines.contains(&Headline::Missing(vec!["late".into()])));
    assert_eq!(found.labels.expect("one column").flips[0].to, None);
}

#[test]
fn small_limits_take_more_passes_and_say_the_same() {
    let (before, mut rows) = (csv(&flights(3000)), flights(3000));
    rows.retain(|flight| flight.id % 7 != 0);
    rows.iter_mut().filter(|flight| flight.carrier == "AA").for_each(|flight| flight.late = 1 - flight.late);
    let after = csv(&rows);
    let whole = diff(&before, &after);
    let small = Limits { row_digests_max: 100, ..Limits::default() };
    let piecewise = folders(&[("t.csv", &before)], &[("t.csv", &after)], &small).expect("both are tables");
    assert_eq!(whole, piecewise);
    let tiny = Limits { changed_cells_max: 10, ..Limits::default() };
    let counted = folders(&[("t.csv", &before)], &[("t.csv", &after)], &tiny).expect("both are tables");
    assert!(!counted.row_counts.matched);
    assert_eq!(counted.row_counts.equal, whole.row_counts.equal);
}

#[test]
fn folders_are_one_table_and_their_parts_are_named() {
    let rows = flights(900);
    let day = |n: usize| csv(&rows[n * 100..(n + 1) * 100]);
    let before: Vec<(String, String)> = (0..7).map(|n| (format!("day={n}.csv"), day(n))).collect();
    let mut after = before.clone();
    after.remove(0);
    after.push(("day=7.csv".into(), day(7)));
    after[1].1 = after[1].1.replace(",EV,", ",ZZ,");
    let borrow = |files: &[(String, String)]| -> Vec<(String, String)> { files.to_vec() };
    let (before, after) = (borrow(&before), borrow(&after));
    let slices = |files: &'static [(String, String)]| files.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect::<Vec<_>>();
    let (before, after): (&'static [_], &'static [_]) = (before.leak(), after.leak());
    let found = folders(&slices(before), &slices(after), &Limits::default()).expect("tables");
    let states: Vec<(&str, PartState)> = found.parts.iter().map(|part| (part.name.as_str(), part.state)).collect();
    assert_eq!(states, [("day=0.csv", PartState::Removed), ("day=2.csv", PartState::Changed), ("day=7.csv", PartState::Added)]);
    assert_eq!((found.row_counts.added, found.row_counts.removed), (100, 100));
    assert_eq!(found.labels.expect("the carrier").column, "carrier");
}

#[test]
fn empty_constant_and_one_row_tables_have_defined_answers() {
    for (before, after) in [
        ("", ""),
        ("a\n", "a\n1\n"),
        ("a,b\n1,\n", "a,b\n1,\n"),
        ("a\n1\n", "b\nx\n"),
        ("a\n5\n5\n", "a\n5\n5\n5\n"),
        ("a\ninf\n", "a\n-inf\n"),
    ] {
        let found = diff(before, after);
        let text = serde_json::to_string(&found).expect("no NaN, no infinity");
        assert_eq!(serde_json::from_str::<Difference>(&text).expect("comes back"), found);
    }
}
