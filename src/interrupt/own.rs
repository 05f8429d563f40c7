//! Thresholds for one's own callers: all of them are moved by one number, chosen on labelled sounds of one's own calls.
//!
//! Few sounds say little. So the thresholds keep their course over time, each sound is judged by thresholds that were
//! chosen without its call, and every share has its interval.

use super::curve::{Curve, Sound};
use super::eval::ranking::Interval;
use super::eval::track::{AtSteps, STEPS, Seen, time_of};
use super::eval::{quantiles, trade_off_of_own};
use super::heard::Listening;
use super::model::{Threshold, Thresholds, logit, sigmoid};
use crate::event::InterruptionPolicy;
use crate::interval::wilson;
use serde::Serialize;
use std::collections::BTreeSet;

/// A sound over the agent of which it is known what it was.
#[derive(Debug, Clone)]
pub struct Labelled {
    /// The call it is from.
    pub call: String,
    pub is_interruption: bool,
    pub seen: Seen,
}

/// Fewer sounds than this of either kind choose nothing.
pub const EACH_MIN: usize = 10;

/// Why no thresholds were chosen.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error(
    "{interruptions} interruptions and {others} other sounds over the agent are too few to choose thresholds by; at least {EACH_MIN} of each are needed: give more calls, or label what was left out"
)]
pub struct TooFew {
    pub interruptions: usize,
    pub others: usize,
}

/// A share of sounds, in 0..=1, with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Share {
    pub share: f64,
    pub interval: Interval,
    pub of: usize,
}

impl Share {
    pub fn of(part: usize, all: usize) -> Share {
        let n = all.max(1) as f64;
        let share = part as f64 / n;
        let (low, high) = wilson(share, n);
        Share {
            share,
            interval: Interval { low, high },
            of: all,
        }
    }

    fn overlaps(&self, other: &Share) -> bool {
        self.interval.low <= other.interval.high && other.interval.low <= self.interval.high
    }
}

/// What thresholds do about the sounds, within 1.5 s of the onset.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Fares {
    /// The share of the interruptions that stop the agent.
    pub recall: Share,
    /// The share of the other sounds that stop the agent.
    pub false_stops: Share,
    /// The median time from the onset to the stop, milliseconds; `None` if nothing stops it.
    pub delay_p50_ms: Option<u32>,
}

/// Thresholds of one's own, and how they fare.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Calibrated {
    pub schema: &'static str,
    pub calls: usize,
    pub listening: &'static str,
    /// The greatest share of other sounds that may stop the agent, in 0..1.
    pub aim: f64,
    /// Log-odds by which the thresholds were moved: up is more cautious.
    pub moved: f64,
    /// The thresholds that ship.
    pub shipped: Fares,
    /// Thresholds moved so: each sound judged by those that were chosen without its call.
    pub own: Fares,
    /// `[log-odds moved, false stops, recall]`, from cautious to eager.
    pub trade_off: Vec<[f64; 3]>,
    #[serde(skip)]
    pub thresholds: Thresholds,
    #[serde(skip)]
    pub curves: [Curve; 2],
}

/// Moves that are tried, in twentieths of log-odds: as eager or cautious as 50 times more or fewer interruptions would
/// make it.
const MOVES: std::ops::RangeInclusive<i32> = -80..=80;

fn moves() -> impl Iterator<Item = f64> {
    MOVES.map(|twentieths| f64::from(twentieths) / 20.0)
}

/// The share of missed interruptions that is as bad as a second of delay.
const DELAY_COST: f64 = 0.15;

/// What every move does about one sound.
struct Outcomes<'a> {
    labelled: &'a Labelled,
    /// The step of the stop, for each move.
    stops: Vec<Option<usize>>,
}

/// Chooses how far to move `shipped` for these sounds, so that at most the share `aim` of the others stop the agent.
///
/// # Errors
/// Too few sounds.
pub fn calibrate(
    sounds: &[Labelled],
    shipped: &Thresholds,
    listening: Listening,
    aim: f64,
) -> Result<Calibrated, TooFew> {
    let interruptions = sounds.iter().filter(|sound| sound.is_interruption).count();
    let others = sounds.len() - interruptions;
    if interruptions < EACH_MIN || others < EACH_MIN {
        return Err(TooFew {
            interruptions,
            others,
        });
    }
    let at_steps = AtSteps::new(shipped);
    let outcomes: Vec<Outcomes<'_>> = sounds
        .iter()
        .map(|labelled| Outcomes {
            labelled,
            stops: moves()
                .map(|moved| labelled.seen.stop(&at_steps, moved))
                .collect(),
        })
        .collect();
    let all: Vec<&Outcomes<'_>> = outcomes.iter().collect();
    let chosen = choose(&all, aim);
    let calls: BTreeSet<&str> = sounds.iter().map(|sound| sound.call.as_str()).collect();
    let without = |call: &str| -> usize {
        let rest = outcomes.iter().filter(|o| o.labelled.call != call);
        choose(&rest.collect::<Vec<_>>(), aim)
    };
    let of_call: Vec<(&str, usize)> = calls.iter().map(|call| (*call, without(call))).collect();
    // Where there is only one call, its sounds are judged by a threshold that was chosen on them.
    let judged_by = |o: &Outcomes<'_>| match of_call.as_slice() {
        [_] => chosen,
        many => many
            .iter()
            .find(|(call, _)| *call == o.labelled.call)
            .map_or(chosen, |(_, index)| *index),
    };
    let unmoved = moves().position(|moved| moved == 0.0).unwrap_or(chosen);
    let moved = moves().nth(chosen).unwrap_or(0.0);
    let point = |(index, moved): (usize, f64)| {
        let [false_stops, recall] = shares(&all, index);
        [moved, false_stops, recall]
    };
    let mut trade_off: Vec<[f64; 3]> = moves().enumerate().map(point).collect();
    trade_off.reverse();
    let own_stop = |o: &Outcomes<'_>| o.stops[judged_by(o)];
    Ok(Calibrated {
        schema: "voicesim.classifier_calibration/1",
        calls: calls.len(),
        listening: listening.name(),
        aim,
        moved,
        shipped: fares(&all, |o| o.stops[unmoved]),
        own: fares(&all, own_stop),
        trade_off,
        thresholds: moved_by(shipped, listening, moved),
        curves: [Sound::Interruption, Sound::Backchannel].map(|sound| curve(&all, sound, own_stop)),
    })
}

/// Shares of the others and of the interruptions that stop the agent.
fn shares(of: &[&Outcomes<'_>], index: usize) -> [f64; 2] {
    [false, true].map(|kind| {
        let of_kind = || of.iter().filter(|o| o.labelled.is_interruption == kind);
        let stopped = of_kind().filter(|o| o.stops[index].is_some()).count();
        stopped as f64 / of_kind().count().max(1) as f64
    })
}

/// The index of the move that misses least and waits least within the aim, the least one if several do; if none is within
/// it, of the one with the fewest false stops. A few sounds that stop nobody do not prove that none will: the share is
/// reckoned by Laplace's rule of succession.
fn choose(of: &[&Outcomes<'_>], aim: f64) -> usize {
    let rated = moves().enumerate().map(|(index, moved)| {
        let (mut cost, mut positive, mut false_stops, mut others) = (0.0, 0.0, 0.0, 0.0);
        for o in of {
            match (o.labelled.is_interruption, o.stops[index]) {
                (true, stop) => {
                    positive += 1.0;
                    cost += f64::from(u8::from(stop.is_none()));
                    cost += DELAY_COST * time_of(stop.unwrap_or(STEPS - 1)).as_secs_f64();
                }
                (false, stop) => {
                    others += 1.0;
                    false_stops += f64::from(u8::from(stop.is_some()));
                }
            }
        }
        let excess = ((false_stops + 1.0) / (others + 2.0) - aim).max(0.0);
        (index, [excess, cost / f64::max(positive, 1.0), moved.abs()])
    });
    let by_rating = |a: &(usize, [f64; 3]), b: &(usize, [f64; 3])| {
        let pairs = a.1.iter().zip(&b.1);
        pairs.fold(std::cmp::Ordering::Equal, |so_far, (a, b)| {
            so_far.then(a.total_cmp(b))
        })
    };
    rated.min_by(by_rating).map_or(0, |(index, _)| index)
}

fn fares(of: &[&Outcomes<'_>], stop: impl Fn(&Outcomes<'_>) -> Option<usize>) -> Fares {
    let share = |kind: bool| {
        let of_kind = || of.iter().filter(|o| o.labelled.is_interruption == kind);
        let stopped = of_kind().filter(|o| stop(o).is_some()).count();
        Share::of(stopped, of_kind().count())
    };
    let delays = delays_ms(of, true, &stop);
    Fares {
        recall: share(true),
        false_stops: share(false),
        delay_p50_ms: delays.get(delays.len() / 2).copied(),
    }
}

/// How long after the onset the agent stops for sounds of a kind, sorted.
fn delays_ms(
    of: &[&Outcomes<'_>],
    kind: bool,
    stop: impl Fn(&Outcomes<'_>) -> Option<usize>,
) -> Vec<u32> {
    let of_kind = of.iter().filter(|o| o.labelled.is_interruption == kind);
    let after = of_kind.filter_map(|o| {
        let after = time_of(stop(o)?) + o.labelled.seen.noticed_after;
        u32::try_from(after.as_millis()).ok()
    });
    let mut delays: Vec<u32> = after.collect();
    delays.sort_unstable();
    delays
}

/// What simulations draw from.
fn curve(
    of: &[&Outcomes<'_>],
    sound: Sound,
    stop: impl Fn(&Outcomes<'_>) -> Option<usize>,
) -> Curve {
    let kind = sound == Sound::Interruption;
    let delays = delays_ms(of, kind, stop);
    let events = of.iter().filter(|o| o.labelled.is_interruption == kind);
    let events = events.count();
    let share = delays.len() as f64 / events.max(1) as f64;
    Curve {
        policy: InterruptionPolicy::Classifier,
        sound,
        stops: (share * 1e4).round() / 1e4,
        events,
        after_ms: quantiles(&delays),
        note: None,
    }
}

/// Thresholds moved for calls with words, or for those without; the others stay.
fn moved_by(shipped: &Thresholds, listening: Listening, moved: f64) -> Thresholds {
    let all = |thresholds: &[Threshold]| {
        let one = |threshold: &Threshold| Threshold {
            at_s: threshold.at_s,
            stop: (sigmoid(logit(threshold.stop) + moved) * 1e5).round() / 1e5,
        };
        thresholds.iter().map(one).collect()
    };
    let shipped = shipped.clone();
    match listening {
        Listening::WithWords => Thresholds {
            with_words: all(&shipped.with_words),
            before_words: all(&shipped.before_words),
            ..shipped
        },
        Listening::ActivityOnly => Thresholds {
            activity_only: all(&shipped.activity_only),
            ..shipped
        },
    }
}

impl Calibrated {
    /// What people read.
    pub fn as_text(&self) -> String {
        let (own, shipped) = (&self.own, &self.shipped);
        let line = |name: &str, fares: &Fares| {
            let share = |it: &Share| {
                let Interval { low, high } = it.interval;
                format!("{:.2} ({low:.2}-{high:.2})", it.share)
            };
            let delay = fares.delay_p50_ms;
            let delay = delay.map_or("-".to_owned(), |ms| format!("{ms} ms"));
            format!(
                "{name:<12} {:<18} {:<18} {delay:>12}\n",
                share(&fares.recall),
                share(&fares.false_stops)
            )
        };
        let mut text = format!(
            "{} interruptions and {} other sounds over the agent in {}, {}.\n",
            own.recall.of,
            own.false_stops.of,
            counted(self.calls, "call"),
            self.listening
        );
        text += &match self.moved {
            0.0 => "The thresholds stay as they ship.\n".to_owned(),
            moved => format!(
                "The thresholds are moved by {moved:+.2} log-odds: {}.\n",
                if moved > 0.0 {
                    "more cautious"
                } else {
                    "more eager"
                }
            ),
        };
        text += &format!(
            "\n{:<12} {:<18} {:<18} {:>12}\n",
            "", "recall", "false stops", "median delay"
        );
        text += &line("as shipped", shipped);
        text += &line("yours", own);
        text += match self.calls {
            1 => {
                "\nThere is one call only, so its sounds are judged by thresholds that they chose: the figures of yours are too good.\n"
            }
            _ => "\nYours: each sound is judged by thresholds that were chosen without its call.\n",
        };
        text += "In brackets: 95 % by Wilson, as if the sounds had nothing to do with each other; those of one caller do.\n";
        if own.false_stops.share > self.aim {
            text += &format!(
                "They do not keep to {} false stops on calls that did not choose them: give more calls, or aim lower.\n",
                self.aim
            );
        }
        let are_alike =
            own.recall.overlaps(&shipped.recall) && own.false_stops.overlaps(&shipped.false_stops);
        if are_alike && self.moved != 0.0 {
            text += "The intervals overlap: so few sounds do not show that yours are better.\n";
        }
        text
    }

    /// Recall against false stops, as an SVG.
    pub fn as_svg(&self) -> String {
        let points = self.trade_off.iter().map(|[_, x, y]| [*x, *y]);
        trade_off_of_own(
            points.collect(),
            &[("as shipped", &self.shipped), ("yours", &self.own)],
        )
    }
}

fn counted(count: usize, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interrupt::heard::Evidence;
    use crate::interrupt::model::shipped;
    use crate::rng::Seed;
    use proptest::prelude::*;
    use std::time::Duration;

    /// Sounds of ten calls, whose callers make back-channels that look like interruptions by `bias` log-odds.
    fn sounds(count: usize, bias: f64) -> Vec<Labelled> {
        let sound = |number: usize| {
            let mut stream = Seed(3).stream("sounds", number as u64, 0, "margin");
            let is_interruption = number.is_multiple_of(2);
            let centre = if is_interruption { 5.0 } else { bias };
            let log_odds = centre + 2.0 * stream.uniform() - 1.0;
            Labelled {
                call: (number / 2 % 10).to_string(),
                is_interruption,
                seen: Seen {
                    noticed_after: Duration::ZERO,
                    log_odds: std::array::from_fn(|step| log_odds - 2.0 / (step + 1) as f64),
                    evidence: [Evidence::Words; STEPS],
                    at_once: None,
                    listens: [false; STEPS],
                },
            }
        };
        (0..count).map(sound).collect()
    }

    fn calibrated(sounds: &[Labelled]) -> Result<Calibrated, TooFew> {
        let shipped = &shipped().expect("weights").thresholds;
        calibrate(sounds, shipped, Listening::WithWords, 0.1)
    }

    #[test]
    fn callers_who_agree_loudly_make_the_agent_more_cautious() {
        let own = calibrated(&sounds(200, 2.5)).expect("enough");
        assert!(own.shipped.false_stops.share > 0.5, "{own:?}");
        assert!(
            own.moved > 0.5 && own.own.false_stops.share <= 0.1,
            "{own:?}"
        );
        assert!(own.own.recall.share > 0.95, "{own:?}");
        let shipped = &shipped().expect("weights").thresholds;
        assert_eq!(own.thresholds.activity_only, shipped.activity_only);
        assert!(own.thresholds.with_words[0].stop > shipped.with_words[0].stop);
        assert!(own.thresholds.are_whole());
    }

    #[test]
    fn few_sounds_are_refused_and_a_handful_proves_little() {
        let error = calibrated(&sounds(18, -5.0)).expect_err("nine of each");
        assert!(
            error.to_string().starts_with("9 interruptions and 9 other"),
            "{error}"
        );
        let own = calibrated(&sounds(40, -5.0)).expect("enough");
        assert_eq!(own.own.false_stops.share, 0.0);
        assert!(own.own.false_stops.interval.high > 0.1, "{own:?}");
        let text = own.as_text();
        assert!(
            text.contains("20 interruptions and 20 other sounds"),
            "{text}"
        );
    }

    #[test]
    fn what_people_read_and_see_says_what_it_rests_on() {
        let own = calibrated(&sounds(60, 2.5)).expect("enough");
        insta_like(&own.as_text());
        let svg = own.as_svg();
        assert!(svg.starts_with("<svg") && svg.contains("yours") && !svg.contains("NaN"));
    }

    fn insta_like(text: &str) {
        for part in ["more cautious", "as shipped", "without its call", "Wilson"] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }

    #[test]
    fn a_single_call_says_that_its_figures_are_too_good() {
        let mut all = sounds(60, 2.5);
        all.iter_mut().for_each(|sound| sound.call = "a".into());
        let text = calibrated(&all).expect("enough").as_text();
        assert!(
            text.contains("too good") && text.contains("1 call,"),
            "{text}"
        );
    }

    proptest! {
        #[test]
        fn an_interval_holds_its_share(part in 0_usize..500, more in 0_usize..500) {
            let share = Share::of(part, part + more);
            let Interval { low, high } = share.interval;
            prop_assert!(0.0 <= low && low <= share.share && share.share <= high && high <= 1.0);
            let twice = Share::of(2 * part, 2 * (part + more));
            prop_assert!(twice.interval.high - twice.interval.low <= high - low + 1e-12);
        }

        #[test]
        fn a_lower_aim_is_never_more_eager(bias in -3.0_f64..5.0, aim in 0.05_f64..0.4) {
            let (all, shipped) = (sounds(60, bias), &shipped().expect("weights").thresholds);
            let stops = |aim| {
                let own = calibrate(&all, shipped, Listening::WithWords, aim).expect("enough");
                let [_, false_stops, _] = *own.trade_off.iter()
                    .find(|point| point[0] == own.moved).expect("a point");
                false_stops
            };
            prop_assert!(stops(aim) <= stops(aim + 0.1));
        }
    }
}
