//! Whether a text was said, as far as a transcript tells: a recogniser mishears a word here and there.

use super::words;

/// As many of its words, in their order, are found in a transcript of a text that was said to its end.
const WHOLE: f64 = 0.75;
/// With fewer than this, nothing tells that it was begun.
const BEGUN: f64 = 0.45;
/// More words of one conversation are not looked through.
const WORDS_MAX: usize = 200_000;

/// How much of a text was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told {
    /// All of it, as far as a recogniser may be trusted.
    Whole,
    /// It was begun, or said in part.
    Part,
    /// Nothing of it.
    Nothing,
}

/// What a transcript has of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Heard {
    /// How much of it was said.
    pub told: Told,
    /// The piece in which it begins, and the one in which it ends; 0 if nothing of it was said.
    pub pieces: (usize, usize),
}

/// Looks for a text in pieces of a transcript, which may share it between them. The best place counts.
pub(crate) fn heard(text: &str, pieces: &[&str]) -> Heard {
    let wanted = words(text);
    let mut said: Vec<(usize, String)> = Vec::new();
    for (place, piece) in pieces.iter().enumerate() {
        said.extend(words(piece).into_iter().map(|word| (place, word)));
        said.truncate(WORDS_MAX);
    }
    let nothing = Heard {
        told: Told::Nothing,
        pieces: (0, 0),
    };
    let Some(length) = (!wanted.is_empty()).then_some(wanted.len()) else {
        return nothing;
    };
    // Edits from the text to some stretch of what was said (Sellers, 1980), and where that stretch begins.
    let mut row: Vec<(usize, usize)> = (0..=length).map(|edits| (edits, 0)).collect();
    let (mut best, mut at) = (length, None);
    for (index, (_, word)) in said.iter().enumerate() {
        let mut diagonal = (0, index);
        row[0] = (0, index + 1);
        for (place, own) in wanted.iter().enumerate() {
            let above = row[place + 1];
            let replaced = (diagonal.0 + usize::from(own != word), diagonal.1);
            let inserted = (above.0 + 1, above.1);
            let left_out = (row[place].0 + 1, row[place].1);
            diagonal = above;
            row[place + 1] = [replaced, inserted, left_out]
                .into_iter()
                .min_by_key(|(edits, _)| *edits)
                .unwrap_or(replaced);
        }
        let (edits, begins) = row[length];
        // The earlier place counts if two have all of it.
        let is_whole = 1.0 - best as f64 / length as f64 >= WHOLE;
        let is_later = is_whole && at.is_some_and(|(_, last)| begins > last);
        if edits < best && !is_later {
            (best, at) = (edits, Some((begins, index)));
        }
    }
    let share = 1.0 - best as f64 / length as f64;
    let piece = |index: usize| said.get(index).map_or(0, |(place, _)| *place);
    match at {
        Some((first, last)) if share >= BEGUN => Heard {
            told: match share >= WHOLE {
                true => Told::Whole,
                false => Told::Part,
            },
            pieces: (piece(first), piece(last)),
        },
        _ => nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "You are talking to an automated assistant, not to a person.";

    fn told(pieces: &[&str]) -> (Told, (usize, usize)) {
        let heard = heard(TEXT, pieces);
        (heard.told, heard.pieces)
    }

    #[test]
    fn what_was_said_among_other_things_is_found_where_it_was() {
        let whole = "It is nine o'clock. You're talking to an automated assistant, not to a person. Anything else?";
        assert_eq!(told(&["Hello.", whole, "Bye."]), (Told::Whole, (1, 1)));
        let shared = [
            "You are talking to an automated",
            "assistant, not to a person. Yes.",
        ];
        assert_eq!(told(&shared), (Told::Whole, (0, 1)));
    }

    #[test]
    fn a_recogniser_may_mishear_a_word() {
        let misheard = "you are talking to an animated assistance not to a person";
        assert_eq!(told(&[misheard]).0, Told::Whole);
    }

    #[test]
    fn half_of_it_is_not_all_of_it() {
        assert_eq!(told(&["You are talking to an automated"]).0, Told::Part);
        assert_eq!(told(&["assistant, not to a person."]).0, Told::Part);
        // Said twice in halves is not said once.
        let halves = "You are talking to an automated. You are talking to an automated.";
        assert_eq!(told(&[halves]).0, Told::Part);
    }

    #[test]
    fn ordinary_words_are_nothing_of_it() {
        assert_eq!(
            told(&["You are welcome to come.", "It is ten euros for a person."]).0,
            Told::Nothing
        );
        assert_eq!(told(&[]).0, Told::Nothing);
        assert_eq!(heard("...", &["a"]).told, Told::Nothing);
    }
}
