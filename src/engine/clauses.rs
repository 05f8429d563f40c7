//! The stage between the answer and the voice: written text in, spoken clauses out.

use crate::scenario::{Clauses, Speak};
use crate::speak::{Numbers, Parts, Speaking, VERSION};
use crate::stage::{Clause, Outlet, Piece, Stage, TextFeed, Work};

/// The stage that makes spoken clauses of answers. It keeps nothing between answers.
pub(super) struct ClauseStage {
    parts: Parts,
    rules: u32,
}

impl ClauseStage {
    pub(super) fn of(speak: &Speak, clauses: &Clauses) -> ClauseStage {
        ClauseStage {
            parts: parts(speak, clauses),
            rules: VERSION,
        }
    }

    /// The stage by the rules of a recording; `None` if this version does not know them.
    pub(super) fn by_rules(rules: u32, speak: &Speak, clauses: &Clauses) -> Option<ClauseStage> {
        let parts = parts(speak, clauses);
        let is_known = Speaking::by_rules(rules, parts.clone()).is_some();
        is_known.then_some(ClauseStage { parts, rules })
    }
}

/// What is done to text by a scenario's `[speak]` and `[clauses]`.
pub fn parts(speak: &Speak, clauses: &Clauses) -> Parts {
    Parts {
        reasoning: speak.reasoning,
        begins_in_reasoning: speak.begins_in_reasoning,
        markup: speak.markup,
        directions: speak.directions,
        numbers: match (speak.numbers, speak.language.as_deref()) {
            (false, _) => Numbers::Never,
            (true, None) => Numbers::WhereEnglish,
            (true, Some(language)) if is_english(language) => Numbers::Always,
            (true, Some(_)) => Numbers::Never,
        },
        first_words: clauses.first_words,
        long_characters: clauses.long_characters,
        openings: clauses.openings.clone(),
    }
}

fn is_english(language: &str) -> bool {
    let first = language.split(['-', '_']).next().unwrap_or_default();
    first.eq_ignore_ascii_case("en")
}

impl Stage for ClauseStage {
    type In = TextFeed;
    type Out = Clause;

    fn handle<'a>(&'a mut self, mut text: TextFeed, out: &'a mut Outlet<Clause>) -> Work<'a> {
        Box::pin(async move {
            let parts = || self.parts.clone();
            let speaking = Speaking::by_rules(self.rules, parts());
            let mut speaking = speaking.unwrap_or_else(|| Speaking::new(parts()));
            while let Some(Piece(piece)) = text.next().await {
                for clause in speaking.push(&piece) {
                    out.send(Clause(clause.into())).await?;
                }
            }
            for clause in speaking.finish() {
                out.send(Clause(clause.into())).await?;
            }
            out.begun();
            Ok(())
        })
    }
}
