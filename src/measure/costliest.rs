//! What costs the most callers: the hop in which most questions wait in vain, the setting by which most turns come out
//! wrong, or the segment in which most of the questions without an answer lie.

use super::segments::at_least;
use super::turns::SimulatedTurn;
use super::{Measurement, Row, Waits};
use crate::event::{Expect, Hop, Metric};
use crate::record::store::{Costliest, CostlyPart};
use crate::scenario::TurnTable;
use std::collections::BTreeMap;

/// A segment costs the most if so large a share of all questions without an answer lie in it, …
const MOST: f64 = 2.0 / 3.0;
/// … and chance would put so many there in less than one of twenty reports.
const SIGNIFICANCE: f64 = 0.05;

/// What is lost where, and of how many.
type Lost = (CostlyPart, u64, u64);

/// A question that should have been answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Question {
    /// The number of its turn in the scenario, counted from one.
    number: u32,
    /// Whether no answer came.
    is_lost: bool,
}

impl Question {
    /// The question of a row; `None` if it has none.
    pub fn of_row(row: &Row) -> Option<Question> {
        Question::of(row.number, row.unanswered.is_some(), row.e2e_ns.is_some())
    }

    /// The question of a turn of a simulation; `None` if it has none.
    pub fn of_simulated(turn: &SimulatedTurn) -> Option<Question> {
        Question::of(
            turn.number,
            turn.unanswered.is_some(),
            turn.e2e_ns().is_some(),
        )
    }

    fn of(number: u32, is_lost: bool, was_answered: bool) -> Option<Question> {
        (is_lost || was_answered).then_some(Question { number, is_lost })
    }
}

/// What costs the most callers; `None` if no turn came out wrong. Segments are those of the scenario's `turns`, by which
/// the `questions` are told apart; these are read only if callers are lost waiting.
pub fn costliest(
    measured: &Measurement,
    turns: &[TurnTable],
    questions: impl Iterator<Item = Question>,
) -> Option<Costliest> {
    let asked = measured.metrics.get(&Metric::E2eLatency);
    let asked = asked.map_or(0, Waits::count);
    let wrong = &measured.interruptions;
    let cut_offs = u64::from(wrong.cut_offs);
    let misjudged = u64::from(wrong.false_barge_ins) + u64::from(wrong.missed_barge_ins);
    let over_agent = wrong.asked(Expect::Stop) + wrong.asked(Expect::Ignore);
    let in_vain = |hop: Hop| {
        let unanswered = measured.hops.get(&hop)?.unanswered()?;
        let hop = hop.name().to_owned();
        Some((CostlyPart::Hop { hop }, unanswered.count, asked))
    };
    let mut all: Vec<Lost> = Hop::ALL.into_iter().filter_map(in_vain).collect();
    all.push((CostlyPart::Endpointing, cut_offs, asked + cut_offs));
    all.push((CostlyPart::Interruption, misjudged, over_agent));
    // The first one is told if two cost as many: the order is stable.
    all.sort_by_key(|(_, lost, _)| std::cmp::Reverse(*lost));
    let most = all.into_iter().find(|(_, lost, _)| *lost > 0)?;
    let (what, lost, of) = match most.0 {
        CostlyPart::Hop { .. } => segment(questions, turns).unwrap_or(most),
        _ => most,
    };
    Some(Costliest {
        schema: Costliest::SCHEMA.into(),
        what,
        lost,
        of,
    })
}

/// The segment in which most of the questions without an answer lie, if one has them beyond chance.
fn segment(questions: impl Iterator<Item = Question>, turns: &[TurnTable]) -> Option<Lost> {
    let mut segments: BTreeMap<(&str, &str), (u64, u64)> = BTreeMap::new();
    let (mut all, mut all_lost) = (0, 0);
    for Question { number, is_lost } in questions {
        let lost = u64::from(is_lost);
        all += 1;
        all_lost += lost;
        let turn = turns.get((number as usize).wrapping_sub(1));
        for (by, name) in turn.iter().flat_map(|turn| &turn.labels) {
            let (of, in_it) = segments.entry((by.as_str(), name.as_str())).or_default();
            *of += 1;
            *in_it += lost;
        }
    }
    let count = segments.len() as f64;
    let chance = |lost: u64, of: u64| at_least(lost as f64, of as f64, all_lost as f64, all as f64);
    let mut standing_out: Vec<_> = segments
        .into_iter()
        .filter(|(_, (of, lost))| {
            let is_most = *lost as f64 >= MOST * all_lost as f64;
            is_most && *of < all && count * chance(*lost, *of) < SIGNIFICANCE
        })
        .collect();
    standing_out.sort_by_key(|(_, (of, lost))| (std::cmp::Reverse(*lost), *of));
    let ((by, name), (of, lost)) = standing_out.into_iter().next()?;
    let (by, name) = (by.to_owned(), name.to_owned());
    Some((CostlyPart::Segment { by, name }, lost, of))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::test_rows::row;
    use crate::measure::{Outcome, Reason};

    /// Questions of two topics, of which so many of each are not answered.
    fn asked(hours: (u32, u32), prices: (u32, u32)) -> (Vec<Question>, Vec<TurnTable>) {
        let (mut questions, mut turns) = (Vec::new(), Vec::new());
        for (topic, (lost, of)) in [("hours", hours), ("prices", prices)] {
            for index in 0..of {
                questions.push(Question {
                    number: questions.len() as u32 + 1,
                    is_lost: index < lost,
                });
                turns.push(TurnTable {
                    labels: BTreeMap::from([("topic".to_owned(), topic.to_owned())]),
                    ..TurnTable::default()
                });
            }
        }
        (questions, turns)
    }

    fn segment_of((questions, turns): (Vec<Question>, Vec<TurnTable>)) -> Option<Lost> {
        segment(questions.into_iter(), &turns)
    }

    #[test]
    fn a_segment_that_has_most_of_the_lost_questions_is_named() {
        let (what, lost, of) = segment_of(asked((1, 20), (9, 20))).expect("prices");
        let (by, name) = ("topic".to_owned(), "prices".to_owned());
        assert_eq!(what, CostlyPart::Segment { by, name });
        assert_eq!((lost, of), (9, 20));
        assert_eq!(segment_of(asked((5, 20), (6, 20))), None);
        assert_eq!(segment_of(asked((0, 20), (0, 20))), None);
    }

    #[test]
    fn a_row_is_of_a_question_if_an_answer_came_or_should_have_come() {
        let mut one = row(3, Outcome::Answered);
        one.e2e_ns = None;
        one.unanswered = None;
        assert_eq!(Question::of_row(&one), None);
        one.unanswered = Some(Reason::HungUp);
        let (number, is_lost) = (3, true);
        assert_eq!(Question::of_row(&one), Some(Question { number, is_lost }));
    }

    #[test]
    fn where_nothing_is_lost_nothing_is_named() {
        assert_eq!(
            costliest(&Measurement::of_nothing(), &[], std::iter::empty()),
            None
        );
    }
}
