//! The figures of a simulation in its folder, which are written when all else is there.

use crate::files::write_whole;
use crate::measure::turns::Reader;
use crate::measure::{Question, TOTALS, Totals, costliest};
use crate::record::store::{self, Costliest, Header, Sizes, TURNS};
use crate::report::{answer, document, hlog, simulation};
use crate::run::{RunError, unavailable};
use crate::scenario::TurnTable;
use std::io;
use std::path::Path;
use std::time::Duration;

/// The file in a simulation's folder that holds its report as JSON.
pub const REPORT_JSON: &str = "report.json";
/// The file in a simulation's folder that holds its report as text.
pub const REPORT_TEXT: &str = "report.txt";

/// Writes the figures so far of a simulation that goes on, beside files that are this long or longer.
pub(super) fn write_so_far(folder: &Path, totals: &Totals, bytes: Sizes) -> Result<(), RunError> {
    let figures = totals.to_json(bytes).map_err(unavailable)?;
    write_whole(&folder.join(TOTALS), &figures).map_err(|error| full(folder, error))
}

/// Writes the figures, beside files of these sizes, of conversations in which the scenario's `turns` are asked. The
/// reports come last: a folder with both of them is whole.
pub(super) fn write(
    folder: &Path,
    header: &Header,
    totals: &Totals,
    bytes: Sizes,
    turns: &[TurnTable],
) -> Result<(), RunError> {
    let full = |error| full(folder, error);
    write_histograms(folder, totals).map_err(full)?;
    let figures = totals.to_json(bytes).map_err(unavailable)?;
    write_whole(&folder.join(TOTALS), &figures).map_err(full)?;
    if let Some(costliest) = costliest_of(folder, totals, bytes, turns)? {
        costliest.write(folder).map_err(unavailable)?;
    }
    let document = document::simulation(header, totals, None);
    let json = serde_json::to_string_pretty(&document).map_err(unavailable)? + "\n";
    write_whole(&folder.join(REPORT_JSON), json.as_bytes()).map_err(full)?;
    let answer = answer::sentence(&totals.measured, totals.cut_off_share());
    let text = format!("{}\n{answer}\n", simulation::text(header, totals));
    write_whole(&folder.join(REPORT_TEXT), text.as_bytes()).map_err(full)?;
    store::seal(folder).map_err(unavailable)
}

/// What costs the most callers. The questions are read again if the scenario tells them apart.
fn costliest_of(
    folder: &Path,
    totals: &Totals,
    bytes: Sizes,
    turns: &[TurnTable],
) -> Result<Option<Costliest>, RunError> {
    if turns.iter().all(|turn| turn.labels.is_empty()) {
        return Ok(costliest(&totals.measured, &[], std::iter::empty()));
    }
    let simulated = Reader::open(&folder.join(TURNS), bytes.turns).map_err(unavailable)?;
    let mut unreadable = None;
    let questions = simulated
        .map_while(|turn| turn.map_err(|error| unreadable = Some(error)).ok())
        .filter_map(|turn| Question::of_simulated(&turn));
    let costliest = costliest(&totals.measured, turns, questions);
    match unreadable {
        Some(error) => Err(unavailable(error)),
        None => Ok(costliest),
    }
}

/// Keeps the histograms. A simulation has no length of its own: its interval is empty.
fn write_histograms(folder: &Path, totals: &Totals) -> io::Result<()> {
    let mut log = Vec::new();
    hlog::write(&totals.measured, Duration::ZERO, &mut log)?;
    write_whole(&folder.join("latency.hlog"), &log)
}

/// The error that a folder could not be written.
pub(super) fn full(folder: &Path, error: io::Error) -> RunError {
    unavailable(format!(
        "{} could not be written to its end: {error}; make room or choose another folder",
        folder.display()
    ))
}
