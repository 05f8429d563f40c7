//! What recognisers write for sounds that are no words: `[BLANK_AUDIO]`, `(music)`, `*sighs*`, `<noise>`, `♪`, `…`.

/// The longest mark of a sound, in characters; more in brackets is something that was said.
const MARK_CHARACTERS_MAX: usize = 60;

/// A transcript without the marks of sounds; empty if nothing else is in it.
pub(crate) fn without_sounds(text: &str) -> String {
    let mut words = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        let closing = match c {
            '[' => ']',
            '(' => ')',
            '（' => '）',
            '【' => '】',
            '<' => '>',
            '{' => '}',
            '*' => '*',
            '♪' | '♫' | '♬' | '🎵' | '🎶' => continue,
            _ => {
                words.push(c);
                continue;
            }
        };
        let ahead = rest.as_str();
        let near = ahead.char_indices().take(MARK_CHARACTERS_MAX + 1);
        let end = near.filter(|(_, c)| *c == closing).map(|(at, _)| at).next();
        match end {
            Some(end) if is_mark(c, &ahead[..end]) => {
                rest = ahead[end + closing.len_utf8()..].chars();
            }
            // An opening sign that nothing closes stands alone.
            _ if c == '*' || !ahead.contains(closing) => {}
            _ => words.push(c),
        }
    }
    let words: Vec<&str> = words.split_whitespace().collect();
    match words
        .iter()
        .any(|word| word.contains(char::is_alphanumeric))
    {
        true => words.join(" "),
        false => String::new(),
    }
}

/// Whether the few characters between an opening sign and its closing one are the mark of a sound.
fn is_mark(opening: char, mark: &str) -> bool {
    let has_digits = mark.contains(|c: char| c.is_ascii_digit());
    match opening {
        '[' | '【' => true,
        // "(555) 123-4567" was said, and so was "2 * 3".
        '*' => !has_digits && mark == mark.trim() && !mark.is_empty(),
        '<' => !mark.starts_with(' '),
        _ => !has_digits,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_of_sounds_are_no_words() {
        for sound in [
            "[BLANK_AUDIO]",
            " [ Silence ] ",
            "(coughing)",
            "(speaking in a foreign language)",
            "（音楽）",
            "*sighs*",
            "<noise>",
            "<|nospeech|>",
            "{breath}",
            "♪ ♪",
            "♪ (upbeat music) ♪",
            "🎵",
            "...",
            " … ",
            "-",
            "",
        ] {
            assert_eq!(without_sounds(sound), "", "{sound:?}");
        }
    }

    #[test]
    fn words_around_them_and_numbers_in_brackets_stay() {
        for (said, words) in [
            (" Wait, [noise] stop.", "Wait, stop."),
            ("about (ten dollars", "about ten dollars"),
            ("call (555) 123-4567", "call (555) 123-4567"),
            ("two * three", "two three"),
            ("2 * 3 * 4", "2 3 4"),
            ("*laughs* Yes!", "Yes!"),
            ("今日は", "今日は"),
            ("Hello.\n\n How are you?", "Hello. How are you?"),
            ("less < more", "less more"),
            (
                "(this goes on for longer than any mark of a sound ever does, so somebody said it)",
                "(this goes on for longer than any mark of a sound ever does, so somebody said it)",
            ),
        ] {
            assert_eq!(without_sounds(said), words, "{said:?}");
        }
    }
}
