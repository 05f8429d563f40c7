//! Stands in for Silero's network in a program that was built without it: there is no model, so nobody listens.

use std::sync::Arc;

/// Milliseconds of a step.
pub const STEP_MS: usize = 32;

/// There is none.
pub enum SileroModel {}

/// There is none.
pub enum Silero {}

impl Silero {
    /// Cannot be called: there is no model.
    pub fn new(model: Arc<SileroModel>) -> Silero {
        match *model {}
    }

    /// Cannot be called.
    pub fn hear(&mut self, _: &[f32], _: &mut dyn FnMut(f32)) {
        match *self {}
    }

    /// Cannot be called.
    pub fn flush(&mut self, _: &mut dyn FnMut(f32)) -> Result<(), String> {
        match *self {}
    }
}
