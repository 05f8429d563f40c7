//! Text to phonemes (International Phonetic Alphabet) through a kept-open espeak-ng.
//!
//! Starting espeak-ng costs 10 ms, a line to one that runs about 1 ms. The protocol: one line of text in, then an
//! end-marker line; espeak-ng answers with any number of phoneme lines for the text and one for the marker. The marker
//! is written in espeak-ng's own phoneme notation, a cluster that no words give, and `[[` never gets through from
//! text. How a voice renders it is learnt from the first reply. espeak-ng ends by itself when its input closes, so
//! none is left behind even if this process is killed.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{ChildStdin, ChildStdout, Command};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use super::{OwnedChild, VoiceError, espeak_command, spoken_line};

/// How long one reply may take; usual is 1 ms, and 10 ms with the start of the child.
const REPLY_TIMEOUT: Duration = Duration::from_secs(2);
/// The line that ends a request.
const END_MARKER: &str = "[[tSptkf]]";
/// espeak-ng reads its input in pieces of 999 bytes and takes each for a line of its own, so longer lines are split
/// here, between words.
const LINE_BYTES_MAX: usize = 900;
/// The longest reply accepted, in bytes: 2,000 characters of text give less than a fifth of it.
const REPLY_BYTES_MAX: u64 = 256 * 1024;
/// Words before whose full stop no sentence ends.
const ABBREVIATIONS: [&str; 10] = [
    "Mr", "Mrs", "Ms", "Dr", "Prof", "St", "vs", "e.g", "i.e", "approx",
];

/// Turns text into phonemes. The child starts with the first call and is killed on drop.
pub struct Phonemizer {
    voice: String,
    command: fn(&str) -> Result<Command, VoiceError>,
    timeout: Duration,
    open: Option<OpenChild>,
}

/// A running espeak-ng that has answered its first end marker.
struct OpenChild {
    _child: OwnedChild,
    requests: ChildStdin,
    replies: Receiver<String>,
}

impl Phonemizer {
    /// A phonemizer for an espeak-ng voice such as `en-us`; nothing is started yet.
    pub fn new(voice: &str) -> Self {
        Self {
            voice: voice.to_owned(),
            command: phoneme_command,
            timeout: REPLY_TIMEOUT,
            open: None,
        }
    }

    /// Starts espeak-ng if it does not run, so that the first text need not wait for it.
    ///
    /// # Errors
    /// As [`Phonemizer::phonemes`].
    pub fn start(&mut self) -> Result<(), VoiceError> {
        self.ask("").map(|_| ())
    }

    /// The phonemes of a text, its punctuation (`, ; : . ! ?`) put back where a pause or a sentence ends, since
    /// espeak-ng drops it and Piper's intonation lives on it. Language switches such as `(fr)` are left out.
    ///
    /// # Errors
    /// [`VoiceError::EspeakMissing`], [`VoiceError::EspeakVoiceRefused`], or, for a child that died or gave no answer
    /// in 2 s, [`VoiceError::EspeakFailed`] and [`VoiceError::EspeakTimedOut`]; the next call starts a new one.
    pub fn phonemes(&mut self, text: &str) -> Result<String, VoiceError> {
        let mut phonemes = String::new();
        for (words, punctuation) in punctuated_runs(&spoken_line(text)) {
            let run = without_language_switches(&self.ask(words)?);
            if run.is_empty() {
                continue;
            }
            if !phonemes.is_empty() {
                phonemes.push(' ');
            }
            phonemes.push_str(&run);
            phonemes.extend(punctuation);
        }
        Ok(phonemes)
    }

    /// One request to the child, which is given up on any failure.
    fn ask(&mut self, words: &str) -> Result<String, VoiceError> {
        let mut open = match self.open.take() {
            Some(open) => open,
            None => self.open_child()?,
        };
        let reply = open.ask(words, self.timeout)?;
        self.open = Some(open);
        Ok(reply)
    }

    fn open_child(&self) -> Result<OpenChild, VoiceError> {
        let mut child = OwnedChild::spawn(&mut (self.command)(&self.voice)?)?;
        let (Some(requests), Some(output)) = (child.0.stdin.take(), child.0.stdout.take()) else {
            return Err(failed("it has no pipes"));
        };
        // One request is open at a time, so one place is enough and the reader never waits.
        let (sender, replies) = sync_channel(1);
        thread::Builder::new()
            .name("espeak-ng-reader".to_owned())
            .spawn(move || read_replies(output, &sender))
            .map_err(|error| failed(&format!("no thread for its output: {error}")))?;
        let mut open = OpenChild {
            _child: child,
            requests,
            replies,
        };
        match open.ask("", self.timeout) {
            // A child that ends at once is one that does not know the voice.
            Err(VoiceError::EspeakFailed { .. }) => Err(VoiceError::EspeakVoiceRefused {
                voice: self.voice.clone(),
            }),
            Err(error) => Err(error),
            Ok(_) => Ok(open),
        }
    }
}

impl OpenChild {
    /// Writes the words and the end marker, and waits for the reply. The request is smaller than a pipe's buffer and
    /// the only one in it, so the write cannot block on a child that hangs.
    fn ask(&mut self, words: &str, timeout: Duration) -> Result<String, VoiceError> {
        let mut request = String::new();
        for line in lines_of(words) {
            request.push_str(line);
            request.push('\n');
        }
        request.push_str(END_MARKER);
        request.push('\n');
        self.requests
            .write_all(request.as_bytes())
            .and_then(|()| self.requests.flush())
            .map_err(|error| failed(&format!("it takes no more text: {error}")))?;
        self.replies
            .recv_timeout(timeout)
            .map_err(|error| match error {
                RecvTimeoutError::Timeout => VoiceError::EspeakTimedOut {
                    timeout_ms: timeout.as_millis(),
                },
                RecvTimeoutError::Disconnected => failed("it ended in mid-reply"),
            })
    }
}

fn failed(reason: &str) -> VoiceError {
    VoiceError::EspeakFailed {
        reason: reason.to_owned(),
    }
}

fn phoneme_command(voice: &str) -> Result<Command, VoiceError> {
    let mut command = espeak_command(voice)?;
    command.args(["-q", "--ipa"]);
    Ok(command)
}

/// The reader thread: sends one reply for each end marker, the very first (to an empty request) being the marker's own
/// rendering. Ends, and with it the channel, when the child's output does or grows past all reason.
fn read_replies(output: ChildStdout, replies: &SyncSender<String>) {
    let mut output = BufReader::new(output);
    let Some(end_marker) = next_line(&mut output).filter(|line| !line.is_empty()) else {
        return;
    };
    if replies.send(String::new()).is_err() {
        return;
    }
    let mut reply = String::new();
    while let Some(line) = next_line(&mut output) {
        if line == end_marker {
            if replies.send(std::mem::take(&mut reply)).is_err() {
                return;
            }
            continue;
        }
        if !reply.is_empty() && !line.is_empty() {
            reply.push(' ');
        }
        reply.push_str(&line);
        if reply.len() as u64 > REPLY_BYTES_MAX {
            return;
        }
    }
}

fn next_line(output: &mut impl BufRead) -> Option<String> {
    let mut line = Vec::new();
    let read = output.take(REPLY_BYTES_MAX).read_until(b'\n', &mut line);
    if read.is_err() || line.last() != Some(&b'\n') {
        return None;
    }
    Some(String::from_utf8_lossy(&line).trim().to_owned())
}

/// Splits words into lines that espeak-ng reads in one piece, at blanks where there are any.
fn lines_of(words: &str) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut rest = words;
    while rest.len() > LINE_BYTES_MAX {
        let head = &rest[..rest.floor_char_boundary(LINE_BYTES_MAX)];
        let (line, behind) =
            rest.split_at(head.rfind(' ').filter(|at| *at > 0).unwrap_or(head.len()));
        lines.push(line);
        rest = behind.trim_start();
    }
    if !rest.is_empty() {
        lines.push(rest);
    }
    lines
}

/// Cuts a line at the punctuation that is heard: each run of words with the mark that closes it, if any.
///
/// A mark counts before a blank or the end, not inside a number or address; a dash or ellipsis counts as a comma.
fn punctuated_runs(line: &str) -> Vec<(&str, Option<char>)> {
    let mut runs = Vec::new();
    let mut start = 0;
    for (at, mark) in line.char_indices() {
        if at < start {
            continue;
        }
        let behind = &line[at..];
        let rest = behind.trim_start_matches(is_mark);
        let words = &line[start..at];
        if !is_mark(mark)
            || (is_inside_word(rest) && !is_dash(mark))
            || (mark == '.' && is_abbreviation(words, rest))
        {
            continue;
        }
        runs.push((words.trim(), Some(if is_dash(mark) { ',' } else { mark })));
        start = line.len() - rest.len();
    }
    runs.push((line[start..].trim(), None));
    runs.retain(|(words, _)| words.chars().any(char::is_alphanumeric));
    runs
}

fn is_mark(c: char) -> bool {
    matches!(c, ',' | ';' | ':' | '.' | '!' | '?') || is_dash(c)
}

fn is_dash(c: char) -> bool {
    matches!(c, '—' | '…')
}

/// Whether what follows a mark goes on without a blank, closing quotes and brackets aside.
fn is_inside_word(rest: &str) -> bool {
    rest.trim_start_matches(['"', '\'', '”', '’', ')'])
        .chars()
        .next()
        .is_some_and(|c| !c.is_whitespace())
}

fn is_abbreviation(words: &str, rest: &str) -> bool {
    let last_word = words.rsplit(' ').next().unwrap_or_default();
    !rest.trim().is_empty() && ABBREVIATIONS.contains(&last_word)
}

/// espeak-ng marks words it reads in another language, `(fr)…(en)`; Piper voices were not trained on the marks.
fn without_language_switches(phonemes: &str) -> String {
    let mut plain = String::with_capacity(phonemes.len());
    let mut rest = phonemes;
    while let Some((before, (_, behind))) = rest
        .split_once('(')
        .and_then(|(before, switch)| Some((before, switch.split_once(')')?)))
    {
        plain.push_str(before);
        rest = behind;
    }
    plain.push_str(rest);
    plain
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Stdio;

    /// A stand-in for espeak-ng.
    fn shell(script: &str) -> Result<Command, VoiceError> {
        let mut command = Command::new("sh");
        command
            .args(["-c", script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        Ok(command)
    }

    #[test]
    fn runs_end_at_punctuation_that_is_heard() {
        let check = |line: &str, expected: &[(&str, Option<char>)]| {
            assert_eq!(punctuated_runs(line), expected, "{line:?}");
        };
        check("Yes, it is.", &[("Yes", Some(',')), ("it is", Some('.'))]);
        check(
            "about 3.5 at 10:30 then",
            &[("about 3.5 at 10:30 then", None)],
        );
        check(
            "Really?! \"No.\" Why",
            &[("Really", Some('?')), ("\"No", Some('.')), ("\" Why", None)],
        );
        check(
            "Mr. Smith vs. you, e.g. now.",
            &[("Mr. Smith vs. you", Some(',')), ("e.g. now", Some('.'))],
        );
        check(
            "well—maybe… so",
            &[("well", Some(',')), ("maybe", Some(',')), ("so", None)],
        );
        check("... , ?", &[]);
        check("", &[]);
    }

    #[test]
    fn phonemes_keep_the_punctuation() {
        let phonemes = Phonemizer::new("en-us")
            .phonemes("Wait, stop; really? (Yes) - no. It is 3.5")
            .unwrap();
        assert_eq!(
            phonemes,
            "wˈeɪt, stˈɑːp; ɹˈiəli? jˈɛs nˈoʊ. ɪɾ ɪz θɹˈiː pɔɪnt fˈaɪv"
        );
    }

    #[test]
    fn every_reply_belongs_to_its_request_whatever_the_text() {
        let mut phonemizer = Phonemizer::new("en-us");
        let odd = [
            "",
            "   ",
            "...",
            "a\nb\nc",
            "\0\u{1}\u{1b}[2J",
            "<speak><break time='9s'/></speak>",
            "[[ unclosed",
            "]]",
            "[[tSptkf]]",
            "tSptkf",
            "tʃptkf",
            "&amp; %s %n",
            "(a (b",
            "\u{feff}\u{e000}\u{202e}",
            "🎉 漢字 é",
        ];
        for text in odd {
            let phonemes = phonemizer.phonemes(text).unwrap();
            assert!(
                !phonemes.contains(['\n', '(']),
                "{text:?} gave {phonemes:?}"
            );
            assert_eq!(
                phonemizer.phonemes("yes").unwrap(),
                "jˈɛs",
                "after {text:?}"
            );
        }
    }

    #[test]
    fn long_text_is_split_between_words() {
        let mut phonemizer = Phonemizer::new("en-us");
        let phonemes = phonemizer.phonemes(&"yes ".repeat(450)).unwrap();
        assert_eq!(
            phonemes
                .split(' ')
                .filter(|word| word.ends_with("jˈɛs") || word.ends_with("jɛs"))
                .count(),
            450
        );
        phonemizer.phonemes(&"é".repeat(5_000)).unwrap();
        assert_eq!(phonemizer.phonemes("yes").unwrap(), "jˈɛs");
    }

    #[test]
    fn other_voices_work_and_their_language_switches_are_left_out() {
        assert_eq!(
            Phonemizer::new("de").phonemes("this, ja").unwrap(),
            "ðˈɪs, jˈɑː"
        );
        assert!(
            !Phonemizer::new("en-gb-scotland")
                .phonemes("Hello there.")
                .unwrap()
                .is_empty()
        );
    }

    #[test]
    fn an_unknown_voice_is_refused_by_name() {
        let error = Phonemizer::new("klingonese").phonemes("yes").unwrap_err();
        assert!(
            error.is_unavailable() && error.to_string().contains("klingonese"),
            "{error}"
        );
    }

    #[test]
    fn a_child_that_died_gives_one_error_and_is_started_again() {
        let mut phonemizer = Phonemizer::new("en-us");
        phonemizer.start().unwrap();
        phonemizer.open.as_mut().unwrap()._child.0.kill().unwrap();
        let error = phonemizer.phonemes("yes").unwrap_err();
        assert!(!error.is_unavailable(), "{error}");
        assert_eq!(phonemizer.phonemes("yes").unwrap(), "jˈɛs");
    }

    #[test]
    fn a_child_that_hangs_is_given_up_after_the_timeout() {
        let mut phonemizer = Phonemizer::new("en-us");
        phonemizer.timeout = Duration::from_millis(50);
        phonemizer.command = |_| shell("echo marker; exec sleep 60");
        let error = phonemizer.phonemes("yes").unwrap_err();
        assert!(
            matches!(error, VoiceError::EspeakTimedOut { timeout_ms: 50 }),
            "{error}"
        );
        phonemizer.timeout = REPLY_TIMEOUT;
        phonemizer.command = phoneme_command;
        assert_eq!(phonemizer.phonemes("yes").unwrap(), "jˈɛs");
    }

    #[test]
    fn a_child_that_never_stops_talking_is_given_up() {
        let mut phonemizer = Phonemizer::new("en-us");
        phonemizer.command = |_| shell("echo marker; exec yes babble");
        let error = phonemizer.phonemes("yes").unwrap_err();
        assert!(matches!(error, VoiceError::EspeakFailed { .. }), "{error}");
    }
}
