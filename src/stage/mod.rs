//! The contract of a stage, and the values that pass between stages.

mod attempt;
mod batch;
mod feed;
mod outlet;
pub mod queue;
mod watched;

pub use attempt::Attempt;
pub use batch::transcribe_in_batches;
pub use feed::{AudioFeed, Heard, TextFeed, Utterance};
pub use outlet::{Gate, OUTPUTS_WAITING_MAX, Outlet, Recorded};
pub use watched::Watched;

use crate::audio::Samples;
use crate::event::{OutputNote, Tick};
pub use crate::record::input::Identified;
use crate::record::input::InputHash;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// What a stage is doing with one input. Not `Send`: a session lives on one thread.
pub type Work<'a> = Pin<Box<dyn Future<Output = Result<(), StageError>> + 'a>>;

/// One input in, any number of outputs out, each the moment it exists.
///
/// A stage does not know what time it is and cannot measure itself: it sends, and the [`Outlet`]
/// stamps. It calls [`Outlet::begun`] when it takes the work up (a stage on a [`Worker`](crate::clock::Worker) uses
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
/// One model in place of answer, clauses and text to speech. It heard the utterance itself: the question
/// tells it which.
pub type SpeechToSpeech = Box<dyn Stage<In = Question, Out = AudioChunk>>;
/// Judges from the latest sound of an utterance whether the caller has finished.
pub type EndOfTurn = Box<dyn Stage<In = LatestSound, Out = Finished>>;

#[derive(Debug, Clone, thiserror::Error)]
pub enum StageError {
    /// The engine answered with an error, or did not answer.
    #[error("{0}")]
    Failed(String),
    /// The engine refused the request, and said what comes of asking again.
    #[error("{error}")]
    Refused { error: String, again: Again },
    /// Whoever wanted the output is gone. Not a fault: the stage just ends.
    #[error("the output is no longer wanted")]
    Unwanted,
}

/// What comes of asking an engine again that refused a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Again {
    /// The same.
    Never,
    /// The same before so long has passed.
    NotBefore(Duration),
}

impl StageError {
    /// Something went wrong: others may be asked, or the same one again.
    pub fn is_failure(&self) -> bool {
        !matches!(self, StageError::Unwanted)
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
    pub text: Arc<str>,
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
    pub text: Arc<str>,
    pub history: Rc<Vec<Exchange>>,
}

impl Question {
    /// What was asked before it, the latest last, at most so many. It gives a question without a subject its
    /// own.
    pub fn earlier(&self, most: usize) -> Vec<Arc<str>> {
        let skipped = self.history.len().saturating_sub(most);
        let recent = self.history.iter().skip(skipped);
        recent.map(|exchange| exchange.question.clone()).collect()
    }
}

/// A past question and as much of its answer as the caller heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    pub question: Arc<str>,
    pub heard: Arc<str>,
}

/// A piece of the answer's text, as small as the engine likes; white space is part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece(pub Arc<str>);

impl Recorded for Piece {
    fn note(&self) -> OutputNote {
        OutputNote::Piece {
            text: self.0.clone(),
        }
    }
}

/// Text that is spoken in one go, ready for a voice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clause(pub Arc<str>);

impl Recorded for Clause {
    fn note(&self) -> OutputNote {
        OutputNote::Clause {
            text: self.0.clone(),
        }
    }
}

/// The latest sound of an utterance, up to a pause.
#[derive(Debug, Clone)]
pub struct LatestSound(pub AudioChunk);

impl LatestSound {
    /// Puts pieces of sound together, in their order. It has samples if all of them have.
    pub fn of<'a>(pieces: impl Iterator<Item = &'a AudioChunk> + Clone) -> LatestSound {
        let samples: Option<Vec<f32>> = pieces.clone().try_fold(Vec::new(), |mut all, piece| {
            all.extend_from_slice(piece.samples.as_deref()?);
            Some(all)
        });
        let text: String = pieces.clone().map(|piece| &*piece.text).collect();
        LatestSound(AudioChunk {
            length: pieces.map(|piece| piece.length).sum(),
            samples: samples.map(Samples::from),
            text: text.into(),
        })
    }
}

impl Identified for LatestSound {
    fn identity(&self) -> InputHash {
        let identity = InputHash::default();
        let LatestSound(sound) = self;
        match &sound.samples {
            Some(samples) => samples
                .iter()
                .for_each(|sample| identity.add(&sample.to_le_bytes())),
            None => {
                identity.add(&crate::event::nanos(sound.length).to_le_bytes());
                identity.add(sound.text.as_bytes());
            }
        }
        identity
    }
}

/// Whether the caller has finished.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Finished {
    /// That they have, in 0..=1.
    pub probability: f64,
}

impl Recorded for Finished {
    fn note(&self) -> OutputNote {
        OutputNote::Finished {
            probability: self.probability,
        }
    }
}

/// The latest stretch of an utterance in which a voice was beyond doubt, not a cough or a noise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SureVoice {
    pub since: Tick,
    /// `None` while it goes on.
    pub until: Option<Tick>,
}

/// What the ear reports. It decides nothing: whether a pause is the end of a turn, or a sound an
/// interruption, is decided elsewhere.
#[derive(Debug, Clone)]
pub enum SpeechActivity {
    /// Somebody began to speak at `onset`. The audio begins a little before it, so that no first
    /// syllable is lost.
    Started {
        onset: Tick,
        audio: AudioChunk,
        sure: Option<SureVoice>,
    },
    /// The utterance goes on; so does its audio while it pauses.
    Going {
        audio: AudioChunk,
        sure: Option<SureVoice>,
    },
    /// No voice since `last_voiced`.
    Paused { last_voiced: Tick },
    /// The voice came back at `at`.
    Resumed { at: Tick },
}
