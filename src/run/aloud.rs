//! Words -> as a recogniser hears them, when a voice speaks them: no conversation, only what is misheard.

use super::prepare::SpokenBy;
use super::{RunError, unavailable};
use crate::audio::SAMPLE_RATE;
use crate::call::words;
use crate::clock::Clock;
use crate::engine;
use crate::scenario::Scenario;

/// Silence before and behind the words, as a caller has it around them: 0.3 s, in samples.
const AROUND: usize = SAMPLE_RATE as usize * 3 / 10;

/// What the scenario's recogniser makes of each text when its voice speaks it, one after the other, in virtual time.
/// Nothing is kept. `progress` is told how many texts are done.
///
/// # Errors
/// An engine that is not available, or fails.
pub fn hear(
    texts: &[&str],
    scenario: &Scenario,
    mut progress: impl FnMut(usize),
) -> Result<Vec<String>, RunError> {
    let clock = Clock::virtual_time(scenario.cores());
    let (mut recogniser, _) = engine::speech_to_text(scenario, &clock)?;
    let mut voice = SpokenBy::voice_of(scenario, &clock)?;
    let mut heard = Vec::with_capacity(texts.len());
    for text in texts {
        let spoken = voice.speak(text)?;
        let silence = vec![0.0; AROUND];
        let sound = [&silence[..], &spoken[..], &silence[..]].concat();
        let words = words::text(&mut recogniser, &clock, &sound).map(|(text, _)| text);
        heard.push(words.map_err(unavailable)?);
        progress(heard.len());
    }
    Ok(heard)
}
