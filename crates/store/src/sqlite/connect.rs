//! Opening the database: where it may lie, how it is shared, which layout it has.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior, params};

use crate::Error;

/// How long an append waits for the appends of others.
const BUSY_WAIT: Duration = Duration::from_secs(120);
/// How long SQLite itself waits before it is asked again.
const BUSY_SLICE: Duration = Duration::from_secs(5);
/// Prepared statements that are kept.
const STATEMENTS_MAX: usize = 64;
const NOT_WRITABLE: &str = "the file or its folder is not writable";

/// One step of the layout of what cannot be folded again.
struct Migration {
    name: &'static str,
    sql: &'static str,
}

const MIGRATIONS: &[Migration] = &[Migration { name: "0001 log", sql: include_str!("migrations/0001_log.sql") }];

/// The latest layout that this version knows.
pub const FORMAT: u32 = MIGRATIONS.len() as u32;

/// A database that is open.
pub(super) struct Database {
    pub(super) path: PathBuf,
    pub(super) connection: Connection,
    pub(super) writable: bool,
    identity: (u64, u64),
}

impl Database {
    /// Opens it; `make` makes it when it is not there.
    pub(super) fn open(folder: &Path, make: bool) -> Result<Self, Error> {
        let path = folder.join("keizu.db");
        if !make && !path.exists() {
            return Err(Error::Missing { path: folder.to_owned() });
        }
        if let Some(kind) = unfit(folder)? {
            return Err(Error::FileSystem { path: folder.to_owned(), kind });
        }
        // others may be making it at this very moment
        let (connection, writable) = patiently(|| connect(&path, make))?;
        let identity = identity(&path).ok_or_else(|| Error::Gone { path: path.clone() })?;
        let database = Self { path, connection, writable, identity };
        patiently(|| database.set_up(folder))?;
        Ok(database)
    }

    fn set_up(&self, folder: &Path) -> Result<(), Error> {
        let failed = |error| self.error("open it", error);
        self.connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
        self.connection.busy_timeout(BUSY_SLICE).map_err(failed)?;
        // the format first: a newer record is not touched
        let format = self.format(folder)?;
        if self.writable {
            let mode = "PRAGMA journal_mode";
            let is_wal = self.connection.query_row(mode, [], |row| row.get::<_, String>(0)).map_err(failed)? == "wal";
            if !is_wal {
                self.connection.execute_batch("PRAGMA journal_mode = WAL").map_err(failed)?;
            }
        }
        let settings = "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA cache_size = -32000; \
            PRAGMA journal_size_limit = 16000000; PRAGMA temp_store = MEMORY;";
        self.connection.execute_batch(settings).map_err(failed)?;
        if format < FORMAT { self.migrate(folder) } else { Ok(()) }
    }

    /// The layout found; an error when it is newer than, or not, one of ours.
    fn format(&self, folder: &Path) -> Result<u32, Error> {
        let failed = |error| self.error("read its format", error);
        if !self.connection.table_exists(None, "log_format").map_err(failed)? {
            return Ok(0);
        }
        let mut query = self.connection.prepare("SELECT version, name, sum FROM log_format ORDER BY version").map_err(failed)?;
        let rows = query.query_map([], |row| Ok((row.get::<_, u32>(0)?, row.get::<_, String>(1)?, row.get::<_, Vec<u8>>(2)?)));
        let rows = rows.and_then(Iterator::collect::<rusqlite::Result<Vec<_>>>).map_err(failed)?;
        let found = rows.last().map_or(0, |(version, ..)| *version);
        if found > FORMAT {
            return Err(Error::TooNew { path: folder.to_owned(), found, known: FORMAT });
        }
        for (known, (_, name, sum)) in MIGRATIONS.iter().zip(&rows) {
            if known.name != name || checksum(known.sql) != sum.as_slice() {
                let what = format!("its layout step {name:?} is not the one that this version knows");
                return Err(Error::Layout { path: self.path.clone(), what });
            }
        }
        Ok(found)
    }

    /// Takes the steps that are missing, each once, all or none.
    fn migrate(&self, folder: &Path) -> Result<(), Error> {
        if !self.writable {
            return Err(Error::ReadOnly { path: self.path.clone(), why: "its layout is older and would have to be brought up to date" });
        }
        let failed = |error| self.error("bring its layout up to date", error);
        let step = self.begin()?;
        let table = "CREATE TABLE IF NOT EXISTS log_format (version INTEGER NOT NULL PRIMARY KEY, name TEXT NOT NULL, sum BLOB NOT NULL)";
        step.execute_batch(table).map_err(failed)?;
        // another process may have been first
        let from = self.format(folder)?;
        for (version, migration) in (1u32..).zip(MIGRATIONS).skip(from as usize) {
            step.execute_batch(migration.sql).map_err(failed)?;
            let insert = "INSERT INTO log_format (version, name, sum) VALUES ($1, $2, $3)";
            step.execute(insert, params![version, migration.name, checksum(migration.sql)]).map_err(failed)?;
        }
        step.commit().map_err(failed)
    }

    /// A transaction that may write; waits for those of others.
    pub(super) fn begin(&self) -> Result<Transaction<'_>, Error> {
        if !self.writable {
            return Err(Error::ReadOnly { path: self.path.clone(), why: NOT_WRITABLE });
        }
        patiently(|| {
            let begun = Transaction::new_unchecked(&self.connection, TransactionBehavior::Immediate);
            begun.map_err(|error| self.error("lock it for writing", error))
        })
    }

    /// Fails when the file under the name is not the one that is open: what is written then would be lost.
    pub(super) fn still_there(&self) -> Result<(), Error> {
        if identity(&self.path) == Some(self.identity) { Ok(()) } else { Err(Error::Gone { path: self.path.clone() }) }
    }

    /// What an error of the engine means.
    pub(super) fn error(&self, doing: &'static str, error: rusqlite::Error) -> Error {
        explain(&self.path, doing, error)
    }
}

fn explain(path: &Path, doing: &'static str, error: rusqlite::Error) -> Error {
    let path = path.to_owned();
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Error::Busy { path, seconds: BUSY_WAIT.as_secs() },
        Some(ErrorCode::DiskFull) => Error::Full { path },
        Some(ErrorCode::ReadOnly) => Error::ReadOnly { path, why: NOT_WRITABLE },
        _ => Error::Database { path, doing, source: Box::new(error) },
    }
}

fn patiently<T>(mut attempt: impl FnMut() -> Result<T, Error>) -> Result<T, Error> {
    let start = Instant::now();
    loop {
        match attempt() {
            Err(Error::Busy { .. }) if start.elapsed() < BUSY_WAIT => std::thread::sleep(Duration::from_millis(5)),
            other => return other,
        }
    }
}

fn checksum(sql: &str) -> [u8; 32] {
    *blake3::hash(sql.as_bytes()).as_bytes()
}

fn identity(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt as _;
    fs_err::metadata(path).ok().map(|meta| (meta.dev(), meta.ino()))
}

/// A connection, and whether it can write.
fn connect(path: &Path, make: bool) -> Result<(Connection, bool), Error> {
    let failed = |error| explain(path, "open it", error);
    let basic = OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | basic | if make { OpenFlags::SQLITE_OPEN_CREATE } else { OpenFlags::empty() };
    let probe = |connection: &Connection| {
        connection.busy_timeout(BUSY_SLICE)?;
        connection.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get::<_, i64>(0))
    };
    let error = match Connection::open_with_flags(path, flags) {
        Ok(connection) => match probe(&connection) {
            Ok(_) => {
                let writable = !connection.is_readonly("main").map_err(failed)?;
                return Ok((connection, writable));
            }
            Err(error) => error,
        },
        Err(error) => error,
    };
    let (no_file, read_only) = (Some(ErrorCode::CannotOpen), Some(ErrorCode::ReadOnly));
    if make || ![no_file, read_only].contains(&error.sqlite_error_code()) || has_tail(path) {
        return Err(failed(error));
    }
    // a folder that cannot be written has no room for the lock files of a shared database. Without locks this reads the file as it is:
    // right when the disk is read-only; when another user appends at this very moment, SQLite may find the file torn, and says so
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | basic;
    let connection = Connection::open_with_flags(immutable(path), flags).map_err(failed)?;
    probe(&connection).map_err(failed)?;
    Ok((connection, false))
}

/// Whether something was committed that is not in the main file yet.
fn has_tail(path: &Path) -> bool {
    let mut wal = path.as_os_str().to_owned();
    wal.push("-wal");
    fs_err::metadata(Path::new(&wal)).is_ok_and(|meta| meta.len() > 0)
}

fn immutable(path: &Path) -> String {
    use std::fmt::Write as _;
    use std::os::unix::ffi::OsStrExt as _;
    let mut uri = String::from("file:");
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'/' | b'.' | b'-' | b'_' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => uri.push(char::from(*byte)),
            _ => _ = write!(uri, "%{byte:02X}"),
        }
    }
    uri + "?immutable=1"
}

/// The kind of a file system whose locks or shared memory cannot be trusted.
fn unfit(folder: &Path) -> Result<Option<&'static str>, Error> {
    let stat = nix::sys::statfs::statfs(folder).map_err(|errno| Error::io(folder, errno.into()))?;
    // the type's width differs between platforms; the magic numbers have 32 bits
    Ok(unfit_kind(stat.filesystem_type().0 as u32))
}

fn unfit_kind(magic: u32) -> Option<&'static str> {
    Some(match magic {
        0x6969 => "NFS",
        0x6573_5546 => "FUSE",
        0x517b | 0xff53_4d42 | 0xfe53_4d42 => "SMB",
        0x0102_1997 => "9P",
        0x5346_414f | 0x6b41_4653 => "AFS",
        0x00c3_6400 => "CephFS",
        0x0bd0_0bd0 => "Lustre",
        0x4750_4653 => "GPFS",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shared_file_system_is_refused_by_name() {
        let kinds = [0x6969, 0x6573_5546, 0xff53_4d42, 0xfe53_4d42].map(|magic| unfit_kind(magic).unwrap());
        assert_eq!(kinds, ["NFS", "FUSE", "SMB", "SMB"]);
        // ext4, xfs, btrfs, tmpfs, overlayfs, zfs
        for local in [0xef53, 0x5846_5342, 0x9123_683e, 0x0102_1994, 0x794c_7630, 0x2fc1_2fc1] {
            assert_eq!(unfit_kind(local), None);
        }
        let error = Error::FileSystem { path: "/mnt/lab/.keizu".into(), kind: "NFS" };
        assert_eq!(error.to_string(), "/mnt/lab/.keizu lies on NFS, where several processes cannot safely share a database");
        assert!(error.hint().unwrap().contains("KEIZU_STORE"));
    }

    #[test]
    fn a_path_with_odd_characters_opens_unshared() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a?b#c% d&é.db");
        Connection::open(&path).unwrap().execute_batch("CREATE TABLE here (x INTEGER)").unwrap();
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
        let connection = Connection::open_with_flags(immutable(&path), flags).unwrap();
        assert!(connection.table_exists(None, "here").unwrap());
    }
}
