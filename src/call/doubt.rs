//! Whether the beginning or the end of a stretch may be another one than was found, and what may have hidden it.

use super::noise::NoiseFloor;
use super::segments::{Ear, UNDER_PEAK};
use super::track::{FRAME_MS, Level, db, level};
use crate::event::Doubt;
use std::ops::Range;

/// An edge that may lie this much further out, in milliseconds, is doubtful.
const HIDDEN_MAX: f32 = 60.0;
/// By how much the threshold is raised to see how fast the sound rises at the edge.
const RAISED: Level = db(6);
/// Where the sound does not rise by that much within this time, in milliseconds, it is taken to rise so slowly.
const RISE_MAX: usize = 200;
/// Silero hears a voice begin and end this near to the edges, in milliseconds, or one of them errs.
const APART_MAX: usize = 300;
/// A tone so near to an edge, in milliseconds, may hide it.
const TONE_NEAR: usize = 300;

/// An edge of a stretch of speech.
pub(super) struct Edge {
    /// Milliseconds of the recording.
    pub(super) at: usize,
    /// Where the sound first stood out, before the edge was moved over softer sounds.
    pub(super) plain: usize,
    pub(super) is_end: bool,
}

impl Ear<'_> {
    /// What may have moved an edge of a stretch with this peak, over this noise; `None` if nothing did.
    pub(super) fn doubt(&self, edge: &Edge, peak: Level, floor: &NoiseFloor) -> Option<Doubt> {
        if self.tone_is_near(edge) {
            return Some(Doubt::Music);
        }
        let (limit, because) = self.limit(edge.plain, floor);
        let least = peak.saturating_sub(UNDER_PEAK);
        if limit <= least {
            return None;
        }
        let hidden_steps = f32::from(limit - least);
        let rise = self.rise(edge, limit.saturating_add(RAISED)) as f32;
        let hidden = rise * hidden_steps / f32::from(RAISED);
        let found = edge.at.abs_diff(edge.plain) as f32;
        (hidden - found > HIDDEN_MAX).then_some(because)
    }

    /// The level that a sound at `ms` has to reach besides the one that its stretch's peak asks for, and what of.
    fn limit(&self, ms: usize, floor: &NoiseFloor) -> (Level, Doubt) {
        let leaks = ms.saturating_sub(FRAME_MS)..ms + FRAME_MS;
        let leak = leaks.map(|ms| self.track.leaked_at(ms)).max().unwrap_or(0);
        let limits = [
            (level(floor.fine), Doubt::Noise),
            (self.other_voice, Doubt::OtherVoice),
            (leak, Doubt::Leak),
        ];
        let highest = limits.into_iter().max_by_key(|(limit, _)| *limit);
        highest.unwrap_or((0, Doubt::Noise))
    }

    /// Milliseconds from the edge inwards to the first sound as loud as this.
    fn rise(&self, edge: &Edge, least: Level) -> usize {
        let inwards = |by: &usize| match edge.is_end {
            true => edge.plain.saturating_sub(*by + 1),
            false => edge.plain + by,
        };
        let peaks = &self.track.peaks;
        let mut way = 0..RISE_MAX;
        let found = way.find(|by| peaks.get(inwards(by)).is_some_and(|own| *own >= least));
        found.unwrap_or(RISE_MAX)
    }

    fn tone_is_near(&self, edge: &Edge) -> bool {
        let outside = match edge.is_end {
            true => edge.at..edge.at + TONE_NEAR,
            false => edge.at.saturating_sub(TONE_NEAR)..edge.at,
        };
        let mut frames = frames(&outside);
        frames.any(|frame| self.tones.get(frame).is_some_and(|is_tone| *is_tone))
    }

    /// What both edges of a stretch are in doubt for.
    pub(super) fn doubt_of_all(&self, found: &Range<usize>) -> [Option<Doubt>; 2] {
        let Some(voice) = self.neural_voice(found) else {
            let is_doubtful = match self.track.neural {
                Some(_) => Some(Doubt::Detectors),
                None => {
                    let mut frames = frames(found);
                    let maybe = |frame| self.maybe_tones.get(frame).is_some_and(|maybe| *maybe);
                    frames.any(maybe).then_some(Doubt::NoSilero)
                }
            };
            return [is_doubtful; 2];
        };
        let far = [
            found.start.abs_diff(voice.start),
            found.end.abs_diff(voice.end),
        ];
        far.map(|far| (far > APART_MAX).then_some(Doubt::Detectors))
    }
}

fn frames(range: &Range<usize>) -> Range<usize> {
    range.start / FRAME_MS..range.end.div_ceil(FRAME_MS)
}
