//! Sound that is repeated: of a voice, and of a model that heard and spoke.

use super::Repeat;
use crate::audio::{decode, length_of};
use crate::event::OutputNote;
use crate::stage::{AudioChunk, Clause, Identified, Outlet, Question, Stage, StageError, Work};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// A voice, and how long its sound begins inaudibly where no samples tell.
pub(super) struct Voice(pub(super) Repeat, pub(super) Duration);

impl Stage for Voice {
    type In = Clause;
    type Out = AudioChunk;

    fn handle<'a>(&'a mut self, clause: Clause, out: &'a mut Outlet<AudioChunk>) -> Work<'a> {
        let input = clause.identity().hex();
        let Clause(text) = clause;
        let Voice(repeat, head) = self;
        let head = *head;
        Box::pin(async move {
            let chunk = |note, wav: Option<PathBuf>| match note {
                OutputNote::Audio {
                    audio_ns,
                    characters,
                } => {
                    // A piece that continues a clause has no words of its own.
                    let text = if characters == 0 { "" } else { &text };
                    let sound = sound(Duration::from_nanos(audio_ns), wav, text.into())?;
                    Ok(Some(match sound.samples {
                        Some(_) => sound,
                        None => sound.beginning_after(head),
                    }))
                }
                _ => Ok(None),
            };
            repeat.repeat(&input, out, chunk).await
        })
    }
}

/// Sound that was recorded, or only its length.
fn sound(length: Duration, wav: Option<PathBuf>, text: Arc<str>) -> Result<AudioChunk, StageError> {
    let Some(wav) = wav else {
        return Ok(AudioChunk::without_samples(length, text));
    };
    let samples = decode::read(&wav).map_err(|error| StageError::Failed(error.to_string()))?;
    if length_of(samples.len()) != length {
        return Err(StageError::Failed(format!(
            "{} is not as long as when it was recorded; record it again",
            wav.display()
        )));
    }
    Ok(AudioChunk::new(samples.into(), text))
}

/// A model that heard and spoke.
pub(super) struct Model(pub(super) Repeat);

impl Stage for Model {
    type In = Question;
    type Out = AudioChunk;

    fn handle<'a>(&'a mut self, question: Question, out: &'a mut Outlet<AudioChunk>) -> Work<'a> {
        let input = question.identity().hex();
        let Model(repeat) = self;
        Box::pin(async move {
            let (mut recording, begun) = repeat.take_up(&input, out).await?;
            let mut words: Arc<str> = Arc::from("");
            for (after, note, wav) in std::mem::take(&mut recording.outputs) {
                repeat.clock.sleep_until(begun + after).await;
                match note {
                    OutputNote::Clause { text } => {
                        out.says(text.clone());
                        words = text;
                    }
                    OutputNote::Final { text, .. } => out.understood(text),
                    OutputNote::Audio { audio_ns, .. } => {
                        let said = std::mem::replace(&mut words, Arc::from(""));
                        out.send(sound(Duration::from_nanos(audio_ns), wav, said)?)
                            .await?;
                    }
                    OutputNote::Partial { .. }
                    | OutputNote::Piece { .. }
                    | OutputNote::Finished { .. } => {}
                }
            }
            repeat.end(&recording, begun, out).await
        })
    }
}
