//! OpenAI's Realtime API (GA), the server's side: as much of it as a client needs to talk. Turns are found here, as by
//! `server_vad`; a client cannot ask for a response of its own.
//!
//! Clients stop playing when they are told that speech has started. So that is told of speech over an answer only when
//! the pipeline stops for it: a sound that it goes on over is never told.

use super::realtime::{RATE, parse, samples, sound, text};
use super::{FromCaller, Junk, Message, ToCaller, has_words, text_of};
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
    #[serde(rename = "conversation.item.truncate")]
    Truncate {
        item_id: String,
        #[serde(default)]
        content_index: u64,
        audio_end_ms: u64,
    },
    /// Everything that somebody else decides here.
    #[serde(rename = "response.create", alias = "input_audio_buffer.commit")]
    Respond {},
    #[serde(other)]
    Other,
}

/// A Realtime server.
#[derive(Debug, Default)]
pub(crate) struct RealtimeServer {
    events: u64,
    /// The response that is on its way.
    response: Option<TurnId>,
    /// Whether sound of it was sent.
    has_sounded: bool,
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
        self.has_sounded = false;
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
        let item = heard_item(turn);
        let what = json!({ "audio_end_ms": at_ms, "item_id": item });
        vec![
            self.message("input_audio_buffer.speech_stopped", what),
            self.message(
                "input_audio_buffer.committed",
                json!({ "previous_item_id": null, "item_id": item }),
            ),
        ]
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
        self.has_sounded = true;
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
                match self.has_sounded && self.response.is_some() {
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
                self.said += separator;
                self.said += text;
                let what = json!({
                    "response_id": response_id(turn),
                    "item_id": said_item(turn),
                    "output_index": 0,
                    "content_index": 0,
                    "delta": **text,
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
                let updated = self.message("session.updated", json!({ "session": session }));
                (Vec::new(), vec![updated])
            }
            Client::Append { audio } => (vec![FromCaller::Sound(samples(&audio)?)], Vec::new()),
            Client::Truncate {
                item_id,
                content_index,
                audio_end_ms,
            } => {
                let what = json!({ "item_id": text_of(&item_id), "content_index": content_index, "audio_end_ms": audio_end_ms });
                let truncated = self.message("conversation.item.truncated", what);
                (Vec::new(), vec![truncated])
            }
            Client::Respond {} => {
                let error = json!({ "error": {
                    "type": "invalid_request_error",
                    "code": "turn_detection",
                    "message": "voicesim serve finds the ends of turns itself, as server_vad does: send sound, and no response.create or commit",
                } });
                let error = self.message("error", error);
                (Vec::new(), vec![error])
            }
            Client::Other => (Vec::new(), Vec::new()),
        })
    }

    fn caller_rate(&self) -> Option<u32> {
        Some(RATE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{SessionId, Tick};

    fn event(turn: u32, mark: Mark) -> Event {
        Event {
            tick: Tick::ZERO,
            session: SessionId(0),
            turn: TurnId(turn),
            mark,
        }
    }

    fn kinds(messages: &[Message]) -> Vec<String> {
        let kind = |message: &Message| {
            let Message::Text(text) = message else {
                panic!("text");
            };
            let value: Value = serde_json::from_str(text).expect("JSON");
            value["type"].as_str().expect("a type").to_owned()
        };
        messages.iter().map(kind).collect()
    }

    fn began(turn: u32) -> Event {
        event(turn, Mark::VoiceStarted { onset: Tick::ZERO })
    }

    #[test]
    fn speech_over_an_answer_is_told_of_when_the_answer_stops() {
        let mut server = RealtimeServer::default();
        let started = "input_audio_buffer.speech_started";
        assert_eq!(kinds(&server.event(&began(1))), [started]);
        let question = "".into();
        let reply = server.event(&event(1, Mark::ReplyStarted { question }));
        assert_eq!(kinds(&reply)[0], "response.created");
        server.sound(&[0.0; 240]);
        assert!(server.event(&began(2)).is_empty());
        let stopped = kinds(&server.clear());
        assert_eq!(
            (stopped[0].as_str(), stopped.last().map(String::as_str)),
            (started, Some("response.done"))
        );
    }

    #[test]
    fn a_turn_of_the_conversation_has_its_events_in_order() {
        let mut server = RealtimeServer::default();
        let said = Mark::Output {
            stage: StageName::Clauses,
            visit: crate::event::VisitId(1),
            note: OutputNote::Clause {
                text: "Yes.".into(),
            },
        };
        let ended = Mark::ReplyEnded {
            end: ReplyEnd::Completed,
            at: Tick::ZERO,
            heard: "".into(),
            heard_ns: 0,
        };
        let mut all = server.hello();
        for mark in [
            Mark::ReplyStarted {
                question: "".into(),
            },
            said,
            ended,
        ] {
            all.extend(server.event(&event(1, mark)));
        }
        assert_eq!(
            kinds(&all),
            [
                "session.created",
                "response.created",
                "response.output_item.added",
                "response.content_part.added",
                "response.output_audio_transcript.delta",
                "response.output_audio.done",
                "response.output_audio_transcript.done",
                "response.done"
            ]
        );
    }

    #[test]
    fn a_client_is_understood_and_told_what_is_not_done_here() {
        let mut server = RealtimeServer::default();
        let mut read = |value: Value| server.read(text(&value)).expect("understood");
        let (events, _) =
            read(json!({ "type": "input_audio_buffer.append", "audio": sound(&[0.5]) }));
        assert_eq!(events, [FromCaller::Sound(vec![0.5])]);
        let (_, told) =
            read(json!({ "type": "session.update", "session": { "instructions": "Be brief." } }));
        assert_eq!(kinds(&told), ["session.updated"]);
        let (_, told) = read(
            json!({ "type": "conversation.item.truncate", "item_id": "i", "content_index": 0, "audio_end_ms": 900 }),
        );
        assert_eq!(kinds(&told), ["conversation.item.truncated"]);
        let (_, told) = read(json!({ "type": "response.create" }));
        assert_eq!(kinds(&told), ["error"]);
        assert!(server.read(Message::Text("{}".into())).is_err());
    }
}
