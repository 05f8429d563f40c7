//! OpenAI's Realtime API (GA), the client's side. The server finds the ends of turns itself. When it hears the caller
//! begin, the client stops playing, and says how much of the answer was heard.

use super::samples::{from_pcm, to_pcm};
use super::{FromAgent, Junk, Message, ToAgent, beginning, text_of};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;

/// The rate of sound in both directions, in Hz.
pub(super) const RATE: u32 = 24_000;

/// What a server says, as far as a caller needs it.
#[derive(Debug, Deserialize)]
#[serde(tag = "type")]
enum Server {
    #[serde(rename = "input_audio_buffer.speech_started")]
    SpeechStarted {},
    #[serde(rename = "response.output_audio.delta", alias = "response.audio.delta")]
    Audio {
        item_id: String,
        #[serde(default)]
        content_index: u64,
        delta: String,
    },
    #[serde(
        rename = "response.output_audio_transcript.done",
        alias = "response.audio_transcript.done"
    )]
    Said { transcript: String },
    #[serde(rename = "conversation.item.input_audio_transcription.completed")]
    Heard { transcript: String },
    #[serde(rename = "response.done")]
    Done { response: Response },
    #[serde(rename = "error")]
    Error { error: Value },
    #[serde(other)]
    Other,
}

#[derive(Debug, Deserialize)]
struct Response {
    #[serde(default)]
    status: String,
    #[serde(default)]
    status_details: Value,
}

/// A client of a Realtime server.
#[derive(Debug, Default)]
pub(crate) struct RealtimeClient {
    /// The item that sounds, with the index of its sound, and how many samples of it came.
    sounding: Option<(String, u64, u64)>,
    /// The item that was cut off: what still comes of it is not to be heard.
    cut_off: Option<String>,
}

/// A message in JSON.
pub(super) fn text(value: &Value) -> Message {
    Message::Text(value.to_string())
}

/// Reads a message in JSON.
pub(super) fn parse<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, Junk> {
    serde_json::from_str(text).map_err(|error| {
        Junk(format!(
            "{:?} is no message of the Realtime API: {error}",
            beginning(text)
        ))
    })
}

/// The sound in a message.
pub(super) fn samples(base64: &str) -> Result<Vec<f32>, Junk> {
    let bytes = BASE64_STANDARD.decode(base64);
    let bytes = bytes.map_err(|error| Junk(format!("a sound is no base64: {error}")))?;
    from_pcm(&bytes)
        .ok_or_else(|| Junk("a sound is no 16-bit PCM: half a sample is left over".into()))
}

/// Samples as the sound in a message.
pub(super) fn sound(samples: &[f32]) -> String {
    BASE64_STANDARD.encode(to_pcm(samples))
}

impl ToAgent for RealtimeClient {
    fn rate(&self) -> u32 {
        RATE
    }

    fn hello(&mut self) -> Vec<Message> {
        let format = json!({ "type": "audio/pcm", "rate": RATE });
        vec![text(&json!({
            "type": "session.update",
            "session": {
                "type": "realtime",
                "output_modalities": ["audio"],
                "audio": {
                    "input": { "format": format, "turn_detection": { "type": "server_vad" } },
                    "output": { "format": format },
                },
            },
        }))]
    }

    fn frame(&mut self, samples: &[f32]) -> Message {
        text(&json!({ "type": "input_audio_buffer.append", "audio": sound(samples) }))
    }

    fn played(&mut self, _: &str) -> Option<Message> {
        None
    }

    fn cleared(&mut self, unplayed: Duration) -> Vec<Message> {
        let Some((item, content_index, came)) = self.sounding.take() else {
            return Vec::new();
        };
        if unplayed.is_zero() {
            // It was heard to its end.
            return Vec::new();
        }
        let came_ms = came * 1_000 / u64::from(RATE);
        let unplayed_ms = u64::try_from(unplayed.as_millis()).unwrap_or(u64::MAX);
        let truncate = text(&json!({
            "type": "conversation.item.truncate",
            "item_id": item,
            "content_index": content_index,
            "audio_end_ms": came_ms.saturating_sub(unplayed_ms),
        }));
        self.cut_off = Some(item);
        vec![truncate]
    }

    fn goodbye(&mut self) -> Vec<Message> {
        Vec::new()
    }

    fn read(&mut self, message: Message) -> Result<Vec<FromAgent>, Junk> {
        let Message::Text(message) = message else {
            return Err(Junk(
                "a binary message comes, and those of the Realtime API are all text".into(),
            ));
        };
        Ok(match parse(&message)? {
            Server::SpeechStarted {} => vec![FromAgent::Clear],
            Server::Audio { item_id, .. } if self.cut_off.as_ref() == Some(&item_id) => Vec::new(),
            Server::Audio {
                item_id,
                content_index,
                delta,
            } => {
                let samples = samples(&delta)?;
                let came = samples.len() as u64;
                match &mut self.sounding {
                    Some((item, _, before)) if *item == item_id => *before += came,
                    other => *other = Some((text_of(&item_id), content_index, came)),
                }
                vec![FromAgent::Sound(samples)]
            }
            Server::Said { transcript } => vec![FromAgent::Said(text_of(&transcript))],
            Server::Heard { transcript } => vec![FromAgent::Heard(text_of(&transcript))],
            Server::Done { response } if response.status == "failed" => {
                let details = response.status_details["error"].clone();
                vec![FromAgent::Failed(what(&details, "a response failed"))]
            }
            Server::Error { error } => vec![FromAgent::Failed(what(&error, "an error"))],
            Server::Done { .. } | Server::Other => Vec::new(),
        })
    }
}

/// What an error says, or else `unless`.
fn what(error: &Value, unless: &str) -> String {
    let message = error["message"].as_str().or(error["code"].as_str());
    beginning_of(message.unwrap_or(unless))
}

fn beginning_of(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(client: &mut RealtimeClient, value: &Value) -> Vec<FromAgent> {
        client.read(text(value)).expect("understood")
    }

    fn value(message: &Message) -> Value {
        let Message::Text(text) = message else {
            panic!("text");
        };
        serde_json::from_str(text).expect("JSON")
    }

    fn delta(item: &str, samples: usize) -> Value {
        let delta = sound(&vec![0.5; samples]);
        json!({ "type": "response.output_audio.delta", "response_id": "r", "item_id": item, "output_index": 0, "content_index": 0, "delta": delta })
    }

    #[test]
    fn an_answer_is_cut_off_at_what_was_heard() {
        let mut client = RealtimeClient::default();
        for _ in 0..10 {
            let heard = read(&mut client, &delta("item_1", 24_000));
            assert_eq!(heard, [FromAgent::Sound(vec![0.5; 24_000])]);
        }
        let started = json!({ "type": "input_audio_buffer.speech_started", "audio_start_ms": 9, "item_id": "u" });
        assert_eq!(read(&mut client, &started), [FromAgent::Clear]);
        let told = client.cleared(Duration::from_millis(7_750));
        let truncate = value(&told[0]);
        assert_eq!(truncate["type"], "conversation.item.truncate");
        assert_eq!(
            (&truncate["item_id"], &truncate["audio_end_ms"]),
            (&json!("item_1"), &json!(2_250))
        );
        assert_eq!(
            read(&mut client, &delta("item_1", 240)),
            [],
            "what was cut off stays so"
        );
        assert_eq!(read(&mut client, &delta("item_2", 2)).len(), 1);
    }

    #[test]
    fn what_was_heard_to_its_end_is_not_cut_off() {
        let mut client = RealtimeClient::default();
        read(&mut client, &delta("item_1", 240));
        assert_eq!(client.cleared(Duration::ZERO), []);
        assert_eq!(client.cleared(Duration::from_secs(1)), []);
    }

    #[test]
    fn words_and_errors_are_understood() {
        let mut client = RealtimeClient::default();
        let said = json!({ "type": "response.output_audio_transcript.done", "item_id": "i", "transcript": "Yes." });
        assert_eq!(read(&mut client, &said), [FromAgent::Said("Yes.".into())]);
        let heard = json!({ "type": "conversation.item.input_audio_transcription.completed", "item_id": "i", "transcript": "Hi." });
        assert_eq!(read(&mut client, &heard), [FromAgent::Heard("Hi.".into())]);
        let error =
            json!({ "type": "error", "error": { "type": "x", "message": "No such model." } });
        assert_eq!(
            read(&mut client, &error),
            [FromAgent::Failed("No such model.".into())]
        );
        let failed = json!({ "type": "response.done", "response": { "status": "failed", "status_details": { "error": { "code": "rate_limit" } } } });
        assert_eq!(
            read(&mut client, &failed),
            [FromAgent::Failed("rate_limit".into())]
        );
        let other = json!({ "type": "rate_limits.updated" });
        assert_eq!(read(&mut client, &other), []);
    }

    #[test]
    fn junk_is_refused() {
        let mut client = RealtimeClient::default();
        for junk in [
            "",
            "[]",
            "{\"type\":7}",
            "{\"type\":\"response.output_audio.delta\",\"item_id\":\"i\",\"delta\":\"?\"}",
        ] {
            assert!(client.read(Message::Text(junk.into())).is_err(), "{junk}");
        }
    }
}
