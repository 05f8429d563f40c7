//! Written text -> text that can be read aloud: figures, units, times, prices, addresses and abbreviations in words.
//!
//! What comes out holds no digit. This module must not know about passages, scores or Markdown structure.

mod addresses;
mod money;
mod numbers;
mod times;
mod units;

use units::IsOne;

/// The text as it is to be spoken, on one line per line of `text`: no digits, `[[…]]`, emoji or Markdown signs.
pub fn aloud(text: &str) -> String {
    let text = without_phonemes(text);
    let lines = text.lines().map(line_aloud).filter(|line| !line.is_empty());
    lines.collect::<Vec<_>>().join("\n")
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

/// What stands around a word.
#[derive(Clone, Copy, Default)]
struct Around<'a> {
    /// The word before it, as written, without its punctuation.
    before: &'a str,
    after: &'a str,
    /// The word before it was part of a telephone number.
    in_telephone: bool,
}

fn line_aloud(line: &str) -> String {
    let words: Vec<&str> = line.split_whitespace().collect();
    let mut spoken: Vec<String> = Vec::new();
    let mut around = Around::default();
    for (at, written) in words.iter().enumerate() {
        around.after = words.get(at + 1).map_or("", |next| parts(next).1);
        let word = word_aloud(written, around);
        let core = parts(written).1;
        around.in_telephone = addresses::begins_telephone(core) && word.contains(' ')
            || around.in_telephone && core.bytes().all(|b| b.is_ascii_digit());
        around.before = if parts(written).2.is_empty() {
            core
        } else {
            ""
        };
        push(&mut spoken, word);
    }
    spoken.join(" ")
}

/// Adds a word to a line, without an article said twice; what is left of a dropped word is its punctuation.
fn push(spoken: &mut Vec<String>, word: String) {
    let is_article = |last: &&mut String| last.eq_ignore_ascii_case("the");
    if word.starts_with("the ") && spoken.last_mut().filter(is_article).is_some() {
        let article = spoken.pop().unwrap_or_default();
        spoken.push(format!("{article}{}", word.trim_start_matches("the")));
        return;
    }
    if word.contains(char::is_alphanumeric) {
        spoken.push(word);
        return;
    }
    let ends_word = |last: &&mut String| last.ends_with(char::is_alphanumeric);
    if let Some(last) = spoken.last_mut().filter(ends_word) {
        let marks = word.chars().filter(|c| ".,;:!?".contains(*c));
        last.extend(marks.take(1));
    }
}

/// The punctuation before a word, the word, and the punctuation after it.
fn parts(written: &str) -> (&str, &str, &str) {
    let is_core = |c: char| c.is_alphanumeric() || "%~<>≤≥→&+=×$€£°-−".contains(c);
    let start = written.find(is_core).unwrap_or(written.len());
    let end = written.rfind(is_core).map_or(start, |at| {
        at + written[at..].chars().next().map_or(0, char::len_utf8)
    });
    (&written[..start], &written[start..end], &written[end..])
}

/// One word and the punctuation around it, aloud.
fn word_aloud(written: &str, around: Around<'_>) -> String {
    let (bare, comma) = written
        .strip_suffix(',')
        .map_or((written, ""), |bare| (bare, ","));
    if let Some(words) = units::word(bare) {
        return format!("{words}{comma}");
    }
    let (head, core, tail) = parts(written);
    let words = readable(&core_aloud(core, around));
    format!("{}{words}{}", punctuation(head), punctuation(tail))
}

fn core_aloud(core: &str, around: Around<'_>) -> String {
    address(core)
        .or_else(|| after_number(core, around))
        .or_else(|| units::word(core).map(str::to_owned))
        .or_else(|| telephone(core, around))
        .or_else(|| times::days(core))
        .or_else(|| money::price(core))
        .or_else(|| times::clock(core))
        .or_else(|| times::half_day(core))
        .or_else(|| times::date(core))
        .or_else(|| rank(core))
        .or_else(|| dated(core, around))
        .or_else(|| figure(core))
        .unwrap_or_else(|| pieces(core))
}

fn address(core: &str) -> Option<String> {
    addresses::mail(core).or_else(|| addresses::web(core))
}

/// "ms" after "300".
fn after_number(core: &str, around: Around<'_>) -> Option<String> {
    let number = around.before.rsplit(['-', '–']).next()?;
    let is_number = number.ends_with(|c: char| c.is_ascii_digit());
    is_number.then(|| units::unit(core, IsOne::of(number)).map(str::to_owned))?
}

fn telephone(core: &str, around: Around<'_>) -> Option<String> {
    let is_group = core.bytes().all(|b| b.is_ascii_digit()) && !core.is_empty();
    let begins = addresses::begins_telephone(core);
    (begins || around.in_telephone && is_group).then(|| addresses::telephone(core))
}

/// "p95" -> "the ninety-fifth percentile", "21st" -> "twenty-first".
fn rank(core: &str) -> Option<String> {
    let small = |digits: &str| {
        digits
            .parse()
            .ok()
            .filter(|rank| digits.len() <= 4 && *rank > 0)
    };
    if let Some(digits) = core.strip_prefix(['p', 'P']) {
        let rank = small(digits).filter(|rank| *rank < 100 && digits.len() <= 2)?;
        return Some(format!("the {} percentile", numbers::ordinal(rank)));
    }
    let ends = ["st", "nd", "rd", "th"];
    let digits = ends.iter().find_map(|end| core.strip_suffix(end))?;
    small(digits).map(numbers::ordinal)
}

/// "24" before "December", "2026" after "in".
fn dated(core: &str, around: Around<'_>) -> Option<String> {
    let number: u64 = core.parse().ok()?;
    if core.len() <= 2 && (1..=31).contains(&number) && times::month(around.after).is_some() {
        return Some(format!("the {} of", numbers::ordinal(number)));
    }
    const BEFORE_YEARS: [&str; 9] = [
        "in", "In", "since", "Since", "until", "from", "by", "before", "after",
    ];
    let is_year = (1900..2100).contains(&number)
        && (BEFORE_YEARS.contains(&around.before) || times::month(around.before).is_some())
        && units::unit(around.after, IsOne::No).is_none();
    is_year.then(|| numbers::year(number))
}

/// A number or a range of numbers, with a unit or without: "1.2", "1-3", "~200ms", "16kHz".
fn figure(core: &str) -> Option<String> {
    if let Some(rest) = core.strip_prefix('~') {
        return figure(rest).map(|words| format!("about {words}"));
    }
    let unsigned = core.strip_prefix(['-', '−']).unwrap_or(core);
    let sign_bytes = core.len() - unsigned.len();
    let end = unsigned
        .find(|c: char| !(c.is_ascii_digit() || ".,-–".contains(c)))
        .unwrap_or(unsigned.len());
    let (amount, unit) = core.split_at(sign_bytes + end);
    let words = numbers::number(amount).or_else(|| range(amount))?;
    if unit.is_empty() {
        return Some(words);
    }
    let unit = units::unit(unit, IsOne::of(amount))?;
    Some(format!("{words} {unit}"))
}

/// "1-3" -> "one to three".
fn range(amount: &str) -> Option<String> {
    let (low, high) = amount.split_once(['-', '–'])?;
    Some(format!(
        "{} to {}",
        numbers::number(low)?,
        numbers::number(high)?
    ))
}

/// A word in pieces of letters and of digits: "11A", "and/or", "24x7".
fn pieces(core: &str) -> String {
    if !core.contains(char::is_numeric) {
        return core.to_owned();
    }
    let mut said: Vec<String> = Vec::new();
    let mut piece = String::new();
    let mut is_figure = false;
    for c in core.chars().chain([' ']) {
        let is_digit = c.is_ascii_digit();
        if (is_digit != is_figure || c == ' ') && !piece.is_empty() {
            let piece = std::mem::take(&mut piece);
            said.push(match is_figure {
                true => numbers::number(&piece).unwrap_or_default(),
                false => piece,
            });
        }
        is_figure = is_digit;
        match c {
            '½' => piece.push_str(" half"),
            '¼' => piece.push_str(" quarter"),
            '²' => piece.push_str(" squared"),
            '³' => piece.push_str(" cubed"),
            _ if c.is_numeric() && !is_digit => {}
            _ => piece.push(c),
        }
    }
    said.join(" ")
}

/// Letters and what joins them; a slash or underscore is a gap, any other sign is dropped.
fn readable(words: &str) -> String {
    let mut kept = String::with_capacity(words.len());
    for c in words.chars() {
        match c {
            '/' | '_' | '\\' | '|' | '£' | '€' | '$' => kept.push(' '),
            '%' => kept.push_str(" percent"),
            '’' => kept.push('\''),
            // Some signs are a letter and a number at once, such as runes that count.
            _ if c.is_alphabetic() && !c.is_numeric() || " .,:'-–".contains(c) => kept.push(c),
            _ => {}
        }
    }
    kept.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn punctuation(around: &str) -> String {
    around
        .chars()
        .filter(|c| ".,;:!?()'\"".contains(*c))
        .collect()
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
            "It took three hundred milliseconds, or one millisecond.",
        );
        check(
            "(300ms) 1.2s 16kHz 95% 5 %",
            "(three hundred milliseconds) one point two seconds sixteen kilohertz ninety-five percent five percent",
        );
        check(
            "1-3 s, ~200 ms, -40 dB",
            "one to three seconds, about two hundred milliseconds, minus forty decibels",
        );
        check(
            "5 km at 180 °C for 4 h",
            "five kilometres at one hundred and eighty degrees for four hours",
        );
        check("He says s and h.", "He says s and h.");
    }

    #[test]
    fn times_dates_and_days_are_said() {
        check(
            "Mon-Fri 9:00-17:00, Sat 10:30.",
            "Monday to Friday nine to five pm, Saturday ten thirty.",
        );
        check(
            "We are there 24/7.",
            "We are there twenty-four hours a day, seven days a week.",
        );
        check("Open 9-17.", "Open nine to seventeen.");
        check(
            "24 December: closed",
            "the twenty-fourth of December: closed",
        );
        check(
            "Since 2019, on the 1st.",
            "Since twenty nineteen, on the first.",
        );
        check("On 2026-06-01.", "On the first of June twenty twenty-six.");
        check("the 2000 ms", "the two thousand milliseconds");
    }

    #[test]
    fn prices_and_numbers_are_said() {
        check(
            "It is €4.99, or 60p.",
            "It is four euros ninety-nine, or sixty pence.",
        );
        check(
            "Ring 01632 960230 now.",
            "Ring oh one six three two nine six oh two three oh now.",
        );
        check("Call 030-12-34.", "Call oh three oh one two three four.");
        check("Bus 11A, Unit 9", "Bus eleven A, Unit nine");
    }

    #[test]
    fn percentiles_are_ordinals_without_a_second_article() {
        check("p95 is 2 s", "the ninety-fifth percentile is two seconds");
        check(
            "The p50 and the P99.",
            "The fiftieth percentile and the ninety-ninth percentile.",
        );
        check("p0 p100", "p zero p one hundred");
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
    fn addresses_are_said_and_signs_dropped() {
        check(
            "See https://a.example/x?y=1 .",
            "See a dot example slash x.",
        );
        check(
            "Write to help@shop.example.com.",
            "Write to help at shop dot example dot com.",
        );
        check("[[ mˈmhm ]] yes [[open", "yes open");
        check("**Bold** _it_ `code` # 😀 • fine’s", "Bold it code fine's");
        check("😀 --- ***", "");
        check("snake_case", "snake case");
        check("½ cup, 3 m²", "half cup, three m squared");
    }

    #[test]
    fn speaking_what_is_already_spoken_changes_nothing() {
        for text in [
            "p95 of 1-3 ms, e.g. STT.",
            "the 300ms & ~2 s",
            "Yes: it's 1.2 (or 3) for £4.99 at 10:30.",
        ] {
            assert_eq!(aloud(&aloud(text)), aloud(text));
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_can_be_spoken_and_has_no_digits_left(
            text in "(\\PC|\\[\\[|p9|[0-9]{1,4}(ms|:30|p|th|-|\\.|/)?|£|~1|www\\.|@|-| |\n){0,60}"
        ) {
            let spoken = aloud(&text);
            assert!(!spoken.contains("://") && !spoken.contains(['*', '#', '`']));
            assert!(!spoken.contains(char::is_numeric), "{spoken:?}");
        }
    }
}
