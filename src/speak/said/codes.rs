//! Numbers that name something: ranks, versions, rooms, orders, codes.

use super::Said;
use super::numbers::{digits, number, ordinal};
use super::words::Line;
use crate::speak::number_words::is_digits;

/// The most letters of a group of capitals in a code that are spelled.
const SPELLED_LETTERS_MAX: usize = 3;
/// A code with this many digits, or more, has them said one by one.
const SPELLED_DIGITS_MIN: usize = 3;
/// Capitals of two letters before a number that are no code.
const NO_CODES: [&str; 17] = [
    "AM", "PM", "UK", "US", "EU", "TV", "OK", "ID", "NO", "PC", "AI", "IT", "UN", "DC", "LA", "NY",
    "AD",
];

const DIALLED: [&str; 4] = ["call", "dial", "ring", "text"];
/// What is named by its digits.
const CODES: [&str; 16] = [
    "zip",
    "postcode",
    "code",
    "passcode",
    "pin",
    "cvv",
    "cvc",
    "extension",
    "ext",
    "reference",
    "ref",
    "confirmation",
    "ticket",
    "account",
    "tracking",
    "invoice",
];

/// "No. 5" -> "number five", "#4711" -> "number four seven one one", "BA 247" -> "B A two four seven".
pub(super) fn numbered(line: &Line<'_>, at: usize) -> Option<Said> {
    let word = line.word(at)?;
    let next = line.word(at + 1);
    let is_before_number = next.is_some_and(|next| {
        next.head.is_empty() && next.core.starts_with(|c: char| c.is_ascii_digit())
    });
    if matches!(word.core, "No" | "no" | "Nos" | "nos") && word.tail == "." && is_before_number
        || word.core == "№" && is_before_number
    {
        return Said::new("number", 1);
    }
    if matches!(word.core, "p" | "pp") && word.tail == "." && is_before_number {
        return Said::new(if word.core == "p" { "page" } else { "pages" }, 1);
    }
    for sign in ["No.", "no.", "№"] {
        if let Some(rest) = word.written.strip_prefix(sign)
            && let Some(said) = order(rest)
        {
            return Said::new(said, 1);
        }
    }
    if word.head.ends_with('#') && word.is_digits() {
        let said = order(word.core)?;
        return Said::new(super::words::with_punctuation(word, &said), 1);
    }
    if word.is_digits() && is_read_by_digits(line, at, word.core.len()) {
        return Said::new(super::words::with_punctuation(word, &digits(word.core)), 1);
    }
    let is_code = word.core.len() == 2
        && word.core.bytes().all(|b| b.is_ascii_uppercase())
        && !NO_CODES.contains(&word.core)
        && word.tail.is_empty();
    if is_code
        && let Some(number) =
            next.filter(|next| next.is_digits() && (2..=4).contains(&next.core.len()))
    {
        let said = format!("{} {}", spelled(word.core), digits(number.core));
        return Said::new(super::words::with_punctuation(number, &said), 2);
    }
    None
}

/// Whether what stands before a number says that it is no amount: "dial 911", "zip 90210", "a card ending in 4242", "the
/// code is 4815", "text HELP to 80403".
fn is_read_by_digits(line: &Line<'_>, at: usize, digits: usize) -> bool {
    let is_one_of =
        |words: &[&str], word: &str| words.iter().any(|known| known.eq_ignore_ascii_case(word));
    let before = line.before(at);
    if digits == SPELLED_DIGITS_MIN && is_one_of(&DIALLED, before) {
        return true;
    }
    let mut earlier = line.back(at, 4).map(|word| word.core).skip(1);
    digits >= SPELLED_DIGITS_MIN
        && match before {
            "is" => earlier.next().is_some_and(|word| is_one_of(&CODES, word)),
            "number" => earlier.next().is_some_and(|word| {
                is_one_of(&CODES, word) || is_one_of(&["order", "booking"], word)
            }),
            "in" => earlier.next() == Some("ending"),
            "to" => digits > SPELLED_DIGITS_MIN && earlier.any(|word| is_one_of(&["text"], word)),
            _ => is_one_of(&CODES, before),
        }
}

/// The number of an order or a bus.
fn order(core: &str) -> Option<String> {
    let said = if core.len() >= SPELLED_DIGITS_MIN {
        digits(core)
    } else {
        number(core)?
    };
    is_digits(core).then(|| format!("number {said}"))
}

/// "p95" -> "the ninety-fifth percentile", "21st" -> "twenty-first".
pub(super) fn rank(core: &str) -> Option<String> {
    let small = |digits: &str| {
        digits
            .parse()
            .ok()
            .filter(|rank| digits.len() <= 4 && *rank > 0)
    };
    if let Some(digits) = core.strip_prefix(['p', 'P']) {
        let rank = small(digits).filter(|rank| *rank < 100 && digits.len() <= 2)?;
        return Some(format!("the {} percentile", ordinal(rank)));
    }
    let ends = ["st", "nd", "rd", "th"];
    let digits = ends.iter().find_map(|end| core.strip_suffix(end))?;
    small(digits).map(ordinal)
}

/// "v2.0.1" -> "version two point oh point one"; "192.168.0.1" digit by digit.
pub(super) fn version(core: &str) -> Option<String> {
    let bare = core
        .strip_prefix(['v', 'V'])
        .filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    let said = if bare.is_some() { "version " } else { "" };
    let (figures, label) = bare
        .unwrap_or(core)
        .split_once('-')
        .unwrap_or((bare.unwrap_or(core), ""));
    let groups: Vec<&str> = figures.split('.').collect();
    let is_short = |group: &&str| is_digits(group) && group.len() <= 4;
    let is_label = label.chars().all(char::is_alphabetic);
    if !groups.iter().all(is_short) || !is_label || groups.len() < 3 && bare.is_none() {
        return None;
    }
    let first = groups.first().map_or(0, |group| group.len());
    // "1.000.000" is a number on the Continent.
    if bare.is_none() && groups.iter().skip(1).all(|group| group.len() == 3) {
        return number(&groups.concat());
    }
    let (spoken, joined): (Vec<String>, &str) = if groups.len() == 4 && first > 1 {
        (groups.iter().map(|group| digits(group)).collect(), " dot ")
    } else {
        let group = |group: &&str| {
            if *group == "0" {
                Some("oh".to_owned())
            } else {
                number(group)
            }
        };
        (groups.iter().filter_map(group).collect(), " point ")
    };
    let words = format!("{said}{} {label}", spoken.join(joined));
    Some(words.trim_end().to_owned())
}

/// Letters and digits in one word: "AB-1234", "room 3B", "A4", "H-1B", "IPv6".
pub(super) fn code(line: &Line<'_>, at: usize) -> Option<String> {
    let core = line.word(at)?.core;
    let is_code = core.contains(|c: char| c.is_ascii_digit())
        && core.contains(char::is_alphabetic)
        && core.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    if !is_code {
        return None;
    }
    let has_capital = core.contains(|c: char| c.is_ascii_uppercase());
    let said = groups(core).into_iter().map(|group| {
        let is_number = group.starts_with(|c: char| c.is_ascii_digit());
        match is_number {
            true if group.len() >= SPELLED_DIGITS_MIN && has_capital => digits(group),
            true => number(group).unwrap_or_else(|| digits(group)),
            false if is_spelled(group) => spelled(group),
            false => group.to_owned(),
        }
    });
    Some(said.collect::<Vec<_>>().join(" "))
}

fn is_spelled(letters: &str) -> bool {
    letters.len() <= SPELLED_LETTERS_MAX && letters.bytes().all(|b| b.is_ascii_uppercase())
}

fn spelled(letters: &str) -> String {
    let letters = letters.chars().map(String::from);
    letters.collect::<Vec<_>>().join(" ")
}

/// The groups of letters and of digits of a word.
fn groups(core: &str) -> Vec<&str> {
    let mut groups = Vec::new();
    for part in core.split('-') {
        let mut start = 0;
        let mut was_digit = None;
        for (at, c) in part.char_indices() {
            let is_digit = c.is_ascii_digit();
            if was_digit.is_some_and(|was| was != is_digit) {
                groups.push(&part[start..at]);
                start = at;
            }
            was_digit = Some(is_digit);
        }
        groups.push(&part[start..]);
    }
    groups.retain(|group| !group.is_empty());
    groups
}

/// A word in pieces of letters and of digits: "24x7", "and/or".
pub(super) fn pieces(core: &str) -> String {
    // "--port" is a flag, not less of something.
    let unsigned = core.trim_start_matches('-');
    let core = if unsigned.starts_with(char::is_alphabetic) {
        unsigned
    } else {
        core
    };
    if !core.contains(char::is_numeric) {
        return core.to_owned();
    }
    // "978-3-16-148410-0".
    let groups: Vec<&str> = core.split('-').collect();
    if groups.len() > 2 && groups.iter().all(|group| is_digits(group)) {
        return groups
            .into_iter()
            .map(digits)
            .collect::<Vec<_>>()
            .join(", ");
    }
    let core = core.replace("^2", "²").replace("^3", "³");
    let mut said: Vec<String> = Vec::new();
    let mut piece = String::new();
    let mut is_figure = false;
    let mut chars = core.chars().chain([' ']).peekable();
    while let Some(c) = chars.next() {
        let goes_on =
            is_figure && matches!(c, '.' | ',') && chars.peek().is_some_and(char::is_ascii_digit);
        let is_digit = c.is_ascii_digit() || goes_on;
        if (is_digit != is_figure || c == ' ') && !piece.is_empty() {
            let piece = std::mem::take(&mut piece);
            said.push(match is_figure {
                true => figures(&piece),
                // What only joins two pieces is a gap.
                false => piece.trim_matches(['-', ':', '.']).to_owned(),
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
    said.retain(|piece| !piece.is_empty());
    said.join(" ")
}

/// "6.1" as a number, "192.168.1.1" as several.
fn figures(written: &str) -> String {
    let apart = || {
        let groups = written.split(['.', ',']).filter_map(number);
        groups.collect::<Vec<_>>().join(" ")
    };
    number(written).unwrap_or_else(apart)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_letters_and_figures_keep_all_their_figures() {
        for (written, said) in [
            ("6.1-inch", "six point one inch"),
            ("6.02e23", "six point oh two e twenty-three"),
            ("a1:b2", "a one b two"),
            ("978-3-16", "nine seven eight, three, one six"),
            ("x1.2.3", "x one two three"),
            ("--port", "port"),
        ] {
            assert_eq!(pieces(written), said, "{written}");
        }
    }
}
