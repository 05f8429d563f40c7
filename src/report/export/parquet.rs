//! Turns as Parquet: the columns of the CSV file, with types. Times are whole nanoseconds as INT64, capped
//! at 2^63 − 1 (292 years); text is as it was.

use super::ExportError;
use super::turn_table::{Cell, ColumnKind, TurnRow, columns};
use crate::measure::turns::TurnsError;
use parquet::basic::{Compression, LogicalType, Repetition, Type as Physical};
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::{ColumnPath, Type};
use std::io::{self, Write};
use std::sync::Arc;

/// Turns in a row group, which is put together in memory: some 20 MB without text.
const GROUP_TURNS_MAX: usize = 65_536;
/// Bytes of text in a row group: 32 MiB.
const GROUP_TEXT_BYTES_MAX: usize = 32 << 20;

/// Writes turns; returns how many there were.
pub fn write(
    turns: impl Iterator<Item = Result<TurnRow, TurnsError>>,
    out: impl Write + Send,
) -> Result<u64, ExportError> {
    let schema = schema().map_err(as_io)?;
    let properties = Arc::new(properties());
    let mut file = SerializedFileWriter::new(out, Arc::new(schema), properties).map_err(as_io)?;
    let mut group = Group::new();
    let mut count = 0;
    for turn in turns {
        group.add(&turn?);
        count += 1;
        if group.turns == GROUP_TURNS_MAX || group.text_bytes >= GROUP_TEXT_BYTES_MAX {
            group.write_into(&mut file).map_err(as_io)?;
        }
    }
    if group.turns > 0 {
        group.write_into(&mut file).map_err(as_io)?;
    }
    file.close().map_err(as_io)?;
    Ok(count)
}

/// The error of the writer that the library was given: it fails of nothing else.
fn as_io(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(source) => match source.downcast::<io::Error>() {
            Ok(error) => *error,
            Err(other) => io::Error::other(other),
        },
        error => io::Error::other(error),
    }
}

fn schema() -> Result<Type, ParquetError> {
    let column = |(name, kind): (String, ColumnKind)| {
        let (physical, logical) = match kind {
            ColumnKind::Count | ColumnKind::Nanoseconds => (Physical::INT64, None),
            ColumnKind::Word | ColumnKind::Text => {
                (Physical::BYTE_ARRAY, Some(LogicalType::String))
            }
            ColumnKind::Probability => (Physical::DOUBLE, None),
        };
        let repetition = match kind {
            ColumnKind::Count => Repetition::REQUIRED,
            _ => Repetition::OPTIONAL,
        };
        let column = Type::primitive_type_builder(&name, physical)
            .with_logical_type(logical)
            .with_repetition(repetition);
        column.build().map(Arc::new)
    };
    let columns: Result<_, _> = columns().into_iter().map(column).collect();
    Type::group_type_builder("turns")
        .with_fields(columns?)
        .build()
}

/// A dictionary is for the few words that repeat; nanoseconds hardly do.
fn properties() -> WriterProperties {
    let mut properties = WriterProperties::builder()
        .set_created_by(concat!("voicesim ", env!("CARGO_PKG_VERSION")).into())
        .set_compression(Compression::SNAPPY)
        .set_dictionary_enabled(false);
    for (name, kind) in columns() {
        if kind == ColumnKind::Word {
            let path = ColumnPath::from(name);
            properties = properties.set_column_dictionary_enabled(path, true);
        }
    }
    properties.build()
}

/// A row group that is being put together.
struct Group {
    columns: Vec<Column>,
    turns: usize,
    text_bytes: usize,
}

struct Column {
    kind: ColumnKind,
    values: Values,
    /// 1 for a value, 0 for none; as many as there are turns. Empty where there always is one.
    levels: Vec<i16>,
}

enum Values {
    Integers(Vec<i64>),
    Texts(Vec<ByteArray>),
    Doubles(Vec<f64>),
}

impl Group {
    fn new() -> Group {
        let column = |(_, kind)| Column {
            kind,
            values: match kind {
                ColumnKind::Count | ColumnKind::Nanoseconds => Values::Integers(Vec::new()),
                ColumnKind::Word | ColumnKind::Text => Values::Texts(Vec::new()),
                ColumnKind::Probability => Values::Doubles(Vec::new()),
            },
            levels: Vec::new(),
        };
        Group {
            columns: columns().into_iter().map(column).collect(),
            turns: 0,
            text_bytes: 0,
        }
    }

    fn add(&mut self, turn: &TurnRow) {
        for (column, cell) in self.columns.iter_mut().zip(turn.cells()) {
            self.text_bytes += column.add(cell);
        }
        self.turns += 1;
    }

    /// Writes the group, and begins the next one.
    fn write_into<W: Write + Send>(
        &mut self,
        file: &mut SerializedFileWriter<W>,
    ) -> Result<(), ParquetError> {
        let mut group = file.next_row_group()?;
        for column in &mut self.columns {
            column.write_into(&mut group)?;
        }
        group.close()?;
        (self.turns, self.text_bytes) = (0, 0);
        Ok(())
    }
}

impl Column {
    /// Adds a cell; returns how many bytes of text it holds.
    fn add(&mut self, cell: Cell<'_>) -> usize {
        let mut bytes = 0;
        let is_there = match (&mut self.values, cell) {
            (Values::Integers(all), Cell::Number(Some(number))) => {
                all.push(i64::try_from(number).unwrap_or(i64::MAX));
                true
            }
            (Values::Texts(all), Cell::Text(Some(text))) => {
                all.push(ByteArray::from(text));
                bytes = text.len();
                true
            }
            (Values::Doubles(all), Cell::Probability(Some(probability))) => {
                all.push(probability);
                true
            }
            _ => false,
        };
        if self.kind != ColumnKind::Count {
            self.levels.push(i16::from(is_there));
        }
        bytes
    }

    fn write_into<W: Write + Send>(
        &mut self,
        group: &mut SerializedRowGroupWriter<'_, W>,
    ) -> Result<(), ParquetError> {
        let Some(mut column) = group.next_column()? else {
            return Err(ParquetError::General(
                "the schema has no such column".into(),
            ));
        };
        let levels = (self.kind != ColumnKind::Count).then_some(self.levels.as_slice());
        match &mut self.values {
            Values::Integers(all) => {
                column.typed::<Int64Type>().write_batch(all, levels, None)?;
                all.clear();
            }
            Values::Texts(all) => {
                column
                    .typed::<ByteArrayType>()
                    .write_batch(all, levels, None)?;
                all.clear();
            }
            Values::Doubles(all) => {
                column
                    .typed::<DoubleType>()
                    .write_batch(all, levels, None)?;
                all.clear();
            }
        }
        self.levels.clear();
        column.close()
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_recorded::recorded;
    use super::super::turn_table::turns;
    use super::*;
    use parquet::file::reader::{FileReader, SerializedFileReader};
    use parquet::record::Field;

    /// The cells of a file, as text.
    fn read(bytes: Vec<u8>) -> Vec<Vec<(String, Field)>> {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), bytes).expect("written");
        let reader = SerializedFileReader::new(file.reopen().expect("opened")).expect("Parquet");
        let rows = reader.get_row_iter(None).expect("rows");
        let row = |row: Result<parquet::record::Row, ParquetError>| {
            let row = row.expect("a row");
            let cells = row.get_column_iter();
            cells
                .map(|(name, field)| (name.clone(), field.clone()))
                .collect()
        };
        rows.map(row).collect()
    }

    #[test]
    fn the_table_is_that_of_the_csv_file() {
        let folder = recorded("recorded");
        let mut bytes = Vec::new();
        assert_eq!(write(turns(&folder), &mut bytes).expect("written"), 8);
        let rows = read(bytes);
        for (row, turn) in rows.iter().zip(turns(&folder)) {
            let turn = turn.expect("a turn");
            assert!(
                row.iter()
                    .map(|(name, _)| name)
                    .eq(columns().iter().map(|(name, _)| name))
            );
            for ((_, field), cell) in row.iter().zip(turn.cells()) {
                let expected = match cell {
                    Cell::Number(Some(number)) => Field::Long(number as i64),
                    Cell::Text(Some(text)) => Field::Str(text.into()),
                    Cell::Probability(Some(probability)) => Field::Double(probability),
                    _ => Field::Null,
                };
                assert_eq!(*field, expected);
            }
        }
    }

    #[test]
    fn many_turns_are_several_groups_and_none_is_a_file_too() {
        let folder = recorded("recorded");
        let one = turns(&folder).next().expect("one").expect("a turn");
        let count = GROUP_TURNS_MAX + 1;
        let mut bytes = Vec::new();
        let many = std::iter::repeat_n(one, count).map(Ok);
        assert_eq!(write(many, &mut bytes).expect("written"), count as u64);
        assert_eq!(read(bytes).len(), count);
        let mut empty = Vec::new();
        assert_eq!(write(std::iter::empty(), &mut empty).expect("written"), 0);
        assert!(read(empty).is_empty());
    }
}
