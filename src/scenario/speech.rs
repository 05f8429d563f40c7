//! What a simulated caller says: for how long, and with which pauses.

use super::latency::{Latency, LatencyModel, Work};
use crate::rng::Randomness;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::ops::Range;
use std::time::Duration;

/// Speech of a turn, without sound; latencies as they are written or, once parsed, to draw from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, bound(deserialize = "L: Deserialize<'de>"))]
#[schemars(bound = "L: JsonSchema", rename = "Speech")]
pub struct Speech<L = LatencyModel> {
    /// How long the caller speaks, without the pauses.
    pub length: L,
    /// Pauses inside the turn, in order, up to 1,000.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pauses: Vec<Pause<L>>,
}

/// A pause inside a turn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(bound = "L: JsonSchema", rename = "Pause")]
pub struct Pause<L = LatencyModel> {
    /// Milliseconds of speech before the pause, above 0; there is no pause if less is spoken.
    pub after_ms: u64,
    /// How long the pause is.
    pub length: L,
}

/// More pauses than this are no turn.
const PAUSES_MAX: usize = 1_000;

impl Speech {
    /// What the table means.
    ///
    /// # Errors
    /// Why nobody can speak so, and how to mend it.
    pub(super) fn parse(&self) -> Result<Speech<Latency>, String> {
        if self.pauses.len() > PAUSES_MAX {
            return Err(format!(
                "{} pauses; give at most {PAUSES_MAX}",
                self.pauses.len()
            ));
        }
        let mut after = self.pauses.iter().map(|pause| pause.after_ms);
        if !after.clone().is_sorted_by(|one, next| one < next) || after.any(|ms| ms == 0) {
            return Err(
                "after_ms counts the speech before a pause: give times above 0, in rising order"
                    .into(),
            );
        }
        let pause = |pause: &Pause| {
            Ok(Pause {
                after_ms: pause.after_ms,
                length: pause.length.parse()?,
            })
        };
        Ok(Speech {
            length: self.length.parse()?,
            pauses: self
                .pauses
                .iter()
                .map(pause)
                .collect::<Result<_, String>>()?,
        })
    }
}

impl Speech<Latency> {
    /// When the caller speaks in turn `row` of a conversation, counted from the beginning of it. At
    /// least a millisecond is spoken.
    pub fn sample(&self, random: Randomness, conversation: u64, row: u32) -> Vec<Range<Duration>> {
        let draw = |latency: &Latency, purpose: &str| {
            let source = random.source("caller", purpose);
            let mut mood = source.draw(conversation, u32::MAX);
            let mut draw = source.draw(conversation, row);
            latency.sample(&mut draw, &mut mood, Work::default())
        };
        let length = draw(&self.length, "length").max(Duration::from_millis(1));
        let mut stretches = Vec::new();
        let (mut at, mut spoken) = (Duration::ZERO, Duration::ZERO);
        for (index, pause) in self.pauses.iter().enumerate() {
            let after = Duration::from_millis(pause.after_ms);
            if after >= length {
                break;
            }
            let end = at + (after - spoken);
            stretches.push(at..end);
            at = end + draw(&pause.length, &format!("pause {index}"));
            spoken = after;
        }
        stretches.push(at..at + (length - spoken));
        stretches
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Seed;

    #[test]
    fn pauses_lie_between_stretches_of_speech() {
        let speech = Speech {
            length: LatencyModel::FixedMs(2_000.0),
            pauses: vec![
                Pause {
                    after_ms: 500,
                    length: LatencyModel::FixedMs(700.0),
                },
                Pause {
                    after_ms: 5_000,
                    length: LatencyModel::FixedMs(700.0),
                },
            ],
        };
        let ms = Duration::from_millis;
        let speech = speech.parse().expect("speech");
        assert_eq!(
            speech.sample(Seed(1).into(), 0, 0),
            [ms(0)..ms(500), ms(1_200)..ms(2_700)]
        );
    }
}
