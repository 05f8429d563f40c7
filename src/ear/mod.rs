//! The ear: frames in, speech activity out.
//!
//! The ear reports when somebody begins to speak, pauses and goes on, each with its true tick. It does
//! not decide anything: an endpoint is decided in `pipeline::endpoint`, an interruption in
//! `interrupt`.

mod edges;
mod gate;
#[cfg_attr(not(feature = "silero"), path = "no_silero.rs")]
pub mod silero;
pub mod simulated;
pub mod truth;
mod vad;

pub use edges::{SpeechEdge, SpeechEdges};
pub use gate::Background;

use crate::audio::{FRAME, FRAME_SAMPLES, Samples};
use crate::event::{Hears, Tick};
use crate::stage::{AudioChunk, SpeechActivity, SureVoice};
use gate::CallerGate;
use std::cell::Cell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;
use tokio::sync::Notify;
pub use vad::{SURE, VoiceDetector};

/// The version of the rules by which the ear hears: 1 heard everybody.
pub const RULES: u32 = 2;

/// Voiced frames in a row that begin an utterance: 48 ms. Clicks are shorter.
const START_FRAMES: u32 = 3;
/// Unvoiced frames in a row that make a pause: 32 ms.
const PAUSE_FRAMES: u32 = 2;
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
            sure: None,
            sure_end: Tick::ZERO,
            recent: VecDeque::with_capacity(PRE_ROLL_FRAMES + 1),
        }
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
            // A voice that goes on over a commit (the utterance was too long) begins anew here.
            self.voiced = self.voiced.min(START_FRAMES - 1);
            self.sure = None;
            let stale = self.recent.len().saturating_sub(self.voiced as usize);
            self.recent.drain(..stale);
        }
        let sound = self.detector.hear(voice);
        let is_caller = self.gate.is_caller(voice, sound.is_voiced);
        self.be_sure(start, sound.is_sure && is_caller);
        if is_caller {
            self.voiced += 1;
            self.unvoiced = 0;
        } else {
            self.voiced = 0;
            self.unvoiced += 1;
            if matches!(self.state, State::Idle) {
                // Sound that made no utterance was no voice either.
                self.sure = None;
            }
        }
        self.recent.push_back(frame.clone());
        if self.recent.len() > PRE_ROLL_FRAMES {
            self.recent.pop_front();
        }
        self.step(start, frame)
    }

    /// A voice or another sound in the background that began with the latest frame, once.
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
            State::Speaking { last_voiced } if self.unvoiced >= PAUSE_FRAMES => {
                self.state = State::Pausing;
                vec![going(), SpeechActivity::Paused { last_voiced }]
            }
            State::Speaking { last_voiced } => {
                let last_voiced = if self.voiced > 0 { end } else { last_voiced };
                self.state = State::Speaking { last_voiced };
                vec![going()]
            }
            State::Pausing if self.voiced >= RESUME_FRAMES => {
                self.state = State::Speaking { last_voiced: end };
                let at = run_began(self.voiced);
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
        let mut ear = Ear::new(0.5, Hears::Caller, UtteranceOver::default());
        let frame: Samples = vec![0.0; FRAME_SAMPLES].into();
        let mut said = Vec::new();
        for (index, voiced) in frames.iter().enumerate() {
            (ear.voiced, ear.unvoiced) = if *voiced {
                (ear.voiced + 1, 0)
            } else {
                (0, ear.unvoiced + 1)
            };
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
        (ear.voiced, ear.unvoiced) = (START_FRAMES, 0);
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
