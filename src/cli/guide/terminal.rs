//! Markdown as it is read in a terminal: paragraphs in its width, tables drawn, code as it is.

use crate::report::table::trimmed;
use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{ContentArrangement, Table};
use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

/// How text is to look.
#[derive(Debug, Clone, Copy)]
pub(super) struct Look {
    /// The width of lines, but for those of code: at least 20.
    pub columns: usize,
    pub has_colours: bool,
}

/// What a stretch of text can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    Title,
    Strong,
    Code,
    Link,
}

impl Style {
    /// The sequence that begins it. Colours are of the eight that every terminal's owner has chosen.
    fn begins(self) -> &'static str {
        match self {
            Style::Title => "\x1b[1;36m",
            Style::Strong => "\x1b[1m",
            Style::Code => "\x1b[33m",
            Style::Link => "\x1b[36m",
        }
    }
}

const ENDS: &str = "\x1b[0m";

/// The text for a terminal, ending in a line's end.
pub(super) fn drawn(markdown: &str, look: Look) -> String {
    let mut drawing = Drawing {
        look,
        text: String::new(),
        inline: String::new(),
        styles: Vec::new(),
        lists: Vec::new(),
        bullet: None,
        is_next_item: false,
        has_items: false,
        table: None,
        code: None,
    };
    for event in Parser::new_ext(markdown, Options::ENABLE_TABLES) {
        drawing.add(event);
    }
    drawing.text
}

struct Drawing {
    look: Look,
    text: String,
    /// The paragraph, heading or cell that is being read.
    inline: String,
    styles: Vec<Style>,
    /// The next number of each list that is open, `None` for bullets.
    lists: Vec<Option<u64>>,
    /// What stands before the next paragraph of a list.
    bullet: Option<String>,
    /// Whether the next paragraph is an item that another one of its list stands before.
    is_next_item: bool,
    /// Whether the outermost list has an item.
    has_items: bool,
    table: Option<Rows>,
    /// The block of code that is being read.
    code: Option<String>,
}

/// A table that is being read.
#[derive(Default)]
struct Rows {
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Drawing {
    fn add(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(&tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) => match &mut self.code {
                Some(code) => code.push_str(&text),
                None => self.inline.push_str(&text),
            },
            Event::Code(code) => {
                self.begin(Style::Code);
                self.inline.push_str(&code);
                self.finish();
            }
            Event::SoftBreak | Event::HardBreak => self.inline.push(' '),
            _ => {}
        }
    }

    fn start(&mut self, tag: &Tag<'_>) {
        match tag {
            Tag::Heading { .. } => self.begin(Style::Title),
            Tag::Strong | Tag::Emphasis => self.begin(Style::Strong),
            Tag::Link { .. } => self.begin(Style::Link),
            Tag::CodeBlock(CodeBlockKind::Fenced(_) | CodeBlockKind::Indented) => {
                self.code = Some(String::new());
            }
            Tag::List(first) => {
                self.paragraph();
                self.lists.push(*first);
                self.has_items = self.lists.len() > 1;
            }
            Tag::Item => {
                self.bullet = Some(self.next_bullet());
                self.is_next_item =
                    std::mem::replace(&mut self.has_items, true) || self.lists.len() > 1;
            }
            Tag::Table(_) => self.table = Some(Rows::default()),
            Tag::TableRow => {
                if let Some(table) = &mut self.table {
                    table.rows.push(Vec::new());
                }
            }
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Heading(_) => {
                self.finish();
                self.paragraph();
            }
            TagEnd::Strong | TagEnd::Emphasis | TagEnd::Link => self.finish(),
            TagEnd::Paragraph | TagEnd::Item => self.paragraph(),
            TagEnd::List(_) => {
                self.lists.pop();
            }
            TagEnd::CodeBlock => self.code_block(),
            TagEnd::TableCell => self.cell(),
            TagEnd::Table => self.whole_table(),
            _ => {}
        }
    }

    /// Begins a stretch of a style. Cells have none, since their width is counted letter by letter.
    fn begin(&mut self, style: Style) {
        self.styles.push(style);
        if self.is_styled() {
            self.inline.push_str(style.begins());
        }
    }

    /// Ends the innermost stretch, and goes on with the one around it.
    fn finish(&mut self) {
        self.styles.pop();
        if self.is_styled() {
            self.inline.push_str(ENDS);
            if let Some(around) = self.styles.last() {
                self.inline.push_str(around.begins());
            }
        }
    }

    fn is_styled(&self) -> bool {
        self.look.has_colours && self.table.is_none()
    }

    fn next_bullet(&mut self) -> String {
        match self.lists.last_mut() {
            Some(Some(number)) => {
                let bullet = format!("{number}. ");
                *number += 1;
                bullet
            }
            _ => "• ".to_owned(),
        }
    }

    /// Puts what was read as a paragraph of its own, behind its bullet if it has one.
    fn paragraph(&mut self) {
        let read = std::mem::take(&mut self.inline);
        if read.trim().is_empty() {
            return;
        }
        let outer = "  ".repeat(self.lists.len().saturating_sub(1));
        let bullet = self.bullet.take();
        let (first, rest) = match bullet {
            Some(bullet) => {
                let rest = format!("{outer}{}", " ".repeat(bullet.chars().count()));
                (format!("{outer}{bullet}"), rest)
            }
            None => (outer.clone(), outer),
        };
        // Items of a list lie close together.
        if !self.text.is_empty() && !std::mem::take(&mut self.is_next_item) {
            self.text.push('\n');
        }
        // Flags are not broken at their hyphens.
        let options = textwrap::Options::new(self.look.columns)
            .word_separator(textwrap::WordSeparator::AsciiSpace)
            .word_splitter(textwrap::WordSplitter::NoHyphenation)
            .initial_indent(&first)
            .subsequent_indent(&rest);
        for line in textwrap::wrap(&read, options) {
            self.text.push_str(line.trim_end());
            self.text.push('\n');
        }
    }

    fn code_block(&mut self) {
        let code = self.code.take().unwrap_or_default();
        self.text.push('\n');
        for line in code.lines() {
            match self.look.has_colours {
                true => {
                    let begins = Style::Code.begins();
                    self.text.push_str(&format!("    {begins}{line}{ENDS}\n"));
                }
                false => {
                    let line = format!("    {line}");
                    self.text.push_str(line.trim_end());
                    self.text.push('\n');
                }
            }
        }
    }

    fn cell(&mut self) {
        let cell = std::mem::take(&mut self.inline);
        if let Some(table) = &mut self.table {
            match table.rows.last_mut() {
                Some(row) => row.push(cell),
                None => table.header.push(cell),
            }
        }
    }

    fn whole_table(&mut self) {
        let Some(Rows { header, rows }) = self.table.take() else {
            return;
        };
        let mut table = Table::new();
        table.load_style(UTF8_HORIZONTAL_ONLY);
        table.set_content_arrangement(ContentArrangement::Dynamic);
        table.set_width(u16::try_from(self.look.columns).unwrap_or(u16::MAX));
        table.set_header(header);
        table.add_rows(rows);
        self.text.push('\n');
        self.text.push_str(&trimmed(&table));
        self.text.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guide::TOPICS;

    const PLAIN: Look = Look {
        columns: 60,
        has_colours: false,
    };

    #[test]
    fn a_text_reads_like_this() {
        let text = "# A title\n\nA paragraph that is longer than the terminal is wide, with `code`, **weight** and a [link].\n\n\
            - an item that is longer than the terminal is wide, so that it is broken\n- another\n\n1. first\n2. second\n\n\
            ```sh\nvoicesim measure CALL.wav   # code stays as it is, however long the line may be, since it is copied\n```\n\n\
            | hop | what it is |\n|---|---|\n| `answer` | from the question to the first piece of the answer's text, waiting left out |\n\n[link]: link.md\n";
        insta::assert_snapshot!(drawn(text, PLAIN));
    }

    #[test]
    fn every_topic_fits_the_terminal() {
        for topic in TOPICS {
            for columns in [40, 80] {
                let text = drawn(topic.text, Look { columns, ..PLAIN });
                // Code is not broken, nor is a word.
                let wide = text.lines().find(|line| {
                    line.chars().count() > columns
                        && !line.starts_with("    ")
                        && line.trim().contains(' ')
                });
                assert_eq!(wide, None, "{}", topic.name);
                assert!(
                    !text.contains("```") && !text.contains("]("),
                    "{}",
                    topic.name
                );
            }
        }
    }

    #[test]
    fn colours_change_nothing_but_colours() {
        for topic in TOPICS {
            let coloured = drawn(
                topic.text,
                Look {
                    has_colours: true,
                    ..PLAIN
                },
            );
            let mut bare = String::new();
            let mut parts = coloured.split('\x1b');
            bare += parts.next().unwrap_or_default();
            for part in parts {
                bare += part.split_once('m').expect("a sequence").1;
            }
            let trimmed: String = bare
                .lines()
                .map(|line| format!("{}\n", line.trim_end()))
                .collect();
            assert_eq!(trimmed, drawn(topic.text, PLAIN), "{}", topic.name);
        }
    }
}
