//! Any program as an engine, by JSON lines on its standard input and output.
//!
//! The program is started once and kept open. It gets one request a line and answers with any
//! number of lines, the last one with `"done": true` in it, or `{"error": "why"}`:
//!
//! | stage  | request | answer lines |
//! |--------|---------|--------------|
//! | stt    | `{"id": 1, "type": "transcribe", "sample_rate": 16000, "pcm_s16le": BASE64}` | `{"text": "…"}`, and `"partial": true` in it if it may change |
//! | answer | `{"id": 1, "type": "answer", "question": "…", "history": [{"question": "…", "heard": "…"}]}` | `{"text": "…"}`, a piece of the answer |
//! | tts    | `{"id": 1, "type": "speak", "text": "…"}` | `{"sample_rate": 22050, "pcm_s16le": BASE64}`, a piece of the audio |
//!
//! A line may name the request that it answers, as `"id": 1`; one that names another is left out, and so is what comes
//! behind the last line of an answer. What the program writes to standard error is shown as it is. It runs in a process
//! group of its own, all of which ends with it.

mod line;
mod pipes;
mod program;
#[cfg(test)]
mod test_programs;

use super::{Built, EngineError, worker};
use crate::audio::SAMPLE_RATE;
use crate::audio::resample::resample;
use crate::audio::wav::to_16_bit;
use crate::clock::{Clock, Emitter, Worker};
use crate::event::{Cost, Remarks};
use crate::scenario::engine::Program as Asked;
use crate::stage::{
    self, AudioChunk, AudioFeed, Clause, Outlet, Piece, Question, Recorded, Stage, StageError,
    Transcript, Utterance, Work, transcribe_in_batches, without_sounds,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use line::Line;
use program::{Program, Then};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The longest text of an answer or a transcript: 64 KiB, more than an hour of speech.
const TEXT_BYTES_MAX: usize = 64 << 10;
/// The longest speech that is taken for a clause: 4 MiB, as of a server.
const SPEECH_BYTES_MAX: usize = 4 << 20;
/// How long a program is watched that may end as soon as it is started.
const LOOK: Duration = Duration::from_millis(200);

struct CommandStage {
    worker: Worker<Program>,
}

fn build<S: ?Sized>(
    asked: &Asked,
    clock: &Clock,
    look: Duration,
    boxed: impl FnOnce(CommandStage) -> Box<S>,
) -> Result<Built<Box<S>>, EngineError> {
    let mut program = Program::of(asked);
    let described = program.described();
    program
        .start_and_look(look)
        .map_err(EngineError::Unavailable)?;
    let worker = worker(clock, "command", program)?;
    Ok(Built::new(boxed(CommandStage { worker }), described))
}

pub(super) fn recogniser(
    asked: &Asked,
    clock: &Clock,
) -> Result<Built<stage::SpeechToText>, EngineError> {
    build(asked, clock, LOOK, |stage| Box::new(Transcribe(stage)) as _)
}

/// `votes` of it are started, so that they are not each watched.
pub(super) fn answerer(
    asked: &Asked,
    votes: u32,
    clock: &Clock,
) -> Result<Built<stage::Answer>, EngineError> {
    let look = LOOK / votes.max(1);
    build(asked, clock, look, |stage| Box::new(AnswerIt(stage)) as _)
}

pub(super) fn voice(
    asked: &Asked,
    clock: &Clock,
) -> Result<Built<stage::TextToSpeech>, EngineError> {
    build(asked, clock, LOOK, |stage| Box::new(Speak(stage)) as _)
}

struct Transcribe(CommandStage);

impl Stage for Transcribe {
    type In = AudioFeed;
    type Out = Transcript;

    fn handle<'a>(&'a mut self, feed: AudioFeed, out: &'a mut Outlet<Transcript>) -> Work<'a> {
        let worker = &self.0.worker;
        Box::pin(transcribe_in_batches(
            feed,
            out,
            async move |heard: Arc<Utterance>, out: &mut Outlet<Transcript>| {
                let job = move |program: &mut Program, _| transcribe(program, &heard.samples);
                let (text, remarks) = out.compute(worker, 1, job).await??;
                remark(out, remarks);
                Ok(text)
            },
        ))
    }
}

/// The text of 16 kHz mono audio.
fn transcribe(program: &mut Program, samples: &[f32]) -> Result<(String, Remarks), StageError> {
    let samples = samples.iter();
    let pcm: Vec<u8> = samples.flat_map(|s| to_16_bit(*s).to_le_bytes()).collect();
    let request = json!({
        "type": "transcribe",
        "sample_rate": SAMPLE_RATE,
        "pcm_s16le": BASE64.encode(&pcm),
    });
    let mut all = String::new();
    let remarks = program.exchange(request, |line| {
        if let (Some(text), false) = (line.text, line.is_partial) {
            if text.len() > TEXT_BYTES_MAX {
                return Err("it wrote a text of more than 64 KiB".into());
            }
            all = text;
        }
        Ok(Then::GoOn)
    })?;
    Ok((without_sounds(&all), remarks))
}

struct AnswerIt(CommandStage);

impl Stage for AnswerIt {
    type In = Question;
    type Out = Piece;

    fn handle<'a>(&'a mut self, question: Question, out: &'a mut Outlet<Piece>) -> Work<'a> {
        let history: Vec<Value> = question
            .history
            .iter()
            .map(|past| json!({"question": past.question, "heard": past.heard}))
            .collect();
        let request = json!({"type": "answer", "question": question.text, "history": history});
        let mut room = TEXT_BYTES_MAX;
        let piece = move |line: Line| {
            let text = line.text.unwrap_or_default();
            let piece = &text[..text.floor_char_boundary(room)];
            // Longer than anybody listens: what is there is the answer.
            let then = match piece.len() < text.len() {
                true => Then::Enough,
                false => Then::GoOn,
            };
            room -= piece.len();
            Ok(((!piece.is_empty()).then(|| Piece(piece.into())), then))
        };
        Box::pin(serve(&self.0.worker, request, out, piece))
    }
}

struct Speak(CommandStage);

impl Stage for Speak {
    type In = Clause;
    type Out = AudioChunk;

    fn handle<'a>(&'a mut self, Clause(text): Clause, out: &'a mut Outlet<AudioChunk>) -> Work<'a> {
        let request = json!({"type": "speak", "text": text});
        let is_sayable = text.chars().any(char::is_alphanumeric);
        // The words go with the first piece; the others only continue it.
        let mut words = Some(text);
        let mut room = SPEECH_BYTES_MAX;
        let chunk = move |line: Line| {
            let is_last = line.is_last();
            let mut chunk = None;
            if let Some(pcm) = line.pcm_s16le {
                room = room
                    .checked_sub(pcm.len() / 4 * 3)
                    .ok_or("it wrote more than 4 MiB of sound for a clause")?;
                let samples = from_16_bit(&pcm, line.sample_rate.unwrap_or(SAMPLE_RATE))?;
                if !samples.is_empty() {
                    let text = words.take().unwrap_or_default();
                    chunk = Some(AudioChunk::new(samples.into(), text));
                }
            }
            if is_last && is_sayable && words.is_some() {
                return Err("it was done without any sound".into());
            }
            Ok((chunk, Then::GoOn))
        };
        Box::pin(serve(&self.0.worker, request, out, chunk))
    }
}

/// Has the program answer a request, and hands on what `output` makes of each line.
async fn serve<T: Recorded + Send + 'static>(
    worker: &Worker<Program>,
    request: Value,
    out: &mut Outlet<T>,
    mut output: impl FnMut(Line) -> Result<(Option<T>, Then), String> + Send + 'static,
) -> Result<(), StageError> {
    let remarks = Arc::new(Mutex::new(Remarks::default()));
    let noted = Arc::clone(&remarks);
    let job = move |program: &mut Program, _, outputs: &Emitter<Result<T, StageError>>| {
        let served = program.exchange(request, |line| {
            let (item, then) = output(line)?;
            if let Some(item) = item {
                outputs.send(Ok(item));
            }
            Ok(then)
        });
        match served {
            Ok(remarks) => *noted.lock().unwrap_or_else(PoisonError::into_inner) = remarks,
            Err(error) => {
                outputs.send(Err(error));
            }
        }
    };
    out.charge(worker, 1, job).await?;
    let remarks = *remarks.lock().unwrap_or_else(PoisonError::into_inner);
    remark(out, remarks);
    Ok(())
}

fn remark<T: Recorded>(out: &mut Outlet<T>, remarks: Remarks) {
    if !remarks.is_empty() {
        out.cost(Cost {
            remarks,
            ..Cost::default()
        });
    }
}

fn from_16_bit(pcm: &str, rate: u32) -> Result<Vec<f32>, String> {
    let bytes = BASE64
        .decode(pcm)
        .map_err(|error| format!("pcm_s16le is not base64: {error}"))?;
    let samples: Vec<f32> = bytes
        .chunks_exact(2)
        .map(|pair| f32::from(i16::from_le_bytes([pair[0], pair[1]])) / 32_768.0)
        .collect();
    let samples = resample(&samples, rate, SAMPLE_RATE).map_err(|error| error.to_string())?;
    Ok(samples.into_owned())
}
