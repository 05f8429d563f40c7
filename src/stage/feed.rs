//! Inputs that come in pieces: an utterance as it is spoken, an answer as it is written.

use super::{AudioChunk, Identified, Piece, Transcript};
use crate::record::input::InputHash;
use std::time::Duration;
use tokio::sync::mpsc;

/// What a recogniser hears of one utterance, as it is spoken. The queue holds a whole utterance of
/// the longest length the ear allows, so the ear never waits for a recogniser.
pub struct AudioFeed {
    heard: mpsc::Receiver<Heard>,
    identity: InputHash,
    /// What came since the caller paused: it counts only if they go on.
    while_paused: Option<Vec<AudioChunk>>,
}

/// Frames of [`AudioFeed`]s that may wait: 60 s of 16 ms frames, with the marks between them.
pub const FEED_WAITING_MAX: usize = 4_096;

impl AudioFeed {
    pub fn new() -> (mpsc::Sender<Heard>, AudioFeed) {
        let (sender, receiver) = mpsc::channel(FEED_WAITING_MAX);
        let feed = AudioFeed {
            heard: receiver,
            identity: InputHash::default(),
            while_paused: None,
        };
        (sender, feed)
    }

    /// The next frame or mark; `None` when the utterance is over.
    pub async fn next(&mut self) -> Option<Heard> {
        let heard = self.heard.recv().await;
        match (&heard, &mut self.while_paused) {
            (Some(Heard::Audio(chunk)), Some(paused)) => paused.push(chunk.clone()),
            (Some(Heard::Audio(chunk)), None) => self.identify(chunk),
            (Some(Heard::Paused), _) => self.while_paused = Some(Vec::new()),
            (Some(Heard::Resumed), paused) => {
                for chunk in paused.take().unwrap_or_default() {
                    self.identify(&chunk);
                }
            }
            (Some(Heard::Committed) | None, _) => {}
        }
        heard
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
    pub length: Duration,
    /// The words, where they are known.
    pub text: String,
}

impl Utterance {
    pub(super) fn add(&mut self, chunk: &AudioChunk) {
        self.length += chunk.length;
        self.text.push_str(&chunk.text);
        self.samples
            .extend(chunk.samples.iter().flat_map(|samples| samples.iter()));
    }

    /// Says that `text` is what was heard.
    pub(super) fn transcript(&self, text: String, is_final: bool) -> Transcript {
        Transcript {
            text,
            is_final,
            audio: self.length,
        }
    }
}

impl Identified for AudioFeed {
    /// Of what a batch engine transcribes: all up to the end, or up to the pause that became it.
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

/// One item of an [`AudioFeed`].
#[derive(Debug, Clone)]
pub enum Heard {
    Audio(AudioChunk),
    /// The caller pauses and may have finished: transcribe it, in case. Sent only where work in
    /// case is wanted.
    Paused,
    /// They had not.
    Resumed,
    /// The utterance is over: transcribe it.
    Committed,
}
