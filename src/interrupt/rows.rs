//! Replays a labelled sound as it would have been heard: the only code that makes [`Heard`] from
//! data.

use super::heard::{Context, Heard, Interval, Listening, Word};
use super::overlaps::{Overlap, Token};
use crate::rng::Seed;
use std::time::Duration;

/// Which ears and which recogniser heard the sound.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Hearing {
    /// Times as annotated; a word is known this long after its end.
    Clean { word_delay: Duration },
    /// As in life: words known 200-700 ms after their ends, the onset found 30-150 ms late, pauses
    /// shorter than 30-250 ms bridged, and three in ten of the short sounds missed.
    Augmented { seed: Seed },
}

/// The delay of words that figures are quoted for.
pub const WORD_DELAY: Duration = Duration::from_millis(300);

impl Hearing {
    pub const CLEAN: Hearing = Hearing::Clean {
        word_delay: WORD_DELAY,
    };
}

/// Sounds with less voice than this are the ones that a detector may miss.
const QUIET_S: f64 = 0.35;
const MISSED_SHARE: f64 = 0.3;

/// A whole sound, to be looked at from any moment of it. Times count from the onset as heard.
#[derive(Debug, Clone, PartialEq)]
pub struct Replay<'a> {
    /// How much later than the true onset the sound was noticed.
    pub noticed_after: Duration,
    runs: Vec<(Duration, Duration)>,
    /// How long after its end a voice is known to have ended.
    hangover: Duration,
    words: Vec<Word>,
    context: &'a Context,
}

impl<'a> Replay<'a> {
    /// A labelled sound as it is heard; `None` if the sound was missed.
    pub fn of(overlap: &'a Overlap, hearing: Hearing) -> Option<Replay<'a>> {
        match hearing {
            Hearing::Clean { word_delay } => Some(Replay {
                noticed_after: Duration::ZERO,
                runs: runs(&overlap.tokens, 0.0),
                hangover: Duration::ZERO,
                words: words(&overlap.tokens, 0.0, || word_delay.as_secs_f64()),
                context: &overlap.context,
            }),
            Hearing::Augmented { seed } => Replay::augmented(overlap, seed),
        }
    }

    fn augmented(overlap: &'a Overlap, seed: Seed) -> Option<Replay<'a>> {
        let stream = |purpose| seed.stream(&overlap.id, 0, 0, purpose);
        let between = |draw: f64, low: f64, high: f64| low + (high - low) * draw;
        let hangover_s = between(stream("hangover").uniform(), 0.03, 0.25);
        let late_s = between(stream("onset").uniform(), 0.03, 0.15);

        let true_runs = runs(&overlap.tokens, hangover_s);
        let length_s = |run: &(Duration, Duration)| (run.1 - run.0).as_secs_f64();
        let voiced_s: f64 = true_runs.iter().map(length_s).sum();
        if voiced_s < QUIET_S && stream("missed").uniform() < MISSED_SHARE {
            return None;
        }
        // Stretches shorter than the detector needs go unnoticed.
        let first = true_runs.iter().position(|run| length_s(run) > late_s)?;
        let noticed_after = true_runs[first].0 + seconds(late_s);
        let runs = true_runs[first..].iter();
        let runs = runs.map(|(on, off)| {
            (
                on.saturating_sub(noticed_after),
                off.saturating_sub(noticed_after),
            )
        });
        let mut delays = stream("words");
        Some(Replay {
            noticed_after,
            runs: runs.collect(),
            hangover: seconds(hangover_s),
            words: words(&overlap.tokens, noticed_after.as_secs_f64(), || {
                between(delays.uniform(), 0.2, 0.7)
            }),
            context: &overlap.context,
        })
    }

    /// A sound of which only the stretches of voice are known, in order, from its onset on.
    pub fn of_activity(runs: Vec<(Duration, Duration)>, context: &'a Context) -> Replay<'a> {
        Replay::of_sound(runs, Vec::new(), context)
    }

    /// A sound with stretches of voice, in order, from its onset on, and words in the order in which they are known.
    pub fn of_sound(
        runs: Vec<(Duration, Duration)>,
        words: Vec<Word>,
        context: &'a Context,
    ) -> Replay<'a> {
        Replay {
            noticed_after: Duration::ZERO,
            runs,
            hangover: Duration::ZERO,
            words,
            context,
        }
    }

    /// What is known `since_onset`. `activity` is room for the stretches of voice so far.
    pub fn heard<'b>(
        &'b self,
        since_onset: Duration,
        listening: Listening,
        activity: &'b mut Vec<Interval>,
    ) -> Heard<'b> {
        activity.clear();
        let so_far = self.runs.iter().take_while(|(on, _)| *on <= since_onset);
        activity.extend(so_far.map(|(on, off)| Interval {
            on: *on,
            off: Some(*off).filter(|off| *off + self.hangover <= since_onset),
        }));
        let known = self
            .words
            .partition_point(|word| word.known_at <= since_onset);
        Heard {
            since_onset,
            activity,
            words: match listening {
                Listening::WithWords => Some(&self.words[..known]),
                Listening::ActivityOnly => None,
            },
            context: self.context,
        }
    }
}

/// The stretches of voice, with pauses of up to `bridged_s` inside them. Every token is voice.
fn runs(tokens: &[Token], bridged_s: f64) -> Vec<(Duration, Duration)> {
    let mut runs: Vec<(f64, f64)> = Vec::new();
    for token in tokens.iter().filter(|token| token.end_s > token.start_s) {
        match runs.last_mut() {
            Some((_, off)) if token.start_s <= *off + bridged_s => *off = off.max(token.end_s),
            _ => runs.push((token.start_s, token.end_s)),
        }
    }
    let in_ticks = |(on, off)| (seconds(on), seconds(off));
    runs.into_iter().map(in_ticks).collect()
}

/// The words, each known a delay after its end, and none before the one ahead of it.
fn words(tokens: &[Token], onset_s: f64, mut delay_s: impl FnMut() -> f64) -> Vec<Word> {
    let mut latest = Duration::ZERO;
    let spoken = tokens.iter().filter(|token| token.is_word());
    let word = |token: &Token| {
        latest = latest.max(seconds((token.end_s + delay_s() - onset_s).max(0.0)));
        Word {
            known_at: latest,
            text: token.text.clone(),
        }
    };
    spoken.map(word).collect()
}

/// Whole microseconds, so that sums of times compare as they should.
fn seconds(seconds: f64) -> Duration {
    Duration::from_micros((seconds * 1e6).round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interrupt::features::features;
    use proptest::prelude::*;

    fn token(start_s: f64, end_s: f64, text: &str) -> Token {
        Token {
            start_s,
            end_s,
            text: text.to_owned(),
        }
    }

    fn overlap(tokens: Vec<Token>) -> Overlap {
        Overlap {
            id: "a".to_owned(),
            tokens,
            context: Context::default(),
            truth: None,
        }
    }

    /// Tokens that begin one after the other, with pauses and overlaps between them.
    fn tokens() -> impl Strategy<Value = Vec<Token>> {
        let one = (
            0.0..0.5,
            0.0..0.6,
            prop_oneof!["yeah", "but", "<laugh>", "report"],
        );
        prop::collection::vec(one, 1..12).prop_map(|parts| {
            let mut start_s = 0.0;
            let place = |(index, (wait_s, length_s, text)): (usize, (f64, f64, String))| {
                start_s += if index == 0 { 0.0 } else { wait_s };
                token(start_s, start_s + length_s, &text)
            };
            parts.into_iter().enumerate().map(place).collect()
        })
    }

    proptest! {
        /// Whatever happens after t, what is seen at t stays the same.
        #[test]
        fn the_future_changes_nothing(tokens in tokens(), at_ms in 0_u64..3_000, augmented: bool) {
            let seed = Seed(1);
            let hearing = if augmented { Hearing::Augmented { seed } } else { Hearing::CLEAN };
            let whole = overlap(tokens.clone());
            let Some(of_whole) = Replay::of(&whole, hearing) else { return Ok(()) };
            let at = Duration::from_millis(at_ms);
            let at_s = (at + of_whole.noticed_after).as_secs_f64();
            let past = tokens.into_iter().filter(|token| token.start_s <= at_s);
            // A token that goes on is voice for now; nobody knows of its end before it ends.
            let past = overlap(past.map(|token| Token {
                end_s: if token.end_s > at_s { at_s + 1.0 } else { token.end_s },
                ..token
            }).collect());
            let Some(of_past) = Replay::of(&past, hearing) else { return Ok(()) };
            prop_assume!(of_past.noticed_after == of_whole.noticed_after);
            let (mut a, mut b) = (Vec::new(), Vec::new());
            for listening in Listening::BOTH {
                let of_whole = features(&of_whole.heard(at, listening, &mut a));
                let of_past = features(&of_past.heard(at, listening, &mut b));
                prop_assert_eq!(of_whole, of_past);
            }
        }

        /// Training and live calls see the same features for the same facts: a call reports voice
        /// and words as they come, a replay knows them all and shows those so far.
        #[test]
        fn a_call_and_a_replay_of_it_see_the_same(tokens in tokens(), at_ms in 0_u64..3_000) {
            let overlap = overlap(tokens);
            let Some(replay) = Replay::of(&overlap, Hearing::CLEAN) else { return Ok(()) };
            let now = Duration::from_millis(at_ms);
            let mut live = Vec::new();
            for (on, off) in &replay.runs {
                if *on <= now {
                    live.push(Interval { on: *on, off: None });
                }
                if let (true, Some(last)) = (*off <= now, live.last_mut()) {
                    last.off = Some(*off);
                }
            }
            let words: Vec<Word> =
                replay.words.iter().filter(|word| word.known_at <= now).cloned().collect();
            let call = Heard {
                since_onset: now,
                activity: &live,
                words: Some(&words),
                context: &overlap.context,
            };
            let mut activity = Vec::new();
            let replayed = replay.heard(now, Listening::WithWords, &mut activity);
            prop_assert_eq!(features(&replayed), features(&call));
        }
    }

    #[test]
    fn a_word_counts_once_the_recogniser_has_printed_it() {
        let overlap = overlap(vec![token(0.0, 0.4, "yeah"), token(0.4, 0.9, "<laugh>")]);
        let replay = Replay::of(&overlap, Hearing::CLEAN).expect("noticed");
        let mut activity = Vec::new();
        let mut words = |ms| {
            let at = Duration::from_millis(ms);
            let heard = replay.heard(at, Listening::WithWords, &mut activity);
            (heard.words.map(<[Word]>::len), heard.is_voiced())
        };
        assert_eq!(words(699), (Some(0), true));
        assert_eq!(words(700), (Some(1), true));
        assert_eq!(words(900), (Some(1), false));
    }

    #[test]
    fn augmented_sounds_are_noticed_late_and_their_words_come_later() {
        let overlap = overlap(vec![token(0.0, 0.5, "no"), token(0.6, 1.5, "really")]);
        let replay = Replay::of(&overlap, Hearing::Augmented { seed: Seed(3) }).expect("noticed");
        let ms = |time: Duration| time.as_millis();
        assert!((30..=150).contains(&ms(replay.noticed_after)));
        let delay = replay.words[0].known_at + replay.noticed_after;
        assert!((700..=1_200).contains(&ms(delay)), "{delay:?}");
    }

    #[test]
    fn some_short_sounds_are_missed_and_no_long_ones() {
        let missed = |end_s| {
            let all = (0..200).map(|number| Overlap {
                id: format!("sound {number}"),
                ..overlap(vec![token(0.0, end_s, "mm")])
            });
            let hearing = Hearing::Augmented { seed: Seed(4) };
            all.filter(|overlap| Replay::of(overlap, hearing).is_none())
                .count()
        };
        assert!((40..=80).contains(&missed(0.3)), "{}", missed(0.3));
        assert_eq!(missed(0.6), 0);
    }
}
