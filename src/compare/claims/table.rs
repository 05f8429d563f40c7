//! Claims in a CSV: a line for each turn.

use super::{At, Calls, Claim, ClaimError, Claims, Moment};
use crate::files;
use csv::{ReaderBuilder, StringRecord, Trim};
use std::collections::BTreeSet;
use std::path::Path;

/// A longer table is refused: 64 MiB.
const TABLE_BYTES_MAX: u64 = 64 << 20;
/// A table of more turns is refused.
const ROWS_MAX: usize = 1_000_000;
/// A table with more columns of latencies is refused.
const COLUMNS_MAX: usize = 64;
/// A table of more platforms is refused: what differs in every line is no platform.
const PLATFORMS_MAX: usize = 100;
/// A longer cell is refused.
const CELL_BYTES_MAX: usize = 1_000;
/// A latency of more than an hour is one of another unit, or the time of day.
const LATENCY_MS_MAX: f64 = 3_600_000.0;
/// No call lasts longer than a week.
const TIME_MS_MAX: f64 = 7.0 * 24.0 * 3_600_000.0;

/// The names of the columns that say of which turn a claim is.
const CALL: [&str; 3] = ["call", "file", "recording"];
const TURN: [&str; 1] = ["turn"];
const PLATFORM: [&str; 1] = ["platform"];
/// Names of moments, each alone (in seconds, or as 1:23.4) or with its unit behind it.
const MOMENTS: [(&str, Moment); 5] = [
    ("agent_start", Moment::AgentStart),
    ("caller_end", Moment::CallerEnd),
    ("time", Moment::Either),
    ("at", Moment::Either),
    ("offset", Moment::Either),
];
/// Units behind the names of columns, and milliseconds of each.
const UNITS: [(&str, f64); 3] = [("_ms", 1.0), ("_ns", 1e-6), ("_s", 1e3)];
/// What stands in cells for no number.
const NOTHING: [&str; 6] = ["nan", "null", "none", "na", "n/a", "-"];

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Column {
    Call,
    Turn,
    Platform,
    At(Moment, f64),
    /// A latency in a unit of so many milliseconds.
    Latency(f64),
    Other,
}

impl Column {
    fn of(name: &str) -> Column {
        let (bare, unit_ms) = split(name);
        if let Some((_, moment)) = MOMENTS.iter().find(|(own, _)| *own == bare) {
            return Column::At(*moment, unit_ms.unwrap_or(1e3));
        }
        match unit_ms {
            _ if CALL.contains(&name) => Column::Call,
            _ if TURN.contains(&name) => Column::Turn,
            _ if PLATFORM.contains(&name) => Column::Platform,
            Some(unit_ms) => Column::Latency(unit_ms),
            None => Column::Other,
        }
    }
}

/// The name of a column without its unit, and milliseconds of the unit.
fn split(name: &str) -> (&str, Option<f64>) {
    let mut units = UNITS.iter();
    let found = units.find_map(|(end, ms)| Some((name.strip_suffix(end)?, *ms)));
    match found {
        Some((bare, ms)) if !bare.is_empty() => (bare, Some(ms)),
        _ => (name, None),
    }
}

/// The name of a column as it is compared: `E2E Latency (ms)` is `e2e_latency_ms`.
fn normal(name: &str) -> String {
    let words = name.split(|c: char| !c.is_alphanumeric());
    let words: Vec<String> = words
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    words.join("_")
}

/// A column of latencies while it is read.
struct Latencies {
    place: usize,
    unit_ms: f64,
    has_numbers: bool,
    /// The first cell that is neither empty nor a number: its line and text.
    no_number: Option<(u64, String)>,
}

/// The places of the columns.
struct Layout {
    names: Vec<String>,
    columns: Vec<Column>,
    /// The sign of a decimal point, if it is a comma.
    has_commas: bool,
}

pub(super) fn read(path: &Path, calls: Calls) -> Result<Claims, ClaimError> {
    let wrong = |reason: String| ClaimError::Table {
        path: path.to_owned(),
        reason,
    };
    let text = text(path).map_err(wrong)?;
    let delimiter = delimiter(&text);
    let mut reader = ReaderBuilder::new()
        .trim(Trim::All)
        .delimiter(delimiter)
        .from_reader(text.as_bytes());
    let header = reader
        .headers()
        .map_err(|error| wrong(unreadable(&error)))?;
    let layout = Layout::of(header, delimiter).map_err(wrong)?;
    layout.check(calls).map_err(wrong)?;
    let mut latencies = layout.latencies();
    let (mut rows, mut platforms) = (Vec::new(), BTreeSet::new());
    for record in reader.records() {
        let record = record.map_err(|error| wrong(unreadable(&error)))?;
        let line = record.position().map_or(0, csv::Position::line);
        let cell = |place: usize, reason: String| ClaimError::Cell {
            path: path.to_owned(),
            line,
            column: layout.names[place].clone(),
            reason,
        };
        if let Some(place) = record.iter().position(|text| text.len() > CELL_BYTES_MAX) {
            let reason = format!("the cell is longer than {CELL_BYTES_MAX} bytes; shorten it");
            return Err(cell(place, reason));
        }
        let mut claim = layout
            .claim(&record, line, calls)
            .map_err(|(place, reason)| cell(place, reason))?;
        for column in &mut latencies {
            let text = &record[column.place];
            let latency = layout.number(text).map(|ms| ms * column.unit_ms);
            if latency.is_some_and(|ms| ms.abs() > LATENCY_MS_MAX) {
                let reason = format!(
                    "{text} is more than an hour, and no latency; give its unit in the name of the column (_ms, _s or _ns), or take the column away"
                );
                return Err(cell(column.place, reason));
            }
            column.has_numbers |= latency.is_some();
            if latency.is_none() && !is_nothing(text) && column.no_number.is_none() {
                column.no_number = Some((line, text.to_owned()));
            }
            claim.claimed_ms.push(latency);
        }
        platforms.extend(claim.platform.clone());
        if platforms.len() > PLATFORMS_MAX {
            let reason = format!(
                "line {line}: it names more than {PLATFORMS_MAX} platforms; a column \"platform\" holds the name of who claims"
            );
            return Err(wrong(reason));
        }
        rows.push(claim);
        if rows.len() > ROWS_MAX {
            let reason =
                format!("it has more than {ROWS_MAX} lines; give the claims of fewer calls");
            return Err(wrong(reason));
        }
    }
    for column in &latencies {
        // A column of words is none of latencies, whatever it is called.
        if let (true, Some((line, text))) = (column.has_numbers, &column.no_number) {
            return Err(ClaimError::Cell {
                path: path.to_owned(),
                line: *line,
                column: layout.names[column.place].clone(),
                reason: format!(
                    "{text:?} is no number; write the latency as a number, or leave the cell empty"
                ),
            });
        }
    }
    if rows.is_empty() {
        return Err(wrong(
            "it has a header and no claims; give a line for each turn".into(),
        ));
    }
    finish(path, &layout, &latencies, rows).map_err(wrong)
}

/// The claims, without columns that hold no number.
fn finish(
    path: &Path,
    layout: &Layout,
    latencies: &[Latencies],
    mut rows: Vec<Claim>,
) -> Result<Claims, String> {
    let kept: Vec<bool> = latencies.iter().map(|column| column.has_numbers).collect();
    if !kept.contains(&true) {
        return Err(
            "none of its columns of latencies holds a number; check what was exported".into(),
        );
    }
    for row in &mut rows {
        let mut places = kept.iter();
        row.claimed_ms
            .retain(|_| places.next().copied().unwrap_or(false));
    }
    let columns = latencies.iter().filter(|column| column.has_numbers);
    Ok(Claims {
        path: path.to_owned(),
        columns: columns
            .map(|column| format!("{}_ms", split(&layout.names[column.place]).0))
            .collect(),
        rows,
    })
}

fn text(path: &Path) -> Result<String, String> {
    let cure = "name a CSV, or a folder of runs";
    let bytes = files::read(path, TABLE_BYTES_MAX).map_err(|error| match error.kind() {
        std::io::ErrorKind::FileTooLarge => format!(
            "it is longer than {} MiB; give the claims of fewer calls",
            TABLE_BYTES_MAX >> 20
        ),
        _ => format!("{error}; {cure}"),
    })?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let bytes = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = 1 + bytes.iter().filter(|byte| **byte == b'\n').count();
        format!("line {line} is not UTF-8; save it as a CSV in UTF-8")
    })?;
    Ok(text.trim_start_matches('\u{feff}').to_owned())
}

/// What stands between cells: a semicolon or a tab where the header has no comma.
fn delimiter(text: &str) -> u8 {
    let header = text.lines().next().unwrap_or_default();
    match (
        header.contains(','),
        header.contains(';'),
        header.contains('\t'),
    ) {
        (false, true, _) => b';',
        (false, false, true) => b'\t',
        _ => b',',
    }
}

/// What the reader says of a line, with the cure.
fn unreadable(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::UnequalLengths {
            pos,
            expected_len,
            len,
        } => format!(
            "line {} has {len} cells, and the header has {expected_len}; quote cells that hold commas",
            pos.as_ref().map_or(0, csv::Position::line)
        ),
        _ => format!("{error}; save it as a CSV in UTF-8"),
    }
}

impl Layout {
    fn of(header: &StringRecord, delimiter: u8) -> Result<Layout, String> {
        let names: Vec<String> = header.iter().map(normal).collect();
        let mut seen = BTreeSet::new();
        if let Some(twice) = names.iter().find(|name| !seen.insert(name.as_str())) {
            return Err(format!(
                "line 1 has two columns named {twice:?}; rename one"
            ));
        }
        let mut columns: Vec<Column> = names.iter().map(|name| Column::of(name)).collect();
        // "file" is a key only where there is no "call".
        if let Some(first) = CALL
            .iter()
            .find_map(|key| names.iter().position(|name| name == key))
        {
            for (place, column) in columns.iter_mut().enumerate() {
                if *column == Column::Call && place != first {
                    *column = Column::Other;
                }
            }
        }
        Ok(Layout {
            names,
            columns,
            has_commas: delimiter != b',',
        })
    }

    /// Refuses a table that cannot be joined.
    fn check(&self, calls: Calls) -> Result<(), String> {
        let has = |wanted: fn(&Column) -> bool| self.columns.iter().any(wanted);
        if calls == Calls::Many && !has(|column| *column == Column::Call) {
            return Err("line 1 has no column \"call\"; add one with the names of the recordings, since a folder of calls is measured".into());
        }
        if !has(|column| matches!(column, Column::Turn | Column::At(..))) {
            return Err("line 1 has neither a column \"turn\" nor one with a time (time_s, time_ms, agent_start_s, caller_end_s, at_s, …); add one that says of which turn a claim is".into());
        }
        let latencies = self.columns.iter();
        match latencies.filter(|column| matches!(column, Column::Latency(_))).count() {
            0 => Err("line 1 has no column of latencies; name one with its unit at the end (latency_ms, e2e_ms, ttfb_s, …)".into()),
            count if count > COLUMNS_MAX => Err(format!("line 1 has {count} columns of latencies, and up to {COLUMNS_MAX} are read; take some away")),
            _ => Ok(()),
        }
    }

    fn latencies(&self) -> Vec<Latencies> {
        let columns = self.columns.iter().enumerate();
        let latency = |(place, column): (usize, &Column)| match column {
            Column::Latency(unit_ms) => Some(Latencies {
                place,
                unit_ms: *unit_ms,
                has_numbers: false,
                no_number: None,
            }),
            _ => None,
        };
        columns.filter_map(latency).collect()
    }

    /// What a line says besides latencies.
    ///
    /// # Errors
    /// The place of a cell, and what is wrong with it.
    fn claim(
        &self,
        record: &StringRecord,
        line: u64,
        calls: Calls,
    ) -> Result<Claim, (usize, String)> {
        let mut claim = Claim {
            line,
            call: None,
            platform: None,
            turn: None,
            at: None,
            place: None,
            claimed_ms: Vec::new(),
        };
        for (place, column) in self.columns.iter().enumerate() {
            let text = &record[place];
            match column {
                Column::Call if text.is_empty() && calls == Calls::Many => {
                    return Err((
                        place,
                        "the cell is empty; write the name of the recording".into(),
                    ));
                }
                Column::Call if !text.is_empty() => claim.call = Some(text.into()),
                Column::Platform if !text.is_empty() => claim.platform = Some(text.into()),
                Column::Turn if !is_nothing(text) => {
                    claim.turn = Some(turn(text).map_err(|reason| (place, reason))?);
                }
                Column::At(of, unit_ms) if !is_nothing(text) => {
                    let ms = self
                        .time_ms(text, *unit_ms)
                        .map_err(|reason| (place, reason))?;
                    // The beginning of the answer says most, then the end of the question.
                    let is_better = claim.at.is_none_or(|at| rank(*of) > rank(at.of));
                    if is_better {
                        claim.at = Some(At { ms, of: *of });
                    }
                }
                _ => {}
            }
        }
        if claim.turn.is_none() && claim.at.is_none() {
            let is_key = |column: &Column| matches!(column, Column::Turn | Column::At(..));
            let place = self.columns.iter().position(is_key).unwrap_or(0);
            let reason = "the line says of no turn; write the number of the turn, or when it was";
            return Err((place, reason.into()));
        }
        Ok(claim)
    }

    /// A number; `None` if the cell holds none.
    fn number(&self, text: &str) -> Option<f64> {
        let number = match self.has_commas {
            true => text.replace(',', ".").parse(),
            false => text.parse(),
        };
        number.ok().filter(|number: &f64| number.is_finite())
    }

    /// A time in milliseconds since the call began: a number in the unit of its column, or 1:23.4, or 0:01:23.4.
    fn time_ms(&self, text: &str, unit_ms: f64) -> Result<f64, String> {
        let ms = match text.contains(':') {
            false => self.number(text).map(|number| number * unit_ms),
            true => {
                let parts: Vec<Option<f64>> =
                    text.split(':').map(|part| self.number(part)).collect();
                let seconds = parts
                    .iter()
                    .try_fold(0.0, |sum, part| Some(60.0 * sum + (*part)?));
                seconds.filter(|_| parts.len() <= 3).map(|s| s * 1e3)
            }
        };
        match ms {
            Some(ms) if (0.0..=TIME_MS_MAX).contains(&ms) => Ok(ms),
            _ => Err(format!(
                "{text:?} is no time since the beginning of the call; write seconds or milliseconds as the column's name has it, or minutes as 1:23.4"
            )),
        }
    }
}

fn rank(of: Moment) -> u8 {
    match of {
        Moment::Either => 0,
        Moment::CallerEnd => 1,
        Moment::AgentStart => 2,
    }
}

fn turn(text: &str) -> Result<u32, String> {
    // Spreadsheets and data frames write whole numbers as 3.0.
    let whole = text.strip_suffix(".0").unwrap_or(text);
    match whole.parse() {
        Ok(0) => Err("turns are counted from one; add one to all of them".into()),
        Ok(turn) => Ok(turn),
        Err(_) => Err(format!(
            "{text:?} is no number of a turn; write 1 for the first, or leave the cell empty and give a time"
        )),
    }
}

fn is_nothing(text: &str) -> bool {
    text.is_empty() || NOTHING.contains(&text.to_ascii_lowercase().as_str())
}

#[cfg(test)]
#[path = "test_table.rs"]
mod tests;
