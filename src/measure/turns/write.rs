//! Conversations to bytes, on the hot path of a simulation.

use super::{
    ASKS_AGAIN, BEFORE_METRICS, E2E_LATENCY, HAS_AGENT_START, HAS_CALLER_END, HAS_SHADOW,
    IS_UNANSWERED, MARKER, MAXIMUM_ROWS, OUTCOMES, OUTCOMES_OF_VOIDED, STOOD_IN_HOP, e2e_ns,
    places,
};
use crate::event::{Expect, Hop, Metric, Tick};
use crate::measure::Row;

/// Bytes of the longest row: flags, two ticks, the bits of hops and metrics, all their spans, and what else there is.
const LONGEST_ROW: usize =
    3 + 10 * (2 + 2 + Hop::ALL.len() + Metric::ALL.len() + 4 + Metric::ALL.len());

/// Appends a conversation and when it began in its world. Its rows are numbered without a gap.
pub fn encode((conversation, began): (u32, Tick), rows: &[Row], into: &mut Vec<u8>) {
    let mut rest = rows;
    loop {
        let (block, more) = rest.split_at(rest.len().min(MAXIMUM_ROWS));
        into.push(MARKER);
        put(u64::from(conversation), into);
        put(began.0, into);
        put(block.first().map_or(1, |row| u64::from(row.number)), into);
        put(block.len() as u64, into);
        for row in block {
            put_row(row, into);
        }
        if more.is_empty() {
            return;
        }
        rest = more;
    }
}

fn put_row(row: &Row, into: &mut Vec<u8>) {
    into.reserve(LONGEST_ROW);
    let expect = match row.expect {
        None => 0,
        Some(Expect::Respond) => 1,
        Some(Expect::Stop) => 2,
        Some(Expect::Ignore) => 3,
    };
    let end = row.caller_end.map_or(0, |_| HAS_CALLER_END);
    let start = row.agent_start.map_or(0, |_| HAS_AGENT_START);
    into.push(expect | code(row) << 2 | end | start);
    if let Some(end) = row.caller_end {
        put(end.0, into);
    }
    if let Some(start) = row.agent_start {
        put(
            row.caller_end.map_or(start.0, |end| zigzag(start, end)),
            into,
        );
    }
    let mut hops = Spans::<{ Hop::ALL.len() }>::new();
    for (hop, span_ns) in row.hops.iter().filter(|(_, span_ns)| *span_ns > 0) {
        hops.set(hop as usize, span_ns);
    }
    put(hops.bits, into);
    hops.put(into);
    put_metrics(row, into);
    put_else(row, into);
}

/// The code of how the turn came out.
fn code(row: &Row) -> u8 {
    let mut voided = OUTCOMES_OF_VOIDED.iter();
    let place = voided.position(|outcome| row.has_voided_commit && *outcome == row.outcome);
    place.map_or(row.outcome as u8, |place| (OUTCOMES.len() + place) as u8)
}

fn put_else(row: &Row, into: &mut Vec<u8>) {
    let mut in_vain = Spans::<{ Metric::ALL.len() }>::new();
    for (metric, span_ns) in &row.in_vain {
        in_vain.set(*metric as usize, *span_ns);
    }
    let mut bits = in_vain.bits << BEFORE_METRICS;
    for (is_there, bit) in [
        (row.unanswered.is_some(), IS_UNANSWERED),
        (row.first_asked.is_some(), ASKS_AGAIN),
        (row.shadow_ns.is_some(), HAS_SHADOW),
        (row.stood_in.is_some(), STOOD_IN_HOP),
    ] {
        bits |= if is_there { bit } else { 0 };
    }
    put(bits, into);
    into.extend(row.unanswered.map(|reason| reason as u8));
    if let Some(at) = row.first_asked {
        put(at.0, into);
    }
    if let Some(span_ns) = row.shadow_ns {
        put(span_ns, into);
    }
    if let Some((hop, span_ns)) = row.stood_in {
        into.push(hop as u8);
        put(span_ns, into);
    }
    in_vain.put(into);
}

fn put_metrics(row: &Row, into: &mut Vec<u8>) {
    let e2e_ns = e2e_ns(row.outcome, row.caller_end, row.agent_start);
    let mut metrics = Spans::<{ Metric::ALL.len() }>::new();
    let mut is_e2e = 0;
    for (metric, span_ns) in &row.metrics {
        // The metrics stand in the order in which they are declared.
        let place = *metric as usize;
        if place == E2E_LATENCY && e2e_ns == Some(*span_ns) {
            is_e2e = 1;
        } else {
            metrics.set(place, *span_ns);
        }
    }
    put(metrics.bits << 1 | is_e2e, into);
    metrics.put(into);
}

/// Spans by place, with a bit for each that is there.
struct Spans<const N: usize> {
    bits: u64,
    spans_ns: [u64; N],
}

impl<const N: usize> Spans<N> {
    fn new() -> Spans<N> {
        Spans {
            bits: 0,
            spans_ns: [0; N],
        }
    }

    fn set(&mut self, place: usize, span_ns: u64) {
        self.bits |= 1 << place;
        self.spans_ns[place] = span_ns;
    }

    fn put(&self, into: &mut Vec<u8>) {
        for place in places(self.bits) {
            put(self.spans_ns[place], into);
        }
    }
}

fn put(mut value: u64, into: &mut Vec<u8>) {
    if value >> 56 != 0 {
        while value >= 0x80 {
            into.push((value & 0x7f) as u8 | 0x80);
            value >>= 7;
        }
        into.push(value as u8);
        return;
    }
    // Eight bytes at once, without a branch on the length: this is the hot path of a simulation.
    let length = (70 - (value | 1).leading_zeros()) / 7;
    let halves = (value & 0x0fff_ffff) | (value & 0x00ff_ffff_f000_0000) << 4;
    let quarters = (halves & 0x0000_3fff_0000_3fff) | (halves & 0x0fff_c000_0fff_c000) << 2;
    let groups = (quarters & 0x007f_007f_007f_007f) | (quarters & 0x3f80_3f80_3f80_3f80) << 1;
    let more = 0x0080_8080_8080_8080 & ((1 << (8 * (length - 1))) - 1);
    let end = into.len() + length as usize;
    into.extend_from_slice(&(groups | more).to_le_bytes());
    into.truncate(end);
}

/// The difference of two ticks, small whichever is the later.
fn zigzag(tick: Tick, to: Tick) -> u64 {
    let difference = tick.0.wrapping_sub(to.0).cast_signed();
    (difference << 1 ^ difference >> 63).cast_unsigned()
}
