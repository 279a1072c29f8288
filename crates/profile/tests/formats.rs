//! The same table in every format, as pandas, pyarrow and numpy write it; and bytes that nobody wrote.

use std::io::{self, Cursor};
use std::path::PathBuf;

use keizu_profile::{Bytes, Error, Format, Headline, Kind, Layout, Limits, Packing, Part, Profile, Value, compare, profile};
use proptest::prelude::*;

fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)).expect("written by make.py")
}

fn describe(name: &str) -> Result<Profile, Error> {
    let bytes = bytes(name);
    let format = Format::of(name, &bytes).expect("a table");
    profile(Box::new(Cursor::new(bytes)), format, &Limits::default())
}

const TABLES: [&str; 11] = [
    "table.csv",
    "table.csv.gz",
    "table.tsv",
    "table.jsonl",
    "table.json",
    "snappy.parquet",
    "zstd.parquet",
    "gzip.parquet",
    "lz4.parquet",
    "table.feather",
    "table.arrows",
];

#[test]
fn every_format_says_the_same() {
    for name in TABLES {
        let found = describe(name).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(found.rows, 60, "{name}");
        let kinds: Vec<Kind> = found.columns.iter().map(|column| column.kind).collect();
        assert_eq!(kinds, [Kind::Integer, Kind::Integer, Kind::Real, Kind::Boolean, Kind::Text, Kind::Time, Kind::Empty], "{name}");
        assert_eq!(found.columns[0].max, Some(Value::Integer((1 << 60) + 59)), "{name}: exact above 2⁵³");
        assert_eq!(found.columns[1].max, Some(Value::Integer((1 << 63) + 59)), "{name}: exact above 2⁶³");
        assert_eq!(found.columns[4].distinct.count, 5, "{name}");
        assert_eq!(found.columns[6].null, 60, "{name}");
        assert_eq!(found.event_time().map(|time| (time.column, time.max)), Some(("at".into(), 1_357_210_800_000_000)), "{name}");
        let text = serde_json::to_string(&found).expect("finite");
        assert_eq!(serde_json::from_str::<Profile>(&text).expect("comes back"), found, "{name}");
    }
}

type Open = dyn Fn() -> io::Result<Box<dyn Bytes>>;

fn difference(before: &str, after: &str) -> keizu_profile::Difference {
    let open = |bytes: Vec<u8>| move || Ok(Box::new(Cursor::new(bytes.clone())) as Box<dyn Bytes>);
    let (first, second) = (open(bytes(before)), open(bytes(after)));
    let part = |name: &str, bytes: &[u8], open| Part { name: name.into(), format: Format::of(name, bytes).expect("a table"), open };
    let (old, new): (&Open, &Open) = (&first, &second);
    compare(&[part(before, &bytes(before), old)], &[part(after, &bytes(after), new)], &Limits::default()).expect("tables")
}

#[test]
fn another_format_is_no_change() {
    for name in TABLES {
        assert_eq!(difference("table.csv", name).headlines, [Headline::SameValues], "{name}");
        assert_eq!(difference(name, "zstd.parquet").headlines, [Headline::SameValues], "{name}");
    }
}

#[test]
fn arrays_are_read_in_either_order() {
    let found = describe("matrix.npy").expect("read");
    assert_eq!(found.columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>(), ["0", "1", "2"]);
    for other in ["fortran.npy", "big_endian.npy"] {
        assert_eq!(difference("matrix.npy", other).headlines, [Headline::SameValues], "{other}");
    }
    let arrays = describe("arrays.npz").expect("read");
    let counts: Vec<(&str, u64)> = arrays.columns.iter().map(|column| (column.name.as_str(), column.count)).collect();
    assert_eq!(counts, [("X[0]", 50), ("X[1]", 50), ("X[2]", 50), ("test", 7), ("y", 50)]);
    assert_eq!(arrays.columns[0].moments, found.columns[0].moments);
    let records = describe("records.npy").expect("read");
    assert_eq!((records.columns[1].nan, &records.columns[2].max), (1, &Some(Value::Text("c".into()))));
    assert_eq!(describe("objects.npy").expect_err("is not unpickled").to_string(), "an array of pickled objects is not read");
}

/// Whatever the bytes are: an answer or an error, and the same one each time.
fn survives(bytes: Vec<u8>, format: Format) {
    let limits = Limits { cell_bytes_max: 1 << 16, ..Limits::default() };
    let once = profile(Box::new(Cursor::new(bytes.clone())), format, &limits);
    let twice = profile(Box::new(Cursor::new(bytes.clone())), format, &limits);
    match (once, twice) {
        (Ok(once), Ok(twice)) => {
            let text = serde_json::to_string(&once).expect("finite");
            assert!(once == twice && serde_json::from_str::<Profile>(&text).expect("comes back") == once, "{text}");
        }
        (Err(once), Err(twice)) => assert_eq!(once.to_string(), twice.to_string()),
        (once, twice) => panic!("{once:?} and then {twice:?}"),
    }
    let open = || Ok(Box::new(Cursor::new(bytes.clone())) as Box<dyn Bytes>);
    let part = || Part { name: "x".into(), format, open: &open };
    if let Ok(found) = compare(&[part()], &[part()], &limits) {
        assert!(found.same_values, "{found:?}");
    }
}

const LAYOUTS: [Layout; 8] =
    [Layout::Csv, Layout::Tsv, Layout::JsonLines, Layout::Parquet, Layout::ArrowFile, Layout::ArrowStream, Layout::Npy, Layout::Npz];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_bytes_in_any_format(bytes in prop::collection::vec(any::<u8>(), 0..400), layout in prop::sample::select(LAYOUTS.to_vec()),
                               packing in prop::sample::select(vec![Packing::Plain, Packing::Gzip, Packing::Zstd, Packing::Zip])) {
        survives(bytes, Format { layout, packing });
    }

    #[test]
    fn any_text(text in r#"([0-9.,;\t\n"'a-c\-+eNif ]|nan|\r\n|é){0,120}"#) {
        survives(text.clone().into_bytes(), Format { layout: Layout::Csv, packing: Packing::Plain });
        let _ = Format::of("x.txt", text.as_bytes());
    }

    #[test]
    fn any_json(text in r#"([\[\]{},:0-9."a-b\\ \n-]|null|true|"a":){0,80}"#) {
        survives(text.clone().into_bytes(), Format { layout: Layout::JsonLines, packing: Packing::Plain });
        let _ = Format::of("x.json", text.as_bytes());
    }

    #[test]
    fn files_with_a_few_bytes_changed(name in prop::sample::select(vec!["table.csv.gz", "snappy.parquet", "zstd.parquet", "table.feather", "table.arrows", "matrix.npy", "arrays.npz", "records.npy"]),
                                      changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..5), cut in any::<prop::sample::Index>(), whole in any::<bool>()) {
        let mut bytes = bytes(name);
        let format = Format::of(name, &bytes).expect("a table");
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if !whole {
            let length = cut.index(bytes.len());
            bytes.truncate(length);
        }
        survives(bytes, format);
    }
}
