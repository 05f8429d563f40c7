//! Loads that are more than their engines can ever do.
//!
//! Callers who come whether or not others have finished must not bring more than a pool can do: its queue
//! grows for ever, or until callers hang up, and all figures with it.

use super::RunError;
use crate::event::StageName;
use crate::measure::Totals;
use crate::scenario::Scenario;
use crate::scenario::traffic::{A_DAY_S, Arrivals};
use crate::sim::setting::Setting;

/// Calls of which the work of one is known within two per cent.
const CALLS: f64 = 1_000.0;

/// A pool whose slots are busier than this may be asked for too much.
const SUSPECT: f64 = 0.85;

/// In one that is busier than this callers wait, who then ask less.
const AT_EASE: f64 = 0.5;

/// Beyond doubt it is more than a pool can do if it is by so much.
const TOO_MUCH: f64 = 1.05;

/// Refuses a load that never drains. A trace ends, and a rate that falls may end below.
pub(super) fn refuse(scenario: &Scenario, totals: &Totals) -> Result<(), RunError> {
    let arrivals = scenario
        .load
        .as_ref()
        .and_then(|load| load.arrivals.as_ref());
    let (Some(arrivals), Some(load)) = (arrivals, &totals.load) else {
        return Ok(());
    };
    let rate = match arrivals {
        Arrivals::PerMinute(rate) => *rate,
        // It stays at that.
        Arrivals::Ramp { to_per_minute, .. } => *to_per_minute,
        Arrivals::Trace(_) => return Ok(()),
    };
    for (table, _) in scenario
        .pool
        .named()
        .filter(|(_, pool)| pool.queue.is_none())
    {
        let mut all = load.pools.iter();
        let of_table = all.find(|(stage, _)| table_of(**stage) == table);
        let suspect = of_table.filter(|(_, figures)| figures.busy_share() > SUSPECT);
        let Some((stage, figures)) = suspect else {
            continue;
        };
        if let Some(point) = point(scenario, *stage, rate).filter(|at| rate > at * TOO_MUCH) {
            return Err(RunError::Saturated(format!(
                "pool.{table}: this load never drains: {rate} calls a minute are more than {} slots can do; it saturates at about {point:.1} calls a minute. Lower load.arrivals, give the pool more slots, or a queue to refuse what is too much",
                figures.slots_max,
            )));
        }
    }
    Ok(())
}

/// At how many calls a minute a pool is asked for as much as it can do: so many times the work of one call,
/// which is seen where nobody has to wait. `None` if there is no such place.
fn point(scenario: &Scenario, stage: StageName, rate: f64) -> Option<f64> {
    let mut easy = scenario.clone();
    let mut rate = rate;
    for _ in 0..8 {
        rate /= 4.0;
        let load = easy.load.as_mut()?;
        load.arrivals = Some(Arrivals::PerMinute(rate));
        load.duration_s = (load.warm_up_s + CALLS * 60.0 / rate).min(A_DAY_S);
        let mut forgotten = |_, events| events;
        let held = Setting::new(&easy).hold_load(0, &mut forgotten);
        let figures = held.ok().flatten()?;
        let pool = figures.pools.get(&stage)?;
        if pool.busy_share() < AT_EASE && pool.requests > 0 {
            return Some(figures.calls_per_minute() / figures.asked_share(pool));
        }
    }
    None
}

/// The table of a stage in a scenario.
fn table_of(stage: StageName) -> &'static str {
    match stage {
        StageName::SpeechToText => "stt",
        StageName::Answer => "answer",
        StageName::Clauses => "clauses",
        StageName::TextToSpeech => "tts",
        StageName::SpeechToSpeech => "speech_to_speech",
    }
}
