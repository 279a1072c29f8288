//! Which format a file has: by its content, and by its name where the content leaves it open.

use std::fmt;
use std::io::Read;

use serde::{Deserialize, Serialize};

use crate::read::dialect;

/// How the cells are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layout {
    /// Text in fields: commas, semicolons, tabs or bars between them, whichever it is.
    Csv,
    /// Text in fields with tabs between them.
    Tsv,
    /// One JSON object a line, or an array of objects.
    JsonLines,
    /// Apache Parquet.
    Parquet,
    /// Apache Arrow: an IPC file (Feather 2).
    ArrowFile,
    /// Apache Arrow: an IPC stream.
    ArrowStream,
    /// One numpy array.
    Npy,
    /// Several numpy arrays.
    Npz,
}

/// What the text is wrapped in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Packing {
    /// Nothing.
    #[default]
    Plain,
    /// gzip.
    Gzip,
    /// Zstandard.
    Zstd,
    /// A zip with a single member.
    Zip,
}

/// The format of a table's file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Format {
    /// How the cells are laid out.
    pub layout: Layout,
    /// What that is wrapped in.
    #[serde(default)]
    pub packing: Packing,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.layout {
            Layout::Csv => "CSV",
            Layout::Tsv => "TSV",
            Layout::JsonLines => "JSON lines",
            Layout::Parquet => "Parquet",
            Layout::ArrowFile => "Arrow file",
            Layout::ArrowStream => "Arrow stream",
            Layout::Npy => "npy",
            Layout::Npz => "npz",
        })?;
        f.write_str(match self.packing {
            Packing::Plain => "",
            Packing::Gzip => " in gzip",
            Packing::Zstd => " in Zstandard",
            Packing::Zip => " in a zip",
        })
    }
}

/// What a head needs to have for a format to be told, at most.
pub const HEAD_BYTES: usize = 64 << 10;

impl Format {
    /// The format of a file with this name and these first bytes ([`HEAD_BYTES`] of them, or all): nothing if it is no table that can be read.
    pub fn of(name: &str, head: &[u8]) -> Option<Format> {
        let name = name.rsplit(['/', '\\']).next().unwrap_or(name).to_lowercase();
        let packed = |packing, layout| Some(Format { layout, packing });
        match head {
            [0x1f, 0x8b, ..] => {
                let inner = name.strip_suffix(".gz").or_else(|| name.strip_suffix(".gzip")).unwrap_or(&name);
                packed(Packing::Gzip, of_text(inner, &start(flate2::read::MultiGzDecoder::new(head)))?)
            }
            [0x28, 0xb5, 0x2f, 0xfd, ..] => {
                let inner = name.strip_suffix(".zst").or_else(|| name.strip_suffix(".zstd")).unwrap_or(&name);
                packed(Packing::Zstd, of_text(inner, &start(zstd::stream::read::Decoder::new(head).ok()?))?)
            }
            [b'P', b'K', 3, 4, ..] => of_zip(&name, head),
            [b'P', b'A', b'R', b'1', ..] => packed(Packing::Plain, Layout::Parquet),
            [b'A', b'R', b'R', b'O', b'W', b'1', ..] => packed(Packing::Plain, Layout::ArrowFile),
            [0x93, b'N', b'U', b'M', b'P', b'Y', ..] => packed(Packing::Plain, Layout::Npy),
            // a continuation mark, then the length of a schema message
            [0xff, 0xff, 0xff, 0xff, _, _, _, 0, ..] => packed(Packing::Plain, Layout::ArrowStream),
            _ => packed(Packing::Plain, of_text(&name, head)?),
        }
    }
}

/// As much as comes out of the head of a packed stream.
fn start(mut packed: impl Read) -> Vec<u8> {
    let mut out = vec![0; HEAD_BYTES];
    let mut filled = 0;
    while filled < out.len() {
        match packed.read(&mut out[filled..]) {
            Ok(read) if read > 0 => filled += read,
            _ => break,
        }
    }
    out.truncate(filled);
    out
}

/// By the first member. An archive of other things (a workbook, a model) is no table.
fn of_zip(name: &str, head: &[u8]) -> Option<Format> {
    let length = |at: usize| Some(usize::from(u16::from_le_bytes([*head.get(at)?, *head.get(at + 1)?])));
    let (named, extra) = (length(26)?, length(28)?);
    let member = str::from_utf8(head.get(30..30 + named)?).ok()?.to_lowercase();
    if member.ends_with(".npy") {
        return Some(Format { layout: Layout::Npz, packing: Packing::Plain });
    }
    let data = head.get(30 + named + extra..)?;
    let text = match length(8)? {
        0 => data.to_vec(),
        8 => start(flate2::read::DeflateDecoder::new(data)),
        _ => return None,
    };
    let inner = name.strip_suffix(".zip")?;
    let known = by_suffix(&member).or_else(|| by_suffix(inner))?;
    Some(Format { layout: by_text(known, &text)?, packing: Packing::Zip })
}

/// `Some(None)`: the name says that it could be a table. `None`: it says that it is something else, or nothing.
fn by_suffix(name: &str) -> Option<Option<Layout>> {
    let suffix = name.rsplit_once('.').map_or("", |(_, suffix)| suffix);
    Some(match suffix {
        "csv" => Some(Layout::Csv),
        "tsv" | "tab" => Some(Layout::Tsv),
        "json" | "jsonl" | "ndjson" | "jl" => Some(Layout::JsonLines),
        "" | "txt" | "data" | "dat" | "psv" => None,
        _ => return None,
    })
}

fn of_text(name: &str, head: &[u8]) -> Option<Layout> {
    by_text(by_suffix(name)?, head)
}

fn by_text(known: Option<Layout>, head: &[u8]) -> Option<Layout> {
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let first = text.iter().copied().find(|byte| !byte.is_ascii_whitespace());
    match known {
        Some(Layout::JsonLines) => is_records(text).then_some(Layout::JsonLines),
        // zeros are of a binary file, or of UTF-16
        _ if text.contains(&0) => None,
        Some(layout) => Some(layout),
        None if first == Some(b'{') => is_records(text).then_some(Layout::JsonLines),
        None => dialect::is_plainly_a_table(text).then_some(Layout::Csv),
    }
}

/// Objects one after the other, or an array of them: not the single object that a configuration is.
fn is_records(text: &[u8]) -> bool {
    let text = text.trim_ascii_start();
    if let Some(rest) = text.strip_prefix(b"[") {
        return matches!(rest.trim_ascii_start().first(), Some(b'{' | b']'));
    }
    let mut values = serde_json::Deserializer::from_slice(text).into_iter::<serde_json::value::Value>();
    match values.next() {
        Some(Ok(serde_json::Value::Object(_))) => {}
        // one record may be longer than the head
        Some(Err(error)) if error.is_eof() => return text.len() >= HEAD_BYTES && text.starts_with(b"{\"") && !text.contains(&b'\n'),
        _ => return text.is_empty(),
    }
    let rest = &text[values.byte_offset()..];
    let one_line = !text[..values.byte_offset()].contains(&b'\n');
    match rest.trim_ascii_start().first() {
        Some(b'{') => true,
        None => one_line,
        Some(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(name: &str, head: &[u8]) -> Option<Layout> {
        Format::of(name, head).map(|format| format.layout)
    }

    #[test]
    fn by_content_and_name() {
        assert_eq!(layout("a.csv", b"x,y\n1,2\n"), Some(Layout::Csv));
        assert_eq!(layout("a.CSV", b"x\n1\n"), Some(Layout::Csv));
        assert_eq!(layout("part-0", b"PAR1xxxx"), Some(Layout::Parquet));
        assert_eq!(layout("x.feather", b"ARROW1\0\0"), Some(Layout::ArrowFile));
        assert_eq!(layout("x.npy", b"\x93NUMPY\x01\0"), Some(Layout::Npy));
        assert_eq!(layout("a.txt", b"x;y\n1;2\n3;4\n"), Some(Layout::Csv));
        assert_eq!(layout("notes.txt", b"Dear all,\nthe model is better, I think.\nBye\n"), None);
        assert_eq!(layout("train.py", b"a, b = 1, 2\nc, d = 1, 2\ne, f = 1, 2\n"), None);
        assert_eq!(layout("x.csv", b"\0\x01\x02"), None);
    }

    #[test]
    fn json_records_are_a_table_and_a_configuration_is_not() {
        assert_eq!(layout("a.jsonl", b"{\"a\":1}\n{\"a\":2}\n"), Some(Layout::JsonLines));
        assert_eq!(layout("a.json", b" [ {\"a\":1},\n{\"a\":2}]"), Some(Layout::JsonLines));
        assert_eq!(layout("a.json", b"{\n \"depth\": 3\n}\n"), None);
        assert_eq!(layout("a.json", b"[1, 2]"), None);
        assert_eq!(layout("a.json", b"\"text\""), None);
    }

    #[test]
    fn packed_text() {
        let mut gz = flate2::read::GzEncoder::new(b"x,y\n1,2\n".as_slice(), flate2::Compression::fast());
        let mut packed = Vec::new();
        gz.read_to_end(&mut packed).expect("packs");
        assert_eq!(Format::of("a.csv.gz", &packed), Some(Format { layout: Layout::Csv, packing: Packing::Gzip }));
        assert_eq!(Format::of("a.tar.gz", &packed), None);
        let packed = zstd::encode_all(b"{\"a\":1}\n{\"a\":2}\n".as_slice(), 1).expect("packs");
        assert_eq!(Format::of("a.jsonl.zst", &packed), Some(Format { layout: Layout::JsonLines, packing: Packing::Zstd }));
    }
}
