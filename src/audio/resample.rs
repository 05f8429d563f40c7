//! Changing the sample rate of a clip without moving anything in time, or the time of a clock that was wrong.

use std::borrow::Cow;

use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{
    Async, Fft, FixedAsync, FixedSync, PolynomialDegree, Resampler as _,
    SincInterpolationParameters, WindowFunction,
};

use crate::audio::{AudioError, RATE_MAX, RATE_MIN, SAMPLE_RATE};

/// The shortest block that is transformed, in samples of the slower of the two rates.
///
/// The block is also the length of the anti-aliasing filter. Measured at the usual rates, 512 keeps everything up to
/// 0.95 of the slower rate's Nyquist frequency to within -100 dB, where 256 loses its top, and longer blocks gain
/// nothing that can be heard. A click's ringing is under -40 dB of its peak after 2 to 4 ms.
const BLOCK_SAMPLES_MIN: usize = 512;

/// Brings `samples` from `rate` Hz to [`SAMPLE_RATE`], without a copy if that is their rate. See [`resample`].
pub fn to_pipeline_rate(samples: &[f32], rate: u32) -> Result<Cow<'_, [f32]>, AudioError> {
    resample(samples, rate, SAMPLE_RATE)
}

/// Brings `samples` from `from` Hz to `to` Hz.
///
/// Sample n of the result is the sound at n / `to` seconds exactly: the filter's delay is taken out. The result
/// has round(length * to / from) samples, and is the input itself, not copied, when the rates are equal. It may
/// overshoot [-1, 1] a little where the input was at full scale.
///
/// Fails if a rate is outside [`RATE_MIN`]..=[`RATE_MAX`]. Somebody with many clips at one rate keeps a
/// [`Resampler`], which plans its transforms once.
pub fn resample(samples: &[f32], from: u32, to: u32) -> Result<Cow<'_, [f32]>, AudioError> {
    if from == to {
        return Ok(Cow::Borrowed(samples));
    }
    Resampler::new(from, to)?.resample(samples).map(Cow::Owned)
}

/// A planned change of rate, for many clips. Clips do not influence one another.
pub struct Resampler {
    from: u32,
    to: u32,
    /// None when the rates are equal.
    fft: Option<Fft<f32>>,
}

impl Resampler {
    /// Plans the change from `from` Hz to `to` Hz. Fails if one is outside [`RATE_MIN`]..=[`RATE_MAX`].
    pub fn new(from: u32, to: u32) -> Result<Self, AudioError> {
        if let Some(rate) = [from, to]
            .into_iter()
            .find(|rate| !(RATE_MIN..=RATE_MAX).contains(rate))
        {
            return Err(AudioError::Resample {
                from,
                to,
                what: format!("{rate} Hz is no usual rate"),
            });
        }
        let fft = if from == to {
            None
        } else {
            Some(plan(from, to).map_err(|reason| failed(from, to, &reason))?)
        };
        Ok(Self { from, to, fft })
    }

    /// Brings one clip to the new rate: length, alignment and errors as for [`resample`].
    pub fn resample(&mut self, samples: &[f32]) -> Result<Vec<f32>, AudioError> {
        let (from, to) = (self.from, self.to);
        let Some(fft) = &mut self.fft else {
            return Ok(samples.to_vec());
        };
        let input = InterleavedSlice::new(samples, 1, samples.len())
            .map_err(|reason| failed(from, to, &reason))?;
        let mut output = fft
            .process_all(&input, samples.len(), None)
            .map_err(|reason| failed(from, to, &reason))?
            .take_data();
        // rubato rounds the length up; a clip's duration is kept best by rounding to the nearest.
        output.resize(output_len(samples.len(), from, to), 0.0);
        Ok(output)
    }
}

/// The length of a prompt filter, in samples: 2 ms to either side at 8 kHz.
const PROMPT_TAPS: usize = 32;

/// Samples that are stretched at once.
const STRETCHED_SAMPLES: usize = 1_024;

/// A change of rate, or of time, for sound that comes piece by piece.
///
/// The pieces that come out are, together, what [`resample`] makes of the whole.
pub struct StreamResampler {
    from: u32,
    to: u32,
    /// How much longer the sound becomes, if that is no matter of rates.
    factor: Option<f64>,
    /// None when nothing is to be changed.
    planned: Option<Box<dyn rubato::Resampler<f32> + Send>>,
    /// Samples that do not fill a block yet.
    waiting: Vec<f32>,
    /// Samples that the filter's delay still puts before the sound.
    ahead: usize,
    /// Samples that came in.
    taken: usize,
    /// Samples that went out.
    given: usize,
}

impl StreamResampler {
    /// Plans the change from `from` Hz to `to` Hz. Errors as for [`Resampler::new`].
    pub fn new(from: u32, to: u32) -> Result<Self, AudioError> {
        let Resampler { fft, .. } = Resampler::new(from, to)?;
        let planned = fft.map(|fft| Box::new(fft) as Box<_>);
        Ok(Self::of((from, to), None, planned))
    }

    /// Plans a change from `from` Hz to `to` Hz that waits for little: pieces of 10 ms, and a shorter filter, which lets
    /// a little of what lies near half the slower rate through. For sound that somebody waits for. Errors as for
    /// [`Resampler::new`].
    pub fn prompt(from: u32, to: u32) -> Result<Self, AudioError> {
        if from == to || Resampler::new(from, to).is_err() {
            return Self::new(from, to);
        }
        let ratio = f64::from(to) / f64::from(from);
        let filter = SincInterpolationParameters::new(PROMPT_TAPS, WindowFunction::Hann2);
        let piece = (from / 100) as usize;
        let planned = Async::new_sinc(ratio, 1.0, &filter, piece, 1, FixedAsync::Input)
            .map_err(|reason| failed(from, to, &reason))?;
        Ok(Self::of((from, to), None, Some(Box::new(planned))))
    }

    /// Makes sound at [`SAMPLE_RATE`] longer by a factor near 1, its pitch lower with it: the sound of a clock that ran
    /// too slow. Its cubic loses some of what lies above 4 kHz, which does not matter to who speaks when. Fails if
    /// the factor is not positive.
    pub fn stretching(factor: f64) -> Result<Self, AudioError> {
        let degree = PolynomialDegree::Cubic;
        let planned = Async::new_poly(factor, 1.0, degree, STRETCHED_SAMPLES, 1, FixedAsync::Input)
            .map_err(|reason| failed(SAMPLE_RATE, SAMPLE_RATE, &reason))?;
        let rates = (SAMPLE_RATE, SAMPLE_RATE);
        Ok(Self::of(rates, Some(factor), Some(Box::new(planned))))
    }

    fn of(
        (from, to): (u32, u32),
        factor: Option<f64>,
        planned: Option<Box<dyn rubato::Resampler<f32> + Send>>,
    ) -> Self {
        Self {
            from,
            to,
            factor,
            ahead: planned.as_ref().map_or(0, |own| own.output_delay()),
            planned,
            waiting: Vec::new(),
            taken: 0,
            given: 0,
        }
    }

    /// How many samples go out in all.
    fn whole(&self) -> usize {
        match self.factor {
            Some(factor) => (self.taken as f64 * factor).round() as usize,
            None => output_len(self.taken, self.from, self.to),
        }
    }

    /// Takes the next piece, and appends to `out` as much as can be known by now.
    pub fn push(&mut self, samples: &[f32], out: &mut Vec<f32>) -> Result<(), AudioError> {
        let Some(planned) = &self.planned else {
            out.extend_from_slice(samples);
            return Ok(());
        };
        self.taken += samples.len();
        let block = planned.input_frames_next();
        self.waiting.extend_from_slice(samples);
        let mut start = 0;
        while self.waiting.len() - start >= block {
            self.block(start..start + block, out)?;
            start += block;
        }
        self.waiting.drain(..start);
        Ok(())
    }

    /// Appends what is left, to the length that [`resample`] gives the whole.
    pub fn finish(mut self, out: &mut Vec<f32>) -> Result<(), AudioError> {
        let whole = self.whole();
        let planned = self.planned.as_ref();
        let Some(block) = planned.map(|own| own.input_frames_next()) else {
            return Ok(());
        };
        while self.given < whole {
            self.waiting.resize(block, 0.0);
            self.block(0..block, out)?;
            self.waiting.clear();
        }
        out.truncate(out.len() - (self.given - whole));
        Ok(())
    }

    fn block(
        &mut self,
        block: std::ops::Range<usize>,
        out: &mut Vec<f32>,
    ) -> Result<(), AudioError> {
        let Some(planned) = &mut self.planned else {
            return Ok(());
        };
        let (from, to) = (self.from, self.to);
        let samples = &self.waiting[block];
        let input = InterleavedSlice::new(samples, 1, samples.len())
            .map_err(|reason| failed(from, to, &reason))?;
        let made = planned
            .process(&input, None)
            .map_err(|reason| failed(from, to, &reason))?
            .take_data();
        let skipped = self.ahead.min(made.len());
        self.ahead -= skipped;
        self.given += made.len() - skipped;
        out.extend_from_slice(&made[skipped..]);
        Ok(())
    }
}

fn plan(from: u32, to: u32) -> Result<Fft<f32>, rubato::ResamplerConstructionError> {
    // Both blocks are whole multiples of the rates over their greatest common divisor. The multiple is even, so
    // that the delay, half a block, is a whole number of samples at both rates and can be cut off exactly.
    let divisor = greatest_common_divisor(from, to);
    let (unit_from, unit_to) = ((from / divisor) as usize, (to / divisor) as usize);
    let multiple = BLOCK_SAMPLES_MIN
        .div_ceil(unit_from.min(unit_to))
        .next_multiple_of(2);
    Fft::new_custom(
        from as usize,
        to as usize,
        unit_from * multiple,
        1,
        1,
        WindowFunction::BlackmanHarris2,
        FixedSync::Both,
    )
}

/// round(len * to / from), without overflow for any length in memory.
fn output_len(len: usize, from: u32, to: u32) -> usize {
    let (len, from, to) = (len as u128, u128::from(from), u128::from(to));
    ((2 * len * to + from) / (2 * from)) as usize
}

fn greatest_common_divisor(a: u32, b: u32) -> u32 {
    if b == 0 {
        a
    } else {
        greatest_common_divisor(b, a % b)
    }
}

fn failed(from: u32, to: u32, reason: &dyn std::fmt::Display) -> AudioError {
    AudioError::Resample {
        from,
        to,
        what: reason.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    const RATES: [u32; 9] = [
        1_000, 8_000, 11_025, 22_050, 24_000, 44_100, 44_101, 48_000, 192_000,
    ];

    fn sine(frequency_hz: f64, rate: u32, len: usize) -> Vec<f32> {
        (0..len)
            .map(|n| (0.5 * (TAU * frequency_hz * n as f64 / f64::from(rate)).sin()) as f32)
            .collect()
    }

    /// The largest difference away from the ends, where the clip's cut edges ring.
    fn largest_difference(a: &[f32], b: &[f32], margin: usize) -> f32 {
        assert_eq!(a.len(), b.len());
        assert!(a.len() > 2 * margin);
        (margin..a.len() - margin).fold(0.0, |largest, n| (a[n] - b[n]).abs().max(largest))
    }

    #[test]
    fn the_right_rate_is_not_copied() {
        let clip = [0.1, 0.2];
        assert!(matches!(
            to_pipeline_rate(&clip, SAMPLE_RATE),
            Ok(Cow::Borrowed(_))
        ));
    }

    #[test]
    fn a_sine_stays_the_same_sine_in_time_and_height() {
        for rate in RATES {
            let (from_len, to_len) = (rate as usize, SAMPLE_RATE as usize);
            let frequency_hz = f64::from(rate.min(SAMPLE_RATE)) * 0.2;
            let clip = sine(frequency_hz, rate, from_len);
            let output = to_pipeline_rate(&clip, rate).unwrap();
            let expected = sine(frequency_hz, SAMPLE_RATE, to_len);
            let difference = largest_difference(&output, &expected, 4_000);
            assert!(difference < 1e-4, "{rate} Hz: off by {difference}");
        }
    }

    #[test]
    fn a_click_stays_where_it_was() {
        for rate in RATES {
            for at_s in [0.0, 0.25, 0.4137] {
                let mut clip = vec![0.0; rate as usize / 2];
                let at = (at_s * f64::from(rate)).round() as usize;
                clip[at] = 1.0;
                let output = to_pipeline_rate(&clip, rate).unwrap();
                let loudest = (0..output.len())
                    .max_by(|&a, &b| output[a].abs().total_cmp(&output[b].abs()))
                    .unwrap();
                let expected = at as f64 * f64::from(SAMPLE_RATE) / f64::from(rate);
                let off = (loudest as f64 - expected).abs();
                assert!(
                    off <= 1.0,
                    "{rate} Hz: the click at {expected} came at {loudest}"
                );
            }
        }
    }

    #[test]
    fn what_the_lower_rate_cannot_hold_is_removed_and_the_rest_kept() {
        let clip = sine(9_000.0, 44_100, 44_100);
        let output = to_pipeline_rate(&clip, 44_100).unwrap();
        let silence = vec![0.0; output.len()];
        assert!(largest_difference(&output, &silence, 2_000) < 1e-4);

        let clip = sine(7_400.0, 44_100, 44_100);
        let output = to_pipeline_rate(&clip, 44_100).unwrap();
        let expected = sine(7_400.0, SAMPLE_RATE, output.len());
        assert!(largest_difference(&output, &expected, 2_000) < 1e-2);
    }

    #[test]
    fn the_length_is_rounded_to_the_nearest_sample() {
        for rate in RATES {
            for len in [0, 1, 2, 3, 99, 1_000, 12_345] {
                let expected = (len as f64 * 16_000.0 / f64::from(rate)).round() as usize;
                let clip = vec![0.5; len];
                let output = resample(&clip, rate, SAMPLE_RATE).unwrap();
                assert_eq!(output.len(), expected, "{len} samples at {rate} Hz");
            }
        }
    }

    #[test]
    fn a_kept_resampler_forgets_the_clip_before() {
        let mut resampler = Resampler::new(22_050, SAMPLE_RATE).unwrap();
        let clip = sine(440.0, 22_050, 5_000);
        let first = resampler.resample(&clip).unwrap();
        resampler.resample(&vec![1.0; 777]).unwrap();
        assert_eq!(resampler.resample(&clip).unwrap(), first);
    }

    #[test]
    fn sound_that_comes_in_pieces_is_resampled_as_a_whole() {
        for rate in RATES {
            for len in [0, 1, 700, 12_345] {
                let clip = sine(f64::from(rate.min(SAMPLE_RATE)) * 0.2, rate, len);
                let whole = resample(&clip, rate, SAMPLE_RATE).unwrap();
                let mut resampler = StreamResampler::new(rate, SAMPLE_RATE).unwrap();
                let mut pieces = Vec::new();
                for piece in clip.chunks(997) {
                    resampler.push(piece, &mut pieces).unwrap();
                }
                resampler.finish(&mut pieces).unwrap();
                assert_eq!(pieces.len(), whole.len(), "{len} samples at {rate} Hz");
                let differ = |(a, b): (&f32, &f32)| (a - b).abs() > 1e-6;
                assert!(!pieces.iter().zip(whole.iter()).any(differ), "{rate} Hz");
            }
        }
    }

    #[test]
    fn what_is_stretched_comes_later_by_the_factor_whatever_the_pieces() {
        let mut samples = vec![0.0; 160_000];
        samples[100_000..100_016].fill(0.5);
        for piece in [77, 1_024, 160_000] {
            let mut stretch = StreamResampler::stretching(1.015).expect("a factor");
            let mut out = Vec::new();
            for piece in samples.chunks(piece) {
                stretch.push(piece, &mut out).expect("sound");
            }
            stretch.finish(&mut out).expect("sound");
            assert_eq!(out.len(), 162_400);
            let loudest = (0..out.len()).max_by(|a, b| out[*a].total_cmp(&out[*b]));
            let off = loudest.expect("samples").abs_diff(101_508);
            assert!(off < 16, "{off} samples off");
        }
        assert!(StreamResampler::stretching(-1.0).is_err());
    }

    #[test]
    fn absurd_rates_are_errors_that_name_them() {
        for (from, to) in [(0, 16_000), (16_000, 0), (u32::MAX, 16_000), (999, 16_000)] {
            let text = Resampler::new(from, to).err().unwrap().to_string();
            assert!(text.contains(&format!("{from} Hz to {to} Hz")), "{text}");
        }
    }
}
