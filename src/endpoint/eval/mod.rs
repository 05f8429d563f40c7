//! How good a policy is: how many pauses it cuts, how long it lets callers wait, and what that saves against a
//! fixed silence with the same cut-offs. Intervals by bootstrap over conversations.

pub mod curves;
mod policy;
mod table;
pub mod trade_off;

pub use policy::{Policy, Setting};
#[cfg(feature = "train")]
pub(super) use policy::{share_cut, where_falls};
pub use table::{Evaluation, Row, as_text, evaluate};

use super::pauses::{Labelled, Truth};
use crate::rng::Seed;
use std::collections::BTreeMap;
use std::time::Duration;

/// Who has not answered by then is taken to have waited so long, in milliseconds.
pub const NEVER_MS: f64 = 2_500.0;
/// Shorter pauses are not in the data.
const LEAST_MS: f64 = 100.0;
/// Fixed silences that a policy is held against, in milliseconds.
const GRID_MS: std::ops::RangeInclusive<u32> = 10..=250;
const GRID_STEP_MS: f64 = 10.0;
/// Resamples of the conversations.
const RESAMPLES: usize = 400;

/// What a policy decided about a pause whose outcome is known.
#[derive(Debug, Clone, Copy)]
pub struct Decided<'a> {
    truth: &'a Truth,
    /// The silence after which it commits, in milliseconds.
    pub commit_ms: f64,
}

impl<'a> Decided<'a> {
    /// The decision about a pause of the data: the silence after which the policy commits, `None` for never.
    /// `None` if nobody can say what became of it.
    pub fn of(labelled: &'a Labelled, commit: Option<Duration>) -> Option<Decided<'a>> {
        let truth = labelled.truth.as_ref()?;
        truth.is_end?;
        let commit_ms = commit.map_or(NEVER_MS, |silence| silence.as_secs_f64() * 1e3);
        Some(Decided {
            truth,
            commit_ms: commit_ms.max(LEAST_MS),
        })
    }

    fn is_end(&self) -> bool {
        self.truth.is_end == Some(true)
    }

    /// Whether the pause was taken for the end.
    pub fn is_cut(&self) -> bool {
        !self.is_end() && self.commit_ms < self.truth.pause_ms - 1e-6
    }
}

/// What is counted of one conversation.
#[derive(Debug, Default, Clone)]
struct Counts {
    pauses: f64,
    cut: f64,
    ends: f64,
    waited_ms: f64,
    turns: f64,
    turns_cut: f64,
    uncut_ends: f64,
    uncut_waited_ms: f64,
    /// Pauses longer than each silence of the grid, and turns with such a pause.
    longer: Vec<f64>,
    turns_longer: Vec<f64>,
}

/// How a policy did.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Score {
    /// The share of pauses that was cut.
    pub cut: f64,
    /// The mean wait at the ends, in milliseconds.
    pub wait_ms: f64,
    /// How much less that is than a fixed silence which cuts as many pauses.
    pub saves_ms: f64,
    /// The share of turns with a pause that was cut.
    pub turns_cut: f64,
    /// The mean wait at the ends of the other turns.
    pub turn_wait_ms: f64,
    /// How much less that is than a fixed silence which cuts as many turns.
    pub turn_saves_ms: f64,
}

fn grid() -> impl Iterator<Item = f64> {
    GRID_MS.map(|step| f64::from(step) * GRID_STEP_MS)
}

/// What is counted of each conversation, in the order of their names.
fn counted(decided: &[Decided<'_>]) -> Vec<Counts> {
    let mut conversations: BTreeMap<&str, BTreeMap<&str, Vec<&Decided<'_>>>> = BTreeMap::new();
    for one in decided {
        let turns = conversations.entry(&one.truth.conversation).or_default();
        turns.entry(&one.truth.turn).or_default().push(one);
    }
    conversations.values().map(of_conversation).collect()
}

fn of_conversation(turns: &BTreeMap<&str, Vec<&Decided<'_>>>) -> Counts {
    let steps = GRID_MS.count();
    let mut counts = Counts {
        longer: vec![0.0; steps],
        turns_longer: vec![0.0; steps],
        ..Counts::default()
    };
    for turn in turns.values() {
        let is_cut = turn.iter().any(|one| one.is_cut());
        let mut longest = 0.0_f64;
        for one in turn {
            if one.is_end() {
                counts.ends += 1.0;
                counts.waited_ms += one.commit_ms.min(NEVER_MS);
                continue;
            }
            counts.pauses += 1.0;
            counts.cut += f64::from(u8::from(one.is_cut()));
            longest = longest.max(one.truth.pause_ms);
            tally(&mut counts.longer, one.truth.pause_ms);
        }
        counts.turns += 1.0;
        counts.turns_cut += f64::from(u8::from(is_cut));
        tally(&mut counts.turns_longer, longest);
        // A turn has one end; should there be more, the last stands for the turn.
        if let Some(end) = turn
            .iter()
            .rev()
            .find(|one| one.is_end())
            .filter(|_| !is_cut)
        {
            counts.uncut_ends += 1.0;
            counts.uncut_waited_ms += end.commit_ms.min(NEVER_MS);
        }
    }
    counts
}

fn tally(longer: &mut [f64], pause_ms: f64) {
    for (count, silence_ms) in longer.iter_mut().zip(grid()) {
        *count += f64::from(u8::from(pause_ms > silence_ms + 1e-6));
    }
}

/// The fixed silence at which a share of pauses or turns is cut, on straight lines between those of the grid.
fn equal_ms(longer: &[f64], of: f64, share: f64) -> f64 {
    let mut before: Option<(f64, f64)> = None;
    for (silence_ms, count) in grid().zip(longer) {
        let cut = count / of;
        if cut <= share {
            return match before {
                Some((at, more)) if more > cut => {
                    at + (silence_ms - at) * (more - share) / (more - cut)
                }
                _ => silence_ms,
            };
        }
        before = Some((silence_ms, cut));
    }
    NEVER_MS
}

fn score<'a>(all: impl Iterator<Item = &'a Counts>) -> Score {
    let steps = GRID_MS.count();
    let mut sum = Counts {
        longer: vec![0.0; steps],
        turns_longer: vec![0.0; steps],
        ..Counts::default()
    };
    let add = |to: &mut [f64], what: &[f64]| {
        to.iter_mut().zip(what).for_each(|(to, what)| *to += what);
    };
    for counts in all {
        sum.pauses += counts.pauses;
        sum.cut += counts.cut;
        sum.ends += counts.ends;
        sum.waited_ms += counts.waited_ms;
        sum.turns += counts.turns;
        sum.turns_cut += counts.turns_cut;
        sum.uncut_ends += counts.uncut_ends;
        sum.uncut_waited_ms += counts.uncut_waited_ms;
        add(&mut sum.longer, &counts.longer);
        add(&mut sum.turns_longer, &counts.turns_longer);
    }
    let (pauses, turns) = (sum.pauses.max(1.0), sum.turns.max(1.0));
    let (cut, turns_cut) = (sum.cut / pauses, sum.turns_cut / turns);
    let wait_ms = sum.waited_ms / sum.ends.max(1.0);
    let turn_wait_ms = sum.uncut_waited_ms / sum.uncut_ends.max(1.0);
    Score {
        cut,
        wait_ms,
        saves_ms: equal_ms(&sum.longer, pauses, cut) - wait_ms,
        turns_cut,
        turn_wait_ms,
        turn_saves_ms: equal_ms(&sum.turns_longer, turns, turns_cut) - turn_wait_ms,
    }
}

/// A score, and the 95 % interval of what each figure would be on other conversations.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scored {
    /// The score over all conversations.
    pub score: Score,
    /// The lower ends of the intervals.
    pub low: Score,
    /// The upper ends of the intervals.
    pub high: Score,
}

/// Scores what a policy decided.
pub fn scored(decided: &[Decided<'_>]) -> Scored {
    let counts = counted(decided);
    let mut draw = Seed(1).source("endpoint", "bootstrap").draw(0, 0);
    let resample = |_| {
        let picks = (0..counts.len()).map(|_| {
            let at = (draw.uniform() * counts.len() as f64) as usize;
            &counts[at.min(counts.len() - 1)]
        });
        score(picks)
    };
    let resampled: Vec<Score> = (0..RESAMPLES).map(resample).collect();
    let at = |share: f64| {
        let of = |figure: fn(&Score) -> f64| {
            let mut all: Vec<f64> = resampled.iter().map(figure).collect();
            all.sort_by(f64::total_cmp);
            let place = (share * (all.len().max(1) - 1) as f64).round() as usize;
            all.get(place).copied().unwrap_or_default()
        };
        Score {
            cut: of(|it| it.cut),
            wait_ms: of(|it| it.wait_ms),
            saves_ms: of(|it| it.saves_ms),
            turns_cut: of(|it| it.turns_cut),
            turn_wait_ms: of(|it| it.turn_wait_ms),
            turn_saves_ms: of(|it| it.turn_saves_ms),
        }
    };
    Scored {
        score: score(counts.iter()),
        low: at(0.025),
        high: at(0.975),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::Pause;

    fn pauses() -> Vec<Labelled> {
        let one = |index: usize| Labelled {
            id: index.to_string(),
            pause: Pause::default(),
            words_after: Duration::ZERO,
            sound: None,
            truth: Some(Truth {
                is_end: Some(index % 4 == 3),
                pause_ms: 150.0 + 45.0 * index as f64,
                corpus: "made".to_owned(),
                conversation: format!("c{}", index % 3),
                speaker: "s".to_owned(),
                // Three pauses, and the end.
                turn: format!("c{}-{}", index % 3, index / 12),
                split: "dev".to_owned(),
                act_is_done: true,
                is_two_party: true,
            }),
        };
        (0..48).map(one).collect()
    }

    fn score_at(commit_ms: impl Fn(&Labelled) -> u64) -> Scored {
        let all = pauses();
        let decide = |one| Decided::of(one, Some(Duration::from_millis(commit_ms(one))));
        scored(&all.iter().filter_map(decide).collect::<Vec<_>>())
    }

    #[test]
    fn a_fixed_silence_saves_nothing_against_itself() {
        for silence_ms in [200, 500, 1_000] {
            let Score {
                saves_ms, wait_ms, ..
            } = score_at(|_| silence_ms).score;
            assert_eq!(wait_ms, silence_ms as f64);
            // Where no pause ends, a shorter silence does the same: they end up to 90 ms apart.
            assert!((-90.0..=1e-6).contains(&saves_ms), "{saves_ms}");
        }
    }

    #[test]
    fn a_policy_that_knows_the_ends_saves_all_its_waiting() {
        let knows = |one: &Labelled| match one.truth.as_ref().and_then(|truth| truth.is_end) {
            Some(true) => 100,
            _ => 2_500,
        };
        let Scored { score, low, high } = score_at(knows);
        assert_eq!(
            (score.cut, score.wait_ms, score.turns_cut),
            (0.0, 100.0, 0.0)
        );
        assert!(score.saves_ms > 1_500.0);
        assert!(low.saves_ms <= score.saves_ms && score.saves_ms <= high.saves_ms);
    }

    #[test]
    fn who_never_commits_waits_for_the_longest_that_counts() {
        let all = pauses();
        let decided: Vec<_> = all
            .iter()
            .filter_map(|one| Decided::of(one, None))
            .collect();
        assert_eq!(scored(&decided).score.wait_ms, NEVER_MS);
    }
}
