//! Spans for OpenTelemetry: into a file, or to a collector.

use super::file::refuse_unwritable;
use super::{Failure, exports};
use crate::measure::folder::Folder;
use crate::report::export::perfetto::Written;
use crate::report::export::{ExportError, otlp};
#[cfg(not(feature = "openai"))]
use opentelemetry_proto::tonic::trace::v1::Span;
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
    /// Refuses a file that a run cannot write, before any work.
    pub(super) fn check(&self) -> Result<(), Failure> {
        match self {
            Target::File(path) if exports::is_stdout(path) => Err(Failure::Input(
                "--otlp -: standard output has the report of the run; name a file, or a collector"
                    .into(),
            )),
            Target::File(path) => refuse_unwritable("--otlp", path),
            Target::Collector(_) => Ok(()),
        }
    }

    /// The file, if it is one.
    pub(super) fn file(&self) -> Option<&Path> {
        match self {
            Target::File(path) => Some(path),
            Target::Collector(_) => None,
        }
    }

    /// Writes or sends the spans of a folder.
    pub(super) fn export(&self, folder: &Folder) -> Result<(), Failure> {
        match self {
            Target::File(path) => {
                let is_protobuf = is_protobuf(path);
                let written = exports::export(path, |out| {
                    otlp::conversations(folder, |spans| {
                        let written = match is_protobuf {
                            true => out.write_all(&otlp::protobuf(spans)),
                            false => out.write_all(otlp::json_line(&spans).as_bytes()),
                        };
                        written.map_err(ExportError::Write)
                    })
                })?;
                exports::told(path, &exports::conversations(written));
            }
            Target::Collector(url) => {
                let written = send_all(url, folder)?;
                tracing::info!("{url}: {}", exports::conversations(written));
            }
        }
        Ok(())
    }
}

fn is_protobuf(path: &Path) -> bool {
    let extension = path.extension().unwrap_or_default().to_string_lossy();
    ["pb", "binpb", "otlp", "bin", "proto"].contains(&extension.as_ref())
}

fn send_all(url: &str, folder: &Folder) -> Result<Written, Failure> {
    let mut sender = Sender::new(url)?;
    let mut refused = None;
    otlp::conversations(folder, |spans| {
        refused = sender.send_all(&spans).err();
        match refused {
            // Which is told in place of this.
            Some(_) => Err(ExportError::Write(io::Error::other("not sent"))),
            None => Ok(()),
        }
    })
    .map_err(|error| refused.unwrap_or_else(|| Failure::input(error)))
}

#[cfg(feature = "openai")]
pub(super) use sender::Sender;

/// Requests to a collector.
#[cfg(feature = "openai")]
mod sender {
    use super::{Failure, otlp};
    use opentelemetry_proto::tonic::trace::v1::Span;
    use std::time::Duration;

    /// Spans of one request: collectors take 4 MiB.
    const SPANS_PER_REQUEST: usize = 1_000;
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
        pub(crate) fn new(url: &str) -> Result<Sender, Failure> {
            #[cfg(feature = "tls")]
            let _ = rustls::crypto::ring::default_provider().install_default();
            let client = reqwest::Client::builder().timeout(PATIENCE).build();
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            Ok(Sender {
                url: url.to_owned(),
                client: client.map_err(Failure::unavailable)?,
                runtime: runtime.map_err(Failure::unavailable)?,
            })
        }

        /// Whether somebody takes spans there.
        ///
        /// # Errors
        /// As [`Sender::send_all`].
        pub(crate) fn greet(&mut self) -> Result<(), Failure> {
            self.send(otlp::protobuf(Vec::new()))
        }

        /// Sends spans, in as many requests as they need.
        ///
        /// # Errors
        /// The text names the collector, says what it answered, and what to do.
        pub(crate) fn send_all(&mut self, spans: &[Span]) -> Result<(), Failure> {
            let mut parts = spans.chunks(SPANS_PER_REQUEST);
            parts.try_for_each(|part| self.send(otlp::protobuf(part.to_vec())))
        }

        fn send(&mut self, body: Vec<u8>) -> Result<(), Failure> {
            let Sender {
                url,
                client,
                runtime,
            } = self;
            let sent = runtime.block_on(async {
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
            });
            sent.map_err(Failure::Unavailable)
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

/// In a build without HTTP nobody can be sent anything.
#[cfg(not(feature = "openai"))]
pub(super) struct Sender(std::convert::Infallible);

#[cfg(not(feature = "openai"))]
impl Sender {
    pub(super) fn new(url: &str) -> Result<Sender, Failure> {
        Err(Failure::Input(format!(
            "{url}: this voicesim was built without HTTP"
        )))
    }

    pub(super) fn greet(&mut self) -> Result<(), Failure> {
        match self.0 {}
    }

    pub(super) fn send_all(&mut self, _: &[Span]) -> Result<(), Failure> {
        match self.0 {}
    }
}
