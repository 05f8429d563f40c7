//! Counts and shares that a budget can limit.

use crate::event::CuredBy;

/// What a report counts. Shares lie in 0 to 1, but for the word error rate, which may exceed 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    FalseBargeIns,
    MissedBargeIns,
    SpuriousResponses,
    MissedResponses,
    CutOffs,
    FailedTurns,
    /// Callers who heard nothing for too long and started again.
    Restarts,
    /// Callers who lost patience.
    HangUps,
    Fillers,
    /// What was done about stages that failed or took too long, over all stages.
    Cured(CuredBy),
    /// Requests that no pool took, for whatever reason.
    PoolRefused,
    /// Of these, because too many waited.
    PoolRefusedFull,
    /// Because of the rate limit.
    PoolRefusedRate,
    /// The most requests that waited at once in any pool.
    PoolWaiting,
    /// Of the questions, each counted once.
    CutOffShare,
    /// Of the questions, those that were asked again included.
    FailedShare,
    /// Word error rate over all turns with a reference.
    Wer,
}

impl Count {
    /// By name, as reports and budgets have them.
    pub const ALL: [(&'static str, Count); 22] = [
        ("false_barge_ins", Count::FalseBargeIns),
        ("missed_barge_ins", Count::MissedBargeIns),
        ("spurious_responses", Count::SpuriousResponses),
        ("missed_responses", Count::MissedResponses),
        ("cut_offs", Count::CutOffs),
        ("failed_turns", Count::FailedTurns),
        ("restarts", Count::Restarts),
        ("hang_ups", Count::HangUps),
        ("fillers", Count::Fillers),
        ("cure.timed_out", Count::Cured(CuredBy::TimedOut)),
        ("cure.retried", Count::Cured(CuredBy::Retried)),
        ("cure.hedged", Count::Cured(CuredBy::Hedged)),
        ("cure.hedge_won", Count::Cured(CuredBy::HedgeWon)),
        ("cure.refused", Count::Cured(CuredBy::Refused)),
        ("cure.fell_back", Count::Cured(CuredBy::FellBack)),
        ("pool.refused", Count::PoolRefused),
        ("pool.refused_full", Count::PoolRefusedFull),
        ("pool.refused_rate", Count::PoolRefusedRate),
        ("pool.waiting", Count::PoolWaiting),
        ("cut_off_share", Count::CutOffShare),
        ("failed_share", Count::FailedShare),
        ("wer", Count::Wer),
    ];

    pub fn named(name: &str) -> Option<Count> {
        let found = Count::ALL.into_iter().find(|(own, _)| *own == name);
        found.map(|(_, count)| count)
    }
}
