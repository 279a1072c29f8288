//! Digests of files that were hashed before, in a file of its own that may be deleted at any time.
//!
//! It never blocks and never fails: when the file is locked, damaged or cannot be written, the cache is as good as empty. Each row carries a
//! check of its own, since the file is written without waiting for the disk, and a digest torn by a power cut must not become a content's
//! identity.
//!
//! One row per file (device, inode): what the file was before is of no use to anybody. Who asks for the same many files again and again, all of them
//! unchanged, is answered from one row that holds the digests of all.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use keizu_record::Digest;
use rusqlite::{Connection, OptionalExtension as _, params};

/// After so many new digests the cache writes them down by itself.
const BATCH_MAX: usize = 4096;
/// From so many files on the cache is read from end to end, instead of looked into for each.
const SCAN_MIN: usize = 1_000;
/// So many answers to questions about many files are kept, of so many files each at most.
const PACKS_MAX: usize = 8;
const PACKED_MAX: usize = 1_000_000;
/// How long others may be writing before this process forgets its batch.
const WRITE_WAIT: Duration = Duration::from_millis(100);

/// What tells one state of a file from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileState {
    /// Device.
    pub dev: u64,
    /// Inode.
    pub ino: u64,
    /// Bytes.
    pub size: u64,
    /// Content changed, nanoseconds since the epoch.
    pub mtime: i64,
    /// Anything changed, nanoseconds since the epoch.
    pub ctime: i64,
}

/// The digests of files that have not changed since they were hashed.
///
/// Only to be told of files that had been left alone for longer than the clock's grain when they were hashed: a file written twice within one
/// tick has the same state with two contents.
pub struct Cache {
    path: PathBuf,
    /// Opened when it is asked for the first time: most commands never do.
    file: OnceCell<Option<Connection>>,
    fresh: HashMap<(u64, u64), (FileState, Digest)>,
}

impl Cache {
    /// The cache in this file, made when it is not there. Without the file's folder, or when it cannot be used, an empty cache.
    pub fn open(path: &Path) -> Self {
        Self { path: path.to_owned(), file: OnceCell::new(), fresh: HashMap::new() }
    }

    fn file(&self) -> Option<&Connection> {
        self.file.get_or_init(|| connect(&self.path)).as_ref()
    }

    /// The digest of a file in exactly this state.
    pub fn get(&self, state: &FileState) -> Option<Digest> {
        if let Some((known, digest)) = self.fresh.get(&(state.dev, state.ino)) {
            return (known == state).then_some(*digest);
        }
        let mut query = self.file()?.prepare_cached(GET).ok()?;
        let [dev, ino, size] = [state.dev, state.ino, state.size].map(u64::cast_signed);
        let row = query
            .query_row(params![dev, ino, size, state.mtime, state.ctime], |row| Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, i64>(1)?)))
            .optional();
        let (digest, found) = row.ok().flatten()?;
        let digest = Digest::from_slice(&digest)?;
        (found == check(state, &digest)).then_some(digest)
    }

    /// The digests of many files at once, each in exactly this state: one look at the file instead of a lock for each.
    pub fn get_all(&self, states: &[FileState]) -> Vec<Option<Digest>> {
        let Some(file) = self.file().filter(|_| states.len() >= SCAN_MIN) else {
            return states.iter().map(|state| self.get(state)).collect();
        };
        let packable = self.fresh.is_empty() && states.len() <= PACKED_MAX;
        let key = packable.then(|| fingerprint(states));
        if let Some(found) = key.and_then(|key| unpack(file, &key, states.len())) {
            return found.into_iter().map(Some).collect();
        }
        let found = self.get_each(file, states);
        if let (Some(key), Some(all)) = (key, found.iter().copied().collect::<Option<Vec<Digest>>>()) {
            // it is only quicker the next time
            let _ = pack(file, &key, &all);
        }
        found
    }

    fn get_each(&self, file: &Connection, states: &[FileState]) -> Vec<Option<Digest>> {
        let mut found = vec![None; states.len()];
        let wanted: HashMap<(u64, u64), usize> = states.iter().enumerate().map(|(at, state)| ((state.dev, state.ino), at)).collect();
        let known = scan(file, |row| {
            let Some(at) = wanted.get(&(row.0.dev, row.0.ino)) else { return };
            if row.0 == states[*at] && row.2 == check(&row.0, &row.1) {
                found[*at] = Some(row.1);
            }
        });
        if known.is_err() {
            found.fill(None);
        }
        // what was put and not yet written, and a file of which the same state was asked twice
        for (at, state) in states.iter().enumerate() {
            match self.fresh.get(&(state.dev, state.ino)) {
                Some((known, digest)) => found[at] = (known == state).then_some(*digest),
                None if wanted.get(&(state.dev, state.ino)) != Some(&at) => found[at] = self.get(state),
                None => {}
            }
        }
        found
    }

    /// Remembers the digest of a file in this state.
    pub fn put(&mut self, state: FileState, digest: Digest) {
        self.fresh.insert((state.dev, state.ino), (state, digest));
        if self.fresh.len() >= BATCH_MAX {
            self.flush();
        }
    }

    /// Writes down what was put. When that cannot be done, it is forgotten.
    pub fn flush(&mut self) {
        let fresh = std::mem::take(&mut self.fresh);
        if fresh.is_empty() {
            return;
        }
        let _ = self.file();
        let written = self.file.get_mut().and_then(Option::as_mut).map(|file| write(file, fresh.values()));
        if let Some(Err(error)) = written {
            use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
            if matches!(error.sqlite_error_code(), Some(DatabaseCorrupt | NotADatabase)) {
                // closed before its file is made again
                self.file = OnceCell::from(None);
                self.file = OnceCell::from(begin_again(&self.path));
            }
        }
    }
}

impl Drop for Cache {
    fn drop(&mut self) {
        self.flush();
    }
}

const GET: &str = "SELECT digest, sum FROM digest WHERE dev = $1 AND ino = $2 AND size = $3 AND mtime = $4 AND ctime = $5";
const SCAN: &str = "SELECT dev, ino, size, mtime, ctime, digest, sum FROM digest";
const PUT: &str = "INSERT INTO digest (dev, ino, size, mtime, ctime, digest, sum) VALUES ($1, $2, $3, $4, $5, $6, $7) \
    ON CONFLICT (dev, ino) DO UPDATE SET size = excluded.size, mtime = excluded.mtime, ctime = excluded.ctime, \
    digest = excluded.digest, sum = excluded.sum";
const TABLE: &str = "CREATE TABLE IF NOT EXISTS digest (dev INTEGER NOT NULL, ino INTEGER NOT NULL, size INTEGER NOT NULL, \
    mtime INTEGER NOT NULL, ctime INTEGER NOT NULL, digest BLOB NOT NULL, sum INTEGER NOT NULL, PRIMARY KEY (dev, ino)) WITHOUT ROWID";

const PACK: &str =
    "CREATE TABLE IF NOT EXISTS pack (number INTEGER PRIMARY KEY, states BLOB NOT NULL UNIQUE, digests BLOB NOT NULL, sum BLOB NOT NULL)";

/// Stands for these states in this order.
fn fingerprint(states: &[FileState]) -> Digest {
    let mut bytes = Vec::with_capacity(states.len() * 40);
    for state in states {
        for number in [state.dev, state.ino, state.size, state.mtime.cast_unsigned(), state.ctime.cast_unsigned()] {
            bytes.extend_from_slice(&number.to_be_bytes());
        }
    }
    Digest::of(&bytes)
}

fn sum(key: &Digest, digests: &[u8]) -> Digest {
    let mut hasher = blake3::Hasher::new();
    hasher.update(key.as_bytes()).update(digests);
    Digest::new(*hasher.finalize().as_bytes())
}

fn unpack(file: &Connection, key: &Digest, count: usize) -> Option<Vec<Digest>> {
    let mut query = file.prepare_cached("SELECT digests, sum FROM pack WHERE states = $1").ok()?;
    let mut rows = query.query([key.as_bytes()]).ok()?;
    let row = rows.next().ok()??;
    let digests = row.get_ref(0).ok()?.as_blob().ok()?;
    let whole = digests.len() == count * 32 && row.get_ref(1).ok()?.as_blob().ok()? == sum(key, digests).as_bytes();
    whole.then(|| digests.chunks_exact(32).filter_map(Digest::from_slice).collect())
}

fn pack(file: &Connection, key: &Digest, all: &[Digest]) -> rusqlite::Result<()> {
    let digests: Vec<u8> = all.iter().flat_map(|digest| *digest.as_bytes()).collect();
    let batch = file.unchecked_transaction()?;
    batch.execute(
        "INSERT OR REPLACE INTO pack (states, digests, sum) VALUES ($1, $2, $3)",
        params![key.as_bytes(), digests, sum(key, &digests).as_bytes()],
    )?;
    batch.execute("DELETE FROM pack WHERE number NOT IN (SELECT number FROM pack ORDER BY number DESC LIMIT $1)", [PACKS_MAX as i64])?;
    batch.commit()
}

/// Shows every row: the state, the digest and the check.
fn scan(file: &Connection, mut show: impl FnMut((FileState, Digest, i64))) -> rusqlite::Result<()> {
    let mut query = file.prepare_cached(SCAN)?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        let [dev, ino, size]: [i64; 3] = [row.get(0)?, row.get(1)?, row.get(2)?];
        let [dev, ino, size] = [dev, ino, size].map(i64::cast_unsigned);
        let state = FileState { dev, ino, size, mtime: row.get(3)?, ctime: row.get(4)? };
        if let Some(digest) = row.get_ref(5)?.as_blob().ok().and_then(Digest::from_slice) {
            show((state, digest, row.get(6)?));
        }
    }
    Ok(())
}

fn connect(path: &Path) -> Option<Connection> {
    match prepare(path) {
        Ok(file) => Some(file),
        Err(error) => match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DatabaseCorrupt | rusqlite::ErrorCode::NotADatabase) => begin_again(path),
            _ => None,
        },
    }
}

fn begin_again(path: &Path) -> Option<Connection> {
    for suffix in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        let _ = fs_err::remove_file(Path::new(&name));
    }
    prepare(path).ok()
}

fn prepare(path: &Path) -> rusqlite::Result<Connection> {
    let file = Connection::open(path)?;
    file.busy_timeout(WRITE_WAIT)?;
    file.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF;")?;
    let made = file.table_exists(None, "digest")?;
    if !made {
        file.execute_batch(TABLE)?;
    }
    if !file.table_exists(None, "pack")? {
        file.execute_batch(PACK)?;
    }
    Ok(file)
}

fn write<'a>(file: &mut Connection, rows: impl Iterator<Item = &'a (FileState, Digest)>) -> rusqlite::Result<()> {
    let batch = file.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    {
        let mut put = batch.prepare_cached(PUT)?;
        for (state, digest) in rows {
            let [dev, ino, size] = [state.dev, state.ino, state.size].map(u64::cast_signed);
            put.execute(params![dev, ino, size, state.mtime, state.ctime, digest.as_bytes(), check(state, digest)])?;
        }
    }
    // packs follow from the rows, and never say anything else
    batch.execute("DELETE FROM pack", [])?;
    batch.commit()
}

/// 64 bits over the row.
fn check(state: &FileState, digest: &Digest) -> i64 {
    let mut hasher = blake3::Hasher::new();
    for number in [state.dev, state.ino, state.size] {
        hasher.update(&number.to_be_bytes());
    }
    hasher.update(&state.mtime.to_be_bytes()).update(&state.ctime.to_be_bytes()).update(digest.as_bytes());
    let mut sum = [0; 8];
    hasher.finalize_xof().fill(&mut sum);
    i64::from_be_bytes(sum)
}
