//! Has the server hear the caller, as they speak.

use super::exchange::Exchange;
use super::link::Link;
use crate::audio::resample::StreamResampler;
use crate::audio::{AudioError, SAMPLE_RATE};
use crate::engine::simulated::unknown_words;
use crate::protocol::realtime::RATE;
use crate::stage::{AudioFeed, Heard, Outlet, Stage, StageError, Transcript, Work};
use std::rc::Rc;
use std::time::Duration;

/// Stands where a recogniser does. The model hears the caller itself, so nothing is waited for: that there are words is
/// all that is said of them at the end of a turn.
pub(super) struct Ear(Rc<Link>);

impl Ear {
    pub(super) fn new(link: Rc<Link>) -> Ear {
        Ear(link)
    }
}

/// The error for sound whose rate cannot be changed.
pub(super) fn unsound(error: AudioError) -> StageError {
    StageError::Failed(error.to_string())
}

impl Stage for Ear {
    type In = AudioFeed;
    type Out = Transcript;

    fn handle<'a>(&'a mut self, mut feed: AudioFeed, out: &'a mut Outlet<Transcript>) -> Work<'a> {
        let Ear(link) = self;
        Box::pin(async move {
            let mut resampler = StreamResampler::prompt(SAMPLE_RATE, RATE).map_err(unsound)?;
            // A connection that is gone is made again while the caller speaks.
            link.redial();
            link.look(Exchange::begin);
            let mut audio = Duration::ZERO;
            let mut sent = Vec::new();
            while let Some(heard) = feed.next().await {
                match heard {
                    Heard::Audio(chunk) => {
                        audio += chunk.length;
                        if let Some(samples) = &chunk.samples {
                            resampler.push(samples, &mut sent).map_err(unsound)?;
                            link.say(|exchange| exchange.hear(&sent).into_iter().collect());
                            sent.clear();
                        }
                    }
                    Heard::Committed => break,
                    Heard::SoFar | Heard::Paused | Heard::Resumed => {}
                }
            }
            resampler.finish(&mut sent).map_err(unsound)?;
            link.say(|exchange| {
                let last = exchange.hear(&sent);
                last.into_iter().chain(exchange.commit()).collect()
            });
            out.begun_anew();
            out.send(Transcript {
                text: unknown_words(audio),
                sureness: None,
                is_final: true,
                audio,
            })
            .await
        })
    }
}
