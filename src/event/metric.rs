//! The latencies that a report gives besides the hops.

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::cmp::Ordering;
use std::fmt;
use std::time::Duration;

/// How long a sound of the agent lasts, silences shorter than this included, that is speech although more follows.
pub const SUSTAINED: Duration = Duration::from_millis(400);

/// A latency besides the hops. Each has a count, a mean, percentiles and a maximum in reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Metric {
    /// Time from the caller's true end of speech to the first audible sample of the answer's speech: of what lasts
    /// [`SUSTAINED`], or is shorter and followed by nothing. In a run a filler is no part of the answer, however long
    /// it is; on a recording nobody knows a long one from an answer.
    E2eLatency,
    /// Time from the caller's true end of speech to the first sound of the agent, whatever it is: a filler, a "Hm.", and on a
    /// recording typing or a click too.
    FirstSound,
    /// Time from the end of speech as the voice detector has it to the first audible sample of the answer.
    E2eLatencyVad,
    /// Time from the true end of speech to the decision that the caller has finished.
    EndOfTurnDelay,
    /// Time from the true end of speech to the final transcript.
    TranscriptionDelay,
    /// Time from the question to the first piece of the answer's text.
    LlmTtft,
    /// Time from the question to the first clause of the answer that can be spoken.
    LlmTtfs,
    /// Time from a clause to the first audio of it.
    TtsTtfb,
    /// Time from the decision that the caller has finished to the first audio at the speaker.
    Ttfa,
    /// The hops that are neither a wait, an engine nor the network: sentence aggregation and output
    /// transport together.
    Orchestration,
    /// Silence between two clauses of one reply.
    PlaybackGap,
    /// Time from the beginning of an interruption to the agent's silence.
    BargeInStop,
    /// Time from the beginning of an interruption to the decision to stop.
    DetectionDelay,
    /// Time for which both speak after the caller has begun.
    TalkOver,
    /// Time for which both speak.
    Overlap,
    /// Silence of caller and agent where one of them was to speak.
    DeadAir,
    /// Time from the first piece of reasoning, in an answer's text or in a field of its own, to the first piece that can
    /// be spoken: a part of the hop `answer`.
    Reasoning,
}

impl Metric {
    /// Every metric, in the order in which files of turns hold them.
    pub const ALL: [Metric; 17] = [
        Metric::E2eLatency,
        Metric::FirstSound,
        Metric::E2eLatencyVad,
        Metric::EndOfTurnDelay,
        Metric::TranscriptionDelay,
        Metric::LlmTtft,
        Metric::LlmTtfs,
        Metric::TtsTtfb,
        Metric::Ttfa,
        Metric::Orchestration,
        Metric::PlaybackGap,
        Metric::BargeInStop,
        Metric::DetectionDelay,
        Metric::TalkOver,
        Metric::Overlap,
        Metric::DeadAir,
        Metric::Reasoning,
    ];

    /// The name in reports, budgets and files.
    pub const fn name(self) -> &'static str {
        match self {
            Metric::E2eLatency => "e2e_latency",
            Metric::FirstSound => "first_sound",
            Metric::E2eLatencyVad => "e2e_latency_vad",
            Metric::EndOfTurnDelay => "end_of_turn_delay",
            Metric::TranscriptionDelay => "transcription_delay",
            Metric::LlmTtft => "llm_ttft",
            Metric::LlmTtfs => "llm_ttfs",
            Metric::TtsTtfb => "tts_ttfb",
            Metric::Ttfa => "ttfa",
            Metric::Orchestration => "orchestration",
            Metric::PlaybackGap => "playback_gap",
            Metric::BargeInStop => "barge_in_stop",
            Metric::DetectionDelay => "detection_delay",
            Metric::TalkOver => "talk_over",
            Metric::Overlap => "overlap",
            Metric::DeadAir => "dead_air",
            Metric::Reasoning => "reasoning",
        }
    }

    /// The metric called `name`; `None` if there is none.
    pub fn named(name: &str) -> Option<Metric> {
        Metric::ALL.into_iter().find(|metric| metric.name() == name)
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Metrics are ordered by name, as reports list them.
impl Ord for Metric {
    fn cmp(&self, other: &Metric) -> Ordering {
        self.name().cmp(other.name())
    }
}

impl PartialOrd for Metric {
    fn partial_cmp(&self, other: &Metric) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Serialize for Metric {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Metric {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Metric, D::Error> {
        let name = String::deserialize(deserializer)?;
        Metric::named(&name).ok_or_else(|| D::Error::custom(format!("{name:?} is no metric")))
    }
}
