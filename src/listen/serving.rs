//! The page that pairs are judged on, for one judge at a time.
//!
//! It is for whoever sits at this machine, and other pages in the same browser are not to reach it: a request has to name
//! an address or `localhost` as its host, so that no name on the internet that is made to lead here is answered (DNS
//! rebinding); a choice has to come from the page itself; and nothing tells which system a sound is of.

use super::course::{Presentation, course};
use super::kept::{Choice, Chosen, Head, Kept, KeptError};
use super::pairs::{Judged, Pair, Pairs, Place, Side};
use super::results::{Results, Settings};
use super::text::text;
use crate::audio::AudioError;
use crate::report::html::STYLE;
use axum::Json;
use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::{Method, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A choice is some thirty bytes.
const BODY_BYTES_MAX: usize = 1 << 10;

const PAGE: &str = include_str!("page.html");
const SCRIPT: &str = include_str!("page.js");
const OWN_STYLE: &str = include_str!("page.css");

/// One judge on the way through the pairs.
#[derive(Debug)]
pub struct Sitting {
    head: Head,
    pairs: Vec<Pair>,
    judge: String,
    course: Vec<Presentation>,
    kept: Kept,
    settings: Settings,
}

impl Sitting {
    /// Sits a judge down, behind the last choice that this judge made; `limit` is the most pairs to be judged.
    ///
    /// # Errors
    /// A file of choices that cannot be read or written, or is of other pairs.
    pub fn begin(
        pairs: Pairs,
        (seed, repeats): (u64, f64),
        limit: Option<usize>,
        judge: &str,
        choices: &std::path::Path,
        settings: Settings,
    ) -> Result<Sitting, KeptError> {
        let head = Head {
            schema: Head::SCHEMA.into(),
            systems: pairs.systems.clone(),
            judged: pairs.judged,
            seed,
            repeats,
            pairs: pairs.all.len(),
            fingerprint: pairs.fingerprint(),
        };
        let kept = Kept::open(choices, &head)?;
        let mut given = course(pairs.all.len(), repeats, crate::rng::Seed(seed), judge);
        given.truncate(limit.unwrap_or(usize::MAX));
        Ok(Sitting {
            head,
            pairs: pairs.all,
            judge: judge.to_owned(),
            course: given,
            kept,
            settings,
        })
    }

    /// How many presentations there are.
    pub fn given(&self) -> usize {
        self.course.len()
    }

    /// How many of them are judged.
    pub fn judged(&self) -> usize {
        self.next()
            .map_or(self.course.len(), |number| number as usize - 1)
    }

    /// The results so far, of every judge.
    pub fn results(&self) -> Results {
        Results::of(&self.head, self.kept.choices(), &self.settings)
    }

    /// The number of the first presentation without a choice.
    fn next(&self) -> Option<u32> {
        let own = self
            .kept
            .choices()
            .iter()
            .filter(|choice| choice.judge == self.judge);
        let last = own.map(|choice| choice.number).max().unwrap_or(0);
        ((last as usize) < self.course.len()).then_some(last + 1)
    }

    fn presentation(&self, number: u32) -> Option<(&Presentation, &Pair)> {
        let given = self.course.get((number as usize).checked_sub(1)?)?;
        Some((given, self.pairs.get(given.pair)?))
    }

    /// The side of a presentation that is given first, or second.
    fn side(&self, number: u32, which: Which) -> Option<&Side> {
        let (given, pair) = self.presentation(number)?;
        let is_lower = (which == Which::First) != given.is_exchanged;
        pair.sides.get(usize::from(!is_lower))
    }

    /// Keeps a choice of the next presentation.
    fn choose(&mut self, number: u32, chosen: Chosen) -> Result<(), Refused> {
        if self.next() != Some(number) {
            return Err(Refused::NotNext);
        }
        let Some((given, pair)) = self.presentation(number) else {
            return Err(Refused::NotNext);
        };
        let [lower, higher] = pair.systems;
        let (first, second) = match given.is_exchanged {
            true => (higher, lower),
            false => (lower, higher),
        };
        let choice = Choice {
            number,
            judge: self.judge.clone(),
            turn: pair.turn.to_string(),
            first,
            second,
            chosen,
            repeats: given.repeats,
            labels: (*pair.labels).clone(),
        };
        Ok(self.kept.add(choice)?)
    }

    /// What the page shows next.
    fn shown(&self) -> Shown<'_> {
        let next = self.next();
        let of = |which| next.and_then(|number| self.side(number, which));
        let words = |which| -> Option<&str> {
            let side = of(which).filter(|_| self.head.judged == Judged::Text)?;
            Some(&side.said)
        };
        Shown {
            number: next,
            of: self.course.len(),
            judged: self.head.judged,
            asked: of(Which::First).map(|side| &*side.asked),
            first: words(Which::First),
            second: words(Which::Second),
            // Whoever still judges is not to know how it stands.
            results: next.is_none().then(|| text(&self.results())),
        }
    }
}

/// What the page shows: a pair, or the results at the end.
#[derive(Debug, Serialize)]
struct Shown<'a> {
    number: Option<u32>,
    of: usize,
    judged: Judged,
    asked: Option<&'a str>,
    first: Option<&'a str>,
    second: Option<&'a str>,
    results: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Which {
    First,
    Second,
}

impl Which {
    fn other(self) -> Which {
        match self {
            Which::First => Which::Second,
            Which::Second => Which::First,
        }
    }
}

/// What the page sends.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sent {
    number: u32,
    chosen: Chosen,
}

/// Why a choice is not kept.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("another pair is next; the page shows it when it is loaded again")]
    NotNext,
    #[error(transparent)]
    Kept(#[from] KeptError),
}

/// A page that is ready to be served.
pub struct Serving {
    listener: std::net::TcpListener,
    sitting: Arc<Mutex<Sitting>>,
}

impl Serving {
    /// Serves the page of a sitting at this address.
    pub fn at(listener: std::net::TcpListener, sitting: Sitting) -> Serving {
        Serving {
            listener,
            sitting: Arc::new(Mutex::new(sitting)),
        }
    }

    /// Serves until `end` comes, and returns the sitting.
    ///
    /// # Errors
    /// What the system says if it cannot be served.
    pub fn until(self, end: impl Future<Output = ()>) -> io::Result<Results> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let shared = self.sitting.clone();
        runtime.block_on(async move {
            self.listener.set_nonblocking(true)?;
            let listener = tokio::net::TcpListener::from_std(self.listener)?;
            let port = listener.local_addr()?.port();
            let served = axum::serve(listener, router(self.sitting, port));
            // A browser holds its connection open, so nobody waits for it to hang up.
            tokio::select! {
                biased;
                () = end => Ok(()),
                done = async { served.await } => done,
            }
        })?;
        let results = lock(&shared).results();
        Ok(results)
    }
}

type Shared = Arc<Mutex<Sitting>>;

fn lock(sitting: &Shared) -> MutexGuard<'_, Sitting> {
    sitting.lock().unwrap_or_else(PoisonError::into_inner)
}

fn router(sitting: Shared, port: u16) -> Router {
    Router::new()
        .route("/", get(page))
        .route("/pair", get(pair))
        .route("/sound/{number}/{which}", get(sound))
        .route("/choice", post(choice))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(middleware::from_fn(move |request: Request, next: Next| {
            guarded(port, request, next)
        }))
        .with_state(sitting)
}

/// Answers what comes from the page alone, and has the browser keep it to itself.
async fn guarded(port: u16, request: Request, next: Next) -> Response {
    let mut response = match refusal(request.method(), request.headers(), port) {
        None => next.run(request).await,
        Some(why) => (StatusCode::FORBIDDEN, why).into_response(),
    };
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if let Ok(policy) = HeaderValue::from_str(&policy()) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// Why a request is refused; `None` if it may be answered.
fn refusal(method: &Method, headers: &HeaderMap, port: u16) -> Option<&'static str> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let host = text(header::HOST).filter(|host| is_address(host, port));
    let Some(host) = host else {
        return Some(
            "this page answers to its address or to localhost alone: open the address that voicesim printed\n",
        );
    };
    let origin = headers
        .get(header::ORIGIN)
        .map(|value| value.to_str().unwrap_or_default());
    let is_own = origin.is_none_or(|origin| origin.strip_prefix("http://") == Some(host));
    let is_safe = method == Method::GET || method == Method::HEAD;
    match is_own && (is_safe || origin.is_some()) {
        true => None,
        false => Some("a choice is taken from the page itself alone\n"),
    }
}

/// Whether a host is an address, or `localhost`, with this port: a name would be somebody else's.
fn is_address(host: &str, port: u16) -> bool {
    let (name, own_port) = match host.rsplit_once(':') {
        Some((name, digits)) if !digits.contains(']') => (name, digits.parse().ok()),
        _ => (host, Some(80)),
    };
    let bare = name
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    let is_address = match bare {
        Some(inside) => inside.parse::<Ipv6Addr>().is_ok(),
        None => name
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_ipv4()),
    };
    own_port == Some(port) && (is_address || name.eq_ignore_ascii_case("localhost"))
}

/// What the browser may load: this script, and from here.
fn policy() -> String {
    let hash = BASE64_STANDARD.encode(Sha256::digest(SCRIPT.as_bytes()));
    format!(
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{hash}'; img-src data:; media-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}

async fn page() -> Html<String> {
    let page = PAGE
        .replace("/* style */", &format!("{STYLE}{OWN_STYLE}"))
        .replace("/* script */", SCRIPT);
    Html(page)
}

async fn pair(State(sitting): State<Shared>) -> Response {
    Json(lock(&sitting).shown()).into_response()
}

async fn sound(
    State(sitting): State<Shared>,
    Path((number, which)): Path<(u32, Which)>,
) -> Response {
    let kept = {
        let sitting = lock(&sitting);
        let is_next = sitting.next() == Some(number);
        let kept = |which| {
            let side = sitting.side(number, which).filter(|_| is_next)?;
            side.sound.clone()
        };
        kept(which).zip(kept(which.other()))
    };
    match kept.map(|(own, other)| equally_loud(&own, &other)) {
        Some(Ok(Some(wav))) => {
            ([(header::CONTENT_TYPE, "audio/wav")], Body::from(wav)).into_response()
        }
        Some(Err(error)) => {
            tracing::warn!("warning: {error}");
            (
                StatusCode::INTERNAL_SERVER_ERROR,
                "the sound cannot be read any more\n",
            )
                .into_response()
        }
        Some(Ok(None)) | None => (StatusCode::NOT_FOUND, "another pair is next\n").into_response(),
    }
}

/// One side of a pair as a WAV file, no louder than the other side; `None` if the agent is silent in one of them.
fn equally_loud(own: &Place, other: &Place) -> Result<Option<Vec<u8>>, AudioError> {
    let read = |(sound, place): &Place| sound.read(place);
    Ok(read(own)?
        .zip(read(other)?)
        .map(|(own, other)| own.wav(&other)))
}

async fn choice(State(sitting): State<Shared>, Json(sent): Json<Sent>) -> Response {
    let mut sitting = lock(&sitting);
    match sitting.choose(sent.number, sent.chosen) {
        Ok(()) => Json(sitting.shown()).into_response(),
        Err(error @ Refused::NotNext) => {
            (StatusCode::CONFLICT, format!("{error}\n")).into_response()
        }
        Err(Refused::Kept(error)) => {
            tracing::error!("{error}");
            let said = "the choice could not be written to disk; see what voicesim says\n";
            (StatusCode::INSUFFICIENT_STORAGE, said).into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_on_the_internet_that_leads_here_is_not_answered() {
        for (host, is_answered) in [
            ("127.0.0.1:8766", true),
            ("localhost:8766", true),
            ("LocalHost:8766", true),
            ("[::1]:8766", true),
            ("192.168.1.7:8766", true),
            ("evil.example:8766", false),
            ("127.0.0.1.evil.example:8766", false),
            ("localhost.evil.example:8766", false),
            ("127.0.0.1:80", false),
            ("127.0.0.1", false),
            ("::1:8766", false),
            ("[::1]", false),
            ("", false),
        ] {
            assert_eq!(is_address(host, 8_766), is_answered, "{host}");
        }
        assert!(is_address("127.0.0.1", 80));
    }

    #[test]
    fn another_page_in_the_same_browser_chooses_nothing() {
        let refused = |method: Method, origin: Option<&'static str>| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, HeaderValue::from_static("localhost:8766"));
            if let Some(origin) = origin {
                headers.insert(header::ORIGIN, HeaderValue::from_static(origin));
            }
            refusal(&method, &headers, 8_766).is_some()
        };
        assert!(!refused(Method::POST, Some("http://localhost:8766")));
        assert!(refused(Method::POST, Some("http://evil.example")));
        assert!(refused(Method::POST, Some("http://localhost:9000")));
        assert!(refused(Method::POST, Some("null")));
        assert!(refused(Method::POST, None));
        assert!(!refused(Method::GET, None));
        assert!(refused(Method::GET, Some("http://evil.example")));
    }
}
