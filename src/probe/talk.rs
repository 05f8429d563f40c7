//! What the caller says, frame by frame.

use super::hearing::Hearing;
use super::{FRAME, FRAME_SAMPLES, FRAMES_PER_S};
use crate::audio::resample::resample;
use crate::audio::{AudioError, SAMPLE_RATE, Samples, length_of};
use crate::ear::truth::Speech;
use crate::event::{Doubt, Mark, Tick};
use crate::pipeline::AgentState;
use crate::pipeline::cue::{Anchor, Cue, Cues, Next};
use crate::record::tap::Tap;
use std::ops::Range;

/// Something to say.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    /// At 16 kHz, in whole frames.
    samples: Samples,
    /// The same at the rate of the protocol.
    sent: Samples,
    /// Where speech truly is, as positions in `samples`.
    speech: Vec<Speech>,
    cue: Cue,
}

impl Line {
    /// A line whose sound at 16 kHz is sent at `rate`, which is one of the rates of protocols.
    ///
    /// # Errors
    /// If the sound cannot be brought to that rate.
    pub(crate) fn new(
        samples: &[f32],
        rate: u32,
        speech: Vec<Speech>,
        cue: Cue,
    ) -> Result<Line, AudioError> {
        let mut whole = samples.to_vec();
        let frames = samples.len().div_ceil(FRAME_SAMPLES);
        whole.resize(frames * FRAME_SAMPLES, 0.0);
        let mut sent = resample(&whole, SAMPLE_RATE, rate)?.into_owned();
        sent.resize(frames * (rate / FRAMES_PER_S) as usize, 0.0);
        Ok(Line {
            samples: whole.into(),
            sent: sent.into(),
            speech,
            cue,
        })
    }

    /// When somebody speaks in the line, if its sound begins at `at` and the call ends at `end`.
    pub(crate) fn spoken_at(&self, at: Tick, end: Tick) -> Vec<(Range<Tick>, Option<Doubt>)> {
        let speech = self.speech.iter().map(|speech| {
            let range = at + length_of(speech.at.start)..at + length_of(speech.at.end);
            (range.start..range.end.min(end), speech.doubt)
        });
        speech
            .filter(|(range, _)| range.start < range.end)
            .collect()
    }
}

/// What happened to a line.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Said {
    /// It was said from this moment on.
    At(Tick),
    /// What it waited for did not come within so many nanoseconds.
    Missed { at: Tick, waited_ns: u64 },
}

/// The caller, who says lines at their cues.
pub(super) struct Talk<'a> {
    lines: &'a [Line],
    cues: Cues,
    /// The line that is being said, and how many frames of it were.
    saying: Option<(usize, usize)>,
    pub(super) begun: usize,
}

/// A frame of the caller's sound, as it is recorded and as it is sent; `None` for silence.
pub(super) struct SaidFrame<'a> {
    pub(super) samples: Option<&'a [f32]>,
    pub(super) sent: Option<&'a [f32]>,
}

impl<'a> Talk<'a> {
    pub(super) fn new(lines: &'a [Line]) -> Talk<'a> {
        Talk {
            lines,
            cues: Cues::new(lines.iter().map(|line| line.cue).collect()),
            saying: None,
            begun: 0,
        }
    }

    /// Whoever waits for the agent to speak first waits for its greeting.
    pub(super) fn greeting(&self, hearing: &mut Hearing) {
        if let Some(first) = self.lines.first()
            && first.cue.after == Anchor::AgentSpeechEnd
        {
            hearing.awaits_answer(Tick::ZERO, Tick::ZERO + first.cue.give_up);
        }
    }

    /// What is said in the frame that begins at `start`; `None` if the caller hangs up.
    pub(super) fn frame(
        &mut self,
        agent: &AgentState,
        start: Tick,
        tap: &Tap,
        hearing: &mut Hearing,
    ) -> Option<SaidFrame<'a>> {
        if self.saying.is_none() {
            match self.cues.look(agent, start, tap) {
                Next::Speak(line) => self.begin(line, start, hearing),
                Next::Wait(_) => {}
                Next::HangUp => return None,
            }
        }
        let Some((line, frames)) = &mut self.saying else {
            return Some(SaidFrame {
                samples: None,
                sent: None,
            });
        };
        let line = &self.lines[*line];
        let end = line.samples.len() / FRAME_SAMPLES;
        let of_frame = |sound: &'a [f32]| {
            let length = sound.len() / end;
            &sound[*frames * length..(*frames + 1) * length]
        };
        let said = SaidFrame {
            samples: Some(of_frame(&line.samples)),
            sent: Some(of_frame(&line.sent)),
        };
        *frames += 1;
        if *frames == end {
            self.cues.spoken(start + FRAME);
            self.saying = None;
        }
        Some(said)
    }

    fn begin(&mut self, index: usize, start: Tick, hearing: &mut Hearing) {
        self.begun = index + 1;
        let line = &self.lines[index];
        if line.samples.is_empty() {
            return;
        }
        self.saying = Some((index, 0));
        if line.cue.wants_answer {
            let last = line.speech.last();
            let end = last.map_or(line.samples.len(), |speech| speech.at.end);
            let asked = start + length_of(end);
            hearing.awaits_answer(asked, asked + line.cue.give_up);
        }
    }
}

/// What happened to the lines, as it was marked.
pub(super) fn said(tap: &Tap) -> Vec<Said> {
    let marked = tap.events();
    let said = marked.iter().filter_map(|event| match &event.mark {
        Mark::RowStarted { at, .. } => Some(Said::At(*at)),
        Mark::RowMissed { waited_ns, .. } => Some(Said::Missed {
            at: event.tick,
            waited_ns: *waited_ns,
        }),
        _ => None,
    });
    said.collect()
}
