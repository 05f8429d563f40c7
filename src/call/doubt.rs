//! What noise hides of the edges of speech, and whether an edge may be another one than was found.

use super::noise::NoiseFloor;
use super::segments::{Ear, UNDER_PEAK};
use super::track::{FRAME_MS, Level, STEPS_PER_DB, db, level};
use crate::event::Doubt;
use std::ops::Range;

/// How far out the true edge lies behind noise, in milliseconds for each decibel by which the noise hides sounds: the
/// fitted by eye to the medians of 901 edges in noise of the calls that `make test-calls` makes, of all their voices.
/// Half of the edges lie within some 20 ms of that, a tenth more than 100 ms off. Speech fades out more slowly than it
/// begins, so beginnings move by what is beyond 12 dB only.
const HIDDEN_MS_PER_DB: f32 = 1.2;
const BEGINS_WITHIN_DB: f32 = 12.0;
/// Noise that hides sounds by more than this makes an edge doubtful.
const HIDDEN_MAX: Level = db(26);
/// What else hides sounds by more than this makes an edge doubtful, unless the sound at the edge rises by as much
/// within this many milliseconds.
const COVERED_MAX: Level = db(6);
const SHARP: usize = 20;
/// Silero hears a voice begin and end so long before the edge and after it, in milliseconds, or one of the two errs:
/// wider than the 1st and 99th percentiles of the same calls' quiet kinds.
const BEGINS: Range<i64> = -60..260;
const ENDS: Range<i64> = -250..600;
/// A tone so near to an edge, in milliseconds, may hide it.
const TONE_NEAR: usize = 300;

/// An edge of a stretch of speech.
#[derive(Debug, Clone, Copy)]
pub(super) struct Edge {
    /// Milliseconds of the recording.
    pub(super) at: usize,
    pub(super) is_end: bool,
}

impl Edge {
    /// The milliseconds outside of the edge, or inside of it, that are so near.
    fn near(&self, outside: bool, by: usize) -> Range<usize> {
        match self.is_end == outside {
            true => self.at..self.at + by,
            false => self.at.saturating_sub(by)..self.at,
        }
    }
}

impl Ear<'_> {
    /// Milliseconds by which noise hides the edge of speech with this peak, so far as that is known.
    pub(super) fn hidden(&self, is_end: bool, peak: Level, floor: &NoiseFloor) -> usize {
        let hidden = level(floor.fine).saturating_sub(peak.saturating_sub(UNDER_PEAK));
        let decibels = f32::from(hidden) / STEPS_PER_DB;
        let from = if is_end { 0.0 } else { BEGINS_WITHIN_DB };
        // Saturates at zero.
        (HIDDEN_MS_PER_DB * (decibels - from)) as usize
    }

    /// What may have moved an edge of speech with this peak, over this noise; `None` if nothing did.
    pub(super) fn doubt(&self, edge: Edge, peak: Level, floor: &NoiseFloor) -> Option<Doubt> {
        let mut outside = frames(&edge.near(true, TONE_NEAR));
        if outside.any(|frame| self.tones.get(frame).is_some_and(|is_tone| *is_tone)) {
            return Some(Doubt::Music);
        }
        let least = peak.saturating_sub(UNDER_PEAK);
        if level(floor.fine) > least.saturating_add(HIDDEN_MAX) {
            return Some(Doubt::Noise);
        }
        let leaks = edge.near(true, FRAME_MS).chain(edge.near(false, FRAME_MS));
        let leak = leaks.map(|ms| self.track.leaked_at(ms)).max().unwrap_or(0);
        let (limit, because) = match leak > self.other_voice {
            true => (leak, Doubt::Leak),
            false => (self.other_voice, Doubt::OtherVoice),
        };
        if limit <= least.saturating_add(COVERED_MAX) {
            return None;
        }
        let rises_to = limit.saturating_add(limit - least);
        let is_sharp = self.track.loudest(edge.near(false, SHARP)) >= rises_to;
        (!is_sharp).then_some(because)
    }

    /// What both edges of a stretch are in doubt for, as the detectors have it.
    pub(super) fn doubts_of_detectors(&self, found: &Range<usize>) -> [Option<Doubt>; 2] {
        let reach = found.start.saturating_sub(TONE_NEAR)..found.end + 2 * TONE_NEAR;
        let doubts = |doubtful: [bool; 2], because| doubtful.map(|it| it.then_some(because));
        if self.track.neural.is_none() {
            let may_be_tone = |frame| self.maybe_tones.get(frame).is_some_and(|maybe| *maybe);
            let is_doubtful = frames(found).any(may_be_tone);
            return doubts([is_doubtful; 2], Doubt::NoSilero);
        }
        let Some(voice) = self
            .neural_voice(&reach)
            .filter(|voice| voice.start < found.end && voice.end > found.start)
        else {
            return doubts([true; 2], Doubt::Detectors);
        };
        let after = |silero: usize, edge: usize| silero as i64 - edge as i64;
        let is_near = [
            BEGINS.contains(&after(voice.start, found.start)),
            ENDS.contains(&after(voice.end, found.end)),
        ];
        doubts(is_near.map(|near| !near), Doubt::Detectors)
    }
}

fn frames(range: &Range<usize>) -> Range<usize> {
    range.start / FRAME_MS..range.end.div_ceil(FRAME_MS)
}
