//! Units and abbreviations in words.

/// Units read in full after a number: as written, one of them, several of them.
const UNITS: &[(&str, &str, &str)] = &[
    ("ns", "nanosecond", "nanoseconds"),
    ("µs", "microsecond", "microseconds"),
    ("μs", "microsecond", "microseconds"),
    ("ms", "millisecond", "milliseconds"),
    ("s", "second", "seconds"),
    ("min", "minute", "minutes"),
    ("mins", "minute", "minutes"),
    ("h", "hour", "hours"),
    ("hrs", "hour", "hours"),
    ("Hz", "hertz", "hertz"),
    ("kHz", "kilohertz", "kilohertz"),
    ("MHz", "megahertz", "megahertz"),
    ("dB", "decibel", "decibels"),
    ("%", "percent", "percent"),
    ("kB", "kilobyte", "kilobytes"),
    ("KB", "kilobyte", "kilobytes"),
    ("MB", "megabyte", "megabytes"),
    ("GB", "gigabyte", "gigabytes"),
    ("mm", "millimetre", "millimetres"),
    ("cm", "centimetre", "centimetres"),
    ("m", "metre", "metres"),
    ("km", "kilometre", "kilometres"),
    ("km/h", "kilometre an hour", "kilometres an hour"),
    ("g", "gram", "grams"),
    ("kg", "kilogram", "kilograms"),
    ("ml", "millilitre", "millilitres"),
    ("l", "litre", "litres"),
    ("°C", "degree", "degrees"),
    ("°F", "degree Fahrenheit", "degrees Fahrenheit"),
    ("°", "degree", "degrees"),
    ("W", "watt", "watts"),
    ("kW", "kilowatt", "kilowatts"),
    ("V", "volt", "volts"),
    ("sec", "second", "seconds"),
    ("secs", "second", "seconds"),
    ("hr", "hour", "hours"),
    ("yr", "year", "years"),
    ("yrs", "year", "years"),
    ("wks", "week", "weeks"),
    ("GHz", "gigahertz", "gigahertz"),
    ("TB", "terabyte", "terabytes"),
    ("Mbps", "megabit per second", "megabits per second"),
    ("Gbps", "gigabit per second", "gigabits per second"),
    ("nm", "nanometre", "nanometres"),
    ("µm", "micrometre", "micrometres"),
    ("ft", "foot", "feet"),
    ("yd", "yard", "yards"),
    ("mi", "mile", "miles"),
    ("mph", "mile an hour", "miles an hour"),
    ("kph", "kilometre an hour", "kilometres an hour"),
    ("mg", "milligram", "milligrams"),
    ("µg", "microgram", "micrograms"),
    ("mcg", "microgram", "micrograms"),
    ("t", "tonne", "tonnes"),
    ("lb", "pound", "pounds"),
    ("lbs", "pound", "pounds"),
    ("oz", "ounce", "ounces"),
    ("mL", "millilitre", "millilitres"),
    ("cl", "centilitre", "centilitres"),
    ("dl", "decilitre", "decilitres"),
    ("L", "litre", "litres"),
    ("tsp", "teaspoon", "teaspoons"),
    ("tbsp", "tablespoon", "tablespoons"),
    ("kcal", "kilocalorie", "kilocalories"),
    ("kJ", "kilojoule", "kilojoules"),
    ("kWh", "kilowatt hour", "kilowatt hours"),
    ("Wh", "watt hour", "watt hours"),
    ("mA", "milliamp", "milliamps"),
    ("mAh", "milliamp hour", "milliamp hours"),
    ("MW", "megawatt", "megawatts"),
    ("GW", "gigawatt", "gigawatts"),
    ("mW", "milliwatt", "milliwatts"),
    ("ha", "hectare", "hectares"),
    ("psi", "pound per square inch", "pounds per square inch"),
    ("rpm", "revolution per minute", "revolutions per minute"),
    ("bpm", "beat per minute", "beats per minute"),
    ("fps", "frame per second", "frames per second"),
    ("px", "pixel", "pixels"),
    ("ppm", "part per million", "parts per million"),
];

/// Abbreviations and names as a speaker says them.
const WORDS: &[(&str, &str)] = &[
    ("24/7", "twenty-four hours a day, seven days a week"),
    ("STT", "speech to text"),
    ("TTS", "text to speech"),
    ("ASR", "speech recognition"),
    ("VAD", "voice activity detection"),
    ("LLM", "language model"),
    ("WER", "word error rate"),
    ("TTFA", "time to first audio"),
    ("TTFB", "time to first byte"),
    ("e2e", "end to end"),
    ("E2E", "end to end"),
    ("ms", "milliseconds"),
    ("voicesim", "voice sim"),
    ("Voicesim", "Voice sim"),
    ("e.g.", "for example"),
    ("i.e.", "that is"),
    ("etc.", "and so on"),
    ("etc", "and so on"),
    ("approx.", "about"),
    ("Approx.", "About"),
    ("incl.", "including"),
    ("max.", "at most"),
    ("vs", "versus"),
    ("vs.", "versus"),
    ("Mr.", "Mister"),
    ("C#", "C sharp"),
    ("F#", "F sharp"),
    ("C++", "C plus plus"),
    ("w/", "with"),
    ("w/o", "without"),
    ("b/c", "because"),
    ("a.k.a.", "also known as"),
    ("aka", "also known as"),
    ("N/A", "not applicable"),
    ("n/a", "not applicable"),
    ("Mrs.", "Missus"),
    ("Ms.", "Miss"),
    ("cf.", "compare"),
    ("ca.", "about"),
    ("excl.", "excluding"),
    ("dept.", "department"),
    ("tel.", "telephone"),
    ("Tel.", "Telephone"),
    ("est.", "established"),
    ("esp.", "especially"),
    ("P.S.", "P S"),
    ("@", "at"),
    ("&", "and"),
    ("+", "plus"),
    ("=", "equals"),
    ("×", "times"),
    ("->", "to"),
    ("→", "to"),
    ("<", "under"),
    (">", "over"),
    ("≤", "at most"),
    ("≥", "at least"),
    ("≈", "is about"),
    ("≠", "is not"),
    ("!=", "is not"),
    ("==", "equals"),
    ("<=", "at most"),
    (">=", "at least"),
    ("=<", "at most"),
    ("÷", "divided by"),
    ("±", "plus or minus"),
    ("=>", "to"),
    ("⇒", "to"),
];

/// What something is counted by behind a slash: "$5/mo", "3/day".
const SPANS: &[(&str, &str)] = &[
    ("mo", "month"),
    ("month", "month"),
    ("yr", "year"),
    ("year", "year"),
    ("wk", "week"),
    ("week", "week"),
    ("day", "day"),
    ("d", "day"),
    ("night", "night"),
    ("hr", "hour"),
    ("hour", "hour"),
    ("h", "hour"),
    ("min", "minute"),
    ("minute", "minute"),
    ("sec", "second"),
    ("person", "person"),
    ("head", "head"),
    ("user", "user"),
    ("seat", "seat"),
    ("item", "item"),
    ("piece", "piece"),
    ("slice", "slice"),
    ("kg", "kilo"),
    ("lb", "pound"),
    ("oz", "ounce"),
    ("litre", "litre"),
    ("l", "litre"),
];

/// Signs before a number or an amount.
pub(super) const SIGNS: [(char, &str); 8] = [
    ('~', "about"),
    ('≈', "about"),
    ('±', "plus or minus"),
    ('<', "under"),
    ('>', "over"),
    ('≤', "at most"),
    ('≥', "at least"),
    ('+', "plus"),
];

/// What something is counted by.
pub(super) fn span(written: &str) -> Option<&'static str> {
    let found = SPANS.iter().find(|(short, _)| *short == written);
    found.map(|(_, spoken)| *spoken)
}

/// "a" or "an", by the first sound of the word behind it.
pub(super) fn article(word: &str) -> &'static str {
    match word.starts_with(['a', 'e', 'i', 'o']) || word.starts_with("hour") {
        true => "an",
        false => "a",
    }
}

/// An abbreviation or sign in words.
pub(super) fn word(written: &str) -> Option<&'static str> {
    let found = WORDS.iter().find(|(short, _)| *short == written);
    found.map(|(_, spoken)| *spoken)
}

/// A unit after a number in words.
pub(super) fn unit(written: &str, is_one: IsOne) -> Option<&'static str> {
    let (_, one, many) = UNITS.iter().find(|(short, ..)| *short == written)?;
    Some(match is_one {
        IsOne::Yes => one,
        IsOne::No => many,
    })
}

/// Whether the number before a unit is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum IsOne {
    Yes,
    No,
}

impl IsOne {
    pub(super) fn of(number: &str) -> IsOne {
        match number {
            "1" | "½" | "¼" | "¾" => IsOne::Yes,
            _ => IsOne::No,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_read_in_full() {
        assert_eq!(unit("km", IsOne::of("5")), Some("kilometres"));
        assert_eq!(unit("km", IsOne::of("1")), Some("kilometre"));
        assert_eq!(unit("°C", IsOne::of("180")), Some("degrees"));
        assert_eq!(unit("xy", IsOne::No), None);
        assert_eq!(word("e.g."), Some("for example"));
    }
}
