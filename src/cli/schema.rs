//! `voicesim schema`: the JSON Schema of a file that people write, for editors.

use super::{Failure, Verdict, print_json};
use crate::scenario;
use clap::{Args, ValueEnum};

#[derive(Debug, Args)]
pub(super) struct Schema {
    /// Kind of file
    #[arg(value_enum, default_value = "scenario")]
    of: Of,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Of {
    /// What `run` and `simulate` take
    Scenario,
    /// What --budget takes
    Budget,
}

impl Schema {
    pub(super) fn run(self) -> Result<Verdict, Failure> {
        print_json(&match self.of {
            Of::Scenario => scenario::scenario_schema(),
            Of::Budget => scenario::budget_schema(),
        })?;
        Ok(Verdict::Fine)
    }
}
