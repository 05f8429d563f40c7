//! Voices: one clause of text in, 16 kHz mono speech out.
//!
//! Everything here is synchronous and blocks its thread for as long as the synthesis takes; the stage around a voice
//! decides which thread that is. A voice knows nothing of turns, clocks or playback.
//!
//! - [`piper`]: a Piper (VITS) voice run in this process, its phonemes from a kept-open espeak-ng.
//! - [`espeak`]: espeak-ng alone, one child process a clause.
//! - [`phonemes`]: text to the International Phonetic Alphabet.
//! - [`trim`]: what is cut from the ends of a clause, since silence at its head is latency.
//!
//! espeak-ng is GPL-3 software: it runs as a separate program, and nothing of it is linked.

#[cfg(feature = "espeak")]
pub mod espeak;
pub mod phonemes;
#[cfg(feature = "piper")]
pub mod piper;
#[cfg(feature = "piper")]
mod piper_config;
pub mod trim;

use crate::speak::strip_phoneme_brackets;
use std::io;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// The longest text spoken or phonemised in one call, in characters; what is longer is cut after a word.
/// A clause has some 40 characters, so this only bounds the memory and time that odd input can cost.
pub const TEXT_CHARS_MAX: usize = 2_000;

/// The longest voice name handed to espeak-ng, in bytes.
const VOICE_NAME_BYTES_MAX: usize = 40;

/// A speech synthesiser.
pub trait Voice: Send {
    /// Speaks one clause: 16 kHz mono samples in -1..=1, silence trimmed as [`trim::trim_silence`] says.
    ///
    /// Text without anything to pronounce gives no samples. `[[…]]` is never taken as phonemes here.
    ///
    /// # Errors
    /// [`VoiceError`]; the voice stays usable, and the next call starts afresh.
    fn speak(&mut self, text: &str) -> Result<Vec<f32>, VoiceError>;

    /// How many threads the next clauses may take; the sound is the same. One unless told, and for a voice that knows
    /// no use for more.
    fn use_threads(&mut self, _threads: u32) {}
}

/// Why nothing was spoken. [`VoiceError::is_unavailable`] tells a missing engine from a failure of a working one.
#[derive(Debug, thiserror::Error)]
pub enum VoiceError {
    #[error("espeak-ng is not installed; on Debian and Ubuntu: sudo apt-get install espeak-ng")]
    EspeakMissing,
    #[error(
        "espeak-ng did not start with the voice `{voice}`; choose one that `espeak-ng --voices` lists"
    )]
    EspeakVoiceRefused { voice: String },
    #[error("cannot read the Piper voice file {path}: {source}; get it with: voicesim models install", path = path.display())]
    ModelUnreadable { path: PathBuf, source: io::Error },
    #[error("{path} is not a usable Piper voice: {reason}; check it with: voicesim models verify", path = path.display())]
    ModelInvalid { path: PathBuf, reason: String },
    #[error(
        "espeak-ng gave nothing within {timeout_ms} ms and was stopped; it is started again for the next clause"
    )]
    EspeakTimedOut { timeout_ms: u128 },
    #[error("espeak-ng failed: {reason}; it is started again for the next clause")]
    EspeakFailed { reason: String },
    #[error("the Piper voice failed on this clause: {reason}")]
    SynthesisFailed { reason: String },
}

impl VoiceError {
    /// Whether the voice cannot be had at all (a program or model file is missing or wrong), in contrast to one
    /// clause that failed. The text of such an error says how to get what is missing.
    pub fn is_unavailable(&self) -> bool {
        match self {
            Self::EspeakMissing
            | Self::EspeakVoiceRefused { .. }
            | Self::ModelUnreadable { .. }
            | Self::ModelInvalid { .. } => true,
            Self::EspeakTimedOut { .. }
            | Self::EspeakFailed { .. }
            | Self::SynthesisFailed { .. } => false,
        }
    }
}

/// One line of plain words for espeak-ng: no phoneme or markup brackets, no control characters (it reads U+0001 as
/// the start of a command), single blanks, at most [`TEXT_CHARS_MAX`] characters.
pub(crate) fn spoken_line(text: &str) -> String {
    let stripped = strip_phoneme_brackets(text);
    let plain: String = stripped
        .chars()
        .map(|c| {
            if c.is_control() || matches!(c, '[' | ']' | '<' | '>') {
                ' '
            } else {
                c
            }
        })
        .collect();
    let mut line = String::new();
    let mut room = TEXT_CHARS_MAX;
    for word in plain.split_whitespace() {
        let chars = word.chars().count();
        if chars >= room {
            if line.is_empty() {
                line.extend(word.chars().take(TEXT_CHARS_MAX));
            }
            break;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
        room -= chars + 1;
    }
    line
}

/// The command that starts espeak-ng with a voice, its pipes set up; arguments are still to be added.
///
/// # Errors
/// [`VoiceError::EspeakVoiceRefused`] for a name that could not be a voice (a path, say).
pub(crate) fn espeak_command(voice: &str) -> Result<Command, VoiceError> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '+');
    if voice.is_empty() || voice.len() > VOICE_NAME_BYTES_MAX || !voice.chars().all(is_name) {
        return Err(VoiceError::EspeakVoiceRefused {
            voice: voice.chars().take(VOICE_NAME_BYTES_MAX).collect(),
        });
    }
    let mut command = Command::new("espeak-ng");
    command
        .args(["-v", voice])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    Ok(command)
}

/// A child process that is killed and reaped when dropped.
pub(crate) struct OwnedChild(pub(crate) Child);

impl OwnedChild {
    /// Starts the command; a program that is not there is [`VoiceError::EspeakMissing`].
    pub(crate) fn spawn(command: &mut Command) -> Result<Self, VoiceError> {
        command
            .spawn()
            .map(Self)
            .map_err(|error| match error.kind() {
                io::ErrorKind::NotFound => VoiceError::EspeakMissing,
                _ => VoiceError::EspeakFailed {
                    reason: format!("it could not be started: {error}"),
                },
            })
    }
}

impl Drop for OwnedChild {
    fn drop(&mut self) {
        // Both fail only for a child that is gone already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spoken_line_is_one_line_of_words() {
        assert_eq!(
            spoken_line(" two\nlines\r\n\0and\u{1}5P <b>tag</b> [x] "),
            "two lines and 5P b tag /b x"
        );
        assert_eq!(spoken_line("\u{2028}\t\n"), "");
    }

    #[test]
    fn long_text_is_cut_after_a_word() {
        let line = spoken_line(&"word ".repeat(1_000));
        assert!(
            line.chars().count() <= TEXT_CHARS_MAX && line.ends_with("word"),
            "{}",
            line.len()
        );
        assert_eq!(
            spoken_line(&"é".repeat(5_000)).chars().count(),
            TEXT_CHARS_MAX
        );
    }

    #[test]
    fn a_path_is_no_voice_name() {
        for voice in ["", "../en", "en us", "-h/x", &"e".repeat(41)] {
            assert!(
                matches!(
                    espeak_command(voice),
                    Err(VoiceError::EspeakVoiceRefused { .. })
                ),
                "{voice:?}"
            );
        }
        assert!(espeak_command("en-gb-scotland+f2").is_ok());
    }

    #[test]
    fn a_missing_program_is_unavailable_and_names_the_package() {
        let error = OwnedChild::spawn(&mut Command::new("/nonexistent/espeak-ng"))
            .err()
            .map(|e| (e.is_unavailable(), e.to_string()));
        assert_eq!(
            error,
            Some((
                true,
                "espeak-ng is not installed; on Debian and Ubuntu: sudo apt-get install espeak-ng"
                    .to_owned()
            ))
        );
    }
}
