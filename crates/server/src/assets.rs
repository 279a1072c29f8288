//! The page: a few files with stable names, inside the program. A debug build reads them from the folder each time, so that the page can be worked on.

use std::io::Write as _;
use std::sync::OnceLock;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;

macro_rules! files {
    ($($name:literal: $kind:literal,)*) => {
        /// Name, type, bytes.
        const FILES: &[(&str, &str, &[u8])] = &[$(($name, $kind, include_bytes!(concat!("../assets/", $name))),)*];
    };
}

files! {
    "index.html": "text/html; charset=utf-8",
    "app.js": "text/javascript; charset=utf-8",
    "ask.js": "text/javascript; charset=utf-8",
    "page.js": "text/javascript; charset=utf-8",
    "app.css": "text/css; charset=utf-8",
    "words-ja.js": "text/javascript; charset=utf-8",
    "seal.svg": "image/svg+xml",
}

/// One file, as it is sent.
#[derive(Debug, Clone)]
pub(crate) struct Asset {
    pub kind: &'static str,
    pub bytes: Bytes,
    /// Compressed; none when that makes it no smaller.
    pub gzip: Option<Bytes>,
    /// Of the content, in quotes.
    pub tag: String,
}

impl Asset {
    fn new(kind: &'static str, bytes: Bytes) -> Self {
        let tag = format!("\"{}\"", &blake3::hash(&bytes).to_hex()[..16]);
        let gzip = gzip(&bytes, Compression::new(6)).filter(|packed| packed.len() < bytes.len());
        Self { kind, bytes, gzip, tag }
    }
}

/// The file with this name. A path that is no file's is a view of the page.
pub(crate) fn find(path: &str) -> Asset {
    let name = path.trim_start_matches('/');
    let at = FILES.iter().position(|(known, ..)| *known == name).or_else(|| FILES.iter().position(|(known, ..)| *known == "index.html"));
    at.map_or_else(|| Asset::new("text/plain; charset=utf-8", Bytes::new()), |at| packed(at).into_owned())
}

/// Each file is compressed when it is first asked for, and kept so.
#[cfg(not(debug_assertions))]
fn packed(at: usize) -> std::borrow::Cow<'static, Asset> {
    static PACKED: OnceLock<Vec<OnceLock<Asset>>> = OnceLock::new();
    let all = PACKED.get_or_init(|| FILES.iter().map(|_| OnceLock::new()).collect());
    std::borrow::Cow::Borrowed(all[at].get_or_init(|| {
        let (_, kind, bytes) = FILES[at];
        Asset::new(kind, Bytes::from_static(bytes))
    }))
}

/// From the folder, when it is there.
#[cfg(debug_assertions)]
fn packed(at: usize) -> std::borrow::Cow<'static, Asset> {
    static FOLDER: OnceLock<std::path::PathBuf> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("assets"));
    let (name, kind, inside) = FILES[at];
    let bytes = std::fs::read(folder.join(name)).map_or_else(|_| Bytes::from_static(inside), Bytes::from);
    std::borrow::Cow::Owned(Asset::new(kind, bytes))
}

/// Compressed bytes.
pub(crate) fn gzip(bytes: &[u8], level: Compression) -> Option<Bytes> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 3), level);
    encoder.write_all(bytes).ok()?;
    encoder.finish().ok().map(Bytes::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_file_is_a_view_of_the_page() {
        let page = find("/index.html");
        assert_eq!(page.kind, "text/html; charset=utf-8");
        for path in ["/", "/model:delay@v3/tree", "/../../etc/passwd", "/app.jsx"] {
            assert_eq!(find(path).tag, page.tag, "{path}");
        }
    }

    fn listed(folder: &std::path::Path, under: &str, lines: &mut Vec<String>) {
        for entry in fs_err::read_dir(folder).unwrap().flatten() {
            let name = entry.file_name().into_string().unwrap();
            let path = format!("{under}{name}");
            if ["node_modules", ".vite", ".svelte-kit"].contains(&name.as_str()) {
                continue;
            }
            if entry.file_type().unwrap().is_dir() {
                listed(&entry.path(), &format!("{path}/"), lines);
            } else {
                lines.push(format!("{path}  {}", blake3::hash(&fs_err::read(entry.path()).unwrap()).to_hex()));
            }
        }
    }

    /// `SOURCES` holds what the page was built from: a line `BLAKE3  path` for each file of `ui/`.
    #[test]
    fn the_page_was_built_from_the_sources_that_are_here() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        if !root.join("ui").is_dir() {
            return;
        }
        let text = fs_err::read_to_string(root.join("crates/server/assets/SOURCES")).unwrap_or_default();
        let mut told: Vec<String> =
            text.lines().filter_map(|line| line.split_once("  ")).map(|(hash, path)| format!("{path}  {hash}")).collect();
        let mut here = Vec::new();
        listed(&root.join("ui"), "", &mut here);
        told.sort_unstable();
        here.sort_unstable();
        let differs: Vec<&String> =
            told.iter().filter(|line| !here.contains(line)).chain(here.iter().filter(|line| !told.contains(line))).collect();
        assert!(differs.is_empty(), "the page was not built from what is in ui/: run `make ui`\n{differs:#?}");
    }
}
