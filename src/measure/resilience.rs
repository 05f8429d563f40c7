//! How often resilience policies took effect on stages that failed or took too long.

use crate::event::{Mark, ResilienceStep, StageName};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How often each resilience policy (retry, hedge, breaker, fallback) took effect, by stage. Replies that
/// were prepared in vain count too.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ResilienceCounts(BTreeMap<StageName, BTreeMap<ResilienceStep, u64>>);

impl ResilienceCounts {
    pub(super) fn add(&mut self, mark: &Mark) {
        if let Mark::Cured { stage, by } = mark {
            *self.0.entry(*stage).or_default().entry(*by).or_default() += 1;
        }
    }

    pub(super) fn merge(&mut self, other: &ResilienceCounts) {
        for (stage, counts) in &other.0 {
            let own = self.0.entry(*stage).or_default();
            for (by, count) in counts {
                let own = own.entry(*by).or_default();
                *own = own.saturating_add(*count);
            }
        }
    }

    /// Whether no resilience policy took effect.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How often `by` was done about `stage`.
    pub fn count(&self, stage: StageName, by: ResilienceStep) -> u64 {
        let counts = self.0.get(&stage);
        counts
            .and_then(|counts| counts.get(&by))
            .copied()
            .unwrap_or(0)
    }

    /// The counts by what was done, one stage after the other.
    pub fn iter(&self) -> impl Iterator<Item = (StageName, &BTreeMap<ResilienceStep, u64>)> {
        self.0.iter().map(|(stage, counts)| (*stage, counts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_add_up_by_stage_and_by_what_was_done() {
        let of = |marks: &[(StageName, ResilienceStep)]| {
            let mut cures = ResilienceCounts::default();
            for (stage, by) in marks {
                let (stage, by) = (*stage, *by);
                cures.add(&Mark::Cured { stage, by });
            }
            cures
        };
        use ResilienceStep::{Hedged, Retried};
        use StageName::{Answer, TextToSpeech};
        let mut all = of(&[(Answer, Retried), (Answer, Hedged)]);
        all.merge(&of(&[(Answer, Retried), (TextToSpeech, Hedged)]));
        let json = serde_json::to_string(&all).expect("JSON");
        assert_eq!(
            json,
            r#"{"answer":{"retried":2,"hedged":1},"text_to_speech":{"hedged":1}}"#
        );
        assert_eq!(all.count(Answer, Retried), 2);
        assert_eq!(all.count(TextToSpeech, Retried), 0);
    }
}
