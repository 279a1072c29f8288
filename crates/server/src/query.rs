//! What stands behind the `?`: read once, every name known, every value checked.

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;

use crate::fault::Fault;

/// Parameters of a query.
const PARAMETERS_MAX: usize = 32;
/// Bytes of a value.
const VALUE_BYTES_MAX: usize = 4_096;

/// The parameters of a request, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Query(BTreeMap<String, String>);

impl Query {
    /// Reads a query. Each parameter once, and none that the route does not know.
    pub fn read(text: &str, known: &[&str]) -> Result<Self, Fault> {
        let mut parameters = BTreeMap::new();
        for part in text.split('&').filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let (name, value) = (decode(name)?, decode(value)?);
            if !known.contains(&name.as_str()) {
                let known = known.iter().map(|known| (*known).to_owned()).collect();
                return Err(Fault { nearest: known, ..Fault::wrong("parameter", format!("there is no parameter {:?} here", cut(&name))) });
            }
            if value.len() > VALUE_BYTES_MAX {
                return Err(Fault::wrong("parameter", format!("{name} is longer than {VALUE_BYTES_MAX} bytes")));
            }
            if parameters.len() >= PARAMETERS_MAX || parameters.insert(name.clone(), value).is_some() {
                return Err(Fault::wrong("parameter", format!("{name} is given more than once")));
            }
        }
        Ok(Self(parameters))
    }

    /// A parameter; one without a value counts as not given.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// A parameter that must be given.
    pub fn need(&self, name: &str) -> Result<&str, Fault> {
        self.get(name).ok_or_else(|| Fault::wrong("parameter", format!("the parameter {name} is missing")))
    }

    /// How many items are wanted: the usual number when nothing is said.
    pub fn limit(&self, usual: usize, max: usize) -> Result<usize, Fault> {
        match self.number("limit")? {
            None => Ok(usual),
            Some(limit) if limit >= 1 && limit <= max as u64 => Ok(usize::try_from(limit).unwrap_or(max)),
            Some(_) => Err(Fault::wrong("parameter", format!("limit is a number from 1 to {max}"))),
        }
    }

    /// A whole number.
    pub fn number(&self, name: &str) -> Result<Option<u64>, Fault> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        let number = if digits { text.parse::<u64>().ok().filter(|number| i64::try_from(*number).is_ok()) } else { None };
        number.map(Some).ok_or_else(|| Fault::wrong("parameter", format!("{name} is a whole number, not {:?}", cut(text))))
    }

    /// `true` or `false`.
    pub fn flag(&self, name: &str) -> Result<bool, Fault> {
        match self.get(name) {
            None | Some("false" | "0") => Ok(false),
            Some("true" | "1") => Ok(true),
            Some(other) => Err(Fault::wrong("parameter", format!("{name} is true or false, not {:?}", cut(other)))),
        }
    }

    /// A number of steps, or `all`.
    pub fn steps(&self, name: &str) -> Result<Option<Option<u32>>, Fault> {
        match self.get(name) {
            None => Ok(None),
            Some("all") => Ok(Some(None)),
            Some(_) => {
                let steps = self.number(name)?.and_then(|steps| u32::try_from(steps).ok());
                steps.map(|steps| Some(Some(steps))).ok_or_else(|| Fault::wrong("parameter", format!("{name} is a number, or all")))
            }
        }
    }

    /// Words with commas between them, each turned into something; one that is no word of them is named, with those that there are.
    pub fn words<T>(&self, name: &str, read: impl Fn(&str) -> Option<T>, known: &[&str]) -> Result<Vec<T>, Fault> {
        let one = |word: &str| {
            read(word).ok_or_else(|| {
                let known = known.iter().map(|known| (*known).to_owned()).collect();
                Fault { nearest: known, ..Fault::wrong("parameter", format!("{name}: {:?} is none of the words", cut(word))) }
            })
        };
        self.get(name).into_iter().flat_map(|text| text.split(',')).filter(|word| !word.is_empty()).map(one).collect()
    }

    /// All of them, in order: what a route's answer depends on.
    pub fn canonical(&self) -> String {
        form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.0).finish()
    }
}

/// One segment of a path, or one part of a query. In a query `+` is a blank.
fn decode(text: &str) -> Result<String, Fault> {
    segment(&text.replace('+', " "))
}

/// One segment of a path.
pub(crate) fn segment(text: &str) -> Result<String, Fault> {
    let decoded = percent_decode_str(text).decode_utf8().map_err(|_| Fault::wrong("encoding", "the address is not UTF-8"))?;
    if decoded.contains('\0') {
        return Err(Fault::wrong("encoding", "the address holds a null character"));
    }
    Ok(decoded.into_owned())
}

/// The beginning of what was sent, to be said back.
fn cut(text: &str) -> String {
    text.chars().take(60).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[&str] = &["limit", "of", "kinds", "up", "files"];

    #[test]
    fn a_query_is_read_once_and_by_known_names() {
        let query = Query::read("limit=5&of=model%3Adelay%40v3&kinds=data,model&up=all", KNOWN).unwrap();
        assert_eq!(query.get("of"), Some("model:delay@v3"));
        assert_eq!(query.limit(100, 1_000), Ok(5));
        assert_eq!(query.steps("up"), Ok(Some(None)));
        let kind = |word: &str| (word == "data" || word == "model").then_some(word.len());
        assert_eq!(query.words("kinds", kind, &["data", "model"]), Ok(vec![4, 5]));
        assert_eq!(Query::read("of=a+b", KNOWN).unwrap().get("of"), Some("a b"));
        for wrong in ["nobody=1", "of=1&of=2", "of=%ff", "of=%00", "of=\u{0}"] {
            assert!(Query::read(wrong, KNOWN).is_err(), "{wrong}");
        }
        assert!(Query::read(&format!("of={}", "x".repeat(5_000)), KNOWN).is_err());
    }

    #[test]
    fn numbers_are_numbers() {
        for wrong in ["limit=0", "limit=1001", "limit=-1", "limit=1e3", "limit=99999999999999999999999", "limit=%EF%BC%91", "limit=+5"] {
            assert!(Query::read(wrong, KNOWN).unwrap().limit(100, 1_000).is_err(), "{wrong}");
        }
        assert_eq!(Query::read("limit=", KNOWN).unwrap().limit(100, 1_000), Ok(100));
        assert!(Query::read("files=yes", KNOWN).unwrap().flag("files").is_err());
        assert!(Query::read("up=-3", KNOWN).unwrap().steps("up").is_err());
    }
}
