//! The lines of Markdown -> lines of text, as they come: headings, lists, quotes, tables, code.
//!
//! Of each line as little as possible is held: a list item until its sign is known, a row of a table until its end.

use super::inline::{Inline, plain};
use super::table;

/// A row of a table or the first line of a code block is not longer, in bytes.
const LINE_BYTES_MAX: usize = 4_000;
const HEADING_SIGNS_MAX: usize = 6;
/// How many blanks at the beginning of a line are held, and how many bytes of a label in brackets.
const BLANKS_MAX: usize = 100;
const LABEL_BYTES_MAX: usize = 100;
/// Words of code blocks that hold text.
const TEXT_BLOCKS: [&str; 5] = ["text", "txt", "md", "markdown", "plaintext"];
/// A line of a code block without a language is text if it has so many words and ends like a sentence.
const SENTENCE_WORDS_MIN: usize = 3;

/// Takes Markdown out of text as it comes. A line end in what comes out ends a clause.
#[derive(Debug, Default)]
pub(super) struct Markup {
    place: Place,
    /// The line so far, where it is not yet known what it is, or only as a whole.
    line: String,
    inline: Inline,
    table: Option<Table>,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum Place {
    /// At the beginning of a line.
    #[default]
    LineStart,
    Text,
    /// In a line that is read when it is whole.
    Whole,
    /// In a block of code that `mark` ends.
    Code {
        mark: String,
        kind: Code,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Code {
    /// It is left out.
    Program,
    /// It is read.
    Text,
    /// Nobody says what it is.
    Unnamed,
}

/// A table so far.
#[derive(Debug)]
struct Table {
    head: String,
    /// Whether the line under the head has come, without which it is no table.
    has_rule: bool,
}

/// What the beginning of a line is.
enum Block {
    NotYet,
    /// Text, behind so many bytes that are not read, and instead of which this is read.
    Text(usize, String),
    /// It has to be read as a whole.
    Whole,
    /// A sign before which another may stand.
    Again(usize),
}

impl Markup {
    pub(super) fn push(&mut self, piece: &str, text: &mut String) {
        for c in piece.chars().filter(|c| *c != '\r') {
            match &self.place {
                Place::Text if c == '\n' => self.end_line(text),
                Place::Text => self.inline.push(c, text),
                _ if c == '\n' => self.whole_line(text),
                Place::LineStart => {
                    self.line.push(c);
                    self.begin(text, false);
                }
                Place::Whole | Place::Code { .. } => {
                    if self.line.len() < LINE_BYTES_MAX {
                        self.line.push(c);
                    }
                }
            }
        }
    }

    /// What is left when the text is over.
    pub(super) fn finish(&mut self, text: &mut String) {
        self.whole_line(text);
        self.end_table(text);
    }

    fn end_line(&mut self, text: &mut String) {
        self.inline.end_line(text);
        text.push('\n');
        self.place = Place::LineStart;
    }

    /// Decides what the line is, as far as it is known; `is_whole` says that no more of it will come.
    fn begin(&mut self, text: &mut String, is_whole: bool) {
        loop {
            match block(&self.line, is_whole) {
                Block::NotYet => return,
                Block::Again(bytes) => {
                    self.line.drain(..bytes);
                }
                Block::Whole => {
                    self.place = Place::Whole;
                    return;
                }
                Block::Text(bytes, instead) => {
                    self.end_table(text);
                    text.push_str(&instead);
                    let line = std::mem::take(&mut self.line);
                    self.place = Place::Text;
                    line[bytes..]
                        .chars()
                        .for_each(|c| self.inline.push(c, text));
                    return;
                }
            }
        }
    }

    /// A line that was held to its end.
    fn whole_line(&mut self, text: &mut String) {
        if self.place == Place::LineStart {
            self.begin(text, true);
        }
        if self.place == Place::Text {
            return self.end_line(text);
        }
        let line = std::mem::take(&mut self.line);
        let bare = line.trim();
        if let Place::Code { mark, kind } = &self.place {
            if bare.starts_with(mark.as_str()) {
                self.place = Place::LineStart;
            } else if *kind == Code::Text || *kind == Code::Unnamed && is_sentence(bare) {
                text.push_str(&plain(bare));
                text.push('\n');
            }
            return;
        }
        self.place = Place::LineStart;
        if let Some(mark) = ["```", "~~~"]
            .into_iter()
            .find(|mark| bare.starts_with(mark))
        {
            self.end_table(text);
            // A block that opens and closes on one line.
            let info = bare.trim_start_matches(['`', '~']).trim();
            if !info.contains(mark) {
                self.place = Place::Code {
                    mark: mark.to_owned(),
                    kind: kind_of(info),
                };
            }
            return;
        }
        if bare.starts_with('|') {
            return self.row(bare, text);
        }
        self.end_table(text);
        if bare.starts_with('[') && !is_definition(bare) {
            text.push_str(&plain(bare));
        }
        text.push('\n');
    }

    fn row(&mut self, line: &str, text: &mut String) {
        let is_rule = line.chars().all(|c| "|-: ".contains(c)) && line.contains('-');
        match &mut self.table {
            None => {
                self.table = Some(Table {
                    head: line.to_owned(),
                    has_rule: false,
                });
            }
            Some(table) if is_rule => table.has_rule = true,
            Some(Table {
                head,
                has_rule: true,
            }) => {
                text.push_str(&table::row(&cells(head), &cells(line)));
                text.push('\n');
            }
            Some(_) => {
                self.end_table(text);
                text.push_str(&cells(line).join(", "));
                text.push('\n');
            }
        }
    }

    /// A line that looked like the head of a table, and was none, is read as it is.
    fn end_table(&mut self, text: &mut String) {
        if let Some(Table {
            head,
            has_rule: false,
        }) = self.table.take()
        {
            text.push_str(&cells(&head).join(", "));
            text.push('\n');
        }
    }
}

/// What the beginning of a line is.
fn block(line: &str, is_whole: bool) -> Block {
    let blanks = line.len() - line.trim_start().len();
    let bare = &line[blanks..];
    let text = Block::Text(blanks, String::new());
    let Some(first) = bare.chars().next() else {
        return match is_whole || blanks > BLANKS_MAX {
            true => text,
            false => Block::NotYet,
        };
    };
    let unless_whole = |block| if is_whole { block } else { Block::NotYet };
    match first {
        '#' => {
            let signs = bare.len() - bare.trim_start_matches('#').len();
            match bare[signs..].chars().next() {
                None if signs <= HEADING_SIGNS_MAX => unless_whole(text),
                Some(c) if c.is_whitespace() && signs <= HEADING_SIGNS_MAX => {
                    Block::Text(blanks + signs, String::new())
                }
                _ => text,
            }
        }
        '>' => Block::Again(blanks + 1),
        '-' | '*' | '+' | '•' | '‣' | '◦' | '▪' | '●' | '–' => {
            let behind = &bare[first.len_utf8()..];
            match behind.chars().next() {
                None => unless_whole(text),
                Some(c) if c.is_whitespace() => {
                    Block::Text(blanks + first.len_utf8(), String::new())
                }
                Some(_) => text,
            }
        }
        '0'..='9' => {
            let digits = bare.len() - bare.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let mut behind = bare[digits..].chars();
            match (behind.next(), behind.next()) {
                (None, _) | (Some('.' | ')'), None) if digits <= 3 => unless_whole(text),
                (Some('.' | ')'), Some(c)) if c.is_whitespace() && digits <= 3 => {
                    Block::Text(blanks + digits + 1, format!("{}:", &bare[..digits]))
                }
                _ => text,
            }
        }
        '`' | '~' => {
            let fence: String = std::iter::repeat_n(first, 3).collect();
            match (bare.starts_with(&fence), fence.starts_with(bare)) {
                (true, _) => Block::Whole,
                (false, true) => unless_whole(text),
                (false, false) => text,
            }
        }
        '|' => Block::Whole,
        '[' => match bare.find(']').map(|end| bare[end + 1..].chars().next()) {
            None if bare.len() <= LABEL_BYTES_MAX => unless_whole(text),
            Some(None) => unless_whole(text),
            Some(Some(':')) if is_whole => text,
            Some(Some(':')) => Block::Whole,
            None | Some(Some(_)) => text,
        },
        ':' => match bare[1..].chars().next() {
            None => unless_whole(text),
            Some(' ') => Block::Text(blanks + 1, String::new()),
            Some(_) => text,
        },
        _ => text,
    }
}

/// "[menu]: https://a.example/menu" says where a link goes, and is not read.
fn is_definition(line: &str) -> bool {
    let target = line
        .split_once("]:")
        .map_or("", |(_, target)| target.trim());
    target.contains("://") || target.starts_with(['/', '#', '<'])
}

fn kind_of(info: &str) -> Code {
    let language = info
        .split_whitespace()
        .next()
        .unwrap_or_default()
        .to_lowercase();
    match language.as_str() {
        "" => Code::Unnamed,
        language if TEXT_BLOCKS.contains(&language) => Code::Text,
        _ => Code::Program,
    }
}

fn is_sentence(line: &str) -> bool {
    let words = line
        .split_whitespace()
        .filter(|word| word.contains(char::is_alphabetic))
        .count();
    words >= SENTENCE_WORDS_MIN
        && line.ends_with(['.', '!', '?'])
        && line.starts_with(char::is_uppercase)
}

/// The cells of a row, as text.
fn cells(line: &str) -> Vec<String> {
    let inner = line.trim().trim_start_matches('|');
    let inner = inner.strip_suffix('|').unwrap_or(inner);
    let mut cells = vec![String::new()];
    let mut is_escaped = false;
    for c in inner.chars() {
        match (c, cells.last_mut()) {
            ('|', _) if !is_escaped => cells.push(String::new()),
            (_, Some(cell)) => cell.push(c),
            (_, None) => {}
        }
        is_escaped = c == '\\' && !is_escaped;
    }
    cells.iter().map(|cell| plain(cell.trim())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(written: &str, lines: &[&str]) {
        let mut markup = Markup::default();
        let mut text = String::new();
        written
            .chars()
            .for_each(|c| markup.push(&c.to_string(), &mut text));
        markup.finish(&mut text);
        let read: Vec<&str> = text
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .collect();
        assert_eq!(read, lines, "{written}");
    }

    #[test]
    fn blocks_become_lines() {
        check(
            "## Opening hours\n\nWe open at nine.",
            &["Opening hours", "We open at nine."],
        );
        check(
            "Sure:\n- **Rolls**\n* rye\n  1. one\n> quote\n> > deep",
            &["Sure:", "Rolls", "rye", "1: one", "quote", "deep"],
        );
        check(
            "Run:\n```python\nprint(1)\n```\nThen stop.",
            &["Run:", "Then stop."],
        );
        check(
            "```\nWe open at nine o'clock.\nx = 1\n```",
            &["We open at nine o'clock."],
        );
        check(
            "| Day | Hours |\n|---|---|\n| Mon | 9-4 |\n| Tue | **9-5** |\n\nThat is all.",
            &["Mon: Hours 9-4.", "Tue: Hours 9-5.", "That is all."],
        );
        check("| a | b |\nno table", &["a, b", "no table"]);
        check(
            "a\n---\n#hash\n2026. Yes\n- [x] done",
            &["a", "---", "#hash", "2026. Yes", "done"],
        );
    }

    #[test]
    fn text_of_a_line_comes_before_the_line_ends() {
        let mut markup = Markup::default();
        let mut text = String::new();
        markup.push("- We open at ", &mut text);
        assert_eq!(text.trim_start(), "We open at ");
    }
}
