//! Whether a voice still sounds, by how loud it is.
//!
//! The voice detector holds on after a voice: for 70 ms in the median, and by how much differs from word to word. So
//! the end of a voice is the last frame that stands out, as it is for the true end of a recording (see `truth`): less than
//! 40 dB under the loudest of this voice, and 3 dB over the quietest of the latest sound. In noise the soft end of a
//! word is lost that way, as it is for everybody who listens.
//!
//! Chosen on 346 utterances of 15 voices in quiet, and with white and pink noise 20 and 10 dB under them. benches/README.md
//! has what it finds.

use super::latest::{keep, quantile};
use super::truth::{OVER_BACKGROUND, UNDER_PEAK};
use crate::audio::peak;
use std::collections::VecDeque;

/// Frames in which the loudest of the voice is looked for: 4 s of voice.
const VOICE_FRAMES: usize = 250;
/// From so many frames of voice on it is known: 128 ms.
const VOICE_FRAMES_MIN: usize = 8;
/// Frames in which the quietest is looked for, one in twenty of which is quieter: 2.4 s.
const LATEST_FRAMES: usize = 150;
const QUIET_SHARE: f32 = 0.05;
/// A frame as loud as this share of the voice's peak, -12 dB, stands out whatever the room.
const LOUD_SHARE: f32 = 0.25;

/// Remembers how loud a voice and its room are.
#[derive(Default)]
pub(super) struct Sounding {
    /// The peaks of the latest frames, and of the latest of them that were a voice.
    latest: VecDeque<f32>,
    voice: VecDeque<f32>,
}

impl Sounding {
    /// Whether a frame that the detector calls a voice stands out; no other frame does.
    pub(super) fn hear(&mut self, frame: &[f32], is_voice: bool) -> bool {
        let peak = peak(frame);
        keep(&mut self.latest, peak, LATEST_FRAMES);
        if !is_voice {
            return false;
        }
        keep(&mut self.voice, peak, VOICE_FRAMES);
        if self.voice.len() < VOICE_FRAMES_MIN {
            return true;
        }
        let loudest = self.voice.iter().copied().fold(0.0, f32::max);
        let quiet = quantile(self.latest.iter().copied(), QUIET_SHARE).unwrap_or(0.0);
        let over_the_room = (OVER_BACKGROUND * quiet).min(LOUD_SHARE * loudest);
        peak >= over_the_room.max(UNDER_PEAK * loudest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::FRAME_SAMPLES;

    /// How many of ten frames this loud stand out, after a second of words in a room.
    fn stand_out(room: f32, level: f32) -> usize {
        let mut sounding = Sounding::default();
        let mut hear = |level: f32, is_voice| sounding.hear(&[level; FRAME_SAMPLES], is_voice);
        for _ in 0..5 {
            (0..12).for_each(|_| assert!(hear(0.5, true)));
            (0..4).for_each(|_| assert!(!hear(room, false)));
        }
        (0..10).filter(|_| hear(level, true)).count()
    }

    #[test]
    fn a_voice_ends_where_it_is_forty_decibels_under_its_loudest() {
        assert_eq!(stand_out(0.0, 0.006), 10);
        assert_eq!(stand_out(0.0, 0.004), 0);
    }

    #[test]
    fn a_voice_ends_where_it_is_as_quiet_as_the_room() {
        assert_eq!(stand_out(0.05, 0.06), 0);
        assert_eq!(stand_out(0.05, 0.08), 10);
    }

    #[test]
    fn in_a_room_as_loud_as_the_voice_the_detector_decides() {
        assert_eq!(stand_out(0.45, 0.2), 10);
    }

    #[test]
    fn a_voice_that_just_began_stands_out() {
        let mut sounding = Sounding::default();
        assert!(sounding.hear(&[0.0; FRAME_SAMPLES], true));
        assert!(!sounding.hear(&[f32::NAN; FRAME_SAMPLES], false));
    }
}
