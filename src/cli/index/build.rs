//! `voicesim index build`: a folder of documents -> an index folder.

use super::{Preparing, SCHEMA};
use crate::cli::{Failure, Verdict, print_json, print_plain};
use crate::knowledge::{self, Built, Preparation};
use clap::Args;
use serde::Serialize;
use std::path::{Path, PathBuf};

#[derive(Debug, Args)]
pub(super) struct Build {
    /// Documents: a folder of .md and .txt files, subfolders included
    documents: PathBuf,
    /// New folder for the index
    #[arg(long, value_name = "INDEX")]
    out: PathBuf,
    #[command(flatten)]
    preparing: Preparing,
    /// Print what was built as one JSON document
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct BuiltDocument<'a> {
    schema: &'static str,
    out: &'a Path,
    #[serde(flatten)]
    built: Built,
    preparation: &'a Preparation,
}

impl Build {
    pub(super) fn run(self) -> Result<Verdict, Failure> {
        let preparation = self.preparing.preparation()?;
        let built = knowledge::build(&self.documents, preparation.clone(), &self.out);
        let built = built.map_err(Failure::input)?;
        if self.json {
            print_json(&BuiltDocument {
                schema: SCHEMA,
                out: &self.out,
                built,
                preparation: &preparation,
            })?;
        } else {
            print_plain(&format!(
                "{}, {} in {}: {}\nSearch it: voicesim index search {} \"…\"; answer from it: --docs {}\n",
                counted(built.documents, "document"),
                counted(built.passages, "passage"),
                self.out.display(),
                preparation.described(),
                crate::files::quoted(&self.out),
                crate::files::quoted(&self.out),
            ));
        }
        Ok(Verdict::Fine)
    }
}

fn counted(count: usize, what: &str) -> String {
    let many = if count == 1 { "" } else { "s" };
    format!("{count} {what}{many}")
}
