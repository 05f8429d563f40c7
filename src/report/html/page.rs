//! What every page has around its content: its head, its style, its footer.
//!
//! A page of its own is a struct with a field `page: Page` and whatever it shows, and a template that begins with
//! `{% extends "page.html" %}` and fills `{% block main %}` with `<section id="…" aria-labelledby="…">`s:
//!
//! ```text
//! #[derive(Template)]
//! #[template(path = "mine.html", config = "src/report/html/askama.toml")]
//! struct Mine<'a> { page: Page, words: &'a str, figures: Table, picture: Svg }
//! ```
//!
//! Every string in a template is escaped. What was made here is of a type that is not: [`Svg`], and parts
//! such as [`Table`](super::Table) as [`Part`]s.

use askama::filters::Safe;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha256};
use std::path::Path;

pub use crate::report::chart::Svg;

/// A template within a template.
pub type Part<T> = Safe<T>;

pub(crate) const STYLE: &str = include_str!("style.css");

/// What stands around the content of any page.
pub struct Page {
    /// The title, in the largest letters.
    pub title: String,
    /// One word for what it is: `run`, `simulation`, `comparison`.
    pub kind: &'static str,
    /// The version of voicesim that made the figures.
    pub version: String,
    /// Why the figures should not be trusted at all: before anything else.
    pub warning: Option<String>,
    /// Facts for a first glance, on one line.
    pub facts: Vec<String>,
    /// What a reader should know before trusting the figures.
    pub notes: Vec<String>,
    /// Anchors and names of the sections.
    pub sections: Vec<(&'static str, &'static str)>,
    /// JavaScript that adds to the page and is not needed to read it.
    pub script: Option<&'static str>,
}

/// Where a page will lie, and what folder it is made of.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The folder that the page will lie in.
    pub page: &'a Path,
    /// The folder that the results are in; `None` if they are not kept.
    pub folder: Option<&'a Path>,
}

impl Page {
    /// A page without anything in it.
    pub fn new(kind: &'static str, title: &str) -> Page {
        Page {
            title: title.to_owned(),
            kind,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            warning: None,
            facts: Vec::new(),
            notes: Vec::new(),
            sections: Vec::new(),
            script: None,
        }
    }

    pub(super) fn style(&self) -> Safe<&'static str> {
        Safe(STYLE)
    }

    pub(super) fn script(&self) -> Option<Safe<&'static str>> {
        self.script.map(Safe)
    }

    /// What the browser may load: nothing, but sound out of this file or from beside it. It runs this script
    /// and no other, whatever text of others there may be.
    pub(super) fn policy(&self) -> String {
        let script = match self.script {
            None => "'none'".to_owned(),
            Some(script) => {
                let hash = BASE64_STANDARD.encode(Sha256::digest(script.as_bytes()));
                format!("'sha256-{hash}'")
            }
        };
        format!(
            "default-src 'none'; style-src 'unsafe-inline'; script-src {script}; img-src data:; media-src data: file: 'self'; base-uri 'none'; form-action 'none'"
        )
    }
}
