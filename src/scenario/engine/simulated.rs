//! Engines that only take their time.

use super::{AnswerTable, Compute};
use crate::scenario::latency::{Latency, LatencyModel};
use crate::scenario::problem::{Problem, Table};
use std::time::Duration;

/// How long simulated engines take unless it is given, in milliseconds.
pub(in crate::scenario) const STT_MS: u32 = 250;
pub(in crate::scenario) const ANSWER_MS: u32 = 300;
pub(in crate::scenario) const TTS_MS: u32 = 150;

/// A simulated recogniser or voice.
#[derive(Debug, Clone, PartialEq)]
pub struct SimulatedEngine {
    /// How long its work takes.
    pub latency: Latency,
    /// The cores that it computes on; `None` if it computes elsewhere.
    pub compute: Option<Compute>,
    /// How long its sound begins inaudibly; zero for a recogniser.
    pub leading_silence: Duration,
}

/// The longest inaudible beginning of a voice, in milliseconds.
pub(crate) const LEADING_SILENCE_MS_MAX: f64 = 1_000.0;

impl SimulatedEngine {
    /// A latency, or so many milliseconds unless it is given, and whether it computes here.
    pub(super) fn parse(
        (latency, otherwise_ms): (&Option<LatencyModel>, u32),
        compute: Option<Compute>,
        at: Table<'_>,
    ) -> Result<SimulatedEngine, Problem> {
        Ok(SimulatedEngine {
            latency: self::latency(latency, otherwise_ms, at)?,
            compute: compute.map(|compute| compute.check(at)).transpose()?,
            leading_silence: Duration::ZERO,
        })
    }

    /// This engine, with sound that begins inaudibly for so many milliseconds; an error names a length out of range.
    pub(super) fn beginning_after(
        self,
        leading_silence_ms: Option<f64>,
        at: Table<'_>,
    ) -> Result<SimulatedEngine, Problem> {
        let ms = leading_silence_ms.unwrap_or(0.0);
        if !(0.0..=LEADING_SILENCE_MS_MAX).contains(&ms) {
            let fix = format!("{ms}; give 0 to {LEADING_SILENCE_MS_MAX} milliseconds");
            return Err(at.problem("leading_silence_ms", fix));
        }
        Ok(SimulatedEngine {
            leading_silence: Duration::from_secs_f64(ms / 1e3),
            ..self
        })
    }
}

/// How a simulated answer comes about.
#[derive(Debug, Clone, PartialEq)]
pub struct SimulatedAnswer {
    /// The time from the question to the first piece.
    pub latency: Latency,
    /// The cores that it computes on; `None` if it computes elsewhere.
    pub compute: Option<Compute>,
    /// What is answered, one of these at random; some sentence if there are none.
    pub texts: Vec<String>,
    /// How long each further token takes.
    pub token: Duration,
    /// Answers that are made at once, odd; 1 for no vote.
    pub samples: u32,
    /// The share of single answers that are right, in 0..=1.
    pub accuracy: f64,
}

const TOKEN_MS_MAX: f64 = 10_000.0;

/// More answers than this are a corpus.
const TEXTS_MAX: usize = 1_000;

impl SimulatedAnswer {
    pub(super) fn parse(answer: &AnswerTable, at: Table<'_>) -> Result<SimulatedAnswer, Problem> {
        let (accuracy, token_ms) = (answer.accuracy, answer.token_ms);
        if !(0.0..=1.0).contains(&accuracy) {
            let fix = format!("{accuracy} is no share; give 0 to 1");
            return Err(at.problem("accuracy", fix));
        }
        if !(0.0..=TOKEN_MS_MAX).contains(&token_ms) {
            let fix = format!("{token_ms}; give between 0 and {TOKEN_MS_MAX} milliseconds");
            return Err(at.problem("token_ms", fix));
        }
        at.refuse_long("text", &answer.text)?;
        at.refuse_long("texts", &answer.texts)?;
        if answer.text.is_some() && !answer.texts.is_empty() {
            let fix = "there is text as well; give one answer as text, or several as texts";
            return Err(at.problem("texts", fix));
        }
        if answer.texts.len() > TEXTS_MAX {
            let fix = format!("{} answers; give up to {TEXTS_MAX}", answer.texts.len());
            return Err(at.problem("texts", fix));
        }
        Ok(SimulatedAnswer {
            latency: latency(&answer.latency, ANSWER_MS, at)?,
            compute: answer
                .compute
                .map(|compute| compute.check(at))
                .transpose()?,
            texts: match &answer.text {
                Some(text) => vec![text.clone()],
                None => answer.texts.clone(),
            },
            token: Duration::from_secs_f64(token_ms / 1e3),
            samples: answer.best_of,
            accuracy,
        })
    }
}

/// The latency of an engine, or `otherwise_ms` unless it is given.
fn latency(
    given: &Option<LatencyModel>,
    otherwise_ms: u32,
    at: Table<'_>,
) -> Result<Latency, Problem> {
    match given {
        Some(model) => model.parse().map_err(|fix| at.problem("latency", fix)),
        None => Ok(Latency::fixed_ms(otherwise_ms)),
    }
}
