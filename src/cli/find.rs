//! `voicesim simulate --find KEY --until METRIC=VALUE`: the least or the greatest value of a key that keeps a
//! limit.

use super::signals::stop_at_signals;
use super::{Failure, Verdict, print_json, print_plain};
use crate::experiment::{Find, Goal, Wanted};
use crate::report::find::{Step, text};
use clap::Args;

#[derive(Debug, Args)]
#[command(next_help_heading = "Search for a value")]
pub(super) struct Search {
    /// Find the least or the greatest value of this key that keeps the limit of --until, whichever there is
    #[arg(long, value_name = "KEY", requires = "until", conflicts_with_all = ["until_ci", "out", "events", "shard"])]
    pub(super) find: Option<String>,
    /// Limit that --find keeps, named like a budget, as in e2e_latency_p95_ms=900
    #[arg(long, value_name = "METRIC=VALUE", requires = "find")]
    pub(super) until: Option<Goal>,
    /// Look for the least value, where --find would not see which is meant
    #[arg(long, requires = "find", conflicts_with = "greatest")]
    pub(super) least: bool,
    /// Look for the greatest value, where --find would not see which is meant
    #[arg(long, requires = "find")]
    pub(super) greatest: bool,
}

impl Search {
    pub(super) fn wanted(&self) -> Option<Wanted> {
        match (self.least, self.greatest) {
            (true, _) => Some(Wanted::Least),
            (_, true) => Some(Wanted::Greatest),
            _ => None,
        }
    }
}

/// Searches, and prints what was found.
pub(super) fn run(find: Find, is_json: bool) -> Result<Verdict, Failure> {
    find.check()?;
    let stop = stop_at_signals();
    let found = find.run(&stop, &|_, _| {}, |step| tracing::info!("{}", told(step)))?;
    if is_json {
        print_json(&found)?;
    } else {
        print_plain(&text(&found));
    }
    Ok(match found.found {
        Some(_) => Verdict::Fine,
        None => Verdict::NotAsAsked,
    })
}

/// A line about a step of the search, for people who wait.
fn told(step: &Step) -> String {
    let verdict = if step.kept { "kept" } else { "missed" };
    match (step.actual, step.over) {
        (Some(actual), _) => format!("{}: {actual:.3}, {verdict}", step.value),
        (None, Some(over)) => format!("{}: over {over:.1}, {verdict}", step.value),
        (None, None) => format!("{}: nothing measured, {verdict}", step.value),
    }
}
