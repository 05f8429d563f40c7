//! The contract of a stage, and the values that pass between stages.

use crate::audio::Samples;
use crate::clock::{Charge, Emitter, Progress, Worker};
use crate::event::{Cost, OutputNote, Tick};
use crate::record::input::InputHash;
use crate::record::tap::Visit;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// What a stage is doing with one input. Not `Send`: a session lives on one thread.
pub type Work<'a> = Pin<Box<dyn Future<Output = Result<(), StageError>> + 'a>>;

/// One input in, any number of outputs out, each the moment it exists.
///
/// A stage does not know what time it is and cannot measure itself: it sends, and the [`Outlet`]
/// stamps. It calls [`Outlet::begun`] when it takes the work up (a stage on a [`Worker`] uses
/// [`Outlet::charge`], which does), so that waiting for a busy engine is told apart from working.
///
/// Dropping the future gives the work up. What was sent stays sent; the record shows the visit as
/// cancelled. The stage must accept the next input afterwards.
pub trait Stage {
    type In;
    type Out;
    fn handle<'a>(&'a mut self, input: Self::In, out: &'a mut Outlet<Self::Out>) -> Work<'a>;
}

pub type SpeechToText = Box<dyn Stage<In = AudioFeed, Out = Transcript>>;
pub type Answer = Box<dyn Stage<In = Question, Out = Piece>>;
pub type Clauses = Box<dyn Stage<In = TextFeed, Out = Clause>>;
pub type TextToSpeech = Box<dyn Stage<In = Clause, Out = AudioChunk>>;

#[derive(Debug, Clone, thiserror::Error)]
pub enum StageError {
    /// The engine answered with an error, or did not answer.
    #[error("{0}")]
    Failed(String),
    /// Whoever wanted the output is gone. Not a fault: the stage just ends.
    #[error("the output is no longer wanted")]
    Unwanted,
}

/// Outputs that may wait between two stages: enough that a clause is synthesised while two others
/// wait for playback, few enough that an interruption wastes little.
pub const OUTPUTS_WAITING_MAX: usize = 4;

/// Where a stage puts its outputs. Everything that passes is stamped and recorded.
pub struct Outlet<T> {
    visit: Visit,
    next: mpsc::Sender<T>,
}

impl<T: Recorded> Outlet<T> {
    pub fn new(visit: Visit, next: mpsc::Sender<T>) -> Outlet<T> {
        Outlet { visit, next }
    }

    /// Work on the input begins now.
    pub fn begun(&mut self) {
        self.visit.begun();
    }

    /// What the work took, if whoever did it knows.
    pub fn cost(&mut self, cost: Cost) {
        self.visit.cost(cost);
    }

    /// Hands an output to the next stage. Waits while that one's queue is full.
    pub async fn send(&mut self, output: T) -> Result<(), StageError> {
        self.visit.output(output.note(), output.samples());
        self.next
            .send(output)
            .await
            .map_err(|_| StageError::Unwanted)
    }

    /// Runs `job` on the worker and sends what it emits. Dropping the future gives the job up.
    pub async fn charge<S, F>(
        &mut self,
        worker: &Worker<S>,
        threads: u32,
        job: F,
    ) -> Result<(), StageError>
    where
        S: Send + 'static,
        T: Send + 'static,
        F: FnOnce(&mut S, u32, &Emitter<Result<T, StageError>>) + Send + 'static,
    {
        self.follow(worker.charge(threads, job)).await
    }

    async fn follow(
        &mut self,
        mut charge: Charge<Result<T, StageError>>,
    ) -> Result<(), StageError> {
        while let Some(progress) = charge.next().await {
            match progress {
                Progress::Begun => self.visit.begun(),
                Progress::Item(output) => self.send(output?).await?,
                Progress::Done(cost) => {
                    self.visit.cost(cost);
                    return Ok(());
                }
            }
        }
        Err(StageError::Failed(
            "the engine's worker thread died; run with -v and report its message".into(),
        ))
    }

    /// Closes the visit with how the work ended.
    pub fn close(self, result: &Result<(), StageError>) {
        self.visit.close(match result {
            Ok(()) => None,
            Err(StageError::Unwanted) => return,
            Err(error) => Some(error.to_string()),
        });
    }
}

/// A value that the record keeps when it passes an outlet.
pub trait Recorded {
    fn note(&self) -> OutputNote;
    /// The sound of it, if it has any.
    fn samples(&self) -> Option<&[f32]> {
        None
    }
}

/// A value that can be told from every other one by its hash.
pub trait Identified {
    fn identity(&self) -> InputHash;
}

/// What a recogniser hears of one utterance, as it is spoken. The queue holds a whole utterance of
/// the longest length the ear allows, so the ear never waits for a recogniser.
pub struct AudioFeed {
    heard: mpsc::Receiver<Heard>,
    identity: InputHash,
}

/// Frames of [`AudioFeed`]s that may wait: 60 s of 16 ms frames, with the marks between them.
pub const FEED_WAITING_MAX: usize = 4_096;

impl AudioFeed {
    pub fn new() -> (mpsc::Sender<Heard>, AudioFeed) {
        let (sender, receiver) = mpsc::channel(FEED_WAITING_MAX);
        let feed = AudioFeed {
            heard: receiver,
            identity: InputHash::default(),
        };
        (sender, feed)
    }

    /// The next frame or mark; `None` when the utterance is over.
    pub async fn next(&mut self) -> Option<Heard> {
        let heard = self.heard.recv().await;
        if let Some(Heard::Audio(chunk)) = &heard {
            match &chunk.samples {
                Some(samples) => self.identity.add_samples(samples),
                None => self.identity.add(&chunk.length.as_nanos().to_le_bytes()),
            }
        }
        heard
    }

    /// The whole utterance, once it is over: what a batch engine works on.
    pub async fn utterance(&mut self) -> Utterance {
        let mut utterance = Utterance::default();
        while let Some(heard) = self.next().await {
            match heard {
                Heard::Audio(chunk) => {
                    utterance.length += chunk.length;
                    utterance.text.push_str(&chunk.text);
                    let samples = chunk.samples.iter().flat_map(|samples| samples.iter());
                    utterance.samples.extend(samples);
                }
                Heard::Committed => break,
                Heard::Paused | Heard::Resumed => {}
            }
        }
        utterance
    }
}

/// All that was heard of an utterance.
#[derive(Debug, Clone, Default)]
pub struct Utterance {
    /// 16 kHz mono; empty in a simulation.
    pub samples: Vec<f32>,
    pub length: Duration,
    /// The words, where they are known.
    pub text: String,
}

impl Identified for AudioFeed {
    fn identity(&self) -> InputHash {
        self.identity.clone()
    }
}

/// The answer's text as it comes, piece by piece.
pub struct TextFeed {
    pieces: mpsc::Receiver<Piece>,
    identity: InputHash,
}

impl TextFeed {
    pub fn new(pieces: mpsc::Receiver<Piece>) -> TextFeed {
        TextFeed {
            pieces,
            identity: InputHash::default(),
        }
    }

    /// The next piece; `None` when the answer is over.
    pub async fn next(&mut self) -> Option<Piece> {
        let piece = self.pieces.recv().await;
        if let Some(Piece(text)) = &piece {
            self.identity.add(text.as_bytes());
        }
        piece
    }
}

impl Identified for TextFeed {
    fn identity(&self) -> InputHash {
        self.identity.clone()
    }
}

impl Identified for Question {
    fn identity(&self) -> InputHash {
        let identity = InputHash::default();
        for exchange in self.history.iter() {
            identity.add(exchange.question.as_bytes());
            identity.add(exchange.heard.as_bytes());
        }
        identity.add(self.text.as_bytes());
        identity
    }
}

impl Identified for Clause {
    fn identity(&self) -> InputHash {
        let identity = InputHash::default();
        identity.add(self.0.as_bytes());
        identity
    }
}

/// One item of an [`AudioFeed`].
#[derive(Debug, Clone)]
pub enum Heard {
    Audio(AudioChunk),
    /// The caller pauses; they may go on.
    Paused,
    Resumed,
    /// The utterance is over: transcribe it.
    Committed,
}

/// A stretch of mono sound at the pipeline's rate.
#[derive(Debug, Clone)]
pub struct AudioChunk {
    pub length: Duration,
    /// `None` in a simulation, where only the length counts.
    pub samples: Option<Samples>,
    /// The words that are spoken in it, where they are known (synthesised speech).
    pub text: Arc<str>,
}

impl AudioChunk {
    pub fn new(samples: Samples, text: Arc<str>) -> AudioChunk {
        AudioChunk {
            length: crate::audio::length_of(samples.len()),
            samples: Some(samples),
            text,
        }
    }
}

impl Recorded for AudioChunk {
    fn note(&self) -> OutputNote {
        OutputNote::Audio {
            audio_ns: crate::event::nanos(self.length),
            characters: u32::try_from(self.text.chars().count()).unwrap_or(u32::MAX),
        }
    }
    fn samples(&self) -> Option<&[f32]> {
        self.samples.as_deref()
    }
}

/// Text of an utterance.
#[derive(Debug, Clone, PartialEq)]
pub struct Transcript {
    pub text: String,
    /// Nothing will change it any more.
    pub is_final: bool,
    /// How much audio it was made from.
    pub audio: Duration,
}

impl Recorded for Transcript {
    fn note(&self) -> OutputNote {
        let text = self.text.clone();
        if self.is_final {
            OutputNote::Final {
                text,
                audio_ns: crate::event::nanos(self.audio),
            }
        } else {
            OutputNote::Partial { text }
        }
    }
}

/// What the caller wants answered, and what was said before.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    pub text: String,
    pub history: Rc<[Exchange]>,
}

/// A past question and as much of its answer as the caller heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    pub question: String,
    pub heard: String,
}

/// A piece of the answer's text, as small as the engine likes; white space is part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece(pub String);

impl Recorded for Piece {
    fn note(&self) -> OutputNote {
        OutputNote::Piece {
            text: self.0.clone(),
        }
    }
}

/// Text that is spoken in one go, ready for a voice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clause(pub String);

impl Recorded for Clause {
    fn note(&self) -> OutputNote {
        OutputNote::Clause {
            text: self.0.clone(),
        }
    }
}

/// What the ear reports. It decides nothing: whether a pause is the end of a turn, or a sound an
/// interruption, is decided elsewhere.
#[derive(Debug, Clone)]
pub enum SpeechActivity {
    /// Somebody began to speak at `onset`. The audio begins a little before it, so that no first
    /// syllable is lost.
    Started { onset: Tick, audio: AudioChunk },
    /// The utterance goes on; so does its audio while it pauses.
    Going { audio: AudioChunk },
    /// No voice since `last_voiced`.
    Paused { last_voiced: Tick },
    /// The voice came back at `at`.
    Resumed { at: Tick },
}
