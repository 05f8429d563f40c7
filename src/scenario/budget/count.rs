//! Counts and shares that a budget can limit.

use crate::event::ResilienceStep;

/// What a report counts. Shares lie in 0 to 1, but for the word error rate, which may exceed 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    /// Sounds to be ignored that the agent stopped for.
    FalseBargeIns,
    /// Turns that asked the agent to stop, and that it did not stop for.
    MissedBargeIns,
    /// Replies to what was to be ignored.
    SpuriousResponses,
    /// Questions that got no reply.
    MissedResponses,
    /// Questions that were cut off in the middle.
    CutOffs,
    /// Questions in the middle of which an endpoint was committed, and taken back unheard.
    VoidedCommits,
    /// Turns that failed because an engine did.
    FailedTurns,
    /// Times that a caller heard nothing for too long and asked again.
    Restarts,
    /// Callers who lost patience and hung up.
    HangUps,
    /// Times that something was said in place of an answer.
    Fillers,
    /// Conversations in which the agent had to say that it is a machine, could have, and did not say all of it.
    DisclosureMissing,
    /// Conversations in which the agent said so too late.
    DisclosureLate,
    /// Times that a resilience policy took effect, over all stages.
    Cured(ResilienceStep),
    /// Requests that pools refused, for whatever reason.
    PoolRefused,
    /// Requests that pools refused because too many waited.
    PoolRefusedFull,
    /// Requests that pools refused because of the rate limit.
    PoolRefusedRate,
    /// The most requests that waited at once in any pool.
    PoolWaiting,
    /// The share of questions in the middle of which an endpoint was committed, heard or taken back, each question
    /// counted once.
    CutOffShare,
    /// The share of questions that failed, those that were asked again included.
    FailedShare,
    /// The share of turns that should have been answered and were not.
    UnansweredShare,
    /// Sounds to be ignored that the agent stopped for, for each question that was asked.
    FalseBargeInsPerQuestion,
    /// Turns that asked the agent to stop, and that it did not stop for, for each question that was asked.
    MissedBargeInsPerQuestion,
    /// The word error rate over all turns with a reference.
    Wer,
}

impl Count {
    /// Every count with its name in reports; a budget adds `_max`.
    pub const ALL: [(&'static str, Count); 28] = [
        ("false_barge_ins", Count::FalseBargeIns),
        ("missed_barge_ins", Count::MissedBargeIns),
        ("spurious_responses", Count::SpuriousResponses),
        ("missed_responses", Count::MissedResponses),
        ("cut_offs", Count::CutOffs),
        ("voided_commits", Count::VoidedCommits),
        ("failed_turns", Count::FailedTurns),
        ("restarts", Count::Restarts),
        ("hang_ups", Count::HangUps),
        ("fillers", Count::Fillers),
        ("disclosure_missing", Count::DisclosureMissing),
        ("disclosure_late", Count::DisclosureLate),
        ("cure.timed_out", Count::Cured(ResilienceStep::TimedOut)),
        ("cure.retried", Count::Cured(ResilienceStep::Retried)),
        ("cure.hedged", Count::Cured(ResilienceStep::Hedged)),
        ("cure.hedge_won", Count::Cured(ResilienceStep::HedgeWon)),
        ("cure.refused", Count::Cured(ResilienceStep::Refused)),
        ("cure.fell_back", Count::Cured(ResilienceStep::FellBack)),
        ("pool.refused", Count::PoolRefused),
        ("pool.refused_full", Count::PoolRefusedFull),
        ("pool.refused_rate", Count::PoolRefusedRate),
        ("pool.waiting", Count::PoolWaiting),
        ("cut_off_share", Count::CutOffShare),
        ("failed_share", Count::FailedShare),
        ("unanswered_share", Count::UnansweredShare),
        (
            "false_barge_ins_per_question",
            Count::FalseBargeInsPerQuestion,
        ),
        (
            "missed_barge_ins_per_question",
            Count::MissedBargeInsPerQuestion,
        ),
        ("wer", Count::Wer),
    ];

    /// Whether the count is a number for each question, which may exceed 1.
    pub fn is_per_question(self) -> bool {
        matches!(
            self,
            Count::FalseBargeInsPerQuestion | Count::MissedBargeInsPerQuestion
        )
    }

    /// The count of this name, as in [`Count::ALL`].
    pub fn named(name: &str) -> Option<Count> {
        let found = Count::ALL.into_iter().find(|(own, _)| *own == name);
        found.map(|(_, count)| count)
    }
}
