//! One call, held in real time: the caller's frames out, the agent's sound in.

use super::hearing::Hearing;
use super::pacing::{Lateness, Pacing};
use super::playout::{Playout, PlayoutFacts};
use crate::audio::resample::{StreamResampler, resample};
use crate::audio::wav::StereoWriter;
use crate::audio::{AudioError, SAMPLE_RATE, Samples, length_of};
use crate::clock::Clock;
use crate::ear::truth::Speech;
use crate::event::{Doubt, Mark, SessionId, Tick, nanos};
use crate::pipeline::AgentState;
use crate::pipeline::cue::{Anchor, Cue, Cues, Next};
use crate::protocol::socket::{Came, Connection};
use crate::protocol::{FromAgent, Message, ToAgent};
use crate::record::tap::Tap;
use std::collections::VecDeque;
use std::ops::Range;
use std::path::Path;
use std::time::Duration;

/// The length of a frame, as telephones have it.
const FRAME: Duration = Duration::from_millis(20);
const FRAMES_PER_S: u32 = 50;
/// Samples of a frame in the recording.
const FRAME_SAMPLES: usize = (SAMPLE_RATE / FRAMES_PER_S) as usize;
/// How often the recording is put on disk: every second.
const FLUSH_FRAMES: u64 = 50;
/// Texts that are kept of what the agent says it heard and says.
const TEXTS_MAX: usize = 10_000;

/// Something to say.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    /// At 16 kHz, in whole frames.
    samples: Samples,
    /// The same at the rate of the protocol.
    sent: Samples,
    /// Where speech truly is, as positions in `samples`.
    speech: Vec<Speech>,
    cue: Cue,
}

impl Line {
    /// A line whose sound at 16 kHz is sent at `rate`, which is one of the rates of protocols.
    ///
    /// # Errors
    /// If the sound cannot be brought to that rate.
    pub(crate) fn new(
        samples: &[f32],
        rate: u32,
        speech: Vec<Speech>,
        cue: Cue,
    ) -> Result<Line, AudioError> {
        let mut whole = samples.to_vec();
        let frames = samples.len().div_ceil(FRAME_SAMPLES);
        whole.resize(frames * FRAME_SAMPLES, 0.0);
        let mut sent = resample(&whole, SAMPLE_RATE, rate)?.into_owned();
        sent.resize(frames * (rate / FRAMES_PER_S) as usize, 0.0);
        Ok(Line {
            samples: whole.into(),
            sent: sent.into(),
            speech,
            cue,
        })
    }

    /// When somebody speaks in the line, if its sound begins at `at` and the call ends at `end`.
    pub(crate) fn spoken_at(&self, at: Tick, end: Tick) -> Vec<(Range<Tick>, Option<Doubt>)> {
        let speech = self.speech.iter().map(|speech| {
            let range = at + length_of(speech.at.start)..at + length_of(speech.at.end);
            (range.start..range.end.min(end), speech.doubt)
        });
        speech.filter(|(range, _)| range.start < range.end).collect()
    }
}

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

/// What happened to a line.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Said {
    /// It was said from this moment on.
    At(Tick),
    /// What it waited for did not come within so many nanoseconds.
    Missed { at: Tick, waited_ns: u64 },
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
                // The caller's pace comes first.
                biased;
                () = clock.sleep_until(due) => {}
                (at, came) = going.connection.next() => {
                    end = going.came(at, came)?;
                    continue;
                }
            }
            pacing.frame(due, clock.now());
            let agent = hearing.agent(start);
            let said = match talk.frame(&agent, start, &tap, &mut hearing) {
                Some(frame) => frame,
                None => break,
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

/// The agent's side of the recording: what was played, at the rate of the recording.
struct AgentTrack {
    resampler: StreamResampler,
    /// Samples of the call that were pushed, at the rate of the recording.
    samples: usize,
    /// What came out and was not written.
    made: Vec<f32>,
    /// Samples that came out in all.
    out: usize,
}

impl AgentTrack {
    fn new(rate: u32) -> Result<AgentTrack, AudioError> {
        Ok(AgentTrack {
            resampler: StreamResampler::new(rate, SAMPLE_RATE)?,
            samples: 0,
            made: Vec::new(),
            out: 0,
        })
    }

    /// Goes on with sound of another rate; so far there was only silence.
    fn at_rate(&mut self, rate: u32) -> Result<(), AudioError> {
        self.made.resize(self.made.len() + self.samples - self.out, 0.0);
        self.out = self.samples;
        self.resampler = StreamResampler::new(rate, SAMPLE_RATE)?;
        Ok(())
    }

    /// Takes a frame; what came out of it.
    fn push(&mut self, frame: &[f32]) -> Result<&[f32], AudioError> {
        let before = self.made.len();
        self.resampler.push(frame, &mut self.made)?;
        self.samples += FRAME_SAMPLES;
        self.out += self.made.len() - before;
        Ok(&self.made[before..])
    }

    fn finish(mut self) -> Result<Vec<f32>, AudioError> {
        self.resampler.finish(&mut self.made)?;
        Ok(self.made)
    }
}

/// The caller, who says lines at their cues.
struct Talk<'a> {
    lines: &'a [Line],
    cues: Cues,
    /// The line that is being said, and how many frames of it were.
    saying: Option<(usize, usize)>,
    begun: usize,
}

/// A frame of the caller's sound, as it is recorded and as it is sent; `None` for silence.
struct SaidFrame<'a> {
    samples: Option<&'a [f32]>,
    sent: Option<&'a [f32]>,
}

impl<'a> Talk<'a> {
    fn new(lines: &'a [Line]) -> Talk<'a> {
        Talk {
            lines,
            cues: Cues::new(lines.iter().map(|line| line.cue).collect()),
            saying: None,
            begun: 0,
        }
    }

    /// Whoever waits for the agent to speak first waits for its greeting.
    fn greeting(&self, hearing: &mut Hearing) {
        if let Some(first) = self.lines.first()
            && first.cue.after == Anchor::AgentSpeechEnd
        {
            hearing.awaits_answer(Tick::ZERO, Tick::ZERO + first.cue.give_up);
        }
    }

    /// What is said in the frame that begins at `start`; `None` if the caller hangs up.
    fn frame(
        &mut self,
        agent: &AgentState,
        start: Tick,
        tap: &Tap,
        hearing: &mut Hearing,
    ) -> Option<SaidFrame<'a>> {
        if self.saying.is_none() {
            match self.cues.look(agent, start, tap) {
                Next::Speak(line) => self.begin(line, start, hearing),
                Next::Wait(_) => {}
                Next::HangUp => return None,
            }
        }
        let Some((line, frames)) = &mut self.saying else {
            return Some(SaidFrame {
                samples: None,
                sent: None,
            });
        };
        let line = &self.lines[*line];
        let end = line.samples.len() / FRAME_SAMPLES;
        let of_frame = |sound: &'a [f32]| {
            let length = sound.len() / end;
            &sound[*frames * length..(*frames + 1) * length]
        };
        let said = SaidFrame {
            samples: Some(of_frame(&line.samples)),
            sent: Some(of_frame(&line.sent)),
        };
        *frames += 1;
        if *frames == end {
            self.cues.spoken(start + FRAME);
            self.saying = None;
        }
        Some(said)
    }

    fn begin(&mut self, index: usize, start: Tick, hearing: &mut Hearing) {
        self.begun = index + 1;
        let line = &self.lines[index];
        if line.samples.is_empty() {
            return;
        }
        self.saying = Some((index, 0));
        if line.cue.wants_answer {
            let last = line.speech.last();
            let end = last.map_or(line.samples.len(), |speech| speech.at.end);
            let asked = start + length_of(end);
            hearing.awaits_answer(asked, asked + line.cue.give_up);
        }
    }
}

/// What happened to the lines, as it was marked.
fn said(tap: &Tap) -> Vec<Said> {
    let marked = tap.events();
    let said = marked.iter().filter_map(|event| match &event.mark {
        Mark::RowStarted { at, .. } => Some(Said::At(*at)),
        Mark::RowMissed { waited_ns, .. } => Some(Said::Missed {
            at: event.tick,
            waited_ns: *waited_ns,
        }),
        _ => None,
    });
    said.collect()
}

/// A moment in samples.
fn position(at: Tick, rate: u32) -> u64 {
    let samples = u128::from(at.0) * u128::from(rate) / u128::from(nanos(Duration::from_secs(1)));
    u64::try_from(samples).unwrap_or(u64::MAX)
}
