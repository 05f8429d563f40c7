//! A section's text -> chunks of a bounded size, which may overlap.
//!
//! Text is cut where it has its largest joints: lines, then sentences, then words. This file must not know about
//! headings.

use text_splitter::{ChunkConfig, TextSplitter};

use super::preparation::Preparation;

/// The chunks of a section, none longer than asked for.
pub(super) fn chunks(text: &str, preparation: &Preparation) -> Vec<String> {
    let text = tidied(text);
    let (chars_max, overlap) = (preparation.chunk_chars_max, preparation.overlap_chars);
    if text.chars().nth(chars_max).is_none() {
        return if text.is_empty() {
            Vec::new()
        } else {
            vec![text]
        };
    }
    let config = ChunkConfig::new(chars_max.max(1));
    // The preparation was checked: an overlap is under half of a chunk.
    let config = config
        .with_overlap(overlap)
        .unwrap_or_else(|_| ChunkConfig::new(chars_max.max(1)));
    let splitter = TextSplitter::new(config);
    let pieces = spans(&text);
    let cut = pieces.into_iter().flat_map(|span| splitter.chunks(span));
    cut.filter(|chunk| chunk.contains(char::is_alphanumeric))
        .map(str::to_owned)
        .collect()
}

/// The splitter looks at a whole text again for each joint; in spans of this size its work grows no faster than the text.
const SPAN_BYTES: usize = 32 << 10;

/// The text in stretches of about [`SPAN_BYTES`], cut between lines or words where there are any.
fn spans(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = text;
    while rest.len() > SPAN_BYTES {
        let mut bound = SPAN_BYTES;
        while !rest.is_char_boundary(bound) {
            bound -= 1;
        }
        let (head, _) = rest.split_at(bound);
        let joint = head
            .rfind('\n')
            .or_else(|| head.rfind(' '))
            .filter(|at| *at > 0);
        let (span, after) = rest.split_at(joint.unwrap_or(bound));
        found.push(span);
        rest = after;
    }
    found.push(rest);
    found
}

/// One space between words, no empty lines, no line without a word.
fn tidied(text: &str) -> String {
    let mut tidy = String::with_capacity(text.len());
    for line in text
        .lines()
        .filter(|line| line.contains(char::is_alphanumeric))
    {
        if !tidy.is_empty() {
            tidy.push('\n');
        }
        for (index, word) in line.split_whitespace().enumerate() {
            if index > 0 {
                tidy.push(' ');
            }
            tidy += word;
        }
    }
    tidy
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::speak::sentences::sentences;

    fn sized(chunk_chars_max: usize, overlap_chars: usize) -> Preparation {
        Preparation {
            chunk_chars_max,
            overlap_chars,
            ..Preparation::default()
        }
    }

    #[test]
    fn a_short_section_is_one_chunk_with_its_lines() {
        assert_eq!(
            chunks(" One  two.\n\n* * *\nThree. ", &sized(600, 0)),
            ["One two.\nThree."]
        );
        assert!(chunks(" \n--\n", &sized(600, 0)).is_empty());
    }

    #[test]
    fn a_long_section_is_cut_between_sentences() {
        let text = "These are six short plain words. ".repeat(40);
        let cut = chunks(&text, &sized(100, 0));
        assert!(cut.len() >= 13 && cut.iter().all(|chunk| chunk.ends_with("words.")));
        assert!(cut.iter().all(|chunk| sentences(chunk).len() <= 3));
    }

    #[test]
    fn chunks_overlap_by_whole_sentences_as_far_as_asked() {
        let text = "One is a word here. Two is a word here. Three is a word here. Four is a word here. Five is one. Six is one.";
        let cut = chunks(text, &sized(80, 30));
        let first = sentences(&cut[0]);
        assert!(cut[1].starts_with(first[first.len() - 1]), "{cut:?}");
    }

    proptest::proptest! {
        #[test]
        fn chunks_are_small_and_cover_the_text(text in "([a-zé]{1,9}|[.!?] |\n| |😀|\\PC){0,300}", chars in 80_usize..200, overlap in 0_usize..40) {
            let cut = chunks(&text, &sized(chars, overlap));
            assert!(cut.iter().all(|chunk| chunk.chars().count() <= chars));
            let all = cut.concat();
            for line in text.lines() {
                // A word may be cut where it is longer than a chunk.
                for word in line.split_whitespace().filter(|word| word.len() < 9 && word.chars().all(char::is_alphanumeric)) {
                    assert!(all.contains(word), "{word:?} of {line:?} is gone");
                }
            }
        }
    }
}
