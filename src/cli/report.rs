//! `voicesim report`: the report of a folder of results, made again.

use super::exports::Exports;
use super::file::{refuse_unwritable, write};
use super::{Failure, Verdict, given, page, print_json, print_plain, print_sentence};
use crate::files::quoted;
use crate::measure::Measurement;
use crate::measure::folder::{Folder, Results};
use crate::measure::labels::LabelTable;
use crate::measure::segments::Segments;
use crate::record::store::Costliest;
use crate::report::calls::{self, Calls, folder_name};
use crate::report::document::Document;
use crate::report::{self, answer, document, html, simulation, text};
use crate::scenario;
use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(super) struct Report {
    /// Folder that `run`, `measure` or `simulate` wrote, even if the run was killed; or a folder of runs
    folder: PathBuf,
    /// A TOML file with a [budget] to hold the figures to, in place of the scenario's
    #[arg(long, value_name = "FILE")]
    budget: Option<PathBuf>,
    /// Write the report as an HTML page: one file that loads nothing from elsewhere
    #[arg(long, value_name = "FILE", help_heading = "Results")]
    html: Option<PathBuf>,
    /// Draw one turn as an SVG: both voices, where the wait went, and the words
    #[arg(long, value_name = "FILE", help_heading = "Results")]
    svg: Option<PathBuf>,
    /// Turn for --svg, by its number in the report; the slowest answered one unless given
    #[arg(long, value_name = "N", requires = "svg", help_heading = "Results")]
    turn: Option<u32>,
    /// Tell turns apart by a label: time, turn (first or later), call, a label of the scenario or a column of
    /// --labels
    #[arg(long, value_name = "LABEL")]
    by: Option<String>,
    /// A CSV with labels of the calls: a column "call" with the names of their folders or files, others with labels
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// Take turns of a recording into the figures whose latencies are doubtful
    #[arg(long)]
    with_doubtful: bool,
    /// Print the report as one JSON document
    #[arg(long, help_heading = "Results")]
    json: bool,
    #[command(flatten)]
    exports: Exports,
}

/// Turns by their labels.
struct ByLabel {
    /// By the label that was asked for.
    asked: Option<Segments>,
    /// By all that a page shows.
    shown: Vec<Segments>,
}

impl Report {
    pub(super) fn run(self) -> Result<Verdict, Failure> {
        self.exports.check()?;
        if let Some(path) = &self.html {
            refuse_unwritable("--html", path)?;
        }
        if let Some(path) = &self.svg {
            refuse_unwritable("--svg", path)?;
        }
        if self.json && self.exports.is_on_stdout() {
            return Err(Failure::Input(
                "--json prints the report where a file is to go (-); name a file, or take --json away".into(),
            ));
        }
        let folder = self.open()?;
        self.draw(&folder)?;
        self.exports.write(&folder, &self.folder)?;
        if self.exports.is_on_stdout() {
            return Ok(Verdict::Fine);
        }
        let segments = self.segments(folder.all())?;
        match folder {
            Folder::One(kept) => self.one(&kept, segments)?,
            Folder::Several(several) => self.several(several, segments)?,
        }
        Ok(Verdict::Fine)
    }

    /// Draws one turn, if a picture was asked for.
    fn draw(&self, folder: &Folder) -> Result<(), Failure> {
        let Some(path) = &self.svg else {
            return Ok(());
        };
        let run = match folder {
            Folder::One(kept) => match &**kept {
                Results::Run(run) => Some(run),
                Results::Simulation(_) => None,
            },
            Folder::Several(_) => None,
        };
        let Some(run) = run else {
            return Err(Failure::Input(format!(
                "--svg draws a turn of one run or call, and {} is none; name its folder",
                self.folder.display()
            )));
        };
        let events = run.events().map_err(Failure::input)?;
        let picture = html::of_turn(run, &events, self.turn)
            .map_err(|error| Failure::Input(format!("{}: {error}", self.folder.display())))?;
        write("--svg", path, &picture)
    }

    /// The turns by the label that was asked for; for a page, by every label.
    fn segments(&self, all: &[Results]) -> Result<ByLabel, Failure> {
        let table = self.labels.as_deref().map(LabelTable::read).transpose();
        let table = table.map_err(Failure::input)?;
        let of = |label: &str| page::by(all, label, table.as_ref());
        let asked = self.by.as_deref().map(of).transpose()?;
        let shown = match self.html {
            Some(_) => page::segments(all, table.as_ref())?,
            None => Vec::new(),
        };
        Ok(ByLabel { asked, shown })
    }

    fn open(&self) -> Result<Folder, Failure> {
        let budget = self.budget.as_deref().map(scenario::load_budget);
        let budget = budget.transpose().map_err(Failure::input)?;
        given::as_results(&self.folder)?;
        let mut folder = Folder::open(&self.folder).map_err(Failure::input)?;
        if let Some(budget) = &budget {
            folder.hold_to(budget);
        }
        if self.with_doubtful {
            folder.take_in_doubtful();
        }
        let has_simulation = |several: &[Results]| {
            let mut kept = several.iter();
            kept.any(|kept| matches!(kept, Results::Simulation(_)))
        };
        match folder {
            Folder::Several(several) if has_simulation(&several) => Err(Failure::Input(format!(
                "{} holds simulations; report on one of them, join shards with `voicesim merge`, or see what two differ in with `voicesim compare`",
                self.folder.display()
            ))),
            folder => Ok(folder),
        }
    }

    fn one(&self, kept: &Results, segments: ByLabel) -> Result<(), Failure> {
        if let Some(path) = &self.html {
            page::of_one(path, kept, &segments.shown, Some(&self.folder))?;
        }
        match kept {
            Results::Run(run) if self.json => {
                print_json(&Document {
                    segments: segments.asked.as_ref(),
                    ..document::document(&run.header, &run.measured)
                })?;
            }
            Results::Run(run) => {
                let rows_per = run.header.rows_per;
                print_plain(&text::report(&run.header, &run.measured, rows_per));
            }
            Results::Simulation(of) if self.json => {
                let mut simulation = document::simulation(&of.header, &of.totals, None);
                simulation.document.segments = segments.asked.as_ref();
                print_json(&simulation)?;
            }
            Results::Simulation(of) => print_plain(&simulation::text(&of.header, &of.totals)),
        }
        let cut_offs = match kept {
            Results::Run(run) => run.measured.cut_off_share(),
            Results::Simulation(of) => of.totals.cut_off_share(),
        };
        let costliest = Costliest::read(kept.path())?;
        self.print(
            segments.asked.as_ref(),
            kept.measured(),
            (cut_offs, costliest),
        );
        Ok(())
    }

    /// Reports on several runs, the worst first, and on all of them together.
    fn several(&self, several: Vec<Results>, segments: ByLabel) -> Result<(), Failure> {
        // Simulations were refused when the folder was opened.
        let Some(of) = page::calls(&folder_name(&self.folder), several) else {
            return Ok(());
        };
        if let Some(path) = &self.html {
            page::of_calls(path, &of, &segments.shown)?;
        }
        let Calls { header, all, calls } = of;
        if self.json {
            print_json(&Document {
                segments: segments.asked.as_ref(),
                ..calls::of_many(&header, &all, &calls, &[])
            })?;
        } else {
            print_plain(&text::summary_report(&header, &all));
            print_plain(&calls::calls(&calls, &[]));
        }
        self.print(segments.asked.as_ref(), &all, (all.cut_off_share(), None));
        Ok(())
    }

    /// What stands below a report for people.
    fn print(
        &self,
        segments: Option<&Segments>,
        measured: &Measurement,
        (cut_off_share, costliest): (Option<f64>, Option<Costliest>),
    ) {
        if self.json {
            return;
        }
        if let Some(segments) = segments {
            print_plain(&report::segments::text(segments));
        }
        let mut answer = answer::sentence(measured, cut_off_share);
        if let Some(costliest) = costliest {
            let shown = answer::costliest(&costliest, &quoted(&self.folder));
            answer = format!("{}; {shown}.", answer.strip_suffix('.').unwrap_or(&answer));
        }
        print_sentence(&answer);
    }
}
