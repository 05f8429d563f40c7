//! Calls of which everything is known: recorded questions and answers laid on two channels at chosen moments, in
//! quiet, in noise, with a hum, with music on hold, with each channel leaking into the other.

use std::path::Path;
use voicesim::audio::{decode, peak, wav::StereoWriter};
use voicesim::rng::{Seed, Stream};

/// Samples of a millisecond.
pub(crate) const MS: usize = 16;

/// A call, and what is true of it.
pub(crate) struct Call {
    pub name: String,
    pub caller: Vec<f32>,
    pub agent: Vec<f32>,
    /// Every question: its true end, and the true beginning of its answer, in milliseconds.
    pub gaps: Vec<(f64, f64)>,
}

/// What surrounds the voices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Surroundings {
    Quiet,
    /// White noise on both channels, 20 dB under the voices.
    FaintNoise,
    /// The same, 10 dB under them.
    Noise,
    /// A hum with its harmonics, 20 dB under the voices.
    Hum,
    /// Music on the agent's channel wherever the agent is silent.
    MusicOnHold,
    /// Each channel is heard on the other, 30 dB down.
    CrossTalk,
}

impl Surroundings {
    pub(crate) const ALL: [Surroundings; 6] = [
        Surroundings::Quiet,
        Surroundings::FaintNoise,
        Surroundings::Noise,
        Surroundings::Hum,
        Surroundings::MusicOnHold,
        Surroundings::CrossTalk,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Surroundings::Quiet => "quiet",
            Surroundings::FaintNoise => "noise at 20 dB",
            Surroundings::Noise => "noise at 10 dB",
            Surroundings::Hum => "a steady hum",
            Surroundings::MusicOnHold => "music on hold",
            Surroundings::CrossTalk => "cross-talk at -30 dB",
        }
    }
}

const VOICES: [&str; 4] = ["piper", "en-us", "en-gb", "en-gb-scotland"];
const SENTENCES: [&str; 6] = [
    "pause",
    "reply",
    "average",
    "finished",
    "graphics",
    "recording",
];
/// In milliseconds.
pub(crate) const GAPS: [usize; 12] = [
    0, 100, 200, 300, 400, 500, 700, 900, 1_200, 1_700, 2_300, 3_000,
];

/// A recording, cut to its true beginning and end: what lies above -40 dB of its peak.
pub(crate) fn spoken(name: &str) -> Vec<f32> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("audio/fixtures")
        .join(name);
    let sound = decode::read(&path).expect("a fixture");
    let threshold = 0.01 * peak(&sound);
    let first = sound
        .iter()
        .position(|s| s.abs() > threshold)
        .expect("sound");
    let last = sound
        .iter()
        .rposition(|s| s.abs() > threshold)
        .expect("sound");
    sound[first..=last].to_vec()
}

/// Lays `sound` on a channel.
pub(crate) fn lay(channel: &mut Vec<f32>, at: usize, sound: &[f32]) {
    if channel.len() < at + sound.len() {
        channel.resize(at + sound.len(), 0.0);
    }
    for (to, from) in channel[at..].iter_mut().zip(sound) {
        *to += from;
    }
}

/// One question and its answer for every gap, asked and answered by voice after voice.
pub(crate) fn call(surroundings: Surroundings, number: usize) -> Call {
    let (mut caller, mut agent, mut gaps) = (Vec::new(), Vec::new(), Vec::new());
    let mut hold = Vec::new();
    let mut at = 1_000 * MS;
    let mut random = Seed(5).stream("synthetic", number as u64, 0, surroundings.name());
    for (index, gap) in GAPS.into_iter().enumerate() {
        let asks = VOICES[(number + index) % 4];
        let answers = VOICES[(number + index / 4 + index + 1) % 4];
        let question = spoken(&format!("{asks}-{}.wav", SENTENCES[(number + index) % 6]));
        let answer = spoken(&format!(
            "{answers}-{}.wav",
            SENTENCES[(number + index + 2) % 6]
        ));
        let end = at + question.len();
        let start = end + gap * MS + (random.uniform() * 16.0) as usize;
        lay(&mut caller, at, &question);
        lay(&mut agent, start, &answer);
        gaps.push((end as f64 / MS as f64, start as f64 / MS as f64));
        hold.push(at..start);
        // People take their time before they ask the next thing.
        at = start + answer.len() + (800 + (1_500.0 * random.uniform()) as usize) * MS;
        hold.push(start + answer.len()..at);
    }
    let length = at + 1_000 * MS;
    caller.resize(length, 0.0);
    agent.resize(length, 0.0);
    let voice = power(&caller) * length as f64 / voiced(&caller) as f64;
    surround(
        surroundings,
        (&mut caller, &mut agent),
        voice,
        &hold,
        &mut random,
    );
    Call {
        name: format!("{}-{number}", surroundings.name().replace(' ', "-")),
        caller,
        agent,
        gaps,
    }
}

fn power(sound: &[f32]) -> f64 {
    sound.iter().map(|s| f64::from(s * s)).sum::<f64>() / sound.len() as f64
}

fn voiced(sound: &[f32]) -> usize {
    sound.iter().filter(|s| **s != 0.0).count().max(1)
}

fn surround(
    surroundings: Surroundings,
    (caller, agent): (&mut Vec<f32>, &mut Vec<f32>),
    voice: f64,
    hold: &[std::ops::Range<usize>],
    random: &mut Stream,
) {
    let amplitude = |db: f64| (voice * 10f64.powf(-db / 10.0)).sqrt() as f32;
    match surroundings {
        Surroundings::Quiet => {}
        Surroundings::FaintNoise | Surroundings::Noise => {
            let is_faint = surroundings == Surroundings::FaintNoise;
            let noise = amplitude(if is_faint { 20.0 } else { 10.0 });
            for sample in caller.iter_mut().chain(agent.iter_mut()) {
                *sample = (*sample + noise * random.normal() as f32).clamp(-1.0, 1.0);
            }
        }
        Surroundings::Hum => {
            let hum = amplitude(20.0);
            for (at, (one, other)) in caller.iter_mut().zip(agent.iter_mut()).enumerate() {
                let turn = std::f32::consts::TAU * at as f32 / 16_000.0;
                let wave =
                    (50.0 * turn).sin() + 0.5 * (150.0 * turn).sin() + 0.5 * (200.0 * turn).sin();
                *one += hum * wave;
                *other += hum * wave;
            }
        }
        Surroundings::MusicOnHold => {
            for silence in hold.iter().filter(|silence| silence.len() > 400 * MS) {
                // It fades out before the agent speaks.
                let inside = silence.start + 100 * MS..silence.end - 100 * MS;
                lay(agent, inside.start, &music(inside.len(), random));
            }
        }
        Surroundings::CrossTalk => {
            let (one, other) = (caller.clone(), agent.clone());
            let leak = 10f32.powf(-30.0 / 20.0);
            for (at, sample) in caller.iter_mut().enumerate() {
                *sample += leak * other[at];
            }
            for (at, sample) in agent.iter_mut().enumerate() {
                *sample += leak * one[at];
            }
        }
    }
}

/// Slow chords of a pentatonic scale, with four harmonics, one after the other.
fn music(length: usize, random: &mut Stream) -> Vec<f32> {
    const SCALE: [i32; 8] = [0, 2, 4, 7, 9, 12, 14, 16];
    let beat = 9_600;
    let mut sound = vec![0.0; length];
    for at in (0..length).step_by(beat) {
        let root = SCALE[(8.0 * random.uniform()) as usize];
        let chord = [root, root + 4, root + 7].map(|step| 220.0 * 2f32.powf(step as f32 / 12.0));
        for (n, sample) in sound[at..(at + 2 * beat).min(length)]
            .iter_mut()
            .enumerate()
        {
            let seconds = n as f32 / 16_000.0;
            let envelope = (8.0 * seconds).min(1.0) * (1.0 - n as f32 / (2 * beat) as f32);
            for pitch in chord {
                for (harmonic, height) in [0.5, 0.25, 0.12, 0.06].into_iter().enumerate() {
                    let turns = pitch * (harmonic as f32 + 1.0) * seconds;
                    *sample += 0.1 * envelope * height * (std::f32::consts::TAU * turns).sin();
                }
            }
        }
    }
    let fade = 50 * MS;
    for n in 0..fade.min(length) {
        sound[length - 1 - n] *= n as f32 / fade as f32;
    }
    sound
}

impl Call {
    /// Writes it as a stereo file.
    pub(crate) fn write(&self, path: &Path) {
        let mut writer = StereoWriter::create(path).expect("a file");
        writer.push(&self.caller, &self.agent).expect("written");
        writer.finish().expect("written");
    }
}
