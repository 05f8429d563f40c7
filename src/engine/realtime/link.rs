//! The connection to the server. It lives on a thread of its own, so that what comes is taken in at once, whatever the
//! conversation does meanwhile; stages look at what is known, and wait for more.

use super::exchange::{Exchange, Next};
use crate::clock::Clock;
use crate::event::ReplyEnd;
use crate::protocol::Message;
use crate::protocol::address::Address;
use crate::protocol::socket::{Access, Came, Connection, Outgoing, connect};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::{Notify, mpsc};

/// How long a server may take until it is ready to converse: to connect, and to take the session.
const READY_MAX: Duration = Duration::from_secs(15);

/// A connection to a server, which is made again when it is needed and gone.
pub(super) struct Link {
    shared: Arc<Shared>,
    /// Asks for another connection, and ends the thread when it is dropped.
    wishes: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// What the thread and the stages both know.
struct Shared {
    state: Mutex<State>,
    changed: Notify,
}

struct State {
    exchange: Exchange,
    phase: Phase,
    /// Is told once when the first connection is ready, or cannot be made.
    first: Option<SyncSender<()>>,
}

enum Phase {
    /// There is no connection yet.
    Dialling,
    /// There is one, and the server has not taken the session yet.
    Greeted(Outgoing),
    Ready(Outgoing),
    /// The connection is gone, or could not be made: why, for people.
    Lost(String),
}

impl Link {
    /// Calls a server, and waits until it is ready.
    ///
    /// # Errors
    /// Why it is not, for people.
    pub(super) fn dial(
        exchange: Exchange,
        address: Address,
        access: Access,
    ) -> Result<Link, String> {
        let (tell, first) = sync_channel(1);
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                exchange,
                phase: Phase::Dialling,
                first: Some(tell),
            }),
            changed: Notify::new(),
        });
        let (wishes, wished) = mpsc::channel(1);
        let own = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("voicesim-realtime".into())
            .spawn(move || {
                let clock = Clock::real(1);
                clock.start();
                let held = clock.block_on(hold(&own, &clock, (&address, &access), wished));
                let why = match held {
                    Ok(()) => "the conversation is over".to_owned(),
                    Err(error) => format!("there is no runtime for the connection: {error}"),
                };
                own.lost(why);
            })
            .map_err(|error| format!("no thread for the connection: {error}"))?;
        let link = Link {
            shared,
            wishes: Some(wishes),
            thread: Some(thread),
        };
        if let Err(RecvTimeoutError::Timeout) = first.recv_timeout(READY_MAX) {
            return Err(format!(
                "the server took no session within {} s",
                READY_MAX.as_secs()
            ));
        }
        let lost = match &link.shared.lock().phase {
            Phase::Lost(why) => Some(why.clone()),
            Phase::Dialling | Phase::Greeted(_) | Phase::Ready(_) => None,
        };
        lost.map_or(Ok(link), Err)
    }

    /// Does something with the conversation, and says what comes of it.
    pub(super) fn say(&self, what: impl FnOnce(&mut Exchange) -> Vec<Message>) {
        let mut state = self.shared.lock();
        let messages = what(&mut state.exchange);
        state.send(messages);
    }

    /// Looks at the conversation.
    pub(super) fn look<T>(&self, at: impl FnOnce(&mut Exchange) -> T) -> T {
        at(&mut self.shared.lock().exchange)
    }

    /// Has the connection made again, if it is gone.
    pub(super) fn redial(&self) {
        let mut state = self.shared.lock();
        if let (Phase::Lost(_), Some(wishes)) = (&state.phase, &self.wishes)
            && wishes.try_send(()).is_ok()
        {
            state.phase = Phase::Dialling;
        }
    }

    /// Waits until the server is ready.
    ///
    /// # Errors
    /// Why it is not, for people.
    pub(super) async fn ready(&self) -> Result<(), String> {
        self.until(|state| match &state.phase {
            Phase::Ready(_) => Some(Ok(())),
            Phase::Lost(why) => Some(Err(why.clone())),
            Phase::Dialling | Phase::Greeted(_) => None,
        })
        .await
    }

    /// Waits for what comes next of the response that was asked for.
    pub(super) async fn next(&self) -> Next {
        self.until(|state| match (state.exchange.next(), &state.phase) {
            (Some(next), _) => Some(next),
            (None, Phase::Lost(why)) => Some(Next::Failed(why.clone())),
            (None, _) => None,
        })
        .await
    }

    /// Waits until something holds of the conversation.
    pub(super) async fn until_known<T>(&self, at: impl Fn(&mut Exchange) -> Option<T>) -> T {
        self.until(|state| at(&mut state.exchange)).await
    }

    async fn until<T>(&self, at: impl Fn(&mut State) -> Option<T>) -> T {
        loop {
            let mut changed = std::pin::pin!(self.shared.changed.notified());
            // What changes from here on is not missed.
            changed.as_mut().enable();
            if let Some(known) = at(&mut self.shared.lock()) {
                return known;
            }
            changed.await;
        }
    }

    /// A reply has ended.
    pub(super) fn reply_ended(&self, end: ReplyEnd, heard: Duration) {
        self.say(|exchange| exchange.reply_ended(end, heard));
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.wishes = None;
        if let Some(thread) = self.thread.take() {
            // A panic of it was told of where it was.
            let _ = thread.join();
        }
    }
}

impl Shared {
    /// Whoever panicked over it left it whole: every change is one call.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lost(&self, why: String) {
        let mut state = self.lock();
        state.phase = Phase::Lost(why);
        state.settled();
        drop(state);
        self.changed.notify_waiters();
    }

    fn connected(&self, outgoing: Outgoing) {
        let mut state = self.lock();
        state.phase = Phase::Greeted(outgoing);
        let hello = state.exchange.connected();
        state.send(hello);
    }

    /// Takes a message in.
    ///
    /// # Errors
    /// Why the connection is of no use any more.
    fn came(&self, message: Message) -> Result<(), String> {
        let mut state = self.lock();
        let came = state.exchange.came(message);
        let (said, is_ready) = came.map_err(|junk| junk.to_string())?;
        state.send(said);
        if is_ready {
            state.ready();
        } else if matches!(state.phase, Phase::Greeted(_))
            && let Some(what) = state.exchange.refusal()
        {
            return Err(format!("the server refuses the session: {what}"));
        }
        if let Phase::Lost(why) = &state.phase {
            return Err(why.clone());
        }
        drop(state);
        self.changed.notify_waiters();
        Ok(())
    }
}

impl State {
    fn send(&mut self, messages: Vec<Message>) {
        let (Phase::Ready(outgoing) | Phase::Greeted(outgoing)) = &self.phase else {
            return;
        };
        let stalled = messages
            .into_iter()
            .any(|message| outgoing.send(message).is_err());
        if stalled {
            self.phase = Phase::Lost("the server has read nothing for too long".into());
        }
    }

    fn ready(&mut self) {
        let phase = std::mem::replace(&mut self.phase, Phase::Dialling);
        self.phase = match phase {
            Phase::Greeted(outgoing) => Phase::Ready(outgoing),
            other => other,
        };
        self.settled();
    }

    fn settled(&mut self) {
        if let Some(first) = self.first.take() {
            // Whoever waited may have given up.
            let _ = first.send(());
        }
    }
}

/// Holds one connection after the other, each when it is wished for, until nobody wishes any more.
async fn hold(
    shared: &Shared,
    clock: &Clock,
    (address, access): (&Address, &Access),
    mut wishes: mpsc::Receiver<()>,
) {
    let Some(stopwatch) = clock.stopwatch() else {
        return;
    };
    loop {
        let connected = tokio::select! {
            biased;
            None = wishes.recv() => return,
            connected = connect(address, access) => connected,
        };
        match connected {
            Err(error) => shared.lost(error.to_string()),
            Ok(socket) => {
                let mut connection = Connection::of(socket, stopwatch);
                shared.connected(connection.outgoing().clone());
                let end = follow(shared, access, &mut connection, &mut wishes).await;
                // Whoever waits is told before the last words are said.
                if let End::Lost(why) = &end {
                    shared.lost(format!("{address}: {why}"));
                }
                connection.close().await;
                match end {
                    End::Lost(_) => {}
                    End::Again => continue,
                    End::Over => return,
                }
            }
        }
        if wishes.recv().await.is_none() {
            return;
        }
    }
}

/// How a connection ended.
enum End {
    /// It is of no use any more; why, for people.
    Lost(String),
    /// Another one is wished for.
    Again,
    /// Nobody needs one any more.
    Over,
}

/// Takes in what comes, until the connection is of no use any more.
async fn follow(
    shared: &Shared,
    access: &Access,
    connection: &mut Connection,
    wishes: &mut mpsc::Receiver<()>,
) -> End {
    loop {
        let came = tokio::select! {
            biased;
            wish = wishes.recv() => match wish {
                Some(()) => return End::Again,
                None => return End::Over,
            },
            (_, came) = connection.next() => came,
        };
        let why = match came {
            Came::Message(message) => match shared.came(message) {
                Ok(()) => continue,
                Err(why) => why,
            },
            Came::Left => "the server hung up".to_owned(),
            Came::Closed(why) => why,
        };
        return End::Lost(access.credentials.masked(&why));
    }
}
