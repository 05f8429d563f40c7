//! What a run folder holds of a stage, put together from its events and its outputs.

use crate::engine::EngineError;
use crate::event::{Cost, Event, Mark, OutputNote, StageName, Tick, TurnId, VisitEnd, VisitId};
use crate::record::store::{self, KeptOutput};
use crate::stage::{Again, StageError};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// One piece of recorded work: a visit to a stage, or one transcription of a recogniser, which makes
/// several while the caller speaks.
#[derive(Debug, Clone, Default)]
pub(super) struct Recording {
    /// The time from the input to the beginning of the work; `None` if the work never began.
    pub(super) wait: Option<Duration>,
    /// The outputs, each with its time since the beginning of the work.
    pub(super) outputs: Vec<(Duration, OutputNote, Option<PathBuf>)>,
    pub(super) length: Duration,
    pub(super) cost: Option<Cost>,
    pub(super) failure: Option<StageError>,
    pub(super) was_cancelled: bool,
}

/// Recordings by the hash of their input, in the order they were made.
pub(super) type Recordings = BTreeMap<String, Vec<Recording>>;

/// A visit that is being put together.
#[derive(Default)]
struct Open {
    ready: Tick,
    begun: Option<Tick>,
    recording: Recording,
    /// The input of the latest transcription.
    input: String,
}

/// The recorded work of `stage`.
pub(super) fn of_stage(
    stage: StageName,
    events: &[Event],
    folder: &Path,
) -> Result<Recordings, EngineError> {
    let kept = store::read_outputs(folder, stage);
    let mut kept = kept.map_err(|error| EngineError::Input(error.to_string()))?;
    let mut all = Recordings::new();
    let mut open: BTreeMap<VisitId, Open> = BTreeMap::new();
    // When a recogniser was last asked for the text of a turn.
    let mut asked: BTreeMap<TurnId, Tick> = BTreeMap::new();
    // Turns in which that work has not begun yet.
    let mut pending: BTreeSet<TurnId> = BTreeSet::new();
    for event in events {
        let now = event.tick;
        match &event.mark {
            Mark::AskedSoFar => {
                asked.insert(event.turn, now);
                pending.insert(event.turn);
            }
            Mark::VoiceResumed { .. } => _ = pending.remove(&event.turn),
            // Work on a pause that became the end is not asked for again.
            Mark::EndpointCommitted { .. } if !pending.contains(&event.turn) => {
                asked.insert(event.turn, now);
            }
            Mark::Enter { stage: of, visit } if *of == stage => {
                open.entry(*visit).or_default().ready = now;
            }
            Mark::Begun { stage: of, visit } if *of == stage => {
                let work = open.entry(*visit).or_default();
                let mut ready = work.ready;
                if stage == StageName::SpeechToText {
                    ready = ready.max(asked.get(&event.turn).copied().unwrap_or_default());
                    pending.remove(&event.turn);
                }
                work.recording.wait = Some(now.since(ready));
                work.begun = Some(now);
            }
            Mark::Output {
                stage: of,
                visit,
                note,
            } if *of == stage => {
                let output = kept.get_mut(visit).and_then(VecDeque::pop_front);
                let work = open.entry(*visit).or_default();
                match stage {
                    StageName::SpeechToText => work.transcribed(now, note, output, &mut all),
                    _ => work.put_out(now, note, output),
                }
            }
            Mark::Exit {
                stage: of,
                visit,
                end,
                cost,
                input,
            } if *of == stage => {
                let work = open.remove(visit).unwrap_or_default();
                let input = input.clone().unwrap_or_default();
                work.left(
                    now,
                    (stage, input),
                    (end, cost.as_deref().copied()),
                    &mut all,
                );
            }
            _ => {}
        }
    }
    Ok(all)
}

impl Open {
    fn put_out(&mut self, now: Tick, note: &OutputNote, output: Option<KeptOutput>) {
        let after = now.since(self.begun.unwrap_or(now));
        let wav = output.and_then(|output| output.wav);
        self.recording.outputs.push((after, note.clone(), wav));
    }

    /// A transcription is a recording of its own. A text that was only confirmed is none.
    fn transcribed(
        &mut self,
        now: Tick,
        note: &OutputNote,
        output: Option<KeptOutput>,
        all: &mut Recordings,
    ) {
        let Some(begun) = self.begun.take() else {
            return;
        };
        self.input = output.map_or_else(String::new, |output| output.input);
        let mut recording = std::mem::take(&mut self.recording);
        recording.length = now.since(begun);
        recording.outputs = vec![(recording.length, note.clone(), None)];
        all.entry(self.input.clone()).or_default().push(recording);
    }

    fn left(
        self,
        now: Tick,
        (stage, input): (StageName, String),
        (end, cost): (&VisitEnd, Option<Cost>),
        all: &mut Recordings,
    ) {
        let recordings = all.entry(input).or_default();
        let is_transcribed = stage == StageName::SpeechToText && *end == VisitEnd::Done;
        if is_transcribed {
            // What the visit took belongs to the text that it ended with.
            if let Some(last) = recordings.last_mut() {
                last.cost = cost;
            }
            return;
        }
        recordings.push(Recording {
            length: now.since(self.begun.unwrap_or(self.ready)),
            cost,
            failure: match end {
                VisitEnd::Failed { error, refused } => Some(failure(error.clone(), *refused)),
                VisitEnd::Done | VisitEnd::Cancelled => None,
            },
            was_cancelled: *end == VisitEnd::Cancelled,
            ..self.recording
        });
    }
}

/// The error that a stage once ended with.
fn failure(error: String, refused: bool) -> StageError {
    match refused {
        true => StageError::Refused {
            error,
            again: Again::NotBefore(Duration::ZERO),
        },
        false => StageError::Failed(error),
    }
}
