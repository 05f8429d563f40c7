//! Markdown -> its sections: the text below each heading, without markup.
//!
//! This file must not know about chunks, scores, or what can be read aloud.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

/// The most characters of a heading that are kept, since every passage below it repeats them.
pub(super) const HEADING_CHARS_MAX: usize = 200;

/// The text below one heading, with the headings above it and their levels (1 to 6).
#[derive(Default)]
pub(super) struct Section {
    pub trail: Vec<(u8, String)>,
    /// The text without markup, each paragraph, list item or table row on a line.
    pub body: String,
}

impl Section {
    /// The section that a heading of `level` opens after this one.
    fn below(&self, level: u8, heading: &str) -> Self {
        let mut trail = self.trail.clone();
        trail.retain(|(above, _)| *above < level);
        let heading = heading.trim().chars().take(HEADING_CHARS_MAX).collect();
        trail.push((level, heading));
        let body = String::new();
        Self { trail, body }
    }
}

/// Cuts Markdown at its headings and takes the markup off. Code blocks, HTML, images and front matter are dropped;
/// each paragraph and list item becomes a line, and each table row a line with the words of the table's head in it.
pub(super) fn sections(markdown: &str) -> Vec<Section> {
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS;
    let mut cutting = Cutting::default();
    for event in Parser::new_ext(markdown, options) {
        cutting.take(event);
    }
    cutting.done.push(cutting.section);
    cutting.done
}

#[derive(Default)]
struct Cutting {
    done: Vec<Section>,
    section: Section,
    /// The heading that is being read.
    heading: Option<String>,
    /// The table that is being read.
    table: Option<Table>,
    /// How many levels deep the reader is inside of what is dropped.
    dropped_depth: usize,
}

/// A table so far: its head, and the cells of the row that is being read.
#[derive(Default)]
struct Table {
    head: Vec<String>,
    cells: Vec<String>,
    cell: String,
}

impl Cutting {
    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Start(Tag::CodeBlock(_) | Tag::Image { .. } | Tag::MetadataBlock(_)) => {
                self.dropped_depth += 1;
            }
            Event::End(TagEnd::CodeBlock | TagEnd::Image | TagEnd::MetadataBlock(_)) => {
                self.dropped_depth = self.dropped_depth.saturating_sub(1);
            }
            Event::Start(Tag::Heading { .. }) => self.heading = Some(String::new()),
            Event::End(TagEnd::Heading(level)) => {
                let heading = self.heading.take().unwrap_or_default();
                let next = self.section.below(level as u8, &heading);
                self.done.push(std::mem::replace(&mut self.section, next));
            }
            Event::Text(text) | Event::Code(text) if self.dropped_depth == 0 => self.text(&text),
            Event::SoftBreak => self.text(" "),
            Event::Start(Tag::Item) | Event::HardBreak | Event::End(TagEnd::Item) => {
                self.section.body.push('\n');
            }
            Event::Start(Tag::Table(_)) => self.table = Some(Table::default()),
            Event::End(TagEnd::Table) => self.table = None,
            Event::End(TagEnd::TableCell) => {
                if let Some(table) = &mut self.table {
                    table.cells.push(std::mem::take(&mut table.cell));
                }
            }
            Event::End(TagEnd::TableHead) => {
                if let Some(table) = &mut self.table {
                    table.head = std::mem::take(&mut table.cells);
                }
            }
            Event::End(TagEnd::TableRow) => {
                if let Some(table) = &mut self.table {
                    let row = table.row();
                    self.section.body += &row;
                    self.section.body.push('\n');
                }
            }
            Event::End(TagEnd::Paragraph) => self.section.body.push_str("\n\n"),
            _ => {}
        }
    }

    fn text(&mut self, text: &str) {
        let place = match (&mut self.heading, &mut self.table) {
            (Some(heading), _) => heading,
            (None, Some(table)) => &mut table.cell,
            (None, None) => &mut self.section.body,
        };
        // Control characters and what turns the direction of a line are no text.
        place.extend(text.chars().filter(|c| !is_control(*c)));
    }
}

fn is_control(c: char) -> bool {
    c.is_control() && c != '\n' && c != '\t'
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

impl Table {
    /// "Large loaf: price £4.60, weight 800 g.": read out, a row has to carry the head of its table.
    fn row(&mut self) -> String {
        let cells = std::mem::take(&mut self.cells);
        let mut named = cells.iter().zip(&self.head).skip(1);
        let rest: Vec<String> = named
            .by_ref()
            .filter(|(cell, _)| !cell.trim().is_empty() && cell.trim() != "-")
            .map(|(cell, head)| format!("{} {}", head.trim(), cell.trim()).trim().to_owned())
            .collect();
        let first = cells.first().map_or("", |cell| cell.trim());
        let first = match self.head.first().map(|head| head.trim()) {
            // A figure alone does not say what it counts.
            Some(head) if first.starts_with(|c: char| c.is_ascii_digit()) => {
                format!("{head} {first}")
            }
            _ => first.to_owned(),
        };
        match (first.is_empty(), rest.is_empty()) {
            (false, false) => format!("{first}: {}.", rest.join(", ")),
            (true, _) => rest.join(", "),
            (false, true) => first,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(markdown: &str, body: &str) {
        let all = sections(markdown);
        let text: Vec<String> = all.iter().map(|section| section.body.clone()).collect();
        let lines = text.concat();
        let lines: Vec<&str> = lines
            .lines()
            .map(str::trim)
            .filter(|l| !l.is_empty())
            .collect();
        assert_eq!(lines.join("|"), body);
    }

    #[test]
    fn a_table_row_carries_the_head_of_its_table() {
        check(
            "| Loaf | 400 g | 800 g |\n|--|--|--|\n| White | £2.90 | £4.60 |\n| Rye | - | £5 |\n",
            "White: 400 g £2.90, 800 g £4.60.|Rye: 800 g £5.",
        );
        check(
            "| Cake | Price |\n|--|--|\n| 15 cm | £34 |\n",
            "Cake 15 cm: Price £34.",
        );
        check("| A |\n|--|\n| b |\n\nAfter.", "b|After.");
    }

    #[test]
    fn markup_code_and_html_are_no_text() {
        check(
            "*A* [link](https://a.example) and `code`.<br>\n",
            "A link and code.",
        );
        check(
            "```sh\nrm\n```\n<script>x</script>\n\n    indented\n\n![alt](i.png)",
            "",
        );
        check("- one\n- two\n", "one|two");
        check("a\u{202e}b\u{7}c", "abc");
    }

    #[test]
    fn a_section_knows_the_headings_above_it() {
        let all = sections("# A\n## B\n### C\nx\n## D\ny\n");
        let trail =
            |at: usize| -> Vec<&str> { all[at].trail.iter().map(|(_, h)| h.as_str()).collect() };
        assert_eq!(trail(3), ["A", "B", "C"]);
        assert_eq!(trail(4), ["A", "D"]);
    }
}
