//! Figures that are made of words, of runs whose words were taken out.

use super::disclosures::Disclosures;
use super::{Measurement, RightAnswers, plus};
use crate::record::store::{FiguresOfWords, WithoutWords};
use crate::scenario::budget::Budget;

impl Measurement {
    /// What is to be kept of the figures before the words are taken out.
    pub fn figures_of_words(&self) -> WithoutWords {
        let of = |row: &super::Row| FiguresOfWords {
            wer: row.wer.and_then(|wer| serde_json::to_value(wer).ok()),
            is_right: row.is_right,
        };
        WithoutWords {
            rows: self.rows.iter().map(of).collect(),
            disclosures: match self.disclosures.is_empty() {
                true => None,
                false => serde_json::to_value(self.disclosures).ok(),
            },
        }
    }

    /// Puts the figures back that were made of words, and judges the budgets by them.
    pub(super) fn put_back(&mut self, kept: &WithoutWords, budgets: &[Budget]) {
        (self.wer, self.right_answers) = (None, RightAnswers::default());
        for (row, kept) in self.rows.iter_mut().zip(&kept.rows) {
            row.wer = kept
                .wer
                .clone()
                .and_then(|wer| serde_json::from_value(wer).ok());
            row.is_right = kept.is_right;
            self.wer = plus(self.wer, row.wer);
            self.right_answers.add(row);
        }
        let disclosures = kept.disclosures.clone();
        self.disclosures = disclosures
            .and_then(|kept| serde_json::from_value(kept).ok())
            // A folder that was redacted holds one conversation.
            .filter(|kept: &Disclosures| kept.is_possible(1))
            .unwrap_or_default();
        self.judge(budgets);
    }
}
