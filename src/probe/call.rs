//! One call, held in real time: the caller's frames out, the agent's sound in.

use super::hearing::Hearing;
use super::link::{Link, News, Redial};
use super::mind::Mind;
use super::pacing::{Lateness, Pacing};
use super::playout::{Playout, PlayoutFacts};
use super::talk::{Said, Talk};
use super::track::AgentTrack;
use super::{FRAME, FRAME_SAMPLES, FRAMES_PER_S};
use crate::audio::wav::StereoWriter;
use crate::audio::{AudioError, length_of};
use crate::clock::Clock;
use crate::event::{Tick, nanos};
use crate::protocol::socket::{Came, Connection};
use crate::protocol::{FromAgent, Message, ToAgent};
use std::collections::VecDeque;
use std::ops::Range;
use std::path::Path;
use std::time::Duration;

/// How often the recording is put on disk: every second.
const FLUSH_FRAMES: u64 = 50;
/// Texts that are kept of what the agent says it heard and says.
const TEXTS_MAX: usize = 10_000;

/// A call to be held.
pub(crate) struct Call<'a> {
    /// Decides what the caller says.
    pub mind: &'a mut dyn Mind,
    /// What the telephone's jitter buffer holds back.
    pub jitter: Duration,
    /// After how long the caller hangs up, whatever is still to be said.
    pub longest: Duration,
    /// Where both sides are recorded.
    pub wav: &'a Path,
    /// What is done if the connection breaks off.
    pub redial: Redial<'a>,
    /// Is told how it goes; says whether to go on.
    pub progress: &'a mut dyn FnMut(Progress) -> bool,
}

/// How a call goes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Progress {
    pub now: Tick,
    pub lines_said: usize,
    pub agent_speaks: bool,
}

/// How a call ended.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum CallEnd {
    /// The caller hung up, with everything said.
    Finished,
    /// The caller lost patience, and hung up.
    GaveUp,
    /// The agent hung up, in good order.
    AgentHungUp,
    /// Somebody stopped it.
    Stopped,
    /// It took longer than it may.
    Overlong,
    /// Something failed; what.
    Failed(String),
}

/// A call that was held.
#[derive(Debug)]
pub(crate) struct Held {
    /// The lines that were come to, in order.
    pub said: Vec<Said>,
    /// When the call ended.
    pub ended_at: Tick,
    pub end: CallEnd,
    /// When connections broke off, and why.
    pub drops: Vec<(Tick, String)>,
    /// How often the agent was called again.
    pub redialled: u32,
    pub lateness: Lateness,
    /// When frames were late.
    pub late: Vec<Range<Tick>>,
    /// What became of the agent's sound.
    pub playout: PlayoutFacts,
    /// What the agent says it heard, and said, and when it told so.
    pub heard: Vec<(Tick, String)>,
    pub spoke: Vec<(Tick, String)>,
    /// What the agent told of errors, and went on.
    pub errors: Vec<String>,
}

impl Held {
    /// Changes every text that came from the agent.
    pub(crate) fn change_words(&mut self, change: impl Fn(&str) -> String) {
        let dated = [&mut self.heard, &mut self.spoke, &mut self.drops];
        let dated = dated.into_iter().flatten().map(|(_, text)| text);
        let failure = match &mut self.end {
            CallEnd::Failed(why) => Some(why),
            _ => None,
        };
        for text in dated.chain(&mut self.errors).chain(failure) {
            *text = change(text);
        }
    }
}

/// A call on its way.
struct Going<'a> {
    link: Link<'a>,
    redial: Redial<'a>,
    protocol: Box<dyn ToAgent>,
    jitter: Duration,
    talk: Talk<'a>,
    hearing: Hearing,
    playout: Playout,
    track: AgentTrack,
    /// What the caller said and is not recorded.
    caller: VecDeque<f32>,
    held: Held,
}

impl Call<'_> {
    /// Holds the call, from the moment at which it was answered: the clock starts with it.
    ///
    /// # Errors
    /// If the recording cannot be written. Whatever else goes wrong ends the call, and is told.
    pub(crate) async fn hold(
        self,
        clock: &Clock,
        protocol: Box<dyn ToAgent>,
        connection: Connection,
    ) -> Result<Held, AudioError> {
        let mut recording = StereoWriter::create(self.wav)?;
        let rate = protocol.rate();
        let mut going = Going {
            link: Link::Over,
            redial: self.redial,
            playout: Playout::new(rate, self.jitter.as_millis() as u64, 0),
            jitter: self.jitter,
            talk: Talk::new(self.mind),
            hearing: Hearing::new(),
            track: AgentTrack::new(rate)?,
            caller: VecDeque::new(),
            held: Held {
                said: Vec::new(),
                ended_at: Tick::ZERO,
                end: CallEnd::Finished,
                drops: Vec::new(),
                redialled: 0,
                lateness: Lateness::default(),
                late: Vec::new(),
                playout: PlayoutFacts::default(),
                heard: Vec::new(),
                spoke: Vec::new(),
                errors: Vec::new(),
            },
            protocol,
        };
        let mut pacing = Pacing::new();
        let mut end = going.connected(Tick::ZERO, connection);
        let mut start = Tick::ZERO;
        let mut number = 0u64;
        while end.is_none() {
            let due = start + FRAME;
            tokio::select! {
                biased;
                // The caller's pace comes first.
                () = clock.sleep_until(due) => {}
                news = going.link.next() => {
                    end = going.hears(news, clock.now())?;
                    continue;
                }
            }
            pacing.frame(due, clock.now());
            end = going.frame(start)?;
            going.record(&mut recording)?;
            number += 1;
            if number.is_multiple_of(FLUSH_FRAMES) {
                recording.flush()?;
            }
            // A frame that was not played does not count.
            start = Tick::ZERO + length_of(going.track.samples);
            let goes_on = (self.progress)(Progress {
                now: start,
                lines_said: going.talk.said.len(),
                agent_speaks: going.hearing.agent(start).is_speaking,
            });
            let cut = match start < Tick::ZERO + self.longest {
                _ if !goes_on => Some(CallEnd::Stopped),
                true => None,
                false => Some(CallEnd::Overlong),
            };
            end = end.or(cut);
        }
        going.held.lateness = pacing.lateness();
        going.held.late = pacing.spells().to_vec();
        going.held.end = end.unwrap_or(CallEnd::Finished);
        going.held.ended_at = start;
        going.finish(recording).await
    }
}

impl Going<'_> {
    /// The agent has taken the call, at `now`.
    fn connected(&mut self, now: Tick, connection: Connection) -> Option<CallEnd> {
        self.link = Link::Open(connection);
        self.hearing.cut_off(now);
        self.talk.answered(now, &mut self.hearing);
        let hello = self.protocol.hello();
        self.send(now, hello)
    }

    /// What is new; how the call ends by it, if it does.
    fn hears(&mut self, news: News, now: Tick) -> Result<Option<CallEnd>, AudioError> {
        match news {
            News::Came(at, came) => self.came(at, came),
            News::Called(Err(why)) => Ok(self.dial(why)),
            News::Called(Ok((protocol, connection))) => {
                self.protocol = protocol;
                self.at_rate(self.protocol.rate())?;
                Ok(self.connected(now, connection))
            }
        }
    }

    fn send(&mut self, now: Tick, messages: impl IntoIterator<Item = Message>) -> Option<CallEnd> {
        let Link::Open(connection) = &self.link else {
            return None;
        };
        for message in messages {
            if connection.outgoing().send(message).is_err() {
                let why = "the agent reads nothing: for five seconds nothing more could be sent";
                return self.dropped(now, why.into());
            }
        }
        None
    }

    /// The connection broke off at `at`.
    fn dropped(&mut self, at: Tick, why: String) -> Option<CallEnd> {
        self.talk.dropped(at);
        self.hearing.cut_off(at);
        self.playout.hang_up();
        self.held.drops.push((at, why.clone()));
        self.dial(why)
    }

    /// Calls again, if that is still to be tried; `why` it is to be.
    fn dial(&mut self, why: String) -> Option<CallEnd> {
        self.link = Link::Over;
        if self.held.redialled >= self.redial.retries {
            return Some(CallEnd::Failed(why));
        }
        self.held.redialled += 1;
        self.link = Link::Dialling((self.redial.dial)(self.held.redialled));
        None
    }

    /// What came over the connection at `at`; how the call ends by it, if it does.
    fn came(&mut self, at: Tick, came: Came) -> Result<Option<CallEnd>, AudioError> {
        let message = match came {
            Came::Left => return Ok(Some(CallEnd::AgentHungUp)),
            Came::Closed(why) => return Ok(self.dropped(at, why)),
            Came::Message(message) => message,
        };
        let events = match self.protocol.read(message) {
            Ok(events) => events,
            Err(junk) => return Ok(Some(self.failed(at, junk.to_string()))),
        };
        for event in events {
            if let Some(end) = self.happens(at, event)? {
                return Ok(Some(end));
            }
        }
        Ok(None)
    }

    /// The agent does at `at` what no agent may, and is called no more.
    fn failed(&mut self, at: Tick, why: String) -> CallEnd {
        self.held.drops.push((at, why.clone()));
        CallEnd::Failed(why)
    }

    fn happens(&mut self, at: Tick, event: FromAgent) -> Result<Option<CallEnd>, AudioError> {
        let position = position(at, self.playout.rate());
        let taken = match event {
            FromAgent::Rate(rate) => {
                // Nothing has sounded yet.
                let (_, marks) = self.playout.clear(position);
                let told = self.played(&marks);
                self.at_rate(rate)?;
                return Ok(self.send(at, told));
            }
            FromAgent::Clear => {
                let (unplayed, marks) = self.playout.clear(position);
                let unplayed = self.playout.length_of(unplayed);
                let mut told = self.protocol.cleared(unplayed);
                told.extend(self.played(&marks));
                return Ok(self.send(at, told));
            }
            FromAgent::HungUp => return Ok(Some(CallEnd::AgentHungUp)),
            FromAgent::Sound(samples) => self.playout.arrive(position, samples),
            FromAgent::Mark(name) => self.playout.mark(position, name),
            FromAgent::Heard(text) => {
                keep(&mut self.held.heard, (at, text));
                Ok(())
            }
            FromAgent::Said(text) => {
                keep(&mut self.held.spoke, (at, text));
                Ok(())
            }
            FromAgent::Failed(what) => {
                keep(&mut self.held.errors, what);
                Ok(())
            }
        };
        Ok(taken.err().map(|too_much| {
            let why = format!("the agent sends more {too_much}");
            self.failed(at, why)
        }))
    }

    /// What the agent is told of marks that were played.
    fn played(&mut self, marks: &[String]) -> Vec<Message> {
        let told = marks.iter().filter_map(|mark| self.protocol.played(mark));
        told.collect()
    }

    /// Goes on with sound of this rate.
    fn at_rate(&mut self, rate: u32) -> Result<(), AudioError> {
        let frames = self.track.samples / FRAME_SAMPLES;
        let at = frames as u64 * u64::from(rate / FRAMES_PER_S);
        let before = Playout::new(rate, self.jitter.as_millis() as u64, at);
        let before = std::mem::replace(&mut self.playout, before);
        self.held.playout = self.held.playout.and(before.facts());
        let fresh = self.track.at_rate(rate)?;
        self.hearing.hear(fresh);
        Ok(())
    }

    /// The frame that begins at `start`: what the caller says goes out, what the agent sent is played.
    fn frame(&mut self, start: Tick) -> Result<Option<CallEnd>, AudioError> {
        let end = start + FRAME;
        // What came before its end is a part of it.
        while let Some((at, came)) = self.link.waiting() {
            if let Some(over) = self.came(at, came)? {
                return Ok(Some(over));
            }
        }
        let agent = self.hearing.agent(start);
        let mut messages = Vec::with_capacity(2);
        if let Link::Open(_) = self.link {
            let said = match self.talk.frame(&agent, start, &mut self.hearing) {
                Ok(said) => said,
                Err(over) => return Ok(Some(over)),
            };
            match said {
                Some(frame) => {
                    messages.push(self.protocol.frame(frame.sent));
                    messages.extend(frame.key.and_then(|key| self.protocol.key(key)));
                    self.caller.extend(frame.samples);
                }
                None => {
                    let samples = (self.protocol.rate() / FRAMES_PER_S) as usize;
                    messages.push(self.protocol.frame(&vec![0.0; samples]));
                    self.caller.extend([0.0; FRAME_SAMPLES]);
                }
            }
        } else {
            // Nobody would hear the caller.
            self.caller.extend([0.0; FRAME_SAMPLES]);
        }
        let samples = (self.playout.rate() / FRAMES_PER_S) as usize;
        let (heard, marks) = self.playout.play(samples);
        let fresh = self.track.push(&heard)?;
        self.hearing.hear(fresh);
        messages.extend(self.played(&marks));
        Ok(self.send(end, messages))
    }

    /// Writes as much as is known of both sides.
    fn record(&mut self, recording: &mut StereoWriter) -> Result<(), AudioError> {
        let common = self.caller.len().min(self.track.made.len());
        let caller: Vec<f32> = self.caller.drain(..common).collect();
        recording.push(&caller, &self.track.made[..common])?;
        self.track.made.drain(..common);
        Ok(())
    }

    async fn finish(mut self, mut recording: StereoWriter) -> Result<Held, AudioError> {
        if let Link::Open(connection) = self.link {
            for message in self.protocol.goodbye() {
                // Whoever reads nothing any more hears the connection close.
                let _ = connection.outgoing().send(message);
            }
            connection.close().await;
        }
        let mut agent = self.track.finish()?;
        let caller: Vec<f32> = self.caller.into();
        agent.resize(caller.len(), 0.0);
        recording.push(&caller, &agent)?;
        recording.finish()?;
        let mut held = self.held;
        held.said = self.talk.said;
        held.playout = held.playout.and(self.playout.facts());
        Ok(held)
    }
}

/// Keeps something that an agent tells, if there is room for it.
fn keep<T>(kept: &mut Vec<T>, told: T) {
    if kept.len() < TEXTS_MAX {
        kept.push(told);
    }
}

/// A moment in samples.
fn position(at: Tick, rate: u32) -> u64 {
    let samples = u128::from(at.0) * u128::from(rate) / u128::from(nanos(Duration::from_secs(1)));
    u64::try_from(samples).unwrap_or(u64::MAX)
}
