//! What a probe knows of a call that it held: what the caller said when, and what was asked for.

use super::segments::Stretch;
use crate::event::{Doubt, Expect, Tick, nanos};
use std::ops::Range;

/// A voice detector's end of speech lies this near the true one, in milliseconds.
const DETECTED_NEAR: usize = 400;

/// What is known of a call.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Known {
    /// The turns that were come to, in order.
    pub turns: Vec<KnownTurn>,
    /// When frames went out late, or may have come in late.
    pub late: Vec<Range<Tick>>,
    /// The most that one was late.
    pub late_max_ns: u64,
    /// Whether the caller made up what to say, so that no scenario tells what was asked for.
    pub is_made_up: bool,
    /// When the call ended.
    pub ended_at: Tick,
    /// When connections broke off or the agent did what no agent may, and why; and whether the call ended by the last.
    pub failures: Vec<(Tick, String)>,
    pub has_failed: bool,
    /// When the caller hung up who had lost patience.
    pub gave_up: Option<Tick>,
    /// Whether the agent hung up: who was not answered before is not any more.
    pub agent_hung_up: bool,
    /// Whether the call ended before everything was said.
    pub is_cut_short: bool,
    /// What the agent says it heard, and when it told so.
    pub heard: Vec<(Tick, String)>,
    /// What it says it said.
    pub spoke: Vec<(Tick, String)>,
}

/// A turn of the caller.
#[derive(Debug, Clone, PartialEq)]
pub struct KnownTurn {
    pub expect: Expect,
    /// Whether it asks again for what was not answered.
    pub is_again: bool,
    pub said: KnownSpeech,
}

/// What the caller said, if what it waited for came.
#[derive(Debug, Clone, PartialEq)]
pub enum KnownSpeech {
    /// The sound began at `at`; where somebody truly speaks in it, and why an end may be another one.
    At {
        at: Tick,
        speech: Vec<(Range<Tick>, Option<Doubt>)>,
    },
    /// The turn was not spoken.
    Missed { at: Tick, waited_ns: u64 },
}

impl KnownTurn {
    /// The true stretches of a turn's speech, with the ends that a voice detector `heard`.
    pub(super) fn stretches(&self, heard: &[Stretch]) -> Vec<Stretch> {
        let KnownSpeech::At { speech, .. } = &self.said else {
            return Vec::new();
        };
        let stretch = |(at, doubt): &(Range<Tick>, Option<Doubt>)| {
            let range = in_ms(at.start)..in_ms(at.end);
            let near = |own: &&Stretch| own.last_voiced.abs_diff(range.end) <= DETECTED_NEAR;
            let detected = heard.iter().find(near);
            Stretch {
                last_voiced: detected.map_or(range.end, |own| own.last_voiced),
                sure: std::iter::once(range.clone()).collect(),
                end_doubt: *doubt,
                ..Stretch::noise(range)
            }
        };
        speech.iter().map(stretch).collect()
    }
}

/// The nearest millisecond.
pub(super) fn in_ms(at: Tick) -> usize {
    let ms = nanos(std::time::Duration::from_millis(1));
    usize::try_from((at.0 + ms / 2) / ms).unwrap_or(usize::MAX)
}
