//! From written to spoken text: what models and documents write becomes clauses that a person would read aloud.
//!
//! ```text
//! pieces -> reasoning (is never spoken) -> document (JSON) -> markup (blocks, inline) -> directions -> clauses (sentences) -> said
//! ```
//!
//! All of it is pure and takes text as it comes: the first clause never waits for the end, and a text is cut and said the
//! same whatever pieces it comes in. Each part can be left out ([`Parts`]). This module must not know about stages,
//! engines, scenarios or time.

mod beginnings;
mod clauses;
mod directions;
mod document;
mod first_rules;
mod inline;
mod language;
mod markup;
pub(crate) mod number_words;
mod openings;
mod phoneme_brackets;
mod reasoning;
pub(crate) mod said;
pub(crate) mod sentences;
mod table;

pub use clauses::{ClauseCutter, Cut};
pub(crate) use clauses::{is_joining, is_wide};
#[cfg(feature = "retrieval")]
pub(crate) use inline::without_tags;
#[cfg(any(feature = "piper", feature = "espeak"))]
pub(crate) use phoneme_brackets::strip_phoneme_brackets;
pub(crate) use reasoning::{Before, Reasoning, TAG_ENDS};
pub(crate) use said::MONTHS;
pub use said::aloud;
#[cfg(feature = "retrieval")]
pub(crate) use table::row as table_row;

use language::Evidence;

/// Which rules text is spoken by. A run is repeated by the rules that it was recorded by, since its voice was given
/// their clauses.
pub const VERSION: u32 = 2;

/// What is done to an answer before it is spoken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parts {
    /// Reasoning inside of the text is left out.
    pub reasoning: bool,
    /// The answer begins inside of its reasoning, which a closing tag ends.
    pub begins_in_reasoning: bool,
    /// Markdown, HTML, SSML, JSON, code and emoji become text, or are left out.
    pub markup: bool,
    /// Stage directions and the names of speakers are left out.
    pub directions: bool,
    /// Figures, units and abbreviations are said in English words.
    pub numbers: Numbers,
    /// How many words the first clause must have to end at a comma.
    pub first_words: u32,
    /// How many characters a later clause must have to end at a comma.
    pub long_characters: u32,
    /// With what an answer may begin that is a clause of its own.
    pub openings: Vec<String>,
}

/// Whether figures are said in English words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Numbers {
    /// If the text is English.
    WhereEnglish,
    Always,
    Never,
}

impl Parts {
    /// Everything.
    pub fn all() -> Parts {
        Parts {
            reasoning: true,
            begins_in_reasoning: false,
            markup: true,
            directions: true,
            numbers: Numbers::WhereEnglish,
            first_words: 2,
            long_characters: 70,
            openings: Vec::new(),
        }
    }
}

/// Makes spoken clauses of an answer as its text comes.
pub struct Speaking {
    /// In place of all others, if they were asked for.
    first_rules: Option<ClauseCutter>,
    parts: Parts,
    reasoning: reasoning::Reasoning,
    document: document::Document,
    markup: markup::Markup,
    directions: directions::Directions,
    cutter: ClauseCutter,
    /// What the text so far speaks for.
    heard: Evidence,
}

impl Speaking {
    pub fn new(parts: Parts) -> Speaking {
        Speaking {
            first_rules: None,
            reasoning: reasoning::Reasoning::new(parts.begins_in_reasoning),
            document: document::Document::default(),
            markup: markup::Markup::default(),
            directions: directions::Directions::new(parts.directions),
            cutter: cutter(&parts),
            heard: Evidence::default(),
            parts,
        }
    }

    /// Speaks by the rules of a version, [`VERSION`] or an earlier one; `None` if there is no such version.
    pub fn by_rules(version: u32, parts: Parts) -> Option<Speaking> {
        let (first_words, long_characters) = (parts.first_words, parts.long_characters);
        let first_rules = match version {
            1 => Some(ClauseCutter::by_first_rules(first_words, long_characters)),
            VERSION => None,
            _ => return None,
        };
        Some(Speaking {
            first_rules,
            ..Speaking::new(parts)
        })
    }

    /// The clauses that are complete with this piece.
    pub fn push(&mut self, piece: &str) -> Vec<String> {
        if let Some(rules) = &mut self.first_rules {
            return as_written(rules.push(piece));
        }
        let mut clauses = Vec::new();
        let mut plain = String::new();
        // One character at a time: what is decided depends on the text, never on its pieces.
        let mut one = [0; 4];
        for c in piece.chars() {
            self.through(c.encode_utf8(&mut one), &mut plain);
            if !plain.is_empty() {
                clauses.extend(self.cutter.push(&plain));
                plain.clear();
            }
        }
        self.all_said(clauses)
    }

    /// What is left when the text is over.
    pub fn finish(&mut self) -> Vec<String> {
        if let Some(rules) = &mut self.first_rules {
            return as_written(rules.finish());
        }
        let mut answer = String::new();
        self.reasoning.finish(&mut answer);
        let mut plain = String::new();
        // One character at a time, as above.
        let mut one = [0; 4];
        for c in answer.chars() {
            self.after_reasoning(c.encode_utf8(&mut one), &mut plain);
        }
        let mut text = String::new();
        if self.parts.markup {
            self.document.finish(&mut text);
        }
        self.after_document(&text, &mut plain);
        let mut unmarked = String::new();
        self.markup.finish(&mut unmarked);
        self.after_markup(&unmarked, &mut plain);
        self.directions.finish(&mut plain);
        let mut clauses = self.cutter.push(&plain);
        clauses.extend(self.cutter.finish());
        self.all_said(clauses)
    }

    /// Whether text has come that is reasoning, and whether it is reasoning still.
    pub fn reasons(&self) -> bool {
        self.parts.reasoning && self.reasoning.is_inside()
    }

    fn through(&mut self, text: &str, plain: &mut String) {
        if !self.parts.reasoning {
            return self.after_reasoning(text, plain);
        }
        let mut answer = String::new();
        if self.reasoning.push(text, &mut answer) == Before::WasReasoning {
            // Nobody can take back what was spoken, but what waits need not be.
            self.forget();
            plain.clear();
        }
        self.after_reasoning(&answer, plain);
    }

    fn forget(&mut self) {
        self.document = document::Document::default();
        self.markup = markup::Markup::default();
        self.directions = directions::Directions::new(self.parts.directions);
        self.cutter = cutter(&self.parts);
    }

    fn after_reasoning(&mut self, answer: &str, plain: &mut String) {
        if answer.is_empty() {
            return;
        }
        if !self.parts.markup {
            return self.after_markup(answer, plain);
        }
        let mut text = String::new();
        self.document.push(answer, &mut text);
        self.after_document(&text, plain);
    }

    fn after_document(&mut self, text: &str, plain: &mut String) {
        let mut unmarked = String::new();
        self.markup.push(text, &mut unmarked);
        self.after_markup(&unmarked, plain);
    }

    fn after_markup(&mut self, text: &str, plain: &mut String) {
        self.directions.push(text, plain);
    }

    fn all_said(&mut self, clauses: Vec<Cut>) -> Vec<String> {
        let said = clauses.into_iter().map(|clause| {
            if clause.is_opening {
                // The words whose sound is there. They count as evidence all the same.
                self.heard = self.heard.and(Evidence::of(&clause.text));
                return clause.text;
            }
            let said = self.said(clause.text);
            match said.strip_suffix('.') {
                // An abbreviation's stop would sound like the end of the sentence.
                // "a.m." keeps it, since it has another one.
                Some(open) if clause.goes_on && !ends_with_initials(open) => open.to_owned(),
                _ => said,
            }
        });
        said.filter(|clause| clause.contains(char::is_alphanumeric))
            .collect()
    }

    fn said(&mut self, clause: String) -> String {
        let own = Evidence::of(&clause);
        let before = self.heard;
        self.heard = before.and(own);
        let is_english = match self.parts.numbers {
            Numbers::Always => true,
            Numbers::Never => return clause,
            Numbers::WhereEnglish => own.is_english_behind(before),
        };
        match is_english {
            true => said::line_aloud(&clause),
            false => said::line_as_written(&clause),
        }
    }
}

fn cutter(parts: &Parts) -> ClauseCutter {
    ClauseCutter::new(parts.first_words, parts.long_characters).with_openings(&parts.openings)
}

/// Whether a last word has a stop inside, as "a.m" has.
fn ends_with_initials(text: &str) -> bool {
    let last = text.split_whitespace().next_back();
    last.is_some_and(|word| word.contains('.'))
}

fn as_written(clauses: Vec<Cut>) -> Vec<String> {
    clauses.into_iter().map(|clause| clause.text).collect()
}

/// The spoken clauses of a whole text.
pub fn spoken_clauses(text: &str, parts: &Parts) -> Vec<String> {
    let mut speaking = Speaking::new(parts.clone());
    let mut clauses = speaking.push(text);
    clauses.extend(speaking.finish());
    clauses
}
