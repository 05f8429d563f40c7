//! How far the machine has moved since a profile was fitted, by a calibrator around each run.

use super::statistics::{figure, sorted};
use super::target::name_of;
use crate::fit::{Beside, Calibrator};
use crate::measure::folder::Results;
use crate::report::validate::{Drift, LeftOut, MOVED_MAX_PERCENT};
use crate::run::RunError;
use crate::scenario::Scenario;
use std::collections::BTreeMap;

/// The runs that lay between two runs of the calibrator which took as long, and how far the machine had moved there.
///
/// # Errors
/// A profile that was fitted without a calibrator, or no run that is left.
pub(super) fn drift<'a>(
    runs: &'a [Results],
    predicted: &Scenario,
    calibrator: &Calibrator,
) -> Result<(Vec<&'a Results>, Drift), RunError> {
    let reference = predicted.profile().map(|profile| &profile.calibrator);
    let reference = reference.filter(|jobs| !jobs.is_empty()).ok_or_else(|| {
        RunError::Input(
            "--calibrator: the profile was fitted without one; fit it again with the same flag"
                .into(),
        )
    })?;
    let (mut kept, mut left_out) = (Vec::new(), Vec::new());
    let mut ratios: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for run in runs {
        let beside = calibrator.beside(&run.header().started);
        match why_not(beside.as_ref()) {
            Some(why) => left_out.push(LeftOut {
                run: name_of(run.path()),
                why,
            }),
            None => {
                for (table, ratio) in beside.map(|it| it.ratios(reference)).unwrap_or_default() {
                    ratios.entry(table).or_default().push(ratio);
                }
                kept.push(run);
            }
        }
    }
    if kept.is_empty() {
        let first = left_out
            .first()
            .map(|one| format!("{}: {}", one.run, one.why));
        return Err(RunError::Input(format!(
            "--calibrator: no run lay between two runs of it that took as long ({}); run again on a quiet machine",
            first.unwrap_or_else(|| "there is none".to_owned())
        )));
    }
    let middle = |ratios: Vec<f64>| figure(&sorted(ratios.into_iter()), Some(0.5));
    let ratios = ratios.into_iter().map(|(table, all)| (table, middle(all)));
    Ok((
        kept,
        Drift {
            ratios: ratios.collect(),
            left_out,
        },
    ))
}

/// Why nothing can be said of a run.
fn why_not(beside: Option<&Beside>) -> Option<String> {
    let Some(beside) = beside else {
        return Some("no calibrator before and after it".to_owned());
    };
    let moved = beside.moved_percent();
    if moved.is_empty() {
        return Some("the calibrator beside it was disturbed".to_owned());
    }
    let far = |(_, percent): &(&String, &f64)| percent.abs() > MOVED_MAX_PERCENT;
    let (table, percent) = moved.iter().find(far)?;
    Some(format!(
        "{table} of the calibrator moved by {percent:+.0} % within it"
    ))
}
