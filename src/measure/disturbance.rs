//! How much of the engines' work other programs disturbed: whether the machine was too busy for the
//! figures of a run to say anything of the engines.

use crate::event::Cost;
use serde::Serialize;

/// Work that took less of a processor than this waited for a program or a server of its own: how that was
/// disturbed is not known.
const COMPUTES: f64 = 0.05;

/// Work is disturbed if others held so many of its cores on average. An editor or a terminal holds a fifth.
const HELD: f64 = 0.4;

/// Where a record does not tell what others held, work is disturbed if all of its threads together computed
/// for less of its time than this. Work on several threads is hardly ever, however disturbed: the oldest
/// records have the CPU time of one of its threads alone, and look the same undisturbed.
const COMPUTED: f64 = 0.6;

/// The machine was too busy if so much of the engines' work was disturbed. Clauses behind the first take one
/// core and most of the time; beside one program on two cores nobody disturbs them.
const TOO_MUCH: f64 = 0.1;

/// Work of engines that compute in the process of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Disturbance {
    /// Inputs that engines worked on.
    jobs: u64,
    disturbed: u64,
    /// How long the work took.
    work_ns: u64,
    disturbed_ns: u64,
    /// CPU time that others took of the cores of disturbed work.
    held_ns: u64,
}

/// A machine that was too busy for the figures of a run.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct MachineBusy {
    /// How many of the cores that engines compute on other programs held, on average over the disturbed work.
    pub cores_held: f64,
    /// The part of the engines' time that was disturbed, in 0..=1.
    pub share_of_work: f64,
    /// Inputs whose work was disturbed.
    pub disturbed: u64,
    /// Inputs that were worked on in this process.
    pub jobs: u64,
}

/// Whether other programs disturbed a piece of work, and the CPU time that they took of its cores; `None` if it did not
/// compute in this process.
fn disturbed(cost: &Cost) -> Option<(bool, u64)> {
    let (wall, cpu) = (cost.wall_ns as f64, cost.cpu_ns as f64);
    if cpu < COMPUTES * wall || cost.wall_ns == 0 {
        return None;
    }
    Some(match cost.others_ns {
        Some(held_ns) => (held_ns as f64 >= HELD * wall, held_ns),
        None => (
            cpu < COMPUTED * wall,
            cost.wall_ns.saturating_sub(cost.cpu_ns),
        ),
    })
}

/// Whether other programs disturbed a piece of work; `None` if it did not compute in this process.
pub fn is_disturbed(cost: &Cost) -> Option<bool> {
    disturbed(cost).map(|(is_disturbed, _)| is_disturbed)
}

impl Disturbance {
    /// Adds the work on one input.
    pub(super) fn add(&mut self, cost: &Cost) {
        let Some((is_disturbed, held_ns)) = disturbed(cost) else {
            return;
        };
        self.jobs += 1;
        self.work_ns = self.work_ns.saturating_add(cost.wall_ns);
        if is_disturbed {
            self.disturbed += 1;
            self.disturbed_ns = self.disturbed_ns.saturating_add(cost.wall_ns);
            self.held_ns = self.held_ns.saturating_add(held_ns);
        }
    }

    pub(super) fn merge(&mut self, other: &Disturbance) {
        self.jobs += other.jobs;
        self.disturbed += other.disturbed;
        self.work_ns = self.work_ns.saturating_add(other.work_ns);
        self.disturbed_ns = self.disturbed_ns.saturating_add(other.disturbed_ns);
        self.held_ns = self.held_ns.saturating_add(other.held_ns);
    }

    /// `None` if the machine was quiet enough, or nothing was computed.
    pub fn machine_busy(&self) -> Option<MachineBusy> {
        let share_of_work = self.disturbed_ns as f64 / self.work_ns.max(1) as f64;
        (share_of_work >= TOO_MUCH).then(|| MachineBusy {
            cores_held: self.held_ns as f64 / self.disturbed_ns.max(1) as f64,
            share_of_work,
            disturbed: self.disturbed,
            jobs: self.jobs,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Work of so many milliseconds on so many threads, of which others held so many cores.
    fn work(wall_ms: u64, threads: u32, held: f64) -> Cost {
        Cost {
            wall_ns: wall_ms * 1_000_000,
            cpu_ns: wall_ms * 1_000_000 * u64::from(threads) * 9 / 10,
            threads,
            others_ns: Some((held * wall_ms as f64 * 1e6) as u64),
            ..Cost::default()
        }
    }

    fn busy(costs: &[Cost]) -> Option<MachineBusy> {
        let mut all = Disturbance::default();
        costs.iter().for_each(|cost| all.add(cost));
        all.machine_busy()
    }

    #[test]
    fn a_quiet_machine_and_an_editor_are_not_too_much() {
        assert_eq!(busy(&[]), None);
        let turns = [work(150, 2, 0.05), work(100, 2, 0.2), work(900, 1, 0.0)];
        assert_eq!(busy(&turns), None);
    }

    #[test]
    fn a_tick_that_falls_into_a_short_piece_of_work_is_not_too_much() {
        assert_eq!(busy(&[work(1, 1, 1.0), work(150, 2, 0.0)]), None);
    }

    #[test]
    fn a_program_that_holds_a_core_is_too_much() {
        // Whisper and the first clause want both cores; the clauses behind it want one, and have it.
        let turn = [work(240, 1, 1.0), work(160, 1, 0.9), work(1_200, 1, 0.0)];
        let busy = busy(&turn).expect("too busy");
        assert_eq!((busy.disturbed, busy.jobs), (2, 3));
        assert!((busy.share_of_work - 0.25).abs() < 1e-9);
        assert!((busy.cores_held - 0.96).abs() < 1e-9);
    }

    #[test]
    fn records_that_do_not_tell_are_judged_by_how_little_was_computed() {
        let older = |wall_ms: u64, cpu_ms: u64, threads| Cost {
            wall_ns: wall_ms * 1_000_000,
            cpu_ns: cpu_ms * 1_000_000,
            threads,
            ..Cost::default()
        };
        let alone = older(481, 477, 1);
        let of_the_process = [older(163, 313, 2), older(225, 362, 2), alone];
        assert_eq!(busy(&of_the_process), None);
        let of_one_thread = [older(208, 205, 2), older(200, 196, 2), alone];
        assert_eq!(busy(&of_one_thread), None);
        let busy = busy(&[older(500, 250, 1), alone]).expect("too busy");
        assert_eq!((busy.disturbed, busy.jobs), (1, 2));
        assert!((busy.cores_held - 0.5).abs() < 1e-9);
    }

    #[test]
    fn programs_and_servers_of_an_engine_are_not_judged() {
        let child = Cost {
            cpu_ns: 1_000_000,
            ..work(300, 1, 2.0)
        };
        let server = Cost {
            wall_ns: 800_000_000,
            ..Cost::default()
        };
        assert_eq!(busy(&[child, server, Cost::default()]), None);
    }

    #[test]
    fn conversations_add_up() {
        let mut all = Disturbance::default();
        for cost in [work(240, 1, 1.0), work(160, 2, 0.0)] {
            let mut one = Disturbance::default();
            one.add(&cost);
            all.merge(&one);
        }
        let busy = all.machine_busy().expect("too busy");
        assert_eq!((busy.disturbed, busy.jobs), (1, 2));
        assert!((busy.share_of_work - 0.6).abs() < 1e-9);
    }
}
