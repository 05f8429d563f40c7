//! The hops of a turn that a trace of another agent tells: shown as they are, whether or not they add up.

use super::hops::{HopSpans, Slice};
use crate::event::{Hop, Tick, Traced, TracedSpan};
use std::time::Duration;

/// The parts of a turn's latency between two ticks, and the hops.
///
/// Parts whose beginnings are known lie where they were: each from its beginning, or from the end of the part before if that
/// is later, so that what happened at once counts once. Where only lengths are known, they are kept as they are. What no
/// part covers is [`Hop::Unattributed`]; parts that are longer together than the whole have no slices, since nobody knows
/// which of them overlap.
pub(super) fn between(traced: &Traced, from: Tick, to: Tick) -> (Vec<Slice>, HopSpans) {
    if traced.spans.is_empty() {
        // The trace has only the whole.
        return (Vec::new(), HopSpans::default());
    }
    match traced.spans.iter().all(|span| span.start.is_some()) {
        true => placed(&traced.spans, from, to),
        false => stacked(&traced.spans, from, to),
    }
}

/// The hops of a turn of which the trace has no whole.
pub(super) fn alone(traced: &Traced) -> HopSpans {
    let spans = traced.spans.iter().map(|span| (span.hop, span.span_ns));
    spans.collect()
}

fn placed(spans: &[TracedSpan], from: Tick, to: Tick) -> (Vec<Slice>, HopSpans) {
    let mut ordered: Vec<(Tick, &TracedSpan)> = spans
        .iter()
        .filter_map(|span| Some((span.start?, span)))
        .collect();
    ordered.sort_by_key(|(start, span)| (*start, span.hop));
    let mut slices = Vec::with_capacity(2 * ordered.len() + 1);
    let mut previous = from;
    for (start, span) in ordered {
        let end = start + Duration::from_nanos(span.span_ns);
        let begin = start.clamp(previous, to);
        unexplained(&mut slices, previous, begin);
        let end = end.clamp(begin, to);
        slices.push(Slice {
            hop: span.hop,
            start: begin,
            end,
        });
        previous = end;
    }
    unexplained(&mut slices, previous, to);
    let hops = HopSpans::of(&slices);
    (slices, hops)
}

fn unexplained(slices: &mut Vec<Slice>, start: Tick, end: Tick) {
    if end > start {
        let hop = Hop::Unattributed;
        slices.push(Slice { hop, start, end });
    }
}

fn stacked(spans: &[TracedSpan], from: Tick, to: Tick) -> (Vec<Slice>, HopSpans) {
    let mut ordered: Vec<&TracedSpan> = spans.iter().collect();
    ordered.sort_by_key(|span| span.hop);
    let sum = spans
        .iter()
        .fold(0u64, |sum, span| sum.saturating_add(span.span_ns));
    let whole = to.0.saturating_sub(from.0);
    if sum > whole {
        let spans = spans.iter().map(|span| (span.hop, span.span_ns));
        return (Vec::new(), spans.collect());
    }
    let mut at = from;
    let mut slices: Vec<Slice> = Vec::with_capacity(spans.len() + 1);
    for span in ordered {
        let end = at + Duration::from_nanos(span.span_ns);
        slices.push(Slice {
            hop: span.hop,
            start: at,
            end,
        });
        at = end;
    }
    unexplained(&mut slices, at, to);
    let hops = HopSpans::of(&slices);
    (slices, hops)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MS: u64 = 1_000_000;

    fn span(hop: Hop, start_ms: Option<u64>, ms: u64) -> TracedSpan {
        TracedSpan {
            hop,
            start: start_ms.map(Tick::from_ms),
            span_ns: ms * MS,
        }
    }

    fn hops(spans: &[TracedSpan], from_ms: u64, to_ms: u64) -> Vec<(Hop, u64)> {
        let traced = Traced {
            spans: spans.to_vec(),
            ..Traced::default()
        };
        let (_, hops) = between(&traced, Tick::from_ms(from_ms), Tick::from_ms(to_ms));
        hops.iter().map(|(hop, span)| (hop, span / MS)).collect()
    }

    #[test]
    fn what_no_span_covers_is_unattributed() {
        let spans = [
            span(Hop::EndpointingWait, Some(1_000), 500),
            span(Hop::Answer, Some(1_600), 300),
            span(Hop::SpeechSynthesis, Some(1_800), 200),
        ];
        let expected = [
            (Hop::EndpointingWait, 500),
            (Hop::Answer, 300),
            (Hop::SpeechSynthesis, 100),
            (Hop::Unattributed, 200),
        ];
        assert_eq!(hops(&spans, 1_000, 2_100), expected);
    }

    #[test]
    fn lengths_without_places_are_kept_as_they_are() {
        let spans = [
            span(Hop::Answer, None, 300),
            span(Hop::Transcription, None, 200),
        ];
        let fits = [
            (Hop::Transcription, 200),
            (Hop::Answer, 300),
            (Hop::Unattributed, 100),
        ];
        assert_eq!(hops(&spans, 0, 600), fits);
        let too_long = [(Hop::Transcription, 200), (Hop::Answer, 300)];
        assert_eq!(
            hops(&spans, 0, 400),
            too_long,
            "more than the whole, and said so"
        );
    }

    #[test]
    fn a_trace_with_only_the_whole_has_no_hops() {
        assert_eq!(hops(&[], 0, 400), []);
    }

    proptest! {
        #[test]
        fn placed_spans_add_up_whatever_they_are(
            spans in prop::collection::vec((0usize..11, 0u64..9_000_000_000, 0u64..9_000_000_000), 1..9),
            from in 0u64..5_000_000_000,
            wait in 0u64..5_000_000_000,
        ) {
            let spans = spans.into_iter().map(|(hop, start, span_ns)| TracedSpan {
                hop: Hop::ALL[hop],
                start: Some(Tick(start)),
                span_ns,
            });
            let traced = Traced { spans: spans.collect(), ..Traced::default() };
            let (slices, hops) = between(&traced, Tick(from), Tick(from + wait));
            prop_assert_eq!(hops.sum(), wait);
            let mut at = Tick(from);
            for slice in &slices {
                prop_assert_eq!(slice.start, at);
                prop_assert!(slice.end >= slice.start);
                at = slice.end;
            }
            prop_assert_eq!(at, Tick(from + wait));
        }
    }
}
