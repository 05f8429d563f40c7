//! Keys in what a server says: it knows them, and what it says is kept and shown.

/// A value of a few characters is no secret, and would tear words apart.
const SECRET_BYTES_MIN: usize = 4;

/// What stands in place of a key.
const MASK: &str = "[key]";

/// `text` without the keys in it.
pub(super) fn masked<'a>(text: &str, keys: impl Iterator<Item = &'a str>) -> String {
    let mut text = text.to_owned();
    for key in keys.filter(|key| key.len() >= SECRET_BYTES_MIN) {
        if text.contains(key) {
            text = text.replace(key, MASK);
        }
    }
    text
}

/// Takes keys out of a text that comes in pieces, also where one is cut in two. What may be the beginning of a key waits
/// for what follows.
#[derive(Debug, Default)]
pub(crate) struct Masking {
    keys: Vec<String>,
    held: String,
}

impl Masking {
    pub(super) fn of<'a>(keys: impl Iterator<Item = &'a str>) -> Masking {
        let keys = keys.filter(|key| key.len() >= SECRET_BYTES_MIN);
        Masking {
            keys: keys.map(str::to_owned).collect(),
            held: String::new(),
        }
    }

    /// What of the text so far can be handed on; empty if all of it waits.
    pub(crate) fn push(&mut self, piece: &str) -> String {
        if self.keys.is_empty() {
            return piece.to_owned();
        }
        let text = std::mem::take(&mut self.held) + piece;
        let mut text = masked(&text, self.keys.iter().map(String::as_str));
        let begins = self.keys.iter().filter_map(|key| beginning_at(&text, key));
        if let Some(at) = begins.min() {
            self.held = text.split_off(at);
        }
        text
    }

    /// What is left at the end.
    pub(crate) fn rest(&mut self) -> String {
        std::mem::take(&mut self.held)
    }
}

/// Where the end of a text begins that may be the beginning of a key.
fn beginning_at(text: &str, key: &str) -> Option<usize> {
    let longest = (key.len() - 1).min(text.len());
    (1..=longest)
        .rev()
        .filter(|length| key.is_char_boundary(*length))
        .find(|length| text.ends_with(&key[..*length]))
        .map(|length| text.len() - length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KEY: &str = "sk-SECRET-0123";

    fn through(pieces: &[&str]) -> String {
        let mut masking = Masking::of([KEY, "abc"].into_iter());
        let mut all: String = pieces.iter().map(|piece| masking.push(piece)).collect();
        all += &masking.rest();
        all
    }

    #[test]
    fn a_key_is_masked_however_it_is_cut() {
        assert_eq!(
            through(&["Your key is sk-SECRET-0123."]),
            "Your key is [key]."
        );
        assert_eq!(through(&["is sk-SEC", "RET-0123", "!"]), "is [key]!");
        assert_eq!(through(&["sk-SECRET-012", "4 abc"]), "sk-SECRET-0124 abc");
        assert_eq!(through(&["the end: sk-SECRET"]), "the end: sk-SECRET");
        let letters: Vec<String> = format!("x{KEY}y").chars().map(String::from).collect();
        let letters: Vec<&str> = letters.iter().map(String::as_str).collect();
        let said = through(&letters);
        assert!(!said.contains("SECRET") && said.ends_with('y'), "{said}");
    }

    #[test]
    fn only_what_may_be_the_beginning_of_a_key_waits() {
        let mut masking = Masking::of([KEY].into_iter());
        assert_eq!(masking.push("We open at nine"), "We open at nine");
        assert_eq!(masking.push(" with sk"), " with ");
        assert_eq!(masking.push("ating"), "skating");
    }

    proptest! {
        #[test]
        fn text_without_a_key_comes_out_as_it_was(pieces in proptest::collection::vec("[skSECRT0-9 -]{0,6}", 0..20)) {
            let whole: String = pieces.concat();
            prop_assume!(!whole.contains(KEY));
            let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
            prop_assert_eq!(through(&pieces), whole);
        }
    }
}
