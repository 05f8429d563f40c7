//! Long recordings in little memory: every channel at the pipeline's rate, piece by piece.

use super::decode;
use super::decode::Packet;
use super::resample::StreamResampler;
use super::{AudioError, SAMPLE_RATE};
use std::path::Path;

/// A stretch of a recording.
pub struct Piece<'a> {
    /// The sound as the file holds it; without channels in the last piece.
    pub raw: Packet<'a>,
    /// Each channel at [`SAMPLE_RATE`]. It lags behind `raw` by some milliseconds.
    pub channels: &'a [Vec<f32>],
}

/// Hands a recording to `take`, piece by piece; the last piece has nothing raw. Sample n of all pieces is the sound
/// at n / 16,000 s. Returns what a reader of figures should know of the file. Errors as for [`decode::stream`]; an error of `take` ends it.
pub fn stream(
    path: &Path,
    mut take: impl FnMut(Piece<'_>) -> Result<(), AudioError>,
) -> Result<Vec<String>, AudioError> {
    let mut resamplers: Vec<StreamResampler> = Vec::new();
    let mut channels: Vec<Vec<f32>> = Vec::new();
    let mut rate = SAMPLE_RATE;
    let mut hand_on = |raw: Packet<'_>| {
        rate = raw.rate;
        while resamplers.len() < raw.channels.len() {
            resamplers.push(StreamResampler::new(raw.rate, SAMPLE_RATE)?);
            channels.push(Vec::new());
        }
        for ((resampler, made), samples) in
            resamplers.iter_mut().zip(&mut channels).zip(raw.channels)
        {
            made.clear();
            resampler.push(samples, made)?;
        }
        let channels = &channels;
        take(Piece { raw, channels })
    };
    let notes = decode::stream(path, &mut hand_on)?;
    for (resampler, rest) in resamplers.into_iter().zip(&mut channels) {
        rest.clear();
        resampler.finish(rest)?;
    }
    let nothing = Packet {
        rate,
        channels: &[],
        frames_declared: None,
    };
    take(Piece {
        raw: nothing,
        channels: &channels,
    })?;
    Ok(notes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::wav;

    #[test]
    fn a_file_in_pieces_is_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tone.wav");
        let tone: Vec<f32> = (0..100_000)
            .map(|n| 0.4 * (n as f32 * 0.03).sin())
            .collect();
        wav::write_mono(&path, &tone, 44_100).unwrap();
        let whole = decode::read(&path).unwrap();
        let (mut pieces, mut raw) = (Vec::new(), 0);
        stream(&path, |piece| {
            raw += piece.raw.channels.first().map_or(0, Vec::len);
            pieces.extend_from_slice(&piece.channels[0]);
            Ok(())
        })
        .unwrap();
        assert_eq!(raw, tone.len());
        assert_eq!(pieces.len(), whole.len());
        assert!(pieces.iter().zip(&whole).all(|(a, b)| (a - b).abs() < 1e-6));
    }
}
