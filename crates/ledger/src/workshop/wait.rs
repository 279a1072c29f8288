//! Waits for a program, and ends it with all that it started when the person who waits wants to stop.

use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitStatus};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use crate::Error;

/// Between two looks.
const STEP: Duration = Duration::from_millis(10);
/// How long a program has to end by itself once it was asked to.
const MERCY: Duration = Duration::from_secs(5);

/// Runs a program in a process group of its own.
///
/// # Errors
/// When it can't be started, and [`Error::Interrupted`] when it was ended before it was done.
pub fn run(mut command: Command, interrupted: &AtomicBool) -> Result<ExitStatus, Error> {
    if interrupted.load(Ordering::Relaxed) {
        return Err(Error::Interrupted);
    }
    let mut child = command.process_group(0).spawn()?;
    loop {
        if let Some(status) = child.try_wait()? {
            // what it left in the background would write into a folder that is being looked at, or removed
            signal(&child, Signal::SIGTERM);
            return Ok(status);
        }
        if interrupted.load(Ordering::Relaxed) {
            end(&mut child)?;
            return Err(Error::Interrupted);
        }
        std::thread::sleep(STEP);
    }
}

fn end(child: &mut Child) -> std::io::Result<()> {
    signal(child, Signal::SIGTERM);
    let last = Instant::now() + MERCY;
    while child.try_wait()?.is_none() {
        if Instant::now() > last {
            break;
        }
        std::thread::sleep(STEP);
    }
    signal(child, Signal::SIGKILL);
    child.wait()?;
    Ok(())
}

fn signal(child: &Child, signal: Signal) {
    if let Ok(group) = i32::try_from(child.id()) {
        // the group is gone when all of it has ended
        let _ = killpg(Pid::from_raw(group), signal);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interruption_ends_what_was_started_too() {
        let stop = AtomicBool::new(false);
        let temp = tempfile::tempdir().unwrap();
        let mark = temp.path().join("late");
        let mut command = Command::new("sh");
        command.arg("-c").arg(format!("(sleep 30; touch {}) & touch {}.began; wait", mark.display(), mark.display()));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !mark.with_extension("began").exists() {
                    std::thread::sleep(STEP);
                }
                stop.store(true, Ordering::Relaxed);
            });
            let began = Instant::now();
            assert!(matches!(run(command, &stop), Err(Error::Interrupted)));
            assert!(began.elapsed() < Duration::from_secs(25));
        });
        assert!(!mark.exists());
        assert!(matches!(run(Command::new("true"), &stop), Err(Error::Interrupted)));
    }
}
