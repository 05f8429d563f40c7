//! Timers of virtual time, the earliest first, and of those for one tick the one that was set first.

use crate::event::Tick;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::task::Waker;

/// The heap is cleared of timers that were taken back once it holds more of them than this, and more than others.
const STALE_MIN: usize = 64;

/// Timers that are set. One that is taken back stays in the heap until it comes up, or until most of the heap are such.
#[derive(Default)]
pub(super) struct Timers {
    heap: BinaryHeap<Reverse<Entry>>,
    /// Whom the timers wake, each at its place.
    places: Vec<Option<Place>>,
    free: Vec<u32>,
    /// How many timers were set so far.
    count: u64,
}

struct Place {
    number: u64,
    waker: Waker,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    deadline: Tick,
    id: TimerId,
}

/// A timer that was set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct TimerId {
    /// The how manyth it is of all, which tells it from others at its place.
    number: u64,
    place: u32,
}

impl Timers {
    /// Sets a timer.
    pub(super) fn set(&mut self, deadline: Tick, waker: Waker) -> TimerId {
        self.count += 1;
        let number = self.count;
        let taken = Some(Place { number, waker });
        let place = match self.free.pop() {
            Some(place) => {
                self.places[place as usize] = taken;
                place
            }
            None => {
                self.places.push(taken);
                self.places.len() as u32 - 1
            }
        };
        let id = TimerId { number, place };
        self.heap.push(Reverse(Entry { deadline, id }));
        id
    }

    /// Whom a timer wakes; `None` once it has fired.
    pub(super) fn waker(&mut self, id: TimerId) -> Option<&mut Waker> {
        let place = self.places[id.place as usize].as_mut();
        place
            .filter(|place| place.number == id.number)
            .map(|place| &mut place.waker)
    }

    /// Takes the next timer.
    pub(super) fn fire(&mut self) -> Option<(Tick, Waker)> {
        while let Some(Reverse(Entry { deadline, id })) = self.heap.pop() {
            if let Some(waker) = self.take(id) {
                return Some((deadline, waker));
            }
        }
        None
    }

    /// Takes a timer back, if it has not fired.
    pub(super) fn cancel(&mut self, id: TimerId) {
        if self.take(id).is_none() {
            return;
        }
        let stale = self.heap.len() - self.len();
        if stale > STALE_MIN.max(self.len()) {
            let Timers { heap, places, .. } = self;
            heap.retain(|Reverse(Entry { id, .. })| {
                let place = places[id.place as usize].as_ref();
                place.is_some_and(|place| place.number == id.number)
            });
        }
    }

    /// How many will fire.
    pub(super) fn len(&self) -> usize {
        self.places.len() - self.free.len()
    }

    fn take(&mut self, id: TimerId) -> Option<Waker> {
        let place = &mut self.places[id.place as usize];
        let taken = place.take_if(|place| place.number == id.number)?;
        self.free.push(id.place);
        Some(taken.waker)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    #[test]
    fn what_was_taken_back_is_cleared_away_and_its_places_are_used_again() {
        let mut timers = Timers::default();
        let far = timers.set(Tick(u64::MAX), Waker::noop().clone());
        for at in 0..10_000 {
            let id = timers.set(Tick(at), Waker::noop().clone());
            timers.cancel(id);
            timers.cancel(id);
            assert!(timers.waker(id).is_none());
        }
        assert_eq!((timers.len(), timers.places.len()), (1, 2));
        assert!(timers.heap.len() <= STALE_MIN + 2);
        assert!(timers.waker(far).is_some());
        assert_eq!(timers.fire().map(|(at, _)| at), Some(Tick(u64::MAX)));
        assert!(timers.waker(far).is_none() && timers.fire().is_none());
    }

    proptest! {
        #[test]
        fn timers_fire_by_time_and_then_in_the_order_they_were_set(
            steps in prop::collection::vec((0_u8..4, 0_u64..20), 0..500)
        ) {
            let mut timers = Timers::default();
            let mut known = BTreeMap::new();
            let mut set = Vec::new();
            for (number, (step, at)) in steps.into_iter().enumerate() {
                match step {
                    0 | 1 => {
                        let id = timers.set(Tick(at), Waker::noop().clone());
                        known.insert((at, number), id);
                        set.push(((at, number), id));
                    }
                    2 => {
                        let next = timers.fire().map(|(at, _)| at.0);
                        prop_assert_eq!(next, known.pop_first().map(|((at, _), _)| at));
                    }
                    _ if set.is_empty() => {}
                    _ => {
                        let (key, id) = set[at as usize % set.len()];
                        prop_assert_eq!(timers.waker(id).is_some(), known.remove(&key).is_some());
                        timers.cancel(id);
                    }
                }
                prop_assert_eq!(timers.len(), known.len());
            }
            while let Some((at, _)) = timers.fire() {
                prop_assert_eq!(Some(at.0), known.pop_first().map(|((at, _), _)| at));
            }
            prop_assert!(known.is_empty());
        }
    }
}
