//! `keizu why`: the answer on one screen.

use keizu_ledger::prove::Proof;
use keizu_ledger::why::{Cause, CauseKind, Effect, Group, Metric, State, Why};
use keizu_record::Value;

use super::look::Look;
use super::names::{self, Unique};
use super::path::{fit, short_command, shorten};
use super::prove;
use super::text::{Ink, Page, Text, width};
use super::words;

/// Where what is said of a cause begins.
const INDENT: &str = "       ";
/// Lines of evidence of one cause, unless all are asked for.
const EVIDENCE_MAX: usize = 6;
/// Lines of what is said of one cause.
const DETAIL_LINES_MAX: usize = 5;
/// Causes of a parent model, unless all are asked for.
const INNER_MAX: usize = 3;
/// A longer value does not stand beside the name.
const VALUE_COLUMNS_MAX: usize = 24;
/// A longer subject does not push the values of others to the right.
const SUBJECT_COLUMNS_MAX: usize = 36;
/// Causes that hardly matter, unless all are asked for.
const UNLIKELY_MAX: usize = 5;

/// How much is shown.
#[derive(Debug, Clone, Copy, Default)]
pub struct Shown<'a> {
    /// The metric on the first line; else the first that both have.
    pub metric: Option<&'a str>,
    /// Whole differences, all metrics.
    pub whole: bool,
    /// What the causes were found to do.
    pub proof: Option<&'a Proof>,
}

/// The answer.
pub fn page(why: &Why, shown: &Shown<'_>, unique: &dyn Unique, look: &Look) -> Page {
    let drawer = Drawer { why, shown, unique, look, model: is_model(why) };
    let mut page = Page::default();
    drawer.head(&mut page);
    if why.b.is_some() {
        let (likely, unlikely): (Vec<&Cause>, Vec<&Cause>) = why.causes.iter().partition(|cause| cause.effect != Effect::Unlikely);
        for group in Group::ALL {
            drawer.group(&mut page, *group, &likely);
        }
        drawer.unlikely(&mut page, &unlikely);
    }
    drawer.tail(&mut page);
    page
}

fn is_model(why: &Why) -> bool {
    why.a.name.starts_with("model:") || why.a.measured.is_some()
}

struct Drawer<'a> {
    why: &'a Why,
    shown: &'a Shown<'a>,
    unique: &'a dyn Unique,
    look: &'a Look,
    model: bool,
}

impl Drawer<'_> {
    fn head(&self, page: &mut Page) {
        let mut line = Text::new(Ink::Strong, &self.why.a.name);
        if let Some(b) = &self.why.b {
            line.push(Ink::Plain, format!(" against {}", self.against(b)));
        }
        let metric = self.metric().map(|metric| self.measure(metric));
        match metric {
            Some(metric) if line.width() + width(&metric) + 2 <= self.look.width && !self.look.exact => {
                line.pad_to(self.look.width.saturating_sub(width(&metric)).min(62));
                page.line(line.and(metric));
            }
            Some(metric) if self.look.exact => page.line(line.and("  ").and(metric)),
            Some(metric) => {
                page.line(line);
                page.line(Text::from(format!("  {metric}")));
            }
            None => page.line(line),
        }
        if self.shown.whole {
            let first = self.metric().map(|metric| metric.name.clone());
            for metric in self.why.metrics.iter().filter(|metric| Some(&metric.name) != first.as_ref()) {
                page.line(Text::from(format!("  {}", self.measure(metric))));
            }
        }
        for note in &self.why.notes {
            page.line(Text::new(Ink::Warn, format!("  {note}")));
        }
    }

    /// `v2`; where the name is the same, what tells the two apart.
    fn against(&self, b: &State) -> String {
        let a = &self.why.a;
        if a.name != b.name {
            let short = a.name.rsplit_once('@').zip(b.name.rsplit_once('@')).filter(|((one, _), (other, _))| one == other);
            return short.map_or_else(|| b.name.clone(), |(_, (_, version))| version.to_owned());
        }
        let run = |run: Option<keizu_record::RunId>| run.map(|run| names::run(&run.to_string(), self.unique));
        match (a.content == b.content, run(a.measured), run(b.measured), run(b.made)) {
            (true, Some(now), Some(then), _) => format!("itself: measured now by {now}, before by {then}"),
            (_, _, _, Some(made)) => format!("what {made} made before"),
            _ => "what it was before".to_owned(),
        }
    }

    fn metric(&self) -> Option<&Metric> {
        match self.shown.metric {
            Some(name) => self.why.metrics.iter().find(|metric| metric.name == name),
            None => self.why.metrics.iter().find(|metric| metric.before.is_some() && metric.after.is_some()),
        }
    }

    /// `auc 0.741 → 0.702  (−0.039)`.
    fn measure(&self, metric: &Metric) -> String {
        let number = |value: &Option<Value>| match value {
            Some(Value::Float(float)) => Some(*float),
            Some(Value::Int(int)) => Some(*int as f64),
            _ => None,
        };
        let text = |value: &Option<Value>| match value {
            Some(value) => words::value(&keizu_ledger::answer::json(value), self.look),
            None => "(none)".to_owned(),
        };
        let sides = format!("{} {} → {}", metric.name, text(&metric.before), text(&metric.after));
        match (number(&metric.before), number(&metric.after)) {
            (Some(before), Some(after)) if before == after => format!("{} {}  (unchanged)", metric.name, text(&metric.after)),
            (Some(before), Some(after)) => {
                // what is subtracted has lost its last digits
                let change = format!("{:.12}", (after - before).abs()).parse::<f64>().unwrap_or_default();
                let change = words::value(&serde_json::json!(change), self.look);
                format!("{sides}  ({}{change})", if after > before { "+" } else { "\u{2212}" })
            }
            _ => sides,
        }
    }

    fn label(&self, kind: CauseKind) -> &'static str {
        match kind {
            CauseKind::EvaluationData => "evaluation data",
            CauseKind::EvaluationCode => "evaluation code",
            CauseKind::TrainingData if self.model => "training data",
            CauseKind::TrainingData => "data",
            CauseKind::ParentModel => "parent model",
            CauseKind::Code => "code",
            CauseKind::Params => "parameters",
            CauseKind::Seed => "seed",
            CauseKind::Environment => "environment",
            CauseKind::Hardware => "hardware",
            CauseKind::InputsUnseen => "not seen",
        }
    }

    /// What changed of a group, and what did not.
    fn group(&self, page: &mut Page, group: Group, causes: &[&Cause]) {
        let own: Vec<&&Cause> = causes.iter().filter(|cause| cause.group == group).collect();
        let measured = self.why.a.measured.is_some() && self.why.b.as_ref().is_some_and(|b| b.measured.is_some());
        if own.is_empty() && group == Group::Measure && !measured {
            return;
        }
        page.gap();
        page.line(Text::new(Ink::Strong, self.title(group, !own.is_empty())));
        let labels = own.iter().map(|cause| width(self.label(cause.kind))).max().unwrap_or(0);
        let subjects = own.iter().map(|cause| width(&cause.subject)).max().unwrap_or(0).min(SUBJECT_COLUMNS_MAX);
        for cause in own {
            self.cause(page, cause, (labels, subjects));
        }
        let of_measure = |kind: &CauseKind| matches!(kind, CauseKind::EvaluationData | CauseKind::EvaluationCode);
        let same = self.why.same.iter().filter(|kind| of_measure(kind) == (group == Group::Measure));
        let same: Vec<String> = same.map(|kind| self.label(*kind).to_owned()).collect();
        if !same.is_empty() {
            self.hang(page, &same);
        }
    }

    fn title(&self, group: Group, changed: bool) -> &'static str {
        match (group, self.model, changed) {
            (Group::Measure, _, true) => "The measure changed",
            (Group::Measure, _, false) => "The measure did not change",
            (Group::Model, true, true) => "The model changed",
            (Group::Model, true, false) => "The model did not change",
            (Group::Model, false, true) => "What it was made from changed",
            (Group::Model, false, false) => "What it was made from did not change",
        }
    }

    fn cause(&self, page: &mut Page, cause: &Cause, (labels, subjects): (usize, usize)) {
        page.line(self.row(cause, (labels, subjects)));
        let room = self.look.width.saturating_sub(INDENT.len());
        let by = words::authority(cause.authority.word(), cause.rule.as_deref());
        let detail: Vec<String> = Some(self.detail(cause)).filter(|text| !text.is_empty()).into_iter().chain(by).collect();
        let detail = detail.join("  ");
        for line in words::wrapped(&detail.split(' ').collect::<Vec<_>>(), " ", room, DETAIL_LINES_MAX) {
            page.line(Text::from(INDENT).and(fit(&line, room)));
        }
        if let (Some(proof), Some(metric)) = (self.shown.proof, self.metric())
            && let Some(effect) = prove::effect(proof, cause, &metric.name, self.look)
        {
            let mut line = Text::from(INDENT);
            line.append(effect);
            page.line(line);
        }
        let evidence_max = if self.shown.whole || self.look.exact { usize::MAX } else { EVIDENCE_MAX };
        match &cause.diff {
            Some(diff) if self.shown.whole => {
                diff.lines().for_each(|line| page.line(Text::from(INDENT).with(Ink::Faint, line)));
                for line in cause.evidence.iter().filter(|line| !line.starts_with(['+', '-'])) {
                    page.line(Text::from(INDENT).and(line));
                }
            }
            _ => {
                for line in cause.evidence.iter().take(evidence_max) {
                    page.line(Text::from(INDENT).with(Ink::Faint, fit(line, room)));
                }
                let more = cause.evidence.len().saturating_sub(evidence_max);
                if more > 0 {
                    page.line(Text::from(INDENT).with(Ink::Faint, format!("… {more} more (--files)")));
                }
            }
        }
        if !cause.via.is_empty() {
            let via: Vec<String> = cause.via.iter().map(|path| shorten(path, 36)).collect();
            page.line(Text::from(INDENT).with(Ink::Faint, fit(&format!("via {}", via.join(", then ")), room)));
        }
        self.origin(page, cause, room);
        self.inner(page, cause, room);
    }

    fn row(&self, cause: &Cause, (labels, subjects): (usize, usize)) -> Text {
        let mut line = Text::from(format!("{:>3}  ", cause.rank)).and(self.label(cause.kind));
        line.pad_to(5 + labels + 3);
        let room = self.look.width.saturating_sub(line.width());
        let sides = self.sides(cause);
        let start = line.width();
        match sides {
            Some(sides) if subjects.max(width(&cause.subject)) + 3 + width(&sides) <= room => {
                line.push(Ink::Thing, &cause.subject);
                line.pad_to(start + subjects + 3);
                line.with(Ink::Faint, sides)
            }
            Some(sides) if width(&sides) + 3 + 16 <= room => {
                line.push(Ink::Thing, shorten(&cause.subject, room - width(&sides) - 2));
                line.and("  ").with(Ink::Faint, sides)
            }
            _ => line.with(Ink::Thing, shorten(&cause.subject, room)),
        }
    }

    /// `4 → 6`, where both are short.
    fn sides(&self, cause: &Cause) -> Option<String> {
        let (before, after) = (names::digest(cause.before.as_ref()?, self.unique), names::digest(cause.after.as_ref()?, self.unique));
        let short = width(&before) <= VALUE_COLUMNS_MAX && width(&after) <= VALUE_COLUMNS_MAX;
        short.then(|| format!("{before} → {after}"))
    }

    /// The sentence, without what the row already says.
    fn detail(&self, cause: &Cause) -> String {
        let Some(sides) = self.sides(cause) else { return cause.detail.to_string() };
        cause.detail.strip_prefix(&sides).map_or_else(|| cause.detail.to_string(), |rest| rest.trim().to_owned())
    }

    fn origin(&self, page: &mut Page, cause: &Cause, room: usize) {
        if let Some(writer) = &cause.writer {
            let run = names::run(&writer.run.to_string(), self.unique);
            let head = format!("last written {} by {run}  ", self.look.age_of(writer.at));
            let command = short_command(&writer.command, room.saturating_sub(width(&head)).max(8));
            page.line(Text::from(INDENT).and(head).and(command));
        }
    }

    /// Why a parent model is another.
    fn inner(&self, page: &mut Page, cause: &Cause, room: usize) {
        let most = if self.shown.whole { usize::MAX } else { INNER_MAX };
        for inner in cause.because.iter().filter(|inner| self.shown.whole || inner.effect != Effect::Unlikely).take(most) {
            let text = format!("because of {} {}: {}", self.label(inner.kind), inner.subject, inner.detail);
            page.line(Text::from(INDENT).and(fit(&text, room)));
        }
    }

    fn unlikely(&self, page: &mut Page, causes: &[&Cause]) {
        if causes.is_empty() {
            return;
        }
        page.gap();
        page.line(Text::new(Ink::Strong, "Differs as well, hardly with an effect"));
        let most = if self.shown.whole || self.look.exact { usize::MAX } else { UNLIKELY_MAX };
        let labels = causes.iter().take(most).map(|cause| width(self.label(cause.kind))).max().unwrap_or(0);
        for cause in causes.iter().take(most) {
            let mut line = Text::from(format!("{:>3}  ", cause.rank)).and(self.label(cause.kind));
            line.pad_to(5 + labels + 3);
            let room = self.look.width.saturating_sub(line.width());
            let harmless = cause.evidence.iter().find(|line| line.contains("byte for byte")).map(|line| format!(" ({line})"));
            line.push(Ink::Thing, &cause.subject);
            let text = format!("  {}{}", cause.detail, harmless.unwrap_or_default());
            page.line(line.with(Ink::Faint, fit(&text, room.saturating_sub(width(&cause.subject)).max(16))));
            if let (true, Some(diff)) = (self.shown.whole, &cause.diff) {
                diff.lines().for_each(|line| page.line(Text::from(INDENT).with(Ink::Faint, line)));
            }
        }
        let more = causes.len().saturating_sub(most);
        if more > 0 {
            page.line(Text::new(Ink::Faint, format!("     … {more} more (--files)")));
        }
    }

    fn hang(&self, page: &mut Page, same: &[String]) {
        let room = self.look.width.saturating_sub(10);
        for (at, line) in words::wrapped(same, ", ", room, 4).into_iter().enumerate() {
            page.line(Text::new(Ink::Faint, format!("     {}{line}", if at == 0 { "same " } else { "     " })));
        }
    }

    fn tail(&self, page: &mut Page) {
        if !self.why.unseen.is_empty() {
            page.gap();
            let nothing = self.why.causes.iter().all(|cause| cause.effect == Effect::Unlikely);
            page.line(Text::new(Ink::Strong, if nothing { "Nothing that was seen can be the reason. Not seen:" } else { "Not seen" }));
            for line in &self.why.unseen {
                page.line(Text::from(format!("     {}", fit(line, self.look.width.saturating_sub(5)))));
            }
        }
        if let Some(proof) = self.shown.proof {
            page.gap();
            page.append(prove::page(proof, self.metric().map(|metric| metric.name.as_str()), self.shown.whole, self.look));
        } else if self.why.b.is_some() && self.why.a.measured.is_some() && self.why.causes.iter().any(|cause| !cause.swaps.is_empty()) {
            page.gap();
            page.line(Text::new(Ink::Faint, "Prove it: ").and(format!("keizu why {} --prove", self.why.a.name)));
        }
    }
}

#[cfg(test)]
mod tests;
