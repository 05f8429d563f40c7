//! Feeds one input to one stage, and closes its record with how the work ended.

use crate::event::{StageName, TurnId};
use crate::record::tap::Tap;
use crate::stage::queue;
use crate::stage::{Identified, Outlet, Recorded, Stage, StageError};
use std::time::Duration;

/// Whether somebody waits for what a stage puts out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pace {
    /// As soon as possible, on every core that is free.
    Urgent,
    /// On one core, since the output is not waited for yet.
    Leisurely,
}

/// Has `stage` handle `input`; its outputs go to `next`. Returns how much sound they have. Dropping the
/// future gives the work up, and the record says cancelled.
pub(super) async fn drive<In: Identified, Out: Recorded>(
    stage: &mut dyn Stage<In = In, Out = Out>,
    input: In,
    (tap, turn, name): (&Tap, TurnId, StageName),
    pace: Pace,
    next: queue::Sender<Out>,
) -> Result<Duration, StageError> {
    let visit = tap.visit(turn, name, tap.hash_of(&input));
    let mut outlet = Outlet::new(visit, next);
    if pace == Pace::Leisurely {
        outlet.at_leisure();
    }
    let result = stage.handle(input, &mut outlet).await;
    let sound = outlet.sound();
    outlet.close(&result);
    result.map(|()| sound)
}
