//! Fractions: "1/2 cup", "1 1/2", "2½", "4/5 stars", "50/50".

use super::Said;
use super::numbers::{cardinal, number, ordinal};
use super::units;
use super::words::Line;
use crate::speak::number_words::is_digits;

/// What a cup, an hour or a mile can be half of.
const WHOLES: [&str; 24] = [
    "cup",
    "teaspoon",
    "tablespoon",
    "mile",
    "hour",
    "inch",
    "pound",
    "pint",
    "litre",
    "liter",
    "day",
    "dozen",
    "ounce",
    "minute",
    "second",
    "metre",
    "meter",
    "gallon",
    "kilo",
    "kilogram",
    "loaf",
    "page",
    "year",
    "portion",
];
const SINGLE: [(char, u64, u64); 6] = [
    ('½', 1, 2),
    ('¼', 1, 4),
    ('¾', 3, 4),
    ('⅓', 1, 3),
    ('⅔', 2, 3),
    ('⅛', 1, 8),
];

/// "1 1/2" -> "one and a half", also "1 ½".
pub(super) fn mixed(line: &Line<'_>, at: usize) -> Option<Said> {
    let (whole, part) = (line.word(at)?, line.word(at + 1)?);
    if !whole.is_digits() || !whole.tail.is_empty() {
        return None;
    }
    let (top, bottom) = parts(part.core)?;
    if top >= bottom {
        return None;
    }
    let tail: String = part
        .tail
        .chars()
        .filter(|c| ".,;:!?)".contains(*c))
        .collect();
    let words = format!("{} and {}{tail}", number(whole.core)?, small(top, bottom)?);
    Said::new(words, 2)
}

/// "1/2" -> "one half" or, before a cup, "half a"; "2½" -> "two and a half".
pub(super) fn fraction(line: &Line<'_>, at: usize) -> Option<String> {
    let core = line.word(at)?.core;
    let after = line.after(at);
    let last = core.chars().next_back()?;
    if SINGLE.iter().any(|(sign, ..)| *sign == last) && core.chars().count() > 1 {
        let (top, bottom) = parts(&last.to_string())?;
        let whole = number(core.strip_suffix(last)?)?;
        return Some(format!("{whole} and {}", small(top, bottom)?));
    }
    if let Some((top, bottom)) = core.split_once('/')
        && top.contains('.')
    {
        return Some(format!("{} out of {}", number(top)?, number(bottom)?));
    }
    let (top, bottom) = parts(core)?;
    if core == "50/50" {
        return Some("fifty fifty".to_owned());
    }
    if ["stars", "star", "rating", "points"].contains(&after)
        || line
            .back(at, 2)
            .any(|w| ["rated", "scored", "score", "rating"].contains(&w.core))
    {
        return Some(format!("{} out of {}", cardinal(top), cardinal(bottom)));
    }
    if top >= bottom || !(2..=10).contains(&bottom) && bottom != 12 && bottom != 16 && bottom != 100
    {
        return None;
    }
    let bare = small(top, bottom)?;
    let is_whole = WHOLES.contains(&after);
    let article = units::article(after);
    Some(match (top, bottom) {
        (1, 2) if is_whole => format!("half {article}"),
        _ if is_whole => format!("{} of {article}", bare.replacen("a ", "one ", 1)),
        (1, 2) => "one half".to_owned(),
        _ => bare.replacen("a ", "one ", 1),
    })
}

/// "half", "a quarter", "three quarters", "two thirds".
fn small(top: u64, bottom: u64) -> Option<String> {
    let name = match bottom {
        0 | 1 => return None,
        2 => "half".to_owned(),
        4 => "quarter".to_owned(),
        _ => ordinal(bottom),
    };
    Some(match top {
        1 => format!("a {name}"),
        _ => format!("{} {name}s", cardinal(top)),
    })
}

fn parts(core: &str) -> Option<(u64, u64)> {
    let mut chars = core.chars();
    if let (Some(sign), None) = (chars.next(), chars.next()) {
        let (_, top, bottom) = SINGLE.iter().find(|(single, ..)| *single == sign)?;
        return Some((*top, *bottom));
    }
    let (top, bottom) = core.split_once('/')?;
    let small = |digits: &str| {
        let is_it = is_digits(digits) && digits.len() <= 3;
        is_it.then(|| digits.parse::<u64>().ok())?
    };
    Some((small(top)?, small(bottom)?))
}
