//! Comparing by ear: people hear, or read, the same turn of two systems without knowing which is which, and say which
//! one they prefer.
//!
//! ```text
//! folders of results -> pairs -> course (the order they are heard in) -> serving (a page) -> kept (a file of choices)
//!                                                                            tally (strengths by segment) <-/
//! ```
//!
//! It measures nothing and knows of no latency: what people prefer is a figure of its own.

mod attention;
mod course;
mod kept;
mod loudness;
mod pairs;
mod results;
mod serving;
mod strengths;
mod stretch;
mod text;

pub use kept::{Choice, Chosen, Head, Kept, KeptError};
pub use pairs::{Judged, Pairs, PairsError};
pub use results::{Results, Settings};
pub use serving::{Serving, Sitting};
pub use text::{csv, text};

/// More systems than this are not compared at once: each two of them are a pair in every turn.
pub const SYSTEMS_MAX: usize = 8;
