//! The figures of a turn as soon as its answer is heard.
//!
//! Hops are not derived here: the events of a turn that is going on are kept, and measured by the
//! same fold as the report's, so that what is seen live is what the report says later.

use crate::event::{Event, Mark, OutputNote, ReplyEnd, TurnId, Verdict};
use crate::measure::{self, Plan, Row};
use crate::record::store::RowsPer;
use std::collections::VecDeque;

/// Turns that may be open at once: a reply that sounds, and what is said over it.
const OPEN_MAX: usize = 8;

/// Events of a turn that are kept. Each clause of a reply leaves about ten.
const EVENTS_MAX: usize = 2_000;

/// True ends of speech that are kept until their turn is measured.
const TRUTHS_MAX: usize = 32;

/// A turn whose answer is heard.
#[derive(Debug, Clone)]
pub(super) struct Answered {
    pub row: Row,
    /// Whether the answer goes into percentiles now, which it does once, when its reply has ended: until then it may
    /// fail, and the report does not count failed replies.
    pub is_counted: bool,
}

/// The events of the turns that are going on.
#[derive(Debug, Default)]
pub(super) struct OpenTurns {
    open: VecDeque<Open>,
    truths: VecDeque<Event>,
}

#[derive(Debug)]
struct Open {
    turn: TurnId,
    events: Vec<Event>,
    is_counted: bool,
}

impl OpenTurns {
    /// Takes the next event in; returns figures if an answer begins to be heard or is over.
    pub(super) fn event(&mut self, event: &Event) -> Option<Answered> {
        match &event.mark {
            Mark::CallerSpeechStarted { .. } | Mark::CallerSpeechEnded { .. } => {
                push(&mut self.truths, event.clone(), TRUTHS_MAX);
                return None;
            }
            Mark::VoiceStarted { .. } => {
                let open = Open {
                    turn: event.turn,
                    events: Vec::new(),
                    is_counted: false,
                };
                push(&mut self.open, open, OPEN_MAX);
            }
            _ => {}
        }
        let open = self.open.iter_mut().find(|open| open.turn == event.turn)?;
        if is_measured(&event.mark) && open.events.len() < EVENTS_MAX {
            open.events.push(event.clone());
        }
        match &event.mark {
            Mark::Audible { .. } => self.measure(event.turn, false),
            Mark::ReplyEnded { end, .. } => {
                let answered = self.measure(event.turn, true);
                // A reply that was stopped may go on.
                if *end != ReplyEnd::Stopped {
                    self.close(event.turn);
                }
                answered
            }
            Mark::NoReply => {
                self.close(event.turn);
                None
            }
            _ => None,
        }
    }

    /// Measures a turn by what has happened so far; `None` if there is no latency to tell.
    fn measure(&mut self, turn: TurnId, is_over: bool) -> Option<Answered> {
        let open = self.open.iter_mut().find(|open| open.turn == turn)?;
        let events: Vec<Event> = self.truths.iter().chain(&open.events).cloned().collect();
        let plan = Plan {
            rows_per: RowsPer::Utterance,
            rows: Vec::new(),
            questions: None,
            budgets: Vec::new(),
            prices: None,
        };
        let row = measure::measure(&events, &plan).rows.pop()?;
        row.e2e_ns?;
        let is_counted = is_over && !open.is_counted;
        open.is_counted |= is_over;
        Some(Answered { row, is_counted })
    }

    fn close(&mut self, turn: TurnId) {
        self.open.retain(|open| open.turn != turn);
    }
}

/// Whether the latency of a turn can depend on the mark. Marks that come many times a second have no part in it.
fn is_measured(mark: &Mark) -> bool {
    match mark {
        Mark::Decision(decision) => decision.verdict == Verdict::Stop,
        Mark::Output { note, .. } => !matches!(note, OutputNote::Partial { .. }),
        _ => true,
    }
}

/// Appends, and forgets the oldest where there are too many.
pub(super) fn push<T>(queue: &mut VecDeque<T>, item: T, most: usize) {
    if queue.len() >= most {
        queue.pop_front();
    }
    queue.push_back(item);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{SessionId, Tick};
    use crate::measure::measure;
    use std::path::Path;

    fn recorded() -> Vec<Event> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/data/recorded");
        crate::record::store::read_events(&folder).expect("a recorded run")
    }

    #[test]
    fn the_live_figures_are_those_of_the_report() {
        let events = recorded();
        let mut turns = OpenTurns::default();
        let answered: Vec<Answered> = events.iter().filter_map(|e| turns.event(e)).collect();
        let plan = Plan {
            rows_per: RowsPer::Utterance,
            questions: None,
            rows: Vec::new(),
            budgets: Vec::new(),
            prices: None,
        };
        let report = measure(&events, &plan);
        let of_report: Vec<_> = report
            .rows
            .iter()
            .filter_map(|row| Some((row.e2e_ns?, row.hops)))
            .collect();
        let live: Vec<_> = answered
            .iter()
            .filter(|answered| answered.is_counted)
            .filter_map(|answered| Some((answered.row.e2e_ns?, answered.row.hops)))
            .collect();
        assert_eq!(live.len(), 6);
        assert_eq!(live, of_report);
        // Only the turn that was stopped, and might have gone on.
        assert!(turns.open.len() <= 1);
    }

    #[test]
    fn what_never_ends_is_forgotten() {
        let mut turns = OpenTurns::default();
        for number in 1..100 {
            for _ in 0..50 {
                let event = |mark| Event {
                    tick: Tick(u64::from(number)),
                    session: SessionId(0),
                    turn: TurnId(number),
                    mark,
                };
                turns.event(&event(Mark::VoiceStarted { onset: Tick(1) }));
                for _ in 0..100 {
                    turns.event(&event(Mark::AskedSoFar));
                }
            }
        }
        assert_eq!(turns.open.len(), OPEN_MAX);
        assert!(
            turns
                .open
                .iter()
                .all(|open| open.events.len() <= EVENTS_MAX)
        );
    }
}
