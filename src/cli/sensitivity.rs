//! `voicesim simulate --sensitivity`: what the figures hang on.

use super::simulate::watched;
use super::{Failure, Verdict, print_json, print_plain};
use crate::experiment::Sensitivity;
use crate::report::sensitivity::text;
use crate::scenario::Scenario;

/// Moves every input, and prints what that does.
pub(super) fn run(
    scenario: Scenario,
    (worlds, threads): (Option<u32>, usize),
    (is_json, is_quiet): (bool, bool),
) -> Result<Verdict, Failure> {
    let kind = scenario.kind_of_world();
    let sensitivity = Sensitivity::of(scenario).worlds(worlds).threads(threads);
    sensitivity.check()?;
    let all = (sensitivity.worlds_in_all(), kind);
    let found = watched(all, is_quiet, |stop, progress| {
        sensitivity.run(stop, progress)
    })?;
    match is_json {
        true => print_json(&found)?,
        false => print_plain(&text(&found)),
    }
    Ok(Verdict::Fine)
}
