//! For tests: a server that answers as Hugging Face does.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use super::test_model::hexadecimal_sha256;

/// What a [`HubServer`] does besides answering.
#[derive(Default, Clone, Copy)]
pub(super) struct Mischief {
    /// So many downloads are cut off …
    pub(super) cuts: usize,
    /// … after so many bytes each.
    pub(super) cut_after_bytes: usize,
}

/// Serves one file under every path, with ranges, from a thread that lives as long as the test.
pub(super) struct HubServer {
    pub(super) endpoint: String,
    /// `path first_byte` of each download begun, in order.
    downloads: Arc<Mutex<Vec<String>>>,
}

impl HubServer {
    pub(super) fn start(content: &[u8], mischief: Mischief) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let downloads = Arc::new(Mutex::new(Vec::new()));
        let (content, log) = (content.to_vec(), Arc::clone(&downloads));
        let cuts_left = AtomicUsize::new(mischief.cuts);
        thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                // A client that hangs up early is part of the game.
                let _ = answer(connection, &content, mischief, &cuts_left, &log);
            }
        });
        HubServer {
            endpoint,
            downloads,
        }
    }

    pub(super) fn downloads(&self) -> Vec<String> {
        self.downloads
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

fn answer(
    mut connection: TcpStream,
    content: &[u8],
    mischief: Mischief,
    cuts_left: &AtomicUsize,
    log: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let mut lines = BufReader::new(connection.try_clone()?).lines();
    let request = lines.next().unwrap_or(Ok(String::new()))?;
    let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut range = String::new();
    for line in lines {
        let line = line?.to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("range: bytes=") {
            range = value.to_owned();
        }
    }
    let (first, last) = range.split_once('-').unwrap_or(("0", ""));
    let first: usize = first.parse().unwrap_or(0);
    let end = last
        .parse()
        .map_or(content.len(), |last: usize| (last + 1).min(content.len()));
    if first >= end {
        return write!(
            connection,
            "HTTP/1.1 416 Range\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        );
    }
    write!(
        connection,
        "HTTP/1.1 206 Partial Content\r\nConnection: close\r\nX-Repo-Commit: c0ffee\r\nETag: \"{}\"\r\n\
         Content-Range: bytes {first}-{}/{}\r\nContent-Length: {}\r\n\r\n",
        hexadecimal_sha256(content),
        end - 1,
        content.len(),
        end - first,
    )?;
    let mut body = &content[first..end];
    if last.is_empty() {
        log.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(format!("{path} {first}"));
        let cut = cuts_left
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
                left.checked_sub(1)
            })
            .is_ok();
        if cut {
            body = &body[..mischief.cut_after_bytes.min(body.len())];
        }
    }
    connection.write_all(body)
}
