//! Text -> the terms by which questions and passages meet: stems, stop words, figures, and words that mean the same.
//!
//! Questions and passages go through the same analysis. It must not know about passages or scores.

use std::collections::BTreeSet;

use tantivy::tokenizer::{
    AsciiFoldingFilter, Language, LowerCaser, RemoveLongFilter, SimpleTokenizer, Stemmer,
    TextAnalyzer,
};

use super::figures;
use super::lexicon::{Lexicon, Meaning};
use super::preparation::{Preparation, Step};

/// Words that carry no topic when somebody asks something aloud, in lower case, with the pieces of contractions.
const STOP_WORDS: &str = "a an the this that these those it its and or but if then so as of to in on at by for from with \
    without into than is are was were be been being am do does did done has have had having can could will would shall \
    should may might must i you he she we they me him her us them my your his our their mine yours myself yourself what \
    which who whom whose when where why how there here not no yes s t d m ll re ve don doesn didn isn aren won wouldn \
    couldn just only also very really too please tell explain describe give know want like say said mean means \
    matter matters about some any many much get got let hey hi hello okay ok um uh er well now long come comes happen \
    happens thing things work works use uses used look right dot";

/// Words that carry little: they stand in questions and passages of every topic. They count, but less.
const LIGHT_WORDS: &str = "up down out over off round back again all both other another one own before after until till \
    still yet need keep put bring buy sell send try find go day time way people somebody someone something anything \
    nothing everything person shop place minute moment sort kind bit lot every each more most less few first last next \
    new old good big small same sure able enough ever never always today make making made take taking leave left see \
    ask number house hand two three four five six seven eight nine";

/// The longest word in bytes; anything longer is no word.
const WORD_BYTES_MAX: usize = 40;

/// A word of a text, analysed.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Word {
    /// The word's stem, in lower case, without accents.
    pub term: String,
    pub is_stop: bool,
    /// Whether the word carries little, as figures of one digit do.
    pub is_light: bool,
    /// What the word means, alone or with the words after and before it.
    pub meanings: Vec<Meaning>,
}

/// The steps of a preparation that concern words.
pub(super) struct Analysis {
    words: TextAnalyzer,
    stems: TextAnalyzer,
    stop_words: BTreeSet<&'static str>,
    light_words: BTreeSet<&'static str>,
    lexicon: Option<Lexicon>,
    has_figures: bool,
}

impl Analysis {
    /// `synonyms` is the documents' own list of what means the same, as [`super::lexicon`] reads it.
    pub(super) fn of(preparation: &Preparation, synonyms: &str) -> Analysis {
        let words = || {
            TextAnalyzer::builder(SimpleTokenizer::default())
                .filter(RemoveLongFilter::limit(WORD_BYTES_MAX))
                .filter(LowerCaser)
                .filter(AsciiFoldingFilter)
        };
        let stems = match preparation.has(Step::Stemming) {
            true => words().filter(Stemmer::new(Language::English)).build(),
            false => words().build(),
        };
        let stop_words = match preparation.has(Step::StopWords) {
            true => STOP_WORDS.split_whitespace().collect(),
            false => BTreeSet::new(),
        };
        let mut analysis = Analysis {
            words: words().build(),
            stems,
            light_words: match preparation.has(Step::StopWords) {
                true => LIGHT_WORDS.split_whitespace().collect(),
                false => BTreeSet::new(),
            },
            stop_words,
            lexicon: None,
            has_figures: preparation.has(Step::SpokenForms),
        };
        if preparation.has(Step::Synonyms) {
            let stems = |phrase: &str| analysis.words(phrase).into_iter().map(|word| word.term);
            analysis.lexicon = Some(Lexicon::with(synonyms, |phrase| stems(phrase).collect()));
        }
        analysis
    }

    /// The words of a text in order, stop words too.
    pub(super) fn words(&self, text: &str) -> Vec<Word> {
        let text = match self.has_figures {
            true => figures::as_written(text),
            false => text.to_owned(),
        };
        let mut words = Vec::new();
        let (stop_words, light_words) = (&self.stop_words, &self.light_words);
        each(&self.words, &text, |word| {
            words.push(Word {
                term: String::new(),
                is_stop: stop_words.contains(word),
                is_light: light_words.contains(word)
                    || word.len() == 1 && word.starts_with(|c: char| c.is_ascii_digit()),
                meanings: Vec::new(),
            });
        });
        let mut at = 0;
        each(&self.stems, &text, |stem| {
            if let Some(word) = words.get_mut(at) {
                stem.clone_into(&mut word.term);
            }
            at += 1;
        });
        if let Some(lexicon) = &self.lexicon {
            lexicon.mark(&mut words);
        }
        words
    }

    /// The terms of a text, as they are indexed: content words in order, and what they mean.
    pub(super) fn terms(&self, text: &str) -> Vec<String> {
        let mut terms = Vec::new();
        for word in self.words(text) {
            let begun = word.meanings.iter().filter(|meaning| meaning.begins);
            terms.extend(begun.map(|meaning| meaning.term.to_string()));
            if !word.is_stop {
                terms.push(word.term);
            }
        }
        terms
    }
}

fn each(analyzer: &TextAnalyzer, text: &str, mut then: impl FnMut(&str)) {
    // An analyzer keeps a buffer; a copy of it lets one analysis serve everybody.
    let mut analyzer = analyzer.clone();
    analyzer
        .token_stream(text)
        .process(&mut |token| then(&token.text));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(preparation: &Preparation, text: &str) -> String {
        Analysis::of(preparation, "").terms(text).join(" ")
    }

    #[test]
    fn forms_of_a_word_are_one_and_words_without_a_topic_are_none() {
        let plain = Preparation::plain();
        assert_eq!(terms(&plain, "What are the Pauses?"), "paus");
        assert_eq!(terms(&plain, "Café PAUSED"), "cafe paus");
        let bare = plain.without(&[Step::Stemming, Step::StopWords]);
        assert_eq!(terms(&bare, "The pauses"), "the pauses");
    }

    #[test]
    fn words_that_mean_the_same_share_a_term() {
        let all = Preparation::default();
        let loo = Analysis::of(&all, "").terms("a loo");
        let toilet = Analysis::of(&all, "").terms("toilets");
        assert!(loo.iter().any(|term| toilet.contains(term)), "{loo:?}");
        let none = Preparation::default().without(&[Step::Synonyms]);
        assert_eq!(terms(&none, "a loo"), "loo");
    }

    #[test]
    fn figures_are_one_however_they_are_said() {
        let all = Preparation::default().without(&[Step::Synonyms]);
        let of = |text| terms(&all, text);
        assert!(of("half past ten").contains("10x30"));
        assert!(of("10:30").contains("10x30"));
        let none = all.clone().without(&[Step::SpokenForms]);
        assert_eq!(terms(&none, "10:30"), "10 30");
    }

    proptest::proptest! {
        #[test]
        fn any_text_has_terms_without_spaces(text in "\\PC{0,200}") {
            for term in Analysis::of(&Preparation::default(), "").terms(&text) {
                assert!(!term.is_empty() && !term.contains(char::is_whitespace));
            }
        }
    }
}
