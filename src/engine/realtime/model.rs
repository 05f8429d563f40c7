//! Hands on what the server says.

use super::ear::unsound;
use super::exchange::Next;
use super::link::Link;
use crate::audio::SAMPLE_RATE;
use crate::audio::resample::StreamResampler;
use crate::clock::Clock;
use crate::event::{ResilienceStep, Tick};
use crate::protocol::realtime::RATE;
use crate::scenario::engine::RealtimeModel;
use crate::stage::{AudioChunk, Outlet, Question, Stage, StageError, Work};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// How long the words of the caller may come behind the response to them.
const WORDS_LATE_MAX: Duration = Duration::from_millis(300);

/// Has the server respond to what the caller said last, which it has heard.
pub(super) struct Model {
    link: Rc<Link>,
    clock: Clock,
    first: Duration,
    between: Duration,
    whole: Duration,
    retries: u32,
    /// Whether the server was asked for the caller's words.
    expects_words: bool,
}

impl Model {
    pub(super) fn new(link: Rc<Link>, asked: &RealtimeModel, clock: &Clock) -> Model {
        Model {
            link,
            clock: clock.clone(),
            first: asked.first_sound_timeout,
            between: asked.between_sounds_timeout,
            whole: asked.timeout,
            retries: asked.retries,
            expects_words: asked.transcription.is_some(),
        }
    }

    /// Asks for a response, and hands it on.
    async fn respond(
        &self,
        out: &mut Outlet<AudioChunk>,
        is_told: &mut bool,
    ) -> Result<(), StageError> {
        out.begun();
        let began = self.clock.now();
        self.link.redial();
        let ready = self.link.ready();
        let mut wanted = match self.by(began + self.first, ready).await {
            None => {
                return Err(self.late("took no call within", self.first, "first_sound_timeout_ms"));
            }
            Some(Err(why)) => return Err(StageError::Failed(why)),
            Some(Ok(())) => Wanted::ask(&self.link),
        };
        let mut resampler = StreamResampler::prompt(RATE, SAMPLE_RATE).map_err(unsound)?;
        let mut words = String::new();
        let (mut patience, mut key) = (self.first, "first_sound_timeout_ms");
        let mut since = began;
        loop {
            let deadline = (since + patience).min(began + self.whole);
            let Some(next) = self.by(deadline, self.link.next()).await else {
                return Err(match deadline < since + patience {
                    true => self.late("was not done within", self.whole, "timeout_ms"),
                    false => self.late("sent no sound within", patience, key),
                });
            };
            // At once, since the caller may interrupt.
            if let Some(words) = self.link.look(|exchange| exchange.understood()) {
                *is_told |= tell(&words, out);
            }
            let mut samples = Vec::new();
            match next {
                Next::Sound {
                    samples: sent,
                    words: said,
                } => {
                    // A word that is not at its end yet goes with the sound behind it.
                    words += &said;
                    resampler.push(&sent, &mut samples).map_err(unsound)?;
                    if !samples.is_empty() {
                        let whole = words.rfind(char::is_whitespace).unwrap_or(0);
                        let said = words.drain(..whole).collect();
                        hand_on(samples, said, out).await?;
                    }
                }
                Next::Failed(what) => {
                    wanted.is_over = true;
                    return Err(StageError::Failed(what));
                }
                Next::Over => {
                    wanted.is_over = true;
                    resampler.finish(&mut samples).map_err(unsound)?;
                    return hand_on(samples, words, out).await;
                }
            }
            (patience, key) = (self.between, "between_sounds_timeout_ms");
            since = self.clock.now();
        }
    }

    /// What the server understood of the caller, if it says so in time.
    async fn late_words(&self) -> Option<String> {
        if !self.expects_words {
            return self.link.look(|exchange| exchange.understood());
        }
        let words = self.link.until_known(|exchange| exchange.understood());
        self.by(self.clock.now() + WORDS_LATE_MAX, words).await
    }

    /// What comes of something by a deadline; `None` if nothing has by then.
    async fn by<T>(&self, deadline: Tick, what: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            done = what => Some(done),
            () = self.clock.sleep_until(deadline) => None,
        }
    }

    fn late(&self, what: &str, span: Duration, key: &str) -> StageError {
        StageError::Failed(format!(
            "the server {what} {} ms ({}.{key})",
            span.as_millis(),
            super::TABLE
        ))
    }
}

/// Tells what the caller was understood to say; whether that was anything.
fn tell(words: &str, out: &mut Outlet<AudioChunk>) -> bool {
    let words = words.trim();
    if !words.is_empty() {
        out.understood(words.into());
    }
    !words.is_empty()
}

async fn hand_on(
    samples: Vec<f32>,
    words: String,
    out: &mut Outlet<AudioChunk>,
) -> Result<(), StageError> {
    if samples.is_empty() {
        return Ok(());
    }
    let words: Arc<str> = words.trim().into();
    if !words.is_empty() {
        out.says(words.clone());
    }
    out.send(AudioChunk::new(samples.into(), words)).await
}

impl Stage for Model {
    type In = Question;
    type Out = AudioChunk;

    fn handle<'a>(&'a mut self, _: Question, out: &'a mut Outlet<AudioChunk>) -> Work<'a> {
        Box::pin(async move {
            let (mut tries, mut is_told) = (0, false);
            let responded = loop {
                match self.respond(out, &mut is_told).await {
                    Err(error)
                        if error.is_failure() && out.outputs() == 0 && tries < self.retries =>
                    {
                        tries += 1;
                        out.cured(ResilienceStep::Retried);
                    }
                    responded => break responded,
                }
            };
            if !is_told && let Some(words) = self.late_words().await {
                tell(&words, out);
            }
            responded
        })
    }
}

/// A response that was asked for. Dropped before it is over, it is given up.
struct Wanted<'a> {
    link: &'a Link,
    is_over: bool,
}

impl Wanted<'_> {
    fn ask(link: &Link) -> Wanted<'_> {
        link.say(|exchange| exchange.ask());
        Wanted {
            link,
            is_over: false,
        }
    }
}

impl Drop for Wanted<'_> {
    fn drop(&mut self) {
        if !self.is_over {
            self.link.say(|exchange| exchange.give_up());
        }
    }
}
