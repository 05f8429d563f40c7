//! For tests: a server that answers as Hugging Face does.

use std::sync::{Arc, Mutex, PoisonError};

use super::test_model::hexadecimal_sha256;
use crate::test_server::{Came, Does, TestServer};

/// What a [`Hub`] does besides answering.
#[derive(Default, Clone, Copy)]
pub(super) struct Mischief {
    /// How many downloads are cut off.
    pub(super) cuts: usize,
    /// How many bytes a download has when it is cut off.
    pub(super) cut_after_bytes: usize,
}

/// Serves one file under every path, with ranges.
pub(super) struct Hub {
    pub(super) endpoint: String,
    /// `path first_byte` of each download begun, in order.
    downloads: Arc<Mutex<Vec<String>>>,
}

impl Hub {
    pub(super) fn start(content: &[u8], mischief: Mischief) -> Self {
        let downloads = Arc::<Mutex<Vec<String>>>::default();
        let (content, log) = (content.to_vec(), Arc::clone(&downloads));
        let server = TestServer::by(move |came| {
            let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
            let sent = answer(came, &content, mischief, &mut log);
            vec![Does::Send(sent), Does::Close]
        });
        Hub {
            endpoint: server.address,
            downloads,
        }
    }

    pub(super) fn downloads(&self) -> Vec<String> {
        let downloads = self.downloads.lock();
        downloads.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What is asked for of the file, or as much of it as the mischief lets through.
fn answer(came: &Came, content: &[u8], mischief: Mischief, log: &mut Vec<String>) -> Vec<u8> {
    let range = came.header("range").and_then(|v| v.strip_prefix("bytes="));
    let (first, last) = range.and_then(|r| r.split_once('-')).unwrap_or(("0", ""));
    let first: usize = first.parse().unwrap_or(0);
    let end = last
        .parse()
        .map_or(content.len(), |last: usize| (last + 1).min(content.len()));
    if first >= end {
        return b"HTTP/1.1 416 Range\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_vec();
    }
    let mut sent = format!(
        "HTTP/1.1 206 Partial Content\r\nConnection: close\r\nX-Repo-Commit: c0ffee\r\nETag: \"{}\"\r\n\
         Content-Range: bytes {first}-{}/{}\r\nContent-Length: {}\r\n\r\n",
        hexadecimal_sha256(content),
        end - 1,
        content.len(),
        end - first,
    )
    .into_bytes();
    let mut body = &content[first..end];
    // The client asks for a first byte to learn the file's size; a download has no end.
    if last.is_empty() {
        log.push(format!("{} {first}", came.path()));
        if log.len() <= mischief.cuts {
            body = &body[..mischief.cut_after_bytes.min(body.len())];
        }
    }
    sent.extend_from_slice(body);
    sent
}
