//! Rows for tests.

use super::{HopSpans, Outcome, Row};

/// A row that came out so, and nothing else is known of it.
pub(super) fn row(number: u32, outcome: Outcome) -> Row {
    Row {
        number,
        expect: None,
        is_judged: false,
        outcome,
        heard: "".into(),
        said: "".into(),
        caller_end: None,
        agent_start: None,
        e2e_ns: None,
        slices: Vec::new(),
        hops: HopSpans::default(),
        metrics: Vec::new(),
        wer: None,
        decided: None,
        stopped_agent: false,
        was_answered: false,
        is_again: false,
    }
}
