//! Traces and call logs of agents that other programs run, as conversations of ours.
//!
//! ```text
//! file -> spans, or records of a log -> Call (a conversation as it is told) -> events of a run folder
//! ```
//!
//! What comes out is a run folder like any other. Nothing is made up: where a trace has only a total, only the total is
//! there; parts that do not add up are kept as they are; and what no part explains is a hop of its own. What is wrong in
//! a file, or cannot be used, is counted and named.

mod conversation;
mod events;
mod genai;
mod livekit;
mod mapping;
mod own;
mod pipecat;
mod problems;
mod record;
mod source;
mod spans;
mod table;
#[cfg(test)]
mod test_mutated;

pub use conversation::Pause;
pub use mapping::Table;
pub use problems::{Cases, Problem, Problems};
pub use record::ImportRecord;
pub use source::Format;

use conversation::Call;
use mapping::Mapping;
use spans::{Conversation, Span, Spans};
use std::collections::{BTreeMap, HashSet};
use std::io;
use std::path::Path;

/// Why a file cannot be imported.
#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    /// It cannot be read.
    #[error("cannot be read: {0}")]
    Read(io::Error),
    /// It is not what it seems, or asked to be.
    #[error("{0}")]
    Wrong(String),
    /// Nobody knows its format.
    #[error(
        "is no trace or call log that is known; name its format with --format ({}), or say which field is what with --map FILE: voicesim guide traces",
        Format::names().join(", ")
    )]
    Unknown,
    /// It has too many spans for memory.
    #[error("has more than {max} spans of conversations; split it by time and import the parts")]
    TooMany {
        /// How many are read.
        max: usize,
    },
}

/// Conversations that were imported, and what was wrong with them.
#[derive(Debug, Default)]
pub struct Imported {
    calls: Vec<Call>,
    /// Their names.
    names: HashSet<String>,
    /// Percentiles of calls without turns.
    pub tables: Vec<Table>,
    /// What says nothing of latency, by name, and how often it occurred.
    pub passed_over: BTreeMap<String, u64>,
    /// What is wrong.
    pub problems: Problems,
    /// What the files were taken for, and on what that rests.
    pub formats: BTreeMap<String, String>,
}

/// How to read files.
#[derive(Debug, Default)]
pub struct How {
    format: Option<Format>,
    map: Option<Mapping>,
}

impl How {
    /// As the file itself says, or in this format.
    pub fn of(format: Option<Format>) -> How {
        How { format, map: None }
    }

    /// By a mapping of one's own, whose text says what is wrong with it if it cannot be read.
    ///
    /// # Errors
    /// Fails if it is no mapping.
    pub fn mapped(format: Option<Format>, path: &Path) -> Result<How, String> {
        Ok(How {
            format,
            map: Some(Mapping::read(path)?),
        })
    }
}

impl Imported {
    /// Reads a file, and adds what is in it. `progress` is told the bytes that were read, and of how many.
    ///
    /// # Errors
    /// Fails if it is no trace that is known, or cannot be read; then nothing of it is added.
    pub fn add(
        &mut self,
        path: &Path,
        how: &How,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<(), TraceError> {
        let one = source::read(path, how, progress)?;
        for call in one.calls {
            self.take(call);
        }
        self.tables.extend(one.tables);
        for (name, count) in one.passed_over {
            *self.passed_over.entry(name).or_default() += count;
        }
        self.problems.merge(&one.problems);
        self.formats.extend(one.formats);
        Ok(())
    }

    /// Conversations have names of their own: a name that is taken gets a number.
    fn take(&mut self, mut call: Call) {
        let own = call.name.clone();
        let mut number = 2;
        while !self.names.insert(call.name.clone()) {
            call.name = format!("{own}-{number}");
            number += 1;
        }
        self.calls.push(call);
    }

    /// How many conversations there are.
    pub fn len(&self) -> usize {
        self.calls.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    /// How many turns there are.
    pub fn turns(&self) -> usize {
        self.calls.iter().map(|call| call.turns.len()).sum()
    }

    /// How callers paused.
    pub fn pauses(&self) -> Vec<Pause> {
        let pauses = self.calls.iter().flat_map(|call| call.pauses.iter());
        pauses.cloned().collect()
    }

    /// The name of a conversation, whose it is, and whether the places of its turns are made up.
    pub fn described(&self, index: usize) -> Option<(&str, &str, bool)> {
        let call = self.calls.get(index)?;
        Some((&call.name, &call.platform, events::has_no_times(call)))
    }

    /// When a conversation began, in nanoseconds since 1970, if that is known.
    pub fn began_ns(&self, index: usize) -> Option<u64> {
        self.calls.get(index)?.start_ns
    }

    /// Writes the events of a conversation into a run folder.
    ///
    /// # Errors
    /// Fails if they cannot be written.
    pub fn write(&self, index: usize, folder: crate::record::store::RunFolder) -> io::Result<()> {
        match self.calls.get(index) {
            Some(call) => events::write(call, folder),
            None => Ok(()),
        }
    }
}

/// Whether a span says anything of latency, whoever wrote it.
fn is_kept(span: &Span) -> bool {
    livekit::NAMES.contains(&span.name.as_str())
        || pipecat::is_kept(span)
        || own::is_kept(span)
        || genai::is_kept(span)
}

/// The conversations that spans tell of.
fn of_spans(mut spans: Spans) -> Imported {
    let passed_over = std::mem::take(&mut spans.passed_over);
    let (conversations, problems) = spans::conversations(spans);
    let mut imported = Imported {
        passed_over,
        problems,
        ..Imported::default()
    };
    for conversation in conversations {
        let Some(call) = of_conversation(&conversation, &mut imported) else {
            let count = conversation.spans.len() as u64;
            let name = "(spans of no conversation)".to_owned();
            *imported.passed_over.entry(name).or_default() += count;
            continue;
        };
        imported.calls.push(call);
    }
    imported
}

fn of_conversation(conversation: &Conversation, imported: &mut Imported) -> Option<Call> {
    let problems = &mut imported.problems;
    let (call, of, made) = if own::is_one(conversation) {
        (own::call(conversation), "voicesim", "its own")
    } else if livekit::is_one(conversation) {
        let call = livekit::call(conversation, problems);
        (call, "livekit", "tried on what livekit-agents 1.8 writes")
    } else if pipecat::is_one(conversation) {
        let call = pipecat::call(conversation, problems);
        (call, "pipecat", "tried on what pipecat 1.14 writes")
    } else if genai::is_one(conversation) {
        let call = genai::call(conversation, problems);
        (call, "gen_ai", "from published field names")
    } else {
        return None;
    };
    imported
        .formats
        .insert(format!("spans of {of}"), made.into());
    (!call.turns.is_empty() || !call.unasked.is_empty()).then_some(call)
}
