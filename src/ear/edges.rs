//! Where speech that is being heard began and truly ended. The end is found as in recordings (see `truth`),
//! as far as the 200 ms around the detector's end tell. The beginning is the detector's.

use super::truth::{WINDOW_SAMPLES, threshold};
use crate::audio::{FRAME, FRAME_SAMPLES, length_of, peak, position_of};
use crate::event::Tick;
use crate::stage::SpeechActivity;
use std::collections::VecDeque;
use std::time::Duration;

/// The true end lies at most this far behind the detector's.
const WINDOW: Duration = Duration::from_millis(200);
/// How many silent frames the noise floor is the median peak of: 10 s.
const FLOOR_FRAMES: usize = 625;

/// Where speech begins or ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpeechEdge {
    Began(Tick),
    Ended(Tick),
}

/// Follows an ear.
#[derive(Default)]
pub struct SpeechEdges {
    /// Peaks of frames outside speech.
    silent: VecDeque<f32>,
    /// Sound since some 400 ms ago, and when it ends.
    recent: VecDeque<f32>,
    end: Tick,
    /// The utterance's peak so far.
    peak: f32,
    is_speaking: bool,
    /// The end of speech by the detector, until the true one is known.
    pending: Option<Tick>,
}

impl SpeechEdges {
    /// Follows the frame that began at `start`, about which the ear said `activity`. Returns an edge of speech
    /// once it is known.
    pub fn hear(
        &mut self,
        start: Tick,
        frame: &[f32],
        activity: &[SpeechActivity],
    ) -> Option<SpeechEdge> {
        self.end = start + FRAME;
        self.recent.extend(frame);
        let stale = self
            .recent
            .len()
            .saturating_sub(2 * WINDOW_SAMPLES + FRAME_SAMPLES);
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
                SpeechActivity::Paused { last_voiced } => self.pending = Some(*last_voiced),
                SpeechActivity::Resumed { at } => {
                    (self.is_speaking, self.pending) = (true, None);
                    began = Some(*at);
                }
                SpeechActivity::Going { .. } => {}
            }
        }
        if self.is_speaking && self.pending.is_none() {
            self.peak = self.peak.max(peak(frame));
        } else if self.pending.is_none() {
            self.silent.push_back(peak(frame));
            if self.silent.len() > FLOOR_FRAMES {
                self.silent.pop_front();
            }
        }
        if let Some(began) = began.filter(|_| !was_speaking) {
            return Some(SpeechEdge::Began(began));
        }
        let last_voiced = self.pending.filter(|at| self.end >= *at + WINDOW)?;
        (self.pending, self.is_speaking) = (None, false);
        Some(SpeechEdge::Ended(self.true_end(last_voiced)))
    }

    fn true_end(&self, last_voiced: Tick) -> Tick {
        let mut silent: Vec<f32> = self.silent.iter().copied().collect();
        silent.sort_by(f32::total_cmp);
        let floor = silent.get(silent.len() / 2).copied().unwrap_or(0.0);
        let threshold = threshold(self.peak, floor);
        let begin = self.end.before(length_of(self.recent.len()));
        let from = position_of(last_voiced.before(WINDOW)).saturating_sub(position_of(begin));
        let from = usize::try_from(from).unwrap_or(usize::MAX);
        let mut window = self
            .recent
            .iter()
            .enumerate()
            .skip(from)
            .take(2 * WINDOW_SAMPLES);
        let loud = window.rfind(|(_, sample)| sample.abs() > threshold);
        loud.map_or(last_voiced, |(at, _)| begin + length_of(at + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::{SAMPLE_RATE, decode};
    use crate::ear::truth::speech_in;
    use crate::ear::{Ear, UtteranceOver};
    use std::path::Path;

    #[test]
    fn live_speech_ends_where_that_of_a_recording_does() {
        for name in ["piper-graphics", "piper-reply", "piper-average"] {
            let path = Path::new("audio/fixtures").join(format!("{name}.wav"));
            let mut samples = vec![0.0; SAMPLE_RATE as usize];
            samples.extend(decode::read(&path).expect("a fixture"));
            samples.extend(vec![0.0; SAMPLE_RATE as usize]);
            let last = speech_in(&samples, 0.5).last().cloned().expect("speech");
            let mut ear = Ear::new(0.5, UtteranceOver::default());
            let mut endings = SpeechEdges::default();
            let mut ends = Vec::new();
            for (index, frame) in samples.chunks_exact(FRAME_SAMPLES).enumerate() {
                let start = Tick::ZERO + length_of(index * FRAME_SAMPLES);
                let said = ear.hear(start, frame.into());
                ends.extend(endings.hear(start, frame, &said));
            }
            let Some(SpeechEdge::Ended(found)) = ends.last().copied() else {
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
