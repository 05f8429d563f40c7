//! Numbers in words, as they are said in Britain.

use crate::speak::number_words::{
    HUNDRED, Number, SCALES, below_twenty, is_digits, read_below_twenty, read_tens, tens,
};

/// The most digits of a number that is read as a whole; longer ones are read digit by digit.
const CARDINAL_DIGITS_MAX: usize = 12;

/// "1,234" -> "one thousand two hundred and thirty-four", "1.25" -> "one point two five", "007" -> "oh oh seven",
/// "-4" -> "minus four". `None` if it is no number.
pub(super) fn number(written: &str) -> Option<String> {
    if let Some(positive) = written.strip_prefix(['-', '−', '–']) {
        let is_number = positive.starts_with(|c: char| c.is_ascii_digit());
        return is_number.then(|| number(positive).map(|words| format!("minus {words}")))?;
    }
    // "3,5" is a decimal on the Continent, "3,500" a thousand everywhere.
    let comma = written
        .split_once(',')
        .filter(|(_, part)| part.len() < 3 && !part.contains('.'));
    let (whole, part) = match (written.split_once('.'), comma) {
        (None, None) => (written, None),
        (Some((whole, part)), _) | (None, Some((whole, part))) => (whole, Some(part)),
    };
    let whole = without_commas(whole)?;
    let words = whole_number(&whole);
    match part {
        None => Some(words),
        Some(part) => is_digits(part).then(|| format!("{words} point {}", digits(part))),
    }
}

/// The digits of "12" and "1,234"; `None` of anything else.
fn without_commas(written: &str) -> Option<String> {
    let mut groups = written.split(',');
    let first = groups.next()?;
    let rest: Vec<&str> = groups.collect();
    let is_grouped = rest
        .iter()
        .all(|group| group.len() == 3 && is_digits(group));
    (is_digits(first) && is_grouped).then(|| format!("{first}{}", rest.concat()))
}

fn whole_number(all: &str) -> String {
    let is_code = all.len() > 1 && all.starts_with('0');
    match all.parse() {
        Ok(number) if !is_code && all.len() <= CARDINAL_DIGITS_MAX => cardinal(number),
        _ => digits(all),
    }
}

/// One word for each digit; other characters are left out.
pub(super) fn digits(all: &str) -> String {
    let said = all.chars().filter_map(|c| c.to_digit(10));
    let word = |digit: u32| match digit {
        0 => "oh",
        _ => small(u64::from(digit)),
    };
    said.map(word).collect::<Vec<_>>().join(" ")
}

fn small(number: u64) -> &'static str {
    below_twenty(number).map_or("", Number::cardinal)
}

/// Any whole number; a thousand billions are "one thousand billion".
pub(super) fn cardinal(number: u64) -> String {
    for (scale, name) in SCALES {
        if number >= scale {
            let head = format!("{} {name}", cardinal(number / scale));
            return match number % scale {
                0 => head,
                rest @ 1..100 => format!("{head} and {}", cardinal(rest)),
                rest => format!("{head} {}", cardinal(rest)),
            };
        }
    }
    match number {
        0..20 => small(number).to_owned(),
        20..100 => {
            let ones = number % 10;
            let tens = tens(number - ones).map_or("", Number::cardinal);
            match ones {
                0 => tens.to_owned(),
                ones => format!("{tens}-{}", small(ones)),
            }
        }
        _ => {
            let head = format!("{} {HUNDRED}", small(number / 100));
            match number % 100 {
                0 => head,
                rest => format!("{head} and {}", cardinal(rest)),
            }
        }
    }
}

/// "first", "twenty-first", "one hundredth".
pub(super) fn ordinal(number: u64) -> String {
    let words = cardinal(number);
    let (head, last) = match words.rfind(['-', ' ']) {
        Some(at) => words.split_at(at + 1),
        None => ("", words.as_str()),
    };
    let own = read_below_twenty(last).and_then(below_twenty);
    let own = own.or_else(|| read_tens(last).and_then(tens));
    let last = own.map_or_else(|| format!("{last}th"), |number| number.ordinal().to_owned());
    format!("{head}{last}")
}

/// "twenty twenty-six", "nineteen oh five", "two thousand and eight".
pub(super) fn year(number: u64) -> String {
    let (century, rest) = (number / 100, number % 100);
    match (number, rest) {
        (2000..2010, _) | (_, 0) if number % 1_000 < 10 => cardinal(number),
        (_, 0) => format!("{} {HUNDRED}", cardinal(century)),
        (_, 1..10) => format!("{} oh {}", cardinal(century), cardinal(rest)),
        _ => format!("{} {}", cardinal(century), cardinal(rest)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_said_in_words() {
        for (written, said) in [
            ("0", "zero"),
            ("7", "seven"),
            ("21", "twenty-one"),
            ("105", "one hundred and five"),
            ("1,234", "one thousand two hundred and thirty-four"),
            ("2001", "two thousand and one"),
            ("1000000", "one million"),
            ("1.25", "one point two five"),
            ("-40", "minus forty"),
            ("007", "oh oh seven"),
            (
                "1234567890123",
                "one two three four five six seven eight nine oh one two three",
            ),
        ] {
            assert_eq!(number(written).as_deref(), Some(said), "{written}");
        }
        assert_eq!(number("3,5").as_deref(), Some("three point five"));
        for written in ["", "a", "1,", "1.", "--1", ",1", "1.a", "1,2,3"] {
            assert_eq!(number(written), None, "{written}");
        }
    }

    #[test]
    fn ranks_and_years_have_words_of_their_own() {
        let ranks = [1, 2, 3, 5, 8, 9, 12, 20, 21, 95, 100]
            .map(ordinal)
            .join(" ");
        assert_eq!(
            ranks,
            "first second third fifth eighth ninth twelfth twentieth twenty-first ninety-fifth one hundredth"
        );
        let years = [2026, 2008, 1905, 1900, 2000].map(year).join(", ");
        assert_eq!(
            years,
            "twenty twenty-six, two thousand and eight, nineteen oh five, nineteen hundred, two thousand"
        );
    }

    proptest::proptest! {
        #[test]
        fn any_number_has_words(value: u64, text in "[0-9,.-]{0,30}") {
            assert!(!cardinal(value).contains(|c: char| c.is_ascii_digit()));
            assert!(!ordinal(value).is_empty() && !year(value).is_empty());
            assert!(number(&text).is_none_or(|words| !words.contains(|c: char| c.is_ascii_digit())));
        }
    }
}
