//! Whether a sound that the caller makes over the agent is an interruption.
//!
//! `transcript` says which words of a recogniser count, `heard` is what is known so far, `features` turns it into numbers, `model` into a probability,
//! `policy` into a decision. `overlaps` reads labelled data, `rows` replays it as `heard`, `train`
//! (cargo feature `train`) fits the committed weights to it, `eval` says how good they are,
//! `explain` what they make of one sound, `own` moves thresholds to one's own callers, `curve` what policies do where there is no sound at all.
//!
//! MODEL_CARD.md beside this file says what the weights were fitted to, and where they may not hold.

pub mod curve;
pub mod eval;
pub mod explain;
pub mod features;
pub mod heard;
pub mod lexicon;
pub mod model;
pub mod overlaps;
pub mod own;
pub mod policy;
pub mod rows;
#[cfg(feature = "train")]
pub mod train;
pub mod transcript;
