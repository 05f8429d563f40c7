//! Audio files in: WAV, FLAC, MP3 and OGG Vorbis, decoded by symphonia, checked and bounded.
//!
//! What a file is, is decided by its first bytes, not by its name. Nothing is allocated on the word of a header.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use symphonia::core::audio::Channels;
use symphonia::core::codecs::CodecParameters;
use symphonia::core::codecs::audio::well_known as codec_id;
use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoder, AudioDecoderOptions};
use symphonia::core::errors::Error;
use symphonia::core::formats::{FormatOptions, FormatReader, TrackType};
use symphonia::core::io::{MediaSourceStream, ReadOnlySource};
use symphonia::core::packet::PacketRef;
use symphonia::core::units::{Duration, Timestamp};
use symphonia::default::formats::{FlacReader, MpaReader, OggReader};

use super::decoded::{DecodedSound, Keep, Sink};
use crate::audio::{AudioError, SAMPLE_RATE, resample, wav};

/// The largest file that is read whole, in bytes: 2 GiB.
pub const FILE_BYTES_MAX: u64 = 2 << 30;

/// The largest file that [`stream`] goes through, in bytes: 16 GiB, of which nothing is held.
pub const STREAM_FILE_BYTES_MAX: u64 = 16 << 30;

/// The longest recording that is read, in seconds: 4 hours.
pub const DURATION_S_MAX: u64 = 4 * 3_600;

/// The longest recording that [`stream`] goes through, in seconds: a day.
pub const STREAM_DURATION_S_MAX: u64 = 24 * 3_600;

/// ID3v2 tags stepped over in front of the audio.
const TAGS_MAX: usize = 16;

/// Bytes of WAV samples decoded at a time.
const WAV_PACKET_BYTES: u32 = 1 << 16;

/// Samples by which the length in an MP3's header may exceed the true one: two frames, which encoders miscount.
const MP3_LENGTH_TOLERANCE: u64 = 2 * 1_152;

/// Reads an audio file as mono `f32` at [`SAMPLE_RATE`], sample n being the sound at n / 16,000 s; several channels
/// become their mean.
///
/// Fails on what is missing, empty, truncated, damaged, silent in the sense of no samples at all, not audio, larger
/// than [`FILE_BYTES_MAX`], longer than [`DURATION_S_MAX`], or holds floats that are not finite or far from -1..1.
/// The end of an MP3 without a Xing header cannot be checked. Floats a little over 1 stay as they are.
pub fn read(path: &Path) -> Result<Vec<f32>, AudioError> {
    let (rate, mut channels) = collect(path, Keep::Mean)?;
    let mono = channels.pop().unwrap_or_default();
    if rate == SAMPLE_RATE {
        return Ok(mono);
    }
    resample::to_pipeline_rate(&mono, rate).map(|resampled| resampled.into_owned())
}

/// Reads an audio file as it is: its rate in Hz, and the samples of each channel, all equally long. Errors as
/// for [`read`].
pub fn read_channels(path: &Path) -> Result<(u32, Vec<Vec<f32>>), AudioError> {
    collect(path, Keep::Every)
}

/// Hands the sound of a file to `take` as it is decoded, and keeps nothing of it. Errors as for [`read`], but
/// up to [`STREAM_FILE_BYTES_MAX`] and [`STREAM_DURATION_S_MAX`]; an error of `take` ends it.
pub fn stream<'a>(path: &'a Path, take: &'a mut Sink<'a>) -> Result<(), AudioError> {
    collect(path, Keep::Nothing(take)).map(|_| ())
}

fn collect<'a>(path: &'a Path, keep: Keep<'a>) -> Result<(u32, Vec<Vec<f32>>), AudioError> {
    let bytes_max = match keep {
        Keep::Nothing(_) => STREAM_FILE_BYTES_MAX,
        _ => FILE_BYTES_MAX,
    };
    let (mut file, file_bytes) = open(path, bytes_max)?;
    let kind = recognise(&mut file, path)?;
    let mut kept = DecodedSound::new(path, keep);
    match kind {
        Kind::Wav => decode_wav(BufReader::new(file), file_bytes, &mut kept)?,
        Kind::Compressed(codec) => {
            // The Vorbis and FLAC decoders of symphonia 0.6 assert, divide by zero and overflow on some damaged
            // streams, too deep inside to guard against. What they leave half done is dropped, and of what is
            // kept only the position is read.
            catch_unwind(AssertUnwindSafe(|| {
                decode_compressed(file, codec, &mut kept)
            }))
            .unwrap_or_else(|_| Err(kept.failed(Error::DecodeError("the decoder gave up"))))?;
        }
    }
    if kept.frames == 0 {
        return Err(AudioError::NoSamples {
            path: path.to_owned(),
        });
    }
    Ok((kept.rate, kept.channels))
}

/// Opens a regular file and tells its size. Anything else (a pipe, a device) could block or never end.
fn open(path: &Path, bytes_max: u64) -> Result<(File, u64), AudioError> {
    let owned = || path.to_owned();
    let unreadable = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound => AudioError::NotFound { path: owned() },
        _ => AudioError::Unreadable {
            path: owned(),
            source,
        },
    };
    let metadata = std::fs::metadata(path).map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(AudioError::NotAFile { path: owned() });
    }
    match metadata.len() {
        0 => Err(AudioError::Empty { path: owned() }),
        bytes if bytes > bytes_max => Err(AudioError::TooLarge {
            path: owned(),
            what: format!("{bytes} bytes, and up to {bytes_max} are read"),
        }),
        bytes => Ok((File::open(path).map_err(unreadable)?, bytes)),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Wav,
    Compressed(Codec),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Codec {
    Flac,
    Ogg,
    Mp3,
}

/// Tells the kind of file from its first bytes, and leaves `file` at the first byte that is not an ID3v2 tag.
///
/// A file is not searched for something that looks like audio: any picture holds an MP3 frame somewhere.
fn recognise(file: &mut File, path: &Path) -> Result<Kind, AudioError> {
    let unreadable = |source| AudioError::Unreadable {
        path: path.to_owned(),
        source,
    };
    let mut position = 0;
    for _ in 0..TAGS_MAX {
        let mut start = Vec::new();
        file.seek(SeekFrom::Start(position)).map_err(unreadable)?;
        file.take(12).read_to_end(&mut start).map_err(unreadable)?;
        file.seek(SeekFrom::Start(position)).map_err(unreadable)?;
        let named_mp3 = path
            .extension()
            .is_some_and(|extension| extension.eq_ignore_ascii_case("mp3"));
        match start.as_slice() {
            bytes if wav::is_wav(bytes) && position == 0 => return Ok(Kind::Wav),
            [b'f', b'L', b'a', b'C', ..] => return Ok(Kind::Compressed(Codec::Flac)),
            [b'O', b'g', b'g', b'S', ..] => return Ok(Kind::Compressed(Codec::Ogg)),
            // ID3v2.4.0, section 3.1: a size of four times 7 bits, without this header of 10 bytes and the footer.
            [b'I', b'D', b'3', _, _, flags, a, b, c, d, ..] => {
                let size = [a, b, c, d]
                    .into_iter()
                    .fold(0, |size, byte| size << 7 | u64::from(byte & 0x7F));
                let footer = if flags & 0x10 == 0 { 0 } else { 10 };
                position += 10 + size + footer;
            }
            // The sync word of an MPEG frame, of layer III.
            [0xFF, second, ..] if second & 0xE6 == 0xE2 => return Ok(Kind::Compressed(Codec::Mp3)),
            [_, ..] if position > 0 || named_mp3 => return Ok(Kind::Compressed(Codec::Mp3)),
            _ => break,
        }
    }
    Err(AudioError::NotAudio {
        path: path.to_owned(),
    })
}

fn decode_wav(
    mut file: BufReader<File>,
    file_bytes: u64,
    kept: &mut DecodedSound,
) -> Result<(), AudioError> {
    let header = wav::read_header(&mut file, file_bytes, kept.path)?;
    kept.check_length(header.rate, header.frames())?;
    kept.frames_declared = Some(header.frames());
    let mut decoder = wav_decoder(&header).map_err(|error| kept.failed(error))?;
    file.seek(SeekFrom::Start(header.data_start))
        .map_err(|error| kept.failed(Error::IoError(error)))?;
    let mut blocks_left = header.data_bytes / u64::from(header.block_bytes);
    let mut bytes = Vec::new();
    while blocks_left > 0 {
        let blocks = blocks_left.min(u64::from(wav_packet_blocks(&header)));
        blocks_left -= blocks;
        bytes.resize((blocks * u64::from(header.block_bytes)) as usize, 0);
        file.read_exact(&mut bytes)
            .map_err(|error| kept.failed(Error::IoError(error)))?;
        let frames = Duration::from(blocks * u64::from(header.block_frames));
        let packet = PacketRef::new(0, Timestamp::from(0), frames, &bytes);
        let decoded = decoder
            .decode_ref(&packet)
            .map_err(|error| kept.failed(error))?;
        kept.push(decoded)?;
    }
    Ok(())
}

fn wav_packet_blocks(header: &wav::Header) -> u32 {
    (WAV_PACKET_BYTES / header.block_bytes).max(1)
}

fn wav_decoder(header: &wav::Header) -> Result<Box<dyn AudioDecoder>, Error> {
    let mut parameters = AudioCodecParameters::new();
    parameters
        .for_codec(match header.coding {
            wav::Coding::Integer(1) => codec_id::CODEC_ID_PCM_U8,
            wav::Coding::Integer(2) => codec_id::CODEC_ID_PCM_S16LE,
            wav::Coding::Integer(3) => codec_id::CODEC_ID_PCM_S24LE,
            wav::Coding::Integer(_) => codec_id::CODEC_ID_PCM_S32LE,
            wav::Coding::Float(4) => codec_id::CODEC_ID_PCM_F32LE,
            wav::Coding::Float(_) => codec_id::CODEC_ID_PCM_F64LE,
            wav::Coding::MuLaw => codec_id::CODEC_ID_PCM_MULAW,
            wav::Coding::ALaw => codec_id::CODEC_ID_PCM_ALAW,
            wav::Coding::AdpcmMicrosoft => codec_id::CODEC_ID_ADPCM_MS,
            wav::Coding::AdpcmIma => codec_id::CODEC_ID_ADPCM_IMA_WAV,
        })
        .with_sample_rate(header.rate)
        .with_channels(Channels::Discrete(header.channels))
        .with_frames_per_block(u64::from(header.block_frames))
        .with_max_frames_per_packet(
            u64::from(wav_packet_blocks(header)) * u64::from(header.block_frames),
        );
    symphonia::default::get_codecs()
        .make_audio_decoder(&parameters, &AudioDecoderOptions::default())
}

fn decode_compressed(file: File, codec: Codec, kept: &mut DecodedSound) -> Result<(), AudioError> {
    let mut format = demuxer(file, codec).map_err(|error| kept.failed(error))?;
    let no_audio = || AudioError::NotAudio {
        path: kept.path.to_owned(),
    };
    let track = format
        .default_track(TrackType::Audio)
        .ok_or_else(no_audio)?;
    let (track_id, frames_declared) = (track.id, track.num_frames);
    let Some(CodecParameters::Audio(parameters)) = &track.codec_params else {
        return Err(no_audio());
    };
    let mut decoder = symphonia::default::get_codecs()
        .make_audio_decoder(parameters, &AudioDecoderOptions::default())
        .map_err(|error| kept.failed(error))?;
    if let (Some(rate), Some(frames)) = (parameters.sample_rate, frames_declared) {
        kept.check_length(rate, frames)?;
    }
    kept.frames_declared = frames_declared;
    let ended = loop {
        let packet = match format.next_packet() {
            Ok(Some(packet)) => packet,
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        };
        if packet.track_id != track_id {
            continue;
        }
        match decoder.decode(&packet) {
            Ok(decoded) => kept.push(decoded)?,
            Err(error) => break Err(error),
        }
    };
    let tolerance = if codec == Codec::Mp3 {
        MP3_LENGTH_TOLERANCE
    } else {
        0
    };
    match frames_declared {
        Some(declared) if kept.frames + tolerance < declared => Err(AudioError::Truncated {
            path: kept.path.to_owned(),
            declared,
            found: kept.frames,
            unit: "samples",
        }),
        _ => ended.map_err(|error| kept.failed(error)),
    }
}

/// A reader of packets from where `file` stands. It cannot seek: then nothing is guessed from the file's length.
fn demuxer(file: File, codec: Codec) -> Result<Box<dyn FormatReader>, Error> {
    let source = MediaSourceStream::new(Box::new(ReadOnlySource::new(file)), Default::default());
    let options = FormatOptions::default();
    Ok(match codec {
        Codec::Flac => Box::new(FlacReader::try_new(source, options)?),
        Codec::Ogg => Box::new(OggReader::try_new(source, options)?),
        Codec::Mp3 => Box::new(MpaReader::try_new(source, options)?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::{RATE_MAX, RATE_MIN};
    use proptest::prelude::*;

    const PCM: u16 = 1;
    const FLOAT: u16 = 3;
    const A_LAW: u16 = 6;
    const MU_LAW: u16 = 7;

    /// A WAV file with a plain 16-byte `fmt ` chunk. `data_size` is what the header declares.
    fn wav(tag: u16, channels: u16, rate: u32, bits: u16, data_size: u32, data: &[u8]) -> Vec<u8> {
        let block = channels.wrapping_mul(bits / 8);
        let mut file = b"RIFF\xFF\xFF\xFF\xFFWAVEfmt \x10\0\0\0".to_vec();
        file.extend(tag.to_le_bytes());
        file.extend(channels.to_le_bytes());
        file.extend(rate.to_le_bytes());
        file.extend(rate.wrapping_mul(u32::from(block)).to_le_bytes());
        file.extend(block.to_le_bytes());
        file.extend(bits.to_le_bytes());
        file.extend(b"data");
        file.extend(data_size.to_le_bytes());
        file.extend(data);
        file
    }

    fn whole_wav(tag: u16, channels: u16, rate: u32, bits: u16, data: &[u8]) -> Vec<u8> {
        wav(tag, channels, rate, bits, data.len() as u32, data)
    }

    /// A FLAC file (RFC 9639) of one frame of 192 equal 16-bit samples, built by hand.
    fn flac(rate: u32, value: i16, declared_frames: u64) -> Vec<u8> {
        let mut file = b"fLaC\x80\0\0\x22\0\xC0\0\xC0\0\0\0\0\0\0".to_vec();
        let (channels_less_1, bits_less_1) = (0, 15);
        let stream: u64 = u64::from(rate) << 44 | channels_less_1 << 41 | bits_less_1 << 36;
        file.extend((stream | declared_frames).to_be_bytes());
        file.extend([0; 16]);
        // Sync, 192 samples a block, rate from the stream's header; mono, 16 bits; frame 0.
        let mut frame = vec![0xFF, 0xF8, 0x10, 0x08, 0x00];
        frame.push(crc(&frame, 8, 0x07) as u8);
        // A constant subframe.
        frame.push(0);
        frame.extend(value.to_be_bytes());
        let check = crc(&frame, 16, 0x8005) as u16;
        frame.extend(check.to_be_bytes());
        file.extend(frame);
        file
    }

    fn crc(bytes: &[u8], width: u32, polynomial: u32) -> u32 {
        let mask = u32::MAX >> (32 - width);
        bytes.iter().fold(0, |crc, byte| {
            (0..8).rev().fold(crc, |crc, bit| {
                let out = crc >> (width - 1) ^ u32::from(byte >> bit);
                (crc << 1 ^ if out & 1 == 1 { polynomial } else { 0 }) & mask
            })
        })
    }

    /// An Ogg page (RFC 3533) of one stream.
    fn ogg_page(first: bool, number: u8, packets: &[&[u8]]) -> Vec<u8> {
        let mut page = b"OggS\0".to_vec();
        page.push(if first { 2 } else { 0 });
        page.extend([0; 12]);
        page.extend([number, 0, 0, 0, 0, 0, 0, 0, packets.len() as u8]);
        page.extend(packets.iter().map(|packet| packet.len() as u8));
        page.extend(packets.concat());
        let check = crc(&page, 32, 0x04C1_1DB7);
        page[22..26].copy_from_slice(&check.to_le_bytes());
        page
    }

    fn read_bytes(bytes: &[u8]) -> Result<(u32, Vec<Vec<f32>>), AudioError> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        read_channels(file.path())
    }

    fn text_of(bytes: &[u8]) -> String {
        read_bytes(bytes).unwrap_err().to_string()
    }

    fn le_bytes<T, const N: usize>(samples: &[T], bytes: impl Fn(&T) -> [u8; N]) -> Vec<u8> {
        samples.iter().flat_map(bytes).collect()
    }

    #[test]
    fn every_coding_of_a_wav_file_is_read() {
        let expected = [0.0, 0.5, -0.5, -1.0];
        let wide = |bytes: usize| -> Vec<u8> {
            [0i32, 1 << 30, -(1 << 30), i32::MIN]
                .iter()
                .flat_map(|sample| sample.to_le_bytes()[4 - bytes..].to_vec())
                .collect()
        };
        let float32 = le_bytes(&expected, |s: &f32| s.to_le_bytes());
        let float64 = le_bytes(&expected, |s: &f32| f64::from(*s).to_le_bytes());
        let files = [
            ("8 bits", whole_wav(PCM, 1, 8_000, 8, &[128, 192, 64, 0])),
            ("16 bits", whole_wav(PCM, 1, 8_000, 16, &wide(2))),
            ("20 bits", {
                let mut file = whole_wav(PCM, 1, 8_000, 24, &wide(3));
                file[34] = 20;
                file
            }),
            ("24 bits", whole_wav(PCM, 1, 8_000, 24, &wide(3))),
            ("32 bits", whole_wav(PCM, 1, 8_000, 32, &wide(4))),
            ("32-bit float", whole_wav(FLOAT, 1, 8_000, 32, &float32)),
            ("64-bit float", whole_wav(FLOAT, 1, 8_000, 64, &float64)),
        ];
        for (name, file) in files {
            let (rate, channels) = read_bytes(&file).unwrap();
            assert_eq!(
                (rate, &channels[..]),
                (8_000, &[expected.to_vec()][..]),
                "{name}"
            );
        }
    }

    #[test]
    fn mu_law_and_a_law_are_expanded() {
        // ITU-T G.711: codes of silence, of the smallest negative value, and of both extremes.
        let mu_law = read_bytes(&whole_wav(MU_LAW, 1, 8_000, 8, &[0xFF, 0x7F, 0x80, 0x00]));
        let steps = [0, 0, 32_124, -32_124].map(|step| step as f32 / 32_768.0);
        assert_eq!(mu_law.unwrap().1[0], steps);
        let a_law = read_bytes(&whole_wav(A_LAW, 1, 8_000, 8, &[0xD5, 0x55, 0xAA, 0x2A]));
        let steps = [8, -8, 32_256, -32_256].map(|step| step as f32 / 32_768.0);
        assert_eq!(a_law.unwrap().1[0], steps);
    }

    #[test]
    fn an_extensible_header_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("extensible.wav");
        let spec = hound::WavSpec {
            channels: 3,
            sample_rate: 44_100,
            bits_per_sample: 24,
            sample_format: hound::SampleFormat::Int,
        };
        let mut writer = hound::WavWriter::create(&path, spec).unwrap();
        for sample in [1 << 22, 0, -(1 << 22), 0, 1 << 22, 0] {
            writer.write_sample(sample).unwrap();
        }
        writer.finalize().unwrap();
        let (rate, channels) = read_channels(&path).unwrap();
        assert_eq!(rate, 44_100);
        assert_eq!(channels, [[0.5, 0.0], [0.0, 0.5], [-0.5, 0.0]]);
    }

    #[test]
    fn any_number_of_channels_becomes_its_mean() {
        for count in [1, 2, 3, 27, 300] {
            let frame: Vec<i16> = (0..count)
                .map(|n| if n == 0 { 16_384 } else { 0 })
                .collect();
            let data = le_bytes(&frame.repeat(5), |s: &i16| s.to_le_bytes());
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), whole_wav(PCM, count, 16_000, 16, &data)).unwrap();
            let mono = read(file.path()).unwrap();
            assert_eq!(mono.len(), 5);
            assert!(
                (mono[4] - 0.5 / f32::from(count)).abs() < 1e-6,
                "{count}: {mono:?}"
            );
        }
    }

    #[test]
    fn any_rate_becomes_the_pipelines() {
        for rate in [1_000, 8_000, 22_050, 44_100, 48_000, 768_000] {
            let data = vec![0; rate as usize];
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), whole_wav(PCM, 1, rate, 16, &data)).unwrap();
            assert_eq!(read(file.path()).unwrap().len(), 8_000, "{rate} Hz");
        }
    }

    #[test]
    fn a_size_left_open_by_a_streaming_writer_is_read_to_the_end() {
        // Killed; ffmpeg; sox and espeak-ng.
        for size in [0, u32::MAX, 0x7FFF_F000] {
            let (_, channels) =
                read_bytes(&wav(PCM, 1, 16_000, 16, size, &[0, 64, 0, 64])).unwrap();
            assert_eq!(channels, [[0.5, 0.5]], "{size:#x}");
        }
    }

    #[test]
    fn chunks_before_and_after_the_samples_are_no_sound() {
        let mut file = whole_wav(PCM, 1, 16_000, 16, &[0, 64]);
        file.splice(12..12, *b"LIST\x03\0\0\0abc\0");
        file.extend(b"LIST\x04\0\0\0abcd");
        assert_eq!(read_bytes(&file).unwrap().1, [[0.5]]);
    }

    #[test]
    fn flac_is_read_and_its_end_is_checked() {
        let (rate, channels) = read_bytes(&flac(16_000, 8_192, 192)).unwrap();
        assert_eq!((rate, &channels[0][..]), (16_000, &[0.25; 192][..]));
        let text = text_of(&flac(16_000, 8_192, 1_000));
        assert!(
            text.contains("declares 1000 samples and the file holds 192"),
            "{text}"
        );
    }

    #[test]
    fn a_stream_that_makes_the_decoder_panic_is_an_error() {
        let identification = b"\x01vorbis\0\0\0\0\x01\x80\x3E\0\0\0\0\0\0\0\0\0\0\0\0\0\0\xB8\x01";
        let comment = b"\x03vorbis\0\0\0\0\0\0\0\0\x01";
        // A codebook of 32 dimensions with one entry: the decoder counts to 2^32 in 32 bits, and asserts.
        let mut setup = b"\x05vorbis\0BCV\x20\0\x01\0\0\x80".to_vec();
        setup.extend([0; 30]);
        let mut file = ogg_page(true, 0, &[identification]);
        file.extend(ogg_page(false, 1, &[comment, &setup]));
        let text = text_of(&file);
        assert!(
            text.contains("damaged") && text.contains("the decoder gave up"),
            "{text}"
        );
    }

    #[test]
    fn bad_headers_are_refused_in_words() {
        let samples = [0; 64];
        let nan = le_bytes(&[0.0, f32::NAN], |s: &f32| s.to_le_bytes());
        let infinite = le_bytes(&[0.0, f32::INFINITY], |s: &f32| s.to_le_bytes());
        let integers = le_bytes(&[0.0, 20_000.0], |s: &f32| s.to_le_bytes());
        let mut two_formats = whole_wav(PCM, 1, 16_000, 16, &samples);
        two_formats.splice(12..12, two_formats[12..36].to_vec());
        let whole = whole_wav(PCM, 1, 16_000, 16, &samples);
        let table: [(&str, Vec<u8>, &str); 24] = [
            ("an empty file", vec![], "the file is empty"),
            ("text", b"Hello, this is not audio.".to_vec(), "not audio"),
            (
                "a picture",
                b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec(),
                "not audio",
            ),
            ("one byte", vec![0xFF], "not audio"),
            ("RIFF alone", b"RIFF".to_vec(), "not audio"),
            ("a film", b"RIFF\x04\0\0\0AVI ".to_vec(), "not audio"),
            (
                "nothing behind WAVE",
                b"RIFF\x04\0\0\0WAVE".to_vec(),
                "no data chunk",
            ),
            ("no data", whole[..36].to_vec(), "no data chunk"),
            (
                "no format",
                b"RIFF\0\0\0\0WAVEdata\x02\0\0\0ab".to_vec(),
                "before the fmt",
            ),
            (
                "a short format",
                b"RIFF\0\0\0\0WAVEfmt \x02\0\0\0\x01\0".to_vec(),
                "too short",
            ),
            ("two formats", two_formats, "two fmt chunks"),
            (
                "no samples",
                whole_wav(PCM, 1, 16_000, 16, &[]),
                "holds no samples",
            ),
            (
                "half a sample",
                whole_wav(PCM, 1, 16_000, 16, &[1]),
                "holds no samples",
            ),
            (
                "no channels",
                whole_wav(PCM, 0, 16_000, 16, &samples),
                "0 channels",
            ),
            (
                "a rate of 0",
                whole_wav(PCM, 1, 0, 16, &samples),
                "rate of 0 Hz",
            ),
            (
                "a rate too high",
                whole_wav(PCM, 1, u32::MAX, 16, &samples),
                "4294967295 Hz",
            ),
            (
                "0 bits",
                whole_wav(PCM, 1, 16_000, 0, &samples),
                "coding that is not read",
            ),
            (
                "MP3 in WAV",
                whole_wav(0x55, 1, 16_000, 16, &samples),
                "tag 0x0055",
            ),
            (
                "gigabytes",
                wav(PCM, 1, 16_000, 16, 3 << 30, &samples),
                "3221225472 bytes",
            ),
            (
                "cut short",
                whole[..whole.len() - 1].to_vec(),
                "64 bytes of samples",
            ),
            (
                "65,535 channels",
                whole_wav(PCM, u16::MAX, 16_000, 32, &samples),
                "no samples",
            ),
            ("NaN", whole_wav(FLOAT, 1, 16_000, 32, &nan), "NaN"),
            (
                "infinity",
                whole_wav(FLOAT, 1, 16_000, 32, &infinite),
                "inf",
            ),
            (
                "integers as floats",
                whole_wav(FLOAT, 1, 16_000, 32, &integers),
                "20000",
            ),
        ];
        for (name, file, expected) in table {
            let text = text_of(&file);
            assert!(text.contains(expected), "{name}: {text}");
        }
    }

    #[test]
    fn missing_files_folders_and_devices_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let missing = read(&folder.path().join("missing.wav"));
        assert!(matches!(missing, Err(AudioError::NotFound { .. })));
        assert!(matches!(
            read(folder.path()),
            Err(AudioError::NotAFile { .. })
        ));
        #[cfg(unix)]
        assert!(matches!(
            read(Path::new("/dev/zero")),
            Err(AudioError::NotAFile { .. })
        ));
    }

    #[test]
    fn too_large_and_too_long_files_are_refused_unread() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), wav(PCM, 1, 1_000, 8, 0, &[])).unwrap();
        // Sparse: it takes no room on the disk.
        file.as_file()
            .set_len(1_000 * DURATION_S_MAX + 1_044)
            .unwrap();
        let text = read(file.path()).unwrap_err().to_string();
        assert!(text.contains("14401 s of audio"), "{text}");
        file.as_file().set_len(FILE_BYTES_MAX + 1).unwrap();
        let text = read(file.path()).unwrap_err().to_string();
        assert!(text.contains("2147483649 bytes"), "{text}");
    }

    #[test]
    fn a_tag_in_front_is_stepped_over() {
        let mut file = b"ID3\x04\0\0\0\0\x01\x02".to_vec();
        file.extend([0xFF; 130]);
        file.extend(flac(16_000, 8_192, 192));
        assert_eq!(read_bytes(&file).unwrap().1, [[0.25; 192]]);
        // A size that leads beyond the end.
        assert!(text_of(b"ID3\x04\0\0\x7F\x7F\x7F\x7F").contains("not audio"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        #[test]
        fn mutated_files_never_panic(
            which in 0..4usize,
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
            cut in any::<prop::sample::Index>(),
        ) {
            let tone: Vec<u8> = (0..1_000u32).map(|n| (n * n / 7) as u8).collect();
            let mut file = match which {
                0 => whole_wav(PCM, 2, 44_100, 16, &tone),
                1 => whole_wav(FLOAT, 1, 16_000, 32, &tone),
                2 => whole_wav(MU_LAW, 1, 8_000, 8, &tone),
                _ => flac(16_000, 8_192, 192),
            };
            // Most changes fall on the header, where the harm is.
            for (at, byte) in changes {
                let at = at.index(file.len().min(64));
                file[at] = byte;
            }
            file.truncate(1 + cut.index(2 * file.len()));
            if let Ok((rate, channels)) = read_bytes(&file) {
                prop_assert!((RATE_MIN..=RATE_MAX).contains(&rate));
                prop_assert!(channels.iter().flatten().all(|sample| sample.is_finite()));
            }
        }
    }
}
