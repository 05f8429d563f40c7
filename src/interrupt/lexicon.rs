//! What kind of word it is that somebody says over somebody else. Lists made by hand.

/// The kinds of words, from "go on" to "my turn".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// "mm-hmm": I am listening.
    BackChannel,
    /// "yeah", "okay": may be a back-channel, an answer, or the beginning of a turn.
    Agreement,
    /// "no".
    Negation,
    /// "oh".
    Surprise,
    /// "uh": somebody is about to say something.
    Hesitation,
    /// "but", "well": connects a turn to what was said.
    Connective,
    /// "I", "it's", "the": how a sentence begins.
    Opener,
    /// "what", "can": how a question begins.
    Question,
    /// "wait", "stop": the agent is to be silent now.
    Hard,
    /// Every other word.
    Other,
}

impl Class {
    pub const ALL: [Class; 10] = [
        Class::BackChannel,
        Class::Agreement,
        Class::Negation,
        Class::Surprise,
        Class::Hesitation,
        Class::Connective,
        Class::Opener,
        Class::Question,
        Class::Hard,
        Class::Other,
    ];

    /// Whether a word says something of its own, rather than that the speaker listens or thinks.
    pub fn is_content(self) -> bool {
        use Class::*;
        !matches!(self, BackChannel | Agreement | Surprise | Hesitation)
    }
}

/// A word in lower case, without punctuation around it; empty if it cannot be a listed one.
#[derive(Clone, Copy, Default)]
struct Lower {
    bytes: [u8; 12],
    length: usize,
}

impl Lower {
    fn of(word: &str) -> Lower {
        if !word.bytes().any(|byte| byte.is_ascii_alphabetic()) {
            // No list has such a word, and what alphabet it is of takes long to look up.
            return Lower::default();
        }
        let word = word.trim_matches(|letter: char| !letter.is_alphanumeric());
        let mut lower = Lower::default();
        if let Some(bytes) = lower.bytes.get_mut(..word.len()) {
            bytes.copy_from_slice(word.as_bytes());
            bytes.make_ascii_lowercase();
            lower.length = word.len();
        }
        lower
    }

    fn text(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.length]).unwrap_or("")
    }
}

/// The class of a word as a recogniser prints it: case and punctuation around it do not count.
pub fn class(word: &str) -> Class {
    match Lower::of(word).text() {
        "mm" | "mmm" | "hm" | "hmm" | "mhm" | "mm-hmm" | "mm-hm" | "mmm-hmm" | "mm-mm"
        | "um-hmm" | "uh-huh" | "uhuh" | "uh-uh" | "huh" | "ah" | "aha" | "ahh" => {
            Class::BackChannel
        }
        "yeah" | "yep" | "yup" | "yes" | "ye" | "aye" | "okay" | "ok" | "oka" | "right"
        | "alright" | "sure" | "true" | "exactly" | "absolutely" | "definitely" | "indeed"
        | "course" | "cool" | "great" | "good" | "fine" | "nice" | "wow" | "really"
        | "excellent" => Class::Agreement,
        "no" | "nope" | "nah" | "not" => Class::Negation,
        "oh" | "ooh" => Class::Surprise,
        "uh" | "um" | "er" | "erm" | "eh" => Class::Hesitation,
        "but" | "and" | "so" | "or" | "cause" | "because" | "cuz" | "if" | "then" | "well"
        | "like" | "also" | "plus" => Class::Connective,
        "i" | "i'm" | "i'd" | "i've" | "i'll" | "you" | "you're" | "we" | "we're" | "we'll"
        | "it" | "it's" | "that" | "that's" | "they" | "he" | "she" | "there" | "there's"
        | "this" | "the" | "a" | "my" | "just" | "maybe" | "let's" => Class::Opener,
        "what" | "what's" | "how" | "why" | "who" | "where" | "when" | "which" | "do" | "don't"
        | "does" | "doesn't" | "did" | "is" | "isn't" | "are" | "can" | "could" | "would"
        | "should" | "will" | "have" => Class::Question,
        "wait" | "stop" | "hold" | "hang" | "sorry" | "excuse" | "hey" | "listen" | "enough"
        | "actually" => Class::Hard,
        _ => Class::Other,
    }
}

/// What people say to show that they listen, of more than one word or of words that say more elsewhere.
const ACKNOWLEDGEMENTS: [&[&str]; 46] = [
    &["i", "see"],
    &["i", "know"],
    &["i", "understand"],
    &["i", "agree"],
    &["i", "bet"],
    &["got", "it"],
    &["gotcha"],
    &["thank", "you"],
    &["thank", "you", "very", "much"],
    &["thank", "you", "so", "much"],
    &["thanks"],
    &["thanks", "a", "lot"],
    &["all", "right"],
    &["of", "course"],
    &["for", "sure"],
    &["that's", "right"],
    &["that's", "true"],
    &["that's", "fine"],
    &["that's", "good"],
    &["that's", "great"],
    &["that's", "nice"],
    &["that", "is", "right"],
    &["that", "is", "true"],
    &["you're", "right"],
    &["makes", "sense"],
    &["that", "makes", "sense"],
    &["that's", "interesting"],
    &["interesting"],
    &["sounds", "good"],
    &["sounds", "great"],
    &["fair", "enough"],
    &["no", "problem"],
    &["no", "worries"],
    &["not", "bad"],
    &["very", "good"],
    &["very", "nice"],
    &["very", "well"],
    &["good", "to", "know"],
    &["how", "nice"],
    &["go", "on"],
    &["me", "too"],
    &["perfect"],
    &["lovely"],
    &["wonderful"],
    &["brilliant"],
    &["awesome"],
];

/// Nobody acknowledges something in more words.
const ACKNOWLEDGEMENT_WORDS_MAX: usize = 12;

/// Whether the words together say nothing but that somebody listens: "oh, I see", "okay, got it". "I see no bread" says
/// more.
pub fn acknowledges<'a>(words: impl Iterator<Item = &'a str>) -> bool {
    let mut all = [Lower::default(); ACKNOWLEDGEMENT_WORDS_MAX];
    let mut count = 0;
    for word in words {
        let Some(place) = all.get_mut(count) else {
            return false;
        };
        *place = Lower::of(word);
        count += 1;
    }
    let mut rest = &all[..count];
    while let Some(first) = rest.first() {
        let phrases = ACKNOWLEDGEMENTS.iter();
        let phrases = phrases.filter(|phrase| begin_with(rest, phrase));
        let alone = (!class(first.text()).is_content()).then_some(1);
        match phrases.map(|phrase| phrase.len()).chain(alone).max() {
            None => return false,
            Some(taken) => rest = &rest[taken..],
        }
    }
    count > 0
}

/// Whether the words begin with a phrase.
fn begin_with(words: &[Lower], phrase: &[&str]) -> bool {
    let mut both = words.iter().zip(phrase);
    words.len() >= phrase.len() && both.all(|(said, word)| said.text() == *word)
}

/// Whether a text says more than that somebody listens or thinks. Words that a simulated recogniser
/// cannot know ("…") may say anything.
pub fn says_something(text: &str) -> bool {
    if text.starts_with('…') {
        return true;
    }
    let is_word = |word: &&str| word.contains(char::is_alphanumeric);
    have_content(text.split_whitespace().filter(is_word))
}

/// Whether the words say something of their own.
pub fn have_content<'a>(words: impl Iterator<Item = &'a str> + Clone) -> bool {
    words.clone().any(|word| class(word).is_content()) && !acknowledges(words)
}

/// Whether the words ask for silence or attention: "stop", "wait", "hello?", "hold on", "excuse me".
pub fn asks_for_silence<'a>(words: impl Iterator<Item = &'a str>) -> bool {
    let mut before = Lower::default();
    for word in words {
        let word = Lower::of(word);
        let alone = matches!(word.text(), "stop" | "wait" | "enough" | "hello");
        let in_two = matches!(
            (before.text(), word.text()),
            ("hold" | "hang", "on") | ("excuse", "me") | ("shut", "up") | ("be", "quiet")
        );
        if alone || in_two {
            return true;
        }
        before = word;
    }
    false
}

/// Whether the agent's last word leaves its sentence open: "the", "and", "is".
pub fn leaves_open(word: &str) -> bool {
    matches!(
        Lower::of(word).text(),
        "the"
            | "a"
            | "an"
            | "of"
            | "to"
            | "in"
            | "and"
            | "or"
            | "but"
            | "so"
            | "if"
            | "for"
            | "with"
            | "uh"
            | "um"
            | "is"
            | "are"
            | "was"
            | "that"
            | "my"
            | "your"
            | "our"
            | "because"
            | "cause"
            | "like"
            | "it"
            | "it's"
            | "on"
            | "at"
            | "we"
            | "i"
            | "you"
            | "they"
            | "be"
            | "have"
            | "would"
            | "could"
            | "can"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listening_and_thinking_aloud_say_nothing() {
        for nothing in [
            "",
            "Mm-hmm.",
            "Yeah, okay.",
            "Uh...",
            "- ",
            "Oh, I see.",
            "Got it, thank you very much.",
        ] {
            assert!(!says_something(nothing), "{nothing}");
        }
        for something in [
            "Wait, stop.",
            "Yeah, but why?",
            "… …",
            "I see no bread.",
            "Got it wrong.",
        ] {
            assert!(says_something(something), "{something}");
        }
    }

    #[test]
    fn case_and_punctuation_do_not_count() {
        assert_eq!(class("Yeah,"), Class::Agreement);
        assert_eq!(class("'cause"), Class::Connective);
        assert_eq!(class("I'm"), Class::Opener);
        assert_eq!(class("MM-HMM."), Class::BackChannel);
        assert_eq!(class("antidisestablishmentarianism"), Class::Other);
        assert_eq!(class("Grüße"), Class::Other);
        assert_eq!(class(""), Class::Other);
    }

    #[test]
    fn silence_is_asked_for_in_one_word_or_two() {
        let asks = |text: &str| asks_for_silence(text.split(' '));
        assert!(asks("Wait, stop!") && asks("no hang on") && asks("Excuse me"));
        assert!(!asks("hold the line") && !asks("yeah okay") && !asks("me excuse"));
    }
}
