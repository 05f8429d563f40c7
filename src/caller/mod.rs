//! Callers without sound, in runs and in simulations: what they say and when, and what an ear would notice
//! of it.
//!
//! `manner` decides what a caller without a script does, `improvised` makes lines of that; `lines` reads lines
//! from a scenario's turns. `speaking` has `voice` say the lines; `between` is what becomes of them on the way
//! to the ear. `fated` are the policies where there is no sound to decide on, `distant` the speaker at
//! the far end of a network.

mod between;
mod distant;
mod fated;
mod improvised;
mod lines;
mod manner;
mod speaking;
mod voice;
mod words;

pub(crate) use between::Between;
pub(crate) use distant::Distant;
pub(crate) use fated::{Fate, FatedEndpoint, FatedPolicy};
pub(crate) use improvised::{Improvised, Texts};
pub(crate) use lines::{cue, lines};
pub(crate) use manner::Habits;
#[cfg(feature = "probe")]
pub(crate) use manner::{Manner, Next, Says};
pub(crate) use speaking::{Caller, Mind, Scripted};
pub(crate) use voice::Voice;
