//! Processor time that was spent so far: by this process, and by everybody on the machine.

use std::fs::File;
use std::io::Read;
use std::time::{Duration, Instant};

/// Where Linux tells what its processors did. One line of it is needed, so it is read by hand: crates that
/// know all of `/proc` would be more code than this, and tell no more.
const STAT: &str = "/proc/stat";

/// As much of the file as is read: its first line has at most ten numbers of twenty digits.
const FIRST_LINE_BYTES_MAX: u64 = 256;

/// Columns of that line: user, nice, system, idle, waiting for disks, interrupts, soft interrupts, and what
/// the host of a virtual machine took. Two more follow, which are part of the first two.
const COLUMNS: usize = 8;
/// In these a processor was free.
const FREE: [usize; 2] = [3, 4];

/// Counters that only grow: two readings tell what happened in between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Usage {
    /// When it was read, counted from a moment of the reader's.
    pub(super) at: Duration,
    /// CPU time of all threads of this process.
    pub(super) own: Duration,
    /// CPU time of all programs, in steps of a hundredth of a second; `None` where the system does not tell.
    pub(super) all: Option<Duration>,
}

/// What happened between two readings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Spent {
    pub(super) wall: Duration,
    pub(super) own: Duration,
    /// By other programs, and by the host of a virtual machine.
    pub(super) others: Option<Duration>,
}

impl Usage {
    pub(super) fn read(origin: Instant) -> Usage {
        Usage {
            at: origin.elapsed(),
            own: own(),
            all: all(),
        }
    }

    pub(super) fn since(self, earlier: Usage) -> Spent {
        let own = self.own.saturating_sub(earlier.own);
        let all = self.all.zip(earlier.all);
        Spent {
            wall: self.at.saturating_sub(earlier.at),
            own,
            others: all.map(|(all, before)| all.saturating_sub(before).saturating_sub(own)),
        }
    }
}

impl Spent {
    /// How many cores others held on average; `None` if that is not known.
    pub(super) fn held(self) -> Option<f64> {
        let others = self.others?.as_secs_f64();
        (!self.wall.is_zero()).then(|| others / self.wall.as_secs_f64())
    }
}

/// Processors of the machine, also those that this process may not use; `None` where the system does not
/// tell.
pub(super) fn processors() -> Option<u32> {
    let stat = std::fs::read_to_string(STAT).ok()?;
    let is_processor = |line: &&str| {
        let number = line.strip_prefix("cpu");
        number.is_some_and(|number| number.starts_with(|c: char| c.is_ascii_digit()))
    };
    let count = stat.lines().filter(is_processor).count();
    u32::try_from(count).ok().filter(|count| *count > 0)
}

/// CPU time of all threads of this process so far.
pub(super) fn own() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(
        time.tv_sec.unsigned_abs(),
        time.tv_nsec.unsigned_abs() as u32,
    )
}

fn all() -> Option<Duration> {
    let mut text = String::new();
    let file = File::open(STAT).ok()?;
    file.take(FIRST_LINE_BYTES_MAX)
        .read_to_string(&mut text)
        .ok()?;
    let ticks = busy_ticks(text.lines().next()?)?;
    let per_second = rustix::param::clock_ticks_per_second().max(1);
    Some(Duration::from_nanos(
        ticks.saturating_mul(1_000_000_000 / per_second),
    ))
}

/// The busy part of the line; `None` if it is not one, or if nobody has counted anything, as in some
/// sandboxes.
fn busy_ticks(line: &str) -> Option<u64> {
    let numbers = line.strip_prefix("cpu ")?.split_whitespace();
    let columns: Vec<u64> = numbers
        .take(COLUMNS)
        .map(|number| number.parse().ok())
        .collect::<Option<_>>()?;
    if columns.len() <= FREE[1] || columns.iter().all(|ticks| *ticks == 0) {
        return None;
    }
    let busy = columns.iter().enumerate();
    let busy = busy.filter(|(column, _)| !FREE.contains(column));
    Some(busy.fold(0, |sum: u64, (_, ticks)| sum.saturating_add(*ticks)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idling_and_waiting_for_disks_are_not_busy_and_guests_are_counted_once() {
        let line = "cpu  57763 10 6335 25786 283 7 44 25 3 0";
        assert_eq!(busy_ticks(line), Some(57_763 + 10 + 6_335 + 7 + 44 + 25));
        // Kernels of long ago told less.
        assert_eq!(busy_ticks("cpu  5 0 3 100 2"), Some(8));
    }

    #[test]
    fn what_is_no_such_line_tells_nothing() {
        for line in [
            "",
            "cpu",
            "cpu  1 2 x 4 5",
            "cpu0 1 2 3 4 5",
            "cpu  1 2 3",
            "cpu  0 0 0 0 0 0 0",
        ] {
            assert_eq!(busy_ticks(line), None, "{line:?}");
        }
    }

    #[test]
    fn others_took_what_this_process_did_not() {
        let at = |at, own, all: Option<u64>| Usage {
            at: Duration::from_millis(at),
            own: Duration::from_millis(own),
            all: all.map(Duration::from_millis),
        };
        let check = |later: Usage, held| {
            let spent = later.since(at(1_000, 400, Some(50_000)));
            assert_eq!(spent.held(), held);
        };
        check(at(1_500, 600, Some(50_700)), Some(1.0));
        check(at(1_500, 600, Some(50_200)), Some(0.0));
        // The machine is counted in coarser steps than the process.
        check(at(1_500, 600, Some(50_190)), Some(0.0));
        check(at(1_500, 600, None), None);
        check(at(1_000, 400, Some(50_000)), None);
    }
}
