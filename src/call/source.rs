//! A recording, gone through twice: for what must be known of the whole of it, and to listen.

use super::CallError;
use super::file::{HighPass, go_through};
use super::leak::{Leak, Leaks, Subtraction};
use super::spoken::Spoken;
use super::survey::{Survey, Surveyor};
use super::track::{Listener, MS_SAMPLES, Track};
use crate::audio::stream::Piece;
use crate::audio::{SAMPLE_RATE, amplitude_from_db};
use crate::ear::silero::SileroModel;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// Where the two sides of a call are.
#[derive(Debug, Clone, PartialEq)]
pub enum CallSource {
    /// One file with both: the caller left and the agent right, or the other way round.
    Stereo { path: PathBuf, is_swapped: bool },
    /// A file for each side.
    Two {
        caller: PathBuf,
        agent: PathBuf,
        clocks: Clocks,
    },
    /// One channel with both, and who spoke when.
    Mixed { path: PathBuf, spoken: Arc<Spoken> },
}

/// What the lengths of two files of one call say about the clocks that they were recorded by.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Clocks {
    /// Nothing: the shorter file may have been stopped earlier, or its clock may be slow.
    #[default]
    Unknown,
    /// They agree: the shorter file was stopped earlier.
    Agree,
    /// Both files hold the whole call: each is stretched by its factor, so that they end together.
    Stretched([f64; 2]),
}

impl Clocks {
    fn factor(self, side: Side) -> f64 {
        match self {
            Clocks::Stretched(factors) => factors[side as usize],
            Clocks::Unknown | Clocks::Agree => 1.0,
        }
    }
}

/// Files that differ in length by more than this share were stopped at other times: no clocks drift so far apart.
pub(super) const DRIFT_MAX: f64 = 0.05;

/// One side of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Caller,
    Agent,
}

/// Is told the progress: seconds of sound gone through, and seconds in all if the file says so.
pub type Progress<'a> = &'a mut dyn FnMut(f64, Option<f64>);

/// What is remembered of both sides: about 12 MB an hour.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tracks {
    pub caller: Track,
    pub agent: Track,
    /// Milliseconds by which the caller's file is longer (or, negative, shorter) than the agent's.
    pub difference_ms: i64,
    /// What that means.
    pub clocks: Clocks,
    /// What leaks into the caller's channel, and into the agent's.
    pub leaks: [Option<Leak>; 2],
    /// Where both sides speak in one channel, in milliseconds.
    pub overlaps: Vec<Range<usize>>,
    /// Whether one channel holds the other one as well, so that nobody can be told apart.
    pub is_mix: bool,
    /// What a reader of the figures should know of the files.
    pub notes: Vec<String>,
}

impl Tracks {
    pub fn length_ms(&self) -> usize {
        self.caller.length_ms()
    }
}

/// What of a leak may be left after the subtraction, beyond what was left of the moments it was learnt from, in dB.
const LEFT_MORE_DB: f32 = 6.0;

impl CallSource {
    /// The name of the recording in messages.
    pub fn name(&self) -> String {
        match self {
            CallSource::Stereo { path, .. } | CallSource::Mixed { path, .. } => {
                path.display().to_string()
            }
            CallSource::Two { caller, agent, .. } => {
                format!("{} and {}", caller.display(), agent.display())
            }
        }
    }

    /// Listens to both sides, with Silero's detector too if there is one.
    pub fn listen(
        &self,
        silero: Option<&Arc<SileroModel>>,
        progress: Progress<'_>,
    ) -> Result<Tracks, CallError> {
        let survey = self.survey(&mut |done, whole| progress(done / 2.0, whole))?;
        self.listen_by(survey, silero, progress)
    }

    /// Listens to two sides that were recorded digitally, so that neither can leak into the other: an agent that says
    /// what the caller said is no leak.
    pub fn listen_apart(
        &self,
        silero: Option<&Arc<SileroModel>>,
        progress: Progress<'_>,
    ) -> Result<Tracks, CallError> {
        let mut survey = self.survey(&mut |done, whole| progress(done / 2.0, whole))?;
        survey.leaks = [Leaks::None, Leaks::None];
        self.listen_by(survey, silero, progress)
    }

    fn listen_by(
        &self,
        survey: Survey,
        silero: Option<&Arc<SileroModel>>,
        progress: Progress<'_>,
    ) -> Result<Tracks, CallError> {
        let mut ears = [Side::Caller, Side::Agent].map(|side| {
            let leak = match &survey.leaks[side as usize] {
                Leaks::Into(leak) => Some(leak),
                Leaks::None | Leaks::Mix(_) => None,
            };
            SideEar {
                listener: Listener::new(silero.cloned(), survey.gains[side as usize]),
                subtraction: leak.map(Subtraction::new),
                left: leak.map_or(0.0, |leak| {
                    amplitude_from_db(LEFT_MORE_DB - leak.taken_db).min(1.0)
                }),
            }
        });
        let (lengths, notes) = self.each_pair(
            |pair| {
                if let Pair::Sound(sides) = pair {
                    let [caller, agent] = &mut ears;
                    caller.hear(sides[0], sides[1]);
                    agent.hear(sides[1], sides[0]);
                }
            },
            &mut |done, whole| progress(whole.unwrap_or(done).midpoint(done), whole),
        )?;
        let [caller, agent] = ears.map(SideEar::finish);
        let (mut caller, mut agent) = (caller?, agent?);
        caller.clipped_ms = survey.clipped_ms[0];
        agent.clipped_ms = survey.clipped_ms[1];
        let is_mix = survey.leaks.iter().any(|of| matches!(of, Leaks::Mix(_)));
        let length = caller.length_ms().max(agent.length_ms());
        caller.extend_to(length);
        agent.extend_to(length);
        let in_ms = |samples: usize| (samples / MS_SAMPLES) as i64;
        Ok(Tracks {
            difference_ms: in_ms(lengths[0]) - in_ms(lengths[1]),
            clocks: match self {
                CallSource::Two { clocks, .. } => *clocks,
                _ => Clocks::Agree,
            },
            caller,
            agent,
            leaks: survey.leaks.map(|of| match of {
                Leaks::Into(leak) => Some(leak),
                Leaks::None | Leaks::Mix(_) => None,
            }),
            is_mix,
            overlaps: match self {
                CallSource::Mixed { spoken, .. } => spoken.overlaps.clone(),
                _ => Vec::new(),
            },
            notes,
        })
    }

    /// Two files that both hold the whole call, brought to one clock: the shorter one is stretched to the length of
    /// the other. Reads both for their lengths.
    ///
    /// # Errors
    /// Fails if a file cannot be read, or if the lengths differ by more than 5 %.
    pub fn with_one_clock(self) -> Result<CallSource, CallError> {
        let CallSource::Two { caller, agent, .. } = self else {
            return Ok(self);
        };
        let mut lengths = [0usize; 2];
        for (length, path) in lengths.iter_mut().zip([&caller, &agent]) {
            let count = |piece: &Piece<'_>| *length += piece.channels[0].len();
            go_through(path, count, (1, 1.0), &mut |_, _| {})?;
        }
        let longest = lengths[0].max(lengths[1]) as f64;
        let factors = lengths.map(|length| longest / length.max(1) as f64);
        if factors.iter().any(|factor| 1.0 - 1.0 / factor > DRIFT_MAX) {
            return Err(CallError::Lengths {
                caller,
                agent,
                seconds: lengths.map(|length| length as f64 / f64::from(SAMPLE_RATE)),
            });
        }
        let clocks = Clocks::Stretched(factors);
        Ok(CallSource::Two {
            caller,
            agent,
            clocks,
        })
    }

    fn survey(&self, progress: Progress<'_>) -> Result<Survey, CallError> {
        let mut surveyor = Surveyor::default();
        let take = |pair: Pair<'_>| match pair {
            Pair::Sound(sides) => surveyor.hear(sides),
            Pair::Raw(side, samples, rate) => surveyor.raw(side, samples, rate),
        };
        self.each_pair(take, progress)?;
        Ok(surveyor.finish())
    }

    /// The sound of both sides at 16 kHz, in pieces; those of one side come in order.
    pub(super) fn each_side(
        &self,
        mut take: impl FnMut(Side, &[f32]),
        progress: Progress<'_>,
    ) -> Result<(), CallError> {
        match self {
            CallSource::Stereo { path, is_swapped } => {
                let sides = sides(*is_swapped);
                let pieces = |piece: &Piece<'_>| {
                    for (channel, side) in sides.into_iter().enumerate() {
                        take(side, &piece.channels[channel]);
                    }
                };
                go_through(path, pieces, (2, 1.0), progress)?;
                Ok(())
            }
            CallSource::Mixed { path, spoken } => {
                let mut from = 0;
                let pieces = |piece: &Piece<'_>| {
                    let parts = spoken.part(from, &piece.channels[0]);
                    from += piece.channels[0].len();
                    for (side, part) in [Side::Caller, Side::Agent].into_iter().zip(&parts) {
                        take(side, part);
                    }
                };
                go_through(path, pieces, (1, 1.0), progress)?;
                Ok(())
            }
            CallSource::Two {
                caller,
                agent,
                clocks,
            } => {
                for (side, path) in [(Side::Caller, caller), (Side::Agent, agent)] {
                    let pieces = |piece: &Piece<'_>| take(side, &piece.channels[0]);
                    go_through(path, pieces, (1, clocks.factor(side)), &mut *progress)?;
                }
                Ok(())
            }
        }
    }

    /// Hands out both sides in stretches of equal length, without what never moves in them; how many samples each side has, and what a
    /// reader should know of the files. The shorter side is silent where it has ended.
    fn each_pair(
        &self,
        mut take: impl FnMut(Pair<'_>),
        progress: Progress<'_>,
    ) -> Result<([usize; 2], Vec<String>), CallError> {
        let notes;
        let mut filters = [HighPass::default(), HighPass::default()];
        let mut lengths = [0; 2];
        match self {
            CallSource::Stereo { path, is_swapped } => {
                let sides = sides(*is_swapped);
                let pieces = |piece: &Piece<'_>| {
                    for (side, raw) in sides.into_iter().zip(piece.raw.channels) {
                        take(Pair::Raw(side, raw, piece.raw.rate));
                    }
                    let [first, second] = piece.channels else {
                        return;
                    };
                    let channels = if *is_swapped {
                        [second, first]
                    } else {
                        [first, second]
                    };
                    let mut passed = [0, 1].map(|side| filters[side].pass(channels[side]));
                    for (length, samples) in lengths.iter_mut().zip(&passed) {
                        *length += samples.len();
                    }
                    let longest = passed[0].len().max(passed[1].len());
                    passed.iter_mut().for_each(|side| side.resize(longest, 0.0));
                    take(Pair::Sound([&passed[0], &passed[1]]));
                };
                notes = go_through(path, pieces, (2, 1.0), progress)?;
            }
            CallSource::Mixed { path, spoken } => {
                let mut from = 0;
                let pieces = |piece: &Piece<'_>| {
                    if let [raw] = piece.raw.channels {
                        take(Pair::Raw(Side::Caller, raw, piece.raw.rate));
                    }
                    let passed = filters[0].pass(&piece.channels[0]);
                    let [caller, agent] = spoken.part(from, &passed);
                    from += passed.len();
                    lengths = [from; 2];
                    take(Pair::Sound([&caller, &agent]));
                };
                notes = go_through(path, pieces, (1, 1.0), progress)?;
            }
            CallSource::Two {
                caller,
                agent,
                clocks,
            } => {
                let [own, other] = [Side::Caller, Side::Agent].map(|side| clocks.factor(side));
                let (sender, receiver) = sync_channel(PIECES_WAITING);
                let mut agent_side = OtherFile::new(receiver);
                let mut waiting = Vec::new();
                notes = std::thread::scope(|scope| {
                    let sending = move || send(agent, other, &sender);
                    let agent_notes = std::thread::Builder::new()
                        .spawn_scoped(scope, sending)
                        .map_err(CallError::Thread)?;
                    let pieces = |piece: &Piece<'_>| {
                        if let [raw] = piece.raw.channels {
                            take(Pair::Raw(Side::Caller, raw, piece.raw.rate));
                        }
                        let passed = filters[0].pass(&piece.channels[0]);
                        lengths[0] += passed.len();
                        waiting.extend(passed);
                        lengths[1] += agent_side.fill(waiting.len(), &mut filters[1], &mut take);
                        let common = waiting.len().min(agent_side.waiting.len());
                        take(Pair::Sound([
                            &waiting[..common],
                            &agent_side.waiting[..common],
                        ]));
                        waiting.drain(..common);
                        agent_side.waiting.drain(..common);
                    };
                    let caller_notes = go_through(caller, pieces, (1, own), progress);
                    if caller_notes.is_ok() {
                        lengths[1] += agent_side.fill(usize::MAX, &mut filters[1], &mut take);
                    }
                    // Whoever still sends hears that nobody listens.
                    agent_side.close();
                    let agent_notes = agent_notes.join().unwrap_or_default();
                    caller_notes.map(|notes| [notes, agent_notes].concat())
                })?;
                let longest = waiting.len().max(agent_side.waiting.len());
                waiting.resize(longest, 0.0);
                agent_side.waiting.resize(longest, 0.0);
                take(Pair::Sound([&waiting, &agent_side.waiting]));
                agent_side.failure.map_or(Ok(()), Err)?;
            }
        }
        Ok((lengths, notes))
    }
}

/// Pieces of a file that are read ahead of the other one.
const PIECES_WAITING: usize = 16;

/// A stretch of a call.
enum Pair<'a> {
    /// One side as the file has it, and its rate.
    Raw(Side, &'a [f32], u32),
    /// Both sides at 16 kHz, as long as each other.
    Sound([&'a [f32]; 2]),
}

/// What both sides of a stereo file are.
fn sides(is_swapped: bool) -> [Side; 2] {
    match is_swapped {
        false => [Side::Caller, Side::Agent],
        true => [Side::Agent, Side::Caller],
    }
}

/// One side, as it is listened to.
struct SideEar {
    listener: Listener,
    subtraction: Option<Subtraction>,
    /// The share of the leak that may be left.
    left: f32,
}

impl SideEar {
    fn hear(&mut self, own: &[f32], other: &[f32]) {
        let SideEar { listener, left, .. } = self;
        match &mut self.subtraction {
            None => listener.hear(own),
            Some(subtraction) => subtraction.hear(own, other, &mut |rest, leak| {
                listener.hear(rest);
                listener.leaked(leak, *left);
            }),
        }
    }

    fn finish(self) -> Result<Track, CallError> {
        let SideEar {
            mut listener, left, ..
        } = self;
        if let Some(subtraction) = self.subtraction {
            subtraction.finish(&mut |rest, leak| {
                listener.hear(rest);
                listener.leaked(leak, left);
            });
        }
        listener.finish().map_err(CallError::Silero)
    }
}

/// A piece of the other file: its sound at 16 kHz, and as the file has it.
type Sent = Result<(Vec<f32>, Vec<f32>, u32), CallError>;

/// Sends a file, piece by piece; returns what a reader should know of it.
fn send(path: &Path, factor: f64, to: &SyncSender<Sent>) -> Vec<String> {
    let pieces = |piece: &Piece<'_>| {
        let raw = piece.raw.channels.first().cloned().unwrap_or_default();
        // Nobody listens any more if the other file cannot be read.
        let _ = to.send(Ok((piece.channels[0].clone(), raw, piece.raw.rate)));
    };
    match go_through(path, pieces, (1, factor), &mut |_, _| {}) {
        Ok(notes) => notes,
        Err(error) => {
            let _ = to.send(Err(error));
            Vec::new()
        }
    }
}

/// The agent's file, as far as it was read and not used.
struct OtherFile {
    pieces: Receiver<Sent>,
    waiting: Vec<f32>,
    failure: Option<CallError>,
}

impl OtherFile {
    fn new(pieces: Receiver<Sent>) -> OtherFile {
        OtherFile {
            pieces,
            waiting: Vec::new(),
            failure: None,
        }
    }

    /// Takes nothing more.
    fn close(&mut self) {
        self.pieces = sync_channel(0).1;
    }

    /// Reads until so many samples wait, or the file ends; how many were read.
    fn fill(
        &mut self,
        wanted: usize,
        filter: &mut HighPass,
        take: &mut impl FnMut(Pair<'_>),
    ) -> usize {
        let before = self.waiting.len();
        while self.waiting.len() < wanted
            && let Ok(piece) = self.pieces.recv()
        {
            match piece {
                Ok((samples, raw, rate)) => {
                    take(Pair::Raw(Side::Agent, &raw, rate));
                    self.waiting.extend(filter.pass(&samples));
                }
                Err(error) => self.failure = Some(error),
            }
        }
        self.waiting.len() - before
    }
}

/// Samples before a position in milliseconds.
pub(super) fn samples_before(ms: usize) -> usize {
    ms * MS_SAMPLES
}
