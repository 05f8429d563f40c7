//! Where speech that is being heard began and truly ended. The end is found as in recordings (see `truth`),
//! 600 ms later. The beginning is the detector's.

use super::truth::{BACK_SAMPLES, BACKGROUND, true_end};
use crate::audio::{FRAME, FRAME_SAMPLES, length_of, peak, position_of};
use crate::event::{Doubt, Mark, Tick};
use crate::stage::SpeechActivity;
use std::collections::VecDeque;

/// Sound that is remembered: what tells the true end, and a frame.
const REMEMBERED: usize = BACK_SAMPLES + BACKGROUND.end + FRAME_SAMPLES;

/// Where speech begins or ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpeechEdge {
    Began(Tick),
    /// The true end, and why it is in doubt.
    Ended(Tick, Option<Doubt>),
}

impl SpeechEdge {
    /// What is put on record.
    pub fn mark(self) -> Mark {
        match self {
            SpeechEdge::Began(at) => Mark::CallerSpeechStarted { at },
            SpeechEdge::Ended(at, doubt) => Mark::CallerSpeechEnded { at, doubt },
        }
    }
}

/// Follows an ear.
#[derive(Default)]
pub struct SpeechEdges {
    /// The latest sound, and when it ends.
    recent: VecDeque<f32>,
    end: Tick,
    /// The utterance's peak so far.
    peak: f32,
    is_speaking: bool,
    /// The end of speech by the detector, until the true one is known.
    pending: Option<Tick>,
    /// The end of the latest frame that the detector called a voice.
    voiced: Tick,
    /// The detector holds on to a voice that has ended.
    holds_on: bool,
}

impl SpeechEdges {
    /// Follows the frame that began at `start`, about which the ear said `activity`; `is_voiced`: the detector calls it
    /// a voice. Returns an edge of speech once it is known.
    pub fn hear(
        &mut self,
        start: Tick,
        frame: &[f32],
        is_voiced: bool,
        activity: &[SpeechActivity],
    ) -> Option<SpeechEdge> {
        self.end = start + FRAME;
        self.recent.extend(frame);
        let stale = self.recent.len().saturating_sub(REMEMBERED);
        self.recent.drain(..stale);
        let was_speaking = self.is_speaking;
        let mut began = None;
        for said in activity {
            match said {
                SpeechActivity::Started { onset, audio, .. } => {
                    self.peak = audio.samples.as_deref().map_or(0.0, peak);
                    (self.is_speaking, self.pending) = (true, None);
                    began = Some(*onset);
                }
                SpeechActivity::Paused { last_voiced } => {
                    (self.pending, self.holds_on) = (Some((*last_voiced).max(self.voiced)), true);
                }
                SpeechActivity::Resumed { at } => {
                    (self.is_speaking, self.pending) = (true, None);
                    began = Some(*at);
                }
                SpeechActivity::Going { .. } => {}
            }
        }
        if is_voiced {
            self.voiced = self.end;
        }
        self.holds_on &= is_voiced;
        if self.holds_on && self.pending.is_some() {
            self.pending = Some(self.end);
        }
        if self.is_speaking && self.pending.is_none() {
            self.peak = self.peak.max(peak(frame));
        }
        if let Some(began) = began.filter(|_| !was_speaking) {
            return Some(SpeechEdge::Began(began));
        }
        let tells = length_of(BACKGROUND.end);
        let last_voiced = self.pending.filter(|at| self.end >= *at + tells)?;
        (self.pending, self.is_speaking) = (None, false);
        let (end, doubt) = self.true_end(last_voiced);
        Some(SpeechEdge::Ended(end, doubt))
    }

    fn true_end(&mut self, last_voiced: Tick) -> (Tick, Option<Doubt>) {
        let begin = self.end.before(length_of(self.recent.len()));
        let sound = self.recent.make_contiguous();
        let at = position_of(last_voiced).saturating_sub(position_of(begin));
        let at = usize::try_from(at).unwrap_or(usize::MAX).min(sound.len());
        let (end, doubt) = true_end(sound, at, self.peak);
        (begin + length_of(end), doubt)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::{SAMPLE_RATE, decode};
    use crate::ear::truth::speech_in;
    use crate::ear::{Ear, UtteranceOver};
    use crate::event::Hears;
    use std::path::Path;

    #[test]
    fn live_speech_ends_where_that_of_a_recording_does() {
        for name in ["piper-graphics", "piper-reply", "piper-average"] {
            let path = Path::new("audio/fixtures").join(format!("{name}.wav"));
            let mut samples = vec![0.0; SAMPLE_RATE as usize];
            samples.extend(decode::read(&path).expect("a fixture"));
            samples.extend(vec![0.0; SAMPLE_RATE as usize]);
            let speech = speech_in(&samples, 0.5, Hears::Caller);
            let last = speech.last().cloned().expect("speech").at;
            let mut ear = Ear::new(0.5, Hears::Caller, UtteranceOver::default());
            let mut endings = SpeechEdges::default();
            let mut ends = Vec::new();
            for (index, frame) in samples.chunks_exact(FRAME_SAMPLES).enumerate() {
                let start = Tick::ZERO + length_of(index * FRAME_SAMPLES);
                let said = ear.hear(start, frame.into());
                ends.extend(endings.hear(start, frame, ear.is_voiced(), &said));
            }
            let Some(SpeechEdge::Ended(found, None)) = ends.last().copied() else {
                panic!("{name}: {ends:?}");
            };
            assert!(matches!(ends[0], SpeechEdge::Began(_)));
            let found = found.as_ms();
            let truly = last.end as f64 / 16.0;
            assert!(
                (found - truly).abs() < 1.0,
                "{name}: {found}, truly {truly}"
            );
        }
    }
}
