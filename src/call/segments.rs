//! Where somebody speaks on a channel, to the millisecond.
//!
//! The voice detector finds stretches of speech; energy finds their true edges, as `ear::truth` does for
//! recordings that are short enough to hold: the last sound above -40 dB of the stretch's peak, within 200 ms
//! of the detector's end. Where noise hides that, the last 10 ms that stand out of the noise by 3 dB, and wherever
//! the detector, which noise confuses, holds on to it.

use super::bands::BAND_MS;
use super::noise::{NOISE_GRAIN, Noise, NoiseFloor, mean};
use super::track::{FRAME_MS, Level, Track, db, in_db};
use crate::ear::SURE;
use crate::event::Doubt;
use std::ops::Range;

/// A stretch in which somebody speaks, or makes a sound. All positions are milliseconds of the recording.
#[derive(Debug, Clone, PartialEq)]
pub struct Stretch {
    /// From the first to the last sound that stands out.
    pub start: usize,
    pub end: usize,
    /// What the voice detector calls the first and the last of it.
    pub onset: usize,
    pub last_voiced: usize,
    /// Where it is a voice beyond doubt; nowhere in a cough or a noise.
    pub sure: Vec<Range<usize>>,
    /// Whether the stretch breaks off in the middle of a sound, as when playback is stopped.
    pub is_cut: bool,
    /// What its beginning and its end are in doubt for.
    pub start_doubt: Option<Doubt>,
    pub end_doubt: Option<Doubt>,
}

impl Stretch {
    /// Whether the stretch is speech, not only a sound.
    pub fn is_voice(&self) -> bool {
        !self.sure.is_empty()
    }

    /// A sound that is no voice.
    pub(super) fn noise(range: Range<usize>) -> Stretch {
        Stretch {
            start: range.start,
            end: range.end,
            onset: range.start,
            last_voiced: range.end,
            sure: Vec::new(),
            is_cut: false,
            start_doubt: None,
            end_doubt: None,
        }
    }

    /// Doubts the edges that lie in some ranges of milliseconds, or next to them.
    pub(super) fn doubt_near(&mut self, ranges: &[Range<usize>], doubt: Doubt) {
        let is_near = |ms: usize| {
            // They are in order, and there may be many: the first that ends late enough tells.
            let next = ranges.partition_point(|range| range.end + EDGE_WINDOW < ms);
            ranges
                .get(next)
                .is_some_and(|range| range.start <= ms + EDGE_WINDOW)
        };
        if is_near(self.start) {
            self.start_doubt = Some(doubt);
        }
        if is_near(self.end) {
            self.end_doubt = Some(doubt);
        }
    }
}

#[cfg(test)]
impl Stretch {
    /// Somebody who speaks from `start` to `end`.
    pub(super) fn voice(start: usize, end: usize) -> Stretch {
        Stretch {
            start,
            end,
            onset: start,
            last_voiced: end,
            sure: std::iter::once(start..end).collect(),
            is_cut: false,
            start_doubt: None,
            end_doubt: None,
        }
    }
}

/// Speech further apart than this is two stretches: 13 frames, 208 ms.
pub(super) const GAP_FRAMES: usize = 13;
/// Voiced frames that make a stretch.
const SPEECH_FRAMES: usize = 3;
/// Doubtful frames that end a voice beyond doubt.
const SURE_GAP_FRAMES: usize = 3;
/// How far outside of the detector's boundary the true one is looked for, in milliseconds: hissing consonants last
/// that long.
pub(super) const EDGE_WINDOW: usize = 400;
/// The true edge is the last sound above this much under the stretch's peak.
pub(super) const UNDER_PEAK: Level = db(40);
/// What is this much quieter than the other channel at the same time may be that channel, leaking on a way that was
/// not found.
const LEAK: Level = db(36);
/// What is shorter, in milliseconds, is no sound; and how much of a channel is searched for sounds at a time.
const SOUND_MIN: usize = 2;
const SOUNDS_PART: usize = 10_000;
/// Milliseconds of quiet that part two sounds.
pub(super) const QUIET_GAP: usize = 12;
/// What is less than this louder than what may be left of a leak is a voice only if Silero hears one.
const OVER_LEAK: Level = db(10);
/// Where Silero hears a voice with less than this share of the threshold, there is none whatever earshot hears.
const NEURAL_SHARE: f32 = 0.3;
/// Where Silero is as sure as this, it is a voice beyond doubt, however soft.
const NEURAL_SURE: u8 = 230;

/// The stretches of speech and other sounds of a channel, in order; `other` is the channel that may leak into it.
/// `threshold` is the probability from which on a frame counts as voiced, in 0..1.
pub fn stretches(track: &Track, other: &Track, threshold: f32) -> Vec<Stretch> {
    heard(track, other, threshold).stretches
}

/// What is heard on a channel. All positions are milliseconds.
#[derive(Debug, Clone, PartialEq)]
pub struct Heard {
    /// Speech and other sounds that may be some, in order.
    pub stretches: Vec<Stretch>,
    /// All sounds, whatever they are: typing, clicks, music.
    pub sounds: Vec<Range<usize>>,
    /// How loud somebody is who speaks in the background, in decibels of full scale; `None` if nobody does.
    pub other_voice_db: Option<f32>,
}

/// What is heard on a channel, as for [`stretches`].
pub fn heard(track: &Track, other: &Track, threshold: f32) -> Heard {
    let mut ear = Ear::new(track, other, threshold);
    ear.forget_tones();
    ear.forget_other_voices();
    let voiced = ear.voiced();
    let noise = Noise::outside(&ear, &voiced);
    let mut found: Vec<Stretch> = Vec::new();
    for (index, frames) in voiced.iter().enumerate() {
        let before = found.last().map_or(0, |stretch| stretch.end);
        let next = voiced.get(index + 1);
        let after = next.map_or(usize::MAX, |next| next.start * FRAME_MS);
        found.extend(ear.stretch(frames, before..after, &noise));
    }
    Heard {
        sounds: ear.sounds(&found, &noise),
        other_voice_db: (ear.other_voice > 0).then(|| in_db(ear.other_voice)),
        stretches: found,
    }
}

/// A channel at a threshold, without what is no sound of its speaker.
pub(super) struct Ear<'a> {
    pub(super) track: &'a Track,
    pub(super) threshold: u8,
    sure: u8,
    /// What Silero must hear at least where earshot hears a voice.
    pub(super) neural_min: u8,
    /// Frames in which only the other channel, or music, or a hum is heard.
    pub(super) foreign: Vec<bool>,
    /// Those of them in which it is music or a hum; and those in which it may be, and nobody asked Silero.
    pub(super) tones: Vec<bool>,
    pub(super) maybe_tones: Vec<bool>,
    /// The level under which it is somebody else who speaks in the same room; 0 if there is nobody else.
    pub(super) other_voice: Level,
}

impl<'a> Ear<'a> {
    fn new(track: &'a Track, other: &Track, threshold: f32) -> Ear<'a> {
        let frames = track.voice.len();
        let of_frame =
            |track: &Track, frame: usize| track.loudest(frame * FRAME_MS..(frame + 1) * FRAME_MS);
        let others: Vec<Level> = (0..frames).map(|frame| of_frame(other, frame)).collect();
        let leaks = (0..frames).map(|frame| {
            let near = &others[frame.saturating_sub(1)..(frame + 2).min(frames)];
            let loudest = near.iter().max().copied().unwrap_or(0);
            let own = of_frame(track, frame);
            loudest >= own.saturating_add(LEAK) || (own > 0 && track.leaked(frame) >= own)
        });
        let in_255ths = |probability: f32| (255.0 * probability).ceil() as u8;
        Ear {
            track,
            threshold: in_255ths(threshold).max(1),
            sure: in_255ths(threshold.max(SURE)),
            neural_min: in_255ths(NEURAL_SHARE * threshold),
            foreign: leaks.collect(),
            tones: vec![false; frames],
            maybe_tones: vec![false; frames],
            other_voice: 0,
        }
    }

    /// Whether the detectors together call the frame a voice: Silero alone may, and earshot may where Silero does not
    /// rule it out.
    pub(super) fn is_voiced(&self, frame: usize) -> bool {
        let heard = self.track.voice[frame] >= self.threshold;
        let is_voice = match self.track.neural_of(frame) {
            None => heard,
            Some(neural) => {
                let alone = heard && neural >= self.neural_min && !self.may_leak(frame);
                neural >= self.threshold || alone
            }
        };
        is_voice && !self.foreign[frame]
    }

    /// Whether a frame is little louder than what may be left of a leak.
    fn may_leak(&self, frame: usize) -> bool {
        let leaked = self.track.leaked(frame);
        let own = || self.track.loudest(frame * FRAME_MS..(frame + 1) * FRAME_MS);
        leaked > 0 && own() < leaked.saturating_add(OVER_LEAK)
    }

    fn is_sure(&self, frame: usize) -> bool {
        let heard = self.track.voice[frame] >= self.sure;
        let is_sure = match self.track.neural_of(frame) {
            None => heard,
            Some(neural) if self.may_leak(frame) => heard && neural >= NEURAL_SURE,
            Some(neural) => neural >= NEURAL_SURE || (heard && neural >= self.neural_min),
        };
        is_sure && !self.foreign[frame]
    }

    /// Stretches of voiced frames.
    pub(super) fn voiced(&self) -> Vec<Range<usize>> {
        let all = 0..self.track.voice.len();
        let voiced = all.filter(|frame| self.is_voiced(*frame));
        joined(voiced, GAP_FRAMES)
            .into_iter()
            .filter(|(_, frames)| *frames >= SPEECH_FRAMES)
            .map(|(stretch, _)| stretch)
            .collect()
    }

    /// Whatever sounds on the channel, but what leaks into it or is said in the background.
    fn sounds(&self, found: &[Stretch], noise: &Noise) -> Vec<Range<usize>> {
        let loudest = |stretch: &Stretch| self.track.loudest(stretch.start..stretch.end);
        let mut peaks: Vec<u8> = found.iter().map(loudest).collect();
        peaks.sort_unstable();
        let Some(peak) = peaks.get(peaks.len() / 2) else {
            return Vec::new();
        };
        let length = self.track.length_ms();
        let parts = (0..length).step_by(SOUNDS_PART);
        let mut islands = Vec::new();
        for start in parts {
            let part = start..(start + SOUNDS_PART).min(length);
            let floor = noise.near(&part, self);
            let stands_out = |ms: &usize| {
                let is_tone = self
                    .tones
                    .get(ms / FRAME_MS)
                    .is_some_and(|is_tone| *is_tone);
                let level = self.track.peaks[*ms];
                is_tone && level > peak.saturating_sub(UNDER_PEAK)
                    || self.stands_out(*ms, *peak, floor)
            };
            islands.extend(joined(part.filter(stands_out), QUIET_GAP));
        }
        islands.retain(|(_, count)| *count >= SOUND_MIN);
        islands.into_iter().map(|(island, _)| island).collect()
    }

    pub(super) fn peak_and_floor(
        &self,
        frames: &Range<usize>,
        noise: &Noise,
    ) -> (Level, NoiseFloor) {
        let range = frames.start * FRAME_MS..frames.end * FRAME_MS;
        (self.track.loudest(range.clone()), noise.near(&range, self))
    }

    /// Where Silero hears a voice in these milliseconds; `None` if nowhere, or if nobody asked it.
    pub(super) fn neural_voice(&self, range: &Range<usize>) -> Option<Range<usize>> {
        let mut frames = range.start / FRAME_MS..range.end / FRAME_MS;
        let hears = |frame: &usize| {
            let neural = self.track.neural_of(*frame);
            neural.is_some_and(|neural| neural >= self.threshold)
        };
        let first = frames.find(hears)?;
        let last = frames.rev().find(hears).unwrap_or(first);
        Some(first * FRAME_MS..(last + 1) * FRAME_MS)
    }

    /// Whether a millisecond is part of speech with this peak, over this noise.
    pub(super) fn stands_out(&self, ms: usize, peak: Level, floor: NoiseFloor) -> bool {
        let level = self.track.peaks.get(ms).copied().unwrap_or(0);
        let least = peak.saturating_sub(UNDER_PEAK).max(self.other_voice);
        let leaked = self.track.leaked_at(ms);
        if self.is_foreign(ms) || level <= least.max(leaked) {
            return false;
        }
        if leaked > 0 && level <= leaked.saturating_add(OVER_LEAK) {
            let voice = self.track.neural_of(ms / FRAME_MS);
            if voice.is_some_and(|voice| voice < self.neural_min) {
                return false;
            }
        }
        let around = ms.saturating_sub(NOISE_GRAIN / 2);
        self.mean(around..around + NOISE_GRAIN) > floor.fine
    }

    pub(super) fn mean_of_band(&self, band: usize, range: Range<usize>) -> f32 {
        let levels = &self.track.bands[band];
        let end = range.end.div_ceil(BAND_MS).min(levels.len());
        mean(&levels[(range.start / BAND_MS).min(end)..end])
    }

    pub(super) fn is_foreign(&self, ms: usize) -> bool {
        self.foreign
            .get(ms / FRAME_MS)
            .is_none_or(|foreign| *foreign)
    }

    /// The mean amplitude of some milliseconds.
    pub(super) fn mean(&self, range: Range<usize>) -> f32 {
        let end = range.end.min(self.track.peaks.len());
        mean(&self.track.peaks[range.start.min(end)..end])
    }

    /// Where in these frames it is a voice beyond doubt, in milliseconds.
    pub(super) fn sure(&self, frames: &Range<usize>) -> Vec<Range<usize>> {
        let sure = frames.clone().filter(|frame| self.is_sure(*frame));
        let runs = joined(sure, SURE_GAP_FRAMES);
        let in_ms = |run: Range<usize>| run.start * FRAME_MS..run.end * FRAME_MS;
        runs.into_iter().map(|(run, _)| in_ms(run)).collect()
    }
}

/// Joins frames that are at most `gap` apart; each run, and how many frames it is made of.
pub(super) fn joined(
    frames: impl Iterator<Item = usize>,
    gap: usize,
) -> Vec<(Range<usize>, usize)> {
    let mut runs: Vec<(Range<usize>, usize)> = Vec::new();
    for frame in frames {
        match runs.last_mut() {
            Some((run, count)) if frame - run.end <= gap => {
                run.end = frame + 1;
                *count += 1;
            }
            _ => runs.push((frame..frame + 1, 1)),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::super::track::level;
    use super::*;

    /// A channel from pieces: milliseconds, amplitude, probability of voice.
    fn track(pieces: &[(usize, f32, f32)]) -> Track {
        let mut track = Track::default();
        let mut voice = Vec::new();
        for (ms, amplitude, probability) in pieces {
            track
                .peaks
                .extend(std::iter::repeat_n(level(*amplitude), *ms));
            voice.extend(std::iter::repeat_n((255.0 * probability) as u8, *ms));
        }
        track.voice = voice.chunks(FRAME_MS).map(|frame| frame[0]).collect();
        track.steadiness = vec![76; track.voice.len()];
        track
    }

    fn edges(track: &Track, other: &Track) -> Vec<(usize, usize)> {
        let found = stretches(track, other, 0.5);
        found
            .iter()
            .map(|stretch| (stretch.start, stretch.end))
            .collect()
    }

    const VOICE: f32 = 0.9;

    #[test]
    fn the_edges_are_where_sound_stands_out_and_not_where_the_detector_says() {
        let speech = [
            (980, 0.0, 0.0),
            (30, 0.1, 0.0),
            (1_000, 0.5, VOICE),
            (70, 0.02, 0.3),
            (60, 0.004, VOICE),
        ];
        let channel = track(&[&speech[..], &[(900, 0.0, 0.0)]].concat());
        assert_eq!(edges(&channel, &Track::default()), [(980, 2_080)]);
    }

    #[test]
    fn noise_does_not_move_the_edges() {
        let channel = track(&[
            (2_000, 0.03, 0.1),
            (1_000, 0.5, VOICE),
            (96, 0.03, VOICE),
            (2_000, 0.03, 0.1),
        ]);
        let [(start, end)] = edges(&channel, &Track::default())[..] else {
            panic!("one stretch");
        };
        // It hides soft sounds, so the end lies a little further out than what stands out.
        assert!(
            start.abs_diff(1_995) <= 10 && end.abs_diff(3_020) <= 10,
            "{start} {end}"
        );
    }

    #[test]
    fn what_leaks_from_the_other_channel_is_nobody() {
        let agent = track(&[(500, 0.0, 0.0), (2_000, 0.5, VOICE), (500, 0.0, 0.0)]);
        let mut leak = track(&[(500, 0.0, 0.0), (2_000, 0.016, VOICE), (500, 0.0, 0.0)]);
        leak.leak = vec![level(0.02); leak.peaks.len()];
        assert!(edges(&leak, &agent).is_empty());
        let faint = track(&[(500, 0.0, 0.0), (2_000, 0.005, VOICE), (500, 0.0, 0.0)]);
        assert!(
            edges(&faint, &agent).is_empty(),
            "by a way that was not found"
        );
        let mut caller = track(&[(500, 0.0, 0.0), (1_900, 0.016, VOICE), (600, 0.2, VOICE)]);
        caller.leak = vec![level(0.02); caller.peaks.len()];
        assert_eq!(
            edges(&caller, &agent),
            [(2_400, 3_000)],
            "and moves no edge"
        );
    }

    #[test]
    fn tones_are_no_speech_and_a_hummed_syllable_is() {
        let mut channel = track(&[(480, 0.0, 0.0), (4_000, 0.2, VOICE), (480, 0.0, 0.0)]);
        channel.steadiness.fill(190);
        assert!(edges(&channel, &Track::default()).is_empty());
        let mut hm = track(&[(480, 0.0, 0.0), (320, 0.2, VOICE), (480, 0.0, 0.0)]);
        hm.steadiness.fill(190);
        assert_eq!(edges(&hm, &Track::default()), [(480, 800)]);
    }

    #[test]
    fn what_only_silero_could_tell_is_doubtful_without_it() {
        let mut channel = track(&[(480, 0.0, 0.0), (1_200, 0.2, VOICE), (480, 0.0, 0.0)]);
        channel.steadiness.fill(165);
        let doubts = |channel: &Track| {
            let found = stretches(channel, &Track::default(), 0.5);
            found.iter().map(|one| one.start_doubt).collect::<Vec<_>>()
        };
        assert_eq!(doubts(&channel), [Some(Doubt::NoSilero)]);
        channel.neural = Some(vec![250; 70]);
        assert_eq!(
            doubts(&channel),
            [Some(Doubt::Detectors)],
            "it hears one all over"
        );
        channel.neural = Some([vec![2; 15], vec![250; 40], vec![2; 15]].concat());
        assert_eq!(doubts(&channel), [None]);
        channel.neural = Some(vec![2; 70]);
        assert!(doubts(&channel).is_empty(), "it is music");
    }

    #[test]
    fn a_click_is_no_speech_and_a_cough_is_no_voice() {
        let click = track(&[(480, 0.0, 0.0), (32, 0.9, VOICE), (480, 0.0, 0.0)]);
        assert!(edges(&click, &Track::default()).is_empty());
        let cough = track(&[(480, 0.0, 0.0), (320, 0.9, 0.7), (480, 0.0, 0.0)]);
        let found = stretches(&cough, &Track::default(), 0.5);
        assert!(found.len() == 1 && !found[0].is_voice());
    }

    #[test]
    fn a_voice_that_is_stopped_is_cut_and_one_that_ends_is_not() {
        let is_cut = |last: f32| {
            let channel = track(&[
                (480, 0.0, 0.0),
                (1_000, 0.5, VOICE),
                (64, last, VOICE),
                (480, 0.0, 0.0),
            ]);
            stretches(&channel, &Track::default(), 0.5)[0].is_cut
        };
        assert!(is_cut(0.3) && !is_cut(0.01));
    }
}
