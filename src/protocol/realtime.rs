//! OpenAI's Realtime API (GA), the client's side. The server finds the ends of turns itself. When it hears the caller
//! begin, the client stops playing, and says how much of the answer was heard.

use super::samples::{from_pcm, to_pcm};
use super::{FromAgent, Junk, Message, ToAgent, beginning, error_of, text_of};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::VecDeque;
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

/// Items that are remembered: more than anybody hears in a row.
const ITEMS_MAX: usize = 32;

/// A client of a Realtime server.
#[derive(Debug, Default)]
pub(crate) struct RealtimeClient {
    /// Items that sound, or are to sound, the latest last.
    sounding: VecDeque<Sounding>,
    /// Items that were cut off: what still comes of them is not to be heard.
    cut_off: VecDeque<String>,
}

/// An item whose sound comes.
#[derive(Debug)]
struct Sounding {
    item: String,
    /// The index of its sound.
    content_index: u64,
    /// How many samples of it came.
    came: u64,
}

/// Adds a value, in place of the oldest one if there are too many.
fn remember<T>(all: &mut VecDeque<T>, value: T) {
    if all.len() == ITEMS_MAX {
        all.pop_front();
    }
    all.push_back(value);
}

impl RealtimeClient {
    /// Takes note of sound of an item.
    fn sounds(&mut self, item: &str, content_index: u64, samples: u64) {
        match self.sounding.back_mut() {
            Some(last) if last.item == item => last.came += samples,
            _ => {
                let sounding = Sounding {
                    item: text_of(item),
                    content_index,
                    came: samples,
                };
                remember(&mut self.sounding, sounding);
            }
        }
    }
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
        let unplayed = unplayed.as_secs_f64() * f64::from(RATE);
        let mut unplayed = unplayed.round() as u64;
        let mut told = Vec::new();
        // What sounds last was not heard first.
        while let Some(last) = self.sounding.pop_back() {
            let cut = unplayed.min(last.came);
            unplayed -= cut;
            if cut > 0 {
                told.push(text(&json!({
                    "type": "conversation.item.truncate",
                    "item_id": last.item,
                    "content_index": last.content_index,
                    "audio_end_ms": (last.came - cut) * 1_000 / u64::from(RATE),
                })));
            }
            remember(&mut self.cut_off, last.item);
            if unplayed == 0 {
                break;
            }
        }
        // What came before was heard to its end.
        self.sounding.clear();
        told.reverse();
        told
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
            Server::Audio { item_id, .. } if self.cut_off.contains(&item_id) => Vec::new(),
            Server::Audio {
                item_id,
                content_index,
                delta,
            } => {
                let samples = samples(&delta)?;
                self.sounds(&item_id, content_index, samples.len() as u64);
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
    error_of(message.unwrap_or(unless))
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
    fn items_that_wait_behind_one_another_are_each_cut_off_at_what_was_heard() {
        let mut client = RealtimeClient::default();
        for (item, samples) in [("item_1", 24_000), ("item_2", 48_000), ("item_3", 12_000)] {
            read(&mut client, &delta(item, samples));
        }
        let told = client.cleared(Duration::from_millis(2_750));
        let cut: Vec<(Value, Value)> = told
            .iter()
            .map(|message| {
                let message = value(message);
                (message["item_id"].clone(), message["audio_end_ms"].clone())
            })
            .collect();
        assert_eq!(
            cut,
            [
                (json!("item_1"), json!(750)),
                (json!("item_2"), json!(0)),
                (json!("item_3"), json!(0))
            ]
        );
        for item in ["item_1", "item_2", "item_3"] {
            assert_eq!(read(&mut client, &delta(item, 240)), [], "{item}");
        }
    }

    #[test]
    fn what_still_comes_of_an_answer_that_ran_dry_is_not_heard_once_it_is_cut_off() {
        let mut client = RealtimeClient::default();
        read(&mut client, &delta("item_1", 240));
        assert_eq!(client.cleared(Duration::ZERO), []);
        assert_eq!(read(&mut client, &delta("item_1", 240)), []);
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
