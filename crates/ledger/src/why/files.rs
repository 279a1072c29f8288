//! Differences in files: each leaf of the comparison, opened.

use std::cell::RefCell;
use std::collections::HashMap;

use keizu_graph::Place;
use keizu_graph::why::{File, Group as GraphGroup, Leaf, Reason};
use keizu_profile::Difference;
use keizu_record::body::{ArtifactKind, Role};
use keizu_record::{Authority, Digest, FilePath, Value};

use super::contents::Contents;
use super::draft::Draft;
use super::open::{Opened, Sides};
use super::tables::Said;
use super::{CauseKind, Effect, Swap, code};
use crate::Error;
use crate::rules::evaluate;
use crate::rules::flatten::flatten;
use crate::rules::redact::Redactor;
use crate::said::{Sentence, said, sides};

/// Members of a folder that are named.
const MEMBERS_NAMED_MAX: usize = 8;
/// Members of a folder that can be swapped one by one.
const MEMBERS_SWAPPED_MAX: usize = 100_000;
/// A text of data that is no table is shown line by line up to this size.
const TEXT_SHOWN_BYTES_MAX: u64 = 256 << 10;
/// Parameters of one file that are named one by one.
const PARAMS_MAX: usize = 40;

/// What opening a leaf needs.
pub(super) struct Opener<'c> {
    pub contents: &'c Contents<'c>,
    pub redactor: &'c Redactor<'c>,
    /// Tables that were compared for this answer.
    pub compared: RefCell<HashMap<Sides, (Said, Box<Difference>)>>,
}

/// The kind of a cause, by what the file was to whom.
pub(super) fn kind_of(group: GraphGroup, role: Role, kind: ArtifactKind) -> CauseKind {
    match (group, role, kind) {
        (_, Role::Config, _) => CauseKind::Params,
        (GraphGroup::Model, Role::ParentModel, _) | (GraphGroup::Model, _, ArtifactKind::Model) => CauseKind::ParentModel,
        (GraphGroup::Measure, Role::Code, _) => CauseKind::EvaluationCode,
        (GraphGroup::Model, Role::Code, _) => CauseKind::Code,
        (GraphGroup::Measure, ..) => CauseKind::EvaluationData,
        (GraphGroup::Model, ..) => CauseKind::TrainingData,
    }
}

impl Opener<'_> {
    /// The causes that a leaf stands for: one, or one for each parameter of a file of settings.
    pub fn causes(&self, leaf: &Leaf) -> Result<Vec<Draft>, Error> {
        let kind = kind_of(leaf.group, leaf.role, leaf.kind);
        let drafts = match (kind, &leaf.a, &leaf.b) {
            (CauseKind::Code | CauseKind::EvaluationCode | CauseKind::Params, Some(a), Some(b)) if leaf.members.is_empty() => {
                self.text(leaf, kind, a, b)?
            }
            _ => vec![self.data(leaf, kind)?],
        };
        Ok(drafts.into_iter().map(|draft| self.finish(leaf, draft)).collect())
    }

    fn begin(&self, leaf: &Leaf, kind: CauseKind, effect: Effect, subject: String, detail: Sentence) -> Draft {
        Draft::new(leaf.group.into(), kind, effect, subject, detail).entering(leaf.runs, &leaf.via)
    }

    /// What is said of every leaf: how its role is known, who wrote it, what may be swapped.
    fn finish(&self, leaf: &Leaf, mut draft: Draft) -> Draft {
        let cause = &mut draft.cause;
        if leaf.by.as_deref() == Some(evaluate::DATA) && leaf.role == Role::EvaluationData {
            cause.authority = Authority::Inferred;
            cause.rule = Some(evaluate::DATA.to_owned());
        }
        if let Some(changed) = leaf.a.as_ref().and_then(|file| file.changed.as_ref()) {
            cause.evidence.push(said!("unclean", "not a clean reading: {}", changed));
        }
        cause.evidence.extend(provenance(leaf));
        if cause.swaps.is_empty() {
            cause.swaps = swaps(leaf);
        }
        draft
    }

    /// Code and settings.
    fn text(&self, leaf: &Leaf, kind: CauseKind, a: &File, b: &File) -> Result<Vec<Draft>, Error> {
        let path = &a.place.path;
        let subject = renamed(a, b);
        let text = |file: &File| match &file.content {
            Some(digest) => self.contents.text(digest, &file.place),
            None => Ok(None),
        };
        let (Some(after), Some(before)) = (text(a)?, text(b)?) else {
            let detail = said!("changed", "changed").and("; ", missing(text(b)?.is_none(), text(a)?.is_none()));
            let mut draft = self.begin(leaf, kind, Effect::Likely, subject, detail);
            digests(&mut draft, a, b);
            return Ok(vec![draft]);
        };
        if kind == CauseKind::Params
            && let Some(drafts) = self.settings(leaf, (path, &subject), &before, &after)
        {
            return Ok(drafts);
        }
        let change = code::compare(path, &before, &after);
        let mut kind = kind;
        let mut draft = match &change.seed {
            Some((was, is)) if kind != CauseKind::Params => {
                kind = CauseKind::Seed;
                let detail = said!("only_seed", "only a seed changed").and(": ", change.detail.clone());
                let mut draft = self.begin(leaf, kind, change.effect, subject, detail);
                draft.cause.before = Some(was.clone());
                draft.cause.after = Some(is.clone());
                draft.cause.authority = Authority::Inferred;
                draft.cause.rule = Some("a seed in code".to_owned());
                draft
            }
            _ => {
                let mut draft = self.begin(leaf, kind, change.effect, subject, change.detail.clone());
                digests(&mut draft, a, b);
                draft
            }
        };
        draft.size = (change.lines.0 + change.lines.1) as f64;
        draft.cause.evidence = change.short.into_iter().map(Sentence::from).collect();
        draft.cause.diff = Some(change.diff);
        Ok(vec![draft])
    }

    /// Settings by their parameters; none when they can't be read as such.
    fn settings(&self, leaf: &Leaf, (path, subject): (&FilePath, &str), before: &str, after: &str) -> Option<Vec<Draft>> {
        let leaves = |text: &str| flatten(path, text.as_bytes()).filter(|leaves| !leaves.cut).map(|leaves| leaves.leaves);
        let (was, is) = (leaves(before)?, leaves(after)?);
        let get = |side: &[(String, Value)], key: &str| side.iter().find(|(name, _)| name == key).map(|(_, value)| value.clone());
        let mut keys: Vec<&String> = was.iter().map(|(key, _)| key).collect();
        keys.extend(is.iter().map(|(key, _)| key).filter(|key| get(&was, key).is_none()));
        let shown = |key: &str, value: &Value| self.redactor.value(key, &super::params::plain(value));
        let mut drafts = Vec::new();
        for key in keys {
            let (old, new) = (get(&was, key), get(&is, key));
            if old == new {
                continue;
            }
            let (old, new) = (old.map(|value| shown(key, &value)), new.map(|value| shown(key, &value)));
            let kind = if code::is_seed(key) { CauseKind::Seed } else { CauseKind::Params };
            let what = sides(old.as_deref(), new.as_deref());
            let mut draft = self.begin(leaf, kind, Effect::Likely, format!("{subject}: {key}"), what);
            draft.cause.before = old;
            draft.cause.after = new;
            drafts.push(draft);
        }
        if drafts.is_empty() {
            let detail = said!("only_layout", "only comments, order or layout changed");
            drafts.push(self.begin(leaf, CauseKind::Params, Effect::Unlikely, subject.to_owned(), detail));
        }
        if drafts.len() > PARAMS_MAX {
            let detail = said!("parameters_differ", "{} parameters differ", drafts.len());
            let mut whole = self.begin(leaf, CauseKind::Params, Effect::Likely, subject.to_owned(), detail);
            whole.cause.evidence = drafts.iter().map(|draft| format!("{}: {}", draft.cause.subject, draft.cause.detail).into()).collect();
            drafts = vec![whole];
        }
        Some(drafts)
    }

    /// Data, parent models, and whatever was not there on one side.
    fn data(&self, leaf: &Leaf, kind: CauseKind) -> Result<Draft, Error> {
        let subject = match (leaf.members.as_slice(), &leaf.a, &leaf.b) {
            ([member], Some(folder), _) => folder.place.path.join(&member.path).to_string(),
            (_, Some(a), Some(b)) => renamed(a, b),
            (_, a, b) => a.as_ref().or(b.as_ref()).map(|file| file.place.path.to_string()).unwrap_or_default(),
        };
        let mut draft = self.begin(leaf, kind, Effect::Likely, subject, self.headline(leaf)?);
        if let (Some(a), Some(b)) = (&leaf.a, &leaf.b)
            && leaf.members.is_empty()
        {
            digests(&mut draft, a, b);
        }
        if kind != CauseKind::ParentModel {
            self.open(leaf, &mut draft)?;
        }
        if leaf.members.len() > 1 {
            let said = leaf.members.iter().take(MEMBERS_NAMED_MAX).map(|member| format!("{} {}", word(member), member.path).into());
            draft.cause.evidence.extend(said);
            let more = leaf.members.len().saturating_sub(MEMBERS_NAMED_MAX);
            if more > 0 {
                draft.cause.evidence.push(said!("and_more", "and {} more", more));
            }
        }
        Ok(draft)
    }

    /// What changed inside.
    fn open(&self, leaf: &Leaf, draft: &mut Draft) -> Result<(), Error> {
        let (before, after) = self.pieces(leaf);
        let many = leaf.members.len() > 1;
        if (before.is_empty() && after.is_empty()) || (!many && (before.is_empty() || after.is_empty())) {
            return Ok(());
        }
        let cause = &mut draft.cause;
        match self.tables(&before, &after)? {
            Opened::Compared(said, difference) => {
                // what the table says, a page says from the comparison itself
                let of_table = Sentence::new("data", Vec::new(), said.detail);
                cause.detail = match leaf.members.len() {
                    0 => of_table,
                    1 => cause.detail.clone().and(": ", of_table),
                    _ => cause.detail.clone().and("; in these ", of_table),
                };
                cause.effect = said.effect;
                cause.evidence.extend(said.evidence.into_iter().map(Sentence::from));
                cause.data = Some(difference);
                draft.size = said.size;
            }
            Opened::Not(why) => cause.detail = cause.detail.clone().and("; ", why),
            Opened::NoTable => {
                if let ([before], [after]) = (before.as_slice(), after.as_slice())
                    && before.size.max(after.size).is_some_and(|size| size <= TEXT_SHOWN_BYTES_MAX)
                    && let Some(old) = self.contents.text(&before.content, &before.place)?
                    && let Some(new) = self.contents.text(&after.content, &after.place)?
                {
                    let change = code::compare(&after.place.path, &old, &new);
                    cause.evidence.extend(change.short.into_iter().map(Sentence::from));
                    cause.diff = Some(change.diff);
                }
            }
        }
        Ok(())
    }

    fn headline(&self, leaf: &Leaf) -> Result<Sentence, Error> {
        if let [member] = leaf.members.as_slice() {
            let all = leaf.a.as_ref().and_then(|file| file.members).max(leaf.b.as_ref().and_then(|file| file.members));
            let what = Sentence::new(word(member), Vec::new(), word(member));
            return Ok(match all {
                Some(all) => what.and(" ", said!("one_of_files", "(1 of {} files)", all)),
                None => what,
            });
        }
        if !leaf.members.is_empty() {
            let count = |wanted: &str| leaf.members.iter().filter(|member| word(member) == wanted).count();
            let said = [("changed", "files_changed"), ("new", "files_new"), ("gone", "files_gone")]
                .into_iter()
                .map(|(word, code)| (count(word), word, code))
                .filter(|(n, ..)| *n > 0)
                .map(|(n, word, code)| Sentence::new(code, vec![n.to_string()], format!("{n} {word}")));
            let all = leaf.a.as_ref().and_then(|file| file.members).unwrap_or_default();
            return Ok(said!("of_files", "of {} files", all).and(" ", Sentence::all(", ", said)));
        }
        Ok(match (&leaf.a, &leaf.b) {
            (Some(file), None) => with_size(said!("not_read_before", "was not read before"), file),
            (None, Some(file)) => with_size(said!("no_longer_read", "is no longer read"), file),
            (Some(a), Some(b)) => match (&a.content, &b.content) {
                (Some(_), Some(_)) => sizes(b.size, a.size),
                _ => {
                    let why = a.unseen.as_ref().or(b.unseen.as_ref()).map_or("its content was not seen", String::as_str);
                    said!("may_differ", "may differ: {}", why)
                }
            },
            (None, None) => said!("changed", "changed"),
        })
    }
}

fn word(member: &keizu_graph::why::Member) -> &'static str {
    match (&member.a, &member.b) {
        (Some(_), Some(_)) => "changed",
        (Some(_), None) => "new",
        (None, _) => "gone",
    }
}

fn with_size(sentence: Sentence, file: &File) -> Sentence {
    match file.size {
        Some(size) => sentence.and(" ", said!("bytes", "({} bytes)", size)),
        None => sentence,
    }
}

fn sizes(before: Option<u64>, after: Option<u64>) -> Sentence {
    match (before, after) {
        (Some(before), Some(after)) if before == after => said!("same_bytes", "another content of the same {} bytes", after),
        (Some(before), Some(after)) => said!("bytes_became", "{} → {} bytes", before, after),
        _ => said!("other_content", "another content"),
    }
}

fn missing(before: bool, after: bool) -> Sentence {
    match (before, after) {
        (true, true) => said!("neither_text", "neither content was kept as text"),
        (true, false) => said!("earlier_no_text", "the earlier content was not kept as text"),
        _ => said!("later_no_text", "the later content was not kept as text"),
    }
}

/// The path; of one that answers another, both.
fn renamed(a: &File, b: &File) -> String {
    if a.place.path == b.place.path { a.place.path.to_string() } else { format!("{} (before: {})", a.place.path, b.place.path) }
}

fn digests(draft: &mut Draft, a: &File, b: &File) {
    let text = |file: &File| file.content.map(|digest| digest.to_string());
    draft.cause.before = text(b);
    draft.cause.after = text(a);
}

/// Where the two sides come from, as far as it is not the same on both.
fn provenance(leaf: &Leaf) -> Vec<Sentence> {
    let written = |file: &Option<File>| file.as_ref().and_then(|file| file.writer.as_ref()).is_some();
    match leaf.reason {
        Reason::OneWritten if leaf.members.is_empty() => match (written(&leaf.a), written(&leaf.b)) {
            (false, true) => vec![said!("written_by_none", "before, a recorded run wrote it; what stands there now was written by none")],
            _ => vec![said!("written_before_by_none", "before, no recorded run had written it")],
        },
        Reason::OtherProgram => vec![said!("other_writers", "runs of different programs wrote it then and now")],
        Reason::Updated => vec![said!("updated", "the earlier content was updated in place")],
        _ => Vec::new(),
    }
}

/// What turns one side into the other.
fn swaps(leaf: &Leaf) -> Vec<Swap> {
    let swap =
        |place: &Place, a: Option<Digest>, b: Option<Digest>| Swap::File { project: place.project.clone(), path: place.path.clone(), a, b };
    if let (false, Some(folder)) = (leaf.members.is_empty(), leaf.a.as_ref().or(leaf.b.as_ref())) {
        let member = |member: &keizu_graph::why::Member| {
            let place = Place::new(&folder.place.project, folder.place.path.join(&member.path));
            swap(&place, member.a.map(|(digest, _)| digest), member.b.map(|(digest, _)| digest))
        };
        return leaf.members.iter().take(MEMBERS_SWAPPED_MAX).map(member).collect();
    }
    match (&leaf.a, &leaf.b) {
        (Some(a), Some(b)) if a.place.path != b.place.path => vec![swap(&a.place, a.content, None), swap(&b.place, None, b.content)],
        (Some(a), b) => vec![swap(&a.place, a.content, b.as_ref().and_then(|file| file.content))],
        (None, Some(b)) => vec![swap(&b.place, None, b.content)],
        (None, None) => Vec::new(),
    }
}
