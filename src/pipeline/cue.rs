//! When the caller of a script says the next thing: pure arithmetic on what the agent does.

use super::AgentState;
use crate::event::{Mark, Tick, TurnId, nanos};
use crate::record::tap::Tap;
use std::time::Duration;

/// What a line waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Anchor {
    SessionStart,
    /// The beginning of the speech that the agent is in, or else of its next one.
    AgentSpeechStart,
    /// The agent has answered what was asked before, and is silent; or no answer came of it.
    AgentSpeechEnd,
    /// The line before has been spoken, and whatever came of it is over.
    PreviousTurnEnd,
}

/// When one line of a script is to be spoken.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cue {
    pub after: Anchor,
    pub delay: Duration,
    /// How long nothing may happen before the line is given up.
    pub give_up: Duration,
    /// The next `AgentSpeechEnd` waits for the answer to this line.
    pub wants_answer: bool,
}

/// The caller stays on the line this long after everything is over, so that a late reply is heard.
const LINGER: Duration = Duration::from_millis(500);

/// A conversation in which nothing has happened for this long, but which is not at rest, is stuck.
const STUCK: Duration = Duration::from_secs(60);

/// The line before counts as unnoticed by the ear if nothing came of it within this time.
const NOTICE: Duration = Duration::from_millis(160);

/// After a question that got no answer, because the agent failed or did not understand it, the caller waits this
/// long for one, and then goes on.
const UNANSWERED: Duration = Duration::from_millis(1_200);

/// What the caller is to do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// Speak the line with this index.
    Speak(usize),
    /// Wait until this tick, unless the agent does something before.
    Wait(Tick),
    HangUp,
}

/// Goes through the cues of a script.
pub(crate) struct Cues {
    cues: Vec<Cue>,
    next: usize,
    /// When the latest line ended, or was given up.
    line_ended: Tick,
    /// When the latest line that wants an answer began; `None` once that was waited for in vain.
    asked: Option<Tick>,
}

impl Cues {
    pub(crate) fn new(cues: Vec<Cue>) -> Cues {
        Cues {
            cues,
            next: 0,
            line_ended: Tick::ZERO,
            asked: Some(Tick::ZERO),
        }
    }

    /// What to do at `now`, while no line is being spoken. Marks lines that begin or are given up.
    pub(crate) fn look(&mut self, agent: &AgentState, now: Tick, tap: &Tap) -> Next {
        let quiet_since = self.line_ended.max(agent.changed);
        let patience = |span: Duration| match agent.is_speaking {
            // Only the agent itself can change anything before its speech is over.
            true => Tick(u64::MAX),
            false => quiet_since + span,
        };
        let Some(cue) = self.cues.get(self.next).copied() else {
            let end = patience(if agent.is_idle { LINGER } else { STUCK });
            return if end <= now {
                Next::HangUp
            } else {
                Next::Wait(end)
            };
        };
        let row = u32::try_from(self.next).unwrap_or(u32::MAX);
        if let Some(due) = self.anchored(&cue, agent, now).map(|at| at + cue.delay) {
            if due > now {
                return Next::Wait(due);
            }
            let expect = None;
            tap.mark(
                TurnId(0),
                Mark::RowStarted {
                    row,
                    at: now,
                    expect,
                },
            );
            if cue.wants_answer {
                self.asked = Some(now);
            }
            self.next += 1;
            return Next::Speak(self.next - 1);
        }
        let give_up = patience(cue.give_up);
        if give_up < now {
            let waited_ns = nanos(now.since(quiet_since));
            tap.mark(TurnId(0), Mark::RowMissed { row, waited_ns });
            self.line_ended = now;
            self.asked = None;
            self.next += 1;
            return Next::Wait(now);
        }
        let noticed = self.line_ended + NOTICE;
        Next::Wait(match cue.after {
            Anchor::PreviousTurnEnd | Anchor::AgentSpeechEnd if now < noticed => noticed,
            _ => Tick(give_up.0.saturating_add(1)),
        })
    }

    /// The line that was being spoken ended at `at`.
    pub(crate) fn spoken(&mut self, at: Tick) {
        self.line_ended = at;
    }

    /// When the anchor of `cue` came; `None` if it has not.
    fn anchored(&self, cue: &Cue, agent: &AgentState, now: Tick) -> Option<Tick> {
        match cue.after {
            Anchor::SessionStart => Some(Tick::ZERO),
            Anchor::AgentSpeechStart => agent.speech_started.filter(|_| agent.is_speaking),
            Anchor::AgentSpeechEnd => {
                let at_rest = self.at_rest(agent, now);
                // A caller who gets no answer goes on after a while.
                let goes_on = UNANSWERED <= cue.give_up;
                let in_vain = at_rest.map(|at| at + UNANSWERED).filter(|_| goes_on);
                let ended = match self.asked {
                    Some(asked) => agent.speech_ended.filter(|at| *at >= asked).or(in_vain),
                    None => Some(agent.changed),
                };
                let ended = ended.filter(|_| agent.is_idle);
                ended.map(|at| at.max(self.line_ended))
            }
            Anchor::PreviousTurnEnd => self.at_rest(agent, now),
        }
    }

    /// When whatever came of the line before was over; `None` if it is not, or may not have been noticed yet.
    fn at_rest(&self, agent: &AgentState, now: Tick) -> Option<Tick> {
        let noticed = self.line_ended + NOTICE;
        (agent.is_idle && now >= noticed).then(|| self.line_ended.max(agent.changed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::event::SessionId;

    const SPOKE: AgentState = AgentState {
        is_idle: true,
        is_speaking: false,
        speech_started: Some(Tick(2_000)),
        speech_ended: Some(Tick(5_000)),
        filler_ends: None,
        changed: Tick(5_000),
    };

    const SPEAKING: AgentState = AgentState {
        is_idle: false,
        is_speaking: true,
        ..SPOKE
    };

    fn cues(after: Anchor, asked: u64) -> Cues {
        let cue = Cue {
            after,
            delay: Duration::ZERO,
            give_up: Duration::from_secs(10),
            wants_answer: true,
        };
        let mut cues = Cues::new(vec![cue]);
        cues.line_ended = Tick(1_000);
        cues.asked = Some(Tick(asked));
        cues
    }

    fn check(after: Anchor, agent: AgentState, asked: u64, expected: Option<u64>) {
        let cues = cues(after, asked);
        let came = cues.anchored(&cues.cues[0], &agent, Tick::from_ms(1_000));
        assert_eq!(came, expected.map(Tick));
    }

    #[test]
    fn the_session_has_always_started() {
        check(Anchor::SessionStart, AgentState::default(), 0, Some(0));
    }

    #[test]
    fn an_agent_that_speaks_has_started_to() {
        check(Anchor::AgentSpeechStart, SPEAKING, 0, Some(2_000));
        check(Anchor::AgentSpeechStart, SPOKE, 0, None);
    }

    #[test]
    fn the_end_of_speech_is_that_of_the_answer_to_the_latest_question() {
        check(Anchor::AgentSpeechEnd, SPOKE, 800, Some(5_000));
        let busy = AgentState {
            is_idle: false,
            ..SPOKE
        };
        check(Anchor::AgentSpeechEnd, busy, 6_000, None);
    }

    #[test]
    fn a_caller_who_gets_no_answer_goes_on_after_a_while() {
        let waited = 5_000 + nanos(UNANSWERED);
        check(Anchor::AgentSpeechEnd, SPOKE, 6_000, Some(waited));
    }

    #[test]
    fn a_turn_ends_when_all_is_idle() {
        check(Anchor::PreviousTurnEnd, SPOKE, 0, Some(5_000));
        let busy = AgentState {
            is_idle: false,
            ..SPOKE
        };
        check(Anchor::PreviousTurnEnd, busy, 0, None);
    }

    #[test]
    fn a_caller_waits_exactly_until_something_can_change() {
        let tap = Tap::new(Clock::virtual_time(1), SessionId(0), None);
        let second = Tick::from_ms(1_000);
        // The anchor has not come: until the line is given up.
        let mut waiting = cues(Anchor::AgentSpeechStart, 0);
        let give_up = SPOKE.changed + Duration::from_secs(10);
        let until = Tick(give_up.0 + 1);
        assert_eq!(waiting.look(&SPOKE, second, &tap), Next::Wait(until));
        assert_eq!(waiting.look(&SPOKE, until, &tap), Next::Wait(until));
        assert_eq!(waiting.next, 1, "the line was given up");
        // The agent speaks: only it can change anything.
        let mut waiting = cues(Anchor::AgentSpeechEnd, 6_000);
        let forever = Next::Wait(Tick(u64::MAX));
        assert_eq!(waiting.look(&SPEAKING, second, &tap), forever);
        // Nothing is left to say: the caller lingers, and hangs up.
        let mut waiting = cues(Anchor::SessionStart, 0);
        assert_eq!(waiting.look(&SPOKE, Tick(5_000), &tap), Next::Speak(0));
        let end = SPOKE.changed + LINGER;
        assert_eq!(waiting.look(&SPOKE, Tick(5_000), &tap), Next::Wait(end));
        assert_eq!(waiting.look(&SPOKE, end, &tap), Next::HangUp);
    }
}
