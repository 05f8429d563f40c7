//! Tables of one's own: CSV and Parquet, a record a row.

use super::TraceError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use serde_json::{Map, Number, Value};
use std::fs::File;
use std::io::Read;

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
    let wrong = |error: parquet::errors::ParquetError| TraceError::Wrong(error.to_string());
    let reader = SerializedFileReader::new(file).map_err(wrong)?;
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
