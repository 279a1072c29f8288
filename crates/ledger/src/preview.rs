//! The beginning of what a thing holds, for people to look at: rows of a table, or text. Nothing of it is ever executed or rendered.

use std::io::Read;

use csv_core::{ReadRecordResult, Reader};
use keizu_record::FilePath;
use serde::Serialize;

use crate::contents::{Supply, supply};
use crate::thing::Thing;
use crate::{Error, Ledger};

/// Bytes that are looked at.
const BYTES_MAX: usize = 64 << 10;
/// Rows that are shown.
const ROWS_MAX: usize = 100;
/// Columns that are shown.
const COLUMNS_MAX: usize = 200;
/// Larger files that were not kept are not read to know whether they still hold the content.
const READ_BYTES_MAX: u64 = 64 << 20;

/// What can be shown of a content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "form", rename_all = "lowercase")]
pub enum Preview {
    /// The first rows of a table.
    Table {
        /// The first row: names of columns, as far as that is what it is.
        columns: Vec<String>,
        /// The rows after it.
        rows: Vec<Vec<String>>,
        /// Whether there is more.
        truncated: bool,
    },
    /// The beginning of a text.
    Text {
        /// The text.
        text: String,
        /// Whether there is more.
        truncated: bool,
    },
    /// The first members of a folder: `keizu show` tells them all.
    Folder {
        /// How many there are.
        members: usize,
    },
    /// Nothing.
    Nothing {
        /// Why: `not kept`, `not text`, `too large`.
        why: &'static str,
    },
}

impl Ledger {
    /// The beginning of what a thing holds.
    ///
    /// # Errors
    /// When the store fails, or the thing has no content.
    pub fn preview(&self, thing: &Thing) -> Result<Preview, Error> {
        let view = self.view();
        let (digest, place) = match thing {
            Thing::Artifact(digest) => (*digest, None),
            Thing::Place { project, path } => {
                let detail = view.place(project, path)?;
                (detail.digest.parse().map_err(|_| Error::Unfit(format!("{path} has no content")))?, Some(path.clone()))
            }
            Thing::Version(named) => {
                (named.content.ok_or_else(|| Error::Unfit("this version has no content".to_owned()))?, named.path.clone())
            }
            Thing::Run(run) => return Err(Error::Unfit(format!("run:{} is a run; ask for something that it used or made", run.short(6)))),
            Thing::Party(name) => return Err(Error::Unfit(format!("party:{name} has no content"))),
        };
        let detail = view.artifact(&digest)?;
        if let Some(members) = &detail.members {
            return Ok(Preview::Folder { members: members.len() });
        }
        let path = place.or_else(|| detail.occurrences.last().map(|met| FilePath::from(met.path.as_str()))).unwrap_or_default();
        let mut head = Vec::new();
        match self.content(&digest)? {
            Some(reader) => drop(reader.take(BYTES_MAX as u64 + 1).read_to_end(&mut head)?),
            None if detail.size.is_none_or(|size| size > READ_BYTES_MAX) => return Ok(Preview::Nothing { why: "not kept" }),
            None => match supply(self, &path, &digest, detail.size)? {
                Supply::Present(file) => drop(fs_err::File::open(file)?.take(BYTES_MAX as u64 + 1).read_to_end(&mut head)?),
                Supply::Kept | Supply::Nowhere => return Ok(Preview::Nothing { why: "not kept" }),
            },
        }
        Ok(show(&head, &path.extension()))
    }
}

fn show(head: &[u8], extension: &str) -> Preview {
    let truncated = head.len() > BYTES_MAX;
    let head = &head[..head.len().min(BYTES_MAX)];
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        // a character may be cut in two at the end
        Err(error) if truncated && error.error_len().is_none() => std::str::from_utf8(&head[..error.valid_up_to()]).unwrap_or_default(),
        Err(_) => return Preview::Nothing { why: "not text" },
    };
    if text.contains('\0') {
        return Preview::Nothing { why: "not text" };
    }
    let delimiter = match extension {
        "csv" => b',',
        "tsv" | "tab" => b'\t',
        _ => return Preview::Text { text: text.to_owned(), truncated },
    };
    let semicolons = delimiter == b',' && text.lines().next().is_some_and(|line| !line.contains(',') && line.contains(';'));
    table(text, if semicolons { b';' } else { delimiter }, truncated)
}

fn table(text: &str, delimiter: u8, truncated: bool) -> Preview {
    let mut reader = csv_core::ReaderBuilder::new().delimiter(delimiter).build();
    // of a cut text the last row is not whole
    let whole = if truncated { text.rfind('\n').map_or(text, |end| &text[..=end]) } else { text };
    let mut rows = records(&mut reader, whole.as_bytes());
    let more = truncated || rows.len() > ROWS_MAX + 1;
    rows.truncate(ROWS_MAX + 1);
    let mut rows = rows.into_iter();
    Preview::Table { columns: rows.next().unwrap_or_default(), rows: rows.collect(), truncated: more }
}

fn records(reader: &mut Reader, mut input: &[u8]) -> Vec<Vec<String>> {
    let (mut rows, mut output, mut ends) = (Vec::new(), vec![0; BYTES_MAX], vec![0; 1_024]);
    let (mut out_at, mut end_at) = (0, 0);
    while rows.len() <= ROWS_MAX + 1 {
        let (result, read, written, ended) = reader.read_record(input, &mut output[out_at..], &mut ends[end_at..]);
        (input, out_at, end_at) = (&input[read..], out_at + written, end_at + ended);
        match result {
            ReadRecordResult::InputEmpty => continue,
            ReadRecordResult::OutputEndsFull => ends.resize(ends.len() * 2, 0),
            ReadRecordResult::OutputFull => output.resize(output.len() * 2, 0),
            ReadRecordResult::End => break,
            ReadRecordResult::Record => {
                let mut from = 0;
                let cell = |end: &usize| String::from_utf8_lossy(&output[std::mem::replace(&mut from, *end)..*end]).into_owned();
                rows.push(ends[..end_at].iter().take(COLUMNS_MAX).map(cell).collect());
                (out_at, end_at) = (0, 0);
            }
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_shown_in_rows_and_text_as_it_is() {
        let Preview::Table { columns, rows, truncated } = show(b"a,b\n1,\"x,\ny\"\n2,z\n", "csv") else { panic!() };
        assert_eq!((columns, truncated), (vec!["a".to_owned(), "b".to_owned()], false));
        assert_eq!(rows, [["1", "x,\ny"], ["2", "z"]]);
        let Preview::Table { columns, .. } = show(b"a;b\n1;2\n", "csv") else { panic!() };
        assert_eq!(columns, ["a", "b"]);
        let long = "x,y\n".repeat(40_000);
        let Preview::Table { rows, truncated, .. } = show(&long.as_bytes()[..=BYTES_MAX], "csv") else { panic!() };
        assert_eq!((rows.len(), truncated), (ROWS_MAX, true));
        assert_eq!(show("日本".as_bytes(), "md"), Preview::Text { text: "日本".to_owned(), truncated: false });
        assert_eq!(show(b"\xff\xfe\x00", "txt"), Preview::Nothing { why: "not text" });
        let cut = "日".repeat(BYTES_MAX);
        let Preview::Text { text, truncated } = show(&cut.as_bytes()[..=BYTES_MAX], "txt") else { panic!() };
        assert!(truncated && text.ends_with('日') && text.len() <= BYTES_MAX);
    }
}
