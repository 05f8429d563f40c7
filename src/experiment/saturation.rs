//! Loads that are more than their engines can ever do.
//!
//! Callers who come whether or not others have finished must not bring more than a pool can do: its queue
//! grows for ever, or until callers hang up, and all figures with it.

use crate::event::StageName;
use crate::measure::Totals;
use crate::run::RunError;
use crate::scenario::load::{A_DAY_S, Arrivals, Load, Traffic};
use crate::scenario::table_of;
use crate::sim::{Setting, Simulable};

/// How many calls tell the work of one call within two per cent.
const CALLS: f64 = 1_000.0;

/// A pool whose slots are busier than this may be asked for too much.
const SUSPECT: f64 = 0.85;

/// In a pool whose slots are busier than this callers wait, and then ask less.
const AT_EASE: f64 = 0.5;

/// A load that is above what a pool can do by this factor is too much beyond doubt.
const TOO_MUCH: f64 = 1.05;

/// Refuses a load that never drains. A trace ends, and a rate that falls may end below.
pub(super) fn refuse(simulable: &Simulable, totals: &Totals) -> Result<(), RunError> {
    let scenario = simulable.scenario();
    let (Some(asked), Some(load)) = (&scenario.load, &totals.load) else {
        return Ok(());
    };
    let Traffic::Arrivals(arrivals) = &asked.traffic else {
        return Ok(());
    };
    let rate = match arrivals {
        Arrivals::PerMinute(rate) => *rate,
        // A ramp stays at its last rate.
        Arrivals::Ramp { to_per_minute, .. } => *to_per_minute,
        Arrivals::Trace(_) => return Ok(()),
    };
    let pools = scenario.pools().by_stage();
    for (stage, _) in pools.filter(|(_, pool)| pool.queue.is_none()) {
        let figures = load.pools.get(&stage);
        let Some(figures) = figures.filter(|figures| figures.busy_share() > SUSPECT) else {
            continue;
        };
        if let Some(point) = point(simulable, asked, stage, rate).filter(|at| rate > at * TOO_MUCH)
        {
            return Err(RunError::Saturated(format!(
                "pool.{}: this load never drains: {rate} calls a minute are more than {} slots can do; it saturates at about {point:.1} calls a minute. Lower load.arrivals, give the pool more slots, or a queue to refuse what is too much",
                table_of(stage),
                figures.slots_max,
            )));
        }
    }
    Ok(())
}

/// At how many calls a minute a pool is asked for as much as it can do. This follows from the work of one call,
/// which shows at a rate at which nobody has to wait; `None` if there is no such rate.
fn point(simulable: &Simulable, asked: &Load, stage: StageName, rate: f64) -> Option<f64> {
    let mut rate = rate;
    for _ in 0..8 {
        rate /= 4.0;
        let easy = simulable.with_load(Load {
            traffic: Traffic::Arrivals(Arrivals::PerMinute(rate)),
            warm_up_s: asked.warm_up_s,
            duration_s: (asked.warm_up_s + CALLS * 60.0 / rate).min(A_DAY_S),
        });
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
