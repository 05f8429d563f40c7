//! Written text -> text that can be read aloud: units and abbreviations in words, addresses and symbols dropped.
//!
//! Passages and questions both go through [`aloud`], so "p95" in a document and "ninety-fifth percentile" in a
//! transcript meet in the index. It must not know about passages, scores or Markdown structure.

/// Units read in full after a number: as written, one of them, several of them.
const UNITS: &[(&str, &str, &str)] = &[
    ("ns", "nanosecond", "nanoseconds"),
    ("µs", "microsecond", "microseconds"),
    ("μs", "microsecond", "microseconds"),
    ("ms", "millisecond", "milliseconds"),
    ("s", "second", "seconds"),
    ("min", "minute", "minutes"),
    ("h", "hour", "hours"),
    ("Hz", "hertz", "hertz"),
    ("kHz", "kilohertz", "kilohertz"),
    ("dB", "decibel", "decibels"),
    ("%", "percent", "percent"),
    ("B", "byte", "bytes"),
    ("kB", "kilobyte", "kilobytes"),
    ("KB", "kilobyte", "kilobytes"),
    ("MB", "megabyte", "megabytes"),
    ("GB", "gigabyte", "gigabytes"),
];

/// Abbreviations and names as a speaker says them.
const WORDS: &[(&str, &str)] = &[
    ("STT", "speech to text"),
    ("TTS", "text to speech"),
    ("ASR", "speech recognition"),
    ("VAD", "voice activity detection"),
    ("LLM", "language model"),
    ("WER", "word error rate"),
    ("TTFA", "time to first audio"),
    ("TTFB", "time to first byte"),
    ("e2e", "end to end"),
    ("E2E", "end to end"),
    ("ms", "milliseconds"),
    ("voicesim", "voice sim"),
    ("Voicesim", "Voice sim"),
    ("e.g.", "for example"),
    ("i.e.", "that is"),
    ("etc.", "and so on"),
    ("approx.", "about"),
    ("vs", "versus"),
    ("vs.", "versus"),
    ("&", "and"),
    ("+", "plus"),
    ("=", "equals"),
    ("->", "to"),
    ("→", "to"),
    ("<", "under"),
    (">", "over"),
    ("≤", "at most"),
    ("≥", "at least"),
];

/// Abbreviations whose full stop does not end a sentence.
const INNER_STOPS: &[&str] = &["mr.", "mrs.", "dr.", "e.g.", "i.e.", "vs.", "approx."];

/// The text as it is to be spoken, on one line per line of `text`: no addresses, `[[…]]`, emoji or Markdown signs,
/// units and abbreviations in words. Numbers stay digits, except percentiles ("p95").
pub fn aloud(text: &str) -> String {
    let text = without_phonemes(text);
    let lines = text.lines().map(line_aloud).filter(|line| !line.is_empty());
    lines.collect::<Vec<_>>().join("\n")
}

/// The sentences of a text, in order, trimmed. A line end ends a sentence too; "1.2" and "e.g." do not.
pub fn sentences(text: &str) -> Vec<&str> {
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
pub fn shortened(sentence: &str, words_max: usize) -> String {
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

/// Drops `[[…]]`, which synthesisers would read as phonemes; an opening without an end keeps its text.
fn without_phonemes(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("[[") {
        let Some((_, tail)) = after.split_once("]]") else {
            break;
        };
        kept.push_str(before);
        rest = tail;
    }
    kept + rest
}

fn line_aloud(line: &str) -> String {
    let mut spoken: Vec<String> = Vec::new();
    for written in line.split_whitespace().filter(|word| !is_address(word)) {
        let last_word = spoken.last().and_then(|last| last.rsplit(' ').next());
        let after_number = last_word.filter(|word| is_number(word)).map(str::to_owned);
        let word = word_aloud(written, after_number.as_deref());
        let repeats_article = word.starts_with("the ")
            && spoken
                .last()
                .is_some_and(|last| last.eq_ignore_ascii_case("the"));
        if repeats_article {
            spoken.pop();
        }
        if word.contains(char::is_alphanumeric) {
            spoken.push(word);
        } else if let Some(last) = spoken
            .last_mut()
            .filter(|last| last.ends_with(char::is_alphanumeric))
        {
            // What is left of a dropped word is its punctuation: "see https://… ." must still end its sentence.
            last.extend(
                word.chars()
                    .filter(|c| matches!(c, '.' | ',' | ';' | ':' | '!' | '?'))
                    .take(1),
            );
        }
    }
    spoken.join(" ")
}

/// One word and the punctuation around it, aloud. `after_number` is the number that stands just before it.
fn word_aloud(written: &str, after_number: Option<&str>) -> String {
    let (bare, comma) = written
        .strip_suffix(',')
        .map_or((written, ""), |bare| (bare, ","));
    if let Some(words) = find_word(bare) {
        return format!("{words}{comma}");
    }
    let is_core = |c: char| c.is_alphanumeric() || "%~<>≤≥→&+=$€£-".contains(c);
    let core_start = written.find(is_core).unwrap_or(written.len());
    let core_end = written.rfind(is_core).map_or(core_start, |at| {
        at + written[at..].chars().next().map_or(0, char::len_utf8)
    });
    let (head, core, tail) = (
        &written[..core_start],
        &written[core_start..core_end],
        &written[core_end..],
    );
    let words = core_aloud(core, after_number);
    format!("{}{words}{}", punctuation(head), punctuation(tail))
}

fn core_aloud(core: &str, after_number: Option<&str>) -> String {
    if let Some(number) = after_number
        && let Some(unit) = unit_aloud(core, number)
    {
        return unit.to_owned();
    }
    if let Some(words) = find_word(core) {
        return words.to_owned();
    }
    if let Some(percentile) = percentile_aloud(core) {
        return percentile;
    }
    if let Some(rest) = core
        .strip_prefix('~')
        .filter(|rest| is_number(first_part(rest)))
    {
        return format!("about {}", core_aloud(rest, None));
    }
    let number = first_part(core);
    if is_number(number)
        && let Some(unit) = unit_aloud(&core[number.len()..], number)
    {
        return format!("{} {unit}", range_aloud(number));
    }
    readable(&range_aloud(core))
}

fn find_word(word: &str) -> Option<&'static str> {
    WORDS
        .iter()
        .find(|(written, _)| *written == word)
        .map(|(_, spoken)| *spoken)
}

fn unit_aloud(unit: &str, number: &str) -> Option<&'static str> {
    let (_, one, many) = UNITS.iter().find(|(written, ..)| *written == unit)?;
    Some(if number == "1" { one } else { many })
}

/// The number or range ("1-3", "1.2", "1,000") at the head of a word.
fn first_part(word: &str) -> &str {
    let end = word
        .find(|c: char| !(c.is_ascii_digit() || ".,-–".contains(c)))
        .unwrap_or(word.len());
    &word[..end]
}

fn is_number(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_digit() || c == '-')
        && word.ends_with(|c: char| c.is_ascii_digit())
        && word
            .chars()
            .all(|c| c.is_ascii_digit() || ".,-–".contains(c))
}

/// "1-3" -> "1 to 3"; a date or a telephone number, with two dashes, stays.
fn range_aloud(word: &str) -> String {
    let parts: Vec<&str> = word.split(['-', '–']).collect();
    match parts.as_slice() {
        [low, high] if is_number(low) && is_number(high) => format!("{low} to {high}"),
        _ => word.to_owned(),
    }
}

/// "p95" -> "the ninety-fifth percentile", for 1 to 99.
fn percentile_aloud(word: &str) -> Option<String> {
    let digits = word.strip_prefix(['p', 'P'])?;
    let rank: u8 = digits.parse().ok().filter(|rank| (1..=99).contains(rank))?;
    (digits.len() <= 2).then(|| format!("the {} percentile", ordinal(rank)))
}

/// The ordinal of 1 to 99 in words.
fn ordinal(rank: u8) -> String {
    const SMALL: [&str; 20] = [
        "zeroth",
        "first",
        "second",
        "third",
        "fourth",
        "fifth",
        "sixth",
        "seventh",
        "eighth",
        "ninth",
        "tenth",
        "eleventh",
        "twelfth",
        "thirteenth",
        "fourteenth",
        "fifteenth",
        "sixteenth",
        "seventeenth",
        "eighteenth",
        "nineteenth",
    ];
    const TENS: [&str; 10] = [
        "", "", "twent", "thirt", "fort", "fift", "sixt", "sevent", "eight", "ninet",
    ];
    let (tens, ones) = (
        TENS[usize::from(rank / 10 % 10)],
        SMALL[usize::from(rank % 10)],
    );
    match rank {
        0..20 => SMALL[usize::from(rank)].to_owned(),
        _ if rank.is_multiple_of(10) => format!("{tens}ieth"),
        _ => format!("{tens}y-{ones}"),
    }
}

/// Letters, digits and what joins them; a slash or underscore is a gap, any other sign is dropped.
fn readable(word: &str) -> String {
    let mut kept = String::with_capacity(word.len());
    for c in word.chars() {
        match c {
            '/' | '_' | '\\' | '|' => kept.push(' '),
            '’' => kept.push('\''),
            _ if c.is_alphanumeric() || " .,:'-–$€£%".contains(c) => kept.push(c),
            _ => {}
        }
    }
    kept
}

fn punctuation(around: &str) -> String {
    around
        .chars()
        .filter(|c| ".,;:!?()'\"".contains(*c))
        .collect()
}

fn is_address(word: &str) -> bool {
    let word = word.trim_start_matches(['(', '<', '[', '"']);
    word.contains("://") || word.starts_with("www.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(written: &str, spoken: &str) {
        assert_eq!(aloud(written), spoken, "{written}");
    }

    #[test]
    fn units_are_read_in_full_after_a_number() {
        check(
            "It took 300 ms, or 1 ms.",
            "It took 300 milliseconds, or 1 millisecond.",
        );
        check(
            "(300ms) 1.2s 16kHz 95% 5 %",
            "(300 milliseconds) 1.2 seconds 16 kilohertz 95 percent 5 percent",
        );
        check(
            "1-3 s, ~200 ms, -40 dB",
            "1 to 3 seconds, about 200 milliseconds, -40 decibels",
        );
        check("He says s and h.", "He says s and h.");
        check(
            "Call 030-12-34 on 2026-06-01.",
            "Call 030-12-34 on 2026-06-01.",
        );
    }

    #[test]
    fn percentiles_are_ordinals_without_a_second_article() {
        check("p95 is 2 s", "the ninety-fifth percentile is 2 seconds");
        check(
            "The p50 and the P99.",
            "the fiftieth percentile and the ninety-ninth percentile.",
        );
        check(
            "p1 p12 p40 p0 p100 p007",
            "the first percentile the twelfth percentile the fortieth percentile p0 p100 p007",
        );
    }

    #[test]
    fn abbreviations_are_said_as_words() {
        check(
            "STT, TTS & VAD",
            "speech to text, text to speech and voice activity detection",
        );
        check(
            "e2e (WER), e.g., voicesim",
            "end to end (word error rate), for example, voice sim",
        );
        check("Use MIT/Apache → free", "Use MIT Apache to free");
    }

    #[test]
    fn what_cannot_be_spoken_is_dropped() {
        check("See https://a.example/x?y=1 .", "See.");
        check("[[ mˈmhm ]] yes [[open", "yes open");
        check("**Bold** _it_ `code` # 😀 • fine’s", "Bold it code fine's");
        check("😀 --- ***", "");
        check("snake_case", "snake case");
    }

    #[test]
    fn speaking_what_is_already_spoken_changes_nothing() {
        for text in [
            "p95 of 1-3 ms, e.g. STT.",
            "the 300ms & ~2 s",
            "Yes: it's 1.2 (or 3).",
        ] {
            assert_eq!(aloud(&aloud(text)), aloud(text));
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_can_be_spoken(text in "(\\PC|\\[\\[|p9|[0-9]ms|~1|www\\.|-| |\n){0,60}", words_max in 1_usize..10) {
            let spoken = aloud(&text);
            assert!(!spoken.contains("://") && !spoken.contains(['*', '#', '`']));
            for sentence in sentences(&spoken) {
                assert!(shortened(sentence, words_max).split_whitespace().count() <= words_max);
            }
        }
    }

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
