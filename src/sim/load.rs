//! A world of many calls at once: they come, share engines, and go.

use super::setting::Setting;
use super::world::World;
use crate::event::{Event, Tick, nanos};
use crate::measure::{LoadFigures, PoolFigures};
use crate::rng::Source;
use crate::scenario::Scenario;
use crate::scenario::load::{Arrivals, CALLS_AT_ONCE_MAX, CALLS_MAX, Load, Traffic};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use std::io;
use std::ops::Range;
use std::time::Duration;

/// Is told the number of a conversation that was measured, when it began, and what happened in it; gives back room
/// for the events of the next one.
pub(super) type Fold<'a> = dyn FnMut((u32, Tick), Vec<Event>) -> Vec<Event> + 'a;

/// Holds the calls of world `number`, and hands on those that are measured in the order in which they end.
///
/// # Errors
/// If more calls come than a world has room for: of kind `QuotaExceeded` at once, of kind `InvalidInput` in
/// all.
pub(super) fn hold(
    setting: &Setting,
    load: &Load,
    number: u32,
    fold: &mut Fold<'_>,
) -> io::Result<LoadFigures> {
    let tick = |seconds: f64| Tick::ZERO + Duration::from_secs_f64(seconds);
    let window = tick(load.warm_up_s)..tick(load.duration_s);
    let world = World::new(setting.scenario(), &window);
    let mut calls = Calls {
        setting,
        world: &world,
        numbers: number * CALLS_MAX..(number + 1).saturating_mul(CALLS_MAX),
        follow: matches!(load.traffic, Traffic::AtATime(_)),
        crowd: Crowd::new(window),
        spare: Vec::new(),
    };
    let coming = Coming::new(setting.scenario(), load, number);
    world.run(calls.hold(coming, fold))??;
    let Crowd { mut figures, .. } = calls.crowd;
    let pools = world.pools.asked();
    figures.pools = pools
        .map(|(stage, asked)| {
            (
                stage,
                PoolFigures {
                    requests: asked.requests,
                    refused_full: asked.refused_full,
                    refused_rate: asked.refused_rate,
                    waiting_max: asked.waiting_max,
                    work_us: asked.work_us,
                    busy_us: asked.busy_us,
                    slots_us: asked.slots_us,
                    slots_max: asked.slots_max,
                },
            )
        })
        .collect();
    Ok(figures)
}

struct Calls<'a> {
    setting: &'a Setting,
    world: &'a World,
    /// Numbers of the conversations that are to come.
    numbers: Range<u32>,
    /// Whether a call that ends is followed by another one.
    follow: bool,
    crowd: Crowd,
    /// Room for events.
    spare: Vec<Vec<Event>>,
}

/// A call that is over: its number, when it began, whether it is measured, and what happened.
type Over = ((u32, Tick), bool, Vec<Event>);

impl Calls<'_> {
    async fn hold(&mut self, mut coming: Coming, fold: &mut Fold<'_>) -> io::Result<()> {
        let mut open = FuturesUnordered::new();
        // Calls that are measured and not over.
        let mut measured = 0_u32;
        let mut next = coming.next();
        let end = self.crowd.window.end;
        loop {
            let nobody_else =
                next.is_none_or(|at| at >= end) && (!self.follow || self.crowd.open == 0);
            let is_late = self.world.clock.now() >= end;
            if measured == 0 && (is_late || nobody_else && open.is_empty()) {
                return Ok(());
            }
            let over: Option<Over> = tokio::select! {
                biased;
                () = self.world.clock.sleep_until(next.unwrap_or_default()), if next.is_some() => None,
                over = open.next(), if !open.is_empty() => over,
                else => return Ok(()),
            };
            let begins = match over {
                None => {
                    next = coming.next();
                    true
                }
                Some((call, was_measured, events)) => {
                    self.crowd.change(self.world.clock.now(), -1);
                    if was_measured {
                        measured -= 1;
                        self.spare.push(fold(call, events));
                    } else {
                        self.spare.push(events);
                    }
                    self.follow
                }
            };
            if begins {
                let number = self.next_number()?;
                let now = self.world.clock.now();
                self.crowd.change(now, 1);
                let is_measured = self.crowd.begun(now);
                measured += u32::from(is_measured);
                let (setting, world) = (self.setting, self.world);
                let room = self.spare.pop().unwrap_or_default();
                open.push(async move {
                    let events = setting.converse(world, number, room).await;
                    ((number, now), is_measured, events)
                });
            }
        }
    }

    fn next_number(&mut self) -> io::Result<u32> {
        let too_many = |kind, what: String| Err(io::Error::new(kind, what));
        if self.crowd.open >= CALLS_AT_ONCE_MAX {
            return too_many(
                io::ErrorKind::QuotaExceeded,
                format!(
                    "load: more than {CALLS_AT_ONCE_MAX} calls at once, more than a world has room for, and still they come; lower load.arrivals, or give its pools more slots if it does not drain"
                ),
            );
        }
        match self.numbers.next() {
            Some(number) => Ok(number),
            None => too_many(
                io::ErrorKind::InvalidInput,
                format!(
                    "load: more than {CALLS_MAX} calls in one world; make load.duration_s shorter and simulate more worlds"
                ),
            ),
        }
    }
}

/// Calls that are open, and their figures within the time that is measured.
struct Crowd {
    window: Range<Tick>,
    open: u32,
    since: Tick,
    call_ns: u128,
    figures: LoadFigures,
}

impl Crowd {
    fn new(window: Range<Tick>) -> Crowd {
        Crowd {
            figures: LoadFigures {
                worlds: 1,
                window_us: nanos(window.end.since(window.start)) / 1_000,
                ..LoadFigures::default()
            },
            window,
            open: 0,
            since: Tick::ZERO,
            call_ns: 0,
        }
    }

    fn change(&mut self, now: Tick, by: i32) {
        let (from, to) = (self.since.max(self.window.start), now.min(self.window.end));
        self.call_ns += to.since(from).as_nanos() * u128::from(self.open);
        // Calls that are open within the measured time count, whenever they began.
        if !to.since(from).is_zero() {
            self.figures.calls_max = self.figures.calls_max.max(u64::from(self.open));
        }
        self.since = now;
        self.open = self.open.saturating_add_signed(by);
        self.figures.call_us = u64::try_from(self.call_ns / 1_000).unwrap_or(u64::MAX);
    }

    /// A call begins; returns whether it is measured.
    fn begun(&mut self, now: Tick) -> bool {
        let is_measured = self.window.contains(&now);
        self.figures.calls += u64::from(is_measured);
        is_measured
    }
}

/// When new callers come, who do not follow a call that ended.
struct Coming {
    how: How,
    source: Source,
    world: u32,
    count: u32,
    /// When the latest of them came, in seconds.
    at_s: f64,
}

enum How {
    At(std::vec::IntoIter<f64>),
    /// Calls a second: from the first rate to the second within the third number of seconds.
    Rate(f64, f64, f64),
}

impl Coming {
    fn new(scenario: &Scenario, load: &Load, world: u32) -> Coming {
        let source = scenario.seed().source("load", "arrival");
        let uniform = |n: u32| source.draw(world.into(), n).uniform();
        let how = match &load.traffic {
            Traffic::AtATime(calls) => {
                let mut at: Vec<f64> = (0..*calls).map(|n| uniform(n) * load.warm_up_s).collect();
                at.sort_by(f64::total_cmp);
                How::At(at.into_iter())
            }
            Traffic::Arrivals(Arrivals::PerMinute(rate)) => {
                How::Rate(rate / 60.0, rate / 60.0, 1.0)
            }
            Traffic::Arrivals(Arrivals::Ramp {
                from_per_minute,
                to_per_minute,
            }) => How::Rate(
                from_per_minute / 60.0,
                to_per_minute / 60.0,
                load.duration_s,
            ),
            Traffic::Arrivals(Arrivals::Trace(at)) => How::At(at.clone().into_iter()),
        };
        Coming {
            how,
            source,
            world,
            count: 0,
            at_s: 0.0,
        }
    }

    fn next(&mut self) -> Option<Tick> {
        let at_s = match &mut self.how {
            How::At(times) => times.next()?,
            How::Rate(from, to, over) => {
                let mut draw = self.source.draw(self.world.into(), self.count);
                let needed = -libm::log(draw.uniform());
                after(self.at_s, needed, (*from, *to, *over))?
            }
        };
        self.count += 1;
        self.at_s = at_s;
        // Nobody comes on the last days of a century.
        let span = Duration::try_from_secs_f64(at_s).ok()?;
        Some(Tick::ZERO + span)
    }
}

/// When a process whose rate goes from `from` to `to` within `over` seconds, and stays there, has brought
/// `needed` more than at `at_s`: the inverse of its integral (Lewis and Shedler 1979). `None` for never.
fn after(at_s: f64, needed: f64, (from, to, over): (f64, f64, f64)) -> Option<f64> {
    let slope = (to - from) / over;
    let until = |at: f64| from * at + slope * at * at / 2.0;
    let whole = until(over);
    let before = if at_s < over {
        until(at_s)
    } else {
        whole + to * (at_s - over)
    };
    let brought = before + needed;
    if brought <= whole {
        let at = match slope == 0.0 {
            true => brought / from,
            // The root that lies on the way up the integral.
            false => {
                let root = libm::sqrt((from * from + 2.0 * slope * brought).max(0.0));
                2.0 * brought / (from + root)
            }
        };
        Some(at.max(at_s))
    } else {
        (to > 0.0).then(|| over + (brought - whole) / to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_steady_process_brings_its_rate() {
        assert_eq!(after(10.0, 3.0, (0.5, 0.5, 1.0)), Some(16.0));
        assert_eq!(after(0.0, 0.25, (0.5, 0.5, 1.0)), Some(0.5));
    }

    #[test]
    fn a_process_that_ends_brings_nobody_more() {
        assert_eq!(after(0.0, 5.1, (1.0, 0.0, 10.0)), None);
        let last = after(0.0, 5.0, (1.0, 0.0, 10.0)).expect("the last one");
        assert!((last - 10.0).abs() < 1e-6, "{last}");
    }

    proptest! {
        #[test]
        fn between_two_arrivals_lies_what_was_needed(
            from in 0.0..5.0f64, to in 0.01..5.0f64, over in 1.0..100.0f64, at in 0.0..150.0f64, needed in 0.001..20.0f64,
        ) {
            let slope = (to - from) / over;
            let until = |at: f64| {
                let ramp = at.min(over);
                from * ramp + slope * ramp * ramp / 2.0 + to * (at - over).max(0.0)
            };
            let next = after(at, needed, (from, to, over)).expect("it goes on");
            prop_assert!(next >= at);
            prop_assert!((until(next) - until(at) - needed).abs() < 1e-6);
        }
    }
}
