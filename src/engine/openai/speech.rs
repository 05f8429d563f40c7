//! Speech to text and text to speech on a server.

use super::server::{Place, Server, body};
use super::{gone, patience, reach, too_slow};
use crate::audio::SAMPLE_RATE;
use crate::audio::resample::StreamResampler;
use crate::clock::{Answered, Patience};
use crate::engine::build::Purpose;
use crate::engine::{Built, EngineError};
use crate::scenario::engine::{ServerRecogniser, ServerVoice};
use crate::stage::{
    AudioChunk, AudioFeed, Clause, Outlet, SpeechToText, Stage, StageError, TextToSpeech,
    Transcript, Utterance, Work, transcribe_in_batches,
};
use futures_util::stream::BoxStream;
use futures_util::{Stream, StreamExt, stream};
use reqwest::Response;
use reqwest::multipart::{Form, Part};
use serde::Deserialize;
use std::sync::Arc;

/// The longest transcript that is read.
const TRANSCRIPT_BYTES_MAX: usize = 256 << 10;
/// The longest speech that is taken for a clause: 4 MiB, 87 s at the usual rate.
const SPEECH_BYTES_MAX: usize = 4 << 20;
const TIMEOUT_KEYS: [&str; 3] = ["timeout_ms"; 3];

struct Recogniser {
    server: Server,
    language: Option<String>,
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
        let mut form = Form::new()
            .part("file", file)
            .text("model", self.server.model().to_owned())
            .text("response_format", "json");
        if let Some(language) = &self.language {
            form = form.text("language", language.clone());
        }
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
                None => return Err(gone()),
            }
        }
    }
}

#[derive(Deserialize)]
struct Text {
    text: String,
}

async fn transcript(response: Response, place: Arc<Place>) -> Result<String, StageError> {
    let body = body(response, TRANSCRIPT_BYTES_MAX).await;
    match serde_json::from_slice::<Text>(&body) {
        Ok(Text { text }) => Ok(text.trim().to_owned()),
        Err(_) => {
            let said = place.plain(&String::from_utf8_lossy(&body));
            Err(place.garbled(&format!("sent no transcript: {said}")))
        }
    }
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

struct Voice {
    server: Server,
    voice: Option<String>,
    rate: u32,
    patience: Patience,
}

pub(in crate::engine) fn voice(
    asked: &ServerVoice,
    at: Purpose<'_>,
) -> Result<Built<TextToSpeech>, EngineError> {
    let stage = |server| {
        Box::new(Voice {
            server,
            voice: asked.voice.clone(),
            rate: asked.rate,
            patience: patience(asked.timeout),
        }) as TextToSpeech
    };
    let reached = reach(&asked.server, "tts", "/audio/speech", at)?;
    Ok(reached.built(stage, "voice"))
}

impl Stage for Voice {
    type In = Clause;
    type Out = AudioChunk;

    fn handle<'a>(&'a mut self, Clause(text): Clause, out: &'a mut Outlet<AudioChunk>) -> Work<'a> {
        Box::pin(async move {
            let body = serde_json::json!({
                "model": self.server.model(),
                "input": &*text,
                "voice": self.voice.as_deref().unwrap_or("alloy"),
                "response_format": "pcm",
            });
            let request = self.server.post().json(&body);
            out.begun();
            let rate = self.rate;
            let read = move |response, place| speech(response, place, rate);
            let mut answer = self.server.ask(request, self.patience, read);
            // The words go with the first piece; the others only continue it.
            let mut words = Some(text);
            loop {
                match answer.next().await {
                    Some(Answered::Item(_, samples)) => {
                        let text = words.take().unwrap_or_default();
                        out.send(AudioChunk::new(samples?.into(), text)).await?;
                    }
                    Some(Answered::Done(cost)) => {
                        out.cost(cost);
                        return Ok(());
                    }
                    Some(Answered::TimedOut(silence)) => {
                        return Err(too_slow(&self.server, silence, TIMEOUT_KEYS));
                    }
                    None => return Err(gone()),
                }
            }
        })
    }
}

/// Sound that comes piece by piece: 16-bit little-endian samples, cut anywhere.
struct Speech {
    chunks: BoxStream<'static, Result<Vec<u8>, StageError>>,
    place: Arc<Place>,
    resampler: Option<StreamResampler>,
    /// Half a sample.
    half: Option<u8>,
    bytes: usize,
}

/// What is sent in place of samples, by how it begins.
const ENCODED: [(&[u8], &str); 4] = [
    (b"RIFF", "a WAV file"),
    (b"ID3", "MP3"),
    (b"OggS", "Ogg"),
    (b"fLaC", "FLAC"),
];

/// The samples in `response`, at the pipeline's rate; no piece is empty.
fn speech(
    response: Response,
    place: Arc<Place>,
    rate: u32,
) -> impl Stream<Item = Result<Vec<f32>, StageError>> + Send {
    let broken = Arc::clone(&place);
    let chunks = response.bytes_stream().map(move |chunk| {
        let chunk = chunk.map_err(|error| broken.broken(&error))?;
        Ok(chunk.to_vec())
    });
    let resampler = StreamResampler::new(rate, SAMPLE_RATE);
    let failed = resampler
        .as_ref()
        .err()
        .map(|error| StageError::Failed(error.to_string()));
    let speech = Speech {
        chunks: chunks.boxed(),
        place,
        resampler: resampler.ok(),
        half: None,
        bytes: 0,
    };
    let samples = stream::unfold(speech, async |mut speech| {
        let piece = speech.next().await?;
        Some((piece, speech))
    });
    let is_sound = |piece: &Result<Vec<f32>, _>| !piece.as_ref().is_ok_and(Vec::is_empty);
    let samples = samples.filter(move |piece| std::future::ready(is_sound(piece)));
    stream::iter(failed.map(Err)).chain(samples)
}

impl Speech {
    /// The next piece; `None` behind the end and behind an error.
    async fn next(&mut self) -> Option<Result<Vec<f32>, StageError>> {
        let mut resampler = self.resampler.take()?;
        let mut samples = Vec::new();
        let read = match self.chunks.next().await {
            Some(chunk) => chunk.and_then(|chunk| {
                let pcm = self.take(&chunk)?;
                resampler
                    .push(&pcm, &mut samples)
                    .map_err(|error| StageError::Failed(error.to_string()))?;
                self.resampler = Some(resampler);
                Ok(())
            }),
            None => resampler
                .finish(&mut samples)
                .map_err(|error| StageError::Failed(error.to_string())),
        };
        Some(read.map(|()| samples))
    }

    fn take(&mut self, chunk: &[u8]) -> Result<Vec<f32>, StageError> {
        if self.bytes == 0
            && let Some((_, name)) = ENCODED.iter().find(|(magic, _)| chunk.starts_with(magic))
        {
            let why = format!("sent {name} in place of plain samples (response_format pcm)");
            return Err(self.place.garbled(&why));
        }
        self.bytes += chunk.len();
        if self.bytes > SPEECH_BYTES_MAX {
            return Err(self
                .place
                .garbled("sent more than 4 MiB of sound for a clause"));
        }
        let mut bytes = Vec::with_capacity(chunk.len() + 1);
        bytes.extend(self.half.take());
        bytes.extend_from_slice(chunk);
        if bytes.len() % 2 == 1 {
            self.half = bytes.pop();
        }
        let samples = bytes.chunks_exact(2);
        Ok(samples
            .map(|pair| f32::from(i16::from_le_bytes([pair[0], pair[1]])) / 32_768.0)
            .collect())
    }
}
