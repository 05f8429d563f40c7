//! Sound in the formats that people have: read, and in its place to a fraction of a millisecond.

use crate::support::{fixture, stdout, voicesim};
use proptest::prelude::*;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use voicesim::audio::{decode, wav};

fn sound(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/data/formats");
    folder.join(name)
}

/// The middle of a pulse's energy, in ms from where it was put.
fn off_ms(samples: &[f32], rate: u32, at_s: f64) -> f64 {
    let rate = f64::from(rate);
    let around = ((at_s - 0.025) * rate) as usize..((at_s + 0.025) * rate) as usize;
    let (mut energy, mut moment) = (0.0, 0.0);
    for at in around {
        let power = f64::from(samples[at]).powi(2);
        energy += power;
        moment += power * at as f64 / rate;
    }
    assert!(energy > 0.1, "nothing is heard at {at_s} s");
    (moment / energy - at_s) * 1e3
}

#[test]
fn a_pulse_is_where_it_was_put_whatever_the_format() {
    let stereo: [(&str, u32, f64); 10] = [
        ("opus-20ms.ogg", 48_000, 1.5),
        ("opus-60ms.ogg", 48_000, 1.5),
        ("opus.webm", 48_000, 1.5),
        ("aac.m4a", 16_000, 1.5),
        ("aac-fragments.mp4", 16_000, 1.5),
        ("aac.adts", 16_000, 1.5),
        ("mp3.wav", 16_000, 1.5),
        ("mp3.mp3", 16_000, 1.5),
        ("vorbis.ogg", 16_000, 1.5),
        ("opus-mono.ogg", 48_000, 1.5),
    ];
    let mono = [
        ("alac.m4a", 8_000, 0.6),
        ("alac.caf", 8_000, 0.6),
        ("gsm.wav", 8_000, 1.52),
    ];
    for (name, rate, length_s) in stereo.into_iter().chain(mono) {
        if name.starts_with("opus") && !cfg!(feature = "opus") {
            continue;
        }
        let (found, channels) = decode::read_channels(&sound(name)).expect(name);
        assert_eq!(found, rate, "{name}");
        let off = off_ms(&channels[0], rate, 0.5);
        assert!(off.abs() < 0.3, "{name}: {off} ms");
        if let [_, right] = &channels[..] {
            let off = off_ms(right, rate, 1.0);
            assert!(off.abs() < 0.3, "{name}: {off} ms on the right");
        }
        let more_s = channels[0].len() as f64 / f64::from(rate) - length_s;
        assert!(
            (-0.001..0.05).contains(&more_s),
            "{name}: {more_s} s too long"
        );
    }
}

#[test]
fn opus_and_mp4_end_where_their_sound_ends() {
    for (name, samples) in [("opus-20ms.ogg", 72_000), ("aac.m4a", 24_000)] {
        if name.starts_with("opus") && !cfg!(feature = "opus") {
            continue;
        }
        let (_, channels) = decode::read_channels(&sound(name)).expect(name);
        assert_eq!(channels[0].len(), samples, "{name}");
    }
}

#[test]
fn gsm_is_decoded_to_the_bit() {
    let (_, channels) = decode::read_channels(&sound("gsm.wav")).expect("GSM");
    let samples = channels[0].iter().map(|sample| (sample * 32_768.0) as i16);
    let bytes: Vec<u8> = samples.flat_map(i16::to_le_bytes).collect();
    let sum = Sha256::digest(&bytes);
    let sum: String = sum.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(
        sum,
        "1be36ad80bc3d347de837ad572a36b52412f90e77604d669406db945ac53b688"
    );
}

#[test]
fn a_name_decides_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("call.txt");
    std::fs::copy(sound("aac.m4a"), &path).expect("copied");
    assert_eq!(decode::read_channels(&path).expect("sound").0, 16_000);
}

#[test]
fn a_call_that_breaks_off_is_measured_with_a_note() {
    let question = decode::read(&fixture("piper-wait-stop.wav")).expect("a fixture");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("broken off.wav");
    let mut writer = wav::StereoWriter::create(&path).expect("made");
    let silence = vec![0.0; question.len()];
    let pause = vec![0.0; 16_000];
    writer.push(&question, &silence).expect("written");
    writer.push(&pause, &pause).expect("written");
    writer.push(&silence, &question).expect("written");
    writer.push(&pause, &pause).expect("written");
    writer.finish().expect("written");
    let bytes = std::fs::read(&path).expect("a file");
    std::fs::write(&path, &bytes[..bytes.len() - 20_001]).expect("written");
    let output = voicesim(&["measure", &path.to_string_lossy(), "--no-transcribe"]);
    let text = stdout(&output);
    let note = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        note.contains("broken off.wav: the header declares") && note.contains("read to its end"),
        "{text}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn damaged_files_never_panic(
        which in 0..8usize,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
        cut in any::<prop::sample::Index>(),
    ) {
        let names = [
            "opus-20ms.ogg", "opus.webm", "aac.m4a", "aac-fragments.mp4", "aac.adts", "alac.caf", "mp3.wav", "gsm.wav",
        ];
        let mut bytes = std::fs::read(sound(names[which])).expect("a file");
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes.truncate(1 + cut.index(2 * bytes.len()));
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), &bytes).expect("written");
        if let Ok((_, channels)) = decode::read_channels(file.path()) {
            prop_assert!(channels.iter().flatten().all(|sample| sample.is_finite()));
        }
    }
}
