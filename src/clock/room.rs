//! How many threads a job may have beside other programs. A decision alone: what it is told was read
//! elsewhere.
//!
//! Threads that work in step wait for the slowest, and engines wait by spinning: two threads on one free
//! core take ten times as long as one. So a job has no more threads than others leave cores. There are two
//! kinds of evidence:
//!
//! - **Cores that others hold**, where the system tells. It lowers the number at once, and lifts it again
//!   with a margin, so that a load about the bound does not switch it to and fro.
//! - **How jobs went.** Undisturbed, threads compute for most of the time that they are there. Where they
//!   did not, and others do not explain it (they are not told of, or a container is held back), jobs get
//!   half as many threads for a while, which grows as long as trying more fails.

use std::time::Duration;

/// A job keeps a core of which others hold up to this part: less than half, which is all that a program
/// gets that would hold a core, while a job with too many threads contends with it …
const KEEPS: f64 = 0.4;
/// … and gets it again when they hold less than this.
const REGAINS: f64 = 0.25;

/// A job was disturbed if its threads computed for less of their time than this. Undisturbed, two threads
/// of Whisper compute for .77 to .98 of it, of Piper, whose model has parts for one thread, for .65 to .95;
/// beside a program that holds one of two cores, both for about half.
const UNDISTURBED: f64 = 0.6;

/// How long more threads are not tried again: first, and at most.
const PATIENCE: Duration = Duration::from_secs(2);
const PATIENCE_MAX: Duration = Duration::from_secs(60);

/// What is known of the cores.
#[derive(Debug, Clone)]
pub(super) struct Room {
    /// Cores that this process may use.
    cores: u32,
    /// Cores of the machine, if the system tells.
    machine: u32,
    /// As many as others left when that was seen last.
    free: u32,
    held_back: Option<HeldBack>,
    /// How long it will be held back the next time.
    patience: Duration,
}

#[derive(Debug, Clone, Copy)]
struct HeldBack {
    threads: u32,
    until: Duration,
}

/// How a job went.
#[derive(Debug, Clone, Copy)]
pub(super) struct Went {
    pub(super) threads: u32,
    /// For how much of their time its threads computed, 0 to 1.
    pub(super) computed: f64,
    /// How many cores others held meanwhile, if that is known.
    pub(super) held: Option<f64>,
}

impl Room {
    /// On a machine of `machine` cores, of which this process may use `cores`.
    pub(super) fn new(cores: u32, machine: u32) -> Room {
        let cores = cores.max(1);
        Room {
            cores,
            machine: machine.max(cores),
            free: cores,
            held_back: None,
            patience: PATIENCE,
        }
    }

    /// Others held so many cores lately.
    pub(super) fn sees(&mut self, held: f64) {
        let left = f64::from(self.machine) - held;
        let fits = |threads: &u32| {
            let overlap = match *threads <= self.free {
                true => KEEPS,
                false => REGAINS,
            };
            left >= f64::from(*threads) - overlap
        };
        self.free = (1..=self.cores).rev().find(fits).unwrap_or(1);
    }

    /// The most threads that a job may have now.
    pub(super) fn threads(&self, now: Duration) -> u32 {
        match self.held_back {
            Some(held_back) if now < held_back.until => self.free.min(held_back.threads),
            _ => self.free,
        }
    }

    /// A job is over.
    pub(super) fn went(&mut self, now: Duration, job: Went) {
        let left = |held: f64| f64::from(self.machine) - held;
        let is_explained = job
            .held
            .is_some_and(|held| left(held) < f64::from(job.threads) - KEEPS);
        if is_explained {
            return;
        }
        let is_disturbed = job.computed < UNDISTURBED;
        match (is_disturbed, job.threads, self.held_back) {
            (true, 2.., _) => {
                self.held_back = Some(HeldBack {
                    threads: job.threads / 2,
                    until: now + self.patience,
                });
                self.patience = (2 * self.patience).min(PATIENCE_MAX);
            }
            // Not even one thread has a core to itself: this is no time to try more.
            (true, _, Some(held_back)) => {
                self.held_back = Some(HeldBack {
                    until: held_back.until.max(now + PATIENCE),
                    ..held_back
                });
            }
            (false, threads, Some(held_back)) if threads > held_back.threads => {
                self.held_back = None;
                self.patience = PATIENCE;
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// A job of which nothing is known but how it went itself.
    fn job(threads: u32, computed: f64) -> Went {
        Went {
            threads,
            computed,
            held: None,
        }
    }

    #[test]
    fn a_core_that_another_program_holds_is_left_to_it() {
        let check = |cores, machine, held, threads| {
            let mut room = Room::new(cores, machine);
            room.sees(held);
            assert_eq!(room.threads(s(0)), threads, "{held} of {machine}");
        };
        check(2, 2, 0.0, 2);
        check(2, 2, 1.0, 1);
        check(4, 4, 1.0, 3);
        check(4, 4, 2.6, 1);
        // One thread there is always.
        check(2, 2, 2.0, 1);
        check(4, 4, 9.0, 1);
        // What others do elsewhere on a large machine is no matter.
        check(2, 64, 10.0, 2);
        check(2, 64, 63.0, 1);
    }

    #[test]
    fn an_editor_takes_no_core_away() {
        let mut room = Room::new(2, 2);
        for held in [0.1, 0.2, 0.0, 0.35, 0.2] {
            room.sees(held);
            assert_eq!(room.threads(s(0)), 2, "{held}");
        }
    }

    #[test]
    fn a_load_about_the_bound_does_not_switch_it_to_and_fro() {
        let mut room = Room::new(2, 2);
        let threads = [0.35, 0.45, 0.35, 0.3, 0.5, 0.3, 0.2, 0.3, 0.35].map(|held| {
            room.sees(held);
            room.threads(s(0))
        });
        assert_eq!(threads, [2, 1, 1, 1, 1, 1, 2, 2, 2]);
    }

    #[test]
    fn a_disturbed_job_halves_the_threads_of_the_next_ones_for_a_while() {
        let mut room = Room::new(4, 4);
        room.went(s(10), job(4, 0.4));
        assert_eq!(room.threads(s(10)), 2);
        assert_eq!(room.threads(s(11)), 2);
        assert_eq!(room.threads(s(12)), 4);
    }

    #[test]
    fn the_while_grows_as_long_as_trying_fails_and_is_short_again_after_a_success() {
        let mut room = Room::new(2, 2);
        let (mut now, mut waits) = (s(0), Vec::new());
        for _ in 0..7 {
            room.went(now, job(2, 0.4));
            let begun = now;
            while room.threads(now) == 1 {
                room.went(now, job(1, 0.98));
                now += s(1);
            }
            waits.push((now - begun).as_secs());
        }
        assert_eq!(waits, [2, 4, 8, 16, 32, 60, 60]);
        room.went(now, job(2, 0.95));
        room.went(now, job(2, 0.4));
        assert_eq!((room.threads(now + s(1)), room.threads(now + s(2))), (1, 2));
    }

    #[test]
    fn more_are_not_tried_while_even_one_thread_is_disturbed() {
        let mut room = Room::new(2, 2);
        room.went(s(0), job(2, 0.4));
        room.went(s(1), job(1, 0.5));
        assert_eq!((room.threads(s(2)), room.threads(s(3))), (1, 2));
    }

    #[test]
    fn one_disturbed_thread_alone_is_no_reason_to_hold_anything_back() {
        let mut room = Room::new(2, 2);
        room.went(s(0), job(1, 0.3));
        assert_eq!(room.threads(s(0)), 2);
    }

    #[test]
    fn a_disturbance_that_others_explain_is_over_when_they_are_gone() {
        let mut room = Room::new(2, 2);
        let held = Some(1.0);
        room.went(
            s(0),
            Went {
                held,
                ..job(2, 0.4)
            },
        );
        room.sees(1.0);
        assert_eq!(room.threads(s(1)), 1);
        room.sees(0.0);
        assert_eq!(room.threads(s(1)), 2);
    }

    #[test]
    fn a_container_that_is_held_back_is_noticed_though_the_machine_idles() {
        let mut room = Room::new(2, 64);
        let held = Some(3.0);
        room.went(
            s(0),
            Went {
                held,
                ..job(2, 0.4)
            },
        );
        room.sees(3.0);
        assert_eq!(room.threads(s(1)), 1);
    }
}
