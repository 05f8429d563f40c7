//! How answers like to begin: phrases that are a clause of their own, since their sound is there already.

use super::sentences::Token;

/// The phrases that an answer may begin with.
#[derive(Default)]
pub(super) struct Openings(Vec<Opening>);

struct Opening {
    /// As the settings have it.
    text: String,
    /// As it is compared.
    plain: String,
}

/// How a text begins.
pub(super) enum Begins<'a> {
    /// With the opening that stands so in the settings, the longest of all; its end is a byte position.
    With { text: &'a str, end: usize },
    /// Perhaps with one, or a longer one, once there is more of the text.
    Perhaps,
    /// With no opening, whatever follows.
    Otherwise,
}

impl Openings {
    /// These phrases: words with one blank between them.
    pub(super) fn of(texts: &[String]) -> Openings {
        let opening = |text: &String| Opening {
            text: text.clone(),
            plain: plain(text),
        };
        Openings(texts.iter().map(opening).collect())
    }

    /// How a text of these words begins, which is over or may go on.
    pub(super) fn begun<'t>(
        &self,
        words: impl Iterator<Item = Token<'t>>,
        is_over: bool,
    ) -> Begins<'_> {
        let (mut said, mut found) = (String::new(), Begins::Otherwise);
        for word in words {
            said.push_str(&plain(word.text));
            if !word.is_whole && !is_over {
                return if self.may_begin(&said) {
                    Begins::Perhaps
                } else {
                    found
                };
            }
            if let Some(opening) = self.0.iter().find(|opening| opening.plain == said) {
                found = Begins::With {
                    text: &opening.text,
                    end: word.end(),
                };
            }
            said.push(' ');
            if !self.may_begin(&said) {
                return found;
            }
        }
        match is_over || self.0.is_empty() {
            true => found,
            false => Begins::Perhaps,
        }
    }

    fn may_begin(&self, said: &str) -> bool {
        self.0.iter().any(|opening| opening.plain.starts_with(said))
    }
}

/// A text as most keyboards have it: models write both apostrophes, and mean the same.
fn plain(text: &str) -> String {
    text.replace('’', "'")
}
