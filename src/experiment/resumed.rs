//! Going on with a simulation that was cut short: by a signal, a kill, or a disk that was full.
//!
//! What was simulated is on record up to the last whole figures (`totals.json`); what was written behind them is
//! simulated again, to the same bytes.

use super::merge::difference;
use crate::files::is_unfinished;
use crate::measure::{TOTALS, Totals};
use crate::record::store::{self, Header, Sizes, is_run_folder};
use crate::run::{RunError, input, refuse_used};
use std::path::Path;

/// What there is of a simulation.
pub(super) struct Resumed {
    /// Its header, as it was when it began.
    pub(super) header: Header,
    /// The figures so far; of nothing if it was killed before it had any.
    pub(super) totals: Totals,
    /// How much of the files the figures are of; `None` if they are begun anew.
    pub(super) sizes: Option<Sizes>,
    /// Whether nothing is left to do.
    pub(super) is_whole: bool,
}

/// Reads what there is of the simulation that `asked` is the header of; `None` if the folder is new or empty.
///
/// # Errors
/// A folder that is damaged, or holds something else than what is asked for.
pub(super) fn read(folder: &Path, asked: &Header) -> Result<Option<Resumed>, RunError> {
    if !is_run_folder(folder) {
        refuse_used(folder)?;
        return Ok(None);
    }
    let header = store::read_header(folder).map_err(input)?;
    if let Some(what) = other_than(&header, asked) {
        return Err(RunError::Input(format!(
            "--resume: {} holds another simulation: {what}; ask for the same as before, or name another folder (--out)",
            folder.display()
        )));
    }
    store::verify(folder).map_err(input)?;
    let is_begun = folder.join(TOTALS).exists();
    let (mut totals, sizes) = match is_begun {
        true => {
            let (totals, sizes) = Totals::read(folder).map_err(input)?;
            (totals, Some(sizes))
        }
        false => (Totals::default(), None),
    };
    let is_whole = is_begun && !is_unfinished(folder) && !totals.measured.is_cut_short;
    totals.measured.is_cut_short = false;
    Ok(Some(Resumed {
        header,
        totals,
        sizes,
        is_whole,
    }))
}

/// The first thing in which two simulations differ.
fn other_than(header: &Header, asked: &Header) -> Option<String> {
    let own = Header {
        machine: asked.machine.clone(),
        started: asked.started.clone(),
        ..header.clone()
    };
    if own == *asked {
        return None;
    }
    let named = |what: &str, is_same: bool| (!is_same).then(|| what.to_owned());
    named("it is none", header.worlds.is_some())
        .or_else(|| named("another version simulated it", own.version == asked.version))
        .or_else(|| named("its seed is another one", own.seed == asked.seed))
        .or_else(|| {
            named(
                "its number of worlds is another one",
                own.worlds == asked.worlds,
            )
        })
        .or_else(|| named("it is another shard", own.shard == asked.shard))
        .or_else(|| {
            named(
                "it keeps other events (--events)",
                own.events == asked.events,
            )
        })
        .or_else(|| difference("scenario", &own.scenario, &asked.scenario))
        .or_else(|| Some("its header is another one".into()))
}
