//! The caller's sound, as it comes over the network, to the ear.

use super::heard::Heard;
use super::keys::{Keys, Pressed};
use super::wire::Wire;
use crate::audio::{SAMPLE_RATE, Samples};
use crate::clock::Clock;
use crate::ear::{Ear, SpeechEdge, SpeechEdges};
use crate::event::{Tick, TurnId};
use crate::pipeline::control::{Control, Refuse};
use crate::protocol::socket::{Came, Connection};
use crate::protocol::{FromCaller, Refused};
use crate::record::tap::Tap;
use crate::stage::queue;
use crate::stage::{AudioChunk, SpeechActivity, SureVoice};
use std::rc::Rc;

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

impl Caller {
    /// Hears until the caller leaves. The connection stays open for a last word.
    pub(crate) async fn listen(&mut self) -> Left {
        let mut edges = SpeechEdges::default();
        let mut keys = Keys::default();
        // What the caller's client decided behind the sound that waits.
        let mut decided = Vec::new();
        let mut heard = match Heard::at_rate(self.wire.caller_rate().unwrap_or(SAMPLE_RATE)) {
            Ok(heard) => heard,
            Err(error) => return Left::Lost(error.to_string()),
        };
        loop {
            let wakes = [heard.missed_at(), keys.over_at()].into_iter().flatten();
            let wakes = wakes.min();
            let waits = async {
                match wakes {
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
            let now = self.clock.now();
            let left = match came {
                Some((at, came)) => self.came(at, came, &mut heard, (&mut keys, &mut decided)),
                None => {
                    heard.miss(now);
                    None
                }
            };
            while let Some((start, frame)) = heard.frame() {
                if !self.hear(start, frame, &mut edges).await {
                    return Left::HungUp;
                }
            }
            let left = left.or_else(|| self.decide(&mut heard, &mut decided));
            if let Some(pressed) = keys.over(now)
                && !self.hear_keys(&pressed).await
            {
                return Left::HungUp;
            }
            if let Some(left) = left {
                return left;
            }
            if self.wire.is_stalled() {
                let why = "the caller has read nothing for too long";
                return Left::Lost(why.into());
            }
        }
    }

    fn came(
        &self,
        at: Tick,
        came: Came,
        heard: &mut Heard,
        (keys, decided): (&mut Keys, &mut Vec<FromCaller>),
    ) -> Option<Left> {
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
                FromCaller::Key(key) => {
                    keys.press(at, key);
                    Ok(())
                }
                FromCaller::Rate(rate) => heard.change_rate(rate),
                FromCaller::Sound(samples) => heard.sound(at, &samples),
                decision => {
                    decided.push(decision);
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
    fn decide(&self, heard: &mut Heard, decided: &mut Vec<FromCaller>) -> Option<Left> {
        for decided in decided.drain(..) {
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
                FromCaller::Rate(_)
                | FromCaller::Sound(_)
                | FromCaller::Key(_)
                | FromCaller::HungUp => continue,
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

    /// Keys that were pressed say what they are, as words do: a recogniser of words is told them, one of sound hears
    /// nothing. Whether anybody wants to know any more.
    async fn hear_keys(&mut self, pressed: &Pressed) -> bool {
        let Pressed { since, until, .. } = *pressed;
        let began = SpeechEdge::Began(since);
        self.tap.mark(TurnId(0), began.mark());
        let ended = SpeechEdge::Ended(until, None);
        self.tap.mark(TurnId(0), ended.mark());
        let keys = pressed.keys.as_str().into();
        let audio = AudioChunk::without_samples(until.since(since), keys);
        let sure = Some(SureVoice {
            since,
            until: Some(until),
        });
        let started = SpeechActivity::Started {
            onset: since,
            audio,
            sure,
        };
        let paused = SpeechActivity::Paused { last_voiced: until };
        for activity in [started, paused] {
            if self.activity.send(activity).await.is_err() {
                return false;
            }
        }
        // Nobody presses on: it is over now, whatever is said next.
        self.control
            .try_send(Control::Commit(Box::new(|| {})))
            .is_ok()
    }
}
