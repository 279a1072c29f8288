//! Answers, and the headers that every one of them carries.

use std::io::{self, Write};

use bytes::Bytes;
use flate2::Compression;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Response, StatusCode};
use serde_json::Value;

use crate::ask::Ask;
use crate::assets;
use crate::body::Body;
use crate::fault::Fault;

/// What a page of ours may do: load from here, and nothing else.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; font-src 'self'; \
    base-uri 'none'; form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types svelte-trusted-html";
/// Said of everything.
const ALWAYS: &[(&str, &str)] = &[
    ("content-security-policy", POLICY),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("x-frame-options", "DENY"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=()"),
];
/// Smaller answers are not worth compressing.
const GZIP_BYTES_MIN: usize = 1_024;
/// Kept anywhere, but asked for again each time.
pub(crate) const ASK_AGAIN: &str = "private, no-cache";
/// Never kept.
pub(crate) const KEEP_NOT: &str = "no-store";
/// What is asked of the past, pinned: it will never be answered otherwise.
pub(crate) const FOR_EVER: &str = "private, max-age=31536000, immutable";

/// Writes an answer piece by piece.
pub(crate) type Stream = Box<dyn FnOnce(&Ask<'_>, &mut dyn Write) -> io::Result<()> + Send>;

/// What a handler answers.
pub(crate) enum Reply {
    /// JSON.
    Json(Value),
    /// JSON, with a tag that stands for what of it matters.
    Tagged(String, String),
    /// A file to be saved under a name.
    Download(String, Stream),
    /// One JSON value a line.
    Lines(Stream),
}

/// The tag of some bytes.
pub(crate) fn tag(bytes: &[u8]) -> String {
    format!("\"{}\"", &blake3::hash(bytes).to_hex()[..20])
}

/// Whether a client takes compressed answers.
pub(crate) fn takes_gzip(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    accepted.flat_map(|value| value.split(',')).any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let refused = parts.any(|part| part.strip_prefix("q=").and_then(|q| q.parse::<f32>().ok()) == Some(0.0));
        (name.eq_ignore_ascii_case("gzip") || name == "*") && !refused
    })
}

/// Whether the client has what stands under this tag.
pub(crate) fn has(headers: &HeaderMap, tag: &str) -> bool {
    let known = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    known.flat_map(|value| value.split(',')).map(str::trim).any(|known| known == "*" || known.trim_start_matches("W/") == tag)
}

/// An answer with its body.
pub(crate) fn response(status: StatusCode, kind: &'static str, caching: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding, cookie, authorization"));
    for (name, value) in ALWAYS {
        headers.insert(*name, HeaderValue::from_static(value));
    }
    response
}

/// Bytes that are there, compressed where that pays and is wanted.
pub(crate) fn whole(status: StatusCode, kind: &'static str, caching: &'static str, bytes: Bytes, gzip: bool) -> Response<Body> {
    // an answer is compressed once for one reader: the last percents of its size would cost more time than they save on most ways
    let packed = (gzip && bytes.len() >= GZIP_BYTES_MIN).then(|| assets::gzip(&bytes, Compression::fast())).flatten();
    let is_packed = packed.is_some();
    let mut response = response(status, kind, caching, Body::whole(packed.unwrap_or(bytes)));
    if is_packed {
        response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

/// That the client has it already.
pub(crate) fn unchanged(tag: &str, caching: &'static str) -> Response<Body> {
    let mut response = response(StatusCode::NOT_MODIFIED, JSON, caching, Body::empty());
    response.headers_mut().remove(header::CONTENT_TYPE);
    set(&mut response, header::ETAG, tag);
    response
}

pub(crate) const JSON: &str = "application/json";
pub(crate) const LINES: &str = "application/x-ndjson";

/// A header whose value was made here. One that can't be a header's value is left out.
pub(crate) fn set(response: &mut Response<Body>, name: header::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

/// What went wrong, as an answer.
pub(crate) fn fault(fault: &Fault) -> Response<Body> {
    let mut response = whole(fault.status, JSON, KEEP_NOT, Bytes::from(fault.json().to_string()), false);
    match fault.status {
        StatusCode::UNAUTHORIZED => set(&mut response, header::WWW_AUTHENTICATE, "Bearer realm=\"keizu\""),
        // RFC 9110 §15.5.6: what this address takes; whatever is read can be asked for its head alone
        StatusCode::METHOD_NOT_ALLOWED => set(&mut response, header::ALLOW, &fault.nearest.join(", ").replace("GET", "GET, HEAD")),
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => set(&mut response, header::RETRY_AFTER, "2"),
        _ => {}
    }
    response
}

/// A page with a file of the page's own.
pub(crate) fn asset(headers: &HeaderMap, asset: &assets::Asset) -> Response<Body> {
    if has(headers, &asset.tag) {
        return unchanged(&asset.tag, ASK_AGAIN);
    }
    let packed = asset.gzip.clone().filter(|_| takes_gzip(headers));
    let is_packed = packed.is_some();
    let mut response = response(StatusCode::OK, asset.kind, ASK_AGAIN, Body::whole(packed.unwrap_or_else(|| asset.bytes.clone())));
    set(&mut response, header::ETAG, &asset.tag);
    if is_packed {
        set(&mut response, header::CONTENT_ENCODING, "gzip");
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compression_and_tags_are_asked_for_in_headers() {
        let with =
            |name: &'static str, value: &'static str| HeaderMap::from_iter([(name.parse().unwrap(), HeaderValue::from_static(value))]);
        for (value, wanted) in [("gzip, br", true), ("br;q=1.0, gzip;q=0.5", true), ("gzip;q=0", false), ("identity", false), ("*", true)] {
            assert_eq!(takes_gzip(&with("accept-encoding", value)), wanted, "{value}");
        }
        for (value, wanted) in [("\"a\"", true), ("W/\"a\"", true), ("\"b\", \"a\"", true), ("\"b\"", false), ("*", true), ("a", false)] {
            assert_eq!(has(&with("if-none-match", value), "\"a\""), wanted, "{value}");
        }
    }
}
