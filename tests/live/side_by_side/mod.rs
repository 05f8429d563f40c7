//! Long conversations, each on a sound card of its own, of which several may go on at a time: for most of it one side only
//! plays or listens, which computes little. Whoever begins, asks or interrupts has the floor meanwhile, so that nobody's
//! recogniser disturbs what is timed in another's.

mod echo;
mod soak;

use std::sync::{Mutex, MutexGuard, PoisonError};

static FLOOR: Mutex<()> = Mutex::new(());

/// Waits until nobody else has the floor, and has it until the guard is let go.
fn the_floor() -> MutexGuard<'static, ()> {
    // A test that failed left nothing behind.
    FLOOR.lock().unwrap_or_else(PoisonError::into_inner)
}
