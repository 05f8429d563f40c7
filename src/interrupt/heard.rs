//! What is known of a sound over the agent at the moment of a decision. Nothing from the future.

use std::time::Duration;

/// A stretch of voice, counted from the onset of the sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interval {
    pub on: Duration,
    /// When the voice ended; `None` while it goes on.
    pub off: Option<Duration>,
}

/// A word that a recogniser has printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// When the word was printed, counted from the onset of the sound: some 200-700 ms after it was said.
    pub known_at: Duration,
    pub text: String,
}

/// What the agent knew when the sound began, of its own speech and of the call so far.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Context {
    /// Seconds since the agent took the floor.
    pub agent_elapsed_s: f64,
    /// Words of the agent since it took the floor.
    pub agent_words: u32,
    /// Seconds that the agent had been silent, between two words.
    pub agent_silence_s: f64,
    /// Seconds since the agent's sentence began.
    pub sentence_elapsed_s: f64,
    /// Whether the agent's sentence had just ended.
    pub sentence_done: bool,
    /// Whether the agent's sentence is a question.
    pub sentence_is_question: bool,
    /// Whether the agent's sentence before that was a question.
    pub previous_was_question: bool,
    /// Seconds since the caller last made a sound; 120 if never, or longer ago.
    pub caller_gap_s: f64,
    /// Seconds of the caller's speech in the last 60 s.
    pub caller_talk60_s: f64,
    /// Seconds of the agent's speech in the last 60 s.
    pub agent_talk60_s: f64,
    /// Sounds that the caller began in the last 30 s.
    pub caller_sounds30: u32,
    /// Whether the caller had the floor before the agent.
    pub caller_had_floor: bool,
    /// The agent's last eight words, as it has spoken them, with spaces between.
    pub agent_tail: String,
}

/// Whether a recogniser prints words while the caller speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Listening {
    WithWords,
    ActivityOnly,
}

impl Listening {
    pub const BOTH: [Listening; 2] = [Listening::WithWords, Listening::ActivityOnly];

    pub fn name(self) -> &'static str {
        match self {
            Listening::WithWords => "with words",
            Listening::ActivityOnly => "activity only",
        }
    }
}

/// What a decision can go by at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Evidence {
    /// The sound alone: nobody prints words.
    Sound,
    /// The sound alone, for now: a recogniser listens and no word is known yet. That speaks neither for an interruption
    /// nor against one: words are known late, and many a short one only when the caller is silent again.
    SoundBeforeWords,
    /// The words so far, and the sound.
    Words,
}

/// A sound over the agent, so far.
#[derive(Debug, Clone, Copy)]
pub struct Heard<'a> {
    /// The time since the sound began. All other times count from there.
    pub since_onset: Duration,
    /// Stretches of voice so far, in order; only the last may be open.
    pub activity: &'a [Interval],
    /// Words known by now, in order, none as long as there are none; `None` if no recogniser listens that prints words
    /// while the caller speaks.
    pub words: Option<&'a [Word]>,
    pub context: &'a Context,
}

impl Heard<'_> {
    pub fn evidence(&self) -> Evidence {
        match self.words {
            None => Evidence::Sound,
            Some(words) if words.iter().all(|word| word.known_at > self.since_onset) => {
                Evidence::SoundBeforeWords
            }
            Some(_) => Evidence::Words,
        }
    }

    /// How much of the sound was voiced, without its pauses.
    pub fn voiced(&self) -> Duration {
        self.activity.iter().map(|run| self.length(*run)).sum()
    }

    /// Whether the sound is voiced right now.
    pub fn is_voiced(&self) -> bool {
        self.activity.last().is_some_and(|run| run.off.is_none())
    }

    /// The time since the last voice; zero while it goes on.
    pub fn silence(&self) -> Duration {
        let last = self.activity.last();
        let end = last.map_or(Duration::ZERO, |run| run.off.unwrap_or(self.since_onset));
        self.since_onset.saturating_sub(end)
    }

    /// The length so far of a stretch of voice.
    pub fn length(&self, run: Interval) -> Duration {
        run.off.unwrap_or(self.since_onset).saturating_sub(run.on)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn pauses_are_not_voice() {
        let context = Context::default();
        let activity = [
            Interval {
                on: ms(0),
                off: Some(ms(200)),
            },
            Interval {
                on: ms(350),
                off: None,
            },
        ];
        let heard = |runs, now| Heard {
            since_onset: ms(now),
            activity: &activity[..runs],
            words: None,
            context: &context,
        };
        let paused = heard(1, 300);
        assert_eq!((paused.voiced(), paused.silence()), (ms(200), ms(100)));
        let resumed = heard(2, 400);
        assert_eq!((resumed.voiced(), resumed.silence()), (ms(250), ms(0)));
        assert!(resumed.is_voiced() && !paused.is_voiced());
    }
}
