//! Between a device's rate and the pipeline's, as sound goes on.

use crate::audio::AudioError;
use rubato::{
    Async, FixedAsync, SincInterpolationParameters, SincInterpolationType, WindowFunction,
};

/// Samples that the filter looks at. Its output lags behind its input by half of them.
const FILTER_SAMPLES: usize = 64;

/// A resampler from `from` to `to` Hz, whose ratio can be bent by up to `stretch` on the way. The side that
/// `fixed` names moves in steps of `step` samples.
pub(super) fn resampler(
    (from, to): (u32, u32),
    stretch: f64,
    (fixed, step): (FixedAsync, usize),
) -> Result<Async<f32>, AudioError> {
    let parameters = SincInterpolationParameters {
        sinc_len: FILTER_SAMPLES,
        f_cutoff: None,
        oversampling_factor: 128,
        interpolation: SincInterpolationType::Linear,
        window: WindowFunction::BlackmanHarris2,
    };
    let ratio = f64::from(to) / f64::from(from.max(1));
    Async::new_sinc(ratio, 1.0 + stretch, &parameters, step, 1, fixed).map_err(|reason| {
        AudioError::Resample {
            from,
            to,
            what: reason.to_string(),
        }
    })
}
