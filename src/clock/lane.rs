//! One conversation's view of virtual time, which counts from the conversation's own start.

use super::timeline::{Sleep, Timeline};
use crate::event::Tick;
use std::cell::Cell;
use std::rc::Rc;

/// Ticks on a timeline, counted from a start of their own. Several lanes may share a timeline, and with it
/// the order of what happens.
pub(super) struct Lane {
    timeline: Rc<Timeline>,
    start: Cell<Tick>,
}

impl Lane {
    pub(super) fn new(timeline: Rc<Timeline>) -> Lane {
        let start = Cell::new(timeline.now());
        Lane { timeline, start }
    }

    pub(super) fn timeline(&self) -> &Rc<Timeline> {
        &self.timeline
    }

    /// Makes this moment the lane's tick zero.
    pub(super) fn start(&self) {
        self.start.set(self.timeline.now());
    }

    pub(super) fn now(&self) -> Tick {
        Tick(self.timeline.now().0 - self.start.get().0)
    }

    pub(super) fn sleep_until(&self, deadline: Tick) -> Sleep {
        let on_timeline = Tick(deadline.0.saturating_add(self.start.get().0));
        self.timeline.sleep_until(on_timeline)
    }
}

#[cfg(test)]
mod tests {
    use super::super::timeline::Busy;
    use super::*;

    #[test]
    fn a_start_is_tick_zero_and_keeps_the_cores_busy() {
        let timeline = Rc::new(Timeline::new(1));
        let lane = Lane::new(timeline.clone());
        timeline.keep_cores(Busy {
            until: Tick(150),
            cores: 1,
            is_brief: false,
        });
        timeline.block_on(lane.sleep_until(Tick(100)));
        lane.start();
        assert_eq!(lane.now(), Tick::ZERO);
        assert_eq!(timeline.take_cores(1), Err(Tick(150)));
        timeline.block_on(lane.sleep_until(Tick(50)));
        assert_eq!(lane.now(), Tick(50));
        assert_eq!(timeline.take_cores(2), Ok((1, 0)));
    }

    #[test]
    fn lanes_of_one_timeline_count_from_their_own_starts() {
        let timeline = Rc::new(Timeline::new(1));
        let early = Lane::new(timeline.clone());
        timeline.block_on(early.sleep_until(Tick(70)));
        let late = Lane::new(timeline.clone());
        timeline.block_on(late.sleep_until(Tick(30)));
        assert_eq!((early.now(), late.now()), (Tick(100), Tick(30)));
    }
}
