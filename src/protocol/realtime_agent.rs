//! OpenAI's Realtime API (GA), the server's side: as much of it as a client needs to talk. Turns are found here, as by
//! `server_vad`, unless the client takes `turn_detection` away: then it commits them, and asks for responses.
//!
//! Clients stop playing when they are told that speech has started. So that is told of speech over an answer only when
//! the pipeline stops for it: a sound that it goes on over is never told.

use super::realtime::{RATE, parse, samples, sound, text};
use super::{FromCaller, Junk, Message, Refused, ToCaller, has_words, text_of};
use crate::event::{Event, Mark, OutputNote, ReplyEnd, StageName, TurnId};
use serde::Deserialize;
use serde_json::{Value, json};

/// What a client says.
#[derive(Debug, Deserialize)]
#[serde(tag = "type")]
enum Client {
    #[serde(rename = "session.update")]
    Update { session: Value },
    #[serde(rename = "input_audio_buffer.append")]
    Append { audio: String },
    #[serde(rename = "input_audio_buffer.commit")]
    Commit {
        #[serde(default)]
        event_id: Value,
    },
    #[serde(rename = "response.create")]
    Respond {
        #[serde(default)]
        event_id: Value,
    },
    #[serde(rename = "response.cancel")]
    Cancel {
        #[serde(default)]
        event_id: Value,
        #[serde(default)]
        response_id: Option<String>,
    },
    #[serde(rename = "conversation.item.truncate")]
    Truncate {
        #[serde(default)]
        event_id: Value,
        item_id: String,
        #[serde(default)]
        content_index: u64,
        audio_end_ms: u64,
    },
    #[serde(other)]
    Other,
}

/// A Realtime server.
#[derive(Debug, Default)]
pub(crate) struct RealtimeServer {
    events: u64,
    /// The response that is on its way.
    response: Option<TurnId>,
    /// How many samples of it were sent.
    sounded: u64,
    /// What was said last, and how many samples of it were sent.
    last: Option<(TurnId, u64)>,
    /// Whether the client ends turns and asks for responses.
    client_ends_turns: bool,
    said: String,
    /// Speech that was heard and not told of, because the agent speaks.
    untold: Option<(TurnId, u64)>,
}

impl RealtimeServer {
    /// A message of the server, which has an id.
    fn message(&mut self, kind: &str, mut what: Value) -> Message {
        self.events += 1;
        what["type"] = kind.into();
        what["event_id"] = format!("event_{}", self.events).into();
        text(&what)
    }

    fn speech_started(&mut self, turn: TurnId, at_ms: u64) -> Message {
        let what = json!({ "audio_start_ms": at_ms, "item_id": heard_item(turn) });
        self.message("input_audio_buffer.speech_started", what)
    }

    fn begin_response(&mut self, turn: TurnId) -> Vec<Message> {
        self.response = Some(turn);
        self.sounded = 0;
        self.said.clear();
        let (response, item) = (response_id(turn), said_item(turn));
        vec![
            self.message(
                "response.created",
                json!({ "response": { "id": response, "object": "realtime.response", "status": "in_progress", "output": [] } }),
            ),
            self.message(
                "response.output_item.added",
                json!({ "response_id": response, "output_index": 0, "item": { "id": item, "type": "message", "role": "assistant", "status": "in_progress", "content": [] } }),
            ),
            self.message(
                "response.content_part.added",
                json!({ "response_id": response, "item_id": item, "output_index": 0, "content_index": 0, "part": { "type": "output_audio", "transcript": "" } }),
            ),
        ]
    }

    fn end_response(&mut self, status: &str) -> Vec<Message> {
        let Some(turn) = self.response.take() else {
            return Vec::new();
        };
        self.last = Some((turn, self.sounded));
        let (response, item) = (response_id(turn), said_item(turn));
        let said = std::mem::take(&mut self.said);
        let place = json!({ "response_id": response, "item_id": item, "output_index": 0, "content_index": 0 });
        let mut words = place.clone();
        words["transcript"] = said.into();
        vec![
            self.message("response.output_audio.done", place),
            self.message("response.output_audio_transcript.done", words),
            self.message(
                "response.done",
                json!({ "response": { "id": response, "object": "realtime.response", "status": status, "output": [{ "id": item }] } }),
            ),
        ]
    }

    fn speech_stopped(&mut self, turn: TurnId, at_ms: u64) -> Vec<Message> {
        let what = json!({ "audio_end_ms": at_ms, "item_id": heard_item(turn) });
        let stopped = self.message("input_audio_buffer.speech_stopped", what);
        vec![stopped, self.committed(turn)]
    }

    fn committed(&mut self, turn: TurnId) -> Message {
        let what = json!({ "previous_item_id": null, "item_id": heard_item(turn) });
        self.message("input_audio_buffer.committed", what)
    }

    /// The error for a request, which is named if the client has named it.
    fn error(&mut self, code: &str, message: &str, event: &Value) -> Message {
        let mut error =
            json!({ "type": "invalid_request_error", "code": code, "message": message });
        if event.is_string() {
            error["event_id"] = event.clone();
        }
        self.message("error", json!({ "error": error }))
    }

    /// What was heard of an item that the client cut off; or the error if there is no such sound.
    fn truncated(&mut self, item: &str, place: (u64, u64), event: &Value) -> Message {
        let going = self.response.map(|turn| (turn, self.sounded));
        let mut known = [going, self.last].into_iter().flatten();
        let sent = known.find(|(turn, _)| said_item(*turn) == item);
        let Some((_, samples)) = sent else {
            let what = "there is no such item, or one was said behind it";
            return self.error("item_truncate_invalid_item_id", what, event);
        };
        let (content_index, end_ms) = place;
        if end_ms > samples * 1_000 / u64::from(RATE) {
            let what = "audio_end_ms lies behind the end of the item's sound";
            return self.error("item_truncate_invalid_audio_end_ms", what, event);
        }
        let what =
            json!({ "item_id": item, "content_index": content_index, "audio_end_ms": end_ms });
        self.message("conversation.item.truncated", what)
    }

    fn cancelled(
        &mut self,
        response: Option<&str>,
        event: &Value,
    ) -> (Vec<FromCaller>, Vec<Message>) {
        let is_own = |turn: &TurnId| response.is_none_or(|id| response_id(*turn) == id);
        match self.response.filter(is_own) {
            Some(_) => (vec![FromCaller::Stop], Vec::new()),
            None => {
                let what = "there is no such response on its way";
                let error = self.error("response_cancel_not_active", what, event);
                (Vec::new(), vec![error])
            }
        }
    }

    /// Speech over an answer that was not told of yet.
    fn tell_untold(&mut self) -> Vec<Message> {
        let untold = self.untold.take();
        untold
            .map(|(turn, at)| self.speech_started(turn, at))
            .into_iter()
            .collect()
    }
}

fn heard_item(turn: TurnId) -> String {
    format!("item_heard_{}", turn.0)
}

fn said_item(turn: TurnId) -> String {
    format!("item_said_{}", turn.0)
}

fn response_id(turn: TurnId) -> String {
    format!("resp_{}", turn.0)
}

impl ToCaller for RealtimeServer {
    fn rate(&self) -> u32 {
        RATE
    }

    fn hello(&mut self) -> Vec<Message> {
        let format = json!({ "type": "audio/pcm", "rate": RATE });
        let session = json!({
            "type": "realtime",
            "id": "sess_1",
            "object": "realtime.session",
            "model": "voicesim",
            "output_modalities": ["audio"],
            "audio": {
                "input": { "format": format, "turn_detection": { "type": "server_vad" } },
                "output": { "format": format, "voice": "voicesim" },
            },
        });
        vec![self.message("session.created", json!({ "session": session }))]
    }

    fn sound(&mut self, samples: &[f32]) -> Vec<Message> {
        let turn = self.response.unwrap_or_default();
        self.sounded += samples.len() as u64;
        let delta = json!({
            "response_id": response_id(turn),
            "item_id": said_item(turn),
            "output_index": 0,
            "content_index": 0,
            "delta": sound(samples),
        });
        vec![self.message("response.output_audio.delta", delta)]
    }

    fn clear(&mut self) -> Vec<Message> {
        let mut messages = self.tell_untold();
        messages.extend(self.end_response("cancelled"));
        messages
    }

    fn event(&mut self, event: &Event) -> Vec<Message> {
        let turn = event.turn;
        let in_ms = |ms: f64| ms as u64;
        match &event.mark {
            Mark::VoiceStarted { onset } => {
                let at = in_ms(onset.as_ms());
                match self.sounded > 0 && self.response.is_some() {
                    _ if self.client_ends_turns => Vec::new(),
                    true => {
                        self.untold = Some((turn, at));
                        Vec::new()
                    }
                    false => vec![self.speech_started(turn, at)],
                }
            }
            Mark::EndpointCommitted { last_voiced, .. } => {
                match self.untold.is_some_and(|(untold, _)| untold == turn) {
                    // Spoken over an answer that went on.
                    true => {
                        self.untold = None;
                        Vec::new()
                    }
                    false if self.client_ends_turns => vec![self.committed(turn)],
                    false => self.speech_stopped(turn, in_ms(last_voiced.as_ms())),
                }
            }
            Mark::Output {
                stage: StageName::SpeechToText,
                note: OutputNote::Final { text, .. },
                ..
            } if has_words(text) => {
                let what = json!({ "item_id": heard_item(turn), "content_index": 0, "transcript": **text });
                vec![self.message(
                    "conversation.item.input_audio_transcription.completed",
                    what,
                )]
            }
            Mark::ReplyStarted { .. } => self.begin_response(turn),
            Mark::Output {
                stage: StageName::Clauses,
                note: OutputNote::Clause { text },
                ..
            } if self.response == Some(turn) => {
                let separator = if self.said.is_empty() { "" } else { " " };
                let delta = format!("{separator}{text}");
                self.said += &delta;
                let what = json!({
                    "response_id": response_id(turn),
                    "item_id": said_item(turn),
                    "output_index": 0,
                    "content_index": 0,
                    "delta": delta,
                });
                vec![self.message("response.output_audio_transcript.delta", what)]
            }
            Mark::ReplyEnded { end, .. } => self.end_response(match end {
                ReplyEnd::Completed | ReplyEnd::Silent => "completed",
                ReplyEnd::Failed => "failed",
                ReplyEnd::Stopped | ReplyEnd::Superseded | ReplyEnd::Abandoned => "cancelled",
            }),
            _ => Vec::new(),
        }
    }

    fn refuse(&mut self, what: Refused) -> Vec<Message> {
        let (code, message) = match what {
            Refused::Commit => (
                "input_audio_buffer_commit_empty",
                "no voice was heard since the last turn, so there is nothing to commit",
            ),
            Refused::Respond => (
                "response_create_refused",
                "nothing was heard that is still to be answered, or a response is on its way",
            ),
        };
        vec![self.error(code, message, &Value::Null)]
    }

    fn goodbye(&mut self) -> Vec<Message> {
        Vec::new()
    }

    fn read(&mut self, message: Message) -> Result<(Vec<FromCaller>, Vec<Message>), Junk> {
        let Message::Text(message) = message else {
            return Err(Junk(
                "a binary message comes, and those of the Realtime API are all text".into(),
            ));
        };
        Ok(match parse(&message)? {
            Client::Update { session } => {
                let events = match session.pointer("/audio/input/turn_detection") {
                    Some(detection) => {
                        self.client_ends_turns = detection.is_null();
                        vec![FromCaller::EndsTurns(self.client_ends_turns)]
                    }
                    None => Vec::new(),
                };
                let updated = self.message("session.updated", json!({ "session": session }));
                (events, vec![updated])
            }
            Client::Append { audio } => (vec![FromCaller::Sound(samples(&audio)?)], Vec::new()),
            Client::Commit { .. } if self.client_ends_turns => {
                (vec![FromCaller::Commit], Vec::new())
            }
            Client::Respond { .. } if self.client_ends_turns => {
                (vec![FromCaller::Respond], Vec::new())
            }
            Client::Commit { event_id } | Client::Respond { event_id } => {
                let what = "voicesim serve finds the ends of turns and responds by itself, as server_vad does; set audio.input.turn_detection to null to commit and to ask for responses";
                let error = self.error("turn_detection", what, &event_id);
                (Vec::new(), vec![error])
            }
            Client::Cancel {
                event_id,
                response_id,
            } => self.cancelled(response_id.as_deref(), &event_id),
            Client::Truncate {
                event_id,
                item_id,
                content_index,
                audio_end_ms,
            } => {
                let place = (content_index, audio_end_ms);
                let truncated = self.truncated(&text_of(&item_id), place, &event_id);
                (Vec::new(), vec![truncated])
            }
            Client::Other => (Vec::new(), Vec::new()),
        })
    }

    fn caller_rate(&self) -> Option<u32> {
        Some(RATE)
    }
}

#[cfg(test)]
#[path = "test_realtime_agent.rs"]
mod tests;
