//! Fakes of every engine, for simulation: they take their time and invent the rest.
//!
//! Their latencies are drawn from named random sources by the conversation and the turn, so a
//! conversation is the same for the same seed.

mod answer;
mod occasion;

pub use occasion::Occasion;

use super::Built;
use crate::clock::Clock;
use crate::event::StageName;
use crate::rng::Seed;
use crate::scenario::cure::fallback;
use crate::scenario::latency::{LatencyModel, Work as Amount};
use crate::scenario::{Scenario, Topology};
use crate::stage::{
    self, AudioChunk, AudioFeed, Clause, Outlet, Piece, Question, Stage, StageError, TextFeed,
    Transcript, Utterance, Work, transcribe_in_batches,
};
use answer::{AnswerModel, Answerer};
use occasion::{Latency, luck};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// People read aloud about this many characters in a second.
const CHARACTERS_PER_SECOND: f64 = 15.0;

/// And say about so many words.
const WORDS_PER_SECOND: f64 = 2.5;

/// A token of English is about four characters.
const CHARACTERS_PER_TOKEN: f64 = 4.0;

/// The fakes of a scenario, ready to be made for one conversation after the other.
pub struct Fakes {
    transcription: Latency,
    answer: AnswerModel,
    synthesis: Latency,
    model: Latency,
}

impl Fakes {
    pub fn of(scenario: &Scenario) -> Fakes {
        let seed = Seed(scenario.seed);
        Fakes {
            transcription: Latency::of(&transcription(scenario), "speech_to_text", seed),
            answer: AnswerModel::of(scenario),
            synthesis: Latency::of(&synthesis(scenario), "text_to_speech", seed),
            model: Latency::of(&scenario.speech_to_speech.latency, "speech_to_speech", seed),
        }
    }

    pub fn speech_to_text(self: &Rc<Self>, at: &Occasion) -> stage::SpeechToText {
        Box::new(Recogniser(self.clone(), at.clone()))
    }

    pub fn answer(self: &Rc<Self>, at: &Occasion) -> stage::Answer {
        Box::new(Answerer(self.clone(), at.clone()))
    }

    pub fn text_to_speech(self: &Rc<Self>, at: &Occasion) -> stage::TextToSpeech {
        Box::new(Voice(self.clone(), at.clone()))
    }

    pub fn speech_to_speech(self: &Rc<Self>, at: &Occasion) -> stage::SpeechToSpeech {
        Box::new(Model(self.clone(), at.clone()))
    }

    /// Pieces of a fake's answer are clauses already.
    pub fn clauses() -> stage::Clauses {
        Box::new(AsTheyCome)
    }
}

fn transcription(scenario: &Scenario) -> LatencyModel {
    let given = scenario.stt.latency.clone();
    match scenario.topology {
        Topology::Cascade => given.unwrap_or(LatencyModel::FixedMs(250.0)),
        // A model that hears and speaks waits for no transcript.
        Topology::SpeechToSpeech => LatencyModel::FixedMs(0.0),
    }
}

fn first_token(scenario: &Scenario) -> LatencyModel {
    let given = scenario.answer.latency.clone();
    given.unwrap_or(LatencyModel::FixedMs(300.0))
}

fn synthesis(scenario: &Scenario) -> LatencyModel {
    let given = scenario.tts.latency.clone();
    given.unwrap_or(LatencyModel::FixedMs(150.0))
}

fn described<S>(stage: S, model: &LatencyModel) -> Built<S> {
    Built::new(stage, format!("simulated, {}", model.describe()))
}

pub(super) fn recogniser(scenario: &Scenario, clock: &Clock) -> Built<stage::SpeechToText> {
    let at = Occasion::new(clock, 0, Rc::default());
    let stage = Rc::new(Fakes::of(scenario)).speech_to_text(&at);
    described(stage, &transcription(scenario))
}

pub(super) fn answerer(scenario: &Scenario, clock: &Clock) -> Built<stage::Answer> {
    let at = Occasion::new(clock, 0, Rc::default());
    let stage = Rc::new(Fakes::of(scenario)).answer(&at);
    described(stage, &first_token(scenario))
}

pub(super) fn voice(scenario: &Scenario, clock: &Clock) -> Built<stage::TextToSpeech> {
    let at = Occasion::new(clock, 0, Rc::default());
    let stage = Rc::new(Fakes::of(scenario)).text_to_speech(&at);
    described(stage, &synthesis(scenario))
}

pub(super) fn model(scenario: &Scenario, clock: &Clock) -> stage::SpeechToSpeech {
    Rc::new(Fakes::of(scenario)).speech_to_speech(&Occasion::new(clock, 0, Rc::default()))
}

/// A line about each fake of a scenario, by stage.
pub fn described_stages(scenario: &Scenario) -> BTreeMap<String, String> {
    let models = match scenario.topology {
        Topology::Cascade => vec![
            ("speech_to_text", transcription(scenario)),
            ("answer", first_token(scenario)),
            ("text_to_speech", synthesis(scenario)),
        ],
        Topology::SpeechToSpeech => vec![(
            "speech_to_speech",
            scenario.speech_to_speech.latency.clone(),
        )],
    };
    let line = |(stage, model): (&str, LatencyModel)| {
        (stage.to_owned(), format!("simulated, {}", model.describe()))
    };
    let mut lines: BTreeMap<String, String> = models.into_iter().map(line).collect();
    let (cure, reserve) = (&scenario.cure, scenario.in_reserve());
    for (stage, falls_back, model) in [
        (
            "speech_to_text",
            fallback(&cure.stt).is_some(),
            transcription(&reserve),
        ),
        (
            "answer",
            fallback(&cure.answer).is_some(),
            first_token(&reserve),
        ),
        (
            "text_to_speech",
            fallback(&cure.tts).is_some(),
            synthesis(&reserve),
        ),
    ] {
        if let (true, Some(line)) = (falls_back, lines.get_mut(stage)) {
            *line += &format!("; if that fails, simulated, {}", model.describe());
        }
    }
    lines
}

struct Recogniser(Rc<Fakes>, Occasion);

impl Stage for Recogniser {
    type In = AudioFeed;
    type Out = Transcript;

    fn handle<'a>(&'a mut self, feed: AudioFeed, out: &'a mut Outlet<Transcript>) -> Work<'a> {
        let Recogniser(fakes, at) = self;
        Box::pin(transcribe_in_batches(
            feed,
            out,
            async |heard: Arc<Utterance>, out: &mut Outlet<Transcript>| {
                let amount = Amount {
                    audio_s: heard.length.as_secs_f64(),
                    ..Amount::default()
                };
                let span =
                    fakes
                        .transcription
                        .sample(at, out.turn(), luck(0, out.nth_try()), amount);
                let _slot = at.slot(StageName::SpeechToText, span).await?;
                out.begun_anew();
                at.pass(at.clock.now(), span).await;
                Ok::<Arc<str>, StageError>(match heard.text.trim() {
                    _ if heard.text.is_empty() => unknown_words(heard.length),
                    text if text.contains('…') => unknown_words(heard.length),
                    text => text.into(),
                })
            },
        ))
    }
}

/// Words of which only the number is known: a fake cannot hear what a recording says.
fn unknown_words(length: Duration) -> Arc<str> {
    let words = (length.as_secs_f64() * WORDS_PER_SECOND).ceil().max(1.0) as usize;
    let few = "… … … … … … … … … … … … … … … …";
    match few.get(..words * "… ".len() - " ".len()) {
        Some(few) => few.into(),
        None => vec!["…"; words].join(" ").into(),
    }
}

/// Hands pieces on as clauses.
struct AsTheyCome;

impl Stage for AsTheyCome {
    type In = TextFeed;
    type Out = Clause;

    fn handle<'a>(&'a mut self, mut text: TextFeed, out: &'a mut Outlet<Clause>) -> Work<'a> {
        Box::pin(async move {
            while let Some(Piece(piece)) = text.next().await {
                out.send(Clause(piece.trim_end().into())).await?;
            }
            out.begun();
            Ok(())
        })
    }
}

struct Voice(Rc<Fakes>, Occasion);

impl Stage for Voice {
    type In = Clause;
    type Out = AudioChunk;

    fn handle<'a>(&'a mut self, clause: Clause, out: &'a mut Outlet<AudioChunk>) -> Work<'a> {
        Box::pin(async move {
            let Voice(fakes, at) = self;
            let Clause(text) = clause;
            let characters = text.chars().count() as f64;
            let amount = Amount {
                characters,
                tokens: characters / CHARACTERS_PER_TOKEN,
                ..Amount::default()
            };
            let span =
                fakes
                    .synthesis
                    .sample(at, out.turn(), luck(hash(&text), out.nth_try()), amount);
            let _slot = at.slot(StageName::TextToSpeech, span).await?;
            out.begun();
            at.pass(at.clock.now(), span).await;
            out.send(sound(text)).await
        })
    }
}

/// What it sounds like when `text` is spoken: it takes its time.
pub fn sound(text: Arc<str>) -> AudioChunk {
    let characters = text.chars().count() as f64;
    AudioChunk {
        length: Duration::from_secs_f64(characters / CHARACTERS_PER_SECOND),
        samples: None,
        text,
    }
}

/// Tells clauses of a turn apart (Fowler, Noll and Vo's FNV-1a, 32 bits).
fn hash(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    })
}

struct Model(Rc<Fakes>, Occasion);

impl Stage for Model {
    type In = Question;
    type Out = AudioChunk;

    fn handle<'a>(&'a mut self, _: Question, out: &'a mut Outlet<AudioChunk>) -> Work<'a> {
        Box::pin(async move {
            let Model(fakes, at) = self;
            let span = fakes.model.sample(at, out.turn(), 0, Amount::default());
            let _slot = at.slot(StageName::SpeechToSpeech, span).await?;
            out.begun();
            at.pass(at.clock.now(), span).await;
            out.send(AudioChunk {
                length: Duration::from_secs_f64(fakes.answer.seconds),
                samples: None,
                text: "…".into(),
            })
            .await
        })
    }
}
