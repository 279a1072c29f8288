//! Which file of one run answers which file of another.

use std::collections::BTreeMap;

use foldhash::HashMap;
use keizu_record::body::{ArtifactKind, Role};

use crate::facts::Touch;
use crate::link::member_path;

/// What answers what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// Indices of a file of each side.
    Both(usize, usize),
    /// Only the later side has it.
    OnlyA(usize),
    /// Only the earlier side has it.
    OnlyB(usize),
    /// A folder on one side, and files below it on the other: the folder's index, the files', and whether the folder is the later side's.
    Folder { folder: usize, files: Vec<usize>, later: bool },
}

/// What parts are alike: data is data, whether it was marked as evaluation data or not.
fn part(touch: &Touch) -> u8 {
    match touch.edge.role {
        Role::Code => 0,
        Role::Config => 1,
        Role::ParentModel => 2,
        _ if touch.edge.kind == ArtifactKind::Model => 2,
        _ => 3,
    }
}

fn plain(touch: &Touch) -> &[u8] {
    let path = touch.edge.path.as_bytes();
    path.strip_suffix(b"/").unwrap_or(path)
}

/// Pairs by path; then, `freely`, by file name and as the only ones left of their part.
pub(super) fn pair(a: &[Touch], b: &[Touch], freely: bool) -> Vec<Answer> {
    let mut answers = Vec::new();
    let (mut left_a, mut left_b): (Vec<usize>, Vec<usize>) = ((0..a.len()).collect(), (0..b.len()).collect());
    match_by(a, b, (&mut left_a, &mut left_b), &mut answers, false, &|touch| (0, plain(touch).to_vec()));
    folders(a, b, (&mut left_a, &mut left_b), &mut answers);
    if freely {
        let name = |touch: &Touch| (part(touch), touch.edge.path.file_name().to_vec());
        match_by(a, b, (&mut left_a, &mut left_b), &mut answers, true, &name);
        match_by(a, b, (&mut left_a, &mut left_b), &mut answers, true, &|touch| (part(touch), Vec::new()));
    }
    answers.extend(left_a.into_iter().map(Answer::OnlyA));
    answers.extend(left_b.into_iter().map(Answer::OnlyB));
    answers
}

/// What must agree: the part, and a name.
type Key = (u8, Vec<u8>);

/// Pairs those with equal keys. `alone`: only a key that one file of each side has.
fn match_by(
    a: &[Touch],
    b: &[Touch],
    (left_a, left_b): (&mut Vec<usize>, &mut Vec<usize>),
    answers: &mut Vec<Answer>,
    alone: bool,
    key: &dyn Fn(&Touch) -> Key,
) {
    let mut keyed: HashMap<Key, [Vec<usize>; 2]> = HashMap::default();
    for &at in left_a.iter() {
        keyed.entry(key(&a[at])).or_default()[0].push(at);
    }
    for &at in left_b.iter() {
        keyed.entry(key(&b[at])).or_default()[1].push(at);
    }
    let mut found: BTreeMap<usize, usize> = BTreeMap::new();
    for [of_a, of_b] in keyed.values() {
        if !alone || (of_a.len() == 1 && of_b.len() == 1) {
            found.extend(of_a.iter().copied().zip(of_b.iter().copied()));
        }
    }
    left_a.retain(|at| !found.contains_key(at));
    let taken: std::collections::HashSet<usize> = found.values().copied().collect();
    left_b.retain(|at| !taken.contains(at));
    answers.extend(found.into_iter().map(|(a, b)| Answer::Both(a, b)));
}

/// A folder that is left answers the files below it that are left on the other side.
fn folders(a: &[Touch], b: &[Touch], (left_a, left_b): (&mut Vec<usize>, &mut Vec<usize>), answers: &mut Vec<Answer>) {
    for later in [true, false] {
        let (own, others) = if later { (&mut *left_a, &mut *left_b) } else { (&mut *left_b, &mut *left_a) };
        let (own_touches, other_touches) = if later { (a, b) } else { (b, a) };
        let mut gone = Vec::new();
        for &folder in own.iter().filter(|at| own_touches[**at].edge.is_collection()) {
            let place = own_touches[folder].place();
            let below = |at: &usize| {
                let other = &other_touches[*at].edge;
                !other.is_collection() && member_path(&place, &other.path).is_some()
            };
            let files: Vec<usize> = others.iter().copied().filter(below).collect();
            if !files.is_empty() {
                others.retain(|at| !files.contains(at));
                gone.push(folder);
                answers.push(Answer::Folder { folder, files, later });
            }
        }
        own.retain(|at| !gone.contains(at));
    }
}
