//! Engines that repeat what an earlier run recorded: its outputs, after the times they took. No
//! model, no network; the same run folder gives the same conversation to the byte, every time.
//!
//! An output is found by its stage and the hash of the input. A recogniser's text is found by the
//! sound that it was made from, even if that was only the beginning of an utterance.

mod recordings;
mod speech;

use super::load::{is_given, writes_clauses};
use super::needs::hears_ends;
use super::{EngineError, Engines, Loaded, Reply, clauses, simulated};
use crate::clock::Clock;
use crate::event::{Event, Mark, OutputNote, StageName, Tick};
use crate::record::store::{self, Header};
use crate::scenario::engine::asks_otherwise;
use crate::scenario::{Scenario, ScenarioFile};
use crate::stage::{
    AudioFeed, Finished, Identified, LatestSound, Outlet, Piece, Question, Recorded, Stage,
    StageError, Transcript, Understood, Utterance, Work, transcribe_in_batches,
};
use recordings::{Recording, Recordings};
use speech::{Model, Voice};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

/// Tells whoever holds the conversation of the first input that was never recorded.
#[derive(Clone, Default)]
pub struct MissingInput(Rc<Missing>);

#[derive(Default)]
struct Missing {
    first: RefCell<Option<String>>,
    is_found: Notify,
}

impl MissingInput {
    fn report(&self, what: &str) {
        let mut first = self.0.first.borrow_mut();
        first.get_or_insert_with(|| what.to_owned());
        self.0.is_found.notify_one();
    }

    /// Waits for an input that is missing; for ever if none is.
    pub async fn found(&self) {
        self.0.is_found.notified().await;
    }

    /// What is missing, and what to do about it.
    pub fn take(&self) -> Option<String> {
        self.0.first.take()
    }
}

/// The recorded visits of one stage by input, and how often each was asked for.
struct Repeat {
    clock: Clock,
    stage: StageName,
    folder: PathBuf,
    recordings: Recordings,
    /// How often each input was asked for.
    asked: BTreeMap<String, usize>,
    missing: MissingInput,
}

/// Engines that repeat the run in `folder`, whose header is `header`, for `asked`.
///
/// # Errors
/// [`EngineError::Input`] for a folder that cannot be repeated.
pub fn build(
    folder: &Path,
    header: &Header,
    asked: &Scenario,
    clock: &Clock,
) -> Result<(Loaded, MissingInput), EngineError> {
    if !header.keeps_audio {
        return Err(EngineError::Input(format!(
            "{} was recorded with --no-audio, or its sound was taken out, so there is no sound to repeat; record it again with it",
            folder.display()
        )));
    }
    if store::is_without_words(header) {
        return Err(EngineError::Input(format!(
            "the words of {} were taken out (voicesim redact), so there is nothing to repeat; record it again",
            folder.display()
        )));
    }
    let input = |error: store::StoreError| EngineError::Input(error.to_string());
    let events = store::read_events(folder).map_err(input)?;
    // Whoever ends a run, also by Ctrl-C, has it say so.
    let is_ended = |event: &Event| matches!(event.mark, Mark::SessionEnded { .. });
    if !events.iter().any(is_ended) {
        return Err(input(store::StoreError::Unfinished {
            path: folder.to_owned(),
        }));
    }
    let was_asked = events.iter().any(|event| event.mark == Mark::AskedSoFar);
    if header.clock == "real" && was_asked {
        return Err(EngineError::Input(format!(
            "{} was recorded on the real clock, and what was heard in mid-sentence (for speculation, or over the agent) was asked for at moments that do not repeat; record it again with --clock virtual, or with --speculation off and nobody talking over the agent",
            folder.display()
        )));
    }
    let scenario: ScenarioFile =
        serde_json::from_value(header.scenario.clone()).map_err(|error| {
            EngineError::Input(format!(
                "{} holds no scenario of this version: {error}",
                folder.display()
            ))
        })?;
    if let Some(key) = asks_otherwise(asked.file(), &scenario) {
        return Err(EngineError::Input(format!(
            "{key} is not what it was when {} was recorded, so a server was asked for something else; set it back, or record it again",
            folder.display()
        )));
    }
    if asked.clauses().openings != scenario.clauses.openings {
        return Err(EngineError::Input(format!(
            "clauses.openings is not what it was when {} was recorded, which has the sound of others; set it back, or record it again",
            folder.display()
        )));
    }
    // Folders without a version were recorded by the first rules.
    let rules = header.rules_of("speak");
    let Some(clauses) = clauses::ClauseStage::by_rules(rules, &scenario.speak, &scenario.clauses)
    else {
        return Err(EngineError::Input(format!(
            "{} was recorded when answers became spoken text by rules that this voicesim does not know (version {rules}), so its voice was given other words; record it again with `voicesim run` and the same scenario, or repeat it with the voicesim that recorded it",
            folder.display()
        )));
    };
    let recorded = scenario.clone().parse().map_err(|problem| {
        EngineError::Input(format!(
            "{} holds no scenario of this version: {problem}",
            folder.display()
        ))
    })?;
    let missing = MissingInput::default();
    let repeat = |stage| -> Result<Repeat, EngineError> {
        Ok(Repeat {
            clock: clock.clone(),
            stage,
            folder: folder.to_owned(),
            recordings: recordings::of_stage(stage, &events, folder)?,
            asked: BTreeMap::new(),
            missing: missing.clone(),
        })
    };
    let loaded = Loaded {
        engines: Engines {
            stt: Box::new(Recogniser(repeat(StageName::SpeechToText)?)),
            reply: match asked.topology.realtime() {
                Some(_) => Reply::Direct(Box::new(Model(repeat(StageName::SpeechToSpeech)?))),
                None => Reply::Cascade {
                    answer: Box::new(Answerer(repeat(StageName::Answer)?)),
                    clauses: match writes_clauses(
                        &recorded,
                        is_given(&header.engines, StageName::Answer),
                    ) {
                        true => simulated::clauses(),
                        false => Box::new(clauses),
                    },
                    tts: Box::new(Voice(
                        repeat(StageName::TextToSpeech)?,
                        recorded.tts.engine.leading_silence(),
                    )),
                },
            },
        },
        described: header
            .engines
            .iter()
            .map(|(stage, engine)| (stage.clone(), format!("recorded: {engine}")))
            .collect(),
        notes: header.notes.clone(),
        speak_rules: rules,
        end_of_turn: match hears_ends(asked) || asked.topology.server_ends_turns() {
            true => Some(Box::new(Judge(repeat(StageName::EndOfTurn)?))),
            false => None,
        },
        listener: None,
    };
    Ok((loaded, missing))
}

impl Repeat {
    /// What was recorded for `input`: the visits in their order, the last one again and again.
    fn find(&mut self, input: &str) -> Option<Recording> {
        let recordings = self.recordings.by_input.get(input)?;
        let asked = self.asked.entry(input.to_owned()).or_default();
        let recording = recordings.get(*asked).or(recordings.last()).cloned();
        *asked += 1;
        recording
    }

    fn missing(&self, input: &str) -> StageError {
        let error = format!(
            "{} holds no output of {} for the input {input}; the scenario or a recording has changed since: record it again",
            self.folder.display(),
            self.stage.name()
        );
        StageError::Failed(error)
    }

    /// Tells whoever holds the conversation that it cannot be repeated.
    fn report(&self, error: &StageError) {
        self.missing.report(&error.to_string());
    }

    /// Passes the time from the input to the beginning of the work; returns when that was. Work that was cancelled has
    /// its cost from here on, as it is not known to its end.
    async fn begin<T: Recorded>(&self, recording: &Recording, out: &mut Outlet<T>) -> Tick {
        if recording.was_cancelled
            && let Some(cost) = recording.cost
        {
            out.cost(cost);
        }
        if let Some(wait) = recording.wait {
            self.clock.sleep_until(self.clock.now() + wait).await;
            out.begun_anew();
        }
        self.clock.now()
    }

    /// Begins the work that was recorded for `input`; returns it, and when it was begun.
    async fn take_up<T: Recorded>(
        &mut self,
        input: &str,
        out: &mut Outlet<T>,
    ) -> Result<(Recording, Tick), StageError> {
        let Some(recording) = self.find(input) else {
            let error = self.missing(input);
            self.report(&error);
            return Err(error);
        };
        let begun = self.begin(&recording, out).await;
        Ok((recording, begun))
    }

    /// Sends what was recorded for `input`, at the recorded times.
    async fn repeat<T: Recorded>(
        &mut self,
        input: &str,
        out: &mut Outlet<T>,
        value: impl Fn(OutputNote, Option<PathBuf>) -> Result<Option<T>, StageError>,
    ) -> Result<(), StageError> {
        let (mut recording, begun) = self.take_up(input, out).await?;
        for (after, note, wav) in std::mem::take(&mut recording.outputs) {
            if let Some(value) = value(note, wav)? {
                self.clock.sleep_until(begun + after).await;
                out.send(value).await?;
            }
        }
        self.end(&recording, begun, out).await
    }

    /// Sends what was recorded for an input, where the notes hold all of it.
    fn repeat_notes<'a, T: Recorded>(
        &'a mut self,
        input: &impl Identified,
        out: &'a mut Outlet<T>,
        value: fn(OutputNote) -> Option<T>,
    ) -> Work<'a> {
        let input = input.identity().hex();
        Box::pin(async move { self.repeat(&input, out, |note, _| Ok(value(note))).await })
    }

    /// Ends work as it ended when it was recorded.
    async fn end<T: Recorded>(
        &self,
        recording: &Recording,
        begun: Tick,
        out: &mut Outlet<T>,
    ) -> Result<(), StageError> {
        let end = begun + recording.length;
        if recording.was_cancelled {
            // The session cancels the work again at that tick, unless the conversation is another one.
            self.clock.sleep_until(end + CANCELLED_AGAIN).await;
            return Err(StageError::Failed(UNKNOWN_END.into()));
        }
        self.clock.sleep_until(end).await;
        if let Some(cost) = recording.cost {
            out.cost(cost);
        }
        recording.failure.clone().map_or(Ok(()), Err)
    }

    /// Sends the text that `input`, which was taken up then, was transcribed to, at the recorded time.
    async fn transcribe(
        &mut self,
        (input, taken_up): (&str, Tick),
        out: &mut Outlet<Transcript>,
    ) -> Result<Understood, StageError> {
        let asked = self.clock.now().since(taken_up);
        let void = self.recordings.void.get(&(out.turn(), asked)).cloned();
        let Some(recording) = void.or_else(|| self.find(input)) else {
            // Work that was void before it was done has left no text.
            out.begun_anew();
            return Err(self.missing(input));
        };
        let begun = self.begin(&recording, out).await;
        self.end(&recording, begun, out).await?;
        let understood = recording
            .outputs
            .into_iter()
            .find_map(|(_, note, _)| match note {
                OutputNote::Partial { text, sureness }
                | OutputNote::Final { text, sureness, .. } => Some(Understood {
                    text,
                    sureness: sureness.map(|sureness| sureness as f32),
                }),
                _ => None,
            });
        understood.ok_or_else(|| self.missing(input))
    }
}

/// A cancelled visit ends this much later by itself.
const CANCELLED_AGAIN: Duration = Duration::from_millis(1);

const UNKNOWN_END: &str =
    "this work was cancelled when it was recorded, and is not known to its end";

struct Recogniser(Repeat);

impl Stage for Recogniser {
    type In = AudioFeed;
    type Out = Transcript;

    fn handle<'a>(&'a mut self, feed: AudioFeed, out: &'a mut Outlet<Transcript>) -> Work<'a> {
        let identity = feed.identity();
        let repeat = &mut self.0;
        Box::pin(async move {
            let taken_up = repeat.clock.now();
            let result = transcribe_in_batches(
                feed,
                out,
                async |_: Arc<Utterance>, out: &mut Outlet<Transcript>| {
                    repeat.transcribe((&identity.hex(), taken_up), out).await
                },
            )
            .await;
            if let Err(error) = &result
                && error.is_failure()
                && !repeat.recordings.by_input.contains_key(&identity.hex())
            {
                repeat.report(error);
            }
            result
        })
    }
}

struct Answerer(Repeat);

impl Stage for Answerer {
    type In = Question;
    type Out = Piece;

    fn handle<'a>(&'a mut self, question: Question, out: &'a mut Outlet<Piece>) -> Work<'a> {
        self.0.repeat_notes(&question, out, |note| match note {
            OutputNote::Piece { text } => Some(Piece(text)),
            _ => None,
        })
    }
}

/// What was made of the latest sound.
struct Judge(Repeat);

impl Stage for Judge {
    type In = LatestSound;
    type Out = Finished;

    fn handle<'a>(&'a mut self, heard: LatestSound, out: &'a mut Outlet<Finished>) -> Work<'a> {
        self.0.repeat_notes(&heard, out, |note| match note {
            OutputNote::Finished { probability } => Some(Finished { probability }),
            _ => None,
        })
    }
}
