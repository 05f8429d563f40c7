//! Answers of a language model.
//!
//! Each piece is handed on as it comes. Dropping the work closes the connection, so that the server stops
//! writing; on a virtual clock it has written to its end by then.

use super::prompt;
use super::server::Server;
use super::stream::{Written, written};
use super::{gone, reach, too_slow};
use crate::clock::{Answered, Clock, Patience};
use crate::engine::build::Purpose;
use crate::engine::quiet::wants_no_answer;
#[cfg(feature = "retrieval")]
use crate::engine::retrieval;
use crate::engine::{Built, EngineError};
use crate::event::{Cost, Tokens, nanos};
use crate::scenario::engine::{Api, LanguageModel, Passages};
use crate::stage::{self, Outlet, Piece, Question, Stage, StageError, Work};
use std::time::Duration;

struct Answer {
    server: Server,
    asked: LanguageModel,
    patience: Patience,
    documents: Documents,
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
            let body = prompt::body(&self.asked, &question, &passages);
            let request = self.server.post().json(&body);
            out.begun();
            let mut answer = self.server.ask(request, self.patience, written);
            let mut writing = Writing::default();
            loop {
                match answer.next().await {
                    Some(Answered::Item(after, item)) => {
                        if let Some(piece) = writing.took(after, item?) {
                            out.send(piece).await?;
                        }
                    }
                    Some(Answered::Done(cost)) => {
                        out.cost(Cost {
                            tokens: writing.tokens(),
                            ..cost
                        });
                        return Ok(());
                    }
                    Some(Answered::TimedOut(silence)) => {
                        let keys = [
                            "first_token_timeout_ms",
                            "between_tokens_timeout_ms",
                            "timeout_ms",
                        ];
                        return Err(too_slow(&self.server, silence, keys));
                    }
                    None => return Err(gone()),
                }
            }
        })
    }
}

/// What was written so far, and when.
#[derive(Default)]
struct Writing {
    /// When the first piece came and when the latest, since the request.
    pieces: Option<(Duration, Duration)>,
    pieces_count: u32,
    usage: Option<(u32, Option<u32>)>,
}

impl Writing {
    fn took(&mut self, after: Duration, written: Written) -> Option<Piece> {
        match written {
            Written::Piece(text) => {
                let (first, _) = self.pieces.unwrap_or((after, after));
                self.pieces = Some((first, after));
                self.pieces_count = self.pieces_count.saturating_add(1);
                Some(Piece(text.into()))
            }
            Written::Usage { written, read } => {
                self.usage = Some((written, read));
                None
            }
        }
    }

    fn tokens(&self) -> Option<Tokens> {
        let (first, last) = self.pieces?;
        let (written, read) = self.usage.unwrap_or((self.pieces_count, None));
        Some(Tokens {
            written,
            read,
            writing_ns: nanos(last - first),
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
