//! Where a stretch of speech truly begins and ends, and what lies at its edges and is none of it: clicks and breaths.

use super::doubt::Edge;
use super::noise::{COARSE, NOISE_GRAIN, Noise, NoiseFloor};
use super::segments::{EDGE_WINDOW, Ear, QUIET_GAP, Stretch, joined};
use super::track::{FRAME_MS, Level, db};
use crate::event::Doubt;
use std::ops::Range;

/// What is louder than this under its stretch's peak at its very end was cut off there.
const CUT: Level = db(26);
/// The last sound that is looked at to tell a cut from an end, in milliseconds.
const CUT_WINDOW: usize = 10;
/// How long a gap in the sound may be, as when the lips close, with soft sounds behind it; and how far from what
/// stands out soft sounds are looked for.
const SOFT_GAP: usize = 160;
const SOFT_MAX: usize = 400;
/// A sound so far before what the detector calls speech, in milliseconds, is no part of it; one behind it may be the
/// last consonant for as long as lips stay closed. Inside of it a sound as short as a click stands apart too.
const APART_BEFORE: usize = 80;
const APART_BEHIND: usize = SOFT_GAP;
const CLICK_MAX: usize = 40;
/// Not even a consonant has so much silence, in milliseconds, between it and the vowel behind it.
const CLICK_GAP: usize = 30;
/// A sound so long, in milliseconds, and so much softer than the rest, that so much silence parts from it, may be a
/// breath.
const BREATH_MIN: usize = 100;
const BREATH_GAP: usize = 80;
const BREATH_UNDER: Level = db(15);
/// A click so far before Silero hears a voice, or behind it, in milliseconds, is none of it.
const CLICK_BEFORE: usize = 100;
const CLICK_BEHIND: usize = 80;
/// Sounds this much softer than the last one at an edge still join others: the middle of a hiss.
const SOFTER: Level = db(12);
/// Speech in a channel in which somebody else speaks too is this much louder than that voice.
const OVER_OTHER_VOICE: Level = db(6);

/// The edges of a stretch, and whether what lies at its beginning and its end may be a breath.
struct Edges {
    start: usize,
    end: usize,
    breathes: [bool; 2],
}

impl Ear<'_> {
    /// The stretch in these voiced frames; `None` if nothing of it stands out. `free` is where its edges may lie.
    pub(super) fn stretch(
        &self,
        frames: &Range<usize>,
        free: Range<usize>,
        noise: &Noise,
    ) -> Option<Stretch> {
        let (onset, last_voiced) = (frames.start * FRAME_MS, frames.end * FRAME_MS);
        let (peak, floor) = self.peak_and_floor(frames, noise);
        if self.other_voice > 0 && peak < self.other_voice.saturating_add(OVER_OTHER_VOICE) {
            return None;
        }
        // In noise the detector may hold on for long, so the edges may lie anywhere inside.
        let first = onset.saturating_sub(EDGE_WINDOW).max(free.start);
        let last = (last_voiced + EDGE_WINDOW)
            .min(free.end)
            .min(self.track.peaks.len());
        let Edges {
            start,
            end,
            breathes,
        } = self.edges(first..last, onset..last_voiced, (peak, floor))?;
        let (start, end) = match floor.hides(peak) {
            true => self.reach_into_noise(start..end, first..last, &floor),
            false => (start, end),
        };
        let hidden = [false, true].map(|is_end| self.hidden(is_end, peak, &floor));
        let start = start.saturating_sub(hidden[0]).max(first);
        let end = (end + hidden[1]).min(last);
        let [of_start, of_end] = self.doubts_of_detectors(&(start..end));
        let doubt = |at, is_end| {
            let breathes = breathes[usize::from(is_end)].then_some(Doubt::Breath);
            breathes.or_else(|| self.doubt(Edge { at, is_end }, peak, &floor))
        };
        let ending = self.track.loudest(end.saturating_sub(CUT_WINDOW)..end);
        Some(Stretch {
            start,
            end,
            onset,
            last_voiced,
            sure: self.sure(frames),
            is_cut: ending >= peak.saturating_sub(CUT),
            start_doubt: of_start.or_else(|| doubt(start, false)),
            end_doubt: of_end.or_else(|| doubt(end, true)),
        })
    }

    /// The first and the last sound of speech with this peak, without sounds that stand apart from what the detector
    /// calls `voiced`.
    fn edges(
        &self,
        within: Range<usize>,
        voiced: Range<usize>,
        (peak, floor): (Level, NoiseFloor),
    ) -> Option<Edges> {
        // Softer sounds than those at the edges join what they lie between.
        let softer = peak.saturating_sub(SOFTER);
        let sounds = within
            .clone()
            .filter(|ms| self.stands_out(*ms, softer, floor));
        let islands = joined(sounds, QUIET_GAP);
        let mut islands: &[(Range<usize>, usize)] = &islands;
        let is_click = |island: &Range<usize>| island.len() <= CLICK_MAX;
        let sure = self.neural_voice(&voiced).unwrap_or(voiced.clone());
        while let [(first, _), (next, _), ..] = islands
            && ((first.end <= voiced.start || is_click(first))
                && next.start - first.end > APART_BEFORE
                || is_click(first) && first.end + CLICK_BEFORE < sure.start
                || is_click(first) && first.end <= sure.start && next.start - first.end > CLICK_GAP)
        {
            islands = &islands[1..];
        }
        while let [.., (before, _), (last, _)] = islands
            && ((last.start >= voiced.end || is_click(last))
                && last.start - before.end > APART_BEHIND
                || is_click(last) && last.start > sure.end + CLICK_BEHIND)
        {
            islands = &islands[..islands.len() - 1];
        }
        let (first, last) = (islands.first()?, islands.last()?);
        let mut reach = first.0.start..last.0.end;
        let stands_out = |ms: &usize| self.stands_out(*ms, peak, floor);
        let start = reach.find(stands_out)?;
        let end = reach.rev().find(stands_out).unwrap_or(start) + 1;
        let may_be_breath = |edge: &Range<usize>, gap: usize| {
            edge.len() >= BREATH_MIN
                && gap >= BREATH_GAP
                && self.track.loudest(edge.clone()) < peak.saturating_sub(BREATH_UNDER)
        };
        let is_breath = |index: [usize; 2]| match index.map(|index| islands.get(index)) {
            [Some((edge, _)), Some((other, _))] => {
                let gap = edge.start.max(other.start) - edge.end.min(other.end);
                may_be_breath(edge, gap)
            }
            _ => false,
        };
        let count = islands.len();
        let breathes = [
            is_breath([0, 1]),
            count > 1 && is_breath([count - 1, count - 2]),
        ];
        Some(Edges {
            start,
            end,
            breathes,
        })
    }

    /// Moves the edges outwards over soft first and last sounds, which stand out only over 50 ms.
    fn reach_into_noise(
        &self,
        speech: Range<usize>,
        within: Range<usize>,
        floor: &NoiseFloor,
    ) -> (usize, usize) {
        let (mut start, mut end) = (speech.start, speech.end);
        let is_speech = |from: usize| {
            let range = from..from + COARSE;
            range.start >= within.start
                && range.end <= within.end
                && !self.is_foreign(range.start)
                && self.is_over(range, floor)
        };
        let gaps = || (0..=SOFT_GAP).step_by(NOISE_GRAIN);
        let far = |from: usize, to: usize| to.abs_diff(from) > SOFT_MAX;
        while !far(speech.end, end)
            && let Some(gap) = gaps().find(|gap| is_speech(end + gap))
        {
            end += gap + NOISE_GRAIN;
        }
        while !far(speech.start, start)
            && let Some(gap) =
                gaps().find(|gap| start >= gap + COARSE && is_speech(start - gap - COARSE))
        {
            start -= gap + NOISE_GRAIN;
        }
        (start, end)
    }

    /// Whether 50 ms stand out of the noise, at any pitch.
    fn is_over(&self, range: Range<usize>, floor: &NoiseFloor) -> bool {
        let mut bands = floor.bands.iter().enumerate();
        self.mean(range.clone()) > floor.coarse
            || bands.any(|(band, limit)| self.mean_of_band(band, range.clone()) > *limit)
    }
}
