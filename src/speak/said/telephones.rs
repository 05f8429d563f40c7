//! Telephone numbers, digit by digit.

use super::Said;
use super::numbers::digits;
use super::words::{Line, Word};
use crate::speak::number_words::is_digits;
use std::borrow::Cow;

/// "+44 (0)20" is dialled without the nought.
pub(super) fn without_trunk_prefix(line: &str) -> Cow<'_, str> {
    let is_behind_country = |before: &str| {
        let country = before
            .trim_end()
            .trim_end_matches(|c: char| c.is_ascii_digit());
        country.ends_with('+')
    };
    match line.split_once("(0)") {
        Some((before, behind)) if is_behind_country(before) => {
            Cow::Owned(format!("{} {behind}", before.trim_end()))
        }
        _ => Cow::Borrowed(line),
    }
}

/// A number of one word or several: "+44 20 7946 0958", "(020) 7946-0958", "555-0100", "1-800-555-0199".
///
/// The words behind its first are said digit by digit as long as they are digits.
pub(super) fn number(line: &Line<'_>, at: usize) -> Option<Said> {
    let word = line.word(at)?;
    let is_it = begins(word, line.word(at + 1)) || is_whole(word.core);
    if !is_it {
        return None;
    }
    let said = digits(word.core);
    let sign = if word.core.starts_with('+') {
        "plus "
    } else {
        ""
    };
    let tail: String = word
        .tail
        .chars()
        .filter(|c| ".,;:!?".contains(*c))
        .collect();
    Some(Said {
        words: format!("{sign}{said}{tail}"),
        taken: 1,
        is_telephone: tail.is_empty(),
    })
}

/// "01632", "+44", "(555)" before more digits.
fn begins(word: Word<'_>, next: Option<Word<'_>>) -> bool {
    let (has_plus, rest) = match word.core.strip_prefix('+') {
        Some(rest) => (true, rest),
        None => (false, word.core),
    };
    let is_number = rest.split('-').all(is_digits);
    let is_followed = next.is_some_and(|next| {
        let group = next.core.split(['-', '.']).next().unwrap_or_default();
        group.len() >= 2 && is_digits(group)
    });
    let is_area = word.head.ends_with('(') && word.tail.starts_with(')') && rest.len() == 3;
    is_number
        && (has_plus && (rest.len() >= 7 || is_followed)
            || rest.starts_with('0') && rest.len() >= 3 && !has_plus
            || is_area && is_followed)
}

/// Groups of digits that are one number: "555-0100", "555-010-0199", "555.010.0199".
fn is_whole(core: &str) -> bool {
    let groups: Vec<&str> = core.split(['-', '.', '–']).collect();
    let lengths: Vec<usize> = groups.iter().map(|group| group.len()).collect();
    groups.iter().all(|group| is_digits(group))
        && matches!(
            lengths.as_slice(),
            [3, 4] | [3, 3, 4 | 3] | [1, 3, 3, 4] | [3, 2, 2] | [2, 4, 4]
        )
        && !(core.contains('.') && lengths != [3, 3, 4])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_a_telephone_number_and_what_is_none() {
        for yes in ["555-0100", "555-010-0199", "1-800-555-0199", "555.010.0199"] {
            assert!(is_whole(yes), "{yes}");
        }
        for no in [
            "1939-1945",
            "10-12",
            "2026-11-28",
            "3.14",
            "192.168.0.1",
            "555",
        ] {
            assert!(!is_whole(no), "{no}");
        }
        let begins_number = |line: &str| number(&Line::of(line), 0).is_some();
        assert!(
            begins_number("01632 960230")
                && begins_number("+44 20")
                && begins_number("(555) 010-0199")
        );
        assert!(begins_number("+15550100") && begins_number("030-12-34"));
        assert!(!begins_number("10 20") && !begins_number("0") && !begins_number("+5 points"));
    }
}
