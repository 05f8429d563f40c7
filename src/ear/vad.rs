//! Voice activity of one frame, by earshot's network.

use crate::audio::FRAME_SAMPLES;

pub(super) struct VoiceDetector {
    detector: Box<earshot::Detector>,
    threshold: f32,
}

impl VoiceDetector {
    pub(super) fn new(threshold: f32) -> VoiceDetector {
        VoiceDetector {
            detector: earshot::Detector::default_boxed(),
            threshold,
        }
    }

    /// Whether the frame sounds like a voice. The detector remembers the frames before it. A frame
    /// of another length than 256 samples is none.
    pub(super) fn is_voiced(&mut self, frame: &[f32]) -> bool {
        frame.len() == FRAME_SAMPLES && self.detector.predict_f32(frame) >= self.threshold
    }
}
