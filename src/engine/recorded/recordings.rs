//! What a run folder holds of a stage, put together from its events and its outputs.

use crate::engine::EngineError;
use crate::event::{
    Cost, Event, Mark, OutputNote, StageName, Tick, TurnId, VisitEnd, VisitFailure, VisitId,
};
use crate::record::store::{self, KeptOutput};
use crate::stage::{Again, StageError};
use std::collections::{BTreeMap, VecDeque};
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
    /// Transcriptions that were void before they were done, or begun, by the turn and by how long after its sound was taken
    /// up they were asked for. They left no text, so nothing tells what their input was.
    pub(super) void: BTreeMap<(TurnId, Duration), Recording>,
}

/// What a recogniser was asked for in a turn.
#[derive(Default)]
struct Asks {
    /// When it took up the sound.
    taken_up: Option<Tick>,
    /// When it was last asked for the text; from then on, if it took up the sound later.
    at: Option<Tick>,
    /// Whether that work has not begun yet, though the caller has not gone on since.
    is_pending: bool,
    has_begun: bool,
}

/// A visit that is being put together.
#[derive(Default)]
struct Open {
    ready: Tick,
    begun: Option<Tick>,
    /// When the recogniser was asked for this.
    asked: Tick,
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
    let mut asks: BTreeMap<TurnId, Asks> = BTreeMap::new();
    for event in events {
        let (now, turn) = (event.tick, event.turn);
        match &event.mark {
            Mark::AskedSoFar => {
                let asks = asks.entry(turn).or_default();
                all.void.extend(asks.again(turn, now));
                asks.is_pending = true;
            }
            Mark::VoiceResumed { .. } => asks.entry(turn).or_default().is_pending = false,
            Mark::EndpointCommitted { .. } => {
                let asks = asks.entry(turn).or_default();
                // Work on all that was said is not asked for again.
                if !asks.is_pending {
                    all.void.extend(asks.again(turn, now));
                }
            }
            Mark::Enter { stage: of, visit } if *of == stage => {
                open.entry(*visit).or_default().ready = now;
                asks.entry(turn).or_default().taken_up = Some(now);
            }
            Mark::Begun { stage: of, visit } if *of == stage => {
                let work = open.entry(*visit).or_default();
                let mut ready = work.ready;
                if stage == StageName::SpeechToText {
                    let asks = asks.entry(turn).or_default();
                    (asks.is_pending, asks.has_begun) = (false, true);
                    ready = ready.max(asks.at.unwrap_or_default());
                    if let Some(void) = work.void_by(ready, now) {
                        all.void.insert((turn, work.asked.since(work.ready)), void);
                    }
                    work.asked = ready;
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
                let input = input.as_deref().unwrap_or_default().to_owned();
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

impl Asks {
    /// The recogniser is asked once more. What it was asked for before is void if it has not begun.
    fn again(&mut self, turn: TurnId, now: Tick) -> Option<((TurnId, Duration), Recording)> {
        let before = self.at.replace(now).filter(|_| !self.has_begun);
        self.has_begun = false;
        let taken_up = self.taken_up?;
        let before = before?.max(taken_up);
        let waited = Recording {
            length: now.since(before),
            was_cancelled: true,
            ..Recording::default()
        };
        (now > before).then(|| ((turn, before.since(taken_up)), waited))
    }
}

impl Open {
    /// The transcription before this one, if it was begun, and given up at the latest now, when another one that was
    /// asked for begins.
    fn void_by(&mut self, asked: Tick, now: Tick) -> Option<Recording> {
        let begun = self.begun.filter(|_| self.asked != asked)?;
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
                VisitEnd::Failed(why) => Some(failure(why)),
                VisitEnd::Done | VisitEnd::Cancelled => None,
            },
            was_cancelled: *end == VisitEnd::Cancelled,
            ..self.recording
        });
    }
}

/// The error that a stage once ended with.
fn failure(why: &VisitFailure) -> StageError {
    let error = why.error.clone();
    match why.refused {
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

    /// What a recogniser did in a turn, each mark with its milliseconds.
    fn recordings_of<const N: usize>(marks: [(u64, Mark); N]) -> Recordings {
        let events = marks.map(|(ms, mark)| Event {
            tick: Tick::from_ms(ms),
            session: SessionId(0),
            turn: TurnId(3),
            mark,
        });
        let folder = tempfile::tempdir().expect("a folder");
        of_stage(StageName::SpeechToText, &events, folder.path()).expect("recordings")
    }

    #[test]
    fn a_transcription_that_never_began_is_void_too() {
        let (stage, visit) = (StageName::SpeechToText, VisitId(1));
        let marks = [
            // Nobody works on sound that has not been taken up.
            (800, Mark::AskedSoFar),
            (850, Mark::AskedSoFar),
            (900, Mark::Enter { stage, visit }),
            (900, Mark::Begun { stage, visit }),
            (1_000, Mark::AskedSoFar),
            (1_200, Mark::AskedSoFar),
            (1_300, Mark::Begun { stage, visit }),
        ];
        let all = recordings_of(marks);
        let places = [0, 100].map(|ms| (TurnId(3), Duration::from_millis(ms)));
        assert!(all.void.keys().eq(&places), "{:?}", all.void);
        let void = &all.void[&places[1]];
        assert_eq!((void.wait, void.was_cancelled), (None, true));
        assert_eq!(void.length, Duration::from_millis(200));
    }

    #[test]
    fn a_transcription_that_was_void_is_known_by_its_turn_and_when_it_was_asked_for() {
        let (stage, visit) = (StageName::SpeechToText, VisitId(1));
        let partial = OutputNote::Partial {
            text: "Why does".into(),
            sureness: None,
        };
        let marks = [
            (900, Mark::Enter { stage, visit }),
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
        let all = recordings_of(marks);
        let places: Vec<(TurnId, Duration)> = all.void.keys().copied().collect();
        assert_eq!(places, [(TurnId(3), Duration::from_millis(100))]);
        let void = &all.void[&places[0]];
        assert_eq!(void.wait, Some(Duration::from_millis(10)));
        // It was at work until the caller went on, and nobody knows for how much longer.
        assert!(void.was_cancelled && void.length >= Duration::from_millis(190));
        assert_eq!(all.by_input[""].len(), 1);
    }
}
