//! Text of others, made fit for a terminal: nothing in it can move the cursor or hide what follows.

use crate::files::is_invisible;
use ratatui::text::Span;

/// Longer texts are cut, with an ellipsis: far more than anybody reads while talking.
const CHARS_MAX: usize = 1_000;

/// Marks in a row that take no column of their own: accents come in ones and twos.
const MARKS_MAX: usize = 2;

/// `text` as one line: no escape sequences, blanks for control characters, nothing that is invisible
/// or turns the direction of writing, at most [`CHARS_MAX`] characters.
pub(super) fn plain(text: &str) -> String {
    let mut out = String::new();
    let (mut length, mut marks) = (0, 0);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let begins_sequence = c == '\u{9b}' || (c == '\x1b' && chars.next_if_eq(&'[').is_some());
        if begins_sequence {
            // The parameters of the sequence, and the letter that says what to do.
            while chars.next_if(|c| matches!(c, ' '..='?')).is_some() {}
            chars.next_if(|c| matches!(c, '@'..='~'));
        }
        let c = if c.is_whitespace() || c.is_control() {
            ' '
        } else {
            c
        };
        if is_invisible(c) || (c == ' ' && (out.is_empty() || out.ends_with(' '))) {
            continue;
        }
        marks = if width_of(c) == 0 { marks + 1 } else { 0 };
        if marks > MARKS_MAX || (marks > 0 && out.is_empty()) {
            continue;
        }
        if length == CHARS_MAX {
            out.push('…');
            return out;
        }
        out.push(c);
        length += 1;
    }
    out.truncate(out.trim_end().len());
    out
}

/// Columns of the terminal that `text` takes, which [`plain`] has made.
pub(super) fn width(text: &str) -> usize {
    text.chars().map(width_of).sum()
}

fn width_of(c: char) -> usize {
    Span::raw(&*c.encode_utf8(&mut [0; 4])).width()
}

/// `text` in lines of at most `columns`, broken at blanks where there are any.
pub(super) fn wrap(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(2);
    let mut lines = Vec::new();
    let (mut line, mut used) = (String::new(), 0);
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let needed = width(word);
        if used > 0 && used + 1 + needed <= columns {
            line.push(' ');
            used += 1;
        } else if used > 0 {
            lines.push(std::mem::take(&mut line));
            used = 0;
        }
        for c in word.chars() {
            if used + width_of(c) > columns {
                lines.push(std::mem::take(&mut line));
                used = 0;
            }
            line.push(c);
            used += width_of(c);
        }
    }
    if used > 0 || lines.is_empty() {
        lines.push(line);
    }
    lines
}

/// The beginning of `text`, in at most `columns`; what is cut off leaves an ellipsis.
pub(super) fn beginning(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut used = 1;
    for c in text.chars() {
        used += width_of(c);
        if used > columns {
            break;
        }
        out.push(c);
    }
    out.truncate(out.trim_end().len());
    if columns > 0 {
        out.push('…');
    }
    out
}

/// The end of `text`, in at most `columns`: the part of a path that tells it from others.
pub(super) fn ending(text: &str, columns: usize) -> String {
    let excess = width(text).saturating_sub(columns);
    if excess == 0 {
        return text.to_owned();
    }
    let mut dropped = 0;
    let kept = text.chars().skip_while(|c| {
        let is_dropped = dropped < excess + 1;
        dropped += width_of(*c);
        is_dropped
    });
    match columns {
        0 => String::new(),
        _ => format!("…{}", kept.collect::<String>()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_steers_a_terminal_is_left() {
        assert_eq!(
            plain("\x1b[2Jgone\r\nnext\t\u{9b}1;31mred\x1bc"),
            "gone next red c"
        );
        assert_eq!(plain("a\u{202e}b\u{200b}c\u{feff}"), "abc");
        assert_eq!(plain("  \n "), "");
    }

    #[test]
    fn a_heap_of_accents_is_thinned_out() {
        let heap = format!("a{}", "\u{301}".repeat(500));
        assert_eq!(plain(&heap).chars().count(), 1 + MARKS_MAX);
        assert_eq!(plain("\u{301}"), "");
    }

    #[test]
    fn long_text_is_cut_and_says_so() {
        let text = plain(&"word ".repeat(2_000));
        assert_eq!(text.chars().count(), CHARS_MAX + 1);
        assert!(text.ends_with('…'));
    }

    #[test]
    fn no_line_is_wider_than_asked_for() {
        for text in [
            "one two three",
            "日本語のとても長い文",
            "wordlongerthanaline and more",
            "",
        ] {
            for columns in 2..20 {
                let lines = wrap(text, columns);
                assert!(lines.iter().all(|line| width(line) <= columns), "{lines:?}");
                let letters = |text: &str| text.replace(' ', "");
                assert_eq!(letters(&lines.concat()), letters(text));
            }
        }
    }

    #[test]
    fn what_is_cut_keeps_its_end_of_interest() {
        assert_eq!(beginning("runs/2026-demo", 8), "runs/20…");
        assert_eq!(ending("runs/2026-demo", 8), "…26-demo");
        assert_eq!(beginning("日本語", 4), "日…");
        assert_eq!(ending("日本語", 4), "…語");
        assert_eq!((beginning("ab", 0), ending("ab", 0)), Default::default());
    }
}
