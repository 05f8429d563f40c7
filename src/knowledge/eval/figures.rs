//! How well questions were answered: hit@1, hit@5, mean reciprocal rank, and right refusals, with their intervals.

use crate::interval::wilson;
use serde::Serialize;

use crate::rng::Seed;

/// How many places are looked at; an answer further down counts as not found.
pub const RANKS_MAX: usize = 10;
const RESAMPLES: u64 = 2_000;
/// The seed of the resamples, so that equal results have equal intervals.
const SEED: Seed = Seed(1);

/// What came of one question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The question has an answer, whose place came in this rank, from 0; `None` if it was not found or not told.
    Ranked(Option<usize>),
    /// The question has no answer, and that was said.
    Refused,
    /// The question has no answer, and one was given.
    MadeUp,
}

/// A share, or a mean, with 95 % of what chance might make of it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Figure {
    pub value: f64,
    pub low: f64,
    pub high: f64,
}

/// The figures of a set of questions.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Figures {
    pub with_answer: usize,
    pub without_answer: usize,
    /// The share of the questions with an answer whose place came first, and among the first five.
    pub hit_at_1: Option<Figure>,
    pub hit_at_5: Option<Figure>,
    /// The mean of one over the rank, 0 beyond [`RANKS_MAX`].
    pub mrr: Option<Figure>,
    /// The share of the questions without an answer to which it was said that nothing is known.
    pub right_refusals: Option<Figure>,
}

impl Figures {
    pub fn of(outcomes: &[Outcome]) -> Figures {
        let ranks: Vec<Option<usize>> = outcomes
            .iter()
            .filter_map(|outcome| match outcome {
                Outcome::Ranked(rank) => Some(*rank),
                _ => None,
            })
            .collect();
        let within = |places: usize| {
            let hits = ranks.iter().flatten().filter(|rank| **rank < places);
            share(hits.count(), ranks.len())
        };
        let reciprocal: Vec<f64> = ranks.iter().map(|rank| reciprocal(*rank)).collect();
        let refused = outcomes.iter().filter(|o| **o == Outcome::Refused).count();
        let without_answer = outcomes.len() - ranks.len();
        Figures {
            with_answer: ranks.len(),
            without_answer,
            hit_at_1: within(1),
            hit_at_5: within(5),
            mrr: mean(&reciprocal),
            right_refusals: share(refused, without_answer),
        }
    }
}

fn reciprocal(rank: Option<usize>) -> f64 {
    rank.filter(|rank| *rank < RANKS_MAX)
        .map_or(0.0, |rank| 1.0 / (rank + 1) as f64)
}

/// A share with its interval.
fn share(hits: usize, of: usize) -> Option<Figure> {
    if of == 0 {
        return None;
    }
    let value = hits as f64 / of as f64;
    let (low, high) = wilson(value, of as f64);
    Some(Figure { value, low, high })
}

/// A mean with its interval by bootstrap over the questions (Efron 1979), percentile method.
fn mean(values: &[f64]) -> Option<Figure> {
    if values.is_empty() {
        return None;
    }
    let n = values.len() as f64;
    let mut means: Vec<f64> = (0..RESAMPLES)
        .map(|resample| {
            let mut luck = SEED.stream("index-eval", resample, 0, "bootstrap");
            let drawn = values.iter().map(|_| {
                // Truncation is meant: a uniform draw below 1 gives each place alike.
                let at = (luck.uniform() * n) as usize;
                values.get(at).copied().unwrap_or_default()
            });
            drawn.sum::<f64>() / n
        })
        .collect();
    means.sort_by(f64::total_cmp);
    let quantile = |share: f64| {
        let at = (share * means.len() as f64) as usize;
        means
            .get(at.min(means.len() - 1))
            .copied()
            .unwrap_or_default()
    };
    Some(Figure {
        value: values.iter().sum::<f64>() / n,
        low: quantile(0.025),
        high: quantile(0.975),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(figure: Option<Figure>) -> f64 {
        (figure.unwrap().value * 1e6).round() / 1e6
    }

    #[test]
    fn hits_ranks_and_refusals_are_counted_as_by_hand() {
        let ranked = [Some(0), Some(0), Some(1), Some(4), Some(5), Some(10), None];
        let mut outcomes: Vec<Outcome> = ranked.map(Outcome::Ranked).to_vec();
        outcomes.extend([Outcome::Refused, Outcome::MadeUp, Outcome::Refused]);
        let figures = Figures::of(&outcomes);
        assert_eq!((figures.with_answer, figures.without_answer), (7, 3));
        assert_eq!(value(figures.hit_at_1), 0.285_714);
        assert_eq!(value(figures.hit_at_5), 0.571_429);
        // 1 + 1 + 1/2 + 1/5 + 1/6 + 0 + 0, by seven.
        assert_eq!(value(figures.mrr), 0.409_524);
        assert_eq!(value(figures.right_refusals), 0.666_667);
    }

    #[test]
    fn intervals_hold_the_value_and_lie_between_nothing_and_all() {
        // Wilson's interval of 9 in 10, by hand: .596 to .982.
        let nine = share(9, 10).unwrap();
        assert!((nine.low - 0.5958).abs() < 1e-3 && (nine.high - 0.9821).abs() < 1e-3);
        let all = share(5, 5).unwrap();
        assert!(all.high == 1.0 && all.low < 0.6);
        let mixed = mean(&[1.0, 0.0, 1.0, 0.5]).unwrap();
        assert!(mixed.low < mixed.value && mixed.value < mixed.high);
        assert_eq!(mean(&[1.0, 0.0, 1.0, 0.5]), Some(mixed));
        assert_eq!(Figures::of(&[]).hit_at_1, None);
    }
}
