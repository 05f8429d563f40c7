//! What the caller says, frame by frame.

use super::FRAME;
use super::call::CallEnd;
use super::hearing::Hearing;
use super::line::{Line, LineFrame};
use super::mind::{Mind, Todo};
use crate::audio::length_of;
use crate::event::{Expect, Tick, nanos};
use crate::pipeline::AgentState;
use std::sync::Arc;

/// What a caller came to say.
#[derive(Debug, Clone)]
pub(crate) enum Said {
    /// The line was said from this moment on.
    Line {
        line: Arc<Line>,
        at: Tick,
        /// When the connection broke off in the midst of it.
        cut: Option<Tick>,
        /// Whether it asks again for what was not answered.
        is_again: bool,
    },
    /// What the line waited for did not come within so many nanoseconds.
    Missed {
        expect: Expect,
        at: Tick,
        waited_ns: u64,
    },
}

/// The caller, who says what a mind decides.
pub(super) struct Talk<'a> {
    mind: &'a mut dyn Mind,
    /// The line that is being said, and how many frames of it were.
    saying: Option<(Arc<Line>, usize)>,
    pub(super) said: Vec<Said>,
}

impl<'a> Talk<'a> {
    pub(super) fn new(mind: &'a mut dyn Mind) -> Talk<'a> {
        Talk {
            mind,
            saying: None,
            said: Vec::new(),
        }
    }

    /// The call is answered at `now`, for the first time or once more. Whoever waits for the agent to speak first waits
    /// for its greeting.
    pub(super) fn answered(&mut self, now: Tick, hearing: &mut Hearing) {
        if let Some(patience) = self.mind.answered(now) {
            hearing.awaits_answer(now, now + patience);
        }
    }

    /// The connection broke off at `now`: whatever was being said goes no further.
    pub(super) fn dropped(&mut self, now: Tick) {
        let is_over = |(line, frames): &(Arc<Line>, usize)| *frames == line.frames();
        if self.saying.take().is_none_or(|saying| is_over(&saying)) {
            return;
        }
        self.mind.spoken(now);
        if let Some(Said::Line { cut, .. }) = self.said.last_mut() {
            *cut = Some(now);
        }
    }

    /// What is said in the frame that begins at `start`, if anything is.
    ///
    /// # Errors
    /// How the call ends, if the caller hangs up.
    pub(super) fn frame(
        &mut self,
        agent: &AgentState,
        start: Tick,
        hearing: &mut Hearing,
    ) -> Result<Option<LineFrame<'_>>, CallEnd> {
        let is_over = |(line, frames): &(Arc<Line>, usize)| *frames == line.frames();
        if self.saying.as_ref().is_none_or(is_over) {
            self.saying = self.next(agent, start, hearing)?.map(|line| (line, 0));
        }
        let Some((line, frames)) = &mut self.saying else {
            return Ok(None);
        };
        let frame = *frames;
        *frames += 1;
        if *frames == line.frames() {
            self.mind.spoken(start + FRAME);
        }
        Ok(Some(line.frame(frame)))
    }

    /// What is begun at `start`, if anything is.
    fn next(
        &mut self,
        agent: &AgentState,
        start: Tick,
        hearing: &mut Hearing,
    ) -> Result<Option<Arc<Line>>, CallEnd> {
        match self.mind.look(agent, start) {
            Todo::Wait => Ok(None),
            Todo::HangUp => Err(CallEnd::Finished),
            Todo::GiveUp => Err(CallEnd::GaveUp),
            Todo::Miss { expect, waited } => {
                self.said.push(Said::Missed {
                    expect,
                    at: start,
                    waited_ns: nanos(waited),
                });
                Ok(None)
            }
            Todo::Say {
                line,
                is_again,
                awaits,
            } => {
                self.said.push(Said::Line {
                    line: line.clone(),
                    at: start,
                    cut: None,
                    is_again,
                });
                if line.frames() == 0 {
                    // There is nothing to hear of it.
                    self.mind.spoken(start);
                    return Ok(None);
                }
                if let Some(patience) = awaits {
                    let asked = start + length_of(line.asked());
                    hearing.awaits_answer(asked, asked + patience);
                }
                Ok(Some(line))
            }
        }
    }
}
