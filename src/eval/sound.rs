//! Recordings as they would sound in another condition. Everything random comes from one stream, so that a suite sounds the
//! same every time.

use super::Recipe;
use super::recipe::Step;
use crate::audio::{AudioError, SAMPLE_RATE, amplitude_from_db, mu_law, peak, resample};
use crate::rng::Stream;
use realfft::RealFftPlanner;
use std::time::Duration;

/// What goes on behind a voice begins so long before the recording, and ends so long after it: an agent must not be able to
/// wait for its end.
const BEFORE: Duration = Duration::from_millis(500);
const AFTER: Duration = Duration::from_secs(3);

/// People who speak at once in a babble.
const BABBLE: usize = 6;

/// The rate of telephones, in Hz.
const TELEPHONE_RATE: u32 = 8_000;

/// Samples of a frame, over which a level is measured: 16 ms.
const FRAME: usize = crate::audio::FRAME_SAMPLES;

/// Frames so far under the loudest, in decibels, are pauses, which are no part of a voice's level.
const UNDER_LOUDEST_DB: f32 = 30.0;

/// A recording in another condition.
#[derive(Debug, Clone, PartialEq)]
pub struct Cooked {
    pub samples: Vec<f32>,
    /// How long what goes on behind the voice lasts before the recording begins.
    pub before: Duration,
    /// How many times as fast it is as the recording.
    pub speed: f64,
}

/// Makes the sound of a recipe of a recording, mono at [`SAMPLE_RATE`]. `others` are recordings for a babble.
///
/// # Errors
/// None is known: rates are within bounds.
pub fn cook(
    recipe: &Recipe,
    recording: &[f32],
    others: &[&[f32]],
    stream: &mut Stream,
) -> Result<Cooked, AudioError> {
    let mut cooked = Cooked {
        samples: recording.to_vec(),
        before: Duration::ZERO,
        speed: 1.0,
    };
    for step in &recipe.steps {
        match *step {
            Step::Noise(db) => {
                let (length, level) = cooked.surround();
                let noise = pink(length, stream);
                cooked.add(&noise, level * amplitude_from_db(-db));
            }
            Step::Babble(db) => {
                let (length, level) = cooked.surround();
                let babble = babble(others, length, stream);
                cooked.add(&babble, level * amplitude_from_db(-db));
            }
            Step::Room(seconds) => cooked.samples = reverberate(&cooked.samples, seconds, stream),
            Step::Speed(times) => {
                let rate = (f64::from(SAMPLE_RATE) * times).round() as u32;
                cooked.samples =
                    resample::resample(&cooked.samples, rate, SAMPLE_RATE)?.into_owned();
                cooked.speed *= times;
                cooked.before = cooked.before.div_f64(times);
            }
            Step::Level(db) => {
                let gain = amplitude_from_db(db);
                cooked.samples.iter_mut().for_each(|sample| *sample *= gain);
            }
            Step::MuLaw => {
                let line = resample::resample(&cooked.samples, SAMPLE_RATE, TELEPHONE_RATE)?;
                let line: Vec<f32> = line
                    .iter()
                    .map(|sample| mu_law::decode(mu_law::encode(*sample)))
                    .collect();
                cooked.samples = resample::to_pipeline_rate(&line, TELEPHONE_RATE)?.into_owned();
            }
        }
    }
    let loudest = peak(&cooked.samples);
    if loudest > 1.0 {
        cooked
            .samples
            .iter_mut()
            .for_each(|sample| *sample /= loudest);
    }
    Ok(cooked)
}

impl Cooked {
    /// Makes room around the recording for what goes on behind it, once. Returns the length of it all in samples, and the
    /// level of the voice.
    fn surround(&mut self) -> (usize, f32) {
        // What goes on behind the voice already is no part of its level.
        let before = samples_of(self.before);
        let after = samples_of(
            self.before
                .mul_f64(AFTER.as_secs_f64() / BEFORE.as_secs_f64()),
        );
        let voice = self
            .samples
            .get(before..self.samples.len().saturating_sub(after));
        let level = level(voice.unwrap_or(&self.samples));
        if self.before.is_zero() {
            let [before, after] = [BEFORE, AFTER].map(samples_of);
            let mut around = vec![0.0; before];
            around.append(&mut self.samples);
            around.resize(around.len() + after, 0.0);
            self.samples = around;
            self.before = BEFORE;
        }
        (self.samples.len(), level)
    }

    fn add(&mut self, sound: &[f32], level_wanted: f32) {
        let own = level(sound);
        if own > 0.0 {
            let gain = level_wanted / own;
            self.samples
                .iter_mut()
                .zip(sound)
                .for_each(|(sample, more)| *sample += gain * more);
        }
    }
}

fn samples_of(span: Duration) -> usize {
    (span.as_secs_f64() * f64::from(SAMPLE_RATE)) as usize
}

/// The level of a voice, or of any sound: the root of the mean square of its frames that are not far under the loudest.
fn level(samples: &[f32]) -> f32 {
    let frames: Vec<f32> = samples
        .chunks(FRAME)
        .map(|frame| frame.iter().map(|sample| sample * sample).sum::<f32>() / frame.len() as f32)
        .collect();
    let loudest = frames.iter().copied().fold(0.0, f32::max);
    let floor =
        loudest * amplitude_from_db(-UNDER_LOUDEST_DB) * amplitude_from_db(-UNDER_LOUDEST_DB);
    let loud: Vec<f32> = frames
        .into_iter()
        .filter(|energy| *energy > 0.0 && *energy >= floor)
        .collect();
    (loud.iter().sum::<f32>() / loud.len().max(1) as f32).sqrt()
}

/// Pink noise: white noise through first-order filters an octave and a half apart, each as strong as the others.
fn pink(length: usize, stream: &mut Stream) -> Vec<f32> {
    const POLES: [f32; 6] = [0.4, 0.8, 0.93, 0.977, 0.992, 0.9975];
    let mut states = [0.0; POLES.len()];
    (0..length)
        .map(|_| {
            let white = stream.normal() as f32;
            let filtered = states.iter_mut().zip(POLES).map(|(state, pole)| {
                *state = pole * *state + (1.0 - pole * pole).sqrt() * white;
                *state
            });
            filtered.sum::<f32>()
        })
        .collect()
}

/// People who speak at once, each as loud as the others, from a random place of a random recording on.
fn babble(others: &[&[f32]], length: usize, stream: &mut Stream) -> Vec<f32> {
    let mut sum = vec![0.0; length];
    let audible: Vec<&&[f32]> = others.iter().filter(|other| level(other) > 0.0).collect();
    if audible.is_empty() {
        return sum;
    }
    for _ in 0..BABBLE {
        let pick = |count: usize, stream: &mut Stream| {
            ((stream.uniform() * count as f64) as usize).min(count - 1)
        };
        let mut at = 0;
        while at < length {
            let other = audible[pick(audible.len(), stream)];
            let gain = 1.0 / level(other);
            let from = if at == 0 {
                pick(other.len(), stream)
            } else {
                0
            };
            let rest = &other[from..];
            sum[at..]
                .iter_mut()
                .zip(rest)
                .for_each(|(sample, more)| *sample += gain * more);
            at += rest.len();
        }
    }
    sum
}

/// A sound in a room that dies away by 60 dB within `seconds`: itself, and behind it as much energy of noise that dies away
/// (Moorer 1979, "About this reverberation business").
fn reverberate(samples: &[f32], seconds: f32, stream: &mut Stream) -> Vec<f32> {
    let length = (seconds * SAMPLE_RATE as f32) as usize + 1;
    // 10^-3 is -60 dB.
    let decay = libm::log(1e-3) / length as f64;
    let mut tail: Vec<f32> = (0..length)
        .map(|at| (stream.normal() * libm::exp(decay * at as f64)) as f32)
        .collect();
    let energy: f32 = tail.iter().map(|sample| sample * sample).sum();
    tail.iter_mut().for_each(|sample| *sample /= energy.sqrt());
    tail[0] += 1.0;
    convolved(samples, &tail)
}

fn convolved(samples: &[f32], response: &[f32]) -> Vec<f32> {
    let whole = samples.len() + response.len();
    let size = whole.next_power_of_two();
    let mut planner = RealFftPlanner::<f32>::new();
    let (forward, back) = (
        planner.plan_fft_forward(size),
        planner.plan_fft_inverse(size),
    );
    let spectrum = |sound: &[f32]| {
        let mut padded = sound.to_vec();
        padded.resize(size, 0.0);
        let mut spectrum = forward.make_output_vec();
        // Both are as long as the plan says.
        let _ = forward.process(&mut padded, &mut spectrum);
        spectrum
    };
    let mut product = spectrum(samples);
    product
        .iter_mut()
        .zip(spectrum(response))
        .for_each(|(one, other)| *one *= other);
    let mut sound = back.make_output_vec();
    // What a real sound has none of, an imaginary part at either end, may be left by rounding.
    for end in [0, product.len() - 1] {
        product[end].im = 0.0;
    }
    let _ = back.process(&mut product, &mut sound);
    sound.truncate(whole - 1);
    sound.iter_mut().for_each(|sample| *sample /= size as f32);
    sound
}

/// What is wrong with the sound of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broken {
    /// It is flat at full scale.
    Clipped,
    /// Nothing of it can be heard.
    Silent,
    /// It ends in the middle of a sound.
    CutOff,
}

/// What is wrong with an answer's sound, if anything is.
pub fn broken(samples: &[f32]) -> Option<Broken> {
    /// Samples in a row at full scale that no voice has.
    const FLAT: usize = 4;
    const FULL_SCALE: f32 = 0.999;
    const SILENT_DB: f32 = -55.0;
    /// An end that is so little under the level of the whole is no end of a word.
    const ABRUPT_DB: f32 = -6.0;
    let level = level(samples);
    if level < amplitude_from_db(SILENT_DB) {
        return Some(Broken::Silent);
    }
    let is_flat = |run: &[f32]| {
        run.iter().all(|sample| *sample >= FULL_SCALE)
            || run.iter().all(|sample| *sample <= -FULL_SCALE)
    };
    if samples.windows(FLAT).any(is_flat) {
        return Some(Broken::Clipped);
    }
    let last = &samples[samples.len().saturating_sub(FRAME / 2)..];
    let end =
        (last.iter().map(|sample| sample * sample).sum::<f32>() / last.len().max(1) as f32).sqrt();
    (end > level * amplitude_from_db(ABRUPT_DB)).then_some(Broken::CutOff)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::{db_from_amplitude, hum};
    use crate::rng::Seed;

    fn voice() -> Vec<f32> {
        let mut voice = hum(Duration::from_secs(1), 150.0);
        voice.resize(voice.len() + 8_000, 0.0);
        voice
    }

    fn cooked(recipe: &str, recording: &[f32]) -> Cooked {
        let other = hum(Duration::from_millis(700), 210.0);
        let mut stream = Seed(1).stream("test", 0, 0, "sound");
        let recipe: Recipe = recipe.parse().expect("a recipe");
        cook(&recipe, recording, &[&other], &mut stream).expect("cooked")
    }

    #[test]
    fn quiet_changes_nothing_and_every_recipe_gives_the_same_again() {
        assert_eq!(cooked("quiet", &voice()).samples, voice());
        for recipe in [
            "noise=10",
            "babble=10",
            "room=0.4",
            "speed=0.9",
            "mu-law",
            "level=-12 noise=5 mu-law",
        ] {
            assert_eq!(
                cooked(recipe, &voice()),
                cooked(recipe, &voice()),
                "{recipe}"
            );
        }
    }

    #[test]
    fn what_is_behind_a_voice_is_as_far_under_it_as_was_asked_for_and_goes_on_behind_its_end() {
        for recipe in ["noise=10", "babble=10"] {
            let cooked = cooked(recipe, &voice());
            assert_eq!(cooked.before, BEFORE);
            let after = &cooked.samples[cooked.samples.len() - samples_of(AFTER)..];
            let under_db = db_from_amplitude(level(&voice())) - db_from_amplitude(level(after));
            assert!((under_db - 10.0).abs() < 1.5, "{recipe}: {under_db} dB");
        }
    }

    #[test]
    fn two_backgrounds_surround_a_voice_once() {
        let once = cooked("noise=10", &voice()).samples.len();
        let twice = cooked("noise=30 babble=10", &voice()).samples;
        assert_eq!(twice.len(), once);
        let after = &twice[twice.len() - samples_of(AFTER)..];
        let under_db = db_from_amplitude(level(&voice())) - db_from_amplitude(level(after));
        assert!((under_db - 10.0).abs() < 1.5, "{under_db} dB");
    }

    #[test]
    fn a_faster_voice_is_shorter() {
        let fast = cooked("speed=1.25", &voice());
        let expected = voice().len() as f64 / 1.25;
        assert!((fast.samples.len() as f64 - expected).abs() < 4.0);
        assert_eq!(fast.speed, 1.25);
    }

    #[test]
    fn a_telephone_takes_what_lies_above_it() {
        let high = hum(Duration::from_secs(1), 6_000.0);
        assert!(level(&cooked("mu-law", &high).samples) < 0.1 * level(&high));
        let low = hum(Duration::from_secs(1), 500.0);
        let db = db_from_amplitude(level(&cooked("mu-law", &low).samples) / level(&low));
        assert!(db.abs() < 0.5, "{db}");
    }

    #[test]
    fn a_room_goes_on_sounding_behind_the_end_of_a_voice() {
        let in_room = cooked("room=0.5", &voice()).samples;
        let after = 16_000 + 800..16_000 + 2_400;
        assert!(level(&in_room[after.clone()]) > 0.02 * level(&in_room));
        assert_eq!(level(&voice()[after]), 0.0);
        // Also where the recording ends with the voice.
        let ends = hum(Duration::from_secs(1), 150.0);
        let in_room = cooked("room=0.5", &ends).samples;
        assert!(level(&in_room[16_000 + 800..16_000 + 2_400]) > 0.02 * level(&in_room));
    }

    #[test]
    fn nothing_is_louder_than_full_scale() {
        assert!(peak(&cooked("level=40 noise=0", &voice()).samples) <= 1.0);
    }

    #[test]
    fn broken_sound_is_told_from_whole() {
        let fading: Vec<f32> = {
            let whole = hum(Duration::from_secs(1), 200.0);
            let length = whole.len() as f32;
            whole
                .iter()
                .enumerate()
                .map(|(at, sample)| sample * (1.0 - at as f32 / length))
                .collect()
        };
        assert_eq!(broken(&fading), None);
        assert_eq!(broken(&fading[..8_000]), Some(Broken::CutOff));
        assert_eq!(broken(&[0.0; 4_000]), Some(Broken::Silent));
        assert_eq!(broken(&[]), Some(Broken::Silent));
        let loud: Vec<f32> = fading
            .iter()
            .map(|sample| (40.0 * sample).clamp(-1.0, 1.0))
            .collect();
        assert_eq!(broken(&loud), Some(Broken::Clipped));
    }
}
