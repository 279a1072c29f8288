//! The vertices in columns: what stands for each in the source, and how it is found again.
//!
//! ```text
//! run     the first entry of the run        found by the run's number
//! write   its `made` entry                  found by its position
//! read    an entry that reads or names it   found by its mark: 128 bits over place, content, and the writes it may have come from
//! bare    the number of its content         found by its mark
//! ```

use foldhash::HashMap;
use keizu_record::Digest;
use keizu_record::body::ArtifactKind;

/// No entry stands for it yet, or there is no such number.
pub(super) const NONE: u32 = u32::MAX;

/// 128 bits that stand for an occurrence that was read.
pub(super) type Mark = u128;

/// What a vertex is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Sort {
    Run = 0,
    Write = 1,
    /// A source, or a file of a folder.
    Read = 2,
    /// A content of which nothing is known but its name.
    Bare = 3,
    /// It is no more.
    Gone = 4,
}

/// Bit of a read whose content was not seen.
const UNSEEN: u8 = 1 << 6;
const SORTS: [Sort; 5] = [Sort::Run, Sort::Write, Sort::Read, Sort::Bare, Sort::Gone];

/// A mark over numbers: of an occurrence whose place and content have one, and whose path is relative.
pub(super) fn mark_of(place: u32, content: u32, origins: &[u32]) -> Mark {
    let mut bytes = Vec::with_capacity(9 + origins.len() * 4);
    bytes.push(b'n');
    for number in [place, content].iter().chain(origins) {
        bytes.extend_from_slice(&number.to_be_bytes());
    }
    mark(&bytes)
}

/// A mark over any bytes.
pub(super) fn mark(bytes: &[u8]) -> Mark {
    let digest = Digest::of(bytes);
    Mark::from_be_bytes(digest.as_bytes()[..16].try_into().expect("invariant: a digest has 32 bytes"))
}

/// All vertices. The first ones are in order of the entries that stand for them.
#[derive(Debug, Default)]
pub(super) struct Vertices {
    at: Vec<u32>,
    sorts: Vec<u8>,
    /// So many are runs and writes, by position.
    ordered: usize,
    runs: Vec<(u32, u32)>,
    marks: Vec<(Mark, u32)>,
    /// Contents of reads, with the reads.
    contents: Vec<(u32, u32)>,
    late: Late,
}

/// What came after the columns were sorted.
#[derive(Debug, Default)]
struct Late {
    runs: HashMap<u32, u32>,
    writes: HashMap<u32, u32>,
    marks: HashMap<Mark, u32>,
    contents: HashMap<u32, Vec<u32>>,
}

impl Vertices {
    pub fn len(&self) -> usize {
        self.at.len()
    }

    pub fn sort(&self, id: u32) -> Sort {
        SORTS[usize::from(self.sorts[id as usize] & 7)]
    }

    /// What an artifact is to people; none for runs.
    pub fn kind(&self, id: u32) -> Option<ArtifactKind> {
        (self.sort(id) != Sort::Run).then(|| ArtifactKind::ALL[usize::from(self.sorts[id as usize] >> 3 & 7)])
    }

    pub fn set_kind(&mut self, id: u32, kind: ArtifactKind) {
        let (sort, unseen) = (self.sort(id), self.sorts[id as usize] & UNSEEN);
        self.sorts[id as usize] = pack(sort, kind) | unseen;
    }

    /// The position of the entry that stands for it; of a bare content its number.
    pub fn at(&self, id: u32) -> u32 {
        self.at[id as usize]
    }

    pub fn set_at(&mut self, id: u32, at: u32) {
        self.at[id as usize] = at;
    }

    /// Adds a vertex, which is new.
    pub fn push(&mut self, sort: Sort, kind: ArtifactKind, at: u32) -> u32 {
        let id = u32::try_from(self.at.len()).ok().filter(|id| *id != NONE).expect("invariant: fewer than 2^32 vertices");
        self.at.push(at);
        self.sorts.push(pack(sort, kind));
        id
    }

    /// After the runs and writes, by position, are there, and before anything else is.
    pub fn ordered(&mut self, runs: Vec<(u32, u32)>) {
        self.ordered = self.at.len();
        self.runs = runs;
        self.runs.sort_unstable();
    }

    /// Sorts what came since into the columns. `contents` is small: it is taken along when the whole is sorted anyway.
    pub fn settle(&mut self) {
        self.marks.extend(std::mem::take(&mut self.late.marks));
        self.marks.sort_unstable();
        self.marks.shrink_to_fit();
        let contents = std::mem::take(&mut self.late.contents);
        self.contents.extend(contents.into_iter().flat_map(|(content, ids)| ids.into_iter().map(move |id| (content, id))));
        self.contents.sort_unstable();
        self.contents.shrink_to_fit();
        self.at.shrink_to_fit();
        self.sorts.shrink_to_fit();
    }

    /// Takes over marks and contents of many new reads.
    pub fn read(&mut self, id: u32, mark: Mark, content: u32) {
        self.marks.push((mark, id));
        self.contents.push((content, id));
        self.mark_unseen(id, content);
    }

    fn mark_unseen(&mut self, id: u32, content: u32) {
        if content == NONE {
            self.sorts[id as usize] |= UNSEEN;
        }
    }

    /// Whether it is a read of something whose content was not seen.
    pub fn is_unseen(&self, id: u32) -> bool {
        self.sort(id) == Sort::Read && self.sorts[id as usize] & UNSEEN != 0
    }

    pub fn run(&self, number: u32) -> Option<u32> {
        let found = self.runs.binary_search_by_key(&number, |(number, _)| *number).ok().map(|at| self.runs[at].1);
        found.or_else(|| self.late.runs.get(&number).copied())
    }

    pub fn add_run(&mut self, number: u32, at: u32) -> u32 {
        let id = self.push(Sort::Run, ArtifactKind::Other, at);
        self.late.runs.insert(number, id);
        id
    }

    pub fn write(&self, position: u32) -> Option<u32> {
        let ordered = &self.at[..self.ordered];
        let from = ordered.partition_point(|at| *at < position);
        let same = ordered[from..].iter().take_while(|at| **at == position).count();
        let found = (from..from + same).map(|id| id as u32).find(|id| self.sort(*id) == Sort::Write);
        found.or_else(|| self.late.writes.get(&position).copied())
    }

    pub fn add_write(&mut self, position: u32, kind: ArtifactKind) -> u32 {
        let id = self.push(Sort::Write, kind, position);
        self.late.writes.insert(position, id);
        id
    }

    pub fn marked(&self, mark: Mark) -> Option<u32> {
        let late = self.late.marks.get(&mark).copied();
        let sorted = || self.marks.binary_search_by_key(&mark, |(mark, _)| *mark).ok().map(|at| self.marks[at].1);
        late.or_else(sorted).filter(|id| self.sort(*id) != Sort::Gone)
    }

    pub fn add_marked(&mut self, sort: Sort, mark: Mark, content: u32, at: u32) -> u32 {
        let id = self.push(sort, ArtifactKind::Other, at);
        self.late.marks.insert(mark, id);
        self.late.contents.entry(content).or_default().push(id);
        self.mark_unseen(id, content);
        id
    }

    /// Reads of a content that are still there.
    pub fn reads_of(&self, content: u32) -> Vec<u32> {
        let from = self.contents.partition_point(|(found, _)| *found < content);
        let sorted = self.contents[from..].iter().take_while(|(found, _)| *found == content).map(|(_, id)| *id);
        let late = self.late.contents.get(&content).into_iter().flatten().copied();
        sorted.chain(late).filter(|id| self.sort(*id) != Sort::Gone).collect()
    }

    pub fn forget(&mut self, id: u32) {
        self.sorts[id as usize] = pack(Sort::Gone, ArtifactKind::Other);
    }

    /// Bytes in memory.
    pub fn bytes(&self) -> usize {
        let late = (self.late.runs.capacity() + self.late.writes.capacity()) * 9
            + self.late.marks.capacity() * 33
            + self.late.contents.capacity() * 33;
        self.at.capacity() * 4
            + self.sorts.capacity()
            + self.runs.capacity() * 8
            + self.marks.capacity() * 32
            + self.contents.capacity() * 8
            + late
    }
}

fn pack(sort: Sort, kind: ArtifactKind) -> u8 {
    let kind = ArtifactKind::ALL.iter().position(|known| *known == kind).unwrap_or_default();
    sort as u8 | (kind as u8) << 3
}

/// A set of numbers.
#[derive(Debug, Default, Clone)]
pub(super) struct Bits(Vec<u64>);

impl Bits {
    pub fn with(length: usize) -> Self {
        Self(vec![0; length.div_ceil(64)])
    }

    pub fn has(&self, at: u32) -> bool {
        self.0.get(at as usize / 64).is_some_and(|word| word >> (at % 64) & 1 == 1)
    }

    /// Says whether it was new.
    pub fn add(&mut self, at: u32) -> bool {
        let word = at as usize / 64;
        if word >= self.0.len() {
            self.0.resize(word + 1, 0);
        }
        let new = !self.has(at);
        self.0[word] |= 1 << (at % 64);
        new
    }

    pub fn iter(&self) -> impl Iterator<Item = u32> {
        self.0
            .iter()
            .enumerate()
            .filter(|(_, word)| **word != 0)
            .flat_map(|(at, word)| (0..64_u32).filter(move |bit| word >> bit & 1 == 1).map(move |bit| at as u32 * 64 + bit))
    }
}
