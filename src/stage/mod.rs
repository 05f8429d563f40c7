//! The contract of a stage, and the values that pass between stages.

mod attempt;
mod batch;
mod feed;
mod outlet;
pub mod queue;
#[cfg(any(feature = "whisper", feature = "openai", feature = "command"))]
mod sounds;
mod watched;

pub use attempt::Attempt;
pub use batch::transcribe_in_batches;
pub use feed::{AudioFeed, Heard, TextFeed, Understood, Utterance};
pub use outlet::{Gate, OUTPUTS_WAITING_MAX, Outlet, Recorded};
#[cfg(any(feature = "whisper", feature = "openai", feature = "command"))]
pub(crate) use sounds::without_sounds;
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
/// # Time
/// A stage does not know what time it is and cannot measure itself: it sends, and the [`Outlet`] stamps. It
/// calls [`Outlet::begun`] when it takes the work up, so that waiting for a busy engine is told apart from
/// working. One that computes does so on a [`Worker`](crate::clock::Worker), by [`Outlet::compute`] or
/// [`Outlet::charge`], which say so by themselves and charge the clock with the time and the cores that it
/// took; one that waits for somebody else awaits
/// [`Clock::sleep_until`](crate::clock::Clock::sleep_until) or I/O. Either way the same stage works in real
/// time and in virtual time, where a wait is over at once.
///
/// # Being given up
/// Dropping the future gives the work up, as when the caller goes on or interrupts. What was sent stays sent,
/// and the record shows the visit as cancelled. The stage must accept the next input afterwards: it keeps
/// nothing half-done across an `await` that the next input would meet.
///
/// # Errors
/// [`StageError::Failed`] is a failed turn with its text as the reason; the scenario's `[cure]` may ask again
/// or ask somebody else. What [`Outlet::send`] returns is passed on with `?`: nobody wants the output any more.
///
/// # Example
/// A stage that answers every question with its number of words, after 200 ms, and a budget that it must keep:
///
/// ```
/// use std::path::Path;
/// use std::time::Duration;
/// use voicesim::clock::Clock;
/// use voicesim::event::Metric;
/// use voicesim::run::{Run, Time};
/// use voicesim::scenario;
/// use voicesim::stage::{Outlet, Piece, Question, Stage, Work};
///
/// struct Counts(Clock);
///
/// impl Stage for Counts {
///     type In = Question;
///     type Out = Piece;
///
///     fn handle<'a>(&'a mut self, question: Question, out: &'a mut Outlet<Piece>) -> Work<'a> {
///         Box::pin(async move {
///             out.begun();
///             let done = self.0.now() + Duration::from_millis(200);
///             self.0.sleep_until(done).await;
///             let words = question.text.split_whitespace().count();
///             out.send(Piece(format!("You said {words} words.").into())).await
///         })
///     }
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let scenario = scenario::parse(
///     Path::new("counts.toml"),
///     r#"
///     stt = { engine = "simulated", latency = { fixed_ms = 150 } }
///     answer = { engine = "simulated" } # in whose place the one above answers
///     tts = { engine = "simulated", latency = { fixed_ms = 100 } }
///     budget = { e2e_latency_max_ms = 900 }
///     [[turn]]
///     speech = { length = { fixed_ms = 1500 } }
///     text = "What are your opening hours?"
///     "#,
/// )?;
/// let run = Run::of(scenario)
///     .with_answer(|clock| Box::new(Counts(clock.clone())))
///     .in_time(Time::Virtual)
///     .run()?;
/// assert_eq!(&*run.measured.rows[0].said, "You said five words.");
/// assert!(run.measured.keeps_budgets());
/// let ttft = run.measured.metrics[&Metric::LlmTtft].summary().ok_or("no answer")?;
/// assert_eq!(ttft.max.exact(), Some(200.0));
/// # Ok(())
/// # }
/// ```
pub trait Stage {
    /// What the stage works on.
    type In;
    /// What the stage puts out.
    type Out;
    /// Works on `input`, and sends what comes of it to `out`.
    fn handle<'a>(&'a mut self, input: Self::In, out: &'a mut Outlet<Self::Out>) -> Work<'a>;
}

/// Transcribes an utterance as it is spoken: transcripts that may still change, then the final one.
pub type SpeechToText = Box<dyn Stage<In = AudioFeed, Out = Transcript>>;
/// Answers a question, piece by piece.
pub type Answer = Box<dyn Stage<In = Question, Out = Piece>>;
/// Cuts the pieces of an answer into clauses to speak.
pub type Clauses = Box<dyn Stage<In = TextFeed, Out = Clause>>;
/// Speaks a clause.
pub type TextToSpeech = Box<dyn Stage<In = Clause, Out = AudioChunk>>;
/// Answers a question with speech: one model in place of answer, clauses and text to speech. It heard the
/// utterance itself: the question tells it which.
pub type SpeechToSpeech = Box<dyn Stage<In = Question, Out = AudioChunk>>;
/// Judges from the latest sound of an utterance whether the caller has finished.
pub type EndOfTurn = Box<dyn Stage<In = LatestSound, Out = Finished>>;

/// Why a stage ended without having done its work.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StageError {
    /// The engine answered with an error, or did not answer.
    #[error("{0}")]
    Failed(String),
    /// The engine refused the request, and said what comes of asking again.
    #[error("{error}")]
    Refused {
        /// What the engine said, for people.
        error: String,
        /// What comes of asking again.
        again: Again,
    },
    /// Whoever wanted the output is gone. Nothing failed: the stage just ends.
    #[error("the output is no longer wanted")]
    Unwanted,
}

/// What comes of asking an engine again that refused a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Again {
    /// Asking again is refused again, whenever it is done.
    Never,
    /// Asking again before this time has passed is refused again; afterwards it may work.
    NotBefore(Duration),
}

impl StageError {
    /// Whether something went wrong, so that the engine may be asked again, or another one in its place.
    pub fn is_failure(&self) -> bool {
        !matches!(self, StageError::Unwanted)
    }

    /// Whether the engine had too much to do: the same request may work later.
    pub fn is_overload(&self) -> bool {
        matches!(
            self,
            StageError::Refused {
                again: Again::NotBefore(_),
                ..
            }
        )
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
    /// How long the sound lasts.
    pub length: Duration,
    /// `None` in a simulation, where only the length counts.
    pub samples: Option<Samples>,
    /// How long it begins inaudibly, up to its length, where no samples tell; zero where they do.
    pub head: Duration,
    /// The words that are spoken in it, where they are known (synthesised speech).
    pub text: Arc<str>,
}

impl AudioChunk {
    /// A chunk of `samples`, in which `text` is spoken.
    pub fn new(samples: Samples, text: Arc<str>) -> AudioChunk {
        AudioChunk {
            length: crate::audio::length_of(samples.len()),
            samples: Some(samples),
            head: Duration::ZERO,
            text,
        }
    }

    /// A chunk of which only the length is known, that sounds at once.
    pub fn without_samples(length: Duration, text: Arc<str>) -> AudioChunk {
        AudioChunk {
            length,
            samples: None,
            head: Duration::ZERO,
            text,
        }
    }

    /// This chunk, which begins inaudibly for so long, or all of it.
    pub(crate) fn beginning_after(self, head: Duration) -> AudioChunk {
        AudioChunk {
            head: head.min(self.length),
            ..self
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
    /// What was understood.
    pub text: Arc<str>,
    /// How probable the engine finds these words, in 0..=1; `None` if it does not tell.
    pub sureness: Option<f32>,
    /// Whether nothing will change the text any more.
    pub is_final: bool,
    /// Length of the audio that was transcribed.
    pub audio: Duration,
}

impl Recorded for Transcript {
    fn note(&self) -> OutputNote {
        let text = self.text.clone();
        let sureness = self.sureness.map(|it| (f64::from(it) * 1e4).round() / 1e4);
        if self.is_final {
            OutputNote::Final {
                text,
                audio_ns: crate::event::nanos(self.audio),
                sureness,
            }
        } else {
            OutputNote::Partial { text, sureness }
        }
    }
}

/// What the caller wants answered, and what was said before.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// What the caller said.
    pub text: Arc<str>,
    /// What was asked and answered before, the latest last.
    pub history: Rc<Vec<Exchange>>,
    /// Whether the caller began to say it while the agent spoke: "Wait" then only asks for the floor. After the
    /// agent has fallen silent the same word is an answer to it.
    pub interrupts: bool,
}

impl Question {
    /// The latest questions before this one, at most `most`, the latest last. They tell what a question
    /// without a subject is about.
    pub fn earlier(&self, most: usize) -> Vec<Arc<str>> {
        let skipped = self.history.len().saturating_sub(most);
        let recent = self.history.iter().skip(skipped);
        recent.map(|exchange| exchange.question.clone()).collect()
    }
}

/// A past question and as much of its answer as the caller heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// What the caller asked.
    pub question: Arc<str>,
    /// The answer as far as the caller heard it.
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
    /// Puts pieces of sound together, in their order. The whole has samples if every piece has.
    pub fn of<'a>(pieces: impl Iterator<Item = &'a AudioChunk> + Clone) -> LatestSound {
        let samples: Option<Vec<f32>> = pieces.clone().try_fold(Vec::new(), |mut all, piece| {
            all.extend_from_slice(piece.samples.as_deref()?);
            Some(all)
        });
        let text: String = pieces.clone().map(|piece| &*piece.text).collect();
        LatestSound(AudioChunk {
            length: pieces.map(|piece| piece.length).sum(),
            samples: samples.map(Samples::from),
            head: Duration::ZERO,
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
    /// Probability that the caller has finished, in 0..=1.
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
    /// When the stretch began.
    pub since: Tick,
    /// When the stretch ended; `None` while it goes on.
    pub until: Option<Tick>,
}

/// What the ear reports. It decides nothing: whether a pause is the end of a turn, or a sound an
/// interruption, is decided elsewhere.
#[derive(Debug, Clone)]
pub enum SpeechActivity {
    /// Somebody began to speak.
    Started {
        /// When the voice began.
        onset: Tick,
        /// The sound so far. It begins a little before `onset`, so that no first syllable is lost.
        audio: AudioChunk,
        /// Where a voice was beyond doubt; `None` if it was nowhere yet.
        sure: Option<SureVoice>,
    },
    /// The utterance goes on; so does its audio while it pauses.
    Going {
        /// The next stretch of sound.
        audio: AudioChunk,
        /// Where a voice was beyond doubt; `None` if it was nowhere yet.
        sure: Option<SureVoice>,
    },
    /// The voice has paused.
    Paused {
        /// When the voice was last heard.
        last_voiced: Tick,
    },
    /// The voice came back after a pause.
    Resumed {
        /// When the voice came back.
        at: Tick,
    },
}
