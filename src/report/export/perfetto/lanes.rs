//! Which thread of a trace a span is shown on: spans of one thread lie one behind the other, or inside one
//! another, never across.

use super::spans::{Span, Track};
use crate::event::Tick;
use std::collections::BTreeMap;

/// Threads, and where each span lies.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Laid {
    /// The track of each thread, and which one of that track it is, from zero. By track.
    pub threads: Vec<(Track, usize)>,
    /// The thread of each span, an index of `threads`.
    pub of_spans: Vec<usize>,
}

impl Laid {
    /// The first thread of a track; the very first one for a track without any.
    pub(super) fn first_thread(&self, track: Track) -> usize {
        let found = self.threads.iter().position(|(own, _)| *own == track);
        found.unwrap_or_default()
    }
}

/// Every track has a thread at least, so that a reader finds the same ones in each conversation.
const ALWAYS: [Track; 4] = [
    Track::Caller,
    Track::Agent,
    Track::Turns,
    Track::Interruptions,
];

/// Gives each span the first thread of its track that is free by then.
pub(super) fn lay(spans: &[Span]) -> Laid {
    let mut order: Vec<usize> = (0..spans.len()).collect();
    order.sort_by_key(|index| (spans[*index].start, spans[*index].end, *index));
    // Until when each thread of a track is taken.
    let mut taken: BTreeMap<Track, Vec<Tick>> =
        ALWAYS.map(|track| (track, vec![Tick::ZERO])).into();
    let mut places = vec![(Track::Caller, 0); spans.len()];
    for index in order {
        let span = &spans[index];
        let threads = taken.entry(span.track).or_default();
        let free = threads.iter().position(|until| *until <= span.start);
        let nth = free.unwrap_or(threads.len());
        match free {
            Some(nth) => threads[nth] = span.end,
            None => threads.push(span.end),
        }
        places[index] = (span.track, nth);
    }
    let mut threads = Vec::new();
    for (track, all) in &taken {
        threads.extend((0..all.len()).map(|nth| (*track, nth)));
    }
    let of = |place: &(Track, usize)| threads.binary_search(place).unwrap_or_default();
    Laid {
        of_spans: places.iter().map(of).collect(),
        threads,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::StageName;
    use proptest::prelude::*;

    fn span(track: Track, start: u64, end: u64) -> Span {
        Span {
            start: Tick(start),
            end: Tick(end),
            ..Span::new(track, "span", None)
        }
    }

    #[test]
    fn what_overlaps_gets_a_thread_of_its_own_and_gives_it_back() {
        let stage = Track::Stage(StageName::Answer);
        let spans = [(0, 10), (5, 15), (10, 20), (15, 15), (30, 31)];
        let laid = lay(&spans.map(|(start, end)| span(stage, start, end)));
        let nth = laid.of_spans.iter().map(|thread| laid.threads[*thread].1);
        assert_eq!(nth.collect::<Vec<_>>(), [0, 1, 0, 1, 0]);
        assert!(laid.threads.contains(&(Track::Agent, 0)));
    }

    proptest! {
        #[test]
        fn no_two_spans_of_a_thread_overlap(
            spans in prop::collection::vec((0u64..50, 0u64..20), 0..40),
        ) {
            let spans: Vec<Span> = spans
                .into_iter()
                .map(|(start, length)| span(Track::Agent, start, start + length))
                .collect();
            let laid = lay(&spans);
            for (index, one) in spans.iter().enumerate() {
                for (other, another) in spans.iter().enumerate().skip(index + 1) {
                    let is_apart = one.end <= another.start || another.end <= one.start;
                    prop_assert!(laid.of_spans[index] != laid.of_spans[other] || is_apart);
                }
            }
        }
    }
}
