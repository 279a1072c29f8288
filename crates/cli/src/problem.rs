//! What went wrong, as people are told: what happened, why, and what to do next.

use std::fmt::Write as _;
use std::process::ExitCode;

use keizu_ledger::Error;

use crate::out;

/// How the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Fine.
    Fine,
    /// The answer is no.
    No,
    /// Wrong use, or an unknown thing.
    Wrong,
    /// Keizu failed.
    Failed,
    /// As the program that was to be run would have ended.
    Job(u8),
}

impl Exit {
    /// The number that the shell sees.
    pub fn code(self) -> ExitCode {
        ExitCode::from(match self {
            Self::Fine => 0,
            Self::No => 1,
            Self::Wrong => 2,
            Self::Failed => 3,
            Self::Job(code) => code,
        })
    }
}

/// As a shell says that a program was ended by Ctrl-C.
const INTERRUPTED: u8 = 130;

/// Something that went wrong.
#[derive(Debug)]
pub struct Problem {
    exit: Exit,
    message: String,
    notes: Vec<String>,
}

impl Problem {
    /// Wrong use, or an unknown thing.
    pub fn wrong(message: impl Into<String>) -> Self {
        Self { exit: Exit::Wrong, message: message.into(), notes: Vec::new() }
    }

    /// Keizu failed.
    pub fn failed(message: impl Into<String>) -> Self {
        Self { exit: Exit::Failed, message: message.into(), notes: Vec::new() }
    }

    /// With a line that says why, or what to do next.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// How the program is to end.
    pub const fn exit(&self) -> Exit {
        self.exit
    }

    /// The first line, without `error:`.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The lines below it.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Everything, as it is printed.
    pub fn text(&self) -> String {
        let mut text = format!("error: {}\n", self.message);
        for note in &self.notes {
            let _ = writeln!(text, "  {note}");
        }
        text
    }

    /// Says it on stderr.
    pub fn print(&self) {
        out::problem(&self.text());
    }
}

fn nearest(found: &[String]) -> Option<String> {
    (!found.is_empty()).then(|| format!("nearest: {}", found.join(", ")))
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::NoRecord(folder) => Self::wrong(format!("there is no record in {} or in a folder above it", folder.display()))
                .note("the first `keizu run -- COMMAND` makes one; so does `keizu init`"),
            Error::Unknown { what, nearest: found } => {
                let problem = Self::wrong(what);
                match nearest(&found) {
                    Some(line) => problem.note(line),
                    None => problem.note("`keizu log` lists what ran, `keizu name` the models and datasets"),
                }
            }
            Error::Ambiguous { typed, candidates } => {
                let problem = Self::wrong(format!("{typed} is ambiguous"));
                candidates.iter().fold(problem, |problem, candidate| problem.note(format!("it may mean {candidate}")))
            }
            Error::NotKept(what) => Self { exit: Exit::No, ..Self::failed(format!("the content of {what} was not kept")) }
                .note("the record knows its digest and where it was, not its bytes")
                .note("to keep such files from the next run on, say so under [keep] in keizu.toml"),
            Error::Unfit(what) => Self::wrong(what),
            Error::Interrupted => Self { exit: Exit::Job(INTERRUPTED), ..Self::failed("interrupted; nothing was left behind") },
            Error::AsOf(error @ keizu_ledger::as_of::Error::Form(_)) => {
                let forms = keizu_ledger::as_of::FORMS.iter().map(|(form, meaning)| format!("{form:<17}  {meaning}"));
                forms.fold(Self::wrong(error.to_string()), Problem::note)
            }
            Error::AsOf(error) => Self::wrong(error.to_string()),
            Error::Config(error) => {
                let problem = Self::wrong(error.to_string());
                match error.nearest() {
                    Some(key) => problem.note(format!("nearest: `{key}`")),
                    None => problem,
                }
            }
            Error::Store(error) => {
                let hint = error.hint();
                let problem = chain(&error);
                match hint {
                    Some(hint) => problem.note(hint),
                    None => problem,
                }
            }
            other => chain(&other),
        }
    }
}

/// An error of Keizu's own, with its causes.
fn chain(error: &dyn std::error::Error) -> Problem {
    let mut problem = Problem::failed(error.to_string());
    let mut source = error.source();
    while let Some(cause) = source {
        if !problem.message.contains(&cause.to_string()) {
            problem = problem.note(format!("because {cause}"));
        }
        source = cause.source();
    }
    problem
}

impl From<std::io::Error> for Problem {
    fn from(error: std::io::Error) -> Self {
        chain(&error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_thing_names_the_nearest() {
        let problem: Problem =
            Error::Unknown { what: "no model is called \"dealy\"".into(), nearest: vec!["model:delay (3 versions)".into()] }.into();
        assert_eq!(problem.text(), "error: no model is called \"dealy\"\n  nearest: model:delay (3 versions)\n");
        assert_eq!(problem.exit(), Exit::Wrong);
    }

    #[test]
    fn what_was_not_kept_is_a_no_and_says_how_to_keep_it() {
        let problem: Problem = Error::NotKept("daily/2013-01-01.csv".into()).into();
        assert_eq!(problem.exit(), Exit::No);
        assert!(problem.text().contains("[keep] in keizu.toml"));
    }

    #[test]
    fn what_is_no_moment_is_told_how_moments_are_written() {
        let problem: Problem = Error::AsOf(keizu_ledger::as_of::Error::Form("soon".into())).into();
        assert_eq!(problem.exit(), Exit::Wrong);
        insta::assert_snapshot!(problem.text(), @r#"
        error: "soon" is no moment that Keizu understands
          2026-05-03T14:03   a time, here; with +09:00 or Z elsewhere
          2026-05-03         the end of that day; also yesterday
          3 days ago         also 2 hours ago, 1 week ago
          run:3f2a9c         just after that run ended
          recorded:TIME      what the record said then, instead of what had happened
          412                when the record had 412 entries
        "#);
    }

    #[test]
    fn a_failure_of_keizu_is_three() {
        let problem: Problem = std::io::Error::other("disk on fire").into();
        assert_eq!((problem.exit(), problem.text().as_str()), (Exit::Failed, "error: disk on fire\n"));
    }
}
