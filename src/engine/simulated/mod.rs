//! Simulated engines for every stage: they take their time and invent the rest.
//!
//! Their latencies are drawn from named random sources by the conversation and the turn, so a
//! conversation is the same for the same random.

mod answer;
mod asked;
mod occasion;
#[cfg(test)]
mod test_theory;

pub use asked::Asked;
pub use occasion::Occasion;

use super::resilience::{Spare, Spares};
use super::{Built, Engines, Reply};
use crate::clock::Clock;
use crate::event::StageName;
use crate::rng::Randomness;
use crate::scenario::engine::{Answerer, SimulatedAnswer, SimulatedEngine, Voice};
use crate::scenario::latency::{Latency, Work as Amount};
use crate::scenario::{Clauses, Scenario, SimulatedModel};
use crate::stage::{
    self, AudioChunk, AudioFeed, Clause, Outlet, Piece, Question, Stage, StageError, TextFeed,
    Transcript, Utterance, Work, transcribe_in_batches,
};
use answer::{AnswerModel, AnswererStage};
use asked::AskedReply;
use occasion::{Desk, Drawn, luck};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// People read aloud about this many characters in a second.
const CHARACTERS_PER_SECOND: f64 = 15.0;

/// People say about this many words in a second.
const WORDS_PER_SECOND: f64 = 2.5;

/// A token of English is about four characters.
const CHARACTERS_PER_TOKEN: f64 = 4.0;

/// Simulated engines, ready to be made for one conversation after the other.
pub struct SimulatedEngines {
    stt: [Rc<Drawn>; 2],
    reply: Ready,
}

/// The first engine of each stage, and the one that is fallen back on.
enum Ready {
    Cascade {
        answer: [Rc<AnswerModel>; 2],
        tts: [Rc<Drawn>; 2],
    },
    Direct {
        model: Rc<Drawn>,
        seconds: f64,
    },
}

impl SimulatedEngines {
    /// Engines that draw from `random`, whose texts are cut into clauses as the scenario has it.
    pub fn new(asked: &Asked, clauses: &Clauses, random: Randomness) -> SimulatedEngines {
        let both = |(first, fallback): &(SimulatedEngine, Option<SimulatedEngine>), stage| {
            let drawn = |of: &SimulatedEngine| Drawn::of_engine(of, stage, random);
            // A fallback is elsewhere.
            let fallback = fallback.as_ref().map(|of| Rc::new(drawn(of)));
            let first = drawn(first).disturbed_by(asked.disturbance.as_ref(), stage, random);
            let first = Rc::new(first);
            [first.clone(), fallback.unwrap_or(first)]
        };
        SimulatedEngines {
            stt: both(&asked.stt, StageName::SpeechToText),
            reply: match &asked.reply {
                AskedReply::Cascade { answer, tts } => {
                    let model = |answer| AnswerModel::of(answer, clauses, random);
                    let disturbance = asked.disturbance.as_ref();
                    let first = Rc::new(model(&answer.0).disturbed_by(disturbance, random));
                    let fallback = answer.1.as_ref().map(|of| Rc::new(model(of)));
                    Ready::Cascade {
                        answer: [first.clone(), fallback.unwrap_or(first)],
                        tts: both(tts, StageName::TextToSpeech),
                    }
                }
                AskedReply::Direct(asked) => Ready::Direct {
                    model: Rc::new(Drawn::of(
                        &asked.latency,
                        None,
                        StageName::SpeechToSpeech,
                        random,
                    )),
                    seconds: answer::seconds(asked.text.as_deref()),
                },
            },
        }
    }

    /// The engines of one conversation.
    pub fn of_conversation(&self, at: &Occasion) -> Engines {
        let [stt, _] = &self.stt;
        Engines {
            stt: Box::new(RecogniserStage(stt.clone(), Desk::new(at))),
            reply: match &self.reply {
                Ready::Cascade { answer, tts } => Reply::Cascade {
                    answer: Box::new(AnswererStage(answer[0].clone(), Desk::new(at))),
                    clauses: clauses(),
                    tts: Box::new(VoiceStage(tts[0].clone(), Desk::new(at))),
                },
                Ready::Direct { model, seconds } => {
                    Reply::Direct(Box::new(Model(model.clone(), *seconds, at.clone())))
                }
            },
        }
    }

    /// The spare engines of a conversation.
    pub fn spares<'a>(&'a self, at: &'a Occasion) -> SimulatedSpares<'a> {
        SimulatedSpares { engines: self, at }
    }
}

/// Makes the spare engines of a conversation.
pub struct SimulatedSpares<'a> {
    engines: &'a SimulatedEngines,
    at: &'a Occasion,
}

impl SimulatedSpares<'_> {
    /// Which of a stage's two engines a spare one is, and its occasion: a fallback stands in no pool.
    fn of(&self, spare: Spare) -> (usize, Occasion) {
        match spare {
            Spare::Second => (0, self.at.clone()),
            Spare::Fallback => (1, self.at.elsewhere()),
        }
    }
}

impl Spares for SimulatedSpares<'_> {
    type Error = Infallible;

    fn speech_to_text(&mut self, spare: Spare) -> Result<stage::SpeechToText, Infallible> {
        let (which, at) = self.of(spare);
        Ok(Box::new(RecogniserStage(
            self.engines.stt[which].clone(),
            Desk::new(&at),
        )))
    }

    fn answer(&mut self, spare: Spare) -> Result<Option<stage::Answer>, Infallible> {
        let (which, at) = self.of(spare);
        Ok(match &self.engines.reply {
            Ready::Cascade { answer, .. } => Some(Box::new(AnswererStage(
                answer[which].clone(),
                Desk::new(&at),
            ))),
            Ready::Direct { .. } => None,
        })
    }

    fn text_to_speech(&mut self, spare: Spare) -> Result<Option<stage::TextToSpeech>, Infallible> {
        let (which, at) = self.of(spare);
        Ok(match &self.engines.reply {
            Ready::Cascade { tts, .. } => {
                Some(Box::new(VoiceStage(tts[which].clone(), Desk::new(&at))))
            }
            Ready::Direct { .. } => None,
        })
    }
}

/// Pieces of a simulated answer are clauses already.
pub(super) fn clauses() -> stage::Clauses {
    Box::new(AsTheyCome)
}

fn described(latency: &Latency) -> String {
    format!("simulated, {}", latency.describe())
}

/// A line about the answer and the voice that a model stands in place of.
pub(super) fn described_beside(scenario: &Scenario) -> BTreeMap<String, String> {
    let mut lines = BTreeMap::new();
    if let Answerer::Simulated(answer) = &scenario.answer.engine {
        lines.insert(
            StageName::Answer.name().to_owned(),
            described(&answer.latency),
        );
    }
    if let Voice::Simulated(engine) = &scenario.tts.engine {
        lines.insert(
            StageName::TextToSpeech.name().to_owned(),
            described(&engine.latency),
        );
    }
    lines
}

/// An occasion with random draws of its own and no pool: for a simulated engine among real ones.
fn alone(clock: &Clock) -> Occasion {
    Occasion::new(clock, 0, Rc::default())
}

pub(super) fn recogniser(
    engine: &SimulatedEngine,
    random: Randomness,
    clock: &Clock,
) -> Built<stage::SpeechToText> {
    let drawn = Drawn::of_engine(engine, StageName::SpeechToText, random);
    let desk = Desk::new(&alone(clock));
    Built::new(
        Box::new(RecogniserStage(Rc::new(drawn), desk)),
        described(&engine.latency),
    )
}

pub(super) fn answerer(
    answer: &SimulatedAnswer,
    clauses: &Clauses,
    random: Randomness,
    clock: &Clock,
) -> Built<stage::Answer> {
    let model = Rc::new(AnswerModel::of(answer, clauses, random));
    Built::new(
        Box::new(AnswererStage(model, Desk::new(&alone(clock)))),
        described(&answer.latency),
    )
}

pub(super) fn voice(
    engine: &SimulatedEngine,
    random: Randomness,
    clock: &Clock,
) -> Built<stage::TextToSpeech> {
    let drawn = Drawn::of_engine(engine, StageName::TextToSpeech, random);
    let desk = Desk::new(&alone(clock));
    Built::new(
        Box::new(VoiceStage(Rc::new(drawn), desk)),
        described(&engine.latency),
    )
}

pub(super) fn model(
    asked: &SimulatedModel,
    random: Randomness,
    clock: &Clock,
) -> stage::SpeechToSpeech {
    let drawn = Rc::new(Drawn::of(
        &asked.latency,
        None,
        StageName::SpeechToSpeech,
        random,
    ));
    let seconds = answer::seconds(asked.text.as_deref());
    Box::new(Model(drawn, seconds, alone(clock)))
}

struct RecogniserStage(Rc<Drawn>, Desk);

impl Stage for RecogniserStage {
    type In = AudioFeed;
    type Out = Transcript;

    fn handle<'a>(&'a mut self, feed: AudioFeed, out: &'a mut Outlet<Transcript>) -> Work<'a> {
        let RecogniserStage(transcription, desk) = self;
        let at = &desk.at;
        Box::pin(transcribe_in_batches(
            feed,
            out,
            async |heard: Arc<Utterance>, out: &mut Outlet<Transcript>| {
                let amount = Amount {
                    audio_s: heard.length.as_secs_f64(),
                    ..Amount::default()
                };
                let takes = transcription.sample(at, out.turn(), luck(0, out.nth_try()), amount);
                let _slot = at.slot(StageName::SpeechToText, takes.span).await?;
                let took = desk
                    .begin(transcription, takes, out, Outlet::begun_anew)
                    .await;
                at.pass(at.clock.now(), took).await;
                Ok::<Arc<str>, StageError>(match heard.text.trim() {
                    _ if heard.text.is_empty() => unknown_words(heard.length),
                    text if text.contains('…') => unknown_words(heard.length),
                    text => text.into(),
                })
            },
        ))
    }
}

/// Words of which only the number is known: a simulated recogniser cannot hear what a recording says.
pub(super) fn unknown_words(length: Duration) -> Arc<str> {
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

struct VoiceStage(Rc<Drawn>, Desk);

impl Stage for VoiceStage {
    type In = Clause;
    type Out = AudioChunk;

    fn handle<'a>(&'a mut self, clause: Clause, out: &'a mut Outlet<AudioChunk>) -> Work<'a> {
        Box::pin(async move {
            let VoiceStage(synthesis, desk) = self;
            let at = &desk.at;
            let Clause(text) = clause;
            let characters = text.chars().count() as f64;
            let amount = Amount {
                characters,
                tokens: characters / CHARACTERS_PER_TOKEN,
                ..Amount::default()
            };
            let takes = synthesis.sample(at, out.turn(), luck(hash(&text), out.nth_try()), amount);
            let _slot = at.slot(StageName::TextToSpeech, takes.span).await?;
            let took = desk.begin(synthesis, takes, out, Outlet::begun).await;
            at.pass(at.clock.now(), took).await;
            out.send(sound(text).beginning_after(synthesis.head)).await
        })
    }
}

/// Simulated sound of `text`: it lasts as long as speaking it would, and has no samples.
pub fn sound(text: Arc<str>) -> AudioChunk {
    let characters = text.chars().count() as f64;
    let length = Duration::from_secs_f64(characters / CHARACTERS_PER_SECOND);
    AudioChunk::without_samples(length, text)
}

/// Tells clauses of a turn apart (Fowler, Noll and Vo's FNV-1a, 32 bits).
fn hash(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    })
}

struct Model(Rc<Drawn>, f64, Occasion);

impl Stage for Model {
    type In = Question;
    type Out = AudioChunk;

    fn handle<'a>(&'a mut self, _: Question, out: &'a mut Outlet<AudioChunk>) -> Work<'a> {
        Box::pin(async move {
            let Model(response, seconds, at) = self;
            let span = response.sample(at, out.turn(), 0, Amount::default()).span;
            let _slot = at.slot(StageName::SpeechToSpeech, span).await?;
            out.begun();
            at.pass(at.clock.now(), span).await;
            let length = Duration::from_secs_f64(*seconds);
            out.send(AudioChunk::without_samples(length, "…".into()))
                .await
        })
    }
}
