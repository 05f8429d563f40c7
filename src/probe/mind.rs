//! Who decides what the caller says next: a script, or whoever makes it up.

use super::line::Line;
use crate::clock::Clock;
use crate::event::{Expect, Mark, SessionId, Tick};
use crate::pipeline::AgentState;
use crate::pipeline::cue::{Anchor, Cue, Cues, Next};
use crate::record::tap::Tap;
use std::sync::Arc;
use std::time::Duration;

/// What a caller is to do now.
#[derive(Debug)]
pub(crate) enum Todo {
    Say {
        line: Arc<Line>,
        /// Whether it asks again for what was not answered.
        is_again: bool,
        /// For how long an answer is waited for; `None` if none is.
        awaits: Option<Duration>,
    },
    Wait,
    /// What a line waited for did not come: it is not said.
    Miss {
        expect: Expect,
        waited: Duration,
    },
    /// Everything was said.
    HangUp,
    /// The caller has lost patience.
    GiveUp,
}

/// Decides what the caller says next.
pub(crate) trait Mind {
    /// What to do at `now`, while nothing is being said.
    fn look(&mut self, agent: &AgentState, now: Tick) -> Todo;

    /// What was being said ended at `at`, or broke off.
    fn spoken(&mut self, at: Tick);

    /// The call is answered at `now`, for the first time or once more. For how long the agent is let greet; `None` if
    /// that is not waited for.
    fn answered(&mut self, now: Tick) -> Option<Duration>;
}

/// A line of a script, and when it is said.
pub(crate) type Cued = (Arc<Line>, Cue);

/// Lines that are said at their cues.
pub(crate) struct Script<'a> {
    lines: &'a [Cued],
    cues: Cues,
    /// Where the cues note what was missed.
    notes: Tap,
}

impl<'a> Script<'a> {
    pub(crate) fn new(lines: &'a [Cued], clock: &Clock) -> Script<'a> {
        Script {
            lines,
            cues: Cues::new(lines.iter().map(|(_, cue)| *cue).collect()),
            notes: Tap::new(clock.clone(), SessionId(0), None),
        }
    }
}

impl Mind for Script<'_> {
    fn look(&mut self, agent: &AgentState, now: Tick) -> Todo {
        let next = self.cues.look(agent, now, &self.notes);
        let missed = self.notes.take_events().into_iter().find_map(|event| {
            let Mark::RowMissed { row, waited_ns } = event.mark else {
                return None;
            };
            let (line, _) = self.lines.get(row as usize)?;
            Some(Todo::Miss {
                expect: line.expect,
                waited: Duration::from_nanos(waited_ns),
            })
        });
        match next {
            Next::Speak(index) => {
                let (line, cue) = &self.lines[index];
                Todo::Say {
                    line: line.clone(),
                    is_again: false,
                    awaits: cue.wants_answer.then_some(cue.give_up),
                }
            }
            Next::Wait(_) => missed.unwrap_or(Todo::Wait),
            Next::HangUp => Todo::HangUp,
        }
    }

    fn spoken(&mut self, at: Tick) {
        self.cues.spoken(at);
    }

    fn answered(&mut self, _: Tick) -> Option<Duration> {
        let (_, first) = self.lines.first()?;
        (first.after == Anchor::AgentSpeechEnd).then_some(first.give_up)
    }
}
