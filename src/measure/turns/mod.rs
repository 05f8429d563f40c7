//! The turns of a simulation in a compact file, `turns.bin`: written by the million, read again by
//! whatever reports or compares them.
//!
//! # The format, version 2
//!
//! A file is [`HEADER`], then blocks to its end. Where a block may begin the header may stand again
//! and means nothing, so files are joined by concatenation. Every number is a *varint* (LEB128):
//! seven bits a byte, the low ones first, the high bit set in all bytes but the last; at most 64
//! bits. Times are nanoseconds since the conversation began, spans are nanoseconds.
//!
//! A block is one conversation:
//!
//! | what | as |
//! |---|---|
//! | marker | the byte `C` (0x43) |
//! | conversation | varint below 2³² |
//! | when it began | varint: nanoseconds since the beginning of its world, 0 but in a load; not in version 1 |
//! | number of its first row | varint, 1 or more; the other rows count on from it, and stay below 2³² − 1 |
//! | how many rows | varint, at most 100,000 |
//! | the rows | see below |
//!
//! Only a conversation of more than 100,000 rows has several blocks; all but its first begin with a
//! number above 1.
//!
//! A row:
//!
//! | what | as |
//! |---|---|
//! | flags | one byte: bits 0–1 `expect` (0 none, 1 respond, 2 stop, 3 ignore), bits 2–5 outcome (0 answered, 1 interrupted, 2 cut_off, 3 stopped, 4 ignored, 5 missed, 6 spurious, 7 failed, 8 abandoned, 9 not_asked, which later versions added to: 10 answered, 11 interrupted, 12 missed, 13 failed, 14 abandoned, each with an endpoint in the middle of the question that was taken back), bit 6: there is a `caller_end`, bit 7: there is an `agent_start` |
//! | `caller_end` | if there is one: varint |
//! | `agent_start` | if there is one: varint. Without a `caller_end` it is the time; with one it is 2*d* for a time *d* after it, 2*d* − 1 for a time *d* before it, *d* taken modulo 2⁶⁴ (zigzag) |
//! | hops | varint of bits: bit *i* stands for hop *i*, its place in [`Hop::ALL`]. Then a varint for each bit that is set, from bit 0 up. A hop of 0 ns is left out |
//! | metrics | varint of bits: bit 0 says that `e2e_latency` is there and is `agent_start` − `caller_end`; bit *i* + 1 stands for metric *i*, its place in [`Metric::ALL`]. Then a varint for each bit that is set but bit 0, from bit 1 up |
//! | what else | varint of bits: bit 0: the turn was not answered; bit 1: it asks again; bit 2: a shadow answer came; bit 3: the turn stood in a hop when it was given up; bit *i* + 4 stands for metric *i*, which was waited for in vain. Then for bit 0 the reason (a byte: 0 began_again, 1 hung_up, 2 refused, 3 failed, 4 nothing_came, 5 run_ended); for bit 1 when it was first asked (varint); for bit 2 how long the answer would have taken (varint); for bit 3 the place of the hop (a byte) and the time in it (varint); and for each metric the time waited at least (varint) |
//!
//! Version 1 has no `what else`, and so knows nothing of turns that were not answered.
//!
//! The hops from 0 up: network_in, endpointing_wait, transcription, queue_wait, answer,
//! sentence_aggregation, speech_synthesis, leading_silence, network_out, output_transport,
//! model_response, unattributed (which only imported traces have).
//!
//! The metrics from 0 up: e2e_latency, first_sound, e2e_latency_vad, end_of_turn_delay,
//! transcription_delay, llm_ttft, llm_ttfs, tts_ttfb, ttfa, orchestration, playback_gap,
//! barge_in_stop, detection_delay, talk_over, overlap, dead_air, reasoning (which later versions added).
//!
//! Hops and metrics may be added at the end of their lists; any other change is a new version.
//!
//! A file that was cut exactly between two conversations looks whole: how many there should be, the
//! file does not say.
//!
//! [`Metric::ALL`]: crate::event::Metric::ALL

mod read;
mod source;
mod write;

pub use read::{FileReader, Reader};
pub use source::TurnsError;
pub use write::encode;

use crate::event::{Expect, Hop, Metric, Tick};
use crate::measure::{Outcome, Reason};

/// What a file of turns begins with; the digit is the version of the format.
pub const HEADER: &[u8] = b"voicesim turns 2\n";

/// What a file of version 1 begins with.
const HEADER_1: &[u8] = b"voicesim turns 1\n";

/// The most rows of a block. A block is read as a whole, so this bounds the memory that a damaged file can
/// ask for.
const MAXIMUM_ROWS: usize = 100_000;

/// The outcomes of turns in whose middle an endpoint was committed and taken back, the first at the code behind those
/// of [`OUTCOMES`].
const OUTCOMES_OF_VOIDED: [Outcome; 5] = [
    Outcome::Answered,
    Outcome::Interrupted,
    Outcome::Missed,
    Outcome::Failed,
    Outcome::Abandoned,
];

const MARKER: u8 = b'C';
const HAS_CALLER_END: u8 = 1 << 6;
const HAS_AGENT_START: u8 = 1 << 7;

/// The outcomes, each at the place that is its code.
const OUTCOMES: [Outcome; 10] = [
    Outcome::Answered,
    Outcome::Interrupted,
    Outcome::CutOff,
    Outcome::Stopped,
    Outcome::Ignored,
    Outcome::Missed,
    Outcome::Spurious,
    Outcome::Failed,
    Outcome::Abandoned,
    Outcome::NotAsked,
];

// Bits of what else a row holds.
const IS_UNANSWERED: u64 = 1;
const ASKS_AGAIN: u64 = 1 << 1;
const HAS_SHADOW: u64 = 1 << 2;
const STOOD_IN_HOP: u64 = 1 << 3;
/// How many of these bits stand before those of the metrics.
const BEFORE_METRICS: u32 = 4;

/// The place of `e2e_latency` among the metrics.
const E2E_LATENCY: usize = 0;

/// One turn (row) of a simulated conversation.
#[derive(Debug, Clone, PartialEq)]
pub struct SimulatedTurn {
    /// The number of the conversation, counted from zero.
    pub conversation: u32,
    /// When the conversation began in its world; zero but in a load, and in a file of version 1.
    pub began: Tick,
    /// The row in the conversation, counted from one.
    pub number: u32,
    /// What the turn asked of the agent; `None` if nobody knows.
    pub expect: Option<Expect>,
    /// How the turn came out.
    pub outcome: Outcome,
    /// Whether an endpoint was committed before the end of the question, and taken back unheard.
    pub has_voided_commit: bool,
    /// The true end of the caller's speech; `None` if the record does not tell.
    pub caller_end: Option<Tick>,
    /// The first audible sample of the reply; `None` if none was heard.
    pub agent_start: Option<Tick>,
    /// Nanoseconds by hop, in path order, without hops of zero. In an answered turn they add up to
    /// `agent_start` − `caller_end`.
    pub hops: Vec<(Hop, u64)>,
    /// Nanoseconds by metric, in the order of [`Metric::ALL`](crate::event::Metric::ALL).
    pub metrics: Vec<(Metric, u64)>,
    /// Why the turn should have been answered and was not; `None` if it was, if it asked for no answer, or in a
    /// file of version 1.
    pub unanswered: Option<Reason>,
    /// Nanoseconds by metric that the turn waited at least, for what did not come.
    pub in_vain: Vec<(Metric, u64)>,
    /// The hop in which the turn was given up, and nanoseconds since the hop began.
    pub stood_in: Option<(Hop, u64)>,
    /// When a question that is asked again was first asked.
    pub first_asked: Option<Tick>,
    /// Nanoseconds that an answer would have taken for which nobody waited, if it was followed to its end.
    pub shadow_ns: Option<u64>,
}

impl SimulatedTurn {
    /// Nanoseconds that the turn waited at least since it was first asked; `None` if it was answered, or never
    /// asked.
    pub fn waited_ns(&self) -> Option<u64> {
        let mut waits = self.in_vain.iter();
        waits.find_map(|(metric, span)| (*metric == Metric::E2eLatency).then_some(*span))
    }

    /// Nanoseconds from the caller's end to the agent's start; `None` unless the turn was answered.
    pub fn e2e_ns(&self) -> Option<u64> {
        e2e_ns(self.outcome, self.caller_end, self.agent_start)
    }
}

fn e2e_ns(outcome: Outcome, caller_end: Option<Tick>, agent_start: Option<Tick>) -> Option<u64> {
    let (end, start) = caller_end.zip(agent_start)?;
    (outcome == Outcome::Answered)
        .then(|| start.0.checked_sub(end.0))
        .flatten()
}

/// The bits that are set, from the lowest up.
fn places(mut bits: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let place = bits.trailing_zeros() as usize;
        (bits != 0).then(|| {
            bits &= bits - 1;
            place
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Metric;
    use crate::measure::HopSpans;
    use crate::measure::Row;
    use crate::measure::test_rows::row;
    use proptest::prelude::*;
    use std::path::Path;

    /// A row with six hops and six metrics, as a simulation has them.
    pub(super) fn answered(number: u32) -> Row {
        let hops: HopSpans = [
            (Hop::EndpointingWait, 700_000_123),
            (Hop::Transcription, 212_345_678),
            (Hop::QueueWait, 0),
            (Hop::Answer, 498_765_432),
            (Hop::SentenceAggregation, 187_654_321),
            (Hop::SpeechSynthesis, 171_234_567),
            (Hop::OutputTransport, 20_000_000),
        ]
        .into_iter()
        .collect();
        let e2e_ns: u64 = hops.sum();
        let caller_end = Tick(187_000_000_000 + u64::from(number));
        let metrics = [
            (Metric::E2eLatency, e2e_ns),
            (Metric::FirstSound, e2e_ns),
            (Metric::TranscriptionDelay, 912_345_801),
            (Metric::LlmTtft, 498_765_432),
            (Metric::TtsTtfb, 171_234_567),
            (Metric::Ttfa, 1_069_999_998),
        ];
        Row {
            expect: Some(Expect::Respond),
            caller_end: Some(caller_end),
            agent_start: Some(Tick(caller_end.0 + e2e_ns)),
            e2e_ns: Some(e2e_ns),
            hops,
            metrics: metrics.into(),
            was_answered: true,
            ..row(number, Outcome::Answered)
        }
    }

    pub(super) fn turn(conversation: u32, row: &Row) -> SimulatedTurn {
        let metric = |metric: Metric| Some((metric, row.metric(metric)?));
        SimulatedTurn {
            conversation,
            began: Tick(u64::from(conversation) * 1_000),
            number: row.number,
            expect: row.expect,
            outcome: row.outcome,
            has_voided_commit: row.has_voided_commit,
            caller_end: row.caller_end,
            agent_start: row.agent_start,
            hops: row
                .hops
                .iter()
                .filter(|(_, span_ns)| *span_ns > 0)
                .collect(),
            metrics: Metric::ALL.into_iter().filter_map(metric).collect(),
            unanswered: row.unanswered,
            in_vain: row.in_vain.clone(),
            stood_in: row.stood_in,
            first_asked: row.first_asked,
            shadow_ns: row.shadow_ns,
        }
    }

    fn read(bytes: &[u8]) -> Vec<SimulatedTurn> {
        Reader::new(bytes, Path::new("turns.bin"))
            .and_then(Iterator::collect)
            .expect("a whole file")
    }

    fn span_ns() -> impl Strategy<Value = u64> {
        (any::<u64>(), 0u32..64).prop_map(|(span_ns, shift)| span_ns >> shift)
    }

    prop_compose! {
        fn any_row()(
            expect in prop::sample::select(vec![
                None, Some(Expect::Respond), Some(Expect::Stop), Some(Expect::Ignore),
            ]),
            outcome in prop::sample::select(OUTCOMES.to_vec()),
            caller_end in prop::option::of(span_ns().prop_map(Tick)),
            agent_start in prop::option::of(span_ns().prop_map(Tick)),
            hops in prop::collection::btree_map(
                prop::sample::select(Hop::ALL.to_vec()), span_ns(), 0..12,
            ),
            mut metrics in prop::collection::btree_map(
                prop::sample::select(Metric::ALL.to_vec()), span_ns(), 0..17,
            ),
            has_e2e in any::<bool>(),
            (unanswered, stood_in) in prop::option::of((
                prop::sample::select(Reason::ALL.to_vec()),
                (prop::sample::select(Hop::ALL.to_vec()), span_ns()),
            )).prop_map(Option::unzip),
            in_vain in prop::collection::btree_map(0usize..Metric::ALL.len(), span_ns(), 0..9),
            first_asked in prop::option::of(span_ns().prop_map(Tick)),
            shadow_ns in prop::option::of(span_ns()),
        ) -> Row {
            let e2e_ns = e2e_ns(outcome, caller_end, agent_start);
            let hops = hops.into_iter().collect();
            if let Some(e2e_ns) = e2e_ns.filter(|_| has_e2e) {
                metrics.insert(Metric::E2eLatency, e2e_ns);
            }
            let metrics = metrics.into_iter().collect();
            let in_vain = in_vain.into_iter().map(|(place, span)| (Metric::ALL[place], span));
            Row {
                expect, caller_end, agent_start, e2e_ns, hops, metrics, unanswered, stood_in,
                in_vain: in_vain.collect(), first_asked, shadow_ns, ..row(1, outcome)
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            conversations in prop::collection::vec(
                (any::<u32>(), prop::collection::vec(any_row(), 0..5)), 0..5,
            ),
        ) {
            let mut bytes = HEADER.to_vec();
            let mut turns = Vec::new();
            for (conversation, mut rows) in conversations {
                for (row, number) in rows.iter_mut().zip(1..) {
                    row.number = number;
                }
                encode((conversation, Tick(u64::from(conversation) * 1_000)), &rows, &mut bytes);
                turns.extend(rows.iter().map(|row| turn(conversation, row)));
            }
            prop_assert_eq!(read(&bytes), turns);
        }
    }

    #[test]
    fn an_answered_turn_is_small_and_its_parts_add_up() {
        let mut bytes = Vec::new();
        encode((1_000_000, Tick(0)), &[answered(1)], &mut bytes);
        assert!(bytes.len() < 90, "{} bytes", bytes.len());
        let turns = read(&[HEADER, &bytes].concat());
        let [turn] = turns.as_slice() else {
            panic!("one turn, not {turns:?}");
        };
        assert_eq!((turn.hops.len(), turn.metrics.len()), (6, 6));
        let sum = turn.hops.iter().map(|(_, span_ns)| span_ns).sum();
        assert_eq!(turn.e2e_ns(), Some(sum));
    }

    #[test]
    fn only_an_answered_turn_has_a_latency() {
        let missed = Row {
            outcome: Outcome::Missed,
            ..answered(1)
        };
        assert_eq!(turn(0, &missed).e2e_ns(), None);
    }

    #[test]
    fn files_are_joined_by_concatenation() {
        let mut first = HEADER.to_vec();
        encode((0, Tick(0)), &[answered(1), answered(2)], &mut first);
        let mut second = HEADER.to_vec();
        encode((1, Tick(0)), &[answered(1)], &mut second);
        let both = read(&[first.as_slice(), &second].concat());
        let ids: Vec<(u32, u32)> = both.iter().map(|t| (t.conversation, t.number)).collect();
        assert_eq!(ids, [(0, 1), (0, 2), (1, 1)]);
    }

    #[test]
    fn a_conversation_of_any_length_is_written() {
        let rows: Vec<Row> = (1..=MAXIMUM_ROWS as u32 + 1)
            .map(|number| row(number, Outcome::Ignored))
            .collect();
        let mut bytes = HEADER.to_vec();
        encode((7, Tick(0)), &rows, &mut bytes);
        let turns = read(&bytes);
        assert!(turns.iter().map(|t| t.number).eq(1..=100_001));
        assert!(turns.iter().all(|t| t.conversation == 7));
    }

    #[test]
    fn the_codes_of_the_format_stay_as_they_are() {
        for (code, outcome) in OUTCOMES.into_iter().enumerate() {
            assert_eq!(outcome as usize, code, "{}", outcome.name());
        }
        for (code, reason) in Reason::ALL.into_iter().enumerate() {
            assert_eq!(reason as usize, code, "{}", reason.name());
        }
        for (code, hop) in Hop::ALL.into_iter().enumerate() {
            assert_eq!(hop as usize, code, "{hop}");
        }
        assert_eq!(Metric::ALL[E2E_LATENCY], Metric::E2eLatency);
        let mut bytes = Vec::new();
        encode((300, Tick(0)), &[answered(1)], &mut bytes);
        let begin = [b'C', 0xac, 0x02, 0, 1, 1, 0b1100_0001];
        assert_eq!(bytes[..7], begin);
        // The hops 1, 2, 4, 5, 6 and 9, the first of 700,000,123 ns.
        assert_eq!(bytes[18..25], [0xf6, 0x04, 0xfb, 0xce, 0xe4, 0xcd, 0x02]);
        let metrics = "e2e_latency first_sound e2e_latency_vad end_of_turn_delay \
            transcription_delay llm_ttft llm_ttfs tts_ttfb ttfa orchestration playback_gap \
            barge_in_stop detection_delay talk_over overlap dead_air reasoning";
        assert!(Metric::ALL.map(Metric::name).join(" ").starts_with(metrics));
        let hops = "network_in endpointing_wait transcription queue_wait answer \
            sentence_aggregation speech_synthesis leading_silence network_out output_transport \
            model_response";
        assert!(Hop::ALL.map(Hop::name).join(" ").starts_with(hops));
    }
}
