//! Sound of a clock that runs too fast or too slow, stretched piece by piece to another one's time.

use super::AudioError;
use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Async, FixedAsync, PolynomialDegree, Resampler as _};

/// Samples that are stretched at once.
const BLOCK: usize = 1_024;

/// Makes sound longer by a factor, its pitch lower with it.
pub struct Stretch {
    factor: f64,
    /// None if the factor is 1.
    resampler: Option<Async<f32>>,
    /// Samples that do not fill a block yet.
    waiting: Vec<f32>,
    /// Samples that the filter's delay still puts before the sound.
    ahead: usize,
    /// Samples that came in.
    taken: usize,
    /// Samples that went out.
    given: usize,
}

impl Stretch {
    /// Stretches by `factor`, which is near 1. Fails if it is not positive and finite.
    pub fn new(factor: f64) -> Result<Self, AudioError> {
        let is_bent = (factor - 1.0).abs() > f64::EPSILON;
        // Sound of a call has little above 4 kHz; what a cubic loses there does not matter to who speaks when.
        let resampler = is_bent.then(|| {
            let degree = PolynomialDegree::Cubic;
            Async::new_poly(factor, 1.0, degree, BLOCK, 1, FixedAsync::Input).map_err(|reason| {
                AudioError::Resample {
                    from: super::SAMPLE_RATE,
                    to: super::SAMPLE_RATE,
                    what: reason.to_string(),
                }
            })
        });
        let resampler = resampler.transpose()?;
        Ok(Self {
            factor,
            ahead: resampler.as_ref().map_or(0, |own| own.output_delay()),
            resampler,
            waiting: Vec::new(),
            taken: 0,
            given: 0,
        })
    }

    /// Takes the next piece, and appends to `out` as much as can be known by now.
    pub fn push(&mut self, samples: &[f32], out: &mut Vec<f32>) -> Result<(), AudioError> {
        if self.resampler.is_none() {
            out.extend_from_slice(samples);
            return Ok(());
        }
        self.taken += samples.len();
        self.waiting.extend_from_slice(samples);
        let whole = self.waiting.len() - self.waiting.len() % BLOCK;
        let ready: Vec<f32> = self.waiting.drain(..whole).collect();
        for block in ready.chunks_exact(BLOCK) {
            self.block(block, out)?;
        }
        Ok(())
    }

    /// Appends what is left, to the whole length times the factor.
    pub fn finish(mut self, out: &mut Vec<f32>) -> Result<(), AudioError> {
        if self.resampler.is_none() {
            return Ok(());
        }
        let whole = (self.taken as f64 * self.factor).round() as usize;
        while self.given < whole {
            let mut block = std::mem::take(&mut self.waiting);
            block.resize(BLOCK, 0.0);
            self.block(&block, out)?;
        }
        out.truncate(out.len() - (self.given - whole));
        Ok(())
    }

    fn block(&mut self, block: &[f32], out: &mut Vec<f32>) -> Result<(), AudioError> {
        let Some(resampler) = &mut self.resampler else {
            return Ok(());
        };
        let failed = |what: String| AudioError::Resample {
            from: super::SAMPLE_RATE,
            to: super::SAMPLE_RATE,
            what,
        };
        let input = InterleavedSlice::new(block, 1, block.len())
            .map_err(|reason| failed(reason.to_string()))?;
        let made = resampler
            .process(&input, None)
            .map_err(|reason| failed(reason.to_string()))?
            .take_data();
        let skipped = self.ahead.min(made.len());
        self.ahead -= skipped;
        self.given += made.len() - skipped;
        out.extend_from_slice(&made[skipped..]);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stretched(samples: &[f32], factor: f64, piece: usize) -> Vec<f32> {
        let mut stretch = Stretch::new(factor).expect("a factor");
        let mut out = Vec::new();
        for piece in samples.chunks(piece) {
            stretch.push(piece, &mut out).expect("sound");
        }
        stretch.finish(&mut out).expect("sound");
        out
    }

    #[test]
    fn a_sound_comes_later_by_the_factor_whatever_the_pieces() {
        let mut samples = vec![0.0; 160_000];
        samples[100_000..100_016].fill(0.5);
        for piece in [77, 1_024, 160_000] {
            let out = stretched(&samples, 1.015, piece);
            assert_eq!(out.len(), 162_400);
            let loudest = (0..out.len()).max_by(|a, b| out[*a].total_cmp(&out[*b]));
            let at = loudest.expect("samples").abs_diff(101_508);
            assert!(at < 16, "{at} samples off");
        }
    }

    #[test]
    fn a_factor_of_one_changes_nothing() {
        let samples: Vec<f32> = (0..5_000).map(|n| n as f32 / 5_000.0).collect();
        assert_eq!(stretched(&samples, 1.0, 999), samples);
    }

    #[test]
    fn an_absurd_factor_is_an_error() {
        assert!(Stretch::new(-1.0).is_err());
    }
}
