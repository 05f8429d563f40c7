//! Whether a sound that the caller makes over the agent is an interruption.

pub mod policy;
