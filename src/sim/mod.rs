//! Simulation: callers without sound, who hold the conversation that recordings would.

pub mod caller;
