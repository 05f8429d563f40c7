//! Fakes of every engine, for simulation: they take their time and invent the rest.
//!
//! Their latencies are drawn from named random streams by the turn, so a conversation is the same
//! for the same seed.

use super::Built;
use crate::clock::Clock;
use crate::event::TurnId;
use crate::rng::Seed;
use crate::scenario::latency::LatencyModel;
use crate::stage::{
    self, AudioChunk, AudioFeed, Clause, Identified, Outlet, Piece, Question, Stage, Transcript,
    Utterance, Work, transcribe_in_batches,
};
use std::sync::Arc;
use std::time::Duration;

/// People read aloud about this many characters in a second.
const CHARACTERS_PER_SECOND: f64 = 15.0;

/// And say about so many words.
const WORDS_PER_SECOND: f64 = 2.5;

const ANSWER: &str = "This answer is simulated, and it is about as long as answers are.";

/// A latency model with the streams it draws from.
struct Latency {
    clock: Clock,
    model: LatencyModel,
    seed: Seed,
    stage: &'static str,
}

impl Latency {
    fn new(
        stage: &'static str,
        model: Option<LatencyModel>,
        default_ms: f64,
        (clock, seed): (&Clock, Seed),
    ) -> Latency {
        Latency {
            clock: clock.clone(),
            model: model.unwrap_or(LatencyModel::FixedMs(default_ms)),
            seed,
            stage,
        }
    }

    fn described(&self) -> String {
        match self.model {
            LatencyModel::FixedMs(ms) => format!("simulated, {ms} ms"),
            LatencyModel::Lognormal { median_ms, p95_ms } => {
                format!("simulated, lognormal with median {median_ms} ms and p95 {p95_ms} ms")
            }
        }
    }

    /// Takes as long as work on `input` in `turn` does. The same work takes as long again.
    async fn pass(&self, turn: TurnId, input: &str) {
        let purpose = format!("latency {input}");
        let mut stream = self.seed.stream(self.stage, 0, turn.0.into(), &purpose);
        let span = self.model.sample(&mut stream);
        self.clock.sleep_until(self.clock.now() + span).await;
    }
}

struct Recogniser(Latency);

pub(super) fn recogniser(
    model: Option<LatencyModel>,
    clock: &Clock,
    seed: Seed,
) -> Built<stage::SpeechToText> {
    let latency = Latency::new("speech_to_text", model, 250.0, (clock, seed));
    let described = latency.described();
    Built::new(Box::new(Recogniser(latency)), described)
}

impl Stage for Recogniser {
    type In = AudioFeed;
    type Out = Transcript;

    fn handle<'a>(&'a mut self, feed: AudioFeed, out: &'a mut Outlet<Transcript>) -> Work<'a> {
        let latency = &self.0;
        Box::pin(transcribe_in_batches(
            feed,
            out,
            async move |heard: Arc<Utterance>, out: &mut Outlet<Transcript>| {
                out.begun_anew();
                latency.pass(out.turn(), "").await;
                Ok(match heard.text.trim() {
                    "" => unknown_words(heard.length),
                    text => text.to_owned(),
                })
            },
        ))
    }
}

/// Words of which only the number is known: a fake cannot hear what a recording says.
fn unknown_words(length: Duration) -> String {
    let words = (length.as_secs_f64() * WORDS_PER_SECOND).ceil().max(1.0);
    vec!["…"; words as usize].join(" ")
}

struct Answerer {
    latency: Latency,
    text: String,
}

pub(super) fn answerer(
    model: Option<LatencyModel>,
    text: Option<&str>,
    clock: &Clock,
    seed: Seed,
) -> Built<stage::Answer> {
    let latency = Latency::new("answer", model, 300.0, (clock, seed));
    let described = latency.described();
    let text = text.unwrap_or(ANSWER).to_owned();
    Built::new(Box::new(Answerer { latency, text }), described)
}

impl Stage for Answerer {
    type In = Question;
    type Out = Piece;

    fn handle<'a>(&'a mut self, question: Question, out: &'a mut Outlet<Piece>) -> Work<'a> {
        Box::pin(async move {
            out.begun();
            let input = question.identity().hex();
            self.latency.pass(out.turn(), &input).await;
            out.send(Piece(self.text.clone())).await
        })
    }
}

struct Voice(Latency);

pub(super) fn voice(
    model: Option<LatencyModel>,
    clock: &Clock,
    seed: Seed,
) -> Built<stage::TextToSpeech> {
    let latency = Latency::new("text_to_speech", model, 150.0, (clock, seed));
    let described = latency.described();
    Built::new(Box::new(Voice(latency)), described)
}

impl Stage for Voice {
    type In = Clause;
    type Out = AudioChunk;

    fn handle<'a>(&'a mut self, clause: Clause, out: &'a mut Outlet<AudioChunk>) -> Work<'a> {
        Box::pin(async move {
            out.begun();
            let input = clause.identity().hex();
            self.0.pass(out.turn(), &input).await;
            let Clause(text) = clause;
            let seconds = text.chars().count() as f64 / CHARACTERS_PER_SECOND;
            out.send(AudioChunk {
                length: Duration::from_secs_f64(seconds),
                samples: None,
                text: text.into(),
            })
            .await
        })
    }
}
