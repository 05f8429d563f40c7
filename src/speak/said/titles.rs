//! Titles, streets and Roman numbers, by what stands beside them.

use super::Said;
use super::numbers::{cardinal, ordinal};
use super::times;
use super::words::{Line, Word, with_punctuation};

/// What is a title before a name and something else behind one.
const BESIDE_NAMES: [(&str, &str, &str); 2] =
    [("St", "Saint", "Street"), ("Dr", "Doctor", "Drive")];
/// Other short forms, always followed by their stop.
const STOPPED: [(&str, &str); 22] = [
    ("Prof", "Professor"),
    ("Ave", "Avenue"),
    ("Rd", "Road"),
    ("Blvd", "Boulevard"),
    ("Sgt", "Sergeant"),
    ("Capt", "Captain"),
    ("Lt", "Lieutenant"),
    ("Gen", "General"),
    ("Rev", "Reverend"),
    ("Gov", "Governor"),
    ("Sen", "Senator"),
    ("Fig", "Figure"),
    ("Dept", "Department"),
    ("Jr", "Junior"),
    ("Apt", "Apartment"),
    ("Mt", "Mount"),
    ("Vol", "Volume"),
    ("Ext", "Extension"),
    ("ext", "extension"),
    ("Bldg", "Building"),
    ("Hwy", "Highway"),
    ("exp", "expires"),
];
/// Words before which and behind which a Roman number counts things.
const COUNTED: [&str; 17] = [
    "chapter", "part", "volume", "vol", "act", "book", "section", "phase", "type", "war", "level",
    "stage", "article", "appendix", "scene", "class", "grade",
];
/// The most tens of a Roman number that are written side by side.
const TENS_MAX: usize = 3;
/// Names of those who are counted by rank.
const RULERS: [&str; 20] = [
    "Henry",
    "George",
    "Edward",
    "Charles",
    "James",
    "William",
    "Richard",
    "Louis",
    "Elizabeth",
    "John",
    "Paul",
    "Pius",
    "Benedict",
    "Francis",
    "Philip",
    "Peter",
    "Catherine",
    "Alexander",
    "Frederick",
    "Leo",
];

/// "Dr. Smith", "4 St. Mary's Street", "Main St.", "Henry VIII", "chapter IV".
pub(super) fn title(line: &Line<'_>, at: usize) -> Option<Said> {
    let word = line.word(at)?;
    let said = beside_name(line, at, word)
        .or_else(|| stopped(word, line.word(at + 1).is_none()))
        .or_else(|| roman(line, at, word))?;
    Said::new(said, 1)
}

fn beside_name(line: &Line<'_>, at: usize, word: Word<'_>) -> Option<String> {
    let (_, before, behind) = BESIDE_NAMES
        .iter()
        .find(|(short, ..)| *short == word.core)?;
    let is_name = |other: Option<Word<'_>>| {
        other.is_some_and(|other| {
            other.is_capitalised() && !BESIDE_NAMES.iter().any(|(short, ..)| *short == other.core)
        })
    };
    let earlier = at.checked_sub(1).and_then(|before| line.word(before));
    let is_behind = is_name(earlier.filter(|earlier| earlier.tail.is_empty())) && at > 1;
    let next = line.word(at + 1);
    let (said, is_title) = match (is_behind, is_name(next)) {
        (true, _) => (behind, false),
        (false, true) => (before, true),
        (false, false) if *before == "Saint" => (behind, false),
        (false, false) => return None,
    };
    // The stop of a street at the end of the line ends the sentence; that of a title ends nothing.
    let rest = match (is_title, next.is_none()) {
        (false, true) => word.tail,
        _ => word.tail.strip_prefix('.').unwrap_or(word.tail),
    };
    Some(with_punctuation(Word { tail: rest, ..word }, said))
}

fn stopped(word: Word<'_>, is_last: bool) -> Option<String> {
    let rest = word.tail.strip_prefix('.')?;
    // The stop of the last word ends the sentence too.
    let rest = if is_last && rest.is_empty() {
        word.tail
    } else {
        rest
    };
    let found = STOPPED.iter().find(|(short, _)| *short == word.core);
    let said = found.map_or_else(|| times::day(word.core), |(_, said)| Some(*said))?;
    Some(with_punctuation(Word { tail: rest, ..word }, said))
}

fn roman(line: &Line<'_>, at: usize, word: Word<'_>) -> Option<String> {
    let value = value_of(word.core)?;
    let before = line.before(at);
    if RULERS.contains(&before) && word.core.len() > 1 {
        return Some(with_punctuation(word, &format!("the {}", ordinal(value))));
    }
    let is_counted = |other: Word<'_>| COUNTED.contains(&other.core.to_lowercase().as_str());
    // "Chapter is IV", but not "the part I like".
    let words = if word.core.len() > 1 { 2 } else { 1 };
    let is_certain = word.core != "I" || line.after(at).is_empty();
    let is_it = is_certain && line.back(at, words).any(is_counted);
    is_it.then(|| with_punctuation(word, &cardinal(value)))
}

/// The value of a Roman number up to 39 in its usual form.
fn value_of(core: &str) -> Option<u64> {
    const ONES: [&str; 10] = ["", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX"];
    let behind_tens = core.trim_start_matches('X');
    let tens = core.len() - behind_tens.len();
    let ones = ONES.iter().position(|ones| *ones == behind_tens)?;
    let is_number = tens <= TENS_MAX && !core.is_empty();
    is_number.then(|| u64::try_from(10 * tens + ones).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roman_numbers_have_values() {
        for (roman, value) in [
            ("I", 1),
            ("IV", 4),
            ("VIII", 8),
            ("X", 10),
            ("XIV", 14),
            ("XXIX", 29),
        ] {
            assert_eq!(value_of(roman), Some(value), "{roman}");
        }
        let forty_in_tens = "X".repeat(TENS_MAX + 1);
        for none in ["", "IIII", "VX", "MIX", "i", &forty_in_tens] {
            assert_eq!(value_of(none), None, "{none}");
        }
    }
}
