//! The full version of an interpreter, from the files that came with it.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use memchr::memmem;

const PIECE_BYTES: usize = 1 << 20;
/// Longest version text, `3.14.0rc12+` and some.
const VERSION_BYTES_MAX: usize = 24;

/// `3.11.7`; empty when it cannot be told. `library` is the `libpython` that was loaded, if it was not all in the program.
pub(super) fn tell(exe: &Path, library: Option<&Path>, prefix: &Path, series: Option<&str>) -> String {
    let base = exe.parent().and_then(Path::parent).unwrap_or(Path::new("/"));
    let known = series.and_then(|series| {
        header(base, series)
            .or_else(|| details(base, series))
            .or_else(|| library.and_then(|library| constant(library, series)))
            .or_else(|| constant(exe, series))
    });
    known.or_else(|| configured(prefix, series)).unwrap_or_default()
}

/// `#define PY_VERSION "3.11.7"` of the header files.
fn header(base: &Path, series: &str) -> Option<String> {
    let text = fs::read_to_string(base.join(format!("include/python{series}/patchlevel.h"))).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("#define PY_VERSION")?.trim().strip_prefix('"'))?;
    fitting(line.strip_suffix('"')?, series)
}

/// `build-details.json`, from Python 3.14 on.
fn details(base: &Path, series: &str) -> Option<String> {
    let text = fs::read_to_string(base.join(format!("lib/python{series}/build-details.json"))).ok()?;
    let value: serde_json::Value = serde_json::from_str(&text).ok()?;
    fitting(
        value.pointer("/implementation/version/micro").and_then(|micro| Some(format!("{series}.{}", micro.as_u64()?)))?.as_str(),
        series,
    )
}

/// The text constant in the program itself, when there is exactly one that can be it.
fn constant(program: &Path, series: &str) -> Option<String> {
    let start = format!("\0{series}.");
    let finder = memmem::Finder::new(&start);
    let mut file = File::open(program).ok()?;
    let mut buffer = vec![0; PIECE_BYTES];
    let mut kept = 0;
    let mut found: Option<String> = None;
    loop {
        let length = match file.read(&mut buffer[kept..]) {
            Ok(0) => return found,
            Ok(length) => kept + length,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(_) => return None,
        };
        for at in finder.find_iter(&buffer[..length]) {
            let text = &buffer[at + 1..length.min(at + 1 + VERSION_BYTES_MAX)];
            let text = text.iter().position(|b| *b == 0).and_then(|end| std::str::from_utf8(&text[..end]).ok());
            if let Some(version) = text.and_then(|text| fitting(text, series)) {
                if found.as_ref().is_some_and(|found| *found != version) {
                    return None;
                }
                found = Some(version);
            }
        }
        // a text may lie across two pieces
        kept = length.min(VERSION_BYTES_MAX + 1);
        buffer.copy_within(length - kept..length, 0);
    }
}

/// What the virtual environment was made with: the installation may have moved on since.
fn configured(prefix: &Path, series: Option<&str>) -> Option<String> {
    let text = fs::read_to_string(prefix.join("pyvenv.cfg")).ok()?;
    let value =
        |name: &str| text.lines().filter_map(|line| line.split_once('=')).find(|(key, _)| key.trim() == name).map(|(_, v)| v.trim());
    let full = value("version").or_else(|| value("version_info"))?;
    let version = full.split('.').take(3).collect::<Vec<_>>().join(".");
    match series {
        Some(series) => fitting(&version, series),
        None => Some(version),
    }
}

/// A version of this series: `3.11.` and a number, perhaps with a mark of a pre-release.
fn fitting(text: &str, series: &str) -> Option<String> {
    let micro = text.strip_prefix(series)?.strip_prefix('.')?;
    let digits = micro.bytes().take_while(u8::is_ascii_digit).count();
    let mark = &micro[digits..];
    let plain = mark.is_empty()
        || mark == "+"
        || ["a", "b", "rc"].iter().any(|m| mark.strip_prefix(m).is_some_and(|n| n.trim_end_matches('+').parse::<u32>().is_ok()));
    (digits > 0 && plain).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_a_series() {
        for text in ["3.11.7", "3.11.0rc1", "3.11.10+", "3.11.0a7+"] {
            assert_eq!(fitting(text, "3.11").as_deref(), Some(text));
        }
        for text in ["3.11", "3.11.", "3.110.1", "3.11.7 (main", "3.11.x", "3.11.7.1"] {
            assert_eq!(fitting(text, "3.11"), None, "{text}");
        }
    }

    #[test]
    fn a_constant_is_found_wherever_it_lies() {
        let temp = tempfile::tempdir().unwrap();
        let exe = temp.path().join("bin/python3.11");
        fs::create_dir(temp.path().join("bin")).unwrap();
        for place in [0, 10, PIECE_BYTES - 5, PIECE_BYTES - 1, 2 * PIECE_BYTES + 3] {
            let mut bytes = vec![b'x'; place];
            bytes.extend_from_slice(b"\x003.11.9\0 /3.11.8/ \x003.11.8 (of another form)\0");
            fs::write(&exe, &bytes).unwrap();
            assert_eq!(tell(&exe, None, temp.path(), Some("3.11")), "3.11.9", "{place}");
        }
        fs::write(&exe, b"\x003.11.9\0\x003.11.8\0").unwrap();
        assert_eq!(tell(&exe, None, temp.path(), Some("3.11")), "");
        fs::write(temp.path().join("pyvenv.cfg"), "home = /usr/bin\nversion_info = 3.11.4.final.0\n").unwrap();
        assert_eq!(tell(&exe, None, temp.path(), Some("3.11")), "3.11.4");
        fs::create_dir_all(temp.path().join("include/python3.11")).unwrap();
        fs::write(temp.path().join("include/python3.11/patchlevel.h"), "#define PY_VERSION_HEX 1\n#define PY_VERSION      \t\"3.11.5\"\n")
            .unwrap();
        assert_eq!(tell(&exe, None, temp.path(), Some("3.11")), "3.11.5");
    }
}
