//! `keizu verify`.

use keizu_ledger::{described, sentence};
use keizu_store::verify::{Fault, LogReport, ObjectReport, Report};

use super::look::{Look, count, many};
use super::text::{Ink, Page, Text};

/// The checkpoint that lies beside the log: it shows a cut tail, and proves nothing against who has the key.
const BESIDE: &str = ".keizu/checkpoint";

/// What was found: what is wrong first, with its place.
pub fn page(report: &Report, contents: Option<&ObjectReport>, look: &Look) -> Page {
    let mut page = Page::default();
    for log in &report.logs {
        for fault in &log.faults {
            self::fault(&mut page, log, fault, look);
        }
    }
    for (origin, held_by) in &report.absent {
        page.line(Text::new(Ink::Bad, "verify: ").and(format!("the log {origin}, which {held_by} speaks of, is not here")));
    }
    for (digest, why) in contents.iter().flat_map(|contents| &contents.faults) {
        page.line(Text::new(Ink::Bad, "verify: ").and(format!("the kept content b3:{} is not what it was: {why}", digest.short(12))));
    }
    for log in &report.logs {
        self::log(&mut page, log, look);
    }
    if report.logs.is_empty() {
        page.line("the record holds nothing yet");
    }
    if let Some(contents) = contents {
        page.line(format!("{} intact, {}", many(contents.intact, "kept content"), look.size(contents.bytes)));
    }
    page
}

fn log(page: &mut Page, log: &LogReport, look: &Look) {
    let name = &log.origin.name;
    let signed = log.last.map_or_else(String::new, |last| format!(", signed {}", look.age_of(last)));
    if log.faults.is_empty() {
        page.line(Text::from("log ").with(Ink::Strong, name).and(format!("  {} intact{signed}", many(log.intact, "entry"))));
    } else {
        page.line(Text::from("log ").with(Ink::Strong, name).and(format!(
            "  {} of {} intact{signed}",
            count(log.intact),
            many(log.origin.size, "entry")
        )));
    }
    let held: Vec<String> = log.witnessed.iter().map(|(held_by, size)| format!("{held_by} ({})", many(*size, "entry"))).collect();
    if !held.is_empty() {
        page.line(format!("  held against {}", held.join(", ")));
    }
    if !log.witnessed.iter().any(|(held_by, _)| held_by != BESIDE) {
        page.line("  no checkpoint that anybody else keeps was given (--witness FILE):");
        page.line("  whoever has the log's key could have written all of it anew");
    }
}

fn fault(page: &mut Page, log: &LogReport, fault: &Fault, look: &Look) {
    page.line(Text::new(Ink::Bad, "verify: ").and(sentence(log, fault)));
    let after = fault.after.map(|anchor| format!(" after checkpoint {} (signed {})", count(anchor.size), look.age_of(anchor.recorded)));
    match (&fault.record, after) {
        (Some(record), after) => page.line(format!("  record {} was changed{}", described(record), after.unwrap_or_default())),
        (None, Some(after)) => page.line(format!("  it happened{after}")),
        (None, None) => {}
    }
    if fault.intact > 0 {
        let are = if fault.intact == 1 { "entry before it is" } else { "entries before it are" };
        page.line(format!("  {} {are} intact.", count(fault.intact)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use insta::assert_snapshot;
    use keizu_record::note::PublicKey;
    use keizu_record::{Digest, Kind, Record, RunId, Time};
    use keizu_store::Origin;
    use keizu_store::verify::{Anchor, Problem};

    fn log(faults: Vec<Fault>) -> LogReport {
        LogReport {
            origin: Origin { name: "laptop-a".into(), key: PublicKey { name: "laptop-a".into(), bytes: [7; 32] }, size: 4_102, own: true },
            intact: if faults.is_empty() { 4_102 } else { 4_096 },
            head: None,
            last: Some(Time(1_793_000_000_000_000)),
            witnessed: Vec::new(),
            faults,
        }
    }

    fn fault(problem: Problem) -> Fault {
        let mut record = Record::new(Kind::Used, RunId::new([0x77; 16]), Time(0), Time(0));
        record.set(keizu_record::Group::Fact, "path", "data/train.csv");
        let after = Some(Anchor { size: 4_096, recorded: Time(1_793_000_000_000_000) });
        Fault { problem, index: 4_099, id: None, record: Some(Box::new(record)), after, intact: 4_096 }
    }

    fn draw(report: &Report, contents: Option<&ObjectReport>) -> String {
        page(report, contents, &Look::fixed(80)).paint(false)
    }

    #[test]
    fn all_is_intact() {
        let mut whole = log(Vec::new());
        assert_snapshot!(draw(&Report { logs: vec![whole.clone()], absent: Vec::new() }, None), @r"
        log laptop-a  4,102 entries intact, signed 26 Oct
          no checkpoint that anybody else keeps was given (--witness FILE):
          whoever has the log's key could have written all of it anew
        ");
        whole.witnessed.push((BESIDE.into(), 4_102));
        assert_snapshot!(draw(&Report { logs: vec![whole.clone()], absent: Vec::new() }, None), @r"
        log laptop-a  4,102 entries intact, signed 26 Oct
          held against .keizu/checkpoint (4,102 entries)
          no checkpoint that anybody else keeps was given (--witness FILE):
          whoever has the log's key could have written all of it anew
        ");
        whole.witnessed.push(("keizu.checkpoint".into(), 4_000));
        let contents = ObjectReport { intact: 12, bytes: 3_400_000, faults: Vec::new() };
        assert_snapshot!(draw(&Report { logs: vec![whole], absent: Vec::new() }, Some(&contents)), @r"
        log laptop-a  4,102 entries intact, signed 26 Oct
          held against .keizu/checkpoint (4,102 entries), keizu.checkpoint (4,000 entries)
        12 kept contents intact, 3.4 MB
        ");
    }

    #[test]
    fn the_place_is_named() {
        let altered = fault(Problem::Altered { what: "byte 7 is not canonical".into() });
        let report = Report { logs: vec![log(vec![altered])], absent: vec![("laptop-b".into(), "b.note".into())] };
        let contents = ObjectReport { faults: vec![(Digest::of(b"x"), "its bytes are those of b3:00".into())], ..ObjectReport::default() };
        assert_snapshot!(draw(&report, Some(&contents)), @r#"
        verify: entry 4,100 of log laptop-a does not match its hash: byte 7 is not canonical
          record run:777777 "used data/train.csv" was changed after checkpoint 4,096 (signed 26 Oct)
          4,096 entries before it are intact.
        verify: the log laptop-b, which b.note speaks of, is not here
        verify: the kept content b3:3ae7d805f678 is not what it was: its bytes are those of b3:00
        log laptop-a  4,096 of 4,102 entries intact, signed 26 Oct
          no checkpoint that anybody else keeps was given (--witness FILE):
          whoever has the log's key could have written all of it anew
        0 kept contents intact, 0 B
        "#);
    }

    #[test]
    fn every_fault_names_its_entries() {
        let held_by = || "checkpoint 4,102".to_owned();
        let all = [
            Problem::Missing { count: 1 },
            Problem::Missing { count: 2 },
            Problem::Rewritten { last: 4_099, held_by: held_by() },
            Problem::Rewritten { last: 4_101, held_by: held_by() },
            Problem::Cut { size: 4_102, held_by: held_by() },
            Problem::Unsigned,
            Problem::Checkpoint { held_by: held_by(), what: "its signature is wrong".into() },
            Problem::Key,
        ];
        let text: Vec<String> = all.into_iter().map(|problem| sentence(&log(Vec::new()), &fault(problem))).collect();
        assert_snapshot!(text.join("\n"), @r"
        entry 4,100 of log laptop-a is missing
        entries 4,100 to 4,101 of log laptop-a are missing
        entry 4,100 of log laptop-a was altered, exchanged, put in or taken out: it does not give the root of checkpoint 4,102
        entries 4,100 to 4,102 of log laptop-a: at least one was altered, exchanged, put in or taken out: together they do not give the root of checkpoint 4,102
        entries 4,100 to 4,102 of log laptop-a are missing, though checkpoint 4,102 covers them
        entry 4,100 of log laptop-a and all that follow are covered by no checkpoint
        checkpoint 4,102 of log laptop-a does not hold at entry 4,100: its signature is wrong
        log laptop-a is signed with a key that is not the known one
        ");
    }
}
