//! Simulation: conversations without sound, held by the same pipeline in virtual time.
//!
//! `manner` decides what a caller does, `improvised` makes up their lines and `lines` reads them from a
//! script, `caller` has `voice` say them; `between` is what becomes of them on the way. `judge` is the
//! interruption policy, `distant` the speaker at the far end of a network. `setting` holds one
//! conversation, `worlds` many of them over threads.

mod between;
pub mod caller;
mod distant;
mod improvised;
mod judge;
pub mod lines;
mod load;
mod manner;
pub mod setting;
pub mod voice;
mod words;
mod world;
pub mod worlds;

pub use between::Between;
pub use judge::Fate;
