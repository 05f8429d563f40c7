//! A pause of the caller, as far as it is known while it lasts: what a policy has to decide on.

use super::{Before, Observation};
use crate::event::Tick;
use std::time::Duration;

/// Shorter silences lie inside of words, and are no pauses.
pub(super) const PAUSE_MIN: Duration = Duration::from_millis(100);
/// Who says nothing for longer has finished.
pub(super) const PAUSE_MAX: Duration = Duration::from_millis(2_500);
/// The latest words that are kept.
const WORDS_MAX: usize = 40;

/// The pauses inside of turns that a speaker has made so far.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Habit {
    /// How many there were.
    pub pauses: u32,
    /// How long they lasted on average, in seconds; zero if there were none.
    pub mean_s: f64,
    /// How long the longest lasted, in seconds; zero if there were none.
    pub longest_s: f64,
}

impl Habit {
    fn add(&mut self, pause: Duration) {
        let pause_s = pause.as_secs_f64();
        self.pauses = self.pauses.saturating_add(1);
        self.mean_s += (pause_s - self.mean_s) / f64::from(self.pauses);
        self.longest_s = self.longest_s.max(pause_s);
    }
}

/// A pause of the caller, and the turn that it may end.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Pause {
    /// The length of the turn so far, pauses included, in seconds.
    pub turn_s: f64,
    /// The earlier pauses of the turn.
    pub pauses: u32,
    /// The length of the last of them, in seconds; zero without one.
    pub last_pause_s: f64,
    /// The words of the turn so far, the latest 40 of them, in lower case and without punctuation; `None` until
    /// they are known.
    pub words: Option<Vec<String>>,
    /// How many words the turn has so far; zero until they are known.
    pub turn_words: u32,
    /// Earlier pauses of this speaker, in this turn and others.
    pub habit: Habit,
    /// What the other one did before the turn.
    pub before: Before,
}

/// Keeps what is known of the turn that is being heard.
#[derive(Debug, Default)]
pub struct Turn {
    onset: Tick,
    before: Before,
    pauses: u32,
    last_pause: Duration,
    /// The end of the voice: that of a pause, while it lasts.
    last_voiced: Option<Tick>,
    /// Whether the caller is silent.
    is_silent: bool,
    /// The words of utterances of this turn that were taken for the whole of it.
    earlier: Vec<String>,
    latest: Vec<String>,
    /// When the words so far were known; `None` as soon as the caller may have said more.
    known: Option<Tick>,
    habit: Habit,
}

impl Turn {
    /// Takes in what was heard.
    pub fn observe(&mut self, what: &Observation<'_>) {
        match *what {
            Observation::Started { onset, before } => self.started(onset, before),
            Observation::Paused { last_voiced } => {
                self.last_voiced = Some(last_voiced);
                self.is_silent = true;
                self.known = None;
            }
            Observation::Resumed { at } => self.goes_on(at),
            Observation::Words { text, at } => {
                self.latest = words(text);
                self.known = (!self.latest.is_empty()).then_some(at);
            }
            Observation::Judged { .. } => {}
        }
    }

    /// The end of the voice, if the caller is silent.
    pub fn silent_since(&self) -> Option<Tick> {
        self.last_voiced.filter(|_| self.is_silent)
    }

    /// What is known of the pause, if the caller is silent.
    pub fn pause(&self) -> Option<Pause> {
        let end = self.silent_since()?;
        Some(self.pause_at(end))
    }

    /// What would be known of a pause behind the words that were known last, if the caller speaks.
    pub fn pause_behind_words(&self) -> Option<Pause> {
        let end = self.known.filter(|_| !self.is_silent)?;
        Some(self.pause_at(end))
    }

    fn pause_at(&self, end: Tick) -> Pause {
        let are_known = self.known.is_some();
        let count = self.earlier.len() + self.latest.len();
        let all = self.earlier.iter().chain(&self.latest);
        let late = || all.skip(count.saturating_sub(WORDS_MAX)).cloned().collect();
        Pause {
            turn_s: end.since(self.onset).as_secs_f64(),
            pauses: self.pauses,
            last_pause_s: self.last_pause.as_secs_f64(),
            turn_words: match are_known {
                true => u32::try_from(count).unwrap_or(u32::MAX),
                false => 0,
            },
            words: are_known.then(late),
            habit: self.habit,
            before: self.before,
        }
    }

    fn started(&mut self, onset: Tick, before: Before) {
        let silence = self.last_voiced.map(|end| onset.since(end));
        // An utterance that nobody answered, and that goes on, was not the whole turn.
        let is_rest = silence.is_some_and(|silence| {
            let was_answered = before.gap.is_some_and(|gap| gap < silence);
            silence <= PAUSE_MAX && !was_answered
        });
        if is_rest {
            let latest = std::mem::take(&mut self.latest);
            self.earlier.extend(latest);
            let old = self.earlier.len().saturating_sub(WORDS_MAX);
            self.earlier.drain(..old);
            return self.goes_on(onset);
        }
        *self = Turn {
            onset,
            before,
            habit: self.habit,
            ..Turn::default()
        };
    }

    fn goes_on(&mut self, at: Tick) {
        let pause = self.last_voiced.map(|end| at.since(end));
        if let Some(pause) = pause.filter(|pause| *pause >= PAUSE_MIN) {
            self.pauses = self.pauses.saturating_add(1);
            self.last_pause = pause;
            if pause <= PAUSE_MAX {
                self.habit.add(pause);
            }
        }
        self.is_silent = false;
        self.known = None;
    }
}

/// The words of a transcript, as the data has them: in lower case, without punctuation but the apostrophe.
pub(super) fn words(text: &str) -> Vec<String> {
    let plain = |word: &str| -> String {
        let kept = word.chars().filter(|c| c.is_alphanumeric() || *c == '\'');
        kept.flat_map(char::to_lowercase).collect()
    };
    let words = text.split(|c: char| c.is_whitespace() || c == '-' || c == '…');
    words.map(plain).filter(|word| !word.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Tick = Tick::from_ms;

    fn started(onset: u64, gap_ms: Option<u64>) -> Observation<'static> {
        let before = Before {
            agent_asked: false,
            gap: gap_ms.map(Duration::from_millis),
        };
        Observation::Started {
            onset: MS(onset),
            before,
        }
    }

    fn heard(what: &[Observation<'_>]) -> Turn {
        let mut turn = Turn::default();
        what.iter().for_each(|what| turn.observe(what));
        turn
    }

    const fn paused(at: u64) -> Observation<'static> {
        let last_voiced = Tick(at * 1_000_000);
        Observation::Paused { last_voiced }
    }

    const fn resumed(at: u64) -> Observation<'static> {
        let at = Tick(at * 1_000_000);
        Observation::Resumed { at }
    }

    const fn said(text: &str) -> Observation<'_> {
        let at = Tick(0);
        Observation::Words { text, at }
    }

    #[test]
    fn a_pause_knows_its_turn() {
        let turn = heard(&[
            started(1_000, Some(400)),
            paused(2_000),
            said("I'd like, uh…"),
            resumed(2_500),
            paused(3_250),
        ]);
        let pause = turn.pause().expect("a pause");
        assert_eq!(pause.turn_s, 2.25);
        assert_eq!((pause.pauses, pause.last_pause_s), (1, 0.5));
        // The words of the pause before lack what was said since.
        assert_eq!((pause.words, pause.turn_words), (None, 0));
        assert_eq!(pause.habit.mean_s, 0.5);
    }

    #[test]
    fn words_count_once_they_are_known() {
        let turn = heard(&[
            started(0, None),
            paused(900),
            said("I'd like, uh… to Book-it."),
        ]);
        let pause = turn.pause().expect("a pause");
        let words = pause.words.expect("words").join(" ");
        assert_eq!(words, "i'd like uh to book it");
        assert_eq!(pause.turn_words, 6);
    }

    #[test]
    fn words_in_speech_tell_of_the_pause_that_may_follow_them() {
        let speaking = [started(1_000, None), said("I'd like a table")];
        let spoken = heard(&speaking);
        assert_eq!(spoken.pause(), None);
        let pause = spoken.pause_behind_words().expect("words");
        assert_eq!(pause.words.expect("words").join(" "), "i'd like a table");
        let later = |what| heard(&[&speaking[..], &[what]].concat()).pause_behind_words();
        assert_eq!(later(paused(2_000)), None);
        assert_eq!(later(resumed(2_000)), None);
        assert_eq!(later(said("")), None);
        assert_eq!(later(started(9_000, Some(10))), None);
    }

    #[test]
    fn an_utterance_that_was_cut_off_goes_on_in_the_next() {
        let cut = [
            started(0, None),
            paused(900),
            said("I would"),
            started(1_500, None),
        ];
        let turn = heard(&[&cut[..], &[paused(2_000), said("like a table")]].concat());
        let pause = turn.pause().expect("a pause");
        assert_eq!((pause.turn_s, pause.pauses, pause.turn_words), (2.0, 1, 5));
        assert!((pause.habit.mean_s - 0.6).abs() < 1e-9);
    }

    #[test]
    fn an_answered_utterance_was_the_whole_turn() {
        let answered = [
            started(0, None),
            paused(900),
            said("yes"),
            started(2_000, Some(100)),
        ];
        let turn = heard(&[&answered[..], &[paused(2_500)]].concat());
        let pause = turn.pause().expect("a pause");
        assert_eq!((pause.turn_s, pause.pauses), (0.5, 0));
        assert_eq!(pause.habit, Habit::default());
    }

    #[test]
    fn silence_inside_of_a_word_is_no_pause() {
        let turn = heard(&[started(0, None), paused(500), resumed(590), paused(800)]);
        let pause = turn.pause().expect("a pause");
        assert_eq!((pause.pauses, pause.last_pause_s), (0, 0.0));
    }

    #[test]
    fn who_speaks_is_not_silent() {
        let turn = heard(&[started(0, None), paused(500), resumed(700)]);
        assert_eq!((turn.pause(), turn.silent_since()), (None, None));
    }
}
