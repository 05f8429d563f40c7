//! Documents -> passages: stretches of text under one heading, each small enough to be searched and read out.
//!
//! This file must not know about the index or about scores.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::chunks::chunks;
use super::folder::{Document, Format};
use super::markdown::{Section, sections};
use super::preparation::Preparation;
use super::questions::answered;

/// The most passages one folder may hold.
pub const PASSAGES_MAX: usize = 20_000;

/// A stretch of a document under one heading.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passage {
    /// The document's path below its folder.
    pub file: String,
    /// The document's first top-level heading, or its file name in words.
    pub document: String,
    /// The headings above the passage below the title, outermost first; empty before the first of them.
    pub trail: Vec<String>,
    /// The text without Markdown, each paragraph, list item or table row on a line; no longer than the preparation says.
    pub body: String,
}

impl Passage {
    /// The nearest heading above the passage; the document's title if there is none.
    pub fn heading(&self) -> &str {
        self.trail.last().unwrap_or(&self.document)
    }

    /// The passage's section, as files of questions name it: `FILE#Heading`.
    pub fn place(&self) -> String {
        format!("{}#{}", self.file, self.heading())
    }
}

/// The passages of documents, in order; one more than [`PASSAGES_MAX`] at most, which shows that there are too many.
pub(super) fn of(documents: &[Document], preparation: &Preparation) -> Vec<Passage> {
    let mut passages = Vec::new();
    for document in documents {
        let room = (PASSAGES_MAX + 1).saturating_sub(passages.len());
        passages.extend(cut(document, preparation).take(room));
    }
    passages
}

/// The passages of one document.
fn cut(document: &Document, preparation: &Preparation) -> impl Iterator<Item = Passage> {
    let text = document.text.trim_start_matches('\u{feff}');
    let sections = match document.format {
        Format::Markdown => sections(text),
        Format::Plain => answered(Section {
            trail: Vec::new(),
            body: text.to_owned(),
        }),
    };
    let mut headings = sections.iter().flat_map(|section| &section.trail);
    let title = headings.find(|(level, _)| *level == 1);
    let title = title.map(|(_, title)| title.clone());
    let name = title.clone().unwrap_or_else(|| name_of(&document.file));
    let preparation = preparation.clone();
    let file = document.file.clone();
    sections.into_iter().flat_map(move |section| {
        let headings = section.trail.into_iter().map(|(_, heading)| heading);
        let trail: Vec<String> = headings
            .filter(|heading| Some(heading) != title.as_ref())
            .collect();
        let (file, document) = (file.clone(), name.clone());
        let bodies = chunks(&section.body, &preparation).into_iter();
        bodies.map(move |body| Passage {
            file: file.clone(),
            document: document.clone(),
            trail: trail.clone(),
            body,
        })
    })
}

fn name_of(file: &str) -> String {
    let stem = Path::new(file).file_stem().unwrap_or_default();
    stem.to_string_lossy()
        .replace(['-', '_'], " ")
        .trim()
        .to_owned()
}
