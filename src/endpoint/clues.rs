//! What the classifier sees of a pause: numbers, each with a name and a phrase for people, and words.
//!
//! Training, replay, live calls and the command line all come through [`Clues::of`], so they cannot see
//! different things.

use super::pause::Pause;

/// One number that the classifier sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Feature {
    /// The name in the file of weights.
    pub(super) name: &'static str,
    /// The phrase that stands before the number in an explanation.
    pub(super) phrase: &'static str,
    /// Whether the number is of words.
    pub(super) needs_words: bool,
}

const fn timing(name: &'static str, phrase: &'static str) -> Feature {
    Feature {
        name,
        phrase,
        needs_words: false,
    }
}

const fn of_words(name: &'static str, phrase: &'static str) -> Feature {
    Feature {
        name,
        phrase,
        needs_words: true,
    }
}

/// How many numbers there are.
pub(super) const COUNT: usize = FEATURES.len();

/// Every number, in the order of [`Clues::numbers`].
pub(super) const FEATURES: [Feature; 11] = [
    timing("turn_s", "seconds of the turn so far"),
    timing("pauses", "earlier pauses of the turn"),
    timing("last_pause_s", "seconds of the last pause"),
    timing("habit_mean", "how long the caller usually pauses"),
    timing("habit_longest", "how long the caller has paused at most"),
    timing("agent_asked", "the agent asked a question"),
    timing("gap_s", "seconds between the agent and the turn"),
    timing("at_once", "the caller began while the agent spoke"),
    of_words("turn_words", "words of the turn so far"),
    of_words("one_word", "a turn of one word"),
    of_words("few_words", "a turn of three words at most"),
];

/// What the classifier sees of a pause.
#[derive(Debug, Clone, PartialEq)]
pub struct Clues {
    /// The numbers, in the order of [`FEATURES`]; zero for those of words that are not known.
    pub(super) numbers: [f64; COUNT],
    /// Names of what the last words are, such as `last=the`; `None` if they are not known.
    pub words: Option<Vec<String>>,
}

impl Clues {
    /// What the classifier sees of this pause.
    pub fn of(pause: &Pause) -> Clues {
        let habit = &pause.habit;
        // A few pauses say little of a habit.
        let weight = f64::from(habit.pauses) / (f64::from(habit.pauses) + HABIT_PAUSES);
        let against = |seconds: f64, usual: f64| {
            (weight * (log(seconds) - log(usual))).clamp(-HABIT_MAX, HABIT_MAX)
        };
        let gap_s = pause.before.gap.map_or(GAP_MAX_S, |gap| gap.as_secs_f64());
        let is_known = pause.words.is_some();
        let words = f64::from(pause.turn_words).min(WORDS_MAX);
        let numbers = [
            log(pause.turn_s.min(TURN_MAX_S)),
            libm::log1p(f64::from(pause.pauses).min(PAUSES_MAX)),
            pause.last_pause_s.min(LAST_PAUSE_MAX_S),
            against(habit.mean_s, HABIT_MEAN_S),
            against(habit.longest_s, HABIT_LONGEST_S),
            flag(pause.before.agent_asked),
            libm::tanh(gap_s.min(GAP_MAX_S)),
            flag(pause.before.gap.is_some_and(|gap| gap.is_zero())),
            if is_known { libm::log1p(words) } else { 0.0 },
            flag(is_known && words <= 1.0),
            flag(is_known && words <= 3.0),
        ];
        Clues {
            numbers,
            words: pause.words.as_deref().map(word_clues),
        }
    }

    /// What the classifier sees of the same pause before any word is known.
    pub fn without_words(mut self) -> Clues {
        self.words = None;
        for (number, feature) in self.numbers.iter_mut().zip(FEATURES) {
            if feature.needs_words {
                *number = 0.0;
            }
        }
        self
    }
}

/// Turns that last longer count as so long: long ones are rarer in calls than in meetings.
const TURN_MAX_S: f64 = 20.0;
const WORDS_MAX: f64 = 60.0;
const PAUSES_MAX: f64 = 6.0;
const LAST_PAUSE_MAX_S: f64 = 1.5;
const GAP_MAX_S: f64 = 5.0;
/// Pauses after which half of a habit is believed.
const HABIT_PAUSES: f64 = 30.0;
const HABIT_MAX: f64 = 0.2;
/// The usual pause, and the usual longest one.
const HABIT_MEAN_S: f64 = 0.5;
const HABIT_LONGEST_S: f64 = 1.5;

/// Logarithm of seconds, for which a tenth more or less matters little.
fn log(seconds: f64) -> f64 {
    libm::log(seconds + 0.1)
}

fn flag(is_so: bool) -> f64 {
    f64::from(u8::from(is_so))
}

/// Endings that tell kinds of words apart.
const ENDINGS: [&str; 7] = ["ing", "ly", "ed", "s", "er", "tion", "y"];
/// Stands for the word before the first.
const BEGINNING: &str = "^";
const LETTERS_MAX: usize = 8;

/// Names of what the last words are: each of the last three, the last two and three together, the ending and
/// the length of the last.
fn word_clues(words: &[String]) -> Vec<String> {
    let from_end = |back: usize| {
        let index = words.len().checked_sub(back);
        index.map_or(BEGINNING, |index| words[index].as_str())
    };
    let (last, second, third) = (from_end(1), from_end(2), from_end(3));
    let mut clues = vec![
        format!("last={last}"),
        format!("second={second}"),
        format!("third={third}"),
        format!("two={second} {last}"),
        format!("three={third} {second} {last}"),
    ];
    let letters = last.chars().count();
    for ending in ENDINGS {
        if letters > ending.len() + 2 && last.ends_with(ending) {
            clues.push(format!("ending={ending}"));
        }
    }
    clues.push(format!("letters={}", letters.min(LETTERS_MAX)));
    clues
}

/// A clue of words for people: `last=the` becomes `the last word is "the"`.
pub(super) fn phrase(clue: &str) -> String {
    let (kind, what) = clue.split_once('=').unwrap_or(("", clue));
    if what == BEGINNING {
        return "there are few words so far".to_owned();
    }
    let what = what.replace("^ ", "");
    match kind {
        "last" => format!("the last word is “{what}”"),
        "second" => format!("the last word but one is “{what}”"),
        "third" => format!("the third last word is “{what}”"),
        "ending" => format!("the last word ends in “-{what}”"),
        "letters" => format!("letters of the last word: {what}"),
        _ => format!("the last words are “{what}”"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::{Before, Habit};
    use std::time::Duration;

    fn pause() -> Pause {
        Pause {
            turn_s: 2.0,
            words: Some(["i'd", "like", "to"].map(str::to_owned).to_vec()),
            turn_words: 3,
            ..Pause::default()
        }
    }

    #[test]
    fn the_last_words_count_alone_and_together() {
        let clues = Clues::of(&pause()).words.expect("words");
        assert_eq!(
            clues,
            [
                "last=to",
                "second=like",
                "third=i'd",
                "two=like to",
                "three=i'd like to",
                "letters=2"
            ]
        );
        assert_eq!(phrase("two=^ yes"), "the last words are “yes”");
    }

    #[test]
    fn without_words_nothing_is_said_of_them() {
        let unknown = Pause {
            words: None,
            turn_words: 0,
            ..pause()
        };
        let clues = Clues::of(&unknown);
        assert_eq!(clues.words, None);
        for (value, feature) in clues.numbers.iter().zip(FEATURES) {
            assert!(!feature.needs_words || *value == 0.0, "{}", feature.name);
        }
    }

    #[test]
    fn a_habit_counts_once_there_were_enough_pauses() {
        let value = |pauses| {
            let habit = Habit {
                pauses,
                mean_s: 0.6,
                longest_s: 1.5,
            };
            Clues::of(&Pause { habit, ..pause() }).numbers[3]
        };
        assert_eq!(value(0), 0.0);
        assert!(0.0 < value(5) && value(5) < value(500));
    }

    #[test]
    fn all_numbers_are_finite() {
        let before = Before {
            agent_asked: true,
            gap: Some(Duration::from_secs(50)),
        };
        for turn_s in [0.0, 1e9] {
            let clues = Clues::of(&Pause {
                turn_s,
                before,
                ..Pause::default()
            });
            assert!(clues.numbers.iter().all(|value| value.is_finite()));
        }
    }
}
