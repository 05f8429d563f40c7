//! Where somebody speaks on a channel, to the millisecond.
//!
//! The voice detector finds stretches of speech; energy finds their true edges, as `ear::truth` does for
//! recordings that are short enough to hold: the last sound above -40 dB of the stretch's peak, within 200 ms
//! of the detector's end. Where noise hides that, the last 10 ms that stand out of the noise by 3 dB, and wherever
//! the detector, which noise confuses, holds on to it.

use super::bands::BAND_MS;
use super::doubt::Edge;
use super::noise::{COARSE, NOISE_GRAIN, Noise, NoiseFloor, mean};
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

    /// Doubts the edges that lie where both sides speak in one channel.
    pub(super) fn doubt_near(&mut self, overlaps: &[Range<usize>]) {
        let is_near = |ms: usize| {
            // They are in order, and there may be many: the first that ends late enough tells.
            let next = overlaps.partition_point(|overlap| overlap.end + EDGE_WINDOW < ms);
            overlaps
                .get(next)
                .is_some_and(|overlap| overlap.start <= ms + EDGE_WINDOW)
        };
        if is_near(self.start) {
            self.start_doubt = Some(Doubt::OneChannel);
        }
        if is_near(self.end) {
            self.end_doubt = Some(Doubt::OneChannel);
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
const GAP_FRAMES: usize = 13;
/// Voiced frames that make a stretch.
const SPEECH_FRAMES: usize = 3;
/// Doubtful frames that end a voice beyond doubt.
const SURE_GAP_FRAMES: usize = 3;
/// How far outside of the detector's boundary the true one is looked for, in milliseconds: hissing consonants last
/// that long.
const EDGE_WINDOW: usize = 400;
/// The true edge is the last sound above this much under the stretch's peak.
pub(super) const UNDER_PEAK: Level = db(40);
/// What is this much quieter than the other channel at the same time may be that channel, leaking on a way that was
/// not found.
const LEAK: Level = db(36);
/// What is louder than this under its stretch's peak at its very end was cut off there.
const CUT: Level = db(26);
/// The last sound that is looked at to tell a cut from an end, in milliseconds.
const CUT_WINDOW: usize = 10;
/// How long a gap in the sound may be, as when the lips close, with soft sounds behind it; and how far from what
/// stands out soft sounds are looked for.
const SOFT_GAP: usize = 160;
const SOFT_MAX: usize = 400;
/// Quiet frames that part two islands of sound.
const ISLAND_GAP_FRAMES: usize = 2;
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
/// What is shorter, in milliseconds, is no sound; and how much of a channel is searched for sounds at a time.
const SOUND_MIN: usize = 2;
const SOUNDS_PART: usize = 10_000;
/// Milliseconds of quiet that part two sounds.
const QUIET_GAP: usize = 12;
/// Steadiness from which on a lasting sound is music or a hum, where Silero hears no voice; that of a sound as short as
/// a syllable, which a voice can hum; and that of one that nobody asked Silero about, which from the last one on may
/// be music.
const TONE: u8 = 153;
const SHORT_TONE: u8 = 217;
const PURE_TONE: u8 = 242;
const MAYBE_TONE: u8 = 128;
/// Steadiness from which on a sound of a second is music where Silero hears no voice in most of it, though it may in
/// the beginning.
const NO_VOICE: u8 = 90;
const NO_VOICE_FRAMES: usize = 60;
const SHORT_FRAMES: usize = 37;
/// No voice goes on so evenly for so long without a pause: 2.4 s.
const LONG_FRAMES: usize = 150;
/// How far apart the tones of a tune may be.
const TUNE_GAP_FRAMES: usize = 30;
/// What is less than this louder than what may be left of a leak is a voice only if Silero hears one.
const OVER_LEAK: Level = db(10);
/// Speech in a channel in which somebody else speaks too is this much louder than that voice.
const OVER_OTHER_VOICE: Level = db(6);
/// Where Silero hears a voice with less than this share of the threshold, there is none whatever earshot hears.
const NEURAL_SHARE: f32 = 0.3;
/// Where Silero is as sure as this, it is a voice beyond doubt, however soft.
const NEURAL_SURE: u8 = 230;
/// Soft voiced frames this far from loud ones belong to somebody else: 320 ms.
const APART_FRAMES: usize = 20;
/// How much softer than the channel's speaker another voice is, and how much of it makes a note: 2.4 s.
const OTHER_VOICE: Level = db(15);
const OTHER_VOICE_FRAMES: usize = 150;
/// The share of that voice's frames that its loudness, taken for noise, covers.
const OTHER_VOICE_SHARE: f64 = 0.97;

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
    threshold: u8,
    sure: u8,
    /// What Silero must hear at least where earshot hears a voice.
    neural_min: u8,
    /// Frames in which only the other channel, or music, or a hum is heard.
    foreign: Vec<bool>,
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
    fn is_voiced(&self, frame: usize) -> bool {
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
    fn voiced(&self) -> Vec<Range<usize>> {
        let all = 0..self.track.voice.len();
        let voiced = all.filter(|frame| self.is_voiced(*frame));
        joined(voiced, GAP_FRAMES)
            .into_iter()
            .filter(|(_, frames)| *frames >= SPEECH_FRAMES)
            .map(|(stretch, _)| stretch)
            .collect()
    }

    /// Marks music and hums, which the detector takes for voices, as foreign. Between a tune and a word there is a
    /// little silence, so they are told apart island by island of sound.
    fn forget_tones(&mut self) {
        // Silero may let go of music that earshot holds on to.
        let all = 0..self.track.voice.len();
        let heard = |frame: &usize| self.track.voice[*frame] >= self.threshold;
        let heard =
            all.filter(|frame| !self.foreign[*frame] && (heard(frame) || self.is_voiced(*frame)));
        let voiced: Vec<Range<usize>> = joined(heard, GAP_FRAMES)
            .into_iter()
            .map(|(run, _)| run)
            .collect();
        let noise = Noise::outside(self, &voiced);
        let mut islands = Vec::new();
        for frames in &voiced {
            let (peak, floor) = self.peak_and_floor(frames, &noise);
            let stands_out = |frame: &usize| {
                let mut grains = frame * FRAME_MS..(frame + 1) * FRAME_MS;
                grains.any(|ms| self.stands_out(ms, peak, floor))
            };
            let reach = frames.start.saturating_sub(GAP_FRAMES)
                ..(frames.end + GAP_FRAMES).min(self.track.voice.len());
            let found = joined(reach.filter(stands_out), ISLAND_GAP_FRAMES);
            islands.extend(found.into_iter().map(|(island, _)| island));
        }
        let tunes = self.tunes(&islands);
        for island in islands {
            let is_in_tune = tunes.iter().any(|tune| tune.contains(&island.start));
            match self.tone(&island) {
                Tone::Maybe if is_in_tune => self.mark_tone(island),
                Tone::None => {}
                Tone::Maybe => self.maybe_tones[island].fill(true),
                Tone::Sure => self.mark_tone(island),
            }
        }
    }

    fn mark_tone(&mut self, island: Range<usize>) {
        self.tones[island.clone()].fill(true);
        self.foreign[island].fill(true);
    }

    /// Where, for seconds, nothing but tones follows each other. Of voices that keep their pitch only about every
    /// other sound is so even.
    fn tunes(&self, islands: &[Range<usize>]) -> Vec<Range<usize>> {
        let mut tunes: Vec<(Range<usize>, usize)> = Vec::new();
        let mut is_broken = true;
        for island in islands {
            let steadiness = median(self.track.steadiness[island.clone()].to_vec());
            let is_even = steadiness.is_some_and(|steadiness| steadiness >= TONE);
            if !is_even {
                is_broken |= island.len() >= SHORT_FRAMES;
                continue;
            }
            match tunes.last_mut() {
                Some((tune, frames))
                    if !is_broken && island.start <= tune.end + TUNE_GAP_FRAMES =>
                {
                    tune.end = tune.end.max(island.end);
                    *frames += island.len();
                }
                _ => tunes.push((island.clone(), island.len())),
            }
            is_broken = false;
        }
        tunes.retain(|(_, frames)| *frames >= LONG_FRAMES);
        tunes.into_iter().map(|(tune, _)| tune).collect()
    }

    fn tone(&self, island: &Range<usize>) -> Tone {
        let neural = island
            .clone()
            .filter_map(|frame| self.track.neural_of(frame));
        let voice = median(neural.collect());
        // Voices that keep their pitch repeat themselves too.
        if voice.is_some_and(|voice| voice >= self.threshold) {
            return Tone::None;
        }
        let is_short = island.len() < SHORT_FRAMES;
        let limit = match voice {
            Some(voice) if voice < self.neural_min && island.len() >= NO_VOICE_FRAMES => NO_VOICE,
            Some(_) if !is_short => TONE,
            None if island.len() >= LONG_FRAMES => TONE,
            None => PURE_TONE,
            Some(_) => SHORT_TONE,
        };
        match median(self.track.steadiness[island.clone()].to_vec()) {
            Some(steadiness) if steadiness >= limit => Tone::Sure,
            Some(steadiness) if voice.is_none() && !is_short && steadiness >= MAYBE_TONE => {
                Tone::Maybe
            }
            _ => Tone::None,
        }
    }

    /// Marks the voices of a television, or of people in the same room, as foreign: they are softer than the channel's
    /// speaker, and go on where the speaker is silent.
    fn forget_other_voices(&mut self) {
        let level = |frame: usize| self.track.loudest(frame * FRAME_MS..(frame + 1) * FRAME_MS);
        let voiced: Vec<(usize, Level)> = (0..self.track.voice.len())
            .filter(|frame| self.is_voiced(*frame))
            .map(|frame| (frame, level(frame)))
            .collect();
        let mut levels: Vec<Level> = voiced.iter().map(|(_, level)| *level).collect();
        levels.sort_unstable();
        let Some(loud) = levels.get(levels.len() * 9 / 10) else {
            return;
        };
        let limit = loud.saturating_sub(OTHER_VOICE);
        let mut is_near = vec![false; self.track.voice.len() + 1];
        for (frame, _) in voiced.iter().filter(|(_, level)| *level >= limit) {
            let end = (frame + APART_FRAMES).min(is_near.len());
            is_near[frame.saturating_sub(APART_FRAMES)..end].fill(true);
        }
        let apart = voiced.iter().filter(|(frame, _)| !is_near[*frame]);
        let mut soft: Vec<Level> = apart.map(|(_, level)| *level).collect();
        if soft.len() < OTHER_VOICE_FRAMES || soft.len() < voiced.len() / 20 {
            return;
        }
        soft.sort_unstable();
        self.other_voice = soft[(soft.len() as f64 * OTHER_VOICE_SHARE) as usize];
        for frame in 0..self.foreign.len() {
            let near = frame.saturating_sub(2)..(frame + 3).min(self.track.voice.len());
            let loudest = near.map(level).max().unwrap_or(0);
            self.foreign[frame] |= loudest <= self.other_voice;
        }
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

    fn peak_and_floor(&self, frames: &Range<usize>, noise: &Noise) -> (Level, NoiseFloor) {
        let range = frames.start * FRAME_MS..frames.end * FRAME_MS;
        (self.track.loudest(range.clone()), noise.near(&range, self))
    }

    /// The stretch in these voiced frames; `None` if nothing of it stands out. `free` is where its edges may lie.
    fn stretch(&self, frames: &Range<usize>, free: Range<usize>, noise: &Noise) -> Option<Stretch> {
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
    fn stands_out(&self, ms: usize, peak: Level, floor: NoiseFloor) -> bool {
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
    fn sure(&self, frames: &Range<usize>) -> Vec<Range<usize>> {
        let sure = frames.clone().filter(|frame| self.is_sure(*frame));
        let runs = joined(sure, SURE_GAP_FRAMES);
        let in_ms = |run: Range<usize>| run.start * FRAME_MS..run.end * FRAME_MS;
        runs.into_iter().map(|(run, _)| in_ms(run)).collect()
    }
}

/// The edges of a stretch, and whether what lies at its beginning and its end may be a breath.
struct Edges {
    start: usize,
    end: usize,
    breathes: [bool; 2],
}

/// What an island of sound is.
enum Tone {
    None,
    Maybe,
    Sure,
}

fn median(mut values: Vec<u8>) -> Option<u8> {
    values.sort_unstable();
    values.get(values.len() / 2).copied()
}

/// Joins frames that are at most `gap` apart; each run, and how many frames it is made of.
fn joined(frames: impl Iterator<Item = usize>, gap: usize) -> Vec<(Range<usize>, usize)> {
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
