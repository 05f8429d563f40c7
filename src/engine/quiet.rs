//! Words said over an agent that want no answer. Once it is silent, the same words answer what it asked.

/// Words that ask for the floor or give it back, and nothing else. The right answer to them is to
/// be quiet.
const FLOOR_WORDS: [&str; 30] = [
    "a", "all", "alright", "and", "good", "hang", "hold", "hm", "hmm", "i", "just", "minute",
    "mhm", "mm", "mmhmm", "moment", "no", "oh", "ok", "okay", "on", "one", "right", "second",
    "see", "stop", "sure", "uhhuh", "wait", "yeah",
];

/// Whether a text holds nothing that could be answered.
pub(super) fn wants_no_answer(text: &str) -> bool {
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
    fn asking_for_the_floor_wants_no_answer() {
        for text in [
            "Wait, stop.",
            "Mm-hmm.",
            "Yeah.",
            "Oh, I see.",
            "Hold on a second!",
            "",
        ] {
            assert!(wants_no_answer(text), "{text}");
        }
        for text in ["Why?", "Wait, what is latency?", "No, the other one."] {
            assert!(!wants_no_answer(text), "{text}");
        }
    }
}
