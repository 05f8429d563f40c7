//! The caller of a replay: speaks recordings at their anchors, in paced frames.
//!
//! A script knows what its recordings truly hold, and marks it in the record. The pipeline hears
//! the frames only.

use super::AgentState;
use crate::audio::{FRAME, FRAME_SAMPLES, Samples, length_of};
use crate::clock::Clock;
use crate::ear::Ear;
use crate::event::{Mark, Tick, TurnId, nanos};
use crate::record::tap::Tap;
use crate::stage::SpeechActivity;
use std::ops::Range;
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// What a line waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    SessionStart,
    /// The beginning of the speech that the agent is in, or else of its next one.
    AgentSpeechStart,
    /// The agent has answered what was asked before, and is silent.
    AgentSpeechEnd,
    /// The line before has been spoken, and whatever came of it is over.
    PreviousTurnEnd,
}

/// A recording to be spoken.
#[derive(Debug, Clone)]
pub struct Line {
    pub samples: Samples,
    /// Where speech truly is in it, as sample positions in order.
    pub speech: Vec<Range<usize>>,
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

/// A clock that wakes up later than this is worth a mark.
const LAG_WORTH_A_MARK: Duration = Duration::from_millis(10);

/// A caller who speaks `lines`, in order.
pub struct Script {
    pub clock: Clock,
    pub tap: Tap,
    pub ear: Ear,
    pub lines: Vec<Line>,
    pub agent: watch::Receiver<AgentState>,
    /// Where the ear reports to. Dropping it ends the call.
    pub activity: mpsc::Sender<SpeechActivity>,
}

/// Where the script is.
struct Progress {
    /// The line that sounds, or will sound next.
    next: usize,
    sounding: Option<Sounding>,
    /// When the latest line ended, or was given up.
    line_ended: Tick,
    /// When the latest line that wants an answer began; `None` once that was waited for in vain.
    asked: Option<Tick>,
}

struct Sounding {
    line: usize,
    start: Tick,
    truths: Vec<(usize, Truth)>,
}

/// What is true of a position in a recording.
#[derive(Clone, Copy)]
enum Truth {
    SpeechStarts,
    SpeechEnds,
}

impl Script {
    /// Speaks until all lines are through and the conversation has come to rest.
    pub async fn speak(mut self) {
        let mut progress = Progress {
            next: 0,
            sounding: None,
            line_ended: Tick::ZERO,
            asked: Some(Tick::ZERO),
        };
        let mut start = Tick::ZERO;
        loop {
            let end = start + FRAME;
            self.clock.sleep_until(end).await;
            let lag = self.clock.now().since(end);
            if lag > LAG_WORTH_A_MARK {
                let lag_ns = nanos(lag);
                self.tap.mark(TurnId(0), Mark::ClockLag { lag_ns });
            }
            if progress.sounding.is_none() && self.is_over(&mut progress, start) {
                return;
            }
            let frame = self.frame(&mut progress, start);
            self.tap.caller_audio(start, &frame);
            for activity in self.ear.hear(start, frame) {
                if self.activity.send(activity).await.is_err() {
                    return;
                }
            }
            start = end;
        }
    }

    /// Begins the next line if its anchor has come. True when there is none left and all is quiet.
    fn is_over(&self, progress: &mut Progress, now: Tick) -> bool {
        let agent = *self.agent.borrow();
        let quiet_since = progress.line_ended.max(agent.changed);
        let waited = if agent.is_speaking {
            Duration::ZERO
        } else {
            now.since(quiet_since)
        };
        let Some(line) = self.lines.get(progress.next) else {
            let is_at_rest = agent.is_idle && waited >= LINGER;
            let is_stuck = waited >= STUCK;
            return is_at_rest || is_stuck;
        };
        let due = anchor(line, &agent, progress, now).map(|at| at + line.delay);
        if due.is_some_and(|at| at <= now) {
            self.begin(progress, now);
        } else if due.is_none() && waited > line.give_up {
            let row = row(progress.next);
            let waited_ns = nanos(waited);
            self.tap.mark(TurnId(0), Mark::RowMissed { row, waited_ns });
            progress.line_ended = now;
            progress.asked = None;
            progress.next += 1;
        }
        false
    }

    fn begin(&self, progress: &mut Progress, start: Tick) {
        let line = &self.lines[progress.next];
        let row = row(progress.next);
        self.tap
            .mark(TurnId(0), Mark::RowStarted { row, at: start });
        if line.wants_answer {
            progress.asked = Some(start);
        }
        let truths = line.speech.iter().rev().flat_map(|speech| {
            [
                (speech.end, Truth::SpeechEnds),
                (speech.start, Truth::SpeechStarts),
            ]
        });
        progress.sounding = Some(Sounding {
            line: progress.next,
            start,
            truths: truths.collect(),
        });
        progress.next += 1;
    }

    /// The frame that begins at `now`; marks what is true of it.
    fn frame(&self, progress: &mut Progress, now: Tick) -> Samples {
        let mut frame = vec![0.0; FRAME_SAMPLES];
        let Some(sounding) = &mut progress.sounding else {
            return frame.into();
        };
        let samples = &self.lines[sounding.line].samples;
        let position = nanos(now.since(sounding.start)) / nanos(FRAME);
        let from = (position as usize * FRAME_SAMPLES).min(samples.len());
        let to = (from + FRAME_SAMPLES).min(samples.len());
        frame[..to - from].copy_from_slice(&samples[from..to]);
        while let Some((position, truth)) = sounding.truths.last().copied() {
            if position > from + FRAME_SAMPLES {
                break;
            }
            sounding.truths.pop();
            let at = sounding.start + length_of(position);
            let mark = match truth {
                Truth::SpeechStarts => Mark::CallerSpeechStarted { at },
                Truth::SpeechEnds => Mark::CallerSpeechEnded { at },
            };
            self.tap.mark(TurnId(0), mark);
        }
        if to == samples.len() && sounding.truths.is_empty() {
            progress.line_ended = sounding.start + length_of(samples.len());
            progress.sounding = None;
        }
        frame.into()
    }
}

/// When the anchor of `line` came; `None` if it has not.
fn anchor(line: &Line, agent: &AgentState, progress: &Progress, now: Tick) -> Option<Tick> {
    match line.after {
        Anchor::SessionStart => Some(Tick::ZERO),
        Anchor::AgentSpeechStart => agent.speech_started.filter(|_| agent.is_speaking),
        Anchor::AgentSpeechEnd => {
            let ended = match progress.asked {
                Some(asked) => agent.speech_ended.filter(|at| *at >= asked),
                None => Some(agent.changed),
            };
            let ended = ended.filter(|_| agent.is_idle);
            ended.map(|at| at.max(progress.line_ended))
        }
        Anchor::PreviousTurnEnd => {
            let noticed = progress.line_ended + NOTICE;
            (agent.is_idle && now >= noticed).then(|| progress.line_ended.max(agent.changed))
        }
    }
}

fn row(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPOKE: AgentState = AgentState {
        is_idle: true,
        is_speaking: false,
        speech_started: Some(Tick(2_000)),
        speech_ended: Some(Tick(5_000)),
        changed: Tick(5_000),
    };

    fn check(after: Anchor, agent: AgentState, asked: u64, expected: Option<u64>) {
        let line = Line {
            samples: Vec::new().into(),
            speech: Vec::new(),
            after,
            delay: Duration::ZERO,
            give_up: Duration::from_secs(10),
            wants_answer: true,
        };
        let progress = Progress {
            next: 1,
            sounding: None,
            line_ended: Tick(1_000),
            asked: Some(Tick(asked)),
        };
        let now = Tick::from_ms(1_000);
        assert_eq!(anchor(&line, &agent, &progress, now), expected.map(Tick));
    }

    #[test]
    fn the_session_has_always_started() {
        check(Anchor::SessionStart, AgentState::default(), 0, Some(0));
    }

    #[test]
    fn an_agent_that_speaks_has_started_to() {
        let speaking = AgentState {
            is_speaking: true,
            is_idle: false,
            ..SPOKE
        };
        check(Anchor::AgentSpeechStart, speaking, 0, Some(2_000));
        check(Anchor::AgentSpeechStart, SPOKE, 0, None);
    }

    #[test]
    fn the_end_of_speech_is_that_of_the_answer_to_the_latest_question() {
        check(Anchor::AgentSpeechEnd, SPOKE, 800, Some(5_000));
        check(Anchor::AgentSpeechEnd, SPOKE, 6_000, None);
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
}
