//! The pipeline as an agent that others call: what the caller sends is heard, and what the agent says is sent.
//!
//! `hearing` brings the caller's sound to the ear, as `heard` has it in time, and the `keys` that are pressed; `speaking` the agent's sound to the caller, `wire` is the connection
//! that both share; `voice` is what simulated engines sound like. What answers is the pipeline's own matter.

mod heard;
mod hearing;
mod keys;
mod speaking;
mod voice;
mod wire;

pub(crate) use hearing::{Caller, Left};
pub(crate) use speaking::FarSpeaker;
pub(crate) use wire::Wire;
