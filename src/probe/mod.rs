//! A call to somebody else's agent, with the caller's side of it: what the caller says when, paced as a telephone paces
//! it, and what is heard of the agent, played as a telephone plays it.
//!
//! `call` holds one call; `playout` is the telephone's playback, `hearing` what the caller makes of the agent meanwhile,
//! `pacing` how well this machine kept the pace. Both sides are recorded as they were heard; what came of it is judged
//! later, by whoever reads the recording. Nothing here knows what an agent is made of.

mod call;
mod hearing;
mod pacing;
mod playout;

pub(crate) use call::{Call, CallEnd, Held, Line, Progress, Said};
