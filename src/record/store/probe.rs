//! What the header of a probe tells of its call: whom it called, and how well it held the call.

use serde::{Deserialize, Serialize};

/// A call to somebody else's agent, as the one who called knows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Probe {
    /// The agent's address, without its query.
    pub agent: String,
    /// The protocol that was spoken.
    pub protocol: String,
    /// The jitter buffer, in milliseconds.
    pub jitter_buffer_ms: u64,
    /// Frames of 20 ms that were sent.
    pub frames: u64,
    /// How late they went out, in milliseconds.
    pub frame_late_p50_ms: f64,
    /// The 99th percentile of the same.
    pub frame_late_p99_ms: f64,
    /// The most of the same.
    pub frame_late_max_ms: f64,
    /// How often playback ran dry in mid-speech.
    pub underruns: u64,
    /// For how long in all, in milliseconds.
    pub underrun_ms: f64,
    /// The most sound that came ahead of its time, in milliseconds.
    pub ahead_max_ms: f64,
    /// Sound that the agent took back before it was heard, in milliseconds.
    pub cleared_ms: f64,
    /// How often the agent was called again.
    #[serde(default)]
    pub redialled: u32,
    /// Why the first connection broke off that did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broke_off: Option<String>,
    /// How the call ended.
    pub ended: String,
}

impl Probe {
    /// Several calls together: counts and lengths added up, latenesses by the worst call.
    pub fn together<'a>(all: impl IntoIterator<Item = &'a Probe>) -> Option<Probe> {
        let mut all = all.into_iter();
        let first = all.next()?.clone();
        Some(all.fold(first, |sum, next| Probe {
            frames: sum.frames + next.frames,
            frame_late_p50_ms: sum.frame_late_p50_ms.max(next.frame_late_p50_ms),
            frame_late_p99_ms: sum.frame_late_p99_ms.max(next.frame_late_p99_ms),
            frame_late_max_ms: sum.frame_late_max_ms.max(next.frame_late_max_ms),
            underruns: sum.underruns + next.underruns,
            underrun_ms: sum.underrun_ms + next.underrun_ms,
            ahead_max_ms: sum.ahead_max_ms.max(next.ahead_max_ms),
            cleared_ms: sum.cleared_ms + next.cleared_ms,
            redialled: sum.redialled + next.redialled,
            broke_off: sum.broke_off.or_else(|| next.broke_off.clone()),
            ended: match sum.ended == next.ended {
                true => sum.ended,
                false => "in several ways".into(),
            },
            ..sum
        }))
    }

    /// Lines about the call, for people.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!(
            "frames left {:.1} ms late at p50, {:.1} at p99, {:.1} at most",
            self.frame_late_p50_ms, self.frame_late_p99_ms, self.frame_late_max_ms
        )];
        if self.underruns > 0 {
            lines.push(format!(
                "playback ran dry in mid-speech {} times, {:.0} ms in all (jitter buffer {} ms)",
                self.underruns, self.underrun_ms, self.jitter_buffer_ms
            ));
        }
        if self.cleared_ms > 0.0 {
            lines.push(format!(
                "the agent took back {:.1} s of sound before it was heard",
                self.cleared_ms / 1e3
            ));
        }
        if self.redialled > 0 {
            let why = self
                .broke_off
                .as_deref()
                .unwrap_or("it did not take the call");
            lines.push(format!("called again {} times: {why}", self.redialled));
        }
        lines
    }
}
