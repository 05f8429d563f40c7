//! How written text becomes spoken text.

use super::problem::{Problem, Table};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `[speak]`: what is done to an answer's text before it is spoken. Each key turns a part off.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Speak {
    /// Whether reasoning inside of the text (`<think>…</think>` and the like) is left out.
    pub reasoning: bool,
    /// Whether answers begin inside of their reasoning, because the prompt holds the opening tag: nothing is spoken
    /// before the closing one.
    pub begins_in_reasoning: bool,
    /// Whether Markdown, HTML, SSML, JSON, code and emoji become text, or are left out.
    pub markup: bool,
    /// Whether stage directions ("(smiles)") and names of speakers ("Assistant:") are left out.
    pub directions: bool,
    /// Whether figures, units, dates, prices and abbreviations are said in words, where the text is English.
    pub numbers: bool,
    /// The language of the answers, for example "en" or "de-AT", 2 to 35 letters and hyphens; without it, whether a
    /// text is English is told from its words. Figures of other languages are left to the voice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
}

/// No language tag is longer.
const LANGUAGE_LETTERS_MAX: usize = 35;

impl Default for Speak {
    fn default() -> Speak {
        Speak {
            reasoning: true,
            begins_in_reasoning: false,
            markup: true,
            directions: true,
            numbers: true,
            language: None,
        }
    }
}

impl Speak {
    /// Refuses what is no language; `at` is `[speak]`.
    pub(super) fn check(&self, at: Table<'_>) -> Result<(), Problem> {
        let Some(language) = &self.language else {
            return Ok(());
        };
        let is_tag = (2..=LANGUAGE_LETTERS_MAX).contains(&language.len())
            && language.starts_with(|c: char| c.is_ascii_alphabetic())
            && language
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
        match is_tag {
            true => Ok(()),
            false => {
                let fix = format!("{language:?}; give a language such as \"en\" or \"de\"");
                Err(at.problem("language", fix))
            }
        }
    }
}
