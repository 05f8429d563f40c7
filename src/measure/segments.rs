//! Latencies by segment: the same figures for turns of one topic, one platform, one minute of a load. A percentile
//! over all turns mixes segments, and hides a slow one behind many fast ones.

use super::batches::Interval;
use super::holm::holm;
use super::reason::Reason;
use super::waits::{Known, WaitSummary, Waits};
use crate::scenario::budget::Percentile;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A segment stands out if chance would make one so slow in less than one of twenty reports.
const SIGNIFICANCE: f64 = 0.05;

/// With fewer conversations than this on either side turns are taken for independent of each other.
const CONVERSATIONS_MIN: u64 = 20;

/// The slowest parts of all turns in which a slow segment has more than its share.
const SLOW: [u32; 2] = [75, 95];

/// How long a turn waited, and for how long at least if in vain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// The answer came after so many nanoseconds.
    Came(u64),
    /// No answer came within so many nanoseconds; `None` if nothing is known of how long.
    InVain(Option<u64>, Reason),
}

/// A turn that should have been answered, and the segment that it belongs to.
#[derive(Debug, Clone)]
pub struct Placed {
    /// The name of the segment.
    pub segment: Arc<str>,
    /// The conversation: turns of one resemble each other.
    pub conversation: u64,
    /// How long it waited.
    pub wait: Wait,
}

/// Turns by one label.
#[derive(Debug, Clone, Serialize)]
pub struct Segments {
    /// The label.
    pub by: String,
    /// The segments in the order of their names.
    pub segments: Vec<Segment>,
    /// The name of the slowest of those that stand out, if any does.
    pub worst: Option<Arc<str>>,
    /// Whether turns were taken for independent of each other, because a segment has few conversations.
    pub are_turns_independent: bool,
}

/// One segment.
#[derive(Debug, Clone, Serialize)]
pub struct Segment {
    /// The value of the label.
    pub name: Arc<str>,
    /// How many conversations have such turns.
    pub conversations: u64,
    /// How many turns there are, those without an answer included.
    pub turns: u64,
    /// Their latencies.
    pub e2e_latency: WaitSummary,
    /// The 95 % interval of p95, from the order of the turns alone; `None` of too few.
    pub p95_interval: Option<Interval>,
    /// The probability that chance makes a segment so slow, corrected for the number of segments; `None` if there is
    /// nothing else to compare with.
    pub p_holm: Option<f64>,
}

impl Segments {
    /// Gathers turns by their segments.
    pub fn of(by: impl Into<String>, turns: &[Placed]) -> Segments {
        let mut all = Waits::default();
        let mut gathered: BTreeMap<&Arc<str>, Gathered> = BTreeMap::new();
        for turn in turns {
            add(&mut all, turn.wait);
            let (waits, conversations) = gathered.entry(&turn.segment).or_default();
            add(waits, turn.wait);
            conversations
                .entry(turn.conversation)
                .or_default()
                .push(turn.wait);
        }
        let limits = SLOW.map(|percent| all.percentile(Percentile::whole(percent)));
        let clusters: Vec<Clusters> = gathered
            .values()
            .map(|(_, conversations)| Clusters::of(conversations, limits))
            .collect();
        let p_values: Vec<f64> = (0..clusters.len())
            .map(|own| chance(&clusters, own))
            .collect();
        let corrected = holm(&p_values);
        let is_alone = clusters.len() < 2;
        let segments: Vec<Segment> = gathered
            .iter()
            .zip(corrected)
            .filter_map(|((name, (waits, conversations)), p_holm)| {
                Some(Segment {
                    name: Arc::clone(name),
                    conversations: conversations.len() as u64,
                    turns: waits.count(),
                    e2e_latency: waits.summary()?,
                    p95_interval: of_order(waits, 0.95),
                    p_holm: (!is_alone).then_some(p_holm),
                })
            })
            .collect();
        let stands_out = |segment: &&Segment| segment.p_holm.is_some_and(|p| p < SIGNIFICANCE);
        let slowness = |segment: &Segment| {
            let e2e = &segment.e2e_latency;
            let unanswered = e2e.unanswered.as_ref();
            [
                e2e.p95.rank(),
                unanswered.map_or(0.0, |unanswered| unanswered.share),
                e2e.p95.over().unwrap_or(0.0),
                segment.turns as f64,
            ]
        };
        let worst = segments.iter().filter(stands_out).max_by(|one, other| {
            let pairs = slowness(one).into_iter().zip(slowness(other));
            let orders = pairs.map(|(one, other)| one.total_cmp(&other));
            orders.fold(std::cmp::Ordering::Equal, std::cmp::Ordering::then)
        });
        Segments {
            by: by.into(),
            are_turns_independent: clusters.iter().any(|own| own.is_small()),
            worst: worst.map(|segment| segment.name.clone()),
            segments,
        }
    }

    /// The slowest segment of those that stand out.
    pub fn worst(&self) -> Option<&Segment> {
        let worst = self.worst.as_ref()?;
        self.segments.iter().find(|segment| segment.name == *worst)
    }
}

fn add(waits: &mut Waits, wait: Wait) {
    match wait {
        Wait::Came(span_ns) => waits.came(span_ns),
        Wait::InVain(at_least_ns, reason) => waits.in_vain(at_least_ns, reason),
    }
}

/// The waits of a segment, and those of each conversation.
type Gathered = (Waits, BTreeMap<u64, Vec<Wait>>);

/// Turns of a segment by conversation: how many there are, and how many of them are slow.
#[derive(Debug, Default)]
struct Clusters(Vec<(u64, [u64; SLOW.len()])>);

impl Clusters {
    fn of(
        conversations: &BTreeMap<u64, Vec<Wait>>,
        limits: [Option<Known>; SLOW.len()],
    ) -> Clusters {
        let is_slow = |wait: &Wait, limit: Option<Known>| match (wait, limit) {
            (Wait::InVain(..), Some(Known::Is(_))) => true,
            // A limit is the top of its bucket, which is a thousandth wide.
            (Wait::Came(span_ns), Some(Known::Is(limit_ms))) => {
                super::ms(*span_ns) >= limit_ms * 0.999
            }
            // The limit lies among the waits in vain.
            (wait, _) => matches!(wait, Wait::InVain(..)),
        };
        let of_one = |waits: &Vec<Wait>| {
            let slow =
                limits.map(|limit| waits.iter().filter(|w| is_slow(w, limit)).count() as u64);
            (waits.len() as u64, slow)
        };
        Clusters(conversations.values().map(of_one).collect())
    }

    fn is_small(&self) -> bool {
        (self.0.len() as u64) < CONVERSATIONS_MIN
    }

    fn sums(&self, place: usize) -> (f64, f64) {
        let sum = |of: fn(&(u64, [u64; SLOW.len()]), usize) -> u64| -> f64 {
            self.0.iter().map(|own| of(own, place)).sum::<u64>() as f64
        };
        (sum(|own, place| own.1[place]), sum(|own, _| own.0))
    }

    /// The variance of the share of slow turns (Cochran 1977, "Sampling Techniques", 6.4).
    fn variance(&self, place: usize) -> f64 {
        let (slow, turns) = self.sums(place);
        let (share, count) = (slow / turns, self.0.len() as f64);
        let squares: f64 = self
            .0
            .iter()
            .map(|(turns, slow)| libm::pow(slow[place] as f64 - share * *turns as f64, 2.0))
            .sum();
        count / (count - 1.0) * squares / (turns * turns)
    }
}

/// The probability that chance gives a segment so many of the slow turns, for both limits together (Bonferroni).
fn chance(all: &[Clusters], own: usize) -> f64 {
    let mut rest = Clusters::default();
    for (place, other) in all.iter().enumerate() {
        if place != own {
            rest.0.extend(other.0.iter().copied());
        }
    }
    let own = &all[own];
    let of_limit = |place: usize| {
        let ((slow, turns), (others_slow, others)) = (own.sums(place), rest.sums(place));
        if others == 0.0 {
            return 1.0;
        }
        if own.is_small() || rest.is_small() {
            return at_least(slow, turns, slow + others_slow, turns + others);
        }
        let spread = libm::sqrt(own.variance(place) + rest.variance(place));
        let difference = slow / turns - others_slow / others;
        match (spread > 0.0, difference > 0.0) {
            (true, _) => 0.5 * libm::erfc(difference / spread / std::f64::consts::SQRT_2),
            (false, false) => 1.0,
            // All conversations of a side agree: as many coins as there are conversations.
            (false, true) => {
                let [own, rest] = [own, &rest].map(|of| of.0.len() as f64);
                at_least(
                    own * slow / turns,
                    own,
                    own * slow / turns + rest * others_slow / others,
                    own + rest,
                )
            }
        }
    };
    let least = (0..SLOW.len()).map(of_limit).fold(1.0, f64::min);
    (SLOW.len() as f64 * least).min(1.0)
}

/// The probability of at least `slow` slow turns among `turns` of `all`, of which `all_slow` are (Fisher's exact
/// test, one-sided).
pub(super) fn at_least(slow: f64, turns: f64, all_slow: f64, all: f64) -> f64 {
    let ln_choose =
        |n: f64, k: f64| libm::lgamma(n + 1.0) - libm::lgamma(k + 1.0) - libm::lgamma(n - k + 1.0);
    let most = turns.min(all_slow);
    let whole = ln_choose(all, turns);
    let mut sum = 0.0;
    let mut count = slow.max(turns - (all - all_slow));
    while count <= most {
        let ln = ln_choose(all_slow, count) + ln_choose(all - all_slow, turns - count) - whole;
        sum += libm::exp(ln);
        count += 1.0;
    }
    sum.min(1.0)
}

/// The 95 % interval of a quantile between two of the ordered waits (David and Nagaraja 2003, "Order Statistics",
/// 7.1, by the normal approximation of the binomial). `None` where it reaches beyond the last of them.
fn of_order(waits: &Waits, quantile: f64) -> Option<Interval> {
    let count = waits.count() as f64;
    let half = 1.96 * libm::sqrt(count * quantile * (1.0 - quantile));
    let (low, high) = (count * quantile - half, count * quantile + half + 1.0);
    if low < 1.0 || high > count {
        return None;
    }
    // Both are at least one and at most the count.
    let at = |rank: f64| waits.of_rank(rank as u64);
    Some(Interval {
        low: match at(libm::floor(low))? {
            Known::Is(value) | Known::Over(value) => value,
        },
        high: at(libm::ceil(high).min(count))?.rank(),
    })
}

/// The names of windows of equal length, each with what turns at which second belong to it: at most a dozen, of a
/// length that people like.
pub fn window(at_s: f64, whole_s: f64) -> Arc<str> {
    const LENGTHS_S: [u64; 15] = [
        1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400,
    ];
    let fits = |length: &&u64| whole_s <= 12.0 * **length as f64;
    let length = LENGTHS_S.iter().find(fits).copied().unwrap_or(86_400);
    let digits = whole_s.max(1.0).log10() as usize + 1;
    // No conversation lasts for centuries.
    let from = (at_s / length as f64) as u64 * length;
    format!("{from:>digits$} to {:>digits$} s", from + length).into()
}

/// How many segments a report shows; more are no segments, but names.
pub const SEGMENTS_MAX: usize = 200;

/// The values of a label, as far as there are so few of them.
///
/// # Errors
/// How many there are, if they are too many.
pub fn refuse_many(turns: &[Placed]) -> Result<(), usize> {
    let names: BTreeSet<&Arc<str>> = turns.iter().map(|turn| &turn.segment).collect();
    match names.len() {
        many if many > SEGMENTS_MAX => Err(many),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Turns of a segment, one to a conversation, at so many milliseconds.
    fn placed(segment: &str, first: u64, ms: impl Iterator<Item = u64>) -> Vec<Placed> {
        let turn = |(conversation, ms): (u64, u64)| Placed {
            segment: segment.into(),
            conversation,
            wait: Wait::Came(ms * 1_000_000),
        };
        (first..).zip(ms).map(turn).collect()
    }

    #[test]
    fn chance_is_that_of_fishers_test() {
        // Three of three, of six: one way of twenty.
        assert!((at_least(3.0, 3.0, 3.0, 6.0) - 0.05).abs() < 1e-12);
        assert!((at_least(0.0, 3.0, 3.0, 6.0) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn a_slow_segment_is_named_and_an_equal_one_is_not() {
        let mut turns = placed("fast", 0, (0..100).map(|n| 500 + 3 * n));
        turns.extend(placed("slow", 100, (0..40).map(|n| 900 + 5 * n)));
        turns.extend(placed("usual", 200, (0..60).map(|n| 510 + 4 * n)));
        let segments = Segments::of("topic", &turns);
        assert_eq!(segments.worst().map(|own| &*own.name), Some("slow"));
        let slow = segments.worst().expect("it stands out");
        assert_eq!((slow.turns, slow.conversations), (40, 40));
        let p95 = slow.e2e_latency.p95.exact().expect("known");
        let interval = slow.p95_interval;
        assert!(interval.is_none_or(|i| (i.low..=i.high).contains(&p95)));
    }

    #[test]
    fn a_few_turns_that_are_slow_by_chance_stand_out_nowhere() {
        let mut turns = placed("many", 0, (0..100).map(|n| 500 + n));
        turns.extend(placed("few", 100, [700, 520].into_iter()));
        assert_eq!(Segments::of("topic", &turns).worst, None);
    }

    #[test]
    fn who_is_not_answered_makes_a_segment_slow() {
        let mut turns = placed("answers", 0, (0..50).map(|n| 900 + n));
        let silent = placed("silent", 50, (0..50).map(|n| 300 + n));
        turns.extend(silent.into_iter().enumerate().map(|(n, turn)| Placed {
            wait: match n % 2 {
                0 => Wait::InVain(Some(1_200_000_000), Reason::HungUp),
                _ => turn.wait,
            },
            ..turn
        }));
        let segments = Segments::of("platform", &turns);
        assert_eq!(segments.worst().map(|own| &*own.name), Some("silent"));
    }

    #[test]
    fn turns_of_one_conversation_are_not_taken_for_many() {
        // Twenty-five calls a platform, and what is slow in a call is slow throughout.
        let call = |platform: &'static str, number: u64, ms: u64| {
            let mut turns = placed(platform, number, std::iter::repeat_n(ms, 20));
            turns.iter_mut().for_each(|turn| turn.conversation = number);
            turns
        };
        let mut turns = Vec::new();
        for number in 0..25 {
            turns.extend(call("one", number, if number < 7 { 900 } else { 500 }));
            turns.extend(call(
                "other",
                100 + number,
                if number < 5 { 900 } else { 500 },
            ));
        }
        assert_eq!(Segments::of("platform", &turns).worst, None);
    }

    #[test]
    fn exact_tails_are_those_of_the_tables() {
        // Four of four cups (Fisher 1935): one of 70 ways.
        assert!((at_least(4.0, 4.0, 4.0, 8.0) - 1.0 / 70.0).abs() < 1e-9);
        assert!((at_least(3.0, 4.0, 4.0, 8.0) - 17.0 / 70.0).abs() < 1e-9);
    }

    #[test]
    fn windows_are_few_and_in_order() {
        assert_eq!(&*window(61.0, 600.0), " 60 to 120 s");
        assert_eq!(&*window(3.0, 9.0), "3 to 4 s");
        let mut names: Vec<_> = (0..60).map(|s| window(f64::from(s), 60.0)).collect();
        names.dedup();
        assert!(names.len() <= 12 && names.is_sorted());
    }
}
