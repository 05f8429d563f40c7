//! What was written and heard: how fast answers were written, how many words were heard wrong, how many answers were
//! right.

use crate::measure::Measurement;
use std::fmt::Write;

/// Adds how fast answers were written, from those whose tokens were counted.
pub(super) fn writing(text: &mut String, measured: &Measurement) {
    let Some(pace) = measured.writing.pace() else {
        return;
    };
    let speed = pace.tokens_per_second;
    let speed = speed.map_or_else(String::new, |speed| {
        format!("{speed:.1} tokens a second behind the first · ")
    });
    let _ = write!(
        text,
        "writing        {speed}{} tokens in {} answers",
        pace.tokens_written, pace.answers
    );
    let _ = match pace.tokens_read {
        0 => writeln!(text),
        read => writeln!(text, " · {read} read"),
    };
}

/// Adds the word error rate, from turns whose words are known.
pub(super) fn word_errors(text: &mut String, measured: &Measurement) {
    let Some(wer) = measured.wer else {
        return;
    };
    let _ = writeln!(
        text,
        "wer            {:.3}  ({} of {} words wrong)",
        wer.rate(),
        wer.errors,
        wer.words
    );
    let Some(raw) = wer.raw_rate() else {
        return;
    };
    let _ = write!(
        text,
        "               {} substituted, {} deleted, {} inserted · as written {raw:.3}",
        wer.substitutions, wer.deletions, wer.insertions
    );
    let _ = match wer.name_and_number_rate() {
        None => writeln!(text),
        Some(rate) => writeln!(
            text,
            " · names and numbers {rate:.3} ({} of {})",
            wer.name_and_number_errors, wer.names_and_numbers
        ),
    };
}

/// Adds how many answers were right, from turns for which the scenario says what a right answer has in it.
pub(super) fn right_answers(text: &mut String, measured: &Measurement) {
    let answers = measured.right_answers;
    if answers.is_empty() {
        return;
    }
    let _ = write!(
        text,
        "right answers  {} of {} ({:.1} %)",
        answers.right,
        answers.of,
        100.0 * answers.share()
    );
    let _ = match answers.stopped {
        0 => writeln!(text),
        stopped => writeln!(
            text,
            " · {stopped} more stopped by the caller before they were right or wrong"
        ),
    };
}
