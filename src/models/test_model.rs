//! For tests: a model made up on the spot.

use sha2::{Digest, Sha256};

use super::cache::hexadecimal;
use super::catalogue::{Model, ModelFile, ModelKind, Source};

/// A model called `test` that consists of the given files.
pub(super) fn model_of(files: &[(&str, &[u8])], sources: Vec<Source>) -> Model {
    let file = |(name, content): &(&str, &[u8])| ModelFile {
        name: (*name).to_owned(),
        bytes: content.len() as u64,
        sha256: vec![hexadecimal_sha256(content)],
    };
    Model {
        by_name: false,
        name: "test".to_owned(),
        kind: ModelKind::SpeechToText,
        licence: "none".to_owned(),
        about: String::new(),
        files: files.iter().map(file).collect(),
        sources,
    }
}

pub(super) fn hexadecimal_sha256(content: &[u8]) -> String {
    hexadecimal(&Sha256::digest(content))
}
