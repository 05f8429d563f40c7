//! The server of all tests: it does as it is told with every request, byte by byte, and tells what it saw.
//!
//! Written by hand since what is tested here is what servers are not supposed to do: to fall silent in mid-answer, to
//! send half a stream, to close a connection in the middle of a body or keep it for the next request; and since tests
//! want to know when the other side hung up. Crates that stand in for servers (wiremock, httpmock) send whole answers
//! and see none of that; tiny_http streams, but does not see a client go.

use std::cell::{Cell, RefCell};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// Longer than any test takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// One thing that a server does with a request.
#[derive(Debug, Clone)]
pub(crate) enum Does {
    Send(Vec<u8>),
    /// Sends these bytes again and again: as often as the number says, or until nobody listens.
    Repeat(Vec<u8>, usize),
    /// Waits so long.
    Wait(u64),
    /// Says nothing more until the other side closes the connection.
    Hang,
    /// Closes the connection; else it is kept for the next request.
    Close,
}

/// A request as it came: the line, the headers and the body.
#[derive(Debug, Clone)]
pub(crate) struct Came {
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
    /// Which connection it came over, counted from one.
    pub(crate) connection: usize,
}

impl Came {
    /// "/v1/models".
    pub(crate) fn path(&self) -> &str {
        self.head.split(' ').nth(1).unwrap_or_default()
    }

    /// The value of the first header of this name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

/// What a server tells.
#[derive(Debug)]
pub(crate) enum Told {
    Came(Came),
    /// The other side has closed the connection in mid-answer.
    SawClose,
}

/// What is to be done with a request.
type Script = Box<dyn Fn(&Came) -> Vec<Does> + Send + Sync>;

/// Serves from threads that live as long as the tests.
pub(crate) struct TestServer {
    /// `http://`, an address and a port.
    pub(crate) address: String,
    /// Where OpenAI's API is.
    pub(crate) url: String,
    told: Receiver<Told>,
    requests: RefCell<Vec<Came>>,
    closes: Cell<usize>,
}

impl TestServer {
    /// Answers `GET /models` with an empty list, and each other request with the next script, the last one
    /// again and again.
    pub(crate) fn start(scripts: Vec<Vec<Does>>) -> TestServer {
        TestServer::greeting(json("200 OK", "{\"data\":[]}"), scripts)
    }

    /// Answers `GET /models` in another way.
    pub(crate) fn greeting(models: Vec<u8>, scripts: Vec<Vec<Does>>) -> TestServer {
        let scripts = Mutex::new(scripts);
        TestServer::by(move |came| {
            if came.head.starts_with("GET") {
                return vec![Does::Send(models.clone())];
            }
            let mut scripts = scripts.lock().expect("scripts");
            match scripts.len() {
                0 | 1 => scripts.first().cloned().unwrap_or_default(),
                _ => scripts.remove(0),
            }
        })
    }

    /// Does with each request what `script` says of it.
    pub(crate) fn by(script: impl Fn(&Came) -> Vec<Does> + Send + Sync + 'static) -> TestServer {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let (tell, told) = channel();
        let script: Arc<Script> = Arc::new(Box::new(script));
        thread::spawn(move || {
            for (number, stream) in (1..).zip(listener.incoming()) {
                let Ok(stream) = stream else {
                    return;
                };
                let (script, tell) = (script.clone(), tell.clone());
                thread::spawn(move || serve(stream, number, &script, &tell));
            }
        });
        TestServer {
            url: format!("{address}/v1"),
            address,
            told,
            requests: RefCell::default(),
            closes: Cell::default(),
        }
    }

    /// The next request that is more than a greeting.
    pub(crate) fn came(&self) -> Came {
        while self.requests.borrow().is_empty() {
            self.listen();
        }
        self.requests.borrow_mut().remove(0)
    }

    /// Waits until the server has seen a connection closed in mid-answer, once for each.
    pub(crate) fn saw_close(&self) {
        while self.closes.get() == 0 {
            self.listen();
        }
        self.closes.set(self.closes.get() - 1);
    }

    fn listen(&self) {
        match self.told.recv_timeout(PATIENCE).expect("news") {
            Told::Came(came) if came.head.starts_with("POST") => {
                self.requests.borrow_mut().push(came);
            }
            Told::Came(_) => {}
            Told::SawClose => self.closes.set(self.closes.get() + 1),
        }
    }
}

fn serve(mut stream: TcpStream, connection: usize, script: &Script, tell: &Sender<Told>) {
    stream.set_read_timeout(Some(PATIENCE)).expect("a time-out");
    while let Some(came) = read_request(&mut stream, connection) {
        let does = script(&came);
        let _ = tell.send(Told::Came(came));
        for step in does {
            if !perform(&mut stream, step, tell) {
                return;
            }
        }
    }
}

/// Whether the connection is still of use.
fn perform(stream: &mut TcpStream, step: Does, tell: &Sender<Told>) -> bool {
    let is_open = match step {
        Does::Send(bytes) => stream.write_all(&bytes).is_ok(),
        Does::Repeat(bytes, times) => (0..times).all(|_| stream.write_all(&bytes).is_ok()),
        Does::Wait(ms) => {
            thread::sleep(Duration::from_millis(ms));
            true
        }
        Does::Hang => {
            let _ = stream.read(&mut [0; 1]);
            false
        }
        Does::Close => {
            let _ = stream.shutdown(Shutdown::Both);
            return false;
        }
    };
    if !is_open {
        let _ = tell.send(Told::SawClose);
    }
    is_open
}

fn read_request(stream: &mut TcpStream, connection: usize) -> Option<Came> {
    let mut all = Vec::new();
    let head_end = loop {
        if let Some(at) = all.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        read_more(stream, &mut all)?;
    };
    let mut came = Came {
        head: String::from_utf8_lossy(&all[..head_end]).into_owned(),
        body: Vec::new(),
        connection,
    };
    let length = came.header("content-length");
    let length = length.and_then(|value| value.parse::<usize>().ok());
    while all.len() < head_end + length.unwrap_or(0) {
        read_more(stream, &mut all)?;
    }
    came.body = all.split_off(head_end);
    Some(came)
}

fn read_more(stream: &mut TcpStream, all: &mut Vec<u8>) -> Option<()> {
    let mut buffer = [0; 4_096];
    match stream.read(&mut buffer) {
        Ok(0) | Err(_) => None,
        Ok(count) => {
            all.extend_from_slice(&buffer[..count]);
            Some(())
        }
    }
}

/// A response that is whole.
pub(crate) fn json(status: &str, body: &str) -> Vec<u8> {
    response(status, "application/json", "", body.as_bytes())
}

pub(crate) fn response(status: &str, kind: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let mut all = format!(
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n{headers}\r\n"
    )
    .into_bytes();
    all.extend_from_slice(body);
    all
}

/// The beginning of a response that streams.
pub(crate) fn streaming(kind: &str) -> Does {
    let head =
        format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ntransfer-encoding: chunked\r\n\r\n");
    Does::Send(head.into_bytes())
}

/// A piece of a streamed body.
pub(crate) fn chunk(bytes: &[u8]) -> Vec<u8> {
    let mut all = format!("{:x}\r\n", bytes.len()).into_bytes();
    all.extend_from_slice(bytes);
    all.extend_from_slice(b"\r\n");
    all
}

/// The end of a streamed body.
pub(crate) fn end() -> Does {
    Does::Send(b"0\r\n\r\n".to_vec())
}

/// An event with a piece of an answer.
pub(crate) fn piece(text: &str) -> Vec<u8> {
    let event = serde_json::json!({"choices": [{"delta": {"content": text}}]});
    format!("data: {event}\n\n").into_bytes()
}

pub(crate) const STOP: &[u8] =
    b"data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
pub(crate) const DONE: &[u8] = b"data: [DONE]\n\n";

/// A whole streamed answer.
pub(crate) fn answer(pieces: &[&str]) -> Vec<Does> {
    let mut does = vec![streaming("text/event-stream")];
    does.extend(pieces.iter().map(|text| Does::Send(chunk(&piece(text)))));
    does.push(Does::Send(chunk(&[STOP, DONE].concat())));
    does.push(end());
    does
}
