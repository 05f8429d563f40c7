//! `voicesim index`: prepare documents to answer from, search them, and judge how well questions are answered.

mod ask;
mod build;
mod eval;
mod search;

use super::{Failure, Verdict, examples};
use crate::knowledge::{self, Knowledge, Preparation, Step};
use clap::{Args, Subcommand};
use std::path::Path;

const SCHEMA: &str = "voicesim.index/1";

#[derive(Debug, Args)]
pub(super) struct Index {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Prepare a folder of documents once, to be opened in a moment: --docs INDEX, or [answer] index = "INDEX"
    #[command(after_help = examples::INDEX_BUILD)]
    Build(build::Build),
    /// Have a language model make up what callers may ask of each section; it is kept beside the documents
    #[command(after_help = examples::INDEX_ASK)]
    Ask(ask::Ask),
    /// Search for a question: what would be answered, from which passages, and why these
    #[command(after_help = examples::INDEX_SEARCH)]
    Search(search::Search),
    /// Ask questions whose answers are known, and measure what each step of the preparation is worth
    #[command(after_help = examples::INDEX_EVAL)]
    Eval(eval::Eval),
}

impl Index {
    pub(super) fn run(self, is_quiet: bool) -> Result<Verdict, Failure> {
        match self.command {
            Command::Build(command) => command.run(),
            Command::Ask(command) => command.run(is_quiet),
            Command::Search(command) => command.run(),
            Command::Eval(command) => command.run(is_quiet),
        }
    }
}

/// How documents are prepared.
#[derive(Debug, Args)]
#[command(next_help_heading = "Preparation")]
struct Preparing {
    /// The most characters of a passage; a passage never crosses a heading
    #[arg(long, value_name = "N")]
    chunk_chars: Option<usize>,
    /// How many characters of the passage before it a passage may repeat
    #[arg(long, value_name = "N")]
    overlap_chars: Option<usize>,
    /// Steps of the preparation to leave out
    #[arg(long, value_enum, value_delimiter = ',', value_name = "STEP")]
    without: Vec<Step>,
    /// The confidence below which the answer is that nothing is known, 0 to 1
    #[arg(long, value_name = "P")]
    threshold: Option<f64>,
}

impl Preparing {
    fn preparation(&self) -> Result<Preparation, Failure> {
        let usual = Preparation::default();
        let preparation = Preparation {
            chunk_chars_max: self.chunk_chars.unwrap_or(usual.chunk_chars_max),
            overlap_chars: self.overlap_chars.unwrap_or(usual.overlap_chars),
            threshold: self.threshold.unwrap_or(usual.threshold),
            ..usual
        }
        .without(&self.without);
        match preparation.fault() {
            None => Ok(preparation),
            Some(fault) => Err(Failure::Input(format!(
                "{fault}: --chunk-chars, --overlap-chars or --threshold"
            ))),
        }
    }

    /// Refuses these flags for an index, which was prepared when it was built.
    fn check_unused(&self, index: &Path) -> Result<(), Failure> {
        let is_unused = self.chunk_chars.is_none()
            && self.overlap_chars.is_none()
            && self.threshold.is_none()
            && self.without.is_empty();
        match is_unused {
            true => Ok(()),
            false => Err(Failure::Input(format!(
                "{} was prepared when it was built; name the folder of documents to prepare them otherwise, or take --chunk-chars, --overlap-chars, --threshold and --without away",
                index.display()
            ))),
        }
    }
}

fn open(source: &Path, preparing: &Preparing) -> Result<Knowledge, Failure> {
    let knowledge = match knowledge::is_index(source) {
        true => {
            preparing.check_unused(source)?;
            Knowledge::open(source)
        }
        false => Knowledge::of_folder(source, preparing.preparation()?),
    };
    knowledge.map_err(Failure::input)
}
