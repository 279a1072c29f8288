//! One question: what was asked, of which record, as of when.

use jiff::ZonedDateTime;
use keizu_ledger::{AsOf, Thing, View};

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
