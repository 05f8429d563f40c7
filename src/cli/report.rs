//! `voicesim report`: the report of a folder of results, made again.

use super::{Failure, Verdict, print_json, print_plain};
use crate::measure::folder::{Folder, Kept};
use crate::report::calls::{self, Calls, folder_name};
use crate::report::{document, simulation, text};
use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(super) struct Report {
    /// What `run`, `measure` or `simulate` wrote with --out, also of a run that was killed; or a folder of runs
    folder: PathBuf,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

impl Report {
    pub(super) fn run(self) -> Result<Verdict, Failure> {
        match Folder::open(&self.folder).map_err(Failure::input)? {
            Folder::One(kept) => self.one(&kept)?,
            Folder::Several(several) => self.several(several)?,
        }
        Ok(Verdict::Fine)
    }

    fn one(&self, kept: &Kept) -> Result<(), Failure> {
        match kept {
            Kept::Run(run) if self.json => {
                print_json(&document::document(&run.header, &run.measured))?;
            }
            Kept::Run(run) => {
                let rows_per = run.header.rows_per;
                print_plain(&text::report(&run.header, &run.measured, rows_per));
            }
            Kept::Simulation(of) if self.json => {
                print_json(&document::simulation(&of.header, &of.totals, None))?;
            }
            Kept::Simulation(of) => print_plain(&simulation::text(&of.header, &of.totals)),
        }
        Ok(())
    }

    /// Runs, the worst first, and what they amount to.
    fn several(&self, several: Vec<Kept>) -> Result<(), Failure> {
        let run = |kept| match kept {
            Kept::Run(run) => Ok(*run),
            Kept::Simulation(_) => Err(Failure::Input(format!(
                "{} holds simulations; report on one of them, join shards with `voicesim merge`, or see what two differ in with `voicesim compare`",
                self.folder.display()
            ))),
        };
        let runs = several.into_iter().map(run).collect::<Result<_, _>>()?;
        let Some(Calls { header, all, calls }) = Calls::of(&folder_name(&self.folder), runs) else {
            return Ok(());
        };
        if self.json {
            print_json(&calls::of_many(&header, &all, &calls, &[]))?;
        } else {
            print_plain(&text::summary_report(&header, &all));
            print_plain(&calls::calls(&calls, &[]));
        }
        Ok(())
    }
}
