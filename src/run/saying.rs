//! Clauses -> the sound of the scenario's voice, one behind the other: no conversation.

use super::RunError;
use super::prepare::SpokenBy;
use crate::clock::Clock;
use crate::scenario::Scenario;

/// The sound of clauses as the scenario's voice speaks them, mono at [`crate::audio::SAMPLE_RATE`].
///
/// # Errors
/// A voice that is not available, or fails.
pub fn say(clauses: &[String], scenario: &Scenario) -> Result<Vec<f32>, RunError> {
    let clock = Clock::virtual_time(scenario.cores());
    let mut voice = SpokenBy::voice_of(scenario, &clock)?;
    let mut sound = Vec::new();
    for clause in clauses {
        sound.extend_from_slice(&voice.speak(clause)?);
    }
    Ok(sound)
}
