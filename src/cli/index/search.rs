//! `voicesim index search`: what would be answered, from which passages, and why these.

use super::{Preparing, SCHEMA, open};
use crate::cli::{Failure, Verdict, print_json, print_plain};
use crate::knowledge::{Hit, Knowledge, Match, QUESTION_CHARS_MAX};
use clap::Args;
use serde::Serialize;
use std::fmt::Write;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(super) struct Search {
    /// An index, or a folder of documents
    #[arg(value_name = "INDEX|DIR")]
    source: PathBuf,
    question: String,
    /// Questions asked before, oldest first, which this one may refer to (repeatable)
    #[arg(long, value_name = "QUESTION")]
    after: Vec<String>,
    /// How many passages to show
    #[arg(long, default_value_t = 5, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=24))]
    top: u8,
    #[command(flatten)]
    preparing: Preparing,
    /// Print the answer and its passages as one JSON document
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct SearchDocument<'a> {
    schema: &'static str,
    question: &'a str,
    after: &'a [String],
    /// The answer that would be spoken.
    answer: String,
    /// Whether the answer comes from a passage.
    is_answered: bool,
    passages: Vec<FoundPassage<'a>>,
}

#[derive(Serialize)]
struct FoundPassage<'a> {
    place: String,
    document: &'a str,
    score: f32,
    coverage: f32,
    confidence: f64,
    text: &'a str,
    /// Why the passage was found: the words of the question that it holds.
    matched: &'a [Match],
}

impl Search {
    pub(super) fn run(self) -> Result<Verdict, Failure> {
        if self.question.chars().count() > QUESTION_CHARS_MAX {
            return Err(Failure::Input(format!(
                "the question is longer than {QUESTION_CHARS_MAX} characters, which is more than a minute of speech; shorten it"
            )));
        }
        let knowledge = open(&self.source, &self.preparing)?;
        let earlier: Vec<&str> = self.after.iter().map(String::as_str).collect();
        let hits = knowledge
            .search(&self.question, &earlier)
            .map_err(Failure::unavailable)?;
        let answer = knowledge.answer(&self.question, &earlier);
        let found: Vec<FoundPassage<'_>> = hits
            .iter()
            .take(self.top.into())
            .filter_map(|hit| found_passage(&knowledge, hit))
            .collect();
        let document = SearchDocument {
            schema: SCHEMA,
            question: &self.question,
            after: &self.after,
            is_answered: answer.source.is_some(),
            answer: answer.text,
            passages: found,
        };
        if self.json {
            print_json(&document)?;
        } else {
            print_plain(&document.as_text());
        }
        Ok(Verdict::Fine)
    }
}

fn found_passage<'a>(knowledge: &'a Knowledge, hit: &'a Hit) -> Option<FoundPassage<'a>> {
    let passage = knowledge.passage(hit)?;
    Some(FoundPassage {
        place: passage.place(),
        document: &passage.document,
        score: hit.score,
        coverage: hit.coverage,
        confidence: hit.confidence,
        text: &passage.body,
        matched: &hit.matched,
    })
}

impl SearchDocument<'_> {
    fn as_text(&self) -> String {
        let mut text = format!("“{}”\n", self.answer);
        for (index, passage) in self.passages.iter().enumerate() {
            let FoundPassage {
                place,
                score,
                coverage,
                confidence,
                ..
            } = passage;
            // Writing to a String cannot fail.
            let _ = writeln!(
                text,
                "\n{:>2}  {place}\n    score {score:.2}, covers {coverage:.2} of the question, confidence {confidence:.2}",
                index + 1
            );
            let why: Vec<String> = passage.matched.iter().map(why).collect();
            let _ = writeln!(text, "    {}", why.join(" · "));
            let shown: String = passage
                .text
                .replace('\n', " ")
                .chars()
                .take(SHOWN_CHARS)
                .collect();
            let cut = if shown.chars().count() == SHOWN_CHARS {
                "…"
            } else {
                ""
            };
            let _ = writeln!(text, "    {shown}{cut}");
        }
        text
    }
}

/// How many characters of a passage are shown.
const SHOWN_CHARS: usize = 160;

/// A match for people: the stem that was heard, what it met, where, and what it counts.
fn why(one: &Match) -> String {
    let Match {
        heard,
        term,
        place,
        score,
    } = one;
    let met = match term.strip_prefix('=') {
        Some(meaning) => format!("{} means {meaning}", heard.trim_start_matches('=')),
        None => term.replace('?', "asks for a "),
    };
    format!("{met} ({place}, {score:.1})")
}
