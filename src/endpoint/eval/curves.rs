//! How long the classifier waits at ends and at pauses of real conversations, for simulations, in which there is
//! nothing to go by.

use super::Decided;
use crate::endpoint::classifier::Classifier;
use crate::endpoint::curve::{Curve, Curves, SCHEMA, Silences};
use crate::endpoint::pauses::Labelled;
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
            ends: silences(&ends).ok_or_else(|| lack("ends of turns", ends.len()))?,
            pauses: silences(&pauses).ok_or_else(|| lack("pauses", pauses.len()))?,
        });
    }
    let corpora = data
        .iter()
        .filter_map(|one| Some(&one.truth.as_ref()?.corpus));
    let corpora: BTreeSet<&String> = corpora.collect();
    Ok(Curves {
        schema: SCHEMA.to_owned(),
        corpora: corpora.into_iter().cloned().collect(),
        curves,
    })
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
