//! The messages of an Arrow stream, each looked at before it is decoded: a broken length would make the decoder ask for memory that no machine has.
//!
//! ```text
//! file: ARROW1 0 0 │ stream … │ footer │ length │ ARROW1          stream: message, message, …, end
//! message: ff ff ff ff │ length of metadata: u32 │ metadata │ body        end: ff ff ff ff 00 00 00 00
//! ```
//!
//! A file is read as the stream that it contains.

use std::io::Read;

use arrow_array::RecordBatch;
use arrow_buffer::Buffer;
use arrow_ipc::reader::StreamDecoder;
use arrow_ipc::{Message, RecordBatch as Header, root_as_message};
use arrow_schema::SchemaRef;

use super::csv::unpacked;
use crate::Error;
use crate::format::Format;

const METADATA_BYTES_MAX: u64 = 256 << 20;
/// Of one column in one batch, after it is unpacked.
const COLUMN_BYTES_MAX: i64 = 4 << 30;

pub(crate) struct Messages {
    input: Box<dyn Read + Send>,
    format: Format,
    decoder: StreamDecoder,
    ended: bool,
    /// A batch that came together with the schema.
    held: Option<RecordBatch>,
}

impl Messages {
    pub fn new(input: Box<dyn Read + Send>, format: Format) -> Messages {
        Messages { input, format, decoder: StreamDecoder::new(), ended: false, held: None }
    }

    fn broken(&self, why: impl ToString) -> Error {
        Error::Broken { format: self.format, why: why.to_string() }
    }

    /// The columns; before any batch is read.
    pub fn schema(&mut self) -> Result<SchemaRef, Error> {
        loop {
            if let Some(schema) = self.decoder.schema() {
                return Ok(schema);
            }
            if self.ended {
                return Err(self.broken("there is no schema"));
            }
            self.held = self.next()?;
        }
    }

    /// What the next message gave, which for most but batches is nothing; [`Messages::ended`] tells that there is none.
    pub fn next(&mut self) -> Result<Option<RecordBatch>, Error> {
        if self.held.is_some() {
            return Ok(self.held.take());
        }
        let bytes = self.message()?;
        self.ended |= bytes.is_none();
        let mut bytes = Buffer::from_vec(bytes.unwrap_or_else(|| END.to_vec()));
        self.decoder.decode(&mut bytes).map_err(|error| self.broken(error))
    }

    pub fn ended(&self) -> bool {
        self.ended && self.held.is_none()
    }

    /// So many bytes, or as many as there are.
    fn take(&mut self, length: u64, into: &mut Vec<u8>) -> Result<bool, Error> {
        let read = (&mut self.input).take(length).read_to_end(into).map_err(|error| unpacked(self.format, error))?;
        Ok(read as u64 == length)
    }

    /// A whole message; nothing at the end.
    fn message(&mut self) -> Result<Option<Vec<u8>>, Error> {
        let mut bytes = Vec::new();
        if !self.take(4, &mut bytes)? {
            // an end may be left out
            return if bytes.is_empty() { Ok(None) } else { Err(self.broken("ends within a message")) };
        }
        // before version 0.15 there was no mark in front of the length
        if bytes == [0xff; 4] && !self.take(4, &mut bytes)? {
            return Err(self.broken("ends within a message"));
        }
        let length = bytes.last_chunk().map_or(0, |length| u64::from(u32::from_le_bytes(*length)));
        if length == 0 {
            return Ok(None);
        }
        let start = bytes.len();
        if length > METADATA_BYTES_MAX || !self.take(length, &mut bytes)? {
            return Err(self.broken("ends within a message"));
        }
        let message = root_as_message(&bytes[start..]).map_err(|error| self.broken(error))?;
        let body_length = u64::try_from(message.bodyLength()).map_err(|_| self.broken("a body of negative length"))?;
        let body = bytes.len();
        if !self.take(body_length, &mut bytes)? {
            return Err(self.broken("ends within a message"));
        }
        let message = root_as_message(&bytes[start..body]).map_err(|error| self.broken(error))?;
        if let Some(why) = doubtful(message, &bytes[body..]) {
            return Err(self.broken(why));
        }
        Ok(Some(bytes))
    }
}

const END: [u8; 8] = [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0];

/// Why the buffers of a message cannot be what they say.
fn doubtful(message: Message, body: &[u8]) -> Option<&'static str> {
    let header: Option<Header> =
        message.header_as_record_batch().or_else(|| message.header_as_dictionary_batch().and_then(|dictionary| dictionary.data()));
    let header = header?;
    for buffer in header.buffers()? {
        let place = usize::try_from(buffer.offset()).ok().zip(usize::try_from(buffer.length()).ok());
        let Some(bytes) = place.and_then(|(offset, length)| body.get(offset..offset.checked_add(length)?)) else {
            return Some("a column lies outside of its message");
        };
        // packed: in front is how long it is when unpacked, −1 for not packed after all
        if header.compression().is_some() && !bytes.is_empty() {
            let unpacked = bytes.first_chunk().map(|length| i64::from_le_bytes(*length));
            if unpacked.is_none_or(|length| !(-1..=COLUMN_BYTES_MAX).contains(&length)) {
                return Some("a packed column is longer than it can be");
            }
        }
    }
    None
}
