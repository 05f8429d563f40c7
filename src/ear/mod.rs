//! The ear: frames in, speech activity out.
//!
//! The ear reports when somebody begins to speak, pauses and goes on, each with its true tick. It does
//! not decide anything: an endpoint is decided in `pipeline::endpoint`, an interruption in
//! `interrupt`.

mod edges;
mod gate;
mod latest;
#[cfg_attr(not(feature = "silero"), path = "no_silero.rs")]
pub mod silero;
pub mod simulated;
mod sounding;
pub mod truth;
mod vad;

pub use edges::{SpeechEdge, SpeechEdges};
pub use gate::Background;

use crate::audio::{FRAME, FRAME_SAMPLES, Samples};
use crate::event::{Hears, Tick};
use crate::stage::{AudioChunk, SpeechActivity, SureVoice};
use gate::CallerGate;
use sounding::Sounding;
use std::cell::Cell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;
use tokio::sync::Notify;
pub use vad::{SURE, VoiceDetector};

/// The version of the rules by which the ear hears: 1 heard everybody, and to 2 a voice ended where the detector let
/// it go, and the soft beginning of a word was a background; to 3 a caller who spoke softer than before was less well heard
/// in noise, and a television better.
pub const RULES: u32 = 4;

/// Voiced frames in a row that begin an utterance: 48 ms. Clicks are shorter.
const START_FRAMES: u32 = 3;
/// Unvoiced frames in a row that make a pause: 32 ms.
const PAUSE_FRAMES: u32 = 2;
/// Frames in a row that do not stand out and make a pause: 80 ms, as long as the silence of a consonant; or 48 ms if the
/// detector is about to let the voice go.
const QUIET_FRAMES: u32 = 5;
const FADING_FRAMES: u32 = 3;
/// Voiced frames in a row that end a pause: 32 ms, so that one stray frame does not.
const RESUME_FRAMES: u32 = 2;
/// Doubtful frames in a row that end a voice beyond doubt: 48 ms, as long as a consonant.
const SURE_GAP_FRAMES: u32 = 3;
/// Audio kept from before the voice began: 304 ms. Soft first consonants lie there.
const PRE_ROLL_FRAMES: usize = 19;

/// Tells the ear that an endpoint was committed: what it hears next is a new utterance.
#[derive(Clone, Default)]
pub struct UtteranceOver(Rc<Over>);

#[derive(Default)]
struct Over {
    is_over: Cell<bool>,
    news: Notify,
}

impl UtteranceOver {
    pub fn set(&self) {
        self.0.is_over.set(true);
        self.0.news.notify_one();
    }

    /// Whether an endpoint was committed since the last call.
    pub fn take(&self) -> bool {
        self.0.is_over.replace(false)
    }

    /// Waits until an endpoint is committed.
    pub async fn told(&self) {
        while !self.0.is_over.get() {
            self.0.news.notified().await;
        }
    }
}

enum State {
    Idle,
    Speaking { last_voiced: Tick },
    Pausing,
}

/// Turns frames of 16 ms into speech activity.
pub struct Ear {
    detector: VoiceDetector,
    gate: CallerGate,
    over: UtteranceOver,
    state: State,
    /// Frames in a row that were voiced; `unvoiced` counts those that were not.
    voiced: u32,
    unvoiced: u32,
    /// Where a voice ends; `None` if it ends where the detector lets it go.
    sounding: Option<Sounding>,
    /// Frames in a row in which the voice stood out; `quiet` counts those in which it did not.
    sounds: u32,
    quiet: u32,
    /// The detector is about to let the voice go.
    fades: bool,
    /// The utterance was committed, and the detector has not let its voice go.
    hangs_on: bool,
    sure: Option<SureVoice>,
    /// The end of the latest frame that was a voice beyond doubt.
    sure_end: Tick,
    recent: VecDeque<Samples>,
}

impl Ear {
    /// An ear to which frames with a probability of voice above `threshold`, in 0..1, count as voiced, if the voice is
    /// that of whom it `hears`.
    pub fn new(threshold: f32, hears: Hears, over: UtteranceOver) -> Ear {
        Ear {
            detector: VoiceDetector::new(threshold),
            gate: CallerGate::new(hears),
            over,
            state: State::Idle,
            voiced: 0,
            unvoiced: 0,
            sounding: Some(Sounding::default()),
            sounds: 0,
            quiet: 0,
            fades: false,
            hangs_on: false,
            sure: None,
            sure_end: Tick::ZERO,
            recent: VecDeque::with_capacity(PRE_ROLL_FRAMES + 1),
        }
    }

    /// Hears as the ear of these earlier [rules](RULES) did.
    pub fn by_rules(mut self, rules: u32) -> Ear {
        if rules < 3 {
            self.sounding = None;
        }
        self.gate = self.gate.by_rules(rules);
        self
    }

    /// Whether the detector calls the latest frame the caller's voice. It holds on after a voice.
    pub fn is_voiced(&self) -> bool {
        self.voiced > 0 || self.hangs_on
    }

    /// Hears the frame that began at `start`; returns what changed, in order. The frame must have
    /// 256 samples.
    pub fn hear(&mut self, start: Tick, frame: Samples) -> Vec<SpeechActivity> {
        let voice = frame.clone();
        self.hear_beside(start, frame, &voice)
    }

    /// Hears a frame as [`Ear::hear`] does, with a voice looked for in another rendering of it than the one that is
    /// handed on.
    pub fn hear_beside(
        &mut self,
        start: Tick,
        frame: Samples,
        voice: &[f32],
    ) -> Vec<SpeechActivity> {
        debug_assert_eq!(frame.len(), FRAME_SAMPLES);
        if self.over.take() {
            self.state = State::Idle;
            self.hangs_on = self.quiet > 0 && self.voiced > 0;
            // A voice that goes on over a commit (the utterance was too long) begins anew here.
            self.voiced = self.voiced.min(START_FRAMES - 1);
            self.sure = None;
            let stale = self.recent.len().saturating_sub(self.voiced as usize);
            self.recent.drain(..stale);
        }
        let sound = self.detector.hear(voice);
        let is_caller = self.gate.is_caller(voice, sound.is_voiced);
        self.be_sure(start, sound.is_sure && is_caller);
        let stands_out = match &mut self.sounding {
            Some(sounding) => sounding.hear(voice, is_caller),
            None => is_caller,
        };
        self.fades = sound.fades && self.sounding.is_some();
        self.hangs_on &= is_caller && !stands_out;
        self.count(is_caller && !self.hangs_on, stands_out);
        if !is_caller && matches!(self.state, State::Idle) {
            // Sound that made no utterance was no voice either.
            self.sure = None;
        }
        self.recent.push_back(frame.clone());
        if self.recent.len() > PRE_ROLL_FRAMES {
            self.recent.pop_front();
        }
        self.step(start, frame)
    }

    /// Counts a frame that is voiced or not, and in which the voice stands out or not.
    fn count(&mut self, is_voiced: bool, stands_out: bool) {
        let run = |frames: &mut u32, goes_on| *frames = if goes_on { *frames + 1 } else { 0 };
        run(&mut self.voiced, is_voiced);
        run(&mut self.unvoiced, !is_voiced);
        run(&mut self.sounds, stands_out);
        run(&mut self.quiet, !stands_out);
    }

    /// Whether the voice has paused.
    fn is_pause(&self) -> bool {
        let quiet = match self.fades {
            true => FADING_FRAMES,
            false => QUIET_FRAMES,
        };
        self.unvoiced >= PAUSE_FRAMES || self.quiet >= quiet
    }

    /// A voice or another sound in the background, once, as soon as it has lasted long enough to be told.
    pub fn background(&mut self) -> Option<Background> {
        self.gate.news()
    }

    /// Keeps count of frames that are a voice beyond doubt.
    fn be_sure(&mut self, start: Tick, is_sure: bool) {
        let end = start + FRAME;
        match &mut self.sure {
            Some(SureVoice { until: None, .. }) if is_sure => self.sure_end = end,
            Some(voice @ SureVoice { until: None, .. }) => {
                let is_over = end.since(self.sure_end) >= FRAME * SURE_GAP_FRAMES;
                voice.until = is_over.then_some(self.sure_end);
            }
            _ if is_sure => {
                self.sure_end = end;
                self.sure = Some(SureVoice {
                    since: start,
                    until: None,
                });
            }
            _ => {}
        }
    }

    fn step(&mut self, start: Tick, frame: Samples) -> Vec<SpeechActivity> {
        let end = start + FRAME;
        let run_began = |frames: u32| end.before(FRAME * frames);
        let silent: Arc<str> = Arc::from("");
        let sure = self.sure;
        let going = || SpeechActivity::Going {
            audio: AudioChunk::new(frame.clone(), silent.clone()),
            sure,
        };
        match self.state {
            State::Idle if self.voiced >= START_FRAMES => {
                self.state = State::Speaking { last_voiced: end };
                let audio: Vec<f32> = self.recent.iter().flat_map(|f| f.iter().copied()).collect();
                vec![SpeechActivity::Started {
                    onset: run_began(self.voiced),
                    audio: AudioChunk::new(audio.into(), silent),
                    sure,
                }]
            }
            State::Idle => Vec::new(),
            State::Speaking { last_voiced } if self.is_pause() => {
                self.state = State::Pausing;
                vec![going(), SpeechActivity::Paused { last_voiced }]
            }
            State::Speaking { last_voiced } => {
                let last_voiced = if self.sounds > 0 { end } else { last_voiced };
                self.state = State::Speaking { last_voiced };
                vec![going()]
            }
            State::Pausing if self.sounds >= RESUME_FRAMES => {
                self.state = State::Speaking { last_voiced: end };
                let at = run_began(self.sounds);
                vec![SpeechActivity::Resumed { at }, going()]
            }
            State::Pausing => vec![going()],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds `frames` (true: voiced) to the state machine, past the detector.
    fn activity(frames: &[bool]) -> Vec<String> {
        let both: Vec<(bool, bool)> = frames.iter().map(|voiced| (*voiced, *voiced)).collect();
        activity_of(&both)
    }

    /// Feeds frames (voiced, standing out) to the state machine, past the detector.
    fn activity_of(frames: &[(bool, bool)]) -> Vec<String> {
        let mut ear = Ear::new(0.5, Hears::Caller, UtteranceOver::default());
        let frame: Samples = vec![0.0; FRAME_SAMPLES].into();
        let mut said = Vec::new();
        for (index, (voiced, stands_out)) in frames.iter().enumerate() {
            ear.count(*voiced, *stands_out);
            ear.recent.push_back(frame.clone());
            for activity in ear.step(Tick::from_ms(16 * index as u64), frame.clone()) {
                match activity {
                    SpeechActivity::Started { onset, .. } => {
                        said.push(format!("started {}", onset.as_ms()));
                    }
                    SpeechActivity::Paused { last_voiced } => {
                        said.push(format!("paused {}", last_voiced.as_ms()));
                    }
                    SpeechActivity::Resumed { at } => said.push(format!("resumed {}", at.as_ms())),
                    SpeechActivity::Going { .. } => {}
                }
            }
        }
        said
    }

    #[test]
    fn a_voice_is_dated_back_to_its_first_frame() {
        assert_eq!(activity(&[false, true, true, true]), ["started 16"]);
    }

    #[test]
    fn a_click_is_not_a_voice() {
        assert!(activity(&[true, true, false, false, true]).is_empty());
    }

    #[test]
    fn a_pause_is_dated_back_to_the_last_voiced_frame() {
        assert_eq!(
            activity(&[true, true, true, true, false, false, false]),
            ["started 0", "paused 64"]
        );
    }

    #[test]
    fn a_pause_begins_where_the_voice_stood_out_last_however_long_the_detector_holds_on() {
        let mut frames = vec![(true, true); 6];
        frames.extend([(true, false); 4]);
        assert_eq!(activity_of(&frames), ["started 0"]);
        frames.push((true, false));
        assert_eq!(activity_of(&frames), ["started 0", "paused 96"]);
        frames.extend([(true, true); 2]);
        let goes_on = ["started 0", "paused 96", "resumed 176"];
        assert_eq!(activity_of(&frames), goes_on);
    }

    #[test]
    fn a_detector_that_holds_on_over_an_endpoint_makes_no_new_utterance() {
        let over = UtteranceOver::default();
        let mut ear = Ear::new(0.5, Hears::Caller, over.clone());
        ear.state = State::Pausing;
        (ear.voiced, ear.quiet) = (60, 6);
        over.set();
        let frame: Samples = vec![0.0; FRAME_SAMPLES].into();
        assert!(ear.hear(Tick::from_ms(16), frame).is_empty());
        assert_eq!(ear.voiced, 0);
    }

    #[test]
    fn a_voice_beyond_doubt_lasts_over_a_consonant_and_no_longer() {
        let mut ear = Ear::new(0.5, Hears::Caller, UtteranceOver::default());
        let ms = Tick::from_ms;
        let mut seen = Vec::new();
        for (frame, is_sure) in [1, 1, 0, 0, 1, 0, 0, 0, 1].into_iter().enumerate() {
            ear.be_sure(ms(16 * frame as u64), is_sure == 1);
            seen.push(ear.sure);
        }
        let voice = |since, until: Option<u64>| {
            Some(SureVoice {
                since: ms(since),
                until: until.map(ms),
            })
        };
        assert_eq!(seen[4], voice(0, None));
        assert_eq!(seen[7], voice(0, Some(80)));
        assert_eq!(seen[8], voice(128, None));
    }

    #[test]
    fn one_stray_frame_does_not_end_a_pause() {
        let stray = [true, true, true, false, false, true, false, false];
        assert_eq!(activity(&stray), ["started 0", "paused 48"]);
        let voice = [true, true, true, false, false, true, true];
        assert_eq!(activity(&voice), ["started 0", "paused 48", "resumed 80"]);
    }

    #[test]
    fn a_voice_that_goes_on_over_an_endpoint_begins_anew() {
        let over = UtteranceOver::default();
        let mut ear = Ear::new(0.5, Hears::Caller, over.clone());
        let frame: Samples = vec![0.0; FRAME_SAMPLES].into();
        ear.state = State::Speaking {
            last_voiced: Tick::from_ms(1_600),
        };
        ear.voiced = 100;
        ear.recent.extend(std::iter::repeat_n(frame.clone(), 19));
        over.set();
        assert!(ear.hear(Tick::from_ms(1_600), frame.clone()).is_empty());
        // The detector calls these frames silence; the next one is voiced for this test.
        (ear.voiced, ear.unvoiced, ear.sounds) = (START_FRAMES, 0, START_FRAMES);
        match ear.step(Tick::from_ms(1_616), frame).as_slice() {
            [SpeechActivity::Started { onset, .. }] => assert_eq!(*onset, Tick::from_ms(1_584)),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn after_an_endpoint_the_next_voice_is_a_new_utterance() {
        let over = UtteranceOver::default();
        let mut ear = Ear::new(0.5, Hears::Caller, over.clone());
        ear.state = State::Pausing;
        over.set();
        let silence: Samples = vec![0.0; FRAME_SAMPLES].into();
        assert!(ear.hear(Tick::from_ms(16), silence).is_empty());
        assert!(matches!(ear.state, State::Idle));
    }
}
