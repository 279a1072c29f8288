//! `keizu why --prove`: what each cause was found to do, beside the cause, and what became of both sides below all of them.

use keizu_ledger::prove::{Baseline, Found, Noise, Proof, Share};
use keizu_ledger::why::{Cause, Effect};

use super::look::{Look, many};
use super::text::{Ink, Page, Text};
use super::words;

/// Remarks that are shown, unless all are asked for.
const REMARKS_MAX: usize = 4;

/// What a cause was found to do, for the line below it: `−0.031 ± 0.004`.
pub fn effect(proof: &Proof, cause: &Cause, metric: &str, look: &Look) -> Option<Text> {
    if cause.effect == Effect::Unlikely {
        return None;
    }
    let factor = proof.factors.iter().find(|factor| factor.factor == cause.factor || factor.subjects.contains(&cause.subject))?;
    let share = factor.effects.get(metric);
    Some(match (factor.found, share) {
        (Found::NotSwapped, _) => {
            let lacking = factor.lacking.first().map(|lacking| format!(": {}, {}", lacking.what, lacking.why)).unwrap_or_default();
            Text::new(Ink::Warn, format!("could not be swapped{lacking}"))
        }
        (_, Some(share)) if share.counts() => {
            let mut line = Text::new(Ink::Strong, format!("effect {}", self::share(share, look)));
            if let Some(back) = factor.put_back.get(metric) {
                line.push(Ink::Plain, format!("   put back as before: {metric} {}", number(*back, look)));
            }
            if factor.subjects.len() > 1 {
                line.push(Ink::Faint, format!("   (with {})", others(&factor.subjects, &cause.subject)));
            }
            line
        }
        (_, Some(share)) => Text::from(format!("no effect  ({})", self::share(share, look))),
        (_, None) => Text::from("no effect"),
    })
}

fn others(subjects: &[String], own: &str) -> String {
    subjects.iter().filter(|subject| *subject != own).cloned().collect::<Vec<_>>().join(", ")
}

/// What stands below all causes.
pub fn page(proof: &Proof, metric: Option<&str>, whole: bool, look: &Look) -> Page {
    let mut page = Page::default();
    page.gap();
    page.line(Text::new(Ink::Strong, "Proof").and(format!("  {} made again; {}", many(proof.runs as u64, "run"), noise(proof))));
    if let Some(metric) = metric {
        for baseline in &proof.baselines {
            page.line(Text::from("     ").and(self::baseline(baseline, metric, look)));
        }
        for interaction in &proof.interactions {
            let Some(share) = interaction.effects.get(metric) else { continue };
            let names: Vec<String> =
                interaction.factors.iter().filter_map(|factor| Some(proof.factor(*factor)?.subjects.join(", "))).collect();
            page.line(
                Text::from("     ").with(Ink::Strong, self::share(share, look)).and(format!("  only together: {}", names.join(" and "))),
            );
        }
        if let Some(rest) = proof.rest.get(metric) {
            page.line(Text::from("     ").and(self::rest(rest, look)));
        }
    }
    let shown = if whole || look.exact { usize::MAX } else { REMARKS_MAX };
    for remark in proof.remarks.iter().take(shown) {
        page.line(Text::from("     ").with(Ink::Warn, "note  ").and(remark));
    }
    let more = proof.remarks.len().saturating_sub(shown);
    if more > 0 {
        page.line(Text::from("     ").with(Ink::Faint, format!("… {more} more (--files)")));
    }
    page
}

fn noise(proof: &Proof) -> String {
    let times = proof.baselines.iter().map(|baseline| baseline.again.len()).max().unwrap_or(0);
    let measured = proof.baselines.first().is_some_and(|baseline| baseline.again.len() > 1);
    match proof.noise {
        _ if proof.baselines.is_empty() => "the sides could not be made again".to_owned(),
        Noise::None if measured => "made again it comes out the same each time: no noise".to_owned(),
        Noise::None => "made again once: the noise was not measured".to_owned(),
        Noise::Repeats => format!("noise from {times} times the same"),
        Noise::Seeds => format!("noise from {times} seeds"),
    }
}

fn baseline(baseline: &Baseline, metric: &str, look: &Look) -> String {
    let recorded = baseline.recorded.get(metric).map_or_else(|| "(none)".to_owned(), |value| number(*value, look));
    let again =
        baseline.again.first().and_then(|numbers| numbers.get(metric)).map_or_else(|| "(none)".to_owned(), |value| number(*value, look));
    let word = if baseline.restored { "comes out again" } else { "does not come out again" };
    if baseline.restored && recorded == again {
        format!("{:<6}  {metric} {recorded} {word}", baseline.side)
    } else {
        format!("{:<6}  {metric} {recorded} {word}: {again}", baseline.side)
    }
}

fn rest(rest: &Share, look: &Look) -> String {
    if rest.counts() { format!("{}  is left that no cause accounts for", share(rest, look)) } else { "nothing is left over".to_owned() }
}

fn share(share: &Share, look: &Look) -> String {
    let sign = if share.value < 0.0 { "\u{2212}" } else { "+" };
    format!("{sign}{} ± {}", number(share.value.abs(), look), number(share.noise, look))
}

fn number(value: f64, look: &Look) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    words::value(&serde_json::json!(value), look)
}

#[cfg(test)]
mod tests {
    use super::*;
    use insta::assert_snapshot;
    use keizu_ledger::prove::{Factor, Interaction};
    use std::collections::BTreeMap;

    fn numbers(auc: f64) -> BTreeMap<String, f64> {
        BTreeMap::from([("auc".to_owned(), auc)])
    }

    fn shares(value: f64, noise: f64) -> BTreeMap<String, Share> {
        BTreeMap::from([("auc".to_owned(), Share { value, noise })])
    }

    fn proof() -> Proof {
        let factor = |factor, subject: &str, value, found| Factor {
            factor,
            subjects: vec![subject.to_owned()],
            found,
            effects: shares(value, 0.004),
            put_back: numbers(0.739),
            lacking: Vec::new(),
        };
        let side = |side, recorded, again| Baseline {
            side,
            recorded: numbers(recorded),
            again: vec![numbers(again), numbers(recorded), numbers(recorded)],
            restored: true,
        };
        Proof {
            factors: vec![factor(1, "data/holdout.csv", -0.031, Found::Effect), factor(2, "config.yaml", 0.001, Found::NoEffect)],
            interactions: vec![Interaction { factors: vec![1, 2], effects: shares(-0.008, 0.004) }],
            change: numbers(-0.038),
            rest: shares(0.0, 0.004),
            baselines: vec![side("before", 0.741, 0.741), side("after", 0.703, 0.702)],
            noise: Noise::Seeds,
            runs: 14,
            remarks: vec!["numpy 2.1.0 is installed here; the run was made with 2.0.0".to_owned()],
        }
    }

    #[test]
    fn a_proof_on_one_screen() {
        assert_snapshot!(page(&proof(), Some("auc"), false, &Look::fixed(80)).paint(false));
        let left = Proof { noise: Noise::None, rest: shares(-0.02, 0.0), interactions: Vec::new(), ..proof() };
        assert_snapshot!(page(&left, Some("auc"), false, &Look::fixed(80)).paint(false));
    }
}
