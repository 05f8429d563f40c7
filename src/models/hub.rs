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
///
/// What the file is called there is decided here, and never by what a server says; no more of it is taken than the
/// catalogue says that it has.
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
    use std::fs::{self, File, OpenOptions};
    use std::io::{self, Read, Write};
    use std::path::{Path, PathBuf};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
    use std::thread;
    use std::time::Duration;

    use ureq::http::{Response, StatusCode, header};
    use ureq::{Agent, Body};

    use super::Remote;
    use crate::models::error::{Failure, ModelError, is_disk_full};
    use crate::models::progress::Progress;

    /// How often a cut connection is taken up again at once.
    const CUTS_MAX: u32 = 5;
    /// How often a server may send elsewhere.
    const REDIRECTS_MAX: u32 = 5;
    /// How much is taken at once.
    const CHUNK_BYTES: usize = 1 << 16;

    /// The file while it is not whole, and when it is.
    const PART: &str = "content.part";
    const WHOLE: &str = "content";

    /// What the downloading thread says. The channel is bounded: a download that outruns the
    /// display waits for it.
    enum Message {
        Started,
        Moved(u64),
        Finished(Result<(), Cause>),
    }
    const MESSAGES_MAX: usize = 64;

    /// Why a download ended early.
    enum Cause {
        /// The server, or the way to it.
        Source(String),
        /// The file here.
        Local(io::Error),
    }

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
        fs::create_dir_all(folder).map_err(ModelError::io("create the folder", folder))?;
        let whole = folder.join(WHOLE);
        let mut cuts = 0;
        while length(&whole) != Some(remote.bytes) {
            let attempt = attempt(remote, folder, progress);
            progress.end();
            match attempt {
                Ok(()) => {}
                Err(Attempt::Cut(_)) if cuts < CUTS_MAX => cuts += 1,
                Err(Attempt::Cut(reason)) => return Err(Failure::Source(reason)),
                Err(Attempt::Failed(failure)) => return Err(failure),
            }
        }
        Ok(whole)
    }

    /// The length of a file; `None` if there is none.
    fn length(path: &Path) -> Option<u64> {
        let about = fs::symlink_metadata(path).ok()?;
        about.is_file().then_some(about.len())
    }

    /// The client works on a thread of its own, which is left behind when it falls silent: it writes nothing from then
    /// on.
    fn attempt(
        remote: &Remote<'_>,
        folder: &Path,
        progress: &mut dyn Progress,
    ) -> Result<(), Attempt> {
        let local = |error| Attempt::Failed(ModelError::io("write below", folder)(error).into());
        let part = folder.join(PART);
        // A link, or more than the file has, is no part of it.
        if fs::symlink_metadata(&part).is_ok() && length(&part).is_none_or(|n| n > remote.bytes) {
            fs::remove_file(&part).map_err(local)?;
        }
        let begun = length(&part).unwrap_or(0);
        if begun < remote.bytes {
            let (sender, receiver) = sync_channel(MESSAGES_MAX);
            let is_given_up = Arc::new(AtomicBool::new(false));
            let download = Download {
                url: format!(
                    "{}/{}/resolve/main/{}",
                    remote.endpoint.trim_end_matches('/'),
                    remote.repository,
                    remote.path
                ),
                part: part.clone(),
                begun,
                bytes: remote.bytes,
                connect: remote.patience.connect,
                is_given_up: Arc::clone(&is_given_up),
                messages: sender,
            };
            thread::Builder::new()
                .name("model download".to_owned())
                .spawn(move || download.run())
                .map_err(|error| {
                    Attempt::Failed(ModelError::io("download into", folder)(error).into())
                })?;
            let followed = follow(&receiver, remote, folder, progress);
            is_given_up.store(true, Ordering::Relaxed);
            followed?;
        }
        fs::rename(&part, folder.join(WHOLE)).map_err(local)
    }

    fn follow(
        receiver: &Receiver<Message>,
        remote: &Remote<'_>,
        folder: &Path,
        progress: &mut dyn Progress,
    ) -> Result<(), Attempt> {
        let mut patience = remote.patience.connect;
        let mut moved: u64 = 0;
        loop {
            match receiver.recv_timeout(patience) {
                Ok(Message::Started) => {
                    patience = remote.patience.stall;
                    progress.begin(&format!("downloading {}", remote.path), Some(remote.bytes));
                }
                Ok(Message::Moved(bytes)) => {
                    moved += bytes;
                    progress.advance(moved);
                }
                Ok(Message::Finished(Ok(()))) => return Ok(()),
                Ok(Message::Finished(Err(Cause::Local(error)))) => {
                    let what = match is_disk_full(&error) {
                        true => "write below",
                        false => "download into",
                    };
                    return Err(Attempt::Failed(ModelError::io(what, folder)(error).into()));
                }
                Ok(Message::Finished(Err(Cause::Source(reason)))) if moved > 0 => {
                    return Err(Attempt::Cut(format!(
                        "the connection was cut again and again: {reason}"
                    )));
                }
                Ok(Message::Finished(Err(Cause::Source(reason)))) => {
                    return Err(Attempt::Failed(Failure::Source(reason)));
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

    /// One request for what is missing of a file.
    struct Download {
        url: String,
        part: PathBuf,
        /// How many bytes are there already.
        begun: u64,
        /// How many the file has, by the catalogue.
        bytes: u64,
        connect: Duration,
        /// Nobody waits for it any more.
        is_given_up: Arc<AtomicBool>,
        messages: SyncSender<Message>,
    }

    impl Download {
        fn run(self) {
            let result = self.fetch();
            // Nobody listens any more once the download was given up.
            let _ = self.messages.send(Message::Finished(result));
        }

        fn fetch(&self) -> Result<(), Cause> {
            let source = |error: ureq::Error| Cause::Source(error.to_string());
            let agent: Agent = Agent::config_builder()
                .max_redirects(REDIRECTS_MAX)
                .http_status_as_error(false)
                .timeout_connect(Some(self.connect))
                .build()
                .into();
            let range = format!("bytes={}-", self.begun);
            let response = agent.get(&self.url).header(header::RANGE, range).call();
            let response = response.map_err(source)?;
            let begun = self.begins_at(&response)?;
            let _ = self.messages.send(Message::Started);
            let _ = self.messages.send(Message::Moved(begun));
            let mut file = self.open(begun).map_err(Cause::Local)?;
            let mut body = response.into_body().into_reader();
            let mut left = self.bytes - begun;
            let mut chunk = vec![0; CHUNK_BYTES];
            while left > 0 {
                let wanted =
                    usize::try_from(left).map_or(CHUNK_BYTES, |left| left.min(CHUNK_BYTES));
                let read = body
                    .read(&mut chunk[..wanted])
                    .map_err(|error| Cause::Source(error.to_string()))?;
                if read == 0 {
                    return Err(Cause::Source(format!("it ended {left} bytes early")));
                }
                if self.is_given_up.load(Ordering::Relaxed) {
                    return Err(Cause::Source("given up".into()));
                }
                file.write_all(&chunk[..read]).map_err(Cause::Local)?;
                left -= read as u64;
                let _ = self.messages.send(Message::Moved(read as u64));
            }
            file.sync_all().map_err(Cause::Local)
        }

        /// From which byte on the server sends.
        ///
        /// # Errors
        /// A refusal, or a file that has another length than the catalogue says.
        fn begins_at(&self, response: &Response<Body>) -> Result<u64, Cause> {
            let number = |name: header::HeaderName, of: fn(&str) -> Option<&str>| {
                let value = response.headers().get(name)?.to_str().ok()?;
                of(value)?.trim().parse::<u64>().ok()
            };
            let (begins, whole) = match response.status() {
                StatusCode::PARTIAL_CONTENT => (
                    self.begun,
                    number(header::CONTENT_RANGE, |value| {
                        value.rsplit_once('/').map(|(_, total)| total)
                    }),
                ),
                StatusCode::OK => (0, number(header::CONTENT_LENGTH, |value| Some(value))),
                status => return Err(Cause::Source(format!("the server answers {status}"))),
            };
            match whole {
                Some(whole) if whole != self.bytes => Err(Cause::Source(format!(
                    "the server's file has {whole} bytes, and the catalogue's {}",
                    self.bytes
                ))),
                _ => Ok(begins),
            }
        }

        fn open(&self, begun: u64) -> io::Result<File> {
            if begun > 0 {
                return OpenOptions::new().append(true).open(&self.part);
            }
            match fs::remove_file(&self.part) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => File::create_new(&self.part),
            }
        }
    }
}

#[cfg(all(test, feature = "install"))]
mod tests {
    use super::*;
    use crate::models::progress::Silent;
    use crate::models::test_hub::{Hub, Mischief};
    use crate::test_server::{Does, TestServer};
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
        fs::write(folder.path().join("content.part"), &content).unwrap();
        let path = download(&server.endpoint, content.len(), folder.path()).unwrap();
        assert_eq!(fs::read(path).unwrap(), content);
    }

    /// A server that gives every request this answer.
    fn answering(head: &str, body: &[u8]) -> TestServer {
        let answer = [head.as_bytes(), b"\r\n\r\n", body].concat();
        TestServer::by(move |_| vec![Does::Send(answer.clone()), Does::Close])
    }

    #[test]
    fn what_a_server_calls_a_file_is_no_path() {
        let (folder, content) = (tempfile::tempdir().unwrap(), content());
        let inside = folder.path().join("models");
        let precious = folder.path().join("precious");
        fs::write(&precious, "precious").unwrap();
        let head = format!(
            "HTTP/1.1 206 Partial Content\r\nConnection: close\r\nETag: \"../precious\"\r\nX-Repo-Commit: ../../precious\r\nContent-Disposition: attachment; filename=../precious\r\nContent-Range: bytes 0-{}/{}\r\nContent-Length: {}",
            content.len() - 1,
            content.len(),
            content.len()
        );
        let server = answering(&head, &content);
        let path = download(&server.address, content.len(), &inside).unwrap();
        assert_eq!(path, inside.join("content"));
        assert_eq!(fs::read(&precious).unwrap(), b"precious");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn no_more_is_taken_than_the_catalogue_says() {
        let (folder, content) = (tempfile::tempdir().unwrap(), content());
        let larger = answering("HTTP/1.1 200 OK\r\nContent-Length: 1000000000000", &content);
        match download(&larger.address, 1_000, folder.path()) {
            Err(Failure::Source(reason)) => assert!(reason.contains("1000000000000"), "{reason}"),
            other => panic!("{other:?}"),
        }
        // One that does not say how long it is, and goes on.
        let endless = answering("HTTP/1.1 200 OK\r\nConnection: close", &content);
        let path = download(&endless.address, 1_000, folder.path()).unwrap();
        assert_eq!(fs::read(path).unwrap(), content[..1_000]);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_in_the_place_of_a_part_is_not_written_through() {
        let (folder, content) = (tempfile::tempdir().unwrap(), content());
        let precious = folder.path().join("precious");
        fs::write(&precious, "precious").unwrap();
        let inside = folder.path().join("inside");
        fs::create_dir(&inside).unwrap();
        std::os::unix::fs::symlink(&precious, inside.join("content.part")).unwrap();
        let server = Hub::start(&content, Mischief::default());
        download(&server.endpoint, content.len(), &inside).unwrap();
        assert_eq!(fs::read(&precious).unwrap(), b"precious");
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
