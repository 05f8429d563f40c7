//! What is counted of conversations: numbers of things that happened, and shares of what they could have
//! happened to.

use super::callers::Callers;
use super::disclosures::Disclosures;
use super::interruptions::{Counts, Interruptions};
use super::resilience::ResilienceCounts;
use super::rows::{Outcome, Row};
use super::wer::WordErrors;
use super::{LoadFigures, Measurement};
use crate::event::{Event, Expect, Metric, ResilienceStep};
use crate::scenario::budget::Count;
use serde::{Deserialize, Serialize};

/// Counts over conversations. Only integers are added up, so the order makes no difference.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Counted {
    /// Conversations, or worlds of a load.
    worlds: u64,
    /// Questions that were asked; one that was asked again counts once.
    questions: u64,
    /// Questions among `questions` in the middle of which an endpoint was committed, heard or not.
    cut_off: u64,
    /// Turns that should have been answered.
    to_answer: u64,
    /// Turns among `to_answer` that were not answered.
    unanswered: u64,
    /// Requests that pools refused, because they were full and because of a rate limit.
    refused: (u64, u64),
    interruptions: Interruptions,
    callers: Callers,
    disclosures: Disclosures,
    resilience: ResilienceCounts,
    wer: WordErrors,
}

/// Counts, to be kept in a file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KeptCounted {
    worlds: u64,
    questions: u64,
    cut_off: u64,
    to_answer: u64,
    unanswered: u64,
    #[serde(skip_serializing_if = "is_nothing", default)]
    refused: (u64, u64),
    interruptions: Counts,
    callers: Callers,
    #[serde(skip_serializing_if = "Disclosures::is_empty", default)]
    disclosures: Disclosures,
    #[serde(skip_serializing_if = "ResilienceCounts::is_empty", default)]
    cures: ResilienceCounts,
    wer: WordErrors,
}

fn is_nothing(refused: &(u64, u64)) -> bool {
    *refused == (0, 0)
}

/// A number of things that happened, and what it is a share of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Parts {
    /// The number of things that happened.
    Number(u64),
    /// The number of things that happened, and of those that could have.
    Share(u64, u64),
}

impl Parts {
    /// The count or the share; `None` for a share of nothing.
    pub(super) fn value(self) -> Option<f64> {
        // Counts are far below 2^53.
        match self {
            Parts::Number(happened) => Some(happened as f64),
            Parts::Share(_, 0) => None,
            Parts::Share(happened, of) => Some(happened as f64 / of as f64),
        }
    }
}

impl Counted {
    /// The counts of a run.
    pub(super) fn of(measured: &Measurement) -> Counted {
        let mut own = Counted {
            worlds: 1,
            callers: measured.callers,
            disclosures: measured.disclosures,
            resilience: measured.resilience.clone(),
            ..Counted::default()
        };
        measured.rows.iter().for_each(|row| own.add_row(row));
        // Runs of which no rows are kept have the sums at least.
        own.interruptions = measured.interruptions.clone();
        own.wer = measured.wer.unwrap_or_default();
        if measured.rows.is_empty() {
            let waits = measured.metrics.get(&Metric::E2eLatency);
            own.to_answer = waits.map_or(0, |waits| waits.count());
            own.unanswered = own.to_answer - waits.map_or(0, |waits| waits.answered().count());
        }
        own
    }

    /// Adds a conversation.
    pub(super) fn add(&mut self, events: &[Event], rows: &[Row]) {
        rows.iter().for_each(|row| self.add_row(row));
        self.disclosures.add(events);
        for event in events.iter().filter(|event| !event.mark.is_step()) {
            self.callers.add(&event.mark);
            self.resilience.add(&event.mark);
        }
    }

    /// A world is over, in which calls shared what `load` tells, if it was one of many calls.
    pub(super) fn add_world(&mut self, load: Option<&LoadFigures>) {
        self.worlds += 1;
        for pool in load.iter().flat_map(|load| load.pools.values()) {
            self.refused.0 += pool.refused_full;
            self.refused.1 += pool.refused_rate;
        }
    }

    fn add_row(&mut self, row: &Row) {
        self.interruptions.add(row);
        if let Some(wer) = row.wer {
            self.wer = self.wer.plus(wer);
        }
        if row.is_first_question() {
            self.questions += 1;
            self.cut_off += u64::from(row.was_committed_early());
        }
        let is_unanswered = row.unanswered.is_some();
        self.to_answer += u64::from(is_unanswered || row.e2e_ns.is_some());
        self.unanswered += u64::from(is_unanswered);
    }

    pub(super) fn merge(&mut self, other: &Counted) {
        self.worlds += other.worlds;
        self.questions += other.questions;
        self.cut_off += other.cut_off;
        self.to_answer += other.to_answer;
        self.unanswered += other.unanswered;
        self.refused.0 += other.refused.0;
        self.refused.1 += other.refused.1;
        self.interruptions.merge(&other.interruptions);
        self.callers.merge(&other.callers);
        self.disclosures.merge(&other.disclosures);
        self.resilience.merge(&other.resilience);
        self.wer = self.wer.plus(other.wer);
    }

    pub(super) fn worlds(&self) -> u64 {
        self.worlds
    }

    /// The parts of a count; `None` for one that is no sum, the longest queue.
    pub(super) fn parts(&self, count: Count) -> Option<Parts> {
        let (wrong, callers) = (&self.interruptions, &self.callers);
        let number = match count {
            Count::FalseBargeIns => wrong.false_barge_ins.into(),
            Count::MissedBargeIns => wrong.missed_barge_ins.into(),
            Count::SpuriousResponses => wrong.spurious_responses.into(),
            Count::MissedResponses => wrong.missed_responses.into(),
            Count::CutOffs => wrong.cut_offs.into(),
            Count::VoidedCommits => wrong.voided_commits.into(),
            Count::FailedTurns => wrong.failed_turns.into(),
            Count::Restarts => callers.restarts,
            Count::HangUps => callers.hang_ups,
            Count::Fillers => callers.fillers,
            // Nobody looked whether the agent says that it is a machine.
            Count::DisclosureMissing | Count::DisclosureLate if self.disclosures.is_empty() => {
                return None;
            }
            Count::DisclosureMissing => self.disclosures.missing,
            Count::DisclosureLate => self.disclosures.late,
            Count::Cured(by) => self.cured(by),
            Count::PoolRefused => self.refused.0 + self.refused.1,
            Count::PoolRefusedFull => self.refused.0,
            Count::PoolRefusedRate => self.refused.1,
            Count::PoolWaiting => return None,
            Count::CutOffShare => return Some(Parts::Share(self.cut_off, self.questions)),
            Count::UnansweredShare => return Some(Parts::Share(self.unanswered, self.to_answer)),
            Count::FalseBargeInsPerQuestion => {
                return Some(Parts::Share(wrong.false_barge_ins.into(), self.questions));
            }
            Count::MissedBargeInsPerQuestion => {
                return Some(Parts::Share(wrong.missed_barge_ins.into(), self.questions));
            }
            Count::FailedShare => {
                let asked = wrong.asked(Expect::Respond);
                let failed = wrong.count(Expect::Respond, Outcome::Failed);
                return Some(Parts::Share(failed.into(), asked));
            }
            Count::Wer => {
                return Some(Parts::Share(self.wer.errors.into(), self.wer.words.into()));
            }
        };
        Some(Parts::Number(number))
    }

    fn cured(&self, by: ResilienceStep) -> u64 {
        let stages = self.resilience.iter();
        stages.filter_map(|(_, counts)| counts.get(&by)).sum()
    }

    pub(super) fn kept(&self) -> KeptCounted {
        KeptCounted {
            worlds: self.worlds,
            questions: self.questions,
            cut_off: self.cut_off,
            to_answer: self.to_answer,
            unanswered: self.unanswered,
            refused: self.refused,
            interruptions: self.interruptions.counts(),
            callers: self.callers,
            disclosures: self.disclosures,
            cures: self.resilience.clone(),
            wer: self.wer,
        }
    }

    /// The counts that an older file keeps: it has questions and those that were cut off alone.
    pub(super) fn of_questions(questions: u64, cut_off: u64) -> Counted {
        Counted {
            questions,
            cut_off,
            ..Counted::default()
        }
    }

    /// The counts that were kept.
    ///
    /// # Errors
    /// What in them cannot be, as the end of a sentence that begins with where they are.
    pub(super) fn of_kept(kept: KeptCounted, count_max: u64) -> Result<Counted, String> {
        let cures = kept.cures.iter().flat_map(|(_, counts)| counts.values());
        let callers = [
            kept.callers.restarts,
            kept.callers.hang_ups,
            kept.callers.fillers,
            kept.callers.votes,
            kept.callers.right_votes,
        ];
        if callers.iter().chain(cures).any(|count| *count > count_max) {
            return Err("counts more of callers or cures than there can be".into());
        }
        if !kept.disclosures.is_possible(count_max) {
            return Err("its disclosures do not add up".into());
        }
        for (part, whole) in [
            (kept.cut_off, kept.questions),
            (kept.unanswered, kept.to_answer),
            (kept.questions, count_max),
            (kept.to_answer, count_max),
            (kept.worlds, count_max),
            (kept.refused.0, count_max),
            (kept.refused.1, count_max),
        ] {
            if part > whole {
                return Err(format!("counts {part} of {whole}, which cannot be"));
            }
        }
        let interruptions = Interruptions::of_counts(kept.interruptions, u64::MAX);
        Ok(Counted {
            worlds: kept.worlds,
            questions: kept.questions,
            cut_off: kept.cut_off,
            to_answer: kept.to_answer,
            unanswered: kept.unanswered,
            refused: kept.refused,
            interruptions: interruptions.ok_or("has interruptions that do not add up")?,
            callers: kept.callers,
            disclosures: kept.disclosures,
            resilience: kept.cures,
            wer: kept.wer,
        })
    }
}
