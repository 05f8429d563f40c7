//! `voicesim compare`: what differs between two sets of results, and whether it is more than chance.

use super::file::{refuse_unwritable, write};
use super::{Failure, Verdict, given, number, print, print_json, print_plain};
use crate::compare::{self, Settings};
use crate::measure::folder::Folder;
use crate::report::compare::{json, markdown, text};
use crate::report::html;
use clap::Args;
use std::path::{Path, PathBuf};

#[derive(Debug, Args)]
pub(super) struct Compare {
    /// Results before: a folder that `run`, `measure` or `simulate` wrote, or a folder of several
    base: PathBuf,
    /// Results after: a folder like the one before
    new: PathBuf,
    /// The least difference that counts, as a share of the results before
    #[arg(long, value_name = "P", default_value = "2%", value_parser = share)]
    min_effect: f64,
    /// Write the comparison as Markdown, for a review comment; - for stdout, in place of the text
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// Write the comparison as an HTML page: one file that loads nothing from elsewhere
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Print the comparison as one JSON document
    #[arg(long)]
    json: bool,
}

impl Compare {
    pub(super) fn run(self) -> Result<Verdict, Failure> {
        let settings = Settings {
            min_effect: self.min_effect,
            ..Settings::default()
        };
        let is_stdout = self.markdown.as_deref() == Some(Path::new("-"));
        if is_stdout && self.json {
            return Err(Failure::Input(
                "--markdown - and --json both print to stdout; give --markdown a file, or leave one of them out".into(),
            ));
        }
        let files = [("--markdown", &self.markdown), ("--html", &self.html)];
        for (flag, path) in files {
            if let Some(path) = path.as_deref().filter(|path| *path != Path::new("-")) {
                refuse_unwritable(flag, path)?;
            }
        }
        given::as_results(&self.base)?;
        given::as_results(&self.new)?;
        let base = Folder::open(&self.base).map_err(Failure::input)?;
        let new = Folder::open(&self.new).map_err(Failure::input)?;
        let comparison = compare::compare((&self.base, &base), (&self.new, &new), &settings)
            .map_err(Failure::input)?;
        match &self.markdown {
            Some(_) if is_stdout => print(&markdown(&comparison)),
            Some(path) => write("--markdown", path, &markdown(&comparison))?,
            None => {}
        }
        if let Some(path) = &self.html {
            let page = html::of_comparison(&comparison).map_err(Failure::unavailable)?;
            write("--html", path, &page)?;
        }
        if self.json {
            print_json(&json::document(&comparison))?;
        } else if !is_stdout {
            print_plain(&text(&comparison));
        }
        Ok(match comparison.verdict {
            compare::Verdict::Worse => Verdict::NotAsAsked,
            compare::Verdict::Better | compare::Verdict::NoDifferenceFound => Verdict::Fine,
        })
    }
}

/// A share, as `0.05` or `5%`, from 0 to 1.
fn share(text: &str) -> Result<f64, String> {
    number::share(text)
        .filter(|share| (0.0..=1.0).contains(share))
        .ok_or_else(|| "give a share of the base from 0 to 100 %, as in 5% or 0.05".into())
}
