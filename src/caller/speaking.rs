//! A simulated caller: says what a script or its own mind tells, and hears what the agent does.

use super::improvised::Improvised;
use super::voice::{Saying, Voice};
use crate::clock::Clock;
use crate::event::Tick;
use crate::pipeline::AgentState;
use crate::pipeline::cue::{self, Cue, Cues};
use crate::record::tap::Tap;
use crate::stage::Watched;
use std::rc::Rc;

/// What a caller is to do now.
pub(super) enum Todo {
    Say(Saying),
    /// Wait until this tick, unless the agent does something before.
    Wait(Tick),
    HangUp,
}

/// A caller in a conversation.
pub(crate) struct Caller {
    pub clock: Clock,
    pub tap: Tap,
    pub agent: Rc<Watched<AgentState>>,
    pub voice: Voice,
    pub mind: Mind,
}

/// Where a caller's lines come from.
pub(crate) enum Mind {
    Scripted(Scripted),
    Improvised(Improvised),
}

/// Lines, each with its cue.
pub(crate) struct Scripted {
    cues: Cues,
    lines: Vec<Saying>,
}

impl Scripted {
    pub(crate) fn new(lines: Vec<(Cue, Saying)>) -> Scripted {
        let (cues, lines) = lines.into_iter().unzip();
        Scripted {
            cues: Cues::new(cues),
            lines,
        }
    }

    fn look(&mut self, agent: &AgentState, now: Tick, tap: &Tap) -> Todo {
        match self.cues.look(agent, now, tap) {
            cue::Next::Speak(line) => Todo::Say(self.lines[line].clone()),
            cue::Next::Wait(until) => Todo::Wait(until),
            cue::Next::HangUp => Todo::HangUp,
        }
    }
}

impl Caller {
    /// Speaks until there is nothing more to say and the conversation has come to rest.
    pub(crate) async fn speak(mut self) {
        loop {
            let agent = self.agent.get();
            let now = self.clock.now();
            let todo = match &mut self.mind {
                Mind::Scripted(mind) => mind.look(&agent, now, &self.tap),
                Mind::Improvised(mind) => mind.look(&agent, now, &self.tap),
            };
            match todo {
                Todo::Say(saying) => {
                    let Ok(end) = self.voice.say(&saying).await else {
                        return;
                    };
                    match &mut self.mind {
                        Mind::Scripted(mind) => mind.cues.spoken(end),
                        Mind::Improvised(mind) => mind.spoken(end),
                    }
                }
                Todo::Wait(until) => tokio::select! {
                    biased;
                    () = self.agent.until(|now| now != agent) => {}
                    () = self.clock.sleep_until(until) => {}
                },
                Todo::HangUp => return,
            }
        }
    }
}
