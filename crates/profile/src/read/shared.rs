//! One stream, read from several places, and unpacked.

use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::sync::{Arc, Mutex, PoisonError};

use crate::format::{Format, Packing};
use crate::{Bytes, Error};

/// Bytes read from the stream at a time.
const BUFFER_BYTES: usize = 256 << 10;

/// A stream that any number of readers read, each at its own place.
#[derive(Clone)]
pub(crate) struct Shared {
    input: Arc<Mutex<Box<dyn Bytes>>>,
    length: u64,
}

/// One of its readers.
pub(crate) struct Place {
    shared: Shared,
    at: u64,
    end: u64,
}

impl Shared {
    pub fn new(mut input: Box<dyn Bytes>) -> io::Result<Shared> {
        let length = input.seek(SeekFrom::End(0))?;
        Ok(Shared { input: Arc::new(Mutex::new(input)), length })
    }

    pub fn length(&self) -> u64 {
        self.length
    }

    /// A reader of the bytes from here, at most so many.
    pub fn at(&self, start: u64, length: u64) -> Place {
        Place { shared: self.clone(), at: start, end: start.saturating_add(length).min(self.length) }
    }

    /// The text from its beginning, unpacked.
    pub fn text(&self, format: Format) -> Result<Box<dyn Read + Send>, Error> {
        let whole = BufReader::with_capacity(BUFFER_BYTES, self.at(0, self.length));
        Ok(match format.packing {
            Packing::Plain => Box::new(whole),
            Packing::Gzip => Box::new(BufReader::with_capacity(BUFFER_BYTES, flate2::read::MultiGzDecoder::new(whole))),
            Packing::Zstd => Box::new(BufReader::with_capacity(BUFFER_BYTES, zstd::stream::read::Decoder::with_buffer(whole)?)),
            Packing::Zip => {
                let mut members = self.members(format)?;
                let only = members.pop().filter(|_| members.is_empty());
                let only = only.ok_or_else(|| Error::Unread { what: format!("a zip of {} members", members.len() + 1) })?;
                only.open(self)?
            }
        })
    }

    /// What a zip holds, folders left out.
    pub fn members(&self, format: Format) -> Result<Vec<Member>, Error> {
        let broken = |error: zip::result::ZipError| Error::Broken { format, why: error.to_string() };
        let mut archive = zip::ZipArchive::new(BufReader::new(self.at(0, self.length))).map_err(broken)?;
        let mut members = Vec::new();
        for at in 0..archive.len() {
            let member = archive.by_index_raw(at).map_err(broken)?;
            if member.is_dir() {
                continue;
            }
            let name = member.name().map_err(broken)?.into_owned();
            let start = member.data_start().ok_or_else(|| Error::Broken { format, why: format!("{name} has no place") })?;
            let stored = match member.compression() {
                zip::CompressionMethod::Stored => true,
                zip::CompressionMethod::Deflated => false,
                other => return Err(Error::Unread { what: format!("zip compression {other}") }),
            };
            members.push(Member { name, start, packed: member.compressed_size(), stored });
        }
        Ok(members)
    }
}

/// A file within a zip.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub name: String,
    start: u64,
    packed: u64,
    stored: bool,
}

impl Member {
    pub fn open(&self, shared: &Shared) -> Result<Box<dyn Read + Send>, Error> {
        let packed = BufReader::with_capacity(BUFFER_BYTES, shared.at(self.start, self.packed));
        Ok(if self.stored {
            Box::new(packed)
        } else {
            Box::new(BufReader::with_capacity(BUFFER_BYTES, flate2::bufread::DeflateDecoder::new(packed)))
        })
    }
}

impl Read for Place {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let room = usize::try_from(self.end.saturating_sub(self.at)).unwrap_or(usize::MAX).min(into.len());
        if room == 0 {
            return Ok(0);
        }
        let mut input = self.shared.input.lock().unwrap_or_else(PoisonError::into_inner);
        input.seek(SeekFrom::Start(self.at))?;
        let read = input.read(&mut into[..room])?;
        self.at += read as u64;
        Ok(read)
    }
}

impl Seek for Place {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.end.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = target.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "before the beginning"))?;
        Ok(self.at)
    }
}
