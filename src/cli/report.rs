//! `voicesim report`: the report of a run folder, made again from its events.

use super::{Failure, Verdict, print, print_json, print_plain};
use crate::measure::{self, Plan};
use crate::record::store::TURNS;
use crate::record::store::{self, Header};
use crate::report;
use crate::run::{REPORT_JSON, REPORT_TEXT};
use crate::scenario::Scenario;
use clap::Args;
use std::path::{Path, PathBuf};

#[derive(Debug, Args)]
pub(super) struct Report {
    /// A run folder, also one of a run that was killed
    folder: PathBuf,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

impl Report {
    pub(super) fn run(self) -> Result<Verdict, Failure> {
        if self.folder.join(TURNS).is_file() {
            return self.simulation();
        }
        let (header, scenario) = recorded_scenario(&self.folder)?;
        let events = store::read_events(&self.folder).map_err(Failure::input)?;
        let measured = measure::measure(&events, &Plan::of(&scenario, header.rows_per));
        if self.json {
            print_json(&report::document::document(&header, &measured))?;
        } else {
            print_plain(&report::text::report(&header, &measured, header.rows_per));
        }
        Ok(Verdict::Fine)
    }
}

impl Report {
    /// What a simulation reported when it was over.
    fn simulation(&self) -> Result<Verdict, Failure> {
        let path = self.folder.join(match self.json {
            true => REPORT_JSON,
            false => REPORT_TEXT,
        });
        let report = std::fs::read_to_string(&path).map_err(|error| {
            Failure::Input(format!(
                "cannot read {}: {error}; a simulation that was killed has no report, its turns are in {TURNS}",
                path.display()
            ))
        })?;
        match self.json {
            true => print(&report),
            false => print_plain(&report),
        }
        Ok(Verdict::Fine)
    }
}

/// The header of a run folder, and the scenario in it.
pub(super) fn recorded_scenario(folder: &Path) -> Result<(Header, Scenario), Failure> {
    let header = store::read_header(folder).map_err(Failure::input)?;
    let scenario = serde_json::from_value(header.scenario.clone()).map_err(|error| {
        Failure::Input(format!(
            "{}: the scenario in header.json cannot be read: {error}",
            folder.display()
        ))
    })?;
    Ok((header, scenario))
}
