//! The folder where models lie, and whether what lies there is what the catalogue says.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::catalogue::{Model, ModelFile, catalogue};
use super::error::ModelError;
use super::whisper_weights;
use crate::files;

/// The environment variable that names the cache folder.
const FOLDER_VARIABLE: &str = "VOICESIM_MODELS";

/// Where models lie: `VOICESIM_MODELS`, else `voicesim/models` in the user's cache folder. It
/// need not exist.
///
/// # Errors
/// [`ModelError::NoCacheFolder`] if neither is known.
pub fn cache_folder() -> Result<PathBuf, ModelError> {
    match std::env::var_os(FOLDER_VARIABLE) {
        Some(folder) if !folder.is_empty() => Ok(PathBuf::from(folder)),
        _ => directories::ProjectDirs::from("", "", "voicesim")
            .map(|folders| folders.cache_dir().join("models"))
            .ok_or(ModelError::NoCacheFolder),
    }
}

/// A model and how it stands on this machine.
#[derive(Debug)]
pub struct Status {
    /// The catalogue's entry.
    pub model: &'static Model,
    /// What is there.
    pub state: ModelState,
}

/// How a model stands on this machine.
#[derive(Debug)]
pub enum ModelState {
    /// All files are there, in the order of the catalogue.
    Installed(Vec<PathBuf>),
    /// At least one file is not there.
    Missing,
    /// A file is there but not as the catalogue has it.
    Damaged(ModelError),
    /// A file is there but cannot be read.
    Unreadable(ModelError),
}

/// Every model of the catalogue, judged by the sizes of its files: instant.
///
/// # Errors
/// [`ModelError::NoCacheFolder`].
pub fn list() -> Result<Vec<Status>, ModelError> {
    statuses(Depth::Size)
}

/// Every model of the catalogue, judged by sha256: reads every file whole.
///
/// # Errors
/// [`ModelError::NoCacheFolder`].
pub fn verify() -> Result<Vec<Status>, ModelError> {
    statuses(Depth::Digest)
}

fn statuses(depth: Depth) -> Result<Vec<Status>, ModelError> {
    let folder = cache_folder()?;
    Ok(catalogue()
        .iter()
        .map(|model| Status {
            model,
            state: state(&folder, model, depth),
        })
        .collect())
}

/// The path of a model's first file, given a name of the catalogue or the path of a file. Further
/// files of a catalogue model lie beside the first.
///
/// Files of the catalogue are compared with their sha256 before anyone parses them. Of a file given
/// by its path only the structure can be checked, and only if it is a ggml file.
///
/// # Errors
/// [`ModelError::Unknown`] and [`ModelError::NotAModel`] blame what was asked for; all others
/// (missing, damaged, unreadable) name the command that installs the model.
pub fn locate(name_or_path: &str) -> Result<PathBuf, ModelError> {
    match catalogue().iter().find(|model| model.name == name_or_path) {
        Some(model) => locate_installed(&cache_folder()?, model),
        None => locate_file(name_or_path),
    }
}

/// Whether a model is there, given as for [`locate`] and judged by the sizes of its files: instant.
///
/// # Errors
/// As for [`locate`].
pub fn look_for(name_or_path: &str) -> Result<(), ModelError> {
    let Some(model) = catalogue().iter().find(|model| model.name == name_or_path) else {
        return locate_file(name_or_path).map(|_| ());
    };
    let folder = cache_folder()?;
    match state(&folder, model, Depth::Size) {
        ModelState::Installed(_) => Ok(()),
        ModelState::Missing => Err(ModelError::Missing {
            name: model.name.clone(),
            folder,
        }),
        ModelState::Damaged(error) | ModelState::Unreadable(error) => Err(error),
    }
}

pub(super) fn locate_installed(folder: &Path, model: &Model) -> Result<PathBuf, ModelError> {
    let missing = || ModelError::Missing {
        name: model.name.clone(),
        folder: folder.to_owned(),
    };
    match state(folder, model, Depth::Digest) {
        ModelState::Installed(files) => files.into_iter().next().ok_or_else(missing),
        ModelState::Missing => Err(missing()),
        ModelState::Damaged(error) | ModelState::Unreadable(error) => Err(error),
    }
}

fn locate_file(path: &str) -> Result<PathBuf, ModelError> {
    let refuse = |what: &str| {
        Err(ModelError::NotAModel {
            path: PathBuf::from(path),
            what: what.to_owned(),
        })
    };
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => refuse("it is a folder"),
        Ok(found) if !found.is_file() => refuse("it is not a regular file"),
        Ok(found) if found.len() == 0 => refuse("it is empty"),
        Ok(_) => match File::open(path).and_then(whisper_weights::fault) {
            Ok(None) => Ok(PathBuf::from(path)),
            Ok(Some(what)) => refuse(&what),
            Err(error) => Err(ModelError::io("read", Path::new(path))(error)),
        },
        Err(_) => Err(unknown(path)),
    }
}

pub(super) fn unknown(name: &str) -> ModelError {
    let names: Vec<_> = catalogue().iter().map(|model| &*model.name).collect();
    ModelError::Unknown {
        name: name.to_owned(),
        known: names.join(", "),
    }
}

/// How closely to look at a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Depth {
    Size,
    Digest,
}

pub(super) fn state(folder: &Path, model: &Model, depth: Depth) -> ModelState {
    let mut paths = Vec::new();
    for file in &model.files {
        let path = folder.join(&file.name);
        match difference(&path, file, depth) {
            Ok(None) => paths.push(path),
            Ok(Some(what)) => {
                return ModelState::Damaged(ModelError::Damaged {
                    name: model.name.clone(),
                    file: path,
                    what,
                });
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => return ModelState::Missing,
            Err(error) => return ModelState::Unreadable(ModelError::io("read", &path)(error)),
        }
    }
    ModelState::Installed(paths)
}

/// How a file differs from the catalogue's, for people; `None` if it does not.
pub(super) fn difference(
    path: &Path,
    expected: &ModelFile,
    depth: Depth,
) -> io::Result<Option<String>> {
    let bytes = fs::metadata(path)?.len();
    if bytes != expected.bytes {
        return Ok(Some(format!("{bytes} bytes, not {}", expected.bytes)));
    }
    if depth == Depth::Size {
        return Ok(None);
    }
    let digest = sha256(path)?;
    let accepted = expected.sha256.contains(&digest);
    Ok((!accepted).then(|| format!("its sha256 is {digest}, which the catalogue does not list")))
}

const CHUNK_BYTES: usize = 1 << 18;

/// The sha256 of a file in lower-case hexadecimal digits.
pub(super) fn sha256(path: &Path) -> io::Result<String> {
    let mut file = files::open(path, u64::MAX)?;
    let mut digest = Sha256::new();
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        match file.read(&mut chunk) {
            Ok(0) => break,
            Ok(read) => digest.update(&chunk[..read]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(hexadecimal(&digest.finalize()))
}

/// Bytes as lower-case hexadecimal digits.
pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    let mut digits = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(digits, "{byte:02x}");
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::test_model::model_of;

    #[test]
    fn a_missing_model_names_the_command_that_installs_it() {
        let folder = tempfile::tempdir().unwrap();
        let model = model_of(&[("a.bin", b"weights")], Vec::new());
        let text = locate_installed(folder.path(), &model)
            .unwrap_err()
            .to_string();
        assert!(text.contains("`voicesim models install test`"), "{text}");
    }

    #[test]
    fn an_intact_model_is_found_and_a_changed_byte_is_noticed_only_by_the_digest() {
        let folder = tempfile::tempdir().unwrap();
        let model = model_of(&[("a.bin", b"weights"), ("a.json", b"{}")], Vec::new());
        fs::write(folder.path().join("a.bin"), b"weights").unwrap();
        fs::write(folder.path().join("a.json"), b"{}").unwrap();
        let found = locate_installed(folder.path(), &model).unwrap();
        assert_eq!(found, folder.path().join("a.bin"));

        fs::write(folder.path().join("a.json"), b"[]").unwrap();
        let shallow = state(folder.path(), &model, Depth::Size);
        assert!(matches!(shallow, ModelState::Installed(_)));
        let error = locate_installed(folder.path(), &model).unwrap_err();
        assert!(matches!(error, ModelError::Damaged { .. }), "{error}");
    }

    #[test]
    fn a_file_of_the_wrong_size_is_damaged_at_a_glance() {
        let folder = tempfile::tempdir().unwrap();
        let model = model_of(&[("a.bin", b"weights")], Vec::new());
        fs::write(folder.path().join("a.bin"), b"weight").unwrap();
        let shallow = state(folder.path(), &model, Depth::Size);
        assert!(matches!(shallow, ModelState::Damaged(_)));
    }

    #[test]
    fn a_path_is_taken_as_it_is_and_an_unknown_name_lists_the_known_ones() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let path = file.path().to_str().unwrap();
        assert!(matches!(locate(path), Err(ModelError::NotAModel { .. })));
        fs::write(path, b"x").unwrap();
        assert_eq!(locate(path).unwrap(), file.path());
        assert!(
            locate("whisper-huge")
                .unwrap_err()
                .to_string()
                .contains("whisper-tiny.en")
        );
    }
}
