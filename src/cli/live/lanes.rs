//! When somebody made a sound: the last seconds, as spans of time.

use crate::event::{Tick, nanos};
use std::collections::VecDeque;
use std::time::Duration;

/// How much of the past the lanes show.
pub(super) const SHOWN: Duration = Duration::from_secs(20);

/// Older spans are forgotten; a little more than is shown, since what is queued may be cut back.
const KEPT: Duration = Duration::from_secs(25);

/// More spans than voice and silence can alternate in [`KEPT`].
const SPANS_MAX: usize = 256;

/// Spans of time during which something was the case, in the order in which they began.
#[derive(Debug, Clone, Default)]
pub(super) struct Lane(VecDeque<Span>);

#[derive(Debug, Clone, Copy)]
struct Span {
    from: Tick,
    /// The end of the span; `None` while it lasts.
    to: Option<Tick>,
}

impl Lane {
    /// Begins a span at `at`; one that was going on ends there.
    pub(super) fn begin(&mut self, at: Tick) {
        self.end(at);
        self.add(Span { from: at, to: None });
    }

    /// Ends the span that is going on at `at`.
    pub(super) fn end(&mut self, at: Tick) {
        if let Some(open) = self.0.back_mut().filter(|span| span.to.is_none()) {
            open.to = Some(at.max(open.from));
        }
    }

    /// Adds a span of `length` from `from` on, which may lie ahead.
    pub(super) fn during(&mut self, from: Tick, length: Duration) {
        let to = Some(from + length);
        self.add(Span { from, to });
    }

    /// Cuts off whatever was said to come after `at`.
    pub(super) fn cut(&mut self, at: Tick) {
        for span in &mut self.0 {
            if span.to.is_none_or(|to| to > at) {
                span.to = Some(at.max(span.from));
            }
        }
    }

    pub(super) fn forget_old(&mut self, now: Tick) {
        let oldest = now.before(KEPT);
        self.0.retain(|span| span.to.is_none_or(|to| to >= oldest));
    }

    /// Whether a span holds `at`.
    pub(super) fn is_on(&self, at: Tick) -> bool {
        let is_within = |span: &Span| span.from <= at && span.to.is_none_or(|to| to > at);
        self.0.iter().any(is_within)
    }

    /// How much of `from..to` the spans cover.
    pub(super) fn within(&self, from: Tick, to: Tick) -> Duration {
        let share = |span: &Span| span.to.unwrap_or(to).min(to).since(span.from.max(from));
        self.0.iter().map(share).sum()
    }

    fn add(&mut self, span: Span) {
        if self.0.len() == SPANS_MAX {
            self.0.pop_front();
        }
        self.0.push_back(span);
    }
}

/// The spans of time behind the columns of a drawing, oldest first; the last one holds `now`. They
/// lie at whole multiples of their length, so that the picture moves by whole columns and nothing in
/// it changes its shape. `None` where there was no time yet.
pub(super) fn columns(count: usize, now: Tick) -> impl Iterator<Item = Option<(Tick, Tick)>> {
    let length = (nanos(SHOWN) / count.max(1) as u64).max(1);
    let last = now.0 / length;
    (0..count as u64).map(move |index| {
        let number = (last + 1 + index).checked_sub(count as u64)?;
        let from = number.saturating_mul(length);
        Some((Tick(from), Tick(from.saturating_add(length))))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Tick {
        Tick::from_ms(ms)
    }

    #[test]
    fn a_span_that_lasts_reaches_as_far_as_it_is_asked_for() {
        let mut lane = Lane::default();
        lane.begin(at(100));
        assert_eq!(lane.within(at(0), at(300)), Duration::from_millis(200));
        lane.end(at(250));
        assert_eq!(lane.within(at(0), at(300)), Duration::from_millis(150));
        assert!(lane.is_on(at(200)) && !lane.is_on(at(250)));
    }

    #[test]
    fn what_was_queued_is_not_shown_after_a_stop() {
        let mut lane = Lane::default();
        lane.during(at(0), Duration::from_secs(2));
        lane.during(at(2_000), Duration::from_secs(2));
        lane.cut(at(500));
        assert_eq!(lane.within(at(0), at(9_000)), Duration::from_millis(500));
    }

    #[test]
    fn columns_stay_where_they_are_while_time_passes() {
        let seen = |ms| columns(10, at(ms)).last().flatten();
        assert_eq!(seen(20_000), seen(21_999));
        assert_eq!(seen(22_000), Some((at(22_000), at(24_000))));
        assert_eq!(columns(10, at(0)).flatten().count(), 1);
        assert_eq!(columns(0, at(5)).count(), 0);
    }

    #[test]
    fn memory_is_bounded() {
        let mut lane = Lane::default();
        for ms in 0..10_000 {
            lane.begin(at(ms));
        }
        assert_eq!(lane.0.len(), SPANS_MAX);
        lane.end(at(10_000));
        lane.forget_old(at(60_000));
        assert!(lane.0.is_empty());
    }
}
