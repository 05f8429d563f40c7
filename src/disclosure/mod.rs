//! Saying that one is a machine: whether a caller asks for it, and whether it was said.
//!
//! It reads text alone, and knows of no stage, no sound and no record.

mod asks;
mod heard;
mod phrasings;

pub(crate) use asks::{Asked, asked};
pub(crate) use heard::{Told, heard};

/// Words in lower-case letters, without punctuation, contractions written out.
fn words(text: &str) -> Vec<String> {
    let lower = text.to_lowercase().replace(['\u{2019}', '`'], "'");
    let apart = |c: char| !(c.is_alphanumeric() || c == '\'');
    let mut words = Vec::new();
    for word in lower.split(apart).filter(|word| !word.is_empty()) {
        let (stem, ending) = match word.trim_matches('\'') {
            "ain't" => ("are", Some("not")),
            "can't" => ("can", Some("not")),
            "won't" => ("will", Some("not")),
            // "is" and "has" are not told apart, and possession is not either.
            word => match word.split_once('\'') {
                Some((stem, "re")) => (stem, Some("are")),
                Some((stem, "m")) => (stem, Some("am")),
                Some((stem, "s")) => (stem, Some("is")),
                Some((stem, "ve")) => (stem, Some("have")),
                Some((stem, "ll")) => (stem, Some("will")),
                Some((stem, "d")) => (stem, Some("would")),
                Some((stem, "t")) => (stem.strip_suffix('n').unwrap_or(stem), Some("not")),
                _ => (word, None),
            },
        };
        words.extend(
            [Some(stem), ending]
                .into_iter()
                .flatten()
                .map(str::to_owned),
        );
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contractions_are_written_out() {
        assert_eq!(
            words("You're NOT a robot, aren't you?"),
            ["you", "are", "not", "a", "robot", "are", "not", "you"]
        );
        assert_eq!(
            words("I\u{2019}m sure it isn't 'real'."),
            ["i", "am", "sure", "it", "is", "not", "real"]
        );
    }
}
