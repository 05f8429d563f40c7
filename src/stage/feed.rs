//! Inputs that come in pieces: an utterance as it is spoken, an answer as it is written.

use super::{AudioChunk, Identified, Piece};
use crate::record::input::InputHash;
use std::time::Duration;
use tokio::sync::mpsc;

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
                None => {
                    self.identity.add(&chunk.length.as_nanos().to_le_bytes());
                    self.identity.add(chunk.text.as_bytes());
                }
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
