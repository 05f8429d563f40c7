//! What is known of the conversation with a server, and what is to be said to it: a state machine without time, network
//! or waiting.

use crate::credentials::{Credentials, Masking};
use crate::event::ReplyEnd;
use crate::protocol::realtime::{FromServer, RATE, RealtimeClient, ResponseEnd};
use crate::protocol::{Junk, Message, ToAgent};
use std::sync::Arc;
use std::time::Duration;

/// The most sound of a response that may wait to be played: ten minutes. A server that sends more is out of hand.
const WAITING_SAMPLES_MAX: usize = 600 * RATE as usize;
/// The most words of a response that may wait for their sound, in bytes.
const WORDS_BYTES_MAX: usize = 64 << 10;
/// The longest utterance that is kept, to be said again over another connection: a minute.
const UTTERANCE_SAMPLES_MAX: usize = 60 * RATE as usize;
/// The shortest turn that the API takes: 100 ms.
const TURN_SAMPLES_MIN: usize = RATE as usize / 10;
/// Sound that waits goes on in pieces of a second.
const PIECE_SAMPLES: usize = RATE as usize;
static SILENCE: [f32; PIECE_SAMPLES] = [0.0; PIECE_SAMPLES];

/// Who finds the ends of turns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turns {
    Ours,
    Servers,
}

/// A conversation with a server.
pub(super) struct Exchange {
    client: RealtimeClient,
    turns: Turns,
    /// What is taken out of what the server says.
    credentials: Arc<Credentials>,
    /// How many connections there were before this one.
    connection: u64,
    utterance: Utterance,
    /// The utterance of which the server has said that it is over.
    ended: u64,
    response: Option<Response>,
    /// Responses that were asked for and given up before the server had named them.
    unnamed: u32,
    /// What the server said went wrong, since it was last asked for something.
    failure: Option<String>,
    /// What the server understood of the caller's latest turn.
    understood: Option<String>,
    /// The utterance to which a response was wanted last.
    asked: u64,
    /// What the server calls the caller's latest turn, and the one before.
    item: String,
    past: String,
    reply: Heard,
}

/// What the caller says, until the next time.
#[derive(Debug, Default)]
struct Utterance {
    /// Utterances are counted from one.
    number: u64,
    samples: Vec<f32>,
    /// The connection over which all of it was said so far.
    said_over: u64,
    is_over: bool,
}

/// A response of the server, as far as it was not taken yet.
#[derive(Debug, Default)]
struct Response {
    id: String,
    /// The utterance that it answers.
    answers: u64,
    sound: Vec<f32>,
    words: String,
    masking: Masking,
    has_words: bool,
    end: Option<ResponseEnd>,
    has_sounded: bool,
}

/// How the caller came to hear the latest reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Heard {
    /// Nothing is to be said about it.
    #[default]
    Whole,
    /// The work on it was given up, and how much was heard is still to be told.
    GivenUp,
    /// No more than this was heard, unless it goes on.
    Stopped(Duration),
}

/// What comes next of a response.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Next {
    Sound { samples: Vec<f32>, words: String },
    Over,
    Failed(String),
}

impl Exchange {
    pub(super) fn new(
        client: RealtimeClient,
        turns: Turns,
        credentials: Arc<Credentials>,
    ) -> Exchange {
        Exchange {
            client,
            turns,
            credentials,
            connection: 0,
            utterance: Utterance::default(),
            ended: 0,
            response: None,
            unnamed: 0,
            failure: None,
            understood: None,
            asked: 0,
            item: String::new(),
            past: String::new(),
            reply: Heard::Whole,
        }
    }

    /// A connection is there; what is said over it first.
    pub(super) fn connected(&mut self) -> Vec<Message> {
        self.client.begin_anew();
        self.connection += 1;
        self.forget();
        self.client.hello()
    }

    /// The connection is gone: nothing more comes of what was asked over it.
    pub(super) fn forget(&mut self) {
        self.response = None;
        self.unnamed = 0;
        self.reply = Heard::Whole;
    }

    /// The number of the utterance that is spoken, or else of the next one.
    pub(super) fn going(&self) -> u64 {
        self.utterance.number + u64::from(self.utterance.is_over || self.utterance.number == 0)
    }

    /// The server has found the end of this utterance.
    pub(super) fn has_ended(&self, utterance: u64) -> bool {
        self.ended == utterance
    }

    /// The caller begins to speak.
    pub(super) fn begin(&mut self) {
        self.utterance = Utterance {
            number: self.utterance.number + 1,
            said_over: self.connection,
            ..Utterance::default()
        };
        self.understood = None;
        self.past = std::mem::take(&mut self.item);
    }

    /// The caller says something; what of it is to be sent, if there is a connection.
    pub(super) fn hear(&mut self, samples: &[f32]) -> Option<Message> {
        if samples.is_empty() {
            return None;
        }
        let room = UTTERANCE_SAMPLES_MAX.saturating_sub(self.utterance.samples.len());
        let kept = samples.len().min(room);
        self.utterance.samples.extend_from_slice(&samples[..kept]);
        let is_said = self.utterance.said_over == self.connection;
        is_said.then(|| self.client.frame(samples))
    }

    /// The caller has finished.
    pub(super) fn commit(&mut self) -> Vec<Message> {
        self.utterance.is_over = true;
        let mut said = self.settle();
        if self.utterance.said_over == self.connection {
            said.extend(self.end_turn());
        }
        said
    }

    fn end_turn(&self) -> Option<Message> {
        let is_turn = self.utterance.samples.len() >= TURN_SAMPLES_MIN;
        match (self.turns, is_turn) {
            (Turns::Servers, _) => None,
            (Turns::Ours, true) => Some(self.client.commit()),
            (Turns::Ours, false) => Some(self.client.forget_turn()),
        }
    }

    /// A response to the latest utterance is wanted.
    pub(super) fn ask(&mut self) -> Vec<Message> {
        self.failure = None;
        let mut said = self.settle();
        self.reply = Heard::Whole;
        let is_said = self.utterance.said_over == self.connection;
        if !is_said {
            // The server that listens now has not heard it.
            self.utterance.said_over = self.connection;
            let samples = std::mem::take(&mut self.utterance.samples);
            let pieces = samples.chunks(PIECE_SAMPLES);
            said.extend(pieces.map(|piece| self.client.frame(piece)));
            self.utterance.samples = samples;
            if self.turns == Turns::Servers {
                // Who finds the end of a turn finds it by the silence behind it.
                said.push(self.client.frame(&SILENCE));
            }
            said.extend(self.end_turn());
        }
        let number = self.utterance.number;
        let is_again = std::mem::replace(&mut self.asked, number) == number;
        match self.turns {
            Turns::Ours => {
                said.extend(self.drop_response());
                said.push(self.client.respond());
            }
            // The server responds by itself, perhaps it has begun.
            Turns::Servers if self.response.as_ref().is_some_and(|it| it.answers < number) => {
                said.extend(self.drop_response());
            }
            // It responds to a turn once by itself.
            Turns::Servers if is_again && is_said && self.response.is_none() => {
                said.push(self.client.respond());
            }
            Turns::Servers => {}
        }
        said
    }

    /// What comes next of the response; `None` if nothing has come.
    pub(super) fn next(&mut self) -> Option<Next> {
        let Some(response) = &mut self.response else {
            return self.failure.take().map(Next::Failed);
        };
        if !response.sound.is_empty() {
            response.has_sounded = true;
            let taken = response.sound.len().min(PIECE_SAMPLES);
            return Some(Next::Sound {
                samples: response.sound.drain(..taken).collect(),
                words: std::mem::take(&mut response.words),
            });
        }
        if let Some(what) = self.failure.take() {
            return Some(Next::Failed(what));
        }
        if response.end == Some(ResponseEnd::Done) && !response.words.is_empty() {
            // Words may come behind the last sound of theirs.
            return Some(Next::Sound {
                samples: Vec::new(),
                words: std::mem::take(&mut response.words),
            });
        }
        let end = match (response.end.clone()?, self.turns) {
            (ResponseEnd::Failed(what), _) => Next::Failed(what),
            // It has heard the caller, and will respond anew.
            (ResponseEnd::Cancelled(_), Turns::Servers) if !response.has_sounded => {
                self.response = None;
                return None;
            }
            (ResponseEnd::Cancelled(why), Turns::Ours) => {
                Next::Failed(format!("the server gave its response up: {why}"))
            }
            (ResponseEnd::Done, _) if !response.has_sounded => {
                Next::Failed("the server's response holds no sound".into())
            }
            (ResponseEnd::Done | ResponseEnd::Cancelled(_), _) => Next::Over,
        };
        self.response = None;
        Some(end)
    }

    /// What the server said went wrong before it was asked for anything.
    pub(super) fn refusal(&mut self) -> Option<String> {
        self.failure.take()
    }

    /// What the server understood of the caller's latest turn.
    pub(super) fn understood(&mut self) -> Option<String> {
        self.understood.take()
    }

    /// The response is not wanted any more.
    pub(super) fn give_up(&mut self) -> Vec<Message> {
        if self.response.is_none() && self.turns == Turns::Ours {
            self.unnamed += 1;
        }
        let mut said: Vec<Message> = self.drop_response().into_iter().collect();
        match self.reply {
            Heard::Stopped(heard) => said.extend(self.cut(heard)),
            Heard::Whole | Heard::GivenUp => self.reply = Heard::GivenUp,
        }
        said
    }

    /// Has the server end the response that is on its way.
    fn drop_response(&mut self) -> Option<Message> {
        match self.response.take() {
            Some(response) if response.end.is_some() => None,
            Some(response) => Some(self.client.cancel(&response.id)),
            None => None,
        }
    }

    /// A reply has ended: so much of it was heard.
    pub(super) fn reply_ended(&mut self, end: ReplyEnd, heard: Duration) -> Vec<Message> {
        if matches!(end, ReplyEnd::Completed | ReplyEnd::Silent) {
            self.reply = Heard::Whole;
            if self.response.is_none() {
                self.client.heard_whole();
            }
            return Vec::new();
        }
        match (self.reply, self.turns) {
            (Heard::GivenUp, _) | (_, Turns::Servers) => {
                let mut said: Vec<Message> = self.drop_response().into_iter().collect();
                said.extend(self.cut(heard));
                said
            }
            // It may go on yet.
            (Heard::Whole | Heard::Stopped(_), Turns::Ours) => {
                self.reply = Heard::Stopped(heard);
                Vec::new()
            }
        }
    }

    /// A reply that was stopped goes on.
    pub(super) fn reply_resumed(&mut self) {
        self.reply = Heard::Whole;
    }

    /// Tells what was heard of a reply that does not go on, since the caller has said something.
    fn settle(&mut self) -> Vec<Message> {
        match self.reply {
            Heard::Stopped(heard) => self.cut(heard),
            Heard::Whole | Heard::GivenUp => Vec::new(),
        }
    }

    fn cut(&mut self, heard: Duration) -> Vec<Message> {
        self.reply = Heard::Whole;
        self.client.heard_no_more_than(heard)
    }

    /// Takes in a message of the server; what is said to it at once, and whether the session is ready with it.
    ///
    /// # Errors
    /// If it is no message of the protocol, or more than anybody can want.
    pub(super) fn came(&mut self, message: Message) -> Result<(Vec<Message>, bool), Junk> {
        let Some(event) = self.client.understand(message)? else {
            return Ok((Vec::new(), false));
        };
        let mut said = Vec::new();
        match event {
            FromServer::Ready => return Ok((said, true)),
            FromServer::SpeechStarted => self.ended = 0,
            FromServer::SpeechStopped => self.ended = self.utterance.number,
            FromServer::Began { response: id } => said.extend(self.began(id)),
            FromServer::Sound { response, samples } => {
                if let Some(response) = self.response_of(&response) {
                    response.sound.extend(samples);
                    if response.sound.len() > WAITING_SAMPLES_MAX {
                        return Err(Junk("it sends more than ten minutes of sound".into()));
                    }
                }
            }
            FromServer::Saying { response, words } => {
                if let Some(response) = self.response_of(&response)
                    && response.words.len() + words.len() <= WORDS_BYTES_MAX
                {
                    response.words += &response.masking.push(&words);
                    response.has_words = true;
                }
            }
            FromServer::Said(words) => {
                let words = self.credentials.masked(&words);
                if let Some(response) = &mut self.response
                    && !response.has_words
                {
                    response.words = words;
                    response.has_words = true;
                }
            }
            FromServer::Committed(item) => self.item = item,
            // It is about what was said before.
            FromServer::Heard { item, .. } if !item.is_empty() && item == self.past => {}
            FromServer::Heard { words, .. } => {
                self.understood = Some(self.credentials.masked(&words));
            }
            FromServer::Over { response, end } => {
                let masked = |why: String| self.credentials.masked(&why);
                let end = match end {
                    ResponseEnd::Done => ResponseEnd::Done,
                    ResponseEnd::Cancelled(why) => ResponseEnd::Cancelled(masked(why)),
                    ResponseEnd::Failed(why) => ResponseEnd::Failed(masked(why)),
                };
                if let Some(response) = self.response_of(&response) {
                    response.words += &response.masking.rest();
                    response.end = Some(end);
                }
            }
            // It refuses a response that nobody wants any more.
            FromServer::Failed(_) if self.unnamed > 0 => self.unnamed -= 1,
            FromServer::Failed(what) => self.failure = Some(self.credentials.masked(&what)),
        }
        Ok((said, false))
    }

    fn began(&mut self, id: String) -> Option<Message> {
        if self.unnamed > 0 {
            self.unnamed -= 1;
            return Some(self.client.cancel(&id));
        }
        self.response = Some(Response {
            id,
            answers: self.utterance.number,
            masking: self.credentials.masking(),
            ..Response::default()
        });
        None
    }

    /// The response that a message is about, if anything of it is wanted. A server need not name it.
    fn response_of(&mut self, id: &str) -> Option<&mut Response> {
        let own = self.response.as_mut()?;
        (id.is_empty() || own.id.is_empty() || own.id == id).then_some(own)
    }
}

#[cfg(test)]
#[path = "test_exchange.rs"]
mod tests;
