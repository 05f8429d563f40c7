//! The mel filter bank that a Whisper model file carries in front of its weights.

/// Whisper's front end: 16 kHz audio, 400-sample windows, hence 201 bins of 40 Hz up to 8 kHz.
const SAMPLE_RATE_HZ: f64 = 16_000.0;
const WINDOW_SAMPLES: usize = 400;

/// Bins of the one-sided spectrum of a Whisper window.
pub(crate) const SPECTRUM_BINS: usize = WINDOW_SAMPLES / 2 + 1;

// Slaney's mel scale (M. Slaney, Auditory Toolbox, Interval Research technical report 1998-010):
// linear up to 1 kHz at 3 mel per 200 Hz, then 27 mel for each factor of 6.4.
const LINEAR_HZ_PER_MEL: f64 = 200.0 / 3.0;
const BREAK_HZ: f64 = 1_000.0;
const BREAK_MEL: f64 = BREAK_HZ / LINEAR_HZ_PER_MEL;
const LOG_FACTOR: f64 = 6.4;
const LOG_MEL: f64 = 27.0;

/// Triangular filters of equal area, as Slaney defines them: `bands` rows of [`SPECTRUM_BINS`]
/// weights, row by row. Each triangle has area 1 over hertz, rises from the centre of the band
/// below and falls to the centre of the band above.
///
/// `libm` and not the platform's mathematics library: the bytes, and with them the sha256 of a
/// converted model, are then the same on every machine.
pub(crate) fn slaney_filter_bank(bands: usize) -> Vec<f32> {
    let edges_hz = band_edges_hz(bands);
    let mut weights = Vec::with_capacity(bands * SPECTRUM_BINS);
    for edge in edges_hz.windows(3) {
        let (low, centre, high) = (edge[0], edge[1], edge[2]);
        let height = 2.0 / (high - low);
        for bin in 0..SPECTRUM_BINS {
            let hz = bin as f64 * SAMPLE_RATE_HZ / WINDOW_SAMPLES as f64;
            let rising = (hz - low) / (centre - low);
            let falling = (high - hz) / (high - centre);
            weights.push((rising.min(falling).max(0.0) * height) as f32);
        }
    }
    weights
}

/// `bands + 2` frequencies at equal distances in mel from 0 Hz to half the sample rate.
fn band_edges_hz(bands: usize) -> Vec<f64> {
    let top_mel = mel_from_hz(SAMPLE_RATE_HZ / 2.0);
    (0..bands + 2)
        .map(|edge| hz_from_mel(top_mel * edge as f64 / (bands + 1) as f64))
        .collect()
}

fn mel_from_hz(hz: f64) -> f64 {
    if hz < BREAK_HZ {
        hz / LINEAR_HZ_PER_MEL
    } else {
        BREAK_MEL + LOG_MEL * libm::log(hz / BREAK_HZ) / libm::log(LOG_FACTOR)
    }
}

fn hz_from_mel(mel: f64) -> f64 {
    if mel < BREAK_MEL {
        mel * LINEAR_HZ_PER_MEL
    } else {
        BREAK_HZ * libm::exp((mel - BREAK_MEL) * libm::log(LOG_FACTOR) / LOG_MEL)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mel_scale_is_inverted_exactly_enough() {
        for hz in [0.0, 40.0, 999.0, 1_000.0, 3_210.0, 8_000.0] {
            assert!((hz_from_mel(mel_from_hz(hz)) - hz).abs() < 1e-9);
        }
    }

    #[test]
    fn the_first_filter_of_eighty_peaks_where_whisper_has_it() {
        let bank = slaney_filter_bank(80);
        assert_eq!(bank.len(), 80 * 201);
        assert_eq!(bank[0], 0.0);
        assert!((bank[1] - 0.024_862_594).abs() < 1e-8, "{}", bank[1]);
        assert!(bank[3..SPECTRUM_BINS].iter().all(|weight| *weight == 0.0));
    }

    #[test]
    fn wide_filters_have_unit_area() {
        let bank = slaney_filter_bank(80);
        for band in 60..80 {
            let row = &bank[band * SPECTRUM_BINS..][..SPECTRUM_BINS];
            let area: f32 = row.iter().sum::<f32>() * 40.0;
            assert!((area - 1.0).abs() < 0.02, "band {band} has area {area}");
        }
    }
}
