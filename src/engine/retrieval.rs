//! Answers from a folder of documents.

use super::quiet::wants_no_answer;
use super::{Built, EngineError, worker};
use crate::clock::{Clock, Worker};
use crate::knowledge::Knowledge;
use crate::scenario::engine::Documents;
use crate::stage::{Answer, Outlet, Piece, Question, Stage, Work};

/// How many earlier questions are handed on; further back no subject is looked for.
pub const EARLIER_MAX: usize = 4;

struct Retrieval {
    worker: Worker<Knowledge>,
}

pub(super) fn build(documents: &Documents, clock: &Clock) -> Result<Built<Answer>, EngineError> {
    let (worker, origin) = worker_over(documents, clock)?;
    let described = format!("retrieval (tantivy) over {origin}");
    Ok(Built::new(Box::new(Retrieval { worker }), described))
}

/// What an engine looks answers up in.
pub fn knowledge(documents: &Documents) -> Result<Knowledge, EngineError> {
    let knowledge = match documents {
        Documents::Folder(folder) | Documents::Index(folder) => Knowledge::open(folder),
        Documents::BuiltIn => Knowledge::embedded(),
    };
    knowledge.map_err(|error| EngineError::Input(error.to_string()))
}

/// A worker over a folder of documents, an index of one, or the built-in knowledge; and which it is.
pub(super) fn worker_over(
    documents: &Documents,
    clock: &Clock,
) -> Result<(Worker<Knowledge>, String), EngineError> {
    let knowledge = knowledge(documents)?;
    let origin = match documents {
        Documents::Folder(folder) | Documents::Index(folder) => folder.display().to_string(),
        Documents::BuiltIn => "the built-in knowledge".to_owned(),
    };
    // The first search maps pages and fills caches.
    knowledge.answer("warm up", &[]);
    Ok((worker(clock, "retrieval", knowledge)?, origin))
}

impl Stage for Retrieval {
    type In = Question;
    type Out = Piece;

    fn handle<'a>(&'a mut self, question: Question, out: &'a mut Outlet<Piece>) -> Work<'a> {
        let earlier = question.earlier(EARLIER_MAX);
        let is_quiet = question.interrupts && wants_no_answer(&question.text);
        let text = question.text;
        Box::pin(async move {
            if is_quiet {
                out.begun();
                return Ok(());
            }
            // The core is free again before the answer is handed on to a voice that wants it.
            let job = move |knowledge: &mut Knowledge, _| {
                let earlier: Vec<&str> = earlier.iter().map(|text| &**text).collect();
                knowledge.answer(&text, &earlier).text
            };
            let answer = out.compute(&self.worker, 1, job).await?;
            out.send(Piece(answer.into())).await
        })
    }
}
