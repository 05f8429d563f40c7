//! What the work of an engine took.

use super::Remarks;
use serde::{Deserialize, Serialize};

/// What the work of a visit took, measured by the clock that ran it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cost {
    /// Time from the start of the job to its end.
    pub wall_ns: u64,
    /// CPU time of the whole process meanwhile, since engines compute on threads of their own
    /// libraries: other jobs and the ear are in it, programs that run as processes are not.
    pub cpu_ns: u64,
    /// Threads the job was granted.
    pub threads: u32,
    /// Threads that were busy with other jobs when the job started.
    pub concurrent: u32,
    /// CPU time that other programs took meanwhile of the cores that the job could have used, whether it
    /// was granted them or not: all that they took, less what the machine had to spare beside those cores.
    /// Known of work that was computed here, where the system tells (Linux, in steps of 10 ms).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub others_ns: Option<u64>,
    /// How much a language model wrote; `None` if nobody counts it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub tokens: Option<Tokens>,
    /// What was odd about the work, though it was done.
    #[serde(skip_serializing_if = "Remarks::is_empty", default)]
    pub remarks: Remarks,
}

/// How much a language model wrote, and in what time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tokens {
    /// Tokens of the answer as the server counts them, else the number of pieces that came.
    pub written: u32,
    /// Tokens that the model read before; `None` if the server does not tell.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub read: Option<u32>,
    /// Time from the first piece of the answer to the last, as they came, whoever waited for them.
    pub writing_ns: u64,
    /// Time from the first piece of what the model thought aloud to the first piece of the answer; `None` if it
    /// thought nothing aloud that the server tells apart from the answer.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reasoning_ns: Option<u64>,
}

impl Tokens {
    /// The tokens of two answers together.
    pub fn plus(self, later: Tokens) -> Tokens {
        let read = match (self.read, later.read) {
            (Some(one), Some(other)) => Some(one.saturating_add(other)),
            (one, other) => one.or(other),
        };
        Tokens {
            written: self.written.saturating_add(later.written),
            read,
            writing_ns: self.writing_ns.saturating_add(later.writing_ns),
            reasoning_ns: match (self.reasoning_ns, later.reasoning_ns) {
                (Some(one), Some(other)) => Some(one.saturating_add(other)),
                (one, other) => one.or(other),
            },
        }
    }
}

impl Cost {
    /// The cost of two pieces of work, one after the other.
    pub fn plus(self, later: Cost) -> Cost {
        Cost {
            wall_ns: self.wall_ns.saturating_add(later.wall_ns),
            cpu_ns: self.cpu_ns.saturating_add(later.cpu_ns),
            threads: self.threads.max(later.threads),
            concurrent: self.concurrent.max(later.concurrent),
            others_ns: match (self.others_ns, later.others_ns) {
                (Some(one), Some(other)) => Some(one.saturating_add(other)),
                (one, other) => one.or(other),
            },
            tokens: match (self.tokens, later.tokens) {
                (Some(one), Some(other)) => Some(one.plus(other)),
                (one, other) => one.or(other),
            },
            remarks: self.remarks.plus(later.remarks),
        }
    }
}
