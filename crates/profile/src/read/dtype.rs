//! The header of a numpy array, and what its elements are.

use std::io::Read;

use arrow_array::{BooleanArray, Float64Array, Int64Array, StringArray};

use crate::Error;
use crate::format::Format;
use crate::table::Cells;
use crate::value::Kind;

const HEADER_BYTES_MAX: u64 = 1 << 20;

/// What stands in front of the elements.
#[derive(Debug)]
pub(crate) struct Header {
    pub name: String,
    pub shape: Vec<u64>,
    pub fortran: bool,
    pub dtype: Dtype,
    /// Bytes before the first element.
    pub length: u64,
}

/// An element of the array: one value, or a record of several.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Dtype {
    /// As numpy writes it.
    pub name: String,
    pub size: usize,
    pub elements: Vec<Element>,
}

/// One value within an element.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Element {
    /// Its name within a record.
    pub field: Option<String>,
    /// `float64`, `int8`, `str`.
    pub name: String,
    pub offset: usize,
    pub size: usize,
    letter: u8,
    big_endian: bool,
    /// Of a time: what one stands for, in microseconds, or the part of one.
    unit: Unit,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Unit {
    None,
    Micros(i64),
    PerMicro(i64),
    Months(i64),
}

impl Header {
    pub fn read(input: &mut dyn Read, format: Format, name: String) -> Result<Header, Error> {
        let broken = |why: &str| Error::Broken { format, why: if name.is_empty() { why.to_owned() } else { format!("{name}: {why}") } };
        let mut start = [0; 8];
        let whole = |error: std::io::Error| {
            if error.kind() == std::io::ErrorKind::UnexpectedEof { broken("ends within its header") } else { Error::Io(error) }
        };
        input.read_exact(&mut start).map_err(whole)?;
        if !start.starts_with(b"\x93NUMPY") {
            return Err(broken("is not a numpy array"));
        }
        let (length, before) = if start[6] == 1 {
            let mut length = [0; 2];
            input.read_exact(&mut length).map_err(whole)?;
            (u64::from(u16::from_le_bytes(length)), 10)
        } else {
            let mut length = [0; 4];
            input.read_exact(&mut length).map_err(whole)?;
            (u64::from(u32::from_le_bytes(length)), 12)
        };
        if length > HEADER_BYTES_MAX {
            return Err(broken("has a header without end"));
        }
        let mut text = Vec::new();
        input.take(length).read_to_end(&mut text).map_err(whole)?;
        let text = String::from_utf8_lossy(&text).into_owned();
        let parsed = Literal::parse(&text).and_then(|literal| {
            Some((literal.get("descr")?.clone(), literal.get("fortran_order")?.truth()?, literal.get("shape")?.sizes()?))
        });
        let Some((descr, fortran, shape)) = parsed else { return Err(broken("has a header that is not understood")) };
        let dtype = Dtype::of(&descr).map_err(|what| Error::Unread { what })?;
        let bytes = shape.iter().try_fold(dtype.size.max(1) as u64, |all, size| all.checked_mul(*size));
        if bytes.is_none() {
            return Err(broken("has a shape that no memory holds"));
        }
        Ok(Header { name, shape, fortran, dtype, length: before + length })
    }

    pub fn elements(&self) -> u64 {
        self.shape.iter().product()
    }
}

impl Dtype {
    /// The types that can be read; the others by what they are.
    fn of(descr: &Literal) -> Result<Dtype, String> {
        match descr {
            Literal::Text(code) => {
                let element = Element::of(code, None, 0)?;
                Ok(Dtype { name: element.name.clone(), size: element.size, elements: vec![element] })
            }
            Literal::List(fields) => {
                let mut elements = Vec::new();
                let mut offset = 0;
                for field in fields {
                    let Literal::List(field) = field else { return Err("an array of records that are not understood".into()) };
                    let [Literal::Text(name), Literal::Text(code)] = field.as_slice() else {
                        return Err("an array of records with arrays or records in them".into());
                    };
                    // padding has no name
                    if name.is_empty() && code.contains('V') {
                        offset += code.trim_start_matches(['|', '<', '>', 'V']).parse::<usize>().unwrap_or(0);
                        continue;
                    }
                    let element = Element::of(code, Some(name.clone()), offset)?;
                    offset += element.size;
                    elements.push(element);
                }
                let name = elements
                    .iter()
                    .map(|element| format!("{}: {}", element.field.as_deref().unwrap_or(""), element.name))
                    .collect::<Vec<_>>()
                    .join(", ");
                Ok(Dtype { name: format!("({name})"), size: offset, elements })
            }
            _ => Err("an array of a type that is not understood".into()),
        }
    }
}

impl Element {
    fn of(code: &str, field: Option<String>, offset: usize) -> Result<Element, String> {
        let order = code.bytes().next().filter(|first| matches!(first, b'<' | b'>' | b'|' | b'='));
        let rest = if order.is_some() { &code[1..] } else { code };
        let unread = || Err(format!("an array of {}", described(rest)));
        let (Some(letter), Some(digits)) = (rest.bytes().next(), rest.get(1..)) else { return unread() };
        let (digits, unit) = match digits.split_once('[') {
            Some((digits, unit)) => (digits, unit.strip_suffix(']')),
            None => (digits, None),
        };
        let Ok(count) = digits.parse::<usize>() else { return unread() };
        let bits = |word: &str| Some(format!("{word}{}", count * 8));
        let name = match (letter, count) {
            (b'b', 1) => Some("bool".to_owned()),
            (b'i', 1 | 2 | 4 | 8) => bits("int"),
            (b'u', 1 | 2 | 4 | 8) => bits("uint"),
            (b'f', 2 | 4 | 8) => bits("float"),
            (b'S', _) => Some("bytes".to_owned()),
            (b'U', _) => Some("str".to_owned()),
            (b'M', 8) => Some(format!("datetime64[{}]", unit.unwrap_or("generic"))),
            (b'm', 8) => Some(format!("timedelta64[{}]", unit.unwrap_or("generic"))),
            _ => None,
        };
        let size = if letter == b'U' { count.checked_mul(4) } else { Some(count) };
        let (Some(name), Some(size), Some(unit)) = (name, size.filter(|size| (1..=1 << 20).contains(size)), unit_of(letter, unit)) else {
            return unread();
        };
        Ok(Element { field, name, offset, size, letter, big_endian: order == Some(b'>'), unit })
    }

    pub fn kind(&self) -> Kind {
        match self.letter {
            b'b' => Kind::Boolean,
            b'f' => Kind::Real,
            b'S' | b'U' => Kind::Text,
            b'M' => Kind::Time,
            _ => Kind::Integer,
        }
    }

    fn bits(&self, bytes: &[u8]) -> u64 {
        let mut wide = [0u8; 8];
        if self.big_endian {
            wide.iter_mut().zip(bytes.iter().rev()).for_each(|(to, from)| *to = *from);
        } else {
            wide.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
        }
        u64::from_le_bytes(wide)
    }

    fn integer(&self, bytes: &[u8]) -> i64 {
        let above = 64 - 8 * self.size as u32;
        ((self.bits(bytes) << above) as i64) >> above
    }

    /// Cells of these places.
    pub fn cells<'a>(&self, places: impl Iterator<Item = &'a [u8]>) -> Cells {
        match (self.letter, self.size) {
            (b'b', _) => Cells::Boolean(places.map(|bytes| Some(bytes[0] != 0)).collect::<BooleanArray>()),
            (b'u', 8) => Cells::Big(places.map(|bytes| self.bits(bytes)).collect::<Vec<_>>().into()),
            (b'u', _) => Cells::Integer(places.map(|bytes| self.bits(bytes) as i64).collect::<Vec<_>>().into()),
            (b'f', 8) => Cells::Real(places.map(|bytes| f64::from_bits(self.bits(bytes))).collect::<Vec<_>>().into()),
            (b'f', 4) => Cells::Real(places.map(|bytes| f64::from(f32::from_bits(self.bits(bytes) as u32))).collect::<Vec<_>>().into()),
            (b'f', _) => Cells::Real(places.map(|bytes| half(self.bits(bytes) as u16)).collect::<Float64Array>()),
            (b'S' | b'U', _) => Cells::Text(places.map(|bytes| Some(self.text(bytes))).collect::<StringArray>()),
            (b'M', _) => Cells::Time(places.map(|bytes| self.micros(self.integer(bytes))).collect::<Int64Array>()),
            // NaT is missing here as well
            (b'm', _) => {
                Cells::Integer(places.map(|bytes| Some(self.integer(bytes)).filter(|value| *value != i64::MIN)).collect::<Int64Array>())
            }
            _ => Cells::Integer(places.map(|bytes| self.integer(bytes)).collect::<Vec<_>>().into()),
        }
    }

    fn text(&self, bytes: &[u8]) -> String {
        let text: String = if self.letter == b'S' {
            String::from_utf8_lossy(bytes).into_owned()
        } else {
            let code = |four: &[u8]| self.bits(four) as u32;
            bytes.chunks_exact(4).map(|four| char::from_u32(code(four)).unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
        };
        text.trim_end_matches('\0').to_owned()
    }

    fn micros(&self, value: i64) -> Option<i64> {
        if value == i64::MIN {
            return None;
        }
        match self.unit {
            Unit::Micros(each) => value.checked_mul(each),
            Unit::PerMicro(parts) => Some(value.div_euclid(parts)),
            Unit::Months(each) => {
                let months = value.checked_mul(each)?;
                let (year, month) = (1970i64.checked_add(months.div_euclid(12))?, months.rem_euclid(12) + 1);
                crate::words::civil(i16::try_from(year).ok()?, month as i16, 1)
            }
            Unit::None => None,
        }
    }
}

fn unit_of(letter: u8, unit: Option<&str>) -> Option<Unit> {
    if letter != b'M' {
        return Some(Unit::None);
    }
    let unit = unit?;
    let digits = unit.bytes().take_while(u8::is_ascii_digit).count();
    let each: i64 = if digits == 0 { 1 } else { unit[..digits].parse().ok()? };
    let micros = |unit: i64| unit.checked_mul(each).map(Unit::Micros);
    match &unit[digits..] {
        "Y" => each.checked_mul(12).map(Unit::Months),
        "M" => Some(Unit::Months(each)),
        "W" => micros(604_800_000_000),
        "D" => micros(86_400_000_000),
        "h" => micros(3_600_000_000),
        "m" => micros(60_000_000),
        "s" => micros(1_000_000),
        "ms" => micros(1000),
        "us" => micros(1),
        "ns" if each == 1 => Some(Unit::PerMicro(1000)),
        "ps" if each == 1 => Some(Unit::PerMicro(1_000_000)),
        _ => None,
    }
}

fn described(code: &str) -> String {
    match code.bytes().next() {
        Some(b'O') => "pickled objects".into(),
        Some(b'c') => "complex numbers".into(),
        Some(b'V') => "raw bytes".into(),
        _ => format!("type {code}"),
    }
}

fn half(bits: u16) -> f64 {
    let (sign, exponent, part) = (f64::from(1 - 2 * i32::from(bits >> 15)), i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff));
    sign * match exponent {
        0 => part * 2f64.powi(-24),
        0x1f if part == 0.0 => f64::INFINITY,
        0x1f => f64::NAN,
        _ => (1.0 + part / 1024.0) * 2f64.powi(exponent - 15),
    }
}

/// As much of Python's literals as a header has.
#[derive(Debug, Clone, PartialEq)]
enum Literal {
    Text(String),
    Number(u64),
    Truth(bool),
    /// A list or a tuple.
    List(Vec<Literal>),
    Map(Vec<(String, Literal)>),
}

/// Lists within lists.
const DEPTH_MAX: u32 = 20;

impl Literal {
    fn parse(text: &str) -> Option<Literal> {
        let mut rest = text.trim();
        let literal = Literal::take(&mut rest, 0)?;
        rest.trim().is_empty().then_some(literal)
    }

    fn take(rest: &mut &str, depth: u32) -> Option<Literal> {
        *rest = rest.trim_start();
        let first = rest.chars().next().filter(|_| depth < DEPTH_MAX)?;
        match first {
            '\'' | '"' => {
                let (text, after) = rest[1..].split_once(first)?;
                *rest = after;
                Some(Literal::Text(text.to_owned()))
            }
            '0'..='9' => {
                let (digits, after) = rest.split_at(rest.bytes().take_while(u8::is_ascii_digit).count());
                // Python 2 wrote 3L
                *rest = after.strip_prefix('L').unwrap_or(after);
                digits.parse().ok().map(Literal::Number)
            }
            'T' | 'F' => {
                let truth = first == 'T';
                *rest = rest.strip_prefix(if truth { "True" } else { "False" })?;
                Some(Literal::Truth(truth))
            }
            '(' | '[' | '{' => Literal::take_items(rest, first, depth),
            _ => None,
        }
    }

    fn take_items(rest: &mut &str, open: char, depth: u32) -> Option<Literal> {
        let close = match open {
            '(' => ')',
            '[' => ']',
            _ => '}',
        };
        *rest = &rest[1..];
        let (mut items, mut members) = (Vec::new(), Vec::new());
        loop {
            *rest = rest.trim_start();
            if let Some(after) = rest.strip_prefix(close) {
                *rest = after;
                return Some(if open == '{' { Literal::Map(members) } else { Literal::List(items) });
            }
            let item = Literal::take(rest, depth + 1)?;
            if open == '{' {
                let Literal::Text(key) = item else { return None };
                *rest = rest.trim_start().strip_prefix(':')?;
                members.push((key, Literal::take(rest, depth + 1)?));
            } else {
                items.push(item);
            }
            *rest = rest.trim_start();
            match rest.strip_prefix(',') {
                Some(after) => *rest = after,
                None if rest.starts_with(close) => {}
                None => return None,
            }
        }
    }

    fn get(&self, key: &str) -> Option<&Literal> {
        match self {
            Literal::Map(members) => members.iter().find(|(name, _)| name == key).map(|(_, value)| value),
            _ => None,
        }
    }

    fn truth(&self) -> Option<bool> {
        if let Literal::Truth(truth) = self { Some(*truth) } else { None }
    }

    fn sizes(&self) -> Option<Vec<u64>> {
        match self {
            Literal::List(items) => items.iter().map(|item| if let Literal::Number(size) = item { Some(*size) } else { None }).collect(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_all_ages() {
        let literal =
            Literal::parse("{'descr': [('a', '<f8'), ('b', '|S3')], 'fortran_order': False, 'shape': (3L, 4), }  \n").expect("parses");
        assert_eq!(literal.get("shape").and_then(Literal::sizes), Some(vec![3, 4]));
        let dtype = Dtype::of(literal.get("descr").expect("there")).expect("simple");
        assert_eq!((dtype.size, dtype.elements[1].offset, dtype.name.as_str()), (11, 8, "(a: float64, b: bytes)"));
        assert_eq!(Literal::parse("{'shape': ()}").and_then(|literal| literal.get("shape")?.sizes()), Some(vec![]));
        for broken in ["", "{", "{'a'}", "{'a': 1", "((((((((((((((((((((((((1", "{1: 2}", "[1 2]"] {
            assert_eq!(Literal::parse(broken), None, "{broken}");
        }
    }

    #[test]
    fn types_that_are_not_read_are_said() {
        let said = |code: &str| Element::of(code, None, 0).expect_err("not read");
        assert_eq!(said("|O"), "an array of pickled objects");
        assert_eq!(said("<c16"), "an array of complex numbers");
        assert_eq!(said("<f16"), "an array of type f16");
        assert_eq!(said("|V8"), "an array of raw bytes");
    }

    #[test]
    fn numbers_of_every_width_and_order() {
        let one = |code: &str, bytes: &[u8]| {
            Element::of(code, None, 0).expect("read").cells(std::iter::once(bytes)).value(0).map(|value| value.to_string())
        };
        assert_eq!(one("<i2", &[0xfe, 0xff]).as_deref(), Some("-2"));
        assert_eq!(one(">i4", &[0, 0, 1, 0]).as_deref(), Some("256"));
        assert_eq!(one("<u8", &[0xff; 8]).as_deref(), Some("18446744073709551615"));
        assert_eq!(one("<f2", &[0x00, 0x3c]).as_deref(), Some("1"));
        assert_eq!(one("<f2", &[0x01, 0x00]).as_deref(), Some("5.960464477539063e-8"));
        assert_eq!(one("<U2", &[0x42, 0x30, 0, 0, 0, 0, 0, 0]).as_deref(), Some("あ"));
        assert_eq!(one("<M8[D]", &1i64.to_le_bytes()).as_deref(), Some("1970-01-02"));
        assert_eq!(one("<M8[M]", &13i64.to_le_bytes()).as_deref(), Some("1971-02-01"));
        assert_eq!(one("<M8[ns]", &i64::MIN.to_le_bytes()), None);
    }
}
