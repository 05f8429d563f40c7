//! What happened when in a run, as far as its rows do not say it.

use crate::event::{Direction, Event, Mark, Tick, TurnId, VisitEnd};
use crate::measure::ms;
use crate::record::store::RowsPer;
use crate::report::chart::Thought;
use std::collections::BTreeMap;
use std::ops::Range;

/// Mishaps that are listed; the rest is counted.
const MISHAPS_MAX: usize = 200;

#[derive(Debug, Default)]
pub(super) struct Course {
    /// The moments of each row that the run came to, in order.
    pub rows: Vec<Moments>,
    /// What went wrong, as sentences with their time in seconds.
    pub mishaps: Vec<(f64, String)>,
    /// How many mishaps are not listed.
    pub more_mishaps: usize,
    pub end: Tick,
}

/// When things happened in one row.
#[derive(Debug, Default)]
pub(super) struct Moments {
    pub start: Tick,
    /// When the sound over the agent began; `None` if the row is no such sound.
    pub onset: Option<Tick>,
    pub policy: String,
    pub thoughts: Vec<Thought>,
}

impl Course {
    pub(super) fn of(events: &[Event], rows_per: RowsPer) -> Course {
        let mut course = Course::default();
        let mut rows: BTreeMap<TurnId, usize> = BTreeMap::new();
        for event in events {
            let begins = match &event.mark {
                Mark::RowStarted { at, .. } if rows_per == RowsPer::Turn => Some(*at),
                Mark::RowMissed { .. } if rows_per == RowsPer::Turn => Some(event.tick),
                Mark::VoiceStarted { onset } if rows_per == RowsPer::Utterance => Some(*onset),
                _ => None,
            };
            if let Some(start) = begins {
                course.rows.push(Moments {
                    start,
                    ..Moments::default()
                });
            }
            if let (Mark::VoiceStarted { .. }, Some(row)) =
                (&event.mark, course.rows.len().checked_sub(1))
            {
                rows.insert(event.turn, row);
            }
            if let Some(row) = rows
                .get(&event.turn)
                .and_then(|row| course.rows.get_mut(*row))
            {
                row.add(event);
            }
            if let Some(text) = mishap(&event.mark) {
                match course.mishaps.len() < MISHAPS_MAX {
                    true => course.mishaps.push((event.tick.as_ms() / 1e3, text)),
                    false => course.more_mishaps += 1,
                }
            }
            course.end = course.end.max(event.tick);
        }
        course
    }
}

impl Moments {
    fn add(&mut self, event: &Event) {
        match &event.mark {
            Mark::OverlapStarted { onset } => {
                self.onset.get_or_insert(*onset);
            }
            Mark::Decision(decision) => {
                self.policy.clone_from(&decision.policy);
                self.thoughts.push(Thought {
                    since_onset_ns: decision.since_onset_ns,
                    probability: decision.probability,
                    verdict: decision.verdict,
                });
            }
            _ => {}
        }
    }
}

/// When the ear took the caller to speak: for records that do not say when they truly did.
pub(super) fn voice(events: &[Event]) -> Vec<Range<Tick>> {
    let (mut all, mut since) = (Vec::new(), None);
    for event in events {
        match &event.mark {
            Mark::VoiceStarted { onset } | Mark::VoiceResumed { at: onset } => since = Some(*onset),
            Mark::VoicePaused { last_voiced } => {
                all.extend(since.take().map(|start| start..*last_voiced));
            }
            _ => {}
        }
    }
    all
}

/// What went wrong, if a mark says that something did.
fn mishap(mark: &Mark) -> Option<String> {
    Some(match mark {
        Mark::Exit {
            stage,
            end: VisitEnd::Failed(why),
            ..
        } => format!("{} failed: {}", stage.name(), why.error),
        Mark::RowMissed { row, waited_ns } => format!(
            "turn {} was never spoken: what it waits for had not come after {:.0} ms",
            row.saturating_add(1),
            ms(*waited_ns)
        ),
        Mark::CallerStartedAgain => {
            "the caller heard nothing for too long, and started again".to_owned()
        }
        Mark::CallerGaveUp => "the caller lost patience and hung up".to_owned(),
        Mark::DeviceLost { direction, reason } => format!("the {direction} was lost: {reason}"),
        Mark::SoundLost { direction, lost_ns } => match direction {
            Direction::Input => format!(
                "{:.0} ms of the caller's sound got lost at the microphone",
                ms(*lost_ns)
            ),
            Direction::Output => format!(
                "{:.0} ms of the agent's sound came too late for the speaker",
                ms(*lost_ns)
            ),
        },
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::folder::Results;
    use std::path::Path;

    fn run(name: &str) -> (Course, usize) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/it/data")
            .join(name);
        let Results::Run(run) = Results::open(&path).expect("a run") else {
            panic!("a run");
        };
        let events = run.events().expect("events");
        (
            Course::of(&events, run.header.rows_per),
            run.measured.rows.len(),
        )
    }

    #[test]
    fn every_row_begins_behind_the_one_before() {
        for name in ["recorded", "interruptions/stop-clean"] {
            let (course, rows) = run(name);
            assert_eq!(course.rows.len(), rows, "{name}");
            assert!(course.rows.iter().map(|row| row.start).is_sorted());
        }
    }

    #[test]
    fn decisions_belong_to_the_row_that_was_spoken_over_the_agent() {
        let (course, _) = run("recorded");
        let with: Vec<usize> = (0..course.rows.len())
            .filter(|row| !course.rows[*row].thoughts.is_empty())
            .collect();
        assert_eq!(with, [2, 5]);
        assert!(course.rows[5].onset.is_some() && course.rows[5].policy == "classifier");
    }

    #[test]
    fn what_goes_wrong_is_told_in_sentences() {
        let mark = Mark::DeviceLost {
            direction: Direction::Input,
            reason: "unplugged".into(),
        };
        assert_eq!(
            mishap(&mark).as_deref(),
            Some("the microphone was lost: unplugged")
        );
        assert_eq!(mishap(&Mark::NoReply), None);
    }
}
