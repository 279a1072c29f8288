//! What takes longer than a second says how far it is, on a terminal; and Ctrl-C leaves nothing half done.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use signal_hook::consts::SIGINT;
use signal_hook::iterator::Signals;

use crate::out::Stream;
use crate::problem::Problem;
use crate::render::look::{self, Look};

/// Nothing is drawn before: what is done by then needs no progress.
const QUIET: Duration = Duration::from_secs(1);

/// A line that says how far something is.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
    began: Instant,
    shown: bool,
    look: Look,
}

impl Progress {
    /// Of something that just began.
    pub fn new(look: &Look) -> Self {
        let style = ProgressStyle::with_template("{spinner} {msg}").unwrap_or_else(|_| ProgressStyle::default_spinner());
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden()).with_style(style);
        Self { bar, began: Instant::now(), shown: false, look: Look { exact: false, ..look.clone() } }
    }

    /// How far it is. Cheap enough to be said for every piece.
    pub fn at(&mut self, message: impl FnOnce(&Look) -> String) {
        if !self.shown {
            if self.began.elapsed() < QUIET || !Stream::Err.is_terminal() {
                return;
            }
            self.shown = true;
            self.bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(10));
        }
        self.bar.set_message(message(&self.look));
        self.bar.tick();
    }

    /// Files and bytes, of so many.
    pub fn files(&mut self, what: &str, files: (u64, u64), bytes: (u64, u64)) {
        self.at(|look| {
            let (done, all) = (look.size(bytes.0), look.size(bytes.1));
            format!("{what}  {} of {}, {done} of {all}", look::count(files.0), look::many(files.1, "file"))
        });
    }

    /// Takes the line away.
    pub fn end(self) {
        self.bar.finish_and_clear();
    }
}

/// A line that moves while nothing can be counted.
#[derive(Debug)]
pub struct Spinner(ProgressBar);

impl Spinner {
    /// From now on, on a terminal.
    pub fn new(what: &str, look: &Look) -> Self {
        let bar = ProgressBar::new_spinner().with_message(crate::render::path::fit(what, look.width.saturating_sub(3)));
        bar.enable_steady_tick(Duration::from_millis(120));
        Self(bar)
    }

    /// Takes the line away.
    pub fn end(self) {
        self.0.finish_and_clear();
    }
}

static UNFINISHED: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// A file or folder that is being written, and is removed when that is interrupted.
#[derive(Debug)]
pub struct Unfinished(PathBuf);

impl Unfinished {
    /// Until this value is dropped.
    pub fn new(path: &Path) -> Self {
        UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner).push(path.to_path_buf());
        Self(path.to_path_buf())
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner).retain(|path| *path != self.0);
    }
}

/// From here on Ctrl-C removes what is unfinished and then ends the program as it always does, by the signal: the shell sees 130.
pub fn clean_on_interrupt() -> Result<(), Problem> {
    let mut signals = Signals::new([SIGINT])?;
    std::thread::spawn(move || {
        if signals.forever().next().is_some() {
            for path in UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
                let _ = if path.is_dir() { fs_err::remove_dir_all(path) } else { fs_err::remove_file(path) };
            }
            let _ = signal_hook::low_level::emulate_default_handler(SIGINT);
        }
    });
    Ok(())
}
