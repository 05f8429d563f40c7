//! Words and phrases that mean the same in questions to a business, from the list in `lexicon.txt`, and those that the
//! documents bring with them in a list of their own ([`FILE`]).
//!
//! A group's meaning is a term of its own, which both questions and passages get; so phrases meet words ("money back",
//! "refund"). It must not know about figures, passages or scores.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::analysis::Word;

pub(super) const LIST: &str = include_str!("lexicon.txt");
/// The name of a list beside the documents, in the same form.
pub(super) const FILE: &str = "synonyms.list";
/// The longest such list, in bytes.
pub(super) const LIST_BYTES_MAX: u64 = 1 << 20;

/// What a word means, alone or as part of a phrase.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Meaning {
    /// A term that no word can be: it has a sign in front.
    pub term: Arc<str>,
    /// How many content words of the text this meaning was read from, at least 1.
    pub words: usize,
    /// How many words the meaning was read from in all, stop words too.
    pub length: usize,
    /// Whether this is the first word of the phrase.
    pub begins: bool,
}

struct Phrase {
    words: Vec<String>,
    meaning: Arc<str>,
}

/// The phrases by their first words.
pub(super) struct Lexicon(BTreeMap<String, Vec<Phrase>>);

impl Lexicon {
    /// The built-in list and that of the documents, with phrases cut into words as `stems` does it to texts.
    pub(super) fn with(documents: &str, stems: impl Fn(&str) -> Vec<String>) -> Lexicon {
        Lexicon::of(&format!("{LIST}\n{documents}"), stems)
    }

    fn of(list: &str, stems: impl Fn(&str) -> Vec<String>) -> Lexicon {
        let mut by_first: BTreeMap<String, Vec<Phrase>> = BTreeMap::new();
        for (name, members) in groups(list) {
            let meaning: Arc<str> = format!("={name}").into();
            for member in members {
                let words = stems(member);
                let Some(first) = words.first() else {
                    continue;
                };
                let phrases = by_first.entry(first.clone()).or_default();
                if !phrases
                    .iter()
                    .any(|p| p.words == words && p.meaning == meaning)
                {
                    let meaning = meaning.clone();
                    phrases.push(Phrase { words, meaning });
                }
            }
        }
        Lexicon(by_first)
    }

    /// Gives the words of a text their meanings.
    pub(super) fn mark(&self, words: &mut [Word]) {
        for at in 0..words.len() {
            let Some(phrases) = words.get(at).and_then(|word| self.0.get(&word.term)) else {
                continue;
            };
            for phrase in phrases {
                let Some(here) = words.get_mut(at..at + phrase.words.len()) else {
                    continue;
                };
                if here
                    .iter()
                    .zip(&phrase.words)
                    .any(|(word, p)| word.term != *p)
                {
                    continue;
                }
                let content = here.iter().filter(|word| !word.is_stop).count();
                for (index, word) in here.iter_mut().enumerate() {
                    // The stop words of a phrase carry its meaning only if there are no others.
                    if index == 0 || !word.is_stop {
                        word.meanings.push(Meaning {
                            term: phrase.meaning.clone(),
                            words: content.max(1),
                            length: phrase.words.len(),
                            begins: index == 0,
                        });
                    }
                }
            }
        }
    }
}

/// The first line of a list that is no group, counted from 1.
pub(super) fn line_without_group(list: &str) -> Option<usize> {
    let is_group = |line: &str| {
        let members = line.split_once(':').map_or("", |(_, members)| members);
        members.contains(char::is_alphanumeric)
    };
    let mut lines = list.lines().zip(1..);
    let found = lines
        .find(|(line, _)| !line.starts_with('#') && !line.trim().is_empty() && !is_group(line));
    found.map(|(_, number)| number)
}

fn groups(list: &str) -> impl Iterator<Item = (&str, impl Iterator<Item = &str>)> {
    let lines = list.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| {
        let (name, members) = line.split_once(':')?;
        Some((name.trim(), members.split(',').map(str::trim)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn words(text: &str) -> Vec<Word> {
        let word = |term: &str| Word {
            term: term.to_owned(),
            is_stop: term == "the",
            is_light: false,
            meanings: Vec::new(),
        };
        text.split_whitespace().map(word).collect()
    }

    fn lexicon(list: &str) -> Lexicon {
        Lexicon::of(list, |phrase| {
            phrase.split_whitespace().map(str::to_owned).collect()
        })
    }

    #[test]
    fn a_phrase_means_what_a_word_means() {
        let lexicon = lexicon("refund: refund, money back\n");
        let mut said = words("the money back now");
        lexicon.mark(&mut said);
        let counts: Vec<usize> = said.iter().map(|word| word.meanings.len()).collect();
        assert_eq!(counts, [0, 1, 1, 0]);
        assert_eq!(said[1].meanings[0].words, 2);
        assert!(said[1].meanings[0].begins && !said[2].meanings[0].begins);
        let mut written = words("refund");
        lexicon.mark(&mut written);
        assert_eq!(&*written[0].meanings[0].term, "=refund");
    }

    #[test]
    fn a_phrase_that_breaks_off_means_nothing() {
        let mut said = words("money");
        lexicon("refund: money back\n").mark(&mut said);
        assert!(said[0].meanings.is_empty());
    }

    #[test]
    fn every_group_of_the_list_has_a_name_of_its_own_and_two_members() {
        let mut names = BTreeSet::new();
        for (name, members) in groups(LIST) {
            assert!(names.insert(name.to_owned()), "{name} stands there twice");
            let members: Vec<&str> = members.collect();
            assert!(members.iter().all(|member| !member.is_empty()), "{name}");
        }
        assert!(names.len() > 80);
    }
}
