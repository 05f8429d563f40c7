//! Clock times, dates and days, as they are said.

use super::numbers::{cardinal, ordinal, year};

const DAYS: [(&str, &str); 12] = [
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
    ("24/7", "twenty-four hours a day, seven days a week"),
];

const MONTHS: [&str; 12] = [
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

/// "Mon" -> "Monday", "Mon-Fri" -> "Monday to Friday", "24/7".
pub(super) fn days(word: &str) -> Option<String> {
    let day = |short: &str| {
        let short = short.trim_end_matches('.');
        DAYS.iter()
            .find(|(name, _)| *name == short)
            .map(|(_, day)| *day)
    };
    if let Some((from, to)) = word.split_once(['-', '–']) {
        return Some(format!("{} to {}", day(from)?, day(to)?));
    }
    day(word).map(str::to_owned)
}

/// "10:30" -> "ten thirty", "17:30" -> "five thirty pm", "9:00" -> "nine o'clock", "7:30-9:00" -> "seven thirty to nine".
pub(super) fn clock(word: &str) -> Option<String> {
    if let Some((from, to)) = word.split_once(['-', '–']) {
        let (from, to) = (hour_and_minute(from)?, hour_and_minute(to)?);
        // If both times lie in one half of the day, the half is said once.
        let is_one_half = is_afternoon(from) == is_afternoon(to);
        let first = said(from, if is_one_half { "" } else { half_of_day(from) }, "");
        return Some(format!("{first} to {}", said(to, half_of_day(to), "")));
    }
    let time = hour_and_minute(word)?;
    Some(said(time, half_of_day(time), " o'clock"))
}

/// "9am", "4.30pm".
pub(super) fn half_day(word: &str) -> Option<String> {
    let (time, half) = ["am", "pm", "a.m", "p.m"]
        .iter()
        .find_map(|half| Some((word.strip_suffix(half)?, *half)))?;
    let time = time.replace('.', ":");
    let half = if half.starts_with('a') { " am" } else { " pm" };
    let (hour, minute) = match time.split_once(':') {
        Some(_) => hour_and_minute(&time)?,
        None => (time.parse().ok()?, 0),
    };
    (hour <= 12).then(|| said((hour, minute), half, ""))
}

fn is_afternoon((hour, minute): (u64, u64)) -> bool {
    (13..24).contains(&hour) || hour == 12 && minute > 0
}

fn half_of_day(time: (u64, u64)) -> &'static str {
    if is_afternoon(time) { " pm" } else { "" }
}

fn said((hour, minute): (u64, u64), half: &str, full_hour: &str) -> String {
    let hour_words = cardinal(if hour > 12 { hour - 12 } else { hour });
    match (hour, minute) {
        (0 | 24, 0) => "midnight".into(),
        (12, 0) => "noon".into(),
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

/// "2026-06-01" and "1/6/2026" -> "the first of June twenty twenty-six".
pub(super) fn date(word: &str) -> Option<String> {
    let parts: Vec<&str> = word.split(['-', '/']).collect();
    let [first, month, last] = parts.as_slice() else {
        return None;
    };
    let (day, of_year) = match (first.len(), last.len()) {
        (4, 1..=2) => (last, first),
        (1..=2, 4) => (first, last),
        _ => return None,
    };
    let (day, month, of_year): (u64, usize, u64) = (
        day.parse().ok()?,
        month.parse().ok()?,
        of_year.parse().ok()?,
    );
    let month = MONTHS.get(month.checked_sub(1)?)?;
    let is_day = (1..=31).contains(&day);
    is_day.then(|| format!("the {} of {month} {}", ordinal(day), year(of_year)))
}

/// Whether a word is a month, also in short.
pub(super) fn month(word: &str) -> Option<&'static str> {
    let bare = word.trim_end_matches(|c: char| !c.is_alphanumeric());
    let is_it = |month: &&&str| {
        **month == bare || bare.len() >= 3 && bare != "May" && month.get(..3) == Some(bare)
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
            ("17:30", "five thirty pm"),
            ("17:00", "five pm"),
            ("6:05", "six oh five"),
            ("12:00", "noon"),
            ("0:00", "midnight"),
            ("7:30-9:00", "seven thirty to nine"),
            ("9:00–17:00", "nine to five pm"),
            ("13:00-15:00", "one to three pm"),
            ("12:30", "twelve thirty pm"),
        ] {
            assert_eq!(clock(written).as_deref(), Some(said), "{written}");
        }
        for written in ["1:2", "25:00", "10:60", "10:30:00", "a:bc", "9-17", ":30"] {
            assert_eq!(clock(written), None, "{written}");
        }
        assert_eq!(half_day("9am").as_deref(), Some("nine am"));
        assert_eq!(half_day("4.30pm").as_deref(), Some("four thirty pm"));
        assert_eq!(half_day("spam"), None);
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
        assert_eq!(date("2026-13-01"), None);
        assert_eq!(date("030-12-34"), None);
        assert_eq!(month("Dec."), Some("December"));
        assert_eq!(month("Maybe"), None);
    }
}
