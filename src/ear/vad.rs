//! Voice activity of one frame, by earshot's network.

use crate::audio::FRAME_SAMPLES;

/// Listens to one channel, frame by frame.
pub struct VoiceDetector {
    detector: Box<earshot::Detector>,
    threshold: f32,
}

/// The probability from which on a frame is a voice beyond doubt. Coughs and steady noise stay under
/// it, also for as long as the detector hangs on after a voice; vowels do not.
pub const SURE: f32 = 0.8;

/// The probability under which the detector is about to let a voice go: it falls for some frames before it is under the
/// threshold.
const FADES: f32 = 0.6;

/// What the detector makes of a frame.
#[derive(Clone, Copy)]
pub(super) struct Sound {
    pub(super) is_voiced: bool,
    pub(super) is_sure: bool,
    /// The detector is about to let the voice go.
    pub(super) fades: bool,
}

impl VoiceDetector {
    /// A detector to which frames from a probability of `threshold` on, in 0..1, count as voiced.
    pub fn new(threshold: f32) -> VoiceDetector {
        VoiceDetector {
            detector: earshot::Detector::default_boxed(),
            threshold,
        }
    }

    /// Whether the frame sounds like a voice. The detector remembers the frames before it. A frame
    /// of another length than 256 samples is none.
    pub(super) fn is_voiced(&mut self, frame: &[f32]) -> bool {
        self.hear(frame).is_voiced
    }

    /// The probability, in 0..=1, that the frame is a voice. It remembers the frames before it, too.
    pub fn probability(&mut self, frame: &[f32]) -> f32 {
        match frame.len() {
            FRAME_SAMPLES => self.detector.predict_f32(frame),
            _ => 0.0,
        }
    }

    pub(super) fn hear(&mut self, frame: &[f32]) -> Sound {
        let probability = self.probability(frame);
        Sound {
            is_voiced: probability >= self.threshold,
            is_sure: probability >= self.threshold.max(SURE),
            fades: probability < self.threshold.max(FADES),
        }
    }
}
