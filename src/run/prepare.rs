//! From a scenario to what a session needs, checked before any model is looked for.

use super::{RunError, input, unavailable};
use crate::audio::{self, SAMPLE_RATE, Samples};
use crate::clock::Clock;
use crate::ear::truth::speech_in;
use crate::engine::Engines;
use crate::event::{SessionId, StageName, TurnId};
use crate::pipeline::Filler;
use crate::pipeline::script::Line;
use crate::record::store::{self, RunFolder};
use crate::record::tap::Tap;
use crate::scenario::{Scenario, Turn};
use crate::sim::{self, lines::cue};
use crate::stage::queue;
use crate::stage::{AudioChunk, Clause, Identified, Outlet, StageError};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// What each turn sounds like, as far as it is known: `None` for words that a voice has to speak.
pub(super) type Sounds = Vec<Option<Samples>>;

/// Reads the recordings of a scenario. The same file is read once.
pub(super) fn recordings(scenario: &Scenario) -> Result<Sounds, RunError> {
    let mut read: BTreeMap<&Path, Samples> = BTreeMap::new();
    let mut sounds = Vec::new();
    for (index, turn) in scenario.turn.iter().enumerate() {
        let Some(path) = &turn.wav else {
            sounds.push(None);
            continue;
        };
        let samples = match read.get(path.as_path()) {
            Some(samples) => samples.clone(),
            None => Samples::from(audio::decode::read(path).map_err(input)?),
        };
        read.insert(path, samples.clone());
        let length_ms = samples.len() as u64 * 1_000 / u64::from(SAMPLE_RATE);
        if turn.speech_end_ms.is_some_and(|end| end > length_ms) {
            return Err(RunError::Input(format!(
                "turn {} speech_end_ms lies behind the end of {}, which is {length_ms} ms long",
                index + 1,
                path.display()
            )));
        }
        sounds.push(Some(samples));
    }
    Ok(sounds)
}

/// Has the engines' voice speak the turns that are words.
pub(super) async fn speak(
    scenario: &Scenario,
    engines: &mut Engines,
    sounds: &mut Sounds,
    clock: &Clock,
) -> Result<(), RunError> {
    for (turn, sound) in scenario.turn.iter().zip(sounds.iter_mut()) {
        if let (Some(words), None) = (&turn.say, &sound) {
            let spoken = spoken(words, engines, clock).await;
            *sound = Some(spoken.map_err(unavailable)?);
        }
    }
    Ok(())
}

/// Has the engines' voice speak what is said when an answer takes long.
pub(super) async fn filler(
    scenario: &Scenario,
    engines: &mut Engines,
    clock: &Clock,
) -> Result<Option<Filler>, RunError> {
    let Some(filler) = &scenario.filler else {
        return Ok(None);
    };
    if scenario.tts.engine == "simulated" {
        return Ok(sim::setting::filler(scenario));
    }
    let samples = spoken(&filler.text, engines, clock).await;
    Ok(Some(Filler {
        after: Duration::from_millis(filler.after_ms),
        sound: AudioChunk::new(samples.map_err(unavailable)?, filler.text.as_str().into()),
    }))
}

/// Keeps the spoken words in the run folder. From then on they sound as they do there, so that a
/// repetition hears the same to the bit.
pub(super) fn keep_spoken(
    scenario: &Scenario,
    sounds: &mut Sounds,
    folder: &RunFolder,
) -> Result<(), RunError> {
    for (row, turn) in scenario.turn.iter().enumerate() {
        if let (Some(_), Some(sound)) = (&turn.say, &mut sounds[row])
            && let Some(path) = folder.said(row, sound).map_err(unavailable)?
        {
            *sound = audio::decode::read(&path).map_err(unavailable)?.into();
        }
    }
    Ok(())
}

/// Reads what was spoken for the caller when `folder` was recorded.
pub(super) fn read_spoken(
    scenario: &Scenario,
    sounds: &mut Sounds,
    folder: &Path,
) -> Result<(), RunError> {
    for (row, turn) in scenario.turn.iter().enumerate() {
        if turn.say.is_some() {
            let path = store::said_wav(folder, row);
            let samples = audio::decode::read(&path).map_err(|error| {
                RunError::Input(format!(
                    "the words of turn {} were not spoken when {} was recorded: {error}; record it again",
                    row + 1,
                    folder.display()
                ))
            })?;
            sounds[row] = Some(samples.into());
        }
    }
    Ok(())
}

async fn spoken(words: &str, engines: &mut Engines, clock: &Clock) -> Result<Samples, StageError> {
    let (sender, mut chunks) = queue::channel::<AudioChunk>(crate::stage::OUTPUTS_WAITING_MAX);
    let clause = Clause(words.into());
    // This happens before the conversation, so nothing of it is kept.
    let tap = Tap::new(clock.clone(), SessionId(0), None);
    let visit = tap.visit(TurnId(0), StageName::TextToSpeech, clause.identity());
    let mut outlet = Outlet::new(visit, sender);
    let mut samples = Vec::new();
    let work = async {
        let result = engines.tts.handle(clause, &mut outlet).await;
        outlet.close(&result);
        result
    };
    let collect = async {
        while let Some(chunk) = chunks.recv().await {
            samples.extend(chunk.samples.iter().flat_map(|s| s.iter()));
        }
    };
    let (result, ()) = tokio::join!(biased; work, collect);
    result?;
    if samples.is_empty() {
        return Err(StageError::Failed(format!(
            "the voice said nothing for {words:?}; a simulated voice cannot speak a turn's words, give a wav"
        )));
    }
    Ok(samples.into())
}

/// The lines that the caller of a replay speaks.
pub(super) fn lines(scenario: &Scenario, sounds: Sounds) -> Vec<Line> {
    let turns = scenario.turn.iter().enumerate().zip(sounds);
    turns
        .map(|((index, turn), sound)| line(scenario, index, turn, sound.unwrap_or_default()))
        .collect()
}

fn line(scenario: &Scenario, index: usize, turn: &Turn, samples: Samples) -> Line {
    let mut speech = speech_in(&samples, scenario.ear.vad_threshold);
    if let Some(end_ms) = turn.speech_end_ms {
        let end = (end_ms * u64::from(SAMPLE_RATE) / 1_000) as usize;
        speech.retain(|stretch| stretch.start < end);
        match speech.last_mut() {
            Some(last) => last.end = end,
            None => speech.push(0..end),
        }
    }
    Line {
        samples,
        speech,
        cue: cue(scenario, index, turn),
    }
}
