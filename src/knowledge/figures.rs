//! Figures as they are said -> as they are written: "ten thirty" and "10:30" become one term, and so do "four
//! ninety-nine" and "£4.99", "double oh seven" and "007", "dot com" and ".com", "ninety-fifth" and "p95".
//!
//! What comes out is meant for the index, not for people. This file must not know about words that are no figures.

use super::figure_words::{ABBREVIATIONS, SPELLINGS, UNITS};
use crate::speak::number_words::{
    HUNDRED, THOUSAND, read_below_twenty, read_rank_below_twenty, read_rank_of_tens, read_tens,
};

/// The text with its figures in one form, words in lower case.
pub(super) fn as_written(text: &str) -> String {
    let words: Vec<String> = text.split_whitespace().flat_map(parts).collect();
    let mut written = String::with_capacity(text.len());
    let mut rest = words.as_slice();
    while let Some((first, after)) = rest.split_first() {
        let (forms, used) = figure(rest).unwrap_or_else(|| (word(first), 1));
        if !written.is_empty() {
            written.push(' ');
        }
        written += &forms;
        rest = rest.get(used..).unwrap_or(after);
    }
    written
}

/// A word without the signs around it, in parts: "ninety-nine", "9-17", "£4.99/kg".
fn parts(word: &str) -> Vec<String> {
    let word = word.to_lowercase().replace('’', "'");
    let is_edge = |c: char| !(c.is_alphanumeric() || "°%£€$".contains(c));
    let bare = word.trim_matches(is_edge);
    if let Some((_, said)) = ABBREVIATIONS.iter().find(|(short, _)| *short == bare) {
        return said.split(' ').map(str::to_owned).collect();
    }
    let pieces = bare.split(['-', '–', '/']);
    let pieces = pieces.map(|piece| piece.trim_matches(is_edge));
    pieces
        .filter(|piece| !piece.is_empty())
        .map(str::to_owned)
        .collect()
}

/// A figure at the head of some words, in its one form, and how many words it takes.
fn figure(words: &[String]) -> Option<(String, usize)> {
    clock(words)
        .or_else(|| digit_by_digit(words))
        .or_else(|| pair(words))
        .or_else(|| point(words))
        .or_else(|| ordinal(words))
        .or_else(|| cardinal(words).map(|(n, used)| (n.to_string(), used)))
        .or_else(|| written(words.first()?).map(|form| (form, 1)))
}

fn is(words: &[String], at: usize, any: &[&str]) -> bool {
    words
        .get(at)
        .is_some_and(|word| any.contains(&word.as_str()))
}

/// "half past ten", "quarter to six", "twenty past four", "nine o'clock".
fn clock(words: &[String]) -> Option<(String, usize)> {
    let after_article = usize::from(is(words, 0, &["a"]) && is(words, 1, &["quarter", "half"]));
    let (minutes, used) = match words.get(after_article)?.as_str() {
        "half" => (30, 1),
        "quarter" => (15, 1),
        _ => cardinal(&words[after_article..])?,
    };
    let mut at = after_article + used;
    if is(words, at, &["o'clock", "am", "pm", "a.m", "p.m"]) && (1..=24).contains(&minutes) {
        return Some((hour_form(minutes, 0), at + 1));
    }
    at += usize::from(is(words, at, &["minutes"]));
    let is_before = is(words, at, &["to"]);
    if !(is_before || is(words, at, &["past"])) || !(1..=30).contains(&minutes) {
        return None;
    }
    // "five to nine" may be a range of hours; quarters and tens are times.
    let is_time = minutes % 5 == 0 && (minutes != 5 || !is_before);
    let (hour, hour_words) = cardinal(words.get(at + 1..)?)?;
    if !is_time || !(1..=12).contains(&hour) {
        return None;
    }
    let used = at + 1 + hour_words;
    Some(match (is_before, hour) {
        (true, 1) => (hour_form(12, 60 - minutes), used),
        (true, _) => (hour_form(hour - 1, 60 - minutes), used),
        (false, _) => (hour_form(hour, minutes), used),
    })
}

/// A time as a term, in the afternoon also as it is said by half days.
fn hour_form(hour: u64, minutes: u64) -> String {
    match hour {
        13..=23 => format!("{hour}x{minutes:02} {}x{minutes:02}", hour - 12),
        _ => format!("{hour}x{minutes:02}"),
    }
}

/// "double oh seven", "oh one six three two": three digits or more, one by one.
fn digit_by_digit(words: &[String]) -> Option<(String, usize)> {
    let mut digits = String::new();
    let mut at = 0;
    while let Some(word) = words.get(at) {
        let times = match word.as_str() {
            "double" => 2,
            "triple" | "treble" => 3,
            _ => 1,
        };
        let said = words.get(at + usize::from(times > 1));
        let Some(digit) = said.and_then(|word| digit(word)) else {
            break;
        };
        digits.extend(std::iter::repeat_n(digit, times));
        at += 1 + usize::from(times > 1);
    }
    if digits.len() < 3 || at < 2 {
        return None;
    }
    // "Six oh five" may be a time as well.
    match (at, is(words, 1, &["oh", "o"])) {
        (3, true) if !is(words, 0, &["double", "triple", "treble"]) => {
            Some((format!("{digits} {}x{}", &digits[..1], &digits[1..]), at))
        }
        _ => Some((digits, at)),
    }
}

fn digit(word: &str) -> Option<char> {
    if ["oh", "o", "nought"].contains(&word) {
        return Some('0');
    }
    let mut chars = word.chars();
    if let (Some(only @ '0'..='9'), None) = (chars.next(), chars.next()) {
        return Some(only);
    }
    char::from_digit(u32::try_from(read_below_twenty(word)?).ok()?, 10)
}

/// "ten thirty", "four ninety-nine", "six oh five", "nine pounds fifty": hours and minutes, or pounds and pence.
fn pair(words: &[String]) -> Option<(String, usize)> {
    let (whole, used) = spelled(words)?;
    let money = is(words, used, &["pound", "pounds", "euro", "euros", "quid"]);
    let at = used + usize::from(money);
    let (part, part_used) = match is(words, at, &["oh", "o"]) {
        true => (digit(words.get(at + 1)?)?.to_digit(10)?.into(), 2),
        false => spelled(words.get(at..)?)?,
    };
    let is_pair = (1..100).contains(&whole) && part < 100 && (part > 9 || part_used == 2);
    is_pair.then(|| (format!("{whole}x{part:02}"), at + part_used))
}

/// "one point two".
fn point(words: &[String]) -> Option<(String, usize)> {
    let (whole, used) = spelled(words)?;
    if !is(words, used, &["point"]) {
        return None;
    }
    let (part, part_used) = spelled(words.get(used + 1..)?)?;
    Some((format!("{whole}x{part}"), used + 1 + part_used))
}

/// "ninety fifth", "third", "19th".
fn ordinal(words: &[String]) -> Option<(String, usize)> {
    let first = words.first()?.as_str();
    // "First" and "second" are said of too much else.
    let below_twenty = read_rank_below_twenty(first).filter(|rank| *rank > 2);
    if let Some(rank) = below_twenty.or_else(|| read_rank_of_tens(first)) {
        return Some((format!("{rank}th"), 1));
    }
    if let Some(tens) = read_tens(first) {
        let ones = read_rank_below_twenty(words.get(1)?);
        let ones = ones.filter(|ones| (1..10).contains(ones))?;
        return Some((format!("{}th", tens + ones), 2));
    }
    let digits = ["st", "nd", "rd", "th"]
        .iter()
        .find_map(|end| first.strip_suffix(end))?;
    let is_rank = !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit());
    is_rank.then(|| match digits {
        "1" => ("first".to_owned(), 1),
        "2" => ("second".to_owned(), 1),
        _ => (format!("{digits}th"), 1),
    })
}

/// A number in words, or in digits.
fn cardinal(words: &[String]) -> Option<(u64, usize)> {
    let first = words.first()?;
    if first.len() <= 9 && first.chars().all(|c| c.is_ascii_digit()) {
        // A number with a leading zero is a code.
        return (!first.starts_with('0')).then(|| Some((first.parse().ok()?, 1)))?;
    }
    spelled(words)
}

/// A number in words, under a million.
fn spelled(words: &[String]) -> Option<(u64, usize)> {
    let (mut number, mut used) = under_hundred(words)?;
    if is(words, used, &[HUNDRED]) {
        number *= 100;
        used += 1;
        let after = used + usize::from(is(words, used, &["and"]));
        if let Some((rest, rest_used)) = words.get(after..).and_then(under_hundred) {
            number += rest;
            used = after + rest_used;
        }
    }
    if is(words, used, &[THOUSAND]) {
        number *= 1_000;
        used += 1;
    }
    Some((number, used))
}

fn under_hundred(words: &[String]) -> Option<(u64, usize)> {
    let first = words.first()?;
    if let Some(number) = read_below_twenty(first) {
        return Some((number, 1));
    }
    let tens = read_tens(first)?;
    let ones = words.get(1).and_then(|word| read_below_twenty(word));
    let ones = ones.filter(|ones| (1..10).contains(ones));
    Some(ones.map_or((tens, 1), |ones| (tens + ones, 2)))
}

/// A written figure with a unit, a currency or a colon.
fn written(word: &str) -> Option<String> {
    let word = word.trim_start_matches(['£', '€', '$']);
    if let Some(rank) = word.strip_prefix('p').filter(|rank| is_digits(rank)) {
        return Some(format!("{rank}th percentile"));
    }
    if !word.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let number_end = word
        .find(|c: char| !(c.is_ascii_digit() || ".:,".contains(c)))
        .unwrap_or(word.len());
    let (number, unit) = word.split_at(number_end);
    let number = number.trim_end_matches(['.', ':', ',']).replace(',', "");
    let form = match number.split_once([':', '.']) {
        None => number.clone(),
        Some((hour, minutes)) if number.contains(':') && is_digits(hour) && is_digits(minutes) => {
            hour_form(hour.parse().ok()?, minutes.parse().ok()?)
        }
        Some((whole, "00")) => format!("{whole} {whole}x00"),
        Some((whole, part)) => format!("{whole}x{part}"),
    };
    Some(match unit {
        "" => form,
        "am" => hour_form(number.parse().ok()?, 0),
        "pm" => hour_form(number.parse::<u64>().ok()? % 12 + 12, 0),
        _ => format!("{form} {}", word_of_unit(unit)),
    })
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.len() <= 9 && text.chars().all(|c| c.is_ascii_digit())
}

fn word_of_unit(unit: &str) -> &str {
    let found = UNITS.iter().find(|(short, _)| *short == unit);
    found.map_or(unit, |(_, long)| long)
}

fn word(word: &str) -> String {
    let spelling = SPELLINGS.iter().find(|(other, _)| *other == word);
    // A unit of one letter is one only behind a figure, and may stand apart from it.
    let unit = UNITS
        .iter()
        .find(|(short, _)| *short == word && short.chars().count() > 1);
    spelling
        .or(unit)
        .map_or_else(|| word.to_owned(), |(_, long)| (*long).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(said: &str, written: &str) {
        assert_eq!(as_written(said), written, "{said}");
    }

    #[test]
    fn a_time_is_one_however_it_is_said() {
        check("half past ten", "10x30");
        check("ten thirty", "10x30");
        check("10:30", "10x30");
        check("a quarter to six", "5x45");
        check("quarter past 5", "5x15");
        check("nine o'clock", "9x00");
        check("9am", "9x00");
        check("4 pm", "4x00");
        check("16:30", "16x30 4x30");
        check("six oh five", "605 6x05");
        check("ten to one", "12x50");
        check("9-17", "9 17");
    }

    #[test]
    fn a_price_is_one_however_it_is_said() {
        check("four ninety-nine", "4x99");
        check("£4.99", "4x99");
        check("four pounds ninety-nine", "4x99");
        check("£60.00", "60 60x00");
        check("85p", "85 penny");
        check("1,000 euros", "1000 euros");
    }

    #[test]
    fn numbers_in_words_are_numbers() {
        check("twenty-five people", "25 people");
        check("two hundred and six thousand", "206000");
        check("one point two", "1x2");
        check("a hundred", "a hundred");
        check("thirty centimetre", "30 centimetre");
        check("30cm or 5 km", "30 centimetre or 5 kilometre");
    }

    #[test]
    fn digits_said_one_by_one_are_a_number() {
        check("double oh seven", "007");
        check("oh one six three two", "01632");
        check(
            "one two",
            "one two".replace("one", "1").replace("two", "2").as_str(),
        );
    }

    #[test]
    fn ordinals_and_percentiles_meet() {
        check("ninety-fifth percentile", "95th percentile");
        check("P95", "95th percentile");
        check("the 19th, the third", "the 19th the 3th");
        check("fiftieth", "50th");
    }

    #[test]
    fn abbreviations_are_what_is_said() {
        check("What is VAD?", "what is voice activity detection");
        check("Mon-Fri", "mon fri");
        check("shop example dot com", "shop example dot com");
    }

    proptest::proptest! {
        #[test]
        fn any_text_can_be_taken(text in "(\\PC|[0-9:.-]|half |past |ten |oh |double |hundred ){0,80}") {
            as_written(&text);
        }
    }
}
