//! Engines that only take their time.

use super::AnswerTable;
use crate::scenario::latency::{Latency, LatencyModel};
use crate::scenario::problem::{Problem, Table};
use std::time::Duration;

/// How a simulated answer comes about.
#[derive(Debug, Clone, PartialEq)]
pub struct SimulatedAnswer {
    /// The time from the question to the first piece.
    pub latency: Latency,
    /// What is answered; some sentence unless given.
    pub text: Option<String>,
    /// How long each further token takes.
    pub token: Duration,
    /// Answers that are made at once, odd; 1 for no vote.
    pub samples: u32,
    /// The share of single answers that are right, in 0..=1.
    pub accuracy: f64,
}

const TOKEN_MS_MAX: f64 = 10_000.0;

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
        Ok(SimulatedAnswer {
            latency: latency(&answer.latency, 300, at)?,
            text: answer.text.clone(),
            token: Duration::from_secs_f64(token_ms / 1e3),
            samples: answer.best_of,
            accuracy,
        })
    }
}

/// The latency of an engine, or `otherwise_ms` unless it is given.
pub(super) fn latency(
    given: &Option<LatencyModel>,
    otherwise_ms: u32,
    at: Table<'_>,
) -> Result<Latency, Problem> {
    match given {
        Some(model) => model.parse().map_err(|fix| at.problem("latency", fix)),
        None => Ok(Latency::fixed_ms(otherwise_ms)),
    }
}
