//! Points in time.

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A point in time: whole nanoseconds since the session began. Position zero of
/// `conversation.wav` is tick zero.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Tick(pub u64);

impl Tick {
    /// The beginning of a session.
    pub const ZERO: Tick = Tick(0);

    /// The tick `ms` milliseconds after the beginning.
    pub fn from_ms(ms: u64) -> Tick {
        Tick(ms.saturating_mul(1_000_000))
    }

    /// The time from `earlier` to `self`; zero if `earlier` is the later one.
    pub fn since(self, earlier: Tick) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// The tick `span` before this one, or zero.
    pub fn before(self, span: Duration) -> Tick {
        Tick(self.0.saturating_sub(nanos(span)))
    }

    /// Milliseconds since the beginning.
    pub fn as_ms(self) -> f64 {
        self.0 as f64 / 1e6
    }
}

impl std::ops::Add<Duration> for Tick {
    type Output = Tick;
    fn add(self, span: Duration) -> Tick {
        Tick(self.0.saturating_add(nanos(span)))
    }
}

/// Whole nanoseconds of a span, saturating after 584 years.
pub fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}
