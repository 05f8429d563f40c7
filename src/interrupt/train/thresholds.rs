//! Chooses when to stop: thresholds that change with time.

use super::{THRESHOLDS_CORPUS, is_interruption, rounded};
use crate::interrupt::eval::track::{AtSteps, STEPS, Seen, Track, time_of};
use crate::interrupt::heard::Listening;
use crate::interrupt::model::{Threshold, Thresholds, sigmoid};
use std::ops::Range;

/// What the thresholds are to reach on the sounds they are chosen by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Target {
    /// The greatest share of other sounds that stop the agent, in 0..1, if words are known. Without words the
    /// share may be twice as large: a smaller one would leave too many callers unheard.
    pub false_stops: f64,
}

impl Target {
    /// The share to aim at, a little below the target, since other calls will differ.
    fn aim(self, listening: Listening) -> f64 {
        const MARGIN: f64 = 0.03;
        let allowed = match listening {
            Listening::WithWords => self.false_stops,
            Listening::ActivityOnly => 2.0 * self.false_stops,
        };
        (allowed * (1.0 - MARGIN)).min(1.0)
    }
}

/// The share of missed interruptions that is as bad as a second of delay.
const DELAY_COST: f64 = 0.15;
/// How many missed interruptions a false stop is as bad as: each value is tried, and the thresholds that it
/// gives are moved to the target.
const FALSE_STOP_COSTS: [f64; 7] = [0.3, 0.4, 0.5, 0.65, 0.8, 1.2, 2.0];

/// Times of the thresholds, seconds. Four are enough: more fitted the sounds they were chosen by
/// better, and others no better.
const TIMES_S: [f64; 4] = [0.3, 0.6, 0.9, 1.2];
/// Log-odds that are tried for a threshold, in tenths.
const CHOICES: std::ops::RangeInclusive<i32> = -5..=40;
/// How far all thresholds may be moved to meet the target, in fiftieths.
const MOVES: std::ops::RangeInclusive<i32> = -100..=100;
const ROUNDS: usize = 10;

/// Until the first of these times, in seconds, a recogniser that has printed no word yet is waited for; from the second
/// one on it is taken for none.
const PATIENCE_S: [f64; 2] = [1.5, 2.0];

/// Thresholds for sounds without known words, then for sounds with some.
type LogOdds = [f64; 2 * TIMES_S.len()];
const WITHOUT: Range<usize> = 0..TIMES_S.len();
const WITH: Range<usize> = TIMES_S.len()..2 * TIMES_S.len();

/// How thresholds fare: shares in 0..1 and the mean delay, with 1.5 s for a miss.
#[derive(Debug, Clone, Copy)]
struct Outcome {
    missed: f64,
    false_stops: f64,
    delay_s: f64,
}

impl Outcome {
    fn cost(&self, false_stop_cost: f64) -> f64 {
        self.missed + DELAY_COST * self.delay_s + false_stop_cost * self.false_stops
    }
}

/// The thresholds that miss least and wait least with as many false stops as are aimed at: on the same sounds, once
/// followed with their words, once without. Those before and after the first word are chosen together.
pub(super) fn choose(
    with_words: &[Track<'_>],
    without: &[Track<'_>],
    target: Target,
) -> Thresholds {
    let activity_only = chosen(without, WITHOUT, target.aim(Listening::ActivityOnly));
    let listening = chosen(with_words, 0..WITH.end, target.aim(Listening::WithWords));
    let activity_only = as_thresholds(&activity_only[WITHOUT]);
    let mut before_words = as_thresholds(&listening[WITHOUT]);
    let ends = [before_words.last(), activity_only.last()];
    let ends = ends.map(|last| last.map_or(1.0, |last| last.stop));
    let late = PATIENCE_S.into_iter().zip(ends);
    before_words.extend(late.map(|(at_s, stop)| Threshold { at_s, stop }));
    Thresholds {
        with_words: as_thresholds(&listening[WITH]),
        before_words,
        activity_only,
    }
}

fn chosen(tracks: &[Track<'_>], places: Range<usize>, aim: f64) -> LogOdds {
    let sounds = Sounds::of(tracks);
    let mut log_odds = [2.0; WITH.end];
    let mut best: Option<(f64, LogOdds)> = None;
    for false_stop_cost in FALSE_STOP_COSTS {
        log_odds = sounds.improved(log_odds, places.clone(), false_stop_cost);
        let moved = MOVES.map(|fiftieths| log_odds.map(|x| x + f64::from(fiftieths) / 50.0));
        let meets = |moved: &LogOdds| sounds.outcome(moved).false_stops <= aim;
        let Some(moved) = moved.into_iter().find(meets) else {
            continue;
        };
        let cost = sounds.outcome(&moved).cost(0.0);
        if best.is_none_or(|(best, _)| cost < best) {
            best = Some((cost, moved));
        }
    }
    best.map_or([f64::from(*CHOICES.end()) / 10.0; WITH.end], |(_, best)| {
        best
    })
}

/// What was made of the sounds that thresholds are chosen by.
struct Sounds<'a> {
    sounds: Vec<(&'a Seen, bool)>,
}

impl<'a> Sounds<'a> {
    /// The sounds of the corpus to choose by, or all if it has none.
    fn of(tracks: &'a [Track<'_>]) -> Sounds<'a> {
        let is_chosen = |track: &Track<'_>| track.truth.corpus == THRESHOLDS_CORPUS;
        let takes_all = !tracks.iter().any(is_chosen);
        let counts = tracks.iter().filter(|track| takes_all || is_chosen(track));
        let sound =
            |track: &'a Track<'_>| Some((track.seen.as_ref()?, is_interruption(track.overlap)?));
        Sounds {
            sounds: counts.filter_map(sound).collect(),
        }
    }

    fn outcome(&self, log_odds: &LogOdds) -> Outcome {
        let without = as_thresholds(&log_odds[WITHOUT]);
        let thresholds = AtSteps::new(&Thresholds {
            with_words: as_thresholds(&log_odds[WITH]),
            before_words: without.clone(),
            activity_only: without,
        });
        let (mut positive, mut negative) = (0.0, 0.0);
        let (mut missed, mut false_stops, mut delay_s) = (0.0, 0.0, 0.0);
        for (seen, is_interruption) in &self.sounds {
            let stop = seen.stop(&thresholds, 0.0);
            if *is_interruption {
                positive += 1.0;
                missed += f64::from(u8::from(stop.is_none()));
                delay_s += time_of(stop.unwrap_or(STEPS - 1)).as_secs_f64();
            } else {
                negative += 1.0;
                false_stops += f64::from(u8::from(stop.is_some()));
            }
        }
        Outcome {
            missed: missed / positive,
            false_stops: false_stops / negative,
            delay_s: delay_s / positive,
        }
    }

    /// Improves one threshold after the other until none gets better.
    fn improved(&self, start: LogOdds, places: Range<usize>, false_stop_cost: f64) -> LogOdds {
        let cost = |log_odds: &LogOdds| self.outcome(log_odds).cost(false_stop_cost);
        let (mut best, mut best_cost) = (start, cost(&start));
        for _ in 0..ROUNDS {
            let before = best_cost;
            for place in places.clone() {
                for tenths in CHOICES {
                    let mut other = best;
                    other[place] = f64::from(tenths) / 10.0;
                    let other_cost = cost(&other);
                    if other_cost < best_cost {
                        (best, best_cost) = (other, other_cost);
                    }
                }
            }
            if best_cost >= before {
                break;
            }
        }
        best
    }
}

fn as_thresholds(log_odds: &[f64]) -> Vec<Threshold> {
    let threshold = |(at_s, log_odds): (&f64, &f64)| Threshold {
        at_s: *at_s,
        stop: rounded(sigmoid(*log_odds)),
    };
    TIMES_S.iter().zip(log_odds).map(threshold).collect()
}
