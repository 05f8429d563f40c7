//! How well scores tell interruptions from other sounds, whatever the threshold.

use crate::rng::Seed;
use serde::Serialize;
use std::collections::BTreeMap;

/// A sound with the score of a model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scored {
    /// Greater for interruptions; a probability where F1 is asked for.
    pub score: f64,
    pub is_interruption: bool,
}

/// Figures of one list of scores, each in 0..1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Ranking {
    /// The share of pairs of an interruption and another sound that are in the right order.
    pub auc: f64,
    /// Average precision over the recalls.
    pub pr_auc: f64,
    /// The F1 score with a threshold of one half.
    pub f1: f64,
    /// The share of other sounds above the score that 95 % of the interruptions reach.
    pub false_stops_at_95_recall: f64,
    pub precision_at_95_recall: f64,
}

/// The figures; `None` without both kinds of sounds.
pub fn ranking(scored: &[Scored]) -> Option<Ranking> {
    let positive = scored.iter().filter(|sound| sound.is_interruption).count() as f64;
    let negative = scored.len() as f64 - positive;
    if positive == 0.0 || negative == 0.0 {
        return None;
    }
    let mut order: Vec<&Scored> = scored.iter().collect();
    order.sort_by(|a, b| b.score.total_cmp(&a.score));
    let (mut hits, mut alarms) = (0.0, 0.0);
    let (mut auc, mut pr_auc) = (0.0, 0.0);
    let mut at_95 = None;
    for equal in order.chunk_by(|a, b| a.score == b.score) {
        let new_hits = equal.iter().filter(|sound| sound.is_interruption).count() as f64;
        let new_alarms = equal.len() as f64 - new_hits;
        auc += new_alarms * (hits + new_hits / 2.0);
        hits += new_hits;
        alarms += new_alarms;
        let precision = hits / (hits + alarms);
        pr_auc += new_hits * precision;
        if at_95.is_none() && hits >= 0.95 * positive {
            at_95 = Some((alarms / negative, precision));
        }
    }
    let (false_stops_at_95_recall, precision_at_95_recall) = at_95?;
    Some(Ranking {
        auc: auc / positive / negative,
        pr_auc: pr_auc / positive,
        f1: f1(scored),
        false_stops_at_95_recall,
        precision_at_95_recall,
    })
}

fn f1(scored: &[Scored]) -> f64 {
    let said = |sound: &&Scored| sound.score >= 0.5;
    let hits = scored
        .iter()
        .filter(said)
        .filter(|sound| sound.is_interruption)
        .count();
    let said = scored.iter().filter(said).count();
    let positive = scored.iter().filter(|sound| sound.is_interruption).count();
    2.0 * hits as f64 / (said + positive).max(1) as f64
}

impl Ranking {
    /// Every figure, in the order of the fields.
    pub fn figures(&self) -> [f64; 5] {
        [
            self.auc,
            self.pr_auc,
            self.f1,
            self.false_stops_at_95_recall,
            self.precision_at_95_recall,
        ]
    }
}

/// The middle 95 % of a figure over resamples.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Interval {
    pub low: f64,
    pub high: f64,
}

const RESAMPLES: u64 = 200;

/// Draws meetings with replacement, as many as there are, and says how the figures vary. Sounds of
/// one meeting stay together, since they are alike. Zero where no resample has figures.
pub fn bootstrap<T, const N: usize>(
    items: &[T],
    meeting: impl Fn(&T) -> &str,
    figures: impl Fn(&[&T]) -> Option<[f64; N]>,
    seed: Seed,
) -> [Interval; N] {
    let mut by_meeting: BTreeMap<&str, Vec<&T>> = BTreeMap::new();
    for item in items {
        by_meeting.entry(meeting(item)).or_default().push(item);
    }
    let meetings: Vec<Vec<&T>> = by_meeting.into_values().collect();
    let resample = |number| {
        let mut stream = seed.stream("bootstrap", number, 0, "meetings");
        let draw = |_| &meetings[(stream.uniform() * meetings.len() as f64) as usize];
        let drawn: Vec<&T> = (0..meetings.len()).flat_map(draw).copied().collect();
        figures(&drawn)
    };
    let resamples: Vec<[f64; N]> = (0..RESAMPLES).filter_map(resample).collect();
    std::array::from_fn(|figure| {
        let mut sorted: Vec<f64> = resamples.iter().map(|figures| figures[figure]).collect();
        sorted.sort_by(f64::total_cmp);
        let at = |share: f64| sorted.get((share * sorted.len() as f64) as usize).copied();
        Interval {
            low: at(0.025).unwrap_or(0.0),
            high: at(0.975).unwrap_or(0.0),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(scores: &[(f64, bool)], auc: f64, pr_auc: f64) {
        let scored: Vec<Scored> = scores
            .iter()
            .map(|(score, is_interruption)| Scored {
                score: *score,
                is_interruption: *is_interruption,
            })
            .collect();
        let ranking = ranking(&scored).expect("both kinds");
        assert!((ranking.auc - auc).abs() < 1e-12, "{ranking:?}");
        assert!((ranking.pr_auc - pr_auc).abs() < 1e-12, "{ranking:?}");
    }

    #[test]
    fn rankings_by_hand() {
        check(&[(0.9, true), (0.1, false)], 1.0, 1.0);
        check(&[(0.9, false), (0.1, true)], 0.0, 0.5);
        check(&[(0.5, true), (0.5, false)], 0.5, 0.5);
        check(
            &[(0.9, true), (0.8, false), (0.7, true), (0.1, false)],
            0.75,
            (1.0 + 2.0 / 3.0) / 2.0,
        );
    }

    #[test]
    fn one_kind_of_sound_has_no_ranking() {
        let scored = [Scored {
            score: 0.5,
            is_interruption: true,
        }];
        assert_eq!(ranking(&scored), None);
    }

    #[test]
    fn the_bootstrap_draws_whole_meetings() {
        // Within a meeting all are equal, so every mean is a multiple of one half.
        let items = [("a", 0.0), ("a", 0.0), ("b", 1.0), ("b", 1.0)];
        let mean = |drawn: &[&(&str, f64)]| {
            let mean = drawn.iter().map(|item| item.1).sum::<f64>() / drawn.len() as f64;
            assert!([0.0, 0.5, 1.0].contains(&mean));
            Some([mean])
        };
        let [interval] = bootstrap(&items, |item| item.0, mean, Seed(1));
        assert_eq!((interval.low, interval.high), (0.0, 1.0));
    }
}
