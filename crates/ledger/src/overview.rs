//! What there is, at a glance: each model with what is known of its newest version, and what needs a look.

use std::collections::BTreeSet;

use jiff::ZonedDateTime;
use keizu_record::body::Named;
use keizu_record::{Name, NodeId};
use serde::Serialize;

use crate::answer;
use crate::data_time::Grade;
use crate::measured::number;
use crate::thing::Thing;
use crate::{Error, Ledger, View};

/// Versions whose metric is drawn.
const SPARK: usize = 12;
/// Newest runs among which failures are looked for.
const RUNS: usize = 100;

/// The answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Overview {
    /// Models that were asked for.
    pub models: Vec<ModelRow>,
    /// What needs a look, the worst first.
    pub look: Vec<LookRow>,
}

/// One model.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ModelRow {
    /// `model:delay@v3`.
    pub thing: String,
    /// `delay`.
    pub name: String,
    /// Of the newest version.
    pub version: Option<u64>,
    /// Aliases of the newest version.
    pub aliases: Vec<String>,
    /// All aliases, with the version that each points at.
    pub all_aliases: std::collections::BTreeMap<String, u64>,
    /// When the newest version was made: RFC 3339.
    pub at: Option<String>,
    /// The run that made it.
    pub run: Option<String>,
    /// How its data stand to the goal; null when there is none.
    pub freshness: Option<FreshnessRow>,
    /// The number that measures it; null when nothing did.
    pub metric: Option<MetricRow>,
    /// The same number of the last versions, the oldest first.
    pub spark: Vec<f64>,
    /// What changed when it was made.
    pub changed: Option<ChangedRow>,
    /// Who is responsible for it.
    pub owner: Option<String>,
}

/// How far a model's data reach.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FreshnessRow {
    /// fresh, due, late or unknown.
    pub state: &'static str,
    /// How far they reach.
    pub until: Option<String>,
    /// The file that reaches least far.
    pub cause: Option<String>,
    /// The goal, as it is written.
    pub goal: String,
}

/// A number.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MetricRow {
    /// As the evaluation calls it.
    pub name: String,
    /// Of the newest version.
    pub value: f64,
    /// Of the version before it.
    pub before: Option<f64>,
}

/// What changed, and by whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChangedRow {
    /// `params`, `data`, `code`, `config`, `environment`, …
    pub kinds: Vec<String>,
    /// When: RFC 3339.
    pub at: String,
    /// Who ran it.
    pub by: String,
}

/// One thing that needs a look.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LookRow {
    /// Which.
    pub thing: String,
    /// `late`, `failed`, `killed`, `lost`, `due`, `unknown_time`.
    pub code: &'static str,
    /// What there is to say with it.
    pub args: Vec<serde_json::Value>,
}

impl View<'_> {
    /// Names of all models.
    ///
    /// # Errors
    /// When the store fails.
    pub fn models(&self) -> Result<Vec<String>, Error> {
        Ok(self.all_names()?.into_iter().filter_map(|name| if let Name::Model(name) = name { Some(name) } else { None }).collect())
    }
}

impl Ledger {
    /// Models by their names, and at most `looks` things that need a look.
    ///
    /// # Errors
    /// When the store fails.
    pub fn overview(&self, models: &[String], now: &ZonedDateTime, looks: usize) -> Result<Overview, Error> {
        let mut look: Vec<(u8, LookRow)> = Vec::new();
        let mut rows = Vec::new();
        for model in models {
            if let Some(row) = self.model_row(model, now)? {
                look.extend(of_model(&row));
                rows.push(row);
            }
        }
        look.extend(self.failures()?);
        look.sort_by_key(|(rank, _)| *rank);
        Ok(Overview { models: rows, look: look.into_iter().take(looks).map(|(_, row)| row).collect() })
    }

    fn model_row(&self, model: &str, now: &ZonedDateTime) -> Result<Option<ModelRow>, Error> {
        let (view, name) = (self.view(), Name::Model(model.to_owned()));
        let versions = view.versions(&name)?;
        let Some(newest) = versions.last() else { return Ok(None) };
        let thing = Thing::Version(Box::new(newest.clone()));
        let all_aliases = view.aliases(&name)?;
        let freshness = view.freshness(&thing, self.config(), now)?.map(|fresh| FreshnessRow {
            state: fresh.grade.word(),
            until: fresh.data_time.as_ref().map(|time| time.time.clone()),
            cause: fresh.data_time.as_ref().map(|time| time.from.clone()),
            goal: fresh.goal,
        });
        let (metric, spark) = measured(&view, &versions[versions.len().saturating_sub(SPARK)..])?;
        let changed = match newest.run {
            Some(run) => view.changes(run)?.map(|changes| {
                let params = (!changes.params.is_empty()).then(|| "params".to_owned());
                let kinds: BTreeSet<String> = changes.paths.into_iter().map(|(kind, ..)| kind).chain(params).collect();
                kinds
            }),
            None => None,
        };
        let by = match newest.run {
            Some(run) => view.run(run, false)?.user,
            None => String::new(),
        };
        Ok(Some(ModelRow {
            thing: crate::view::spoken(newest),
            name: model.to_owned(),
            version: newest.version,
            aliases: all_aliases.iter().filter(|(_, version)| Some(**version) == newest.version).map(|(alias, _)| alias.clone()).collect(),
            all_aliases,
            at: Some(answer::rfc3339(newest.at)),
            run: newest.run.map(|run| run.to_string()),
            freshness,
            metric,
            spark,
            changed: changed.map(|kinds| ChangedRow { kinds: kinds.into_iter().collect(), at: answer::rfc3339(newest.at), by }),
            owner: view.owner(&NodeId::from(name))?,
        }))
    }

    /// Commands whose last run did not end well.
    fn failures(&self) -> Result<Vec<(u8, LookRow)>, Error> {
        let (mut seen, mut found) = (BTreeSet::new(), Vec::new());
        for run in self.view().runs(Some(RUNS))? {
            if !seen.insert(run.command.clone()) {
                continue;
            }
            let (code, arg) = match run.status.as_str() {
                "failed" => ("failed", run.exit_code),
                "killed" => ("killed", run.signal),
                "lost" => ("lost", None),
                _ => continue,
            };
            found.push((1, LookRow { thing: run.id, code, args: vec![arg.into(), run.command.join(" ").into(), run.started_at.into()] }));
        }
        Ok(found)
    }
}

/// The number of the newest of these versions with the one before, and of all of them; the oldest version is the first.
fn measured(view: &View<'_>, versions: &[Named]) -> Result<(Option<MetricRow>, Vec<f64>), Error> {
    let measured = view.measured(versions)?;
    let Some((newest, earlier)) = measured.split_last() else { return Ok((None, Vec::new())) };
    let Some(name) = view.measures(newest.as_ref())?.into_iter().next() else { return Ok((None, Vec::new())) };
    let Some(value) = number(newest.as_ref(), &name) else { return Ok((None, Vec::new())) };
    let before = earlier.last().and_then(|before| number(before.as_ref(), &name));
    let spark = measured.iter().filter_map(|of| number(of.as_ref(), &name)).collect();
    Ok((Some(MetricRow { name, value, before }), spark))
}

/// What of a model needs a look.
fn of_model(row: &ModelRow) -> Option<(u8, LookRow)> {
    let fresh = row.freshness.as_ref()?;
    let (rank, code) = match fresh.state {
        state if state == Grade::Late.word() => (0, "late"),
        state if state == Grade::Due.word() => (2, "due"),
        state if state == Grade::Unknown.word() => (3, "unknown_time"),
        _ => return None,
    };
    let args = vec![fresh.until.clone().into(), fresh.goal.clone().into(), fresh.cause.clone().into()];
    Some((rank, LookRow { thing: row.thing.clone(), code, args }))
}
