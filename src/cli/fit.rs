//! `voicesim fit`: a profile for simulations, from results.

use super::file::{refuse_unwritable, write};
use super::{Failure, Verdict, given, print, print_json, print_plain};
use crate::clock::Clock;
use crate::files::quoted;
use crate::fit::{Calibrator, DisturbedJobs, Fit, Gathered, Made, profile, reference};
use crate::measure::folder::Results;
use crate::report::fit::{document, text};
use crate::report::html;
use clap::Args;
use std::path::{Path, PathBuf};

/// More folders are not fitted to at once.
const FOLDERS_MAX: usize = 100_000;

#[derive(Debug, Args)]
pub(super) struct FitTo {
    /// Results to fit to: folders that `run`, `import`, `measure` or `simulate` wrote, or folders of such
    #[arg(value_name = "DIR", required = true)]
    results: Vec<PathBuf>,
    /// File to write the profile to; an older one there is replaced
    #[arg(long, value_name = "PROFILE.toml")]
    out: PathBuf,
    /// Write the fit as an HTML page, which draws what was measured and what is drawn by stage
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Runs of the same few questions, held before and after each of these: a later `validate` with the same flag tells
    /// the machine's drift from the profile's error
    #[arg(long, value_name = "DIR")]
    calibrator: Option<PathBuf>,
    /// Leave out work that other programs on the machine disturbed
    #[arg(long)]
    undisturbed: bool,
    /// Keep work that other programs disturbed apart: simulations of the profile then have it in bursts, as the machine
    /// had, where at least 20 jobs of an engine were disturbed
    #[arg(long, conflicts_with = "undisturbed")]
    disturbed: bool,
    /// Keep the words of answers; without it every letter in the profile is an x, and only lengths are kept
    #[arg(long)]
    words: bool,
    /// Print the fit as one JSON document
    #[arg(long)]
    json: bool,
}

impl FitTo {
    pub(super) fn run(self) -> Result<Verdict, Failure> {
        refuse_unwritable("--out", &self.out)?;
        if let Some(path) = &self.html {
            refuse_unwritable("--html", path)?;
        }
        let calibrator = self.calibrator.as_deref().map(calibrator).transpose()?;
        let mut beside = Vec::new();
        let mut gathered = Gathered::default();
        for given in &self.results {
            given::as_results(given)?;
            // One after the other: the histograms of thousands would take gigabytes.
            for path in folders(given)? {
                let results = Results::open(&path).map_err(Failure::input)?;
                gathered.add(&results).map_err(Failure::input)?;
                if let Some(calibrator) = &calibrator {
                    beside.extend(calibrator.beside(&results.header().started));
                }
            }
        }
        let disturbed = match (self.undisturbed, self.disturbed) {
            (true, _) => DisturbedJobs::LeftOut,
            (_, true) => DisturbedJobs::Apart,
            _ => DisturbedJobs::Mixed,
        };
        if let Some(calibrator) = &calibrator {
            gathered.calibrate(calibrator, &beside);
        }
        let fit = Fit::of(gathered, disturbed).map_err(|error| {
            let all: Vec<String> = self
                .results
                .iter()
                .map(|path| path.display().to_string())
                .collect();
            Failure::Input(format!("{}: {error}", all.join(", ")))
        })?;
        let reference = match (&self.calibrator, beside.as_slice()) {
            (Some(path), []) => {
                return Err(Failure::Input(format!(
                    "--calibrator {}: none of the runs lay between two of it; hold it before and after each",
                    path.display()
                )));
            }
            (_, beside) => reference(beside),
        };
        let date = Clock::date_and_time();
        let name = self
            .out
            .file_stem()
            .unwrap_or(self.out.as_os_str())
            .to_string_lossy();
        let made = Made {
            on: date.get(..10).unwrap_or(&date),
            name: &name,
            keeps_words: self.words,
            undisturbed: self.undisturbed,
            calibrator: &reference,
        };
        let written = profile(&fit, made).map_err(Failure::unavailable)?;
        write("--out", &self.out, &written)?;
        if let Some(path) = &self.html {
            let page = html::of_fit(&fit, &name).map_err(Failure::unavailable)?;
            write("--html", path, &page)?;
        }
        if self.json {
            print_json(&document(&fit, &self.out.display().to_string()))?;
        } else {
            print_plain(&text(&fit));
            print(&format!(
                "\nwrote {0}; simulate it with: voicesim simulate --profile {1}\n",
                self.out.display(),
                quoted(&self.out)
            ));
        }
        Ok(Verdict::Fine)
    }
}

/// The calibrator whose runs lie in a folder.
pub(super) fn calibrator(folder: &Path) -> Result<Calibrator, Failure> {
    let wrong =
        |error: String| Failure::Input(format!("--calibrator {}: {error}", folder.display()));
    let mut runs = Vec::new();
    for path in folders(folder)? {
        runs.push(Results::open(&path).map_err(|error| wrong(error.to_string()))?);
    }
    Calibrator::of(&runs).map_err(|error| wrong(error.to_string()))
}

/// The folder itself, or the folders of results in it, sorted by name.
pub(super) fn folders(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let is_one = |path: &Path| path.join("header.json").is_file();
    if is_one(folder) {
        return Ok(vec![folder.to_owned()]);
    }
    let unreadable = |error: std::io::Error| {
        Failure::Input(format!(
            "cannot read {}: {error}; name a folder that `voicesim run`, `import` or `measure` wrote with --out",
            folder.display()
        ))
    };
    let mut inside = Vec::new();
    for entry in folder.read_dir().map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if is_one(&path) {
            inside.push(path);
        }
        if inside.len() > FOLDERS_MAX {
            return Err(Failure::Input(format!(
                "{} holds more than {FOLDERS_MAX} folders; name them in parts",
                folder.display()
            )));
        }
    }
    if inside.is_empty() {
        return Err(Failure::Input(format!(
            "{} holds neither a header.json nor folders that do; name a folder that `voicesim run`, `import` or `measure` wrote with --out",
            folder.display()
        )));
    }
    inside.sort();
    Ok(inside)
}
