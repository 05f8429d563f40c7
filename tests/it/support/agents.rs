//! Agents for a probe to call: our own, served by another process, and scripted ones that do as they are told, in each
//! protocol. Their encodings are written anew here, so that a mistake in the program's is one.

use super::{command, fixture, stderr, stdout, voicesim};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use tokio_tungstenite::tungstenite::{Message, WebSocket, accept};
use voicesim::audio::resample::resample;

/// Two questions, the second one when the first was answered.
pub(crate) fn questions(folder: &Path, more: &str) -> String {
    let text = format!(
        "name = \"questions\"\n{more}\n[[turn]]\nwav = {:?}\ntext = \"How fast should a voice assistant reply?\"\n[[turn]]\nwav = {:?}\n",
        fixture("piper-reply.wav"),
        fixture("piper-graphics.wav"),
    );
    written(folder, "questions.toml", &text)
}

pub(crate) fn written(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, text).expect("written");
    path.display().to_string()
}

pub(crate) fn document(output: &Output) -> Value {
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

pub(crate) fn e2e_ms(row: &Value) -> f64 {
    row["e2e_ns"].as_f64().expect("an answer") / 1e6
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

    /// One that takes a single call, which it keeps in `call-001` of the folder.
    pub(crate) fn for_one_call(double: &str, out: &str, protocol: &str) -> Served {
        Served::start(&[double, "--calls", "1", "--out", out, "--protocol", protocol])
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

pub(crate) fn probe(scenario: &str, address: &str, more: &[&str]) -> Output {
    let mut arguments = vec![
        "probe",
        scenario,
        "--agent",
        address,
        "--no-transcribe",
        "--json",
    ];
    arguments.extend(more);
    voicesim(&arguments)
}

/// An agent that does as it is told with its first caller.
pub(crate) fn scripted(does: impl FnOnce(Called) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("ws://{}", listener.local_addr().expect("an address"));
    thread::spawn(move || does(Called::next(&listener)));
    address
}

/// A protocol, as a scripted agent speaks it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Speaks {
    Pcm,
    Twilio,
    Realtime,
    Pipecat,
}

impl Speaks {
    /// All but the one of our own.
    pub(crate) const OF_OTHERS: [Speaks; 3] = [Speaks::Twilio, Speaks::Realtime, Speaks::Pipecat];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Speaks::Pcm => "pcm",
            Speaks::Twilio => "twilio",
            Speaks::Realtime => "realtime",
            Speaks::Pipecat => "pipecat",
        }
    }

    /// Sound at 16 kHz as a message, of the item of that name if there are items.
    pub(crate) fn sound_of(self, item: &str, sound: &[f32]) -> Message {
        match self {
            Speaks::Pcm => Message::binary(pcm(sound)),
            Speaks::Twilio => {
                let at_8_khz = resample(sound, 16_000, 8_000).expect("a rate");
                let bytes: Vec<u8> = at_8_khz.iter().map(|sample| mu_law(*sample)).collect();
                let payload = BASE64_STANDARD.encode(bytes);
                text(
                    &json!({ "event": "media", "streamSid": "MZ1", "media": { "payload": payload } }),
                )
            }
            Speaks::Realtime => {
                let at_24_khz = resample(sound, 16_000, 24_000).expect("a rate");
                let delta = BASE64_STANDARD.encode(pcm(&at_24_khz));
                text(
                    &json!({ "type": "response.output_audio.delta", "event_id": "e", "response_id": "r", "item_id": item, "output_index": 0, "content_index": 0, "delta": delta }),
                )
            }
            Speaks::Pipecat => Message::binary(pipecat_audio(&pcm(sound), 16_000)),
        }
    }

    pub(crate) fn sound(self, sound: &[f32]) -> Message {
        self.sound_of("item_1", sound)
    }

    /// What the agent sends so that what was not played is not heard.
    pub(crate) fn clear(self) -> Message {
        match self {
            Speaks::Pcm => text(&json!({ "type": "clear" })),
            Speaks::Twilio => text(&json!({ "event": "clear", "streamSid": "MZ1" })),
            Speaks::Realtime => text(
                &json!({ "type": "input_audio_buffer.speech_started", "event_id": "e", "audio_start_ms": 0, "item_id": "u" }),
            ),
            // An InterruptionFrame with nothing in it.
            Speaks::Pipecat => Message::binary(vec![0x2A, 0]),
        }
    }

    /// Whether the caller's message is sound that can be heard; `None` if it is no sound.
    fn is_loud(self, message: &Message) -> Option<bool> {
        let is_loud_pcm = |bytes: &[u8]| {
            let mut samples = bytes.chunks_exact(2);
            samples.any(|pair| i16::from_le_bytes([pair[0], pair[1]]).unsigned_abs() > 300)
        };
        let field = |path: &str| {
            let value: Value = serde_json::from_str(message.to_text().ok()?).ok()?;
            let base64 = value.pointer(path)?.as_str()?.to_owned();
            BASE64_STANDARD.decode(base64).ok()
        };
        match self {
            Speaks::Pcm => match message {
                Message::Binary(bytes) => Some(is_loud_pcm(bytes)),
                _ => None,
            },
            // The lower seven bits are all set in silence.
            Speaks::Twilio => {
                let bytes = field("/media/payload")?;
                Some(bytes.iter().any(|byte| !byte & 0x7F > 0x18))
            }
            Speaks::Realtime => Some(is_loud_pcm(&field("/audio")?)),
            Speaks::Pipecat => match message {
                Message::Binary(bytes) if bytes.first() == Some(&0x12) => {
                    Some(is_loud_pcm(&audio_of_pipecat(bytes)?))
                }
                _ => None,
            },
        }
    }
}

fn text(value: &Value) -> Message {
    Message::text(value.to_string())
}

/// Sound as 16-bit PCM.
pub(crate) fn pcm(sound: &[f32]) -> Vec<u8> {
    let bytes = sound
        .iter()
        .flat_map(|sample| ((sample * 32_767.0) as i16).to_le_bytes());
    bytes.collect()
}

/// A sample in 8 bits (G.711), found among all that there are.
fn mu_law(sample: f32) -> u8 {
    let loud = |byte: u8| {
        let bits = !byte;
        let step = i32::from(bits & 0x0F) * 2 + 33;
        let magnitude = (step << ((bits >> 4) & 7)) - 33;
        let sign = if bits & 0x80 == 0 { 1 } else { -1 };
        sign * magnitude * 4
    };
    let wanted = (sample * 32_768.0) as i32;
    (0..=255)
        .min_by_key(|byte| (loud(*byte) - wanted).abs())
        .expect("a byte")
}

/// A field of protobuf that holds bytes.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut made = vec![number << 3 | 2];
    made.extend(varint(bytes.len() as u64));
    made.extend(bytes);
    made
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut made = Vec::new();
    while value >= 0x80 {
        made.push(value as u8 | 0x80);
        value >>= 7;
    }
    made.push(value as u8);
    made
}

/// A frame of pipecat with sound in it.
pub(crate) fn pipecat_audio(bytes: &[u8], rate: u64) -> Vec<u8> {
    let mut frame = field(2, b"OutputAudioRawFrame#1");
    frame.extend(field(3, bytes));
    frame.push(4 << 3);
    frame.extend(varint(rate));
    frame.extend([5 << 3, 1]);
    field(2, &frame)
}

/// A frame of pipecat with a message in it.
pub(crate) fn pipecat_message(data: &str) -> Vec<u8> {
    field(4, &field(1, data.as_bytes()))
}

/// The sound in a frame.
fn audio_of_pipecat(frame: &[u8]) -> Option<Vec<u8>> {
    let number = |bytes: &[u8]| -> Option<(usize, usize)> {
        let length = bytes.iter().position(|byte| byte & 0x80 == 0)? + 1;
        let parts = bytes[..length].iter().rev();
        let value = parts.fold(0, |value, byte| value << 7 | usize::from(byte & 0x7F));
        Some((value, length))
    };
    let (_, length) = number(&frame[1..])?;
    let mut rest = &frame[1 + length..];
    while let [tag, more @ ..] = rest {
        let (value, length) = number(more)?;
        let bytes = &more[length..];
        match (tag & 7, tag >> 3) {
            (2, 3) => return Some(bytes[..value].to_vec()),
            (2, _) => rest = &bytes[value..],
            _ => rest = bytes,
        }
    }
    None
}

/// A call that a scripted agent has taken.
pub(crate) struct Called {
    pub(crate) socket: WebSocket<TcpStream>,
    pub(crate) speaks: Speaks,
}

impl Called {
    /// Takes the next call.
    pub(crate) fn next(listener: &TcpListener) -> Called {
        let (stream, _) = listener.accept().expect("a caller");
        Called {
            socket: accept(stream).expect("a WebSocket"),
            speaks: Speaks::Pcm,
        }
    }

    pub(crate) fn in_words_of(self, speaks: Speaks) -> Called {
        Called { speaks, ..self }
    }

    pub(crate) fn send(&mut self, message: Message) {
        self.socket.send(message).expect("sent");
    }

    /// Says something at once.
    pub(crate) fn say(&mut self, sound: &[f32]) {
        self.send(self.speaks.sound(sound));
    }

    /// Reads the caller's sound until the caller has been silent for so many frames, after having spoken. What came that
    /// is no sound.
    pub(crate) fn hear_a_question(&mut self, silent_frames: u32) -> Vec<Message> {
        let (mut has_spoken, mut silent) = (false, 0);
        let mut others = Vec::new();
        while silent < silent_frames {
            let Ok(message) = self.socket.read() else {
                break;
            };
            let Some(is_loud) = self.speaks.is_loud(&message) else {
                others.push(message);
                continue;
            };
            has_spoken |= is_loud;
            silent = match is_loud || !has_spoken {
                true => 0,
                false => silent + 1,
            };
        }
        others
    }

    /// Reads until the caller speaks.
    pub(crate) fn hear_a_word(&mut self) {
        while let Ok(message) = self.socket.read() {
            if self.speaks.is_loud(&message) == Some(true) {
                return;
            }
        }
    }

    /// Reads until the caller is gone; what came that is no sound, and how long that took.
    pub(crate) fn hear_out(&mut self) -> Vec<(Duration, Message)> {
        let began = Instant::now();
        let mut others = Vec::new();
        while let Ok(message) = self.socket.read() {
            if self.speaks.is_loud(&message).is_none() {
                others.push((began.elapsed(), message));
            }
        }
        others
    }

    /// Breaks the connection off.
    pub(crate) fn break_off(self) {
        let stream = self.socket.get_ref();
        stream.shutdown(std::net::Shutdown::Both).expect("shut");
    }
}

/// A voice of this many milliseconds, at 16 kHz, from its first sound.
pub(crate) fn voice(ms: usize) -> Vec<f32> {
    let path = fixture("piper-average.wav");
    let sound = voicesim::audio::decode::read(&path).expect("a fixture");
    let peak = voicesim::audio::peak(&sound);
    let first = voicesim::audio::first_audible(&sound, 0.01 * peak).expect("sound");
    sound[first..]
        .iter()
        .copied()
        .cycle()
        .take(16 * ms)
        .collect()
}
