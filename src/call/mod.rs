//! A finished recording of somebody's call, as events: the same events that a session of our own leaves, as far as
//! they can be heard. Whose agent it was does not matter, and nothing is known of its inside.
//!
//! `source` goes through the recording once and remembers little of it ([`Tracks`]); `check` refuses what cannot be
//! measured; `segments` finds speech, `floor` who had it, `words` what was said, `kinds` what it asked for, `over_agent` what a policy
//! hears of a sound over the agent;
//! `events` says all of it in marks. Durations are for `measure`.

mod bands;
pub mod check;
mod doubt;
mod edges;
mod events;
mod file;
pub mod floor;
mod foreign;
mod kinds;
pub mod known;
mod leak;
pub mod moments;
mod noise;
pub mod over_agent;
pub mod probed;
pub mod segments;
pub mod source;
pub mod spoken;
mod survey;
mod tones;
pub mod track;
pub mod words;

pub use check::Silence;
pub use source::{CallSource, Clocks, Progress, Tracks};
pub use words::Words;

use crate::audio::AudioError;
use crate::event::{Doubt, Event, Expect, InterruptionPolicy, Mark};
use crate::interrupt::model::WeightsError;
use crate::interrupt::policy;
use crate::record::store::RunFolder;
use crate::record::tap;
use floor::FloorHistory;
use std::path::PathBuf;

/// The voice detector's threshold that is used unless another one is asked for.
pub const VAD_THRESHOLD: f32 = 0.5;

/// Why a recording cannot be measured. The text names the file and what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    #[error(transparent)]
    Audio(#[from] AudioError),
    #[error(
        "{path}: has one channel, in which caller and agent are mixed; record the two sides as two channels (caller left, agent right), or as two files (--caller FILE --agent FILE); or say who spoke when: --spoken FILE (RTTM, or a transcript)"
    )]
    OneChannel { path: PathBuf },
    #[error(
        "{path}: has {channels} channels; a call has two (caller left, agent right): choose them with ffmpeg -i {} -af 'pan=stereo|c0=c0|c1=c1' call.wav",
        crate::files::quoted(path)
    )]
    ManyChannels { path: PathBuf, channels: usize },
    #[error(
        "{path}: has {channels} channels, and --caller and --agent take one each; if it holds both sides, name it alone"
    )]
    NotMono { path: PathBuf, channels: usize },
    #[error(
        "{caller} is {:.1} s long and {agent} {:.1} s: clocks do not drift so far apart, so one file does not hold the whole call; name them with --clocks agree if both begin at the same moment",
        seconds[0],
        seconds[1]
    )]
    Lengths {
        caller: PathBuf,
        agent: PathBuf,
        seconds: [f64; 2],
    },
    #[error(
        "{what}: both channels hold the same sound, so caller and agent are mixed; record the two sides separately"
    )]
    SameSound { what: String },
    #[error(
        "{what}: nobody speaks on either channel (peak {peak_db:.0} dB); check what was recorded"
    )]
    Silent { what: String, peak_db: f32 },
    #[error(
        "Silero's voice detector failed: {0}; measure without it, or install it again: voicesim models install silero-vad"
    )]
    Silero(String),
    #[error(transparent)]
    Policy(#[from] WeightsError),
    #[error("what was said could not be written down: {0}; --no-transcribe measures without words")]
    Words(String),
    #[error("the events could not be recorded: {0}; make room or choose another folder (--out)")]
    Record(#[from] std::io::Error),
    #[error("no thread can be had to read the other file: {0}; end other programs")]
    Thread(std::io::Error),
}

/// Who had the floor, with the voice detector at `threshold` (in 0..1).
pub fn floor(tracks: &Tracks, threshold: f32) -> FloorHistory {
    let mut caller = segments::heard(&tracks.caller, &tracks.agent, threshold);
    let mut agent = segments::heard(&tracks.agent, &tracks.caller, threshold);
    let all = caller.stretches.iter_mut().chain(&mut agent.stretches);
    let drifts = check::drifts_from(tracks).map(|from| from..tracks.length_ms());
    all.for_each(|stretch| {
        stretch.doubt_near(&tracks.overlaps, Doubt::OneChannel);
        stretch.doubt_near(drifts.as_slice(), Doubt::Clocks);
    });
    // What is left of a leak of -12 dB can be as loud as a cough, and nobody can tell them apart.
    if tracks.leaks[0].is_none() {
        let startling = floor::startling(&caller.sounds, &caller.stretches, &agent.stretches);
        caller.stretches.extend(startling);
        caller.stretches.sort_by_key(|stretch| stretch.start);
    }
    FloorHistory {
        agent_sounds: agent.sounds,
        other_voices_db: [caller.other_voice_db, agent.other_voice_db],
        ..floor::floor(&caller.stretches, &agent.stretches, tracks.length_ms())
    }
}

/// What happened, as far as it can be heard; in `folder`, too, if there is one. Without `words` the interruption
/// classifier goes by voice alone. What was `due` of the agent, and is to be looked for in its words, comes first.
pub fn events(
    floor: &FloorHistory,
    words: Option<&Words>,
    due: Option<Mark>,
    folder: Option<RunFolder>,
) -> Result<Vec<Event>, CallError> {
    let judge = |floor: &FloorHistory, words| {
        let mut policy = policy::policy(InterruptionPolicy::Classifier)?;
        Ok::<_, CallError>(kinds::judge(floor, words, policy.as_mut()))
    };
    // What answers what is for the sound alone to say, so that words change no latency.
    let by_sound = judge(floor, None)?;
    let asks: Vec<Expect> = by_sound.iter().map(|judged| judged.asks).collect();
    let (answers, ends) = (floor.answers(&asks), floor.ends(&asks));
    let (floor, judged) = match words.filter(|words| words.are_understood()) {
        None => (floor.clone(), by_sound),
        Some(words) => {
            let floor = kinds::with_words(floor, words);
            let mut judged = judge(&floor, Some(words))?;
            for utterance in answers.iter().flatten() {
                judged[*utterance].asks = asks[*utterance];
            }
            (floor, judged)
        }
    };
    let marks = events::marks(&floor, &judged, (&answers, &ends), words);
    Ok(tap::happened(events::with_due(due, marks), folder)?)
}
