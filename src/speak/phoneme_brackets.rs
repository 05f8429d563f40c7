//! `[[…]]` in text: raw phonemes to a voice, and so not for answers to use.

use std::borrow::Cow;

/// Takes `[[…]]`, which both voices' text front ends read as raw phonemes, out of text that is to be spoken.
///
/// A bracket pair goes with its contents; brackets without a partner go alone. The result never holds `[[`.
pub(crate) fn strip_phoneme_brackets(text: &str) -> Cow<'_, str> {
    if !text.contains("[[") && !text.contains("]]") {
        return Cow::Borrowed(text);
    }
    let mut spoken = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("[[") {
        spoken.push_str(before);
        rest = after.split_once("]]").map_or(after, |(_, behind)| behind);
        // A blank in its place keeps two words, or two single brackets, from growing together.
        if spoken.ends_with(char::is_whitespace) {
            rest = rest.trim_start();
        } else if !spoken.is_empty() {
            spoken.push(' ');
            rest = rest.trim_start();
        }
    }
    spoken.push_str(rest);
    Cow::Owned(spoken.replace("]]", " "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phoneme_brackets_are_taken_out_of_spoken_text() {
        let check =
            |text: &str, spoken: &str| assert_eq!(strip_phoneme_brackets(text), spoken, "{text:?}");
        check("nothing to do", "nothing to do");
        check("say [[m'hm]] now", "say now");
        check("[[a]]b[[c]]", "b ");
        check("open [[ for ever", "open for ever");
        check("closed ]] only", "closed   only");
        check("[[[x]]", "");
        check("a[[[x]][b", "a [b");
        check("[ [[x]][ y", "[ [ y");
    }

    #[test]
    fn no_text_gets_a_phoneme_bracket_through() {
        for text in [
            "[[[[a]]]]",
            "[[]][[]]",
            "a[[[[]]b]]c",
            "]][[",
            "[[]]]]",
            "[[a]][[[b]][[",
            "x[[y]][[z",
        ] {
            let spoken = strip_phoneme_brackets(text);
            assert!(
                !spoken.contains("[[") && !spoken.contains("]]"),
                "{text:?} gave {spoken:?}"
            );
        }
    }
}
