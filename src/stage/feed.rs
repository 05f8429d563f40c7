//! Inputs that come in pieces: an utterance as it is spoken, an answer as it is written.

use super::{AudioChunk, Identified, Piece, Transcript};
use crate::record::input::InputHash;
use crate::stage::queue;
use std::sync::Arc;
use std::time::Duration;

/// What a recogniser hears of one utterance, as it is spoken. The queue holds a whole utterance of
/// the longest length the ear allows, so the ear never waits for a recogniser.
pub struct AudioFeed {
    heard: queue::Receiver<Heard>,
    identity: InputHash,
    since_mark: Option<SinceMark>,
}

/// Sound since somebody asked for what was heard before it. What is put out until the next mark is an answer to that, so
/// the sound is no part of the input yet.
#[derive(Default)]
struct SinceMark {
    sound: Vec<AudioChunk>,
    /// Whether something is said in it. Else it is silence, which nobody transcribes if the utterance ends with it.
    goes_on: bool,
}

/// Frames of [`AudioFeed`]s that may wait: 60 s of 16 ms frames, with the marks between them.
pub(super) const FEED_WAITING_MAX: usize = 4_096;

impl AudioFeed {
    /// A feed, and the sender that fills it. `identity` tells the utterance from others, once all of it
    /// has come.
    pub fn new(identity: InputHash) -> (queue::Sender<Heard>, AudioFeed) {
        let (sender, receiver) = queue::channel(FEED_WAITING_MAX);
        let feed = AudioFeed {
            heard: receiver,
            identity,
            since_mark: None,
        };
        (sender, feed)
    }

    /// The next frame or mark; `None` when the utterance is over.
    pub async fn next(&mut self) -> Option<Heard> {
        let heard = self.heard.recv().await;
        match (&heard, &mut self.since_mark) {
            (Some(Heard::Audio(chunk)), Some(since)) => since.sound.push(chunk.clone()),
            (Some(Heard::Audio(chunk)), None) => self.identify(chunk),
            (Some(Heard::SoFar | Heard::Paused), _) => {
                self.count();
                self.since_mark = Some(SinceMark::default());
            }
            (Some(Heard::Resumed), Some(since)) => since.goes_on = true,
            (Some(Heard::Committed) | None, Some(since)) if since.goes_on => self.count(),
            (Some(Heard::Resumed | Heard::Committed) | None, _) => {}
        }
        heard
    }

    /// Takes the sound since the latest mark into the identity of the utterance.
    fn count(&mut self) {
        for chunk in self.since_mark.take().unwrap_or_default().sound {
            self.identify(&chunk);
        }
    }

    fn identify(&self, chunk: &AudioChunk) {
        match &chunk.samples {
            Some(samples) => self.identity.add_samples(samples),
            None => {
                self.identity.add(&chunk.length.as_nanos().to_le_bytes());
                self.identity.add(chunk.text.as_bytes());
            }
        }
    }
}

/// All that was heard of an utterance.
#[derive(Debug, Clone, Default)]
pub struct Utterance {
    /// 16 kHz mono; empty in a simulation.
    pub samples: Vec<f32>,
    /// How long the sound lasts.
    pub length: Duration,
    /// The words that are spoken, where they are known; else empty.
    pub text: String,
}

impl Utterance {
    pub(super) fn add(&mut self, chunk: &AudioChunk) {
        self.length += chunk.length;
        self.text.push_str(&chunk.text);
        self.samples
            .extend(chunk.samples.iter().flat_map(|samples| samples.iter()));
    }

    /// The transcript that says what was understood.
    pub(super) fn transcript(&self, understood: Understood, is_final: bool) -> Transcript {
        Transcript {
            text: understood.text,
            // In four digits, as it is recorded: a repetition decides by the same number.
            sureness: understood.sureness.map(|it| (it * 1e4).round() / 1e4),
            is_final,
            audio: self.length,
        }
    }
}

/// What a batch engine makes of an utterance.
#[derive(Debug, Clone)]
pub struct Understood {
    /// What was said; empty if nothing was.
    pub text: Arc<str>,
    /// How probable the engine finds its words, in 0..=1, the mean over its tokens; `None` if it does not tell.
    pub sureness: Option<f32>,
}

impl From<String> for Understood {
    fn from(text: String) -> Understood {
        Understood::from(Arc::<str>::from(text))
    }
}

impl From<Arc<str>> for Understood {
    fn from(text: Arc<str>) -> Understood {
        Understood {
            text,
            sureness: None,
        }
    }
}

impl Identified for AudioFeed {
    /// The hash of what a batch engine transcribes: all up to the end, or up to the pause that became
    /// the end.
    fn identity(&self) -> InputHash {
        self.identity.clone()
    }
}

/// The answer's text as it comes, piece by piece.
pub struct TextFeed {
    pieces: queue::Receiver<Piece>,
    identity: InputHash,
}

impl TextFeed {
    /// A feed of `pieces`. `identity` tells the answer from others, once all of it has come.
    pub fn new(pieces: queue::Receiver<Piece>, identity: InputHash) -> TextFeed {
        TextFeed { pieces, identity }
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

/// One item of an [`AudioFeed`].
#[derive(Debug, Clone)]
pub enum Heard {
    /// The next stretch of sound.
    Audio(AudioChunk),
    /// Somebody waits to know what was said so far, also if the caller goes on.
    SoFar,
    /// The caller pauses and may have finished: transcribe it, in case. Sent only where work in
    /// case is wanted.
    Paused,
    /// The caller has said more since the latest mark. Without this the utterance was over with the mark.
    Resumed,
    /// The utterance is over: transcribe it.
    Committed,
}
