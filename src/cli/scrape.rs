//! `run --metrics ADDRESS`: the figures of a run that goes on, for Prometheus to scrape.

use super::Failure;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The longest request that is read.
const REQUEST_BYTES_MAX: usize = 8_192;
/// How long each piece of a request may take to come, and an answer to go.
const PATIENCE: Duration = Duration::from_secs(2);

/// Serves figures at one address, until the program ends.
pub(super) struct Scrape(Arc<Mutex<String>>);

/// Reads an address: a port alone is one of this machine, which others cannot reach.
pub(super) fn parse(text: &str) -> Result<SocketAddr, String> {
    if let Ok(port) = text.trim_start_matches(':').parse::<u16>() {
        return Ok(SocketAddr::from(([127, 0, 0, 1], port)));
    }
    let local = text.replace("localhost:", "127.0.0.1:");
    local.parse().map_err(|_| {
        format!("{text:?} is no address; name a port (9464), or an address and a port (0.0.0.0:9464 for all networks)")
    })
}

impl Scrape {
    /// Serves at `address`.
    ///
    /// # Errors
    /// Fails if the address is taken.
    pub(super) fn at(address: SocketAddr) -> Result<Scrape, Failure> {
        let unavailable = |error: io::Error| {
            Failure::Unavailable(format!("--metrics {address}: {error}; name another port"))
        };
        let listener = TcpListener::bind(address).map_err(unavailable)?;
        let at = listener.local_addr().map_err(unavailable)?;
        let shown = Arc::new(Mutex::new(String::new()));
        let served = shown.clone();
        std::thread::Builder::new()
            .name("metrics".into())
            .spawn(move || {
                for stream in listener.incoming().flatten() {
                    let text = served
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .clone();
                    // Who goes away in the middle has what there was.
                    let _ = answer(stream, &text);
                }
            })
            .map_err(unavailable)?;
        tracing::info!("figures are at http://{at}/metrics while this runs");
        Ok(Scrape(shown))
    }

    /// Shows these figures from now on.
    pub(super) fn show(&self, text: String) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = text;
    }
}

fn answer(mut stream: TcpStream, figures: &str) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut request = Vec::new();
    let mut piece = [0; 1_024];
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        let read = stream.read(&mut piece)?;
        request.extend_from_slice(&piece[..read]);
        if read == 0 || request.len() > REQUEST_BYTES_MAX {
            break;
        }
    }
    let line = request
        .split(|byte| *byte == b'\r')
        .next()
        .unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    let mut words = line.split(' ');
    let (method, path) = (words.next(), words.next().unwrap_or_default());
    let is_asked = path == "/metrics" || path.starts_with("/metrics?");
    let (status, body) = match (method, is_asked) {
        (Some("GET"), true) => ("200 OK", figures),
        (Some("GET"), false) => ("404 Not Found", "the figures are at /metrics\n"),
        _ => ("405 Method Not Allowed", "GET /metrics\n"),
    };
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}
