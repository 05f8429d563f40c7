//! What has to be known of a whole recording before anybody listens to it: how loud each side speaks, what of it is
//! cut off, and how one side leaks into the other.

use super::leak::{LeakSurvey, Leaks};
use super::source::Side;
use super::track::{Level, MS_SAMPLES, level};
use crate::audio::amplitude_from_db;

/// Loudness is taken over 20 ms.
const GRAIN: usize = 20 * MS_SAMPLES;
/// The share of grains that are softer than somebody who speaks up.
const SOFTER: f64 = 0.97;
/// How loud a voice is brought before detectors hear it, in dB of full scale over 20 ms; and by how much at most.
const SPEECH_DB: f32 = -22.0;
const GAIN_MAX_DB: f32 = 45.0;

/// Goes through a recording.
#[derive(Default)]
pub(super) struct Surveyor {
    sides: [SideSurveyor; 2],
    leaks: [LeakSurvey; 2],
}

#[derive(Default)]
struct SideSurveyor {
    waiting: Vec<f32>,
    /// How many grains have each level.
    grains: Vec<u64>,
    clips: Clips,
}

/// What was found out.
pub(super) struct Survey {
    /// For the caller and the agent: by which factor detectors hear the side louder.
    pub(super) gains: [f32; 2],
    /// What leaks into the caller's channel, and into the agent's.
    pub(super) leaks: [Leaks; 2],
    /// Milliseconds in which the sound is cut off at its loudest.
    pub(super) clipped_ms: [u32; 2],
}

impl Surveyor {
    /// A channel as it is in the file, at `rate` Hz: what is cut off is seen only here.
    pub(super) fn raw(&mut self, side: Side, samples: &[f32], rate: u32) {
        self.sides[side as usize].clips.look(samples, rate);
    }

    /// Hears a stretch of both sides at 16 kHz, which is as long on either.
    pub(super) fn hear(&mut self, [caller, agent]: [&[f32]; 2]) {
        self.leaks[Side::Caller as usize].hear(caller, agent);
        self.leaks[Side::Agent as usize].hear(agent, caller);
        for (own, samples) in self.sides.iter_mut().zip([caller, agent]) {
            own.hear(samples);
        }
    }

    pub(super) fn finish(self) -> Survey {
        Survey {
            gains: self.sides.each_ref().map(SideSurveyor::gain),
            clipped_ms: self.sides.each_ref().map(|side| side.clips.clipped_ms),
            leaks: self.leaks.map(LeakSurvey::finish),
        }
    }
}

impl SideSurveyor {
    fn hear(&mut self, samples: &[f32]) {
        self.grains.resize(usize::from(Level::MAX) + 1, 0);
        self.waiting.extend_from_slice(samples);
        for grain in self.waiting.chunks_exact(GRAIN) {
            let power = grain.iter().map(|s| s * s).sum::<f32>() / GRAIN as f32;
            self.grains[usize::from(level(power.sqrt()))] += 1;
        }
        let rest = self.waiting.len() % GRAIN;
        self.waiting.drain(..self.waiting.len() - rest);
    }

    /// A voice on a quiet line is brought to the loudness that detectors know; a loud one stays.
    fn gain(&self) -> f32 {
        let heard: u64 = self.grains.iter().skip(1).sum();
        let mut rest = (heard as f64 * SOFTER) as u64;
        let found = self.grains.iter().enumerate().skip(1).find(|(_, count)| {
            let is_here = rest < **count;
            rest = rest.saturating_sub(**count);
            is_here
        });
        found.map_or(1.0, |(level, _)| {
            let db = super::track::in_db(level as Level);
            amplitude_from_db((SPEECH_DB - db).clamp(0.0, GAIN_MAX_DB))
        })
    }
}

/// Samples in a row at the loudest value that make a clip: one alone is a peak.
const CLIPPED_SAMPLES: u32 = 3;
/// Below this amplitude nothing is cut off, only flat: -6 dB.
const CLIP_MIN: f32 = 0.5;

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
    fn what_is_flat_at_its_loudest_is_cut_off() {
        let clipped = |gain: f32, ceiling: f32| {
            let mut surveyor = Surveyor::default();
            let tone = (0..8_000).map(|n| (gain * (n as f32 * 0.1).sin()).clamp(-ceiling, ceiling));
            surveyor.raw(Side::Agent, &tone.collect::<Vec<f32>>(), 8_000);
            surveyor.finish().clipped_ms[Side::Agent as usize]
        };
        assert_eq!(clipped(0.9, 1.0), 0);
        assert!(clipped(3.0, 1.0) > 200);
        // Cut off at a lower level, by a device before the recorder.
        assert!(clipped(3.0, 0.7) > 200);
    }

    #[test]
    fn a_quiet_side_is_heard_louder_and_a_loud_one_as_it_is() {
        let tone = |gain: f32| -> Vec<f32> {
            (0..32_000).map(|n| gain * (n as f32 * 0.3).sin()).collect()
        };
        let (quiet, loud) = (tone(0.002), tone(0.5));
        let mut surveyor = Surveyor::default();
        surveyor.hear([&quiet, &loud]);
        let gains = surveyor.finish().gains;
        assert!(
            (30.0..100.0).contains(&gains[0]) && gains[1] == 1.0,
            "{gains:?}"
        );
    }
}
