//! Reads and writes of plain contents, joined from lines alone, without looking at a single record.
//!
//! A content is plain when all that was said of it is reads and writes by relative paths, without symbolic links, and in one project unless nobody wrote
//! it; when no collection that was written holds it, nor one that was read, as long as it came from outside itself; when nobody mended what a run that
//! touched it says, and no two of its writes are of the same moment. Then *the same place* is the same number. Everything else is hard, and left to the
//! rules themselves (`hard`).
//!
//! ```text
//! scan 0    runs and writes get their ids, in order of position; marks of hard contents; how many touches each stretch of contents has
//! scan 1…n  the touches of as many contents as fit, sorted by content and time: each read finds the last write at its place
//! ```

use foldhash::{HashMap, HashSet};
use keizu_record::body::ArtifactKind;
use keizu_record::brief::{Line, SIZE_UNKNOWN};
use keizu_record::{Digest, Kind, NodeId};

use super::vertices::{Bits, Mark, NONE, Sort, Vertices, mark_of};
use crate::{Outline, SAME_CONTENT_BYTES_MIN};

/// Contents whose touches are counted together.
const STRETCH: u32 = 1 << 12;

/// Folders that are opened together.
const FOLDERS_MAX: usize = 256;

/// What a scan of all lines leaves for the next.
pub(super) struct Plain {
    pub vertices: Vertices,
    /// Links: from, to.
    pub links: Vec<(u32, u32)>,
    /// Contents that are not plain.
    pub hard: Bits,
    /// Runs whose touches without content must be looked at one by one.
    pub odd_runs: Bits,
    /// The position after the last.
    pub next: u64,
    /// Subjects of which something is mended.
    pub mended: Bits,
    /// Members of any collection.
    held: Bits,
    /// Collections that somebody wrote.
    folders: Bits,
    /// Id of each run, by its number.
    runs: Vec<u32>,
    /// Touches of plain contents by stretch.
    counts: Vec<u32>,
    unseen: Vec<Touch>,
}

/// A read or a write.
#[derive(Clone, Copy)]
struct Touch {
    content: u32,
    place: u32,
    project: u32,
    run: u32,
    /// A write's vertex, a read's position.
    who: u32,
    made: bool,
    small: bool,
    kind: ArtifactKind,
    at: i64,
}

pub(super) fn position(line: &Line) -> u32 {
    u32::try_from(line.position).ok().filter(|position| *position != NONE).expect("invariant: fewer than 2^32 entries")
}

/// Whether the touch alone makes its content hard.
fn is_hard(line: &Line) -> bool {
    let brief = &line.brief;
    brief.target || brief.absolute || brief.collection || line.place.is_none() || line.project.is_none()
}

fn is_small(size_bits: u8) -> bool {
    // fewer bits than the least size that is large enough
    size_bits != SIZE_UNKNOWN && u32::from(size_bits) < u64::BITS - SAME_CONTENT_BYTES_MIN.leading_zeros()
}

impl Plain {
    /// Scan 0.
    pub fn scan<S: Outline>(source: &S) -> Result<Self, S::Error> {
        let mut plain = Self {
            vertices: Vertices::default(),
            links: Vec::new(),
            hard: Bits::default(),
            odd_runs: Bits::default(),
            next: 0,
            mended: Bits::default(),
            held: Bits::default(),
            folders: Bits::default(),
            runs: Vec::new(),
            counts: Vec::new(),
            unseen: Vec::new(),
        };
        let mut unseen = Vec::new();
        source.lines(0, &mut |line| plain.line(line, &mut unseen))?;
        source.held(&mut |content| {
            plain.held.add(content);
        })?;
        plain.open_folders(source)?;
        for touch in unseen {
            // the run's number stands for it until all that is mended is known
            if plain.mended.has(touch.run) {
                plain.odd_runs.add(touch.run);
            } else {
                let run = plain.runs[touch.run as usize];
                if touch.made { plain.links.push((run, touch.who)) } else { plain.unseen.push(Touch { run, ..touch }) }
            }
        }
        let runs = plain.runs.iter().enumerate().filter(|(_, id)| **id != NONE).map(|(number, id)| (number as u32, *id)).collect();
        plain.vertices.ordered(runs);
        Ok(plain)
    }

    /// A file may have been written as one of a folder's.
    fn open_folders<S: Outline>(&mut self, source: &S) -> Result<(), S::Error> {
        let folders: Vec<u32> = self.folders.iter().collect();
        for chunk in folders.chunks(FOLDERS_MAX) {
            let contents: Vec<Digest> = source.numbered(chunk)?.iter().flatten().filter_map(NodeId::artifact).collect();
            let members: Vec<NodeId> = source.members_of(&contents)?.into_iter().map(|member| member.member.into()).collect();
            for number in source.numbers(&members)?.into_iter().flatten() {
                self.hard.add(number);
            }
        }
        Ok(())
    }

    fn line(&mut self, line: &Line, unseen: &mut Vec<Touch>) {
        let (brief, at) = (&line.brief, position(line));
        self.next = line.position + 1;
        if brief.mends {
            self.mended.add(line.subject);
        }
        if brief.kin {
            self.hard.add(line.subject);
        }
        if let Some(content) = line.content().filter(|_| brief.kin || brief.reading) {
            self.hard.add(content);
        }
        if brief.edge || matches!(line.kind, Kind::RunBegan | Kind::RunEnded) {
            let number = line.subject as usize;
            if number >= self.runs.len() {
                self.runs.resize(number + 1, NONE);
            }
            if self.runs[number] == NONE {
                self.runs[number] = self.vertices.push(Sort::Run, ArtifactKind::Other, at);
            }
        }
        if !brief.is_lineage(line.kind) {
            return;
        }
        let write = if line.kind == Kind::Made { Some(self.vertices.push(Sort::Write, brief.artifact, at)) } else { None };
        let Some(content) = line.content() else {
            if write.is_none() && is_hard(line) {
                self.odd_runs.add(line.subject);
            } else {
                unseen.push(touch(line, NONE, write.unwrap_or(at), line.subject));
            }
            return;
        };
        if is_hard(line) {
            self.hard.add(content);
        }
        if brief.collection && write.is_some() {
            self.folders.add(content);
        }
        let stretch = (content / STRETCH) as usize;
        if stretch >= self.counts.len() {
            self.counts.resize(stretch + 1, 0);
        }
        self.counts[stretch] += 1;
    }

    /// Scans 1 to n: at most so many touches at once, as long as one stretch has not more.
    pub fn join<S: Outline>(&mut self, source: &S, touches_max: usize) -> Result<(), S::Error> {
        let counts = std::mem::take(&mut self.counts);
        let (mut from, mut to) = (0, 0);
        while to < counts.len() {
            let mut sum = 0;
            while to < counts.len() && (to == from || sum + counts[to] as usize <= touches_max) {
                sum += counts[to] as usize;
                to += 1;
            }
            if sum > 0 {
                self.pass(source, from as u32 * STRETCH, to as u32 * STRETCH, sum)?;
            }
            from = to;
        }
        let mut unseen = std::mem::take(&mut self.unseen);
        // nobody saw what was read: what was read at the same place is the same
        unseen.iter_mut().for_each(|touch| touch.content = NONE);
        unseen.sort_unstable_by_key(|touch| (touch.place, touch.at, touch.who));
        for group in unseen.chunk_by(|a, b| a.place == b.place) {
            self.group(group);
        }
        self.runs = Vec::new();
        Ok(())
    }

    fn pass<S: Outline>(&mut self, source: &S, from: u32, to: u32, sum: usize) -> Result<(), S::Error> {
        let mut touches: Vec<Touch> = Vec::with_capacity(sum);
        let mut cursor = 0;
        source.lines(0, &mut |line| {
            if line.position >= self.next || !line.brief.is_lineage(line.kind) {
                return;
            }
            let made = line.kind == Kind::Made;
            let Some(content) = line.content().filter(|content| (from..to).contains(content)) else { return };
            if self.mended.has(line.subject) {
                self.hard.add(content);
            }
            if self.hard.has(content) {
                return;
            }
            let who = if made { self.write_at(position(line), &mut cursor) } else { position(line) };
            touches.push(touch(line, content, who, self.runs[line.subject as usize]));
        })?;
        touches.sort_unstable_by_key(|touch| (touch.content, touch.at, !touch.made, touch.who));
        for group in touches.chunk_by(|a, b| a.content == b.content) {
            self.group(group);
        }
        Ok(())
    }

    /// The vertex of a write: positions come in order, as the vertices do.
    fn write_at(&self, position: u32, cursor: &mut u32) -> u32 {
        while self.vertices.at(*cursor) < position || self.vertices.sort(*cursor) != Sort::Write {
            *cursor += 1;
        }
        *cursor
    }

    /// The touches of one content, in order of time, writes first.
    fn group(&mut self, group: &[Touch]) {
        let content = group[0].content;
        let is_plain = || is_plain(group) && (!self.held.has(content) || all_were_written(group));
        if content != NONE && (self.hard.has(content) || !is_plain()) {
            self.hard.add(content);
            return;
        }
        let mut joining = Joining::default();
        for touch in group {
            if touch.made {
                self.links.push((touch.run, touch.who));
                joining.last.insert(touch.place, joining.writes.len());
                joining.writes.push(*touch);
                continue;
            }
            let vertex = match joining.last.get(&touch.place).map(|at| joining.writes[*at]) {
                Some(write) if write.run == touch.run => continue,
                Some(write) => write.who,
                None => self.source(&mut joining, touch),
            };
            self.links.push((vertex, touch.run));
        }
    }

    /// The occurrence that was read where no write was seen, with links from equal contents that were written elsewhere before.
    fn source(&mut self, joining: &mut Joining, read: &Touch) -> u32 {
        let others = joining.writes.iter().filter(|write| write.run != read.run && !read.small).map(|write| write.who);
        let mut origins: Vec<u32> = others.collect();
        origins.sort_unstable();
        let key = (read.place, origins);
        if let Some(known) = joining.sources.get(&key) {
            return *known;
        }
        let positions: Vec<u32> = key.1.iter().map(|write| self.vertices.at(*write)).collect();
        let mark: Mark = mark_of(read.place, read.content, &positions);
        let id = self.vertices.push(Sort::Read, read.kind, read.who);
        self.vertices.read(id, mark, read.content);
        self.links.extend(key.1.iter().map(|write| (*write, id)));
        joining.sources.insert(key, id);
        id
    }
}

/// What is known so far of the content that is being joined.
#[derive(Default)]
struct Joining {
    writes: Vec<Touch>,
    /// The last write at each place.
    last: HashMap<u32, usize>,
    sources: HashMap<(u32, Vec<u32>), u32>,
}

fn touch(line: &Line, content: u32, who: u32, run: u32) -> Touch {
    Touch {
        content,
        place: line.place.unwrap_or(NONE),
        project: line.project.unwrap_or(NONE),
        run,
        who,
        made: line.kind == Kind::Made,
        small: is_small(line.brief.size_bits),
        kind: line.brief.artifact,
        at: line.happened.0,
    }
}

/// One project, unless nobody wrote it, and no two writes of the same moment.
fn is_plain(group: &[Touch]) -> bool {
    let twice = |pair: &[Touch]| pair[0].made && pair[1].made && pair[0].at == pair[1].at;
    let one_project = || group.iter().all(|touch| touch.project == group[0].project);
    (one_project() || group.iter().all(|touch| !touch.made)) && !group.windows(2).any(twice)
}

/// Whether each read, in order of time, has a write before it at its place.
fn all_were_written(group: &[Touch]) -> bool {
    let mut written: HashSet<u32> = HashSet::default();
    group.iter().all(|touch| {
        if touch.made {
            written.extend([touch.place]);
            true
        } else {
            written.contains(&touch.place)
        }
    })
}
