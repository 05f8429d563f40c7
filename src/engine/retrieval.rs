//! Answers from a folder of documents.

use super::knowledge::Knowledge;
use super::{Built, EngineError, worker};
use crate::clock::{Clock, Worker};
use crate::stage::{Answer, Outlet, Piece, Question, Stage, Work};
use std::path::Path;

struct Retrieval {
    worker: Worker<Knowledge>,
}

pub(super) fn build(docs: Option<&Path>, clock: &Clock) -> Result<Built<Answer>, EngineError> {
    let (knowledge, origin) = match docs {
        Some(folder) => (Knowledge::open(folder), folder.display().to_string()),
        None => (Knowledge::embedded(), "the built-in knowledge".to_owned()),
    };
    let knowledge = knowledge.map_err(|error| EngineError::Input(error.to_string()))?;
    // The first search maps pages and fills caches.
    knowledge.answer("warm up");
    let worker = worker(clock, "retrieval", knowledge)?;
    let described = format!("retrieval (tantivy) over {origin}");
    Ok(Built::new(Box::new(Retrieval { worker }), described))
}

impl Stage for Retrieval {
    type In = Question;
    type Out = Piece;

    fn handle<'a>(&'a mut self, question: Question, out: &'a mut Outlet<Piece>) -> Work<'a> {
        let Question { text, .. } = question;
        Box::pin(async move {
            if is_no_question(&text) {
                out.begun();
                return Ok(());
            }
            // The core is free again before the answer is handed on to a voice that wants it.
            let job = move |knowledge: &mut Knowledge, _| knowledge.answer(&text).text;
            let answer = out.compute(&self.worker, 1, job).await?;
            out.send(Piece(answer.into())).await
        })
    }
}

/// Words that ask for the floor or give it back, and nothing else. The right answer to them is to
/// be quiet.
const FLOOR_WORDS: [&str; 30] = [
    "a", "all", "alright", "and", "good", "hang", "hold", "hm", "hmm", "i", "just", "minute",
    "mhm", "mm", "mmhmm", "moment", "no", "oh", "ok", "okay", "on", "one", "right", "second",
    "see", "stop", "sure", "uhhuh", "wait", "yeah",
];

fn is_no_question(text: &str) -> bool {
    text.split_whitespace()
        .map(|word| -> String {
            let letters = word.chars().filter(|c| c.is_alphanumeric());
            letters.flat_map(char::to_lowercase).collect()
        })
        .all(|word| word.is_empty() || FLOOR_WORDS.contains(&word.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asking_for_the_floor_is_no_question() {
        for text in [
            "Wait, stop.",
            "Mm-hmm.",
            "Yeah.",
            "Oh, I see.",
            "Hold on a second!",
            "",
        ] {
            assert!(is_no_question(text), "{text}");
        }
        for text in ["Why?", "Wait, what is latency?", "No, the other one."] {
            assert!(!is_no_question(text), "{text}");
        }
    }
}
