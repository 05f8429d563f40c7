//! An index folder: what was prepared and indexed once, to be opened in a moment.
//!
//! ```text
//! voicesim-index.json   settings, and the length and hash of every other file; written last
//! passages.jsonl        the passages and their terms, one a line
//! synonyms.list         what means the same in the documents
//! terms/                the inverted index
//! ```
//!
//! An index is only read, never written to again, and nothing in it is trusted: lengths are bounded, hashes checked,
//! names plain. A damaged index cannot lead to any other file.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tantivy::Directory;
use tantivy::directory::{MmapDirectory, RamDirectory};

use super::analysis::Analysis;
use super::entry::Entry;
use super::error::KnowledgeError;
use super::index::PassageIndex;
use super::lexicon;
use super::passages::PASSAGES_MAX;
use super::preparation::Preparation;
use super::{Knowledge, entries, read_checked};
use crate::files;

const SETTINGS: &str = "voicesim-index.json";
const PASSAGES: &str = "passages.jsonl";
const TERMS: &str = "terms";
const SCHEMA: &str = "voicesim.index_folder/1";
/// The version of the rules, raised whenever terms are made or ranked otherwise.
const RULES: u32 = 3;
/// The largest size of the settings in bytes, and that of the whole index.
const SETTINGS_BYTES_MAX: u64 = 1 << 20;
const INDEX_BYTES_MAX: u64 = 1 << 30;

#[derive(Debug, Serialize, Deserialize)]
struct Settings {
    schema: String,
    /// The version of the voicesim that built the index.
    version: String,
    /// Hash of the rules by which terms were made, and of the list of synonyms.
    rules: String,
    preparation: Preparation,
    documents: usize,
    passages: usize,
    files: BTreeMap<String, Seal>,
}

/// The length and the hash of a file as it was written.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Seal {
    bytes: u64,
    sha256: String,
}

impl Seal {
    fn of(bytes: &[u8]) -> Seal {
        Seal {
            bytes: bytes.len() as u64,
            sha256: hex(&Sha256::digest(bytes)),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn rules() -> String {
    let list = Seal::of(lexicon::LIST.as_bytes()).sha256;
    format!("{RULES}-{}", list.get(..16).unwrap_or_default())
}

/// What was built.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Built {
    pub documents: usize,
    pub passages: usize,
    pub bytes: u64,
}

/// Whether a folder is an index rather than documents.
pub fn is_index(folder: &Path) -> bool {
    folder.join(SETTINGS).is_file()
}

/// Prepares a folder of documents and keeps the index in a new folder.
///
/// Errors: the documents cannot be read; the preparation makes no sense; the new folder holds something already, or
/// cannot be written.
pub fn build(
    documents: &Path,
    preparation: Preparation,
    out: &Path,
) -> Result<Built, KnowledgeError> {
    if let Some(fault) = preparation.fault() {
        return Err(KnowledgeError::Preparation(fault));
    }
    let is_taken = fs::read_dir(out).is_ok_and(|mut inside| inside.next().is_some());
    if is_taken || out.is_file() {
        return Err(KnowledgeError::Exists {
            folder: out.to_owned(),
        });
    }
    let documents_read = read_checked(documents)?;
    let analysis = Analysis::of(&preparation, &documents_read.synonyms);
    let entries = entries(&documents_read, &preparation, &analysis);
    if entries.len() > PASSAGES_MAX {
        return Err(KnowledgeError::too_much(documents, "20,000 passages"));
    }
    let unwritten = |source| unwritable(out, source);
    // Built aside: what is read is whole, whatever happens meanwhile.
    let aside = files::aside(out).map_err(unwritten)?;
    let mut seals = write_terms(&entries, &aside.path().join(TERMS))?;
    let mut lines = String::new();
    for entry in &entries {
        lines += &as_json(entry)?;
        lines.push('\n');
    }
    write(&aside.path().join(PASSAGES), &lines)?;
    seals.insert(PASSAGES.to_owned(), Seal::of(lines.as_bytes()));
    let synonyms = &documents_read.synonyms;
    write(&aside.path().join(lexicon::FILE), synonyms)?;
    seals.insert(lexicon::FILE.to_owned(), Seal::of(synonyms.as_bytes()));
    let built = Built {
        documents: documents_read.texts.len(),
        passages: entries.len(),
        bytes: seals.values().map(|seal| seal.bytes).sum(),
    };
    let settings = Settings {
        schema: SCHEMA.into(),
        version: env!("CARGO_PKG_VERSION").into(),
        rules: rules(),
        preparation,
        documents: built.documents,
        passages: built.passages,
        files: seals,
    };
    write(&aside.path().join(SETTINGS), &(as_json(&settings)? + "\n"))?;
    match files::put_in_place(aside, out) {
        Ok(()) => Ok(built),
        // Another one was built there meanwhile.
        Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => {
            Err(KnowledgeError::Exists {
                folder: out.to_owned(),
            })
        }
        Err(error) => Err(unwritable(out, error)),
    }
}

/// Keeps the inverted index in a folder; returns its files with their seals.
fn write_terms(entries: &[Entry], folder: &Path) -> Result<BTreeMap<String, Seal>, KnowledgeError> {
    let unwritable = |source| unwritable(folder, source);
    let (_, terms) = PassageIndex::build(entries)?;
    fs::create_dir_all(folder).map_err(unwritable)?;
    let mapped = MmapDirectory::open(folder).map_err(tantivy::TantivyError::from)?;
    terms.persist(&mapped)?;
    drop(mapped);
    let mut seals = BTreeMap::new();
    for file in fs::read_dir(folder).map_err(unwritable)? {
        let name = file.map_err(unwritable)?.file_name();
        let name = name.to_string_lossy().into_owned();
        if !name.ends_with(".lock") {
            let bytes = files::read(&folder.join(&name), INDEX_BYTES_MAX).map_err(unwritable)?;
            seals.insert(format!("{TERMS}/{name}"), Seal::of(&bytes));
        }
    }
    Ok(seals)
}

fn write(path: &Path, text: &str) -> Result<(), KnowledgeError> {
    files::write_whole(path, text.as_bytes()).map_err(|source| unwritable(path, source))
}

fn unwritable(path: &Path, source: std::io::Error) -> KnowledgeError {
    KnowledgeError::Unwritable {
        path: path.to_owned(),
        source,
    }
}

fn as_json(value: &impl Serialize) -> Result<String, KnowledgeError> {
    serde_json::to_string(value).map_err(|error| KnowledgeError::Preparation(error.to_string()))
}

/// Opens an index folder. Errors: the index is damaged, or was built by another version; the text says how to build
/// it again.
pub(super) fn open(folder: &Path) -> Result<Knowledge, KnowledgeError> {
    let opening = Opening { folder };
    let settings = opening.settings()?;
    let directory = RamDirectory::create();
    let mut entries = Vec::new();
    let mut synonyms = String::new();
    for (name, seal) in &settings.files {
        let bytes = opening.sealed(name, seal)?;
        match name
            .strip_prefix(TERMS)
            .and_then(|rest| rest.strip_prefix('/'))
        {
            Some(plain) => directory
                .atomic_write(Path::new(plain), &bytes)
                .map_err(|error| opening.damaged(error))?,
            None if name == lexicon::FILE => {
                synonyms = String::from_utf8(bytes).map_err(|error| opening.damaged(error))?;
            }
            None => entries = opening.entries(&bytes)?,
        }
    }
    if entries.len() != settings.passages {
        return Err(opening.damaged("passages are missing"));
    }
    let index = PassageIndex::open(directory, entries.len());
    let index = index.map_err(|error| opening.damaged(error))?;
    let analysis = Analysis::of(&settings.preparation, &synonyms);
    Ok(Knowledge::over(
        entries,
        index,
        analysis,
        settings.preparation,
    ))
}

struct Opening<'a> {
    folder: &'a Path,
}

impl Opening<'_> {
    fn damaged(&self, what: impl ToString) -> KnowledgeError {
        KnowledgeError::Damaged {
            folder: self.folder.to_owned(),
            what: what.to_string(),
        }
    }

    fn settings(&self) -> Result<Settings, KnowledgeError> {
        let bytes = self.read(SETTINGS, SETTINGS_BYTES_MAX)?;
        // An index of another version may lack other keys, so the version is looked at first.
        let value: serde_json::Value = serde_json::from_slice(&bytes)
            .map_err(|_| self.damaged(format!("{SETTINGS} is no JSON")))?;
        let text = |key: &str| value.get(key).and_then(serde_json::Value::as_str);
        if text("schema") != Some(SCHEMA) || text("rules") != Some(&rules()) {
            let version: String = text("version")
                .unwrap_or("unknown")
                .chars()
                .take(40)
                .collect();
            return Err(KnowledgeError::OtherVersion {
                folder: self.folder.to_owned(),
                version,
            });
        }
        let settings: Settings = serde_json::from_value(value)
            .map_err(|error| self.damaged(format!("{SETTINGS}: {error}")))?;
        if let Some(fault) = settings.preparation.fault() {
            return Err(self.damaged(fault));
        }
        let whole = settings
            .files
            .values()
            .try_fold(0_u64, |sum, seal| sum.checked_add(seal.bytes));
        if whole.is_none_or(|whole| whole > INDEX_BYTES_MAX) {
            return Err(self.damaged("larger than 1 GiB"));
        }
        Ok(settings)
    }

    /// The bytes of a file, or an error if they are not as they were written.
    fn sealed(&self, name: &str, seal: &Seal) -> Result<Vec<u8>, KnowledgeError> {
        let plain = name.strip_prefix("terms/").unwrap_or(name);
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        if plain.is_empty() || plain.contains("..") || !plain.chars().all(is_plain) {
            return Err(self.damaged(format!("no file of an index is called {name:?}")));
        }
        let bytes = self.read(name, seal.bytes)?;
        if Seal::of(&bytes) != *seal {
            return Err(self.damaged(format!("{name} is not as it was written")));
        }
        Ok(bytes)
    }

    fn read(&self, name: &str, bytes_max: u64) -> Result<Vec<u8>, KnowledgeError> {
        let unreadable = |error: std::io::Error| self.damaged(format!("{name}: {error}"));
        files::read(&self.folder.join(name), bytes_max).map_err(|error| match error.kind() {
            io::ErrorKind::FileTooLarge => self.damaged(format!("{name} is longer than it was")),
            _ => unreadable(error),
        })
    }

    fn entries(&self, bytes: &[u8]) -> Result<Vec<Entry>, KnowledgeError> {
        let lines = bytes
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty());
        lines
            .take(PASSAGES_MAX + 1)
            .map(|line| {
                serde_json::from_slice(line)
                    .map_err(|error| self.damaged(format!("{PASSAGES}: {error}")))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shop() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let text = "# Shop\n## Opening hours\nWe open at 9:00.\n## Dogs\nDogs are welcome.\n";
        fs::write(folder.path().join("shop.md"), text).unwrap();
        folder
    }

    fn built() -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = shop();
        let index = folder.path().join("index");
        let all = Preparation::default();
        assert_eq!(build(folder.path(), all, &index).unwrap().passages, 2);
        (folder, index)
    }

    #[track_caller]
    fn check_refused(index: &Path, named: &str) {
        let error = open(index).err().unwrap().to_string();
        assert!(error.contains(named), "{error}");
        assert!(error.contains("voicesim index build"), "{error}");
    }

    #[test]
    fn an_opened_index_answers_as_its_documents_do() {
        let (folder, index) = built();
        let (opened, fresh) = (
            open(&index).unwrap(),
            Knowledge::open(folder.path()).unwrap(),
        );
        for question in ["When do you open?", "May I bring my dog?", "Who are you?"] {
            assert_eq!(opened.answer(question, &[]), fresh.answer(question, &[]));
        }
    }

    #[test]
    fn the_same_documents_give_the_same_passages_and_opening_changes_nothing() {
        let (folder, index) = built();
        let names = |folder: &Path| -> Vec<_> {
            let mut names: Vec<_> = fs::read_dir(folder.join(TERMS))
                .unwrap()
                .map(|e| e.unwrap().file_name())
                .collect();
            names.sort();
            names
        };
        let before = names(&index);
        open(&index).unwrap();
        assert_eq!(names(&index), before);
        let other = folder.path().join("other");
        build(folder.path(), Preparation::default(), &other).unwrap();
        let passages = |folder: &Path| fs::read(folder.join(PASSAGES)).unwrap();
        assert_eq!(passages(&index), passages(&other));
    }

    #[test]
    fn a_damaged_or_foreign_index_names_the_cure() {
        let (_folder, index) = built();
        let path = index.join(PASSAGES);
        let good = fs::read(&path).unwrap();
        fs::write(&path, &good[1..]).unwrap();
        check_refused(&index, "not as it was written");
        fs::write(&path, [&good[..], b"x"].concat()).unwrap();
        check_refused(&index, "longer than it was");
        fs::remove_file(&path).unwrap();
        check_refused(&index, PASSAGES);

        let settings = index.join(SETTINGS);
        let text = fs::read_to_string(&settings).unwrap();
        fs::write(&settings, text.replace("passages.jsonl", "../shop.md")).unwrap();
        check_refused(&index, "no file of an index");
        fs::write(&settings, text.replace("folder/1", "folder/2")).unwrap();
        check_refused(&index, "another version");
        fs::write(&settings, "{").unwrap();
        check_refused(&index, "no JSON");
    }

    #[test]
    fn what_stands_there_is_not_written_over() {
        let (folder, index) = built();
        let error = build(folder.path(), Preparation::default(), &index).unwrap_err();
        assert!(error.to_string().contains("stands there already"));
        let odd = Preparation {
            chunk_chars_max: 3,
            ..Preparation::default()
        };
        let error = build(folder.path(), odd, &folder.path().join("new")).unwrap_err();
        assert!(error.to_string().contains("80 to 4000"));
    }
}
