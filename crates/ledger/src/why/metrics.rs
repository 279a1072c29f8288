//! The numbers of both evaluations, in the order in which the document has them.

use std::collections::BTreeSet;

use keizu_graph::why::{Measuring, State};
use keizu_record::Value;

use super::Metric;
use super::contents::Contents;
use crate::Error;

/// Numbers that count something and measure nothing.
const COUNTS: &str = "n rows count counts size samples sample support epoch epochs step steps iteration iterations seed version time seconds \
    duration elapsed timestamp flights total num number tp fp tn fn";

/// All numbers; those that measure before those that count.
pub(super) fn metrics(contents: &Contents<'_>, a: &State, b: &State) -> Result<Vec<Metric>, Error> {
    let (Some(is), Some(was)) = (&a.measuring, &b.measuring) else { return Ok(Vec::new()) };
    let names: BTreeSet<&String> = is.metrics.keys().chain(was.metrics.keys()).collect();
    let text = text(contents, a, is)?;
    let mut metrics: Vec<Metric> = names
        .into_iter()
        .map(|name| Metric { name: name.clone(), before: was.metrics.get(name).cloned(), after: is.metrics.get(name).cloned() })
        .collect();
    metrics.sort_by_key(|metric| {
        let both = metric.before.is_some() && metric.after.is_some();
        (!both, is_count(metric), place(&text, &metric.name), metric.name.clone())
    });
    Ok(metrics)
}

/// The documents of `a`, as they are written.
fn text(contents: &Contents<'_>, a: &State, by: &Measuring) -> Result<String, Error> {
    let project = a.making.as_ref().map(|making| making.place.project.clone()).unwrap_or_default();
    let mut all = String::new();
    for (path, digest) in &by.evaluations {
        let place = keizu_graph::Place::new(&project, path.clone());
        if let Some(digest) = digest {
            all.push_str(&contents.text(digest, &place)?.unwrap_or_default());
        }
    }
    Ok(all)
}

/// Where a name stands in a document: its last part, as a word.
pub(crate) fn place(text: &str, name: &str) -> usize {
    let last = name.rsplit(['.', ':']).next().unwrap_or(name);
    let quoted = text.find(&format!("\"{last}\""));
    quoted.or_else(|| text.find(last)).unwrap_or(usize::MAX)
}

fn is_count(metric: &Metric) -> bool {
    let float = |value: &Option<Value>| matches!(value, Some(Value::Float(_)));
    counts(&metric.name) || !(float(&metric.after) || float(&metric.before))
}

/// Whether a number counts something, by its name.
pub(crate) fn counts(name: &str) -> bool {
    let last = name.rsplit(['.', ':']).next().unwrap_or(name).to_ascii_lowercase();
    last.split('_').any(|word| COUNTS.split_ascii_whitespace().any(|count| count == word))
}
