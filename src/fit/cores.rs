//! How an engine's time goes with the cores that it gets: from work on one thread and on all of them.

use super::empirical::Empirical;
use super::line;
use super::maximum::Time;
use super::sample::Sample;
use crate::scenario::engine::Compute;

/// With fewer jobs on one thread, or on all, nothing is known of the difference.
const JOBS_MIN: usize = 8;

/// What was measured of an engine that computes in the process of a run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cores {
    pub compute: Compute,
    /// Whether how much slower it is on one thread was measured; else it is what Whisper and Piper have.
    pub is_measured: bool,
    /// The fewest threads that work had.
    pub fewest: u32,
    /// Jobs that had fewer threads than the engine can use.
    pub on_fewer: usize,
}

/// How the engine computes; `None` if it computes elsewhere, or nobody measured it.
pub(super) fn cores(samples: &[Sample]) -> Option<Cores> {
    let here = || samples.iter().filter(|sample| sample.threads > 0);
    if 2 * here().count() < samples.len() {
        return None;
    }
    let threads = here().map(|sample| sample.threads).max()?;
    let fewest = here().map(|sample| sample.threads).min()?;
    let serial = serial(samples, threads);
    let assumed = Compute::default().serial;
    Some(Cores {
        compute: Compute {
            threads,
            serial: serial.unwrap_or(assumed),
        },
        is_measured: serial.is_some() || threads == 1,
        fewest,
        on_fewer: here().filter(|sample| sample.threads < threads).count(),
    })
}

/// The part of the time that more threads do not shorten.
fn serial(samples: &[Sample], threads: u32) -> Option<f64> {
    let on = |count: u32| {
        let is_of_use = move |sample: &&Sample| {
            sample.threads == count && !sample.is_disturbed && !sample.time.is_given_up
        };
        samples.iter().filter(is_of_use)
    };
    if threads < 2 || on(1).count() < JOBS_MIN || on(threads).count() < JOBS_MIN {
        return None;
    }
    // Work differs, so that a time on one thread is held against one of the same work on all.
    let points: Vec<(f64, f64)> = on(threads)
        .filter_map(|s| Some((s.work?, s.time.ms)))
        .collect();
    let slope = line::through(&points).map_or(0.0, |line| line.slope);
    let left = |sample: &Sample| sample.time.ms - slope * sample.work.unwrap_or(0.0);
    let base = middle(on(threads).map(left))?;
    let longer = middle(on(1).map(|sample| {
        let expected = base + slope * sample.work.unwrap_or(0.0);
        sample.time.ms / expected.max(1e-3)
    }))?;
    let n = f64::from(threads);
    Some(((n - longer) / (n - 1.0)).clamp(0.0, 1.0))
}

fn middle(values: impl Iterator<Item = f64>) -> Option<f64> {
    Empirical::of(&values.map(Time::ended).collect::<Vec<_>>()).quantile(0.5)
}

impl Cores {
    /// A sample as it would have been on all threads.
    pub(super) fn on_all(&self, sample: Sample) -> Sample {
        if sample.threads == 0 || sample.threads >= self.compute.threads {
            return sample;
        }
        let second = std::time::Duration::from_secs(1);
        let longer = self.compute.on(sample.threads, second).as_secs_f64();
        Sample {
            time: Time {
                ms: sample.time.ms / longer,
                ..sample.time
            },
            ..sample
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(work: f64, threads: u32, ms: f64) -> Sample {
        Sample {
            work: Some(work),
            threads,
            ..Sample::of(Time::ended(ms), 0, 1)
        }
    }

    /// Short texts on two threads and long ones on one, as the clauses of an answer have them.
    fn clauses(longer: f64) -> Vec<Sample> {
        let short =
            (0..20).map(|n| job(20.0 + f64::from(n), 2, 40.0 + 2.0 * (20.0 + f64::from(n))));
        let long = (0..20).map(|n| {
            let work = 30.0 + 2.0 * f64::from(n);
            job(work, 1, longer * (40.0 + 2.0 * work))
        });
        short.chain(long).collect()
    }

    #[test]
    fn work_on_one_thread_tells_how_much_of_it_is_serial() {
        let found = cores(&clauses(1.6)).expect("cores");
        assert_eq!(
            (found.compute.threads, found.fewest, found.on_fewer),
            (2, 1, 20)
        );
        assert!(
            (found.compute.serial - 0.4).abs() < 0.02 && found.is_measured,
            "{found:?}"
        );
        let on_all = found.on_all(job(50.0, 1, 1.6 * 140.0));
        assert!((on_all.time.ms - 140.0).abs() < 3.0, "{on_all:?}");
    }

    #[test]
    fn a_second_thread_that_helps_nothing_is_all_serial() {
        let found = cores(&clauses(1.0)).expect("cores");
        assert!(found.compute.serial > 0.97, "{found:?}");
    }

    #[test]
    fn without_work_on_one_thread_it_is_assumed() {
        let all: Vec<Sample> = (0..20).map(|n| job(f64::from(n), 2, 90.0)).collect();
        let found = cores(&all).expect("cores");
        assert_eq!((found.is_measured, found.compute.serial), (false, 0.4));
    }

    #[test]
    fn an_engine_that_computes_elsewhere_has_no_cores() {
        assert_eq!(cores(&[job(1.0, 0, 200.0), job(1.0, 0, 210.0)]), None);
        assert_eq!(cores(&[]), None);
    }
}
