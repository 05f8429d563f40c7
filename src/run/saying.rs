//! Clauses -> the sound of the scenario's voice, one behind the other: no conversation.

use super::{RunError, prepare, unavailable};
use crate::clock::Clock;
use crate::engine;
use crate::scenario::Scenario;

/// The sound of clauses as the scenario's voice speaks them, mono at [`crate::audio::SAMPLE_RATE`].
///
/// # Errors
/// A voice that is not available, or fails.
pub fn say(clauses: &[String], scenario: &Scenario) -> Result<Vec<f32>, RunError> {
    let clock = Clock::virtual_time(scenario.cores());
    let mut voice = engine::text_to_speech(scenario, &clock)?;
    let mut sound = Vec::new();
    for clause in clauses {
        let spoken = clock.block_on(prepare::spoken(clause, &mut voice, &clock));
        sound.extend_from_slice(&spoken.map_err(unavailable)?.map_err(unavailable)?);
    }
    Ok(sound)
}
