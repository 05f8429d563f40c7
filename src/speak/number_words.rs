//! The words of whole numbers. They stand here once: `said` says numbers with them; the knowledge's figures and the word
//! error rate read them.
//!
//! Words of several numbers, and which of them are read as what, are the business of those who say and read.

const BELOW_TWENTY: [Number; 20] = [
    Number("zero", "zeroth"),
    Number("one", "first"),
    Number("two", "second"),
    Number("three", "third"),
    Number("four", "fourth"),
    Number("five", "fifth"),
    Number("six", "sixth"),
    Number("seven", "seventh"),
    Number("eight", "eighth"),
    Number("nine", "ninth"),
    Number("ten", "tenth"),
    Number("eleven", "eleventh"),
    Number("twelve", "twelfth"),
    Number("thirteen", "thirteenth"),
    Number("fourteen", "fourteenth"),
    Number("fifteen", "fifteenth"),
    Number("sixteen", "sixteenth"),
    Number("seventeen", "seventeenth"),
    Number("eighteen", "eighteenth"),
    Number("nineteen", "nineteenth"),
];

/// Twenty, thirty, up to ninety.
const TENS: [Number; 8] = [
    Number("twenty", "twentieth"),
    Number("thirty", "thirtieth"),
    Number("forty", "fortieth"),
    Number("fifty", "fiftieth"),
    Number("sixty", "sixtieth"),
    Number("seventy", "seventieth"),
    Number("eighty", "eightieth"),
    Number("ninety", "ninetieth"),
];

pub(crate) const HUNDRED: &str = "hundred";
pub(crate) const THOUSAND: &str = "thousand";

/// What multiplies the number before it, the largest first.
pub(crate) const SCALES: [(u64, &str); 3] = [
    (1_000_000_000, "billion"),
    (1_000_000, "million"),
    (1_000, THOUSAND),
];

/// A number that has a word of its own: how many there are, and which one it is in a row.
#[derive(Clone, Copy)]
pub(crate) struct Number(&'static str, &'static str);

impl Number {
    /// "five".
    pub(crate) fn cardinal(self) -> &'static str {
        self.0
    }

    /// "fifth".
    pub(crate) fn ordinal(self) -> &'static str {
        self.1
    }
}

/// Whether a text is digits alone, at least one.
pub(crate) fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// The words of 0 to 19.
pub(crate) fn below_twenty(number: u64) -> Option<Number> {
    BELOW_TWENTY.get(usize::try_from(number).ok()?).copied()
}

/// The words of 20, 30, up to 90.
pub(crate) fn tens(number: u64) -> Option<Number> {
    let place = usize::try_from(number / 10).ok()?.checked_sub(2)?;
    TENS.get(place)
        .copied()
        .filter(|_| number.is_multiple_of(10))
}

/// "five" is 5: 0 to 19.
pub(crate) fn read_below_twenty(word: &str) -> Option<u64> {
    place(&BELOW_TWENTY, |number| number.0 == word)
}

/// "fifty" is 50: 20, 30, up to 90.
pub(crate) fn read_tens(word: &str) -> Option<u64> {
    Some((place(&TENS, |number| number.0 == word)? + 2) * 10)
}

/// "fifth" is 5: 0 to 19.
pub(crate) fn read_rank_below_twenty(word: &str) -> Option<u64> {
    place(&BELOW_TWENTY, |number| number.1 == word)
}

/// "fiftieth" is 50: 20, 30, up to 90.
pub(crate) fn read_rank_of_tens(word: &str) -> Option<u64> {
    Some((place(&TENS, |number| number.1 == word)? + 2) * 10)
}

fn place(table: &[Number], is_it: impl Fn(&Number) -> bool) -> Option<u64> {
    u64::try_from(table.iter().position(is_it)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_that_is_said_is_read_as_the_same_number() {
        for number in 0..20 {
            let words = below_twenty(number).unwrap();
            assert_eq!(read_below_twenty(words.cardinal()), Some(number));
            assert_eq!(read_rank_below_twenty(words.ordinal()), Some(number));
        }
        for number in (20..100).step_by(10) {
            let words = tens(number).unwrap();
            assert_eq!(read_tens(words.cardinal()), Some(number));
            assert_eq!(read_rank_of_tens(words.ordinal()), Some(number));
        }
    }

    #[test]
    fn what_has_no_word_of_its_own_is_none() {
        assert!(below_twenty(20).is_none() && below_twenty(u64::MAX).is_none());
        for number in [0, 10, 21, 100, u64::MAX] {
            assert!(tens(number).is_none(), "{number}");
        }
        for word in ["", "oh", "hundred", "Five", "twenty-one"] {
            assert_eq!(read_below_twenty(word).or(read_tens(word)), None, "{word}");
        }
    }
}
