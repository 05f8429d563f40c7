//! The table of phrasings, read once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

const TABLE: &str = include_str!("phrasings.txt");

/// Ways to ask, as templates.
pub(super) static PHRASINGS: LazyLock<Phrasings> = LazyLock::new(|| Phrasings::read(TABLE));

/// Templates, and the classes of words that they name.
pub(super) struct Phrasings {
    classes: BTreeMap<&'static str, Vec<Vec<&'static str>>>,
    templates: Vec<Vec<Part>>,
}

enum Part {
    Word(&'static str),
    /// One entry of a class.
    Class(&'static str),
    /// Any number of light words, and of adverbs.
    Light,
    /// The end of the sentence, or an entry of this class.
    EndOr(&'static str),
}

impl Phrasings {
    fn read(table: &'static str) -> Phrasings {
        let (mut classes, mut templates) = (BTreeMap::new(), Vec::new());
        let lines = table.lines().map(str::trim);
        for line in lines.filter(|line| !line.is_empty() && !line.starts_with('#')) {
            match line.strip_prefix('=').and_then(|line| line.split_once(' ')) {
                Some((name, entries)) => {
                    let entries = entries.split(',');
                    let entries = entries.map(|entry| entry.split_whitespace().collect());
                    classes.insert(name, entries.collect());
                }
                None => templates.push(line.split_whitespace().map(part).collect()),
            }
        }
        Phrasings { classes, templates }
    }

    /// Whether some words ask, from any of them on.
    pub(super) fn match_anywhere(&self, words: &[&str]) -> bool {
        let mut starts = 0..words.len();
        starts.any(|start| {
            let rest = words.get(start..).unwrap_or_default();
            self.templates
                .iter()
                .any(|template| self.matches(template, rest))
        })
    }

    fn matches(&self, template: &[Part], words: &[&str]) -> bool {
        let Some((part, others)) = template.split_first() else {
            return true;
        };
        let after = |count: usize| {
            words
                .get(count..)
                .is_some_and(|rest| self.matches(others, rest))
        };
        match part {
            Part::Word(word) => words.first() == Some(word) && after(1),
            Part::Class(name) => self.entries(name, words).any(after),
            Part::Light => {
                // Every place that light words lead to, once: many a word is light in two ways.
                let mut places = BTreeSet::from([0]);
                while let Some(at) = places.pop_first() {
                    if after(at) {
                        return true;
                    }
                    let rest = words.get(at..).unwrap_or_default();
                    let is_adverb = rest.first().is_some_and(|word| word.ends_with("ly"));
                    let light = self.entries("light", rest);
                    places.extend(light.chain(is_adverb.then_some(1)).map(|count| at + count));
                }
                false
            }
            Part::EndOr(name) => words.is_empty() || self.entries(name, words).next().is_some(),
        }
    }

    /// How many words each entry of a class takes that these words begin with.
    fn entries<'a>(&'a self, name: &str, words: &'a [&str]) -> impl Iterator<Item = usize> + 'a {
        let entries = self.classes.get(name).into_iter().flatten();
        let fits = move |entry: &&Vec<&str>| words.starts_with(entry);
        entries.filter(fits).map(Vec::len)
    }
}

fn part(text: &'static str) -> Part {
    match text {
        "~" => Part::Light,
        "|" => Part::EndOr("tail"),
        "||" => Part::EndOr("tag"),
        _ => match text
            .strip_prefix('<')
            .and_then(|text| text.strip_suffix('>'))
        {
            Some(name) => Part::Class(name),
            None => Part::Word(text),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_that_a_template_names_is_there_and_used() {
        let mut named = std::collections::BTreeSet::from(["light"]);
        for part in PHRASINGS.templates.iter().flatten() {
            if let Part::Class(name) | Part::EndOr(name) = part {
                named.insert(name);
            }
        }
        let there: std::collections::BTreeSet<&str> = PHRASINGS.classes.keys().copied().collect();
        assert_eq!(named, there);
        assert!(PHRASINGS.templates.len() > 60);
    }
}
