//! What counts as words in what a recogniser prints of a sound over the agent. It prints something for most sounds: what
//! it is not sure of, what it says again and again, and what is written in letters that the lexicon does not know says
//! nothing for or against an interruption.

use super::lexicon::{Class, asks_for_silence, class};

/// Words that a recogniser finds less probable than this, in the mean, are not those that were said. Whisper tiny.en is
/// some .75 to .81 sure of English voices, .32 to .53 of other languages.
const SURE_MIN: f32 = 0.5;
/// Nothing but a voice comes out as "wait, stop": under white noise of 5 dB Whisper finds it .28 to .5 probable, and is right.
const REQUEST_SURE_MIN: f32 = 0.25;
/// What Whisper likes to write for a cough or for noise, since many of the films that it learnt from end so; it counts as
/// words only if Whisper is as sure of it as it is of voices.
const STOCK_PHRASES: [&str; 6] = [
    "thank you",
    "thanks for watching",
    "thank you for watching",
    "thank you very much",
    "you",
    "bye",
];
const STOCK_SURE_MIN: f32 = 0.75;
/// A phrase of up to this many words that is said again and again is a loop.
const LOOP_WORDS_MAX: usize = 4;
/// People say a phrase this often in a row, but not more often, unless they refuse something or want silence.
const REPEATS_MAX: usize = 3;

/// The words of a transcript, none if it is gibberish. `sureness`: how probable the recogniser finds them, in 0..=1;
/// `None` if it does not tell.
pub fn words(text: &str, sureness: Option<f32>) -> Vec<&str> {
    if is_in_other_letters(text) {
        return Vec::new();
    }
    let mut words = Vec::new();
    let mut marker = None;
    for word in text.split_whitespace() {
        let closing = marker.or_else(|| closing_of(word));
        if let Some(closing) = closing {
            let end = word.trim_end_matches(|c: char| c.is_ascii_punctuation() && c != closing);
            let is_closed = end.ends_with(closing) && (marker.is_some() || end.chars().count() > 1);
            marker = (!is_closed).then_some(closing);
            continue;
        }
        // A word that ends in a hyphen was cut off in the middle, and may become anything.
        if word.contains(char::is_alphanumeric) && !word.ends_with('-') {
            words.push(word);
        }
    }
    let sure_min = if asks_for_silence(words.iter().copied()) {
        REQUEST_SURE_MIN
    } else if is_stock_phrase(&words) {
        STOCK_SURE_MIN
    } else {
        SURE_MIN
    };
    match sureness.is_some_and(|sureness| sureness < sure_min) || loops(&words) {
        true => Vec::new(),
        false => words,
    }
}

fn is_stock_phrase(words: &[&str]) -> bool {
    let plain = |word: &&str| {
        word.trim_matches(|c: char| !c.is_alphanumeric())
            .to_lowercase()
    };
    let said: Vec<String> = words.iter().map(plain).collect();
    STOCK_PHRASES.contains(&said.join(" ").as_str())
}

/// The sign that closes a sound marker such as `[laughter]`, if `word` opens one.
fn closing_of(word: &str) -> Option<char> {
    match word.chars().next()? {
        '[' => Some(']'),
        '(' => Some(')'),
        '<' => Some('>'),
        '*' => Some('*'),
        '\u{266a}' => Some('\u{266a}'),
        _ => None,
    }
}

/// Whether most letters are of another alphabet than the lexicon's.
fn is_in_other_letters(text: &str) -> bool {
    let (mut letters, mut other) = (0, 0);
    for letter in text.chars().filter(|c| c.is_alphabetic()) {
        letters += 1;
        // Latin letters, those with accents included, come first.
        other += usize::from(letter > '\u{24f}');
    }
    2 * other > letters
}

fn loops(words: &[&str]) -> bool {
    (1..=LOOP_WORDS_MAX).any(|length| {
        (0..words.len().saturating_sub(length * REPEATS_MAX)).any(|start| {
            let phrase = &words[start..start + length];
            let again = words[start..].chunks_exact(length);
            let repeats = again.take_while(|next| is_same(next, phrase)).count();
            repeats > REPEATS_MAX && !phrase.iter().all(|word| may_be_repeated(word))
        })
    })
}

fn may_be_repeated(word: &str) -> bool {
    matches!(class(word), Class::Negation | Class::Hard)
}

/// Whether two phrases differ in nothing but signs and capitals.
fn is_same(one: &[&str], other: &[&str]) -> bool {
    one.iter().zip(other).all(|(a, b)| is_same_word(a, b))
}

/// Whether two words differ in nothing but signs and capitals.
pub fn is_same_word(one: &str, other: &str) -> bool {
    fn letters(word: &str) -> impl Iterator<Item = char> {
        let letters = word.chars().filter(|c| c.is_alphanumeric());
        letters.flat_map(char::to_lowercase)
    }
    letters(one).eq(letters(other))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        assert_eq!(words(text, None), expected, "{text}");
    }

    #[test]
    fn what_is_said_is_words() {
        check("Wait, stop.", &["Wait,", "stop."]);
        check("Can you re-", &["Can", "you"]);
        check("Grüße, and - hello", &["Grüße,", "and", "hello"]);
        check("no no no no no", &["no"; 5]);
        check(
            "Stop. Stop! STOP, stop",
            &["Stop.", "Stop!", "STOP,", "stop"],
        );
        check("yeah yeah yeah", &["yeah"; 3]);
    }

    #[test]
    fn sounds_loops_and_other_letters_are_no_words() {
        for nothing in [
            "",
            " . ",
            "[BLANK_AUDIO]",
            "(dog barking)",
            "*sighs*",
            "<laugh>",
            "\u{266a} la la \u{266a}",
            "bark bark bark bark",
            "and see you and see you and see you and see you",
            "Подождите, пожалуйста",
            "ちょっと待って",
        ] {
            check(nothing, &[]);
        }
        check("(coughs) wait", &["wait"]);
        check("Wait, [loud noise]. stop", &["Wait,", "stop"]);
    }

    #[test]
    fn what_whisper_writes_for_a_cough_is_no_words_unless_it_is_sure() {
        assert!(words("Thank you.", Some(0.54)).is_empty());
        assert_eq!(words("Thank you.", Some(0.8)), ["Thank", "you."]);
        assert_eq!(words("Thank you, wait", Some(0.54)).len(), 3);
    }

    #[test]
    fn what_a_recogniser_is_not_sure_of_is_no_words() {
        assert_eq!(words("Thank you.", Some(0.49)), [""; 0]);
        assert_eq!(words("Thank you.", Some(0.8)), ["Thank", "you."]);
        // Who asks for silence in noise is heard sooner.
        assert_eq!(words("Wait.", Some(0.3)), ["Wait."]);
        assert_eq!(words("Wait.", Some(0.2)), [""; 0]);
    }

    proptest! {
        #[test]
        fn any_text_is_read(text: String, sureness in proptest::option::of(0.0_f32..1.0)) {
            for word in words(&text, sureness) {
                prop_assert!(text.contains(word) && !word.is_empty());
            }
        }
    }
}
