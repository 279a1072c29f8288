//! File paths as bytes: on Linux a name need not be UTF-8, and nothing recorded may be lost.

use std::fmt;
use std::sync::Arc;

/// A path's bytes, `/`-separated: relative to the project's root when inside it, else absolute.
///
/// `Display` writes bytes that are not UTF-8, and control characters, as `\xHH`, and a backslash as itself: the text is for people. The
/// bytes are the truth. A clone shares them: of a folder of many files each path is held in many places.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct FilePath(Arc<[u8]>);

impl FilePath {
    /// Wraps the bytes as they are.
    pub fn new(bytes: impl AsRef<[u8]>) -> Self {
        Self(bytes.as_ref().into())
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The text, when the bytes are UTF-8.
    pub fn as_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }

    /// Whether it names a place outside the project.
    pub fn is_absolute(&self) -> bool {
        self.0.first() == Some(&b'/')
    }

    /// The path of a file in this folder, with or without its slash. The folder of everything, `./` or nothing, leaves no trace.
    pub fn join(&self, member: &Self) -> Self {
        let folder = self.0.strip_prefix(b"./".as_slice()).unwrap_or(&self.0);
        match folder {
            b"" | b"." => member.clone(),
            folder if folder.ends_with(b"/") => Self::new([folder, member.as_bytes()].concat()),
            folder => Self::new([folder, b"/", member.as_bytes()].concat()),
        }
    }

    /// The folder's bytes, without its slash; empty for a name at the root of the project.
    pub fn folder(&self) -> &[u8] {
        self.split().0
    }

    /// The last component's bytes.
    pub fn file_name(&self) -> &[u8] {
        self.split().1
    }

    /// The file name up to its last dot (a leading dot is part of the name), as people read it.
    pub fn stem(&self) -> String {
        let name = self.file_name();
        let end = name.iter().rposition(|b| *b == b'.').filter(|at| *at > 0).unwrap_or(name.len());
        Self::new(&name[..end]).to_string()
    }

    /// What follows the last dot of the file name, in lower case; empty when there is none.
    pub fn extension(&self) -> String {
        let name = self.file_name();
        match name.iter().rposition(|b| *b == b'.') {
            Some(at) if at > 0 => Self::new(&name[at + 1..]).to_string().to_ascii_lowercase(),
            _ => String::new(),
        }
    }

    fn split(&self) -> (&[u8], &[u8]) {
        // a folder collection ends in a slash: its name is what stands before
        let bytes = self.0.strip_suffix(b"/").filter(|b| !b.is_empty()).unwrap_or(&self.0);
        match bytes.iter().rposition(|b| *b == b'/') {
            Some(at) => (&bytes[..at], &bytes[at + 1..]),
            None => (&[], bytes),
        }
    }
}

impl From<&str> for FilePath {
    fn from(text: &str) -> Self {
        Self(text.as_bytes().into())
    }
}

impl fmt::Display for FilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            for c in chunk.valid().chars() {
                if c.is_control() {
                    let mut buffer = [0; 4];
                    for byte in c.encode_utf8(&mut buffer).bytes() {
                        write!(f, "\\x{byte:02X}")?;
                    }
                } else {
                    write!(f, "{c}")?;
                }
            }
            for byte in chunk.invalid() {
                write!(f, "\\x{byte:02X}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for FilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_in_a_folder() {
        let join = |folder: &str, member: &str| FilePath::from(folder).join(&member.into()).to_string();
        assert_eq!(["daily", "daily/", "./daily/"].map(|folder| join(folder, "a.csv")), ["daily/a.csv"; 3]);
        assert_eq!(["", ".", "./"].map(|folder| join(folder, "a.csv")), ["a.csv"; 3]);
        assert_eq!(join("/", "usr/lib/x.so"), "/usr/lib/x.so");
    }

    #[test]
    fn parts() {
        let path = FilePath::from("data/daily/2013-01-01.tar.gz");
        assert_eq!(path.folder(), b"data/daily");
        assert_eq!(path.file_name(), b"2013-01-01.tar.gz");
        assert_eq!(path.stem(), "2013-01-01.tar");
        assert_eq!(path.extension(), "gz");
        assert_eq!(FilePath::from("daily/").file_name(), b"daily");
        assert_eq!(FilePath::from(".env").stem(), ".env");
        assert_eq!(FilePath::from(".env").extension(), "");
        assert!(FilePath::from("/").is_absolute());
    }

    #[test]
    fn a_name_that_is_not_utf8_is_written_in_escapes() {
        assert_eq!(FilePath::new(*b"caf\xe9/a\nb").to_string(), "caf\\xE9/a\\x0Ab");
    }
}
