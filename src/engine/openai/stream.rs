//! What a model writes, as a server streams it: server-sent events, each a piece of the answer.
//!
//! All of it is bounded: an event, the text, and the whole. A text that is too long is cut, and that is the
//! answer; an answer that breaks off is an error behind what came of it.

use super::server::{Place, body, message_of};
use crate::clock::within;
use crate::stage::StageError;
use eventsource_stream::{Event, EventStreamError, Eventsource};
use futures_util::stream::{self, BoxStream};
use futures_util::{Stream, StreamExt};
use reqwest::Response;
use reqwest::header::CONTENT_TYPE;
use serde::Deserialize;
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// The longest event: 256 KiB, a thousand times what a token takes.
const EVENT_BYTES_MAX: usize = 256 << 10;
/// The longest text: 64 KiB, more than an hour of speech.
const TEXT_BYTES_MAX: usize = 64 << 10;
/// The longest answer with all that is sent around it: 32 MiB, the longest text with 500 bytes around each character.
const ANSWER_BYTES_MAX: usize = 32 << 20;

const PIECE_BYTES: usize = 4 << 10;
/// How long to wait for the very end of an answer once all of its text is there: the connection is kept only if it
/// was read to its end.
const END_MAX: Duration = Duration::from_millis(100);

/// What a model puts out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Written {
    /// A piece of the answer; never empty.
    Piece(String),
    /// How many tokens the model wrote, and read, as the server counts.
    Usage { written: u32, read: Option<u32> },
}

/// What a model writes into `response`.
pub(super) fn written(
    response: Response,
    place: Arc<Place>,
) -> impl Stream<Item = Result<Written, StageError>> + Send {
    let content = response.headers().get(CONTENT_TYPE);
    let content = content
        .and_then(|kind| kind.to_str().ok())
        .unwrap_or_default();
    match content.starts_with("application/json") {
        // A server that knows no streaming.
        true => stream::once(async move { whole(&body(response, EVENT_BYTES_MAX).await, &place) })
            .flat_map(stream::iter)
            .left_stream(),
        false => events(response, place).right_stream(),
    }
}

fn events(
    response: Response,
    place: Arc<Place>,
) -> impl Stream<Item = Result<Written, StageError>> + Send {
    let since_event = Arc::new(AtomicUsize::new(0));
    let taken = Arc::clone(&since_event);
    let mut all = 0;
    let chunks = response.bytes_stream().flat_map(|chunk| {
        // Taken in little pieces, so that an event is taken out as soon as all of it is there.
        let pieces = match chunk {
            Ok(chunk) => (0..chunk.len())
                .step_by(PIECE_BYTES)
                .map(|at| Ok(chunk.slice(at..chunk.len().min(at + PIECE_BYTES))))
                .collect(),
            Err(error) => vec![Err(Broken::Transport(error))],
        };
        stream::iter(pieces)
    });
    let chunks = chunks.map(move |piece| {
        let piece = piece?;
        all += piece.len();
        match taken.fetch_add(piece.len(), Ordering::Relaxed) + piece.len() {
            event if event > EVENT_BYTES_MAX => Err(Broken::Event),
            _ if all > ANSWER_BYTES_MAX => Err(Broken::Answer),
            _ => Ok(piece),
        }
    });
    let reader = Reader {
        events: chunks.eventsource().boxed(),
        since_event,
        answer: Answer::default(),
        place,
        is_over: false,
    };
    stream::unfold(reader, async |mut reader| {
        let items = reader.next().await?;
        Some((stream::iter(items), reader))
    })
    .flatten()
}

/// Why a stream of events ends before its end.
enum Broken {
    Transport(reqwest::Error),
    /// An event is too long.
    Event,
    Answer,
}

struct Reader {
    events: BoxStream<'static, Result<Event, EventStreamError<Broken>>>,
    /// Bytes that came since the latest event.
    since_event: Arc<AtomicUsize>,
    answer: Answer,
    place: Arc<Place>,
    is_over: bool,
}

type Items = Vec<Result<Written, StageError>>;

impl Reader {
    /// What comes of the next event; `None` at the end.
    async fn next(&mut self) -> Option<Items> {
        if self.is_over {
            return None;
        }
        let event = self.events.next().await;
        self.since_event.store(0, Ordering::Relaxed);
        let items = match event {
            Some(Ok(event)) => self
                .answer
                .read(&event.data)
                .map_err(|why| self.place.garbled(&self.place.plain(&why))),
            None => {
                self.is_over = true;
                self.answer.end().map_err(|why| self.place.garbled(why))
            }
            Some(Err(EventStreamError::Transport(broken))) => match broken {
                Broken::Transport(error) => Err(self.place.broken(&error)),
                Broken::Event => Err(self.place.garbled("sent an event of more than 256 KiB")),
                Broken::Answer => {
                    self.is_over = true;
                    Ok(Vec::new())
                }
            },
            Some(Err(_)) => Err(self.place.garbled("sent something that is no UTF-8 text")),
        };
        self.is_over |= items.is_err() || self.answer.is_cut;
        if self.answer.is_done && !self.is_over {
            self.is_over = true;
            let rest = async { while self.events.next().await.is_some() {} };
            let _ = within(END_MAX, rest).await;
        }
        Some(match items {
            Ok(items) => items.into_iter().map(Ok).collect(),
            Err(error) => vec![Err(error)],
        })
    }
}

/// An answer that is being read.
#[derive(Default)]
struct Answer {
    text_bytes: usize,
    /// Whether the server has said why it stopped, or that it is done.
    has_end: bool,
    is_done: bool,
    /// Whether the text was cut because it is longer than anybody listens.
    is_cut: bool,
}

/// One event, or an answer that is not streamed.
#[derive(Deserialize)]
struct Chunk {
    choices: Option<Vec<Choice>>,
    usage: Option<Usage>,
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Choice {
    /// Chat, streamed.
    delta: Option<Content>,
    /// Chat, not streamed.
    message: Option<Content>,
    /// Completions.
    text: Option<String>,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Content {
    content: Option<String>,
}

#[derive(Deserialize)]
struct Usage {
    prompt_tokens: Option<u32>,
    completion_tokens: Option<u32>,
}

impl Answer {
    /// What is in an event.
    fn read(&mut self, data: &str) -> Result<Vec<Written>, String> {
        if data.trim() == "[DONE]" {
            (self.has_end, self.is_done) = (true, true);
            return Ok(Vec::new());
        }
        let chunk: Chunk = serde_json::from_str(data)
            .map_err(|_| format!("sent an event that is no part of an answer: {data}"))?;
        if let Some(error) = chunk.error {
            let why =
                message_of(&error).or_else(|| Some(error.get("message")?.as_str()?.to_owned()));
            return Err(format!(
                "reports: {}",
                why.unwrap_or_else(|| error.to_string())
            ));
        }
        let mut written = Vec::new();
        if let Some(choice) = chunk.choices.into_iter().flatten().next() {
            self.has_end |= choice.finish_reason.is_some();
            let content = choice.delta.or(choice.message).and_then(|c| c.content);
            let text = content.or(choice.text).unwrap_or_default();
            written.extend(self.piece(&text));
        }
        if let Some(Usage {
            prompt_tokens,
            completion_tokens: Some(tokens),
        }) = chunk.usage
        {
            written.push(Written::Usage {
                written: tokens,
                read: prompt_tokens,
            });
        }
        Ok(written)
    }

    /// A piece of the text, without white space before its beginning, and as much of it as there is room
    /// for.
    fn piece(&mut self, text: &str) -> Option<Written> {
        let text = match self.text_bytes {
            0 => text.trim_start(),
            _ => text,
        };
        let room = TEXT_BYTES_MAX - self.text_bytes;
        let piece = &text[..text.floor_char_boundary(room)];
        self.is_cut |= piece.len() < text.len();
        self.text_bytes += piece.len();
        (!piece.is_empty()).then(|| Written::Piece(piece.to_owned()))
    }

    /// The stream is at its end.
    fn end(&self) -> Result<Vec<Written>, &'static str> {
        match (self.has_end, self.text_bytes) {
            (true, _) => Ok(Vec::new()),
            (false, 0) => {
                Err("closed the connection without an answer; is that the address of an API?")
            }
            (false, _) => Err("closed the connection in mid-answer"),
        }
    }
}

/// An answer that comes in one piece.
fn whole(body: &[u8], place: &Place) -> Items {
    let mut answer = Answer::default();
    let read = answer.read(&String::from_utf8_lossy(body));
    match read {
        Ok(written) if answer.has_end || answer.text_bytes > 0 => {
            written.into_iter().map(Ok).collect()
        }
        Ok(_) => vec![Err(place.garbled("sent an answer with nothing in it"))],
        Err(why) => vec![Err(place.garbled(&place.plain(&why)))],
    }
}
