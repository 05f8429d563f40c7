//! `[cost]`: what is paid for the work of a conversation, in any one currency.

use super::problem::{Problem, Table};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The most that a unit of anything may cost.
const PRICE_MAX: f64 = 1e6;

/// Prices, each 0 to 1,000,000. What is left out is free.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Prices {
    /// The currency, for display, up to 16 characters: `USD`.
    pub currency: String,
    /// Price of a minute of audio that was transcribed to its end, partial transcripts included.
    pub stt_per_minute: f64,
    /// Price of 1,000 tokens of answers, a token being four characters. Each sample of `best_of` counts.
    pub answer_per_1k_tokens: f64,
    /// Price of a question, for instructions and history. Each sample of `best_of` counts.
    pub answer_per_request: f64,
    /// Price of 1,000 characters of text that was spoken.
    pub tts_per_1k_characters: f64,
    /// Price of a minute of speech that the speech-to-speech model put out, heard or not.
    pub speech_to_speech_per_minute: f64,
    /// Price of an hour of each slot of the pools of a load, busy or not: machines of one's own.
    pub slot_per_hour: f64,
    /// Price of a minute of call: the line, and whatever else is paid for by the minute.
    pub call_per_minute: f64,
}

/// A name of a currency is short.
const CURRENCY_CHARACTERS_MAX: usize = 16;

impl Prices {
    /// Whether all of them are prices; `at` is `[cost]`.
    pub(super) fn check(&self, at: Table<'_>) -> Result<(), Problem> {
        if self.currency.chars().count() > CURRENCY_CHARACTERS_MAX {
            let fix =
                format!("it is for display; give at most {CURRENCY_CHARACTERS_MAX} characters");
            return Err(at.problem("currency", fix));
        }
        let prices = [
            ("stt_per_minute", self.stt_per_minute),
            ("answer_per_1k_tokens", self.answer_per_1k_tokens),
            ("answer_per_request", self.answer_per_request),
            ("tts_per_1k_characters", self.tts_per_1k_characters),
            (
                "speech_to_speech_per_minute",
                self.speech_to_speech_per_minute,
            ),
            ("slot_per_hour", self.slot_per_hour),
            ("call_per_minute", self.call_per_minute),
        ];
        let is_wrong = |(_, price): &(&str, f64)| !(0.0..=PRICE_MAX).contains(price);
        match prices.into_iter().find(is_wrong) {
            None => Ok(()),
            Some((key, price)) => {
                let fix = format!("{price} is no price; give between 0 and {PRICE_MAX}");
                Err(at.problem(key, fix))
            }
        }
    }
}
