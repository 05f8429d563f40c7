//! What the tests share, and is no test: running the program, measuring a recording by its energy alone, and calls
//! that are made up. The server is the one of the unit tests.

#[cfg(feature = "probe")]
pub(crate) mod agents;
pub(crate) mod exchanges;
pub(crate) mod made_up_calls;
#[path = "../../../src/test_server.rs"]
#[allow(dead_code)]
pub(crate) mod server;
pub(crate) mod synthetic;
pub(crate) mod targets;
pub(crate) mod understands;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

pub(crate) fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("audio/fixtures")
        .join(name)
}

/// The program, with no models to be found: what it says then, it says without them.
pub(crate) fn voicesim(arguments: &[&str]) -> Output {
    command(arguments)
        .env("VOICESIM_MODELS", "/nonexistent/models")
        .output()
        .expect("voicesim runs")
}

pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_voicesim"));
    command.args(arguments).env_remove("RUST_LOG");
    command
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Engines that take no time to load, so that a test is about the conversation.
pub(crate) const SIMULATED: &str = "
[stt]
engine = \"simulated\"
latency = { fixed_ms = 120 }
[answer]
engine = \"simulated\"
latency = { fixed_ms = 80 }
text = \"This is what the agent answers, and it goes on for a while, so that one can talk over it.\"
[tts]
engine = \"simulated\"
latency = { fixed_ms = 60 }
";

/// The channels of a `conversation.wav`: caller, agent.
pub(crate) fn conversation(folder: &Path) -> (Vec<f32>, Vec<f32>) {
    let path = folder.join("conversation.wav");
    let mut reader = hound::WavReader::open(path).expect("a conversation.wav");
    let samples: Vec<f32> = reader
        .samples::<i16>()
        .map(|sample| f32::from(sample.expect("a sample")) / 32_768.0)
        .collect();
    samples
        .chunks_exact(2)
        .map(|pair| (pair[0], pair[1]))
        .unzip()
}

/// Where the first sample above -40 dB of the peak of `sound` lies, in milliseconds.
pub(crate) fn onset_ms(sound: &[f32]) -> f64 {
    let threshold = 0.01 * peak(sound);
    let at = sound.iter().position(|sample| sample.abs() > threshold);
    at.expect("there is sound") as f64 / 16.0
}

/// Where the last sample above -40 dB of the peak of `sound` lies, in milliseconds.
pub(crate) fn end_ms(sound: &[f32]) -> f64 {
    let threshold = 0.01 * peak(sound);
    let at = sound.iter().rposition(|sample| sample.abs() > threshold);
    at.expect("there is sound") as f64 / 16.0
}

fn peak(sound: &[f32]) -> f32 {
    sound
        .iter()
        .fold(0.0, |peak, sample| sample.abs().max(peak))
}
