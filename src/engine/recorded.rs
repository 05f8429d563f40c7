//! Engines that repeat what an earlier run recorded: its outputs, after the times they took. No
//! model, no network; the same run folder gives the same conversation to the byte, every time.
//!
//! An output is found by its stage and the hash of the input. The same input asked for several
//! times gives the recorded visits in their order, the last one again and again.

use super::{EngineError, Engines, clauses};
use crate::audio::{decode, length_of};
use crate::clock::Clock;
use crate::event::{Cost, Event, Mark, OutputNote, StageName, Tick, TurnId, VisitEnd, VisitId};
use crate::record::store::{self, Header};
use crate::stage::{
    AudioChunk, AudioFeed, Clause, Identified, Outlet, Piece, Question, Recorded, Stage,
    StageError, Transcript, Work,
};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;
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

    /// What is missing, and the cure.
    pub fn take(&self) -> Option<String> {
        self.0.first.take()
    }
}

/// One recorded visit to a stage.
#[derive(Debug, Clone, Default)]
struct Recording {
    input: String,
    /// From the moment the input was complete to the beginning of the work.
    wait: Duration,
    /// Since the beginning of the work.
    outputs: Vec<(Duration, OutputNote, Option<PathBuf>)>,
    length: Duration,
    cost: Option<Cost>,
    failure: Option<String>,
}

/// The recorded visits of one stage by input, and how often each was asked for.
struct Repeat {
    clock: Clock,
    stage: StageName,
    folder: PathBuf,
    recordings: BTreeMap<String, (Vec<Recording>, usize)>,
    missing: MissingInput,
}

/// Engines that repeat the run in `folder`, whose header is `header`.
///
/// # Errors
/// [`EngineError::Input`] for a folder that cannot be repeated.
pub fn build(
    folder: &Path,
    header: &Header,
    clock: &Clock,
) -> Result<(Engines, MissingInput), EngineError> {
    if !header.keeps_audio {
        return Err(EngineError::Input(format!(
            "{} was recorded with --no-audio, so there is no sound to repeat; record it again without",
            folder.display()
        )));
    }
    let input = |error: store::StoreError| EngineError::Input(error.to_string());
    let events = store::read_events(folder).map_err(input)?;
    let missing = MissingInput::default();
    let repeat = |stage| -> Result<Repeat, EngineError> {
        let mut recordings: BTreeMap<String, (Vec<Recording>, usize)> = BTreeMap::new();
        for recording in recordings_of(stage, &events, folder)? {
            let entry = recordings.entry(recording.input.clone());
            entry.or_default().0.push(recording);
        }
        Ok(Repeat {
            clock: clock.clone(),
            stage,
            folder: folder.to_owned(),
            recordings,
            missing: missing.clone(),
        })
    };
    let engines = Engines {
        stt: Box::new(Recogniser(repeat(StageName::SpeechToText)?)),
        answer: Box::new(Answerer(repeat(StageName::Answer)?)),
        clauses: Box::new(clauses::ClauseStage),
        tts: Box::new(Voice(repeat(StageName::TextToSpeech)?)),
        described: header
            .engines
            .iter()
            .map(|(stage, engine)| (stage.clone(), format!("recorded: {engine}")))
            .collect(),
        notes: header.notes.clone(),
    };
    Ok((engines, missing))
}

/// Puts the visits of a stage together from the events and the outputs.
fn recordings_of(
    stage: StageName,
    events: &[Event],
    folder: &Path,
) -> Result<Vec<Recording>, EngineError> {
    let input = |error: store::StoreError| EngineError::Input(error.to_string());
    let mut wavs = store::read_output_wavs(folder, stage).map_err(input)?;
    let mut committed: BTreeMap<TurnId, Tick> = BTreeMap::new();
    let mut ready: BTreeMap<VisitId, Tick> = BTreeMap::new();
    let mut begun: BTreeMap<VisitId, Tick> = BTreeMap::new();
    let mut visits: BTreeMap<VisitId, Recording> = BTreeMap::new();
    let mut ended = Vec::new();
    for event in events {
        let now = event.tick;
        match &event.mark {
            Mark::EndpointCommitted { .. } => _ = committed.insert(event.turn, now),
            Mark::Enter { stage: of, visit } if *of == stage => _ = ready.insert(*visit, now),
            Mark::Begun { stage: of, visit } if *of == stage => {
                let mut since = ready.get(visit).copied().unwrap_or(now);
                if let (StageName::SpeechToText, Some(at)) = (stage, committed.get(&event.turn)) {
                    since = since.max(*at);
                }
                visits.entry(*visit).or_default().wait = now.since(since);
                begun.insert(*visit, now);
            }
            Mark::Output {
                stage: of,
                visit,
                note,
            } if *of == stage => {
                let after = now.since(begun.get(visit).copied().unwrap_or(now));
                let wav = wavs
                    .get_mut(visit)
                    .and_then(|wavs| wavs.pop_front())
                    .flatten();
                let output = (after, note.clone(), wav);
                visits.entry(*visit).or_default().outputs.push(output);
            }
            Mark::Exit {
                stage: of,
                visit,
                end,
                cost,
                input,
            } if *of == stage => {
                let mut recording = visits.remove(visit).unwrap_or_default();
                recording.input = input.clone().unwrap_or_default();
                recording.length = now.since(begun.get(visit).copied().unwrap_or(now));
                recording.cost = *cost;
                recording.failure = match end {
                    VisitEnd::Done => None,
                    VisitEnd::Failed { error } => Some(error.clone()),
                    VisitEnd::Cancelled => {
                        Some("this work was cancelled when it was recorded".to_owned())
                    }
                };
                ended.push(recording);
            }
            _ => {}
        }
    }
    Ok(ended)
}

impl Repeat {
    fn find(&mut self, input: &str) -> Result<Recording, StageError> {
        if let Some((recordings, asked)) = self.recordings.get_mut(input) {
            let next = recordings.get(*asked).or(recordings.last()).cloned();
            *asked += 1;
            if let Some(recording) = next {
                return Ok(recording);
            }
        }
        let error = format!(
            "{} holds no output of {} for the input {input}; the scenario or a recording has changed since: record it again",
            self.folder.display(),
            self.stage.name()
        );
        self.missing.report(&error);
        Err(StageError::Failed(error))
    }

    /// Sends what was recorded for `input`, when it was.
    async fn repeat<T: Recorded>(
        &mut self,
        input: &str,
        out: &mut Outlet<T>,
        value: impl Fn(OutputNote, Option<PathBuf>) -> Result<Option<T>, StageError>,
    ) -> Result<(), StageError> {
        let recording = self.find(input)?;
        self.clock
            .sleep_until(self.clock.now() + recording.wait)
            .await;
        let begun = self.clock.now();
        out.begun();
        for (after, note, wav) in recording.outputs {
            if let Some(value) = value(note, wav)? {
                self.clock.sleep_until(begun + after).await;
                out.send(value).await?;
            }
        }
        self.clock.sleep_until(begun + recording.length).await;
        if let Some(cost) = recording.cost {
            out.cost(cost);
        }
        recording
            .failure
            .map_or(Ok(()), |error| Err(StageError::Failed(error)))
    }
}

struct Recogniser(Repeat);

impl Stage for Recogniser {
    type In = AudioFeed;
    type Out = Transcript;

    fn handle<'a>(&'a mut self, mut feed: AudioFeed, out: &'a mut Outlet<Transcript>) -> Work<'a> {
        Box::pin(async move {
            let length = feed.utterance().await.length;
            let input = feed.identity().hex();
            let transcript = |note, _| {
                Ok(match note {
                    OutputNote::Partial { text } => Some((text, false)),
                    OutputNote::Final { text, .. } => Some((text, true)),
                    _ => None,
                }
                .map(|(text, is_final)| Transcript {
                    text,
                    is_final,
                    audio: length,
                }))
            };
            self.0.repeat(&input, out, transcript).await
        })
    }
}

struct Answerer(Repeat);

impl Stage for Answerer {
    type In = Question;
    type Out = Piece;

    fn handle<'a>(&'a mut self, question: Question, out: &'a mut Outlet<Piece>) -> Work<'a> {
        let input = question.identity().hex();
        Box::pin(async move {
            let piece = |note, _| {
                Ok(match note {
                    OutputNote::Piece { text } => Some(Piece(text)),
                    _ => None,
                })
            };
            self.0.repeat(&input, out, piece).await
        })
    }
}

struct Voice(Repeat);

impl Stage for Voice {
    type In = Clause;
    type Out = AudioChunk;

    fn handle<'a>(&'a mut self, clause: Clause, out: &'a mut Outlet<AudioChunk>) -> Work<'a> {
        let input = clause.identity().hex();
        let Clause(text) = clause;
        Box::pin(async move {
            let chunk = |note, wav: Option<PathBuf>| {
                let OutputNote::Audio {
                    audio_ns,
                    characters,
                } = note
                else {
                    return Ok(None);
                };
                // A piece that continues a clause has no words of its own.
                let text = if characters == 0 { "" } else { text.as_str() };
                let Some(wav) = wav else {
                    return Ok(Some(AudioChunk {
                        length: Duration::from_nanos(audio_ns),
                        samples: None,
                        text: text.into(),
                    }));
                };
                let samples =
                    decode::read(&wav).map_err(|error| StageError::Failed(error.to_string()))?;
                if length_of(samples.len()) != Duration::from_nanos(audio_ns) {
                    return Err(StageError::Failed(format!(
                        "{} is not as long as when it was recorded; record it again",
                        wav.display()
                    )));
                }
                Ok(Some(AudioChunk::new(samples.into(), text.into())))
            };
            self.0.repeat(&input, out, chunk).await
        })
    }
}
