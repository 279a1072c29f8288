//! `keizu reproduce`: the verdict first, then why, then what to do.

use keizu_ledger::reproduce::{Band, Differing, Reproduction, StepRow, Verdict};

use super::look::{Look, many};
use super::names::{self, Unique};
use super::path::command;
use super::table::{Cell, Column, STAYS, Table};
use super::text::{Ink, Page, Text};
use super::words;

/// Rows of a list, unless all are asked for.
const ROWS_MAX: usize = 8;

/// The verdict on one screen.
pub fn page(answer: &Reproduction, all: bool, unique: &dyn Unique, look: &Look) -> Page {
    let rows_max = if all || look.exact { usize::MAX } else { ROWS_MAX };
    let mut page = Page::default();
    page.line(head(answer));
    match answer.verdict {
        Verdict::Cannot => page.append(missing(answer, rows_max)),
        Verdict::Equal => {}
        Verdict::WithinNoise | Verdict::Differs => page.append(differing(answer, rows_max, unique)),
    }
    if !answer.noise.is_empty() {
        page.gap();
        page.append(noise(answer, rows_max, look));
    }
    if !answer.steps.is_empty() {
        page.gap();
        page.append(steps(&answer.steps, rows_max, unique, look));
    }
    if !answer.remarks.is_empty() {
        page.gap();
        for remark in answer.remarks.iter().take(rows_max) {
            page.line(Text::new(Ink::Warn, "note  ").and(remark));
        }
        more(&mut page, answer.remarks.len(), rows_max, "");
    }
    if let Some(folder) = &answer.kept {
        page.gap();
        page.line(Text::new(Ink::Faint, "kept  ").and(folder.display().to_string()));
    }
    page
}

fn head(answer: &Reproduction) -> Text {
    let (ink, text) = match answer.verdict {
        Verdict::Equal => (Ink::Strong, "equal".to_owned()),
        Verdict::WithinNoise => (Ink::Strong, "equal within noise".to_owned()),
        Verdict::Differs => (Ink::Bad, answer.sentence()),
        Verdict::Cannot => (Ink::Bad, "cannot be made again".to_owned()),
    };
    let line = Text::new(Ink::Thing, &answer.thing).and("  ").with(ink, text);
    match answer.verdict {
        Verdict::Equal if answer.steps.iter().map(|step| step.outputs).sum::<usize>() > 0 => line.and(", byte for byte"),
        Verdict::WithinNoise => line.and(format!(": {} came out otherwise", many(answer.differing.len() as u64, "file"))),
        _ => line,
    }
}

fn missing(answer: &Reproduction, rows_max: usize) -> Page {
    let mut page = Page::default();
    for lacking in answer.missing.iter().take(rows_max) {
        page.line(Text::from("  ").with(Ink::Strong, &lacking.what).and("  ").and(&lacking.why));
        for line in lacking.hint.iter().flat_map(|hint| hint.lines()) {
            page.line(Text::new(Ink::Faint, "      ").with(Ink::Faint, line));
        }
    }
    more(&mut page, answer.missing.len(), rows_max, "  ");
    page
}

fn differing(answer: &Reproduction, rows_max: usize, unique: &dyn Unique) -> Page {
    let mut page = Page::default();
    for (at, differing) in answer.differing.iter().take(rows_max).enumerate() {
        page.line(file(differing, unique));
        // the first is where they part; of those after it the reason is likely the same
        let shown = if at == 0 { usize::MAX } else { 1 };
        for sentence in differing.detail.iter().take(shown) {
            page.line(Text::from("      ").and(sentence));
        }
    }
    more(&mut page, answer.differing.len(), rows_max, "  ");
    page
}

fn file(differing: &Differing, unique: &dyn Unique) -> Text {
    let digest = |digest: Option<keizu_record::Digest>| match digest {
        Some(digest) => names::digest(&digest.to_string(), unique),
        None => "nothing".to_owned(),
    };
    let digests = format!("{} → {}", digest(differing.then), digest(differing.now));
    Text::from("  ").with(Ink::Strong, differing.path.to_string()).and("  ").with(Ink::Faint, digests)
}

fn noise(answer: &Reproduction, rows_max: usize, look: &Look) -> Page {
    let mut table = Table::new([STAYS, Column { right: true, dispensable: 0 }, STAYS, STAYS]);
    // what lies outside comes first: it is the reason
    let mut bands: Vec<&Band> = answer.noise.iter().collect();
    bands.sort_by_key(|band| band.within);
    for band in bands.iter().take(rows_max) {
        let number = |value: f64| words::value(&serde_json::json!(value), look);
        table.row([
            Cell::Words(Ink::Plain, band.name.clone()),
            Text::from(number(band.recorded)).into(),
            Text::from(format!("{} ± {}", number(band.mean), number(band.half))).into(),
            Text::new(if band.within { Ink::Faint } else { Ink::Bad }, if band.within { "within" } else { "outside" }).into(),
        ]);
    }
    let mut page = Page::default();
    let times = many(answer.repeats as u64, "time");
    page.line(Text::from(format!("Made again {times}: the number then, and the band in which 99 of 100 further makings lie")));
    page.append(table.draw(look.width, "  "));
    more(&mut page, bands.len(), rows_max, "  ");
    page
}

fn steps(steps: &[StepRow], rows_max: usize, unique: &dyn Unique, look: &Look) -> Page {
    let right = Column { right: true, dispensable: 1 };
    let mut table = Table::new([STAYS, STAYS, STAYS, right, right]);
    for step in steps.iter().rev().take(rows_max) {
        let made = match (step.outputs, step.equal) {
            (0, _) => "left no file".to_owned(),
            (outputs, equal) if outputs == equal => format!("{} equal", many(outputs as u64, "file")),
            (1, _) => "1 file, not equal".to_owned(),
            (outputs, equal) => format!("{equal} of {} equal", many(outputs as u64, "file")),
        };
        table.row([
            Text::new(Ink::Thing, names::run(&step.run.to_string(), unique)).into(),
            Cell::Words(Ink::Plain, command(&step.command)),
            Text::from(made).into(),
            Text::from(look.duration(step.took_ms.1)).into(),
            Text::new(Ink::Faint, format!("(then {})", look.duration(step.took_ms.0))).into(),
        ]);
    }
    let mut page = table.draw(look.width, "");
    more(&mut page, steps.len(), rows_max, "");
    page
}

fn more(page: &mut Page, all: usize, shown: usize, indent: &str) {
    if all > shown {
        page.line(Text::new(Ink::Faint, format!("{indent}… {} more (--all)", all - shown)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::names::Trusting;
    use insta::assert_snapshot;
    use keizu_ledger::workshop::Lacking;
    use keizu_record::{Digest, RunId};

    fn answer(verdict: Verdict) -> Reproduction {
        let step = |run: u8, command: &[&str], equal| StepRow {
            run: RunId::new([run; 16]),
            command: command.iter().map(|word| (*word).to_owned()).collect(),
            ended: "finished".into(),
            took_ms: (41_000, 39_000),
            outputs: 2,
            equal,
        };
        Reproduction {
            thing: "model:delay".into(),
            run: Some(RunId::new([2; 16])),
            verdict,
            steps: vec![
                step(1, &["python", "features.py"], 2),
                step(2, &["python", "train.py", "--depth", "6"], usize::from(verdict == Verdict::Equal) + 1),
            ],
            differing: Vec::new(),
            missing: Vec::new(),
            noise: Vec::new(),
            repeats: 1,
            remarks: Vec::new(),
            environment: None,
            kept: None,
        }
    }

    fn differing(path: &str, detail: &[&str]) -> Differing {
        Differing {
            path: path.into(),
            run: RunId::new([2; 16]),
            then: Some(Digest::of(b"then")),
            now: Some(Digest::of(b"now")),
            detail: detail.iter().map(|text| (*text).to_owned()).collect(),
        }
    }

    fn draw(answer: &Reproduction) -> String {
        page(answer, false, &Trusting, &Look::fixed(80)).paint(false)
    }

    #[test]
    fn equal() {
        assert_snapshot!(draw(&answer(Verdict::Equal)));
    }

    #[test]
    fn differs_at_a_file() {
        let detail = ["1,204 of 48,112 bytes differ, the first at 310; its format tells no more"];
        let answer = Reproduction { differing: vec![differing("models/delay.joblib", &detail)], ..answer(Verdict::Differs) };
        assert_snapshot!(draw(&answer));
    }

    #[test]
    fn equal_within_noise() {
        let band = |name: &str, recorded, mean, half| Band { name: name.into(), recorded, again: vec![mean], mean, half, within: true };
        let answer = Reproduction {
            differing: vec![differing("models/delay.bin", &["3 of 9 bytes differ"]), differing("eval.json", &["auc 0.741 → 0.7409"])],
            noise: vec![band("eval.json: auc", 0.741_2, 0.740_9, 0.002_1), band("eval.json: logloss", 0.512, 0.512_1, 0.003)],
            repeats: 3,
            ..answer(Verdict::WithinNoise)
        };
        assert_snapshot!(draw(&answer));
    }

    #[test]
    fn cannot() {
        let lacking = |what: &str, why: &str, hint: &str| Lacking { what: what.into(), why: why.into(), hint: Some(hint.into()) };
        let answer = Reproduction {
            steps: Vec::new(),
            missing: vec![
                lacking(
                    "features/train.parquet",
                    "its content was not kept, and the file is gone",
                    "--deep makes it again with run:111111",
                ),
                lacking("scorer==2.0", "pip found no file of this version", "--env present"),
            ],
            remarks: vec!["Python 3.11.9 is installed here; the run was made with 3.11.7".into()],
            ..answer(Verdict::Cannot)
        };
        assert_snapshot!(draw(&answer));
    }
}
