//! Where a stage puts its outputs: stamped, recorded, and handed on.

use super::{StageError, Work};
use crate::clock::{Charge, Emitter, Progress, Worker};
use crate::event::{Cost, CuredBy, OutputNote, TurnId};
use crate::record::tap::Visit;
use crate::stage::queue;
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

/// Outputs that may wait between two stages: enough that a clause is synthesised while two others
/// wait for playback, few enough that an interruption wastes little.
pub const OUTPUTS_WAITING_MAX: usize = 4;

/// Outputs of an attempt that may wait for whoever decides on it: the wrapper takes each at once.
const ATTEMPTED_WAITING_MAX: usize = 1;

/// Where a stage puts its outputs. Everything that passes is stamped and recorded.
///
/// That of an attempt ([`Outlet::attempt`]) only hands them to whoever made the attempt, and writes
/// no visit of its own: what is told to it of the work goes into the visit that it is part of.
pub struct Outlet<T> {
    visit: Record,
    turn: TurnId,
    is_attempt: bool,
    next: queue::Sender<T>,
    gate: Option<Box<dyn Gate>>,
    sound: Duration,
    outputs: u32,
    nth_try: u32,
    is_urgent: bool,
}

/// The visit that an outlet writes.
enum Record {
    /// Until there is an attempt; nothing is left once it is shared.
    Own(Option<Visit>),
    Shared(Rc<RefCell<Visit>>),
}

impl Record {
    fn write(&mut self, write: impl FnOnce(&mut Visit)) {
        match self {
            Record::Own(Some(visit)) => write(visit),
            Record::Own(None) => {}
            Record::Shared(visit) => write(&mut visit.borrow_mut()),
        }
    }

    fn share(&mut self) -> Record {
        if let Record::Own(visit) = self
            && let Some(visit) = visit.take()
        {
            *self = Record::Shared(Rc::new(RefCell::new(visit)));
        }
        match self {
            Record::Own(_) => Record::Own(None),
            Record::Shared(visit) => Record::Shared(visit.clone()),
        }
    }
}

/// Holds a stage's outputs up, or ends it: what a wrapper puts before an outlet.
pub trait Gate {
    /// Awaited before each output exists for anybody else. An error ends the stage.
    fn pass(&mut self) -> Work<'_>;
}

impl<T: Recorded> Outlet<T> {
    pub fn new(visit: Visit, next: queue::Sender<T>) -> Outlet<T> {
        Outlet {
            turn: visit.turn(),
            visit: Record::Own(Some(visit)),
            is_attempt: false,
            next,
            gate: None,
            sound: Duration::ZERO,
            outputs: 0,
            nth_try: 0,
            is_urgent: true,
        }
    }

    /// An outlet for an attempt at the same work, and where its outputs come out. Of several
    /// attempts the visit begins with the first.
    pub fn attempt(&mut self) -> (Outlet<T>, queue::Receiver<T>) {
        let (next, outputs) = queue::channel(ATTEMPTED_WAITING_MAX);
        let attempt = Outlet {
            visit: self.visit.share(),
            turn: self.turn,
            is_attempt: true,
            next,
            gate: None,
            sound: Duration::ZERO,
            outputs: 0,
            nth_try: self.nth_try,
            is_urgent: self.is_urgent,
        };
        (attempt, outputs)
    }

    /// Has every output from now on pass `gate`.
    pub fn gated(&mut self, gate: Box<dyn Gate>) {
        self.gate = Some(gate);
    }

    /// Has outputs pass no gate any more.
    pub fn ungated(&mut self) {
        self.gate = None;
    }

    /// Passes the gate once more: the end of a stream can be held up like an output.
    pub async fn pass_gate(&mut self) -> Result<(), StageError> {
        match &mut self.gate {
            Some(gate) => gate.pass().await,
            None => Ok(()),
        }
    }

    /// Work on the input begins now.
    pub fn begun(&mut self) {
        self.visit.write(Visit::begun);
    }

    /// Work begins again, on more or on other input than before.
    pub fn begun_anew(&mut self) {
        self.visit.write(match self.is_attempt {
            true => Visit::begun,
            false => Visit::begun_anew,
        });
    }

    /// What is attempted next is other work than before, and begins when its first attempt does.
    pub fn begins_anew(&mut self) {
        self.visit.write(Visit::begins_anew);
    }

    /// Nobody waits for the outputs: work from now on takes one core, and leaves the others to whoever
    /// is waited for.
    pub fn at_leisure(&mut self) {
        self.is_urgent = false;
    }

    /// How many threads a job gets that could use so many.
    fn threads(&self, wanted: u32) -> u32 {
        if self.is_urgent { wanted } else { 1 }
    }

    /// How much sound it was handed.
    pub fn sound(&self) -> Duration {
        self.sound
    }

    /// How many outputs it was handed.
    pub fn outputs(&self) -> u32 {
        self.outputs
    }

    /// Which try of the same work this is, counted from zero: each has luck of its own.
    pub fn nth_try(&self) -> u32 {
        self.nth_try
    }

    /// From now on it is this try, and so are attempts that are made of it.
    pub fn is_try(&mut self, nth: u32) {
        self.nth_try = nth;
    }

    /// The turn that the work is for.
    pub fn turn(&self) -> TurnId {
        self.turn
    }

    /// What the work took, if whoever did it knows.
    pub fn cost(&mut self, cost: Cost) {
        self.visit.write(|visit| visit.cost(cost));
    }

    /// Something was done about a failure of the stage.
    pub fn cured(&mut self, by: CuredBy) {
        self.visit.write(|visit| visit.cured(by));
    }

    /// The answer was voted for by so many samples, of which so many say the same.
    pub fn voted(&mut self, samples: u32, agree: u32) {
        self.visit
            .write(|visit| visit.voted(samples, Some(agree), None));
    }

    /// A fake's answer was voted for, and is right or not.
    pub fn voted_by_luck(&mut self, samples: u32, is_right: bool) {
        self.visit
            .write(|visit| visit.voted(samples, None, Some(is_right)));
    }

    /// Hands an output to the next stage. Waits while that one's queue is full.
    pub async fn send(&mut self, output: T) -> Result<(), StageError> {
        self.pass_gate().await?;
        let note = output.note();
        if let OutputNote::Audio { audio_ns, .. } = note {
            self.sound += Duration::from_nanos(audio_ns);
        }
        self.outputs += 1;
        if !self.is_attempt {
            self.visit
                .write(|visit| visit.output(note, output.samples()));
        }
        self.next
            .send(output)
            .await
            .map_err(|_| StageError::Unwanted)
    }

    /// Runs `job` on the worker; what it comes to. Dropping the future gives the job up.
    pub async fn compute<S, R, F>(
        &mut self,
        worker: &Worker<S>,
        threads: u32,
        job: F,
    ) -> Result<R, StageError>
    where
        S: Send + 'static,
        R: Send + 'static,
        F: FnOnce(&mut S, u32) -> R + Send + 'static,
    {
        let job = move |state: &mut S, threads, out: &Emitter<R>| {
            out.send(job(state, threads));
        };
        let mut charge = worker.charge(self.threads(threads), job);
        let mut made = None;
        while let Some(progress) = charge.next().await {
            match progress {
                Progress::Begun => self.begun_anew(),
                Progress::Item(item) => made = Some(item),
                Progress::Done(cost) => self.cost(cost),
            }
        }
        made.ok_or_else(worker_died)
    }

    /// Runs `job` on the worker and sends what it emits. Dropping the future gives the job up.
    pub async fn charge<S, F>(
        &mut self,
        worker: &Worker<S>,
        threads: u32,
        job: F,
    ) -> Result<(), StageError>
    where
        S: Send + 'static,
        T: Send + 'static,
        F: FnOnce(&mut S, u32, &Emitter<Result<T, StageError>>) + Send + 'static,
    {
        let threads = self.threads(threads);
        self.follow(worker.charge(threads, job)).await
    }

    async fn follow(
        &mut self,
        mut charge: Charge<Result<T, StageError>>,
    ) -> Result<(), StageError> {
        while let Some(progress) = charge.next().await {
            match progress {
                Progress::Begun => self.begun(),
                Progress::Item(output) => self.send(output?).await?,
                Progress::Done(cost) => {
                    self.cost(cost);
                    return Ok(());
                }
            }
        }
        Err(worker_died())
    }

    /// Closes the visit with how the work ended.
    pub fn close(mut self, result: &Result<(), StageError>) {
        let error = match result {
            Ok(()) => None,
            Err(StageError::Unwanted) => return,
            Err(error) => Some(error.to_string()),
        };
        self.visit.write(|visit| visit.ends(error));
    }
}

fn worker_died() -> StageError {
    StageError::Failed("the engine's worker thread died; run with -v and report its message".into())
}

/// A value that the record keeps when it passes an outlet.
pub trait Recorded {
    fn note(&self) -> OutputNote;
    /// The sound of it, if it has any.
    fn samples(&self) -> Option<&[f32]> {
        None
    }
}
