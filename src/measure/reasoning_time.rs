//! How long an answer was only reasoned about, in its text or beside it.

use crate::event::Tick;
use crate::speak::{Before, Reasoning, TAG_ENDS};

/// When reasoning inside of an answer's text began, and when the first text came that can be spoken; and how long
/// reasoning lasted that the server told apart from the text.
#[derive(Debug, Clone, Default)]
pub(super) struct ReasoningTime {
    /// The first piece of an answer that begins with reasoning.
    began: Option<Tick>,
    /// The first piece behind the reasoning; `None` if there was none.
    pub answered: Option<Tick>,
    first: Option<Tick>,
    /// How the text is read, once something in it may be reasoning or a tag.
    reading: Option<Box<Reasoning>>,
    apart_ns: Option<u64>,
}

impl ReasoningTime {
    /// Takes a piece of the answer's text, with white space. Pieces behind the first spoken clause need not be given:
    /// only what nobody heard can turn out to have been reasoning.
    pub(super) fn piece(&mut self, text: &str, now: Tick) {
        let begins = self.first.is_none();
        let first = *self.first.get_or_insert(now);
        if self.reading.is_none() && Reasoning::is_plain(text, begins) {
            return;
        }
        let reading = self.reading.get_or_insert_with(|| {
            Box::new(match begins {
                true => Reasoning::new(false),
                false => Reasoning::in_answer(),
            })
        });
        let mut answer = String::new();
        for part in text.split_inclusive(TAG_ENDS) {
            // A closing tag whose opening one stands in the prompt.
            if reading.push(part, &mut answer) == Before::WasReasoning {
                answer.clear();
                (self.began, self.answered) = (Some(first), None);
            }
        }
        if reading.is_inside() && self.began.is_none() {
            self.began = Some(now);
        }
        let is_open = self.began.is_some() && self.answered.is_none();
        if is_open && answer.contains(char::is_alphanumeric) {
            self.answered = Some(now);
        }
    }

    /// Takes the time of reasoning that was no part of the text.
    pub(super) fn apart(&mut self, span_ns: u64) {
        self.apart_ns.get_or_insert(span_ns);
    }

    /// Nanoseconds of reasoning before the answer; `None` if there was none.
    pub(super) fn span_ns(&self) -> Option<u64> {
        let in_text = self.began.zip(self.answered);
        let in_text = in_text.map(|(began, answered)| answered.0.saturating_sub(began.0));
        match (in_text, self.apart_ns) {
            (Some(one), Some(other)) => Some(one.saturating_add(other)),
            (one, other) => one.or(other),
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
        // What was taken for the answer turns out to have been reasoning.
        assert_eq!(
            read(&["We open ", "at nine.", "</think>", "Nine."]),
            (Some(Tick(1)), Some(Tick(4)))
        );
        assert_eq!(
            read(&["The user ", "asks.", "</think>", "Nine."]),
            (Some(Tick(1)), Some(Tick(4)))
        );
        assert_eq!(
            read(&["Hm, nine", "?", "</think>", "Nine."]),
            (Some(Tick(1)), Some(Tick(4)))
        );
        assert_eq!(read(&["Nine", " o'clock."]), (None, None));
        assert_eq!(read(&["<think>", "hm"]), (Some(Tick(1)), None));
    }

    #[test]
    fn reasoning_in_the_text_and_beside_it_adds_up() {
        let mut time = ReasoningTime::default();
        assert_eq!(time.span_ns(), None);
        for (at, piece) in [(10, "<think>"), (15, "hm</think>"), (30, "Nine.")] {
            time.piece(piece, Tick(at));
        }
        assert_eq!(time.span_ns(), Some(20));
        time.apart(7);
        assert_eq!(time.span_ns(), Some(27));
        let mut beside = ReasoningTime::default();
        beside.apart(7);
        beside.piece("Nine.", Tick(30));
        assert_eq!(beside.span_ns(), Some(7));
    }
}
