//! What a simulated caller says, as data: for how long, and with which pauses.

use super::latency::{LatencyModel, Work};
use crate::rng::Seed;
use serde::{Deserialize, Serialize};
use std::ops::Range;
use std::time::Duration;

/// Speech of a turn, without sound.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Speech {
    /// How long the caller speaks, without the pauses.
    pub length: LatencyModel,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pauses: Vec<Pause>,
}

/// A pause inside a turn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pause {
    /// After so much speech; there is no pause if less is spoken.
    pub after_ms: u64,
    pub length: LatencyModel,
}

/// More pauses than this are no turn.
const PAUSES_MAX: usize = 1_000;

impl Speech {
    /// Why nobody can speak so, if nobody can.
    pub fn fault(&self) -> Option<String> {
        let lengths = std::iter::once(&self.length).chain(self.pauses.iter().map(|p| &p.length));
        let mut after = self.pauses.iter().map(|pause| pause.after_ms);
        if self.pauses.len() > PAUSES_MAX {
            return Some(format!(
                "{} pauses; give at most {PAUSES_MAX}",
                self.pauses.len()
            ));
        }
        if !after.clone().is_sorted_by(|one, next| one < next) || after.any(|ms| ms == 0) {
            return Some(
                "after_ms counts the speech before a pause: give times above 0, in rising order"
                    .into(),
            );
        }
        lengths.into_iter().find_map(LatencyModel::fault)
    }

    /// When the caller speaks in turn `row` of a conversation, counted from the beginning of it. At
    /// least a millisecond is spoken.
    pub fn sample(&self, seed: Seed, conversation: u64, row: u32) -> Vec<Range<Duration>> {
        let draw = |model: &LatencyModel, purpose: &str| {
            let source = seed.source("caller", purpose);
            let mut mood = source.draw(conversation, u32::MAX);
            let mut draw = source.draw(conversation, row);
            model
                .sampler()
                .sample(&mut draw, &mut mood, Work::default())
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
        assert_eq!(
            speech.sample(Seed(1), 0, 0),
            [ms(0)..ms(500), ms(1_200)..ms(2_700)]
        );
    }
}
