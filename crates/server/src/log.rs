//! What the server says of each request. No query and no header: what people ask for stays between them and the record, and a secret that was put in
//! a URL by mistake is not written down.

use std::net::IpAddr;
use std::time::Duration;

/// Who is told.
pub type Log = dyn Fn(&Line) + Send + Sync;

/// One request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// `GET`, …
    pub method: String,
    /// Without its query; cut when it is long.
    pub path: String,
    /// Of the answer.
    pub status: u16,
    /// Bytes of the answer; none when it is streamed.
    pub bytes: Option<u64>,
    /// Until the answer began.
    pub took: Duration,
    /// From where.
    pub peer: IpAddr,
    /// The token's id, when one was shown that is good.
    pub guest: Option<String>,
    /// What the asker was not told: why Keizu failed.
    pub detail: Option<String>,
}

/// Characters of a path that are written down.
pub(crate) const PATH_MAX: usize = 200;

/// A path as it is written down: without control characters, and not too long.
pub(crate) fn path(path: &str) -> String {
    path.chars().filter(|char| !char.is_control()).take(PATH_MAX).collect()
}
