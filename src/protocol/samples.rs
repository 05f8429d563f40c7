//! Samples as bytes: 16-bit PCM.

use crate::audio::wav::to_16_bit;

/// 16-bit little-endian PCM of samples in -1..=1.
pub(super) fn to_pcm(samples: &[f32]) -> Vec<u8> {
    let bytes = samples
        .iter()
        .map(|sample| to_16_bit(*sample).to_le_bytes());
    bytes.flatten().collect()
}

/// Samples of 16-bit little-endian PCM; `None` if half a sample is left over.
pub(super) fn from_pcm(bytes: &[u8]) -> Option<Vec<f32>> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let sample = |pair: &[u8; 2]| f32::from(i16::from_le_bytes(*pair)) / 32_768.0;
    rest.is_empty().then(|| pairs.iter().map(sample).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sent_is_read() {
        let samples = [0.0, 0.5, -1.0, 32_767.0 / 32_768.0];
        assert_eq!(from_pcm(&to_pcm(&samples)).as_deref(), Some(&samples[..]));
        assert_eq!(from_pcm(&[1, 2, 3]), None);
    }
}
