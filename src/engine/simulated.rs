//! Fakes of every engine, for simulation: they take their time and invent the rest.
//!
//! Their latencies are drawn from named random sources by the conversation and the turn, so a
//! conversation is the same for the same seed.

use super::Built;
use super::clauses::ClauseCutter;
use super::pool::{Pools, Slot};
use crate::clock::Clock;
use crate::event::{StageName, Tick, TurnId};
use crate::rng::{Draw, Seed, Source};
use crate::scenario::cure::fallback;
use crate::scenario::latency::{LatencyModel, Sampler, Work as Amount};
use crate::scenario::{self, Scenario, Topology};
use crate::stage::{
    self, AudioChunk, AudioFeed, Clause, Outlet, Piece, Question, Stage, StageError, TextFeed,
    Transcript, Utterance, Work, transcribe_in_batches,
};
use std::cell::Cell;
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

const ANSWER: &str = "This answer is simulated, and it is about as long as answers are.";

/// What a conversation's latencies are drawn by.
#[derive(Clone)]
pub struct Occasion {
    clock: Clock,
    conversation: u64,
    /// The question that the caller is at, counted from one, and how often it was begun again; zero where
    /// nobody counts them.
    said: Rc<Cell<(u32, u32)>>,
    pools: Rc<Pools>,
}

impl Occasion {
    /// The fakes share `pools` with other conversations.
    pub fn new(clock: &Clock, conversation: u64, pools: Rc<Pools>) -> Occasion {
        Occasion {
            clock: clock.clone(),
            conversation,
            said: Rc::default(),
            pools,
        }
    }

    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    pub fn conversation(&self) -> u64 {
        self.conversation
    }

    /// The same for engines that stand in no pool: whoever is asked in place of those that do.
    pub fn elsewhere(&self) -> Occasion {
        Occasion {
            pools: Rc::default(),
            ..self.clone()
        }
    }

    /// To be told which question the caller is at, and how often it was begun again.
    pub fn said(&self) -> Rc<Cell<(u32, u32)>> {
        self.said.clone()
    }

    /// Draws for `input` to a stage in `turn`. The same work draws the same again.
    fn draw(&self, source: Source, turn: TurnId, input: u32) -> Draw {
        let turn = match self.said.get() {
            (0, _) => turn.0,
            // Of what is said to one question each has its own luck; restarts are few.
            (asked, again) => asked | again << 24,
        };
        source.draw(self.conversation | u64::from(input) << 32, turn)
    }

    async fn pass(&self, since: Tick, span: Duration) {
        self.clock.sleep_until(since + span).await;
    }

    /// Waits for a place in the stage's pool, if it stands in one, for work of so long.
    async fn slot(&self, stage: StageName, span: Duration) -> Result<Option<Slot>, StageError> {
        match self.pools.of_stage(stage) {
            Some(pool) => pool.slot(span).await.map(Some),
            None => Ok(None),
        }
    }
}

/// A latency model, ready to be drawn from.
struct Latency {
    sampler: Sampler,
    source: Source,
}

impl Latency {
    fn of(model: &LatencyModel, stage: &str, seed: Seed) -> Latency {
        Latency {
            sampler: model.sampler(),
            source: seed.source(stage, "latency"),
        }
    }

    fn sample(&self, at: &Occasion, turn: TurnId, input: u32, amount: Amount) -> Duration {
        let mut draw = at.draw(self.source, turn, input);
        let mut mood = self.source.mood(at.conversation);
        self.sampler.sample(&mut draw, &mut mood, amount)
    }
}

/// The fakes of a scenario, ready to be made for one conversation after the other.
pub struct Fakes {
    transcription: Latency,
    answer: AnswerModel,
    synthesis: Latency,
    model: Latency,
}

/// How a fake answers.
struct AnswerModel {
    first_token: Latency,
    right: Source,
    token: Duration,
    samples: u32,
    accuracy: f64,
    clauses: Vec<Piece>,
    seconds: f64,
}

impl Fakes {
    pub fn of(scenario: &Scenario) -> Fakes {
        let seed = Seed(scenario.seed);
        let answer = &scenario.answer;
        let text = answer.text.as_deref().unwrap_or(ANSWER);
        let clauses = pieces(text, &scenario.clauses);
        Fakes {
            transcription: Latency::of(&transcription(scenario), "speech_to_text", seed),
            answer: AnswerModel {
                first_token: Latency::of(&first_token(scenario), "answer", seed),
                right: seed.source("answer", "right"),
                token: Duration::from_secs_f64(answer.token_ms / 1e3),
                samples: answer.best_of,
                accuracy: answer.accuracy,
                seconds: text.chars().count() as f64 / CHARACTERS_PER_SECOND,
                clauses,
            },
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

/// A text, cut as it is spoken.
fn pieces(text: &str, clauses: &scenario::Clauses) -> Vec<Piece> {
    let mut cutter = ClauseCutter::new(clauses);
    let mut clauses = cutter.push(text);
    clauses.extend(cutter.finish());
    // White space is part of a piece.
    let piece = |clause: String| Piece((clause + " ").into());
    clauses.into_iter().map(piece).collect()
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

struct Answerer(Rc<Fakes>, Occasion);

impl Stage for Answerer {
    type In = Question;
    type Out = Piece;

    fn handle<'a>(&'a mut self, question: Question, out: &'a mut Outlet<Piece>) -> Work<'a> {
        Box::pin(async move {
            let Answerer(fakes, at) = self;
            let model = &fakes.answer;
            let characters = question.text.chars().count() as f64;
            let (written, vote) = model.written(at, (out.turn(), out.nth_try()), characters);
            let all = written.last().copied().unwrap_or_default();
            let slot = at.slot(StageName::Answer, all).await?;
            out.begun();
            if let Some(is_right) = vote {
                out.voted(model.samples, is_right);
            }
            let start = at.clock.now();
            let writing = async {
                for (piece, span) in model.clauses.iter().zip(&written) {
                    at.pass(start, *span).await;
                    out.send(piece.clone()).await?;
                }
                Ok(())
            };
            match slot {
                None => writing.await,
                // Its engine writes on while nobody takes what it wrote.
                Some(slot) => {
                    let serving = async {
                        at.pass(start, all).await;
                        drop(slot);
                    };
                    tokio::join!(biased; writing, serving).0
                }
            }
        })
    }
}

impl AnswerModel {
    fn first_token(&self, at: &Occasion, turn: TurnId, sample: u32, characters: f64) -> Duration {
        let amount = Amount {
            characters,
            tokens: characters / CHARACTERS_PER_TOKEN,
            ..Amount::default()
        };
        self.first_token.sample(at, turn, sample, amount)
    }

    /// When each clause of an answer is written, counted from its beginning; and if it was voted for, whether
    /// it is right.
    fn written(
        &self,
        at: &Occasion,
        (turn, nth_try): (TurnId, u32),
        characters: f64,
    ) -> (Vec<Duration>, Option<bool>) {
        if self.samples > 1 {
            let (span, is_right) = self.vote(at, (turn, nth_try), characters);
            return (vec![span; self.clauses.len()], Some(is_right));
        }
        let mut span = self.first_token(at, turn, luck(0, nth_try), characters);
        let clause = |piece: &Piece| {
            // A clause is there with its last token.
            span += self.token.mul_f64(tokens(&piece.0));
            span
        };
        (self.clauses.iter().map(clause).collect(), None)
    }

    /// Has all samples answered at once; how long it takes until the vote can no longer change, and whether
    /// it is right. Wrong answers are taken to agree with each other, which is the worst case.
    fn vote(
        &self,
        at: &Occasion,
        (turn, nth_try): (TurnId, u32),
        characters: f64,
    ) -> (Duration, bool) {
        let all: f64 = self.clauses.iter().map(|piece| tokens(&piece.0)).sum();
        let writing = self.token.mul_f64(all);
        let mut votes: Vec<(Duration, bool)> = (0..self.samples)
            .map(|sample| {
                let sample = luck(sample, nth_try);
                let span = self.first_token(at, turn, sample, characters) + writing;
                let mut draw = at.draw(self.right, turn, sample);
                (span, draw.uniform() < self.accuracy)
            })
            .collect();
        votes.sort();
        let needed = self.samples / 2 + 1;
        let (mut right, mut wrong) = (0, 0);
        for (span, is_right) in votes {
            *if is_right { &mut right } else { &mut wrong } += 1;
            if right >= needed || wrong >= needed {
                return (span, right > wrong);
            }
        }
        (writing, right > wrong)
    }
}

fn tokens(text: &str) -> f64 {
    text.chars().count() as f64 / CHARACTERS_PER_TOKEN
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

/// Tells the tries of the same work apart; fewer than 256 samples are drawn for one.
fn luck(input: u32, nth_try: u32) -> u32 {
    input ^ nth_try << 8
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
