//! One call, held in real time: the caller's frames out, the agent's sound in.

use super::hearing::Hearing;
use super::pacing::{Lateness, Pacing};
use super::playout::{Playout, PlayoutFacts};
use super::talk::{Line, Said, Talk, said};
use super::track::AgentTrack;
use super::{FRAME, FRAME_SAMPLES, FRAMES_PER_S};
use crate::audio::AudioError;
use crate::audio::wav::StereoWriter;
use crate::clock::Clock;
use crate::event::{SessionId, Tick, nanos};
use crate::protocol::socket::{Came, Connection};
use crate::protocol::{FromAgent, Message, ToAgent};
use crate::record::tap::Tap;
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
    pub lines: &'a [Line],
    /// What the telephone's jitter buffer holds back.
    pub jitter: Duration,
    /// After how long the caller hangs up, whatever is still to be said.
    pub longest: Duration,
    /// Where both sides are recorded.
    pub wav: &'a Path,
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
    /// The agent hung up, in good order.
    AgentHungUp,
    /// Somebody stopped it, or it took too long.
    Stopped,
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
    pub lateness: Lateness,
    /// When frames were late.
    pub late: Vec<Range<Tick>>,
    /// What became of the agent's sound, and its rate in Hz.
    pub playout: PlayoutFacts,
    pub rate: u32,
    /// What the agent says it heard, and said, and when it told so.
    pub heard: Vec<(Tick, String)>,
    pub spoke: Vec<(Tick, String)>,
    /// What the agent told of errors, and went on.
    pub errors: Vec<String>,
}

/// A call on its way.
struct Going<'a> {
    protocol: &'a mut dyn ToAgent,
    connection: Connection,
    jitter: Duration,
    playout: Playout,
    track: AgentTrack,
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
        protocol: &mut dyn ToAgent,
        connection: Connection,
    ) -> Result<Held, AudioError> {
        let mut recording = StereoWriter::create(self.wav)?;
        let tap = Tap::new(clock.clone(), SessionId(0), None);
        let jitter_ms = self.jitter.as_millis() as u64;
        let rate = protocol.rate();
        let mut going = Going {
            connection,
            jitter: self.jitter,
            playout: Playout::new(rate, jitter_ms, 0),
            track: AgentTrack::new(rate)?,
            held: Held {
                said: Vec::new(),
                ended_at: Tick::ZERO,
                end: CallEnd::Finished,
                lateness: Lateness::default(),
                late: Vec::new(),
                playout: PlayoutFacts::default(),
                rate,
                heard: Vec::new(),
                spoke: Vec::new(),
                errors: Vec::new(),
            },
            protocol,
        };
        let mut pacing = Pacing::new();
        let mut hearing = Hearing::new();
        let mut caller = VecDeque::new();
        let mut talk = Talk::new(self.lines);
        talk.greeting(&mut hearing);
        let mut end = None;
        for message in going.protocol.hello() {
            end = end.or(going.send(message));
        }
        let mut start = Tick::ZERO;
        let mut number = 0u64;
        let silence = vec![0.0; (rate / FRAMES_PER_S) as usize];
        while end.is_none() {
            let due = start + FRAME;
            tokio::select! {
                biased;
                // The caller's pace comes first.
                () = clock.sleep_until(due) => {}
                (at, came) = going.connection.next() => {
                    end = going.came(at, came)?;
                    continue;
                }
            }
            pacing.frame(due, clock.now());
            let agent = hearing.agent(start);
            let Some(said) = talk.frame(&agent, start, &tap, &mut hearing) else {
                break;
            };
            let message = going.protocol.frame(said.sent.unwrap_or(&silence));
            end = going.send(message);
            match said.samples {
                Some(samples) => caller.extend(samples),
                None => caller.extend([0.0; FRAME_SAMPLES]),
            }
            end = end.or(going.play(&mut hearing)?);
            going.record(&mut caller, &mut recording)?;
            number += 1;
            if number.is_multiple_of(FLUSH_FRAMES) {
                recording.flush()?;
            }
            start = due;
            let progress = Progress {
                now: start,
                lines_said: talk.begun,
                agent_speaks: agent.is_speaking,
            };
            let goes_on = (self.progress)(progress) && start < Tick::ZERO + self.longest;
            end = end.or((!goes_on).then_some(CallEnd::Stopped));
        }
        going.held.said = said(&tap);
        going.held.lateness = pacing.lateness();
        going.held.late = pacing.spells().to_vec();
        let end = end.unwrap_or(CallEnd::Finished);
        going.finish(end, start, caller, recording).await
    }
}

impl Going<'_> {
    fn send(&mut self, message: Message) -> Option<CallEnd> {
        match self.connection.outgoing().send(message) {
            Ok(()) => None,
            Err(_) => Some(CallEnd::Failed(
                "the agent has read nothing for five seconds".into(),
            )),
        }
    }

    /// What came over the connection at `at`; how the call ends by it, if it does.
    fn came(&mut self, at: Tick, came: Came) -> Result<Option<CallEnd>, AudioError> {
        let message = match came {
            Came::Left => return Ok(Some(CallEnd::AgentHungUp)),
            Came::Closed(why) => return Ok(Some(CallEnd::Failed(why))),
            Came::Message(message) => message,
        };
        let events = match self.protocol.read(message) {
            Ok(events) => events,
            Err(junk) => return Ok(Some(CallEnd::Failed(junk.to_string()))),
        };
        for event in events {
            if let Some(end) = self.happens(at, event)? {
                return Ok(Some(end));
            }
        }
        Ok(None)
    }

    fn happens(&mut self, at: Tick, event: FromAgent) -> Result<Option<CallEnd>, AudioError> {
        let rate = self.playout.rate();
        let position = position(at, rate);
        let too_much = || {
            let what = "the agent sends more than ten minutes of sound ahead";
            Ok(Some(CallEnd::Failed(what.into())))
        };
        match event {
            FromAgent::Rate(rate) => {
                let frames = self.track.samples / FRAME_SAMPLES;
                let at = frames as u64 * u64::from(rate / FRAMES_PER_S);
                self.playout = Playout::new(rate, self.jitter.as_millis() as u64, at);
                self.track.at_rate(rate)?;
                self.held.rate = rate;
            }
            FromAgent::Sound(samples) => {
                if self.playout.arrive(position, samples).is_err() {
                    return too_much();
                }
            }
            FromAgent::Mark(name) => {
                if self.playout.mark(position, name).is_err() {
                    return too_much();
                }
            }
            FromAgent::Clear => {
                let (unplayed, marks) = self.playout.clear();
                let unplayed = nanos(Duration::from_secs(1)) * unplayed / u64::from(rate);
                let told = self.protocol.cleared(Duration::from_nanos(unplayed));
                let due = marks.iter().filter_map(|mark| self.protocol.played(mark));
                let told: Vec<Message> = told.into_iter().chain(due.collect::<Vec<_>>()).collect();
                for message in told {
                    if let Some(end) = self.send(message) {
                        return Ok(Some(end));
                    }
                }
            }
            FromAgent::Heard(text) if self.held.heard.len() < TEXTS_MAX => {
                self.held.heard.push((at, text));
            }
            FromAgent::Said(text) if self.held.spoke.len() < TEXTS_MAX => {
                self.held.spoke.push((at, text));
            }
            FromAgent::Failed(what) if self.held.errors.len() < TEXTS_MAX => {
                self.held.errors.push(what);
            }
            FromAgent::Heard(_) | FromAgent::Said(_) | FromAgent::Failed(_) => {}
            FromAgent::HungUp => return Ok(Some(CallEnd::AgentHungUp)),
        }
        Ok(None)
    }

    /// Plays the next frame of what the agent sent.
    fn play(&mut self, hearing: &mut Hearing) -> Result<Option<CallEnd>, AudioError> {
        let samples = (self.playout.rate() / FRAMES_PER_S) as usize;
        let (heard, marks) = self.playout.play(samples);
        let fresh = self.track.push(&heard)?;
        hearing.hear(fresh);
        let told: Vec<Message> = marks
            .iter()
            .filter_map(|mark| self.protocol.played(mark))
            .collect();
        Ok(told.into_iter().find_map(|message| self.send(message)))
    }

    /// Writes as much as is known of both sides.
    fn record(
        &mut self,
        caller: &mut VecDeque<f32>,
        recording: &mut StereoWriter,
    ) -> Result<(), AudioError> {
        let common = caller.len().min(self.track.made.len());
        let caller: Vec<f32> = caller.drain(..common).collect();
        recording.push(&caller, &self.track.made[..common])?;
        self.track.made.drain(..common);
        Ok(())
    }

    async fn finish(
        self,
        end: CallEnd,
        at: Tick,
        caller: VecDeque<f32>,
        mut recording: StereoWriter,
    ) -> Result<Held, AudioError> {
        let Going {
            protocol,
            connection,
            playout,
            track,
            mut held,
            ..
        } = self;
        for message in protocol.goodbye() {
            // Whoever reads nothing any more hears the connection close.
            let _ = connection.outgoing().send(message);
        }
        connection.close().await;
        let mut agent = track.finish()?;
        agent.truncate(caller.len());
        let caller: Vec<f32> = caller.into();
        agent.resize(caller.len(), 0.0);
        recording.push(&caller, &agent)?;
        recording.finish()?;
        held.playout = playout.facts();
        held.end = end;
        held.ended_at = at;
        Ok(held)
    }
}

/// A moment in samples.
fn position(at: Tick, rate: u32) -> u64 {
    let samples = u128::from(at.0) * u128::from(rate) / u128::from(nanos(Duration::from_secs(1)));
    u64::try_from(samples).unwrap_or(u64::MAX)
}
