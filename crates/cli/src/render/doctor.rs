//! `keizu doctor`.

use serde::Serialize;

use super::look::Look;
use super::text::{Ink, Page, Text};
use super::words;

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// As it should be.
    Ok,
    /// Something works less well, or not everything is seen.
    Limited,
    /// Runs can't be observed, or not recorded.
    No,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What.
    pub name: &'static str,
    /// How it came out.
    pub outcome: Outcome,
    /// What was found.
    pub detail: String,
    /// What to do about it; null when nothing is to be done.
    pub hint: Option<String>,
}

/// What can be observed here, and why not.
pub fn page(checks: &[Check], look: &Look) -> Page {
    let mut page = Page::default();
    let no = checks.iter().any(|check| check.outcome == Outcome::No);
    let limited = checks.iter().any(|check| check.outcome == Outcome::Limited);
    page.line(match (no, limited) {
        (true, _) => Text::new(Ink::Bad, "runs can't be observed and recorded here"),
        (_, true) => Text::new(Ink::Strong, "runs are observed here").and(", with limits"),
        _ => Text::new(Ink::Strong, "runs are observed here"),
    });
    let names = checks.iter().map(|check| check.name.len()).max().unwrap_or(0);
    for check in checks {
        let (ink, word) = match check.outcome {
            Outcome::Ok => (Ink::Plain, "ok"),
            Outcome::Limited => (Ink::Warn, "limited"),
            Outcome::No => (Ink::Bad, "no"),
        };
        let mut head = Text::new(ink, word);
        head.pad_to(9);
        head.push(Ink::Strong, check.name);
        head.pad_to(9 + names + 2);
        let indent = head.width();
        let mut lines = lines(&check.detail, look.width.saturating_sub(indent));
        if let Some(hint) = &check.hint {
            lines.extend(self::lines(hint, look.width.saturating_sub(indent)));
        }
        for line in lines {
            let rest = Text::from(" ".repeat(indent));
            page.line(std::mem::replace(&mut head, rest).and(line));
        }
    }
    page
}

fn lines(text: &str, columns: usize) -> Vec<String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    words::wrapped(&words, " ", columns.max(20), usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use insta::assert_snapshot;

    fn check(name: &'static str, outcome: Outcome, detail: &str, hint: Option<&str>) -> Check {
        Check { name, outcome, detail: detail.into(), hint: hint.map(str::to_owned) }
    }

    #[test]
    fn what_can_be_observed() {
        let mut checks = vec![
            check("system", Outcome::Ok, "linux x86_64, kernel 6.18.5", None),
            check("git", Outcome::Limited, "git was not found", Some("the code's version is not recorded without it")),
        ];
        assert_snapshot!(page(&checks, &Look::fixed(60)).paint(false), @r"
        runs are observed here, with limits
        ok       system  linux x86_64, kernel 6.18.5
        limited  git     git was not found
                         the code's version is not recorded without
                         it
        ");
        checks.push(check(
            "run folder",
            Outcome::No,
            "/mnt/x/.keizu/run does not allow programs (noexec)",
            Some("set KEIZU_STORE to a folder on another disk"),
        ));
        assert_snapshot!(page(&checks, &Look::fixed(60)).paint(false), @r"
        runs can't be observed and recorded here
        ok       system      linux x86_64, kernel 6.18.5
        limited  git         git was not found
                             the code's version is not recorded
                             without it
        no       run folder  /mnt/x/.keizu/run does not allow
                             programs (noexec)
                             set KEIZU_STORE to a folder on another
                             disk
        ");
        assert_snapshot!(page(&checks[..1], &Look::fixed(60)).paint(false), @r"
        runs are observed here
        ok       system  linux x86_64, kernel 6.18.5
        ");
    }
}
