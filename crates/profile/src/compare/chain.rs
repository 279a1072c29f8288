//! A table of several parts, as one.

use arrow_array::{Float64Array, StringArray};

use crate::merge::common;
use crate::table::{Batch, Cells, Field, Table};
use crate::value::Kind;
use crate::{Error, Limits, Part, read};

/// The parts of one table, one after the other. A column that a part does not have is empty there.
pub(crate) struct Chain<'a> {
    parts: &'a [Part<'a>],
    limits: Limits,
    fields: Vec<Field>,
    /// Of each part: its columns, read as the kinds of the whole, and where in the whole each of them is.
    known: Vec<(Vec<Field>, Vec<usize>)>,
    wanted: Vec<bool>,
    open: Option<Box<dyn Table>>,
    /// The part that comes next.
    at: usize,
}

impl<'a> Chain<'a> {
    pub fn open(parts: &'a [Part<'a>], limits: &Limits) -> Result<Chain<'a>, Error> {
        let mut fields: Vec<Field> = Vec::new();
        let mut places = std::collections::HashMap::new();
        let mut own: Vec<Vec<Field>> = Vec::new();
        for part in parts {
            let input = (part.open)().map_err(|error| within(part, parts, Error::Io(error)))?;
            let table = read::open(input, part.format, limits).map_err(|error| within(part, parts, error))?;
            for field in table.fields() {
                let at = *places.entry(field.name.clone()).or_insert_with(|| {
                    fields.push(field.clone());
                    fields.len() - 1
                });
                let both = common(fields[at].kind, field.kind).unwrap_or(Kind::Text);
                if both != fields[at].kind {
                    fields[at].stored = if both == field.kind { field.stored.clone() } else { both.to_string() };
                    fields[at].kind = both;
                }
            }
            own.push(table.fields().to_vec());
        }
        let known = own.into_iter().map(|mut own| {
            let at: Vec<usize> = own.iter().map(|field| places[&field.name]).collect();
            own.iter_mut().zip(&at).for_each(|(field, at)| field.kind = fields[*at].kind);
            (own, at)
        });
        let known = known.collect();
        Ok(Chain { parts, limits: *limits, wanted: vec![true; fields.len()], fields, known, open: None, at: 0 })
    }

    /// The part that the last batch came from.
    pub fn part(&self) -> usize {
        self.at.saturating_sub(1)
    }

    fn step(&mut self) -> Result<Option<Batch>, Error> {
        loop {
            if self.open.is_none() {
                let Some(part) = self.parts.get(self.at) else { return Ok(None) };
                let (known, places) = &self.known[self.at];
                let input = (part.open)()?;
                let mut table = read::open_known(input, part.format, &self.limits, Some(known))?;
                if self.wanted.contains(&false) {
                    table.rewind(&|at| places.get(at).is_none_or(|place| self.wanted[*place]))?;
                }
                self.open = Some(table);
                self.at += 1;
            }
            match self.open.as_mut().map(|table| table.next()).transpose()?.flatten() {
                Some(batch) => return Ok(Some(self.placed(batch))),
                None => self.open = None,
            }
        }
    }

    fn placed(&self, batch: Batch) -> Batch {
        let places = &self.known[self.at - 1].1;
        let mut cells = vec![Cells::Empty(batch.rows); self.fields.len()];
        for (column, place) in batch.cells.into_iter().zip(places) {
            cells[*place] = conform(column, self.fields[*place].kind);
        }
        Batch { rows: batch.rows, cells }
    }
}

impl Table for Chain<'_> {
    fn fields(&self) -> &[Field] {
        &self.fields
    }

    fn next(&mut self) -> Result<Option<Batch>, Error> {
        self.step().map_err(|error| match self.parts.get(self.part()) {
            Some(part) => within(part, self.parts, error),
            None => error,
        })
    }

    fn rewind(&mut self, wanted: &dyn Fn(usize) -> bool) -> Result<(), Error> {
        self.wanted = (0..self.fields.len()).map(wanted).collect();
        (self.open, self.at) = (None, 0);
        Ok(())
    }
}

fn within(part: &Part, parts: &[Part], error: Error) -> Error {
    if parts.len() < 2 || matches!(error, Error::Part { .. }) {
        error
    } else {
        Error::Part { part: part.name.clone(), source: Box::new(error) }
    }
}

/// The cells as the kind of the whole column, which another part may have widened.
fn conform(cells: Cells, kind: Kind) -> Cells {
    match (cells, kind) {
        (Cells::Integer(array), Kind::Real) => {
            Cells::Real(array.iter().map(|value| value.map(|value| value as f64)).collect::<Float64Array>())
        }
        (Cells::Big(array), Kind::Real) => Cells::Real(array.iter().map(|value| value.map(|value| value as f64)).collect::<Float64Array>()),
        (Cells::Text(array), Kind::Text) => Cells::Text(array),
        (Cells::Nested(array), Kind::Text) => Cells::Nested(array),
        (cells @ Cells::Empty(_), _) => cells,
        (cells, Kind::Text) => {
            let texts = (0..cells.len()).map(|row| cells.value(row).map(|value| value.to_string()));
            Cells::Text(texts.collect::<StringArray>())
        }
        (cells, _) => cells,
    }
}
