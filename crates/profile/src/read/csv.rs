//! Text in fields. Read once to learn what each column holds, as a whole, and then as often as needed.

use std::io::Read;

use csv_core::{ReadRecordResult, Reader};

use super::column::{self, Column};
use super::dialect::Dialect;
use super::distinct_names;
use super::shared::Shared;
use crate::format::{Format, HEAD_BYTES, Layout};
use crate::table::{Batch, Field, Table, batch_rows};
use crate::value::Kind;
use crate::{Error, Limits, words};

pub(crate) struct Csv {
    input: Shared,
    format: Format,
    dialect: Dialect,
    limits: Limits,
    fields: Vec<Field>,
    wanted: Vec<bool>,
    records: Records,
}

impl Csv {
    pub fn open(input: Shared, format: Format, limits: &Limits, known: Option<&[Field]>) -> Result<Csv, Error> {
        let mut head = Vec::new();
        input.text(format)?.take(HEAD_BYTES as u64).read_to_end(&mut head).map_err(|error| unpacked(format, error))?;
        let whole = head.len() < HEAD_BYTES;
        let given = (format.layout == Layout::Tsv).then_some(b'\t');
        let dialect = Dialect::of(head.strip_prefix(MARK).unwrap_or(&head), whole, given);
        let records = Records::new(&input, format, dialect, limits)?;
        let mut csv = Csv { input, format, dialect, limits: *limits, fields: Vec::new(), wanted: Vec::new(), records };
        match known {
            Some(known) => csv.fields = known.to_vec(),
            None => csv.learn()?,
        }
        csv.rewind(&|_| true)?;
        Ok(csv)
    }

    /// The first look: names, and what each column holds.
    fn learn(&mut self) -> Result<(), Error> {
        let mut names: Vec<String> = Vec::new();
        if self.dialect.header && self.records.next()? {
            names = (0..self.records.fields()).map(|at| String::from_utf8_lossy(self.records.field(at)).trim().to_owned()).collect();
        }
        let mut guesses = vec![Guess::default(); names.len()];
        while self.records.next()? {
            if self.records.fields() > guesses.len() {
                guesses.resize(self.records.fields(), Guess::default());
                if guesses.len() > self.limits.columns_max {
                    return Err(Error::Unread { what: format!("a table of {} columns", guesses.len()) });
                }
            }
            for (at, guess) in guesses.iter_mut().enumerate().take(self.records.fields()) {
                guess.see(self.records.field(at));
            }
        }
        let named = distinct_names(names, guesses.len(), self.dialect.header);
        self.fields =
            named.into_iter().zip(guesses).map(|(name, guess)| Field { name, kind: guess.kind(), stored: guess.stored() }).collect();
        Ok(())
    }
}

/// Of a column of whole numbers, some of them above i64's.
pub(super) const UNSIGNED: &str = "uint64";

/// A byte order mark.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// What all cells of a column can be read as.
#[derive(Debug, Clone, Copy)]
struct Guess {
    seen: bool,
    boolean: bool,
    integer: bool,
    /// Whole and not negative, some of them above i64's.
    natural: bool,
    real: bool,
    time: bool,
}

impl Default for Guess {
    fn default() -> Self {
        Guess { seen: false, boolean: true, integer: true, natural: true, real: true, time: true }
    }
}

impl Guess {
    #[inline]
    fn see(&mut self, cell: &[u8]) {
        if words::is_missing(cell) {
            return;
        }
        self.seen = true;
        // each is asked only as long as all before were so; most columns have one candidate after their first cell
        self.boolean = self.boolean && words::boolean(cell).is_some();
        self.integer = self.integer && words::integer(cell).is_some();
        self.natural = self.natural && words::natural(cell).is_some();
        self.real = self.real && (self.integer || words::real(cell).is_some());
        self.time = self.time && words::time(cell).is_some();
    }

    fn stored(self) -> String {
        if self.seen && self.natural && !self.integer && !self.boolean { UNSIGNED.to_owned() } else { self.kind().to_string() }
    }

    fn kind(self) -> Kind {
        match self {
            Guess { seen: false, .. } => Kind::Empty,
            Guess { boolean: true, .. } => Kind::Boolean,
            Guess { integer: true, .. } | Guess { natural: true, .. } => Kind::Integer,
            Guess { real: true, .. } => Kind::Real,
            Guess { time: true, .. } => Kind::Time,
            _ => Kind::Text,
        }
    }
}

impl Table for Csv {
    fn fields(&self) -> &[Field] {
        &self.fields
    }

    fn next(&mut self) -> Result<Option<Batch>, Error> {
        let mut columns = column::begin(&self.fields, &self.wanted);
        let mut rows = 0;
        while rows < batch_rows(self.fields.len()) && self.records.next()? {
            rows += 1;
            for (at, column) in columns.iter_mut().enumerate() {
                column.push_field(if at < self.records.fields() { self.records.field(at) } else { b"" });
            }
        }
        Ok(column::end(columns, rows))
    }

    fn rewind(&mut self, wanted: &dyn Fn(usize) -> bool) -> Result<(), Error> {
        self.wanted = (0..self.fields.len()).map(wanted).collect();
        self.records = Records::new(&self.input, self.format, self.dialect, &self.limits)?;
        if self.dialect.header {
            self.records.next()?;
        }
        Ok(())
    }
}

impl Column {
    /// A field of a line.
    fn push_field(&mut self, cell: &[u8]) {
        let cell = (!words::is_missing(cell)).then_some(cell);
        match self {
            Column::Boolean(builder) => builder.append_option(cell.and_then(words::boolean)),
            Column::Integer(builder) => builder.append_option(cell.and_then(words::integer)),
            Column::Big(builder) => builder.append_option(cell.and_then(words::natural)),
            Column::Real(builder) => builder.append_option(cell.and_then(words::real)),
            Column::Time(builder) => builder.append_option(cell.and_then(words::time)),
            Column::Text(builder) => match cell.map(str::from_utf8) {
                None => builder.append_null(),
                Some(Ok(text)) => builder.append_value(text),
                Some(Err(_)) => builder.append_value(String::from_utf8_lossy(cell.unwrap_or_default())),
            },
            Column::Empty => {}
        }
    }
}

/// The records of a stream, one at a time.
struct Records {
    format: Format,
    input: Box<dyn Read + Send>,
    reader: Reader,
    buffer: Vec<u8>,
    at: usize,
    filled: usize,
    out: Vec<u8>,
    ends: Vec<usize>,
    fields: usize,
    bytes_max: usize,
}

impl Records {
    fn new(input: &Shared, format: Format, dialect: Dialect, limits: &Limits) -> Result<Records, Error> {
        let mut records = Records {
            format,
            input: input.text(format)?,
            reader: dialect.reader(),
            buffer: vec![0; 64 << 10],
            at: 0,
            filled: 0,
            out: vec![0; 4096],
            ends: vec![0; 64],
            fields: 0,
            bytes_max: limits.cell_bytes_max,
        };
        while records.filled < MARK.len() && records.fill()? > 0 {}
        if records.buffer[..records.filled].starts_with(MARK) {
            records.at = MARK.len();
        }
        Ok(records)
    }

    fn fields(&self) -> usize {
        self.fields
    }

    fn field(&self, at: usize) -> &[u8] {
        let begin = if at == 0 { 0 } else { self.ends[at - 1] };
        &self.out[begin..self.ends[at]]
    }

    fn fill(&mut self) -> Result<usize, Error> {
        let read = self.input.read(&mut self.buffer[self.filled..]).map_err(|error| unpacked(self.format, error))?;
        self.filled += read;
        Ok(read)
    }

    /// The next record; false at the end.
    fn next(&mut self) -> Result<bool, Error> {
        let (mut written, mut ended) = (0, 0);
        loop {
            if self.at == self.filled {
                (self.at, self.filled) = (0, 0);
                self.fill()?;
            }
            let (result, read, wrote, found) =
                self.reader.read_record(&self.buffer[self.at..self.filled], &mut self.out[written..], &mut self.ends[ended..]);
            (self.at, written, ended) = (self.at + read, written + wrote, ended + found);
            match result {
                ReadRecordResult::Record => {
                    self.fields = ended;
                    return Ok(true);
                }
                ReadRecordResult::End => return Ok(false),
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull if self.out.len() >= self.bytes_max => {
                    return Err(Error::Broken {
                        format: self.format,
                        why: format!("a record of more than {} bytes: is a quote not closed?", self.bytes_max),
                    });
                }
                ReadRecordResult::OutputFull => self.out.resize(self.out.len() * 2, 0),
                ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
            }
        }
    }
}

/// A stream that cannot be unpacked is broken, not failing.
pub(crate) fn unpacked(format: Format, error: std::io::Error) -> Error {
    use std::io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
    match error.kind() {
        InvalidData | InvalidInput | UnexpectedEof => Error::Broken { format, why: error.to_string() },
        _ => Error::Io(error),
    }
}
