//! One question: what was asked, of which record, as of when.

use jiff::ZonedDateTime;
use keizu_ledger::{AsOf, Thing, View};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::fault::Fault;
use crate::pool::Lent;
use crate::query::Query;
use crate::state::State;
use crate::tail::Standing;

/// A question, on the thread that answers it.
pub(crate) struct Ask<'a> {
    pub state: &'a State,
    pub ledger: Lent<'a>,
    /// What stands in the address in place of `{…}`, in order.
    pub path: Vec<String>,
    pub query: Query,
    /// The record when the question came.
    pub standing: Standing,
    pub now: ZonedDateTime,
}

impl Ask<'_> {
    /// Answers as of the moment that was asked for.
    pub fn view(&self) -> View<'_> {
        self.ledger.view()
    }

    /// Looks back, when the question is about the past.
    pub fn look_back(&mut self) -> Result<(), Fault> {
        self.ledger.back_to_now();
        let moment = match (self.query.get("as_of"), self.query.get("known")) {
            (None, None) => return Ok(()),
            (Some(_), Some(_)) => return Err(Fault::wrong("as_of", "as_of and known are two clocks: ask by one of them")),
            (Some(moment), None) => moment.to_owned(),
            (None, Some(known)) if known.bytes().all(|byte| byte.is_ascii_digit()) => known.to_owned(),
            (None, Some(known)) => format!("recorded:{known}"),
        };
        self.ledger.look_back(&moment, &self.now).map(|_| ()).map_err(Fault::from)
    }

    /// The moment that was asked for.
    pub fn as_of(&self) -> Option<AsOf> {
        self.ledger.as_of()
    }

    /// Looks a thing up that was written as on the command line.
    pub fn thing(&self, text: &str) -> Result<Thing, Fault> {
        let view = self.view();
        let error = match view.resolve(text, self.ledger.home().root()) {
            Ok(thing) => return Ok(thing),
            Err(error) => error,
        };
        // digests and runs are shown without their prefix where it is clear what they are
        if text.len() >= 6 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) && matches!(error, keizu_ledger::Error::Unknown { .. }) {
            let found: Vec<Thing> = ["b3:", "run:"]
                .iter()
                .filter_map(|prefix| view.resolve(&format!("{prefix}{text}"), self.ledger.home().root()).ok())
                .collect();
            if let [thing] = found.as_slice() {
                return Ok(thing.clone());
            }
        }
        Err(error.into())
    }
}

/// How a thing is written in an address: for one version, with its number.
pub(crate) fn spelled(thing: &Thing) -> String {
    match thing {
        Thing::Run(run) => run.to_string(),
        Thing::Artifact(digest) => digest.to_string(),
        Thing::Place { path, .. } => path.to_string(),
        Thing::Version(named) => {
            let name = keizu_record::NodeId::from(named.name.clone()).to_string();
            named.version.map_or(name.clone(), |version| format!("{name}@v{version}"))
        }
        Thing::Party(name) => format!("party:{name}"),
    }
}

/// What stands in an address as it is.
const PLAIN: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'/').remove(b':').remove(b'@').remove(b',').remove(b'+');
/// Pages of a thing: a file with one of these names has its page written out.
const TABS: [&str; 4] = ["tree", "facts", "versions", "record"];

/// Where the page of a thing is, below the server's address: `model:delay`, `path/data/flights.csv`. A name that was typed without a version keeps
/// leading to its newest one.
pub fn page(thing: &Thing, typed: &str) -> String {
    let text = match thing {
        Thing::Version(_) => typed.to_owned(),
        Thing::Place { .. } => format!("path/{}", spelled(thing)),
        _ => spelled(thing),
    };
    let tab = matches!(thing, Thing::Place { .. }) && text.rsplit('/').next().is_some_and(|last| TABS.contains(&last));
    format!("{}{}", utf8_percent_encode(&text, PLAIN), if tab { "/facts" } else { "" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use keizu_record::FilePath;

    #[test]
    fn the_page_of_a_thing_is_written_as_the_thing() {
        let file = |path: &str| Thing::Place { project: "p".to_owned(), path: FilePath::from(path) };
        let digest = keizu_record::Digest::of(b"x");
        assert_eq!(page(&file("data/a b#1?.csv"), "a b#1?.csv"), "path/data/a%20b%231%3F.csv");
        assert_eq!(page(&file("notes/tree"), "tree"), "path/notes/tree/facts");
        assert_eq!(page(&Thing::Artifact(digest), "b3:0"), digest.to_string());
        assert_eq!(page(&Thing::Party("the lab".to_owned()), "party:the lab"), "party:the%20lab");
    }
}
