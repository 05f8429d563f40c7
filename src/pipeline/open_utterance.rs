//! The utterance that is being heard, and when its recogniser is asked ahead of its end: arithmetic on
//! ticks.

use super::session::Settings;
use crate::audio::peak;
use crate::event::{Tick, TurnId};
use crate::stage::queue;
use crate::stage::{AudioChunk, Heard};
use std::time::Duration;

pub(super) struct OpenUtterance {
    pub(super) turn: TurnId,
    pub(super) onset: Tick,
    pub(super) last_voiced: Option<Tick>,
    /// Whether there was a voice in the utterance, not just noise.
    pub(super) has_voice: bool,
    pub(super) feed: queue::Sender<Heard>,
    /// When the recogniser was last asked what was said so far, and whether it has answered.
    asked: (Tick, bool),
    /// Whether the recogniser was asked in the present pause.
    is_guessed: bool,
    /// When the recogniser was last asked what was said so far, unless it knows that there is more since.
    so_far: Option<Tick>,
    /// The highest peak of the utterance, and of what was heard of it since `so_far`.
    peaks: [f32; 2],
}

/// What peaks below this share of the utterance, 20 dB under it, is a pause. The ear hears a microphone without the
/// agent's echo, in which some of the caller is missing: where it hears nothing, words may be.
const PAUSE_PEAK: f32 = 0.1;

impl OpenUtterance {
    pub(super) fn new(turn: TurnId, onset: Tick, feed: queue::Sender<Heard>) -> OpenUtterance {
        OpenUtterance {
            turn,
            onset,
            last_voiced: None,
            has_voice: false,
            feed,
            asked: (onset, true),
            is_guessed: false,
            so_far: None,
            peaks: [0.0; 2],
        }
    }

    /// More of its sound.
    pub(super) fn hears(&mut self, sound: &AudioChunk) {
        let peak = sound.samples.as_ref().map_or(0.0, |samples| peak(samples));
        self.peaks = self.peaks.map(|highest| highest.max(peak));
    }

    /// When to ask what was said so far: once in a pause, in case that was all, and now and then
    /// while the caller speaks if the settings say so. `for_endpoint`: the endpointing policy wants to know.
    pub(super) fn ask_at(&self, settings: &Settings, for_endpoint: bool) -> Option<Tick> {
        let in_pause = settings.speculate_after;
        let in_pause = in_pause.or(for_endpoint.then_some(Duration::ZERO));
        match (self.last_voiced, self.asked) {
            _ if self.is_guessed => None,
            (Some(at), _) => Some(at + in_pause?),
            (None, (asked, true)) => Some(asked + settings.ask_every?),
            (None, (_, false)) => None,
        }
    }

    /// The recogniser is asked; returns what to send to it.
    pub(super) fn ask(&mut self, now: Tick) -> Heard {
        self.is_guessed = self.last_voiced.is_some();
        if self.is_guessed {
            self.so_far = None;
            return Heard::Paused;
        }
        self.asked = (now, false);
        self.ask_so_far(now)
    }

    /// The recogniser is asked what was said so far; returns what to send to it.
    pub(super) fn ask_so_far(&mut self, now: Tick) -> Heard {
        self.so_far = Some(now);
        self.peaks[1] = 0.0;
        Heard::SoFar
    }

    /// The recogniser says what was said so far. Returns whether that answers a question about this pause:
    /// questions while the caller talked over the agent were for the interruption policy, and in a pause that
    /// the recogniser was not asked about its text holds less than was said.
    pub(super) fn answered(&mut self) -> bool {
        let was_asked = !std::mem::replace(&mut self.asked.1, true);
        self.is_guessed || (was_asked && self.last_voiced.is_none())
    }

    /// The caller goes on. Returns whether the recogniser is to be told.
    pub(super) fn resumed(&mut self, at: Tick) -> bool {
        self.last_voiced = None;
        let was_guessed = std::mem::take(&mut self.is_guessed);
        if was_guessed {
            self.asked = (at, true);
        }
        self.so_far.take().is_some() || was_guessed
    }

    /// The utterance is over, and the ear heard nothing behind `last_voiced`. Returns whether the recogniser is to be
    /// told that more was said since it was asked.
    pub(super) fn said_more(&mut self, last_voiced: Tick) -> bool {
        let [all, since] = self.peaks;
        let is_more = |asked| asked < last_voiced || since > PAUSE_PEAK * all;
        self.so_far.take().is_some_and(is_more)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::input::InputHash;
    use crate::stage::AudioFeed;

    fn utterance() -> OpenUtterance {
        let (feed, _) = AudioFeed::new(InputHash::default());
        OpenUtterance::new(TurnId(1), Tick(0), feed)
    }

    fn at(ms: u64) -> Tick {
        Tick::from_ms(ms)
    }

    #[test]
    fn what_is_said_behind_a_question_is_told_once() {
        let mut utterance = utterance();
        utterance.ask_so_far(at(400));
        assert!(utterance.said_more(at(500)));
        assert!(!utterance.said_more(at(600)), "it was told");
        utterance.ask_so_far(at(400));
        assert!(utterance.resumed(at(500)));
        assert!(!utterance.said_more(at(600)), "it was told");
    }

    #[test]
    fn silence_behind_a_question_is_nothing_said() {
        let mut utterance = utterance();
        utterance.ask_so_far(at(400));
        assert!(!utterance.said_more(at(300)));
    }

    #[test]
    fn words_that_the_ear_does_not_hear_are_something_said() {
        let sound = |peak: f32| AudioChunk::new(vec![0.0, peak, -peak / 2.0].into(), "".into());
        for (behind, is_more) in [(0.4, true), (0.02, false)] {
            let mut utterance = utterance();
            utterance.hears(&sound(0.5));
            utterance.ask_so_far(at(400));
            utterance.hears(&sound(behind));
            assert_eq!(utterance.said_more(at(300)), is_more, "{behind}");
        }
    }

    #[test]
    fn a_question_in_a_pause_is_about_what_an_earlier_one_was_not() {
        let mut utterance = utterance();
        assert!(matches!(utterance.ask(at(400)), Heard::SoFar));
        utterance.last_voiced = Some(at(500));
        assert!(matches!(utterance.ask(at(600)), Heard::Paused));
        assert!(!utterance.said_more(at(500)), "the pause is its end");
    }
}
