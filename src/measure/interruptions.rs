//! What went right and wrong when both spoke, or nobody did: counts.

use super::rows::{Outcome, Row};
use crate::event::Expect;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Counts over turns of which something was expected.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Interruptions {
    /// Turns that asked the agent to stop.
    pub barge_ins: u32,
    /// The share of `barge_ins` that the agent stopped for, 0 to 1; `None` if there were none.
    pub barge_in_success_rate: Option<f64>,
    /// Sounds to be ignored that the agent stopped for.
    pub false_barge_ins: u32,
    /// Turns that asked the agent to stop, and that it did not stop for.
    pub missed_barge_ins: u32,
    /// Replies to what was to be ignored.
    pub spurious_responses: u32,
    /// Questions that got no reply.
    pub missed_responses: u32,
    /// Questions that were cut off in the middle: something of the reply to their first half was heard.
    pub cut_offs: u32,
    /// Questions in the middle of which an endpoint was committed, and taken back before anything of the reply was
    /// heard.
    pub voided_commits: u32,
    /// Turns that failed because an engine did.
    pub failed_turns: u32,
    /// How turns came out, by what was asked for: expectation, outcome, count.
    pub outcomes: BTreeMap<Expect, BTreeMap<Outcome, u32>>,
}

/// The counts alone, to be kept in a file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Counts {
    barge_ins: u32,
    false_barge_ins: u32,
    missed_barge_ins: u32,
    spurious_responses: u32,
    missed_responses: u32,
    cut_offs: u32,
    #[serde(default, skip_serializing_if = "is_zero")]
    voided_commits: u32,
    failed_turns: u32,
    outcomes: BTreeMap<Expect, BTreeMap<Outcome, u32>>,
}

fn is_zero(count: &u32) -> bool {
    *count == 0
}

impl Counts {
    /// How many turns there are of which such a thing was expected.
    fn of(&self, is_asked: impl Fn(Expect) -> bool) -> u64 {
        let asked = self
            .outcomes
            .iter()
            .filter(|(expect, _)| is_asked(**expect));
        asked
            .flat_map(|(_, outcomes)| outcomes)
            .filter(|(outcome, _)| **outcome != Outcome::NotAsked)
            .map(|(_, count)| u64::from(*count))
            .sum()
    }
}

impl Interruptions {
    pub(super) fn counts(&self) -> Counts {
        Counts {
            barge_ins: self.barge_ins,
            false_barge_ins: self.false_barge_ins,
            missed_barge_ins: self.missed_barge_ins,
            spurious_responses: self.spurious_responses,
            missed_responses: self.missed_responses,
            cut_offs: self.cut_offs,
            voided_commits: self.voided_commits,
            failed_turns: self.failed_turns,
            outcomes: self.outcomes.clone(),
        }
    }

    /// The figures of `counts` over `turns` turns; `None` if so many turns cannot have these counts.
    pub(super) fn of_counts(counts: Counts, turns: u64) -> Option<Interruptions> {
        let all: u64 = counts.of(|_| true);
        let asked = |expect| counts.of(|own| own == expect);
        let is_possible = all <= turns
            && u64::from(counts.barge_ins) == asked(Expect::Stop)
            && counts.missed_barge_ins <= counts.barge_ins
            && u64::from(counts.false_barge_ins) <= asked(Expect::Ignore)
            && u64::from(counts.spurious_responses) <= asked(Expect::Ignore)
            && u64::from(counts.missed_responses) <= asked(Expect::Respond)
            && u64::from(counts.cut_offs) <= turns
            && u64::from(counts.voided_commits) <= turns
            && u64::from(counts.failed_turns) <= turns;
        let mut own = Interruptions {
            barge_ins: counts.barge_ins,
            barge_in_success_rate: None,
            false_barge_ins: counts.false_barge_ins,
            missed_barge_ins: counts.missed_barge_ins,
            spurious_responses: counts.spurious_responses,
            missed_responses: counts.missed_responses,
            cut_offs: counts.cut_offs,
            voided_commits: counts.voided_commits,
            failed_turns: counts.failed_turns,
            outcomes: counts.outcomes,
        };
        is_possible.then(|| {
            own.rate();
            own
        })
    }

    pub(super) fn add(&mut self, row: &Row) {
        if let Some(expect) = row.expect {
            *self
                .outcomes
                .entry(expect)
                .or_default()
                .entry(row.outcome)
                .or_default() += 1;
        }
        if row.outcome == Outcome::NotAsked {
            return;
        }
        self.cut_offs += u32::from(row.outcome == Outcome::CutOff);
        self.voided_commits += u32::from(row.has_voided_commit && row.outcome != Outcome::CutOff);
        self.failed_turns += u32::from(row.outcome == Outcome::Failed);
        match row.expect {
            Some(Expect::Stop) => {
                let has_stopped = matches!(row.outcome, Outcome::Stopped | Outcome::Answered);
                self.barge_ins += 1;
                self.missed_barge_ins += u32::from(!has_stopped);
                self.rate();
            }
            Some(Expect::Ignore) => {
                self.false_barge_ins += u32::from(row.stopped_agent);
                self.spurious_responses += u32::from(row.was_answered);
            }
            Some(Expect::Respond) => {
                self.missed_responses += u32::from(row.outcome == Outcome::Missed);
            }
            None => {}
        }
    }

    pub(super) fn merge(&mut self, other: &Interruptions) {
        self.barge_ins = self.barge_ins.saturating_add(other.barge_ins);
        self.false_barge_ins = self.false_barge_ins.saturating_add(other.false_barge_ins);
        self.missed_barge_ins = self.missed_barge_ins.saturating_add(other.missed_barge_ins);
        self.spurious_responses = self
            .spurious_responses
            .saturating_add(other.spurious_responses);
        self.missed_responses = self.missed_responses.saturating_add(other.missed_responses);
        self.cut_offs = self.cut_offs.saturating_add(other.cut_offs);
        self.voided_commits = self.voided_commits.saturating_add(other.voided_commits);
        self.failed_turns = self.failed_turns.saturating_add(other.failed_turns);
        for (expect, outcomes) in &other.outcomes {
            let own = self.outcomes.entry(*expect).or_default();
            for (outcome, count) in outcomes {
                let own = own.entry(*outcome).or_default();
                *own = own.saturating_add(*count);
            }
        }
        self.rate();
    }

    fn rate(&mut self) {
        let stopped = self.barge_ins - self.missed_barge_ins;
        self.barge_in_success_rate =
            (self.barge_ins > 0).then(|| f64::from(stopped) / f64::from(self.barge_ins));
    }

    /// How many turns of which `expect` was expected came out as `outcome`.
    pub fn count(&self, expect: Expect, outcome: Outcome) -> u32 {
        let outcomes = self.outcomes.get(&expect);
        outcomes
            .and_then(|outcomes| outcomes.get(&outcome))
            .copied()
            .unwrap_or(0)
    }

    /// How many turns were asked of which `expect` was expected.
    pub(super) fn asked(&self, expect: Expect) -> u64 {
        let outcomes = self.outcomes.get(&expect).into_iter().flatten();
        let asked = outcomes.filter(|(outcome, _)| **outcome != Outcome::NotAsked);
        asked.map(|(_, count)| u64::from(*count)).sum()
    }

    /// The share of questions that failed because an engine did, those that were asked again included, 0 to
    /// 1; `None` if none was asked.
    pub fn failed_share(&self) -> Option<f64> {
        let asked = self.asked(Expect::Respond);
        let failed = self.count(Expect::Respond, Outcome::Failed);
        (asked > 0).then(|| f64::from(failed) / asked as f64)
    }
}
