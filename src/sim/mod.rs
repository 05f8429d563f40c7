//! Simulation: conversations without sound, held by the same pipeline in virtual time.
//!
//! `setting` holds one conversation, `load` many at once that share engines, `worlds` many worlds over
//! threads.

mod load;
mod setting;
mod shadow;
mod world;
mod worlds;

pub use setting::{Setting, Simulable};
pub use worlds::{Encoded, Keep, LATER, Worlds};
