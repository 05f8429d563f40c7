//! Turns as CSV: a line of names, then a line each. What is not known is an empty cell.
//!
//! Spreadsheets take a cell for a formula that begins with one of `=+-@`, a tab or an end of line, and run
//! it. Such a text gets an apostrophe in front here, which spreadsheets do not show. NUL, which many
//! readers of CSV stumble over, becomes U+FFFD.

use super::ExportError;
use super::turn_table::{Cell, TurnRow, columns};
use crate::measure::turns::TurnsError;
use csv::Writer;
use std::borrow::Cow;
use std::io::{self, Write};

/// Writes turns; returns how many there were.
pub fn write(
    turns: impl Iterator<Item = Result<TurnRow, TurnsError>>,
    out: impl Write,
) -> Result<u64, ExportError> {
    let mut csv = Writer::from_writer(out);
    csv.write_record(columns().iter().map(|(name, _)| name))
        .map_err(io::Error::from)?;
    let (mut count, mut digits) = (0, Vec::new());
    for turn in turns {
        for cell in turn?.cells() {
            field(&mut csv, cell, &mut digits)?;
        }
        csv.write_record(None::<&[u8]>).map_err(io::Error::from)?;
        count += 1;
    }
    csv.flush()?;
    Ok(count)
}

/// Writes a cell; `digits` is room for a number.
fn field(csv: &mut Writer<impl Write>, cell: Cell<'_>, digits: &mut Vec<u8>) -> io::Result<()> {
    digits.clear();
    match cell {
        Cell::Number(Some(number)) => write!(digits, "{number}")?,
        Cell::Probability(Some(probability)) => write!(digits, "{probability}")?,
        Cell::Text(Some(text)) => return Ok(csv.write_field(&*harmless(text))?),
        Cell::Number(None) | Cell::Probability(None) | Cell::Text(None) => {}
    }
    Ok(csv.write_field(digits.as_slice())?)
}

/// A text that no spreadsheet runs.
pub(crate) fn harmless(text: &str) -> Cow<'_, str> {
    let text: Cow<'_, str> = match text.contains('\0') {
        true => text.replace('\0', "\u{fffd}").into(),
        false => text.into(),
    };
    match text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) {
        true => format!("'{text}").into(),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_recorded::recorded;
    use super::super::turn_table::turns;
    use super::*;

    fn text(name: &str) -> String {
        let (folder, mut bytes) = (recorded(name), Vec::new());
        let count = write(turns(&folder), &mut bytes).expect("written");
        let text = String::from_utf8(bytes).expect("UTF-8");
        assert_eq!(text.lines().count() as u64, count + 1);
        text
    }

    #[test]
    fn a_run_is_this_table() {
        insta::assert_snapshot!(text("recorded"));
    }

    #[test]
    fn spreadsheets_run_nothing() {
        for (from, to) in [
            ("=1+1", "'=1+1"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\t=1"),
            ("a=b", "a=b"),
            ("", ""),
            ("a\0b", "a\u{fffd}b"),
        ] {
            assert_eq!(harmless(from), to);
        }
    }

    #[test]
    fn what_was_read_last_before_an_error_is_not_taken_for_all() {
        let broken = || {
            let path = "turns.bin".into();
            Err(TurnsError::Header { path })
        };
        let folder = recorded("recorded");
        let all = turns(&folder).chain(std::iter::once_with(broken));
        assert!(matches!(write(all, Vec::new()), Err(ExportError::Turns(_))));
    }
}
