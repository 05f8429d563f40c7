//! Whether the caller has finished, by Smart Turn 3.2 (pipecat's, BSD-2): a network over the last eight seconds of
//! sound. It hears how something is said, and no words.

mod log_mel;
mod model;

use super::needs::SMART_TURN_MODEL;
use super::{EngineError, worker};
use crate::clock::{Clock, Worker};
use crate::models;
use crate::stage::{EndOfTurn, Finished, LatestSound, Outlet, Stage, StageError, Work};
use model::SmartTurnModel;

/// The recogniser, which is asked in the same pause, does not compute meanwhile, since these jobs are brief: no core is
/// taken from it.
const THREADS: u32 = 2;

struct SmartTurn {
    worker: Worker<SmartTurnModel>,
}

/// The model, loaded and warm.
///
/// # Errors
/// If it is not installed, or cannot be used.
pub(super) fn build(clock: &Clock) -> Result<EndOfTurn, EngineError> {
    let unavailable = |error: &dyn std::fmt::Display| EngineError::Unavailable(error.to_string());
    let path = models::locate(SMART_TURN_MODEL).map_err(|error| unavailable(&error))?;
    let mut model = SmartTurnModel::load(&path).map_err(|error| unavailable(&error))?;
    model
        .finished(&[], THREADS)
        .map_err(|error| unavailable(&error))?;
    let worker = worker(clock, "smart-turn", model)?.brief();
    Ok(Box::new(SmartTurn { worker }))
}

impl Stage for SmartTurn {
    type In = LatestSound;
    type Out = Finished;

    fn handle<'a>(&'a mut self, heard: LatestSound, out: &'a mut Outlet<Finished>) -> Work<'a> {
        Box::pin(async move {
            let LatestSound(sound) = heard;
            let Some(samples) = sound.samples else {
                let reason = "Smart Turn hears sound, and a simulated voice has none";
                return Err(StageError::Failed(reason.into()));
            };
            let job = move |model: &mut SmartTurnModel, threads| model.finished(&samples, threads);
            let probability = out.compute(&self.worker, THREADS, job).await?;
            let probability = probability.map_err(StageError::Failed)?;
            out.send(Finished { probability }).await
        })
    }
}
