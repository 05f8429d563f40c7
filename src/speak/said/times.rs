//! Clock times, dates and days, as they are said.

use super::Said;
use super::numbers::{cardinal, ordinal, year};
use super::units::{self, IsOne};
use super::words::{Line, Word, with_punctuation};

const DAYS: [(&str, &str); 11] = [
    ("Mon", "Monday"),
    ("Tue", "Tuesday"),
    ("Tues", "Tuesday"),
    ("Wed", "Wednesday"),
    ("Weds", "Wednesday"),
    ("Thu", "Thursday"),
    ("Thur", "Thursday"),
    ("Thurs", "Thursday"),
    ("Fri", "Friday"),
    ("Sat", "Saturday"),
    ("Sun", "Sunday"),
];

pub(crate) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// "Mon" -> "Monday".
pub(crate) fn day(short: &str) -> Option<&'static str> {
    let found = DAYS.iter().find(|(name, _)| *name == short);
    found.map(|(_, day)| *day)
}

/// "Mon" -> "Monday", "Mon-Fri" -> "Monday to Friday".
pub(super) fn days(word: &str) -> Option<String> {
    let day = |short: &str| day(short.trim_end_matches('.'));
    if let Some((from, to)) = word.split_once(['-', '–']) {
        return Some(format!("{} to {}", day(from)?, day(to)?));
    }
    day(word).map(str::to_owned)
}

/// "10:30" -> "ten thirty", "17:30" -> "five thirty p.m.", "9:00" -> "nine o'clock", "7:30-9:00" -> "seven thirty to
/// nine". `after` is the word behind it, which may name the half of the day.
pub(super) fn clock(word: &str, after: &str) -> Option<String> {
    let has_half = matches!(
        after,
        "am" | "pm" | "AM" | "PM" | "a.m" | "p.m" | "A.M" | "P.M"
    );
    if let Some((from, to)) = word.split_once(['-', '–']) {
        let (from, to) = (hour_and_minute(from)?, hour_and_minute(to)?);
        // If both times lie in one half of the day, the half is said once.
        let is_one_half = has_half || is_afternoon(from) == is_afternoon(to);
        let first = said(from, if is_one_half { "" } else { half_of_day(from) }, "");
        let half = if has_half { "" } else { half_of_day(to) };
        return Some(format!("{first} to {}", said(to, half, "")));
    }
    let time = hour_and_minute(word)?;
    Some(match has_half {
        true => said(time, "", ""),
        false => said(time, half_of_day(time), " o'clock"),
    })
}

/// "9am", "4.30pm", "7pm-9pm", "9-5pm".
pub(super) fn half_day(word: &str) -> Option<String> {
    if let Some((from, to)) = word.split_once(['-', '–']) {
        let to_said = half_day(to)?;
        let from_said = half_day(from).or_else(|| {
            let (hour, minute) = hour_or_time(from)?;
            Some(said((hour, minute), "", ""))
        })?;
        return Some(format!("{from_said} to {to_said}"));
    }
    let lower = word.to_ascii_lowercase();
    let (time, half) = ["am", "pm", "a.m", "p.m"]
        .iter()
        .find_map(|half| Some((lower.strip_suffix(half)?, *half)))?;
    let half = if half.starts_with('a') {
        " a.m."
    } else {
        " p.m."
    };
    if time.is_empty() {
        return word.contains('.').then(|| half.trim().to_owned());
    }
    let (hour, minute) = hour_or_time(time)?;
    (hour <= 12).then(|| said((hour, minute), half, ""))
}

/// "PM" behind a time.
pub(super) fn half_behind(line: &Line<'_>, at: usize) -> Option<String> {
    let half = line.word(at)?.core.to_ascii_lowercase();
    let is_behind_time = line.before(at).ends_with(|c: char| c.is_ascii_digit());
    match half.as_str() {
        "am" | "a.m" if is_behind_time => Some("a.m.".to_owned()),
        "pm" | "p.m" if is_behind_time => Some("p.m.".to_owned()),
        _ => None,
    }
}

fn hour_or_time(written: &str) -> Option<(u64, u64)> {
    let time = written.replace('.', ":");
    match time.split_once(':') {
        Some(_) => hour_and_minute(&time),
        None => Some((
            time.parse()
                .ok()
                .filter(|hour| *hour <= 24 && time.len() <= 2)?,
            0,
        )),
    }
}

fn is_afternoon((hour, minute): (u64, u64)) -> bool {
    (13..24).contains(&hour) || hour == 12 && minute > 0
}

fn half_of_day(time: (u64, u64)) -> &'static str {
    if is_afternoon(time) { " p.m." } else { "" }
}

fn said((hour, minute): (u64, u64), half: &str, full_hour: &str) -> String {
    let hour_words = cardinal(if hour > 12 { hour - 12 } else { hour });
    match (hour, minute) {
        (0 | 24, 0) => "midnight".into(),
        (12, 0) if half.is_empty() && !full_hour.is_empty() => "noon".into(),
        (_, 0) if half.is_empty() => format!("{hour_words}{full_hour}"),
        (_, 0) => format!("{hour_words}{half}"),
        (_, 1..10) => format!("{hour_words} oh {}{half}", cardinal(minute)),
        _ => format!("{hour_words} {}{half}", cardinal(minute)),
    }
}

fn hour_and_minute(word: &str) -> Option<(u64, u64)> {
    let (hour, minute) = word.split_once(':')?;
    let is_two = minute.len() == 2 && (1..=2).contains(&hour.len());
    let (hour, minute) = (hour.parse().ok()?, minute.parse().ok()?);
    (is_two && hour <= 24 && minute < 60).then_some((hour, minute))
}

/// "2026-06-01", "1/6/2026" and "1.6.2026" -> "the first of June twenty twenty-six". The day comes first, unless it
/// cannot.
pub(super) fn date(word: &str) -> Option<String> {
    let parts: Vec<&str> = word.split(['-', '/', '.']).collect();
    let [first, middle, last] = parts.as_slice() else {
        return None;
    };
    let (day, of_year) = match (first.len(), last.len()) {
        (4, 1..=2) => (last, first),
        (1..=2, 4) => (first, last),
        _ => return None,
    };
    let named = MONTHS
        .iter()
        .zip(1..)
        .find(|(name, _)| month(middle) == Some(**name));
    let (mut day, mut month, of_year): (u64, u64, u64) = (
        day.parse().ok()?,
        named.map_or_else(|| middle.parse().ok(), |(_, number)| Some(number))?,
        of_year.parse().ok()?,
    );
    if month > 12 && day <= 12 {
        (day, month) = (month, day);
    }
    let month = MONTHS.get(usize::try_from(month).ok()?.checked_sub(1)?)?;
    let is_day = (1..=31).contains(&day);
    is_day.then(|| format!("the {} of {month} {}", ordinal(day), year(of_year)))
}

/// "Jan. 1, 1980" -> "January first, nineteen eighty", "May 3rd" -> "May third", "Sept. 2024".
pub(super) fn month_and_day(line: &Line<'_>, at: usize) -> Option<Said> {
    let (word, next) = (line.word(at)?, line.word(at + 1));
    let month = month(word.core)?;
    let is_short = word.core != month;
    let rest = word
        .tail
        .strip_prefix('.')
        .filter(|_| is_short)
        .unwrap_or(word.tail);
    let day = next.filter(|_| rest.is_empty()).and_then(|next| {
        let digits = next.core.trim_end_matches(['s', 't', 'n', 'd', 'r', 'h']);
        let day = digits
            .parse()
            .ok()
            .filter(|day| (1..=31).contains(day) && digits.len() <= 2)?;
        // "May 20 people come?"
        let is_day = digits != next.core
            || !next.tail.is_empty()
            || !matches!(month, "May" | "March")
            || !line.after(at + 1).starts_with(char::is_lowercase);
        is_day.then(|| (next, ordinal(day)))
    });
    if let Some((next, day)) = day {
        return Said::new(with_punctuation(next, &format!("{month} {day}")), 2);
    }
    let is_certain =
        is_short && (word.tail.starts_with('.') || next.is_some_and(|next| next.is_digits()));
    is_certain.then(|| Said::new(with_punctuation(Word { tail: rest, ..word }, month), 1))?
}

/// "24" before "December", "2026" after "in".
pub(super) fn dated(line: &Line<'_>, at: usize) -> Option<String> {
    let word = line.word(at)?;
    let (core, before, after) = (word.core, line.before(at), line.after(at));
    let number: u64 = core.parse().ok()?;
    if core.len() <= 2 && (1..=31).contains(&number) && month(after).is_some() {
        return Some(format!("the {} of", ordinal(number)));
    }
    if core.len() != 4 || !(1100..2100).contains(&number) || units::unit(after, IsOne::No).is_some()
    {
        return None;
    }
    let is_modern = (1900..2100).contains(&number);
    // What a year ends, the word behind it does not go on from.
    let ends = after.is_empty() || !after.starts_with(char::is_lowercase) || JOINS.contains(&after);
    let is_between = matches!(before, "and" | "to" | "or")
        && line
            .back(at, 3)
            .any(|word| BEFORE_YEARS.contains(&word.core))
        && line
            .back(at, 2)
            .any(|word| word.is_digits() && word.core.len() == 4);
    let is_quarter = matches!(before, "Q1" | "Q2" | "Q3" | "Q4" | "FY");
    let is_year = is_modern && (BEFORE_YEARS.contains(&before) || is_quarter)
        || is_modern && ends && is_between
        || ends
            && ["of", "spring", "summer", "autumn", "winter", "for"].contains(&before)
            && is_modern
        || line.back(at, 2).any(|word| month(word.core).is_some())
        || line
            .back(at, 3)
            .any(|word| matches!(word.core, "year" | "years" | "Year" | "©" | "born"))
        || word.head.ends_with('(') && word.tail.starts_with(')')
        || ["AD", "BC", "CE", "BCE"].contains(&after);
    is_year.then(|| year(number))
}

const BEFORE_YEARS: [&str; 14] = [
    "between", "Between", "From", "in", "In", "since", "Since", "until", "from", "by", "before",
    "after", "By", "Until",
];
const JOINS: [&str; 8] = ["and", "or", "was", "is", "to", "when", "but", "with"];

/// Whether a word is a month, also in short.
pub(super) fn month(word: &str) -> Option<&'static str> {
    let bare = word.trim_end_matches(|c: char| !c.is_alphanumeric());
    let is_it = |month: &&&str| {
        **month == bare
            || bare.len() >= 3 && bare != "May" && month.get(..3) == Some(bare)
            || bare == "Sept" && **month == "September"
    };
    MONTHS.iter().find(is_it).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_the_clock_are_said_by_half_days() {
        for (written, said) in [
            ("10:30", "ten thirty"),
            ("9:00", "nine o'clock"),
            ("17:30", "five thirty p.m."),
            ("17:00", "five p.m."),
            ("6:05", "six oh five"),
            ("12:00", "noon"),
            ("0:00", "midnight"),
            ("7:30-9:00", "seven thirty to nine"),
            ("9:00–17:00", "nine to five p.m."),
            ("13:00-15:00", "one to three p.m."),
            ("12:30", "twelve thirty p.m."),
        ] {
            assert_eq!(clock(written, "").as_deref(), Some(said), "{written}");
        }
        for written in ["1:2", "25:00", "10:60", "10:30:00", "a:bc", "9-17", ":30"] {
            assert_eq!(clock(written, ""), None, "{written}");
        }
        assert_eq!(half_day("9am").as_deref(), Some("nine a.m."));
        assert_eq!(half_day("4.30pm").as_deref(), Some("four thirty p.m."));
        assert_eq!(half_day("9-5pm").as_deref(), Some("nine to five p.m."));
        assert_eq!(clock("5:00", "pm").as_deref(), Some("five"));
        assert_eq!(half_day("spam"), None);
        assert_eq!(half_day("am"), None);
    }

    #[test]
    fn days_and_dates_are_said_in_full() {
        assert_eq!(days("Mon-Fri").as_deref(), Some("Monday to Friday"));
        assert_eq!(days("Sat").as_deref(), Some("Saturday"));
        assert_eq!(days("Sunny"), None);
        assert_eq!(
            date("2026-06-01").as_deref(),
            Some("the first of June twenty twenty-six")
        );
        assert_eq!(
            date("24/12/2025").as_deref(),
            Some("the twenty-fourth of December twenty twenty-five")
        );
        assert_eq!(
            date("5/17/2026").as_deref(),
            Some("the seventeenth of May twenty twenty-six")
        );
        assert_eq!(
            date("3-May-2024").as_deref(),
            Some("the third of May twenty twenty-four")
        );
        assert_eq!(date("2026-13-32"), None);
        assert_eq!(date("030-12-34"), None);
        assert_eq!(month("Dec."), Some("December"));
        assert_eq!(month("Maybe"), None);
    }
}
