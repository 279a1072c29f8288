//! JSON objects, one after the other or in an array. Read once to learn their keys and what each holds, and then as often as needed.

use std::collections::HashMap;
use std::fmt;
use std::io::Read;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value as Json;

use super::column::{self, Column};
use super::csv::{UNSIGNED, unpacked};
use super::shared::Shared;
use crate::format::Format;
use crate::table::{Batch, Field, Table, batch_rows};
use crate::value::Kind;
use crate::{Error, Limits, words};

pub(crate) struct JsonLines {
    input: Shared,
    format: Format,
    limits: Limits,
    fields: Vec<Field>,
    places: HashMap<String, usize>,
    wanted: Vec<bool>,
    records: Records,
}

impl JsonLines {
    pub fn open(input: Shared, format: Format, limits: &Limits, known: Option<&[Field]>) -> Result<JsonLines, Error> {
        let records = Records::new(&input, format, limits)?;
        let mut json =
            JsonLines { input, format, limits: *limits, fields: Vec::new(), places: HashMap::new(), wanted: Vec::new(), records };
        match known {
            Some(known) => json.fields = known.to_vec(),
            None => json.learn()?,
        }
        json.places = json.fields.iter().enumerate().map(|(at, field)| (field.name.clone(), at)).collect();
        json.rewind(&|_| true)?;
        Ok(json)
    }

    fn learn(&mut self) -> Result<(), Error> {
        let mut guesses: Vec<(String, Guess)> = Vec::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        while let Some(record) = self.records.next()? {
            for (key, value) in record {
                let at = places.get(&key).copied().unwrap_or_else(|| {
                    places.insert(key.clone(), guesses.len());
                    guesses.push((key, Guess::default()));
                    guesses.len() - 1
                });
                guesses[at].1.see(&value);
            }
            if guesses.len() > self.limits.columns_max {
                return Err(Error::Unread { what: format!("a table of {} columns", guesses.len()) });
            }
        }
        self.fields = guesses.into_iter().map(|(name, guess)| Field { name, kind: guess.kind(), stored: guess.stored() }).collect();
        Ok(())
    }
}

/// What the values of a key are, as far as they were seen.
#[derive(Debug, Clone, Copy, Default)]
struct Guess {
    boolean: bool,
    integer: bool,
    negative: bool,
    /// Above i64's.
    big: bool,
    real: bool,
    time: bool,
    text: bool,
}

impl Guess {
    fn see(&mut self, value: &Json) {
        match value {
            Json::Null => {}
            Json::Bool(_) => self.boolean = true,
            Json::Number(number) if number.is_i64() => {
                self.integer = true;
                self.negative |= number.as_i64() < Some(0);
            }
            Json::Number(number) if number.is_u64() => self.big = true,
            Json::Number(_) => self.real = true,
            Json::String(text) if !self.text && words::time(text.as_bytes()).is_some() => self.time = true,
            Json::String(_) | Json::Array(_) | Json::Object(_) => self.text = true,
        }
    }

    fn stored(self) -> String {
        if self.kind() == Kind::Integer && self.big { UNSIGNED.to_owned() } else { self.kind().to_string() }
    }

    fn kind(mut self) -> Kind {
        // no whole number holds both
        self.real |= self.big && self.negative;
        self.integer |= self.big;
        match self {
            Guess { text: true, .. } => Kind::Text,
            Guess { boolean: false, integer: false, real: false, time: true, .. } => Kind::Time,
            Guess { boolean: true, integer: false, real: false, time: false, .. } => Kind::Boolean,
            Guess { boolean: false, integer: true, real: false, time: false, .. } => Kind::Integer,
            Guess { boolean: false, real: true, time: false, .. } => Kind::Real,
            Guess { boolean: false, integer: false, real: false, time: false, .. } => Kind::Empty,
            _ => Kind::Text,
        }
    }
}

impl Table for JsonLines {
    fn fields(&self) -> &[Field] {
        &self.fields
    }

    fn next(&mut self) -> Result<Option<Batch>, Error> {
        let mut columns = column::begin(&self.fields, &self.wanted);
        let mut row: Vec<Option<Json>> = vec![None; columns.len()];
        let mut rows = 0;
        while rows < batch_rows(self.fields.len()) {
            let Some(record) = self.records.next()? else { break };
            rows += 1;
            for (key, value) in record {
                if let Some(at) = self.places.get(&key) {
                    row[*at] = Some(value);
                }
            }
            columns.iter_mut().zip(&mut row).for_each(|(column, value)| column.push_member(value.take()));
        }
        Ok(column::end(columns, rows))
    }

    fn rewind(&mut self, wanted: &dyn Fn(usize) -> bool) -> Result<(), Error> {
        self.wanted = (0..self.fields.len()).map(wanted).collect();
        self.records = Records::new(&self.input, self.format, &self.limits)?;
        Ok(())
    }
}

impl Column {
    /// A member of an object.
    fn push_member(&mut self, value: Option<Json>) {
        let value = value.filter(|value| !value.is_null());
        match self {
            Column::Boolean(builder) => builder.append_option(value.and_then(|value| value.as_bool())),
            Column::Integer(builder) => builder.append_option(value.and_then(|value| value.as_i64())),
            Column::Big(builder) => builder.append_option(value.and_then(|value| value.as_u64())),
            Column::Real(builder) => builder.append_option(value.and_then(|value| value.as_f64())),
            Column::Time(builder) => builder.append_option(value.and_then(|value| words::time(value.as_str()?.as_bytes()))),
            Column::Text(builder) => match value {
                None => builder.append_null(),
                Some(Json::String(text)) => builder.append_value(text),
                Some(other) => builder.append_value(other.to_string()),
            },
            Column::Empty => {}
        }
    }
}

/// An object's members in their order.
struct Record(Vec<(String, Json)>);

impl<'de> Deserialize<'de> for Record {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Record;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Record, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Record(members))
            }
        }
        from.deserialize_map(Members)
    }
}

/// The objects of a stream, one at a time.
struct Records {
    format: Format,
    input: Box<dyn Read + Send>,
    buffer: Vec<u8>,
    at: usize,
    filled: usize,
    bytes_max: usize,
    count: u64,
}

impl Records {
    fn new(input: &Shared, format: Format, limits: &Limits) -> Result<Records, Error> {
        let input = input.text(format)?;
        Ok(Records { format, input, buffer: vec![0; 256 << 10], at: 0, filled: 0, bytes_max: limits.cell_bytes_max, count: 0 })
    }

    fn broken(&self, why: impl fmt::Display) -> Error {
        Error::Broken { format: self.format, why: format!("record {}: {why}", self.count) }
    }

    /// More bytes behind those that are there; false at the end.
    fn fill(&mut self) -> Result<bool, Error> {
        if self.at > 0 {
            self.buffer.copy_within(self.at..self.filled, 0);
            (self.filled, self.at) = (self.filled - self.at, 0);
        }
        if self.filled == self.buffer.len() {
            if self.buffer.len() >= self.bytes_max {
                return Err(self.broken(format_args!("longer than {} bytes", self.bytes_max)));
            }
            self.buffer.resize(self.buffer.len() * 2, 0);
        }
        let read = self.input.read(&mut self.buffer[self.filled..]).map_err(|error| unpacked(self.format, error))?;
        self.filled += read;
        Ok(read > 0)
    }

    /// The next object. Around the objects may be the brackets and commas of an array.
    fn next(&mut self) -> Result<Option<Vec<(String, Json)>>, Error> {
        loop {
            let between = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'[' | b',' | b']' | 0xef | 0xbb | 0xbf);
            self.at += self.buffer[self.at..self.filled].iter().take_while(|byte| between(byte)).count();
            if self.at < self.filled {
                break;
            }
            if !self.fill()? {
                return Ok(None);
            }
        }
        self.count += 1;
        if self.buffer[self.at] != b'{' {
            return Err(self.broken("not an object"));
        }
        let (mut depth, mut quoted, mut escaped, mut length) = (0u32, false, false, 0);
        loop {
            while self.at + length < self.filled {
                let byte = self.buffer[self.at + length];
                length += 1;
                match byte {
                    _ if escaped => escaped = false,
                    b'\\' if quoted => escaped = true,
                    b'"' => quoted = !quoted,
                    b'{' | b'[' if !quoted => depth += 1,
                    b'}' | b']' if !quoted => depth -= 1,
                    _ => {}
                }
                if depth == 0 {
                    let found = serde_json::from_slice::<Record>(&self.buffer[self.at..self.at + length]);
                    self.at += length;
                    return found.map(|record| Some(record.0)).map_err(|error| self.broken(error));
                }
            }
            if !self.fill()? {
                return Err(self.broken("ends before it is whole"));
            }
        }
    }
}
