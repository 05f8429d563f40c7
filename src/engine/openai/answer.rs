//! Answers of a language model.
//!
//! Each piece is handed on as it comes. Dropping the work closes the connection, so that the server stops
//! writing; on a virtual clock it has written to its end by then. A server that refuses a key which it could do
//! without is asked again without it, and from then on.

use super::prompt::{self, Spared};
use super::server::Server;
use super::stream::{Written, written};
use super::{broken_off, reach};
use crate::clock::{Answered, Clock, Patience};
use crate::credentials::Masking;
use crate::engine::build::Purpose;
use crate::engine::quiet::wants_no_answer;
#[cfg(feature = "retrieval")]
use crate::engine::retrieval;
use crate::engine::{Built, EngineError};
use crate::event::{Cost, Remark, Remarks, Tokens, nanos};
use crate::scenario::engine::{Api, LanguageModel, Passages};
use crate::stage::{self, Again, Outlet, Piece, Question, Stage, StageError, Work};
use std::time::Duration;

const TIMEOUT_KEYS: [&str; 3] = [
    "first_token_timeout_ms",
    "between_tokens_timeout_ms",
    "timeout_ms",
];

struct Answer {
    server: Server,
    asked: LanguageModel,
    patience: Patience,
    documents: Documents,
    /// Keys of requests that the server refused.
    spared: Vec<Spared>,
    /// What the log was told of answers.
    told: Remarks,
}

pub(in crate::engine) fn build(
    asked: &LanguageModel,
    at: Purpose<'_>,
) -> Result<Built<stage::Answer>, EngineError> {
    let documents = Documents::of(asked.passages.as_ref(), at.clock)?;
    let path = match asked.api {
        Api::Chat => "/chat/completions",
        Api::Completions => "/completions",
    };
    let reached = reach(&asked.server, "answer", path, at)?;
    let patience = Patience {
        first: asked.first_token_timeout,
        next: asked.between_tokens_timeout,
        all: asked.timeout,
    };
    Ok(reached.built(
        |server| {
            Box::new(Answer {
                server,
                asked: asked.clone(),
                patience,
                documents,
                spared: Vec::new(),
                told: Remarks::default(),
            }) as stage::Answer
        },
        "language model",
    ))
}

impl Stage for Answer {
    type In = Question;
    type Out = Piece;

    fn handle<'a>(&'a mut self, question: Question, out: &'a mut Outlet<Piece>) -> Work<'a> {
        Box::pin(async move {
            if question.interrupts && wants_no_answer(&question.text) {
                out.begun();
                return Ok(());
            }
            let passages = self.documents.passages(&question, out).await?;
            let mut body = prompt::body(&self.asked, &question, &passages);
            self.spared.iter().for_each(|key| key.spare(&mut body));
            let mut writing = Writing::default();
            out.begun();
            loop {
                let error = match self.ask(&body, &mut writing, out).await {
                    Ok(()) => {
                        self.tell(writing.remarks);
                        return Ok(());
                    }
                    Err(error) => error,
                };
                let Some(key) = refused_key(&error, &body) else {
                    return Err(error);
                };
                tracing::warn!("{error}; it is asked again {}", key.told());
                key.spare(&mut body);
                self.spared.push(key);
                writing.remarks.add(Remark::AskedAgain);
            }
        })
    }
}

/// The key of a request that a server refused and can be asked without.
fn refused_key(error: &StageError, body: &serde_json::Value) -> Option<Spared> {
    match error {
        StageError::Refused {
            error,
            again: Again::Never,
        } => Spared::of(error, body),
        _ => None,
    }
}

impl Answer {
    /// Tells the log what was odd about an answer, each kind of it once: the record has every answer's.
    fn tell(&mut self, remarks: Remarks) {
        // These were told when they were met.
        let told = [Remark::Skipped, Remark::AskedAgain];
        for remark in remarks.iter().filter(|remark| !told.contains(remark)) {
            if !self.told.has(remark) {
                self.told.add(remark);
                tracing::warn!("the server at {}: {}", self.server.base(), remark.told());
            }
        }
    }

    async fn ask(
        &self,
        body: &serde_json::Value,
        writing: &mut Writing,
        out: &mut Outlet<Piece>,
    ) -> Result<(), StageError> {
        let request = self.server.post().json(body);
        let mut answer = self.server.ask(request, self.patience, written);
        // A model that is told a key, or a server that has it, may say it: answers are kept.
        let mut masking = self.server.masking();
        loop {
            match answer.next().await {
                Some(Answered::Item(after, item)) => {
                    if let Some(Piece(text)) = writing.took(after, item?) {
                        let text = masking.push(&text);
                        if !text.is_empty() {
                            out.send(Piece(text.into())).await?;
                        }
                    }
                }
                Some(Answered::Done(cost)) => {
                    finish(&mut masking, out).await?;
                    out.cost(writing.cost(cost));
                    return Ok(());
                }
                // What was to follow was no part of the answer.
                Some(Answered::TimedOut(_)) if writing.has_ended => {
                    finish(&mut masking, out).await?;
                    out.cost(writing.cost(Cost::default()));
                    return Ok(());
                }
                other => return Err(broken_off(&self.server, other, TIMEOUT_KEYS)),
            }
        }
    }
}

/// Hands on what waited to be told from a key.
async fn finish(masking: &mut Masking, out: &mut Outlet<Piece>) -> Result<(), StageError> {
    match masking.rest() {
        rest if rest.is_empty() => Ok(()),
        rest => out.send(Piece(rest.into())).await,
    }
}

/// What was written so far, and when.
#[derive(Default)]
struct Writing {
    /// When the first piece came and when the latest, since the request.
    pieces: Option<(Duration, Duration)>,
    pieces_count: u32,
    /// When the model began to think aloud, since the request.
    reasoned: Option<Duration>,
    usage: Option<(u32, Option<u32>)>,
    remarks: Remarks,
    /// Whether the server has said that the answer is at its end.
    has_ended: bool,
}

impl Writing {
    fn took(&mut self, after: Duration, written: Written) -> Option<Piece> {
        match written {
            Written::Text(text) => {
                let (first, _) = self.pieces.unwrap_or((after, after));
                self.pieces = Some((first, after));
                self.pieces_count = self.pieces_count.saturating_add(1);
                Some(Piece(text.into()))
            }
            Written::Usage { written, read } => {
                self.usage = Some((written, read));
                None
            }
            Written::Reasoning(_) => {
                self.reasoned.get_or_insert(after);
                None
            }
            Written::Ended(remarks) => {
                self.remarks = self.remarks.plus(remarks);
                self.has_ended = true;
                None
            }
        }
    }

    fn cost(&self, cost: Cost) -> Cost {
        Cost {
            tokens: self.tokens(),
            remarks: self.remarks,
            ..cost
        }
    }

    fn tokens(&self) -> Option<Tokens> {
        let (first, last) = self.pieces?;
        let (written, read) = self.usage.unwrap_or((self.pieces_count, None));
        Some(Tokens {
            written,
            read,
            writing_ns: nanos(last - first),
            // What comes whole does not tell how long any of it took.
            reasoning_ns: self
                .reasoned
                .filter(|_| !self.remarks.has(Remark::NotStreamed))
                .map(|since| nanos(first.saturating_sub(since))),
        })
    }
}

/// Where the passages that go along with a question come from, and how many; `None` if none do.
#[cfg(feature = "retrieval")]
struct Documents(Option<(crate::clock::Worker<crate::knowledge::Knowledge>, usize)>);

#[cfg(feature = "retrieval")]
impl Documents {
    fn of(asked: Option<&Passages>, clock: &Clock) -> Result<Documents, EngineError> {
        let Some(Passages { documents, count }) = asked else {
            return Ok(Documents(None));
        };
        let (worker, _) = retrieval::worker_over(documents, clock)?;
        Ok(Documents(Some((worker, *count))))
    }

    async fn passages(
        &self,
        question: &Question,
        out: &mut Outlet<Piece>,
    ) -> Result<Vec<String>, StageError> {
        let Some((worker, most)) = &self.0 else {
            return Ok(Vec::new());
        };
        let (text, most) = (question.text.clone(), *most);
        let earlier = question.earlier(retrieval::EARLIER_MAX);
        out.compute(worker, 1, move |knowledge, _| {
            let earlier: Vec<&str> = earlier.iter().map(|question| &**question).collect();
            knowledge.best_passages(&text, &earlier, most)
        })
        .await
    }
}

#[cfg(not(feature = "retrieval"))]
struct Documents;

#[cfg(not(feature = "retrieval"))]
impl Documents {
    fn of(asked: Option<&Passages>, _: &Clock) -> Result<Documents, EngineError> {
        match asked {
            None => Ok(Documents),
            Some(_) => Err(EngineError::Unavailable(
                "answer.passages: this build of voicesim searches no documents; build it with: cargo build --release --features retrieval".into(),
            )),
        }
    }

    async fn passages(
        &self,
        _: &Question,
        _: &mut Outlet<Piece>,
    ) -> Result<Vec<String>, StageError> {
        Ok(Vec::new())
    }
}
