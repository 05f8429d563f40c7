//! `voicesim listen`: people hear the same turn of two systems, without knowing which is which, and say which is better.

use super::file::{refuse_unwritable, write};
use super::{Failure, Verdict, given, number, print, print_json, print_plain};
use crate::listen::{
    Judged, KeptError, Pairs, Results, SYSTEMS_MAX, Serving, Settings, Sitting, csv, text,
};
use crate::measure::folder::Folder;
use crate::measure::labels::LabelTable;
use crate::run::signals::{Ending, Signals};
use clap::Args;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

/// The longest name of a judge, in bytes.
const JUDGE_BYTES_MAX: usize = 100;

#[derive(Debug, Args)]
pub(super) struct Listen {
    /// Two or more folders of results, whose callers asked the same: runs, measured calls, or folders of them
    #[arg(value_name = "DIR", num_args = 2.., required_unless_present = "results", conflicts_with = "results")]
    systems: Vec<PathBuf>,
    /// File that choices are kept in, and gone on with if it is there
    #[arg(long, value_name = "FILE", default_value = "choices.jsonl")]
    choices: PathBuf,
    /// Name of whoever judges; several judges may use one file, one after the other
    #[arg(long, value_name = "NAME", default_value = "me", value_parser = judge)]
    judge: String,
    /// Judge the words of answers in place of their sound
    #[arg(long)]
    text: bool,
    /// A CSV with labels of the calls, which results are told apart by: a column "call" and others
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// Address and port of the page, which holds voices; port 0 takes a free one, which is printed
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8766")]
    listen: SocketAddr,
    /// Seed of the order in which pairs are heard
    #[arg(long, value_name = "S", default_value_t = 1, help_heading = "Pairs")]
    seed: u64,
    /// Share of pairs that come again with their sides exchanged, which shows who listens
    #[arg(long, value_name = "P", default_value = "10%", value_parser = share, help_heading = "Pairs")]
    repeats: f64,
    /// The most pairs that a judge is given, repeats included
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), help_heading = "Pairs")]
    pairs: Option<u32>,
    /// Print what this file of choices comes to, without a page
    #[arg(long, value_name = "FILE", help_heading = "Results")]
    results: Option<PathBuf>,
    /// The least preference that matters, for how many choices are still needed
    #[arg(long, value_name = "P", default_value = "60%", value_parser = preference, help_heading = "Results")]
    least: f64,
    /// Leave out judges who judge repeats no better than by guessing
    #[arg(long, help_heading = "Results")]
    attentive: bool,
    /// Write choices as CSV, with --results
    #[arg(
        long,
        value_name = "FILE",
        requires = "results",
        help_heading = "Results"
    )]
    csv: Option<PathBuf>,
    /// Print the results as one JSON document
    #[arg(long, help_heading = "Results")]
    json: bool,
}

impl Listen {
    pub(super) fn run(self) -> Result<Verdict, Failure> {
        let settings = Settings {
            least: self.least,
            are_guessers_left_out: self.attentive,
        };
        let results = match &self.results {
            Some(path) => self.read(path, &settings)?,
            None => self.serve(settings)?,
        };
        match self.json {
            true => print_json(&results)?,
            false => print_plain(&text(&results)),
        }
        Ok(Verdict::Fine)
    }

    /// What was chosen before.
    fn read(&self, path: &Path, settings: &Settings) -> Result<Results, Failure> {
        if let Some(csv) = &self.csv {
            refuse_unwritable("--csv", csv)?;
        }
        let kept = Results::read(path, settings).map_err(failure)?;
        if let Some(path) = &self.csv {
            let mut bytes = Vec::new();
            csv(&kept.head, &kept.choices, &mut bytes).map_err(Failure::unavailable)?;
            write("--csv", path, &String::from_utf8_lossy(&bytes))?;
        }
        Ok(kept.results)
    }

    /// Has a judge choose until Ctrl-C.
    fn serve(&self, settings: Settings) -> Result<Results, Failure> {
        let pairs = self.pairs()?;
        if let Some(why) = pairs.why_left_out() {
            tracing::info!("pairs of turns that cannot be judged: {why}");
        }
        let unavailable = |error: std::io::Error| {
            Failure::Unavailable(format!(
                "--listen {}: {error}; choose another port, or 0 for a free one",
                self.listen
            ))
        };
        let listener = TcpListener::bind(self.listen).map_err(unavailable)?;
        let address = listener.local_addr().map_err(unavailable)?;
        let limit = self.pairs.map(|pairs| pairs as usize);
        let order = (self.seed, self.repeats);
        let sitting = Sitting::begin(pairs, order, limit, &self.judge, &self.choices, settings)
            .map_err(failure)?;
        if !address.ip().is_loopback() {
            tracing::warn!(
                "warning: whoever reaches {address} hears these calls, and may judge them"
            );
        }
        // A script reads where the page is.
        if !self.json {
            print(&format!("http://{address}/\n"));
        }
        tracing::info!(
            "{} of {} pairs are judged; choices go to {}; Ctrl-C ends it",
            sitting.judged(),
            sitting.given(),
            self.choices.display()
        );
        let end = async {
            let ending = Signals::listen().next().await;
            if ending != Ending::Interrupt {
                ending.cuts_short();
            }
        };
        Serving::at(listener, sitting)
            .until(end)
            .map_err(unavailable)
    }

    fn pairs(&self) -> Result<Pairs, Failure> {
        let table = self.labels.as_deref().map(LabelTable::read).transpose();
        let table = table.map_err(Failure::input)?;
        if self.systems.len() > SYSTEMS_MAX {
            return Err(Failure::Input(format!(
                "{} folders are too many to hear against each other; name up to {SYSTEMS_MAX}",
                self.systems.len()
            )));
        }
        let mut folders = Vec::new();
        for (place, path) in self.systems.iter().enumerate() {
            given::as_results(path)?;
            let is_same = |other: &&PathBuf| other.canonicalize().ok() == path.canonicalize().ok();
            if self.systems.iter().take(place).any(|other| is_same(&other)) {
                return Err(Failure::Input(format!(
                    "{} is named twice; name the folders of two systems",
                    path.display()
                )));
            }
            folders.push((path.clone(), Folder::open(path).map_err(Failure::input)?));
        }
        let judged = match self.text {
            true => Judged::Text,
            false => Judged::Sound,
        };
        Pairs::of(&folders, judged, table.as_ref()).map_err(Failure::input)
    }
}

fn failure(error: KeptError) -> Failure {
    match error.is_wrong_input() {
        true => Failure::input(error),
        false => Failure::unavailable(error),
    }
}

fn judge(text: &str) -> Result<String, String> {
    let name = text.trim();
    let is_name =
        !name.is_empty() && name.len() <= JUDGE_BYTES_MAX && !name.contains(char::is_control);
    is_name
        .then(|| name.to_owned())
        .ok_or_else(|| format!("give a name of 1 to {JUDGE_BYTES_MAX} bytes, as in anna"))
}

/// A share, as `0.1` or `10%`, from 0 to 1.
fn share(text: &str) -> Result<f64, String> {
    number::share(text)
        .filter(|share| (0.0..=1.0).contains(share))
        .ok_or_else(|| "give a share from 0 to 100 %, as in 10% or 0.1".into())
}

/// A preference, above one half.
fn preference(text: &str) -> Result<f64, String> {
    number::share(text)
        .filter(|share| (0.51..=1.0).contains(share))
        .ok_or_else(|| "give a preference from 51 to 100 %, as in 60% or 0.6: half is none".into())
}
