//! What a turn that was spoken says of each figure.

use super::judges::of_words;
use super::{Figure, Part};
use crate::event::{Expect, Metric};
use crate::measure::{Outcome, Row};
use std::collections::BTreeMap;

/// The parts of a turn. Whether a sound that has no words was heard as words is told of turns whose `reference` is empty.
pub fn said_of(row: &Row, reference: Option<&str>) -> BTreeMap<Figure, Part> {
    let mut parts = BTreeMap::new();
    if row.outcome == Outcome::NotAsked {
        return parts;
    }
    let mut share = |figure, is_so: bool| {
        parts.insert(
            figure,
            Part {
                above: f64::from(u8::from(is_so)),
                below: 1.0,
            },
        );
    };
    match row.expect {
        Some(Expect::Stop) => {
            // An agent that fell silent before it was stopped, and answered, has missed nothing.
            let has_stopped = matches!(row.outcome, Outcome::Stopped | Outcome::Answered);
            share(Figure::MissedStopShare, !has_stopped);
        }
        Some(Expect::Ignore) => share(Figure::FalseStopShare, row.stopped_agent),
        Some(Expect::Respond) | None => {
            share(Figure::CutOffShare, row.outcome == Outcome::CutOff);
            share(Figure::UnansweredShare, row.unanswered.is_some());
        }
    }
    if let Some(is_right) = row.is_right {
        share(Figure::WrongShare, !is_right);
    }
    if reference.is_some_and(|said| said.trim().is_empty()) {
        share(Figure::InventedShare, !row.heard.trim().is_empty());
    }
    parts.extend(row.wer.into_iter().flat_map(of_words));
    if row.was_answered {
        parts.extend(of_answer(&row.said));
    }
    // A latency that may be another one is in no figure.
    if row.doubtful.is_none() {
        let times = [
            (Figure::EndOfTurnDelay, Metric::EndOfTurnDelay),
            (Figure::StopDelay, Metric::BargeInStop),
            (Figure::FirstAudio, Metric::TtsTtfb),
            (Figure::E2eLatency, Metric::E2eLatency),
            (Figure::TalkOver, Metric::TalkOver),
            (Figure::DeadAir, Metric::DeadAir),
        ];
        for (figure, metric) in times {
            if let Some((_, span_ns)) = row.metrics.iter().find(|(own, _)| *own == metric) {
                let part = Part {
                    above: crate::measure::ms(*span_ns),
                    below: 1.0,
                };
                parts.insert(figure, part);
            }
        }
    }
    parts
}

/// How long an answer and its sentences are.
fn of_answer(said: &str) -> impl Iterator<Item = (Figure, Part)> {
    let words = said.split_whitespace().count() as f64;
    let sentences = said
        .split(['.', '!', '?'])
        .filter(|it| it.contains(char::is_alphanumeric))
        .count();
    let of = [
        (Figure::AnswerWords, 1.0),
        (Figure::SentenceWords, sentences.max(1) as f64),
    ];
    let of = of.into_iter().filter(move |_| words > 0.0);
    of.map(move |(figure, below)| {
        (
            figure,
            Part {
                above: words,
                below,
            },
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Tick;
    use crate::measure::{Plan, RowPlan, WordErrors, rows};
    use crate::record::store::RowsPer;

    /// The row of a turn that was never spoken, to be changed.
    fn row(expect: Expect, change: impl FnOnce(&mut Row)) -> Row {
        let plan = Plan {
            rows_per: RowsPer::Turn,
            rows: vec![RowPlan {
                expect,
                reference: None,
                right: crate::scenario::RightAnswer::default(),
            }],
            questions: None,
            budgets: Vec::new(),
            prices: None,
        };
        let mut row = rows(&[], &plan).remove(0);
        row.outcome = Outcome::Answered;
        row.began = Some(Tick::ZERO);
        row.unanswered = None;
        change(&mut row);
        row
    }

    fn of(row: &Row, reference: Option<&str>, figure: Figure) -> Option<(f64, f64)> {
        said_of(row, reference)
            .get(&figure)
            .map(|part| (part.above, part.below))
    }

    #[test]
    fn a_question_says_how_it_was_heard_and_answered() {
        let row = row(Expect::Respond, |row| {
            row.was_answered = true;
            row.said = "We open at nine. Come in!".into();
            row.is_right = Some(false);
            row.wer = Some(WordErrors::between("when do you open", "when do you hope"));
            row.metrics = vec![(Metric::E2eLatency, 400_000_000)];
        });
        assert_eq!(of(&row, None, Figure::WordErrorRate), Some((1.0, 4.0)));
        assert_eq!(of(&row, None, Figure::WrongShare), Some((1.0, 1.0)));
        assert_eq!(of(&row, None, Figure::CutOffShare), Some((0.0, 1.0)));
        assert_eq!(of(&row, None, Figure::E2eLatency), Some((400.0, 1.0)));
        assert_eq!(of(&row, None, Figure::AnswerWords), Some((6.0, 1.0)));
        assert_eq!(of(&row, None, Figure::SentenceWords), Some((6.0, 2.0)));
        assert_eq!(of(&row, None, Figure::MissedStopShare), None);
    }

    #[test]
    fn a_sound_over_the_agent_says_whether_it_stopped() {
        let missed = row(Expect::Stop, |row| row.outcome = Outcome::Missed);
        assert_eq!(of(&missed, None, Figure::MissedStopShare), Some((1.0, 1.0)));
        let spurious = row(Expect::Ignore, |row| row.stopped_agent = true);
        assert_eq!(
            of(&spurious, None, Figure::FalseStopShare),
            Some((1.0, 1.0))
        );
        assert_eq!(of(&spurious, None, Figure::CutOffShare), None);
        let heard = row(Expect::Ignore, |row| row.heard = "you".into());
        assert_eq!(
            of(&heard, Some(""), Figure::InventedShare),
            Some((1.0, 1.0))
        );
    }

    #[test]
    fn a_turn_that_was_never_spoken_and_a_doubtful_latency_say_nothing() {
        let not_asked = row(Expect::Respond, |row| row.outcome = Outcome::NotAsked);
        assert!(said_of(&not_asked, None).is_empty());
        let doubtful = row(Expect::Respond, |row| {
            row.metrics = vec![(Metric::E2eLatency, 1)];
            row.doubtful = Some(crate::event::Doubt::Noise);
        });
        assert_eq!(of(&doubtful, None, Figure::E2eLatency), None);
    }
}
