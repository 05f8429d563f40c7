//! Holds what a profile predicts against runs: the same settings are simulated, and every distribution is compared.

mod drift;
mod naive;
mod predict;
mod statistics;
mod structure;
mod target;

use crate::fit::{Calibrator, DisturbedJobs, Fit};
use crate::measure::folder::Results;
use crate::report::validate::{Drawn, Predicted, SCHEMA, UNANSWERED_MAX, Validation, Verdict};
use crate::run::{RunError, input};
use crate::scenario::Scenario;
use drift::drift;
use naive::naive;
use predict::{own_profile, simulated, slowed, work_outside};
use statistics::{STATISTICS, bound, error_interval, figure, interval, place, quantiles, sorted};
use std::collections::BTreeMap;
use structure::structure;
use target::Target;

/// With fewer answered turns nothing is compared.
const TURNS_MIN: usize = 20;

/// Where others disturbed a greater share of the engines' jobs, the runs say more of them than of the engines.
const DISTURBED_MAX: f64 = 0.1;

/// Hops with a shorter median, measured and predicted, are not shown.
const SHOWN_MS: f64 = 1.0;

/// The whole, and what of it lies behind the wait for the endpoint.
const WHOLE: &str = "e2e_latency";
const NET: &str = "e2e - endpointing_wait";

/// Milliseconds by name, in lists of those that go together.
type Times = BTreeMap<String, Vec<Vec<f64>>>;

/// Holds a profile, named so, against runs; with a calibrator around these, how far the machine has moved since the fit
/// is taken out of the prediction.
///
/// # Errors
/// Runs that differ in their settings, have too few answered turns, or cannot be read; a calibrator that lies around none
/// of them, or that the profile was fitted without.
pub fn validate(
    (name, predicted): (&str, &Scenario),
    runs: &[Results],
    calibrator: Option<&Calibrator>,
    threads: usize,
) -> Result<Validation, RunError> {
    let (runs, drift) = match calibrator {
        Some(calibrator) => {
            let (kept, drift) = drift(runs, predicted, calibrator)?;
            (kept, Some(drift))
        }
        None => (runs.iter().collect(), None),
    };
    let target = Target::of(&runs)?;
    let asked = target.asked_of(predicted)?;
    let fit = Fit::of(target.gathered, DisturbedJobs::Mixed).map_err(input)?;
    let (disturbed_share, unanswered) = (fit.disturbed_share(), fit.unanswered());
    let unanswered_share = unanswered as f64 / (target.turns as f64 + unanswered as f64);
    let own = own_profile(&fit, &asked)?;
    let (times, predicted_unanswered_share) = simulated(&asked, threads)?;
    let (own_times, _) = simulated(&own, threads)?;
    let structure = structure(&runs)?;
    let steady = match &drift {
        Some(drift) => Some(simulated(&slowed(&asked, &drift.ratios)?, threads)?.0),
        None => None,
    };
    let naive = naive(&asked, &fit);
    let (mut figures, mut drawn) = (Vec::new(), Vec::new());
    let flat = |times: &Vec<Vec<f64>>| sorted(times.iter().flatten().copied());
    for (what, measured) in &target.times {
        let Some(predicted) = times.get(what) else {
            continue;
        };
        let known = own_times.get(what).map(flat);
        let steady = steady.as_ref().and_then(|times| times.get(what)).map(flat);
        let (all, predicted) = (flat(measured), flat(predicted));
        let is_short = |of: &[f64]| of.get(of.len() / 2).is_none_or(|ms| *ms < SHOWN_MS);
        let is_headline = what == WHOLE || what == NET;
        if !is_headline && is_short(&all) && is_short(&predicted) {
            continue;
        }
        drawn.push(Drawn {
            name: what.clone(),
            measured: quantiles(&all),
            predicted: quantiles(steady.as_ref().unwrap_or(&predicted)),
        });
        for (statistic, share) in STATISTICS {
            if share == Some(0.99) && all.len() < 100 {
                continue;
            }
            let measured_ms = figure(&all, share);
            let predicted_ms = figure(&predicted, share);
            let without_drift_ms = steady.as_ref().map(|steady| figure(steady, share));
            // What is judged: the profile, and not the machine.
            let judged_ms = without_drift_ms.unwrap_or(predicted_ms);
            let interval = interval(measured, share, what);
            let bound_ms = bound(what, statistic, measured_ms);
            let off = (judged_ms - measured_ms).abs();
            let half = 0.5 * (interval.high - interval.low);
            let percent = |ms: f64| {
                (measured_ms >= SHOWN_MS).then(|| 100.0 * (ms - measured_ms) / measured_ms)
            };
            figures.push(Predicted {
                name: what.clone(),
                statistic,
                measured_ms,
                predicted_ms,
                error_percent: percent(predicted_ms),
                without_drift_ms,
                without_drift_error_percent: without_drift_ms.and_then(percent),
                error_interval_percent: error_interval(judged_ms, &interval),
                structure_ms: known.as_ref().map(|known| figure(known, share)),
                naive_ms: naive.get(&(what.as_str(), statistic)).copied(),
                bound_ms,
                is_within_bound: bound_ms.map(|bound| off <= bound),
                is_within_chance: (interval.low..=interval.high).contains(&judged_ms),
                turns_to_decide: bound_ms
                    .filter(|bound| *bound > 0.0)
                    .map(|bound| (all.len() as f64 * (half / bound).powi(2)).ceil() as u64),
                interval,
            });
        }
    }
    figures.sort_by_key(|one| place(&one.name));
    drawn.sort_by_key(|one| place(&one.name));
    let mut outside = asked.outside_of_profile();
    outside.extend(
        predicted
            .profile()
            .into_iter()
            .flat_map(|profile| work_outside(profile, &fit)),
    );
    let undecided = if disturbed_share > DISTURBED_MAX {
        Some(format!(
            "{:.0} % of the engines' jobs were disturbed by other programs, and over {:.0} % say nothing of the engines; run again on a quiet machine",
            100.0 * disturbed_share,
            100.0 * DISTURBED_MAX
        ))
    } else if unanswered_share > UNANSWERED_MAX {
        Some(format!(
            "{:.0} % of the turns of these runs were not answered, and over {:.0} % leave no p95 to predict; `voicesim report` tells why they were not",
            100.0 * unanswered_share,
            100.0 * UNANSWERED_MAX
        ))
    } else {
        outside
            .first()
            .map(|what| format!("the runs lie outside of what the profile has seen: {what}"))
    };
    let is_missed = |one: &Predicted| one.is_within_bound == Some(false) && !one.is_within_chance;
    let is_missed = figures.iter().any(is_missed) || predicted_unanswered_share > UNANSWERED_MAX;
    let verdict = match (&undecided, is_missed) {
        (Some(_), _) => Verdict::Undecided,
        (None, true) => Verdict::Missed,
        (None, false) => Verdict::Holds,
    };
    Ok(Validation {
        schema: SCHEMA,
        profile: name.to_owned(),
        runs: target.names,
        turns: target.turns,
        conversations: target.conversations,
        unanswered,
        predicted_unanswered_share,
        doubtful: target.doubtful,
        by_conversation: target.by_conversation,
        settings: target.settings,
        drift,
        structure,
        disturbed_share,
        figures,
        drawn,
        outside,
        undecided,
        verdict,
    })
}
