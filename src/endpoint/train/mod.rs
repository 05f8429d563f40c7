//! Fits the weights of the classifier to labelled pauses.
//!
//! First a regression says from the words whether an act of the dialogue is complete, which every pause of the
//! data tells. Then another says, at each of some silences, whether the speaker has finished, by what the first
//! one says, the timing, and the words once more. The two add up to one weight a word clue. Turns of many
//! pauses count for fewer than they hold: callers are no lecturers.

mod fit;

use super::classifier::Classifier;
use super::clues::{COUNT, Clues, FEATURES};
use super::eval::{Decided, share_cut, where_falls};
use super::pauses::{Labelled, Truth};
use super::weights::{Price, SCHEMA, Scores, Silent, Weights, basis, numbers};
use fit::{Problem, Row};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Silences at which the question is asked, in milliseconds.
const TIMES_MS: [u64; 9] = [200, 300, 400, 500, 700, 900, 1_200, 1_700, 2_400];
/// Parts that the conversations are dealt into, to try weights on conversations that they were not fitted to.
const FOLDS: usize = 6;
/// Parts that the conversations are dealt into, to learn what complete acts are worth.
const ACT_FOLDS: usize = 4;
/// The shares of pauses for which prices are found.
const SHARES: [f64; 13] = [
    0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5,
];
/// Logarithms of the prices, in milliseconds, between which the one of a share is searched for.
const LOG_PRICES: (f64, f64) = (-4.0, 16.0);

/// How often a clue must be seen, and from how many speakers, to be learnt.
#[derive(Clone, Copy)]
struct Often {
    speakers: usize,
    times: usize,
}

/// Clues of complete acts, of which there are many.
const FOR_ACTS: Often = Often {
    speakers: 3,
    times: 5,
};
/// Clues of the ends of turns.
const FOR_ENDS: Often = Often {
    speakers: 5,
    times: 30,
};

/// How much weights are drawn to zero.
const RIDGE_ACT: f64 = 2.0;
const RIDGE_NUMBERS: f64 = 3.0;
const RIDGE_WORDS: f64 = 10.0;
const RIDGE_BASE: f64 = 0.01;
/// A pause counts as the number of pauses of its turn to the power of this.
const TURN_POWER: f64 = -0.5;
/// What all times of a row count together.
const ROW_WEIGHT: f64 = 3.0;

/// A pause to learn from.
struct Example<'a> {
    clues: Clues,
    truth: &'a Truth,
    is_end: bool,
    weight: f64,
}

/// Why nothing can be learnt.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrainError {
    /// Too little data.
    #[error(
        "--data: {0}; training needs two-party pauses with both labels from at least {FOLDS} conversations of split \"train\""
    )]
    TooLittle(String),
    /// The search for the weights failed.
    #[error("no weights fit this data best: {0}")]
    NoFit(String),
}

/// Weights, and how they were tried.
pub struct Trained {
    /// Fitted to the pauses of split `train`.
    pub weights: Weights,
    /// What weights that were fitted without a conversation decide in it, over all pauses.
    pub tried: Vec<Tried>,
}

/// What was decided about a pause by weights that were fitted without its conversation.
pub struct Tried {
    /// The place of the pause in the data.
    pub index: usize,
    /// The weights that it was decided by.
    pub weights: std::rc::Rc<Weights>,
}

/// Fits weights to the two-party pauses of split `train`, and tries the same on all splits by conversation.
///
/// # Errors
/// If there is too little to learn from, or nothing fits it best.
pub fn train(data: &[Labelled]) -> Result<Trained, TrainError> {
    let all = examples(data, |_| true);
    let own = examples(data, |truth| truth.split == "train");
    let conversations: BTreeSet<&str> = own
        .iter()
        .map(|(_, it)| it.truth.conversation.as_str())
        .collect();
    if conversations.len() < FOLDS {
        let count = conversations.len();
        return Err(TrainError::TooLittle(format!("{count} conversations")));
    }
    let ends = own.iter().filter(|(_, it)| it.is_end).count();
    if ends == 0 || ends == own.len() {
        return Err(TrainError::TooLittle(format!(
            "{ends} ends of {} pauses",
            own.len()
        )));
    }
    let mut weights = fitted(&own.iter().map(|(_, it)| it).collect::<Vec<_>>())?;
    set_prices(&mut weights, data, &cross_fitted(&own)?);
    Ok(Trained {
        tried: cross_fitted(&all)?,
        weights,
    })
}

/// The scored two-party pauses that `wanted` lets through, with their places in the data.
fn examples(data: &[Labelled], wanted: impl Fn(&Truth) -> bool) -> Vec<(usize, Example<'_>)> {
    let kept = |labelled: &&Labelled| {
        let truth = labelled.truth.as_ref();
        truth.is_some_and(|truth| truth.is_two_party && truth.is_end.is_some() && wanted(truth))
    };
    let mut in_turn: BTreeMap<&str, f64> = BTreeMap::new();
    for labelled in data.iter().filter(kept) {
        let turn = labelled.truth.as_ref().map_or("", |truth| &truth.turn);
        *in_turn.entry(turn).or_default() += 1.0;
    }
    let mut all = Vec::new();
    for (index, labelled) in data.iter().enumerate().filter(|(_, it)| kept(it)) {
        if let Some(truth) = &labelled.truth {
            let count = in_turn.get(truth.turn.as_str()).copied().unwrap_or(1.0);
            let example = Example {
                clues: Clues::of(&labelled.pause),
                truth,
                is_end: truth.is_end == Some(true),
                weight: libm::pow(count, TURN_POWER),
            };
            all.push((index, example));
        }
    }
    let mean = all.iter().map(|(_, it)| it.weight).sum::<f64>() / all.len().max(1) as f64;
    all.iter_mut().for_each(|(_, it)| it.weight /= mean);
    all
}

/// Deals conversations into parts, in the order of their names.
fn dealt<'a>(
    conversations: impl Iterator<Item = &'a str>,
    parts: usize,
) -> BTreeMap<&'a str, usize> {
    let names: BTreeSet<&str> = conversations.collect();
    names
        .into_iter()
        .enumerate()
        .map(|(i, name)| (name, i % parts))
        .collect()
}

/// For each pause the weights that were fitted without its conversation.
fn cross_fitted(all: &[(usize, Example<'_>)]) -> Result<Vec<Tried>, TrainError> {
    let folds = dealt(
        all.iter().map(|(_, it)| it.truth.conversation.as_str()),
        FOLDS,
    );
    let fold = |it: &Example<'_>| folds.get(it.truth.conversation.as_str()).copied();
    let mut tried = Vec::new();
    for part in 0..FOLDS {
        let others: Vec<&Example<'_>> = all
            .iter()
            .filter(|(_, it)| fold(it) != Some(part))
            .map(|(_, it)| it)
            .collect();
        let weights = std::rc::Rc::new(fitted(&others)?);
        let own = all.iter().filter(|(_, it)| fold(it) == Some(part));
        tried.extend(own.map(|(index, _)| Tried {
            index: *index,
            weights: weights.clone(),
        }));
    }
    tried.sort_by_key(|tried| tried.index);
    Ok(tried)
}

fn fitted(examples: &[&Example<'_>]) -> Result<Weights, TrainError> {
    Ok(Weights {
        schema: SCHEMA.to_owned(),
        with_words: with_words(examples)?,
        timing_only: timing_only(examples)?,
        silences: Vec::new(),
    })
}

fn solved(problem: &Problem<'_>) -> Result<Vec<f64>, TrainError> {
    let found = problem.solve();
    found.map_err(|error| TrainError::NoFit(error.to_string()))
}

/// The places of the clues that were seen often enough.
fn learnt(examples: &[&Example<'_>], often: Often) -> BTreeMap<String, usize> {
    let mut seen: BTreeMap<&str, (usize, BTreeSet<&str>)> = BTreeMap::new();
    for example in examples {
        for clue in example.clues.words.iter().flatten() {
            let (times, speakers) = seen.entry(clue).or_default();
            *times += 1;
            speakers.insert(&example.truth.speaker);
        }
    }
    let enough = seen
        .into_iter()
        .filter(|(_, (times, by))| *times >= often.times && by.len() >= often.speakers);
    enough
        .enumerate()
        .map(|(at, (clue, _))| (clue.to_owned(), at))
        .collect()
}

fn places(clues: &Clues, learnt: &BTreeMap<String, usize>) -> Vec<(usize, f64)> {
    let words = clues.words.iter().flatten();
    words
        .filter_map(|clue| Some((*learnt.get(clue)?, 1.0)))
        .collect()
}

/// Log-odds that an act is complete: those without clues, and what each adds.
struct Act {
    base: f64,
    learnt: BTreeMap<String, usize>,
    weights: Vec<f64>,
}

impl Act {
    fn fit(examples: &[&Example<'_>]) -> Result<Act, TrainError> {
        let learnt = learnt(examples, FOR_ACTS);
        let row = |example: &&Example<'_>| Row {
            values: places(&example.clues, &learnt),
            weight: 1.0,
            is_yes: example.truth.act_is_done,
            times: 1,
        };
        let rows: Vec<Row> = examples.iter().map(row).collect();
        let mut ridge = vec![RIDGE_ACT; learnt.len() + 1];
        ridge[0] = RIDGE_BASE;
        let problem = Problem {
            rows: &rows,
            times: &[vec![1.0]],
            ridge: &ridge,
        };
        let mut found = solved(&problem)?;
        let weights = found.split_off(1);
        Ok(Act {
            base: found.first().copied().unwrap_or_default(),
            learnt,
            weights,
        })
    }

    fn log_odds(&self, clues: &Clues) -> f64 {
        let places = places(clues, &self.learnt);
        self.base + places.iter().map(|(at, _)| self.weights[*at]).sum::<f64>()
    }
}

/// What is said of each pause by acts that were learnt without its conversation.
fn acts(examples: &[&Example<'_>]) -> Result<Vec<f64>, TrainError> {
    let conversation = |it: &Example<'_>| it.truth.conversation.clone();
    let names: Vec<String> = examples.iter().map(|it| conversation(it)).collect();
    let folds = dealt(names.iter().map(String::as_str), ACT_FOLDS);
    let parts: Vec<Option<&usize>> = names.iter().map(|it| folds.get(it.as_str())).collect();
    let mut said = vec![0.0; examples.len()];
    for part in 0..ACT_FOLDS {
        let is_own = |index: usize| parts[index] == Some(&part);
        let others = (0..examples.len()).filter(|index| !is_own(*index));
        let others: Vec<&Example<'_>> = others.map(|index| examples[index]).collect();
        let act = Act::fit(&others)?;
        for index in (0..examples.len()).filter(|index| is_own(*index)) {
            said[index] = act.log_odds(&examples[index].clues);
        }
    }
    Ok(said)
}

/// Mean and deviation of each number.
fn spread(examples: &[&Example<'_>]) -> ([f64; COUNT], [f64; COUNT]) {
    let count = examples.len().max(1) as f64;
    let mean = std::array::from_fn(|at| {
        examples.iter().map(|it| it.clues.numbers[at]).sum::<f64>() / count
    });
    let deviation = std::array::from_fn(|at| {
        let off = |it: &&Example<'_>| (it.clues.numbers[at] - mean[at]).powi(2);
        (examples.iter().map(off).sum::<f64>() / count)
            .sqrt()
            .max(1e-6)
    });
    (mean, deviation)
}

/// The row that says whether a pause was the end, at the silences at which that is still open.
fn end_row(example: &Example<'_>, values: Vec<(usize, f64)>) -> Row {
    let is_open = |ms: &u64| example.is_end || example.truth.pause_ms > *ms as f64;
    Row {
        values,
        weight: example.weight * ROW_WEIGHT / TIMES_MS.len() as f64,
        is_yes: example.is_end,
        times: TIMES_MS.iter().take_while(|ms| is_open(ms)).count(),
    }
}

fn times() -> Vec<Vec<f64>> {
    let time = |ms: u64| basis(Duration::from_millis(ms)).to_vec();
    TIMES_MS.into_iter().map(time).collect()
}

/// Standardised numbers that `used` lets through.
fn standard(
    clues: &Clues,
    (mean, deviation): &([f64; COUNT], [f64; COUNT]),
    needs_words: bool,
) -> Vec<(usize, f64)> {
    let used = (0..COUNT).filter(|at| needs_words || !FEATURES[*at].needs_words);
    used.map(|at| (at, (clues.numbers[at] - mean[at]) / deviation[at]))
        .collect()
}

fn with_words(examples: &[&Example<'_>]) -> Result<Scores, TrainError> {
    let spoken: Vec<&Example<'_>> = examples
        .iter()
        .filter(|it| it.clues.words.is_some())
        .copied()
        .collect();
    let said = acts(&spoken)?;
    let act = Act::fit(&spoken)?;
    let learnt = learnt(&spoken, FOR_ENDS);
    let spread = spread(&spoken);
    // The numbers, what is said of acts, and the words.
    let row = |(example, said): (&&Example<'_>, &f64)| {
        let mut values = standard(&example.clues, &spread, true);
        values.push((COUNT, *said));
        let words = places(&example.clues, &learnt);
        values.extend(words.into_iter().map(|(at, value)| (COUNT + 1 + at, value)));
        end_row(example, values)
    };
    let rows: Vec<Row> = spoken.iter().zip(&said).map(row).collect();
    let mut ridge = vec![RIDGE_BASE; 4];
    ridge.extend([RIDGE_NUMBERS; COUNT + 1]);
    ridge.extend(vec![RIDGE_WORDS; learnt.len()]);
    let times = times();
    let problem = Problem {
        rows: &rows,
        times: &times,
        ridge: &ridge,
    };
    let found = solved(&problem)?;
    let of_row = &found[4..];
    let of_act = of_row[COUNT];
    let mut words: BTreeMap<String, f64> = BTreeMap::new();
    for (clue, at) in &act.learnt {
        *words.entry(clue.clone()).or_default() += of_act * act.weights[*at];
    }
    for (clue, at) in &learnt {
        *words.entry(clue.clone()).or_default() += of_row[COUNT + 1 + at];
    }
    words
        .values_mut()
        .for_each(|weight| *weight = rounded(*weight));
    words.retain(|_, weight| *weight != 0.0);
    let sum = |it: &&Example<'_>| -> f64 {
        it.clues
            .words
            .iter()
            .flatten()
            .filter_map(|clue| words.get(clue))
            .sum()
    };
    let words_mean = rounded(spoken.iter().map(sum).sum::<f64>() / spoken.len().max(1) as f64);
    let mut silence = [found[0], found[1], found[2], found[3]];
    silence[0] += of_act * act.base + words_mean;
    Ok(scores(silence, of_row, &spread, words, words_mean))
}

fn timing_only(examples: &[&Example<'_>]) -> Result<Scores, TrainError> {
    let spread = spread(examples);
    let row = |it: &&Example<'_>| end_row(it, standard(&it.clues, &spread, false));
    let rows: Vec<Row> = examples.iter().map(row).collect();
    let mut ridge = vec![RIDGE_BASE; 4];
    ridge.extend([RIDGE_NUMBERS; COUNT]);
    let times = times();
    let problem = Problem {
        rows: &rows,
        times: &times,
        ridge: &ridge,
    };
    let found = solved(&problem)?;
    let silence = [found[0], found[1], found[2], found[3]];
    Ok(scores(silence, &found[4..], &spread, BTreeMap::new(), 0.0))
}

fn scores(
    silence: [f64; 4],
    of_row: &[f64],
    (mean, deviation): &([f64; COUNT], [f64; COUNT]),
    words: BTreeMap<String, f64>,
    words_mean: f64,
) -> Scores {
    let weight = std::array::from_fn(|at| rounded(of_row[at] / deviation[at]));
    Scores {
        silence: silence.map(rounded),
        numbers: numbers(mean.map(rounded), weight),
        words,
        words_mean,
        prices: Vec::new(),
    }
}

/// Rounds to what is worth writing down.
fn rounded(value: f64) -> f64 {
    let rounded = (value * 1e4).round() / 1e4;
    // No file tells minus zero from zero.
    if rounded == 0.0 { 0.0 } else { rounded }
}

/// Finds what a cut-off must cost, for each share of pauses, on conversations that the weights were not fitted
/// to; and the fixed silences that cut as many.
fn set_prices(weights: &mut Weights, data: &[Labelled], tried: &[Tried]) {
    let pauses = tried.iter().filter(|tried| {
        data[tried.index]
            .truth
            .as_ref()
            .is_some_and(|truth| truth.is_end == Some(false))
    });
    let pauses: Vec<&Tried> = pauses.collect();
    let mut lengths: Vec<f64> = pauses
        .iter()
        .filter_map(|tried| Some(data[tried.index].truth.as_ref()?.pause_ms))
        .collect();
    lengths.sort_by(f64::total_cmp);
    for share in SHARES {
        let rank = ((1.0 - share) * lengths.len() as f64) as usize;
        weights.silences.push(Silent {
            cut_offs: share,
            silence_ms: lengths.get(rank).map_or(0.0, |ms| ms.round()),
        });
        for (scores, has_words) in [
            (&mut weights.with_words, true),
            (&mut weights.timing_only, false),
        ] {
            let cut = |log_ms| {
                let tried = pauses.iter().copied();
                share_cut(&decided_at(data, tried, libm::exp(log_ms), has_words))
            };
            scores.prices.push(Price {
                cut_offs: share,
                log_ms: rounded(where_falls(LOG_PRICES, share, cut)),
            });
        }
    }
}

/// What the weights that were fitted without a pause's conversation decide about it at a price.
pub fn decided_at<'a>(
    data: &'a [Labelled],
    tried: impl Iterator<Item = &'a Tried>,
    price_ms: f64,
    has_words: bool,
) -> Vec<Decided<'a>> {
    let mut decided = Vec::new();
    let mut policy: Option<(&Weights, Classifier<'_>)> = None;
    for tried in tried {
        let labelled = &data[tried.index];
        let weights: &Weights = &tried.weights;
        // Neighbours in the data share weights.
        if policy
            .as_ref()
            .is_none_or(|(of, _)| !std::ptr::eq(*of, weights))
        {
            policy = Some((weights, Classifier::at_price(weights, price_ms)));
        }
        let Some((_, classifier)) = &policy else {
            continue;
        };
        let clues = match has_words {
            true => Clues::of(&labelled.pause),
            false => Clues::of(&labelled.pause).without_words(),
        };
        let planned = classifier.planned(&clues, 0.0, Duration::ZERO);
        decided.extend(Decided::of(labelled, Some(planned.silence)));
    }
    decided
}
