//! `--clocks`: what it means if the files of two sides differ in length.

use crate::call::{CallError, CallSource, Clocks};
use crate::record::store::FileClocks;
use std::path::PathBuf;

/// Two files, with what is said of their clocks.
///
/// # Errors
/// A file that cannot be read, or that is much longer than the other one although both are said to hold the whole call.
pub(super) fn source(
    caller: PathBuf,
    agent: PathBuf,
    said: Option<FileClocks>,
) -> Result<CallSource, CallError> {
    let clocks = match said {
        Some(FileClocks::Agree) => Clocks::Agree,
        Some(FileClocks::Drift) | None => Clocks::Unknown,
    };
    let source = CallSource::Two {
        caller,
        agent,
        clocks,
    };
    match said {
        Some(FileClocks::Drift) => source.with_one_clock(),
        Some(FileClocks::Agree) | None => Ok(source),
    }
}

/// What was said of the clocks of two files.
pub(super) fn said_of(clocks: Clocks) -> Option<FileClocks> {
    match clocks {
        Clocks::Unknown => None,
        Clocks::Agree => Some(FileClocks::Agree),
        Clocks::Stretched(_) => Some(FileClocks::Drift),
    }
}

/// Reads what `--clocks` says.
///
/// # Errors
/// Anything but `agree` and `drift`.
pub(super) fn parse(said: &str) -> Result<FileClocks, String> {
    match said {
        "agree" => Ok(FileClocks::Agree),
        "drift" => Ok(FileClocks::Drift),
        _ => Err(
            "agree: the shorter file was stopped earlier; drift: both hold the whole call".into(),
        ),
    }
}
