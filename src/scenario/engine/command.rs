//! A program that does the work of a stage.

use super::AnswerTable;
use super::openai::timeout;
use crate::scenario::problem::{Problem, Table};
use std::time::Duration;

/// A program and its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// The path of the program, or its name in the search path.
    pub program: String,
    /// The arguments that it is started with.
    pub arguments: Vec<String>,
    /// The longest time from a request to the first line of its answer.
    pub first_timeout: Duration,
    /// The longest time from one line to the next.
    pub next_timeout: Duration,
    /// The longest time from a request to its end.
    pub timeout: Duration,
}

/// The longest silence of a program unless another is given: it may load a model first.
const SILENCE_MS: u64 = 30_000;
/// The longest time from one line to the next in an answer unless another is given.
const BETWEEN_MS: u64 = 5_000;
/// The longest time for all of an answer unless another is given.
const ANSWER_MS: u64 = 60_000;

impl Program {
    /// A program that answers, piece by piece.
    pub(super) fn answering(answer: &AnswerTable, at: Table<'_>) -> Result<Program, Problem> {
        let wait = |key, given, otherwise_ms| timeout(key, given, otherwise_ms, at);
        let timeouts = [
            wait(
                "first_token_timeout_ms",
                answer.first_token_timeout_ms,
                SILENCE_MS,
            )?,
            wait(
                "between_tokens_timeout_ms",
                answer.between_tokens_timeout_ms,
                BETWEEN_MS,
            )?,
            wait("timeout_ms", answer.timeout_ms, ANSWER_MS)?,
        ];
        Program::of(answer.command.as_deref(), timeouts, at)
    }

    /// A program that recognises or speaks: all of its work has one bound.
    pub(super) fn bounded(
        command: Option<&[String]>,
        timeout_ms: Option<u64>,
        at: Table<'_>,
    ) -> Result<Program, Problem> {
        let all = timeout("timeout_ms", timeout_ms, SILENCE_MS, at)?;
        Program::of(command, [all; 3], at)
    }

    fn of(
        command: Option<&[String]>,
        [first_timeout, next_timeout, timeout]: [Duration; 3],
        at: Table<'_>,
    ) -> Result<Program, Problem> {
        match command {
            Some([program, arguments @ ..]) => Ok(Program {
                program: program.clone(),
                arguments: arguments.to_vec(),
                first_timeout,
                next_timeout,
                timeout,
            }),
            _ => Err(at.problem(
                "command",
                "the engine \"command\" needs a program: command = [\"program\", \"argument\"]",
            )),
        }
    }
}
