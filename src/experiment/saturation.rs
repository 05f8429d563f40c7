//! Loads that are more than their engines can ever do.
//!
//! Callers who come whether or not others have finished must not bring more than a pool can do: its queue
//! grows for ever, or until callers hang up, and all figures with it. A fixed number of calls at a time cannot grow
//! a queue for ever, but past a number every further call only waits: nobody means such a load either.

use crate::event::StageName;
use crate::measure::Totals;
use crate::run::RunError;
use crate::scenario::load::{A_DAY_S, Arrivals, Load, Traffic};
use crate::scenario::pool::Pool;
use crate::scenario::table_of;
use crate::sim::{Setting, Simulable};

/// How many calls tell the work of one call within two per cent.
const CALLS: f64 = 1_000.0;

/// Minutes of calls at a time that tell the same.
const MINUTES: f64 = 60.0;

/// Fewer calls of a trace than this do not make a rate.
const CALLS_OF_A_RATE: usize = 100;

/// A pool whose slots are busier than this may be asked for too much.
const SUSPECT: f64 = 0.85;

/// In a pool whose slots are busier than this callers wait, and then ask less.
const AT_EASE: f64 = 0.5;

/// A load that is above what a pool can do by this factor is too much beyond doubt.
const TOO_MUCH: f64 = 1.05;

/// How much calls bring.
#[derive(Debug, Clone, Copy)]
enum Brought {
    /// Calls that begin in a minute.
    PerMinute(f64),
    /// Calls at a time.
    AtATime(f64),
}

impl Brought {
    fn of(load: &Load) -> Option<Brought> {
        Some(match &load.traffic {
            Traffic::AtATime(calls) => Brought::AtATime(f64::from(*calls)),
            Traffic::Arrivals(Arrivals::PerMinute(rate)) => Brought::PerMinute(*rate),
            // A ramp stays at its last rate.
            Traffic::Arrivals(Arrivals::Ramp { to_per_minute, .. }) => {
                Brought::PerMinute(*to_per_minute)
            }
            Traffic::Arrivals(Arrivals::Trace(at)) => {
                let (first, last) = (at.first()?, at.last()?);
                let minutes = (last - first) / 60.0;
                // A few calls at once are a crowd, and no rate.
                if at.len() < CALLS_OF_A_RATE || minutes <= 0.0 {
                    return None;
                }
                Brought::PerMinute((at.len() - 1) as f64 / minutes)
            }
        })
    }

    fn number(self) -> f64 {
        match self {
            Brought::PerMinute(number) | Brought::AtATime(number) => number,
        }
    }

    fn unit(self) -> &'static str {
        match self {
            Brought::PerMinute(_) => "calls a minute",
            Brought::AtATime(_) => "calls at a time",
        }
    }

    /// A load of the same kind that brings a fourth of `number`.
    fn easier(self, number: f64) -> (f64, Traffic) {
        match self {
            Brought::PerMinute(_) => {
                let rate = number / 4.0;
                (rate, Traffic::Arrivals(Arrivals::PerMinute(rate)))
            }
            Brought::AtATime(_) => {
                let calls = libm::ceil(number / 4.0).max(1.0);
                // It is a small whole number.
                (calls, Traffic::AtATime(calls as u32))
            }
        }
    }
}

/// Refuses a load that never drains.
pub(super) fn refuse(simulable: &Simulable, totals: &Totals) -> Result<(), RunError> {
    let scenario = simulable.scenario();
    let (Some(asked), Some(load)) = (&scenario.load, &totals.load) else {
        return Ok(());
    };
    let pools = scenario.pools().by_stage();
    let brought = Brought::of(asked);
    let can_be_full = |pool: &Pool| match brought {
        // Calls at a time fill batches, and have servers added: how many are too many, no single call tells.
        Some(Brought::AtATime(_)) => pool.batch == 1 && pool.scale.is_none(),
        _ => true,
    };
    let unbounded = pools.filter(|(_, pool)| pool.queue.is_none() && can_be_full(pool));
    for (stage, _) in unbounded {
        let figures = load.pools.get(&stage);
        let Some(figures) = figures.filter(|figures| figures.busy_share() > SUSPECT) else {
            continue;
        };
        let Some(brought) = brought else { continue };
        let point = point(simulable, asked, stage, brought);
        if let Some(point) = point.filter(|at| brought.number() > at * TOO_MUCH) {
            let (number, unit) = (brought.number(), brought.unit());
            return Err(RunError::Saturated(format!(
                "pool.{}: this load never drains: {} {unit} are more than {} slots can do; it saturates at about {point:.1} {unit}. Lower {}, give the pool more slots, or a queue to refuse what is too much",
                table_of(stage),
                shown(number),
                figures.slots_max,
                match brought {
                    Brought::PerMinute(_) => "load.arrivals",
                    Brought::AtATime(_) => "load.calls",
                },
            )));
        }
    }
    Ok(())
}

/// Refuses a load of which no call was measured, once all of it was simulated.
pub(super) fn refuse_empty(simulable: &Simulable, totals: &Totals) -> Result<(), RunError> {
    let (Some(asked), Some(load)) = (&simulable.scenario().load, &totals.load) else {
        return Ok(());
    };
    if load.calls == 0 {
        return Err(RunError::Input(format!(
            "load: no call began between load.warm_up_s = {} and load.duration_s = {}, so there is nothing to measure; make load.duration_s longer, or load.warm_up_s shorter, so that the calls of the warm-up end and others follow",
            asked.warm_up_s, asked.duration_s
        )));
    }
    Ok(())
}

/// A number without the noise of its last digits.
fn shown(number: f64) -> String {
    let text = format!("{number:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

/// How much a pool can do, in calls of the kind that are brought. This follows from the work of one call, which
/// shows where nobody has to wait; `None` if it never does.
fn point(simulable: &Simulable, asked: &Load, stage: StageName, brought: Brought) -> Option<f64> {
    let mut number = brought.number();
    for _ in 0..8 {
        let (fewer, traffic) = brought.easier(number);
        if fewer >= number {
            return None;
        }
        number = fewer;
        let minutes = match brought {
            Brought::PerMinute(rate) => CALLS / rate.min(number),
            Brought::AtATime(_) => MINUTES,
        };
        let easy = simulable.with_load(Load {
            traffic,
            warm_up_s: asked.warm_up_s,
            duration_s: (asked.warm_up_s + minutes * 60.0).min(A_DAY_S),
        });
        let mut forgotten = |_, events| events;
        let held = Setting::new(&easy).hold_load(0, &mut forgotten);
        let figures = held.ok().flatten()?;
        let pool = figures.pools.get(&stage)?;
        if pool.busy_share() < AT_EASE && pool.requests > 0 {
            let share = figures.asked_share(pool);
            return Some(match brought {
                Brought::PerMinute(_) => figures.calls_per_minute() / share,
                Brought::AtATime(_) => figures.calls_mean() / share,
            });
        }
    }
    None
}
