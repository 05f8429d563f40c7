//! Messages over WebSocket. Reading and writing are tasks of their own on the thread's runtime: what comes is dated when
//! it is read, and a peer that reads nothing holds nobody up.

use super::Message;
use super::address::Address;
use crate::clock::{Stopwatch, within};
use crate::credentials::Credentials;
use crate::event::Tick;
use futures_util::{Sink, SinkExt, Stream, StreamExt};
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinHandle};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::http::{HeaderValue, Request, StatusCode, header};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::protocol::frame::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Bytes, Error, Message as Raw};
use tokio_tungstenite::{accept_async_with_config, connect_async_with_config};

/// The longest message that is read: 8 MiB, more than a minute of sound in any form.
const MESSAGE_BYTES_MAX: usize = 8 << 20;
/// Messages that wait to be written: five seconds of a caller's frames. A peer that has not read for so long is gone.
const OUTGOING_MAX: usize = 256;
/// Messages that were read and wait to be taken. The network holds back what is more.
const INCOMING_MAX: usize = 256;
/// How long to wait for a connection.
const CONNECT_MAX: Duration = Duration::from_secs(10);
/// How long to wait until the last words are written.
const CLOSE_MAX: Duration = Duration::from_secs(2);

/// How a peer is found to be gone that nothing comes from.
#[derive(Debug, Clone, Copy)]
struct Patience {
    /// How often it is asked whether it is still there.
    ask_every: Duration,
    /// If nothing has come for so long, not even an answer to that, it is gone.
    silent_max: Duration,
}

const PATIENCE: Patience = Patience {
    ask_every: Duration::from_secs(20),
    silent_max: Duration::from_secs(60),
};

/// A connection. It breaks off when it is dropped.
pub(crate) struct Connection {
    outgoing: Outgoing,
    incoming: mpsc::Receiver<(Tick, Came)>,
    writer: JoinHandle<()>,
    reader: AbortHandle,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.writer.abort();
        self.reader.abort();
    }
}

/// The way out of a connection.
#[derive(Clone)]
pub(crate) struct Outgoing(mpsc::Sender<Say>);

enum Say {
    Message(Message),
    Goodbye,
}

impl Outgoing {
    /// Has a message written.
    ///
    /// # Errors
    /// If the peer has not read for so long that there is no room. On a connection that is over the message is lost;
    /// that it is over comes from [`Connection::next`].
    pub(crate) fn send(&self, message: Message) -> Result<(), Stalled> {
        match self.0.try_send(Say::Message(message)) {
            Err(mpsc::error::TrySendError::Full(_)) => Err(Stalled),
            Ok(()) | Err(mpsc::error::TrySendError::Closed(_)) => Ok(()),
        }
    }
}

/// What comes over a connection.
#[derive(Debug)]
pub(crate) enum Came {
    Message(Message),
    /// The other side has closed the connection in good order.
    Left,
    /// The connection is over, not in good order; why, for people.
    Closed(String),
}

/// The peer has read nothing for so long that what is said finds no room.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stalled;

/// What shows an agent who calls.
pub(crate) struct Access {
    pub(crate) credentials: Arc<Credentials>,
    /// How the user names the variable that holds the key, for the error of an agent that wants one.
    pub(crate) key_goes: &'static str,
}

/// A connection that was not made: why, for people. No text holds a key or a query.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct NotConnected(String);

/// Calls an agent. Nothing that comes is read before [`Connection::of`].
pub(crate) async fn connect(address: &Address, access: &Access) -> Result<Socket, NotConnected> {
    let failed = |why: &str| NotConnected(format!("{address}: {why}"));
    let request = request(address, access).map_err(|why| failed(&why))?;
    #[cfg(feature = "tls")]
    {
        // Fails if a provider was chosen before, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
    let connecting = connect_async_with_config(request, Some(config()), true);
    match within(CONNECT_MAX, connecting).await {
        None => Err(failed(
            "nobody answered within 10 s; is the agent up, and the address right?",
        )),
        Some(Err(error)) => Err(failed(&refused(&error, access.key_goes))),
        Some(Ok((stream, _))) => {
            let (sink, stream) = stream.split();
            Ok(Socket {
                sink: Box::new(sink),
                stream: Box::new(stream),
            })
        }
    }
}

fn request(address: &Address, access: &Access) -> Result<Request<()>, String> {
    let mut request = address
        .whole()
        .into_client_request()
        .map_err(|_| "this is no address; give one such as ws://localhost:8765".to_owned())?;
    let headers = request.headers_mut();
    headers.insert(
        header::USER_AGENT,
        HeaderValue::from_static(concat!("voicesim/", env!("CARGO_PKG_VERSION"))),
    );
    headers.extend(access.credentials.in_headers()?);
    Ok(request)
}

/// What it looks like if the other side has closed a connection.
const OVER: [ErrorKind; 3] = [
    ErrorKind::ConnectionReset,
    ErrorKind::BrokenPipe,
    ErrorKind::UnexpectedEof,
];
/// Why there is no connection, if the agent closed it before it had begun.
const HUNG_UP: &str = "it hung up before the call began; does it take so many calls at a time?";

/// Why a connection was not made, for people.
fn refused(error: &Error, key_goes: &str) -> String {
    match error {
        Error::Http(response) => match response.status() {
            status @ (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => format!(
                "it refuses the call ({status}); give the key by an environment variable: {key_goes}"
            ),
            StatusCode::NOT_FOUND => {
                "it has nothing at this path (404 Not Found); correct the address".to_owned()
            }
            status => format!("it answers {status} to a call over WebSocket"),
        },
        Error::Io(error) if OVER.contains(&error.kind()) => HUNG_UP.to_owned(),
        Error::Protocol(ProtocolError::HandshakeIncomplete) => HUNG_UP.to_owned(),
        Error::Io(error) => format!("{error}; is the agent up, and the address right?"),
        other => format!("{other}; does a WebSocket listen there?"),
    }
}

fn config() -> WebSocketConfig {
    WebSocketConfig::default()
        .max_message_size(Some(MESSAGE_BYTES_MAX))
        .max_frame_size(Some(MESSAGE_BYTES_MAX))
}

type RawSink = Box<dyn Sink<Raw, Error = Error> + Send + Unpin>;
type RawStream = Box<dyn Stream<Item = Result<Raw, Error>> + Send + Unpin>;

/// A WebSocket that is open, and of which nothing was read.
pub(crate) struct Socket {
    sink: RawSink,
    stream: RawStream,
}

/// Answers a call.
///
/// # Errors
/// If the caller speaks no WebSocket, or not in time.
pub(crate) async fn accept(stream: std::net::TcpStream) -> Result<Socket, NotConnected> {
    // A caller who is not told at once is told all the same.
    let _ = stream.set_nodelay(true);
    let stream = stream
        .set_nonblocking(true)
        .and_then(|()| TcpStream::from_std(stream))
        .map_err(|error| NotConnected(format!("a caller is gone already: {error}")))?;
    let accepting = accept_async_with_config(stream, Some(config()));
    match within(CONNECT_MAX, accepting).await {
        None => Err(NotConnected("a caller said nothing for 10 s".into())),
        Some(Err(error)) => Err(NotConnected(format!(
            "a caller speaks no WebSocket: {error}"
        ))),
        Some(Ok(stream)) => {
            let (sink, stream) = stream.split();
            Ok(Socket {
                sink: Box::new(sink),
                stream: Box::new(stream),
            })
        }
    }
}

impl Connection {
    /// Begins to read and to write; what comes is dated by `stopwatch`.
    pub(crate) fn of(socket: Socket, stopwatch: Stopwatch) -> Connection {
        Connection::with(PATIENCE, socket, stopwatch)
    }

    fn with(patience: Patience, socket: Socket, stopwatch: Stopwatch) -> Connection {
        let (outgoing, to_write) = mpsc::channel(OUTGOING_MAX);
        let (came, incoming) = mpsc::channel(INCOMING_MAX);
        let writer = tokio::spawn(write(socket.sink, to_write, (patience, stopwatch)));
        let reader = tokio::spawn(read(socket.stream, came, (patience, stopwatch)));
        Connection {
            outgoing: Outgoing(outgoing),
            incoming,
            writer,
            reader: reader.abort_handle(),
        }
    }

    /// The way out.
    pub(crate) fn outgoing(&self) -> &Outgoing {
        &self.outgoing
    }

    /// What comes next, and when it came. Dropping the future loses nothing.
    pub(crate) async fn next(&mut self) -> (Tick, Came) {
        match self.incoming.recv().await {
            Some(came) => came,
            // The end was told before.
            None => std::future::pending().await,
        }
    }

    /// What has come already; `None` if nothing has.
    pub(crate) fn waiting(&mut self) -> Option<(Tick, Came)> {
        self.incoming.try_recv().ok()
    }

    /// Writes what waits, and closes.
    pub(crate) async fn close(mut self) {
        // A peer that reads nothing is not waited for.
        let _ = self.outgoing.0.try_send(Say::Goodbye);
        let _ = within(CLOSE_MAX, &mut self.writer).await;
    }
}

async fn write(
    mut sink: RawSink,
    mut messages: mpsc::Receiver<Say>,
    (patience, stopwatch): (Patience, Stopwatch),
) {
    let mut ask_at = stopwatch.now() + patience.ask_every;
    loop {
        let left = ask_at.since(stopwatch.now());
        let raw = match within(left, messages.recv()).await {
            Some(Some(Say::Message(Message::Text(text)))) => Raw::text(text),
            Some(Some(Say::Message(Message::Binary(bytes)))) => Raw::binary(bytes),
            Some(Some(Say::Goodbye) | None) => break,
            None => {
                ask_at = stopwatch.now() + patience.ask_every;
                Raw::Ping(Bytes::new())
            }
        };
        if sink.send(raw).await.is_err() {
            // Why is for the reader to tell.
            return;
        }
    }
    // A peer that is gone does not hear it.
    let _ = sink.close().await;
}

async fn read(
    mut stream: RawStream,
    came: mpsc::Sender<(Tick, Came)>,
    (patience, stopwatch): (Patience, Stopwatch),
) {
    loop {
        let read = within(patience.silent_max, stream.next()).await;
        let at = stopwatch.now();
        let Some(what) = what_came(read, patience) else {
            continue;
        };
        let is_over = !matches!(what, Came::Message(_));
        if came.send((at, what)).await.is_err() || is_over {
            return;
        }
    }
}

/// What was read, for whoever talks; `None` for what only shows that somebody is there.
fn what_came(read: Option<Option<Result<Raw, Error>>>, patience: Patience) -> Option<Came> {
    Some(match read {
        None => Came::Closed(format!(
            "the other side is gone: nothing has come from it for {} s, and no answer to whether it is there",
            patience.silent_max.as_secs()
        )),
        Some(None) => Came::Closed("closed by the other side".into()),
        Some(Some(Err(error))) => Came::Closed(broken(&error)),
        Some(Some(Ok(raw))) => match raw {
            Raw::Text(text) => Came::Message(Message::Text(text.as_str().to_owned())),
            Raw::Binary(bytes) => Came::Message(Message::Binary(bytes.to_vec())),
            Raw::Close(frame) => closed(frame.as_ref()),
            Raw::Ping(_) | Raw::Pong(_) | Raw::Frame(_) => return None,
        },
    })
}

/// What a close means.
fn closed(frame: Option<&CloseFrame>) -> Came {
    match frame {
        None => Came::Left,
        Some(frame) if [CloseCode::Normal, CloseCode::Away].contains(&frame.code) => Came::Left,
        Some(frame) => Came::Closed(format!(
            "closed by the other side, code {}: {}",
            u16::from(frame.code),
            super::beginning(&frame.reason)
        )),
    }
}

/// Why a connection broke, for people.
fn broken(error: &Error) -> String {
    match error {
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => {
            "the connection broke off".into()
        }
        Error::ConnectionClosed | Error::AlreadyClosed => "closed by the other side".into(),
        Error::Capacity(_) => format!(
            "a message is longer than {} MiB, the most that is read",
            MESSAGE_BYTES_MAX >> 20
        ),
        Error::Io(error) => format!("the connection broke off: {error}"),
        Error::Utf8(_) => "a text message is no UTF-8".into(),
        Error::Protocol(error) => format!("this is no WebSocket any more: {error}"),
        other => format!("the connection broke off: {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use std::net::TcpListener;
    use std::sync::mpsc::channel;
    use tokio_tungstenite::tungstenite::WebSocket;

    /// What comes first of a peer that does this, if it is asked often whether it is there, and silence is not borne for
    /// long.
    fn comes_of(peer: impl FnOnce(WebSocket<std::net::TcpStream>) + Send + 'static) -> Came {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let place = listener.local_addr().expect("an address");
        let peer = std::thread::spawn(move || {
            let (stream, _) = listener.accept().expect("a caller");
            peer(tokio_tungstenite::tungstenite::accept(stream).expect("a WebSocket"));
        });
        let clock = Clock::real(1);
        let came = clock.block_on(async {
            clock.start();
            let address = Address::parse(&format!("ws://{place}")).expect("one");
            let access = Access {
                credentials: Arc::default(),
                key_goes: "",
            };
            let socket = connect(&address, &access).await;
            let patience = Patience {
                ask_every: Duration::from_millis(50),
                silent_max: Duration::from_millis(1_000),
            };
            let stopwatch = clock.stopwatch().expect("it runs");
            let socket = socket.unwrap_or_else(|error| panic!("{error}"));
            let mut connection = Connection::with(patience, socket, stopwatch);
            let (_, came) = connection.next().await;
            connection.close().await;
            came
        });
        peer.join().expect("it was well");
        came.expect("a runtime")
    }

    #[test]
    fn a_peer_that_nothing_comes_from_is_gone() {
        let (over, is_over) = channel::<()>();
        let came = comes_of(move |peer| {
            // It neither reads nor writes, and keeps the connection open.
            let _ = is_over.recv_timeout(Duration::from_millis(2_500));
            drop(peer);
        });
        drop(over);
        let Came::Closed(why) = came else {
            panic!("{came:?}");
        };
        assert!(why.contains("the other side is gone"), "{why}");
    }

    #[test]
    fn a_peer_that_listens_and_says_nothing_is_there() {
        let came = comes_of(|mut peer| {
            let mut asked = 0;
            while asked < 30 {
                // To read is to answer.
                asked += usize::from(peer.read().expect("it is open").is_ping());
            }
            peer.send(Raw::text("here")).expect("sent");
            while peer.read().is_ok() {}
        });
        let here = Message::Text("here".into());
        assert!(matches!(came, Came::Message(said) if said == here));
    }
}
