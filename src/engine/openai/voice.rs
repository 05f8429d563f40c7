//! Text to speech on a server.

use super::prompt::merge;
use super::server::Server;
use super::sound::{Sound, sound};
use super::{broken_off, patience, reach};
use crate::clock::{Answered, Patience};
use crate::engine::build::Purpose;
use crate::engine::{Built, EngineError};
use crate::event::{Cost, Remarks};
use crate::scenario::engine::ServerVoice;
use crate::stage::{AudioChunk, Clause, Outlet, Stage, TextToSpeech, Work};
use serde_json::{Map, Value};

const TIMEOUT_KEYS: [&str; 3] = ["timeout_ms"; 3];

struct Voice {
    server: Server,
    voice: Option<String>,
    rate: u32,
    /// Keys of the scenario's that go into a request.
    own: Map<String, Value>,
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
            own: asked.server.body.clone(),
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
            let mut body = serde_json::json!({
                "model": self.server.model(),
                "input": &*text,
                "voice": self.voice.as_deref().unwrap_or("alloy"),
                "response_format": "pcm",
            });
            merge(&mut body, &self.own);
            let request = self.server.post().json(&body);
            out.begun();
            let rate = self.rate;
            // A clause without a letter or a digit need not sound.
            let is_sayable = text.chars().any(char::is_alphanumeric);
            let read = move |response, place| sound(response, place, rate, is_sayable);
            let mut answer = self.server.ask(request, self.patience, read);
            // The words go with the first piece; the others only continue it.
            let mut words = Some(text);
            let mut remarks = Remarks::default();
            loop {
                match answer.next().await {
                    Some(Answered::Item(_, sound)) => match sound? {
                        Sound::Samples(samples) => {
                            let text = words.take().unwrap_or_default();
                            out.send(AudioChunk::new(samples.into(), text)).await?;
                        }
                        Sound::Remark(remark) => remarks.add(remark),
                    },
                    Some(Answered::Done(cost)) => {
                        out.cost(Cost { remarks, ..cost });
                        return Ok(());
                    }
                    other => return Err(broken_off(&self.server, other, TIMEOUT_KEYS)),
                }
            }
        })
    }
}
