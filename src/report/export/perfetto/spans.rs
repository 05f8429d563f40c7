//! What a trace shows.

use crate::event::{StageName, Tick};
use serde_json::{Map, Value};

/// What a thread of the trace is about, in the order in which threads are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Track {
    Caller,
    Agent,
    Turns,
    Stage(StageName),
    Interruptions,
}

/// Something that lasts.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Span {
    pub track: Track,
    pub name: String,
    pub start: Tick,
    pub end: Tick,
    /// The number of the turn that it belongs to.
    pub turn: Option<u32>,
    pub about: Map<String, Value>,
    /// Spans inside of this one, one behind the other.
    pub inside: Vec<Span>,
}

/// Something that takes no time.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Instant {
    pub track: Track,
    pub name: String,
    pub at: Tick,
    pub turn: Option<u32>,
    pub about: Map<String, Value>,
}

impl Span {
    pub(super) fn new(track: Track, name: &str, turn: Option<u32>) -> Span {
        Span {
            track,
            name: name.to_owned(),
            start: Tick::ZERO,
            end: Tick::ZERO,
            turn,
            about: Map::new(),
            inside: Vec::new(),
        }
    }

    pub(super) fn about(mut self, key: &str, value: impl Into<Value>) -> Span {
        self.about.insert(key.into(), value.into());
        self
    }

    pub(super) fn lasting(mut self, start: Tick, end: Tick) -> Span {
        (self.start, self.end) = (start, end.max(start));
        self
    }

    /// Puts a span inside of this one, as far as it lies within.
    pub(super) fn hold(&mut self, inner: Span) {
        let inside = |at: Tick| at.clamp(self.start, self.end);
        let (start, end) = (inside(inner.start), inside(inner.end));
        let after = self.inside.last().map_or(start, |last| last.end.max(start));
        if end > after {
            self.inside.push(inner.lasting(after, end));
        }
    }
}
