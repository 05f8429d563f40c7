//! What can happen in a conversation.

use super::{
    Cost, Direction, DisclosureEvidence, DisclosureOn, Doubt, EndpointCause, EndpointDecision,
    Expect, InterruptionDecision, OutputNote, ResilienceStep, StageName, Tick, Traced, VisitEnd,
    VisitId,
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// One thing that happened. Ticks inside a mark are true positions in time, known only afterwards;
/// the tick of the [`Event`](super::Event) is when it was written down.
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
        /// Why it may have ended at another time.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        doubt: Option<Doubt>,
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
    /// What a trace of the agent tells of the turn's latency, where the conversation was imported.
    Traced {
        /// The latency and its parts.
        #[serde(flatten)]
        told: Box<Traced>,
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
    /// A voice, or what the voice detector takes for one, is not the caller's: the first sound of it, after the
    /// caller spoke last.
    BackgroundHeard {
        /// How loud the caller speaks, in decibels of full scale.
        caller_db: i16,
        /// How loud the sound is.
        level_db: i16,
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
    /// The recogniser is asked what was said so far, or, as the utterance ends, what was said since it was asked.
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
        input: Option<Box<str>>,
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
    /// The agent has to say that it is a machine, in this conversation.
    DisclosureDue {
        /// What it has to say.
        text: Arc<str>,
        /// When, besides when a caller asks for it.
        on: DisclosureOn,
        /// Within which time it has to be said to its end; any time if `None`.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        within_ns: Option<u64>,
        /// What tells whether it was said.
        by: DisclosureEvidence,
    },
    /// The agent says that it is a machine: sound of that is handed to the speaker.
    Disclosed {
        /// When the sound starts.
        at: Tick,
        /// Length of the sound.
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
    Decision(Box<InterruptionDecision>),
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

impl Mark {
    /// Whether it is a step of a stage's work that tells of no end: four or more of ten marks of a simulation are.
    pub(crate) fn is_step(&self) -> bool {
        matches!(
            self,
            Mark::Enter { .. } | Mark::Begun { .. } | Mark::Output { .. }
        )
    }
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
