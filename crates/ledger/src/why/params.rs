//! Differences in what two runs were told: parameters, words of the command line.

use std::collections::BTreeSet;

use keizu_graph::why::Pair;
use keizu_record::{Authority, FilePath, Value};

use super::draft::Draft;
use super::facts::{Param, RunFacts};
use super::{CauseKind, Effect, Swap};
use crate::answer;
use crate::rules::{arguments, params};
use crate::said::{said, sides};

/// The rule for a difference between command lines that is no parameter's.
const WORDS: &str = "words of the command line";

/// A value as people write it.
pub(super) fn plain(value: &Value) -> String {
    match answer::json(value) {
        serde_json::Value::String(text) => text,
        serde_json::Value::Array(items) => {
            let texts = items.iter().map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned));
            texts.collect::<Vec<_>>().join(" ")
        }
        other => other.to_string(),
    }
}

/// Causes in the command lines of two runs, and in what was declared. Settings that were read are compared as files. The second value says
/// whether there was anything to compare.
pub(super) fn compare(pair: &Pair, a: &RunFacts, b: &RunFacts) -> (Vec<Draft>, bool) {
    let mut found = Vec::new();
    let keys: BTreeSet<&String> = a.params.keys().chain(b.params.keys()).collect();
    let mut compared = false;
    let mut explained: BTreeSet<String> = BTreeSet::new();
    for key in keys {
        let (was, is) = (b.params.get(key), a.params.get(key));
        let Some(said) = is.or(was) else { continue };
        if said.rule.as_deref() == Some(params::CONFIG) {
            continue;
        }
        compared = true;
        if was.map(|param| &param.value) == is.map(|param| &param.value) {
            continue;
        }
        for param in [was, is].into_iter().flatten() {
            explained.extend(plain(&param.value).split(' ').map(str::to_owned));
            explained.insert(format!("{key}={}", plain(&param.value)));
        }
        explained.insert(key.clone());
        found.push(parameter(pair, key, said, (was, is), (a, b)));
    }
    let words = words(a, b, &explained);
    compared |= a.began.is_some() && b.began.is_some();
    found.extend(words.map(|(before, after)| {
        let detail = match (before.is_empty(), after.is_empty()) {
            (true, _) => said!("word_added", "`{}` was added to the command", after),
            (_, true) => said!("word_gone", "`{}` is gone from the command", before),
            _ => said!("word_became", "`{}` became `{}`", before, after),
        };
        let effect = effect_of_words(&before, &after, a, b);
        let mut draft = Draft::new(pair.group.into(), CauseKind::Params, effect, "command line", detail).at(pair);
        draft.cause.authority = Authority::Inferred;
        draft.cause.rule = Some(WORDS.to_owned());
        draft.cause.before = Some(before).filter(|text| !text.is_empty());
        draft.cause.after = Some(after).filter(|text| !text.is_empty());
        draft.cause.swaps = vec![Swap::Command { a: pair.a, b: pair.b }];
        draft
    }));
    (found, compared)
}

fn parameter(pair: &Pair, key: &str, said: &Param, (was, is): (Option<&Param>, Option<&Param>), (a, b): (&RunFacts, &RunFacts)) -> Draft {
    let (before, after) = (was.map(|param| plain(&param.value)), is.map(|param| plain(&param.value)));
    let declared = said.authority == Authority::Declared;
    let kind = if super::code::is_seed(key) { CauseKind::Seed } else { CauseKind::Params };
    let effect = match (&before, &after) {
        // what was only declared need not have reached the program
        _ if declared => Effect::Doubtful,
        (Some(before), Some(after)) => effect_of_words(before, after, a, b),
        _ => Effect::Likely,
    };
    let place = match declared {
        true => said!("declared", "declared with --param"),
        false => said!("on_command_line", "on the command line"),
    };
    let detail = sides(before.as_deref(), after.as_deref()).and(" ", place);
    let mut draft = Draft::new(pair.group.into(), kind, effect, key, detail).at(pair);
    draft.cause.before = before;
    draft.cause.after = after;
    draft.cause.authority = said.authority;
    draft.cause.rule = said.rule.clone();
    if !declared {
        draft.cause.swaps = vec![Swap::Command { a: pair.a, b: pair.b }];
    }
    draft
}

/// An argument that only says where a file is has the effect of that file, which is compared by itself.
fn effect_of_words(before: &str, after: &str, a: &RunFacts, b: &RunFacts) -> Effect {
    let is_place = |text: &str, facts: &RunFacts| {
        let plain = text.strip_prefix("./").unwrap_or(text).trim_end_matches('/');
        let known = |path: &String| path.trim_end_matches('/') == plain || path.starts_with(&format!("{plain}/"));
        !plain.is_empty() && (facts.used.keys().any(known) || facts.made.iter().any(known))
    };
    if is_place(before, b) && is_place(after, a) { Effect::Unlikely } else { Effect::Likely }
}

/// What else differs between the command lines: words of either that are no program and no explained parameter.
fn words(a: &RunFacts, b: &RunFacts, explained: &BTreeSet<String>) -> Option<(String, String)> {
    let own = |facts: &RunFacts| -> Option<Vec<String>> {
        let command = &facts.began.as_ref()?.command;
        let skip = match arguments::program(command) {
            program if program.script.is_some() => program.arguments,
            _ => 1,
        };
        let words = command.iter().skip(skip).map(|word| FilePath::new(word.as_slice()).to_string());
        let counts = |word: &String| {
            let bare = word.trim_start_matches(['-', '+']);
            !explained.contains(word) && !explained.contains(bare) && !bare.split_once('=').is_some_and(|(key, _)| explained.contains(key))
        };
        Some(words.filter(counts).collect())
    };
    let (was, is) = (own(b)?, own(a)?);
    if was == is {
        return None;
    }
    let start = was.iter().zip(&is).take_while(|(was, is)| was == is).count();
    let end = was[start..].iter().rev().zip(is[start..].iter().rev()).take_while(|(was, is)| was == is).count();
    Some((was[start..was.len() - end].join(" "), is[start..is.len() - end].join(" ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use keizu_graph::why::Group;
    use keizu_record::body::RunBegan;
    use keizu_record::{RunId, Time};

    fn facts(line: &str) -> RunFacts {
        let command: Vec<Vec<u8>> = line.split(' ').map(|word| word.as_bytes().to_vec()).collect();
        let config = crate::config::Config::default();
        let redactor = crate::rules::redact::Redactor::new(&config);
        let found = arguments::parameters(&command, &redactor).into_iter();
        let param = |value| Param { value, authority: Authority::Inferred, rule: Some(arguments::NAME.to_owned()) };
        let began = RunBegan {
            run: RunId::new([1; 16]),
            at: Time(0),
            project: "p".into(),
            root: "/p".into(),
            name: None,
            command,
            cwd: FilePath::default(),
            user: String::new(),
            host: String::new(),
            pid: 1,
            git: None,
            parent: None,
        };
        RunFacts { began: Some(began), params: found.map(|(key, value)| (key, param(value))).collect(), ..RunFacts::default() }
    }

    fn said(before: &str, after: &str) -> Vec<String> {
        let pair = Pair {
            group: Group::Model,
            a: RunId::new([1; 16]),
            b: RunId::new([2; 16]),
            via: Vec::new(),
            alike: true,
            data_only: false,
            followed: false,
            output: None,
        };
        let (found, _) = compare(&pair, &facts(after), &facts(before));
        found.iter().map(|draft| format!("{} {}: {}", draft.cause.kind.word(), draft.cause.subject, draft.cause.detail)).collect()
    }

    #[test]
    fn parameters_and_other_words() {
        assert_eq!(said("python t.py --depth 4", "python3.11 t.py --depth 6"), ["params depth: 4 → 6 on the command line"]);
        assert_eq!(said("python t.py --depth=4 x", "python t.py --depth=4 y"), ["params command line: `x` became `y`"]);
        assert_eq!(said("python t.py", "python t.py -v"), ["params command line: `-v` was added to the command"]);
        assert_eq!(said("python t.py --seed 1", "python t.py --seed 2"), ["seed seed: 1 → 2 on the command line"]);
        assert!(said("python t.py a --n 1 2", "python t.py a --n 1 2").is_empty());
        assert_eq!(said("python t.py a --n 1 2", "python t.py a --n 1 3"), ["params n: 1 2 → 1 3 on the command line"]);
    }
}
