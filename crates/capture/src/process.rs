//! What `/proc` and pidfds tell of a process.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::path::Path;
use std::time::Duration;

use crate::account::Ending;

/// `ioctl(PIDFD_GET_INFO)`, Linux 6.13; the exit code since 6.15.
const PIDFD_GET_INFO: u64 = 0xC040_FF0B;
const PIDFD_INFO_EXIT: u64 = 1 << 3;

#[repr(C)]
#[derive(Default)]
struct PidfdInfo {
    mask: u64,
    cgroup: u64,
    ids: [u32; 11],
    exit_code: i32,
}

/// A few fields of `/proc/PID/stat`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Field 3.
    pub(crate) state: u8,
    /// Field 22: start time, clock ticks after boot.
    pub(crate) started: u64,
    /// Field 52: as `wait(2)` gives it; zero when we may not know.
    pub(crate) status: i32,
}

/// Looks at a process; `None` when it does not exist.
pub(crate) fn look(pid: u32) -> Option<Seen> {
    parse(&std::fs::read(format!("/proc/{pid}/stat")).ok()?)
}

fn parse(stat: &[u8]) -> Option<Seen> {
    // the name in field 2 may hold anything
    let close = stat.iter().rposition(|c| *c == b')')?;
    let rest = std::str::from_utf8(stat.get(close + 2..)?).ok()?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    let status = fields.get(49).and_then(|field| field.parse().ok()).unwrap_or(0);
    Some(Seen { state: *fields.first()?.as_bytes().first()?, started: fields.get(19)?.parse().ok()?, status })
}

/// Whether the process that started then is past: it does not exist, is a zombie, or another one has its number.
pub(crate) fn gone(pid: u32, started: u64) -> bool {
    look(pid).is_none_or(|seen| matches!(seen.state, b'Z' | b'X') || (started != 0 && seen.started != started))
}

/// From a status of `wait(2)`.
pub(crate) fn ending(status: i32) -> Ending {
    if libc::WIFSIGNALED(status) { Ending::Signaled(libc::WTERMSIG(status)) } else { Ending::Exited(libc::WEXITSTATUS(status)) }
}

/// A process held by descriptor.
#[derive(Debug)]
pub(crate) struct Pidfd(OwnedFd);

impl Pidfd {
    pub(crate) fn open(pid: u32) -> io::Result<Self> {
        // SAFETY: plain system call.
        let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: a new descriptor.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(fd as i32) }))
    }

    /// Waits until the process has ended; false when the bound passed first.
    pub(crate) fn wait(&self, bound: Duration) -> bool {
        self.poll(libc::POLLIN, bound) & libc::POLLIN != 0
    }

    fn poll(&self, events: i16, bound: Duration) -> i16 {
        let mut poll = libc::pollfd { fd: self.0.as_raw_fd(), events, revents: 0 };
        // SAFETY: one pollfd.
        unsafe { libc::poll(&raw mut poll, 1, i32::try_from(bound.as_millis()).unwrap_or(i32::MAX)) };
        poll.revents
    }

    /// How the process ended, once it has been reaped; the kernel must be new enough.
    fn reaped(&self) -> Option<Ending> {
        let mut info = PidfdInfo { mask: PIDFD_INFO_EXIT, ..PidfdInfo::default() };
        // SAFETY: the kernel writes 64 bytes at most.
        let done = unsafe { libc::ioctl(self.0.as_raw_fd(), PIDFD_GET_INFO as _, &raw mut info) };
        (done == 0 && info.mask & PIDFD_INFO_EXIT != 0).then(|| ending(info.exit_code))
    }

    /// How the process, which has ended, did end: from the zombie, or from the kernel once it is reaped.
    pub(crate) fn ending(&self, pid: u32, started: u64, patience: Duration) -> Option<Ending> {
        // a zombie shows its status to its own user only
        let zombie = look(pid).filter(|seen| seen.started == started && seen.state == b'Z');
        // once it is reaped the number may be another's: the kernel's answer goes first
        if let Some(ending) = self.reaped() {
            return Some(ending);
        }
        if let Some(seen) = zombie.filter(|_| readable_status(pid)) {
            return Some(ending(seen.status));
        }
        self.poll(0, patience);
        self.reaped()
    }
}

/// Whether the status in `/proc/PID/stat` may be trusted: it is zero for those who may not look.
fn readable_status(pid: u32) -> bool {
    use std::os::unix::fs::MetadataExt;
    // SAFETY: no arguments.
    let own = unsafe { libc::geteuid() };
    own == 0 || std::fs::metadata(format!("/proc/{pid}")).is_ok_and(|meta| meta.uid() == own)
}

/// Processes whose environment names this folder: they, or what they start, will look for the library in it.
pub(crate) fn holders(folder: &Path) -> Vec<u32> {
    use std::os::unix::ffi::OsStrExt;
    let mut needle = folder.as_os_str().as_bytes().to_vec();
    needle.extend_from_slice(b"/$PLATFORM/");
    let own = std::process::id();
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|pid| *pid != own && holds(*pid, &needle)).collect()
}

/// The name that a watcher gives itself.
pub(crate) const WATCHER: &str = "keizu-watch";

fn holds(pid: u32, needle: &[u8]) -> bool {
    let Ok(environment) = std::fs::read(format!("/proc/{pid}/environ")) else { return false };
    // the watcher of a run inside this run starts nothing
    environment.windows(needle.len()).any(|window| window == needle)
        && std::fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name.trim_end() != WATCHER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_does_not_shift_the_fields() {
        let mut text = b"12 (a) R (b) S 1".to_vec();
        for field in 5..=52 {
            text.extend(format!(" {field}").into_bytes());
        }
        assert_eq!(parse(&text), Some(Seen { state: b'S', started: 22, status: 52 }));
        assert_eq!(parse(b"12 (a"), None);
    }

    #[test]
    fn a_child_is_seen_alive_and_its_end_is_told() {
        for (script, expected) in [("exit 7", Ending::Exited(7)), ("kill -9 $$", Ending::Signaled(9))] {
            let mut child = std::process::Command::new("sh");
            child.args(["-c", &format!("read x; {script}")]);
            let mut child = child.stdin(std::process::Stdio::piped()).spawn().unwrap();
            let (pid, fd) = (child.id(), Pidfd::open(child.id()).unwrap());
            let started = look(pid).unwrap().started;
            assert!(!gone(pid, started));
            assert!(gone(pid, started + 1));
            assert!(!fd.wait(Duration::ZERO));
            drop(child.stdin.take());
            assert!(fd.wait(Duration::from_secs(20)));
            assert!(gone(pid, started));
            assert_eq!(fd.ending(pid, started, Duration::ZERO), Some(expected), "from the zombie");
            child.wait().unwrap();
            assert!(gone(pid, started));
        }
    }
}
