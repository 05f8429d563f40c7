//! Containers that are written byte by byte, and what writers get wrong in them.

use super::test_decode::{notes_of, read_bytes, text_of, wav};
use proptest::prelude::*;

const PCM: u16 = 1;

/// Two samples of each of two channels, in 16 bits of the high byte first: 0.5, -0.5, 0.25, -0.25.
const BIG: [u8; 8] = [0x40, 0, 0xC0, 0, 0x20, 0, 0xE0, 0];
/// The samples of [`BIG`] with the low byte first.
const LITTLE: [u8; 8] = [0, 0x40, 0, 0xC0, 0, 0x20, 0, 0xE0];

fn is_heard(name: &str, file: &[u8]) {
    let (rate, channels) = read_bytes(file).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(rate, 8_000, "{name}");
    assert_eq!(channels, [[0.5, 0.25], [-0.5, -0.25]], "{name}");
}

fn au(magic: &[u8; 4], coding: u32, bytes: u32, data: &[u8]) -> Vec<u8> {
    let number = |value: u32| match magic {
        b".snd" => value.to_be_bytes(),
        _ => value.to_le_bytes(),
    };
    let numbers = [28, bytes, coding, 8_000, 2].map(number).concat();
    [&magic[..], &numbers, b"note", data].concat()
}

fn chunk(name: &[u8], declared: u32, contents: &[u8]) -> Vec<u8> {
    [name, &declared.to_be_bytes(), contents].concat()
}

/// 8,000 Hz as AIFF has it.
const RATE: [u8; 10] = [0x40, 0x0B, 0xFA, 0, 0, 0, 0, 0, 0, 0];

fn comm(bits: u16, coding: Option<&[u8; 4]>) -> Vec<u8> {
    let mut common = [&[0, 2][..], &[0, 0, 0, 2], &bits.to_be_bytes(), &RATE].concat();
    if let Some(coding) = coding {
        common.extend(coding);
        common.extend([0, 0]);
    }
    chunk(b"COMM", common.len() as u32, &common)
}

fn aiff(bits: u16, coding: Option<&[u8; 4]>, data_size: u32, data: &[u8]) -> Vec<u8> {
    let kind: &[u8] = if coding.is_some() { b"AIFC" } else { b"AIFF" };
    let sound = chunk(b"SSND", data_size, &[&[0; 8], data].concat());
    [b"FORM\0\0\0\0", kind, &comm(bits, coding), &sound].concat()
}

fn caf(name: &[u8; 4], flags: u32, bits: u32, data_size: i64, data: &[u8]) -> Vec<u8> {
    let (packet, frames) = match name {
        b"ima4" => (68, 64),
        _ => (bits / 8 * 2, 1),
    };
    let mut file = b"caff\0\x01\0\0desc\0\0\0\0\0\0\0\x20".to_vec();
    file.extend(8_000_f64.to_be_bytes());
    file.extend(name);
    file.extend(
        [flags, packet, frames, 2, bits]
            .map(u32::to_be_bytes)
            .concat(),
    );
    file.extend(b"free\0\0\0\0\0\0\0\x03abcdata");
    file.extend(data_size.to_be_bytes());
    file.extend([0; 4]);
    file.extend(data);
    file
}

/// The last 12 bytes of the names of Wave64's chunks.
const GUID: [u8; 12] = [
    0xF3, 0xAC, 0xD3, 0x11, 0x8C, 0xD1, 0x00, 0xC0, 0x4F, 0x8E, 0xDB, 0x8A,
];

fn wave64(data_size: u64, data: &[u8]) -> Vec<u8> {
    let mut file = super::riff::WAVE64.to_vec();
    file.extend([0; 8]);
    file.extend([b"wave", &GUID[..]].concat());
    // An odd size, which is filled up to a multiple of 8.
    file.extend([b"junk", &GUID[..]].concat());
    file.extend(27_u64.to_le_bytes());
    file.extend([b'x'; 8]);
    file.extend([b"fmt ", &GUID[..]].concat());
    file.extend(40_u64.to_le_bytes());
    file.extend([1, 0, 2, 0, 0x40, 0x1F, 0, 0, 0, 0x7D, 0, 0, 4, 0, 16, 0]);
    file.extend([b"data", &GUID[..]].concat());
    file.extend(data_size.to_le_bytes());
    file.extend(data);
    file
}

/// A WAV file with the high byte of every number first.
fn rifx(data: &[u8]) -> Vec<u8> {
    let fmt = [0, 1, 0, 2, 0, 0, 0x1F, 0x40, 0, 0, 0x7D, 0, 0, 4, 0, 16];
    let chunks = [
        chunk(b"fmt ", 16, &fmt),
        chunk(b"data", data.len() as u32, data),
    ];
    [&b"RIFX\0\0\0\0WAVE"[..], &chunks.concat()].concat()
}

#[test]
fn every_container_is_read() {
    let float = [0.5_f32, -0.5, 0.25, -0.25].map(f32::to_be_bytes).concat();
    let wide = [0x40, 0, 0, 0xC0, 0, 0, 0x20, 0, 0, 0xE0, 0, 0];
    let wide_little = [0, 0, 0x40, 0, 0, 0xC0, 0, 0, 0x20, 0, 0, 0xE0];
    is_heard("RIFX", &rifx(&BIG));
    is_heard("Wave64", &wave64(32, &LITTLE));
    is_heard("AU", &au(b".snd", 3, 8, &BIG));
    is_heard("AU of DEC", &au(b"dns.", 3, 8, &LITTLE));
    is_heard("AU of floats", &au(b".snd", 6, 16, &float));
    is_heard("AU of 24 bits", &au(b".snd", 4, 12, &wide));
    is_heard("AU of 8 bits", &au(b".snd", 2, 4, &[64, 192, 32, 224]));
    is_heard("AIFF", &aiff(16, None, 16, &BIG));
    is_heard("AIFF of 24 bits", &aiff(24, None, 20, &wide));
    is_heard("AIFF of 8 bits", &aiff(8, None, 12, &[64, 192, 32, 224]));
    is_heard("AIFF-C sowt", &aiff(16, Some(b"sowt"), 16, &LITTLE));
    is_heard("AIFF-C fl32", &aiff(32, Some(b"fl32"), 24, &float));
    is_heard("CAF", &caf(b"lpcm", 0, 16, 12, &BIG));
    is_heard("CAF, low byte first", &caf(b"lpcm", 2, 16, 12, &LITTLE));
    is_heard("CAF of 24 bits", &caf(b"lpcm", 2, 24, 16, &wide_little));
    is_heard("CAF of floats", &caf(b"lpcm", 1, 32, 20, &float));
}

#[test]
fn mu_law_is_expanded_in_every_container() {
    let law = [0x80, 0x00, 0xFF, 0x7F];
    let loud = 32_124.0 / 32_768.0;
    for file in [
        au(b".snd", 1, 4, &law),
        aiff(8, Some(b"ulaw"), 12, &law),
        caf(b"ulaw", 0, 8, 8, &law),
    ] {
        assert_eq!(read_bytes(&file).unwrap().1, [[loud, 0.0], [-loud, 0.0]]);
    }
}

#[test]
fn apples_adpcm_is_read() {
    // A block of 64 samples for each channel, both silent.
    for file in [
        caf(b"ima4", 0, 0, 72, &[0; 68]),
        aiff(16, Some(b"ima4"), 76, &[0; 68]),
    ] {
        let (_, channels) = read_bytes(&file).unwrap();
        assert_eq!(channels.len(), 2);
        assert!(channels.iter().all(|channel| channel.len() == 64));
    }
}

#[test]
fn a_size_that_was_left_open_is_read_to_the_end_without_a_word() {
    let files = [
        ("WAV, 2 GiB", wav(PCM, 2, 8_000, 16, 0x7FFF_FFFF, &LITTLE)),
        ("WAV, 4 GiB", wav(PCM, 2, 8_000, 16, u32::MAX, &LITTLE)),
        ("WAV, nothing", wav(PCM, 2, 8_000, 16, 0, &LITTLE)),
        ("AU, 4 GiB", au(b".snd", 3, u32::MAX, &BIG)),
        ("AU, nothing", au(b".snd", 3, 0, &BIG)),
        ("AIFF, nothing", aiff(16, None, 0, &BIG)),
        ("AIFF, 2 GiB", aiff(16, None, 0x7FFF_FFFF, &BIG)),
        ("CAF", caf(b"lpcm", 0, 16, -1, &BIG)),
        ("Wave64", wave64(i64::MAX as u64, &LITTLE)),
    ];
    for (name, file) in files {
        is_heard(name, &file);
        assert!(notes_of(&file).is_empty(), "{name}");
    }
}

#[test]
fn a_size_beyond_the_end_is_read_to_the_end_and_said() {
    let files = [
        ("WAV", wav(PCM, 2, 8_000, 16, 1_000_000_000, &LITTLE)),
        ("WAV, by a byte", wav(PCM, 2, 8_000, 16, 32_009, &LITTLE)),
        ("AU", au(b".snd", 3, 64_000, &BIG)),
        ("AIFF", aiff(16, None, 64_000, &BIG)),
        ("CAF", caf(b"lpcm", 0, 16, 64_000, &BIG)),
        ("Wave64", wave64(64_000, &LITTLE)),
    ];
    for (name, file) in files {
        is_heard(name, &file);
        let notes = notes_of(&file);
        assert!(
            notes.len() == 1 && notes[0].contains("ends after 0.0 s of sound: read to its end"),
            "{name}: {notes:?}"
        );
    }
}

#[test]
fn all_data_chunks_are_read_wherever_they_are_cut() {
    for cut in [4, 3, 2] {
        let mut file = wav(PCM, 2, 8_000, 16, cut as u32, &LITTLE[..cut]);
        if cut % 2 == 1 {
            file.push(0);
        }
        file.extend(b"LIST\x04\0\0\0abcddata");
        file.extend((8 - cut as u32).to_le_bytes());
        file.extend(&LITTLE[cut..]);
        is_heard("two chunks", &file);
        let notes = notes_of(&file);
        assert!(
            notes.len() == 1 && notes[0].contains("in 2 parts"),
            "{notes:?}"
        );
    }
}

#[test]
fn a_missing_pad_byte_is_survived() {
    for pad in [&b""[..], b"\0"] {
        let mut file = wav(PCM, 2, 8_000, 16, 8, &LITTLE);
        file.splice(36..36, [b"LIST\x05\0\0\0INFOx", pad].concat());
        is_heard("WAV", &file);
        let mut file = aiff(16, None, 16, &BIG);
        let note = [b"ANNO\0\0\0\x05hello", pad].concat();
        file.splice(12..12, note);
        is_heard("AIFF", &file);
    }
}

#[test]
fn samples_may_come_before_what_they_are() {
    let file = aiff(16, None, 16, &BIG);
    let (before, sound) = file.split_at(12 + 26);
    let turned = [&before[..12], sound, &before[12..]].concat();
    is_heard("AIFF", &turned);
}

#[test]
fn what_a_container_may_hold_and_is_not_read_is_said() {
    let table = [
        (
            aiff(16, Some(b"MAC3"), 16, &BIG),
            "AIFF coding that is not read (MAC3",
        ),
        (au(b".snd", 23, 8, &BIG), "AU coding that is not read (23)"),
        (
            wav(0x31, 2, 8_000, 0, 8, &LITTLE),
            "GSM 06.10 of several channels",
        ),
        (b"FORM\0\0\0\0AIFF".to_vec(), "no COMM chunk"),
        (b".snd\0\0".to_vec(), "too short"),
        (b"caff\0\x01\0\0".to_vec(), "no desc chunk"),
        (b"\0\0\0\x18ftypM4A ".to_vec(), "damaged"),
    ];
    for (file, expected) in table {
        let text = text_of(&file);
        assert!(text.contains(expected), "{expected}: {text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn mutated_containers_never_panic(
        which in 0..8usize,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        cut in any::<prop::sample::Index>(),
    ) {
        let data = [0x5A; 200];
        let mut file = match which {
            0 => au(b".snd", 3, 200, &data),
            1 => aiff(16, None, 208, &data),
            2 => aiff(16, Some(b"ima4"), 208, &data),
            3 => caf(b"lpcm", 0, 16, 204, &data),
            4 => caf(b"ima4", 0, 0, 204, &data),
            5 => wave64(224, &data),
            6 => rifx(&data),
            _ => wav(0x31, 1, 8_000, 0, 200, &data),
        };
        for (at, byte) in changes {
            let at = at.index(file.len().min(160));
            file[at] = byte;
        }
        file.truncate(1 + cut.index(2 * file.len()));
        if let Ok((_, channels)) = read_bytes(&file) {
            prop_assert!(channels.iter().flatten().all(|sample| sample.is_finite()));
        }
    }
}
