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
        // An opening sign that nothing closes stands alone.
        let Some((mark, after)) = rest.as_str().split_once(closing) else {
            continue;
        };
        if is_mark(c, mark) {
            rest = after.chars();
        } else if c != '*' {
            words.push(c);
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

/// Whether what stands between an opening sign and its closing one is the mark of a sound.
fn is_mark(opening: char, mark: &str) -> bool {
    let is_short = mark.chars().count() <= MARK_CHARACTERS_MAX;
    let has_digits = mark.contains(|c: char| c.is_ascii_digit());
    match opening {
        '[' | '【' => is_short,
        // "(555) 123-4567" was said, and so was "2 * 3".
        '*' => is_short && !has_digits && mark == mark.trim() && !mark.is_empty(),
        '<' => is_short && !mark.starts_with(' '),
        _ => is_short && !has_digits,
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
        ] {
            assert_eq!(without_sounds(said), words, "{said:?}");
        }
    }
}
