//! OpenAI's Realtime API (GA), the client's side: of a caller, and of an engine. Unless the session says otherwise the
//! server finds the ends of turns itself. When it hears the caller begin, a caller stops playing, and says how much of
//! the answer was heard.

use super::realtime_session::Session;
use super::samples::{from_pcm, to_pcm};
use super::{FromAgent, Junk, Message, ToAgent, beginning, error_of, text_of};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::time::Duration;

/// The rate of sound in both directions, in Hz.
pub(crate) const RATE: u32 = 24_000;

/// What the client calls its requests whose errors nobody needs to know: the response was over already.
const CANCEL: &str = "voicesim_cancel";
const TRUNCATE: &str = "voicesim_truncate";

/// What a server says, as far as a caller needs it.
#[derive(Debug, Deserialize)]
#[serde(tag = "type")]
enum Server {
    #[serde(rename = "session.updated")]
    Updated {},
    #[serde(rename = "input_audio_buffer.speech_started")]
    SpeechStarted {},
    #[serde(rename = "input_audio_buffer.speech_stopped")]
    SpeechStopped {},
    #[serde(rename = "response.created")]
    Created { response: Response },
    #[serde(rename = "response.output_audio.delta", alias = "response.audio.delta")]
    Audio {
        #[serde(default)]
        response_id: String,
        item_id: String,
        #[serde(default)]
        content_index: u64,
        delta: String,
    },
    #[serde(
        rename = "response.output_audio_transcript.delta",
        alias = "response.audio_transcript.delta"
    )]
    Saying {
        #[serde(default)]
        response_id: String,
        delta: String,
    },
    #[serde(
        rename = "response.output_audio_transcript.done",
        alias = "response.audio_transcript.done"
    )]
    Said { transcript: String },
    #[serde(rename = "input_audio_buffer.committed")]
    Committed {
        #[serde(default)]
        item_id: String,
    },
    #[serde(rename = "conversation.item.input_audio_transcription.completed")]
    Heard {
        #[serde(default)]
        item_id: String,
        transcript: String,
    },
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
    id: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    status_details: Value,
}

/// What a server does, as far as somebody needs it who holds a conversation with it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum FromServer {
    /// The session is as it was asked for.
    Ready,
    /// It hears the caller begin to speak.
    SpeechStarted,
    /// It takes the caller to have finished.
    SpeechStopped,
    /// A response begins.
    Began { response: String },
    /// Sound of a response, which is named if the server names it, at [`RATE`].
    Sound { response: String, samples: Vec<f32> },
    /// The next words of a response.
    Saying { response: String, words: String },
    /// All words of a part of a response.
    Said(String),
    /// It has taken what the caller said for a turn, and calls it so.
    Committed(String),
    /// What it understood of the caller, in which turn, if it says so.
    Heard { item: String, words: String },
    /// A response is over.
    Over { response: String, end: ResponseEnd },
    /// It tells of an error.
    Failed(String),
}

/// How a response ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ResponseEnd {
    /// It was said, if perhaps not to its end.
    Done,
    /// The server or the client gave it up; why, as the server says.
    Cancelled(String),
    Failed(String),
}

/// Items that are remembered: more than anybody hears in a row.
const ITEMS_MAX: usize = 32;

/// A client of a Realtime server.
#[derive(Debug, Default)]
pub(crate) struct RealtimeClient {
    session: Session,
    /// Responses that have begun.
    responses: u64,
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
    /// Which of the responses it belongs to.
    response: u64,
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

impl RealtimeClient {
    pub(crate) fn of(session: Session) -> RealtimeClient {
        RealtimeClient {
            session,
            ..RealtimeClient::default()
        }
    }

    /// Forgets the conversation, which goes on over another connection.
    pub(crate) fn begin_anew(&mut self) {
        *self = RealtimeClient::of(std::mem::take(&mut self.session));
    }

    /// The caller's turn is over, as the client has it.
    pub(crate) fn commit(&self) -> Message {
        text(&json!({ "type": "input_audio_buffer.commit" }))
    }

    /// What was heard of the caller since the last turn is no turn.
    pub(crate) fn forget_turn(&self) -> Message {
        text(&json!({ "type": "input_audio_buffer.clear" }))
    }

    /// Asks for a response.
    pub(crate) fn respond(&self) -> Message {
        text(&json!({ "type": "response.create" }))
    }

    /// Gives a response up; the one that is on its way if it is not named.
    pub(crate) fn cancel(&self, response: &str) -> Message {
        let mut cancel = json!({ "type": "response.cancel", "event_id": CANCEL });
        if !response.is_empty() {
            cancel["response_id"] = response.into();
        }
        text(&cancel)
    }

    /// All that came was heard.
    pub(crate) fn heard_whole(&mut self) {
        self.sounding.clear();
    }

    /// No more than this was heard of the latest response.
    pub(crate) fn heard_no_more_than(&mut self, heard: Duration) -> Vec<Message> {
        let latest = self.responses;
        let own = self.sounding.iter().filter(|it| it.response == latest);
        let came: u64 = own.map(|it| it.came).sum();
        self.cut(came.saturating_sub(samples_in(heard)))
    }

    /// Cuts off the last samples of what came, item by item.
    fn cut(&mut self, mut unplayed: u64) -> Vec<Message> {
        let mut told = Vec::new();
        // What sounds last was not heard first.
        while let Some(last) = self.sounding.pop_back() {
            let cut = unplayed.min(last.came);
            unplayed -= cut;
            if cut > 0 {
                told.push(text(&json!({
                    "type": "conversation.item.truncate",
                    "event_id": TRUNCATE,
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

    /// Reads a message of the server; `None` for one that nobody needs.
    ///
    /// # Errors
    /// If it is no message of the protocol.
    pub(crate) fn understand(&mut self, message: Message) -> Result<Option<FromServer>, Junk> {
        let Message::Text(message) = message else {
            return Err(Junk(
                "a binary message comes, and those of the Realtime API are all text".into(),
            ));
        };
        Ok(Some(match parse(&message)? {
            Server::Updated {} => FromServer::Ready,
            Server::SpeechStarted {} => FromServer::SpeechStarted,
            Server::SpeechStopped {} => FromServer::SpeechStopped,
            Server::Created { response } => {
                self.responses += 1;
                FromServer::Began {
                    response: text_of(&response.id),
                }
            }
            Server::Audio { item_id, .. } if self.cut_off.contains(&item_id) => {
                return Ok(None);
            }
            Server::Audio {
                response_id,
                item_id,
                content_index,
                delta,
            } => {
                let samples = samples(&delta)?;
                self.came(&item_id, content_index, samples.len() as u64);
                FromServer::Sound {
                    response: text_of(&response_id),
                    samples,
                }
            }
            Server::Saying { response_id, delta } => FromServer::Saying {
                response: text_of(&response_id),
                words: text_of(&delta),
            },
            Server::Said { transcript } => FromServer::Said(text_of(&transcript)),
            Server::Committed { item_id } => FromServer::Committed(text_of(&item_id)),
            Server::Heard {
                item_id,
                transcript,
            } => FromServer::Heard {
                item: text_of(&item_id),
                words: text_of(&transcript),
            },
            Server::Done { response } => {
                let details = &response.status_details;
                let reason = details["reason"].as_str().unwrap_or("no reason is given");
                FromServer::Over {
                    end: match response.status.as_str() {
                        "failed" => {
                            ResponseEnd::Failed(what(&details["error"], "a response failed"))
                        }
                        "cancelled" => ResponseEnd::Cancelled(error_of(reason)),
                        _ => ResponseEnd::Done,
                    },
                    response: text_of(&response.id),
                }
            }
            Server::Error { error } => match error["event_id"].as_str() {
                // The response was over before this was known here.
                Some(CANCEL | TRUNCATE) => return Ok(None),
                _ => FromServer::Failed(what(&error, "an error")),
            },
            Server::Other => return Ok(None),
        }))
    }

    /// Takes note of sound of an item.
    fn came(&mut self, item: &str, content_index: u64, samples: u64) {
        match self.sounding.back_mut() {
            Some(last) if last.item == item => last.came += samples,
            _ => {
                let sounding = Sounding {
                    item: text_of(item),
                    content_index,
                    response: self.responses,
                    came: samples,
                };
                remember(&mut self.sounding, sounding);
            }
        }
    }
}

/// Samples that sound for so long.
fn samples_in(length: Duration) -> u64 {
    (length.as_secs_f64() * f64::from(RATE)).round() as u64
}

impl ToAgent for RealtimeClient {
    fn rate(&self) -> u32 {
        RATE
    }

    fn hello(&mut self) -> Vec<Message> {
        vec![text(&json!({
            "type": "session.update",
            "session": self.session.asked(),
        }))]
    }

    fn frame(&mut self, samples: &[f32]) -> Message {
        text(&json!({ "type": "input_audio_buffer.append", "audio": sound(samples) }))
    }

    fn played(&mut self, _: &str) -> Option<Message> {
        None
    }

    fn cleared(&mut self, unplayed: Duration) -> Vec<Message> {
        self.cut(samples_in(unplayed))
    }

    fn goodbye(&mut self) -> Vec<Message> {
        Vec::new()
    }

    fn read(&mut self, message: Message) -> Result<Vec<FromAgent>, Junk> {
        let understood = self.understand(message)?;
        let event = understood.and_then(|event| match event {
            FromServer::SpeechStarted => Some(FromAgent::Clear),
            FromServer::Sound { samples, .. } => Some(FromAgent::Sound(samples)),
            FromServer::Said(words) => Some(FromAgent::Said(words)),
            FromServer::Heard { words, .. } => Some(FromAgent::Heard(words)),
            FromServer::Failed(what)
            | FromServer::Over {
                end: ResponseEnd::Failed(what),
                ..
            } => Some(FromAgent::Failed(what)),
            FromServer::Ready
            | FromServer::SpeechStopped
            | FromServer::Committed(_)
            | FromServer::Began { .. }
            | FromServer::Saying { .. }
            | FromServer::Over { .. } => None,
        });
        Ok(event.into_iter().collect())
    }
}

/// What an error says, or else `unless`.
fn what(error: &Value, unless: &str) -> String {
    let message = error["message"].as_str().or(error["code"].as_str());
    error_of(message.unwrap_or(unless))
}

#[cfg(test)]
#[path = "test_realtime.rs"]
mod tests;
