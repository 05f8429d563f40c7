//! `voicesim models`: the files that engines need.

use super::{Failure, Verdict, print};
use crate::models::{self, Bar, ModelError, ModelState, Progress, Silent, Status};
use clap::{Args, Subcommand};
use std::fmt::Write;

#[derive(Debug, Args)]
pub(super) struct Models {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the models: which there are, which are installed, and under which licence
    List,
    /// Fetch the named models, or all of them
    Install { names: Vec<String> },
    /// Compare installed files with the sha256 in the catalogue
    Verify,
}

impl Models {
    pub(super) fn run(self, is_quiet: bool) -> Result<Verdict, Failure> {
        match self.command.unwrap_or(Command::List) {
            Command::List => list(),
            Command::Install { names } => install(&names, is_quiet),
            Command::Verify => verify(),
        }
    }
}

fn failure(error: ModelError) -> Failure {
    match error {
        ModelError::Unknown { .. } | ModelError::NotAModel { .. } => Failure::input(error),
        other => Failure::unavailable(other),
    }
}

fn install(names: &[String], is_quiet: bool) -> Result<Verdict, Failure> {
    let (mut bar, mut silent) = (Bar::default(), Silent);
    let progress: &mut dyn Progress = if is_quiet { &mut silent } else { &mut bar };
    for model in models::install(names, progress).map_err(failure)? {
        let origin = match &model.source {
            Some(source) => format!("from {source}"),
            None => "was there already".to_owned(),
        };
        print(&format!("{} {origin}\n", model.name));
    }
    Ok(Verdict::Fine)
}

fn list() -> Result<Verdict, Failure> {
    let mut text = String::new();
    for status in models::list().map_err(failure)? {
        let model = status.model;
        let _ = writeln!(
            text,
            "{} ({:.0} MB), {}{}\n  licence: {}\n  {}\n",
            model.name,
            model.bytes() as f64 / 1e6,
            state(&status),
            if model.by_name { ", by name only" } else { "" },
            model.licence,
            model.about.trim().replace('\n', "\n  ")
        );
    }
    print(&text);
    Ok(Verdict::Fine)
}

fn verify() -> Result<Verdict, Failure> {
    let statuses = models::verify().map_err(failure)?;
    for status in &statuses {
        print(&format!("{}: {}\n", status.model.name, state(status)));
    }
    let broken: Vec<&str> = statuses
        .iter()
        .filter(|status| match status.state {
            ModelState::Installed(_) => false,
            // Nobody misses what is installed only by its name.
            ModelState::Missing => !status.model.by_name,
            ModelState::Damaged(_) | ModelState::Unreadable(_) => true,
        })
        .map(|status| status.model.name.as_str())
        .collect();
    if broken.is_empty() {
        return Ok(Verdict::Fine);
    }
    Err(Failure::Unavailable(format!(
        "not everything is there; run: voicesim models install {}",
        broken.join(" ")
    )))
}

fn state(status: &Status) -> String {
    match &status.state {
        ModelState::Installed(_) => "installed".to_owned(),
        ModelState::Missing => "not installed".to_owned(),
        ModelState::Damaged(error) | ModelState::Unreadable(error) => format!("damaged: {error}"),
    }
}
