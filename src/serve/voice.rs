//! What simulated engines sound like to a caller far away: a voice, since ears hear a hum for what it is. It says the
//! same sentence again and again.

use crate::audio::{AudioError, Samples, decode, first_audible, last_audible, peak};
use std::io::Write;

/// A sentence, spoken by a voice in the public domain.
const SENTENCE: &[u8] = include_bytes!("../../audio/fixtures/piper-graphics.wav");

/// The voice: 16 kHz, from its first audible sample to its last.
///
/// # Errors
/// If there is no place for a file of a few kilobytes, to read it from.
pub(crate) fn sentence() -> Result<Samples, AudioError> {
    let unwritable = |source| AudioError::Unwritable {
        path: std::env::temp_dir(),
        source,
    };
    let mut file = tempfile::Builder::new()
        .suffix(".wav")
        .tempfile()
        .map_err(unwritable)?;
    file.write_all(SENTENCE).map_err(unwritable)?;
    let sound = decode::read(file.path())?;
    let threshold = 0.01 * peak(&sound);
    let first = first_audible(&sound, threshold).unwrap_or(0);
    let last = last_audible(&sound, threshold).unwrap_or(sound.len() - 1);
    Ok(sound[first..=last].into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ear::truth::speech_in;
    use crate::event::Hears;

    #[test]
    fn it_is_heard_as_a_voice_from_its_beginning() {
        let sentence = sentence().expect("it is in the program");
        let speech = speech_in(&sentence, 0.5, Hears::Caller);
        assert!(speech[0].at.start < 320, "{speech:?}");
    }
}
