//! Agents that are called: our own, served by another process, and scripted ones.

use super::{command, fixture, stderr, stdout};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Output, Stdio};
use std::thread;
use std::time::Duration;
use tokio_tungstenite::tungstenite::{WebSocket, accept};

pub(crate) fn written(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, text).expect("written");
    path.display().to_string()
}

pub(crate) fn json(output: &Output) -> Value {
    serde_json::from_str(&stdout(output))
        .unwrap_or_else(|error| panic!("{error}: {}\n{}", stdout(output), stderr(output)))
}

/// What came of each turn.
pub(crate) fn outcomes(report: &Value) -> Vec<&str> {
    let detail = report["detail"].as_array().expect("turns");
    detail
        .iter()
        .map(|row| row["outcome"].as_str().expect("an outcome"))
        .collect()
}

/// A served pipeline, in a process of its own.
pub(crate) struct Served {
    process: Child,
    pub(crate) address: String,
}

impl Served {
    pub(crate) fn start(arguments: &[&str]) -> Served {
        let mut process = command(&["serve", "--listen", "127.0.0.1:0"])
            .args(arguments)
            .env("VOICESIM_MODELS", "/nonexistent/models")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("voicesim runs");
        let mut address = String::new();
        let out = process.stdout.take().expect("its output");
        BufReader::new(out).read_line(&mut address).expect("a line");
        let address = address.trim().to_owned();
        assert!(address.starts_with("ws://127.0.0.1:"), "{address:?}");
        Served { process, address }
    }

    /// Waits until it ends by itself.
    pub(crate) fn ends(mut self) {
        for _ in 0..200 {
            if let Some(status) = self.process.try_wait().expect("a process") {
                assert!(status.success(), "{status}");
                return;
            }
            thread::sleep(Duration::from_millis(50));
        }
        panic!("it goes on");
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

pub(crate) const DOUBLE: &str = "
[endpointing]
silence_ms = 300
[stt]
engine = \"simulated\"
latency = { fixed_ms = 100 }
[answer]
engine = \"simulated\"
latency = { fixed_ms = 300 }
text = \"We are open until eight.\"
[tts]
engine = \"simulated\"
latency = { fixed_ms = 100 }
[[turn]]
speech = { length = { fixed_ms = 1000 } }
";

/// An agent that does as it is told with its first caller.
pub(crate) fn scripted(does: impl FnOnce(WebSocket<TcpStream>) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("ws://{}", listener.local_addr().expect("an address"));
    thread::spawn(move || {
        let (stream, _) = listener.accept().expect("a caller");
        does(accept(stream).expect("a WebSocket"));
    });
    address
}

/// A voice of this many milliseconds, as 16-bit PCM at 16 kHz.
pub(crate) fn voice(ms: usize) -> Vec<u8> {
    let path = fixture("piper-average.wav");
    let sound = voicesim::audio::decode::read(&path).expect("a fixture");
    let peak = voicesim::audio::peak(&sound);
    let first = voicesim::audio::first_audible(&sound, 0.01 * peak).expect("sound");
    let sound = sound[first..].iter().cycle().take(16 * ms);
    let bytes = sound.flat_map(|sample| ((sample * 32_767.0) as i16).to_le_bytes());
    bytes.collect()
}

/// Reads until the caller is gone.
pub(crate) fn hear_out(agent: &mut WebSocket<TcpStream>) {
    while agent.read().is_ok() {}
}
