//! Whether a text is English, as far as a few words can tell.
//!
//! It is asked of single clauses, for which detectors of many languages are no use: they guess. So a text is English
//! unless letters of another script or small words of another language speak against it, more of them than for English.

/// Small words that stand in most English sentences, and in few others.
const ENGLISH: [&str; 60] = [
    "the", "is", "are", "of", "and", "to", "for", "at", "we", "you", "it", "on", "with", "your",
    "our", "this", "that", "have", "has", "be", "by", "from", "or", "not", "will", "can", "i",
    "they", "there", "until", "open", "was", "were", "but", "if", "when", "what", "which", "yes",
    "please", "about", "each", "per", "all", "costs", "takes", "my", "its", "it's", "i'm", "don't",
    "first", "then", "here", "no", "call", "only", "than", "after", "before",
];
/// Small words of German, French, Spanish, Italian, Portuguese, Dutch, Swedish, Danish, Polish, Turkish and Indonesian that
/// are no English words.
const OTHERS: [&str; 147] = [
    "der",
    "das",
    "und",
    "ist",
    "nicht",
    "wir",
    "sie",
    "ein",
    "eine",
    "einen",
    "mit",
    "für",
    "auf",
    "von",
    "zu",
    "im",
    "den",
    "dem",
    "sind",
    "haben",
    "kostet",
    "uhr",
    "bis",
    "oder",
    "ihr",
    "ihre",
    "es",
    "auch",
    "bei",
    "nach",
    "wie",
    "ja",
    "nein",
    "bitte",
    "danke",
    "euro",
    "le",
    "la",
    "les",
    "est",
    "et",
    "une",
    "des",
    "du",
    "nous",
    "vous",
    "avec",
    "pour",
    "dans",
    "sur",
    "pas",
    "qui",
    "que",
    "ce",
    "cette",
    "sont",
    "oui",
    "merci",
    "coûte",
    "el",
    "los",
    "las",
    "una",
    "y",
    "en",
    "por",
    "para",
    "con",
    "del",
    "su",
    "está",
    "son",
    "pero",
    "cuesta",
    "hay",
    "sí",
    "gracias",
    "il",
    "gli",
    "che",
    "di",
    "è",
    "sono",
    "della",
    "nel",
    "alle",
    "dalle",
    "costa",
    "grazie",
    "não",
    "uma",
    "dos",
    "com",
    "são",
    "você",
    "mais",
    "obrigado",
    "het",
    "een",
    "van",
    "voor",
    "met",
    "niet",
    "zijn",
    "wij",
    "naar",
    "maar",
    "och",
    "är",
    "inte",
    "det",
    "som",
    "att",
    "på",
    "vi",
    "har",
    "til",
    "af",
    "og",
    "ikke",
    "jest",
    "nie",
    "od",
    "jesteśmy",
    "otwarte",
    "się",
    "na",
    "dla",
    "ve",
    "bir",
    "bu",
    "için",
    "yang",
    "dan",
    "untuk",
    "dengan",
    "kami",
    "ab",
    "am",
    "seit",
    "heute",
    "morgen",
    "à",
    "où",
    "au",
    "aux",
    "ou",
];

/// What speaks for and against English in a text.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Evidence {
    english: usize,
    others: usize,
    letters: usize,
    foreign_letters: usize,
}

impl Evidence {
    pub(super) fn of(text: &str) -> Evidence {
        let mut found = Evidence::default();
        for c in text.chars().filter(|c| c.is_alphabetic()) {
            found.letters += 1;
            // Latin letters with and without marks end here; micro and Greek letters stand in English as signs.
            let is_latin = c <= '\u{24f}' || ('\u{1e00}'..='\u{1eff}').contains(&c);
            found.foreign_letters +=
                usize::from(!is_latin && !('\u{370}'..='\u{3ff}').contains(&c));
        }
        let mut is_behind_figure = false;
        for word in text.split_whitespace() {
            // "9am" and "9 am" are no German, and "EST" no French.
            let is_of_figure = is_behind_figure || word.starts_with(|c: char| c.is_ascii_digit());
            is_behind_figure = word.ends_with(|c: char| c.is_ascii_digit());
            let letters = word.trim_matches(|c: char| !c.is_alphabetic());
            let letters_are_large = letters.chars().all(char::is_uppercase);
            let word = letters.to_lowercase().replace('’', "'");
            found.english += usize::from(ENGLISH.contains(&word.as_str()));
            let is_half_of_day = is_of_figure && word == "am";
            let is_zone = word == "est" && letters_are_large;
            let is_other = OTHERS.contains(&word.as_str()) && !is_half_of_day && !is_zone
                || word.contains(['ß', 'ñ', 'ã', 'õ', 'ł', 'ø', 'å', 'ğ']);
            found.others += usize::from(is_other);
        }
        found
    }

    /// Both texts together.
    pub(super) fn and(self, other: Evidence) -> Evidence {
        Evidence {
            english: self.english + other.english,
            others: self.others + other.others,
            letters: self.letters + other.letters,
            foreign_letters: self.foreign_letters + other.foreign_letters,
        }
    }

    /// Whether nothing speaks for or against English.
    pub(super) fn is_none(self) -> bool {
        self.english == self.others && self.foreign_letters * 4 <= self.letters
    }

    /// Whether a clause is English whose words these are; `before` are those of the text before it. A single foreign
    /// word, often a name, does not end an English text.
    pub(super) fn is_english_behind(self, before: Evidence) -> bool {
        let is_one = self.others == self.english + 1;
        match self.is_none() || is_one && before.english > before.others + 1 {
            true => before.and(self).is_english(),
            false => self.is_english(),
        }
    }

    pub(super) fn is_english(self) -> bool {
        self.others <= self.english && self.foreign_letters * 4 <= self.letters
    }
}

/// Whether figures of the text are said in English.
pub(super) fn is_english(text: &str) -> bool {
    Evidence::of(text).is_english()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clause_without_telling_words_is_in_the_language_of_those_before_it() {
        let english = Evidence::of("We are open from nine until five.");
        let german = Evidence::of("Wir haben von 9 bis 17 Uhr auf.");
        for open in ["10-12", "Chez La Mer 9-5"] {
            assert!(Evidence::of(open).is_english_behind(english), "{open}");
            assert!(!Evidence::of(open).is_english_behind(german), "{open}");
        }
        assert!(!Evidence::of("Das ist für 3.").is_english_behind(english));
        assert!(Evidence::of("It is for 3.").is_english_behind(german));
    }

    #[test]
    fn other_languages_are_told_from_english_by_their_small_words_and_letters() {
        for english in [
            "It is 5 km.",
            "Room 3B",
            "$5",
            "La Paz is 3,600 m high and the flight costs $300.",
            "We sell café au lait for £3.",
            "10 µs",
            "12:30",
            "9:30-10:15am; 12am-1am, 9 AM EST",
        ] {
            assert!(is_english(english), "{english}");
        }
        for other in [
            "Das kostet 24,50 €.",
            "Nous sommes ouverts de 9 h à 17 h.",
            "Cuesta 3,50 € y está abierto.",
            "我们9点开门。",
            "Мы открыты с 9 до 17.",
            "हम 9 बजे खुलते हैं।",
            "Il museo è aperto dalle 9 alle 17.",
            "Het kost € 5 per stuk met korting van 10%.",
        ] {
            assert!(!is_english(other), "{other}");
        }
    }
}
