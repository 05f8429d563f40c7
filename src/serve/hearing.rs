//! The caller's sound, as it comes over the network, to the ear.

use super::wire::Wire;
use crate::audio::resample::StreamResampler;
use crate::audio::{AudioError, FRAME, FRAME_SAMPLES, SAMPLE_RATE, Samples};
use crate::clock::Clock;
use crate::ear::{Ear, SpeechEdges};
use crate::event::{Tick, TurnId};
use crate::pipeline::control::{Control, Refuse};
use crate::protocol::socket::{Came, Connection};
use crate::protocol::{FromCaller, Refused};
use crate::record::tap::Tap;
use crate::stage::SpeechActivity;
use crate::stage::queue;
use std::rc::Rc;
use std::time::Duration;

/// Sound that has not come after so long is taken for silence: the caller sends none, or the network holds it.
const MISSED_AFTER: Duration = Duration::from_millis(300);

/// Hears the caller.
pub(crate) struct Caller {
    pub clock: Clock,
    pub tap: Tap,
    pub ear: Ear,
    pub connection: Connection,
    pub wire: Rc<Wire>,
    /// Where the ear reports to.
    pub activity: queue::Sender<SpeechActivity>,
    /// Where the session is told what the caller's client decides.
    pub control: queue::Sender<Control>,
}

/// How a caller left.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Left {
    /// In good order.
    HungUp,
    /// Something went wrong; what.
    Lost(String),
}

/// Sound at the ear's rate that does not fill a frame yet, and when it began.
struct Heard {
    resampler: StreamResampler,
    rate: u32,
    waiting: Vec<f32>,
    /// When the next frame begins; `None` before the first sound.
    next: Option<Tick>,
    /// Whether no sound came, and silence was taken in its place, which lags behind.
    is_filled: bool,
    /// What the caller's client decided behind the sound that waits.
    decided: Vec<FromCaller>,
}

impl Caller {
    /// Hears until the caller leaves. The connection stays open for a last word.
    pub(crate) async fn listen(mut self) -> (Left, Connection) {
        let mut edges = SpeechEdges::default();
        let mut heard = match Heard::at_rate(self.wire.caller_rate().unwrap_or(SAMPLE_RATE)) {
            Ok(heard) => heard,
            Err(error) => return (Left::Lost(error.to_string()), self.connection),
        };
        loop {
            let missed = heard.next.map(|next| next + FRAME + MISSED_AFTER);
            let waits = async {
                match missed {
                    Some(at) => self.clock.sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            let came = tokio::select! {
                biased;
                // What came is no silence.
                came = self.connection.next() => Some(came),
                () = waits => None,
            };
            let left = match came {
                Some((at, came)) => self.came(at, came, &mut heard),
                None => {
                    heard.waiting.resize(FRAME_SAMPLES, 0.0);
                    heard.is_filled = true;
                    None
                }
            };
            while let Some((start, frame)) = heard.frame() {
                if !self.hear(start, frame, &mut edges).await {
                    return (Left::HungUp, self.connection);
                }
            }
            let left = left.or_else(|| self.decide(&mut heard));
            if let Some(left) = left {
                return (left, self.connection);
            }
            if self.wire.is_stalled() {
                let why = "the caller has read nothing for too long";
                return (Left::Lost(why.into()), self.connection);
            }
        }
    }

    fn came(&self, at: Tick, came: Came, heard: &mut Heard) -> Option<Left> {
        let message = match came {
            Came::Message(message) => message,
            Came::Left => return Some(Left::HungUp),
            Came::Closed(why) => return Some(Left::Lost(why)),
        };
        let events = match self.wire.read(message) {
            Ok(events) => events,
            Err(junk) => return Some(Left::Lost(junk.to_string())),
        };
        for event in events {
            let failed = match event {
                FromCaller::HungUp => return Some(Left::HungUp),
                FromCaller::Rate(rate) => heard.change_rate(rate),
                FromCaller::Sound(samples) => heard.sound(at, &samples),
                decided => {
                    heard.decided.push(decided);
                    Ok(())
                }
            };
            if let Err(error) = failed {
                return Some(Left::Lost(error.to_string()));
            }
        }
        None
    }

    /// Tells the session what the caller's client decided, when all sound before it was heard.
    fn decide(&self, heard: &mut Heard) -> Option<Left> {
        for decided in std::mem::take(&mut heard.decided) {
            let wire = self.wire.clone();
            let refuse = |what| -> Refuse { Box::new(move || wire.refuse(what)) };
            let control = match decided {
                FromCaller::EndsTurns(does) => Control::CallerEndsTurns(does),
                FromCaller::Commit => {
                    heard.ends(self.clock.now());
                    Control::Commit(refuse(Refused::Commit))
                }
                FromCaller::Respond => Control::Respond(refuse(Refused::Respond)),
                FromCaller::Stop => Control::Stop,
                FromCaller::Rate(_) | FromCaller::Sound(_) | FromCaller::HungUp => continue,
            };
            if self.control.try_send(control).is_err() {
                let why = "the caller asks for more at a time than anybody can do";
                return Some(Left::Lost(why.into()));
            }
        }
        None
    }

    /// Has the ear hear a frame. Whether anybody wants to know any more.
    async fn hear(&mut self, start: Tick, frame: Samples, edges: &mut SpeechEdges) -> bool {
        self.tap.caller_audio(start, &frame);
        let said = self.ear.hear(start, frame.clone());
        if let Some(background) = self.ear.background() {
            self.tap.mark(TurnId(0), background.mark());
        }
        if let Some(edge) = edges.hear(start, &frame, self.ear.is_voiced(), &said) {
            self.tap.mark(TurnId(0), edge.mark());
        }
        for activity in said {
            if self.activity.send(activity).await.is_err() {
                return false;
            }
        }
        true
    }
}

impl Heard {
    fn at_rate(rate: u32) -> Result<Heard, AudioError> {
        Ok(Heard {
            resampler: StreamResampler::prompt(rate, SAMPLE_RATE)?,
            rate,
            waiting: Vec::new(),
            next: None,
            is_filled: false,
            decided: Vec::new(),
        })
    }

    fn change_rate(&mut self, rate: u32) -> Result<(), AudioError> {
        self.resampler = StreamResampler::prompt(rate, SAMPLE_RATE)?;
        self.rate = rate;
        Ok(())
    }

    /// Takes sound that came at `at`, when its last sample was spoken.
    fn sound(&mut self, at: Tick, samples: &[f32]) -> Result<(), AudioError> {
        let length = Duration::from_secs_f64(samples.len() as f64 / f64::from(self.rate));
        let next = *self.next.get_or_insert(at.before(length));
        if std::mem::take(&mut self.is_filled) {
            // The caller sends anew: what was not sent until now is silence, too.
            let missing = at.before(length).since(next).min(MISSED_AFTER);
            let missing = (missing.as_secs_f64() * f64::from(SAMPLE_RATE)) as usize;
            self.waiting.resize(self.waiting.len() + missing, 0.0);
        }
        self.resampler.push(samples, &mut self.waiting)?;
        Ok(())
    }

    /// A turn is over. Sound that came faster than it is spoken was dated ahead; what comes next is dated anew.
    fn ends(&mut self, now: Tick) {
        if self.next.is_some_and(|next| next > now) {
            self.next = None;
            self.waiting.clear();
        }
    }

    /// The next whole frame, and when it began.
    fn frame(&mut self) -> Option<(Tick, Samples)> {
        let start = self.next?;
        if self.waiting.len() < FRAME_SAMPLES {
            return None;
        }
        let frame: Samples = self.waiting.drain(..FRAME_SAMPLES).collect();
        self.next = Some(start + FRAME);
        Some((start, frame))
    }
}
