//! Contents: which files are to be hashed, in which order, and the hashing itself, in slices so that events keep draining.
//!
//! A digest counts for a read only when `fstat` on the watcher's own descriptor, before and after, equals the stat of the program's open.
//! Files are read, never mapped: a file cut short under a mapping would kill the watcher.

use std::collections::VecDeque;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use keizu_record::Digest;

use crate::account::Content;
use crate::event::Stat;
use crate::host::Memory;

use super::names::{Names, NodeId};
use super::objects::{Look, ObjectId, Objects, StatExt};

/// Bytes read at once; a file up to this size is hashed, and kept, from memory.
const PIECE_BYTES: usize = 1 << 20;
/// A stat identifies a content only when the file had been left alone for longer than the clock's grain when it was read.
const SETTLED: Duration = Duration::from_millis(20);
/// An output that was left alone for this long is hashed ahead of the end.
const QUIET: Duration = Duration::from_secs(2);
/// How often an output is read again when it changes meanwhile.
const TRIES: u32 = 3;

pub(super) const PREVIOUS: &str = "previous content not seen";
pub(super) const GONE: &str = "gone before it could be read";
pub(super) const REPLACED: &str = "replaced before it could be read";
pub(super) const CHANGED: &str = "changed before it could be read";
pub(super) const FORBIDDEN: &str = "may not be read";
pub(super) const RESTLESS: &str = "still being written";
pub(super) const BROKEN: &str = "could not be read";

/// What the reader works on.
pub struct Scene<'a> {
    /// The files.
    pub objects: &'a mut Objects,
    /// Their names.
    pub names: &'a Names,
    /// Where digests are known and contents kept.
    pub memory: &'a mut dyn Memory,
}

/// How soon a content is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Haste {
    /// It is about to change.
    Now,
    /// It may change: a small file of the project.
    Soon,
    /// Whenever there is time.
    Later,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Aim {
    Past,
    Latest,
}

/// A large file that is being hashed.
#[derive(Debug)]
struct Job {
    object: ObjectId,
    aim: Aim,
    file: File,
    path: PathBuf,
    first: Stat,
    settled: bool,
    hasher: blake3::Hasher,
    size: u64,
}

/// The queue, and the one buffer.
#[derive(Debug)]
pub struct Reader {
    buffer: Vec<u8>,
    soon: VecDeque<ObjectId>,
    small: VecDeque<ObjectId>,
    large: VecDeque<ObjectId>,
    /// Could not be read under its known name: what happened may stand in events that are still to come.
    again: Vec<ObjectId>,
    /// Outputs, with the time at which they may have come to rest.
    ahead: VecDeque<(Instant, ObjectId)>,
    /// Begun and not ended: one that is needed sooner is begun on top.
    jobs: Vec<Job>,
    /// Contents that could not be kept, and why.
    pub failures: Vec<(PathBuf, String)>,
}

enum Opened {
    File(File, Stat),
    Miss(&'static str),
}

impl Reader {
    pub fn new() -> Self {
        Self {
            buffer: vec![0; PIECE_BYTES],
            soon: VecDeque::new(),
            small: VecDeque::new(),
            large: VecDeque::new(),
            again: Vec::new(),
            ahead: VecDeque::new(),
            jobs: Vec::new(),
            failures: Vec::new(),
        }
    }

    /// Asks for the content that an object has now, before the run writes to it.
    pub fn ask(&mut self, objects: &mut Objects, id: ObjectId, haste: Haste) {
        let past = &mut objects[id].past;
        match past.look {
            Look::Unasked => past.look = Look::Waiting,
            Look::Waiting if haste == Haste::Now => {}
            _ => return,
        }
        let large = past.stat.size > PIECE_BYTES as u64;
        match haste {
            Haste::Now => self.soon.push_front(id),
            _ if large => self.large.push_back(id),
            Haste::Soon => self.soon.push_back(id),
            Haste::Later => self.small.push_back(id),
        }
    }

    /// Says that an object is being written: it is hashed ahead of the end once it has come to rest.
    pub fn written(&mut self, id: ObjectId) {
        self.ahead.push_back((Instant::now() + QUIET, id));
    }

    /// Hashes until `deadline`; true when there is more to do at once.
    pub fn work(&mut self, scene: &mut Scene<'_>, deadline: Instant) -> bool {
        loop {
            if let Some(id) = self.soon.pop_front().or_else(|| self.small.pop_front()) {
                self.look(scene, id, false);
            } else if !self.jobs.is_empty() {
                self.slice(scene, false);
            } else if let Some(id) = self.large.pop_front() {
                self.look(scene, id, false);
            } else if !self.look_ahead(scene) {
                return false;
            }
            if Instant::now() >= deadline {
                return !(self.jobs.is_empty() && self.soon.is_empty() && self.small.is_empty() && self.large.is_empty());
            }
        }
    }

    /// Answers every question that was asked, as well as can be.
    pub fn complete(&mut self, scene: &mut Scene<'_>) {
        while let Some(id) = self.soon.pop_front().or_else(|| self.small.pop_front()).or_else(|| self.large.pop_front()) {
            self.look(scene, id, false);
            while !self.jobs.is_empty() {
                self.slice(scene, false);
            }
        }
        while !self.jobs.is_empty() {
            self.slice(scene, false);
        }
        for id in std::mem::take(&mut self.again) {
            self.look(scene, id, true);
            while !self.jobs.is_empty() {
                self.slice(scene, true);
            }
        }
    }

    /// Hashes what an object was before the run wrote to it, or begins to.
    fn look(&mut self, scene: &mut Scene<'_>, id: ObjectId, last: bool) {
        let object = &scene.objects[id];
        if object.past.look != Look::Waiting || object.made {
            return;
        }
        let past = object.past.stat;
        let name = object.names.first().copied();
        if let Some(digest) = scene.memory.known(&past) {
            let content = Content { digest, size: past.size };
            scene.objects[id].past.look = Look::Seen(content);
            if let Some(name) = name {
                self.keep_known(scene, &scene.names.path(name), &past, content);
            }
            return;
        }
        let Some(name) = name else {
            return miss(scene.objects, id, GONE);
        };
        let path = scene.names.path(name);
        match self.open_as(scene, id, &path, last) {
            Some((file, first)) if first.size <= PIECE_BYTES as u64 => self.small_past(scene, id, (file, first, path), last),
            Some((file, first)) => self.jobs.push(job(id, Aim::Past, file, path, first)),
            None => {}
        }
    }

    /// The object's file, if it still is what it was when the program opened it; notes why not otherwise.
    fn open_as(&mut self, scene: &mut Scene<'_>, id: ObjectId, path: &Path, last: bool) -> Option<(File, Stat)> {
        let (file, first) = match open(path) {
            Opened::File(file, first) => (file, first),
            Opened::Miss(why) => {
                self.missed(scene.objects, id, why, last);
                return None;
            }
        };
        let object = &scene.objects[id];
        if object.unchanged(&first) {
            return Some((file, first));
        }
        let same = first.key() == object.key;
        if same && last && object.write_at.is_none() && object.past.stat.same_but_ctime(&first) {
            let past = &mut scene.objects[id].past;
            past.changed = Some("its inode changed before it could be read");
            past.checked = Some(first);
            return Some((file, first));
        }
        self.missed(scene.objects, id, if same { CHANGED } else { REPLACED }, last);
        None
    }

    /// A content was not to be had. Unless this was the last chance, events to come may tell of another name.
    fn missed(&mut self, objects: &mut Objects, id: ObjectId, why: &'static str, last: bool) {
        let object = &mut objects[id];
        if object.write_at.is_some() && matches!(why, CHANGED | REPLACED) {
            object.past.look = Look::Missed(PREVIOUS);
        } else if last || why == FORBIDDEN {
            object.past.look = Look::Missed(why);
            if why == CHANGED || why == REPLACED {
                object.past.changed = Some("changed while it was read");
            }
        } else {
            self.again.push(id);
        }
    }

    fn small_past(&mut self, scene: &mut Scene<'_>, id: ObjectId, opened: (File, Stat, PathBuf), last: bool) {
        let (mut file, first, path) = opened;
        let settled = settled(&first);
        let length = match fill(&mut file, &mut self.buffer, first.size) {
            Ok(length) => length,
            Err(_) => return miss(scene.objects, id, BROKEN),
        };
        if stat_of(&file).ok() != Some(first) || length as u64 != first.size {
            return self.missed(scene.objects, id, CHANGED, last);
        }
        let bytes = &self.buffer[..length];
        let content = Content { digest: Digest::of(bytes), size: first.size };
        if settled {
            scene.memory.learn(&first, content.digest);
        }
        scene.objects[id].past.look = Look::Seen(content);
        if scene.memory.wants(&path, content.size)
            && let Err(error) = scene.memory.keep(content.digest, &mut &*bytes)
        {
            self.failures.push((path, error.to_string()));
        }
    }

    /// One more piece of the large file.
    fn slice(&mut self, scene: &mut Scene<'_>, last: bool) {
        let Some(job) = self.jobs.last_mut() else { return };
        match job.file.read(&mut self.buffer) {
            Ok(0) => {}
            Ok(length) => {
                job.hasher.update(&self.buffer[..length]);
                job.size += length as u64;
                // beyond its size at the start it is another file already
                if job.size <= job.first.size {
                    return;
                }
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => return,
            Err(_) => {
                let job = self.jobs.pop().expect("invariant: a job");
                if job.aim == Aim::Past {
                    miss(scene.objects, job.object, BROKEN);
                }
                return;
            }
        }
        let job = self.jobs.pop().expect("invariant: a job");
        self.end(scene, job, last);
    }

    fn end(&mut self, scene: &mut Scene<'_>, job: Job, last: bool) {
        let still = stat_of(&job.file).ok() == Some(job.first) && job.size == job.first.size;
        let content = Content { digest: Digest::new(*job.hasher.finalize().as_bytes()), size: job.size };
        if still && job.settled {
            scene.memory.learn(&job.first, content.digest);
        }
        match job.aim {
            Aim::Latest if still => scene.objects[job.object].latest = Some((job.first, content.digest)),
            Aim::Latest => self.written(job.object),
            Aim::Past if !still => self.missed(scene.objects, job.object, CHANGED, last),
            Aim::Past => {
                scene.objects[job.object].past.look = Look::Seen(content);
                self.keep_known(scene, &job.path, &job.first, content);
            }
        }
    }

    /// Hashes one output that has come to rest; false when none has.
    fn look_ahead(&mut self, scene: &mut Scene<'_>) -> bool {
        let now = Instant::now();
        if self.ahead.front().is_none_or(|(due, _)| *due > now) {
            return false;
        }
        let Some((_, id)) = self.ahead.pop_front() else { return false };
        let Some(name) = scene.objects[id].names.first() else { return true };
        let path = scene.names.path(*name);
        if let Opened::File(file, first) = open(&path) {
            let object = &scene.objects[id];
            if first.key() != object.key || object.latest.is_some_and(|(stat, _)| stat == first) {
            } else if age(&first) < QUIET {
                self.written(id);
            } else {
                self.jobs.push(job(id, Aim::Latest, file, path, first));
            }
        }
        true
    }

    /// What stands at `node` now, hashed unless its digest is known; kept, when `keep` says so, if the memory wants it.
    pub fn latest(&mut self, scene: &mut Scene<'_>, node: NodeId, id: ObjectId, keep: bool) -> Result<(Stat, Digest), &'static str> {
        let path = scene.names.path(node);
        for _ in 0..TRIES {
            let (file, first) = match open(&path) {
                Opened::File(file, first) => (file, first),
                Opened::Miss(why) => return Err(why),
            };
            let object = &scene.objects[id];
            let remembered = object.latest.filter(|(stat, _)| *stat == first).map(|(_, digest)| digest);
            let past = object.past_content().filter(|_| first.key() == object.key && object.unchanged(&first)).map(|c| c.digest);
            let digest = match remembered.or(past).or_else(|| scene.memory.known(&first)) {
                Some(digest) => digest,
                None => match self.hash(scene, file, &first)? {
                    Some(digest) => digest,
                    None => continue,
                },
            };
            if keep && scene.objects[id].kept != Some(digest) {
                self.keep_known(scene, &path, &first, Content { digest, size: first.size });
                scene.objects[id].kept = Some(digest);
            }
            scene.objects[id].latest = Some((first, digest));
            return Ok((first, digest));
        }
        Err(RESTLESS)
    }

    /// The digest of a whole file; `None` when it changed meanwhile.
    fn hash(&mut self, scene: &mut Scene<'_>, mut file: File, first: &Stat) -> Result<Option<Digest>, &'static str> {
        let settled = settled(first);
        let mut hasher = blake3::Hasher::new();
        let mut size = 0;
        while size < first.size {
            match file.read(&mut self.buffer) {
                Ok(0) => break,
                Ok(length) => {
                    hasher.update(&self.buffer[..length]);
                    size += length as u64;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return Err(BROKEN),
            }
        }
        if stat_of(&file).ok().as_ref() != Some(first) || size != first.size {
            return Ok(None);
        }
        let digest = Digest::new(*hasher.finalize().as_bytes());
        if settled {
            scene.memory.learn(first, digest);
        }
        Ok(Some(digest))
    }

    /// Keeps a file whose digest is known, if it still is that file.
    fn keep_known(&mut self, scene: &mut Scene<'_>, path: &Path, stat: &Stat, content: Content) {
        if !scene.memory.wants(path, content.size) {
            return;
        }
        let Opened::File(mut file, now) = open(path) else { return };
        if now.key() != stat.key() || now.size != stat.size {
            return;
        }
        if let Err(error) = file.rewind().and_then(|()| scene.memory.keep(content.digest, &mut file)) {
            self.failures.push((path.to_path_buf(), error.to_string()));
        }
    }
}

fn miss(objects: &mut Objects, id: ObjectId, why: &'static str) {
    objects[id].past.look = Look::Missed(why);
}

fn job(object: ObjectId, aim: Aim, file: File, path: PathBuf, first: Stat) -> Job {
    Job { object, aim, file, path, first, settled: settled(&first), hasher: blake3::Hasher::new(), size: 0 }
}

/// Opens a regular file without waiting for anyone: a pipe that took its name must not hold the watcher.
fn open(path: &Path) -> Opened {
    let file = match OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY | libc::O_NOFOLLOW).open(path) {
        Ok(file) => file,
        Err(error) => {
            return Opened::Miss(match error.kind() {
                ErrorKind::NotFound | ErrorKind::NotADirectory => GONE,
                ErrorKind::PermissionDenied => FORBIDDEN,
                _ if error.raw_os_error() == Some(libc::ELOOP) => REPLACED,
                _ => BROKEN,
            });
        }
    };
    match file.metadata() {
        Ok(metadata) if metadata.is_file() => Opened::File(file, stat(&metadata)),
        Ok(_) => Opened::Miss(REPLACED),
        Err(_) => Opened::Miss(BROKEN),
    }
}

/// Reads up to `size` bytes; fewer only at the end of the file.
fn fill(file: &mut File, buffer: &mut [u8], size: u64) -> io::Result<usize> {
    let wanted = buffer.len().min(usize::try_from(size).unwrap_or(usize::MAX));
    let mut length = 0;
    while length < wanted {
        match file.read(&mut buffer[length..wanted]) {
            Ok(0) => break,
            Ok(more) => length += more,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(length)
}

fn stat_of(file: &File) -> io::Result<Stat> {
    Ok(stat(&file.metadata()?))
}

/// What `stat` says of a file.
pub(super) fn stat(metadata: &Metadata) -> Stat {
    Stat {
        dev: metadata.dev(),
        ino: metadata.ino(),
        size: metadata.size(),
        mtime: metadata.mtime().saturating_mul(1_000_000_000).saturating_add(metadata.mtime_nsec()),
        ctime: metadata.ctime().saturating_mul(1_000_000_000).saturating_add(metadata.ctime_nsec()),
        folder: metadata.is_dir(),
    }
}

/// How long a file has been left alone; zero when its times lie in the future.
fn age(stat: &Stat) -> Duration {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let last = u64::try_from(stat.mtime.max(stat.ctime)).map(Duration::from_nanos).unwrap_or_default();
    now.saturating_sub(last)
}

fn settled(stat: &Stat) -> bool {
    age(stat) > SETTLED
}
