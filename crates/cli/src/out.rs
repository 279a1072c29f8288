//! The two streams: answers on stdout, talk on stderr.

use std::io::{self, BufWriter, IsTerminal as _, Write};

use serde::Serialize;
use signal_hook::consts::SIGPIPE;

use crate::args::When;
use crate::problem::Problem;
use crate::render::look::Look;
use crate::render::text::Page;

/// A stream that people may look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// The answer.
    Out,
    /// Talk.
    Err,
}

impl Stream {
    /// Whether somebody looks at it.
    pub fn is_terminal(self) -> bool {
        match self {
            Self::Out => io::stdout().is_terminal(),
            Self::Err => io::stderr().is_terminal(),
        }
    }

    /// How a page on it is to look. `COLUMNS` wins over what the terminal says, also in a pipe.
    pub fn look(self, when: When) -> Look {
        let choice = match self {
            Self::Out => anstream::AutoStream::choice(&io::stdout()),
            Self::Err => anstream::AutoStream::choice(&io::stderr()),
        };
        let colour = match when {
            When::Always => true,
            When::Never => false,
            When::Auto => !matches!(choice, anstream::ColorChoice::Never),
        };
        let asked = std::env::var("COLUMNS").ok().and_then(|text| text.trim().parse::<usize>().ok()).filter(|columns| *columns > 0);
        if !self.is_terminal() {
            let pipe = Look::pipe(colour);
            return match asked {
                Some(columns) => Look { width: Look::terminal(columns, colour).width, ..pipe },
                None => pipe,
            };
        }
        let measured = match self {
            Self::Out => terminal_size::terminal_size_of(io::stdout()),
            Self::Err => terminal_size::terminal_size_of(io::stderr()),
        };
        let columns = asked.or_else(|| measured.map(|(terminal_size::Width(columns), _)| usize::from(columns)));
        Look::terminal(columns.unwrap_or(80), colour)
    }
}

/// The answer, as a page.
pub fn page(page: &Page, look: &Look) -> Result<(), Problem> {
    bytes(page.paint(look.colour).as_bytes())
}

/// The answer, as text.
pub fn text(text: &str) -> Result<(), Problem> {
    bytes(text.as_bytes())
}

/// The answer, as JSON.
pub fn json(value: &impl Serialize) -> Result<(), Problem> {
    let mut out = BufWriter::new(io::stdout().lock());
    let written = serde_json::to_writer_pretty(&mut out, value)
        .map_err(io::Error::from)
        .and_then(|()| out.write_all(b"\n"))
        .and_then(|()| out.flush());
    done(written)
}

/// The answer, as bytes.
pub fn bytes(bytes: &[u8]) -> Result<(), Problem> {
    let mut out = io::stdout().lock();
    done(out.write_all(bytes).and_then(|()| out.flush()))
}

/// Stdout is full, or gone. Nobody is left to read the answer: end silently, as other tools do.
pub fn done(written: io::Result<()>) -> Result<(), Problem> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => hang_up(),
        Err(error) => Err(Problem::failed(format!("the answer could not be written: {error}"))),
        Ok(()) => Ok(()),
    }
}

fn hang_up() -> ! {
    let _ = signal_hook::low_level::emulate_default_handler(SIGPIPE);
    std::process::exit(141)
}

/// Talk: a line on stderr. Nobody may be listening, and that is no error.
pub fn say(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// What went wrong, on stderr.
pub fn problem(text: &str) {
    let mut err = anstream::AutoStream::auto(io::stderr());
    let rest = text.strip_prefix("error:").unwrap_or(text);
    let style = anstyle::AnsiColor::Red.on_default().bold();
    let _ = write!(err, "{style}error:{style:#}{rest}");
}
