//! Measures the curves that a simulation draws from: `curves.json`.

use super::policies::policy;
use super::track::{STEPS, stops_after, time_of};
use crate::event::InterruptionPolicy;
use crate::interrupt::curve::{Curve, Curves, Sound};
use crate::interrupt::heard::{Context, Listening};
use crate::interrupt::model::Weights;
use crate::interrupt::model::WeightsError;
use crate::interrupt::overlaps::{Overlap, Task};
use crate::interrupt::rows::{Hearing, Replay};
use std::time::Duration;

/// The corpus that headline figures are of: the one with laughs and coughs.
pub const CORPUS: &str = "ami";

/// Steps between the quantiles of the delays: a twentieth of the stops lies between two of them.
const QUANTILE_STEPS: usize = 20;

/// A short noise, as long as a cough.
const NOISE: Duration = Duration::from_millis(300);

/// Coughs and noises that were played over an answer, none of which stopped the classifier: two
/// recordings at three moments of the answer and four levels of noise (`tests/it/interruptions.rs`).
/// It was asked about the coughs; the ear kept the white noise from it.
const NOISES_PLAYED: usize = 24;

/// Why there are no curves.
#[derive(Debug, thiserror::Error)]
pub enum CurvesError {
    #[error(
        "the data have no {kind} of two speakers in corpus \"{corpus}\"; give overlaps that have some"
    )]
    None { kind: &'static str, corpus: String },
    #[error(transparent)]
    Policy(#[from] WeightsError),
}

/// Follows every policy, with words, over the two-party sounds of the strict task in one corpus:
/// the selection of the headline figures.
pub fn curves(
    overlaps: &[Overlap],
    corpus: &str,
    weights: &Weights,
    word_delay: Duration,
) -> Result<Curves, CurvesError> {
    let of_kind = |is_interruption: bool, kind| {
        let found: Vec<&Overlap> = overlaps
            .iter()
            .filter(|overlap| counts(overlap, corpus) == Some(is_interruption))
            .collect();
        if found.is_empty() {
            let corpus = corpus.to_owned();
            return Err(CurvesError::None { kind, corpus });
        }
        Ok(found)
    };
    let interruptions = of_kind(true, "interruptions")?;
    let others = of_kind(false, "back-channels")?;
    let hearing = Hearing::Clean { word_delay };
    let mut curves = Vec::new();
    for name in InterruptionPolicy::ALL {
        for sound in Sound::ALL {
            curves.push(match sound {
                Sound::Interruption => measured(name, sound, &interruptions, hearing, weights)?,
                Sound::Backchannel => measured(name, sound, &others, hearing, weights)?,
                Sound::Noise => noise(name, weights)?,
            });
        }
    }
    Ok(Curves {
        schema: "voicesim.stop_curves/1".to_owned(),
        corpus: corpus.to_owned(),
        word_delay_ms: whole_ms(word_delay).into(),
        within_ms: whole_ms(time_of(STEPS - 1)).into(),
        curves,
    })
}

/// Whether a sound that counts is an interruption.
fn counts(overlap: &Overlap, corpus: &str) -> Option<bool> {
    let truth = overlap.truth.as_ref()?;
    let is_in = truth.corpus == corpus && truth.is_two_party;
    is_in.then(|| Task::Strict.is_interruption(truth.label))?
}

fn measured(
    name: InterruptionPolicy,
    sound: Sound,
    overlaps: &[&Overlap],
    hearing: Hearing,
    weights: &Weights,
) -> Result<Curve, WeightsError> {
    let mut policy = policy(name, weights)?;
    let mut after = |overlap: &&Overlap| {
        let replay = Replay::of(overlap, hearing)?;
        let after = stops_after(policy.as_mut(), &replay, Listening::WithWords)?;
        Some(whole_ms(after + replay.noticed_after))
    };
    let mut after_ms: Vec<u32> = overlaps.iter().filter_map(&mut after).collect();
    after_ms.sort_unstable();
    let share = after_ms.len() as f64 / overlaps.len() as f64;
    Ok(Curve {
        policy: name,
        sound,
        stops: (share * 1e4).round() / 1e4,
        events: overlaps.len(),
        after_ms: quantiles(&after_ms),
        note: None,
    })
}

/// No noise is labelled in the data. The classifier's figure is from recordings; what the other
/// policies do follows from their rules.
fn noise(name: InterruptionPolicy, weights: &Weights) -> Result<Curve, WeightsError> {
    let (after, events, note) = if name == InterruptionPolicy::Classifier {
        let note = format!(
            "not of the corpus: none of {NOISES_PLAYED} plays over an answer stopped it, half of a cough that it was asked about, half of white noise that the ear kept from it (tests/it/interruptions.rs)"
        );
        (None, NOISES_PLAYED, note)
    } else {
        let context = Context::default();
        let replay = Replay::of_activity(vec![(Duration::ZERO, NOISE)], &context);
        let after = stops_after(
            policy(name, weights)?.as_mut(),
            &replay,
            Listening::WithWords,
        );
        let note = format!(
            "not measured: what the rule does about {} ms of sound that is taken for voice, and no words",
            NOISE.as_millis()
        );
        (after, 0, note)
    };
    let after_ms: Vec<u32> = after.map(whole_ms).into_iter().collect();
    Ok(Curve {
        policy: name,
        sound: Sound::Noise,
        stops: f64::from(u8::from(!after_ms.is_empty())),
        events,
        after_ms: quantiles(&after_ms),
        note: Some(note),
    })
}

/// Quantiles at equal steps of the share, each a delay that occurred, as the median and p90 of the figures
/// are; empty without delays.
pub(in crate::interrupt) fn quantiles(sorted_ms: &[u32]) -> Vec<u32> {
    let at = |step: usize| {
        let index = step * sorted_ms.len() / QUANTILE_STEPS;
        sorted_ms.get(index).or(sorted_ms.last()).copied()
    };
    (0..=QUANTILE_STEPS).filter_map(at).collect()
}

/// Whole milliseconds; a u32 holds 49 days of them.
fn whole_ms(time: Duration) -> u32 {
    time.as_millis() as u32
}

/// The text of the file of curves: a line for each curve.
pub fn curves_as_text(curves: &Curves) -> Result<String, serde_json::Error> {
    let text = serde_json::to_string(curves)?;
    Ok(text.replace("{\"policy\"", "\n{\"policy\"") + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interrupt::eval::Sounds;
    use crate::interrupt::eval::tests::{MADE_UP, overlaps};
    use crate::interrupt::eval::track::tracks;
    use crate::interrupt::model::shipped;
    use crate::interrupt::rows::WORD_DELAY;

    fn of_made_up() -> Curves {
        let weights = shipped().expect("weights");
        curves(&overlaps(), MADE_UP, weights, WORD_DELAY).expect("curves")
    }

    #[test]
    fn curves_agree_with_the_figures_of_the_same_sounds() {
        let weights = shipped().expect("weights");
        let overlaps = overlaps();
        let listening = Listening::WithWords;
        let sounds = Sounds {
            corpus: MADE_UP,
            hearing_name: "clean",
            hearing: Hearing::CLEAN,
            listening,
            weights,
            tracks: tracks(&overlaps, Hearing::CLEAN, listening, |heard| {
                weights.log_odds(heard)
            }),
        };
        let curves = of_made_up().curves;
        for row in sounds.policies().iter().take(InterruptionPolicy::ALL.len()) {
            let of = |sound| {
                let mut curves = curves.iter();
                let found =
                    curves.find(|curve| curve.policy.name() == row.policy && curve.sound == sound);
                found.expect("a curve")
            };
            let (interruption, other) = (of(Sound::Interruption), of(Sound::Backchannel));
            assert!((interruption.stops - row.recall).abs() < 1e-4, "{row:?}");
            assert!((other.stops - row.false_stops).abs() < 1e-4, "{row:?}");
            assert_eq!(interruption.events, row.cell.interruptions);
            assert_eq!(
                interruption.events + other.events,
                row.cell.sounds,
                "{row:?}"
            );
            let median_ms = interruption.after_ms.get(QUANTILE_STEPS / 2);
            let median_ms = f64::from(median_ms.copied().unwrap_or(0));
            assert!((median_ms - row.delay_p50_ms).abs() < 1e-6, "{row:?}");
        }
    }

    #[test]
    fn the_text_has_a_line_a_curve_and_reads_back_the_same() {
        let curves = of_made_up();
        let text = curves_as_text(&curves).expect("text");
        assert_eq!(text.lines().count(), 1 + curves.curves.len());
        let read: Curves = serde_json::from_str(&text).expect("curves");
        assert_eq!(read, curves);
    }

    #[test]
    fn a_corpus_that_is_not_in_the_data_is_named() {
        let weights = shipped().expect("weights");
        let error = curves(&overlaps(), "calls", weights, WORD_DELAY).expect_err("no such sounds");
        let error = error.to_string();
        assert!(
            error.contains("no interruptions") && error.contains("\"calls\""),
            "{error}"
        );
    }

    #[test]
    fn quantiles_are_delays_that_occurred() {
        let delays_ms: Vec<u32> = (1..=10).map(|step| 50 * step).collect();
        let quantiles = quantiles(&delays_ms);
        assert_eq!((quantiles[0], quantiles[10], quantiles[20]), (50, 300, 500));
        assert_eq!(super::quantiles(&[]), Vec::<u32>::new());
    }
}
