//! The only writer of events.
//!
//! A [`Tap`] is a cheap handle: it stamps a mark with the clock and hands it to the record. Each
//! hop is also shown as a `tracing` event of target `voicesim::hop`, for whoever watches live;
//! nothing is derived from that.

use super::input::{Identified, InputHash};
use super::store::RunFolder;
use crate::clock::Clock;
use crate::event::{
    Cost, Event, Mark, OutputNote, ResilienceStep, SessionId, StageName, Tick, TurnId, VisitEnd,
    VisitId,
};
use std::cell::{Cell, OnceCell, RefCell};
use std::rc::Rc;

/// Stamps and records the marks of one session.
#[derive(Clone)]
pub struct Tap(Rc<Session>);

struct Session {
    clock: Clock,
    id: SessionId,
    visits: Cell<u32>,
    events: RefCell<Vec<Event>>,
    folder: Option<RefCell<RunFolder>>,
    tells_inputs_apart: bool,
    watcher: OnceCell<Watcher>,
}

/// For so many events more there is room when there is none left.
const GROWS_BY: usize = 64;

/// Told of every event when it is recorded.
pub type Watcher = Box<dyn Fn(&Event)>;

impl Tap {
    /// Records into memory, and into `folder` if there is one.
    pub fn new(clock: Clock, id: SessionId, folder: Option<RunFolder>) -> Tap {
        Tap(Rc::new(Session {
            clock,
            id,
            visits: Cell::new(0),
            events: RefCell::new(Vec::new()),
            folder: folder.map(RefCell::new),
            tells_inputs_apart: true,
            watcher: OnceCell::new(),
        }))
    }

    /// Records into memory, in place of what `events` held before. Inputs of stages are not told apart, so
    /// nothing can be repeated from these events.
    pub fn of_figures(clock: Clock, id: SessionId, mut events: Vec<Event>) -> Tap {
        events.clear();
        Tap(Rc::new(Session {
            clock,
            id,
            visits: Cell::new(0),
            events: RefCell::new(events),
            folder: None,
            tells_inputs_apart: false,
            watcher: OnceCell::new(),
        }))
    }

    /// A hash for an input that is still to come.
    pub fn input_hash(&self) -> InputHash {
        match self.0.tells_inputs_apart {
            true => InputHash::default(),
            false => InputHash::unknown(),
        }
    }

    /// The hash of an input that is there already.
    pub fn hash_of(&self, input: &impl Identified) -> InputHash {
        match self.0.tells_inputs_apart {
            true => input.identity(),
            false => InputHash::unknown(),
        }
    }

    /// Has `watcher` told of every event from now on. Watchers after the first are ignored.
    pub fn watched_by(&self, watcher: Watcher) {
        let _ = self.0.watcher.set(watcher);
    }

    /// Records that `mark` happened now, in `turn`.
    pub fn mark(&self, turn: TurnId, mark: Mark) {
        let event = Event {
            tick: self.0.clock.now(),
            session: self.0.id,
            turn,
            mark,
        };
        tracing::debug!(target: "voicesim::hop", at_ms = event.tick.as_ms(), turn = turn.0, mark = ?event.mark);
        if let Some(folder) = &self.0.folder {
            folder.borrow_mut().event(&event);
        }
        if let Some(watcher) = self.0.watcher.get() {
            watcher(&event);
        }
        let mut events = self.0.events.borrow_mut();
        if events.len() == events.capacity() {
            // Room for twice as many, as vectors grow, would be most of the memory of a thousand calls at once.
            let more = GROWS_BY.max(events.len() / 8);
            events.reserve_exact(more);
        }
        events.push(event);
    }

    /// Opens the record of one input to one stage. `input` identifies what goes in, so that the
    /// outputs can be found again for the same input.
    pub fn visit(&self, turn: TurnId, stage: StageName, input: InputHash) -> Visit {
        self.0.visits.set(self.0.visits.get() + 1);
        let visit = VisitId(self.0.visits.get());
        self.mark(turn, Mark::Enter { stage, visit });
        Visit {
            tap: self.clone(),
            turn,
            stage,
            visit,
            input,
            has_begun: false,
            cost: None,
            end: Some(VisitEnd::Cancelled),
        }
    }

    /// Whether sound handed to the tap ends up anywhere.
    pub fn keeps_audio(&self) -> bool {
        let folder = self.0.folder.as_ref();
        folder.is_some_and(|folder| folder.borrow().keeps_audio())
    }

    /// The caller's sound that begins at `at`, for the recording.
    pub fn caller_audio(&self, at: Tick, samples: &[f32]) {
        if let Some(folder) = &self.0.folder {
            folder.borrow_mut().caller_audio(at, samples);
        }
    }

    /// The agent's sound that begins at `at`, for the recording.
    pub fn agent_audio(&self, at: Tick, samples: &[f32]) {
        if let Some(folder) = &self.0.folder {
            folder.borrow_mut().agent_audio(at, samples);
        }
    }

    /// Takes back the agent's sound from `at` on, which is not heard.
    pub fn agent_silenced(&self, at: Tick) {
        if let Some(folder) = &self.0.folder {
            folder.borrow_mut().agent_silenced(at);
        }
    }

    /// Closes the run folder. Fails with the first thing that went wrong while writing it.
    pub fn finish(&self) -> std::io::Result<()> {
        match &self.0.folder {
            Some(folder) => folder.borrow_mut().finish(),
            None => Ok(()),
        }
    }

    /// All events so far.
    pub fn events(&self) -> Vec<Event> {
        self.0.events.borrow().clone()
    }

    /// Takes all events so far out of memory.
    pub fn take_events(&self) -> Vec<Event> {
        self.0.events.take()
    }
}

/// Records what happened elsewhere, or earlier, as if it happened once more: marks in the order of their ticks, on a clock
/// of their own. Returns all events.
///
/// # Errors
/// The folder cannot be written.
pub fn happened(
    marks: impl IntoIterator<Item = (Tick, TurnId, Mark)>,
    folder: Option<RunFolder>,
) -> std::io::Result<Vec<Event>> {
    let clock = Clock::virtual_time(1);
    let tap = Tap::new(clock.clone(), SessionId(0), folder);
    clock.block_on(async {
        for (tick, turn, mark) in marks {
            clock.sleep_until(tick).await;
            tap.mark(turn, mark);
        }
    })?;
    tap.finish()?;
    Ok(tap.take_events())
}

/// The record of one input on its way through one stage. Dropped without being closed, it says
/// that the work was cancelled.
pub struct Visit {
    tap: Tap,
    turn: TurnId,
    stage: StageName,
    visit: VisitId,
    input: InputHash,
    has_begun: bool,
    // Most visits of a simulation have none.
    cost: Option<Box<Cost>>,
    end: Option<VisitEnd>,
}

impl Visit {
    /// Records that work begins. Only the first call counts.
    pub fn begun(&mut self) {
        if !self.has_begun {
            self.begun_anew();
        }
    }

    /// Records that work begins, perhaps not for the first time.
    pub fn begun_anew(&mut self) {
        self.has_begun = true;
        let (stage, visit) = (self.stage, self.visit);
        self.tap.mark(self.turn, Mark::Begun { stage, visit });
    }

    /// The turn that the work is for.
    pub fn turn(&self) -> TurnId {
        self.turn
    }

    /// Records an output, with its sound if it has any. Work that has not begun begins with it.
    pub fn output(&mut self, note: OutputNote, samples: Option<&[f32]>) {
        self.begun();
        let (stage, visit) = (self.stage, self.visit);
        if let Some(folder) = &self.tap.0.folder {
            let input = self.input.hex();
            folder
                .borrow_mut()
                .output(stage, visit, &input, &note, samples);
        }
        self.tap
            .mark(self.turn, Mark::Output { stage, visit, note });
    }

    /// Records that an answer was chosen by a vote; the values are those of [`Mark::Voted`].
    pub fn voted(&mut self, samples: u32, agree: Option<u32>, is_right: Option<bool>) {
        let mark = Mark::Voted {
            samples,
            agree,
            is_right,
        };
        self.tap.mark(self.turn, mark);
    }

    /// Records what a resilience policy did about a failure of the stage.
    pub fn cured(&mut self, by: ResilienceStep) {
        let stage = self.stage;
        self.tap.mark(self.turn, Mark::Cured { stage, by });
    }

    /// Has the next call of [`Visit::begun`] count, since other work than before begins with it.
    pub fn begins_anew(&mut self) {
        self.has_begun = false;
    }

    /// Adds what a piece of the work took.
    pub fn cost(&mut self, cost: Cost) {
        match &mut self.cost {
            Some(before) => **before = before.plus(cost),
            None => self.cost = Some(Box::new(cost)),
        }
    }

    /// Says how the work ended by itself. The end is recorded when the visit is
    /// dropped.
    pub fn ends(&mut self, end: VisitEnd) {
        self.end = Some(end);
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        if let Some(end) = self.end.take() {
            let mark = Mark::Exit {
                stage: self.stage,
                visit: self.visit,
                end,
                cost: self.cost.take(),
                input: self.tap.0.folder.is_some().then(|| self.input.hex().into()),
            };
            self.tap.mark(self.turn, mark);
        }
    }
}
