//! What is remembered of a channel: how likely each frame is a voice, and how loud each millisecond is.
//!
//! A recording of any length becomes 1,656 bytes a second and channel, or 2,656 where the other side leaks into it, from which everything else is pure
//! arithmetic: where speech begins and ends, at any threshold of the detector, without hearing the
//! recording again.

use super::bands::{BAND_MS, BANDS, Bands};
use super::tones::Tones;
use crate::audio::{FRAME_SAMPLES, SAMPLE_RATE, db_from_amplitude, peak};
use crate::ear::VoiceDetector;
use crate::ear::silero::{STEP_MS, Silero, SileroModel};
use std::sync::Arc;

/// Samples of a millisecond, the grain of all positions.
pub(super) const MS_SAMPLES: usize = SAMPLE_RATE as usize / 1_000;
/// Milliseconds of a frame of the detector.
pub(super) const FRAME_MS: usize = FRAME_SAMPLES / MS_SAMPLES;

/// A level in half decibels: 255 is full scale, 0 is silence, or under -127 dB.
pub(super) type Level = u8;

const FULL_SCALE: f32 = 255.0;
pub(super) const STEPS_PER_DB: f32 = 2.0;

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
    /// The probability of voice of each step of 32 ms by Silero, in 255ths; `None` if nobody asked it.
    pub(super) neural: Option<Vec<u8>>,
    /// How much each frame repeats what was heard 64 to 112 ms before, in 255ths: tones do, voices do not.
    pub(super) steadiness: Vec<u8>,
    /// The peak of each millisecond.
    pub(super) peaks: Vec<Level>,
    /// The mean amplitude of low and high sounds, every four milliseconds.
    pub(super) bands: [Vec<Level>; BANDS],
    /// Milliseconds in which the sound is cut off at its loudest.
    pub(super) clipped_ms: u32,
    /// The peak of what may be left of the other side's leak in each millisecond; empty if it does not leak.
    pub(super) leak: Vec<Level>,
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

    /// What Silero makes of a frame, in 255ths; `None` if nobody asked it.
    pub(super) fn neural_of(&self, frame: usize) -> Option<u8> {
        let neural = self.neural.as_ref()?;
        Some(neural.get(frame * FRAME_MS / STEP_MS).copied().unwrap_or(0))
    }

    /// What may be left of the other side's leak in a millisecond.
    pub(super) fn leaked_at(&self, ms: usize) -> Level {
        self.leak.get(ms).copied().unwrap_or(0)
    }

    /// What may be left of the other side's leak in a frame.
    pub(super) fn leaked(&self, frame: usize) -> Level {
        let range = frame * FRAME_MS..(frame + 1) * FRAME_MS;
        range.map(|ms| self.leaked_at(ms)).max().unwrap_or(0)
    }

    /// Fills the track up with silence.
    pub(super) fn extend_to(&mut self, length_ms: usize) {
        self.peaks.resize(length_ms.max(self.peaks.len()), 0);
        let frames = self.peaks.len().div_ceil(FRAME_MS);
        self.voice.resize(frames.max(self.voice.len()), 0);
        self.steadiness.resize(self.voice.len(), 0);
        if let Some(neural) = &mut self.neural {
            let steps = self.peaks.len().div_ceil(STEP_MS);
            neural.resize(steps.max(neural.len()), 0);
        }
        if !self.leak.is_empty() {
            self.leak.resize(self.peaks.len(), 0);
        }
        for band in &mut self.bands {
            band.resize(self.peaks.len().div_ceil(BAND_MS).max(band.len()), 0);
        }
    }
}

/// Listens to one channel.
pub(super) struct Listener {
    detector: VoiceDetector,
    silero: Option<Silero>,
    tones: Tones,
    bands: Bands,
    /// By which factor the detectors hear it louder.
    gain: f32,
    /// What does not fill a frame yet.
    waiting: Vec<f32>,
    louder: Vec<f32>,
    track: Track,
}

impl Listener {
    /// A listener whose detectors hear the channel louder by the factor `gain`.
    pub(super) fn new(silero: Option<Arc<SileroModel>>, gain: f32) -> Listener {
        let silero = silero.map(Silero::new);
        Listener {
            // Every probability is kept, so the threshold does not matter.
            detector: VoiceDetector::new(0.5),
            tones: Tones::default(),
            bands: Bands::default(),
            gain,
            waiting: Vec::with_capacity(FRAME_SAMPLES),
            louder: Vec::new(),
            track: Track {
                neural: silero.as_ref().map(|_| Vec::new()),
                ..Track::default()
            },
            silero,
        }
    }

    /// The channel at 16 kHz.
    pub(super) fn hear(&mut self, mut samples: &[f32]) {
        let louder = samples.iter().map(|sample| self.gain * sample);
        self.louder.clear();
        self.louder.extend(louder);
        if let (Some(silero), Some(neural)) = (&mut self.silero, &mut self.track.neural) {
            silero.hear(&self.louder, &mut |voice| neural.push(in_255ths(voice)));
        }
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

    /// What was taken out of the channel as the other side's leak, `left` of which may still be there. Pieces must
    /// begin at whole milliseconds.
    pub(super) fn leaked(&mut self, leak: &[f32], left: f32) {
        let grains = leak.chunks(MS_SAMPLES);
        let levels = grains.map(|grain| level(left * peak(grain)));
        self.track.leak.extend(levels);
    }

    fn frame(&mut self, samples: usize) {
        self.louder.clear();
        let louder = self.waiting.iter().map(|sample| self.gain * sample);
        self.louder.extend(louder);
        let probability = self.detector.probability(&self.louder);
        let steadiness = self.tones.steadiness(&self.louder);
        self.track.voice.push(in_255ths(probability));
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
    ///
    /// # Errors
    /// What went wrong with Silero's model.
    pub(super) fn finish(mut self) -> Result<Track, String> {
        let rest = self.waiting.len();
        if rest > 0 {
            self.waiting.resize(FRAME_SAMPLES, 0.0);
            self.frame(rest);
        }
        if let (Some(silero), Some(neural)) = (&mut self.silero, &mut self.track.neural) {
            silero.flush(&mut |voice| neural.push(in_255ths(voice)))?;
        }
        Ok(self.track)
    }
}

/// A probability in 255ths.
fn in_255ths(probability: f32) -> u8 {
    (255.0 * probability).round() as u8
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
        let mut listener = Listener::new(None, 1.0);
        let mut sound = vec![0.0; 1_600];
        sound[161] = -0.5;
        sound.extend([0.25; 8]);
        for piece in sound.chunks(100) {
            listener.hear(piece);
        }
        let track = listener.finish().expect("no model");
        assert_eq!(track.length_ms(), 101);
        assert_eq!(track.voice.len(), 7);
        assert_eq!(track.peaks[10], level(0.5));
        assert_eq!(track.peaks[100], level(0.25));
        assert_eq!(track.peaks.iter().filter(|peak| **peak > 0).count(), 2);
    }
}
