//! Many calls at once: how they come, and the engines that they share. Only in simulations.

use serde::{Deserialize, Serialize};
use std::ops::Range;
use std::path::PathBuf;

/// How calls come. Exactly one of `calls` and `arrivals` is given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Load {
    /// So many calls at a time, 1 to 5,000: each that ends is followed by another at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calls: Option<u32>,
    /// Callers come whether or not others have finished.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arrivals: Option<Arrivals>,
    /// Calls that begin before this are not measured: the engines are still idle. The calls of `calls`
    /// begin spread over it.
    pub warm_up_s: f64,
    /// Calls that begin from then on and within this are measured, each to its end. Others go on coming
    /// until the last of them is over.
    pub duration_s: f64,
}

impl Default for Load {
    fn default() -> Load {
        Load {
            calls: None,
            arrivals: None,
            warm_up_s: 60.0,
            duration_s: 600.0,
        }
    }
}

/// When callers come.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Arrivals {
    /// So many a minute on average, independently of each other (a Poisson process).
    PerMinute(f64),
    /// The same, with a rate that changes evenly from the beginning of the warm-up to the end of the
    /// duration, and stays there.
    Ramp {
        from_per_minute: f64,
        to_per_minute: f64,
    },
    /// At these times.
    Trace(Trace),
}

/// Seconds since the beginning of the warm-up, in order. Each world of a simulation has the same.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Trace {
    Seconds(Vec<f64>),
    /// A file with one on each line, looked up from the scenario's folder. It is replaced by what it holds
    /// when the scenario is read.
    File(PathBuf),
}

/// Engines that calls share, by stage. A stage without one has room for everybody.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Pools {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stt: Option<Pool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<Pool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tts: Option<Pool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub speech_to_speech: Option<Pool>,
}

/// Servers of one stage. Requests wait in the order in which they came; the wait is the hop `queue_wait`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Pool {
    /// Requests that a server works on at once, 1 to 100,000.
    pub slots: u32,
    /// Servers, 1 to 10,000; with `scale`, the fewest.
    pub servers: u32,
    /// Requests that may wait; a further one fails at once. Any number unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue: Option<u32>,
    /// Requests that a slot serves together, 1 to 1,000: they begin together, and the slot is free when
    /// the longest of them is over.
    pub batch: u32,
    /// How long a slot waits for its batch to fill, up to 10,000.
    pub batch_wait_ms: f64,
    /// Requests above this rate fail at once, as a provider's limit has it (429).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests_per_minute: Option<f64>,
    /// So many may come at once within that rate, 1 to 100,000.
    pub burst: u32,
    /// A server that nobody has asked for `idle_s` takes this long before it works again, as on its first
    /// request; up to 600,000.
    pub cold_start_ms: f64,
    pub idle_s: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale: Option<Scale>,
}

impl Default for Pool {
    fn default() -> Pool {
        Pool {
            slots: 1,
            servers: 1,
            queue: None,
            batch: 1,
            batch_wait_ms: 0.0,
            requests_per_minute: None,
            burst: 10,
            cold_start_ms: 0.0,
            idle_s: 300.0,
            scale: None,
        }
    }
}

/// Servers that are added when requests wait, and taken away when they idle.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scale {
    /// The most servers, up to 10,000.
    pub servers_max: u32,
    /// Another one is ordered when more requests than this wait, and none is on its way.
    #[serde(default)]
    pub when_waiting: u32,
    /// It works so long after it was ordered.
    #[serde(default = "default_delay_s")]
    pub delay_s: f64,
    /// One that nobody has asked for so long is taken away.
    #[serde(default = "default_away_after_s")]
    pub away_after_s: f64,
}

fn default_delay_s() -> f64 {
    30.0
}

fn default_away_after_s() -> f64 {
    300.0
}

/// More calls at once than a world has room for.
pub const CALLS_AT_ONCE_MAX: u32 = 5_000;
/// Calls of one world, measured or not: their numbers have room for so many.
pub const CALLS_MAX: u32 = 1 << 16;
/// A rate above this leaves no time between callers.
const PER_MINUTE_MAX: f64 = 100_000.0;
/// No load lasts longer.
pub const A_DAY_S: f64 = 86_400.0;
const SLOTS_MAX: u32 = 100_000;
const SERVERS_MAX: u32 = 10_000;
const BATCH_MAX: u32 = 1_000;

impl Load {
    /// The key that is wrong, and the cure, if one is.
    pub fn wrong(&self) -> Option<(&'static str, String)> {
        let spans = [
            ("duration_s", self.duration_s, 1.0),
            ("warm_up_s", self.warm_up_s, 0.0),
        ];
        if let Some((key, span, least)) =
            (spans.into_iter()).find(|(_, span, least)| !(*least..=A_DAY_S).contains(span))
        {
            return Some((key, format!("{span}; give {least} to {A_DAY_S} seconds")));
        }
        if self.warm_up_s >= self.duration_s {
            let cure = format!(
                "{} s of the {} are the warm-up, so nothing is measured; make duration_s longer",
                self.warm_up_s, self.duration_s
            );
            return Some(("warm_up_s", cure));
        }
        match (self.calls, &self.arrivals) {
            (Some(calls), None) => {
                let cure = format!("{calls}; give between 1 and {CALLS_AT_ONCE_MAX}");
                (!(1..=CALLS_AT_ONCE_MAX).contains(&calls)).then_some(("calls", cure))
            }
            (None, Some(arrivals)) => {
                let cure = arrivals.wrong(self.warm_up_s, self.duration_s)?;
                Some(("arrivals", cure))
            }
            _ => Some((
                "calls",
                "give either calls = N, so many at a time, or arrivals = { per_minute = N }".into(),
            )),
        }
    }
}

impl Arrivals {
    fn wrong(&self, warm_up_s: f64, duration_s: f64) -> Option<String> {
        let minutes = duration_s / 60.0;
        let (rates, calls) = match self {
            Arrivals::PerMinute(rate) => (vec![*rate], rate * minutes),
            Arrivals::Ramp {
                from_per_minute,
                to_per_minute,
            } => (
                vec![*from_per_minute, *to_per_minute],
                (from_per_minute + to_per_minute) / 2.0 * minutes,
            ),
            Arrivals::Trace(Trace::Seconds(times)) => {
                return trace_fault(times, warm_up_s..duration_s);
            }
            Arrivals::Trace(Trace::File(_)) => (vec![], 0.0),
        };
        if let Some(rate) = rates.iter().find(|r| !(0.0..=PER_MINUTE_MAX).contains(*r)) {
            return Some(format!("{rate} a minute; give up to {PER_MINUTE_MAX}"));
        }
        if !rates.is_empty() && rates.iter().all(|rate| *rate <= 0.0) {
            return Some("nobody ever comes; give a rate above 0".into());
        }
        // Some come behind the duration; and a Poisson process has more at times.
        (calls > f64::from(CALLS_MAX) * 0.75).then(|| {
            format!(
                "{calls:.0} calls within duration_s are too many for one world, which has room for {CALLS_MAX}; make it shorter and simulate more worlds"
            )
        })
    }
}

fn trace_fault(times: &[f64], measured: Range<f64>) -> Option<String> {
    if times.is_empty() || times.len() > CALLS_MAX as usize {
        return Some(format!(
            "{} arrivals; give between 1 and {CALLS_MAX}",
            times.len()
        ));
    }
    let first = times.iter().position(|at| !(0.0..=A_DAY_S).contains(at));
    if let Some(index) = first {
        return Some(format!(
            "arrival {} at {} s lies outside of a day; give 0 to {A_DAY_S} seconds",
            index + 1,
            times[index]
        ));
    }
    if let Some(back) = times.windows(2).position(|pair| pair[1] < pair[0]) {
        return Some(format!(
            "arrival {} comes before arrival {}; sort them by time",
            back + 2,
            back + 1
        ));
    }
    let is_measured = times.iter().any(|at| measured.contains(at));
    (!is_measured).then(|| {
        format!(
            "none of the arrivals lies from warm_up_s = {} to duration_s = {}, so nothing is measured; change these",
            measured.start, measured.end
        )
    })
}

impl Pools {
    /// With the names of their tables.
    pub fn named(&self) -> impl Iterator<Item = (&'static str, &Pool)> {
        let all = [
            ("stt", &self.stt),
            ("answer", &self.answer),
            ("tts", &self.tts),
            ("speech_to_speech", &self.speech_to_speech),
        ];
        all.into_iter()
            .filter_map(|(name, pool)| Some((name, pool.as_ref()?)))
    }

    pub fn is_empty(&self) -> bool {
        self.named().next().is_none()
    }
}

impl Pool {
    /// The key that is wrong, and the cure, if one is.
    pub fn wrong(&self) -> Option<(&'static str, String)> {
        let counts = [
            ("slots", self.slots, SLOTS_MAX),
            ("servers", self.servers, SERVERS_MAX),
            ("batch", self.batch, BATCH_MAX),
            ("burst", self.burst, SLOTS_MAX),
        ];
        if let Some((key, count, most)) =
            (counts.into_iter()).find(|(_, count, most)| !(1..=*most).contains(count))
        {
            return Some((key, format!("{count}; give between 1 and {most}")));
        }
        let spans = [
            ("batch_wait_ms", self.batch_wait_ms, 10_000.0),
            ("cold_start_ms", self.cold_start_ms, 600_000.0),
            ("idle_s", self.idle_s, A_DAY_S),
        ];
        if let Some((key, span, most)) =
            (spans.into_iter()).find(|(_, span, most)| !(0.0..=*most).contains(span))
        {
            return Some((key, format!("{span}; give between 0 and {most}")));
        }
        if let Some(rate) = self.requests_per_minute
            && !(rate > 0.0 && rate <= 1e9)
        {
            let cure = format!("{rate}; give a rate above 0, or take the key away for no limit");
            return Some(("requests_per_minute", cure));
        }
        let scale = self.scale.as_ref()?;
        let servers_max = scale.servers_max;
        if !(self.servers..=SERVERS_MAX).contains(&servers_max) {
            let cure = format!(
                "servers_max = {servers_max}; give between servers = {} and {SERVERS_MAX}",
                self.servers
            );
            return Some(("scale", cure));
        }
        let spans = [
            ("delay_s", scale.delay_s),
            ("away_after_s", scale.away_after_s),
        ];
        let (key, span) = (spans.into_iter()).find(|(_, span)| !(0.0..=A_DAY_S).contains(span))?;
        Some((
            "scale",
            format!("{key} = {span}; give 0 to {A_DAY_S} seconds"),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_refused<K: Into<Option<(&'static str, String)>>>(wrong: K, key: &str, cure: &str) {
        let Some((named, said)) = wrong.into() else {
            panic!("{key} {cure}: nothing is refused");
        };
        assert_eq!(named, key, "{said}");
        assert!(said.contains(cure), "{said}");
    }

    fn calls(calls: u32) -> Load {
        Load {
            calls: Some(calls),
            ..Load::default()
        }
    }

    fn arrivals(arrivals: Arrivals) -> Load {
        Load {
            arrivals: Some(arrivals),
            ..Load::default()
        }
    }

    #[test]
    fn calls_come_one_way_or_the_other() {
        assert_eq!(calls(50).wrong(), None);
        assert_eq!(arrivals(Arrivals::PerMinute(30.0)).wrong(), None);
        assert_refused(Load::default().wrong(), "calls", "either");
        let both = Load {
            calls: Some(1),
            ..arrivals(Arrivals::PerMinute(1.0))
        };
        assert_refused(both.wrong(), "calls", "either");
        assert_refused(calls(0).wrong(), "calls", "between 1 and");
        assert_refused(calls(5_001).wrong(), "calls", "between 1 and");
    }

    #[test]
    fn rates_that_never_or_always_bring_a_caller_are_refused() {
        for (rate, cure) in [
            (0.0, "nobody"),
            (-1.0, "up to"),
            (f64::NAN, "up to"),
            (1e9, "up to"),
        ] {
            assert_refused(
                arrivals(Arrivals::PerMinute(rate)).wrong(),
                "arrivals",
                cure,
            );
        }
        assert_refused(
            arrivals(Arrivals::PerMinute(20_000.0)).wrong(),
            "arrivals",
            "too many for one world",
        );
        let ramp = Arrivals::Ramp {
            from_per_minute: 0.0,
            to_per_minute: 60.0,
        };
        assert_eq!(arrivals(ramp).wrong(), None);
    }

    #[test]
    fn a_trace_is_in_order_and_within_a_day() {
        let trace =
            |times: &[f64]| arrivals(Arrivals::Trace(Trace::Seconds(times.to_vec()))).wrong();
        assert_eq!(trace(&[0.0, 61.5, 61.5]), None);
        assert_refused(trace(&[0.0, 5.0, 700.0]), "arrivals", "nothing is measured");
        assert_refused(trace(&[]), "arrivals", "between 1 and");
        assert_refused(trace(&[1.0, 0.5]), "arrivals", "sort them");
        assert_refused(trace(&[-1.0]), "arrivals", "outside of a day");
        assert_refused(trace(&[f64::NAN]), "arrivals", "outside of a day");
    }

    #[test]
    fn something_must_be_measured() {
        let load = Load {
            warm_up_s: 600.0,
            ..calls(1)
        };
        assert_refused(load.wrong(), "warm_up_s", "nothing is measured");
        let load = Load {
            duration_s: f64::NAN,
            ..calls(1)
        };
        assert_refused(load.wrong(), "duration_s", "seconds");
    }

    #[test]
    fn pools_without_slots_are_refused() {
        let pool = Pool::default;
        assert_eq!(pool().wrong(), None);
        assert_refused(Pool { slots: 0, ..pool() }.wrong(), "slots", "between 1");
        assert_refused(
            Pool {
                servers: 0,
                ..pool()
            }
            .wrong(),
            "servers",
            "between 1",
        );
        assert_refused(Pool { batch: 0, ..pool() }.wrong(), "batch", "between 1");
        let never = Pool {
            requests_per_minute: Some(0.0),
            ..pool()
        };
        assert_refused(never.wrong(), "requests_per_minute", "above 0");
        let fewer = Pool {
            servers: 4,
            scale: Some(Scale {
                servers_max: 2,
                when_waiting: 0,
                delay_s: 30.0,
                away_after_s: 60.0,
            }),
            ..pool()
        };
        assert_refused(fewer.wrong(), "scale", "between servers = 4");
    }
}
