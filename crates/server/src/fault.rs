//! What went wrong, as the asker is told: what, why, and the nearest that there is.

use hyper::StatusCode;
use keizu_ledger::{Error, as_of};
use serde_json::{Value, json};

/// An answer that is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    pub status: StatusCode,
    /// A word that programs can tell apart.
    pub code: &'static str,
    /// A sentence.
    pub message: String,
    /// What may have been meant, as it can be typed.
    pub nearest: Vec<String>,
    /// For the log alone.
    pub detail: Option<String>,
}

impl Fault {
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), nearest: Vec::new(), detail: None }
    }

    /// The question makes no sense.
    pub fn wrong(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    /// There is no such thing.
    pub fn missing(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "unknown", message)
    }

    /// The address takes other methods.
    pub fn method(message: impl Into<String>, allowed: Vec<String>) -> Self {
        Self { nearest: allowed, ..Self::new(StatusCode::METHOD_NOT_ALLOWED, "method", message) }
    }

    /// Keizu failed: why is for the log.
    pub fn failed(detail: impl Into<String>) -> Self {
        let message = "Keizu failed to answer; the server's log says why";
        Self { detail: Some(detail.into()), ..Self::new(StatusCode::INTERNAL_SERVER_ERROR, "failed", message) }
    }

    /// The record can't be read now.
    pub fn no_record(detail: impl Into<String>) -> Self {
        let message = "the record is not there now; it is looked for again and again";
        Self { detail: Some(detail.into()), ..Self::new(StatusCode::SERVICE_UNAVAILABLE, "no_record", message) }
    }

    /// Too much at once.
    pub fn busy() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", "too much is being asked at once; ask again in a moment")
    }

    pub fn json(&self) -> Value {
        json!({"error": {"code": self.code, "message": self.message, "nearest": self.nearest}})
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        match error {
            Error::Unknown { what, nearest } => Self { nearest: nearest.iter().map(|text| typed(text)).collect(), ..Self::missing(what) },
            Error::Ambiguous { typed, candidates } => {
                Self { nearest: candidates, ..Self::new(StatusCode::NOT_FOUND, "ambiguous", format!("{typed} is ambiguous")) }
            }
            Error::NotKept(what) => Self::new(StatusCode::NOT_FOUND, "not_kept", format!("the content of {what} was not kept")),
            Error::Unfit(what) => Self::wrong("unfit", what),
            Error::AsOf(error @ as_of::Error::Form(_)) => {
                let forms = as_of::FORMS.iter().map(|(form, _)| (*form).to_owned()).collect();
                Self { nearest: forms, ..Self::wrong("as_of", error.to_string()) }
            }
            Error::AsOf(error) => Self::wrong("as_of", error.to_string()),
            Error::NoRecord(folder) => Self::no_record(format!("no record in {}", folder.display())),
            Error::Config(error) => Self {
                detail: Some(error.to_string()),
                ..Self::new(StatusCode::SERVICE_UNAVAILABLE, "config", "keizu.toml can't be read; the server's log says why")
            },
            Error::Store(error) => store(&error),
            other => Self::failed(chain(&other)),
        }
    }
}

/// Without what stands behind the name: `model:delay (3 versions)` is typed `model:delay`.
fn typed(text: &str) -> String {
    text.strip_suffix(')').and_then(|text| text.rsplit_once(" (")).map_or(text, |(name, _)| name).to_owned()
}

fn store(error: &keizu_ledger::StoreError) -> Fault {
    use keizu_ledger::StoreError as E;
    match error {
        E::Missing { .. } | E::Gone { .. } => Fault::no_record(chain(error)),
        E::Busy { .. } => Fault { detail: Some(chain(error)), ..Fault::busy() },
        E::Damaged { origin, index, .. } => Fault {
            detail: Some(chain(error)),
            ..Fault::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "damaged",
                format!("entry {} of log {origin} is damaged; `keizu verify` tells what is intact", index + 1),
            )
        },
        other => Fault::failed(chain(other)),
    }
}

/// An error with its causes.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_thing_names_the_nearest_as_it_is_typed() {
        let error = Error::Unknown { what: "no model is called \"dealy\"".into(), nearest: vec!["model:delay (3 versions)".into()] };
        let fault = Fault::from(error);
        assert_eq!((fault.status, fault.nearest), (StatusCode::NOT_FOUND, vec!["model:delay".to_owned()]));
    }

    #[test]
    fn a_failure_tells_the_asker_no_path_of_the_machine() {
        let fault = Fault::from(Error::Io(std::io::Error::other("/home/aki/.keizu/objects: on fire")));
        assert_eq!(fault.status, StatusCode::INTERNAL_SERVER_ERROR);
        assert!(!fault.json().to_string().contains("/home"));
        assert!(fault.detail.unwrap().contains("on fire"));
    }
}
