//! What a judgement of the sound adds to the log-odds of the words and the timing.
//!
//! The judge and the classifier go by different things, so that their evidence adds up: log-odds of the one, less those
//! of the average, beside log-odds of the other. A judge is surer of itself than it is right, so that little of its
//! log-odds counts. `Heard` is what a judge says of pauses and ends of which nobody has the sound.

use std::ops::RangeInclusive;

/// How much of the judge's log-odds counts.
const WEIGHT: f64 = 0.4;
/// The judge's log-odds where ends and pauses are equally many among what it judges so.
const AVERAGE: f64 = 1.0;
/// The judge's log-odds that count, of probabilities of .12 to .97: who sounds finished mostly is, but many who sound
/// unfinished have just read a list, or are a machine.
const LOG_ODDS: RangeInclusive<f64> = -2.0..=3.5;

/// How far apart ends and pauses lie in what the sound adds, in their standard deviation: a judge that finds the end
/// among an end and a pause 69 times of 100.
const SEPARATION: f64 = 0.7;
/// Quantiles of the standard normal distribution, in the middles of tenths.
const NORMAL: [f64; 10] = [
    -1.644_9, -1.036_4, -0.674_5, -0.385_3, -0.125_7, 0.125_7, 0.385_3, 0.674_5, 1.036_4, 1.644_9,
];

/// What a probability that the caller has finished, in 0..=1, by the sound alone, adds to the log-odds.
pub(super) fn adds(probability: f64) -> f64 {
    let log_odds = libm::log(probability / (1.0 - probability));
    let log_odds = match log_odds.is_nan() {
        true => AVERAGE,
        false => log_odds.clamp(*LOG_ODDS.start(), *LOG_ODDS.end()),
    };
    WEIGHT * (log_odds - AVERAGE)
}

/// What the sound adds, for people: `it sounds finished (+0.42)`.
pub(super) fn phrase(added: f64) -> String {
    let how = match added >= 0.0 {
        true => "finished",
        false => "unfinished",
    };
    format!("it sounds {how} ({added:+.2})")
}

/// What the sound adds to ends, or to pauses, that were not heard: ten values that are equally probable, as evidence that
/// is worth what it says comes out.
pub(super) fn unheard(is_end: bool) -> impl Iterator<Item = f64> {
    let middle = 0.5 * SEPARATION * SEPARATION;
    let middle = if is_end { middle } else { -middle };
    NORMAL.into_iter().map(move |of| middle + SEPARATION * of)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_sounds_finished_has_better_odds_and_no_judgement_settles_it() {
        let adds = [0.0, 0.2, 0.5, 0.9, 1.0].map(adds);
        assert!(adds.is_sorted(), "{adds:?}");
        assert!(adds.iter().all(|added| added.abs() < 2.0), "{adds:?}");
        assert!(super::adds(f64::NAN).abs() < 1e-9);
        assert_eq!(phrase(super::adds(0.02)), "it sounds unfinished (-1.20)");
    }

    /// Evidence is worth what it says if ends are exp(x) times as frequent as pauses where it adds x.
    #[test]
    fn what_is_unheard_is_worth_what_it_says() {
        let mean = |is_end| unheard(is_end).map(|added| libm::exp(-added)).sum::<f64>() / 10.0;
        assert!((mean(true) - 1.0).abs() < 0.05, "{}", mean(true));
        let (ends, pauses) = (unheard(true), unheard(false));
        assert!(ends.zip(pauses).all(|(end, pause)| end > pause));
    }
}
