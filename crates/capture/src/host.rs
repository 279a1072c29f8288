//! What the watcher and its caller say to each other: how a run started, and what is asked of the caller's store.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use keizu_record::{Digest, RunId, Time};
use serde::{Deserialize, Serialize};

use crate::account::Account;
use crate::event::Stat;

/// What is known before the first event; kept as `start.json` in the run's folder, so that a recovery has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Start {
    /// The run.
    #[serde(with = "words::run")]
    pub run: RunId,
    /// The run in which this one was started.
    #[serde(with = "words::parent")]
    pub parent: Option<RunId>,
    /// The project's root, absolute, symbolic links resolved.
    #[serde(with = "words::path")]
    pub root: PathBuf,
    /// The command as typed.
    #[serde(with = "words::list")]
    pub command: Vec<Vec<u8>>,
    /// Where it was typed, absolute.
    #[serde(with = "words::path")]
    pub cwd: PathBuf,
    /// The root process, as the launcher saw itself.
    pub pid: u32,
    /// When the command was started.
    #[serde(with = "words::time")]
    pub began: Time,
    /// Real time minus `CLOCK_MONOTONIC`, nanoseconds: turns the time of an [`crate::event::Event`] into a [`Time`].
    pub monotonic_offset: i64,
    /// Regular files that the command inherits open.
    pub redirections: Vec<Redirection>,
    /// Environment of the job, as the caller had it; bytes that are not UTF-8 replaced.
    pub variables: BTreeMap<String, String>,
    /// The caller's own words (name, tags, parameters, …); never looked into here.
    pub host_data: serde_json::Value,
}

impl Start {
    /// The time of an event.
    pub fn time(&self, monotonic: u64) -> Time {
        Time::from_nanos(i64::try_from(monotonic).unwrap_or(i64::MAX).saturating_add(self.monotonic_offset))
    }
}

/// A regular file that was open when the command started: `< input`, `> output`, or inherited otherwise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Redirection {
    /// Descriptor number.
    pub fd: i32,
    /// Where it leads, absolute.
    #[serde(with = "words::path")]
    pub path: PathBuf,
    /// Flags of the open (`F_GETFL`).
    pub flags: i32,
    /// The file as it was at the start.
    pub stat: Stat,
}

/// What the watcher asks of a store. Nothing here may fail the job: what goes wrong becomes a blind spot.
pub trait Memory {
    /// The digest of the file that had exactly this stat, when it was seen before.
    fn known(&mut self, stat: &Stat) -> Option<Digest>;
    /// A digest to be remembered. Only said of files that have been left alone for long enough that the stat identifies the content.
    fn learn(&mut self, stat: &Stat, digest: Digest);
    /// Whether the bytes of this file are to be kept.
    fn wants(&self, path: &Path, size: u64) -> bool;
    /// Keeps a content. `content` gives the bytes of `digest` unless the file is changing; an implementation checks.
    fn keep(&mut self, digest: Digest, content: &mut dyn Read) -> std::io::Result<()>;
}

/// Who keeps the account of a run.
pub trait Host: Memory {
    /// Said once, in the watcher, right after it is ready.
    fn began(&mut self, start: &Start);
    /// Commits the run and gives the summary to print, empty when there is nothing to say. Said at the end of the root process, while that
    /// process may be waiting, or by a recovery. When this returns `Ok`, the run is durable.
    fn seal(&mut self, account: &Account) -> Result<String, String>;
    /// The account again, when it differs from what was sealed: what was flushed after the seal, and what survivors did.
    fn correct(&mut self, account: &Account);
    /// Said once, when the run is settled and nobody waits any more, while the run's folder still stands: for what takes a while.
    fn afterwards(&mut self, account: &Account) {
        let _ = account;
    }
}

/// What is to be run.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The run's id: fresh random bits.
    pub run: RunId,
    /// The project's root, absolute, symbolic links resolved.
    pub root: PathBuf,
    /// The folder in which the run's own folder is made (`.keizu/run`).
    pub runs: PathBuf,
    /// Program and arguments; the program is looked up in `PATH` as a shell does.
    pub command: Vec<std::ffi::OsString>,
    /// How long the end of the command may wait for the seal; `None`: 2 s, or 30 s as process 1 of a container.
    pub wait: Option<Duration>,
    /// Size of the arena; `None`: 128 MiB.
    pub arena_bytes: Option<u64>,
    /// Becomes [`Start::host_data`].
    pub host_data: serde_json::Value,
}

/// How bytes, paths, ids and times are written in `start.json`.
mod words {
    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serializer};

    /// Text as it is when it is UTF-8 without a backslash; every other byte, and the backslash, as `\xHH`.
    fn text(bytes: &[u8]) -> String {
        let mut out = String::with_capacity(bytes.len());
        for chunk in bytes.utf8_chunks() {
            out.push_str(&chunk.valid().replace('\\', "\\x5c"));
            for byte in chunk.invalid() {
                out.push_str("\\x");
                out.push_str(&keizu_record::hex(&[*byte]));
            }
        }
        out
    }

    fn bytes(text: &str) -> Option<Vec<u8>> {
        let mut parts = text.split("\\x");
        let mut out = parts.next().unwrap_or_default().as_bytes().to_vec();
        for part in parts {
            out.extend(keizu_record::unhex(part.get(..2)?)?);
            out.extend_from_slice(part.get(2..)?.as_bytes());
        }
        Some(out)
    }

    fn read<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<u8>, D::Error> {
        bytes(&String::deserialize(d)?).ok_or_else(|| D::Error::custom("a broken escape"))
    }

    pub mod path {
        use super::{Deserializer, Serializer, read, text};
        use std::ffi::OsString;
        use std::os::unix::ffi::{OsStrExt, OsStringExt};
        use std::path::{Path, PathBuf};

        pub fn serialize<S: Serializer>(path: &Path, s: S) -> Result<S::Ok, S::Error> {
            s.serialize_str(&text(path.as_os_str().as_bytes()))
        }

        pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<PathBuf, D::Error> {
            Ok(OsString::from_vec(read(d)?).into())
        }
    }

    pub mod list {
        use super::{Deserialize, Deserializer, Serializer, bytes, text};
        use serde::de::Error;

        pub fn serialize<S: Serializer>(list: &[Vec<u8>], s: S) -> Result<S::Ok, S::Error> {
            s.collect_seq(list.iter().map(|item| text(item)))
        }

        pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<Vec<u8>>, D::Error> {
            let list = Vec::<String>::deserialize(d)?;
            list.iter().map(|item| bytes(item).ok_or_else(|| D::Error::custom("a broken escape"))).collect()
        }
    }

    pub mod run {
        use super::{Deserialize, Deserializer, Serializer};
        use keizu_record::RunId;
        use serde::de::Error;

        pub fn serialize<S: Serializer>(run: &RunId, s: S) -> Result<S::Ok, S::Error> {
            s.collect_str(run)
        }

        pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<RunId, D::Error> {
            String::deserialize(d)?.parse().map_err(D::Error::custom)
        }
    }

    pub mod parent {
        use super::{Deserialize, Deserializer, Serializer};
        use keizu_record::RunId;
        use serde::de::Error;

        pub fn serialize<S: Serializer>(run: &Option<RunId>, s: S) -> Result<S::Ok, S::Error> {
            match run {
                Some(run) => s.collect_str(run),
                None => s.serialize_none(),
            }
        }

        pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Option<RunId>, D::Error> {
            Option::<String>::deserialize(d)?.map(|text| text.parse().map_err(D::Error::custom)).transpose()
        }
    }

    pub mod time {
        use super::{Deserialize, Deserializer, Serializer};
        use keizu_record::Time;

        pub fn serialize<S: Serializer>(time: &Time, s: S) -> Result<S::Ok, S::Error> {
            s.serialize_i64(time.micros())
        }

        pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Time, D::Error> {
            Ok(Time(i64::deserialize(d)?))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    #[test]
    fn a_start_survives_its_file() {
        let odd = PathBuf::from(OsStr::from_bytes(b"/a\\x41/\xff\xfe"));
        let start = Start {
            run: RunId::new([3; 16]),
            parent: Some(RunId::new([4; 16])),
            root: odd.clone(),
            command: vec![b"sh".to_vec(), b"\xe9\\".to_vec()],
            cwd: "/".into(),
            pid: 7,
            began: Time(5),
            monotonic_offset: 1_000,
            redirections: vec![Redirection {
                fd: 0,
                path: odd,
                flags: 0,
                stat: Stat { dev: 1, ino: 2, size: 3, mtime: 4, ctime: 5, folder: false },
            }],
            variables: BTreeMap::from([("A".into(), "b".into())]),
            host_data: serde_json::json!({"name": "x"}),
        };
        let text = serde_json::to_string(&start).unwrap();
        assert_eq!(serde_json::from_str::<Start>(&text).unwrap(), start);
        assert_eq!(start.time(2_000), Time(3));
        assert!(serde_json::from_str::<Start>(&text.replace("\\\\xff", "\\\\xf")).is_err());
    }
}
