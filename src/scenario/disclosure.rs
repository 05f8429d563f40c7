//! What the agent says of itself: that it is a machine.

use super::problem::{Problem, Table};
use crate::event::DisclosureOn;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `[disclosure]`: the agent says that it is a machine, and always when it is asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Disclosure {
    /// The words of the disclosure, 1 to 500 characters.
    pub text: String,
    /// When it is said besides when a caller asks for it.
    pub on: DisclosureOn,
    /// Milliseconds within which it has to be said to its end: of the first sound of the first answer, of the beginning
    /// of the conversation for a greeting, of the question of a caller who asks. Up to 600,000; any time unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub within_ms: Option<u64>,
}

const CHARACTERS_MAX: usize = 500;
const WITHIN_MS_MAX: u64 = 600_000;

impl Default for Disclosure {
    fn default() -> Disclosure {
        Disclosure {
            text: "You are talking to an automated assistant, not to a person.".into(),
            on: DisclosureOn::default(),
            within_ms: None,
        }
    }
}

impl Disclosure {
    /// Refuses a disclosure that cannot be said; `at` is `[disclosure]`.
    pub(super) fn check(&self, at: Table<'_>) -> Result<(), Problem> {
        let has_words = self.text.chars().any(char::is_alphanumeric);
        if !has_words || self.text.chars().count() > CHARACTERS_MAX {
            let fix = format!("give words to speak, up to {CHARACTERS_MAX} characters");
            return Err(at.problem("text", fix));
        }
        match self.within_ms {
            Some(within) if within == 0 || within > WITHIN_MS_MAX => {
                let fix = format!("{within}; give between 1 and {WITHIN_MS_MAX}");
                Err(at.problem("within_ms", fix))
            }
            _ => Ok(()),
        }
    }
}
