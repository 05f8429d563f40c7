//! Many worlds, over threads. The result is the same with any number of threads.

use super::setting::{Setting, Simulable};
use super::shadow;
use crate::event::{Event, Tick};
use crate::measure::{self, Plan, Row, Totals};
use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

/// Worlds that a thread takes at a time, if each is one conversation: some ten milliseconds of work.
const CHUNK: u32 = 64;

/// The number from which on no conversation is sampled.
pub const LATER: u32 = 1 << 31;

/// Parts of chunks that may wait to be written, for each thread.
const WAITING_MAX: usize = 4;

/// A chunk is handed over to be written in parts of about so many bytes: a load goes on for long.
const PART_BYTES: usize = 1 << 20;

/// Worlds to be simulated: conversations, or with `[load]` whole load runs.
pub struct Worlds<'a> {
    /// What is simulated.
    pub simulable: &'a Simulable,
    pub plan: &'a Plan,
    /// The numbers of the worlds. A number means the same world in every run of the scenario with its seed.
    pub numbers: Range<u32>,
    pub threads: usize,
    /// What is simulated with callers who wait for ever, if abandoned answers are followed to their end.
    pub patient: Option<&'a Simulable>,
    /// Once it is set, a thread ends what it has taken, some dozens of conversations or one load, and takes
    /// no more.
    pub stop: &'a AtomicBool,
}

/// What is kept of conversations besides their figures, in the order of their worlds.
pub trait Keep: Sync {
    /// Is called on the thread that held the conversation: adds what is to be written of it. It is the
    /// `nth` of all that are kept, counted from zero; later ones count as [`LATER`] or more.
    fn encode(&self, at: (u32, Tick, u32), rows: &[Row], events: &[Event], into: &mut Encoded);

    /// Writes the encoded conversations.
    fn write(&self, encoded: &Encoded) -> io::Result<()>;

    /// Is told that `worlds` more worlds and `turns` more turns were held.
    fn progress(&self, worlds: u64, turns: u64);
}

/// What is to be written of some conversations.
#[derive(Debug, Default)]
pub struct Encoded {
    pub turns: Vec<u8>,
    pub events: Vec<u8>,
}

/// A part of what is to be written of a chunk, whose figures stay with the thread.
struct Part {
    /// The number of the chunk.
    chunk: u32,
    encoded: Encoded,
    is_last: bool,
}

/// What is to be written of the chunk that a thread works on.
struct ToWrite<'a> {
    chunk: u32,
    encoded: Encoded,
    parts: &'a SyncSender<Part>,
}

impl ToWrite<'_> {
    /// Hands over what there is, if it is enough.
    fn hand_over(&mut self) {
        let Encoded { turns, events } = &self.encoded;
        if turns.len() + events.len() >= PART_BYTES {
            self.send(false);
        }
    }

    fn send(&mut self, is_last: bool) {
        // Nobody takes a part once writing has failed, which is reported there.
        let _ = self.parts.send(Part {
            chunk: self.chunk,
            encoded: std::mem::take(&mut self.encoded),
            is_last,
        });
    }
}

impl Worlds<'_> {
    /// Simulates the worlds; returns their figures. If stopped, the figures are those of the worlds simulated so far,
    /// which are the first ones.
    ///
    /// # Errors
    /// If something cannot be written, or a conversation waits for something that cannot come.
    pub fn hold(&self, keep: &dyn Keep) -> io::Result<Totals> {
        let next = AtomicU32::new(0);
        let failed = AtomicBool::new(false);
        let threads = self.threads.max(1);
        let (parts, written) = sync_channel(threads * WAITING_MAX);
        thread::scope(|scope| {
            let mut workers = Vec::with_capacity(threads);
            let mut refused = None;
            for _ in 0..threads {
                let (next, failed_too, parts) = (&next, &failed, parts.clone());
                let work = move || self.work(next, failed_too, &parts, keep);
                match thread::Builder::new().spawn_scoped(scope, work) {
                    Ok(worker) => workers.push(worker),
                    Err(error) => {
                        failed.store(true, Ordering::Relaxed);
                        refused = Some(error);
                        break;
                    }
                }
            }
            drop(parts);
            let written = write_in_order(written, &failed, keep);
            let mut all = Totals::default();
            for worker in workers {
                let totals = worker
                    .join()
                    .map_err(|_| io::Error::other("a thread of the simulation died"))?;
                all.merge(&totals?);
            }
            written?;
            match refused {
                None => Ok(all),
                Some(error) => Err(io::Error::other(format!(
                    "{threads} threads cannot be had: {error}; give fewer (--threads)"
                ))),
            }
        })
    }

    /// Simulates one chunk after the other, until none is left.
    fn work(
        &self,
        next: &AtomicU32,
        failed: &AtomicBool,
        parts: &SyncSender<Part>,
        keep: &dyn Keep,
    ) -> io::Result<Totals> {
        let _failing = Failing(failed);
        let setting = Setting::new(self.simulable);
        let patient = self.patient.map(Setting::new);
        let chunk_size = match self.simulable.scenario().load {
            None => CHUNK,
            Some(_) => 1,
        };
        let mut totals = Totals::default();
        let mut events = Vec::new();
        loop {
            if self.stop.load(Ordering::Relaxed) || failed.load(Ordering::Relaxed) {
                return Ok(totals);
            }
            let chunk = next.fetch_add(1, Ordering::Relaxed);
            let first = chunk
                .checked_mul(chunk_size)
                .and_then(|offset| self.numbers.start.checked_add(offset));
            let Some(first) = first.filter(|first| *first < self.numbers.end) else {
                return Ok(totals);
            };
            let last = first.saturating_add(chunk_size).min(self.numbers.end);
            let before = totals.measured.turns;
            let mut written = ToWrite {
                chunk,
                encoded: Encoded::default(),
                parts,
            };
            for world in first..last {
                events = self
                    .hold_one(
                        (&setting, patient.as_ref()),
                        world,
                        events,
                        (&mut totals, &mut written),
                        keep,
                    )
                    .map_err(|error| {
                        failed.store(true, Ordering::Relaxed);
                        io::Error::new(error.kind(), format!("world {world}: {error}"))
                    })?;
            }
            keep.progress(u64::from(last - first), totals.measured.turns - before);
            written.send(true);
        }
    }
}

impl Worlds<'_> {
    /// Simulates one world; returns room for the events of the next.
    fn hold_one(
        &self,
        (setting, patient): (&Setting, Option<&Setting>),
        world: u32,
        events: Vec<Event>,
        (totals, written): (&mut Totals, &mut ToWrite<'_>),
        keep: &dyn Keep,
    ) -> io::Result<Vec<Event>> {
        let mut nth = match world {
            0 => 0,
            _ => LATER,
        };
        let load = setting.hold_load(world, &mut |(conversation, began), events| {
            let rows = totals.add(world, &events, self.plan);
            let into = &mut written.encoded;
            keep.encode((conversation, began, nth), &rows, &events, into);
            written.hand_over();
            nth = nth.saturating_add(1);
            events
        })?;
        if let Some(load) = load {
            totals.add_world(world, Some(&load));
            return Ok(events);
        }
        let events = setting.hold(world, events)?;
        let mut rows = measure::rows_of_simulated(&events, self.plan);
        if let Some(patient) = patient.filter(|_| shadow::are_missing(&rows)) {
            let events = patient.hold(world, Vec::new())?;
            shadow::follow(&mut rows, &measure::rows(&events, self.plan));
        }
        totals.add_rows(world, &events, &rows);
        totals.add_world(world, None);
        let into = &mut written.encoded;
        keep.encode((world, Tick::ZERO, world), &rows, &events, into);
        Ok(events)
    }
}

/// Has the other threads stop if this one dies.
struct Failing<'a>(&'a AtomicBool);

impl Drop for Failing<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.store(true, Ordering::Relaxed);
        }
    }
}

/// Writes chunks in the order of their numbers, whatever order their parts come in. Few come too early: threads take
/// chunks in order, and one lasts about as long as another.
fn write_in_order(parts: Receiver<Part>, failed: &AtomicBool, keep: &dyn Keep) -> io::Result<()> {
    let mut early: BTreeMap<u32, Vec<Part>> = BTreeMap::new();
    let mut next = 0;
    for part in parts {
        early.entry(part.chunk).or_default().push(part);
        while let Some(due) = early.remove(&next) {
            for part in &due {
                keep.write(&part.encoded)
                    .inspect_err(|_| failed.store(true, Ordering::Relaxed))?;
            }
            if due.last().is_some_and(|part| part.is_last) {
                next += 1;
            }
        }
    }
    Ok(())
}
