//! Text to speech by a voice on a worker thread.

#[cfg(feature = "piper")]
use super::needs::PIPER_VOICE;
use super::voice::Voice;
use super::{Built, EngineError, worker};
use crate::clock::{Clock, Emitter, Worker};
use crate::stage::{AudioChunk, Clause, Outlet, Stage, StageError, TextToSpeech, Work};

/// Spoken once before the first turn: the first run of a voice allocates and starts processes.
const WARM_UP: &str = "Hello there.";

struct Speech {
    worker: Worker<Box<dyn Voice>>,
    threads_max: u32,
}

impl Stage for Speech {
    type In = Clause;
    type Out = AudioChunk;

    fn handle<'a>(&'a mut self, Clause(text): Clause, out: &'a mut Outlet<AudioChunk>) -> Work<'a> {
        let job = move |voice: &mut Box<dyn Voice>, threads, chunks: &Emitter<_>| {
            voice.use_threads(threads);
            match voice.speak(&text) {
                Ok(samples) if samples.is_empty() => {}
                Ok(samples) => {
                    chunks.send(Ok(AudioChunk::new(samples.into(), text)));
                }
                Err(error) => {
                    chunks.send(Err(StageError::Failed(error.to_string())));
                }
            }
        };
        Box::pin(out.charge(&self.worker, self.threads_max, job))
    }
}

fn build(
    mut voice: Box<dyn Voice>,
    threads_max: u32,
    name: &str,
    described: String,
    clock: &Clock,
) -> Result<Built<TextToSpeech>, EngineError> {
    for threads in 1..=threads_max {
        voice.use_threads(threads);
        voice
            .speak(WARM_UP)
            .map_err(|error| EngineError::Unavailable(error.to_string()))?;
    }
    let worker = worker(clock, name, voice)?;
    let speech = Speech {
        worker,
        threads_max,
    };
    Ok(Built::new(Box::new(speech), described))
}

/// Piper. Without the default voice's model, espeak-ng speaks instead, and says so; a voice that was
/// asked for must be there.
#[cfg(feature = "piper")]
pub(super) fn piper(
    voice: Option<&str>,
    clock: &Clock,
) -> Result<Built<TextToSpeech>, EngineError> {
    use super::voice::piper::{PiperVoice, THREADS_MAX};
    let name = voice.unwrap_or(PIPER_VOICE);
    let model = match crate::models::locate(name) {
        Ok(model) => model,
        #[cfg(feature = "espeak")]
        Err(error) if voice.is_none() => {
            let mut built = espeak(None, clock)?;
            built.note = Some(format!(
                "espeak-ng speaks in place of Piper, whose voice is missing: {error}"
            ));
            return Ok(built);
        }
        Err(error) => return Err(EngineError::Unavailable(error.to_string())),
    };
    let loaded = PiperVoice::load(&model).map_err(|e| EngineError::Unavailable(e.to_string()))?;
    let described = format!("Piper on rten, voice {name}");
    build(Box::new(loaded), THREADS_MAX, "piper", described, clock)
}

#[cfg(feature = "espeak")]
pub(super) fn espeak(
    voice: Option<&str>,
    clock: &Clock,
) -> Result<Built<TextToSpeech>, EngineError> {
    use super::voice::espeak::EspeakVoice;
    let name = voice.unwrap_or("en-us");
    let loaded = EspeakVoice::new(name).map_err(|e| EngineError::Unavailable(e.to_string()))?;
    let described = format!("espeak-ng, voice {name}");
    build(Box::new(loaded), 1, "espeak", described, clock)
}
