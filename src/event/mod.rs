//! The words of voicesim: ticks, turns, hops, and the marks that a conversation leaves behind.
//!
//! Everything voicesim reports is a fold over a list of [`Event`]s. An event says *that* something
//! happened and when; durations are derived later, in `measure`, and nowhere else.

mod cost;
mod disclosure;
mod doubt;
mod hears;
mod hop;
mod mark;
mod metric;
mod policy;
mod remarks;
mod tick;
mod traced;

pub use cost::{Cost, Tokens};
pub use disclosure::{DisclosureEvidence, DisclosureOn};
pub use doubt::Doubt;
pub use hears::Hears;
pub use hop::Hop;
pub use mark::{Mark, ReplyEnd, SessionEnd};
pub use metric::{Metric, SUSTAINED};
pub use policy::InterruptionPolicy;
pub use remarks::{Remark, Remarks};
pub use tick::{Tick, nanos};
pub use traced::{Traced, TracedMetric, TracedSpan};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// One conversation, counted from zero inside a run.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct SessionId(pub u32);

/// One exchange of a conversation: an utterance of the caller and the reply to it. Counted from
/// one; zero is the time before anybody spoke.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct TurnId(pub u32);

/// One input handed to one stage, from entering it to leaving it. Counted from one per session.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct VisitId(pub u32);

/// A stage of the pipeline, as events name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StageName {
    /// Turns the caller's speech into a transcript.
    SpeechToText,
    /// Writes the answer to a transcript.
    Answer,
    /// Cuts the answer into clauses to speak.
    Clauses,
    /// Turns clauses into speech.
    TextToSpeech,
    /// One model in place of answer, clauses and text to speech.
    SpeechToSpeech,
    /// The classifier that an endpointing policy asks whether the caller has finished, by the sound.
    EndOfTurn,
}

impl StageName {
    /// The name in events and in `outputs/`.
    pub fn name(self) -> &'static str {
        match self {
            StageName::SpeechToText => "speech_to_text",
            StageName::Answer => "answer",
            StageName::Clauses => "clauses",
            StageName::TextToSpeech => "text_to_speech",
            StageName::SpeechToSpeech => "speech_to_speech",
            StageName::EndOfTurn => "end_of_turn",
        }
    }
}

/// The keys of a telephone, row by row.
pub const KEYS: &str = "123A456B789C*0#D";

/// What a scenario turn asks of the agent.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Expect {
    /// An answer.
    Respond,
    /// To stop talking.
    Stop,
    /// To go on as if nothing had been heard.
    Ignore,
}

impl Expect {
    /// The name in scenarios and files.
    pub fn name(self) -> &'static str {
        match self {
            Expect::Respond => "respond",
            Expect::Stop => "stop",
            Expect::Ignore => "ignore",
        }
    }
}

/// How a visit to a stage ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "end")]
pub enum VisitEnd {
    /// The work came to its end.
    Done,
    /// The work was given up before its end; it must never be counted as fast work.
    Cancelled,
    /// The work ended with an error.
    Failed(Box<VisitFailure>),
}

/// Why work failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VisitFailure {
    /// The text of the error.
    pub error: String,
    /// Whether the engine refused the work because it had too much to do.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub refused: bool,
}

/// What a stage put out, as far as the record needs it. The full output is in `outputs/`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "output")]
pub enum OutputNote {
    /// A transcript that may still change.
    Partial {
        /// What was understood so far.
        text: Arc<str>,
        /// How probable the recogniser finds these words, in 0..=1; `None` if it does not tell.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        sureness: Option<f64>,
    },
    /// The transcript of the whole utterance.
    Final {
        /// What was understood.
        text: Arc<str>,
        /// Length of the audio that was transcribed.
        audio_ns: u64,
        /// How probable the recogniser finds these words, in 0..=1; `None` if it does not tell.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        sureness: Option<f64>,
    },
    /// A piece of the answer's text.
    Piece {
        /// The piece, white space included.
        text: Arc<str>,
    },
    /// Text that is spoken in one go.
    Clause {
        /// The text for the voice.
        text: Arc<str>,
    },
    /// Synthesised speech.
    Audio {
        /// Length of the speech.
        audio_ns: u64,
        /// How many characters are spoken in it.
        characters: u32,
    },
    /// A judgement whether the caller has finished.
    Finished {
        /// Probability that the caller has finished, in 0..=1.
        probability: f64,
    },
}

/// What a resilience policy did about a stage that failed, or took too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResilienceStep {
    /// A try took too long and was given up.
    TimedOut,
    /// A try failed, and the stage tried again.
    Retried,
    /// A second request was made beside the first.
    Hedged,
    /// The second request put something out before the first one, which was dropped.
    HedgeWon,
    /// The breaker was open: the engine had failed too often, and was not asked.
    Refused,
    /// Another engine was asked in its place.
    FellBack,
}

/// Which way sound goes through a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Sound comes in from a microphone.
    Input,
    /// Sound goes out to a speaker.
    Output,
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Direction::Input => "microphone",
            Direction::Output => "speaker",
        })
    }
}

/// Why the endpoint was committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndpointCause {
    /// There was enough silence.
    Silence,
    /// The utterance reached its maximum length.
    MaximumLength,
    /// The caller's audio ended.
    AudioEnded,
    /// The caller's client said so.
    Told,
}

/// The grounds on which a policy committed an endpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EndpointDecision {
    /// The policy's name.
    pub policy: String,
    /// Probability that the caller had finished, in 0..=1; `None` if the policy computes none.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub probability: Option<f64>,
    /// What spoke for the endpoint, strongest first.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub reasons: Vec<String>,
}

/// What an interruption policy makes of a sound over the agent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InterruptionDecision {
    /// The policy's name.
    pub policy: String,
    /// What the policy decides.
    pub verdict: Verdict,
    /// How long after the onset of the sound the policy decides.
    pub since_onset_ns: u64,
    /// Probability of an interruption, in 0..=1; `None` if the policy computes none.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub probability: Option<f64>,
    /// What spoke for the verdict, strongest first.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub reasons: Vec<String>,
}

/// What to do about a sound that the caller makes while the agent speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The sound is no interruption.
    KeepTalking,
    /// Nothing is decided yet; the agent goes on.
    Unsure,
    /// The sound is an interruption: the agent falls silent.
    Stop,
}

/// A mark with its time and place. `events.jsonl` holds one a line, in the order of their ticks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// When the mark was written down.
    pub tick: Tick,
    /// The conversation that the mark belongs to.
    pub session: SessionId,
    /// The turn that the mark belongs to; zero if it belongs to none.
    pub turn: TurnId,
    /// What happened.
    #[serde(flatten)]
    pub mark: Mark,
}

// Events of conversations that are not over are most of what a simulation of thousands of calls at once keeps.
const _: () = assert!(size_of::<Event>() <= 64);

#[cfg(test)]
impl Event {
    /// What happened in a turn, where nobody asks when.
    pub(crate) fn of_turn(turn: u32, mark: Mark) -> Event {
        Event {
            tick: Tick::ZERO,
            session: SessionId(0),
            turn: TurnId(turn),
            mark,
        }
    }
}
