//! Simulated engines that calls share: servers with slots. Only in simulations.

use super::problem::{Problem, Table};
use crate::event::StageName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `[pool]`: engines that calls share, by stage. A stage without a pool has room for everybody.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Pools {
    /// The pool of speech-to-text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stt: Option<Pool>,
    /// The pool of what answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<Pool>,
    /// The pool of text-to-speech.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tts: Option<Pool>,
    /// The pool of the speech-to-speech model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub speech_to_speech: Option<Pool>,
}

/// Servers of one stage. Requests wait in the order in which they came; the wait is the hop `queue_wait`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
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
    /// Milliseconds that a slot waits for its batch to fill, up to 10,000.
    pub batch_wait_ms: f64,
    /// The rate above which requests fail at once, as with a provider's limit (429); no limit unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests_per_minute: Option<f64>,
    /// Requests that may come at once within `requests_per_minute`, 1 to 100,000.
    pub burst: u32,
    /// Milliseconds that a server takes before it works on its first request, or on the first after `idle_s`
    /// without one; up to 600,000.
    pub cold_start_ms: f64,
    /// Seconds without a request after which a server starts cold again, up to 86,400.
    pub idle_s: f64,
    /// How servers are added and taken away; their number is fixed unless given.
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
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scale {
    /// The most servers, up to 10,000.
    pub servers_max: u32,
    /// Another server is ordered when more requests than this wait, and none is on its way.
    #[serde(default)]
    pub when_waiting: u32,
    /// Seconds from the order of a server until it works, up to 86,400.
    #[serde(default = "default_delay_s")]
    pub delay_s: f64,
    /// Seconds without a request after which a server is taken away, up to 86,400.
    #[serde(default = "default_away_after_s")]
    pub away_after_s: f64,
}

fn default_delay_s() -> f64 {
    30.0
}

fn default_away_after_s() -> f64 {
    300.0
}

/// No span of a pool is longer than a day.
const A_DAY_S: f64 = 86_400.0;
const SLOTS_MAX: u32 = 100_000;
const SERVERS_MAX: u32 = 10_000;
const BATCH_MAX: u32 = 1_000;

impl Pools {
    /// The pools that there are, by stage.
    pub fn by_stage(&self) -> impl Iterator<Item = (StageName, &Pool)> {
        let all = [
            (StageName::SpeechToText, &self.stt),
            (StageName::Answer, &self.answer),
            (StageName::TextToSpeech, &self.tts),
            (StageName::SpeechToSpeech, &self.speech_to_speech),
        ];
        all.into_iter()
            .filter_map(|(stage, pool)| Some((stage, pool.as_ref()?)))
    }

    /// Whether no stage stands in a pool.
    pub fn is_empty(&self) -> bool {
        self.by_stage().next().is_none()
    }
}

impl Pool {
    /// Refuses a pool that cannot work; `at` is its table.
    pub(super) fn check(&self, at: Table<'_>) -> Result<(), Problem> {
        for (key, count, most) in [
            ("slots", self.slots, SLOTS_MAX),
            ("servers", self.servers, SERVERS_MAX),
            ("batch", self.batch, BATCH_MAX),
            ("burst", self.burst, SLOTS_MAX),
        ] {
            if !(1..=most).contains(&count) {
                let fix = format!("{count}; give between 1 and {most}");
                return Err(at.problem(key, fix));
            }
        }
        for (key, span, most) in [
            ("batch_wait_ms", self.batch_wait_ms, 10_000.0),
            ("cold_start_ms", self.cold_start_ms, 600_000.0),
            ("idle_s", self.idle_s, A_DAY_S),
        ] {
            if !(0.0..=most).contains(&span) {
                let fix = format!("{span}; give between 0 and {most}");
                return Err(at.problem(key, fix));
            }
        }
        if let Some(rate) = self.requests_per_minute
            && !(rate > 0.0 && rate <= 1e9)
        {
            let fix = format!("{rate}; give a rate above 0, or take the key away for no limit");
            return Err(at.problem("requests_per_minute", fix));
        }
        match &self.scale {
            Some(scale) => scale
                .check(self.servers)
                .map_err(|fix| at.problem("scale", fix)),
            None => Ok(()),
        }
    }
}

impl Scale {
    fn check(&self, servers: u32) -> Result<(), String> {
        let servers_max = self.servers_max;
        if !(servers..=SERVERS_MAX).contains(&servers_max) {
            return Err(format!(
                "servers_max = {servers_max}; give between servers = {servers} and {SERVERS_MAX}"
            ));
        }
        for (key, span) in [
            ("delay_s", self.delay_s),
            ("away_after_s", self.away_after_s),
        ] {
            if !(0.0..=A_DAY_S).contains(&span) {
                return Err(format!("{key} = {span}; give 0 to {A_DAY_S} seconds"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_refused(pool: Pool, key: &str, words: &str) {
        let parsed = pool.check(Table::at(&["pool", "answer"]));
        let problem = parsed.expect_err(words);
        assert_eq!(problem.place.to_string(), format!("pool.answer.{key}"));
        assert!(problem.fix.contains(words), "{}", problem.fix);
    }

    #[test]
    fn pools_without_slots_are_refused() {
        let pool = Pool::default;
        assert_eq!(pool().check(Table::at(&["pool", "answer"])), Ok(()));
        assert_refused(Pool { slots: 0, ..pool() }, "slots", "between 1");
        assert_refused(
            Pool {
                servers: 0,
                ..pool()
            },
            "servers",
            "between 1",
        );
        assert_refused(Pool { batch: 0, ..pool() }, "batch", "between 1");
        let never = Pool {
            requests_per_minute: Some(0.0),
            ..pool()
        };
        assert_refused(never, "requests_per_minute", "above 0");
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
        assert_refused(fewer, "scale", "between servers = 4");
    }
}
