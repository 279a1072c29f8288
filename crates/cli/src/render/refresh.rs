//! `keizu refresh`: the plan with its reasons, what happens while it runs, and what came of it.

use std::ops::Range;

use keizu_ledger::refresh::{Event, Outcome, Proposal, ProposedStep};

use super::look::{Look, count, many};
use super::path::{command, fit};
use super::status::reason;
use super::text::{Ink, Page, Text, width};
use super::words::list;

/// So many steps that differ in their arguments alone are one.
const CROWD: usize = 4;
/// Steps on one screen.
const SCREEN: usize = 20;

/// The plan. `typed`: the things as they were typed.
pub fn page(proposal: &Proposal, typed: &[String], look: &Look) -> Page {
    let mut page = Page::default();
    if proposal.steps.is_empty() {
        page.line(if proposal.unknown.is_empty() { "everything is fresh" } else { "nothing is stale" });
        unknown(proposal, look, &mut page);
        return page;
    }
    let took: u64 = proposal.steps.iter().filter_map(|step| step.took_ms).sum();
    let steps = match proposal.of {
        of if of == proposal.steps.len() => many(of as u64, "step"),
        of => format!("{} of {}", count(proposal.steps.len() as u64), many(of as u64, "step")),
    };
    page.line(Text::new(Ink::Strong, format!("would run {steps}, about {}", look.duration(took))));
    let groups = together(&proposal.steps);
    let shown = if look.exact { groups.len() } else { SCREEN };
    let digits = groups.iter().take(shown).map(|group| width(&numbers(group))).max().unwrap_or(1);
    for group in groups.iter().take(shown) {
        describe(group, digits, &proposal.steps, look, &mut page);
    }
    if groups.len() > shown {
        let more: usize = groups[shown..].iter().map(|group| group.len()).sum();
        page.line(Text::new(Ink::Faint, format!("and {} more", count(more as u64))));
    }
    unknown(proposal, look, &mut page);
    page.gap();
    if proposal.steps.iter().any(|step| step.lack.is_some()) {
        page.line("Nothing can be run while one of them can't: leave out what needs it, or mend it first.");
        return page;
    }
    page.line("A step is left out when what it reads comes out as it was.");
    let typed: String = typed.iter().map(|thing| format!(" {}", command(&[thing]))).collect();
    page.line(Text::from("Nothing was run yet. To run it: ").with(Ink::Thing, format!("keizu refresh{typed}")));
    page
}

fn unknown(proposal: &Proposal, look: &Look, page: &mut Page) {
    if !proposal.unknown.is_empty() {
        let names = list(&proposal.unknown, ", ", look.width.saturating_sub(40));
        page.line(Text::new(Ink::Warn, format!("left alone, since it can't be told whether it is stale: {names}")));
    }
}

/// Steps that follow each other and are one program on different arguments, for one reason: `1–14`.
fn together(steps: &[ProposedStep]) -> Vec<Range<usize>> {
    let alike = |a: &ProposedStep, b: &ProposedStep| {
        let same = a.command.iter().zip(&b.command).take_while(|(a, b)| a == b).count();
        same >= 2 && a.command.len() == b.command.len() && a.cwd == b.cwd && a.lack == b.lack && why(a) == why(b)
    };
    let mut groups: Vec<Range<usize>> = Vec::new();
    for at in 0..steps.len() {
        match groups.last_mut() {
            Some(last) if alike(&steps[last.start], &steps[at]) => last.end = at + 1,
            _ => groups.push(at..at + 1),
        }
    }
    // a few are told one by one
    groups.into_iter().flat_map(|group| if group.len() < CROWD { group.map(|at| at..at + 1).collect() } else { vec![group] }).collect()
}

fn numbers(group: &Range<usize>) -> String {
    if group.len() == 1 { (group.start + 1).to_string() } else { format!("{}–{}", group.start + 1, group.end) }
}

/// The command of a group: what differs from the first to the last is `…`.
fn commands(steps: &[ProposedStep]) -> String {
    let Some((first, rest)) = steps.split_first() else { return String::new() };
    let words = first.command.iter().enumerate().map(|(at, word)| {
        let same = rest.iter().all(|step| step.command.get(at) == Some(word));
        if same { command(&[word]) } else { "…".to_owned() }
    });
    words.collect::<Vec<_>>().join(" ")
}

fn describe(group: &Range<usize>, digits: usize, steps: &[ProposedStep], look: &Look, page: &mut Page) {
    let steps = &steps[group.clone()];
    let Some(step) = steps.first() else { return };
    let number = format!("{}{}  ", " ".repeat(digits.saturating_sub(width(&numbers(group)))), numbers(group));
    let number_width = width(&number);
    let millis: Vec<u64> = steps.iter().filter_map(|step| step.took_ms).collect();
    let took = if millis.is_empty() { String::new() } else { look.duration(millis.iter().sum()) };
    let place = if step.cwd == "." { String::new() } else { format!("  in {}/", step.cwd) };
    let room = look.width.saturating_sub(number_width + width(&took) + width(&place) + 2);
    let mut line = Text::new(Ink::Faint, &number).with(Ink::Plain, fit(&commands(steps), room)).with(Ink::Faint, place);
    if !look.exact {
        line.pad_to(look.width.min(72).saturating_sub(width(&took)));
    } else {
        line.push(Ink::Plain, "  ");
    }
    page.line(line.with(Ink::Faint, took));
    let indent = " ".repeat(number_width);
    let room = look.width.saturating_sub(indent.len());
    page.line(Text::from(indent.as_str()).and(fit(&why(step), room)));
    if let Some(lack) = &step.lack {
        page.line(Text::from(indent.as_str()).with(Ink::Bad, "can't be run: ").and(lack.as_str()));
    }
    let makes: Vec<&str> = steps.iter().flat_map(|step| step.makes.iter().map(String::as_str)).collect();
    if !makes.is_empty() {
        page.line(Text::from(indent).with(Ink::Faint, "→ ").with(Ink::Thing, list(&makes, ", ", room.saturating_sub(2))));
    }
}

fn why(step: &ProposedStep) -> String {
    if let Some(because) = &step.because {
        return format!("because {because} is stale");
    }
    let Some(first) = step.causes.first() else { return "because it is stale".to_owned() };
    let what = format!("{} {}", first.thing, first.what);
    let own = format!("run:{}", step.run.trim_start_matches("run:").get(..6).unwrap_or_default());
    let what = if first.thing == own { format!("the last time it {}", first.what) } else { what };
    match step.causes.len() - 1 {
        0 => what,
        more => format!("{what}, and {} more", count(more as u64)),
    }
}

/// Steps that can't be run.
pub fn lacking(proposal: &Proposal, look: &Look) -> Page {
    let mut page = Page::default();
    for step in proposal.steps.iter().filter(|step| step.lack.is_some()) {
        let words = fit(&command(&step.command), look.width.saturating_sub(24));
        page.line(format!("error: `{words}` can't be run again"));
        page.line(format!("  {}", step.lack.as_deref().unwrap_or_default()));
        if let Some(hint) = &step.hint {
            page.line(format!("  {hint}"));
        }
    }
    page.line("nothing was run");
    page
}

/// A line about what happens; none when it is not to be told.
pub fn event(proposal: &Proposal, event: &Event, several: bool, quiet: bool, look: &Look) -> Option<String> {
    let all = proposal.steps.len();
    let number = |step: &usize| format!("keizu  {}/{all}", step + 1);
    let called = |step: &usize| fit(&command(&proposal.steps[*step].command), look.width.min(100).saturating_sub(16));
    Some(match event {
        Event::Began { step } => format!("{}  {}", number(step), called(step)),
        Event::Line { .. } if quiet => return None,
        Event::Line { step, text } if several => format!("{} | {text}", step + 1),
        Event::Line { text, .. } => text.clone(),
        Event::Unchanged { step } => format!("{}  not needed: what it reads came out as it was  ({})", number(step), called(step)),
        Event::Done { step, took_ms, equal, run } => {
            let same = if *equal { ", all as it was before" } else { "" };
            let seen = if run.is_none() { "; it was not recorded" } else { "" };
            format!("{}  done in {}{same}{seen}", number(step), look.duration(*took_ms))
        }
        Event::Failed { step, how, tail, lost } => {
            let mut text = format!("{}  failed ({how}): what was there before is back in place", number(step));
            if !lost.is_empty() {
                text = format!("{}  failed ({how}); could not be put back: {}", number(step), lost.join(", "));
            }
            if quiet || several {
                for line in tail {
                    text.push_str(&format!("\n  {line}"));
                }
            }
            text
        }
        Event::Blocked { step, by } => format!("{}  not run, because {} failed  ({})", number(step), by + 1, called(step)),
    })
}

/// What came of it.
pub fn outcome(outcome: &Outcome, look: &Look) -> Page {
    let mut page = Page::default();
    let parts = [(outcome.ran, "run"), (outcome.unchanged, "not needed"), (outcome.failed, "failed"), (outcome.blocked, "not run")];
    let parts = parts.iter().filter(|(number, _)| *number > 0);
    let told: Vec<String> = parts.map(|(number, what)| format!("{} {what}", count(*number as u64))).collect();
    let told = if told.is_empty() { "nothing came to its end".to_owned() } else { format!("steps: {}", told.join(", ")) };
    page.line(if outcome.interrupted { format!("interrupted; {told}; what was half made is as it was before") } else { told });
    for row in &outcome.still {
        let text = format!("{} is still stale though its step was run again: {}", row.thing, reason(row));
        page.line(Text::new(Ink::Warn, fit(&text, look.width)));
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;
    use insta::assert_snapshot;
    use keizu_ledger::status::{CauseRow, StatusRow};

    fn step(command: &[&str], makes: &[&str], cause: Option<(&str, &str)>, because: Option<&str>, took_ms: u64) -> ProposedStep {
        ProposedStep {
            run: "run:3f2a9c00112233445566778899aabbcc".into(),
            command: command.iter().map(|word| (*word).to_owned()).collect(),
            cwd: ".".into(),
            makes: makes.iter().map(|thing| (*thing).to_owned()).collect(),
            causes: cause.map(|(thing, what)| CauseRow { thing: thing.into(), what: what.into() }).into_iter().collect(),
            because: because.map(str::to_owned),
            after: Vec::new(),
            took_ms: Some(took_ms),
            lack: None,
            hint: None,
        }
    }

    fn flights() -> Proposal {
        let steps = vec![
            step(
                &["python", "features.py"],
                &["features/holdout.parquet", "features/train.parquet"],
                Some(("daily/2013-10-01.csv", "is new")),
                None,
                12_000,
            ),
            step(&["python", "train.py", "--depth", "6"], &["model:delay"], None, Some("features/train.parquet"), 41_000),
            step(&["python", "evaluate.py"], &["eval.json"], None, Some("features/holdout.parquet"), 2_100),
        ];
        Proposal { steps, of: 368, recorded: true, ..Proposal::default() }
    }

    #[test]
    fn the_plan_and_its_reasons() {
        assert_snapshot!(page(&flights(), &[], &Look::fixed(80)).paint(false), @r"
        would run 3 of 368 steps, about 55 s
        1  python features.py                                               12 s
           daily/2013-10-01.csv is new
           → features/holdout.parquet, features/train.parquet
        2  python train.py --depth 6                                        41 s
           because features/train.parquet is stale
           → model:delay
        3  python evaluate.py                                              2.1 s
           because features/holdout.parquet is stale
           → eval.json

        A step is left out when what it reads comes out as it was.
        Nothing was run yet. To run it: keizu refresh
        ");
    }

    #[test]
    fn a_crowd_of_steps_is_one_line() {
        let mut proposal = flights();
        let day = |day: u32| format!("2013-01-{day:02}");
        let ingest = |at: u32| {
            let made = format!("daily/{}.csv", day(at));
            step(&["python", "ingest.py", "--day", &day(at)], &[&made], Some(("ingest.py", "changed")), None, 5_000)
        };
        proposal.steps.splice(..1, (1..=14).map(ingest));
        assert_snapshot!(page(&proposal, &["eval.json".into()], &Look::fixed(80)).paint(false), @r"
        would run 16 of 368 steps, about 1 min 53 s
        1–14  python ingest.py --day …                                      70 s
              ingest.py changed
              → daily/2013-01-01.csv, daily/2013-01-02.csv and 12 more
          15  python train.py --depth 6                                     41 s
              because features/train.parquet is stale
              → model:delay
          16  python evaluate.py                                           2.1 s
              because features/holdout.parquet is stale
              → eval.json

        A step is left out when what it reads comes out as it was.
        Nothing was run yet. To run it: keizu refresh eval.json
        ");
    }

    #[test]
    fn a_step_that_cannot_be_run_is_said_first() {
        let mut proposal = flights();
        proposal.steps.truncate(1);
        proposal.steps[0].causes = vec![CauseRow { thing: "run:3f2a9c".into(), what: "failed (exit 1)".into() }];
        proposal.steps[0].lack = Some("its command line held a secret, which was not recorded".into());
        proposal.steps[0].hint = Some("hand it over by an environment variable".into());
        assert_snapshot!(page(&proposal, &["model:delay".into()], &Look::fixed(80)).paint(false), @r"
        would run 1 of 368 steps, about 12 s
        1  python features.py                                               12 s
           the last time it failed (exit 1)
           can't be run: its command line held a secret, which was not recorded
           → features/holdout.parquet, features/train.parquet

        Nothing can be run while one of them can't: leave out what needs it, or mend it first.
        ");
        assert_snapshot!(lacking(&proposal, &Look::fixed(80)).paint(false), @r"
        error: `python features.py` can't be run again
          its command line held a secret, which was not recorded
          hand it over by an environment variable
        nothing was run
        ");
    }

    #[test]
    fn nothing_to_do() {
        let proposal = Proposal { recorded: true, ..Proposal::default() };
        assert_snapshot!(page(&proposal, &[], &Look::fixed(80)).paint(false), @"everything is fresh");
        let proposal = Proposal { unknown: vec!["old.csv".into()], ..proposal };
        assert_snapshot!(page(&proposal, &[], &Look::fixed(80)).paint(false), @r"
        nothing is stale
        left alone, since it can't be told whether it is stale: old.csv
        ");
    }

    #[test]
    fn what_happens_and_what_came_of_it() {
        let (proposal, look) = (flights(), Look::fixed(80));
        let events = [
            Event::Began { step: 0 },
            Event::Line { step: 0, text: "16 days".into() },
            Event::Done { step: 0, took_ms: 12_400, equal: false, run: Some("run:1".into()) },
            Event::Unchanged { step: 1 },
            Event::Failed { step: 1, how: "exit 1".into(), tail: vec!["no such column".into()], lost: Vec::new() },
            Event::Blocked { step: 2, by: 1 },
        ];
        let lines: Vec<String> = events.iter().filter_map(|told| event(&proposal, told, true, false, &look)).collect();
        assert_snapshot!(lines.join("\n"), @r"
        keizu  1/3  python features.py
        1 | 16 days
        keizu  1/3  done in 12 s
        keizu  2/3  not needed: what it reads came out as it was  (python train.py --depth 6)
        keizu  2/3  failed (exit 1): what was there before is back in place
          no such column
        keizu  3/3  not run, because 2 failed  (python evaluate.py)
        ");
        let still = StatusRow {
            thing: "stamp.txt".into(),
            state: "stale".into(),
            cause: Some(CauseRow { thing: "clock.txt".into(), what: "changed".into() }),
            path: Vec::new(),
            place: "stamp.txt".into(),
            run: "run:1".into(),
            digest: None,
            version: None,
            more: 0,
        };
        let done = Outcome { ran: 1, failed: 1, blocked: 1, still: vec![still], ..Outcome::default() };
        assert_snapshot!(outcome(&done, &look).paint(false), @r"
        steps: 1 run, 1 failed, 1 not run
        stamp.txt is still stale though its step was run again: clock.txt changed
        ");
        let done = Outcome { ran: 1, interrupted: true, ..Outcome::default() };
        assert_snapshot!(outcome(&done, &look).paint(false), @"interrupted; steps: 1 run; what was half made is as it was before");
    }
}
