//! Many calls at once: how they come. Only in simulations.

use super::problem::{Problem, Table};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::ops::Range;
use std::path::PathBuf;

/// `[load]` as it is written. Exactly one of `calls` and `arrivals` is given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LoadTable {
    /// Calls at a time, 1 to 5,000: each that ends is followed by another at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calls: Option<u32>,
    /// When callers come, whether or not others have finished.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arrivals: Option<ArrivalsTable>,
    /// Seconds of warm-up, 0 to 86,400. Calls that begin in the warm-up are not measured, since engines are
    /// still idle. The calls of `calls` begin spread over it.
    pub warm_up_s: f64,
    /// Seconds from the beginning of the warm-up, 1 to 86,400, within which calls that begin after the warm-up
    /// are measured, each to its end. Others go on coming until the last measured call is over.
    pub duration_s: f64,
}

impl Default for LoadTable {
    fn default() -> LoadTable {
        LoadTable {
            calls: None,
            arrivals: None,
            warm_up_s: 60.0,
            duration_s: 600.0,
        }
    }
}

/// When callers come, as it is written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ArrivalsTable {
    /// Callers a minute on average, who come independently of each other (a Poisson process).
    PerMinute(f64),
    /// A Poisson process with a rate that changes evenly from the beginning of the warm-up to the end of
    /// the duration, and stays there.
    Ramp {
        /// Calls a minute at the beginning.
        from_per_minute: f64,
        /// Calls a minute at the end.
        to_per_minute: f64,
    },
    /// Callers who come at given times.
    Trace(TraceTable),
}

/// When callers come: seconds since the beginning of the warm-up, in order. Every world of a simulation has
/// callers at these times.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum TraceTable {
    /// The times themselves.
    Seconds(Vec<f64>),
    /// A file with a time on each line, looked up from the scenario's folder. When the scenario is read, the
    /// times take the place of the file.
    File(PathBuf),
}

/// Many calls at once.
#[derive(Debug, Clone, PartialEq)]
pub struct Load {
    /// How calls come.
    pub traffic: Traffic,
    /// Seconds of warm-up: calls that begin within it are not measured.
    pub warm_up_s: f64,
    /// Seconds, more than the warm-up, within which calls that begin after the warm-up are measured.
    pub duration_s: f64,
}

/// How calls come.
#[derive(Debug, Clone, PartialEq)]
pub enum Traffic {
    /// A number of calls at a time: each that ends is followed by another at once.
    AtATime(u32),
    /// Callers come whether or not others have finished.
    Arrivals(Arrivals),
}

/// When callers come.
#[derive(Debug, Clone, PartialEq)]
pub enum Arrivals {
    /// Callers a minute on average, who come independently of each other (a Poisson process).
    PerMinute(f64),
    /// A Poisson process with a rate that changes evenly from the beginning of the warm-up to the end of
    /// the duration, and stays there.
    Ramp {
        /// Calls a minute at the beginning.
        from_per_minute: f64,
        /// Calls a minute at the end.
        to_per_minute: f64,
    },
    /// The times of callers in seconds since the beginning of the warm-up, in order.
    Trace(Vec<f64>),
}

/// The most calls that a world has room for at once.
pub const CALLS_AT_ONCE_MAX: u32 = 5_000;
/// The most calls of one world, measured or not: their numbers have room for no more.
pub const CALLS_MAX: u32 = 1 << 16;
/// A rate above this leaves no time between callers.
const PER_MINUTE_MAX: f64 = 100_000.0;
/// The longest that a load lasts: a day, in seconds.
pub const A_DAY_S: f64 = 86_400.0;

impl LoadTable {
    /// What the table means; `at` is `[load]`.
    pub(super) fn parse(&self, at: Table<'_>) -> Result<Load, Problem> {
        for (key, span, least) in [
            ("duration_s", self.duration_s, 1.0),
            ("warm_up_s", self.warm_up_s, 0.0),
        ] {
            if !(least..=A_DAY_S).contains(&span) {
                let fix = format!("{span}; give {least} to {A_DAY_S} seconds");
                return Err(at.problem(key, fix));
            }
        }
        if self.warm_up_s >= self.duration_s {
            let fix = format!(
                "{} s of the {} are the warm-up, so nothing is measured; make duration_s longer",
                self.warm_up_s, self.duration_s
            );
            return Err(at.problem("warm_up_s", fix));
        }
        let traffic = match (self.calls, &self.arrivals) {
            (Some(calls), None) if (1..=CALLS_AT_ONCE_MAX).contains(&calls) => {
                Traffic::AtATime(calls)
            }
            (Some(calls), None) => {
                let fix = format!("{calls}; give between 1 and {CALLS_AT_ONCE_MAX}");
                return Err(at.problem("calls", fix));
            }
            (None, Some(arrivals)) => {
                let parsed = arrivals.parse(self.warm_up_s..self.duration_s);
                Traffic::Arrivals(parsed.map_err(|fix| at.problem("arrivals", fix))?)
            }
            _ => {
                let fix =
                    "give either calls = N, so many at a time, or arrivals = { per_minute = N }";
                return Err(at.problem("calls", fix));
            }
        };
        Ok(Load {
            traffic,
            warm_up_s: self.warm_up_s,
            duration_s: self.duration_s,
        })
    }
}

impl ArrivalsTable {
    /// What the table means; `measured` is the time in which calls are measured, in seconds.
    fn parse(&self, measured: Range<f64>) -> Result<Arrivals, String> {
        let minutes = measured.end / 60.0;
        match self {
            ArrivalsTable::PerMinute(rate) => {
                check_rates(&[*rate], rate * minutes)?;
                Ok(Arrivals::PerMinute(*rate))
            }
            ArrivalsTable::Ramp {
                from_per_minute,
                to_per_minute,
            } => {
                let (from_per_minute, to_per_minute) = (*from_per_minute, *to_per_minute);
                let calls = (from_per_minute + to_per_minute) / 2.0 * minutes;
                check_rates(&[from_per_minute, to_per_minute], calls)?;
                Ok(Arrivals::Ramp {
                    from_per_minute,
                    to_per_minute,
                })
            }
            ArrivalsTable::Trace(TraceTable::Seconds(times)) => {
                check_trace(times, measured)?;
                Ok(Arrivals::Trace(times.clone()))
            }
            // Reading a scenario puts the times of such a file in place of its name.
            ArrivalsTable::Trace(TraceTable::File(file)) => Err(format!(
                "{} was not read; give the times themselves, or read the scenario from a file",
                file.display()
            )),
        }
    }
}

/// Refuses rates at which nobody or too many come; `calls` is how many come within the duration.
fn check_rates(rates: &[f64], calls: f64) -> Result<(), String> {
    if let Some(rate) = rates.iter().find(|r| !(0.0..=PER_MINUTE_MAX).contains(*r)) {
        return Err(format!("{rate} a minute; give up to {PER_MINUTE_MAX}"));
    }
    if rates.iter().all(|rate| *rate <= 0.0) {
        return Err("nobody ever comes; give a rate above 0".into());
    }
    // Some calls come behind the duration, and at times a Poisson process has more than its mean.
    match calls > f64::from(CALLS_MAX) * 0.75 {
        false => Ok(()),
        true => Err(format!(
            "{calls:.0} calls within duration_s are too many for one world, which has room for {CALLS_MAX}; make it shorter and simulate more worlds"
        )),
    }
}

fn check_trace(times: &[f64], measured: Range<f64>) -> Result<(), String> {
    if times.is_empty() || times.len() > CALLS_MAX as usize {
        return Err(format!(
            "{} arrivals; give between 1 and {CALLS_MAX}",
            times.len()
        ));
    }
    let outside = times.iter().position(|at| !(0.0..=A_DAY_S).contains(at));
    if let Some(index) = outside {
        return Err(format!(
            "arrival {} at {} s lies outside of a day; give 0 to {A_DAY_S} seconds",
            index + 1,
            times[index]
        ));
    }
    if let Some(back) = times.windows(2).position(|pair| pair[1] < pair[0]) {
        return Err(format!(
            "arrival {} comes before arrival {}; sort them by time",
            back + 2,
            back + 1
        ));
    }
    match times.iter().any(|at| measured.contains(at)) {
        true => Ok(()),
        false => Err(format!(
            "none of the arrivals lies from warm_up_s = {} to duration_s = {}, so nothing is measured; change these",
            measured.start, measured.end
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(load: &LoadTable) -> Result<Load, Problem> {
        load.parse(Table::at(&["load"]))
    }

    fn assert_refused(load: &LoadTable, key: &str, words: &str) {
        let problem = parsed(load).expect_err(words);
        assert_eq!(problem.place.to_string(), format!("load.{key}"));
        assert!(problem.fix.contains(words), "{}", problem.fix);
    }

    fn calls(calls: u32) -> LoadTable {
        LoadTable {
            calls: Some(calls),
            ..LoadTable::default()
        }
    }

    fn arrivals(arrivals: ArrivalsTable) -> LoadTable {
        LoadTable {
            arrivals: Some(arrivals),
            ..LoadTable::default()
        }
    }

    #[test]
    fn calls_come_one_way_or_the_other() {
        assert!(parsed(&calls(50)).is_ok());
        assert!(parsed(&arrivals(ArrivalsTable::PerMinute(30.0))).is_ok());
        assert_refused(&LoadTable::default(), "calls", "either");
        let both = LoadTable {
            calls: Some(1),
            ..arrivals(ArrivalsTable::PerMinute(1.0))
        };
        assert_refused(&both, "calls", "either");
        assert_refused(&calls(0), "calls", "between 1 and");
        assert_refused(&calls(5_001), "calls", "between 1 and");
    }

    #[test]
    fn rates_that_never_or_always_bring_a_caller_are_refused() {
        for (rate, cure) in [
            (0.0, "nobody"),
            (-1.0, "up to"),
            (f64::NAN, "up to"),
            (1e9, "up to"),
        ] {
            assert_refused(&arrivals(ArrivalsTable::PerMinute(rate)), "arrivals", cure);
        }
        assert_refused(
            &arrivals(ArrivalsTable::PerMinute(20_000.0)),
            "arrivals",
            "too many for one world",
        );
        let ramp = ArrivalsTable::Ramp {
            from_per_minute: 0.0,
            to_per_minute: 60.0,
        };
        assert!(parsed(&arrivals(ramp)).is_ok());
    }

    #[test]
    fn a_trace_is_in_order_and_within_a_day() {
        let trace =
            |times: &[f64]| arrivals(ArrivalsTable::Trace(TraceTable::Seconds(times.to_vec())));
        assert!(parsed(&trace(&[0.0, 61.5, 61.5])).is_ok());
        assert_refused(
            &trace(&[0.0, 5.0, 700.0]),
            "arrivals",
            "nothing is measured",
        );
        assert_refused(&trace(&[]), "arrivals", "between 1 and");
        assert_refused(&trace(&[1.0, 0.5]), "arrivals", "sort them");
        assert_refused(&trace(&[-1.0]), "arrivals", "outside of a day");
        assert_refused(&trace(&[f64::NAN]), "arrivals", "outside of a day");
    }

    #[test]
    fn something_must_be_measured() {
        let load = LoadTable {
            warm_up_s: 600.0,
            ..calls(1)
        };
        assert_refused(&load, "warm_up_s", "nothing is measured");
        let load = LoadTable {
            duration_s: f64::NAN,
            ..calls(1)
        };
        assert_refused(&load, "duration_s", "seconds");
    }
}
