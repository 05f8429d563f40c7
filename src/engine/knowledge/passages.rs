//! Documents -> passages: what is read from a folder, and how a document is cut at its headings.
//!
//! Everything read from outside is bounded here. It must not know about the index or about scores.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use super::KnowledgeError;
use super::spoken::{aloud, sentences};

/// The largest file read, in bytes.
pub const FILE_BYTES_MAX: u64 = 4 << 20;
/// The most bytes read from one folder.
pub const FOLDER_BYTES_MAX: u64 = 64 << 20;
/// The most passages one folder may hold.
pub const PASSAGES_MAX: usize = 20_000;
/// The longest passage, in characters: about 100 words, more than an answer ever reads out.
pub const PASSAGE_CHARS_MAX: usize = 600;
/// A longer heading keeps its first characters: every passage below repeats it.
const HEADING_CHARS_MAX: usize = 200;
/// Folders nested deeper than this are not entered.
const DEPTH_MAX: usize = 16;
/// The most folder entries looked at, so that a whole disk given by mistake is refused quickly.
const ENTRIES_MAX: usize = 100_000;

/// A stretch of a document under one heading, in text that can be spoken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passage {
    /// The document's first top-level heading, or its file name in words.
    pub document: String,
    /// The headings above the passage below the title, outermost first; empty before the first of them.
    pub trail: Vec<String>,
    /// At most [`PASSAGE_CHARS_MAX`] characters, no Markdown, a paragraph, list item or table row a line.
    pub body: String,
}

impl Passage {
    /// The nearest heading above the passage; the document's title if there is none.
    pub fn heading(&self) -> &str {
        self.trail.last().unwrap_or(&self.document)
    }
}

/// How a file's text is to be taken, by its extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Markdown,
    Plain,
}

impl Format {
    /// `.md` and `.txt` in any case; `None` for every other file.
    pub fn of(path: &Path) -> Option<Self> {
        let extension = path.extension()?.to_str()?;
        if extension.eq_ignore_ascii_case("md") {
            return Some(Self::Markdown);
        }
        extension.eq_ignore_ascii_case("txt").then_some(Self::Plain)
    }
}

/// The passages of every `.md` and `.txt` file below `folder`, files in order of their paths.
///
/// Names that begin with a dot are skipped; links to files are followed, links to folders are not.
/// Errors: a folder that is missing or holds no text, a file that cannot be read, is not UTF-8, or passes a bound.
pub fn read_folder(folder: &Path) -> Result<Vec<Passage>, KnowledgeError> {
    let mut files = Vec::new();
    let mut entries_left = ENTRIES_MAX;
    if !folder.is_dir() {
        return Err(KnowledgeError::NoFolder {
            folder: folder.to_owned(),
        });
    }
    list_files(folder, DEPTH_MAX, &mut entries_left, &mut files)?;
    files.sort_by(|(a, _), (b, _)| a.cmp(b));
    let mut passages = Vec::new();
    let mut bytes_left = FOLDER_BYTES_MAX;
    for (path, format) in files {
        let text = read_text(&path)?;
        bytes_left = bytes_left
            .checked_sub(text.len() as u64)
            .ok_or_else(|| KnowledgeError::too_much(folder, "64 MiB of text"))?;
        passages.extend(cut(&text, &path, format));
        if passages.len() > PASSAGES_MAX {
            return Err(KnowledgeError::too_much(folder, "20,000 passages"));
        }
    }
    if passages.is_empty() {
        return Err(KnowledgeError::Empty {
            folder: folder.to_owned(),
        });
    }
    Ok(passages)
}

fn list_files(
    folder: &Path,
    depth_left: usize,
    entries_left: &mut usize,
    files: &mut Vec<(PathBuf, Format)>,
) -> Result<(), KnowledgeError> {
    let unreadable = |source| KnowledgeError::Unreadable {
        path: folder.to_owned(),
        source,
    };
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        *entries_left = entries_left
            .checked_sub(1)
            .ok_or_else(|| KnowledgeError::too_much(folder, "100,000 files"))?;
        let path = entry.path();
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        if entry.file_type().map_err(unreadable)?.is_dir() {
            if depth_left > 0 {
                list_files(&path, depth_left - 1, entries_left, files)?;
            }
        } else if let Some(format) = Format::of(&path).filter(|_| path.is_file()) {
            files.push((path, format));
        }
    }
    Ok(())
}

fn read_text(path: &Path) -> Result<String, KnowledgeError> {
    let unreadable = |source| KnowledgeError::Unreadable {
        path: path.to_owned(),
        source,
    };
    let mut bytes = Vec::new();
    // One byte over the bound is enough to see that it is passed, however large the file is or grows.
    File::open(path)
        .map_err(unreadable)?
        .take(FILE_BYTES_MAX + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(KnowledgeError::LargeFile {
            path: path.to_owned(),
        });
    }
    String::from_utf8(bytes).map_err(|error| KnowledgeError::NotUtf8 {
        path: path.to_owned(),
        line: 1 + error.as_bytes()[..error.utf8_error().valid_up_to()]
            .iter()
            .filter(|byte| **byte == b'\n')
            .count(),
    })
}

/// The passages of one document. `path` gives the title of a document that has no top-level heading.
pub fn cut(text: &str, path: &Path, format: Format) -> Vec<Passage> {
    let text = text.trim_start_matches('\u{feff}');
    let sections = match format {
        Format::Markdown => sections(text),
        Format::Plain => vec![Section {
            trail: Vec::new(),
            body: text.to_owned(),
        }],
    };
    let title = sections
        .iter()
        .flat_map(|section| &section.trail)
        .find(|(level, _)| *level == 1)
        .map(|(_, title)| title.clone());
    let document = title.clone().unwrap_or_else(|| title_of(path));
    let mut passages = Vec::new();
    for section in sections {
        // One more than allowed shows that there are too many; the rest need no memory.
        let room = (PASSAGES_MAX + 1).saturating_sub(passages.len());
        let headings = section.trail.into_iter().map(|(_, heading)| heading);
        let trail: Vec<String> = headings
            .filter(|heading| Some(heading) != title.as_ref())
            .collect();
        let bodies = chunks(&aloud(&section.body)).into_iter();
        passages.extend(bodies.take(room).map(|body| Passage {
            document: document.clone(),
            trail: trail.clone(),
            body,
        }));
    }
    passages
}

/// Packs the sentences of a section into chunks of at most [`PASSAGE_CHARS_MAX`] characters, in linear time. The lines
/// of the text stay lines.
fn chunks(text: &str) -> Vec<String> {
    let mut done = Vec::new();
    let (mut chunk, mut chunk_chars) = (String::new(), 0);
    for line in text.lines() {
        let mut gap = "\n";
        for piece in sentences(line).into_iter().flat_map(pieces) {
            let piece_chars = piece.chars().count();
            if chunk_chars + 1 + piece_chars > PASSAGE_CHARS_MAX && !chunk.is_empty() {
                done.push(std::mem::take(&mut chunk));
                chunk_chars = 0;
            }
            if !chunk.is_empty() {
                chunk.push_str(gap);
                chunk_chars += 1;
            }
            chunk.push_str(piece);
            chunk_chars += piece_chars;
            gap = " ";
        }
    }
    if !chunk.is_empty() {
        done.push(chunk);
    }
    done
}

/// A sentence in pieces that fit a passage, cut between words where there are any.
fn pieces(sentence: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = sentence;
    while let Some((bound, _)) = rest.char_indices().nth(PASSAGE_CHARS_MAX) {
        let cut = rest[..bound]
            .rfind(' ')
            .filter(|at| *at > 0)
            .unwrap_or(bound);
        found.push(rest[..cut].trim());
        rest = &rest[cut..];
    }
    found.push(rest.trim());
    found
}

fn title_of(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    stem.replace(['-', '_'], " ").trim().to_owned()
}

/// The text below one heading, with the headings above it and their levels (1 to 6).
#[derive(Default)]
struct Section {
    trail: Vec<(u8, String)>,
    body: String,
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
/// each paragraph, list item and table row becomes a line.
fn sections(markdown: &str) -> Vec<Section> {
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS;
    let mut done = Vec::new();
    let mut section = Section::default();
    let mut heading: Option<String> = None;
    let mut dropped_depth = 0_usize;
    for event in Parser::new_ext(markdown, options) {
        match event {
            Event::Start(Tag::CodeBlock(_) | Tag::Image { .. } | Tag::MetadataBlock(_)) => {
                dropped_depth += 1
            }
            Event::End(TagEnd::CodeBlock | TagEnd::Image | TagEnd::MetadataBlock(_)) => {
                dropped_depth = dropped_depth.saturating_sub(1)
            }
            Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
            Event::End(TagEnd::Heading(level)) => {
                let next = section.below(level as u8, &heading.take().unwrap_or_default());
                done.push(std::mem::replace(&mut section, next));
            }
            Event::Text(text) | Event::Code(text) if dropped_depth == 0 => heading
                .as_mut()
                .unwrap_or(&mut section.body)
                .push_str(&text),
            Event::SoftBreak => heading.as_mut().unwrap_or(&mut section.body).push(' '),
            Event::Start(Tag::Item) | Event::HardBreak | Event::End(TagEnd::Item) => {
                section.body.push('\n')
            }
            Event::End(TagEnd::TableCell) => section.body.push_str(", "),
            Event::End(TagEnd::TableRow | TagEnd::TableHead) => {
                let row_end = section.body.trim_end_matches(", ").len();
                section.body.truncate(row_end);
                section.body.push('\n');
            }
            Event::End(TagEnd::Paragraph) => section.body.push_str("\n\n"),
            _ => {}
        }
    }
    done.push(section);
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    fn markdown(text: &str) -> Vec<Passage> {
        cut(text, Path::new("docs/user_guide-2.md"), Format::Markdown)
    }

    #[track_caller]
    fn check(passage: &Passage, document: &str, trail: &[&str], body: &str) {
        let found: Vec<&str> = passage.trail.iter().map(String::as_str).collect();
        assert_eq!(
            (
                passage.document.as_str(),
                found.as_slice(),
                passage.body.as_str()
            ),
            (document, trail, body)
        );
    }

    #[test]
    fn a_passage_keeps_its_title_and_the_trail_of_its_headings() {
        let passages =
            markdown("intro\n# Guide\n## Set up\n### On Linux\nType it.\n## Use\nSpeak.\nNow.\n");
        check(&passages[0], "Guide", &[], "intro");
        check(&passages[1], "Guide", &["Set up", "On Linux"], "Type it.");
        check(&passages[2], "Guide", &["Use"], "Speak. Now.");
        assert_eq!(
            (passages[0].heading(), passages[1].heading()),
            ("Guide", "On Linux")
        );
    }

    #[test]
    fn a_document_without_a_title_is_called_by_its_file_name() {
        check(
            &markdown("\u{feff}One.\r\n\r\nTwo.\r\n")[0],
            "user guide 2",
            &[],
            "One.\nTwo.",
        );
        check(
            &cut("# not a heading", Path::new("a.txt"), Format::Plain)[0],
            "a",
            &[],
            "not a heading",
        );
    }

    #[test]
    fn markup_is_taken_off_and_code_dropped() {
        let text = "---\ntag: x\n---\n*A* [link](https://a.example) and `code`.<br>\n\n- one\n- two\n\n\
                    | Day | Hours |\n|--|--|\n| Monday | 9-5 |\n\n![alt](i.png)\n\n    indented\n\n```sh\nrm\n```\n# not\n";
        check(
            &markdown(text)[0],
            "not",
            &[],
            "A link and code.\none\ntwo\nDay, Hours\nMonday, 9 to 5",
        );
        assert_eq!(markdown(text).len(), 1);
    }

    #[test]
    fn long_sections_are_cut_into_passages_under_the_bound() {
        let text = format!("# T\n{}", "These are six short plain words. ".repeat(400));
        let passages = markdown(&text);
        assert!(passages.len() >= 20);
        assert!(
            passages
                .iter()
                .all(|passage| passage.body.chars().count() <= PASSAGE_CHARS_MAX)
        );
        assert!(passages.iter().all(|passage| passage.body.ends_with('.')));
    }

    #[test]
    fn hostile_documents_stay_small() {
        let long_title = format!("# {}\n{}", "t".repeat(100_000), "## a\nb\n".repeat(100));
        assert!(
            markdown(&long_title)
                .iter()
                .all(|passage| passage.document.len() == HEADING_CHARS_MAX)
        );
        assert_eq!(
            markdown(&"# a\nb\n".repeat(PASSAGES_MAX + 500)).len(),
            PASSAGES_MAX + 1
        );
        markdown(&format!("{}{}", ">".repeat(50_000), "*[".repeat(50_000)));
        // In seconds only if the work grows no faster than the text.
        for text in ["word another ", "a.", "[[", ". ", "- a\n", "*a_"] {
            markdown(&text.repeat(200_000));
        }
        let unbroken = cut(&"é".repeat(300_000), Path::new("a.txt"), Format::Plain);
        assert!(
            unbroken
                .iter()
                .all(|passage| passage.body.chars().count() <= PASSAGE_CHARS_MAX)
        );
    }
}
