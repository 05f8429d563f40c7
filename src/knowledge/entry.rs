//! A passage and the terms by which it is found.

use serde::{Deserialize, Serialize};

use super::analysis::Analysis;
use super::asked::Asked;
use super::passages::Passage;
use super::preparation::{Preparation, Step};
use super::{asks, context, hypothetical};

/// What stands between two questions; no term holds it.
pub(super) const NEXT: &str = " | ";

/// A passage, prepared. Terms are kept with a space between them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    #[serde(flatten)]
    pub passage: Passage,
    /// Terms of the document's title.
    pub title: String,
    /// Terms of the headings below the title.
    pub headings: String,
    /// Terms of the passage's text.
    pub text: String,
    /// Terms of the questions that were made up from the text, and of what the text can tell.
    pub questions: String,
    /// Terms of the questions that are asked of the section, with [`NEXT`] between questions.
    pub asked: String,
}

impl Entry {
    /// Prepares a passage: goes through the steps of the preparation that concern one passage.
    pub(super) fn of(
        passage: Passage,
        preparation: &Preparation,
        analysis: &Analysis,
        asked: &Asked,
    ) -> Entry {
        let (mut title, mut headings, mut questions) = Default::default();
        if preparation.has(Step::Context) {
            // The context line, in its two parts: a heading says more than the title of all.
            let line = context::line(&passage);
            let (document, trail) = line.split_at(passage.document.len());
            title = analysis.terms(document).join(" ");
            headings = analysis.terms(trail).join(" ");
        }
        if preparation.has(Step::Questions) {
            let mut terms = Vec::new();
            for question in hypothetical::questions(&passage) {
                terms.extend(analysis.terms(&question));
            }
            // How often a word stands in made-up questions says nothing.
            terms.sort_unstable();
            terms.dedup();
            terms.extend(asks::told(&passage.body).into_iter().map(str::to_owned));
            questions = terms.join(" ");
        }
        let asked = match preparation.has(Step::Asked) {
            true => asked.of(&passage),
            false => &[],
        };
        let asked = asked
            .iter()
            .map(|question| analysis.terms(question).join(" "));
        let asked: Vec<String> = asked.collect();
        Entry {
            asked: asked.join(NEXT),
            text: analysis.terms(&passage.body).join(" "),
            title,
            headings,
            questions,
            passage,
        }
    }
}
