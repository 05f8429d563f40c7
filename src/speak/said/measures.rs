//! Numbers with their units, ranges of them, and the signs between numbers.

use super::Said;
use super::numbers::{cardinal, digits, number, year};
use super::units::{self, IsOne};
use super::words::{Line, Word, with_punctuation};
use crate::speak::number_words::is_digits;

/// Endings that multiply a number.
const MAGNITUDES: [(&str, &str); 4] = [
    ("k", "thousand"),
    ("M", "million"),
    ("bn", "billion"),
    ("tn", "trillion"),
];

/// "ms" after "300", "mg/kg" after "5".
pub(super) fn after_number(line: &Line<'_>, at: usize) -> Option<String> {
    let before = line.before(at);
    let number = before.rsplit(['-', '–', 'x', '×']).next()?;
    let is_number = number.ends_with(|c: char| c.is_ascii_digit() || "½¼¾".contains(c));
    is_number.then(|| with_per(line.word(at)?.core, IsOne::of(number)))?
}

/// "sq ft" and "fl. oz." behind a number.
pub(super) fn two_words(line: &Line<'_>, at: usize) -> Option<Said> {
    let (word, next) = (line.word(at)?, line.word(at + 1)?);
    let kind = match word.core {
        "sq" => "square",
        "cu" => "cubic",
        "fl" => "fluid",
        _ => return None,
    };
    let is_behind_number = line.before(at).ends_with(|c: char| c.is_ascii_digit());
    if !is_behind_number || !matches!(word.tail, "" | ".") {
        return None;
    }
    let said = format!(
        "{kind} {}",
        units::unit(next.core, IsOne::of(line.before(at)))?
    );
    Said::new(with_punctuation(line.unstopped(at + 1)?, &said), 2)
}

/// A unit, also one by another: "km/h", "mg/kg", "m²".
fn with_per(written: &str, is_one: IsOne) -> Option<String> {
    if let Some(words) = units::unit(written, is_one) {
        return Some(words.to_owned());
    }
    for (sign, name) in [('²', "square"), ('³', "cubic")] {
        if let Some(side) = written.strip_suffix(sign) {
            return Some(format!("{name} {}", units::unit(side, is_one)?));
        }
    }
    let (of, by) = written.split_once('/')?;
    let by = units::unit(by, IsOne::Yes).or_else(|| units::span(by))?;
    Some(format!("{} per {by}", units::unit(of, is_one)?))
}

/// A number or a range of numbers, with a unit or without: "1.2", "1-3", "~200ms", "16kHz", "10%-20%", "3/day", "10k".
pub(super) fn figure(core: &str) -> Option<String> {
    for (sign, words) in units::SIGNS {
        if let Some(rest) = core.strip_prefix(sign) {
            return figure(rest).map(|said| format!("{words} {said}"));
        }
    }
    if let Some(rest) = core.strip_suffix('+') {
        return figure(rest).map(|said| format!("{said} plus"));
    }
    if let Some(said) = decade(core).or_else(|| times(core)) {
        return Some(said);
    }
    let unsigned = core.strip_prefix(['-', '−']).unwrap_or(core);
    let sign_bytes = core.len() - unsigned.len();
    let end = unsigned
        .find(|c: char| !(c.is_ascii_digit() || ".,:-–".contains(c)))
        .unwrap_or(unsigned.len());
    let (amount, unit) = core.split_at(sign_bytes + end);
    if let Some(said) = two_with_unit(core) {
        return Some(said);
    }
    let words = number(amount).or_else(|| range(amount))?;
    if unit.is_empty() {
        return Some(words);
    }
    if let Some((_, many)) = MAGNITUDES.iter().find(|(end, _)| *end == unit) {
        return Some(format!("{words} {many}"));
    }
    let (times, per) = match unit.strip_prefix(['x', '×']) {
        Some(per) => (" times", per),
        None => ("", unit),
    };
    if let Some(span) = per.strip_prefix('/').and_then(units::span) {
        let article = units::article(span);
        return Some(format!("{words}{times} {article} {span}"));
    }
    let unit = with_per(unit, IsOne::of(amount))?;
    Some(format!("{words} {unit}"))
}

/// "10%-20%" -> "ten to twenty percent".
fn two_with_unit(core: &str) -> Option<String> {
    let (low, high) = core
        .split_once(['-', '–'])
        .filter(|(low, _)| !low.is_empty())?;
    let end = |text: &str| text.find(|c: char| !(c.is_ascii_digit() || ".,".contains(c)));
    let (low, low_unit) = low.split_at(end(low)?);
    let (high, high_unit) = high.split_at(end(high)?);
    (low_unit == high_unit).then(|| {
        let unit = with_per(high_unit, IsOne::No)?;
        Some(format!("{} to {} {unit}", number(low)?, number(high)?))
    })?
}

/// "1-3" -> "one to three", "1939-1945" in years, "16:9" -> "sixteen to nine".
fn range(amount: &str) -> Option<String> {
    let (low, high) = amount.split_once(['-', '–', ':'])?;
    let as_year = |digits: &str| {
        let number = digits
            .parse()
            .ok()
            .filter(|number| (1100..2100).contains(number));
        number.filter(|_| digits.len() == 4).map(year)
    };
    if let (Some(low), Some(high)) = (as_year(low), as_year(high)) {
        return Some(format!("{low} to {high}"));
    }
    // "747-400" is a name: a range goes up.
    let long = |figures: &str| figures.parse::<u64>().ok().filter(|_| figures.len() > 2);
    if let (Some(first), Some(second)) = (long(low), long(high))
        && second < first
    {
        return Some(format!("{} {}", digits(low), digits(high)));
    }
    Some(format!("{} to {}", number(low)?, number(high)?))
}

/// "1990s" -> "nineteen nineties", "90s" -> "nineties".
fn decade(core: &str) -> Option<String> {
    let digits = core.strip_suffix('s')?;
    let number: u64 = digits
        .parse()
        .ok()
        .filter(|_| matches!(digits.len(), 2 | 4))?;
    let is_it = number.is_multiple_of(10)
        && ((20..100).contains(&number) || (1100..2100).contains(&number));
    if !is_it {
        return None;
    }
    let words = if number < 100 {
        cardinal(number)
    } else {
        year(number)
    };
    Some(match words.strip_suffix('y') {
        Some(stem) => format!("{stem}ies"),
        None => format!("{words}s"),
    })
}

/// "2x500" -> "two times five hundred", "3x" -> "three times", "4x4" -> "four by four", "3x2x1" -> "three by two by one".
fn times(core: &str) -> Option<String> {
    let (left, right) = core.split_once(['x', '×', 'X'])?;
    let left_said = number(left)?;
    if right.is_empty() {
        return Some(format!("{left_said} times"));
    }
    let is_size = right.contains(['x', '×', 'X']);
    if is_size {
        let sides: Option<Vec<String>> = core.split(['x', '×', 'X']).map(figure).collect();
        return Some(sides?.join(" by "));
    }
    let joined = if left == right || right.len() > 2 && left.len() > 2 {
        "by"
    } else {
        "times"
    };
    Some(format!("{left_said} {joined} {}", figure(right)?))
}

/// The sign between two numbers that stand apart: "10 - 12 people", "3 x 4".
pub(super) fn between(line: &Line<'_>, at: usize) -> Option<Said> {
    let word = line.word(at)?;
    let is_figure = |word: Option<Word<'_>>| {
        word.is_some_and(|word| word.core.contains(|c: char| c.is_ascii_digit()))
    };
    let before = at.checked_sub(1).and_then(|before| line.word(before));
    let next = line.word(at + 1);
    if !is_figure(before) || !is_figure(next) {
        return None;
    }
    let is_sum = (0..=at + 4).any(|near| line.word(near).is_some_and(|word| word.written == "="));
    let said = match word.written {
        "-" | "–" | "−" if is_sum => "minus",
        "-" | "–" => "to",
        "x" | "X" | "×" | "*" => "times",
        "÷" => "divided by",
        "/" if before.is_some_and(|word| word.is_digits()) => "divided by",
        "/" => "or",
        _ => return None,
    };
    Said::new(said, 1)
}

/// `5'10"` -> "five foot ten", `12″` -> "twelve inches", `6′` -> "six feet".
pub(super) fn feet_and_inches(written: &str) -> Option<String> {
    let bare = written.trim_end_matches(['.', '?', '!', ')']);
    let stop = &written[bare.len()..];
    let is_length = |text: &str| is_digits(text) && text.len() <= 3;
    if let Some((feet, inches)) = bare.split_once(['\'', '’', '′'])
        && is_length(feet)
    {
        let inches = inches.trim_end_matches(['"', '”', '″']);
        return match inches {
            // An apostrophe behind a number closes a quotation as often.
            "" if bare.ends_with('′') => Some(format!("{} feet{stop}", number(feet)?)),
            _ if is_length(inches) => {
                Some(format!("{} foot {}{stop}", number(feet)?, number(inches)?))
            }
            _ => None,
        };
    }
    let inches = bare.strip_suffix('″')?;
    is_length(inches).then(|| Some(format!("{} inches{stop}", number(inches)?)))?
}
