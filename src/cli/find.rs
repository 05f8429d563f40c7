//! `voicesim simulate --find KEY --until METRIC=VALUE`: the greatest value of a key that keeps a limit.

use super::simulate::stop_at_ctrl_c;
use super::{Failure, Verdict, print_json, print_plain};
use crate::experiment::{Find, Goal};
use crate::report::find::{Step, text};
use clap::Args;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

#[derive(Debug, Args)]
pub(super) struct Search {
    /// Find the greatest value of this key that keeps the limit of --until
    #[arg(long, value_name = "KEY", requires = "until", conflicts_with_all = ["until_ci", "out", "events", "shard"])]
    pub(super) find: Option<String>,
    /// Limit that --find keeps, named like a budget, as in e2e_latency_p95_ms=900
    #[arg(long, value_name = "METRIC=VALUE", requires = "find")]
    pub(super) until: Option<Goal>,
}

/// Searches, and prints what was found.
pub(super) fn run(find: Find, is_json: bool) -> Result<Verdict, Failure> {
    find.check()?;
    let stop = Arc::new(AtomicBool::new(false));
    stop_at_ctrl_c(stop.clone());
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
    match step.actual {
        Some(actual) => format!("{}: {actual:.3}, {verdict}", step.value),
        None => format!("{}: nothing measured, {verdict}", step.value),
    }
}
