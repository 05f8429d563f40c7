//! WAV files of 16 bits, written. [`crate::audio::decode`] reads them.

use std::fs::File;
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

use crate::audio::{AudioError, RATE_MAX, RATE_MIN, SAMPLE_RATE};
use crate::files;

/// Bytes of samples after which a writer stops, a little under the 4 GiB that the header can express.
const DATA_BYTES_MAX: u64 = u32::MAX as u64 - 4_096;

/// Writes mono `samples` as a 16-bit WAV file of `rate` Hz, replacing what was there. Rounds and clamps to [-1, 1].
/// Fails if `rate` is outside [`RATE_MIN`]..=[`RATE_MAX`], or the file cannot be written.
pub fn write_mono(path: &Path, samples: &[f32], rate: u32) -> Result<(), AudioError> {
    let mut writer = Writer::create(path, 1, rate)?;
    writer.push(samples.iter().copied())?;
    writer.finish()
}

/// Writes 16-bit stereo at [`SAMPLE_RATE`] as it comes, such as a conversation: left the caller, right the agent.
///
/// What was flushed survives the death of the process: the file is then complete up to the last [`flush`]
/// (`create` flushes an empty file). It holds 18 hours.
///
/// [`flush`]: StereoWriter::flush
pub struct StereoWriter(Writer);

impl StereoWriter {
    /// Creates the file, replacing what was there.
    pub fn create(path: &Path) -> Result<Self, AudioError> {
        let mut writer = Self(Writer::create(path, 2, SAMPLE_RATE)?);
        writer.flush()?;
        Ok(writer)
    }

    /// Appends one piece of both channels. The shorter one is filled up with silence, so that the channels stay
    /// in step. Rounds and clamps to [-1, 1].
    pub fn push(&mut self, left: &[f32], right: &[f32]) -> Result<(), AudioError> {
        debug_assert_eq!(left.len(), right.len(), "the channels differ in length");
        let at = |channel: &[f32], n: usize| channel.get(n).copied().unwrap_or(0.0);
        let frames = left.len().max(right.len());
        self.0
            .push((0..frames).flat_map(|n| [at(left, n), at(right, n)]))
    }

    /// Puts everything pushed so far on disk, with a header that says so.
    pub fn flush(&mut self) -> Result<(), AudioError> {
        let written = self.0.hound.flush();
        written.map_err(|error| self.0.failed(error))
    }

    /// Completes the file. A writer that is dropped instead completes it too, but cannot say if that failed.
    pub fn finish(self) -> Result<(), AudioError> {
        self.0.finish()
    }
}

/// A 16-bit WAV file being written, with the path for errors.
struct Writer {
    path: PathBuf,
    hound: hound::WavWriter<BufWriter<File>>,
    data_bytes: u64,
}

impl Writer {
    fn create(path: &Path, channels: u16, rate: u32) -> Result<Self, AudioError> {
        if !(RATE_MIN..=RATE_MAX).contains(&rate) {
            return Err(AudioError::FileRate {
                path: path.to_owned(),
                rate,
            });
        }
        let spec = hound::WavSpec {
            channels,
            sample_rate: rate,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let file = files::create(path).map_err(|error| failed(path, error.into()))?;
        Ok(Self {
            path: path.to_owned(),
            hound: hound::WavWriter::new(BufWriter::new(file), spec)
                .map_err(|error| failed(path, error))?,
            data_bytes: 0,
        })
    }

    fn push(&mut self, samples: impl Iterator<Item = f32>) -> Result<(), AudioError> {
        for sample in samples {
            self.data_bytes += 2;
            if self.data_bytes > DATA_BYTES_MAX {
                return Err(AudioError::WavFull {
                    path: self.path.clone(),
                });
            }
            let written = self.hound.write_sample(to_16_bit(sample));
            written.map_err(|error| self.failed(error))?;
        }
        Ok(())
    }

    fn finish(self) -> Result<(), AudioError> {
        let Self { path, hound, .. } = self;
        hound.finalize().map_err(|error| failed(&path, error))
    }

    fn failed(&self, error: hound::Error) -> AudioError {
        failed(&self.path, error)
    }
}

/// Samples of 16 bits, as bytes and of so many channels in turn, as a file at [`SAMPLE_RATE`].
pub(crate) fn in_memory(samples: &[u8], channels: u16) -> Vec<u8> {
    let bytes = u32::try_from(samples.len()).unwrap_or(u32::MAX - 36);
    let block = channels * 2;
    let mut wav = Vec::with_capacity(samples.len() + 44);
    wav.extend_from_slice(b"RIFF");
    wav.extend_from_slice(&(bytes + 36).to_le_bytes());
    wav.extend_from_slice(b"WAVEfmt \x10\0\0\0\x01\0");
    wav.extend_from_slice(&channels.to_le_bytes());
    wav.extend_from_slice(&SAMPLE_RATE.to_le_bytes());
    wav.extend_from_slice(&(SAMPLE_RATE * u32::from(block)).to_le_bytes());
    wav.extend_from_slice(&block.to_le_bytes());
    wav.extend_from_slice(b"\x10\0data");
    wav.extend_from_slice(&bytes.to_le_bytes());
    wav.extend_from_slice(samples);
    wav
}

/// The nearest 16-bit value, such that reading it back (a 32,768th each) and writing it again changes nothing.
/// NaN becomes 0.
pub(crate) fn to_16_bit(sample: f32) -> i16 {
    (sample * 32_768.0).round() as i16
}

fn failed(path: &Path, error: hound::Error) -> AudioError {
    let path = path.to_owned();
    let source = match error {
        hound::Error::IoError(source) => source,
        other => io::Error::other(other.to_string()),
    };
    match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => AudioError::DiskFull { path },
        _ => AudioError::Unwritable { path, source },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::decode;

    #[test]
    fn mono_comes_back_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mono.wav");
        let clip: Vec<f32> = (-500..500).map(|n| n as f32 / 512.0).collect();
        write_mono(&path, &clip, 8_000).unwrap();
        assert_eq!(decode::read_channels(&path).unwrap(), (8_000, vec![clip]));
    }

    #[test]
    fn samples_are_rounded_and_clamped() {
        let pairs = [
            (0.0, 0),
            (0.6 / 32_768.0, 1),
            (-0.4 / 32_768.0, 0),
            (1.0, 32_767),
            (-1.0, -32_768),
            (7.0, 32_767),
            (f32::NEG_INFINITY, -32_768),
            (f32::NAN, 0),
        ];
        for (sample, expected) in pairs {
            assert_eq!(to_16_bit(sample), expected, "{sample}");
        }
    }

    #[test]
    fn stereo_is_complete_on_disk_after_every_flush() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("conversation.wav");
        let mut writer = StereoWriter::create(&path).unwrap();
        assert!(matches!(
            decode::read_channels(&path),
            Err(AudioError::NoSamples { .. })
        ));
        for pieces in 1..4 {
            writer.push(&[0.25; 1_000], &[-0.5; 1_000]).unwrap();
            writer.flush().unwrap();
            // A copy is what a killed process would leave.
            let copy = folder.path().join("copy.wav");
            std::fs::copy(&path, &copy).unwrap();
            let (rate, channels) = decode::read_channels(&copy).unwrap();
            assert_eq!(rate, SAMPLE_RATE);
            assert_eq!(
                channels,
                [vec![0.25; 1_000 * pieces], vec![-0.5; 1_000 * pieces]]
            );
        }
        writer.push(&[0.0], &[0.0]).unwrap();
        writer.finish().unwrap();
        assert_eq!(decode::read_channels(&path).unwrap().1[0].len(), 3_001);
    }

    #[test]
    fn a_writer_killed_between_flushes_leaves_the_flushed_part() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("killed.wav");
        let mut writer = StereoWriter::create(&path).unwrap();
        writer.push(&[0.25; 100], &[0.5; 100]).unwrap();
        writer.flush().unwrap();
        // More than the buffer holds, so that a part is on disk behind what the header declares.
        writer.push(&[0.125; 9_000], &[0.125; 9_000]).unwrap();
        std::mem::forget(writer);
        assert!(std::fs::metadata(&path).unwrap().len() > 10_000);
        let (_, channels) = decode::read_channels(&path).unwrap();
        assert_eq!(channels, [vec![0.25; 100], vec![0.5; 100]]);
    }

    #[test]
    fn a_missing_folder_is_an_error_that_names_the_file() {
        let text = write_mono(Path::new("/nowhere/at/all.wav"), &[0.0], 16_000)
            .unwrap_err()
            .to_string();
        assert!(text.starts_with("/nowhere/at/all.wav: "), "{text}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_called_a_full_disk() {
        let full = Path::new("/dev/full");
        let text = write_mono(full, &[0.5; 100_000], 16_000)
            .unwrap_err()
            .to_string();
        assert!(text.contains("/dev/full: the disk is full"), "{text}");
        assert!(matches!(
            StereoWriter::create(full),
            Err(AudioError::DiskFull { .. })
        ));
    }
}
