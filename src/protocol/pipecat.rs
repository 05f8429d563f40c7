//! pipecat's frames over WebSocket, as its ProtobufFrameSerializer has them, the client's side; and RTVI's messages inside
//! them, which tell what was understood and said.

use super::samples::{from_pcm, to_pcm};
use super::{FromAgent, Junk, Message, ToAgent, error_of, rate, text_of};
use crate::audio::SAMPLE_RATE;
use prost::Message as _;
use serde::Deserialize;
use serde_json::{Value, json};

/// A frame on the wire: `pipecat.Frame`.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Frame {
    #[prost(oneof = "Kind", tags = "1, 2, 3, 4, 5")]
    pub(super) kind: Option<Kind>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
pub(super) enum Kind {
    #[prost(message, tag = "1")]
    Text(TextFrame),
    #[prost(message, tag = "2")]
    Audio(AudioRawFrame),
    #[prost(message, tag = "3")]
    Transcription(TranscriptionFrame),
    #[prost(message, tag = "4")]
    Message(MessageFrame),
    #[prost(message, tag = "5")]
    Interruption(InterruptionFrame),
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct TextFrame {
    #[prost(uint64, tag = "1")]
    pub(super) id: u64,
    #[prost(string, tag = "2")]
    pub(super) name: String,
    #[prost(string, tag = "3")]
    pub(super) text: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct AudioRawFrame {
    #[prost(uint64, tag = "1")]
    pub(super) id: u64,
    #[prost(string, tag = "2")]
    pub(super) name: String,
    #[prost(bytes = "vec", tag = "3")]
    pub(super) audio: Vec<u8>,
    #[prost(uint32, tag = "4")]
    pub(super) sample_rate: u32,
    #[prost(uint32, tag = "5")]
    pub(super) num_channels: u32,
    #[prost(uint64, optional, tag = "6")]
    pub(super) pts: Option<u64>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct TranscriptionFrame {
    #[prost(uint64, tag = "1")]
    pub(super) id: u64,
    #[prost(string, tag = "2")]
    pub(super) name: String,
    #[prost(string, tag = "3")]
    pub(super) text: String,
    #[prost(string, tag = "4")]
    pub(super) user_id: String,
    #[prost(string, tag = "5")]
    pub(super) timestamp: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct MessageFrame {
    #[prost(string, tag = "1")]
    pub(super) data: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct InterruptionFrame {
    #[prost(uint64, tag = "1")]
    pub(super) id: u64,
    #[prost(string, tag = "2")]
    pub(super) name: String,
}

/// A frame as a message.
pub(super) fn framed(kind: Kind) -> Message {
    let kind = Some(kind);
    Message::Binary(Frame { kind }.encode_to_vec())
}

/// The frame in a message; `None` for one of a later version.
pub(super) fn unframed(message: Message) -> Result<Option<Kind>, Junk> {
    let Message::Binary(bytes) = message else {
        return Err(Junk(
            "a text message comes, and pipecat's frames are binary: does the bot use the ProtobufFrameSerializer?".into(),
        ));
    };
    let frame = Frame::decode(&*bytes)
        .map_err(|error| Junk(format!("a message is no frame of pipecat: {error}")))?;
    Ok(frame.kind)
}

/// A frame of sound.
pub(super) fn audio(id: u64, samples: &[f32]) -> Message {
    framed(Kind::Audio(AudioRawFrame {
        id,
        name: "AudioRawFrame".into(),
        audio: to_pcm(samples),
        sample_rate: SAMPLE_RATE,
        num_channels: 1,
        pts: None,
    }))
}

/// The sound in a frame.
pub(super) fn samples(audio: &AudioRawFrame) -> Result<Vec<f32>, Junk> {
    let samples = from_pcm(&audio.audio).ok_or_else(|| {
        Junk("the sound of a frame is no 16-bit PCM: half a sample is left over".into())
    })?;
    match audio.num_channels {
        0 | 1 => Ok(samples),
        // Whoever sends more means the first, or both alike.
        2 => Ok(samples.chunks(2).map(|pair| pair[0]).collect()),
        many => Err(Junk(format!("the sound of a frame has {many} channels"))),
    }
}

/// What RTVI says, as far as a caller needs it.
#[derive(Debug, Deserialize)]
struct Rtvi {
    #[serde(default)]
    label: String,
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    data: Value,
}

/// A client of a bot.
#[derive(Debug, Default)]
pub(crate) struct PipecatClient {
    frames: u64,
    /// The rate of the bot's sound, once some has come.
    rate: Option<u32>,
}

impl PipecatClient {
    fn sound(&mut self, audio: &AudioRawFrame) -> Result<Vec<FromAgent>, Junk> {
        let named = rate(u64::from(audio.sample_rate))?;
        let samples = FromAgent::Sound(samples(audio)?);
        match self.rate.replace(named) {
            None => Ok(vec![FromAgent::Rate(named), samples]),
            Some(before) if before == named => Ok(vec![samples]),
            Some(before) => Err(Junk(format!(
                "the rate of the bot's sound changes from {before} to {named} Hz"
            ))),
        }
    }
}

/// What a message of RTVI tells; nothing if it is none.
fn rtvi(data: &str) -> Vec<FromAgent> {
    let Ok(Rtvi { label, kind, data }) = serde_json::from_str(data) else {
        return Vec::new();
    };
    let text = |key: &str| data[key].as_str().map(text_of);
    let told = match (label.as_str(), kind.as_str()) {
        ("rtvi-ai", "user-transcription") if data["final"] != Value::Bool(false) => {
            text("text").map(FromAgent::Heard)
        }
        ("rtvi-ai", "bot-transcription") => text("text").map(FromAgent::Said),
        ("rtvi-ai", "error") => {
            let told = data["error"].as_str().or(data["message"].as_str());
            told.map(|what| FromAgent::Failed(error_of(what)))
        }
        _ => None,
    };
    told.into_iter().collect()
}

impl ToAgent for PipecatClient {
    fn rate(&self) -> u32 {
        SAMPLE_RATE
    }

    /// A bot that speaks RTVI greets a client that is ready.
    fn hello(&mut self) -> Vec<Message> {
        let ready = json!({
            "label": "rtvi-ai",
            "type": "client-ready",
            "id": "1",
            "data": { "version": "1.0.0", "about": { "library": "voicesim", "library_version": env!("CARGO_PKG_VERSION") } },
        });
        vec![framed(Kind::Message(MessageFrame {
            data: ready.to_string(),
        }))]
    }

    fn frame(&mut self, samples: &[f32]) -> Message {
        self.frames += 1;
        audio(self.frames, samples)
    }

    fn played(&mut self, _: &str) -> Option<Message> {
        None
    }

    fn goodbye(&mut self) -> Vec<Message> {
        Vec::new()
    }

    fn read(&mut self, message: Message) -> Result<Vec<FromAgent>, Junk> {
        Ok(match unframed(message)? {
            Some(Kind::Audio(audio)) => self.sound(&audio)?,
            Some(Kind::Interruption(_)) => vec![FromAgent::Clear],
            Some(Kind::Transcription(heard)) => vec![FromAgent::Heard(text_of(&heard.text))],
            Some(Kind::Text(said)) => vec![FromAgent::Said(text_of(&said.text))],
            Some(Kind::Message(message)) => rtvi(&message.data),
            None => Vec::new(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(client: &mut PipecatClient, kind: Kind) -> Result<Vec<FromAgent>, Junk> {
        client.read(framed(kind))
    }

    fn sound(sample_rate: u32) -> Kind {
        Kind::Audio(AudioRawFrame {
            audio: vec![0, 64],
            sample_rate,
            num_channels: 1,
            ..AudioRawFrame::default()
        })
    }

    /// What pipecat 1.14's serializer makes of an OutputAudioRawFrame of two samples at 24 kHz.
    const OF_PIPECAT: &[u8] =
        b"\x12%\x08\x01\x12\x15OutputAudioRawFrame#0\x1a\x04\x00@\x00@ \xc0\xbb\x01(\x01";

    #[test]
    fn a_frame_of_pipecat_is_read() {
        let heard = PipecatClient::default().read(Message::Binary(OF_PIPECAT.to_vec()));
        assert_eq!(
            heard,
            Ok(vec![
                FromAgent::Rate(24_000),
                FromAgent::Sound(vec![0.5; 2])
            ])
        );
    }

    #[test]
    fn the_rate_is_told_once_and_must_stay() {
        let mut client = PipecatClient::default();
        let sounds = FromAgent::Sound(vec![0.5]);
        assert_eq!(
            read(&mut client, sound(24_000)),
            Ok(vec![FromAgent::Rate(24_000), sounds.clone()])
        );
        assert_eq!(read(&mut client, sound(24_000)), Ok(vec![sounds]));
        assert!(read(&mut client, sound(16_000)).is_err());
        assert!(read(&mut PipecatClient::default(), sound(7)).is_err());
    }

    #[test]
    fn rtvi_tells_what_was_heard_and_said() {
        let mut client = PipecatClient::default();
        let mut tells = |kind: &str, data: Value| {
            let data = json!({ "label": "rtvi-ai", "type": kind, "data": data }).to_string();
            read(&mut client, Kind::Message(MessageFrame { data })).expect("read")
        };
        let heard = tells(
            "user-transcription",
            json!({ "text": "Hi.", "final": true }),
        );
        assert_eq!(heard, [FromAgent::Heard("Hi.".into())]);
        assert_eq!(
            tells("user-transcription", json!({ "text": "H", "final": false })),
            []
        );
        assert_eq!(
            tells("bot-transcription", json!({ "text": "Yes." })),
            [FromAgent::Said("Yes.".into())]
        );
        assert_eq!(tells("metrics", json!({})), []);
        let junk = Kind::Message(MessageFrame {
            data: "no JSON".into(),
        });
        assert_eq!(read(&mut client, junk), Ok(vec![]));
    }

    #[test]
    fn what_is_no_frame_is_refused() {
        let mut client = PipecatClient::default();
        assert!(client.read(Message::Text("hello".into())).is_err());
        assert!(client.read(Message::Binary(vec![0xFF; 40])).is_err());
        assert_eq!(client.read(Message::Binary(Vec::new())), Ok(vec![]));
    }
}
