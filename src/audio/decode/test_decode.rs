//! Decoding WAV, FLAC and Ogg that are written byte by byte, whole and broken.

use super::*;
use crate::audio::{RATE_MAX, RATE_MIN};
use proptest::prelude::*;

const PCM: u16 = 1;
const FLOAT: u16 = 3;
const A_LAW: u16 = 6;
const MU_LAW: u16 = 7;

/// A WAV file with a plain 16-byte `fmt ` chunk. `data_size` is what the header declares.
pub(super) fn wav(
    tag: u16,
    channels: u16,
    rate: u32,
    bits: u16,
    data_size: u32,
    data: &[u8],
) -> Vec<u8> {
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

pub(super) fn read_bytes(bytes: &[u8]) -> Result<(u32, Vec<Vec<f32>>), AudioError> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    read_channels(file.path())
}

pub(super) fn text_of(bytes: &[u8]) -> String {
    read_bytes(bytes).unwrap_err().to_string()
}

pub(super) fn notes_of(bytes: &[u8]) -> Vec<String> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    stream(file.path(), &mut |_| Ok(())).unwrap()
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
    for count in [1, 2, 3, 27, 32] {
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
        let (_, channels) = read_bytes(&wav(PCM, 1, 16_000, 16, size, &[0, 64, 0, 64])).unwrap();
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
    let notes = notes_of(&flac(16_000, 8_192, 16_000));
    assert!(
        notes[0].contains("declares 1.0 s of sound and the file ends after 0.0 s"),
        "{notes:?}"
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
    let table: [(&str, Vec<u8>, &str); 22] = [
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
            "no fmt chunk",
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
            "G.722 in WAV",
            whole_wav(0x28F, 1, 16_000, 4, &samples),
            "G.722, tag 0x028f",
        ),
        (
            "65,535 channels",
            whole_wav(PCM, u16::MAX, 16_000, 32, &samples),
            "65535 channels, and up to 32 are read",
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
