//! Speech to text on a server.

use super::prompt::merge;
use super::server::{Place, Server, body};
use super::transcript::text_in;
use super::{broken_off, gone, patience, reach};
use crate::audio::SAMPLE_RATE;
use crate::audio::wav::to_16_bit;
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
use std::fmt;
use std::io::Cursor;
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
        let failed = |error: &dyn fmt::Display| StageError::Failed(error.to_string());
        let file = wav(&heard.samples).map_err(|error| failed(&error))?;
        let file = Part::bytes(file).file_name("utterance.wav");
        let file = file.mime_str("audio/wav").map_err(|error| failed(&error))?;
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
                other => return Err(broken_off(&self.server, other, TIMEOUT_KEYS)),
            }
        }
    }
}

async fn transcript(response: Response, place: Arc<Place>) -> Result<String, StageError> {
    let body = body(response, TRANSCRIPT_BYTES_MAX).await;
    let text = text_in(&body).map_err(|why| place.garbled(&place.plain(&why)))?;
    let text = place.masked(&text);
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

/// 16-bit mono, as a WAV file.
fn wav(samples: &[f32]) -> Result<Vec<u8>, hound::Error> {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: SAMPLE_RATE,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut file = Cursor::new(Vec::with_capacity(44 + 2 * samples.len()));
    let mut writer = hound::WavWriter::new(&mut file, spec)?;
    for sample in samples {
        writer.write_sample(to_16_bit(*sample))?;
    }
    writer.finalize()?;
    Ok(file.into_inner())
}
