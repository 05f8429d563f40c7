//! Markdown -> its sections: the text below each heading, without markup.
//!
//! This file must not know about chunks, scores, or what can be read aloud.

use super::questions::{QUESTION, SOFT_BREAK, answered};
use crate::speak::{table_row, without_tags};
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
    pub(super) fn below(&self, level: u8, heading: &str) -> Self {
        let mut trail = self.trail.clone();
        trail.retain(|(above, _)| *above < level);
        let heading = heading.trim().chars().take(HEADING_CHARS_MAX).collect();
        trail.push((level, heading));
        let body = String::new();
        Self { trail, body }
    }
}

/// Cuts Markdown at its headings and its questions and takes the markup off. Code blocks, images, comments and front
/// matter are dropped, HTML is read without its tags; each paragraph and list item becomes a line, and each table row a line with the words of the table's head in it.
pub(super) fn sections(markdown: &str) -> Vec<Section> {
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS;
    let mut cutting = Cutting::default();
    for event in Parser::new_ext(markdown, options) {
        cutting.take(event);
    }
    cutting.done.push(cutting.section);
    cutting.done.into_iter().flat_map(answered).collect()
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
    /// The block of HTML that is being read.
    html: Option<String>,
    /// Where the paragraph begins in the body, and where its last bold words begin and end.
    paragraph: usize,
    strong_start: Option<usize>,
    strong_end: usize,
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
            // Not yet a blank: the next line may be an answer.
            Event::SoftBreak if self.heading.is_none() && self.table.is_none() => {
                self.section.body.push(SOFT_BREAK);
            }
            Event::SoftBreak => self.text(" "),
            Event::Start(Tag::HtmlBlock) => self.html = Some(String::new()),
            Event::Html(html) => match &mut self.html {
                Some(block) => block.push_str(&html),
                None => self.read_html(&html),
            },
            Event::End(TagEnd::HtmlBlock) => {
                if let Some(block) = self.html.take() {
                    self.read_html(&block);
                    self.section.body.push('\n');
                }
            }
            Event::InlineHtml(tag) if tag.starts_with("<br") && self.dropped_depth == 0 => {
                self.line_end();
            }
            Event::Start(Tag::Paragraph) => self.paragraph = self.section.body.len(),
            Event::Start(Tag::Strong) => self.strong_start = Some(self.section.body.len()),
            Event::End(TagEnd::Strong) => self.strong_end = self.section.body.len(),
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
            Event::End(TagEnd::Paragraph) => {
                self.mark_bold_question();
                self.section.body.push_str("\n\n");
            }
            _ => {}
        }
    }

    /// A paragraph of bold words alone that asks is marked as a question, which heads what comes behind it.
    fn mark_bold_question(&mut self) {
        let body = &self.section.body;
        let is_bold =
            self.strong_start.take() == Some(self.paragraph) && self.strong_end == body.len();
        let is_question = body
            .get(self.paragraph..)
            .is_some_and(|text| text.trim_end().ends_with('?'));
        if is_bold && is_question {
            self.section.body.insert(self.paragraph, QUESTION);
        }
    }

    fn read_html(&mut self, html: &str) {
        if self.dropped_depth == 0 {
            let text = without_tags(html);
            self.text(&text);
        }
    }

    fn line_end(&mut self) {
        match (&self.heading, &self.table) {
            (None, None) => self.section.body.push('\n'),
            _ => self.text(" "),
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
    /// The row that was read, with the words of the table's head in it.
    fn row(&mut self) -> String {
        table_row(&self.head, &std::mem::take(&mut self.cells))
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
    fn html_is_read_without_its_tags() {
        check(
            "<div class=\"note\"><p>Open from <b>nine</b> until four &amp; later.</p></div>\n\n<!-- the code\n is 4711 -->\n\nCome <i>by</i><br>soon.",
            "Open from nine until four & later.|Come by|soon.",
        );
        check("<ul>\n<li>one</li>\n<li>two</li>\n</ul>", "one|two");
    }

    #[test]
    fn questions_head_their_answers() {
        let all = sections(
            "# FAQ\n\n**Q: When are you open?**\n\nA: From nine.\n\n**Dogs allowed?**\n\nYes.\n\nQ: Cash?\nA: Yes,\nand cards.\n\n## Else\n\nA plan.",
        );
        let read: Vec<(String, &str)> = all
            .iter()
            .map(|section| {
                (
                    section
                        .trail
                        .last()
                        .map_or(String::new(), |(_, heading)| heading.clone()),
                    section.body.trim(),
                )
            })
            .filter(|(_, body)| !body.is_empty())
            .collect();
        let read: Vec<(&str, &str)> = read
            .iter()
            .map(|(heading, body)| (heading.as_str(), *body))
            .collect();
        assert_eq!(
            read,
            [
                ("When are you open?", "From nine."),
                ("Dogs allowed?", "Yes."),
                ("Cash?", "Yes, and cards."),
                ("Else", "A plan."),
            ]
        );
    }

    #[test]
    fn markup_and_code_are_no_text() {
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
