//! Whose voice it is: the caller's, or one in the background, by how loud the caller has been.
//!
//! A voice detector calls a television a voice, and rightly so. The gate remembers how loud this caller speaks and
//! how quiet it is between the caller's words, and takes for background what stays well under that for longer than
//! the soft syllables of speech last. Nothing else tells one voice from another here: who sits next to the caller
//! and speaks as loud is the caller.
//!
//! Its limits were chosen on the 832 recordings that `make rooms` makes (52 questions of 13 voices, quiet and with babble,
//! television, music, one voice and noise that go on for 8 s, 20, 15 and 10 dB under the caller) and on 13 voices that come
//! back up to 12 dB softer, and tried on 48 questions of 12 other voices (`tests/rooms/make.py` with `others`).

use super::latest::{keep, quantile};
use crate::event::{Hears, Mark};
use std::collections::VecDeque;

/// In a quiet room a voice that stays so far under the caller's level, in decibels, is background.
const UNDER: f32 = 16.0;
/// In a room that is not quiet between the caller's words, a voice that stays so far under the caller's level is
/// background.
const UNDER_IN_NOISE: f32 = 7.0;
/// A voice that begins so far under the caller's level is background.
const UNDER_TO_BEGIN: f32 = 11.0;
/// A voice that begins so far under the caller's level, while other voices go on in a room that is not quiet, is one of
/// them.
const UNDER_TO_BEGIN_AMID_OTHERS: f32 = 7.0;
/// Frames without any voice after which a voice is no part of a background that goes on: 1 s.
const ALONE_FRAMES: u32 = 62;
/// Frames for which a voice that began so may yet be taken for the caller's: 512 ms.
const BEGINNING_FRAMES: u32 = 32;
/// How much softer than before a caller may speak in an utterance that began so, in decibels.
const SOFTER_UTTERANCE: f32 = 11.0;
/// From so many loud frames on the level of an utterance is known: 128 ms.
const UTTERANCE_FRAMES_MIN: usize = 8;
/// How much softer a second caller at the same microphone may be, in decibels.
const SOFTER_CALLER: f32 = 10.0;
/// Frames for which the caller's voice may be that soft: 352 ms in a quiet room, 224 ms in another one.
const SOFT_FRAMES: u32 = 22;
const SOFT_FRAMES_IN_NOISE: u32 = 14;
/// A room is quiet if one in twenty of the latest frames (of an utterance, while there is one) is further under the caller's
/// level than this, in decibels; and it is known from so many frames on: 640 ms.
const QUIET_UNDER: f32 = 34.0;
const QUIET_SHARE: f32 = 0.05;
const QUIET_FRAMES_MIN: u32 = 40;
/// How many of the latest frames tell: 2.4 s.
const QUIET_FRAMES: usize = 150;
/// The caller's level is this quantile of the latest frames of the caller's voice: 4 s of them.
const LEVEL_SHARE: f32 = 0.9;
const LEVEL_FRAMES: usize = 250;
/// From so many frames of voice on the caller's level is known: 128 ms.
const LEVEL_FRAMES_MIN: usize = 8;
/// A frame's level is that of this many frames up to it: 48 ms.
const SMOOTH: usize = 3;
/// After so many frames without the caller's voice an utterance is over for the gate: 640 ms.
const UTTERANCE_GAP: u32 = 40;
/// A background is known where this many of the latest frames are voices that are not the caller's, of so many: 0.3 s
/// of 4 s. A voice that begins then is the caller's if it is louder by this much, in decibels, than most of the
/// background, and no further than this under the caller's level.
const BACKGROUND_MIN: usize = 20;
/// A voice that is not the caller's is one of the background this many frames after the caller's: 512 ms. Before, it may
/// be the caller's after all.
const OTHER_FRAMES: u32 = 32;
const BACKGROUND_FRAMES: usize = 250;
const BACKGROUND_SHARE: f32 = 0.9;
const OVER_BACKGROUND: f32 = 6.0;
const UNDER_BESIDE_BACKGROUND: f32 = 2.0;
/// Frames in a row of a voice in the background from which on it is told: 48 ms, as many as begin an utterance. The first
/// frames of the caller's own voice may be as soft as a background.
const TOLD_FRAMES: u32 = 3;
/// The rules from which on the first frames of a voice may be the caller's though they are soft: before, each was one of
/// the background, and was told.
const SPARES_SOFT_BEGINNINGS: u32 = 3;
/// The rules from which on a caller may begin softer than before, and a voice amid others may not: before, both might
/// begin [`UNDER_TO_BEGIN`], and then had to be as loud as ever.
const HEARS_UTTERANCES: u32 = 4;
/// What is softer counts as silence, in decibels of full scale.
const SILENCE: f32 = -100.0;

/// Voices and other sounds that were not the caller's.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Background {
    /// How loud the caller speaks, in decibels of full scale (the root mean square of 48 ms).
    pub caller_db: f32,
    /// How loud the background was when it was told.
    pub level_db: f32,
}

impl Background {
    /// What is put on record.
    pub fn mark(self) -> Mark {
        let whole = |db: f32| db.round() as i16;
        Mark::BackgroundHeard {
            caller_db: whole(self.caller_db),
            level_db: whole(self.level_db),
        }
    }
}

/// Tells the caller's voice from the background.
pub(super) struct CallerGate {
    hears: Hears,
    /// The power of the latest frames, for a smooth level.
    powers: VecDeque<f32>,
    /// The levels of the latest frames, whatever they are.
    levels: VecDeque<f32>,
    /// The levels of the latest frames of the caller's voice.
    callers: VecDeque<f32>,
    caller_db: Option<f32>,
    /// Frames since the caller's voice was last loud enough, and frames of the utterance so far.
    since_loud: u32,
    utterance: Option<u32>,
    /// The levels of the loud frames of the utterance so far, if nobody else spoke right before it.
    own: Option<VecDeque<f32>>,
    /// Frames since a voice was last heard, whoever's; and since voices began that no second without any has parted.
    since_voice: u32,
    since_alone: u32,
    /// The levels of voices in the background among the latest frames; `None` for other frames.
    others: VecDeque<Option<f32>>,
    /// The [rules](super::RULES) that it goes by.
    rules: u32,
    /// Frames in a row of the background, since the caller's voice was last heard; once it is told, it stays so.
    background: u32,
    news: Option<Background>,
}

impl CallerGate {
    pub(super) fn new(hears: Hears) -> CallerGate {
        CallerGate {
            hears,
            powers: VecDeque::with_capacity(SMOOTH + 1),
            levels: VecDeque::with_capacity(QUIET_FRAMES + 1),
            callers: VecDeque::with_capacity(LEVEL_FRAMES + 1),
            caller_db: None,
            since_loud: u32::MAX,
            utterance: None,
            own: None,
            since_voice: u32::MAX,
            since_alone: u32::MAX,
            others: VecDeque::with_capacity(BACKGROUND_FRAMES + 1),
            rules: super::RULES,
            background: 0,
            news: None,
        }
    }

    /// Tells voices apart as the gate of these earlier [rules](super::RULES) did.
    pub(super) fn by_rules(mut self, rules: u32) -> CallerGate {
        self.rules = rules;
        self
    }

    /// Whether a frame, in which a voice is heard or not, is the caller's voice.
    pub(super) fn is_caller(&mut self, frame: &[f32], is_voice: bool) -> bool {
        if self.hears == Hears::Anybody {
            return is_voice;
        }
        let level = self.level_of(frame);
        self.since_loud = self.since_loud.saturating_add(1);
        self.utterance = match self.utterance {
            Some(frames) if self.since_loud <= UTTERANCE_GAP => Some(frames.saturating_add(1)),
            _ => None,
        };
        self.since_alone = self.since_alone.saturating_add(1);
        if is_voice && self.since_voice >= ALONE_FRAMES {
            self.since_alone = 0;
        }
        let is_caller = is_voice && self.takes(level);
        self.since_voice = match is_voice {
            true => 0,
            false => self.since_voice.saturating_add(1),
        };
        let other_frames = match self.rules >= SPARES_SOFT_BEGINNINGS {
            true => OTHER_FRAMES,
            false => 0,
        };
        let is_other = is_voice && !is_caller && self.since_loud > other_frames;
        let other = is_other.then_some(level);
        keep(&mut self.others, other, BACKGROUND_FRAMES);
        self.notice(level, is_voice && !is_caller, is_caller);
        is_caller
    }

    /// A background that was not known of before, once.
    pub(super) fn news(&mut self) -> Option<Background> {
        self.news.take()
    }

    /// Whether a voice of this level is the caller's.
    fn takes(&mut self, level: f32) -> bool {
        let (under, soft_frames) = self.limits();
        let is_loud = self.speaks_at().is_none_or(|own| level >= own - under);
        if is_loud {
            self.since_loud = 0;
            if self.utterance.is_none() {
                self.utterance = Some(0);
                let follows = self.rules >= HEARS_UTTERANCES && self.is_alone();
                self.own = follows.then(VecDeque::new);
            }
            if let Some(own) = &mut self.own {
                keep(own, level, LEVEL_FRAMES);
            }
            keep(&mut self.callers, level, LEVEL_FRAMES);
            if self.callers.len() >= LEVEL_FRAMES_MIN {
                self.caller_db = quantile(self.callers.iter().copied(), LEVEL_SHARE);
            }
        }
        is_loud || self.since_loud <= soft_frames
    }

    /// Whether a voice that begins now began after a second without any.
    fn is_alone(&self) -> bool {
        self.since_alone <= BEGINNING_FRAMES
    }

    /// How loud the caller speaks in this utterance, else in general.
    fn speaks_at(&self) -> Option<f32> {
        let caller = self.caller_db?;
        let own = self
            .own
            .as_ref()
            .filter(|own| self.utterance.is_some() && own.len() >= UTTERANCE_FRAMES_MIN);
        let own = own.and_then(|own| quantile(own.iter().copied(), LEVEL_SHARE));
        Some(own.map_or(caller, |own| own.clamp(caller - SOFTER_UTTERANCE, caller)))
    }

    /// How far under the caller's level a voice may be, and for how many frames it may be softer still.
    fn limits(&self) -> (f32, u32) {
        let softer = match self.hears {
            Hears::Callers => SOFTER_CALLER,
            Hears::Caller | Hears::Anybody => 0.0,
        };
        let (under, frames) = match self.utterance {
            Some(_) if self.is_noisy() => (UNDER_IN_NOISE, SOFT_FRAMES_IN_NOISE),
            Some(_) => (UNDER, SOFT_FRAMES),
            None => (self.under_to_begin(), 0),
        };
        (under + softer, frames)
    }

    /// How far under the caller's level a voice may be that begins.
    fn under_to_begin(&self) -> f32 {
        let others = || self.others.iter().filter_map(|other| *other);
        let known = others().count() >= BACKGROUND_MIN;
        let loud = known
            .then(|| quantile(others(), BACKGROUND_SHARE))
            .flatten();
        let most = match self.rules >= HEARS_UTTERANCES && self.is_amid_others() {
            true => UNDER_TO_BEGIN_AMID_OTHERS,
            false => UNDER_TO_BEGIN,
        };
        match (loud, self.caller_db) {
            (Some(loud), Some(caller)) => {
                (caller - loud - OVER_BACKGROUND).clamp(UNDER_BESIDE_BACKGROUND, most)
            }
            _ => most,
        }
    }

    /// Whether it is not quiet between the words of this utterance.
    fn is_noisy(&self) -> bool {
        let (Some(caller), Some(frames)) = (self.caller_db, self.utterance) else {
            return false;
        };
        if frames < QUIET_FRAMES_MIN {
            return false;
        }
        self.noise_of(frames as usize + 1)
            .is_some_and(|quiet| caller - quiet < QUIET_UNDER)
    }

    /// Whether a voice that begins now is one of others that go on in a room that was not quiet lately.
    fn is_amid_others(&self) -> bool {
        let quiet = self.noise_of(QUIET_FRAMES).zip(self.caller_db);
        let is_quiet = !quiet.is_some_and(|(quiet, caller)| caller - quiet < QUIET_UNDER);
        !self.is_alone() && !is_quiet
    }

    /// The level that one in twenty of the latest frames stays under.
    fn noise_of(&self, frames: usize) -> Option<f32> {
        quantile(self.levels.iter().rev().take(frames).copied(), QUIET_SHARE)
    }

    /// The smooth level up to a frame, in decibels; keeps the frame's own.
    fn level_of(&mut self, frame: &[f32]) -> f32 {
        let power = frame.iter().map(|sample| sample * sample).sum::<f32>() / frame.len() as f32;
        keep(&mut self.levels, in_db(power), QUIET_FRAMES);
        keep(&mut self.powers, power, SMOOTH);
        in_db(self.powers.iter().sum::<f32>() / self.powers.len() as f32)
    }

    /// Tells of a background when it has lasted.
    fn notice(&mut self, level_db: f32, is_other: bool, is_caller: bool) {
        let told_frames = match self.rules >= SPARES_SOFT_BEGINNINGS {
            true => TOLD_FRAMES,
            false => 1,
        };
        let is_told = self.background >= told_frames;
        self.background = match (is_caller, is_other) {
            (true, _) => 0,
            (false, true) => self.background.saturating_add(1),
            (false, false) if is_told => self.background,
            (false, false) => 0,
        };
        let begins = !is_told && self.background >= told_frames;
        if let Some(caller_db) = self.caller_db.filter(|_| begins) {
            self.news = Some(Background {
                caller_db,
                level_db,
            });
        }
    }
}

fn in_db(power: f32) -> f32 {
    (10.0 * power.log10()).max(SILENCE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::{FRAME_SAMPLES, amplitude_from_db};

    /// How many of `frames` frames of a voice with this level are taken for the caller's.
    fn taken(gate: &mut CallerGate, frames: usize, level_db: f32) -> usize {
        let frame = vec![amplitude_from_db(level_db); FRAME_SAMPLES];
        (0..frames).filter(|_| gate.is_caller(&frame, true)).count()
    }

    /// Words with silence between them.
    fn words(gate: &mut CallerGate, count: usize, level_db: f32) {
        for _ in 0..count {
            assert_eq!(taken(gate, 20, level_db), 20);
            silence(gate, 4);
        }
    }

    fn silence(gate: &mut CallerGate, frames: usize) {
        for _ in 0..frames {
            assert!(!gate.is_caller(&[0.0; FRAME_SAMPLES], false));
        }
    }

    #[test]
    fn a_television_that_goes_on_is_not_the_caller_and_a_soft_syllable_is() {
        let mut gate = CallerGate::new(Hears::Caller);
        words(&mut gate, 5, -20.0);
        assert_eq!(taken(&mut gate, 16, -38.0), 16, "soft syllables");
        words(&mut gate, 3, -20.0);
        let television = taken(&mut gate, 300, -38.0);
        assert!((16..=22).contains(&television), "{television}");
        let told = gate.news().expect("news");
        assert!((told.caller_db + 20.0).abs() < 1.0 && told.level_db < -36.0);
        assert_eq!(gate.news(), None, "it is told once");
        assert_eq!(taken(&mut gate, 50, -21.0), 50, "the caller is back");
    }

    #[test]
    fn in_a_loud_room_the_caller_has_to_stand_out_by_less() {
        let mut gate = CallerGate::new(Hears::Caller);
        taken(&mut gate, 100, -32.0);
        // Louder than the room was: this is the caller.
        for _ in 0..8 {
            assert_eq!(taken(&mut gate, 10, -20.0), 10);
            taken(&mut gate, 2, -32.0);
        }
        let room = taken(&mut gate, 100, -32.0);
        assert!(room <= 16, "{room}");
    }

    #[test]
    fn nothing_begins_in_the_background_and_a_soft_back_channel_does() {
        let mut gate = CallerGate::new(Hears::Caller);
        taken(&mut gate, 100, -20.0);
        silence(&mut gate, 100);
        assert_eq!(taken(&mut gate, 100, -35.0), 0);
        silence(&mut gate, 300);
        assert!(taken(&mut gate, 20, -29.0) >= 18);
    }

    #[test]
    fn the_soft_beginning_of_a_word_is_no_background() {
        let mut gate = CallerGate::new(Hears::Caller);
        words(&mut gate, 5, -20.0);
        silence(&mut gate, 100);
        assert_eq!(taken(&mut gate, 2, -38.0), 0, "too soft to begin");
        assert!(taken(&mut gate, 20, -20.0) >= 19);
        assert_eq!(gate.news(), None);
        silence(&mut gate, 100);
        taken(&mut gate, 3, -38.0);
        assert!(gate.news().is_some());
    }

    #[test]
    fn by_earlier_rules_the_soft_beginning_of_a_word_is_a_background() {
        let mut gate = CallerGate::new(Hears::Caller).by_rules(2);
        words(&mut gate, 5, -20.0);
        silence(&mut gate, 100);
        taken(&mut gate, 1, -38.0);
        assert!(gate.news().is_some());
    }

    /// What goes on in a room between words, which is no voice.
    fn noise(gate: &mut CallerGate, frames: usize) {
        let frame = vec![amplitude_from_db(-45.0); FRAME_SAMPLES];
        for _ in 0..frames {
            assert!(!gate.is_caller(&frame, false));
        }
    }

    #[test]
    fn a_caller_may_come_back_softer_also_in_noise() {
        let heard = |rules| {
            let mut gate = CallerGate::new(Hears::Caller).by_rules(rules);
            taken(&mut gate, 100, -20.0);
            noise(&mut gate, 150);
            taken(&mut gate, 100, -29.0)
        };
        assert!(heard(4) >= 98, "{}", heard(4));
        assert!(heard(3) < 80, "before, the second half was lost");
    }

    #[test]
    fn what_goes_on_behind_the_caller_in_noise_does_not_begin_by_itself() {
        let heard = |rules| {
            let mut gate = CallerGate::new(Hears::Caller).by_rules(rules);
            noise(&mut gate, 50);
            taken(&mut gate, 100, -20.0);
            taken(&mut gate, 300, -30.0)
        };
        assert!(heard(4) <= 22, "{}", heard(4));
        assert!(heard(3) > 100, "{}", heard(3));
    }

    #[test]
    fn whoever_is_heard_first_is_the_caller() {
        let mut gate = CallerGate::new(Hears::Caller);
        assert_eq!(taken(&mut gate, 30, -55.0), 30);
        assert_eq!(taken(&mut gate, 30, -25.0), 30, "and whoever is louder");
    }

    #[test]
    fn several_callers_may_be_softer_and_anybody_is_never_background() {
        let behind = |hears, level_db| {
            let mut gate = CallerGate::new(hears);
            taken(&mut gate, 100, -20.0);
            silence(&mut gate, 100);
            taken(&mut gate, 50, level_db)
        };
        assert_eq!(behind(Hears::Caller, -36.0), 0);
        assert!(behind(Hears::Callers, -36.0) >= 48);
        assert_eq!(behind(Hears::Callers, -50.0), 0);
        assert_eq!(behind(Hears::Anybody, -50.0), 50);
    }

    #[test]
    fn silence_without_a_number_is_no_trouble() {
        let mut gate = CallerGate::new(Hears::Caller);
        let nothing = [f32::NAN; FRAME_SAMPLES];
        assert!(gate.is_caller(&nothing, true) || gate.news().is_none());
    }
}
