//! A simulation: replications of a scenario's conversation, each with other luck, and the figures of all.

use super::saturation;
use super::{figures, resumed};
use crate::event::{Event, Tick};
use crate::measure::{BATCHES, Plan, Row, Totals, turns};
use crate::record::store::{
    Header, KeepEvents, RowsPer, Shard, SimulationFolder, Sizes, event_line, is_run_folder,
};
use crate::run::{RunError, header_of, input, not_kept, refuse_used, unavailable};
use crate::scenario::load::CALLS_MAX;
use crate::scenario::{Scenario, TurnTable};
use crate::sim::{Encoded, Keep, Simulable, Worlds};
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// Conversations of which a sample keeps all events.
const SAMPLE: u32 = 100;

/// After how many conversations the figures so far are written: some seconds of work.
const WORLDS_BETWEEN_FIGURES: u32 = 50_000;
/// After how many loads.
const LOADS_BETWEEN_FIGURES: u32 = 64;

/// Where `--until-ci` looks for the first time, and then at twice as many.
const FIRST_LOOK: u32 = 1_000;

/// The most questions that counts have room for, with all sounds between them.
const QUESTIONS_MAX: u64 = 100_000_000;

/// The most conversations of a simulation: their numbers leave room for what is drawn in them.
pub const CONVERSATIONS_MAX: u32 = 1 << 31;

/// The most worlds of many calls: every call has the number of a conversation.
const LOADS_MAX: u32 = CONVERSATIONS_MAX / CALLS_MAX;

/// Where `--until-ci` looks for the first time at worlds of many calls: with one for each batch.
const FIRST_LOOK_AT_LOADS: u32 = BATCHES as u32;

/// A simulation that is to be held, and where it is kept.
/// # Example
/// ```
/// use std::path::Path;
/// use std::sync::atomic::AtomicBool;
/// use voicesim::event::Metric;
/// use voicesim::experiment::Simulation;
/// use voicesim::scenario;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let scenario = scenario::load(Path::new("audio/simulations/assistant.toml"))?;
/// let simulated = Simulation::of(scenario)
///     .worlds(50)
///     .run(&AtomicBool::new(false), &|_, _| {})?;
/// assert_eq!(simulated.totals.worlds(), 50);
/// let e2e = simulated.totals.measured.metrics[&Metric::E2eLatency].summary().ok_or("no answer")?;
/// assert!(e2e.p50.rank() < e2e.p95.rank());
/// # Ok(())
/// # }
/// ```
pub struct Simulation {
    scenario: Scenario,
    worlds: Option<u32>,
    threads: usize,
    until: Option<Until>,
    shard: Option<Shard>,
    has_shadows: bool,
    keep: Option<(PathBuf, KeepEvents)>,
    resumes: bool,
}

/// What a simulation goes on for.
#[derive(Debug, Clone, Copy)]
enum Until {
    /// p50 and p95 of the end-to-end latency are known within this share of themselves.
    Within(f64),
    /// Chance cannot change whether each budget is kept.
    Decided,
}

/// A simulation that is over.
pub struct Simulated {
    /// What is written at the head of the simulation.
    pub header: Header,
    /// The figures of all conversations together.
    pub totals: Totals,
}

/// A function that is told how far a simulation is: worlds and turns since it was last told.
pub type Progress<'a> = &'a (dyn Fn(u64, u64) + Sync);

impl Simulation {
    /// A simulation of 10,000 conversations, or 64 worlds of many calls, on one thread, of which nothing is
    /// kept.
    pub fn of(scenario: Scenario) -> Simulation {
        Simulation {
            scenario,
            worlds: None,
            threads: 1,
            until: None,
            shard: None,
            has_shadows: false,
            keep: None,
            resumes: false,
        }
    }

    /// Simulates this many worlds, at least one: conversations, at most [`CONVERSATIONS_MAX`], or whole loads.
    /// Unless given, there are 10,000 conversations or 64 loads.
    pub fn worlds(mut self, worlds: impl Into<Option<u32>>) -> Simulation {
        self.worlds = worlds.into().map(|w| w.clamp(1, CONVERSATIONS_MAX));
        self
    }

    /// How many worlds are simulated, at most.
    pub fn how_many(&self) -> u32 {
        self.worlds
            .unwrap_or(match (&self.scenario.load, self.until) {
                (None, None) => 10_000,
                (None, Some(_)) => 1_000_000,
                (Some(_), None) => FIRST_LOOK_AT_LOADS,
                (Some(_), Some(_)) => LOADS_MAX,
            })
    }

    /// Holds the worlds on this many threads, at least one, which makes no difference to the figures.
    pub fn threads(mut self, threads: usize) -> Simulation {
        self.threads = threads.max(1);
        self
    }

    /// Ends once p50 and p95 of the end-to-end latency are known within this share of themselves (half the
    /// width of their 95 % intervals), which is checked after 1,000, 2,000, 4,000 … conversations, or 64,
    /// 128, 256 … worlds of many calls.
    pub fn until(mut self, share: f64) -> Simulation {
        self.until = Some(Until::Within(share));
        self
    }

    /// Ends once chance cannot change whether each budget of the scenario is kept, which is checked after as many
    /// worlds as for [`until`](Simulation::until).
    pub fn until_decided(mut self, until_decided: bool) -> Simulation {
        if until_decided {
            self.until = Some(Until::Decided);
        }
        self
    }

    /// Holds only this part of the worlds, which must be kept: [`merge`](super::merge()) joins all parts.
    pub fn shard(mut self, shard: Shard) -> Simulation {
        self.shard = Some(shard);
        self
    }

    /// Follows answers to their end that callers did not wait for, where they do not depend on other calls.
    pub fn shadows(mut self, has_shadows: bool) -> Simulation {
        self.has_shadows = has_shadows;
        self
    }

    /// Keeps the simulation in a folder, which must be new or empty.
    pub fn keep_in(mut self, folder: PathBuf, events: KeepEvents) -> Simulation {
        self.keep = Some((folder, events));
        self
    }

    /// Goes on with what is in the folder to [`keep_in`](Simulation::keep_in), if the same simulation was begun there and
    /// cut short. What comes of it is what would have come without.
    pub fn resuming(mut self, resumes: bool) -> Simulation {
        self.resumes = resumes;
        self
    }

    /// The scenario that is to be simulated.
    pub fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// The worlds to be held, by number: all of them, or those of the shard.
    pub fn numbers(&self) -> Range<u32> {
        match self.shard {
            Some(shard) => shard.worlds(self.how_many()),
            None => 0..self.how_many(),
        }
    }

    /// Checks the input.
    ///
    /// # Errors
    /// What is wrong with the scenario, the number of worlds, the shard or the folder.
    pub fn check(&self) -> Result<(), RunError> {
        self.simulable().map(|_| ())
    }

    fn simulable(&self) -> Result<Simulable, RunError> {
        let simulable = Simulable::of(self.scenario.clone()).map_err(RunError::Input)?;
        self.check_size()?;
        self.check_shard()?;
        if self.has_shadows && simulable.patient().is_none() {
            return Err(RunError::Input(
                "--shadows: answers can be followed to their end only where they depend on nothing but the question; this needs a [caller] with patience, and neither [load] nor [[fault]]".into(),
            ));
        }
        match &self.keep {
            // What is there is looked at with its header.
            Some((folder, _)) if !(self.resumes && is_run_folder(folder)) => refuse_used(folder)?,
            None if self.resumes => {
                return Err(RunError::Input(
                    "--resume: what was not kept cannot be gone on with; name its folder (--out)"
                        .into(),
                ));
            }
            _ => {}
        }
        Ok(simulable)
    }

    fn check_size(&self) -> Result<(), RunError> {
        let turns = self.scenario.turns();
        let questions = self
            .scenario
            .caller
            .as_ref()
            .map_or(turns.len(), |c| c.questions as usize);
        let worlds = self.how_many();
        if self.scenario.load.is_some() && worlds > LOADS_MAX {
            return Err(RunError::Input(format!(
                "--worlds: {worlds} loads; give up to {LOADS_MAX}"
            )));
        }
        if self.scenario.load.is_none() && u64::from(worlds) * questions as u64 > QUESTIONS_MAX {
            return Err(RunError::Input(format!(
                "conversations: {worlds} of {questions} questions each are too many to count; give up to {QUESTIONS_MAX} questions in all"
            )));
        }
        Ok(())
    }

    fn check_shard(&self) -> Result<(), RunError> {
        let Some(shard) = self.shard else {
            return Ok(());
        };
        let (count, worlds) = (shard.count(), self.how_many());
        let wrong = if self.until.is_some() {
            "with --until-ci nobody knows how many worlds there will be, so they cannot be dealt out; give their number (--worlds) in place of --until-ci".into()
        } else if self.keep.is_none() {
            "what is not kept cannot be merged; give the shard a folder (--out)".into()
        } else if count > worlds {
            format!(
                "{worlds} worlds are too few for {count} shards, some would be empty; cut them into {worlds} at most, or hold more (--worlds)"
            )
        } else {
            return Ok(());
        };
        Err(RunError::Input(format!("--shard {shard}: {wrong}")))
    }

    /// Holds the conversations. Once `stop` is set, no further one is begun, and the figures are those
    /// of the ones held so far.
    ///
    /// # Errors
    /// Wrong input, a load that its pools can never do, or a folder that cannot be written.
    pub fn run(self, stop: &AtomicBool, progress: Progress<'_>) -> Result<Simulated, RunError> {
        let simulable = self.simulable()?;
        let header = Header {
            clock: "virtual".into(),
            engines: simulable.described(),
            worlds: Some(self.how_many()),
            events: self.keep.as_ref().map(|(_, events)| *events),
            shard: self.shard,
            notes: self.scenario.rests_on(),
            ..header_of(&self.scenario, RowsPer::Turn)?
        };
        let plan = Plan::of(&self.scenario, RowsPer::Turn);
        let resumed = match &self.keep {
            Some((folder, _)) if self.resumes => resumed::read(folder, &header)?,
            _ => None,
        };
        let mut totals = Totals::default();
        let (mut header, mut sizes) = (header, None);
        if let Some(before) = resumed {
            (header, totals, sizes) = (before.header, before.totals, Some(before.sizes));
            if before.is_whole {
                totals.judge(&plan);
                return Ok(Simulated { header, totals });
            }
        }
        let kept = Kept::new(&self, &header, sizes, progress)?;
        let patient = simulable.patient().filter(|_| self.has_shadows);
        let Range { start, end } = self.numbers();
        let before = u32::try_from(totals.worlds()).unwrap_or(u32::MAX);
        if before > 0 {
            kept.progress(u64::from(before), totals.measured.turns);
        }
        let (mut held, mut asked) = (start.saturating_add(before).min(end), end);
        while held < asked && !stop.load(Ordering::Relaxed) {
            let look = self.next_look(held - start).saturating_add(start).min(end);
            let next = look.min(held.saturating_add(self.between_figures()));
            let worlds = Worlds {
                simulable: &simulable,
                plan: &plan,
                numbers: held..next,
                threads: self.threads,
                patient: patient.as_ref(),
                stop,
            };
            totals.merge(&worlds.hold(&kept).map_err(|error| match error.kind() {
                io::ErrorKind::InvalidInput => input(error),
                io::ErrorKind::QuotaExceeded => RunError::Saturated(error.to_string()),
                _ => unavailable(error),
            })?);
            held = next;
            if held == look {
                self.refuse_saturated(&simulable, &totals)?;
                if self.is_known(&totals, &plan) {
                    asked = held;
                }
            }
            if held < asked && !stop.load(Ordering::Relaxed) {
                kept.so_far(&totals)?;
            }
        }
        if !stop.load(Ordering::Relaxed) && self.shard.is_none() {
            saturation::refuse_empty(&simulable, &totals)?;
        }
        totals.judge(&plan);
        totals.measured.is_cut_short |= totals.worlds() < u64::from(asked - start);
        kept.finish(&header, &totals, &self.scenario.file().turn)?;
        Ok(Simulated { header, totals })
    }

    /// After how many worlds to look at the figures again, if `held` are simulated.
    fn next_look(&self, held: u32) -> u32 {
        let first = match self.scenario.load {
            None => FIRST_LOOK,
            Some(_) => FIRST_LOOK_AT_LOADS,
        };
        let look = match self.until {
            // A load may be too much for its pools, which the first one shows.
            _ if held == 0 && self.scenario.load.is_some() => 1,
            None => self.how_many(),
            Some(_) => {
                let mut look = first;
                while look <= held && look < u32::MAX {
                    look = look.saturating_mul(2);
                }
                look
            }
        };
        look.min(self.how_many())
    }

    /// After how many worlds the figures so far are written, so that a simulation that is killed can go on from there.
    fn between_figures(&self) -> u32 {
        match (&self.keep, &self.scenario.load) {
            (None, _) => u32::MAX,
            (Some(_), None) => WORLDS_BETWEEN_FIGURES,
            (Some(_), Some(_)) => LOADS_BETWEEN_FIGURES,
        }
    }

    /// Refuses a load that is too much, after its first world and after all of them. The figures of a shard
    /// are looked at when shards are merged.
    fn refuse_saturated(&self, simulable: &Simulable, totals: &Totals) -> Result<(), RunError> {
        match totals.worlds() > 1 && self.shard.is_some() {
            true => Ok(()),
            false => saturation::refuse(simulable, totals),
        }
    }

    fn is_known(&self, totals: &Totals, plan: &Plan) -> bool {
        let Some(until) = self.until else {
            return false;
        };
        if totals.worlds() < u64::from(FIRST_LOOK_AT_LOADS) {
            return false;
        }
        let share = match until {
            Until::Within(share) => share,
            Until::Decided => {
                let mut held = plan.budgets.iter().map(|budget| totals.held_to(budget));
                return held.all(|result| result.is_decided());
            }
        };
        let intervals = totals.intervals();
        ["e2e_latency_p50_ms", "e2e_latency_p95_ms"]
            .iter()
            .all(|name| intervals.get(name).is_some_and(|i| i.relative() <= share))
    }
}

/// What is kept of a simulation on disk.
struct Kept<'a> {
    folder: Option<(PathBuf, Mutex<SimulationFolder>)>,
    events: KeepEvents,
    progress: Progress<'a>,
}

impl<'a> Kept<'a> {
    fn new(
        simulation: &Simulation,
        header: &Header,
        resumed: Option<Option<Sizes>>,
        progress: Progress<'a>,
    ) -> Result<Self, RunError> {
        let folder = match &simulation.keep {
            Some((path, _)) => {
                let folder = match resumed {
                    Some(sizes) => SimulationFolder::resume(path, sizes, turns::HEADER),
                    None => SimulationFolder::create(path, header, turns::HEADER),
                };
                Some((path.clone(), Mutex::new(folder.map_err(not_kept)?)))
            }
            None => None,
        };
        Ok(Kept {
            folder,
            events: simulation
                .keep
                .as_ref()
                .map_or(KeepEvents::None, |(_, e)| *e),
            progress,
        })
    }

    /// Writes the figures so far.
    fn so_far(&self, totals: &Totals) -> Result<(), RunError> {
        self.beside_rows(|path, sizes| figures::write_so_far(path, totals, sizes))
    }

    fn finish(
        &self,
        header: &Header,
        totals: &Totals,
        turns: &[TurnTable],
    ) -> Result<(), RunError> {
        self.beside_rows(|path, sizes| figures::write(path, header, totals, sizes, turns))
    }

    /// Writes figures beside the rows so far, which are on the disk by then.
    fn beside_rows(
        &self,
        write: impl FnOnce(&Path, Sizes) -> Result<(), RunError>,
    ) -> Result<(), RunError> {
        let Some((path, folder)) = &self.folder else {
            return Ok(());
        };
        let mut folder = folder.lock().unwrap_or_else(PoisonError::into_inner);
        let sizes = folder
            .finish()
            .map_err(|error| figures::full(path, error))?;
        write(path, sizes)
    }
}

impl Keep for Kept<'_> {
    fn encode(
        &self,
        (conversation, began, nth): (u32, Tick, u32),
        rows: &[Row],
        events: &[Event],
        into: &mut Encoded,
    ) {
        if self.folder.is_none() {
            return;
        }
        turns::encode((conversation, began), rows, &mut into.turns);
        let is_kept = match self.events {
            KeepEvents::None => false,
            KeepEvents::Sample => nth < SAMPLE,
            KeepEvents::All => true,
        };
        for event in events.iter().filter(|_| is_kept) {
            // Writing to memory does not fail, and no event of a simulation holds long texts.
            into.events.extend(event_line(event).unwrap_or_default());
        }
    }

    fn write(&self, encoded: &Encoded) -> io::Result<()> {
        match &self.folder {
            Some((_, folder)) => {
                let mut folder = folder.lock().unwrap_or_else(PoisonError::into_inner);
                folder.add(&encoded.turns, &encoded.events)
            }
            None => Ok(()),
        }
    }

    fn progress(&self, worlds: u64, turns: u64) {
        (self.progress)(worlds, turns);
    }
}
