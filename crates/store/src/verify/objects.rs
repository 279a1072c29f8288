//! The contents that are kept.

use std::io::Read as _;
use std::ops::ControlFlow;

use keizu_record::Digest;

use crate::{Error, Objects};

/// What was found among the contents.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ObjectReport {
    /// Contents that are what their names say.
    pub intact: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Contents that are not: what they were kept as, and why not.
    pub faults: Vec<(Digest, String)>,
}

/// Reads every kept content again and compares it with its name. `progress` is told contents and bytes done.
///
/// # Errors
/// Only when the contents cannot be listed.
pub fn verify_objects(objects: &dyn Objects, progress: &mut dyn FnMut(u64, u64)) -> Result<ObjectReport, Error> {
    let mut report = ObjectReport::default();
    let mut buffer = vec![0; 1 << 16];
    objects.list(&mut |digest, _| {
        match rehash(objects, &digest, &mut buffer) {
            Ok((found, size)) if found == digest => {
                report.intact += 1;
                report.bytes += size;
            }
            Ok((found, _)) => report.faults.push((digest, format!("its bytes are those of {found}"))),
            Err(error) => report.faults.push((digest, error.to_string())),
        }
        progress(report.intact, report.bytes);
        ControlFlow::Continue(())
    })?;
    Ok(report)
}

fn rehash(objects: &dyn Objects, digest: &Digest, buffer: &mut [u8]) -> Result<(Digest, u64), Error> {
    let mut content = objects.open(digest)?.ok_or_else(|| std::io::Error::from(std::io::ErrorKind::NotFound))?;
    let mut hasher = blake3::Hasher::new();
    let mut size = 0;
    loop {
        match content.read(buffer)? {
            0 => return Ok((Digest::new(*hasher.finalize().as_bytes()), size)),
            count => {
                hasher.update(&buffer[..count]);
                size += count as u64;
            }
        }
    }
}
