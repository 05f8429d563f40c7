//! Speech-to-text as requests that can be made again: each is one transcription of what was heard, in
//! a pause, in mid-sentence or at the end.
//!
//! What was heard is kept (an utterance is bounded) and played into a feed of its own for each try, so
//! a try begins when the request is made and not when the caller began to speak. A recogniser that
//! works while the caller speaks would lose its head start; all that there are transcribe as a batch.

use super::Boxed;
use crate::record::input::InputHash;
use crate::stage::{
    Attempt, AudioChunk, AudioFeed, Heard, Outlet, SpeechToText, Stage, Transcript, Understood,
    Utterance, Work, transcribe_in_batches,
};
use std::sync::Arc;
use std::time::Duration;

/// A recogniser as a stage of requests.
pub(super) struct Requested(pub(super) SpeechToText);

/// A stage of requests as a recogniser.
pub(super) struct Requesting(pub(super) Boxed<Arc<Utterance>, Transcript>);

impl Stage for Requested {
    type In = Arc<Utterance>;
    type Out = Transcript;

    fn handle<'a>(
        &'a mut self,
        heard: Arc<Utterance>,
        out: &'a mut Outlet<Transcript>,
    ) -> Work<'a> {
        let (sender, feed) = AudioFeed::new(InputHash::unknown());
        let audio = AudioChunk {
            length: heard.length,
            samples: (!heard.samples.is_empty()).then(|| heard.samples.as_slice().into()),
            head: Duration::ZERO,
            text: heard.text.as_str().into(),
        };
        // A feed that nobody has read from has room for both.
        for item in [Heard::Audio(audio), Heard::Committed] {
            let _ = sender.try_send(item);
        }
        self.0.handle(feed, out)
    }
}

impl Stage for Requesting {
    type In = AudioFeed;
    type Out = Transcript;

    fn handle<'a>(&'a mut self, feed: AudioFeed, out: &'a mut Outlet<Transcript>) -> Work<'a> {
        let Requesting(stage) = self;
        Box::pin(transcribe_in_batches(
            feed,
            out,
            async |heard: Arc<Utterance>, out: &mut Outlet<Transcript>| {
                out.begins_anew();
                let mut request = Attempt::of(&mut **stage, heard, out);
                let mut understood = Understood::from(String::new());
                while let Some(transcript) = request.next().await? {
                    understood = Understood {
                        text: transcript.text,
                        sureness: transcript.sureness,
                    };
                }
                Ok::<Understood, _>(understood)
            },
        ))
    }
}
