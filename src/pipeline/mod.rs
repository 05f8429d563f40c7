//! One conversation: from speech activity to replies, and what happens when both talk at once.
//!
//! `turn` decides whose turn it is, `endpoint` has a policy decide when an utterance is over; `session` carries
//! both out. `drive` feeds a stage, `recognise` the recogniser; `open_utterance` knows when to ask the recogniser
//! ahead of the end. `chain` runs the stages of a reply, `reply` is a reply as the session holds it, `at_work` goes on with
//! the work on it, `agent` has the current one, `playback` plays it, with what `telling` has it say of being a machine.
//! `overlap` watches a sound over the agent, `lately` remembers who spoke when; `control` is what a caller's client decides. `script` is the caller of a replay, `cue` says when a caller speaks.
//! Nothing here knows which engines it runs, or what kind of time passes.

mod agent;
mod at_work;
mod chain;
#[cfg_attr(
    not(feature = "probe"),
    allow(
        dead_code,
        reason = "only clients over a network decide, and models on a server"
    )
)]
pub(crate) mod control;
pub(crate) mod cue;
mod drive;
mod endpoint;
mod laid;
mod lately;
mod open_utterance;
mod over_agent;
mod overlap;
mod playback;
mod ready;
mod recognise;
mod reply;
pub(crate) mod script;
mod session;
mod telling;
mod turn;

pub(crate) use playback::Filler;
pub(crate) use session::{Session, Settings};

use crate::event::{DisclosureOn, Tick};
use crate::stage::{Answer, AudioChunk, Clauses, SpeechToSpeech, SpeechToText, TextToSpeech};
use std::time::Duration;
use tokio::sync::Mutex;

/// The stages of a conversation. Each is used by one visit at a time.
pub(crate) struct Stages {
    pub stt: Mutex<SpeechToText>,
    pub reply: Replying,
    pub filler: Option<Filler>,
    pub disclosure: Option<Disclosure>,
}

/// That the agent is a machine, as it says so.
pub(crate) struct Disclosure {
    /// When it is said, besides when a caller asks whether they talk to a person.
    pub on: DisclosureOn,
    /// Within which time it has to be said to its end; any time if `None`.
    pub within: Option<Duration>,
    /// What is said, with its words: prepared, so that nobody waits for it.
    pub sound: AudioChunk,
}

/// What makes a reply.
pub(crate) enum Replying {
    /// A text, cut into clauses, which are spoken.
    Cascade {
        answer: Mutex<Answer>,
        clauses: Mutex<Clauses>,
        tts: Mutex<TextToSpeech>,
        /// Clauses whose sound was made before, each with its words: how answers like to begin.
        openings: Vec<AudioChunk>,
    },
    /// One model, in speech.
    Direct(Mutex<SpeechToSpeech>),
}

/// What the caller can tell of the agent: whether it speaks, and since when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct AgentState {
    /// Nobody speaks and no reply is on its way.
    pub is_idle: bool,
    pub is_speaking: bool,
    /// When its latest speech began.
    pub speech_started: Option<Tick>,
    /// When its latest speech ended.
    pub speech_ended: Option<Tick>,
    /// When the latest filler is over, or was.
    pub filler_ends: Option<Tick>,
    /// When any of this last changed.
    pub changed: Tick,
}

impl AgentState {
    /// The state from now on; the same as before if nothing has changed.
    fn turned(
        self,
        (is_idle, is_speaking): (bool, bool),
        filler_ends: Option<Tick>,
        now: Tick,
    ) -> AgentState {
        let next = AgentState {
            is_idle,
            is_speaking,
            filler_ends: filler_ends.or(self.filler_ends),
            ..self
        };
        if next == self {
            return self;
        }
        let (speech_started, speech_ended) = match (self.is_speaking, is_speaking) {
            (false, true) => (Some(now), self.speech_ended),
            (true, false) => (self.speech_started, Some(now)),
            _ => (self.speech_started, self.speech_ended),
        };
        AgentState {
            speech_started,
            speech_ended,
            changed: now,
            ..next
        }
    }
}
