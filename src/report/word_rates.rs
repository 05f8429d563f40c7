//! What the word error rate is made of, for the JSON document.

use crate::measure::WordErrors;
use serde::Serialize;

/// Wrong words by kind, and the rates beside the word error rate.
#[derive(Debug, Serialize)]
pub struct WordRates {
    /// Words of the references, written alike.
    words: u32,
    substitutions: u32,
    deletions: u32,
    insertions: u32,
    /// The rate of the texts as they are written.
    raw_wer: Option<f64>,
    /// The rate of names and numbers alone; `None` if there are none.
    name_and_number_wer: Option<f64>,
    names_and_numbers: u32,
}

impl WordRates {
    pub(super) fn of(errors: WordErrors) -> WordRates {
        WordRates {
            words: errors.words,
            substitutions: errors.substitutions,
            deletions: errors.deletions,
            insertions: errors.insertions,
            raw_wer: errors.raw_rate(),
            name_and_number_wer: errors.name_and_number_rate(),
            names_and_numbers: errors.names_and_numbers,
        }
    }
}
