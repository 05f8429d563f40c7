//! Requests to a server, and the errors for one that refuses them.
//!
//! One client a server: its connection is kept, and made before the first question. Redirections are not
//! followed, since a key might go along.

use super::retry_after::retry_after;
use crate::clock::{Clock, Patience, Remote, Request};
use crate::credentials::{Credentials, Key, Masking};
use crate::engine::EngineError;
use crate::engine::words::{one_line, words_in};
use crate::scenario::engine::Header;
use crate::stage::{Again, StageError};
use futures_util::stream::BoxStream;
use futures_util::{Stream, StreamExt, future, stream};
use reqwest::header::{ACCEPT_ENCODING, HeaderValue, LOCATION};
use reqwest::{Client, RequestBuilder, Response, StatusCode, Url, redirect};
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// How long to wait for the connection that the first request is to find.
pub(super) const WARM_UP_MAX: Duration = Duration::from_secs(10);
const CONNECT_MAX: Duration = Duration::from_secs(5);
/// How long an idle connection is kept: through a long silence of the caller.
const KEPT_IDLE: Duration = Duration::from_secs(300);
const WARM_UP_BYTES_MAX: usize = 1 << 20;
/// How much of the body of a refusal is read.
const REFUSAL_BYTES_MAX: usize = 16 << 10;

/// Whom to ask, and for what.
pub(super) struct Asked {
    /// The scenario's table, as errors name it.
    pub(super) table: &'static str,
    pub(super) url: String,
    pub(super) model: String,
    pub(super) key_env: Option<String>,
    pub(super) headers: Vec<Header>,
    /// The path behind the server's address.
    pub(super) path: &'static str,
}

/// A server, and how to speak of it.
pub(super) struct Server {
    remote: Remote,
    client: Client,
    place: Arc<Place>,
}

/// All that an error may name, and the key, which none may.
pub(super) struct Place {
    table: &'static str,
    base: String,
    model: String,
    path: &'static str,
    key_env: Option<String>,
    credentials: Credentials,
}

impl Server {
    /// # Errors
    /// For an address that is none, a key that is not there, and https without TLS.
    pub(super) fn of(asked: Asked, clock: &Clock) -> Result<Server, EngineError> {
        let Asked { table, .. } = asked;
        let base = asked.url.trim_end_matches('/').to_owned();
        let url = Url::parse(&base).map_err(|error| {
            EngineError::Input(format!("{table}.url: {base} is no address: {error}"))
        })?;
        if url.scheme() == "https" && !cfg!(feature = "tls") {
            return Err(EngineError::Unavailable(format!(
                "{table}.url: this build of voicesim speaks no TLS; build it with: cargo build --release --features tls"
            )));
        }
        let key = asked.key_env.as_deref().map(|name| key(table, name));
        let headers = asked.headers.iter().map(|header| {
            let key = in_header(table, header)?;
            Ok((header.name.clone(), key))
        });
        let place = Place {
            table,
            base,
            model: asked.model,
            path: asked.path,
            key_env: asked.key_env.clone(),
            credentials: Credentials {
                key: key.transpose()?,
                headers: headers.collect::<Result<_, EngineError>>()?,
            },
        };
        let unavailable = |error: &dyn fmt::Display| {
            EngineError::Unavailable(format!("there is no asking of servers: {error}"))
        };
        Ok(Server {
            remote: clock
                .remote("server")
                .map_err(|error| unavailable(&error))?,
            client: client(&place, &url).map_err(|error| unavailable(&error))?,
            place: Arc::new(place),
        })
    }

    pub(super) fn base(&self) -> &str {
        &self.place.base
    }

    pub(super) fn table(&self) -> &str {
        self.place.table
    }

    pub(super) fn model(&self) -> &str {
        &self.place.model
    }

    /// Makes the connection, so that the first question finds one. What a server says to a cheap request
    /// does not matter, unless it is that the key is wrong. It is given up after `longest`.
    pub(super) fn warm_up(&self, longest: Duration) -> Result<(), String> {
        let request = self.client.get(format!("{}/models", self.place.base));
        let place = Arc::clone(&self.place);
        let answered = self.remote.wait_for(longest, async move {
            match request.send().await {
                Err(error) if error.is_connect() => Some(place.broken(&error).to_string()),
                Err(_) => None,
                Ok(response) if response.status() == StatusCode::UNAUTHORIZED => {
                    Some(place.refused(response).await.to_string())
                }
                Ok(response) => {
                    // A connection is kept if all of an answer was read.
                    body(response, WARM_UP_BYTES_MAX).await;
                    None
                }
            }
        });
        match answered {
            Some(None) => Ok(()),
            Some(Some(error)) => Err(error),
            None => Err(format!(
                "the server at {} did not answer within {} s; {START}",
                self.place.base,
                longest.as_secs_f64()
            )),
        }
    }

    /// Takes the key out of what this server says.
    pub(super) fn masking(&self) -> Masking {
        self.place.credentials.masking()
    }

    /// A request for what this server is asked for, to be worded.
    pub(super) fn post(&self) -> RequestBuilder {
        self.client
            .post(format!("{}{}", self.place.base, self.place.path))
    }

    /// Sends a request; what `read` makes of the answer comes out.
    pub(super) fn ask<T, S>(
        &self,
        request: RequestBuilder,
        patience: Patience,
        read: impl FnOnce(Response, Arc<Place>) -> S + Send + 'static,
    ) -> Request<Result<T, StageError>>
    where
        T: Send + 'static,
        S: Stream<Item = Result<T, StageError>> + Send + 'static,
    {
        let place = Arc::clone(&self.place);
        let items = stream::once(async move {
            match place.send(request).await {
                Ok(response) => read(response, place).left_stream(),
                Err(error) => stream::once(future::ready(Err(error))).right_stream(),
            }
        });
        self.remote.request(patience, items.flatten())
    }
}

fn key(table: &str, name: &str) -> Result<Key, EngineError> {
    Key::of(name).ok_or_else(|| EngineError::Unavailable(format!(
        "{table}.key_env: the environment variable {name} is not set; put the server's key into it, or take the key away for a server that wants none"
    )))
}

fn in_header(table: &str, header: &Header) -> Result<Key, EngineError> {
    let Header { name, variable } = header;
    Key::of(variable).ok_or_else(|| EngineError::Unavailable(format!(
        "{table}.headers.{name}: the environment variable {variable} is not set; put the header's value into it, or take the header away"
    )))
}

fn client(place: &Place, url: &Url) -> Result<Client, String> {
    let mut headers = place.credentials.in_headers()?;
    // Compressed answers are read, and not asked for: whoever compresses gathers first.
    headers
        .entry(ACCEPT_ENCODING)
        .or_insert(HeaderValue::from_static("identity"));
    let mut client = Client::builder()
        .user_agent(concat!("voicesim/", env!("CARGO_PKG_VERSION")))
        .default_headers(headers)
        .redirect(redirect::Policy::none())
        .connect_timeout(CONNECT_MAX)
        .pool_idle_timeout(KEPT_IDLE)
        .tcp_nodelay(true);
    // A proxy cannot reach this machine.
    let is_here = ["localhost", "127.0.0.1", "[::1]"].contains(&url.host_str().unwrap_or_default());
    if is_here {
        client = client.no_proxy();
    }
    #[cfg(feature = "tls")]
    {
        // Fails if a provider was chosen before, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
    client.build().map_err(|error| innermost(&error))
}

/// What to do if nobody answers.
const START: &str = "start one (for example `ollama serve`, or `llama-server -m MODEL.gguf --port 8080`), or correct the address";

impl Place {
    /// A place that nobody asks.
    pub(super) fn somewhere() -> Place {
        Place {
            table: "answer",
            base: "http://a/v1".into(),
            model: "m".into(),
            path: "/chat/completions",
            key_env: None,
            credentials: Credentials::default(),
        }
    }

    /// The answer, if the server gives one.
    async fn send(&self, request: RequestBuilder) -> Result<Response, StageError> {
        let response = request.send().await.map_err(|error| self.broken(&error))?;
        match response.status() {
            status if status.is_success() => Ok(response),
            _ => Err(self.refused(response).await),
        }
    }

    /// The scenario's table, as errors name it.
    pub(super) fn table(&self) -> &str {
        self.table
    }

    pub(super) fn base(&self) -> &str {
        &self.base
    }

    /// The error for a connection that could not be made, or broke.
    pub(super) fn broken(&self, error: &reqwest::Error) -> StageError {
        let (base, why) = (&self.base, self.plain(&innermost(error)));
        StageError::Failed(match error.is_connect() {
            true => format!(
                "no server answers at {base} ({why}); {START} ({}.url)",
                self.table
            ),
            false => format!("the connection to the server at {base} broke: {why}"),
        })
    }

    /// The error for an answer that cannot be understood.
    pub(super) fn garbled(&self, why: &str) -> StageError {
        StageError::Failed(format!("the server at {}{} {why}", self.base, self.path))
    }

    async fn refused(&self, response: Response) -> StageError {
        let (status, earliest) = (response.status(), retry_after(response.headers()));
        let location = response.headers().get(LOCATION).cloned();
        let said = words_in(&body(response, REFUSAL_BYTES_MAX).await);
        let said = match self.plain(&said) {
            said if said.is_empty() => String::new(),
            said => format!(": {said}"),
        };
        let Place {
            table,
            base,
            model,
            path,
            ..
        } = self;
        let code = status.as_u16();
        let error = match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => match &self.key_env {
                Some(name) => format!(
                    "the server at {base} refuses the key ({code}){said}; put a valid one into the environment variable {name} ({table}.key_env)"
                ),
                None => format!(
                    "the server at {base} wants a key ({code}){said}; put it into an environment variable, and name that: {table}.key_env = \"OPENAI_API_KEY\""
                ),
            },
            StatusCode::NOT_FOUND => format!(
                "the server at {base} has nothing at {path}, or no model {model:?} (404){said}; correct {table}.url or {table}.model"
            ),
            status if status.is_redirection() => {
                let to = location
                    .as_ref()
                    .and_then(|to| to.to_str().ok())
                    .unwrap_or("somewhere else");
                format!(
                    "the server at {base} points to {} ({code}), which is not followed; give the address that is meant ({table}.url)",
                    self.plain(to)
                )
            }
            StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => format!(
                "the server at {base} refuses the request ({code}){said}; what is in it can be changed or left out in [{table}.body]"
            ),
            _ => format!("the server at {base} refuses the request ({code}){said}"),
        };
        // Too many requests, and what passes: a conflict, a time-out, a server in trouble.
        match (code, earliest) {
            (408 | 409 | 425 | 429 | 500..=599, Some(earliest)) => StageError::Refused {
                error,
                again: Again::NotBefore(earliest),
            },
            (408 | 409 | 425 | 429 | 500..=599, None) => StageError::Refused {
                error,
                again: Again::NotBefore(Duration::ZERO),
            },
            _ => StageError::Refused {
                error,
                again: Again::Never,
            },
        }
    }

    /// The beginning of what a server says, as one line, and without the key.
    pub(super) fn plain(&self, said: &str) -> String {
        one_line(&self.masked(said))
    }

    /// What a server says, without the key.
    pub(super) fn masked(&self, said: &str) -> String {
        self.credentials.masked(said)
    }
}

/// A body as it comes.
pub(super) fn body_of(
    response: Response,
    place: &Arc<Place>,
) -> BoxStream<'static, Result<Vec<u8>, StageError>> {
    let place = Arc::clone(place);
    let chunks = response.bytes_stream().map(move |chunk| {
        let chunk = chunk.map_err(|error| place.broken(&error))?;
        Ok(chunk.to_vec())
    });
    chunks.boxed()
}

/// A body, or its first `most` bytes.
pub(super) async fn body(mut response: Response, most: usize) -> Vec<u8> {
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        let room = most - body.len();
        body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if body.len() == most {
            break;
        }
    }
    body
}

/// The cause of all: what lies around it only says that there was an error.
fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(key: &str) -> Place {
        Place {
            table: "answer",
            base: "http://a/v1".into(),
            model: "m".into(),
            path: "/chat/completions",
            key_env: None,
            credentials: Credentials::of_texts(key, ("api-key", "header-SECRET")),
        }
    }

    #[test]
    fn what_a_server_says_is_cut_and_made_plain_and_holds_no_key() {
        let place = place("sk-SECRET");
        assert_eq!(
            place.plain("bad\r\nkey\u{1b}[31m sk-SECRET!"),
            "bad key [31m [key]!"
        );
        assert_eq!(place.plain("\u{202e}the header-SECRET"), "the [key]");
        let long = format!("{} sk-SECRET", "x".repeat(295));
        assert!(
            !place.plain(&long).contains("sk-"),
            "cut before it was taken out"
        );
        assert_eq!(place.plain(&"ä".repeat(400)).chars().count(), 300);
        assert_eq!(format!("{:?}", place.credentials.key), "Some([key])");
    }
}
