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
    ("B", "byte", "bytes"),
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
];

/// Abbreviations and names as a speaker says them.
const WORDS: &[(&str, &str)] = &[
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
    ("incl.", "including"),
    ("max.", "at most"),
    ("vs", "versus"),
    ("vs.", "versus"),
    ("Mr.", "Mister"),
    ("Dr.", "Doctor"),
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
];

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
        if number == "1" { IsOne::Yes } else { IsOne::No }
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
