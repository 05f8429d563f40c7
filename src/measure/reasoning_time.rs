//! When an answer's text ceases to be reasoning.

use crate::event::Tick;
use crate::speak::Reasoning;

/// When reasoning inside of an answer's text began, and when the first text came that can be spoken.
#[derive(Debug, Clone, Default)]
pub(super) struct ReasoningTime {
    /// The first piece of an answer that begins with reasoning.
    pub began: Option<Tick>,
    /// The first piece behind the reasoning; `None` if there was none.
    pub answered: Option<Tick>,
    text: Text,
}

#[derive(Debug, Clone, Default)]
enum Text {
    #[default]
    NotYet,
    Reading(Box<Reasoning>),
    /// The answer has begun: nothing further is looked at.
    Answer,
}

impl ReasoningTime {
    /// Takes a piece of the answer's text, with white space.
    pub(super) fn piece(&mut self, text: &str, now: Tick) {
        if let Text::NotYet = self.text {
            self.text = Text::Reading(Box::new(Reasoning::new(false)));
        }
        let Text::Reading(reasoning) = &mut self.text else {
            return;
        };
        let mut answer = String::new();
        reasoning.push(text, &mut answer);
        if reasoning.is_inside() && self.began.is_none() {
            self.began = Some(now);
        }
        if answer.contains(char::is_alphanumeric) {
            self.answered = self.began.map(|_| now);
            self.text = Text::Answer;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pieces: &[&str]) -> (Option<Tick>, Option<Tick>) {
        let mut time = ReasoningTime::default();
        for (at, piece) in (1..).zip(pieces) {
            time.piece(piece, Tick(at));
        }
        (time.began, time.answered)
    }

    #[test]
    fn reasoning_lasts_from_its_first_piece_to_the_first_word_of_the_answer() {
        assert_eq!(
            read(&["<think>", "hm", "</think>", "\n", "Nine.", " Yes"]),
            (Some(Tick(1)), Some(Tick(5)))
        );
        assert_eq!(
            read(&["The user ", "asks.", "</think>", "Nine."]),
            (Some(Tick(1)), Some(Tick(4)))
        );
        assert_eq!(read(&["Nine", " o'clock."]), (None, None));
        assert_eq!(read(&["<think>", "hm"]), (Some(Tick(1)), None));
    }
}
