//! How long the classifier waits at ends and at pauses of real conversations, for simulations, in which there is
//! nothing to go by.

use super::Decided;
use super::policy::{Policy, share_cut, where_falls};
use crate::endpoint::classifier::{Classifier, PricesMs};
use crate::endpoint::clues::Clues;
use crate::endpoint::curve::{Curve, Curves, SCHEMA, Silences};
use crate::endpoint::pauses::Labelled;
use crate::endpoint::sound;
use crate::endpoint::weights::Weights;
use std::collections::BTreeSet;
use std::time::Duration;

/// The shares of pauses that curves are measured for.
const SHARES: [f64; 7] = [0.01, 0.03, 0.05, 0.1, 0.2, 0.35, 0.5];
/// Steps between quantiles.
const STEPS: usize = 20;
/// Fewer say too little of a distribution.
const EVENTS_MIN: usize = 20;

/// Curves of the classifier on these pauses, each heard with its words.
///
/// # Errors
/// What lacks in the data.
pub fn curves(data: &[Labelled], weights: &Weights) -> Result<Curves, String> {
    let mut curves = Vec::new();
    for cut_offs in SHARES {
        let policy = Classifier::new(weights, cut_offs);
        let decided = data.iter().filter_map(|one| {
            let planned = policy.plan(&one.pause, Duration::ZERO);
            Decided::of(one, Some(planned.silence))
        });
        let (ends, pauses): (Vec<_>, Vec<_>) = decided.partition(Decided::is_end);
        curves.push(Curve {
            cut_offs,
            log_prices: None,
            ends: silences(&ends).ok_or_else(|| lack("ends of turns", ends.len()))?,
            pauses: silences(&pauses).ok_or_else(|| lack("pauses", pauses.len()))?,
        });
    }
    let with_sound = SHARES.map(|cut_offs| with_sound(data, weights, cut_offs));
    let corpora = data
        .iter()
        .filter_map(|one| Some(&one.truth.as_ref()?.corpus));
    let corpora: BTreeSet<&String> = corpora.collect();
    Ok(Curves {
        schema: SCHEMA.to_owned(),
        corpora: corpora.into_iter().cloned().collect(),
        curves,
        with_sound: with_sound.into_iter().collect::<Result<_, _>>()?,
    })
}

/// The curve of the classifier beside a judge of the sound, and the prices at which it cuts this share of the pauses.
/// Nobody has heard them: each counts with ten things that the judge may say.
fn with_sound(data: &[Labelled], weights: &Weights, cut_offs: f64) -> Result<Curve, String> {
    let all: Vec<(&Labelled, Clues)> = data
        .iter()
        .map(|one| (one, Clues::of(&one.pause)))
        .collect();
    let timing: Vec<(&Labelled, Clues)> = all
        .iter()
        .map(|(one, clues)| (*one, clues.clone().without_words()))
        .collect();
    let log_price = |clues: &[(&Labelled, Clues)]| {
        where_falls(Policy::PRICES, cut_offs, |log_ms| {
            let prices = PricesMs::both(libm::exp(log_ms));
            share_cut(&unheard(clues, &Classifier::beside_sound(weights, prices)))
        })
    };
    let log_prices = [log_price(&all), log_price(&timing)];
    let [with_words, timing_only] = log_prices.map(libm::exp);
    let prices = PricesMs {
        with_words,
        timing_only,
    };
    let decided = unheard(&all, &Classifier::beside_sound(weights, prices));
    let (ends, pauses): (Vec<_>, Vec<_>) = decided.into_iter().partition(Decided::is_end);
    let silences = |decided: &[Decided<'_>], of: &str| {
        let mut found = silences(decided).ok_or_else(|| lack(of, decided.len()))?;
        found.events /= sound::unheard(true).count();
        Ok::<_, String>(found)
    };
    Ok(Curve {
        cut_offs,
        log_prices: Some(log_prices.map(|log_ms| (log_ms * 1e4).round() / 1e4)),
        ends: silences(&ends, "ends of turns")?,
        pauses: silences(&pauses, "pauses")?,
    })
}

fn unheard<'a>(data: &[(&'a Labelled, Clues)], policy: &Classifier<'_>) -> Vec<Decided<'a>> {
    let decided = data.iter().flat_map(|(one, clues)| {
        let is_end = one.truth.as_ref().and_then(|truth| truth.is_end);
        let heard = is_end.into_iter().flat_map(sound::unheard);
        heard.filter_map(move |added| {
            let planned = policy.planned(clues, added, Duration::ZERO);
            Decided::of(one, Some(planned.silence))
        })
    });
    decided.collect()
}

fn lack(of: &str, count: usize) -> String {
    format!("{count} {of} in the data are too few for a curve; give at least {EVENTS_MIN}")
}

fn silences(decided: &[Decided<'_>]) -> Option<Silences> {
    let mut all: Vec<u32> = decided
        .iter()
        .map(|one| one.commit_ms.round() as u32)
        .collect();
    all.sort_unstable();
    let last = all
        .len()
        .checked_sub(1)
        .filter(|_| all.len() >= EVENTS_MIN)?;
    let at = |step: usize| all[(step * last + STEPS / 2) / STEPS];
    Some(Silences {
        events: all.len(),
        after_ms: (0..=STEPS).map(at).collect(),
    })
}
