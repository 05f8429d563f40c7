//! The engines that answer.

use super::owner::{Given, Owner, refuse_foreign};
use super::server::ServerKeys;
use super::{
    AnswerTable, Documents, Engine, EngineTable, LanguageModel, Program, SimulatedAnswer, openai,
    unknown,
};
use crate::scenario::problem::{Problem, Table};

/// Every engine of this stage, by its name in scenarios.
pub(super) const NAMES: [&str; 4] = ["retrieval", "openai", "command", "simulated"];

/// What answers.
#[derive(Debug, Clone, PartialEq)]
pub enum Answerer {
    /// The passage of some documents that fits the question.
    Retrieval(Documents),
    /// A language model on a server that speaks OpenAI's API, which is asked `votes` times at once.
    Openai {
        /// The model and how it is asked.
        model: Box<LanguageModel>,
        /// How many answers are made at once, an odd number; 1 for no vote.
        votes: u32,
    },
    /// A program, of which `votes` run at once.
    Command {
        /// The program.
        program: Program,
        /// How many answers are made at once, an odd number; 1 for no vote.
        votes: u32,
    },
    /// A simulated engine, which takes its time and says what the scenario has it say.
    Simulated(SimulatedAnswer),
}

impl Engine for Answerer {
    fn name(&self) -> &'static str {
        match self {
            Answerer::Retrieval(_) => "retrieval",
            Answerer::Openai { .. } => "openai",
            Answerer::Command { .. } => "command",
            Answerer::Simulated(_) => "simulated",
        }
    }

    fn is_simulated(&self) -> bool {
        matches!(self, Answerer::Simulated(_))
    }

    fn computes_here(&self) -> bool {
        matches!(self, Answerer::Retrieval(_))
    }
}

impl EngineTable for AnswerTable {
    type Engine = Answerer;

    fn parse(&self, at: Table<'_>) -> Result<Answerer, Problem> {
        let documents = Documents::parse(self, at)?;
        let engine = match self.engine.as_str() {
            "retrieval" => Answerer::Retrieval(documents),
            "openai" => Answerer::Openai {
                model: Box::new(openai::language_model(self, documents, at)?),
                votes: self.best_of,
            },
            "command" => Answerer::Command {
                program: Program::answering(self, at)?,
                votes: self.best_of,
            },
            "simulated" => Answerer::Simulated(SimulatedAnswer::parse(self, at)?),
            other => return Err(unknown(other, &NAMES, at)),
        };
        let own = [
            Given::of(Owner::Command, "command", &self.command),
            Given::of(Owner::Simulated, "latency", &self.latency),
            Given::of(Owner::Simulated, "compute", &self.compute),
            Given::of(Owner::Openai, "model", &self.model),
            Given::of(Owner::Openai, "api", &self.api),
            Given::of(Owner::Openai, "system", &self.system),
            Given::of(Owner::Openai, "temperature", &self.temperature),
            Given::of(Owner::Openai, "top_p", &self.top_p),
            Given::of(Owner::Openai, "max_tokens", &self.max_tokens),
            Given::of(Owner::Openai, "stop", &self.stop),
            Given::of(Owner::Openai, "passages", &self.passages),
            Given::of(Owner::Openai, "history_turns_max", &self.history_turns_max),
            Given::of(
                Owner::Patience,
                "first_token_timeout_ms",
                &self.first_token_timeout_ms,
            ),
            Given::of(
                Owner::Patience,
                "between_tokens_timeout_ms",
                &self.between_tokens_timeout_ms,
            ),
            Given::of(Owner::Patience, "timeout_ms", &self.timeout_ms),
            Given::if_so(Owner::Simulated, "texts", !self.texts.is_empty()),
            Given::if_so(Owner::Luck, "accuracy", self.accuracy != 1.0),
            Given::if_so(Owner::Luck, "token_ms", self.token_ms != 0.0),
        ];
        let owners: &[Owner] = match engine {
            Answerer::Retrieval(_) => &[],
            Answerer::Openai { .. } => &[Owner::Openai, Owner::Patience],
            Answerer::Command { .. } => &[Owner::Command, Owner::Patience],
            Answerer::Simulated(_) => &[Owner::Simulated, Owner::Luck],
        };
        let given = ServerKeys::from(self).given().into_iter().chain(own);
        refuse_foreign(given, owners, engine.name(), at)?;
        if let Answerer::Retrieval(_) = engine
            && self.best_of != 1
        {
            let fix = "the engine \"retrieval\" answers the same every time, so there is nothing to vote on; take the key away";
            return Err(at.problem("best_of", fix));
        }
        if !(1..=VOTES_MAX).contains(&self.best_of) || self.best_of.is_multiple_of(2) {
            let fix = format!(
                "{}; give an odd number up to {VOTES_MAX}, so that every vote has a majority",
                self.best_of
            );
            return Err(at.problem("best_of", fix));
        }
        Ok(engine)
    }
}

/// More samples make no vote better.
const VOTES_MAX: u32 = 99;
