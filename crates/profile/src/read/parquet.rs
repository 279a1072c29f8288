//! Apache Parquet, column chunks as they are asked for.

use std::io::{BufReader, Read};

use arrow_array::RecordBatchReader;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};

use super::shared::{Place, Shared};
use super::{arrow, guarded};
use crate::format::Format;
use crate::table::{Batch, Cells, Field, Table, batch_rows};
use crate::{Error, Limits};

impl Length for Shared {
    fn len(&self) -> u64 {
        self.length()
    }
}

impl ChunkReader for Shared {
    type T = BufReader<Place>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        Ok(BufReader::new(self.at(start, self.length())))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<bytes::Bytes, ParquetError> {
        // a broken file asks for more than there is
        if start.checked_add(length as u64).is_none_or(|end| end > self.length()) {
            return Err(ParquetError::EOF(format!("{length} bytes at {start} of {}", self.length())));
        }
        let mut bytes = vec![0; length];
        self.at(start, length as u64).read_exact(&mut bytes)?;
        Ok(bytes.into())
    }
}

pub(crate) struct Parquet {
    input: Shared,
    format: Format,
    metadata: ArrowReaderMetadata,
    fields: Vec<Field>,
    /// Which of the fields the reader yields.
    wanted: Vec<usize>,
    reader: ParquetRecordBatchReader,
}

impl Parquet {
    pub fn open(input: Shared, format: Format, limits: &Limits) -> Result<Parquet, Error> {
        let metadata = guarded(format, || ArrowReaderMetadata::load(&input, ArrowReaderOptions::new()).map_err(broken(format)))?;
        let fields = arrow::fields(metadata.schema());
        if fields.len() > limits.columns_max {
            return Err(Error::Unread { what: format!("a table of {} columns", fields.len()) });
        }
        let wanted: Vec<usize> = (0..fields.len()).collect();
        let reader = reader(&input, format, &metadata, None)?;
        Ok(Parquet { input, format, metadata, fields, wanted, reader })
    }
}

fn broken(format: Format) -> impl Fn(ParquetError) -> Error {
    move |error| Error::Broken { format, why: error.to_string() }
}

fn reader(
    input: &Shared,
    format: Format,
    metadata: &ArrowReaderMetadata,
    wanted: Option<&[usize]>,
) -> Result<ParquetRecordBatchReader, Error> {
    let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(input.clone(), metadata.clone())
        .with_batch_size(batch_rows(wanted.map_or_else(|| metadata.schema().fields().len(), <[usize]>::len)));
    let builder = match wanted {
        Some(wanted) => {
            let mask = ProjectionMask::roots(metadata.parquet_schema(), wanted.iter().copied());
            builder.with_projection(mask)
        }
        None => builder,
    };
    guarded(format, || builder.build().map_err(broken(format)))
}

impl Table for Parquet {
    fn fields(&self) -> &[Field] {
        &self.fields
    }

    fn next(&mut self) -> Result<Option<Batch>, Error> {
        let (reader, format) = (&mut self.reader, self.format);
        let next = || reader.next().transpose().map_err(|error| Error::Broken { format, why: error.to_string() });
        let Some(record) = guarded(format, next)? else { return Ok(None) };
        let mut cells = vec![Cells::Empty(record.num_rows()); self.fields.len()];
        for (column, at) in record.columns().iter().zip(&self.wanted) {
            cells[*at] = arrow::cells(column);
        }
        Ok(Some(Batch { rows: record.num_rows(), cells }))
    }

    fn rewind(&mut self, wanted: &dyn Fn(usize) -> bool) -> Result<(), Error> {
        self.wanted = (0..self.fields.len()).filter(|at| wanted(*at)).collect();
        self.reader = reader(&self.input, self.format, &self.metadata, Some(&self.wanted))?;
        debug_assert_eq!(self.reader.schema().fields().len(), self.wanted.len());
        Ok(())
    }
}
