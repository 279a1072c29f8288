//! Variables of the environment that may change what a program computes: as they were when it ran.

use std::collections::BTreeMap;
use std::ffi::OsStr;

use keizu_record::RunId;

use super::Job;
use crate::Error;
use crate::config::Config;
use crate::documents::Environment;
use crate::rules::environment::{matters, says_where};
use crate::rules::redact::{REDACTED, Redactor};
use crate::step::Surroundings;
use crate::view::View;

/// Variables in a remark.
const NAMED_MAX: usize = 5;

/// Those of a run that were recorded.
pub fn recorded(view: &View<'_>, run: RunId) -> Result<BTreeMap<String, String>, Error> {
    Ok(of(view, &Job::of(view, run)?)?.unwrap_or_default())
}

fn of(view: &View<'_>, job: &Job) -> Result<Option<BTreeMap<String, String>>, Error> {
    let document = job.environment.map(|digest| view.document(&digest)).transpose()?.flatten();
    Ok(document.and_then(|bytes| serde_json::from_slice::<Environment>(&bytes).ok()).map(|document| document.variables))
}

/// What must be set, or taken away, for them to be as they were. Secrets and paths stay as they are here: the first were not recorded, and
/// the second say where, not what.
pub fn as_then(view: &View<'_>, job: &Job, config: &Config, here: &Surroundings) -> Result<BTreeMap<String, Option<String>>, Error> {
    let Some(then) = of(view, job)? else { return Ok(BTreeMap::new()) };
    let redactor = Redactor::new(config);
    let counts = |name: &str, value: &str| {
        let path = value.starts_with(['/', '~', '.']) || value.contains(":/");
        matters(name) && !says_where(name) && !path && !value.contains(REDACTED) && redactor.value(name, value) == value
    };
    let text = |value: &OsStr| value.to_str().map(str::to_owned);
    let now: BTreeMap<&str, String> =
        here.variables.iter().filter_map(|(name, value)| Some((name.to_str()?, text(value)?))).filter(|(name, _)| matters(name)).collect();
    let gone = now.iter().filter(|(name, value)| counts(name, value) && !then.contains_key(**name));
    let gone = gone.map(|(name, _)| ((*name).to_owned(), None));
    let other = then.iter().filter(|(name, value)| counts(name, value) && now.get(name.as_str()) != Some(*value));
    Ok(other.map(|(name, value)| (name.clone(), Some(value.clone()))).chain(gone).collect())
}

/// That in a sentence; none when they are the same here.
pub fn remark(set: &BTreeMap<String, Option<String>>, here: &Surroundings) -> Option<String> {
    let one = |(name, then): (&String, &Option<String>)| {
        let now = here.variables.get(OsStr::new(name)).map_or("not set".into(), |value| value.to_string_lossy());
        match then {
            Some(then) => format!("{name}={then} (here: {now})"),
            None => format!("{name} not set (here: {now})"),
        }
    };
    let named: Vec<String> = set.iter().take(NAMED_MAX).map(one).collect();
    let more = set.len().saturating_sub(named.len());
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    (!named.is_empty()).then(|| format!("variables were set as they were then: {}{rest}", named.join(", ")))
}
