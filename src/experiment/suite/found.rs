//! What the search of an agent found for each question, in a run that was held.

use crate::engine::retrieval::{EARLIER_MAX, knowledge};
use crate::eval::{Case, Figure, Part, Spoken};
use crate::event::{Event, Mark, TurnId};
use crate::knowledge::{Knowledge, KnowledgeError, eval};
use crate::measure::folder::header_and_scenario;
use crate::measure::{Plan, turns_by_row};
use crate::record::store::read_events;
use crate::run::RunError;
use crate::scenario::Scenario;
use crate::scenario::engine::Answerer;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::path::Path;
use std::sync::Arc;

/// Searches again for what the agent searched for: equal questions find equal places.
pub(super) struct Found {
    knowledge: Knowledge,
    given: Given,
}

/// What becomes of what is found.
enum Given {
    /// The best passage is the answer, if it is good enough; the question is refused otherwise.
    Quoted,
    /// A language model answers, and gets this many passages with the question.
    Along(usize),
}

impl Found {
    /// The search of an agent; `None` if it has none.
    ///
    /// # Errors
    /// Documents that cannot be read, and a place of a turn in which no text stands.
    pub(super) fn by<'a>(
        scenario: &Scenario,
        mut cases: impl Iterator<Item = &'a Case>,
    ) -> Result<Option<Found>, RunError> {
        let (documents, given) = match &scenario.answer.engine {
            Answerer::Retrieval(documents) => (documents, Given::Quoted),
            Answerer::Openai { model, .. } => match &model.passages {
                Some(passages) => (&passages.documents, Given::Along(passages.count)),
                None => return Ok(None),
            },
            Answerer::Command { .. } | Answerer::Simulated(_) => return Ok(None),
        };
        let knowledge = knowledge(documents)?;
        let stray = cases.find_map(|case| {
            let mut places = case.turn.answer_in.iter();
            let place = places.find(|place| !knowledge.has_place(place))?;
            Some((&case.name, place))
        });
        match stray {
            None => Ok(Some(Found { knowledge, given })),
            Some((name, place)) => Err(RunError::Input(format!(
                "the turn {name:?} answer_in: no text stands in {place:?}; name a section of the agent's documents as FILE.md#Heading"
            ))),
        }
    }

    /// Adds what was found for the turns of a run, as its folder has them. A turn of which no question came to the answer
    /// says nothing.
    pub(super) fn add_to(
        &self,
        turns: &mut [Spoken],
        cases: &[Case],
        folder: &Path,
    ) -> Result<(), RunError> {
        let unreadable = |error: &dyn Display| RunError::Unavailable(error.to_string());
        let (header, scenario) = header_and_scenario(folder).map_err(|error| unreadable(&error))?;
        let events = read_events(folder).map_err(|error| unreadable(&error))?;
        let asked = asked(&events);
        let rows = turns_by_row(&events, &Plan::of(&scenario, header.rows_per));
        for ((turn, case), own) in turns.iter_mut().zip(cases).zip(rows) {
            let Some(asked) = own.iter().rev().find_map(|turn| asked.get(turn)) else {
                continue;
            };
            let parts = self
                .parts(case, asked)
                .map_err(|error| unreadable(&error))?;
            turn.parts.extend(parts);
        }
        Ok(())
    }

    fn parts(&self, case: &Case, asked: &Asked) -> Result<Vec<(Figure, Part)>, KnowledgeError> {
        let right = &case.turn.answer_in;
        let earlier: Vec<&str> = asked.earlier.iter().map(|text| &**text).collect();
        let found = match self.given {
            Given::Quoted => eval::places(&self.knowledge, &asked.question, &earlier)?,
            Given::Along(most) => eval::nearest(&self.knowledge, &asked.question, &earlier, most)?,
        };
        let share = |figure, is_so: bool| {
            let above = f64::from(u8::from(is_so));
            (figure, Part { above, below: 1.0 })
        };
        let mut parts = Vec::new();
        if !right.is_empty() {
            let rank = eval::rank(&found, right);
            parts.push(share(Figure::MissAt1, rank != Some(0)));
            parts.push(share(Figure::MissAt5, rank.is_none_or(|rank| rank >= 5)));
        }
        // A language model refuses by itself, and its words tell.
        if matches!(self.given, Given::Quoted) {
            if !right.is_empty() {
                parts.push(share(Figure::FalseRefusalShare, found.is_empty()));
            }
            if case.turn.answer_refuses {
                parts.push(share(Figure::MissedRefusalShare, !found.is_empty()));
            }
        }
        Ok(parts)
    }
}

/// What the answer was asked in a turn.
struct Asked {
    question: Arc<str>,
    /// The questions before it, the latest last.
    earlier: Vec<Arc<str>>,
}

/// What the answer was asked in each turn, as the record has it. A question counts as an earlier one once something of the
/// reply to it was heard.
fn asked(events: &[Event]) -> BTreeMap<TurnId, Asked> {
    let mut all: BTreeMap<TurnId, Asked> = BTreeMap::new();
    let mut heard: Vec<(TurnId, Arc<str>)> = Vec::new();
    for event in events {
        match &event.mark {
            Mark::ReplyStarted { question } if !question.is_empty() => {
                let skipped = heard.len().saturating_sub(EARLIER_MAX);
                let earlier = heard.iter().skip(skipped);
                let asked = Asked {
                    question: question.clone(),
                    earlier: earlier.map(|(_, question)| question.clone()).collect(),
                };
                all.insert(event.turn, asked);
            }
            Mark::ReplyEnded { heard_ns: 1.., .. } => {
                let is_new = heard.iter().all(|(turn, _)| *turn != event.turn);
                if let Some(asked) = all.get(&event.turn).filter(|_| is_new) {
                    heard.push((event.turn, asked.question.clone()));
                }
            }
            _ => {}
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{ReplyEnd, Tick};
    use crate::scenario::TurnTable;

    fn started(turn: u32, question: &str) -> Event {
        let question = question.into();
        Event::of_turn(turn, Mark::ReplyStarted { question })
    }

    fn ended(turn: u32, end: ReplyEnd, heard_ns: u64) -> Event {
        let (at, heard) = (Tick::ZERO, "".into());
        Event::of_turn(
            turn,
            Mark::ReplyEnded {
                end,
                at,
                heard,
                heard_ns,
            },
        )
    }

    #[test]
    fn a_question_goes_on_from_those_whose_answers_were_heard() {
        let events = [
            started(0, ""),
            ended(0, ReplyEnd::Completed, 9),
            started(1, "May I bring the dog?"),
            ended(1, ReplyEnd::Stopped, 5),
            // It went on, and was heard to its end.
            ended(1, ReplyEnd::Completed, 9),
            started(2, "Never mind"),
            ended(2, ReplyEnd::Stopped, 0),
            started(3, "And the cat?"),
        ];
        let asked = asked(&events);
        assert_eq!(asked.len(), 3);
        let last = &asked[&TurnId(3)];
        assert_eq!(&*last.question, "And the cat?");
        assert_eq!(last.earlier, ["May I bring the dog?".into()]);
    }

    /// What the search of an agent, which quotes or hands on three passages, says of a question.
    fn parts(given: Given, question: &str, turn: TurnTable) -> Vec<(Figure, f64)> {
        let folder = tempfile::tempdir().expect("a folder");
        let text = "# Assistants\n\n## Speed\n\nA voice assistant should reply within a second.\n\n\
                    ## Recordings\n\nThe recording of a conversation is kept in a run folder.\n";
        std::fs::write(folder.path().join("talk.md"), text).expect("written");
        let knowledge = Knowledge::open(folder.path()).expect("knowledge");
        let name = "a turn".into();
        let asked = Asked {
            question: question.into(),
            earlier: Vec::new(),
        };
        let parts = Found { knowledge, given }.parts(&Case { name, turn }, &asked);
        let parts = parts.expect("searched").into_iter();
        parts.map(|(figure, part)| (figure, part.above)).collect()
    }

    fn right(place: &str) -> TurnTable {
        TurnTable {
            answer_in: vec![format!("talk.md#{place}")],
            ..TurnTable::default()
        }
    }

    const REPLY: &str = "How fast should a voice assistant reply?";
    const CARD: &str = "Do I need a graphics card?";

    #[test]
    fn a_question_says_whether_its_place_was_found_or_refused() {
        use Figure::{FalseRefusalShare, MissAt1, MissAt5};
        let quoted = |question, place| parts(Given::Quoted, question, right(place));
        let said = |miss_at_1, miss_at_5, refused| {
            vec![
                (MissAt1, miss_at_1),
                (MissAt5, miss_at_5),
                (FalseRefusalShare, refused),
            ]
        };
        assert_eq!(quoted(REPLY, "Speed"), said(0.0, 0.0, 0.0));
        assert_eq!(quoted(CARD, "Recordings"), said(1.0, 1.0, 1.0));
        let along = parts(Given::Along(3), REPLY, right("Speed"));
        assert_eq!(along, [(MissAt1, 0.0), (MissAt5, 0.0)]);
    }

    #[test]
    fn a_question_without_an_answer_should_be_refused() {
        let refused = |given, question| {
            let turn = TurnTable {
                answer_refuses: true,
                ..TurnTable::default()
            };
            parts(given, question, turn)
        };
        let missed = Figure::MissedRefusalShare;
        assert_eq!(refused(Given::Quoted, CARD), [(missed, 0.0)]);
        assert_eq!(refused(Given::Quoted, REPLY), [(missed, 1.0)]);
        assert_eq!(refused(Given::Along(3), REPLY), []);
    }
}
