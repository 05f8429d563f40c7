//! How one side of a call leaks into the other, and the other side without it.
//!
//! A leak is taken for linear and the same throughout the call: the other side later, softer and coloured, as in a
//! line's echo, sidetone or a loudspeaker near a microphone. Its path is the filter that best explains the moments in
//! which only the other side is loud (least squares by conjugate gradients, Hestenes and Stiefel 1952), and is
//! believed as far as it explains moments from which it was not learnt.

use crate::audio::{SAMPLE_RATE, db_from_amplitude};
use realfft::num_complex::Complex;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};
use std::sync::Arc;

/// Samples of a moment: 256 ms.
const MOMENT: usize = 4_096;
/// Taps of the path: leaks may be up to 480 ms late.
const TAPS: usize = 7_680;
/// Samples of the other side that a moment depends on.
const CONTEXT: usize = TAPS + MOMENT;
const FFT: usize = 16_384;
/// The most moments a path is learnt from: 16 s.
const MOMENTS_MAX: usize = 64;
/// With fewer moments nothing is learnt.
const MOMENTS_MIN: usize = 4;
/// The other side is loud in a moment if its loudest 16 ms reach this amplitude: -46 dB.
const LOUD_MIN: f32 = 0.005;
/// In a moment to learn from a channel is this much softer than the other one: 8 dB. A leak as loud is a mix.
const SOFTER: f32 = 0.4;
/// Steps of the search for the path; each takes in more of its detail.
const STEPS: usize = 24;
/// The first steps, after which it is clear whether there is a leak at all: it then takes away this much.
const STEPS_FIRST: usize = 4;
const TAKEN_FIRST_DB: f32 = 1.0;
/// The share of the moments that is believed to hold nothing but a leak; of a mix, all are one.
const MOST: f64 = 0.7;
const ALL: f64 = 1.0;
/// A path is believed if it takes this much away of moments it was not learnt from, in dB.
const TAKEN_MIN_DB: f32 = 3.0;
/// One channel is the other one, or holds all of it, if a path as loud as -6 dB takes away this much of everything.
const MIX_TAKEN_MIN_DB: f32 = 9.0;
const MIX_GAIN_MIN_DB: f32 = -6.0;

/// A leak of one side into the other.
#[derive(Debug, Clone, PartialEq)]
pub struct Leak {
    /// How loud it is, relative to the other side, in dB.
    pub level_db: f32,
    /// How late the strongest part of it is, in milliseconds.
    pub delay_ms: f32,
    /// How much of it a subtraction takes away, in dB.
    pub taken_db: f32,
    path: Vec<f32>,
}

/// What is known of leaks into a channel.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Leaks {
    None,
    /// The other side leaks into it.
    Into(Leak),
    /// The channel holds the other one as if it were its own.
    Mix(Leak),
}

/// A moment of a channel, and what the other side said before and in it.
#[derive(Clone)]
struct Moment {
    heard: Vec<f32>,
    other: Vec<f32>,
}

impl Moment {
    /// Each moment counts as much as any other, however loud.
    fn weight(&self) -> f32 {
        1.0 / power(&self.other).max(1e-9)
    }
}

/// Some of many moments, evenly spread: whenever there are too many, every other one is forgotten.
#[derive(Default)]
struct Sample {
    kept: Vec<Moment>,
    seen: usize,
    skips: u32,
}

impl Sample {
    fn offer(&mut self, moment: impl FnOnce() -> Moment) {
        let is_due = self.seen.is_multiple_of(1 << self.skips);
        self.seen += 1;
        if !is_due {
            return;
        }
        self.kept.push(moment());
        if self.kept.len() > MOMENTS_MAX {
            let mut index = 0;
            self.kept.retain(|_| {
                index += 1;
                index % 2 == 1
            });
            self.skips += 1;
        }
    }
}

/// Collects moments of a channel.
#[derive(Default)]
pub(super) struct LeakSurvey {
    other: Vec<f32>,
    heard: Vec<f32>,
    /// Moments in which what is heard may be nothing but a leak.
    soft: Sample,
    /// Moments in which the other side is loud.
    any: Sample,
}

impl LeakSurvey {
    /// Hears the same stretch of the channel and of the other side, at 16 kHz.
    pub(super) fn hear(&mut self, heard: &[f32], other: &[f32]) {
        if self.other.is_empty() {
            self.other.resize(TAPS, 0.0);
        }
        self.heard.extend_from_slice(heard);
        self.other.extend_from_slice(other);
        while self.heard.len() >= MOMENT {
            self.moment();
            self.heard.drain(..MOMENT);
            self.other.drain(..MOMENT);
        }
    }

    fn moment(&mut self) {
        let (heard, other) = (&self.heard[..MOMENT], &self.other[..CONTEXT]);
        let loudest = |sound: &[f32]| {
            let frames = sound.chunks(256);
            let power = frames.map(|f| f.iter().map(|s| s * s).sum::<f32>() / f.len() as f32);
            power.fold(0.0, f32::max).sqrt()
        };
        let (of_heard, of_other) = (loudest(heard), loudest(other));
        if of_other < LOUD_MIN || of_heard == 0.0 {
            return;
        }
        let moment = || Moment {
            heard: heard.to_vec(),
            other: other.to_vec(),
        };
        self.any.offer(moment);
        if of_heard <= SOFTER * of_other {
            self.soft.offer(moment);
        }
    }

    /// What was found out.
    pub(super) fn finish(self) -> Leaks {
        let solver = Solver::default();
        if let Some(leak) = solver.leak(&self.any.kept, ALL)
            && leak.level_db > MIX_GAIN_MIN_DB
            && leak.taken_db > MIX_TAKEN_MIN_DB
        {
            return Leaks::Mix(leak);
        }
        solver
            .leak(&self.soft.kept, MOST)
            .map_or(Leaks::None, Leaks::Into)
    }
}

/// Finds paths.
struct Solver {
    forward: Arc<dyn RealToComplex<f32>>,
    back: Arc<dyn ComplexToReal<f32>>,
}

impl Default for Solver {
    fn default() -> Solver {
        let mut planner = RealFftPlanner::new();
        Solver {
            forward: planner.plan_fft_forward(FFT),
            back: planner.plan_fft_inverse(FFT),
        }
    }
}

type Spectrum = Vec<Complex<f32>>;

impl Solver {
    /// The leak that explains these moments; the share of them that it explains best counts.
    fn leak(&self, moments: &[Moment], share: f64) -> Option<Leak> {
        if moments.len() < MOMENTS_MIN {
            return None;
        }
        let half = |odd: usize| -> Vec<&Moment> {
            let numbered = moments.iter().enumerate();
            numbered
                .filter(|(index, _)| index % 2 == odd)
                .map(|(_, moment)| moment)
                .collect()
        };
        let (mut learn, mut try_on) = (half(0), half(1));
        // A few steps show whether there is anything to find.
        let first = self.path(&learn, STEPS_FIRST);
        self.keep_best(&first, &mut try_on, share);
        if self.taken_db(&first, &try_on) < TAKEN_FIRST_DB {
            return None;
        }
        self.keep_best(&first, &mut learn, share);
        let path = self.path(&learn, STEPS);
        let mut try_on = half(1);
        self.keep_best(&path, &mut try_on, share);
        let taken_db = self.taken_db(&path, &try_on);
        if taken_db < TAKEN_MIN_DB {
            return None;
        }
        learn.extend(try_on);
        let path = self.path(&learn, STEPS);
        let power: f32 = path.iter().map(|tap| tap * tap).sum();
        let strongest = path.iter().enumerate();
        let strongest = strongest.max_by(|a, b| a.1.abs().total_cmp(&b.1.abs()))?.0;
        Some(Leak {
            level_db: db_from_amplitude(power.sqrt()),
            delay_ms: strongest as f32 * 1e3 / SAMPLE_RATE as f32,
            taken_db,
            path,
        })
    }

    /// Forgets the moments of which a path leaves most: there somebody speaks besides.
    fn keep_best(&self, path: &[f32], moments: &mut Vec<&Moment>, share: f64) {
        let path = self.spectrum(path);
        let left = |moment: &&Moment| moment.weight() * power(&self.rest(&path, moment));
        let count = ((moments.len() as f64 * share) as usize).max(MOMENTS_MIN / 2);
        moments.sort_by_cached_key(|moment| left(moment).to_bits());
        moments.truncate(count);
    }

    /// What a path with this spectrum leaves of a moment.
    fn rest(&self, path: &Spectrum, moment: &Moment) -> Vec<f32> {
        let mut rest = moment.heard.clone();
        let leak = self.through(path, &self.spectrum(&moment.other));
        add(&mut rest, &leak, -1.0);
        rest
    }

    fn spectrum(&self, sound: &[f32]) -> Spectrum {
        let mut padded = vec![0.0; FFT];
        padded[..sound.len()].copy_from_slice(sound);
        let mut spectrum = self.forward.make_output_vec();
        // Lengths are those the plan was made for.
        let _ = self.forward.process(&mut padded, &mut spectrum);
        spectrum
    }

    fn sound(&self, spectrum: &mut Spectrum) -> Vec<f32> {
        let mut sound = self.back.make_output_vec();
        if let (Some(first), Some(last)) = (spectrum.first().copied(), spectrum.last().copied()) {
            let end = spectrum.len() - 1;
            spectrum[0] = Complex::new(first.re, 0.0);
            spectrum[end] = Complex::new(last.re, 0.0);
        }
        let _ = self.back.process(spectrum, &mut sound);
        let scale = 1.0 / FFT as f32;
        sound.iter_mut().for_each(|sample| *sample *= scale);
        sound
    }

    /// What a path with this spectrum makes of a moment's other side.
    fn through(&self, path: &Spectrum, other: &Spectrum) -> Vec<f32> {
        let mut product: Spectrum = path.iter().zip(other).map(|(a, b)| a * b).collect();
        let mut made = self.sound(&mut product);
        // What came before the moment is wrapped around, or incomplete.
        made.truncate(CONTEXT);
        made.drain(..TAPS);
        made
    }

    /// The path that explains these moments best, each of them as heavy as any other.
    fn path(&self, moments: &[&Moment], steps: usize) -> Vec<f32> {
        let weights: Vec<f32> = moments.iter().map(|moment| moment.weight()).collect();
        let others: Vec<Spectrum> = moments.iter().map(|m| self.spectrum(&m.other)).collect();
        let back = |rests: &[Vec<f32>]| -> Vec<f32> {
            let mut sum = vec![Complex::new(0.0, 0.0); FFT / 2 + 1];
            for ((rest, other), weight) in rests.iter().zip(&others).zip(&weights) {
                let mut late = vec![0.0; CONTEXT];
                late[TAPS..].copy_from_slice(rest);
                for ((sum, a), b) in sum.iter_mut().zip(self.spectrum(&late)).zip(other) {
                    *sum += a * b.conj() * weight;
                }
            }
            let mut gradient = self.sound(&mut sum);
            gradient.truncate(TAPS);
            gradient
        };
        let mut path = vec![0.0f32; TAPS];
        let mut rests: Vec<Vec<f32>> = moments.iter().map(|m| m.heard.clone()).collect();
        let mut gradient = back(&rests);
        let mut direction = gradient.clone();
        let mut steepness = dot(&gradient, &gradient);
        let first = steepness;
        for _ in 0..steps {
            if steepness <= first * 1e-6 {
                break;
            }
            let spectrum = self.spectrum(&direction);
            let moved: Vec<Vec<f32>> = others.iter().map(|o| self.through(&spectrum, o)).collect();
            let bend: f32 = moved.iter().zip(&weights).map(|(m, w)| w * dot(m, m)).sum();
            if bend <= 0.0 {
                break;
            }
            let step = steepness / bend;
            add(&mut path, &direction, step);
            for (rest, moved) in rests.iter_mut().zip(&moved) {
                add(rest, moved, -step);
            }
            gradient = back(&rests);
            let next = dot(&gradient, &gradient);
            let share = next / steepness;
            for (direction, gradient) in direction.iter_mut().zip(&gradient) {
                *direction = gradient + share * *direction;
            }
            steepness = next;
        }
        path
    }

    /// How much of these moments a path takes away, in dB.
    fn taken_db(&self, path: &[f32], moments: &[&Moment]) -> f32 {
        let path = self.spectrum(path);
        let (mut before, mut after) = (0.0, 0.0);
        for moment in moments {
            before += moment.weight() * power(&moment.heard);
            after += moment.weight() * power(&self.rest(&path, moment));
        }
        10.0 * (before.max(1e-20) / after.max(1e-20)).log10()
    }
}

fn dot(one: &[f32], other: &[f32]) -> f32 {
    one.iter().zip(other).map(|(a, b)| a * b).sum()
}

fn power(sound: &[f32]) -> f32 {
    dot(sound, sound)
}

fn add(to: &mut [f32], what: &[f32], times: f32) {
    for (to, what) in to.iter_mut().zip(what) {
        *to += times * what;
    }
}

/// Takes the leak out of a channel as it comes.
pub(super) struct Subtraction {
    solver: Solver,
    path: Spectrum,
    /// What was not handed on yet, and the other side from [`TAPS`] samples before it on.
    heard: Vec<f32>,
    other: Vec<f32>,
}

/// Samples that are handed on at once.
const BLOCK: usize = FFT - TAPS;

impl Subtraction {
    pub(super) fn new(leak: &Leak) -> Subtraction {
        let solver = Solver::default();
        Subtraction {
            path: solver.spectrum(&leak.path),
            solver,
            heard: Vec::new(),
            other: vec![0.0; TAPS],
        }
    }

    /// Hears the same stretch of the channel and of the other side; `take` is handed the channel without the leak, and
    /// the leak that was taken out of it, both up to half a second later.
    pub(super) fn hear(
        &mut self,
        heard: &[f32],
        other: &[f32],
        take: &mut dyn FnMut(&[f32], &[f32]),
    ) {
        self.heard.extend_from_slice(heard);
        self.other.extend_from_slice(other);
        while self.heard.len() >= BLOCK {
            self.block(BLOCK, take);
        }
    }

    /// The rest.
    pub(super) fn finish(mut self, take: &mut dyn FnMut(&[f32], &[f32])) {
        let rest = self.heard.len();
        if rest > 0 {
            self.block(rest, take);
        }
    }

    fn block(&mut self, samples: usize, take: &mut dyn FnMut(&[f32], &[f32])) {
        let other = self.solver.spectrum(&self.other[..TAPS + samples]);
        let mut product: Spectrum = self.path.iter().zip(&other).map(|(a, b)| a * b).collect();
        let made = self.solver.sound(&mut product);
        let leak = &made[TAPS..TAPS + samples];
        let rest: Vec<f32> = self
            .heard
            .iter()
            .zip(leak)
            .map(|(heard, leak)| heard - leak)
            .collect();
        take(&rest, leak);
        self.heard.drain(..samples);
        self.other.drain(..samples);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Seed;

    /// Somebody who speaks now and then: noise in bursts.
    fn speaker(seed: u64, seconds: usize, phase: usize) -> Vec<f32> {
        let mut noise = Seed(seed).stream("test", 0, 0, "noise");
        let mut low = 0.0;
        (0..seconds * 16_000)
            .map(|n| {
                low = 0.7 * low + 0.1 * noise.normal() as f32;
                let speaks = (n / 16_000 + phase).is_multiple_of(4);
                if speaks { low } else { 0.0 }
            })
            .collect()
    }

    fn leaking(heard: &[f32], other: &[f32], (delay, gain): (usize, f32)) -> Vec<f32> {
        let late = |n: usize| n.checked_sub(delay).map_or(0.0, |n| other[n]);
        (0..heard.len())
            .map(|n| heard[n] + gain * (late(n) - 0.5 * n.checked_sub(3).map_or(0.0, late)))
            .collect()
    }

    fn surveyed(heard: &[f32], other: &[f32]) -> Leaks {
        let mut survey = LeakSurvey::default();
        for (heard, other) in heard.chunks(1_000).zip(other.chunks(1_000)) {
            survey.hear(heard, other);
        }
        survey.finish()
    }

    #[test]
    fn a_leak_is_found_and_taken_away() {
        let (caller, agent) = (speaker(1, 40, 0), speaker(2, 40, 2));
        for (delay, gain) in [(0, 0.2), (800, -0.05), (5_600, 0.1)] {
            let heard = leaking(&agent, &caller, (delay, gain));
            let Leaks::Into(leak) = surveyed(&heard, &caller) else {
                panic!("a leak {delay} samples late");
            };
            let late = leak.delay_ms - delay as f32 / 16.0;
            assert!(late.abs() < 1.0, "{late}");
            assert!(leak.taken_db > 20.0, "{leak:?}");
            let mut subtraction = Subtraction::new(&leak);
            let mut rest = Vec::new();
            for (heard, other) in heard.chunks(999).zip(caller.chunks(999)) {
                subtraction.hear(heard, other, &mut |samples, _| {
                    rest.extend_from_slice(samples);
                });
            }
            subtraction.finish(&mut |samples, _| rest.extend_from_slice(samples));
            assert_eq!(rest.len(), heard.len());
            let off: Vec<f32> = rest.iter().zip(&agent).map(|(a, b)| a - b).collect();
            let leaked: Vec<f32> = heard.iter().zip(&agent).map(|(a, b)| a - b).collect();
            assert!(power(&off) < 0.02 * power(&leaked));
        }
    }

    #[test]
    fn two_people_who_take_turns_do_not_leak() {
        assert_eq!(
            surveyed(&speaker(2, 40, 2), &speaker(1, 40, 0)),
            Leaks::None
        );
        assert_eq!(surveyed(&[0.0; 160_000], &speaker(1, 10, 0)), Leaks::None);
    }

    #[test]
    fn the_same_sound_later_or_upside_down_is_a_mix() {
        let mut mix = speaker(1, 40, 0);
        add(&mut mix, &speaker(2, 40, 2), 1.0);
        for (delay, gain) in [(0, 1.0), (80, -1.0), (2_000, 0.8)] {
            let heard = leaking(&[0.0; 640_000], &mix, (delay, gain));
            assert!(matches!(surveyed(&heard, &mix), Leaks::Mix(_)), "{delay}");
        }
    }
}
