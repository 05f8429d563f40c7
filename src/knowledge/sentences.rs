//! A text -> its sentences, and a sentence shortened.

/// Abbreviations whose full stop does not end a sentence.
const INNER_STOPS: &[&str] = &["mr.", "mrs.", "dr.", "e.g.", "i.e.", "vs.", "approx."];

/// The sentences of a text, in order, trimmed. A line end ends a sentence too; "1.2" and "e.g." do not.
pub(super) fn sentences(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for line in text.lines() {
        let mut start = 0;
        for (at, mark) in line.char_indices() {
            let end = at + mark.len_utf8();
            if matches!(mark, '.' | '!' | '?') && ends_sentence(&line[start..end], &line[end..]) {
                found.push(line[start..end].trim());
                start = end;
            }
        }
        found.push(line[start..].trim());
    }
    found.retain(|sentence| sentence.contains(char::is_alphanumeric));
    found
}

/// At most `words_max` words of a sentence, cut after a comma or semicolon if one lies in the second half.
pub(super) fn shortened(sentence: &str, words_max: usize) -> String {
    let words: Vec<&str> = sentence.split_whitespace().collect();
    if words.len() <= words_max {
        return words.join(" ");
    }
    let clause_end = (words_max / 2..words_max)
        .rev()
        .find(|&i| words[i].ends_with([',', ';', ':']));
    let cut = words[..clause_end.map_or(words_max, |i| i + 1)].join(" ");
    format!("{}.", cut.trim_end_matches(|c: char| !c.is_alphanumeric()))
}

fn ends_sentence(sentence: &str, rest: &str) -> bool {
    // Looked at first: a stop inside a word is common, and the word before it may be long.
    if rest.starts_with(|c: char| !c.is_whitespace()) {
        return false;
    }
    let last_word = sentence.split_whitespace().next_back();
    !last_word.is_some_and(|word| {
        INNER_STOPS
            .iter()
            .any(|stop| word.eq_ignore_ascii_case(stop))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_end_at_stops_and_lines_but_not_inside_numbers() {
        assert_eq!(
            sentences("It is 1.2 seconds. Really? Ask Dr. Who!\nNext line\n...\n"),
            ["It is 1.2 seconds.", "Really?", "Ask Dr. Who!", "Next line"]
        );
        assert!(sentences("... !\n").is_empty());
    }

    #[test]
    fn a_sentence_is_shortened_at_a_comma_or_at_the_bound() {
        assert_eq!(
            shortened("one two three, four five six", 5),
            "one two three."
        );
        assert_eq!(
            shortened("one two three four five six", 4),
            "one two three four."
        );
        assert_eq!(shortened("one  two.", 4), "one two.");
    }
}
