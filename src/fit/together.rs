//! What latencies have in common: within a conversation, and between the stages of a turn, after what the work explains.

use std::collections::BTreeMap;

/// A weaker correlation makes no difference to a percentile.
const TELLING: f64 = 0.05;

/// A correlation is taken for one if it is so many standard errors from none.
const ERRORS: f64 = 2.0;

/// Correlations in a profile have two digits.
fn short(correlation: f64) -> f64 {
    libm::round(correlation.clamp(0.0, 0.95) * 100.0) / 100.0
}

/// The correlation of a stage's draws within a conversation, from their normal numbers (an analysis of variance in one
/// way); 0 if there is none, or too little to tell.
pub(super) fn within_conversations(scores: &[(u32, f64)]) -> f64 {
    let mut groups: BTreeMap<u32, Vec<f64>> = BTreeMap::new();
    for (conversation, score) in scores {
        groups.entry(*conversation).or_default().push(*score);
    }
    let (k, n) = (groups.len() as f64, scores.len() as f64);
    if k < 5.0 || n - k < 10.0 {
        return 0.0;
    }
    let mean = scores.iter().map(|(_, score)| score).sum::<f64>() / n;
    let (mut between, mut within, mut squares) = (0.0, 0.0, 0.0);
    for group in groups.values() {
        let size = group.len() as f64;
        let own = group.iter().sum::<f64>() / size;
        between += size * (own - mean).powi(2);
        within += group.iter().map(|score| (score - own).powi(2)).sum::<f64>();
        squares += size * size;
    }
    let (between, within) = (between / (k - 1.0), within / (n - k));
    let size = (n - squares / n) / (k - 1.0);
    let correlation = (between - within) / (between + (size - 1.0) * within).max(1e-12);
    let error = (2.0 / (size * (size - 1.0).max(0.1) * (k - 1.0))).sqrt();
    match correlation >= TELLING && correlation > ERRORS * error {
        true => short(correlation),
        false => 0.0,
    }
}

/// The correlation between the stages of a turn: of the first draw of each stage, over all pairs of stages; 0 if there
/// is none, or too little to tell.
pub(super) fn within_turns(stages: &[Vec<((u32, u32), f64)>]) -> f64 {
    let by_turn = |stage: &[((u32, u32), f64)]| {
        let mut first: BTreeMap<(u32, u32), f64> = BTreeMap::new();
        for (turn, score) in stage {
            first.entry(*turn).or_insert(*score);
        }
        first
    };
    let stages: Vec<BTreeMap<(u32, u32), f64>> =
        stages.iter().map(|stage| by_turn(stage)).collect();
    let (mut xy, mut xx, mut yy, mut count) = (0.0, 0.0, 0.0, 0);
    for (index, stage) in stages.iter().enumerate() {
        for other in &stages[index + 1..] {
            let pairs: Vec<(f64, f64)> = stage
                .iter()
                .filter_map(|(turn, score)| Some((*score, *other.get(turn)?)))
                .collect();
            let n = pairs.len().max(1) as f64;
            let mean_x = pairs.iter().map(|(x, _)| x).sum::<f64>() / n;
            let mean_y = pairs.iter().map(|(_, y)| y).sum::<f64>() / n;
            for (x, y) in &pairs {
                xy += (x - mean_x) * (y - mean_y);
                xx += (x - mean_x).powi(2);
                yy += (y - mean_y).powi(2);
            }
            count += pairs.len();
        }
    }
    if count < 30 {
        return 0.0;
    }
    let correlation = xy / (xx * yy).sqrt().max(1e-12);
    match correlation >= TELLING && correlation > ERRORS / (count as f64).sqrt() {
        true => short(correlation),
        false => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Seed;

    #[test]
    fn a_correlation_within_conversations_is_found_and_none_is_none() {
        let mut stream = Seed(2).stream("fit", 0, 0, "session");
        for rho in [0.0, 0.4_f64] {
            let mut scores = Vec::new();
            for conversation in 0..150 {
                let common = stream.normal();
                for _ in 0..8 {
                    let own = stream.normal();
                    scores.push((conversation, rho.sqrt() * common + (1.0 - rho).sqrt() * own));
                }
            }
            let found = within_conversations(&scores);
            assert!((found - rho).abs() < 0.08, "{found}, not {rho}");
        }
        assert_eq!(within_conversations(&[(0, 1.0), (0, 1.1)]), 0.0);
    }

    #[test]
    fn a_correlation_between_the_stages_of_a_turn_is_found_and_none_is_none() {
        let mut stream = Seed(3).stream("fit", 0, 0, "turn");
        for rho in [0.0, 0.32_f64] {
            let (mut first, mut second) = (Vec::new(), Vec::new());
            for turn in 0..600 {
                let common = stream.normal();
                let mut score = || rho.sqrt() * common + (1.0 - rho).sqrt() * stream.normal();
                first.push(((turn / 8, turn % 8), score()));
                second.push(((turn / 8, turn % 8), score()));
            }
            let found = within_turns(&[first, second]);
            assert!((found - rho).abs() < 0.1, "{found}, not {rho}");
        }
        assert_eq!(within_turns(&[]), 0.0);
    }
}
