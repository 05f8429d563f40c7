//! Tones against voices: music on hold and hums repeat themselves, a voice never keeps its pitch.

use crate::audio::FRAME_SAMPLES;

/// Sound is looked at at 4 kHz: every fourth sample.
const STEP: usize = 4;
const FRAME: usize = FRAME_SAMPLES / STEP;
/// A frame and the one before it are compared with what was heard 64 to 112 ms earlier.
const WINDOW: usize = 2 * FRAME;
const LAG_MIN: usize = 256;
const LAG_MAX: usize = 448;
const HISTORY: usize = LAG_MAX + WINDOW;
/// Energy under which there is nothing to compare: -66 dB.
const ENERGY_MIN: f32 = WINDOW as f32 * 2.5e-7;

/// Remembers the last 144 ms of a channel.
pub(super) struct Tones {
    history: Vec<f32>,
}

impl Default for Tones {
    fn default() -> Tones {
        Tones {
            history: vec![0.0; HISTORY],
        }
    }
}

impl Tones {
    /// How much the frame (256 samples) is like something of 64 to 112 ms before, in 0..=1: the largest
    /// normalised correlation. Voices are around 0.3, notes and chords around 0.8 while they last.
    pub(super) fn steadiness(&mut self, frame: &[f32]) -> f32 {
        self.history.drain(..FRAME);
        let coarse = frame.chunks_exact(STEP);
        self.history
            .extend(coarse.map(|four| four.iter().sum::<f32>() / STEP as f32));
        let (past, now) = self.history.split_at(LAG_MAX);
        let energy = dot(now, now);
        if energy < ENERGY_MIN {
            return 0.0;
        }
        let past = &past[..LAG_MAX - LAG_MIN + WINDOW];
        let mut best = 0.0f32;
        for earlier in past.windows(WINDOW) {
            let alike = dot(earlier, now);
            if alike > 0.0 {
                let both = energy * dot(earlier, earlier);
                best = best.max(alike * alike / both.max(f32::MIN_POSITIVE));
            }
        }
        best.sqrt().min(1.0)
    }
}

fn dot(one: &[f32], other: &[f32]) -> f32 {
    // Eight sums side by side, which compilers turn into vectors.
    let mut sums = [0.0f32; 8];
    for (a, b) in one.chunks_exact(8).zip(other.chunks_exact(8)) {
        for (sum, (a, b)) in sums.iter_mut().zip(a.iter().zip(b)) {
            *sum += a * b;
        }
    }
    sums.iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Seed;

    fn median(sound: &[f32]) -> f32 {
        let mut tones = Tones::default();
        let frames = sound.chunks_exact(FRAME_SAMPLES);
        let mut all: Vec<f32> = frames.map(|frame| tones.steadiness(frame)).collect();
        all.sort_by(f32::total_cmp);
        all[all.len() / 2]
    }

    fn tone(pitch_hz: impl Fn(f32) -> f32) -> Vec<f32> {
        let mut phase = 0.0;
        (0..16_000)
            .map(|n| {
                phase += std::f32::consts::TAU * pitch_hz(n as f32 / 16_000.0) / 16_000.0;
                0.2 * (phase.sin() + (3.0 * phase).sin() + (7.0 * phase).sin())
            })
            .collect()
    }

    #[test]
    fn a_tone_is_steady_and_a_gliding_voice_and_noise_are_not() {
        assert!(median(&tone(|_| 220.0)) > 0.95);
        assert!(median(&tone(|s| 180.0 - 60.0 * s)) < 0.7);
        let mut noise = Seed(1).stream("test", 0, 0, "noise");
        let noise: Vec<f32> = (0..16_000).map(|_| 0.1 * noise.normal() as f32).collect();
        assert!(median(&noise) < 0.4);
        assert_eq!(median(&[0.0; 4_096]), 0.0);
    }
}
