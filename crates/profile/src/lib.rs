//! What a table looks like, and what changed between two.
//!
//! ```text
//! Bytes ──Format──► Table ──batches──► accumulate ──► Profile ──frame──► Profile over the same bins ──► drift
//!                     │
//!                     └──── two of them ──► compare ──► Difference
//! ```
//!
//! Everything is streamed: memory is bounded by [`Limits`], not by the table. Files are never opened here, and there is no clock:
//! callers hand in streams, and get the same answer each time.
//!
//! ```
//! use keizu_profile::{Format, Limits, profile};
//!
//! let text = "carrier,delay\nUA,2\nEV,\nUA,11\n";
//! let format = Format::of("flights.csv", text.as_bytes()).expect("a table");
//! let profile = profile(Box::new(std::io::Cursor::new(text)), format, &Limits::default()).expect("read");
//! assert_eq!((profile.rows, profile.columns[1].null), (3, 1));
//! ```
#![forbid(unsafe_code)]

mod accumulate;
mod bins;
mod categories;
mod compare;
mod difference;
pub mod drift;
mod event;
mod format;
mod merge;
mod moments;
mod profile;
mod read;
mod sample;
mod table;
mod value;
mod words;

use std::io::{self, Read, Seek};

pub use bins::Bins;
pub use categories::{Categories, Counted, Distinct};
pub use compare::compare;
pub use difference::{
    ArrayChange, ColumnChange, Concentrated, Difference, Drift, Flip, Headline, Labels, PartChange, PartState, Retyped, RowCounts,
    SchemaChange, Side, Spread, SpreadBins, SpreadValues,
};
pub use event::EventTime;
pub use format::{Format, HEAD_BYTES, Layout, Packing};
pub use moments::Moments;
pub use profile::{Column, ColumnFrame, Frame, Profile, profile, profile_over};
pub use value::{Kind, Value};

/// A stream that can be read from any place: an open file, or bytes in memory.
pub trait Bytes: Read + Seek + Send {}

impl<T: Read + Seek + Send> Bytes for T {}

/// One file of a table: a table may be a folder of them.
pub struct Part<'a> {
    /// Its name within the table: it is matched by name with the part of the other table.
    pub name: String,
    /// How its bytes are laid out.
    pub format: Format,
    /// Opens it, as often as asked.
    pub open: &'a dyn Fn() -> io::Result<Box<dyn Bytes>>,
}

/// What bounds time and memory. The defaults keep a table of 1,000,000 rows and 50 columns below 0.5 GB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Columns of one table: more is refused.
    pub columns_max: usize,
    /// Numbers kept of one column for its quantiles: a column with fewer is exact.
    pub sample_values_max: usize,
    /// Numbers kept of all columns of one table.
    pub sample_values_total_max: usize,
    /// Distinct texts of a column that are counted exactly.
    pub categories_max: usize,
    /// Rows whose digests are held at a time, while two tables are compared. More rows take more passes.
    pub row_digests_max: usize,
    /// Cells, rows × columns, of the rows without a partner that are held to find out what became of them.
    pub changed_cells_max: usize,
    /// Bytes of one cell or line: a longer one is refused.
    pub cell_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            columns_max: 20_000,
            sample_values_max: 65_536,
            sample_values_total_max: 8_000_000,
            categories_max: 10_000,
            row_digests_max: 8_000_000,
            changed_cells_max: 8_000_000,
            cell_bytes_max: 64 << 20,
        }
    }
}

/// Why a table could not be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The stream failed.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The bytes are not what the format promises.
    #[error("not readable as {format}: {why}")]
    Broken {
        /// The format they were read as.
        format: Format,
        /// What was wrong, and where.
        why: String,
    },
    /// The format is read, but not with this content.
    #[error("{what} is not read")]
    Unread {
        /// What was met: `a pickled array`, `20,001 columns`.
        what: String,
    },
    /// Two profiles do not describe the same columns over the same bins.
    #[error("profiles cannot be added: {why}")]
    Unlike {
        /// Where they part.
        why: String,
    },
    /// The trouble is in one part of a table of several.
    #[error("{part}: {source}")]
    Part {
        /// The part's name.
        part: String,
        /// What is wrong with it.
        source: Box<Error>,
    },
}
