//! Fits the weights. Deterministic to the byte: one thread, a fixed order, named random streams.

mod boosting;
mod calibrate;
mod logistic;
mod thresholds;

pub use thresholds::Target;

use super::eval::ranking::{Interval, Scored, bootstrap, ranking};
use super::eval::track::{Track, time_of, tracks};
use super::features::{COUNT, FEATURES, Values, WITHOUT_WORDS, features};
use super::heard::{Heard, Listening};
use super::model::{Calibration, Classifier, Predictor, Thresholds, Weights};
use super::overlaps::{Overlap, Task};
use super::rows::{Hearing, Replay};
use crate::rng::Seed;
use boosting::Boosting;
use serde::Serialize;
use std::time::Duration;

/// What every draw of the training is keyed by.
pub const SEED: Seed = Seed(5);

/// The corpus whose kept-back sounds set the thresholds: it has laughs and coughs, as calls do.
pub const THRESHOLDS_CORPUS: &str = "ami";

const BOOSTING: Boosting = Boosting {
    trees: 300,
    leaves: 8,
    learning_rate: 0.06,
    feature_share: 0.4,
    rows_in_leaf_min: 300,
    ridge: 5.0,
};

/// Times since the onset at which each sound of the training data is looked at, milliseconds.
const LOOKS_MS: [u64; 14] = [
    100, 200, 300, 400, 500, 600, 700, 800, 900, 1000, 1200, 1500, 2000, 3000,
];
/// Looks at each sound as it would be heard in life, at times drawn evenly from this span.
const AUGMENTED_LOOKS: u64 = 6;
const AUGMENTED_SPAN_S: f64 = 1.6;
/// Times of the logistic regressions, seconds.
const KNOTS_S: [f64; 6] = [0.2, 0.4, 0.6, 0.8, 1.0, 1.5];

/// One look at one sound.
#[derive(Debug, Clone)]
pub struct TrainingRow {
    pub values: Values,
    pub is_interruption: bool,
}

/// How the trees compare with the logistic regressions on the kept-back sounds: the difference of
/// their AUCs 600 ms after the onset, by the paired bootstrap over meetings.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Comparison {
    pub logistic_auc: f64,
    pub trees_auc: f64,
    pub difference: Interval,
}

/// The figures that the kinds of models were chosen by.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Selection {
    pub schema: &'static str,
    pub with_words: Comparison,
    pub activity_only: Comparison,
}

impl Selection {
    /// The figures for people, a line each.
    pub fn as_text(&self) -> String {
        let both = [
            (Listening::WithWords, self.with_words),
            (Listening::ActivityOnly, self.activity_only),
        ];
        let line = |(listening, by): (Listening, Comparison)| {
            format!(
                "{}: AUC at 600 ms: logistic {:.4}, trees {:.4}; difference {:.4} to {:.4}: {}\n",
                listening.name(),
                by.logistic_auc,
                by.trees_auc,
                by.difference.low,
                by.difference.high,
                if by.prefers_trees() {
                    "trees"
                } else {
                    "logistic"
                },
            )
        };
        both.map(line).concat()
    }
}

impl Comparison {
    /// Whether to take the trees: they must be better for sure, else the simpler model is taken.
    fn prefers_trees(&self) -> bool {
        self.difference.low > 0.0
    }
}

/// The weights and what they were chosen by.
pub struct Trained {
    pub weights: Weights,
    pub selection: Selection,
}

/// Why nothing was trained.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    #[error("no {0} sounds of split \"{1}\": name the files of both splits")]
    Missing(&'static str, &'static str),
}

/// The sounds that the weights were not fitted to.
pub fn kept_back(overlaps: &[Overlap]) -> Vec<Overlap> {
    overlaps
        .iter()
        .filter(|overlap| split(overlap) != "train")
        .cloned()
        .collect()
}

/// Fits on the sounds of split `train`; chooses the kind of model, calibrates it and sets its
/// thresholds on all others.
pub fn train(overlaps: &[Overlap], target: Target) -> Result<Trained, TrainError> {
    train_with(overlaps, target, BOOSTING)
}

fn train_with(
    overlaps: &[Overlap],
    target: Target,
    boosting: Boosting,
) -> Result<Trained, TrainError> {
    let fit_on: Vec<&Overlap> = overlaps
        .iter()
        .filter(|overlap| split(overlap) == "train")
        .collect();
    let keep_back = kept_back(overlaps);
    has_both(&fit_on, "train")?;
    has_both(&keep_back.iter().collect::<Vec<_>>(), "dev")?;
    let fit = |listening| classifier(&fit_on, &keep_back, listening, boosting);
    let (with_words, with_words_by) = fit(Listening::WithWords);
    let (activity_only, activity_only_by) = fit(Listening::ActivityOnly);
    let mut weights = Weights {
        schema: super::model::SCHEMA.to_owned(),
        features: FEATURES
            .iter()
            .map(|feature| feature.name.to_owned())
            .collect(),
        with_words,
        activity_only,
        thresholds: Thresholds {
            with_words: Vec::new(),
            before_words: Vec::new(),
            activity_only: Vec::new(),
        },
    };
    weights.thresholds = thresholds(&keep_back, &weights, target);
    Ok(Trained {
        weights,
        selection: Selection {
            schema: "voicesim.classifier_selection/1",
            with_words: with_words_by,
            activity_only: activity_only_by,
        },
    })
}

/// The thresholds of fitted weights, chosen on sounds that these were not fitted to.
pub fn thresholds(keep_back: &[Overlap], weights: &Weights, target: Target) -> Thresholds {
    let follow = |listening| followed(keep_back, listening, |heard| weights.log_odds(heard));
    thresholds::choose(
        &follow(Listening::WithWords),
        &follow(Listening::ActivityOnly),
        target,
    )
}

fn split(overlap: &Overlap) -> &str {
    overlap.truth.as_ref().map_or("", |truth| &truth.split)
}

fn has_both(overlaps: &[&Overlap], split: &'static str) -> Result<(), TrainError> {
    let any = |is: bool| {
        overlaps
            .iter()
            .any(|overlap| is_interruption(overlap) == Some(is))
    };
    for (is, kind) in [(true, "interrupting"), (false, "other")] {
        if !any(is) {
            return Err(TrainError::Missing(kind, split));
        }
    }
    Ok(())
}

fn is_interruption(overlap: &Overlap) -> Option<bool> {
    Task::Strict.is_interruption(overlap.truth.as_ref()?.label)
}

fn classifier(
    fit_on: &[&Overlap],
    keep_back: &[Overlap],
    listening: Listening,
    boosting: Boosting,
) -> (Classifier, Comparison) {
    let count = match listening {
        Listening::WithWords => COUNT,
        Listening::ActivityOnly => WITHOUT_WORDS,
    };
    let rows = rows(fit_on, listening);
    let logistic = Predictor::Logistic(logistic::fit(&rows, &KNOTS_S, count));
    let trees = Predictor::Trees(boosting::fit(&rows, count, boosting, SEED));
    drop(rows);
    let untuned = |predictor| Classifier {
        predictor,
        calibration: Calibration::NONE,
    };
    let (logistic, trees) = (untuned(logistic), untuned(trees));
    let follow = |classifier: &Classifier| {
        followed(keep_back, listening, |heard| {
            classifier.log_odds(&features(heard))
        })
    };
    let (by_logistic, by_trees) = (follow(&logistic), follow(&trees));
    let comparison = compare(&by_logistic, &by_trees);
    let (mut chosen, tracks) = if comparison.prefers_trees() {
        (trees, by_trees)
    } else {
        (logistic, by_logistic)
    };
    chosen.calibration = calibrate::fit(&tracks);
    (chosen, comparison)
}

/// The kept-back sounds that count: strict task, two speakers.
fn followed<'a>(
    keep_back: &'a [Overlap],
    listening: Listening,
    log_odds: impl Fn(&Heard<'_>) -> f64,
) -> Vec<Track<'a>> {
    let mut tracks = tracks(keep_back, Hearing::CLEAN, listening, log_odds);
    tracks.retain(|track| track.truth.is_two_party && is_interruption(track.overlap).is_some());
    tracks
}

/// The looks at every sound of the strict task: as annotated and as it would be heard in life. Also those with words
/// have looks at which none is known: fitted without them, the classifier was worse where some are.
fn rows(overlaps: &[&Overlap], listening: Listening) -> Vec<TrainingRow> {
    let mut rows = Vec::new();
    let mut activity = Vec::new();
    for overlap in overlaps {
        let Some(is_interruption) = is_interruption(overlap) else {
            continue;
        };
        let mut look = |replay: &Replay<'_>, at: Duration| {
            rows.push(TrainingRow {
                values: features(&replay.heard(at, listening, &mut activity)),
                is_interruption,
            });
        };
        if let Some(replay) = Replay::of(overlap, Hearing::CLEAN) {
            LOOKS_MS
                .iter()
                .for_each(|ms| look(&replay, Duration::from_millis(*ms)));
        }
        if let Some(replay) = Replay::of(overlap, Hearing::Augmented { seed: SEED }) {
            let mut stream = SEED.stream(&overlap.id, 0, 0, "looks");
            for part in 0..AUGMENTED_LOOKS {
                let share = (part as f64 + stream.uniform()) / AUGMENTED_LOOKS as f64;
                look(&replay, Duration::from_secs_f64(share * AUGMENTED_SPAN_S));
            }
        }
    }
    rows
}

/// What two models made of the same sound.
struct Pair<'a> {
    logistic: &'a Track<'a>,
    trees: &'a Track<'a>,
}

impl Pair<'_> {
    fn meeting(&self) -> &str {
        &self.logistic.truth.meeting
    }
}

/// The step of the decision 600 ms after the onset.
const COMPARED_STEP: usize = 11;

fn compare(logistic: &[Track<'_>], trees: &[Track<'_>]) -> Comparison {
    debug_assert_eq!(time_of(COMPARED_STEP), Duration::from_millis(600));
    let pairs = logistic.iter().zip(trees);
    let pairs: Vec<Pair<'_>> = pairs
        .map(|(logistic, trees)| Pair { logistic, trees })
        .collect();
    let auc = |tracks: &mut dyn Iterator<Item = &Track<'_>>| {
        let scored: Vec<Scored> = tracks.filter_map(scored).collect();
        ranking(&scored).map(|ranking| ranking.auc)
    };
    let difference = |pairs: &[&Pair<'_>]| {
        let logistic = auc(&mut pairs.iter().map(|pair| pair.logistic))?;
        let trees = auc(&mut pairs.iter().map(|pair| pair.trees))?;
        Some([trees - logistic])
    };
    let [difference] = bootstrap(&pairs, Pair::meeting, difference, SEED);
    Comparison {
        logistic_auc: auc(&mut logistic.iter()).unwrap_or(0.5),
        trees_auc: auc(&mut trees.iter()).unwrap_or(0.5),
        difference,
    }
}

fn scored(track: &Track<'_>) -> Option<Scored> {
    Some(Scored {
        score: track.seen.as_ref()?.log_odds[COMPARED_STEP],
        is_interruption: is_interruption(track.overlap)?,
    })
}

/// Rounds to five decimals, so that the file of weights stays readable.
fn rounded(value: f64) -> f64 {
    (value * 1e5).round() / 1e5
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interrupt::heard::Context;
    use crate::interrupt::overlaps::{Label, Token, Truth};

    /// Short sounds are back-channels and long ones are not.
    fn overlaps(count: usize) -> Vec<Overlap> {
        let overlap = |number: usize| {
            let mut stream = Seed(1).stream("made up", number as u64, 0, "length");
            let is_long = stream.uniform() < 0.5;
            let end_s = if is_long { 0.6 } else { 0.2 } + 0.2 * stream.uniform();
            Overlap {
                id: number.to_string(),
                tokens: vec![Token {
                    start_s: 0.0,
                    end_s,
                    text: if is_long { "report" } else { "yeah" }.to_owned(),
                }],
                context: Context::default(),
                truth: Some(Truth {
                    label: if is_long { Label::Floor } else { Label::Bc },
                    corpus: "made up".to_owned(),
                    meeting: (number % 7).to_string(),
                    split: if number.is_multiple_of(3) {
                        "dev"
                    } else {
                        "train"
                    }
                    .to_owned(),
                    is_two_party: true,
                }),
            }
        };
        (0..count).map(overlap).collect()
    }

    const TARGET: Target = Target { false_stops: 0.1 };

    fn small() -> Boosting {
        Boosting {
            trees: 20,
            rows_in_leaf_min: 20,
            ..BOOSTING
        }
    }

    #[test]
    fn the_same_sounds_give_the_same_bytes() {
        let bytes = || {
            let trained = train_with(&overlaps(300), TARGET, small()).expect("trained");
            trained.weights.as_text().expect("text")
        };
        assert_eq!(bytes(), bytes());
    }

    #[test]
    fn what_is_easy_is_learnt_and_the_target_is_kept() {
        let all = overlaps(300);
        let trained = train_with(&all, TARGET, small()).expect("trained");
        assert!(
            trained.selection.with_words.trees_auc > 0.97,
            "{:?}",
            trained.selection
        );
        let kept_back = kept_back(&all);
        let weights = &trained.weights;
        let log_odds = |heard: &Heard<'_>| weights.log_odds(heard);
        let tracks = followed(&kept_back, Listening::WithWords, log_odds);
        let thresholds = crate::interrupt::eval::track::AtSteps::new(&weights.thresholds);
        let stops = |track: &&Track<'_>| {
            let seen = track.seen.as_ref().expect("noticed");
            seen.stop(&thresholds, 0.0).is_some()
        };
        let others = || tracks.iter().filter(|track| track.truth.label == Label::Bc);
        assert!(others().filter(stops).count() * 10 <= others().count());
    }

    #[test]
    fn without_kept_back_sounds_nothing_is_trained() {
        let mut all = overlaps(30);
        all.retain(|overlap| split(overlap) == "train");
        let error = train(&all, TARGET).err().expect("an error").to_string();
        assert!(error.contains("split \"dev\""), "{error}");
    }
}
