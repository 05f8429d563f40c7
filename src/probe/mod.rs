//! A call to somebody else's agent, with the caller's side of it: what the caller says when, paced as a telephone paces
//! it, and what is heard of the agent, played as a telephone plays it.
//!
//! `call` holds one call over a `link`, which is dialled anew if it breaks; `talk` is what the caller says, in lines
//! (`line`, `keys`), as a `mind` decides; `track` is the agent as it is recorded; `playout` is the telephone's playback,
//! `hearing` what the caller makes of the agent meanwhile, `pacing` how well this machine kept the pace. Both sides are
//! recorded as they were heard; what came of it is judged later, by whoever reads the recording. Nothing here knows what
//! an agent is made of.

mod call;
mod hearing;
mod keys;
mod line;
mod link;
mod mind;
mod pacing;
mod playout;
mod talk;
mod track;

pub(crate) use call::{Call, CallEnd, Held, Progress};
pub(crate) use line::Line;
pub(crate) use link::{Dialling, Redial};
pub(crate) use mind::{Cued, Mind, Script, Todo};
pub(crate) use talk::Said;

use crate::audio::SAMPLE_RATE;
use std::time::Duration;

/// The length of a frame, as telephones have it.
const FRAME: Duration = Duration::from_millis(20);
const FRAMES_PER_S: u32 = 50;
/// Samples of a frame in the recording.
const FRAME_SAMPLES: usize = (SAMPLE_RATE / FRAMES_PER_S) as usize;
