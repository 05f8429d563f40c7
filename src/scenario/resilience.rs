//! What is done about a stage that fails or takes too long: time-outs, hedges, retries, a breaker, a fallback.
//! A policy that is left out is not applied.

use super::engine::{AnswerTable, Engine, EngineTable, SpeechToTextTable, TextToSpeechTable};
use super::problem::{Problem, Table};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Who does the work of a stage, and what is done about failures.
#[derive(Debug, Clone, PartialEq)]
pub struct Service<E> {
    /// Who is asked first.
    pub engine: E,
    /// The policies that are applied to failures; `None` for none.
    pub resilience: Option<Resilience<E>>,
}

impl<E> Service<E> {
    /// Who is asked when all else failed.
    pub fn fallback(&self) -> Option<&E> {
        self.resilience.as_ref()?.fallback.as_ref()
    }

    /// Whether a second request may run beside the first.
    pub fn is_hedged(&self) -> bool {
        let resilience = self.resilience.as_ref();
        resilience.is_some_and(|of| of.hedge_after.is_some())
    }
}

/// The resilience policies of one stage.
#[derive(Debug, Clone, PartialEq)]
pub struct Resilience<E> {
    /// How long a try may go without a first output before it is given up.
    pub first_output_timeout: Option<Duration>,
    /// How long a try may put nothing out in mid-stream before it is given up.
    pub output_timeout: Option<Duration>,
    /// After how long a second request is made beside the first; `None` for never.
    pub hedge_after: Option<Duration>,
    /// Further tries after an error before the first output; 0 for none.
    pub retries: u32,
    /// The longest wait before the first further try.
    pub back_off: Duration,
    /// The longest wait before any further try.
    pub back_off_max: Duration,
    /// When the engine is not asked for a while; `None` for never.
    pub breaker: Option<Breaker>,
    /// Who is asked when all tries failed before the first output; `None` for nobody.
    pub fallback: Option<E>,
    /// What is said before the fallback's answer; `None` for nothing.
    pub apology: Option<String>,
}

/// A breaker: after some failures in a row, an engine is not asked for a while.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Breaker {
    /// Failures in a row, at least 1.
    pub failures: u32,
    /// How long the engine is not asked.
    pub open: Duration,
}

/// `[cure]` as it is written: the resilience policies of each stage.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CureTables {
    /// The policies of speech-to-text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stt: Option<CureTable<SpeechToTextTable>>,
    /// The policies of what answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<CureTable<AnswerTable>>,
    /// The policies of text-to-speech.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tts: Option<CureTable<TextToSpeechTable>>,
}

/// The resilience policies of one stage, whose own table is an `S`. The policies lie around the
/// engine in this order: time-outs, the second request (hedge), further tries (retry), the breaker, the
/// other engine (fallback). A request to speech-to-text is one transcription of what was heard so far, one
/// to text-to-speech a clause.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(
    deny_unknown_fields,
    default,
    bound(deserialize = "S: Deserialize<'de>")
)]
#[schemars(bound = "S: JsonSchema + Serialize", rename = "CureTable_{S}")]
pub struct CureTable<S> {
    /// Milliseconds after which a try without an output is given up, which is an error: 1 to 600,000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_output_timeout_ms: Option<u64>,
    /// Milliseconds without an output in mid-stream after which a try is given up, which is an error: 1 to
    /// 600,000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_timeout_ms: Option<u64>,
    /// Further tries after an error before the first output, up to 10. A server that says when to ask again
    /// is not asked before, and not at all if `back_off_max_ms` is less, or if it says that it is of no use.
    pub retries: u32,
    /// The longest wait before the first further try in milliseconds, up to 600,000, doubled before each
    /// other one. The wait itself is drawn between nothing and that ("full jitter"). 100 unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub back_off_ms: Option<u64>,
    /// The longest wait before any further try in milliseconds, up to 600,000; unless given 5,000, or
    /// `back_off_ms` if that is longer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub back_off_max_ms: Option<u64>,
    /// Milliseconds without an output after which a second request is made beside the first, up to 600,000.
    /// Whichever puts out first is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hedge_after_ms: Option<u64>,
    /// The engine that is asked when all tries failed before the first output, with the keys of the stage's
    /// own table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fallback: Option<S>,
    /// `answer`: what is said before the fallback's answer, 1 to 200 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub apology: Option<String>,
    /// When the stage is not asked for a while; never unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub breaker: Option<BreakerTable>,
}

/// A breaker: after some failures in a row, a stage is not asked for a while and fails at once. Then one
/// request is let through to see whether the stage works again.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BreakerTable {
    /// Failures in a row after which the breaker opens, 1 to 1,000.
    pub failures: u32,
    /// Seconds for which the stage is not asked, above 0, up to 3,600.
    pub open_s: f64,
}

impl<S> Default for CureTable<S> {
    fn default() -> CureTable<S> {
        CureTable {
            first_output_timeout_ms: None,
            output_timeout_ms: None,
            retries: 0,
            back_off_ms: None,
            back_off_max_ms: None,
            hedge_after_ms: None,
            fallback: None,
            apology: None,
            breaker: None,
        }
    }
}

impl Default for BreakerTable {
    fn default() -> BreakerTable {
        BreakerTable {
            failures: 5,
            open_s: 10.0,
        }
    }
}

impl CureTables {
    pub(super) fn is_none(&self) -> bool {
        *self == CureTables::default()
    }
}

/// A time-out, a wait or a delay of more than ten minutes helps nobody.
const LONGEST_MS: u64 = 600_000;
const RETRIES_MAX: u32 = 10;
const APOLOGY_CHARACTERS_MAX: usize = 200;
const FAILURES_MAX: u32 = 1_000;
const OPEN_S_MAX: f64 = 3_600.0;

/// What the tables `[NAME]` and `[cure.NAME]` of a stage mean. An apology is words, which only an answer has:
/// the tables of the other stages are handed to [`without_apology`] first.
pub(super) fn service<T: EngineTable + PartialEq>(
    stage: &str,
    table: &T,
    cure: Option<&CureTable<T>>,
) -> Result<Service<T::Engine>, Problem> {
    let engine = table.parse(Table::at(&[stage]))?;
    let resilience = match cure {
        Some(cure) if *cure != CureTable::default() => Some(resilience(cure, stage, &engine)?),
        _ => None,
    };
    Ok(Service { engine, resilience })
}

/// Refuses an apology where no answer is given.
pub(super) fn without_apology<T>(stage: &str, cure: Option<&CureTable<T>>) -> Result<(), Problem> {
    match cure.and_then(|cure| cure.apology.as_ref()) {
        None => Ok(()),
        Some(_) => Err(Table::at(&["cure", stage]).problem(
            "apology",
            "only an answer can be apologised for in words; put it into [cure.answer], or take the key away",
        )),
    }
}

fn resilience<T: EngineTable>(
    cure: &CureTable<T>,
    stage: &str,
    engine: &T::Engine,
) -> Result<Resilience<T::Engine>, Problem> {
    let names = ["cure", stage];
    let at = Table::at(&names);
    let wait = |key, ms: Option<u64>, least| match ms {
        Some(ms) if !(least..=LONGEST_MS).contains(&ms) => {
            let fix = format!("{ms} ms; give between {least} and {LONGEST_MS} milliseconds");
            Err(at.problem(key, fix))
        }
        ms => Ok(ms.map(Duration::from_millis)),
    };
    let first_output_timeout = wait("first_output_timeout_ms", cure.first_output_timeout_ms, 1)?;
    let output_timeout = wait("output_timeout_ms", cure.output_timeout_ms, 1)?;
    wait("back_off_ms", cure.back_off_ms, 0)?;
    wait("back_off_max_ms", cure.back_off_max_ms, 0)?;
    let hedge_after = wait("hedge_after_ms", cure.hedge_after_ms, 0)?;
    cure.check_hedge(engine, at)?;
    let (back_off, back_off_max) = cure.back_offs(at)?;
    let fallback = match &cure.fallback {
        Some(table) => Some(table.parse(Table::at(&["cure", stage, "fallback"]))?),
        None => None,
    };
    Ok(Resilience {
        first_output_timeout,
        output_timeout,
        hedge_after,
        retries: cure.retries,
        back_off,
        back_off_max,
        breaker: cure.breaker.map(|breaker| breaker.parse(at)).transpose()?,
        apology: cure.apology(at)?,
        fallback,
    })
}

impl<T> CureTable<T> {
    fn check_hedge(&self, engine: &dyn Engine, at: Table<'_>) -> Result<(), Problem> {
        let Some(hedge) = self.hedge_after_ms else {
            return Ok(());
        };
        if let Some(timeout) = self.first_output_timeout_ms.filter(|ms| hedge >= *ms) {
            let fix = format!(
                "{hedge} ms lies behind first_output_timeout_ms = {timeout}, when the first request is given up; give less"
            );
            return Err(at.problem("hedge_after_ms", fix));
        }
        if engine.computes_here() {
            let fix = format!(
                "{} computes on this machine's cores, where a second request would only slow the first one down; take the key away, or ask an engine that waits for somebody else (simulated, command, openai)",
                engine.name()
            );
            return Err(at.problem("hedge_after_ms", fix));
        }
        Ok(())
    }

    /// The longest wait before the first further try, and before any.
    fn back_offs(&self, at: Table<'_>) -> Result<(Duration, Duration), Problem> {
        if self.retries > RETRIES_MAX {
            let fix = format!("{} further tries; give up to {RETRIES_MAX}", self.retries);
            return Err(at.problem("retries", fix));
        }
        for (key, ms) in [
            ("back_off_ms", self.back_off_ms),
            ("back_off_max_ms", self.back_off_max_ms),
        ] {
            if ms.is_some() && self.retries == 0 {
                let fix = "there is no further try to wait for; give retries, or take the key away";
                return Err(at.problem(key, fix));
            }
        }
        let first_ms = self.back_off_ms.unwrap_or(100);
        let most_ms = self.back_off_max_ms.unwrap_or(first_ms.max(5_000));
        if most_ms < first_ms {
            let fix =
                format!("{most_ms} ms lies under back_off_ms = {first_ms}; give at least that");
            return Err(at.problem("back_off_max_ms", fix));
        }
        Ok((
            Duration::from_millis(first_ms),
            Duration::from_millis(most_ms),
        ))
    }

    fn apology(&self, at: Table<'_>) -> Result<Option<String>, Problem> {
        let Some(apology) = &self.apology else {
            return Ok(None);
        };
        let fix = match apology.trim().chars().count() {
            _ if self.fallback.is_none() => {
                "there is nothing to fall back on that it could be said for; give a fallback, or take the key away".into()
            }
            1..=APOLOGY_CHARACTERS_MAX => return Ok(Some(apology.clone())),
            length => format!("{length} characters; give between 1 and {APOLOGY_CHARACTERS_MAX}"),
        };
        Err(at.problem("apology", fix))
    }
}

impl BreakerTable {
    fn parse(self, at: Table<'_>) -> Result<Breaker, Problem> {
        let problem = |fix| Err(at.problem("breaker", fix));
        if !(1..=FAILURES_MAX).contains(&self.failures) {
            return problem(format!(
                "failures = {}; give between 1 and {FAILURES_MAX}",
                self.failures
            ));
        }
        if !(self.open_s > 0.0 && self.open_s <= OPEN_S_MAX) {
            return problem(format!(
                "open_s = {}; give more than 0 and up to {OPEN_S_MAX} seconds",
                self.open_s
            ));
        }
        Ok(Breaker {
            failures: self.failures,
            open: Duration::from_secs_f64(self.open_s),
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::scenario::parse;
    use std::path::Path;

    #[test]
    fn cures_that_make_no_sense_are_refused_by_their_key() {
        let simulated = "[[turn]]\nspeech = { length = { fixed_ms = 500 } }\n[stt]\nengine = \"simulated\"\n[answer]\nengine = \"simulated\"\n[tts]\nengine = \"simulated\"\n";
        for (keys, says) in [
            ("[cure.answer]\nretry = 1", "unknown field `retry`"),
            ("[cure.voice]\nretries = 1", "unknown field `voice`"),
            (
                "[cure.answer]\nretries = 11",
                "line 10: cure.answer.retries: 11 further tries; give up to 10",
            ),
            (
                "[cure.answer]\nfirst_output_timeout_ms = 0",
                "cure.answer.first_output_timeout_ms: 0 ms; give between 1",
            ),
            (
                "[cure.tts]\noutput_timeout_ms = 700000",
                "cure.tts.output_timeout_ms: 700000 ms; give",
            ),
            (
                "[cure.tts]\nback_off_ms = 10",
                "cure.tts.back_off_ms: there is no further try",
            ),
            (
                "[cure.tts]\nretries = 1\nback_off_ms = 100\nback_off_max_ms = 10",
                "line 12: cure.tts.back_off_max_ms: 10 ms lies under",
            ),
            (
                "[cure.stt]\nhedge_after_ms = 900\nfirst_output_timeout_ms = 800",
                "cure.stt.hedge_after_ms: 900 ms lies behind",
            ),
            (
                "[cure.stt]\nbreaker = { failures = 0 }",
                "cure.stt.breaker: failures = 0; give",
            ),
            (
                "[cure.stt.breaker]\nopen_s = -1.0",
                "cure.stt.breaker: open_s = -1; give",
            ),
            (
                "[cure.answer]\nfallback = { engine = \"oracle\" }",
                "cure.answer.fallback.engine: there is no engine",
            ),
            (
                "[cure.answer.fallback]\nengine = \"simulated\"\nbest_of = 2",
                "line 11: cure.answer.fallback.best_of: 2; give an odd",
            ),
            (
                "[cure.answer]\nfallback = { docs = \"nowhere\" }",
                "cure.answer.fallback.docs: nowhere is no folder",
            ),
            (
                "[cure.answer]\napology = \"Sorry.\"",
                "cure.answer.apology: there is nothing to fall back on",
            ),
            (
                "[cure.answer]\napology = \" \"\nfallback = {}",
                "cure.answer.apology: 0 characters; give between 1 and 200",
            ),
            (
                "[cure.tts]\napology = \"Sorry.\"\nfallback = {}",
                "cure.tts.apology: only an answer",
            ),
            (
                "[cure.tts]\nfallback = { latency = { fixed_ms = 1 } }",
                "cure.tts.fallback.latency: only the engine",
            ),
        ] {
            let text = format!("{simulated}{keys}\n");
            let error = parse(Path::new("a.toml"), &text)
                .expect_err(keys)
                .to_string();
            assert!(error.contains(says), "{keys}\nsaid: {error}");
        }
    }

    #[test]
    fn an_engine_that_computes_here_is_not_asked_twice_at_once() {
        let text = "[[turn]]\nsay = \"Why?\"\n[cure.answer]\nhedge_after_ms = 500\n";
        let error = parse(Path::new("a.toml"), text)
            .expect_err("refused")
            .to_string();
        assert!(
            error.contains("cure.answer.hedge_after_ms: retrieval computes on"),
            "{error}"
        );
    }

    #[test]
    fn a_model_in_place_of_the_stages_has_no_cures() {
        let text = "topology = \"speech_to_speech\"\n[[turn]]\nspeech = { length = { fixed_ms = 500 } }\n[stt]\nengine = \"simulated\"\n[cure.answer]\nretries = 1\n";
        let error = parse(Path::new("a.toml"), text)
            .expect_err("refused")
            .to_string();
        assert!(
            error.contains("cure.answer: a speech-to-speech model has none"),
            "{error}"
        );
    }
}
