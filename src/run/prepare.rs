//! From a scenario to what a session needs, checked before any model is looked for.

use super::{RunError, input, unavailable};
use crate::audio::{self, SAMPLE_RATE, Samples};
use crate::caller::cue;
use crate::clock::Clock;
use crate::conversation::{self, simulated_disclosure, simulated_filler, simulated_openings};
use crate::ear::truth::{Speech, speech_in};
use crate::engine::{self, Engines, Reply};
use crate::event::{SessionId, StageName, TurnId};
use crate::pipeline::script::Line;
use crate::pipeline::{Disclosure, Filler};
use crate::record::store::{self, RunFolder};
use crate::record::tap::Tap;
use crate::scenario::engine::Engine;
use crate::scenario::{Says, Scenario, Topology, Turn};
use crate::stage::queue;
use crate::stage::{AudioChunk, Clause, Identified, Outlet, StageError, TextToSpeech};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// What each turn sounds like, as far as it is known; behind them what is said when an answer takes long, what the
/// agent says of being a machine, and how answers like to begin: `None` for words that a voice has to speak.
pub(super) type Sounds = Vec<Option<Samples>>;

/// Reads the recordings of a scenario. A file that several turns name is read once.
pub(super) fn recordings(scenario: &Scenario) -> Result<Sounds, RunError> {
    let mut read: BTreeMap<&Path, Samples> = BTreeMap::new();
    let mut sounds = Vec::new();
    for (index, turn) in scenario.turns().iter().enumerate() {
        let Says::Recording {
            wav: path,
            speech_end,
        } = &turn.says
        else {
            sounds.push(None);
            continue;
        };
        let samples = match read.get(path.as_path()) {
            Some(samples) => samples.clone(),
            None => Samples::from(audio::decode::read(path).map_err(input)?),
        };
        read.insert(path, samples.clone());
        let length_ms = samples.len() as u64 * 1_000 / u64::from(SAMPLE_RATE);
        if speech_end.is_some_and(|end| end > Duration::from_millis(length_ms)) {
            return Err(RunError::Input(format!(
                "turn {} speech_end_ms lies behind the end of {}, which is {length_ms} ms long",
                index + 1,
                path.display()
            )));
        }
        sounds.push(Some(samples));
    }
    sounds.resize(places(scenario), None);
    Ok(sounds)
}

/// What the engines' voice has to speak before the conversation, by where it belongs in [`Sounds`]: turns
/// that are words, and behind all turns what the agent says besides answers.
fn words(scenario: &Scenario) -> impl Iterator<Item = (usize, &str)> {
    let turns = scenario.turns().iter().enumerate();
    let said = turns.filter_map(|(row, turn)| match &turn.says {
        Says::Words(words) => Some((row, words.as_str())),
        Says::Recording { .. } | Says::Speech(_) | Says::Keys(_) => None,
    });
    let is_real = !scenario.tts.engine.is_simulated();
    let filler = scenario.filler().filter(|_| is_real);
    let filler = filler.map(|filler| (filler_place(scenario), filler.text.as_str()));
    let disclosure = scenario.disclosure().filter(|_| is_real);
    let disclosure = disclosure.map(|it| (disclosure_place(scenario), it.text.as_str()));
    let has_clauses = matches!(scenario.topology, Topology::Cascade);
    let openings = scenario.clauses().openings.iter();
    let openings = openings.filter(move |_| is_real && has_clauses);
    let openings = (openings_place(scenario)..).zip(openings.map(String::as_str));
    said.chain(filler).chain(disclosure).chain(openings)
}

/// Where in [`Sounds`] that is which is said when an answer takes long.
fn filler_place(scenario: &Scenario) -> usize {
    scenario.turns().len()
}

/// Where in [`Sounds`] that is which the agent says of being a machine.
fn disclosure_place(scenario: &Scenario) -> usize {
    scenario.turns().len() + 1
}

/// Where in [`Sounds`] those are with which answers like to begin.
fn openings_place(scenario: &Scenario) -> usize {
    scenario.turns().len() + 2
}

/// How many places there are in [`Sounds`].
fn places(scenario: &Scenario) -> usize {
    openings_place(scenario) + scenario.clauses().openings.len()
}

/// Has the engines' voice speak what is words.
pub(super) async fn speak(
    scenario: &Scenario,
    engines: &mut Engines,
    sounds: &mut Sounds,
    clock: &Clock,
) -> Result<(), RunError> {
    let mut own = None;
    let tts = match &mut engines.reply {
        Reply::Cascade { tts, .. } => tts,
        // A model that hears and speaks has no voice to lend to a caller.
        Reply::Direct(_) => match words(scenario).any(|(row, _)| sounds[row].is_none()) {
            true => own.insert(engine::text_to_speech(scenario, clock)?),
            false => return Ok(()),
        },
    };
    for (row, words) in words(scenario) {
        if sounds[row].is_none() {
            let spoken = spoken(words, tts, clock).await;
            sounds[row] = Some(spoken.map_err(unavailable)?);
        }
    }
    Ok(())
}

/// The filler that is said when an answer takes long, with its sound if a voice has spoken it.
pub(super) fn filler(scenario: &Scenario, sounds: &Sounds) -> Option<Filler> {
    let filler = scenario.filler()?;
    match sounds.get(filler_place(scenario)).cloned().flatten() {
        Some(samples) if !scenario.tts.engine.is_simulated() => Some(Filler {
            after: Duration::from_millis(filler.after_ms),
            sound: AudioChunk::new(samples, filler.text.as_str().into()),
        }),
        _ => simulated_filler(scenario),
    }
}

/// What the agent says of being a machine, with its sound if a voice has spoken it.
pub(super) fn disclosure(scenario: &Scenario, sounds: &Sounds) -> Option<Disclosure> {
    let text = scenario.disclosure()?.text.as_str();
    match sounds.get(disclosure_place(scenario)).cloned().flatten() {
        Some(samples) if !scenario.tts.engine.is_simulated() => {
            conversation::disclosure(scenario, AudioChunk::new(samples, text.into()))
        }
        _ => simulated_disclosure(scenario),
    }
}

/// How answers like to begin, with the sound that the voice has made of it. A voice of the user's in place of a simulated
/// one (`is_given`) has made none, and nobody else sounds like it.
pub(super) fn openings(scenario: &Scenario, sounds: &Sounds, is_given: bool) -> Vec<AudioChunk> {
    if scenario.tts.engine.is_simulated() {
        return match is_given {
            true => Vec::new(),
            false => simulated_openings(scenario),
        };
    }
    let spoken = sounds.iter().skip(openings_place(scenario)).flatten();
    let texts = scenario.clauses().openings.iter();
    let sound = |(text, samples): (&String, &Samples)| {
        AudioChunk::new(samples.clone(), text.as_str().into())
    };
    texts.zip(spoken).map(sound).collect()
}

/// What the agent says besides answers, spoken now by the engines' voice if that is a real one; of turns nothing.
#[cfg(feature = "probe")]
pub(super) async fn speak_besides(
    scenario: &Scenario,
    engines: &mut Engines,
    clock: &Clock,
) -> Result<Sounds, RunError> {
    let mut sounds = vec![None; places(scenario)];
    if let Reply::Cascade { tts, .. } = &mut engines.reply {
        let besides = words(scenario).filter(|(place, _)| *place >= filler_place(scenario));
        for (place, words) in besides {
            let samples = spoken(words, tts, clock).await.map_err(unavailable)?;
            sounds[place] = Some(samples);
        }
    }
    Ok(sounds)
}

/// Keeps the spoken words in the run folder. From then on the words sound as the folder has them, so that a
/// repetition hears every bit alike.
pub(super) fn keep_spoken(
    scenario: &Scenario,
    sounds: &mut Sounds,
    folder: &RunFolder,
) -> Result<(), RunError> {
    for (row, _) in words(scenario) {
        if let Some(sound) = &mut sounds[row]
            && let Some(path) = folder.said(row, sound).map_err(unavailable)?
        {
            *sound = audio::decode::read(&path).map_err(unavailable)?.into();
        }
    }
    Ok(())
}

/// Reads what was spoken when `folder` was recorded.
pub(super) fn read_spoken(
    scenario: &Scenario,
    sounds: &mut Sounds,
    folder: &Path,
) -> Result<(), RunError> {
    for (row, words) in words(scenario) {
        let path = store::said_wav(folder, row);
        let samples = audio::decode::read(&path).map_err(|error| {
            RunError::Input(format!(
                "{words:?} was not spoken when {} was recorded: {error}; record it again",
                folder.display()
            ))
        })?;
        sounds[row] = Some(samples.into());
    }
    Ok(())
}

/// A scenario's voice, outside of a conversation.
pub(super) struct SpokenBy {
    voice: TextToSpeech,
    clock: Clock,
}

impl SpokenBy {
    /// The scenario's voice, which speaks on a virtual clock.
    ///
    /// # Errors
    /// If it is not available.
    pub(super) fn voice_of(scenario: &Scenario, clock: &Clock) -> Result<SpokenBy, RunError> {
        Ok(SpokenBy {
            voice: engine::text_to_speech(scenario, clock)?,
            clock: clock.clone(),
        })
    }

    /// Speaks some words.
    ///
    /// # Errors
    /// If the voice fails, or says nothing.
    pub(super) fn speak(&mut self, words: &str) -> Result<Samples, RunError> {
        let spoken = spoken(words, &mut self.voice, &self.clock);
        self.clock
            .block_on(spoken)
            .map_err(unavailable)?
            .map_err(unavailable)
    }
}

/// The sound of some words, as a voice speaks them.
async fn spoken(words: &str, tts: &mut TextToSpeech, clock: &Clock) -> Result<Samples, StageError> {
    let (sender, mut chunks) = queue::channel::<AudioChunk>(crate::stage::OUTPUTS_WAITING_MAX);
    let clause = Clause(words.into());
    // The words are spoken before the conversation, so their events are not kept.
    let tap = Tap::new(clock.clone(), SessionId(0), None);
    let visit = tap.visit(TurnId(0), StageName::TextToSpeech, clause.identity());
    let mut outlet = Outlet::new(visit, sender);
    let mut samples = Vec::new();
    let work = async {
        let result = tts.handle(clause, &mut outlet).await;
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
    let turns = scenario.turns().iter().zip(sounds);
    turns
        .map(|(turn, sound)| line(scenario, turn, sound.unwrap_or_default()))
        .collect()
}

fn line(scenario: &Scenario, turn: &Turn, samples: Samples) -> Line {
    let mut speech = speech_in(&samples, scenario.ear.vad_threshold, scenario.ear.hears);
    if let Says::Recording {
        speech_end: Some(end),
        ..
    } = turn.says
    {
        let end = end.as_millis() as usize * SAMPLE_RATE as usize / 1_000;
        speech.retain(|stretch| stretch.at.start < end);
        let start = speech.pop().map_or(0, |last| last.at.start);
        speech.push(Speech {
            at: start..end,
            doubt: None,
        });
    }
    Line {
        samples,
        speech,
        cue: cue(scenario, turn),
    }
}
