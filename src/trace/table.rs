//! Tables of one's own: CSV and Parquet, a record a row.

use super::TraceError;
use parquet::errors::ParquetError;
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use serde_json::{Map, Number, Value};
use std::fs::File;
use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// More columns than this are no table of latencies.
const COLUMNS_MAX: usize = 4_096;

/// The rows of a table of commas (or semicolons or tabs), each told as a record, its columns' names first.
///
/// # Errors
/// Fails if it is no such table.
pub(super) fn csv(
    input: impl Read,
    delimiter: u8,
    named: &mut dyn FnMut(&[String]) -> Result<(), TraceError>,
    told: &mut dyn FnMut(&Value),
) -> Result<(), TraceError> {
    let wrong = |error: csv::Error| TraceError::Wrong(error.to_string());
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .flexible(true)
        .from_reader(input);
    let head = reader.headers().map_err(wrong)?.clone();
    let names: Vec<String> = head.iter().take(COLUMNS_MAX).map(str::to_owned).collect();
    named(&names)?;
    for row in reader.records() {
        let row = row.map_err(wrong)?;
        let mut record = Map::new();
        for (name, value) in names.iter().zip(row.iter()) {
            if !value.trim().is_empty() {
                record.insert(name.clone(), Value::String(value.to_owned()));
            }
        }
        told(&Value::Object(record));
    }
    Ok(())
}

/// The rows of a Parquet file, likewise.
///
/// # Errors
/// Fails if it is none.
pub(super) fn parquet(
    file: File,
    named: &mut dyn FnMut(&[String]) -> Result<(), TraceError>,
    told: &mut dyn FnMut(&Value),
) -> Result<(), TraceError> {
    // The library asserts what a broken file does not keep. What it has told by then is not used.
    let read = catch_unwind(AssertUnwindSafe(|| rows(file, named, told)));
    read.unwrap_or_else(|_| Err(TraceError::Wrong("is a broken Parquet file".into())))
}

fn rows(
    file: File,
    named: &mut dyn FnMut(&[String]) -> Result<(), TraceError>,
    told: &mut dyn FnMut(&Value),
) -> Result<(), TraceError> {
    let wrong = |error: ParquetError| TraceError::Wrong(error.to_string());
    let length = file.metadata().map_err(TraceError::Read)?.len();
    let reader = SerializedFileReader::new(file).map_err(wrong)?;
    let groups = reader.metadata().row_groups().iter();
    if !groups
        .flat_map(|group| group.columns())
        .all(|column| lies_within(column, length))
    {
        return Err(TraceError::Wrong("is a broken Parquet file".into()));
    }
    let schema = reader.metadata().file_metadata().schema();
    let fields = schema.get_fields().iter().take(COLUMNS_MAX);
    let names: Vec<String> = fields.map(|field| field.name().to_owned()).collect();
    named(&names)?;
    for row in reader.get_row_iter(None).map_err(wrong)? {
        let row = row.map_err(wrong)?;
        let mut record = Map::new();
        for (name, field) in row.get_column_iter() {
            let value = value(field);
            if !value.is_null() {
                record.insert(name.clone(), value);
            }
        }
        told(&Value::Object(record));
    }
    Ok(())
}

/// Whether a column is where a file of `length` bytes can have it.
fn lies_within(column: &ColumnChunkMetaData, length: u64) -> bool {
    let offset = column
        .dictionary_page_offset()
        .unwrap_or(column.data_page_offset());
    let (Ok(offset), Ok(size)) = (
        u64::try_from(offset),
        u64::try_from(column.compressed_size()),
    ) else {
        return false;
    };
    let is_sized = column.uncompressed_size() >= 0 && column.num_values() >= 0;
    is_sized && offset.checked_add(size).is_some_and(|end| end <= length)
}

fn value(field: &Field) -> Value {
    let float = |number: f64| Number::from_f64(number).map_or(Value::Null, Value::Number);
    match field {
        Field::Bool(flag) => Value::Bool(*flag),
        Field::Byte(number) => Value::from(*number),
        Field::Short(number) => Value::from(*number),
        Field::Int(number) | Field::Date(number) => Value::from(*number),
        Field::Long(number) | Field::TimestampMillis(number) | Field::TimestampMicros(number) => {
            Value::from(*number)
        }
        Field::UByte(number) => Value::from(*number),
        Field::UShort(number) => Value::from(*number),
        Field::UInt(number) => Value::from(*number),
        Field::ULong(number) => Value::from(*number),
        Field::Float(number) => float(f64::from(*number)),
        Field::Double(number) => float(*number),
        Field::Str(text) => Value::String(text.clone()),
        Field::Decimal(_) | Field::Bytes(_) | Field::Null => Value::Null,
        _ => Value::Null,
    }
}
