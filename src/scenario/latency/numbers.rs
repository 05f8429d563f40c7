//! The random numbers of one latency: the turn's own, or in part those of its conversation.

use super::normal;
use crate::rng::Draw;

/// How much of a normal draw is the conversation's, how much the turn's (all stages of it), and how much its own;
/// squares add up to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Weights {
    common: f64,
    turn: f64,
    own: f64,
}

impl Weights {
    /// The weights of the Gaussian copula with these correlations, which add up to at most 1.
    pub(super) fn of(correlation: f64, turn: f64) -> Weights {
        Weights {
            common: libm::sqrt(correlation),
            turn: libm::sqrt(turn),
            own: libm::sqrt((1.0 - correlation - turn).max(0.0)),
        }
    }

    pub(super) const OWN: Weights = Weights {
        common: 0.0,
        turn: 0.0,
        own: 1.0,
    };

    fn is_own(&self) -> bool {
        self.common == 0.0 && self.turn == 0.0
    }
}

/// Where the random numbers come from.
pub(super) struct Numbers<'a> {
    pub draw: &'a mut Draw,
    pub mood: &'a mut Draw,
    /// What the stages of a turn have in common; `None` outside of stages.
    pub turn: Option<&'a mut Draw>,
    pub weights: Weights,
}

impl Numbers<'_> {
    #[inline]
    pub(super) fn normal(&mut self) -> f64 {
        let own = self.draw.uniform();
        if self.weights.is_own() {
            return normal::quantile(own);
        }
        let mut sum = self.weights.own * normal::quantile(own);
        if self.weights.common > 0.0 {
            sum += self.weights.common * normal::quantile(self.mood.uniform());
        }
        if self.weights.turn > 0.0 {
            // Outside of a stage a number of the draw's own stands in for the turn's.
            let turn = self.turn.as_deref_mut().unwrap_or(self.draw);
            sum += self.weights.turn * normal::quantile(turn.uniform());
        }
        sum
    }

    #[inline]
    pub(super) fn uniform(&mut self) -> f64 {
        if self.weights.is_own() {
            return self.draw.uniform();
        }
        normal::share_below(self.normal())
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_draws::{correlated, draws, lognormal, sampled};
    use super::super::{LatencyModel, Work};

    /// Ranks from 0, of numbers that are all different.
    fn ranks(values: &[f64]) -> Vec<f64> {
        let mut order: Vec<usize> = (0..values.len()).collect();
        order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
        let mut ranks = vec![0.0; values.len()];
        order
            .iter()
            .enumerate()
            .for_each(|(rank, index)| ranks[*index] = rank as f64);
        ranks
    }

    fn rank_correlation(model: &LatencyModel) -> f64 {
        let count = 40_000;
        let [first, second] = [0, 1].map(|turn| ranks(&draws(model, turn, count)));
        let middle = (count as f64 - 1.0) / 2.0;
        let sum = |a: &[f64], b: &[f64]| {
            a.iter()
                .zip(b)
                .map(|(a, b)| (a - middle) * (b - middle))
                .sum::<f64>()
        };
        sum(&first, &second) / sum(&first, &first)
    }

    #[test]
    fn latencies_of_a_conversation_are_correlated_as_asked_for() {
        let (mean_ms, p95_ms) = (200.0, 400.0);
        for inner in [
            lognormal(247.0, 298.0),
            LatencyModel::Gamma { mean_ms, p95_ms },
            LatencyModel::Quantiles(vec![(0.0, 1.0), (0.5, 2.0), (1.0, 50.0)]),
        ] {
            for correlation in [0.0_f64, 0.4, 0.9] {
                let expected = 6.0 / std::f64::consts::PI * (correlation / 2.0).asin();
                let drawn = rank_correlation(&correlated(correlation, inner.clone()));
                assert!(
                    (drawn - expected).abs() < 0.02,
                    "{correlation}: {drawn}, not {expected}"
                );
            }
            assert!(rank_correlation(&inner).abs() < 0.02);
        }
    }

    #[test]
    fn with_a_correlation_of_one_all_turns_of_a_conversation_take_as_long() {
        let latency = correlated(1.0, lognormal(247.0, 298.0));
        let latency = latency.parse().expect("a latency");
        let at = |conversation, turn| sampled(&latency, (conversation, turn), Work::default());
        assert_eq!(at(3, 0), at(3, 17));
        assert_ne!(at(3, 0), at(4, 0));
    }
}
