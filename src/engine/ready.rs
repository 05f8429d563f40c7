//! A voice that has the sound of some clauses already.

use crate::stage::{AudioChunk, Clause, Outlet, Stage, TextToSpeech, Work};

/// Speaks clauses whose sound is there at once, and has a voice speak all others.
pub(crate) struct Ready {
    voice: TextToSpeech,
    /// The sounds, each with its clause.
    sounds: Vec<AudioChunk>,
}

impl Ready {
    /// A voice with these sounds in hand, each of the clause that is its text.
    pub(crate) fn around(voice: TextToSpeech, sounds: Vec<AudioChunk>) -> TextToSpeech {
        match sounds.is_empty() {
            true => voice,
            false => Box::new(Ready { voice, sounds }),
        }
    }
}

impl Stage for Ready {
    type In = Clause;
    type Out = AudioChunk;

    fn handle<'a>(&'a mut self, clause: Clause, out: &'a mut Outlet<AudioChunk>) -> Work<'a> {
        match self.sounds.iter().find(|sound| sound.text == clause.0) {
            Some(sound) => Box::pin(out.send(sound.clone())),
            None => self.voice.handle(clause, out),
        }
    }
}
