//! How well this machine kept the pace: frames that went out later than they should, and when that was.

use crate::event::{Tick, nanos};
use hdrhistogram::Histogram;
use std::ops::Range;
use std::time::Duration;

/// A frame that goes out later than this makes what happens meanwhile doubtful: a frame's length.
pub(crate) const LATE: Duration = Duration::from_millis(20);
/// Microseconds of the longest lateness that is told apart: a minute.
const MICROS_MAX: u64 = 60_000_000;

/// Keeps the lateness of every frame.
pub(crate) struct Pacing {
    late: Option<Histogram<u64>>,
    spells: Vec<Range<Tick>>,
}

/// How late frames went out, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Lateness {
    pub frames: u64,
    pub p50_ms: f64,
    pub p99_ms: f64,
    pub max_ms: f64,
}

impl Pacing {
    pub(crate) fn new() -> Pacing {
        Pacing {
            // These bounds are always accepted.
            late: Histogram::new_with_bounds(1, MICROS_MAX, 3).ok(),
            spells: Vec::new(),
        }
    }

    /// A frame that was due at `due` went out at `now`. Returns how late that is.
    pub(crate) fn frame(&mut self, due: Tick, now: Tick) -> Duration {
        let late = now.since(due);
        if let Some(histogram) = &mut self.late {
            histogram.saturating_record((nanos(late) / 1_000).max(1));
        }
        if late > LATE {
            match self.spells.last_mut() {
                Some(last) if last.end >= due => last.end = now,
                _ => self.spells.push(due..now),
            }
        }
        late
    }

    pub(crate) fn lateness(&self) -> Lateness {
        let Some(late) = &self.late else {
            return Lateness::default();
        };
        let ms = |micros: u64| micros as f64 / 1e3;
        Lateness {
            frames: late.len(),
            p50_ms: ms(late.value_at_quantile(0.5)),
            p99_ms: ms(late.value_at_quantile(0.99)),
            max_ms: ms(late.max()),
        }
    }

    /// When frames were late, in order.
    pub(crate) fn spells(&self) -> &[Range<Tick>] {
        &self.spells
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn late_frames_in_a_row_are_one_spell_and_punctual_ones_none() {
        let mut pacing = Pacing::new();
        let ms = Tick::from_ms;
        for (due, sent) in [
            (20, 20),
            (40, 41),
            (60, 110),
            (80, 111),
            (100, 125),
            (120, 126),
            (140, 140),
        ] {
            pacing.frame(ms(due), ms(sent));
        }
        assert_eq!(pacing.spells(), [ms(60)..ms(125)]);
        let lateness = pacing.lateness();
        assert_eq!(lateness.frames, 7);
        assert!((lateness.max_ms - 50.0).abs() < 0.1, "{lateness:?}");
    }
}
