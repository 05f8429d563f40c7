//! What a policy does about a sound over the agent where there is no sound to decide on: whether it
//! stops, and how soon, as it did for sounds of real meetings. A simulation draws from this.

use crate::event::InterruptionPolicy;
use serde::{Deserialize, Serialize};
use std::sync::LazyLock;
use std::time::Duration;

/// The curves that voicesim comes with. `voicesim classifier eval --curves` measures them again.
static SHIPPED: LazyLock<Curves> = LazyLock::new(|| {
    // The file is part of the binary, and a test reads it: it cannot fail to parse.
    serde_json::from_str(include_str!("curves.json")).unwrap_or_default()
});

/// What a sound over the agent is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sound {
    /// The caller takes the floor.
    Interruption,
    /// The caller shows that they listen: "mm-hmm", a laugh.
    Backchannel,
    /// Nobody speaks: 300 ms of a cough, a door, a dog.
    Noise,
}

impl Sound {
    pub const ALL: [Sound; 3] = [Sound::Interruption, Sound::Backchannel, Sound::Noise];
}

/// A file of curves: what they were measured on, and one for each policy and kind of sound.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Curves {
    pub schema: String,
    /// Where the sounds are from: a corpus that [`super::overlaps`] names.
    pub corpus: String,
    /// How long after its end a word was known.
    pub word_delay_ms: u64,
    /// How long a sound was followed; a later stop is none.
    pub within_ms: u64,
    pub curves: Vec<Curve>,
}

/// What one policy does about one kind of sound.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Curve {
    pub policy: InterruptionPolicy,
    pub sound: Sound,
    /// The share of the sounds that it stops for, in 0..=1.
    pub stops: f64,
    /// How many sounds the share was measured on; 0 if it follows from the policy's rule alone.
    pub events: usize,
    /// How long after the onset it stops, when it does: quantiles at equal steps of the share, the
    /// least first and the greatest last. Empty if it never stops.
    pub after_ms: Vec<u32>,
    /// Where the figures are from; `None` if from the corpus.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// What a policy does about one kind of sound; `None` if that was never measured.
pub fn curve(policy: InterruptionPolicy, sound: Sound) -> Option<&'static Curve> {
    let mut curves = SHIPPED.curves.iter();
    curves.find(|curve| curve.policy == policy && curve.sound == sound)
}

impl Curve {
    /// When the policy stops, counted from the onset; `None` if it does not. `chance` and `at` are uniform in
    /// (0, 1): the first decides whether, the second how soon, on a straight line between two quantiles.
    pub fn stop_after(&self, chance: f64, at: f64) -> Option<Duration> {
        if chance >= self.stops {
            return None;
        }
        let last = self.after_ms.len().checked_sub(1)?;
        let place = at.clamp(0.0, 1.0) * last as f64;
        // Cuts off what lies between two quantiles, on purpose.
        let below = place as usize;
        let low_ms = f64::from(*self.after_ms.get(below)?);
        let high_ms = f64::from(*self.after_ms.get((below + 1).min(last))?);
        let after_ms = low_ms + (high_ms - low_ms) * (place - below as f64);
        Some(Duration::from_micros((after_ms * 1e3).round() as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interrupt::rows::WORD_DELAY;

    const CARD: &str = include_str!("MODEL_CARD.md");

    fn shipped(policy: InterruptionPolicy, sound: Sound) -> &'static Curve {
        curve(policy, sound).expect("a curve")
    }

    /// Recall, false stops, median and p90 of the card's clean figures for AMI with words.
    fn on_the_card(policy: InterruptionPolicy) -> [f64; 4] {
        let row = format!("| AMI | yes | clean | {policy} |");
        let line = CARD.lines().find(|line| line.starts_with(&row));
        let figures = line.expect("a row").trim_start_matches(&row).split('|');
        let first = |cell: &str| cell.split_whitespace().next()?.parse().ok();
        let figures: Vec<f64> = figures.filter_map(first).collect();
        figures.try_into().expect("four figures")
    }

    #[test]
    fn every_policy_has_a_curve_for_every_sound() {
        for name in InterruptionPolicy::ALL {
            for sound in Sound::ALL {
                let curve = shipped(name, sound);
                assert!((0.0..=1.0).contains(&curve.stops), "{curve:?}");
                assert!(curve.after_ms.is_sorted(), "{curve:?}");
                let points = if curve.stops > 0.0 { 21 } else { 0 };
                assert_eq!(curve.after_ms.len(), points, "{curve:?}");
                assert_eq!(curve.note.is_some(), sound == Sound::Noise, "{curve:?}");
            }
        }
        assert_eq!(
            SHIPPED.curves.len(),
            InterruptionPolicy::ALL.len() * Sound::ALL.len()
        );
    }

    #[test]
    fn the_curves_say_what_the_model_card_says() {
        for policy in [
            InterruptionPolicy::Classifier,
            InterruptionPolicy::Vad500Ms,
            InterruptionPolicy::MinWords,
        ] {
            let [recall, false_stops, p50_ms, p90_ms] = on_the_card(policy);
            let interruption = shipped(policy, Sound::Interruption);
            let backchannel = shipped(policy, Sound::Backchannel);
            // The card has three digits, the curves four.
            let agree = |stops: f64, card: f64| (stops - card).abs() < 0.0006;
            assert!(agree(interruption.stops, recall), "{interruption:?}");
            assert!(agree(backchannel.stops, false_stops), "{backchannel:?}");
            let at = |tenths: usize| f64::from(interruption.after_ms[2 * tenths]);
            assert_eq!([at(5), at(9)], [p50_ms, p90_ms], "{policy}");
        }
        assert_eq!(u128::from(SHIPPED.word_delay_ms), WORD_DELAY.as_millis());
    }

    #[test]
    fn rules_that_ask_for_nothing_are_what_they_say() {
        for sound in Sound::ALL {
            assert_eq!(
                shipped(InterruptionPolicy::Never, sound).stop_after(0.001, 0.5),
                None
            );
            let first = shipped(InterruptionPolicy::Always, sound).stop_after(0.999, 0.999);
            assert_eq!(first, Some(Duration::from_millis(50)));
        }
    }

    #[test]
    fn noise_is_neither_words_nor_half_a_second_of_voice() {
        for policy in [
            InterruptionPolicy::Classifier,
            InterruptionPolicy::Vad500Ms,
            InterruptionPolicy::MinWords,
        ] {
            assert_eq!(shipped(policy, Sound::Noise).stop_after(0.001, 0.5), None);
        }
    }

    #[test]
    fn a_later_draw_is_never_a_sooner_stop() {
        let curve = shipped(InterruptionPolicy::Classifier, Sound::Interruption);
        let draws = (1..1_000).map(|draw| f64::from(draw) / 1e3);
        let after: Vec<Option<Duration>> = draws.map(|at| curve.stop_after(0.5, at)).collect();
        assert!(after.iter().all(Option::is_some));
        assert!(after.is_sorted());
        let ends_ms = [0.0, 0.5, 0.9, 1.0].map(|at| curve.stop_after(0.0, at));
        let [_, p50, p90, _] = ends_ms;
        assert_eq!(p50, Some(Duration::from_millis(600)));
        assert_eq!(p90, Some(Duration::from_millis(1_100)));
        let most = curve.after_ms.last().copied().map(u64::from);
        assert_eq!(ends_ms[3], most.map(Duration::from_millis));
    }

    #[test]
    fn it_stops_for_the_share_it_was_measured_to() {
        let even = |draws: u32| (0..draws).map(move |n| (f64::from(n) + 0.5) / f64::from(draws));
        for name in InterruptionPolicy::ALL {
            for sound in Sound::ALL {
                let curve = shipped(name, sound);
                let stops = even(10_000).filter(|chance| curve.stop_after(*chance, 0.5).is_some());
                let share = stops.count() as f64 / 1e4;
                assert!((share - curve.stops).abs() < 1e-3, "{curve:?}");
            }
        }
    }

    #[test]
    fn a_stop_between_two_quantiles_lies_straight_between_them() {
        let curve = Curve {
            policy: InterruptionPolicy::Classifier,
            sound: Sound::Interruption,
            stops: 0.5,
            events: 4,
            after_ms: vec![100, 200, 600],
            note: None,
        };
        let after = |at| curve.stop_after(0.25, at).map(|after| after.as_millis());
        assert_eq!(after(0.25), Some(150));
        assert_eq!(after(0.75), Some(400));
        assert_eq!(curve.stop_after(0.5, 0.25), None);
    }
}
