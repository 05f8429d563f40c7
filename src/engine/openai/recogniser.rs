//! Speech to text on a server.

use super::prompt::merge;
use super::server::{Place, Server, body};
use super::transcript::text_in;
use super::{gone, panicked, patience, reach, too_slow};
use crate::audio::SAMPLE_RATE;
use crate::clock::{Answered, Patience};
use crate::engine::build::Purpose;
use crate::engine::{Built, EngineError};
use crate::scenario::engine::ServerRecogniser;
use crate::stage::{
    AudioFeed, Outlet, SpeechToText, Stage, StageError, Transcript, Utterance, Work,
    transcribe_in_batches, without_sounds,
};
use futures_util::stream;
use reqwest::Response;
use reqwest::multipart::{Form, Part};
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// The longest transcript that is read.
const TRANSCRIPT_BYTES_MAX: usize = 256 << 10;
const TIMEOUT_KEYS: [&str; 3] = ["timeout_ms"; 3];

struct Recogniser {
    server: Server,
    language: Option<String>,
    /// Keys of the scenario's that go into a request.
    own: Map<String, Value>,
    patience: Patience,
}

pub(in crate::engine) fn recogniser(
    asked: &ServerRecogniser,
    at: Purpose<'_>,
) -> Result<Built<SpeechToText>, EngineError> {
    let stage = |server| {
        Box::new(Recogniser {
            server,
            language: asked.language.clone(),
            own: asked.server.body.clone(),
            patience: patience(asked.timeout),
        }) as SpeechToText
    };
    let reached = reach(&asked.server, "stt", "/audio/transcriptions", at)?;
    Ok(reached.built(stage, "recogniser"))
}

impl Stage for Recogniser {
    type In = AudioFeed;
    type Out = Transcript;

    fn handle<'a>(&'a mut self, feed: AudioFeed, out: &'a mut Outlet<Transcript>) -> Work<'a> {
        let recogniser = &*self;
        Box::pin(transcribe_in_batches(
            feed,
            out,
            async |heard: Arc<Utterance>, out: &mut Outlet<Transcript>| {
                out.begun_anew();
                recogniser.transcribe(&heard, out).await
            },
        ))
    }
}

impl Recogniser {
    async fn transcribe(
        &self,
        heard: &Utterance,
        out: &mut Outlet<Transcript>,
    ) -> Result<String, StageError> {
        let file = Part::bytes(wav(&heard.samples)).file_name("utterance.wav");
        let file = file
            .mime_str("audio/wav")
            .map_err(|error| StageError::Failed(error.to_string()))?;
        let mut fields = json!({"model": self.server.model(), "response_format": "json"});
        if let Some(language) = &self.language {
            fields["language"] = json!(language);
        }
        merge(&mut fields, &self.own);
        let form = form_of(&fields).part("file", file);
        let request = self.server.post().multipart(form);
        let read = |response, place| stream::once(transcript(response, place));
        let mut answer = self.server.ask(request, self.patience, read);
        let mut text = None;
        loop {
            match answer.next().await {
                Some(Answered::Item(_, said)) => text = Some(said?),
                Some(Answered::Done(cost)) => {
                    out.cost(cost);
                    return text.ok_or_else(gone);
                }
                Some(Answered::TimedOut(silence)) => {
                    return Err(too_slow(&self.server, silence, TIMEOUT_KEYS));
                }
                Some(Answered::Panicked(what)) => return Err(panicked(&what)),
                None => return Err(gone()),
            }
        }
    }
}

async fn transcript(response: Response, place: Arc<Place>) -> Result<String, StageError> {
    let body = body(response, TRANSCRIPT_BYTES_MAX).await;
    let text = text_in(&body).map_err(|why| place.garbled(&place.plain(&why)))?;
    Ok(without_sounds(&text))
}

/// The fields of a form: texts as they are, and everything else as JSON.
fn form_of(fields: &Value) -> Form {
    let fields = fields.as_object().into_iter().flatten();
    fields.fold(Form::new(), |form, (name, value)| {
        let value = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        form.text(name.clone(), value)
    })
}

/// 16-bit mono, as a WAV file: RIFF, a format chunk of 16 bytes, and the samples.
fn wav(samples: &[f32]) -> Vec<u8> {
    let pcm: Vec<u8> = samples
        .iter()
        .flat_map(|sample| ((sample * 32_767.0).round() as i16).to_le_bytes())
        .collect();
    let length = u32::try_from(pcm.len()).unwrap_or(u32::MAX - 36);
    let mut wav = Vec::with_capacity(44 + pcm.len());
    wav.extend(b"RIFF");
    wav.extend((36 + length).to_le_bytes());
    wav.extend(b"WAVEfmt ");
    wav.extend(16_u32.to_le_bytes());
    // PCM, one channel.
    wav.extend([1, 0, 1, 0]);
    wav.extend(SAMPLE_RATE.to_le_bytes());
    wav.extend((2 * SAMPLE_RATE).to_le_bytes());
    // Bytes and bits of a sample.
    wav.extend([2, 0, 16, 0]);
    wav.extend(b"data");
    wav.extend(length.to_le_bytes());
    wav.extend(pcm);
    wav
}
