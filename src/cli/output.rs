//! The two outputs of the program: results on stdout, which have to arrive, and everything else on stderr, which may not.

use super::Failure;
use crate::files::{is_invisible, plain};
use std::fmt::Write as _;
use std::io::{self, Write};
use std::process::exit;
use std::sync::{Mutex, PoisonError};

/// The first thing that went wrong on stdout: there is one stdout, as there is one process.
static FAILED: Mutex<Option<String>> = Mutex::new(None);

/// Prints text to stdout, with nothing in it that a terminal would act on, since names in it may come from others.
pub(super) fn print(text: &str) {
    print_drawn(&plain(text));
}

/// Prints to stdout what holds colours, tabs or the like on purpose, and nothing of others. A reader that went away, as `head` does, is no failure; any other one is that of the command, which
/// [`arrived`] tells at its end.
pub(super) fn print_drawn(text: &str) {
    let mut out = io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => fail(&error),
        _ => {}
    }
}

fn fail(error: &io::Error) {
    let mut failed = FAILED.lock().unwrap_or_else(PoisonError::into_inner);
    failed.get_or_insert_with(|| error.to_string());
}

/// Whether everything that was printed has arrived.
///
/// # Errors
/// What went wrong on stdout.
pub(super) fn arrived() -> Result<(), Failure> {
    let mut failed = FAILED.lock().unwrap_or_else(PoisonError::into_inner);
    match failed.take() {
        None => Ok(()),
        Some(error) => Err(Failure::Unavailable(format!(
            "standard output: {error}; what was to be printed is lost: make room, or send it elsewhere"
        ))),
    }
}

/// Says on stderr why a command failed, if anybody can hear it.
pub fn tell(failure: &Failure) {
    tell_text(&format!("voicesim: {failure}\n"));
}

/// Says something on stderr, with nothing in it that a terminal would act on, if anybody can hear it.
pub(super) fn tell_text(text: &str) {
    let _ = io::stderr().write_all(plain(text).as_bytes());
}

/// Ends the program with help, or with what is wrong with its arguments.
pub(super) fn end_with(error: &clap::Error) -> ! {
    let is_hostile = |c: char| (c.is_control() && c != '\n' && c != '\t') || is_invisible(c);
    let has_hostile = std::env::args_os().any(|arg| arg.to_string_lossy().contains(is_hostile));
    let printed = match (error.use_stderr(), has_hostile) {
        (true, true) => {
            tell_text(&error.render().to_string());
            Ok(())
        }
        (true, false) => {
            let _ = error.print();
            Ok(())
        }
        (false, _) => error.print(),
    };
    match printed {
        Err(failed) if failed.kind() != io::ErrorKind::BrokenPipe => {
            fail(&failed);
            if let Err(failure) = arrived() {
                tell(&failure);
            }
            exit(3)
        }
        _ => exit(error.exit_code()),
    }
}

/// JSON in which no character does anything to a terminal. It says the same.
pub(super) fn plain_json(text: &str) -> String {
    let acts = |c: char| (c.is_control() && c != '\n') || is_invisible(c);
    if !text.contains(acts) {
        return text.to_owned();
    }
    let mut plain = String::with_capacity(text.len() + 64);
    for c in text.chars() {
        // Such characters stand in strings alone.
        match acts(c) {
            true => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    // Writing to a string does not fail.
                    let _ = write!(plain, "\\u{unit:04x}");
                }
            }
            false => plain.push(c),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_says_the_same_without_what_a_terminal_acts_on() {
        let names = ["a\u{9b}2Jb", "\u{202e}txt.exe", "\u{e0001}x", "plain ü\n"];
        let text = serde_json::to_string_pretty(&names).expect("JSON");
        let plain = plain_json(&text);
        assert!(!plain.contains(['\u{9b}', '\u{202e}', '\u{e0001}']));
        assert!(plain.contains("a\\u009b2Jb") && plain.contains('ü'));
        let read: Vec<String> = serde_json::from_str(&plain).expect("JSON");
        assert_eq!(read, names);
    }
}
