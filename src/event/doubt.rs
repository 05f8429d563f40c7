//! Why a beginning or an end of speech may be another one than was found.

use serde::{Deserialize, Serialize};

/// Why the latency of a turn is doubtful: what may have hidden the true end of the question or the
/// true beginning of the answer, or have been taken for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Doubt {
    /// Noise on the channel is as loud as the soft sounds there.
    Noise,
    /// Somebody else speaks on the channel: a television, people in the same room.
    OtherVoice,
    /// The other side leaks into the channel, louder than the soft sounds there.
    Leak,
    /// Music, or a tone, sounds next to the speech.
    Music,
    /// A soft sound that may be a breath lies before the speech or behind it.
    Breath,
    /// The detectors of voice disagree about where it is.
    Detectors,
    /// A sound that may be a voice or music; Silero's detector would tell, and is not installed.
    NoSilero,
    /// Both sides are in one channel, and both speak there.
    OneChannel,
    /// The files of the two sides differ in length, so their clocks may not agree.
    Clocks,
    /// A trace contradicts itself: a span ends before it begins, or clocks of its spans disagree.
    Trace,
    /// The machine that held the call was too busy to send or to hear in time.
    BusyMachine,
}

impl Doubt {
    /// The name in reports and files: `other_voice`.
    pub fn name(self) -> &'static str {
        match self {
            Doubt::Noise => "noise",
            Doubt::OtherVoice => "other_voice",
            Doubt::Leak => "leak",
            Doubt::Music => "music",
            Doubt::Breath => "breath",
            Doubt::Detectors => "detectors",
            Doubt::NoSilero => "no_silero",
            Doubt::OneChannel => "one_channel",
            Doubt::Clocks => "clocks",
            Doubt::Trace => "trace",
            Doubt::BusyMachine => "busy_machine",
        }
    }

    /// What may be wrong, for people: `noise hides soft sounds`.
    pub fn told(self) -> &'static str {
        match self {
            Doubt::Noise => "noise hides soft sounds",
            Doubt::OtherVoice => "somebody else speaks in the background",
            Doubt::Leak => "the other side leaks in",
            Doubt::Music => "music or a tone sounds next to the speech",
            Doubt::Breath => "a soft sound may be a breath",
            Doubt::Detectors => "the voice detectors disagree",
            Doubt::NoSilero => "voice or music? (voicesim models install silero-vad)",
            Doubt::OneChannel => "both sides speak in one channel",
            Doubt::Clocks => "the clocks of the two files may differ (--clocks)",
            Doubt::Trace => "the trace contradicts itself",
            Doubt::BusyMachine => "this machine was too busy to send or hear in time",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_doubt_is_written_by_its_name() {
        let all = [
            Doubt::Noise,
            Doubt::OtherVoice,
            Doubt::Leak,
            Doubt::Music,
            Doubt::Breath,
            Doubt::Detectors,
            Doubt::NoSilero,
            Doubt::OneChannel,
            Doubt::Clocks,
            Doubt::Trace,
            Doubt::BusyMachine,
        ];
        for doubt in all {
            let written = serde_json::to_value(doubt).expect("JSON");
            assert_eq!(written, doubt.name());
        }
    }
}
