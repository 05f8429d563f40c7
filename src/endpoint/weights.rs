//! The file of weights: what training leaves behind, and the classifier goes by.

use super::by_share::at_share;
#[cfg(feature = "train")]
use super::clues::COUNT;
use super::clues::{Clues, FEATURES, phrase};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::time::Duration;

/// What the file must say it is.
pub const SCHEMA: &str = "voicesim.endpoint/1";

/// Everything that was learnt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Weights {
    /// [`SCHEMA`].
    pub schema: String,
    /// The scores for pauses whose words are known.
    pub with_words: Scores,
    /// The scores for pauses whose words are not known, yet or at all.
    pub timing_only: Scores,
    /// The fixed silences that cut shares of the training pauses, the least share first.
    pub silences: Vec<Silent>,
}

/// A fixed silence, and the share of pauses that is longer.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Silent {
    /// The share of pauses that is cut.
    pub cut_offs: f64,
    /// The silence, in milliseconds.
    pub silence_ms: f64,
}

/// The log-odds that a caller has finished: those of the silence, and what each clue adds to them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scores {
    /// Log-odds of the average pause: a polynomial in ln(silence / 500 ms), and the square of its positive part.
    pub silence: [f64; 4],
    /// The mean and weight of each number, in the order of `FEATURES`.
    pub numbers: Vec<Number>,
    /// What is added for each clue of words; nothing for others.
    pub words: BTreeMap<String, f64>,
    /// What clues of words add up to on average, which adds nothing.
    pub words_mean: f64,
    /// The price of a cut-off, by the share of pauses that may be cut, the least share first.
    pub prices: Vec<Price>,
}

/// A number that the classifier sees.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Number {
    /// The name in `FEATURES`.
    pub name: String,
    /// The mean over the training data, which adds nothing.
    pub mean: f64,
    /// What one more adds to the log-odds.
    pub weight: f64,
}

/// What a cut-off costs, in milliseconds of everybody's waiting, so that a share of pauses is cut.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// The share of pauses that is cut.
    pub cut_offs: f64,
    /// The natural logarithm of the price.
    pub log_ms: f64,
}

/// Why the weights in this program cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the endpointing weights in this voicesim cannot be read: {0}; build it again from its source"
)]
pub struct WeightsError(String);

/// The weights that voicesim comes with.
///
/// # Errors
/// If they cannot be read, which a test rules out.
pub fn shipped() -> Result<&'static Weights, WeightsError> {
    static SHIPPED: OnceLock<Result<Weights, WeightsError>> = OnceLock::new();
    let read = SHIPPED.get_or_init(|| Weights::read(include_str!("weights.json")));
    read.as_ref().map_err(Clone::clone)
}

impl Weights {
    fn read(text: &str) -> Result<Weights, WeightsError> {
        let weights: Weights =
            serde_json::from_str(text).map_err(|error| WeightsError(error.to_string()))?;
        let names = FEATURES.map(|feature| feature.name);
        let is_whole = |scores: &Scores| {
            let named = scores.numbers.iter().map(|number| number.name.as_str());
            let prices = &scores.prices;
            named.eq(names)
                && !prices.is_empty()
                && prices.is_sorted_by(|a, b| a.cut_offs < b.cut_offs)
        };
        let is_fit = weights.schema == SCHEMA
            && is_whole(&weights.with_words)
            && is_whole(&weights.timing_only)
            && !weights.silences.is_empty();
        match is_fit {
            true => Ok(weights),
            false => Err(WeightsError("they are of another version".into())),
        }
    }

    /// The text of the file: always the same for the same weights.
    ///
    /// # Errors
    /// If a number is not finite.
    #[cfg(feature = "train")]
    pub fn as_text(&self) -> serde_json::Result<String> {
        // A line a clue, so that a change shows.
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    /// The fixed silence that cuts this share of pauses.
    pub fn silence(&self, cut_offs: f64) -> Duration {
        let silence_ms = at_share(
            &self.silences,
            cut_offs,
            |it| it.cut_offs,
            |it| it.silence_ms,
        );
        Duration::from_secs_f64(silence_ms.unwrap_or_default().max(0.0) / 1e3)
    }

    /// The scores for these clues.
    pub fn scores(&self, clues: &Clues) -> &Scores {
        match clues.words {
            Some(_) => &self.with_words,
            None => &self.timing_only,
        }
    }
}

/// What pulled the log-odds up or down, and by how much.
type Pull = (String, f64);

impl Scores {
    /// The log-odds that the average pause of this length is the end.
    pub fn of_silence(&self, silence: Duration) -> f64 {
        let basis = basis(silence);
        basis.iter().zip(self.silence).map(|(x, w)| x * w).sum()
    }

    /// What the clues add to that, if so much of what the numbers say counts.
    pub fn of_clues(&self, clues: &Clues, of_numbers: f64) -> f64 {
        let numbers: f64 = of_numbers * self.of_numbers(clues).sum::<f64>();
        let words = |clues: &Vec<String>| -> f64 {
            let known = clues.iter().filter_map(|clue| self.words.get(clue));
            known.sum::<f64>() - self.words_mean
        };
        numbers + clues.words.as_ref().map_or(0.0, words)
    }

    fn of_numbers(&self, clues: &Clues) -> impl Iterator<Item = f64> {
        let numbers = clues.numbers;
        let added = move |(number, value): (&Number, f64)| number.weight * (value - number.mean);
        self.numbers.iter().zip(numbers).map(added)
    }

    /// The price of a cut-off at which this share of pauses is cut.
    pub fn price_ms(&self, cut_offs: f64) -> f64 {
        let log_ms = at_share(&self.prices, cut_offs, |it| it.cut_offs, |it| it.log_ms);
        libm::exp(log_ms.unwrap_or_default())
    }

    /// The clues that spoke most for the end (`sign` 1) or against it (-1), the strongest first: three at most. So
    /// much of what the numbers say counts.
    pub fn reasons(&self, clues: &Clues, sign: f64, of_numbers: f64) -> Vec<String> {
        let mut pulls: Vec<Pull> = self
            .of_numbers(clues)
            .enumerate()
            .filter(|(index, _)| clues.words.is_some() || !FEATURES[*index].needs_words)
            .map(|(index, pull)| (FEATURES[index].phrase.to_owned(), of_numbers * pull))
            .collect();
        let words = clues.words.iter().flatten();
        pulls.extend(words.filter_map(|clue| Some((phrase(clue), *self.words.get(clue)?))));
        pulls.retain(|(_, pull)| sign * pull >= PULL_MIN);
        pulls.sort_by(|(_, a), (_, b)| (sign * b).total_cmp(&(sign * a)));
        pulls.truncate(REASONS_MAX);
        let told = |(phrase, pull): Pull| format!("{phrase} ({pull:+.2})");
        pulls.into_iter().map(told).collect()
    }
}

const REASONS_MAX: usize = 3;
/// Weaker pulls are not worth a line.
const PULL_MIN: f64 = 0.01;

/// What a polynomial of silence is made of.
pub(super) fn basis(silence: Duration) -> [f64; 4] {
    let log = libm::log(silence.as_secs_f64().max(1e-3) / 0.5);
    let late = log.max(0.0);
    [1.0, log, log * log, late * late]
}

/// The numbers of a file, with these means and weights.
#[cfg(feature = "train")]
pub(super) fn numbers(mean: [f64; COUNT], weight: [f64; COUNT]) -> Vec<Number> {
    let number = |index: usize| Number {
        name: FEATURES[index].name.to_owned(),
        mean: mean[index],
        weight: weight[index],
    };
    (0..COUNT).map(number).collect()
}
