//! How answers begin that are reasoning whose opening tag stands in the prompt ("The user wants…").

/// These beginnings, in small letters, without Markdown. They are ASCII.
const BEGINNINGS: [&str; 25] = [
    "the user ",
    "the caller is asking",
    "the caller wants",
    "okay, the user",
    "ok, the user",
    "okay, so the user",
    "ok, so the user",
    "alright, the user",
    "alright, so the user",
    "hmm, the user",
    "so, the user",
    "so the user",
    "first, the user",
    "we need to answer",
    "we need to respond",
    "i need to answer",
    "i need to respond",
    "i should answer",
    "i should respond",
    "thought:",
    "thinking:",
    "reasoning:",
    "thought\n",
    "thinking\n",
    "reasoning\n",
];
/// Signs of Markdown around the name of a part.
pub(super) const SIGNS: [char; 3] = ['*', '_', '#'];

const _: () = assert!(BEGINNINGS.len() < u32::BITS as usize);

/// How far a text agrees with how reasoning begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Agreement {
    None,
    /// As far as the text goes.
    SoFar,
    Whole,
}

/// The beginnings that a text agrees with so far. Each letter is compared once, however long the text becomes.
#[derive(Debug, Clone)]
pub(super) struct Agreeing {
    /// A bit for each of [`BEGINNINGS`].
    with: u32,
    /// How many of their bytes were compared.
    bytes: usize,
    found: Agreement,
}

impl Default for Agreeing {
    /// A text that has not begun agrees with all of them.
    fn default() -> Agreeing {
        Agreeing {
            with: (1 << BEGINNINGS.len()) - 1,
            bytes: 0,
            found: Agreement::SoFar,
        }
    }
}

impl Agreeing {
    /// How far a text agrees.
    pub(super) fn of(text: &str) -> Agreement {
        let mut agreeing = Agreeing::default();
        let mut letters = text.chars().map(|c| agreeing.then(c));
        let decided = letters.find(|found| *found != Agreement::SoFar);
        decided.unwrap_or(Agreement::SoFar)
    }

    /// How far the text agrees with `c` at its end; what was decided stays so. Signs of Markdown do not count, nor white
    /// space before the first letter.
    pub(super) fn then(&mut self, c: char) -> Agreement {
        let is_beside = SIGNS.contains(&c) || self.bytes == 0 && c.is_whitespace();
        if !is_beside {
            let c = if c == '’' { '\'' } else { c };
            c.to_lowercase().for_each(|letter| self.compare(letter));
        }
        self.found
    }

    fn compare(&mut self, letter: char) {
        if self.found != Agreement::SoFar {
            return;
        }
        for (place, beginning) in BEGINNINGS.iter().enumerate() {
            if self.with & (1 << place) == 0 {
                continue;
            }
            let expected = beginning.as_bytes().get(self.bytes);
            if expected.map(|byte| char::from(*byte)) != Some(letter) {
                self.with &= !(1 << place);
            } else if beginning.len() == self.bytes + 1 {
                self.found = Agreement::Whole;
                return;
            }
        }
        self.bytes += 1;
        if self.with == 0 {
            self.found = Agreement::None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_agrees_as_far_as_it_goes_and_what_is_decided_stays_so() {
        for (text, expected) in [
            ("", Agreement::SoFar),
            (" **The us", Agreement::SoFar),
            ("The user ", Agreement::Whole),
            ("Thought:", Agreement::Whole),
            ("The user wants hours.", Agreement::Whole),
            ("We open", Agreement::None),
            ("Theuser ", Agreement::None),
        ] {
            assert_eq!(Agreeing::of(text), expected, "{text}");
            let mut agreeing = Agreeing::default();
            let letter_by_letter = text.chars().map(|c| agreeing.then(c)).last();
            assert_eq!(
                letter_by_letter.unwrap_or(Agreement::SoFar),
                expected,
                "{text}"
            );
        }
    }
}
