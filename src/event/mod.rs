//! The words of voicesim: ticks, turns, hops, and the marks that a conversation leaves behind.
//!
//! Everything voicesim reports is a fold over a list of [`Event`]s. An event says *that* something
//! happened and when; durations are derived later, in `measure`, and nowhere else.

mod hop;
mod metric;
mod policy;

pub use hop::Hop;
pub use metric::Metric;
pub use policy::InterruptionPolicy;

use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// A point in time: whole nanoseconds since the session began. Position zero of
/// `conversation.wav` is tick zero.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Tick(pub u64);

impl Tick {
    pub const ZERO: Tick = Tick(0);

    pub fn from_ms(ms: u64) -> Tick {
        Tick(ms.saturating_mul(1_000_000))
    }

    /// The time from `earlier` to `self`; zero if `earlier` is the later one.
    pub fn since(self, earlier: Tick) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// The tick `span` before this one, or zero.
    pub fn before(self, span: Duration) -> Tick {
        Tick(self.0.saturating_sub(nanos(span)))
    }

    pub fn as_ms(self) -> f64 {
        self.0 as f64 / 1e6
    }
}

impl std::ops::Add<Duration> for Tick {
    type Output = Tick;
    fn add(self, span: Duration) -> Tick {
        Tick(self.0.saturating_add(nanos(span)))
    }
}

/// Whole nanoseconds of a span, saturating after 584 years.
pub fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

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
    SpeechToText,
    Answer,
    Clauses,
    TextToSpeech,
    /// One model in place of the three before.
    SpeechToSpeech,
    /// What an endpointing policy asks: whether the caller has finished, by the sound.
    EndOfTurn,
}

impl StageName {
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

/// What a scenario turn asks of the agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expect {
    /// Answer it.
    Respond,
    /// Stop talking.
    Stop,
    /// Go on as if nothing had been heard.
    Ignore,
}

/// How a visit to a stage ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "end")]
pub enum VisitEnd {
    Done,
    /// Given up before it was done; it must never be counted as fast work.
    Cancelled,
    Failed {
        error: String,
    },
}

/// What a stage put out, as far as the record needs it. The full output is in `outputs/`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "output")]
pub enum OutputNote {
    /// A transcript that may still change.
    Partial { text: Arc<str> },
    /// The transcript of the whole utterance, and how much audio went in.
    Final { text: Arc<str>, audio_ns: u64 },
    /// A piece of the answer's text.
    Piece { text: Arc<str> },
    /// Text that is spoken in one go.
    Clause { text: Arc<str> },
    /// Synthesised speech: its length and how many characters it speaks.
    Audio { audio_ns: u64, characters: u32 },
    /// That the caller has finished, in 0..=1.
    Finished { probability: f64 },
}

/// What was done about a stage that failed, or took too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CuredBy {
    /// A try was given up.
    TimedOut,
    /// It was tried again.
    Retried,
    /// A second request was made beside the first.
    Hedged,
    /// The second request was the first to put something out, and the other one was dropped.
    HedgeWon,
    /// It had failed too often, and was not even asked.
    Refused,
    /// Another engine was asked in its place.
    FellBack,
}

/// What the work of a visit took, measured by the clock that ran it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cost {
    /// From the start of the job to its end.
    pub wall_ns: u64,
    /// CPU time of the whole process meanwhile, since engines compute on threads of their own
    /// libraries: other jobs and the ear are in it, programs that run as processes are not.
    pub cpu_ns: u64,
    /// Threads the job was granted.
    pub threads: u32,
    /// Threads that were busy with other jobs when it started.
    pub concurrent: u32,
    /// CPU time that other programs took meanwhile of the cores that the job could have used, whether it
    /// was granted them or not: all that they took, less what the machine had to spare beside those cores.
    /// Of work that was computed here, where the system tells (Linux, in steps of 10 ms).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub others_ns: Option<u64>,
    /// What a language model wrote, where a server counts it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub tokens: Option<Tokens>,
}

/// What a language model wrote.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tokens {
    /// Of the answer: as the server counts them, else the pieces that came.
    pub written: u32,
    /// What it read before, if the server tells.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub read: Option<u32>,
    /// From the first piece of the answer to its last, as they came, whoever waited for them.
    pub writing_ns: u64,
}

impl Tokens {
    /// Those of two answers.
    pub fn plus(self, later: Tokens) -> Tokens {
        let read = match (self.read, later.read) {
            (Some(one), Some(other)) => Some(one.saturating_add(other)),
            (one, other) => one.or(other),
        };
        Tokens {
            written: self.written.saturating_add(later.written),
            read,
            writing_ns: self.writing_ns.saturating_add(later.writing_ns),
        }
    }
}

impl Cost {
    /// The cost of two pieces of work, one after the other.
    pub fn plus(self, later: Cost) -> Cost {
        Cost {
            wall_ns: self.wall_ns.saturating_add(later.wall_ns),
            cpu_ns: self.cpu_ns.saturating_add(later.cpu_ns),
            threads: self.threads.max(later.threads),
            concurrent: self.concurrent.max(later.concurrent),
            others_ns: match (self.others_ns, later.others_ns) {
                (Some(one), Some(other)) => Some(one.saturating_add(other)),
                (one, other) => one.or(other),
            },
            tokens: match (self.tokens, later.tokens) {
                (Some(one), Some(other)) => Some(one.plus(other)),
                (one, other) => one.or(other),
            },
        }
    }
}

/// Which way sound goes through a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    Input,
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
    /// Enough silence.
    Silence,
    /// The utterance reached its maximum length.
    MaximumLength,
    /// The caller's audio ended.
    AudioEnded,
}

/// What an endpoint was committed on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EndpointDecision {
    /// The policy's name.
    pub policy: String,
    /// That the caller had finished, in 0..=1.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub probability: Option<f64>,
    /// What spoke for it, strongest first.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub reasons: Vec<String>,
}

/// What to do about a sound that the caller makes while the agent speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    KeepTalking,
    Unsure,
    Stop,
}

/// One thing that happened. Ticks inside a mark are true positions in time, known only afterwards;
/// the tick of the [`Event`] is when it was written down.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "mark")]
pub enum Mark {
    // What the caller truly did: known to a replay and to a simulation, never to the pipeline.
    /// The audio of scenario turn `row` (from zero) begins to sound.
    RowStarted {
        row: u32,
        at: Tick,
        /// What it asks for, if the scenario does not say: a caller made it up.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        expect: Option<Expect>,
    },
    /// Scenario turn `row` was never spoken: its anchor did not come.
    RowMissed {
        row: u32,
        waited_ns: u64,
    },
    /// The caller truly began to speak.
    CallerSpeechStarted {
        at: Tick,
    },
    /// The caller truly stopped speaking.
    CallerSpeechEnded {
        at: Tick,
    },
    /// The end of the caller's speech has crossed a simulated network, and reaches the ear.
    CallerSpeechArrived {
        at: Tick,
    },
    /// A simulated caller heard nothing for too long, and starts again.
    CallerStartedAgain,
    /// And has lost patience.
    CallerGaveUp,
    /// What an utterance asks of the agent, as far as a finished recording tells. Nothing else is known
    /// there of the inside of the agent: no hops, no decisions of its own.
    Judged {
        asks: Expect,
    },

    // What the ear and the endpoint made of it.
    VoiceStarted {
        onset: Tick,
    },
    VoicePaused {
        last_voiced: Tick,
    },
    VoiceResumed {
        at: Tick,
    },
    /// The recogniser is asked what was said so far.
    AskedSoFar,
    /// The caller is taken to have finished; `last_voiced` is the end of speech by the VAD.
    EndpointCommitted {
        last_voiced: Tick,
        cause: EndpointCause,
        /// What the policy based it on, if it has more to say than how long it waits.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        decision: Option<Box<EndpointDecision>>,
    },

    // What the stages did.
    Enter {
        stage: StageName,
        visit: VisitId,
    },
    Begun {
        stage: StageName,
        visit: VisitId,
    },
    Output {
        stage: StageName,
        visit: VisitId,
        #[serde(flatten)]
        note: OutputNote,
    },
    Exit {
        stage: StageName,
        visit: VisitId,
        #[serde(flatten)]
        end: VisitEnd,
        #[serde(skip_serializing_if = "Option::is_none", default)]
        cost: Option<Cost>,
        /// What went in, by its hash; known where outputs are kept.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        input: Option<String>,
    },

    /// A cure was applied to a stage that failed, or took too long.
    Cured {
        stage: StageName,
        by: CuredBy,
    },

    /// An answer was chosen from so many samples by a vote.
    Voted {
        samples: u32,
        /// How many say the same, of those that were complete when the vote was decided.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        agree: Option<u32>,
        /// Of a fake, which knows.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        is_right: Option<bool>,
    },

    // The reply.
    /// A reply is prepared in case the caller has finished. Nothing of it is heard before
    /// `ReplyStarted`.
    Speculated {
        question: Arc<str>,
    },
    /// It was in vain: the caller went on, or said something else.
    SpeculationDropped,
    /// The reply to what the caller said, with what was prepared of it if anything was.
    ReplyStarted {
        question: Arc<str>,
    },
    /// Sound for the speaker: it starts at `start`, its first `silence_ns` are inaudible. It takes
    /// `network_ns` to cross a simulated network.
    Queued {
        start: Tick,
        audio_ns: u64,
        silence_ns: u64,
        #[serde(skip_serializing_if = "is_zero", default)]
        network_ns: u64,
    },
    /// Something to fill the time until there is an answer ("let me check"), from `at` on.
    Filler {
        at: Tick,
        audio_ns: u64,
    },
    /// The first audible sample of the reply left the speaker.
    Audible {
        at: Tick,
    },
    /// Silence between two clauses of one reply.
    PlaybackGap {
        at: Tick,
        gap_ns: u64,
    },
    /// The reply is over. `heard` is the text as far as it was played; `heard_ns` how much sounded.
    ReplyEnded {
        end: ReplyEnd,
        at: Tick,
        heard: Arc<str>,
        heard_ns: u64,
    },
    /// It had been stopped for nothing, and goes on where it was.
    ReplyResumed {
        at: Tick,
    },
    /// The utterance needs no reply: nothing was understood, or it was spoken over the agent.
    NoReply,

    // Interruptions.
    OverlapStarted {
        onset: Tick,
    },
    Decision {
        policy: String,
        verdict: Verdict,
        since_onset_ns: u64,
        #[serde(skip_serializing_if = "Option::is_none", default)]
        probability: Option<f64>,
        #[serde(skip_serializing_if = "Vec::is_empty", default)]
        reasons: Vec<String>,
    },
    OverlapEnded {
        at: Tick,
    },

    // A real microphone and speaker.
    /// A device is open: for the first time, or again.
    DeviceOpened {
        direction: Direction,
        name: String,
        /// In Hz.
        rate: u32,
    },
    /// A device is gone, unplugged or stuck.
    DeviceLost {
        direction: Direction,
        reason: String,
    },
    /// Sound that got lost between a device and the session since the last such mark: an overrun of
    /// the microphone, or a reply that came too late for the speaker.
    SoundLost {
        direction: Direction,
        lost_ns: u64,
    },
    /// Over- or underruns that a device reported since the last such mark.
    Xruns {
        direction: Direction,
        count: u64,
    },
    /// How much faster a device's crystal is than the session's clock, in parts per million.
    DeviceDrift {
        direction: Direction,
        ppm: f64,
    },
    /// The agent's voice comes back through the microphone, at this level relative to what was
    /// played, so much later.
    Echo {
        level_db: f64,
        delay_ns: u64,
    },

    // The session.
    /// The real clock woke up this much too late.
    ClockLag {
        lag_ns: u64,
    },
    SessionEnded {
        cause: SessionEnd,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReplyEnd {
    /// Played to its end.
    Completed,
    /// Stopped for an interruption while it was audible.
    Stopped,
    /// Dropped before it was audible, because the caller went on.
    Superseded,
    /// The answer had no words in it.
    Silent,
    Failed,
    /// The session ended.
    Abandoned,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionEnd {
    /// Everything that was to be said has been said.
    Finished,
    /// Somebody stopped it.
    Aborted,
}

fn is_zero(span_ns: &u64) -> bool {
    *span_ns == 0
}

/// A mark with its time and place. `events.jsonl` holds one a line, in the order of their ticks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    pub tick: Tick,
    pub session: SessionId,
    pub turn: TurnId,
    #[serde(flatten)]
    pub mark: Mark,
}
