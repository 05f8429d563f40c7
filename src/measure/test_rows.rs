//! Rows for tests.

use super::{HopSpans, Outcome, Row, WordErrors};
use crate::event::{Expect, Hop, Metric};
use proptest::prelude::*;

/// A row that came out so, and nothing else is known of it.
pub(crate) fn row(number: u32, outcome: Outcome) -> Row {
    Row {
        number,
        expect: None,
        is_judged: false,
        outcome,
        heard: "".into(),
        said: "".into(),
        began: None,
        caller_end: None,
        agent_start: None,
        e2e_ns: None,
        slices: Vec::new(),
        hops: HopSpans::default(),
        metrics: Vec::new(),
        doubtful: None,
        unanswered: None,
        in_vain: Vec::new(),
        stood_in: None,
        first_asked: None,
        left_ns: None,
        failed_ns: None,
        failure: None,
        remarks: Default::default(),
        has_no_shadow: false,
        shadow_ns: None,
        wer: None,
        is_right_known: false,
        is_right: None,
        endpoint: None,
        decided: None,
        stopped_agent: false,
        was_answered: false,
        has_voided_commit: false,
        is_again: false,
    }
}

prop_compose! {
    /// A row with any figures.
    pub(super) fn any_row()(
        expect in prop::sample::select(vec![
            None, Some(Expect::Respond), Some(Expect::Stop), Some(Expect::Ignore),
        ]),
        outcome in prop::sample::select(vec![
            Outcome::Answered, Outcome::CutOff, Outcome::Missed, Outcome::Failed,
        ]),
        (latency, shift) in (any::<u64>(), 0u32..64),
        others in prop::collection::btree_map(
            prop::sample::select(Metric::ALL[1..].to_vec()), any::<u64>(), 0..5,
        ),
        errors in prop::option::of(0u32..9),
        (stopped_agent, was_answered, is_again, went_on) in any::<(bool, bool, bool, bool)>(),
    ) -> Row {
        let e2e_ns = (outcome == Outcome::Answered).then_some(latency >> shift);
        let metrics = others.into_iter().chain(e2e_ns.map(|ns| (Metric::E2eLatency, ns)));
        Row {
            expect,
            e2e_ns,
            hops: e2e_ns.map(|ns| (Hop::Answer, ns)).into_iter().collect(),
            metrics: metrics.collect(),
            wer: errors.map(|errors| WordErrors { errors, words: 9, ..WordErrors::default() }),
            stopped_agent,
            was_answered,
            is_again,
            has_voided_commit: went_on && matches!(outcome, Outcome::Answered | Outcome::Missed),
            ..row(1, outcome)
        }
    }
}
