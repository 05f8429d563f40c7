//! Keys of a table that belong to one engine alone.

use crate::scenario::problem::{Problem, Table};

/// The engine that a key belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Owner {
    /// The key is about the program that is run.
    Command,
    /// The key is about a latency that is drawn.
    Simulated,
    /// The key is about something else that is drawn for a simulated answer.
    Luck,
    /// The key is about a server.
    Openai,
    /// The key is about a server with which a conversation is held.
    Realtime,
    /// The key is about the language that is spoken.
    Language,
    /// The key is about waiting for a server or a program.
    Patience,
}

/// A key, and whether it is in the table.
pub(super) struct Given {
    owner: Owner,
    key: &'static str,
    is_given: bool,
}

impl Given {
    pub(super) fn of<T>(owner: Owner, key: &'static str, value: &Option<T>) -> Given {
        Given::if_so(owner, key, value.is_some())
    }

    pub(super) fn if_so(owner: Owner, key: &'static str, is_given: bool) -> Given {
        Given {
            owner,
            key,
            is_given,
        }
    }
}

/// Refuses keys that only another engine has.
pub(super) fn refuse_foreign(
    given: impl IntoIterator<Item = Given>,
    own: &[Owner],
    engine: &str,
    at: Table<'_>,
) -> Result<(), Problem> {
    let is_foreign = |given: &Given| given.is_given && !own.contains(&given.owner);
    let Some(Given { owner, key, .. }) = given.into_iter().find(is_foreign) else {
        return Ok(());
    };
    let (who, or) = match owner {
        Owner::Command => (
            "only the engine \"command\" runs a program",
            "set engine = \"command\" or ",
        ),
        Owner::Simulated => (
            "only the engine \"simulated\" has a latency model",
            "set engine = \"simulated\" or ",
        ),
        Owner::Luck => ("only the engine \"simulated\" has this", ""),
        Owner::Openai => (
            "only the engine \"openai\" asks a server",
            "set engine = \"openai\" or ",
        ),
        Owner::Realtime => (
            "only the engine \"realtime\" holds a conversation with a server",
            "set engine = \"realtime\" or ",
        ),
        Owner::Language => (
            "only the engines \"whisper\" and \"openai\" are told the language",
            "",
        ),
        Owner::Patience => (
            "only the engines \"openai\" and \"command\" have somebody to wait for",
            "",
        ),
    };
    let fix = format!("{who}, this stage has {engine:?}; {or}take the key away");
    Err(at.problem(key, fix))
}
