//! The caller of a replay: speaks recordings at their cues, in paced frames.
//!
//! A script knows what its recordings truly hold, and marks it in the record. The pipeline hears
//! the frames only.

use super::AgentState;
use super::cue::{Cue, Cues, Next};
use crate::audio::{FRAME, FRAME_SAMPLES, Samples, length_of};
use crate::clock::Clock;
use crate::ear::Ear;
use crate::ear::truth::Speech;
use crate::event::{Doubt, Mark, Tick, TurnId, nanos};
use crate::record::tap::Tap;
use crate::stage::SpeechActivity;
use crate::stage::Watched;
use crate::stage::queue;
use std::rc::Rc;
use std::time::Duration;

/// A recording to be spoken.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub samples: Samples,
    /// Where speech truly is in the recording, as sample positions in order.
    pub speech: Vec<Speech>,
    pub cue: Cue,
}

/// The least lag of the clock that is worth a mark.
const LAG_WORTH_A_MARK: Duration = Duration::from_millis(10);

/// A caller who speaks `lines`, in order.
pub(crate) struct Script {
    pub clock: Clock,
    pub tap: Tap,
    pub ear: Ear,
    pub lines: Vec<Line>,
    pub agent: Rc<Watched<AgentState>>,
    /// Where the ear reports to. Dropping it ends the call.
    pub activity: queue::Sender<SpeechActivity>,
}

/// The line that is being spoken.
struct Sounding {
    line: usize,
    start: Tick,
    truths: Vec<(usize, Truth)>,
}

/// What is true of a position in a recording.
#[derive(Clone, Copy)]
enum Truth {
    SpeechStarts,
    SpeechEnds(Option<Doubt>),
}

impl Script {
    /// Speaks until all lines are through and the conversation has come to rest.
    pub(crate) async fn speak(mut self) {
        let mut cues = Cues::new(self.lines.iter().map(|line| line.cue).collect());
        let mut sounding: Option<Sounding> = None;
        let mut start = Tick::ZERO;
        loop {
            let end = start + FRAME;
            self.clock.sleep_until(end).await;
            let lag = self.clock.now().since(end);
            if lag > LAG_WORTH_A_MARK {
                let lag_ns = nanos(lag);
                self.tap.mark(TurnId(0), Mark::ClockLag { lag_ns });
            }
            if sounding.is_none() {
                let agent = self.agent.get();
                match cues.look(&agent, start, &self.tap) {
                    Next::Speak(line) => sounding = Some(self.begin(line, start)),
                    Next::Wait(_) => {}
                    Next::HangUp => return,
                }
            }
            let frame = match &mut sounding {
                Some(line) => self.frame(line, start),
                None => Samples::from([0.0; FRAME_SAMPLES]),
            };
            if let Some(ended) = sounding.as_ref().and_then(|line| self.ended(line, end)) {
                cues.spoken(ended);
                sounding = None;
            }
            self.tap.caller_audio(start, &frame);
            let said = self.ear.hear(start, frame);
            if let Some(background) = self.ear.background() {
                self.tap.mark(TurnId(0), background.mark());
            }
            for activity in said {
                if self.activity.send(activity).await.is_err() {
                    return;
                }
            }
            start = end;
        }
    }

    fn begin(&self, line: usize, start: Tick) -> Sounding {
        let truths = self.lines[line].speech.iter().rev().flat_map(|speech| {
            [
                (speech.at.end, Truth::SpeechEnds(speech.doubt)),
                (speech.at.start, Truth::SpeechStarts),
            ]
        });
        Sounding {
            line,
            start,
            truths: truths.collect(),
        }
    }

    /// The frame that begins at `now`; marks what is true of it.
    fn frame(&self, sounding: &mut Sounding, now: Tick) -> Samples {
        let mut frame = vec![0.0; FRAME_SAMPLES];
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
                Truth::SpeechEnds(doubt) => Mark::CallerSpeechEnded { at, doubt },
            };
            self.tap.mark(TurnId(0), mark);
        }
        frame.into()
    }

    /// When the line ended, if it has by `now`.
    fn ended(&self, sounding: &Sounding, now: Tick) -> Option<Tick> {
        let end = sounding.start + length_of(self.lines[sounding.line].samples.len());
        (end <= now && sounding.truths.is_empty()).then_some(end)
    }
}
