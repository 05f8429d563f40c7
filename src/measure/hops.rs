//! The hops of a turn: its latency, cut at milestones in path order.
//!
//! Each hop ends at its own milestone or at the one before, whichever is later. Hops therefore lie
//! end to end, work that finished early contributes nothing, and the sum is the turn's latency exactly.

use super::turn_marks::TurnMarks;
use crate::event::{Hop, Tick};
use std::time::Duration;

/// A slice of a turn's latency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slice {
    /// The hop that the time was spent in.
    pub hop: Hop,
    /// Where the slice begins, which is the end of the one before.
    pub start: Tick,
    /// Where the slice ends; not before `start`.
    pub end: Tick,
}

/// Nanoseconds by hop, of the hops that lie on a turn's path.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HopSpans([Option<u64>; Hop::ALL.len()]);

impl HopSpans {
    pub(super) fn of(slices: &[Slice]) -> HopSpans {
        let spans = slices.iter().map(|s| (s.hop, s.end.0 - s.start.0));
        spans.collect()
    }

    /// Nanoseconds of a hop; `None` if the hop is not on the turn's path.
    pub fn get(&self, hop: Hop) -> Option<u64> {
        self.0[hop as usize]
    }

    /// Hops and their nanoseconds, in path order.
    pub fn iter(&self) -> impl Iterator<Item = (Hop, u64)> {
        let spans = Hop::ALL.into_iter().zip(self.0);
        spans.filter_map(|(hop, span)| Some((hop, span?)))
    }

    /// Nanoseconds of all hops together: the latency of the turn.
    pub fn sum(&self) -> u64 {
        self.0.into_iter().flatten().sum()
    }
}

impl FromIterator<(Hop, u64)> for HopSpans {
    fn from_iter<I: IntoIterator<Item = (Hop, u64)>>(spans: I) -> HopSpans {
        let mut all = HopSpans::default();
        for (hop, span) in spans {
            *all.0[hop as usize].get_or_insert(0) += span;
        }
        all
    }
}

/// The slices from `caller_end` to the first audible sample of the reply, in path order. `queue_wait`
/// appears where each wait lies. `None` if the reply was never heard.
/// `arrived` is when the end of speech reached the ear, if it had to cross a network.
pub(super) fn slices(
    caller_end: Tick,
    arrived: Option<Tick>,
    turn: &TurnMarks,
) -> Option<Vec<Slice>> {
    let audible = turn.audible?;
    let mut slices = Vec::with_capacity(Hop::ALL.len() + 1);
    let mut previous = caller_end;
    let mut reach = |hop, milestone: Option<Tick>| {
        // Nothing lies behind the first audible sample.
        let end = milestone.unwrap_or(previous).min(audible).max(previous);
        slices.push(Slice {
            hop,
            start: previous,
            end,
        });
        previous = end;
        end
    };
    let mut ready = caller_end;
    for (hop, milestone) in milestones(caller_end, arrived, turn) {
        ready = reach(hop, milestone);
    }
    // Audio that was there early begins to play only now, with its inaudible head.
    let head = turn
        .queued
        .map(|queued| Duration::from_nanos(queued.silence_ns));
    let sounds = reach(Hop::LeadingSilence, head.map(|head| ready + head));
    let network = turn
        .queued
        .map(|queued| Duration::from_nanos(queued.network_ns));
    reach(Hop::NetworkOut, network.map(|way| sounds + way));
    reach(Hop::OutputTransport, Some(audible));
    Some(slices)
}

/// The hop in which a turn stood that was given up at `left`, and when the hop began: the first of which the
/// milestone did not come. A wait for a busy engine belongs to the hop behind it.
pub(super) fn standing(
    caller_end: Tick,
    arrived: Option<Tick>,
    turn: &TurnMarks,
    left: Tick,
) -> (Hop, Tick) {
    let mut previous = caller_end;
    for (hop, milestone) in milestones(caller_end, arrived, turn) {
        match milestone.filter(|at| *at <= left) {
            Some(at) => previous = previous.max(at),
            None => return (hop, previous),
        }
    }
    (Hop::OutputTransport, previous)
}

/// The ends of the hops up to the first sound that is made, in path order; `None` for what did not come.
fn milestones(
    caller_end: Tick,
    arrived: Option<Tick>,
    turn: &TurnMarks,
) -> impl Iterator<Item = (Hop, Option<Tick>)> {
    let heard = [
        (Hop::NetworkIn, arrived.or(Some(caller_end))),
        (Hop::EndpointingWait, turn.committed),
    ];
    let cascade = [
        (Hop::QueueWait, turn.stt.begun),
        (Hop::Transcription, turn.stt.first_output),
        (Hop::QueueWait, turn.answer.begun),
        (Hop::Answer, turn.answer.first_output),
        (Hop::SentenceAggregation, turn.clauses.first_output),
        (Hop::QueueWait, turn.tts.begun),
        (Hop::SpeechSynthesis, turn.tts.first_output),
    ];
    let direct = [
        (Hop::QueueWait, turn.model.begun),
        (Hop::ModelResponse, turn.model.first_output),
    ];
    let is_direct = turn.model.entered.is_some();
    let cascade = cascade.into_iter().filter(move |_| !is_direct);
    let direct = direct.into_iter().filter(move |_| is_direct);
    heard.into_iter().chain(cascade).chain(direct)
}

#[cfg(test)]
mod tests {
    use super::super::turn_marks::{Queued, Work};
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn hops_add_up_whatever_the_order_of_the_milestones(
            ticks in prop::collection::vec(prop::option::of(0u64..5_000_000_000), 9),
            caller_end in 0u64..2_000_000_000,
            wait in 0u64..3_000_000_000,
            silence_ns in 0u64..500_000_000,
        ) {
            let tick = |index: usize| ticks[index].map(Tick);
            let work = |begun, output| Work {
                entered: None,
                begun: tick(begun),
                first_output: tick(output),
                left: None,
            };
            let audible = Tick(caller_end + wait);
            let turn = TurnMarks {
                committed: tick(0),
                stt: work(1, 2),
                answer: work(3, 4),
                clauses: work(5, 5),
                tts: work(6, 7),
                queued: tick(8).map(|start| Queued { start, silence_ns, network_ns: 0 }),
                audible: Some(audible),
                ..TurnMarks::default()
            };
            let slices = slices(Tick(caller_end), None, &turn).expect("it was heard");
            let mut at = Tick(caller_end);
            for slice in &slices {
                prop_assert_eq!(slice.start, at);
                prop_assert!(slice.end >= slice.start);
                at = slice.end;
            }
            prop_assert_eq!(at, audible);
        }
    }

    #[test]
    fn a_stage_that_finished_early_contributes_nothing() {
        let ms = |ms| Some(Tick::from_ms(ms));
        let turn = TurnMarks {
            committed: ms(1_304),
            stt: Work {
                entered: ms(500),
                begun: ms(1_100),
                first_output: ms(1_290),
                left: None,
            },
            audible: ms(1_400),
            ..TurnMarks::default()
        };
        let slices = slices(Tick::from_ms(1_000), None, &turn).expect("it was heard");
        let length = |hop| -> u64 {
            let of_hop = slices.iter().filter(|slice| slice.hop == hop);
            of_hop.map(|slice| slice.end.0 - slice.start.0).sum()
        };
        assert_eq!(length(Hop::EndpointingWait), 304_000_000);
        assert_eq!(length(Hop::Transcription), 0);
        assert_eq!(length(Hop::QueueWait), 0);
        assert_eq!(length(Hop::OutputTransport), 96_000_000);
    }
}
