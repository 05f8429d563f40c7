//! What was measured of one piece of work.

use super::maximum::Time;

/// A latency that was measured, and what it was measured of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// How long it took; at least so long if it was given up.
    pub time: Time,
    /// Seconds of audio or characters; `None` if it is not known.
    pub work: Option<f64>,
    /// Which conversation it is of, counted over all that was read.
    pub conversation: u32,
    /// Which question of the conversation it is for, counted from one.
    pub question: u32,
    /// Whether other programs held the cores that it computed on.
    pub is_disturbed: bool,
    /// Threads that it computed on; 0 if it computed elsewhere, or nobody measured it.
    pub threads: u32,
}
