//! What is remembered of a channel: how likely each frame is a voice, and how loud each millisecond is.
//!
//! A recording of any length becomes 1,625 bytes a second and channel, from which everything else is pure
//! arithmetic: where speech begins and ends, at any threshold of the detector, without hearing the
//! recording again.

use super::bands::{BAND_MS, BANDS, Bands};
use super::tones::Tones;
use crate::audio::{FRAME_SAMPLES, SAMPLE_RATE, db_from_amplitude, peak};
use crate::ear::VoiceDetector;

/// Samples of a millisecond, the grain of all positions.
pub(super) const MS_SAMPLES: usize = SAMPLE_RATE as usize / 1_000;
/// Milliseconds of a frame of the detector.
pub(super) const FRAME_MS: usize = FRAME_SAMPLES / MS_SAMPLES;

/// A level in half decibels: 255 is full scale, 0 is silence, or under -127 dB.
pub(super) type Level = u8;

const FULL_SCALE: f32 = 255.0;
const STEPS_PER_DB: f32 = 2.0;

/// Decibels as steps of a [`Level`].
pub(super) const fn db(decibels: u8) -> Level {
    decibels * STEPS_PER_DB as u8
}

/// The level of an amplitude.
pub(super) fn level(amplitude: f32) -> Level {
    if amplitude <= 0.0 {
        return 0;
    }
    // Saturates at both ends.
    (FULL_SCALE + STEPS_PER_DB * db_from_amplitude(amplitude)).round() as u8
}

/// A level in decibels of full scale, for people.
pub(super) fn in_db(level: Level) -> f32 {
    (f32::from(level) - FULL_SCALE) / STEPS_PER_DB
}

/// One channel of a call.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Track {
    /// The probability of voice of each frame, in 255ths.
    pub(super) voice: Vec<u8>,
    /// How much each frame repeats what was heard 64 to 112 ms before, in 255ths: tones do, voices do not.
    pub(super) steadiness: Vec<u8>,
    /// The peak of each millisecond.
    pub(super) peaks: Vec<Level>,
    /// The mean amplitude of low and high sounds, every four milliseconds.
    pub(super) bands: [Vec<Level>; BANDS],
    /// Milliseconds in which the sound is cut off at its loudest.
    pub(super) clipped_ms: u32,
}

impl Track {
    /// The length in milliseconds.
    pub fn length_ms(&self) -> usize {
        self.peaks.len()
    }

    /// The loudest level in `range` (milliseconds); what lies beyond the end is silent.
    pub(super) fn loudest(&self, range: std::ops::Range<usize>) -> Level {
        let end = range.end.min(self.peaks.len());
        let within = self.peaks.get(range.start.min(end)..end);
        within
            .and_then(|peaks| peaks.iter().max().copied())
            .unwrap_or(0)
    }

    /// Fills the track up with silence.
    pub(super) fn extend_to(&mut self, length_ms: usize) {
        self.peaks.resize(length_ms.max(self.peaks.len()), 0);
        let frames = self.peaks.len().div_ceil(FRAME_MS);
        self.voice.resize(frames.max(self.voice.len()), 0);
        self.steadiness.resize(self.voice.len(), 0);
        for band in &mut self.bands {
            band.resize(self.peaks.len().div_ceil(BAND_MS).max(band.len()), 0);
        }
    }
}

/// Samples in a row at the loudest value that make a clip: one alone is a peak.
const CLIPPED_SAMPLES: u32 = 3;
/// Below this amplitude nothing is cut off, only flat: -6 dB.
const CLIP_MIN: f32 = 0.5;

/// Listens to one channel.
pub struct Listener {
    detector: VoiceDetector,
    tones: Tones,
    bands: Bands,
    /// What does not fill a frame yet.
    waiting: Vec<f32>,
    clips: Clips,
    track: Track,
}

/// Looks for sound that is cut off at its loudest: flat for some samples, there and nowhere else.
#[derive(Default)]
struct Clips {
    ceiling: f32,
    run: u32,
    /// Milliseconds of clips at this ceiling, and the latest of them.
    clipped_ms: u32,
    latest_ms: u64,
    samples: u64,
}

impl Default for Listener {
    fn default() -> Listener {
        Listener {
            // Every probability is kept, so the threshold does not matter.
            detector: VoiceDetector::new(0.5),
            tones: Tones::default(),
            bands: Bands::default(),
            waiting: Vec::with_capacity(FRAME_SAMPLES),
            clips: Clips::default(),
            track: Track::default(),
        }
    }
}

impl Listener {
    /// The channel as it is in the file, at `rate` Hz: what is cut off is seen only here.
    pub fn raw(&mut self, samples: &[f32], rate: u32) {
        self.clips.look(samples, rate);
    }

    /// The channel at 16 kHz.
    pub fn hear(&mut self, mut samples: &[f32]) {
        while !samples.is_empty() {
            let room = FRAME_SAMPLES - self.waiting.len();
            let (now, later) = samples.split_at(room.min(samples.len()));
            self.waiting.extend_from_slice(now);
            samples = later;
            if self.waiting.len() == FRAME_SAMPLES {
                self.frame(FRAME_SAMPLES);
            }
        }
    }

    fn frame(&mut self, samples: usize) {
        let probability = self.detector.probability(&self.waiting);
        let steadiness = self.tones.steadiness(&self.waiting);
        self.track.voice.push((255.0 * probability).round() as u8);
        self.track.steadiness.push((255.0 * steadiness) as u8);
        self.bands
            .hear(&self.waiting[..samples], &mut self.track.bands);
        let grains = self.waiting[..samples].chunks(MS_SAMPLES);
        self.track
            .peaks
            .extend(grains.map(|grain| level(peak(grain))));
        self.waiting.clear();
    }

    /// What is remembered of it.
    pub fn finish(mut self) -> Track {
        let rest = self.waiting.len();
        if rest > 0 {
            self.waiting.resize(FRAME_SAMPLES, 0.0);
            self.frame(rest);
        }
        self.track.clipped_ms = self.clips.clipped_ms;
        self.track
    }
}

impl Clips {
    fn look(&mut self, samples: &[f32], rate: u32) {
        for sample in samples {
            self.samples += 1;
            let height = sample.abs();
            if height > self.ceiling * 1.001 {
                // A sample louder than what was taken for the ceiling shows that it was none.
                *self = Clips {
                    ceiling: height,
                    samples: self.samples,
                    ..Clips::default()
                };
            }
            if height < self.ceiling * 0.999 || height < CLIP_MIN {
                self.run = 0;
                continue;
            }
            self.run += 1;
            let ms = self.samples * 1_000 / u64::from(rate.max(1));
            if self.run >= CLIPPED_SAMPLES && ms != self.latest_ms {
                self.latest_ms = ms;
                self.clipped_ms += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_half_decibels() {
        assert_eq!((level(1.0), level(0.0), level(1e-9)), (255, 0, 0));
        assert_eq!(level(1.0) - level(0.01), db(40));
        assert_eq!(in_db(level(0.1)), -20.0);
    }

    #[test]
    fn a_channel_is_remembered_by_the_millisecond() {
        let mut listener = Listener::default();
        let mut sound = vec![0.0; 1_600];
        sound[161] = -0.5;
        sound.extend([0.25; 8]);
        for piece in sound.chunks(100) {
            listener.hear(piece);
        }
        let track = listener.finish();
        assert_eq!(track.length_ms(), 101);
        assert_eq!(track.voice.len(), 7);
        assert_eq!(track.peaks[10], level(0.5));
        assert_eq!(track.peaks[100], level(0.25));
        assert_eq!(track.peaks.iter().filter(|peak| **peak > 0).count(), 2);
    }

    #[test]
    fn what_is_flat_at_its_loudest_is_cut_off() {
        let clipped = |gain: f32, ceiling: f32| {
            let mut listener = Listener::default();
            let tone = (0..8_000).map(|n| (gain * (n as f32 * 0.1).sin()).clamp(-ceiling, ceiling));
            listener.raw(&tone.collect::<Vec<f32>>(), 8_000);
            listener.finish().clipped_ms
        };
        assert_eq!(clipped(0.9, 1.0), 0);
        assert!(clipped(3.0, 1.0) > 200);
        // Cut off at a lower level, by a device before the recorder.
        assert!(clipped(3.0, 0.7) > 200);
    }
}
