//! Prompts -> what a language model writes: no conversation, only its text.

use super::{RunError, unavailable};
use crate::clock::Clock;
use crate::engine;
use crate::event::{SessionId, StageName, TurnId};
use crate::record::tap::Tap;
use crate::scenario::Scenario;
use crate::stage::queue;
use crate::stage::{self, Identified, Outlet, Piece, Question, StageError};
use std::rc::Rc;

/// The most that anybody wants to read; a model that writes on is cut off.
const CHARS_MAX: usize = 40_000;

/// A language model that is asked outside a conversation, in real time.
pub struct Writer {
    answer: stage::Answer,
    clock: Clock,
}

impl Writer {
    /// The model of the scenario's `[answer]`; no recogniser and no voice is loaded.
    ///
    /// # Errors
    /// A model that cannot be reached, or settings that make no sense.
    pub fn of(scenario: &Scenario) -> Result<Writer, RunError> {
        let clock = Clock::real(scenario.cores());
        let answer = engine::answer(scenario, &clock)?;
        Ok(Writer { answer, clock })
    }

    /// The text that the model writes to a prompt, without any history.
    ///
    /// # Errors
    /// A model that fails, or cannot be reached.
    pub fn write(&mut self, prompt: &str) -> Result<String, RunError> {
        let clock = self.clock.clone();
        clock.block_on(self.written(prompt)).map_err(unavailable)?
    }

    async fn written(&mut self, prompt: &str) -> Result<String, RunError> {
        let (sender, mut pieces) = queue::channel::<Piece>(crate::stage::OUTPUTS_WAITING_MAX);
        let question = Question {
            text: prompt.into(),
            history: Rc::default(),
            interrupts: false,
        };
        // Nothing of it is a conversation, so nothing is recorded.
        let tap = Tap::new(self.clock.clone(), SessionId(0), None);
        let visit = tap.visit(TurnId(0), StageName::Answer, question.identity());
        let mut outlet = Outlet::new(visit, sender);
        let answer = &mut self.answer;
        let work = async move {
            let result = answer.handle(question, &mut outlet).await;
            outlet.close(&result);
            result
        };
        let mut text = String::new();
        let collect = async {
            while let Some(piece) = pieces.recv().await {
                let room = CHARS_MAX.saturating_sub(text.len());
                text.extend(piece.0.chars().take(room));
            }
        };
        let (result, ()): (Result<(), StageError>, ()) = tokio::join!(biased; work, collect);
        result.map_err(unavailable)?;
        Ok(text)
    }
}
