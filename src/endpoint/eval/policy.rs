//! The policies that are compared, each by one number.

use super::{Decided, NEVER_MS};
use crate::endpoint::classifier::{Classifier, News, PricesMs};
use crate::endpoint::clues::Clues;
use crate::endpoint::pauses::{Labelled, Sounded};
use crate::endpoint::weights::Weights;
use crate::endpoint::{curve, sound};
use std::time::Duration;

/// Halvings in the search for a price or a silence.
const HALVINGS: usize = 24;
/// What `smart_turn` leaves a caller whom it thinks to have finished, and one whom it does not.
const SMART_TURN_SOONEST: Duration = Duration::from_millis(200);
const SMART_TURN_PATIENCE: Duration = Duration::from_millis(1_200);

/// What becomes known of a pause, and when.
struct Known {
    timing: Clues,
    /// All clues, and the silence after which the words are known.
    words: Option<(Clues, Duration)>,
    /// What the sound adds to the log-odds, and the silence after which that is known.
    sound: Option<(f64, Duration)>,
}

impl Known {
    fn of(one: &Labelled, hears: bool) -> Known {
        let clues = Clues::of(&one.pause);
        let sound = one.sound.filter(|_| hears);
        Known {
            timing: clues.clone().without_words(),
            words: clues.words.is_some().then_some((clues, one.words_after)),
            sound: sound.map(|sound| (sound::adds(sound.probability), sound.after)),
        }
    }

    /// What is known from each silence on at which that changes.
    fn news(&self) -> impl Iterator<Item = News<'_>> {
        let words_at = self.words.as_ref().map(|(_, after)| *after);
        let sound_at = self.sound.map(|(_, after)| after);
        let mut times = vec![Duration::ZERO];
        times.extend([words_at, sound_at].into_iter().flatten());
        times.sort_unstable();
        times.dedup();
        times.into_iter().map(move |after| News {
            after,
            clues: match &self.words {
                Some((clues, from)) if *from <= after => clues,
                _ => &self.timing,
            },
            sound: match self.sound {
                Some((added, from)) if from <= after => added,
                _ => 0.0,
            },
        })
    }
}

/// What decides in an evaluation, by one number: a fixed silence, or the price of a cut-off. More of it cuts less.
pub struct Policy<'a> {
    /// The name of the policy.
    pub name: &'static str,
    /// Numbers that bound the search, by their logarithms.
    pub log_bounds: (f64, f64),
    /// What is decided at a number.
    pub decide: Box<dyn Fn(f64) -> Vec<Decided<'a>> + 'a>,
}

impl<'a> Policy<'a> {
    /// Logarithms of prices between which every share of cut-offs is found.
    pub const PRICES: (f64, f64) = (-6.0, 18.0);

    /// A fixed silence.
    pub fn silence(data: &'a [Labelled]) -> Policy<'a> {
        let decide = move |ms: f64| {
            let silence = Duration::from_secs_f64(ms / 1e3);
            let decided = data
                .iter()
                .filter_map(move |one| Decided::of(one, Some(silence)));
            decided.collect()
        };
        Policy {
            name: "silence",
            log_bounds: (libm::log(100.0), libm::log(2_500.0)),
            decide: Box::new(decide),
        }
    }

    /// The classifier by these weights.
    pub fn classifier(data: &'a [Labelled], weights: &'a Weights) -> Policy<'a> {
        Policy::weighing("classifier", data, weights, false)
    }

    /// The classifier by these weights, beside the judge of the sound.
    pub fn eot(data: &'a [Labelled], weights: &'a Weights) -> Policy<'a> {
        Policy::weighing("eot", data, weights, true)
    }

    fn weighing(
        name: &'static str,
        data: &'a [Labelled],
        weights: &'a Weights,
        hears: bool,
    ) -> Policy<'a> {
        let known: Vec<Known> = data.iter().map(|one| Known::of(one, hears)).collect();
        let decide = move |price_ms: f64| {
            let policy = match hears {
                true => Classifier::beside_sound(weights, PricesMs::both(price_ms)),
                false => Classifier::at_price(weights, price_ms),
            };
            let one = |(one, known): (&'a Labelled, &Known)| {
                Decided::of(one, Some(policy.settles(known.news())))
            };
            data.iter().zip(&known).filter_map(one).collect()
        };
        Policy {
            name,
            log_bounds: Policy::PRICES,
            decide: Box::new(decide),
        }
    }

    /// Smart Turn, with its usual patience, by the odds from which on a caller has finished. Where it was not asked, the
    /// patience holds.
    pub fn smart_turn(data: &'a [Labelled]) -> Policy<'a> {
        let decide = move |least_odds: f64| {
            let threshold = least_odds / (1.0 + least_odds);
            by_smart_turn(data, threshold, SMART_TURN_PATIENCE)
        };
        Policy {
            name: "smart_turn",
            log_bounds: (-8.0, 8.0),
            decide: Box::new(decide),
        }
    }

    /// What is decided where a figure, which falls as the number rises, has come down to `target`.
    pub(super) fn where_falls(
        &self,
        target: f64,
        figure: impl Fn(&[Decided<'a>]) -> f64,
    ) -> Vec<Decided<'a>> {
        let decide = |log| (self.decide)(libm::exp(log));
        decide(where_falls(self.log_bounds, target, |log| {
            figure(&decide(log))
        }))
    }
}

/// The number between two bounds at which a figure, which falls as the number rises, has come down to `target`; the
/// upper bound if it has not come down by then.
pub(in crate::endpoint) fn where_falls(
    (mut low, mut high): (f64, f64),
    target: f64,
    figure: impl Fn(f64) -> f64,
) -> f64 {
    for _ in 0..HALVINGS {
        let middle = 0.5 * (low + high);
        match figure(middle) > target {
            true => low = middle,
            false => high = middle,
        }
    }
    high
}

/// The share of pauses that was taken for the end.
pub(in crate::endpoint) fn share_cut(decided: &[Decided<'_>]) -> f64 {
    let pauses = decided.iter().filter(|one| !one.is_end()).count();
    let cut = decided.iter().filter(|one| one.is_cut()).count();
    cut as f64 / pauses.max(1) as f64
}

/// The mean wait at the ends, in milliseconds.
pub(super) fn mean_wait(decided: &[Decided<'_>]) -> f64 {
    let ends: Vec<f64> = decided
        .iter()
        .filter(|one| one.is_end())
        .map(|one| one.commit_ms.min(NEVER_MS))
        .collect();
    ends.iter().sum::<f64>() / ends.len().max(1) as f64
}

/// A policy at one place of its trade-off, as a scenario has it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Setting {
    /// `silence`, after so much of it.
    Silence(Duration),
    /// `classifier`, which may cut this share of pauses.
    Classifier(f64),
    /// `smart_turn`, with its threshold and its patience.
    SmartTurn(f64, Duration),
    /// `eot`, which may cut this share of pauses.
    Eot(f64),
}

impl Setting {
    /// What is decided in each pause of `data` whose outcome is known.
    pub fn decides<'a>(self, data: &'a [Labelled], weights: &Weights) -> Vec<Decided<'a>> {
        let weighed = |policy: Classifier<'_>, hears| {
            let one = |one| Decided::of(one, Some(policy.settles(Known::of(one, hears).news())));
            data.iter().filter_map(one).collect()
        };
        match self {
            Setting::Silence(silence) => {
                let one = |one| Decided::of(one, Some(silence));
                data.iter().filter_map(one).collect()
            }
            Setting::Classifier(cut_offs) => weighed(Classifier::new(weights, cut_offs), false),
            Setting::SmartTurn(threshold, patience) => by_smart_turn(data, threshold, patience),
            Setting::Eot(cut_offs) => {
                let prices = curve::prices_with_sound(cut_offs);
                weighed(Classifier::beside_sound(weights, prices), true)
            }
        }
    }
}

fn by_smart_turn(data: &[Labelled], threshold: f64, patience: Duration) -> Vec<Decided<'_>> {
    let is_over = |sound: &Sounded| sound.probability >= threshold;
    let decided = data.iter().filter_map(|one| {
        let silence = match one.sound.filter(is_over) {
            Some(sound) => sound.after.max(SMART_TURN_SOONEST).min(patience),
            None => patience,
        };
        Decided::of(one, Some(silence))
    });
    decided.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::Pause;
    use crate::endpoint::eval::Score;
    use crate::endpoint::eval::scored;
    use crate::endpoint::pauses::Truth;
    use crate::endpoint::weights::shipped;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    /// Ends that sound finished, and pauses that do not, known after 160 ms.
    fn heard() -> Vec<Labelled> {
        let one = |index: usize| Labelled {
            id: index.to_string(),
            pause: Pause::default(),
            words_after: MS(300),
            sound: Some(Sounded {
                probability: if index.is_multiple_of(2) { 0.95 } else { 0.05 },
                after: MS(160),
            }),
            truth: Some(Truth {
                is_end: Some(index.is_multiple_of(2)),
                pause_ms: 250.0 + 20.0 * index as f64,
                corpus: "made".to_owned(),
                conversation: format!("c{}", index % 3),
                speaker: "s".to_owned(),
                turn: format!("t{}", index / 2),
                split: "dev".to_owned(),
                act_is_done: true,
                is_two_party: true,
            }),
        };
        (0..40).map(one).collect()
    }

    fn score(decided: &[Decided<'_>]) -> Score {
        scored(decided).score
    }

    #[test]
    fn who_hears_ends_saves_waiting_and_who_does_not_saves_none() {
        let data = heard();
        let weights = shipped().expect("weights");
        let saves = |policy: &Policy<'_>| score(&policy.where_falls(0.3, share_cut)).saves_ms;
        assert!(saves(&Policy::eot(&data, weights)) > 50.0);
        assert!(saves(&Policy::smart_turn(&data)) > 50.0);
        assert!(saves(&Policy::classifier(&data, weights)).abs() < 45.0);
    }

    #[test]
    fn a_setting_decides_as_its_policy_does() {
        let data = heard();
        let weights = shipped().expect("weights");
        let wait = |setting: Setting| mean_wait(&setting.decides(&data, weights));
        assert_eq!(wait(Setting::Silence(MS(400))), 400.0);
        assert_eq!(wait(Setting::SmartTurn(0.8, MS(900))), 200.0);
        assert_eq!(wait(Setting::SmartTurn(0.99, MS(900))), 900.0);
        assert!(wait(Setting::Eot(0.2)) < wait(Setting::Eot(0.05)));
        let unheard = |one: &Labelled| Labelled {
            sound: None,
            ..one.clone()
        };
        let unheard: Vec<Labelled> = data.iter().map(unheard).collect();
        let without = mean_wait(&Setting::Eot(0.2).decides(&unheard, weights));
        assert!(wait(Setting::Eot(0.2)) + 50.0 < without);
    }
}
