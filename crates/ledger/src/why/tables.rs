//! Differences between tables, in words.

use keizu_profile::{ColumnChange, Concentrated, Difference, Headline, Kind, Labels, PartState, Side, Value};

use super::Effect;

/// Columns that are said more of.
const COLUMNS_MAX: usize = 8;
/// Columns that a sentence names.
const NAMED_MAX: usize = 3;

/// What is said of a difference.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Said {
    /// The sentence.
    pub detail: String,
    /// Column by column.
    pub evidence: Vec<String>,
    /// Whether it can have mattered.
    pub effect: Effect,
    /// Share of the rows that it touches, 0 to 1 and more.
    pub size: f64,
}

/// In words: the rows first, then what matters most.
pub(crate) fn said(difference: &Difference) -> Said {
    let mut parts = vec![rows(&difference.rows)];
    for headline in &difference.headlines {
        parts.extend(headline_of(headline, difference));
    }
    let only = |wanted: &dyn Fn(&Headline) -> bool| !difference.headlines.is_empty() && difference.headlines.iter().all(wanted);
    let effect = if difference.same_values || only(&|headline| matches!(headline, Headline::SameValues)) {
        Effect::Unlikely
    } else if difference.reordered {
        Effect::Doubtful
    } else {
        Effect::Likely
    };
    let counts = &difference.row_counts;
    let touched = (counts.added + counts.removed + counts.changed) as f64;
    let all = difference.rows.before.max(difference.rows.after).max(1) as f64;
    // of the labels everything is said already
    let told = difference.labels.as_ref().map(|labels| labels.column.as_str());
    let moved = difference.columns.iter().filter(|column| has_moved(column) && Some(column.name.as_str()) != told);
    let mut columns: Vec<&ColumnChange> = moved.collect();
    columns.sort_by(|x, y| weight(y).total_cmp(&weight(x)).then_with(|| x.name.cmp(&y.name)));
    let evidence = columns.iter().take(COLUMNS_MAX).map(|column| of_column(column)).collect();
    Said { detail: parts.join("; "), evidence, effect, size: touched / all }
}

fn rows(rows: &Side<u64>) -> String {
    if rows.before == rows.after {
        return format!("{} as before", many(rows.after, "row"));
    }
    let (sign, change) = if rows.after > rows.before { ('+', rows.after - rows.before) } else { ('\u{2212}', rows.before - rows.after) };
    format!("{} → {} ({sign}{})", grouped(rows.before), many(rows.after, "row"), grouped(change))
}

fn headline_of(headline: &Headline, difference: &Difference) -> Option<String> {
    Some(match headline {
        Headline::Labels => labels(difference.labels.as_ref()?),
        Headline::Schema => schema(difference)?,
        Headline::Rows => row_counts(difference)?,
        // said by the labels already, when it is the same column
        Headline::Cells(names) => {
            let flipped = difference.labels.as_ref().map(|labels| labels.column.as_str());
            let names: Vec<&String> = names.iter().filter(|name| Some(name.as_str()) != flipped).collect();
            let first = names.first()?;
            let column = difference.columns.iter().find(|column| column.name == **first)?;
            match (names.len(), column.cells_changed) {
                (1, Some(cells)) => {
                    let shared = column.concentrated.as_ref().map(|of| format!(", {}", concentrated(of))).unwrap_or_default();
                    format!("{first} changed in {}{shared}", many(cells, "row"))
                }
                _ => format!("cells changed in {}", listed(&names)),
            }
        }
        Headline::Missing(names) => {
            let column = difference.columns.iter().find(|column| Some(&column.name) == names.first())?;
            let more = if names.len() > 1 { format!(", and in {} more", many(names.len() as u64 - 1, "column")) } else { String::new() };
            format!("missing in {}: {}{more}", column.name, missing(column, &difference.rows))
        }
        Headline::Drifted(names) => {
            let column = difference.columns.iter().find(|column| Some(&column.name) == names.first())?;
            let of = of_column(column);
            let more = if names.len() > 1 { format!(", and {} more moved", many(names.len() as u64 - 1, "column")) } else { String::new() };
            format!("{of}{more}")
        }
        Headline::Arrays => arrays(difference)?,
        Headline::Parts => parts(difference)?,
        Headline::Reordered => "the same rows in another order".to_owned(),
        Headline::SameValues => "the same values, written otherwise".to_owned(),
    })
}

/// `1,344 values of late flipped (5.0 %), all where carrier = "EV"`.
fn labels(labels: &Labels) -> String {
    let two = |flip: &keizu_profile::Flip| flip.from.is_some() && flip.to.is_some();
    let flipped = !labels.flips.is_empty()
        && labels.flips.len() <= 2
        && labels.flips.iter().all(two)
        && labels
            .flips
            .iter()
            .all(|flip| labels.flips.iter().all(|other| flip == other || (flip.from == other.to && flip.to == other.from)));
    let shared = labels.concentrated.as_ref().map(|of| format!(", {}", concentrated(of))).unwrap_or_default();
    let verb = if flipped { "flipped" } else { "changed" };
    let what = match labels.flips.as_slice() {
        [only] if flipped => format!(" from {} to {}", value(only.from.as_ref()), value(only.to.as_ref())),
        _ => String::new(),
    };
    format!("{} of {} {verb}{what} ({}){shared}", many(labels.rows, "value"), labels.column, percent(labels.share))
}

/// `all where carrier = "EV"`.
fn concentrated(of: &Concentrated) -> String {
    let share = if of.inside >= 1.0 { "all".to_owned() } else { percent(of.inside) };
    let place = if of.from == of.to {
        format!("{} = {}", of.column, value(Some(&of.from)))
    } else {
        format!("{} from {} to {}", of.column, value(Some(&of.from)), value(Some(&of.to)))
    };
    format!("{share} where {place}")
}

fn schema(difference: &Difference) -> Option<String> {
    let schema = &difference.schema;
    let mut said = Vec::new();
    if !schema.added.is_empty() {
        said.push(format!("new: {}", listed(&schema.added)));
    }
    if !schema.removed.is_empty() {
        said.push(format!("gone: {}", listed(&schema.removed)));
    }
    said.extend(schema.renamed.iter().take(NAMED_MAX).map(|(before, after)| format!("{before} is now called {after}")));
    said.extend(schema.retyped.iter().take(NAMED_MAX).map(|retyped| {
        let kinds = (retyped.kind.before, retyped.kind.after);
        if kinds.0 == kinds.1 {
            format!("{}: {} → {}", retyped.name, retyped.stored.before, retyped.stored.after)
        } else {
            format!("{}: {} → {}", retyped.name, kinds.0, kinds.1)
        }
    }));
    if schema.reordered {
        said.push("in another order".to_owned());
    }
    (!said.is_empty()).then(|| format!("columns {}", said.join(", ")))
}

fn row_counts(difference: &Difference) -> Option<String> {
    let counts = &difference.row_counts;
    let mut said = Vec::new();
    let shared = |of: &Option<Concentrated>| of.as_ref().map(|of| format!(", {}", concentrated(of))).unwrap_or_default();
    if counts.added > 0 {
        said.push(format!("{} added{}", grouped(counts.added), shared(&difference.added_in)));
    }
    if counts.removed > 0 {
        said.push(format!("{} removed{}", grouped(counts.removed), shared(&difference.removed_in)));
    }
    if counts.changed > 0 && difference.labels.as_ref().is_none_or(|labels| labels.rows != counts.changed) {
        said.push(format!("{} changed", grouped(counts.changed)));
    }
    (!said.is_empty()).then(|| said.join(", "))
}

fn arrays(difference: &Difference) -> Option<String> {
    let said: Vec<String> = difference
        .arrays
        .iter()
        .filter_map(|array| {
            let name = if array.name.is_empty() { "the array" } else { &array.name };
            let shape = |shape: &Option<Vec<u64>>| match shape {
                Some(sides) => sides.iter().map(u64::to_string).collect::<Vec<_>>().join(" × "),
                None => "(none)".to_owned(),
            };
            if array.shape.before != array.shape.after {
                return Some(format!("{name}: {} → {}", shape(&array.shape.before), shape(&array.shape.after)));
            }
            if array.dtype.before != array.dtype.after {
                let of = |dtype: &Option<String>| dtype.clone().unwrap_or_else(|| "(none)".to_owned());
                return Some(format!("{name}: {} → {}", of(&array.dtype.before), of(&array.dtype.after)));
            }
            array.elements_changed.filter(|changed| *changed > 0).map(|changed| format!("{name}: {} changed", many(changed, "element")))
        })
        .take(NAMED_MAX)
        .collect();
    (!said.is_empty()).then(|| said.join(", "))
}

fn parts(difference: &Difference) -> Option<String> {
    let count = |state: PartState| difference.parts.iter().filter(|part| part.state == state).count() as u64;
    let states =
        [(PartState::Changed, "changed"), (PartState::Added, "new"), (PartState::Removed, "gone"), (PartState::Reordered, "reordered")];
    let said: Vec<String> = states
        .iter()
        .filter(|(state, _)| count(*state) > 0)
        .map(|(state, word)| format!("{} {word}", many(count(*state), "file")))
        .collect();
    (!said.is_empty() && difference.parts.len() > 1).then(|| said.join(", "))
}

fn has_moved(column: &ColumnChange) -> bool {
    column.cells_changed.is_some_and(|cells| cells > 0) || weight(column) > 0.0
}

fn weight(column: &ColumnChange) -> f64 {
    let drift = &column.drift;
    [drift.psi, drift.js, drift.ks, drift.cramers_v].into_iter().flatten().fold(0.0, f64::max)
}

/// `delay: mean 4.1 → 12; PSI 0.31`.
fn of_column(column: &ColumnChange) -> String {
    let mut said = Vec::new();
    if let (Some(before), Some(after)) = (column.mean.before, column.mean.after)
        && before != after
        && column.kind != Kind::Time
    {
        said.push(format!("mean {} → {}", number(before), number(after)));
    }
    for (name, side) in [("min", &column.min), ("max", &column.max)] {
        if let (Some(before), Some(after)) = (&side.before, &side.after)
            && before != after
            && column.kind.is_ordered()
        {
            said.push(format!("{name} {} → {}", value(Some(before)), value(Some(after))));
        }
    }
    if column.missing.before != column.missing.after {
        said.push(format!("missing {} → {}", grouped(column.missing.before), grouped(column.missing.after)));
    }
    let values = |values: &[(Value, u64)]| values.iter().take(NAMED_MAX).map(|(of, _)| value(Some(of))).collect::<Vec<_>>().join(", ");
    if !column.new_values.is_empty() && !column.kind.is_ordered() {
        said.push(format!("new {}", values(&column.new_values)));
    }
    if !column.vanished_values.is_empty() && !column.kind.is_ordered() {
        said.push(format!("gone {}", values(&column.vanished_values)));
    }
    match (column.drift.psi, column.drift.q) {
        (Some(psi), Some(q)) if psi > 0.0 => said.push(format!("PSI {}, q {}", number(psi), number(q))),
        (Some(psi), None) if psi > 0.0 => said.push(format!("PSI {}", number(psi))),
        _ => {}
    }
    if said.is_empty()
        && let Some(cells) = column.cells_changed
    {
        said.push(format!("{} changed", many(cells, "cell")));
    }
    format!("{}: {}", column.name, said.join(", "))
}

fn missing(column: &ColumnChange, rows: &Side<u64>) -> String {
    let share = |missing: u64, rows: u64| percent(missing as f64 / rows.max(1) as f64);
    format!("{} → {}", share(column.missing.before, rows.before), share(column.missing.after, rows.after))
}

fn listed<S: AsRef<str>>(names: &[S]) -> String {
    let named: Vec<&str> = names.iter().take(NAMED_MAX).map(AsRef::as_ref).collect();
    match names.len().saturating_sub(NAMED_MAX) {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}

fn value(of: Option<&Value>) -> String {
    match of {
        None => "(missing)".to_owned(),
        Some(Value::Real(real)) => number(*real),
        Some(Value::Text(text)) => format!("\"{text}\""),
        Some(other) => other.to_string(),
    }
}

/// Three digits that matter.
fn number(of: f64) -> String {
    let magnitude = if of == 0.0 { 0.0 } else { of.abs().log10().floor() };
    if !(-4.0..6.0).contains(&magnitude) {
        return format!("{of:.1e}");
    }
    let text = format!("{of:.*}", (2.0 - magnitude).clamp(0.0, 6.0) as usize);
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// `27,004`.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 row`, `365 rows`.
fn many(number: u64, one: &str) -> String {
    format!("{} {one}{}", grouped(number), if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use keizu_profile::{Bytes, Format, Limits, Part};

    fn of(before: &str, after: &str) -> Said {
        let open = |text: &str| {
            let text = text.to_owned();
            move || Ok(Box::new(std::io::Cursor::new(text.clone())) as Box<dyn Bytes>)
        };
        let format = Format::of("t.csv", before.as_bytes()).expect("a table");
        let (open_before, open_after) = (open(before), open(after));
        let part = |open| Part { name: "t.csv".into(), format, open };
        said(&keizu_profile::compare(&[part(&open_before)], &[part(&open_after)], &Limits::default()).expect("compared"))
    }

    fn table(label: &dyn Fn(usize) -> i32) -> String {
        let rows = (0..200).map(|at| format!("{at},{},{}\n", ["UA", "EV", "DL", "AA"][at % 4], label(at)));
        format!("id,carrier,late\n{}", rows.collect::<String>())
    }

    #[test]
    fn flipped_labels_and_what_they_share() {
        let before = table(&|at| i32::from(at % 3 == 0));
        let after = table(&|at| i32::from((at % 3 == 0) != (at % 4 == 1)));
        let said = of(&before, &after);
        assert_eq!(said.detail, "200 rows as before; 50 values of late flipped (25.0 %), all where carrier = \"EV\"");
        assert_eq!(said.effect, Effect::Likely);
        assert!((said.size - 0.25).abs() < 1e-9);
    }

    #[test]
    fn order_and_writing_are_no_changes_of_values() {
        let before = table(&|at| i32::from(at % 3 == 0));
        let mut lines: Vec<&str> = before.lines().collect();
        lines[1..].reverse();
        let turned = of(&before, &(lines.join("\n") + "\n"));
        assert_eq!((turned.detail.as_str(), turned.effect), ("200 rows as before; the same rows in another order", Effect::Doubtful));
        let quoted = of(&before, &before.replace("UA", "\"UA\""));
        assert_eq!((quoted.detail.as_str(), quoted.effect), ("200 rows as before; the same values, written otherwise", Effect::Unlikely));
    }

    #[test]
    fn rows_and_columns_that_came_and_went() {
        let before = table(&|at| i32::from(at % 3 == 0));
        let fewer = before.lines().take(151).collect::<Vec<_>>().join("\n") + "\n";
        assert!(of(&before, &fewer).detail.starts_with("200 → 150 rows (\u{2212}50); 50 removed"), "{}", of(&before, &fewer).detail);
        let renamed = of(&before, &before.replace("late", "delayed"));
        assert!(renamed.detail.contains("late is now called delayed"), "{}", renamed.detail);
    }

    #[test]
    fn numbers_have_three_digits_that_matter() {
        assert_eq!([number(0.0), number(0.12345), number(1234.5), number(12.0), number(1e9)], ["0", "0.123", "1234", "12", "1.0e9"]);
        assert_eq!((grouped(1_234_567), percent(0.05)), ("1,234,567".to_owned(), "5.0 %".to_owned()));
    }
}
