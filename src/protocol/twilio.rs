//! Twilio Media Streams, the side of Twilio: voicesim is the telephone company, and streams a call to the agent's
//! WebSocket as Twilio does. 8 kHz µ-law in frames of 20 ms; marks come back when they were played, at once if playback is
//! cleared.

use super::{FromAgent, Junk, Message, ToAgent, beginning, text_of};
use crate::audio::mu_law;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

pub(super) const RATE: u32 = 8_000;
/// The account, as an agent is told it; Twilio's begin so, and have 32 digits.
const ACCOUNT: &str = "AC00000000000000000000000000000000";
const FRAME_MS: u64 = 20;

/// What an agent says.
#[derive(Debug, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Agent {
    Media {
        media: Media,
    },
    Mark {
        mark: Mark,
    },
    Clear,
    #[serde(other)]
    Other,
}

#[derive(Debug, Deserialize)]
pub(super) struct Media {
    pub(super) payload: String,
}

#[derive(Debug, Deserialize)]
struct Mark {
    name: String,
}

/// Reads a message in JSON.
pub(super) fn parse<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, Junk> {
    serde_json::from_str(text).map_err(|error| {
        Junk(format!(
            "{:?} is no message of Twilio Media Streams: {error}",
            beginning(text)
        ))
    })
}

/// The sound in a payload.
pub(super) fn samples(media: &Media) -> Result<Vec<f32>, Junk> {
    let bytes = BASE64_STANDARD.decode(&media.payload);
    let bytes = bytes.map_err(|error| Junk(format!("a media payload is no base64: {error}")))?;
    Ok(bytes.into_iter().map(mu_law::decode).collect())
}

/// Samples as a payload.
pub(super) fn payload(samples: &[f32]) -> String {
    let bytes: Vec<u8> = samples
        .iter()
        .map(|sample| mu_law::encode(*sample))
        .collect();
    BASE64_STANDARD.encode(bytes)
}

/// Twilio, with one call.
pub(crate) struct Twilio {
    stream: String,
    call: String,
    /// Messages that were numbered, and frames of sound.
    sequence: u64,
    chunk: u64,
}

impl Twilio {
    pub(crate) fn new(call: u32) -> Twilio {
        Twilio {
            stream: format!("MZ{call:032x}"),
            call: format!("CA{call:032x}"),
            sequence: 0,
            chunk: 0,
        }
    }

    /// A message with its number, which Twilio writes as text.
    fn numbered(&mut self, event: &str, key: &str, what: &Value) -> Message {
        self.sequence += 1;
        let message = json!({
            "event": event,
            "sequenceNumber": self.sequence.to_string(),
            key: what,
            "streamSid": self.stream,
        });
        Message::Text(message.to_string())
    }
}

impl ToAgent for Twilio {
    fn rate(&self) -> u32 {
        RATE
    }

    fn hello(&mut self) -> Vec<Message> {
        let connected = json!({ "event": "connected", "protocol": "Call", "version": "1.0.0" });
        let start = json!({
            "accountSid": ACCOUNT,
            "streamSid": self.stream,
            "callSid": self.call,
            "tracks": ["inbound"],
            "mediaFormat": { "encoding": "audio/x-mulaw", "sampleRate": RATE, "channels": 1 },
            "customParameters": {},
        });
        vec![
            Message::Text(connected.to_string()),
            self.numbered("start", "start", &start),
        ]
    }

    fn frame(&mut self, samples: &[f32]) -> Message {
        self.chunk += 1;
        let media = json!({
            "track": "inbound",
            "chunk": self.chunk.to_string(),
            "timestamp": ((self.chunk - 1) * FRAME_MS).to_string(),
            "payload": payload(samples),
        });
        self.numbered("media", "media", &media)
    }

    fn key(&mut self, key: char) -> Option<Message> {
        let dtmf = json!({ "track": "inbound_track", "digit": key.to_string() });
        Some(self.numbered("dtmf", "dtmf", &dtmf))
    }

    fn played(&mut self, mark: &str) -> Option<Message> {
        Some(self.numbered("mark", "mark", &json!({ "name": mark })))
    }

    fn goodbye(&mut self) -> Vec<Message> {
        let stop = json!({ "accountSid": ACCOUNT, "callSid": self.call });
        vec![self.numbered("stop", "stop", &stop)]
    }

    fn read(&mut self, message: Message) -> Result<Vec<FromAgent>, Junk> {
        let Message::Text(text) = message else {
            return Err(Junk(
                "a binary message comes, and Twilio's are all text; is this an agent for Twilio?"
                    .into(),
            ));
        };
        Ok(match parse(&text)? {
            Agent::Media { media } => vec![FromAgent::Sound(samples(&media)?)],
            Agent::Mark { mark } => vec![FromAgent::Mark(text_of(&mark.name))],
            Agent::Clear => vec![FromAgent::Clear],
            Agent::Other => Vec::new(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(message: &Message) -> Value {
        let Message::Text(text) = message else {
            panic!("Twilio sends text");
        };
        serde_json::from_str(text).expect("JSON")
    }

    #[test]
    fn a_call_looks_like_one_of_twilio() {
        let mut twilio = Twilio::new(7);
        let hello = twilio.hello();
        assert_eq!(value(&hello[0])["event"], "connected");
        let start = value(&hello[1]);
        assert_eq!(start["sequenceNumber"], "1");
        assert_eq!(start["streamSid"], start["start"]["streamSid"]);
        assert_eq!(start["start"]["mediaFormat"]["encoding"], "audio/x-mulaw");
        twilio.frame(&[0.0; 160]);
        let media = value(&twilio.frame(&[0.0; 160]));
        assert_eq!(media["media"]["timestamp"], "20");
        assert_eq!(media["media"]["chunk"], "2");
        assert_eq!(media["sequenceNumber"], "3");
        let sound = media["media"]["payload"].as_str().expect("sound");
        assert_eq!(BASE64_STANDARD.decode(sound).expect("base64"), [0xFF; 160]);
        let key = value(&twilio.key('#').expect("told"));
        assert_eq!(key["event"], "dtmf");
        assert_eq!(
            key["dtmf"],
            json!({ "track": "inbound_track", "digit": "#" })
        );
        assert_eq!(key["sequenceNumber"], "4");
        let mark = value(&twilio.played("here").expect("told"));
        assert_eq!(mark["mark"]["name"], "here");
        assert_eq!(value(&twilio.goodbye()[0])["event"], "stop");
    }

    #[test]
    fn an_agent_for_twilio_is_understood() {
        let read = |text: &str| Twilio::new(1).read(Message::Text(text.into()));
        let sound =
            read("{\"event\":\"media\",\"streamSid\":\"MZ\",\"media\":{\"payload\":\"//8A\"}}");
        let loud = mu_law::decode(0);
        assert_eq!(sound, Ok(vec![FromAgent::Sound(vec![0.0, 0.0, loud])]));
        assert_eq!(
            read("{\"event\":\"clear\",\"streamSid\":\"MZ\"}"),
            Ok(vec![FromAgent::Clear])
        );
        let mark = read("{\"event\":\"mark\",\"streamSid\":\"MZ\",\"mark\":{\"name\":\"a\"}}");
        assert_eq!(mark, Ok(vec![FromAgent::Mark("a".into())]));
        assert_eq!(read("{\"event\":\"something new\"}"), Ok(vec![]));
    }

    #[test]
    fn what_is_none_of_twilio_is_refused() {
        for junk in [
            "hello",
            "{\"event\":\"media\"}",
            "{\"event\":\"media\",\"media\":{\"payload\":\"?\"}}",
        ] {
            assert!(
                Twilio::new(1).read(Message::Text(junk.into())).is_err(),
                "{junk}"
            );
        }
        assert!(Twilio::new(1).read(Message::Binary(vec![1])).is_err());
    }
}
