//! How documents are prepared for searching: which steps, and their sizes.
//!
//! Each step is a pure file of its own beside this one. Every step can be left out, so that an evaluation can say what
//! it is worth. A prepared index keeps its preparation, and questions go through the steps of the documents.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// The least and the most characters that a chunk may be asked to hold.
pub const CHUNK_CHARS: std::ops::RangeInclusive<usize> = 80..=4_000;
/// The chunk size unless told: about 100 words, more than an answer ever reads out.
pub(super) const CHUNK_CHARS_DEFAULT: usize = 600;
/// The confidence below which nothing is answered, unless told.
///
/// The shop's questions of split "tune", typed: of `questions.jsonl` it lets 114 of 116 right answers pass and refuses 6 of
/// the 8 questions that have none; of `callers.jsonl` 69 of 74, and 9 of 16.
pub(super) const THRESHOLD_DEFAULT: f64 = 0.3;

/// A step that can be left out.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, clap::ValueEnum,
)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// Each chunk with its document's title and the headings above it
    Context,
    /// Each chunk with the questions that it answers
    Questions,
    /// Each chunk with the questions that are asked of it: asked.jsonl beside the documents
    Asked,
    /// Words that mean the same are one
    Synonyms,
    /// Figures as they are said are figures as they are written
    SpokenForms,
    /// Forms of a word are one
    Stemming,
    /// Words without a topic do not count
    StopWords,
    /// What is not covered well enough is not answered
    Threshold,
}

impl Step {
    pub const ALL: [Step; 8] = [
        Step::Context,
        Step::Questions,
        Step::Asked,
        Step::Synonyms,
        Step::SpokenForms,
        Step::Stemming,
        Step::StopWords,
        Step::Threshold,
    ];

    /// The step's name on the command line and in files.
    pub fn name(self) -> &'static str {
        match self {
            Step::Context => "context",
            Step::Questions => "questions",
            Step::Asked => "asked",
            Step::Synonyms => "synonyms",
            Step::SpokenForms => "spoken-forms",
            Step::Stemming => "stemming",
            Step::StopWords => "stop-words",
            Step::Threshold => "threshold",
        }
    }
}

/// What is done with documents and questions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preparation {
    /// The most characters of a chunk, in [`CHUNK_CHARS`]. A chunk never crosses a heading.
    pub chunk_chars_max: usize,
    /// How many characters of the chunk before it a chunk may repeat, under half of `chunk_chars_max`.
    pub overlap_chars: usize,
    /// The steps of [`Step::ALL`] that are left out.
    pub without: BTreeSet<Step>,
    /// The least confidence of an answer, in 0..=1.
    pub threshold: f64,
}

impl Default for Preparation {
    fn default() -> Preparation {
        Preparation {
            chunk_chars_max: CHUNK_CHARS_DEFAULT,
            overlap_chars: 0,
            without: BTreeSet::new(),
            threshold: THRESHOLD_DEFAULT,
        }
    }
}

impl Preparation {
    /// Documents cut into chunks, and nothing else but stems and stop words.
    pub fn plain() -> Preparation {
        Preparation::default().without(&[
            Step::Context,
            Step::Questions,
            Step::Asked,
            Step::Synonyms,
            Step::SpokenForms,
            Step::Threshold,
        ])
    }

    /// The preparation with some more steps left out.
    pub fn without(mut self, steps: &[Step]) -> Preparation {
        self.without.extend(steps);
        self
    }

    /// The preparation with some steps put back that had been left out.
    pub fn with(mut self, steps: &[Step]) -> Preparation {
        self.without.retain(|step| !steps.contains(step));
        self
    }

    pub fn has(&self, step: Step) -> bool {
        !self.without.contains(&step)
    }

    /// What is wrong with the numbers, and what to do about it; `None` if nothing is.
    pub fn fault(&self) -> Option<String> {
        let chars = self.chunk_chars_max;
        if !CHUNK_CHARS.contains(&chars) {
            return Some(format!(
                "a chunk of {chars} characters: give {} to {}",
                CHUNK_CHARS.start(),
                CHUNK_CHARS.end()
            ));
        }
        if self.overlap_chars * 2 >= chars {
            return Some(format!(
                "chunks of {chars} characters cannot repeat {} of them: give an overlap under half of the chunk",
                self.overlap_chars
            ));
        }
        if !(0.0..=1.0).contains(&self.threshold) {
            return Some(format!(
                "a threshold of {}: confidence lies between 0 and 1",
                self.threshold
            ));
        }
        None
    }

    /// The preparation in a line: its sizes, and the steps that it leaves out.
    pub fn described(&self) -> String {
        let mut line = format!("chunks of {} characters", self.chunk_chars_max);
        if self.overlap_chars > 0 {
            line += &format!(", {} repeated", self.overlap_chars);
        }
        if !self.without.is_empty() {
            let names: Vec<&str> = self.without.iter().map(|step| step.name()).collect();
            line += &format!(", without {}", names.join(", "));
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_left_out_and_taken_back() {
        let plain = Preparation::plain();
        assert!(!plain.has(Step::Context) && plain.has(Step::Stemming));
        assert!(plain.with(&[Step::Context]).has(Step::Context));
        for step in Step::ALL {
            assert!(Preparation::default().has(step));
            assert!(!Preparation::default().without(&[step]).has(step));
        }
    }

    #[test]
    fn a_step_has_one_name_everywhere() {
        for step in Step::ALL {
            let written = serde_json::to_string(&step).unwrap();
            assert_eq!(written.trim_matches('"'), step.name());
            let parsed: Step = clap::ValueEnum::from_str(step.name(), false).unwrap();
            assert_eq!(parsed, step);
        }
    }

    #[test]
    fn numbers_that_make_no_sense_are_refused_with_the_cure() {
        let fault = |chunk_chars_max, overlap_chars, threshold| {
            let given = Preparation {
                chunk_chars_max,
                overlap_chars,
                threshold,
                ..Preparation::default()
            };
            given.fault().unwrap_or_default()
        };
        assert!(fault(10, 0, 0.5).contains("80 to 4000"));
        assert!(fault(600, 300, 0.5).contains("under half"));
        assert!(fault(600, 0, f64::NAN).contains("between 0 and 1"));
        assert_eq!(fault(600, 299, 1.0), "");
    }
}
