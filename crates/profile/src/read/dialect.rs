//! How a text file separates its fields, and whether it begins with the names of its columns.

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};

use crate::words;

const DELIMITERS: [u8; 4] = [b',', b'\t', b';', b'|'];
/// Records that are looked at.
const RECORDS_MAX: usize = 200;

/// How one file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Dialect {
    pub delimiter: u8,
    pub quote: u8,
    pub header: bool,
}

impl Dialect {
    /// Told from the beginning of a file, without a byte order mark.
    pub fn of(head: &[u8], whole: bool, given: Option<u8>) -> Dialect {
        let quote = quote(head);
        let delimiter = given.unwrap_or_else(|| delimiter(head, whole, quote));
        let records = records(head, whole, delimiter, quote);
        Dialect { delimiter, quote, header: has_header(&records) }
    }

    pub fn reader(self) -> Reader {
        ReaderBuilder::new().delimiter(self.delimiter).quote(self.quote).build()
    }
}

/// Single quotes, if they and no others enclose fields.
fn quote(head: &[u8]) -> u8 {
    let ends = |byte: u8| DELIMITERS.contains(&byte) || matches!(byte, b'\n' | b'\r');
    let opened = head.windows(2).filter(|pair| ends(pair[0]) && pair[1] == b'\'').count();
    let closed = head.windows(2).filter(|pair| pair[0] == b'\'' && ends(pair[1])).count();
    if !head.contains(&b'"') && opened.min(closed) >= 3 { b'\'' } else { b'"' }
}

/// The one that cuts most records into the same number of fields.
fn delimiter(head: &[u8], whole: bool, quote: u8) -> u8 {
    let score = |delimiter: u8| {
        let (fields, share) = agreement(&records(head, whole, delimiter, quote));
        if fields < 2 { (0.0, 0) } else { (share, fields) }
    };
    let mut best = (b',', score(b','));
    for other in &DELIMITERS[1..] {
        let found = score(*other);
        // a comma inside numbers or texts may come as regularly as the delimiter, but not more often
        if found.0 > best.1.0 + 1e-9 || (found.0 >= best.1.0 - 1e-9 && found.1 > best.1.1) {
            best = (*other, found);
        }
    }
    best.0
}

/// The commonest number of fields, and the share of records that have it.
fn agreement(records: &[Vec<Vec<u8>>]) -> (usize, f64) {
    let mut counts: Vec<(usize, usize)> = Vec::new();
    for record in records {
        match counts.iter_mut().find(|(fields, _)| *fields == record.len()) {
            Some((_, count)) => *count += 1,
            None => counts.push((record.len(), 1)),
        }
    }
    counts
        .iter()
        .max_by_key(|(fields, count)| (*count, *fields))
        .map_or((0, 0.0), |(fields, count)| (*fields, *count as f64 / records.len() as f64))
}

/// The records of a head. The last one may be cut off, unless this is the whole file.
fn records(head: &[u8], whole: bool, delimiter: u8, quote: u8) -> Vec<Vec<Vec<u8>>> {
    let mut reader = ReaderBuilder::new().delimiter(delimiter).quote(quote).build();
    let (mut out, mut ends) = (vec![0; head.len() + 1], vec![0; head.len() + 2]);
    let (mut at, mut written, mut ended) = (0, 0, 0);
    let mut records = Vec::new();
    while records.len() < RECORDS_MAX {
        if at == head.len() && !whole {
            break;
        }
        let (result, read, wrote, found) = reader.read_record(&head[at..], &mut out[written..], &mut ends[ended..]);
        (at, written, ended) = (at + read, written + wrote, ended + found);
        match result {
            ReadRecordResult::Record => {
                let mut begin = 0;
                records.push(ends[..ended].iter().map(|end| out[std::mem::replace(&mut begin, *end)..*end].to_vec()).collect());
                (written, ended) = (0, 0);
            }
            ReadRecordResult::InputEmpty => {}
            _ => break,
        }
    }
    records
}

/// Names, or the first row? Names differ from each other, and where the rows below hold numbers or dates, a name does not.
fn has_header(records: &[Vec<Vec<u8>>]) -> bool {
    let Some((first, rest)) = records.split_first() else { return true };
    let is_value = |cell: &[u8]| words::real(cell).is_some() || words::time(cell).is_some();
    if !first.iter().any(|cell| is_value(cell)) {
        return true;
    }
    // 1990, 1991, …: a table that is spread out over years
    let years: Vec<i64> = first.iter().filter(|cell| is_value(cell)).filter_map(|cell| words::integer(cell)).collect();
    let spread = years.len() == first.iter().filter(|cell| is_value(cell)).count() && years.iter().all(|year| (1800..=2200).contains(year));
    if spread && years.len() > 1 && years.windows(2).all(|pair| pair[0] < pair[1]) {
        return true;
    }
    // a word above values speaks for names, as long as not most of the first row are values
    let (mut named, mut valued) = (0, 0);
    for (at, cell) in first.iter().enumerate() {
        let below: Vec<&[u8]> =
            rest.iter().filter_map(|record| record.get(at)).map(Vec::as_slice).filter(|cell| !words::is_missing(cell)).collect();
        if !below.is_empty() && below.iter().all(|cell| is_value(cell)) {
            named += usize::from(!is_value(cell) && !words::is_missing(cell));
            valued += usize::from(is_value(cell));
        }
    }
    named > valued
}

/// Whether text without a telling name is a table beyond doubt: every record of the head has as many fields, at least two, and there are three.
pub(crate) fn is_plainly_a_table(head: &[u8]) -> bool {
    let whole = head.len() < crate::format::HEAD_BYTES;
    let quote = quote(head);
    let records = records(head, whole, delimiter(head, whole, quote), quote);
    let (fields, share) = agreement(&records);
    records.len() >= 3 && fields >= 2 && share == 1.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dialect(text: &str) -> (char, char, bool) {
        let found = Dialect::of(text.as_bytes(), true, None);
        (found.delimiter as char, found.quote as char, found.header)
    }

    #[test]
    fn delimiters_and_quotes() {
        assert_eq!(dialect("a,b\n1,2\n"), (',', '"', true));
        assert_eq!(dialect("a;b\n1,5;2,5\n1,2;3,4\n"), (';', '"', true));
        assert_eq!(dialect("a\tb\nx, y\t2\nx\t3\n"), ('\t', '"', true));
        assert_eq!(dialect("a|b\n1|2\n"), ('|', '"', true));
        assert_eq!(dialect("a,b\n\"x;y;z\",2\n\"x;y;z\",3\n"), (',', '"', true));
        assert_eq!(dialect("'a','b'\n'x,y','1'\n'z','2'\n"), (',', '\'', true));
        assert_eq!(dialect("a\n1\n"), (',', '"', true));
        assert_eq!(dialect(""), (',', '"', true));
    }

    #[test]
    fn headers() {
        assert!(!dialect("1,2\n3,4\n").2);
        assert!(!dialect("5.1,3.5,setosa\n4.9,3.0,setosa\n").2, "iris.data");
        assert!(!dialect("2013-01-01,x\n2013-01-02,y\n").2);
        assert!(dialect("country,1990,1991\nJapan,1,2\n").2);
        assert!(dialect(",x\n0,1\n").2, "as pandas writes an index");
        assert!(dialect("name,city\nAda,London\n").2);
        assert!(dialect("id,v1,2\n1,2,3\n").2);
    }
}
