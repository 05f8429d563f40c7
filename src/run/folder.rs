//! What a run leaves in its folder besides what happened: the header, and the histograms.

use super::{RunError, unavailable};
use crate::clock::Clock;
use crate::engine::Loaded;
use crate::event::Event;
use crate::files;
use crate::interrupt::policy;
use crate::measure::Measurement;
use crate::record::store::{Header, RowsPer};
use crate::report::hlog;
use crate::scenario::Scenario;
use std::collections::BTreeMap;
use std::io::BufWriter;
use std::path::Path;
use std::time::Duration;

/// Refuses a folder that is not empty, before models are loaded; [`RunFolder::create`] checks again.
pub(crate) fn refuse_used(folder: &Path) -> Result<(), RunError> {
    let existing = folder.ancestors().find(|ancestor| ancestor.exists());
    if let Some(file) = existing.filter(|ancestor| !ancestor.is_dir()) {
        return Err(RunError::Input(format!(
            "{} cannot be made: {} is a file; choose another folder (--out)",
            folder.display(),
            file.display()
        )));
    }
    let is_used = match folder.read_dir() {
        Ok(mut entries) => entries.next().is_some(),
        Err(_) => folder.exists(),
    };
    if is_used {
        return Err(RunError::Input(format!(
            "{} exists already and is not an empty folder; choose another one (--out)",
            folder.display()
        )));
    }
    Ok(())
}

/// The header of a run by these engines, heard by this version of the ear's rules.
pub(super) fn header(
    scenario: &Scenario,
    (loaded, ear_rules): (&Loaded, u32),
    rows_per: RowsPer,
    clock: &Clock,
) -> Result<Header, RunError> {
    Ok(Header {
        clock: clock.name().into(),
        engines: loaded.described.clone(),
        notes: loaded.notes.clone(),
        rules: BTreeMap::from([
            ("ear".into(), ear_rules),
            ("speak".into(), loaded.speak_rules),
            ("interruption".into(), policy::RULES),
        ]),
        ..header_of(scenario, rows_per)?
    })
}

/// The header of a scenario on this machine, without its clock and engines.
pub(crate) fn header_of(scenario: &Scenario, rows_per: RowsPer) -> Result<Header, RunError> {
    Ok(Header {
        schema: Header::SCHEMA.into(),
        version: env!("CARGO_PKG_VERSION").into(),
        name: scenario.name().to_owned(),
        seed: scenario.seed().0,
        clock: String::new(),
        cores: scenario.cores(),
        engines: BTreeMap::new(),
        policy: scenario.interruption.policy.name().into(),
        keeps_audio: false,
        rows_per,
        notes: Vec::new(),
        worlds: None,
        events: None,
        shard: None,
        probe: None,
        rules: BTreeMap::new(),
        without_words: None,
        scenario: serde_json::to_value(scenario.file()).map_err(unavailable)?,
        machine: format!(
            "{} {}, {} processors",
            std::env::consts::OS,
            std::env::consts::ARCH,
            std::thread::available_parallelism().map_or(1, |n| n.get())
        ),
        started: Clock::date_and_time(),
    })
}

/// Writes the histograms of what was measured from `events`.
pub(crate) fn write_hlog(
    path: &Path,
    measured: &Measurement,
    events: &[Event],
) -> Result<(), RunError> {
    let length = events
        .last()
        .map_or(Duration::ZERO, |event| Duration::from_nanos(event.tick.0));
    files::create_new(path)
        .and_then(|file| hlog::write(measured, length, BufWriter::new(file)))
        .map_err(|error| {
            unavailable(format!(
                "cannot write {}: {error}; make room or choose another folder",
                path.display()
            ))
        })
}
