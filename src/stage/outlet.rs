//! Where a stage puts its outputs: stamped, recorded, and handed on.

use super::{StageError, Work};
use crate::clock::{Charge, Emitter, Progress, Worker};
use crate::event::{Cost, OutputNote, ResilienceStep, TurnId, VisitEnd, VisitFailure};
use crate::record::tap::Visit;
use crate::stage::queue;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// Outputs that may wait between two stages: enough that a clause is synthesised while two others
/// wait for playback, few enough that an interruption wastes little.
pub const OUTPUTS_WAITING_MAX: usize = 4;

/// Outputs of an attempt that may wait for whoever decides on it: the wrapper takes each at once.
const ATTEMPTED_WAITING_MAX: usize = 1;

/// Where a stage puts its outputs. Everything that passes is stamped and recorded.
///
/// The outlet of an attempt ([`Outlet::attempt`]) only hands outputs to whoever made the attempt, and
/// writes no visit of its own: what it is told of the work goes into the visit of the attempts together.
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
    /// The visit of an outlet from which no attempt was made; `None` only while it becomes shared.
    Own(Option<Visit>),
    /// The visit that an outlet and its attempts write together.
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

/// Holds a stage's outputs up, or ends the stage: what a wrapper puts before an outlet.
/// # Example
/// ```
/// use std::time::Duration;
/// use voicesim::clock::Clock;
/// use voicesim::stage::{Gate, Work};
///
/// /// Every output is a second late.
/// struct Late(Clock);
///
/// impl Gate for Late {
///     fn pass(&mut self) -> Work<'_> {
///         Box::pin(async {
///             self.0.sleep_until(self.0.now() + Duration::from_secs(1)).await;
///             Ok(())
///         })
///     }
/// }
/// ```
pub trait Gate {
    /// Awaited before each output exists for anybody else. An error ends the stage.
    fn pass(&mut self) -> Work<'_>;
}

impl<T: Recorded> Outlet<T> {
    /// An outlet that records in `visit` and hands outputs to `next`.
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

    /// An outlet for an attempt at the work, and the queue in which its outputs arrive. With several
    /// attempts, the visit begins when the first of them does.
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

    /// Passes the gate without an output: the end of a stream can be held up like an output.
    pub async fn pass_gate(&mut self) -> Result<(), StageError> {
        match &mut self.gate {
            Some(gate) => gate.pass().await,
            None => Ok(()),
        }
    }

    /// Records that work on the input begins now. Only the first call counts.
    pub fn begun(&mut self) {
        self.visit.write(Visit::begun);
    }

    /// Records that work begins again, on more or on other input than before.
    pub fn begun_anew(&mut self) {
        self.visit.write(match self.is_attempt {
            true => Visit::begun,
            false => Visit::begun_anew,
        });
    }

    /// Says that other work than before is attempted next, which begins when its first attempt does.
    pub fn begins_anew(&mut self) {
        self.visit.write(Visit::begins_anew);
    }

    /// Says that nobody waits for the outputs: work from now on takes one core, and leaves the others to
    /// work that is waited for.
    pub fn at_leisure(&mut self) {
        self.is_urgent = false;
    }

    /// How many threads a job gets that could use `wanted`.
    pub(crate) fn threads(&self, wanted: u32) -> u32 {
        if self.is_urgent { wanted } else { 1 }
    }

    /// Length of the sound among the outputs so far.
    pub fn sound(&self) -> Duration {
        self.sound
    }

    /// How many outputs there were so far.
    pub fn outputs(&self) -> u32 {
        self.outputs
    }

    /// Which try of the work this is, counted from zero. A simulated engine draws anew for each try.
    pub fn nth_try(&self) -> u32 {
        self.nth_try
    }

    /// Says that the work from now on, attempts included, is try `nth`.
    pub fn is_try(&mut self, nth: u32) {
        self.nth_try = nth;
    }

    /// The turn that the work is for.
    pub fn turn(&self) -> TurnId {
        self.turn
    }

    /// Records what the work took. The costs of several pieces of work add up.
    pub fn cost(&mut self, cost: Cost) {
        self.visit.write(|visit| visit.cost(cost));
    }

    /// Records what a resilience policy did about a failure of the stage.
    pub fn cured(&mut self, by: ResilienceStep) {
        self.visit.write(|visit| visit.cured(by));
    }

    /// Records that the answer was chosen by a vote among `samples`, of which `agree` say the same.
    pub fn voted(&mut self, samples: u32, agree: u32) {
        self.visit
            .write(|visit| visit.voted(samples, Some(agree), None));
    }

    /// Records that a simulated engine's answer was chosen by a vote among `samples`, and whether it is
    /// right.
    pub fn voted_by_luck(&mut self, samples: u32, is_right: bool) {
        self.visit
            .write(|visit| visit.voted(samples, None, Some(is_right)));
    }

    /// Records the words of the sound that is sent next, for a stage that is not given them.
    pub fn says(&mut self, words: Arc<str>) {
        self.note(OutputNote::Clause { text: words });
    }

    /// Records what a stage understood of the caller that hears them itself.
    pub fn understood(&mut self, words: Arc<str>) {
        self.note(OutputNote::Final {
            text: words,
            audio_ns: 0,
            sureness: None,
        });
    }

    fn note(&mut self, note: OutputNote) {
        if !self.is_attempt {
            self.visit.write(|visit| visit.output(note, None));
        }
    }

    /// Hands an output to the next stage. Waits while that stage's queue is full.
    ///
    /// # Errors
    /// [`StageError::Unwanted`] if nobody takes outputs any more, and what a gate fails with.
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

    /// Runs `job` on the worker and returns its result. Dropping the future gives the job up. Fails if
    /// the job panics.
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

    /// Runs `job` on the worker and sends what it emits. Dropping the future gives the job up. Fails if
    /// the job panics, or with the first error that it emits.
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

    /// Closes the visit with how the work ended. Work that nobody wants any more counts as cancelled.
    pub fn close(mut self, result: &Result<(), StageError>) {
        let end = match result {
            Ok(()) => VisitEnd::Done,
            Err(StageError::Unwanted) => return,
            Err(error) => VisitEnd::Failed(Box::new(VisitFailure {
                error: error.to_string(),
                refused: error.is_overload(),
            })),
        };
        self.visit.write(|visit| visit.ends(end));
    }
}

fn worker_died() -> StageError {
    StageError::Failed("the engine, or a library of it, panicked over this work, which is a bug to report: its message is on standard error; the next work is not affected".into())
}

/// A value that the record keeps when it passes an outlet.
/// # Example
/// ```
/// use voicesim::event::OutputNote;
/// use voicesim::stage::{Piece, Recorded};
///
/// let note = Piece("Good morning. ".into()).note();
/// assert!(matches!(note, OutputNote::Piece { text } if &*text == "Good morning. "));
/// ```
pub trait Recorded {
    /// What events say of the value.
    fn note(&self) -> OutputNote;
    /// The sound of the value, if it has any.
    fn samples(&self) -> Option<&[f32]> {
        None
    }
}
