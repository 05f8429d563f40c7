//! Fetches files from Hugging Face.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::error::Failure;
use super::progress::Progress;

/// The server that is asked unless `HF_ENDPOINT` names another.
pub(super) const PUBLIC_ENDPOINT: &str = "https://huggingface.co";

/// A file of a model repository.
#[cfg_attr(
    not(feature = "install"),
    expect(dead_code, reason = "nothing is fetched without the client")
)]
pub(super) struct Remote<'a> {
    pub(super) endpoint: &'a str,
    pub(super) repository: &'a str,
    pub(super) path: &'a str,
    /// The file's size in bytes, by the catalogue.
    pub(super) bytes: u64,
    pub(super) patience: Patience,
}

/// How long to wait for a server. Another source may do better.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(
    not(feature = "install"),
    expect(dead_code, reason = "nothing is waited for without the client")
)]
pub(super) struct Patience {
    /// How long to wait until the server has named the file's size.
    pub(super) connect: Duration,
    /// How long to wait for the next bytes of a download.
    pub(super) stall: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Patience {
            connect: Duration::from_secs(8),
            stall: Duration::from_secs(30),
        }
    }
}

#[cfg(not(feature = "install"))]
pub(super) fn fetch(
    _remote: &Remote<'_>,
    _folder: &Path,
    _progress: &mut dyn Progress,
) -> Result<PathBuf, Failure> {
    Err(Failure::Source(
        "this build has no Hugging Face client (cargo feature `install`)".to_owned(),
    ))
}

/// Downloads one file below `folder`, going on where an earlier attempt was cut off; a file that
/// is complete there is not fetched again. The content is not checked here.
#[cfg(feature = "install")]
pub(super) fn fetch(
    remote: &Remote<'_>,
    folder: &Path,
    progress: &mut dyn Progress,
) -> Result<PathBuf, Failure> {
    client::fetch(remote, folder, progress)
}

#[cfg(feature = "install")]
mod client {
    use std::fs;
    use std::path::{Path, PathBuf};
    use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
    use std::thread;

    use hf_hub::api::sync::{ApiBuilder, ApiError};
    use hf_hub::{Cache, Repo, RepoType};

    use super::Remote;
    use crate::models::error::{Failure, ModelError, is_disk_full};
    use crate::models::progress::Progress;

    /// How often a cut connection is taken up again at once.
    const CUTS_MAX: u32 = 5;

    /// What the downloading thread says. The channel is bounded: a download that outruns the
    /// display waits for it.
    enum Message {
        Started,
        Moved(u64),
        Finished(Result<PathBuf, ApiError>),
    }
    const MESSAGES_MAX: usize = 64;

    /// Why one attempt ended.
    enum Attempt {
        /// The connection was cut after it had moved something.
        Cut(String),
        Failed(Failure),
    }

    pub(super) fn fetch(
        remote: &Remote<'_>,
        folder: &Path,
        progress: &mut dyn Progress,
    ) -> Result<PathBuf, Failure> {
        let repository = Repo::new(remote.repository.to_owned(), RepoType::Model);
        let cached = Cache::new(folder.to_owned()).repo(repository);
        if let Some(complete) = cached.get(remote.path) {
            return Ok(complete);
        }
        let mut cuts = 0;
        loop {
            discard_overlong_parts(folder, remote)?;
            let attempt = attempt(remote, folder, progress);
            progress.end();
            match attempt {
                Ok(path) => return Ok(path),
                Err(Attempt::Cut(_)) if cuts < CUTS_MAX => cuts += 1,
                Err(Attempt::Cut(reason)) => return Err(Failure::Source(reason)),
                Err(Attempt::Failed(failure)) => return Err(failure),
            }
        }
    }

    /// The client has no timeouts, so it works on a thread of its own, which is left behind when
    /// it falls silent. It writes only below `folder`, under names that nothing else reads, and the
    /// client's own file lock keeps a later attempt from mixing with it.
    fn attempt(
        remote: &Remote<'_>,
        folder: &Path,
        progress: &mut dyn Progress,
    ) -> Result<PathBuf, Attempt> {
        let api = ApiBuilder::from_cache(Cache::new(folder.to_owned()))
            .with_endpoint(remote.endpoint.trim_end_matches('/').to_owned())
            .with_token(None)
            .with_progress(false)
            .build()
            .map_err(|error| Attempt::Failed(Failure::Source(error.to_string())))?;
        let repository = api.model(remote.repository.to_owned());
        let path = remote.path.to_owned();
        let (sender, receiver) = sync_channel(MESSAGES_MAX);
        let reporter = Reporter(sender.clone());
        thread::Builder::new()
            .name("model download".to_owned())
            .spawn(move || {
                let result = repository.download_with_progress(&path, reporter);
                // Nobody listens any more once the download was given up.
                let _ = sender.send(Message::Finished(result));
            })
            .map_err(|error| {
                Attempt::Failed(ModelError::io("download into", folder)(error).into())
            })?;
        follow(&receiver, remote, folder, progress)
    }

    fn follow(
        receiver: &Receiver<Message>,
        remote: &Remote<'_>,
        folder: &Path,
        progress: &mut dyn Progress,
    ) -> Result<PathBuf, Attempt> {
        let mut patience = remote.patience.connect;
        let mut started = false;
        let mut moved: u64 = 0;
        loop {
            match receiver.recv_timeout(patience) {
                Ok(Message::Started) if !started => {
                    started = true;
                    patience = remote.patience.stall;
                    progress.begin(&format!("downloading {}", remote.path), Some(remote.bytes));
                }
                Ok(Message::Started) => {}
                Ok(Message::Moved(bytes)) => {
                    moved += bytes;
                    progress.advance(moved);
                }
                Ok(Message::Finished(Ok(path))) => return Ok(path),
                Ok(Message::Finished(Err(ApiError::IoError(error)))) => {
                    return Err(if is_disk_full(&error) {
                        Attempt::Failed(ModelError::io("write below", folder)(error).into())
                    } else if moved > 0 {
                        Attempt::Cut(format!("the connection was cut again and again: {error}"))
                    } else {
                        Attempt::Failed(Failure::Source(error.to_string()))
                    });
                }
                Ok(Message::Finished(Err(error))) => {
                    return Err(Attempt::Failed(Failure::Source(error.to_string())));
                }
                Err(RecvTimeoutError::Timeout) => {
                    let seconds = patience.as_secs_f64();
                    return Err(Attempt::Failed(Failure::Source(format!(
                        "nothing came for {seconds} s"
                    ))));
                }
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Attempt::Failed(Failure::Source(
                        "the server's answer was not understood".to_owned(),
                    )));
                }
            }
        }
    }

    struct Reporter(SyncSender<Message>);

    impl hf_hub::api::Progress for Reporter {
        fn init(&mut self, _size: usize, _filename: &str) {
            let _ = self.0.send(Message::Started);
        }
        fn update(&mut self, size: usize) {
            let _ = self.0.send(Message::Moved(size as u64));
        }
        fn finish(&mut self) {}
    }

    /// A part that has all bytes already (the process died before the last rename) or too many
    /// would be asked to go on behind the file's end, which servers refuse.
    fn discard_overlong_parts(folder: &Path, remote: &Remote<'_>) -> Result<(), Failure> {
        let repository = Repo::new(remote.repository.to_owned(), RepoType::Model);
        let blobs = folder.join(repository.folder_name()).join("blobs");
        let Ok(entries) = fs::read_dir(&blobs) else {
            return Ok(());
        };
        for entry in entries.flatten() {
            let path = entry.path();
            let is_part = path
                .extension()
                .is_some_and(|extension| extension == "part");
            let bytes = entry.metadata().map_or(0, |found| found.len());
            if is_part && bytes >= remote.bytes {
                fs::remove_file(&path).map_err(ModelError::io("remove", &path))?;
            }
        }
        Ok(())
    }
}

#[cfg(all(test, feature = "install"))]
mod tests {
    use super::*;
    use crate::models::progress::Silent;
    use crate::models::test_hub::{Hub, Mischief};
    use std::fs;
    use std::net::TcpListener;

    fn content() -> Vec<u8> {
        (0..300_000u32).map(|at| (at * 31 % 251) as u8).collect()
    }

    fn download(endpoint: &str, bytes: usize, folder: &Path) -> Result<PathBuf, Failure> {
        let remote = Remote {
            endpoint,
            repository: "a/b",
            path: "weights.bin",
            bytes: bytes as u64,
            patience: Patience {
                connect: Duration::from_millis(300),
                stall: Duration::from_secs(5),
            },
        };
        fetch(&remote, folder, &mut Silent)
    }

    #[test]
    fn a_download_cut_twice_goes_on_where_it_was() {
        let (folder, content) = (tempfile::tempdir().unwrap(), content());
        let mischief = Mischief {
            cuts: 2,
            cut_after_bytes: 100_000,
        };
        let server = Hub::start(&content, mischief);
        let path = download(&server.endpoint, content.len(), folder.path()).unwrap();
        assert_eq!(fs::read(path).unwrap(), content);
        let url = "/a/b/resolve/main/weights.bin";
        let starts = [
            format!("{url} 0"),
            format!("{url} 100000"),
            format!("{url} 200000"),
        ];
        assert_eq!(server.downloads(), starts);
    }

    #[test]
    fn a_second_run_goes_on_where_the_first_gave_up_and_a_third_asks_for_nothing() {
        let (folder, content) = (tempfile::tempdir().unwrap(), content());
        let flaky = Hub::start(
            &content,
            Mischief {
                cuts: 99,
                cut_after_bytes: 1_000,
            },
        );
        download(&flaky.endpoint, content.len(), folder.path()).unwrap_err();

        let steady = Hub::start(&content, Mischief::default());
        for _ in 0..2 {
            let path = download(&steady.endpoint, content.len(), folder.path()).unwrap();
            assert_eq!(fs::read(path).unwrap(), content);
        }
        // The first run tried once and took up five cuts, a thousand bytes each.
        assert_eq!(steady.downloads(), ["/a/b/resolve/main/weights.bin 6000"]);
    }

    #[test]
    fn a_part_that_is_whole_already_does_not_stand_in_the_way() {
        let (folder, content) = (tempfile::tempdir().unwrap(), content());
        let server = Hub::start(&content, Mischief::default());
        let blobs = folder.path().join("models--a--b/blobs");
        fs::create_dir_all(&blobs).unwrap();
        let digest = crate::models::test_model::hexadecimal_sha256(&content);
        fs::write(blobs.join(format!("{digest}.part")), &content).unwrap();
        let path = download(&server.endpoint, content.len(), folder.path()).unwrap();
        assert_eq!(fs::read(path).unwrap(), content);
    }

    #[test]
    fn a_server_that_says_nothing_is_given_up() {
        let folder = tempfile::tempdir().unwrap();
        let mute = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", mute.local_addr().unwrap());
        match download(&endpoint, 1, folder.path()) {
            Err(Failure::Source(reason)) => assert_eq!(reason, "nothing came for 0.3 s"),
            other => panic!("{other:?}"),
        }
    }
}
