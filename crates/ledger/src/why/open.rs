//! Tables, opened where their contents still are.

use std::io::{self, Read as _};

use keizu_graph::Place;
use keizu_graph::why::Leaf;
use keizu_profile::{Bytes, Difference, Format, Limits, Part};
use keizu_record::{Digest, FilePath};

use super::contents::Found;
use super::files::Opener;
use super::tables::{Said, said};
use crate::Error;
use crate::said::Sentence;

/// So much of a file tells its format.
const HEAD_BYTES: u64 = 64 << 10;
/// Tables larger than this, both sides together, are compared by their digests alone.
const TABLE_BYTES_MAX: u64 = 8 << 30;
/// Files of a folder that are opened.
const PARTS_MAX: usize = 2_000;

/// One file of one side.
pub(super) struct Piece {
    pub name: String,
    pub place: Place,
    pub content: Digest,
    pub size: Option<u64>,
}

/// What came of opening two tables.
pub(super) enum Opened {
    /// They were compared.
    Compared(Said, Box<Difference>),
    /// Neither is a table that can be read.
    NoTable,
    /// Why they were not.
    Not(Sentence),
}

/// A file with its format, and how to open it.
type Ready<'o> = (String, Format, Box<dyn Fn() -> io::Result<Box<dyn Bytes>> + 'o>);

/// What was compared: names and contents of both sides.
pub(super) type Sides = [Vec<(String, Digest)>; 2];

impl Opener<'_> {
    /// Compares two tables, each of one file or of several. The same two are compared once: one change is often a cause twice, of the measure and of the
    /// model.
    pub fn tables(&self, before: &[Piece], after: &[Piece]) -> Result<Opened, Error> {
        let sides: Sides = [before, after].map(|side| side.iter().map(|piece| (piece.name.clone(), piece.content)).collect());
        if let Some((said, difference)) = self.compared.borrow().get(&sides) {
            return Ok(Opened::Compared(said.clone(), difference.clone()));
        }
        let opened = self.compare(before, after)?;
        if let Opened::Compared(said, difference) = &opened {
            self.compared.borrow_mut().insert(sides, (said.clone(), difference.clone()));
        }
        Ok(opened)
    }

    fn compare(&self, before: &[Piece], after: &[Piece]) -> Result<Opened, Error> {
        let bytes: u64 = before.iter().chain(after).filter_map(|piece| piece.size).sum();
        if bytes > TABLE_BYTES_MAX || before.len().max(after.len()) > PARTS_MAX {
            return Ok(Opened::Not(crate::said::said!("too_large", "too large to be opened")));
        }
        let mut found: [Vec<(&Piece, Found)>; 2] = [Vec::new(), Vec::new()];
        let mut gone = [0, 0];
        for (at, side) in [before, after].into_iter().enumerate() {
            for piece in side {
                match self.contents.find(&piece.content, piece.size, &piece.place)? {
                    Some(place) => found[at].push((piece, place)),
                    None => gone[at] += 1,
                }
            }
        }
        if let Some(text) = not_kept(gone, (before.len(), after.len())) {
            return Ok(Opened::Not(text));
        }
        let mut ready: [Vec<Ready<'_>>; 2] = [Vec::new(), Vec::new()];
        for (at, side) in found.into_iter().enumerate() {
            for (piece, place) in side {
                let mut head = Vec::new();
                self.contents.open(&place)?.take(HEAD_BYTES).read_to_end(&mut head)?;
                let Some(format) = Format::of(&piece.name, &head) else { return Ok(Opened::NoTable) };
                ready[at].push((piece.name.clone(), format, Box::new(move || self.contents.open(&place))));
            }
        }
        let parts =
            |side: &'_ [Ready<'_>]| -> Vec<(String, Format)> { side.iter().map(|(name, format, _)| (name.clone(), *format)).collect() };
        let (names_before, names_after) = (parts(&ready[0]), parts(&ready[1]));
        let part = |(name, format): (String, Format), open| Part { name, format, open };
        let before: Vec<Part<'_>> = names_before.into_iter().zip(&ready[0]).map(|(of, (.., open))| part(of, &**open)).collect();
        let after: Vec<Part<'_>> = names_after.into_iter().zip(&ready[1]).map(|(of, (.., open))| part(of, &**open)).collect();
        match keizu_profile::compare(&before, &after, &Limits::default()) {
            Ok(difference) => Ok(Opened::Compared(said(&difference), Box::new(difference))),
            Err(keizu_profile::Error::Io(error)) => Err(error.into()),
            Err(error) => Ok(Opened::Not(error.to_string().into())),
        }
    }

    /// The tables that a leaf is about: the file itself, or those files of the folder that differ.
    pub fn pieces(&self, leaf: &Leaf) -> (Vec<Piece>, Vec<Piece>) {
        let (Some(a), Some(b)) = (&leaf.a, &leaf.b) else { return (Vec::new(), Vec::new()) };
        if leaf.members.is_empty() {
            let piece = |file: &keizu_graph::why::File| {
                let content = file.content.filter(|_| file.members.is_none())?;
                Some(Piece { name: name(&file.place.path), place: file.place.clone(), content, size: file.size })
            };
            return (piece(b).into_iter().collect(), piece(a).into_iter().collect());
        }
        let side = |folder: &keizu_graph::why::File, of: &dyn Fn(&keizu_graph::why::Member) -> Option<(Digest, u64)>| {
            let of_member = |member: &keizu_graph::why::Member| {
                let (content, size) = of(member)?;
                let place = Place::new(&folder.place.project, folder.place.path.join(&member.path));
                Some(Piece { name: member.path.to_string(), place, content, size: Some(size) })
            };
            leaf.members.iter().filter_map(of_member).collect::<Vec<Piece>>()
        };
        (side(b, &|member| member.b), side(a, &|member| member.a))
    }

    /// Whether a made file that came out different holds the same values all the same.
    pub fn same_values(&self, project: &str, (path, a, b): &keizu_graph::why::Output) -> Result<bool, Error> {
        let (Some(a), Some(b)) = (a, b) else { return Ok(false) };
        let piece = |content: &Digest| Piece { name: name(path), place: Place::new(project, path.clone()), content: *content, size: None };
        Ok(matches!(self.tables(&[piece(b)], &[piece(a)])?, Opened::Compared(said, _) if said.effect == super::Effect::Unlikely))
    }
}

fn name(path: &FilePath) -> String {
    FilePath::new(path.file_name()).to_string()
}

/// What can't be opened any more: how many files before and after, of how many.
fn not_kept(gone: [usize; 2], all: (usize, usize)) -> Option<Sentence> {
    let side = |gone: usize, all: usize, word: &str, codes: (&'static str, &'static str)| match (gone, all) {
        (0, _) => None,
        (_, 1) => Some(Sentence::new(codes.0, Vec::new(), format!("the {word} content was not kept"))),
        (gone, all) => {
            let text = format!("{gone} of {all} {word} contents were not kept");
            Some(Sentence::new(codes.1, vec![gone.to_string(), all.to_string()], text))
        }
    };
    let earlier = side(gone[0], all.0, "earlier", ("earlier_unkept", "earlier_unkept_of"));
    let later = side(gone[1], all.1, "later", ("later_unkept", "later_unkept_of"));
    let said: Vec<Sentence> = earlier.into_iter().chain(later).collect();
    (!said.is_empty()).then(|| Sentence::all(", ", said))
}
