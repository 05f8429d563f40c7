//! Answers as they sound: whether they are understood, and whether their sound is whole.

use crate::audio::{SAMPLE_RATE, decode, position_of};
use crate::call::words;
use crate::clock::Clock;
use crate::engine;
use crate::eval::{Figure, Part, Spoken, broken};
use crate::event::{Mark, ReplyEnd, Tick};
use crate::measure::{Outcome, WordErrors};
use crate::run::{Finished, RunError};
use crate::scenario::Scenario;
use crate::stage::SpeechToText;
use std::ops::Range;
use std::path::Path;

/// Answers longer than this are not heard again, in samples: recognisers take up to 30 s at once.
const LONGEST: usize = 28 * SAMPLE_RATE as usize;

/// Silence around an answer that is heard again, in samples: 0.3 s.
const AROUND: usize = SAMPLE_RATE as usize * 3 / 10;

/// Hears answers again.
pub(super) struct Aloud {
    recogniser: SpeechToText,
    clock: Clock,
}

impl Aloud {
    /// By the recogniser of an agent.
    pub(super) fn by(scenario: &Scenario) -> Result<Aloud, RunError> {
        let clock = Clock::virtual_time(scenario.cores());
        let (recogniser, _) = engine::speech_to_text(scenario, &clock)?;
        Ok(Aloud { recogniser, clock })
    }

    /// Adds what the agent's sound in a run folder says of its answers. An answer that was interrupted is left out: the caller
    /// did not hear its end.
    pub(super) fn add_to(
        &mut self,
        turns: &mut [Spoken],
        finished: &Finished,
        folder: &Path,
    ) -> Result<(), RunError> {
        let path = folder.join("conversation.wav");
        let unreadable = |error: crate::audio::AudioError| RunError::Unavailable(error.to_string());
        let (_, mut channels) = decode::read_channels(&path).map_err(unreadable)?;
        let agent = channels.pop().unwrap_or_default();
        for (turn, row) in turns.iter_mut().zip(&finished.measured.rows) {
            let Some(at) = (row.outcome == Outcome::Answered)
                .then_some(row.agent_start)
                .flatten()
                .and_then(|start| answer(start, finished))
            else {
                continue;
            };
            let sound = &agent[at.start.min(agent.len())..at.end.min(agent.len())];
            let is_broken = f64::from(u8::from(broken(sound).is_some()));
            turn.parts.insert(
                Figure::BrokenSoundShare,
                Part {
                    above: is_broken,
                    below: 1.0,
                },
            );
            if sound.len() > LONGEST || row.said.trim().is_empty() {
                continue;
            }
            let silence = vec![0.0; AROUND];
            let around = [&silence[..], sound, &silence[..]].concat();
            let (heard, _) = words::text(&mut self.recogniser, &self.clock, &around)
                .map_err(|error| RunError::Unavailable(error.to_string()))?;
            let errors = WordErrors::between(&row.said, &heard);
            let part = Part {
                above: f64::from(errors.errors),
                below: f64::from(errors.words),
            };
            if errors.words > 0 {
                turn.parts.insert(Figure::SpeechErrorRate, part);
            }
        }
        Ok(())
    }
}

/// Where an answer that begins at `start` lies in the recording, if it was heard to its end.
fn answer(start: Tick, finished: &Finished) -> Option<Range<usize>> {
    let mut later = finished.events.iter().filter(|event| event.tick >= start);
    let end = later.find_map(|event| match &event.mark {
        Mark::ReplyEnded { end, at, .. } => Some((*at, *end)),
        _ => None,
    });
    let (end, how) = end?;
    (how == ReplyEnd::Completed).then(|| position_of(start) as usize..position_of(end) as usize)
}
