//! A program that does the work of a stage.

use crate::scenario::problem::{Problem, Table};

/// A program and its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// The path of the program, or its name in the search path.
    pub program: String,
    /// The arguments that it is started with.
    pub arguments: Vec<String>,
}

impl Program {
    pub(super) fn parse(command: Option<&[String]>, at: Table<'_>) -> Result<Program, Problem> {
        match command {
            Some([program, arguments @ ..]) => Ok(Program {
                program: program.clone(),
                arguments: arguments.to_vec(),
            }),
            _ => Err(at.problem(
                "command",
                "the engine \"command\" needs a program: command = [\"program\", \"argument\"]",
            )),
        }
    }
}
