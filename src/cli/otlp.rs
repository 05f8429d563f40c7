//! Spans for OpenTelemetry: into a file, or to a collector.

use super::file::refuse_unwritable;
use super::{Failure, exports};
use crate::measure::folder::Folder;
use crate::report::export::{ExportError, otlp};
#[cfg(feature = "openai")]
use std::io;
use std::path::{Path, PathBuf};

/// Where spans go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    /// JSON, a request in each line, or protobuf if the file is called so.
    File(PathBuf),
    /// A collector that takes OTLP over HTTP.
    Collector(String),
}

/// Reads what `--otlp` says.
pub(super) fn parse(text: &str) -> Result<Target, String> {
    let Some((scheme, rest)) = text.split_once("://") else {
        return Ok(Target::File(text.into()));
    };
    let has_feature = match scheme {
        "http" => cfg!(feature = "openai"),
        "https" => cfg!(feature = "tls"),
        _ => {
            return Err(format!(
                "{scheme} is no way to a collector; http and https are, and the name of a file"
            ));
        }
    };
    if !has_feature {
        return Err(format!(
            "this voicesim was built without {scheme}; write a file, and send that"
        ));
    }
    // The path that collectors take traces at, where none is named.
    let has_path = rest.trim_end_matches('/').contains('/');
    Ok(Target::Collector(match has_path {
        true => text.to_owned(),
        false => format!("{}/v1/traces", text.trim_end_matches('/')),
    }))
}

impl Target {
    /// The file, if it is one; `-` is standard output.
    pub(super) fn file(&self) -> Option<&Path> {
        match self {
            Target::File(path) => Some(path),
            Target::Collector(_) => None,
        }
    }

    /// Refuses a file that cannot be written, before any work.
    pub(super) fn check(&self) -> Result<(), Failure> {
        self.file()
            .map_or(Ok(()), |path| refuse_unwritable("--otlp", path))
    }

    /// Writes or sends the spans of a folder.
    pub(super) fn export(&self, folder: &Folder) -> Result<(), Failure> {
        let (count, to) = match self {
            Target::File(path) => {
                let is_protobuf = is_protobuf(path);
                let count = exports::export(path, |out| {
                    otlp::conversations(folder, |spans| {
                        let written = match is_protobuf {
                            true => out.write_all(&otlp::protobuf(spans)),
                            false => out.write_all(otlp::json_line(&spans).as_bytes()),
                        };
                        written.map_err(ExportError::Write)
                    })
                })?;
                (count, path.as_path())
            }
            Target::Collector(url) => (send_all(url, folder)?, Path::new(url)),
        };
        exports::told(to, &format!("spans of {count} conversations"));
        Ok(())
    }
}

fn is_protobuf(path: &Path) -> bool {
    let extension = path.extension().unwrap_or_default().to_string_lossy();
    ["pb", "binpb", "otlp", "bin", "proto"].contains(&extension.as_ref())
}

#[cfg(feature = "openai")]
fn send_all(url: &str, folder: &Folder) -> Result<u64, Failure> {
    let mut sender = sender::Sender::new(url).map_err(Failure::Unavailable)?;
    otlp::conversations(folder, |spans| {
        for part in spans.chunks(sender::SPANS_PER_REQUEST) {
            let sent = sender.send(otlp::protobuf(part.to_vec()));
            sent.map_err(|error| ExportError::Write(io::Error::other(error)))?;
        }
        Ok(())
    })
    .map_err(|error| match error {
        ExportError::Write(error) => Failure::Unavailable(error.to_string()),
        error => Failure::input(error),
    })
}

#[cfg(not(feature = "openai"))]
fn send_all(url: &str, _: &Folder) -> Result<u64, Failure> {
    Err(Failure::Input(format!(
        "{url}: this voicesim was built without HTTP"
    )))
}

/// Requests to a collector.
#[cfg(feature = "openai")]
pub(super) mod sender {
    use std::time::Duration;

    /// Spans of one request: collectors take 4 MiB.
    pub(crate) const SPANS_PER_REQUEST: usize = 1_000;
    /// A collector that has not answered by then is given up.
    const PATIENCE: Duration = Duration::from_secs(10);
    /// Words of a refusal that are shown.
    const REFUSAL_CHARS_MAX: usize = 200;

    /// Sends requests to one collector, one after the other.
    pub(crate) struct Sender {
        url: String,
        client: reqwest::Client,
        runtime: tokio::runtime::Runtime,
    }

    impl Sender {
        /// # Errors
        /// The text says what is not available.
        pub(crate) fn new(url: &str) -> Result<Sender, String> {
            #[cfg(feature = "tls")]
            let _ = rustls::crypto::ring::default_provider().install_default();
            let client = reqwest::Client::builder().timeout(PATIENCE).build();
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            Ok(Sender {
                url: url.to_owned(),
                client: client.map_err(|error| error.to_string())?,
                runtime: runtime.map_err(|error| error.to_string())?,
            })
        }

        /// Sends one request of protobuf.
        ///
        /// # Errors
        /// The text names the collector, says what it answered, and what to do.
        pub(crate) fn send(&mut self, body: Vec<u8>) -> Result<(), String> {
            let Sender {
                url,
                client,
                runtime,
            } = self;
            runtime.block_on(async {
                let request = client
                    .post(url.as_str())
                    .header("content-type", "application/x-protobuf")
                    .body(body);
                let answer = request.send().await.map_err(|error| {
                    let why = innermost(&error);
                    format!("--otlp {url}: no collector answers ({why}); start one, or write a file in place of it")
                })?;
                let status = answer.status();
                if status.is_success() {
                    return Ok(());
                }
                let words = answer.text().await.unwrap_or_default();
                let words: String = words
                    .chars()
                    .filter(|letter| !letter.is_control())
                    .take(REFUSAL_CHARS_MAX)
                    .collect();
                Err(format!(
                    "--otlp {url}: the collector answers {status} {words}; does it take OTLP over HTTP there? /v1/traces on port 4318 is usual"
                ))
            })
        }
    }

    /// What an error comes from in the end: "Connection refused" and the like.
    fn innermost(error: &dyn std::error::Error) -> String {
        let mut own = error;
        while let Some(inner) = own.source() {
            own = inner;
        }
        own.to_string()
    }
}
