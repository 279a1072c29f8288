//! Differences between what two runs ran in. Packages that were really loaded come before those that were merely installed.

use std::collections::{BTreeMap, BTreeSet};

use keizu_graph::why::Pair;
use keizu_record::FilePath;

use super::draft::Draft;
use super::facts::RunFacts;
use super::{CauseKind, Effect, Swap};
use crate::documents::Environment;
use crate::rules::environment::{differing, says_where};
use crate::said::{Sentence, said, sides};
use crate::{Error, View};

/// Loaded files that are named one by one.
const FILES_MAX: usize = 6;
/// Packages that were not loaded: so many are named.
const IDLE_NAMED_MAX: usize = 4;
/// How what is said of them begins.
const IDLE: &str = "installed but not loaded: ";

/// Facts of the machine that are hardware.
const HARDWARE: &[&str] = &["cpu", "cpus", "cpus_usable", "memory_mib", "gpu", "gpus", "gpu_driver"];
/// What was compared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Compared {
    pub environment: bool,
    pub hardware: bool,
}

/// Causes in the environments of two runs.
pub(super) fn compare(view: &View<'_>, pair: &Pair, a: &RunFacts, b: &RunFacts) -> Result<(Vec<Draft>, Compared), Error> {
    let (Some(is), Some(was)) = (&a.environment, &b.environment) else { return Ok((Vec::new(), Compared::default())) };
    let mut found = documents(pair, was, is, &(&a.loaded | &b.loaded));
    let hardware = HARDWARE.iter().any(|key| was.machine.contains_key(*key) && is.machine.contains_key(*key));
    if a.files != b.files
        && let (Some(files_a), Some(files_b)) = (a.manifest(view)?, b.manifest(view)?)
    {
        let paths: Vec<&FilePath> = differing(&files_a, &files_b);
        found.extend(files(pair, &paths, was, is));
    }
    Ok((found, Compared { environment: true, hardware }))
}

/// Every key of either side whose value differs: name, before, after.
fn changed<'m>(was: &'m BTreeMap<String, String>, is: &'m BTreeMap<String, String>) -> Vec<(&'m str, Option<&'m str>, Option<&'m str>)> {
    let keys: BTreeSet<&String> = was.keys().chain(is.keys()).collect();
    let sides = keys.into_iter().map(|key| (key.as_str(), was.get(key).map(String::as_str), is.get(key).map(String::as_str)));
    sides.filter(|(_, was, is)| was != is).collect()
}

fn draft(
    pair: &Pair,
    kind: CauseKind,
    effect: Effect,
    (name, was, is): (&str, Option<&str>, Option<&str>),
    note: Option<Sentence>,
    swap: Swap,
) -> Draft {
    let detail = Sentence::all(" ", [sides(was, is)].into_iter().chain(note));
    let mut draft = Draft::new(pair.group.into(), kind, effect, name, detail).at(pair);
    draft.cause.before = was.map(str::to_owned);
    draft.cause.after = is.map(str::to_owned);
    draft.cause.swaps = vec![swap];
    draft
}

/// Differences between two documents.
fn documents(pair: &Pair, was: &Environment, is: &Environment, loaded: &BTreeSet<String>) -> Vec<Draft> {
    let environment = || Swap::Environment { a: pair.a, b: pair.b };
    let mut found = Vec::new();
    if was.python != is.python {
        let sides = ("Python", was.python.as_deref(), is.python.as_deref());
        found.push(draft(pair, CauseKind::Environment, Effect::Likely, sides, None, environment()));
    } else if was.interpreter != is.interpreter {
        let sides = ("interpreter", was.interpreter.as_deref(), is.interpreter.as_deref());
        let note = said!("same_version", "of the same version");
        found.push(draft(pair, CauseKind::Environment, Effect::Unlikely, sides, Some(note), environment()));
    }
    let packages = changed(&was.packages, &is.packages);
    let (used, idle): (Vec<_>, Vec<_>) = packages.into_iter().partition(|(name, ..)| loaded.contains(*name));
    for sides in used {
        found.push(draft(pair, CauseKind::Environment, Effect::Likely, sides, None, environment()));
    }
    if !idle.is_empty() {
        found.push(idle_packages(pair, &idle));
    }
    for sides in changed(&was.machine, &is.machine) {
        let hardware = HARDWARE.contains(&sides.0);
        let kind = if hardware { CauseKind::Hardware } else { CauseKind::Environment };
        let effect = if says_where(sides.0) { Effect::Unlikely } else { Effect::Likely };
        let mut draft = draft(pair, kind, effect, sides, None, environment());
        draft.size = 0.1;
        // nobody can swap a processor
        if hardware {
            draft.cause.swaps.clear();
        }
        found.push(draft);
    }
    for sides in changed(&was.variables, &is.variables) {
        let seed = super::code::is_seed(sides.0);
        let kind = if seed { CauseKind::Seed } else { CauseKind::Environment };
        let effect = if says_where(sides.0) { Effect::Unlikely } else { Effect::Likely };
        let swap = Swap::Variables { a: pair.a, b: pair.b, names: vec![sides.0.to_owned()] };
        let mut draft = draft(pair, kind, effect, sides, Some(said!("variable", "(environment variable)")), swap);
        draft.size = if seed { 1.0 } else { 0.5 };
        found.push(draft);
    }
    found
}

fn idle_packages(pair: &Pair, idle: &[(&str, Option<&str>, Option<&str>)]) -> Draft {
    let said =
        |(name, was, is): &(&str, Option<&str>, Option<&str>)| format!("{name} {} → {}", was.unwrap_or("(none)"), is.unwrap_or("(none)"));
    let subject = match idle {
        [(name, ..)] => (*name).to_owned(),
        many => format!("{} packages", many.len()),
    };
    let named: Vec<String> = idle.iter().take(IDLE_NAMED_MAX).map(said).collect();
    let more = if idle.len() > IDLE_NAMED_MAX { ", …" } else { "" };
    let named = format!("{}{more}", named.join(", "));
    let detail = Sentence::new("idle", vec![named.clone()], format!("{IDLE}{named}"));
    let mut draft = Draft::new(pair.group.into(), CauseKind::Environment, Effect::Unlikely, subject, detail).at(pair);
    draft.cause.evidence = idle.iter().map(|of| said(of).into()).collect();
    draft.cause.swaps = vec![Swap::Environment { a: pair.a, b: pair.b }];
    draft
}

/// A package that one step loads is no idle one, though other steps do not load it.
pub(super) fn forget_idle(drafts: &mut Vec<Draft>) {
    let loaded: BTreeSet<String> = drafts
        .iter()
        .filter(|draft| draft.cause.kind == CauseKind::Environment && draft.cause.effect == Effect::Likely)
        .map(|draft| draft.cause.subject.clone())
        .collect();
    let idle = |line: &Sentence| line.split(' ').next().is_some_and(|name| loaded.contains(name));
    drafts.retain(|draft| {
        let of_idle = draft.cause.detail.starts_with(IDLE);
        !(of_idle && draft.cause.evidence.iter().all(idle))
    });
}

/// Loaded files that differ though their package has the same version on both sides: somebody changed them in place, or the system did.
fn files(pair: &Pair, paths: &[&FilePath], was: &Environment, is: &Environment) -> Vec<Draft> {
    let told: BTreeSet<&str> = changed(&was.packages, &is.packages).into_iter().map(|(name, ..)| name).collect();
    let python = was.python != is.python;
    let open: Vec<&&FilePath> = paths
        .iter()
        .filter(|path| {
            let package = package(path);
            let explained = package.is_some_and(|package| told.contains(package.as_str())) || python;
            !explained && path.extension() != "pyc" && is_code(path)
        })
        .collect();
    if open.is_empty() {
        return Vec::new();
    }
    let subject = match open.as_slice() {
        [path] => format!("/{path}"),
        many => format!("{} loaded files", many.len()),
    };
    let detail = said!("changed_unversioned", "changed, though no version did");
    let mut draft = Draft::new(pair.group.into(), CauseKind::Environment, Effect::Likely, subject, detail).at(pair);
    draft.cause.evidence = open.iter().take(FILES_MAX).map(|path| format!("/{path}").into()).collect();
    draft.size = 0.8;
    vec![draft]
}

/// Libraries and sources: what caches and settings of the system hold is rebuilt all the time.
fn is_code(path: &FilePath) -> bool {
    let name = String::from_utf8_lossy(path.file_name()).into_owned();
    matches!(path.extension().as_str(), "py" | "so" | "r" | "jar" | "jl" | "pm" | "rb" | "js") || name.contains(".so.")
}

/// The distribution that a path tells, as packages are written.
fn package(path: &FilePath) -> Option<String> {
    let text = path.to_string();
    let inside = ["/site-packages/", "/dist-packages/"].iter().find_map(|folder| Some(text.rsplit_once(folder)?.1.to_owned()))?;
    let first = inside.split('/').next()?;
    let stem = first.strip_suffix(".libs").unwrap_or(first).split('.').next()?;
    Some(stem.to_ascii_lowercase().replace('_', "-"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use keizu_graph::why::Group;
    use keizu_record::RunId;

    fn pair() -> Pair {
        Pair {
            group: Group::Model,
            a: RunId::new([1; 16]),
            b: RunId::new([2; 16]),
            via: Vec::new(),
            alike: true,
            data_only: false,
            followed: false,
            output: None,
        }
    }

    fn with(change: &dyn Fn(&mut Environment)) -> Vec<String> {
        let map = |pairs: &[(&str, &str)]| pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let was = Environment {
            python: Some("3.11.7".into()),
            interpreter: Some("/usr/bin/python3".into()),
            packages: map(&[("numpy", "1.0"), ("scipy", "1.0")]),
            machine: map(&[("cpu", "A"), ("kernel", "Linux 6"), ("os", "Debian 12")]),
            variables: map(&[("OMP_NUM_THREADS", "1")]),
        };
        let mut is = was.clone();
        change(&mut is);
        let loaded = ["numpy".to_owned()].into();
        let found = documents(&pair(), &was, &is, &loaded);
        found
            .iter()
            .map(|draft| {
                format!("{} {} {}: {}", draft.cause.effect.word(), draft.cause.kind.word(), draft.cause.subject, draft.cause.detail)
            })
            .collect()
    }

    #[test]
    fn loaded_packages_count_and_idle_ones_hardly() {
        assert_eq!(with(&|is| drop(is.packages.insert("numpy".into(), "2.0".into()))), ["likely environment numpy: 1.0 → 2.0"]);
        assert_eq!(
            with(&|is| drop(is.packages.insert("scipy".into(), "2.0".into()))),
            ["unlikely environment scipy: installed but not loaded: scipy 1.0 → 2.0"]
        );
    }

    #[test]
    fn machine_and_variables() {
        assert_eq!(with(&|is| drop(is.machine.insert("cpu".into(), "B".into()))), ["likely hardware cpu: A → B"]);
        assert_eq!(
            with(&|is| drop(is.machine.insert("kernel".into(), "Linux 7".into()))),
            ["unlikely environment kernel: Linux 6 → Linux 7"]
        );
        assert_eq!(
            with(&|is| drop(is.variables.insert("PYTHONHASHSEED".into(), "0".into()))),
            ["likely seed PYTHONHASHSEED: 0 is new (environment variable)"]
        );
        assert!(with(&|_| ()).is_empty());
    }
}
