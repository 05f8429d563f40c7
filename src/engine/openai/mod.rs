//! Engines on a server that speaks OpenAI's API: a language model (`answer`), a `recogniser` and a `voice`. Ollama,
//! llama.cpp, vLLM and the clouds do.
//!
//! `server` sends requests and says what went wrong (`words` finds what the server says of it), `prompt` words them.
//! `stream` reads what a model writes: `lines` of bytes, `events` of lines, what is `said` in each. `transcript` finds
//! the words that a recogniser sends, `sound` the samples that a voice does, and `sound_kind` what else it is.
//! What a caller, a document or a server says is data: nothing in it leads to another request, and a key goes
//! nowhere but into the header of a request.
//!
//! References: OpenAI's API reference (chat completions, completions, transcriptions, speech); server-sent events
//! by the HTML standard, section 9.2; Retry-After by RFC 9110, section 10.2.3.

mod answer;
mod events;
mod lines;
mod prompt;
mod recogniser;
mod retry_after;
mod said;
mod server;
mod sound;
mod sound_kind;
mod stream;
#[cfg(test)]
mod test_answers;
#[cfg(test)]
mod test_fuzz;
#[cfg(test)]
mod test_servers;
#[cfg(test)]
mod test_speech;
#[cfg(test)]
mod test_streams;
mod transcript;
mod voice;

pub(super) use answer::build as answerer;
pub(super) use recogniser::recogniser;
pub use stream::read_stream;
pub(super) use voice::voice;

use super::build::Purpose;
use super::{Built, EngineError};
use crate::clock::{Answered, Clock, Patience, Silence};
use crate::engine::words::one_line;
use crate::scenario::engine;
use crate::stage::StageError;
use server::{Asked, Server, WARM_UP_MAX};
use std::time::Duration;

/// A server, reached and warm, or with a note on why it could not be reached.
struct Reached {
    server: Server,
    notes: Vec<String>,
}

/// The note on a server that is asked in virtual time.
const VIRTUAL: &str = "in virtual time a server's answer is read to its end at once, and delivered as it came; a request that is given up was made all the same";

/// `table` is the scenario's, as errors name it; `path` lies behind the server's address.
fn reach(
    asked: &engine::Server,
    table: &'static str,
    path: &'static str,
    at: Purpose<'_>,
) -> Result<Reached, EngineError> {
    let server = server(asked, table, path, at.clock)?;
    let mut notes = Vec::new();
    if let Err(error) = server.warm_up(WARM_UP_MAX) {
        if !at.has_fallback {
            return Err(EngineError::Unavailable(error));
        }
        tracing::warn!("{error}");
        notes.push(error);
    }
    if at.clock.name() == "virtual" {
        notes.push(VIRTUAL.to_owned());
    }
    Ok(Reached { server, notes })
}

fn server(
    asked: &engine::Server,
    table: &'static str,
    path: &'static str,
    clock: &Clock,
) -> Result<Server, EngineError> {
    let asked = Asked {
        table,
        url: asked.url.clone(),
        model: asked.model.clone(),
        key_env: asked.key_env.clone(),
        headers: asked.headers.clone(),
        path,
    };
    Server::of(asked, clock)
}

/// Whether a server could be asked, without asking it.
///
/// # Errors
/// For an address that is none, a key that is not there, and https without TLS.
pub(super) fn check(asked: &engine::Server, table: &'static str) -> Result<(), EngineError> {
    server(asked, table, "", &Clock::real(1)).map(|_| ())
}

/// Whether a server answers within `longest`; else what is wrong.
pub(super) fn ask(
    asked: &engine::Server,
    table: &'static str,
    longest: Duration,
) -> Result<(), String> {
    let server = server(asked, table, "", &Clock::real(1)).map_err(|error| error.to_string())?;
    server.warm_up(longest)
}

impl Reached {
    fn built<S>(self, stage: impl FnOnce(Server) -> S, what: &str) -> Built<S> {
        let described = format!("{what} {} at {}", self.server.model(), self.server.base());
        Built {
            note: (!self.notes.is_empty()).then(|| self.notes.join("; ")),
            stage: stage(self.server),
            described,
        }
    }
}

/// The longest wait for all of a request.
fn patience(span: Duration) -> Patience {
    Patience {
        first: span,
        next: span,
        all: span,
    }
}

/// The error for a request of which no more comes, though it is not done; `keys` are as for [`too_slow`].
fn broken_off<T>(server: &Server, came: Option<Answered<T>>, keys: [&str; 3]) -> StageError {
    match came {
        Some(Answered::TimedOut(silence)) => too_slow(server, silence, keys),
        Some(Answered::Panicked(what)) => panicked(&what),
        Some(Answered::Item(..) | Answered::Done(_)) | None => gone(),
    }
}

/// The error for a server that took too long; the keys are those for the first item, the next, and all of them.
fn too_slow(server: &Server, silence: Silence, [first, next, all]: [&str; 3]) -> StageError {
    let (what, span, key) = match silence {
        Silence::First(span) => ("began no answer within", span, first),
        Silence::Next(span) => ("fell silent in mid-answer for", span, next),
        Silence::All(span) => ("was not done within", span, all),
    };
    StageError::Failed(format!(
        "the server at {} {what} {} ms ({}.{key})",
        server.base(),
        span.as_millis(),
        server.table()
    ))
}

fn gone() -> StageError {
    StageError::Failed(
        "the thread that asks servers is gone; run with -v and report its message".into(),
    )
}

fn panicked(what: &str) -> StageError {
    StageError::Failed(format!(
        "reading the server's answer failed in voicesim or one of its libraries, which is a bug to report: {}",
        one_line(what)
    ))
}
