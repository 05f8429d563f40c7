//! What sounds on a channel and is none of its speaker's: music and hums, and people in the background.

use super::noise::Noise;
use super::segments::{Ear, GAP_FRAMES, joined};
use super::track::{FRAME_MS, Level, db};
use std::ops::Range;

/// Quiet frames that part two islands of sound.
const ISLAND_GAP_FRAMES: usize = 2;
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
/// How much music in a channel makes tunes of a second believed: 10 s.
const MUCH_MUSIC: usize = 625;
const TUNE_MIN: usize = 62;
/// Soft voiced frames this far from loud ones belong to somebody else: 320 ms.
const APART_FRAMES: usize = 20;
/// How much softer than the channel's speaker another voice is, and how much of it makes a note: 2.4 s.
const OTHER_VOICE: Level = db(15);
const OTHER_VOICE_FRAMES: usize = 150;
/// The share of that voice's frames that its loudness, taken for noise, covers.
const OTHER_VOICE_SHARE: f64 = 0.97;

/// What an island of sound is.
enum Tone {
    None,
    Maybe,
    Sure,
}

impl Ear<'_> {
    /// Marks music and hums, which the detector takes for voices, as foreign. Between a tune and a word there is a
    /// little silence, so they are told apart island by island of sound.
    pub(super) fn forget_tones(&mut self) {
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
        // Where much of a channel is music, less of it is known for what it is.
        let music: usize = tunes
            .iter()
            .map(|(_, frames)| *frames)
            .filter(|frames| *frames >= LONG_FRAMES)
            .sum();
        let least = if music >= MUCH_MUSIC {
            TUNE_MIN
        } else {
            LONG_FRAMES
        };
        tunes.retain(|(_, frames)| *frames >= least);
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
    pub(super) fn forget_other_voices(&mut self) {
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
}

fn median(mut values: Vec<u8>) -> Option<u8> {
    values.sort_unstable();
    values.get(values.len() / 2).copied()
}
