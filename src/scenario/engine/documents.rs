//! What answers are looked up in.

use super::AnswerTable;
use crate::scenario::problem::{Problem, Table};
use std::path::PathBuf;

/// Where passages come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Documents {
    /// The knowledge that voicesim comes with.
    BuiltIn,
    /// A folder of Markdown or text, or one with an index in it.
    Folder(PathBuf),
    /// A folder that `voicesim index build` made.
    Index(PathBuf),
}

impl Documents {
    pub(super) fn parse(answer: &AnswerTable, at: Table<'_>) -> Result<Documents, Problem> {
        match (&answer.docs, &answer.index) {
            (Some(_), Some(_)) => Err(at.problem(
                "index",
                "answers come from documents or from an index of them; take `docs` or `index` away",
            )),
            (Some(folder), None) => Ok(Documents::Folder(folder.clone())),
            (None, Some(folder)) => Ok(Documents::Index(folder.clone())),
            (None, None) => Ok(Documents::BuiltIn),
        }
    }
}

impl AnswerTable {
    /// The problem with a folder that is named and is not there, if there is one.
    pub(in crate::scenario) fn missing_folder(&self, at: Table<'_>) -> Option<Problem> {
        if let Some(index) = self.index.as_ref().filter(|index| !index.is_dir()) {
            let (named, index) = (crate::files::quoted(index), index.display());
            return Some(at.problem(
                "index",
                format!(
                    "{index} is no folder; build the index with: voicesim index build DIR --out {named}"
                ),
            ));
        }
        let docs = self.docs.as_ref().filter(|docs| !docs.is_dir())?;
        Some(at.problem(
            "docs",
            format!(
                "{} is no folder; name one with Markdown or text files in it, or take the key away to use the built-in knowledge",
                docs.display()
            ),
        ))
    }
}
