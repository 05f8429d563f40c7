//! `voicesim merge`: joins the shards of a simulation, from several machines, into the whole simulation.

use super::{Failure, Verdict, print_answer, print_json, print_plain};
use crate::experiment::{self, Simulated};
use crate::report;
use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(super) struct Merge {
    /// Folders of all shards, in any order
    #[arg(value_name = "DIR", required = true)]
    folders: Vec<PathBuf>,
    /// Folder to keep the whole simulation in
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Print the report as one JSON document
    #[arg(long)]
    json: bool,
}

impl Merge {
    pub(super) fn run(self) -> Result<Verdict, Failure> {
        let Simulated { header, totals } = experiment::merge(&self.folders, &self.out)?;
        if self.json {
            print_json(&report::document::simulation(&header, &totals, None))?;
        } else {
            print_plain(&report::simulation::text(&header, &totals));
            print_answer(&totals.measured, totals.cut_off_share());
        }
        Ok(Verdict::Fine)
    }
}
