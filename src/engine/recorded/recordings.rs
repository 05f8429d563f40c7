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

/// The recorded work of a stage.
#[derive(Default)]
pub(super) struct Recordings {
    /// By the hash of the input, in the order in which the work was done.
    pub(super) by_input: BTreeMap<String, Vec<Recording>>,
    /// Transcriptions that were void before they were done, by the turn and by how often the recogniser had been asked
    /// in it before. They left no text, so nothing tells what their input was.
    pub(super) void: BTreeMap<(TurnId, u32), Recording>,
}

/// A visit that is being put together.
#[derive(Default)]
struct Open {
    ready: Tick,
    begun: Option<Tick>,
    /// How often the recogniser had been asked in the turn before it was asked for this.
    ask: u32,
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
    let mut all = Recordings::default();
    let mut open: BTreeMap<VisitId, Open> = BTreeMap::new();
    // When a recogniser was last asked for the text of a turn, and how often it was asked before.
    let mut asked: BTreeMap<TurnId, (Tick, u32)> = BTreeMap::new();
    let ask = |asked: &mut BTreeMap<TurnId, (Tick, u32)>, event: &Event| {
        let next = asked.get(&event.turn).map_or(0, |(_, before)| before + 1);
        asked.insert(event.turn, (event.tick, next));
    };
    // Turns in which that work has not begun yet.
    let mut pending: BTreeSet<TurnId> = BTreeSet::new();
    for event in events {
        let now = event.tick;
        match &event.mark {
            Mark::AskedSoFar => {
                ask(&mut asked, event);
                pending.insert(event.turn);
            }
            Mark::VoiceResumed { .. } => _ = pending.remove(&event.turn),
            // Work on all that was said is not asked for again.
            Mark::EndpointCommitted { .. } if !pending.contains(&event.turn) => {
                ask(&mut asked, event);
            }
            Mark::Enter { stage: of, visit } if *of == stage => {
                open.entry(*visit).or_default().ready = now;
            }
            Mark::Begun { stage: of, visit } if *of == stage => {
                let work = open.entry(*visit).or_default();
                let mut ready = work.ready;
                if stage == StageName::SpeechToText {
                    let (at, ask) = asked.get(&event.turn).copied().unwrap_or_default();
                    ready = ready.max(at);
                    pending.remove(&event.turn);
                    if let Some(void) = work.void_by(ask, now) {
                        all.void.insert((event.turn, work.ask), void);
                    }
                    work.ask = ask;
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
    /// The transcription before this one, if it was begun, and given up at the latest now, when another one that was
    /// asked for begins.
    fn void_by(&mut self, ask: u32, now: Tick) -> Option<Recording> {
        let begun = self.begun.filter(|_| self.ask != ask)?;
        let recording = std::mem::take(&mut self.recording);
        Some(Recording {
            length: now.since(begun),
            was_cancelled: true,
            ..recording
        })
    }

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
        let of_input = all.by_input.entry(self.input.clone());
        of_input.or_default().push(recording);
    }

    fn left(
        self,
        now: Tick,
        (stage, input): (StageName, String),
        (end, cost): (&VisitEnd, Option<Cost>),
        all: &mut Recordings,
    ) {
        let recordings = all.by_input.entry(input).or_default();
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::SessionId;

    #[test]
    fn a_transcription_that_was_void_is_known_by_its_turn_and_its_place_in_it() {
        let (stage, visit) = (StageName::SpeechToText, VisitId(1));
        let partial = OutputNote::Partial {
            text: "Why does".into(),
            sureness: None,
        };
        let marks = [
            (1_000, Mark::AskedSoFar),
            (1_010, Mark::Begun { stage, visit }),
            (
                1_200,
                Mark::VoiceResumed {
                    at: Tick::from_ms(1_168),
                },
            ),
            (1_500, Mark::AskedSoFar),
            (1_500, Mark::Begun { stage, visit }),
            // A request that is made again is the same work.
            (1_550, Mark::Begun { stage, visit }),
            (
                1_600,
                Mark::Output {
                    stage,
                    visit,
                    note: partial,
                },
            ),
        ];
        let events: Vec<Event> = marks
            .into_iter()
            .map(|(ms, mark)| Event {
                tick: Tick::from_ms(ms),
                session: SessionId(0),
                turn: TurnId(3),
                mark,
            })
            .collect();
        let folder = tempfile::tempdir().expect("a folder");
        let all = of_stage(stage, &events, folder.path()).expect("recordings");
        let places: Vec<(TurnId, u32)> = all.void.keys().copied().collect();
        assert_eq!(places, [(TurnId(3), 0)]);
        let void = &all.void[&places[0]];
        assert_eq!(void.wait, Some(Duration::from_millis(10)));
        // It was at work until the caller went on, and nobody knows for how much longer.
        assert!(void.was_cancelled && void.length >= Duration::from_millis(190));
        assert_eq!(all.by_input[""].len(), 1);
    }
}
