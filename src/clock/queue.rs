//! The jobs that wait for cores of virtual time: first come, first served.
//!
//! Who waits for a job to end tries again 1 ns behind it, the next one 1 ns later, and who comes meanwhile after them. So
//! what the end of the job brings, and each job that begins then, have ticks of their own: a recording has them in one
//! order, and so has its repetition.

use super::timeline::Timeline;
use crate::event::Tick;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

const STEP: Duration = Duration::from_nanos(1);

/// Whoever tries again within this time of each other waits for the same job.
const SAME_END: Duration = Duration::from_micros(10);

#[derive(Default)]
pub(super) struct Queue {
    /// When each of the jobs that wait tries again. Their numbers count up as they come.
    turns: RefCell<BTreeMap<Tick, u64>>,
    last_number: Cell<u64>,
}

/// The place of a job in the queue. Dropping it leaves the queue.
pub(super) struct Place {
    timeline: Rc<Timeline>,
    number: u64,
    turn: Option<Tick>,
}

impl Queue {
    /// When the last of those tries again who came before `place`, or at all, and whose turn it is about now.
    pub(super) fn turn_before(&self, place: Option<&Place>, now: Tick) -> Option<Tick> {
        let turns = self.turns.borrow();
        let mut due = turns.range(now..now + SAME_END).rev();
        let last = due.find(|(_, number)| place.is_none_or(|place| **number < place.number));
        last.map(|(turn, _)| *turn)
    }
}

impl Place {
    pub(super) fn behind_all(timeline: &Rc<Timeline>) -> Place {
        let queue = timeline.queue();
        let number = queue.last_number.get() + 1;
        queue.last_number.set(number);
        Place {
            timeline: Rc::clone(timeline),
            number,
            turn: None,
        }
    }

    /// Takes the next turn behind `free_at` that nobody has; returns when that is.
    pub(super) fn takes_turn(&mut self, free_at: Tick) -> Tick {
        self.leave();
        let mut turns = self.timeline.queue().turns.borrow_mut();
        let first = free_at + STEP;
        let last = turns.range(first..first + SAME_END).next_back();
        let mut turn = last.map_or(first, |(turn, _)| *turn + STEP);
        while turns.contains_key(&turn) {
            turn = turn + STEP;
        }
        turns.insert(turn, self.number);
        self.turn = Some(turn);
        turn
    }

    fn leave(&mut self) {
        if let Some(turn) = self.turn.take() {
            self.timeline.queue().turns.borrow_mut().remove(&turn);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.leave();
    }
}
