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

/// The slices from `caller_end` to the first audible sample of the answer's speech, in path order. `queue_wait`
/// appears where each wait lies. `None` if the reply was never heard.
/// `arrived` is when the end of speech reached the ear, if it had to cross a network.
pub(super) fn slices(
    caller_end: Tick,
    arrived: Option<Tick>,
    turn: &TurnMarks,
) -> Option<Vec<Slice>> {
    let audible = turn.speech()?;
    let queued = turn.again.map(|again| again.queued).or(turn.queued);
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
    let head = queued.map(|queued| Duration::from_nanos(queued.silence_ns));
    let sounds = reach(Hop::LeadingSilence, head.map(|head| ready + head));
    let network = queued.map(|queued| Duration::from_nanos(queued.network_ns));
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
    let made = turn
        .again
        .map_or_else(|| turn.first_made(), |again| again.made);
    let cascade = [
        (Hop::QueueWait, turn.stt.begun),
        (Hop::Transcription, turn.stt.first_output),
        (Hop::QueueWait, turn.answer.begun),
        (Hop::Answer, made.written),
        (Hop::SentenceAggregation, made.clause),
        (Hop::QueueWait, made.tts.begun),
        (Hop::SpeechSynthesis, made.tts.first_output),
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

    /// The events of a reply whose first clause sounds at 1,000 ms for `first_ms`, and whose second one comes at 2,500.
    fn two_clauses(first_ms: u64) -> TurnMarks {
        use crate::event::{Event, Mark, OutputNote, SessionId, StageName, TurnId, VisitId};
        let event = |ms, mark| Event {
            tick: Tick::from_ms(ms),
            session: SessionId(0),
            turn: TurnId(1),
            mark,
        };
        let out = |ms, stage, visit, text: &str| {
            let visit = VisitId(visit);
            let note = match stage {
                StageName::Answer => OutputNote::Piece { text: text.into() },
                StageName::Clauses => OutputNote::Clause { text: text.into() },
                _ => OutputNote::Audio {
                    audio_ns: 300_000_000,
                    characters: text.len() as u32,
                },
            };
            event(ms, Mark::Output { stage, visit, note })
        };
        let queued = |ms, length_ms| {
            let mark = Mark::Queued {
                start: Tick::from_ms(ms),
                audio_ns: length_ms * 1_000_000,
                silence_ns: 0,
                network_ns: 0,
            };
            event(ms, mark)
        };
        let ends = 1_000 + first_ms;
        let gap = Mark::PlaybackGap {
            at: Tick::from_ms(ends),
            gap_ns: (2_500 - ends) * 1_000_000,
        };
        let events = [
            out(500, StageName::Answer, 1, "Hm."),
            out(600, StageName::Clauses, 2, "Hm."),
            out(1_000, StageName::TextToSpeech, 3, "Hm."),
            queued(1_000, first_ms),
            event(
                1_000,
                Mark::Audible {
                    at: Tick::from_ms(1_000),
                },
            ),
            out(2_100, StageName::Answer, 1, "It is nine."),
            out(2_200, StageName::Clauses, 2, "It is nine."),
            out(2_500, StageName::TextToSpeech, 4, "It is nine."),
            event(2_500, gap),
            queued(2_500, 900),
        ];
        let marks = super::super::turn_marks::marks_by_turn(&events);
        marks.get(TurnId(1)).expect("marks of the turn").clone()
    }

    #[test]
    fn a_short_sound_before_a_silence_is_not_the_answer_and_the_hops_lead_to_what_is() {
        let turn = two_clauses(300);
        assert_eq!(turn.audible, Some(Tick::from_ms(1_000)));
        assert_eq!(turn.speech(), Some(Tick::from_ms(2_500)));
        let slices = slices(Tick(0), None, &turn).expect("it was heard");
        let ends = |hop| slices.iter().find(|s| s.hop == hop).map(|s| s.end);
        assert_eq!(ends(Hop::Answer), Some(Tick::from_ms(2_100)));
        assert_eq!(ends(Hop::SentenceAggregation), Some(Tick::from_ms(2_200)));
        assert_eq!(ends(Hop::SpeechSynthesis), Some(Tick::from_ms(2_500)));
    }

    #[test]
    fn what_lasts_400_ms_is_the_answer_whatever_follows() {
        assert_eq!(two_clauses(400).speech(), Some(Tick::from_ms(1_000)));
    }
}
