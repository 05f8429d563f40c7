//! Why a question that should have been answered was not.

use serde::{Deserialize, Serialize};

/// Why a question got no answer, or why a stage that worked on it never came to its first output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The caller did not wait any longer, and spoke again.
    BeganAgain,
    /// The caller did not wait any longer, and hung up. A question that a hang-up kept from being asked has this
    /// reason too.
    HungUp,
    /// An engine refused the work: its queue was full, or its rate limit exceeded.
    Refused,
    /// An engine failed.
    Failed,
    /// No answer came, and nothing says why.
    NothingCame,
    /// The run or the recording ended first.
    RunEnded,
}

impl Reason {
    /// Every reason, each at the place that is its code in files of turns.
    pub const ALL: [Reason; 6] = [
        Reason::BeganAgain,
        Reason::HungUp,
        Reason::Refused,
        Reason::Failed,
        Reason::NothingCame,
        Reason::RunEnded,
    ];

    /// The reason of that name; `None` if there is none.
    pub(super) fn named(name: &str) -> Option<Reason> {
        Reason::ALL.into_iter().find(|reason| reason.name() == name)
    }

    /// The name in reports and files: `hung_up`.
    pub fn name(self) -> &'static str {
        match self {
            Reason::BeganAgain => "began_again",
            Reason::HungUp => "hung_up",
            Reason::Refused => "refused",
            Reason::Failed => "failed",
            Reason::NothingCame => "nothing_came",
            Reason::RunEnded => "run_ended",
        }
    }

    /// What happened, for people: `the caller hung up`.
    pub fn told(self) -> &'static str {
        match self {
            Reason::BeganAgain => "the caller began again",
            Reason::HungUp => "the caller hung up",
            Reason::Refused => "an engine refused",
            Reason::Failed => "an engine failed",
            Reason::NothingCame => "nothing came",
            Reason::RunEnded => "the run ended",
        }
    }

    /// Whether an answer may have been on its way, so that only a lower bound of its wait is known: the caller
    /// left, or the run ended. After a failure, a refusal or a miss no answer would ever have come.
    pub fn is_censored(self) -> bool {
        matches!(self, Reason::BeganAgain | Reason::HungUp | Reason::RunEnded)
    }
}
