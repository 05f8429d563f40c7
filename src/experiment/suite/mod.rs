//! The turns of a suite, spoken to an agent in every condition, and what came of each.

mod add;
mod aloud;
#[cfg(feature = "retrieval")]
mod found;

pub use add::{Addition, add};

use crate::audio::{self, SAMPLE_RATE, length_of, wav};
use crate::ear::truth::speech_in;
use crate::eval::{Case, Evaluated, Recipe, SOUND, Spoken, Suite, cook, said_of};
use crate::files;
use crate::measure::Row;
use crate::record::store::{KeepAudio, StoreError, claim};
use crate::run::{Finished, Run, RunError, Time, saying};
use crate::scenario::engine::Engine;
use crate::scenario::{Scenario, ScenarioFile, TurnTable};
use aloud::Aloud;
#[cfg(feature = "retrieval")]
use found::Found;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use tracing::subscriber::{NoSubscriber, with_default};

/// The file that holds what came of each turn.
pub const EVAL_JSON: &str = "eval.json";

/// An evaluation that is to be made, into a folder that is new or empty.
pub struct Evaluation<'a> {
    /// What is evaluated.
    pub suite: &'a Suite,
    /// The folder.
    pub out: &'a Path,
    /// Whether the agent's own sound is heard again by its recogniser.
    pub is_heard_again: bool,
}

/// How far an evaluation has come: conversations that were held, of all.
pub type Held<'a> = &'a mut dyn FnMut(usize, usize);

/// What a turn of a suite sounds like.
struct Sound {
    samples: Vec<f32>,
    /// The true end of speech in it, in milliseconds; `None` if there is none.
    end_ms: Option<u64>,
}

impl Evaluation<'_> {
    /// Speaks every turn in every condition, in virtual time, each caller in a conversation of their own. The folder keeps
    /// the sounds, a run folder for each conversation, and [`EVAL_JSON`].
    ///
    /// # Errors
    /// A folder that is taken, a recording that cannot be read, an engine that is not available.
    pub fn make(&self, held: Held<'_>) -> Result<Evaluated, RunError> {
        let suite = self.suite;
        let agent = self.scenario(Vec::new())?;
        if agent.topology.realtime().is_some() {
            return Err(RunError::Input(
                "scenario: a suite is spoken in virtual time, and a model on a server needs real time; take an agent of stt, answer and tts".into(),
            ));
        }
        #[cfg(feature = "retrieval")]
        let found = Found::by(&agent, suite.cases())?;
        let _mark = claim(self.out).map_err(kept)?;
        let sounds = self.sounds()?;
        // Simulated engines have no words, and a hum for a voice.
        let has_words = !agent.stt.engine.is_simulated() && !agent.tts.engine.is_simulated();
        let mut aloud = match self.is_heard_again && has_words {
            true => Some(Aloud::by(&agent)?),
            false => None,
        };
        let conversations = suite.recipes.len() * suite.conversations.len();
        let mut turns = Vec::new();
        let mut done = 0;
        for (nth_recipe, recipe) in suite.recipes.iter().enumerate() {
            let mut first = 0;
            for (nth_caller, cases) in suite.conversations.iter().enumerate() {
                held(done, conversations);
                let name = format!("{:02}-{:02}", nth_recipe + 1, nth_caller + 1);
                let tables = self.cooked(recipe, cases, (&sounds, first), &name)?;
                let folder = self.out.join("runs").join(&name);
                let run = Run::of(self.scenario(tables)?).in_time(Time::Virtual);
                let run = run.keep_in(folder.clone(), KeepAudio::Yes);
                // People watch the suite, not each conversation of it.
                let finished = with_default(NoSubscriber::default(), || run.run())?;
                let mut spoken = spoken(cases, recipe, &finished, &format!("runs/{name}"));
                #[cfg(feature = "retrieval")]
                if let Some(found) = &found {
                    found.add_to(&mut spoken, cases, &folder)?;
                }
                if let Some(aloud) = &mut aloud {
                    aloud.add_to(&mut spoken, &finished, &folder)?;
                }
                turns.extend(spoken);
                first += cases.len();
                done += 1;
            }
        }
        held(done, conversations);
        let evaluated = Evaluated {
            schema: Evaluated::SCHEMA.into(),
            version: env!("CARGO_PKG_VERSION").into(),
            suite: suite.name.clone(),
            seed: suite.seed.0,
            asked: suite.fingerprint(),
            by: suite.by.clone(),
            turns,
            agreements: Vec::new(),
        };
        write(self.out, &evaluated)?;
        files::release(self.out).map_err(|error| failed(self.out, &error))?;
        Ok(evaluated)
    }

    fn scenario(&self, turn: Vec<TurnTable>) -> Result<Scenario, RunError> {
        let file = ScenarioFile {
            name: self.suite.name.clone(),
            turn,
            ..self.suite.agent.clone()
        };
        file.parse()
            .map_err(|problem| RunError::Input(problem.to_string()))
    }

    /// The sound of every turn, in the order of the suite. Words are spoken by the agent's voice.
    fn sounds(&self) -> Result<Vec<Sound>, RunError> {
        let scenario = self.scenario(Vec::new())?;
        let sound = |case: &Case| {
            let samples = match (&case.turn.wav, &case.turn.say) {
                (Some(wav), _) => {
                    audio::decode::read(wav).map_err(|error| RunError::Input(error.to_string()))?
                }
                (None, Some(words)) => saying::say(std::slice::from_ref(words), &scenario)?,
                (None, None) => Vec::new(),
            };
            let speech = speech_in(&samples, scenario.ear.vad_threshold, scenario.ear.hears);
            let end = speech
                .last()
                .map(|last| length_of(last.at.end).as_millis() as u64);
            Ok(Sound {
                samples,
                end_ms: case.turn.speech_end_ms.or(end),
            })
        };
        self.suite.cases().map(sound).collect()
    }

    /// The turns of a conversation with the sounds of a condition, which are written into the folder.
    fn cooked(
        &self,
        recipe: &Recipe,
        cases: &[Case],
        (sounds, first): (&[Sound], usize),
        name: &str,
    ) -> Result<Vec<TurnTable>, RunError> {
        let folder = self.out.join("sounds").join(name);
        files::create_folder(&folder).map_err(|error| failed(&folder, &error))?;
        let mut tables = Vec::with_capacity(cases.len());
        for (nth, case) in cases.iter().enumerate() {
            let own = &sounds[first + nth];
            let others: Vec<&[f32]> = match recipe.has_babble() {
                true => others(sounds, first..first + cases.len(), first + nth),
                false => Vec::new(),
            };
            let mut stream = self.suite.seed.stream(&case.name, 0, 0, recipe.name());
            let cooked = cook(recipe, &own.samples, &others, &mut stream)
                .map_err(|error| RunError::Input(error.to_string()))?;
            let wav = folder.join(format!("{:03}.wav", nth + 1));
            wav::write_mono(&wav, &cooked.samples, SAMPLE_RATE)
                .map_err(|error| RunError::Unavailable(error.to_string()))?;
            let end_ms = own.end_ms.map(|end_ms| {
                cooked.before.as_millis() as u64 + (end_ms as f64 / cooked.speed) as u64
            });
            tables.push(TurnTable {
                wav: Some(wav),
                text: case.turn.text.clone().or_else(|| case.turn.say.clone()),
                say: None,
                speech_end_ms: end_ms,
                ..case.turn.clone()
            });
        }
        Ok(tables)
    }
}

/// What other callers say; if there are none, what this one says besides.
fn others(sounds: &[Sound], own: Range<usize>, this: usize) -> Vec<&[f32]> {
    let of = |is_own: bool| {
        let all = sounds.iter().enumerate();
        all.filter(|(nth, _)| *nth != this && own.contains(nth) == is_own)
            .map(|(_, sound)| sound.samples.as_slice())
            .collect::<Vec<_>>()
    };
    match of(false) {
        nobody if nobody.is_empty() => of(true),
        others => others,
    }
}

/// What came of the turns of a conversation.
fn spoken(cases: &[Case], recipe: &Recipe, finished: &Finished, run: &str) -> Vec<Spoken> {
    let rows = finished.measured.rows.iter();
    let of = |(case, row): (&Case, &Row)| {
        let mut labels: BTreeMap<_, _> = case
            .turn
            .labels
            .iter()
            .map(|(label, value)| (label.clone(), value.as_str().into()))
            .collect();
        labels.insert(SOUND.to_owned(), recipe.name().into());
        let reference = case.turn.text.as_deref().or(case.turn.say.as_deref());
        Spoken {
            case: case.name.clone(),
            labels,
            parts: said_of(row, reference),
            run: run.to_owned(),
            turn: row.number,
            at_s: row.began.map(|began| began.as_ms() / 1_000.0),
            heard: row.heard.clone(),
            said: row.said.clone(),
        }
    };
    cases.iter().zip(rows).map(of).collect()
}

/// Reads what came of an evaluation.
///
/// # Errors
/// A folder that holds none, or one of which this version knows nothing.
pub fn read(folder: &Path) -> Result<Evaluated, RunError> {
    /// A longer file is refused: 1 GiB.
    const FILE_BYTES_MAX: u64 = 1 << 30;
    let path = folder.join(EVAL_JSON);
    let wrong = |reason: String| {
        RunError::Input(format!(
            "{}: {reason}; name a folder that `voicesim eval run` wrote with --out",
            path.display()
        ))
    };
    if files::is_unfinished(folder) {
        return Err(wrong(
            "its evaluation was stopped before its end, or goes on".into(),
        ));
    }
    let text = files::read_text(&path, FILE_BYTES_MAX).map_err(|error| wrong(error.to_string()))?;
    let evaluated: Evaluated =
        serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
    match evaluated.schema == Evaluated::SCHEMA {
        true => Ok(evaluated),
        false => Err(wrong(format!(
            "its form is {:?}, which this voicesim does not know",
            evaluated.schema
        ))),
    }
}

/// Writes what came of an evaluation.
///
/// # Errors
/// A disk that is not available.
pub fn write(folder: &Path, evaluated: &Evaluated) -> Result<(), RunError> {
    let path = folder.join(EVAL_JSON);
    let text = serde_json::to_string_pretty(evaluated).map_err(|error| failed(&path, &error))?;
    files::write_whole(&path, text.as_bytes()).map_err(|error| failed(&path, &error))
}

fn failed(path: &Path, error: &dyn std::fmt::Display) -> RunError {
    RunError::Unavailable(format!("{}: {error}", path.display()))
}

fn kept(error: StoreError) -> RunError {
    match error.is_wrong_input() {
        true => RunError::Input(error.to_string()),
        false => RunError::Unavailable(error.to_string()),
    }
}
