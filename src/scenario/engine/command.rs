//! A program that does the work of a stage.

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

/// How long a program may take, as it is written.
pub(super) struct Waits {
    pub(super) first_token_timeout_ms: Option<u64>,
    pub(super) between_tokens_timeout_ms: Option<u64>,
    pub(super) timeout_ms: Option<u64>,
    /// The longest time from one line to the next unless it is given.
    pub(super) between_otherwise_ms: u64,
    /// The longest time for all of an answer unless it is given.
    pub(super) otherwise_ms: u64,
}

/// The longest silence of a program unless another is given: it may load a model first.
const SILENCE_MS: u64 = 30_000;

impl Program {
    pub(super) fn parse(
        command: Option<&[String]>,
        waits: &Waits,
        at: Table<'_>,
    ) -> Result<Program, Problem> {
        match command {
            Some([program, arguments @ ..]) => Ok(Program {
                program: program.clone(),
                arguments: arguments.to_vec(),
                first_timeout: timeout(
                    "first_token_timeout_ms",
                    waits.first_token_timeout_ms,
                    SILENCE_MS,
                    at,
                )?,
                next_timeout: timeout(
                    "between_tokens_timeout_ms",
                    waits.between_tokens_timeout_ms,
                    waits.between_otherwise_ms,
                    at,
                )?,
                timeout: timeout("timeout_ms", waits.timeout_ms, waits.otherwise_ms, at)?,
            }),
            _ => Err(at.problem(
                "command",
                "the engine \"command\" needs a program: command = [\"program\", \"argument\"]",
            )),
        }
    }
}
