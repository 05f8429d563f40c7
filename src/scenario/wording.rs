//! How an answer's text is cut and what is said while there is none.

use super::problem::{Problem, Table};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `[clauses]`: how an answer's text is cut into what is spoken in one go.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Clauses {
    /// How many words the first clause must have before it may end at a comma or the like; before a joining
    /// word it must have two more: 1 to 100. The fewer, the sooner there is something to speak.
    pub first_words: u32,
    /// How many characters a later clause must have to end at a comma: 1 to 240.
    pub long_characters: u32,
    /// How answers like to begin ("Sure,", "Let me see."), each spoken as a clause of its own whose sound is made before
    /// the first turn: up to 20, of 1 to 60 letters, blanks and marks, a full stop only at the end.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub openings: Vec<String>,
}

/// `[filler]`: what is said when an answer takes long.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Filler {
    /// Milliseconds from when the reply was wanted to the filler, up to 10,000.
    pub after_ms: u64,
    /// The words of the filler, 1 to 200 characters.
    pub text: String,
}

/// Each is spoken before the first turn.
const OPENINGS_MAX: usize = 20;
/// What is longer is an answer.
const OPENING_CHARACTERS_MAX: usize = 60;

/// Nobody waits longer before saying something.
const FILLER_AFTER_MS_MAX: u64 = 10_000;
const FILLER_CHARACTERS_MAX: usize = 200;

impl Default for Clauses {
    fn default() -> Clauses {
        Clauses {
            first_words: 2,
            long_characters: 70,
            openings: Vec::new(),
        }
    }
}

impl Default for Filler {
    fn default() -> Filler {
        Filler {
            after_ms: 400,
            text: "Let me check.".into(),
        }
    }
}

impl Clauses {
    /// Refuses numbers that no text can be cut by, and openings that are none; `at` is `[clauses]`.
    pub(super) fn check(&self, at: Table<'_>) -> Result<(), Problem> {
        for (key, value, most) in [
            ("first_words", self.first_words, 100),
            ("long_characters", self.long_characters, 240),
        ] {
            if !(1..=most).contains(&value) {
                let fix = format!("{value}; give between 1 and {most}");
                return Err(at.problem(key, fix));
            }
        }
        if self.openings.len() > OPENINGS_MAX {
            let fix = format!(
                "{} of them; give at most {OPENINGS_MAX}",
                self.openings.len()
            );
            return Err(at.problem("openings", fix));
        }
        for opening in &self.openings {
            if let Some(wrong) = wrong_in(opening) {
                let shown: String = opening.chars().take(OPENING_CHARACTERS_MAX).collect();
                return Err(at.problem("openings", format!("{shown:?}: {wrong}")));
            }
        }
        Ok(())
    }
}

/// Why an opening would not be spoken as it is written; `None` if it would.
fn wrong_in(opening: &str) -> Option<&'static str> {
    let is_plain = |c: char| c.is_alphabetic() || " ,;:!?'’-–".contains(c);
    let without_stop = opening.strip_suffix('.').unwrap_or(opening);
    let words: Vec<&str> = opening.split_whitespace().collect();
    match () {
        () if opening.chars().count() > OPENING_CHARACTERS_MAX => {
            Some("an opening has at most 60 characters")
        }
        () if !opening.starts_with(char::is_alphabetic) => Some("begin with a letter"),
        () if !without_stop.chars().all(is_plain) => {
            Some("give letters, blanks and marks such as commas, and a full stop only at the end")
        }
        () if words.join(" ") != opening => {
            Some("put one blank between words, and none at the ends")
        }
        () => None,
    }
}

impl Filler {
    /// Refuses a filler that cannot be said; `at` is `[filler]`.
    pub(super) fn check(&self, at: Table<'_>) -> Result<(), Problem> {
        if self.after_ms > FILLER_AFTER_MS_MAX {
            let fix = format!("{}; up to {FILLER_AFTER_MS_MAX}", self.after_ms);
            return Err(at.problem("after_ms", fix));
        }
        if self.text.trim().is_empty() || self.text.chars().count() > FILLER_CHARACTERS_MAX {
            let fix = format!("give between 1 and {FILLER_CHARACTERS_MAX} characters to speak");
            return Err(at.problem("text", fix));
        }
        Ok(())
    }
}
