//! Speaks the recordings in audio/fixtures again: `make fixtures`.
//!
//! Needs the Piper voice and espeak-ng. The text of every recording stands here; scenarios repeat
//! it as their reference. Everything random has a fixed seed, so the files come out the same.

use std::error::Error;
use std::path::{Path, PathBuf};
use voicesim::audio::{SAMPLE_RATE, peak, resample::resample, wav};
use voicesim::engine::voice::{Voice, espeak::EspeakVoice, piper::PiperVoice};
use voicesim::models;
use voicesim::rng::Seed;

const QUESTIONS: [(&str, &str); 6] = [
    (
        "pause",
        "How long is the natural pause between two speakers?",
    ),
    ("reply", "How fast should a voice assistant reply?"),
    ("average", "Why does the average hide the slow replies?"),
    (
        "finished",
        "How does the assistant know that I have finished speaking?",
    ),
    ("graphics", "Do I need a graphics card?"),
    (
        "recording",
        "Where is the recording of the conversation kept?",
    ),
];

/// A question with 700 ms of silence in its middle.
const HALVES: (&str, &str) = (
    "When someone interrupts the assistant,",
    "should it stop talking?",
);
const PAUSE_MS: usize = 700;

const ESPEAK_VOICES: [&str; 3] = ["en-us", "en-gb", "en-gb-scotland"];

/// All recordings peak here, about -6 dB, so that no voice is heard better for being louder.
const PEAK: f32 = 0.5;
const LEAD_MS: usize = 100;
const TAIL_MS: usize = 150;

type Outcome = Result<(), Box<dyn Error>>;

fn main() -> Outcome {
    let folder = PathBuf::from(std::env::args().nth(1).unwrap_or("audio/fixtures".into()));
    std::fs::create_dir_all(&folder)?;
    let mut piper = PiperVoice::load(&models::locate("piper-en_US-joe-medium")?)?;
    let hum = piper.speak_phonemes("mˈhmm")?;
    speak_all(&folder, "piper", &mut piper, hum)?;
    for name in ESPEAK_VOICES {
        let mut voice = EspeakVoice::new(name)?;
        let hum = voice.speak_phonemes("m'hm")?;
        speak_all(&folder, name, &mut voice, hum)?;
    }

    let mut paused = piper.speak(HALVES.0)?;
    let spoken = last_loud(&paused);
    paused.truncate(spoken);
    paused.resize(spoken + samples(PAUSE_MS), 0.0);
    paused.extend(piper.speak(HALVES.1)?);
    save(&folder, "piper-with-pause", paused)?;
    save(&folder, "cough", cough())?;
    wav::write_mono(
        &folder.join("silence.wav"),
        &vec![0.0; samples(1_500)],
        SAMPLE_RATE,
    )?;
    odd_formats(&folder, &mut piper)
}

fn speak_all(folder: &Path, name: &str, voice: &mut dyn Voice, hum: Vec<f32>) -> Outcome {
    for (question, text) in QUESTIONS {
        save(folder, &format!("{name}-{question}"), voice.speak(text)?)?;
    }
    save(
        folder,
        &format!("{name}-wait-stop"),
        voice.speak("Wait, stop.")?,
    )?;
    save(folder, &format!("{name}-yeah"), voice.speak("Yeah.")?)?;
    save(folder, &format!("{name}-mm-hmm"), hum)
}

fn samples(ms: usize) -> usize {
    ms * SAMPLE_RATE as usize / 1_000
}

fn last_loud(speech: &[f32]) -> usize {
    let threshold = 0.01 * peak(speech);
    speech
        .iter()
        .rposition(|s| s.abs() > threshold)
        .map_or(0, |last| last + 1)
}

/// Levels speech and lays a little silence around it.
fn framed(speech: Vec<f32>) -> Vec<f32> {
    let gain = PEAK / peak(&speech).max(1e-6);
    let mut framed = vec![0.0; samples(LEAD_MS)];
    framed.extend(speech[..last_loud(&speech)].iter().map(|s| s * gain));
    framed.resize(framed.len() + samples(TAIL_MS), 0.0);
    framed
}

fn save(folder: &Path, name: &str, speech: Vec<f32>) -> Outcome {
    let path = folder.join(format!("{name}.wav"));
    wav::write_mono(&path, &framed(speech), SAMPLE_RATE)?;
    Ok(())
}

/// Two bursts of noise that die away, through a resonance near 1 kHz: like a cough, and no voice.
fn cough() -> Vec<f32> {
    let mut noise = Seed(1).stream("fixtures", 0, 0, "cough");
    let (mut before, mut last) = (0.0f32, 0.0f32);
    (0..samples(450))
        .map(|at| {
            let ms = at as f32 * 1_000.0 / SAMPLE_RATE as f32;
            let since = if ms < 220.0 { ms } else { ms - 220.0 };
            let envelope = (since / 8.0).min(1.0) * (-since / 55.0).exp();
            let drive = noise.normal() as f32 * envelope;
            // A two-pole resonator: radius 0.93, 1 kHz of 16 kHz.
            let next = drive + 2.0 * 0.93 * 0.923_88 * last - 0.93 * 0.93 * before;
            (before, last) = (last, next);
            next
        })
        .collect()
}

/// One question in formats that callers' tools write.
fn odd_formats(folder: &Path, piper: &mut PiperVoice) -> Outcome {
    let speech = framed(piper.speak(QUESTIONS[4].1)?);
    let spec = |channels, sample_rate, bits_per_sample, sample_format| hound::WavSpec {
        channels,
        sample_rate,
        bits_per_sample,
        sample_format,
    };

    let path = folder.join("stereo-44100.wav");
    let mut stereo = hound::WavWriter::create(path, spec(2, 44_100, 16, hound::SampleFormat::Int))?;
    for sample in resample(&speech, SAMPLE_RATE, 44_100)?.iter() {
        let sample = (sample.clamp(-1.0, 1.0) * 32_767.0) as i16;
        stereo.write_sample(sample)?;
        stereo.write_sample(sample / 2)?;
    }
    stereo.finalize()?;

    let path = folder.join("float-16000.wav");
    let mut float =
        hound::WavWriter::create(path, spec(1, SAMPLE_RATE, 32, hound::SampleFormat::Float))?;
    for sample in &speech {
        float.write_sample(*sample)?;
    }
    float.finalize()?;

    let telephone = resample(&speech, SAMPLE_RATE, 8_000)?;
    std::fs::write(folder.join("mu-law-8000.wav"), mu_law_wav(&telephone))?;
    Ok(())
}

/// An 8 kHz mono µ-law WAV (format 7).
fn mu_law_wav(samples: &[f32]) -> Vec<u8> {
    let data: Vec<u8> = samples.iter().map(|s| mu_law(*s)).collect();
    let length = data.len() as u32;
    let mut wav = Vec::new();
    wav.extend(b"RIFF");
    wav.extend((4 + 26 + 12 + 8 + length + length % 2).to_le_bytes());
    wav.extend(b"WAVEfmt ");
    wav.extend(18u32.to_le_bytes());
    for field in [7u16, 1] {
        wav.extend(field.to_le_bytes());
    }
    for field in [8_000u32, 8_000] {
        wav.extend(field.to_le_bytes());
    }
    for field in [1u16, 8, 0] {
        wav.extend(field.to_le_bytes());
    }
    wav.extend(b"fact");
    wav.extend(4u32.to_le_bytes());
    wav.extend(length.to_le_bytes());
    wav.extend(b"data");
    wav.extend(length.to_le_bytes());
    wav.extend(&data);
    wav.resize(wav.len() + data.len() % 2, 0);
    wav
}

/// ITU-T G.711 µ-law: sign, three bits of exponent, four of mantissa, all inverted.
fn mu_law(sample: f32) -> u8 {
    const BIAS: i32 = 0x84;
    let linear = (sample.clamp(-1.0, 1.0) * 32_635.0) as i32;
    let sign = if linear < 0 { 0x80u8 } else { 0 };
    let magnitude = linear.abs() + BIAS;
    let exponent = (31 - magnitude.leading_zeros() as i32 - 7).clamp(0, 7);
    let mantissa = (magnitude >> (exponent + 3)) & 0x0f;
    !(sign | (exponent as u8) << 4 | mantissa as u8)
}
