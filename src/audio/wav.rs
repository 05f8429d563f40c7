//! The WAV container: what a header declares, and writing 16-bit files.
//!
//! Headers are read here rather than by symphonia, whose WAV reader takes a data size of 0 for silence, refuses
//! more than 26 channels and µ-law without its optional two bytes, and multiplies hostile channel counts until
//! they overflow. Decoding the samples is left to [`crate::audio::decode`].

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use crate::audio::{AudioError, RATE_MAX, RATE_MIN, SAMPLE_RATE};

/// Chunks looked at before the samples. Real files have fewer than ten.
const CHUNKS_MAX: usize = 1_000;

/// Bytes of a `fmt ` chunk that mean something to us: WAVEFORMATEXTENSIBLE up to its sub-format.
const FMT_BYTES_MAX: u64 = 40;

/// Bytes of samples after which a writer stops, a little under the 4 GiB that the header can express.
const DATA_BYTES_MAX: u64 = u32::MAX as u64 - 4_096;

/// How the samples of a WAV file are coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    /// Integers of this many bytes: 1 unsigned, 2 to 4 signed.
    Integer(u16),
    /// IEEE floats of this many bytes: 4 or 8.
    Float(u16),
    /// Bytes of µ-law (ITU-T G.711).
    MuLaw,
    /// Bytes of A-law (ITU-T G.711).
    ALaw,
    /// Blocks of 4-bit ADPCM as Microsoft defined it.
    AdpcmMicrosoft,
    /// Blocks of 4-bit ADPCM as the Interactive Multimedia Association defined it.
    AdpcmIma,
}

/// What a WAV header declares, checked: at least one channel, blocks of at least one byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// How the samples are coded.
    pub coding: Coding,
    /// How many channels there are, at least one.
    pub channels: u16,
    /// The sample rate in Hz, as declared.
    pub rate: u32,
    /// Bytes of the smallest whole piece of samples: one sample of every channel, or one block of ADPCM.
    pub block_bytes: u32,
    /// Samples of one channel in a block.
    pub block_frames: u32,
    /// Where the samples begin, in bytes from the start of the file.
    pub data_start: u64,
    /// Bytes of samples: as declared, or to the end of the file when a streaming writer left the size open.
    pub data_bytes: u64,
}

impl Header {
    /// Samples of one channel that the file declares.
    pub fn frames(&self) -> u64 {
        self.data_bytes / u64::from(self.block_bytes) * u64::from(self.block_frames)
    }
}

/// Whether a file that starts with these bytes is a WAV file (RIFF, or RF64 and BW64 for large ones).
pub fn is_wav(start: &[u8]) -> bool {
    start.len() >= 12
        && matches!(&start[..4], b"RIFF" | b"RF64" | b"BW64")
        && &start[8..12] == b"WAVE"
}

/// Reads the header of the WAV file behind `reader`, which is at its start and `file_bytes` long.
///
/// The size of the RIFF chunk is not looked at: writers that were killed leave it wrong. `path` is for errors.
pub fn read_header(
    reader: &mut (impl Read + Seek),
    file_bytes: u64,
    path: &Path,
) -> Result<Header, AudioError> {
    let mut position = 12;
    let mut large_data_bytes = None;
    let mut format = None;
    for _ in 0..CHUNKS_MAX {
        let mut chunk = [0; 8];
        if position + 8 > file_bytes {
            break;
        }
        read_at(reader, position, &mut chunk, path)?;
        let [a, b, c, d, size @ ..] = chunk;
        let declared_bytes = u32::from_le_bytes(size);
        position += 8;
        let remaining_bytes = file_bytes - position;
        match &[a, b, c, d] {
            b"fmt " if format.is_some() => return Err(damaged(path, "it has two fmt chunks")),
            b"fmt " => {
                let bytes = u64::from(declared_bytes).min(FMT_BYTES_MAX);
                let mut fmt = vec![0; bytes.min(remaining_bytes) as usize];
                read_at(reader, position, &mut fmt, path)?;
                format = Some(Format::parse(&fmt, path)?);
            }
            b"ds64" => {
                let mut sizes = [0; 16];
                if remaining_bytes >= 16 {
                    read_at(reader, position, &mut sizes, path)?;
                    let [.., a, b, c, d, e, f, g, h] = sizes;
                    large_data_bytes = Some(u64::from_le_bytes([a, b, c, d, e, f, g, h]));
                }
            }
            b"data" => {
                let Some(format) = format else {
                    return Err(damaged(path, "its samples come before the fmt chunk"));
                };
                let data_bytes = match large_data_bytes {
                    Some(bytes) if declared_bytes == u32::MAX => bytes,
                    _ if is_left_open(declared_bytes) => remaining_bytes,
                    _ => u64::from(declared_bytes),
                };
                return format.header(position, data_bytes, remaining_bytes, path);
            }
            _ => {}
        }
        // Chunks begin at even positions.
        position += u64::from(declared_bytes) + u64::from(declared_bytes % 2);
    }
    Err(damaged(path, "it has no data chunk"))
}

/// Whether a data size is one that writers leave who cannot seek back: 0 (killed), 0xFFFFFFFF (ffmpeg), or just
/// under 2 GiB (sox, espeak-ng). Files that large are refused, so none of these can be true.
fn is_left_open(data_bytes: u32) -> bool {
    matches!(data_bytes, 0 | 0x7FFF_0000..=0x8000_0000 | 0xFFFF_0000..=0xFFFF_FFFF)
}

fn read_at(
    reader: &mut (impl Read + Seek),
    position: u64,
    bytes: &mut [u8],
    path: &Path,
) -> Result<(), AudioError> {
    reader
        .seek(SeekFrom::Start(position))
        .and_then(|_| reader.read_exact(bytes))
        .map_err(|source| AudioError::Unreadable {
            path: path.to_owned(),
            source,
        })
}

fn damaged(path: &Path, what: &str) -> AudioError {
    AudioError::Damaged {
        path: path.to_owned(),
        what: what.to_owned(),
    }
}

/// The `fmt ` chunk, checked.
struct Format {
    coding: Coding,
    channels: u16,
    rate: u32,
    block_bytes: u32,
    block_frames: u32,
}

impl Format {
    /// Reads a WAVEFORMAT, WAVEFORMATEX or WAVEFORMATEXTENSIBLE structure (Microsoft's mmreg.h).
    fn parse(fmt: &[u8], path: &Path) -> Result<Self, AudioError> {
        let field = |at: usize| Some(u16::from_le_bytes([*fmt.get(at)?, *fmt.get(at + 1)?]));
        let (Some(tag), Some(channels), Some(rate_low), Some(rate_high), Some(align), Some(bits)) =
            (field(0), field(2), field(4), field(6), field(12), field(14))
        else {
            return Err(damaged(path, "its fmt chunk is too short"));
        };
        if channels == 0 {
            return Err(AudioError::NoChannels {
                path: path.to_owned(),
            });
        }
        let tag = match (tag, field(24)) {
            (0xFFFE, Some(sub_format)) => sub_format,
            _ => tag,
        };
        let adpcm = matches!(tag, 2 | 0x11);
        // The container of an odd width, such as 20 bits, is given by the block; some writers leave that at 0.
        let sample_bytes = match (align / channels, bits.div_ceil(8)) {
            (_, bytes) if align % channels != 0 => bytes,
            (container, bytes) => container.max(bytes),
        };
        let coding = match (tag, sample_bytes) {
            (1, 1..=4) => Coding::Integer(sample_bytes),
            (3, 4 | 8) => Coding::Float(sample_bytes),
            (6, 1) => Coding::ALaw,
            (7, 1) => Coding::MuLaw,
            (2, _) => Coding::AdpcmMicrosoft,
            (0x11, _) => Coding::AdpcmIma,
            _ => {
                return Err(AudioError::Unsupported {
                    path: path.to_owned(),
                    what: format!("a WAV coding that is not read (tag {tag:#06x}, {bits} bits)"),
                });
            }
        };
        let (block_bytes, block_frames) = if adpcm {
            let frames = adpcm_block_frames(coding, align, channels);
            let frames = frames
                .ok_or_else(|| damaged(path, "its ADPCM blocks are too small, or not stereo"))?;
            (u32::from(align), frames)
        } else {
            (u32::from(channels) * u32::from(sample_bytes), 1)
        };
        Ok(Self {
            coding,
            channels,
            rate: u32::from(rate_low) | u32::from(rate_high) << 16,
            block_bytes,
            block_frames,
        })
    }

    fn header(
        self,
        data_start: u64,
        data_bytes: u64,
        remaining_bytes: u64,
        path: &Path,
    ) -> Result<Header, AudioError> {
        if data_bytes > remaining_bytes {
            return Err(AudioError::Truncated {
                path: path.to_owned(),
                declared: data_bytes,
                found: remaining_bytes,
                unit: "bytes of samples",
            });
        }
        Ok(Header {
            coding: self.coding,
            channels: self.channels,
            rate: self.rate,
            block_bytes: self.block_bytes,
            block_frames: self.block_frames,
            data_start,
            data_bytes,
        })
    }
}

/// Samples of one channel in a block of 4-bit ADPCM: what follows a header of 7 bytes a channel with two samples
/// (Microsoft) or of 4 bytes with one (IMA), plus those. None if the block cannot hold its header.
fn adpcm_block_frames(coding: Coding, block_bytes: u16, channels: u16) -> Option<u32> {
    let (header_bytes, header_frames) = match coding {
        Coding::AdpcmMicrosoft => (7, 2),
        _ => (4, 1),
    };
    let channels = u32::from(channels);
    if channels > 2 {
        return None;
    }
    let coded_bytes = u32::from(block_bytes).checked_sub(header_bytes * channels)?;
    Some(coded_bytes * 2 / channels + header_frames)
}

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
        Ok(Self {
            path: path.to_owned(),
            hound: hound::WavWriter::create(path, spec).map_err(|error| failed(path, error))?,
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

/// The nearest 16-bit value, such that reading it back (a 32,768th each) and writing it again changes nothing.
/// NaN becomes 0.
fn to_16_bit(sample: f32) -> i16 {
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
