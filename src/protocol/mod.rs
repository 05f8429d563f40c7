//! How sound travels to an agent and back: each protocol in both directions, as messages. Pure: nothing here reads a
//! clock or touches a network but `socket`, which carries messages over WebSocket.
//!
//! A caller speaks to an agent through `ToAgent`, a served agent to its caller through `ToCaller`.

pub(crate) mod address;
mod pcm;
mod pcm_agent;
mod pipecat;
mod pipecat_agent;
pub(crate) mod realtime;
mod realtime_agent;
pub(crate) mod realtime_session;
mod samples;
pub(crate) mod socket;
mod twilio;
mod twilio_agent;

use crate::event::Event;
use std::time::Duration;

/// A message of a WebSocket.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Message {
    Text(String),
    Binary(Vec<u8>),
}

/// What an agent does.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum FromAgent {
    /// Its sound has this rate, in Hz.
    Rate(u32),
    /// Sound, at its rate.
    Sound(Vec<f32>),
    /// What it sent and has not been played is not to be heard.
    Clear,
    /// It wants to know when what it sent so far has been played.
    Mark(String),
    /// What it understood of the caller.
    Heard(String),
    /// What it says, in words.
    Said(String),
    /// It tells of an error of its own.
    Failed(String),
    HungUp,
}

/// What a caller does.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum FromCaller {
    /// The caller's sound has this rate, in Hz.
    Rate(u32),
    /// Sound, at the caller's rate.
    Sound(Vec<f32>),
    /// Whether the caller says when its turns are over and when it wants a reply; else the agent finds out.
    EndsTurns(bool),
    /// Its turn is over.
    Commit,
    /// It wants a reply.
    Respond,
    /// The reply that is on its way is to end.
    Stop,
    /// A key was pressed: a digit, `*`, `#`, or one of A to D.
    Key(char),
    HungUp,
}

/// What a caller asked for that cannot be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Nothing was heard that could be a turn.
    Commit,
    /// There is nothing to reply to, or a reply on its way.
    Respond,
}

/// A message that is none of its protocol. The text says why, and holds no more than the beginning of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Junk(pub(crate) String);

/// A caller's side of a protocol: makes messages for the agent, and reads the agent's.
pub(crate) trait ToAgent {
    /// The rate of the caller's sound, in Hz.
    fn rate(&self) -> u32;

    /// What is said before anything else.
    fn hello(&mut self) -> Vec<Message>;

    /// The next 20 ms of the caller's sound.
    fn frame(&mut self, samples: &[f32]) -> Message;

    /// A key was pressed; `None` if the protocol tells of none.
    fn key(&mut self, _key: char) -> Option<Message> {
        None
    }

    /// What was sent before a mark has been played, or cleared.
    fn played(&mut self, mark: &str) -> Option<Message>;

    /// Playback was cleared, as the agent asked, so long before the end of what it had sent.
    fn cleared(&mut self, _unplayed: Duration) -> Vec<Message> {
        Vec::new()
    }

    /// What is said last.
    fn goodbye(&mut self) -> Vec<Message>;

    /// Reads a message of the agent.
    ///
    /// # Errors
    /// If it is no message of the protocol.
    fn read(&mut self, message: Message) -> Result<Vec<FromAgent>, Junk>;
}

/// An agent's side of a protocol: makes messages for the caller, and reads the caller's.
pub(crate) trait ToCaller {
    /// The rate of the agent's sound, in Hz.
    fn rate(&self) -> u32;

    /// The rate of the caller's sound, in Hz, if the caller need not say it.
    fn caller_rate(&self) -> Option<u32> {
        None
    }

    /// What is said before anything else.
    fn hello(&mut self) -> Vec<Message> {
        Vec::new()
    }

    /// Sound, at the agent's rate.
    fn sound(&mut self, samples: &[f32]) -> Vec<Message>;

    /// What was sent and has not been played is not to be heard.
    fn clear(&mut self) -> Vec<Message>;

    /// Tells what happened in the conversation, as far as the protocol has words for it.
    fn event(&mut self, event: &Event) -> Vec<Message>;

    /// Tells that something cannot be done that the caller asked for.
    fn refuse(&mut self, _what: Refused) -> Vec<Message> {
        Vec::new()
    }

    /// What is said last.
    fn goodbye(&mut self) -> Vec<Message>;

    /// Reads a message of the caller, and what is to be answered to it at once.
    ///
    /// # Errors
    /// If it is no message of the protocol.
    fn read(&mut self, message: Message) -> Result<(Vec<FromCaller>, Vec<Message>), Junk>;
}

/// A protocol that is spoken over WebSocket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// One of our own, for agents of the user's.
    Pcm,
    /// Twilio Media Streams.
    Twilio,
    /// OpenAI's Realtime API.
    Realtime,
    /// pipecat's frames.
    Pipecat,
}

/// Reads the messages of a call in every protocol, as its agent and as its caller: for tests, which feed it with messages
/// that nobody sends.
pub fn read_messages(messages: &[&[u8]]) {
    for protocol in [
        Protocol::Pcm,
        Protocol::Twilio,
        Protocol::Realtime,
        Protocol::Pipecat,
    ] {
        let (mut to_agent, mut to_caller) = (protocol.to_agent(1), protocol.to_caller());
        for bytes in messages {
            let text = String::from_utf8_lossy(bytes).into_owned();
            for message in [Message::Text(text), Message::Binary(bytes.to_vec())] {
                // What is no message of the protocol is refused, and the call goes on.
                let _ = to_agent.read(message.clone());
                let _ = to_caller.read(message);
            }
        }
    }
}

impl Protocol {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Protocol::Pcm => "pcm",
            Protocol::Twilio => "twilio",
            Protocol::Realtime => "realtime",
            Protocol::Pipecat => "pipecat",
        }
    }

    /// The caller's side of a call of this number.
    pub(crate) fn to_agent(self, call: u32) -> Box<dyn ToAgent> {
        match self {
            Protocol::Pcm => Box::new(pcm::PcmCaller::new(call)),
            Protocol::Twilio => Box::new(twilio::Twilio::new(call)),
            Protocol::Realtime => Box::new(realtime::RealtimeClient::default()),
            Protocol::Pipecat => Box::new(pipecat::PipecatClient::default()),
        }
    }

    /// The agent's side.
    pub(crate) fn to_caller(self) -> Box<dyn ToCaller> {
        match self {
            Protocol::Pcm => Box::new(pcm_agent::PcmAgent::new()),
            Protocol::Twilio => Box::new(twilio_agent::TwilioAgent::new()),
            Protocol::Realtime => Box::new(realtime_agent::RealtimeServer::default()),
            Protocol::Pipecat => Box::new(pipecat_agent::PipecatBot::default()),
        }
    }
}

/// Rates of sound that a peer may name, in Hz: those of which 20 ms are whole samples.
const RATES: [u32; 8] = [
    8_000, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000,
];

/// The most characters of a name or a text that are taken from a peer.
const TEXT_CHARACTERS_MAX: usize = 4_000;

/// The most characters that are taken of what a peer tells of an error.
const ERROR_CHARACTERS_MAX: usize = 200;

/// A rate that is one.
fn rate(named: u64) -> Result<u32, Junk> {
    let found = RATES.into_iter().find(|rate| u64::from(*rate) == named);
    found.ok_or_else(|| Junk(format!("{named} is none of the rates {RATES:?}")))
}

/// The beginning of what somebody sent, for an error: no control characters, at most 60 characters.
fn beginning(text: &str) -> String {
    let shown = text.chars().filter(|c| !c.is_control());
    shown.take(60).collect()
}

/// Whether there is a word in a text. A simulated recogniser has none to tell.
fn has_words(text: &str) -> bool {
    text.contains(char::is_alphanumeric)
}

/// What a peer tells of an error, in a line.
fn error_of(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_control())
        .take(ERROR_CHARACTERS_MAX)
        .collect()
}

/// A text of a peer, as much as anybody reads.
fn text_of(text: &str) -> String {
    text.chars().take(TEXT_CHARACTERS_MAX).collect()
}
