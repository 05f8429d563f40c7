//! `voicesim validate`: what a profile predicts, held against runs.

use super::file::{refuse_unwritable, write};
use super::fit::{calibrator, folders};
use super::simulate::threads;
use super::{Failure, Verdict, given, print, print_json, print_plain};
use crate::clock::Clock;
use crate::experiment::validate;
use crate::measure::folder::Results;
use crate::report::html;
use crate::report::validate::{self as report, Validation};
use crate::scenario;
use clap::Args;
use std::path::{Path, PathBuf};

/// The table of a profile that this command writes.
const TABLE: &str = "[profile.validated]";

#[derive(Debug, Args)]
pub(super) struct Validate {
    /// Runs to predict, which the profile was not fitted to: folders that `run`, `import` or `measure` wrote, or folders
    /// of such, all with the same settings
    #[arg(value_name = "RUN", required = true)]
    runs: Vec<PathBuf>,
    /// The profile that predicts, as `voicesim fit` wrote it
    #[arg(long, value_name = "PROFILE.toml")]
    profile: PathBuf,
    /// Runs of the same few questions, held before and after each run and those of the fit: what the machine has moved
    /// since is taken out of the prediction
    #[arg(long, value_name = "DIR")]
    calibrator: Option<PathBuf>,
    /// Write the validation as an HTML page: every distribution measured and predicted, and errors with their intervals
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Write what came of it into the profile, so that every simulation of it says so
    #[arg(long)]
    save: bool,
    /// Threads to use; as many as there are processors unless given. Any number gives the same figures
    #[arg(long, value_name = "T", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

impl Validate {
    pub(super) fn run(self) -> Result<Verdict, Failure> {
        if let Some(path) = &self.html {
            refuse_unwritable("--html", path)?;
        }
        given::as_scenario(&self.profile)?;
        let predicted = scenario::load_over(None, &self.profile, &[]).map_err(Failure::input)?;
        let mut runs = Vec::new();
        for given in &self.runs {
            given::as_results(given)?;
            for path in folders(given)? {
                runs.push(Results::open(&path).map_err(Failure::input)?);
            }
        }
        let name = self.profile.display().to_string();
        let calibrator = self.calibrator.as_deref().map(calibrator).transpose()?;
        let threads = threads(self.threads);
        let found = validate((&name, &predicted), &runs, calibrator.as_ref(), threads)?;
        if let Some(path) = &self.html {
            let page = html::of_validation(&found).map_err(Failure::unavailable)?;
            write("--html", path, &page)?;
        }
        if self.json {
            print_json(&found)?;
        } else {
            print_plain(&report::text(&found));
        }
        match found.verdict {
            report::Verdict::Undecided => Err(Failure::Input(format!(
                "{name}: {}",
                report::sentence(&found)
            ))),
            verdict => {
                if self.save {
                    save(&self.profile, &found)?;
                    if !self.json {
                        print(&format!("wrote it into {name}\n"));
                    }
                }
                Ok(match verdict {
                    report::Verdict::Missed => Verdict::NotAsAsked,
                    _ => Verdict::Fine,
                })
            }
        }
    }
}

/// Writes what was found into the profile, in place of what an earlier validation found.
fn save(profile: &Path, found: &Validation) -> Result<(), Failure> {
    // It was read as a scenario before, which bounds its length.
    let text = crate::files::read_text(profile, crate::scenario::FILE_BYTES_MAX)
        .map_err(Failure::input)?;
    let error = |statistic: &str| {
        let figure = found.figure("e2e_latency", statistic);
        let percent =
            figure.and_then(|figure| figure.without_drift_error_percent.or(figure.error_percent));
        percent.map(|percent| (percent * 10.0).round() / 10.0)
    };
    let (Some(p50), Some(p95)) = (error("p50"), error("p95")) else {
        return Err(Failure::Input(format!(
            "{}: it predicts no e2e_latency, so that there is no error to --save",
            profile.display()
        )));
    };
    let date = Clock::date_and_time();
    let text = format!(
        "{}\n{TABLE}\non = \"{}\"\nturns = {}\np50_error_percent = {p50:?}\np95_error_percent = {p95:?}\n",
        without_table(&text).trim_end(),
        date.get(..10).unwrap_or(&date),
        found.turns,
    );
    write("--save", profile, &text)
}

/// The text of a profile without what an earlier validation wrote.
fn without_table(text: &str) -> String {
    let mut is_in = false;
    let mut kept = String::new();
    for line in text.lines() {
        if line.trim_start().starts_with('[') {
            is_in = line.trim() == TABLE;
        }
        if !is_in {
            kept += line;
            kept.push('\n');
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_earlier_validation_wrote_is_taken_away_and_nothing_else() {
        let text = "a = 1\n[profile]\nturns = 2\n[profile.validated]\non = \"x\"\nturns = 3\n[stt]\nengine = \"y\"\n";
        assert_eq!(
            without_table(text),
            "a = 1\n[profile]\nturns = 2\n[stt]\nengine = \"y\"\n"
        );
        assert_eq!(without_table("a = 1\n"), "a = 1\n");
    }
}
