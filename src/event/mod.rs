//! The words of voicesim: ticks, turns, hops, and the marks that a conversation leaves behind.
//!
//! Everything voicesim reports is a fold over a list of [`Event`]s. An event says *that* something
//! happened and when; durations are derived later, in `measure`, and nowhere else.

mod doubt;
mod hop;
mod metric;
mod policy;

pub use doubt::Doubt;
pub use hop::Hop;
pub use metric::{Metric, SUSTAINED};
pub use policy::InterruptionPolicy;

use schemars::JsonSchema;
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
    /// The beginning of a session.
    pub const ZERO: Tick = Tick(0);

    /// The tick `ms` milliseconds after the beginning.
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

    /// Milliseconds since the beginning.
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

/// How a visit to a stage ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "end")]
pub enum VisitEnd {
    /// The work came to its end.
    Done,
    /// The work was given up before its end; it must never be counted as fast work.
    Cancelled,
    /// The work ended with an error.
    Failed {
        /// The text of the error.
        error: String,
        /// Whether the engine refused the work because it had too much to do.
        #[serde(skip_serializing_if = "std::ops::Not::not", default)]
        refused: bool,
    },
}

/// What a stage put out, as far as the record needs it. The full output is in `outputs/`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "output")]
pub enum OutputNote {
    /// A transcript that may still change.
    Partial {
        /// What was understood so far.
        text: Arc<str>,
    },
    /// The transcript of the whole utterance.
    Final {
        /// What was understood.
        text: Arc<str>,
        /// Length of the audio that was transcribed.
        audio_ns: u64,
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

/// What the work of a visit took, measured by the clock that ran it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cost {
    /// Time from the start of the job to its end.
    pub wall_ns: u64,
    /// CPU time of the whole process meanwhile, since engines compute on threads of their own
    /// libraries: other jobs and the ear are in it, programs that run as processes are not.
    pub cpu_ns: u64,
    /// Threads the job was granted.
    pub threads: u32,
    /// Threads that were busy with other jobs when the job started.
    pub concurrent: u32,
    /// CPU time that other programs took meanwhile of the cores that the job could have used, whether it
    /// was granted them or not: all that they took, less what the machine had to spare beside those cores.
    /// Known of work that was computed here, where the system tells (Linux, in steps of 10 ms).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub others_ns: Option<u64>,
    /// How much a language model wrote; `None` if nobody counts it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub tokens: Option<Tokens>,
}

/// How much a language model wrote, and in what time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tokens {
    /// Tokens of the answer as the server counts them, else the number of pieces that came.
    pub written: u32,
    /// Tokens that the model read before; `None` if the server does not tell.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub read: Option<u32>,
    /// Time from the first piece of the answer to the last, as they came, whoever waited for them.
    pub writing_ns: u64,
}

impl Tokens {
    /// The tokens of two answers together.
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

/// One thing that happened. Ticks inside a mark are true positions in time, known only afterwards;
/// the tick of the [`Event`] is when it was written down.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "mark")]
pub enum Mark {
    // What the caller truly did: known to a replay and to a simulation, never to the pipeline.
    /// The audio of a scenario turn begins to sound.
    RowStarted {
        /// Index of the scenario turn, from zero.
        row: u32,
        /// When the audio begins.
        at: Tick,
        /// What the turn asks for, where a simulated caller made it up; `None` if the scenario says it.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        expect: Option<Expect>,
    },
    /// A scenario turn was never spoken: its anchor did not come.
    RowMissed {
        /// Index of the scenario turn, from zero.
        row: u32,
        /// How long the caller waited for the anchor.
        waited_ns: u64,
    },
    /// The caller truly began to speak.
    CallerSpeechStarted {
        /// When the speech began.
        at: Tick,
    },
    /// The caller truly stopped speaking.
    CallerSpeechEnded {
        /// When the speech ended.
        at: Tick,
    },
    /// The end of the caller's speech has crossed a simulated network, and reaches the ear.
    CallerSpeechArrived {
        /// When the end reaches the ear.
        at: Tick,
    },
    /// A simulated caller heard nothing for too long, and starts again.
    CallerStartedAgain,
    /// A simulated caller has lost patience, and hangs up.
    CallerGaveUp,
    /// What an utterance asks of the agent, as far as a finished recording tells. Nothing else is known
    /// there of the inside of the agent: no hops, no decisions of its own.
    Judged {
        /// What the utterance asks for.
        asks: Expect,
    },
    /// The latency of the turn, as a finished recording has it, may be another one.
    Doubtful {
        /// Why.
        doubt: Doubt,
    },
    /// The agent's first sound after the caller's, on a finished recording, where it is not the answer itself: a
    /// click, typing, a breath, or a word that nothing follows for a while.
    AgentSound {
        /// When it begins.
        at: Tick,
    },

    // What the ear and the endpointing policy made of the caller's sound.
    /// The voice detector hears the caller begin an utterance.
    VoiceStarted {
        /// When the voice began.
        onset: Tick,
    },
    /// The voice detector hears the caller pause.
    VoicePaused {
        /// When the voice was last heard.
        last_voiced: Tick,
    },
    /// The voice detector hears the caller go on after a pause.
    VoiceResumed {
        /// When the voice came back.
        at: Tick,
    },
    /// The recogniser is asked what was said so far.
    AskedSoFar,
    /// The caller is taken to have finished.
    EndpointCommitted {
        /// End of speech as the voice detector has it.
        last_voiced: Tick,
        /// Why the endpoint was committed.
        cause: EndpointCause,
        /// What the policy based it on, if it has more to say than how long it waits.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        decision: Option<Box<EndpointDecision>>,
    },

    // What the stages did.
    /// An input reaches a stage, and a visit begins.
    Enter {
        /// The stage that the input reaches.
        stage: StageName,
        /// The visit of that input.
        visit: VisitId,
    },
    /// A stage takes the work on an input up; until then the input waited for a busy engine.
    Begun {
        /// The stage at work.
        stage: StageName,
        /// The visit whose work begins.
        visit: VisitId,
    },
    /// A stage puts something out.
    Output {
        /// The stage that puts it out.
        stage: StageName,
        /// The visit that it comes from.
        visit: VisitId,
        /// What the stage puts out.
        #[serde(flatten)]
        note: OutputNote,
    },
    /// A visit to a stage is over.
    Exit {
        /// The stage that was visited.
        stage: StageName,
        /// The visit that is over.
        visit: VisitId,
        /// How the visit ended.
        #[serde(flatten)]
        end: VisitEnd,
        /// What the work took; `None` if nobody measured it.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        cost: Option<Box<Cost>>,
        /// The hash of what went in; `None` where outputs are not kept.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        input: Option<String>,
    },

    /// A resilience policy did something about a stage that failed, or took too long.
    Cured {
        /// The stage that failed or took too long.
        stage: StageName,
        /// What the policy did.
        by: ResilienceStep,
    },

    /// An answer was chosen by a vote.
    Voted {
        /// Answers that were asked for to choose from.
        samples: u32,
        /// How many say the same, of those that were complete when the vote was decided; `None` if a
        /// simulated engine answered.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        agree: Option<u32>,
        /// Whether the answer is right; `None` unless a simulated engine answered, which alone knows.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        is_right: Option<bool>,
    },

    // The reply.
    /// A reply is prepared in case the caller has finished. Nothing of it is heard before
    /// `ReplyStarted`.
    Speculated {
        /// What the caller has said so far.
        question: Arc<str>,
    },
    /// The reply was prepared in vain: the caller went on, or said something else.
    SpeculationDropped,
    /// The reply to what the caller said, with what was prepared of it if anything was.
    ReplyStarted {
        /// What the caller said.
        question: Arc<str>,
    },
    /// Sound of the reply is handed to the speaker.
    Queued {
        /// When the sound starts.
        start: Tick,
        /// Length of the sound.
        audio_ns: u64,
        /// Length of the sound's inaudible head.
        silence_ns: u64,
        /// How long the sound takes to cross a simulated network; 0 without one.
        #[serde(skip_serializing_if = "is_zero", default)]
        network_ns: u64,
    },
    /// Something to fill the time until there is an answer ("let me check").
    Filler {
        /// When the filler starts to sound.
        at: Tick,
        /// Length of the filler.
        audio_ns: u64,
    },
    /// The first audible sample of the reply left the speaker.
    Audible {
        /// When that sample sounds.
        at: Tick,
    },
    /// Silence between two clauses of one reply.
    PlaybackGap {
        /// When the silence begins.
        at: Tick,
        /// Length of the silence.
        gap_ns: u64,
    },
    /// The reply is over.
    ReplyEnded {
        /// How the reply ended.
        end: ReplyEnd,
        /// When the reply fell silent.
        at: Tick,
        /// The text as far as it was played.
        heard: Arc<str>,
        /// Length of the sound that was played.
        heard_ns: u64,
    },
    /// The reply had been stopped for nothing, and goes on where it was.
    ReplyResumed {
        /// When the reply goes on.
        at: Tick,
    },
    /// The utterance needs no reply: nothing was understood, or it was spoken over the agent.
    NoReply,

    // Interruptions.
    /// The caller begins to make a sound while the agent speaks.
    OverlapStarted {
        /// When the sound began.
        onset: Tick,
    },
    /// The interruption policy judges the caller's sound over the agent.
    Decision {
        /// The policy's name.
        policy: String,
        /// What the policy decides.
        verdict: Verdict,
        /// How long after the onset of the sound the policy decides.
        since_onset_ns: u64,
        /// Probability of an interruption, in 0..=1; `None` if the policy computes none.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        probability: Option<f64>,
        /// What spoke for the verdict, strongest first.
        #[serde(skip_serializing_if = "Vec::is_empty", default)]
        reasons: Vec<String>,
    },
    /// The caller's sound over the agent is over, or a later one takes its place.
    OverlapEnded {
        /// When the overlap ended.
        at: Tick,
    },

    // A real microphone and speaker.
    /// A device is open: for the first time, or again.
    DeviceOpened {
        /// Whether it is a microphone or a speaker.
        direction: Direction,
        /// The device's name.
        name: String,
        /// The device's sample rate in Hz.
        rate: u32,
    },
    /// A device is gone, unplugged or stuck.
    DeviceLost {
        /// Whether it is a microphone or a speaker.
        direction: Direction,
        /// Why the device is taken to be gone.
        reason: String,
    },
    /// Sound that got lost between a device and the session since the last such mark: an overrun of
    /// the microphone, or a reply that came too late for the speaker.
    SoundLost {
        /// Whether the microphone's or the speaker's sound got lost.
        direction: Direction,
        /// Length of the lost sound.
        lost_ns: u64,
    },
    /// Over- or underruns that a device reported since the last such mark.
    Xruns {
        /// Whether a microphone or a speaker reported them.
        direction: Direction,
        /// How many were reported.
        count: u64,
    },
    /// A device's crystal runs faster or slower than the session's clock.
    DeviceDrift {
        /// Whether it is a microphone or a speaker.
        direction: Direction,
        /// How much faster the crystal is, in parts per million; negative if it is slower.
        ppm: f64,
    },
    /// The agent's voice comes back through the microphone.
    Echo {
        /// Level in dB relative to what was played: -20 is a tenth of the amplitude.
        level_db: f64,
        /// How much later than the played sound the echo is heard; 0 if it seemed to come before.
        delay_ns: u64,
    },

    // The session.
    /// The real clock woke up too late.
    ClockLag {
        /// How late the clock woke up.
        lag_ns: u64,
    },
    /// The conversation is over.
    SessionEnded {
        /// Why it is over.
        cause: SessionEnd,
    },
}

/// How a reply ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReplyEnd {
    /// The reply was played to its end.
    Completed,
    /// The reply was stopped for an interruption while it was audible.
    Stopped,
    /// The reply was dropped before it was audible, because the caller went on.
    Superseded,
    /// The answer had no words in it.
    Silent,
    /// A stage failed: the reply was played as far as it came.
    Failed,
    /// The session ended before the reply did.
    Abandoned,
}

/// Why a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionEnd {
    /// Everything that was to be said has been said.
    Finished,
    /// Somebody stopped the session.
    Aborted,
}

fn is_zero(span_ns: &u64) -> bool {
    *span_ns == 0
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
